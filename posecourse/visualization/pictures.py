"""How the course stores a picture: sharp, small, white, and with words.

A picture has twice as many pixels as the page shows, so that text is sharp on
today's screens. Plots are kept exactly; photographs, drawn people and smooth
maps are packed as photographs are, without bands. The result is an ``<img>``:
of all that a notebook can store it is the one form in which JupyterLab keeps
alt text, and it needs no trust to be shown.
"""

from __future__ import annotations

import base64
import html
import io

import numpy as np

__all__ = [
    "DPI",
    "SHOWN",
    "checked_alt",
    "display_html",
    "draw_pixels",
    "image_html",
    "pack",
    "shown_size",
]

DPI = 200  # pixels per inch of a stored picture
SHOWN = 100  # pixels of the page per inch
_MANY_COLORS = 16_000  # a plot with its soft edges has fewer
_CHEAP = 30_000  # bytes; a plot that takes fewer is kept exactly
_QUALITY = 75  # of WebP, for pictures with many colours


def draw_pixels(figure, dpi: float = DPI) -> np.ndarray:
    """What a Matplotlib figure looks like: RGB uint8 ``(H, W, 3)``."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    figure.set_dpi(dpi)
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    return np.array(canvas.buffer_rgba())[..., :3]


def pack(pixels: np.ndarray) -> bytes:
    """RGB pixels as WebP: exactly, unless it is a photograph or as dear as one."""
    codes = pixels.astype(np.uint32) @ np.array([1 << 16, 1 << 8, 1], np.uint32)
    photograph = _webp(pixels, quality=_QUALITY, method=4, use_sharp_yuv=True)
    if len(np.unique(codes)) > _MANY_COLORS:
        return photograph
    exact = _webp(pixels, lossless=True, quality=80, method=4)
    return exact if len(exact) <= max(_CHEAP, 1.5 * len(photograph)) else photograph


def _webp(pixels, **options) -> bytes:
    from PIL import Image  # which Matplotlib brings

    packed = io.BytesIO()
    Image.fromarray(pixels).save(packed, "WEBP", **options)
    return packed.getvalue()


def image_html(data: bytes, kind: str, size: tuple[int, int], alt: str) -> str:
    """An ``<img>`` that holds its picture.

    Parameters
    ----------
    data, kind:
        The packed picture, and ``"webp"`` or ``"gif"``.
    size:
        Width and height in pixels of the page. Told beforehand, so that
        nothing jumps while the picture loads.
    alt:
        What it shows.
    """
    text = base64.b64encode(data).decode("ascii")
    return (
        f'<img src="data:image/{kind};base64,{text}" width="{size[0]}" '
        f'height="{size[1]}" style="max-width: 100%; height: auto; margin-top: 6px" '
        f'alt="{html.escape(alt)}">'
    )


def shown_size(shape, dpi: float = DPI) -> tuple[int, int]:
    """Width and height on the page of pixels ``(H, W, ...)`` drawn at dpi."""
    return round(shape[1] * SHOWN / dpi), round(shape[0] * SHOWN / dpi)


def display_html(code: str, text: str) -> None:
    """Display HTML in the notebook, with `text` for where there is no HTML.

    Outside a notebook the text is printed.
    """
    from IPython import get_ipython
    from IPython.display import display

    if get_ipython() is None:
        print(f"[figure: {text}]")
    else:
        display({"text/html": code, "text/plain": text}, raw=True)


def checked_alt(alt: str | None) -> str:
    """Alt text on one line.

    Raises
    ------
    ValueError
        If it says nothing.
    """
    if not alt or not alt.strip():
        raise ValueError(
            "a figure needs alt text: a sentence that says what there is to see"
        )
    return " ".join(alt.split())
