"""The opening of chapter 16: the same people, two networks of the stored study.

    python chapters/figures/16_opening.py

Four people of the test split take turns. Which ones: among the first who sit,
those whose joints the first network finds best, so that what is seen is the
difference between the two.
"""

import json

import cv2
import numpy as np
import torch
from loops import HERE, save_gif
from PIL import Image, ImageDraw, ImageFont
from safetensors.torch import load_file

from posecourse.datasets import SyntheticPeople
from posecourse.drawing import draw_pose
from posecourse.geometry import resize_points
from posecourse.models import build
from posecourse.transforms import normalise

SIDE, COUNT, LOOKED_AT = 224, 5, 1200
TITLES = {
    "everybody": "has seen people in all poses",
    "nobody who sits": "has seen nobody who sits",
}


def network(name):
    """One of the study's."""
    kept = load_file(HERE / "../../data/studies/outlook.safetensors")
    made = build("head_heatmap", input_size=64)
    made.load_state_dict(
        {
            key.partition("/")[2]: value.float()
            for key, value in kept.items()
            if key.startswith(name + "/")
        }
    )
    return made.eval()


def main():
    small, large = (
        SyntheticPeople(LOOKED_AT, size=size, split="test") for size in (64, SIDE)
    )
    networks = {name: network(name) for name in TITLES}
    found = []
    for i in np.flatnonzero([small.stance(i).pose.seated for i in range(LOOKED_AT)]):
        drawn = small.render(int(i))
        image = normalise(torch.from_numpy(drawn.image).permute(2, 0, 1)[None])
        with torch.no_grad():
            poses = {n: net.predict(image)[0][0].numpy() for n, net in networks.items()}
        off = np.linalg.norm(poses["everybody"] - drawn.person.keypoints, axis=1)
        found.append((np.nanmean(off > 3.2), int(i), poses))
    found.sort(key=lambda row: row[0])
    print(json.dumps([row[1] for row in found[:COUNT]]))
    frames = []
    for _, i, poses in found[:COUNT]:
        picture = large.render(i).image
        plain = np.concatenate([panel(picture, t, None) for t in TITLES.values()], 1)
        drawn = np.concatenate(
            [panel(picture, TITLES[name], points) for name, points in poses.items()], 1
        )
        frames += [drawn, drawn, drawn, plain]
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
