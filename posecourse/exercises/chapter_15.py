"""Exercises and quiz of chapter 15: deployment."""

import numpy as np

from . import exercise
from .quiz import Choice, Question


@exercise(
    "15.1",
    hints=(
        "One number of the output is a sum of `kernel * kernel * before` products, "
        "if there is one group.",
        "With groups, an output channel sees only `before // groups` channels.",
        "The output has `height * width * after` numbers; the weights are one such "
        "sum's factors for each of `after` channels.",
    ),
)
def _(attempt):
    rng = np.random.default_rng(151)
    cases = [(6, 6, 3, 3, 8, 1), (32, 32, 3, 576, 576, 576), (16, 8, 1, 24, 48, 1)]
    for _ in range(10):
        groups = int(rng.integers(1, 4))
        before, after = (groups * int(n) for n in rng.integers(1, 9, 2))
        height, width = map(int, rng.integers(2, 20, 2))
        cases.append((height, width, int(rng.choice([1, 3, 5])), before, after, groups))
    for case in cases:
        height, width, kernel, before, after, groups = case
        weights = kernel * kernel * (before // groups) * after
        outputs = height * width * after
        attempt.gives(
            (height * width * weights, weights, outputs),
            *case,
            mistakes={
                "the groups are forgotten: an output channel sees only "
                "`before // groups` channels": (
                    height * width * weights * groups,
                    weights * groups,
                    outputs,
                ),
                "the third number counts what comes out: `after` channels": (
                    height * width * weights,
                    weights,
                    height * width * before,
                ),
                "the kernel has `kernel * kernel` places": (
                    height * width * weights // kernel,
                    weights // kernel,
                    outputs,
                ),
            },
        )


@exercise(
    "15.2",
    hints=(
        "Arithmetic alone takes `macs / peak` seconds. And moving the bytes?",
        "Both go on at the same time, so the layer takes as long as the longer one.",
        "Return the larger of the two, and the word that belongs to it.",
    ),
)
def _(attempt):
    rng = np.random.default_rng(152)
    cases = [(4e9, 1e9, 40e9, 20e9), (1e6, 4e6, 40e9, 20e9)]
    cases += [tuple(10 ** rng.uniform(6, 10, 4)) for _ in range(10)]
    for macs, moved, peak, bandwidth in cases:
        work, traffic = macs / peak, moved / bandwidth
        word = "arithmetic" if work > traffic else "memory"
        found = attempt(macs, moved, peak, bandwidth)
        attempt.require(
            isinstance(found, tuple) and len(found) == 2,
            "return two things: the seconds, and `'arithmetic'` or `'memory'`",
        )
        seconds, limit = found
        attempt.require(
            not np.isclose(seconds, work + traffic, rtol=1e-6),
            "they are not added: a processor computes while it waits for the next "
            "numbers",
        )
        attempt.require(
            np.isclose(seconds, max(work, traffic), rtol=1e-6),
            f"{macs:.3g} multiply-adds and {moved:.3g} bytes at {peak:.3g} and "
            f"{bandwidth:.3g} a second take {max(work, traffic):.3g} s at least, not "
            f"{seconds:.3g}",
        )
        attempt.require(limit == word, f"there, {word} is the limit, not {limit}")


@exercise(
    "15.3",
    hints=(
        "256 codes have 255 steps between them: `step = (high - low) / 255`.",
        "`zero` is the code of the value 0: `round(-low / step)`.",
        "Divide by the step, round, add zero, and cut at 0 and 255; then "
        "`.astype(np.uint8)`.",
        "Before you compute the step, stretch the range: "
        "`low, high = min(low, 0), max(high, 0)`.",
    ),
)
def _(attempt):
    def right(values, low, high):
        low, high = min(low, 0), max(high, 0)
        step = (high - low) / 255
        zero = round(-low / step)
        return np.clip(np.round(values / step) + zero, 0, 255), step, zero

    rng = np.random.default_rng(153)
    cases = [
        (np.array([-0.4, 0, 0.31, 1.2]), -0.4, 1.2),
        (np.array([0.0, 1, 2.5, 9]), 1.0, 6.0),
        (np.array([-3.0, -1, 0]), -2.0, -1.0),
    ]
    for _ in range(5):
        low, high = sorted(rng.normal(0, 2, 2))
        cases.append((rng.normal(0, 2, 30), low, high))
    for values, low, high in cases:
        codes, step, zero = right(values, low, high)
        answer = attempt(values, low, high)
        attempt.require(
            isinstance(answer, tuple) and len(answer) == 3,
            "return three things: codes, step, zero",
        )
        mine, size, origin = answer
        stretched = "" if low <= 0 <= high else " (0 must be in the range: stretch it)"
        attempt.require(
            np.isclose(size, step),
            f"from {low:.3g} to {high:.3g} a step is {step:.6f}, not "
            f"{float(size):.6f}{stretched}",
        )
        attempt.require(
            int(origin) == zero, f"the code of 0 is {zero}, not {origin}{stretched}"
        )
        mine = np.asarray(mine)
        attempt.require(mine.dtype == np.uint8, f"codes are uint8, not {mine.dtype}")
        attempt.require(
            np.abs(mine.astype(int) - codes).max() <= 0,
            "what lies outside of the range gets its nearest end, 0 or 255: cut before "
            "you make it uint8, which counts on from 0 after 255"
            if np.abs(np.round(values / step) + zero - codes).max() > 0
            else "the codes are not the nearest ones",
        )


@exercise(
    "15.4",
    hints=(
        "Of n frames one takes `search`, the others `look` milliseconds.",
        "The mean is `(search + (n - 1) * look) / n`; it must be at most "
        "`1000 / rate`.",
        "Count n up from 1 until it is. When is there no such n?",
        "For large n the mean approaches `look`, from above: if `look` is not faster "
        "than `1000 / rate`, no n will do.",
    ),
)
def _(attempt):
    def right(look, search, rate):
        if look > 1000 / rate or (look == 1000 / rate and search > look):
            return 0
        n = 1
        while (search + (n - 1) * look) / n > 1000 / rate + 1e-9:
            n += 1
        return n

    cases = [(10, 210, 25), (10, 40, 25), (45, 50, 25), (40, 50, 25), (5, 5, 200)]
    rng = np.random.default_rng(154)
    cases += [
        tuple(int(v) for v in (rng.integers(1, 50), rng.integers(50, 400), 25))
        for _ in range(12)
    ]
    for look, search, rate in cases:
        expected = right(look, search, rate)
        attempt.gives(
            expected,
            look,
            search,
            rate,
            mistakes={
                "the search takes its time, too: the mean of n frames is asked for": 1
            }
            if expected > 1
            else None,
        )


QUIZ = (
    Question(
        "Two networks have 100 million multiply-adds each. What do you know about "
        "their speed?",
        (
            Choice(
                "They are about equally fast.",
                "Section 2 measured layers with equal counts and very different "
                "times: what is moved counts, too, and how many small steps there are.",
            ),
            Choice(
                "Little, until both have been measured on the machine in question.",
                "The count is a bound from one side only. Depthwise layers, many "
                "small layers and large maps all take longer than it says.",
                right=True,
            ),
            Choice(
                "The one with fewer parameters is faster.",
                "Parameters are read once per picture; whether that matters depends "
                "on the layer. A small network with large maps may be slow.",
            ),
        ),
    ),
    Question(
        "A fully connected layer runs at a tenth of the processor's multiply-adds a "
        "second for one picture, and near the roof for 64. Why?",
        (
            Choice(
                "For one picture every weight is fetched from memory and used once.",
                "A quarter of a multiply-add per byte. With 64 pictures each weight "
                "that was fetched is used 64 times.",
                right=True,
            ),
            Choice(
                "Batches are computed with lower precision.",
                "The numbers are the same 32 bits in both.",
            ),
            Choice(
                "A batch skips pictures that are alike.",
                "Every picture is computed in full.",
            ),
        ),
    ),
    Question(
        "The exported network gives other joints than PyTorch on your photograph, "
        "though the check of its outputs passed. Where do you look first?",
        (
            Choice(
                "At the precision of its convolutions.",
                "The check compared the outputs, and they agreed to seven digits.",
            ),
            Choice(
                "At the weights: perhaps the file is from another run.",
                "Then the check, which used the run's own weights, would have failed.",
            ),
            Choice(
                "At what stands before and after it: crop, colours, half a pixel.",
                "The graph begins after the normalised crop and ends before the "
                "decoder. Both are yours to do again, by the file's notes.",
                right=True,
            ),
        ),
    ),
    Question(
        "After quantisation the network finds nobody. It was calibrated on 200 "
        "pictures of a dark room in which nobody was. What happened?",
        (
            Choice(
                "200 pictures are too few; 20,000 would do.",
                "A hundred pictures *of people* suffice. More dark rooms change "
                "nothing.",
            ),
            Choice(
                "The ranges are too narrow: what people excite is cut off.",
                "Each layer's range was measured where hardly anything fired. What "
                "lies beyond its end is clipped.",
                right=True,
            ),
            Choice(
                "The ranges are too wide, so that all is rounded to 0.",
                "That happens too, with a single huge value; but a dark room gives "
                "small activations, not large ones.",
            ),
            Choice(
                "8 bits are too few for pose estimation.",
                "Section 6 loses next to nothing with 8 bits and good ranges.",
            ),
        ),
    ),
    Question(
        "A detector takes 60 ms, the pose network 6 ms. Searching every tenth frame "
        "gives 11.4 ms on average. What can still go wrong in a camera application?",
        (
            Choice(
                "Nothing: 11.4 ms is far below 40 ms.",
                "The average is. Every tenth frame takes 60 ms, and a display that "
                "waits for it stutters; and somebody new waits up to ten frames.",
            ),
            Choice(
                "Every tenth frame is late, and a lost person stays lost until then.",
                "So look at the slowest frames as well as at the mean, search in a "
                "thread of its own, and search at once when the score falls.",
                right=True,
            ),
        ),
    ),
)
