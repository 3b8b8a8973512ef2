"""Beside BlazePose: the study's parts, and that what is stored follows."""

import json
import re
from dataclasses import replace

import numpy as np
import pytest
from people import dot_people

from posecourse.skeletons import MPII


@pytest.fixture(scope="module")
def script(load_script):
    return load_script("data/studies/peers.py")


def test_the_limbs_are_the_same_joints_on_both_sides(script):
    """The landmarks' names in MediaPipe's order, from its documentation."""
    names = (
        "nose left_eye_inner left_eye left_eye_outer right_eye_inner right_eye "
        "right_eye_outer left_ear right_ear mouth_left mouth_right left_shoulder "
        "right_shoulder left_elbow right_elbow left_wrist right_wrist left_pinky "
        "right_pinky left_index right_index left_thumb right_thumb left_hip "
        "right_hip left_knee right_knee left_ankle right_ankle left_heel "
        "right_heel left_foot_index right_foot_index"
    )
    names = re.findall(r"\w+", names)
    ours = [MPII.joints[i] for i in script.LIMBS]
    assert [names[i] for i in script.LANDMARKS] == ours
    assert len(set(ours)) == 12


def test_anchors(script):
    """Every cell's middle, as often as it has anchors; row by row."""
    anchors = script.anchors()
    assert anchors.shape == (2254, 2)
    assert anchors[:4] * 224 == pytest.approx(np.array([[4, 4]] * 2 + [[12, 4]] * 2))
    assert anchors[1568] * 224 == pytest.approx([8, 8])  # 28 * 28 * 2 before it
    assert anchors[-1] * 224 == pytest.approx([208, 208])


@pytest.mark.parametrize(
    "above, corner", [((50, 30), (0, 0)), ((70, 50), (0, 1)), ((50, 70), (1, 1))]
)
def test_a_region_is_upright_around_its_person(script, above, corner):
    """Half a person is 20 pixels: 2.5 times that, turned so that up is up."""
    crop = script.region(np.array([50.0, 50]), np.array(above, float))
    assert crop.size == pytest.approx((50, 50))
    middle, up = crop.apply([[50, 50], above])
    assert middle == pytest.approx([127.5, 127.5])
    assert up == pytest.approx([127.5, 127.5 - 20 * 256 / 50])
    # what the picture has in its upper left corner goes round with it
    right, below = crop.apply([[25, 25]])[0] > 127.5
    assert (right, below) == corner


def test_what_the_peer_says_comes_back_in_the_windows_pixels(script):
    """A peer that sees the brightest place, wherever it is shown it."""
    people = dot_people(3, side=64)
    places = np.array([[20, 40], [32, 30], [45, 25]])
    crops = np.zeros_like(people.crops)
    for crop, (x, y) in zip(crops, places):
        crop[y - 1 : y + 2, x - 1 : x + 2] = 255
    people = replace(people, crops=crops)
    window = script.standard_crop(people.size, people.window, (256, 256))
    expected = window.apply(places.astype(float))

    def brightest(picture):
        blurred = script.cv2.GaussianBlur(picture[..., 0], (0, 0), 3)
        y, x = np.divmod(blurred.argmax(), 256)
        return np.full((39, 2), (x + 0.5, y + 0.5))

    def turned(picture):
        """Somebody in the middle who stands on their head."""
        boxes, scores = np.zeros((2254, 12)), np.zeros(2254)
        best = 2 * (14 * 28 + 14)
        boxes[best : best + 3, 2:4] = 100  # three see the same person,
        boxes[best : best + 3, 4:8] = 0, 0, 0, 110
        boxes[best + 2, 4:8] += -8  # the third of the next cell
        scores[best : best + 3] = 1
        return boxes, scores

    peers = {"bright": brightest, "detector": turned}
    for detect in (False, True):
        found = script.blazepose(peers, "bright", people, detect)
        assert found.shape == (3, 16, 2)
        assert np.abs(found[:, script.LIMBS] - expected[:, None]).max() < 2
        others = np.delete(found, script.LIMBS, 1)
        assert (others == 128).all()


@pytest.mark.slow
def test_who_is_the_same_is_not_asked_again(script, tmp_path, monkeypatch):
    people, asked = dot_people(4, side=64, margin=2.0), []
    monkeypatch.setattr(script, "open_crops", lambda *_, **__: people)
    clock = {"photos": 5.0, "BlazePose full": 20.0, "BlazePose detector": 4.0}
    monkeypatch.setattr(script, "times", lambda *_: clock)
    settings = {
        **script.SETTINGS,
        "networks": ["laptop", "photos"],
        "peers": ["full"],
        "people": 4,
    }

    def landmarks(picture):
        asked.append(picture.shape)
        return np.full((39, 2), 100.0)

    def study():
        asked.clear()
        peers = {
            "full": landmarks,
            "detector": lambda p: (np.ones((2254, 12)), np.ones(2254)),
        }
        return script.study({"lspet": ("here", "valid")}, peers, tmp_path, settings)

    first = study()
    assert asked == [(256, 256, 3)] * 8  # with the detector and without
    part = first["sets"]["lspet"]
    assert list(part["scores"]) == [
        "mean pose",
        "laptop",
        "photos",
        "photos, flip test",
        "BlazePose full",
        "BlazePose full, box only",
    ]
    assert part["people"] == 4 and "photos_minus_blazepose_full" in part
    drawn = (tmp_path / "peers.svg").read_bytes()
    assert study() == first and asked == []
    assert (tmp_path / "peers.svg").read_bytes() == drawn
    stored = json.loads((tmp_path / "peers.json").read_text("utf-8"))
    stored["weights"]["photos"] = "another"
    (tmp_path / "peers.json").write_text(json.dumps(stored), "utf-8")
    made = []
    predict = script.evaluation.predict_crops
    monkeypatch.setattr(
        script.evaluation,
        "predict_crops",
        lambda network, *rest: made.append(rest[1]) or predict(network, *rest),
    )
    assert study() == first and asked == [] and made == [False, True]


def test_what_is_stored_follows_from_the_predictions(script, root):
    folder = root / "data" / "studies"
    study = json.loads((folder / "peers.json").read_text("utf-8"))
    with np.load(folder / "peers.npz") as file:
        arrays = dict(file)
    sets = {key: script.about_set(part) for key, part in script.split(arrays).items()}
    assert json.loads(json.dumps(sets)) == study["sets"]
    assert study["settings"] == script.SETTINGS
    page = (folder / "README.md").read_text("utf-8")
    assert script.table(study) in page
