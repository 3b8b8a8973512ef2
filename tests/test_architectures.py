"""Hourglass, CPM, CPN and HRNet: sizes, shapes, gradients, learning."""

import pytest
import torch
from torch import nn
from torch.autograd import gradcheck

from posecourse.models import build, load_model, save_weights
from posecourse.models.cpn import Bottleneck
from posecourse.models.hourglass import Hourglass, Residual
from posecourse.models.hrnet import Exchange, path
from posecourse.skeletons import COCO, MPII, UPPER_BODY

# Small enough for a slow CPU: options, number of stages, stride.
SMALL = {
    "hourglass_2": ({"width": 32, "depth": 2, "input_size": 32}, 2, 4),
    "cpm": ({"width": 16, "stages": 3, "input_size": 64, "sigma": 1.0}, 3, 8),
    "cpn_18": ({"width": 16, "input_size": 32, "sigma": 1.0}, 5, 4),
    "hrnet_w8": ({"modules": (1, 1, 1), "input_size": 32, "sigma": 1.0}, 1, 4),
}
PARAMETERS = {
    "hourglass_1": 3_586_960,
    "hourglass_2": 6_730_912,
    "hourglass_8": 25_594_624,
    "hrnet_w32": 28_536_080,
    "hrnet_w48": 63_595_696,
}
STAGES = {
    "hourglass_1": 1,
    "hourglass_2": 2,
    "hourglass_8": 8,
    "cpn_50": 5,
    "hrnet_w32": 1,
    "hrnet_w48": 1,
}

pytestmark = pytest.mark.usefixtures("same_every_time")


def small(name, skeleton=MPII, **more):
    return build(name, skeleton, **{**SMALL[name][0], **more})


def count(model):
    return sum(p.numel() for p in model.parameters())


# ------------------------------------------------------- sizes and shapes


@pytest.mark.parametrize("name", PARAMETERS)
def test_parameters_are_the_published_ones(name):
    with torch.device("meta"):
        assert count(build(name)) == PARAMETERS[name]


def test_cpn_has_the_published_size():
    with torch.device("meta"):
        millions = count(build("cpn_50", COCO)) / 1e6
    assert round(millions, 1) == 27.0


@pytest.mark.slow
@pytest.mark.parametrize("name", STAGES)
def test_heatmaps_at_256_are_64(name):
    with torch.device("meta"):
        stages = build(name)(torch.empty(2, 3, 256, 256))
    assert [tuple(s.shape) for s in stages] == [(2, 16, 64, 64)] * STAGES[name]


@pytest.mark.parametrize("name", SMALL)
@pytest.mark.parametrize("skeleton", [MPII, UPPER_BODY])
def test_every_stage_fits_the_codec(name, skeleton):
    _, stages, stride = SMALL[name]
    model = small(name, skeleton, input_size=(64, 96)).eval()
    assert model.input_size == (64, 96)
    k = len(skeleton)
    target, _ = model.codec.encode(torch.rand(2, k, 2) * 64, torch.full((2, k), 2))
    with torch.no_grad():
        out = model(torch.randn(2, 3, 96, 64))
    assert target.shape == (2, k, 96 // stride, 64 // stride)
    assert [s.shape for s in out] == [target.shape] * stages


@pytest.mark.parametrize("name", SMALL)
def test_larger_pictures_pass(name):
    """Nothing but the codec knows the size that was named."""
    stride = SMALL[name][2]
    with torch.no_grad():
        out = small(name).eval()(torch.randn(1, 3, 64, 128))
    assert out[-1].shape[2:] == (64 // stride, 128 // stride)


def test_width_and_blocks_are_options():
    with torch.device("meta"):
        one = build("hourglass_1", width=64)
        two = build("hourglass_1", width=64, blocks=2)
        narrow, wide = (build("cpm", width=w) for w in (16, 32))
    assert count(one) < PARAMETERS["hourglass_1"] / 10
    # 13 places of one hourglass and one after it get a second block
    assert count(two) - count(one) == 14 * count(Residual(64, 64))
    assert 3 < count(wide) / count(narrow) < 4


def test_hrnet_has_an_exchange_per_module():
    with torch.device("meta"):
        model = build("hrnet_w8", modules=(1, 2, 3))
    assert [len(stage) for stage in model.stages] == [1, 2, 3]
    assert [len(stage[0].branches) for stage in model.stages] == [2, 3, 4]


@pytest.mark.parametrize("source", range(4))
@pytest.mark.parametrize("target", range(4))
def test_hrnet_paths_meet_in_size(source, target):
    widths = [2, 4, 8, 16]
    maps = torch.randn(2, widths[source], *[32 // 2**source] * 2)
    side = 32 // 2**target
    assert path(source, target, widths)(maps).shape == (2, widths[target], side, side)


# -------------------------------------------------------------- gradients


@pytest.mark.parametrize("name", SMALL)
def test_gradients_reach_every_parameter(name):
    model = small(name).double().train()
    out = model(torch.randn(3, 3, 64, 64, dtype=torch.float64))
    # a random direction: a plain sum is blind to what normalisation removes
    sum((s * torch.randn_like(s)).sum() for s in out).backward()
    for key, p in model.named_parameters():
        assert p.grad is not None, key
        assert p.grad.isfinite().all(), key
        # what a bias adds, the normalisation behind it takes away again
        assert p.ndim == 1 or p.grad.any(), key


@pytest.mark.parametrize(
    "name, first_maps",
    [
        ("hourglass_2", lambda model: model.stacks[0]["heatmaps"]),
        ("cpm", lambda model: model.first[-1]),
    ],
)
def test_later_stages_read_the_maps_of_earlier_ones(name, first_maps):
    model = small(name).train()
    stages = model(torch.randn(2, 3, 64, 64))
    (stages[-1] * torch.randn_like(stages[-1])).sum().backward()
    assert first_maps(model).weight.grad.any()


@pytest.mark.parametrize(
    "piece, shape",
    [
        (Residual(2, 4), (1, 2, 4, 4)),
        (Residual(4, 4), (1, 4, 3, 3)),
        (Hourglass(2, 2, 1), (1, 2, 4, 4)),
        (Bottleneck(2, 4), (1, 2, 4, 4)),
    ],
    ids=["residual", "residual, same width", "hourglass", "bottleneck"],
)
def test_derivatives_of_the_pieces(piece, shape):
    piece = piece.double().eval()
    x = torch.randn(*shape, dtype=torch.float64, requires_grad=True)
    assert gradcheck(piece, x)


def test_derivatives_of_an_exchange():
    exchange = Exchange([1, 2, 2]).double().eval()
    maps = [
        torch.randn(1, c, side, side, dtype=torch.float64, requires_grad=True)
        for c, side in ((1, 4), (2, 2), (2, 1))
    ]
    assert gradcheck(lambda *m: tuple(exchange(list(m))), maps)


# --------------------------------------------------------------- learning


@pytest.mark.slow
@pytest.mark.parametrize("name", SMALL)
def test_one_batch_can_be_learned_by_heart(name):
    """Eight pictures of noise, eight poses, mean squared error per stage.

    The loss is in units of what zero maps would cost. Every stage is
    trained; the last is asked (a pyramid's map of one cell cannot know).
    """
    model = small(name, UPPER_BODY).train()
    width, _ = model.input_size
    images = torch.randn(8, 3, width, width)
    keypoints = 4 + torch.rand(8, 5, 2) * (width - 8)
    target, _ = model.codec.encode(keypoints, torch.full((8, 5), 2))
    optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)
    for _ in range(150):
        stages = model(images)
        losses = [(s - target).square().mean() / target.square().mean() for s in stages]
        if losses[-1] < 0.05:
            break
        optimizer.zero_grad()
        sum(losses).backward()
        optimizer.step()
    assert losses[-1] < 0.05
    decoded, _ = model.codec.decode(stages[-1].detach())
    assert (decoded - keypoints).norm(dim=-1).mean() < 2  # pixels


# ------------------------------------------------------------- evaluation


@pytest.mark.parametrize("name", SMALL)
def test_evaluation_depends_on_the_picture_alone(name):
    """The same again, and whichever pictures stand beside it."""
    model = small(name).double()
    images = torch.randn(3, 3, 64, 64, dtype=torch.float64)
    with torch.no_grad():
        model.train()(images)  # running means that are not 0 and 1
        model.eval()
        first, again = model(images), model(images)
        alone = model(images[1:2])
    for a, b, c in zip(first, again, alone):
        assert torch.equal(a, b)
        torch.testing.assert_close(a[1:2], c)
        assert not torch.allclose(a[0], a[1])


@pytest.mark.parametrize("name", SMALL)
def test_weights_files_bring_the_network_back(name, tmp_path):
    model = small(name).eval()
    again = load_model(save_weights(model, tmp_path / "w.safetensors"))
    images = torch.randn(1, 3, *model.input_size[::-1])
    with torch.no_grad():
        for a, b in zip(model(images), again(images), strict=True):
            assert torch.equal(a, b)


# ----------------------------------------------------------------- errors


@pytest.mark.parametrize(
    "name, size", [("hourglass_2", 72), ("cpm", 100), ("cpn_18", 48), ("hrnet_w8", 80)]
)
def test_sizes_that_do_not_divide_are_refused(name, size):
    with pytest.raises(ValueError, match="multiples of"):
        build(name, input_size=size)
    with pytest.raises(ValueError, match="multiples of"):
        small(name)(torch.zeros(1, 3, size, size))


@pytest.mark.parametrize("name", SMALL)
def test_a_single_picture_needs_a_batch(name):
    with pytest.raises(ValueError, match="N, 3, height, width"):
        small(name)(torch.zeros(3, 64, 64))


@pytest.mark.parametrize(
    "name, options, words",
    [
        ("hourglass_2", {"width": 30}, "multiple of 4"),
        ("hourglass_2", {"blocks": 0}, "1 or more"),
        ("hourglass_2", {"stacks": 3}, "no option stacks"),
        ("cpm", {"width": 10}, "multiple of 4"),
        ("cpm", {"stages": 0}, "1 or more"),
        ("cpn_18", {"width": 15}, "even number"),
        ("hrnet_w8", {"modules": (1, 4)}, "modules"),
    ],
)
def test_options_that_make_no_sense_are_refused(name, options, words):
    with pytest.raises(ValueError, match=words):
        build(name, **options)


def test_cpn_knows_its_depths():
    from posecourse.models.cpn import CascadedPyramidNetwork

    with pytest.raises(ValueError, match="depth 20"):
        CascadedPyramidNetwork(depth=20)


def test_one_stage_has_nothing_left_over():
    """A machine of one stage carries no layers that it never uses."""
    model = build("cpm", stages=1, width=8, input_size=32)
    assert not any(
        isinstance(m, nn.Conv2d) and m.kernel_size == (11, 11) for m in model.modules()
    )
    out = model(torch.randn(2, 3, 32, 32))
    out[-1].square().sum().backward()
    assert len(out) == 1
    assert all(p.grad is not None for p in model.parameters())
