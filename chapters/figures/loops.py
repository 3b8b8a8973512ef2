"""What the scripts beside it share: stored pictures, still and moving."""

import sys
from pathlib import Path

import numpy as np
import torch
from PIL import Image, ImageColor

from posecourse.skeletons import MPII
from posecourse.visualization import use_style

HERE = Path(__file__).parent


def save_gif(frames, name, fps, colors=96):
    """Frames ``(H, W, 3)`` uint8 as a looping GIF of few colours.

    Those that people are drawn in are among them.
    """
    kept = sorted({ImageColor.getrgb(c) for c in (*MPII.colors, "white", "black")})
    strip = Image.fromarray(np.concatenate(frames[:: max(1, len(frames) // 12)]))
    found = strip.quantize(
        colors - len(kept), method=Image.Quantize.MAXCOVERAGE, kmeans=2
    )
    palette = Image.new("P", (1, 1))
    palette.putpalette(
        [v for c in kept for v in c] + found.getpalette()[: 3 * (colors - len(kept))]
    )
    first, *rest = [
        Image.fromarray(frame).quantize(palette=palette, dither=Image.Dither.NONE)
        for frame in frames
    ]
    _save_loop(first, rest, name, fps)


def save_webp(frames, name, fps):
    """Frames ``(H, W, 3)`` uint8 as a looping WebP."""
    first, *rest = [Image.fromarray(frame) for frame in frames]
    _save_loop(first, rest, name, fps, quality=55, method=6, minimize_size=True)


def _save_loop(first, rest, name, fps, **options):
    first.save(
        HERE / name,
        save_all=True,
        append_images=rest,
        duration=1000 // fps,
        loop=0,
        **options,
    )
    _report(name)


def save_still(figure, name):
    """A Matplotlib figure as a WebP."""
    figure.savefig(HERE / name, dpi=180, pil_kwargs={"quality": 80, "method": 6})
    _report(name)


def _report(name):
    print(f"{name}: {(HERE / name).stat().st_size / 1000:.0f} kB")


def make(makers):
    """Make the pictures of the chapters that were asked for, or of all."""
    use_style()
    torch.set_num_threads(1)
    for number in sys.argv[1:] or makers:
        makers[number]()
