"""``posecourse predict``: every picture that can be, and nobody's files."""

import csv
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from test_inference import picture
from test_video import broken, marked, write_video

from posecourse import files, images, models
from posecourse.cli import main
from posecourse.commands import predict
from posecourse.images import read_image
from posecourse.inference import Video
from posecourse.skeletons import MPII

pytestmark = pytest.mark.usefixtures("one_thread")


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


# ------------------------------------------------------- every picture


@pytest.fixture
def ask(tmp_path, weights, capsys):
    """Run the command into a folder; gives status, poses.json and stderr."""

    def run(*argv, out=tmp_path / "out"):
        options = ["--run", weights, "--out", str(out), "--device", "cpu"]
        status = main(["predict", *map(str, argv), *options])
        path, content = Path(out) / "poses.json", None
        if path.exists() and status != 2:
            content = json.loads(path.read_text("utf-8"))
        return status, content, capsys.readouterr().err

    return run


def visible(folder):
    """Names of the files that a person sees in a folder."""
    return sorted(p.name for p in folder.iterdir() if not p.name.startswith("."))


def names(content):
    return [Path(entry["image"]).name for entry in content["images"]]


def test_what_is_not_there_does_not_stop_the_rest(ask, tmp_path):
    a = write_picture(tmp_path / "a.png")
    status, content, told = ask(tmp_path / "gone.png", a, tmp_path / "nowhere")
    assert status == 1 and names(content) == ["a.png"]
    failed = [Path(f["image"]).name for f in content["failed"]]
    assert failed == ["gone.png", "nowhere"]
    assert "2 went wrong" in told
    assert told.count("gone.png") == told.count("nowhere") == 1


def test_a_picture_that_goes_or_may_not_be_read(ask, tmp_path, monkeypatch):
    folder = tmp_path / "in"
    paths = [write_picture(folder / f"{n}.png") for n in "abcd"]

    def read(path):
        if path == paths[1]:
            raise PermissionError(13, "Permission denied", str(path))
        if path == paths[2]:
            path.unlink()
        return read_image(path)

    monkeypatch.setattr(images, "read_image", read)
    status, content, told = ask(folder)
    assert status == 1 and names(content) == ["a.png", "d.png"]
    assert "b.png: Permission denied" in told and "c.png" in told


@pytest.mark.skipif(sys.platform != "linux", reason="names that are bytes")
def test_names_that_are_not_utf8(ask, tmp_path):
    folder = tmp_path / "in"
    odd = write_picture(folder / os.fsdecode(b"caf\xe9.png"))
    film = folder / os.fsdecode(b"d\xe9j\xe0.mp4")
    write_video(tmp_path / "film.mp4", [marked(i) for i in range(3)]).rename(film)
    torn = folder / os.fsdecode(b"torn\xe9.png")
    torn.write_bytes(b"no picture")
    write_picture(folder / "z.png")
    status, content, told = ask(folder, "--csv")
    assert status == 1 and "torn\\udce9.png" in told
    images = content["images"]
    assert [i["image"] for i in images] == [
        str(odd),
        *[str(film)] * 3,
        str(folder / "z.png"),
    ]
    for entry in images:
        assert (tmp_path / "out" / entry["drawing"]).is_file()
    assert content["failed"][0]["image"] == str(torn)


@pytest.mark.skipif(sys.platform == "win32", reason="no such files there")
def test_what_is_no_file_among_pictures(ask, tmp_path):
    """A pipe would wait for ever, a device never end."""
    folder = tmp_path / "in"
    write_picture(folder / "a.png")
    os.mkfifo(folder / "pipe.png")
    (folder / "zero.jpg").symlink_to("/dev/zero")
    (folder / "loop.png").symlink_to("loop.png")
    (folder / "film.mp4").symlink_to("nowhere")
    (folder / "deeper.png").mkdir()
    status, content, told = ask(folder, folder / "pipe.png", folder / "loop.png")
    assert status == 1 and names(content) == ["a.png"]
    assert told.count("pipe or a device") == 3
    assert told.count("leads nowhere") == 3
    assert "deeper" not in told


@pytest.mark.parametrize("box", ["[1,2,1e-6,30]", "[1,2,1e9,30]", "[1,2,30,1e300]"])
def test_a_box_of_no_sense_does_not_stop_the_rest(ask, tmp_path, box):
    for name in "ab":
        write_picture(tmp_path / "in" / f"{name}.png")
    file = tmp_path / "boxes.json"
    file.write_text(f'{{"a.png": [{box}], "b.png": [[1, 2, 30, 20]]}}')
    status, content, told = ask(tmp_path / "in", "--boxes", file)
    assert status == 1 and names(content) == ["b.png"]
    assert "a.png: box (1, 2, " in told


@pytest.mark.slow
def test_hundreds_of_boxes(ask, tmp_path):
    a = write_picture(tmp_path / "a.png")
    rng = np.random.default_rng(0)
    boxes = np.c_[rng.uniform(0, 30, (700, 2)), rng.uniform(5, 30, (700, 2))]
    file = tmp_path / "boxes.json"
    file.write_text(json.dumps({"a.png": boxes.tolist()}))
    status, content, _ = ask(a, "--boxes", file)
    assert status == 0
    found = [pose["box"] for pose in content["images"][0]["poses"]]
    assert np.allclose(found, boxes, atol=0.01)


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
def test_boxes_of_other_editors(ask, tmp_path, encoding):
    a = write_picture(tmp_path / "ä.png")
    file = tmp_path / "boxes.json"
    file.write_text('{"ä.png": [[1, 2, 30, 20]]}', encoding)
    status, content, _ = ask(a, "--boxes", file)
    assert status == 0 and content["images"][0]["poses"][0]["box"] == [1, 2, 30, 20]


def test_files_whose_name_does_not_tell(ask, tmp_path):
    photo = write_picture(tmp_path / "a.png").rename(tmp_path / "a.dat")
    film = write_video(tmp_path / "film.mp4", [marked(i) for i in range(3)])
    film = film.rename(tmp_path / "film:1.xyz")
    text = tmp_path / "notes.txt"
    text.write_text("hello")
    status, content, told = ask(photo, film, text, out=tmp_path / "out:1")
    assert status == 1 and names(content) == ["a.dat"] + ["film:1.xyz"] * 3
    assert "notes.txt" in told and "nor a video" in told


def test_a_name_as_long_as_can_be(ask, tmp_path):
    a = write_picture(tmp_path / ("ä" * 120 + "x.png"))
    status, content, _ = ask(a)
    assert status == 0
    assert (tmp_path / "out" / content["images"][0]["drawing"]).is_file()


def test_a_network_that_answers_nan_draws_nothing(ask, tmp_path, weights):
    model = models.load_model(weights)
    with torch.no_grad():
        for value in model.parameters():
            value.mul_(1e30)  # finite, as weights must be; the answer is not
    models.save_weights(model, weights)
    status, content, told = ask(write_picture(tmp_path / "a.png"))
    assert status == 2 and content is None and "not finite" in told
    assert not (tmp_path / "out").exists()


def test_a_network_by_its_name(tmp_path, capsys):
    a = write_picture(tmp_path / "a.png")
    argv = ["predict", str(a), "--out", str(tmp_path / "out"), "--device", "cpu"]
    assert main([*argv, "--run", "photos"]) == 0
    content = json.loads((tmp_path / "out" / "poses.json").read_text())
    assert (content["weights"], content["model"]) == (
        "photos",
        "efficientnet_lite0",
    )
    assert main([*argv, "--run", "fotos"]) == 2
    assert "photos" in capsys.readouterr().err


# ------------------------------------------------------------- videos


def test_a_damaged_video_is_said_and_what_is_there_is_kept(ask, tmp_path):
    noise = np.random.default_rng(0).integers(0, 256, (100, 120, 3), np.uint8)
    film = write_video(tmp_path / "film.mp4", [np.roll(noise, i, 1) for i in range(20)])
    broken(film, 0.3, 0.4)
    a = write_picture(tmp_path / "a.png")
    status, content, told = ask(film, a)
    assert status == 1 and "damaged or cut" in told and " of 20 pictures" in told
    frames = [i for i in content["images"] if "frame" in i]
    assert 1 <= len(frames) < 20 and names(content)[-1] == "a.png"
    assert "damaged or cut" in content["failed"][0]["error"]
    with Video(tmp_path / "out" / frames[0]["drawing"]) as drawn:
        assert len(list(drawn)) == frames[-1]["frame"] + 1


def test_times_are_in_the_files(ask, tmp_path):
    import mp4_boxes

    film = write_video(tmp_path / "film.mp4", [marked(i) for i in range(4)])
    mp4_boxes.with_durations(film, [0.1, 0.5, 0.1, 0.1])
    status, content, _ = ask(film, "--csv")
    assert status == 0
    assert [i["time"] for i in content["images"]] == [0, 0.1, 0.6, 0.7]
    assert {i["rate"] for i in content["images"]} == {5.0}
    with open(tmp_path / "out" / "poses.csv", encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 4 * len(MPII)
    assert (rows[-1]["frame"], rows[-1]["time_s"]) == ("3", "0.7")
    assert rows[0]["joint"] == MPII.joints[0] and rows[0]["person"] == "0"
    with Video(tmp_path / "out" / content["images"][0]["drawing"]) as drawn:
        assert len(list(drawn)) == 8 and drawn.time == pytest.approx(0.7, abs=0.01)


@pytest.mark.parametrize("camera", [False, True])
def test_ctrl_c_keeps_what_was_drawn(ask, tmp_path, monkeypatch, camera, capsys):
    from posecourse import inference

    film = write_video(tmp_path / "film.mp4", [marked(i) for i in range(9)])
    a = write_picture(tmp_path / "a.png")

    class Source(Video):
        def __init__(self, source):
            super().__init__(film)

        def __iter__(self):
            for image in super().__iter__():
                yield image
                if self.frame == 2:
                    raise KeyboardInterrupt

    monkeypatch.setattr(inference, "Video", Source)
    status, content, _ = ask(*(["--camera", 3, a] if camera else [film, a]))
    assert status == (0 if camera else 130)
    frames = [i for i in content["images"] if "frame" in i]
    assert len(frames) == 3
    assert names(content)[3:] == (["a.png"] if camera else [])
    stem = "camera-3" if camera else "film"
    assert Path(frames[0]["drawing"]).stem == f"{stem}-pose"
    with Video(tmp_path / "out" / frames[0]["drawing"]) as drawn:
        assert len(list(drawn)) == 3


def test_no_camera_does_not_lose_the_pictures(ask, tmp_path):
    a = write_picture(tmp_path / "a.png")
    status, content, told = ask(a, "--camera", "77")
    assert status == 1 and names(content) == ["a.png"]
    assert "camera 77 gives no picture" in told
    for wrong in ("-1", "100", "x"):
        assert ask(a, f"--camera={wrong}", out=tmp_path / "other")[0] == 2
    assert not (tmp_path / "other").exists()


def test_a_drawing_that_could_not_be_written(ask, tmp_path, monkeypatch):
    """The disk is full while OpenCV draws: no file, but all poses."""
    from posecourse.inference import video_writer

    film = write_video(tmp_path / "film.mp4", [marked(i) for i in range(5)])
    suffix = video_writer.video_suffix(120, 100)
    monkeypatch.setattr(video_writer, "_count_pictures", lambda path: 1)
    status, content, told = ask(film)
    assert status == 1 and len(content["images"]) == 5
    assert "1 of 5 pictures can be read back" in told
    assert f"film-pose{suffix}: the video" in told and ".part" not in told
    assert visible(tmp_path / "out") == ["poses.json"]


# ---------------------------------------------------- nobody's files


def test_files_of_an_earlier_run_are_replaced(ask, tmp_path):
    a = write_picture(tmp_path / "a.png")
    for _ in range(2):
        assert ask(a, "--csv")[0] == 0
    left = visible(tmp_path / "out")
    assert left == ["a-pose.png", "poses.csv", "poses.json"]


def test_drawings_of_runs_before_the_last_are_ours_too(ask, tmp_path):
    paths = [write_picture(tmp_path / f"{n}.png") for n in "ab"]
    for path in (*paths, *paths, *paths):
        status, content, told = ask(path)
        assert status == 0 and "kept" not in told
        assert content["images"][0]["drawing"] == f"{path.stem}-pose.png"


def test_a_drawing_of_the_users_own_is_kept(ask, tmp_path):
    a = write_picture(tmp_path / "a.png")
    out = tmp_path / "out"
    mine = write_picture(out / "a-pose.png", seed=5).read_bytes()
    status, content, told = ask(a)
    assert status == 0 and content["images"][0]["drawing"] == "a-pose-2.png"
    assert "a-pose.png was there before and is kept" in told
    # ours, but changed since
    (out / "a-pose-2.png").write_bytes(b"retouched")
    status, content, _ = ask(a)
    assert content["images"][0]["drawing"] == "a-pose-3.png"
    assert (out / "a-pose.png").read_bytes() == mine
    assert (out / "a-pose-2.png").read_bytes() == b"retouched"
    # ours, and an input now
    status, content, _ = ask(a, out / "a-pose-3.png")
    drawings = [i["drawing"] for i in content["images"]]
    assert status == 0 and drawings == ["a-pose-4.png", "a-pose-3-pose.png"]


@pytest.mark.parametrize("name", ["poses.json", "poses.csv"])
@pytest.mark.parametrize("content", ["{}", '{"images": []}', "", "image,x\n"])
def test_a_table_of_the_users_own_is_not_replaced(ask, tmp_path, name, content):
    a = write_picture(tmp_path / "a.png")
    mine = tmp_path / "out" / name
    mine.parent.mkdir()
    mine.write_text(content)
    status, _, told = ask(a, "--csv")
    assert status == 2 and name in told and "--out" in told
    assert mine.read_text() == content
    assert visible(mine.parent) == [name]


def test_folders_that_cannot_be(ask, tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    a = write_picture(tmp_path / "a.png")
    (tmp_path / "file").write_text("mine")
    for out in ("", " ", "file", "file/deeper"):
        assert main(["predict", str(a), "--out", out]) == 2
    assert main(["predict", ""]) == 2
    assert main(["predict", str(a), "--run", ""]) == 2
    assert main(["predict", str(a), "--min-score", "nan"]) == 2
    assert "Traceback" not in capsys.readouterr().err
    left = {p.name for p in tmp_path.iterdir()} - {"weights.safetensors"}
    assert left == {"a.png", "file"}


def test_poses_that_were_corrected_are_not_replaced(ask, tmp_path):
    a = write_picture(tmp_path / "a.png")
    assert ask(a, "--csv")[0] == 0
    for name in ("poses.csv", "poses.json"):
        path = tmp_path / "out" / name
        before = path.read_text()
        path.write_text(before.replace("left_knee", "left knee"))
        status, _, told = ask(a, "--csv")
        assert status == 2 and name in told and "changed since" in told
        assert "left knee" in path.read_text()
        path.write_text(before)
    assert ask(a, "--csv")[0] == 0


def test_poses_of_a_run_that_was_killed_are_replaced(ask, tmp_path, monkeypatch):
    """It could not note that they are its own."""
    paths = [write_picture(tmp_path / f"{n}.png") for n in "ab"]

    class Killed(BaseException):
        pass

    def die(*args):
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(predict._Output, "__exit__", die)
        with pytest.raises(Killed):
            ask(*paths, "--csv")
    content = json.loads((tmp_path / "out" / "poses.json").read_text())
    assert names(content) == ["a.png", "b.png"] and content["complete"] is False
    status, content, _ = ask(paths[0], "--csv")
    assert status == 0 and content["complete"] is True
    assert visible(tmp_path / "out") == [
        "a-pose.png",
        "b-pose.png",
        "poses.csv",
        "poses.json",
    ]


def test_two_at_once_do_not_share_a_folder(ask, tmp_path):
    a = write_picture(tmp_path / "a.png")
    out = tmp_path / "out"
    out.mkdir()
    with files.locked(out):
        status, content, told = ask(a)
    assert status == 2 and content is None and "is working in" in told
    assert ask(a)[0] == 0


def test_nothing_is_left_where_nothing_was_found(ask, tmp_path):
    (tmp_path / "torn.png").write_bytes(b"torn")
    status, _, _ = ask(tmp_path / "torn.png", out=tmp_path / "deep" / "out")
    assert status == 2 and not (tmp_path / "deep").exists()


def test_json_alone_is_printed(ask, tmp_path, capsys, weights):
    a = write_picture(tmp_path / "a.png")
    argv = ["--run", weights, "--out", str(tmp_path / "out"), "--json"]
    assert main(["predict", str(a), str(tmp_path / "gone.png"), *argv]) == 1
    printed = json.loads(capsys.readouterr().out)
    assert printed == json.loads((tmp_path / "out" / "poses.json").read_text())
    assert main(["predict", str(tmp_path / "gone.png"), *argv]) == 2
    printed = json.loads(capsys.readouterr().out)
    assert printed["images"] == [] and "gone.png" in printed["failed"][0]["error"]


class Closed:
    """A stream whose other end is gone."""

    def write(self, text):
        raise OSError(28, "No space left on device")

    def flush(self):
        raise OSError(28, "No space left on device")

    def isatty(self):
        return False


def test_nobody_listens(tmp_path, weights, monkeypatch):
    """A closed stream does not end the work."""
    paths = [write_picture(tmp_path / f"{n}.png") for n in "ab"]
    out = tmp_path / "out"
    argv = [*map(str, paths), "gone.png", "--run", weights, "--out", str(out)]
    monkeypatch.setattr(sys, "stderr", Closed())
    assert predict.main(argv) == 1
    assert names(json.loads((out / "poses.json").read_text())) == ["a.png", "b.png"]


@pytest.mark.skipif(sys.platform == "win32", reason="no such signals there")
@pytest.mark.parametrize("name", ["SIGTERM", "SIGHUP"])
def test_a_run_that_is_ended_closes_its_files(ask, tmp_path, monkeypatch, name):
    paths = [write_picture(tmp_path / f"{n}.png") for n in "abcd"]
    write_png = predict._write_png

    def write(path, image):
        if path.name.startswith(".c"):
            os.kill(os.getpid(), getattr(signal, name))
        write_png(path, image)

    monkeypatch.setattr(predict, "_write_png", write)
    status, content, told = ask(*paths)
    assert status == 128 + getattr(signal, name) and "stopped" in told
    assert names(content) == ["a.png", "b.png"]
    assert visible(tmp_path / "out") == ["a-pose.png", "b-pose.png", "poses.json"]
    assert content["complete"] is False
    assert signal.getsignal(getattr(signal, name)) is signal.SIG_DFL


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="no such signals there")
def test_a_run_that_is_killed_keeps_its_poses(tmp_path, weights):
    paths = [str(write_picture(tmp_path / f"{i:03}.png", seed=i)) for i in range(5)]
    out = tmp_path / "out"
    argv = ["predict", *paths * 500, "--run", weights, "--out", str(out)]
    with subprocess.Popen(
        [sys.executable, "-m", "posecourse", *argv, "--device", "cpu"],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    ) as process:
        end = time.monotonic() + 120
        while not (out / "poses.json").exists() and time.monotonic() < end:
            time.sleep(0.01)
        time.sleep(0.2)
        process.kill()
    assert process.returncode == -signal.SIGKILL
    content = json.loads((out / "poses.json").read_text())
    assert all(len(i["poses"][0]["keypoints"]) == 16 for i in content["images"])
    drawings = {p.name for p in out.glob("*-pose*.png") if p.name[0] != "."}
    named = {i["drawing"] for i in content["images"]}
    assert named <= drawings and len(drawings - named) <= 1  # the one it was at
