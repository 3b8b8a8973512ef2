# %% [markdown]
# # Human pose estimation
#
# Three people who never existed, and a network that finds their joints,
# picture by picture. By the end of this course you will have built, trained
# and measured such a network yourself.

# %% tags=["setup"]
import numpy as np

from posecourse.authoring.chapters import require
from posecourse.authoring.overview import course_map
from posecourse.datasets.synthetic import SyntheticMotion
from posecourse.drawing import draw_pose
from posecourse.inference import Predictor
from posecourse.visualization import animate

require("0.1")
predictor = Predictor.load("laptop", device="cpu")
motions = [SyntheticMotion(style, seconds=2, fps=8, size=192, seed=seed)
           for style, seed in [("jumping_jack", 1), ("dance", 2), ("wave", 4)]]


def found(frame):
    """The three people at one moment, each with the pose that was found."""
    pictures = [motion.read_image(motion[frame]) for motion in motions]
    return np.hstack([
        draw_pose(picture, pose.keypoints)
        for picture, (pose,) in zip(pictures, map(predictor, pictures))])


animate(found, range(len(motions[0])), fps=8,
        alt="Three drawn people side by side, jumping, dancing and waving. "
        "A skeleton of coloured lines follows each of them.")

# %% [markdown]
# ## How it works
#
# This page is a notebook: text, and cells of code that you can run. **Click
# on a cell and press Shift+Enter**: it runs, and the next one is chosen. Try
# it with the cell below. It draws a map of the course.

# %%
course_map()

# %% [markdown]
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
# You need to know some Python and NumPy. You need no graphics card, no account
# and, from here on, no network: the course draws its own people.
