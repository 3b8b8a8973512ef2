"""Exercises of chapter 4: losses."""

import numpy as np
import torch

from ..losses import coordinate_l1, ohkm, zero_heatmap_loss
from . import exercise, pictures
from .attempt import as_numbers, short
from .network_maps import network_maps
from .quiz import Choice, Question


def _poses(seed: int, persons: int = 2, joints: int = 5):
    """Two random sets of poses, pixels of a 64-pixel picture."""
    generator = torch.Generator().manual_seed(seed)
    shape = (2, persons, joints, 2)
    return torch.randint(0, 64, shape, generator=generator).float()


@exercise(
    "04.1",
    hints=(
        "One joint's loss is |x error| + |y error|: a sum, not a mean.",
        "(predicted - target).abs() has shape (N, K, 2); .sum(-1) makes it "
        "one number per joint.",
        "The document's 1/K, averaged over persons, is a mean over all "
        "joints of all persons: "
        "(predicted - target).abs().sum(-1).mean()",
    ),
)
def _(attempt):
    target = torch.tensor([[[10.0, 20.0], [30.0, 40.0]]])
    predicted = torch.tensor([[[13.0, 24.0], [30.0, 38.0]]])
    cases = [(predicted, target)]
    cases += [tuple(_poses(seed, joints=seed + 2)) for seed in range(4)]
    for predicted, target in cases:
        difference = predicted - target
        per_joint = difference.abs().sum(-1)
        attempt.gives(
            coordinate_l1(predicted, target),
            predicted,
            target,
            tolerance=1e-4,
            mistakes={
                "x and y are averaged; the document's L1 adds them": difference.abs().mean(),
                "the errors are summed but not divided by the number of "
                "joints": per_joint.sum(),
                "divided by the joints of one person only; there are "
                "several persons": per_joint.sum() / target.shape[1],
                "that is the squared error, L2": difference.square().sum(-1).mean(),
                "without absolute values errors to the left and to the "
                "right cancel": difference.sum(-1).mean(),
                "that is the straight-line distance; L1 adds |x| and |y|": difference.norm(
                    dim=-1
                ).mean(),
            },
        )


@exercise(
    "04.2",
    hints=(
        "First take the unlabelled joints out of the difference, with "
        "`torch.where` and the condition `labelled[:, :, None, None]`. Then square "
        "and add the cells: one loss per joint, `(N, K)`, without a NaN.",
        "`losses.topk(top, dim=1)` gives each row's largest values and their "
        "`.indices`. An unlabelled joint has loss 0 now, but so may a labelled "
        "one: to keep the unlabelled ones last, rank them with -1.",
        "`top` may be larger than the number of joints: `min(top, K)`. A person "
        "may have fewer labelled joints than `top`, so some of the chosen do not "
        "count: `labelled.gather(1, indices)` says which.",
        "Divide by the number of joints that count, over all persons. "
        "`.clamp(min=1)` keeps 0 / 0 away where there is none.",
    ),
)
def _(attempt):
    generator = torch.Generator().manual_seed(0)

    def maps():
        return torch.rand(3, 4, 5, 6, generator=generator)

    everything = torch.ones(3, 4, dtype=torch.bool)
    some = torch.tensor([[1, 0, 1, 1], [0, 1, 0, 0], [0, 0, 0, 0]]).bool()
    hidden = maps()
    hidden[~some] = torch.nan
    cases = [
        (maps(), maps(), everything, 4),
        (maps(), maps(), everything, 2),
        (maps(), maps(), some, 2),
        (maps(), hidden, some, 2),
        (maps(), hidden, some, 3),
        (maps(), maps(), everything, 8),
        (maps(), hidden, ~everything, 2),
    ]
    for predicted, target, labelled, top in cases:
        attempt.gives(
            ohkm(predicted, target, labelled, top=min(top, 4)),
            predicted,
            target,
            labelled,
            top,
            tolerance=1e-4,
            mistakes=_misjudged(predicted, target, labelled, top),
        )
    # called directly: an attempt works on copies, which keep the gradient
    predicted, hidden = maps().requires_grad_(), maps()
    hidden[~some] = torch.nan
    loss = attempt.answer(predicted, hidden, some, 2)
    attempt.require(
        torch.is_tensor(loss) and loss.requires_grad,
        "The loss is right, but no gradient can flow back through it: keep "
        "it a tensor (no .item(), no NumPy).",
    )
    (slope,) = torch.autograd.grad(loss, predicted)
    attempt.require(
        bool(slope.isfinite().all()),
        "The loss is right, but its gradient is NaN for the joints without "
        "a label. Take them out of the difference, before the square.",
    )
    attempt.require(
        not slope[~some].any(),
        "The loss is right, but it still pulls on joints without a label.",
    )
    pulled = int(slope.flatten(2).any(-1).sum())
    attempt.require(
        pulled == 3,
        f"The loss is right, but it pulls on {pulled} joints, where 3 count.",
    )


def _misjudged(predicted, target, labelled, top):
    """What went wrong, and the value of `hard_mse` it leads to."""
    top = min(top, labelled.shape[1])
    square = (predicted - target).square().sum((-2, -1))
    clean = torch.where(labelled, square, 0.0)
    hardest, where = clean.topk(top, dim=1)
    counted = labelled.gather(1, where).sum().clamp(min=1)
    nan = torch.tensor(torch.nan)
    return {
        "0 * NaN is NaN: select with torch.where, do not multiply"
        if labelled.any()
        else "0 / 0 is NaN; the loss of no joint at all is 0": nan,
        "all labelled joints are counted, not only the hardest": clean.sum()
        / labelled.sum().clamp(min=1),
        "divided by `top` for each person, although some have fewer labelled "
        "joints": hardest.sum() / (top * len(labelled)),
        "the cells are averaged; the document adds them": hardest.sum()
        / counted
        / predicted[0, 0].numel(),
        "not divided by the number of joints that count": hardest.sum(),
        "the hardest joints of the whole batch are chosen; each person has their "
        "own": clean.flatten().topk(top).values.mean(),
        "these are the easiest joints; the largest losses are asked for": (
            clean.topk(top, dim=1, largest=False)[0].sum() / counted
        ),
    }


@exercise(
    "04.3",
    hints=(
        "losses.zero_heatmap_loss(sigma, size, reduction) is the plateau of one "
        "guess, and there are 3 x 4 guesses.",
        "Compute all twelve plateaus and take the guess whose plateau is "
        "nearest to value.",
        'guesses = [(r, s) for r in ("joint_mean", "mean", "simple_baseline") '
        "for s in (1, 1.5, 2, 3)], then min(guesses, key=...) with the "
        "distance from value as the key.",
    ),
)
def _(attempt):
    rng = np.random.default_rng(4)
    cases = [(0.00173, 64, ("mean", 1.5)), (12.57, 64, ("joint_mean", 2))]
    for size in (32, 64, 96):
        for reduction in ("joint_mean", "mean", "simple_baseline"):
            for sigma in (1, 1.5, 2, 3):
                plateau = zero_heatmap_loss(sigma, size, reduction)
                near = float(f"{plateau * rng.uniform(0.965, 1.035):.3g}")
                cases.append((near, size, (reduction, sigma)))
    for value, size, right in cases:
        got = attempt(value, size)
        attempt.require(
            isinstance(got, (tuple, list))
            and len(got) == 2
            and isinstance(got[0], str),
            'Two things are asked for, as in ("mean", 1.5); for value '
            f"{value} and size {size} you return {short(got)}.",
        )
        plateau = zero_heatmap_loss(right[1], size, right[0])
        attempt.require(
            tuple(got) == right,
            f"For value {value} and size {size} you return {tuple(got)!r}. "
            f"The plateau of {right!r} is nearer: {plateau:.3g}.",
        )


# What the project of part one asks for; argmax gets 19 %, its peaks 92 %.
FINE_ENOUGH, SURE_ENOUGH = 0.34, 0.85


@exercise(
    "04.project",
    hints=(
        "Start with argmax and look at its number: "
        "`np.linalg.norm(found - practice.cells, axis=-1) / "
        "practice.head_cells[:, None]` is the error in head sizes. One cell is a "
        "third of a head, so 0.1 head sizes ask for a third of a cell.",
        "The decoders of chapter 3 see more than one cell: three logs (exercise "
        "03.2, for x and for y), or a centre of mass in a window around the peak. "
        "Values below 0 have no logarithm and no mass.",
        "A window of 5 x 5 cells in which each value counts with its cube does "
        "well; so does DARK after a little smoothing. For the score, the height of "
        "the peak is hard to beat.",
    ),
)
def _(attempt):
    held_back = network_maps(100, seed=4)
    got = attempt(held_back.maps)
    shape = held_back.cells.shape
    attempt.require(
        isinstance(got, (tuple, list)) and len(got) == 2,
        f"Two things are asked for, (positions, scores); you return {short(got)}.",
    )
    places, scores = (as_numbers(part) for part in got)
    attempt.require(
        places is not None and places.shape == shape,
        f"The positions must be numbers of shape {shape}, (x, y) in cells.",
    )
    attempt.require(
        scores is not None and scores.shape == shape[:2],
        f"The scores must be numbers of shape {shape[:2]}, one for each joint.",
    )
    attempt.require(
        np.isfinite(places).all() and np.isfinite(scores).all(),
        "Some positions or scores are NaN or infinite. Maps have values below 0; "
        "what does your decoder make of them?",
    )
    labelled = held_back.visible > 0
    error = np.linalg.norm(places - held_back.cells, axis=-1)
    error = (error / held_back.head_cells[:, None])[labelled]
    fine = (error <= 0.1).mean()
    attempt.require(
        fine >= FINE_ENOUGH,
        f"Within 0.1 head sizes: {fine:.1%} of the joints of 100 other people; "
        f"{FINE_ENOUGH:.0%} are asked for. "
        + (
            "x and y may be exchanged."
            if np.nanmedian(
                np.linalg.norm(places[..., ::-1] - held_back.cells, axis=-1)
            )
            < 1
            else ""
        ),
        picture=lambda: _worst_case(held_back, places),
    )
    sure = _ordered(scores[labelled], error <= 0.5)
    attempt.require(
        sure >= SURE_ENOUGH,
        f"Your positions are fine ({fine:.1%}). Of two joints, one right and one "
        f"wrong, the right one has the higher score in {sure:.1%} of the cases; "
        f"{SURE_ENOUGH:.0%} are asked for.",
    )


def _ordered(scores, right):
    """The share of pairs, one right and one wrong, in the right order."""
    order = np.sort(scores[~right])
    below = np.searchsorted(order, scores[right], "left")
    not_above = np.searchsorted(order, scores[right], "right")
    return (below + not_above).mean() / 2 / max(1, len(order))


def _worst_case(held_back, places):
    """The map on which a sure joint is farthest from its label."""
    off = np.linalg.norm(places - held_back.cells, axis=-1)
    off[(held_back.maps.max((-2, -1)) < 0.5) | np.isnan(off)] = -1
    person, joint = np.unravel_index(off.argmax(), off.shape)
    return pictures.points(
        held_back.cells[person, joint],
        places[person, joint],
        image=held_back.maps[person, joint],
    )


QUIZ = (
    Question(
        "Log A shows 6.1, with the document's reduction. Log B shows 0.0012, with a "
        "mean over 64 x 64 cells. Same sigma, all joints labelled. Whose maps are "
        "nearer to the target?",
        (
            Choice(
                "A's.",
                r"In the document's unit B has $0.0012 \cdot 4096 \approx 4.9$, and "
                "that is less than 6.1.",
            ),
            Choice(
                "B's.",
                r"In the document's unit B has $0.0012 \cdot 4096 \approx 4.9$. If "
                "sigma is 2, empty maps have 12.6, so both have learned something.",
                right=True,
            ),
            Choice(
                "One cannot tell.",
                "One can: both reductions are known, and so is the factor between "
                "them.",
            ),
        ),
    ),
    Question(
        'A run with SGD works with `"mean"` and rate 400, on 64 x 64 maps. You '
        'switch to `"joint_mean"` and keep the rate. What happens?',
        (
            Choice(
                "It learns faster.",
                "The step is 4096 times as long: it overshoots the target by far.",
            ),
            Choice(
                "Nothing: the minimum is the same.",
                "The minimum is, but the steps towards it are not.",
            ),
            Choice(
                "The loss grows until it is infinite or NaN.",
                "The gradient is 4096 times larger. Divide the rate by 4096 as well.",
                right=True,
            ),
        ),
    ),
    Question(
        "A network is 60 % sure that the joint is *here*; otherwise it is somewhere "
        "far away. How high a peak should it draw here to make the expected heatmap "
        "MSE smallest?",
        (
            Choice(
                "1: it is more likely here than not.",
                "If it is wrong, a peak of 1 in the wrong place costs twice as much "
                "as no peak at all.",
            ),
            Choice(
                "0.6",
                "In every cell the best value is the mean of the possible targets, "
                "as in section 7: 0.6 times a bump here. So the height of a peak is "
                "a confidence.",
                right=True,
            ),
            Choice(
                "0: when in doubt, draw nothing.",
                "That pays only for a joint that is certainly not here.",
            ),
        ),
    ),
    Question(
        "In the experiment with the ankles, 7 of 25 labels were written as (0, 0), "
        "and L2 without a mask gave (11.5, 11.5). What would L1 have given?",
        (
            Choice(
                "(16, 16), the right place.",
                "That is the median: 18 of 25 labels are there. With more than half "
                "of the labels missing it would jump to (0, 0). L1 hides the mistake; "
                "it does not mend it.",
                right=True,
            ),
            Choice(
                "(11.5, 11.5) as well.",
                "That is the mean, and the mean is what L2 likes best.",
            ),
            Choice(
                "(0, 0)",
                "Only if more than half of the labels were there.",
            ),
        ),
    ),
    Question(
        "Coordinates are given from 0 to 1, and the loss is smooth L1 with `beta=1`. "
        "Which loss is it really?",
        (
            Choice(
                "L1.",
                "Only errors larger than `beta` meet the straight part, and none is "
                "larger than 1.",
            ),
            Choice(
                "L2, halved.",
                "No error inside the picture exceeds 1, so the straight part is never "
                "reached. `beta` has the unit of the coordinates.",
                right=True,
            ),
        ),
    ),
)
