# %% [markdown]
# # Homework 2: How blurred is best?
#
# **Find out how wide the bump of a target should be, and for which decoder.**
#
# | | |
# |---|---|
# | **Follows** | [chapters 3](../03_heatmaps.ipynb) [to 5](../05_heatmap_or_regression.ipynb) |
# | **Time** | 2 h |
# | **Points** | 10: 6 for the three tasks, 4 that your teacher reads (see the rubric) |
#
# Everybody uses sigma = 2 cells, because everybody does. With perfect maps it
# would not matter: DARK reads them all to a thousandth of a pixel. A network's
# maps are not perfect. Here is a world in which you can turn the imperfection up
# with a knob, and see which sigma one should have chosen.

# %% tags=["setup"]
import numpy as np
import torch

from posecourse import HeatmapCodec
from posecourse.exercises import check, hint
from posecourse.visualization import figure, use_style

use_style()
torch.set_num_threads(1)
INPUT, CELLS = 128, 32         # pixels and cells across: the stride is 4

# %% [markdown]
# A map of one joint with sigma 1 and 3, clean and with noise of a quarter of the
# bump's height. Which would you rather search for the joint?

# %%
rng = np.random.default_rng(0)
wrist, seen = torch.tensor([[[70.0, 45.0]]]), torch.ones(1, 1)
clean = []
for sigma in (1, 3):
    maps, _ = HeatmapCodec(INPUT, CELLS, sigma=sigma).encode(wrist, seen)
    clean.append(maps[0, 0].numpy())
noisy = [m + 0.25 * rng.normal(size=m.shape) for m in clean]
with figure("Four maps: a narrow and a wide bump, clean and in noise; of the "
            "narrow one a few bright cells are left, of the wide one a hill.",
            columns=4, size=(9, 2.5)) as panels:
    for axes, one, title in zip(panels, [*clean, *noisy],
                                ["sigma 1", "sigma 3"] * 2):
        axes.imshow(one, vmin=-0.5, vmax=1.25)
        axes.set(title=title, xticks=[], yticks=[])

# %% [markdown]
# ### Exercise H2.1 ★☆☆ There and back
#
# Write `round_trip(keypoints, visible, sigma, decoder, noise)`:
#
# 1. encode the joints with a `HeatmapCodec` of `INPUT`, `CELLS` and this sigma;
# 2. add `noise`, an array like the maps, `(N, K, CELLS, CELLS)`;
# 3. decode with `decoder` (`"argmax"`, `"quarter"`, `"dark"`, `"soft_argmax"`);
# 4. give the mean distance to the joint, in pixels of the input, over all joints
#    that are labelled (`visible` above 0).
#
# `keypoints` `(N, K, 2)` and `visible` `(N, K)` are NumPy arrays, NaN where there
# is no label. The answer is one number.

# %% tags=["exercise"]
def round_trip(keypoints, visible, sigma, decoder, noise):
    """Mean distance, in pixels, after encoding, noise and decoding."""
    # your code here


# %% tags=["solution"]
def round_trip(keypoints, visible, sigma, decoder, noise):
    """Mean distance, in pixels, after encoding, noise and decoding."""
    codec = HeatmapCodec(INPUT, CELLS, sigma=sigma)
    maps, _ = codec.encode(torch.tensor(keypoints), torch.tensor(visible))
    found, _ = codec.decode(maps + torch.tensor(noise), decoder)
    off = np.linalg.norm(found.numpy() - keypoints, axis=-1)
    return float(off[visible > 0].mean())


# %% tags=["check"]
check("H2.1", round_trip)

# %% [markdown]
# ### Exercise H2.2 ★★☆ The best sigma
#
# Write `best_sigma(keypoints, visible, sigmas, decoder, noises)`: `noises` is
# `(R, N, K, CELLS, CELLS)`, R draws of the noise. Give `(sigma, errors)`: the
# sigma with the smallest error, and the error of each sigma, `(S,)`, as a mean over
# the draws. Every sigma meets the **same** draws, so that luck does not choose.
# Where two are equally good, the smaller sigma.

# %% tags=["exercise"]
def best_sigma(keypoints, visible, sigmas, decoder, noises):
    """The sigma with the smallest error, and the error of each."""
    # your code here


# %% tags=["solution"]
def best_sigma(keypoints, visible, sigmas, decoder, noises):
    """The sigma with the smallest error, and the error of each."""
    errors = np.array([
        np.mean([round_trip(keypoints, visible, sigma, decoder, noise)
                 for noise in noises])
        for sigma in sigmas])
    order = np.lexsort((sigmas, errors))       # by error, then by sigma
    return float(sigmas[order[0]]), errors


# %% tags=["check"]
check("H2.2", best_sigma)

# %% [markdown]
# ### Exercise H2.3 ★★★ A decoder of your own
#
# All three decoders of chapter 3 look at the highest cell and its neighbours.
# Noise does that, too. Write `centre_of_mass(maps, radius)`, which asks more cells:
# for each map take the window of `radius` cells on each side of the highest cell
# (cut off at the edge of the map), set what is below 0 in it to 0, and give the
# centre of mass of what is left, **in pixels of the input**: `(N, K, CELLS, CELLS)`
# to `(N, K, 2)`, x first.
#
# By hand: if the highest cell is in column 10, row 5, with value 2, its right
# neighbour is 1 and all else is 0, the centre of mass is column 10.33, row 5, and
# the answer (42.83, 21.5).

# %% tags=["exercise"]
def centre_of_mass(maps, radius):
    """Joints (N, K, 2) in pixels from maps (N, K, CELLS, CELLS)."""
    # your code here


# %% tags=["solution"]
def centre_of_mass(maps, radius):
    """Joints (N, K, 2) in pixels from maps (N, K, CELLS, CELLS)."""
    people, joints = maps.shape[:2]
    cells = np.zeros((people, joints, 2))
    rows, columns = np.mgrid[:CELLS, :CELLS]
    for n in range(people):
        for k in range(joints):
            one = maps[n, k]
            row, column = np.unravel_index(one.argmax(), one.shape)
            near = np.maximum(abs(rows - row), abs(columns - column)) <= radius
            mass = np.where(near, one.clip(0), 0)
            cells[n, k] = ((columns * mass).sum() / mass.sum(),
                           (rows * mass).sum() / mass.sum())
    return (cells + 0.5) * INPUT / CELLS - 0.5


# %% tags=["check"]
check("H2.3", centre_of_mass)

# %% [markdown]
# ## The answer to the question
#
# 15 people of 8 joints, three strengths of noise, seven sigmas, four decoders, one
# of them yours. The mark is at each decoder's best sigma.

# %%
SIGMAS = np.array([0.75, 1, 1.5, 2, 2.5, 3, 4])
joints, labelled = rng.uniform(12, 116, (15, 8, 2)), np.full((15, 8), 2)
draws = rng.normal(size=(3, 15, 8, CELLS, CELLS))


def my_errors(strength, radius=3):
    """As `best_sigma`, for the decoder of your own."""
    errors = []
    for sigma in SIGMAS:
        codec = HeatmapCodec(INPUT, CELLS, sigma=sigma)
        maps, _ = codec.encode(torch.tensor(joints), torch.tensor(labelled))
        found = [centre_of_mass(maps.numpy() + strength * draw, radius)
                 for draw in draws]
        errors.append(np.linalg.norm(found - joints, axis=-1).mean())
    return SIGMAS[np.argmin(errors)], np.array(errors)


# %% tags=["hide-input"]
STRENGTHS, NAMES = (0.02, 0.1, 0.25), ("argmax", "quarter", "dark", "mine")
if centre_of_mass(draws[0], 3) is None or best_sigma(
        joints, labelled, SIGMAS[:1], "dark", draws) is None:
    print("Solve the three tasks first; then this cell draws.")
else:
    with figure("Error against sigma for four decoders at three strengths of "
                "noise: with little noise small sigmas are best, with more "
                "the best sigma grows, and the centre of mass suffers least.",
                columns=3, size=(10, 3.4), sharey=True) as panels:
        for axes, strength in zip(panels, STRENGTHS):
            for name, style in zip(NAMES, ("o:", "s-.", "^--", "D-")):
                best, errors = (my_errors(strength) if name == "mine" else
                                best_sigma(joints, labelled, SIGMAS, name,
                                           strength * draws))
                line, = axes.plot(SIGMAS, errors, style, ms=4, label=name)
                axes.plot(best, errors.min(), "*", ms=15,
                          color=line.get_color())
                print(f"noise {strength:4g}  {name:8s} best sigma {best:4g}: "
                      f"{errors.min():5.2f} px")
            axes.set(title=f"noise {strength:g}", xlabel="sigma, cells",
                     yscale="log")
        panels[0].set_ylabel("mean error, pixels")
        panels[0].legend()

# %% [markdown]
# ## Your words
#
# In three or four sentences: which sigma would you use, and what would you have to
# know about your network first? For whom is sigma = 2 a good choice? Name two
# numbers. A network that is trained with a wide bump also makes other errors than
# this noise: name one that this experiment cannot show.

# %% [markdown]
# *(Write here.)*

# %% [markdown]
# ## Rubric
#
# | what your teacher reads | points | for what |
# |---|---|---|
# | **figure** | 2 | it is there and drawn from your functions (1); you changed `radius` or the noise and say below what that did (1) |
# | **words** | 2 | a choice with two numbers (1); one limit of the experiment (1) |
