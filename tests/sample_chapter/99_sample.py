# %% [markdown]
# # 99. A sample
#
# **Show every part of a chapter once.**
#
# | | |
# |---|---|
# | **You will learn** | what a chapter consists of |
# | **You need** | nothing |
# | **Time** | 1 min to read, 1 min to do |
# | **Runs in** | 2 s |

# %% tags=["setup"]
import sys
import types

import matplotlib.pyplot as plt
import numpy as np

from posecourse.authoring.chapters import require
from posecourse.exercises import check, exercise, quiz
from posecourse.exercises.quiz import Choice, Question
from posecourse.visualization import explore

require("0.1")
rng = np.random.default_rng(0)


# %%
# Those of a real chapter live in posecourse/exercises/chapter_NN.py.
chapter_99 = types.ModuleType("posecourse.exercises.chapter_99")
chapter_99.QUIZ = tuple(
    Question(f"{n} or {n + 1}?",
             (Choice(f"{n}", "This is right.", right=True),
              Choice(f"{n + 1}", "This is one more.")))
    for n in range(4))
sys.modules[chapter_99.__name__] = chapter_99


@exercise("99.1", hints=("Add it to itself.", "2 * x"))
def _(attempt):
    for x in range(4):
        attempt.gives(2 * x, x, mistakes={"this is the square": x * x})


@exercise("99.2", hints=("Column first.", "(2, ...)"))
def _(attempt):
    attempt.equals((2, 1))


@exercise("99.3", hints=("The opposite of twice.", "x / 2"))
def _(attempt):
    attempt.gives(1.5, 3)


# %% [markdown]
# ## 1. A number
#
# The sum of the first five numbers, $\sum_{i=0}^4 i$, is **10**.
# [The solutions](solutions/99_sample.ipynb) are beside this notebook.
#
# **Predict first.** What does the next cell print?
#
# <details><summary>Answer</summary>
#
# The sum.
# </details>

# %% tags=["nbval-check-output"]
print("sum", np.arange(5).sum())


# %% [markdown]
# ## 2. A picture

# %%
def draw(power):
    figure, axes = plt.subplots(figsize=(3, 2))
    axes.plot(np.arange(10) ** power)
    return figure


explore(draw, "A curve of power {power}, rising from left to right",
        power=(1, 3, 2))

# %% tags=["raises-exception", "nbval-check-output"]
np.zeros(2) + np.zeros(3)

# %% [markdown]
# ### Exercise 99.1 ★☆☆ Twice


# %% tags=["exercise"]
def twice(x):
    """Return two times x."""


# %% tags=["solution"]
def twice(x):
    """Return two times x."""
    return 2 * x


# %% tags=["check"]
check("99.1", twice)

# %% [markdown]
# ### Exercise 99.2 ★★☆ The peak

# %% tags=["exercise"]
peak = None

# %% tags=["solution"]
peak = (2, 1)

# %% tags=["check"]
check("99.2", peak)

# %% [markdown]
# ### Exercise 99.3 ★★★ Half


# %% tags=["exercise"]
def half(x):
    """Return x, halved."""


# %% tags=["solution"]
def half(x):
    """Return x, halved."""
    return x / 2


# %% tags=["check"]
check("99.3", half)

# %% [markdown]
# ## Quiz

# %%
quiz("99")

# %% [markdown]
# ## Summary
#
# - A chapter has parts.
#
# ## Common mistakes
#
# | what goes wrong | why |
# |---|---|
# | a part is missing | see above |
#
# ## Further reading
#
# - none
