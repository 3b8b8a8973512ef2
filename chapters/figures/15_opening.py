"""The opening of chapter 15: one film, three engines, the same time.

    python chapters/figures/15_opening.py

Each panel's film runs as fast as its engine looks at pictures, by the stored
study (data/studies/deployment.json).
"""

import json

import cv2
import numpy as np
from loops import HERE, save_gif
from PIL import Image, ImageDraw, ImageFont

from posecourse.datasets import SyntheticMotion
from posecourse.inference import Predictor

FRAMES, SIDE, BAR = 24, 150, 44
ENGINES = {
    "PyTorch": "PyTorch",
    "onnxruntime": "onnxruntime",
    "int8": "onnxruntime, 8 bits",
}


def main():
    rows = json.loads((HERE / "../../data/studies/deployment.json").read_text("utf-8"))
    speed = {name: 1 / rows["runtimes"][name]["milliseconds"] for name in ENGINES}
    film = SyntheticMotion("walk", seconds=2.4, fps=10, size=SIDE, seed=3)
    predictor, pose, drawn = Predictor.load("laptop", "cpu"), None, []
    for person in film:
        image = film.read_image(person)
        boxes = None if pose is None else [pose.keypoint_box()]
        pose = predictor(image, boxes, refine=boxes is None)[0]
        drawn.append(pose.draw(image))
    fastest = max(speed.values())
    frames = []
    for tick in range(FRAMES):
        panels = []
        for name, title in ENGINES.items():
            # the fastest shows a new picture at every tick
            done = tick * speed[name] / fastest
            panels.append(panel(drawn[int(done) % len(drawn)], title, done / FRAMES))
        frames.append(np.concatenate(panels, 1))
    save_gif(frames, "15_opening.gif", 10, colors=64)


def panel(image, title, share):
    """A picture over its title and a bar that is filled so far."""
    below = Image.new("RGB", (SIDE + 8, BAR), "white")
    pen = ImageDraw.Draw(below)
    pen.text((4, 3), title, fill="black", font=ImageFont.load_default(14))
    pen.rectangle((4, 26, 4 + SIDE, 38), outline="#777777")
    pen.rectangle((4, 26, 4 + SIDE * share, 38), fill="#0072B2")
    above = cv2.copyMakeBorder(
        image, 0, 0, 4, 4, cv2.BORDER_CONSTANT, value=(255, 255, 255)
    )
    return np.concatenate([above, np.asarray(below)])


if __name__ == "__main__":
    main()
