"""The folder that a training run leaves, readable by people.

======================= ===============================================
``config.json``         everything needed to run the same again
``log.csv``             one row per epoch
``curves.png``          the log as a picture
``tensorboard/``        the log for TensorBoard, where that is installed
``weights.safetensors`` the averaged weights, and how to build the network
``last.pt``             where training stood: what ``--resume`` reads
``evaluation.json``     scores on the validation people, with baselines
``predictions.png``     the first validation people, labels beside poses
``README.txt``          this table, for the run at hand
======================= ===============================================
"""

from __future__ import annotations

import csv
import sys
from pathlib import Path
from types import ModuleType

import numpy as np

from ..files import atomic_path

__all__ = [
    "RunError",
    "draw_curves",
    "draw_predictions",
    "new_folder",
    "write_log",
    "write_readme",
    "write_tensorboard",
]


class RunError(ValueError):
    """A run folder that cannot be used; says why and what to do."""


def new_folder(out, name: str) -> Path:
    """A folder for a new run: `out`, or the next free ``runs/name-N``.

    Raises RunError if `out` holds a run already.
    """
    if out is None:
        number = 1
        while any((Path("runs") / f"{name}-{number}").glob("*")):
            number += 1
        out = Path("runs") / f"{name}-{number}"
    out = Path(out)
    if (out / "config.json").exists():
        raise RunError(
            f"{out} holds a run already; continue it with "
            f"--resume {out}, or choose another --out"
        )
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise RunError(
            f"the run folder {out} cannot be made: {error}; choose another --out"
        ) from None
    return out


def write_log(path: Path, rows: list[dict]) -> None:
    """Write ``log.csv``: a line of names, then a row per epoch."""
    with (
        atomic_path(path) as temporary,
        open(temporary, "w", newline="", encoding="utf-8") as file,
    ):
        writer = csv.DictWriter(file, fieldnames=list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)


def draw_curves(path: Path, rows: list[dict], metric: str) -> bool:
    """Draw loss and score over the epochs, with their trivial baselines.

    Returns False where matplotlib is not installed.
    """
    try:
        from matplotlib.figure import Figure
    except ImportError:
        return False
    epochs = [row["epoch"] for row in rows]
    figure = Figure(figsize=(9, 3.5), layout="constrained")
    left, right = figure.subplots(1, 2)
    left.plot(
        epochs,
        [r["train_loss"] for r in rows],
        "o-",
        color="#0072B2",
        label="training loss",
    )
    left.plot(
        epochs,
        [r["trivial_loss"] for r in rows],
        "--",
        color="#777777",
        label="a network that does not look",
    )
    left.set(xlabel="epoch", ylabel="loss")
    left.set_ylim(bottom=0)
    right.plot(
        epochs, [r["score"] for r in rows], "o-", color="#D55E00", label="validation"
    )
    right.plot(
        epochs,
        [r["mean_pose"] for r in rows],
        "--",
        color="#777777",
        label="the mean pose",
    )
    right.set(xlabel="epoch", ylabel=f"{metric}, %", ylim=(0, 100))
    for axes in (left, right):
        axes.xaxis.get_major_locator().set_params(integer=True)
        axes.grid(alpha=0.3)
        axes.legend(frameon=False)
    with atomic_path(path) as temporary:
        figure.savefig(temporary, dpi=120, format="png")
    return True


def write_tensorboard(folder: Path, rows: list[dict]) -> bool:
    """Add the last row to the TensorBoard log, if that is installed."""
    # With this module there, TensorBoard does without TensorFlow, which it
    # would otherwise import where it is installed: ten seconds, and noise.
    sys.modules.setdefault("tensorboard.compat.notf", ModuleType("notf"))
    try:
        from torch.utils.tensorboard import SummaryWriter
    except ImportError:
        return False
    with SummaryWriter(str(folder)) as writer:
        row = rows[-1]
        for key, value in row.items():
            if key not in ("epoch", "step"):
                writer.add_scalar(key, value, row["step"])
    return True


def draw_predictions(path: Path, store, predicted, count: int = 12) -> None:
    """Draw the first people of a store: labels left, predictions right.

    Parameters
    ----------
    predicted:
        ``(N, K, 2)``, pixels of the stored crops.
    """
    import cv2

    from ..drawing import draw_pose, grid
    from ..geometry import resize_points

    tiles = []
    for i in range(min(count, len(store.crops))):
        side = store.crops.shape[1]
        factor = max(1.0, 224 / side)
        size = round(side * factor)
        picture = cv2.resize(
            np.asarray(store.crops[i]), (size, size), interpolation=cv2.INTER_CUBIC
        )
        for points in (store.keypoints[i], predicted[i]):
            tiles.append(
                draw_pose(
                    picture,
                    resize_points(np.asarray(points), size / side),
                    skeleton=store.skeleton,
                )
            )
    sheet = grid(tiles, columns=6)
    with atomic_path(path) as temporary:
        _, code = cv2.imencode(".png", sheet[..., ::-1])
        Path(temporary).write_bytes(code.tobytes())


def write_readme(folder: Path, title: str, result: str) -> None:
    """Write ``README.txt``, for whoever opens the folder later."""
    table = [line for line in __doc__.splitlines() if line.startswith("``")]
    files = "\n".join("  " + line.replace("``", "") for line in table)
    text = f"""{title}

{result}

Files
{files}

Use it
  posecourse evaluate {folder}
  posecourse predict --run {folder} PICTURE
  posecourse train --resume {folder}
"""
    with atomic_path(folder / "README.txt") as temporary:
        Path(temporary).write_text(text, encoding="utf-8")
