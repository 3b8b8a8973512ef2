# %% [markdown] document="3.3 computation"
# # 15. Deployment
#
# **Count what a network costs, export it, and make it run in real time
# without a GPU.**
#
# ![The same walking person three times, with a skeleton. Under each a bar that shows how many pictures have been looked at in the same time: in PyTorch few, in onnxruntime more, and in 8 bits many times as many.](figures/15_opening.gif)
#
# One network, three times, on one core of a plain processor. All three bars
# started together. Nothing was trained anew between them.
#
# | | |
# |---|---|
# | **You will learn** | to count multiply-adds, bytes and activations, and where counting misleads; the roofline of your own machine; ONNX and what must travel with a network; 8 bits: what is rounded, and how to ruin it; a budget for 25 pictures a second; a small network that learns from a large one; what a network bears |
# | **You need** | [chapter 10](10_inference.ipynb); [chapter 11](11_architectures.ipynb) helps. Three packages that the other chapters do without: `python -m pip install onnx onnxscript onnxruntime` |
# | **Time** | 60 min to read, 45 min to do |
# | **Runs in** | 60 s on two CPU cores |
#
# The document (3.3) names three limits of the method: it needs *much computation,
# asks a lot of the hardware, and is hard to run in real time on devices of low
# power*; labels are dear; and *robustness* leaves to be desired, for *unusual
# poses, extreme views and missing body parts*. This chapter takes the first
# apart, finds a way around the second, and measures the last.

# %% tags=["setup"]
import json
import tempfile
from functools import partial
from pathlib import Path

import numpy as np
import torch
from torch import nn

from posecourse import deploy
from posecourse.authoring.chapters import folder, require
from posecourse.datasets import SyntheticPeople, crop_in_memory
from posecourse.exercises import check, hint, quiz
from posecourse.models import build, load_model, pretrained
from posecourse.models.profile import summarise
from posecourse.visualization import animate, explore, show_people, use_style
from posecourse.visualization import deployment as plots
from posecourse.visualization.tables import table

require("0.1")
deploy.need("this chapter", "onnx", "onnxscript", "onnxruntime")
use_style()
rng = np.random.default_rng(0)
torch.manual_seed(0)
network = load_model(pretrained("laptop") / "weights.safetensors")

# %% [markdown]
# ## 1. Count
#
# Before anything runs, three numbers of a network are known:
#
# - **multiply-adds**: a convolution computes each number of its output as a sum of
#   $k \cdot k \cdot C_\text{in}$ products, so $H \cdot W \cdot C_\text{out}
#   \cdot k^2 \cdot C_\text{in}$ in all;
# - **weights**, which lie in a file and are read from memory;
# - **activations**: the numbers that the layers put out, which are written and
#   read again.
#
# Papers say "FLOPs" and mean multiply-adds, or twice as many. Say which.
#
# **Predict first.** A 3 x 3 convolution from 3 to 8 channels on a map of 6 x 6
# cells, padded. How many multiply-adds, weights and activations (no biases)?
#
# <details><summary>Answer</summary>
#
# $36 \cdot 8 \cdot 9 \cdot 3 = 7776$, $9 \cdot 3 \cdot 8 = 216$, and $36 \cdot 8
# = 288$.
# </details>

# %% tags=["nbval-check-output"]
layer = nn.Conv2d(3, 8, 3, padding=1, bias=False)
by_hand = sum(1 for y in range(6) for x in range(6) for channel in range(8)
              for product in range(3 * 3 * 3))
small = summarise(layer, input_size=6)
print(f"by hand {by_hand}, by the package {small.multiply_adds}; "
      f"weights {small.parameters}, activations {small.activations}")
print()
print(summarise(network))

# %% [markdown]
# `laptop` takes **94.58** million multiply-adds for a picture. A core that
# does 50 billion a second would need 2 ms. Keep that in mind.
#
# ### Exercise 15.1 ★☆☆ Three numbers of a layer
#
# Write `cost(height, width, kernel, before, after, groups)`: multiply-adds,
# weights and activations of a padded convolution with stride 1, without bias.
# With `groups`, the channels are divided into so many groups that do not see
# each other (`groups == before` is a *depthwise* convolution).
#
# Expected for the layer above, `cost(6, 6, 3, 3, 8, 1)`: `(7776, 216, 288)`.

# %% tags=["exercise"]
def cost(height, width, kernel, before, after, groups):
    """Multiply-adds, weights and activations."""
    # your code here


# %% tags=["solution"]
def cost(height, width, kernel, before, after, groups):
    """Multiply-adds, weights and activations."""
    weights = kernel * kernel * (before // groups) * after
    return height * width * weights, weights, height * width * after


# %% tags=["check"]
check("15.1", cost)

# %% [markdown]
# ## 2. Then measure
#
# Times are fickle. The first call allocates; other programs come and go. So we
# let all candidates **take turns**, and of each keep the fastest round, because
# others can only make it slower. The clock counts what *this* program computes,
# not what it waits (`process_time`). And what we report are **quotients**: on your
# machine every time is another, the quotients much less so.
#
# Here are two layers with the same number of multiply-adds: an ordinary
# convolution on 96 channels, and a depthwise one on 9,216.
#
# **Predict first.** Which is faster, and by how much?
#
# <details><summary>Answer</summary>
#
# The ordinary one, by far. The depthwise layer reads and writes 96 times as many
# numbers, and uses each one only nine times.
# </details>

# %%
from time import process_time

torch.set_num_threads(1)        # one core, here and in all that follows
times = partial(deploy.relative_times, clock=process_time)
dense = nn.Conv2d(96, 96, 3, padding=1, bias=False)
depthwise = nn.Conv2d(9216, 9216, 3, padding=1, bias=False, groups=9216)
with torch.inference_mode():
    seconds = times({
        "ordinary": partial(dense, torch.randn(1, 96, 16, 16)),
        "depthwise": partial(depthwise, torch.randn(1, 9216, 16, 16))}, 10)
for layer in (dense, depthwise):
    c = layer.in_channels
    print(f"{c:4d} channels: {c * c // layer.groups * 9 * 256:,} "
          f"multiply-adds, {c * 256:,} activations")
longer = seconds["depthwise"] / seconds["ordinary"]
print(f"the depthwise one takes {longer:.1f} times as long")

# %% [markdown]
# Counting misleads whole networks, too. These are chapter 11's, with what it
# stored about them (`data/studies/architectures.json`): the same short training
# for all, times of one core.

# %% tags=["hide-input", "nbval-check-output"]
studies = folder().parent / "data" / "studies"
stored, peers, study = (
    json.loads((studies / f"{name}.json").read_text("utf-8"))
    for name in ("architectures", "peers", "deployment"))
rows = {name: stored["networks"][f"{name}, seed 0"] for name in (
    "Hourglass", "CPM", "CPN", "SimpleBaseline", "HRNet", "laptop")}
for name, row in rows.items():
    speed = row["multiply_adds"] / row["milliseconds"] / 1e6
    print(f"{name:14s} {row['multiply_adds'] / 1e6:3.0f} M multiply-adds in "
          f"{row['milliseconds']:4.1f} ms: {speed:4.1f} billion a second")
plots.show_costs(
    rows, "Left, milliseconds over multiply-adds of six networks: no line. "
    "HRNet takes longest with a third of CPM's count. Right, score over "
    "milliseconds: laptop is fastest, Hourglass best; the other four are both "
    "slower and worse than Hourglass.")
plots.show_peers(
    peers, study["engines"]["one core"], study["photos"], "Three plots of "
    "score over milliseconds. Among athletes photos is above BlazePose and to "
    "its left; among the few people of COCO and MPII it is left of it and "
    "below. In 8 bits it moves further left, and not down.")

# %% [markdown]
# Above, on the left, the points would lie on a line if the count were all. HRNet gets
# **5.8** billion multiply-adds done in a second, CPM **33.0** on the same core:
# the one has many small layers at four resolutions, the other a few large ones.
# On the right is the picture to decide by: up is better, left is cheaper, and
# whoever has somebody up and to the left of them has no case. Two networks are
# left, `laptop` and Hourglass. (For this budget and this size of picture.)
#
# The lower row is such a picture of photographs, with **BlazePose**, which Google's
# MediaPipe runs on phones, in its three sizes. Circles and the diamond are one
# network of ours on three engines (sections 5 and 6): only the time changes.
# Before you read a winner from it, see what is *not* equal:
#
# - **the people**: `photos` learned from athletes of the same collection as the
#   first plot's. BlazePose learned from all kinds of people, and is ahead in the
#   other two, where the lines (intervals) are long because people are few;
# - **the box**: all are given the same one, but BlazePose's own detector may frame
#   and turn the person anew. Its time is counted in; a film pays it rarely;
# - **the pixels**: 256 x 256 for BlazePose, 128 x 128 for `photos`, 64 x 64 for the
#   other two. And `laptop` has never seen a photograph.
#
# ## 3. The roofline
#
# Why was the depthwise layer slow? A processor has two speeds: how many
# multiply-adds it does in a second, its **peak**, and how many bytes it moves, its
# **bandwidth**. A layer with $a$ multiply-adds that moves $b$ bytes takes at least
# $\max(a / \text{peak},\ b / \text{bandwidth})$. So its speed is at most
#
# $$\min\left(\text{peak},\ \frac{a}{b} \cdot \text{bandwidth}\right)$$
#
# where $a / b$, multiply-adds per byte, is its **intensity**. Drawn over the
# intensity this is a slope and then a flat roof (Williams, Waterman, Patterson,
# 2009). Four layers, in 32 bits (4 bytes a number):

# %% tags=["nbval-check-output"]
LAYERS = {
    "convolution 3x3": (nn.Conv2d(96, 96, 3, padding=1), (1, 96, 32, 32)),
    "depthwise 3x3": (nn.Conv2d(96, 96, 3, padding=1, groups=96),
                      (1, 96, 32, 32)),
    "fully connected, 1 picture": (nn.Linear(2048, 1024), (1, 2048)),
    "fully connected, 64 pictures": (nn.Linear(2048, 1024), (64, 2048)),
}
intensity = {}
for name, (layer, shape) in LAYERS.items():
    x = torch.randn(shape)
    y = layer(x)
    macs = y.numel() * layer.weight[0].numel()
    moved = 4 * (x.numel() + y.numel() + layer.weight.numel())
    intensity[name] = macs / moved
    print(f"{name:29s} {macs / 1e6:6.1f} M multiply-adds, "
          f"{moved / 1e6:5.2f} MB, {macs / moved:6.2f} per byte")

# %%
square, big = torch.randn(384, 384), torch.randn(8_000_000)
into = torch.empty_like(big)
with torch.inference_mode():
    runs = {name: partial(layer, torch.randn(shape))
            for name, (layer, shape) in LAYERS.items()}
    seconds = times({**runs, "peak": lambda: square @ square,
                     "bandwidth": lambda: into.copy_(big)}, rounds=10)
peak, bandwidth = 384 ** 3 / seconds["peak"], 64e6 / seconds["bandwidth"]
points = {}
for name, (layer, shape) in LAYERS.items():
    macs = layer(torch.randn(shape)).numel() * layer.weight[0].numel()
    points[name] = (intensity[name], macs / seconds[name])
plots.show_roofline(
    peak, bandwidth, points, "A slope that becomes a flat roof. The "
    "convolution stands far right near the roof; the fully connected layer "
    "for one picture far left, deep down, near the slope; for 64 pictures it "
    "is far higher.")

# %% [markdown]
# The corner of the roof is your machine's: left of it memory decides, right of it
# arithmetic. (The roof is a sketch. A layer whose numbers fit into the cache may
# stand above the slope, and a convolution above the flat part, if it is computed
# with fewer multiplications than we count.) The convolution is on the right. The fully connected layer, as in the
# document's PoseNet, has **0.25** multiply-adds per byte: every weight is fetched
# and used once. With 64 pictures at a time it is used 64 times.
#
# That is why servers collect pictures into **batches**, and why a camera, which
# has one picture and wants the answer now, gains little from a fast processor.
#
# ### Exercise 15.2 ★★☆ What limits a layer?
#
# Write `bound(macs, moved, peak, bandwidth)`: the least seconds it can take, and
# `"arithmetic"` or `"memory"`, whichever decides.
#
# Expected for `bound(4e9, 1e9, 40e9, 20e9)`: `(0.1, "arithmetic")`.

# %% tags=["exercise"]
def bound(macs, moved, peak, bandwidth):
    """The least seconds, and what decides."""
    # your code here


# %% tags=["solution"]
def bound(macs, moved, peak, bandwidth):
    """The least seconds, and what decides."""
    work, traffic = macs / peak, moved / bandwidth
    return max(work, traffic), "arithmetic" if work > traffic else "memory"


# %% tags=["check"]
check("15.2", bound)

# %% [markdown]
# ## 4. The same network, asked otherwise
#
# What can be had without touching the weights? More pictures at a time, another
# order of the numbers in memory (*channels last*: the channels of a pixel side by
# side).

# %%
def asked(count, **how):
    """A function that looks at `count` pictures."""
    images = torch.randn(count, 3, 64, 64).to(**how)
    copy = load_model(pretrained("laptop") / "weights.safetensors").to(**how)
    return partial(copy, images)


ways = {
    "1 picture": (1, asked(1)),
    "8 pictures": (8, asked(8)),
    "1, channels last": (1, asked(1, memory_format=torch.channels_last)),
    "8, channels last": (8, asked(8, memory_format=torch.channels_last)),
}
with torch.inference_mode():
    seconds = times({n: f for n, (_, f) in ways.items()}, 5, 1)
for name, (count, _) in ways.items():
    longer = seconds[name] / seconds["1 picture"]
    print(f"{name:17s} {count / longer:5.2f} times as many pictures a second, "
          f"the answer after {longer:5.2f} times as long")

# %% [markdown]
# A batch raises the **throughput** and worsens the **latency**: the first picture
# of eight waits for the last. Two more ways are not run here. 16 bits (bfloat16) pay
# on processors that have instructions for them; others imitate them, many times
# slower. `torch.compile` writes a program for your network: it needs a C++
# compiler, and takes its time before the first picture.
#
# ## 5. Out of PyTorch
#
# PyTorch is made for changing networks. One that will not change any more can be
# written down as a **graph**: these layers, in this order, with these weights.
# ONNX is a format for that, and many programs run it. `export_onnx` writes one
# file, and compares its answers with the network's before it keeps it.

# %%
work = Path(tempfile.mkdtemp())
exported = deploy.export_onnx(network, work / "laptop.onnx")
print(f"{exported.path.name}: {exported.path.stat().st_size / 1e6:.1f} MB, "
      f"differs by {exported.difference:.0e} at most")
test = crop_in_memory(SyntheticPeople(100, size=64, split="test"), 64, 1.0, 1)
images = deploy.calibration_images(test, (64, 64), 4)
engines = {"PyTorch": network}
for runtime in deploy.RUNTIMES:
    engines[runtime] = deploy.load_exported(exported.path, runtime)
with torch.inference_mode():
    answers = {name: engine(images)[-1] for name, engine in engines.items()}
for name, maps in answers.items():
    off = (maps - answers["PyTorch"]).abs().max()
    print(f"{name:8s} heatmaps {tuple(maps.shape)}, off by {off:.0e}")

# %% [markdown]
# onnxruntime and OpenCV (`cv2.dnn`) agree with PyTorch to six digits or more. The
# file has no batch normalisation left: at the end of training it is a fixed
# scale and shift per channel, and the exporter has multiplied it into the
# convolution before.
#
# **A graph is not enough.** It begins with a normalised crop and ends with
# heatmaps. How was the crop cut? Which colours, which mean? Which map is which
# joint, and where is pixel 0? Ask anyone who has put somebody else's network to
# work: it runs at once, and is wrong for a week. So all this travels *in* the
# file.
#
# Is it really enough? Here is a stranger's program. It has never heard of
# `posecourse`: NumPy, onnxruntime, the file, and a picture of 64 x 64 pixels.

# %%
from textwrap import shorten

import onnxruntime

session = onnxruntime.InferenceSession(work / "laptop.onnx")
theirs = json.loads(session.get_modelmeta().custom_metadata_map["posecourse"])
for key in ("input_size", "mean", "codec", "crop"):
    print(f"{key:10s} {shorten(str(theirs[key]), 67)}")
picture = test.crops[7]                                      # (64, 64, 3)
colours = (picture / 255 - theirs["mean"]) / theirs["std"]
(maps,) = session.run(None, {"images": colours.transpose(2, 0, 1)[None]
                             .astype(np.float32)})
rows, columns = maps.shape[2:]
top = maps[0].reshape(len(maps[0]), -1).argmax(1)            # the largest cell
stride = theirs["input_size"][0] / columns
cells = np.stack([top % columns, top // columns], 1)
found = (cells + 0.5) * stride - 0.5                         # pixels
show_people([picture, picture], [found, test.keypoints[7]], columns=2,
            size=2.6, titles=["the stranger's program", "the label"],
            alt="One drawn person twice, with nearly the same skeleton.")

# %% [markdown]
# ## 6. Eight bits
#
# A weight takes 32 bits. Does it need them? With 8 bits there are 256 values.
# **Quantisation** lays 256 equal steps over a range, and stores the number of the
# step:
#
# $$q = \operatorname{round}(x / s) + z, \qquad x \approx s\,(q - z),$$
#
# with the **step** $s$ and the **zero point** $z$, the code of 0. Zero must have a
# code of its own, because padding and ReLU make zeros that mean *nothing*.

# %% tags=["nbval-check-output"]
values = np.array([-0.4, 0.0, 0.31, 1.2])
low, high = values.min(), values.max()
step = (high - low) / 255
zero = round(-low / step)
codes = np.round(values / step) + zero
back = step * (codes - zero)
print(f"step {step:.5f}, half of it {step / 2:.5f}, zero point {zero}")
for x, q, again in zip(values, codes, back):
    print(f"{x:6.2f} -> {q:4.0f} -> {again:8.5f}  off by {abs(again - x):.5f}")

# %% [markdown]
# Nothing is off by more than half a step, **0.00314**. And whole numbers of 8
# bits are a quarter of the bytes, and four times as many of them go through the
# processor at once.
#
# ### Exercise 15.3 ★★☆ Quantise
#
# Write `quantise(values, low, high)`: the codes as `uint8`, the step and the zero
# point, for the range from `low` to `high`. What lies outside gets the nearest
# code. If 0 is not in the range, stretch the range to it first.
#
# Expected for the values above with their range: codes `[0, 64, 113, 255]`, step
# `0.00627`, zero point `64`.

# %% tags=["exercise"]
def quantise(values, low, high):
    """Codes (uint8), step and zero point."""
    # your code here


# %% tags=["solution"]
def quantise(values, low, high):
    """Codes (uint8), step and zero point."""
    low, high = min(low, 0), max(high, 0)
    step = (high - low) / 255
    zero = round(-low / step)
    codes = np.round(values / step) + zero
    return np.clip(codes, 0, 255).astype(np.uint8), step, zero


# %% tags=["check"]
check("15.3", quantise)

# %% [markdown]
# **Weights** are known: their range can be read off. Channels differ, though, and
# a channel of small weights on the range of a large one has few steps left. So
# each output channel gets a step of its own (*per channel*).
#
# **Activations** are known only when pictures come. So one shows the network some
# pictures first and notes the range of every layer: **calibration**. Below are the
# activations of one layer, for eight people. Move the end of the range.

# %%
kept = {}
handle = network.down[0].register_forward_hook(
    lambda module, given, output: kept.update(output=output))
with torch.inference_mode():
    network(deploy.calibration_images(test, (64, 64), 8))
handle.remove()
activations = kept["output"].flatten().numpy()[::7]
weights = network.down[0][0].first[0].weight.detach().abs().amax((1, 2, 3))
print(f"largest weight of a channel: {weights.min():.2f} to "
      f"{weights.max():.2f}")
largest = float(activations.max())
explore(partial(plots.draw_ranges, activations), "Left, how often each "
        "activation occurs, with a range that ends at {top:.1f}; right, the "
        "error over the end of the range: it falls steeply, has a lowest "
        "place and rises slowly.",
        top=(round(largest / 20, 2), round(2 * largest, 2), round(largest, 2)))

# %% [markdown]
# Too short a range cuts off what is large, and that is dear. Too long a one makes
# the steps coarse, and that is cheap: the range from zero to the largest value
# seen is a good first choice. But *seen where*?
#
# **Predict first.** Somebody has no pictures at hand and calibrates on random
# numbers from 0 to 1. What happens to 87 % of joints found? And on black pictures?
#
# <details><summary>Answer</summary>
#
# See the table: a quarter of the joints is lost on random numbers, and on black
# pictures nearly all of them. Nothing warns: the file is as small and as fast as
# the good one.
# </details>

# %%
from posecourse.evaluation import evaluate

people = crop_in_memory(SyntheticPeople(60, size=64), 64, 1.0, 1)
eight = deploy.quantise(exported.path, people, work / "laptop-int8.onnx")
fast = deploy.load_exported(eight.path)
before, after = (evaluate(n, test).score for n in (network, fast))
share = eight.path.stat().st_size / exported.path.stat().st_size
one = deploy.calibration_images(test, (64, 64), 1)
with torch.inference_mode():
    seconds = times(
        {"32": partial(engines["onnx"], one), "8": partial(fast, one),
         "torch": partial(network, one)}, rounds=20)
print(f"{100 * share:.0f} % of the bytes, "
      f"{seconds['32'] / seconds['8']:.1f} times as fast as onnxruntime in 32 "
      f"bits, {seconds['torch'] / seconds['8']:.1f} times as fast as PyTorch")
print(f"PCKh@0.5 of {len(test)} people: {before:.1f} before, "
      f"{after:.1f} after")

# %% tags=["hide-input", "nbval-check-output"]
def engines_table(network, rows, score):
    base = rows["PyTorch"]["milliseconds"]
    return table(
        [(name, row["bytes"] and row["bytes"] / 1e6,
          base / row["milliseconds"], row["pckh"][0],
          f"{row['pckh'][1]:.1f} to {row['pckh'][2]:.1f}")
         for name, row in rows.items()],
        (f"{network} in", "MB", "times PyTorch's speed", score,
         "interval"))


display(engines_table("laptop", study["runtimes"], "PCKh@0.5"))
engines_table("photos", study["photos"], "PCK@0.2")

# %% [markdown]
# Read the first from the top: `laptop`, shown 200 drawn people. The engine alone, with the same 32 bits, makes the network
# faster: it has joined layers, and it knows beforehand what comes. Eight bits make
# it faster again, at a quarter of the bytes, and cost half a point: **86.7**
# instead of **87.1**.
#
# - **Signed** activations, from -128 to 127: the same file, the same score, and most
#   of the speed is gone. Processors of Intel and AMD have an instruction for
#   unsigned times signed bytes, not for signed times signed.
# - **Ranges of black** pictures: **8.0**, less than the mean pose gets. Hardly
#   anything fires at black, so what a person excites is cut off.
# - **Ranges of 0 to 1**: **66.8**. Normalised colours go from -2 to 2.6; what is
#   negative was never seen. The famous mistake.
# - **Ranges of noise** with the mean and the deviation of pictures lose little. What
#   counts is the range, not the look.
#
# The second is `photos`, shown 1,000 photographs of athletes. It loses nothing
# (**61.7** before, **61.8** after), at **3.7** instead of **12.5** MB. But **one range
# a layer**, which did no harm to `laptop`, costs it two points, **59.5**. `photos` is
# made of depthwise layers, in which each channel has a few weights of its own, and
# they differ so much that a common step is too coarse for some.
#
# ## 7. A budget for 25 pictures a second
#
# A camera gives a picture every 40 ms. Our network needs a box, and in a film the
# last pose gives one. Only now and then must somebody be *searched* for: by the
# detector of [chapter 12](12_multi_person.ipynb), which looks at the whole
# picture. And a program does more than look: it reads, draws and writes. Here is a
# film of 640 x 480 pixels, from file to file.

# %%
from posecourse.datasets import SyntheticMotion
from posecourse.inference import Predictor, VideoWriter
from posecourse.people import CenterDetector, PosePipeline

film = SyntheticMotion("walk", 0.8, 10, size=240, difficulty="easy", seed=3)
frames = [np.kron(np.pad(film.read_image(person), ((0, 0), (40, 40), (0, 0))),
                  np.ones((2, 2, 1), np.uint8)) for person in film]
with VideoWriter(work / "film", 10) as writer:
    for frame in 3 * frames:
        writer.write(frame)
predictor = Predictor(fast, "cpu")
pipeline = PosePipeline(CenterDetector.load(device="cpu"), predictor)


def follow(every):
    """From file to file, with a detector in every n-th picture."""
    drawn = []
    with VideoWriter(work / "drawn", 10) as out:
        for image, found in pipeline.video(writer.path, every):
            drawn.append(found.draw(image))
            out.write(drawn[-1])
    return drawn


# %%
drawn = follow(10)
animate(lambda i: drawn[i][::2, ::2], range(len(frames)),
        "A drawn person who walks, with a skeleton that goes along.", fps=10)
seconds = times({n: partial(follow, n) for n in (1, len(drawn))}, 2, 0)
often, once = seconds.values()
detect = (often - once) / (len(drawn) - 1)      # all that differs
follow_one = (once - detect) / len(drawn)
print(f"following {1000 * follow_one:.1f} ms a picture, detecting "
      f"{1000 * detect:.1f} ms more")
plots.show_budget(
    follow_one, follow_one + detect, (1, 2, 10, 30), "Four bar charts of 30 "
    "frames' times. With a detector in every frame all bars are high; in "
    "every tenth, most are low; the dashed mean falls from chart to chart.")

# %% [markdown]
# These are times of *one* core, of everything: reading, looking, drawing, writing.
# To detect in every frame costs more than all the rest. In every tenth, the mean is
# close to that of following alone, and 25 pictures a second are there with room to
# spare. But see the high bars: a *mean* of 40 ms is no promise that no frame takes
# longer. People see the late one.
#
# ### Exercise 15.4 ★★★ How often may we search?
#
# Write `search_every(look, search, rate)`: the smallest n such that, with a search
# in every n-th frame and a look in the others (both in milliseconds), the mean
# allows `rate` frames a second. 0 if there is no such n.
#
# Expected: `search_every(10, 210, 25)` is `7`; `search_every(45, 50, 25)` is `0`.

# %% tags=["exercise"]
def search_every(look, search, rate):
    """The smallest n; 0 if there is none."""
    # your code here


# %% tags=["solution"]
def search_every(look, search, rate):
    """The smallest n; 0 if there is none."""
    budget = 1000 / rate
    if search <= budget:
        return 1
    if look >= budget:
        return 0
    # search + (n - 1) look <= n budget
    return int(np.ceil((search - look) / (budget - look) - 1e-9))


# %% tags=["check"]
check("15.4", search_every)

# %% [markdown] document="3.3 labels"
# ## 8. In a web page
#
# A browser can run ONNX, too. With
#
# ```
# posecourse export laptop --int8 --page
# ```
#
# you get `laptop.onnx`, `laptop-int8.onnx` and `laptop.html`: one file of some 8
# MB with network and engine inside. Open it, also without a network connection,
# and let it use your camera or a photograph. **Nothing leaves your computer**:
# the page carries a rule by which the browser refuses it every connection.
# (Chapter 16 says why that matters.) `posecourse predict me.jpg --run
# laptop-int8.onnx` uses the same file on the command line.
#
# ![The page in a browser: two buttons, one for the camera and one for a photograph, and a drawn person with a skeleton](figures/15_page.webp)
#
# ## 9. Smaller still, and taught by a large one
#
# A phone has an accelerator for 8 bits and a few watts; the memory is no
# problem, the battery and the heat are. A **microcontroller** has no operating
# system and a tiny memory: there, weights lie in flash, and the *largest moment*
# of the activations must fit in RAM. A large one has 2,000 kB of the one and 1,000
# kB of the other, a usual one 1,000 and 256. In 8 bits, `laptop` is by a hair too
# large for the large one. Its weights are the problem, not its maps. (Skip
# connections must be kept meanwhile, which this count leaves out.)
#
# With a third of the channels, weights and multiply-adds are a ninth. But what does
# so small a network still find? It depends on who teaches it. Everybody gets 600
# steps of 16 pictures; what differs is the target:
#
# - **labels**: 2,000 people and where their joints are, as always;
# - **teacher, no labels**: the same 2,000 pictures. Nobody says where the joints
#   are: `laptop` looks at each picture too, and its heatmaps are the target. This
#   is **distillation**;
# - **labels and teacher**: half of each. (The mean of two squared errors has the
#   same gradient as the squared error to the mean of both targets.)
# - **few labels**: 50 people, and no teacher.
#
# **Predict first.** Put the four in an order.
#
# <details><summary>Answer</summary>
#
# Three are alike, and 50 labels are behind. The teacher's maps are as good as
# labels, and cost nobody an afternoon with a mouse.
# </details>

# %% tags=["hide-input", "nbval-check-output"]
from itertools import pairwise

part, rows = study["distillation"], []
for name, model in (("laptop", network),
                    ("the small one", build("laptop", width=8))):
    cost_of = summarise(model)
    sizes = [int(np.prod(layer.shape)) for layer in cost_of.layers]
    moment = max(a + b for a, b in pairwise(sizes))
    rows.append((name, cost_of.parameters / 1e3, moment / 1e3,
                 cost_of.multiply_adds / 1e6))
display(table(rows, ("in 8 bits", "weights, kB", "largest moment, kB",
                     "multiply-adds, million"), digits=0))
print(f"PCKh@0.5: the teacher {part['teacher'][0]:.1f}, "
      f"the mean pose {part['mean pose'][0]:.1f}")
display(table(
    [(arm, *(part["runs"][f"{arm}, seed {seed}"][0] for seed in (0, 1)),
      part["gains"][arm][0], "{1:.1f} to {2:.1f}".format(*part["gains"][arm]))
     for arm in part["arms"]],
    ("PCKh@0.5 with", "seed 0", "seed 1", "against labels", "interval")))
plots.show_pupils(
    part, "Bars of what the small network finds, by its target: about the "
    "same for labels, labels and teacher, and the teacher alone; less for few "
    "labels. The teacher itself is far to the right.")

# %% [markdown] document="3.3 robust"
# Without a single label the small network finds as much as with 2,000: the
# difference, **0.4** points, has 0 in its interval. Half of each is no better,
# either (**0.1**). But with 50 labels it loses **6.7** points. So the labels, which
# the document (3.3) calls dear, are needed once, for the large network; from then
# on, pictures are enough. What the teacher gets wrong, its pupil learns, too, so
# show it people of a kind that it knows.
#
# And 600 steps are few: the teacher had 16,000 and finds **87.6**. Others report
# that after a full training a teacher *beside* the labels helps as well (Zhang, Zhu,
# Ye, 2019). So short a one does not show it.
#
# ## 10. What a network bears
#
# Now the document's other limit. We make **one thing** worse, step by step: here on
# one picture, choose what; below on 150 drawn people for `laptop` and 150
# photographs for `photos`, from the stored study.
#
# **Predict first.** The document names unusual poses, extreme views and missing
# parts. Which of the three costs `laptop` most?
#
# <details><summary>Answer</summary>
#
# The view: training saw people from at most 22 degrees above. Odd poses cost
# least, because limbs look like limbs.
# </details>

# %%
def joints_of(picture):
    """The pose of whoever fills a picture."""
    return predictor(picture)[0].keypoints


explore(partial(plots.draw_damage, joints_of, test.crops[7]), "A drawn "
        "person, and the same picture damaged ({damage}, step {step:.0f} of "
        "5), each with the pose that the network finds.",
        damage=list(deploy.CORRUPTIONS), step=(1, 5, 3, 1))

# %% tags=["hide-input", "nbval-check-output"]
parts = {"drawn people": study["robustness"],
         "photographs": study["photographs"]}
for name, part in parts.items():
    print(f"{name}: undamaged {part['undamaged'][0]:.1f}, "
          f"the mean pose {part['mean pose'][0]:.1f}")
for name, rows in study["robustness"].items():
    if name not in ("undamaged", "mean pose"):
        print(f"{name:12s}", *(f"{row[0]:5g}: {row[1]:4.1f}" for row in rows))
plots.show_robustness(
    parts, "Eleven plots of scores that fall as damage grows, of drawn people "
    "and photographs, over dotted lines for the mean pose. Darkness falls "
    "below its line; unusual poses hardly fall at all.")

# %% [markdown]
# - **Extreme views**: from 80 degrees above **30.0**, where **86.3** are found from
#   eye level. A view that was never in training is the worst of the three.
# - **Missing parts**: with a square of 45 % of the side in front, **57.9**; cut off
#   at the hips, **58.8**. Hidden joints are guessed from the others.
# - **Unusual poses**: three times the usual spread costs eight points, **79.3**.
# - **Turned**: half is lost at 90 degrees, **49.4**, and no more after that. One in
#   twenty of the training people was turned by any angle: that little is probably
#   what keeps half. Augmentation is the cheapest cure there is.
# - **Dark**: four times darker costs 16 points; sixteen times darker, the network
#   is worse than the mean pose. Yet the picture is still there: brighten it
#   before the network sees it, and see how much comes back. Some damage is
#   cured before the network.
# - **Blur, noise, JPEG, few pixels** come together in a real camera, and add up.
#
# ## Quiz

# %%
quiz("15")

# %% [markdown]
# ## Summary
#
# - Multiply-adds, weights and activations can be counted. Time must be measured,
#   side by side, on the machine in question.
# - A layer is limited by arithmetic or by memory; its multiply-adds per byte
#   decide. Batches help throughput, not latency.
# - An exported graph needs notes: crop, colours, decoder, joints. Compare it with
#   the network before you trust it.
# - 8 bits: a quarter of the bytes, several times the speed, next to no loss, if
#   calibrated on pictures of what will come.
# - In a film, detect rarely and look every time; then watch the slowest frame.
# - A small network can learn from a large one, on pictures that nobody labelled.
# - A network bears what it has seen in training. Measure each damage by itself.
#
# ## Common mistakes
#
# | what goes wrong | why |
# |---|---|
# | the first picture takes ten times as long | it allocates and compiles; warm up before you measure |
# | twice as fast today, the same code | another program has ended; measure in turns and give quotients |
# | right in Python, wrong on the device | BGR for RGB, another crop, half a pixel; compare the *input* tensors first |
# | 8 bits are slower than 32 | signed activations on a processor without instructions for them, or an engine that turns back to 32 bits between the layers |
# | 8 bits find nobody | calibrated on the wrong pictures |
# | two files, `.onnx` and `.onnx.data`, and one is lost | export with the weights inside |
#
# ## Further reading
#
# - Williams, Waterman, Patterson: *Roofline* (2009). Six pages that explain most
#   surprises of speed.
# - Jacob et al.: *Quantization and Training of Neural Networks for Efficient
#   Integer-Arithmetic-Only Inference* (2018). Where step and zero point come from.
# - Jiang et al.: *RTMPose* (2023). How a pose network is made for deployment;
#   read its tables of latency.
# - Hinton, Vinyals, Dean: *Distilling the Knowledge in a Neural Network* (2015);
#   Zhang, Zhu, Ye: *Fast Human Pose Estimation* (2019), the same for heatmaps.
# - Hendrycks, Dietterich: *Benchmarking Neural Network Robustness to Common
#   Corruptions and Perturbations* (2019). The idea of section 10.
