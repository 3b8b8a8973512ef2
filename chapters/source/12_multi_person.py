# %% [markdown] document="2 several; 3.2 several"
# # 12. Several people
#
# **Find everybody in a picture, from the box down and from the joints up.**
#
# ![Two drawn people walk towards each other, pass, and walk on. Each has a skeleton and a coloured box with a number. While one hides the other there is one box only; afterwards both have their old numbers again.](figures/12_opening.gif)
#
# Two people cross, one is gone for a moment, and afterwards each still has the
# number from before. Everything in this film is built in this chapter.
#
# | | |
# |---|---|
# | **You will learn** | why a network of one person fails on two; how a person becomes a point and a box; non-maximum suppression for boxes and for poses; what overlap does to both families; how joints are sorted into people; AP with crowds; numbers that stay |
# | **You need** | [chapter 3](03_heatmaps.ipynb) (peaks), [chapter 9](09_evaluation.ipynb) (OKS, AP), [chapter 10](10_inference.ipynb) (crops) |
# | **Time** | 70 min to read, 60 min to do |
# | **Runs in** | 60 s on two CPU cores |
#
# So far a box around the person was given. The document (3.2) has the recipe
# for more: *first detect the people's boxes, then do single-person pose
# estimation in the RoI of each box, and combine the results.* In its Q&A (4.4)
# it asks what happens when people overlap. We build the recipe, ask the same
# question, and measure the answer. Then we meet the other family, which finds
# joints first and people last.

# %% tags=["setup"]
import json
from dataclasses import replace

import matplotlib.pyplot as plt
import numpy as np
import torch
import torchvision
from scipy.optimize import linear_sum_assignment

from posecourse import metrics, visualization
from posecourse.authoring.chapters import folder, require
from posecourse.datasets import SyntheticScenes
from posecourse.exercises import check, hint, quiz
from posecourse.people import detector, grouping, pairwise_iou
from posecourse.skeletons import MPII
from posecourse.visualization import animate, explore, show_people
from posecourse.visualization import people as plots
from posecourse.visualization.tables import table

require("0.1")
rng = np.random.default_rng(0)
torch.manual_seed(0)
visualization.use_style()

# %% tags=["setup", "hide-input"]
from posecourse.codecs import heatmap_peaks
from posecourse.datasets.synthetic import DIFFICULTIES, SyntheticCrossing
from posecourse.inference import Predictor
from posecourse.people import (BottomUp, CenterDetector, PosePipeline, box_nms,
                               oks_nms)

predictor = Predictor.load("laptop", device="cpu")
find_boxes = CenterDetector.load("detector", device="cpu")

# %% [markdown]
# ## 1. One network, two people
#
# The network `laptop` of [chapter 10](10_inference.ipynb) draws one heatmap
# for each joint and reads one peak from it. What does it do with two people?
#
# **Predict first.** It is shown the whole picture. Will it find one of the
# two, or parts of both?

# %% tags=["nbval-check-output"]
scenes = SyntheticScenes(24, people=(2, 3), overlap=(0, 0.5), split="test")
drawn = [scenes.scene(i) for i in range(scenes.pictures)]
pair = min((s for s in drawn if len(s.persons) == 2), key=lambda s: s.overlap)
(whole,) = predictor(pair.image)
truth = np.stack([p.keypoints for p in pair.persons])
head = np.array([p.head_size for p in pair.persons])


def nearest(pose):
    """How many joints of a pose lie on each of the people."""
    off = np.linalg.norm(pose.keypoints - truth, axis=-1) / head[:, None]
    return (off <= 0.5).sum(1).tolist()


boxes = [p.extra["full_box"] for p in pair.persons]
each = predictor(pair.image, boxes)
print("whole picture: joints on the left, the right person", nearest(whole))
for side, pose in zip(("left", "right"), each):
    print(f"box of the {side} person:", nearest(pose))
show_people([pair.image] * 2,
            [whole.keypoints, np.stack([p.keypoints for p in each])],
            titles=["whole picture", "a box for each"], size=4,
            alt="Two people twice. Left one skeleton that lies on neither of "
            "them; right a skeleton on each.")

# %% [markdown]
# <details><summary>Answer</summary>
#
# Hardly anything of either: **1** joint lies on the left person, **3** on the
# right one. Its crops always had one person in the middle who filled them.
# And where it does see both, each map has two bumps and each joint takes the
# higher one, whoever it belongs to. </details>
#
# With a box for each person the same network does its work: of the 16 joints,
# **16** and **15** are within half a head of where they should be. So we need
# somebody who says where the people are.
#
# ## 2. A person is a point
#
# We know how to find a joint: draw a bump on it, train a network, read the
# peak. Let us find a *person* the same way: as one more keypoint, the middle
# of the box. Then the box needs only its size, and for that the network
# draws two more maps, which are read **at the peak**. Two further maps say how
# far the middle lies from the middle of its cell, since a cell is four pixels
# wide. This is CenterNet (Zhou, Wang and Krähenbühl, 2019).
#
# How wide should the bump be? As wide as a box may be off and still be good.
# A box of the right size, off by $d$ along a side $s$, shares $s - d$ of the
# $s + d$ that both cover together. Its overlap (intersection over union, IoU)
# is at least $t$ up to
#
# $$d = s\,\frac{1 - t}{1 + t}.$$
#
# **Predict first.** A person is 30 pixels wide and 60 tall. How far may the
# middle be off to either side for an IoU of 0.5? And up or down?
#
# <details><summary>Answer</summary>
#
# A third of each side: 10 pixels to the side, 20 up or down. The bump of a
# standing person is an ellipse. </details>

# %% tags=["nbval-check-output"]
sides = np.array([30.0, 60.0])
print("may be off by", 3 * detector.center_sigma(sides, overlap=0.5), "pixels")
moved = pairwise_iou([[0, 0, 30, 60]], [[10, 0, 30, 60]])[0, 0]
print(f"then the IoU is {moved:.2f}")

box = torch.tensor([[[5.0, 2, 14, 26]]])          # x, y, width, height
heat, geometry, _ = detector.center_targets(box, (6, 8), stride=4)
print((100 * heat[0, 0]).round().int().numpy())
row, column = divmod(int(heat[0, 0].argmax()), 6)
dx, dy, wide, tall = geometry[0, 0, :, row, column]
print(f"peak in cell ({column}, {row}), the middle {dx:+.2f}, {dy:+.2f} cells "
      f"from it")
x, y = (column + dx + 0.5) * 4, (row + dy + 0.5) * 4
w, h = 4 * wide.exp(), 4 * tall.exp()
print(f"box {x - w / 2:.1f}, {y - h / 2:.1f}, {w:.1f}, {h:.1f}")

# %% [markdown]
# The last line is the box we began with. (The size is stored as a logarithm:
# then an error of a tenth of the size weighs the same for a child far away
# and for somebody who fills the picture.)
#
# The detector that comes with the course has the trunk of EfficientNet-Lite0
# (chapter 11's idea of a pyramid on it), which first learned from ImageNet's
# photographs. It was then trained on drawn scenes and on photographs of
# athletes, pasted beside each other. Here is its heat, and what its five maps
# say at the peaks.

# %% tags=["nbval-check-output"]
canvas, _ = detector.fitted(pair.image, find_boxes.long_side)
maps = find_boxes.maps(canvas)
stride = canvas.shape[1] // maps.shape[-1]
print("picture", canvas.shape[:2], "maps", tuple(maps.shape[1:]))
found, scores = find_boxes(pair.image)
for box, score in zip(found, scores):
    print(f"score {score:.2f}, largest IoU with a person "
          f"{pairwise_iou([box], boxes).max():.2f}")
shown = pair.image.shape[0] * maps.shape[-1] // pair.image.shape[1]
plots.show_boxes(
    pair.image, found, [f"{s:.2f}" for s in scores], "heat and boxes",
    heat=maps[0, 0, :shown].sigmoid(),
    alt="The two people under a bright spot in the middle of each, with a "
    "box around each and its score.")

# %% [markdown]
# Two people, and a third box with the score **0.39** on a pot plant: a false
# alarm. Its spot is fainter than the two others. How much a detector should
# let pass is a choice: a lower threshold misses fewer people and reports more
# plants.
#
# ## 3. One answer for each person
#
# A detector that is unsure answers twice: a little higher, a little to the
# left. To clean up, take the surest box, drop all that overlap it too much,
# take the surest of those that are left, and so on: **non-maximum
# suppression**, NMS.
#
# Here are five boxes. **Predict first.** With the threshold 0.4, which of A to
# E are left? The matrix below has all you need. Watch D.

# %% tags=["nbval-check-output"]
five = np.array([[10.0, 10, 40, 80], [18, 12, 40, 80], [35, 10, 40, 80],
                 [30, 12, 40, 80], [110, 20, 40, 70]])
sure = np.array([0.9, 0.6, 0.8, 0.7, 0.5])
print("      A     B     C     D     E")
for name, row in zip("ABCDE", pairwise_iou(five, five)):
    print(name, " ".join(f"{v:5.2f}" for v in row))

left, kept = list(np.argsort(-sure)), []
while left:
    best = left.pop(0)
    kept.append(best)
    ious = pairwise_iou(five[[best]], five[left])[0]
    print(f"keep {'ABCDE'[best]}, drop",
          ["ABCDE"[i] for i, v in zip(left, ious) if v > 0.4])
    left = [i for i, v in zip(left, ious) if v <= 0.4]
ends = np.c_[five[:, :2], five[:, :2] + five[:, 2:]]      # x1, y1, x2, y2
theirs = torchvision.ops.nms(torch.tensor(ends), torch.tensor(sure), 0.4)
print("by hand", [int(k) for k in kept], "package",
      box_nms(five, sure, 0.4).tolist(), "torchvision", theirs.tolist())
plots.show_boxes((160, 105), five, [f"{n} {s}" for n, s in zip("ABCDE", sure)],
                 alt="Five boxes: A and B almost on each other, C and D "
                 "half over them, E far to the right.")

# %% [markdown]
# <details><summary>Answer</summary>
#
# A, C and E. B overlaps A by **0.64** and goes. C overlaps A by only **0.23**:
# another person, as far as NMS can tell. D goes because of C (**0.74**).
# </details>
#
# ### Exercise 12.1 ★★☆ NMS
#
# Write `nms(boxes, scores, threshold)`: the numbers of the boxes that are
# kept, the surest first, as a list. A box is dropped if its IoU with one that
# is kept is *larger* than the threshold. Use `pairwise_iou`. (15 minutes)
#
# Expected for the five boxes at 0.4: `[0, 2, 4]`.

# %% tags=["exercise"]
def nms(boxes, scores, threshold):
    """Numbers of the boxes that are kept, the surest first."""
    # your code here


# %% tags=["solution"]
def nms(boxes, scores, threshold):
    """Numbers of the boxes that are kept, the surest first."""
    ious, kept = pairwise_iou(boxes, boxes), []
    for i in np.argsort(-scores, kind="stable"):
        if all(ious[i, k] <= threshold for k in kept):
            kept.append(int(i))
    return kept


# %% tags=["check"]
check("12.1", nms)

# %% [markdown]
# **Play.** Here every warm cell of the detector's heat gives a box, not only
# the peaks. How low must the threshold be until each person has one? And what
# is lost if it is lower still?

# %%
crowd = drawn[16]
tight, grown = detector.fitted(crowd.image, find_boxes.long_side)
warm = find_boxes.maps(tight)[0]
y, x = torch.nonzero(warm[0].sigmoid() > 0.25, as_tuple=True)
dx, dy, wide, tall = warm[1:, y, x]
w, h = stride * wide.exp(), stride * tall.exp()
many = np.stack([(x + dx + 0.5) * stride - w / 2,
                 (y + dy + 0.5) * stride - h / 2, w, h], 1) / np.tile(grown, 2)
certain = warm[0, y, x].sigmoid().numpy()


def after_nms(threshold):
    kept = box_nms(many, certain, threshold)
    return plots.show_boxes(crowd.image, many[kept],
                            title=f"{len(kept)} of {len(many)} boxes left")


explore(after_nms, "Three people who overlap, with the boxes that NMS leaves "
        "at the threshold {threshold:.2f}.", threshold=(0.0, 1.0, 0.5, 0.05))

# %% [markdown]
# ## 4. From boxes to poses
#
# The rest is [chapter 10](10_inference.ipynb): cut each box out, with some
# room around it, bring it to 64 x 64 pixels, let the network of one person
# look at all crops in one batch, and carry the joints back into the picture.
# `PosePipeline` does all of it, in three lines for a picture of your own:
#
# ```python
# from posecourse.people import PosePipeline
# pipeline = PosePipeline.load("photos")
# poses = pipeline("my_photo.jpg")
# ```
#
# Here it looks at drawn people, with the network that was trained on such.

# %%
pipeline = PosePipeline(find_boxes, predictor)
some = [drawn[i] for i in (17, 11, 9)]
plots.show_scenes(
    [plots.draw_people(s.image, pipeline(s.image)) for s in some],
    [f"{len(s.persons)} people, overlap {s.overlap:.2f}" for s in some],
    alt="Three scenes of two or three people, most with a skeleton and a box "
    "of its own colour.")

# %% [markdown]
# ## 5. Twice the same person
#
# NMS of boxes has a blind spot: it sees no people, only overlap. Two boxes
# with an IoU of 0.6 may be one person seen twice, or two people who hug. Poses
# know better. **OKS** ([chapter 9](09_evaluation.ipynb)) compares a pose with
# a label; nothing keeps us from comparing two poses. So: let more boxes
# through, predict a pose in each, and drop a pose that is too similar to a
# surer one.
#
# **Predict first.** Below are two people who stand close, and three poses:
# the left person's, the same once more with every joint a little off, and the
# right person's. Which pair has the higher IoU of boxes, and which the higher
# OKS?

# %% tags=["nbval-check-output"]
close = drawn[8]
one, other = close.persons
rng = np.random.default_rng(0)
points = np.stack([one.keypoints, one.keypoints + rng.normal(0, 5, (16, 2)),
                   other.keypoints])
around = metrics.keypoint_boxes(points)
for name, k in (("the same person", 1), ("the other person", 2)):
    similar = metrics.oks(points[[k]], points[:1], None,
                          [one.extra["full_area"]], MPII.sigmas)[0, 0]
    print(f"{name:17} IoU {pairwise_iou(around[:1], around[[k]])[0, 0]:.2f}, "
          f"OKS {similar:.2f}")
print("kept by NMS of boxes at 0.45:",
      box_nms(around, [0.9, 0.8, 0.7], 0.45).tolist())
print("kept by OKS-NMS at 0.5:      ",
      oks_nms(points, [0.9, 0.8, 0.7], MPII.sigmas, 0.5).tolist())
show_people([close.image] * 3, points, size=3, columns=3,
            titles=["one", "the same again", "the other"],
            alt="One scene three times: the skeleton lies on the same person "
            "in the first two, on the one close by in the third.")

# %% [markdown] document="4.4 overlap"
# <details><summary>Answer</summary>
#
# The same person has the higher of both. But the boxes of the two people share
# **0.50**, so a strict threshold takes one of them away, while their OKS is
# only **0.12**: poses leave room for a safe threshold, boxes do not.
# </details>
#
# `PosePipeline` does both: NMS of boxes with a generous threshold, then
# OKS-NMS. It cannot help where the network of one person draws the *same* pose
# in both boxes. Whether it does is the next question.
#
# ## 6. Overlap: the document's question
#
# *How does multi-person pose estimation deal with overlapping bodies?* (4.4)
# The document answers: *by assigning each person a set of heatmaps or
# coordinates, so as to tell different people's joints apart. First detect the
# boxes, then predict the keypoints in each box, and overlap is dealt with.*
#
# Is it? A crop of one person shows the one beside, too. The network is not
# told which of the two is meant; it has to guess from who is in the middle.
# And before that, the detector must have found both. The study
# `data/studies/several_people.py` has drawn 40 scenes of each degree of
# overlap (the mean over people of the largest IoU with somebody else's box)
# and scored the poses by OKS-AP, as COCO does.
#
# **Predict first.** Three things may go wrong when people come closer: boxes
# are missed, joints go to the wrong person, hidden joints cannot be seen. In
# the row "true boxes" the first is impossible. How much will be left of it?

# %% tags=["hide-input", "nbval-check-output"]
study = json.loads((folder().parent / "data" / "studies" /
                    "several_people.json").read_text("utf-8"))
names = {"found": "detector, then laptop", "true boxes": "true boxes, laptop",
         "crowd: found": "detector, then crowd",
         "crowd: true boxes": "true boxes, crowd",
         "bottom-up": "bottom-up", "mean pose": "true boxes, mean pose"}
by_overlap = [part for name, part in sorted(study.items())
              if name.startswith("overlap")]
table([(label, *(row["keypoints"][key]["AP"][0] for row in by_overlap))
       for key, label in names.items()]
      + [("boxes found, %", *(row["boxes"]["recall"] for row in by_overlap)),
         ("false alarms a picture",
          *(row["boxes"]["false_alarms"] for row in by_overlap))],
      ("OKS-AP, %; overlap", *(f"{row['overlap']:.2f}" for row in by_overlap)))

# %% [markdown]
# <details><summary>Answer</summary>
#
# Nearly all. In the true boxes `laptop` falls from **55.5** to **15.7** %, and
# with the detector's boxes it does no worse. </details>
#
# So the document's answer is half of one. The boxes are not the trouble: even
# at an overlap of **0.48** the detector finds **78.4** % of the people. The
# trouble is inside the box. `laptop` was trained on one person at a time; when
# a crop shows two, its heatmaps have bumps on both, as in section 1, and a set
# of heatmaps *for each box* is not yet a set *for each person*.
#
# Can it be learned? `crowd` is the same network, trained a few minutes longer
# on people cut out of crowded scenes: now whoever is in the middle is meant,
# whoever else is there. At an overlap of **0.32** it reaches **38.6** % where
# `laptop` has **25.0** %. What nobody can see, it must still guess: at 0.48 it
# is down to **27.6** %. (The intervals, six to eight points to either side,
# are in `several_people.json`.)
#
# The row "bottom-up" is the other family, which comes next. It begins far
# below, and loses less on the way.
#
# **Play.** The same people, moved together. When does the pipeline lose
# somebody?

# %%
def together(overlap):
    scene = SyntheticScenes(1, seed=5, people=3, overlap=overlap,
                            truncated=0).scene(0)
    made, axes = plt.subplots(figsize=(4.4, 3.5))
    found = pipeline(scene.image)
    axes.imshow(plots.draw_people(scene.image, found))
    axes.set_title(f"{len(found)} of {len(scene.persons)} people, measured "
                   f"overlap {scene.overlap:.2f}")
    axes.set_axis_off()
    return made


explore(together, "Three people at an overlap of {overlap:.1f}, with the "
        "poses that the pipeline finds.",
        overlap=[0.0, 0.1, 0.2, 0.3, 0.4, 0.5])

# %% [markdown]
# ## 7. Bottom-up: joints first
#
# The other family turns the order round: find **all joints of all people** in
# one look, then sort them into people. The maps are those of section 1, with
# a bump on everybody; there the trouble was not finding the bumps but knowing
# whose they are. So the network draws something more: **part affinity fields**
# (Cao et al., 2017). For each bone, two maps hold the $x$ and the $y$ of an
# arrow of length 1 that points along the bone, wherever that bone is, whoever
# it belongs to.
#
# Is this shoulder connected with that elbow? Walk from one to the other and
# look at the arrows on the way: the mean of *arrow times direction* is 1 if
# they all point your way, about 0 if there are none.
#
# A toy: two people, three joints each, arms crossed. **Predict first.** Each
# shoulder has one elbow that is nearer. Is it the right one?

# %% tags=["nbval-check-output"]
arms = torch.tensor([[[6.0, 4], [20, 13], [28, 9]],
                     [[26.0, 4], [12, 14], [4, 9]]]).double()  # S, E, W
fields = grouping.limb_fields(arms[None], [(0, 1), (1, 2)], size=(32, 20),
                              stride=1)[0].numpy()
shoulder, elbow, _ = arms.numpy().swapaxes(0, 1)


def walk(field, start, end, steps=10):
    """The mean of field times direction on the way from start to end."""
    direction = (end - start) / np.linalg.norm(end - start)
    way = np.rint(np.linspace(start, end, steps)).astype(int)
    return np.mean([field[:, y, x] @ direction for x, y in way])


hand = np.array([[walk(fields[:2], s, e) for e in elbow] for s in shoulder])
far = np.linalg.norm(shoulder[:, None] - elbow, axis=-1).round(1)
print("distance", far.tolist(), "by hand", hand.round(2).tolist())
ours = grouping.line_scores(fields[:2], shoulder, elbow)
print("package ", ours.round(2).tolist(), "pairs",
      np.stack(linear_sum_assignment(-ours), 1).tolist())
names = dict(zip(("S1", "S2", "E1", "E2"), [*shoulder, *elbow]))
plots.show_field(fields[:2], names, [(s, e, s[1] == e[1]) for s in ("S1", "S2")
                                     for e in ("E1", "E2")],
                 alt="Two crossing bands of arrows, S1 to E1 and S2 to E2. "
                 "Dotted lines, S1 to E2 and S2 to E1, leave the bands.")

# %% [markdown]
# <details><summary>Answer</summary>
#
# No: for both shoulders the *other* elbow is nearer. The arrows are not
# fooled. </details>
#
# The package gives exactly 0 where less than seven tenths of the way agree: a
# few cells of somebody else's bone must not count as evidence.
#
# With several people, each shoulder wants the best elbow, but no elbow has
# two shoulders. That is an **assignment**; the Hungarian algorithm
# (`scipy.optimize.linear_sum_assignment`) finds the one with the highest sum.
# Bone by bone, pairs are chained into people.
#
# ### Exercise 12.2 ★★★ Pairs to people
#
# Write `chains(first, second)`. `first` lists pairs `(shoulder, elbow)`,
# `second` pairs `(elbow, wrist)`, as numbers of peaks; no peak is in two pairs
# of a list. Return the people as lists `[shoulder, elbow, wrist]`, with None
# for what is missing, sorted by shoulder, elbow, wrist (None first). Somebody
# whose shoulder was not seen is somebody, too. (25 minutes)
#
# Expected for `first = [(0, 1), (1, 0)]`, `second = [(0, 0), (2, 1)]`:
# `[[None, 2, 1], [0, 1, None], [1, 0, 0]]`.

# %% tags=["exercise"]
def chains(first, second):
    """People [shoulder, elbow, wrist] from two lists of pairs."""
    # your code here


# %% tags=["solution"]
def chains(first, second):
    """People [shoulder, elbow, wrist] from two lists of pairs."""
    people = {b: [a, b, None] for a, b in first}
    for b, c in second:
        people.setdefault(b, [None, b, None])[2] = c
    return sorted(people.values(),
                  key=lambda p: [-1 if v is None else v for v in p])


# %% tags=["check"]
check("12.2", chains)

# %% [markdown]
# The bottom-up network of the course has the trunk of `laptop` and draws 46
# maps: 16 joints, and two for each of 15 bones. Here is what it sees in a
# picture, and the people that `group_joints` makes of it.

# %% tags=["nbval-check-output"]
bottom_up = BottomUp.load(device="cpu")
seen = drawn[3].image
small, _ = detector.fitted(seen, bottom_up.long_side)
inside = bottom_up.maps(small)[0]
cells, heights = heatmap_peaks(inside[:16], bottom_up.peak, 2, 20)
print("maps", tuple(inside.shape), "peaks", int((heights > 0).sum()),
      "people", len(bottom_up(seen)), "of", len(drawn[3].persons))
arrows = torch.hypot(inside[16::2], inside[17::2])
plots.show_scenes(
    [visualization.heatmap_overlay(small, inside[:16]),
     visualization.heatmap_overlay(small, arrows),
     plots.draw_people(seen, bottom_up(seen))],
    ["16 maps of joints", "15 fields: their length", "sorted into people"],
    alt="A scene three times: with bright spots on all joints of everybody, "
    "with bright bands along all bones, and with skeletons.")

# %% [markdown]
# ## 8. Where the milliseconds go
#
# Top-down looks once at the picture and once at every person. Bottom-up looks
# once. So the one grows with the people, the other does not. How much, the
# study has counted: in the first table, milliseconds of one CPU core for a
# picture of 640 x 480 pixels. The second is a video from file to file on two
# cores: read, followed, drawn and written again. Its detector looks at each
# fifth picture only; in between, everybody is looked for where the last pose
# was (section 10).

# %% tags=["hide-input", "nbval-check-output"]
display(table([(row["people"], row["detector"], row["poses"],
                row["detector"] + row["poses"], row["bottom-up"])
               for row in study["cost"]],
              ("people", "detector", "poses", "top-down", "bottom-up")))
table([(row["people"], row["detector"], row["poses"] + row["tracking"],
        row["draw"] + row["write"], row["pictures_a_second"])
       for row in study["video"]],
      ("people", "detector", "poses", "draw and write", "pictures a second"))

# %% [markdown]
# The detector looks once, too, so a part of the top-down price is fixed. On
# top of it, eight people cost **27.1** ms and one **9.0** ms. (That is less
# than eight times as much, because all crops go through the network as one
# batch.)
# Bottom-up takes **20.0** to **23.1** ms, whoever is there. Here it is cheaper
# from the first person on, and less accurate except where people overlap much.
# With a larger network of one person, as in practice, the two columns are
# further apart: users have reported 30 frames a second that fell to 2 when a
# group walked in.
#
# The videos reach **49.6** to **32.4** pictures a second, more than the 25
# that they have: this is real time. What was dearest, the detector, became
# cheap by looking rarely. (Of the eight people some stand behind others: fewer
# poses are found, so the third video is hardly slower than the second.)
#
# ## 9. AP, crowds and the number -1
#
# Everything above was scored with `metrics.keypoint_ap`, which agrees with
# COCO's own evaluator. Two of its habits surprise people, so here is a toy:
# one picture, one person of 60 x 120 pixels, one perfect pose, and a second
# pose in a crowd at the back that nobody has labelled one by one.
#
# **Predict first.** What is the AP if the crowd is labelled as a crowd? And
# if it is not labelled at all?

# %% tags=["nbval-check-output"]
grid = np.stack(np.meshgrid(np.linspace(0, 60, 4), np.linspace(0, 120, 4)), -1)
body = grid.reshape(16, 2) + 20
labelled = {"keypoints": body, "area": 3800.0}
throng = {"keypoints": np.full((16, 2), np.nan), "area": 9000.0,
          "box": (200, 20, 150, 60), "crowd": True}
poses = [{"keypoints": body, "score": 0.6},
         {"keypoints": body / 2 + (220, 10), "score": 0.9}]
for name, people in (("crowd labelled", [labelled, throng]),
                     ("crowd not labelled", [labelled])):
    ap = metrics.keypoint_ap([people], [poses], MPII.sigmas)
    print(f"{name:19} AP {ap['AP']:.2f}  APm {ap['APm']:.2f}  "
          f"APl {ap['APl']:.2f}")

# %% [markdown]
# <details><summary>Answer</summary>
#
# **1.00** and **0.50**: a pose in a labelled crowd is neither right nor wrong;
# without the label it is a false alarm, and a surer one than the hit.
# </details>
#
# The person has 3,800 square pixels, which COCO calls *medium*. There is
# nobody large, so the AP of large people is 0 of 0. COCO's evaluator prints
# **-1** there, not a bad result but none; this course prints NaN.
#
# ## 10. Who is who
#
# In a video the poses of one frame must be tied to those of the next. Each
# **track** says where its person should be now: the last pose, moved on as
# fast as before. The new poses are assigned to the tracks by OKS, again with
# the Hungarian algorithm. Somebody who is hidden walks on unseen, and is given
# up after a while. That is all.

# %%
calm = replace(DIFFICULTIES["easy"], noise=0)    # a loop must be small
crossing = SyntheticCrossing(2, seconds=2.8, fps=5, size=(192, 144), seed=4,
                             difficulty=calm)
frames = [crossing.scene(t).image for t in range(len(crossing.times))]
results = [result for _, result in pipeline.video(frames, every=2)]
animate(lambda t: plots.draw_people(frames[t], results[t], width=320),
        range(len(frames)), fps=5,
        alt="Two people walk past each other with boxes and numbers; the "
        "numbers are the same before and after.")

# %% [markdown]
# ### Exercise 12.3 ★★☆ Count the switches
#
# Write `switches(numbers, people)`. For each frame, `numbers` lists the
# tracker's number of each pose, `people` who it really is, -1 for nobody.
# Count how often a person's number differs from the one at the person's last
# sighting. (15 minutes)
#
# Expected for `numbers = [[0, 1], [1, 0], [1, 0]]`, `people = [[0, 1],
# [0, 1], [0, -1]]`: `2`.

# %% tags=["exercise"]
def switches(numbers, people):
    """How often somebody's number changes."""
    # your code here


# %% tags=["solution"]
def switches(numbers, people):
    """How often somebody's number changes."""
    last, count = {}, 0
    for given, true in zip(numbers, people):
        for number, person in zip(given, true):
            if person >= 0:
                count += last.get(person, number) != number
                last[person] = number
    return count


# %% tags=["check"]
check("12.3", switches)

# %% tags=["hide-input", "nbval-check-output"]
runs = study["crossings"]
print(f"{len(runs)} crossings; no number changed: with true poses "
      f"{sum(r['true_poses'] == 0 for r in runs)}, with found poses "
      f"{sum(r['found_poses'] == 0 for r in runs)}\n"
      "both have their first number at the end: "
      f"{sum(r['same_at_end'] for r in runs)}")
table([(name, about["pictures"], about["people"],
        *(about["keypoints"][row]["AP"][0]
          for row in ("found", "true boxes", "mean pose")),
        100 * about["clear_people"]["found"]
        / about["clear_people"]["people"], about["false_alarms"])
       for name, about in study["photographs"].items()],
      ("photographs", "pictures", "people", "AP", "true boxes",
       "mean pose", "clear people found, %", "false alarms"))

# %% [markdown]
# With true poses no number ever changed. With found poses (of `crowd`) **6**
# of the ten films kept every number throughout; in the others a skeleton
# jumped to the wrong person on the way. But at the end both had their first
# numbers in all **10**: what a track expects carries it over.
#
# The second table is a cold shower. On photographs the detector finds
# **55.6** % and **71.4** % of the people who are clear to see, with about one
# false alarm a picture, and the poses are poor, with true boxes too. Athletes
# pasted beside each other are not a street, and `photos` has met nobody but
# athletes. And it is nine pictures each: the intervals, in the study's file,
# are 20 points wide and more. What is shown here is how the parts work, not
# what is possible: the published detectors are made by the same recipe, from
# COCO's labelled people and with days of a GPU.
#
# ## Project
#
# **Crowded.** Make a function `find(image)` that returns a list of poses and
# beats the pipeline on crowded scenes. You may use all of the package: other
# thresholds, soft-NMS, the mirrored picture, both families together.
#
# | | |
# |---|---|
# | works | a list of `Pose` for any picture, also for nobody |
# | measured | a higher OKS-AP than the pipeline on 16 crowded scenes |
# | explained | two sentences: which mistake you went after, and what it cost |

# %% tags=["project"]
find = None       # your code here

# %% tags=["check"]
check("12.project", find)

# %% [markdown]
# ## Quiz

# %%
quiz("12")

# %% [markdown]
# ## Summary
#
# - A person is a point: one heatmap for the middle, four maps for the box.
# - NMS keeps the surest and drops what overlaps it; it sees no people.
# - OKS-NMS compares poses, and tells a double from somebody who stands close.
# - Top-down is a detector and a network of one person; whoever the detector
#   misses is lost, and who overlaps is guessed at.
# - Bottom-up finds all joints in one look; the work is in sorting them, with
#   fields along the bones and an assignment.
# - The cost of top-down grows with the people, that of bottom-up does not.
# - A tracker expects, compares, assigns, and waits for the hidden.
#
# ## Common mistakes
#
# | what goes wrong | why |
# |---|---|
# | all boxes have an IoU of 0 | `(x1, y1, x2, y2)` given where `(x, y, width, height)` is meant |
# | somebody is missing in every crowd | the NMS threshold is too low |
# | poses are good, AP is poor | the score says nothing about the pose: multiply the box's with the joints' |
# | AP is -1 or NaN | nobody of that size is labelled |
# | false alarms on a full square | a crowd that is not labelled as one |
# | the frame rate falls when people come in | top-down: count the people before you promise a rate |
#
# ## Further reading
#
# - Zhou, Wang, Krähenbühl: *Objects as Points* (2019). The detector of
#   section 2, and poses with it.
# - Bodla, Singh, Chellappa, Davis: *Soft-NMS* (2017). Trust less instead of
#   dropping.
# - Cao, Simon, Wei, Sheikh: *Realtime Multi-Person 2D Pose Estimation using
#   Part Affinity Fields* (2017). Section 7 in full.
# - Newell, Huang, Deng: *Associative Embedding* (2017). The other way to say
#   whose a joint is: a number that the network makes up.
# - Xiao, Wu, Wei: *Simple Baselines for Human Pose Estimation and Tracking*
#   (2018). Top-down and OKS tracking, on a page each.
