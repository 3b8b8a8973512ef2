# %% [markdown]
# # Capstone 1: a skeleton of your own
#
# Teach a network to find the joints of something that nobody has labelled: your
# hand, your dog, a desk lamp, a chess piece. [Chapter 16](../16_outlook.ipynb)
# has the rubric; chapters 6, 8 and 9 have the tools.
#
# **Hand in**: the data with a [datasheet](datasheet.md), the network with a
# [model card](model_card.md), this notebook, which makes your table from them.
#
# What follows is the whole way with drawn lamps. It runs. Then replace the
# lamps.

# %%
import tempfile
from itertools import pairwise
from pathlib import Path

import cv2
import numpy as np
import torch

from posecourse import evaluation, models, training
from posecourse.datasets import Person, crop_in_memory
from posecourse.skeletons import Skeleton
from posecourse.visualization import show_people, use_style

use_style()
torch.set_num_threads(1)

# %% [markdown]
# ## 1. Name the joints
#
# Few, visible, and such that two people would click on the same pixel. Names
# that begin with `left_` and `right_` are mirrored for you.

# %%
LAMP = Skeleton("lamp", ["foot", "knee", "neck", "bulb"],
                bones=[("foot", "knee"), ("knee", "neck"), ("neck", "bulb")])

# %% [markdown]
# ## 2. Get pictures and labels
#
# With photographs, label them in CVAT or Label Studio, export *COCO keypoints*,
# and open the folder: `open_dataset("folder", "train")` from
# `posecourse.datasets` reads it, skeleton included. Two hundred pictures in
# many places, lights and poses are worth more than a thousand of one afternoon.
#
# **Split by what must be new**: another room, another lamp, another dog. Never
# frames of the same film on both sides.
#
# Here a lamp is four points, and a picture is drawn around them.


# %%
def lamp(rng):
    """Its four joints, (4, 2) pixels: from the foot, bone by bone."""
    points = [rng.uniform((14, 48), (50, 58))]
    for low, high, long in ((-125, -55, 17), (-150, -30, 15), (-40, 220, 7)):
        angle = np.deg2rad(rng.uniform(low, high))
        points.append(points[-1] + long * np.array([np.cos(angle), np.sin(angle)]))
    return np.array(points)


def draw(points, rng):
    """A picture of it, among clutter, RGB (64, 64, 3)."""
    image = np.full((64, 64, 3), rng.integers(90, 230, 3), np.uint8)
    for _ in range(6):
        box = rng.integers(0, 64, 4).tolist()
        color = rng.integers(60, 250, 3).tolist()
        cv2.rectangle(image, box[:2], box[2:], color, int(rng.integers(1, 4)))
    points, color = points.round().astype(int), rng.integers(0, 90, 3).tolist()
    for a, b in pairwise(points):
        cv2.line(image, a.tolist(), b.tolist(), color, 2, cv2.LINE_AA)
    cv2.circle(image, points[3].tolist(), 4, (255, 240, 150), -1, cv2.LINE_AA)
    return image


# %% [markdown]
# A data set is something with a length, records and pictures. A record says
# where the joints are (NaN for one outside the picture), which can be seen (2),
# and where the middle of the window lies.


# %%
class Lamps:
    """Drawn lamps, in place of your pictures."""

    name, skeleton = "lamps", LAMP

    def __init__(self, count, seed):
        self.count, self.seed = count, seed

    def __len__(self):
        return self.count

    def __getitem__(self, index):
        if not 0 <= index < self.count:
            raise IndexError(index)            # so that a loop over it ends
        points = lamp(np.random.default_rng([self.seed, index]))
        inside = ((points >= 0) & (points <= 63)).all(1)
        points[~inside] = np.nan
        return Person(f"{index}.png", points, 2 * inside.astype(np.uint8),
                      (31.5, 31.5 - 15 * 64 / 250), 64 / 250,
                      box=(0.0, 0.0, 64.0, 64.0), id=str(index), skeleton=LAMP)

    def read_image(self, person):
        index = int(person.id)
        points = lamp(np.random.default_rng([self.seed, index]))
        return draw(points, np.random.default_rng([self.seed, index, 1]))


# %%
train_set, test_set = (crop_in_memory(Lamps(n, seed), 64, 1.0, workers=1)
                       for n, seed in ((400, 0), (100, 1)))
show_people(test_set.crops[:6], test_set.keypoints[:6], skeleton=LAMP,
            alt="Six drawn desk lamps with their four joints, among clutter.")

# %% [markdown]
# ## 3. Train, and measure beside the trivial answer
#
# Sixty steps, to see that everything fits. How many do you need? Does
# `posecourse train` with more epochs help? When do more pictures?

# %%
def learn(steps, folder):
    """A run on the lamps; returns its network."""
    config = training.config_for(
        "head_heatmap", {"input_size": 64}, epochs=1, validate_every=steps,
        lr=8e-3, ema=0.0, amp="fp32", margin=1.0, out=str(folder))
    run = training.train(config, (train_set, test_set), lambda row: None)
    return models.load_model(run / "weights.safetensors")


with tempfile.TemporaryDirectory() as scratch:
    network = learn(60, Path(scratch) / "run")
mean = evaluation.mean_pose_of(train_set, (64, 64))
evaluation.score(network, test_set, mean)

# %% [markdown]
# ## 4. Yours
#
# 1. Your skeleton, your pictures, your split. Let a second person label thirty
#    pictures: how far apart are you? No network can be better than that.
# 2. A curve: score over the number of labelled pictures. Where does it flatten?
# 3. The ten worst pictures, with what they have in common, and a test of your
#    reason (chapter 11's project shows how).
