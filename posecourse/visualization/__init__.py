"""What the notebooks show: figures with alt text, and things to move."""

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

__all__ = [
    "display_figure",
    "figure",
    "heatmap_overlay",
    "pck_curve",
    "show",
    "show_heatmaps",
    "show_people",
    "training_curves",
    "use_style",
]
