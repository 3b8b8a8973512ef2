"""Exercises, project and quiz of chapter 11: five architectures."""

from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

from ..datasets import SyntheticPeople
from ..metrics import pckh_columns
from ..models import find_weights, load_model
from ..models.pretrained import pretrained
from ..skeletons import MPII
from ..transforms import normalise
from . import exercise
from .attempt import NotRight, short
from .quiz import Choice, Question


def _maps(generator, stages=3, shape=(2, 4, 3, 5)):
    """Stages, a target, and weights with a joint missing here and there."""
    target = torch.rand(shape, generator=generator)
    each = [torch.randn(shape, generator=generator) for _ in range(stages)]
    weights = torch.ones(shape[:2])
    weights[0, 1] = weights[1, :2] = 0
    return each, target, weights


@exercise(
    "11.1",
    hints=(
        "Squared differences, summed over the last two dimensions, leave one "
        "number per joint: `(stage - target).square().sum((2, 3))`.",
        "Multiply by the weights, add up, and divide by `weights.sum()`, the "
        "number of labelled joints.",
        "Begin with `total = 0` and add the loss of each stage of the list.",
    ),
)
def _(attempt):
    generator = torch.Generator().manual_seed(111)
    # small, and every mistake leads to another number
    maps = torch.ones(2, 2, 1, 3)
    maps[0, 1] = 5
    cases = [
        (
            [torch.zeros(maps.shape), torch.full(maps.shape, 3.0)],
            maps,
            torch.tensor([[1.0, 0], [1, 1]]),
        )
    ]
    cases += [_maps(generator, stages) for stages in (1, 2, 5)]
    ones, zeros = torch.ones(1, 2, 2, 2), torch.zeros(1, 2, 2, 2)
    cases += [
        ([zeros, zeros.clone()], ones, torch.ones(1, 2)),
        ([zeros, zeros.clone()], ones, torch.tensor([[1.0, 0]])),
        ([zeros], ones, torch.ones(1, 2)),
    ]
    for stages, target, weights in cases:

        def total(
            per_joint, chosen=stages, divide=None, weights=weights, target=target
        ):
            parts = [(weights * per_joint(stage - target)).sum() for stage in chosen]
            return sum(parts) / (weights.sum() if divide is None else divide)

        def squares(difference):
            return difference.square().sum((2, 3))

        cells, count = target[0, 0].numel(), len(stages)
        right = total(squares)
        unweighted = sum(squares(s - target).sum() for s in stages)
        people = [
            (weights * squares(s - target)).sum(1) / weights.sum(1).clamp(min=1)
            for s in stages
        ]
        attempt.gives(
            right,
            stages,
            target,
            weights,
            tolerance=1e-4,
            mistakes={
                "every stage is judged, not only the last": total(squares, stages[-1:]),
                "every stage is judged, not only the first": total(squares, stages[:1]),
                "the stages' losses are added, not averaged": right / count,
                "divide by the number of labelled joints; a joint without a "
                "label counts nowhere": total(squares, divide=weights.numel()),
                "a joint without a label has no loss: weights": unweighted
                / weights.numel(),
                "a joint without a label has no loss; multiply by the weights "
                "before adding up": unweighted / weights.sum(),
                "divide by the number of labelled joints": total(squares, divide=1),
                "divide by the number of labelled joints, not of people": total(
                    squares, divide=len(target)
                ),
                "the mean over all labelled joints, not of the people's means": sum(
                    each.mean() for each in people
                ),
                "the squares are summed over the cells, not averaged": right / cells,
                "squares, not absolute values": total(lambda d: d.abs().sum((2, 3))),
            },
        )


@exercise(
    "11.2",
    hints=(
        "Let joints without a label have a loss of 0: `weights * per_joint`. They "
        "are then the last ones to be chosen.",
        "`topk(top, dim=1).indices` says which joints are the worst of each "
        "person; `gather(1, indices)` takes their losses, and their weights.",
        "Fewer labels than top: then joints of weight 0 are among those chosen. "
        "Divide by the sum of the weights chosen.",
    ),
)
def _(attempt):
    one = torch.tensor([[0.1, 4, 0.2, 2]])
    everybody = torch.ones(1, 4)
    without = torch.tensor([[1.0, 0, 1, 1]])
    cases = [
        (one, everybody, 2),
        (one, without, 2),
        (one, everybody, 4),
        (one, torch.tensor([[1.0, 0, 0, 0]]), 3),
        (torch.tensor([[0.0, 3, 1]]), torch.ones(1, 3), 3),
    ]
    generator = torch.Generator().manual_seed(112)
    for people, joints, top in ((3, 16, 8), (5, 6, 1), (4, 5, 3), (2, 7, 7)):
        weights = (torch.rand(people, joints, generator=generator) < 0.7).float()
        weights[:, 0] = 1
        cases.append(
            (torch.rand(people, joints, generator=generator) * 5, weights, top)
        )
    for per_joint, weights, top in cases:
        seen = weights * per_joint
        worst = seen.topk(top, 1).indices
        kept = weights.gather(1, worst)
        losses = kept * per_joint.gather(1, worst)
        best = torch.where(weights > 0, -per_joint, -torch.inf).topk(top, 1).indices
        easy, easier = weights.gather(1, best), per_joint.gather(1, best)
        blind = per_joint.topk(top, 1).indices
        flat, long = (
            seen.flatten().topk(count).values
            for count in (top, min(top * len(seen), seen.numel()))
        )
        each = losses.sum(1) / kept.sum(1)
        attempt.gives(
            losses.sum() / kept.sum(),
            per_joint,
            weights,
            top,
            tolerance=1e-4,
            mistakes={
                "the hardest joints are those with the largest loss": (
                    easy * easier
                ).sum()
                / easy.sum(),
                "choose among the labelled joints only: a large loss without a "
                "label must not take a place": torch.nan_to_num(
                    (weights * per_joint).gather(1, blind).sum()
                    / weights.gather(1, blind).sum()
                ),
                "choose among the labelled joints only, and divide by the "
                "number that are kept": (weights * per_joint).gather(1, blind).mean(),
                "a joint without a label has no loss": per_joint.topk(
                    top, 1
                ).values.mean(),
                "that is the mean over all labelled joints": seen.sum() / weights.sum(),
                "a labelled joint whose loss is 0 counts, too": losses.sum()
                / (losses > 0).sum(),
                "the worst joints of each person, not of the whole batch": flat.sum()
                / max(1, int((flat > 0).sum())),
                "the worst joints of each person, not as many of the whole "
                "batch": long.sum() / max(1, int((long > 0).sum())),
                "a person with fewer labels than top counts with those: divide "
                "by the number of joints that are kept": losses.mean(),
                "the mean over all joints that are kept, not of the people's "
                "means": each.mean(),
                "the mean, not the sum": losses.sum(),
                "divide by the number of joints that are kept, not by that of "
                "the labelled ones": losses.sum() / weights.sum(),
            },
        )


def _count(layers, side, paint="input", kernels=2, both=True, sides=2):
    total = 0
    for kind, before, after, kernel, stride in layers:
        weights = before * (after if both else 1) * kernel**kernels
        old = side
        side = side // stride if kind == "conv" else side * stride
        cells = {
            "input": old if kind == "transposed" else side,
            "output": side,
            "before": old,
        }[paint]
        total += weights * cells**sides
    return total


@exercise(
    "11.3",
    hints=(
        "A layer has `before * after * kernel ** 2` weights. How often is each of "
        "them used?",
        "A convolution: once for every cell of the map that it makes, so first "
        "`side = side // stride`. A transposed one: once for every cell of the map "
        "that it reads, so the side grows afterwards.",
        "Add `weights * side ** 2` at the right moment of each layer.",
    ),
)
def _(attempt):
    deconv = [("transposed", before, 256, 4, 2) for before in (2048, 256, 256)]
    small = [("conv", 3, 8, 3, 2), ("transposed", 8, 2, 4, 2)]
    # first one in which every mistake leads to another number
    grow = [("transposed", 2, 3, 5, 2), ("transposed", 3, 1, 3, 3)]
    cases = [
        (grow, 7),
        (small, 4),
        (deconv, 8),
        ([("conv", 3, 64, 7, 2)], 256),
        ([("transposed", 5, 7, 4, 4)], 3),
        ([], 9),
    ]
    rng = np.random.default_rng(113)
    for _ in range(8):
        layers = []
        for _ in range(4):
            kind = "conv" if rng.random() < 0.5 else "transposed"
            a, b, kernel = map(int, rng.integers(1, 9, 3))
            layers.append((kind, a, b, kernel, int(rng.integers(1, 3))))
        cases.append((layers, 16 * int(rng.integers(1, 4))))
    for layers, side in cases:
        right = _count(layers, side)
        attempt.gives(
            right,
            layers,
            side,
            mistakes={
                "a transposed convolution uses each weight once for every cell "
                "that it reads; you count those that it makes (as the published "
                "counter did)": _count(layers, side, "output"),
                "a convolution uses each weight once for every cell that it "
                "makes; you count those that it reads": _count(layers, side, "before"),
                "a kernel has kernel times kernel weights for each pair of "
                "channels": _count(layers, side, kernels=1),
                "each output channel has a kernel of its own": _count(
                    layers, side, both=False
                ),
                "these are the weights; each is used once per cell": sum(
                    a * b * k**2 for _, a, b, k, _ in layers
                ),
                "a map has side times side cells": _count(layers, side, sides=1),
                "the side that a layer makes is the side that the next one reads": sum(
                    _count([layer], side) for layer in layers
                ),
                "a multiplication with its addition counts once": 2 * right,
                "every layer counts, not only the first": _count(layers[:1], side),
                "every layer counts, not only the last": right
                - _count(layers[:-1], side),
            },
        )


@exercise(
    "11.4",
    hints=(
        "`up(small)` has the channels of `large` and the size of `small`: "
        "`F.interpolate(..., scale_factor=2)` repeats its cells.",
        "`down(large)` has the shape of `small`.",
        "`F.relu(large + ...)`, `F.relu(small + down(large))`: both from the old "
        "`large` and the old `small`.",
    ),
)
def _(attempt):
    def layers(c, d, seed):
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            return (nn.Conv2d(d, c, 1), nn.Conv2d(c, d, 3, stride=2, padding=1))

    up, down = layers(1, 1, 0)
    with torch.no_grad():
        up.weight.fill_(2), up.bias.zero_()
        down.weight.zero_(), down.bias.zero_()
        down.weight[0, 0, 1, 1] = 1
    cases = [(torch.ones(1, 1, 4, 4), torch.full((1, 1, 2, 2), 3.0), up, down)]
    generator = torch.Generator().manual_seed(114)
    for n, c, d, h, w in ((2, 3, 5, 4, 6), (1, 8, 2, 8, 4), (3, 4, 4, 6, 6)):
        cases.append(
            (
                torch.randn(n, c, h, w, generator=generator),
                torch.randn(n, d, h // 2, w // 2, generator=generator),
                *layers(c, d, h),
            )
        )
    for large, small, up, down in cases:
        with torch.no_grad():

            def grown(x, mode="nearest", up=up):
                return F.interpolate(up(x), scale_factor=2, mode=mode)

            a, b = large + grown(small), small + down(large)
            right = F.relu(a), F.relu(b)
            attempt.gives(
                right,
                large,
                small,
                up,
                down,
                tolerance=1e-4,
                mistakes={
                    "the ReLU is missing at the end": (a, b),
                    "the small map ends with a ReLU, too": (F.relu(a), b),
                    "the large map ends with a ReLU, too": (a, F.relu(b)),
                    "the small map hears the old large one; yours hears the new": (
                        F.relu(a),
                        F.relu(small + down(F.relu(a))),
                    ),
                    "the small map hears the old large one; yours hears the "
                    "new, before its ReLU": (F.relu(a), F.relu(small + down(a))),
                    "the large map hears the old small one; yours hears the new": (
                        F.relu(large + grown(F.relu(b))),
                        F.relu(b),
                    ),
                    "the large map hears the old small one; yours hears the "
                    "new, before its ReLU": (F.relu(large + grown(b)), F.relu(b)),
                    "enlarge by repeating cells, without smoothing": (
                        F.relu(large + grown(small, "bilinear")),
                        F.relu(b),
                    ),
                    "each map keeps what it had: the old map is added": (
                        F.relu(grown(small)),
                        F.relu(down(large)),
                    ),
                    "ReLU comes after the addition, not before it": (
                        large + F.relu(grown(small)),
                        small + F.relu(down(large)),
                    ),
                    "first the large map, then the small one": right[::-1],
                },
            )


# The project: failures among the first people, tested on the second.
SHOWN = {"count": 1000, "split": "test"}
FRESH = {"count": 600, "split": "test", "seed": 11}
TIMES, FEWEST, ALIKE = 1.5, 40, 0.6


def _network(source):
    """A network of the course by name, or that of a run."""
    if not isinstance(source, (str, Path)):
        raise NotRight(
            f'The network {short(source)} cannot be read: its name ("laptop") or the '
            "folder of a run is asked for."
        )
    try:
        return load_model(find_weights(pretrained(source)))
    except (ValueError, OSError):  # none of the course's
        pass
    try:
        return load_model(find_weights(source))
    except (ValueError, OSError) as error:
        raise NotRight(f"The network {short(source)} cannot be read: {error}") from None


def _wrong(network, people, indices):
    """Whether each joint is wrong at 0.5 head sizes, ``(N, 16)``; NaN: no label."""
    persons = [people[i] for i in indices]
    images = np.stack([people.read_image(person) for person in persons])
    with torch.no_grad():
        points = np.concatenate(
            [
                network.predict(normalise(part.permute(0, 3, 1, 2)))[0].double().numpy()
                for part in torch.from_numpy(images).split(64)
            ]
        )
    off = np.stack(
        [
            np.linalg.norm(found - person.keypoints, axis=1) / person.head_size
            for found, person in zip(points, persons)
        ]
    )
    labelled = np.stack([person.visible > 0 for person in persons])
    return np.where(labelled, off > 0.5, np.nan)


def _read(failure, number):
    """Person, joint and reason of a failure, or what is missing."""
    missing = {"person", "joint", "reason"} - set(
        failure if isinstance(failure, dict) else ()
    )
    if missing:
        raise NotRight(
            f"Failure {number} has no {', '.join(sorted(missing))}: "
            '{"person": 17, "joint": "left_wrist", "reason": a_function} is asked for.'
        )
    person, joint, reason = (failure[key] for key in ("person", "joint", "reason"))
    if person not in range(SHOWN["count"]):
        raise NotRight(
            f"Failure {number}: the person is a number from 0 to "
            f"{SHOWN['count'] - 1}, not {short(person)}."
        )
    if joint not in MPII.joints:
        raise NotRight(
            f"Failure {number}: {short(joint)} is no joint; they are "
            f"{', '.join(MPII.joints)}."
        )
    if not callable(reason):
        raise NotRight(
            f"Failure {number}: the reason is a function of a person and a joint's "
            f"number; {short(reason)} is none."
        )
    return int(person), MPII.index(joint), reason


def _applies(reason, persons, number):
    """Where a reason applies, ``(N, 16)``."""
    try:
        return np.array(
            [[bool(reason(p, k)) for k in range(len(MPII))] for p in persons]
        )
    except Exception as error:  # whatever the learner's function raises
        raise NotRight(
            f"The reason of failure {number} stopped with an error: "
            f"{type(error).__name__}: {error}"
        ) from None


def _rates(wrong, inside):
    """The share of wrong joints where a reason applies, and elsewhere."""
    return [np.nanmean(np.where(where, wrong, np.nan)) for where in (inside, ~inside)]


def _surely_more(wrong, inside, draws=400):
    """Whether more are wrong inside in 97.5 of 100 draws of people."""
    rng = np.random.default_rng(0)
    known = np.isfinite(wrong)
    sums = [
        np.stack([np.nansum(np.where(where, wrong, 0), 1), (known & where).sum(1)])
        for where in (inside, ~inside)
    ]
    more = []
    for _ in range(draws):
        drawn = rng.integers(0, len(wrong), len(wrong))
        (a, b), (c, d) = (each[:, drawn].sum(1) for each in sums)
        more.append(a / max(1, b) > c / max(1, d))
    return np.mean(more) > 0.975


@exercise(
    "11.project",
    hints=(
        "Look first: draw the twenty joints with the largest errors, with labels and "
        "heatmaps, and write down what their pictures have in common.",
        "What is rare in training is hard. Is the joint hidden? Does the person bend "
        "over, reach up, face away from us? Is the joint far from where it usually is?",
        "`def hidden(person, k): return person.visible[k] == 1` is a reason. "
        "`abs((person.extra['facing'] + 180) % 360 - 180)` is how far somebody is "
        "turned away from us.",
        "If a reason predicts too little, make it narrower: hidden *and* a wrist. If "
        "it applies to too few joints, make it wider. If two are nearly the same, "
        "ask what one of them has that the other does not. For `laptop` these three "
        "pass: the joint is hidden; the head is as low as the shoulders; a wrist or an "
        "elbow is above the neck.",
    ),
)
def _(attempt):
    answer = attempt.answer
    attempt.require(
        isinstance(answer, dict)
        and {"network", "failures"} <= set(answer)
        and isinstance(answer["failures"], (list, tuple))
        and len(answer["failures"]) == 3,
        'A dict {"network": ..., "failures": [three of them]} is asked for.',
    )
    network = _network(answer["network"])
    size = max(network.input_size)
    shown, fresh = (SyntheticPeople(size=size, **people) for people in (SHOWN, FRESH))
    failures = []
    for number, failure in enumerate(answer["failures"], 1):
        person, k, reason = _read(failure, number)
        name = f"{MPII.joints[k]} of person {person}"
        attempt.require(
            _wrong(network, shown, [person])[0, k] == 1,
            f"Failure {number}: the {name} is not wrong (within half a head size of "
            "its label), or has no label.",
        )
        attempt.require(
            _applies(reason, [shown[person]], number)[0, k],
            f"Failure {number}: your reason does not apply to the {name} itself.",
        )
        failures.append((number, name, reason))
    persons = [fresh[i] for i in range(len(fresh))]
    wrong = _wrong(network, fresh, range(len(fresh)))
    skipped = [k for k in range(len(MPII)) if k not in pckh_columns(MPII)]
    wrong[:, skipped] = np.nan
    known, groups = np.isfinite(wrong), []
    for number, name, reason in failures:
        inside = _applies(reason, persons, number)
        count, rest = (known & inside).sum(), (known & ~inside).sum()
        attempt.require(
            min(count, rest) >= FEWEST,
            f"Failure {number}: your reason applies to {count} joints of "
            f"{len(fresh)} new people and does not apply to {rest}; at least "
            f"{FEWEST} of each are needed to compare them.",
        )
        more, less = _rates(wrong, inside)
        said = (
            f"where your reason applies ({count} joints) {100 * more:.0f} % are "
            f"wrong, elsewhere {100 * less:.0f} %"
        )
        print(f"{number}. {name}: {said}")
        attempt.require(
            more >= TIMES * less and _surely_more(wrong, inside),
            f"Failure {number}: on new people {said}. At least {TIMES} times as many "
            "are asked for, by more than chance: this reason does not predict enough.",
        )
        groups.append(inside & known)
    for a, b in ((0, 1), (0, 2), (1, 2)):
        shared = (groups[a] & groups[b]).sum() / (groups[a] | groups[b]).sum()
        attempt.require(
            shared < ALIKE,
            f"The reasons {a + 1} and {b + 1} are nearly the same: of the joints that "
            f"either applies to, both apply to {100 * shared:.0f} %.",
        )


QUIZ = (
    Question(
        "Take an hourglass and remove its skips. What would it do with section 1's "
        "puzzle?",
        (
            Choice(
                "Toss a coin between two sharp spots.",
                "That is *fine*, which never sees the flag. The waist still does.",
            ),
            Choice(
                "Find the right dot, but only roughly.",
                "It would be a *coarse* network with a longer way up: the place blurs "
                "with each halving, and little of it comes back.",
                right=True,
            ),
            Choice(
                "The same as before.",
                "Only the skips carry exact places past the waist.",
            ),
        ),
    ),
    Question(
        "Stage 1 of CPM sees 160 pixels. How many does stage 2 see if its three "
        "kernels are 5 x 5 instead of 11 x 11?",
        (
            Choice(
                "256",
                "Each kernel adds 4 neighbours, 8 pixels apart: $160 + 3 \\cdot 4 "
                "\\cdot 8$.",
                right=True,
            ),
            Choice("172", "That is $160 + 3 \\cdot 4$. The cells lie 8 pixels apart."),
            Choice(
                "280",
                "That is $160 + 3 \\cdot 5 \\cdot 8$. A kernel of 5 has 4 neighbours "
                "beside its centre.",
            ),
        ),
    ),
    Question(
        "You train a network of four stages without intermediate supervision. May you "
        "read the heatmaps of its third stage as poses?",
        (
            Choice(
                "Yes, they will only be a little worse than the last.",
                "Nothing ever asked that stage to draw joints.",
            ),
            Choice(
                "Yes, after some more training.",
                "However long you train, that stage has no reason to draw joints.",
            ),
            Choice(
                "No.",
                "Its maps are just features with sixteen channels. Only the last stage "
                "had a loss.",
                right=True,
            ),
        ),
    ),
    Question(
        "With hard keypoints (8 of 16) the training loss is higher than without. Is the "
        "network worse?",
        (
            Choice("Yes.", "The two losses do not count the same joints."),
            Choice(
                "No, it is better: it works on what is hard.",
                "That does not follow either. Only the same measure on both can tell.",
            ),
            Choice(
                "That cannot be told from the losses.",
                "The mean over the worst half is larger than the mean over all, for the "
                "same answer. Compare PCKh.",
                right=True,
            ),
        ),
    ),
    Question(
        "Network A needs half the multiply-adds of network B and yet takes longer for a "
        "picture. How can that be? (Two answers are right.)",
        (
            Choice(
                "It has many small layers, one after another.",
                "Starting each of them costs time.",
                right=True,
            ),
            Choice(
                "It has more parameters.",
                "Parameters take memory, but the time goes into using them.",
            ),
            Choice(
                "Its maps are large and have few channels.",
                "Then it moves many numbers for little arithmetic. HRNet is both.",
                right=True,
            ),
        ),
    ),
    Question(
        "A paper reports 90.6 on MPII's validation people, 0.3 more than the one "
        "before. What do you ask?",
        (
            Choice(
                "For the paired difference on the same people, and for other seeds.",
                "The interval of a single number is 0.6 to either side. Ask also "
                "whether anything else changed: epochs, input size, decoding, data.",
                right=True,
            ),
            Choice(
                "Nothing: higher is better.",
                "With other people from the same videos it might have been 0.6 less.",
            ),
            Choice(
                "For its number of parameters.",
                "That is worth knowing, but it does not tell whether 0.3 is a result.",
            ),
        ),
    ),
)
