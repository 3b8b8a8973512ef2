"""What somebody does, told from keypoints: eleven motions, and a count.

    python data/studies/actions.py

draws people who move (`SyntheticMotion`), follows each with the network
`laptop`, and asks which of the eleven motions it was: the nearest neighbour by
dynamic time warping, and a temporal network trained on true or on predicted
keypoints. Then it counts squats and jumping jacks. Training, choosing and
testing have people of their own. It leaves three files beside itself, and a
table in README.md:

actions.json         settings, scores with intervals, what it cost
actions.npz          true and predicted keypoints of all films, no picture
actions.safetensors  the temporal network trained on predicted keypoints

Stop it at any time: the same command goes on with the next set of films. It
takes six minutes of one core, five of them for drawing and looking.
"""

import argparse
import tempfile
import time
from pathlib import Path

import numpy as np
import torch
from pages import cell, percent, write_table

from posecourse import metrics
from posecourse.datasets import SyntheticMotion
from posecourse.datasets.synthetic import STYLES
from posecourse.files import atomic_path, plain, write_json
from posecourse.inference import Predictor
from posecourse.motion.actions import (
    ActionNetwork,
    ActionRecognizer,
    ActionTask,
    NearestNeighbor,
    body_centred,
    resample,
)
from posecourse.motion.events import ExerciseCounter
from posecourse.motion.tracks import SinglePersonTracker
from posecourse.training import FitSettings, RunFolder, fit

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
    # 600 steps of 64 sequences
    "training": {"epochs": 3, "lr": 0.004, "weight_decay": 0.05},
    "steps_per_epoch": 200,
    "batch_size": 64,
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
        told = repr([settings[key] for key in ("size", "fps", "speeds")] + [about])
        if str(known.get(f"{name}/settings")) == told:
            continue
        print(f"drawing and following the people of {name}", flush=True)
        known |= {f"{name}/{k}": v for k, v in films(name, settings).items()}
        known[f"{name}/settings"] = np.array(told)
        with atomic_path(path) as temporary, open(temporary, "wb") as file:
            np.savez_compressed(file, **known)
    return known


# ---------------------------------------------------------------- results


def sequences(name, kind, known, settings):
    """Body-centred sequences ``(N, T, K, 2)`` of a set, and their labels.

    `kind` is ``"truth"`` or ``"predicted"``.
    """
    points = unpacked(known[f"{name}/{kind}"])
    times = np.arange(points.shape[1]) / settings["fps"]
    whole = np.stack([resample(p, times, len(times)) for p in points])
    return body_centred(whole), known[f"{name}/label"].astype(int)


def trained(kind, known, settings):
    """A recogniser trained on the true or predicted keypoints of `train`."""
    train, valid = (sequences(n, kind, known, settings) for n in ("train", "valid"))
    task = ActionTask(
        train,
        valid,
        list(STYLES),
        batch_size=settings["batch_size"],
        steps_per_epoch=settings["steps_per_epoch"],
    )
    how = FitSettings(**settings["training"], device="cpu", amp="fp32")
    torch.manual_seed(0)
    network = ActionNetwork(len(STYLES))
    with tempfile.TemporaryDirectory() as folder, RunFolder(folder) as run:
        network = fit(network, task, how, run)
    return ActionRecognizer(network, STYLES, train[0].shape[1])


def accuracy(said, known, settings):
    """Share of right answers in percent, with its interval over people."""
    labels, styles = known["test/label"], settings["films"]["test"]["styles"]
    right = (said == labels).astype(float).reshape(len(styles), -1)
    return percent(metrics.bootstrap_interval(right.T))


def count(exercise, points, scores, fps, **options):
    """Repetitions in a film ``(T, K, 2)`` with scores ``(T, K)``."""
    counter = ExerciseCounter(exercise, **options)
    for i, (pose, sure) in enumerate(zip(points, scores)):
        counter(pose, sure, i / fps)
    return len(counter.repetitions)


def counts(name, known, settings):
    """What is counted in each film of a set, from predicted keypoints."""
    points = unpacked(known[f"{name}/predicted"])
    scores = known[f"{name}/scores"] / 255
    labels = [list(STYLES)[label] for label in known[f"{name}/label"]]
    return [
        count(style, p, s, settings["fps"])
        for style, p, s in zip(labels, points, scores)
    ]


def false_counts(known, settings):
    """Repetitions per minute of other motions that a counter takes for its own."""
    about = settings["films"]["test"]
    points = unpacked(known["test/predicted"])
    scores, labels = known["test/scores"] / 255, known["test/label"]
    rates = {}
    for exercise in ("squat", "jumping_jack"):
        other = np.flatnonzero(labels != list(STYLES).index(exercise))
        total = sum(
            count(exercise, points[i], scores[i], settings["fps"]) for i in other
        )
        rates[exercise] = 60 * total / (about["seconds"] * len(other))
    return rates


def study(folder, settings=SETTINGS):
    """Make what is missing; returns the JSON's content."""
    folder = Path(folder)
    known = stored_films(folder / "actions.npz", settings)
    answers, costs = {}, {}
    for kind in ("truth", "predicted"):
        start = time.process_time()
        recognizer = trained(kind, known, settings)
        costs[kind] = round(time.process_time() - start, 1)
        for asked in ("truth", "predicted"):
            x, _ = sequences("test", asked, known, settings)
            chances = recognizer.probabilities(x)
            answers[f"network, trained on {kind}, asked on {asked}"] = chances.argmax(1)
        neighbors = NearestNeighbor(*sequences("train", kind, known, settings))
        x, _ = sequences("test", kind, known, settings)
        answers[f"nearest neighbour, {kind}"] = neighbors.predict(x)
    recognizer.save(folder / "actions.safetensors")
    labels = known["train/label"]
    answers["most frequent"] = np.full_like(
        known["test/label"], np.bincount(labels).argmax()
    )
    true = known["count_test/repetitions"].tolist()
    counted = counts("count_test", known, settings)
    usual = int(np.median(known["count_valid/repetitions"]))
    result = plain(
        {
            "settings": settings,
            "accuracy": {n: accuracy(a, known, settings) for n, a in answers.items()},
            "answers": {name: answer.tolist() for name, answer in answers.items()},
            "repetitions": {
                "true": true,
                "counted": counted,
                "exact": int(np.equal(true, counted).sum()),
                "exact_of_constant": int(np.equal(true, usual).sum()),
                "false_per_minute": false_counts(known, settings),
            },
            "cpu_seconds": {
                **{
                    n: round(float(known[f"{n}/cpu_seconds"]))
                    for n in settings["films"]
                },
                **{f"training on {kind}": cost for kind, cost in costs.items()},
            },
        }
    )
    write_json(folder / "actions.json", result)
    write_table(folder / "README.md", "actions.py", table(result))
    return result


def table(study):
    """The accuracies, as a table."""
    lines = ["|  | right of eleven motions, % |", "| --- | --- |"]
    for name, interval in study["accuracy"].items():
        lines.append(f"| {name} | {cell(interval)} |")
    return "\n".join(lines)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--out", type=Path, default=Path(__file__).parent)
    study(parser.parse_args().out)
