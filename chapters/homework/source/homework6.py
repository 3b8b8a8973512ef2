# %% [markdown]
# # Homework 6: The honest coach
#
# **Count squats, measure how deep they are, and find out whom your coach treats
# unfairly.**
#
# | | |
# |---|---|
# | **Follows** | [chapters 14](../14_applications.ipynb) [and 15](../15_deployment.ipynb) |
# | **Time** | 2 h |
# | **Points** | 10: 6 for the three tasks, 4 that your teacher reads (see the rubric) |
#
# "Deeper! That one did not count." Your coach is a camera and sees a flat knee. You
# build it: an angle for each moment, gaps filled, repetitions counted. Then sixteen
# people do three squats each before it, all of them deep, filmed from wherever they
# happened to put the phone.

# %% tags=["setup"]
import numpy as np

from posecourse import MPII
from posecourse.datasets import SyntheticMotion
from posecourse.exercises import check, hint
from posecourse.motion import joint_angle
from posecourse.visualization import figure, show_people, use_style

use_style()

# %%
film = SyntheticMotion("squat", seconds=6, fps=8, size=128, seed=3)
frames = [film[i] for i in (0, 2, 4, 6, 8, 10)]
show_people([film.read_image(f) for f in frames],
            [f.keypoints for f in frames],
            titles=[f"{i / 8:.2f} s" for i in (0, 2, 4, 6, 8, 10)],
            alt="Six moments of a squat, down and up again, with the skeleton "
            "drawn on.")

# %% [markdown]
# ### Exercise H6.1 ★☆☆ The knee
#
# Write `knee_angle(keypoints)`: MPII's joints `(T, 16, 2)` to `(T,)`, the angle at the
# knee between thigh and shin in **degrees** (straight is 180), as the mean of both
# knees. Where one knee's angle is NaN, take the other; where both are, NaN.

# %% tags=["exercise"]
def knee_angle(keypoints):
    """The mean angle of both knees in degrees, (T,)."""
    # your code here


# %% tags=["solution"]
def knee_angle(keypoints):
    """The mean angle of both knees in degrees, (T,)."""
    joint = lambda name: keypoints[:, MPII.index(name)]
    left, right = (
        joint_angle(joint(f"{side}_hip"), joint(f"{side}_knee"),
                    joint(f"{side}_ankle")) for side in ("left", "right"))
    both = (left + right) / 2
    return np.where(np.isfinite(both), both, np.where(np.isfinite(left), left,
                                                      right))


# %% tags=["check"]
check("H6.1", knee_angle)

# %% [markdown]
# ### Exercise H6.2 ★★☆ Short gaps
#
# Somebody walks through the picture, and for a moment there is no knee. Write
# `fill_gaps(angle, rate, longest)`: `angle` `(T,)` has `rate` values a second. A
# gap is a run of NaN with a number before and one after it. If it lasts at most
# `longest` seconds (its number of values divided by `rate`), a straight line
# between the two takes its place. Longer gaps, and NaN at the ends, stay: a coach
# must not invent a squat. What was passed in must not be changed.

# %% tags=["exercise"]
def fill_gaps(angle, rate, longest):
    """The same, with short gaps filled by straight lines, (T,)."""
    # your code here


# %% tags=["solution"]
def fill_gaps(angle, rate, longest):
    """The same, with short gaps filled by straight lines, (T,)."""
    angle = np.array(angle, float)                    # a copy
    known = np.flatnonzero(np.isfinite(angle))
    for before, after in zip(known[:-1], known[1:]):
        missing = after - before - 1
        if 0 < missing <= longest * rate + 1e-9:
            angle[before:after + 1] = np.linspace(
                angle[before], angle[after], missing + 2)
    return angle


# %% tags=["check"]
check("H6.2", fill_gaps)

# %% [markdown]
# ### Exercise H6.3 ★★★ Count
#
# Write `squats(angle, rate, down, up)`, with `down < up`. A squat
#
# - begins with the first value at or below `down`,
# - ends with the next value at or above `up`; only then another one can begin;
# - counts only if from beginning to end at least 0.3 s pass, and only if it ends.
#
# NaN changes nothing. Give an array `(S, 3)`: for each squat when it begins and when
# it ends, in seconds (value `i` is at `i / rate`), and the smallest angle in it. For
# no squat that is `np.zeros((0, 3))`.

# %% tags=["exercise"]
def squats(angle, rate, down, up):
    """Begin, end and depth of each squat, (S, 3)."""
    # your code here


# %% tags=["solution"]
def squats(angle, rate, down, up):
    """Begin, end and depth of each squat, (S, 3)."""
    found, begin = [], None
    for i, value in enumerate(angle):
        if begin is None and value <= down:
            begin = i
        elif begin is not None and value >= up:
            if (i - begin) / rate >= 0.3:
                found.append((begin / rate, i / rate,
                              np.nanmin(angle[begin:i + 1])))
            begin = None
    return np.array(found).reshape(-1, 3)


# %% tags=["check"]
check("H6.3", squats)

# %% [markdown]
# ## Sixteen people, 48 squats
#
# All of them bend their knees below 90 degrees. Your coach asks for 110 in the flat
# picture. `side` says how far the phone stands from straight ahead (0) towards their
# side (90 degrees).

# %% tags=["hide-input"]
DOWN, UP = 110, 150
people = [SyntheticMotion("squat", seconds=8, fps=12, size=64, seed=seed)
          for seed in range(16)]
side = np.array([90 - abs(90 - abs(p.stances[0].facing)) for p in people])
flat = [knee_angle(p.camera.project(p.joints)) for p in people]
if flat[0] is None or fill_gaps(flat[0], 12, 0.3) is None or squats(
        flat[0], 12, DOWN, UP) is None:
    print("Solve the three tasks first; then this cell draws.")
else:
    true = [knee_angle(p.joints) for p in people]
    counted, real = ([len(squats(fill_gaps(a, 12, 0.3), 12, DOWN, UP))
                      for a in angles] for angles in (flat, true))
    print(f"counted {sum(counted)} of {sum(p.repetitions for p in people)}; "
          f"with the angles in space {sum(real)}")

# %% tags=["hide-input"]
if flat[0] is not None and "counted" in globals():
    with figure("Left two curves of a knee, one from the side and one from "
                "the front, which never falls to the line. Right how many of "
                "three squats were counted, by the side of the phone.",
                columns=2, size=(10, 3.3)) as (curves, dots):
        shallow = np.argmax([angle.min() for angle in flat])
        for who, style in ((side.argmax(), "-"), (shallow, "--")):
            curves.plot(people[who].times, flat[who], style,
                        label=f"{side[who]:.0f}° from ahead")
        curves.axhline(DOWN, color="#777777", lw=1)
        curves.set(xlabel="seconds", ylabel="knee in the picture, degrees",
                   ylim=(70, 215))
        curves.legend(loc="upper right", ncols=2)
        dots.plot(side, counted, "o")
        dots.set(xlabel="filmed so many degrees from straight ahead",
                 ylabel="counted of 3", yticks=range(4), xlim=(-3, 93))

# %% [markdown]
# ## Your words
#
# In three or four sentences: whom does your coach treat unfairly, and from which side
# on? Somebody says: then ask for 140 instead of 110. What would go wrong? Name two
# numbers, and the sentence that should stand on the app's first page.

# %% [markdown]
# *(Write here.)*

# %% [markdown]
# ## Rubric
#
# | what your teacher reads | points | for what |
# |---|---|---|
# | **figure** | 2 | it is there and drawn from your functions (1); you added one thing: other thresholds, a film with gaps, a film of your own or with a network (1) |
# | **words** | 2 | who is treated unfairly, with two numbers (1); what a lower demand would count wrongly (1) |
