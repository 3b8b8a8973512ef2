"""Make 14_opening.gif: squats that are counted, and a dancer with a hat.

    python chapters/figures/14_opening.py

Both are followed by the network `laptop`; half a minute.
"""

from dataclasses import replace

import matplotlib.pyplot as plt
import numpy as np
from loops import make, save_gif

from posecourse.datasets import SyntheticMotion
from posecourse.datasets.synthetic import DIFFICULTIES
from posecourse.drawing import draw_pose
from posecourse.inference import Predictor
from posecourse.motion.events import ExerciseCounter
from posecourse.motion.overlay import hat, limb_mask, nearer
from posecourse.motion.tracks import PoseSmoother, SinglePersonTracker
from posecourse.visualization.pictures import draw_pixels

SIZE, FPS, SECONDS = 130, 6, 4.0
CALM = replace(DIFFICULTIES["easy"], noise=0)  # grain would dance
BLUE, RED, GREY = "#0072B2", "#D55E00", "#777777"


def followed(motion):
    """Pictures, calmed poses and times of a motion."""
    tracker = SinglePersonTracker(Predictor.load("laptop", "cpu"))
    calm = PoseSmoother()
    for person, time in zip(motion, motion.times):
        image = motion.read_image(person)
        yield image, person, calm(tracker(image), time)[0], time


def with_hats(motion):
    """The pictures, a hat on the head, arms in front of it."""
    top = hat()
    for i, (image, person, pose, _) in enumerate(followed(motion)):
        depth = motion.camera.to_camera(motion.joints[i])[:, 2]
        arms = [b for b in nearer(depth, "head_top", margin=0.05) if "wrist" in str(b)]
        width = 0.09 * motion.camera.focal / depth.mean()
        mask = limb_mask(person.keypoints, arms, width, image.shape)
        yield top.draw(image, top.place(pose.keypoints), mask)


def film():
    """14: left a count, right a hat."""
    options = {"fps": FPS, "size": SIZE, "difficulty": CALM, "speed": 1.3}
    squat = SyntheticMotion("squat", seconds=SECONDS, seed=5, **options)
    dance = SyntheticMotion("dance", seconds=SECONDS, seed=3, **options)
    counter, values, frames = ExerciseCounter("squat"), [], []
    for (image, _, pose, time), worn in zip(followed(squat), with_hats(dance)):
        count = counter(pose.keypoints, pose.scores, time)
        values.append(counter.value)
        frames.append(draw(image, pose, values, count, worn))
    save_gif(frames, "14_opening.gif", FPS, colors=48)


def draw(image, pose, values, count, worn):
    """One picture of the film."""
    figure = plt.figure(figsize=(4.6, 2.85), layout="none")
    left = figure.add_axes((0.01, 0.24, 0.46, 0.75))
    left.imshow(draw_pose(image, pose.keypoints))
    left.text(8, 26, str(count), fontsize=22, color=RED, weight="bold")
    right = figure.add_axes((0.53, 0.24, 0.46, 0.75))
    right.imshow(worn)
    for axis in (left, right):
        axis.set_axis_off()
    below = figure.add_axes((0.01, 0.02, 0.98, 0.19))
    below.plot(np.arange(len(values)) / FPS, values, "-", color=BLUE)
    below.axhline(0.75, color=GREY, ls=":", lw=1)
    below.axhline(0.86, color=GREY, ls=":", lw=1)
    below.set(xlim=(0, SECONDS), ylim=(0.5, 1.1), xticks=[], yticks=[])
    pixels = draw_pixels(figure, dpi=100)
    plt.close(figure)
    return pixels


if __name__ == "__main__":
    make({"14": film})
