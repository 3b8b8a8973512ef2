"""What came before networks, measured beside them.

    python data/studies/classical.py
    python data/studies/classical.py --data data/lspet

learns pictorial models (HOG, linear SVMs, springs; chapter 2) on drawn people
of two difficulties and, with --data, on the `train` people of a folder in
MPII's layout, and asks them about people they have not seen: of the split
`test` of the drawn ones, `valid` of the photographs. Beside them stand the
mean pose and the networks that come with the course, asked about the same
crops. What SETTINGS leave unchanged is not done again. It leaves beside itself

classical.json          settings, scores with intervals, what it cost
classical.safetensors   the model of standard drawn people, for chapter 2

and a table in README.md. Ten minutes of two cores, and the networks' models.
"""

import argparse
import json
import time
from pathlib import Path

import numpy as np
import torch

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
COUNTED = [k for k, j in enumerate(MPII.joints) if j not in ("pelvis", "thorax")]
BEGIN, END = "<!-- classical.py writes this table -->", "<!-- its end -->"


def study(folder, data=None, settings=SETTINGS):
    """Learn and ask what is not done yet; returns the JSON's content.

    Parameters
    ----------
    folder:
        Where the files are, or come.
    data:
        A folder of photographs; None leaves their rows as they are.
    """
    folder = Path(folder)
    rows = finished(folder, settings)
    for kind, about in settings["people"].items():
        if kind in rows or (kind == "photographs" and data is None):
            continue
        train, test = (
            crops(kind, split, count, data, settings["size"])
            for split, count in (
                ("train", about["train"]),
                ("test", settings["test_people"]),
            )
        )
        rows[kind], model = compare(train, test, about["networks"], settings)
        if kind == "standard":
            model.save(folder / "classical.safetensors")
        write_json(
            folder / "classical.json", plain({"settings": settings, "people": rows})
        )
        write_table(folder / "README.md", rows)
    return json.loads((folder / "classical.json").read_text("utf-8"))


def finished(folder, settings):
    """What an earlier study with these settings has left."""
    path = folder / "classical.json"
    old = json.loads(path.read_text("utf-8")) if path.is_file() else {}
    return old["people"] if old.get("settings") == plain(settings) else {}


def crops(kind, split, count, data, size):
    """People cut out, drawn or photographed."""
    if kind == "photographs":
        people = open_dataset(data, "valid" if split == "test" else split).first(count)
    else:
        people = SyntheticPeople(count, size=size, difficulty=kind, split=split)
    return crop_in_memory(people, size, margin=1.0)


def compare(train, test, networks, settings):
    """Who finds how many joints; and the model whose row is SHOWN."""
    rows, kept = {}, None
    mean = metrics.mean_pose(train.keypoints, train.visible)
    rows["mean pose"] = score(mean, test)
    for name, options in settings["models"].items():
        start = time.process_time()
        model = PictorialModel.fit(train, **options)
        learned = time.process_time() - start
        if name == SHOWN:
            kept = model
            rows["each joint alone"] = score(alone(model, test.crops), test)
        start = time.process_time()
        points, _ = model.predict(test.crops)
        asked = (time.process_time() - start) / len(test)
        rows[name] = {
            **score(points, test),
            "cpu_seconds": round(learned, 1),
            "cpu_milliseconds": round(1000 * asked, 1),
        }
    for name in networks:
        network = load_model(pretrained(name) / "weights.safetensors")
        start = time.process_time()
        points, *_ = evaluation.predict_crops(network, test)
        asked = (time.process_time() - start) / len(test)
        rows[name] = {**score(points, test), "cpu_milliseconds": round(1000 * asked, 1)}
    _, visible, metric, threshold = evaluation.pck_normalizer(test)
    return {
        "trained_on": len(train),
        "asked_about": int((visible > 0).any(1).sum()),
        "metric": f"{metric}@{threshold:g}",
        "rows": rows,
    }, kept


def alone(model, pictures):
    """Each joint where its detectors are surest, whatever the others say."""
    found = []
    for start in range(0, len(pictures), 16):
        best = model.scores(pictures[start : start + 16]).max(2)
        flat = best.reshape(*best.shape[:2], -1).argmax(-1)
        rows, columns = np.divmod(flat, best.shape[-1])
        found.append(np.stack([columns, rows], -1))
    return to_pixels(np.concatenate(found), model.pixels_per_cell)


def score(points, people):
    """PCK in percent with its interval, by part, and what the misses are."""
    size, visible, _, threshold = evaluation.pck_normalizer(people)
    points = np.broadcast_to(points, people.keypoints.shape)
    hits = metrics.pck_hits(points, people.keypoints, visible, size, threshold)
    interval = metrics.bootstrap_interval(hits, COUNTED)
    # there, half a unit is the distance of a hit
    errors = metrics.error_breakdown(
        points, people.keypoints, visible, size * threshold / 0.5, people.skeleton
    )
    return {
        "pck": [round(100 * v, 2) for v in interval[:3]],
        "parts": {
            label: round(100 * float(np.nanmean(hits[:, MPII.indices(joints)])), 1)
            for label, joints in MPII.groups.items()
        },
        "errors": {
            kind: round(100 * share, 1) for kind, share in errors.shares.items()
        },
    }


def table(people):
    """Rows of who answers, columns of whom about, as Markdown."""
    names = {name: None for about in people.values() for name in about["rows"]}
    heads = [f"{kind} ({about['metric']})" for kind, about in people.items()]
    lines = [["", *heads], ["---"] * (len(heads) + 1)]
    for name in names:
        cells = [
            "{:.1f} ({:.1f} to {:.1f})".format(*about["rows"][name]["pck"])
            if name in about["rows"]
            else ""
            for about in people.values()
        ]
        lines.append([name, *cells])
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def write_table(path, people):
    """Put the table between its two marks, if the page has them."""
    if not path.is_file():
        return
    before, _, rest = path.read_text("utf-8").partition(BEGIN)
    _, marked, after = rest.partition(END)
    if marked:
        text = f"{before}{BEGIN}\n\n{table(people)}\n\n{END}{after}"
        with atomic_path(path) as temporary:
            temporary.write_text(text, encoding="utf-8")


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
    torch.set_num_threads(2)
    study(given.out, given.data)
