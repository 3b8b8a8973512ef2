"""Exercises of chapter 8: training."""

import numpy as np

from . import exercise


@exercise(
    "08.1",
    hints=(
        "Count the falls that lie behind: none, one or two.",
        "For 140 epochs the falls are at 90 = 9/14 of 140 and at 120 = 12/14 of "
        "140. An epoch that begins there has the lower rate already.",
        "falls = (14 * epoch >= 9 * epochs) + (14 * epoch >= 12 * epochs), and "
        "each fall is a factor of 0.1.",
    ),
)
def _(attempt):
    cases = [(epoch, 140, 0.001) for epoch in (89, 90)]
    cases += [(epoch, 140, 1.0) for epoch in (130, 120, 119, 0, 139)]
    cases += [(epoch, 70, 1.0) for epoch in (50, 44, 45, 59, 60)]
    cases += [(epoch, 10, 0.5) for epoch in range(10)]
    for epoch, epochs, top in cases:
        first, second = 14 * epoch >= 9 * epochs, 14 * epoch >= 12 * epochs
        after = (14 * epoch > 9 * epochs) + (14 * epoch > 12 * epochs)
        attempt.gives(
            top * 0.1 ** (first + second),
            epoch,
            epochs,
            top,
            tolerance=1e-9,
            mistakes={
                "the epoch in which it falls has the lower rate already: >=, not >": top
                * 0.1**after,
                "the falls come at 9/14 and 12/14 of the run, here of "
                f"{epochs} epochs": top * 0.1 ** ((epoch >= 90) + (epoch >= 120)),
                "the second fall divides by ten again": top * 0.1 ** int(first),
                "the highest rate is `top`, not always 0.001": 0.001
                * 0.1 ** (first + second),
                f"{epochs} epochs x 9/14 is {epochs * 9 / 14:.2f}, x 12/14 "
                f"is {epochs * 12 / 14:.2f}. An epoch before that has the "
                "old rate: do not round": top
                * 0.1 ** ((epoch >= epochs * 9 // 14) + (epoch >= epochs * 12 // 14)),
                "epochs // 14 is rounded; multiply first, or use /": top
                * 0.1 ** ((epoch >= epochs // 14 * 9) + (epoch >= epochs // 14 * 12)),
                "the epoch counts from 0": top
                * 0.1
                ** ((14 * epoch + 14 >= 9 * epochs) + (14 * epoch + 14 >= 12 * epochs)),
            },
        )


@exercise(
    "08.2",
    hints=(
        "divmod(step, people // size) gives the epoch and the place in it.",
        "The order of an epoch may depend on the seed and the epoch only. "
        "np.random.default_rng([seed, epoch]) is a generator for both.",
        "order = np.random.default_rng([seed, epoch]).permutation(people), and "
        "the step takes order[place * size:(place + 1) * size].",
    ),
)
def _(attempt):
    people, size = 24, 4
    steps = people // size
    shared = np.random.get_state()  # noqa: NPY002  the shared one is asked about

    def ask(step, seed=0, people=people, size=size):
        found = np.asarray(attempt(seed, step, people, size))
        attempt.require(
            found.shape == (size,) and found.dtype.kind in "iu",
            f"{size} whole numbers are asked for; for step {step}, of epoch "
            f"{step // (people // size)}, you return {found!r}.",
        )
        return found.tolist()

    def epoch_of(epoch, **more):
        steps_ = more.get("people", people) // more.get("size", size)
        return [
            i for place in range(steps_) for i in ask(epoch * steps_ + place, **more)
        ]

    attempt.require(
        ask(37) == ask(37),
        "Step 37, asked for twice, has different people. A generator that "
        "lives on between the calls remembers them: make a new one from "
        "seed and epoch.",
    )
    first = epoch_of(0)
    attempt.require(
        min(first) >= 0 and max(first) < people,
        f"There are people 0 to {people - 1}; you name {min(first)} to {max(first)}.",
    )
    attempt.require(
        sorted(first) == list(range(people)),
        f"In an epoch everybody comes once. In your first, of {steps} steps, "
        f"{people - len(set(first))} of {people} people never come: one "
        "order per epoch, of which each step takes its part.",
    )
    attempt.require(
        first != list(range(people)),
        "Everybody comes once, but in the order of the file. Shuffle.",
    )
    attempt.require(
        epoch_of(1) != first,
        "The second epoch has the order of the first. The epoch must be "
        "part of what the generator is made from.",
    )
    attempt.require(
        epoch_of(0, seed=1) != first,
        "Another seed gives the same order. The seed must be part of what "
        "the generator is made from.",
    )
    attempt.require(
        epoch_of(1, seed=0) != epoch_of(0, seed=1),
        "Epoch 1 of seed 0 has the order of epoch 0 of seed 1: seed + epoch "
        "cannot tell them apart. Use both, as in [seed, epoch].",
    )
    attempt.require(
        sorted(epoch_of(3, people=30, size=5)) == list(range(30)),
        "With 30 people in steps of 5 not everybody comes once in epoch 3.",
    )
    attempt.require(
        str(np.random.get_state()) == str(shared),  # noqa: NPY002
        "np.random.seed and np.random.shuffle use the generator that the "
        "whole program draws from; after your function its numbers are "
        "others. Make one of your own: np.random.default_rng([seed, "
        "epoch]).",
    )


@exercise(
    "08.3",
    hints=(
        "The mean over everybody is the sum over everybody, divided by how many "
        "there are.",
        "Add the arrays in sums, add the numbers in counts, divide.",
        "sum(sums) / max(1, sum(counts)); the max keeps 0 / 0 away.",
    ),
)
def _(attempt):
    rng = np.random.default_rng(83)
    cases = [([np.array([6.0]), np.array([10.0])], [3, 1])]
    for counts in ([5, 2, 9], [4, 4], [0, 3], [7], [0, 0]):
        cases.append(([rng.normal(size=(2, 3)) * (n > 0) for n in counts], counts))
    for sums, counts in cases:
        means = [s / max(1, n) for s, n in zip(sums, counts)]
        attempt.gives(
            sum(sums) / max(1, sum(counts)),
            sums,
            counts,
            mistakes={
                "that is the mean of the GPUs' means: a joint on a GPU with "
                "few labels counts more": sum(means) / len(means),
                "the GPUs' means are added, not averaged": sum(means),
                "divided by the number of GPUs as well": sum(sums)
                / max(1, sum(counts))
                / len(sums),
                "divided by the number of GPUs, not of joints": sum(sums) / len(sums),
                "not divided at all": sum(sums),
                "0 / 0 is NaN; the gradient of nothing is zero": sum(sums) * np.nan,
            },
        )
