# %% [markdown]
# # Homework 4: Which tool would you buy?
#
# **Read two tools' files of predictions and say which is better, and how sure
# that is.**
#
# | | |
# |---|---|
# | **Follows** | [chapters 9](../09_evaluation.ipynb) [to 11](../11_architectures.ipynb) |
# | **Time** | 2 h |
# | **Points** | 10: 6 for the three tasks, 4 that your teacher reads (see the rubric) |
#
# Two companies sell software that finds 17 joints. You let both look at the same
# people, whose joints somebody has labelled. One finds a little more. Is it better,
# or was it lucky with these people? And how many would you have to label to know?

# %% tags=["setup"]
import json

import numpy as np

from posecourse import COCO, metrics
from posecourse.exercises import check, hint
from posecourse.visualization import figure, use_style

use_style()


# %% tags=["setup", "hide-input"]
def people_and_files(count, seed=0):
    """Labels of some people, and the files of two tools that looked at them.

    keypoints (N, 17, 2), visible (N, 17), head_size (N,), the texts A and B.
    """
    rng = np.random.default_rng(seed)
    keypoints = np.round(rng.uniform(20, 400, (count, 17, 2)), 1)
    visible = rng.integers(0, 3, (count, 17))
    head = rng.uniform(20, 50, count)
    hard = rng.gamma(1.5, 0.22, (count, 1, 1))       # for both tools
    texts = []
    for quality in (1.0, 1.12):
        off = rng.standard_t(4, keypoints.shape) * hard * head[:, None, None]
        found = keypoints + quality * off
        score = (rng.random((count, 17)) > 0.06) * 0.9       # 0: not found
        found = np.where(score[..., None] > 0, found + 1, 0)
        rows = np.round(np.concatenate([found, score[..., None]], -1), 2)
        texts.append(json.dumps([
            {"person": int(n), "keypoints": rows[n].ravel().tolist()}
            for n in rng.permutation(count) if rng.random() > 0.03]))
    keypoints[visible == 0] = np.nan
    return keypoints, visible, head, *texts


# %% [markdown]
# This is how a file begins: a list with an entry for each person, in any order; in
# it 17 times x, y, score in the order of `COCO.joints`. **These tools count pixels
# from 1**, as MPII's files do. A joint that was not found is written `0, 0, 0`, and
# a person who was not found is not in the list at all.

# %%
keypoints, visible, head, file_a, file_b = people_and_files(60)
print(file_a[:200], "...")
print(COCO.joints)

# %% [markdown]
# ### Exercise H4.1 ★☆☆ Read a file
#
# Write `read_file(text, count)`: the predictions of a file as `(count, 17, 2)`,
# person `n` in row `n`, pixels counted from **0**, NaN for what was not found.

# %% tags=["exercise"]
def read_file(text, count):
    """Predictions (count, 17, 2), pixels from 0; NaN: not found."""
    # your code here


# %% tags=["solution"]
def read_file(text, count):
    """Predictions (count, 17, 2), pixels from 0; NaN: not found."""
    found = np.full((count, 17, 2), np.nan)
    for entry in json.loads(text):
        joints = np.reshape(entry["keypoints"], (17, 3))
        there = joints[:, 2] > 0
        found[entry["person"], there] = joints[there, :2] - 1
    return found


# %% tags=["check"]
check("H4.1", read_file)

# %% [markdown]
# ### Exercise H4.2 ★★☆ One number, and how sure it is
#
# Write `score(found, keypoints, visible, head)`: `PCKh@0.5` over all 17 joints as
# `(value, low, high)`, **in percent**: the share of labelled joints (`visible`
# above 0) that lie within half a head size, and the ends of its 95 % interval. What
# was not found is wrong. Persons, not joints, are what is drawn for the interval:
# `metrics.pck_hits` and `metrics.bootstrap_interval` do the work, with their
# default settings.

# %% tags=["exercise"]
def score(found, keypoints, visible, head):
    """PCKh@0.5 in percent, and the ends of its interval."""
    # your code here


# %% tags=["solution"]
def score(found, keypoints, visible, head):
    """PCKh@0.5 in percent, and the ends of its interval."""
    hit = metrics.pck_hits(found, keypoints, visible, head, 0.5)
    interval = metrics.bootstrap_interval(hit)
    ends = (interval.value, interval.low, interval.high)
    return tuple(100 * v for v in ends)


# %% tags=["check"]
check("H4.2", score)

# %% [markdown]
# ### Exercise H4.3 ★★★ The difference
#
# Both tools saw the same people, and who is hard for one is hard for the other.
# Write `difference(a, b, keypoints, visible, head)`: `PCKh@0.5` of `a` minus that
# of `b`, in points of percent, and the ends of its 95 % interval: three numbers.
# Draw the **same persons for both**. You may use a function of `metrics` or draw
# 1,000 times yourself; the ends may differ by a little luck.

# %% tags=["exercise"]
def difference(a, b, keypoints, visible, head):
    """How much more `a` finds than `b`, in points, with its interval."""
    # your code here


# %% tags=["solution"]
def difference(a, b, keypoints, visible, head):
    """How much more `a` finds than `b`, in points, with its interval."""
    first, second = (metrics.pck_hits(found, keypoints, visible, head, 0.5)
                     for found in (a, b))
    interval = metrics.paired_interval(first, second)
    ends = (interval.value, interval.low, interval.high)
    return tuple(100 * v for v in ends)


# %% tags=["check"]
check("H4.3", difference)

# %% [markdown]
# ## How many people does it take?
#
# The same two tools, on more and more people. The bar is the interval of the
# difference; where it does not touch 0, you know which tool is better.

# %% tags=["hide-input"]
import warnings

warnings.filterwarnings("ignore", message=".*not finite.*")
COUNTS = (30, 60, 120, 240, 480, 960)


def compare(count):
    """The two tools on so many people."""
    keypoints, visible, head, *texts = people_and_files(count, seed=1)
    tools = [read_file(text, count) for text in texts]
    if tools[0] is None:
        return None
    return difference(*tools, keypoints, visible, head)


if score(read_file(file_a, 60), keypoints, visible, head) is None or compare(
        30) is None:
    print("Solve the three tasks first; then this cell draws.")
else:
    for name, text in (("A", file_a), ("B", file_b)):
        value, low, high = score(read_file(text, 60), keypoints, visible, head)
        print(f"tool {name}: {value:.1f} % ({low:.1f} to {high:.1f}) of 60")
    rows = np.array([compare(count) for count in COUNTS])

# %% tags=["hide-input"]
if score(read_file(file_a, 60), keypoints, visible, head) is not None:
    with figure("The difference between two tools with its interval, for more "
                "and more people: it shrinks; with 120 people 0 is inside.",
                size=(7.5, 3.2)) as axes:
        axes.axhline(0, color="#777777", lw=1)
        axes.errorbar([str(c) for c in COUNTS], rows[:, 0],
                      [rows[:, 0] - rows[:, 1], rows[:, 2] - rows[:, 0]],
                      fmt="o", capsize=4)
        axes.set(xlabel="people", ylabel="A minus B, points of PCKh@0.5")

# %% [markdown]
# ## Your words
#
# In three or four sentences: which tool would you buy after 60 people, and after
# 960? What would you write to company B, with two numbers? Both tools were asked
# about the same people: how much wider would the interval be if each had had its
# own 60?

# %% [markdown]
# *(Write here.)*

# %% [markdown]
# ## Rubric
#
# | what your teacher reads | points | for what |
# |---|---|---|
# | **figure** | 2 | it is there and drawn from your functions (1); you added what each tool finds of each joint or of each person, and it says something (1) |
# | **words** | 2 | a decision with its interval, for few and for many people (1); the answer to the last question, computed or argued (1) |
