"""Make 12_opening.gif: two walkers cross, and keep their numbers.

    python chapters/figures/12_opening.py

runs the pipeline of chapter 12 over a drawn crossing.
"""

from dataclasses import replace

import numpy as np
from loops import save_gif

from posecourse.datasets.synthetic import DIFFICULTIES, SyntheticCrossing
from posecourse.people import PosePipeline
from posecourse.visualization.people import draw_people

SEED, SIZE, SHOWN = 4, (208, 144), 416
FPS = 8


def film():
    """Write the GIF."""
    # no grain: it would make every frame several times as large
    plain = replace(DIFFICULTIES["easy"], noise=0)
    crossing = SyntheticCrossing(
        2, seconds=3.5, fps=FPS, size=SIZE, seed=SEED, difficulty=plain
    )
    pictures = [crossing.scene(t).image for t in range(len(crossing.times))]
    pipeline = PosePipeline.load("laptop")
    frames = [
        draw_people(image, found, SHOWN)
        for image, found in pipeline.video(pictures, every=2)
    ]
    # the last one first: it is what one sees where nothing moves
    save_gif(np.stack([frames[-1], *frames]), "12_opening.gif", FPS, colors=64)


if __name__ == "__main__":
    film()
