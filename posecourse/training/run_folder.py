"""The folder that a training run leaves, readable by people.

`FILES` says what is in it; ``README.txt`` repeats it for the run at hand.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
import time
import warnings
import zipfile
from contextlib import nullcontext
from pathlib import Path
from types import ModuleType

import numpy as np
import torch

from ..drawing import draw_pose, grid
from ..files import (
    FileError,
    InUseError,
    atomic_path,
    locked,
    new_folder,
    sync_file,
)
from ..geometry import resize_points
from ..models import save_weights
from .curves import plot_curves, write_log

__all__ = ["RunError", "RunFolder", "draw_curves", "draw_predictions"]


FILES = {
    "config.json": "everything needed to run the same again",
    "log.csv": "one row per epoch",
    "curves.png": "the log as a picture",
    "tensorboard/": "the log for TensorBoard, where that is installed",
    "weights.safetensors": "the averaged weights, and how to build the network",
    "last.pt": "where training stood: what --resume reads",
    "previous.pt": "the checkpoint before, in case that one is damaged",
    "evaluation.json": "scores on the validation people, with baselines",
    "predictions.png": "the first validation people, labels beside poses",
    "README.txt": "this table",
}


class RunError(ValueError):
    """A run folder that cannot be used; says why and what to do."""


class RunFolder:
    """The folder of one run. Nobody else writes in it while this one is open.

    Parameters
    ----------
    path:
        An existing folder; see `create`.

    Raises
    ------
    RunError
        If another process trains in it.
    """

    # What decides the result of the run, as text; a checkpoint of other
    # settings is not gone on with.
    settings: str | None = None

    def __init__(self, path, lock: bool = True):
        self.path = Path(path)
        self._lock = locked(self.path) if lock else nullcontext()
        try:
            self._lock.__enter__()
        except InUseError as error:
            raise RunError(str(error)) from None

    @classmethod
    def create(cls, out, name: str) -> RunFolder:
        """A new folder: `out`, or the next free ``runs/name-N``.

        Raises RunError if `out` exists and is not empty: nothing in it is
        touched.
        """
        if out is None:
            return cls(new_folder(Path("runs") / name, numbered=True))
        if (Path(out) / "config.json").exists():
            raise RunError(
                f"{out} holds a run already; continue it with --resume {out}, or "
                "choose another --out"
            )
        try:
            return cls(new_folder(out))
        except FileError as error:
            raise RunError(f"{error}: --out") from None

    def close(self) -> None:
        """Let others write in it; remove it if nothing was written."""
        self._lock.__exit__(None, None, None)
        if not any(self.path.iterdir()):
            self.path.rmdir()

    def __enter__(self) -> RunFolder:
        return self

    def __exit__(self, *error) -> None:
        self.close()

    def write_checkpoint(self, content: dict) -> None:
        """Write ``last.pt``, whole or not at all, and keep the one before."""
        last = self.path / "last.pt"
        with atomic_path(last) as temporary:
            torch.save({**content, "settings": self.settings}, temporary)
            sync_file(temporary)
            if last.exists():
                _keep(last, self.path / "previous.pt")

    def read_checkpoint(self) -> dict | None:
        """The last whole checkpoint, on the CPU; None before the first.

        Raises
        ------
        RunError
            If there are checkpoints, but none is whole.
        """
        broken = []
        for name in ("last.pt", "previous.pt"):
            path = self.path / name
            if not path.is_file():
                continue
            try:
                content = _load_checkpoint(path)
            except Exception as error:  # torch and zipfile raise many kinds
                reason = (str(error) or type(error).__name__).splitlines()[0]
                broken.append(f"{path} is damaged ({reason})")
                continue
            if broken:
                warnings.warn(
                    f"{broken[0]}; going on from {path}, step {content['step']}",
                    stacklevel=2,
                )
            known = content.get("settings")
            if known is not None and self.settings not in (None, known):
                raise RunError(
                    f"{self.path / 'config.json'} was changed since {path} was "
                    f"written ({_difference(known, self.settings)}): a run goes on "
                    "as it began. Put it back, or start a new run"
                )
            return content
        if broken:
            raise RunError(
                f"{'; '.join(broken)}: no checkpoint of this run is whole. Delete "
                "them to start it again from the beginning"
            )
        return None

    def write_epoch(self, rows: list[dict], network, task, last: bool) -> None:
        """The log, its curves and the weights, after an epoch.

        Where epochs take less than seconds, the curves are not drawn for each:
        it would take longer than the training. After the last they are.
        """
        with atomic_path(self.path / "log.csv") as temporary:
            write_log(temporary, rows)
        curves = self.path / "curves.png"
        if last or not curves.exists() or time.time() - curves.stat().st_mtime > _DRAWN:
            draw_curves(curves, rows, task.metric)
        write_tensorboard(self.path / "tensorboard", rows)
        if getattr(network, "name", None):
            save_weights(
                network,
                self.path / "weights.safetensors",
                epochs=rows[-1]["epoch"],
                **task.metadata(),
            )

    def write_readme(self, title: str, result: str) -> None:
        """Write ``README.txt``, for whoever opens the folder later."""
        files = "\n".join(
            f"  {name:20} {text}"
            for name, text in FILES.items()
            if name == "README.txt" or (self.path / name).exists()
        )
        text = f"""{title}

{result}

Files
{files}

Use it
  posecourse evaluate {self.path}
  posecourse predict --run {self.path} PICTURE
  posecourse train --resume {self.path}
"""
        with atomic_path(self.path / "README.txt") as temporary:
            Path(temporary).write_text(text, encoding="utf-8")


_DRAWN = 5.0  # seconds from one drawing of the curves to the next
# Columns of log.csv that had other names before.
_RENAMED = {"spread": "prediction_std", "spread_of_labels": "label_std"}


def _keep(file: Path, name: Path) -> None:
    """Give a file a second name, so that it is there at every moment."""
    with atomic_path(name) as second:
        try:
            os.link(file, second)
        except OSError:  # a file system without links
            shutil.copyfile(file, second)


def _difference(before: str, after: str) -> str:
    """The first setting that differs, and how."""
    old, new = json.loads(before), json.loads(after)
    for key in sorted(set(old) | set(new)):
        if old.get(key) != new.get(key):
            return f"{key}: {old.get(key)!r}, now {new.get(key)!r}"
    return "nothing that matters"


def _load_checkpoint(path: Path) -> dict:
    """A checkpoint whose every byte is as it was written."""
    with zipfile.ZipFile(path) as archive:
        damaged = archive.testzip()
    if damaged:
        raise ValueError(f"{damaged} was changed")
    content = torch.load(path, map_location="cpu", weights_only=True)
    if isinstance(content["rows"], str):  # of an earlier version
        content["rows"] = json.loads(content["rows"])
    content["rows"] = [
        {_RENAMED.get(key, key): value for key, value in row.items()}
        for row in content["rows"]
    ]
    missing = {"step", "model", "average", "optimizer", "sums"} - set(content)
    if missing:
        raise ValueError(f"it lacks {', '.join(sorted(missing))}")
    return content


def draw_curves(path: Path, rows: list[dict], metric: str) -> bool:
    """Draw loss and score over the epochs, with their trivial baselines.

    Returns False where matplotlib is not installed.
    """
    try:
        from matplotlib.figure import Figure
    except ImportError:
        return False
    figure = Figure(figsize=(9, 3.5), layout="constrained")
    plot_curves(figure.subplots(1, 2), {"": rows}, metric)
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
