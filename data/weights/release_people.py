"""Turn the runs of `train_detector.py`, `train_bottom_up.py` and
`train_crowd.py` into weights that come with the course.

    python data/weights/release_people.py runs/detector detector
    python data/studies/several_people.py --coco data/coco --mpii data/mpii
    python data/weights/release_people.py data/weights/detector detector

The first line rounds the weights to 16 bits; the second measures all of them
together; the third writes the card with what was measured. A card quotes only
figures of the very file that lies beside it.
"""

from __future__ import annotations

import argparse
import platform
import shutil
from pathlib import Path

import torch
from release_weights import is_released, round_weights, whole_folder

from posecourse import models
from posecourse.files import format_bytes, read_json, sha256, write_json
from posecourse.training.curves import read_log

HERE = Path(__file__).resolve().parent
DRAWN = (
    "drawn by this package: no photograph, nobody's data. Licence as the course's code"
)
PHOTOGRAPHS = (
    "Licence of the code: as the course's. **The weights are for research**, as the "
    "photographs are (Leeds Sports Pose Extended, Johnson and Everingham 2011, the "
    "7,843 people of a training split; their pictures come without a licence)"
)
# What each is, what it was trained on, how, and where it fails.
ABOUT = {
    "detector": {
        "title": "detector: people's boxes, in photographs and drawn scenes",
        "data": "2,048 drawn scenes of one to six people (`SyntheticScenes`), and "
        "2,048 mosaics of photographs with one labelled person each; trunk begun with "
        f"EfficientNet-Lite0 of ImageNet (Apache-2.0). {PHOTOGRAPHS}",
        "command": "python data/weights/train_detector.py --photos data/lspet --out "
        "runs/detector",
        "fails": (
            "**People who stand close together**: see the table by overlap.",
            "**Small people**: it was trained on people of 30 pixels or more; in a "
            "picture that is brought to a longer side of 256 pixels, as it is unless "
            "you ask for more, one of 640 pixels shows these from 75 pixels on.",
            "**Photographs**: it has seen athletes one by one, in rectangles pasted "
            "beside each other, and no crowd, no street, nobody seated at a table.",
            "Its scores are not calibrated. The default threshold and size of picture "
            "were chosen with a look at the photographs above, so expect a little less "
            "on others.",
        ),
    },
    "bottom_up": {
        "title": "bottom_up: joints and bones of everybody, in drawn scenes",
        "data": "1,600 drawn scenes of one to four people (`SyntheticScenes`), begun "
        f"with `laptop`, {DRAWN}",
        "command": "python data/weights/train_bottom_up.py --out runs/bottom-up",
        "fails": (
            "**Accuracy**: it was trained for minutes, on pictures of 128 x 96.",
            "**Photographs**: it has never seen one.",
            "Somebody whose pelvis or thorax is not found falls into pieces: the bones "
            "are a tree, with no second way.",
        ),
    },
    "crowd": {
        "title": "crowd: a pose network for drawn people who stand close together",
        "data": "the people of 1,000 drawn scenes of two to four (`SyntheticScenes`), "
        f"begun with `laptop`, {DRAWN}",
        "command": "python data/weights/train_crowd.py --out runs/crowd",
        "fails": (
            "**Photographs**: it has never seen one.",
            "**Fine places**: its picture has 64 pixels, a cell of its maps two.",
            "It guesses who is meant from who is in the middle of the box.",
        ),
    },
}
FILES = ("log.csv", "curves.png", "config.json")


def main(argv=None) -> int:
    """Run the command; returns the exit status."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n\n")[0])
    parser.add_argument("run", type=Path, help="a finished run, or a released folder")
    parser.add_argument("name", choices=ABOUT)
    parser.add_argument("--to", type=Path, default=HERE)
    args = parser.parse_args(argv)
    with whole_folder(args.to / args.name) as folder:
        weights = folder / "weights.safetensors"
        if is_released(args.run):
            shutil.copyfile(args.run / weights.name, weights)
            origin = read_json(args.run / "origin.json")
        else:
            round_weights(args.run / weights.name, weights)
            origin = {
                "command": ABOUT[args.name]["command"],
                "python": platform.python_version(),
                "torch": torch.__version__.partition("+")[0],
            }
        for file in FILES:
            shutil.copyfile(args.run / file, folder / file)
        write_json(folder / "origin.json", origin)
        (folder / "README.md").write_text(card(args.name, folder, origin), "utf-8")
    print((args.to / args.name / "README.md").read_text("utf-8"))
    return 0


def card(name: str, folder: Path, origin: dict) -> str:
    """The model card."""
    about, weights = ABOUT[name], folder / "weights.safetensors"
    model, config = models.load_model(weights), read_json(folder / "config.json")
    log, checksum = read_log(folder), sha256(weights)
    width, height = model.input_size
    rows = {
        "network": f"`{model.name}`, {sum(p.numel() for p in model.parameters()):,} "
        f"parameters, trained on pictures of {width} x {height}",
        "file": f"`{weights.name}`, 16 bits, {format_bytes(weights.stat().st_size)}, "
        f"SHA-256 `{checksum[:16]}...`",
        "trained on": about["data"],
        "command": f"`{origin['command']}` (seed {config['seed']}), then `python "
        f"data/weights/release_people.py {origin['command'].split()[-1]} {name}`",
        "trained in": f"{log[-1]['step']:,.0f} steps, {config['epochs']} epochs; "
        f"Python {origin['python']}, torch {origin['torch']}",
    }
    lines = [f"# {about['title']}", "", "Made by `data/weights/release_people.py`; do "]
    lines[-1] += "not edit by hand."
    lines += ["", "| | |", "|---|---|", *(f"| {k} | {v} |" for k, v in rows.items())]
    lines += ["", "## How good it is", "", *measured(name, log, checksum)]
    lines += ["", "## Where it fails", "", *(f"- {text}" for text in about["fails"])]
    return "\n".join([*lines, "", "Use it to learn with, not to judge people.", ""])


def measured(name: str, log, checksum: str) -> list[str]:
    """What the study says about this very file; and the last validation."""
    last = log[-1]
    score = {
        "detector": "box AP at an overlap of 0.5",
        "bottom_up": "OKS-AP",
        "crowd": "PCKh@0.5",
    }[name]
    trivial = last.get("mean_box", last.get("mean_pose"))
    lines = [
        f"At the end of the run, on its validation pictures, {score}: "
        f"{last['score']:.1f} %"
        + (
            f" (the mean {'box' if name == 'detector' else 'pose'}: {trivial:.1f} %)."
            if trivial is not None
            else "."
        )
    ]
    path = HERE.parent / "studies" / "several_people.json"
    study = read_json(path) if path.is_file() else {}
    if study.get("weights", {}).get(name) != checksum:
        return lines
    by_overlap = [v for k, v in sorted(study.items()) if k.startswith("overlap")]
    lines += [
        "",
        f"OKS-AP in percent on {by_overlap[0]['pictures']} drawn scenes of two to four people for each degree "
        "of overlap (the mean over people of the largest IoU with somebody else's "
        "box); 95 % interval of a bootstrap over pictures. From "
        "`data/studies/several_people.json`.",
        "",
        "| | " + " | ".join(f"overlap {r['overlap']:.2f}" for r in by_overlap) + " |",
        "|---|" + "---|" * len(by_overlap),
    ]
    for row in by_overlap[0]["keypoints"]:
        cells = (
            "{:.1f} ({:.1f}-{:.1f})".format(*r["keypoints"][row]["AP"])
            for r in by_overlap
        )
        lines.append(f"| {row} | " + " | ".join(cells) + " |")
    boxes = " | ".join(
        f"{r['boxes']['recall']:.1f} at {r['boxes']['false_alarms']:.2f}"
        for r in by_overlap
    )
    lines.append(f"| boxes found, % at false alarms a picture | {boxes} |")
    if name == "detector" and "photographs" in study:
        lines += ["", "On photographs (all of those at hand; few):", ""]
        for where, about in study["photographs"].items():
            clear = about["clear_people"]
            lines.append(
                f"- {where}: {about['pictures']} pictures; of the people with ten or "
                f"more labelled joints and a side of 60 pixels or more, "
                f"{clear['found']} of {clear['people']} found at an IoU of 0.5; "
                f"{about['false_alarms']:.2f} boxes a picture on nobody who is labelled."
            )
    return lines


if __name__ == "__main__":
    raise SystemExit(main())
