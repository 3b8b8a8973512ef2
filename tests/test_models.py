"""Networks: the right shapes, the published sizes, weights that load."""

import json
import pickle
from typing import NamedTuple

import pytest
import torch

from posecourse import models
from posecourse.models.heads import HEADS, HeadNet
from posecourse.skeletons import COCO, MPII, Skeleton

SMALL = {
    "posenet": {"width": 0.03, "input_size": 32},
    "posenet_bn": {"width": 0.03, "input_size": 32},
    "laptop": {"width": 8, "input_size": 32},
}


def small(name, skeleton=MPII, **options):
    torch.manual_seed(0)
    options = {**SMALL.get(name, {"input_size": 64}), **options}
    return models.build(name, skeleton, **options)


def count(model):
    return sum(p.numel() for p in model.parameters())


@pytest.mark.parametrize(
    "name", ["laptop", "posenet", "posenet_bn", "simple_baseline_18", "vitpose_tiny"]
)
@pytest.mark.parametrize("skeleton", [MPII, COCO])
def test_output_fits_the_codec(name, skeleton):
    model = small(name, skeleton)
    assert name in models.names()
    assert (model.name, model.skeleton) == (name, skeleton)
    w, h = model.input_size
    stages = model(torch.randn(2, 3, h, w))
    assert isinstance(stages, list)
    points, scores = model.codec.decode(stages[-1])
    assert points.shape == (2, len(skeleton), 2)
    assert scores.shape == (2, len(skeleton))
    target, _ = model.codec.encode(points, torch.ones(2, len(skeleton)))
    assert target.shape == stages[-1].shape


@pytest.mark.parametrize("name", ["laptop", "simple_baseline_18", "posenet"])
def test_pictures_need_not_be_square(name):
    model = small(name, input_size=(32, 64))
    assert model.input_size == (32, 64)
    points, _ = model.codec.decode(model(torch.randn(2, 3, 64, 32))[-1])
    assert points.shape == (2, 16, 2)


@pytest.mark.parametrize(
    "depth, parameters",
    [
        (18, 15_376_464),
        (34, 25_484_624),
        (50, 33_999_440),
        (101, 52_991_568),
        (152, 68_635_216),
    ],
)
def test_simple_baseline_has_the_published_size(depth, parameters):
    with torch.device("meta"):
        model = models.build(f"simple_baseline_{depth}")
    assert count(model) == parameters


def test_simple_baseline_has_the_published_names():
    keys = models.build("simple_baseline_18").state_dict()
    assert list(keys)[:2] == ["conv1.weight", "bn1.weight"]
    assert keys["layer1.0.conv1.weight"].shape == (64, 64, 3, 3)
    assert keys["deconv_layers.0.weight"].shape == (512, 256, 4, 4)
    assert keys["deconv_layers.7.running_var"].shape == (256,)
    assert keys["final_layer.weight"].shape == (16, 256, 1, 1)
    assert "deconv_layers.0.bias" not in keys and "fc.weight" not in keys


@pytest.mark.parametrize("depth", [18, 34, 50, 101, 152])
def test_published_checkpoints_fit(shared_data, depth):
    table = shared_data.parent / "facts" / "state_dict_keys.json"
    if not table.exists():
        pytest.skip("the list of published parameter names is not here")
    published = json.loads(table.read_text())[f"pose_resnet_{depth}_mpii"]
    with torch.device("meta"):
        model = models.build(f"simple_baseline_{depth}")
    ours = {k: list(v.shape) for k, v in model.state_dict().items()}
    assert ours == published["keys"]


def test_posenet_is_the_documents():
    """Section 5.2: ten convolutions, and 127 million parameters."""
    with torch.device("meta"):
        model = models.build("posenet")
    shapes = {k: tuple(v.shape) for k, v in model.named_parameters()}
    channels = [shapes[f"conv{i}.weight"][0] for i in range(1, 11)]
    assert channels == [64, 64, 128, 128, 256, 256, 256, 512, 512, 512]
    assert shapes["conv1.weight"] == (64, 3, 3, 3)
    assert shapes["fc1.weight"] == (4096, 512 * 7 * 7)
    assert shapes["fc2.weight"] == (4096, 4096)
    assert shapes["fc3.weight"] == (32, 4096)
    assert len(shapes) == 26  # weights and biases, nothing else
    assert count(model) == 127_312_224
    assert count(model.fc1) == 102_764_544
    assert model.input_size == (224, 224)


def test_posenet_does_not_see_the_picture_and_both_cures_let_it():
    """Why it says the mean pose: the same answer to any picture."""
    images = torch.randn(8, 3, 64, 64)

    def spread(name, **options):
        model = small(name, width=0.25, input_size=64, **options)
        features = []
        model.fc3.register_forward_hook(
            lambda layer, given, out: features.append(given[0])
        )
        model(images)
        x = features[0]
        return (x.std(0).mean() / x.abs().mean()).item()

    assert spread("posenet") < 0.02
    assert spread("posenet_bn") > 0.1
    assert spread("posenet", init="he") > 0.1
    assert spread("posenet_bn", init="torch") > 0.1


def test_posenet_starts_as_it_is_told():
    """PyTorch's weights by default; He's with BatchNorm, or on demand."""

    def conv8(name, **options):
        model = small(name, width=0.25, input_size=32, **options)
        return model.conv8.requires_grad_(False)

    fan_in = 64 * 9
    for layer in (conv8("posenet"), conv8("posenet_bn", init="torch")):
        bound = fan_in**-0.5
        assert layer.weight.abs().max() <= bound
        assert layer.weight.var() == pytest.approx(bound**2 / 3, rel=0.02)
        assert layer.bias.abs().max() > 0.9 * bound
    for layer in (conv8("posenet", init="he"), conv8("posenet_bn")):
        assert layer.weight.var() == pytest.approx(2 / fan_in, rel=0.02)
        assert not layer.bias.any()
    by_name = small("posenet_bn").state_dict()
    spelt_out = small("posenet_bn", init="he").state_dict()
    assert all(torch.equal(by_name[k], spelt_out[k]) for k in by_name)
    with pytest.raises(ValueError, match="init is 'he', 'torch' or None"):
        small("posenet", init="xavier")


@pytest.mark.slow
@pytest.mark.parametrize(
    "name, steps, rate",
    [("laptop", 100, 5e-3), ("posenet_bn", 60, 3e-3), ("simple_baseline_18", 60, 1e-3)],
)
def test_one_batch_can_be_learned_by_heart(name, steps, rate):
    model = small(name, input_size=32)
    images = torch.randn(2, 3, 32, 32)
    points = torch.rand(2, 16, 2) * 31
    target, _ = model.codec.encode(points, torch.ones(2, 16))
    optimizer = torch.optim.AdamW(model.parameters(), lr=rate)
    before = (model(images)[-1] - target).square().mean().item()
    for _ in range(steps):
        loss = (model(images)[-1] - target).square().mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    assert loss.item() < 0.4 * before
    found, _ = model.codec.decode(model(images)[-1].detach())
    assert (found - points).norm(dim=-1).median() < 2


def test_the_laptop_network_is_small():
    assert 0.5e6 < count(models.build("laptop")) < 3e6


def test_what_cannot_be_built_is_said():
    with pytest.raises(ValueError, match="no network 'resnet'.*laptop"):
        models.build("resnet")
    with pytest.raises(ValueError, match="no option depth; it has"):
        models.build("laptop", depth=3)
    with pytest.raises(ValueError, match="multiples of 32.*nearest.*96"):
        models.build("posenet", input_size=100)


def test_what_cannot_be_taken_is_said():
    model = small("laptop")
    with pytest.raises(ValueError, match=r"permute\(0, 3, 1, 2\)"):
        model(torch.zeros(2, 32, 32, 3))
    with pytest.raises(ValueError, match="multiples of 16"):
        model(torch.zeros(2, 3, 40, 32))
    with pytest.raises(ValueError, match=r"input_size=\(64, 64\)"):
        small("posenet")(torch.zeros(2, 3, 64, 64))


@pytest.mark.parametrize("name", ["laptop", "posenet_bn"])
def test_weights_say_how_to_build_their_network(tmp_path, name):
    model = small(name, COCO).eval()
    path = models.save_weights(
        model, tmp_path / "w.safetensors", trained_on="nothing", score=3.5
    )
    again = models.load_model(path)
    assert (again.name, again.skeleton) == (name, COCO)
    assert again.input_size == model.input_size and not again.training
    assert again.metadata["trained_on"] == "nothing"
    assert json.loads(again.metadata["score"]) == 3.5
    images = torch.randn(2, 3, 32, 32)
    assert torch.equal(again(images)[-1], model(images)[-1])
    assert list(tmp_path.iterdir()) == [path]


def test_a_skeleton_of_ones_own_is_kept(tmp_path):
    stick = Skeleton(
        "stick",
        ("top", "end"),
        (("top", "end"),),
        ("top", "top"),
        (0.1, 0.1),
        {"Ends": ("top", "end")},
    )
    path = models.save_weights(small("laptop", stick), tmp_path / "w.safetensors")
    assert models.load_model(path).skeleton == stick


def test_published_files_load(tmp_path):
    model = small("simple_baseline_18")
    state = {
        f"module.{k}": v
        for k, v in model.state_dict().items()
        if not k.endswith("num_batches_tracked")
    }
    path = tmp_path / "pose_resnet.pth.tar"
    torch.save({"epoch": 140, "state_dict": state}, path)
    other = models.build("simple_baseline_18", input_size=64)
    models.load_weights(other, path)
    assert torch.equal(other.final_layer.weight, model.final_layer.weight)


def test_bad_weights_are_refused(tmp_path):
    model = small("laptop")
    good = models.save_weights(model, tmp_path / "good.safetensors")
    with pytest.raises(FileNotFoundError, match="no such weights"):
        models.load_model(tmp_path / "none.safetensors")

    short = tmp_path / "short.safetensors"
    short.write_bytes(good.read_bytes()[:-100])
    with pytest.raises(models.WeightsError, match="cut short"):
        models.load_model(short)

    disguised = tmp_path / "disguised.safetensors"
    disguised.write_bytes(pickle.dumps(model.state_dict()))
    with pytest.raises(models.WeightsError, match="not a whole safetensors"):
        models.load_model(disguised)

    class Evil:
        def __reduce__(self):
            return (print, ("run by a weights file",))

    for suffix in (".pt", ".pth"):
        evil = tmp_path / f"evil{suffix}"
        torch.save({"state_dict": Evil()}, evil)
        with pytest.raises(models.WeightsError, match="refused"):
            models.load_weights(model, evil)

    with pytest.raises(
        models.WeightsError, match=r"stem.0.weight has shape \(8, .*wants \(12"
    ):
        models.load_weights(small("laptop", width=12), good)
    with pytest.raises(models.WeightsError, match="conv1.weight is missing"):
        models.load_weights(small("posenet"), good)

    nameless = tmp_path / "nameless.pth"
    torch.save(model.state_dict(), nameless)
    with pytest.raises(models.WeightsError, match="Build the network"):
        models.load_model(nameless)


class Labels(NamedTuple):
    """What a loss asks of a batch."""

    keypoints: torch.Tensor
    visible: torch.Tensor


def person(width, height, count=2, seed=0):
    """Pictures of noise, one pose each, one joint without a label."""
    random = torch.Generator().manual_seed(seed)
    images = torch.randn(count, 3, height, width, generator=random)
    size = torch.tensor([width, height])
    places = torch.rand(count, 16, 2, generator=random) * 0.8 + 0.1
    visible = torch.ones(count, 16)
    visible[0, 3], places[0, 3] = 0, float("nan")
    return images, places * size, visible


@pytest.mark.parametrize("head", HEADS)
def test_a_head_says_where_joints_are(head):
    torch.manual_seed(0)
    network = HeadNet(head, input_size=(32, 48), width=4).eval()
    images, places, visible = person(32, 48)
    output = network(images)
    shapes = [
        tuple(o.shape) for o in (output if isinstance(output, tuple) else [output])
    ]
    assert (
        shapes
        == {
            "heatmap": [(2, 16, 12, 8)],
            "soft_argmax": [(2, 16, 12, 8)],
            "simcc": [(2, 16, 64), (2, 16, 96)],
            "regression": [(2, 16, 2)],
            "fc": [(2, 16, 2)],
            "rle": [(2, 16, 4)],
        }[head]
    )
    points, scores = network.decode(output)
    assert points.shape == (2, 16, 2) and scores.shape == (2, 16)
    assert network.loss(output, Labels(places, visible)).mean.isfinite()


@pytest.mark.parametrize("head", HEADS)
def test_a_heads_loss_reaches_every_parameter(head):
    torch.manual_seed(0)
    network = HeadNet(head, input_size=32, width=4)
    images, places, visible = person(32, 32)
    network.loss(network(images), Labels(places, visible)).mean.backward()
    for name, parameter in network.named_parameters():
        assert parameter.grad is not None, name
        assert parameter.grad.isfinite().all(), name


@pytest.mark.slow
@pytest.mark.parametrize("head", HEADS)
def test_a_head_learns_two_pictures(head, same_every_time):
    network = HeadNet(head, input_size=32, width=8)
    images, places, visible = person(32, 32)
    optimiser = torch.optim.Adam(network.parameters(), lr=0.003)
    for _ in range(200):
        loss = network.loss(network(images), Labels(places, visible)).mean
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    points, _ = network.decode(network(images))
    off = (points - places).norm(dim=-1)[visible > 0]
    # a quarter of what the middle of the picture gets
    assert off.median() < (places - 15.5).norm(dim=-1).nanmedian() / 4


def test_heads_share_their_first_backbone():
    """That is what makes them comparable."""
    weights = []
    for head in HEADS:
        torch.manual_seed(3)
        weights.append(HeadNet(head, width=4).backbone.state_dict())
    for other in weights[1:]:
        assert all(torch.equal(weights[0][k], other[k]) for k in other)


def test_an_unknown_head_names_those_there_are():
    with pytest.raises(ValueError, match="no head 'offset'.*heatmap, soft"):
        HeadNet("offset")
    with pytest.raises(ValueError, match="16"):
        HeadNet("heatmap", input_size=40)
