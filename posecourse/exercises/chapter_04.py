"""Exercises of chapter 4: losses."""

import numpy as np
import torch

from ..losses import coordinate_l1, heatmap_mse, zero_heatmap_loss
from . import exercise
from .attempt import short


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
        "Take the unlabelled joints out of the difference first, then square "
        "and add, then divide.",
        "torch.where(condition, a, b) needs a condition that fits (N, K, H, "
        "W): labelled[:, :, None, None].",
        "Divide by labelled.sum(), the joints that were counted. "
        ".clamp(min=1) keeps 0 / 0 away when none is.",
    ),
)
def _(attempt):
    generator = torch.Generator().manual_seed(0)

    def maps():
        return torch.rand(2, 3, 4, 5, generator=generator)

    everything = torch.ones(2, 3, dtype=torch.bool)
    some = torch.tensor([[True, False, True], [True, False, False]])
    cases = [(maps(), maps(), everything), (maps(), maps(), some)]
    hidden = maps()
    hidden[~some] = torch.nan
    cases += [(maps(), hidden, some), (maps(), hidden, ~everything)]
    for predicted, target, labelled in cases:
        square = (predicted - target).square().sum((-2, -1))
        counted = torch.where(labelled, square, 0).sum()
        attempt.gives(
            heatmap_mse(predicted, target, labelled),
            predicted,
            target,
            labelled,
            tolerance=1e-4,
            mistakes={
                "0 * NaN is NaN: select with torch.where, do not multiply"
                if labelled.any()
                else "0 / 0 is NaN; the loss of no joint at all is 0": torch.tensor(
                    torch.nan
                ),
                "unlabelled joints are left out of the sum, but not out "
                "of the divisor": counted / labelled.numel(),
                "the cells are averaged; the document adds them": counted
                / labelled.sum()
                / (4 * 5),
                "unlabelled joints are counted": square.mean(),
                "not divided by the number of labelled joints": counted,
            },
        )
    # called directly: an attempt works on copies, which keep the gradient
    predicted, hidden = maps().requires_grad_(), maps()
    hidden[~some] = torch.nan
    loss = attempt.answer(predicted, hidden, some)
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
