"""Weights files: wrapped, of other kinds, broken, not finite, of others."""

import json
import os
import pickle

import numpy as np
import pytest
import torch
from safetensors.torch import save
from torch import nn

from posecourse.models import (
    WeightsError,
    build,
    load_model,
    load_weights,
    save_weights,
    start_from,
)
from posecourse.models.checkpoints import CONVENTIONS, adopt
from posecourse.models.state_dicts import read_state_dict
from posecourse.skeletons import COCO, MPII

pytestmark = pytest.mark.usefixtures("same_every_time")


def small(skeleton=MPII, **options):
    return build("laptop", skeleton, **{"input_size": 32, "width": 4, **options})


def same(a, b):
    return all(torch.equal(v, b.state_dict()[k]) for k, v in a.state_dict().items())


@pytest.fixture
def stored(tmp_path):
    """Write a small network's file anew, with other things beside its weights."""
    network = small()

    def write(tensors=None, drop=(), **changes):
        text = {
            "model": "laptop",
            "options": json.dumps(network.options),
            "skeleton": "mpii",
            **changes,
        }
        path = tmp_path / "weights.safetensors"
        path.write_bytes(
            save(
                {**network.state_dict(), **(tensors or {})},
                {key: value for key, value in text.items() if key not in drop},
            )
        )
        return path

    return write


# ----------------------------------------------------------------- wrapped


class Lit(nn.Module):
    """As a training framework wraps a network."""

    def __init__(self, model):
        super().__init__()
        self.model, self.criterion = model, nn.CrossEntropyLoss(torch.ones(4))


@pytest.mark.slow
@pytest.mark.parametrize(
    "wrap",
    [
        lambda net: torch.compile(net).state_dict(),
        lambda net: nn.DataParallel(net).state_dict(),
        lambda net: {"state_dict": Lit(net).state_dict(), "epoch": 3},
        lambda net: {"state_dict": Lit(torch.compile(net)).state_dict()},
        lambda net: {"net": net.state_dict(), "best": np.float64(1), "k": [1, 2]},
        lambda net: {"net": {"state_dict": net.state_dict()}},
        lambda net: {**net.state_dict(), "epoch": 3},
    ],
    ids=["compiled", "gpus", "lightning", "both", "net", "nested", "beside"],
)
def test_wrappers_are_taken_off(wrap, tmp_path):
    network, other = small(), small()
    torch.save(wrap(network), tmp_path / "w.ckpt")
    assert load_weights(other, tmp_path / "w.ckpt") is other
    assert same(network, other)
    compiled = torch.compile(small())
    load_weights(compiled, tmp_path / "w.ckpt")
    assert same(network, compiled._orig_mod)


@pytest.mark.slow
def test_a_network_is_saved_without_its_wrappers(tmp_path):
    network = small()
    for wrapped in (torch.compile(network), nn.DataParallel(network)):
        again = load_model(save_weights(wrapped, tmp_path / "w.safetensors"))
        assert same(network, again)


def test_of_two_networks_none_is_guessed(tmp_path):
    state = small().state_dict()
    both = {
        f"{who}.{key}": v for who in ("student", "teacher") for key, v in state.items()
    }
    torch.save(both, tmp_path / "both.pth")
    with pytest.raises(WeightsError, match="student and teacher are both"):
        load_weights(small(), tmp_path / "both.pth")


def test_what_does_not_fit_names_what_was_found(tmp_path):
    path = tmp_path / "other.pth"
    torch.save({"encoder.0.weight": torch.ones(2), "head.bias": torch.ones(2)}, path)
    with pytest.raises(WeightsError, match="encoder.0.weight, head.bias"):
        load_weights(small(), path)
    torch.save({"optimizer": {"state": {}}, "epoch": 3}, path)
    with pytest.raises(WeightsError, match="this one has optimizer, epoch"):
        load_weights(small(), path)
    loop = {"epoch": 3}
    loop["model"] = loop
    torch.save(loop, path)
    with pytest.raises(WeightsError, match="dictionary of tensors"):
        load_weights(small(), path)


# ------------------------------------------------------------ broken files


@pytest.mark.parametrize(
    "content, says",
    [
        (b"", "cut short"),
        (b"\0" * 999, "cut short"),
        (b"<!DOCTYPE html>", "a web page"),
        (b"version https://git-lfs.github.com/spec/v1\n", "git lfs pull"),
        (b"\x89HDF\r\n\x1a\n" + bytes(99), "HDF5"),
        (b"\xff\xd8\xff\xe0" + bytes(99), "a picture"),
        (b"\x1f\x8b\x08" + bytes(99), "unpack"),
        ((2**62).to_bytes(8, "little") + b"{}", "safetensors"),
        ((10**5 + 5).to_bytes(8, "little") + b'{"a":' + b"[" * 10**5, "safetensors"),
        (pickle.dumps([1, 2]), "torch"),
        (b"PK\x03\x04" + bytes(99), "torch"),
    ],
)
@pytest.mark.filterwarnings("ignore:Detected pickle protocol")
@pytest.mark.parametrize("name", ["w.safetensors", "w.pth", "w.ckpt", "w"])
def test_files_of_another_kind(name, content, says, tmp_path):
    path = tmp_path / name
    path.write_bytes(content)
    # by a file's ending, one more kind is tried
    with pytest.raises(WeightsError, match=says if name == "w.ckpt" else None) as told:
        load_weights(small(), path)
    assert str(path) in str(told.value)


def test_what_is_no_file(tmp_path):
    with pytest.raises(WeightsError, match="is a folder"):
        read_state_dict(tmp_path)
    with pytest.raises(FileNotFoundError, match="no such weights file"):
        read_state_dict(tmp_path / "none.pth")
    if hasattr(os, "mkfifo"):
        os.mkfifo(tmp_path / "pipe.safetensors")
        with pytest.raises(WeightsError, match="no ordinary file"):
            read_state_dict(tmp_path / "pipe.safetensors")


@pytest.mark.skipif(os.name == "nt", reason="names are Unicode there")
def test_a_name_that_is_not_utf_8(tmp_path):
    network = small()
    path = tmp_path / os.fsdecode(b"gewichte-\xfc.safetensors")
    assert same(network, load_model(save_weights(network, path)))


def test_weights_that_are_not_finite_are_neither_loaded_nor_written(stored, tmp_path):
    network = small()
    key = next(k for k in network.state_dict() if k.endswith("weight"))
    for value in (float("nan"), float("inf")):
        broken = network.state_dict()[key].clone()
        broken.view(-1)[-1] = value
        path = stored({key: broken})
        other = small()
        before = {k: v.clone() for k, v in other.state_dict().items()}
        for load in (load_model, lambda path: load_weights(other, path)):
            with pytest.raises(WeightsError, match=f"{key} is not finite"):
                load(path)
        assert all(torch.equal(v, before[k]) for k, v in other.state_dict().items())
        network.state_dict()[key].copy_(broken)
        with pytest.raises(WeightsError, match="was not written"):
            save_weights(network, tmp_path / "new.safetensors")
        assert not (tmp_path / "new.safetensors").exists()
    # what is finite in 64 bits only is infinite in the network
    path = stored({key: torch.full_like(broken, 1e300, dtype=torch.float64)})
    with pytest.raises(WeightsError, match="not finite"):
        load_model(path)


@pytest.mark.filterwarnings("ignore::UserWarning")
@pytest.mark.parametrize(
    "change",
    [
        lambda t: t.to_sparse(),
        lambda t: torch.quantize_per_tensor(t, 0.1, 0, torch.qint8),
        lambda t: t.to("meta"),
        lambda t: t.to(torch.int64),
        lambda t: t.to(torch.complex64),
        lambda t: t.T.contiguous(),
    ],
    ids=["sparse", "quantised", "meta", "whole", "complex", "turned"],
)
def test_tensors_of_another_kind(change, tmp_path):
    network = small()
    state = network.state_dict()
    key = next(k for k, v in state.items() if v.ndim == 4)
    state[key] = change(state[key])
    torch.save(state, tmp_path / "w.pth")
    with pytest.raises(WeightsError, match=f"{key} "):
        load_weights(small(), tmp_path / "w.pth")


def test_tensors_that_share_their_memory_are_saved(tmp_path):
    network = small()
    norms = [m for m in network.modules() if isinstance(m, nn.BatchNorm2d)]
    last = norms[-1]
    twin = next(
        m for m in norms if m is not last and m.weight.shape == last.weight.shape
    )
    last.weight = twin.weight
    again = load_model(save_weights(network, tmp_path / "tied.safetensors"))
    assert same(network, again)


# ------------------------------------------------ what stands in the file


@pytest.mark.parametrize(
    "field, text, says",
    [
        ("options", "[]", "cannot be built"),
        ("options", "null", "cannot be built"),
        ("options", "not JSON", "cannot be built"),
        ("options", '{"width": -1}', "width=-1"),
        ("options", '{"width": "many"}', "width='many'"),
        ("options", '{"width": null}', "width=None"),
        ("options", '{"colour": 3}', "no option colour"),
        ("options", '{"width": 1%s}' % ("0" * 400), "no size"),
        ("options", "[" * 100_000, "cannot be built"),
        ("skeleton", "horse", "skeleton"),
        ("skeleton", "{}", "skeleton"),
        ("skeleton", "{", "skeleton"),
        ("skeleton", '{"joints": 5}', "skeleton"),
        ("model", "alexnet", "models.register.'alexnet'"),
        ("mean_pose", "[]", "mean_pose"),
        ("mean_pose", "[[1, 2]]", "mean_pose"),
        ("mean_pose", '{"a": 1}', "mean_pose"),
        ("mean_pose", json.dumps([["x", "y"]] * 16), "mean_pose"),
        ("conventions", "[]", "conventions"),
        ("conventions", "{}", "conventions"),
        (
            "conventions",
            json.dumps(
                {
                    "source": "",
                    "order": "GRB",
                    "mean": [0] * 3,
                    "std": [1] * 3,
                    "shift": 0,
                }
            ),
            "order is RGB",
        ),
    ],
)
def test_odd_words_beside_the_weights(stored, field, text, says):
    assert load_model(stored()).name == "laptop"
    path = stored(**{field: text})
    with pytest.raises(WeightsError, match=says) as told:
        load_model(path)
    assert str(path) in str(told.value) and len(str(told.value)) < 1000


@pytest.mark.parametrize("field", ["model", "options", "skeleton"])
def test_a_file_that_does_not_say_what_it_is(stored, field):
    with pytest.raises(WeightsError, match="does not say which network"):
        load_model(stored(drop=[field]))


def test_a_network_that_cannot_be_built_again_is_not_saved(tmp_path):
    with pytest.raises(WeightsError, match="models.register"):
        save_weights(nn.Linear(2, 2), tmp_path / "w.safetensors")


def test_a_mean_pose_with_joints_that_nobody_had(stored):
    pose = [[1.0, 2], [None, None]] * 8
    assert json.loads(
        load_model(stored(mean_pose=json.dumps(pose))).metadata["mean_pose"]
    )


# ------------------------------------------------------------ to start from


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["weights", "run folder", "state dict"])
@pytest.mark.parametrize(
    "name, options, head",
    [
        ("laptop", {"input_size": 32, "width": 4}, None),
        (
            "simple_baseline_18",
            {"input_size": 64},
            {"final_layer.weight", "final_layer.bias"},
        ),
    ],
)
def test_other_joints_get_a_new_head(tmp_path, name, options, head, kind):
    source, network = build(name, COCO, **options), build(name, MPII, **options)
    before = {k: v.clone() for k, v in network.state_dict().items()}
    path = tmp_path / "run" / "weights.safetensors"
    save_weights(source, path)
    if kind == "state dict":
        path = tmp_path / "w.pth"
        torch.save({"state_dict": source.state_dict()}, path)
    said = []
    given = path.parent if kind == "run folder" else path
    assert start_from(network, given, say=said.append) is network
    theirs, fresh = source.state_dict(), set()
    for key, value in network.state_dict().items():
        if torch.equal(value, before[key]) and value.shape != theirs[key].shape:
            fresh.add(key)
        else:
            assert torch.equal(value, theirs[key]), key
    assert fresh and (head is None or fresh == head)
    (line,) = said
    assert str(path) in line and f"{len(before) - len(fresh)} are kept" in line
    assert min(fresh) in line and "16 of mpii" in line


def test_as_many_joints_in_another_order_get_a_new_head(tmp_path):
    source, network = small(MPII), small(MPII)
    before = {k: v.clone() for k, v in network.state_dict().items()}
    text = {
        "model": "laptop",
        "options": json.dumps(source.options),
        "skeleton": "mpii",
    }
    path = tmp_path / "w.safetensors"
    said = []
    path.write_bytes(save(source.state_dict(), text))
    start_from(network, path, say=said.append)
    assert same(source, network) and not said

    joints = list(MPII.joints[::-1])
    text["skeleton"] = json.dumps(
        {
            "name": "reversed",
            "joints": joints,
            "bones": [],
            "parents": joints,
            "sigmas": [0.1] * 16,
            "groups": {},
        }
    )
    path.write_bytes(save(source.state_dict(), text))
    network.load_state_dict(before)
    start_from(network, path, say=said.append)
    theirs = source.state_dict()
    fresh = [
        k for k, v in network.state_dict().items() if not torch.equal(v, theirs[k])
    ]
    assert len(said) == 1 and fresh
    assert all(len(before[k]) == 16 for k in fresh)
    assert all(torch.equal(network.state_dict()[k], before[k]) for k in fresh)


def test_another_network_is_refused_before_anything_is_said(tmp_path):
    path = save_weights(small(COCO, width=8), tmp_path / "w.safetensors")
    network, said = small(), []
    before = {k: v.clone() for k, v in network.state_dict().items()}
    with pytest.raises(WeightsError, match="not weights of this laptop"):
        start_from(network, path, say=said.append)
    assert not said
    assert all(torch.equal(v, before[k]) for k, v in network.state_dict().items())
    with pytest.raises(FileNotFoundError, match="no weights.safetensors"):
        start_from(network, tmp_path)


@pytest.mark.parametrize("prefix", ["", "module.", "model._orig_mod."])
def test_resnets_of_torchvision(tmp_path, prefix):
    network = build("simple_baseline_18", input_size=64)
    trunk = {
        k: torch.rand_like(v) if v.is_floating_point() else v
        for k, v in network.state_dict().items()
        if not k.startswith(("deconv_layers", "final_layer"))
    }
    rest = {"fc.weight": torch.ones(9, 512), "fc.bias": torch.ones(9)}
    torch.save(
        {prefix + k: v for k, v in {**trunk, **rest}.items()}, tmp_path / "r.pth"
    )
    start_from(network, tmp_path / "r.pth")
    assert all(torch.equal(network.state_dict()[k], v) for k, v in trunk.items())


@pytest.mark.slow
def test_conventions_are_kept_where_one_starts_from(tmp_path):
    """Weights that want blue first go on getting it."""
    source = build("simple_baseline_18", input_size=64).eval()
    adopt(source, CONVENTIONS["SimpleBaseline"])
    path = save_weights(source, tmp_path / "w.safetensors")
    images = torch.randn(1, 3, 64, 64)
    for start in (start_from, load_weights):
        network = start(build("simple_baseline_18", input_size=64), path).eval()
        with torch.no_grad():
            assert torch.equal(network(images)[0], source(images)[0])
