# %% [markdown]
# # 1. Keypoints, skeletons, poses
#
# **Draw a skeleton on a picture, see a network find one, and know the words
# for everything in between.**
#
# | | |
# |---|---|
# | **You will learn** | what a keypoint, a skeleton and a pose are, as arrays; whose left is left; what a mirror does; what 3-D adds; how a prediction is made and measured |
# | **You need** | Python and NumPy arrays; no machine learning |
# | **Time** | 40 min to read, 40 min to do |
# | **Runs in** | 40 s on two CPU cores |
#
# Look at a person, and you see where the elbow is. A computer gets an array
# of numbers. **Human pose estimation** finds the points of the body in a
# picture or a video: head, shoulders, elbows, wrists, hips, knees, ankles
# (document 1.1). Once they are found, a program can follow a gesture,
# recognise an action or correct an exercise (document 1.3).
#
# This chapter goes the whole way once, quickly. Every step gets a chapter of
# its own later.

# %% tags=["setup"]
import matplotlib.pyplot as plt
import numpy as np
import torch
from torch import nn

from posecourse.authoring.chapters import require
from posecourse.codecs import HeatmapCodec
from posecourse.datasets.synthetic import Difficulty, SyntheticPeople
from posecourse.drawing import draw_box, draw_pose
from posecourse.exercises import check, hint
from posecourse.geometry import flip_points
from posecourse.losses import heatmap_mse
from posecourse.metrics import mean_pose, pckh
from posecourse.skeletons import COCO, MPII, UPPER_BODY, remap
from posecourse.transforms import Augmentation, make_batch, normalise
from posecourse.visualization import figure, show_people, use_style
from posecourse.visualization.widgets import explore

require("0.1")
torch.set_num_threads(1)      # the same sums on every machine
torch.manual_seed(0)
rng = np.random.default_rng(0)
use_style()
level = Difficulty(noise=0)       # no grain: smaller files
people = SyntheticPeople(600, size=256, difficulty=level)

# %%
chosen = [people[i] for i in (11, 55, 9, 32, 56)]
pictures = [people.read_image(person) for person in chosen]

nothing = np.full((16, 2), np.nan)
show_people(pictures * 2,
            [nothing] * 5 + [person.keypoints for person in chosen],
            [person.visible for person in chosen] * 2, columns=5, size=1.5,
            alt="Five drawn people in rooms and landscapes; below, the same "
            "five with a skeleton of coloured lines on each.")

# %% [markdown]
# The upper row is what a computer gets. The lower row is what it should
# find.
# The person's right side is orange with round joints, the left side blue
# with diamonds, the middle green with squares. A hollow joint is hidden.
#
# These people were never photographed. `SyntheticPeople` computes them, each
# picture the same on every machine. Nothing has to be downloaded, and the
# place of every joint is known exactly. They are easier than photos: **a
# score measured on them says little about photos.** Photos come in chapter
# 10.
#
# ## 1. A picture is an array of numbers
#
# The first of the five stays with us. We look at 8 x 6 of the pixels, around
# the raised hand.

# %% tags=["nbval-check-output"]
person = people[11]
image = people.read_image(person)
print("shape", image.shape, "type", image.dtype, "numbers", image.size)

left, top = 56, 14
crop = image[top:top + 6, left:left + 8]
print("x = 56, y = 14: red, green, blue =", image[14, 56])

with figure("Left: a person with a raised hand, a small white frame around "
            "the hand. Right: the pixels in the frame, enlarged to coloured "
            "squares, each with its red value written on it.",
            1, 2, size=(9.5, 4.4)) as axes:
    axes[0].imshow(image)
    axes[0].add_patch(plt.Rectangle((left - .5, top - .5), 8, 6, lw=2,
                                    fill=False, color="white"))
    axes[1].imshow(crop, extent=(left - .5, left + 7.5, top + 5.5, top - .5))
    for y in range(6):
        for x in range(8):
            dark = crop[y, x].mean() < 128
            axes[1].text(left + x, top + y, crop[y, x, 0], ha="center",
                         va="center", color="white" if dark else "black")
    for ax, title in zip(axes, ("the picture", "48 red values")):
        ax.set(xlabel="x", ylabel="y", title=title)
        ax.grid(False)

# %% [markdown]
# The picture is **196608** numbers between 0 and 255: 256 rows of 256 pixels
# with a red, a green and a blue value each. Three conventions hold in the
# whole course.
#
# - A **position** is $(x, y)$: $x$ grows to the right, $y$ grows *down*.
# - An **array** is indexed `[row, column]`, which is `[y, x]`.
# - The **centre of pixel** $i$ is $i$. In the right picture the tick 56 is
#   in the middle of the first column. A picture of width $W$ therefore
#   reaches from $-0.5$ to $W - 0.5$.
#
# **Predict first.** `tiny = np.array([[10, 11, 12], [13, 14, 15]])` is a
# picture with two rows and three columns. Which value is at $x = 2$, $y = 1$?
# What does `tiny[2, 1]` say?
#
# <details><summary>Answer</summary>
#
# The value is 15, `tiny[1, 2]`. `tiny[2, 1]` asks for row 2, and there are
# only rows 0 and 1: an IndexError. Be glad of it. In a square picture the
# same mistake gives a wrong pixel and no message.
# </details>
#
# ## 2. Keypoints
#
# A **keypoint** is a point of the body with a name, mostly a joint (document
# 2). $K$ keypoints of one person are an array of $K$ rows and two columns,
# $x$ and $y$. The document (4.1) writes $Y \in \mathcal{R}^{K \times 2}$.
# Here are the $K = 16$ of the data set MPII for our person. They were not
# found by a network; they are the **labels**, the right answers.
#
# **Predict first.** Our person faces us. Is the right wrist on the left or on the
# right of the picture? Compare $x$ of `right_wrist` and `left_wrist` in the
# table.

# %% tags=["nbval-check-output"]
print("keypoints", person.keypoints.shape)
print(f"{'':>4}{'joint':16}{'x':>6}{'y':>8}  visible")
for k, joint in enumerate(MPII.joints):
    x, y = person.keypoints[k]
    print(f"{k:2d}  {joint:16}{x:6.1f}{y:8.1f}{person.visible[k]:9d}")

# %%
with figure("The person with all 16 keypoints. Names of the right side stand "
            "on the left of the picture, those of the left side and the "
            "middle on the right.", size=(7.6, 4.6)) as ax:
    ax.imshow(image)
    for side, x, align in (("right", -8, "right"), ("left", 263, "left")):
        names = [j for j in MPII.joints if MPII.side(j) == side
                 or (side == "left" and MPII.side(j) == "middle")]
        names.sort(key=lambda j: person.keypoints[MPII.index(j), 1])
        for joint, y in zip(names, np.linspace(12, 244, len(names))):
            k = MPII.index(joint)
            ax.annotate(
                joint, person.keypoints[k], (x, y), ha=align, va="center",
                fontsize=10, annotation_clip=False, arrowprops={
                    "arrowstyle": "-", "color": "white", "lw": 0.8})
            ax.plot(*person.keypoints[k], "o", markersize=7,
                    color=MPII.colors[k], markeredgecolor="white")
    ax.set_axis_off()

# %% [markdown]
# A keypoint lies where the joint is, not on a pixel's centre: the numbers
# have decimals. So 196608 numbers went in, and 32 should come out.
#
# The right wrist is on the *left* of the picture. **Left and right are the
# person's own**, in every data set. So the pixels around a wrist do not say
# which wrist it is; the whole body does.
#
# The last column of the table is the **visibility**:
#
# | value | meaning |
# |---|---|
# | 0 | not labelled, for instance outside the picture; its position is NaN |
# | 1 | labelled, but hidden behind something or behind the body itself |
# | 2 | visible |
#
# The second person of the first picture has values of 1.

# %% tags=["nbval-check-output"]
second = people[55]
for joint, part in second.extra["hidden_by"].items():
    print(f"{joint:12} value {second.visible[MPII.index(joint)]}, "
          f"behind: {part}")
shown = people.read_image(second)
show_people([shown, shown], [nothing, second.keypoints],
            [second.visible] * 2, size=3.2,
            titles=["what we see", "what is labelled"],
            alt="Somebody seen from behind, with a ball in front of one "
            "shoulder and the neck. With the labels drawn on, the joints "
            "behind the ball are hollow.")

# %% [markdown]
# Seen from behind, orange *is* on the right. The joints behind the ball have
# positions all the same: we know that there is a shoulder, and about where. People who label photos guess such joints in the same way, and
# a network learns to guess them too.
#
# ### Exercise 01.1 ★☆☆ What is hidden?
#
# Write `hidden_joints(visible, skeleton)`: a list of the names of the joints
# that are labelled but hidden, in the skeleton's order.
#
# Expected for `second.visible`: the three names printed above. Stuck?
# `hint("01.1")` pushes a little, and a little more each time.

# %% tags=["exercise"]
def hidden_joints(visible, skeleton):
    """Names of the joints with visibility 1; `visible` is (K,)."""
    # skeleton.joints[k] is the name that belongs to visible[k]


# %% tags=["solution"]
def hidden_joints(visible, skeleton):
    """Names of the joints with visibility 1; `visible` is (K,)."""
    return [joint for joint, v in zip(skeleton.joints, visible) if v == 1]


# %% tags=["check"]
check("01.1", hidden_joints)

# %% [markdown]
# ## 3. Skeletons
#
# A **skeleton** is a list of joints and of **bones**, the pairs of joints
# that are connected (document 2). That is all it takes to draw one. A bone
# goes from joint $a$ to joint $b$; its points are $(1 - t)\,a + t\,b$ for
# $t$ from 0 to 1. We colour the pixel under each of them. The package has
# `draw_pose`, with lines of any width. Does it draw the same bones?

# %% tags=["nbval-check-output"]
def draw_bones(image, keypoints, bones):
    """A copy of the picture with a line for each pair of joints."""
    picture = image.copy()
    for a, b in bones:
        for t in np.linspace(0, 1, 300):
            x, y = (1 - t) * keypoints[a] + t * keypoints[b]
            picture[round(y), round(x)] = (230, 159, 0)
    return picture


arm = [(12, 11), (11, 10)]     # shoulder to elbow, elbow to wrist
one_arm = draw_bones(image, person.keypoints, arm)
by_hand = draw_bones(image, person.keypoints, MPII.bone_indices)
drawn = draw_pose(image, person.keypoints, person.visible, skeleton=MPII)
ours = (by_hand != image).any(axis=-1)
theirs = (drawn != image).any(axis=-1)
print("pixels we coloured:", ours.sum())
print("of them coloured by draw_pose:", (ours & theirs).sum())
show_people([one_arm, by_hand, drawn], size=3.1,
            titles=["two bones, by hand", "15 bones, by hand", "draw_pose"],
            alt="Three times the person: with thin orange lines along one "
            "arm, with thin lines along all bones, and with the package's "
            "thick coloured skeleton.")

# %% [markdown]
# Every pixel of ours is under one of its lines.
#
# Which joints make a skeleton is a choice, and each data set made its own.
# The document's example (4.3) is an upper body of five joints.
#
# ![Three skeletons on a grey body with one raised hand: MPII with 16 joints from head top to ankles, COCO with 17, whose face has nose, eyes and ears but whose trunk has no middle line, and an upper body with head, neck and one arm.](figures/01_skeletons.svg)
#
# MPII has a head top, a neck and a pelvis, but no face. COCO has a face, but
# nothing in the middle of the trunk. Keypoints of one can be put in the order
# of the other: joints with the same name are copied, the others stay empty.

# %% tags=["nbval-check-output"]
targets = (MPII, COCO, UPPER_BODY)
versions = [remap(person.keypoints, person.visible, MPII, target)
            for target in targets]
coco, coco_visible = versions[1]
print("COCO", coco.shape)
print("its right wrist:", coco[COCO.index("right_wrist")].round(1))
print("its nose:", coco[COCO.index("nose")])
print("not known:", *[joint for joint, v in zip(COCO.joints, coco_visible)
                      if v == 0])
show_people([draw_pose(image, points, seen, skeleton=target)
             for (points, seen), target in zip(versions, targets)],
            titles=["MPII", "as COCO", "as upper body"], size=2.6,
            alt="The person with three skeletons. The one in COCO's order "
            "has no face and no middle line, the upper body is a head, a "
            "neck and the raised arm.")

# %% [markdown]
# The gaps stay gaps: NaN, visibility 0. It is tempting to take the head top
# for the nose. A network trained on such labels learns a nose that is too
# high, and no error message will ever say so.
#
# ## 4. Poses
#
# A **pose** is the shape of the skeleton (document 2): the same when a person
# steps aside or comes nearer. To compare poses we take position and size out
# of the keypoints. We subtract their mean and divide by their typical
# distance from it (the root of the mean square). A triangle shows it: the
# second is the first, twice as large and moved.
#
# Then come real poses. We draw 600 people of 64 x 64 pixels, normalise all of
# them and look for the ones whose joints are nearest to those of our person,
# on average over the joints.

# %% tags=["nbval-check-output"]
def normalised(points):
    """Keypoints (K, 2) with mean 0 and mean square distance 1."""
    centred = points - np.nanmean(points, axis=0)
    return centred / np.sqrt(np.nanmean((centred ** 2).sum(axis=-1)))


triangle = np.array([[0., 0.], [4., 0.], [4., 3.]])
print(normalised(triangle).round(2))
print(normalised(2 * triangle + [100, 50]).round(2))

# %% tags=["nbval-check-output"]
def draw_all(count, split):
    """Images, keypoints, visibility and head sizes of drawn people."""
    small = SyntheticPeople(count, size=64, split=split,
                            difficulty=level)
    drawn = [small.render(i) for i in range(count)]
    return (np.stack([d.image for d in drawn]),
            np.stack([d.person.keypoints for d in drawn]),
            np.stack([d.person.visible for d in drawn]),
            np.array([d.person.head_size for d in drawn]))


train = draw_all(600, "train")
shapes = np.stack([normalised(points) for points in train[1]])
gap = np.linalg.norm(shapes - normalised(person.keypoints), axis=-1)
gap = np.nanmean(gap, axis=1)
order = gap.argsort()
print("nearest:", *order[:4], "at", *gap[order[:4]].round(2))

found = [people[int(i)] for i in [*order[:4], order[-1]]]
show_people([people.read_image(p) for p in found],
            [p.keypoints for p in found], [p.visible for p in found],
            titles=["our person", "nearest", "second", "third", "farthest"],
            columns=5, size=1.9, alt="Our person, three different people "
            "in nearly the same pose, and one in a very different pose.")

# %% [markdown]
# The two triangles give the same six numbers. In the pictures: the same pose,
# other people, other places. (We did not take out rotation: somebody who lies
# has another pose than somebody who stands.) Person 11 comes out first, at distance 0: the
# small picture and the large one show the same pose.
#
# What can a pose tell? For instance how far an arm is bent. At joint $b$
# between $a$ and $c$ the angle is the one between $a - b$ and $c - b$. We try
# it on a right angle and on a straight line before we trust it.
#
# Then somebody waves for two seconds, 48 frames. We measure the elbow in each.

# %% tags=["nbval-check-output"]
def joint_angle(a, b, c):
    """The angle at b, degrees: 180 is straight."""
    u, v = a - b, c - b
    cosine = u @ v / (np.linalg.norm(u) * np.linalg.norm(v))
    return np.degrees(np.arccos(np.clip(cosine, -1, 1)))


corner = np.array([[0, 3], [0, 0], [4, 0]])
print(f"right angle: {joint_angle(*corner):.0f} degrees")
line = np.array([[0, 0], [1, 1], [3, 3]])
print(f"straight line: {joint_angle(*line):.0f} degrees")
right_arm = MPII.indices(["right_shoulder", "right_elbow", "right_wrist"])
angle = joint_angle(*person.keypoints[right_arm])
print(f"our person's right elbow: {angle:.0f} degrees")

# %% tags=["nbval-check-output"]
video = people.motion("wave", frames=48, index=1)
angles = np.array([joint_angle(*frame.person.keypoints[right_arm])
                   for frame in video])
inner = angles[1:-1]
peaks = 1 + np.flatnonzero((inner > angles[:-2]) & (inner > angles[2:]))
print("straightest in frames", *peaks)

with figure("Three frames of somebody who waves, with the skeleton drawn "
            "on, and the elbow angle over 48 frames: a wave with its peaks "
            "marked.", 1, 4, size=(9.6, 2.4),
            width_ratios=(1, 1, 1, 1.9)) as (*small, curve):
    for number, ax in zip((0, 6, 12), small):
        frame = video[number]
        ax.imshow(draw_pose(frame.image, frame.person.keypoints))
        ax.set(title=f"frame {number}")
        ax.set_axis_off()
    curve.plot(angles)
    curve.plot(peaks, angles[peaks], "o", color="#D55E00")
    curve.set(xlabel="frame", ylabel="right elbow, degrees")

# %% [markdown]
# Each peak is one wave: to count waves is to count peaks. Counting squats, judging a serve,
# steering a game with the arms: many applications (document 1.3, 3.4) start
# like this, with a few lines on top of the keypoints. Chapter 14 builds some.
#
# ### Exercise 01.2 ★★☆ Hands up
#
# Write `hand_up(keypoints)`: True if at least one wrist is higher in the
# picture than the head top. A joint that is not labelled is NaN; a wrist of
# unknown height is not up.
#
# Expected for our person: `False`. The right wrist is high, but not above
# the head top.

# %% tags=["exercise"]
def hand_up(keypoints):
    """Whether a wrist is above the head; `keypoints` (16, 2) of MPII."""
    # MPII.index("head_top") is the row of the head top


# %% tags=["solution"]
def hand_up(keypoints):
    """Whether a wrist is above the head; `keypoints` (16, 2) of MPII."""
    y = keypoints[:, 1]
    wrists = y[MPII.indices(["left_wrist", "right_wrist"])]
    return bool((wrists < y[MPII.index("head_top")]).any())


# %% tags=["check"]
check("01.2", hand_up)

# %% [markdown]
# ### Mirror images
#
# A mirrored picture is a picture of another possible person, for free. Most
# trainings use it. The pixel in column $x$ moves to column $W - 1 - x$, and
# so do the keypoints.
#
# **Predict first.** Is that all? Our person raises the *right* hand. Which
# hand does the person in the mirror raise?

# %% tags=["nbval-check-output"]
mirrored = image[:, ::-1]
moved = person.keypoints.copy()
moved[:, 0] = 256 - 1 - moved[:, 0]
right = flip_points(person.keypoints, 256, MPII)

k = MPII.index("right_wrist")
print("right wrist: x was", person.keypoints[k, 0].round(1))
print("only moved:       ", moved[k, 0].round(1))
print("flip_points:      ", right[k, 0].round(1))
off = np.linalg.norm(moved - right, axis=1) / person.head_size
print(f"labels more than half a head size off: {(off > 0.5).sum()} of 16")

show_people([image, mirrored, mirrored], [person.keypoints, moved, right],
            size=3.1, titles=["original", "moved only: wrong",
                              "moved and renamed: right"],
            alt="The person, and twice the mirror image. With positions "
            "only moved, the raised arm is still orange, as a right arm. "
            "After left and right are exchanged it is blue.")

# %% [markdown]
# The person in the mirror raises the *left* hand. The joints must change
# their names as well as their places: left and right rows are exchanged.
# `flip_points` does both. In the middle picture the skeleton lies perfectly
# on the person, and yet **12** of 16 labels are wrong. A network trained with
# this bug learns that left and right are a matter of luck.
#
# ### Exercise 01.3 ★★★ A mirror of your own
#
# Write `mirror(keypoints, visible, width, pairs)`, which returns the new
# keypoints and the new visibility. `pairs` lists the rows to exchange, as
# `MPII.flip_pairs` does.
#
# Expected for three joints `[[10, 5], [20, 8], [30, 9]]` with visibility
# `[2, 2, 1]`, width 64 and pairs `[(0, 2)]`:
# `[[33, 9], [43, 8], [53, 5]]` and `[1, 2, 2]`.

# %% tags=["exercise"]
def mirror(keypoints, visible, width, pairs):
    """Keypoints (K, 2) and visible (K,) of the mirrored picture."""
    keypoints, visible = keypoints.copy(), visible.copy()
    # move the joints, then exchange the rows of each pair
    # and return keypoints, visible


# %% tags=["solution"]
def mirror(keypoints, visible, width, pairs):
    """Keypoints (K, 2) and visible (K,) of the mirrored picture."""
    keypoints, visible = keypoints.copy(), visible.copy()
    keypoints[:, 0] = width - 1 - keypoints[:, 0]
    for a, b in pairs:
        keypoints[[a, b]] = keypoints[[b, a]]
        visible[[a, b]] = visible[[b, a]]
    return keypoints, visible


# %% tags=["check"]
check("01.3", mirror)

# %% [markdown]
# ## 5. One or many, flat or deep
#
# So far we had one person in the plane of one picture: **single-person 2-D
# pose estimation**. The document (2) names the other tasks.
#
# ![A table of tasks: one person or several people across, 2-D or 3-D down, each with little skeletons, and a strip of video frames below.](figures/01_task_map.svg)
#
# With **several people** the question is also whose wrist a wrist is. The
# document's way: first find the people, as boxes, then the joints inside
# each box (top-down). Three people are an array of shape (3, 16, 2).

# %%
scene = people.scene(1, people=3)
everybody = np.stack([p.keypoints for p in scene.persons])
print("keypoints", everybody.shape)

wide = draw_pose(scene.image, everybody,
                 [p.visible for p in scene.persons])
for number, p in enumerate(scene.persons):
    wide = draw_box(wide, p.box, f"person {number}")
show_people([scene.image, wide], size=3.6,
            alt="Three people close to each other outdoors; beside it the "
            "same picture with a box and a skeleton for each of them.")

# %% [markdown]
# The boxes overlap: each holds parts of a neighbour. That is where it becomes
# difficult (chapter 12).
#
# A **3-D pose** has a third number for each joint: how far away it is. We
# know it, since the people are drawn from 3-D skeletons. A camera makes two
# numbers of three: it divides $x$ and $y$ by the distance $z$, so that far
# things become small.
#
# **Predict first.** Can one get $z$ back from a single picture?

# %% tags=["nbval-check-output"]
joints = person.extra["joints_3d"]        # (16, 3), metres, camera at 0
camera = person.extra["camera"]


def project(points):
    """Points (..., 3) in metres -> (..., 2) in pixels."""
    flat = points[..., :2] / points[..., 2:]
    return camera["focal"] * flat + camera["center"]


off = np.abs(project(joints) - person.keypoints).max()
print(f"projected joints and labels differ by {off:.3f} px")

elbow, wrist = joints[right_arm[1:]]
ray = wrist / np.linalg.norm(wrist)       # from the camera to the wrist
other = (2 * ray @ elbow - np.linalg.norm(wrist)) * ray
off = np.abs(project(other) - project(wrist)).max()
print(f"the other wrist, in the picture: {off:.3f} px away")
print(f"in space: {100 * np.linalg.norm(other - wrist):.0f} cm away")
for name, end in (("forearm", wrist), ("other forearm", other)):
    print(f"{name}: {100 * np.linalg.norm(end - elbow):.1f} cm")

# %%
middle = joints[MPII.index("pelvis")]
both = np.concatenate([joints - middle, [other - middle]])


def draw_turned(turn, other_forearm):
    """The picture, and the skeleton turned about its vertical axis."""
    fig, (flat, deep) = plt.subplots(1, 2, figsize=(7.4, 4))
    flat.imshow(drawn)
    flat.set_axis_off()
    cos, sin = np.cos(np.radians(turn)), np.sin(np.radians(turn))
    x, y = both[:, 0] * cos + both[:, 2] * sin, both[:, 1]
    for a, b in MPII.bone_indices:
        deep.plot(x[[a, b]], y[[a, b]], "-", lw=4, solid_capstyle="round",
                  color=MPII.bone_color((a, b)))
    if other_forearm:
        ends = [right_arm[1], 16]
        deep.plot(x[ends], y[ends], "--", lw=3, color="#CC79A7")
    deep.set(xlim=(-1, 1), ylim=(1, -1.05), aspect="equal",
             title=f"turned by {turn} degrees", xlabel="metres")
    return fig


explore(draw_turned, "Left the picture with its skeleton, right the 3-D "
        "skeleton turned by {turn} degrees, with the second possible "
        "forearm dashed", turn=(-180, 180, 60, 5), other_forearm=True)

# %% [markdown]
# No. The second wrist lies on the same line of sight and gives the same
# pixel; the forearm is exactly as long. (A line through a sphere of the
# forearm's length around the elbow meets it twice.) From the camera the two
# poses cannot be told apart. Turn the skeleton, and you see the difference.
#
# At 0 degrees the dashed forearm almost covers the other one (the right drawing
# leaves perspective out). This is the **depth ambiguity**: every bone of known length has two possible directions, towards
# the camera and away from it. What helps is knowledge about bodies: joints have limits, and
# some poses are rare (chapter 13).
#
# ## 6. The first predictions
#
# Now without the labels. The document (2) names two ways from a picture to
# keypoints.
#
# ![Two rows of boxes. Traditional: image, features such as HOG, a classifier such as an SVM, parts on springs such as DPM, keypoints. Deep learning: image, CNN, then either heatmaps or coordinates, post-processing, keypoints.](figures/01_pipeline.svg)
#
# The traditional way computes **features** that people designed and lets a
# **classifier** decide from them (chapter 2). A **convolutional neural
# network (CNN)** learns the features too. It answers with **heatmaps**, one
# small picture per joint, bright where the joint is, or with **coordinates**.
# **Post-processing** makes keypoints of them: it finds the peak of each map,
# and keeps the best of several answers for the same thing (non-maximum
# suppression, NMS).
#
# We try three predictors on 100 people that none of them has seen. The first
# does not even look: it says the **mean pose** of the 600 for everybody.

# %% tags=["nbval-check-output"]
test = draw_all(100, "valid")
images, keypoints, visible, head_size = test
mean = np.nanmean(train[1], axis=0)
print("as the package's:", np.allclose(mean, mean_pose(train[1], train[2])))
guess = np.broadcast_to(mean, keypoints.shape)

distance = np.linalg.norm(guess - keypoints, axis=-1)     # (100, 16), px
print(f"mean error: {np.nanmean(distance):.0f} px of 64")
print(f"head size: {head_size[0]:.1f} px")

labelled = visible > 0
hits = distance / head_size[:, None] <= 0.5
print(f"PCKh@0.5 by hand: {100 * hits[labelled].mean():.0f} %")
scores = {"mean pose": pckh(guess, keypoints, visible, head_size).pooled()}
print(f"PCKh@0.5 of the package: {100 * scores['mean pose']:.0f} %")

# %% [markdown]
# How good is good? Eight pixels are a lot in a picture of 64 and nothing in
# one of 4000. So errors are measured in **head sizes** of the person. A joint
# counts as correct if it is at most half a head size off. The share of
# correct joints is the measure of MPII, written `PCKh@0.5` (percentage of
# correct keypoints, by head size). Published tables leave out pelvis and
# thorax; chapter 9 has the rest of the small print.
#
# Without looking, PCKh is **18** %. That is the **trivial baseline**: a
# predictor that is not clearly above it might as well not look.
#
# The second predictor is in the traditional spirit, in a few lines. Its
# feature is made by hand: the picture shrunk to 16 x 16 colours. It finds the
# **nearest** of the 600 pictures and copies its pose.
#
# **Predict first.** Will it beat the mean pose?

# %% tags=["nbval-check-output"]
def features(pictures):
    """Pictures (N, 64, 64, 3) as rows of 16 * 16 * 3 mean colours."""
    blocks = pictures.reshape(len(pictures), 16, 4, 16, 4, 3)
    return blocks.mean(axis=(2, 4)).reshape(len(pictures), -1)


known, asked = features(train[0]), features(images)
nearest = np.array([((known - f) ** 2).sum(axis=1).argmin() for f in asked])
copied = np.where(np.isnan(train[1][nearest]), mean, train[1][nearest])
scores["nearest picture"] = pckh(copied, keypoints, visible,
                                 head_size).pooled()
for name, score in scores.items():
    print(f"{name:16} PCKh@0.5 {100 * score:3.0f} %")

pairs = [(images[i], train[0][nearest[i]]) for i in (0, 1, 2)]
show_people([p for pair in pairs for p in pair],
            titles=["asked", "nearest"] * 3, size=1.6,
            alt="Three pairs of pictures. In each the backgrounds have "
            "similar colours, but the people stand quite differently.")

# %% [markdown]
# It does not. Pictures that are near to each other in colour have similar
# *backgrounds*; the pose hardly matters. This is the trouble with hand-made
# features: someone has to say what to look at, and what to overlook. (Better
# ones are in chapter 2.)
#
# The third is a network that **learns** what to look at. Two layers shrink
# the picture to 16 x 16 cells, four layers look around in it, farther and
# farther, and the last one answers with 16 heatmaps. How such layers work is
# for later chapters; here you see that it is not much code.
#
# Training: take 32 of the 600 pictures, change them a little (mirrored,
# turned, larger or smaller), let the network answer, measure how far its
# heatmaps are from the right ones, and change its numbers a little for the
# better. This 200 times; it takes some ten seconds. Then it answers for the
# 100 new people, and `codec.decode` reads the peaks of its heatmaps.

# %% tags=["nbval-check-output"]
def layer(before, after, size=3, stride=1, reach=1):
    """A convolution, normalised, with its negative values cut off."""
    return nn.Sequential(
        nn.Conv2d(before, after, size, stride, reach * (size // 2), reach,
                  bias=False),
        nn.BatchNorm2d(after), nn.ReLU())


network = nn.Sequential(
    layer(3, 24, size=5, stride=2), layer(24, 32, stride=2),
    layer(32, 32, reach=2), layer(32, 32, reach=4),
    layer(32, 32, reach=4), layer(32, 32, reach=2),
    nn.Conv2d(32, 16, 1))
nn.init.normal_(network[-1].weight, std=0.001)
codec = HeatmapCodec(input_size=64, heatmap_size=16, sigma=1.0)

numbers = sum(p.numel() for p in network.parameters())
print("numbers to learn:", numbers)

# %%
steps = 200
optimizer = torch.optim.AdamW(network.parameters(), weight_decay=0.05)
schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 0.015, steps)
small_changes = Augmentation(scale=0.15, rotation=15)
generator = torch.Generator().manual_seed(0)
for step in range(steps):
    chosen = rng.integers(0, 600, 32)
    batch = make_batch(*[part[chosen] for part in train], window=64,
                       input_size=64, augmentation=small_changes,
                       generator=generator)
    target, weights = codec.encode(batch.keypoints, batch.visible)
    loss = heatmap_mse(network(batch.images), target, weights)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    schedule.step()

network.eval()
with torch.no_grad():
    pixels = torch.tensor(images).permute(0, 3, 1, 2)
    answer = network(normalise(pixels))
predicted = codec.decode(answer)[0].numpy()

# %% tags=["nbval-check-output"]
print("heatmaps", tuple(answer.shape), "-> keypoints", predicted.shape)
parts = {"all": range(16),
         "trunk": MPII.indices(["upper_neck", "thorax", "pelvis"]),
         "wrists": MPII.indices(["left_wrist", "right_wrist"])}
print("PCKh@0.5, rounded to tens:")
for name, points in (("mean pose", guess), ("network", predicted)):
    rates = pckh(points, keypoints, visible, head_size)
    print(f"{name:10}", *[f"{part} {10 * round(10 * rates.pooled(k))} %"
                          for part, k in parts.items()], sep="  ")

few = [0, 1, 2, 3]
show_people([*images[few]] * 3,
            [*keypoints[few], *predicted[few], *[mean] * 4],
            columns=4, size=1.27,
            titles=["label"] * 4 + ["network"] * 4 + ["mean pose"] * 4,
            alt="Four people, in three rows: with the labels, with the "
            "network's answer, and with the same mean pose on each. The "
            "network's trunks fit, some limbs are wrong.")

# %% [markdown]
# Ten seconds of training place about half of the joints correctly, and about
# **90** % of neck, thorax and pelvis. Of the wrists it is only about **10** %:
# they are small and can be anywhere. The mean pose hangs in front of everybody
# alike.
#
# Larger networks that see larger pictures and train for hours do much better:
# HRNet-W32 is published with 90.3 % on MPII's validation photos (Sun et al.
# 2019). The document (1.2) names Hourglass, CPM and CPN (chapter 11), and says
# what remains hard: to be accurate and fast at once. The way there is the one
# you have just gone.
#
# ## Quiz
#
# **1.** A picture has shape (480, 640, 3). Where is the pixel $x = 500$,
# $y = 100$, and what does `image[500, 100]` give?
#
# <details><summary>Answer</summary>
#
# `image[100, 500]`. There are 480 rows, so `image[500, 100]` is an
# IndexError.
# </details>
#
# **2.** You see somebody from behind. On which side of the picture is the
# right shoulder?
#
# <details><summary>Answer</summary>
#
# On the right, mostly. Left and right are the person's, and from behind they
# agree with yours.
# </details>
#
# **3.** A knee behind a table has visibility 1 and a position. Should it
# count in training?
#
# <details><summary>Answer</summary>
#
# Usually yes. Its position is known, and a network should learn to infer
# hidden joints. Only joints with visibility 0 have nothing to learn from.
# </details>
#
# **4.** A picture 64 pixels wide is mirrored. Where does a joint at $x = 0$
# go, and where one at $x = 31.5$?
#
# <details><summary>Answer</summary>
#
# To $64 - 1 - 0 = 63$, and to 31.5: the middle of the picture stays. With
# $W - x$ instead, everything would be one pixel off.
# </details>
#
# **5.** Somebody reports an error of 5 pixels. Is that good?
#
# <details><summary>Answer</summary>
#
# One cannot say. It depends on how large the person is in the picture. In
# head sizes it would mean something, and beside a trivial baseline more.
# </details>
#
# **6.** Why can one picture not tell a forearm that points to the camera
# from one that points away?
#
# <details><summary>Answer</summary>
#
# Every line of sight through the wrist's pixel meets the sphere of possible
# wrists around the elbow twice (or touches it once). Both points are the
# same pixel.
# </details>
#
# ## Summary
#
# - A picture is an array `[row, column, colour]`; a position is $(x, y)$; the
#   centre of pixel $i$ is $i$.
# - Keypoints are a $K \times 2$ array whose rows have names. Visibility is 0
#   (not labelled, NaN), 1 (hidden) or 2.
# - A skeleton is names and bones. Data sets differ; what one does not have
#   stays empty.
# - A pose does not depend on position and size. Angles and movements follow
#   from it.
# - Left and right are the person's. A mirror moves the joints *and* exchanges
#   their names.
# - One picture does not tell depth: two 3-D poses can look the same.
# - A predictor is judged in head sizes and beside the mean pose.
#
# ## Common mistakes
#
# | what goes wrong | why |
# |---|---|
# | the skeleton lies mirrored at the diagonal | $(x, y)$ used as `[x, y]`; arrays are `[y, x]` |
# | training with mirrored pictures makes a network worse | the joints were moved but not renamed |
# | a bone runs to the upper left corner | an unlabelled joint was stored as (0, 0) instead of NaN |
# | "right" is counted as the right of the picture | sides are the person's own |
# | 50 % sounds good or bad by itself | the trivial baseline is not beside it |
#
# ## Further reading
#
# - Andriluka, Pishchulin, Gehler, Schiele: *2D Human Pose Estimation: New
#   Benchmark and State of the Art Analysis* (CVPR 2014). MPII: where the 16
#   joints and PCKh come from.
# - Lin et al.: *Microsoft COCO: Common Objects in Context* (ECCV 2014). The
#   data set behind the 17 joints.
# - Toshev, Szegedy: *DeepPose: Human Pose Estimation via Deep Neural
#   Networks* (CVPR 2014). The first CNN that answers with coordinates; short
#   and readable.
# - Tompson, Jain, LeCun, Bregler: *Joint Training of a Convolutional Network
#   and a Graphical Model for Human Pose Estimation* (NIPS 2014). The step to
#   heatmaps.
