"""Turn a finished run into weights that come with the course.

    python data/weights/release_weights.py runs/laptop-1 laptop
    python data/weights/release_weights.py runs/photos-1 photos --about "photographs of
        athletes, for research only" --called data/lspet

The weights are rounded to 16 bits. All figures of the card are then measured,
on the CPU, on that very file, whose checksum stands in ``evaluation.json``.
Weights, settings, log, figures and model card take their place in
``data/weights/NAME`` together, or not at all. Of photographs nothing is shown.

A released folder can be scored and described anew, for example after the
metric was changed. Its weights stay as they are, to the byte:

    python data/weights/release_weights.py data/weights/photos photos --data PHOTOS
"""

from __future__ import annotations

import argparse
import platform
import shutil
import sys
import tempfile
from contextlib import contextmanager
from dataclasses import asdict, replace
from pathlib import Path

import cv2
import numpy as np
import torch

from posecourse import drawing, metrics, models
from posecourse.datasets import open_crops
from posecourse.evaluation import evaluate, pck_normalizer
from posecourse.files import (
    atomic_path,
    format_bytes,
    read_json,
    remove,
    sha256,
    write_json,
)
from posecourse.geometry import resize_points
from posecourse.models.profile import summarise
from posecourse.training import read_config
from posecourse.training.curves import read_log

HERE = Path(__file__).resolve().parent
DIFFICULTIES = {
    "easy": "plain backgrounds, people face the camera",
    "standard": "as trained on",
    "hard": "more from behind and from above, more clutter and things in front",
    "stick": "stick figures",
}
# What a network is scored on: split, difficulty, flip test.
DRAWN = [
    ("valid", "standard", False),
    ("test", "standard", False),
    ("test", "standard", True),
    ("test", "easy", False),
    ("test", "hard", False),
    ("test", "stick", False),
]
PHOTOGRAPHS = [("valid", "standard", False), ("valid", "standard", True)]
# What a metric divides distances by.
DIVISORS = {
    "PCKh": "labelled head",
    "PCK (torso)": "labelled torso (left shoulder and right hip)",
    "PCK (box)": "box",
}


def main(argv=None) -> int:
    """Run the command; returns the exit status."""
    parser = argparse.ArgumentParser(
        description="Turn a finished run into weights that come with the course."
    )
    parser.add_argument(
        "run", type=Path, help="folder of posecourse train, or a released one"
    )
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
        "--start",
        help="for a network trained on photographs: what its first weights had seen "
        "(default: drawn people)",
    )
    parser.add_argument("--cores", type=int, help="how many it was trained on")
    parser.add_argument("--data", help="where the photographs lie (default: as in run)")
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
    try:
        folder = release(**vars(args))
    except (ValueError, FileNotFoundError) as error:
        parser.error(str(error))
    print((folder / "README.md").read_text("utf-8"))
    return 0


def release(run, name, data, called, limit, to, **said) -> Path:
    """Make the folder ``to/name`` of a run; the parameters of the command.

    `said` is what only people know: command, about, start, cores.

    Raises ValueError if the run is not finished, is one on photographs of
    which nobody said what they are, or if somebody's own folder is in the way.
    """
    if (to / name).exists() and not is_released(to / name):
        raise ValueError(
            f"{to / name} is not a released network, and is not replaced; choose "
            "another name"
        )
    config, log = read_config(run), read_log(run)
    if log[-1]["epoch"] != config.epochs:
        raise ValueError(
            f"{run} stands at epoch {log[-1]['epoch']:.0f} of {config.epochs}; "
            f"go on with posecourse train --resume {run}"
        )
    data = data or config.data
    settings = replace(
        config, data=called or config.data, out=None, resume=None, device="auto"
    )
    origin = origin_of(run, name, settings, **said)
    torch.set_num_threads(1)  # sums in one order
    with whole_folder(to / name) as folder:
        weights = folder / "weights.safetensors"
        if is_released(run):
            shutil.copyfile(run / weights.name, weights)
        else:
            round_weights(run / weights.name, weights)
        write_json(folder / "config.json", asdict(settings))
        write_json(folder / "origin.json", origin)
        for file in ("log.csv", "curves.png"):
            shutil.copyfile(run / file, folder / file)
        results = score_all(folder, config, data, limit)
        checksum = sha256(weights)
        write_json(folder / "evaluation.json", figures(results, checksum))
        write = card if config.data == "synthetic" else card_of_photos
        facts = head(settings, log, weights, checksum, origin)
        (folder / "README.md").write_text(
            write(name, settings, facts, results), encoding="utf-8"
        )
    return to / name


def is_released(run: Path) -> bool:
    """Whether a folder is one that this script made."""
    return (run / "origin.json").is_file()


def origin_of(
    run: Path, name: str, config, command=None, about=None, start=None, cores=None
) -> dict:
    """Where the weights come from: what the figures do not say."""
    given = {"command": command, "about": about, "start": start, "cores": cores}
    given = {key: value for key, value in given.items() if value}
    if is_released(run):
        return read_json(run / "origin.json") | given
    drawn = config.data == "synthetic"
    if not drawn and not about:
        raise ValueError(
            f"the run was trained on {config.data}: say with --about what that is "
            "and under which terms"
        )
    ours = f"posecourse train --model {config.model}"
    if drawn:
        ours += f" --train-people {config.train_people} --epochs {config.epochs}"
    else:
        ours += f" --data {config.data} --preset photos"
        ours += f" --init {config.init}" if config.init else ""
    return {
        "command": f"{ours} --out {run.as_posix()}",
        "then": f"python data/weights/release_weights.py {run.as_posix()} {name}"
        + ("" if drawn else " --about ..."),
        "about": about,
        "python": platform.python_version(),
        "torch": torch.__version__.split("+")[0],
        **given,
    }


@contextmanager
def whole_folder(target: Path):
    """A new folder, which takes the place of `target` if the block ends well."""
    target.parent.mkdir(parents=True, exist_ok=True)
    new = Path(tempfile.mkdtemp(prefix=f".{target.name}-", dir=target.parent))
    old = new.with_name(f"{new.name}-old")
    try:
        new.chmod(0o755)
        yield new
        if target.exists():
            target.rename(old)
        new.rename(target)
    except BaseException:
        if old.exists():
            old.rename(target)
        raise
    finally:
        remove(new)
        remove(old)


def round_weights(source: Path, target: Path) -> None:
    """The weights in 16 bits; the same network otherwise."""
    model = models.load_model(source)
    known = ("model", "options", "skeleton", "input_size")
    models.save_weights(
        model.half(),
        target,
        **{key: value for key, value in model.metadata.items() if key not in known},
    )


def score_all(folder: Path, config, data, limit) -> dict:
    """(split, difficulty, flip test) -> `Evaluation` of the folder's weights.

    Of drawn people, also the picture of the worst failures.
    """
    drawn, results = data == "synthetic", {}
    for split, difficulty, flip in DRAWN if drawn else PHOTOGRAPHS:
        # photographs as `posecourse evaluate --data` cuts them
        margin = config.margin if drawn else 1.0
        people = open_crops(data, split, config.input_size, limit, difficulty, margin)
        result = evaluate(folder, people, flip_test=flip, device="cpu")
        results[split, difficulty, flip] = result
        if drawn and (split, difficulty, flip) == ("test", "standard", False):
            draw_failures(folder / "failures.jpg", people, result)
    return results


def figures(results: dict, checksum: str) -> dict:
    """``evaluation.json``: of which file, measured with what, which figures."""
    return {
        "weights_sha256": checksum,
        "torch": torch.__version__.split("+")[0],
        "results": [
            {
                "split": split,
                "difficulty": difficulty,
                "flip_test": flip,
                "people": result.people,
                **result.to_dict(poses=False),
            }
            for (split, difficulty, flip), result in results.items()
        ],
    }


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


def head(config, log, weights: Path, checksum: str, origin: dict) -> str:
    """The table at the beginning of a card."""
    model = models.load_model(weights)
    count, (width, height) = summarise(model), config.input_size
    cores = origin.get("cores", 2)
    output = (
        "coordinates"
        if model.codec.kind == "coordinate"
        else "heatmaps of {} x {}".format(*model.codec.heatmap_size)
    )
    if config.data == "synthetic":
        trained_on = (
            f"{config.train_people:,} people of `SyntheticPeople` (split train, "
            f"difficulty {config.difficulty}), drawn by this package: no "
            "photograph, nobody's data. Licence as the course's code"
        )
    else:
        start = f"drawn people (`{config.init}`)" if config.init else None
        start = origin.get("start", start)
        trained_on = (
            (f"first {start}, then " if start else "")
            + f"{origin['about']}. Licence of the code: as the course's. "
            "**The weights are for "
            "research**, as the photographs are"
        )
    rows = {
        "network": f"`{config.model}`, {count.parameters:,} parameters, "
        f"{count.multiply_adds / 1e6:.0f} million multiply-adds, pictures "
        f"of {width} x {height}, {output}",
        "file": f"`weights.safetensors`, 16 bits, "
        f"{format_bytes(weights.stat().st_size)}, SHA-256 `{checksum[:16]}...`",
        "trained on": trained_on,
        "command": f"`{origin['command']}` (seed {config.seed}), then "
        f"`{origin['then']}`",
        "trained in": f"{log[-1]['step']:,.0f} steps of {config.batch_size} "
        f"people, {config.epochs} epochs, {config.amp}, {cores} CPU "
        f"core{'s' * (cores > 1)}; Python "
        f"{origin['python']}, torch {origin['torch']}",
        "files": "`config.json` settings, `log.csv` and `curves.png` the course of "
        "training, `evaluation.json` the figures below in full, `origin.json` what "
        "this card needs to be written again",
    }
    lines = [f"| {name} | {text} |\n" for name, text in rows.items()]
    return "| | |\n|---|---|\n" + "".join(lines)


def cell(result) -> str:
    """The headline with its interval."""
    low, high = result.table.interval.low, result.table.interval.high
    return f"**{result.score:.1f}** ({low:.1f}-{high:.1f})"


def details(result) -> str:
    """PCK at the tighter threshold and by body part, in a card's words."""
    first = result.table.rows[0]
    tight = next(
        row
        for row in result.table.rows
        if row.name == "predicted" and row.threshold < first.threshold
    )
    values = " | ".join(f"{value:.1f}" for value in first.columns.values())
    return f"""At {tight.threshold:g} it is {tight.means["weighted"]:.1f}. By body part:

| {" | ".join(first.columns)} |
{"|---" * len(first.columns)}|
| {values} |

## Where it fails

Of the joints that have two sides: {kinds_of_errors(result)}.
"""


def kinds_of_errors(result) -> str:
    """Their shares, in a card's words."""
    return ", ".join(
        f"{kind} {percent:.1f} %" for kind, percent in result.breakdown.percent.items()
    )


def people_of(result) -> str:
    """How many people there are, and how many of them are scored."""
    left_out = result.people - result.people_scored
    if not left_out:
        return f"all {result.people:,} people"
    return (
        f"{result.people_scored:,} of the {result.people:,} people; the other "
        f"{left_out:,} have no {DIVISORS[result.metric.partition('@')[0]]} to divide "
        "distances by"
    )


def card(name: str, config, facts: str, results: dict) -> str:
    """The model card of a network for drawn people."""
    test, (width, height) = results["test", "standard", False], config.input_size

    def row(key):
        split, difficulty, flip = key
        flags = (
            ("" if split == "valid" else f" --split {split}")
            + (" --flip" if flip else "")
            + ("" if difficulty == "standard" else f" --difficulty {difficulty}")
        )
        return (
            f"| {split} | {difficulty}: {DIFFICULTIES[difficulty]} | "
            f"{'yes' if flip else 'no'} | {cell(results[key])} | "
            f"{results[key].baselines['mean pose']:.1f} | `posecourse evaluate "
            f"data/weights/{name}{flags}` |"
        )

    return f"""# {name}: a pose network for {width} x {height} pictures of drawn people

Made by `data/weights/release_weights.py`; do not edit by hand.

{facts}
## How good it is

{test.metric} in percent, pooled over the 14 joints without pelvis and thorax; \
95 % interval of a bootstrap over people; beside it, what the mean pose of the \
training people gets, whoever is shown. Each row is scored on {people_of(test)}. \
`test` was looked at once, for this card; the recipe's rate and batch size were \
chosen on `valid`.

| split | people | flip test | {test.metric} | mean pose | command |
|---|---|---|---|---|---|
{chr(10).join(map(row, results))}

On `test`, standard, without the flip test:
{details(test)}
![The twelve test people with the most missed joints: labels in the upper \
row of each pair, predictions below.](failures.jpg)

- **Left and right**: in most of these twelve the pose is right and its sides \
are exchanged. Front and back differ by a face of a few pixels.
- **Photographs**: it has never seen one. Shown one, it is as sure as ever, and \
mostly wrong.
- **Stick figures** and other people unlike its own: see the table.
- Fine places: one cell of its heatmap is two pixels of the picture, and \
the picture has 64.
- It wants one person, in the middle of a box that is about right.

Use it to learn with, not to judge people.
"""


def card_of_photos(name: str, config, facts: str, results: dict) -> str:
    """The model card of a network that was trained on photographs."""
    plain, (width, height) = results[PHOTOGRAPHS[0]], config.input_size

    def row(key):
        flip = key[2]
        return (
            f"| {'yes' if flip else 'no'} | {cell(results[key])} | "
            f"{results[key].baselines['mean pose']:.1f} | "
            f"`posecourse evaluate data/weights/{name} --data "
            f"{config.data}{' --flip' if flip else ''}` |"
        )

    return f"""# {name}: a pose network for {width} x {height} photographs

Made by `data/weights/release_weights.py`; do not edit by hand.

{facts}
## How good it is

{plain.metric} in percent on the `valid` split, pooled over labelled joints. \
It is scored on {people_of(plain)}. 95 % interval of a bootstrap over people; beside \
it, what the mean pose of the training people gets. The last epoch was taken, and \
nothing was chosen on `valid` but the recipe.

| flip test | {plain.metric} | mean pose | command |
|---|---|---|---|
{chr(10).join(map(row, results))}

{details(plain)}
- Somebody who is not an athlete in motion, seen whole, alone and in the \
middle of the picture, is unlike what it has seen most.
- The labels it learned from came from crowd workers, and some are wrong, \
left and right above all.
- {max(width, height)} pixels are few: a hand has one or two.

Use it to learn with, not to judge people.
"""


if __name__ == "__main__":
    sys.exit(main())
