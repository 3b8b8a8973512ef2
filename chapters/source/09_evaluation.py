# %% [markdown] document="3.2 step 6"
# # 9. Evaluation
#
# **Measure poses so that the number means what the field means, and know how
# sure it is.**
#
# ![A person with a network's answer for each joint and a circle around each label. The circles shrink from half a head size to almost nothing, and one after another the answers fall outside and turn from blue dots into yellow crosses; the share of right joints falls from 81 to 6 percent.](figures/09_opening.gif)
#
# The pose never changes. Only the question does: how close is close enough?
#
# | | |
# |---|---|
# | **You will learn** | PCK, PCKh, AUC, OKS and AP by hand; the four means and the two "0.1" that circulate; intervals; who fails and how; what a score is worth; how to cheat without noticing |
# | **You need** | [chapter 3](03_heatmaps.ipynb) (peaks and decoders), NumPy arrays, means and percentages |
# | **Time** | 70 min to read, 50 min to do |
# | **Runs in** | 40 s on two CPU cores |
#
# Step 6 of the document's recipe (3.2) is a single line: evaluate on a
# validation or test set, with PCK or mAP. That line hides a lot. The authors of
# the stacked hourglass (Newell, Yang, Deng, 2016) published their network's
# predictions for the 2,958 people of MPII's validation set. How good are they?
# All of these numbers can be computed from that one file:
#
# | number | what was computed |
# |---|---|
# | 88.43 | `PCKh@0.5`, the official total |
# | 87.98 | `PCKh@0.5`, the mean of 14 joints |
# | 89.25 | `PCKh@0.5`, all 16 joints |
# | 25.44 | what three well-known code bases print as `PCKh@0.1` |
# | 21.59 | `PCKh@0.1` |
#
# Nobody lied, and nobody made a typing error. By the end of this chapter you
# will know which of them to quote, which to compare with whose, and how far each
# would move with other people in the pictures. (`posecourse score newell.h5`
# prints them. The file and MPII's labels do not come with the course; section 13
# says where to find them.)

# %% tags=["setup"]
import json
from functools import partial

import matplotlib.pyplot as plt
import numpy as np

from posecourse import metrics
from posecourse.authoring.chapters import require
from posecourse.datasets import SyntheticPeople, crop_in_memory
from posecourse.evaluation import predict_crops
from posecourse.exercises import check, hint, quiz
from posecourse.models import load_model
from posecourse.models.pretrained import pretrained
from posecourse.skeletons import MPII
from posecourse.visualization import figure, show_people, use_style
from posecourse.visualization.scores import (draw_threshold, show_arrows,
                                             show_intervals)
from posecourse.visualization.tables import table
from posecourse.visualization.widgets import explore

require("0.1")
use_style()
rng = np.random.default_rng(0)
BLUE, RED, GREY = "#0072B2", "#D55E00", "#777777"
COUNTED = metrics.pckh_columns(MPII)     # without pelvis and thorax: 14 of 16

# %% [markdown]
# ## 1. Right or wrong: PCK
#
# A network finds a wrist, but 5 pixels away from where it is. Is that good? On a
# person who fills the picture it is; on one who is 20 pixels tall it is not. So
# we divide the error by a **size** of the person, and count a joint as right if
# the quotient is small enough. The share of right joints is the **percentage of
# correct keypoints**, PCK:
#
# $$\mathrm{PCK}@t = \frac{\#\{\text{labelled joints with }
# \lVert \hat y - y \rVert \le t \cdot \text{size}\}}
# {\#\{\text{labelled joints}\}}.$$
#
# Here are two people with three joints each, so that you can check every number
# in your head. The first person has size 10, the second size 20. Nobody has
# labelled the second one's ankle.
#
# **Predict first.** At $t = 0.5$, what is the PCK? And if the code says `<`
# where the formula says $\le$?
#
# <details><summary>Answer</summary>
#
# 4 of 5 joints, or 0.8. With `<` only 2 of 5: two errors are exactly half a size.
# </details>

# %% tags=["nbval-check-output"]
nan = float("nan")
truth = np.array([[[10, 10], [40, 50], [30, 90]],
                  [[60, 20], [90, 80], [nan, nan]]])
answer = np.array([[[10, 12], [43, 54], [36, 98]],
                   [[63, 24], [96, 88], [70, 70.0]]])
labelled = np.array([[2, 2, 1], [2, 2, 0]])    # 0: not labelled
size = np.array([10, 20])

for n in range(2):
    for k, joint in enumerate(("head", "wrist", "ankle")):
        off = np.hypot(*(answer[n, k] - truth[n, k]))
        print(f"person {n}  {joint:5s}  off by {off:4.1f} px, in sizes "
              f"{off / size[n]:4.2f}")
in_sizes = metrics.normalized_distances(answer, truth, labelled, size)
print(in_sizes)
count = np.isfinite(in_sizes).sum()
print(f"<= 0.5: {(in_sizes <= 0.5).sum()} of {count};  "
      f"< 0.5: {(in_sizes < 0.5).sum()} of {count}")
package = metrics.pck(answer, truth, labelled, size, threshold=0.5)
print(f"package: {package.pooled():.2f}")

# %% [markdown]
# Four of the five labelled joints are right: `PCK@0.5` is **0.80**, or 80 %.
# Two of the four lie exactly on the threshold. With `<` they no longer count, and
# half of the score is gone. MPII's own evaluation uses `<=`, and so does this
# course; some public code uses `<`. Where labels and answers are whole pixels,
# ties like these do happen.
#
# The sixth joint has no label. It is neither right nor wrong: it is not in the
# numerator, and *not in the denominator* either.
#
# ### Exercise 09.1 ★☆☆ PCK
#
# Write `pck(predicted, keypoints, visible, size, threshold)`: the share of
# right joints, between 0 and 1. `predicted` and `keypoints` are `(N, K, 2)`,
# `visible` is `(N, K)` with 0 where there is no label (1 is labelled but
# hidden, 2 visible; both count), `size` is `(N,)`. An answer that is NaN is
# wrong.
#
# Expected for the two people above, at 0.5: `0.8`. `hint("09.1")` helps.

# %% tags=["exercise"]
def pck(predicted, keypoints, visible, size, threshold):
    """The share of labelled joints within threshold * size."""
    # your code here


# %% tags=["solution"]
def pck(predicted, keypoints, visible, size, threshold):
    """The share of labelled joints within threshold * size."""
    off = np.linalg.norm(predicted - keypoints, axis=-1)     # (N, K)
    right = off <= threshold * size[:, None]
    return right[visible > 0].mean()


# %% tags=["check"]
check("09.1", pck)

# %% [markdown]
# ## 2. Which size? Why the head
#
# Three sizes are in use. The **box** around the person grows when an arm goes up.
# The **torso**, from left shoulder to right hip, shrinks when the person turns or
# bends. The **head** is nearly a ball, and looks equally large from everywhere and
# in every pose.
#
# The next cell measures the first two in units of the third, on 400 drawn
# people. Then it draws what `PCK@0.2` of the torso and `PCK@0.5` of the head
# (`PCKh@0.5`) let pass, on three of them.
#
# **Predict first.** For whom is the torso's circle smaller than the head's?
#
# <details><summary>Answer</summary>
#
# For people whose torso points towards the camera: whoever bends forward or lies
# with the head towards us. Their torso looks short, and so the circle is small.
# </details>

# %% tags=["nbval-check-output"]
large = SyntheticPeople(400, size=256, split="test")
small = SyntheticPeople(400, size=64, split="test")
persons = list(small)
head = np.array([0.6 * np.hypot(*p.extra["head_box"][2:])
                 for p in persons])                          # (400,)
torso = metrics.torso_size([p.keypoints for p in persons],
                           [p.visible for p in persons], MPII)
for name, length in (("torso", torso), ("box", metrics.box_size(
        [p.box for p in persons]))):
    low, median, high = np.nanquantile(length / head, [0, 0.5, 1])
    print(f"{name:5s} from {low:.1f} to {high:.1f} heads, median {median:.1f}")
print(f"head {min(head) / 64:.3f} to {max(head) / 64:.3f} pictures wide")
with figure("Three people with two circles around a wrist and a line from "
            "shoulder to hip. On the one who bends forward the line is short "
            "and the torso's circle small; on the last one it is large.",
            1, 3, size=(8.4, 3.1)) as axes:
    for axis, i in zip(axes, (236, 308, 7)):
        axis.imshow(large.read_image(large[i]))
        at = dict(zip(MPII.joints, large[i].keypoints))
        axis.plot(*zip(at["left_shoulder"], at["right_hip"]), "w-", lw=2)
        for r, ink in ((4 * 0.2 * torso[i], "w--"), (12.8, "y-")):
            axis.add_patch(plt.Circle(at["right_wrist"], r, fill=False, lw=2,
                                      color=ink[0], ls=ink[1:]))
        axis.set_title(f"torso {torso[i] / head[i]:.1f} heads")
        axis.set_axis_off()

# %% [markdown]
# The yellow circle (head) has the same size in all three pictures. The dashed
# white one (torso) is less than half as wide on the person who bends forward:
# we see her torso from its end, and the white line along it is short. On the
# last person it is the wider of the two. The torso measures from **1.0** to
# **4.0** heads, so a PCK by the torso asks for four times as much precision on
# some people as on others. The box is steadier, from **4.7** to **10.0** heads,
# but a raised arm changes it.
#
# **MPII's unit.** Annotators drew a box around each head. The head size is
# 0.6 times the diagonal of that box (0.8 times 0.75). `PCKh@0.5` allows an
# error of half of that.
#
# **A tenth of the crop.** In MPII's files the head size is exactly 25 times
# the number called `scale` (we checked all 2,958 people), and the standard
# crop is $250 \cdot$ `scale` wide. So the head is a tenth of the crop, for
# everybody: **0.100**. Drawn people keep to this. Hence
#
# | crop | `PCKh@0.5` | `PCKh@0.1` |
# |---|---|---|
# | 256 x 256 pixels | 12.8 px | 2.56 px |
# | its heatmap, 64 x 64 cells | 3.2 cells | 0.64 cells |
# | 64 x 64 pixels, as here | 3.2 px | 0.64 px |
#
# The radius is constant, so you can see with the naked eye whether a joint is
# right. This has a price. The crop is cut with `scale`, so every network that is
# tested this way has been told how large the head is. Out in the street nobody
# tells it.
#
# ## 3. A network
#
# Now for a real network. `pretrained("laptop")` is a small heatmap network that
# was trained on drawn people and comes with the course. It sees 64 x 64 pixels.
# We show it the 400 people. They are from the `test` split: it has never trained
# on any of them.
#
# Two trivial answers stand beside it. The **mean pose** gives everybody the
# average pose of the training people. The **center pose** puts all joints in
# the middle of the picture. A score means nothing without them.

# %%
network = load_model(pretrained("laptop") / "weights.safetensors")
average = np.array(json.loads(network.metadata["mean_pose"]))     # (16, 2)
center = metrics.center_pose(MPII, 64)


def look(people, **options):
    """A store of the people, the network's keypoints, and their scores."""
    store = crop_in_memory(people, 64, margin=1.0, workers=1)
    return store, *predict_crops(network, store, **options)[:2]


def right(store, answer, threshold=0.5):
    """1 right, 0 wrong, NaN not labelled: (N, 16)."""
    return metrics.pck_hits(np.broadcast_to(answer, store.keypoints.shape),
                            store.keypoints, store.visible,
                            store.head_size, threshold)


store, predicted, scores = look(small)
poses = {"mean pose": average, "center pose": center}
print(metrics.pckh_table(
    predicted, store.keypoints, store.visible, store.head_size,
    baselines={name: np.broadcast_to(pose, predicted.shape)
               for name, pose in poses.items()}))

# %%
hit = right(store, predicted)
good = np.nansum(hit, 1)                        # right joints per person
order = np.argsort(-good, kind="stable")
picked = order[[5, 100, 200, 300, 350, 398]]    # from good to bad
show_people([store.crops[i] for i in picked] * 2,
            [*store.keypoints[picked], *predicted[picked]],
            titles=["label"] * 6 + [
                f"{good[i]:.0f} of {np.isfinite(hit[i]).sum()}"
                for i in picked], columns=6, size=1.5,
            alt="Six people twice: above with the labels' skeletons, below "
            "with the network's. From left to right more joints of the lower "
            "row are elsewhere than in the upper.")

# %% [markdown]
# Labels above, the network below, from good to bad; the titles count the right
# joints. On half of all people the network does as well as on the third one, or
# better. Now look at the last one. The pose lies on the body, and yet most joints
# are wrong: compare the colours. The network got wrong which way the person
# faces, and exchanged left and right. Section 8 counts such cases.
#
# Read the table from the bottom. The two trivial answers never look at the
# picture, and still get some joints right. The network is far above them. The
# head is easiest, wrists and ankles are hardest. At 0.1 everything is much
# lower, for there the error may be 0.64 pixels. The last column and the last
# lines are the subject of the next sections.
#
# ## 4. All thresholds at once: the curve, and AUC
#
# Why 0.5? There is no good reason. So let us draw PCKh over *all* thresholds.
# The area under the curve up to 0.5, divided by 0.5, is the **AUC**. Take a
# single joint that is 0.055 head sizes off. It is wrong below 0.055 and right
# above, for 0.445 / 0.5 = 89 % of the range. So it contributes 0.89.
#
# **Spot the bug.** Someone computes the curve in steps of 0.01 and reads off two
# numbers, like this. One of them is not what its name says.
#
# ```python
# thresholds = np.arange(0, 0.51, 0.01)
# curve = [100 * pckh(t) for t in thresholds]
# print("PCKh@0.5", curve[50], "PCKh@0.1", curve[11])
# ```
#
# <details><summary>Answer</summary>
#
# Element 0 is threshold 0, so element 10 is 0.1, and element 11 is 0.11.
# </details>

# %% tags=["nbval-check-output"]
three = np.array([[[0.055, 0], [0.205, 0], [0.7, 0]]])
areas = metrics.auc(three, 0 * three, [[2, 2, 2]], 1.0)
print(f"AUC of three joints {areas.per_joint}, mean {areas.pooled():.3f}")

thresholds = np.arange(0, 0.51, 0.01)
curves = {}
for name, said in {"network": predicted, **poses}.items():
    curves[name] = np.array([100 * np.nanmean(
        right(store, said, t)[:, COUNTED]) for t in thresholds])
curve = curves["network"]
print(f"element 50 {curve[50]:.1f}, element 11 {curve[11]:.0f}, "
      f"element 10 {curve[10]:.0f}")
trapezoids = (curve[1:] + curve[:-1]).mean() / 2
areas = metrics.auc(predicted, store.keypoints, store.visible,
                    store.head_size)
print(f"AUC {trapezoids:.0f}, package {100 * areas.pooled(COUNTED):.0f}")
distances = metrics.normalized_distances(
    predicted, store.keypoints, store.visible, store.head_size)
explore(partial(draw_threshold, store, predicted, distances, curves),
        "Person {person} with a circle of {threshold:.2f} head sizes around "
        "each joint, and the percentage of right joints over all thresholds: "
        "the network's curve rises steeply and then flattens; mean and "
        "center pose stay near the floor.",
        person=(0, 60, 26), threshold=(0.01, 0.5, 0.3))

# %% [markdown]
# The circles show what the threshold lets pass. A solid blue one has its answer
# inside, a dashed yellow one has not. Move `threshold` from 0.5 to 0.1 and watch
# a good pose fall apart.
#
# Back to the bug. At 0.1 the curve is steep, and one step is worth several
# points: element 11 is **39**, element 10 is **35**. This bug is famous. The code
# of SimpleBaseline, HRNet and DARK reads element 11 and prints it as `Mean@0.1`.
# For Newell's file that turns 21.59 into 25.44. mmpose once had it, too, and
# fixed it. So both kinds of numbers circulate under one name. At 0.5 the curve is
# flat, and such a step goes unnoticed.
#
# A low `PCKh@0.1` can also be the decoder's fault (chapter 3), or that of half a
# pixel.
#
# ## 5. Four means
#
# PCKh gives one number per joint, but papers print a single number. There are
# four ways to get from the first to the second. Here is a table small enough to
# do them all by hand.
#
# | joint | labelled | right | percent |
# |---|---|---|---|
# | head | 4 | 4 | 100 |
# | neck | 4 | 4 | 100 |
# | wrist | 4 | 2 | 50 |
# | ankle | 2 | 0 | 0 |
# | pelvis | 4 | 4 | 100 |
#
# | mean | how | here |
# |---|---|---|
# | **weighted** | all right joints / all labelled joints, without pelvis (and thorax) | 10 / 14 = 71.4 |
# | **unweighted** | mean of the percentages of the same joints | 250 / 4 = 62.5 |
# | **all** | as the first, but with pelvis and thorax | 14 / 18 = 77.8 |
# | **columns** | mean of the columns a table prints: head, wrist, ankle (the neck has none) | 150 / 3 = 50.0 |
#
# Now the same for the network's answers. There is one difference: nearly all
# joints of drawn people are labelled. In MPII 28 % of the ankles and 16 % of
# the knees are not, because the picture ends above them. So we take away the
# same shares of labels, at random. The next cell follows MPII's rules joint by
# joint, starting from the head boxes.
#
# **Predict first.** Ankles and knees are hard. Which of the means goes up if
# fewer of them are labelled?
#
# <details><summary>Answer</summary>
#
# *Weighted* and *all*: they count joints, and fewer of the hard ones are left to
# count. The other two are means of percentages, and the percentage of the ankles
# stays about the same, however few of them are labelled.
# </details>

# %% tags=["nbval-check-output"]
missing = np.zeros(16)
missing[MPII.indices(["right_ankle", "left_ankle"])] = 0.284
missing[MPII.indices(["right_knee", "left_knee"])] = 0.161
gone = np.random.default_rng(20).random((400, 16)) < missing
visible = np.where(gone, 0, store.visible)

rights, labels = np.zeros(16), np.zeros(16)
for person, said, shown in zip(persons, predicted, visible):
    x, y, width, height = person.extra["head_box"]
    head_size = 0.6 * np.hypot(width, height)
    for k in range(16):
        if shown[k] > 0:
            labels[k] += 1
            off = np.hypot(*(said[k] - person.keypoints[k]))
            rights[k] += off <= 0.5 * head_size
weighted = 100 * rights[COUNTED].sum() / labels[COUNTED].sum()

scored = metrics.pckh_table(predicted, store.keypoints, visible,
                            store.head_size)
print(f"by hand {weighted:.1f}, package {scored.mean(0.5):.1f}")
table(scored.row(0.5).means.items(), ("mean", "PCKh@0.5"))

# %% [markdown]
# One network, one set of people, one threshold, four numbers. Compare this with
# section 4: the weighted mean was **87.5** with all labels, and is **88.0** now.
# The network has not changed; we have only taken away hard joints. *All* goes up
# in the same way. The two means of percentages hardly notice: a joint keeps its
# percentage, however few of its labels are left.
#
# Who prints which mean (as we found it in their code, or by computing it again
# from their predictions):
#
# | mean | who |
# |---|---|
# | weighted | MPII's evaluation, SimpleBaseline, HRNet, mmpose; this course |
# | unweighted | the README of bearpaw's pytorch-pose: 88.6, which is 89.1 weighted |
# | all 16 | princeton-vl's PyTorch hourglass: "0.902" |
# | columns | whoever averages a printed table |
#
# Pelvis and thorax are easy, because they sit in the middle. So *all 16* is the
# friendliest mean, here **89.5**. Say which mean you use, and compare only like
# with like. (The column "Head" has two meanings, too: the head top alone in most
# papers, the mean of head top and neck on MPII's site.)
#
# ### Exercise 09.2 ★★☆ Four means
#
# Write `four_means(hits, counts, skipped, columns)`. `hits` and `counts` hold one
# number per joint: how often it was right, and how often it was labelled.
# `skipped` is a list of joints (indices) that only *all* counts. `columns` is a
# list of lists of joints; a column's percentage is the mean of its joints'
# percentages. Return `(weighted, unweighted, all, columns)` in percent. A joint
# that is never labelled has no percentage: leave it out of every mean.
#
# Expected for `hits = [4, 4, 2, 0, 4]`, `counts = [4, 4, 4, 2, 4]`, `skipped
# = [4]`, `columns = [[0], [2], [3]]`: `(71.43, 62.5, 77.78, 50.0)`,
# unrounded.

# %% tags=["exercise"]
def four_means(hits, counts, skipped, columns):
    """(weighted, unweighted, all, columns) in percent."""
    # your code here


# %% tags=["solution"]
def four_means(hits, counts, skipped, columns):
    """(weighted, unweighted, all, columns) in percent."""
    hits, counts = np.array(hits, float), np.array(counts, float)
    percent = np.full(len(hits), np.nan)
    percent[counts > 0] = 100 * hits[counts > 0] / counts[counts > 0]
    kept = [k for k in range(len(hits)) if k not in skipped]
    known = [[percent[k] for k in column if counts[k] > 0]
             for column in columns]
    return (100 * hits[kept].sum() / counts[kept].sum(),
            np.nanmean(percent[kept]), 100 * hits.sum() / counts.sum(),
            np.mean([np.mean(column) for column in known if column]))


# %% tags=["check"]
check("09.2", four_means)

# %% [markdown]
# ## 6. How sure is the number?
#
# 400 other people would have given another number. How different? We cannot get
# 400 new people from MPII, but we can pretend: draw 400 *from our 400*, with
# repetition, and score them. Some come twice, some not at all. The scores of a
# thousand such draws vary about as much as those of a thousand new test sets
# would. This is the **bootstrap** (Efron, 1979).
#
# We draw people, not joints. If somebody is seen from behind, many of their
# joints fail together. Drawing 5,600 joints one by one would pretend that there
# are 5,600 independent answers.
#
# **Predict first.** Which interval is wider, that of people or that of joints?
#
# <details><summary>Answer</summary>
#
# That of people. There are 400 of them and 5,600 joints, and the joints of one
# person succeed or fail together.
# </details>
#
# **But two networks meet the same people.** Somebody who is hard for one is hard
# for the other, too. To compare two answers, score both on the *same* draw and
# look at the difference: what is hard for both cancels out. We compare different
# ways to read the same network: with the decoders DARK, quarter offset and argmax
# (chapter 3), and with and without the average over the mirrored picture
# (chapter 10).
#
# **Predict first.** A single interval reaches about two points to each side. Can
# a difference of one point be a result?
#
# <details><summary>Answer</summary>
#
# Yes, on the same people. The interval of the *difference* is much narrower than
# that of either score.
# </details>

# %% tags=["nbval-check-output"]
right_joints = np.nansum(hit[:, COUNTED], 1)               # per person
all_joints = np.isfinite(hit[:, COUNTED]).sum(1)
single = hit[:, COUNTED][np.isfinite(hit[:, COUNTED])]     # joint by joint

people_draws, joint_draws = [], []
draw_people = np.random.default_rng(0)
for _ in range(1000):
    drawn = draw_people.integers(0, 400, 400)
    people_draws.append(right_joints[drawn].sum() / all_joints[drawn].sum())
    joint_draws.append(rng.choice(single, len(single)).mean())
low, high = np.quantile(people_draws, [0.025, 0.975])
interval = metrics.bootstrap_interval(hit, COUNTED)
print(f"PCKh@0.5 {100 * single.mean():.1f}, 95 of 100 draws between "
      f"{100 * low:.0f} and {100 * high:.0f}; package: "
      f"{100 * interval.low:.0f} and {100 * interval.high:.0f}")
ratio = np.std(people_draws) / np.std(joint_draws)
print(f"the draws of people vary {ratio:.0f} times as much as those of joints")
with figure("Two histograms around the measured score: the one of people "
            "drawn is about twice as wide as the one of joints drawn.",
            size=(6.5, 2.8)) as axis:
    for draws, name in ((people_draws, "people"), (joint_draws, "joints")):
        axis.hist(100 * np.array(draws), np.arange(84, 91, 0.15), alpha=0.6,
                  label=f"draw {name}")
    axis.set(xlabel="PCKh@0.5, %", ylabel="draws of 1000")
    axis.legend()

# %% tags=["nbval-check-output"]
hits = {"DARK": hit}
for name, options in (("argmax", {"decoder": "argmax"}),
                      ("quarter", {"decoder": "quarter"}),
                      ("flip test", {"flip_test": True})):
    said, _, _ = predict_crops(network, store, **options)
    hits[name] = right(store, said)
pairs = [("DARK", "argmax"), ("DARK", "quarter"), ("flip test", "DARK")]
found = {}
for a, b in pairs:
    sd = np.hypot(*(metrics.bootstrap_interval(hits[n], COUNTED).sd
                    for n in (a, b)))
    value, low, high, _ = 100 * np.array(
        metrics.paired_interval(hits[a], hits[b], COUNTED))
    found[f"{a} - {b}"] = value, low, high, 196 * sd
show_intervals(found, "Three differences with two intervals each. Those that "
               "take the two answers for independent are several times as "
               "wide as the paired ones, and all contain 0.")
table([(name, value, f"{low:+.1f} to {high:+.1f}",
        f"{value - wide:+.1f} to {value + wide:+.1f}")
       for name, (value, low, high, wide) in found.items()],
      ("difference", "points", "on the same people", "if independent"))

# %% [markdown]
# The wide blue histogram is the honest one. It is about **2** times as wide as
# that of the joints, which promises more than we know. With four times as many
# people the interval would be half as wide: MPII's 2,958 give about $\pm 0.6$
# points, and Newell's 88.43 comes with an interval of 87.8 to 89.0. Training the
# same network again moves the score by a similar amount: people who retrained
# HRNet-W32 report 89.8 to 90.1, where 90.3 was published. **A difference of 0.3
# between two papers is not a result.**
#
# In the second figure the thick blue lines use the same people for both
# answers; the thin grey ones pretend that each had met people of its own, so
# that the doubts of both add up. All grey ones contain 0: they would hide
# every difference. Two of the blue ones do not, that of DARK against argmax
# (**0.7** points) and that of the flip test (**1.2**). These are results. The
# one of DARK against the quarter offset does contain 0, if only just, so
# we do not know which is better. That is not the same
# as "they are equal". (At tight thresholds DARK wins clearly, as in chapter
# 3.)
#
# An interval knows nothing of other sources of doubt: another seed in training,
# other cameras, labels that are off. It is the *least* doubt you must have.
#
# ## 7. Who fails?
#
# A single mean hides the groups behind it. We split the joints by kind and by
# visibility (hidden joints are labelled, too, where a person would point), and
# the people by difficulty: `SyntheticPeople` can draw the same kind of people in
# a plain studio (*easy*), in clutter and from odd angles (*hard*), or as stick
# figures. The network was trained on *standard*.
#
# **Predict first.** A stick figure is the plainest picture of a pose there
# is. Easier or harder than *hard*?
#
# <details><summary>Answer</summary>
#
# Harder, by far. The network has never seen a stick figure, and what is simple for
# us is not simple for a network.
# </details>

# %% tags=["nbval-check-output"]
both = np.stack([hit, right(store, average)])   # network, mean pose
strata = {label: both[..., MPII.indices(joints)]
          for label, joints in MPII.groups.items()}
for label, kind in (("visible", 2), ("hidden", 1)):
    strata[label] = np.where(store.visible == kind, both, np.nan)[..., COUNTED]
strata["standard"] = both[..., COUNTED]
asked = {level: look(SyntheticPeople(200, size=64, difficulty=level,
                                     split="test"))[:2]
         for level in ("easy", "hard", "stick")}
for level, (some, said) in asked.items():
    strata[level] = [right(some, p)[:, COUNTED] for p in (said, average)]

with figure("Percent right with intervals: head, visible and easy high, "
            "wrist, ankle, hidden, hard and stick low. The mean pose is far "
            "below each.", size=(9, 3.6)) as axis:
    for i, (label, (ours, trivial)) in enumerate(strata.items()):
        value, low, high, _ = 100 * np.array(metrics.bootstrap_interval(ours))
        axis.errorbar(i, value, [[value - low], [high - value]], None, "o",
                      color=BLUE, capsize=4)
        base = 100 * np.nanmean(trivial)
        axis.plot(i, base, "x", color=GREY)
        if label in asked:
            print(f"{label:5s} {value:.0f}, mean pose {base:.0f}")
    axis.set(ylim=(0, 104), ylabel="PCKh@0.5, %")
    axis.set_xticks(range(len(strata)), strata, rotation=40)

# %% [markdown]
# Dots are the network, with intervals; crosses are the mean pose. Three things
# to see:
#
# - **Parts.** The head is easiest; wrists and ankles, at the ends of long chains,
#   are hardest. The crosses give part of the reason: head and hips stay closest
#   to their usual place in the crop, while wrists can be anywhere. So look at the
#   *distance* between dot and cross.
# - **Hidden joints** are far below visible ones. On photos it is the same: a
#   published hourglass gets 92.8 % of MPII's visible limb joints right, and
#   70.8 % of the hidden ones.
# - **Difficulty.** From **98** on easy pictures the same network falls to 87.5 on
#   standard and to **60** on hard ones. On stick figures it gets **37**. *A score
#   belongs to the pictures it was measured on.* Nobody should expect 87.5 on
#   photos.
#
# ## 8. How do they fail?
#
# PCKh says that a joint is wrong, but not why. So we sort every joint that has a
# left and a right by what happened. The first row that holds is its kind:
#
# | kind | the answer is | what would help |
# |---|---|---|
# | good | within 0.5 head sizes of the label | |
# | **inversion** | within 0.5 of the same joint on the other side | seeing which way the person faces |
# | **near** | within 1: a near miss | finer maps, better labels |
# | **far** | within 2 | |
# | **gross** | anywhere else | finding the person, other people in the picture |
#
# **Predict first.** Seen from behind, nobody has a face. Seen from the side,
# one arm covers the other. Which kind grows?
#
# <details><summary>Answer</summary>
#
# Inversions, in both cases. Without a face it is hard to tell which way somebody
# looks, and where one arm covers the other, which arm is which.
# </details>

# %% tags=["nbval-check-output"]
twin = list(MPII.flip_permutation)       # the same joint on the other side
other = metrics.normalized_distances(
    predicted, store.keypoints[:, twin], store.visible[:, twin],
    store.head_size)
kinds = np.select(
    [np.isnan(distances), distances <= 0.5, other <= 0.5, distances <= 1,
     distances <= 2], ["", "good", "inversion", "near", "far"], "gross")
sides = [k for k in range(16) if twin[k] != k]
away = np.array([abs((p.extra["facing"] + 180) % 360 - 180)
                 for p in persons])      # degrees from facing us
package = metrics.error_breakdown(predicted, store.keypoints, store.visible,
                                  store.head_size)
names = ["good", "inversion", "near", "far", "gross"]
print("by hand:", *((kinds[:, sides] == name).sum() for name in names),
      " package:", *(package.counts[name].sum() for name in names))
inverted = 100 * package.of_misses["inversion"]
print(f"of the misses {inverted:.0f} % are inversions")
for title, who in (("everybody", away >= 0), ("facing us", away < 45),
                   ("from the side", (away >= 45) & (away <= 135)),
                   ("from behind", away > 135)):
    part = kinds[who][:, sides]
    share = (part == "inversion").sum() / (part != "").sum()
    print(f"{title:14s}{100 * share:3.0f} % of the joints are inverted")

# %%
print(package)
worst = {}
for name in names[1:]:                           # of each, the longest arrow
    there = (kinds == name) & (store.visible == 2)
    there &= (kinds == "good").sum(1, keepdims=True) > 11
    there[:, [k for k in range(16) if k not in sides]] = False
    worst[name] = np.unravel_index(
        np.argmax(there * np.nan_to_num(distances)), there.shape)
show_arrows(store, predicted, worst, alt="Four people, each with an arrow "
            "from where the network puts a joint to where it is: from the "
            "same joint of the other side, from a little beside it, from "
            "clearly beside it, and from far off.")

# %% [markdown] document="3.3 accurate"
# The cross is the network's answer, the circle is what `PCKh@0.5` lets pass, and
# the arrow leads to the label. In the first picture the answer sits on the body,
# on the same joint of the *other* side.
#
# The table gives the shares, joint by joint. Of all misses **55 %** are
# inversions. Facing us, **3 %** of the joints are inverted, from behind **10 %**,
# from the side **15 %**. So we know what needs work most urgently. It is not finer
# maps, it is telling left from right, above all from the side. Two networks with
# the same PCKh can need opposite cures. (Newell's hourglass on MPII: 22 % of its
# misses are inversions, 49 % are near misses. A joint put on *another* person is
# called a swap; our pictures show one person each.)
#
# ## 9. What is a score worth?
#
# Each joint comes with a score, the height of its peak. A program that uses the
# pose wants to know: *may I trust this wrist?* That is really two questions.
#
# - Are joints with a higher score right more often? Then we can **sort** by
#   score.
# - Of the joints with score 0.8, are 80 % right? Then the score is
#   **calibrated**, and can be read as a probability.
#
# To see both, sort all joints by score, cut the row into ten equal parts, and
# count. The picture of this is a **reliability diagram**. Its mean distance from
# the diagonal, weighted by the number of joints, is the *expected calibration
# error*.
#
# **Predict first.** A joint may count as right within 0.5 head sizes, within 0.2,
# or within 0.1. Can one score be calibrated for all three?
#
# <details><summary>Answer</summary>
#
# No. The same joint has one score, but it is right far more often within 0.5
# than within 0.1. Three curves cannot all lie on the diagonal.
# </details>
#
# **Recalibration.** If the curve only rises, we can bend it onto the diagonal:
# replace each score by the share of joints that were right at such scores. The
# order of the joints stays as it was. The curve is measured on one half of the
# people and used on the other; on the same people it would look perfect by
# construction. The second cell does this. It also tries the most modest of all
# scores: the average, the same for every joint.
#
# **Predict first.** How well is that constant calibrated?
#
# <details><summary>Answer</summary>
#
# Almost perfectly: of all joints, that share is right. And yet it is useless,
# since it cannot tell a good joint from a bad one.
# </details>

# %% tags=["nbval-check-output"]
known = np.isfinite(hit[:, COUNTED])
s, h = scores[:, COUNTED][known], hit[:, COUNTED][known]
ranked = np.argsort(s, kind="stable")                # from unsure to sure
by_hand = [(s[g].mean(), h[g].mean()) for g in np.array_split(ranked, 10)]
parts = metrics.reliability(scores[:, COUNTED], hit[:, COUNTED])
apart = np.abs(by_hand - np.c_[parts[:2]]).max()
print(f"largest difference from the package {apart:.4f}")
for which, share in (("least sure tenth", ranked[:len(s) // 10]),
                     ("surer half", ranked[len(s) // 2:])):
    print(f"{which}: mean score {s[share].mean():.2f}, "
          f"{100 * h[share].mean():.0f} % right")

with figure("Share of right joints over the mean score, ten points for each "
            "of three thresholds. All rise. At 0.5 nearly all lie above the "
            "diagonal, at 0.1 all lie far below.", size=(5.6, 4)) as axis:
    axis.plot([0, 1], [0, 100], "-", color=GREY, lw=1, label="calibrated")
    for threshold, mark in ((0.5, "o"), (0.2, "s"), (0.1, "^")):
        parts = metrics.reliability(
            scores[:, COUNTED], right(store, predicted, threshold)[:, COUNTED])
        axis.plot(parts.scores, 100 * parts.rates, marker=mark,
                  label=f"right within {threshold}")
    axis.set(xlabel="mean score of the tenth", ylabel="right, %")
    axis.legend()

# %%
one, two, rows = slice(0, 200), slice(200, 400), []
for threshold in (0.5, 0.1):
    was = right(store, predicted, threshold)[:, COUNTED]
    sure = scores[:, COUNTED]
    learned = metrics.reliability(sure[one], was[one])
    constant = np.full_like(sure[two], np.nanmean(was[one]))
    told = {"raw peaks": sure[two], "one for all": constant,
            "recalibrated": learned.recalibrate(sure[two])}
    for name, said in told.items():
        groups = 1 if said is constant else 10
        error = metrics.reliability(said, was[two], groups).error
        rows.append((f"@{threshold}", name, error,
                     np.nanmean((said - was[two]) ** 2)))
table(rows, ("right", "score", "calibration error", "squared error"), digits=2)

# %% [markdown]
# All three curves rise, and flatten at the top: the score sorts well. Of the
# least sure tenth **43 %** are right, of the surer half **99 %**. But the same
# peak means three different things at three thresholds, so it cannot be the
# probability of all three. (Why should it be that of any? A peak is low where
# the network hesitates between two places, *or* where it is unsure by a cell.
# The second does no harm at 0.5 and ruins 0.1.)
#
# The recalibrated score is off by a few hundredths at both thresholds; each
# threshold has a curve of its own. The constant is calibrated, too, and useless:
# it cannot tell any joint from another. So look at a second number beside the
# calibration error: the mean squared error of the probability, called the *Brier
# score*. There the constant loses to the recalibrated score. At 0.1 it even wins
# against the raw peaks: read as probabilities of being right within 0.1, they
# are worse than no score at all.
#
# ## 10. OKS: a softer ruler
#
# COCO measures differently. You can mark a wrist to the pixel, but not a hip under
# trousers: five annotators will mark five places. So each joint gets a **width**
# of its own, and the verdict is more than yes or no:
#
# $$\mathrm{OKS} = \frac{1}{\#\text{labelled}} \sum_{k \text{ labelled}}
# \exp\left(-\frac{d_k^2}{2 \, A \, (2 \sigma_k)^2}\right).$$
#
# $d_k$ is the error in pixels, $A$ the person's area in square pixels, so
# $\sqrt A$ is a size; $\sigma_k$ says how much annotators differ (COCO
# measured it). A joint that is exactly right adds 1, one that is $2 \sigma_k
# \sqrt A$ off adds $e^{-1/2} = 0.61$.
#
# By hand: a person of 30 x 30 pixels, both joints 5 pixels off.
#
# **Predict first.** Which adds more, the wrist ($\sigma = 0.062$) or the hip
# ($\sigma = 0.107$)?
#
# <details><summary>Answer</summary>
#
# The hip. Its width is larger, so 5 pixels are a smaller part of it.
# </details>

# %% tags=["nbval-check-output"]
for name, sigma in (("wrist", 0.062), ("hip", 0.107)):
    width = 2 * sigma * np.sqrt(900)
    worth = np.exp(-5 ** 2 / (2 * width ** 2))
    print(f"{name:5s} width {width:.2f} px, 5 px off adds {worth:.2f}")
at = np.array([[[10, 10], [30, 40]]])
found = metrics.oks(at + [3, 4], at, [[2, 2]], [900], [0.062, 0.107])
print(f"package, both together: OKS {found.item():.2f}")
person = large[308]
rims = 2 * np.array(MPII.sigmas) * np.sqrt(2 * np.log(2) * person.area)
with figure("A person with equal circles at all joints; the same with small "
            "ones at the wrists and large ones at the hips; a step and two "
            "bells.", 1, 3, size=(9.2, 3)) as axes:
    for axis, radii, title in zip(axes, ([12.8] * 16, rims), (
            "PCKh@0.5: right inside", "OKS: half left at the rim")):
        axis.imshow(large.read_image(person))
        for at, radius in zip(person.keypoints, radii):
            axis.add_patch(plt.Circle(at, radius, fill=False, color="yellow"))
        axis.set_title(title)
        axis.set_axis_off()
    off = np.linspace(0, 40, 400)
    axes[2].plot(off, off <= 12.8, label="PCKh@0.5")
    for k, name in ((10, "OKS, wrist"), (2, "OKS, hip")):
        axes[2].plot(off, 0.5 ** ((off / rims[k]) ** 2), label=name)
    axes[2].set(xlabel="error, pixels of 256", ylabel="worth")
    axes[2].legend()

# %% [markdown]
# The wrist adds **0.41**, the hip **0.74**, and together they have an OKS of
# **0.57**. On the left, PCKh has the same circle for every joint. In the middle,
# OKS has one for each: small at the wrists, large at the hips. On the right, the
# step beside the bells: OKS still rewards getting closer when a joint is right
# already.
#
# Three things to know before you compare numbers. COCO's area is that of the
# person's *outline*, not that of the box. Nobody has ever measured $\sigma$ for
# MPII's joints; `Skeleton.sigmas` borrows COCO's, and gives head and neck that of
# the shoulder. And COCO's code doubles $\sigma$ before it uses it: forget the 2,
# and every OKS is too low.
#
# ### Exercise 09.3 ★★☆ OKS
#
# Write `oks(predicted, keypoints, visible, area, sigmas)` for one answer and one
# person. `predicted` and `keypoints` are `(K, 2)`; `keypoints` is NaN at joints
# without a label. `visible` `(K,)` is 0 at those, 1 at hidden and 2 at visible
# joints. `area` is a number, `sigmas` `(K,)`. At least one joint is labelled.
# Return a number.
#
# Expected for the wrist and the hip above, 30 x 30 pixels and 5 pixels off:
# `0.57`.

# %% tags=["exercise"]
def oks(predicted, keypoints, visible, area, sigmas):
    """Object keypoint similarity, between 0 and 1."""
    # your code here


# %% tags=["solution"]
def oks(predicted, keypoints, visible, area, sigmas):
    """Object keypoint similarity, between 0 and 1."""
    distance = np.linalg.norm(np.subtract(predicted, keypoints), axis=-1)
    width = 2 * np.asarray(sigmas) * np.sqrt(area)
    worth = np.exp(-distance ** 2 / (2 * width ** 2))
    return worth[np.asarray(visible) > 0].mean()


# %% tags=["check"]
check("09.3", oks)

# %% [markdown]
# ## 11. AP: when nobody says where the people are
#
# PCKh needs to know which answer belongs to whom. In a picture of several people
# nobody tells us that. A system gives a list of poses with scores: some people
# are found twice, some not at all, and some poses belong to nobody. **Average
# precision** (AP, or mAP; the document's other metric) judges the whole list.
# Here are three people and four answers, and the OKS of every answer with every
# person.

# %% tags=["nbval-check-output"]
scene = SyntheticPeople(10, size=256).scene(1)
truth = [{"keypoints": p.keypoints, "visible": p.visible, "area": p.area}
         for p in scene.persons]
noise = np.random.default_rng(3).normal(size=(4, 16, 2))
answers = [{"keypoints": truth[who]["keypoints"] + off * noise[i],
            "score": score} for i, (who, score, off) in enumerate(
                ((0, 0.9, 1.5), (0, 0.8, 3), (1, 0.7, 1.5), (2, 0.4, 10)))]
said = np.stack([a["keypoints"] for a in answers])         # (4, 16, 2)
matrix = metrics.oks(said, np.stack([t["keypoints"] for t in truth]),
                     np.stack([t["visible"] for t in truth]),
                     [t["area"] for t in truth], MPII.sigmas)
titles = [f"{x}: score {a['score']}" for x, a in zip("ABCD", answers)]
found = metrics.keypoint_ap([truth], [answers], MPII.sigmas)
print(f"AP50 {found['AP50']:.3f}, AP75 {found['AP75']:.3f}, "
      f"AP {found['AP']:.3f}")
show_people([scene.image] * 4, said, titles=titles, columns=4, size=2.2,
            alt="A picture of three people four times. Answers A and B lie "
            "on the left person, C on the middle one, D, all crooked, on "
            "the right one.")
table([(x, a["score"], *row) for x, a, row in zip(
    "ABCD", answers, matrix)], ("answer", "score", "OKS left", "middle",
                                "right"), digits={"score": 1, **dict.fromkeys(
    ("OKS left", "middle", "right"), 2)})

# %% [markdown]
# A and B lie on the same person, C on the second, and D roughly on the third. Take
# the threshold OKS 0.5. The surest answer chooses first: it takes the person with
# the highest OKS who is still free, if that OKS reaches the threshold. A takes
# the person on the left. B would like to, but that one is taken, so B is a false
# alarm. **A double is an error.** Now walk down the list.
#
# | answer | hit? | precision: hits so far / answers so far | recall: hits so far / people |
# |---|---|---|---|
# | A 0.9 | yes | 1/1 | 1/3 |
# | B 0.8 | no | 1/2 | 1/3 |
# | C 0.7 | yes | 2/3 | 2/3 |
# | D 0.4 | yes | 3/4 | 3/3 |
#
# The curve of precision over recall goes up and down. COCO takes at each
# recall the *best precision at this recall or a larger one*: 1 up to recall
# 1/3, then 3/4 to the end. It reads this curve at the 101 recalls 0, 0.01,
# ..., 1. 34 of them are at most 1/3, so
#
# $$\mathrm{AP}_{50} = \frac{34 \cdot 1 + 67 \cdot 0.75}{101} = 0.834,$$
#
# and the package says **0.834**. At OKS 0.75, D is no hit any more: the last
# row becomes 2/4, nobody reaches recall 3/3, and $\mathrm{AP}_{75} = (34 + 33
# \cdot 2/3) / 101$ is the package's **0.554**. AP without a number is the mean
# over OKS 0.50, 0.55, ..., 0.95.
#
# ### Exercise 09.4 ★★★ Average precision
#
# Write `average_precision(scores, hits, persons)`: the scores of all answers
# (in any order), whether each is a hit, and how many people there are to
# find. Return COCO's AP at one threshold. Without any answer it is 0.
#
# Expected for the table above: about `0.834`.

# %% tags=["exercise"]
def average_precision(scores, hits, persons):
    """COCO's average precision, between 0 and 1."""
    # your code here


# %% tags=["solution"]
def average_precision(scores, hits, persons):
    """COCO's average precision, between 0 and 1."""
    ordered = np.asarray(hits)[np.argsort(-np.asarray(scores))]
    count = np.cumsum(ordered)
    recall = count / persons
    precision = count / np.arange(1, len(count) + 1)
    return np.mean([precision[recall >= r].max(initial=0.0)
                    for r in np.linspace(0, 1, 101)])


# %% tags=["check"]
check("09.4", average_precision)

# %% [markdown]
# Now we treat the network as a system: 400 pictures, one pose in each, and the
# mean of its 16 peaks as the score of a pose.
#
# **Predict first.** We shuffle the scores and leave the poses as they are. What
# happens to PCKh, and what to AP?
#
# <details><summary>Answer</summary>
#
# PCKh does not look at scores, so nothing happens to it. AP falls: it rewards a
# system that puts its good poses first.
# </details>

# %% tags=["nbval-check-output"]
persons_there = [[{"keypoints": points, "visible": shown, "area": area}]
                 for points, shown, area in zip(
                     store.keypoints, store.visible, store.area)]
sure = scores.mean(1)
shuffled = np.random.default_rng(6).permutation(sure)
rows = []
for name, said, order in (
        ("network", predicted, sure),
        ("scores shuffled", predicted, shuffled),
        ("mean pose", np.broadcast_to(average, predicted.shape), sure)):
    found = metrics.keypoint_ap(
        persons_there, [[{"keypoints": pose, "score": score}]
                        for pose, score in zip(said, order)], MPII.sigmas)
    rows.append((name, found["AP"], found["AP50"], found["AP75"]))
table(rows, ("answers", "AP", "AP50", "AP75"), digits=2)

# %% [markdown]
# Shuffling the scores takes AP from **0.77** to **0.67**, though no joint has
# moved: AP also rewards *knowing* which poses are good. PCKh does not look at
# scores at all. (A test of the package compares its AP with that of
# `pycocotools`, COCO's own evaluator.)
#
# So the two cannot be converted into each other. PCKh asks: where are the joints
# of a person whose place and head size we know? AP asks: does the system find
# everybody, once, and does it know how sure it is? A COCO number also depends on
# the detector in front: the published ones of SimpleBaseline and HRNet use boxes
# whose own AP is 56.4.
#
# ## 12. Cheating by accident
#
# Nobody types in a better number on purpose. It happens like this:
#
# - **Testing on training people.** Below, a "network" that only remembers: it
#   looks up the most similar of 400 training pictures and gives its pose.
# - **Choosing on the test set.** We shift each joint by a small constant, and
#   choose the 16 shifts that score best on 40 of the test people: "a little bias
#   correction".
# - **Leaving out what is hard**: hidden joints, wrists and ankles, joints that the
#   network did not "detect" (a low score), hard pictures.
#
# **Predict first.** What does the memory get on the people it remembers?
#
# <details><summary>Answer</summary>
#
# 100 %: the most similar picture is the picture itself. On new people it is
# worse than the mean pose.
# </details>

# %% tags=["nbval-check-output"]
past = crop_in_memory(SyntheticPeople(400, size=64), 64, 1.0, 1)


def tiny(pictures):
    return pictures[:, ::8, ::8].reshape(len(pictures), -1).astype(float)


def remember(pictures):
    nearest = [np.abs(tiny(past.crops) - p).sum(1).argmin()
               for p in tiny(pictures)]
    return np.nan_to_num(past.keypoints[nearest])


def percent(h, joints=COUNTED):
    return 100 * np.nanmean(h[:, joints])


shifts = np.stack(np.mgrid[-6:7, -6:7], -1).reshape(-1, 1, 1, 2) / 4
gain = np.nanmean([right(store, predicted + s)[:40] for s in shifts], 1)
tuned = right(store, predicted + shifts[gain.argmax(0), 0, 0])
for name, who in (("its own people", past), ("new people", store)):
    print(f"memory, {name}: {percent(right(who, remember(who.crops))):.0f}")
gained, lost = percent(tuned[:40] - hit[:40]), percent(hit[40:] - tuned[40:])
print(f"shifts: the 40 gain {gained:.1f} points, the others lose {lost:.1f}")

# %%
easy, said = asked["easy"]
upper = MPII.indices(MPII.groups["Head"] + MPII.groups["Shoulder"])
seen = np.where(store.visible == 2, hit, np.nan)
tricks = {
    "as it should be": percent(hit),
    "all 16 joints": percent(hit, range(16)),
    "tuned on the test people": percent(tuned[:40]),
    "visible joints only": percent(seen),
    "score above 0.5 only": percent(np.where(scores > 0.5, hit, np.nan)),
    "head and shoulders only": percent(hit, upper),
    "easy pictures only": percent(right(easy, said)),
    "easy, visible, head and shoulders": percent(np.where(
        easy.visible == 2, right(easy, said), np.nan), upper)}
with figure("Eight scores of one network as dots: as it should be the lowest, "
            "then each trick, up to nearly 100.", size=(7.5, 3.2)) as axis:
    for row, value in enumerate(tricks.values()):
        axis.plot([percent(hit), value], [row, row], "-", color=GREY, lw=1)
        axis.plot(value, row, "o", ms=9, color=RED if row else BLUE)
    axis.set(yticks=range(8), yticklabels=tricks, xlabel="PCKh@0.5, %")
    axis.invert_yaxis()

# %% [markdown]
# The memory is perfect on its own people (**100**) and worse than the mean pose on
# others (**12**). The tuned shifts lift the 40 people they were chosen on and
# cost all others more than that: the constants have learned these 40 by heart.
# And the picture shows how far each trick pushes one and the same network: in the
# end to nearly 100.
#
# The defence is simple. Use three sets: train on the first, choose everything on
# the second, look at the third **once**. Say which people, which joints, which
# threshold, which mean. Count joints that were not found as wrong. Print the
# trivial baseline and an interval.
#
# ## 13. What others got
#
# MPII validation, 2,958 people, centre and scale given, flip test, single
# network. The mean is weighted, over 14 joints, unless the table says otherwise.
# "As printed" is what the source calls 0.1.
#
# | method | input | `PCKh@0.5` | "0.1" as printed | which threshold | source |
# |---|---|---|---|---|---|
# | center pose | | 5.8 | 0.2 | 0.10 | `posecourse score` |
# | mean pose | | 16.8 | 0.8 | 0.10 | `posecourse score` |
# | Tompson et al. 2015 | | 82.3 | 29.0 | 0.10 | computed from its predictions |
# | DeepPose, ResNet-50 (predicts coordinates) | 256 | 82.6 | 18.0 | 0.10 | mmpose |
# | the same with RLE | 256 | 86.1 | 27.7 | 0.10 | mmpose |
# | heatmaps, ResNet-50 | 256 | 88.2 | 28.6 | 0.10 | mmpose |
# | SimpleBaseline, ResNet-50 | 256 | 88.5 | 33.9 | **really 0.11** | Microsoft's README |
# | Hourglass, 8 stacks (Newell) | 256 | 88.4 | 21.6 | 0.10 | `posecourse score` |
# | Hourglass, 8 stacks (princeton-vl) | 256 | 90.2, *all 16 joints* | | | its README |
# | HRNet-W32 | 256 | 90.0 | 33.4 | 0.10 | mmpose |
# | HRNet-W32 | 256 | 90.3 | 37.7 | **really 0.11** | HRNet's README |
# | HRNet-W32 with DARK | 256 | 90.6 | 42.0 | **really 0.11** | DARK's README |
# | RTMPose-m (more data) | 256 | 90.7 | 34.8 | 0.10 | mmpose |
# | ViTPose-H (more data) | | 94.1 | | | ViTPose's README |
#
# Read it with $\pm 0.6$ in mind, and never compare across the two kinds of "0.1":
# 33.4 and 37.7 are the same network. The step from predicting coordinates to
# drawing maps, with the same ResNet-50, is worth more than most architectures.
# COCO's stricter AP says it even louder: 54.1 for coordinates, 70.6 with RLE,
# 71.8 for maps (ResNet-50, mmpose).
#
# Do it yourself, with `newell.h5` (in the repository anibali/eval-mpii-pose
# on GitHub) and `gt_valid.mat` (in the annotations of Microsoft's pose
# repository):
#
# ```
# posecourse score newell.h5 --truth gt_valid.mat
# ```
#
# It prints 88.43 weighted (95 % interval 87.8 to 89.0), 87.98 unweighted,
# 89.25 over 16 joints, 21.59 at 0.1, 25.44 at 0.11, mean pose 16.8, center
# pose 5.8, and the kinds of errors. For your own network: `posecourse evaluate RUN`.
#
# ## Quiz

# %%
quiz("09")

# %% [markdown]
# ## Summary
#
# - `PCKh@t`: right joints over labelled joints; right is an error of at most
#   ($\le$) t head sizes. On MPII a head is a tenth of the crop.
# - A score has a name only with threshold, mean, joints, people. Four means
#   circulate, and a "0.1" that is 0.11.
# - Beside every score: what the mean pose gets, and an interval. Draw people,
#   not joints; compare two networks on the same draws.
# - One mean hides groups: joints, hidden ones, difficulty. Inversion, near,
#   far and gross ask for different cures.
# - Peaks sort joints well but are no probabilities. A curve measured on other
#   people makes them so, for one threshold.
# - OKS is a soft measure and knows that hips are vague. AP judges a list: doubles
#   are errors, and the order of the scores counts.
# - Train, choose and test on three different sets, and look at the last once.
#
# ## Common mistakes
#
# | what goes wrong | why |
# |---|---|
# | PCKh a few points too high or low for published predictions | pixels counted from 1 on one side and from 0 on the other; another mean; another order of people |
# | @0.1 four points above everybody else's | it is 0.11 (section 4) |
# | the score rises when labels are removed | hard joints are missing; compare on the same labels |
# | the score rises with the threshold on the peaks | joints that were "not found" are left out; they must count as wrong |
# | NaN as the result | a joint or person without label or size in the mean |
# | intervals far too narrow | joints drawn instead of people (section 6) |
# | AP near 0 although poses look good | area of the box in another unit, sigmas of another skeleton, or pixels of the crop instead of the picture |
#
# ## Further reading
#
# - Andriluka, Pishchulin, Gehler, Schiele: *2D Human Pose Estimation: New
#   Benchmark and State of the Art Analysis* (2014). MPII and PCKh; read its
#   analysis by activity and viewpoint.
# - Lin et al.: *Microsoft COCO: Common Objects in Context* (2014), and COCO's
#   page on keypoint evaluation: where OKS and its widths come from.
# - Ronchi, Perona: *Benchmarking and Error Diagnosis in Multi-Instance Pose
#   Estimation* (2017). The anatomy of errors, for COCO.
# - Efron, Tibshirani: *An Introduction to the Bootstrap* (1993). The first
#   six chapters are enough.
# - Guo, Pleiss, Sun, Weinberger: *On Calibration of Modern Neural Networks*
#   (2017). Reliability diagrams and simple cures.
