# %% [markdown]
# # 5. Heatmap or regression?
#
# **Put the two ways to predict a joint to the test under the same
# budget.**
#
# | | |
# |---|---|
# | **You will learn** | four ways to say where a joint is; what the resolution of a map costs, and what gives it back; what two numbers cannot say; to compare networks so that the difference means something; where the document's reply holds |
# | **You need** | [chapter 3](03_heatmaps.ipynb) (heatmaps and how to read them), [chapter 4](04_losses.ipynb) (losses), a little PyTorch |
# | **Time** | 60 min to read, 45 min to do |
# | **Runs in** | 60 s on two CPU cores |

# %% tags=["setup"]
import json
import tempfile
from dataclasses import replace

import matplotlib.pyplot as plt
import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

from posecourse import codecs, losses, metrics, models, training
from posecourse.authoring.chapters import folder, require
from posecourse.datasets import SyntheticPeople, crop_in_memory
from posecourse.exercises import check, hint
from posecourse.models.heads import HeadNet
from posecourse.skeletons import MPII
from posecourse.transforms import make_batch
from posecourse.visualization import display_figure, heatmap_overlay, use_style
from posecourse.visualization.widgets import explore

require("0.1")
use_style()
torch.set_num_threads(1)   # for tensors this small, threads only wait
torch.manual_seed(0)
rng = np.random.default_rng(0)

# %% [markdown]
# ## 1. A reply to be tested
#
# The document asks (section 4.4): heatmap regression or coordinate
# regression, which is better? Its reply, in our words: each has strengths.
# Heatmaps tell how a joint is spread over the picture, and predict more
# stably; but their resolution is limited. Coordinates come out directly and
# are more precise; but they are more sensitive to local features.
#
# That is a handful of claims without a number. This chapter finds the
# numbers.
#
# | | the document says | our test | section |
# |---|---|---|---|
# | A | the resolution of heatmaps is limited | read perfect maps of 64, 32, 16 cells | 2 |
# | B | heatmaps tell the spread | several possible places, one answer | 3, 5 |
# | C | coordinates are more precise | the same budget, tight thresholds | 6 |
# | D | heatmaps are more stable | move the window, add noise | 7 |
# | E | coordinates are more sensitive to local features | cover a part of the picture | 7 |
#
# **Predict first.** Write down for each: true, false, or it depends.
#
# The question has two sides; today's field has at least four. Between a
# heatmap and two numbers lie two more representations. Here is one wrist in
# all four.

# %%
people = SyntheticPeople(40, seed=3, size=64)
person, picture = people[29], people.read_image(people[29])
wrist = MPII.indices(["right_wrist"])
joint = torch.tensor(person.keypoints[None, wrist])          # (1, 1, 2)
seen, (x, y) = torch.ones(1, 1), joint[0, 0].tolist()
heatmap = codecs.HeatmapCodec(64, 16, sigma=1).encode(joint, seen)[0][0, 0]
(columns, rows), _ = codecs.SimCCCodec(64, 2, sigma=3).encode(joint, seen)
halves = np.arange(128) / 2 - 0.25       # where the columns are, pixels

# %%
figure, axes = plt.subplots(1, 4, figsize=(9.6, 2.7))
for axis, name in zip(axes, ("regression: two numbers",
                             "soft-argmax: a mean place",
                             "SimCC: columns and rows", "heatmap: a map")):
    axis.imshow(picture, alpha=0.55 if axis is axes[2] else 1)
    axis.set(title=name, xticks=[], yticks=[], xlim=(-0.5, 63.5),
             ylim=(63.5, -0.5))
    axis.grid(False)
axes[0].text(x + 2, y - 3, f"({x:.1f}, {y:.1f})", backgroundcolor="white")
axes[1].imshow(heatmap_overlay(picture, heatmap))
axes[2].fill_between(halves, 63.5, 63.5 - 220 * columns[0, 0], alpha=0.7)
axes[2].fill_betweenx(halves, -0.5, 220 * rows[0, 0], color="#D55E00")
axes[3].imshow(heatmap_overlay(picture, heatmap))
for axis in axes[:2]:
    axis.plot(x, y, "+", color="cyan", ms=16, mew=2)
display_figure(figure, "The same small picture four times, a person on one "
               "leg. A cross with the numbers (24.9, 35.8) on the right "
               "wrist; a bright bump there with a cross in it; a hill along "
               "the lower edge and one along the left edge, whose tops "
               "point at the wrist; the bump alone.")

# %% [markdown]
# The second and the fourth look alike, and that is the point: both networks
# draw a map. One is asked where the map's *mean* is, the other where its
# *peak* is. SimCC draws no map, but a hill over the columns and one over the
# rows.
#
# | | the network says, for each joint | read by | trained with (chapter 4) |
# |---|---|---|---|
# | **regression** | two numbers | nothing to do | L1 |
# | **soft-argmax** (integral, DSNT) | a map; only its mean place counts | softmax, then the mean | distance of the mean place, and unlikeness of the map to a bump: `losses.dsnt` |
# | **SimCC** | a score for each column and each row, finer than pixels | the best column, the best row | cross-entropy: `losses.simcc` |
# | **heatmap** | a map with a bump | the peak, and its neighbours (DARK) | MSE |
#
# ## 2. What a perfect network could reach
#
# Claim A first, and without any network. Chapter 3 has shown: arg max
# answers with the centre of a cell. The joint may lie anywhere in the cell.
# So the error is anywhere in a square, half a cell to each side.
#
# A joint counts as right if the error is within a circle. At `PCKh@t` its
# radius is $t$ heads. In the standard crop a head is a tenth of the side, so
# with $n$ cells across, a head has $n / 10$ of them:
#
# $$r = t \cdot \frac{n}{10} \text{ cells}$$
#
# The share that arg max can reach is the part of the square that lies in the
# circle. Try it: fewer cells, tighter thresholds, and the quarter offset,
# which halves each side of the square.

# %%
errors = rng.uniform(-0.5, 0.5, (1500, 2))


def draw(cells, threshold, decoder):
    figure, axis = plt.subplots(figsize=(4.6, 4.1))
    off = errors if decoder == "arg max" else errors / 2
    radius = threshold * cells / 10
    right = np.hypot(*off.T) <= radius
    axis.plot(*off[right].T, ".", color="#0072B2", ms=4)
    axis.plot(*off[~right].T, "x", color="#D55E00", ms=4)
    axis.add_patch(plt.Circle((0, 0), radius, fill=False, lw=2))
    axis.add_patch(plt.Rectangle((-0.5, -0.5), 1, 1, fill=False, ls=":"))
    axis.set(xlim=(-0.85, 0.85), ylim=(-0.85, 0.85), aspect="equal",
             xlabel="error in x, cells", ylabel="error in y, cells",
             title=f"PCKh@{threshold:.2f}, {cells} cells, {decoder}:\n"
             f"{right.mean():.0%} right")
    return figure


explore(draw, "The cell of a map of {cells} cells across as a dotted square, "
        "filled with the errors of the {decoder} on perfect maps; those "
        "within the circle of PCKh@{threshold:.2f} are dots, the others "
        "crosses.", cells=[16, 8, 32, 64], threshold=(0.05, 0.5, 0.2, 0.05),
        decoder=["arg max", "quarter offset"])

# %% [markdown]
# At 16 cells and `PCKh@0.2` the circle leaves out the corners and much else:
# two of three joints are wrong, with a *perfect* map. While the circle lies
# inside the square, its area is the answer: $\pi r^2$.
#
# Now without a formula: we draw perfect maps for 4,000 joints and read them.
#
# **Predict first.** 64 cells at threshold 0.1, 32 at 0.2, 16 at 0.4: what
# have they in common?

# %% tags=["nbval-check-output"]
truth = torch.tensor(rng.uniform(64, 192, (4000, 1, 2)))     # of 256 pixels
seen = torch.ones(4000, 1)
thresholds = (0.5, 0.2, 0.1, 0.05)
print("percent of a perfect network's joints within", *thresholds, "heads")
for cells in (64, 32, 16, 8):
    codec = codecs.HeatmapCodec(256, cells, sigma=1)
    maps, _ = codec.encode(truth, seen)
    radii = [t * cells / 10 for t in thresholds]
    area = [100 * np.pi * r ** 2 if r <= 0.5 else np.nan for r in radii]
    print(f"{cells:2d} cells  pi r^2 ", *(f"{a:6.0f}" for a in area))
    for decoder in ("argmax", "quarter", "dark"):
        found, _ = codec.decode(maps, decoder)
        heads = (found - truth).norm(dim=-1) / 25.6
        share = [100 * (heads <= t).double().mean() for t in thresholds]
        print(f"          {decoder:8s}", *(f"{s:6.0f}" for s in share))

# %% [markdown]
# The three have the same radius, 0.64 cells, so they reach the same share:
# **98 %** in the rows of 64 and of 32 cells. For 16 cells at 0.4, ask the
# slider above. Halve the cells, and all moves one threshold to the left.
#
# - At `PCKh@0.5`, the usual one, arg max loses nothing down to 16 cells. At 8
#   it loses half.
# - At 0.1 it is fine with 64 cells, reaches **32 %** with 32 and **9 %** with
#   16. No training can mend that.
# - The quarter offset is worth twice as many cells: its rows are those of arg
#   max with the double. DARK has **100 %** everywhere, even on 8 cells.
#
# So claim A is true of arg max. The map itself says where the joint is between
# the cells, and a better reader gets it back, as long as the map is clean.
# How much is left of that with the map of a real network, section 6 measures.
#
# ### Exercise 05.1 ★☆☆ How many cells?
#
# Write `cells_needed(threshold, reach)`: the smallest whole number of cells
# across the standard crop with which a perfect map is never read wrongly at
# `PCKh@threshold`. `reach` is the largest error of the decoder in x and in
# y, in cells: 0.5 for arg max, 0.25 for the quarter offset.
#
# Expected: `cells_needed(0.5, 0.5)` is 15, `cells_needed(0.1, 0.5)` is 71.
# Stuck? `hint("05.1")` pushes a little, and a little more each time.

# %% tags=["exercise"]
def cells_needed(threshold, reach):
    """Cells across the crop so that PCKh@threshold loses no joint."""
    # your code here


# %% tags=["solution"]
def cells_needed(threshold, reach):
    """Cells across the crop so that PCKh@threshold loses no joint."""
    largest_error = reach * np.sqrt(2)                       # cells
    return int(np.ceil(largest_error * 10 / threshold))


# %% tags=["check"]
check("05.1", cells_needed)

# %% [markdown]
# ## 3. What two numbers cannot say
#
# Claim B. Suppose ten people look alike to a network, down to the last
# pixel, but their wrists are in three places: four at (2, 2), three at
# (9, 3) and three at (4, 9), in a picture of 12 x 12 pixels. The network sees
# one picture, so it has one answer for all ten. Training looks for the answer
# with the smallest loss.
#
# We need no network for that. The answer itself is what descends.
#
# **Predict first.** On paper: what is the mean of the ten places? What is
# the median of the ten x and of the ten y? Is a wrist there?

# %% tags=["nbval-check-output"]
places = torch.tensor([[2.0, 2]] * 4 + [[9, 3]] * 3 + [[4, 9]] * 3)
labels, seen = places[:, None], torch.ones(10, 1)            # (10, 1, 2)


def best(loss, *start):
    """What descends to the smallest mean loss over the ten labels."""
    free = [part.clone().requires_grad_() for part in start]
    optimiser = torch.optim.Adam(free, lr=0.1)
    slower = torch.optim.lr_scheduler.LinearLR(optimiser, 1, 0.01, 400)
    for _ in range(400):
        optimiser.zero_grad()
        loss(*(part.expand(10, *part.shape[1:]) for part in free)).backward()
        optimiser.step()
        slower.step()
    return [part.detach() for part in free]


grid, unit = codecs.HeatmapCodec(12, 12, sigma=1), codecs.CoordinateCodec(12)
lines, row = codecs.SimCCCodec(12, 1, sigma=1), torch.zeros(1, 1, 12)
zeros, middle = torch.zeros(1, 1, 12, 12), torch.full((1, 1, 2), 0.5)
two, bumps, bars = (c.encode(labels, seen)[0] for c in (unit, grid, lines))
l2, = best(lambda p: losses.coordinate_l2(p, two), middle)
l1, = best(lambda p: losses.coordinate_l1(p, two), middle)
soft, = best(lambda m: losses.dsnt(m, labels), zeros)

# %% tags=["nbval-check-output"]
along = best(lambda *a: losses.simcc(a, bars), row, row)
peaks, = best(lambda m: losses.heatmap_mse(m, bumps), zeros)
said = {"regression, L2": unit.decode(l2), "regression, L1": unit.decode(l1),
        "soft-argmax": grid.decode(soft, "integral"),
        "SimCC": lines.decode(along), "heatmap": grid.decode(peaks)}
for name, (answer, _) in said.items():
    x, y = answer[0, 0].tolist()
    away = (places - answer[0]).norm(dim=-1).min()
    print(f"{name:15s} ({x:.1f}, {y:.1f}), {away:.1f} from the nearest label")

# %%
figure, axes = plt.subplots(1, 4, figsize=(9.6, 2.9))
spread = {"regression": torch.zeros(12, 12),
          "soft-argmax": soft[0, 0].flatten().softmax(0).view(12, 12),
          "SimCC": along[1][0, 0].softmax(0)[:, None]
          * along[0][0, 0].softmax(0),
          "heatmap": peaks[0, 0]}
for axis, (name, values) in zip(axes, spread.items()):
    axis.imshow(values.numpy(), cmap="Blues", vmin=0,
                vmax=1.2 * values.max().item() + 1e-9)
    axis.plot(*places.T, "o", color="black", mfc="none", ms=9, mew=1.5)
    for key, (answer, _) in said.items():
        if key.startswith(name):
            axis.plot(*answer[0, 0], "X", color="#D55E00", ms=10, mec="w")
            axis.annotate(key[-2:] if "L" in key[-2:] else "",
                          answer[0, 0] + 0.5, color="#D55E00")
    axis.set(title=name, xticks=[2, 4, 9], yticks=[2, 3, 9])
    axis.grid(False)
display_figure(figure, "Four square maps with circles at the three places. "
               "Regression: nothing but two crosses, L1 and L2, between "
               "the circles. Soft-argmax: a bump in each circle, the cross "
               "between them. SimCC: the strongest patch and the cross in "
               "the upper left circle, weaker patches wherever a used "
               "column meets a used row. Heatmap: a bump in each circle, "
               "the cross in the strongest.")

# %% [markdown]
# The circles are the labels, the crosses the answers. L2 says the mean, L1
# the median of x and the median of y: **3.6** and **2.2** pixels from the
# nearest label. Nobody's wrist is there. Soft-argmax *has* a map with three
# bumps, and its answer is the mean place of that map all the same, **2.9**
# pixels from any label. (It is not the mean of the labels: the loss counts
# distances, not their squares.) Heatmap and SimCC say the likeliest place:
# right for four people of ten, where the others are right for none.
#
# SimCC pays for its short description. Columns and rows do not know of each
# other, so there are patches where a column of one place crosses a row of
# another: look at the lower right, (9, 9), where nobody's wrist is. Such a
# patch can even win: were the last two places (9, 5) and (9, 9), the best
# column would be 9 and the best row 2, again nobody's wrist.
#
# ### Exercise 05.2 ★★☆ The best two numbers
#
# Write `two_numbers(places, shares)`: the answers that L2 and L1 settle on,
# as a pair of arrays of shape `(2,)`. `places` is `(P, 2)`; `shares` `(P,)`
# says which part of the people has its joint there, and adds up to 1. L1
# takes x and y apart: in each, the smallest value at which the shares, added
# up in the order of the values, reach one half.
#
# Expected for the three places above, with shares 0.4, 0.3, 0.3:
# `(4.7, 4.4)` and `(4, 3)`.

# %% tags=["exercise"]
def two_numbers(places, shares):
    """L2's and L1's best answer for several possible places."""
    # your code here


# %% tags=["solution"]
def two_numbers(places, shares):
    """L2's and L1's best answer for several possible places."""
    mean = (shares[:, None] * places).sum(0)
    median = []
    for values in places.T:                        # x, then y
        order = values.argsort()
        half = shares[order].cumsum() >= 0.5
        median.append(values[order][half.argmax()])
    return mean, np.array(median)


# %% tags=["check"]
check("05.2", two_numbers)

# %% [markdown]
# ## 4. Four heads on one backbone
#
# Now networks. To compare the *representations*, all else has to be the
# same. So we take one **backbone**, which turns a picture into features, and
# put four **heads** on it.
#
# The backbone goes down to a sixteenth of the picture's size, where one cell
# sees the whole person, and back up to a quarter. On the way up it adds what
# it knew at that size.

# %%
def conv(before, after, stride=1, kernel=3):
    return nn.Sequential(
        nn.Conv2d(before, after, kernel, stride, kernel // 2, bias=False),
        nn.BatchNorm2d(after), nn.ReLU())


class Trunk(nn.Module):
    def __init__(self, w):
        super().__init__()
        self.quarter = nn.Sequential(
            conv(3, w, 2), conv(w, 2 * w, 2), conv(2 * w, 2 * w))
        self.eighth = nn.Sequential(
            conv(2 * w, 4 * w, 2), conv(4 * w, 4 * w))
        self.sixteenth = nn.Sequential(
            conv(4 * w, 4 * w, 2), conv(4 * w, 4 * w), conv(4 * w, 4 * w))
        self.up_to_eighth = conv(4 * w, 4 * w)
        self.squeeze = conv(4 * w, 2 * w, kernel=1)
        self.up_to_quarter = conv(2 * w, 2 * w)

    def forward(self, images):
        a = self.quarter(images)
        b = self.eighth(a)
        b = b + F.interpolate(self.sixteenth(b), scale_factor=2)
        b = self.squeeze(self.up_to_eighth(b))
        return self.up_to_quarter(a + F.interpolate(b, scale_factor=2))


# %% [markdown]
# All four heads begin with one 1 x 1 convolution, which draws a small map
# per joint. They differ in what becomes of the map.
#
# **Predict first.** Pictures have 48 x 48 pixels, maps 12 x 12 cells. How
# many numbers does a layer learn that turns a map into two numbers? And the
# two layers that turn it into 96 columns and 96 rows?

# %% tags=["nbval-check-output"]
trunk, images = Trunk(12).eval(), torch.randn(2, 3, 48, 48)
features = trunk(images)                                 # (2, 24, 12, 12)
draw_maps = nn.Conv2d(24, 16, 1)
maps = draw_maps(features)                               # (2, 16, 12, 12)
flat = maps.flatten(2)                                   # (2, 16, 144)
place, columns, rows = (nn.Linear(144, n) for n in (2, 96, 96))
outputs = {"regression": place(flat), "soft_argmax": maps,
           "simcc": (columns(flat), rows(flat)), "heatmap": maps}

layers = {"maps": draw_maps, "columns": columns, "rows": rows,
          "place": place}
for name, ours in outputs.items():
    packaged = HeadNet(name, input_size=48, width=12).eval()
    packaged.backbone.load_state_dict(trunk.state_dict())
    used = [part for part, _ in packaged.head.named_children()]
    for part in used:
        setattr(packaged.head, part, layers[part])
    theirs = packaged(images)
    agree = torch.allclose(torch.cat([*ours], -1), torch.cat([*theirs], -1))
    learned = sum(v.numel() for part in used[1:]
                  for v in layers[part].parameters())
    print(f"{name:11s} learns {learned:5,} numbers after the maps; the "
          f"package agrees: {agree}")

# %% [markdown]
# Two times 144 weights and a bias make **290**; 192 times that many make
# **27,840**. One layer serves all joints. Heatmap and soft-argmax learn
# nothing more: with them, all the difference is in the loss and the reading.
#
# The package's heads also *begin* sensibly. A heatmap begins empty, and
# regression begins with all joints in the middle of the picture.
#
# ### Exercise 05.3 ★★☆ The mean place of a map
#
# Write `soft_argmax(maps, stride)`: maps `(N, K, H, W)`, any real numbers,
# large ones too, to places `(N, K, 2)` in pixels. The softmax over all cells
# of a map makes probabilities; the answer is the mean of the cells under
# them. Mind the half pixels.
#
# Expected for maps of zeros, 2 rows and 4 columns, at stride 4: `(7.5,
# 3.5)`, the middle of 16 x 8 pixels.

# %% tags=["exercise"]
def soft_argmax(maps, stride):
    """The mean place under each map's softmax, (N, K, 2) pixels."""
    # your code here


# %% tags=["solution"]
def soft_argmax(maps, stride):
    """The mean place under each map's softmax, (N, K, 2) pixels."""
    height, width = maps.shape[-2:]
    probability = maps.flatten(-2).softmax(-1).view(maps.shape)
    x = (probability.sum(-2) * torch.arange(width)).sum(-1)
    y = (probability.sum(-1) * torch.arange(height)).sum(-1)
    return (torch.stack([x, y], -1) + 0.5) * stride - 0.5


# %% tags=["check"]
check("05.3", soft_argmax)

# %% [markdown]
# ## 5. A short race
#
# The same budget for all: 900 drawn people on pictures of 48 x 48, 170
# steps with 32 pictures each, the same pictures in the same order with the
# same augmentation, the same initial backbone, optimiser and learning rate.
# (The rate, 8e-3, is not a favour to one of them: of the few that we tried
# for section 6, it was the best for each of the four.) Then 400 people whom
# no network has seen, and an interval that says how far the score would move
# with other people (more in section 6).
#
# `training.train` is the loop that chapter 8 builds by hand. It calls every
# `validate_every` steps an epoch, and writes a run folder, of which we need the
# weights only.

# %%
def drawn(count, split):
    people = SyntheticPeople(count, size=60, margin=1.25, split=split)
    return crop_in_memory(people, people.size, people.margin, workers=1)


def batch(store, chosen, **options):
    return make_batch(store.crops[chosen], store.keypoints[chosen],
                      store.visible[chosen], store.head_size[chosen],
                      store.window, 48, **options)


# %%
def train(head, store, steps=170):
    config = training.config_for(
        f"head_{head}", {"input_size": 48, "width": 12}, epochs=1,
        validate_every=steps, batch_size=32, lr=8e-3, warmup=0.1, ema=0.0,
        augmentation=training.config_for("laptop").augmentation,
        amp="fp32", device="cpu")
    with tempfile.TemporaryDirectory() as folder:
        run = training.train(replace(config, out=f"{folder}/run"),
                             (store, new_people), on_epoch=lambda row: None)
        return models.load_model(run / "weights.safetensors")


# %%
learned, new_people = drawn(900, "train"), drawn(400, "valid")
new = batch(new_people, slice(None))
scored = metrics.pckh_columns(MPII)           # without pelvis and thorax
heads = ["regression", "soft_argmax", "simcc", "heatmap"]
networks = {head: train(head, learned) for head in heads}

middle = metrics.mean_pose(learned.keypoints, learned.visible) - 6  # border
answers = {"mean pose": np.broadcast_to(middle, new.keypoints.shape)}
with torch.inference_mode():
    outputs = {head: net(new.images) for head, net in networks.items()}
for head, net in networks.items():
    answers[head], _ = net.decode(outputs[head])

hits = {name: metrics.pck_hits(points, new.keypoints, new.visible,
                               new.head_size, 0.5)
        for name, points in answers.items()}
for name, hit in hits.items():
    value, low, high, _ = metrics.bootstrap_interval(hit, scored)
    print(f"{name:12s} PCKh@0.5 {100 * value:4.1f} %, 95 % interval "
          f"{100 * low:.1f} to {100 * high:.1f}")

# %% tags=["nbval-check-output"]
gap = metrics.paired_interval(hits["heatmap"], hits["regression"], scored)
lead = metrics.paired_interval(hits["regression"], hits["mean pose"], scored)
print("regression beats the mean pose:", lead.low > 0)
print("the heatmap beats regression:  ", gap.low > 0)

# %% [markdown]
# In our run the heatmap got 36, soft-argmax 31, SimCC 28, regression 27, and
# the mean pose 16. So after 170 steps all know more than the mean pose, and
# the heatmap is ahead. It learns the fastest; whether it stays ahead is for
# section 6.
#
# First, what do these young networks do where they are unsure? Left and right
# are hard: is that person seen from the front or from behind? We look for
# ankles whose heatmap has a second peak, at least 0.6 times as high as the
# first and more than two heads away.
#
# **Predict first.** Section 3 has told what each representation says then.
# Where will the answers be?

# %% tags=["nbval-check-output"]
ankles = MPII.indices(["left_ankle", "right_ankle"])
maps, truth = outputs["heatmap"][:, ankles], new.keypoints[:, ankles]
said = {head: answers[head][:, ankles] for head in heads}
head_size = new.head_size[:, None]
is_peak = F.max_pool2d(maps, 3, 1, 1) == maps
heights, cells = torch.where(is_peak, maps, -1.0).flatten(2).topk(2, -1)
peaks = torch.stack([cells % 12, cells // 12], -1) * 4 + 1.5   # pixels
gap = (peaks[..., 0, :] - peaks[..., 1, :]).norm(dim=-1)
torn = ((heights[..., 1] > 0.6 * heights[..., 0]) & (gap > 2 * head_size)
        & (heights[..., 0] > 0.15) & (new.visible[:, ankles] > 0))

one = said["regression"]
to_middle = (one - peaks.mean(-2)).norm(dim=-1)
to_a_peak = (one[..., None, :] - peaks).norm(dim=-1).min(-1).values
within = {head: ((places - truth).norm(dim=-1) <= head_size)[torn].double()
          .mean() for head, places in said.items()}
print("more than 20 such ankles:", int(torn.sum()) > 20)
print("most regressed ones are nearer to the middle than to either peak:",
      bool((to_middle < to_a_peak)[torn].double().mean() > 0.5))
print("the heatmap is within a head of the label more often than "
      "regression:", bool(within["heatmap"] > within["regression"]))

# %%
ranked = torch.where(torn, heights[..., 1] * gap, 0.0).max(1)
chosen = ranked.values.topk(3).indices
figure, axes = plt.subplots(1, 3, figsize=(9.6, 3.7))
for axis, i in zip(axes, chosen):
    side = ranked.indices[i]
    crop = new_people.crops[i, 6:54, 6:54]
    axis.imshow(heatmap_overlay(crop, maps[i, side].clamp(min=0)))
    for head, mark in zip(heads, "so^D"):
        axis.plot(*said[head][i, side], mark, ms=10, mec="white", label=head,
                  zorder=4 - heads.index(head))
    axis.plot(*truth[i, side], "+", color="cyan", ms=16, mew=3,
              label="label", zorder=0.5)
    axis.set(title=MPII.joints[ankles[side]], xticks=[], yticks=[],
             xlim=(-0.5, 47.5), ylim=(47.5, -0.5))
    axis.grid(False)
figure.legend(*axes[0].get_legend_handles_labels(), ncols=5,
              loc="outside lower center", frameon=False)
display_figure(figure, "Three people with their feet apart, each with the "
               "heatmap of one ankle: a bump over each foot. The heatmap's "
               "answer lies on one of the two bumps; most answers of "
               "regression and soft-argmax lie between the feet.")

# %% [markdown]
# Each map has a bump over either foot: the network sees two ankles and does
# not know which is the left one. The heatmap's answer is one of the two feet,
# and it may be the wrong one: compare it with the label. Soft-argmax answers
# somewhere between the bumps, nearer to one or to the other, and so does
# regression, not always but mostly: see what the cell above the picture
# prints. Section 3 was more than a thought experiment.
#
# A caution: we let the heatmap choose the cases. An ankle about which only
# the regression network is unsure cannot turn up, because two numbers do not
# say that they are unsure. That, too, is claim B.
#
# ## 6. A longer race, stored
#
# The short race is over before the networks are any good. A longer one took
# more than half an hour, so it is stored: `data/studies/representations.json`
# has its settings and scores, `representations.npz` the answers themselves. It
# is the same code as here (`posecourse.models.heads`), on pictures of 64 x 64,
# with maps of 16 x 16 cells, 8,000 people and 1,200 steps. To repeat it:
#
# ```
# python data/studies/representations.py --out runs/study
# ```
#
# Two more heads run along, both without maps. `fc` sends all features through
# two linear layers, like the document's PoseNet (chapter 7). `rle` is `fc` and
# also says how sure it is; its loss (`losses.rle`) learns the shape of the
# errors instead of taking it for granted.
#
# We load the answers and score them here. `heatmap, argmax` is the heatmap
# network again, but read with arg max instead of DARK.
#
# **Predict first.** Where will that row stand at 0.5, and where at 0.1?

# %% tags=["nbval-check-output"]
studies = folder().parent / "data" / "studies"
study = json.loads((studies / "representations.json").read_text("utf-8"))
with np.load(studies / "representations.npz") as file:
    stored = dict(file)
truth = [stored[name] for name in ("keypoints", "visible", "head_size")]
points = {"mean pose": np.broadcast_to(stored["mean_pose"], truth[0].shape)}
for head in ("fc", "rle", *heads):
    points[head] = stored[f"{head}-8000-0/points"] / 100
points["heatmap, argmax"] = stored["heatmap-8000-0/argmax"] / 100

hit = {(name, t): metrics.pck_hits(answer, *truth, t)
       for name, answer in points.items() for t in (0.5, 0.2, 0.1)}
print(f"{len(truth[0]):,} people; PCKh in percent, with 95 % intervals")
for name in points:
    line = f"{name:16s}"
    for t in (0.5, 0.2, 0.1):
        i = metrics.bootstrap_interval(hit[name, t], scored)
        line += f"  @{t} {100 * i.value:4.1f} ({100 * i.low:4.1f} to " \
                f"{100 * i.high:4.1f})"
    print(line)

# %% [markdown]
# The heatmap wins at every threshold: **66.0** against **47.1** for regression
# at 0.5, and **13.0** against **6.6** at 0.1. SimCC and soft-argmax lie
# between. Claim C says the opposite.
#
# Now the last row. Read with arg max, the same heatmaps fall from **13.0** to
# **4.5** at 0.1, *below* regression. That is where the document is right. The
# ceiling of section 2 for 16 cells at 0.1 was 9: resolution limits arg max
# here, and DARK goes past that limit on real maps too.
#
# May we compare rows whose intervals overlap? Both networks met the same
# people, so we draw 1,000 of them anew, some twice and some not at all, the
# *same* for both, and look at the *difference*. (That is a bootstrap; chapter
# 9 has more of it.) Of a thousand such differences, the middle 95 % make an
# interval, from the 2.5th to the 97.5th percentile. If it leaves out 0, the
# difference is more than luck with the people drawn.
# `metrics.paired_interval` does that; you write its core.
#
# ### Exercise 05.4 ★★★ The same people for both
#
# Write `differences(first, second, chosen)`. `first` and `second` are hits
# `(N, K)`: 1, 0, or NaN where a joint has no label. `chosen` `(R, N)` holds R
# draws of N people, by number, with repetition. Return R differences: the rate
# of hits over all labelled joints of the people drawn, of `first` minus
# `second`.
#
# Expected for `first = [[1, 1], [0, nan]]`, `second = [[1, 0], [0, nan]]` and
# `chosen = [[0, 0], [0, 1], [1, 1]]`: `[1/2, 1/3, 0]`.

# %% tags=["exercise"]
def differences(first, second, chosen):
    """Rate of first minus rate of second for each draw, (R,)."""
    # your code here


# %% tags=["solution"]
def differences(first, second, chosen):
    """Rate of first minus rate of second for each draw, (R,)."""
    rates = [np.nanmean(hits[chosen], axis=(1, 2))
             for hits in (first, second)]
    return rates[0] - rates[1]


# %% tags=["check"]
check("05.4", differences)

# %% tags=["nbval-check-output"]
print("points of difference, with 95 % intervals, @0.5, @0.2, @0.1")
for first, second in (("heatmap", "regression"), ("heatmap", "simcc"),
                      ("simcc", "soft_argmax"), ("soft_argmax", "regression"),
                      ("regression", "fc"), ("fc", "rle"),
                      ("heatmap, argmax", "regression")):
    line = f"{first + ' - ' + second:28s}"
    for t in (0.5, 0.2, 0.1):
        i = metrics.paired_interval(hit[first, t], hit[second, t], scored)
        line += f" {100 * i.value:5.1f} ({100 * i.low:4.1f} to " \
                f"{100 * i.high:4.1f})"
    print(line)

rows = study["networks"]
print("\nPCKh@0.5 when trained on so many people")
print("                500   2,000   8,000   8,000 with another seed")
for head in heads:
    scores = [rows[f"{head}-{run}"]["pckh"]["0.5"][0]
              for run in ("500-0", "2000-0", "8000-0", "8000-1")]
    print(f"{head:12s}", *(f"{value:7.1f}" for value in scores))

# %%
figure, axes = plt.subplots(1, 2, figsize=(9, 3.4), sharey=True)
for head, mark in zip(heads, "so^D"):
    curve = np.array(rows[f"{head}-8000-0"]["curve"])
    axes[0].plot(*curve.T, marker=mark, label=head)
    sizes = (500, 2000, 8000)
    value, low, high = np.transpose(
        [rows[f"{head}-{n}-0"]["pckh"]["0.5"] for n in sizes])
    axes[1].errorbar(sizes, value, [value - low, high - value], marker=mark,
                     capsize=4)
for axis in axes:
    axis.axhline(study["mean_pose"]["0.5"][0], color="black", ls=":")
axes[0].text(300, 17, "mean pose")
axes[0].set(xlabel="steps, with 8,000 people", ylabel="PCKh@0.5, %",
            xticks=(300, 600, 900, 1200), ylim=(-5, 75))
axes[0].legend(ncols=2, fontsize=9, loc="lower center")
axes[1].set(xlabel="people to learn from, with 1,200 steps", xscale="log")
axes[1].set_xticks(sizes, ["500", "2,000", "8,000"])
axes[1].minorticks_off()
display_figure(figure, "Left, PCKh@0.5 over steps: all four rise, from 31 to "
               "52 at step 300 to 47 to 66 at step 1,200, the heatmap on "
               "top, regression at the bottom, the mean pose a line at 16. "
               "Right, over people: a small rise from 500 to 2,000, none "
               "worth the name to 8,000, in the same order.")

# %% [markdown]
# Left: the curves keep their order; soft-argmax starts slowly and comes close
# to SimCC. Right: four times more people, from 500 to 2,000, are worth 3 to 6
# points; four times more again, next to nothing. With 1,200 steps no network
# has looked at 8,000 people more than five times. The budget ends before the
# people do. From 500 to 8,000 regression gains 5 points and the others 3 to 5:
# nobody here is much hungrier than the others.
#
# **How far does this carry?** A 95 % interval speaks of other *people*. The one
# other *seed* that we tried moves the scores by half a point at most, and
# training everything anew, with other random numbers, moved regression by 1.3
# and the other three by 0.4; the differences are larger. Another *budget* is a
# different matter. 1,200 steps are few, and we chose each head's learning rate
# in short runs, from a few. What others found with long training, all with a
# ResNet-50:
#
# | head | MPII, `PCKh@0.5` | MPII, `PCKh@0.1` | COCO, AP |
# |---|---|---|---|
# | two numbers | 82.6 | 18.0 | 54.1 |
# | two numbers, `rle` | 86.1 | 27.7 | 70.6 |
# | SimCC | | | 72.1 |
# | heatmap | 88.2 | 28.6 | 71.8 |
#
# (Validation sets; from the tables of MMPose 1.x, its own trainings. Microsoft's
# ResNet-50 with heatmaps has 88.5 on MPII at 0.5.) Heatmaps are ahead of plain
# regression there too, and SimCC draws level with them. But the gap shrinks: 6
# points on MPII instead of our 19, and `rle` closes most of it. In our short
# race `rle` was no better than `fc`. That says something about short races, not
# about `rle`.
#
# ## 7. Stability, measured
#
# Claims D and E are about *change*. We change the pictures of 200 people and
# watch how far the answers move, in heads. A head is 6.4 pixels here.
#
# 1. **The window moves** by up to 8 pixels to either side. The person then
#    moves in the picture, and the answer should follow: 1 pixel for 1 pixel.
#    The share that it does follow is the *gain*.
# 2. **Noise** is added; its standard deviation is 5 or 10 % of white. The
#    answer should stay. A *jump* is a move of more than half a head.
# 3. **A grey square** of 12 x 12 pixels covers one place after the other. A
#    joint under it may move. A joint at least 8 pixels away from it should
#    not.
#
# **Predict first.** Which network moves the least under noise? And which
# trivial answer is the most stable of all?

# %% tags=["nbval-check-output"]
text = "{:.{d}f} ({:.{d}f} to {:.{d}f})".format
stable = {head: rows[f"{head}-8000-0"]["stability"] for head in heads}
print("             gain, 1 is perfect\nmean pose    0.00")
for head, s in stable.items():
    print(f"{head:12s}", text(*s["gain"], d=2))
for level in ("0.05", "0.1"):
    print(f"\nnoise {level:6}", f"{'moved, heads':22s}{'jumped, %':23s}"
          f"PCKh@0.5, %\nmean pose    {'0.00':22s}0.0")
    for head, s in stable.items():
        n = s["noise"][level]
        print(f"{head:12s}", f"{text(*n['moved'], d=2):22s}"
              f"{text(*n['jumped'], d=1):23s}"
              f"{s['pckh'][0]:.1f} -> {n['pckh'][0]:.1f}")
for where in ("covered", "far"):
    print(f"\n{where:12s}", f"{'moved, heads':25s}{'median':9s}jumped, %\n"
          f"mean pose    {'0.000':25s}{'0.000':9s}0.0")
    for head, s in stable.items():
        s = s[where]
        print(f"{head:12s}", f"{text(*s['moved'], d=3):25s}"
              f"{s['median']:<9.3f}{text(*s['jumped'], d=1)}")

# %%
figure, axes = plt.subplots(1, 3, figsize=(9.6, 3.3))
axes[0].axline((0, 0), slope=1, color="black", ls=":", label="perfect")
for n, (head, mark) in enumerate(zip(heads, "so^D")):
    s = stable[head]
    axes[0].plot(s["shift"], s["followed"], marker=mark, ms=4,
                 label=head)
    value, low, high = np.transpose(
        [s["noise"][level]["jumped"] for level in ("0.02", "0.05", "0.1")])
    axes[1].errorbar((2, 5, 10), value, [value - low, high - value],
                     marker=mark, capsize=4)
    value, low, high = s["covered"]["moved"]
    axes[2].errorbar(value, n, xerr=[[value - low], [high - value]],
                     marker=mark, capsize=4)
    axes[2].plot(s["far"]["median"], n, mark, mfc="white", color="black")
axes[0].set(title="the window moves", xlabel="by, pixels",
            ylabel="the answer moves by, pixels")
axes[0].legend(fontsize=8)
axes[1].set(title="noise", xlabel="% of white", ylabel="jumped, %")
axes[2].set(title="a grey square", xlabel="moved, heads", xlim=(-0.03, 0.75),
            ylim=(-0.5, 3.5))
axes[2].set_yticks(range(4), heads, fontsize=9)
display_figure(figure, "Left, lines below the perfect diagonal, regression "
               "the flattest. Middle, jumps grow with noise, soft-argmax's "
               "most. Right, joints under a square move most for SimCC and "
               "least for regression; far joints hardly move.")

# %% [markdown]
# **The window.** The heatmap follows best, with a gain of **0.90**, and
# regression worst, with **0.74**; the intervals are far apart. A convolution
# treats all places alike. The linear layer of regression does not: it knows
# where joints usually are, and leans to there.
#
# **Noise** turns it round. At 5 % regression moves by **0.11** heads on
# average and the heatmap by **0.23**; **1.5** % of its joints jump against
# **6.6** %. A peak has rivals. Once a rival is higher, the answer is there at
# once, however far that is. But look at the scores too: at 10 % the heatmap
# falls further, and with **50.0** it still is ahead of regression with
# **42.9**. Soft-argmax suffers most and ends below both.
#
# And the mean pose? It never moves. It is the most stable answer there is,
# and useless. Stability only counts beside accuracy.
#
# **The square.** Where a joint is covered, the heatmap moves by **0.524** heads
# and regression by **0.317**: the heatmap relies more on what is to be seen at
# the place itself. Much of that gap is jumps; the typical joint (the median)
# moves by **0.261** and **0.220**. Where the square is far away, the means of
# these two hardly differ, but the typical joint (white in the picture) moves
# by **0.036** with regression and by **0.012** with the heatmap, three times
# less. (SimCC's **0.000** is its rounding: it answers in half pixels. Its
# mean, **0.111**, is the largest.) Regression is less sensitive to the place
# itself and, for the typical joint, more to everything else.
#
# ## 8. The verdict
#
# | | the document says | what we measured |
# |---|---|---|
# | A | the resolution of heatmaps is limited | **True of arg max, not of the map.** A perfect map of 16 cells reaches 9 % at 0.1 with arg max and 100 % with DARK. A real network: 4.5 and 13.0. |
# | B | heatmaps tell the spread | **True.** Two bumps where a joint may be in two places; one regressed point lies between them. Soft-argmax draws the bumps as well, and answers with their mean. |
# | C | coordinates are more precise | **Not under this budget.** 6.6 against 13.0 at 0.1. Only against arg max is it true, by 2 points; then it is claim A again. |
# | D | heatmaps are more stable | **It depends.** They follow a moving person better (gain 0.90 against 0.74). Under noise they move and jump more; still, more of their joints stay right. |
# | E | coordinates are more sensitive to local features | **The other way round.** Cover a joint, and the heatmap moves more. What is far away moves the typical regressed joint more: it depends on the whole picture. |
#
# These are small networks, trained briefly, on drawn people; the stability was
# measured on one network of each kind, and on 200 people. The table says where
# the document's sentences hold *here*, and the script says how to ask again
# elsewhere.
#
# What follows for your own network? Draw heatmaps and read them with a
# sub-pixel decoder, unless you have a reason not to. Take SimCC if large maps
# cost too much, soft-argmax if a later loss needs a gradient through the
# coordinates, regression with `rle` if you want no decoder at all and can
# train for long.
#
# ## Quiz
#
# **1.** You halve the maps of a network from 64 to 32 cells and keep arg max.
# `PCKh@0.5` stays the same. May you conclude that resolution does not matter?
#
# <details><summary>Answer</summary>
#
# No. At 0.5 even 16 cells lose nothing, so this threshold cannot see it. At
# 0.1 the ceiling falls from 98 % to 32 %.
# </details>
#
# **2.** A wrist is at (10, 20) for half of the people who look like this, and
# at (30, 20) for the other half. What will regression say, and soft-argmax,
# and a heatmap?
#
# <details><summary>Answer</summary>
#
# L2 and soft-argmax say (20, 20), the mean. For L1 every x from 10 to 30 is
# equally good. A heatmap draws two bumps of half the height and answers with
# either one.
# </details>
#
# **3.** Network P has `PCKh@0.5` of 58.0 (56.6 to 59.5), network Q 55.7 (54.1
# to 57.3). The intervals overlap. Can P still be clearly better?
#
# <details><summary>Answer</summary>
#
# Yes, if both answered for the same people. These are SimCC and soft-argmax:
# their paired difference was 2.4 points, 1.5 to 3.3. What is hard for both
# cancels.
# </details>
#
# **4.** Under noise, network R moves its answers half as far as network S.
# Which other number do you ask for before you call R the better one?
#
# <details><summary>Answer</summary>
#
# Its accuracy, with and without the noise, and its gain. The mean pose does
# not move at all under noise, and it does not follow the person either.
# </details>
#
# **5.** Someone compares heatmaps with a ResNet-50 to regression with a
# ResNet-18, each with the learning rate of its paper, and finds heatmaps better
# by 5 points. What has been shown?
#
# <details><summary>Answer</summary>
#
# Nothing about representations. Backbone, head and training changed at once.
# Everything else has to be the same, or tuned with the same care.
# </details>
#
# ## Summary
#
# - Four representations: two numbers, a map's mean (soft-argmax), columns and
#   rows (SimCC), a map's peak (heatmap).
# - Arg max on $n$ cells is limited to what lies within $t \cdot n / 10$ cells
#   of a cell's middle. A sub-pixel decoder lifts that limit.
# - Where a joint may be in several places, numbers and mean places fall between
#   them; peaks choose one.
# - Under an equal short budget: heatmap, SimCC, soft-argmax, regression, at
#   0.5 as well as at 0.1. Long training narrows the gaps.
# - Compare on the same people and give the interval of the difference. It says
#   nothing of other budgets.
# - Heatmaps follow a moving person better, and jump more under noise.
#   Regression leans on the whole picture and on the mean.
# - Stability alone is worth nothing: the mean pose is the most stable answer.
#
# ## Common mistakes
#
# - **Arg max at tight thresholds.** The decoder is measured, not the network.
# - **Reading a soft-argmax network's map by its peak,** or a heatmap by its
#   mean. A network is good at what its loss has read.
# - **An interval for each network** where the interval of the difference is
#   needed.
# - **One learning rate for all heads because "equal budget".** Equal is the
#   care of choosing, not the number. Say how it was chosen.
# - **Quoting a long-trained result as a law,** or a short race.
#
# ## Further reading
#
# - Tompson et al., *Joint Training of a Convolutional Network and a Graphical
#   Model for Human Pose Estimation* (2014): why heatmaps replaced coordinates.
# - Sun et al., *Integral Human Pose Regression* (2018): soft-argmax, and
#   experiments that keep all else equal.
# - Nibali et al., *Numerical Coordinate Regression with Convolutional Neural
#   Networks* (2018): the loss that keeps soft-argmax's map a single bump.
# - Zhang et al., *Distribution-Aware Coordinate Representation for Human Pose
#   Estimation* (2020): DARK, and its gain at several resolutions.
# - Li et al., *SimCC: a Simple Coordinate Classification Perspective for Human
#   Pose Estimation* (2022): columns and rows.
# - Li et al., *Human Pose Regression with Residual Log-likelihood Estimation*
#   (2021): how regression came close to heatmaps.
