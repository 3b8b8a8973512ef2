"""Exported networks answer as their network does, and their file is enough."""

import json
import struct

import cv2
import numpy as np
import pytest
import torch
from torch import nn

from posecourse import deploy, places
from posecourse.cli import main
from posecourse.codecs import HeatmapCodec
from posecourse.datasets import SyntheticPeople, crop_in_memory
from posecourse.deploy import page as pages
from posecourse.deploy.export import calibration_images
from posecourse.deploy.extra import MissingPackageError, need
from posecourse.deploy.metadata import KEY, _fields, _notes
from posecourse.evaluation import evaluate, predict_crops
from posecourse.geometry import Crop
from posecourse.inference import Predictor, load_poses
from posecourse.lifting import Lifter
from posecourse.models import build, load_model, pretrained
from posecourse.models.base import last_stage
from posecourse.transforms import make_batch

pytestmark = pytest.mark.usefixtures("one_thread")

# Networks that look at pictures, and those that look at poses.
WEIGHTS = places.course_folder() / "data" / "weights"
SHIPPED = sorted(p.parent.name for p in WEIGHTS.glob("*/weights.safetensors"))
LIFTERS = sorted(p.stem for p in WEIGHTS.glob("lifter/*.safetensors"))
KINDS = (
    "head_heatmap",
    "head_soft_argmax",
    "head_simcc",
    "head_regression",
    "head_rle",
)


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """A function from a network's name to the network and its exported file."""
    for name in ("onnx", "onnxscript", "onnxruntime"):
        pytest.importorskip(name)
    folder, made = tmp_path_factory.mktemp("exported"), {}

    def get(name):
        if name not in made:
            torch.manual_seed(0)
            network = (
                load_model(pretrained(name) / "weights.safetensors")
                if name in SHIPPED
                else build(name).eval()
            )
            exported = deploy.export_onnx(network, folder / f"{name}.onnx")
            made[name] = network, exported
        return made[name]

    return get


@pytest.fixture(scope="module")
def store():
    return crop_in_memory(SyntheticPeople(60, size=80), 80, 1.25, 1)


@pytest.fixture(scope="module")
def small(files, store):
    """`laptop` in 8 bits."""
    path = files("laptop")[1].path
    return deploy.quantise(path, store, path.with_name("laptop-int8.onnx"))


def parts(output):
    return output if isinstance(output, tuple) else (output,)


# ----------------------------------------------------------------- parity


@pytest.mark.slow
@pytest.mark.parametrize("runtime", deploy.RUNTIMES)
@pytest.mark.parametrize("name", SHIPPED)
def test_every_shipped_network_agrees(name, runtime, files, store):
    network, exported = files(name)
    there = deploy.load_exported(exported.path, runtime)
    images = calibration_images(store, network.input_size, 5)
    with torch.inference_mode():
        expected = last_stage(network(images))
    for count in (5, 1, 3):  # any number of pictures, in any order
        found = there(images[:count])[-1]
        assert found.shape == expected[:count].shape
        assert (found - expected[:count]).abs().max() < 1e-4
    points, scores = there.predict(images)
    with torch.inference_mode():
        own, sure = network.predict(images)
    assert (points - own).abs().max() < 0.05  # pixels, of a tie at worst
    assert (scores - sure).abs().max() < 1e-4


@pytest.mark.slow
@pytest.mark.parametrize("name", LIFTERS)
def test_every_shipped_lifter_agrees(name, tmp_path):
    """They take poses: no file of `export_onnx`, but its way and its engines."""
    for package in ("onnx", "onnxscript"):
        pytest.importorskip(package)
    ort = pytest.importorskip("onnxruntime")
    network, path = Lifter.load(name).network, tmp_path / "lifter.onnx"
    before = () if network.frames == 1 else (network.frames + 2,)
    generator = torch.Generator().manual_seed(0)
    poses = torch.randn(2, *before, network.joints, 3, generator=generator)
    with torch.inference_mode():
        expected = network(poses).numpy()
        program = torch.onnx.export(
            network, (poses,), dynamo=True, verbose=False, input_names=["poses"]
        )
    program.save(path, external_data=False)
    (found,) = ort.InferenceSession(path).run(None, {"poses": poses.numpy()})
    assert np.abs(found - expected).max() < 1e-4 < np.abs(expected).max()
    there = cv2.dnn.readNetFromONNX(str(path))
    there.setInput(poses.numpy(), "poses")
    assert np.abs(there.forward() - expected).max() < 1e-4


def test_no_shipped_network_is_forgotten():
    networks = {f"{name}/weights" for name in SHIPPED}
    lifters = {f"lifter/{name}" for name in LIFTERS}
    stored = WEIGHTS.rglob("*.safetensors")
    assert {p.relative_to(WEIGHTS).with_suffix("").as_posix() for p in stored} == (
        networks | lifters
    )
    assert {"laptop", "photos", "detector", "bottom_up", "crowd"} <= set(SHIPPED)


@pytest.mark.slow
@pytest.mark.parametrize("runtime", deploy.RUNTIMES)
@pytest.mark.parametrize("name", KINDS)
def test_every_kind_of_output_is_read_as_in_torch(name, runtime, files):
    network, exported = files(name)
    there = deploy.load_exported(exported.path, runtime)
    images = torch.randn(2, 3, 64, 64, generator=torch.Generator().manual_seed(0))
    with torch.inference_mode():
        for mine, yours in zip(
            parts(there(images)[-1]), parts(last_stage(network(images)))
        ):
            assert mine.shape == yours.shape
            assert (mine - yours).abs().max() < 1e-4
        assert there.predict(images)[0].shape == (2, 16, 2)
    assert there.codec == network.codec
    assert there.representation.kind == network.representation.kind


@pytest.mark.slow
def test_a_network_that_recolours_is_exported_with_its_colours(tmp_path, files):
    from posecourse.models.conventions import Conventions, adopt

    torch.manual_seed(0)
    network, images = build("laptop", width=4).eval(), torch.ones(1, 3, 64, 64)
    nn.init.normal_(network.head.weight)
    with torch.inference_mode():
        plain = network(images)[-1]
        odd = Conventions("nobody", "BGR", (0.1, 0.2, 0.3), (1.0, 2.0, 3.0), 0.375)
        adopt(network, odd)
        expected = network(images)[-1]
    exported = deploy.export_onnx(network, tmp_path / "odd.onnx")
    found = deploy.load_exported(exported.path)(images)[-1]
    assert (found - expected).abs().max() < 1e-4
    assert (found - plain).abs().max() > 1e-2


@pytest.mark.slow
def test_a_network_for_one_number_of_pictures_is_refused(tmp_path, files):
    network = build("laptop", width=4).eval()
    network.register_forward_pre_hook(lambda m, args: torch.stack(list(args[0])))
    with pytest.raises(deploy.ExportError):
        deploy.export_onnx(network, tmp_path / "four.onnx")
    assert list(tmp_path.iterdir()) == []


# ------------------------------------------------------- the file alone


@pytest.mark.slow
def test_the_file_alone_is_enough_for_a_stranger(files, small):
    """Only NumPy, OpenCV, onnxruntime and what the note says."""
    import onnxruntime

    network, exported = files("laptop")
    people = SyntheticPeople(3, size=200, split="test")
    image, box = people.render(1).image, (20, 10, 150, 180)

    session = onnxruntime.InferenceSession(str(exported.path))
    note = json.loads(session.get_modelmeta().custom_metadata_map[KEY])
    width, height = note["input_size"]
    x, y, w, h = box
    unit = max(w / width, h / height) * note["box_padding"]
    middle = x + (w - 1) / 2, y + (h - 1) / 2
    move = np.array(
        [
            [1 / unit, 0, (width - 1) / 2 - middle[0] / unit],
            [0, 1 / unit, (height - 1) / 2 - middle[1] / unit],
        ]
    )
    assert np.allclose(
        move, Crop.from_box(box, (width, height), note["box_padding"]).matrix
    )
    window = Crop.from_box(box, (width, height), note["box_padding"]).warp(image)
    colours = (window / 255 - note["mean"]) / note["std"]
    images = colours.transpose(2, 0, 1)[None].astype(np.float32)
    (maps,) = session.run(None, {"images": images})
    cell = maps[0].reshape(16, -1).argmax(1)
    stride = width / note["codec"]["heatmap_size"][0]
    at = (np.stack([cell % 32, cell // 32], 1) + 0.5) * stride - 0.5
    found = (at - move[:, 2]) * unit

    pose = Predictor(network, "cpu")(image, [box])[0]
    assert np.abs(found - pose.keypoints).max() <= unit * stride / 2 + 0.01
    assert list(pose.skeleton.joints) == note["skeleton"]["joints"]


@pytest.mark.slow
def test_onnx_reads_the_same_notes(files, small):
    import onnx

    for exported in (files("laptop")[1], small):
        expected = {p.key: p.value for p in onnx.load(exported.path).metadata_props}
        assert dict(_notes(memoryview(exported.path.read_bytes()))) == expected
        found = deploy.read_metadata(exported.path)
        assert found == exported.metadata
        assert found.to_json() == expected[KEY]
        assert not list(exported.path.parent.glob("*.data"))


def test_fields_of_a_protocol_buffer_by_hand():
    fields = [
        bytes([1 << 3, 0xAC, 2]),  # 1: the number 300
        bytes([2 << 3 | 2, 3]) + b"abc",  # 2: three bytes
        bytes([3 << 3 | 5]) + struct.pack("<f", 1.5),
        bytes([4 << 3 | 1]) + struct.pack("<d", 1.5),
        bytes([16 << 3 & 127 | 128 | 2, 1, 0]),  # 16: nothing; its tag has two bytes
    ]
    data = memoryview(b"".join(fields))
    assert [(n, bytes(v)) for n, v in _fields(data)] == [
        (1, b""),
        (2, b"abc"),
        (3, b""),
        (4, b""),
        (16, b""),
    ]
    for end in (2, 6, 9, 15):
        with pytest.raises((ValueError, IndexError)):
            list(_fields(data[:end]))


@pytest.mark.slow
@pytest.mark.parametrize(
    "damage, message",
    [
        (lambda b: b[: len(b) // 2], "cut|does not say"),
        (lambda b: b"\x89PNG" + b, "no ONNX file"),
        (lambda b: b.replace(b"posecourse", b"elsewhere!"), "does not say"),
        (lambda b: b.replace(b'"version": 1', b'"version": 9'), "cannot be used"),
        (lambda b: b.replace(b'"kind": "heatmap"', b'"kind": "heatmep"'), "be used"),
        (lambda b: b.replace(b'"sigma": 1.5', b'"sigma":-1.5'), "cannot be used"),
    ],
)
def test_a_damaged_file_is_refused(damage, message, files, tmp_path):
    content = files("laptop")[1].path.read_bytes()
    path = tmp_path / "odd.onnx"
    path.write_bytes(damage(content))
    for runtime in deploy.RUNTIMES:
        with pytest.raises(deploy.ExportedFileError, match=message) as error:
            deploy.load_exported(path, runtime)
        assert "odd.onnx" in str(error.value)


@pytest.mark.slow
@pytest.mark.parametrize("runtime", deploy.RUNTIMES)
def test_a_damaged_graph_is_refused(runtime, files, tmp_path):
    path = tmp_path / "odd.onnx"
    content = files("laptop")[1].path.read_bytes()
    path.write_bytes(content.replace(b"Conv", b"Cunv"))
    with pytest.raises(deploy.ExportedFileError, match="cannot be run by"):
        deploy.load_exported(path, runtime)


def test_what_is_not_there_is_said(tmp_path):
    with pytest.raises(FileNotFoundError):
        deploy.load_exported(tmp_path / "none.onnx")
    (tmp_path / "empty.onnx").touch()
    with pytest.raises(deploy.ExportedFileError, match="does not say"):
        deploy.load_exported(tmp_path / "empty.onnx")
    with pytest.raises(ValueError, match="choose one of onnx, opencv"):
        deploy.load_exported(tmp_path / "none.onnx", "tensorrt")


def test_a_missing_package_is_named_with_the_cure():
    assert need("this", "json") is json
    with pytest.raises(MissingPackageError, match="pip install nothing_here$"):
        need("this", "json", "nothing_here")
    with pytest.raises(MissingPackageError, match="the packages nothing, no_more, w"):
        need("this", "nothing", "no_more")


def test_without_the_extra_export_says_what_to_install(monkeypatch, capsys):
    monkeypatch.setitem(__import__("sys").modules, "onnxscript", None)
    assert main(["export", "laptop", "--out", "never.onnx"]) == 2
    assert "python -m pip install onnxscript" in capsys.readouterr().err


# ------------------------------------------------------------- refusals


class _OwnCodec(HeatmapCodec):
    pass


@pytest.mark.slow
def test_what_cannot_be_exported_is_said(tmp_path, files):
    network = build("head_heatmap").eval()
    network.codec = _OwnCodec(64, 16)
    with pytest.raises(ValueError, match="_OwnCodec"):
        deploy.export_onnx(network, tmp_path / "a.onnx")

    class Undecided(nn.Module):
        def forward(self, x):
            return x if x.mean() > 0 else -x  # decides by what it sees

    network = build("head_heatmap").eval()
    network.register_forward_pre_hook(lambda m, args: Undecided()(*args))
    with pytest.raises(deploy.ExportError, match="head_heatmap cannot be exported"):
        deploy.export_onnx(network, tmp_path / "b.onnx")

    with pytest.raises(deploy.ExportError, match="differs from the original"):
        deploy.export_onnx(build("head_heatmap"), tmp_path / "c.onnx", tolerance=0)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
def test_what_cannot_be_quantised_is_said(tmp_path, files, small):
    path = files("laptop")[1].path
    out = tmp_path / "a.onnx"
    for images, message in (
        (torch.zeros(0, 3, 64, 64), "normalised pictures"),
        (torch.zeros(2, 3, 64, 32), r"\(N, 3, 64, 64\)"),
        (torch.full((2, 3, 64, 64), np.nan), "NaN"),
    ):
        with pytest.raises(ValueError, match=message):
            deploy.quantise(path, images, out)
    with pytest.raises(deploy.ExportError, match="in int8 already"):
        deploy.quantise(small.path, torch.zeros(2, 3, 64, 64), out)
    assert list(tmp_path.iterdir()) == []


# -------------------------------------------------------------- in 8 bits


@pytest.mark.slow
def test_eight_bits_are_small_and_cost_little(files, small):
    network, exported = files("laptop")
    assert small.path.stat().st_size < 0.3 * exported.path.stat().st_size
    assert small.metadata.precision == "int8"
    assert small.metadata.calibration["people"] == 60
    people = crop_in_memory(SyntheticPeople(200, size=80, split="test"), 80, 1.25, 1)
    before = evaluate(network, people).score
    after = evaluate(deploy.load_exported(small.path), people).score
    assert before - after < 1.0
    assert after > 80


@pytest.mark.slow
def test_eight_bits_are_fast(files, small):
    big, little = (deploy.load_exported(e.path) for e in (files("laptop")[1], small))
    image = torch.zeros(1, 3, 64, 64)
    seconds = deploy.relative_times(
        {"big": lambda: big(image), "little": lambda: little(image)}, rounds=60
    )
    assert seconds["big"] > 1.5 * seconds["little"]


@pytest.mark.slow
def test_ranges_of_noise_do_harm(files, small, tmp_path, store):
    """Numbers from 0 to 1 are no pictures: normalised ones have both signs."""
    path = files("laptop")[1].path
    noise = torch.rand(100, 3, 64, 64, generator=torch.Generator().manual_seed(0))
    deploy.quantise(path, noise, tmp_path / "noise.onnx")
    people = crop_in_memory(SyntheticPeople(100, size=80, split="test"), 80, 1.25, 1)
    good, bad = (
        evaluate(deploy.load_exported(p), people).score
        for p in (small.path, tmp_path / "noise.onnx")
    )
    assert good - bad > 5


def test_calibration_people_are_cut_out_as_for_a_test(store):
    images = calibration_images(store, (64, 64), 7)
    chosen = [0, 10, 20, 30, 39, 49, 59]
    some = store.subset(chosen)
    batch = make_batch(
        torch.from_numpy(np.array(some.crops)),
        some.keypoints,
        some.visible,
        some.head_size,
        some.window,
        64,
    )
    assert torch.equal(images, batch.images)
    assert len(calibration_images(store, 64, 1000)) == 60
    with pytest.raises(ValueError, match="nobody"):
        calibration_images(store.subset(np.arange(0)), 64)


# ------------------------------------------------- as every other network


@pytest.mark.slow
@pytest.mark.parametrize("runtime", deploy.RUNTIMES)
def test_it_predicts_and_is_evaluated_like_the_network(runtime, files, store):
    network, exported = files("laptop")
    there = deploy.load_exported(exported.path, runtime)
    for flip in (False, True):
        mine, sure, _ = predict_crops(there, store, flip_test=flip)
        yours, own, _ = predict_crops(network, store, flip_test=flip)
        assert np.abs(mine - yours).max() < 0.05
        assert np.abs(sure - own).max() < 1e-4
    assert evaluate(there, store).score == pytest.approx(
        evaluate(network, store).score, abs=0.2
    )


@pytest.mark.slow
def test_joints_that_nobody_labelled_stay_unknown(files, tmp_path):
    network, _ = files("photos")
    pose = json.loads(network.metadata["mean_pose"])
    gone = [i for i, point in enumerate(pose) if None in point]
    there = deploy.load_exported(files("photos")[1].path)
    image = SyntheticPeople(1, size=100).render(0).image
    found = Predictor(there)(image)[0].keypoints
    assert np.flatnonzero(np.isnan(found).any(1)).tolist() == gone


@pytest.mark.slow
def test_it_takes_only_pictures_of_its_size(files):
    there = deploy.load_exported(files("laptop")[1].path)
    with pytest.raises(ValueError, match="built for pictures of 64 x 64"):
        there(torch.zeros(1, 3, 32, 32))


# --------------------------------------------------- the page (test_page.py)


def test_without_npm_the_page_says_what_is_needed(tmp_path, monkeypatch):
    monkeypatch.setenv("POSECOURSE_DATA", str(tmp_path))
    monkeypatch.setattr(pages.shutil, "which", lambda name: None)
    with pytest.raises(MissingPackageError, match="onnxruntime-web.*Node.js"):
        pages.web_runtime()


def test_npm_that_fails_leaves_nothing_half_done(tmp_path, monkeypatch):
    monkeypatch.setenv("POSECOURSE_DATA", str(tmp_path))
    (tmp_path / "npm").write_text("#!/bin/sh\necho no network >&2\nexit 1\n")
    (tmp_path / "npm").chmod(0o755)
    monkeypatch.setattr(pages.shutil, "which", lambda name: str(tmp_path / "npm"))
    with pytest.raises(MissingPackageError, match="no network"):
        pages.web_runtime()
    assert not list(tmp_path.glob("onnxruntime-web*/*"))


@pytest.mark.slow
def test_the_page_refuses_what_it_cannot_read(files, tmp_path):
    with pytest.raises(ValueError, match="gives simcc"):
        deploy.build_page(files("head_simcc")[1].path, tmp_path / "a.html")


# ------------------------------------------------------- the command line


@pytest.mark.slow
def test_export_then_predict(tmp_path, monkeypatch, capsys, files):
    monkeypatch.chdir(tmp_path)
    image = SyntheticPeople(1, size=100, split="test").render(0).image
    cv2.imwrite("me.png", image[..., ::-1])
    assert main(["export", "laptop", "--int8", "--people", "40"]) == 0
    out = capsys.readouterr().out
    assert "laptop.onnx: laptop in float32" in out
    assert "laptop-int8.onnx: laptop in int8" in out and "40 people of synthetic" in out
    poses = {}
    for runtime in ("torch", "onnx", "opencv"):
        run = "laptop" if runtime == "torch" else "laptop.onnx"
        options = ["--run", run, "--runtime", runtime, "--out", runtime]
        assert main(["predict", "me.png", "--device", "cpu", *options]) == 0
        poses[runtime] = load_poses(f"{runtime}/poses.json")[0][0].keypoints
    for found in poses.values():
        assert np.abs(found - poses["torch"]).max() < 0.05
    assert main(["predict", "me.png", "--run", "laptop-int8.onnx", "--out", "8"]) == 0
    eight = load_poses("8/poses.json")[0][0].keypoints
    assert 0 < np.median(np.abs(eight - poses["torch"])) < 2


@pytest.mark.slow
def test_a_run_whose_people_are_gone_is_calibrated_on_drawn_ones(
    tmp_path, monkeypatch, capsys, files
):
    monkeypatch.chdir(tmp_path)
    assert main(["export", "photos", "--int8", "--people", "20"]) == 0
    said = capsys.readouterr()
    assert "drawn people set the ranges" in said.err
    made = deploy.read_metadata("photos-int8.onnx")
    assert made.calibration["people"] == 20


def test_a_runtime_and_its_file_belong_together(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    cv2.imwrite("me.png", np.zeros((20, 20, 3), np.uint8))
    assert main(["predict", "me.png", "--run", "laptop", "--runtime", "onnx"]) == 2
    assert "posecourse export laptop" in capsys.readouterr().err
    (tmp_path / "a.onnx").touch()
    assert main(["predict", "me.png", "--run", "a.onnx", "--runtime", "torch"]) == 2
    assert "--runtime onnx or opencv" in capsys.readouterr().err


# ---------------------------------------------------------------- timing


def test_functions_take_turns():
    calls = []
    seconds = deploy.relative_times(
        {"a": lambda: calls.append("a"), "b": lambda: calls.append("b")}, 3, warm_up=1
    )
    assert "".join(calls) == "ab" + "ababab"
    assert set(seconds) == {"a", "b"} and min(seconds.values()) >= 0
    with pytest.raises(ValueError, match="a round"):
        deploy.relative_times({}, 3)


def test_an_interruption_is_forgotten():
    clock = iter([0, 1, 10, 11, 20, 99, 100, 101, 110, 111])
    seconds = deploy.relative_times(
        {"a": lambda: None}, 5, 0, clock=lambda: next(clock)
    )
    assert seconds == {"a": 1}


# ------------------------------------------------------------ corruptions


@pytest.mark.parametrize("name", deploy.CORRUPTIONS)
def test_damage_grows_and_repeats(name):
    images = np.stack([SyntheticPeople(4, size=64).render(i).image for i in range(4)])
    strengths = deploy.CORRUPTIONS[name].strengths
    changes = []
    for strength in strengths:
        damaged = deploy.corrupt(images, name, strength)
        assert damaged.shape == images.shape and damaged.dtype == np.uint8
        assert np.array_equal(damaged, deploy.corrupt(images, name, strength))
        changes.append(np.abs(damaged.astype(int) - images).mean())
    assert changes[0] > 0.2
    assert sorted(changes) == changes


def test_damage_by_hand():
    image = np.zeros((10, 20, 3), np.uint8)
    image[:, 10:] = 200
    assert np.array_equal(deploy.corrupt(image, "dark", 2), image // 2)
    cut = deploy.corrupt(image, "cut off", 30)
    assert np.array_equal(cut[:7], image[:7]) and not cut[7:].any()
    covered = deploy.corrupt(image, "covered", 50)
    assert (covered == 127).all(-1).sum() == 25
    coarse = deploy.corrupt(image, "few pixels", 10)
    assert coarse[5].max() == 200 and len(np.unique(coarse[5])) > 2
    # a blur spreads an edge like the integral of a Gaussian
    blurred = deploy.corrupt(image, "blur", 10)[5, :, 0] / 200  # sigma 2 pixels
    assert blurred[10] - blurred[9] == pytest.approx(0.1974, abs=0.02)
    noisy = deploy.corrupt(np.full((100, 100, 3), 127, np.uint8), "noise", 10)
    assert noisy.std() == pytest.approx(10, rel=0.05)


def test_damage_is_checked():
    image = np.zeros((8, 8, 3), np.uint8)
    for arguments, message in (
        ((image, "rust", 1), "choose one of blur"),
        ((image.astype(float), "blur", 1), "float64"),
        ((image, "blur", 0), "positive"),
        ((image, "blur", np.nan), "positive"),
    ):
        with pytest.raises(ValueError, match=message):
            deploy.corrupt(*arguments)
    assert deploy.corrupt(image[None][:0], "blur", 1).shape == (0, 8, 8, 3)
