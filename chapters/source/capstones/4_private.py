# %% [markdown]
# # Capstone 4: it does not look at you
#
# A detector of falls for a bathroom, where no camera should be. It may look,
# but it must not keep: no picture, and nothing by which anybody can be
# recognised. [Chapter 16](../16_outlook.ipynb) has the rubric, and sections 8
# and 9; chapter 14 has actions from keypoints.
#
# **Hand in**: falls found and false alarms an hour, on people held out; how many
# of thirty can still be recognised from what you keep; a data sheet of what
# is kept, for how long, and who can see it.

# %%
import numpy as np

from posecourse.datasets import SyntheticMotion
from posecourse.skeletons import MPII
from posecourse.visualization import figure, use_style
from posecourse.visualization.tables import table

use_style()
PELVIS = MPII.index("pelvis")
EVERYDAY = ("walk", "sit_down", "stand_up", "squat", "dance")

# %% [markdown]
# ## 1. What is kept?
#
# The least that a first detector needs: how high the pelvis is above the
# ground, in shares of its height when standing. One number, eight times a
# second. (Here from true joints in space. Yours comes from a network, or two
# cameras.)

# %%
def heights(style, seed):
    """Height of the pelvis over time, 1 when it begins."""
    film = SyntheticMotion(style, seconds=3, fps=8, seed=seed)
    height = -film.joints[:, PELVIS, 1]          # y points down, ground is 0
    return height / height[0]


with figure("The height of the pelvis over time: it falls to a tenth in a "
            "fall, half-way when somebody sits down, and little else.",
            size=(7, 3)) as axis:
    for style in ("fall", *EVERYDAY):
        axis.plot(heights(style, 1), label=style)
    axis.set(xlabel="frame", ylabel="height of the pelvis")
    axis.legend(ncols=3)

# %% [markdown]
# ## 2. A baseline: below a third, an alarm

# %%
def alarm(height, threshold=0.33):
    return bool((height < threshold).any())


seconds = 3
rows = []
for style in ("fall", *EVERYDAY):
    alarms = sum(alarm(heights(style, seed)) for seed in range(10))
    rate = None if style == "fall" else alarms / (10 * seconds) * 3600
    rows.append((style, alarms, rate))
table(rows, ("style", "alarms in 10 films", "an hour"), digits=0)

# %% [markdown]
# ## 3. Yours
#
# 1. **From pictures.** `Predictor.load("laptop")`, one camera, no true joints.
#    What replaces the height? Whoever kneels to clean the floor is no fall:
#    make such films (`push_up` is one).
# 2. **Nothing to recognise.** Chapter 16 recognises people by bones. Try it on
#    *your* stored signal, and try gait: period, stride, how deep a squat goes.
# 3. **Both errors have a price.** Draw found falls against false alarms an hour
#    for all thresholds. Where would you stand, and who should choose?
# 4. **Ask.** Show it to somebody of the age it is for. What would they want to
#    know, switch off, see?
