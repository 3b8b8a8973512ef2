"""Make the pictures that open chapters 5, 6 and 7.

    python chapters/figures/openings_part_two.py          all of them, about a minute
    python chapters/figures/openings_part_two.py 06       one

They are made once and stored, so that a chapter can show where it leads
before its first line of code.
"""

from dataclasses import replace

import numpy as np
import torch
from loops import HERE, make, save_still, save_webp
from matplotlib.figure import Figure
from matplotlib.patches import Polygon

from posecourse import losses, models
from posecourse.datasets import SyntheticPeople, crop_in_memory
from posecourse.datasets.synthetic import DIFFICULTIES, Difficulty
from posecourse.drawing import draw_pose
from posecourse.evaluation import mean_pose_of, predict_crops, validation_metrics
from posecourse.geometry import Crop
from posecourse.skeletons import MPII
from posecourse.transforms import Augmentation, make_batch
from posecourse.visualization.pictures import draw_pixels

STUDIES = HERE.parent.parent / "data" / "studies"


def four_heads():
    """05: three people, and what four kinds of network find in them."""
    heads = {
        "regression": "regression:\ntwo numbers a joint",
        "soft_argmax": "soft-argmax:\na map's mean place",
        "simcc": "SimCC:\ncolumns and rows",
        "heatmap": "heatmap:\na map's peak",
    }
    chosen, scale = (110, 307, 187), 4
    people = SyntheticPeople(1000, size=80 * scale, margin=1.25, split="test")
    with np.load(STUDIES / "representations.npz") as stored:
        found = {head: stored[f"{head}-8000-0/points"] / 100 for head in heads}
    figure = Figure(figsize=(8, 6.5))
    axes = figure.subplots(len(chosen), len(heads))
    for row, number in zip(axes, chosen):
        picture = people.read_image(people[number])[32:-32, 32:-32]
        for axis, head in zip(row, heads):
            points = (found[head][number] + 0.5) * scale - 0.5
            axis.imshow(draw_pose(picture, points))
            axis.set_axis_off()
    for axis, title in zip(axes[0], heads.values()):
        axis.set_title(title)
    save_still(figure, "05_opening.webp")


def moving_window():
    """06: a window turns, grows and is mirrored, and the labels stay on."""
    people = SyntheticPeople(
        34, size=400, difficulty=Difficulty(noise=0), margin=1.7, seed=6
    )
    person = people[33]
    picture, frames = people.read_image(person), []
    for t in np.arange(16) / 16:
        angle, size = 25 * np.sin(2 * np.pi * t), 1 - 0.25 * np.sin(4 * np.pi * t)
        window = Crop(
            person.center, 250 * person.scale * size, 220, angle, flip=t >= 0.5
        )
        frames.append(window_and_crop(picture, person, window))
    save_webp(frames, "06_opening.webp", fps=5)


def window_and_crop(picture, person, window):
    """The window on the picture, beside what it cuts out."""
    points, visible = window.apply(person.keypoints), person.visible
    if window.flip:
        order = list(MPII.flip_permutation)
        points, visible = points[order], visible[order]
    figure = Figure(figsize=(4.2, 2.32))
    left, right = figure.subplots(1, 2)
    left.imshow(picture)
    corners = window.invert([[0, 0], [219, 0], [219, 219], [0, 219]])
    for color, width in (("black", 4), ("white", 2)):
        left.add_patch(Polygon(corners, fill=False, color=color, linewidth=width))
    left.plot(*corners[0], "o", color="white", markeredgecolor="black", markersize=8)
    left.set(xlim=(-0.5, 399.5), ylim=(399.5, -0.5))
    right.imshow(draw_pose(window.warp(picture), points, visible, thickness=3))
    right.plot(
        0, 0, "o", color="white", markeredgecolor="black", markersize=8, clip_on=False
    )
    for axis, title in ((left, "a window"), (right, "what the network gets")):
        axis.set_title(title)
        axis.set_axis_off()
    return draw_pixels(figure, 150)


def learning():
    """07: the document's network and the mended one, while they learn."""
    store, valid = (
        crop_in_memory(
            SyntheticPeople(count, size=64, difficulty="easy", split=split),
            size=64,
            margin=1.0,
            workers=1,
        )
        for count, split in ((3000, "train"), (300, "valid"))
    )
    rows = {"as the document writes it": "posenet", "with the two cures": "posenet_bn"}
    found = {
        title: poses_while_learning(name, store, valid) for title, name in rows.items()
    }
    clean = replace(DIFFICULTIES["easy"], noise=0)
    people = SyntheticPeople(300, size=256, difficulty=clean, split="valid")
    chosen = [241, 207, 187, 118, 55]
    pictures = [people.read_image(people[i]) for i in chosen]
    frames = []
    for n in range(len(found["with the two cures"])):
        figure = Figure(figsize=(5.2, 2.75))
        grid = figure.subplots(2, 5)
        for (title, steps), axes in zip(found.items(), grid):
            step, poses, score = steps[n]
            axes[2].set_title(f"{title}: {score:.0f} of 100 joints right")
            for axis, picture, pose in zip(axes, pictures, poses[chosen]):
                pose = (pose + 0.5) * 4 - 0.5
                axis.imshow(draw_pose(picture, pose), interpolation="antialiased")
                axis.set_axis_off()
        figure.supxlabel(f"after {step} steps of training", fontsize=11)
        frames.append(draw_pixels(figure, 150))
    save_webp([*frames, *frames[-1:] * 4], "07_opening.webp", fps=4)


def poses_while_learning(name, store, valid, steps=600, every=50):
    """``(step, poses, PCKh@0.5)`` on the way; the training of chapter 7."""
    torch.manual_seed(0)
    network = models.build(name, input_size=32, width=0.25)
    generator = torch.Generator().manual_seed(1)
    optimiser = torch.optim.Adam(network.parameters(), lr=1e-3, fused=True)
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimiser, 1e-3, steps, pct_start=0.2
    )
    mean_pose, mild = mean_pose_of(store, (32, 32)), Augmentation(0.15, 15, 0.02)
    found = []
    for step in range(steps + 1):
        if step % every == 0:
            poses, _, _ = predict_crops(network, valid)
            score = validation_metrics(network, valid, mean_pose)["score"]
            found.append((step, poses, score))
        rows = torch.randint(len(store), (16,), generator=generator).numpy()
        batch = make_batch(
            store.crops[rows],
            store.keypoints[rows],
            store.visible[rows],
            store.head_size[rows],
            store.window,
            32,
            augmentation=mild,
            generator=generator,
        )
        target, weights = network.codec.encode(batch.keypoints, batch.visible)
        network.train()
        loss = losses.coordinate_l2(network(batch.images)[-1], target, weights)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        if step < steps:
            schedule.step()
    return found


MAKERS = {"05": four_heads, "06": moving_window, "07": learning}

if __name__ == "__main__":
    make(MAKERS)
