"""Exercises, project and quiz of chapter 14: filters, switches, warping."""

import numpy as np

from . import exercise
from .quiz import Choice, Question

QUIZ = (
    Question(
        "A filter makes a wrist perfectly calm, and the applications that use it "
        "feel slow. What is the fair way to compare it with another filter?",
        (
            Choice(
                "By jitter alone: calmer is better.",
                "Every filter can be made as calm as you like if lag does not count. "
                "The calmest of all always says the same.",
            ),
            Choice(
                "By its jitter at the same lag.",
                "Tune both until they come equally late, then see which trembles less.",
                right=True,
            ),
            Choice(
                "By the frequency at which it cuts off.",
                "The One-Euro filter has none: its cut-off changes with the speed.",
            ),
        ),
    ),
    Question(
        "Your One-Euro filter is tuned on 640 x 480 pictures. The new camera gives "
        "1280 x 960. Which parameter has to change?",
        (
            Choice(
                "`beta`, to half.",
                "The same movement is twice as many pixels per second, and the cut-off "
                "grows with `beta` times this speed.",
                right=True,
            ),
            Choice(
                "`min_cutoff`, to half.",
                "It is a frequency in Hz. How many pixels a hand is wide does not "
                "change how quickly it trembles.",
            ),
            Choice(
                "None: the filter adapts to the speed.",
                "It adapts to the speed in *pixels* per second, and these have doubled.",
            ),
        ),
    ),
    Question(
        "A squat counter counts 13 where there were 10. Which of these can help?",
        (
            Choice(
                "A second threshold, some way from the first.",
                "If the extra ones come from trembling at the threshold, yes: the signal "
                "must go all the way there and back.",
                right=True,
            ),
            Choice(
                "Leaving out pictures in which hips or ankles have a low score.",
                "If the extra ones come from joints that jumped elsewhere, yes.",
                right=True,
            ),
            Choice(
                "Subtracting 3.",
                "It mends this film and breaks the next.",
            ),
        ),
    ),
    Question(
        "A recogniser of eleven actions is asked about a twelfth one that it has "
        "never seen. What does it answer?",
        (
            Choice(
                "Each of the eleven with a ninth, since it cannot know.",
                "It has not learned to be unsure. Its numbers add up to 1 whatever it "
                "sees, and are often close to 0 and 1.",
            ),
            Choice(
                "It refuses.",
                "Nothing in it can: refusing is no class.",
            ),
            Choice(
                "One of the eleven, often with a high probability.",
                "So a system for the street needs a class of everything else, or a "
                "test of how unlike the training films this one is.",
                right=True,
            ),
        ),
    ),
    Question(
        "From where should you film squats to read the angle of the knee?",
        (
            Choice(
                "From in front: both knees can be seen.",
                "They bend towards the camera, and look nearly straight.",
            ),
            Choice(
                "From the side.",
                "The leg then lies in the picture's plane, and its angle is seen as it "
                "is.",
                right=True,
            ),
            Choice(
                "It does not matter, with a good network.",
                "The angle was wrong with *true* points, too. What the picture does not "
                "show, no network for 2-D points can tell.",
            ),
        ),
    ),
)


def _low_pass(values, times, cutoff, repeated=False, counted=True):
    """The answer, with the mistakes people make."""
    x, last, before, out = np.nan, None, None, []
    for value, now in zip(values, times):
        if not np.isnan(value):
            if last is None:
                x, last = value, now
            elif repeated or now > last:
                step = max(now - (last if counted else before), 1e-9)
                x = x + (value - x) / (1 + 1 / (2 * np.pi * cutoff * step))
                last = now
        before = now
        out.append(x)
    return np.array(out)


@exercise(
    "14.1",
    hints=(
        "Keep three things from one moment to the next: the answer so far, the time "
        "of the last value that counted, and the list of answers.",
        "Three cases: the first value that is no NaN (take it as it is); a later one "
        "whose time is greater than the last (move on by $\\alpha$ of the way); "
        "everything else (change nothing).",
        "`np.isnan(value)` tells a gap. $\\Delta t$ is `now - last`, and `last` is set "
        "only where a value counted.",
    ),
)
def _(attempt):
    nan = np.nan
    attempt.gives(
        np.array([nan, 4, 4, 2]),
        np.array([nan, 4, nan, 0]),
        np.array([0.0, 1, 2, 3]),
        1 / (4 * np.pi),
        mistakes={
            "after a gap, the step is the time since the last value that counted": (
                _low_pass(
                    [nan, 4, nan, 0], [0, 1, 2, 3], 1 / (4 * np.pi), counted=False
                )
            )
        },
    )
    rng = np.random.default_rng(141)
    for _ in range(10):
        values, times = rng.normal(size=12), np.cumsum(rng.uniform(0.02, 0.3, 12))
        values[rng.random(12) < 0.2] = nan
        cutoff = rng.uniform(0.5, 3)
        attempt.gives(_low_pass(values, times, cutoff), values, times, cutoff)
    values, times = np.array([2.0, 9, 4]), np.array([0.0, 0.0, 0.1])
    attempt.gives(
        _low_pass(values, times, 1.0),
        values,
        times,
        1.0,
        mistakes={
            "a value at the same time as the last one must change nothing": _low_pass(
                values, [0.0, 1e-9, 0.1], 1.0
            )
        },
    )
    attempt.gives(np.full(3, nan), np.full(3, nan), np.arange(3.0), 1.0)
    attempt.gives(np.array([5.0]), np.array([5.0]), np.array([7.0]), 1.0)


def _count(values, on, off, strict=False):
    down, done = False, 0
    for value in values:
        if not down and (value < on if strict else value <= on):
            down = True
        elif down and (value > off if strict else value >= off):
            down, done = False, done + 1
    return done


@exercise(
    "14.2",
    hints=(
        "Remember one thing: is the person down?",
        "Only two things change it: not down, and the value reaches `on`; down, and "
        "the value reaches `off`. The second one counts.",
        "NaN compared with anything is False, so a NaN takes neither way. Do not write "
        "`else`.",
    ),
)
def _(attempt):
    nan = np.nan
    attempt.gives(1, [1, 0.6, 0.8, nan, 0.95, 0.6], 0.7, 0.9)
    down = {"a repetition counts when the signal has come back": 2}
    attempt.gives(1, [1, 0.5, 1, 0.5], 0.7, 0.9, mistakes=down)
    attempt.gives(
        2,
        [0.9, 0.7, 0.9, 0.7, 0.9],
        0.7,
        0.9,
        mistakes={"reaching a threshold is enough": 0},
    )
    attempt.gives(
        1,
        [1, 0.6, nan, 0.65, nan, 1.0],
        0.7,
        0.9,
        mistakes={"NaN changes nothing: the person stays down": 0},
    )
    rng = np.random.default_rng(142)
    for _ in range(10):
        values = 0.8 + 0.25 * np.sin(np.arange(80) / 5) + rng.normal(0, 0.08, 80)
        values[rng.random(80) < 0.1] = nan
        once = _count(values, 0.8, 0.8 + 1e-9)
        attempt.gives(
            _count(values, 0.65, 0.95),
            values,
            0.65,
            0.95,
            mistakes={"between the thresholds nothing changes": once},
        )
    attempt.gives(0, [], 0.7, 0.9)


def _find(query, recording):
    query, recording = np.asarray(query, float), np.asarray(recording, float)
    best = np.zeros(len(recording))
    for pose in query:
        cost = np.linalg.norm(recording - pose, axis=1)
        row = np.empty(len(recording))
        for j in range(len(recording)):
            ways = [best[j]] if j == 0 else [best[j], best[j - 1], row[j - 1]]
            row[j] = cost[j] + min(ways)
        best = row
    return best.min(), int(best.argmin())


@exercise(
    "14.3",
    hints=(
        "Fill the table of section 4, a row per moment of the query. Which cells of "
        "its first row may a walk begin in?",
        "In all of them: above the first row the table is 0 everywhere, not only in "
        "the corner. And a walk may end in every cell of the last row.",
        "`best` starts as zeros `(S,)`. For each pose of the query make a new row: "
        "`row[j] = cost[j] + min(best[j], best[j - 1], row[j - 1])`. At the end, "
        "`best.min()` and `best.argmin()`.",
    ),
)
def _(attempt):
    attempt.gives(
        (0.0, 3),
        [[1], [2]],
        [[0], [0], [1], [2], [2], [0]],
        mistakes={
            "of several ends with the same sum, the first": (0.0, 4),
            "the index counts the recording, not the table with its extra column": (
                0.0,
                4,
            ),
        },
    )
    rng = np.random.default_rng(143)
    for _ in range(10):
        query = rng.normal(size=(4, 2))
        recording = rng.normal(size=(15, 2)) * 2
        at = int(rng.integers(2, 6))
        slow = np.repeat(query, 2, axis=0)
        recording[at : at + 8] = slow + rng.normal(0, 0.01, slow.shape)
        attempt.gives(_find(query, recording), query, recording)
    one = rng.normal(size=(1, 3))
    attempt.gives((0.0, 0), one, one)
    attempt.gives(_find([[0.0], [5]], [[5.0]]), [[0.0], [5]], [[5.0]])


_FEWEST, _SHARE, _FARTHEST = 5, 0.8, 2


@exercise(
    "14.project",
    hints=(
        "Draw the signal of one film over time, and mark where you see the repetitions. "
        "Does it have one hill or valley for each?",
        "Choose the thresholds on two films, and leave the others alone until you are "
        "done.",
        "If it counts too many, look at the score of the joints at the extra ones. If "
        "it counts too few, at how deep the shallow ones are.",
    ),
)
def _(attempt):
    films = attempt.answer
    try:
        pairs = np.array(films, dtype=float)
    except (TypeError, ValueError):
        pairs = np.zeros(0)
    attempt.require(
        pairs.ndim == 2 and pairs.shape[1] == 2,
        "films is a list of pairs, (true count, the program's count): [(10, 10), ...]",
    )
    attempt.require(
        len(pairs) >= _FEWEST, f"{len(pairs)} films; the project asks for {_FEWEST}"
    )
    true, counted = pairs.T
    attempt.require(
        bool((true == true.round()).all() and (true > 0).all()),
        "The true counts are whole numbers from 1.",
    )
    attempt.require(
        len(set(true.tolist())) > 1,
        "All films have the same number of repetitions: a program that always says "
        "this number would pass, too. Film one with another number.",
    )
    off = np.abs(counted - true)
    exact = float((off == 0).mean())
    attempt.require(
        exact >= _SHARE,
        f"Exact in {100 * exact:.0f} % of the films; {100 * _SHARE:.0f} are asked for.",
    )
    attempt.require(
        bool(off.max() <= _FARTHEST),
        f"One film is off by {off.max():.0f}; at most {_FARTHEST} are allowed.",
    )
