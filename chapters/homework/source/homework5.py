# %% [markdown]
# # Homework 5: Where to put the second phone
#
# **Rebuild a jump in space from two phones, and find the best angle between
# them.**
#
# | | |
# |---|---|
# | **Follows** | [chapters 12](../12_multi_person.ipynb) [and 13](../13_lifting_3d.ipynb) |
# | **Time** | 2 h |
# | **Points** | 10: 6 for the three tasks, 4 that your teacher reads (see the rubric) |
#
# A friend does jumping jacks, and two phones on tripods film her. Side by side, both
# see the same; face to face, almost the same, mirrored. Somewhere in between, two
# flat films make the best body in space. Where? Write down your guess in degrees.

# %% tags=["setup"]
import numpy as np

from posecourse import metrics
from posecourse.datasets import SyntheticMotion
from posecourse.exercises import check, hint
from posecourse.lifting import PinholeCamera, reprojection_errors, triangulate
from posecourse.visualization import figure, use_style

use_style()
WIDTH, HEIGHT = 1280, 720


def phone(degrees, distance=4.0):
    """A phone so many degrees around the friend, on a tripod of 1.2 m.

    The friend stands at (0, 0, 0) of a world in metres whose y points down.
    """
    turn = np.deg2rad(degrees)
    place = [distance * np.sin(turn), -1.2, -distance * np.cos(turn)]
    lens = np.array([[900, 0, WIDTH / 2], [0, 900, HEIGHT / 2], [0, 0, 1]])
    return PinholeCamera.looking(lens, np.array(place), np.array([0, -1.0, 0]))


# %%
jump = SyntheticMotion("jumping_jack", seconds=2, fps=8, seed=2)
pelvis = jump.joints[:, jump.skeleton.index("pelvis")].mean(0)
points = jump.joints - pelvis * [1, 0, 1]              # over the origin
BONES = [(jump.skeleton.index(a), jump.skeleton.index(b))
         for a, b in jump.skeleton.bones]
with figure("A person with raised arms as a skeleton, seen by phones at 0, 45 "
            "and 90 degrees; the shoulders look narrower and narrower.",
            columns=3, size=(9, 2.4)) as panels:
    for axes, degrees in zip(panels, (0, 45, 90)):
        flat = phone(degrees).project(points[4])
        for bone in BONES:
            axes.plot(*flat[list(bone)].T, "o-", ms=3, color="#0072B2")
        axes.set(title=f"{degrees} degrees", xlim=(340, 940), ylim=(HEIGHT, 0),
                 xticks=[], yticks=[])

# %% [markdown]
# ### Exercise H5.1 ★☆☆ What a phone sees
#
# Write `film(camera, points, noise)`: points of the world `(T, K, 3)` to pixels
# `(T, K, 2)`, with `noise` `(T, K, 2)` added, as a network's errors. A joint that
# **then** lies outside the picture is NaN: inside is from -0.5 to `WIDTH` - 0.5 and
# from -0.5 to `HEIGHT` - 0.5, both ends included. So is one behind the camera.

# %% tags=["exercise"]
def film(camera, points, noise):
    """Pixels (T, K, 2) of points (T, K, 3); NaN outside the picture."""
    # your code here


# %% tags=["solution"]
def film(camera, points, noise):
    """Pixels (T, K, 2) of points (T, K, 3); NaN outside the picture."""
    flat = camera.project(points) + noise
    low, high = -0.5, np.array([WIDTH, HEIGHT]) - 0.5
    inside = ((flat >= low) & (flat <= high)).all(-1)
    return np.where(inside[..., None], flat, np.nan)


# %% tags=["check"]
check("H5.1", film)

# %% [markdown]
# ### Exercise H5.2 ★★☆ Back into space
#
# Write `rebuild(films, cameras, most)`: films `(V, T, K, 2)` of V cameras to points
# `(T, K, 3)`. `triangulate` does the geometry. But where one film is badly wrong, say
# by a swapped wrist, the point is nonsense. So project each point back
# (`reprojection_errors`), and make it NaN where it is more than `most` pixels off
# in **any** film that saw the joint.

# %% tags=["exercise"]
def rebuild(films, cameras, most):
    """Points (T, K, 3) of V films; NaN where a film contradicts."""
    # your code here


# %% tags=["solution"]
def rebuild(films, cameras, most):
    """Points (T, K, 3) of V films; NaN where a film contradicts."""
    points = triangulate(films, cameras)
    off = reprojection_errors(points, cameras, films)        # (V, T, K)
    points[(off > most).any(0)] = np.nan
    return points


# %% tags=["check"]
check("H5.2", rebuild)

# %% [markdown]
# ### Exercise H5.3 ★★★ The best angle
#
# Write `error_by_angle(points, angles, noise)`: for each angle one number, in
# **millimetres**. One phone stands at 0 degrees, one at the angle (`phone(...)`);
# `noise` is `(2, T, K, 2)`, for the first and the second. Both film, and
# `rebuild` makes points with `most` = 30. The number is the **mean** distance to
# the true points over the joints that were rebuilt; NaN if there is none.

# %% tags=["exercise"]
def error_by_angle(points, angles, noise):
    """Mean error in millimetres for each angle between two phones, (A,)."""
    # your code here


# %% tags=["solution"]
def error_by_angle(points, angles, noise):
    """Mean error in millimetres for each angle between two phones, (A,)."""
    errors = []
    for angle in angles:
        cameras = [phone(0), phone(angle)]
        films = np.stack([film(*each) for each in zip(
            cameras, (points, points), noise)])
        off = np.linalg.norm(rebuild(films, cameras, 30) - points, axis=-1)
        known = np.isfinite(off)
        errors.append(1000 * off[known].mean() if known.any() else np.nan)
    return np.array(errors)


# %% tags=["check"]
check("H5.3", error_by_angle)

# %% [markdown]
# ## The answer
#
# Joints that are found with an error of 5 pixels in each direction, and one phone
# alone for comparison: it puts every joint at the distance of the friend, 4 m.

# %% tags=["hide-input"]
ANGLES = np.array([2, 5, 10, 20, 30, 45, 60, 75, 90,
                   105, 120, 135, 150, 165, 175])
rng = np.random.default_rng(0)
noise = 5 * rng.normal(size=(2, *points.shape[:2], 2))


def one_phone(points, noise):
    """Everything at 4 m: the mean error of one phone alone, in millimetres."""
    camera = phone(0)
    rays = camera.normalize(camera.project(points) + noise)
    ones = np.ones_like(rays[..., :1])
    there = camera.to_world(4 * np.concatenate([rays, ones], -1))
    return 1000 * metrics.mpjpe(there, points)


if film(phone(0), points, noise[0]) is None or error_by_angle(
        points, ANGLES[:1], noise) is None:
    print("Solve the three tasks first; then this cell draws.")
else:
    errors = error_by_angle(points, ANGLES, noise)
    best, alone = ANGLES[np.nanargmin(errors)], one_phone(points, noise[0])
    print(f"best angle {best} degrees: {np.nanmin(errors):.0f} mm; at 5 "
          f"degrees {errors[1]:.0f} mm; one phone alone {alone:.0f} mm")

# %% tags=["hide-input"]
if film(phone(0), points, noise[0]) is not None and np.ndim(errors):
    with figure("The error in space against the angle between two phones: "
                "large near 0 and 180 degrees, flat and small around 90; "
                "a line for one phone.", size=(7.5, 3.2)) as axes:
        axes.plot(ANGLES, errors, "o-", label="two phones")
        axes.axhline(alone, ls=":", color="#777777",
                     label="one phone, all at 4 m")
        axes.set(xlabel="angle between the phones, degrees",
                 ylabel="mean error, mm", yscale="log",
                 xticks=range(0, 181, 30))
        axes.legend()

# %% [markdown]
# ## Your words
#
# In three or four sentences: what would you tell your friend's sister, who has to put
# up the second phone? How exact does she have to be? Between which angles does it
# hardly matter, and from which on are two phones worse than one? Name two numbers.

# %% [markdown]
# *(Write here.)*

# %% [markdown]
# ## Rubric
#
# | what your teacher reads | points | for what |
# |---|---|---|
# | **figure** | 2 | it is there and drawn from your functions (1); you added a second curve: other noise, another distance, a third phone (1) |
# | **words** | 2 | advice with two numbers, beside one phone alone (1); the guess from the beginning is compared with what came out, with a reason (1) |
