"""Losses: how wrong a network's output is, as one number to descend.

The first three are the document's (section 4.2), to the letter; the others
are what later work made of them.

**Masks.** Every loss takes `weights` ``(N, K)``: 0 leaves a joint out (its
prediction and its target may then be NaN), 1 counts it, other positive
numbers weigh it. All left out gives 0 with zero gradient.

**Reductions.** The document divides by K because all K joints are there. In
data some are not labelled, and a joint that is left out of the sum must be
left out of the divisor too; otherwise a person with few labels has a small
loss however wrong the prediction, and the loss of two data sets cannot be
compared. So, with the sums running over all persons of the batch:

==============  ========================================================
``joint_mean``  sum of w * (joint's loss) / sum of w. A joint's loss is a
                *sum* over its cells, or over x and y. The document's.
``mean``        ``joint_mean`` divided by the number of cells (H * W), or
                by 2 for x and y: a mean over single numbers.
``none``        w * (joint's loss), ``(N, K)``.
==============  ========================================================

`heatmap_mse` also knows the two forms of the common code bases, which keep
left-out joints in the divisor:

===================  ================================  ================
``mmpose``           sum(w * d^2) / (N K H W)          = a * ``mean``
``simple_baseline``  0.5 * sum(w^2 * d^2) / (N K H W)  = a * ``mean`` / 2
===================  ================================  ================

(d the difference per cell, a the labelled fraction, weights 0 or 1.) To
turn one number into another, for maps of 64 x 64 and all joints labelled:

====================  ==============  ======================  ===================
multiply ... to get   ``joint_mean``  ``mean``, ``mmpose``    ``simple_baseline``
====================  ==============  ======================  ===================
``joint_mean``        1               1 / 4096                1 / 8192
``mean``, ``mmpose``  4096            1                       1 / 2
``simple_baseline``   8192            2                       1
====================  ==============  ======================  ===================

The gradient scales along. Adam does not care; plain SGD needs its learning
rate divided by the same factor, and weight decay or a second loss term
changes its relative weight under either.

**Plateaus.** A loss means nothing without what a constant prediction gets. A
network that draws empty maps has `zero_heatmap_loss`; one whose constant
prediction is the mean pose has `mean_pose_loss`. A run that stops there has
learned nothing about the picture.

**Input.** Tensors of any type of number; arrays become tensors. Whole numbers
and half precision are computed in float32. A network with several stages
gives a list: judge each stage, or the last.
"""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import nn

from .codecs import gaussian_heatmaps, integral_decode
from .codecs._common import _as_float, _as_output, _as_pair, _pair
from .geometry import resize_points

__all__ = [
    "RealNVP",
    "coordinate_l1",
    "coordinate_l2",
    "dsnt",
    "hardest",
    "heatmap_mse",
    "mean_pose_loss",
    "ohkm",
    "rle",
    "simcc",
    "smooth_l1",
    "wing",
    "zero_heatmap_loss",
]


# ---------------------------------------------------------------- heatmaps


def heatmap_mse(predicted, target, weights=None, reduction="joint_mean"):
    """Squared difference of heatmaps (section 4.2, first formula).

    ``(1/K) sum_k sum_ij (H^_kij - H_kij)^2``, averaged over persons.

    Parameters
    ----------
    predicted, target:
        ``(N, K, H, W)``.
    weights:
        ``(N, K)``; None counts every joint.
    reduction:
        ``"joint_mean"``, ``"mean"``, ``"none"``, ``"mmpose"`` or
        ``"simple_baseline"``: see the top of this module.
    """
    difference, weights = _difference(predicted, target, weights, 4)
    per_joint = difference.square().sum((-2, -1))
    count = max(1, difference.numel())
    if reduction == "mmpose":
        return (weights * per_joint).sum() / count
    if reduction == "simple_baseline":
        return (weights**2 * per_joint).sum() / (2 * count)
    return _reduce(per_joint, weights, reduction, _cells(difference))


def ohkm(predicted, target, weights=None, top: int = 8, reduction="joint_mean"):
    """`heatmap_mse` over each person's `top` worst joints only.

    Online hard keypoint mining: once most joints are right, their small
    errors would still fill most of the mean. (Chen et al., 2018, CPN.) A
    person with fewer labelled joints than `top` counts with those.

    Parameters as in `heatmap_mse`; reductions ``"joint_mean"`` and
    ``"mean"``, over the joints chosen.
    """
    difference, weights = _difference(predicted, target, weights, 4)
    if reduction == "none":
        raise ValueError(
            "ohkm has no reduction 'none': it leaves joints "
            "out; use heatmap_mse and hardest"
        )
    per_joint = difference.square().sum((-2, -1))
    worst = hardest(weights * per_joint, top)
    return _reduce(
        per_joint.gather(1, worst),
        weights.gather(1, worst),
        reduction,
        _cells(difference),
    )


def hardest(per_joint, top: int):
    """The `top` joints of each person with the greatest loss.

    Parameters
    ----------
    per_joint:
        ``(N, K)`` losses, 0 where a joint has no label.

    Returns
    -------
    ``(N, top)`` numbers of joints, the worst first.
    """
    per_joint = _as_float(per_joint)
    joints = per_joint.shape[1]
    if not 1 <= top <= joints:
        raise ValueError(f"top {top}: choose 1 to {joints}, the number of joints")
    return per_joint.topk(top, dim=1).indices


def zero_heatmap_loss(
    sigma: float, size, reduction="joint_mean", labelled: float = 1.0
) -> float:
    """`heatmap_mse` of a network that draws nothing.

    The target's squares sum to ``pi * sigma^2`` (the integral of a squared
    Gaussian; a little less at the border). A training loss that stays at
    this number comes from empty maps.

    Parameters
    ----------
    sigma:
        Of the target, cells.
    size:
        ``(width, height)`` of the maps or one number for both, cells.
    reduction:
        As in `heatmap_mse`, except ``"none"``.
    labelled:
        Fraction of the joints that are labelled; matters to ``"mmpose"``
        and ``"simple_baseline"`` (on MPII about 0.935).

    Examples
    --------
    >>> round(zero_heatmap_loss(sigma=2, size=64, reduction="mean"), 4)
    0.0031
    """
    width, height = _pair(size, "size")
    total = math.pi * sigma**2
    mean = total / (width * height)
    table = {
        "joint_mean": total,
        "mean": mean,
        "mmpose": labelled * mean,
        "simple_baseline": labelled * mean / 2,
    }
    if reduction not in table:
        raise ValueError(f"unknown reduction {reduction!r}; known: {', '.join(table)}")
    return table[reduction]


# ------------------------------------------------------------- coordinates


def coordinate_l2(predicted, target, weights=None, reduction="joint_mean"):
    """Squared distance of coordinates (section 4.2, second formula).

    ``(1/K) sum_k |y^_k - y_k|^2``, averaged over persons: x and y are
    summed. ``"mean"`` is half of it, `torch.nn.MSELoss`.

    Parameters
    ----------
    predicted, target:
        ``(N, K, 2)`` (or 3 numbers per joint), in any one unit.
    weights:
        ``(N, K)``; None counts every joint.
    reduction:
        ``"joint_mean"``, ``"mean"`` or ``"none"``: see the top of this
        module.
    """
    difference, weights = _difference(predicted, target, weights, 3)
    return _reduce(
        difference.square().sum(-1), weights, reduction, difference.shape[-1]
    )


def coordinate_l1(predicted, target, weights=None, reduction="joint_mean"):
    """Absolute difference of coordinates (the L1 of section 3.2).

    ``(1/K) sum_k (|dx_k| + |dy_k|)``, averaged over persons. Every error
    pulls equally hard, so a few wild labels move the answer less than
    under `coordinate_l2`: its best constant is the median, not the mean.

    Parameters as in `coordinate_l2`.
    """
    difference, weights = _difference(predicted, target, weights, 3)
    return _reduce(difference.abs().sum(-1), weights, reduction, difference.shape[-1])


def smooth_l1(
    predicted, target, weights=None, beta: float = 1.0, reduction="joint_mean"
):
    """L2 for small errors, L1 for large ones.

    Per number ``d^2 / (2 beta)`` below `beta`, ``|d| - beta / 2`` above
    (Girshick, 2015). `beta` is in the unit of the coordinates: 1 is a
    pixel for pixels, but the whole picture for coordinates in [0, 1].

    Other parameters as in `coordinate_l2`.
    """
    if not beta > 0:
        raise ValueError(f"beta must be positive, got {beta}")
    size, weights = _difference(predicted, target, weights, 3)
    loss = F.smooth_l1_loss(size, torch.zeros_like(size), beta=beta, reduction="none")
    return _reduce(loss.sum(-1), weights, reduction, size.shape[-1])


def wing(
    predicted,
    target,
    weights=None,
    width: float = 10.0,
    curvature: float = 2.0,
    reduction="joint_mean",
):
    """A log near zero, L1 further out: pulls small errors harder.

    Per number ``width * ln(1 + |d| / curvature)`` where ``|d| < width``,
    above that ``|d|`` less the constant that joins the two (Feng et al.,
    2018). In *pixels*; on coordinates in [0, 1] it never leaves its log.

    Other parameters as in `coordinate_l2`.
    """
    if not (width > 0 and curvature > 0):
        raise ValueError(f"width {width} and curvature {curvature} must be positive")
    difference, weights = _difference(predicted, target, weights, 3)
    size = difference.abs()
    offset = width - width * math.log1p(width / curvature)
    loss = torch.where(
        size < width, width * torch.log1p(size / curvature), size - offset
    )
    return _reduce(loss.sum(-1), weights, reduction, size.shape[-1])


def mean_pose_loss(target, weights=None, reduction="joint_mean") -> float:
    """`coordinate_l2` of a network whose constant prediction is the mean pose.

    It is the variance of the targets: what a constant prediction can reach.

    Parameters
    ----------
    target:
        ``(N, K, 2)``, all of a data set (or a large part of it).
    weights:
        ``(N, K)``; None counts every joint.
    reduction:
        ``"joint_mean"`` or ``"mean"``.
    """
    target = _as_float(target)
    values, weights = _difference(target, torch.zeros_like(target), weights, 3)
    each = weights[..., None]
    total = each.sum(0)
    mean = (each * values).sum(0) / torch.where(total > 0, total, 1)
    return coordinate_l2(mean.expand_as(values), values, weights, reduction).item()


# --------------------------------------------- other forms of the same idea


def dsnt(
    logits,
    target,
    weights=None,
    sigma: float = 1.0,
    regularisation: float = 1.0,
    reduction="joint_mean",
):
    """Distance of a map's mean position, plus its unlikeness to a bump.

    The map's softmax has a mean position (`codecs.integral_decode`). The
    loss is the Euclidean distance from there to the target, in units where
    the map spans -1 to 1, plus `regularisation` times the Jensen-Shannon
    divergence of the softmax from a Gaussian around the target. Without
    the second term many odd maps have the right mean. (Nibali et al.,
    2018.)

    Parameters
    ----------
    logits:
        ``(N, K, H, W)``.
    target:
        ``(N, K, 2)`` heatmap cells (`HeatmapCodec.to_cells`).
    weights:
        ``(N, K)``; None counts every joint.
    sigma:
        Of the Gaussian, cells.
    reduction:
        ``"joint_mean"``, the mean over joints, or ``"none"``.
    """
    logits, target, weights = _inputs(logits, target, weights)
    _shape(logits, 4, "logits")
    if target.shape != (*logits.shape[:2], 2):
        raise ValueError(
            f"target {tuple(target.shape)} does not go with "
            f"logits {tuple(logits.shape)}; it must be "
            "(N, K, 2) cells"
        )
    _same(logits, target, weights)
    counted = weights > 0
    logits = torch.where(counted[..., None, None], logits, 0)
    target = torch.where(counted[..., None], target, 0)
    height, width = logits.shape[-2:]
    span = (2 / width, 2 / height)
    cells, _ = integral_decode(logits)
    off = resize_points(cells, span) - resize_points(target, span)
    distance = torch.linalg.vector_norm(off, dim=-1)
    log_p = torch.log_softmax(logits.flatten(-2), -1)
    q = gaussian_heatmaps(target, (width, height), sigma).flatten(-2)
    q = q / q.sum(-1, keepdim=True).clamp(min=torch.finfo(q.dtype).tiny)
    total = distance + regularisation * _jensen_shannon(log_p, q)
    return _reduce(total, weights, reduction, None)


def _jensen_shannon(log_p, q):
    p = log_p.exp()
    middle = ((p + q) / 2).clamp(min=torch.finfo(q.dtype).tiny).log()
    from_p = (p * (log_p - middle)).sum(-1)
    from_q = (torch.xlogy(q, q) - q * middle).sum(-1)
    return (from_p + from_q) / 2


def simcc(logits, target, weights=None, reduction="joint_mean"):
    """Kullback-Leibler divergence from the target, column plus row.

    0 for a perfect prediction. (Li et al., 2022.)

    Parameters
    ----------
    logits, target:
        Pairs of ``(N, K, bins in x)`` and ``(N, K, bins in y)``, the
        target from `SimCCCodec.encode`.
    weights:
        ``(N, K)``; None counts every joint.
    reduction:
        ``"joint_mean"``, the mean over joints, or ``"none"``. (The published
        code sums over the batch, so its loss grows with the batch size.)
    """
    total = 0
    for scores, truth in zip(_as_pair(logits, "logits"), _as_pair(target, "target")):
        scores, truth, mask = _inputs(scores, truth, weights)
        _shape(scores, 3, "logits")
        if scores.shape != truth.shape:
            raise ValueError(
                f"logits {tuple(scores.shape)} and target {tuple(truth.shape)} "
                "must agree"
            )
        _same(scores, truth, mask)
        counted = (mask > 0)[..., None]
        scores = torch.where(counted, scores, 0)
        truth = torch.where(counted, truth, 0)
        log_p = torch.log_softmax(scores, -1)
        total = total + (torch.xlogy(truth, truth) - truth * log_p).sum(-1)
    return _reduce(total, mask, reduction, None)


class RealNVP(nn.Module):
    """A small invertible network: a learned density in the plane.

    Six coupling layers: each keeps one coordinate, and shifts and scales
    the other by what a small network makes of the first. Points flow to
    a standard normal distribution; the density follows from the scales.
    (Dinh et al., 2017.)

    Parameters
    ----------
    width:
        Hidden units of each small network.
    """

    def __init__(self, width: int = 64):
        super().__init__()
        self.nets = nn.ModuleList(
            nn.Sequential(
                nn.Linear(1, width),
                nn.LeakyReLU(),
                nn.Linear(width, width),
                nn.LeakyReLU(),
                nn.Linear(width, 2),
            )
            for _ in range(6)
        )

    def log_density(self, points):
        """Log density at ``(..., 2)`` points: ``(...)``."""
        points = _as_float(points).to(next(self.parameters()).dtype)
        moving, kept = points[..., :1], points[..., 1:]
        log_scale = 0
        for net in self.nets:
            scale, shift = net(kept).chunk(2, -1)
            scale = torch.tanh(scale)
            moving = (moving - shift) * torch.exp(-scale)
            log_scale = log_scale - scale
            moving, kept = kept, moving
        square = moving**2 + kept**2
        log = log_scale - square / 2 - math.log(2 * math.pi)
        return log[..., 0]


def rle(predicted, sigma, target, flow: RealNVP, weights=None, reduction="joint_mean"):
    """Residual log-likelihood: the network also predicts how sure it is.

    The error divided by the predicted `sigma` has some density. L1 assumes
    a Laplace density, L2 a normal one; here it is a Laplace density
    corrected by one that `flow` learns along the way. The loss is the sum
    of both negative log-likelihoods,
    ``-log flow(e) + |e_x| + |e_y| + 2 log(sigma_x sigma_y) + log 4`` with
    ``e = (predicted - target) / sigma``. (Li et al., 2021; the published
    code counts the flow's term once for x and once for y.)

    Parameters
    ----------
    predicted, sigma, target:
        ``(N, K, 2)`` each, coordinates in [0, 1]; `sigma` positive, e.g.
        the sigmoid of a network output.
    flow:
        Trained together with the network, not needed for predicting.
    weights:
        ``(N, K)``; None counts every joint.
    reduction:
        ``"joint_mean"``, the mean over joints, or ``"none"``.
    """
    predicted = _as_output(predicted, "predicted")
    sigma = _as_output(sigma, "sigma")
    if sigma.shape != predicted.shape:
        raise ValueError(
            f"sigma {tuple(sigma.shape)} and predicted "
            f"{tuple(predicted.shape)} must agree"
        )
    difference, weights = _difference(predicted, target, weights, 3)
    if difference.shape[-1] != 2:
        raise ValueError(
            f"rle needs x and y, got {difference.shape[-1]} numbers per joint"
        )
    sigma = torch.where((weights > 0)[..., None], sigma, 1)
    error = difference / sigma
    per_joint = (
        (error.abs() + 2 * sigma.log()).sum(-1) + math.log(4) - flow.log_density(error)
    )
    return _reduce(per_joint, weights, reduction, None)


# ----------------------------------------------------------------- helpers


def _inputs(predicted, target, weights):
    """As float32 or float64; weights of one where none are given."""
    predicted = _as_output(predicted, "predicted")
    target = _as_float(target, predicted.device)
    if weights is None:
        weights = predicted.new_ones(predicted.shape[:2])
    elif not isinstance(weights, torch.Tensor):
        weights = torch.as_tensor(weights, device=predicted.device)
    if not (weights.is_floating_point() or weights.dtype == torch.bool):
        raise ValueError(
            f"weights are {weights.dtype}; give float or bool. "
            "For visibility 0, 1, 2 give visible > 0"
        )
    return predicted, target, weights.to(predicted.dtype)


def _shape(values, ndim: int, what: str) -> None:
    names = "(N, K, H, W)" if ndim == 4 else "(N, K, ...) of 3 dimensions"
    if values.ndim != ndim:
        raise ValueError(f"{what} must be {names}, got {tuple(values.shape)}")


def _same(predicted, target, weights) -> None:
    if weights.shape != predicted.shape[:2]:
        raise ValueError(
            f"weights {tuple(weights.shape)} do not go with "
            f"{tuple(predicted.shape)}; they must be (N, K)"
        )
    devices = {predicted.device, target.device, weights.device}
    if len(devices) > 1:
        raise ValueError(
            "predicted, target and weights must be on one "
            f"device, got {', '.join(map(str, devices))}"
        )


def _difference(predicted, target, weights, ndim: int):
    """``predicted - target``, 0 where left out, and the weights.

    NaN times 0 is NaN, so joints are taken out before anything is
    multiplied; a NaN there reaches neither the loss nor a gradient.
    """
    predicted, target, weights = _inputs(predicted, target, weights)
    _shape(predicted, ndim, "predicted")
    if predicted.shape != target.shape:
        raise ValueError(
            f"predicted {tuple(predicted.shape)} and target "
            f"{tuple(target.shape)} must agree"
        )
    _same(predicted, target, weights)
    counted = (weights > 0).reshape(*weights.shape, *[1] * (ndim - 2))
    return torch.where(counted, predicted - target, 0), weights


def _cells(maps) -> int:
    return maps.shape[-2] * maps.shape[-1]


def _reduce(per_joint, weights, reduction: str, numbers: int | None):
    """Put ``(N, K)`` losses together; `numbers` make up each of them."""
    known = ["joint_mean", "none"] + ["mean"] * (numbers is not None)
    if reduction not in known:
        raise ValueError(
            f"unknown reduction {reduction!r} for this loss; known: {', '.join(known)}"
        )
    weighted = weights * per_joint
    if reduction == "none":
        return weighted
    total = weights.sum()
    mean = weighted.sum() / torch.where(total > 0, total, 1)
    return mean / numbers if reduction == "mean" else mean
