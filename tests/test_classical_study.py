"""The study of chapter 2: it runs, goes on, and what is stored follows from
the stored predictions."""

import json

import numpy as np
import pytest

from posecourse.classical import PictorialModel
from posecourse.cli import main
from posecourse.files import plain
from posecourse.skeletons import MPII


@pytest.fixture(scope="module")
def script(load_script):
    return load_script("data/studies/classical.py")


@pytest.fixture(scope="module")
def small(script):
    fewer = {"negatives": 100, "types": 2}
    return {
        **script.SETTINGS,
        "test_people": 10,
        "people": {
            kind: {**about, "train": 24, "networks": about["networks"][:1]}
            for kind, about in script.SETTINGS["people"].items()
        },
        "models": {
            name: {**options, **fewer, "types": min(options["types"], 2)}
            for name, options in script.SETTINGS["models"].items()
        },
    }


@pytest.fixture(scope="module")
def photographs(tmp_path_factory):
    """Drawn people in MPII's layout, one of them without a torso."""
    folder = tmp_path_factory.mktemp("photographs")
    command = ["data", "synth", "--count", "34", "--size", "96", "--out", str(folder)]
    assert main(command) == 0
    file = folder / "annot" / "valid.json"
    records = json.loads(file.read_text())
    records[-1]["joints_vis"][MPII.index("right_hip")] = 0
    file.with_name("train.json").write_text(json.dumps(records[:24]))
    file.write_text(json.dumps(records[24:]))
    return folder


@pytest.fixture(scope="module")
def done(script, small, photographs, study_page, tmp_path_factory):
    folder = tmp_path_factory.mktemp("study")
    (folder / "README.md").write_text(study_page.format("classical.py"))
    return folder, script.study(folder, photographs, small)


def load(folder):
    """The two files of a study."""
    text = (folder / "classical.json").read_text("utf-8")
    with np.load(folder / "classical.npz") as file:
        return json.loads(text), dict(file)


def pck(points, known, threshold):
    """PCK in percent, from the definition."""
    off = np.linalg.norm(points - known["keypoints"], axis=-1)
    labelled = known["visible"] > 0
    labelled[:, MPII.indices(["pelvis", "thorax"])] = False
    return 100 * np.mean((off / known["unit"][:, None])[labelled] <= threshold)


def agree(script, study, predictions):
    """Scores and gains in the JSON follow from the predictions, to the last digit."""
    settings = study["settings"]
    assert list(study["people"]) == list(settings["people"])
    for kind, about in study["people"].items():
        known = script.of(kind, predictions)
        people = settings["people"][kind]
        expected = [script.ALONE, *settings["models"], *people["networks"]]
        assert list(about["rows"]) == ["mean pose", *expected]
        assert set(known) == {*expected, "keypoints", "visible", "unit", "mean_pose"}
        assert about["trained_on"] == people["train"]
        assert len(known["keypoints"]) == settings["test_people"]
        name, threshold = about["metric"].split("@")
        assert name == ("PCK" if kind == "photographs" else "PCKh")
        points = {**known, "mean pose": known["mean_pose"]}
        for who, row in about["rows"].items():
            fresh = plain(script.score(kind, points[who], known))
            assert {key: row[key] for key in fresh} == fresh
            value, low, high = row["pck"]
            assert value == pytest.approx(pck(points[who], known, float(threshold)))
            assert low <= value <= high
            assert sum(row["errors"].values()) == pytest.approx(100)
            assert (who == "mean pose") == ("cpu_milliseconds" not in row)
            assert (who in settings["models"]) == ("cpu_seconds" in row)
        assert set(about["gains"]) == set(script.GAINS)
        for what, (first, second) in script.GAINS.items():
            assert about["gains"][what] == script.gain(kind, first, second, known)
            value = about["rows"][first]["pck"][0] - about["rows"][second]["pck"][0]
            assert about["gains"][what][0] == pytest.approx(value)


@pytest.mark.slow
def test_a_small_study_from_end_to_end(script, small, done):
    folder, result = done
    study, predictions = load(folder)
    assert study == result
    assert study["settings"] == plain(small)
    agree(script, study, predictions)
    assert study["people"]["photographs"]["scored"] == 9  # one has no torso
    page = (folder / "README.md").read_text("utf-8")
    assert script.table(study) in page
    assert page.startswith("# A page") and page.endswith("The rest.\n")
    assert "old" not in page


@pytest.mark.slow
def test_the_model_beside_it_is_that_of_standard_people(script, small, done):
    folder, _ = done
    people = script.crops("standard", "test", 10, None, small["size"])
    points, _ = PictorialModel.load(folder / "classical.safetensors").predict(
        people.crops
    )
    known = script.of("standard", load(folder)[1])
    same = np.abs(points - known[script.SHOWN]).max(-1) < 0.01
    assert same.mean() > 0.95  # it is stored in 16 bits


@pytest.mark.slow
def test_what_is_finished_is_kept(script, small, done, monkeypatch):
    folder, before = done

    def never(*_):
        raise AssertionError("it was measured again")

    monkeypatch.setattr(script, "compare", never)
    assert script.study(folder, None, small) == before
    with pytest.raises(AssertionError, match="again"):
        script.study(folder, None, {**small, "test_people": 11})


def test_the_stored_study(script, root):
    """Its scores follow from its predictions, its page from its scores."""
    folder = root / "data" / "studies"
    study, predictions = load(folder)
    assert study["settings"] == plain(script.SETTINGS)
    agree(script, study, predictions)
    page = (folder / "README.md").read_text("utf-8")
    assert script.table(study) in page
    easy = study["people"]["easy"]["rows"]
    assert easy[script.SHOWN]["pck"][0] >= 2 * easy["mean pose"]["pck"][0]
    # two minutes of two cores are allowed
    assert all(easy[name]["cpu_seconds"] < 120 for name in script.SETTINGS["models"])


@pytest.mark.parametrize("kind", ["easy", "standard"])
def test_stored_people_are_those_of_the_script(script, root, kind):
    """The first of them, drawn again; and the stored model, asked again."""
    folder = root / "data" / "studies"
    known = script.of(kind, load(folder)[1])
    people = script.crops(kind, "test", 8, None, script.SETTINGS["size"])
    np.testing.assert_allclose(people.keypoints, known["keypoints"][:8], atol=1e-3)
    if kind == "standard":
        model = PictorialModel.load(folder / "classical.safetensors")
        points, _ = model.predict(people.crops)
        same = np.abs(points - known[script.SHOWN][:8]).max(-1) < 0.01
        assert same.mean() > 0.9  # it is stored in 16 bits
