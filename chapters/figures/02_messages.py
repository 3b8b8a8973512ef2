"""Make 02_messages.gif: messages go up the tree, and the pose comes down.

    python chapters/figures/02_messages.py

learns the model of chapter 2 on 400 drawn people (half a minute) and asks it
about one more, step by step, with the chapter's own figures.
"""

from dataclasses import replace
from pathlib import Path

import numpy as np
from PIL import Image

from posecourse.classical import PictorialModel, pictorial
from posecourse.datasets import SyntheticPeople, crop_in_memory
from posecourse.datasets.synthetic import DIFFICULTIES
from posecourse.files import atomic_path
from posecourse.skeletons import MPII
from posecourse.visualization import classical as plots
from posecourse.visualization.pictures import SHOWN, draw_pixels

PERSON = 13
COLORS = 127  # without dither: dots would dance, and take twice the room
MILLISECONDS = {"look": 450, "tell": 650, "choose": 1200, "follow": 600}
RESULT = 3500


def film(path: Path):
    """Write the GIF."""
    # no grain: it would make every frame several times as large
    plain = replace(DIFFICULTIES["easy"], noise=0)
    people = {
        size: SyntheticPeople(100, size=size, difficulty=plain, split="test")
        for size in (128, 256)
    }
    drawn = SyntheticPeople(400, size=128, difficulty="easy")
    model = PictorialModel.fit(crop_in_memory(drawn, 128, margin=1.0))
    scores = model.scores(people[128].render(PERSON).image[None])
    messages = pictorial.pass_messages(scores, model.springs)
    image = people[256].render(PERSON).image
    steps = plots.message_steps(model.springs, MPII)
    # the result first: it is what one sees where nothing moves
    order = [len(steps) - 1, *range(len(steps) - 1)]
    frames = [
        draw_pixels(
            plots.show_messages(image, messages, model.springs, MPII, step), SHOWN
        )
        for step in order
    ]
    times = [MILLISECONDS[steps[step][0]] for step in order[1:]]
    first, *rest = in_one_palette(frames)
    with atomic_path(path) as temporary:
        first.save(
            temporary,
            "GIF",
            save_all=True,
            append_images=rest,
            duration=[RESULT, *times],
            loop=0,
            transparency=COLORS,
            disposal=1,
            optimize=False,
        )


def in_one_palette(frames) -> list[Image.Image]:
    """Frames in colours that suit them all; what stays is "as before"."""
    some = np.concatenate([frame[::2, ::2].reshape(-1, 3) for frame in frames])
    some = np.where(some >= 0xF8, 0xFF, some & 0xF8 | 4)  # white stays white
    colors, count = np.unique(some, axis=0, return_counts=True)
    # by the root of its area: white does not take the colours of a small map
    colors = colors.astype(np.uint8)
    row = np.repeat(colors, np.ceil(np.sqrt(count)).astype(int), axis=0)[None]
    palette = Image.fromarray(row).quantize(COLORS, kmeans=1)
    known = palette.getpalette()[: 3 * COLORS]
    pictures, before = [], None
    for frame in frames:
        now = Image.fromarray(frame).quantize(palette=palette, dither=0)
        now = np.asarray(now)
        shown = now if before is None else np.where(now == before, COLORS, now)
        before = now
        picture = Image.fromarray(shown.astype(np.uint8), "P")
        picture.putpalette(known)
        pictures.append(picture)
    return pictures


if __name__ == "__main__":
    film(Path(__file__).with_suffix(".gif"))
