"""Make 13_opening.gif: a drawn person, and what two networks make of it.

    python chapters/figures/13_opening.py

The network `laptop` finds the joints in each picture, and the temporal lifter
of the course their depth; half a minute.
"""

import cv2
import numpy as np
from loops import save_gif

from posecourse.datasets import SyntheticMotion
from posecourse.drawing import draw_pose
from posecourse.inference import Predictor
from posecourse.lifting import Lifter, PinholeCamera
from posecourse.visualization.lifting import show_bodies
from posecourse.visualization.pictures import draw_pixels

SIDE = 220


def main():
    motion = SyntheticMotion("squat", 2.4, 10, size=128, seed=8, difficulty="easy")
    predictor = Predictor.load("laptop", device="cpu")
    pictures, found = [], []
    for person in motion:
        pictures.append(motion.read_image(person))
        (pose,) = predictor(pictures[-1], boxes=[person.box])
        found.append(pose.keypoints)
    camera = PinholeCamera.of(motion.camera)
    bodies = Lifter.load("temporal")(np.stack(found), camera)
    frames = []
    for n, (picture, flat, body) in enumerate(zip(pictures, found, bodies)):
        large = cv2.resize(picture, (SIDE, SIDE), interpolation=cv2.INTER_CUBIC)
        large = draw_pose(large, (flat + 0.5) * SIDE / 128 - 0.5)
        turn = 360 * n / len(bodies)
        figure = show_bodies([body], turn=turn, reach=1.1, size=SIDE / 100)
        frames.append(np.concatenate([large, draw_pixels(figure, 100)[:SIDE]], 1))
    save_gif(frames, "13_opening.gif", fps=8, colors=48)


if __name__ == "__main__":
    main()
