"""How a heatmap is read, step by step, as chapter 10 shows it."""

from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np
import torch

from ..codecs import argmax_decode, dark_decode, quarter_decode
from ..geometry import resize_points
from ..skeletons import MPII
from .figures import heatmap_overlay

__all__ = ["draw_decoding", "draw_flip_test"]

_AROUND = 3  # cells shown to each side of the peak
_READ = (
    ("the map of a network", None),
    ("the largest cell", argmax_decode),
    ("a quarter towards the higher neighbours", quarter_decode),
    ("the top of the smooth hill (DARK)", dark_decode),
)


def draw_decoding(picture, maps, joint: str, step: int, sigma: float = 1.5):
    """A step from a map to a place: the whole picture, and the cells of the peak.

    Parameters
    ----------
    picture:
        RGB uint8 ``(H, W, 3)``, which the maps cover.
    maps:
        ``(16, h, w)``, of MPII's joints; tensor.
    step:
        0 the map alone, 1 its largest cell, 2 the quarter offset, 3 DARK.
    sigma:
        The width of the bumps that the network was trained on, in cells.

    Returns
    -------
    The figure.
    """
    one = torch.as_tensor(maps)[MPII.index(joint)]
    title, read = _READ[step]
    made, (left, right) = plt.subplots(1, 2, figsize=(6.4, 3.4))
    left.imshow(heatmap_overlay(picture, one, top=1.0))
    right.imshow(one.numpy(), cmap="inferno", vmin=0)
    column, row = (int(v) for v in argmax_decode(one[None])[0][0])
    right.set(
        xlim=(column - _AROUND - 0.5, column + _AROUND + 0.5),
        ylim=(row + _AROUND + 0.5, row - _AROUND - 0.5),
    )
    if read is not None:
        options = {"sigma": sigma} if read is dark_decode else {}
        at = read(one[None], **options)[0][0].double().numpy()
        factors = np.divide(picture.shape[1::-1], one.shape[::-1])
        left.plot(*resize_points(at, factors), "o", color="white", mfc="none", ms=12)
        right.plot(*at, "o", color="#56B4E9", mec="black", ms=9)
        title += f": cell ({at[0]:.2f}, {at[1]:.2f})"
    else:
        title += f": {one.shape[1]} x {one.shape[0]} cells"
    left.set_title(joint.replace("_", " "))
    right.set_title("around its peak")
    left.set_axis_off()
    right.grid(False)
    made.suptitle(title)
    return made


def draw_flip_test(picture, own, mirror, joint: str, step: int):
    """A step of the flip test, for one joint.

    Parameters
    ----------
    picture:
        RGB uint8 ``(H, W, 3)``, which the maps cover.
    own, mirror:
        The maps ``(16, h, w)`` of the picture and of the mirrored picture.
    step:
        0 the picture's map, 1 the mirrored picture's, 2 that one mirrored
        back, 3 with the joints swapped too, 4 the average, 5 the average
        without the swap.

    Returns
    -------
    The figure.
    """
    own, mirror = torch.as_tensor(own), torch.as_tensor(mirror)
    k, twin = MPII.index(joint), MPII.flip_permutation[MPII.index(joint)]
    back = mirror.flip(-1)
    name, other = (MPII.joints[i].replace("_", " ") for i in (k, twin))
    title, image, one = (
        (f"1. The map “{name}” of the picture", picture, own[k]),
        (f"2. “{name}” of the mirrored picture", picture[:, ::-1], mirror[k]),
        ("3. Mirrored back: it is on the other side", picture, back[k]),
        (f"4. Swapped: “{other}” instead", picture, back[twin]),
        ("5. The average of 1 and 4", picture, (own[k] + back[twin]) / 2),
        ("Forget the swap: the average of 1 and 3", picture, (own[k] + back[k]) / 2),
    )[step]
    made, axis = plt.subplots(figsize=(3.6, 3.8))
    axis.imshow(heatmap_overlay(np.ascontiguousarray(image), one, top=1.0))
    axis.set_title(title)
    axis.set_axis_off()
    return made
