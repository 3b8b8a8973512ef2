# %% [markdown]
# # 11. Five architectures
#
# **Meet Hourglass, CPM, CPN, SimpleBaseline and HRNet in code, and train them
# side by side.**
#
# | | |
# |---|---|
# | **You will learn** | why a joint needs the whole picture *and* the exact place; five answers to that, each in ten lines; intermediate supervision and hard keypoints, and how to find out what they bring; to compare networks by more than one number |
# | **You need** | [chapter 7](07_posenet.ipynb) (layers, parameters, receptive fields), [chapter 4](04_losses.ipynb) (the loss of heatmaps), from [chapter 9](09_evaluation.ipynb) what PCKh and its interval are |
# | **Time** | 60 min to read, 60 min to do |
# | **Runs in** | 60 to 100 s on two CPU cores |

# %% tags=["setup"]
import json
from itertools import product

import matplotlib.pyplot as plt
import numpy as np
import torch
import torch.nn.functional as F
import torchvision
from torch import nn

from posecourse import losses, models
from posecourse.authoring.chapters import folder, require
from posecourse.datasets import SyntheticPeople, crop_in_memory
from posecourse.exercises import check, hint
from posecourse.models import hourglass, hrnet
from posecourse.models.cpn import resize
from posecourse.models.profile import summarise
from posecourse.transforms import make_batch
from posecourse.visualization import display_figure, use_style
from posecourse.visualization.widgets import explore

require("0.1")
torch.manual_seed(0)
torch.set_num_threads(1)   # networks this small gain little from a second
use_style()

# %% [markdown]
# ## 1. What and where
#
# The document names the networks that made the field: Hourglass, CPM and CPN
# (1.2), ResNet and HRNet (3.2). They look different, and they all answer one
# question. To find a wrist, a network must know *what* it sees: a wrist looks
# like an ankle, and whether it is the left one is decided at the head, at the
# shoulders, by the whole body. For that a cell must see far, and networks see
# far by making maps small. And it must know *where* the wrist is, to a few
# pixels. For that maps must be large.
#
# Here is the question in its smallest form. Two dots lie in a picture of 32 x
# 32 pixels. A flag in a corner says which one is meant: the left one or the
# right one. The answer is a heatmap with its peak on that dot. The dots alone
# look the same; what tells them apart lies far away.
#
# Three small networks will try to solve it.
#
# - **Fine** never makes its maps smaller: three convolutions, each cell sees
#   7 pixels.
# - **Coarse** halves three times, to 4 x 4 cells, and enlarges at the end.
# - **Hourglass** halves three times too. But before each halving it keeps what
#   it has, and adds that again on the way up, at the same size. Such a way
#   around is called a **skip**. An hourglass holds a smaller hourglass: its
#   code is a recursion.
#
# The next cell draws puzzles, the one after it is the hourglass, then come the
# three networks and their training.
#
# **Predict first.** Each network is trained for a few seconds. Which one finds
# the dot that is *meant*? Which one finds a dot *exactly*?

# %%
SIDE = 32


def puzzles(count, seed):
    """Pictures (N, 1, 32, 32), the dots that are meant, and the others."""
    random = torch.Generator().manual_seed(seed)
    x = torch.stack([torch.randint(low, low + 9, (count,), generator=random)
                     for low in (5, 18)], 1)
    dots = torch.stack([x, torch.randint(12, 28, (count, 2),
                                         generator=random)], -1)  # (N, 2, 2)
    meant = torch.randint(0, 2, (count,), generator=random)
    flags = torch.stack([meant * (SIDE - 1), torch.zeros_like(meant)], -1)
    away = (grid - dots[..., None, None, :]).abs().amax(-1)
    pictures = (away <= 1).any(1, keepdim=True).float()     # 3 x 3 pixels
    away = (grid - flags[:, None, None]).abs().amax(-1)[:, None]
    pictures[away <= 4] = 1                                 # 5 x 5, a corner
    pictures += 0.1 * torch.randn(pictures.shape, generator=random)
    each = torch.arange(count)
    return pictures, dots[each, meant], dots[each, 1 - meant]


grid = torch.stack(torch.meshgrid(torch.arange(SIDE), torch.arange(SIDE),
                                  indexing="xy"), -1)         # (32, 32, 2)

# %%
def conv(before, after):
    """A 3 x 3 convolution, normalisation, ReLU."""
    return nn.Sequential(nn.Conv2d(before, after, 3, padding=1, bias=False),
                         nn.BatchNorm2d(after), nn.ReLU())


class Hourglass(nn.Module):
    """Halve, think, double, add what was there; `block()` is a layer."""

    def __init__(self, depth, block):
        super().__init__()
        self.skip, self.down, self.up = block(), block(), block()
        self.inner = Hourglass(depth - 1, block) if depth > 1 else block()

    def forward(self, x):
        low = self.up(self.inner(self.down(F.max_pool2d(x, 2))))
        return self.skip(x) + F.interpolate(low, scale_factor=2)


# %%
def block():
    return conv(16, 16)


def small_network(kind):
    """A picture (N, 1, 32, 32) to one heatmap of the same size."""
    inside = {"fine": [block(), block()],
              "coarse": [nn.MaxPool2d(2), block(), nn.MaxPool2d(2), block(),
                         nn.MaxPool2d(2), block(), block(),
                         nn.Upsample(scale_factor=8, mode="bilinear")],
              "hourglass": [Hourglass(3, block)]}[kind]
    return nn.Sequential(conv(1, 16), *inside, nn.Conv2d(16, 1, 1))


def train(network, steps=150):
    optimiser = torch.optim.Adam(network.parameters(), lr=0.01)
    for step in range(steps):
        pictures, meant, _ = puzzles(32, 1000 + step)
        away = (grid - meant[:, None, None]).square().sum(-1)
        target = torch.exp(-away / (2 * 1.5 ** 2))[:, None]
        loss = losses.heatmap_mse(network(pictures), target)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    return network.eval()


# %% tags=["nbval-check-output"]
pictures, meant, other = puzzles(300, seed=1)
maps = {"picture": pictures[:, 0]}
for name in ("fine", "coarse", "hourglass"):
    torch.manual_seed(0)
    maps[name] = train(small_network(name))(pictures)[:, 0].detach()
    peaks = maps[name].flatten(1).argmax(1)
    peaks = torch.stack([peaks % SIDE, peaks // SIDE], 1)
    off, wrong = ((peaks - dots).double().norm(dim=1)
                  for dots in (meant, other))
    right, near = (off < wrong).double(), torch.minimum(off, wrong)
    print(f"{name:9s} finds the dot that is meant: {right.mean() > 0.8}, "
          f"and lies on a dot: {near.mean() < 0.5}")

chosen = 0, int((meant > other)[:, 0].int().argmax())    # left, and right
figure, axes = plt.subplots(2, 4, figsize=(9, 4.7))
for (row, column), axis in np.ndenumerate(axes):
    name, person = [*maps][column], chosen[row]
    axis.imshow(maps[name][person].numpy(),
                cmap="inferno" if column else "gray")
    axis.plot(*meant[person].tolist(), "o", markersize=22, fillstyle="none",
              color="#56B4E9", markeredgewidth=2)
    axis.set(xticks=[], yticks=[], title=name)
display_figure(figure, "Two puzzles; a blue ring marks the dot that is meant. "
               "Fine lights up both dots, coarse a wide patch near the right "
               "one, the hourglass a small spot on it.")

# %% [markdown]
# *Fine* marks both dots, sharply, and tosses a coin between them: its cells
# see 7 pixels and never the flag. *Coarse* knows which one is meant, and
# paints a wide patch there, whose peak is somewhere near the dot. The
# *hourglass* has both. Its waist, 4 x 4 cells, knows what the flag says, and
# the skips carry the exact places past the waist.
#
# ## 2. Hourglass: down, up, and once again
#
# Newell, Yang and Deng (2016) made this the whole network.
#
# ![Two hourglasses: maps shrink from 64 to 4 cells and grow again, dashed skips run across at each size; the first heatmaps are fed back into the stream that the second hourglass reads](figures/11_hourglass.svg)
#
# At 256 x 256 pixels the stream has 64 x 64 cells and the waist 4 x 4. Our six
# lines are the published design, with better blocks: a **residual block** adds
# what three convolutions found to what came in. With the package's block and
# its weights our class gives the package's answer.

# %% tags=["nbval-check-output"]
theirs = hourglass.Hourglass(depth=4, width=32, blocks=1).eval()
ours = Hourglass(4, lambda: nn.Sequential(
    hourglass.Residual(32, 32))).eval()
ours.load_state_dict(theirs.state_dict())
stream = torch.randn(1, 32, 64, 64)
with torch.no_grad():
    print("package agrees:", torch.equal(ours(stream), theirs(stream)))
for stacks in (1, 2, 8):
    cost = summarise(models.build(f"hourglass_{stacks}"))
    print(f"{stacks} stacked: {cost.parameters:10,} parameters, "
          f"{cost.multiply_adds / 1e9:5.2f} billion multiply-adds, "
          f"{len(cost.output_sizes)} x {cost.output_sizes[0]}")

# %% [markdown]
# **Stacked** means one after another: the maps of the first hourglass go back
# into the stream, and the second one reads them together with the features.
# It sees a first guess of the *whole* body and can mend what does not fit. A
# stack costs about 3 million parameters and 3.2 billion multiply-adds; eight
# have **25,594,624** and **28.09** billion.
#
# The network gives a *list* of heatmaps, a stage for each stack, and **every
# stage has a loss**: all shall be right, not only the last. That is
# **intermediate supervision**. Without it, a first stage is free to draw
# anything that the second can use. With it, each stage is a whole answer, and
# each has a loss close by, so gradients have a short way. Whether it helps is
# a question that section 9 asks the numbers.
#
# ### Exercise 11.1 ★☆☆ A loss for every stage
#
# Write `stages_loss(stages, target, weights)`. `stages` is a list of
# heatmaps `(N, K, H, W)`; `target` has the same shape; `weights` `(N, K)` is 1
# for a labelled joint, else 0. The loss of a stage is the squared difference,
# summed over the cells, averaged over the *labelled* joints. The whole is the
# sum over the stages.
#
# Expected: for two stages of zeros, and a target of ones with 2 x 2 cells,
# it is 4 + 4 = `8`, however many joints are labelled (one at least).

# %% tags=["exercise"]
def stages_loss(stages, target, weights):
    """Sum over the stages of the mean loss of the labelled joints."""
    # your code here


# %% tags=["solution"]
def stages_loss(stages, target, weights):
    """Sum over the stages of the mean loss of the labelled joints."""
    total = 0
    for stage in stages:
        per_joint = (stage - target).square().sum((2, 3))        # (N, K)
        total = total + (weights * per_joint).sum() / weights.sum()
    return total


# %% tags=["check"]
check("11.1", stages_loss)

# %% [markdown]
# ## 3. CPM: guess, then look at the guess
#
# Two months before, Wei, Ramakrishna, Kanade and Sheikh (2016) had come to
# repeated guessing from another side. Their **convolutional pose machine**
# never goes up and down. It makes maps of an eighth of the picture's size,
# stays there, and widens its view by large kernels, 11 x 11, stage by stage.
#
# ![Stages in a row: the first draws maps from features, each later one reads the maps before and features of the picture; squares below show that a cell sees 160, 400, then 640 pixels](figures/11_cpm.svg)
#
# Stage 1 sees 160 pixels around a cell. That is enough to say "something like
# a wrist", and it says so in several places. Stage 2 reads all 16 maps. A
# clear shoulder here makes one of the wrists there likely, and another not.
# That is the classical idea of parts that vote for each other (chapter 2), now
# learned. The idea in ten lines, and the package's layers in them:

# %% tags=["nbval-check-output"]
class PoseMachine(nn.Module):
    def __init__(self, guess, see, refine):
        super().__init__()
        self.guess, self.see, self.refine = guess, see, refine

    def forward(self, images):
        stages = [self.guess(images)]
        features = self.see(images)
        for stage in self.refine:
            stages.append(stage(torch.cat([features, stages[-1]], 1)))
        return stages


theirs = models.build("cpm", width=32, input_size=64).eval()
ours = PoseMachine(theirs.first, theirs.trunk, theirs.later).eval()
images = torch.randn(2, 3, 64, 64)
with torch.no_grad():
    print("package agrees:", all(map(torch.equal, ours(images),
                                     theirs(images))))
full = summarise(models.build("cpm", input_size=368))
print("at 368 pixels a cell sees",
      *(sees and sees[0] for sees in full.receptive_fields))
print(f"{full.parameters:,} parameters, {full.multiply_adds / 1e9:.0f} "
      f"billion multiply-adds, maps {full.output_sizes[-1]}")

# %% [markdown]
# Each stage adds 240 pixels to what a cell sees: three kernels of 11, each
# with 10 more neighbours that lie 8 pixels apart, $3 \cdot 10 \cdot 8$. The
# price stands in the last line. Large kernels at one size are the expensive
# way to see far. An hourglass sees the whole picture with kernels of 3,
# because at its waist neighbours lie 64 pixels apart.
#
# ## 4. CPN: easy joints first, then the hard ones
#
# Chen and others (2018) won COCO's keypoint challenge of 2017 with a
# **cascaded pyramid network**. Their question: in a good network most joints
# are right. What is left is *hard*: hidden wrists, crossed ankles. Who works
# for them?
#
# ![A ResNet goes down, GlobalNet comes up and is judged at four sizes; RefineNet works longer on the small maps, enlarges all and draws the answer](figures/11_cpn.svg)
#
# **GlobalNet** is a pyramid. It stands on a **ResNet** (He and others, 2016),
# a chain of residual blocks, 18 to 152 layers deep, that halves its maps five
# times; a ResNet used so is called a trunk. It makes maps of 64, 32, 16 and 8
# cells. From the smallest up, what it knows about the body is enlarged and
# added to what the next one sees in detail. Each size draws heatmaps and is
# judged by them. **RefineNet** then takes the features of all sizes, works
# longest where cells are few, and draws the answer. The pyramid:

# %% tags=["nbval-check-output"]
def pyramid(seen, lateral, merge):
    """Maps of four sizes; each then knows what the smaller ones know."""
    known = [lateral[3](seen[3])]
    for i in (2, 1, 0):
        enlarged = resize(known[0], seen[i].shape[-2:])
        known.insert(0, lateral[i](seen[i]) + merge[i](enlarged))
    return known


theirs = models.build("cpn_18", width=32, input_size=64).eval()
with torch.no_grad():
    x, seen = theirs.stem(images), []
    for level in theirs.levels:
        x = level(x)
        seen.append(x)
    known = pyramid(seen, theirs.lateral, theirs.merge)
    judged = [resize(theirs.guess[i](known[i]), known[0].shape[-2:])
              for i in (3, 2, 1, 0)]
    deep = [resize(theirs.deepen[i](known[i]), known[0].shape[-2:])
            for i in range(4)]
    answer = theirs.refine(torch.cat(deep, 1))
    print("ResNet sees  ", *(tuple(part.shape[1:]) for part in seen))
    print("pyramid knows", *(tuple(part.shape[1:]) for part in known))
    print("package agrees:", all(map(torch.equal, [*judged, answer],
                                     theirs(images))))

# %% [markdown]
# And the hard joints? GlobalNet is trained as always. For RefineNet's answer
# only the joints with the largest loss count, 8 of each person: **online hard
# keypoint mining**. Four joints of one person, with losses 0.1, 4.0, 0.2, 2.0:
# the plain mean is 1.575, and half of its terms come from joints that are
# right already. With the two hardest it is 3, and nothing else pulls.
#
# ### Exercise 11.2 ★★☆ The hardest joints
#
# Write `hardest_loss(per_joint, weights, top)`. `per_joint` `(N, K)` holds a
# loss for each joint, `weights` 1 for labelled joints, else 0. For each person
# keep the `top` labelled joints with the largest loss (or all of them, if
# fewer are labelled). Return the mean of all losses that are kept.
#
# Expected for `[[0.1, 4, 0.2, 2]]`, all labelled: `3.0` with `top=2`. With 4.0
# unlabelled: `1.1`.

# %% tags=["exercise"]
def hardest_loss(per_joint, weights, top):
    """Mean loss of each person's `top` worst labelled joints."""
    # your code here


# %% tags=["solution"]
def hardest_loss(per_joint, weights, top):
    """Mean loss of each person's `top` worst labelled joints."""
    worst = (weights * per_joint).topk(top, dim=1).indices
    kept = weights.gather(1, worst)
    return (kept * per_joint.gather(1, worst)).sum() / kept.sum()


# %% tags=["check"]
check("11.2", hardest_loss)

# %% [markdown]
# ## 5. SimpleBaseline: how little is enough?
#
# By 2018 networks had stacks, stages, pyramids and cascades. Xiao, Wu and Wei
# asked what all that was for, and put three transposed convolutions behind a
# ResNet. No skips from the large maps to the enlarged ones, no stages, nothing
# judged but the answer. It beat nearly everything.
#
# ![A ResNet shrinks the picture to 8 cells of 2048 channels, three transposed convolutions enlarge them to 64 again, without any skip](figures/11_simple_baseline.svg)
#
# A **transposed convolution** with stride 2 and a kernel of 4 enlarges: each
# cell paints 4 x 4 cells of a map twice as large, neighbours overlap, and the
# overlaps add up. In one dimension, on three cells:

# %% tags=["nbval-check-output"]
cells, kernel = torch.tensor([1.0, 0, 10]), torch.tensor([1.0, 3, 3, 1])
painted = torch.zeros(8)
for i, value in enumerate(cells):
    painted[2 * i:2 * i + 4] += value * kernel
painted = painted[1:-1]                       # padding=1 cuts both ends
print("painted", painted.tolist())
same = F.conv_transpose1d(cells[None, None], kernel[None, None], stride=2,
                          padding=1)
print("PyTorch agrees:", torch.equal(painted, same[0, 0]))

with torch.device("meta"):                    # shapes, no numbers
    trunk = torchvision.models.resnet50()
    parts = [*trunk.children()][:-2]          # without its classifier
    for before in (2048, 256, 256):
        parts += [nn.ConvTranspose2d(before, 256, 4, stride=2, padding=1,
                                     bias=False),
                  nn.BatchNorm2d(256), nn.ReLU()]
    ours = nn.Sequential(*parts, nn.Conv2d(256, 16, 1))
    print("answer", tuple(ours(torch.empty(1, 3, 256, 256)).shape))
theirs = summarise(models.build("simple_baseline_50"))
print(f"{sum(p.numel() for p in ours.parameters()):,} parameters; the "
      f"package's: {theirs.parameters:,}")

# %% [markdown]
# Six values for three cells. Inside, each is a sum of two: the 1 is $1 \cdot 1
# + 3 \cdot 0$, the 10 is $3 \cdot 0 + 1 \cdot 10$. The last lines before the
# answer *are* SimpleBaseline: **33,999,440** parameters, as published.
#
# How much does it compute? Here the literature slips. A convolution uses each
# weight once for every cell of its *output*. A transposed one uses each weight
# once for every cell of its *input*: that is what "each cell paints" means.
# The counter in the published code took the output map for both, and it
# divided by $1024^3$ instead of a billion.
#
# ### Exercise 11.3 ★★☆ Count what is painted
#
# Write `multiply_adds(layers, side)`: a picture with a side of `side` pixels
# runs through `layers`, a list of `(kind, before, after, kernel, stride)`.
# `kind` is `"conv"` (the side is divided by the stride) or `"transposed"` (it
# is multiplied). Biases do not count; all sides are whole numbers.
#
# Expected: `multiply_adds([("conv", 3, 8, 3, 2), ("transposed", 8, 2, 4, 2)],
# 4)` is `27 * 8 * 2**2 + 8 * 2 * 16 * 2**2`, which is `1888`.

# %% tags=["exercise"]
def multiply_adds(layers, side):
    """Multiplications with an addition, for one picture."""
    # your code here


# %% tags=["solution"]
def multiply_adds(layers, side):
    """Multiplications with an addition, for one picture."""
    total = 0
    for kind, before, after, kernel, stride in layers:
        weights = before * after * kernel ** 2
        if kind == "conv":
            side = side // stride
            total += weights * side ** 2
        else:
            total += weights * side ** 2
            side = side * stride
    return total


# %% tags=["check"]
check("11.3", multiply_adds)

# %% tags=["nbval-check-output"]
counted = theirs.multiply_adds
head, wrong, side = 0, 0, 8
for before in (2048, 256, 256):
    head += before * 256 * 16 * side ** 2
    wrong += before * 256 * 16 * (2 * side) ** 2
    side *= 2
print(f"counted right: {counted / 1e9:.2f} billion, of which the "
      f"transposed convolutions {head / counted:.0%}")
print(f"on the output map, by 1024^3: "
      f"{(counted - head + wrong) / 1024 ** 3:.1f}")

# %% [markdown]
# Tables print 12.0 "GFLOPs" for this network at 256 x 256, and so does our
# wrong count: **12.0**. It does **7.23** billion multiply-adds. When two
# networks are compared by such a number, ask how it was counted.
#
# ## 6. HRNet: never give it away
#
# Sun, Xiao, Liu and Wang (2019) turned the question around. All networks so
# far shrink their maps and then win the resolution back. Why give it away?
#
# ![Four branches side by side of 64, 32, 16 and 8 cells; one more starts with each stage, and between the stages every branch hears from every other](figures/11_hrnet.svg)
#
# A **high-resolution network** keeps a map of 64 x 64 cells, from its second
# convolution to its last. Beside it run branches of 32, 16 and 8 cells, which
# see the body. Again and again all branches **exchange** what they know:
# upwards by a 1 x 1 convolution and enlarging, downwards by convolutions with
# stride 2, and then everything is added.

# %% tags=["nbval-check-output"]
def exchange(maps, paths):
    """paths[to][from] brings a map to another branch's size."""
    return [F.relu(sum(path(x) for path, x in zip(row, maps)))
            for row in paths]


theirs = hrnet.Exchange([8, 16, 32]).eval()
maps = [torch.randn(1, 8 * 2 ** i, 16 // 2 ** i, 16 // 2 ** i)
        for i in range(3)]
with torch.no_grad():
    alone = [branch(x) for branch, x in zip(theirs.branches, maps)]
    heard = exchange(alone, theirs.paths)
    print("package agrees:", all(torch.allclose(a, b, atol=1e-5)
                                 for a, b in zip(heard, theirs(maps))))
for x, row in zip(heard, theirs.paths):
    print(tuple(x.shape[1:]), "hears from", len(row), "branches")
full = models.build("hrnet_w32")
print("the branches exchange", sum(isinstance(part, hrnet.Exchange)
                                   for part in full.modules()), "times")

# %% [markdown]
# From meeting to meeting the large map learns what the small ones know about
# the body, and it never lost where things are. W32
# means: the large map has 32 channels. The branch of 8 cells has 256.
#
# ### Exercise 11.4 ★★★ Two branches meet
#
# Write `meet(large, small, up, down)` for two branches. `large` is
# `(N, C, H, W)`, `small` `(N, D, H/2, W/2)`. `up` is a 1 x 1 convolution from
# D to C channels. `down` is a 3 x 3 convolution with stride 2 from C to D
# channels. Return both maps after the exchange, each with ReLU. Enlarge by
# repeating each cell (`F.interpolate` with `scale_factor=2` does).
#
# Both new maps are made from both *old* ones.
#
# Expected: with 1 channel each, `up` that doubles, `down` that copies every
# second cell, a large map of ones and a small one of threes, the large becomes
# 1 + 6 = `7` everywhere and the small 3 + 1 = `4`.

# %% tags=["exercise"]
def meet(large, small, up, down):
    """Both maps after they have heard from each other."""
    # your code here


# %% tags=["solution"]
def meet(large, small, up, down):
    """Both maps after they have heard from each other."""
    enlarged = F.interpolate(up(small), scale_factor=2)
    return F.relu(large + enlarged), F.relu(small + down(large))


# %% tags=["check"]
check("11.4", meet)

# %% [markdown]
# ## 7. Where is the resolution, and what does it cost?
#
# The drawings above were made by hand. This one is made by the networks: each
# layer is a dot, in the order in which it runs, as high as its map is large.
# The area of a dot is its share of the multiply-adds. A table follows.
#
# **Predict first.** Of these five, which has the most parameters? Which
# computes most? Are these the same?

# %%
FAMILIES = {"Hourglass, 2 stacks": "hourglass_2", "CPM": "cpm",
            "CPN, ResNet-50": "cpn_50",
            "SimpleBaseline, ResNet-50": "simple_baseline_50",
            "HRNet-W32": "hrnet_w32"}
costs = {name: summarise(models.build(model, input_size=256))
         for name, model in FAMILIES.items()}


def draw(network):
    sides, work = np.array([(row.shape[-1], row.multiply_adds)
                            for row in costs[network].layers
                            if row.multiply_adds]).T
    figure, axes = plt.subplots(figsize=(8.6, 3.2))
    axes.plot(sides, color="0.8", linewidth=0.8)
    axes.scatter(range(len(sides)), sides, 3000 * work / work.sum(),
                 color="#0072B2", alpha=0.4, edgecolor="#0072B2")
    axes.set_yscale("log", base=2)
    axes.set(ylim=(2.5, 400), ylabel="side of its map, cells", title=network,
             xlabel="layer, in the order in which they run")
    axes.set_yticks(2 ** np.arange(2, 9), 2 ** np.arange(2, 9))
    return figure


explore(draw, "{network}: the side of every layer's map, in the order of "
        "the layers", network=list(FAMILIES))

# %% tags=["nbval-check-output"]
print("at 256 x 256             parameters   multiply-adds   activations")
for name in ("hourglass_1", "hourglass_2", "hourglass_8", "cpm", "cpn_50",
             "simple_baseline_18", "simple_baseline_50",
             "simple_baseline_152", "hrnet_w32", "hrnet_w48"):
    cost = summarise(models.build(name, input_size=256))
    print(f"{name:22s} {cost.parameters:12,}   "
          f"{cost.multiply_adds / 1e9:7.2f} billion   "
          f"{cost.activations / 1e6:5.1f} million")

# %% [markdown]
# Two hourglasses are two valleys; between them the map is large. Choose the
# others in the live picture. CPM falls to 32 cells and stays. SimpleBaseline
# falls for fifty layers, and its largest dots are the last: most of the
# enlarging is paid for at the end. HRNet jumps between its four sizes all the
# time, and never leaves 64 for long.
#
# Three columns, three orders. Of the five, SimpleBaseline has the most
# parameters, and CPM computes by far the most, **84.48** billion. Activations
# are the numbers that the layers put out; eight hourglasses have **86.4**
# million of them for one picture. A GPU in training
# mostly waits for memory, so the last column says more about its time than the
# one before it (chapters 8 and 15).
#
# HRNet-W32's **10.19** billion stand in its paper as 9.5: divided by $1024^3$
# once more.
#
# ## 8. The first test
#
# Before any comparison: can each network learn *anything*? Chapter 7's first
# test is one batch by heart. All five are built small, for 64 x 64 pixels. The
# loss is the mean over the stages, divided by that of empty maps, so it begins
# at 1.

# %% tags=["nbval-check-output"]
SMALL = {"Hourglass": ("hourglass_2", {"width": 96, "depth": 3}),
         "CPM": ("cpm", {"width": 32}), "CPN": ("cpn_18", {"width": 64}),
         "SimpleBaseline": ("simple_baseline_18", {}),
         "HRNet": ("hrnet_w8", {})}
people = crop_in_memory(SyntheticPeople(8, size=64), 64, 1.0)
batch = make_batch(torch.from_numpy(people.crops), people.keypoints,
                   people.visible, people.head_size, people.window, (64, 64))
for name, (model, options) in SMALL.items():
    torch.manual_seed(0)
    network = models.build(model, input_size=64, sigma=1.0, **options)
    target, weights = network.codec.encode(batch.keypoints, batch.visible)
    empty = losses.heatmap_mse(0 * target, target, weights)
    optimiser = torch.optim.Adam(network.parameters(), lr=1e-3, fused=True)
    for _ in range(40):
        stages = network(batch.images)
        loss = sum(losses.heatmap_mse(stage, target, weights)
                   for stage in stages) / len(stages) / empty
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    print(f"{name:14s} {len(stages)} stages of {tuple(stages[-1].shape[1:])},"
          f" a quarter is learned: {loss.item() < 0.75}")

# %% [markdown]
# All learn, some faster. (The order means little: eight people, one rate,
# and the deepest maps of CPN and SimpleBaseline have only 2 x 2 cells here,
# on which BatchNorm's mean and variance are rough.)
#
# ## 9. Side by side
#
# Now the comparison, and a fair one is not easy. These five are as different
# in size as in idea; published, they were trained by different people with
# different data, augmentation and patience. So: the same 8,000 drawn people in
# the same order, three times; the same augmentation and schedule; 64 x 64
# pixels; a Gaussian of one cell, whatever a cell's size; a learning rate for
# each, the better of two; and each judged as it was published: every stage,
# CPN's last one on its 8 hardest joints. What differs is the network, and how
# much it computes. A sixth row is `laptop`, the course's own network.
#
# It takes three quarters of an hour on two cores, so it is stored, like the
# study of chapter 5. To repeat it:
#
# ```
# python data/studies/architectures.py --out runs/study
# ```
#
# **Predict first.** Which of the five is best after three rounds? Which is
# best for its multiply-adds?

# %% tags=["nbval-check-output"]
studies = folder().parent / "data" / "studies"
study = json.loads((studies / "architectures.json").read_text("utf-8"))
rows = study["networks"]
five = [*SMALL, "laptop"]
print("                 PCKh@0.5 (interval)    other   million   multiply-  "
      "ms to")
print("                 on 1,000 people        seed    params    adds, M    "
      "train")
for name in five:
    first, second = (rows.get(f"{name}, seed {seed}") for seed in (0, 1))
    value, low, high = first["pckh"][-1]["0.5"]
    other = f"{second['pckh'][-1]['0.5'][0]:.1f}" if second else "-"
    print(f"{name:14s}   {value:4.1f} ({low:4.1f} to {high:4.1f})   "
          f"{other:>4s}   "
          f"{first['parameters'] / 1e6:6.2f}   "
          f"{first['multiply_adds'] / 1e6:6.0f}   "
          f"{first['milliseconds_of_training']:8.1f}")
print(f"mean pose        {study['mean_pose']['0.5'][0]:4.1f}")

# %%
COLOURS = dict(zip(five, ("#0072B2", "#D55E00", "#009E73", "#CC79A7",
                          "#E69F00", "0.4")))
MARKS = dict(zip(five, "os^Dv*"))

figure, axes = plt.subplots(1, 2, figsize=(9.2, 3.8), sharey=True)
for name in five:
    row = rows[f"{name}, seed 0"]
    seen, _, score = np.transpose(row["curve"])
    seconds = seen * row["milliseconds_of_training"] / 1000
    for axis, x in zip(axes, (seen / 1000, seconds)):
        axis.plot(x, score, color=COLOURS[name], marker=MARKS[name],
                  label=name)
axes[0].set(xlabel="people seen, thousands", ylabel="PCKh@0.5, percent",
            title="equal pictures")
axes[1].set(xlabel="seconds of one core", title="equal time")
figure.legend(*axes[0].get_legend_handles_labels(), ncols=6, fontsize=9,
              loc="outside upper center", frameon=False)
display_figure(figure, "Six learning curves, twice. Hourglass and laptop lead "
               "from the first round on, CPN follows, then HRNet, "
               "SimpleBaseline and CPM; over time the gaps widen.")

# %%
figure, axes = plt.subplots(1, 3, figsize=(9.4, 3.4), sharey=True)
for name in five:
    row = rows[f"{name}, seed 0"]
    value, low, high = row["pckh"][-1]["0.5"]
    for axis, x in zip(axes, (row["parameters"] / 1e6,
                              row["multiply_adds"] / 1e6,
                              row["milliseconds"])):
        axis.errorbar(x, value, [[value - low], [high - value]],
                      color=COLOURS[name], marker=MARKS[name], markersize=8,
                      linestyle="none", capsize=3, label=name)
for axis, title in zip(axes, ("parameters, millions",
                              "multiply-adds, millions",
                              "milliseconds for a picture, one core")):
    axis.set(xlabel=title, xlim=(0, None))
axes[0].set_ylabel("PCKh@0.5, percent")
figure.legend(*axes[0].get_legend_handles_labels(), ncols=6, fontsize=9,
              loc="outside upper center", frameon=False)
display_figure(figure, "PCKh against three prices. Hourglass is highest, with "
               "0.8 million parameters and 82 million multiply-adds; only "
               "laptop is faster. CPM computes most and scores least.")

# %% [markdown]
# The oldest but one wins. The hourglass, with **0.78** million parameters the
# smallest of all, gets **70.9**. SimpleBaseline has twenty times as many and
# gets **47.8**, HRNet **54.6**, CPM **42.3**. On MPII, at full size, HRNet
# leads, and SimpleBaseline-152 stands before eight hourglasses (section 11).
# Does something contradict something? No. Look at what 64 pixels do to each
# design:
#
# - SimpleBaseline halves five times. At 256 pixels its smallest map has 8 x 8
#   cells, here 2 x 2, and there is no skip: all that the answer knows about
#   *where* must pass through four cells.
# - CPM's maps have an eighth of the side: 8 x 8 cells here. A cell is larger
#   than the circle in which PCKh@0.5 counts a joint as found.
# - HRNet was made narrow, 8 channels in the large map, and has nearly three
#   hundred convolutions to train in 1,500 steps.
# - The hourglass and the course's own network have skips at every size, and
#   were made narrow rather than cut short.
#
# (These are guesses that fit. Only taking one thing out would show it; the
# next section does that for other ideas.)
#
# So the result is: *with this budget, these sizes, at 64 pixels*, take an
# hourglass. The published ranking holds for 256 pixels, pre-trained trunks and
# days of GPUs. Neither speaks for the other.
#
# Look at the prices, too. HRNet has half the multiply-adds of SimpleBaseline
# and takes longer for a picture: it has many small layers, and starting a
# layer costs time, too (quiz 5).
#
# ## 10. Do the ideas help?
#
# Three ideas of this chapter can be taken out again: further stages,
# intermediate supervision, hard keypoints. First the stages of one network,
# each asked for its answer:

# %% tags=["nbval-check-output"]
variants = {"CPM, last stage judged": "CPM: all stages judged",
            "Hourglass, last stage judged": "Hourglass: both stages judged",
            "Hourglass, one stack": "Hourglass: a second stack",
            "CPN, all joints": "CPN: hard keypoints"}
print("PCKh@0.5 of each stage, seed 0")
for name in ("Hourglass", "CPM", "CPN"):
    scores = [stage["0.5"][0] for stage in rows[f"{name}, seed 0"]["pckh"]]
    print(f"{name:10s}", *(f"{score:5.1f}" for score in scores))
print("\npoints of difference, with 95 % intervals")
figure, axes = plt.subplots(figsize=(8, 2.9))
for i, (seed, variant) in enumerate(product((0, 1), variants)):
    value, low, high = next(
        row["difference"] for row in study["differences"]
        if (row["second"], row["seed"]) == (variant, seed))
    print(f"{variants[variant]:30s} seed {seed}: {value:+5.1f} "
          f"({low:+5.1f} to {high:+5.1f})")
    axes.errorbar(value, i % 4 + 0.2 * seed, marker="oD"[seed], capsize=3,
                  xerr=[[value - low], [high - value]],
                  color=("#0072B2", "#D55E00")[seed])
axes.axvline(0, color="0.5", linewidth=1)
axes.set(xlabel="what it adds to PCKh@0.5, points (circle, diamond: seeds)")
axes.set_yticks(np.arange(4) + 0.1, variants.values())
display_figure(figure, "What each idea adds, with intervals, for two seeds: "
               "the second stack over 2 points, judged stages about 1 for "
               "the hourglass, the others next to nothing.")

# %% tags=["nbval-check-output"]
print("hard keypoints against all joints, points of PCKh@0.5")
for part in ("head_top", "shoulder", "hip", "knee", "ankle", "elbow",
             "wrist"):
    gains = [np.mean([
        rows[f"CPN, seed {seed}"]["joints"][joint]
        - rows[f"CPN, all joints, seed {seed}"]["joints"][joint]
        for joint in rows["CPN, seed 0"]["joints"] if part in joint])
        for seed in (0, 1)]
    print(f"{part:10s}", *(f"{gain:+5.1f}" for gain in gains))

# %% [markdown]
# **CPN** shows the ladder of resolution: its four judged maps, made of 2, 4, 8
# and 16 cells, get **0.1**, **12.4**, **54.6** and **62.1**; the refined one
# **63.8**. (The first is less than the mean pose gets: a map enlarged from 2 x
# 2 cells nearly always has its peak in a corner.)
#
# **A second stack** adds **2.4** points with one seed and **1.5** with the
# other; both intervals leave out 0. See how far two seeds lie apart: the
# intervals know about the luck of people, not of starts.
#
# **CPM** gets *worse* after its first stage, from **44.5** to **42.3**. Why
# should a later stage help? Because it sees more. But here the picture has 64
# pixels, and stage 1 already sees 160. That explains why nothing is gained.
# Why something is lost we did not test; the later stages are narrower, 32
# channels where the first has 128.
#
# **Judged stages** bring the hourglass **1.1** and **1.8** points, and CPM
# nothing. Perhaps because batch normalisation keeps the gradients alive; CPM of 2016 had none.
# What they always bring: without them, stage 1 does not draw joints.
#
# **Hard keypoints** add next to nothing to the mean. Does CPN's idea fail?
# Look at the last table. Wrists and elbows win, ankles do not, and the easy
# joints, the head first, pay for it. Its authors report a gain on COCO. For
# the mean over our 14 joints there is none. An idea can do what it says and
# still not help *your* number.
#
# ## 11. What was published
#
# And on real photographs, with weeks of GPUs? These are results on MPII's
# 2,958 validation people, with the flip test, as their authors' code or the
# files that they left say. (Sources: the READMEs of Microsoft's
# human-pose-estimation.pytorch and of HRNet; for hourglasses the published
# predictions, scored by chapter 9's rules; "bearpaw" is a PyTorch version.)
#
# The 95 % interval of such a number is 0.6 to either side: with other people
# from the same videos it might have been that much more or less.

# %% tags=["nbval-check-output"]
published = {"1 hourglass (bearpaw)": ("hourglass_1", 256, 85.08),
             "2 hourglasses (bearpaw)": ("hourglass_2", 256, 87.30),
             "8 hourglasses (Newell)": ("hourglass_8", 256, 88.43),
             "8 hourglasses (bearpaw)": ("hourglass_8", 256, 89.09),
             "SimpleBaseline-50": ("simple_baseline_50", 256, 88.53),
             "SimpleBaseline-101": ("simple_baseline_101", 256, 89.13),
             "SimpleBaseline-152": ("simple_baseline_152", 256, 89.62),
             "SimpleBaseline-152, 384 px": ("simple_baseline_152", 384, 90.20),
             "HRNet-W32": ("hrnet_w32", 256, 90.3)}
figure, axes = plt.subplots(figsize=(8.4, 4))
for name, (model, size, score) in published.items():
    cost = summarise(models.build(model, input_size=size)).multiply_adds / 1e9
    kind = "Hourglass" if "hour" in name else name.split("-")[0]
    axes.errorbar(cost, score, 0.6, marker=MARKS[kind], color=COLOURS[kind],
                  markersize=8, capsize=3)
    axes.annotate(name, (cost, score), (8, -4), textcoords="offset points",
                  fontsize=9)
    print(f"{name:27s} {cost:5.1f} billion multiply-adds, "
          f"{score:5.2f} ({score - 0.6:.1f} to {score + 0.6:.1f})")
axes.set(xlabel="multiply-adds, billions (counted by us)", xlim=(3, 52),
         ylabel="PCKh@0.5 on MPII, as published")
display_figure(figure, "Published PCKh against multiply-adds with intervals "
               "of 0.6: most neighbours overlap; HRNet-W32 is highest at 10 "
               "billion, 8 hourglasses cost 28.")

# %% [markdown]
# Most neighbours overlap. The same eight hourglasses, trained by two groups,
# lie 0.7 apart: about as far as SimpleBaseline-50 from SimpleBaseline-101.
# People who retrain HRNet-W32 report 89.8 to 90.1. So read such a table in
# steps of a point: one hourglass is worse than two, two are worse than eight,
# and HRNet gains about a point on eight hourglasses, at a third of the
# arithmetic.
#
# (The intervals are for each number alone. Asked on the *same* people, two
# networks differ by less luck, and the paired interval of chapter 9 is
# shorter. For that one needs their predictions, and few are published.)
#
# ## Quiz
#
# **1.** An hourglass without its skips: what would section 1's puzzle show?
#
# <details><summary>Answer</summary>
#
# A *coarse* network with a longer way up: it knows which dot is meant, and the
# place blurs with each halving. Little of it comes back.
# </details>
#
# **2.** Stage 1 of CPM sees 160 pixels. How many does stage 2 see if its three
# kernels are 5 x 5 instead of 11 x 11?
#
# <details><summary>Answer</summary>
#
# Each adds 4 neighbours, 8 pixels apart: $160 + 3 \cdot 4 \cdot 8 = 256$.
# </details>
#
# **3.** You train a network with four stages without intermediate supervision.
# May you read its third stage's heatmaps as poses?
#
# <details><summary>Answer</summary>
#
# No. Nothing ever asked that stage to draw joints; its maps are features with
# sixteen channels. Only the last stage was judged.
# </details>
#
# **4.** With hard keypoints (8 of 16) the training loss is higher than
# without. Is the network worse?
#
# <details><summary>Answer</summary>
#
# One cannot tell: the mean over the worst half is larger than the mean over
# all, for the same answer. Losses compare only if they count the same. Compare
# PCKh.
# </details>
#
# **5.** Network A has half the multiply-adds of network B and takes longer for
# a picture. Give two reasons.
#
# <details><summary>Answer</summary>
#
# It has many small layers one after another, and starting each costs time. Or
# its maps are large and have few channels: then it moves many numbers for
# little arithmetic. HRNet is both.
# </details>
#
# **6.** A paper reports 90.6 on MPII's validation people, 0.3 more than the
# one before. What do you ask?
#
# <details><summary>Answer</summary>
#
# The interval of one number is 0.6 to either side. So ask for the paired
# difference on the same people, for more than one seed, and whether anything
# else changed: epochs, input size, decoding, the data used before.
# </details>
#
# ## Summary
#
# - A joint needs context (*what*) and resolution (*where*). Small maps give
#   the first, large ones the second.
# - Hourglass goes down and up with skips, several times. CPM stays and widens
#   its view, guess by guess. CPN builds a pyramid and then works on what is
#   hard. SimpleBaseline enlarges a ResNet's maps again. HRNet keeps all sizes
#   at once.
# - Stages give a list of heatmaps; intermediate supervision judges each.
# - A transposed convolution uses its weights once per cell of its *input*. The
#   12.0 in the tables is 7.23 billion multiply-adds.
# - Parameters, multiply-adds, activations and milliseconds rank networks
#   differently. Say which one you mean.
# - Under one small budget the ranking is not the published one. A ranking
#   belongs to its budget.
# - An idea is measured by taking it out, with the same people, an interval for
#   the difference, and a second seed.
#
# ## Common mistakes
#
# | what goes wrong | why |
# |---|---|
# | only the last stage is trained | the loss took `stages[-1]`; sum over the list (exercise 11.1) |
# | a stage's heatmaps make no sense | it was never judged (quiz 3) |
# | hard joints are hardly learned | unlabelled ones took their places: weights before the choice (exercise 11.2) |
# | `input size 100 x 100: ... must be multiples of 32` | halving five times needs it; HRNet, CPN and SimpleBaseline 32, Hourglass 64, CPM 8 |
# | "twice as fast" from half the multiply-adds | time was not measured (section 9) |
# | a downloaded checkpoint does not load | another K, another depth, or names of another program: `load_published(network, FILE)` of `posecourse.models.checkpoints` names the first key that differs |
#
# ## Further reading
#
# - Newell, Yang, Deng: *Stacked Hourglass Networks for Human Pose Estimation*
#   (2016). Section 3 for the design, figure 9 for how stacks correct guesses.
# - Wei, Ramakrishna, Kanade, Sheikh: *Convolutional Pose Machines* (2016). On
#   receptive fields, and on gradients that vanish without judged stages.
# - Chen, Wang, Peng, Zhang, Yu, Sun: *Cascaded Pyramid Network for Multi-Person
#   Pose Estimation* (2018). For the ablation of hard keypoints.
# - Xiao, Wu, Wei: *Simple Baselines for Human Pose Estimation and Tracking*
#   (2018). Short, and it made a field count again.
# - Sun, Xiao, Liu, Wang: *Deep High-Resolution Representation Learning for
#   Human Pose Estimation* (2019). Its figure 1 is our drawing of section 6.
# - He, Zhang, Ren, Sun: *Identity Mappings in Deep Residual Networks* (2016).
#   Why hourglasses put normalisation before each convolution.
