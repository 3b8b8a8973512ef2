"""Parameters, multiply-adds and receptive fields against hand and force."""

import json

import pytest
import torch
import torch.nn.functional as F
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from posecourse.models import build
from posecourse.models.profile import summarise

pytestmark = pytest.mark.usefixtures("same_every_time")


def without_weights(name, **options):
    with torch.device("meta"):
        return build(name, **options)


# ----------------------------------------------------------------- by hand


@pytest.mark.parametrize(
    "layer, shape, parameters, work, sees",
    [
        # 8 x 10 cells, each 3 x 3 x 3 inputs for each of 8 channels
        (
            nn.Conv2d(3, 8, 3, padding=1),
            (8, 8, 10),
            3 * 9 * 8 + 8,
            8 * 10 * 9 * 3 * 8,
            (3, 3),
        ),
        (
            nn.Conv2d(3, 8, (1, 5), padding=(0, 2), bias=False),
            (8, 8, 10),
            3 * 5 * 8,
            8 * 10 * 5 * 3 * 8,
            (5, 1),
        ),
        (
            nn.Conv2d(3, 6, 3, stride=2, padding=1, groups=3),
            (6, 4, 5),
            9 * 6 + 6,
            4 * 5 * 9 * 6,
            (3, 3),
        ),
        (
            nn.Conv2d(3, 2, 3, dilation=3),
            (2, 2, 4),
            3 * 9 * 2 + 2,
            2 * 4 * 9 * 3 * 2,
            (7, 7),
        ),
        # counted on the 8 x 10 map that comes in, not on the 16 x 20 that
        # goes out: each input cell is spread over 4 x 4 cells
        (
            nn.ConvTranspose2d(3, 5, 4, stride=2, padding=1, bias=False),
            (5, 16, 20),
            3 * 5 * 16,
            8 * 10 * 16 * 3 * 5,
            (2, 2),
        ),
        (
            nn.ConvTranspose2d(3, 6, 2, stride=2, groups=3),
            (6, 16, 20),
            3 * 2 * 4 + 6,
            8 * 10 * 4 * 3 * 2,
            (1, 1),
        ),
        (nn.BatchNorm2d(3), (3, 8, 10), 6, 0, (1, 1)),
        (nn.MaxPool2d(2), (3, 4, 5), 0, 0, (2, 2)),
        (nn.AvgPool2d(3, 1, 1), (3, 8, 10), 0, 0, (3, 3)),
        (nn.Upsample(scale_factor=2), (3, 16, 20), 0, 0, (1, 1)),
        (
            nn.Sequential(nn.Flatten(), nn.Linear(240, 7)),
            (7,),
            240 * 7 + 7,
            240 * 7,
            None,
        ),
        (
            nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Conv2d(3, 4, 1)),
            (4, 1, 1),
            16,
            12,
            None,
        ),
    ],
)
def test_one_layer_by_hand(layer, shape, parameters, work, sees):
    summary = summarise(layer, (10, 8))
    assert summary.output_sizes == (shape,)
    assert summary.parameters == parameters
    assert summary.multiply_adds == work
    assert summary.receptive_field == sees
    size = torch.Size(shape).numel()
    assert summary.activations == (size if work else 0)
    buffers = sum(b.numel() * b.element_size() for b in layer.buffers())
    assert summary.weight_bytes == parameters * 4 + buffers


def test_a_shared_layer_is_stored_once_and_works_twice():
    conv = nn.Conv2d(3, 3, 3, padding=1)
    summary = summarise(nn.Sequential(conv, nn.ReLU(), conv), 8)
    assert summary.parameters == 84
    assert summary.multiply_adds == 2 * 64 * 81
    assert [layer.parameters for layer in summary.layers] == [84, 0]
    assert summary.receptive_field == (5, 5)


def test_functions_count_as_layers_do():
    """What is called without a module is seen all the same."""

    class Plain(nn.Module):
        def forward(self, x):
            x = F.conv2d(x, torch.zeros(4, 3, 3, 3, device=x.device))
            return [x, F.max_pool2d(x, 2)]

    summary = summarise(Plain(), 10)
    assert summary.multiply_adds == 8 * 8 * 27 * 4
    assert summary.output_sizes == ((4, 8, 8), (4, 4, 4))
    assert summary.receptive_fields == ((3, 3), (4, 4))
    assert summary.parameters == 0


# ------------------------------------------------- receptive field by force


class Two(nn.Module):
    """Two paths, added or put side by side."""

    def __init__(self, one, other, join=torch.add):
        super().__init__()
        self.one, self.other, self.join = one, other, join

    def forward(self, x):
        return self.join(self.one(x), self.other(x))


def conv(kernel, stride=1, dilation=1, padding=None):
    padding = dilation * (kernel - 1) // 2 if padding is None else padding
    return nn.Conv2d(1, 1, kernel, stride, padding, dilation)


def deconv(kernel, stride, padding):
    return nn.ConvTranspose2d(1, 1, kernel, stride, padding)


def hourglass(depth):
    inner = hourglass(depth - 1) if depth > 1 else conv(3)
    return Two(
        conv(3),
        nn.Sequential(nn.AvgPool2d(2), conv(3), inner, nn.Upsample(scale_factor=2)),
    )


NETWORKS = {
    "convolutions": lambda: nn.Sequential(conv(3), conv(5, 2), conv(3)),
    "dilated": lambda: nn.Sequential(conv(3, dilation=2), conv(3, dilation=3)),
    "no padding": lambda: nn.Sequential(conv(4, padding=0), conv(2, 2, padding=0)),
    "pooled": lambda: nn.Sequential(
        nn.AvgPool2d(3, 2, 1), conv(3), nn.AvgPool2d(2), conv(3)
    ),
    "nearest": lambda: nn.Sequential(
        conv(3, 2), nn.Upsample(scale_factor=2), conv(3), conv(3)
    ),
    "nearest, twice": lambda: nn.Sequential(
        conv(3, 4),
        nn.Upsample(scale_factor=2),
        conv(3),
        nn.Upsample(scale_factor=2),
        conv(5),
        conv(3, 2),
    ),
    "bilinear": lambda: nn.Sequential(
        nn.AvgPool2d(4), nn.Upsample(scale_factor=4, mode="bilinear"), conv(3)
    ),
    "transposed": lambda: nn.Sequential(
        conv(3, 2), conv(3, 2), deconv(4, 2, 1), conv(3), deconv(2, 2, 0)
    ),
    "transposed, wide": lambda: nn.Sequential(conv(3, 2), deconv(6, 2, 2)),
    "two paths": lambda: Two(conv(9), nn.Sequential(conv(3), conv(3))),
    "side by side": lambda: nn.Sequential(
        Two(conv(3, 2), nn.AvgPool2d(2), lambda a, b: torch.cat([a, b], 1)),
        nn.Conv2d(2, 1, 3, padding=1),
    ),
    "one hourglass": lambda: hourglass(2),
    "two hourglasses": lambda: nn.Sequential(hourglass(2), hourglass(3)),
}


def widest_by_force(network, width, height):
    """Follow the gradient of every cell back to the pixels."""
    for p in network.parameters():
        nn.init.ones_(p)  # nothing cancels
    picture = torch.ones(1, 1, height, width, dtype=torch.float64, requires_grad=True)
    out = network.double()(picture)
    sizes = []
    for axis in (3, 2):
        middle = [s // 2 for s in out.shape[2:]]
        best = 0
        for i in range(out.shape[axis]):
            cell = list(middle)
            cell[axis - 2] = i
            (grad,) = torch.autograd.grad(
                out[0, 0, cell[0], cell[1]], picture, retain_graph=True
            )
            seen = grad[0, 0].any(3 - axis).nonzero()
            best = max(best, int(seen.max() - seen.min()) + 1)
        sizes.append(best)
    return tuple(sizes)


class Grey(nn.Module):
    """Lets a network of one channel take pictures of three."""

    def __init__(self, network):
        super().__init__()
        self.network = network

    def forward(self, images):
        return self.network(images[:, :1])


@pytest.mark.parametrize("name", NETWORKS)
def test_receptive_field_by_force(name):
    network = NETWORKS[name]()
    width, height = 128, 96
    found = summarise(Grey(network), (width, height)).receptive_field
    forced = widest_by_force(network, width, height)
    assert max(forced) < height  # the border hides nothing
    assert found == forced


def test_what_is_not_local_sees_the_whole_picture():
    class Softmax(nn.Module):
        def forward(self, x):
            return x.flatten(2).softmax(-1).unflatten(2, x.shape[2:])

    class Corners(nn.Module):
        def forward(self, x):
            return F.interpolate(x, scale_factor=2, mode="bilinear", align_corners=True)

    class Gate(nn.Module):
        def forward(self, x):
            return x * x.mean((2, 3), keepdim=True)

    class Mirror(nn.Module):
        def forward(self, x):
            return x + x.flip(3)

    for module in (Softmax(), Corners(), Gate(), Mirror()):
        assert summarise(module, 16).receptive_field is None, module


# ---------------------------------------------------------------- networks


@pytest.mark.parametrize(
    "name, size, billions",
    [
        ("simple_baseline_50", 256, 7.23),
        ("simple_baseline_50", (192, 256), 5.43),
        ("simple_baseline_152", 256, 16.93),
        ("posenet", 224, 9.92),
    ],
)
def test_known_costs(name, size, billions):
    summary = summarise(without_weights(name), size)
    assert round(summary.multiply_adds / 1e9, 2) == billions


@pytest.mark.slow
@pytest.mark.parametrize(
    "name", ["simple_baseline_18", "hourglass_2", "cpm", "cpn_18", "hrnet_w8", "laptop"]
)
def test_networks_against_pytorchs_own_counter(name):
    model = without_weights(name).eval()
    width, height = model.input_size
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        model(torch.empty(1, 3, height, width, device="meta"))
    summary = summarise(model)
    assert 2 * summary.multiply_adds == counter.get_total_flops()
    # every parameter has its row
    assert sum(x.parameters for x in summary.layers) == summary.parameters
    assert summary.parameters == sum(p.numel() for p in model.parameters())
    assert summary.output_sizes[-1] == (16,) + model.codec.heatmap_size[::-1]


def test_cpm_sees_further_with_every_stage():
    """The paper's argument: 160 pixels, then 240 more each time."""
    summary = summarise(without_weights("cpm"))
    assert [w for w, _ in summary.receptive_fields] == [160, 400, 640, 880, 1120, 1360]


def test_counting_changes_nothing():
    model = build("hrnet_w8", modules=(1, 1, 1), input_size=32).train()
    model.first.eval()
    before = {k: v.clone() for k, v in model.state_dict().items()}
    modes = [m.training for m in model.modules()]
    summarise(model)
    assert [m.training for m in model.modules()] == modes
    assert not any(m._forward_hooks or m._forward_pre_hooks for m in model.modules())
    for key, value in model.state_dict().items():
        assert torch.equal(value, before[key])
        assert value.device.type == "cpu"


def test_a_failed_count_changes_nothing_either():
    model = build("hrnet_w8", modules=(1, 1, 1), input_size=32).train()
    with pytest.raises(ValueError, match="multiples of 32"):
        summarise(model, 50)
    assert model.training
    assert not model._forward_hooks


# ------------------------------------------------------------------- print


def test_table_and_dictionary():
    model = nn.Sequential(
        nn.Conv2d(3, 4, 3, padding=1), nn.BatchNorm2d(4), nn.ReLU(), nn.Conv2d(4, 2, 1)
    )
    summary = summarise(model, (16, 8))
    table = summary.table()
    lines = table.splitlines()
    assert lines[0].split()[0] == "layer"
    assert [line.split()[0] for line in lines[2:5]] == ["0", "1", "3"]
    assert "convolution 3 x 3" in lines[2] and "13,824" in lines[2]
    assert table.endswith(str(summary))
    text = str(summary)
    assert "Sequential at 16 x 8" in text
    assert "14.85 k" in text  # multiply-adds
    assert "2 x 8 x 16, a cell sees 3 x 3" in text
    data = json.loads(json.dumps(summary.to_dict()))
    assert data["multiply_adds"] == summary.multiply_adds == 13824 + 1024
    assert data["layers"][0]["name"] == "0"
    assert data["receptive_field"] == [3, 3]


def test_equal_stages_share_a_line():
    text = str(summarise(without_weights("cpn_18")))
    assert "3 times 16 x 64 x 64, a cell sees" in text
    assert len(text.splitlines()) == 4 + 3


def test_the_size_has_to_come_from_somewhere():
    with pytest.raises(ValueError, match="input_size"):
        summarise(nn.Conv2d(3, 1, 1))
