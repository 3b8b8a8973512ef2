# %% [markdown]
# # Capstone 2: a coach
#
# Count an exercise in films of people you have never seen, and say of each
# repetition whether it was deep enough. [Chapter 16](../16_outlook.ipynb) has
# the rubric; chapter 14 has filters, switches and counters.
#
# **Hand in**: counts against the truth, person by person, beside the baseline
# below; the error of your judgement in degrees; three failures, explained.

# %%
import numpy as np
import torch

from posecourse.datasets import SyntheticMotion
from posecourse.inference import Predictor
from posecourse.motion.angles import joint_angle
from posecourse.skeletons import MPII
from posecourse.visualization import figure, use_style
from posecourse.visualization.tables import table

use_style()
torch.set_num_threads(1)
LEG = MPII.indices(["left_hip", "left_knee", "left_ankle"])

# %% [markdown]
# ## 1. A film, and what a network sees in it
#
# Later: your own films, of people who agreed (chapter 16, section 9).

# %%
predictor = Predictor.load("laptop", device="cpu")


def knees(seed, seconds=6, fps=8):
    """The true and the predicted angle of the left knee, and repetitions."""
    film = SyntheticMotion("squat", seconds, fps, size=96, seed=seed)
    truth = joint_angle(*np.moveaxis(film.joints[:, LEG], 1, 0))
    persons = [film[t] for t in range(len(film))]
    images = [film.read_image(person) for person in persons]
    boxes = [[person.box] for person in persons]
    found = np.array([poses[0].keypoints
                      for poses in predictor.predict_many(images, boxes)])
    return truth, joint_angle(*np.moveaxis(found[:, LEG], 1, 0)), film.repetitions


truth, seen, repetitions = knees(1)
with figure("The true knee angle in space, which swings smoothly, and the one "
            "in the picture, which is other and jumps.", size=(7, 3)) as axis:
    axis.plot(truth, label="in space")
    axis.plot(seen, label="as the network sees it")
    axis.set(xlabel="frame", ylabel="left knee, degrees")
    axis.legend()

# %% [markdown]
# ## 2. A baseline
#
# One threshold, counted each time the angle falls below it.

# %%
def count(angle, threshold=120):
    below = angle < threshold
    return int((below[1:] & ~below[:-1]).sum() + below[0])


rows = []
for seed in range(1, 5):
    truth, seen, repetitions = knees(seed)
    rows.append((seed, repetitions, count(truth), count(seen)))
table(rows, ("person", "squats", "counted from truth", "counted from network"))

# %% [markdown]
# ## 3. Yours
#
# 1. **Count.** Twenty people with seeds that you did not look at while you
#    built it. At most one wrong count in ten squats; no squats counted in
#    `walk`, `dance` and `sit_down`.
# 2. **Judge.** Deep enough is a knee below 100 degrees *in space*. The picture
#    shows another angle: how far off are you, from the front and from the
#    side (`camera=1`)? When should the coach say "turn, I cannot see it"?
# 3. **Live.** `posecourse predict --camera` writes poses as it goes. How late
#    is your count?
