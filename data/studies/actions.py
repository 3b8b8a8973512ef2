"""What somebody does, told from keypoints: eleven motions, and a count.

    python data/studies/actions.py

draws people who move (`SyntheticMotion`), follows each with the network
`laptop`, and asks three recognisers which of the eleven motions it was:
nearest neighbour by dynamic time warping, and the same temporal network
trained on true and on predicted keypoints. Then it counts squats, jumping
jacks and push-ups. Training, choosing and testing have people of their own.
It leaves three files beside itself, and a table in README.md:

actions.json         settings, scores with intervals, what it cost
actions.npz          true and predicted keypoints of all films, no picture
actions.safetensors  the temporal network trained on predicted keypoints

Stop it at any time: the same command goes on with the next set of films. It
takes 20 minutes of one core, most of it for drawing and looking.
"""

import argparse
import time
from pathlib import Path

import numpy as np
import torch

from posecourse.datasets import SyntheticMotion
from posecourse.datasets.synthetic import STYLES
from posecourse.files import atomic_path
from posecourse.inference import Predictor
from posecourse.motion.tracks import SinglePersonTracker

SETTINGS = {
    "size": 128,
    "fps": 12,
    "speeds": [0.75, 1.25],
    # seconds of a film, its styles, and the seeds of its people
    "films": {
        "train": {"seconds": 3, "styles": list(STYLES), "people": [0, 30]},
        "valid": {"seconds": 3, "styles": list(STYLES), "people": [100, 103]},
        "test": {"seconds": 3, "styles": list(STYLES), "people": [200, 208]},
        "count_valid": {
            "seconds": 8,
            "styles": ["squat", "jumping_jack"],
            "people": [100, 102],
        },
        "count_test": {
            "seconds": 8,
            "styles": ["squat", "jumping_jack"],
            "people": [200, 210],
        },
    },
}
UNIT = 10  # keypoints are stored in tenths of a pixel
UNKNOWN = np.iinfo(np.int16).min


def motion(style, person, about, settings):
    """The film of a style and a person, at a speed of their own."""
    rng = np.random.default_rng([person, list(STYLES).index(style)])
    return SyntheticMotion(
        style,
        seconds=about["seconds"],
        fps=settings["fps"],
        size=settings["size"],
        seed=person,
        speed=round(rng.uniform(*settings["speeds"]), 3),
    )


def film(moves, predictor):
    """True and predicted keypoints ``(T, K, 2)``, and scores ``(T, K)``."""
    tracker = SinglePersonTracker(predictor)
    predicted = np.full((len(moves), len(predictor.skeleton), 2), np.nan)
    scores = np.zeros(predicted.shape[:2])
    for i in range(len(moves)):
        for pose in tracker(moves.read_image(moves[i])).values():
            predicted[i], scores[i] = pose.keypoints, pose.scores
    return moves.camera.project(moves.joints), predicted, scores


def films(name, settings):
    """A set of films, as they are stored."""
    torch.set_num_threads(1)
    about = settings["films"][name]
    predictor = Predictor.load("laptop", "cpu")
    cases = [
        (style, person)
        for style in about["styles"]
        for person in range(*about["people"])
    ]
    begun, made, repetitions = time.process_time(), [], []
    for style, person in cases:
        moves = motion(style, person, about, settings)
        made.append(film(moves, predictor))
        repetitions.append(moves.repetitions)
    truth, predicted, scores = (np.stack(part) for part in zip(*made))
    return {
        "label": np.array([list(STYLES).index(style) for style, _ in cases], np.int8),
        "person": np.array([person for _, person in cases], np.int16),
        "repetitions": np.array(repetitions, np.int16),
        "truth": packed(truth),
        "predicted": packed(predicted),
        "scores": np.round(255 * scores.clip(0, 1)).astype(np.uint8),
        "cpu_seconds": np.float32(time.process_time() - begun),
    }


def packed(points):
    """Keypoints as whole tenths of a pixel."""
    whole = np.where(np.isfinite(points), np.round(UNIT * points), UNKNOWN)
    return whole.astype(np.int16)


def unpacked(whole):
    """Keypoints in pixels; NaN while the person was lost."""
    return np.where(whole == UNKNOWN, np.nan, whole / UNIT)


def stored_films(path, settings):
    """All sets of films, those that are missing made anew."""
    known = {}
    if path.exists():
        with np.load(path) as file:
            known = dict(file)
    for name, about in settings["films"].items():
        told = repr({**settings, "films": about})
        if str(known.get(f"{name}/settings")) == told:
            continue
        print(f"drawing and following the people of {name}", flush=True)
        known |= {f"{name}/{k}": v for k, v in films(name, settings).items()}
        known[f"{name}/settings"] = np.array(told)
        with atomic_path(path) as temporary, open(temporary, "wb") as file:
            np.savez_compressed(file, **known)
    return known


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--out", type=Path, default=Path(__file__).parent)
    args = parser.parse_args()
    stored_films(args.out / "actions.npz", SETTINGS)
