# %% [markdown]
# # 11. Five architectures
#
# **Meet Hourglass, CPM, CPN, SimpleBaseline and HRNet in code, and train them
# side by side.**
#
# ![A puzzle of two dots and what three small networks make of it while they learn. One lights up both dots, one paints a wide patch near the right dot, and the third ends with a bright spot on the right dot and hardly a trace on the other.](figures/11_opening.gif)
#
# Three small networks learn which of two dots is meant; the flag in the corner
# says so. One sees sharply, one sees far, and the third does both. Its trick is
# behind every architecture of this chapter.
#
# | | |
# |---|---|
# | **You will learn** | why a joint needs the whole picture *and* the exact place; five answers to that, each in ten lines; intermediate supervision and hard keypoints, and how to find out what they bring; to compare networks by more than one number |
# | **You need** | [chapter 7](07_posenet.ipynb) (layers, parameters, receptive fields), [chapter 4](04_losses.ipynb) (the loss of heatmaps), from [chapter 9](09_evaluation.ipynb) what PCKh and its interval are |
# | **Time** | 60 min to read, 60 min to do |
# | **Runs in** | 60 to 100 s on two CPU cores |

# %% tags=["setup"]
import json

import matplotlib.pyplot as plt
import numpy as np
import torch
import torch.nn.functional as F
import torchvision
from torch import nn

from posecourse import losses, models
from posecourse.authoring.chapters import folder, require
from posecourse.datasets import SyntheticPeople, crop_in_memory
from posecourse.exercises import check, hint, quiz
from posecourse.models import hourglass, hrnet
from posecourse.models.cpn import resize
from posecourse.models.profile import summarise
from posecourse.transforms import make_batch
from posecourse.visualization import architectures, use_style
from posecourse.visualization.tables import table
from posecourse.visualization.widgets import explore

require("0.1")
torch.manual_seed(0)
torch.set_num_threads(1)   # networks this small gain little from a second
use_style()

# %% [markdown] document="3.2 step 2"
# ## 1. What and where
#
# The document names the networks that made the field: Hourglass, CPM and CPN
# (1.2), ResNet and HRNet (3.2). They look different, but they all answer the same
# question. To find a wrist, a network must know *what* it sees: a wrist looks much
# like an ankle, and whether it is the left one depends on the head, the shoulders,
# the whole body. For that a cell must see far, and networks see far by making
# their maps small. But the network must also know *where* the wrist is, to within
# a few pixels. For that the maps must be large.
#
# Here is the question in its smallest form. There are two dots in a picture of
# 32 x 32 pixels. A flag in a corner says which one is meant, the left one or the
# right one. The answer is a heatmap with its peak on that dot. The dots themselves
# look the same; what tells them apart lies far away.
#
# Three small networks will try to solve it:
#
# - **Fine** never makes its maps smaller. It has three convolutions, and each cell
#   sees 7 x 7 pixels.
# - **Coarse** halves its maps three times, to 4 x 4 cells, and enlarges them at the
#   end.
# - **Hourglass** halves three times, too. But before each halving it keeps what it
#   has, and adds it again on the way up, at the same size. Such a detour is called
#   a **skip**. Inside an hourglass is a smaller hourglass: its code is a recursion.
#
# The next cell draws the puzzles, the one after it is the hourglass, and then come
# the three networks and their training.
#
# **Predict first.** Each network trains for a few seconds. Which one finds the dot
# that is *meant*? Which one finds a dot *exactly*?
#
# <details><summary>Answer</summary>
#
# *Fine* finds dots exactly, but not the one that is meant: none of its cells sees
# both a dot and the flag. *Coarse* finds the one that is meant, but only roughly.
# The *hourglass* finds the right one, exactly.
# </details>

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


# %%
pictures, meant, other = puzzles(300, seed=1)
maps, found = {"picture": pictures[:, 0]}, []
for name in ("fine", "coarse", "hourglass"):
    torch.manual_seed(0)
    maps[name] = train(small_network(name))(pictures)[:, 0].detach()
    peaks = maps[name].flatten(1).argmax(1)
    peaks = torch.stack([peaks % SIDE, peaks // SIDE], 1)
    off, wrong = ((peaks - dots).double().norm(dim=1)
                  for dots in (meant, other))
    chose, near = (off < wrong).double(), torch.minimum(off, wrong)
    found.append((name, 100 * chose.mean().item(), near.mean().item()))

chosen = 0, int((meant > other)[:, 0].int().argmax())    # left, and right
architectures.show_puzzles(
    maps, meant, chosen, "Two puzzles; a blue ring marks the dot that is "
    "meant. Fine lights up both dots, coarse a wide patch near the right one, "
    "the hourglass a bright spot on it and a faint one on the other.")
table(found, ("network", "nearer to the dot that is meant, %",
              "pixels from the nearer dot"))

# %% [markdown]
# *Fine* marks both dots sharply and tosses a coin between them: its cells see 7
# pixels, and never the flag. *Coarse* knows which dot is meant and paints a wide
# patch there, with its peak somewhere near the dot. The *hourglass* can do both.
# Its waist, 4 x 4 cells, knows what the flag says, and the skips carry the exact
# places past the waist.
#
# ## 2. Hourglass: down, up, and once again
#
# Newell, Yang and Deng (2016) built a whole network out of this.
#
# ![Two hourglasses: maps shrink from 64 to 4 cells and grow again, dashed skips run across at each size; the first heatmaps are fed back into the stream that the second hourglass reads](figures/11_hourglass.svg)
#
# At 256 x 256 pixels the stream has 64 x 64 cells and the waist 4 x 4. Our six
# lines are the published design, except for its better blocks: a **residual
# block** adds what three convolutions found to what came in. With the package's
# block and its weights our class gives the same answer as the package.

# %% tags=["nbval-check-output"]
theirs = hourglass.Hourglass(depth=4, width=32, blocks=1).eval()
ours = Hourglass(4, lambda: nn.Sequential(
    hourglass.Residual(32, 32))).eval()
ours.load_state_dict(theirs.state_dict())
stream = torch.randn(1, 32, 64, 64)
with torch.no_grad():
    apart = (ours(stream) - theirs(stream)).abs().max()
print(f"largest difference from the package {apart:.6f}")
costs = {n: summarise(models.build(f"hourglass_{n}")) for n in (1, 2, 8)}
table([(n, f"{cost.parameters:,}", cost.multiply_adds / 1e9,
        f"{len(cost.output_sizes)} of {cost.output_sizes[0]}")
       for n, cost in costs.items()],
      ("stacks", "parameters", "multiply-adds, billions", "heatmaps"),
      digits=2)

# %% [markdown]
# **Stacked** means one after another: the maps of the first hourglass go back into
# the stream, and the second one reads them together with the features. It sees a
# first guess of the *whole* body and can correct what does not fit. Each stack
# costs about 3 million parameters and 3.2 billion multiply-adds; eight of them
# have **25,594,624** and **28.09** billion.
#
# The network gives a *list* of heatmaps, one stage for each stack, and **every
# stage has a loss**: all of them should be right, not only the last. This is
# **intermediate supervision**. Without it, the first stage is free to draw
# anything that the second can use. With it, each stage is a complete answer, and
# each has a loss close by, so that gradients have a short way to go. Does it help?
# Section 10 puts that to the test.
#
# ### Exercise 11.1 ★☆☆ A loss for every stage
#
# Write `stages_loss(stages, target, weights)`. `stages` is a list of heatmaps
# `(N, K, H, W)`; `target` has the shape of one of them; `weights` `(N, K)` is
# 1 for a labelled joint, else 0. The loss of a stage is the squared difference,
# summed over the cells and averaged over the *labelled* joints. The total is the
# sum over the stages.
#
# Expected: for two stages of zeros and a target of ones with 2 x 2 cells it is
# 4 + 4 = `8`, however many joints are labelled (at least one).

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
# Two months earlier, Wei, Ramakrishna, Kanade and Sheikh (2016) had arrived at
# repeated guessing from another side. Their **convolutional pose machine** does
# not go down and up again. It makes maps of an eighth of the picture's size,
# stays there, and widens its view with large kernels, 11 x 11, stage by stage.
#
# ![Stages in a row: the first draws maps from features, each later one reads the maps before and features of the picture; squares below show that a cell sees 160, 400, then 640 pixels](figures/11_cpm.svg)
#
# Stage 1 sees 160 pixels around a cell. That is enough to recognise "something like
# a wrist", and it does so in several places. Stage 2 reads all 16 maps: a clear
# shoulder here makes one of the wrists there likely, and another one unlikely.
# This is what the springs of chapter 2 do, only that now it is learned. Here it
# is in ten lines, with the package's layers inside:

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
    apart = max((a - b).abs().max() for a, b in zip(ours(images),
                                                    theirs(images)))
print(f"largest difference from the package {apart:.6f}")
full = summarise(models.build("cpm", input_size=368))
print("at 368 pixels a cell sees",
      *(sees and sees[0] for sees in full.receptive_fields))
print(f"{full.parameters:,} parameters, {full.multiply_adds / 1e9:.0f} "
      f"billion multiply-adds, maps {full.output_sizes[-1]}")

# %% [markdown]
# Each stage adds 240 pixels to what a cell sees: three kernels of 11, each with 10
# more neighbours that lie 8 pixels apart, $3 \cdot 10 \cdot 8$. You can read the
# price in the last line. Large kernels at a single size are the expensive way to
# see far. An hourglass sees the whole picture with kernels of 3, because at its
# waist neighbouring cells lie 64 pixels apart.
#
# ## 4. CPN: easy joints first, then the hard ones
#
# Chen and others (2018) won COCO's keypoint challenge of 2017 with a **cascaded
# pyramid network**. They started from an observation: in a good network most joints
# are right, and those that are left are *hard*, hidden wrists and crossed ankles.
# Who takes care of them?
#
# ![A ResNet goes down, GlobalNet comes up and is judged at four sizes; RefineNet works longer on the small maps, enlarges all and draws the answer](figures/11_cpn.svg)
#
# **GlobalNet** is a pyramid. It stands on a **ResNet** (He and others, 2016), a chain
# of residual blocks, 18 to 152 layers deep, that halves its maps five times; a
# ResNet in this role is called a backbone. It makes maps of 64, 32, 16 and 8 cells.
# From the smallest upwards, what a map knows about the body is enlarged and added
# to what the next one sees in detail. Each size draws heatmaps and has a loss.
# **RefineNet** then takes the features of all sizes, works longest on the small
# ones, and draws the answer. Here is the pyramid:

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
    size = known[0].shape[-2:]
    judged = [resize(theirs.guess[i](known[i]), size) for i in (3, 2, 1, 0)]
    deep = [resize(theirs.deepen[i](known[i]), size) for i in range(4)]
    answer = theirs.refine(torch.cat(deep, 1))
    print("ResNet sees  ", *(tuple(part.shape[1:]) for part in seen))
    print("pyramid knows", *(tuple(part.shape[1:]) for part in known))
    apart = max((a - b).abs().max() for a, b in zip([*judged, answer],
                                                    theirs(images)))
    print(f"largest difference from the package {apart:.6f}")

# %% [markdown]
# And the hard joints? GlobalNet is trained as usual. For RefineNet's answer only the
# joints with the largest loss count, 8 of each person: **online hard keypoint
# mining**. Take four joints of one person, with losses 0.1, 4.0, 0.2 and 2.0. Their
# mean is 1.575, and half of its terms come from joints that are right already. The
# mean of the two hardest is 3, and the easy ones no longer have a say.
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
# By 2018 networks had stacks, stages, pyramids and cascades. Xiao, Wu and Wei asked
# whether all that was needed, and put just three transposed convolutions behind a
# ResNet. It has no skips from the large maps to the enlarged ones, no stages, and a
# single loss, for the answer. It beat nearly everything.
#
# ![A ResNet shrinks the picture to 8 cells of 2048 channels, three transposed convolutions enlarge them to 64 again, without any skip](figures/11_simple_baseline.svg)
#
# A **transposed convolution** with stride 2 and a kernel of 4 enlarges a map: each
# cell paints 4 x 4 cells of a map twice as large, neighbours overlap, and the
# overlaps add up. Here it is in one dimension, on three cells:

# %% tags=["nbval-check-output"]
cells, kernel = torch.tensor([1.0, 0, 10]), torch.tensor([1.0, 3, 3, 1])
painted = torch.zeros(8)
for i, value in enumerate(cells):
    painted[2 * i:2 * i + 4] += value * kernel
painted = painted[1:-1]                       # padding=1 cuts both ends
print("painted", painted.tolist())
same = F.conv_transpose1d(cells[None, None], kernel[None, None], stride=2,
                          padding=1)
print("PyTorch", same[0, 0].tolist())

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
# + 3 \cdot 0$, the 10 is $3 \cdot 0 + 1 \cdot 10$. The lines after that *are*
# SimpleBaseline: **33,999,440** parameters, as published.
#
# How much does it compute? Here the literature slipped. A convolution uses each
# weight once for every cell of its *output*. A transposed one uses each weight once
# for every cell of its *input*: that is what "each cell paints" means. The counter
# in the published code took the output map for both, and it divided by $1024^3$
# instead of a billion.
#
# ### Exercise 11.3 ★★☆ Count what is painted
#
# Write `multiply_adds(layers, side)`: a picture with sides of `side` pixels runs
# through `layers`, a list of `(kind, before, after, kernel, stride)`; `before` and
# `after` are channels. `kind` is `"conv"` (the side is divided by the stride) or
# `"transposed"` (it is multiplied). Biases do not count; all sides are whole numbers.
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
# Published tables give 12.0 "GFLOPs" for this network at 256 x 256, and so does our
# wrong count: **12.0**. In fact it does **7.23** billion multiply-adds. When two
# networks are compared by such a number, ask how it was counted.
#
# ## 6. HRNet: never give it away
#
# Sun, Xiao, Liu and Wang (2019) turned the question around. The networks so far
# either shrink their maps and then have to win the resolution back, or, like CPM,
# stay small to the end. Why give it away at all?
#
# ![Four branches side by side of 64, 32, 16 and 8 cells; one more starts with each stage, and between the stages every branch hears from every other](figures/11_hrnet.svg)
#
# A **high-resolution network** keeps a map of 64 x 64 cells from its second
# convolution to its last. Beside it run branches of 32, 16 and 8 cells, which see
# the body. Again and again all branches **exchange** what they know: upwards by a
# 1 x 1 convolution and enlarging, downwards by convolutions with stride 2. Then
# everything is added.

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
    apart = max((a - b).abs().max() for a, b in zip(heard, theirs(maps)))
    print(f"largest difference from the package {apart:.4f}")
for x, row in zip(heard, theirs.paths):
    print(tuple(x.shape[1:]), "hears from", len(row), "branches")
full = models.build("hrnet_w32")
print("the branches exchange", sum(isinstance(part, hrnet.Exchange)
                                   for part in full.modules()), "times")

# %% [markdown]
# From exchange to exchange the large map learns what the small ones know about the
# body, and it never loses where things are. W32 means that the large map has 32
# channels. The branch of 8 cells has 256.
#
# ### Exercise 11.4 ★★★ Two branches meet
#
# Write `meet(large, small, up, down)` for two branches. `large` is `(N, C, H, W)`,
# `small` is `(N, D, H/2, W/2)`. `up` is a 1 x 1 convolution from D to C channels,
# `down` a 3 x 3 convolution with stride 2 from C to D channels. Return both maps
# after the exchange, each with ReLU. Enlarge by repeating each cell
# (`F.interpolate` with `scale_factor=2` does).
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
# The drawings above were made by hand. This one is made by the networks themselves:
# each layer is a dot, in the order in which it runs, and the larger its map, the
# higher it stands. The area of a dot is its share of the multiply-adds. A table
# follows.
#
# **Predict first.** Of these five, which has the most parameters? Which computes
# the most? Is it the same one?
#
# <details><summary>Answer</summary>
#
# It is not. SimpleBaseline has the most parameters, CPM computes by far the most:
# it uses each of its weights once for every cell of a map that never shrinks
# again.
# </details>

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
rows = []
for name in ("hourglass_1", "hourglass_2", "hourglass_8", "cpm", "cpn_50",
             "simple_baseline_50", "simple_baseline_152", "hrnet_w32",
             "hrnet_w48", "efficientnet_lite0"):
    cost = summarise(models.build(name, input_size=256))
    rows.append((name, cost.parameters / 1e6, cost.multiply_adds / 1e9,
                 cost.activations / 1e6))
table(rows, ("at 256 x 256", "parameters, M", "multiply-adds, billions",
             "activations, M"), digits={"multiply-adds, billions": 2})

# %% [markdown]
# Two hourglasses are two valleys, and between them the map is large. Choose the
# others in the live picture. CPM goes down to 32 cells and stays there.
# SimpleBaseline goes down for fifty layers, and its largest dots are the last ones:
# most of the enlarging is paid for at the end. HRNet jumps between its four sizes
# all the time, and never leaves 64 for long.
#
# The three columns rank the networks in three different ways. Of the five,
# SimpleBaseline has the most parameters, and CPM computes by far the most,
# **84.48** billion. Activations are the numbers that the layers put out; eight
# hourglasses have **86.4** million of them for one picture. A GPU in training mostly
# waits for memory, so the last column says more about its time than the one before
# it (chapter 8).
#
# In its paper, HRNet-W32's **10.19** billion appear as 9.5: divided by $1024^3$ once
# more.
#
# ### The same for less
#
# A 3 x 3 convolution of 144 channels does two jobs at once: it looks around, and it
# mixes channels. Each output looks at 9 places in *all* 144 channels. A **depthwise**
# convolution does the first job alone: each channel looks around in itself. A 1 x 1
# convolution does the second.
#
# An **inverted residual** (Sandler et al. 2018) keeps few channels, here 24, where
# blocks meet. Inside it widens them six times with a 1 x 1 convolution, looks around
# depthwise, and narrows them again. (ResNet's bottleneck is wide outside and narrow
# inside, hence *inverted*.)
#
# **Predict first.** Per cell of its map the 3 x 3 convolution multiplies
# 144 x 144 x 9 = 186,624 times. How often does "depthwise, then 1 x 1"? And the
# inverted residual?
#
# <details><summary>Answer</summary>
#
# 144 x 9 + 144 x 144 = 22,032 times, nearly nine times less: looking around has become
# almost free, and what is left is the mixing. The inverted residual multiplies
# 24 x 144 + 144 x 9 + 144 x 24 = 8,208 times, because its wide part mixes only with
# the narrow ends.
# </details>
#
# A trunk of such blocks is EfficientNet-Lite. With a light way back up (a pyramid like
# CPN's) it is the last line of the table: **0.60** billion multiply-adds and **3.1**
# million parameters, where SimpleBaseline-50 has **7.23** and **34.0**. Its trunk can
# begin with what it learned on ImageNet: `posecourse train --model efficientnet_lite0
# --init imagenet`.
#
# Twelve times less arithmetic is not twelve times less time. A depthwise convolution
# does 9 multiplications for each number that it fetches from memory, a 3 x 3 of 144
# channels 1,296: the processor waits.
#
# ## 8. The first test
#
# Before we compare anything: can each network learn at *all*? The first test, as in
# chapters 7 and 8, is to learn one batch by heart. All five are built small, for
# 64 x 64 pixels. The loss is the mean over the stages, divided by that of empty
# maps, so it begins at 1.

# %%
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
    print(f"{name:14s} stages {len(stages)}, "
          f"maps {tuple(stages[-1].shape[1:])}, "
          f"loss from 1 down to {loss.item():.1f}")

# %% [markdown]
# All of them learn, some faster than others. (The order means little: these are eight
# people and one rate, and the deepest maps of CPN and SimpleBaseline have only 2 x 2
# cells here, too few for a good mean and variance in BatchNorm.)
#
# ## 9. Side by side
#
# Now for the comparison. A fair one is not easy: these five differ as much in size
# as in ideas, and they were published by different people, who trained them with
# different data, augmentation and patience. So we give all of them
#
# - the same 8,000 drawn people of 64 x 64 pixels in the same order, three times,
#   with the same augmentation and schedule;
# - a Gaussian of one cell, whatever the size of a cell;
# - the better of two learning rates;
# - the loss they were published with: every stage counts, and CPN's last one on its
#   8 hardest joints.
#
# What differs is the network, and how much it computes. A sixth one is `laptop`, the
# course's own network. All this takes three quarters of an hour on two cores, so the
# result is stored, like that of chapter 5's study. To repeat it:
#
# ```
# python data/studies/architectures.py --out runs/study
# ```
#
# **Predict first.** Which of the five is best after three rounds? And which gets the
# most out of its multiply-adds?
#
# <details><summary>Answer</summary>
#
# Both times the hourglass, the second oldest of the five. Why, and why this does
# not contradict the published ranking, is explained below.
# </details>

# %% tags=["nbval-check-output"]
studies = folder().parent / "data" / "studies"
study = json.loads((studies / "architectures.json").read_text("utf-8"))
rows = study["networks"]
five = [*SMALL, "laptop"]
architectures.show_learning_curves(
    rows, five, "Six learning curves, twice. Hourglass and laptop lead from "
    "the first round on, CPN follows, then HRNet, SimpleBaseline and CPM; "
    "over time the gaps widen.")
architectures.show_prices(
    rows, five, "PCKh against three prices. Hourglass is highest, with 0.8 "
    "million parameters and 82 million multiply-adds; only laptop is faster. "
    "CPM computes most and scores least.")
architectures.table_of_scores(study, five)

# %% [markdown]
# (The curves are scored on 500 people kept aside for that, everything else on
# 1,000 others. So a curve does not end exactly where the table stands. "Equal
# time" counts the seconds that the steps take one core.)
#
# The second oldest of the five wins. The hourglass, with **0.78** million parameters
# the smallest of all, gets **70.9**. SimpleBaseline has twenty times as many and gets
# **47.8**. On MPII, at full size, it is the other way round: HRNet leads, and
# SimpleBaseline-152 is ahead of eight hourglasses (section 11). Is that a
# contradiction? No. Look at what 64 pixels do to each design:
#
# - SimpleBaseline halves five times. At 256 pixels its smallest map has 8 x 8 cells,
#   here 2 x 2, and there is no skip: all that the answer knows about *where* must
#   pass through four cells.
# - CPM's maps have an eighth of the picture's side, here 8 x 8 cells. A cell is larger
#   than the circle in which `PCKh@0.5` counts a joint as found.
# - HRNet was made narrow, with 8 channels in the large map, and has nearly three
#   hundred convolutions to train in 1,500 steps.
# - The hourglass and the course's own network have skips at every size, and were made
#   narrow rather than cut short.
#
# (These are guesses that fit. Only taking one thing out at a time would show it; the
# next section does that for other ideas.)
#
# So the result is: *with this budget, these sizes, at 64 pixels*, take an hourglass.
# The published ranking holds for 256 pixels, pre-trained backbones and days of GPUs.
# Neither tells you anything about the other.
#
# Look at the prices, too. HRNet needs half the multiply-adds of SimpleBaseline and yet
# takes longer for a picture: it has many small layers, and starting a layer costs
# time as well (quiz 5).
#
# ## 10. Do the ideas help?
#
# Three ideas of this chapter can be taken out again: more stages, intermediate
# supervision, hard keypoints. We train each network with and without the idea, on the
# same people, and with two seeds. First, though, a look at the stages of one network,
# each asked for its answer.
#
# **Predict first.** In a network with several stages, is each better than the one
# before?
#
# <details><summary>Answer</summary>
#
# In the hourglass and in CPN, yes. In CPM the first stage is the best: it already
# sees more than the whole picture, so there is nothing left for the others to gain.
# </details>

# %% tags=["nbval-check-output"]
stages = {name: [stage["0.5"][0] for stage in rows[f"{name}, seed 0"]["pckh"]]
          for name in ("Hourglass", "CPM", "CPN")}
for name, scores in stages.items():
    print(f"{name:9s} first stage {scores[0]:4.1f}, last {scores[-1]:4.1f}")
architectures.show_stages(
    rows, stages, "PCKh of each stage. CPN climbs from nearly 0 to 64 over "
    "five stages, the hourglass from 68 to 71 over two; CPM's six stages "
    "stay level at about 42, the first a little above the others.")

# %% tags=["nbval-check-output"]
variants = {"Hourglass, one stack": "hourglass: a second stack",
            "Hourglass, last stage judged": "hourglass: both stages judged",
            "CPM, last stage judged": "CPM: all stages judged",
            "CPN, all joints": "CPN: hard keypoints"}
effects = {idea: [next(row["difference"] for row in study["differences"]
                       if (row["second"], row["seed"]) == (variant, seed))
                  for seed in (0, 1)] for variant, idea in variants.items()}
one, two = (value for value, _, _ in effects["hourglass: a second stack"])
print(f"a second stack adds {one:.1f} points with one seed, {two:.1f} with "
      "the other")
architectures.show_effects(
    effects, "What each idea adds, with intervals, for two seeds: a second "
    "stack about 2 points, a loss for both stages of the hourglass 1 to 2, "
    "the others next to nothing.")
gains = {part.replace("_", " "): [np.mean([
    rows[f"CPN, seed {seed}"]["joints"][joint]
    - rows[f"CPN, all joints, seed {seed}"]["joints"][joint]
    for joint in rows["CPN, seed 0"]["joints"] if part in joint])
    for seed in (0, 1)] for part in ("head_top", "shoulder", "hip", "knee",
                                     "ankle", "elbow", "wrist")}
architectures.show_joint_gains(
    gains, "What hard keypoints change, joint by joint, for two seeds: "
    "wrists gain 4 points, elbows 1 to 2; the head loses nearly 4.")

# %% [markdown]
# **A second stack** helps: **2.4** points with one seed, **1.5** with the other, and
# both intervals exclude 0. Notice how far apart two seeds are. The intervals know
# about luck with people, not about luck with the starting weights.
#
# **A loss for every stage** helps the hourglass by one or two points, and CPM not at
# all. Perhaps that is because batch normalisation keeps the gradients alive; CPM of
# 2016 had none. One thing it brings in any case: every stage draws joints. Without
# it only the last one does.
#
# **CPN** shows what resolution is worth: its first map, enlarged from 2 x 2 cells,
# scores **0.1**, since its peak is nearly always in a corner. With each larger map
# the score climbs, to **63.8** at the end. **CPM** does *not* climb: it begins at
# **44.5** and ends at **42.3**. A later stage should help because it sees more. But
# here the picture has 64 pixels, and stage 1 already sees 160. That explains why
# nothing is gained. Why something is lost we did not test; the later stages are
# narrower, with 32 channels where the first has 128.
#
# **Hard keypoints** add next to nothing to the mean. Has CPN's idea failed? Look at
# the last picture. Wrists and elbows gain, and the easy joints pay for it, above all
# the head. Its authors report a gain on COCO; in the mean over our 14 joints there is
# none. An idea can do exactly what it promises and still not help *your* number.
#
# ## 11. What was published
#
# And on real photographs, with weeks of GPU time? Below are results on MPII's 2,958
# validation people, with the flip test, as reported by their authors' code or
# computed from the files they left. (Sources: the READMEs of Microsoft's
# human-pose-estimation.pytorch and of HRNet; for hourglasses the published
# predictions, scored by the rules of chapter 9. "bearpaw" is a PyTorch version.)
#
# The 95 % interval of such a number is 0.6 to either side: with other people from the
# same videos it might have been that much higher or lower.

# %%
published = {
    "1 hourglass (bearpaw)": ("Hourglass", "hourglass_1", 256, 85.08),
    "2 hourglasses (bearpaw)": ("Hourglass", "hourglass_2", 256, 87.30),
    "8 hourglasses (Newell)": ("Hourglass", "hourglass_8", 256, 88.43),
    "8 hourglasses (bearpaw)": ("Hourglass", "hourglass_8", 256, 89.09),
    "SimpleBaseline-50": ("SimpleBaseline", "simple_baseline_50", 256, 88.53),
    "SimpleBaseline-101": (
        "SimpleBaseline", "simple_baseline_101", 256, 89.13),
    "SimpleBaseline-152": (
        "SimpleBaseline", "simple_baseline_152", 256, 89.62),
    "SimpleBaseline-152, 384 px": (
        "SimpleBaseline", "simple_baseline_152", 384, 90.20),
    "HRNet-W32": ("HRNet", "hrnet_w32", 256, 90.3)}
costs = {(model, size): summarise(models.build(model, input_size=size))
         for _, model, size, _ in published.values()}
architectures.show_published(
    {name: (family, score, costs[model, size].multiply_adds / 1e9)
     for name, (family, model, size, score) in published.items()}, half=0.6,
    alt="Published PCKh with intervals of 0.6, and beside it the "
    "multiply-adds. One hourglass is lowest at 85, two have 87; the others "
    "lie between 88 and 90.3 and their intervals overlap. HRNet-W32 is "
    "highest with 10 billion multiply-adds; 8 hourglasses cost 28.")

# %% [markdown]
# Most neighbours overlap. The same eight hourglasses, trained by two groups, are 0.7
# apart, about as far as SimpleBaseline-50 is from SimpleBaseline-101. People who
# retrain HRNet-W32 report 89.8 to 90.1. So read such a table in steps of a point: one
# hourglass is worse than two, two are worse than eight, and HRNet gains about a point
# over eight hourglasses, for a third of the arithmetic.
#
# (Each interval is for one number alone. On the *same* people two networks differ by
# less luck, and the paired interval of chapter 9 is shorter. But for that one needs
# their predictions, and few have been published.)
#
# ## Project
#
# **Explain three failures.** Take a network: the one from chapter 8's project, or the
# course's `laptop`. Find three joints that it gets wrong on people of
# `SyntheticPeople(1000, size=64, split="test")`, for three *different* reasons.
#
# An explanation is worth something if it predicts. So for each failure write a
# function `reason(person, k)` that says whether your reason applies to joint number
# `k` of any other person. It may use what is known about the person (`keypoints`,
# `visible`, `box`, `head_size`, `extra["facing"]` in degrees, where 0 faces us), but
# not what the network answers. The checker shows your network 600 people whom neither
# of you has seen. Of the joints to which your reason applies, a larger share must be
# wrong than of all others: at least one and a half times as large, and by more than
# chance.
#
# | | what is asked for | points |
# |---|---|---|
# | measured by the checker | three joints that are really wrong, to which your reasons apply | 2 |
# | | each reason predicts failures on new people, and no two reasons are nearly the same | 3 |
# | your pictures | for each failure the person, the label, the answer and the heatmap of the joint | 2 |
# | your words | one sentence for each: what about the *picture* misleads the network (not "the score is low") | 2 |
# | | one change that should cure one of the three, and how you would test it | 1 |

# %% tags=["project"]
FAILURES = None
# {"network": "laptop", "failures": [
#     {"person": 0, "joint": "left_wrist", "reason": a_function}, ...]}

# %% tags=["check"]
check("11.project", FAILURES)

# %% [markdown]
# ## Quiz

# %%
quiz("11")

# %% [markdown]
# ## Summary
#
# - A joint needs context (*what*) and resolution (*where*). Small maps give the
#   first, large ones the second.
# - Hourglass goes down and up with skips, several times. CPM stays at one size and
#   widens its view, guess by guess. CPN builds a pyramid and then works on what is
#   hard. SimpleBaseline enlarges a ResNet's maps again. HRNet keeps all sizes at
#   once.
# - Stages give a list of heatmaps; intermediate supervision judges each.
# - A transposed convolution uses its weights once per cell of its *input*. The
#   12.0 in the tables is 7.23 billion multiply-adds.
# - Parameters, multiply-adds, activations and milliseconds rank networks
#   differently. Say which one you mean. Looking around depthwise, then mixing, saves
#   nearly nine tenths of the multiply-adds, and less of the time.
# - Under one small budget the ranking is not the published one. A ranking
#   belongs to its budget.
# - To measure an idea, take it out: with the same people, an interval for the
#   difference, and a second seed.
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
# - Sandler, Howard, Zhu, Zhmoginov, Chen: *MobileNetV2: Inverted Residuals and
#   Linear Bottlenecks* (2018). Its figure 3 shows the two blocks side by side.
# - He, Zhang, Ren, Sun: *Identity Mappings in Deep Residual Networks* (2016).
#   Why hourglasses put normalisation before each convolution.
