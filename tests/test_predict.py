"""``posecourse predict``: every picture that can be, and nobody's files."""

import json
import os
import time

import cv2
import numpy as np
import pytest
import torch
from test_inference import picture, write_video

from posecourse import models
from posecourse.cli import main
from posecourse.commands import predict
from posecourse.images import read_image
from posecourse.inference import Video
from posecourse.skeletons import MPII


@pytest.fixture(scope="module", autouse=True)
def one_thread():
    """Small networks wait for each other's threads on a busy machine."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture
def weights(tmp_path):
    torch.manual_seed(0)
    path = tmp_path / "weights.safetensors"
    models.save_weights(models.build("laptop", input_size=32, width=8), path)
    return str(path)


def write_picture(path, size=(60, 40), seed=0):
    image = np.random.default_rng(seed).integers(0, 256, (*size[::-1], 3), np.uint8)
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(cv2.imencode(path.suffix, image)[1])
    return path


def test_predict_writes_poses_and_drawings(tmp_path, weights, capsys):
    a = write_picture(tmp_path / "in" / "a.jpg")
    b = write_picture(tmp_path / "in" / "b.png", (30, 70))
    (tmp_path / "in" / "notes.txt").write_text("not a picture")
    out = tmp_path / "out"
    assert (
        main(
            [
                "predict",
                str(tmp_path / "in"),
                "--run",
                weights,
                "--out",
                str(out),
                "--device",
                "cpu",
                "--json",
            ]
        )
        == 0
    )
    printed = json.loads(capsys.readouterr().out)
    content = json.loads((out / "poses.json").read_text())
    assert printed == content and content["skeleton"] == "mpii"
    assert [i["image"] for i in content["images"]] == [str(a), str(b)]
    first = content["images"][0]
    assert (first["width"], first["height"]) == (60, 40)
    (pose,) = first["poses"]
    assert list(pose["keypoints"]) == list(MPII.joints)
    drawn = read_image(out / first["drawing"])
    assert drawn.shape == (40, 60, 3)
    assert (drawn != read_image(a)).any()


def test_predict_never_writes_over_its_input(tmp_path, weights):
    inputs = [
        write_picture(tmp_path / name, seed=i)
        for i, name in enumerate(("a.png", "a.jpg", "b.jpg", "b-pose.png"))
    ]
    before = [path.read_bytes() for path in inputs]
    assert (
        main(["predict", *map(str, inputs), "--run", weights, "--out", str(tmp_path)])
        == 0
    )
    assert [path.read_bytes() for path in inputs] == before
    drawings = [
        i["drawing"]
        for i in json.loads((tmp_path / "poses.json").read_text())["images"]
    ]
    assert drawings == ["a-pose.png", "a-pose-2.png", "b-pose-2.png", "b-pose-pose.png"]


def test_predict_looks_at_the_boxes(tmp_path, weights):
    path = write_picture(tmp_path / "a.png")
    argv = ["predict", str(path), "--run", weights, "--out", str(tmp_path / "out")]

    def boxes():
        content = json.loads((tmp_path / "out" / "poses.json").read_text())
        return [p["box"] for p in content["images"][0]["poses"]]

    assert main([*argv, "--box", "3,4,20,30", "--box", "9,9,5,5"]) == 0
    assert boxes() == [[3, 4, 20, 30], [9, 9, 5, 5]]
    file = tmp_path / "boxes.json"
    file.write_text('{"a.png": [[1, 2, 30, 20]], "b.png": []}')
    assert main([*argv, "--boxes", str(file)]) == 0
    assert boxes() == [[1, 2, 30, 20]]
    file.write_text('{"a.png": []}')
    assert main([*argv, "--boxes", str(file)]) == 0
    assert boxes() == []


@pytest.mark.parametrize(
    "boxes, says",
    [
        ("{", "not JSON"),
        ('{"a.png": [[1, 2, 3]]}', "expected"),
        ('{"a.png": [[1, 2, 0, 4]]}', "positive"),
        ("[]", "expected"),
        ('{"other.png": []}', "no entry"),
    ],
)
def test_boxes_that_do_not_fit(tmp_path, weights, capsys, boxes, says):
    path = write_picture(tmp_path / "a.png")
    (tmp_path / "boxes.json").write_text(boxes)
    assert (
        main(
            [
                "predict",
                str(path),
                "--run",
                weights,
                "--boxes",
                str(tmp_path / "boxes.json"),
                "--out",
                str(tmp_path / "out"),
            ]
        )
        == 2
    )
    assert says in capsys.readouterr().err
    for wrong in ("1,2,3", "1,2,0,4", "a,b,c,d", "nan,2,3,4", "1,2,inf,4"):
        assert main(["predict", str(path), "--box", wrong]) == 2


def test_predict_on_a_video(tmp_path, weights):
    points = np.array([[40, 40], [50, 60], [60, 40], [50, 80]])
    write_video(tmp_path / "v.mp4", [picture(points + i, (120, 100)) for i in range(4)])
    out = tmp_path / "out"
    assert (
        main(["predict", str(tmp_path / "v.mp4"), "--run", weights, "--out", str(out)])
        == 0
    )
    frames = json.loads((out / "poses.json").read_text())["images"]
    assert [f["frame"] for f in frames] == [0, 1, 2, 3]
    with Video(out / frames[0]["drawing"]) as video:
        assert len(list(video)) == 4


def test_a_broken_picture_does_not_lose_the_others(tmp_path, weights, capsys):
    a = write_picture(tmp_path / "a.png")
    broken = tmp_path / "b.png"
    broken.write_bytes(a.read_bytes()[:200])
    out = tmp_path / "out"
    c = write_picture(tmp_path / "c.png")
    argv = ["predict", "--run", weights, "--out", str(out)]
    assert main([*argv, str(a), str(broken), str(c)]) == 1
    assert "b.png" in capsys.readouterr().err
    content = json.loads((out / "poses.json").read_text())
    assert [i["image"] for i in content["images"]] == [str(a), str(c)]
    assert main([*argv, str(broken)]) == 2


def test_a_folder_as_phones_and_macs_leave_it(tmp_path, weights, capsys):
    folder = tmp_path / "Bilder für Zoë"
    good = write_picture(folder / "Strand 1.JPG")
    (folder / "._Strand 1.JPG").write_bytes(b"\0\5\26\7")
    (folder / "IMG_1.HEIC").write_bytes(b"\0\0\0\x18ftypheic" + bytes(99))
    (folder / "album.jpg").mkdir()
    out = tmp_path / "out"
    assert main(["predict", str(folder), "--run", weights, "--out", str(out)]) == 1
    told = capsys.readouterr().err
    assert "HEIC" in told and "._" not in told and "album" not in told
    content = json.loads((out / "poses.json").read_text("utf-8"))
    assert [i["image"] for i in content["images"]] == [str(good)]


def test_one_wrong_box_does_not_lose_the_other_pictures(tmp_path, weights, capsys):
    paths = [write_picture(tmp_path / name) for name in ("a.png", "b.png")]
    (tmp_path / "boxes.json").write_text(
        '{"a.png": [[900, 900, 5, 5]], "b.png": [[1, 2, 30, 20]]}'
    )
    out = tmp_path / "out"
    assert (
        main(
            [
                "predict",
                *map(str, paths),
                "--run",
                weights,
                "--boxes",
                str(tmp_path / "boxes.json"),
                "--out",
                str(out),
            ]
        )
        == 1
    )
    told = capsys.readouterr().err
    assert "a.png" in told and "outside the picture of 60 x 40" in told
    content = json.loads((out / "poses.json").read_text())
    assert [i["image"] for i in content["images"]] == [str(paths[1])]


def test_drawings_of_panoramas_are_smaller(tmp_path, weights):
    path = write_picture(tmp_path / "wide.png", (6000, 30))
    out = tmp_path / "out"
    assert main(["predict", str(path), "--run", weights, "--out", str(out)]) == 0
    (image,) = json.loads((out / "poses.json").read_text())["images"]
    assert (image["width"], image["height"]) == (6000, 30)
    assert read_image(out / image["drawing"]).shape == (20, 4096, 3)


def test_there_is_no_camera(tmp_path, weights, capsys):
    assert (
        main(
            [
                "predict",
                "--camera",
                "77",
                "--run",
                weights,
                "--out",
                str(tmp_path / "out"),
            ]
        )
        == 2
    )
    assert "camera 77 gives no picture" in capsys.readouterr().err
    assert not (tmp_path / "out" / "camera-77-pose.mp4").exists()


def test_the_newest_run_is_taken(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert predict.newest_weights() == models.pretrained("photos")
    for age, name in ((50, "old"), (10, "new"), (90, "older")):
        path = tmp_path / "runs" / name / "weights.safetensors"
        path.parent.mkdir(parents=True)
        path.touch()
        os.utime(path, (time.time() - age,) * 2)
    (tmp_path / "runs" / "torn").mkdir()
    (tmp_path / "runs" / "torn" / "weights.safetensors").symlink_to("nowhere")
    assert predict.newest_weights().parent.name == "new"
