# %% [markdown] document="3.2 step 4"
# # 8. Training
#
# **Train a pose network for real: the loop, its speed, its curves and how to
# pick it up again.**
#
# ![Six drawn people with the skeletons that a network draws on them while it learns. At step 0 the joints lie anywhere; then they gather in the middle; after a few hundred steps heads, trunks and legs are in place, at the end most arms, too.](figures/08_opening.gif)
#
# Six people whom the network never trains on, and what it makes of them in
# its first 1,000 steps. By the end of this chapter you will have written the
# loop behind these pictures.
#
# | | |
# |---|---|
# | **You will learn** | the training loop, from ten lines to the package's; to read a loss; learning rates, warm-up, cosine; averaged weights; 16 bits; checkpoints that resume exactly; overfitting; the same run on GPUs and on MPII |
# | **You need** | [chapter 4](04_losses.ipynb) (heatmap MSE, gradient descent), [chapter 7](07_posenet.ipynb) (a network), a little PyTorch |
# | **Time** | 80 min to read, 45 min to do |
# | **Runs in** | 100 s on two CPU cores |
#
# This is step 4 of the document's recipe (3.2): show the network pictures and
# target heatmaps, propagate the error back through it, and adjust its weights
# until what it draws is close to the truth. That is a loop of ten lines. Then
# things start to go wrong, one after another. Each problem has a cure, and each
# cure adds a few lines. What you have at the end is the loop of
# `posecourse train`, and you will have built it yourself.

# %% tags=["setup"]
import tempfile
from copy import deepcopy
from dataclasses import replace

import matplotlib.pyplot as plt
import numpy as np
import torch

from posecourse import evaluation, losses, models, training
from posecourse.authoring.chapters import require
from posecourse.datasets import SyntheticPeople, crop_in_memory
from posecourse.exercises import check, hint, quiz
from posecourse.models.pretrained import pretrained
from posecourse.training.settings import TrainConfig, config_for
from posecourse.transforms import make_batch
from posecourse.visualization import (animate, show_people, training_curves,
                                      use_style)
from posecourse.visualization.steps import show_range_test, show_steps
from posecourse.visualization.tables import table
from posecourse.visualization.widgets import explore

require("0.1")
use_style()
torch.manual_seed(0)
torch.set_num_threads(1)   # the same sums on every machine

# %% [markdown]
# ## 1. Ten lines
#
# Three things from earlier chapters are all we need.
#
# - **People**, cut out and ready: a `CropDataset` ([chapter 6](06_data.ipynb))
#   with 1,024 people to learn from and 256 others to judge by. Their pictures
#   are small, 48 x 48 pixels, so that a step takes a fraction of a second.
# - **A network**: `laptop`, half as wide as the course's default. It draws 16
#   heatmaps of 24 x 24 cells.
# - **A loss**: the document's heatmap MSE (4.2), summed over the cells. Its
#   `weights` are 1 for labelled joints and 0 for the others.
#
# Then comes the loop: the same sixteen people, again and again. `AdamW` is
# gradient descent that finds a step size for each weight (section 5). The W
# stands for **weight decay**: each step also pulls the weights a little
# towards zero.

# %%
def people(split, count):
    """Drawn people with a margin of a quarter, to turn and shift them."""
    drawn = SyntheticPeople(count, size=60, margin=1.25, split=split)
    return crop_in_memory(drawn, 60, margin=1.25, workers=1)


def cut(store, who, **changes):
    """A batch: normalised pictures (N, 3, 48, 48) and their joints."""
    who = np.asarray(who)
    return make_batch(store.read(who), store.keypoints[who],
                      store.visible[who], store.head_size[who],
                      store.window, 48, **changes)


def network():
    """A new network; always the same random weights."""
    torch.manual_seed(0)
    return models.build("laptop", input_size=48, width=12)


train_store, valid_store = people("train", 1024), people("valid", 256)
valid = cut(valid_store, range(128))       # to judge by

# %% tags=["nbval-check-output"]
net, batch = network(), cut(train_store, range(16))
target, weights = net.codec.encode(batch.keypoints, batch.visible)
optimiser = torch.optim.AdamW(net.parameters(), lr=0.01)

history, seen = [], {}
stranger = cut(valid_store, [30]).images               # not in the batch
for step in range(121):
    maps = net(batch.images)[-1]                       # forward
    loss = losses.heatmap_mse(maps, target, weights)   # compare
    optimiser.zero_grad()                              # forget the last step
    loss.backward()                                    # whose fault was it?
    optimiser.step()                                   # a bit less of it
    history.append(loss.item())
    if step % 10 == 0:
        with torch.no_grad():
            other = net.eval()(stranger)[-1][0]
        seen[step] = maps[9].detach().amax(0), other.amax(0)
        net.train()

print(f"loss {history[0]:.0f} at the start, {history[-1]:.0f} at the end")

# %% tags=["hide-input"]
pictures = (train_store.crops[9][6:54, 6:54],
            valid_store.crops[30][6:54, 6:54])


def draw(step):
    made, axes = plt.subplots(1, 4, figsize=(8, 2.6))
    for axis in axes:
        axis.set_axis_off()
    for i, title in enumerate(("one of the sixteen", "a stranger")):
        axes[2 * i].imshow(pictures[i])
        axes[2 * i].set_title(title)
        axes[2 * i + 1].imshow(seen[step][i].numpy(), "inferno", vmin=0,
                               vmax=0.8)
    made.suptitle(f"step {step}")
    return made


animate(draw, [120, *seen, 120, 120], fps=4, alt="Two people, each beside "
        "all heatmaps of the network laid over one another, during 120 steps. "
        "For a person of the batch they begin black, then comes a faint haze, "
        "then blobs on head and trunk, at last a bright spot on every joint. "
        "For a person who is not in the batch the spots stay pale and few.")

# %% [markdown]
# Beside each person, all 16 heatmaps laid over one another while the network
# learns. For one of the sixteen they begin black; then comes a haze where people
# usually are, then blobs on the head and trunk, which are easy, and at last spots
# on knees, ankles and raised hands. For somebody it has never seen the spots stay
# pale, and many are missing.
#
# Always do this first. A network that cannot learn one batch by heart has a
# bug, and no amount of data will fix a bug. But as the stranger's maps show,
# learning by heart is all that it is.
#
# ## 2. Epochs
#
# What is missing is other people. So we shuffle everybody, walk through them
# in batches of 16, and shuffle again. One such walk is an **epoch**. The rest
# stays as it was, with two additions: the learning rate comes from outside, one
# for each step, and now and then somebody may `watch`. `validate` asks what
# really counts: the loss on people who are **not** in the training set.
#
# **Predict first.** Two networks train for 160 steps each. One has 128 people
# (20 epochs), the other 1,024 (two and a half epochs). Which one has the
# smaller training loss at the end? Which one is better on other people?
#
# <details><summary>Answer</summary>
#
# The one with 128 people has the smaller training loss: it meets each of them
# twenty times and learns them by heart. The one with 1,024 is better on other
# people. That is the only comparison that counts.
# </details>

# %%
def run(net, rates, count=1024, watch=None, every=1):
    """Train: one step per rate, on the first `count` people."""
    optimiser = torch.optim.AdamW(net.parameters())
    shuffle = torch.Generator().manual_seed(0)
    history = []
    for step, rate in enumerate(rates):
        place = step % (count // 16)
        if place == 0:                                 # a new epoch
            order = torch.randperm(count, generator=shuffle)
        batch = cut(train_store, order[16 * place:][:16])
        target, weights = net.codec.encode(batch.keypoints, batch.visible)
        loss = losses.heatmap_mse(net(batch.images)[-1], target, weights)
        optimiser.param_groups[0]["lr"] = rate
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        history.append(loss.item())
        if watch is not None and (step + 1) % every == 0:
            watch(step + 1, net)
    return history

# %% tags=["nbval-check-output"]
valid_target = network().codec.encode(valid.keypoints, valid.visible)
EMPTY = losses.heatmap_mse(0 * valid_target[0], *valid_target).item()


def validate(net):
    """The loss on 128 people that it does not learn from."""
    with torch.no_grad():          # eval: BatchNorm's running averages
        maps = net.eval()(valid.images)[-1]
    net.train()
    return losses.heatmap_mse(maps, *valid_target).item()


runs = {}
for count in (128, 1024):
    checks = []
    history = run(network(), [0.004] * 160, count, every=16, watch=lambda
                  step, net: checks.append((step, validate(net))))
    runs[f"{count:,} people"] = (
        {"training, each batch": history, "validation": checks,
         "empty maps": EMPTY}, {"ylim": (0, 8.5), "ylabel": "loss"})
    gap = abs(checks[-1][1] - np.mean(history[-16:]))
    print(f"{count:5,} people: validation {gap:.0f} above training loss")
show_steps(runs, sharey=True, alt="Two panels over 160 steps. 128 people: the "
           "training loss falls on and on, the validation loss stays at 4.3. "
           "1,024 people: both fall together to 3.6. A line at 7: empty maps.")

# %% [markdown]
# The dotted line is the loss of **empty maps**, that is, of a network that draws
# nothing.
#
# On the left, the training loss keeps falling, long after the validation loss
# has stopped. The network is learning its 128 people by heart: **overfitting**.
# On the right, nobody is seen more than three times, and both curves go down
# together. This network would still gain from more steps: **underfitting**.
# What to do about it:
#
# | training loss | validation loss | it is called | cure |
# |---|---|---|---|
# | low | much higher, no longer falling | overfitting | more people; change them at random (augmentation, chapter 6); weight decay; fewer epochs |
# | high | about the same | underfitting | more steps; a better rate; a larger network; less augmentation |
# | at the empty maps' | at the empty maps' | not learning | sections 3 and 4 |
# | low | low, but PCKh low | a bug | the labels, the decoder, left and right |
#
# Three things are still wrong with this loop. The blue curve is jagged, because
# the last step is as large as the first. We typed 0.004 without a reason. And
# if the computer stops, everything is gone. We will deal with them one by one,
# but first comes a warning.
#
# ## 3. Is that a good loss?
#
# The next network differs in one thing: its last layer starts the way PyTorch
# starts every layer, not near zero as ours does.

# %% tags=["nbval-check-output"]
loud, checks = network(), []
loud.head.reset_parameters()
typical = evaluation.mean_pose_of(train_store, (48, 48))
history = run(loud, [0.01] * 48, every=12, watch=lambda step, net:
              checks.append(evaluation.validation_metrics(
                  net, valid_store, typical)))
scores, lazy = [c["score"] for c in checks], checks[0]["mean_pose"]
gone = 100 * (1 - np.mean(history[-4:]) / history[0])
print(f"{5 * (gone // 5):.0f} % of the loss or more is gone; empty maps have "
      f"{EMPTY:.1f}")
show_steps({
    "loss": ({"training": history, "empty maps": EMPTY}, {"yscale": "log"}),
    "PCKh@0.5, %": ({"network": list(zip((12, 24, 36, 48), scores)),
                     "mean pose": lazy}, {"ylim": (0, 25)})},
    alt="Left, on a logarithmic axis, the loss falls from almost 300 to 7 and "
    "rests on the line of empty maps. Right, PCKh stays below 7 percent, far "
    "under the line of the mean pose at 16.")

# %% [markdown]
# It looks like a splendid curve: **95 %** of the loss or more is gone. And yet
# the network knows nothing. On the right, its PCKh never comes near that of
# the mean pose. All it has learned is to be silent, to undo the noise it
# started with. Its loss comes to rest at that of **empty maps**, **7.0** here.
#
# Public logs are full of this. A user of the stacked hourglass wrote that the
# loss goes to 0.0007 while the accuracy is 0. There is no mystery in it. The
# squares of a Gaussian bump add up to $\pi\sigma^2$ (chapter 4). With
# $\sigma = 1$ and a mean over 64 x 64 cells, empty maps have a loss of
# $\pi / 4096 \approx 0.00077$. On MPII 93.5 % of the joints are labelled, which
# leaves 0.00072: the network draws nothing. (Here $\sigma = 1.5$ and we sum
# over the cells: $\pi \cdot 1.5^2 = 7.07$, less what the edges cut off.) So:
#
# - Know the loss of **empty maps** (for coordinates, that of the mean pose)
#   before you start, and print it beside your loss. `posecourse train` does.
# - It is normal to stay there for a while. If a network stays there for good,
#   the rate is too high, the targets are empty or in the wrong place, or the
#   last layer started too loud.
#
# ## 4. The learning rate
#
# This is the most important number of all. A **range test** finds it in a
# minute: let the rate grow at every step, from far too small to far too large,
# and watch the loss.

# %% tags=["nbval-check-output"]
rates = np.geomspace(1e-5, 10, 81)
history = np.array(run(network(), rates))
smooth = np.convolve(history, np.ones(5) / 5, "valid")    # mean of 5 steps
best = rates[2:-2][smooth.argmin()]
print(f"lowest loss near a rate of {10.0 ** round(np.log10(best)):g}")
show_range_test(rates[2:-2], smooth, EMPTY, good=(2e-3, 5e-2), alt=(
    "Loss over the learning rate, both logarithmic. Flat at 7 up to about "
    "0.0001, falling slowly to about 4.8 at 0.1, then shooting up by factors "
    "of thousands beyond 0.5."))

# %% [markdown]
# From left to right, nothing happens, then the loss falls, then it explodes. The
# best rate is not the one at the bottom of the curve: that is right next to the
# explosion. Take one to the left of it, where the loss is falling well: the
# green band.
#
# **Predict first.** In the range test the loss was lowest near **0.1**. What
# happens to a network that starts with 0.1? And to one that climbs to 0.1 over
# its first 16 steps?
#
# <details><summary>Answer</summary>
#
# The first is thrown off at once and ends beside the empty maps. The second
# learns, and even a little faster than with 0.01. In the range test, too, the
# rate had *climbed* to 0.1.
# </details>

# %%
plans = {"0.0001": [1e-4] * 48, "0.01": [1e-2] * 48, "0.1": [0.1] * 48,
         "0.1, warmed up": [0.1 * min(1, (s + 1) / 16) for s in range(48)]}
curves = {name: run(network(), rates) for name, rates in plans.items()}
show_steps({"": ({**curves, "empty maps": EMPTY},
                 {"ylim": (3, 15), "ylabel": "loss"})}, alt=(
    "Loss over 48 steps. With rate 0.0001 it creeps down a little. With 0.01 "
    "it falls to about 4.5. With 0.1 from the start it leaves the plot at "
    "the top and ends near the empty maps. With 0.1 after a warm-up it falls "
    "to about 4.3, the lowest."))
table(
    [(name, np.mean(history[-8:]), np.mean(history[-8:]) / EMPTY)
     for name, history in curves.items()],
    ("learning rate", "loss at the end", "/ loss of empty maps"))

# %% [markdown]
# Started at 0.1, the network is thrown far off by its first steps (the curve
# leaves the plot at the top). Then it falls silent and ends near the line of
# empty maps. If the rate climbs to 0.1 over 16 steps, the network learns as
# well as with 0.01, and a little faster. One rate, two fates.
#
# ## 5. Warm-up, then a cosine
#
# Why is that? AdamW divides each step by the usual size of the gradient. At the
# first step it has seen only one gradient and divides it by its own size, so
# *every* weight moves by the full rate, whether it matters or not. It takes
# some steps until the usual sizes are known. The cure is a **warm-up**: let the
# rate rise along a line over the first part of the run.
#
# There is a problem at the other end, too. Close to the goal, large steps
# overshoot it. So let the rate fall to zero. A favourite curve for this is half
# a cosine wave (Loshchilov and Hutter, 2017). With the highest rate $\eta$, the
# step $t = 0, 1, \dots$, $T$ steps in all and $R$ of them for the rise:
#
# $$\eta_t = \begin{cases}\eta\,(t + 1)/R & t < R \\
# \frac{\eta}{2}\left(1 + \cos\left(\pi\,\frac{t - R}{T - R}\right)\right)
# & t \ge R\end{cases}$$

# %% tags=["nbval-check-output"]
def cosine(step, total, top, rise):
    """The rate of a step, counted from 0."""
    if step < rise:
        return top * (step + 1) / rise
    done = (step - rise) / (total - rise)              # from 0 to 1
    return top * (1 + np.cos(np.pi * done)) / 2


settings = TrainConfig(lr=1.0, warmup=0.2, schedule="cosine")
by_hand = [cosine(step, 10, top=1.0, rise=2) for step in range(10)]
package = [training.learning_rate(s, 10, settings) for s in range(10)]
print("by hand", *(f"{rate:.2f}" for rate in by_hand))
print("package", *(f"{rate:.2f}" for rate in package))

# %% [markdown]
# Two steps up, eight steps down. In the middle of the fall (step 6) the rate is
# **0.50**, and the slope is gentle at both ends.
#
# The older way is a staircase. The published recipe of SimpleBaseline (Xiao et
# al., 2018) trains for 140 epochs: it starts with 0.001, divides by ten from
# epoch 90 on, and by ten again from epoch 120 on. That is `--preset mpii`.
#
# ### Exercise 08.1 ★☆☆ The staircase
#
# Write `staircase(epoch, epochs, top)`. The epoch counts from 0. For 140
# epochs the rate falls to a tenth at 90 and to a hundredth at 120; for other
# lengths at the same fractions, 9/14 and 12/14 of the run.
#
# Expected for `epochs=140, top=0.001`: `0.001` in epoch 89, `0.0001` in epoch
# 90, `0.00001` in epoch 120. With `epochs=10` the first fall is due at 6.43,
# so epoch 6 still has the old rate and epoch 7 the new one.

# %% tags=["exercise"]
def staircase(epoch, epochs, top):
    """The learning rate of an epoch, counted from 0."""
    # your code here


# %% tags=["solution"]
def staircase(epoch, epochs, top):
    """The learning rate of an epoch, counted from 0."""
    falls = (14 * epoch >= 9 * epochs) + (14 * epoch >= 12 * epochs)
    return top * 0.1 ** falls


# %% tags=["check"]
check("08.1", staircase)

# %% [markdown]
# ## 6. Averaged weights
#
# The smallest possible network has a single weight $w$. Let its loss be
# $w^2/2$; then its gradient is $w$, and the best weight is 0. Every batch is a
# bit different, so each gradient is $w$ plus some noise. Here are 120 steps
# from $w = 4$. Move the rate, then let it fall, then look at the average.

# %%
noise = np.random.default_rng(0).normal(0, 1.5, 120)


def draw(rate, falling, averaged):
    rates = [cosine(t, 120, rate, 12) if falling else rate
             for t in range(120)]
    path, means = [4.0], [4.0]
    for t in range(120):
        path.append(path[-1] - rates[t] * (path[-1] + noise[t]))
        part = max(1 / 12, 9 / (10 + t))
        means.append(means[-1] + part * (path[-1] - means[-1]))
    made, (left, right) = plt.subplots(1, 2, figsize=(8.6, 3.2))
    left.plot(rates)
    left.set(title="rate", xlabel="step", ylim=(0, 1.05))
    right.plot(path, lw=1)
    if averaged:
        right.plot(means, "-", lw=2.5)
    right.set(title="weight" + " (thin), average (thick)" * averaged,
              xlabel="step", ylim=(-3, 4.5))
    return made


explore(draw, "A weight falls from 4 and jitters about 0; rate {rate:.2f}, "
        "falling: {falling}, average as a thick line: {averaged}",
        rate=(0.05, 1.0, 0.5, 0.05), falling=False, averaged=True)

# %% [markdown]
# The weight finds the valley in a few steps and then jitters forever, because
# the noise in the gradients keeps pushing it about. A small rate jitters less
# but takes longer to come down. A falling rate gives you both: fast at first,
# calm at the end. And the **average** of the weights over the last steps is
# calm at any time, without slowing anything down.
#
# So we keep a second set of weights, and after each step we move it a small
# part of the way towards the first: an **exponential moving average**, EMA.
#
# $$\bar w \leftarrow \bar w + \frac{1}{h}\,(w - \bar w)$$
#
# It remembers roughly the last $h$ steps. With $h = 2$ and the weights 0, 4,
# 0, 4 the average goes 0, 2, 1, 2.5. (In the cells the part is larger in the
# first steps, so that the random start is soon forgotten.) The average takes
# no part in the training; it is what we validate and keep. On the real
# network, with a constant rate:

# %% tags=["nbval-check-output"]
net, checks = network(), []
average = deepcopy(net).eval()


def look(step, net):
    part = max(1 / 20, 9 / (10 + step))    # early on, few steps to average
    with torch.no_grad():
        for mean, value in zip(average.state_dict().values(),
                               net.state_dict().values()):
            mean += (part * (value - mean)).to(mean.dtype)
    if step % 12 == 0:
        checks.append((step, validate(net), validate(average)))


run(net, [0.01] * 180, watch=look)
steps, last, mean = np.array(checks[6:]).T
print(f"from step {steps[0]:.0f} on the average has the lower loss in "
      f"{(mean < last).sum()} of {len(steps)} checks")
show_steps({"": ({
    "the last weights": [(step, last) for step, last, _ in checks[4:]],
    "averaged weights": [(step, mean) for step, _, mean in checks[4:]]},
    {"ylabel": "validation loss"})}, alt=(
        "Validation loss over the steps: the last weights go down unevenly, "
        "with a tooth near the end; the averaged weights below them in a "
        "smooth line."))

# %% [markdown]
# We checked every dozen steps; the picture begins at step 60. How good the last
# weights are is partly luck: one batch more, and there is a tooth in the curve.
# The average is smoother and lower, and costs a few additions per step. With a
# rate that falls to zero both end up in the same place, and the average is just
# a safety net. (BatchNorm's running means are averaged along with the weights.
# Its counter of batches, a whole number, is rounded here; the package copies
# it.)
#
# ## 7. Sixteen bits
#
# By default a number has 32 bits. Many processors are faster with 16, and 16
# take half the memory. **bf16** keeps the sign and all 8 bits of the exponent,
# so it has the range of 32 bits. Of the digits it keeps 8 bits, about two and a
# half decimal places. **fp16** has 5 bits for the exponent and 11 for the
# digits. (That adds up to 17, not 16: the first digit is always 1 and is not
# stored.)
#
# **Predict first.** In bf16, what becomes of 257? Of 1.001? And what do you get
# if you add 0.001 a thousand times?
#
# <details><summary>Answer</summary>
#
# 256 and 1: each is rounded to the nearest number that bf16 has. The sum is 0.5
# instead of 1. Once it has reached 0.5, adding 0.001 no longer changes it.
# </details>

# %% tags=["nbval-check-output"]
numbers = torch.tensor([1 / 3, 1.001, 257.0, 70000.0, 1e-8])
for name, same in (("32 bits", numbers), ("bf16", numbers.bfloat16()),
                   ("fp16", numbers.half())):
    print(f"{name:7s}", *(f"{value:10.4g}" for value in same.tolist()))

curves, total = {}, torch.tensor(0.0, dtype=torch.bfloat16)
for _ in range(1000):
    total += 0.001
print(f"0.001, a thousand times, in bf16: {total.item()}")
for bits in (32, 16):
    net = network()
    net.forward = torch.autocast("cpu", torch.bfloat16,
                                 enabled=bits == 16)(net.forward)
    curves[bits] = np.array(run(net, [0.004] * 10))
apart = np.abs(curves[16] / curves[32] - 1).max()
print(f"losses of ten steps in 16 and in 32 bits: less than "
      f"{np.ceil(100 * apart):.0f} % apart; the weights are",
      net.head.weight.dtype)

# %% [markdown]
# In bf16 the neighbours of 257 are 256 and 258, and 1.001 becomes 1. fp16 has
# more digits, but there 70,000 is infinite and 0.00000001 is zero. That is why
# fp16 needs tricks (loss scaling) and bf16 does not.
#
# The sum gets stuck at **0.5**: from there the next number up is 0.0039 away,
# and 0.001 is rounded off every time. A training step is exactly such an
# addition of something small to a weight. So the weights, their averages and
# the loss stay in 32 bits, and only the convolutions work with 16. This is
# **mixed precision**, in PyTorch a single line: `torch.autocast`.
#
# The losses hardly notice. Whether it is faster depends on the processor. Recent
# GPUs and CPUs with bf16 instructions gain, and the larger the network, the
# more. A CPU without them has to imitate them and gets slower. `posecourse
# bench` measures yours, and without `--amp` `posecourse train` finds out before
# it chooses.
#
# ## 8. Everything hangs on the seed and the step
#
# One thing is still missing: a run should survive an empty battery. Can we just
# save the weights, load them and go on? Then AdamW has forgotten its averages,
# the rate starts with another warm-up, and the shuffling begins again, so that
# some people come twice and others never. The run goes on, but it is a
# different run.
#
# So a checkpoint holds four things: the step, the weights, the averaged weights,
# and the optimiser's state. (The package adds the log, `rows` for the epochs
# that are done and `sums` for the present one, and the `settings`, so that a
# run goes on as it began.) And the random numbers? They need not be saved if
# none of them depends on what happened before. Each is drawn from a generator
# made for its purpose and its place: *the order of epoch 3 of seed 0*, *the
# changes in step 40 of seed 0*. Then step 40 is the same whoever did the steps
# before it, and on however many GPUs.
#
# Here is the whole loop by hand, with everything from sections 1 to 6 and
# augmentation. After it comes the package's: `config_for` fills in what suits a
# network, and `train` leaves a folder and calls `on_epoch` with a row of the log
# after each epoch (without it, `train` prints and shows a bar). **Do they
# agree?** We give both the same seed and two epochs of 8 steps.

# %%
def generator(seed, purpose, index):
    """A generator of its own for each purpose and place in the run."""
    return torch.Generator().manual_seed(
        (seed + purpose * 2_147_483_629 + index * 6_364_136_223) % 2 ** 63)


def batch_of(step, store, c):
    """The people of a step, changed at random: seed and step decide."""
    epoch, place = divmod(step, len(store) // c.batch_size)
    order = torch.randperm(len(store), generator=generator(c.seed, 1, epoch))
    draws = c.augmentation.draw(c.batch_size, generator(c.seed, 2, step))
    who = order[place * c.batch_size:][:c.batch_size]
    return cut(store, who, augmentation=c.augmentation, draws=draws)


def start(c):
    torch.manual_seed(c.seed)
    net = models.build(c.model, **c.options)
    # weight decay is for matrices, not for biases and normalisation;
    # fused: all in one go, a matter of speed and of the last digits
    groups = [{"params": [p for p in net.parameters() if p.ndim > 1]},
              {"params": [p for p in net.parameters() if p.ndim <= 1],
               "weight_decay": 0.0}]
    return net, deepcopy(net).eval(), torch.optim.AdamW(
        groups, lr=c.lr, weight_decay=c.weight_decay, fused=True)

# %%
def train_by_hand(c, store):
    net, average, optimiser = start(c)
    total = c.epochs * (len(store) // c.batch_size)
    history = []
    for step in range(total):
        for group in optimiser.param_groups:
            group["lr"] = cosine(step, total, c.lr, round(c.warmup * total))
        batch = batch_of(step, store, c)
        target, weights = net.codec.encode(batch.keypoints, batch.visible)
        loss = losses.heatmap_mse(net(batch.images)[-1], target, weights)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        part = max(1 / (c.ema * total), 9 / (11 + step))
        for mean, value in zip(average.state_dict().values(),
                               net.state_dict().values()):
            if mean.is_floating_point():
                mean.lerp_(value, part)
            else:
                mean.copy_(value)
        history.append(loss.item())
    return average, history

# %% tags=["nbval-check-output"]
few = train_store.subset(range(128)), valid_store.subset(range(32))
config = config_for(
    "laptop", {"input_size": 48, "width": 12}, epochs=2, batch_size=16,
    warmup=0.25, ema=0.25, amp="fp32", channels_last=False, device="cpu")


def trained_network(folder):
    return models.load_model(f"{folder}/weights.safetensors")


def largest_difference(a, b):
    return max((p - q).abs().max().item()
               for p, q in zip(a.parameters(), b.parameters()))


mine, history = train_by_hand(config, few[0])
log = []
with tempfile.TemporaryDirectory() as folder:
    training.train(replace(config, out=folder), few, log.append)
    theirs = trained_network(folder)
for epoch, by_hand in enumerate(np.reshape(history, (2, 8)).mean(1)):
    print(f"epoch {epoch + 1}: mean loss by hand and of the package differ by "
          f"{abs(by_hand - log[epoch]['train_loss']):.3f}")
print("largest difference of an averaged weight after 16 steps: "
      f"{largest_difference(mine, theirs):.4f}")

# %% [markdown]
# Forty lines do what the package does. (Without `fused=True` the last digits of a
# step differ. Training turns small differences into large ones: after 16 steps
# some weights are a thousandth apart, and both runs are equally good.)
#
# Now for the test that matters. We start the same run again, and in the second
# epoch somebody pulls the plug. All that is left is what was saved after the
# first epoch. `resume` goes on from there.

# %% tags=["nbval-check-output"]
class PowerCut(Exception):
    """Somebody has pulled the plug."""


def pull_the_plug(row):
    if row["epoch"] == 2:
        raise PowerCut


with tempfile.TemporaryDirectory() as folder:
    try:
        training.train(replace(config, out=folder), few, pull_the_plug)
    except PowerCut:
        saved = torch.load(f"{folder}/last.pt", weights_only=True)
        print(f"power cut! step {saved['step']} of 16 was saved, with",
              ", ".join(sorted(saved)))
    again = TrainConfig(resume=folder, device="cpu")
    training.train(again, few, log.append)
    resumed = trained_network(folder)
difference = largest_difference(resumed, theirs)
print("largest difference of a weight between the run that was cut and the "
      f"one that was not: {difference:.6f}")

# %% [markdown]
# Nobody can tell from the weights that there was a power cut. (On one machine
# they are equal to the last bit. Another processor, or another number of
# threads, adds in a different order, and the last digits differ.)
#
# On the command line, Ctrl-C saves and stops. `posecourse train --resume
# runs/laptop-1` goes on with the settings of that run; only `--device` may
# change. A checkpoint, `last.pt`, is also written every five minutes. It is
# written beside the old one and then renamed, so that even a power cut during
# the writing leaves a complete file. The one before it stays as `previous.pt`:
# if the last is damaged, the run goes on from there.
#
# ### Exercise 08.2 ★★☆ Who is in step 37?
#
# Write `who(seed, step, people, size)`: the indices of the `size` people of a
# step. `people` is a multiple of `size`. In each epoch everybody comes exactly
# once, in an order that belongs to that epoch. Nothing but the four numbers may
# decide, so that you can ask for step 37 without the 36 before it.

# %% tags=["exercise"]
def who(seed, step, people, size):
    """Indices of the people of a step, an array of length size."""
    # your code here


# %% tags=["solution"]
def who(seed, step, people, size):
    """Indices of the people of a step, an array of length size."""
    epoch, place = divmod(step, people // size)
    order = np.random.default_rng([seed, epoch]).permutation(people)
    return order[place * size:(place + 1) * size]


# %% tags=["check"]
check("08.2", who)

# %% [markdown]
# ## 9. A real run
#
# Now everything together: 1,024 people, six epochs, warm-up, cosine, averaged
# weights, augmentation. It takes about half a minute. (On the command line:
# `posecourse train --input-size 48 --option width=12 --train-people 1024 --lr
# 0.02`.)

# %%
def report(row):
    print(f"epoch {row['epoch']}: loss {row['train_loss']:.1f} (empty maps "
          f"{row['trivial_loss']:.1f}), PCKh {row['score']:.0f} (mean pose "
          f"{row['mean_pose']:.0f})")


config = config_for(
    "laptop", {"input_size": 48, "width": 12}, epochs=6, batch_size=16,
    lr=0.02, amp="fp32", device="cpu")
with tempfile.TemporaryDirectory() as folder:
    training.train(replace(config, out=folder), (train_store, valid_store),
                   report)
    ours = evaluation.evaluate(folder, valid_store)
    training_curves(folder, "PCKh@0.5", alt="Left, the training loss falls "
                    "from about 5 to 3.3; the line is at 7. Right, PCKh "
                    "climbs to about 45 percent, far above the mean pose's.")
shown = [3, 8, 21, 30, 44, 57]
show_people([valid_store.crops[i] for i in shown] * 2,
            [*valid_store.keypoints[shown], *ours.in_crops[shown]],
            titles=["label"] * 6 + ["network"] * 6, columns=6, size=1.5,
            alt="Six people it has never seen, above with the labels' "
            "skeletons, below with the network's: heads and trunks are about "
            "right, many arms and legs are not.")

# %% [markdown]
# On the left, the dashed line, *a constant prediction*, is the loss of empty
# maps. The network is below it from the first epoch on, and on the right above
# the mean pose. On people it has never seen, it finds heads and trunks; arms
# and legs are often elsewhere.
#
# ## 10. A longer run
#
# Waiting helps, as long as there is enough data. The network that comes with the
# course is twice as wide, sees 64 x 64 pixels, and was trained on 16,000 people
# for 16 epochs: `posecourse train --train-people 16000 --epochs 16`, about half
# an hour on two CPU cores. Here is its log. A run folder holds everything you
# may want to know later: `config.json` (every setting, and which people),
# `log.csv`, `curves.png`, `weights.safetensors`, `evaluation.json`,
# `predictions.png`, `last.pt` and `previous.pt` (for `--resume`), files for
# TensorBoard where that is installed, and a `README.txt` that says what is what.

# %% tags=["nbval-check-output"]
folder = pretrained("laptop")
log = np.genfromtxt(folder / "log.csv", delimiter=",", names=True)
training_curves(folder, "PCKh@0.5", alt="Sixteen epochs. The training loss "
                "falls from 4.4 to 1.4, far under the line of empty maps at "
                "7. PCKh rises from 58 steeply, then ever more slowly, to "
                "86.5 percent; the mean pose is at 16.")
table(
    [(int(row["epoch"]), row["lr"], row["train_loss"] / row["trivial_loss"],
      row["score"], row["mean_pose"])
     for row in log[[0, 1, 2, 3, 7, 11, 15]]],
    ("epoch", "rate", "loss / empty maps", "PCKh", "mean pose"),
    digits={"rate": 4, "loss / empty maps": 2})

# %% [markdown] document="5.2 training"
# How to read it, from the top:
#
# - **The first epoch** ends at **0.63** of the empty maps' loss and a PCKh of
#   **58.3**. Had it ended near 1.00 and near the mean pose, we would stop and
#   look for the bug.
# - **The same time buys less and less.** The first four epochs bring PCKh to
#   **76.7**, the next four to **81.5**, the last eight to **86.5**. This is how
#   it usually goes.
# - **The falling rate pays off at the end.** From epoch 8 to 16, while the rate
#   goes to zero, PCKh still gains five points. So do not stop a cosine half-way
#   and call that the result. The course's default run (8,000 people, 6 epochs)
#   shows the network 48,000 pictures, as many as this run had shown after 3
#   epochs. It has half as many people, but its rate comes down to zero: the
#   README reports 75.0, against **73.6** here.
# - **The loss falls faster than PCKh rises.** The loss counts every cell, PCKh
#   counts joints that cross a threshold.
#
# **More people or more epochs?** For the same number of steps, more people:
# section 2 was that experiment. Drawn people cost nothing, so use many. Labelled
# photos cost money, so there everybody is seen often: each of MPII's 22,246
# training persons 140 times. Augmentation makes sure that it is never quite the
# same picture.
#
# The model card, `data/weights/laptop/README.md`, says what the network is for,
# what it scores elsewhere, and where it fails. Write one for every network you
# give away.
#
# ## 11. The same on GPUs, and on MPII
#
# Before a long run, ask what it would do. `--dry-run` looks at the data, times a
# few steps on this machine, and writes nothing. Try it in a terminal with
# `posecourse train --dry-run`; among other things it says:
#
# ```
# network     laptop, 2.06 million parameters, pictures of 64 x 64
# train       synthetic: 8,000 people
# steps       3,000: 6 epochs of 500, with 16 people each
# optimiser   AdamW, decay 0.05, rate 0.004, falling along a cosine
# disk        172.8 MB of crops would be written
# time        about 5 min, after 40 s of cutting out people
# ```
#
# Now the commands, a line each, to be run from the root of the course. You need
# MPII for them (`posecourse data fetch mpii-annotations`, then `mpii-images`:
# 12.9 GB, and a licence to accept). `resnet50.pth` holds the ImageNet weights of
# a ResNet-50:
# `torch.save(torchvision.models.resnet50(weights="IMAGENET1K_V1").state_dict(),
# "resnet50.pth")`.
#
# | where | command |
# |---|---|
# | look first | `posecourse train --model simple_baseline_50 --data data/mpii --preset mpii --dry-run` |
# | one GPU, as published | `posecourse train --model simple_baseline_50 --data data/mpii --preset mpii --init resnet50.pth` |
# | one GPU, our recipe | the same with `--preset mpii-fast` |
# | four GPUs | `torchrun --nproc-per-node 4 -m posecourse train --model simple_baseline_50 --data data/mpii --preset mpii-fast --init resnet50.pth` |
# | two machines with eight each | on both: `torchrun --nnodes 2 --nproc-per-node 8 --rdzv-backend c10d --rdzv-endpoint FIRST:29500 -m posecourse train ...`; `FIRST` is the name of one of them. Work in a folder that both see |
# | go on after a stop | `posecourse train --resume RUN`, or `torchrun --nproc-per-node 4 -m posecourse train --resume RUN` |
#
# **How long?** *These are estimates, not measured here.* What limits such a
# network on a large GPU is how fast it can move its activations through memory.
# By that estimate one H200 should manage about 4,200 pictures of 256 x 256 per
# second with a SimpleBaseline-50, 16 bits, large batches and a compiled network.
# MPII's 22,246 persons 140 times then take 12 minutes, and 80 times
# (`mpii-fast`) 7 minutes. Batches of 32, as published, keep a large GPU less
# busy. Four GPUs need a quarter of the time at best.
#
# **How good?** Published, on MPII's validation set, with flip test:
#
# | network, 256 x 256 | `PCKh@0.5` | source |
# |---|---|---|
# | SimpleBaseline-50, `--preset mpii` is its recipe | 88.5 | README of Microsoft's human-pose-estimation.pytorch |
# | the same, trained again in mmpose | 88.2 | mmpose's model zoo |
# | SimpleBaseline-101, -152 | 89.1, 89.6 | as the first |
# | HRNet-W32 | 90.3 | README of deep-high-resolution-net |
# | the mean pose | 16.8 | `posecourse score`, chapter 9 |
#
# All of them start from ImageNet weights, so **do not forget `--init`**. From
# random weights, with 22,246 persons, expect several points less. And with 2,958
# persons the 95 % interval is 0.6 to either side: 88.2 and 88.5 are the same
# result. `mpii-fast` is our own recipe and has no published number.
#
# **What several GPUs must agree on.** Each has a copy of the network and a part
# of the batch. After the backward pass they average their gradients, and all
# take the same step. There are two traps. If each GPU takes the mean over *its*
# labelled joints, and the GPUs then average, joints on a GPU with few labels
# count more: a mean of means is not the mean. And BatchNorm normalises with the
# part of the batch that it sees. The package divides by everybody's joints and
# puts in `SyncBatchNorm`, which shares its statistics. So several GPUs take the
# same step that one would. (A test of the package compares two processes with
# one.)
#
# ### Exercise 08.3 ★★☆ A fair share
#
# PyTorch averages the GPUs' gradients, and you cannot talk it out of that. But
# each GPU may multiply its own loss by a factor first. Its loss is the mean over
# its labelled joints. Write `factors(counts)`: the factor for each GPU, so that
# the average of their gradients is the gradient of the mean over **all**
# labelled joints. `counts` holds how many joints each GPU has; a GPU without
# any has loss 0, and any finite factor will do for it.
#
# Expected for `[3, 1]`: `[1.5, 0.5]`. With gradients 2 and 10 the average is
# then $(1.5 \cdot 2 + 0.5 \cdot 10) / 2 = 4$, and so is $(3 \cdot 2 + 10) / 4$.

# %% tags=["exercise"]
def factors(counts):
    """A factor for each GPU's mean loss, a list or an array."""
    # your code here


# %% tags=["solution"]
def factors(counts):
    """A factor for each GPU's mean loss, a list or an array."""
    counts = np.asarray(counts, dtype=float)
    return counts * len(counts) / max(1, counts.sum())


# %% tags=["check"]
check("08.3", factors)

# %% [markdown]
# ## Project
#
# **Beat 75.** `posecourse train` with its defaults reaches a `PCKh@0.5` of 75.0 on
# people it has not seen (the README says so), in about five minutes on two
# cores. Train a network that does better in at most **five minutes of training**.
# Drawing the people does not count.
#
# You may change what you like: the network (`--model help` lists them), its
# width and input size, the number of people and epochs, the rate, the batch,
# the augmentation. Starting from somebody's finished weights is not allowed.
# Work as this chapter did: change one thing at a time, use short runs to
# choose, and write down what you tried. `posecourse train ... --dry-run` tells
# you the time before you spend it.
#
# Then put the folder of your run into the cell below. The checker reads how
# long it took and shows your network 1,000 people whom nobody has trained on;
# that takes about half a minute.
#
# | | what is asked for | points |
# |---|---|---|
# | measured by the checker | a `PCKh@0.5` of more than 75, at most 300 s of training, from random weights | 4 |
# | your notes | what you changed and why, one line for each run, with its score and its time | 3 |
# | | a picture of the learning curves of at least three runs (`training_curves` takes several) | 2 |
# | | one thing that did not help, and your guess why | 1 |

# %% tags=["project"]
RUN = None        # the folder of your run, such as "runs/laptop-1"

# %% tags=["check"]
check("08.project", RUN)

# %% [markdown]
# ## Quiz

# %%
quiz("08")

# %% [markdown]
# ## Summary
#
# - Forward, compare, forget, backward, step. Everything else is there because
#   something goes wrong without it.
# - First learn one batch by heart. Then look at training and validation loss
#   together: the gap says overfitting, its absence underfitting.
# - A loss means nothing without that of empty maps (or of the mean pose). A
#   network that falls silent looks like one that learns.
# - Find the rate by a range test, climb to it, come down to zero; keep an
#   average of the weights.
# - 16 bits for the convolutions, 32 for everything that is added up.
# - Seed and step decide every random number. So a run that was cut ends in the
#   same weights as one that was not.
# - On several GPUs divide by the labelled joints of all of them.
#
# ## Common mistakes
#
# - **No `zero_grad()`.** Gradients add up over the steps; the loss swings and
#   explodes.
# - **Validating in training mode.** Without `net.eval()` BatchNorm uses the
#   batch, and the score depends on who else is in it.
# - **Keeping `loss` instead of `loss.item()`.** The list holds every step's
#   graph, and memory fills up. On a GPU, ask for the number rarely: each time,
#   the GPU has to be waited for.
# - **Another batch size, the old rate.** Four times the batch wants a higher
#   rate, two to four times as high; test the range again.
# - **Choosing by the test set.** Rate, epochs and network are chosen on
#   `valid`. `test` is looked at once, at the end.
# - **One run against one run.** Change the seed before you believe a
#   difference of a point.
#
# ## Further reading
#
# - Kingma and Ba, *Adam* (2015), and Loshchilov and Hutter, *Decoupled Weight
#   Decay Regularization* (2019): what AdamW does.
# - Smith, *Cyclical Learning Rates for Training Neural Networks* (2017): the
#   range test.
# - Loshchilov and Hutter, *SGDR: Stochastic Gradient Descent with Warm
#   Restarts* (2017): the cosine.
# - Micikevicius et al., *Mixed Precision Training* (2018): what has to stay in
#   32 bits, and why.
# - Xiao, Wu and Wei, *Simple Baselines for Human Pose Estimation and Tracking*
#   (2018): the recipe behind `--preset mpii`.
# - `posecourse/training/fit.py`: the loop, to be read from top to bottom.
