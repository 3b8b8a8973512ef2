"""What came before networks, measured beside them.

    python data/studies/classical.py --data data/lspet

learns pictorial models (HOG, linear SVMs, springs; chapter 2) on drawn people
of two difficulties and on the `train` people of a folder in MPII's layout, and
shows them people they have not seen: the split `test` of the drawn ones,
`valid` of the photographs. Beside them stand the mean pose and the networks
that come with the course, shown the same crops. It leaves three files beside
itself, and two tables in README.md:

classical.json          settings, scores with intervals, what it cost
classical.npz           the predictions and the labels, to score in any other
                        way; no picture, nor anything one could be made from
classical.safetensors   the model of standard drawn people, for chapter 2

Numbers are stored unrounded: they are rounded once, where they are printed.

Without --data only drawn people are measured. Stop it at any time: the same
command goes on with the next kind of people. It takes ten minutes of one core.
"""

import argparse
import json
import platform
import time
from pathlib import Path

import numpy as np
import skimage
import sklearn
import torch
from pages import cell, percent, write_table

from posecourse import evaluation, metrics
from posecourse.classical import PictorialModel
from posecourse.classical.parts import to_pixels
from posecourse.datasets import SyntheticPeople, crop_in_memory
from posecourse.datasets.registry import open_dataset
from posecourse.files import atomic_path, plain, write_json
from posecourse.models import load_model
from posecourse.models.pretrained import pretrained
from posecourse.skeletons import MPII

SETTINGS = {
    "size": 128,
    "test_people": 1000,
    # training people, and the networks to stand beside
    "people": {
        "easy": {"train": 600, "networks": ["laptop"]},
        "standard": {"train": 2000, "networks": ["laptop"]},
        "photographs": {"train": 3000, "networks": ["laptop", "posenet", "photos"]},
    },
    "models": {
        "one type": {"types": 1},
        "six types": {"types": 6},
        "six types, no mining": {"types": 6, "mining": 0},
    },
}
SHOWN = "six types"  # whose detectors are also asked alone; the stored model
ALONE = "each joint alone"
# What is gained: by whom, over whom.
GAINS = {
    "springs": (SHOWN, ALONE),
    "six types instead of one": (SHOWN, "one type"),
    "hard negatives": (SHOWN, "six types, no mining"),
}
COUNTED = metrics.pckh_columns(MPII)


def study(folder, data=None, settings=SETTINGS):
    """Learn and predict what is not done yet; returns the JSON's content.

    Parameters
    ----------
    folder:
        Where the files are, or come.
    data:
        A folder of photographs; None leaves their rows as they are.
    """
    folder = Path(folder)
    people, predictions = finished(folder, settings)
    for kind in settings["people"]:
        if kind in people or (kind == "photographs" and data is None):
            continue
        known, costs, model = compare(kind, data, settings)
        if kind == "standard":
            model.save(folder / "classical.safetensors")
        known = {f"{kind}/{name}": values for name, values in known.items()}
        predictions = {**predictions, **known}
        people[kind] = about(kind, predictions, costs, settings)
        write(folder, summary(people, settings), predictions)
    result = json.loads((folder / "classical.json").read_text("utf-8"))
    write_table(folder / "README.md", "classical.py", table(result))
    return result


def crops(kind, split, count, data, size):
    """People cut out, drawn or photographed."""
    if kind == "photographs":
        people = open_dataset(data, "valid" if split == "test" else split).first(count)
    else:
        people = SyntheticPeople(count, size=size, difficulty=kind, split=split)
    return crop_in_memory(people, size, margin=1.0, workers=1)


# ------------------------------------------------------------- predictions


def compare(kind, data, settings):
    """Learn from some people, and predict others.

    Returns
    -------
    known:
        Name -> array, pixels of the crops: the labels, what distances are
        divided by, the mean pose, and everyone's predictions in hundredths of
        a pixel, which loses nothing that counts.
    costs:
        Name -> seconds of one core to learn, milliseconds of it per picture.
    model:
        The one that is `SHOWN`.
    """
    counts = settings["people"][kind]["train"], settings["test_people"]
    train, test = (
        crops(kind, split, count, data, settings["size"])
        for split, count in zip(("train", "test"), counts)
    )
    known, costs, models, learned = labels(kind, train, test), {}, {}, {}
    for name, options in settings["models"].items():
        start = time.process_time()
        models[name] = PictorialModel.fit(train, **options)
        learned[name] = {"cpu_seconds": round(time.process_time() - start, 1)}
    networks = settings["people"][kind]["networks"]
    predictors = {
        ALONE: lambda: alone(models[SHOWN], test.crops),
        **{n: lambda m=m: m.predict(test.crops)[0] for n, m in models.items()},
        **{name: lambda name=name: by_network(name, test) for name in networks},
    }
    for name, predict in predictors.items():
        start = time.process_time()
        known[name] = np.rint(100 * predict()).astype(np.int16)
        each = 1000 * (time.process_time() - start) / len(test)
        costs[name] = {**learned.get(name, {}), "cpu_milliseconds": round(each, 1)}
    return known, costs, models[SHOWN]


def labels(kind, train, test):
    """What is known of the people, without a look at a picture.

    Photographs are measured by the torso (left shoulder to right hip); who has
    none labelled is left out.
    """
    visible, unit = test.visible, test.head_size
    if kind == "photographs":
        unit = metrics.torso_size(test.keypoints, visible, MPII)
        visible = visible * (unit > 0)[:, None]
        unit = np.where(unit > 0, unit, 1)
    mean = metrics.mean_pose(train.keypoints, train.visible)
    return {
        "keypoints": test.keypoints.astype(np.float32),
        "visible": visible.astype(np.uint8),
        "unit": unit.astype(np.float32),
        "mean_pose": mean.astype(np.float32),
    }


def alone(model, pictures):
    """Each joint where its detectors are surest, whatever the others say."""
    found = []
    for start in range(0, len(pictures), 16):
        best = model.scores(pictures[start : start + 16]).max(2)
        flat = best.reshape(*best.shape[:2], -1).argmax(-1)
        rows, columns = np.divmod(flat, best.shape[-1])
        found.append(np.stack([columns, rows], -1))
    return to_pixels(np.concatenate(found), model.pixels_per_cell)


def by_network(name, people):
    """What a network that comes with the course predicts."""
    network = load_model(pretrained(name) / "weights.safetensors")
    return evaluation.predict_crops(network, people)[0]


# ----------------------------------------------------------------- results


def metric(kind):
    """How joints are counted: the metric's name, and its threshold."""
    return ("PCK", 0.2) if kind == "photographs" else ("PCKh", 0.5)


def of(kind, predictions):
    """Name -> array of one kind of people; predictions in pixels again."""
    fixed = {"keypoints", "visible", "unit", "mean_pose"}
    names = [
        n.removeprefix(f"{kind}/") for n in predictions if n.startswith(f"{kind}/")
    ]
    return {
        name: predictions[f"{kind}/{name}"] / (1 if name in fixed else 100)
        for name in names
    }


def hits(kind, points, known):
    """As `metrics.pck_hits`, for the people of the study."""
    return metrics.pck_hits(
        np.broadcast_to(points, known["keypoints"].shape),
        known["keypoints"],
        known["visible"],
        known["unit"],
        metric(kind)[1],
    )


def score(kind, points, known):
    """PCK with its interval, by body part, and what the misses are."""
    found = hits(kind, points, known)
    # there, half a unit is the distance of a hit
    unit = known["unit"] * metric(kind)[1] / 0.5
    points = np.broadcast_to(points, known["keypoints"].shape)
    errors = metrics.error_breakdown(points, known["keypoints"], known["visible"], unit)
    return {
        "pck": percent(metrics.bootstrap_interval(found, COUNTED)),
        "parts": {
            label: 100 * float(np.nanmean(found[:, MPII.indices(joints)]))
            for label, joints in MPII.groups.items()
        },
        "errors": {name: 100 * share for name, share in errors.shares.items()},
    }


def about(kind, predictions, costs, settings):
    """What the JSON says about one kind of people."""
    known = of(kind, predictions)
    name, threshold = metric(kind)
    rows = {"mean pose": score(kind, known["mean_pose"], known)}
    for who, cost in costs.items():
        rows[who] = {**score(kind, known[who], known), **cost}
    return {
        "trained_on": settings["people"][kind]["train"],
        "scored": int((known["visible"] > 0).any(1).sum()),
        "metric": f"{name}@{threshold:g}",
        "rows": rows,
        "gains": {
            what: gain(kind, first, second, known)
            for what, (first, second) in GAINS.items()
            if {first, second} <= set(rows)
        },
    }


def gain(kind, first, second, known):
    """PCK of the first minus that of the second, and its paired interval."""
    both = (hits(kind, known[who], known) for who in (first, second))
    return percent(metrics.paired_interval(*both, COUNTED))


def summary(people, settings):
    """What the JSON holds."""
    return plain(
        {
            "command": "python data/studies/classical.py --data data/lspet",
            "about": "percent, with 95 % intervals over people; gains are paired; "
            "scores are not rounded",
            "versions": {
                "python": platform.python_version(),
                "torch": torch.__version__,
                "numpy": np.__version__,
                "scikit-image": skimage.__version__,
                "scikit-learn": sklearn.__version__,
            },
            "settings": settings,
            "people": people,
        }
    )


def finished(folder, settings):
    """What an earlier study with these settings has left."""
    try:
        old = json.loads((folder / "classical.json").read_text("utf-8"))
        with np.load(folder / "classical.npz") as file:
            predictions = dict(file)
    except FileNotFoundError:
        return {}, {}
    if old["settings"] != plain(settings):
        return {}, {}
    return old["people"], predictions


def write(folder, result, predictions):
    """Predictions first: people in the JSON have their predictions stored."""
    with atomic_path(folder / "classical.npz") as path:
        np.savez_compressed(path, **predictions)
    write_json(folder / "classical.json", result)


# ------------------------------------------------------------------- table


def table(result):
    """Who finds how much of whom, then what is gained by what, as Markdown."""
    people = result["people"]
    names = dict.fromkeys(n for kind in people.values() for n in kind["rows"])
    heads = [f"{kind}, {about['metric']}" for kind, about in people.items()]
    lines = [["", *heads], ["---"] * (len(heads) + 1)]
    for name in names:
        found = (about["rows"].get(name) for about in people.values())
        lines.append([name, *(cell(row["pck"]) if row else "" for row in found)])
    lines += [[], ["gained by", *heads], ["---"] * (len(heads) + 1)]
    for what in GAINS:
        found = (about["gains"].get(what) for about in people.values())
        lines.append([what, *(cell(pck, "+") if pck else "" for pck in found)])
    return "\n".join(f"| {' | '.join(line)} |" if line else "" for line in lines)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(
        description="Measure pictorial structures beside the course's networks."
    )
    parser.add_argument(
        "--data", help="a folder of photographs in MPII's layout, train and valid"
    )
    parser.add_argument(
        "--out",
        default=Path(__file__).parent,
        type=Path,
        help="folder for the files (default: beside this script)",
    )
    given = parser.parse_args()
    study(given.out, given.data)
