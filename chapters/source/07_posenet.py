# %% [markdown]
# # 7. PoseNet
#
# **Build the document's network layer by layer, see why it first learns the
# mean pose, and cure it.**
#
# ![Five people, twice, while a network learns. Above, as the document writes it: the same small upright skeleton on everybody, whatever they do, to the end; 24 of 100 joints right. Below, with this chapter's two cures: the skeletons begin to follow, arms go up, and after 600 steps 60 of 100 joints are right](figures/07_opening.webp)
#
# One network, twice, while it learns. Above, as the document writes it: it
# settles on one skeleton for everybody. Below, with two small changes. This
# chapter builds the network, finds out what is wrong, and makes the two
# changes.
#
# | | |
# |---|---|
# | **You will learn** | to read a network: shapes, parameters, arithmetic, what a cell sees; how a signal dies on its way through plain layers; He's initial weights and BatchNorm; the first test of any network, and what it cannot find |
# | **You need** | [chapter 4](04_losses.ipynb) (losses and their trivial baselines), a little PyTorch, what a variance is |
# | **Time** | 55 min to read, 60 min to do |
# | **Runs in** | 60 s on two CPU cores; up to 1.7 GB of memory |

# %% tags=["setup"]
import matplotlib.pyplot as plt
import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

from posecourse import evaluation, losses, metrics, models
from posecourse.authoring.chapters import require
from posecourse.codecs import HeatmapCodec
from posecourse.datasets import SyntheticPeople, crop_in_memory
from posecourse.exercises import check, hint, quiz
from posecourse.models.profile import summarise
from posecourse.skeletons import MPII
from posecourse.transforms import Augmentation, make_batch, normalise
from posecourse.visualization import (animate, display_figure, explore,
                                      layers, show_people, use_style)

require("0.1")
torch.manual_seed(0)
torch.set_num_threads(1)   # networks this small gain little from a second
use_style()

# %% [markdown] document="3.2 step 2; 5.2 network"
# ## 1. A network with its end torn off
#
# The document's section 5.2 shows a network for coordinates. In our
# translation:
#
# > The following code shows how to implement a simple pose estimation model in
# > PyTorch, and to train and test it on the MPII dataset.
# >
# > Define the pose estimation model:
#
# ```python
# class PoseNet(nn.Module):
#     def __init__(self, num_keypoints=16):
#         super(PoseNet, self).__init__()
#         self.num_keypoints = num_keypoints
#
#         self.conv1 = nn.Conv2d(3, 64, kernel_size=3, stride=1, padding=1)
#         self.conv2 = nn.Conv2d(64, 64, kernel_size=3, stride=1, padding=1)
#         self.pool = nn.MaxPool2d(kernel_size=2, stride=2)
#
#         ...                                  # eight more convolutions
#
#         self.fc1 = nn.Linear(512*7*7, 4096)
#         self.fc2 = nn.Linear(4096, 4096)
#         self.fc3
# ```
#
# Here the document ends, in the middle of a line. (We left out the eight
# convolutions in between; nothing else.)
#
# What is missing is the last layer and the way through the layers. We finish
# it in this chapter. First we look at its building block, on a picture of 6 x 6
# pixels. A **convolution** slides a small window of weights, the kernel,
# over the picture. At each place it multiplies, adds up, and writes one
# number. **ReLU** replaces negative numbers by 0. **Max pooling** keeps the
# largest of every 2 x 2 numbers.
#
# **Predict first.** The picture is dark on the left and bright on the right.
# The kernel is -1 in its left column, 0 in the middle and 1 on the right.
# Where is its answer large? And what happens at the right edge, if zeros are
# put around the picture (`padding=1`)?
#
# <details><summary>Answer</summary>
#
# It is large along the edge from dark to bright, where what lies on the right
# is brighter than what lies on the left. At the right end the zeros look like
# an edge back to dark, so the answer there is negative.
# </details>

# %% tags=["nbval-check-output"]
picture = torch.zeros(6, 6)
picture[:, 3:] = 1                               # bright on the right
kernel = torch.tensor([[-1.0, 0, 1]] * 3)        # right minus left


def convolve(picture, kernel):
    """A 3 x 3 convolution of a picture with zeros around it."""
    padded = F.pad(picture, (1, 1, 1, 1))
    out = torch.zeros_like(picture)
    for i in range(out.shape[0]):
        for j in range(out.shape[1]):
            out[i, j] = (padded[i:i + 3, j:j + 3] * kernel).sum()
    return out


edges = convolve(picture, kernel)
pooled = edges.clamp(min=0).reshape(3, 2, 3, 2).amax((1, 3))
print("convolved", edges.int().numpy(), sep="\n")
print("ReLU, then pooled", pooled.int().numpy(), sep="\n")
same = F.max_pool2d(F.relu(F.conv2d(
    picture[None, None], kernel[None, None], padding=1)), 2)
gap = (pooled - same).abs().max()
print(f"PyTorch's answer is {gap:.0f} away at most")

# %%
two_rows_and_the_end = [*range(12), *range(30, 36), 35, 35]
animate(lambda step: layers.convolution_step(picture, kernel, step),
        two_rows_and_the_end, "The kernel as a frame that slides over the "
        "picture. Beside it the nine products of pixel and weight, and the "
        "result that fills up: 3 along the edge from dark to bright, -3 at "
        "the right end, 0 elsewhere.", fps=3)

# %% [markdown]
# The answer is **3** along the edge from dark to bright, and 0 where nothing
# changes. At the right end the zeros around the picture look like an edge
# back to dark: **-3**. ReLU removes that one. Pooling halves the map and keeps
# the message "there is an edge in the middle".
#
# In a network the kernels are learned, each looks at *all* maps of the layer
# before, and a layer has many: `conv1` has 64 kernels for the 3 colours.
#
# **Now the missing parts.** `fc3` gives two numbers for each of the $K$
# joints. The picture runs through the layers in the order in which they are
# defined, with ReLU after each but the last. `pool` is defined after
# `conv2`, so it follows every second convolution.
#
# **Predict first.** The document never says how large the picture is. It
# follows from one number in the listing. From which?
#
# <details><summary>Answer</summary>
#
# From `512*7*7`. Ten convolutions in pairs make five poolings, and each
# halves the side. What ends at 7 has begun at $7 \cdot 2^5 = 224$.
# </details>
#
# ![Blocks from left to right: the maps shrink from a side of 224 to one of 7 while they grow from 3 to 512 deep; then three layers of 4096, 4096 and 32 numbers](figures/07_network.svg)
#
# The blocks shrink five times and grow deeper, then come three layers of
# plain numbers. In the code `width` is ours: a factor on the number of
# channels, so that we can train a narrow network in seconds. With 1 it is the
# document's.

# %%
CHANNELS = [64, 64, 128, 128, 256, 256, 256, 512, 512, 512]


class PoseNet(nn.Module):
    """The document's network, finished: (N, 3, S, S) -> (N, K, 2)."""

    def __init__(self, num_keypoints=16, size=224, width=1.0):
        super().__init__()
        before, hidden = 3, round(4096 * width)
        self.convs = nn.ModuleList()
        for after in (round(channels * width) for channels in CHANNELS):
            self.convs.append(nn.Conv2d(before, after, 3, padding=1))
            before = after
        self.pool = nn.MaxPool2d(kernel_size=2, stride=2)
        self.fc1 = nn.Linear(before * (size // 32) ** 2, hidden)
        self.fc2 = nn.Linear(hidden, hidden)
        self.fc3 = nn.Linear(hidden, num_keypoints * 2)

    def forward(self, x):
        for i, conv in enumerate(self.convs, 1):
            x = torch.relu(conv(x))
            x = self.pool(x) if i % 2 == 0 else x
        x = torch.relu(self.fc1(x.flatten(1)))
        x = torch.relu(self.fc2(x))
        return self.fc3(x).unflatten(1, (-1, 2))


# %% [markdown]
# Next, every shape on the way. PyTorch can run a network on its `meta`
# device: tensors there have a shape and no numbers, so even a large network
# takes no memory and no arithmetic. (The first use loads more of PyTorch, for
# some seconds.) The shapes are printed by a **forward hook**: a function that
# PyTorch calls each time that a layer has computed something, with what went
# in and what came out.
#
# The package has the same network, `build("posenet")`. The same cell copies
# the weights of a small one into ours and compares the answers.
#
# **Predict first.** What is the shape after the third convolution? How many
# numbers does `fc1` get?
#
# <details><summary>Answer</summary>
#
# 128 maps of 112 x 112: one pooling lies before it. And `fc1` gets $512
# \cdot 7 \cdot 7 = 25{,}088$ numbers.
# </details>

# %% tags=["nbval-check-output"]
def report(layer, given, out):
    print(f"{type(layer).__name__:10s} {tuple(given[0].shape[1:])!s:16s} -> "
          f"{tuple(out.shape[1:])}")


with torch.device("meta"):
    document = PoseNet()
    for layer in document.modules():
        if not list(layer.children()):     # the layers, not what holds them
            layer.register_forward_hook(report)
    print("answer", tuple(document(torch.empty(1, 3, 224, 224)).shape))

ours = PoseNet(size=64, width=0.25)
package = models.build("posenet", input_size=64, width=0.25)
with torch.no_grad():
    for mine, theirs in zip(ours.parameters(), package.parameters()):
        mine.copy_(theirs)
    noise = torch.randn(2, 3, 64, 64)
    gap = (ours(noise) - package(noise)[-1]).abs().max()
    print(f"the package's answers are {gap:.6f} away at most")

# %% [markdown]
# The side falls from 224 to **7**, the number of maps grows from 3 to
# **512**. A cell of the last map knows little about *where* and much about
# *what*. Then all **25088** numbers are laid in a row.
#
# From here on we use the package's network: its layers have the document's
# names, and it has options that we will need.
#
# ## 2. What it costs
#
# Two numbers describe the cost of a network: how many **parameters** must be
# stored and learned, and how many **multiply-adds** one picture takes. Both
# can be counted by hand.
#
# - A 3 x 3 convolution from $a$ to $b$ channels: each of the $b$ kernels has
#   $9 a$ weights and a bias, so $(9a + 1) \, b$ parameters. Each weight is
#   used once for every cell of the map: $9 a b \cdot \text{side}^2$
#   multiply-adds. `conv1`: $(27 + 1) \cdot 64 = 1792$ parameters, and $1728
#   \cdot 224^2 \approx 87$ million multiply-adds.
# - A fully connected layer from $a$ to $b$ numbers: $(a + 1) \, b$
#   parameters, and each weight is used once.
#
# **Predict first.** Which layer has the most parameters? Which three take
# most of the arithmetic?
#
# <details><summary>Answer</summary>
#
# `fc1` has most of the parameters: each of its 25,088 inputs has a weight for
# each of 4,096 outputs. Most of the arithmetic is in `conv2`, `conv4` and
# `conv6`: large maps, with as many channels before as after.
# </details>

# %% tags=["nbval-check-output"]
costs, before = {}, 3                     # layer -> parameters, arithmetic
for i, after in enumerate(CHANNELS):
    side = 224 // 2 ** (i // 2)           # pooled after every second one
    weights = 9 * before * after
    costs[f"conv{i + 1}"] = weights + after, weights * side ** 2
    before = after
for name, before, after in (("fc1", 512 * 7 * 7, 4096),
                            ("fc2", 4096, 4096), ("fc3", 4096, 16 * 2)):
    costs[name] = (before + 1) * after, before * after
stored, work = np.array(list(costs.values())).T
print(f"{stored.sum():,} parameters, in fc1 {stored[10] / stored.sum():.1%}")
print(f"{work.sum() / 1e9:.2f} billion multiply-adds, in the convolutions "
      f"{work[:10].sum() / work.sum():.0%}")
layers.show_costs(costs, "Two bar charts, a bar for each layer. Parameters: "
                  "fc1 has 102.76 million, fc2 16.78, all others 2.4 or "
                  "less. Multiply-adds: conv2, conv4 and conv6 have 1.85 "
                  "billion each, the three fc next to none.")

# %% [markdown]
# The two pictures are nearly each other's opposite. `fc1` holds **80.7%** of
# the **127,312,224** parameters and does next to no arithmetic: it uses each
# weight once. The convolutions do **99%** of the **9.92** billion
# multiply-adds, because they use each of their few weights once per cell.
# So "how large?" and "how slow?" are two different questions.
#
# ### Exercise 07.1 ★★☆ As wide as you can afford
#
# Your memory has room for so many parameters. How wide may the network be?
# Write `largest_width(budget, size)`: the largest of the widths 0.01, 0.02,
# ..., 2.00 with which `PoseNet(size=size, width=width)` has at most `budget`
# parameters, for 16 joints; 0 if even 0.01 needs more. Count, and build
# nothing: at width 2 the network would fill two gigabytes.
#
# Expected: `largest_width(127_312_224, 224)` is `1.0`, and
# `largest_width(4_000_000, 64)` is `0.34`. `hint("07.1")` gives a hint.
#
# When it passes, halve the first budget. Is the width halved, too?
#
# <details><summary>Answer</summary>
#
# No, it is 0.70. Nearly every layer has channels before *and* after it, and
# both get narrower. So the parameters go with the square of the width, and
# $\sqrt{1/2}$ is about 0.7.
# </details>

# %% tags=["exercise"]
def largest_width(budget, size):
    """The largest of 0.01, 0.02, ..., 2.00 within the budget, or 0."""
    channels = [64, 64, 128, 128, 256, 256, 256, 512, 512, 512]
    # your code here


# %% tags=["solution"]
def largest_width(budget, size):
    """The largest of 0.01, 0.02, ..., 2.00 within the budget, or 0."""
    channels = [64, 64, 128, 128, 256, 256, 256, 512, 512, 512]
    for width in np.arange(200, 0, -1) / 100:
        hidden, total, before = round(4096 * width), 0, 3
        for after in (round(c * width) for c in channels):
            total += (9 * before + 1) * after
            before = after
        total += (before * (size // 32) ** 2 + 1) * hidden
        total += (hidden + 1) * hidden + (hidden + 1) * 16 * 2
        if total <= budget:
            return width
    return 0


# %% tags=["check"]
check("07.1", largest_width)

# %% [markdown]
# ## 3. What a cell sees
#
# A cell of the first map is made from 3 x 3 pixels. A cell of the second is
# made from 3 x 3 cells of the first, so it sees 5 x 5 pixels. The piece of
# the picture that a cell depends on is its **receptive field**. By hand we
# need two numbers: how many pixels a cell *sees*, and the *jump*, how many
# pixels lie between two neighbouring cells. Start with a pixel: it sees 1,
# jump 1.
#
# - A kernel of $k$ cells adds $k - 1$ neighbours, one jump apart:
#   $\text{sees} \leftarrow \text{sees} + (k - 1) \cdot \text{jump}$.
# - After that, a stride of $s$ multiplies the jump by $s$.
#
# | layer | kernel, stride | sees | jump after it |
# |---|---|---|---|
# | `conv1` | 3, 1 | $1 + 2 \cdot 1 = 3$ | 1 |
# | `conv2` | 3, 1 | $3 + 2 \cdot 1 = 5$ | 1 |
# | `pool` | 2, 2 | $5 + 1 \cdot 1 = 6$ | 2 |
# | `conv3` | 3, 1 | $6 + 2 \cdot 2 = 10$ | 2 |
#
# ### Exercise 07.2 ★★☆ How far does it see?
#
# Continue the table by code. Write `receptive_field(layers)`: `layers` is a
# list of `(kernel, stride)`; the answer is how many pixels a cell of the last
# map sees across.
#
# Expected: `receptive_field([(3, 1), (3, 1), (2, 2), (3, 1)])` is `10`. When
# it passes, ask it about the whole trunk, `[(3, 1), (3, 1), (2, 2)] * 5`.
# Does a cell of the 7 x 7 map see all 224 pixels?

# %% tags=["exercise"]
def receptive_field(layers):
    """Pixels across that a cell of the last map depends on."""
    # your code here


# %% tags=["solution"]
def receptive_field(layers):
    """Pixels across that a cell of the last map depends on."""
    sees = jump = 1
    for kernel, stride in layers:
        sees += (kernel - 1) * jump
        jump *= stride
    return sees


# %% tags=["check"]
check("07.2", receptive_field)

# %% [markdown]
# The next cell prints what the package counts. And it measures: *being able*
# to see a pixel is not the same as using it. The gradient says how much
# a cell changes when a pixel changes. We take the middle one of the 7 x 7
# cells and add up the size of its gradient over six pictures (with a quarter
# of the channels, and the initial weights that section 6 will explain).

# %% tags=["nbval-check-output"]
network = models.build("posenet", width=0.25, init="he")
sees = [row.receptive_field[0] for row in summarise(network).layers[:15]]
print("a cell sees", sees[1::3], "pixels after each pair,", sees[-1],
      "at the end")
people = SyntheticPeople(6, size=224, difficulty="easy")
crops = np.stack([people.read_image(person) for person in people])
large = normalise(torch.tensor(crops).permute(0, 3, 1, 2))
x = given = large.clone().requires_grad_()
for i in range(1, 11):
    x = torch.relu(getattr(network, f"conv{i}")(x))
    x = network.pool(x) if i % 2 == 0 else x
slope, = torch.autograd.grad(x[:, :, 3, 3].sum(), given)
cares = slope.abs().sum((0, 1)).numpy()                   # (224, 224)
there = np.flatnonzero(cares.sum(0))
print(f"gradient from column {there[0]} to {there[-1]}: {len(there)}")
names = [*(f"conv{i}" for i in range(2, 11, 2)), "last pool"]
layers.show_receptive_fields(
    crops[0], dict(zip(names, (*sees[1::3], sees[-1]))), cares,
    "Left, six nested squares on a person, each with its layer: conv2 5 "
    "pixels, conv4 14, conv6 32, conv8 68, conv10 140, the last pool 156. "
    "Right, a glow inside a dashed square of 156, bright in its middle.")

# %% [markdown]
# Left, from the inside out: what a cell sees after each pair of convolutions,
# and at the end. It is most of a body, but not the whole picture; only `fc1`
# puts the cells together. Right, what the middle cell uses: the gradient ends
# exactly where our sum says, **156** pixels across (dashed). Inside, it is far
# from even. The middle counts most, because many paths lead from there to the
# cell, and few from the border.
#
# ## 4. Four people, one answer
#
# Now the document's network itself: full size, 127 million fresh weights. It
# has learned nothing yet, so its answers are nonsense. But
# different pictures should give *different* nonsense. Do they? (The network
# counts in fractions of the picture's side: 0.5 is the middle.)
#
# And on the way we measure two things after each layer. The **size** of the
# numbers, as root mean square. And the **difference between pictures**: we
# subtract the average over the pictures, and take the root mean square of
# what remains. Only the difference can carry information about a pose.

# %%
def signal(network, images):
    """Size and difference after each layer, (14, 2), and the answers."""
    # bn1 follows conv1: BatchNorm (section 6), or a layer that does nothing
    parts = [getattr(network, f"bn{i}") for i in range(1, 11)]
    parts += [network.fc1, network.fc2, network.fc3]
    rows = []

    def note(layer, given, out):
        if layer in parts[:-1]:
            out = torch.relu(out)
        rows.append([part.square().mean().sqrt().item()
                     for part in (out, out - out.mean(0))])

    hooks = [layer.register_forward_hook(note) for layer in parts]
    with torch.no_grad():
        note(None, None, images)
        answers = network(images)[-1]
    for hook in hooks:
        hook.remove()
    return np.array(rows), answers


# %% tags=["nbval-check-output"]
torch.manual_seed(0)
document = models.build("posenet")
found, answers = signal(document, large[:4])     # (14, 2), (4, 16, 2)
del document                                     # half a gigabyte
for n, (x, y) in enumerate(answers[:, MPII.joints.index("right_wrist")]):
    print(f"picture {n}: right wrist at ({x:.4f}, {y:.4f})")
apart = (answers.max(0).values - answers.min(0).values).max()
print(f"all joints: {apart:.0e} apart at most, {apart * 224:.3f} pixels")

LAYERS = ["picture", *costs]
factor = (found[12, 1] / found[0, 1]) ** (1 / 12)
print(f"each layer multiplies the difference by {factor:.1f}")
layers.show_over_layers(LAYERS, {"The document's network, not yet trained": {
    "size": found[:, 0], "difference between pictures": found[:, 1],
    r"times $1/\sqrt{6}$ per layer": found[0, 1] * 6 ** (np.arange(14) / -2)}},
    "The size falls to 0.01 and stays there. The difference falls along a "
    "straight line to millionths, close to the line of one over root 6.")

# %% [markdown]
# Four people in four poses get the same answer: no joint moves by more than
# **0.004** of a pixel. The dashed line shows where the picture gets lost:
# everywhere. Each layer multiplies the difference between two people by about
# **0.4**, and nothing ever stops it. The size does stop falling, at about a
# hundredth: those are the biases, the same for every picture.
#
# **Why 0.4?** PyTorch draws the weights of a layer with $n$ inputs evenly
# from $-1/\sqrt{n}$ to $1/\sqrt{n}$. Such numbers have the variance
# $\frac{1}{3n}$ ($a^2 / 3$ for a uniform distribution from $-a$ to $a$). A sum
# of $n$ inputs $x$ times such weights has the mean square
#
# $$\overline{y^2} = n \cdot \frac{1}{3n} \cdot \overline{x^2} =
# \tfrac{1}{3} \, \overline{x^2},$$
#
# and ReLU throws away half of that: $\frac{1}{6}$. So the size of what comes in
# is multiplied by $1 / \sqrt{6} = 0.41$, the third line. Twelve such layers
# leave $6^{-6}$, two hundred-thousandths. The biases are added on top. They
# are in the size, but not in the difference: there they cancel.
#
# ## 5. So it learns the mean pose
#
# What can such a network learn? Its last layer computes $W h + b$, where $h$
# are the numbers that `fc2` gives. If $h$ is the same for all pictures, so is
# the answer. And under the squared error the best constant answer is the
# **mean pose** (chapter 4). The bias $b$ alone can reach it.
#
# Could training not repair the layers below? Picture $n$ gives a layer the
# numbers $h_n$, and it *pulls* at what the layer answers: $\delta_n$ says which
# way the answer should move for this picture. The gradient of the layer's
# weights is a sum over the pictures of pull times input, $\sum_n \delta_n
# h_n^\top$. With equal inputs it is $(\sum_n \delta_n) \, h^\top$. And at the
# mean pose the pulls cancel: one person's arm is higher, another's lower, and
# $\sum_n \delta_n = 0$. That is a **plateau**: not a good place, but one where
# hardly any weight is told which way is better.
#
# We try it on drawn people before a plain wall (`"easy"`), with a quarter of
# the channels and pictures of 32 pixels, so that it takes seconds. Each of
# 1000 people comes three times, turned and scaled a little (chapter 6); 300
# others are for the test.
#
# The loop is the usual one; its learning rate rises for a fifth of the run and
# then falls (chapter 8 says why). What is new is the number it keeps: each
# batch's loss divided by that of the best **constant prediction**, the same
# for every picture. For coordinates that is the mean pose. 1 means "the
# pictures did not help".
#
# **Predict first.** The network as the document writes it, 130 steps. How
# much will its answers differ between pictures? What will its loss be, in
# this unit?
#
# <details><summary>Answer</summary>
#
# Hardly at all, and 1: it answers with the mean pose, whatever it is shown.
# </details>

# %%
store, valid = (crop_in_memory(
    SyntheticPeople(count, size=64, difficulty="easy", split=split),
    size=64, margin=1.0, workers=1)
    for count, split in ((1000, "train"), (300, "valid")))
mild = Augmentation(scale=0.15, rotation=15, shift=0.02)
generator = torch.Generator().manual_seed(0)
parts = [make_batch(
    store.crops, store.keypoints, store.visible, store.head_size,
    store.window, 32, augmentation=mild, generator=generator)[:3]
    for _ in range(3)]
images, keypoints, visible = (torch.cat(part) for part in zip(*parts))
mean_pose = evaluation.mean_pose_of(store, (32, 32))
print("pictures", tuple(images.shape), "joints", tuple(keypoints.shape))


def build(name="posenet", **options):
    """A quarter of the width, pictures of 32 pixels, always seed 0."""
    torch.manual_seed(0)
    network = models.build(name, input_size=32, width=0.25, **options)
    return network.to(memory_format=torch.channels_last)   # a little faster


# %%
def train(network, steps=130, batch=16, rate=1e-3):
    """Every step's loss, where the best constant prediction has 1."""
    target, weights = network.codec.encode(keypoints, visible)
    loss = (losses.heatmap_mse if network.codec.kind == "heatmap"
            else losses.coordinate_l2)
    known = weights.reshape(weights.shape + (1,) * (target.ndim - 2))
    constant = (known * target).sum(0) / known.sum(0)
    optimiser = torch.optim.Adam(network.parameters(), lr=rate, fused=True)
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimiser, rate, steps, pct_start=0.2)
    generator = torch.Generator().manual_seed(1)
    curve = []
    for _ in range(steps):
        chosen = torch.randint(len(images), (batch,), generator=generator)
        truth, counts = target[chosen], weights[chosen]
        value = loss(network(images[chosen])[-1], truth, counts)
        optimiser.zero_grad()
        value.backward()
        optimiser.step()
        schedule.step()
        trivial = loss(constant.expand_as(truth), truth, counts)
        curve.append((value / trivial).item())
    return curve


# %% tags=["nbval-check-output"]
networks = {"as written": build()}
curves = {"as written": train(networks["as written"])}
result = evaluation.validation_metrics(
    networks["as written"], valid, mean_pose)
poses, _, in_input = evaluation.predict_crops(networks["as written"], valid)
away = np.linalg.norm(in_input - mean_pose, axis=-1).max()
print(f"standard deviation of the labels {result['label_std']:.1f} px, "
      f"of the answers {result['prediction_std']:.1f} px")
print("loss in the last 20 steps "
      f"{np.mean(curves['as written'][-20:]):.1f}")
print(f"no answer is more than {np.ceil(away):.0f} px from the mean pose, "
      f"whose PCKh@0.5 is {result['mean_pose']:.0f}")
show_people(valid.crops[:5], poses[:5], columns=5, size=1.9, alt="Five "
            "people with arms and legs in different places. All have the "
            "same small upright skeleton drawn on them.")

# %% [markdown]
# From person to person, the labels vary with a standard deviation of **2.4**
# pixels, and the answers with one of **0.0**. The loss is **1.0** times that of
# the mean pose. Five people get one skeleton: the mean pose, with about the
# mean pose's score of **24**. A log that shows only the loss looks fine: it
# fell, and then it levelled off. Two numbers tell what really happened: the
# trivial baseline beside the loss, and the standard deviation of the answers.
#
# **How long does that last?** For a budget, not for ever. A plateau has no
# walls: there is still a difference behind the zeros, and an optimiser that
# walks long enough may find it. `train(build(), steps=1000)` is your
# experiment, for half a minute or more. In our run the network lay on the
# plateau for 400 steps, then left it, and ended at a `PCKh@0.5` of 41. (In
# the picture that opens this chapter, with other people, 600 steps were not
# enough.)
#
# And in a longer run? With 8,000 drawn people of the standard kind, 64 pixels
# and two CPU cores we measured this, in `PCKh@0.5` and after three **epochs**,
# that is, when every person had come three times:
#
# | command | network | mean pose | deviation of answers, labels |
# |---|---|---|---|
# | `posecourse train --model posenet` | 15.6 | 15.7 | 0.0, 6.5 px |
# | `posecourse train --model posenet_bn` | 33.0 | 15.7 | 4.4, 6.5 px |
#
# (`posenet_bn` has the cures of the next section.) Another run as written, of
# 6 epochs with batches of 16 and another rate, was at 26.7 after three of
# them: it had left the plateau. So it would be wrong to say that this network
# cannot learn. As written it spends its budget waiting, and for how long is a
# matter of luck.
#
# ## 6. Two cures
#
# **He's initialisation** (He et al., 2015). If the variance of the weights
# were $\frac{2}{n}$ instead of $\frac{1}{3n}$, the factor of section 4 would
# be $n \cdot \frac{2}{n} \cdot \frac{1}{2} = 1$, and every layer would keep
# the size. In the package it is `init="he"`, which also sets the biases to 0
# and starts the last layer with small weights and a bias of 0.5, the middle of
# the picture.
#
# **BatchNorm** (Ioffe and Szegedy, 2015). It does not choose the weights with
# care; it repairs the result of each convolution. Take one channel, over all
# cells of all pictures of the batch. Subtract its mean $\mu$, divide by its
# standard deviation $\sigma$, and let the network learn a new scale $\gamma$
# and a new middle $\beta$:
#
# $$\hat{x} = \gamma \, \frac{x - \mu}{\sqrt{\sigma^2 + \epsilon}} + \beta$$
#
# Both on a small scale first: one layer of 1000 inputs with either kind of
# weights; then one number of one channel in four pictures, all near 0.01, with
# much in common and only a little that tells them apart.
#
# After that, **play** with a whole network. The slider multiplies He's
# weights; at 0.4 they are as large as PyTorch's. Find the gain at which
# nothing shrinks and nothing explodes. Then switch BatchNorm on and try again.

# %% tags=["nbval-check-output"]
n = 1000
x = torch.randn(500, n)
for name, weights in (
        ("PyTorch", (2 * torch.rand(n, n) - 1) / n ** 0.5),
        ("He", torch.randn(n, n) * (2 / n) ** 0.5)):
    y = torch.relu(x @ weights)
    ratio = (y.square().mean() / x.square().mean()).sqrt()
    print(f"{name:8s} variance {weights.var() * n:.2f} / n, "
          f"one layer multiplies the size by {ratio:.2f}")

x = torch.tensor([0.0100, 0.0102, 0.0098, 0.0104])
mean, deviation = x.mean(), x.std(correction=0)
print(f"mean {mean:.4f}, standard deviation {deviation:.5f}")
normalised = (x - mean) / deviation
print("normalised", normalised.numpy().round(2))
norm = nn.BatchNorm2d(1, eps=1e-12)
gap = norm(x.reshape(4, 1, 1, 1)).flatten() - normalised
print(f"PyTorch's BatchNorm is {gap.abs().max():.2f} away at most")

# %%
def draw(gain, batch_norm):
    network = build("posenet_bn" if batch_norm else "posenet", init="he")
    with torch.no_grad():
        for layer in LAYERS[1:-1]:
            getattr(network, layer).weight.mul_(gain)
    found = signal(network, images[:32])[0][:-1]
    title = f"fc2: size {found[-1, 0]:.0e}, difference {found[-1, 1]:.0e}"
    return layers.show_over_layers(LAYERS[:-1], {title: {
        "size": found[:, 0], "difference": found[:, 1]}}, ylim=(1e-7, 1e5))


explore(draw, "Size and difference between pictures over the layers, with "
        "He's weights times {gain:.2f}, BatchNorm: {batch_norm}.",
        gain=(0.2, 2.0, 0.4, 0.05), batch_norm=False)

# %% [markdown]
# He's weights multiply the size by **1.00**. BatchNorm removed what all four
# pictures have in common, and gave what tells them apart the size 1. It can do
# so because it takes its mean over the *pictures*.
#
# The picture starts at gain 0.4: both lines fall, as in section 4 (here
# without biases, so the size falls too). Only a narrow band around 1 works,
# because an error in the gain is repeated in twelve layers. With BatchNorm the
# gain hardly matters up to `conv10`.
#
# Two things to know. $\epsilon$, usually $10^{-5}$, keeps the division safe; a
# difference much smaller than its root, 0.003, is not fully restored. And in
# `eval()` mode BatchNorm uses averages that it collected during training, for
# an answer must not depend on who else is in the batch.
#
# ### Exercise 07.3 ★★☆ BatchNorm by hand
#
# Write `batch_norm(x, gamma, beta, eps)` for training: `x` is a tensor `(N,
# C, H, W)`, `gamma` and `beta` are `(C,)`. No loops.
#
# Expected: for two pictures of one channel and one cell, 1 and 3, with
# `gamma` 10, `beta` 5 and `eps` 0, the answer is -5 and 15.

# %% tags=["exercise"]
def batch_norm(x, gamma, beta, eps=1e-5):
    """(N, C, H, W) -> the same shape, each channel normalised."""
    # your code here


# %% tags=["solution"]
def batch_norm(x, gamma, beta, eps=1e-5):
    """(N, C, H, W) -> the same shape, each channel normalised."""
    mean = x.mean((0, 2, 3), keepdim=True)
    variance = (x - mean).square().mean((0, 2, 3), keepdim=True)
    normalised = (x - mean) / (variance + eps).sqrt()
    return gamma[:, None, None] * normalised + beta[:, None, None]


# %% tags=["check"]
check("07.3", batch_norm)

# %% [markdown]
# Now four networks side by side, before any training: as written, each cure
# alone, both. On the left the difference between pictures, as in section 4. On
# the right the way back: the size of the gradient that arrives at each layer's
# weights.
#
# **Predict first.** The gradient runs from right to left, through the same
# weights. What do you expect of it in the network as written?
#
# <details><summary>Answer</summary>
#
# It shrinks as well, layer by layer, on its way back: `fc3` gets thousands of
# times as much as `conv1`.
# </details>

# %% tags=["nbval-check-output"]
OPTIONS = {"as written": {}, "He": {"init": "he"},
           "BatchNorm": {"name": "posenet_bn", "init": "torch"},
           "both": {"name": "posenet_bn"}}
forward, backward = {}, {}
for name, options in OPTIONS.items():
    network = build(**options)
    forward[name] = signal(network, images[:64])[0][:, 1]
    target, weights = network.codec.encode(keypoints[:64], visible[:64])
    loss = losses.coordinate_l2(network(images[:64])[-1], target, weights)
    slopes = torch.autograd.grad(loss, [
        getattr(network, layer).weight for layer in LAYERS[1:]])
    backward[name] = [slope.square().mean().sqrt().item() for slope in slopes]
    ratio = np.log10(backward[name][-1] / backward[name][0])
    print(f"{name:10s}: fc3's gradient is about 10^{ratio:.0f} times conv1's")
layers.show_over_layers(
    LAYERS, {"difference between pictures": forward,
             "gradient of the weights": backward},
    "As written, the difference falls steeply to the right, the gradient "
    "steeply to the left. With He, BatchNorm or both they stay within a "
    "factor of a hundred; only the last layers differ.")

# %% [markdown]
# Left: three of the four lines stay up as far as `conv10`. (The last point of
# He and of both is lower because their last layer begins with small weights.
# BatchNorm alone falls from `fc1` on: it stands behind convolutions only, and
# the three fully connected layers have PyTorch's weights.) Right: as written,
# what arrives at the first layer is about $10^4$ times smaller than at the
# last. What goes back shrinks on its way, too.
#
# Adam divides every step by the gradient's own size, so a small gradient
# alone would not stop it. But noise divided by its size is still noise, and on
# the plateau the pulls cancel (section 5).
#
# Now the same budget for each: 130 steps, the same batches, the same rate.
# `hits` says for each person and joint whether the answer lies within half a
# head size. (The official total leaves out pelvis and thorax.)

# %% tags=["nbval-check-output"]
def hits(network):
    """(300, 14): 1 where the answer is within half a head size."""
    poses, _, _ = evaluation.predict_crops(network, valid)
    return metrics.pck_hits(
        poses, valid.keypoints, valid.visible, valid.head_size, 0.5)[
        :, metrics.pckh_columns(MPII)]


hit = {}
figure, axes = plt.subplots(figsize=(7.6, 3.6))
for name, options in OPTIONS.items():
    if name not in networks:
        networks[name] = build(**options)
        curves[name] = train(networks[name])
    hit[name] = hits(networks[name])
    smooth = np.convolve(curves[name], np.ones(15) / 15, mode="valid")
    axes.plot(np.arange(8, len(smooth) + 8), smooth,
              label=f"{name}: PCKh@0.5 {100 * np.nanmean(hit[name]):.0f}")
    gain = metrics.paired_interval(hit[name], hit["as written"])
    if gain.low > 0:
        print(f"{name}: the whole interval of its gain lies above 0")
axes.set(ylim=(0, 2), xlabel="step", ylabel="loss / loss of a constant")
axes.legend()
display_figure(figure, "As written, the loss comes down to 1 and stays there. "
               "The other three cross 1 and fall on.")

# %% [markdown] document="4.1 heatmaps"
# As written, the curve comes to rest on 1. Each cure alone gets past it, and is
# better by more than the luck of 300 people: the whole 95 % interval of its
# gain lies above 0. Both together did best with all three seeds that we
# tried. Between He and BatchNorm one run decides nothing: they were 0
# to 4 points apart.
#
# ## 7. Its heatmap sibling
#
# The document's other form of answer is a heatmap (4.1). We keep PoseNet's ten
# convolutions, with both cures, and replace the three fully connected layers.
# A **transposed convolution** is a convolution that enlarges: with stride 2
# each cell of the small map paints 4 x 4 cells of one twice as large, and
# where the paint overlaps it adds up. Three of them lead from 7 to 56 cells,
# one for every 4 x 4 pixels, and a 1 x 1 convolution makes one map per joint.
# (That head is SimpleBaseline's, chapter 11.)
#
# **Predict first.** How many of the 127 million parameters are left?
#
# <details><summary>Answer</summary>
#
# About 12 million: the three fully connected layers had 120 of the 127, and the
# new head adds some again.
# </details>

# %%
class Sibling(models.PoseNetwork):
    """PoseNet's convolutions, then heatmaps of a quarter of the side."""

    def __init__(self, **options):
        trunk = models.build("posenet_bn", **options)
        w, h = trunk.input_size
        super().__init__(HeatmapCodec((w, h), (w // 4, h // 4), sigma=1))
        self.trunk = trunk
        del trunk.fc1, trunk.fc2, trunk.fc3
        wide, half = trunk.conv10.out_channels, trunk.conv10.out_channels // 2
        layers = []
        for before in (wide, half, half):
            layers += [nn.ConvTranspose2d(before, half, 4, 2, padding=1),
                       nn.BatchNorm2d(half), nn.ReLU()]
        self.head = nn.Sequential(*layers, nn.Conv2d(half, len(MPII), 1))
        nn.init.normal_(self.head[-1].weight, std=0.001)    # empty maps

    def forward(self, x):
        for i in range(1, 11):
            x = getattr(self.trunk, f"conv{i}")(x)
            x = torch.relu(getattr(self.trunk, f"bn{i}")(x))
            x = self.trunk.pool(x) if i % 2 == 0 else x
        return [self.head(x)]


# %% tags=["nbval-check-output"]
with torch.device("meta"):
    for network in (models.build("posenet_bn"), Sibling()):
        cost = summarise(network)
        print(f"{type(network).__name__:8s} {cost.parameters / 1e6:5.1f} "
              f"million parameters, {cost.multiply_adds / 1e9:.1f} billion "
              "multiply-adds")
torch.manual_seed(0)
sibling = Sibling(input_size=32, width=0.25)
networks["heatmaps"] = sibling.to(memory_format=torch.channels_last)
curves["heatmaps"] = train(sibling)
hit["heatmaps"] = hits(sibling)
gain = metrics.paired_interval(hit["heatmaps"], hit["as written"])
if gain.low > 0:
    print("heatmaps: the whole interval of their gain lies above 0")
poses, titles = [], []
for name in ("as written", "both", "heatmaps"):
    score = metrics.bootstrap_interval(hit[name])
    titles += [f"{name} ({100 * score.low:.0f}-{100 * score.high:.0f})"] * 5
    poses += list(evaluation.predict_crops(networks[name], valid)[0][:5])
show_people(list(valid.crops[:5]) * 3, poses, columns=5, size=1.6,
            titles=titles, alt="Five people in three rows. As written: one "
            "skeleton for all. Both cures, and heatmaps: skeletons follow "
            "arms and legs roughly.")

# %% [markdown]
# In brackets stands the 95 % interval of `PCKh@0.5` (the mean pose has 24). With
# **11.8** instead of **127.3** million parameters and about the same
# arithmetic, the heatmaps do as well as the coordinates. With three seeds they
# were 1 to 3 points ahead; the interval covers the luck of people, not that of
# seeds. Which is better is the question of chapter 5, which gives both a budget
# long enough to tell. What matters here: the trouble was the trunk. Once the
# signal gets through it, either head learns.
#
# And on photographs? A PoseNet with both cures and a third of the channels, 4
# million parameters, comes with the course (`data/weights/posenet`): trained
# on drawn people, then for 16 epochs on 7,843 photographs of athletes. We tested
# it on 882 others (of 1,000, those with a torso labelled), where a joint counts
# as right within a fifth of the torso. The mean pose gets 4.4 % of the joints
# right, PoseNet 18.9 %: it has learned something, and not enough. The course's
# heatmap network, half as large and begun the same way, is at 39.4 % after 4
# epochs (`data/studies`).
#
# ## 8. The first test of any network
#
# Before any long training, take **one batch** and try to learn it by heart.
# A network with a million numbers can remember sixteen poses, whatever the
# pictures show. If it cannot, something is broken, and no amount of data will
# mend it. The test takes seconds. Divide the loss by its trivial baseline, and
# you need not know what a good loss is: it starts above 1 and must head for 0.
#
# We try it with PoseNet as written, with PoseNet cured, and with four bugs
# planted into the cured one.
#
# **Predict first.** Which of the four bugs will the test find?
#
# 1. *x and y swapped* in the labels
# 2. *labels of the neighbour*: each picture has another picture's labels
# 3. *convolutions frozen*: the optimiser never touches them
# 4. *no zero_grad*: gradients of all steps so far add up
#
# <details><summary>Answer</summary>
#
# Only the fourth. The other three leave sixteen pictures and sixteen poses that
# can be learned by heart, right or wrong.
# </details>

# %%
def by_heart(network, bug=None, steps=42):
    """Losses on one batch of 16, where the mean pose has 1."""
    few = images[:16]
    target, weights = network.codec.encode(keypoints[:16], visible[:16])
    if bug == "x and y swapped":
        target = target.flip(-1)
    if bug == "labels of the neighbour":
        target, weights = target.roll(1, 0), weights.roll(1, 0)
    if bug == "convolutions frozen":
        for i in range(1, 11):
            getattr(network, f"conv{i}").requires_grad_(False)
    optimiser = torch.optim.Adam([p for p in network.parameters()
                                  if p.requires_grad], lr=1e-3, fused=True)
    trivial = losses.mean_pose_loss(target, weights)
    curve = []
    for _ in range(steps):
        value = losses.coordinate_l2(network(few)[-1], target, weights)
        if bug != "no zero_grad":
            optimiser.zero_grad()
        value.backward()
        optimiser.step()
        curve.append(value.item() / trivial)
    return curve


# %% tags=["nbval-check-output"]
tests = {"as written": by_heart(build()),
         "cured": by_heart(build("posenet_bn"))}
bugs = ("x and y swapped", "labels of the neighbour", "convolutions frozen",
        "no zero_grad")
for bug in bugs:
    tests[bug] = by_heart(build("posenet_bn"), bug)
for name, curve in tests.items():
    left_over = "less than a fifth" if curve[-1] < 0.2 else "all or more"
    print(f"{name:24s} left of the mean pose's loss: {left_over}")

figure, (left, right_side) = plt.subplots(1, 2, figsize=(9.4, 3.6),
                                          sharey=True)
for name, curve in tests.items():
    axes = right_side if name in bugs else left
    axes.plot(curve, label=name)
for axes, title in ((left, "no bug"), (right_side, "cured, with a bug")):
    axes.axhline(1, color="0.5", linewidth=1, linestyle="-")
    axes.set(yscale="log", xlabel="step", title=title)
    axes.legend(fontsize=9)
left.set_ylabel("loss / mean pose's loss")
display_figure(figure, "Left, PoseNet as written comes down to 1 and rests "
               "there, the cured one falls to a tenth. Right, three "
               "bugs fall like the cured one; without zero_grad the loss "
               "stays above 1.")

# %% [markdown]
# **What it finds.** PoseNet as written rests at 1: it cannot even tell
# sixteen pictures apart. Without `zero_grad` the loss stays above 1.
#
# **What it cannot find.** Three bugs pass with ease. Swapped or exchanged
# labels are learned by heart like right ones. Frozen convolutions do not
# matter: random ones already give each picture numbers of its own, and the
# layers behind can remember these. So a passed test says "this can learn",
# not "this learns the right thing". Three more tests find the rest:
#
# | bug | one batch | what finds it |
# |---|---|---|
# | the picture's signal dies | rests at 1 | the standard deviation of the answers, too |
# | gradients are not cleared | does not fall | |
# | x and y swapped | passes | draw the batch's labels on the batch's pictures (chapter 6) |
# | labels of the neighbour | passes | the same; and the score on new pictures stays at the mean pose's |
# | frozen layers | passes | list what a step does not move: the next exercise |
#
# ### Exercise 07.4 ★★★ What did not move?
#
# Write `unmoved(network, step)`. `step(network)` does one training step.
# Return the names of the parameters that have the same values before and
# after it, in the order of `network.named_parameters()`.
#
# A parameter can stay behind for several reasons: it is frozen, or the
# optimiser was not given it, or nothing that the loss sees uses it. So look
# at the values, not at the reasons.

# %% tags=["exercise"]
def unmoved(network, step):
    """Names of the parameters that step(network) leaves as they were."""
    # your code here


# %% tags=["solution"]
def unmoved(network, step):
    """Names of the parameters that step(network) leaves as they were."""
    before = {name: parameter.detach().clone()
              for name, parameter in network.named_parameters()}
    step(network)
    return [name for name, parameter in network.named_parameters()
            if torch.equal(parameter, before[name])]


# %% tags=["check"]
check("07.4", unmoved)

# %% [markdown]
# ## 9. Questions people ask
#
# **Why 512 x 7 x 7?** 7 is what five poolings leave of 224, and 512 is what
# `conv10` gives. It is the last map, laid flat. (The plan, pairs of 3 x 3
# convolutions, poolings, 512 x 7 x 7 and two layers of 4096, is that of VGG;
# Simonyan and Zisserman, 2015.)
#
# **What happens at another input size?** The convolutions take any size; they
# slide. `fc1` does not: it has a weight for each number of the 7 x 7 map. At
# 256 pixels the last map has 8 x 8 cells, and the document's class stops with
# `mat1 and mat2 shapes cannot be multiplied (1x32768 and 25088x4096)`. (The
# package says in words what to do.) So resize the picture, or build the
# network for its size. Or take the mean of each map, *global pooling*: then
# any size fits, but a map can no longer say where. The heatmap sibling has no
# such layer and takes every multiple of 32.
#
# **Why does `fc1` hold 80 % of the parameters?** It is the only layer in which
# every cell of a map has weights of its own: $25{,}088 \cdot 4096$. A
# convolution shares its weights among all cells.
#
# **Why pool five times?** Each pooling makes a cell see further, the later
# convolutions four times cheaper, and `fc1` four times smaller. Without the
# last one `fc1` would get $512 \cdot 14 \cdot 14$ numbers and have 411 million
# parameters. The price is position: 32 pixels from cell to cell. Coordinates
# must then be read from *what* the maps say, and heatmaps must be enlarged
# again. Chapter 11 shows networks that keep a fine map beside the coarse ones.
#
# ## Quiz

# %%
quiz("07")

# %% [markdown]
# ## Summary
#
# - PoseNet: ten 3 x 3 convolutions in pairs, five poolings, three fully
#   connected layers; 224 x 224 pixels in, 16 places out.
# - 127.3 million parameters, four fifths in `fc1`; 9.92 billion multiply-adds,
#   nearly all in the convolutions. Both can be counted on paper.
# - A cell of the last map sees 156 pixels, and mostly the middle of them.
# - With PyTorch's initial weights each layer multiplies the difference between
#   pictures by about 0.4. After thirteen layers nothing is left; the bias
#   learns the mean pose, on a plateau that may last longer than the budget.
# - He's weights (variance $2/n$) keep the size; BatchNorm restores it after
#   each layer. Each alone is a cure.
# - Print the trivial baseline beside every loss and score, and the standard
#   deviation of the answers.
# - First test: one batch by heart. It finds networks that cannot learn, and
#   not labels that are wrong.
#
# ## Common mistakes
#
# | what goes wrong | why |
# |---|---|
# | every picture gets the same skeleton | the signal dies, section 4; or the output was averaged over the batch |
# | `mat1 and mat2 shapes cannot be multiplied` | another input size than `fc1` was built for (section 9) |
# | good in training, poor in `eval()` | BatchNorm's averages are young, or batches too small |
# | the loss explodes in the first steps | weights too large (section 6), or a high rate without a rise |
# | the loss jumps up and down above the baseline | `zero_grad` is missing (section 8) |
# | 400 MB of weights for a small task | a fully connected layer on a large map (section 2) |
#
# ## Further reading
#
# - Toshev, Szegedy: *DeepPose: Human Pose Estimation via Deep Neural Networks*
#   (2014). The first network that predicted coordinates, and then looked again.
# - Simonyan, Zisserman: *Very Deep Convolutional Networks for Large-Scale
#   Image Recognition* (2015). VGG: where this plan of layers comes from.
# - He, Zhang, Ren, Sun: *Delving Deep into Rectifiers* (2015). Where $2/n$
#   is derived, for ReLU.
# - Ioffe, Szegedy: *Batch Normalization: Accelerating Deep Network Training by
#   Reducing Internal Covariate Shift* (2015).
# - Luo, Li, Urtasun, Zemel: *Understanding the Effective Receptive Field in
#   Deep Convolutional Neural Networks* (2016). Why the glow of section 3 is
#   brightest in its middle.
# - Xiao, Wu, Wei: *Simple Baselines for Human Pose Estimation and Tracking*
#   (2018). The sibling's head, on a better trunk.
