# %% [markdown]
# # 4. Losses
#
# **Write the three losses of pose estimation by hand, look at their
# gradients, and train with them.**
#
# ![Twice the same drawn person. Sixteen joints start in one point and move to their places: on the left all together, growing into a skeleton; on the right at one speed, the near ones first.](figures/04_opening.gif)
#
# Sixteen joints start in the middle of the picture and find home. No rule of
# bodies tells them the way: only a number, the loss, and the direction in
# which it falls. That loss is what differs between left and right: L2 and L1,
# which this chapter builds.
#
# | | |
# |---|---|
# | **You will learn** | heatmap MSE, coordinate L2 and L1; what their gradients pull at; sums and means; masks; why a loss is unreadable without its trivial baseline; gradient descent, step by step |
# | **You need** | [chapter 3](03_heatmaps.ipynb) (Gaussian heatmaps), derivatives, a little PyTorch |
# | **Time** | 60 minutes to read, 60 for the exercises; the project takes an evening |
# | **Runs in** | 30 seconds on two CPU cores |

# %% tags=["setup"]
import matplotlib.pyplot as plt
import numpy as np
import torch
from torch import nn
from posecourse import losses
from posecourse.authoring.chapters import require
from posecourse.codecs import (
    CoordinateCodec, HeatmapCodec, argmax_decode, gaussian_heatmaps)
from posecourse.datasets.synthetic import Difficulty, SyntheticPeople
from posecourse.drawing import draw_pose
from posecourse.exercises import check, hint, quiz
from posecourse.metrics import mean_pose, mpjpe
from posecourse.skeletons import MPII, UPPER_BODY, remap
from posecourse.transforms import normalise
from posecourse.visualization import (Point, animate, explore, figure,
                                      show_people, use_style)
from posecourse.visualization.diagrams import (
    dragged_wrist, four_losses, gradient_maps, label_and_answer, two_descents)
from posecourse.visualization.tables import table

require("0.1")
use_style()
torch.set_num_threads(1)   # for tensors this small, threads only wait
torch.manual_seed(0)
rng = np.random.default_rng(0)

# %% [markdown] document="3.2 step 3"
# ## 1. All errors in one number
#
# The document (4.1) writes a network as a function:
#
# $$Y = \phi(I;\Theta), \quad Y \in \mathcal{R}^{K \times 2}$$
#
# A picture $I$ goes in and $K$ joints come out. $\Theta$ are the numbers
# inside the network that training may change. In the second form $K$ heatmaps
# come out: $\hat{H} = \phi(I;\Theta),\ \hat{H} \in \mathcal{R}^{K \times H
# \times W}$. From here on, a hat marks what the network gives; the same letter
# without a hat is the label.
#
# Training, in the document's words (4.2), works like this: "the CNN's
# parameters $\Theta$ are optimised by gradient descent, so that the loss
# function becomes smallest":
#
# $$\Theta^* = \arg\min_{\Theta}\mathcal{L}(\hat{Y},Y)$$
#
# So the loss decides what "good" means. It puts the errors of all joints into
# one number. Its gradient tells each part of the answer which way is better,
# and how much that matters.
#
# Here is a person, and an answer that we made up: every joint is a few pixels
# off, and the two wrists are exchanged.

# %%
people = SyntheticPeople(200, seed=4, difficulty=Difficulty(noise=0))
wrists = MPII.indices(["left_wrist", "right_wrist"])
person = max((p for p in people if (p.visible == 2).all()),
             key=lambda p: np.ptp(p.keypoints[wrists, 0]))  # widest span
picture = people.read_image(person)
answer = person.keypoints + rng.normal(0, 2.5, person.keypoints.shape)
answer[wrists] = answer[wrists[::-1]]

label_and_answer(
    picture, person.keypoints, answer,
    alt="A drawn person with both arms stretched out, three times: with the "
    "label's skeleton; with the answer's, whose forearms cross the body to "
    "the other hand; with an arrow per joint, fourteen short ones and two "
    "long arcs, one above the other, that span both arms.")

# %% [markdown] document="4.2 L2"
# The arrows lead from the answer to the label. Fourteen are short; the two
# arcs are the wrists. How much should those two count beside the fourteen?
# The two losses of the next section disagree about that.
#
# ## 2. Coordinates: L2 and L1
#
# The document (4.2) calls this one "the L2 loss of the keypoint coordinates":
#
# $$\mathcal{L}_{l2} = \frac{1}{K}\sum_{k=1}^K(\hat{y}_k - y_k)^2$$
#
# $y_k$ is the place of joint $k$: two numbers. The square of such a vector
# means its squared length, $\Delta x^2 + \Delta y^2$. Elsewhere (3.2) the
# document names L1 beside L2. L1 has absolute values in place of squares:
#
# $$\mathcal{L}_{l1} = \frac{1}{K}\sum_{k=1}^K
# \left(|\hat{x}_k - x_k| + |\hat{y}_k - y_k|\right)$$
#
# (in this formula $x_k$ and $y_k$ are the two coordinates of the joint).
#
# | formula | code |
# |---|---|
# | place of joint $k$, predicted and true | `predicted[k]`, `target[k]` |
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
# <details><summary>Answer</summary>
#
# In L2 the first joint counts **25** to **4**, in L1 only **7** to **2**:
# squares make large errors larger still. L1 pulls every wrong coordinate
# equally hard, with $1/K$, whether it is 4 pixels off or 2.
# </details>
#
# L2 pulls in proportion to the error. A coordinate that is right is left
# alone by both. The gradient points uphill; training steps the other way.
#
# ### Exercise 04.1 ★☆☆ L1 for a batch
#
# Write L1 for `predicted` and `target` of shape `(N, K, 2)`: the document's
# $\frac{1}{K}\sum_k$, averaged over the N persons. For the two joints above it
# gives 4.5. You need no loop. (10 minutes) Stuck? `hint("04.1")`.

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

# %% [markdown] document="4.2 MSE"
# ## 3. Heatmaps: MSE
#
# For heatmaps, says the document (4.2), "the MSE (mean squared error) can be
# used as the loss function":
#
# $$\mathcal{L}_{mse} = \frac{1}{K}\sum_{k=1}^K\sum_{i,j}
# (\hat{H}_{k,i,j} - H_{k,i,j})^2$$
#
# $H_k$ is the target map of joint $k$, a Gaussian with peak 1. $\hat H_k$ is
# the map that the network drew. The inner sum runs over all cells, row $i$ and
# column $j$. (The name says *mean*, the formula says *sum*. Section 4 is about
# that.)
#
# Each cell $\hat H_{k,i,j}$ occurs in one term only, so
#
# $$\frac{\partial\mathcal{L}_{mse}}{\partial\hat H_{k,i,j}} =
# \frac{2}{K}(\hat{H}_{k,i,j} - H_{k,i,j})$$
#
# The gradient of a heatmap is itself a map: twice the difference. First the
# loss, for one joint on 5 x 5 cells. The network drew its bump one cell too
# far to the right, and too low. Then the gradient, on larger maps.

# %% tags=["nbval-check-output"]
H = gaussian_heatmaps(torch.tensor([[2.0, 2.0]]), 5, sigma=1.0)
H_hat = 0.8 * gaussian_heatmaps(torch.tensor([[3.0, 2.0]]), 5, sigma=1.0)
print("target H                      drawn H_hat")
for truth_row, drawn_row in zip(H[0].tolist(), H_hat[0].tolist()):
    print(*(f"{v:.2f}" for v in truth_row), "    ",
          *(f"{v:.2f}" for v in drawn_row))

total = sum((H_hat[k, i, j] - H[k, i, j]).item() ** 2
            for k in range(len(H)) for i in range(5) for j in range(5))
print(f"\nthree loops: {total / len(H):.4f}")
print(f"one line:    {(H_hat - H).square().sum((-2, -1)).mean():.4f}")
print(f"package:     {losses.heatmap_mse(H_hat[None], H[None]):.4f}")

truth = gaussian_heatmaps(torch.tensor([[[8.0, 14.0]]]), 24)
drawn = 0.8 * gaussian_heatmaps(torch.tensor([[[14.0, 9.0]]]), 24)
drawn.requires_grad_()
losses.heatmap_mse(drawn, truth).backward()
off = (drawn.grad - 2 * (drawn - truth)).abs().max()
print(f"autograd differs from 2 / K * (drawn - truth) by {off:.4f}")
gradient_maps(
    truth[0, 0], drawn[0, 0].detach(), drawn.grad[0, 0],
    alt="Three maps of 24 by 24 cells. The target has a bump at the lower "
    "left, the drawn map one at the upper right. Minus the gradient is "
    "positive where the target's bump is and negative where the drawn one is.")

# %% [markdown]
# Descent adds the third map, times the learning rate, to the second. Where it
# is purple the drawn map will grow, where it is orange it will shrink. No
# arrow leads from the wrong bump to the right place: each cell knows only its
# own error. Section 9 comes back to that.
#
# ## 4. Sum or mean?
#
# Taken at its word, the document *adds* the cells. Published code divides by
# more. For one person with all joints labelled, on maps of $H \times W$ cells
# (height and width, the document's second use of $H$), with $d$ the difference
# in a cell:
#
# | who | loss | `reduction=` | the document's, times |
# |---|---|---|---|
# | the document | $\frac{1}{K}\sum_k\sum_{ij} d^2$ | `"joint_mean"` | 1 |
# | a true mean; mmpose | $\frac{1}{K H W}\sum_k\sum_{ij} d^2$ | `"mean"`, `"mmpose"` | $1/(HW)$: 1/4096 for 64 x 64 |
# | Microsoft's SimpleBaseline and HRNet | $\frac{1}{2 K H W}\sum_k\sum_{ij} d^2$ | `"simple_baseline"` | $1/(2HW)$: 1/8192 for 64 x 64 |
#
# So for one and the same answer, the logs of two code bases can show numbers
# that differ by a factor of $2HW$. Two losses can be compared only if
# reduction, map size and sigma are the same.
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
    """The loss of an empty map, and how many % are left after 20 steps."""
    drawn, history = torch.zeros_like(bump, requires_grad=True), []
    optimise = optimiser([drawn], lr=rate)
    for _ in range(21):
        optimise.zero_grad()
        loss = losses.heatmap_mse(drawn, bump, reduction=reduction)
        loss.backward()
        optimise.step()
        history.append(loss.item())
    return history[0], 100 * history[-1] / history[0]


rows = []
for name, reduction, rate in (
        ("SGD", "joint_mean", 0.1), ("SGD", "mean", 0.1),
        ("SGD", "mean", 0.1 * 4096), ("SGD", "simple_baseline", 0.1 * 8192),
        ("Adam", "joint_mean", 0.01), ("Adam", "mean", 0.01)):
    run = descend_map(reduction, rate, getattr(torch.optim, name))
    rows.append((name, reduction, rate, *run))
table(rows, ("optimiser", "reduction", "rate", "first loss", "% left at end"),
      digits={"rate": 2, "first loss": 6})

# %% [markdown]
# <details><summary>Answer</summary>
#
# Next to nothing: **99.8 %** of the loss is left. The rate is 4096 times too
# small; multiplied by 4096 it gives the same run.
# </details>
#
# Adam divides each step by the usual size of the gradient, so the reduction
# hardly matters to Adam. But weight decay inside the loss, or a second loss
# term, is weighed against the first, and that balance does change.
#
# ## 5. Joints that nobody labelled
#
# In real data some joints have no label: outside the picture, hidden, or
# forgotten. In MPII's validation set that is so for 28 % of the ankles
# (counted from its annotations). In this course such a joint is NaN, so that
# nobody can mistake it for a position. A mask says which joints count.
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
# network predicts.
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
# <details><summary>Answer</summary>
#
# Without a mask the best map has a peak **0.72** high, the share of people
# whose ankle was labelled. The best coordinate is (**11.5**, **11.5**), where
# no ankle is.
# </details>
#
# The map stays in place and only looks unsure. The coordinate fares worse:
# it moves toward the corner (0, 0).
#
# ### Exercise 04.2 ★★★ Only the hard joints
#
# Late in training most joints are right, and their many small errors fill
# most of the loss. CPN (Chen et al., 2018) therefore counts only the hardest:
# *online hard keypoint mining*. Write `hard_mse(predicted, target, labelled,
# top)`:
#
# - a joint's loss is the document's, the sum of squares over its cells;
# - of each person, only the `top` labelled joints with the largest loss
#   count; a person with fewer labelled joints counts with those;
# - the result is the sum of the losses that count, divided by their number,
#   over all persons. If there are none at all, it is 0.
#
# `predicted` and `target` are `(N, K, H, W)`, and `target` may be NaN where
# `labelled` `(N, K)` is False. The gradient must never be NaN, and it pulls
# on no joint that does not count. (25 minutes)
#
# One case you can check: with all joints labelled and `top` equal to K, it is
# the loss of section 3, `losses.heatmap_mse`.

# %% tags=["exercise"]
def hard_mse(predicted, target, labelled, top):
    """Heatmap MSE over each person's hardest labelled joints."""
    # your code here


# %% tags=["solution"]
def hard_mse(predicted, target, labelled, top):
    """Heatmap MSE over each person's hardest labelled joints."""
    difference = torch.where(labelled[:, :, None, None],
                             predicted - target, 0)
    per_joint = difference.square().sum((-2, -1))
    rank = torch.where(labelled, per_joint, -1.0)     # unlabelled ones last
    hardest = rank.topk(min(top, rank.shape[1]), dim=1).indices
    counted = labelled.gather(1, hardest)
    total = (per_joint.gather(1, hardest) * counted).sum()
    return total / counted.sum().clamp(min=1)


# %% tags=["check"]
check("04.2", hard_mse)

# %% [markdown]
# ## 6. A loss is unreadable without its trivial baseline
#
# A log shows: loss 0.0007. Is that good? Compare it with an answer that costs
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
rows = []
for sigma in (1.0, 1.5, 2.0, 3.0):
    target = gaussian_heatmaps(torch.tensor([[[30.2, 33.7]]]), 64, sigma)
    measured = losses.heatmap_mse(torch.zeros_like(target), target)
    summed, mean, halved = (
        losses.zero_heatmap_loss(sigma, 64, reduction)
        for reduction in ("joint_mean", "mean", "simple_baseline"))
    rows.append((sigma, measured.item(), summed, mean, halved))
unlabelled = losses.zero_heatmap_loss(1.0, 64, "mmpose", labelled=0.935)
print(f"sigma 1, a mean that also counts MPII's 6.5 % without a label: "
      f"{unlabelled:.5f}")
table(rows, ("sigma", "measured", "pi sigma^2", '"mean"', '"simple_baseline"'),
      digits={"measured": 4, "pi sigma^2": 4, '"mean"': 5,
              '"simple_baseline"': 5},
      caption="The loss of empty maps of 64 x 64 cells")

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
            alt="Left, the average of 200 pictures: a grey blur, darker along "
            "the middle, and on it the mean pose, upright and narrow, with "
            "short arms close to the trunk. Right, the same pose on three "
            "people, whose arms and legs are elsewhere.")

# %% [markdown]
# The 0.0007 is the table's first row: **0.00077** for sigma 1, or **0.00072**
# if the joints without a label stay in the mean. Users of a public Hourglass
# implementation have asked why their loss stops there while no joint is
# found. The number is the explanation: the maps are empty. And a coordinate
# loss of **0.02** looks small, yet it is what the mean pose gets, typically
# **19** pixels off.
#
# So print the trivial baseline beside every loss, or divide by it: 1 is
# "learned nothing", 0 is perfect, and a plateau at 1 has a name.
#
# ### Exercise 04.3 ★★☆ Read the plateau
#
# A log stops falling at `value`, for maps of `size` x `size` cells with all
# joints labelled. You suspect empty maps. Which reduction (`"joint_mean"`,
# `"mean"` or `"simple_baseline"`) and which sigma (1, 1.5, 2 or 3) was it? A
# real run comes to rest near its plateau, up to 4 % off. Return both.
# (15 minutes)
#
# Expected: `read_plateau(0.0017, 64)` is `("mean", 1.5)`.

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
# **Predict first.** One answer has to serve all five labels. Which one has
# the smallest L2, and which the smallest L1?

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
# <details><summary>Answer</summary>
#
# L2 is smallest at **42.8**, where nobody's wrist is: at the mean. L1 is
# smallest at **31.0**: at the median.
# </details>
#
# One wrong label moved L2's answer by more than ten pixels. Set the
# derivatives to zero and you see why. $\sum_n 2(\hat x - x_n) = 0$ makes
# $\hat x$ the *mean*. $\sum_n \mathrm{sign}(\hat x - x_n) = 0$ asks for as many
# labels on the left as on the right: the *median*, which does not care how
# far away they are.
#
# Each loss is also a belief about errors. If they follow a density $p$, the
# likeliest answer minimises $-\log p$:
#
# | density of an error $d$ | $-\log p(d)$ | loss |
# |---|---|---|
# | Gauss, $\propto e^{-d^2/(2s^2)}$ | $d^2/(2s^2)$ + constant | L2 |
# | Laplace, $\propto e^{-\lvert d\rvert/b}$ | $\lvert d\rvert/b$ + constant | L1 |
#
# To a Gaussian, an error of many standard deviations is next to impossible,
# so the answer bends to avoid one. A Laplace density has heavier tails: it
# expects a wild label now and then.
#
# Two losses lie between. **Smooth L1** is a parabola below `beta` and straight
# above it. **Wing** is logarithmic below `width`, so it pulls *harder* the
# smaller the error is; above, it is straight too. Here they are from scratch,
# beside the package's:

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
    print(f"{name}: differs from the package's by "
          f"{(ours - theirs).abs().max().item():.4f}")
four_losses(
    d, {"L2": d ** 2, "L1": d.abs(), "smooth L1": smooth_l1(d),
        "wing": wing(d)},
    alt="Left, four losses over the error: L2 a steep parabola, L1 a V, "
    "smooth L1 a V with a round tip, wing one with a sharp tip. Right, their "
    "gradients: L2 a line, L1 a step, smooth L1 a ramp, wing 5 falling to 1.")

# %% [markdown] document="4.2 descent"
# Look at the right panel. Far from zero, L2 pulls harder and harder (it leaves
# the plot); all others pull with strength 1, so an outlier has one vote and no
# more. Near zero, L2 and smooth L1 let go, L1 keeps pulling, and wing pulls
# hardest: it still works on the last pixels.
#
# ## 8. Gradient descent by hand
#
# The document's $\arg\min$ is found step by step. With learning rate $\eta$:
#
# $$\Theta \leftarrow \Theta - \eta\,
# \frac{\partial\mathcal{L}}{\partial\Theta}$$
#
# For now there is no network: $\Theta$ are the joints of the answer themselves,
# as in the picture that opens this chapter. We take the upper body of the
# document's example (4.3, $K = 5$), start with all joints in the middle of the
# picture, and use the two gradients from section 2.
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
# <details><summary>Answer</summary>
#
# L2: all arrive together, ever more slowly. L1: near joints first, the far
# ones walk on at the same speed, and at the end they cannot stop.
# </details>
#
# L2 moves each joint in proportion to its error: after each step the share
# $1 - 2\eta/K = 0.9$ is left. L1 moves every coordinate by the same $\eta/K = 1$
# pixel. At the end it hops to and fro over the label by up to a pixel. That is
# why learning rates fall during training (chapter 8).
#
# ## 9. A heatmap does not move
#
# Now the same descent on a map. A bump stands at x = 6 and should be at x = 17.
# In the first run, the *cells* descend on the heatmap MSE, each with its own
# gradient. In the second, the *coordinate* of a bump descends on L2. The
# learning rate is the same, and so is the share of the error that each step
# leaves: 0.9.
#
# **Predict first.** Halfway through, where is the highest cell in each of the
# two runs?

# %% tags=["nbval-check-output"]
wrong, right = (torch.tensor([[[x, 6.0]]]) for x in (6.0, 17.0))
target = gaussian_heatmaps(right, (24, 13))
cells, place, moments = gaussian_heatmaps(wrong, (24, 13)), wrong, []
for step in range(31):
    moved = gaussian_heatmaps(place, (24, 13))
    moments.append((cells[0, 0], moved[0, 0]))
    if step in (0, 3, 6, 8, 20):
        peaks = [argmax_decode(m)[0][0, 0, 0].item() for m in (cells, moved)]
        print(f"step {step:2d}: highest cell at x = {peaks[0]:.0f} (cells), "
              f"{peaks[1]:.0f} (coordinate)")
    cells = cells - 0.05 * 2 * (cells - target)
    place = place - 0.05 * 2 * (place - right)


def draw_step(step):
    return two_descents(*moments[step], home=17, title=f"step {step}")


animate(draw_step, [*range(0, 31, 2), *[30] * 5], fps=4,
        alt="Two maps, one above the other, with a dotted line at the label. "
        "Above, one bump fades on the left while another appears on the "
        "line; nothing moves. Below, one bump travels from left to right.")

# %% [markdown]
# <details><summary>Answer</summary>
#
# After 6 steps, with half of the error gone, the highest cell of the upper map
# is still at **6**; then it jumps to **17**. That of the lower map is at
# **11**, halfway.
# </details>
#
# The upper map cross-fades. The old bump sinks in place while a new one rises
# in place, and nothing ever stands between. The lower bump moves.
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
# from 30 cells off. Let us measure that, with autograd through the position.

# %% tags=["nbval-check-output"]
def loss_and_pull(offsets):
    """Heatmap MSE of bumps some cells off in x, and its derivative."""
    x = (40 + offsets).requires_grad_()
    answer = torch.stack([x, 0 * x + 10], -1)[:, None]       # (N, 1, 2)
    target = torch.tensor([40.0, 10.0]).expand_as(answer)
    loss = losses.heatmap_mse(
        gaussian_heatmaps(answer, (81, 21), 2.0),
        gaussian_heatmaps(target, (81, 21), 2.0), reduction="none")[:, 0]
    pull, = torch.autograd.grad(loss.sum(), x)
    return loss.detach(), pull


distances = torch.tensor([1.0, 3.0, 6.0, 12.0, 30.0])
loss, pull = loss_and_pull(distances)
formula = 8 * np.pi * (1 - torch.exp(-distances ** 2 / 16))
table([[v.item() for v in row] for row in zip(distances, loss, formula, pull)],
      ("cells off", "loss", "formula", "pull"),
      digits={"cells off": 0, "loss": 2, "formula": 2, "pull": 2})

# %% [markdown]
# At 12 and at 30 cells the loss is the same **25.13**, and the pull is
# **0.00**. Note the height of that plateau: $2\pi\sigma^2$, *twice* the loss
# of an empty map. A sharp peak in the wrong place costs twice as much as no
# peak at all. So a network that is unsure draws low peaks, and that is why the
# height of a peak can serve as its confidence.
#
# Why do heatmap networks learn at all? Because a network does not shift a
# bump. It draws cells, and the cell at the right place does have a gradient:
# *grow*. It needs no path from here to there, but it has to recognise the
# joint in each cell where one may be.
#
# **Play.** Drag the wrist (the ring) away from its label (the cross). The arm
# follows, the bump moves on the map, and a dot runs along the curve of each
# loss. (Pixels and cells do not fit one axis, so each curve is divided by its
# value at 40 pixels; the losses themselves are in the legend.) Where does the
# heatmap MSE stop growing? Out there, lower `height`: an unsure answer is
# cheaper.

# %% tags=["hide-input"]
arm_label, _ = remap(person.keypoints, person.visible, MPII, UPPER_BODY)
start = arm_label[-1] - [16, -24]


def draw_dragged(wrist, height):
    """The arm with its wrist elsewhere, its bump, and three losses."""
    arm = np.concatenate([arm_label[:-1], [wrist]])
    return dragged_wrist(picture, arm_label, arm, height)


explore(draw_dragged, "An arm whose wrist was dragged off its label; the "
        "label's bump and the answer's, {height:.2f} high; and the curves of "
        "L1, L2 and heatmap MSE over the distance, with a dot where the "
        "wrist is", wrist=Point(*start.round().tolist()),
        height=(0.0, 1.0, 1.0, 0.05))

# %% [markdown]
# ## 10. Two losses, two networks, twelve pictures
#
# Before any long training, ask of a network and its loss: can they learn
# twelve pictures by heart? If not, something is broken, and no data will mend
# it. Two small networks share their design up to the last layers. One draws
# heatmaps of 16 x 16 cells and descends on the heatmap MSE. The other gives
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


maps_out = nn.Sequential(*trunk(), nn.Conv2d(32, 16, 1))
points_out = nn.Sequential(
    *trunk(), conv(32, 32, 2), conv(32, 32, 2), nn.Flatten(),
    nn.Linear(32 * 16, 32), nn.Unflatten(1, (16, 2)))

# %% tags=["nbval-check-output"]
small = SyntheticPeople(12, seed=1, size=64)
images, keypoints, visible = batch(small)
for head, start in ((maps_out[-1], 0.0), (points_out[-2], 0.5)):
    nn.init.zeros_(head.weight)       # start with the same answer to all
    nn.init.constant_(head.bias, start)
curves, trained = {}, {}
for name, net, codec, loss in (
        ("heatmap MSE", maps_out, HeatmapCodec(64, 16, sigma=1.0),
         losses.heatmap_mse),
        ("coordinate L2", points_out, CoordinateCodec(64),
         losses.coordinate_l2)):
    target, weights = codec.encode(keypoints, visible)
    trivial = (loss(0 * target, target, weights).item() if net is maps_out
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
        print(f"{name}, {kind} pictures: {off / lazy:.1f} times as far off "
              "as the mean pose")
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
# Divided by the loss of a constant prediction, both curves have the same
# unit. The heatmap network starts at **1.0**: its last layer is zero, so it
# draws empty maps. The coordinate network starts at **2.2**, with all joints
# in the middle of the picture, and passes 1 after a few wild steps. Both end
# near 0: they know the twelve pictures by heart, so network, target, loss and
# descent work together.
#
# On new pictures both are *farther* off than the mean pose, **1.8** and **1.1**
# times as far. A low training loss says that the pictures were learned, not
# that people can be found. For that it takes more data (chapter 6), better
# networks (7), longer training (8) and a measurement on pictures that were
# held back (9).
#
# ## Project
#
# **A decoder for a real network.** You know what a heatmap is, how it is read
# and how it is trained. Now put that to work on maps that nobody drew with a
# formula. `network_maps(100)` runs the network that opened chapter 1 on 100
# people it has not seen and gives you its heatmaps, 32 x 32 cells for each
# of the 16 joints, and what is true. Bumps are crooked, some are low, some
# stand in two places.
#
# Write `decode_maps(maps)`: from `(N, 16, 32, 32)` to positions `(N, 16, 2)`
# in cells and scores `(N, 16)`, in NumPy or torch, without the package's
# decoders. Then write half a page about it. To look at the maps of person 3,
# `from posecourse.visualization import show_heatmaps` and call
# `show_heatmaps(practice.maps[3], practice.images[3])`. Set an evening aside.
#
# | | what | full marks |
# |---|---|---|
# | measured | joints within 0.1 head sizes, on 100 *other* people | 34 % or more (argmax gets about 18 %) |
# | measured | a high score means a right joint: the share of pairs, one right and one wrong joint (at 0.5 head sizes), in which the right one has the higher score | 85 % or more (chance is 50 %) |
# | by eye | two joints where your decoder beats argmax, drawn on their maps, and why | the picture shows the reason |
# | by eye | one joint that no decoder can save, and why | the map shows it |
# | by eye | something you tried that did *not* help, with its number | it is measured, not guessed |
#
# `check` judges the two measured lines.

# %% tags=["exercise"]
from posecourse.exercises.network_maps import network_maps

practice = network_maps(100)     # .maps, .cells, .visible, .head_cells


def decode_maps(maps):
    """Maps (N, 16, 32, 32) -> positions (N, 16, 2) and scores (N, 16)."""
    # your code here


# %% tags=["solution"]
from posecourse.exercises.network_maps import network_maps

practice = network_maps(100)     # .maps, .cells, .visible, .head_cells


def decode_maps(maps):
    """The centre of mass of the cubed map, in 5 x 5 cells at its peak."""
    maps = torch.as_tensor(maps)
    cells = torch.arange(32)
    peak = maps.flatten(2).argmax(-1)
    row, column = peak // 32, peak % 32
    near_x = (cells - column[..., None]).abs() <= 2      # (N, K, 32)
    near_y = (cells - row[..., None]).abs() <= 2
    mass = maps.clamp(min=0) ** 3
    mass = mass * near_y[..., :, None] * near_x[..., None, :]
    total = mass.sum((-2, -1)).clamp(min=1e-9)
    x = (mass.sum(-2) * cells).sum(-1) / total
    y = (mass.sum(-1) * cells).sum(-1) / total
    return torch.stack([x, y], -1), maps.amax((-2, -1))


# %% tags=["check"]
check("04.project", decode_maps)

# %% [markdown]
# ## Quiz

# %%
quiz("04")

# %% [markdown]
# ## Summary
#
# - A loss makes one number out of all errors; its gradient says which way each
#   part of the answer should go, and how hard it is pulled.
# - L2 pulls in proportion to the error; its best constant is the mean; it
#   believes in Gaussian errors. L1 pulls all errors alike: median, Laplace.
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
