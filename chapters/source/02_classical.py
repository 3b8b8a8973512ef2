# %% [markdown]
# # 2. Pose before deep learning
#
# **Find a body with gradients, linear classifiers and springs, and measure
# how far that gets.**
#
# ![Left a drawn person, right a tree of sixteen joints. Patches of light appear on the person, first where the wrists may be, then where the wrists want the elbows; step by step they move inward to the pelvis and shrink to one spot. Then a skeleton grows from the pelvis out to the wrists, and lies on the person.](figures/02_messages.gif)
#
# No network did this. Edges are counted, a few dozen linear classifiers say
# what looks like a wrist or a knee, springs say how a body hangs together,
# and one exact search finds the best of all poses that there are. You build
# every part of it here.
#
# | | |
# |---|---|
# | **You will learn** | what HOG keeps of a picture and what it forgets; linear SVMs and their false alarms; why a sliding window is a convolution; springs and the distance transform; how a tree of joints is solved exactly; what of all this lives on in networks |
# | **You need** | [chapter 1](01_concepts.ipynb), NumPy arrays, what a gradient is; no machine learning |
# | **Time** | 70 min to read, 70 min to do |
# | **Runs in** | 50 s on two CPU cores |
#
# The document (2) names the *traditional methods* in one line: features made
# by hand with a classifier, such as **HOG + SVM**, and the **deformable parts
# model**, DPM. From 2005 to about 2013 they were how a computer saw people.
# Networks have replaced them. We build them all the same, for three reasons:
# every step can be understood to the last number; half of the ideas came back
# inside the networks, under other names; and only who knows what was there
# before can say what a network adds.

# %% tags=["setup"]
import itertools
import json

import numpy as np
import skimage.feature
import torch
from sklearn.svm import LinearSVC

from posecourse import metrics
from posecourse.authoring.chapters import folder, require
from posecourse.classical import PictorialModel, parts, pictorial, svm
from posecourse.classical.distance import distance_transform
from posecourse.classical.hog import cell_histograms, gradients, hog
from posecourse.datasets import SyntheticPeople, crop_in_memory
from posecourse.evaluation import predict_crops
from posecourse.exercises import check, hint
from posecourse.models import load_model
from posecourse.models.pretrained import pretrained
from posecourse.skeletons import MPII
from posecourse.visualization import classical as look
from posecourse.visualization.figures import show_people, use_style
from posecourse.visualization.widgets import explore

require("0.1")
rng = np.random.default_rng(0)
use_style()

# %% [markdown]
# ## 1. Edges
#
# What do all wrists have in common? Not their colour: one is bare, one in a
# red sleeve, one in the shade. But along an arm there is an **edge** on either
# side, wherever it is and whatever it wears. So the first step is to forget
# colours and keep edges.
#
# An edge is where brightness changes. How much it changes from left to right
# is the difference of two neighbours; likewise from top to bottom. The two
# differences together are an arrow, the **gradient**. It points where the
# picture grows brighter, across the edge, and its length says how strong the
# edge is. A patch of 4 x 4 pixels shows it: a bright corner on dark ground.
#
# **Predict first.** At row 1, column 1 the left neighbour is 40 and the right
# one 200; so are the upper and the lower one. How long is the gradient there,
# and in which direction does it point?
#
# <details><summary>Answer</summary>
#
# Both differences are 160, so the length is $160 \sqrt 2 = 226$ and the
# direction 45 degrees: to the right *and down*, since $y$ grows downwards.
# </details>

# %% tags=["nbval-check-output"]
patch = np.array([[40, 40, 40, 40],
                  [40, 40, 200, 200],
                  [40, 200, 200, 200],
                  [40, 200, 200, 200]])
right, down = np.zeros((2, 4, 4))
right[:, 1:-1] = patch[:, 2:] - patch[:, :-2]    # right minus left
down[1:-1] = patch[2:] - patch[:-2]              # lower minus upper
magnitude = np.hypot(right, down)
angle = np.rad2deg(np.arctan2(down, right)) % 180

print("to the right", right, "down", down, "magnitude", magnitude.round(),
      "angle", angle.round(), sep="\n")
ours, theirs = np.stack([magnitude, angle]), np.stack(gradients(patch))
print(f"largest difference from the package: {abs(ours - theirs).max():.0e}")
look.show_gradients(
    patch, magnitude, angle,
    alt="Left sixteen squares with their values, dark in the upper left and "
    "bright in the lower right; right the same squares with five arrows along "
    "the boundary, each pointing across it to the bright side.")

# %% [markdown]
# Five pixels have a gradient, all on the boundary. (Along the border of the
# picture a neighbour is missing; there it is set to 0.)
#
# What does `% 180` do? It lets 200 degrees count as 20. Dark trousers before
# a bright wall and bright trousers before a dark wall have opposite
# gradients, and the same edge. A person detector should not care.
#
# **Spot the bug.** A picture from a file is `uint8`. With
# `patch.astype(np.uint8)` the cell above would run without an error. What
# would be wrong?
#
# <details><summary>Answer</summary>
#
# `uint8` knows no negative numbers: $40 - 200$ becomes 96. Where the picture
# grows *darker*, the gradient is nonsense. So convert before you subtract.
# </details>
#
# ## 2. Histograms of oriented gradients
#
# The gradients of a picture are as many numbers as the picture itself, and
# they change completely when an arm moves by two pixels. **HOG** (Dalal and
# Triggs, 2005) makes them few and tolerant, in two steps.
#
# - **Cells.** Squares of 8 x 8 pixels. In each, count the edges by direction:
#   nine bins of 20 degrees, and every pixel votes with its magnitude. Where
#   in its cell an edge lies is forgotten.
# - **Blocks.** A shadow halves all gradients under it. So squares of 2 x 2
#   cells are divided by their length. One very strong edge would then drown
#   the others: values are cut at 0.2, and the block is divided by its length
#   again. (Its name is L2-Hys.)
#
# **Predict first.** The patch above as one cell: which three bins get votes?
# And what does a block `[3, 4, 0, 0]` become?
#
# <details><summary>Answer</summary>
#
# Bin 0 (0 degrees, one pixel), bin 2 (45 degrees, three pixels) and bin 4 (90
# degrees, one pixel). The block has length 5: `[0.6, 0.8, 0, 0]`, cut to
# `[0.2, 0.2, 0, 0]`, and at length 1 again `[0.71, 0.71, 0, 0]`.
# </details>

# %% tags=["nbval-check-output"]
def cell_histogram(magnitude, angle, bins=9):
    """The edges of one cell, counted by direction."""
    histogram = np.zeros(bins)
    for strength, degrees in zip(magnitude.flat, angle.flat):
        histogram[int(degrees // (180 / bins)) % bins] += strength
    return histogram / magnitude.size


def normalise(block):
    """L2-Hys: to length 1, cut at 0.2, to length 1 again."""
    block = block / np.sqrt((block ** 2).sum() + 1e-10)
    block = np.minimum(block, 0.2)
    return block / np.sqrt((block ** 2).sum() + 1e-10)


print("the patch as a cell:", cell_histogram(magnitude, angle).round(1))
print("a block:", normalise(np.array([3.0, 4, 0, 0])).round(2))

# %% tags=["nbval-check-output"]
def hog_by_hand(image, side=8, bins=9):
    magnitude, angle = gradients(image)
    rows, columns = np.array(magnitude.shape) // side
    cells = np.zeros((rows, columns, bins))
    for i, j in np.ndindex(rows, columns):
        here = np.s_[i * side:(i + 1) * side, j * side:(j + 1) * side]
        cells[i, j] = cell_histogram(magnitude[here], angle[here], bins)
    blocks = np.zeros((rows - 1, columns - 1, 2, 2, bins))
    for i, j in np.ndindex(rows - 1, columns - 1):
        blocks[i, j] = normalise(cells[i:i + 2, j:j + 2])
    return blocks


person = SyntheticPeople(100, size=128, difficulty="easy").render(11).image
window = person[:, 32:96]                               # (128, 64, 3)
by_hand, package = hog_by_hand(window), hog(window)
reference = skimage.feature.hog(
    window, cells_per_block=(2, 2), channel_axis=-1, feature_vector=False)
print("blocks", package.shape, "numbers", package.size)
for name, other in (("by hand", by_hand), ("scikit-image", reference)):
    print(f"largest difference between the package and {name}: "
          f"{abs(package - other).max():.7f}")

# %% [markdown]
# A window of 128 x 64 pixels becomes **3780** numbers, the most famous vector
# of its decade. Our loops, the package and scikit-image agree. (The package
# has no loop over pixels and none over blocks, and is several times as fast
# as scikit-image.)
#
# What is left of a person? The next cell draws four people three times: as
# they are, their edges, and HOG as little stars, whose strokes run *along*
# the edges of a cell. Then it makes one picture darker, by half.
#
# **Predict first.** How much does HOG change?

# %% tags=["nbval-check-output"]
four = SyntheticPeople(100, size=128, difficulty="easy")
pictures = [four.render(i).image[4:124, 28:100] for i in (3, 11, 17, 23)]
edges = [np.uint8(np.minimum(gradients(p)[0], 255)) for p in pictures]
stars = [look.hog_picture(cell_histograms(*gradients(p))) for p in pictures]
show_people(
    pictures + edges + stars, columns=4, size=1.7,
    alt="Four drawn people in different clothes; below, the outlines of each "
    "as bright lines; below, coarse grids of small strokes in which a head, "
    "shoulders, arms and legs can still be made out.")
before, after = pictures[0], pictures[0] / 2
print("largest change of a pixel:", abs(before - after).max())
print(f"largest change of a number of HOG, of {hog(before).max():.1f}: "
      f"{abs(hog(before) - hog(after)).max():.3f}")

# %% [markdown]
# From top to bottom: the clothes go, the outline stays, the exact place goes.
# Half the light changes pixels by 100 and HOG hardly at all: what is left is
# from rounding to whole numbers.
#
# ### Exercise 02.1 ★★☆ Shared votes
#
# An edge at 19 degrees votes for bin 0, one at 21 degrees for bin 1: a small
# turn, a large change. Dalal and Triggs let a pixel **share** its vote between
# the two nearest bins. The centres of the nine bins are 10, 30, ..., 170
# degrees; at 45 degrees, a quarter of the way from 50 to 30, bin 2 gets
# three quarters of the vote and bin 1 one quarter. Directions go in a circle:
# 0 degrees lies halfway between 170 and 10.
#
# Write `shared_histogram(magnitude, angle, bins=9)` for one cell, divided by
# the number of pixels like above.
#
# Expected for the patch, rounded: `[5, 10.6, 31.8, 0, 10, 0, 0, 0, 5]`.
# `hint("02.1")` helps.

# %% tags=["exercise"]
def shared_histogram(magnitude, angle, bins=9):
    """The edges of a cell; each votes for the two nearest bins."""
    # your code here


# %% tags=["solution"]
def shared_histogram(magnitude, angle, bins=9):
    """The edges of a cell; each votes for the two nearest bins."""
    histogram = np.zeros(bins)
    place = angle.ravel() * bins / 180 - 0.5     # 0 is the centre of bin 0
    lower = np.floor(place).astype(int)
    share = place - lower                        # of the upper bin
    np.add.at(histogram, lower % bins, (1 - share) * magnitude.ravel())
    np.add.at(histogram, (lower + 1) % bins, share * magnitude.ravel())
    return histogram / magnitude.size


# %% tags=["check"]
check("02.1", shared_histogram)

# %% [markdown]
# ## 3. One line between person and no person
#
# Is there a person in this window? The simplest answer is a weighted sum of
# its 3780 numbers: $f(x) = w \cdot x + b$, *person* if it is positive. Which
# weights? A **support vector machine** (SVM) wants every example on its own
# side, and not barely: person windows ($y = 1$) should get $f \ge 1$, others
# ($y = -1$) $f \le -1$. What falls short by $s = 1 - y f(x)$ costs $s^2$. Of
# all weights that do, it wants small ones:
#
# $$E(w, b) = \tfrac12 \lVert w \rVert^2 + \tfrac12 b^2 +
# C \sum_i \max(0, \; 1 - y_i f(x_i))^2.$$
#
# $C$ weighs the two wishes. Examples beyond their margin cost nothing and
# pull nothing: only the hard ones, the **support vectors**, shape the line.
#
# Below, 200 drawn scenes of 256 x 256 pixels, a person in the middle: one
# window on the person, four from the corners. We subtract the mean window,
# walk down the slope of $E$ step by step, and compare with scikit-learn.
#
# **Predict first.** $E$ is a bowl with one lowest point. What is its slope at
# scikit-learn's answer?

# %% tags=["nbval-check-output"]
scenes = SyntheticPeople(260, size=256, margin=2)
blocks = np.stack([hog(scenes.render(i).image) for i in range(260)])
blocks = blocks.reshape(260, 31, 31, 36)


def cut(which, row, column):
    """Windows of 15 x 7 blocks, which are 128 x 64 pixels."""
    some = blocks[which, row:row + 15, column:column + 7]
    return some.reshape(len(some), -1)


def examples(which):
    corners = [cut(which, i, j) for i in (0, 16) for j in (0, 24)]
    return np.concatenate([cut(which, 8, 12), *corners])


x, new = examples(np.s_[:200]), examples(np.s_[200:])  # (1000, 3780), (300, )
middle = x.mean(0)
x, new = x - middle, new - middle
y, C = np.repeat([1, -1], [200, 800]), 0.01

# %% tags=["nbval-check-output"]
w, b = np.zeros(3780), 0.0
for step in range(100):
    short = np.maximum(0, 1 - y * (x @ w + b))
    pull = -2 * C * y * short
    w, b = w - 0.05 * (w + pull @ x), b - 0.05 * (b + pull.sum())

machine = LinearSVC(C=C, tol=1e-6, random_state=0).fit(x, y)
exact = machine.coef_[0], machine.intercept_[0]
for name, line in (("100 steps", (w, b)), ("scikit-learn", exact)):
    value, slope, _ = svm.hinge_objective(*line, x, y, C)
    print(f"{name:12s}  E {value:.3f}, slope {np.linalg.norm(slope):.3f}")
print("windows beyond their margin, which pull nothing:",
      (y * (x @ w + b) >= 1).sum())
called = new @ w + b > 0
print(f"of new people found: {100 * called[:60].mean():.0f} %")
print(f"of new corners taken for people: {100 * called[60:].mean():.1f} %")

# %% [markdown]
# A hundred steps and scikit-learn end at the same place: $E$ is **1.700** for
# both, and there is next to no slope left. **344** of the 1000 windows lie
# beyond their margin. One could delete them, and the line would be the same.
#
# Of the new people **87** % are found, and **2.5** % of the new corners are
# taken for a person. Is that good? Keep the second number in mind.
#
# **A sliding window is a convolution.** Where in a picture is the person? Put
# the window everywhere and take the score each time. The blocks are computed
# once; what is slid is the weights. "Multiply a small array of weights with
# every piece of a map and add": that is what a convolution layer does. Is it
# the same?

# %% tags=["nbval-check-output"]
def scan(blocks, kernel, b):
    """The score of every window of a picture, one after another."""
    height, width = (n - k + 1 for n, k in zip(blocks.shape[:2], kernel.shape))
    scores = np.zeros((height, width))
    for i, j in np.ndindex(height, width):
        here = blocks[i:i + kernel.shape[0], j:j + kernel.shape[1]]
        scores[i, j] = (here * kernel).sum() + b
    return scores


scene, kernel, shift = 231, w.reshape(15, 7, 36), b - w @ middle
scores = scan(blocks[scene], kernel, shift)
layer = torch.nn.functional.conv2d(
    torch.tensor(blocks[scene]).permute(2, 0, 1)[None],
    torch.tensor(kernel).permute(2, 0, 1)[None])[0, 0].numpy() + shift
print("windows", scores.shape, "->", scores.size)
print(f"largest difference of loop and layer: {abs(scores - layer).max():.9f}")
print("windows called a person:", (scores > 0).sum())
best = np.unravel_index(scores.argmax(), scores.shape)[::-1]
look.show_windows(
    scenes.render(scene).image, scores, kernel.reshape(15, 7, 2, 2, 9), [best],
    alt="Left the positive weights as strokes: a head, shoulders and legs. "
    "Middle a scene with a frame around the person. Right the map of scores, "
    "brightest in its middle, where a line encloses several windows.")

# %% [markdown]
# The same, to nine digits. **A linear detector that slides over a picture is a
# convolution layer** with one output. What it slides over was made by hand
# instead of learned; that is all.
#
# On the left are the edges with positive weights: a head, shoulders, two legs.
# The scene has **425** windows, and **17** are called a person, most of them
# around the only one there is. Two lessons follow. A detector that is wrong
# once in 40 windows is wrong ten times in a picture: for detection the line
# must be drawn far above 0. And of neighbouring windows only the best should
# stay (exercise 02.2). A larger person? Shrink the picture and slide again.
#
# ## 4. Sixteen small windows
#
# A whole person in one window works for people who stand upright. A pose is
# what does *not* look alike. But its parts do: a wrist is a wrist whether the
# arm is up or down. So we do the same in small: windows of 24 x 24 pixels, in
# pictures of 128 x 128 with cells of 4 pixels, one detector for each of the
# 16 joints. People of the difficulty *easy* to begin with: they stand in a
# studio and look at us.
#
# One detail matters. An SVM is told what a wrist is *not* by windows from
# anywhere. Most of them are too easy, empty wall. What it needs are the ones
# it gets wrong. So train, look for places where it is sure and wrong, add
# them to the examples, and train again. These are **hard negatives**.
#
# **Predict first.** What will the wrist detector take for a wrist?

# %% tags=["nbval-check-output"]
train, test = (
    crop_in_memory(SyntheticPeople(count, size=128, difficulty="easy",
                                   split=split), 128, margin=1.0, workers=1)
    for split, count in (("train", 400), ("test", 200)))
maps, new_maps = (np.stack([parts.feature_map(crop) for crop in people.crops])
                  for people in (train, test))
places, truth = (parts.to_cells(p.keypoints) for p in (train, test))
wrist = MPII.index("right_wrist")
own, here = places[:, wrist], truth[:, wrist]
print("maps", maps.shape, "places of the wrist", own.shape)

yes = parts.windows(maps, np.arange(400), np.rint(own).astype(int), side=5)
others = parts.other_places(places, maps.shape[1:3], 2000, rng)
no = parts.windows(maps, *others, side=5)[parts.is_elsewhere(own, *others)]

# %% tags=["nbval-check-output"]
def best_places(maps):
    """(N, 31, 31) -> (N, 2): x and y of the largest value of each map."""
    rows, columns = np.divmod(maps.reshape(len(maps), -1).argmax(1), 31)
    return np.stack([columns, rows], 1)


rows, columns = np.indices((31, 31))
far = np.hypot(columns - here[:, :1, None], rows - here[:, 1:, None]) > 2
for lesson in range(4):
    weights, bias = svm.train_svm(yes, no, C=0.1)
    detector = weights.reshape(1, 5, 5, 36), [bias]
    scores = parts.score_maps(new_maps, *detector)[:, 0]     # (200, 31, 31)
    hit = np.hypot(*(best_places(scores) - here).T) < 1.6
    seen = np.where(far, -9, scores).max((1, 2)) > 0
    print(f"told from {len(no)} windows: the best place is right in "
          f"{100 * hit.mean():.0f} % of new pictures; above 0 are "
          f"{100 * seen.mean():.0f} % of the wrists and "
          f"{(far & (scores > 0)).sum() / 200:.1f} other places a picture")
    mistakes = parts.hard_negatives(
        parts.score_maps(maps, *detector)[:, 0], own)
    no = np.concatenate([no, parts.windows(maps, *mistakes, side=5)])

some = [3, 8, 12, 21]
look.show_maps(
    test.crops[some], scores[some], here[some], depth=1,
    alt="Four people with light where a wrist may be, a ring around the right "
    "wrist and a cross on the best place, which is not in every ring.")

# %% [markdown]
# At first the best place is the wrist in **34** % of the pictures, and nearly
# twenty other places in each look like one, too. After three lessons it is
# **55** %. Look at the last column but one: almost no wrist is above 0 any more.
# The detector has grown cautious, and the 0 has lost its meaning. Only the
# *order* of its scores still counts, and that has become better.
#
# In the pictures the ring is where the wrist is, the cross where the detector
# sees it. It takes what ends or bends: a shoe, an elbow, the other wrist.
#
# ### Exercise 02.2 ★★☆ One answer for each hill
#
# A detector that likes a place also likes the places beside it. To list what
# it has found, take the highest place, forget everything near it, take the
# highest that is left, and so on: **non-maximum suppression**, NMS.
#
# Write `peaks(scores, radius, count)`: up to `count` places `(x, y)` of an
# `(H, W)` array, the best first. Once a place is taken, all places at most
# `radius` away from it are out. Stop early if nothing is left.
#
# Expected for `[[1, 8, 7], [0, 2, 3], [6, 0, 5]]`, radius 1, count 3:
# `[(1, 0), (0, 2), (2, 2)]`.

# %% tags=["exercise"]
def peaks(scores, radius, count):
    """Places (x, y) of the highest values, none near another."""
    # your code here


# %% tags=["solution"]
def peaks(scores, radius, count):
    """Places (x, y) of the highest values, none near another."""
    left = np.array(scores, dtype=float)
    rows, columns = np.indices(left.shape)
    found = []
    while len(found) < count and left.max() > -np.inf:
        y, x = np.unravel_index(left.argmax(), left.shape)
        found.append((int(x), int(y)))
        left[np.hypot(columns - x, rows - y) <= radius] = -np.inf
    return found


# %% tags=["check"]
check("02.2", peaks)

# %% [markdown]
# Now all sixteen. `PictorialModel.fit` trains a detector for each joint as
# above (here without mining: it is quicker), and then makes their scores
# comparable. An SVM's score has no unit. From examples one can read how much
# more frequent a score is on the joint than elsewhere; the logarithm of that
# ratio is the **log-odds**, and the maps hold them from now on (Platt, 1999).
#
# `PCKh@0.5` counts a joint as right if it is at most half a head size off
# (chapter 9): 6.4 pixels here.

# %% tags=["nbval-check-output"]
model = PictorialModel.fit(train, types=1, negatives=2000, mining=0)
odds = model.scores(test.crops)                     # (200, 16, 1, 31, 31)
counted = [k for k in range(16) if MPII.joints[k] not in ("pelvis", "thorax")]


def right(points, people=test):
    """1 where a joint is right by PCKh@0.5, 0 where not: (N, 16)."""
    points = np.broadcast_to(points, people.keypoints.shape)
    return metrics.pck_hits(points, people.keypoints, people.visible,
                            people.head_size, 0.5)


alone = parts.to_pixels(np.stack(
    [best_places(odds[:, k, 0]) for k in range(16)], 1))    # (200, 16, 2)
mean = metrics.mean_pose(train.keypoints, train.visible)
for name, hit in (("mean pose", right(mean)), ("alone", right(alone))):
    columns = [f"{label} {100 * np.nanmean(hit[:, MPII.indices(joints)]):.0f}"
               for label, joints in MPII.groups.items()]
    print(f"{name:10}", *columns,
          f" all {100 * np.nanmean(hit[:, counted]):.0f}")

# %% [markdown]
# Each joint alone finds **67** % of all joints; the mean pose, which never looks
# at the picture, **25** %. Heads and shoulders are easy: nothing else looks like
# them. Wrists and elbows are not, and a better classifier would not help much.
# Cover the picture but for 24 x 24 pixels around a wrist: left or right? Or is
# it an ankle? **What the window does not show, no classifier can know.** The
# rest of the body knows it.
#
# ## 5. Springs
#
# A wrist is not anywhere: it is a forearm's length from its elbow. So we look
# where a joint lies, *seen from the joint it hangs on*, for 400 people.
#
# **Predict first.** A shoulder seen from the middle of the chest, a wrist seen
# from its elbow. What shapes will the two clouds of points have?

# %%
pairs = [("right_shoulder", "thorax"), ("right_wrist", "right_elbow")]
offsets = [places[:, MPII.index(part)] - places[:, MPII.index(parent)]
           for part, parent in pairs]
look.show_offsets(
    offsets, [f"{part.replace('_', ' ')} from the {parent.split('_')[-1]}"
              for part, parent in pairs],
    alt="Two clouds of points around a cross. The shoulders make a small "
    "cloud to the left of the chest, well inside an ellipse. The wrists "
    "make a wide ring around the elbow, which the ellipse covers badly.")

# %% [markdown]
# The shoulders make a small cloud; a Gaussian describes it well. (The ellipse
# is drawn at two standard deviations.) The wrists make a *ring*. A Gaussian is
# a poor picture of a ring, and section 8 mends that.
#
# Why a Gaussian at all? Because of its logarithm. With $r$ the mean offset and
# $\sigma$ its deviation, a wrist at $u$ and an elbow at $x$ have the log
# probability
#
# $$-\frac{(u - x - r)^2}{2 \sigma^2} - \log \sigma + \text{const}$$
#
# in each direction: the energy of a **spring** with the stiffness
# $a = 1 / 2\sigma^2$, at rest where $u = x + r$. Detectors speak in log-odds,
# springs in log probabilities. One currency, so they may be added.
#
# **Play.** Below, the evidence for one person's right wrist (left), what the
# spring at the elbow says (middle), and their sum (right). The cross is the
# best place of each. Take the stiffness to 0, then far up; then pull the
# elbow about. For which stiffness is the wrist right, and what happens on
# either side of it?

# %%
person = 0
elbow = truth[person, MPII.index("right_elbow")]
rest = model.springs.rest[wrist, 0]
learned = model.springs.stiffness[wrist, 0]


def pull(stiffness, elbow_right, elbow_down):
    return look.show_spring(
        test.crops[person], odds[person, wrist, 0],
        elbow + (elbow_right, elbow_down), rest, stiffness * learned)


explore(pull, "The evidence for a wrist, the pull of a spring {stiffness:.1f} "
        "times as stiff as learned, and their sum; the elbow is moved by "
        "{elbow_right} and {elbow_down} cells.",
        stiffness=(0.0, 20.0, 1.0, 0.5), elbow_right=(-8, 8, 0),
        elbow_down=(-8, 8, 0))

# %% [markdown]
# With stiffness 0 the cross sits on a foot: the evidence there is the highest
# in the whole picture. With the stiffness as learned it jumps to the wrist. The
# evidence is lower there, but the spring costs almost nothing. Far too stiff,
# and the spring decides alone: the wrist is where wrists are on average. And
# when you pull the elbow away, the wrist goes with it: **what the arm may do
# depends on where it hangs.** So the elbow's place is a question, too.
#
# ## 6. The distance transform
#
# With the elbow known, the best wrist is quickly found. But the elbow is not
# known. For *every* place $x$ of the elbow we need the best compromise:
#
# $$D(x) = \max_u \; f(u) - a \, (u - x)^2,$$
#
# where $f(u)$ is the evidence for a wrist at $u$ (and $r = 0$ for now). This is
# the **generalised distance transform** of $f$. Six places in a row, evidence 5
# at place 2 and 3 at place 5, $a = 1$:
#
# **Predict first.** Fill in $D$ for all six places.
#
# <details><summary>Answer</summary>
#
# Place 2 gives 5 to itself, 4 to its neighbours, 1 to the next, then $-4$.
# Place 5 gives 3 to itself, 2 to place 4, $-1$ to place 3. The larger of each:
# 1, 4, 5, 4, 2, 3.
# </details>

# %% tags=["nbval-check-output"]
f, a = np.array([0.0, 0, 5, 0, 0, 3]), 1.0
u = np.arange(6)
asked = f - a * (u - u[:, None]) ** 2        # [x, u]: all 36 compromises
print(asked.astype(int))
print("D =", asked.max(1), " from u =", asked.argmax(1))
best, where = distance_transform(f, a)
print("package:", best, where)
look.show_envelope(
    f, a, alt="Six parabolas that open downwards, one with its top at each "
    "place. Thick lines mark where each is the highest: the one at place 2 "
    "from the left to between 3 and 4, then that at place 5, with a short "
    "piece of others nowhere.")

# %% [markdown]
# Thirty-six compromises for six places; for $n$ places $n^2$. The figure shows
# how to do with less (Felzenszwalb and Huttenlocher, 2004). Each place $u$
# contributes a parabola with its top at $(u, f(u))$, and all have the same
# width. $D$ is their upper envelope.
#
# Two parabolas of one width meet exactly once; right of that the one with the
# top further right is higher. So go from left to right and keep a list of those
# that are the highest somewhere. Where does the new one meet the last of the
# list? If that is left of where the last one *begins*, the last one is the
# highest nowhere: throw it away and ask the one before.
#
# **Predict first.** Every place enters the list once. How often can it leave?
# So how does the number of steps grow with $n$?

# %% tags=["nbval-check-output"]
def transform(f, a):
    """D, and how many comparisons it took."""
    tops, starts, steps = [0], [-np.inf], 0
    for u in range(1, len(f)):
        while True:
            p, steps = tops[-1], steps + 1
            meet = (f[p] - a * p**2 - f[u] + a * u**2) / (2 * a * (u - p))
            if meet > starts[-1]:
                break
            tops.pop()                       # p is the highest nowhere
            starts.pop()
        tops.append(u)
        starts.append(meet)
    k, result = 0, np.zeros(len(f))
    for x in range(len(f)):
        while k + 1 < len(tops) and starts[k + 1] <= x:
            k, steps = k + 1, steps + 1
        result[x] = f[tops[k]] - a * (x - tops[k]) ** 2
    return result, steps


print("by hand", transform(f, a)[0], " steps", transform(f, a)[1])
for n in (100, 200, 400, 800):
    noise = rng.normal(size=n)
    ours, steps = transform(noise, 0.01)
    difference = abs(ours - distance_transform(noise, 0.01)[0]).max()
    print(f"{n} places: all pairs {n * n:6d} steps, envelope {steps:4d}; "
          f"difference from the package {difference:.9f}")

# %% [markdown]
# A place leaves the list at most once, so there are at most about $2n$ steps to
# build it and $n$ to read it: twice the places, twice the steps, where all
# pairs take four times as many. (For the 31 places of a row here NumPy's table
# of all pairs is not slow either. The envelope wins as maps grow, and it does
# not care how far the spring may be stretched.)
#
# In the plane the square falls apart, $(u_x - x_x)^2 + (u_y - x_y)^2$. So
# transform each row, and then each column of the result.
#
# ### Exercise 02.3 ★★☆ A spring that is not at rest at home
#
# Write `transform_at(values, stiffness, rest)`: for each place x the largest
# `values[u] - stiffness * (u - x - rest) ** 2`, **and** the place u that
# attains it, as two arrays. All pairs may be asked; `rest` may be a fraction.
#
# Expected for `f` above, stiffness 1, rest 2: `[5, 4, 2, 3, 2, -1]` from
# `[2, 2, 2, 5, 5, 5]`.

# %% tags=["exercise"]
def transform_at(values, stiffness, rest):
    """D(x) and the place u it comes from, two arrays of one length."""
    # your code here


# %% tags=["solution"]
def transform_at(values, stiffness, rest):
    """D(x) and the place u it comes from, two arrays of one length."""
    u = np.arange(len(values))
    x = u[:, None]
    asked = values - stiffness * (u - x - rest) ** 2
    return asked.max(1), asked.argmax(1)


# %% tags=["check"]
check("02.3", transform_at)

# %% [markdown]
# ## 7. The tree
#
# Sixteen joints, 961 places each: $961^{16}$ poses, a number with 48 digits.
# The best one can be found all the same, because the springs form a **tree**:
# the wrist hangs on the elbow, the elbow on the shoulder, and nothing else
# depends on the wrist.
#
# So the wrist **tells** the elbow, for each place where the elbow could be,
# what the best wrist would then be worth: a distance transform of its map. The
# elbow adds this to its own evidence, and tells the shoulder. When everything
# has arrived at the pelvis, its map holds the worth of the best *whole* pose
# for each of its places. It takes the largest. Then the choice goes back: for
# this pelvis the hips that were best for it, for these hips the knees, ...
#
# First the rule against brute force: three joints on 3 x 3 cells are 729
# poses, few enough to ask all. Then a whole person.

# %% tags=["nbval-check-output"]
def tell(total, part, springs):
    """A part's map -> what it is worth to its parent, place by place."""
    (ax, ay), (rx, ry) = springs.stiffness[part, 0], springs.rest[part, 0]
    along_x, _ = distance_transform(total, ax, rx)
    along_y, _ = distance_transform(along_x.T, ay, ry)
    return along_y.T + springs.bias[part, 0, 0]


def best_worth(maps, springs):
    """(P, H, W) -> the worth of the best pose."""
    totals = maps.astype(float)
    for level in reversed(springs.levels[1:]):        # leaves first
        for part in level:
            parent = springs.parents[part]
            totals[parent] += tell(totals[part], part, springs)
    return totals[springs.levels[0]].max()


def worth(maps, springs, pose):
    """The worth of one pose: evidence, and springs."""
    total = sum(maps[k, y, x] for k, (x, y) in enumerate(pose))
    for k, parent in enumerate(springs.parents):
        if k == parent:                               # the root has no spring
            continue
        off = np.subtract(pose[k], pose[parent]) - springs.rest[k, 0]
        total += springs.bias[k, 0, 0] - springs.stiffness[k, 0] @ off ** 2
    return total

# %% tags=["nbval-check-output"]
arm = pictorial.Springs((1, 2, 2), rng.normal(size=(3, 1, 2)),
                        rng.uniform(0.2, 1, (3, 1, 2)), np.zeros((3, 1, 1)))
little = rng.normal(0, 2, (3, 3, 3))
cells = list(itertools.product(range(3), range(3)))
all_poses = [worth(little, arm, pose)
             for pose in itertools.product(cells, repeat=3)]
print(f"{len(all_poses)} poses, the best {max(all_poses):.6f}; "
      f"the tree {best_worth(little, arm):.6f}")

messages = pictorial.pass_messages(odds, model.springs)
found, _, value = pictorial.backtrack(messages, model.springs)
ours = best_worth(odds[0, :, 0], model.springs)
print(f"a whole person: by hand {ours:.6f}, package {value[0]:.6f}")
pulled = parts.to_pixels(found)
for name, points in (("alone", alone), ("springs", pulled)):
    print(f"{name:8} {100 * np.nanmean(right(points)[:, counted]):.0f}")

some = [0, 4, 9, 15, 22]
show_people([*test.crops[some]] * 2, [*alone[some], *pulled[some]],
            columns=5, size=1.8,
            alt="Five people twice: above with joints far off the body, "
            "below with a skeleton that lies on it.")

# %% [markdown]
# The tree finds the best of the 729, and for a whole person our twenty lines
# and the package agree to the last digit. Above, each joint alone; below, held
# together by springs. Wrists come back from shoes and from the stool, and of
# all joints **77** % are right instead of **67** %.
#
# The price is small. 16 joints with 961 places each are 15 distance transforms,
# not $10^{47}$ poses. And it is exact: if the answer is wrong, then the *model*
# is wrong, never the search. Few methods in this course can say that.
#
# **Play.** The film at the top of the page, at your own pace: first the parts
# look and tell, level by level; then the pelvis chooses, and the others
# follow.

# %%
picture = SyntheticPeople(200, size=256, difficulty="easy",
                          split="test").render(0).image
letter = pictorial.pass_messages(odds[:1], model.springs)


def film(step):
    return look.show_messages(picture, letter, model.springs, MPII, step - 1)


explore(film, "Step {step} of 23: light on the person where parts may be or "
        "where they want their neighbours to be, and the tree beside it.",
        step=(1, 23, 4))

# %% [markdown]
# ### Exercise 02.4 ★★★ An arm on a line
#
# A shoulder, an elbow and a wrist lie on a line of $n$ places. `scores[p, u]`
# is the evidence for part $p$ at place $u$. Part $p > 0$ hangs on part $p - 1$
# by a spring that rests at `rest[p]` places from it and costs `stiffness[p]`
# for each square of a step. (`rest[0]` and `stiffness[0]` mean nothing.)
#
# Write `best_chain(scores, rest, stiffness)`: the place of each part in the
# best chain. Use your `transform_at`, and keep every `where`: it is the way
# back. The checker has seven parts on sixty places; do not try them all.
#
# Expected for `scores = np.array([[0, 4, 0, 0, 0, 0], [0, 0, 1, 0, 0, 2],
# [0, 0, 0, 0, 3, 0]])`, `rest = [0, 1, 2]`, `stiffness = [0, 1, 1]`:
# `[1, 2, 4]`.

# %% tags=["exercise"]
def best_chain(scores, rest, stiffness):
    """The best place of each part of a chain, a list of P whole numbers."""
    # your code here


# %% tags=["solution"]
def best_chain(scores, rest, stiffness):
    """The best place of each part of a chain, a list of P whole numbers."""
    total, told = scores[-1], []
    for part in range(len(scores) - 1, 0, -1):       # from the last part up
        best, where = transform_at(total, stiffness[part], rest[part])
        told.append(where)
        total = scores[part - 1] + best
    places = [int(total.argmax())]
    for where in reversed(told):                     # and down again
        places.append(int(where[places[-1]]))
    return places


# %% tags=["check"]
check("02.4", best_chain)

# %% [markdown]
# ## 8. Types
#
# Section 5 left a debt: the ring. A wrist above its elbow and a wrist below it
# rest elsewhere, and they *look* different as well: the forearm enters the
# window from below or from above. So treat them as different things. Sort the
# examples of each joint into six **types**, by where its neighbours are
# (k-means on the offsets); give each type a detector, a rest and a stiffness of
# its own; and learn from counts how well a type of the wrist goes with a type
# of the elbow. A message then takes the best type at each place. These are the
# **flexible mixtures of parts** of Yang and Ramanan (2011).
#
# **Predict first.** Which joints gain most?

# %% tags=["nbval-check-output"]
kinds = parts.part_types(places, MPII.parent_indices, types=6)[:, wrist]
look.show_offsets(
    [offsets[1]] * 2, ["one Gaussian", "six types"], [0 * kinds, kinds],
    alt="The ring of wrists around their elbow twice. Left one large ellipse "
    "covers the ring and its empty middle. Right six small ellipses in six "
    "colours lie along the ring.")

six = PictorialModel.fit(train, types=6, negatives=2000, mining=0)
typed, sure = six.predict(test.crops)
for name, points in (("mean pose", mean), ("each joint alone", alone),
                     ("springs", pulled), ("springs and types", typed)):
    hit = right(points)
    arms = MPII.indices(["right_wrist", "left_wrist"])
    print(f"{name:18} {100 * np.nanmean(hit[:, counted]):3.0f}   "
          f"wrists {100 * np.nanmean(hit[:, arms]):3.0f}")

# %% [markdown]
# ## 9. Measured
#
# 200 easy people are few, and easy is not all there is. What takes longer is
# stored in `data/studies/classical.json`:
#
# ```
# python data/studies/classical.py --data data/lspet
# ```
#
# The same models, learned from more people and asked about 1,000 others: drawn
# ones, easy and *standard* (rooms and landscapes, people from behind, things in
# front of them), by `PCKh@0.5`; and photographs of athletes, by PCK within a
# fifth of the torso. Beside them stand the mean pose and the networks that come
# with the course, asked about the very same crops.
#
# **Predict first.** From the studio to the street, who loses more: springs or
# the network?

# %% tags=["nbval-check-output"]
studies = folder().parent / "data" / "studies"
study = json.loads((studies / "classical.json").read_text("utf-8"))["people"]
names = dict.fromkeys(n for about in study.values() for n in about["rows"])
print(f"{'':22}", *(f"{kind:>20}" for kind in study))
for name in names:
    cells = [about["rows"].get(name, {}).get("pck")
             for about in study.values()]
    print(f"{name:22}", *(f"{c[0]:8.1f} ({c[1]:.1f} - {c[2]:.1f})" if c else
                          " " * 20 for c in cells))
easy = study["easy"]["rows"]
print("seconds to learn:", easy["six types"]["cpu_seconds"], " ms to answer:",
      easy["six types"]["cpu_milliseconds"], " the network's:",
      easy["laptop"]["cpu_milliseconds"])

# %% tags=["nbval-check-output"]
street = crop_in_memory(SyntheticPeople(200, size=128, split="test"), 128,
                        margin=1.0, workers=1)
stored = PictorialModel.load(studies / "classical.safetensors")
network = load_model(pretrained("laptop") / "weights.safetensors")
answers = {"pictorial": stored.predict(street.crops)[0],
           "network": predict_crops(network, street)[0]}
for name, points in answers.items():
    share = np.nanmean(right(points, street)[:, counted])
    print(f"{name:10} {100 * share:.0f}")
some = [0, 5, 10, 15, 20, 25]
show_people([*street.crops[some]] * 3,
            [*street.keypoints[some], *answers["pictorial"][some],
             *answers["network"][some]], columns=6, size=1.5,
            alt="Six people in three rows: labels, the pictorial model, the "
            "network. Limbs of the middle row are wrong more often.")

# %% [markdown]
# ## 10. Where it fails
#
# Below the labels: what the pictorial model says, and what the network says.
# Three kinds of failure can be counted. *Swap*: the answer lies on the same
# joint of the other side. *Ankles together*: both legs were put on one leg.
# Nothing in a tree forbids it: the ankles are on different branches and never
# speak to each other. And *far* or *gross*: something in the background looked
# more like an arm than the arm did.
#
# **Predict first.** Seen from behind, left and right are exchanged. HOG has no
# sign of an edge and no colour. How would it know?

# %% tags=["nbval-check-output"]
facing = np.array([SyntheticPeople(200, split="test")[i].extra["facing"]
                   for i in range(200)])
away = abs((facing + 180) % 360 - 180) > 90
ankles = MPII.indices(["right_ankle", "left_ankle"])


def together(points):
    """Whether the two ankles are at the same place, person by person."""
    gap = np.linalg.norm(np.diff(points[:, ankles], axis=1), axis=-1)[:, 0]
    return gap < 0.5 * street.head_size


for name, points in {"labels": street.keypoints, **answers}.items():
    kinds = metrics.error_breakdown(points, street.keypoints, street.visible,
                                    street.head_size).shares
    print(f"{name:10}", *(f"{k} {100 * v:.0f} %" for k, v in kinds.items()),
          f" ankles together {100 * together(points).mean():.0f} %")

# %% [markdown]
# ## 11. What lives on
#
# | then | now |
# |---|---|
# | gradients, cells, blocks | the first layers of a network, learned; strides and normalisation |
# | a window slid over HOG | a convolution (section 3: the same numbers) |
# | a map of log-odds for each joint | a heatmap for each joint (chapter 3) |
# | hard negatives | losses that look at the hardest joints (chapter 11) |
# | the best of each hill | NMS, in every detector (chapter 12) |
# | springs and messages | stacked stages that read each other's heatmaps; learned offsets |
# | types | channels: a network has as many as it likes |
#
# What did networks add? Not the search; that was exact. They learn the
# *features*, all layers at once, from the picture to the pose, and their
# windows grow until they see the whole body. A spring knows two joints; a
# network's last layer knows all.
#
# ## Quiz
#
# **1.** Why does HOG divide blocks by their length?
#
# <details><summary>Answer</summary>
#
# So that light and shade change little: half the light halves all gradients of
# a block, and the division takes that out again.
# </details>
#
# **2.** An SVM is trained again without the windows beyond their margin. What
# changes?
#
# <details><summary>Answer</summary>
#
# Nothing. They cost nothing and pull nothing; the lowest point of $E$ is the
# same.
# </details>
#
# **3.** A detector is wrong once in 1,000 windows. How many false alarms does a
# picture with 5,000 windows have?
#
# <details><summary>Answer</summary>
#
# About five, in every picture. That is why detectors are judged by false alarms
# per picture, and why hard negatives are worth the trouble.
# </details>
#
# **4.** What happens to the best pose when all springs are made very loose? And
# very stiff?
#
# <details><summary>Answer</summary>
#
# Very loose: each joint goes to its own best place, the "alone" of section 4.
# Very stiff: the shape is fixed to the rests, and only its place is chosen.
# </details>
#
# **5.** One adds a spring between the two ankles, so that they keep apart. Why
# does the message passing of section 7 no longer give the exact answer?
#
# <details><summary>Answer</summary>
#
# Pelvis, hips, knees and ankles then form a circle. A leg can no longer tell
# what it is worth on its own, because that depends on the other leg.
# </details>
#
# ## Summary
#
# - HOG counts edges by direction in cells and normalises blocks: it keeps the
#   outline and forgets colour, light and the exact place.
# - A linear SVM is a weighted sum; only examples inside the margin shape it.
# - A sliding linear detector is a convolution layer.
# - Hard negatives teach a detector what it takes for the part by mistake.
# - A spring is the logarithm of a Gaussian, so log-odds and springs add up.
# - The distance transform gives the best compromise for all places in linear
#   time; on a tree it finds the best of all poses exactly.
# - Small windows cannot tell left from right, and a tree cannot keep two legs
#   apart: the model is the limit, not the search.
#
# ## Common mistakes
#
# | what goes wrong | why |
# |---|---|
# | edges only where the picture grows brighter | differences of `uint8` wrap around |
# | the part rests on the wrong side | the sign of `rest`: part minus parent |
# | a detector is good in training and useless in pictures | negatives were too easy; mine hard ones |
# | one joint decides everything | scores of different SVMs were added without calibration |
# | all joints are off by half a cell | a place of the map is where cells meet, not a cell's corner |
#
# ## Further reading
#
# - Dalal, Triggs: *Histograms of Oriented Gradients for Human Detection* (2005).
#   Every choice of section 2, tried out one by one.
# - Felzenszwalb, Huttenlocher: *Pictorial Structures for Object Recognition*
#   (2005). Springs as probabilities, and the tree.
# - Felzenszwalb, Huttenlocher: *Distance Transforms of Sampled Functions*
#   (2004). The envelope, in a few pages.
# - Felzenszwalb, Girshick, McAllester, Ramanan: *Object Detection with
#   Discriminatively Trained Part-Based Models* (2010). The DPM that the document
#   names.
# - Yang, Ramanan: *Articulated Pose Estimation with Flexible
#   Mixtures-of-Parts* (2011). Types, and learning everything together.
#
# ## Next
#
# The maps of log-odds were made by hand-picked edges. In
# [chapter 3](03_heatmaps.ipynb) a network draws them: heatmaps, and how a joint
# is written into one and read back.
