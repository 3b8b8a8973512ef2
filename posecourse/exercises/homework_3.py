"""Homework 3: what students see of its checks."""

import dataclasses

import numpy as np
import torch

from .. import metrics
from ..datasets import SyntheticPeople, crop_in_memory
from . import exercise
from .attempt import FILL_IN, NotYet, as_numbers, empty


@exercise(
    "H3.1",
    hints=(
        'nn.functional.huber_loss(output, target, reduction="none", delta=0.1) has '
        "the formula; sum over x and y, then weigh.",
        "NaN times 0 is NaN. `torch.where(weights[..., None] > 0, target, 0.0)` takes "
        "the NaN out before anything is computed; do the same with the output.",
    ),
)
def _(attempt):
    output = torch.tensor([[[0.06, 1.0], [2.0, 2.0]]])
    target = torch.tensor([[[0.0, 0.0], [float("nan"), float("nan")]]])
    attempt.gives(
        [[0.0968, 0.0]], output, target, torch.tensor([[1.0, 0.0]]), tolerance=1e-5
    )


@exercise(
    "H3.2",
    hints=(
        "Layers that are attributes of the network are found by the training: "
        "self.layers = nn.Sequential(...).",
        "32 pixels become 4 after three strides of 2, so `Flatten` gives "
        "4 * width * 4 * 4 numbers.",
        "The last layer gives 2 * joints numbers; .unflatten(1, (-1, 2)) makes pairs.",
    ),
)
def _(attempt):
    network = attempt(width=4)
    for count in (2, 3):
        pictures = torch.rand(count, 3, 32, 32)
        found = network(pictures)
        if empty(found):
            raise NotYet("Your network gives nothing. " + FILL_IN)
        numbers = as_numbers(found)
        attempt.require(
            numbers is not None and numbers.shape == (count, 16, 2),
            f"Pictures (N, 3, 32, 32) become (N, 16, 2); for N = {count} yours gives "
            f"{tuple(getattr(found, 'shape', ()))}.",
        )


@exercise(
    "H3.3",
    hints=(
        "train(config, (crops, crops), loss=huber) gives the folder of the run; its "
        "network is load_model(run / 'weights.safetensors').",
        "predict_crops(network, asked) gives keypoints first, in the pixels of the "
        "crops.",
    ),
)
def _(attempt):
    people = crop_in_memory(
        SyntheticPeople(48, size=40, seed=8, margin=1.25), 40, 1.25, workers=1
    )
    asked = unlabelled(people, np.arange(47, -1, -1))
    got = attempt(people, [asked])
    found = as_numbers(got[0]) if isinstance(got, (list, tuple)) and got else None
    attempt.require(
        found is not None and found.shape == (48, 16, 2),
        "A list is asked for, with joints (N, 16, 2) for each dataset of `asked`: "
        "predict_crops gives them first.",
    )
    score, constant = scores(found[::-1], people)
    attempt.require(
        score > constant + 10,
        f"It finds {score:.1f} % of the joints in pictures it was trained on, the "
        f"mean pose {constant:.1f} %; more than {constant + 10:.1f} % are asked for. "
        "Are the joints those of `asked`, in its order? Is the network trained for 3 "
        "epochs of 120 steps, without augmentation?",
    )


def unlabelled(people, order):
    """Crops in another order, and nobody says where their joints are."""
    chosen = people.subset(order)
    return dataclasses.replace(
        chosen,
        keypoints=np.full_like(chosen.keypoints, np.nan),
        visible=np.zeros_like(chosen.visible),
    )


def scores(found, people) -> tuple[float, float]:
    """PCKh@0.5 in percent, and that of the mean pose."""
    mean = metrics.mean_pose(people.keypoints, people.visible)
    columns = metrics.pckh_columns(people.skeleton)
    first, second = (
        100
        * metrics.pckh(pose, people.keypoints, people.visible, people.head_size).pooled(
            columns
        )
        for pose in (found, np.broadcast_to(mean, found.shape))
    )
    return first, second
