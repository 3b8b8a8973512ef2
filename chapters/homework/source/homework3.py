# %% [markdown]
# # Homework 3: Knowing or remembering?
#
# **Give the package a loss and a network of your own, and find out what it has
# learned.**
#
# | | |
# |---|---|
# | **Follows** | [chapters 6](../06_data.ipynb) [to 8](../08_training.ipynb) |
# | **Time** | 2 h |
# | **Points** | 10: 6 for the three tasks, 4 that your teacher reads (see the rubric) |
#
# You will build a network from a few layers, hand it to the training loop of the
# package, and soon it finds two of three joints. Then you show it people it
# has not met. Write down now what you expect: how many of a hundred joints will it
# find there, and how many does somebody find who always says the mean pose?

# %% tags=["setup"]
import tempfile
from pathlib import Path

import numpy as np
import torch
from torch import nn

from posecourse import (CoordinateCodec, PoseNetwork, SyntheticPeople,
                        config_for, evaluate, load_model, register, train)
from posecourse.datasets import crop_in_memory
from posecourse.evaluation import predict_crops
from posecourse.exercises import check, hint
from posecourse.visualization import figure, show_people, use_style

use_style()
torch.set_num_threads(1)


def new_folder():
    """A folder for a run that is not there yet."""
    return Path(tempfile.mkdtemp()) / "run"


# %% [markdown]
# ### Exercise H3.1 ★☆☆ A loss that forgives
#
# One wrong label should not pull as hard as its square. Huber's loss of an error
# $e$ (here of one coordinate) is
#
# $$h(e) = \begin{cases} e^2 / 2 & |e| \le \delta \\ \delta\,(|e| - \delta / 2) &
# \text{else,} \end{cases} \qquad \delta = 0.1.$$
#
# Write `huber(output, target, weights)`: tensors `(N, K, 2)`, `(N, K, 2)`,
# `(N, K)` to `(N, K)`, for each joint $h$ of the error in x plus $h$ of the error in
# y, times its weight. A joint that is not labelled has weight 0 and target **NaN**;
# its loss is 0, and so is its gradient.
#
# By hand: an error of 0.06 in x and 1 in y is $0.0018 + 0.095$.

# %% tags=["exercise"]
def huber(output, target, weights):
    """Huber's loss of each joint, (N, K)."""
    # your code here


# %% tags=["solution"]
def huber(output, target, weights):
    """Huber's loss of each joint, (N, K)."""
    labelled = weights[..., None] > 0
    target = torch.where(labelled, target, 0.0)    # first: NaN * 0 is NaN
    output = torch.where(labelled, output, 0.0)
    each = nn.functional.huber_loss(output, target, reduction="none",
                                    delta=0.1)
    return weights * each.sum(-1)


# %% tags=["check"]
check("H3.1", huber)

# %% [markdown]
# ### Exercise H3.2 ★★☆ A network
#
# Fill in `Mine`: from pictures `(N, 3, 32, 32)` to coordinates `(N, joints, 2)`.
# What is in between is yours. Three convolutions with stride 2, each with
# `BatchNorm2d` and ReLU, then `Flatten` and one `Linear`, will do. `width` says how
# many channels the first one has.
#
# The codec says what the numbers mean, and so `loss` and `predict` are inherited;
# `register` lets the package build, store and load it.

# %% tags=["exercise"]
class Mine(PoseNetwork):
    """From pictures to coordinates."""

    def __init__(self, joints=16, input_size=32, width=16):
        super().__init__(CoordinateCodec(input_size))
        # your layers here

    def forward(self, images):
        """Pictures (N, 3, 32, 32) to coordinates (N, joints, 2)."""
        # your code here


register("mine", Mine)


# %% tags=["solution"]
class Mine(PoseNetwork):
    """From pictures to coordinates."""

    def __init__(self, joints=16, input_size=32, width=16):
        super().__init__(CoordinateCodec(input_size))
        layers, channels = [], 3
        for wide in (width, 2 * width, 4 * width):
            layers += [nn.Conv2d(channels, wide, 3, stride=2, padding=1),
                       nn.BatchNorm2d(wide), nn.ReLU()]
            channels = wide
        cells = (input_size // 8) ** 2
        self.layers = nn.Sequential(*layers, nn.Flatten(),
                                    nn.Linear(channels * cells, 2 * joints))

    def forward(self, images):
        """Pictures (N, 3, 32, 32) to coordinates (N, joints, 2)."""
        return self.layers(images).unflatten(1, (-1, 2))


register("mine", Mine)


# %% tags=["check"]
check("H3.2", Mine)

# %% [markdown]
# ### Exercise H3.3 ★★★ Train it, and ask it
#
# Write `learn(crops, asked)`: `crops` is a `CropDataset`, `asked` a list of them.
#
# 1. settings: `config_for("mine", {"width": 16}, ...)` with a batch size of 8, 3
#    epochs of 120 steps each (`validate_every=120`), `out=new_folder()`, and no
#    augmentation: `augmentation={"scale": 0, "rotation": 0, "shift": 0, "flip": 0}`;
# 2. `train` on `crops` with your `huber`; the same people serve for validation.
#    `on_epoch=print` shows how it goes, `on_epoch=lambda row: None` does not;
# 3. for each dataset of `asked` give what the trained network finds in it:
#    `(N, 16, 2)` in the pixels of its crops, in a list. It needs no labels for that.
#
# It is graded by whether it finds, in pictures of `crops`, more than somebody who
# says the mean pose.

# %% tags=["exercise"]
def learn(crops, asked):
    """Train `Mine` with `huber` on crops; what it finds in each of asked."""
    # your code here


# %% tags=["solution"]
def learn(crops, asked):
    """Train `Mine` with `huber` on crops; what it finds in each of asked."""
    still = {"scale": 0, "rotation": 0, "shift": 0, "flip": 0}
    config = config_for("mine", {"width": 16}, batch_size=8, epochs=3,
                        validate_every=120, out=new_folder(),
                        augmentation=still)
    run = train(config, (crops, crops), loss=huber, on_epoch=lambda row: None)
    network = load_model(run / "weights.safetensors")
    return [predict_crops(network, each)[0] for each in asked]


# %% tags=["check"]
check("H3.3", learn)

# %% [markdown]
# ## Now show it strangers
#
# 48 people to learn from, 100 that it never sees, and the mean pose of the 48 as
# somebody who knows nothing of the picture.

# %%
from posecourse import metrics

known, strangers = (
    crop_in_memory(SyntheticPeople(count, size=40, seed=3, margin=1.25,
                                   split=split), 40, margin=1.25, workers=1)
    for count, split in ((48, "train"), (100, "valid")))
both = learn(known, [known, strangers])


# %% tags=["hide-input"]
def score(found, store):
    """PCKh@0.5 in percent, MPII's total."""
    rates = metrics.pckh(found, store.keypoints, store.visible,
                         store.head_size)
    return 100 * rates.pooled(metrics.pckh_columns(store.skeleton))


if both is None:
    print("Solve the three tasks first; then this cell draws.")
else:
    mean = metrics.mean_pose(known.keypoints, known.visible)
    stores = (known, strangers)
    network = [score(found, store) for found, store in zip(both, stores)]
    constant = [score(np.broadcast_to(mean, s.keypoints.shape), s)
                for s in stores]
    for name, values in (("network", network), ("mean pose", constant)):
        print(f"{name:10s} {values[0]:5.1f} % of the joints of the 48, "
              f"{values[1]:5.1f} % of the strangers'")
    show_people([*known.crops[:3], *strangers.crops[:3]],
                [*both[0][:3], *both[1][:3]],
                titles=["known"] * 3 + ["stranger"] * 3,
                alt="Three people of the training with nearly right poses, "
                "three strangers with poses that do not fit.")

# %% [markdown]
# ## Your words
#
# In three or four sentences: has your network learned what a knee looks like? Name
# the four numbers above and what each of them says. What would you change first:
# the network, the loss, the number of people or the number of epochs? Try it, with
# one more pair of numbers.

# %% [markdown]
# *(Write here.)*

# %% [markdown]
# ## Rubric
#
# | what your teacher reads | points | for what |
# |---|---|---|
# | **figure** | 2 | pictures and numbers come from your functions (1); one thing was changed, and its pair of numbers is there (1) |
# | **words** | 2 | known and strangers are told apart, each beside the mean pose (1); the change was predicted, and what came out is said, also if it did not help (1) |
