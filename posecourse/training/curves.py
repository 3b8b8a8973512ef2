"""The log of a run as a picture: loss and score, each beside its baseline."""

from __future__ import annotations

import csv
from pathlib import Path

__all__ = ["plot_curves", "read_log", "write_log"]

_NEEDED = ("epoch", "train_loss", "score")


def write_log(path: Path, rows: list[dict]) -> None:
    """Write ``log.csv``: a line of names, then a row per epoch."""
    with open(path, "w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, fieldnames=list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)


def read_log(path) -> list[dict]:
    """The rows of a run folder's ``log.csv``, or of such a file.

    Raises
    ------
    FileNotFoundError
        If there is none yet.
    ValueError
        If it is not the log of a run.
    """
    path = Path(path)
    path = path / "log.csv" if path.is_dir() else path
    if not path.is_file():
        raise FileNotFoundError(
            f"{path}: there is no such log; a run has one after its first epoch"
        )
    with open(path, newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    if not rows or not set(_NEEDED) <= set(rows[0]):
        raise ValueError(
            f"{path} is not the log of a training run: it needs a row and the "
            f"columns {', '.join(_NEEDED)}"
        )
    return [{key: float(value or "nan") for key, value in row.items()} for row in rows]


def plot_curves(axes, runs: dict[str, list[dict]], metric: str) -> None:
    """Draw loss (left) and score (right) over the epochs.

    Parameters
    ----------
    axes:
        Two Matplotlib axes.
    runs:
        Name -> rows of a log; the name ``""`` for a run alone. Where a row
        has ``trivial_loss`` or ``mean_pose``, they are drawn dashed.
    metric:
        What the score is, e.g. ``"PCKh@0.5"``.
    """
    left, right = axes
    percent = metric.startswith("PCK")
    for name, rows in runs.items():
        prefix = f"{name}: " if name else ""
        epochs = [row["epoch"] for row in rows]
        for side, column, label in (
            (left, "train_loss", "training"),
            (right, "score", "validation"),
        ):
            values = [row[column] for row in rows]
            side.plot(epochs, values, marker=".", label=prefix + label)
        for side, column, label in (
            (left, "trivial_loss", "a constant prediction"),
            (right, "mean_pose", "the mean pose"),
        ):
            values = [row.get(column, float("nan")) for row in rows]
            if any(value == value for value in values):
                side.plot(epochs, values, "--", linewidth=1, label=prefix + label)
    left.set(xlabel="epoch", ylabel="loss")
    left.set_ylim(bottom=min(0, left.get_ylim()[0]) if not percent else 0)
    right.set(xlabel="epoch", ylabel=f"{metric}, %" if percent else metric)
    if percent:
        right.set_ylim(0, 100)
    for side in axes:
        side.xaxis.get_major_locator().set_params(integer=True)
        side.legend()
