"""Make the moving pictures that open chapters 1, 3 and 4.

    python chapters/figures/openings_part_one.py          all of them, a minute
    python chapters/figures/openings_part_one.py 03       one

They are made once and stored, so that a chapter can show where it leads
before its first line of code.
"""

import numpy as np
import torch
from loops import make, save_gif
from matplotlib.figure import Figure

from posecourse.codecs import HeatmapCodec
from posecourse.datasets.synthetic import Difficulty, SyntheticMotion, SyntheticPeople
from posecourse.drawing import draw_pose, grid
from posecourse.geometry import resize_points
from posecourse.models import load_model, pretrained
from posecourse.skeletons import MPII, UPPER_BODY
from posecourse.transforms import normalise
from posecourse.visualization import heatmap_overlay
from posecourse.visualization.pictures import draw_pixels

CLEAN = Difficulty(noise=0)


def moving(style, seed, size, skeleton=MPII):
    """Two seconds of somebody who moves; the end meets the beginning."""
    motion = SyntheticMotion(
        style, fps=8, size=size, seed=seed, difficulty=CLEAN, skeleton=skeleton
    )
    return [(motion.read_image(person), person.keypoints) for person in motion]


def found_by_network():
    """01: three people who move; below, what the course's network finds."""
    network = load_model(pretrained() / "weights.safetensors").eval()
    size, rim = 190, 10
    columns = []
    for style, seed in (("wave", 4), ("jumping_jack", 1), ("dance", 0)):
        pictures = torch.tensor(np.stack([p for p, _ in moving(style, seed, 64)]))
        with torch.no_grad():
            found, _ = network.predict(normalise(pictures.permute(0, 3, 1, 2)))
        found = resize_points(np.asarray(found), size / 64)
        columns.append(
            [
                [p[rim:-rim, rim:-rim] for p in (picture, draw_pose(picture, points))]
                for (picture, _), points in zip(moving(style, seed, size), found)
            ]
        )
    frames = [
        grid([one[0] for one in moment] + [one[1] for one in moment], 3)
        for moment in zip(*columns)
    ]
    save_gif(frames, "01_opening.gif", fps=8)


def maps_that_follow():
    """03: an arm that waves, its five heatmaps, and the joints read back."""
    codec = HeatmapCodec(input_size=448, heatmap_size=112, sigma=2.5)
    frames = []
    for picture, points in moving("wave", 1, 448, UPPER_BODY):
        maps, _ = codec.encode(torch.tensor(points)[None], torch.ones(1, 5))
        back, _ = codec.decode(maps, "dark")
        glowing = heatmap_overlay(picture, maps[0], strength=0.9)
        drawn = draw_pose(picture, back[0], skeleton=UPPER_BODY, thickness=4)
        frames.append(grid([p[12:202, 100:350] for p in (picture, glowing, drawn)], 3))
    save_gif(frames, "03_opening.gif", fps=8)


def a_pose_descends():
    """04: sixteen joints leave the middle of the picture, under L2 and L1."""
    people = SyntheticPeople(60, size=240, difficulty=CLEAN)
    person = people[9]
    picture, truth = people.read_image(person), person.keypoints
    kinds = {
        "L2": lambda error: 0.1 * error,
        "L1": lambda error: 3.0 * np.sign(error),
    }
    answers = {name: np.full_like(truth, 120) for name in kinds}
    frames = []
    for step in range(46):
        figure = Figure(figsize=(5.2, 2.9))
        for axis, (name, pull) in zip(figure.subplots(1, 2), kinds.items()):
            drawn = draw_pose(picture, answers[name], thickness=3)
            axis.imshow(drawn)
            axis.set_title(f"{name}, step {step}")
            axis.set_axis_off()
            answers[name] = answers[name] - pull(answers[name] - truth)
        frames.append(draw_pixels(figure, figure.dpi))
    save_gif(frames + [frames[-1]] * 8, "04_opening.gif", fps=10)


MAKERS = {"01": found_by_network, "03": maps_that_follow, "04": a_pose_descends}

if __name__ == "__main__":
    make(MAKERS)
