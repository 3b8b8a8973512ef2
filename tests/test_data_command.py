"""posecourse data check and data prepare on files of one's own."""

import json
import subprocess
import sys

import numpy as np
import pytest
from pose_samples import picture, write_mpii, write_picture

from posecourse.cli import main
from posecourse.datasets import CropDataset, SyntheticMotion, open_dataset
from posecourse.datasets.synthetic import Camera
from posecourse.inference import Video


def run(capsys, *arguments):
    """Exit status, and what was printed on both channels."""
    status = main(["data", *map(str, arguments)])
    return status, *capsys.readouterr()


@pytest.fixture
def people(tmp_path):
    """The annotation file of 12 people in 6 pictures, without a split."""
    write_mpii(tmp_path / "mine")
    path = tmp_path / "mine" / "annot" / "people.json"
    (tmp_path / "mine" / "annot" / "valid.json").rename(path)
    return path


def spoil(path):
    records = json.loads(path.read_text())
    records[3]["joints_vis"] = ["yes"] * 16
    path.write_text(json.dumps(records))


def test_check_looks_at_everybody(people, capsys):
    status, out, err = run(capsys, "check", people)
    assert status == 0 and err == ""
    assert out.startswith("mine-people: 12 people in 6 pictures")
    status, out, err = run(capsys, "check", people, "--split", "valid")
    assert status == 0 and "2 people in 1 pictures" in out and err == ""
    assert "note: valid is 1 of 6 pictures, drawn with seed 0" in out
    status, out, err = run(capsys, "check", people, "--split", "vlaid")
    assert status == 2 and "there are train, valid" in err and out == ""


def test_a_bad_record_is_reported_or_refused(people, tmp_path, capsys):
    spoil(people)
    status, out, err = run(capsys, "check", people)
    assert status == 1 and "11 people" in out and err == ""
    assert "records left out   1 (record 3: joints_vis must be numbers" in out
    status, out, _ = run(capsys, "check", people, "--json")
    found = json.loads(out)
    assert status == 1 and not found["ok"]
    assert found["skipped"] == [["record 3", found["skipped"][0][1]]]
    for command in (["check", people], ["prepare", people, tmp_path / "store"]):
        status, out, err = run(capsys, *command, "--strict")
        assert status == 2 and f"{people}, record 3: joints_vis" in err
    assert not (tmp_path / "store").exists()
    status, out, err = run(capsys, "prepare", people, tmp_path / "store")
    assert status == 0 and "11 people" in out
    assert "posecourse: mine-trainval: 1 of 12 records cannot be used" in err


def test_where_the_pictures_are(people, tmp_path, capsys):
    images = tmp_path / "mine" / "images"
    images.rename(tmp_path / "photos")
    status, out, _ = run(capsys, "check", people)
    assert status == 1 and "0 of 6 (missing 000000.jpg, ...)" in out
    status, out, _ = run(capsys, "check", people, "--images", tmp_path / "photos")
    assert status == 0 and "6 of 6" in out


def test_a_store_of_other_pictures(people, tmp_path, capsys):
    store = tmp_path / "store"
    command = ["prepare", people, store, "--size", "32", "--margin", "1"]
    assert run(capsys, *command)[0] == 0
    before = CropDataset.open(store).crops.copy()
    write_picture(tmp_path / "mine" / "images" / "000000.jpg", picture(77))
    status, _, err = run(capsys, *command)
    assert status == 2 and "000000.jpg was replaced or added since" in err
    assert "--rebuild" in err and (CropDataset.open(store).crops == before).all()
    status, _, err = run(capsys, *command, "--rebuild")
    assert status == 0 and "It is made anew" in err
    after = CropDataset.open(store).crops
    assert (after[:2] != before[:2]).any() and (after[2:] == before[2:]).all()


def test_drawn_people_replace_nobody_s_pictures(tmp_path, capsys):
    mine = tmp_path / "people" / "images" / "000001.png"
    write_picture(mine, picture(1))
    before = mine.read_bytes()
    status, _, err = run(
        capsys, "synth", "--count=2", "--size=32", "--out", tmp_path / "people"
    )
    assert status == 2 and "000001.png exists already" in err
    assert mine.read_bytes() == before
    assert not (tmp_path / "people" / "annot").exists()


def test_scenes_as_coco_keeps_them(tmp_path, capsys):
    out = tmp_path / "scenes"
    command = ["synth", "--scenes=3", "--size=64", "--people", "2", "3", "--out", out]
    status, text, _ = run(capsys, *command)
    people = open_dataset(out, "valid")
    assert status == 0 and f"{len(people)} people in 3 pictures" in text
    assert 6 <= len(people) <= 9 and people.read_image(people[0]).shape == (48, 64, 3)
    status, _, err = run(capsys, *command)
    assert status == 2 and "exists already" in err
    status, _, err = run(
        capsys, "synth", "--scenes=1", "--people", "4", "2", "--out", out
    )
    assert status == 2 and "people is (4, 2)" in err


def test_a_film_of_a_motion(tmp_path, capsys):
    """A video that browsers play, and the truth beside it."""
    out = tmp_path / "squats"
    command = ["synth", "--motion=squat", "--seconds=3", "--fps=10", "--size=64"]
    status, _, _ = run(capsys, *command, "--out", out)
    truth = json.loads((out / "squat.json").read_text("utf-8"))
    assert status == 0 and truth["repetitions"] == 1 and truth["label"] == "squat"
    with Video(next(p for p in out.iterdir() if p.suffix != ".json")) as video:
        frames = list(video)
    assert len(frames) == len(truth["frames"]) == 30 and frames[0].shape == (64, 64, 3)
    times = [frame["time"] for frame in truth["frames"]]
    np.testing.assert_allclose(times, np.arange(30) / 10)
    motion = SyntheticMotion("squat", 3, 10, 64)
    np.testing.assert_allclose(
        truth["frames"][20]["keypoints"], motion[20].keypoints, atol=1e-9
    )
    known = ("focal", "center", "rotation", "translation")
    camera = Camera(*(truth["camera"][key] for key in known))  # of lists
    np.testing.assert_allclose(
        camera.project(truth["frames"][20]["joints_world"]),
        camera.project(motion.joints[20]),
    )
    np.testing.assert_allclose(camera.matrix, motion.camera.matrix)
    assert np.abs(frames[20].astype(int) - motion.read_image(motion[20])).mean() < 16
    status, _, err = run(capsys, *command, "--out", out)
    assert status == 2 and "squat.json exists already" in err
    status, _, err = run(capsys, "synth", "--motion=fly", "--out", tmp_path / "x")
    assert status == 2 and "unknown style 'fly'; known: walk" in err
    assert not (tmp_path / "x").exists()


@pytest.mark.parametrize("margin", ["nan", "inf", "-1", "0"])
def test_a_margin_that_is_none(people, tmp_path, capsys, margin):
    status, _, err = run(
        capsys, "prepare", people, tmp_path / "store", f"--margin={margin}"
    )
    assert status == 2 and margin in err and not (tmp_path / "store").exists()


BAD_FILES = {
    "empty.json": b"",
    "cut.json": b'{"images": [{"id": 1',
    "deep.json": b"[" * 100_000,
    "digits.json": b"[" + b"9" * 10_000 + b"]",
    "null.json": b"null",
    "list.json": b"[1, 2]",
    "no_images.json": b'{"annotations": []}',
    "dict.json": b'{"annotations": {}, "images": {}}',
    "nulls.json": b'{"annotations": [null], "images": [null], "categories": [null]}',
    "page.json": b"<!DOCTYPE html><html></html>",
    "latin.json": '{"n": "käse"}'.encode("latin-1"),
    "some.mat": b"MATLAB 5.0 MAT-file, and then nothing",
    "zip.mat": b"PK\x03\x04",
    "data.txt": b"hello",
    "data.csv": b"a,b\n1,2\n",
    "picture.jpg": b"\xff\xd8\xff\xe0",
}


@pytest.mark.parametrize("name", BAD_FILES)
def test_bad_files_never_end_in_a_traceback(tmp_path, capsys, name):
    path = tmp_path / name
    path.write_bytes(BAD_FILES[name])
    for command in (["check", path], ["prepare", path, tmp_path / "store"]):
        status, out, err = run(capsys, *command)
        assert status == 2 and out == ""
        assert err.startswith("posecourse: ") and name in err
        assert "Traceback" not in err and len(err.splitlines()) == 1
    assert not (tmp_path / "store").exists()


def test_warnings_are_said_once_and_without_a_place_in_the_code(people, tmp_path):
    spoil(people)
    done = subprocess.run(
        [sys.executable, "-m", "posecourse", "data", "prepare"]
        + [str(people), str(tmp_path / "store"), "--split", "train"],
        capture_output=True,
        text=True,
        check=True,
    )
    said = [line for line in done.stderr.splitlines() if line.startswith("posecourse")]
    assert len(said) == 2 and "1 of 12 records" in said[0]
    assert "5 of 6 pictures, drawn with seed 0" in said[1] and ".py" not in done.stderr
