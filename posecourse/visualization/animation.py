"""Short loops for what moves or changes, as GIF: they play everywhere."""

from __future__ import annotations

import base64
import io
import math

import cv2
import numpy as np

from ..drawing import as_rgb
from .pictures import (
    SHOWN,
    checked_alt,
    display_html,
    draw_pixels,
    image_html,
    pack,
    shown_size,
)

__all__ = ["animate"]

_LIMIT = 300_000  # bytes of a GIF
# pixels per pixel of the page, and what they may cost; fewer are a blur
_DENSITIES = {2: 180_000, 1.5: 180_000, 1: _LIMIT, 0.8: _LIMIT}
_COLORS = 255
_KEPT = 255  # the colour "as in the frame before"
_ROUGH = 1.5  # mean error of a colour from which areas show bands


def animate(draw, frames, alt: str, fps: float = 10) -> None:
    """Display a loop of drawings, with alt text.

    It is stored as a GIF of at most 300 kB, sharp if it can be, with fewer
    pixels if it must. Who has asked the system for less motion sees the first
    frame: it should be worth looking at.

    Parameters
    ----------
    draw:
        ``draw(frame)`` gives a Matplotlib figure, or a picture, RGB uint8
        ``(H, W, 3)``; of the same size for all frames.
    frames:
        What `draw` is called with, one after the other.
    alt:
        What the loop shows, in a sentence.
    fps:
        Frames per second, at most 50.

    Raises
    ------
    ValueError
        If there is no frame, they differ in size, or they cannot be packed
        into 300 kB: then say it with fewer frames, or with a smaller picture.
    """
    alt = checked_alt(alt)
    if not 0 < fps <= 50:
        raise ValueError(f"fps={fps}: a GIF shows up to 50 frames per second")
    drawings = [_closed(draw(frame)) for frame in frames]
    if not drawings:
        raise ValueError("an animation needs at least one frame")
    gif, pixels = _fitting(drawings, fps)
    size = shown_size(_pixels(drawings[0], 1).shape, SHOWN)
    still = base64.b64encode(pack(pixels)).decode("ascii")
    display_html(
        '<picture><source media="(prefers-reduced-motion: reduce)" '
        f'srcset="data:image/webp;base64,{still}">'
        f"{image_html(gif, 'gif', size, alt)}</picture>",
        alt,
    )


def _closed(drawing):
    """A figure that nobody else displays, or RGB pixels."""
    import matplotlib.pyplot as plt

    if not hasattr(drawing, "savefig"):
        if np.ndim(drawing) == 0:  # nothing, or the axes instead of the figure
            raise ValueError(
                "animate: draw(...) must return the figure it drew, or a picture, "
                f"not a {type(drawing).__name__}"
            )
        return as_rgb(drawing)
    plt.close(drawing)
    return drawing


def _pixels(drawing, density) -> np.ndarray:
    """A frame with so many pixels per pixel of the page."""
    if hasattr(drawing, "savefig"):
        return draw_pixels(drawing, SHOWN * density)
    if density >= 1:  # a picture has no more than it has
        return drawing
    height, width = (max(1, round(n * density)) for n in drawing.shape[:2])
    return cv2.resize(drawing, (width, height), interpolation=cv2.INTER_AREA)


def _fitting(drawings, fps) -> tuple[bytes, np.ndarray]:
    """A GIF within the limit, and its first frame: the sharpest that fits.

    Pixels are given up before colours: too few of these look worse.
    """
    for density, limit in _DENSITIES.items():
        frames = [_pixels(drawing, density) for drawing in drawings]
        shapes = sorted({f.shape[1::-1] for f in frames})
        if len(shapes) > 1:
            raise ValueError(f"the frames of an animation have one size, not {shapes}")
        gif = _gif(frames, fps)
        if len(gif) <= limit:
            return gif, frames[0]
    raise ValueError(
        f"{len(frames)} frames take {len(gif) // 1000} kB, more than "
        f"{_LIMIT // 1000}, even with few pixels; draw fewer or smaller ones, or "
        "on a calmer ground"
    )


def _gif(frames, fps) -> bytes:
    """Frames in the colours that suit them all; what stays is stored once."""
    from PIL import Image

    palette = _palette(frames)
    dithered = _roughness(frames[0], palette) > _ROUGH
    pictures: list = []
    held = _indices(frames[0], palette, dithered)
    for before, frame in zip([frames[0], *frames], frames):
        # no dots that dance where nothing moves
        moves = (frame != before).any(-1)
        indices = np.where(moves, _indices(frame, palette, dithered), held)
        kept = (indices == held) & bool(pictures)
        shown = np.where(kept, np.uint8(_KEPT), indices)
        held = indices
        picture = Image.fromarray(shown, "P")
        picture.putpalette(palette.tobytes())
        pictures.append(picture)
    packed = io.BytesIO()
    pictures[0].save(
        packed,
        "GIF",
        save_all=True,
        append_images=pictures[1:],
        duration=round(1000 / fps),
        loop=0,
        transparency=_KEPT,
        disposal=1,
        optimize=False,
    )
    return packed.getvalue()


def _palette(frames) -> np.ndarray:
    """Colours that suit all frames, ``(255, 3)``; the first is white.

    A colour counts by the root of its area: a page of white does not take
    the colours of a small map.
    """
    from PIL import Image

    step = math.ceil(len(frames) / 8)
    sample = np.concatenate([f[::2, ::2].reshape(-1, 3) for f in frames[::step]])
    colors, count = np.unique(sample & 0xFC | 2, axis=0, return_counts=True)
    row = np.repeat(colors, np.ceil(np.sqrt(count)).astype(int), axis=0)[None]
    found = Image.fromarray(row).quantize(_COLORS - 1, kmeans=1).getpalette() or []
    palette = np.full((_COLORS, 3), 255, np.uint8)
    chosen = np.reshape(found, (-1, 3))[: _COLORS - 1]
    palette[1 : len(chosen) + 1] = chosen
    return palette


def _indices(pixels, palette, dithered) -> np.ndarray:
    """The palette's colour nearest to each pixel, ``(H, W)`` uint8."""
    from PIL import Image

    colors = Image.new("P", (1, 1))
    colors.putpalette(palette.tobytes())
    dither = Image.Dither.FLOYDSTEINBERG if dithered else Image.Dither.NONE
    indices = np.array(Image.fromarray(pixels).quantize(palette=colors, dither=dither))
    indices[(pixels == 255).all(-1)] = 0  # the page's white stays white
    return indices


def _roughness(pixels, palette) -> float:
    """Mean error of the palette's colours, where the picture is not white."""
    nearest = palette[_indices(pixels, palette, False)].astype(np.int16)
    error = np.abs(nearest - pixels)[(pixels != 255).any(-1)]
    return float(error.mean()) if error.size else 0.0
