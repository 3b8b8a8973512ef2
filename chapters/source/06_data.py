# %% [markdown] document="3.2 step 1"
# # 6. From MPII to tensors
#
# **Take a person from an annotation file to a training batch, pixel-exact at
# every step.**
#
# ![A person on a picture with a square window around them that turns, grows, shrinks and is mirrored; beside it what the window cuts out: the person moves in it, and the skeleton drawn from the labels stays on the body](figures/06_opening.webp)
#
# A window on a picture, and what the network gets to see through it. It turns,
# it grows, it is mirrored, and the labels stay on the body: that is what you
# build in this chapter. (The white dot marks the same corner on both sides.) A
# mistake of half a pixel would not show here, and a network would learn it.
#
# | | |
# |---|---|
# | **You will learn** | what is in MPII's file, and what is odd about it; what `scale`, 200, 15 and 1.25 mean; to cut a person out; to mirror and turn without silent bugs; a `Dataset` with a `DataLoader`, and a faster way to the same batch |
# | **You need** | [chapter 3](03_heatmaps.ipynb) (half pixels), NumPy arrays, what a matrix does to a point |
# | **Time** | 50 min to read, 50 min to do |
# | **Runs in** | 40 s on two CPU cores |
#
# The document's recipe (3.2) begins with two sentences. In our translation:
#
# > 1. Data preparation: collect pictures of people and the annotations of their
# >    keypoints as training data. Common datasets are MPII, COCO, AI Challenger
# >    and others.
#
# Its code (5.2) imports `Dataset`, `DataLoader`, `transforms` and `cv2`, and
# goes straight on to the network. This chapter is about what lies between.
#
# ![Five boxes in a row: the file, the person, the crop, the changed crop and the batch, with the sections that are about them](figures/06_path.svg)
#
# Nothing on this way learns. But a network believes its labels. Labels that
# are wrong in the same way everywhere are learned as well as right ones, and
# no error message ever comes.
#
# MPII's pictures are frames of other people's videos. They are for research,
# and must not be passed on, so they are not part of this course. A cell below
# draws people instead and writes them as MPII comes: pictures, and a MATLAB file
# with the same structure and the same irregularities.
#
# **If you have MPII**, write its folder in place of `"synthetic"`
# ([how to get it](../data/README.md)) and run everything again. Sections 1
# and 2 stay with the drawn file; the others work on your data. What the text
# says about numbers and pictures is about the drawn people.

# %% tags=["setup"]
import tempfile
import time

import cv2
import matplotlib.pyplot as plt
import numpy as np
import scipy.io
import torch
from torch.utils.data import DataLoader, Dataset
from torchvision import transforms

from posecourse.authoring.chapters import require
from posecourse.datasets import MPII, crop_in_memory, open_dataset
from posecourse.datasets.mpii_writer import draw_release
from posecourse.drawing import draw_pose
from posecourse.exercises import check, hint, quiz
from posecourse.geometry import Crop
from posecourse.metrics import center_pose, mean_pose, pckh, pckh_columns
from posecourse.transforms import Augmentation, make_batch
from posecourse.visualization import (Point, explore, figure, show_people,
                                      use_style)
from posecourse.visualization.tables import table

torch.manual_seed(0)
require("0.1")

# %% tags=["setup"]
DATA = "synthetic"            # or the folder in which you have MPII
use_style()
torch.set_num_threads(1)
cv2.setNumThreads(1)          # so that section 8 can compare processor times

temporary = tempfile.TemporaryDirectory()
drawn = f"{temporary.name}/drawn"
file = draw_release(drawn, count=40)
if DATA == "synthetic":
    people = open_dataset(drawn, "trainval")
else:
    people = open_dataset(DATA, "valid")
    people.people = [person for person in people
                     if person.image in people.pictures][:64]
skeleton = people.skeleton

# %% tags=["hide-input"]
names = list(dict.fromkeys(person.image for person in people))
some = names[5:8] or names[:3]
in_them = [[p for p in people if p.image == name] for name in some]
show_people([people.pictures.read(name) for name in some],
            [np.stack([p.keypoints for p in those]) for those in in_them],
            [np.stack([p.visible for p in those]) for those in in_them],
            skeleton=skeleton, size=3.1,
            alt="Three drawn pictures with skeletons: one person with both "
            "arms stretched out; three people, of whom one has no skeleton; "
            "two people, one of them cut off below the knees.")

# %% [markdown]
# Three of the pictures, with everything that is labelled. A hollow joint is
# hidden. Below the edge of a picture there are no labels. And in the middle
# picture, on the right, stands somebody without any. All of this is as in
# MPII, which has about 25,000 pictures and more than 40,000 people.
#
# ## 1. What is in the file
#
# The annotations of MPII are one file, `mpii_human_pose_v1_u12_1.mat`. It
# holds one variable, `RELEASE`: structs in structs (records, in MATLAB's
# word).
#
# ![RELEASE holds annolist, one entry per picture, img_train and single_person. An entry of annolist holds the image's name and annorect, one per person. That holds the head box, objpos, scale and annopoints, whose points have id, x, y and is_visible. Everything from annorect on may be missing](figures/06_release.svg)
#
# (`single_person` lists, counted from 1, who stands clear of all others. The
# real file also names the activity and the video; `vididx` is the number of
# the video and `frame_sec` the second in it.)
# `scipy.io.loadmat` opens it. First as it is: we walk down to one number.
# Then with two options that make it bearable. `squeeze_me` takes off sides
# of length 1, and `struct_as_record=False` turns fields into attributes.
#
# **Predict first.** There are 40 pictures. What is the shape of `annolist`?
# And what will be left of `annorect` in a picture of one person, once sides
# of length 1 are taken off?
#
# <details><summary>Answer</summary>
#
# `(1, 40)`. To MATLAB everything is a matrix, a number one of 1 x 1: hence
# the many `[0, 0]` on the way down. Squeezed, an `annorect` of one person is
# no array any more. It is the struct itself.
# </details>

# %% tags=["nbval-check-output"]
annolist = scipy.io.loadmat(file)["RELEASE"]["annolist"][0, 0]
rects = annolist["annorect"][0, 0]
points = rects["annopoints"][0, 0]["point"][0, 0]
print("annolist", annolist.shape, *annolist.dtype.names)
print("annorect", rects.shape, *rects.dtype.names)
print("point", points.shape, *points.dtype.names)
print("x", points["x"][0, 0].shape, points["x"][0, 0].round(1))

release = scipy.io.loadmat(file, squeeze_me=True,
                           struct_as_record=False)["RELEASE"]


def kind(value):
    """What a squeezed value is, in words."""
    if isinstance(value, np.ndarray):
        return f"array of {value.size}" if value.size else "empty"
    known = isinstance(value, (str, int, float))
    return repr(value) if known else "one struct"


print("\n i  img_train  annorect    single_person")
for i in range(10):
    print(f"{i:2d}  {release.img_train[i]:9d}  "
          f"{kind(release.annolist[i].annorect):10s}  "
          f"{kind(release.single_person[i])}")

# %% [markdown]
# A number is a matrix in a matrix in a matrix. Squeezed, it is a number, but
# now the pictures' `annorect` are of different kinds: three people are an
# array, one person is a struct, nobody is an empty array. A loop
# `for rect in annorect` works in picture 0 and stops in picture 1.
# `np.atleast_1d` heals that.
#
# Pictures 8 and 9 are for testing: no joints. The release knows this split
# only. What everybody calls *train* and *valid* came later, as a list that
# divides its training pictures (Tompson et al., 2015): 22,246 people in
# 14,679 pictures, and 2,958 people in 2,729. It divides *pictures*. Two
# people of one picture, one on each side, would be a leak.
#
# Now the person of picture 1, joint by joint, as they come. Then the joints
# go into an array, and we compare with the package's reader.
#
# **Predict first.** This person's right ankle is below the edge of the
# picture. How does the file say so?
#
# <details><summary>Answer</summary>
#
# By silence: there are 15 lines for 16 joints, and none with the id 0.
# </details>

# %% tags=["nbval-check-output"]
labels = MPII(drawn, "trainval")
rect = release.annolist[1].annorect
print(f"scale {rect.scale:.2f}, objpos ({rect.objpos.x:.1f}, "
      f"{rect.objpos.y:.1f}), head box ({rect.x1:.1f}, {rect.y1:.1f}) to "
      f"({rect.x2:.1f}, {rect.y2:.1f})")
print("id  joint              x      y  is_visible")
keypoints = np.full((16, 2), np.nan)
for point in np.atleast_1d(rect.annopoints.point):
    keypoints[point.id] = point.x - 1, point.y - 1
    print(f"{point.id:2d}  {labels.skeleton.joints[point.id]:14s} "
          f"{point.x:5.1f}  {point.y:5.1f}  {kind(point.is_visible)}")

name = release.annolist[1].image.name
same = next(person for person in labels if person.image == name)
gap = np.nanmax(abs(same.keypoints - keypoints))
print(f"the package's reader is {gap:.4f} px away at most")
print((same.visible > 0).sum(), "joints labelled; visible:", *same.visible)

# %% [markdown]
# There are **15** lines for 16 joints. That a missing joint is passed over in
# silence is one of the oddities of this file. Here they all are, with what a
# reader does about them:
#
# | in the file | the reader |
# |---|---|
# | one person is a struct, several are an array, nobody is empty | uses `np.atleast_1d`, and looks for emptiness first |
# | joints come in any order | goes by `id` |
# | a joint without a label is not in the list | starts from an array full of NaN |
# | `is_visible` is a number, a text, empty, or no field at all | takes 0 and `'0'` for hidden, everything else for visible |
# | somebody has a head box and nothing else (picture 7) | leaves them out |
# | `scale` and `objpos` are missing | takes both from the joints |
# | pixels count from 1 | subtracts 1, once (section 2) |
#
# ### Exercise 06.1 ★★☆ Hidden, or just not said?
#
# Write `visibility(points)`. `points` is a list of pairs
# `(id, is_visible)`, where `is_visible` is `0`, `1`, `"0"`, `"1"`, `""`, an
# empty array, or None (no such field); numbers may be Python's or NumPy's.
# Return 16 numbers: 2 visible, 1 hidden, 0 not labelled.
#
# Expected: `visibility([(9, ""), (0, "0"), (5, 1)])` has 1 at index 0, 2 at
# 5 and 9, and 0 elsewhere. `hint("06.1")` gives a hint.

# %% tags=["exercise"]
def visibility(points):
    """Pairs (id, is_visible) -> 16 values of 0, 1 or 2."""
    # your code here


# %% tags=["solution"]
def visibility(points):
    """Pairs (id, is_visible) -> 16 values of 0, 1 or 2."""
    visible = np.zeros(16, int)
    for joint, said in points:
        visible[joint] = 1 if str(said) == "0" else 2
    return visible


# %% tags=["check"]
check("06.1", visibility)

# %% [markdown]
# ## 2. Counting from 1, and being there
#
# MATLAB counts from 1. Below, the 9 is in MATLAB's column 4 and row 2, at
# $(4, 2)$. NumPy says column 3 and row 1, and in this course the centre of
# pixel $i$ is at $i$. So 1 is subtracted from everything that the file says
# in pixels: joints, `objpos`, head box. **In the reader, and nowhere else.**
# Subtracted twice, or from the joints only, it is a bug that no picture
# shows.
#
# The second half of the cell is about joints without a label. Files of
# numbers cannot leave them out. The well-known JSON version of MPII puts them
# at $(-1, -1)$, the file for evaluation at $(0, 0)$. Much code therefore
# asks `x > 0` to know whether a joint is there.
#
# **Predict first.** In which of the four lines does `x > 0` give the right
# answer, in the picture and in the crop (a square cut out around the person,
# section 3)?
#
# <details><summary>Answer</summary>
#
# In the picture in all but the second: a label may lie left of the picture. In
# the crop in all but the third: there $(-1, -1)$ is a place like any other.
# </details>

# %% tags=["nbval-check-output"]
image = np.zeros((3, 5), int)
image[1, 3] = 9
print(image, "\nMATLAB's (4, 2) is our (3, 1):", image[1, 3])

nan = float("nan")
window = Crop.from_mpii(center=(30, 40), scale=0.4, output=256)
cases = {"labelled": (60, 70), "labelled, left of the picture": (-3, 40),
         "not labelled, at (-1, -1)": (-1, -1),
         "not labelled, NaN": (nan, nan)}
rows = []
for case, point in cases.items():
    x, y = window.apply(point)
    rows.append((case, str(point[0] > 0), x, y, str(bool(x > 0))))

every = np.stack([person.visible for person in labels])
print("share of joints with visibility 0, 1, 2:",
      *[f"{100 * (every == v).mean():.0f} %" for v in (0, 1, 2)])
ankles = labels.skeleton.indices(["right_ankle", "left_ankle"])
print(f"ankles not labelled: {100 * (every[:, ankles] == 0).mean():.0f} %")
table(rows, ("a joint", "x > 0 in the picture?", "crop x", "crop y",
             "x > 0 in the crop?"))

# %% [markdown]
# In the picture, `x > 0` loses a labelled joint. (In MPII's validation set 45
# labelled joints lie left of or above their picture.) In the crop it does
# worse: $(-1, -1)$ has moved to a place like any other, and a network is taught
# that there is a joint.
#
# NaN stays NaN through every map, and nobody can mistake it for a place. The
# answer to "is it there?" is a number of its own, the **visibility**: 0 not
# labelled, 1 hidden, 2 visible. Training uses 1 and 2. (The well-known JSON
# has `joints_vis`, which says *labelled*, not *visible*.)
#
# Unlabelled joints are no rarity: **31 %** of our ankles. In MPII's
# validation set it is 28.4 % of the ankles and 16.1 % of the knees.
# (`posecourse data check FOLDER` counts all this, for any data set.)
#
# ## 3. Where the person is
#
# Two entries say where to look. `objpos` is a point near the person's
# middle. `scale` is called the person's height in units of 200 pixels. The
# code that everybody followed (Newell et al., 2016) makes a square window of
# them:
#
# - its side is $200 \cdot 1.25 \cdot \text{scale} = 250 \cdot \text{scale}$;
# - its centre lies $15 \cdot \text{scale}$ *below* `objpos`.
#
# Why 1.25, and why 15? We draw the window of one person and cut it out. Then we
# count the labelled joints that lie outside the window, for everybody, with and
# without each of the two numbers.
#
# **Predict first.** Which of the two matters more?
#
# <details><summary>Answer</summary>
#
# The factor. Without it more than half of these people lose a joint, with it
# about one in ten, whatever the shift.
# </details>

# %%
def outside(p, factor, shift):
    """Which labelled joints of a person lie outside a window, (K,)."""
    off = abs(p.keypoints - p.center - [0, shift * p.scale])
    return (off > 100 * factor * p.scale).any(-1)     # False for NaN


person = max(people, key=lambda p: (
    outside(p, 1, 0).sum() - 9 * outside(p, 1.25, 15).sum()))
image, window = people.read_image(person), person.crop(256)

# %% tags=["hide-input"]
with figure("Left, a person with raised arms. A dotted square, 200 x scale, "
            "leaves both ankles and a wrist outside; a larger solid one, 250 "
            "x scale and a little lower, holds all. Right, cut out, with "
            "circles around the joints that are about as wide as the head.",
            1, 2, size=(9.4, 4.1)) as axes:
    axes[0].imshow(draw_pose(image, person.keypoints, skeleton=skeleton))
    for side, down, line in ((200, 0, ":"), (250, 15, "-")):
        name = f"{side} × scale"
        side, down = side * person.scale, [0, down * person.scale]
        corner = np.add(person.center, down) - side / 2
        for color, width in (("black", 4.5), ("white", 2)):
            axes[0].add_patch(plt.Rectangle(
                corner, side, side, fill=False, lw=width, ls=line, ec=color,
                label=name if color == "white" else None))
    axes[0].plot(*person.center, "w+", ms=14, mew=3, label="objpos")
    axes[0].autoscale_view()
    axes[0].legend(facecolor="0.4", labelcolor="white", frameon=True,
                   loc="lower right", fontsize=9)
    axes[1].imshow(window.warp(image))
    for joint in window.apply(person.keypoints):
        axes[1].add_patch(plt.Circle(joint, 12.8, fill=False, lw=1.5,
                                     ec="white"))
    for ax, title in zip(axes, ("the picture", "the crop, 256 pixels")):
        ax.set(title=title)
        ax.grid(False)

# %% tags=["nbval-check-output"]
count = sum((p.visible > 0).sum() for p in people)
rows = []
for factor, shift in ((1, 0), (1, 15), (1.25, 0), (1.25, 15)):
    lost = np.stack([outside(p, factor, shift) for p in people])
    rows.append((f"{200 * factor:.0f} × scale", f"{shift} × scale",
                 100 * lost.sum() / count, 100 * lost.any(1).mean()))
heads = [p.head_size / (250 * p.scale) for p in people
         if np.isfinite(p.head_size)] or [np.nan]
print(f"head size / side of the window: {min(heads):.4f} to "
      f"{max(heads):.4f}")
unit = 256 * np.mean(heads)
print(f"in a crop of 256, PCKh@0.5 is within {unit / 2:.1f} px, "
      f"{unit / 8:.1f} cells of 64; PCKh@0.1 within {unit / 10:.2f} px")
people_lost = "people who lose one, %"
table(rows, ("side", "lower by", "joints outside, %", people_lost),
      digits={people_lost: 0})

# %% [markdown]
# In the picture the dotted square of $200 \cdot \text{scale}$ loses both
# ankles and a wrist. The solid one, larger and a little lower, holds all.
#
# The factor is what matters. With 200, **60 %** of the people lose a joint,
# with 250 only **8 %**. The shift does not help our drawn people (**10 %**). On
# MPII it does, together with the factor: of its 2,958 validation people, 33.8
# % lose a joint with neither, 36.4 % with the shift alone, 7.4 % with the
# factor alone, and 5.1 % with both. The window is a compromise: a larger one
# would lose fewer joints, and everybody would be smaller in it.
#
# The printed lines are about `scale`. It is *not* the height. The **head size**,
# PCKh's unit, is 0.6 times the diagonal of the head box. On MPII it is
# $25 \cdot \text{scale}$ for each of the 2,958 people, to six digits, so
# `scale` must have been made from the head box. (Of those with head top and
# both ankles labelled, the middle half is 0.67 to 1.00 times
# $200 \cdot \text{scale}$ high, from joint to joint.) Three things follow.
#
# - The head size is a tenth of the window's side. `PCKh@0.5` allows
#   **12.8 px** in a crop of 256 pixels, whoever is in it: the circles above.
# - PCKh can be computed without head boxes.
# - The window tells the network how large the head is. On your own photo
#   there is no head box, and nothing tells it.
#
# **Now you.** Drag the window: the handle in the middle moves it, the one at
# the corner changes its size. The dashed window is MPII's. How small can you
# make it without losing a joint? What happens to the head?

# %% tags=["hide-input"]
def draw(center, corner):
    side = 2 * max(abs(np.subtract(corner, center)).max(), 20)
    mine = Crop(center, side, 256)
    figure, axes = plt.subplots(1, 2, figsize=(9, 3.9), width_ratios=(3, 2))
    axes[0].imshow(image)
    for crop, line in ((window, "--"), (mine, "-")):
        low = np.subtract(crop.center, np.array(crop.size) / 2)
        for color, width in (("black", 4), ("white", 2)):
            axes[0].add_patch(plt.Rectangle(
                low, *crop.size, fill=False, ec=color, lw=width, ls=line))
    height, width = image.shape[:2]
    axes[0].set(xlim=(-60, width + 60), ylim=(height + 60, -60),
                title="centre ({:.0f}, {:.0f}), scale {:.2f}".format(
                    *center, side / 250))
    off = (abs(person.keypoints - center) > side / 2).any(-1).sum()
    axes[1].imshow(draw_pose(mine.warp(image), mine.apply(person.keypoints)))
    axes[1].set_title(f"{off} joints outside, head "
                      f"{256 * person.head_size / side:.0f} of 256 px")
    return figure


start = np.round(window.center), np.round(np.array(window.size) / 2 - 40)
explore(draw, "Left, MPII's window around a person, dashed, and one around "
        "({center[0]:.0f}, {center[1]:.0f}). Right, what that one cuts out.",
        center=Point(*start[0]), corner=Point(*sum(start)))

# %% [markdown]
# A small window loses a hand or a foot. A large one makes everybody small: the
# head has fewer pixels, and so has every joint. MPII's choice gives the head a
# tenth of the side.
#
# **Several people.** Everybody gets a window of their own, and the network
# sees one at a time. This is called **top-down** (document 3.2). The network
# needs no way to say whose wrist it found, and a small person gets as many
# pixels as a large one. The price: it has to run once per person, and somebody
# must first find the people. Below is the picture with the most labelled
# people.

# %% tags=["hide-input"]
busiest = max(names, key=[p.image for p in people].count)
group = [p for p in people if p.image == busiest][:3]
picture = people.pictures.read(busiest)
with figure("Left: a picture of three people side by side with three square "
            "windows, one per person, that overlap. Right: the three cut "
            "out. In each the person in the middle has a skeleton, the "
            "neighbours have none.", 1, 1 + len(group), size=(9.8, 2.6),
            width_ratios=[1.5] + [1] * len(group)) as axes:
    axes[0].imshow(picture)
    for p, ax, name in zip(group, axes[1:], "ABC"):
        cut = p.crop(256)
        corner = np.array(cut.center) - np.array(cut.size) / 2
        axes[0].add_patch(plt.Rectangle(
            corner, *cut.size, fill=False, lw=2,
            ls={"A": "-", "B": "--", "C": ":"}[name]))
        axes[0].text(*corner + [8, 14], name, fontsize=12, va="top")
        ax.set_title(name)
        ax.imshow(draw_pose(cut.warp(picture), cut.apply(p.keypoints),
                            p.visible, skeleton=skeleton))
    axes[0].autoscale_view()
    for ax in axes:
        ax.set_axis_off()

# %% [markdown]
# In each window the person in the middle is meant. Parts of the neighbours
# are in it, too, without labels: only the place tells the network who is
# meant. It is black where the picture ends.
#
# ## 4. The crop, pixel by pixel
#
# A window of side $S$ around $c$ is drawn on $W$ pixels. Its middle goes to
# the middle, and everything else follows at $W / S$ pixels per pixel:
#
# $$x' = (x - c_x) \frac{W}{S} + \frac{W - 1}{2}, \qquad
# y' = (y - c_y) \frac{W}{S} + \frac{W - 1}{2}.$$
#
# The middle of $W$ pixels is $(W - 1) / 2$: of four pixels 0, 1, 2, 3 it is
# 1.5. (With $W / 2$ everything moves by half a pixel, as in chapter 3.)
#
# Three cells follow. The first takes a picture of one row, eight pixels wide,
# and draws all of it on four: $S = 8$, $c = 3.5$, $W = 4$. Each new pixel
# *asks* where it comes from, $x = (x' - 1.5) \cdot 2 + 3.5$, and mixes the two
# old pixels there. (The other way round, throwing old pixels into the new
# picture, leaves holes when it grows.)
#
# **Predict first.** Which are the four new values?
#
# <details><summary>Answer</summary>
#
# 5, 25, 45 and 65. The new pixels lie at 0.5, 2.5, 4.5 and 6.5, between two old
# ones each, and become their means.
# </details>
#
# The second cell takes the person of section 3. OpenCV wants a matrix:
#
# $$\begin{pmatrix} x' \\ y' \end{pmatrix} =
# \begin{pmatrix} z & 0 & \frac{W-1}{2} - z c_x \\
# 0 & z & \frac{W-1}{2} - z c_y \end{pmatrix}
# \begin{pmatrix} x \\ y \\ 1 \end{pmatrix}, \qquad z = \frac{W}{S}$$
#
# It compares four things with the package: the matrix, the joints, the way back
# and the pixels. The third shrinks a picture of rings to a quarter, with
# `cv2.warpAffine` and with `Crop.warp`. The rings grow finer outward, until
# in the corners they are about one pixel wide.

# %% tags=["nbval-check-output"]
row = np.arange(8, dtype=np.float32)[None] * 10
print("old      ", *row[0].astype(int))
new = np.arange(4)
asks = (new - 1.5) * 2 + 3.5
print("asks at  ", *asks)
left = np.floor(asks).astype(int)
share = asks - left
mixed = (1 - share) * row[0, left] + share * row[0, left + 1]
print("new      ", *mixed)
print("OpenCV   ", *cv2.warpAffine(
    row, np.array([[0.5, 0, 1.5 - 0.5 * 3.5], [0, 1, 0]]), (4, 1))[0])
print("careless ", *row[0, 2 * new], " (asks at 2 x')")

# %% tags=["nbval-check-output"]
W, S = 256, 250 * person.scale
c = np.array(person.center) + [0, 15 * person.scale]
z = W / S
matrix = np.array([[z, 0, (W - 1) / 2 - z * c[0]],
                   [0, z, (W - 1) / 2 - z * c[1]]])
points = person.keypoints @ matrix[:, :2].T + matrix[:, 2]
back = (points - (W - 1) / 2) / z + c

window = Crop.from_mpii(person.center, person.scale, W)
print("largest difference from the package's")
print(f"  matrix   {abs(matrix - window.matrix).max():.6f}")
gap = abs(points - window.apply(person.keypoints))
print(f"  joints   {np.nanmax(gap):.6f} px")
print(f"  way back {np.nanmax(abs(back - window.invert(points))):.6f} px")
ours = cv2.warpAffine(image, matrix, (W, W))
gap = cv2.absdiff(ours, window.warp(image)).mean()
print(f"mean difference of the pixels: {np.ceil(gap):.0f} of 255 or less")

# %%
i, j = np.mgrid[-96:96, -96:96]
rings = (127.5 + 127.5 * np.cos((i ** 2 + j ** 2) * np.pi / 288)).astype(
    np.uint8)
quarter = Crop((95.5, 95.5), (192, 192), 48)
small = [cv2.warpAffine(rings, quarter.matrix, (48, 48)),
         quarter.warp(rings)]
show_people([rings, *small], columns=3, size=1.8,
            titles=["rings", "cv2.warpAffine", "Crop.warp"],
            alt="Three pictures. Rings that grow finer outward. Shrunk with "
            "warpAffine: the middle is right, around it are many false "
            "centres of rings. Shrunk with Crop.warp: the middle is right, "
            "outside it is grey with faint traces of rings.")

# %% [markdown]
# In the row, each new pixel lies between two old ones and is their mean. The
# careless row asks at $2 x'$, half an old pixel aside: its picture has moved,
# and the labels have not.
#
# The matrix, the joints and the way back agree to the last digit; the pixels do
# nearly. The rings show why. `warpAffine` mixes two pixels in each direction,
# however far apart the new ones are. When it shrinks to a quarter, that is two
# of four in each direction: it looks at 4 old pixels of 16 and never at the
# other 12, and rings appear that are not there.
# `Crop.warp` first averages the picture down and then cuts, so what is too
# fine becomes grey, but for faint traces. In MPII shrinking is the rule: the
# median window of a validation person is 689 pixels wide, 2.7 times 256.
#
# ## 5. Mirror, turn, scale
#
# A network sees everybody many times. A person who is mirrored, turned a
# little, larger or smaller is a new picture to it, and the label comes for
# free: it moves along. That is **augmentation**. It needs no new tool, only
# another window.
#
# **Mirror.** Pixel 0 and pixel $W - 1$ change places, so
# $x \to W - 1 - x$. And the *names* change places, too: the mirrored right
# wrist looks like a left wrist, on a left arm. What stays in the middle,
# from pelvis to head top, keeps its name.
#
# ### Exercise 06.2 ★★☆ Mirror a person
#
# Write `mirror(keypoints, visible, width, pairs)`: the `(K, 2)` keypoints
# and `(K,)` visibilities of the mirrored picture. `pairs` are the joints
# that change places, `[(0, 5), (1, 4), ...]`. The arguments stay as they are.
#
# Expected: three joints at x = 1, 2 and 4 in a picture 10 wide, pairs
# `[(0, 2)]`, are at x = 5, 7 and 8 afterwards.

# %% tags=["exercise"]
def mirror(keypoints, visible, width, pairs):
    """Joints of the mirrored picture: keypoints (K, 2), visible (K,)."""
    # your code here


# %% tags=["solution"]
def mirror(keypoints, visible, width, pairs):
    """Joints of the mirrored picture: keypoints (K, 2), visible (K,)."""
    order = np.arange(len(keypoints))
    for right, left in pairs:
        order[right], order[left] = left, right
    keypoints, visible = keypoints[order], visible[order]
    keypoints[:, 0] = width - 1 - keypoints[:, 0]
    return keypoints, visible


# %% tags=["check"]
check("06.2", mirror)

# %% [markdown]
# **Turn and scale.** A turn by the angle $\alpha$, with $y$ pointing *down*,
#
# $$\begin{pmatrix} \cos\alpha & -\sin\alpha \\ \sin\alpha & \cos\alpha
# \end{pmatrix},$$
#
# takes right $(1, 0)$ to $(0, 1)$ for $\alpha = 90°$. That is down: on the
# screen everything turns clockwise. A larger person is a smaller window. All
# of it is one matrix, so the pixels are mixed only once; each time more
# would blur them.
#
# **Play.** Turn, grow, mirror. Then untick *names change*. What is wrong with
# the skeleton now?

# %% tags=["hide-input"]
wrists = skeleton.indices(["right_wrist", "left_wrist"])
star = max(people, key=lambda p: 9 * (p.visible == 2).sum() + abs(
    np.subtract(*np.nan_to_num(p.keypoints[wrists, 0]))) / p.scale)
image, W = people.read_image(star), 256


def draw(degrees, size, mirrored, names_change):
    window = Crop(star.crop().center, 250 * star.scale / size, W, degrees,
                  mirrored)
    points, visible = window.apply(star.keypoints), star.visible
    if mirrored and names_change:
        order = list(skeleton.flip_permutation)
        points, visible = points[order], visible[order]
    figure, axes = plt.subplots(figsize=(4, 4))
    axes.imshow(draw_pose(window.warp(image), points, visible,
                          skeleton=skeleton))
    axes.set_axis_off()
    return figure


explore(draw, "A person turned by {degrees} degrees, {size:.2f} times as "
        "large, mirrored: {mirrored}, and the skeleton, which moves along.",
        degrees=(-179, 180, 20), size=(0.5, 2.0, 1.0, 0.05), mirrored=True,
        names_change=True)

# %% [markdown]
# The skeleton stays on the body, and where the window leaves the picture it
# is black. Without the change of names the skeleton still fits. But this
# person faces us, so the orange side, the right one, must be on the left of
# the picture.
#
# ### Exercise 06.3 ★★★ One matrix for everything
#
# Write `augmented(center, side, output, degrees, mirrored)`: the `(2, 3)`
# matrix from the picture to a square crop of `output` pixels. It shows the
# square of `side` pixels around `center`, turned by `degrees` around its
# middle (clockwise on the screen), and then, if asked for, mirrored.
#
# Expected: `augmented((10, 20), 8, 4, 90, False)` takes the point
# $(12, 20)$, two pixels to the right of the centre, to $(1.5, 2.5)$, one new
# pixel *below* the middle.

# %% tags=["exercise"]
def augmented(center, side, output, degrees, mirrored):
    """The (2, 3) matrix from the picture to the changed crop."""
    # your code here


# %% tags=["solution"]
def augmented(center, side, output, degrees, mirrored):
    """The (2, 3) matrix from the picture to the changed crop."""
    angle = np.deg2rad(degrees)
    cos, sin = np.cos(angle), np.sin(angle)
    linear = output / side * np.array([[cos, -sin], [sin, cos]])
    shift = (output - 1) / 2 - linear @ center
    matrix = np.column_stack([linear, shift])
    if mirrored:
        matrix[0] = -matrix[0]
        matrix[0, 2] += output - 1
    return matrix


# %% tags=["check"]
check("06.3", augmented)

# %% [markdown]
# ## 6. Spot the bug
#
# One person, six ways to get the labels. None of them raised an error.
#
# **Predict first.** Which of the six are right? What happened in the others?
# Decide before you open the answer.
#
# <details><summary>Answer</summary>
#
# - **A** is right.
# - **B** is mirrored, and the names were not changed: orange is on the
#   person's left. It fits the body, so you do not see it at a glance. Half of
#   the training pictures say the opposite of the other half.
# - **C** has $x$ and $y$ swapped.
# - **D** turned the picture by 20 degrees and the joints by -20: the sign of
#   an angle, or $y$ pointing up.
# - **E** is wrong, too! It went to 64 cells with `x / 4` and came back with
#   half pixels (chapter 3).
# - **F** took a joint without a label, stored as $(-1, -1)$, for a joint.
# </details>

# %%
plain, mirrored, turned = (
    Crop.from_mpii(star.center, star.scale, W, **how)
    for how in ({}, {"flip": True}, {"rotation": 20}))
other_way = Crop.from_mpii(star.center, star.scale, W, rotation=-20)
points = plain.apply(star.keypoints)
gone = np.where(np.arange(len(skeleton))[:, None] == wrists[1], -1.0,
                star.keypoints)
panels = [(plain, points), (mirrored, mirrored.apply(star.keypoints)),
          (plain, points[:, ::-1]), (turned, other_way.apply(star.keypoints)),
          (plain, (points / 4 + 0.5) * 4 - 0.5), (plain, plain.apply(gone))]
show_people([window.warp(image) for window, _ in panels],
            [found for _, found in panels], skeleton=skeleton, columns=3,
            titles=list("ABCDEF"), size=2.7,
            alt="Six pictures of one person. A: the skeleton fits. B: it "
            "fits, but orange and blue have changed sides. C: it lies on its "
            "side. D: it leans the other way than the body. E: it fits. F: a "
            "forearm runs out of the picture, to the upper left.")

# %% tags=["nbval-check-output"]
truth = np.stack([p.crop(W).apply(p.keypoints) for p in people])
visible = np.stack([p.visible for p in people])
order = list(skeleton.flip_permutation)
zoom = np.array([W / (250 * p.scale) for p in people])[:, None, None]
turn = Crop((127.5, 127.5), W, W, rotation=40)
answers = {
    "counted from 1": truth + zoom, "half pixels, stride 4": truth + 1.5,
    "mirrored with W - x": truth + [1, 0],
    "names not changed": truth[:, order], "x and y swapped": truth[..., ::-1],
    "turned the wrong way": turn.apply(truth),
    "(the mean pose)": np.broadcast_to(mean_pose(truth, visible),
                                       truth.shape),
    "(all in the middle)": np.broadcast_to(center_pose(skeleton, W),
                                           truth.shape)}
official = pckh_columns(skeleton)             # without pelvis and thorax
rows = []
for name, answer in answers.items():
    error = np.linalg.norm(answer - truth, axis=-1)
    known = np.where(np.isfinite(error), visible, 0)
    rows.append((name, np.nanmean(error), *(
        100 * pckh(answer, truth, known, np.full(len(people), W / 10),
                   at).pooled(official) for at in (0.5, 0.1, 0.05))))
scores = ("PCKh@0.5, %", "@0.1", "@0.05")
table(rows, ("labels", "mean error, px", *scores), dict.fromkeys(scores, 0))

# %% [markdown] document="5.2 data"
# Each line is a network that has learned such labels *perfectly*, scored
# against the right ones.
#
# The gross bugs score like the mean pose, or worse. The small ones are the
# dangerous ones. Counting from 1 costs **0.9** pixels here and nothing at
# `PCKh@0.5`; half pixels at stride 4 cost **2.1** pixels and are seen only at
# the tightest threshold. Neither can be seen in a picture. What finds them is
# a test of numbers: there and back again, to a thousandth of a pixel, on a
# picture that is not square.
#
# ## 7. The document's way
#
# Now the document's imports (5.2). A `Dataset` knows how many people there
# are and gives one of them: it reads and decodes the picture, cuts, maybe
# changes, and makes tensors. A `DataLoader` calls it and stacks what it gets.
# `transforms.ToTensor` turns bytes `(H, W, 3)` into numbers from 0 to 1 of
# shape `(3, H, W)`; `Normalize` brings colours to about mean 0 and deviation
# 1. Its numbers are those of ImageNet, the photographs on which most published
# networks were trained first; they expect them.
#
# Three things are easily forgotten here. OpenCV decodes to blue, green, red.
# Some cameras note in the file that the picture should be turned, and OpenCV
# obeys, but labels refer to the pixels as they are stored. And a joint outside
# the crop, where nobody can see it, gets visibility 0.
#
# (`num_workers` would start processes that decode in parallel. In notebooks
# they make trouble on some systems, so here it stays 0.)

# %%
to_tensor = transforms.Compose([
    transforms.ToTensor(),
    transforms.Normalize((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))])


class PeopleDataset(Dataset):
    """Picture (3, side, side), joints (K, 2), visible (K,) of a person."""

    def __init__(self, side, changes=dict):
        self.side, self.changes = side, changes

    def __len__(self):
        return len(people)

    def __getitem__(self, index):
        p = people[index]
        data = np.frombuffer(people.pictures.read_bytes(p.image), np.uint8)
        as_stored = cv2.IMREAD_COLOR | cv2.IMREAD_IGNORE_ORIENTATION
        picture = cv2.imdecode(data, as_stored)[..., ::-1]     # BGR to RGB
        window = p.crop(self.side, **self.changes())
        points, visible = window.apply(p.keypoints), p.visible.copy()
        if window.flip:
            points, visible = points[order], visible[order]
        visible[((points < -0.5) | (points > self.side - 0.5)).any(-1)] = 0
        return to_tensor(window.warp(picture)), points, visible


# %% tags=["nbval-check-output"]
rng = np.random.default_rng(0)


def changes():
    return {"rotation": rng.uniform(-30, 30), "flip": rng.random() < 0.5}


loader = DataLoader(PeopleDataset(128), batch_size=16)
pictures, joints, visible = next(iter(loader))
print("pictures", tuple(pictures.shape), pictures.dtype)
print("joints  ", tuple(joints.shape), joints.dtype)
print("visible ", tuple(visible.shape), visible.dtype)


def shown(pictures):
    """Normalised pictures (N, 3, H, W) -> uint8 (N, H, W, 3)."""
    mean, std = (torch.tensor(v)[:, None, None] for v in (
        to_tensor.transforms[1].mean, to_tensor.transforms[1].std))
    pixels = (pictures * std + mean).clamp(0, 1) * 255
    return pixels.round().byte().permute(0, 2, 3, 1).numpy()


show_people(shown(pictures[:6]), joints[:6], visible[:6], skeleton=skeleton,
            size=1.6, alt="Six people of a batch with their skeletons, each "
            "in the middle of a square, in natural colours.")

# %% [markdown]
# A batch, turned back into pictures with `shown`. Always look at what really
# goes into the network: this is where blue faces show.
#
# ## 8. The fast way
#
# Training takes many **epochs**, rounds in which everybody comes once. In this
# way every epoch decodes every picture again, and cuts the same window out of
# it again. A **store** does both once: it keeps everybody's window with a
# margin around it, 1.75 times as wide, as bytes in one array. A batch then is a
# piece of that array. `make_batch` does the rest for all people at once, on a
# CPU or a GPU: one matrix each for mirror, turn, size and shift, one for the
# colours, and the joints through the same matrix.
#
# Does it give the same? We compare a batch that is not augmented. The joints
# must be equal. The pixels cannot be: the windows of a store are cut with
# their margin, so the averaging of section 4 falls a little differently. But
# if they were *shifted* it would show. The figure shifts our pictures a
# little before it compares.
#
# **Predict first.** Where does the curve have its lowest point if the store
# is right? Where if it forgets half a pixel?
#
# <details><summary>Answer</summary>
#
# At 0 if it is right; at 0.5 or -0.5 if it forgets half a pixel.
# </details>

# %% tags=["nbval-check-output"]
def part(store, start, stop):
    """Some people of a store, as make_batch wants them."""
    rows = slice(start, stop)
    return (store.crops[rows], store.keypoints[rows], store.visible[rows],
            store.head_size[rows], store.window)


store = crop_in_memory(people, size=224, margin=1.75)
batch = make_batch(*part(store, 0, 16), 128, skeleton)
known = batch.visible > 0
gap = (batch.keypoints - joints)[known].abs().max()
print(f"joints: {gap:.3f} px apart at most; visibility: "
      f"{(batch.visible != visible).sum()} values of {visible.numel()} differ")


# %% tags=["nbval-check-output"]
theirs = shown(batch.images[:8]).astype(float)


def difference(shift):
    """Mean difference to our crops, cut this many pixels aside."""
    total = 0
    for p, other in zip(people, theirs):
        (x, y), (side, _) = p.crop().center, p.crop().size
        window = Crop((x - shift * side / 128, y), side, 128)
        total += abs(window.warp(people.read_image(p)) - other).mean()
    return total / len(theirs)


shifts = np.linspace(-1, 1, 9)
gaps = [difference(shift) for shift in shifts]
print(f"mean difference at 0: {np.ceil(gaps[4]):.0f} of 255 or less")
print("lowest at a shift of", shifts[np.argmin(gaps)], "pixels")
with figure("A curve shaped like a V over the shift from -1 to 1 pixel: "
            "lowest at 0, and several times as high at half a pixel to "
            "either side.", size=(6, 2.6)) as axes:
    axes.plot(shifts, gaps, marker="o")
    axes.set(xlabel="shift, pixels", ylabel="difference, of 255", ylim=(0,
             None))

# %% [markdown]
# The curve has its lowest point at 0. A store that forgets half a pixel would
# have it at 0.5 or -0.5. What is left at 0 is less than **1** grey level; half
# a pixel to either side costs several times that.
#
# Next, `make_batch` with augmentation, twice for the same people. Then its
# labels, sent back through `batch.matrix` to the store: do they return to
# where they came from?
#
# Last, the price: an epoch each way, with changes in both, for networks that
# look at 64, 128 and 256 pixels.
#
# **Predict first.** Reading and decoding a picture costs the same whatever
# the network's size. For which of the three does the store gain most?
#
# <details><summary>Answer</summary>
#
# For the smallest, where decoding is nearly all of the work. The larger the
# network's picture, the more pixels have to be mixed, and both ways have to do
# that.
# </details>

# %% tags=["nbval-check-output"]
generator = torch.Generator().manual_seed(3)
twice = [make_batch(*part(store, 0, 6), 128, skeleton, Augmentation(),
                    generator) for _ in range(2)]
worst = 0
for batch in twice:
    for k, matrix in enumerate(batch.matrix.double().numpy()):
        points, linear = batch.keypoints[k].numpy(), matrix[:, :2]
        if np.linalg.det(linear) < 0:                   # it was mirrored
            points = points[order]
        back = (points - matrix[:, 2]) @ np.linalg.inv(linear).T
        worst = max(worst, np.nanmax(abs(back - store.keypoints[k])))
print(f"labels return to where they came from within {worst:.3f} px")
show_people([p for b in twice for p in shown(b.images)],
            [p for b in twice for p in b.keypoints],
            [v for b in twice for v in b.visible], skeleton=skeleton,
            columns=6, size=1.6,
            alt="Six people, twice: turned, mirrored, larger and smaller, "
            "brighter and darker, in other colours each time. The skeletons "
            "stay on the bodies.")

# %%
def seconds(batches):
    """Processor time for all batches, whatever else the computer does."""
    start = time.process_time()
    for _ in batches:
        pass
    return time.process_time() - start


def from_store(store, size, generator):
    for i in range(0, len(store), 16):
        yield make_batch(*part(store, i, i + 16), size, skeleton,
                         Augmentation(), generator)


rows = []
for size in (64, 128, 256):
    kept = crop_in_memory(people, size=size * 7 // 4, margin=1.75)
    loader = DataLoader(PeopleDataset(size, changes), batch_size=16)
    seconds(from_store(kept, size, generator))             # warm up
    slow, fast = (min(seconds(way()) for _ in range(5)) * 1000 / len(people)
                  for way in (lambda: loader,
                              lambda: from_store(kept, size, generator)))
    rows.append((size, slow, fast, slow / fast))
table(rows, ("pixels", "document's way", "store", "ratio"),
      caption="Milliseconds of processor time a person")

# %% [markdown]
# Six people, twelve pictures, and every skeleton stays on its body. The
# second row has other colours, other turns, other sizes. The black around
# some of them is where the *photo* ends: no margin can show what was never
# taken.
#
# The table counts processor time. At 64 pixels, where this course trains on
# a laptop, a store is many times as fast. At 256 it gains least: there are 16
# times as many pixels to mix, whoever does it. (The numbers change from run to
# run, most of all on a busy computer.) MPII's own pictures are larger than
# ours, and decoding them costs more: on a few of them this cell gave ratios of
# about 90, 40 and 16. And on a GPU `make_batch` runs there, while `DataLoader`
# still has to decode on the CPU.
#
# The price of a store is room: MPII's 22,246 training people at 224 x 224
# pixels are 3.3 GB. To make one costs less than one epoch of the slow
# way. `posecourse data prepare` does it, and `posecourse train` does it by
# itself.
#
# ## Quiz

# %%
quiz("06")

# %% [markdown]
# ## Summary
#
# - MPII's file is structs in structs, and nearly everything may be missing or
#   of another type. Go by `id`, start from NaN, expect one, several or none.
# - Pixels count from 1 in the file and from 0 here; the reader subtracts 1,
#   nobody else.
# - Not labelled is visibility 0 and NaN. It is never guessed from `x > 0`.
# - The window is $250 \cdot \text{scale}$ wide, $15 \cdot \text{scale}$ below
#   `objpos`. It is ten head sizes: `PCKh@0.5` is a twentieth of its side.
# - $x' = (x - c) \, W / S + (W - 1) / 2$, for pixels and joints alike. Average
#   before you shrink.
# - A mirror moves $x$ to $W - 1 - x$ *and* changes names. One matrix does
#   mirror, turn and size; only numbers find a small mistake in it.
# - Decode once: a store gives the same batches as `Dataset` and `DataLoader`.
#
# ## Common mistakes
#
# | what goes wrong | why |
# |---|---|
# | the reader stops at the second picture | one person is a struct, not an array (section 1) |
# | far too many visible joints | `bool("0")` is True (exercise 06.1) |
# | everything is off by one pixel | counted from 1, or 1 subtracted twice (section 2) |
# | a bone runs to the upper left | unlabelled joints taken for labels (sections 2, 6) |
# | left and right arm are guessed at random | mirrored without changing names (section 6) |
# | blue faces | OpenCV gives blue, green, red (section 7) |
# | some pictures lie on their side, their labels do not | the camera's note was obeyed (section 7) |
# | good on training pictures, shimmering on large photos | shrunk without averaging (section 4) |
#
# ## Further reading
#
# - Andriluka, Pishchulin, Gehler, Schiele: *2D Human Pose Estimation: New
#   Benchmark and State of the Art Analysis* (CVPR 2014). MPII: how pictures
#   and labels were collected.
# - Tompson, Goroshin, Jain, LeCun, Bregler: *Efficient Object Localization
#   Using Convolutional Networks* (CVPR 2015). The split into train and valid.
# - Huang, Zhu, Guo, Huang: *The Devil Is in the Details: Delving into
#   Unbiased Data Processing for Human Pose Estimation* (CVPR 2020). Half
#   pixels in the crops of published code, and what they cost.
# - PyTorch's tutorial *Datasets & DataLoaders*: what a loader can do beyond
#   stacking.
