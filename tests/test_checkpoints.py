"""Published checkpoints: names, conventions, and files that do not fit."""

import copy
import json
import pickle

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import nn

from posecourse.codecs import HeatmapCodec, gaussian_heatmaps
from posecourse.models import WeightsError, build, load_model, save_weights
from posecourse.models.checkpoints import (
    CONVENTIONS,
    Conventions,
    adopt,
    load_published,
    published_names,
)
from posecourse.transforms import normalise

PUBLISHED = {  # in the list of published names: here
    **{
        f"pose_resnet_{depth}_mpii": f"simple_baseline_{depth}"
        for depth in (18, 34, 50, 101, 152)
    },
    **{f"pose_hrnet_w{width}_mpii": f"hrnet_w{width}" for width in (32, 48)},
    **{f"bearpaw_hg_s{stacks}_b1": f"hourglass_{stacks}" for stacks in (1, 2, 8)},
}

RUN = "pose_resnet_18_mpii", "pose_hrnet_w32_mpii", "bearpaw_hg_s2_b1"

pytestmark = pytest.mark.usefixtures("same_every_time")


@pytest.fixture(scope="module")
def listed(shared_data):
    """Names and shapes of published state dicts."""
    path = shared_data.parent / "facts" / "state_dict_keys.json"
    if not path.exists():
        pytest.skip("the list of published names is not here")
    return json.loads(path.read_text())


def some_tensor(name, shape):
    """Random, but such that signals neither die nor explode."""
    if name.endswith("num_batches_tracked"):
        return torch.tensor(7)
    if name.endswith("running_var") or len(shape) == 1:
        return torch.rand(shape) + 0.5
    spread = (3 / torch.Size(shape[1:]).numel()) ** 0.5
    return torch.empty(shape).uniform_(-spread, spread)


def small(name):
    """A network of a published kind, with weights that say something."""
    model = build(
        name,
        **({"width": 8, "depth": 2} if name.startswith("hourglass") else {}),
        **({"modules": (1, 2, 1)} if "hrnet" in name else {}),
        input_size=64,
    )
    model.load_state_dict(
        {
            key: some_tensor(key, value.shape)
            for key, value in model.state_dict().items()
        }
    )
    return model.eval()


def as_published(model):
    names = published_names(model)
    return {names[key]: value for key, value in model.state_dict().items()}


# ------------------------------------------------------------------- names


@pytest.mark.slow
@pytest.mark.parametrize("theirs", PUBLISHED)
def test_published_files_load_and_run(theirs, listed, tmp_path):
    keys = listed[theirs]["keys"]
    tensors = {key: some_tensor(key, shape) for key, shape in keys.items()}
    torch.save(tensors, tmp_path / "published.pth")
    with torch.device("meta"):  # no weights of its own
        model = build(PUBLISHED[theirs])
    assert sum(p.numel() for p in model.parameters()) == listed[theirs]["parameters"]
    names = published_names(model)
    assert sorted(names.values()) == sorted(keys)
    load_published(model.to_empty(device="cpu"), tmp_path / "published.pth")
    for own, value in model.state_dict().items():
        assert torch.equal(value, tensors[names[own]])
    stages = int(theirs.split("_s")[1][0]) if "_hg_" in theirs else 1
    images = torch.randn(1, 3, 256, 256)
    with torch.no_grad():
        if theirs in RUN:
            out = model(images)
            assert all(s.isfinite().all() and s.any() for s in out)
        else:  # shapes alone, which is quick
            out = model.to("meta")(images.to("meta"))
    assert [tuple(s.shape) for s in out] == [(1, 16, 64, 64)] * stages


class ByName:
    """The published networks, written once more from their names alone."""

    def __init__(self, tensors):
        self.t = tensors

    def conv(self, x, name, stride=1):
        weight = self.t[name + ".weight"]
        return F.conv2d(
            x, weight, self.t.get(name + ".bias"), stride, weight.shape[-1] // 2
        )

    def norm(self, x, name):
        return F.batch_norm(
            x,
            *(
                self.t[f"{name}.{part}"]
                for part in ("running_mean", "running_var", "weight", "bias")
            ),
        )

    # bearpaw: norm and ReLU before each convolution
    def residual(self, x, name):
        y = x
        for i in "123":
            y = self.conv(F.relu(self.norm(y, f"{name}.bn{i}")), f"{name}.conv{i}")
        if name + ".downsample.0.weight" in self.t:
            x = self.conv(x, name + ".downsample.0")
        return x + y

    def hourglass(self, x, name, level):
        up = self.residual(x, f"{name}.{level}.0.0")
        low = self.residual(F.max_pool2d(x, 2), f"{name}.{level}.1.0")
        low = (
            self.hourglass(low, name, level - 1)
            if level
            else self.residual(low, f"{name}.0.3.0")
        )
        low = self.residual(low, f"{name}.{level}.2.0")
        return up + low.repeat_interleave(2, 2).repeat_interleave(2, 3)

    def stacked_hourglass(self, x, stacks, depth):
        x = F.relu(self.norm(self.conv(x, "conv1", 2), "bn1"))
        x = F.max_pool2d(self.residual(x, "layer1.0"), 2)
        x = self.residual(self.residual(x, "layer2.0"), "layer3.0")
        scores = []
        for i in range(stacks):
            y = self.hourglass(x, f"hg.{i}.hg", depth - 1)
            y = self.conv(self.residual(y, f"res.{i}.0"), f"fc.{i}.0")
            y = F.relu(self.norm(y, f"fc.{i}.1"))
            scores.append(self.conv(y, f"score.{i}"))
            if i < stacks - 1:
                x = x + self.conv(y, f"fc_.{i}") + self.conv(scores[-1], f"score_.{i}")
        return scores

    # leoxiaobin: norm and ReLU after each convolution
    def block(self, x, name):
        y, i = x, 1
        while f"{name}.conv{i}.weight" in self.t:
            y = F.relu(y) if i > 1 else y
            y = self.norm(self.conv(y, f"{name}.conv{i}"), f"{name}.bn{i}")
            i += 1
        if name + ".downsample.0.weight" in self.t:
            x = self.norm(self.conv(x, name + ".downsample.0"), name + ".downsample.1")
        return F.relu(x + y)

    def blocks(self, x, name):
        i = 0
        while f"{name}.{i}.conv1.weight" in self.t:
            x, i = self.block(x, f"{name}.{i}"), i + 1
        return x

    def step(self, x, name, stride):
        return self.norm(self.conv(x, name + ".0", stride), name + ".1")

    def fuse(self, x, name, source, target):
        name = f"{name}.{target}.{source}"
        if source > target:
            n = 2 ** (source - target)
            x = self.step(x, name, 1)
            return x.repeat_interleave(n, 2).repeat_interleave(n, 3)
        for k in range(target - source):
            x = F.relu(x) if k else x
            x = self.step(x, f"{name}.{k}", 2)
        return x

    def hrnet(self, x, modules):
        for i in "12":
            x = F.relu(self.norm(self.conv(x, f"conv{i}", 2), f"bn{i}"))
        x = self.blocks(x, "layer1")
        maps = [
            F.relu(self.step(x, "transition1.0", 1)),
            F.relu(self.step(x, "transition1.1.0", 2)),
        ]
        for stage, count in zip((2, 3, 4), modules):
            if stage > 2:
                maps.append(
                    F.relu(
                        self.step(maps[-1], f"transition{stage - 1}.{stage - 1}.0", 2)
                    )
                )
            for m in range(count):
                name = f"stage{stage}.{m}"
                maps = [
                    self.blocks(x, f"{name}.branches.{b}") for b, x in enumerate(maps)
                ]
                last = stage == 4 and m == count - 1
                maps = [
                    F.relu(
                        sum(
                            self.fuse(x, name + ".fuse_layers", source, target)
                            for source, x in enumerate(maps)
                        )
                    )
                    for target in range(1 if last else stage)
                ]
        return [self.conv(maps[0], "final_layer")]


def test_hourglass_means_what_the_names_mean():
    """Equal shapes could hide two exchanged layers; equal answers cannot."""
    model, images = small("hourglass_2"), torch.randn(1, 3, 64, 64)
    with torch.no_grad():
        out = model(images)
        again = ByName(as_published(model)).stacked_hourglass(images, 2, 2)
    for a, b in zip(out, again, strict=True):
        assert a.abs().max() > 0.1
        torch.testing.assert_close(a, b, rtol=1e-3, atol=1e-4)


def test_hrnet_means_what_the_names_mean():
    model, images = small("hrnet_w8"), torch.randn(1, 3, 64, 64)
    with torch.no_grad():
        out = model(images)[0]
        again = ByName(as_published(model)).hrnet(images, (1, 2, 1))[0]
    assert out.abs().max() > 0.1
    torch.testing.assert_close(out, again, rtol=1e-3, atol=1e-4)


# ------------------------------------------------------------------- files


@pytest.mark.parametrize(
    "wrap",
    [
        lambda t: t,
        lambda t: {"module." + key: value for key, value in t.items()},
        lambda t: {"_orig_mod." + key: value for key, value in t.items()},
        lambda t: {
            "state_dict": {"model." + key: value for key, value in t.items()}
            | {"loss.weight": torch.ones(3)},
            "hyper_parameters": {"lr": 0.1},
        },
        lambda t: {
            "model": {
                "state_dict": {
                    key.replace(".", "._orig_mod.module.", 1): value
                    for key, value in t.items()
                }
            }
        },
        lambda t: {"model_state_dict": t, "epoch": 3},
        lambda t: {"model_ema": {"net.pose." + k: v for k, v in t.items()}},
        lambda t: {
            "epoch": 3,
            "arch": "hg",
            "state_dict": t,
            "optimizer": {"state": {}, "param_groups": [{"lr": 0.1}]},
            "best_acc": np.float64(0.9),
            "perf": np.float32(0.8),
        },
        lambda t: {
            key: value
            for key, value in t.items()
            if not key.endswith("num_batches_tracked")
        },
    ],
    ids=[
        "plain",
        "several GPUs",
        "compiled",
        "a framework's class",
        "inside, compiled, several GPUs",
        "with the optimiser",
        "unknown names",
        "training script",
        "before torch 0.4.1",
    ],
)
@pytest.mark.parametrize("new", [True, False], ids=["zip", "legacy"])
def test_ways_of_saving(wrap, new, tmp_path):
    source, target = small("hourglass_1"), small("hourglass_1")
    path = tmp_path / "model_best.pth.tar"
    torch.save(wrap(as_published(source)), path, _use_new_zipfile_serialization=new)
    load_published(target, path)
    assert not target.training
    for key, value in source.state_dict().items():
        if not key.endswith("num_batches_tracked"):
            assert torch.equal(target.state_dict()[key], value)


class Bomb:
    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return open, (str(self.path), "w")


def refused(tmp_path, content, words, model=None):
    """Refused with these words, and the network left as it was."""
    model = model or small("hourglass_1")
    before = copy.deepcopy(model.state_dict())
    path = tmp_path / "checkpoint.pth"
    if isinstance(content, bytes):
        path.write_bytes(content)
    else:
        torch.save(content, path)
    with pytest.raises(WeightsError, match=words) as caught:
        load_published(model, path)
    assert str(path) in str(caught.value)
    for key, value in model.state_dict().items():
        assert torch.equal(value, before[key])
    assert not hasattr(model, "conventions")


def test_checkpoints_that_do_not_fit_name_the_first_tensor(tmp_path):
    good = as_published(small("hourglass_1"))
    name = "hg.0.hg.1.2.0.conv2.weight"
    missing = {k: v for k, v in good.items() if k != name}
    refused(tmp_path, missing, f"{name} is missing")
    refused(
        tmp_path,
        {**good, name: torch.zeros(4, 4, 1, 1)},
        rf"{name} has shape \(4, 4, 1, 1\), the network wants \(4, 4, 3, 3\)",
    )
    refused(
        tmp_path, {**good, "fc_.0.weight": torch.zeros(1)}, "nothing like fc_.0.weight"
    )
    coco = {**good, "score.0.weight": torch.zeros(17, 8, 1, 1)}
    refused(tmp_path, coco, r"score.0.weight has shape \(17, .* 17 for COCO")
    refused(tmp_path, as_published(small("hourglass_2")), "nothing like")
    refused(tmp_path, as_published(small("hrnet_w8")), "is missing|network")


def test_files_that_are_no_checkpoints(tmp_path):
    whole = tmp_path / "whole.pth"
    torch.save(as_published(small("hourglass_1")), whole)
    data = whole.read_bytes()
    refused(tmp_path, data[: len(data) // 2], "cut short")
    refused(tmp_path, b"", "cut short")
    refused(tmp_path, b"<html>404</html>", "a web page")
    refused(tmp_path, {"state_dict": {}}, "tensors")
    refused(tmp_path, [torch.zeros(2)], "tensors")
    with pytest.raises(FileNotFoundError, match="nowhere.pth"):
        load_published(small("hourglass_1"), tmp_path / "nowhere.pth")


@pytest.mark.filterwarnings("ignore:Detected pickle protocol")
@pytest.mark.parametrize("as_torch", [True, False])
def test_files_that_run_code_are_refused(as_torch, tmp_path):
    trap = tmp_path / "trap"
    bomb = {"state_dict": as_published(small("hourglass_1")), "args": Bomb(trap)}
    refused(tmp_path, bomb if as_torch else pickle.dumps(Bomb(trap)), "refused")
    assert not trap.exists()


def test_networks_without_published_checkpoints(tmp_path):
    with pytest.raises(ValueError, match="ConvolutionalPoseMachine"):
        load_published(build("cpm", width=8, stages=1), tmp_path / "x.pth")


# ------------------------------------------------------------- conventions


class Echo(nn.Module):
    """A network that says what it is shown."""

    def forward(self, images):
        return [images]


def test_colours_are_what_each_family_was_trained_on():
    colours = torch.rand(2, 3, 4, 5)  # R, G, B in 0...1
    mean = torch.tensor([0.485, 0.456, 0.406])[:, None, None]
    std = torch.tensor([0.229, 0.224, 0.225])[:, None, None]
    blue_first = colours[:, [2, 1, 0]]
    grey = torch.tensor([0.4404, 0.4440, 0.4327])[:, None, None]
    expected = {
        "SimpleBaseline": (blue_first - mean) / std,
        "HRNet": (colours - mean) / std,
        "StackedHourglass": colours - grey,
    }
    for family, conventions in CONVENTIONS.items():
        seen = []
        model = adopt(Echo(), conventions)
        model.forward = lambda x: seen.append(x) or [x]
        model(normalise(colours))
        torch.testing.assert_close(
            seen[0], expected[family], msg=family, rtol=1e-5, atol=1e-5
        )


def neutral(shift):
    return Conventions(
        "nobody", "RGB", (0.485, 0.456, 0.406), (0.229, 0.224, 0.225), shift
    )


def test_heatmaps_move_into_our_cells():
    """A family that draws pixel x at cell x / 4 is read without a bias."""
    codec = HeatmapCodec(256, 64, sigma=2)
    points = torch.rand(4, 3, 2) * 200 + 28
    maps = gaussian_heatmaps(points / 4, 64, sigma=2)
    as_it_is, _ = codec.decode(maps)
    assert (as_it_is - points - 1.5).abs().max() < 0.01
    (moved,) = adopt(Echo(), neutral(CONVENTIONS["HRNet"].shift))(maps)
    decoded, _ = codec.decode(moved)
    assert (decoded - points).abs().max() < 0.05  # 1/80 of a cell
    (unmoved,) = adopt(Echo(), neutral(0.0))(maps)
    torch.testing.assert_close(unmoved, maps)


def test_flipped_heatmaps_agree_after_the_move():
    """What makes a flip test work: mirrored in, mirrored out."""
    model = adopt(Echo(), neutral(0.375))
    points = torch.tensor([[[100.0, 90.0]]])
    mirrored = torch.tensor([[[255 - 100.0, 90.0]]])
    maps, _ = HeatmapCodec(256, 64).decode(
        torch.cat(
            [
                model(gaussian_heatmaps(p / 4, 64).expand(1, 3, 64, 64))[0]
                for p in (points, mirrored)
            ]
        )
    )
    assert (maps[0, 0, 0] + maps[1, 0, 0] - 255).abs() < 0.1


def test_adopting_twice_is_adopting_the_last():
    model, images = adopt(Echo(), neutral(0.5)), torch.rand(1, 3, 8, 8)
    once = model(images)[0]
    adopt(adopt(model, CONVENTIONS["HRNet"]), neutral(0.5))
    torch.testing.assert_close(model(images)[0], once)


@pytest.mark.slow
def test_conventions_go_with_the_network(tmp_path):
    model = small("simple_baseline_18")
    path = tmp_path / "published.pth"
    torch.save(as_published(model), path)
    images = torch.randn(1, 3, 64, 64)
    with torch.no_grad():
        bare = model(images)[0]
        load_published(model, path)
        expected = model(images)[0]
        assert not torch.allclose(bare, expected)
        assert torch.equal(copy.deepcopy(model)(images)[0], expected)
        assert torch.allclose(
            model.double()(images.double())[0], expected.double(), atol=1e-3
        )
        save_weights(model.float(), tmp_path / "own.safetensors")
        again = load_model(tmp_path / "own.safetensors")
        assert torch.equal(again(images)[0], expected)
    assert again.conventions == CONVENTIONS["SimpleBaseline"]
