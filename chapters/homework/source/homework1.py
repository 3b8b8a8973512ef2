# %% [markdown]
# # Homework 1: Coming or going?
#
# **Tell from the joints alone, on a skeleton of your own, whether somebody
# faces you.**
#
# | | |
# |---|---|
# | **Follows** | [chapters 1](../01_concepts.ipynb) [and 2](../02_classical.ipynb) |
# | **Time** | 90 min |
# | **Points** | 10: 6 for the three tasks, 4 that your teacher reads (see the rubric) |
#
# A skeleton of dots is drawn on a black screen. No face, no clothes, no depth.
# Is the person walking towards you or away? People say: no way to know. You
# will show that four of the dots are enough, and find out for whom they are
# not, once a network has to find the dots.

# %% tags=["setup"]
import matplotlib.pyplot as plt
import numpy as np

from posecourse import Skeleton, SyntheticPeople
from posecourse.exercises import check, hint
from posecourse.skeletons import get_skeleton, remap
from posecourse.visualization import figure, show_people, use_style

use_style()

# The four joints that you need, and their order in every array below.
TORSO = Skeleton("torso", ["left_shoulder", "right_shoulder", "left_hip",
                           "right_hip"])

# %% [markdown]
# Left and right are the person's own. Who has drawn a body in space knows which
# way its chest points; that is the truth here. Six people, their torsos, and the
# answer that your function shall find in the flat picture:

# %% tags=["hide-input"]
def truth_of(person):
    """Whether a drawn person's chest points to the camera."""
    joints = dict(zip(person.skeleton.joints, person.extra["joints_3d"]))
    left, right = joints["left_shoulder"], joints["right_shoulder"]
    hips = (joints["left_hip"] + joints["right_hip"]) / 2
    chest = (left + right) / 2
    return bool(np.cross(left - right, hips - chest) @ chest > 0)


people = SyntheticPeople(40, seed=4, size=128)
shown = [people[i] for i in (1, 2, 7, 11, 12, 13)]
torsos = [remap(p.keypoints, p.visible, p.skeleton, TORSO)[0] for p in shown]
show_people([people.read_image(p) for p in shown], torsos, skeleton=TORSO,
            titles=["faces us" if truth_of(p) else "turned away"
                    for p in shown],
            alt="Six drawn people with shoulders and hips joined by lines; a "
            "title says who faces us and who is turned away.")

# %% [markdown]
# ### Exercise H1.1 ★☆☆ The same four joints from anybody's file
#
# MPII has 16 joints in one order, COCO 17 in another, and other tools have their
# own. Write `to_torso(keypoints, visible, source)`:
#
# - `keypoints` `(N, K, 2)` and `visible` `(N, K)` are in the order of the skeleton
#   that is called `source`, such as `"mpii"` or `"coco"`;
# - give `keypoints` `(N, 4, 2)` and `visible` `(N, 4)` in the order of `TORSO`.
#
# Do not count columns. `hint("H1.1")` helps.

# %% tags=["exercise"]
def to_torso(keypoints, visible, source):
    """Shoulders and hips, (N, 4, 2) and (N, 4), from a skeleton's joints."""
    # your code here


# %% tags=["solution"]
def to_torso(keypoints, visible, source):
    """Shoulders and hips, (N, 4, 2) and (N, 4), from a skeleton's joints."""
    return remap(keypoints, visible, get_skeleton(source), TORSO)


# %% tags=["check"]
check("H1.1", to_torso)

# %% [markdown]
# ### Exercise H1.2 ★★☆ Does she face us?
#
# Stand before a mirror, then imagine yourself from behind: on which side of the
# picture is your left shoulder? Write `faces_us(torso)`: from `(N, 4, 2)` pixels
# to `(N,)` booleans.
#
# It has to be right for somebody in a handstand, too, and for somebody who lies
# on the ground. (In a picture, y points **down**.) Where a joint is NaN, say
# `False`.
#
# For a person whose left shoulder is at (60, 20), the right one at (40, 20), and
# the hips at (58, 60) and (42, 60), it is `True`.

# %% tags=["exercise"]
def faces_us(torso):
    """Whether each of N people faces us: (N, 4, 2) to (N,) booleans."""
    # your code here


# %% tags=["solution"]
def faces_us(torso):
    """Whether each of N people faces us: (N, 4, 2) to (N,) booleans."""
    across = torso[:, 0] - torso[:, 1]      # from right to left shoulder
    down = torso[:, 2:].mean(1) - torso[:, :2].mean(1)
    # which way one has to turn from one to the other
    return across[:, 0] * down[:, 1] - across[:, 1] * down[:, 0] > 0


# %% tags=["check"]
check("H1.2", faces_us)

# %% [markdown]
# ### Exercise H1.3 ★★★ For whom is it hard?
#
# Seen from the side, both shoulders are in one place. Write
# `score_by_width(torso, truth, edges)`. The **width** of a torso is the distance
# of the shoulders, divided by the distance from their middle to that of the hips.
# For each bin `edges[i] <= width < edges[i + 1]` give three numbers, each an array
# with one value for each bin:
#
# - how many people are in it;
# - the share for whom `faces_us` agrees with `truth` (`(N,)` booleans);
# - the share that is right if one always says what is true of **most people of
#   all**, whoever it is: the baseline.
#
# Shares are between 0 and 1, NaN in a bin with nobody. People with a NaN joint
# are left out everywhere.

# %% tags=["exercise"]
def score_by_width(torso, truth, edges):
    """Count, share right and share of the baseline in each bin of width."""
    # your code here


# %% tags=["solution"]
def score_by_width(torso, truth, edges):
    """Count, share right and share of the baseline in each bin of width."""
    known = np.isfinite(torso).all((1, 2))
    torso, truth = torso[known], truth[known]
    down = torso[:, 2:].mean(1) - torso[:, :2].mean(1)
    length = np.linalg.norm(down, axis=1)
    width = np.linalg.norm(torso[:, 0] - torso[:, 1], axis=1) / length
    right = faces_us(torso) == truth
    constant = truth == (truth.mean() >= 0.5)
    bins = [(edges[i] <= width) & (width < edges[i + 1])
            for i in range(len(edges) - 1)]
    shares = [[what[b].mean() if b.any() else np.nan for b in bins]
              for what in (right, constant)]
    return np.array([b.sum() for b in bins]), *np.array(shares)


# %% tags=["check"]
check("H1.3", score_by_width)

# %% [markdown]
# ## Now with a network's eyes
#
# The same rule, once on the labels and once on what the network of the course
# finds in the pictures: 200 people that it has never seen.

# %%
from posecourse.datasets import crop_in_memory
from posecourse.evaluation import predict_crops
from posecourse.models import load_model
from posecourse.models.pretrained import pretrained

crowd = SyntheticPeople(200, seed=21, size=64, split="test")
facing = np.array([truth_of(p) for p in crowd])
crops = crop_in_memory(crowd, 64, margin=1.0, workers=1)
network = load_model(pretrained("laptop") / "weights.safetensors")
found = predict_crops(network, crops)[0]
EDGES = np.array([0, 0.15, 0.3, 0.45, 0.6, 0.75, 3])

# %% tags=["hide-input"]
labels = to_torso(crops.keypoints, crops.visible, "mpii")
if labels is None or score_by_width(labels[0], facing, EDGES) is None:
    print("Solve the three tasks first; then this cell draws.")
else:
    ask = [labels[0], to_torso(found, crops.visible, "mpii")[0]]
    table = [score_by_width(torso, facing, EDGES) for torso in ask]
    names = [f"{low:g} to {high:g}" for low, high in zip(EDGES, EDGES[1:])]
    names[-1] = f"over {EDGES[-2]:g}"
    with figure("The share of people judged rightly against the width of "
                "their torso: all with the labels, with the network's joints "
                "fewer where shoulders are narrow; the baseline below.",
                size=(8, 3.4)) as axes:
        for (count, right, _), style, name in zip(
                table, ("o-", "s--"), ("from the labels", "from the network")):
            axes.plot(names, 100 * right, style, label=name)
        axes.plot(names, 100 * table[1][2], ":", color="#777777",
                  label="always the same, people as the network sees them")
        axes.set(xlabel="width of the torso (shoulders / length)",
                 ylabel="right, %", ylim=(0, 105))
        axes.legend()
    for name, (count, right, constant) in zip(("labels", "network"), table):
        print(f"{name}: people {count}, right {(100 * right).round()} %, "
              f"always the same {(100 * constant).round()} %")

# %% [markdown]
# ## Your words
#
# In three or four sentences: for whom does the rule fail, and is it the rule's
# fault or the network's? Name two numbers of the figure. Would you let a door
# open for "somebody comes towards me" with this?

# %% [markdown]
# *(Write here.)*

# %% [markdown]
# ## Rubric
#
# | what your teacher reads | points | for what |
# |---|---|---|
# | **figure** | 2 | it is there and drawn from your functions (1); you added something that shows *who* is judged wrongly, for example their pictures (1) |
# | **words** | 2 | two numbers with their meaning, also beside the baseline (1); rule and network told apart (1) |
