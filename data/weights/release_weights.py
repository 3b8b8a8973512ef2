"""Turn a finished run into weights that come with the course.

    python data/weights/release_weights.py runs/laptop-1 laptop
    python data/weights/release_weights.py runs/photos-1 photos --about "photographs of
        athletes, for research only" --called data/lspet

The weights are rounded to 16 bits, scored as they are then, and written to
``data/weights/NAME`` with their settings, log and model card. All figures
of the card are measured here, on the CPU. Of photographs nothing is shown.
"""

from __future__ import annotations

import argparse
import csv
import json
import platform
import shutil
import sys
from pathlib import Path

import cv2
import numpy as np
import torch

from posecourse import drawing, metrics, models
from posecourse.datasets import open_crops
from posecourse.evaluation import evaluate, pck_normalizer
from posecourse.files import atomic_path, format_bytes, write_json
from posecourse.geometry import resize_points
from posecourse.models.profile import summarise

HERE = Path(__file__).resolve().parent
DIFFICULTIES = {
    "easy": "plain backgrounds, people face the camera",
    "standard": "as trained on",
    "hard": "more from behind and from above, more clutter and things in front",
    "stick": "stick figures",
}
# What a network for drawn people is asked: split, difficulty, flip test.
DRAWN = [
    ("valid", "standard", False),
    ("test", "standard", False),
    ("test", "standard", True),
    ("test", "easy", False),
    ("test", "hard", False),
    ("test", "stick", False),
]


def main(argv=None) -> int:
    """Run the command; returns the exit status."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("run", type=Path, help="folder of posecourse train")
    parser.add_argument("name", help="what the weights shall be called")
    parser.add_argument(
        "--command",
        help="how the run was made (default: "
        "posecourse train with the settings that differ "
        "from the network's preset)",
    )
    parser.add_argument(
        "--about",
        help="for a network trained on photographs: what they are, and their terms",
    )
    parser.add_argument(
        "--called",
        help="what the card shall call the "
        "folder of the photographs (default: as in the run)",
    )
    parser.add_argument("--limit", type=int, help="score on so many people")
    parser.add_argument(
        "--to", type=Path, default=HERE, help="where the folder NAME is made"
    )
    args = parser.parse_args(argv)
    config = json.loads((args.run / "config.json").read_text("utf-8"))
    data, drawn = config["data"], config["data"] == "synthetic"
    if not drawn and not args.about:
        parser.error(
            f"the run was trained on {data}: say with --about what "
            "that is and under which terms"
        )
    with open(args.run / "log.csv", newline="", encoding="utf-8") as file:
        log = list(csv.DictReader(file))
    if int(log[-1]["epoch"]) != config["epochs"]:
        parser.error(
            f"{args.run} stands at epoch {log[-1]['epoch']} of "
            f"{config['epochs']}; go on with posecourse train "
            f"--resume {args.run}"
        )
    folder = args.to / args.name
    folder.mkdir(parents=True, exist_ok=True)
    weights = rounded(args.run / "weights.safetensors", folder / "weights.safetensors")
    called = data if drawn else args.called or data
    config |= {"out": None, "device": "auto", "data": called}
    write_json(folder / "config.json", config)
    for name in ("log.csv", "curves.png"):
        shutil.copyfile(args.run / name, folder / name)

    torch.set_num_threads(1)  # sums in one order
    wanted = (
        DRAWN if drawn else [("valid", "standard", False), ("valid", "standard", True)]
    )
    results = {
        (split, difficulty, flip): score(
            folder, config, data, split, difficulty, flip, args.limit
        )
        for split, difficulty, flip in wanted
    }
    write_json(
        folder / "evaluation.json",
        [
            {
                "split": split,
                "difficulty": difficulty,
                "flip_test": flip,
                **result.to_dict(poses=False),
            }
            for (split, difficulty, flip), result in results.items()
        ],
    )
    if drawn:
        store = open_crops(
            "synthetic",
            "test",
            (config_size(config),) * 2,
            args.limit,
            "standard",
            config["margin"],
        )
        draw_failures(
            folder / "failures.jpg", store, results["test", "standard", False]
        )
    model = models.load_model(weights)
    with atomic_path(folder / "README.md") as temporary:
        write = card if drawn else card_of_photos
        temporary.write_text(
            write(args, config, log, model, results, weights.stat().st_size), "utf-8"
        )
    print((folder / "README.md").read_text("utf-8"))
    return 0


def config_size(config) -> int:
    """The longer side of what the network sees, pixels."""
    size = config["options"]["input_size"]
    return size if isinstance(size, int) else max(size)


def rounded(source: Path, target: Path) -> Path:
    """The weights in 16 bits; the same network otherwise."""
    model = models.load_model(source)
    known = ("model", "options", "skeleton", "input_size")
    return models.save_weights(
        model.half(),
        target,
        **{key: value for key, value in model.metadata.items() if key not in known},
    )


def score(folder, config, data, split, difficulty, flip, limit):
    """`evaluate` on drawn people of a difficulty, or on photographs."""
    size = (config_size(config),) * 2
    # photographs as `posecourse evaluate --data` cuts them
    margin = config["margin"] if data == "synthetic" else 1.0
    store = open_crops(data, split, size, limit, difficulty, margin)
    return evaluate(folder, store, flip_test=flip, device="cpu")


def draw_failures(path: Path, store, result, count: int = 12):
    """The people with the most missed joints, labels above predictions."""
    size, visible, _, threshold = pck_normalizer(store)
    distances = metrics.normalized_distances(
        result.in_crops, store.keypoints, visible, size
    )
    missed = (distances > threshold).sum(-1)
    worst = np.argsort(-missed, kind="stable")[:count]
    rows = ([], [])
    for i in worst:
        factor = 160 / store.size
        picture = cv2.resize(
            np.asarray(store.crops[i]), (160, 160), interpolation=cv2.INTER_CUBIC
        )
        for row, points in zip(rows, (store.keypoints[i], result.in_crops[i])):
            row.append(
                drawing.draw_pose(
                    picture,
                    resize_points(np.asarray(points), factor),
                    skeleton=store.skeleton,
                )
            )
    half = count // 2
    sheet = drawing.grid(
        [*rows[0][:half], *rows[1][:half], *rows[0][half:], *rows[1][half:]],
        columns=half,
    )
    with atomic_path(path) as temporary:
        cv2.imwrite(str(temporary), sheet[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, 88])


def head(
    config, log, model, size: int, command: str, then: str, trained_on: str
) -> str:
    """The table at the beginning of a card."""
    count, side = summarise(model), config_size(config)
    answer = (
        "coordinates"
        if model.codec.kind == "coordinate"
        else "heatmaps of {} x {}".format(*model.codec.heatmap_size)
    )
    rows = {
        "network": f"`{config['model']}`, {count.parameters:,} parameters, "
        f"{count.multiply_adds / 1e6:.0f} million multiply-adds, pictures "
        f"of {side} x {side}, {answer}",
        "file": f"`weights.safetensors`, 16 bits, {format_bytes(size)}",
        "trained on": trained_on,
        "command": f"`{command}` (seed {config['seed']}), then `{then}`",
        "trained in": f"{int(log[-1]['step']):,} steps of "
        f"{config['batch_size']} people, {config['epochs']} epochs, "
        f"{config['amp']}, 2 CPU cores; Python "
        f"{platform.python_version()}, torch "
        f"{torch.__version__.split('+')[0]}",
        "files": "`config.json` settings, `log.csv` and `curves.png` the "
        "course of training, `evaluation.json` the figures below in full",
    }
    lines = [f"| {name} | {text} |\n" for name, text in rows.items()]
    return "| | |\n|---|---|\n" + "".join(lines)


def scored_of(result) -> str:
    """How many people a score is of; and of how many, if some are left out."""
    scored, given = result.table.persons, result.table.given
    return f"{scored:,} of {given:,} people" if scored < given else f"{given:,} people"


def card(args, config, log, model, results, size: int) -> str:
    """The model card."""
    test = results["test", "standard", False]
    tight = next(
        row
        for row in test.table.rows
        if row.name == "predicted" and row.threshold == 0.1
    )
    command = args.command or (
        f"posecourse train --model {config['model']} --train-people "
        f"{config['train_people']} --epochs {config['epochs']} --out "
        f"{args.run.as_posix()}"
    )
    errors = ", ".join(
        f"{kind} {percent:.1f} %" for kind, percent in test.breakdown.percent.items()
    )
    parts = " | ".join(test.table.rows[0].columns)
    values = " | ".join(f"{value:.1f}" for value in test.table.rows[0].columns.values())
    lines = "|---" * len(test.table.rows[0].columns) + "|"
    facts = head(
        config,
        log,
        model,
        size,
        command,
        f"python data/weights/release_weights.py {args.run.as_posix()} {args.name}",
        f"{config['train_people']:,} people of `SyntheticPeople` (split "
        f"train, difficulty {config['difficulty']}), drawn by this package: "
        "no photograph, nobody's data. Licence as the course's code",
    )

    def row(split, difficulty, flip=False):
        r = results[split, difficulty, flip]
        low, high = r.table.interval.low, r.table.interval.high
        flags = (
            ("" if split == "valid" else f" --split {split}")
            + (" --flip" if flip else "")
            + ("" if difficulty == "standard" else f" --difficulty {difficulty}")
        )
        return (
            f"| {split} | {difficulty}: {DIFFICULTIES[difficulty]} | "
            f"{'yes' if flip else 'no'} | **{r.score:.1f}** "
            f"({low:.1f}-{high:.1f}) | "
            f"{r.baselines['mean pose']:.1f} | `posecourse evaluate "
            f"data/weights/{args.name}{flags}` |"
        )

    return f"""# {args.name}: a pose network for 64 x 64 pictures of drawn people

Made by `data/weights/release_weights.py`; do not edit by hand.

{facts}
## How good it is

PCKh@0.5 in percent, pooled over the 14 joints without pelvis and thorax; \
95 % interval of a bootstrap over {scored_of(test)}; beside it, what \
the mean pose of the training people gets, whoever is shown. `test` was \
looked at once, for this card; the recipe's rate and batch size were chosen \
on `valid`.

| split | people | flip test | PCKh@0.5 | mean pose | command |
|---|---|---|---|---|---|
{row("valid", "standard")}
{row("test", "standard")}
{row("test", "standard", True)}
{row("test", "easy")}
{row("test", "hard")}
{row("test", "stick")}

On `test`, standard: PCKh@0.1 is {tight.means["weighted"]:.1f}. By body part:

| {parts} |
{lines}
| {values} |

## Where it fails

Of the joints that have two sides: {errors}.

![The twelve test people with the most missed joints: labels in the upper \
row of each pair, predictions below.](failures.jpg)

- **Left and right**: in most of these twelve the pose is right and its sides \
are exchanged. Front and back differ by a face of a few pixels.
- **Photographs**: it has never seen one. Shown one, it answers as surely \
as ever, and is mostly wrong.
- **Stick figures** and other people unlike its own: see the table.
- Fine places: one cell of its heatmap is two pixels of the picture, and \
the picture has 64.
- It wants one person, in the middle of a box that is about right.

Use it to learn with, not to judge people.
"""


def card_of_photos(args, config, log, model, results, size: int) -> str:
    """The model card of a network that was trained on photographs."""
    plain, side = results["valid", "standard", False], config_size(config)
    tight = next(
        row
        for row in plain.table.rows
        if row.name == "predicted" and row.threshold == 0.1
    )
    command = args.command or (
        f"posecourse train --data {config['data']} --model "
        f"{config['model']} --preset photos --init {config['init']} --out "
        f"{args.run.as_posix()}"
    )
    errors = ", ".join(
        f"{kind} {percent:.1f} %" for kind, percent in plain.breakdown.percent.items()
    )
    first = plain.table.rows[0]
    columns = first.columns
    facts = head(
        config,
        log,
        model,
        size,
        command,
        f"python data/weights/release_weights.py {args.run.as_posix()} {args.name} --about ...",
        f"first drawn people (`{config['init']}`), then {args.about}. "
        "Licence of the code: as the course's. **The weights are for "
        "research**, as the photographs are",
    )

    def row(flip):
        r = results["valid", "standard", flip]
        low, high = r.table.interval.low, r.table.interval.high
        return (
            f"| {'yes' if flip else 'no'} | **{r.score:.1f}** "
            f"({low:.1f}-{high:.1f}) | {r.baselines['mean pose']:.1f} | "
            f"`posecourse evaluate data/weights/{args.name} --data "
            f"{config['data']}{' --flip' if flip else ''}` |"
        )

    return f"""# {args.name}: a pose network for {side} x {side} photographs

Made by `data/weights/release_weights.py`; do not edit by hand.

{facts}
## How good it is

{plain.metric} in percent on {scored_of(plain)} of the `valid` split, pooled \
over their labelled joints (people without the length that distances are \
divided by are left out); 95 % interval of a bootstrap over people; beside it, \
what the mean pose of the training people gets. The last epoch was taken, and \
nothing was chosen on `valid` but the recipe.

| flip test | {plain.metric} | mean pose | command |
|---|---|---|---|
{row(False)}
{row(True)}

At 0.1 it is {tight.means["weighted"]:.1f}. By body part:

| {" | ".join(columns)} |
{"|---" * len(columns)}|
| {" | ".join(f"{value:.1f}" for value in columns.values())} |

## Where it fails

Of the joints that have two sides: {errors}.

- Somebody who is not an athlete in motion, seen whole, alone and in the \
middle of the picture, is unlike what it has seen most.
- The labels it learned from came from crowd workers, and some are wrong, \
left and right above all.
- {side} pixels are few: a hand has one or two.

Use it to learn with, not to judge people.
"""


if __name__ == "__main__":
    sys.exit(main())
