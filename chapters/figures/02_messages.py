"""Make 02_messages.gif: messages go up the tree, and the pose comes down.

    python chapters/figures/02_messages.py

learns the model of chapter 2 on 400 drawn people (half a minute) and asks it
about one more, step by step, with the chapter's own figures.
"""

import io
from dataclasses import replace
from pathlib import Path

from PIL import Image

from posecourse.classical import PictorialModel, pictorial
from posecourse.datasets import SyntheticPeople, crop_in_memory
from posecourse.datasets.synthetic import DIFFICULTIES
from posecourse.files import atomic_path
from posecourse.skeletons import MPII
from posecourse.visualization import classical as look
from posecourse.visualization.figures import to_png

PERSON = 13
COLORS = 48
MILLISECONDS = {"look": 450, "tell": 650, "choose": 1200, "follow": 600}
END = 3500


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
    steps = look.message_steps(model.springs, MPII)
    frames = [
        picture_of(
            look.show_messages(
                people[256].render(PERSON).image, messages, model.springs, MPII, step
            )
        )
        for step in range(len(steps))
    ]
    times = [MILLISECONDS[what] for what, _ in steps]
    times[-1] = END
    with atomic_path(path) as temporary:
        frames[0].save(
            temporary,
            "GIF",
            save_all=True,
            append_images=frames[1:],
            duration=times,
            loop=0,
            optimize=True,
        )


def picture_of(figure) -> Image.Image:
    """A figure in few colours, so that frames stay small."""
    picture = Image.open(io.BytesIO(to_png(figure, small=False))).convert("RGB")
    return picture.quantize(COLORS, dither=Image.Dither.NONE)


if __name__ == "__main__":
    film(Path(__file__).with_suffix(".gif"))
