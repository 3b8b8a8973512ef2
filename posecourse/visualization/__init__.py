"""What the notebooks show: figures with alt text, and things that move."""

from .animation import animate
from .figures import (
    display_figure,
    figure,
    heatmap_overlay,
    pck_curve,
    show,
    show_heatmaps,
    show_people,
    training_curves,
    use_style,
)
from .widgets import Point, explore

__all__ = [
    "Point",
    "animate",
    "display_figure",
    "explore",
    "figure",
    "heatmap_overlay",
    "pck_curve",
    "show",
    "show_heatmaps",
    "show_people",
    "training_curves",
    "use_style",
]
