"""Homework 4: what students see of its checks."""

import json
import warnings

import numpy as np

from . import exercise


@exercise(
    "H4.1",
    hints=(
        "np.reshape(entry['keypoints'], (17, 3)) has a row for each joint.",
        "Start from np.full((count, 17, 2), np.nan) and fill in what was found.",
    ),
)
def _(attempt):
    there = [5.0, 9.0, 0.5] * 16 + [0, 0, 0]
    right = np.full((2, 17, 2), np.nan)
    right[1, :16] = 4, 8
    text = json.dumps([{"person": 1, "keypoints": there}])
    attempt.gives(right, text, 2)


@exercise(
    "H4.2",
    hints=(
        "metrics.pck_hits(found, keypoints, visible, head, 0.5) is (N, 17): 1, 0, or "
        "NaN without a label.",
        "metrics.bootstrap_interval gives fractions: .value, .low and .high.",
    ),
)
def _(attempt):
    keypoints = np.zeros((2, 17, 2))
    found = keypoints + [3.0, 4.0]
    visible = np.full((2, 17), 2)
    attempt.gives((100, 100, 100), found, keypoints, visible, np.array([10.0, 12.0]))


@exercise(
    "H4.3",
    hints=(
        "metrics.pck_hits for both; then one function takes both.",
        "Look at metrics.paired_interval.",
    ),
)
def _(attempt):
    keypoints = np.zeros((2, 17, 2))
    visible, head = np.full((2, 17), 2), np.array([10.0, 12.0])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        attempt.gives(
            (100, 100, 100), keypoints, keypoints + 99, keypoints, visible, head
        )
