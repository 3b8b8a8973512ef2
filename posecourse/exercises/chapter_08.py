"""Exercises, project and quiz of chapter 8: training."""

from pathlib import Path

import numpy as np

from ..datasets import SyntheticPeople, crop_in_memory
from ..evaluation import evaluate
from ..models import find_weights, load_model
from ..training import read_config
from ..training.curves import read_log
from . import exercise
from .attempt import NotRight, as_numbers, short
from .quiz import Choice, Question


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
        "Write both gradients down. The one you want: (sum of count * gradient) / "
        "(sum of counts). The one PyTorch makes: (sum of factor * gradient) / "
        "(number of GPUs).",
        "They are equal if, for each GPU, factor / (number of GPUs) is count / "
        "(sum of counts).",
        "counts * len(counts) / sum(counts), for an array of counts; where nobody "
        "has a joint, max(1, sum(counts)) keeps 0 / 0 away.",
    ),
)
def _(attempt):
    rng = np.random.default_rng(83)
    for counts in ([3, 1], [5, 2, 9], [4, 4], [7], [0, 3], [0, 0], [120, 80, 0, 40]):
        found = attempt(list(counts))
        factors = as_numbers(found)
        attempt.require(
            factors is not None and factors.shape == (len(counts),),
            f"One factor for each of the {len(counts)} GPUs is asked for; for "
            f"counts = {counts} you return {short(found)}.",
        )
        attempt.require(
            np.isfinite(factors).all(),
            f"For counts = {counts} a factor is not finite: {short(factors)}. "
            "0 / 0 is NaN, and NaN times the loss 0 is NaN.",
        )
        means = rng.normal(size=(len(counts), 4)) * (np.array(counts) > 0)[:, None]
        wanted = np.average(means, axis=0, weights=counts) if any(counts) else 0
        got = (factors[:, None] * means).mean(0)
        total = max(1, sum(counts))
        right = [n * len(counts) / total for n in counts]
        wrong = {
            "the factors are 1: that is what PyTorch does anyway, and the mean of "
            "the GPUs' means": np.ones(len(counts)),
            "PyTorch divides by the number of GPUs afterwards; multiply by it": [
                n / total for n in counts
            ],
            "a GPU with more joints needs the larger factor": [
                total / max(1, n) / len(counts) for n in counts
            ],
            "the loss is a mean already: its gradient is divided by the count": [
                len(counts) / total for _ in counts
            ],
            "divide by the number of all joints": counts,
        }
        why = next(
            (
                f"\n  look at:      {reason}"
                for reason, value in wrong.items()
                if np.allclose(factors, value)
            ),
            "",
        )
        attempt.require(
            np.allclose(got, wanted, atol=1e-6),
            "The average of the GPUs' gradients is not the gradient of the mean over "
            f"all joints.\n  given:        counts = {counts}\n"
            f"  expected:     {short(right)}\n"
            f"  your answer:  {short(found)}{why}",
        )


# The project: beat the course's default run, in no more time.
TO_BEAT = 75.0
SECONDS = 300
# Nobody trains on them: another seed than that of every split of the course.
HELD_OUT = {"count": 1000, "split": "test", "seed": 8}


def training_seconds(folder) -> float:
    """How long a run took, from its log and the number of its pictures.

    Raises
    ------
    RunError, FileNotFoundError
        If it is not the folder of a finished run.
    """
    config, rows = read_config(folder), read_log(Path(folder) / "log.csv")
    steps = np.diff([0, *(row["step"] for row in rows)])
    speeds = [row["images_per_second"] for row in rows]
    return float((steps * config.batch_size / speeds).sum())


@exercise(
    "08.project",
    hints=(
        "Five minutes buy a certain number of pictures. A network that computes less "
        "per picture sees more of them; one that learns more from each needs fewer.",
        "Does the default run, 8,000 people six times, see the right people? Section 2 "
        "compared many people with many epochs, and drawing people does not count.",
        "Choose the rate in runs of one minute. Let it come down to zero within your "
        "five minutes: a run that is stopped half-way is worth little.",
        "About as many pictures as the default run sees, but nobody more than twice: "
        "`posecourse train --train-people 28000 --epochs 2`. (A single hourglass, ahead "
        "of the default network in chapter 11, is behind it here: five minutes are "
        "short.)",
    ),
)
def _(attempt):
    run = attempt.answer
    attempt.require(
        isinstance(run, (str, Path)) and Path(run).is_dir(),
        "The folder of a run is asked for, such as 'runs/laptop-1', seen from the "
        f"folder of this notebook; {short(run)} is none.",
    )
    try:
        config, seconds = read_config(run), training_seconds(run)
        network = load_model(find_weights(run))
    except (ValueError, OSError, KeyError) as error:
        raise NotRight(f"This run cannot be read: {error}") from None
    attempt.require(
        config.init is None,
        f"This run starts from other weights ({config.init}). Start from random ones.",
    )
    attempt.require(
        seconds <= SECONDS,
        f"Its training took {seconds:.0f} s on the machine it ran on; {SECONDS} s are "
        "allowed. Fewer pictures, a smaller network, or a smaller picture.",
    )
    size = max(network.input_size)
    people = crop_in_memory(SyntheticPeople(size=size, **HELD_OUT), size, 1.0, 1)
    found = evaluate(network, people, device="cpu")
    print(
        f"PCKh@0.5 {found.score:.1f} on {HELD_OUT['count']:,} people whom nobody has "
        f"trained on, after {seconds:.0f} s of training"
    )
    attempt.require(
        found.score > TO_BEAT,
        f"It gets {found.score:.1f} PCKh@0.5 on the held-out people after "
        f"{seconds:.0f} s of training; more than {TO_BEAT:.0f} are asked for.",
    )


QUIZ = (
    Question(
        r"A log says: loss 0.0031, no longer falling; PCKh 2. The maps have 64 x 64 "
        r"cells, $\sigma = 2$, and the loss is a mean over the cells. What has the "
        "network learned?",
        (
            Choice(
                "The joints, roughly; it needs more epochs.",
                "With PCKh 2 it knows less than the mean pose, which has about 16.",
            ),
            Choice(
                "To draw nothing.",
                r"$\pi \cdot 2^2 / 4096 = 0.0031$ is exactly the loss of empty maps. "
                "PCKh 2 is what the largest values of noise hit by luck.",
                right=True,
            ),
            Choice(
                "Its training people by heart.",
                "Then the loss would be far below that of empty maps.",
            ),
        ),
    ),
    Question(
        "The training loss is 0.1 of the empty maps', the validation loss 0.7 and has "
        "been rising for five epochs. What do you do?",
        (
            Choice(
                "Take a larger network.",
                "It would learn these people by heart even better.",
            ),
            Choice(
                "Train for longer.",
                "The validation loss is rising: every further epoch makes it worse.",
            ),
            Choice(
                "Get more people, or change them more at random; until then keep the "
                "weights of five epochs ago.",
                "This is overfitting. More people and augmentation are the cure, and "
                "the best weights so far are those before the rise.",
                right=True,
            ),
        ),
    ),
    Question(
        "You stop a cosine run of 100 epochs after 50, and the score is "
        "disappointing. Are 50 epochs too few?",
        (
            Choice(
                "That cannot be told from this run.",
                "Compare with a run that was *planned* for 50 epochs, so that its "
                "rate came down to zero.",
                right=True,
            ),
            Choice(
                "Yes, the score says so.",
                "It was measured with half of the top rate still on, while the weights "
                "jitter.",
            ),
            Choice(
                "No: a network that has not converged after 50 epochs never will.",
                "Most of the gain of a cosine comes at its end, when the rate is small.",
            ),
        ),
    ),
    Question(
        "To save memory, somebody keeps the weights themselves in bf16. The loss "
        "stops falling as the learning rate gets small. Why?",
        (
            Choice(
                "bf16 cannot hold numbers as small as the gradients.",
                "Its range is that of 32 bits. It is short of digits, not of range.",
            ),
            Choice(
                "The loss is computed with too few digits.",
                "That would make the *printed* loss coarse, but the weights would "
                "still move.",
            ),
            Choice(
                "A small step is rounded away when it is added to a weight.",
                "A step below about 1/256 of a weight changes nothing, as 0.001 "
                "changed nothing at 0.5. The gradients are fine, the weights stand "
                "still.",
                right=True,
            ),
        ),
    ),
    Question(
        "A run is resumed with another batch size. Everything had been saved. Is it "
        "still the same run?",
        (
            Choice(
                "Yes, the weights and the optimiser's state are the same.",
                "They are where it starts. But which people come next, and at what "
                "rate?",
            ),
            Choice(
                "No.",
                "Step 40 is now another place in another epoch, with other people, "
                "and the schedule has another length. That is why `--resume` takes "
                "the settings from the run and refuses others.",
                right=True,
            ),
            Choice(
                "Yes, if the seed is the same.",
                "The seed decides an epoch's order. Which part of it a step takes "
                "depends on the batch size.",
            ),
        ),
    ),
)
