# %% [markdown] document="2 traditional"
# # 2. Pose before deep learning
#
# **Find a body with gradients, linear classifiers and springs, and measure
# how far that gets.**
#
# ![Left a drawn person, right a tree of sixteen joints. Light appears on the person, first where the wrists may be, then where the wrists want the elbows; step by step it moves inward and shrinks to one spot on the pelvis. Then a skeleton grows from the pelvis out to the wrists, and lies on the person.](figures/02_messages.gif)
#
# There is no network in this film. Edges are counted; a few dozen linear
# classifiers say what looks like a wrist or a knee; springs say how a body
# hangs together; and one exact search picks the best of all poses there are.
# You will build every part of it here.
#
# | | |
# |---|---|
# | **You will learn** | what HOG keeps of a picture and what it forgets; linear SVMs and their false alarms; why a sliding window is a convolution; springs and the distance transform; how to find the best pose of a tree of joints exactly; what lives on in today's networks |
# | **You need** | [chapter 1](01_concepts.ipynb), NumPy arrays, what a gradient is; no machine learning |
# | **Time** | 60 min to read, 60 min to do |
# | **Runs in** | 50 s on two CPU cores |
#
# The document (section 2) gives the *traditional methods* a single line:
# features made by hand with a classifier, such as **HOG + SVM**, and the
# **deformable parts model**, DPM. From 2005 to about 2013 this was how a
# computer saw people. Networks have replaced it, and there are three good
# reasons to build it all the same. Every step can be understood down to the
# last number. Half of the ideas came back inside networks, under new names.
# And to say what a network adds, one has to know what was there before.

# %% tags=["setup"]
import json

import numpy as np
import skimage.feature
import torch
from sklearn.svm import LinearSVC

from posecourse import metrics
from posecourse.authoring.chapters import folder, require
from posecourse.classical import PictorialModel, hog, parts, pictorial, svm
from posecourse.classical.distance import distance_transform
from posecourse.classical.hog import cell_histograms, gradients
from posecourse.datasets import SyntheticPeople, crop_in_memory
from posecourse.evaluation import predict_crops
from posecourse.exercises import check, hint, quiz
from posecourse.models import load_model, pretrained
from posecourse.skeletons import MPII
from posecourse.visualization import classical as plots
from posecourse.visualization import Point, explore, show_people, use_style
from posecourse.visualization.tables import table

require("0.1")
rng = np.random.default_rng(0)
use_style()

# %% [markdown]
# ## 1. Edges
#
# What do all wrists have in common? Not their colour: one is bare, one is in a
# red sleeve, one is in the shade. But along every arm there is an **edge** on
# either side, whatever the arm wears. So the first step is to forget colours
# and keep edges.
#
# An edge is where brightness changes. How much it changes from left to right
# is the difference of two neighbours, and likewise from top to bottom. The two
# differences together make an arrow, the **gradient**. It points across the
# edge, to where the picture grows brighter, and its length says how strong the
# edge is. Here is a patch of 4 x 4 pixels: a bright corner on dark ground.
#
# **Predict first.** At row 1, column 1 the left neighbour is 40 and the right
# one 200; so are the upper and the lower one. How long is the gradient there,
# and which way does it point?
#
# <details><summary>Answer</summary>
#
# Both differences are 160, so its length is $160 \sqrt 2 = 226$. It points 45
# degrees to the right *and down*, because $y$ grows downwards.
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

print("magnitude", magnitude.round(), "angle", angle.round(), sep="\n")
ours, theirs = np.stack([magnitude, angle]), np.stack(gradients(patch))
print(f"largest difference from the package: {abs(ours - theirs).max():.9f}")
plots.show_gradients(
    patch, magnitude, angle,
    alt="Left sixteen squares with their values, dark in the upper left and "
    "bright in the lower right; right the same squares with five arrows along "
    "the boundary, each pointing across it to the bright side.")

# %% [markdown]
# Five pixels have a gradient, all of them on the boundary. (Along the border
# of the picture a neighbour is missing; the gradient is set to 0 there.)
#
# Why `% 180`? It makes 200 degrees count as 20. Dark trousers before a bright
# wall and bright trousers before a dark wall have opposite gradients, and yet
# the edge is the same. A person detector should not care.
#
# **Spot the bug.** A picture from a file is `uint8`. With
# `patch.astype(np.uint8)` the cell above would run without an error. What
# would go wrong?
#
# <details><summary>Answer</summary>
#
# `uint8` knows no negative numbers: $40 - 200$ becomes 96. Wherever the
# picture grows *darker*, the gradient is nonsense. So convert before you
# subtract. </details>
#
# ## 2. Histograms of oriented gradients
#
# The gradients of a picture are as many numbers as the picture itself, and
# they all change when an arm moves by two pixels. **HOG** (Dalal and Triggs,
# 2005) makes them fewer and more tolerant, in two steps.
#
# - **Cells.** Cut the picture into squares of 8 x 8 pixels, and count the
#   edges of each square by their direction: nine bins of 20 degrees, in which
#   every pixel votes with its magnitude. Where exactly in its cell an edge
#   lies is forgotten.
# - **Blocks.** A shadow halves all gradients under it. So take squares of 2 x
#   2 cells, which overlap: one begins at every cell. Divide each by its
#   length. A single strong edge would then drown all others, so values are
#   cut at 0.2, and the block is divided by its length once more. (This has a
#   name: L2-Hys.)
#
# **Predict first.** Take the patch above as one cell: which three bins get
# votes? And what becomes of a block `[3, 4, 0, 0]`?
#
# <details><summary>Answer</summary>
#
# Bin 0 (one pixel, 0 degrees), bin 2 (three pixels, 45 degrees) and bin 4 (one
# pixel, 90 degrees). The block has length 5, so it becomes `[0.6, 0.8, 0, 0]`,
# is cut to `[0.2, 0.2, 0, 0]`, and at length 1 it is `[0.71, 0.71, 0, 0]`.
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
four = cell_histograms(*gradients(np.tile(patch, (2, 2))), pixels_per_cell=4)
ours = normalise(four[:2, :2]) - hog(np.tile(patch, (2, 2)), 9, 4, 2)[0, 0]
print(f"largest difference from the package: {abs(ours).max():.9f}")

# %% [markdown]
# Loops over pixels are slow, so the package counts all cells at once. Is its
# HOG the one that everybody means? The next cell compares it with
# scikit-image on a window of 128 x 64 pixels. (Of its three colours, each
# pixel takes the one with the longest gradient.) Then it draws four people
# three times: as they are, their edges, and HOG as little stars, whose strokes
# run *along* the edges in a cell. Finally it halves the light on one of them.
#
# **Predict first.** Half the light changes pixels by up to 128. By how much
# does HOG change, whose numbers go from 0 to about 0.7?
#
# <details><summary>Answer</summary>
#
# By next to nothing. Half the light halves all gradients, and dividing each
# block by its length takes the half out again. What remains comes from the
# small number that keeps blocks without any edge from being divided by 0.
# </details>

# %% tags=["nbval-check-output"]
four = SyntheticPeople(100, size=128, difficulty="easy")
window = four.render(11).image[:, 32:96]                # (128, 64, 3)
reference = skimage.feature.hog(
    window, cells_per_block=(2, 2), channel_axis=-1, feature_vector=False)
print("blocks", reference.shape, "numbers", hog(window).size)
print(f"largest difference from scikit-image: "
      f"{abs(hog(window) - reference).max():.7f}")

pictures = [four.render(i).image[4:124, 28:100] for i in (3, 11, 17, 23)]
edges = [np.uint8(np.minimum(gradients(p)[0], 255)) for p in pictures]
stars = [plots.hog_picture(cell_histograms(*gradients(p))) for p in pictures]
before, after = pictures[0], pictures[0] / 2
print("largest change of a pixel:", abs(before - after).max())
print(f"largest change of HOG: {abs(hog(before) - hog(after)).max():.5f}")
show_people(
    pictures + edges + stars, columns=4, size=1.7,
    alt="Four drawn people in different clothes; below, the outlines of each "
    "as bright lines; below, coarse grids of small strokes in which a head, "
    "shoulders, arms and legs can still be made out.")

# %% [markdown]
# A window of 128 x 64 pixels has 16 x 8 cells, so 15 x 7 blocks of 4 cells
# with 9 bins each: **3780** numbers, the most famous vector of its decade, and
# scikit-image's are the same. From top to bottom in the picture: the clothes
# go, the outline stays, and in the end the exact place is gone, too. Of half
# the light HOG notices almost nothing.
#
# ### Exercise 02.1 ★★☆ Shared votes
#
# An edge at 19 degrees votes for bin 0, one at 21 degrees for bin 1: a small
# turn, a big change. Dalal and Triggs let a pixel **share** its vote between
# the two nearest bins. The centres of the nine bins are 10, 30, ..., 170
# degrees. An edge at 45 degrees lies a quarter of the way from 50 to 30, so
# bin 2 gets three quarters of the vote and bin 1 one quarter. Directions go
# round in a circle: 0 degrees lies halfway between 170 and 10.
#
# Write `shared_histogram(magnitude, angle, bins=9)` for one cell, divided by
# the number of pixels as above. (15 minutes)
#
# Expected for the patch, rounded: `[5, 10.6, 31.8, 0, 10, 0, 0, 0, 5]`.

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
# its 3780 numbers, $f(x) = w \cdot x + b$: a person if it is positive. Which
# weights? A **support vector machine** (SVM) wants every example on its own
# side, and with a margin: $f \ge 1$ for windows with a person ($y = 1$), $f
# \le -1$ for the others ($y = -1$). What falls short by $s = 1 - y f(x)$
# costs $s^2$. And it wants the weights small:
#
# $$E(w, b) = \tfrac12 \lVert w \rVert^2 + \tfrac12 b^2 +
# C \sum_i \max(0, \; 1 - y_i f(x_i))^2.$$
#
# $C$ balances the two wishes. Examples beyond their margin cost nothing and
# pull at nothing. Only the hard ones, the **support vectors**, shape the line.
#
# We take 200 drawn scenes of 256 x 256 pixels with a person in the middle,
# and cut five windows out of each: one with the person, four from the
# corners. Then we subtract the mean window, walk down the slope of $E$ step
# by step, and compare with scikit-learn.
#
# **Predict first.** $E$ is a bowl with a single lowest point. How steep is it
# where scikit-learn stops?
#
# <details><summary>Answer</summary>
#
# Flat: at the lowest point the slope is 0. This is how one can test a solver
# without knowing how it works.
# </details>

# %% tags=["nbval-check-output"]
scenes = SyntheticPeople(260, size=256, margin=2)
blocks = np.stack([hog(scenes.render(i).image).reshape(31, 31, 36)
                   for i in range(260)])
starts = [(8, 12), (0, 0), (0, 24), (16, 0), (16, 24)]   # the person first
windows = np.stack([blocks[:, i:i + 15, j:j + 7].reshape(260, -1)
                    for i, j in starts])                  # (5, 260, 3780)
middle = windows[:, :200].mean((0, 1))
x, new = ((some - middle).reshape(-1, 3780)
          for some in (windows[:, :200], windows[:, 200:]))
y, C = np.repeat([1, -1], [200, 800]), 0.01

w, b = np.zeros(3780), 0.0
for step in range(100):
    pull = -2 * C * y * np.maximum(0, 1 - y * (x @ w + b))
    w, b = w - 0.05 * (w + pull @ x), b - 0.05 * (b + pull.sum())
machine = LinearSVC(C=C, tol=1e-6, random_state=0).fit(x, y)

for name, line in (("100 steps", (w, b)),
                   ("sklearn", (machine.coef_[0], machine.intercept_[0]))):
    value, slope, _ = svm.hinge_objective(*line, x, y, C)
    print(f"{name:9}  E {value:.3f}, slope {np.linalg.norm(slope):.3f}")
print("windows beyond their margin:", (y * (x @ w + b) >= 1).sum())
called = (new @ w + b > 0).reshape(5, 60)
print(f"called a person: {called[0].mean():.0%} of the new people, "
      f"{called[1:].mean():.1%} of the new corners")

# %% [markdown]
# A hundred steps and scikit-learn end at the same place: $E$ is **1.700** for
# both, with next to no slope left. **344** of the 1000 windows lie beyond
# their margin. You could delete them, and the line would stay where it is.
#
# Of the new people **87** % are found, and **2.5** % of the new corners are
# taken for a person. Is that good? Keep the second number in mind.
#
# **A sliding window is a convolution.** Where in a picture is the person? Put
# the window in every place and take its score. The blocks are computed once;
# what slides is the array of weights. But "multiply a small array of weights
# with every piece of a map and add up" is what a convolution layer does. Is it
# really the same?

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
layer = torch.conv2d(
    torch.tensor(blocks[scene]).permute(2, 0, 1)[None],
    torch.tensor(kernel).permute(2, 0, 1)[None])[0, 0].numpy() + shift
print(f"largest difference of loop and layer: {abs(scores - layer).max():.9f}")
print(scores.size, "windows,", (scores > 0).sum(), "of them called a person")
best = np.unravel_index(scores.argmax(), scores.shape)[::-1]
plots.show_windows(
    scenes.render(scene).image, scores, kernel.reshape(15, 7, 2, 2, 9), [best],
    alt="Left the positive weights as strokes, upright ones where legs are. "
    "Middle a scene with a frame around the person. Right the map of scores, "
    "brightest in its middle, where a line encloses several windows.")

# %% [markdown]
# The same, to nine digits. **A linear detector that slides over a picture is a
# convolution layer** with one output channel. The only difference is that what
# it slides over was designed by hand instead of learned.
#
# The strokes on the left are the edges with positive weights: two legs stand
# out, and with some good will a trunk and shoulders. The scene has **425**
# windows, and **17** of them are called a person, most of them around the
# only one there is. Two lessons follow. A detector that is wrong once in 40
# windows is wrong ten times in every picture, so for detection the line must
# be drawn far above 0. And of neighbouring windows only the best should stay
# (exercise 02.2). What about a larger person? Shrink the picture and slide
# again.
#
# ## 4. Sixteen small windows
#
# A whole person in one window works as long as people stand upright. Poses do
# *not* look alike; that is the point of them. But their parts do: a wrist is
# a wrist whether the arm is up or down. So we do the same in small: windows
# of 24 x 24 pixels in pictures of 128 x 128, with cells of 4 pixels, and one
# detector for each of the 16 joints. The 32 x 32 cells make 31 x 31 blocks,
# and the maps of this chapter have a place for each: the point where its four
# cells meet. We begin with *easy* people, who stand in a studio and look at
# us.
#
# One detail matters. What a wrist is *not* the SVM learns from windows taken
# anywhere, and most of these are too easy: empty wall. It needs the ones that
# it gets wrong. So train, look for places where the detector is sure and
# wrong, add them to the examples, and train again. These are **hard
# negatives**.
#
# **Predict first.** What will the wrist detector take for a wrist?
#
# <details><summary>Answer</summary>
#
# Whatever looks alike in a small window: two edges that run side by side and
# end. The other wrist, to begin with, and then ankles, hems, hips.
# </details>

# %% tags=["nbval-check-output"]
def best_places(maps):
    """(N, 31, 31) -> (N, 2): x and y of the largest value of each map."""
    rows, columns = np.divmod(maps.reshape(len(maps), -1).argmax(1), 31)
    return np.stack([columns, rows], 1)


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
rows, columns = np.indices((31, 31))
far = np.hypot(columns - here[:, :1, None], rows - here[:, 1:, None]) > 2
lessons = []
for lesson in range(4):
    weights, bias = svm.train_svm(yes, no, C=0.1)
    detector = weights.reshape(1, 5, 5, 36), [bias]
    scores = parts.score_maps(new_maps, *detector)[:, 0]     # (200, 31, 31)
    hit = np.hypot(*(best_places(scores) - here).T) < 1.6
    seen = np.where(far, -9, scores).max((1, 2)) > 0
    lessons.append((len(no), 100 * hit.mean(), 100 * seen.mean(),
                    (far & (scores > 0)).sum() / 200))
    mistakes = parts.hard_negatives(
        parts.score_maps(maps, *detector)[:, 0], own)
    no = np.concatenate([no, parts.windows(maps, *mistakes, side=5)])
some = [*np.flatnonzero(hit)[:2], *np.flatnonzero(~hit)[:2]]
plots.show_maps(test.crops[some], scores[some], here[some], depth=0.8,
                alt="Four people with light where a wrist may be, a ring "
                "around the right wrist and a cross on the best place: the "
                "first two times in the ring, then on shorts and on a hip.")
table(lessons, ("negatives", "best place right, %", "wrists above 0, %",
                "other places above 0"),
      {"best place right, %": 0, "wrists above 0, %": 0})

# %% [markdown]
# At first the best place is the wrist in **34** % of the pictures, and nearly
# twenty other places in each look like one, too. Three lessons later it is
# **55** %. Look at the third column: hardly any wrist is above 0 any more. The
# detector has grown cautious, and its 0 has lost its meaning. What counts is
# the *order* of its scores, and that has become much better.
#
# In the pictures, the ring is where the wrist is and the cross where the
# detector sees it: right in the first two, wrong in the others. It
# has taken the hem of a pair of shorts and the edge of a hip for a wrist.
#
# ### Exercise 02.2 ★★☆ One answer for each hill
#
# A detector that likes a place also likes the places beside it. To list what
# it has found, take the highest place, forget everything near it, take the
# highest that is left, and so on. This is **non-maximum suppression**, NMS.
#
# Write `peaks(scores, radius, count)`: up to `count` places `(x, y)` of an
# `(H, W)` array, the best first. Once a place is taken, every place at most
# `radius` away from it, as the crow flies, is out. Stop early if nothing is
# left. (15 minutes)
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
# above (here without hard negatives, to save time) and then makes their scores
# comparable. The score of an SVM has no unit. But from examples one can count
# how much more frequent a score is on the joint than elsewhere. The logarithm
# of that ratio is the **log-odds**, and that is what the maps hold from now on
# (Platt, 1999).
#
# A joint counts as right by `PCKh@0.5` if it is off by at most half a head
# size (chapter 9), which is 6.4 pixels here.

# %% tags=["nbval-check-output"]
model = PictorialModel.fit(train, types=1, negatives=2000, mining=0)
odds = model.scores(test.crops)                     # (200, 16, 1, 31, 31)
counted = metrics.pckh_columns(MPII)                # no pelvis, no thorax


def right(points, people=test):
    """1 where a joint is right by PCKh@0.5, 0 where not: (N, 16)."""
    points = np.broadcast_to(points, people.keypoints.shape)
    return metrics.pck_hits(points, people.keypoints, people.visible,
                            people.head_size, 0.5)


alone = parts.to_pixels(np.stack(
    [best_places(odds[:, k, 0]) for k in range(16)], 1))    # (200, 16, 2)
mean = metrics.mean_pose(train.keypoints, train.visible)
groups = {**{label: MPII.indices(joints)
             for label, joints in MPII.groups.items()}, "All": counted}
table([(name, *(100 * np.nanmean(right(points)[:, joints])
                for joints in groups.values()))
       for name, points in (("mean pose", mean), ("each alone", alone))],
      ("right, %", *groups), digits=0)

# %% [markdown]
# With each joint on its own, **67** % of all joints are right; the mean pose,
# which never looks at the picture, has **25** %. Heads and shoulders are
# easy, because nothing else looks like them. Wrists and elbows are hard, and
# a better classifier would not help much. Cover the picture except for 24 x
# 24 pixels around a wrist: is it the left or the right one? Or is it an
# ankle? **What the window does not show, no classifier can know.** But the
# rest of the body knows.
#
# ## 5. Springs
#
# A wrist cannot be just anywhere: it is a forearm away from its elbow. So let
# us look at where a joint lies *as seen from the joint it hangs on*, for 400
# people.
#
# **Predict first.** A shoulder as seen from the middle of the chest, a wrist
# as seen from its elbow. What shapes will the two clouds of points have?

# %% tags=["hide-input"]
pairs = [("right_shoulder", "thorax"), ("right_wrist", "right_elbow")]
offsets = [places[:, MPII.index(part)] - places[:, MPII.index(parent)]
           for part, parent in pairs]
plots.show_offsets(
    offsets, [f"{part.replace('_', ' ')} from the {parent.split('_')[-1]}"
              for part, parent in pairs],
    alt="Two clouds of points around a cross. The shoulders make a small "
    "cloud to the left of the chest, well inside an ellipse. The wrists "
    "make a wide ring around the elbow, which the ellipse covers badly.")

# %% [markdown]
# <details><summary>Answer</summary>
#
# The shoulders make a small cloud, which a Gaussian describes well (the
# ellipse is drawn at two standard deviations). The wrists make a *ring* with
# the elbow in its middle (the few inside are forearms that point at us or
# away), and a Gaussian is a poor picture of a ring. Section 8 mends that.
# </details>
#
# Why a Gaussian at all? Because of its logarithm. Let $r$ be the mean offset
# and $\sigma$ its standard deviation. Then a wrist at $u$ with its elbow at
# $x$ has the log probability
#
# $$-\frac{(u - x - r)^2}{2 \sigma^2} - \log \sigma + \text{const}$$
#
# in each direction, and this is the energy of a **spring** of stiffness
# $a = 1 / 2\sigma^2$ that is at rest where $u = x + r$. Detectors speak in
# log-odds, springs in log probabilities. It is one currency, so we may add
# them.
#
# **Play.** On the left is the evidence for one person's right wrist, in the
# middle what a spring at the elbow says, on the right their sum; a cross marks
# the best place of each. (The numbers above say how much each of the three is
# worth at the cross on the right.) Take the stiffness down to 0, then far up.
# Then drag the elbow about in the left picture. Between which two failures
# lies a stiffness that works?

# %%
person = 0
picture = SyntheticPeople(200, size=256, difficulty="easy",
                          split="test").render(person).image
rest = model.springs.rest[wrist, 0]
learned = model.springs.stiffness[wrist, 0]


def pull(stiffness, elbow):
    return plots.show_spring(picture, odds[person, wrist, 0],
                             parts.to_cells(elbow, 8), rest,
                             stiffness * learned)


x, y = parts.to_pixels(truth[person, MPII.index("right_elbow")], 8)
explore(pull, "The evidence for a wrist, the pull of a spring {stiffness:.1f} "
        "times as stiff as learned from an elbow at {elbow[0]:.0f}, "
        "{elbow[1]:.0f}, and their sum; a cross marks the best place of each.",
        stiffness=(0.0, 20.0, 1.0, 0.5), elbow=Point(x, y))

# %% [markdown]
# With no stiffness at all the cross sits on a foot: nowhere in the picture is
# the evidence higher. With the stiffness as learned it jumps to the wrist,
# where the evidence is lower but the spring costs almost nothing. Make it far
# too stiff, and the spring decides alone: the wrist is where wrists are on
# average. And when you drag the elbow away, the wrist goes with it. **What an
# arm may do depends on where it hangs.** So the place of the elbow is a
# question, too.
#
# ## 6. The distance transform
#
# If the elbow is known, the best wrist is quickly found. But the elbow is not
# known. So for *every* place $x$ of the elbow we need the best compromise:
#
# $$D(x) = \max_u \; f(u) - a \, (u - x - r)^2,$$
#
# where $f(u)$ is the evidence for a wrist at $u$. This is the **generalised
# distance transform** of $f$. Let six places lie in a row, with evidence 5 at
# place 2 and 3 at place 5, and let $a = 1$, $r = 0$.
#
# **Predict first.** Fill in $D$ for all six places.
#
# <details><summary>Answer</summary>
#
# Place 2 offers 5 to itself, 4 to its neighbours, 1 to the next, then $-4$.
# Place 5 offers 3 to itself, 2 to place 4, $-1$ to place 3. The larger of
# each: 1, 4, 5, 4, 2, 3. </details>

# %% tags=["nbval-check-output"]
f, a = np.array([0.0, 0, 5, 0, 0, 3]), 1.0
u = np.arange(6)
pairs = f - a * (u - u[:, None]) ** 2        # [x, u]: all 36 compromises
print(pairs.astype(int))
print("D =", pairs.max(1), " from u =", pairs.argmax(1))
best, where = distance_transform(f, a)
print("package:", best, where)
plots.show_envelope(
    f, a, alt="Six parabolas that open downwards, one with its top at each "
    "place. Thick lines mark where each is the highest: the one at place 2 "
    "from the left to between 3 and 4, then that at place 5; the others are "
    "nowhere the highest.")

# %% [markdown]
# Thirty-six compromises for six places; for $n$ places $n^2$. The picture
# shows how to do with fewer (Felzenszwalb and Huttenlocher, 2004). Each place
# $u$ contributes a parabola with its top at $(u, f(u))$, all of the same
# width, and $D$ is their upper envelope, the thick line.
#
# Two parabolas of the same width meet exactly once, and from there on the one
# whose top lies further right is the higher one. So go from left to right,
# and keep a list of those that are highest somewhere. Where does the new one
# meet the last one on the list? If that is left of where the last one
# *begins* to be highest, it is highest nowhere: throw it out, and ask the one
# before.
#
# **Predict first.** Every place enters the list once. How often can it leave?
# And so, how does the number of steps grow with $n$?

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
            tops.pop(), starts.pop()         # p is the highest nowhere
        tops.append(u)
        starts.append(meet)
    x = np.arange(len(f))
    u = np.array(tops)[np.searchsorted(starts, x, side="right") - 1]
    return f[u] - a * (x - u) ** 2, steps


print("by hand", transform(f, a)[0], " steps", transform(f, a)[1])
for n in (100, 200, 400, 800):
    noise = rng.normal(size=n)
    ours, steps = transform(noise, 0.01)
    difference = abs(ours - distance_transform(noise, 0.01)[0]).max()
    print(f"{n} places: all pairs {n * n:6d} steps, envelope {steps:4d}; "
          f"difference from the package {difference:.9f}")

# %% [markdown]
# <details><summary>Answer</summary>
#
# At most once. So building the list takes at most about $2n$ steps: with twice
# the places twice the steps, where all pairs take four times as many.
# </details>
#
# In the plane the square falls apart into $(u_x - x_x)^2 + (u_y - x_y)^2$. So
# transform every row, and then every column of the result.
#
# ## 7. The tree
#
# Sixteen joints with 961 places each: that is $961^{16}$ poses, a number of
# 48 digits. And yet the best one can be found, because the springs form a
# **tree**. The wrist hangs on the elbow, the elbow on the shoulder, and
# nothing else depends on the wrist.
#
# So the wrist **tells** the elbow, for each place where the elbow might be,
# how much the best wrist would then be worth. That is a distance transform of
# its map. The elbow adds this to its own evidence, and tells the shoulder.
# Once everything has arrived at the pelvis, its map holds, for each of its
# places, the worth of the best *whole* pose, and it takes the largest. Then
# the choice travels back: for this pelvis the hips that were best for it, for
# these hips the knees, and so on.
#
# We write it down and try it against brute force, on three joints with 3 x 3
# cells: 729 poses, few enough to try them all. Then we find whole people.

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
    """The worth of one pose of a chain: evidence, and springs."""
    total = sum(maps[k, y, x] for k, (x, y) in enumerate(pose))
    for k in (0, 1):                        # part 2 is the root
        off = np.subtract(pose[k], pose[k + 1]) - springs.rest[k, 0]
        total -= springs.stiffness[k, 0] @ off ** 2
    return total

# %% tags=["nbval-check-output"]
arm = pictorial.Springs((1, 2, 2), rng.normal(size=(3, 1, 2)),
                        rng.uniform(0.2, 1, (3, 1, 2)), np.zeros((3, 1, 1)))
little = rng.normal(0, 2, (3, 3, 3))
cells = list(np.ndindex(3, 3))
every = [worth(little, arm, [cells[i] for i in pose])
         for pose in np.ndindex(9, 9, 9)]
print(f"{len(every)} poses, the best is worth {max(every):.4f}; "
      f"the tree says {best_worth(little, arm):.4f}")

messages = pictorial.pass_messages(odds, model.springs)
found, _, value = pictorial.backtrack(messages, model.springs)
ours = best_worth(odds[0, :, 0], model.springs)
print(f"a whole person: by hand {ours:.4f}, package {value[0]:.4f}")
pulled = parts.to_pixels(found)
for name, points in (("each alone", alone), ("springs", pulled)):
    print(f"{name:10} {100 * np.nanmean(right(points)[:, counted]):.0f} %")

some = [0, 4, 9, 15, 22]
show_people([*test.crops[some]] * 2, [*alone[some], *pulled[some]],
            columns=5, size=1.8,
            alt="Five people twice: above with joints far off the body, "
            "below with a skeleton that lies on it, though in two of them "
            "both legs lie on one.")

# %% [markdown]
# The tree finds the best of the 729, and for a whole person our twenty lines
# agree with the package. In the upper row each joint is on its own; in the
# lower row springs hold them together. Wrists come back from shoes and from
# the background, and **77** % of all joints are right instead of **67** %.
# (Two of the five still have both legs on one. Section 10 comes back to
# that.)
#
# The price is small: 15 distance transforms instead of $10^{47}$ poses. And
# the search is exact. If the answer is wrong, then the *model* is wrong,
# never the search. Few methods in this course can say that.
#
# **Play.** Here is the film from the top of the page, for another person and
# at your own pace. First the parts look and tell, level by level. Then the
# pelvis chooses, and the others follow.

# %%
letter = pictorial.pass_messages(odds[:1], model.springs)


def film(step):
    return plots.show_messages(picture, letter, model.springs, MPII, step - 1)


explore(film, "Step {step} of 23: light on the person where parts may be or "
        "where they want their neighbours to be, and the tree beside it.",
        step=(1, 23, 4))

# %% [markdown]
# ### Exercise 02.3 ★★★ An arm on a line
#
# A shoulder, an elbow and a wrist lie on a line of $n$ places. `scores[p, u]`
# is the evidence for part $p$ at place $u$. Part $p > 0$ hangs on part $p - 1$
# by a spring that rests at `rest[p]` places from it (a fraction is fine) and
# costs `stiffness[p]` times the square of how far it is stretched from there.
# `rest[0]` and `stiffness[0]` mean nothing.
#
# Write `best_chain(scores, rest, stiffness)`: the place of each part in the
# best chain. Tell messages from the last part to the first, keep where each
# came from, and go back. The checker has seven parts on sixty places: too
# many chains to try them all. (30 minutes)
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
    u, total, told = np.arange(scores.shape[1]), scores[-1], []
    for part in range(len(scores) - 1, 0, -1):       # from the last part up
        offset = u - u[:, None] - rest[part]         # [x, u]
        pairs = total - stiffness[part] * offset ** 2
        told.append(pairs.argmax(1))
        total = scores[part - 1] + pairs.max(1)
    places = [int(total.argmax())]
    for where in reversed(told):                     # and down again
        places.append(int(where[places[-1]]))
    return places


# %% tags=["check"]
check("02.3", best_chain)

# %% [markdown]
# ## 8. Types
#
# Section 5 left a debt: the ring. A wrist above its elbow and a wrist below
# it rest in different places, and they *look* different, too: the forearm
# enters the window from below or from above. So let us treat them as
# different things. We sort the examples of each joint into six **types** by
# where its neighbours are (k-means on the offsets). Each type gets a
# detector, a rest and a stiffness of its own, and from counts we learn how
# well a type of wrist goes with a type of elbow. A message then takes the
# best type at each place. These are the **flexible mixtures of parts** of
# Yang and Ramanan (2011).
#
# **Predict first.** Which joints will gain most?

# %% tags=["nbval-check-output"]
kinds = parts.part_types(places, MPII.parent_indices, types=6)[:, wrist]
plots.show_offsets(
    [offsets[1]] * 2, ["one Gaussian", "six types"], [0 * kinds, kinds],
    alt="The ring of wrists around their elbow twice. Left one large ellipse "
    "covers the ring and its empty middle. Right six small ellipses in six "
    "colours: five along the ring, one in its middle.")

six = PictorialModel.fit(train, types=6, negatives=2000, mining=0)
typed, sure = six.predict(test.crops)
rows = {"mean pose": mean, "each alone": alone, "springs": pulled,
        "springs and types": typed}
table([(name, *(100 * np.nanmean(right(points)[:, joints])
                for joints in groups.values()))
       for name, points in rows.items()], ("right, %", *groups), digits=0)

# %% [markdown]
# <details><summary>Answer</summary>
#
# The wrists. The one spring of section 7 even did them harm, because it rests
# near the middle of the ring, where wrists seldom are: **38** % instead of
# **42** %. With six types it is **68** %, and **87** % of all joints are
# right. </details>
#
# ## 9. Measured
#
# Two hundred people in a studio are not much of a test. A longer one is
# stored in `data/studies/classical.json`, and anyone can run it again
# (without `--data` it leaves out the photographs):
#
# ```
# python data/studies/classical.py --data data/lspet
# ```
#
# One model was learned for each of three kinds of people, from more examples
# than here, and was shown 1,000 others. Some are drawn and *easy*, like ours.
# Some are drawn and *standard*: in rooms and landscapes, some seen from
# behind, some half hidden. And some are athletes on photographs, where a joint
# counts as right within a fifth of the torso. Beside the models stand the mean
# pose and the networks that come with this course, shown the very same crops:
# `laptop`, trained on drawn people, and `photos`, trained on photographs
# (chapter 10).
#
# **Predict first.** From the studio to the standard people: who loses more,
# the springs or the network? And who is ahead on photographs: springs that
# learned from photographs, or `laptop`, which never saw one?

# %% tags=["hide-input", "nbval-check-output"]
studies = folder().parent / "data" / "studies"
study = json.loads((studies / "classical.json").read_text("utf-8"))["people"]
who = ("mean pose", "each joint alone", "six types", "laptop", "photos")
plots.show_study(
    study,
    alt="Three panels of dots with short intervals. Easy: the mean pose far "
    "left, each joint alone and one type further right, six types close to "
    "the network. Standard: six types halfway between mean pose and network. "
    "Photographs: six types beside laptop, and photos far to the right.")
table([(name, *(about["rows"].get(name, {"pck": [None]})["pck"][0]
                for about in study.values()),
        study["easy"]["rows"].get(name, {}).get("cpu_milliseconds"))
       for name in who], ("right, %", *study, "ms a picture"))

# %% [markdown]
# <details><summary>Answer</summary>
#
# The springs lose more. With six types they fall from **87.6** to **61.0** %,
# the network from **96.2** to **87.4** %. On photographs neither is ahead by
# much. </details>
#
# Everywhere six types find almost four times as many joints as the mean
# pose. But on photographs, after 3,000 examples, they are at **16.6** %:
# about as far as `laptop`, which has never seen a photograph (**18.3** %),
# and far from `photos`, which was trained on them (**61.7** %). The network
# is faster, too: **2.8** ms for a picture instead of **23.8** ms. Intervals,
# and what each ingredient brings, are in `data/studies/README.md`. (Types
# help everywhere. Springs with a single type help on drawn people only: on
# photographs each joint alone is better. Hard negatives, which did so much
# for the single wrist, do hardly anything for whole poses.)
#
# Be fair, though: ours is the simplest of its kind. The published models
# learned parts and springs together and looked for people of several sizes.
# Our numbers are no verdict on theirs.
#
# ## 10. Where it fails
#
# How does a pictorial model fail? The next cell shows it and the network the
# same standard people, and sorts the mistakes (chapter 9 does this in full).
# *Inversion*: the joint was found, but on the other side of the body. *Near*:
# missed, but by less than a head. *Far* and *gross*, within two heads and
# beyond: something else looked more like an arm than the arm did. And
# *ankles together*: both legs were put on one leg. Nothing in a tree forbids
# that, because the ankles hang on different branches and never speak to each
# other.
#
# **Predict first.** Somebody seen from behind has left and right exchanged.
# HOG has neither colours nor a sign of an edge, and each window shows a wrist
# or a knee. How would it know?
#
# <details><summary>Answer</summary>
#
# It hardly can. What gives it away is the face, and no spring carries "I see
# a face" from the head to the wrists: a message is only about *where* a
# neighbour is, and of which type. So look at the inversions. </details>

# %% tags=["nbval-check-output"]
street = crop_in_memory(SyntheticPeople(200, size=128, split="test"), 128,
                        margin=1.0, workers=1)
stored = PictorialModel.load(studies / "classical.safetensors")
network = load_model(pretrained("laptop") / "weights.safetensors")
answers = {"labels": street.keypoints,
           "six types": stored.predict(street.crops)[0],
           "network": predict_crops(network, street)[0]}
ankles = MPII.indices(["right_ankle", "left_ankle"])
rows = []
for name, points in answers.items():
    errors = metrics.error_breakdown(points, street.keypoints, street.visible,
                                     street.head_size).shares
    one, other = points[:, ankles].swapaxes(0, 1)
    together = np.hypot(*(one - other).T) < 0.5 * street.head_size
    rows.append((name, *(100 * share for share in errors.values()),
                 100 * together.mean()))
some = [0, 5, 10, 15, 20, 25]
show_people([*street.crops[some]] * 3,
            np.concatenate([points[some] for points in answers.values()]),
            columns=6, size=1.5,
            alt="Six people in three rows: labels, the pictorial model, the "
            "network. In the middle row limbs are wrong more often, and both "
            "legs often lie on one.")
table(rows, ("%", *errors, "ankles together"), digits=0)

# %% [markdown] document="3.3 end to end"
# Half of all people (**50** %) get both ankles in one place, within half a
# head of each other, where in truth they are for only **4** %: one leg looks
# better than the other, so it gets both. And **22** % of the joints are on
# the wrong side of the body, against **8** % of the network's. Note how the
# network fails, too, in the same ways, only less often: in **24** % its
# ankles lie together. It has no rule against that either. It has just learned
# to look at more than one leg at a time.
#
# ## 11. What lives on
#
# | then | now |
# |---|---|
# | gradients, cells, blocks | the first layers of a network, learned; strides and normalisation |
# | a window that slides over HOG | a convolution (section 3: the same numbers) |
# | a map of log-odds for each joint | a heatmap for each joint ([chapter 3](03_heatmaps.ipynb)) |
# | hard negatives | losses that look at the hardest joints ([chapter 11](11_architectures.ipynb)) |
# | the best of each hill | NMS, in nearly every detector |
# | springs and messages | stages that read each other's heatmaps ([chapter 11](11_architectures.ipynb)); learned offsets |
# | types | channels, of which a network has as many as it likes |
#
# And what did networks add? Not the search, which was exact already. They
# learn the *features*, all layers at once, from the picture to the pose, and
# their windows grow from layer to layer until they see the whole body. A
# spring knows two joints. The last layer of a network knows them all.
#
# ## Quiz

# %%
quiz("02")

# %% [markdown]
# ## Summary
#
# - HOG counts edges by direction in cells and normalises blocks. It keeps the
#   outline and forgets colour, light and the exact place.
# - A linear SVM is a weighted sum; only examples inside the margin shape it.
# - A linear detector that slides over a picture is a convolution layer.
# - Hard negatives teach a detector what it takes for the part by mistake.
# - A spring is the logarithm of a Gaussian, so log-odds and springs add up.
# - The distance transform gives the best compromise for all places in linear
#   time; on a tree it finds the best of all poses exactly.
# - Small windows cannot tell left from right, and a tree cannot keep two legs
#   apart. The model is the limit, not the search.
#
# ## Common mistakes
#
# | what goes wrong | why |
# |---|---|
# | edges only where the picture grows brighter | differences of `uint8` wrap around |
# | the part rests on the wrong side | the sign of `rest`: part minus parent |
# | a detector is good in training and useless in pictures | its negatives were too easy; mine hard ones |
# | one joint decides everything | scores of different SVMs were added without calibration |
# | all joints are off by half a cell | a place of the map is where cells meet, not the corner of a cell |
#
# ## Further reading
#
# - Dalal, Triggs: *Histograms of Oriented Gradients for Human Detection*
#   (2005). Every choice of section 2, tried out one by one.
# - Felzenszwalb, Huttenlocher: *Pictorial Structures for Object Recognition*
#   (2005). Springs as probabilities, and the tree.
# - Felzenszwalb, Huttenlocher: *Distance Transforms of Sampled Functions*
#   (2004). The envelope, in a few pages.
# - Felzenszwalb, Girshick, McAllester, Ramanan: *Object Detection with
#   Discriminatively Trained Part-Based Models* (2010). The DPM that the
#   document names.
# - Yang, Ramanan: *Articulated Pose Estimation with Flexible
#   Mixtures-of-Parts* (2011). Types, and how to learn everything together.
