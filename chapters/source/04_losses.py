# %% [markdown]
# # 4. Losses
#
# **Write the three losses of pose estimation by hand, look at their
# gradients, and train with them.**
#
# | | |
# |---|---|
# | **you will learn** | heatmap MSE, coordinate L2 and L1; what their gradients pull at; sums and means; masks; why a loss is unreadable without its trivial baseline; gradient descent, step by step |
# | **you need** | [chapter 3](03_heatmaps.ipynb) (Gaussian heatmaps), derivatives, a little PyTorch |
# | **time** | 60 minutes to read, 30 for the exercises |
# | **runs in** | 30 seconds on two CPU cores |

# %% tags=["setup"]
import matplotlib.pyplot as plt
import numpy as np
import torch
from torch import nn

from posecourse import losses
from posecourse.authoring.chapters import require
from posecourse.codecs import (
    CoordinateCodec, HeatmapCodec, argmax_decode, gaussian_heatmaps)
from posecourse.datasets import SyntheticPeople
from posecourse.drawing import draw_pose
from posecourse.exercises import check, hint
from posecourse.metrics import mean_pose, mpjpe
from posecourse.skeletons import MPII, UPPER_BODY, remap
from posecourse.transforms import normalise
from posecourse.visualization import figure, show_people, use_style
from posecourse.visualization.widgets import explore

require("0.1")
use_style()
torch.set_num_threads(1)   # for tensors this small, threads only wait
torch.manual_seed(0)
rng = np.random.default_rng(0)

# %% [markdown]
# ## 1. All errors in one number
#
# The document (section 4.1) writes a network as a function:
#
# $$Y = \phi(I;\Theta), \quad Y \in \mathcal{R}^{K \times 2}$$
#
# A picture $I$ goes in and $K$ joints come out. $\Theta$ are the numbers
# inside the network that training may change. In the second form $K$ heatmaps
# come out: $\hat{H} = \phi(I;\Theta),\ \hat{H} \in \mathcal{R}^{K \times H
# \times W}$. From here on a hat marks what
# the network says; the same letter without a hat is the label.
#
# Training looks for the $\Theta$ with the smallest loss (section 4.2):
#
# $$\Theta^* = \arg\min_{\Theta}\mathcal{L}(\hat{Y},Y)$$
#
# So the loss decides what "good" means. It puts the errors of all joints into
# one number. Its gradient tells each part of the answer which way is better,
# and how much that matters.
#
# Here is a person and an answer that we made up: every joint is a few pixels
# off, and the two wrists are exchanged.

# %%
people = SyntheticPeople(200, seed=4)
wrists = MPII.indices(["left_wrist", "right_wrist"])
person = max((p for p in people if (p.visible == 2).all()),
             key=lambda p: np.ptp(p.keypoints[wrists, 0]))  # widest span
picture = people.read_image(person)
answer = person.keypoints + rng.normal(0, 2.5, person.keypoints.shape)
answer[wrists] = answer[wrists[::-1]]

with figure("A drawn person with both arms stretched out, three times: with "
            "the label's skeleton; with the answer's, whose forearms cross "
            "the body to the other hand; with an arrow per joint, fourteen "
            "short and two that span both arms.",
            1, 3, size=(9, 3.2)) as axes:
    axes[0].imshow(draw_pose(picture, person.keypoints))
    axes[1].imshow(draw_pose(picture, answer))
    axes[2].imshow(picture, alpha=0.4)
    for start, end in zip(answer, person.keypoints):
        axes[2].annotate("", end, start, arrowprops={
            "arrowstyle": "->", "lw": 1.5, "shrinkA": 0, "shrinkB": 0})
    titles = "the label $Y$", r"an answer $\hat Y$", "sixteen errors"
    for axis, title in zip(axes, titles):
        axis.set_title(title)
        axis.set_axis_off()

# %% [markdown]
# The arrows lead from the answer to the label. Fourteen are short, two are
# long. How much should the two long ones count beside the fourteen short
# ones? The two losses of the next section give different replies.
#
# ## 2. Coordinates: L2 and L1
#
# The document's second formula (section 4.2):
#
# $$\mathcal{L}_{l2} = \frac{1}{K}\sum_{k=1}^K(\hat{y}_k - y_k)^2$$
#
# $y_k$ is the place of joint $k$: two numbers. The square of such a vector
# means its squared length, $\Delta x^2 + \Delta y^2$. Section 3.2 names L1
# beside L2. It has absolute values in place of squares:
#
# $$\mathcal{L}_{l1} = \frac{1}{K}\sum_{k=1}^K
# \left(|\hat{x}_k - x_k| + |\hat{y}_k - y_k|\right)$$
#
# (in this formula $x_k$ and $y_k$ are the two coordinates of the joint).
#
# | formula | code |
# |---|---|
# | place of joint $k$, said and true | `predicted[k]`, `target[k]` |
# | $\sum_{k=1}^K$ | `for k in range(K)` |
# | $\frac{1}{K}$ | `/ K` |
#
# **The gradients.** Only the term of joint $k$ contains its place, so the
# derivative is short. For the coordinate $\hat x_k$ ($\hat y_k$ alike):
#
# $$\frac{\partial\mathcal{L}_{l2}}{\partial\hat x_k} =
# \frac{2}{K}(\hat x_k - x_k) \qquad
# \frac{\partial\mathcal{L}_{l1}}{\partial\hat x_k} =
# \frac{1}{K}\,\mathrm{sign}(\hat x_k - x_k)$$
#
# Two joints are enough to do it on paper. The first is 3 pixels off in x and
# 4 in y. The second is 2 pixels off in y and right in x.
#
# **Predict first.** What does each joint add to L2 and to L1? Which coordinate
# does L1 pull hardest?

# %% tags=["nbval-check-output"]
target = torch.tensor([[10.0, 20.0], [30.0, 40.0]])
predicted = torch.tensor([[13.0, 24.0], [30.0, 38.0]])

K = len(target)
l2 = l1 = 0.0
for k in range(K):
    dx, dy = (predicted[k] - target[k]).tolist()
    print(f"joint {k}: squared {dx ** 2 + dy ** 2:2.0f}, "
          f"absolute {abs(dx) + abs(dy):.0f}")
    l2 += (dx ** 2 + dy ** 2) / K
    l1 += (abs(dx) + abs(dy)) / K
by_hand = {"L2": (l2, 2 / K * (predicted - target)),
           "L1": (l1, 1 / K * torch.sign(predicted - target))}

for name, loss in (("L2", losses.coordinate_l2),
                   ("L1", losses.coordinate_l1)):
    value, slope = by_hand[name]
    print(f"{name} by hand {value:4}, gradient {slope.tolist()}")
    moving = predicted.clone().requires_grad_()
    value = loss(moving[None], target[None])    # several persons: (N, K, 2)
    value.backward()
    print(f"   package {value.item():4}, gradient {moving.grad.tolist()}")

# %% [markdown]
# In L2 the first joint counts **25** to **4**, in L1 only **7** to **2**:
# squares make large errors larger still.
#
# L2 pulls in proportion to the error. L1 pulls every wrong coordinate equally
# hard, with $1/K$, be it 4 pixels off or 2. A coordinate that is right is left
# alone by both. The gradient points uphill; training steps the other way.
#
# ### Exercise 04.1 ★☆☆ L1 for a batch
#
# Write L1 for `predicted` and `target` of shape `(N, K, 2)`: the document's
# $\frac{1}{K}\sum_k$, averaged over the N persons. For the two joints above it
# gives 4.5. It takes no loop. Stuck? `hint("04.1")` pushes a little, and a
# little more each time.

# %% tags=["exercise"]
def my_l1(predicted, target):
    """L1 of (N, K, 2) coordinates, one number."""
    # your code here


# %% tags=["solution"]
def my_l1(predicted, target):
    """L1 of (N, K, 2) coordinates, one number."""
    return (predicted - target).abs().sum(-1).mean()


# %% tags=["check"]
check("04.1", my_l1)

# %% [markdown]
# ## 3. Heatmaps: MSE
#
# The document's first formula (section 4.2):
#
# $$\mathcal{L}_{mse} = \frac{1}{K}\sum_{k=1}^K\sum_{i,j}
# (\hat{H}_{k,i,j} - H_{k,i,j})^2$$
#
# $H_k$ is the target map of joint $k$, a Gaussian with peak 1. $\hat H_k$ is
# the map that the network drew. The inner sum runs over all cells, row $i$ and
# column $j$. (The name says *mean*, the formula says *sum*: section 4.)
#
# Each cell $\hat H_{k,i,j}$ occurs in one term only, so
#
# $$\frac{\partial\mathcal{L}_{mse}}{\partial\hat H_{k,i,j}} =
# \frac{2}{K}(\hat{H}_{k,i,j} - H_{k,i,j})$$
#
# The gradient of a heatmap is itself a map: twice the difference. First the
# loss, for one joint on 5 x 5 cells. The network drew its bump one cell too
# far to the right, and too low.

# %% tags=["nbval-check-output"]
H = gaussian_heatmaps(torch.tensor([[2.0, 2.0]]), 5, sigma=1.0)
H_hat = 0.8 * gaussian_heatmaps(torch.tensor([[3.0, 2.0]]), 5, sigma=1.0)
print("target H                      drawn H_hat")
for truth_row, drawn_row in zip(H[0].tolist(), H_hat[0].tolist()):
    print(*(f"{v:.2f}" for v in truth_row), "    ",
          *(f"{v:.2f}" for v in drawn_row))

total = 0.0
for k in range(len(H)):
    for i in range(5):
        for j in range(5):
            total += (H_hat[k, i, j] - H[k, i, j]).item() ** 2
print(f"\nthree loops: {total / len(H):.4f}")
print(f"one line:    {(H_hat - H).square().sum((-2, -1)).mean():.4f}")
print(f"package:     {losses.heatmap_mse(H_hat[None], H[None]):.4f}")

# %% tags=["nbval-check-output"]
truth = gaussian_heatmaps(torch.tensor([[[8.0, 14.0]]]), 24)
drawn = 0.8 * gaussian_heatmaps(torch.tensor([[[14.0, 9.0]]]), 24)
drawn.requires_grad_()
losses.heatmap_mse(drawn, truth).backward()
print("autograd agrees with 2 / K * (drawn - truth):",
      torch.allclose(drawn.grad, 2 * (drawn - truth)))

panels = (("target $H$", truth), (r"drawn $\hat H$", drawn),
          ("minus gradient", -drawn.grad))
with figure("Three maps of 24 by 24 cells. The target has a bump at the lower "
            "left, the drawn map one at the upper right. Minus the gradient "
            "is positive where the target's bump is and negative where the "
            "drawn bump is; between the two it is zero.",
            1, 3, size=(9, 3)) as axes:
    for axis, (title, values) in zip(axes, panels):
        image = axis.imshow(values[0, 0].detach().numpy(), cmap="PuOr",
                            vmin=-2, vmax=2)
        axis.set_title(title)
        axis.set_axis_off()
    axis.figure.colorbar(image, ax=axes, shrink=0.8)

# %% [markdown]
# Descent adds the third map, times the learning rate. Where it is purple the
# map will grow, where it is orange it will shrink. No arrow leads from the
# wrong bump to the right place: each cell hears of its own error only.
# Section 9 comes back to that.
#
# ## 4. Sum or mean?
#
# To the letter, the document *adds* the cells. Published code divides by more.
# For one person with all joints labelled, on maps of $H \times W$ cells (height
# and width, the document's second use of $H$), with $d$ the difference in a
# cell:
#
# | who | loss | `reduction=` | the document's, times |
# |---|---|---|---|
# | the document | $\frac{1}{K}\sum_k\sum_{ij} d^2$ | `"joint_mean"` | 1 |
# | a true mean; mmpose | $\frac{1}{K H W}\sum_k\sum_{ij} d^2$ | `"mean"`, `"mmpose"` | $1/(HW)$: 1/4096 for 64 x 64 |
# | Microsoft's SimpleBaseline and HRNet | $\frac{1}{2 K H W}\sum_k\sum_{ij} d^2$ | `"simple_baseline"` | $1/(2HW)$: 1/8192 for 64 x 64 |
#
# One answer, and the logs of two code bases say numbers that differ by
# $2HW$. Two losses can be compared only if reduction, map size and sigma are
# the same.
#
# The gradient shrinks by the same factor. A step of plain gradient descent
# (SGD) is *learning rate times gradient*. So a learning rate means nothing
# without the reduction it was chosen for.
#
# **Predict first.** An empty map of 64 x 64 cells descends toward one bump for
# 20 steps. With `"joint_mean"` and rate 0.1 almost all of the loss is gone by
# then. How much is gone with `"mean"` and the same rate?

# %% tags=["nbval-check-output"]
bump = gaussian_heatmaps(torch.tensor([[[32.0, 32.0]]]), 64)


def descend_map(reduction, rate, optimiser=torch.optim.SGD):
    """The loss of an empty map, and what is left of it after 20 steps."""
    drawn = torch.zeros_like(bump, requires_grad=True)
    optimise = optimiser([drawn], lr=rate)
    history = []
    for _ in range(21):
        loss = losses.heatmap_mse(drawn, bump, reduction=reduction)
        history.append(loss.item())
        optimise.zero_grad()
        loss.backward()
        optimise.step()
    return history[0], history[-1] / history[0]


for name, reduction, rate in (
        ("SGD", "joint_mean", 0.1), ("SGD", "mean", 0.1),
        ("SGD", "mean", 0.1 * 4096), ("SGD", "simple_baseline", 0.1 * 8192),
        ("Adam", "joint_mean", 0.01), ("Adam", "mean", 0.01)):
    loss, left = descend_map(reduction, rate, getattr(torch.optim, name))
    print(f"{name:5s}{reduction:16s} loss {loss:9.6f}, rate {rate:6.2f}: "
          f"{left:6.1%} left")

# %% [markdown]
# With the mean next to nothing happens: **99.8 %** of the loss is left. The
# rate is 4096 times too small; multiplied by 4096 it gives the same run. Adam
# divides each step by the usual size of the gradient, so to Adam the reduction
# hardly matters. Weight decay inside the loss, or a second loss term, is
# weighed against the first and does change.
#
# ## 5. Joints that nobody labelled
#
# In real data some joints have no label: outside the picture, hidden, or
# forgotten. In MPII's validation set that is so for 28 % of the ankles
# (counted from its annotations). In this course such a joint is NaN, so that
# nobody can mistake it for a place. A mask says which joints count.
#
# **Spot the bug** in this mask. The loss it gives is right.

# %% tags=["nbval-check-output"]
nan = torch.nan
target = torch.tensor([[[10.0, 20.0], [30.0, 40.0], [nan, nan]]])
predicted = torch.tensor([[[13.0, 24.0], [30.0, 38.0], [5.0, 5.0]]])
labelled = torch.tensor([[True, True, False]])


def masked_l2(predicted, target, labelled):
    per_joint = (predicted - target).square().sum(-1)
    counted = torch.where(labelled, per_joint, 0)
    return counted.sum() / labelled.sum()


print("an error of NaN, times a mask of 0:", nan * 0)
for name, loss in (("masked_l2", masked_l2),
                   ("package", losses.coordinate_l2)):
    moving = predicted.clone().requires_grad_()
    value = loss(moving, target, labelled)
    value.backward()
    print(f"{name:9s} loss {value.item()}, gradient of the third joint "
          f"{moving.grad[0, 2].tolist()}")

# %% [markdown]
# <details><summary><b>The bug</b></summary>
#
# The loss is right and its gradient is NaN. One step later the network's
# weights are NaN too. The backward pass multiplies the 0 that comes out of
# `torch.where` by the derivative of the square, $2 \cdot \mathrm{NaN}$; and
# $0 \cdot \mathrm{NaN}$ is NaN. The cure is to select *before* any arithmetic:
# `torch.where(labelled[..., None], predicted - target, 0)`, then the square.
# </details>
#
# Mind the divisor too: it counts the two joints that have a label, not
# $K = 3$. Otherwise a person with few labels has a small loss whatever the
# network says.
#
# Some code avoids NaN by writing (0, 0), or an empty map, where a label is
# missing, and has no mask. It runs, and its loss goes down.
#
# **Predict first.** 25 people have their ankle in the same place. For 7 of
# them it is not labelled. Which one map, and which one coordinate, has the
# smallest loss over all 25?

# %% tags=["nbval-check-output"]
def best_answer(targets, loss, weights=None):
    """Descend on one answer that everybody is given."""
    answer = torch.zeros_like(targets[:1])
    for _ in range(200):
        answer.requires_grad_()
        value = loss(answer.expand_as(targets), targets, weights)
        slope, = torch.autograd.grad(value, answer)
        answer = answer.detach() - 0.1 * slope
    return answer


weights = torch.ones(25, 1)
weights[:7] = 0                       # not labelled
ankles = torch.full((25, 1, 2), 16.0) * weights[..., None]
maps = gaussian_heatmaps(torch.full((25, 1, 2), 16.0), 32)
maps = maps * weights[..., None, None]
for name, mask in (("without a mask", None), ("with the mask", weights)):
    height = best_answer(maps, losses.heatmap_mse, mask).max()
    place = best_answer(ankles, losses.coordinate_l2, mask)[0, 0]
    print(f"{name:14s}: peak {height:.2f} high; the coordinate "
          f"({place[0]:.1f}, {place[1]:.1f}) instead of (16, 16)")

# %% [markdown]
# Without a mask the peak is **0.72** high: the share of people whose ankle was
# labelled. The map stays in place and only looks unsure. The coordinate fares
# worse. It moves toward the corner (0, 0), to **11.5**, where no ankle is.
#
# ### Exercise 04.2 ★★★ A mask that holds
#
# Write the document's heatmap MSE over the labelled joints. `predicted` and
# `target` are `(N, K, H, W)`, and `target` may be NaN where `labelled`
# `(N, K)` is False. With no labelled joint at all the loss is 0. Its gradient
# must never be NaN.

# %% tags=["exercise"]
def my_heatmap_mse(predicted, target, labelled):
    """The document's MSE over the labelled joints, one number."""
    # your code here


# %% tags=["solution"]
def my_heatmap_mse(predicted, target, labelled):
    """The document's MSE over the labelled joints, one number."""
    difference = torch.where(labelled[:, :, None, None],
                             predicted - target, 0)
    return difference.square().sum() / labelled.sum().clamp(min=1)


# %% tags=["check"]
check("04.2", my_heatmap_mse)

# %% [markdown]
# ## 6. A loss is unreadable without its trivial baseline
#
# A log says: loss 0.0007. Is that good? Compare it with an answer that costs
# nothing. A network that draws *empty* maps has $d = -H$ in each cell. Its
# loss is the sum of the squared Gaussian, and a sum over cells is nearly an
# integral over the plane:
#
# $$\sum_{ij} H_{ij}^2 \approx \iint e^{-(x^2+y^2)/\sigma^2}\,dx\,dy
# = \pi\sigma^2$$
#
# As a mean over the cells it is $\pi\sigma^2 / (HW)$ per joint. For
# coordinates the trivial answer is the same pose for everybody. Under L2 the
# best such pose is the *mean pose*, and its loss is the variance of the
# labels. Neither answer needs to look at the picture.

# %% tags=["nbval-check-output"]
print("empty maps, 64 x 64 cells")
print("sigma   measured  pi sigma^2   mean     SimpleBaseline")
for sigma in (1.0, 1.5, 2.0, 3.0):
    target = gaussian_heatmaps(torch.tensor([[[30.2, 33.7]]]), 64, sigma)
    measured = losses.heatmap_mse(torch.zeros_like(target), target)
    summed, mean, halved = (
        losses.zero_heatmap_loss(sigma, 64, reduction)
        for reduction in ("joint_mean", "mean", "simple_baseline"))
    print(f"{sigma:3.1f} {measured:12.4f} {summed:10.4f} "
          f"{mean:10.5f} {halved:9.5f}")
unlabelled = losses.zero_heatmap_loss(1.0, 64, "mmpose", labelled=0.935)
print(f"sigma 1, a mean that also counts MPII's 6.5 % without a label: "
      f"{unlabelled:.5f}")

# %% tags=["nbval-check-output"]
poses = np.stack([person.keypoints for person in people])
seen = np.stack([person.visible for person in people])
codec = CoordinateCodec(people.size)
places, weights = codec.encode(torch.tensor(poses), torch.tensor(seen))
trivial = losses.mean_pose_loss(places, weights)
print(f"the mean pose, coordinates from 0 to 1: L2 {trivial:.2f}")
print(f"in a picture of {people.size} pixels: "
      f"{trivial ** 0.5 * people.size:.0f} pixels off (root mean square)")

pictures = [people.read_image(person) for person in people]
typical = mean_pose(poses, seen)
average = np.mean(pictures, axis=0).astype(np.uint8)
show_people([average, *pictures[:3]], [typical] * 4,
            titles=["200 people, averaged", *["the mean pose"] * 3],
            size=1.8,
            alt="Left, the average of 200 pictures of people: a blurred "
            "upright shape with the mean pose drawn on it, a small upright "
            "person with hanging arms. Right, the same pose on three "
            "people, whose arms and legs are elsewhere.")

# %% [markdown]
# The 0.0007 is the table's first row: **0.00077** for sigma 1, or **0.00072**
# if the joints without a label stay in the mean. Users of a public Hourglass
# implementation have asked why the loss rests there while no joint is found. The number gives
# the answer: the maps are empty. And a coordinate loss of **0.02** looks small, yet it is what
# the mean pose gets, typically **19** pixels off.
#
# So print the trivial baseline beside every loss, or divide by it: 1 is
# "learned nothing", 0 is perfect, and a value that rests at 1 has a name.
#
# ### Exercise 04.3 ★★☆ Read the plateau
#
# A log rests at `value` for maps of `size` x `size` cells, all joints
# labelled. You suspect empty maps. Which reduction (`"joint_mean"`, `"mean"` or
# `"simple_baseline"`) and which sigma (1, 1.5, 2 or 3) was it? A run rests near its
# plateau, up to 4 % off. Return both, for example `("mean", 1.5)`.

# %% tags=["exercise"]
def read_plateau(value, size):
    """(reduction, sigma) of empty maps whose loss is near value."""
    # your code here


# %% tags=["solution"]
def read_plateau(value, size):
    """(reduction, sigma) of empty maps whose loss is near value."""
    def distance(guess):
        reduction, sigma = guess
        plateau = losses.zero_heatmap_loss(sigma, size, reduction)
        return abs(value - plateau)

    return min([(reduction, sigma)
                for reduction in ("joint_mean", "mean", "simple_baseline")
                for sigma in (1, 1.5, 2, 3)], key=distance)


# %% tags=["check"]
check("04.3", read_plateau)

# %% [markdown]
# ## 7. L2 or L1: one wrong label
#
# Five people mark the x of the same wrist. Four agree within 2 pixels. The
# fifth marked the other wrist.
#
# **Predict first.** One answer has to serve all five labels. Which answer does
# L2 choose, and which L1?

# %% tags=["nbval-check-output"]
labels = torch.tensor([30.0, 31.0, 31.0, 32.0, 90.0])
tried = torch.arange(20, 100, 0.1)
errors = tried[:, None] - labels              # (tried, 5)
curves = {"L2": errors.square().mean(1), "L1": errors.abs().mean(1)}
for name, curve in curves.items():
    print(f"{name}: smallest at {tried[curve.argmin()]:.1f}")
print(f"mean of the labels {labels.mean():.1f}, median "
      f"{labels.median():.1f}")

with figure("Two curves of the loss over the answer, with the five labels as "
            "marks at the bottom: four near 31, one at 90. The L2 curve is "
            "a parabola with its lowest point at 42.8, where no label is. "
            "The L1 curve is made of straight pieces, lowest at 31.",
            1, 2, size=(8.4, 3)) as axes:
    for axis, (name, curve) in zip(axes, curves.items()):
        axis.plot(tried, curve, color="black")
        axis.plot(labels, 0 * labels, "|", ms=16, mew=2, label="labels")
        best = curve.argmin()
        axis.plot(tried[best], curve[best], "o", ms=9)
        axis.legend(loc="upper left")
        axis.set(title=f"{name}: best answer {tried[best]:.1f}",
                 xlabel="answer, pixels", ylabel="loss")

# %% [markdown]
# One wrong label moves L2's answer to **42.8**, where nobody's wrist is. L1
# stays at **31.0**. Set the derivatives to zero and you see why.
# $\sum_n 2(\hat x - x_n) = 0$ makes $\hat x$ the *mean*.
# $\sum_n \mathrm{sign}(\hat x - x_n) = 0$ asks for as many labels on the left
# as on the right: the *median*, which does not care how far away they are.
#
# Each loss is also a belief about errors. If they follow a density $p$, the
# likeliest answer minimises $-\log p$:
#
# | density of an error $d$ | $-\log p(d)$ | loss |
# |---|---|---|
# | Gauss, $\propto e^{-d^2/(2s^2)}$ | $d^2/(2s^2)$ + constant | L2 |
# | Laplace, $\propto e^{-\lvert d\rvert/b}$ | $\lvert d\rvert/b$ + constant | L1 |
#
# Gauss holds errors of many $s$ for impossible, so it bends the answer to
# avoid them. Laplace has heavier tails: it expects a wild label now and then.
#
# Two losses lie between. **Smooth L1** is a parabola below `beta` and straight
# above it. **Wing** is logarithmic below `width`, so it pulls *harder* the
# smaller the error is; above it is straight too. From scratch, beside the package's:

# %% tags=["nbval-check-output"]
def smooth_l1(d, beta=4.0):
    return torch.where(d.abs() < beta, d ** 2 / (2 * beta),
                       d.abs() - beta / 2)


def wing(d, width=10.0, curvature=2.0):
    log = width * torch.log1p(d.abs() / curvature)
    offset = width - width * np.log1p(width / curvature)
    return torch.where(d.abs() < width, log, d.abs() - offset)


d = torch.linspace(-15, 15, 600, requires_grad=True)
xy = torch.stack([d, 0 * d], -1)[:, None]     # errors in x only, (N, K, 2)
for name, package, ours in (("smooth_l1", losses.smooth_l1, smooth_l1(d)),
                            ("wing", losses.wing, wing(d))):
    options = {"beta": 4.0} if name == "smooth_l1" else {}
    theirs = package(xy, 0 * xy, reduction="none", **options)[:, 0]
    print(f"{name} agrees:", torch.allclose(ours, theirs, atol=1e-5))

# %%
with figure("Left, four losses over the error: L2 a steep parabola, L1 a V, "
            "smooth L1 a V with a round tip, wing a V with a sharp, deep "
            "tip. Right, their gradients: L2 a steep line, L1 a step from "
            "-1 to 1, smooth L1 a ramp between the same levels, wing about "
            "5 near zero and falling to about 1.",
            1, 2, size=(9, 3.4)) as (left, right):
    for name, loss in (("L2", d ** 2), ("L1", d.abs()),
                       ("smooth L1", smooth_l1(d)), ("wing", wing(d))):
        slope, = torch.autograd.grad(loss.sum(), d)
        left.plot(d.detach(), loss.detach(), label=name)
        right.plot(d.detach(), slope, label=name)
    left.set(title="the loss", xlabel="error $d$, pixels", ylim=(0, 30))
    right.set(title="its gradient: how hard it pulls",
              xlabel="error $d$, pixels", ylim=(-6, 6))
    right.legend()

# %% [markdown]
# Read the right panel. Far from zero, L2 pulls harder and harder (it leaves
# the picture); all others pull with strength 1, so an outlier has one vote and
# no more. Near zero, L2 and smooth L1 let go, L1 keeps pulling, and wing pulls
# hardest: it still works on the last pixels.
#
# ## 8. Gradient descent by hand
#
# The document's $\arg\min$ is found step by step. With learning rate $\eta$:
#
# $$\Theta \leftarrow \Theta - \eta\,
# \frac{\partial\mathcal{L}}{\partial\Theta}$$
#
# For now $\Theta$ are the joints of the answer themselves; no network. We take
# the upper body of the document's example (section 4.3, $K = 5$), start with
# all joints in the middle of the picture, and use the two gradients from
# section 2.
#
# **Predict first.** Under L2 and under L1: which joints arrive first, and how
# does the last bit of the way look?

# %% tags=["nbval-check-output"]
truth, shown = remap(person.keypoints, person.visible, MPII, UPPER_BODY)
K = len(truth)


def descend(gradient, rate, steps):
    """All answers on the way, (steps + 1, K, 2)."""
    answers = [np.full((K, 2), people.size / 2)]
    for _ in range(steps):
        answers.append(answers[-1] - rate * gradient(answers[-1] - truth))
    return np.stack(answers)


paths = {"L2": descend(lambda d: 2 / K * d, rate=0.25, steps=60),
         "L1": descend(lambda d: np.sign(d) / K, rate=5.0, steps=60)}
for name, path in paths.items():
    off = np.linalg.norm(path[:, -1] - truth[-1], axis=-1)
    print(f"{name}: wrist off by {off[[0, 5, 15, 40, 59, 60]].round(1)} "
          "pixels at step 0, 5, 15, 40, 59, 60")

strip = [(name, step) for name in paths for step in (0, 5, 15, 40)]
show_people([draw_pose(picture, paths[name][step], skeleton=UPPER_BODY,
                       thickness=3) for name, step in strip], columns=4,
            titles=[f"{name}, step {step}" for name, step in strip],
            size=1.8, alt="Five joints leave the middle. With L2 they form "
            "a small head and arm that grows; with L1, a clump for long.")

# %% [markdown]
# L2 moves all joints in proportion: each step takes away the same share,
# $1 - 2\eta/K = 0.9$ is left, so all joints arrive together and ever more
# slowly. L1 moves every coordinate by the same $\eta/K = 1$ pixel: near joints
# arrive first, far ones walk on. It cannot stop: at the end it hops to and fro
# over the label by up to a pixel. That is why learning rates fall during
# training (chapter 8).
#
# ## 9. A heatmap does not move
#
# Now the same descent on a map. A bump stands at x = 6 and should be at x = 17.
# In the first run, the *cells* descend on the heatmap MSE, each with its own
# gradient. In the second, the *place* of a bump descends on coordinate L2. The
# learning rate is the same, and so is the share of the error that each step
# leaves: 0.9.
#
# **Predict first.** After about half of the way, where is the highest cell in
# each of the two runs?

# %% tags=["nbval-check-output"]
wrong, right = (torch.tensor([[[x, 6.0]]]) for x in (6.0, 17.0))
target = gaussian_heatmaps(right, (24, 13))
cells, place, frames = gaussian_heatmaps(wrong, (24, 13)), wrong, []
for step in range(21):
    if step in (0, 3, 6, 8, 20):
        moved = gaussian_heatmaps(place, (24, 13))
        peaks = [argmax_decode(m)[0][0, 0, 0].item() for m in (cells, moved)]
        print(f"step {step:2d}: highest cell at x = {peaks[0]:.0f} (cells), "
              f"{peaks[1]:.0f} (place)")
        frames.append((step, cells[0, 0], moved[0, 0]))
    cells = cells - 0.05 * 2 * (cells - target)
    place = place - 0.05 * 2 * (place - right)

with figure("Two rows of five maps. Above, one bump fades on the left while "
            "another appears on the right. Below, one bump travels from "
            "left to right.", 2, 5, size=(9, 2.6)) as axes:
    for column, (step, *pair) in enumerate(frames):
        for axis, values in zip(axes[:, column], pair):
            axis.imshow(values.numpy(), vmin=0, vmax=1, cmap="inferno")
            axis.axvline(17, color="white", lw=1, ls=":")
            axis.set(xticks=[], yticks=[])
        axes[0, column].set_title(f"step {step}")
    axes[0, 0].set_ylabel("cells")
    axes[1, 0].set_ylabel("place")

# %% [markdown]
# The upper row is a cross-fade. The old bump sinks in place while a new one
# rises in place; the highest cell sits still, then jumps from **6** to **17**.
# Nothing ever stands between. The lower row moves.
#
# The reason is in the loss. Take a whole bump, $d$ cells from its target, and
# expand the square. The two bumps have $\pi\sigma^2$ each, minus twice their
# overlap:
#
# $$\mathcal{L}(d) = 2\pi\sigma^2\left(1 - e^{-d^2/(4\sigma^2)}\right)
# \qquad
# \frac{\partial\mathcal{L}}{\partial d} = \pi d\, e^{-d^2/(4\sigma^2)}$$
#
# Once they no longer overlap, the loss is flat. It cannot tell 12 cells off
# from 30 cells off. Let us measure that, with autograd through the place.

# %% tags=["nbval-check-output"]
FORMS = {"heatmap MSE": losses.heatmap_mse, "L2": losses.coordinate_l2,
         "L1": losses.coordinate_l1, "smooth L1": losses.smooth_l1,
         "wing": losses.wing}


def loss_and_pull(form, offsets, sigma=2.0, height=1.0):
    """Loss of answers some cells off in x, and its derivative."""
    x = (40 + torch.as_tensor(offsets)).requires_grad_()
    answer = torch.stack([x, 0 * x + 10], -1)[:, None]       # (N, 1, 2)
    target = torch.tensor([40.0, 10.0]).expand_as(answer)
    if form == "heatmap MSE":
        answer = height * gaussian_heatmaps(answer, (81, 21), sigma)
        target = gaussian_heatmaps(target, (81, 21), 2.0)
    loss = FORMS[form](answer, target, reduction="none")[:, 0]
    pull, = torch.autograd.grad(loss.sum(), x)
    return loss.detach(), pull


distances = torch.tensor([1.0, 3.0, 6.0, 12.0, 30.0])
loss, pull = loss_and_pull("heatmap MSE", distances)
formula = 8 * np.pi * (1 - torch.exp(-distances ** 2 / 16))
for row in zip(distances, loss, formula, pull):
    print("{:2.0f} cells off: loss {:5.2f} (formula {:5.2f}), pull {:.2f}"
          .format(*row))

# %% [markdown]
# At 12 and at 30 cells the loss is the same **25.13**, and the pull is
# **0.00**. Note the height of that plateau: $2\pi\sigma^2$, *twice* the loss
# of an empty map. A sharp peak in the wrong place costs twice as much as no
# peak at all. So a network that is unsure draws low peaks; that is why the
# height of a peak can serve as its confidence.
#
# Why do heatmap networks learn at all? Because a network does not shift a
# bump. It draws cells, and the cell at the right place does have a gradient:
# *grow*. It needs no path from here to there, but it has to recognise the
# joint in each cell where one may be.
#
# Try it: choose a loss and drag the answer. Under the heatmap MSE, drag
# `height` too, for an answer far away.

# %%
def draw(loss, offset, sigma, height):
    made, axes = plt.subplots(1, 3, figsize=(9.4, 2.9))
    bump = height * gaussian_heatmaps(
        torch.tensor([40.0 + offset, 10.0]), (81, 21), sigma)
    axes[0].imshow(bump[:, 15:66].numpy(), vmin=0, vmax=1, cmap="inferno",
                   extent=(-25.5, 25.5, -10.5, 10.5))
    axes[0].plot(0, 0, "+", color="white", ms=14, mew=2)
    axes[0].set_title("the answer; + is the label")
    axes[0].grid(False)
    at = torch.cat([torch.tensor([offset]), torch.linspace(-25, 25, 201)])
    for axis, values, name in zip(axes[1:], loss_and_pull(
            loss, at, sigma, height), ("loss", "pull (gradient)")):
        axis.plot(at[1:], values[1:], "k-", at[0], values[0], "o", ms=10)
        axis.set(title=f"{loss}: {name} {values[0]:.2f}",
                 xlabel="cells from the label")
    if loss == "heatmap MSE":
        axes[1].axhline(np.pi * 4, ls="--")
        axes[1].text(25, np.pi * 4, "empty map", ha="right", va="top")
    return made


explore(draw, "A bump {offset:.1f} cells from its label; curves of {loss} and "
        "its gradient over that distance, with a dot where the bump is",
        loss=list(FORMS), offset=(-25.0, 25.0, 8.0, 0.5),
        sigma=(0.5, 6.0, 2.0, 0.5), height=(0.0, 1.0, 1.0, 0.05))

# %% [markdown]
# ## 10. Two losses, two networks, twelve pictures
#
# Before any long training, ask of a network and its loss: can they learn
# twelve pictures by heart? If not, something is broken, and no data will mend
# it. Two small networks share their design up to the last layers. One draws
# heatmaps of 16 x 16 cells and descends on the heatmap MSE. The other says
# coordinates and descends on L2. This is no contest: chapter 5 compares them
# fairly, on pictures they have not seen.

# %%
def batch(dataset):
    """Normalised pictures, keypoints and visibility as tensors."""
    pictures = np.stack([dataset.read_image(p) for p in dataset])
    return (normalise(torch.tensor(pictures).permute(0, 3, 1, 2)),
            torch.tensor(np.stack([p.keypoints for p in dataset])).float(),
            torch.tensor(np.stack([p.visible for p in dataset])))


def conv(before, after, stride):
    return nn.Sequential(
        nn.Conv2d(before, after, 3, stride, 1, bias=False),
        nn.BatchNorm2d(after), nn.ReLU())


def trunk():
    return [conv(3, 32, 2), conv(32, 32, 2), conv(32, 32, 1),
            conv(32, 32, 1)]


draws = nn.Sequential(*trunk(), nn.Conv2d(32, 16, 1))
says = nn.Sequential(
    *trunk(), conv(32, 32, 2), conv(32, 32, 2), nn.Flatten(),
    nn.Linear(32 * 16, 32), nn.Unflatten(1, (16, 2)))

# %% tags=["nbval-check-output"]
small = SyntheticPeople(12, seed=1, size=64)
images, keypoints, visible = batch(small)
for head, start in ((draws[-1], 0.0), (says[-2], 0.5)):
    nn.init.zeros_(head.weight)       # start with the same answer to all
    nn.init.constant_(head.bias, start)
curves, trained = {}, {}
for name, net, codec, loss in (
        ("heatmap MSE", draws, HeatmapCodec(64, 16, sigma=1.0),
         losses.heatmap_mse),
        ("coordinate L2", says, CoordinateCodec(64), losses.coordinate_l2)):
    target, weights = codec.encode(keypoints, visible)
    trivial = (loss(0 * target, target, weights).item() if net is draws
               else losses.mean_pose_loss(target, weights))
    optimiser = torch.optim.Adam(net.parameters(), lr=3e-3)
    curves[name] = []
    for _ in range(100):
        value = loss(net(images), target, weights)
        optimiser.zero_grad()
        value.backward()
        optimiser.step()
        curves[name].append(value.item() / trivial)
    trained[name] = net.eval(), codec
    print(f"{name}: trivial loss {trivial:.3f}; of it at the start "
          f"{curves[name][0]:.1f}, at the end {curves[name][-1]:.1f}")

# %% tags=["nbval-check-output"]
new = SyntheticPeople(12, seed=2, size=64)
typical = mean_pose(keypoints, visible)[None].repeat(12, 0)
sheet = []
for name, (net, codec) in trained.items():
    for kind, group in (("learned", small), ("new", new)):
        pictures, labels, seen = batch(group)
        poses, _ = codec.decode(net(pictures).detach())
        off, lazy = (mpjpe(p, labels, seen) for p in (poses, typical))
        print(f"{name}, {kind} pictures: nearer than the mean pose: "
              f"{off < lazy}")
        sheet.append((group.read_image(group[2]), poses[2],
                      f"{name},\n{kind} picture"))

with figure("Loss divided by trivial loss, falling over 100 steps: heatmaps "
            "from 1 to 0.02, coordinates from above 1 to far less.",
            size=(7, 3)) as axis:
    for name, curve in curves.items():
        axis.plot(curve, label=name)
    axis.axhline(1, color="black", lw=1, ls="-", label="ignoring the picture")
    axis.set(yscale="log", xlabel="step", ylabel="loss / trivial loss")
    axis.legend()
images, poses, titles = zip(*sheet)
show_people(images, poses, titles=titles, size=1.9, alt="On pictures that "
            "were learned, the poses of both networks lie on the person; on "
            "new ones they miss.")

# %% [markdown]
# Divided by the loss of a constant prediction, both curves have one unit.
# The heatmap network starts at **1.0**: its last layer is zero, it draws empty
# maps. The coordinate network starts at **2.2**, with all joints in the middle
# of the picture, and passes 1 on its way. Both end near 0: they know the twelve
# pictures by heart, so network, target, loss and descent work together.
#
# On new pictures both networks are *further* off than the mean pose. A low training loss says that the pictures
# were learned, not that people can be found. For that it takes more data
# (chapter 6), better networks (7), longer training (8) and a measurement on
# pictures that were held back (9).
#
# ## Quiz
#
# **1.** Log A says 6.1 with the document's reduction. Log B says 0.0012 with a
# mean over 64 x 64 cells. Same sigma, all joints labelled. Whose maps are
# nearer to the target?
#
# <details><summary>Answer</summary>
#
# B's. In the document's unit B has $0.0012 \cdot 4096 \approx 4.9$. If sigma
# is 2, empty maps have 12.6, so both have learned something.
# </details>
#
# **2.** A run with SGD works with `"mean"` and rate 400. You switch to
# `"joint_mean"` and keep the rate. What happens?
#
# <details><summary>Answer</summary>
#
# The gradient is 4096 times larger, and each step overshoots the target by
# far. The loss grows at every step until it is infinite or NaN. The rate has
# to be divided by 4096 as well.
# </details>
#
# **3.** A network is 60 % sure that the joint is *here*; otherwise it is
# somewhere far away. How high a peak should it draw here to make the expected
# heatmap MSE smallest?
#
# <details><summary>Answer</summary>
#
# 0.6. In every cell the best value is the mean of the possible targets, as in
# section 7: 0.6 times a bump here. (Elsewhere it adds low bumps for the other
# places.) So the height of a peak is a confidence.
# </details>
#
# **4.** In the experiment with the ankles, 7 of 25 labels were written as
# (0, 0) and L2 without a mask answered (11.5, 11.5). What would L1 have
# answered?
#
# <details><summary>Answer</summary>
#
# (16, 16), the median: 18 of 25 labels are there. With more than half of the
# labels missing it would jump to (0, 0). L1 hides the mistake; it does not
# mend it.
# </details>
#
# **5.** Coordinates are given from 0 to 1, and the loss is smooth L1 with
# `beta=1`. Which loss is it really?
#
# <details><summary>Answer</summary>
#
# L2, halved. No error inside the picture exceeds 1, so the straight part is
# never reached. `beta` has the unit of the coordinates.
# </details>
#
# ## Summary
#
# - A loss makes one number of all errors; its gradient says which way each
#   part of the answer should go, and how hard it is pulled.
# - L2 pulls in proportion to the error, its best constant is the mean, and it
#   believes in Gaussian errors. L1 pulls all errors alike; median, Laplace.
# - Heatmap MSE pulls each cell by its own error. Peaks rise and sink in place;
#   far from the target the loss does not know how far.
# - Sum, mean and half mean differ by factors of thousands. The learning rate
#   of SGD goes with them; Adam's hardly does.
# - Joints without a label are selected out before any arithmetic, and out of
#   the divisor. Zeros in their place are labels, wrong ones.
# - Print the trivial baseline beside the loss: $\pi\sigma^2/(HW)$ for empty
#   maps, the variance of the labels for the mean pose.
#
# ## Common mistakes
#
# - **Comparing losses** across reductions, map sizes, sigmas or units. Compare
#   PCKh (chapter 9), or the loss divided by its trivial baseline.
# - **Masking after the square.** The loss looks fine, the gradient is NaN.
# - **`torch.nn.MSELoss()` on coordinates** and the document's formula: the
#   first also averages over x and y and gives half.
# - **Pixel-sized constants on coordinates from 0 to 1.** Smooth L1 with
#   `beta=1` is L2 there; wing with `width=10` never leaves its logarithm.
# - **Trusting a falling loss.** Falling to the trivial baseline is not
#   learning.
#
# ## Further reading
#
# - Toshev and Szegedy, *DeepPose* (2014): coordinates and L2, the start of
#   pose estimation with deep networks.
# - Tompson et al., *Joint Training of a Convolutional Network and a Graphical
#   Model for Human Pose Estimation* (2014): why to draw maps instead.
# - Girshick, *Fast R-CNN* (2015): where smooth L1 comes from, in half a page.
# - Feng et al., *Wing Loss for Robust Facial Landmark Localisation with
#   Convolutional Neural Networks* (2018): gradients of losses, compared as in
#   section 7.
# - Li et al., *Human Pose Regression with Residual Log-likelihood Estimation*
#   (2021): L1 and L2 as beliefs about errors, and a network that learns the
#   belief too (`losses.rle`).
# - Nibali et al., *Numerical Coordinate Regression with Convolutional Neural
#   Networks* (2018): a coordinate loss that reaches through a heatmap, so that
#   a far peak is pulled (`losses.dsnt`).
