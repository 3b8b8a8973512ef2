# %% [markdown] document="1.1; 1.3; 1.4"
# # 1. Keypoints, skeletons, poses
#
# **Draw a skeleton on a picture, see a network find one, and know the words
# for everything in between.**
#
# ![Three drawn people who wave, do jumping jacks and squat. In the lower row each has a skeleton of coloured lines that follows every movement.](figures/01_opening.gif)
#
# Above, what a computer gets. Below, what a network made of it, picture by
# picture: nobody told it where the joints are. By the end of this course you
# will have built such a network; by the end of this chapter you will know
# what it does, and train a first, small one.
#
# | | |
# |---|---|
# | **You will learn** | what a keypoint, a skeleton and a pose are, as arrays; whose left is left; what a mirror does; what 3-D adds; how a prediction is made and measured |
# | **You need** | Python and NumPy arrays; no machine learning |
# | **Time** | 40 min to read, 50 min to do |
# | **Runs in** | 40 s on two CPU cores |
#
# Look at a person and you see at once where the elbow is. A computer gets an
# array of numbers. **Human pose estimation** finds the points of the body in
# that array: head, shoulders, elbows, wrists, hips, knees, ankles. Once they
# are found, a program can follow a gesture, recognise an action or correct
# an exercise.
#
# This chapter goes the whole way once, quickly. Every step gets a chapter of
# its own later.
#
# > **What is "the document"?** The course follows an article that was written
# > in Chinese, *Pose Estimation原理与代码实例讲解* ("Pose estimation: its
# > principles, explained with a code example"). We chose it because it is
# > typical: in a few pages it covers the whole subject, from the first
# > definition to a network in PyTorch, and it makes many claims without
# > testing one. So there is a lot to build, and a lot to check. Some claims
# > hold, some do not, and you will see the measurements. The article breaks
# > off in the middle of its network's code; chapter 7 finishes the network.
# >
# > You do not need to read Chinese. Where we discuss the document, we quote
# > it in our own translation. "Document 4.2" means its section 4.2.

# %% tags=["setup"]
import matplotlib.pyplot as plt
import numpy as np
import torch
from torch import nn

from posecourse.authoring.chapters import require
from posecourse.codecs import HeatmapCodec
from posecourse.datasets.synthetic import (Difficulty, SyntheticMotion,
                                           SyntheticPeople)
from posecourse.drawing import draw_box, draw_pose
from posecourse.exercises import check, hint, quiz
from posecourse.geometry import flip_points
from posecourse.losses import heatmap_mse
from posecourse.metrics import mean_pose, pckh
from posecourse.skeletons import COCO, MPII, UPPER_BODY, remap
from posecourse.transforms import Augmentation, make_batch, normalise
from posecourse.visualization import animate, explore, show_people, use_style
from posecourse.visualization.diagrams import named_joints, pixel_values
from posecourse.visualization.tables import table

require("0.1")
torch.set_num_threads(1)      # the same sums on every machine
torch.manual_seed(0)
rng = np.random.default_rng(0)
use_style()

# %%
level = Difficulty(noise=0)       # no grain: smaller files
people = SyntheticPeople(600, size=256, difficulty=level)
chosen = [people[i] for i in (11, 55, 9, 32, 56)]
pictures = [people.read_image(person) for person in chosen]

nothing = np.full((16, 2), np.nan)
show_people(pictures * 2,
            [nothing] * 5 + [person.keypoints for person in chosen],
            [person.visible for person in chosen] * 2, columns=5, size=1.7,
            alt="Five drawn people in rooms and landscapes; below, the same "
            "five with a skeleton of coloured lines on each.")

# %% [markdown]
# Again, the upper row is what a computer gets, and the lower row is what it
# should find. The person's right side is orange with round joints, the left
# side blue with diamonds, the middle green with squares. A hollow joint is
# hidden.
#
# None of these people was ever photographed. `SyntheticPeople` computes
# them, and each picture comes out the same on every machine. There is
# nothing to download, and the place of every joint is known exactly. But
# they are easier than photos: **a score measured on them says little about
# photos.** Photos come in chapter 10.
#
# ## 1. A picture is an array of numbers
#
# The first of the five will stay with us. Let us look at a patch of 8 x 6
# pixels where the raised hand meets the wall.

# %% tags=["nbval-check-output"]
person = people[11]
image = people.read_image(person)
print("shape", image.shape, "type", image.dtype, "numbers", image.size)
print("x = 56, y = 14: red, green, blue =", image[14, 56])

pixel_values(image, x=56, y=14, width=8, height=6,
             alt="Left: a person with a raised hand, a small white frame "
             "around the hand. Right: the pixels in the frame, enlarged to "
             "coloured squares, each with its red value written on it.")

# %% [markdown] document="2 keypoint; 4.1 coordinates"
# The picture is **196608** numbers between 0 and 255: 256 rows of 256 pixels
# with a red, a green and a blue value each. Three conventions hold in the
# whole course.
#
# - A **position** is $(x, y)$: $x$ grows to the right, $y$ grows *down*.
# - An **array** is indexed `[row, column]`, which is `[y, x]`.
# - The **centre of pixel** $i$ is $i$. In the right picture, the tick 56 is
#   in the middle of the first column. A picture of width $W$ therefore
#   reaches from $-0.5$ to $W - 0.5$.
#
# **Predict first.** `tiny = np.array([[10, 11, 12], [13, 14, 15]])` is a
# picture with two rows and three columns. Which value is at $x = 2$, $y = 1$?
# And what does `tiny[2, 1]` give?
#
# <details><summary>Answer</summary>
#
# The value is 15, `tiny[1, 2]`. `tiny[2, 1]` asks for row 2, and there are
# only rows 0 and 1: an IndexError. Be glad of it. In a square picture the
# same mistake gives you a wrong pixel and no message.
# </details>
#
# ## 2. Keypoints
#
# The document (2) defines our first word:
#
# > **Keypoint**: a joint of the human skeleton, such as head top, neck,
# > shoulder, elbow, wrist, hip, knee, ankle.
#
# $K$ keypoints of one person are an array of $K$ rows and two columns, $x$
# and $y$; the document (4.1) writes $Y \in \mathcal{R}^{K \times 2}$. Here
# are the $K = 16$ of the data set MPII for our person. No network found
# them. They are the **labels**, the right answers.
#
# **Predict first.** Our person faces us. Will the right wrist be on the left
# or on the right of the picture? Compare $x$ of `right_wrist` and
# `left_wrist` in the table.

# %% tags=["nbval-check-output"]
print("keypoints", person.keypoints.shape)
named_joints(image, person.keypoints, MPII,
             alt="The person with all 16 keypoints, a line from each to its "
             "name. The names of the right side stand on the left of the "
             "picture, those of the left side and the middle on the right.")
table([(k, joint, x, y, int(v)) for k, (joint, (x, y), v) in enumerate(
           zip(MPII.joints, person.keypoints, person.visible))],
      ("row", "joint", "x", "y", "visibility"))

# %% [markdown]
# <details><summary>Answer</summary>
#
# On the *left* of the picture: its $x$ is **56.8**, that of the left wrist
# **166.3**. Sides are the person's own, as if you stood in their shoes.
# </details>
#
# A keypoint lies where the joint is, not on the centre of a pixel, so its
# numbers have decimals. 196608 numbers went in, and 32 should come out.
#
# **Left and right are the person's own**, in every data set. So the pixels
# around a wrist cannot tell you which wrist it is; you have to look at the
# whole body.
#
# The last column of the table is the **visibility**:
#
# | value | meaning |
# |---|---|
# | 0 | not labelled, for instance outside the picture; its position is NaN |
# | 1 | labelled, but hidden behind something or behind the body itself |
# | 2 | visible |
#
# The second person of the first picture has some values of 1.

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
# This person is seen from behind, so here orange *is* on the right. The
# joints behind the ball have positions all the same: there is a shoulder, and
# we know roughly where. People who label photos guess such joints in the same
# way, and a network learns to guess them too.
#
# ### Exercise 01.1 ★☆☆ What is hidden?
#
# Write `hidden_joints(visible, skeleton)`: a list of the names of the joints
# that are labelled but hidden, in the skeleton's order. (5 minutes)
#
# Expected for `second.visible`: the three names printed above. Stuck?
# `hint("01.1")` gives you a push, and a bigger one each time you ask.

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

# %% [markdown] document="2 skeleton; 4.3 upper body"
# ## 3. Skeletons
#
# The document (2) goes on:
#
# > **Skeleton**: the structure of the body, made of the keypoints and the
# > connections between them.
#
# We call the connections **bones**: pairs of joints. That is all it takes to
# draw a skeleton. A bone runs from joint $a$ to joint $b$; its points are
# $(1 - t)\,a + t\,b$ for $t$ from 0 to 1, and we colour the pixel under each
# of them. The package has `draw_pose`, which draws lines of any width. Does
# it draw the same bones?

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
show_people([one_arm, by_hand, drawn], size=2.7,
            titles=["two bones, by hand", "15 bones, by hand", "draw_pose"],
            alt="Three times the person: with thin orange lines along one "
            "arm, with thin lines along all bones, and with the package's "
            "thick coloured skeleton.")

# %% [markdown]
# Every pixel we coloured lies under one of its lines.
#
# Which joints make up a skeleton is a choice, and each data set made its own.
# The document's example (4.3) is an upper body of five joints.
#
# ![Three skeletons on a grey body with one raised hand: MPII with 16 joints from head top to ankles, COCO with 17, whose face has nose, eyes and ears but whose trunk has no middle line, and an upper body with head, neck and one arm.](figures/01_skeletons.svg)
#
# MPII has a head top, a neck and a pelvis, but no face. COCO has a face, but
# nothing in the middle of the trunk. Keypoints in one order can be put into
# the other: joints with the same name are copied, the rest stay empty.

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
            titles=["MPII", "as COCO", "as upper body"], size=3,
            alt="The person with three skeletons. The one in COCO's order "
            "has no face and no middle line, the upper body is a head, a "
            "neck and the raised arm.")

# %% [markdown] document="2 pose"
# The gaps stay gaps: NaN, visibility 0. It is tempting to use the head top
# as the nose. A network trained on such labels learns a nose that is too
# high, and no error message will ever tell you.
#
# ## 4. Poses
#
# The document's third word (2):
#
# > **Pose**: the spatial form and the movement of the body, expressed by the
# > skeleton.
#
# A pose stays the same when a person steps aside or comes nearer. So to
# compare poses we take position and size out of the keypoints: we subtract
# their mean, then divide by their typical distance from it (the root of the
# mean square). We try that on a triangle first, and on the same triangle
# twice as large and moved.
#
# Then come real poses. We draw 600 people at 64 x 64 pixels, normalise them
# all, and look for those whose joints are nearest to our person's, on average
# over the joints.

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
            columns=5, size=1.7, alt="Our person, three different people "
            "in nearly the same pose, and one in a very different pose.")

# %% [markdown]
# The two triangles give the same six numbers. And in the pictures: the same
# pose, other people, other places. Person 11, at distance 0, is our
# own: the small picture and the large one show the same pose. (We did not
# take out rotation: somebody who lies down has a different pose from somebody
# who stands.)
#
# What can a pose tell us? How far an arm is bent, for instance. At joint $b$
# between $a$ and $c$, the angle is the one between $a - b$ and $c - b$. We
# try it on a right angle and on a straight line before we trust it.
#
# Then somebody waves for two seconds, 48 frames, and we measure the elbow in
# each.

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

video = SyntheticMotion("wave", seconds=2, fps=24, size=256, seed=1,
                        difficulty=level)
angles = np.array([joint_angle(*moment.keypoints[right_arm])
                   for moment in video])
inner = angles[1:-1]
dips = 1 + np.flatnonzero((inner < angles[:-2]) & (inner < angles[2:]))
print("waving: elbow most bent in frames", *dips)
print("waves counted:", len(dips), " waves made:", video.repetitions)

# %% tags=["hide-input"]
def draw_moment(number):
    """The picture with its skeleton, and where we are on the curve."""
    moment = video[number]
    fig, (left, right) = plt.subplots(1, 2, figsize=(4.8, 2.2),
                                      width_ratios=(1, 1.5))
    left.imshow(draw_pose(video.read_image(moment), moment.keypoints))
    left.set(xlim=(30, 220), ylim=(235, 25))
    left.set_axis_off()
    right.plot(angles, color="0.8", linestyle="-")
    right.plot(dips, angles[dips], "^", color="#D55E00", markersize=9)
    right.plot(number, angles[number], "o", color="#0072B2", markersize=10)
    right.set(xlabel="frame", title="right elbow, degrees", ylim=(55, 130))
    return fig


animate(draw_moment, range(0, 48, 4), fps=6,
        alt="Somebody waves, with the skeleton drawn on in every frame. "
        "Beside it a dot runs along the curve of the elbow's angle, through "
        "two marked dips.")

# %% [markdown]
# Each dip is one wave, so to count waves is to count dips. Counting squats,
# judging a serve, steering a game with your arms: many of the applications
# that the document lists (3.4) start like this, with a few lines on top of
# the keypoints.
#
# ### Exercise 01.2 ★★☆ Hands up
#
# Write `hand_up(keypoints)`: True if at least one wrist is higher in the
# picture than the head top. A joint that is not labelled is NaN; a wrist at
# an unknown height is not up. (10 minutes)
#
# Expected for our person: `False`. The right wrist is high, but not above
# the head top. For the third of the five, `people[9]`: `True`.

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
# A mirrored picture shows another person who might well exist, and it costs
# nothing. Most networks are trained with such pictures as well. The pixel in
# column $x$ moves to column $W - 1 - x$, and so do the keypoints.
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
            size=2.7, titles=["original", "moved only: wrong",
                              "moved and renamed: right"],
            alt="The person, and twice the mirror image. With positions "
            "only moved, the raised arm is still orange, as a right arm. "
            "After left and right are exchanged it is blue.")

# %% [markdown]
# <details><summary>Answer</summary>
#
# No, that is not all. The person in the mirror raises the *left* hand. So the
# joints have to change their names as well as their places: the rows of left
# and right are exchanged. `flip_points` does both.
# </details>
#
# In the middle picture the skeleton lies perfectly on the person, and yet
# **12** of 16 labels are wrong. Nothing looks broken. A network trained with
# this bug learns that left and right are a matter of luck.
#
# ### Exercise 01.3 ★★★ A test that finds the bug
#
# How would you *notice* such a bug? With a test. Write `is_right(flip)`:
# True if the function you are given mirrors correctly, False if it has a
# bug. It is called as
#
# `new_keypoints, new_visible = flip(keypoints, visible, width, pairs)`
#
# where `pairs` lists the rows to exchange, as `MPII.flip_pairs` does. The
# visibility changes sides together with the joint, and the arrays that `flip`
# is given must stay as they were. The checker hands your test several right
# functions, and several wrong ones that have all been seen in real code.
# (20 minutes)
#
# A first idea, to flip twice and compare with the start, does not get far:
# try it with "moved only".

# %% tags=["exercise"]
def is_right(flip):
    """Whether flip(keypoints, visible, width, pairs) mirrors correctly."""
    # make up a small case, work out on paper what flip should return for
    # it, and compare; np.array_equal(a, b) and np.allclose(a, b) help


# %% tags=["solution"]
def is_right(flip):
    """Whether flip(keypoints, visible, width, pairs) mirrors correctly."""
    keypoints = np.array([[10., 5.], [20., 8.], [30., 9.], [np.nan, np.nan]])
    visible = np.array([2, 2, 1, 0])
    given = keypoints.copy(), visible.copy()
    points, seen = flip(*given, 64, [(0, 2), (1, 3)])
    untouched = (np.array_equal(given[0], keypoints, equal_nan=True)
                 and np.array_equal(given[1], visible))
    expected = [[33, 9], [np.nan, np.nan], [53, 5], [43, 8]]
    return bool(untouched
                and np.allclose(points, expected, equal_nan=True)
                and np.array_equal(seen, [1, 0, 2, 2]))


# %% tags=["check"]
check("01.3", is_right)

# %% [markdown] document="2 single; 2 several; 2 2D; 2 3D"
# ## 5. One or many, flat or deep
#
# So far we had one person in the plane of one picture: **single-person 2-D
# pose estimation**. The document (2) names the other tasks too.
#
# ![A table of tasks: one person or several people across, 2-D or 3-D down, each with little skeletons, and a strip of video frames below.](figures/01_task_map.svg)
#
# With **several people** there is a new question: whose wrist is this? The
# document's answer (2): "one first has to detect where the people are and
# then localise their keypoints". First a box around each person, then the
# joints inside each box; this is called *top-down*. Three people are an array
# of shape (3, 16, 2).

# %% tags=["nbval-check-output"]
scene = people.scene(21, people=3)
everybody = np.stack([p.keypoints for p in scene.persons])
print("keypoints", everybody.shape)

wide = draw_pose(scene.image, everybody,
                 [p.visible for p in scene.persons])
for number, p in enumerate(scene.persons):
    x, y, w, h = p.box
    inside = ((everybody >= (x, y)) & (everybody <= (x + w, y + h))).all(-1)
    foreign = inside.sum() - inside[number].sum()
    print(f"box {number}: holds {foreign} joints of other people")
    wide = draw_box(wide, p.box, f"person {number}")
show_people([scene.image, wide], size=3.6,
            alt="Three people close to each other in a room; beside it the "
            "same picture with a box and a skeleton for each of them. The "
            "boxes overlap, and arms and legs reach into a neighbour's box.")

# %% [markdown]
# The boxes overlap, and each holds joints of a neighbour: the middle one as
# many as **12**. A network that looks into a box has to know which of two
# elbows is meant. That is where several people become difficult.
#
# A **3-D pose** has a third number for each joint: how far away it is. We
# know it here, since the people are drawn from 3-D skeletons. A camera turns
# three numbers into two: it divides $x$ and $y$ by the distance $z$, so that
# far things become small.
#
# **Predict first.** Can we get $z$ back from a single picture?

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

# %% [markdown]
# <details><summary>Answer</summary>
#
# No. The cell constructs a second wrist on the same line of sight: it falls
# on the same pixel, **0.000** px away, and the forearm is exactly as long.
# Yet in space the two wrists are **31** cm apart. (A line through a sphere of
# the forearm's length around the elbow meets it twice.)
# </details>
#
# Seen from the camera, the two poses cannot be told apart. Turn the skeleton
# and you see the difference.

# %% tags=["hide-input"]
middle = joints[MPII.index("pelvis")]
both = np.concatenate([joints - middle, [other - middle]])


def draw_turned(turn, other_forearm):
    """The picture, and the skeleton turned about its vertical axis."""
    fig, (flat, deep) = plt.subplots(1, 2, figsize=(7.4, 4))
    flat.imshow(drawn, interpolation="bicubic")
    flat.set_axis_off()
    cos, sin = np.cos(np.radians(turn)), np.sin(np.radians(turn))
    x, y = both[:, 0] * cos + both[:, 2] * sin, both[:, 1]
    for a, b in MPII.bone_indices:
        deep.plot(x[[a, b]], y[[a, b]], "-", lw=4, solid_capstyle="round",
                  color=MPII.bone_color((a, b)))
    if other_forearm:
        ends = [right_arm[1], 16]
        deep.plot(x[ends], y[ends], "--", lw=3, color="#CC79A7")
    deep.set(xlim=(-1, 1), ylim=(1, -1.05), aspect="equal", xlabel="metres",
             title=f"the skeleton, turned by {turn} degrees")
    return fig


explore(draw_turned, "Left the picture with its skeleton, right the 3-D "
        "skeleton turned by {turn} degrees, with the second possible "
        "forearm dashed", turn=(-180, 180, 60, 5), other_forearm=True)

# %% [markdown] document="2 traditional; 2 deep; 3.1"
# At 0 degrees, the camera's own view, the dashed forearm almost covers the
# other one (the right drawing leaves perspective out). This is the **depth
# ambiguity**: every bone of known length has two possible directions, towards
# the camera and away from it. What helps is knowledge about bodies. Joints
# have limits, and some poses are rare.
#
# ## 6. The first predictions
#
# From here on, no labels: now we look for the joints. The document (2) knows
# two ways:
#
# > Traditional methods use hand-designed features and a classifier or
# > regressor, such as HOG + SVM or DPM. Deep learning uses the CNN's power to
# > extract features and goes from the image directly to heatmaps or
# > coordinates of the keypoints; post-processing (such as NMS) then gives the
# > final prediction.
#
# ![Two rows of boxes. Traditional: image, features such as HOG, a classifier such as an SVM, parts on springs such as DPM, keypoints. Deep learning: image, CNN, then either heatmaps or coordinates, post-processing, keypoints.](figures/01_pipeline.svg)
#
# In other words: the traditional way computes **features** that people
# designed, and lets a **classifier** decide from them. A **convolutional
# neural network (CNN)** learns the features too. Its output is **heatmaps**,
# one small picture per joint, bright where the joint is, or **coordinates**.
# **Post-processing** turns them into keypoints: it finds the peak of each map
# and keeps the best of several answers for the same thing (non-maximum
# suppression, NMS).
#
# We try three predictors on 100 people that none of them has seen. The first
# does not even look at the picture: it gives everybody the **mean pose** of
# the 600.

# %% tags=["nbval-check-output"]
test = draw_all(100, "valid")
images, keypoints, visible, head_size = test
mean = np.nanmean(train[1], axis=0)
off = np.abs(mean - mean_pose(train[1], train[2])).max()
print(f"our mean pose and the package's differ by {off:.4f} px")
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
# Is that good? Eight pixels are a lot in a picture of 64 and nothing in one
# of 4000, so errors are measured in **head sizes** of the person. A joint
# counts as correct if it is at most half a head size off. The share of
# correct joints is MPII's measure, written `PCKh@0.5` (percentage of correct
# keypoints, by head size). Published tables leave out pelvis and thorax;
# chapter 9 has the rest of the small print.
#
# Without a look at the picture, PCKh is **18** %. This is the **trivial
# baseline**. A predictor that is not clearly above it might as well keep its
# eyes shut.
#
# The second predictor follows the traditional spirit, in a few lines. Its
# feature is made by hand: the picture, shrunk to 16 x 16 colours. It finds
# the **nearest** of the 600 pictures and copies its pose.
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
# <details><summary>Answer</summary>
#
# It does not. Pictures that are near to each other in colour have similar
# *backgrounds*; the pose hardly matters.
# </details>
#
# This is the trouble with features made by hand: someone has to decide what
# to look at and what to overlook.
#
# The third predictor is a network that **learns** what to look at. Two layers
# shrink the picture to 16 x 16 cells, four layers look around in it, farther
# and farther, and the last one gives 16 heatmaps. Later chapters explain how
# such layers work. Here you can see that it is not much code.
#
# Training goes like this. Take 32 of the 600 pictures and change them a
# little: mirror them, turn them, make them larger or smaller. Let the network
# give its heatmaps, measure how far these are from the right ones, and nudge
# its numbers so that they come nearer. Do that 200 times; it takes about ten
# seconds. Then show it the 100 new people. `codec.decode` reads the peaks of
# its heatmaps.

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
rates = {name: pckh(points, keypoints, visible, head_size)
         for name, points in (("mean pose", guess), ("network", predicted))}
few = [0, 1, 2, 3]
show_people([*images[few]] * 3,
            [*keypoints[few], *predicted[few], *[mean] * 4],
            columns=4, size=1.3,
            titles=["label"] * 4 + ["network"] * 4 + ["mean pose"] * 4,
            alt="Four people, in three rows: with the labels, with the "
            "network's answer, and with the same mean pose on each. The "
            "network's trunks fit, some limbs are wrong.")
table([(name, *[10 * round(10 * rate.pooled(k)) for k in parts.values()])
       for name, rate in rates.items()],
      ("PCKh@0.5, to the nearest ten", *parts))

# %% [markdown]
# Ten seconds of training place about half of the joints correctly, and about
# **90** % of neck, thorax and pelvis. Of the wrists it is only about **10** %:
# they are small and can be anywhere. The mean pose hangs in front of
# everybody alike. (The table is in tens because training ends a little
# differently on another machine.)
#
# Larger networks that see larger pictures and train for hours do much better.
# HRNet-W32 is published with 90.3 % on MPII's validation photos (Sun et al.
# 2019). The document (1.2) says that "classic networks such as Hourglass,
# CPM and CPN have achieved excellent results on standard data sets, but
# accuracy and speed in real time remain a challenge". Chapter 11 builds these
# networks. The way there is the one you have just gone.
#
# ## Quiz

# %%
quiz("01")

# %% [markdown]
# ## Summary
#
# - A picture is an array `[row, column, colour]`; a position is $(x, y)$; the
#   centre of pixel $i$ is $i$.
# - Keypoints are a $K \times 2$ array whose rows have names. Visibility is 0
#   (not labelled, NaN), 1 (hidden) or 2 (visible).
# - A skeleton is names and bones. Data sets differ; what one does not have
#   stays empty.
# - A pose does not depend on position and size. Angles and movements follow
#   from it.
# - Left and right are the person's own. A mirror moves the joints *and*
#   exchanges their names.
# - One picture does not show depth: two 3-D poses can look the same.
# - A predictor is judged in head sizes and beside the mean pose.
#
# ## Common mistakes
#
# | what goes wrong | why |
# |---|---|
# | the skeleton lies mirrored at the diagonal | $(x, y)$ used as `[x, y]`; arrays are `[y, x]` |
# | training with mirrored pictures makes a network worse | the joints were moved but not renamed |
# | a bone runs to the upper left corner | an unlabelled joint was stored as (0, 0) instead of NaN |
# | "right" is taken for the right of the picture | sides are the person's own |
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
#   Networks* (CVPR 2014). The first CNN that gives coordinates; short and
#   readable.
# - Tompson, Jain, LeCun, Bregler: *Joint Training of a Convolutional Network
#   and a Graphical Model for Human Pose Estimation* (NIPS 2014). The step to
#   heatmaps.
