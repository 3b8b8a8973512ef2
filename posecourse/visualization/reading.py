"""How a heatmap is read, step by step, as chapter 10 shows it."""

from __future__ import annotations

import matplotlib.pyplot as plt
import torch

from ..codecs import argmax_decode, dark_decode, quarter_decode
from ..skeletons import MPII

__all__ = ["draw_decoding", "draw_flip_test"]

_AROUND = 3  # cells shown to each side of the peak
_SIGMA = 1.5  # cells; of the bumps that the network was trained on
_READ = (
    ("the map of a network", None),
    ("the largest cell", argmax_decode),
    ("a quarter of a cell uphill", quarter_decode),
    ("the top of the smooth hill (DARK)", dark_decode),
)


def draw_decoding(maps, joint: str, step: int):
    """A step from a map to a place, in the cells around the map's peak.

    Parameters
    ----------
    maps:
        ``(16, h, w)``, of MPII's joints; tensor.
    step:
        0 the map alone, 1 its largest cell, 2 the quarter offset, 3 DARK.

    Returns
    -------
    The figure.
    """
    one = torch.as_tensor(maps)[MPII.index(joint)]
    title, read = _READ[step]
    made, axis = plt.subplots(figsize=(3.8, 3.6))
    axis.imshow(one.numpy(), cmap="inferno", vmin=0)
    column, row = (int(v) for v in argmax_decode(one[None])[0][0])
    axis.set(
        xlim=(column - _AROUND - 0.5, column + _AROUND + 0.5),
        ylim=(row + _AROUND + 0.5, row - _AROUND - 0.5),
    )
    title = f"{joint.replace('_', ' ')}: {title}"
    if read is not None:
        options = {"sigma": _SIGMA} if read is dark_decode else {}
        at = read(one[None], **options)[0][0].double().numpy()
        axis.plot(*at, "o", color="#56B4E9", mec="black", ms=11)
        title += f"\n({at[0]:.2f}, {at[1]:.2f})"
    else:
        title += f"\n{one.shape[1]} x {one.shape[0]} cells, seven shown"
    axis.set_title(title)
    axis.grid(False)
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
    The figure: the picture, and the map beside it.
    """
    own, mirror = torch.as_tensor(own), torch.as_tensor(mirror)
    k, twin = MPII.index(joint), MPII.flip_permutation[MPII.index(joint)]
    back = mirror.flip(-1)
    name, other = (MPII.joints[i].replace("_", " ") for i in (k, twin))
    title, image, one = (
        (f"1. “{name}” of the picture", picture, own[k]),
        (f"2. “{name}” in the mirror", picture[:, ::-1], mirror[k]),
        ("3. Mirrored back: the wrong side", picture, back[k]),
        (f"4. Swapped: “{other}” instead", picture, back[twin]),
        ("5. The average of 1 and 4", picture, (own[k] + back[twin]) / 2),
        ("Without the swap: 1 and 3", picture, (own[k] + back[k]) / 2),
    )[step]
    made, (left, right) = plt.subplots(1, 2, figsize=(4.0, 2.5))
    left.imshow(image)
    right.imshow(one.numpy(), cmap="inferno", vmin=0, vmax=1)
    for axis in (left, right):
        axis.set_axis_off()
    made.suptitle(title)
    return made
