"""Make the moving pictures that open chapters 8 to 11.

    python chapters/figures/openings_part_three.py          all, some minutes
    python chapters/figures/openings_part_three.py 09       one

They are made once and stored, so that a chapter can show where it leads
before its first line of code.
"""

import cv2
import matplotlib.pyplot as plt
import numpy as np
import torch
from loops import HERE, make, save_gif

from posecourse import losses, models
from posecourse.datasets import SyntheticPeople, crop_in_memory
from posecourse.drawing import draw_box, draw_pose, grid
from posecourse.geometry import Crop, resize_points
from posecourse.inference import Predictor
from posecourse.skeletons import MPII
from posecourse.training import PRESETS, FitSettings, learning_rate
from posecourse.transforms import make_batch, normalise
from posecourse.visualization import heatmap_overlay
from posecourse.visualization.pictures import draw_pixels

BLUE, YELLOW, RED = "#56B4E9", "#F0E442", "#D55E00"


def poses_while_learning(steps=1000, people=3000):
    """08: six people it never trains on, and what it draws on them."""
    torch.manual_seed(0)
    store = crop_in_memory(SyntheticPeople(people, size=80, margin=1.25), 80, 1.25, 1)
    others = SyntheticPeople(60, size=64, split="valid")
    chosen = (3, 8, 21, 30, 44, 57)
    pictures = np.stack([others.read_image(others[i]) for i in chosen])
    shown = normalise(torch.from_numpy(pictures).permute(0, 3, 1, 2))
    large = [cv2.resize(p, (120, 120), interpolation=cv2.INTER_CUBIC) for p in pictures]

    network = models.build("laptop", input_size=64)
    optimiser = torch.optim.AdamW(network.parameters(), weight_decay=0.05)
    settings = FitSettings(lr=4e-3, warmup=0.1)
    shuffle = torch.Generator().manual_seed(0)
    moments = {0, 20, 40, 60, 80, 100, 130, 160, 200, 250, 300, 350, 400, 500}
    moments |= {600, 700, 800, 900, steps}
    frames = []
    for step in range(steps + 1):
        if step in moments:
            network.eval()
            with torch.no_grad():
                points = network.predict(shown)[0].double().numpy()
            network.train()
            at = resize_points(points, 120 / 64)
            drawn = grid([draw_pose(p, k) for p, k in zip(large, at)], 3)
            frames.append(with_title(drawn, f"step {step:,}"))
        who = torch.randint(people, (16,), generator=shuffle).numpy()
        batch = make_batch(
            store.read(who),
            store.keypoints[who],
            store.visible[who],
            store.head_size[who],
            store.window,
            64,
            augmentation=PRESETS["laptop"]["augmentation"],
            draws=PRESETS["laptop"]["augmentation"].draw(16, shuffle),
        )
        optimiser.param_groups[0]["lr"] = learning_rate(step, steps + 1, settings)
        target, weights = network.codec.encode(batch.keypoints, batch.visible)
        with torch.autocast("cpu", torch.bfloat16):
            maps = network(batch.images)[-1]
        loss = losses.heatmap_mse(maps.float(), target, weights)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    save_gif([frames[-1], *frames, *frames[-1:] * 5], "08_opening.gif", fps=4, colors=64)


def circles_that_shrink():
    """09: one answer, and ever less that counts as right."""
    predictor = Predictor.load("laptop", device="cpu")
    people = SyntheticPeople(400, size=256, split="test")
    person, side = people[26], 256
    picture = people.read_image(person)
    small = cv2.resize(picture, (64, 64), interpolation=cv2.INTER_AREA)
    tensor = normalise(torch.from_numpy(small).permute(2, 0, 1)[None])
    with torch.no_grad():
        found = predictor.model.predict(tensor)[0][0].double().numpy()
    found = resize_points(found, side / 64)
    head = 0.1 * side
    off = np.linalg.norm(found - person.keypoints, axis=1) / head

    def draw(threshold):
        figure, axis = plt.subplots(figsize=(2.9, 3.2), dpi=100)
        axis.imshow(picture)
        for label, answer, far in zip(person.keypoints, found, off):
            right = far <= threshold
            axis.add_patch(
                plt.Circle(
                    label,
                    threshold * head,
                    fill=False,
                    lw=1.6,
                    color=BLUE if right else YELLOW,
                )
            )
            axis.plot(
                *answer,
                "o" if right else "X",
                ms=6 if right else 8,
                color=BLUE if right else YELLOW,
                mec="black",
            )
        axis.set(xlim=(-0.5, side - 0.5), ylim=(side - 0.5, -0.5))
        axis.set_axis_off()
        share = 100 * (off <= threshold).mean()
        axis.set_title(f"PCKh@{threshold:.2f}: {share:.0f} % right", fontsize=12)
        return pixels(figure)

    thresholds = [0.5] * 2 + [0.5 - 0.03 * i for i in range(1, 16)] + [0.03] * 2
    save_gif([draw(t) for t in thresholds], "09_opening.gif", fps=4, colors=72)


def from_photo_to_pose():
    """10: box, square, maps, joints, pose."""
    predictor = Predictor.load("laptop", device="cpu")
    people = SyntheticPeople(40, size=512, margin=1.5, split="test")
    scene, left = people.render(10), 64
    photo = np.ascontiguousarray(scene.image[:, left : left + 384])
    x, y, width, height = scene.person.box
    box = (x - left, y, width, height)
    (pose,) = predictor(photo, boxes=[box])
    crop = Crop.from_box(box, 64)
    tensor = torch.from_numpy(crop.warp(photo)).permute(2, 0, 1)[None]
    with torch.no_grad():
        maps = predictor.model(normalise(tensor))[-1][0]

    def small(image):
        return cv2.resize(image, (204, 272), interpolation=cv2.INTER_AREA)

    large = crop.resized(272)
    square = large.warp(photo)

    def beside(one, two, title):
        return with_title(
            np.concatenate([one, np.full((272, 8, 3), 255), two], 1), title
        )

    blank = np.full((272, 272, 3), 255, np.uint8)
    boxed = draw_box(photo, box)
    order = [
        MPII.index(j)
        for j in ("head_top", "right_wrist", "left_wrist", "left_knee", "right_ankle")
    ]
    frames = [beside(small(photo), blank, "a photo")] * 2
    frames += [beside(small(boxed), blank, "a box")] * 2
    frames += [beside(small(boxed), square, "a square around it")] * 2
    frames += [
        beside(
            small(boxed),
            heatmap_overlay(square, maps[k], top=1.0),
            f"a map: {MPII.joints[k].replace('_', ' ')}",
        )
        for k in order
    ]
    done = draw_pose(square, large.apply(pose.keypoints))
    frames += [beside(small(boxed), done, "the peaks of all 16 maps")] * 2
    drawn = small(draw_pose(photo, pose.keypoints))
    frames += [beside(drawn, done, "back on the photo")] * 4
    save_gif([frames[-1], *frames], "10_opening.gif", fps=2, colors=80)


def three_networks_learn():
    """11: the puzzle of two dots, and three networks' answers while they learn."""
    cells = chapter_cells("11_architectures.py")
    puzzles, small_network = cells["puzzles"], cells["small_network"]
    pictures, meant, _ = puzzles(8, seed=1)
    answers = {name: [] for name in ("fine", "coarse", "hourglass")}
    moments = [0, 5, 10, 15, 20, 30, 40, 50, 60, 80, 100, 120, 150]
    for name, seen in answers.items():
        torch.manual_seed(0)
        network = small_network(name)
        optimiser = torch.optim.Adam(network.parameters(), lr=0.01)
        for step in range(151):
            if step in moments:
                network.eval()
                with torch.no_grad():
                    seen.append(network(pictures[:1])[0, 0].numpy())
                network.train()
            batch, dots, _ = puzzles(32, 1000 + step)
            away = (cells["grid"] - dots[:, None, None]).square().sum(-1)
            target = torch.exp(-away / (2 * 1.5**2))[:, None]
            loss = (network(batch) - target).square().sum((2, 3)).mean()
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()

    def draw(i):
        figure, axes = plt.subplots(1, 4, figsize=(7.2, 2.3), dpi=100)
        shown = {"puzzle": pictures[0, 0].numpy()}
        shown |= {name: seen[i] for name, seen in answers.items()}
        for axis, (name, image) in zip(axes, shown.items()):
            axis.imshow(image, cmap="gray" if name == "puzzle" else "inferno")
            axis.plot(*meant[0].tolist(), "o", ms=20, mfc="none", mec=BLUE, mew=2)
            axis.set_title(name)
            axis.set_axis_off()
        figure.suptitle(f"step {moments[i]}")
        return pixels(figure)

    frames = [draw(i) for i in range(len(moments))]
    save_gif([frames[-1], *frames, *frames[-1:] * 4], "11_opening.gif", fps=3)


def chapter_cells(name):
    """What the first code cells of a chapter define, without the training."""
    source = (HERE.parent / "source" / name).read_text("utf-8")
    code = source.split("pictures, meant, other = puzzles")[0]
    namespace = {"__name__": "chapter"}
    exec(compile(code, name, "exec"), namespace)  # our own chapter
    return namespace


def with_title(image, text):
    """A line of text above a picture."""
    image = np.asarray(image, np.uint8)
    head = np.full((30, image.shape[1], 3), 255, np.uint8)
    figure = plt.figure(figsize=(image.shape[1] / 100, 0.3), dpi=100, layout="none")
    figure.text(0.5, 0.5, text, ha="center", va="center", fontsize=13)
    strip = pixels(figure)
    head[: strip.shape[0], : strip.shape[1]] = strip[:30, : image.shape[1]]
    return np.concatenate([head, image])


def pixels(figure):
    """A figure as RGB, closed."""
    image = draw_pixels(figure, figure.dpi)
    plt.close(figure)
    return image


MAKERS = {
    "08": poses_while_learning,
    "09": circles_that_shrink,
    "10": from_photo_to_pose,
    "11": three_networks_learn,
}

if __name__ == "__main__":
    make(MAKERS)
