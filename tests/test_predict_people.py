"""``posecourse predict`` and ``evaluate`` where a picture holds several."""

import json

import cv2
import numpy as np
import pytest

from posecourse.cli import main
from posecourse.datasets import SyntheticScenes
from posecourse.datasets.coco_writer import write_coco
from posecourse.inference import VideoWriter
from posecourse.models.pretrained import pretrained
from posecourse.people import CenterDetector

pytestmark = pytest.mark.usefixtures("one_thread")
SCENES = SyntheticScenes(3, size=(96, 72), people=2, overlap=0, split="test")
BOXES = [p.extra["full_box"] for p in SCENES.scene(0).persons]


@pytest.fixture
def detect(monkeypatch):
    """A detector that says what the list holds, for every picture."""
    boxes = list(BOXES)

    def load(*args, **options):
        return lambda image: (
            np.array(boxes, float).reshape(-1, 4),
            np.linspace(0.9, 0.8, len(boxes)),
        )

    monkeypatch.setattr(CenterDetector, "load", load)
    return boxes


@pytest.fixture
def picture(tmp_path):
    path = tmp_path / "two.png"
    cv2.imwrite(str(path), SCENES.scene(0).image[..., ::-1])
    return path


def poses(out):
    content = json.loads((out / "poses.json").read_text("utf-8"))
    return [image["poses"] for image in content["images"]]


def predict(source, out, *more):
    return main(["predict", str(source), "--run", "laptop", "--out", str(out), *more])


def test_several_people_are_found_unasked(tmp_path, picture, detect):
    assert predict(picture, tmp_path / "out") == 0
    (found,) = poses(tmp_path / "out")
    assert len(found) == 2 and {p["box_score"] for p in found} == {0.9, 0.8}
    assert sorted(p["box"] for p in found) == sorted(
        [round(v, 2) for v in box] for box in BOXES
    )


def test_one_person_is_looked_for_as_before(tmp_path, picture, detect):
    del detect[1]
    assert predict(picture, tmp_path / "one") == 0
    assert predict(picture, tmp_path / "single", "--single") == 0
    one, single = poses(tmp_path / "one"), poses(tmp_path / "single")
    assert one == single and len(one[0]) == 1 and "box_score" not in one[0][0]


def test_nobody_is_nobody_when_everybody_is_asked_for(tmp_path, picture, detect):
    detect.clear()
    assert predict(picture, tmp_path / "out", "--multi") == 0
    assert poses(tmp_path / "out") == [[]]


def test_a_video_of_several_has_numbers(tmp_path, detect):
    with VideoWriter(tmp_path / "two.webm", 10) as writer:
        for step in range(3):
            writer.write(SCENES.scene(0).image, step / 10)
    assert predict(tmp_path / "two.webm", tmp_path / "out", "--multi", "--csv") == 0
    found = poses(tmp_path / "out")
    assert len(found) == 3 and {p["track"] for p in found[0]} == {0, 1}
    rows = (tmp_path / "out" / "poses.csv").read_text().splitlines()[1:]
    assert {row.split(",")[3] for row in rows} >= {"0", "1"}


def test_boxes_and_a_detector_are_too_much(tmp_path, picture, detect):
    assert predict(picture, tmp_path / "out", "--multi", "--box", "1,2,30,40") == 2


@pytest.mark.slow
def test_evaluate_everybody(tmp_path, detect, capsys):
    detect[:] = [[0, 0, 48, 72], [48, 0, 48, 72]]
    path = write_coco(tmp_path / "coco", SCENES)
    weights = str(pretrained("laptop"))
    assert (
        main(
            [
                "evaluate",
                weights,
                "--multi",
                "--data",
                str(path),
                "--json",
                "--split",
                "all",
            ]
        )
        == 0
    )
    result = json.loads(capsys.readouterr().out)
    assert result["pictures"] == 3 and result["people"] == 6
    assert set(result["keypoints"]) == {"found", "true boxes", "mean pose"}
    for low, high in (row["AP"][1:] for row in result["keypoints"].values()):
        assert 0 <= low <= high <= 100
    assert main(["evaluate", weights, "--multi", "--limit", "2"]) == 0
    assert "2 pictures" in capsys.readouterr().out
