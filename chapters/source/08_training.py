# %% [markdown]
# # 8. Training
#
# **Train a pose network for real: the loop, its speed, its curves and how to
# pick it up again.**
#
# | | |
# |---|---|
# | **You will learn** | the training loop, from ten lines to the package's; to read a loss; learning rates, warm-up, cosine; averaged weights; 16 bits; checkpoints that resume exactly; overfitting; the same run on GPUs and on MPII |
# | **You need** | [chapter 4](04_losses.ipynb) (heatmap MSE, gradient descent), [chapter 7](07_posenet.ipynb) (a network), a little PyTorch |
# | **Time** | 80 min to read, 45 min to do |
# | **Runs in** | 100 s on two CPU cores |
#
# Step 4 of the document's recipe (3.2): show the network pictures and target
# heatmaps, go back through it, and improve its numbers until what it draws is
# near the truth. That is a loop of ten lines. Then things go wrong, one after
# the other. Each of them has a cure, and each cure is a few lines more. At
# the end stands the loop of `posecourse train`, and you have built it.

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
from posecourse.exercises import check, hint
from posecourse.models.pretrained import pretrained
from posecourse.training.dry_run import plan
from posecourse.training.settings import TrainConfig, config_for
from posecourse.transforms import make_batch
from posecourse.visualization import (figure, heatmap_overlay, show_people,
                                      training_curves, use_style)
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
# - **People**, cut out and ready: a `CropDataset` ([chapter 6](06_data.ipynb)). 1,024 to learn
#   from, 256 others to judge by. Their pictures are 48 x 48 pixels, small, so
#   that a step takes a fraction of a second.
# - **A network**: `laptop`, half as wide as the course's default. It draws 16
#   heatmaps of 24 x 24 cells.
# - **A loss**: the document's heatmap MSE (4.2), summed over the cells. The
#   `weights` in it are 1 for a labelled joint and 0 for others.
#
# Then the loop. Sixteen people, again and again. `AdamW` is gradient descent
# that finds a step size for each weight (section 5). The W is for **weight
# decay**: each step also pulls the weights a little towards zero.

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

# %% tags=["nbval-check-output"]
net, batch = network(), cut(train_store, range(16))
target, weights = net.codec.encode(batch.keypoints, batch.visible)
optimiser = torch.optim.AdamW(net.parameters(), lr=0.01)

history, seen = [], {}
for step in range(121):
    maps = net(batch.images)[-1]                       # forward
    loss = losses.heatmap_mse(maps, target, weights)   # compare
    optimiser.zero_grad()                              # forget the last step
    loss.backward()                                    # whose fault was it?
    optimiser.step()                                   # a bit less of it
    history.append(loss.item())
    seen[step] = maps[9].detach()

print(f"loss at the start {history[0]:.1f}")
print("after 120 steps below a quarter:", history[-1] < history[0] / 4)
picture = train_store.crops[9][6:54, 6:54]
with figure("One person four times, with the heatmaps laid over: at step 0 "
            "nothing; at 20 a faint haze; at 60 blobs on head and trunk; at "
            "120 spots on most joints.", 1, 4, size=(9, 2.5)) as axes:
    for axis, step in zip(axes, (0, 20, 60, 120)):
        axis.imshow(heatmap_overlay(picture, seen[step], top=0.8))
        axis.set_title(f"step {step}")
        axis.set_axis_off()

# %% [markdown]
# A person from those sixteen, and all 16 heatmaps over one another. First a
# haze where people usually are, then blobs on head and trunk, which are easy;
# at last spots on knees, ankles and raised hands.
#
# Always do this first. A network that cannot learn one batch by heart has a
# bug, and no amount of data mends a bug. But learning by heart is all it is.
#
# ## 2. Epochs
#
# What is missing: other people. So shuffle everybody, walk through them in
# batches of 16, shuffle again. One walk is an **epoch**. The rest stays as it was; we
# only let the learning rate come from outside, one per step, and let somebody
# `watch` now and then. `validate` asks what counts: the loss on people who are **not** in
# training.
#
# **Predict first.** Two networks do 160 steps each. One has 128 people (20
# epochs), the other 1,024 (two and a half epochs). Which one has the smaller
# training loss at the end? Which one is better on other people?

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
valid = cut(valid_store, range(128))
valid_target = network().codec.encode(valid.keypoints, valid.visible)
EMPTY = losses.heatmap_mse(0 * valid_target[0], *valid_target).item()
print(f"loss of empty maps {EMPTY:.1f}")


def validate(net):
    """The loss on 128 people that it does not learn from."""
    with torch.no_grad():          # eval: BatchNorm's running averages
        loss = losses.heatmap_mse(net.eval()(valid.images)[-1],
                                  *valid_target)
    net.train()
    return loss.item()


runs = {}
for count in (128, 1024):
    checks = []
    history = run(network(), [0.004] * 160, count, every=16, watch=lambda
                  step, net: checks.append((step, validate(net))))
    runs[count] = history, np.array(checks)
    gap = checks[-1][1] - np.mean(history[-16:])
    print(f"{count} people: validation above training loss by more than 1:",
          gap > 1)

# %%
with figure("Two plots of training and validation loss over 160 steps. With "
            "128 people the training loss falls on and on, the validation "
            "loss stays at about 4.3. With 1,024 both go down together to "
            "about 3.6. A line at 7 marks empty maps.", 1, 2,
            size=(9, 3.3), sharey=True) as axes:
    for axis, (count, (history, checks)) in zip(axes, runs.items()):
        axis.plot(history, "-", lw=0.8, label="training, each batch")
        axis.plot(checks[:, 0], checks[:, 1], "o--", label="validation")
        axis.axhline(EMPTY, color="black", lw=1, ls=":", label="empty maps")
        axis.set(title=f"{count:,} people", xlabel="step", ylim=(0, 8.5))
    axes[0].set_ylabel("loss")
    axes[0].legend(loc="lower left")

# %% [markdown]
# The dotted line is the loss of **empty maps**: of a network that draws nothing.
#
# Left: the training loss goes down and down, the validation loss has stopped
# long ago. The network learns its 128 people by heart: **overfitting**. Right:
# no person is seen more than three times, and both curves go down together.
# This network can still gain from more steps: **underfitting**. What to do
# about it:
#
# | training loss | validation loss | it is called | cure |
# |---|---|---|---|
# | low | much higher, no longer falling | overfitting | more people; change them at random (augmentation, chapter 6); weight decay; fewer epochs |
# | high | about the same | underfitting | more steps; a better rate; a larger network; less augmentation |
# | at the empty maps' | at the empty maps' | not learning | sections 3 and 4 |
# | low | low, but PCKh low | a bug | the labels, the decoder, left and right |
#
# Three things are wrong with this loop. The blue curve is jagged, and the last
# step is as large as the first. We typed 0.004 without a reason. And if the
# computer stops, everything is gone. One by one; but first a warning.
#
# ## 3. Is that a good loss?
#
# The next network differs in one thing: its last layer starts as PyTorch
# starts every layer, not near zero as ours does.

# %% tags=["nbval-check-output"]
loud, checks = network(), []
loud.head.reset_parameters()
typical = evaluation.mean_pose_of(train_store, (48, 48))
history = run(loud, [0.01] * 48, every=12, watch=lambda step, net:
              checks.append(evaluation.validation_metrics(
                  net, valid_store, typical)))
scores, lazy = [c["score"] for c in checks], checks[0]["mean_pose"]
print("more than 95 % of the loss is gone after 48 steps:",
      np.mean(history[-4:]) < 0.05 * history[0])
print(f"PCKh of the mean pose {lazy:.0f}; the network's is lower:",
      scores[-1] < lazy)
with figure("Left, on a logarithmic axis, the loss falls from almost 300 to "
            "7 and rests on the line of empty maps. Right, PCKh stays below "
            "7 percent, far under the line of the mean pose at 16.",
            1, 2, size=(9, 3)) as (left, right):
    left.plot(history, label="training")
    left.axhline(EMPTY, color="black", lw=1, ls=":", label="empty maps")
    left.set(yscale="log", xlabel="step", ylabel="loss")
    right.plot((12, 24, 36, 48), scores, "o-", label="network")
    right.axhline(lazy, color="black", lw=1, ls=":", label="mean pose")
    right.set(xlabel="step", ylabel="PCKh@0.5, %", ylim=(0, 25))
    left.legend()
    right.legend()

# %% [markdown]
# A splendid curve: more than **95 %** of the loss is gone. And the network
# knows nothing. All it has learned is to be silent, to undo the noise that it
# started with. It rests at the loss of **empty maps**, **7.0** here.
#
# Public logs are full of this. A user of the stacked hourglass wrote that the
# loss goes to 0.0007 while the accuracy is 0. That is no riddle. The squares of
# a Gaussian bump sum to $\pi\sigma^2$ (chapter 4). With $\sigma = 1$ and a
# mean over 64 x 64 cells, empty maps have a loss of
# $\pi / 4096 \approx 0.00077$; on MPII 93.5 % of the joints are labelled, which
# leaves 0.00072. The network draws nothing. (Ours: $\sigma = 1.5$ and a sum over
# the cells, $\pi \cdot 1.5^2 = 7.07$, less what the edges cut off.) So:
#
# - Know the loss of the **empty maps** (for coordinates: of the mean pose)
#   before you start, and print it beside the loss. `posecourse train` does.
# - To stay there for a while is normal. To stay there forever: rate too high,
#   targets empty or in the wrong place, a last layer that started too loud.
#
# ## 4. The learning rate
#
# The most important number of all. A **range test** finds it in a minute: let
# the rate grow at every step, from far too small to far too large, and look
# at the loss.

# %% tags=["nbval-check-output"]
rates = np.geomspace(1e-5, 10, 81)
history = np.array(run(network(), rates))
smooth = np.convolve(history, np.ones(5) / 5, "valid")    # mean of 5 steps
best = rates[2:-2][smooth.argmin()]
print("lowest between 0.01 and 1:", 0.01 < best < 1)
print("at 10 more than 100 times the empty maps:",
      history[-1] > 100 * EMPTY)

with figure("Loss over the learning rate, both logarithmic. Flat at 7 up to "
            "about 0.0001, falling slowly to about 4.8 at 0.1, then shooting "
            "up by factors of thousands beyond 0.5.", size=(7, 3.2)) as axis:
    axis.plot(rates[2:-2], smooth)
    axis.axhline(EMPTY, color="black", lw=1, ls=":")
    for rate, text in ((3e-5, "too small"), (8e-3, "good"),
                       (2.2, "diverges")):
        axis.text(rate, 12, text, ha="center")
    axis.axvspan(2e-3, 5e-2, color="#009E73", alpha=0.15)
    axis.set(xscale="log", yscale="log", ylim=(4, 200),
             xlabel="learning rate", ylabel="loss, mean of 5 steps")

# %% [markdown]
# From left to right: nothing happens; the loss falls; it explodes. The best
# rate is not the one at the bottom of the curve, next to the explosion. Take
# one where the loss falls well, to the left of it: the green band.
#
# **Predict first.** At 0.1 the range test was still at its best. What happens
# to a network that starts with 0.1? And to one that climbs to 0.1 over its
# first 16 steps?

# %% tags=["nbval-check-output"]
plans = {"0.0001": [1e-4] * 48, "0.01": [1e-2] * 48, "0.1": [0.1] * 48,
         "0.1, warmed up": [0.1 * min(1, (s + 1) / 16) for s in range(48)]}
with figure("Loss over 48 steps. With rate 0.0001 it creeps down a little. "
            "With 0.01 it falls to about 4.5. With 0.1 from the start it "
            "leaves the plot at the top and ends near the empty maps. With "
            "0.1 after a warm-up it falls to about 4.3, the lowest.",
            size=(7, 3.4)) as axis:
    for name, rates in plans.items():
        history = run(network(), rates)
        end = np.mean(history[-8:]) / EMPTY
        print(f"{name:15s} at the end below 0.8 of the empty maps:",
              end < 0.8)
        axis.plot(history, label=name)
    axis.axhline(EMPTY, color="black", lw=1, ls=":", label="empty maps")
    axis.set(xlabel="step", ylabel="loss", ylim=(3, 15))
    axis.legend(ncols=2)

# %% [markdown]
# With 0.1 at once, the first steps hurl the weights far away (the curve
# leaves the plot at the top) and the network falls silent: it ends near
# the line of empty maps. With 0.1 after a climb of 16 steps, it ends **below
# 0.8** of it, like 0.01 and a little faster. One rate, two fates.
#
# ## 5. Warm-up, then a cosine
#
# Why? AdamW divides each step by the usual size of the gradient. In the first
# step it has seen one gradient only, and divides it by its own size: *every*
# weight moves by the whole rate, whether it matters or not. It takes some
# steps until the sizes are known. The cure is the **warm-up**: let the rate
# rise in a line, over the first part of the run.
#
# At the other end: near the goal, large steps overshoot it. So let the rate
# fall to zero. A favourite curve for this is half a cosine wave (Loshchilov
# and Hutter, 2017). With the highest rate $\eta$, the step $t = 0, 1, \dots$,
# $T$ steps in all and $R$ of them for the rise:
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
# Two steps up, eight steps down; in the middle of the fall (step 6) the rate
# is **0.50**. The slope is gentle at both ends.
#
# The older way is a staircase: the published recipe of SimpleBaseline (Xiao et
# al., 2018) trains for 140 epochs with 0.001, divides by ten from epoch 90 on,
# and by ten again from epoch 120 on. That is `--preset mpii`.
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
# The smallest possible network has one weight $w$. Its loss is $w^2/2$, so
# its gradient is $w$, and the best weight is 0. Each batch is a bit different,
# so each gradient is $w$ plus noise. Here are 120 steps from $w = 4$. Move the
# rate. Then let it fall, then look at the average.

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
# The weight finds the valley in a few steps and then jitters, for ever: its
# steps are as large as the noise in the gradients makes them. A small rate
# jitters less, and comes down slowly. A falling rate has both: fast first,
# calm at the end. The **average** of the weights over the last steps is calm
# at any time, without slowing anything down.
#
# So keep a second set of weights and move it a small part of the way towards
# the first after each step: an **exponential moving average**, EMA.
#
# $$\bar w \leftarrow \bar w + \frac{1}{h}\,(w - \bar w)$$
#
# It remembers about the last $h$ steps. With $h = 2$ and the weights 0, 4, 0,
# 4 the average goes 0, 2, 1, 2.5. Nothing is trained with it; it is what we
# validate and keep. On the real network, with a constant rate:

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
steps, last, mean = np.array(checks[4:]).T
print(f"the average has the lower loss in at least 8 of {len(steps)} looks:",
      (mean < last).sum() >= 8)
with figure("Validation loss over the steps: the last weights go down "
            "unevenly, with a tooth near the end; the averaged weights below "
            "them in a smooth line.", size=(7, 3.2)) as axis:
    axis.plot(steps, last, "o-", label="the last weights")
    axis.plot(steps, mean, "s--", label="averaged weights")
    axis.set(xlabel="step", ylabel="validation loss")
    axis.legend()

# %% [markdown]
# Every dozen steps we looked; the picture begins at step 60. The last weights
# are better or worse by luck: one batch more, and there is a tooth in the curve. The average is smoother and
# lower, and costs a few additions per step. With a rate that falls to zero both end in the same
# place; the average is then a safety net. (BatchNorm's running means are
# averaged with the weights; whole numbers in the state, its counter of
# batches, are rounded here. The package copies them.)
#
# ## 7. Sixteen bits
#
# Numbers have 32 bits by default. Many processors are faster with 16, and 16
# need half the memory. **bf16** keeps the sign and the 8 bits of the exponent,
# so its range is that of 32 bits; of the digits it keeps 8 bits, about two
# and a half decimal places. **fp16** has 5 bits for the exponent and 11 for
# the digits. (The sum is 17, not 16: the first of the digits is always 1 and
# is not stored.)
#
# **Predict first.** What becomes of 257? Of 1.001? And what do you get when
# you add 0.001 a thousand times, in bf16?

# %% tags=["nbval-check-output"]
print(f"{'32 bits':>10} {'bf16':>10} {'fp16':>10}")
for number in (1 / 3, 1.001, 257.0, 70000.0, 1e-8):
    as32 = torch.tensor(number)
    print(f"{number:10.4g} {as32.bfloat16().item():10.4g} "
          f"{as32.half().item():10.4g}")

curves, total = {}, torch.tensor(0.0, dtype=torch.bfloat16)
for _ in range(1000):
    total += 0.001
print(f"0.001, a thousand times, in bf16: {total.item()}")
for bits in (32, 16):
    net = network()
    net.forward = torch.autocast("cpu", torch.bfloat16,
                                 enabled=bits == 16)(net.forward)
    curves[bits] = np.array(run(net, [0.004] * 10))
print("weights are", net.head.weight.dtype)
print("the losses of ten steps agree within 5 %:",
      np.abs(curves[16] / curves[32] - 1).max() < 0.05)

# %% [markdown]
# Neighbours of 257 in bf16 are 256 and 258, and 1.001 is 1. fp16 has more
# digits, but 70,000 is infinite and 0.00000001 is nothing: that is why fp16
# needs tricks (loss scaling) and bf16 does not.
#
# The sum gets stuck at **0.5**: there the next number up is 0.0039 away, and
# 0.001 is rounded off every time. A training step is exactly such an addition,
# of something small to a weight. So the weights, their averages and the
# loss stay in 32 bits; only the convolutions' work is done in 16. This is
# **mixed precision**, in PyTorch one line: `torch.autocast`.
#
# The losses hardly notice. The speed depends on the processor: GPUs of recent
# years and CPUs with bf16 instructions gain, the more the larger the network; a
# CPU without them has to imitate them, and is slower. Section 11 measures yours.
# Without `--amp`, `posecourse train` looks before it chooses.
#
# ## 8. Everything hangs on the seed and the step
#
# What is missing now: a run must survive the end of the battery. Save the
# weights, load them, go on? Then AdamW has forgotten its averages, the rate starts with
# a new warm-up, and the shuffling begins anew, so that some people come twice
# and others never. The run goes on, but it is another run.
#
# A checkpoint therefore holds four things: the step, the weights, the averaged
# weights, and the optimiser's state. (The package adds the log: `rows` for the
# epochs behind it, `sums` for the one it is in; and the `settings`, so that a run
# goes on as it began.) And the random numbers? They
# need not be saved if none depends on what happened before. Each is drawn from a generator
# made for its purpose and place: *the order of epoch 3 of seed 0*, *the changes
# in step 40 of seed 0*. Then step 40 is the same, whoever does the steps before
# it, and on however many GPUs.
#
# Here is the whole loop, by hand, with everything from sections 1 to 6 and
# augmentation. Then the package's: `config_for` fills in what suits a network,
# `train` leaves a folder, and calls `on_epoch` after each epoch with a row of
# the log (without it, it prints and shows a bar). **Do they agree?** Two
# epochs of 8 steps, the same seed.

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
print("training losses of both epochs agree within 1 %:", np.allclose(
    np.reshape(history, (2, 8)).mean(1),
    [row["train_loss"] for row in log], rtol=0.01))
print("averaged weights after 16 steps agree within 0.0001:",
      largest_difference(mine, theirs) < 1e-4)

# %% [markdown]
# Forty lines do what the package does. (Leave out `fused=True` and the last
# digits of a step differ. Training makes large differences out of small ones:
# after 16 steps some weights are a thousandth apart, both runs equally good.)
#
# Now the test that matters. We start the same run again, and in the second
# epoch somebody pulls the plug. What was saved after the first epoch is all
# that is left. `resume` goes on from there.

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
print("the run that was cut and the one that was not end in the same "
      "weights:", difference < 1e-6)

# %% [markdown]
# Nobody can tell from the weights that there was a power cut. (On one machine
# they are equal to the last bit. Another processor, or another number of
# threads, adds in another order, and the last digits differ.)
#
# On the command line: Ctrl-C saves and stops, `posecourse train --resume
# runs/laptop-1` goes on, with the settings of that run; only `--device` may be
# another. A checkpoint, `last.pt`, is also written every five minutes. It is
# written beside the old one and then renamed, so that a power cut during the
# writing leaves a whole file. The one before stays as `previous.pt`: if the
# last is damaged, the run goes on from there.
#
# ### Exercise 08.2 ★★☆ Who is in step 37?
#
# Write `who(seed, step, people, size)`: the indices of the `size` people of a
# step. `people` is a multiple of `size`. In each epoch everybody comes once,
# in an order of that epoch. Nothing but the four numbers may decide, so that
# step 37 can be asked for without the 36 before it.

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
# Everything together: 1,024 people, six epochs, warm-up, cosine, averaged
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
# On people it has never seen it finds heads and trunks.
# Arms and legs are often elsewhere.
#
# ## 10. A longer run
#
# Waiting helps, if the data lasts. The network that comes with the course is
# twice as wide, sees 64 x 64 pixels, and was trained on 16,000 people for 16
# epochs: `posecourse train --train-people 16000 --epochs 16`, about half an
# hour on two CPU cores. Its log is here. A run folder holds all that one wants to know
# later: `config.json` (every setting, and which people), `log.csv`, `curves.png`,
# `weights.safetensors`, `evaluation.json`, `predictions.png`, `last.pt` and
# `previous.pt` (for `--resume`), files for TensorBoard where that is installed,
# and a `README.txt` that says what is what.

# %% tags=["nbval-check-output"]
folder = pretrained("laptop")
log = np.genfromtxt(folder / "log.csv", delimiter=",", names=True)
print("epoch  rate    loss / empty maps  PCKh  mean pose")
for row in log[[0, 1, 2, 3, 7, 11, 15]]:
    print(f"{row['epoch']:5.0f}  {row['lr']:.4f}  "
          f"{row['train_loss'] / row['trivial_loss']:17.2f}  "
          f"{row['score']:4.1f}  {row['mean_pose']:9.1f}")
print("section 9's network: twice the mean pose, but 20 points below this:",
      2 * ours.baselines["mean pose"] < ours.score < log["score"][-1] - 20)
training_curves(folder, "PCKh@0.5", alt="Sixteen epochs. The training loss "
                "falls from 4.4 to 1.4, far under the line of empty maps at 7. "
                "PCKh rises from 58 steeply, then ever "
                "more slowly, to 86.5 percent; the mean pose is at 16.")

# %% [markdown]
# How to read it, from the top:
#
# - **The first epoch** ends at 0.63 of the empty maps and a PCKh of **58.3**.
#   If it ended near 1.00 and near the mean pose, we would stop and search.
# - **The same time buys less and less.** The first four epochs bring PCKh to
#   **76.7**, the next four to **81.5**, the last eight to **86.5**. That is how
#   it usually looks.
# - **The fall of the rate pays at the end.** From epoch 8 to 16, while the rate
#   goes to zero, PCKh still gains five points. Do not stop a cosine half-way
#   and call it the result. The course's default run (8,000 people, 6 epochs)
#   shows 48,000 pictures, as this one has after 3 epochs. It has half as many
#   people, but it comes down to zero: 75.0, says the README, against **73.6**.
# - **The loss falls faster than PCKh rises.** The loss counts every cell, PCKh
#   counts joints that cross a threshold.
#
# **More people or more epochs?** For the same number of steps, more people:
# section 2 was that experiment. Drawn people cost nothing, so have many. Photos
# with labels cost money. There, everybody is seen often, each of MPII's 22,246
# training persons 140 times, and augmentation sees to it that it is never twice
# the same picture.
#
# The model card, `data/weights/laptop/README.md`, says what the network is for,
# what it scores elsewhere, and where it fails. Write one for every network you
# give away.
#
# ## 11. The same on GPUs, and on MPII
#
# Before a long run, ask what it would do. `--dry-run` looks at the data,
# times a few steps on this machine, and writes nothing. Here it is for
# `posecourse train` with nothing else:

# %%
plans = {amp: plan(config_for(amp=amp)) for amp in ("fp32", "bf16")}
print(plan(config_for()))
ratio = plans["bf16"].seconds_per_step / plans["fp32"].seconds_per_step
print(f"\nOn this machine a step in bf16 takes {ratio:.1f} times as long as "
      "in 32 bits.")

# %% [markdown]
# Now the commands, each a line, from the root of the course. MPII must be there
# (`posecourse data fetch mpii-annotations`, then `mpii-images`: 12.9 GB, and a
# licence to accept). `resnet50.pth` has the ImageNet weights of a ResNet-50:
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
# **How long?** *Estimates, not measured here.* What limits such a network on a
# large GPU is how fast it can move its activations through memory. From that,
# one H200 should do about 4,200 pictures of 256 x 256 per second with a
# SimpleBaseline-50, 16 bits, large batches and a compiled network. MPII's
# 22,246 persons 140 times are then 12 minutes, 80 times (`mpii-fast`) 7
# minutes. Batches of 32, as published, keep a large GPU less busy. Four GPUs:
# a quarter of the time at best.
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
# All start from ImageNet weights: **do not forget `--init`**. From random
# weights expect several points less with 22,246 persons. And with 2,958
# persons the 95 % interval is 0.6 to either side: 88.2 and 88.5 are the same
# result. `mpii-fast` is ours and has no published number.
#
# **What several GPUs must agree on.** Each has a copy of the network and a part
# of the batch; after the way back they exchange gradients, and all take the
# same step. Two traps lie here. If each divides by the number of *its* labelled
# joints and then they take the mean, joints on a GPU with few labels count
# more: a mean of means is not the mean. And BatchNorm normalises with the part
# of the batch that it sees. The package divides by the joints of all, and puts
# in `SyncBatchNorm`, which shares its statistics. So several GPUs take the
# step that one would. (A test of the package compares two processes with one.)
#
# ### Exercise 08.3 ★★☆ A common gradient
#
# Write `common(sums, counts)`. `sums` is a list with one array per GPU: the
# gradient of the **sum** of the losses of its labelled joints. `counts` has the
# numbers of these joints. Return the gradient of the mean over all labelled
# joints of all GPUs. If nobody has a label: zeros
# of the same shape.
#
# Expected for `[np.array([6.0]), np.array([10.0])]` and `[3, 1]`: `[4.0]`.

# %% tags=["exercise"]
def common(sums, counts):
    """The gradient of the mean over everybody's labelled joints."""
    # your code here


# %% tags=["solution"]
def common(sums, counts):
    """The gradient of the mean over everybody's labelled joints."""
    return sum(sums) / max(1, sum(counts))


# %% tags=["check"]
check("08.3", common)

# %% [markdown]
# ## Quiz
#
# **1.** A log says: loss 0.0031, falling no more; PCKh 2. Maps of 64 x 64
# cells, $\sigma = 2$, a mean over the cells. What has the network learned?
#
# <details><summary>Answer</summary>
#
# To draw nothing. $\pi \cdot 2^2 / 4096 = 0.0031$ is the loss of empty maps.
# PCKh 2 is what the places of the largest values of noise get by luck; even
# the mean pose has 16.
# </details>
#
# **2.** Training loss 0.1 of the empty maps', validation loss 0.7 and rising
# for five epochs. Your friend suggests a larger network. And you?
#
# <details><summary>Answer</summary>
#
# It is overfitting: it knows its people by heart. A larger network learns by
# heart even better. More people or more augmentation; until then, the weights
# from five epochs ago.
# </details>
#
# **3.** You stop a cosine run of 100 epochs after 50, and the score disappoints.
# Does that show that 50 epochs are too few?
#
# <details><summary>Answer</summary>
#
# No. At half-time the rate is still half of its top, and the weights jitter.
# Compare with a run *planned* for 50 epochs, whose rate has come down to zero.
# </details>
#
# **4.** Somebody saves memory by keeping the weights themselves in bf16. The
# loss stops falling as the learning rate gets small. Why?
#
# <details><summary>Answer</summary>
#
# A step that is smaller than about 1/256 of a weight is rounded away, as
# 0.001 was beside 0.5. The weights stand still although the gradients are
# fine. Keep them in 32 bits.
# </details>
#
# **5.** A run is resumed with another batch size. Everything was saved. Is it
# still the same run?
#
# <details><summary>Answer</summary>
#
# No. Step 40 is now another place in another epoch, with other people; the
# schedule has another length. That is why `--resume` takes the settings from
# the run and refuses others, also where `config.json` was edited.
# </details>
#
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
