# %% [markdown]
# # 10. From a photo to a pose
#
# **Run a trained network on your own picture, step by step.**
#
# ![A photo of a person appears, then a box around them, then the square that is cut out, then the network's bright spots on the joints one after another, then the skeleton that connects them, drawn on the photo.](figures/10_opening.gif)
#
# | | |
# |---|---|
# | **You will learn** | what a phone's file holds; how a box becomes a network's input, and what a bad box costs; decoding, flip test and peak NMS on real heatmaps; the way back to the photo; which joints to believe; folders, videos, cameras |
# | **You need** | [chapter 3](03_heatmaps.ipynb), PCKh from [chapter 9](09_evaluation.ipynb), a little PyTorch |
# | **Time** | 50 min to read, 60 min to do |
# | **Runs in** | 50 s on two CPU cores |
#
# ![Six steps in a row. A photo whose pixels lie on their side is read and turned upright; a square is cut out around the person; the network draws a map per joint; the peaks of the maps are joints of the square; the joints are mapped back and drawn on the photo.](figures/10_steps.svg)
#
# ## 1. Three lines
#
# The second of the next cells puts a photo into a temporary folder: a drawn
# person, stored the way a phone would store it. We also know where the person
# is: a **box** $(x, y, \text{width}, \text{height})$, in pixels. The three
# lines at the top of the third cell do the rest.

# %% tags=["setup"]
import cv2
import matplotlib.pyplot as plt
import numpy as np
import torch

from posecourse import codecs, images, metrics
from posecourse.authoring.chapters import require
from posecourse.datasets import SyntheticPeople
from posecourse.drawing import draw_box, draw_pose
from posecourse.exercises import check, hint, quiz
from posecourse.geometry import Crop, flip_heatmaps
from posecourse.inference import Predictor, Video
from posecourse.skeletons import MPII
from posecourse.transforms import normalise
from posecourse.visualization import (animate, display_figure, figure,
                                      heatmap_overlay, show_people,
                                      use_style)
from posecourse.visualization.reading import draw_decoding, draw_flip_test
from posecourse.visualization.tables import table
from posecourse.visualization.widgets import explore

require("0.1")
torch.set_num_threads(1)         # the same sums on every machine
rng = np.random.default_rng(0)
use_style()

# %% tags=["setup"]
import tempfile
from pathlib import Path

from IPython.display import display
from PIL import Image                        # which Matplotlib brings

people = SyntheticPeople(40, size=512, margin=1.5, split="test")
scene, left = people.render(10), 64
person = scene.image[:, left:left + 384]     # a portrait, 384 x 512
x, y, width, height = scene.person.box
box = (x - left, y, width, height)
labels = scene.person.keypoints - (left, 0)

folder = tempfile.TemporaryDirectory()       # is deleted at the end
place = Path(folder.name)
photo = place / "photo.jpg"
exif = Image.Exif()
exif[0x0112] = 6                             # "turn me clockwise"
lying = Image.fromarray(np.rot90(person))
lying.save(photo, quality=95, exif=exif)

# %% tags=["nbval-check-output"]
predictor = Predictor.load("laptop", device="cpu")
pose, = predictor(photo, boxes=[box])
drawn = draw_pose(images.read_image(photo), pose.keypoints)

print("keypoints", pose.keypoints.shape, " scores", pose.scores.shape)
off = np.linalg.norm(pose.keypoints - labels, axis=1)
near = (off <= 0.5 * scene.person.head_size).sum()
print(near, "of 16 joints within half a head size of their labels")
show_people([draw_box(images.read_image(photo), box), drawn], size=2.8,
            titles=["the photo and a box", "drawn"],
            alt="A portrait picture of a drawn person in a room with one arm "
            "raised, in a box; beside it the same picture with a skeleton "
            "that lies on the body.")

# %% [markdown]
# The orange side is the person's right. In the rest of this chapter we take the
# three lines apart, in the order of the drawing at the top. At every step
# something can go wrong without any error message, so at every step we measure.
#
# ## 2. Reading the picture
#
# A picture file is not yet an array. A phone stores the pixels the way the chip
# has read them, and notes in the file's **EXIF** part how to turn them before
# they are shown: the **orientation**, a number from 1 to 8. This is how a
# picture $\begin{smallmatrix}1&2&3\\4&5&6\end{smallmatrix}$ may lie in a file:
#
# | orientation | stored | to make it upright | | orientation | stored | to make it upright |
# |---|---|---|---|---|---|---|
# | 1 | `123 456` | nothing | | 5 | `14 25 36` | swap rows and columns |
# | 2 | `321 654` | mirror left-right | | 6 | `36 25 14` | turn clockwise |
# | 3 | `654 321` | turn by half | | 7 | `63 52 41` | swap along the other diagonal |
# | 4 | `456 123` | mirror top-bottom | | 8 | `41 52 63` | turn counter-clockwise |
#
# The next cell adds more files of the kinds that people have, and reads them all.
#
# **Predict first.** `clear.png` says that every pixel is half transparent.
# What should a program see there?
#
# <details><summary>Answer</summary>
#
# A viewer shows a transparent picture on some background, often white. The
# package does the same and puts it on white. Dropping the transparency would
# show colours that nobody was meant to see.
# </details>

# %% tags=["nbval-check-output"]
upright = images.read_image(photo)
bgr = upright[..., ::-1]                     # OpenCV's order of colours
clear = np.dstack([bgr, np.full(bgr.shape[:2], 128, np.uint8)])
for name, pixels in (("clear.png", clear), ("grey.jpg", bgr[..., 1]),
                     ("deep.png", bgr.astype(np.uint16) * 257)):
    (place / name).write_bytes(cv2.imencode(name[-4:], pixels)[1].tobytes())
(place / "half.jpg").write_bytes(photo.read_bytes()[:9000])
(place / "iphone.heic").write_bytes(b"\0\0\0\x18ftypheic" + bytes(99))

for path in sorted(place.iterdir()):
    try:
        found = images.read_image(path)
        turn = images.exif_orientation(path.read_bytes())
        stored = cv2.imdecode(np.fromfile(path, np.uint8),
                              cv2.IMREAD_UNCHANGED)
        print(f"{path.name:9s} orientation {turn}  {stored.dtype!s:6s} "
              f"{stored.shape!s:13s} -> {found.dtype} {found.shape}")
    except images.ImageError as error:
        _, name, why = str(error).rpartition(path.name)
        print(name, why.partition(";")[0])

show_people([np.rot90(upright), images.read_image(place / "clear.png")],
            size=2.4, titles=["stored pixels", "clear.png, on white"],
            alt="Left: the picture lying on its side. Right: upright and "
            "pale.")

# %% [markdown]
# On the left are the photo's pixels as they lie in the file. On the right is the
# half transparent picture, pale because white shines through. Whatever comes in,
# RGB uint8 `(H, W, 3)` goes out, upright: the photo is stored with 384 rows and
# read with 512.
#
# A file that cannot be used gives an `ImageError` that names it. OpenCV on its own
# would fill the missing part of the broken JPEG with grey and say nothing. HEIC,
# the iPhone's own format, is beyond OpenCV; export it as JPEG. A file that claims
# to have more than 268 million pixels is refused before it fills the memory.
#
# ## 3. The crop
#
# The network was trained on squares of 64 x 64 pixels, each with a whole person
# and some space around them. So we cut such a square, the **crop**, out of the
# photo. Its side is the longer side of the box, times a **padding** of 1.25. The
# box is not stretched to fill the square; this is called a **letterbox**.
#
# By hand, for the box $(10, 20, 40, 80)$ and 64 pixels: the longer side is 80,
# so the square is $80 \cdot 1.25 = 100$ photo pixels wide. One input pixel shows
# $u = 100 / 64 = 1.5625$ of them. The box covers the pixels 10 to 49 and 20 to
# 99, so its centre is $(29.5, 59.5)$. It goes to the centre of the input, $31.5$:
#
# $$x_\text{in} = \frac{x - 29.5}{1.5625} + 31.5, \qquad
# y_\text{in} = \frac{y - 59.5}{1.5625} + 31.5.$$

# %% tags=["nbval-check-output"]
def map_of_box(box, size, padding=1.25):
    """The (2, 3) map from the photo to the network's input."""
    x, y, width, height = box
    unit = max(width, height) * padding / size    # photo pixels per pixel
    cx, cy = x + (width - 1) / 2, y + (height - 1) / 2
    middle = (size - 1) / 2
    return np.array([[1 / unit, 0, middle - cx / unit],
                     [0, 1 / unit, middle - cy / unit]])


tiny_box = (10, 20, 40, 80)
print("by hand\n", map_of_box(tiny_box, 64).round(2))
print("package\n", np.round(Crop.from_box(tiny_box, 64).matrix, 2) + 0.0)
crop = Crop.from_box(box, 64)
picture = crop.warp(upright)
x0, y0 = np.array(crop.center) - (crop.size[0] - 1) / 2
framed = draw_box(draw_box(upright, box), (x0, y0, *crop.size),
                  color=(255, 255, 255))
show_people([framed, picture], size=3,
            titles=["box and square", "the input, 64 x 64"],
            alt="Left: the photo with the box and a white square around it, "
            "which reaches a little out of the photo. Right: the square, "
            "enlarged, with coarse pixels.")

# %% [markdown]
# The picture on the right is all that the network gets to see. Where the square
# reaches beyond the photo it is black.
#
# Now we measure what carelessness costs, on 200 drawn people whom the network has
# never seen. The score is `PCKh@0.5`, the share of joints within half a head size
# (chapter 9). First come five slips with the right boxes, then wrong boxes.
#
# **Predict first.** Order these slips by the damage they do: red and blue swapped;
# colours not normalised; the box squeezed into the square; the picture lying on
# its side; no box at all. And what costs more, a box of half the size or of twice
# the size?
#
# <details><summary>Answer</summary>
#
# From mildest to worst: red and blue, squeezed, on its side, not normalised,
# no box. Twice the size costs more than half the size: too small a person
# cannot be read at all. The cells below have the numbers.
# </details>

# %%
people = SyntheticPeople(200, size=224, margin=1.75, split="test")
renderings = [people.render(i) for i in range(len(people))]
boxes = np.array([r.person.box for r in renderings])
truth = np.stack([r.person.keypoints for r in renderings])   # (200, 16, 2)
seen = np.stack([r.person.visible for r in renderings])
heads = np.array([r.person.head_size for r in renderings])
columns = metrics.pckh_columns(MPII)                   # MPII's mean of 14
decode = predictor.model.codec.decode


@torch.inference_mode()
def heatmaps_of(pictures, prepare=normalise):
    """(N, 64, 64, 3) uint8 -> (N, 16, 32, 32)."""
    pictures = torch.from_numpy(np.ascontiguousarray(pictures))
    return predictor.model(prepare(pictures.permute(0, 3, 1, 2)))[-1]


def percent(points, crops=None, threshold=0.5):
    """PCKh of input pixels (with crops) or of photo pixels."""
    if crops is not None:
        points = [c.invert(p) for c, p in zip(crops, points)]
    hit = metrics.pck_hits(np.stack(points), truth, seen, heads, threshold)
    return 100 * np.nanmean(hit[:, columns])


# %%
def inputs(crops):
    return np.stack([c.warp(r.image) for c, r in zip(crops, renderings)])


def answer(pictures, **options):
    return decode(heatmaps_of(pictures, **options))[0].double().numpy()


windows = [Crop.from_box(b, 64) for b in boxes]
pictures = inputs(windows)
squeezed = [Crop(c.center, 1.25 * b[2:], 64) for c, b in zip(windows, boxes)]
whole = [Crop.from_box((0, 0, 224, 224), 64, padding=1)] * 200
side = answer(np.rot90(pictures, axes=(1, 2)))
mean = metrics.mean_pose(truth, seen)
careless = {
    "red and blue swapped": (answer(pictures[..., ::-1]), windows),
    "not normalised": (answer(pictures, prepare=lambda x: x / 255), windows),
    "squeezed": (answer(inputs(squeezed)), squeezed),
    "lying on its side": (side[..., ::-1] * (-1, 1) + (63, 0), windows),
    "no box": (answer(inputs(whole)), whole),
    "(the mean pose)": ([mean] * 200, None)}
careful = percent(answer(pictures), windows)
careless = {name: percent(*value) for name, value in careless.items()}
table({"with care": careful, **careless}.items(), ("input", "PCKh@0.5, %"),
      digits=0)

# %%
def boxes_off(factor=1.0, right=0.0, down=0.0):
    """PCKh with boxes of a wrong size, or shifted by their longer side."""
    x, y, w, h = boxes.T
    x = x + right * np.maximum(w, h) - (factor - 1) * w / 2
    y = y + down * np.maximum(w, h) - (factor - 1) * h / 2
    crops = [Crop.from_box(b, 64)
             for b in np.stack([x, y, factor * w, factor * h], 1)]
    return percent(answer(inputs(crops)), crops)


sizes = [0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1, 1.2, 1.5, 2, 2.5]
shifts = [0, 0.1, 0.2, 0.3, 0.4, 0.5]
by_size = [boxes_off(factor=size) for size in sizes]
to_right = [boxes_off(right=shift) for shift in shifts]
downward = [boxes_off(down=shift) for shift in shifts]

# %% tags=["nbval-check-output"]
least = careful - max(careless.values())
print(f"the mildest slip costs {least:.0f} points; half the size leaves "
      f"{by_size[1]:.0f} %, twice the size {by_size[9]:.0f} %")
trained = [250 * r.person.scale / c.size[0]
           for r, c in zip(renderings, windows)]
made, (one, two) = plt.subplots(1, 2, figsize=(9, 3.4), sharey=True)
one.axvspan(*np.percentile(trained, [5, 95]), color="0.9")
one.plot(sizes, by_size, "o-")
two.plot(shifts, to_right, "o-", label="to the right")
two.plot(shifts, downward, "s--", label="downwards")
for axes in (one, two):
    axes.axhline(careless["(the mean pose)"], color="0.5", linestyle=":",
                 label="the mean pose")
one.set(xlabel="size of the box, 1 is right", ylabel="PCKh@0.5, %",
        ylim=(0, 100), title="wrong size (grey: sizes in training)")
two.set(xlabel="shift, in longer sides of the box", title="wrong place")
two.legend(loc="center left", bbox_to_anchor=(0, 0.45))
display_figure(made, "Left: PCKh over the size of the box, a hill whose top "
               "lies in the grey band of sizes that occurred in training, "
               "falling below the mean pose at 0.4 and at 2. Right: PCKh "
               "falls with the shift, slowly to the right, quickly down.")

# %% [markdown]
# The five slips first. Each is easily made, none raises an error, and even the
# mildest costs **8** points. The worst is to give no box: the person is then so
# small in the square that more than half of the joints are lost. A forgotten
# orientation costs over a third. It would cost even more if the training
# pictures did not have some people who lie down.
#
# The curves say how good a box must be. On the left, the hill stands on the grey
# band, the sizes that were usual in training: the network is best at what it has
# seen. With boxes of half the size only **24 %** of the joints are left, with
# twice the size **9 %**. That is worse than the mean pose, which does not look at
# the picture at all. The top of the hill is a little to the left of 1. In
# training the size came from the head (MPII's `scale`); here it comes from a box,
# which a raised arm makes larger. (Chapter 9 cut its squares by `scale`, and the
# same network got 87.5 %.) **The padding belongs to the training**: another
# network, another padding.
#
# On the right, a shift downwards costs more than one to the side. People are
# tall: sideways the square has room to spare, while a shift downwards soon cuts
# off the head.
#
# So a bad box gives a bad pose, however good the network. A detector can find
# boxes. Without one, `refine=True` looks twice: first at the whole picture, then
# at a box around the joints it has found. That fails for somebody who is small in
# the picture, whom the first look cannot see. `search=True` looks at some twenty
# windows of the picture as well, and closer at the best of them. It takes thirty
# times as long, and a box is still better.
#
# ## 4. The network, and how to read its maps
#
# Back to our photo. Three steps remain between the square and the pose: the
# colours are brought to the range that the network knows (`normalise`), the
# network draws its maps, and the maps are read. We take them one by one and
# compare the result with that of the three lines.
#
# Then we read the maps of all 200 people in three ways. A map has 32 x 32 cells,
# and one cell covers 2 x 2 input pixels. In chapter 3 we read *perfect* maps:
# argmax was off by up to half a cell, DARK by nothing. These are the maps of a
# network.
#
# **Predict first.** A head size is a tenth of the training square, which is 6.4
# input pixels or 3.2 cells. At which thresholds will the decoder matter?
#
# <details><summary>Answer</summary>
#
# At small ones. Argmax is off by half a cell at most, which is 0.16 head sizes:
# hardly anything at 0.5, and everything at 0.1.
# </details>

# %% tags=["nbval-check-output"]
tensor = torch.from_numpy(picture).permute(2, 0, 1)[None]    # (1, 3, 64, 64)
with torch.inference_mode():
    maps = predictor.model(normalise(tensor))[-1]            # (1, 16, 32, 32)
in_square, scores = decode(maps)
in_photo = crop.invert(in_square[0].double().numpy())
print(*(tuple(x.shape) for x in (tensor, maps, in_square)), sep=" -> ")
off = np.abs(in_photo - pose.keypoints).max()
print(f"largest difference from the three lines: {off:.2f} px")

large = cv2.resize(picture, (256, 256), interpolation=cv2.INTER_CUBIC)
names = "head_top", "right_shoulder", "right_wrist", "left_wrist"
show_people([heatmap_overlay(large, maps[0, k], top=1.0)
             for k in MPII.indices(names)], size=2.0, columns=4,
            titles=[name.replace("_", " ") for name in names],
            alt="The square four times, each with a bright spot on one "
            "joint: head top, right shoulder, both wrists.")
animate(lambda step: draw_decoding(maps[0], "left_wrist", step),
        [3, 0, 1, 2, 3], fps=0.5, alt="How a heatmap is read: the cells "
        "around the peak of the left wrist's map, enlarged. First the "
        "largest cell is marked, then a point a quarter of a cell towards "
        "the higher neighbours, then the top of the smooth hill through the "
        "cells, which is where the wrist is.")

# %%
maps = heatmaps_of(pictures)                        # (200, 16, 32, 32)


def in_photos(points):
    points = points.double().numpy()
    return np.stack([c.invert(p) for c, p in zip(windows, points)])


def compare(answers):
    return table([(name, *(percent(points, threshold=t)
                           for t in (0.5, 0.2, 0.1)))
                  for name, points in answers.items()],
                 ("right, %", "within 0.5", "0.2", "0.1 head sizes"), digits=0)


read = {name: in_photos(decode(maps, name)[0])
        for name in ("argmax", "quarter", "dark")}
compare({**read, "(the mean pose)": [mean] * 200})

# %% [markdown]
# In the first figure each map has one bright spot, on its joint. The moving picture
# shows how such a spot is read. The three lines of section 1 did exactly these
# steps, and nothing else.
#
# In the table the three decoders are within a few points of each other at 0.5:
# half a head is 1.6 cells, so half a cell does not matter. At 0.1, a third of a
# cell, it does: DARK finds about twice as many joints as argmax, in the very same
# maps. It costs nothing, and the package uses it unless told otherwise.
#
# ## 5. The flip test
#
# Here is a cheap trick for a little more: show the network the **mirrored**
# picture as well, and take the average. The maps of the mirror image need two
# repairs first:
#
# 1. they are mirrored back;
# 2. the **joints are swapped**: in a mirror a right wrist looks like a left one,
#    so the map called "right wrist" shows the person's left one.
#
# There is a third trap: the two maps must lie on the same cells. If we keep track
# of half pixels, they do. A joint at pixel 100 of 256 is in cell
# $(100 + 0.5) / 4 - 0.5 = 24.625$ of 64. In the mirror it is at pixel
# $255 - 100 = 155$, in cell 38.375, and mirrored back in cell
# $63 - 38.375 = 24.625$. Code that computes cells as $x / 4$ gets 25.0 first and
# $63 - 155 / 4 = 24.25$ afterwards: three quarters of a cell apart. That is why
# older code **shifts mirrored maps by one cell**. Our maps need no shift, and we
# will see what happens if we copy that line anyway.
#
# **Predict first.** Which mistake is worse at `PCKh@0.5`, and which at 0.1: joints
# that are not swapped, or the needless shift?
#
# <details><summary>Answer</summary>
#
# At 0.5 the joints that are not swapped: left and right are mixed, and many
# joints land on the other side of the body. At 0.1 the shift: half a cell is more
# than the third of a cell that is allowed, for every joint.
# </details>

# %%
mirrored = heatmaps_of(pictures[:, :, ::-1])
swap = list(MPII.flip_permutation)
unflipped = mirrored.flip(-1)                       # cells in place again
back = unflipped[:, swap]                           # and the right names
shifted = torch.roll(back, 1, dims=-1)
averages = {"flip test": back, "joints not swapped": unflipped,
            "shifted by a cell": shifted}
for name, other in averages.items():
    read[name] = in_photos(decode((maps + other) / 2)[0])
apart = (back - flip_heatmaps(mirrored, MPII)).abs().max()
print(f"largest difference from the package: {apart:.3f}")
compare({name: read[name] for name in ("dark", *averages)})

# %% tags=["nbval-check-output"]
gains = []
for name, other, at in (
        ("dark", "argmax", 0.1), ("flip test", "dark", 0.2),
        ("flip test", "joints not swapped", 0.5),
        ("flip test", "shifted by a cell", 0.1)):
    hits = [metrics.pck_hits(read[n], truth, seen, heads, at)
            for n in (name, other)]
    gain = metrics.paired_interval(*hits, columns).times(100)
    gains.append((f"{name} - {other}", at, gain.value,
                  f"{gain.low:.1f} to {gain.high:.1f}"))
display(table(gains, ("difference", "within", "points", "95 % interval")))
own = heatmaps_of(picture[None])[0]
mirror = heatmaps_of(picture[None, :, ::-1])[0]
animate(lambda n: draw_flip_test(large, own, mirror, "right_wrist", n),
        [4, 0, 1, 2, 3, 4, 5], fps=0.5, alt="The flip test for the right "
        "wrist, step by step: its map, a spot on the hanging right "
        "hand; the map of the mirrored picture, a spot on the raised hand; "
        "the same mirrored back, on the raised left hand; with the joints "
        "swapped, on the right hand again; the average, one bright spot; "
        "without the swap, two pale spots, one on each hand.")

# %% [markdown]
# Forget the swap, and the average has two spots of half the height, one on each
# wrist: it is a coin toss. At 0.5 that costs more than a quarter of the right
# joints. The needless shift moves every joint by half a cell, one input pixel. At
# 0.5 nobody notices; at 0.1 most of the right joints are gone. **A bug that is
# invisible at `PCKh@0.5` is still a bug.** The flip test itself gives a point or
# two, for twice the time. At 0.2 it gains **2.0** points, more than chance.
#
# ### Exercise 10.1 ★★☆ A flip test without maps
#
# A network that predicts coordinates has no maps to average. Write
# `flip_average(points, scores, mirrored, mirrored_scores, width, swap)`. `points`
# `(K, 2)` and `scores` `(K,)` are its answer for a picture `width` pixels wide,
# `mirrored` and `mirrored_scores` its answer for the mirrored picture. `swap[k]`
# is the number of the joint that joint `k` becomes in a mirror. Return the
# averaged points `(K, 2)`. Weigh the two answers by their scores, so that the
# surer one counts more; where both scores are 0, take the plain mean.
#
# Expected for two joints, left and right, in a picture 10 pixels wide:
# `flip_average(np.array([[1.0, 5], [7, 5]]), np.array([1.0, 1]), np.array([[2.0,
# 5], [6, 5]]), np.array([2.0, 3]), 10, [1, 0])` is `[[2.5, 5], [7, 5]]`. Stuck?
# `hint("10.1")` gives a hint.


# %% tags=["exercise"]
def flip_average(points, scores, mirrored, mirrored_scores, width, swap):
    """Both answers in the picture's pixels, averaged by their scores."""
    # your code here


# %% tags=["solution"]
def flip_average(points, scores, mirrored, mirrored_scores, width, swap):
    """Both answers in the picture's pixels, averaged by their scores."""
    back = mirrored[swap] * (-1, 1) + (width - 1, 0)
    weights = np.stack([scores, mirrored_scores[swap]])         # (2, K)
    weights = np.where(weights.sum(0) > 0, weights, 1)
    weights = weights / weights.sum(0)
    return weights[0, :, None] * points + weights[1, :, None] * back


# %% tags=["check"]
check("10.1", flip_average)

# %% [markdown]
# ## 6. All the peaks: NMS
#
# Argmax gives one answer per map. With two people in the square a map has two
# bumps, and one of them is lost. The document (3.2, step 5) reads heatmaps with
# "post-processing such as NMS", which means **non-maximum suppression**. Keep
# every cell that is
#
# - above a **threshold**, and
# - the largest within a **distance**: every cell near it that is not the
#   maximum is suppressed.
#
# Try it by eye on the map below, with threshold 0.3 and distance 1, the 3 x 3
# cells around each cell. Which cells are peaks? And the two 0.8 in the last
# row?

# %% tags=["nbval-check-output"]
tiny = torch.tensor([[0.1, 0.2, 0.1, 0.0, 0.0, 0.0, 0.0, 0.0],
                     [0.2, 0.9, 0.4, 0.1, 0.1, 0.2, 0.1, 0.0],
                     [0.1, 0.5, 0.3, 0.2, 0.4, 0.6, 0.3, 0.1],
                     [0.0, 0.1, 0.1, 0.1, 0.2, 0.3, 0.2, 0.2],
                     [0.2, 0.1, 0.0, 0.0, 0.0, 0.1, 0.8, 0.8]])


def peaks(heatmap, threshold, distance):
    """The (x, y) of all peaks of an (H, W) array, by the definition."""
    found = []
    for y, x in np.ndindex(*heatmap.shape):
        window = heatmap[max(0, y - distance):y + distance + 1,
                         max(0, x - distance):x + distance + 1]
        if heatmap[y, x] > threshold and heatmap[y, x] == window.max():
            found.append((x, y))
    return found


print("by the definition:", peaks(tiny.numpy(), 0.3, 1))
highest = torch.max_pool2d(tiny[None], 3, stride=1, padding=1)[0]
y, x = torch.nonzero((tiny == highest) & (tiny > 0.3)).T
print("by max-pooling:   ", list(zip(x.tolist(), y.tolist())))
cells, heights = codecs.heatmap_peaks(tiny, threshold=0.3, distance=1, count=4)
print("the package:      ", [tuple(c) for c in cells.tolist()])
print("  heights", [round(h, 1) for h in heights.tolist()])

# %% [markdown]
# All three find the hills of 0.9 and 0.6. The second line is the definition
# without a loop: max-pooling writes into each cell the maximum of its
# neighbourhood, and a peak is a cell that this does not change. It works for
# whole batches and on a GPU.
#
# The two equal cells are one bump with a flat top. By the definition both are
# maxima of their windows, so the first two ways report the bump twice.
# `heatmap_peaks` counts the first of equal cells. It sorts by height, and it
# fills up with NaN and height 0, so that all maps of a batch give arrays of
# the same shape.
#
# ### Exercise 10.2 ★★★ The best first
#
# NMS also works on points that have no grid: candidates from several
# squares, boxes, whole poses. Then it is **greedy**: take the candidate with the
# highest score, remove all others that are at most `distance` away from it, take
# the best of the rest, and so on.
#
# Write `suppress(points, scores, distance)`: `points` `(N, 2)`, `scores`
# `(N,)`, to the list of the indices that are kept, the best first.
#
# Expected: `suppress(np.array([[0, 0], [3, 0], [6, 0]]), np.array([0.9, 0.8,
# 0.7]), 4)` gives `[0, 2]`. (Point 1 is removed, so it cannot remove
# point 2.)


# %% tags=["exercise"]
def suppress(points, scores, distance):
    """Indices of the points that survive greedy NMS, best first."""
    # your code here


# %% tags=["solution"]
def suppress(points, scores, distance):
    """Indices of the points that survive greedy NMS, best first."""
    kept = []
    for i in np.argsort(-scores):
        gaps = [np.linalg.norm(points[i] - points[j]) for j in kept]
        if all(gap > distance for gap in gaps):
            kept.append(int(i))
    return kept


# %% tags=["check"]
check("10.2", suppress)

# %% [markdown]
# **Two people in one square.** The network was trained on one person at a time.
# What do its maps show when there are two? We draw 80 such pictures, put one box
# around both people, and count how many joints of *both* are found: with one
# answer per map, and with the two highest peaks.
#
# **Predict first.** What is the most that one answer per map can find?
#
# <details><summary>Answer</summary>
#
# Half of the joints: each answer is right for one of the two people at most. (A
# little more where two joints lie so close together that one answer is near both.)
# </details>

# %% tags=["nbval-check-output"]
pairs = [people.scene(i, people=2) for i in range(80)]
found = {"one answer": [], "two peaks": []}
for pair in pairs:
    corners = np.array([p.box for p in pair.persons])
    low = corners[:, :2].min(0)
    size = (corners[:, :2] + corners[:, 2:]).max(0) - low
    pair.crop = Crop.from_box((*low, *size), 64, padding=1.0)
    pair.maps = heatmaps_of(pair.crop.warp(pair.image)[None])[0]
    cells, _ = codecs.heatmap_peaks(pair.maps, 0.2, distance=2, count=2)
    spots = predictor.model.codec.to_pixels(cells).double().numpy()
    pair.spots = pair.crop.invert(spots)                   # (16, 2, 2)
    for p in pair.persons:
        off = np.linalg.norm(pair.spots - p.keypoints[:, None], axis=-1)
        near = off <= 0.5 * p.head_size                    # NaN: not near
        found["one answer"] += list(near[p.visible > 0, 0])
        found["two peaks"] += list(near[p.visible > 0].any(1))
for name, right in found.items():
    print(f"{name}: {100 * np.mean(right):.0f} % of the joints of both")

# %% tags=["nbval-check-output"]
places = np.array([[pair.crop.apply(p.keypoints) for p in pair.persons]
                   for pair in pairs])                   # (80, 2, 16, 2)
usual = np.nanmean(places, 0)            # a mean pose left, one right
off = np.linalg.norm(places[:, :, None] - usual, axis=-1).min(2)
half = [[[0.5 * p.head_size * pair.crop.scale[0]] for p in pair.persons]
        for pair in pairs]
print(f"(two mean poses: {100 * (off <= half)[off >= 0].mean():.0f} %)")
pair, k = pairs[12], MPII.index("head_top")
large_crop = pair.crop.resized(320)
view, spots = large_crop.warp(pair.image), large_crop.apply(pair.spots)
made, axes = plt.subplots(1, 3, figsize=(8, 2.95))
for ax, shown in zip(axes, (draw_pose(view, spots[:, 0]),
                            heatmap_overlay(view, pair.maps[k]), view)):
    ax.imshow(shown)
    ax.set_axis_off()
axes[1].plot(*spots[k].T, "wo", markersize=16, markerfacecolor="none")
for spot, joint, color in zip(spots, MPII.joints, MPII.colors):
    shape = {"right": "o", "left": "D", "middle": "s"}[MPII.side(joint)]
    axes[2].plot(*spot.T, shape, color=color, markeredgecolor="white")
axes[0].set_title("one answer per joint")
axes[1].set_title("head top: two peaks")
axes[2].set_title("two peaks of all joints")
display_figure(made, "Two people. Left: one skeleton whose bones run from "
               "one person to the other. Middle: two bright spots, one on "
               "each head, circled. Right: dots on the joints of both.")

# %% [markdown]
# On the left is one answer per joint: a skeleton that belongs to neither of them,
# with bones from one person to the other. Each answer can be right for one of the
# two, so about half of the joints is the limit; it finds **45 %**. In the middle
# is the map of the head top: the network sees both heads. The two highest peaks
# find **67 %**. Two mean poses, which do not look at the picture, find **10 %**.
#
# On the right are the two highest peaks of all joints. NMS tells us *where* joints
# are, but not *whose* they are. To sort peaks into people, one needs more than the
# maps of joints.
#
# ## 7. Back to the photo
#
# The joints are in pixels of the square. On the photo they are drawn after
# the inverse of section 3. With $u$ photo pixels to one input pixel and the
# square's centre at $(c_x, c_y)$:
#
# $$x = (x_\text{in} - 31.5) \cdot u + c_x, \qquad
# y = (y_\text{in} - 31.5) \cdot u + c_y.$$
#
# ### Exercise 10.3 ★★★ The whole way back
#
# Somebody else's program has done more to a photo than cut a square: it has turned
# it, mirrored it, cut it and resized it, in some order, and tells you the list.
# Write `to_photo(points, steps)`: points `(K, 2)` in pixels of the last picture, to
# pixels of the first. Each step is one of these, with the sizes of the picture
# *before* the step:
#
# - `("mirror", width)`: left and right are exchanged;
# - `("turn", width, height)`: a quarter turn clockwise, so that the old left edge
#   is on top;
# - `("cut", left, top)`: columns before `left` and rows before `top` are gone;
# - `("resize", factor)`: one pixel becomes `factor` pixels, both ways.
#
# Expected: `to_photo(np.array([[3.5, 1.5]]), [("cut", 10, 20), ("resize", 4)])` is
# `[[10.5, 20.0]]`.


# %% tags=["exercise"]
def to_photo(points, steps):
    """Pixels of the last picture -> pixels of the first."""
    # your code here


# %% tags=["solution"]
def to_photo(points, steps):
    """Pixels of the last picture -> pixels of the first."""
    x, y = np.asarray(points, dtype=float).T
    for kind, *sizes in reversed(steps):
        if kind == "mirror":
            x = sizes[0] - 1 - x
        elif kind == "turn":                 # (x, y) went to (H - 1 - y, x)
            x, y = y, sizes[1] - 1 - x
        elif kind == "cut":
            x, y = x + sizes[0], y + sizes[1]
        else:
            x, y = ((c + 0.5) / sizes[0] - 0.5 for c in (x, y))
    return np.stack([x, y], axis=1)


# %% tags=["check"]
check("10.3", to_photo)

# %% [markdown]
# **Spot the bug.** Here are three other ways back from our square, none of which
# raises an error. What is wrong with each? Which one would you not notice in the
# picture?

# %% tags=["nbval-check-output"]
def squeezed_back(points, box):
    x, y, w, h = box
    return ((points + 0.5) / 64 - 0.5) * 1.25 * np.array([w, h]) + (
        x + (w - 1) / 2, y + (h - 1) / 2)


def no_half_pixels(points, box):
    x, y, w, h = box
    return (points - 32) * (1.25 * max(w, h) / 64) + (x + w / 2, y + h / 2)


ways = {"no corner": lambda points, box: points * 1.25 * max(box[2:]) / 64,
        "squeezed": squeezed_back, "no half pixels": no_half_pixels}
for name, way in ways.items():
    wrong = [way(p, b) for p, b in zip(answer(pictures), boxes)]
    print(f"{name:15s} about {round(percent(wrong), -1):2.0f} %")
for tall in (height, 2400):                     # our photo, a close one
    unit = 1.25 * tall / 64
    print(f"a person {tall:4.0f} px tall: {(unit - 1) / 2:4.1f} px off")
show_people([upright] * 3, [way(in_square[0].numpy(), box)
                            for way in ways.values()],
            titles=list(ways), size=2.0, alt="Three photos. In the first the "
            "skeleton is too high and too far right, in the second it is as "
            "thin as a stick, in the third it looks right.")

# %% [markdown]
# You notice the first two at once. *No corner* forgets where the square lies in the
# photo. *Squeezed* stretches width and height of the box separately, although the
# crop did not. The third looks right. It takes `size / 2` for the middle of the
# square, and $x + \text{width} / 2$ for that of the box, and so moves every joint
# up and to the left by $(u - 1) / 2$ pixels, nearly half an input pixel. The score
# does not notice (about **80 %**, as before). But on a photo in which the person is
# 2400 pixels tall every joint is **22.9** pixels off, in $x$ and in $y$.
#
# In the package both directions are in one place: `Crop.apply` goes there, and
# `Crop.invert` comes back.
#
# ## 8. Which joints to believe
#
# Every joint comes with a **score**, the height of its peak. Chapter 3 argued that
# it can be read like a probability. We sort the labelled joints of the 200 people
# by their score, and count how many in each class are within half a head size.
#
# The last picture of this section is for you to play with: `threshold` leaves out
# joints with a lower score, the other two sliders spoil the box.

# %%
heights = decode(maps)[1].numpy()
right = metrics.pck_hits(read["dark"], truth, seen, heads, 0.5)
labelled = ~np.isnan(right)
groups = {}
for low in (0.0, 0.2, 0.4, 0.6, 0.8):
    high = low + 0.2 + (low == 0.8)                # a peak may exceed 1
    groups[f"score {low:.1f} to {low + 0.2:.1f}"] = (
        labelled & (heights >= low) & (heights < high))
groups |= {"visible": seen == 2, "hidden": seen == 1}
table([(name, int(group.sum()), heights[group].mean(),
        100 * right[group].mean()) for name, group in groups.items()],
      ("joints", "how many", "mean score", "right, %"),
      digits={"mean score": 2, "right, %": 0})


# %%
def draw(threshold, box_size, shift):
    x, y, w, h = box
    wrong = (x + shift * h - (box_size - 1) * w / 2,
             y - (box_size - 1) * h / 2, w * box_size, h * box_size)
    found, = predictor(upright, [wrong])
    image = draw_pose(draw_box(upright, wrong), found.keypoints,
                      scores=found.scores, min_score=threshold)
    made, (one, two) = plt.subplots(1, 2, figsize=(8, 4.6), layout="none")
    made.subplots_adjust(0.01, 0.12, 0.98, 0.92, wspace=0.25)  # quick
    one.imshow(image)
    one.set_title(f"{(found.scores >= threshold).sum()} of 16 joints kept")
    one.set_axis_off()
    two.barh(range(16), found.scores, color=MPII.colors)
    two.axvline(threshold, color="black")
    two.set(yticks=range(16), xlim=(0, 1.1), xlabel="score", yticklabels=[
        joint.replace("_", " ") for joint in MPII.joints])
    return made


explore(draw, "A person with the joints that score at least {threshold:.2f}, "
        "and a bar per joint with its score; the box is {box_size:.1f} times "
        "its right size, shifted by {shift:.2f}.",
        threshold=(0.0, 1.0, 0.3, 0.05), box_size=(0.4, 2.5, 1.0, 0.1),
        shift=(-0.5, 0.5, 0.0, 0.05))

# %% [markdown] document="3.3 general"
# The higher the score, the more often the joint is right, and almost as often as
# the score says: of the joints from 0.4 to 0.6 about half, of those above 0.8
# nearly all. (This holds for half a head size. Chapter 9 found that the same
# scores promise far too much at 0.1.) So with a threshold you trade joints for
# trust. Hidden joints have lower scores than visible ones, and are right less
# often. But a score is no promise: of the joints from 0.6 to 0.8 one in five is
# wrong.
#
# In the picture all joints have high scores. Make the box twice as large, or half
# as large, and the bars shrink: **a bad box shows in the scores**. When a network
# is unsure of everything, look at the box first.
#
# ## 9. Your own photo
#
# There is one line to change: put the path of your photo between the quotes, with
# `/` even on Windows. If you can, give a box, too. Without one the predictor looks
# twice. (Your photo is then stored in this notebook: clear the outputs before you
# pass it on.)
#
# Until you do, the cell uses the one real photo that is installed with this
# course: Grace Hopper, who wrote the first compilers, photographed for the US Navy.
# It is in the public domain and comes with Matplotlib.
#
# **Predict first.** Our network has only ever seen drawn people, and whole ones,
# from head to feet. What will it make of a portrait?
#
# <details><summary>Answer</summary>
#
# A whole person, legs and all, on her head and chest. It has never seen anybody
# without legs, and it cannot answer "none".
# </details>

# %% tags=["nbval-check-output"]
PHOTO = ""        # "C:/Users/me/Pictures/me.jpg"
BOX = None        # (x, y, width, height) in pixels, if you know it

if not PHOTO:
    from matplotlib import cbook
    PHOTO = cbook.get_sample_data("grace_hopper.jpg", asfileobj=False)
mine = images.read_image(PHOTO)
first, = predictor(mine, BOX and [BOX])
second, = predictor(mine, BOX and [BOX], refine=True)
other = Predictor.load("photos", device="cpu")      # see below
third, = other(mine, BOX and [BOX], refine=True)
for name, found in (("the drawn photo", pose), ("this photo", second),
                    ("this photo, the other network", third)):
    print(f"{name}: {(found.scores >= 0.5).sum()} of 16 joints score 0.5 or "
          "more")
sure = [draw_pose(mine, found.keypoints, scores=found.scores, min_score=0.5)
        for found in (second, third)]
show_people([draw_pose(mine, first.keypoints), *sure], size=2.0, columns=3,
            titles=["first look", "second look", "other network"],
            alt="A portrait of an old woman in a dark uniform and a cap, to "
            "the chest, three times. Left: a small skeleton with legs on her "
            "head and chest. Middle: part of another one; no joint is where "
            "it should be. Right: two points on her cap.")

# %% [markdown]
# On the left all joints are drawn, in the other two pictures only those that
# score 0.5 or more.
#
# The network sees a small person with legs, on a face. Two gaps come together
# here. The first is the **domain gap**: photos do not look like drawings, and
# a network knows only what it was trained on. The second is the **framing**:
# it has never seen anybody without legs, so it has learned that there are
# always legs.
#
# Worse, **7** of the 16 joints score 0.5 or more (the middle picture shows
# them): the neck at the edge of the cap, a hip on the chin, ankles on a
# button. Among drawn people most joints with such scores are right. **The
# scores were learned on drawings, too.** They tell how sure the network is
# among pictures like those it was trained on. They do not tell that a picture
# is of another kind.
#
# **A network that has seen photos.** The cure is to train on photos. Another
# network comes with the course, `photos`. It is larger, and it began with what it
# had learned on ImageNet; then it was shown drawn people and photographs of
# athletes, for 75 minutes of one core ([its
# card](../data/weights/photos/README.md)). On 1,000 other such photographs (882 of
# them with a labelled torso) it finds 62 % of the joints within a fifth of the
# torso's length; the network that has seen only drawn people finds 18 %, the mean
# pose 4 %. Not one line of this chapter changes.
#
# On the portrait it does no better: among the athletes, too, there was nobody
# without legs. But look at the picture on the right. Only **2** of its joints score
# 0.5 or more: ankles, on the cap. It takes her for somebody upside down and hardly
# believes it: its scores were learned on photos. Try it on a photo of somebody from
# head to feet: yours, or one of the two that `posecourse data fetch photos
# --accept-licence` brings, with the names of their makers. (To train your own:
# `posecourse train --data`, chapters 6 and 8, and `Predictor.load` with the folder
# of your run.)
#
# **A folder** is just a loop, and one broken file must not end it:
#
# ```python
# for path in sorted(Path("holiday").iterdir()):
#     try:
#         poses = predictor(path, search=True)
#     except images.ImageError as error:
#         print(error)                            # and on to the next
# ```
#
# The command line does the same, and writes drawings and JSON:
# `posecourse predict holiday/ --out poses`.
#
# ## 10. Video and camera
#
# A video is a sequence of pictures, so we run the predictor on each of them. Two
# things are new. First, the pose in one picture tells us where to look in the next:
# `pose.keypoint_box()` is its box. Second, errors *move*. An error that nobody
# would notice in a single picture makes a skeleton tremble.
#
# We write a video of somebody who squats, so that we know the truth, read it
# back with `Video`, and measure how much each joint **jerks**: the length of
# $p_{t+1} - 2 p_t + p_{t-1}$. It is zero as long as the joint moves straight
# on at the same speed. (A physicist would call it an acceleration.)

# %% tags=["nbval-check-output"]
frames = SyntheticPeople(1, size=256, margin=1.5).motion("squat", frames=48)
film = cv2.VideoWriter(str(place / "squat.mp4"),
                       cv2.VideoWriter_fourcc(*"mp4v"), 24, (256, 256))
for frame in frames:
    film.write(frame.image[..., ::-1].copy())          # OpenCV wants BGR
film.release()

near, found = frames[0].person.box, []
with Video(place / "squat.mp4") as video:
    for image in video:
        found += predictor(image, [near])
        near = found[-1].keypoint_box()
jerk = {}
with figure("Height of the left wrist over 48 pictures: the truth is a smooth "
            "curve, what was found zigzags around it.", size=(8, 3)) as axes:
    for name, persons in (("found", found), ("truth", frames)):
        track = np.array([getattr(p, "person", p).keypoints for p in persons])
        steps = np.linalg.norm(np.diff(track, 2, axis=0), axis=-1)
        jerk[name] = np.median(steps)
        axes.plot(track[:, MPII.index("left_wrist"), 1], label=name)
    axes.set(xlabel="picture", ylabel="y, pixels", title="the left wrist")
    axes.legend()
print(len(track), "pictures; jerk, found : truth, about",
      f"{round(jerk['found'] / jerk['truth'], -1):.0f} : 1")

# %% tags=["hide-input"]
def draw(i):
    white = np.full((256, 256, 3), 255, np.uint8)
    pair = draw_pose(white, frames[i].person.keypoints), draw_pose(
        white, found[i].keypoints)
    return np.concatenate([one[30:210, 56:200] for one in pair], axis=1)


animate(draw, range(0, 48, 4), fps=6, alt="Two skeletons squat side by side. "
        "The true one, on the left, moves smoothly; the one that was found, "
        "on the right, trembles, above all at hands and feet.")

# %% [markdown]
# In the moving picture, the truth is on the left and what was found on the
# right. Look at the hands, then at the curve. This wrist hardly moves up or
# down: the axis spans only ten pixels. The truth is a smooth curve; what was
# found strays and trembles around it, with about **10** times the jerk. Every
# picture gets a fresh answer, and nothing in the network knows that a wrist
# cannot jump. A filter over time helps; the simplest one is the mean of three
# neighbouring pictures.
#
# **The camera.** Set `CAMERA = True` and run the cell, with your whole body in the
# picture and a plain wall behind you. It shows 200 pictures, stops, and clears
# them away. On the command line it is `posecourse predict --camera`.

# %%
CAMERA = False

if CAMERA:
    from IPython.display import Image as Picture, clear_output, display

    view = display(display_id=True)
    with Video(0) as camera:
        for _, image in zip(range(200), camera):
            found, = predictor(image, refine=True)
            shown = draw_pose(image, found.keypoints, scores=found.scores,
                              min_score=0.3)[..., ::-1]
            view.update(Picture(cv2.imencode(".jpg", shown)[1].tobytes()))
    clear_output()
else:
    print("no camera was used")

# %% [markdown]
# ## Quiz

# %%
quiz("10")

# %% [markdown]
# ## Summary
#
# - A file is not an array: turn it as its EXIF orientation says, take care of
#   transparency, depth and grey, and refuse what is broken.
# - The crop must look as it did in training: same padding, not squeezed, upright,
#   RGB, normalised. None of these mistakes raises an error.
# - A bad box gives a bad pose. Half or twice the size loses most joints.
# - The decoder matters at tight thresholds; DARK costs nothing.
# - The flip test averages with the mirrored picture: mirror back, swap the
#   joints, and do not shift aligned maps.
# - NMS keeps every cell above a threshold that is the largest nearby; it
#   finds several people's joints, and does not say whose they are.
# - Scores tell you which joints to doubt, among pictures like those in training.
#   About another kind of picture they know nothing.
#
# ## Common mistakes
#
# | what goes wrong | why |
# |---|---|
# | the pose lies on its side | EXIF orientation ignored (section 2) |
# | good on test data, poor on photos of the same kind | red and blue swapped, colours not normalised, other padding (section 3) |
# | left and right wrist change places | joints not swapped in the flip test (section 5) |
# | two or three joints on one bump | equal cells, or distance too small (section 6) |
# | bones run from one person to another | one answer per map, two people in the box (section 6) |
# | skeleton in the upper left corner | the square's place forgotten on the way back (section 7) |
# | a video takes longer and longer | pictures are kept in a list; work on one at a time |
#
# ## Further reading
#
# - Newell, Yang, Deng: *Stacked Hourglass Networks for Human Pose Estimation*
#   (2016). Crop, flip test and quarter offset, as most later work does them.
# - Xiao, Wu, Wei: *Simple Baselines for Human Pose Estimation and Tracking*
#   (2018). The whole way from a box to a pose, and boxes that follow people
#   through a video.
# - Huang, Zhu, Guo, Huang: *The Devil Is in the Details* (2020). What flip
#   tests and half pixels cost in published systems.
# - Papandreou et al.: *Towards Accurate Multi-person Pose Estimation in the
#   Wild* (2017). Boxes, poses and NMS on poses, as one system.
