"""The opening of chapter 16: the same people, two networks of the stored study.

    python chapters/figures/16_opening.py

Three people of the test split take turns: of those who sit, the ones for whom
the two differ most.
"""

import cv2
import numpy as np
import torch
from loops import save_gif
from PIL import Image, ImageDraw, ImageFont

from posecourse.datasets import SyntheticPeople
from posecourse.drawing import draw_pose
from posecourse.geometry import resize_points
from posecourse.transforms import normalise
from posecourse.visualization.outlook import stored_network

SIDE, COUNT, LOOKED_AT = 224, 3, 1200
TITLES = {
    "everybody": "saw everybody",
    "nobody who sits": "saw nobody who sits",
}


def main():
    small, large = (
        SyntheticPeople(LOOKED_AT, size=size, split="test") for size in (64, SIDE)
    )
    networks = {name: stored_network(name, "head_heatmap") for name in TITLES}
    found = []
    for i in np.flatnonzero([small.stance(i).pose.seated for i in range(LOOKED_AT)]):
        drawn = small.render(int(i))
        image = normalise(torch.from_numpy(drawn.image).permute(2, 0, 1)[None])
        with torch.no_grad():
            poses = {n: net.predict(image)[0][0].numpy() for n, net in networks.items()}
        off = {
            name: np.linalg.norm(points - drawn.person.keypoints, axis=1)
            for name, points in poses.items()
        }
        wrong = {name: np.nansum(far > 3.2) for name, far in off.items()}
        found.append(
            (wrong["everybody"] - wrong["nobody who sits"], int(i), poses, wrong)
        )
    found.sort(key=lambda row: row[0])
    frames = []
    for _, i, poses, wrong in found[:COUNT]:
        print(i, wrong)
        picture = large.render(i).image
        drawn = [
            panel(picture, f"{TITLES[n]}: {wrong[n]:.0f} wrong", points)
            for n, points in poses.items()
        ]
        plain = [panel(picture, title, None) for title in TITLES.values()]
        frames += 4 * [np.concatenate(drawn, 1)] + [np.concatenate(plain, 1)]
    save_gif(frames, "16_opening.gif", 2, colors=96)


def panel(picture, title, points):
    """A picture, with a pose or without, under its title."""
    if points is not None:
        factor = SIDE / 64
        picture = draw_pose(picture, resize_points(points, (factor, factor)))
    head = Image.new("RGB", (SIDE + 8, 26), "white")
    font = ImageFont.load_default(14)
    ImageDraw.Draw(head).text((6, 4), title, fill="black", font=font)
    below = cv2.copyMakeBorder(
        picture, 0, 4, 4, 4, cv2.BORDER_CONSTANT, value=(255, 255, 255)
    )
    return np.concatenate([np.asarray(head), below])


if __name__ == "__main__":
    main()
