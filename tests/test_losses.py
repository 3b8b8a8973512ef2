"""Losses: the document's formulas, values by hand, masks, gradients."""

import itertools
import math

import pytest
import torch
from torch.autograd import gradcheck

from posecourse.codecs import (
    CoordinateCodec,
    HeatmapCodec,
    SimCCCodec,
    gaussian_heatmaps,
    integral_decode,
)
from posecourse.losses import (
    RealNVP,
    coordinate_l1,
    coordinate_l2,
    dsnt,
    heatmap_mse,
    mean_pose_loss,
    ohkm,
    rle,
    simcc,
    smooth_l1,
    wing,
    zero_heatmap_loss,
)

pytestmark = pytest.mark.usefixtures("one_thread")

N, K, H, W = 3, 4, 5, 6


def random(*shape, seed=0):
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(*shape, generator=generator, dtype=torch.float64)


def flow():
    torch.manual_seed(0)
    return RealNVP(width=8).double()


# Every loss as f(prediction, weights): the prediction and where it is made.


def _heatmap(loss, **options):
    target = gaussian_heatmaps(random(N, K, 2) + 3, (W, H), 1.0)
    return lambda p, w, t=target: loss(p, t, w, **options), (N, K, H, W)


def _coordinate(loss, **options):
    target = random(N, K, 2, seed=1)
    return lambda p, w, t=target: loss(p, t, w, **options), (N, K, 2)


def _dsnt():
    target = random(N, K, 2) + 2
    return lambda p, w, t=target: dsnt(p, t, w), (N, K, H, W)


def _simcc():
    keypoints = random(N, K, 2) + 3
    target, _ = SimCCCodec(6, sigma=2.0).encode(keypoints, torch.ones(N, K))

    def loss(p, w, t=None):
        pair = target if t is None else (t, t)
        return simcc((p, p), pair, w)

    return loss, (N, K, 12)


def _rle():
    target, density = random(N, K, 2, seed=1), flow()

    def loss(p, w, t=target):
        return rle(p, 1.5 + p / 10, t, density, w)

    return loss, (N, K, 2)


LOSSES = {
    "heatmap_mse": _heatmap(heatmap_mse),
    "heatmap_mse mean": _heatmap(heatmap_mse, reduction="mean"),
    "heatmap_mse mmpose": _heatmap(heatmap_mse, reduction="mmpose"),
    "heatmap_mse simple_baseline": _heatmap(heatmap_mse, reduction="simple_baseline"),
    "ohkm": _heatmap(ohkm, top=2),
    "coordinate_l2": _coordinate(coordinate_l2),
    "coordinate_l1": _coordinate(coordinate_l1),
    "smooth_l1": _coordinate(smooth_l1),
    "wing": _coordinate(wing),
    "dsnt": _dsnt(),
    "simcc": _simcc(),
    "rle": _rle(),
}
every_loss = pytest.mark.parametrize("name", LOSSES)


# ------------------------------------------------- the document, to the letter


def test_heatmap_mse_is_the_documents_formula():
    """(1/K) sum_k sum_ij (H^ - H)^2 for each person, by loops."""
    predicted, target = random(N, K, H, W), random(N, K, H, W, seed=1)
    persons = []
    for n in range(N):
        total = 0.0
        for k, i, j in itertools.product(range(K), range(H), range(W)):
            total += (predicted[n, k, i, j] - target[n, k, i, j]).item() ** 2
        persons.append(total / K)
    expected = sum(persons) / N
    assert heatmap_mse(predicted, target).item() == pytest.approx(expected)


def test_heatmap_mse_by_hand():
    """K = 2, 2 x 2 cells: differences 1 and 2 in one map, 3 in the other."""
    predicted = torch.tensor([[[[1.0, 0.0], [0.0, 2.0]], [[0.0, 3.0], [0.0, 0.0]]]])
    target = torch.zeros_like(predicted)
    assert heatmap_mse(predicted, target).item() == (1 + 4 + 9) / 2
    assert heatmap_mse(predicted, target, reduction="mean").item() == 14 / 8
    assert heatmap_mse(predicted, target, reduction="none").tolist() == [[5, 9]]


def test_coordinate_losses_by_hand():
    """K = 2: joint 0 is off by (3, -4), joint 1 by (0, 1)."""
    target = torch.tensor([[[10.0, 10.0], [5.0, 5.0]]])
    predicted = target + torch.tensor([[[3.0, -4.0], [0.0, 1.0]]])
    assert coordinate_l2(predicted, target).item() == (25 + 1) / 2
    assert coordinate_l1(predicted, target).item() == (7 + 1) / 2
    assert coordinate_l2(predicted, target, reduction="none").tolist() == [[25, 1]]
    mse = torch.nn.functional.mse_loss(predicted, target)
    assert coordinate_l2(predicted, target, reduction="mean") == mse
    l1 = torch.nn.functional.l1_loss(predicted, target)
    assert coordinate_l1(predicted, target, reduction="mean") == l1


def test_gradients_by_hand():
    """d/dH^ of (1/K) sum (H^ - H)^2 is 2 (H^ - H) / K, and so on."""
    difference = torch.tensor([[[3.0, -4.0], [0.0, 1.0]]])
    for loss, expected in (
        (coordinate_l2, 2 * difference / 2),
        (coordinate_l1, difference.sign() / 2),
    ):
        predicted = difference.clone().requires_grad_()
        loss(predicted, torch.zeros_like(difference)).backward()
        assert torch.equal(predicted.grad, expected)
    maps = random(1, 3, 4, 4).requires_grad_()
    heatmap_mse(maps, torch.zeros(1, 3, 4, 4)).backward()
    torch.testing.assert_close(maps.grad, 2 * maps.detach() / 3)


def test_l1_and_l2_prefer_the_median_and_the_mean():
    """Best constant for labels 0, 0, 9: L2 says 3, L1 says 0."""
    labels = torch.tensor([0.0, 0.0, 9.0])[:, None, None].repeat(1, 1, 2)

    def best(loss):
        return min(
            (c / 2 for c in range(19)),
            key=lambda c: loss(torch.full_like(labels, c), labels).item(),
        )

    assert best(coordinate_l2) == 3
    assert best(coordinate_l1) == 0


# ----------------------------------------------------- reductions, conversion


def test_conversion_table_for_64_by_64():
    """The factors printed at the top of the module."""
    predicted, target = random(2, 3, 64, 64), random(2, 3, 64, 64, seed=1)
    value = {
        r: heatmap_mse(predicted, target, reduction=r).item()
        for r in ("joint_mean", "mean", "mmpose", "simple_baseline")
    }
    assert value["joint_mean"] == pytest.approx(8192 * value["simple_baseline"])
    assert value["joint_mean"] == pytest.approx(4096 * value["mean"])
    assert value["mean"] == pytest.approx(value["mmpose"])
    assert value["mean"] == pytest.approx(2 * value["simple_baseline"])
    mse = torch.nn.functional.mse_loss(predicted, target).item()
    assert value["mean"] == pytest.approx(mse)


def test_code_bases_keep_left_out_joints_in_the_divisor():
    predicted, target = random(N, K, H, W), random(N, K, H, W, seed=1)
    weights = torch.tensor([[1.0, 1, 0, 0], [1, 0, 0, 0], [1, 1, 1, 1]])
    labelled = weights.mean().item()
    mean = heatmap_mse(predicted, target, weights, "mean").item()
    mmpose = heatmap_mse(predicted, target, weights, "mmpose").item()
    halved = heatmap_mse(predicted, target, weights, "simple_baseline").item()
    assert mmpose == pytest.approx(labelled * mean)
    assert halved == pytest.approx(labelled * mean / 2)
    # their code: the weights enter before squaring, or after
    d, w = predicted - target, weights[..., None, None]
    assert halved == pytest.approx(0.5 * (w * d).square().mean().item())
    assert mmpose == pytest.approx((w * d.square()).mean().item())
    half = torch.full_like(weights, 0.5)
    assert heatmap_mse(
        predicted, target, half, "simple_baseline"
    ).item() == pytest.approx(
        heatmap_mse(predicted, target, None, "simple_baseline").item() / 4
    )


def test_mean_over_labelled_joints_not_over_k():
    """A person with one label counts once, not a K-th."""
    predicted, target = torch.zeros(1, 4, 2), torch.zeros(1, 4, 2)
    predicted[0, 0] = torch.tensor([3.0, 4.0])
    weights = torch.tensor([[1.0, 0, 0, 0]])
    assert coordinate_l2(predicted, target, weights).item() == 25
    assert coordinate_l2(predicted, target).item() == 25 / 4


def test_weights_weigh():
    """Joint losses 1 and 4, weights 3 and 1: (3 + 4) / 4."""
    predicted = torch.tensor([[[1.0, 0.0], [2.0, 0.0]]])
    loss = coordinate_l2(predicted, torch.zeros(1, 2, 2), torch.tensor([[3.0, 1.0]]))
    assert loss.item() == 7 / 4


# ------------------------------------------------------------------ plateaus


@pytest.mark.parametrize(
    "sigma, mean", [(1.0, 0.00077), (1.5, 0.0017), (2.0, 0.0031), (3.0, 0.0069)]
)
def test_zero_heatmap_plateau(sigma, mean):
    """The named numbers, and that real targets have them."""
    assert zero_heatmap_loss(sigma, 64, "mean") == pytest.approx(mean, rel=0.02)
    centers = 20 + 24 * torch.rand(16, 8, 2, dtype=torch.float64)
    target = gaussian_heatmaps(centers, 64, sigma)
    weights = torch.ones(16, 8)
    weights[:, 0] = 0
    for reduction in ("joint_mean", "mean", "mmpose", "simple_baseline"):
        measured = heatmap_mse(
            torch.zeros_like(target), target, weights, reduction
        ).item()
        expected = zero_heatmap_loss(sigma, (64, 64), reduction, 7 / 8)
        assert measured == pytest.approx(expected, rel=1e-3)
    with pytest.raises(ValueError, match="simple_baseline"):
        zero_heatmap_loss(sigma, 64, "none")


def test_mean_pose_plateau():
    """Nothing constant does better than the mean pose."""
    target = random(50, K, 2, seed=4)
    weights = (random(50, K, seed=5) > 0).double()
    weights[:, 3] = 0  # never labelled
    target[weights == 0] = math.nan
    plateau = mean_pose_loss(target, weights)
    mean = torch.nanmean(target, 0).nan_to_num()
    for shift in (0, 0.1, -0.1):
        other = coordinate_l2((mean + shift).expand(50, K, 2), target, weights).item()
        assert other >= plateau - 1e-12
        assert (other == pytest.approx(plateau)) == (shift == 0)


# ---------------------------------------------------------- the other losses


def test_ohkm_by_hand():
    """Joint losses 1, 9, 4, 16; the worst two are 16 and 9."""
    predicted = torch.tensor([1.0, 3.0, 2.0, 4.0])[None, :, None, None]
    target = torch.zeros_like(predicted)
    assert ohkm(predicted, target, top=2).item() == 25 / 2
    assert ohkm(predicted, target, top=4) == heatmap_mse(predicted, target)
    weights = torch.tensor([[1.0, 1.0, 1.0, 0.0]])
    assert ohkm(predicted, target, weights, top=2).item() == 13 / 2
    weights = torch.tensor([[1.0, 0.0, 0.0, 0.0]])  # fewer than top
    assert ohkm(predicted, target, weights, top=2).item() == 1
    with pytest.raises(ValueError, match="top 5"):
        ohkm(predicted, target, top=5)
    with pytest.raises(ValueError, match="none"):
        ohkm(predicted, target, top=2, reduction="none")


def test_smooth_l1_by_hand():
    """beta 2: |d| = 1 gives 1/4, |d| = 5 gives 4."""
    predicted = torch.tensor([[[1.0, -5.0]]])
    loss = smooth_l1(predicted, torch.zeros(1, 1, 2), beta=2.0)
    assert loss.item() == pytest.approx(0.25 + 4)


def test_wing_by_hand_and_joined():
    """|d| = 2: 10 ln 2; |d| = 20: 20 - C with C = 10 - 10 ln 6."""
    predicted = torch.tensor([[[2.0, -20.0]]], dtype=torch.float64)
    expected = 10 * math.log(2) + 20 - (10 - 10 * math.log(6))
    zero = torch.zeros_like(predicted)
    assert wing(predicted, zero).item() == pytest.approx(expected)
    below, above = (
        wing(torch.full_like(zero, v), zero).item() for v in (10 - 1e-9, 10 + 1e-9)
    )
    assert below == pytest.approx(above)


def test_dsnt_by_hand():
    """Two cells, logits equal, target on the right one.

    The map spans -1 to 1, so cells are at -1/2 and 1/2: the mean 0 is 1/2
    away. The divergence of (1/2, 1/2) from (q, 1 - q) follows.
    """
    q = torch.tensor([math.exp(-0.5), 1.0], dtype=torch.float64)
    q = q / q.sum()
    p = torch.full_like(q, 0.5)
    m = (p + q) / 2
    divergence = ((p * (p / m).log()).sum() + (q * (q / m).log()).sum()) / 2
    loss = dsnt(
        torch.zeros(1, 1, 1, 2, dtype=torch.float64),
        torch.tensor([[[1.0, 0.0]]]),
        sigma=1.0,
        regularisation=3,
    )
    assert loss.item() == pytest.approx(0.5 + 3 * divergence.item())


def test_dsnt_is_zero_for_the_target_itself():
    target = torch.tensor([[[15.3, 14.1]]], dtype=torch.float64)
    logits = gaussian_heatmaps(target, 31, 1.0).clamp(min=1e-300).log()
    assert dsnt(logits, target).item() == pytest.approx(0, abs=1e-6)


def test_dsnt_trains_a_map_to_its_target():
    codec = HeatmapCodec(64, 16, decoder="integral")
    keypoints = torch.tensor([[[20.0, 41.0], [50.5, 30.0]]])
    logits = torch.zeros(1, 2, 16, 16, requires_grad=True)
    optimiser = torch.optim.Adam([logits], 1.0)
    for _ in range(60):
        optimiser.zero_grad()
        dsnt(logits, codec.to_cells(keypoints)).backward()
        optimiser.step()
    found, _ = codec.decode(logits.detach())
    assert (found - keypoints).abs().max() < 0.5


def test_simcc_is_a_divergence():
    """0 for the target's own logits, log n - entropy for flat ones."""
    target, weights = SimCCCodec(8, sigma=2.0).encode(
        torch.tensor([[[3.3, 4.0]]], dtype=torch.float64), torch.ones(1, 1)
    )
    perfect = [t.log() for t in target]
    assert simcc(perfect, target, weights).item() == pytest.approx(0, abs=1e-12)
    flat = [torch.zeros_like(t) for t in target]
    expected = sum(math.log(16) + (t * t.log()).sum().item() for t in target)
    assert simcc(flat, target, weights).item() == pytest.approx(expected)


def test_simcc_does_not_grow_with_the_batch():
    logits = [random(4, 2, 12), random(4, 2, 12, seed=1)]
    target = [t.softmax(-1) for t in logits[::-1]]
    once = simcc(logits, target)
    twice = simcc(
        [torch.cat([v, v]) for v in logits], [torch.cat([v, v]) for v in target]
    )
    torch.testing.assert_close(once, twice)


def test_flow_density_integrates_to_one():
    """Over a grid wide enough; and differs from the normal one."""
    density = flow()
    axis = torch.linspace(-12, 12, 481, dtype=torch.float64)
    grid = torch.stack(torch.meshgrid(axis, axis, indexing="xy"), -1)
    with torch.no_grad():
        values = density.log_density(grid).exp()
    assert values.shape == (481, 481)
    assert (values.sum() * (24 / 480) ** 2).item() == pytest.approx(1, abs=1e-3)


def test_rle_by_hand_with_a_flow_that_does_nothing():
    """Then the density is the standard normal one."""
    density = RealNVP()
    for parameter in density.parameters():
        torch.nn.init.zeros_(parameter)
    sigma = torch.tensor([[[0.5, 2.0]]])
    predicted = torch.tensor([[[1.0, -2.0]]])
    loss = rle(predicted, sigma, torch.zeros(1, 1, 2), density)
    # e = (2, -1)
    normal = (4 + 1) / 2 + math.log(2 * math.pi) + math.log(0.5 * 2)
    laplace = 2 + 1 + math.log(2 * 0.5) + math.log(2 * 2)
    assert loss.item() == pytest.approx(normal + laplace, rel=1e-6)


def test_rle_learns_how_wide_the_errors_are():
    """Errors ten times wider in y are met with a wider sigma there."""
    torch.manual_seed(0)
    target = torch.randn(256, 1, 2) * torch.tensor([0.02, 0.2])
    density, raw = RealNVP(8), torch.full((2,), -2.0, requires_grad=True)
    optimiser = torch.optim.Adam([raw, *density.parameters()], 0.05)
    first = None
    for _ in range(80):
        optimiser.zero_grad()
        loss = rle(
            torch.zeros_like(target), raw.exp().expand_as(target), target, density
        )
        first = loss.item() if first is None else first
        loss.backward()
        optimiser.step()
    sx, sy = raw.exp().tolist()
    assert loss.item() < first - 1
    assert sy > 3 * sx


# ------------------------------------------------- what all losses must honour


@every_loss
def test_gradients_are_right(name):
    loss, shape = LOSSES[name]
    weights = torch.tensor(
        [[1.0, 1, 0, 1], [1, 0, 0, 0], [0.5, 1, 1, 1]], dtype=torch.float64
    )
    assert gradcheck(
        lambda p: loss(p, weights), random(*shape, seed=7).requires_grad_()
    )


@every_loss
def test_nan_where_masked_reaches_nothing(name):
    """Neither the value nor any gradient, and these are unchanged."""
    loss, shape = LOSSES[name]
    weights = torch.tensor([[1.0, 1, 0, 1], [1, 0, 0, 0], [0, 0, 0, 0]])
    clean = random(*shape, seed=7).requires_grad_()
    left_out = (weights == 0).reshape(N, K, *[1] * (len(shape) - 2))
    dirty = torch.where(left_out, math.nan, clean.detach()).requires_grad_()
    values = [loss(p, weights) for p in (clean, dirty)]
    for value in values:
        value.backward()
    assert values[0].isfinite() and values[0] == values[1]
    assert values[0] > 0
    assert torch.equal(clean.grad, dirty.grad)
    assert dirty.grad[weights == 0].count_nonzero() == 0
    assert dirty.grad[weights > 0].count_nonzero() > 0


@pytest.mark.parametrize("name", [n for n in LOSSES if n != "simcc"])
def test_nan_targets_where_masked(name):
    """As they come from the data: unlabelled keypoints are NaN."""
    loss, shape = LOSSES[name]
    weights = torch.tensor([[1.0, 1, 0, 1], [1, 0, 0, 0], [1, 1, 1, 0]])
    default = loss.__defaults__[0]
    left_out = (weights == 0).reshape(N, K, *[1] * (default.ndim - 2))
    dirty = torch.where(left_out, math.nan, default)
    prediction = random(*shape, seed=7).requires_grad_()
    value = loss(prediction, weights, dirty)
    value.backward()
    assert value == loss(prediction, weights, default)
    assert prediction.grad.isfinite().all()


@every_loss
def test_all_masked_is_zero_with_zero_gradient(name):
    loss, shape = LOSSES[name]
    prediction = torch.full(shape, math.nan, requires_grad=True)
    value = loss(prediction, torch.zeros(N, K))
    value.backward()
    assert value.item() == 0
    assert prediction.grad.count_nonzero() == 0


@every_loss
def test_no_weights_and_boolean_weights(name):
    loss, shape = LOSSES[name]
    prediction = random(*shape, seed=7)
    assert loss(prediction, None) == loss(prediction, torch.ones(N, K))
    some = torch.tensor([[1, 1, 0, 1], [1, 0, 0, 0], [0, 1, 1, 1]])
    assert loss(prediction, some.bool()) == loss(prediction, some.float())


@every_loss
def test_visibility_is_not_a_weight(name):
    """2 for visible would silently count double."""
    loss, shape = LOSSES[name]
    with pytest.raises(ValueError, match="visible > 0"):
        loss(random(*shape), torch.full((N, K), 2, dtype=torch.uint8))


@every_loss
def test_weights_must_fit(name):
    loss, shape = LOSSES[name]
    with pytest.raises(ValueError, match="weights"):
        loss(random(*shape), torch.ones(N, K + 1))
    with pytest.raises(ValueError, match="device"):
        loss(random(*shape), torch.ones(N, K, device="meta"))


@pytest.mark.parametrize("name", [n for n in LOSSES if n != "rle"])
def test_half_precision_is_summed_in_float32(name):
    loss, shape = LOSSES[name]
    prediction = random(*shape, seed=7)
    half = loss(prediction.bfloat16(), None)
    assert half.dtype in (torch.float32, torch.float64)
    assert half.item() == pytest.approx(
        loss(prediction.bfloat16().double(), None).item(), rel=1e-5
    )


@pytest.mark.parametrize(
    "loss, shape",
    [
        (heatmap_mse, (0, K, H, W)),
        (coordinate_l2, (0, K, 2)),
        (coordinate_l1, (0, K, 2)),
    ],
)
@pytest.mark.parametrize("reduction", ["joint_mean", "mean"])
def test_empty_batch_is_zero(loss, shape, reduction):
    empty = torch.zeros(shape, requires_grad=True)
    value = loss(empty, torch.zeros(shape), reduction=reduction)
    value.backward()
    assert value.item() == 0


def test_wrong_shapes_and_names():
    maps, coordinates = torch.zeros(N, K, H, W), torch.zeros(N, K, 2)
    with pytest.raises(ValueError, match="must agree"):
        heatmap_mse(maps, maps[:, :3])
    with pytest.raises(ValueError, match=r"\(N, K, H, W\)"):
        heatmap_mse(coordinates, coordinates)
    with pytest.raises(ValueError, match="must agree"):
        coordinate_l2(coordinates, coordinates[:1])  # would broadcast
    with pytest.raises(ValueError, match="unknown reduction 'sum'.*mean"):
        heatmap_mse(maps, maps, reduction="sum")
    with pytest.raises(ValueError, match="unknown reduction 'mmpose'"):
        coordinate_l2(coordinates, coordinates, reduction="mmpose")
    with pytest.raises(ValueError, match="cells"):
        dsnt(maps, maps)
    with pytest.raises(ValueError, match="pair"):
        simcc([maps], [maps])
    with pytest.raises(ValueError, match="must agree"):
        simcc([coordinates] * 2, [coordinates[:1]] * 2)
    with pytest.raises(ValueError, match="sigma"):
        rle(coordinates, coordinates[..., :1], coordinates, RealNVP())
    with pytest.raises(ValueError, match="beta"):
        smooth_l1(coordinates, coordinates, beta=0)
    with pytest.raises(ValueError, match="width"):
        wing(coordinates, coordinates, width=-1)


# ----------------------------------------------------- codec and loss together


def test_a_perfect_network_has_no_loss():
    keypoints = 20 + 24 * torch.rand(2, K, 2)
    visible = torch.tensor([[2, 1, 0, 2], [0, 2, 2, 1]])
    keypoints[visible == 0] = math.nan
    target, weights = HeatmapCodec(64, 16).encode(keypoints, visible)
    assert heatmap_mse(target, target, weights) == 0
    target, weights = CoordinateCodec(64).encode(keypoints, visible)
    assert coordinate_l2(target, target, weights) == 0
    target, weights = SimCCCodec(64).encode(keypoints, visible)
    said = [t.clamp(min=1e-30).log() for t in target]
    assert simcc(said, target, weights).item() == pytest.approx(0, abs=1e-4)


def test_losses_compare_like_with_like():
    """The integral of a map is in the cells that `dsnt` measures."""
    logits = random(1, 1, 8, 8)
    cells, _ = integral_decode(logits)
    assert dsnt(logits, cells, regularisation=0).item() == pytest.approx(0)


# -------------------------------------------------- what is given as it came


def test_the_list_of_all_stages_is_refused_with_advice():
    maps, points = torch.zeros(N, K, H, W), torch.zeros(N, K, 2)
    pair = torch.zeros(N, K, 12), torch.zeros(N, K, 12)
    for loss, output, target in (
        (heatmap_mse, maps, maps),
        (ohkm, maps, maps),
        (dsnt, maps, points),
        (coordinate_l1, points, points),
        (coordinate_l2, points, points),
        (smooth_l1, points, points),
        (wing, points, points),
        (simcc, pair, pair),
    ):
        for stages in ([output], [output, output]):
            with pytest.raises(ValueError, match=r"outputs\[-1\]"):
                loss(stages, target)
    with pytest.raises(ValueError, match=r"outputs\[-1\]"):
        rle([points], points, points, flow())


def test_arrays_are_taken_and_give_the_same():
    predicted, target = random(N, K, 2), random(N, K, 2, seed=1)
    weights = torch.ones(N, K, dtype=torch.bool)
    weights[0, 1] = False
    expected = coordinate_l1(predicted, target, weights, reduction="none")
    found = coordinate_l1(
        predicted.numpy(), target.numpy(), weights.numpy(), reduction="none"
    )
    assert torch.equal(found, expected)
    predicted.requires_grad_()
    coordinate_l1(predicted, target.numpy(), weights.numpy()).backward()
    assert predicted.grad.abs().sum() > 0
    with pytest.raises(ValueError, match="visible > 0"):
        coordinate_l1(predicted, target, [[2] * K] * N)


# Every loss per person and joint, as a training loop asks for it; `p` of the
# shape beside. (Hard joints are chosen from `heatmap_mse`.)
PER_JOINT = {
    "heatmap_mse": (lambda p, w, r: heatmap_mse(p, 0 * p, w, reduction=r), (H, W)),
    "coordinate_l1": (lambda p, w, r: coordinate_l1(p, 0 * p, w, reduction=r), (2,)),
    "coordinate_l2": (lambda p, w, r: coordinate_l2(p, 0 * p, w, reduction=r), (2,)),
    "smooth_l1": (lambda p, w, r: smooth_l1(p, 0 * p, w, reduction=r), (2,)),
    "wing": (lambda p, w, r: wing(p, 0 * p, w, reduction=r), (2,)),
    "dsnt": (lambda p, w, r: dsnt(p, torch.ones(N, K, 2), w, reduction=r), (H, W)),
    "simcc": (lambda p, w, r: simcc((p, p), (0 * p + 0.1,) * 2, w, reduction=r), (10,)),
    "rle": (
        lambda p, w, r: rle(p, 0 * p + 1, 0 * p, flow(), w, reduction=r),
        (2,),
    ),
}


@pytest.mark.parametrize("name", PER_JOINT)
def test_losses_per_person_and_joint_pool_to_the_mean(name):
    """(N, K), zero where a joint is left out; over the weights, the mean."""
    loss, shape = PER_JOINT[name]
    predicted, weights = random(N, K, *shape), torch.ones(N, K)
    weights[1, 2] = 0
    each = loss(predicted, weights, "none")
    assert each.shape == (N, K) and each[1, 2] == 0
    assert (each != 0).sum() == N * K - 1
    torch.testing.assert_close(
        each.sum() / weights.sum(), loss(predicted, weights, "joint_mean")
    )


def test_a_flow_of_float32_takes_errors_of_float64():
    torch.manual_seed(0)
    density = RealNVP(4)
    points = random(5, 2)
    torch.testing.assert_close(
        density.log_density(points), density.log_density(points.float())
    )
