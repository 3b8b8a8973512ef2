"""``posecourse predict --lift``: joints in space, and a picture that turns."""

import json

import numpy as np
import pytest
from PIL import Image

from posecourse.cli import main
from posecourse.commands import lifted
from posecourse.datasets import SyntheticMotion
from posecourse.inference import VideoWriter, load_poses
from posecourse.inference.video_writer import video_suffix
from posecourse.lifting import Lifter, PinholeCamera
from posecourse.skeletons import MPII

pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.fixture(autouse=True)
def few_frames(monkeypatch):
    monkeypatch.setattr(lifted, "_TURNS", 4)
    monkeypatch.setattr(lifted, "_MOST", 4)


@pytest.fixture(scope="module")
def motion():
    return SyntheticMotion("wave", 0.5, 12, size=96, seed=3, difficulty="easy")


@pytest.mark.slow
def test_a_picture_is_lifted(tmp_path, motion):
    person = motion[2]
    Image.fromarray(motion.read_image(person)).save(tmp_path / "me.png")
    box = ",".join(f"{v:.0f}" for v in person.box)
    out = tmp_path / "out"
    argv = ["predict", str(tmp_path / "me.png"), "--run", "laptop", "--box", box]
    assert main([*argv, "--out", str(out), "--lift", "--focal", "250"]) == 0

    content = json.loads((out / "me-3d.json").read_text())
    assert content["unit"] == "m" and content["root"] == "pelvis"
    assert "away from the camera" in content["axes"]
    about = {"focal": 250.0, "guessed": False, "width": 96, "height": 96}
    assert content["camera"] == about
    (record,) = content["poses"]
    assert record["joints"]["pelvis"] == [0, 0, 0] and record["person"] == 0
    (pose,) = load_poses(out / "poses.json")[0]
    known = pose.scores >= lifted.KNOWN
    camera = PinholeCamera.guess(96, 96, 250)
    expected = Lifter.load("single")(pose.keypoints[None], camera, known[None])[0]
    found = np.array([record["joints"][j] for j in MPII.joints])
    np.testing.assert_allclose(found, expected, atol=2e-3)
    guessed = [j for j, there in zip(MPII.joints, known) if not there]
    assert record["guessed"] == guessed
    with Image.open(out / "me-3d.gif") as film:
        assert film.n_frames == 4 and film.info["loop"] == 0

    assert main([*argv, "--out", str(out), "--lift"]) == 0  # ours: replaced
    content = json.loads((out / "me-3d.json").read_text())
    assert content["camera"]["focal"] == pytest.approx(1.2 * 96)
    assert content["camera"]["guessed"]
    assert not list(out.glob("*-2.*"))


@pytest.mark.slow
def test_a_video_is_lifted_as_a_whole(tmp_path, motion):
    path = tmp_path / f"wave{video_suffix(96, 96)}"
    with VideoWriter(path, 12) as video:
        for i in range(len(motion)):
            video.write(motion.read_image(motion[i]), motion.times[i])
    out = tmp_path / "out"
    argv = ["predict", str(path), "--run", "laptop", "--out", str(out), "--lift"]
    assert main(argv) == 0
    content = json.loads((out / "wave-3d.json").read_text())
    assert content["lifter"] == "temporal"
    assert [r["frame"] for r in content["poses"]] == list(range(len(motion)))
    with Image.open(out / "wave-3d.gif") as film:
        assert film.n_frames > 1


def test_a_focal_length_alone_is_a_slip(capsys):
    assert main(["predict", "x.png", "--focal", "300"]) == 2
    assert "--focal is for --lift" in capsys.readouterr().err
