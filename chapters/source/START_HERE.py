# %% [markdown]
# # Human pose estimation
#
# Three people who never existed, and a network that finds their joints,
# picture by picture. This course begins with a few pixels whose numbers you
# can read. At its end you will have built, trained and measured such networks,
# and run one on a photo of your own.

# %% tags=["setup"]
# The network at work. A click on the three dots shows how.
import numpy as np

from posecourse.datasets.synthetic import Difficulty, SyntheticMotion
from posecourse.drawing import draw_pose
from posecourse.inference import Predictor
from posecourse.visualization import animate

predict = Predictor.load("laptop", device="cpu")
people = [SyntheticMotion(style, fps=8, size=208, seed=seed,
                          difficulty=Difficulty(noise=0))
          for style, seed in [("jumping_jack", 3), ("dance", 2), ("squat", 1)]]


def found(frame):
    """Three people at one moment, each with the pose that was found."""
    pictures = [motion.read_image(motion[frame]) for motion in people]
    drawn = [draw_pose(picture, predict(picture)[0].keypoints)
             for picture in pictures]
    return np.hstack([picture[:, 34:-34] for picture in drawn])


animate(found, range(len(people[0])), fps=8, alt="Three drawn people do "
        "jumping jacks, dance and squat; a skeleton follows each of them.")

# %% [markdown]
# ## How it works
#
# This page is a notebook: text, and cells of code that you can run. **Click
# on a cell and press Shift+Enter**: it runs, and the next one is selected.
# Try it with the cell below. It draws a map of the course.

# %%
from posecourse.authoring.overview import course_map

course_map()

# %% [markdown] document="5.1"
# Come back and run that cell again whenever you like: it shows what you have
# solved and where to go on.
#
# - **Read, predict, run.** Before a cell that surprises, the text asks you to
#   *predict first*. Decide, then run it, then open the answer.
# - **Exercises** have a cell for your code and one that checks it. If it is
#   not right yet, you see the first case that goes wrong, and hints to open.
# - **Break things.** These notebooks are your own copies: updates of the
#   course never overwrite what you changed. If a notebook gets muddled,
#   *Kernel > Restart Kernel and Run All Cells* puts it in order; deleted, it
#   comes back fresh the next time that you type `posecourse lab`.
# - **Words** that you don't know are in the [glossary](glossary.md).
#
# You need to know some Python and NumPy and what a derivative is; from chapter
# 4 on, a little PyTorch. Plan about two hours for a chapter. You need no
# graphics card, no account and, from here on, no internet: the course draws
# its own people. `posecourse doctor`, typed in a terminal, says whether
# everything that it needs is installed, and how to mend what is not.
