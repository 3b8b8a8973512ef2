"""The study of actions: what is stored is what its script says."""

import json

import numpy as np
import pytest

from posecourse.files import plain
from posecourse.motion.actions import ActionRecognizer


@pytest.fixture(scope="module")
def script(load_script):
    return load_script("data/studies/actions.py")


@pytest.fixture(scope="module")
def stored(root):
    folder = root / "data" / "studies"
    text = (folder / "actions.json").read_text("utf-8")
    with np.load(folder / "actions.npz") as file:
        return json.loads(text), dict(file)


def test_settings_and_sizes(script, stored):
    study, known = stored
    assert study["settings"] == plain(script.SETTINGS)
    fps = script.SETTINGS["fps"]
    for name, about in script.SETTINGS["films"].items():
        first, last = about["people"]
        films = len(about["styles"]) * (last - first)
        shape = (films, about["seconds"] * fps, 16, 2)
        assert known[f"{name}/truth"].shape == known[f"{name}/predicted"].shape == shape
        assert known[f"{name}/scores"].shape == shape[:3]
        assert (known[f"{name}/truth"] != script.UNKNOWN).all()
    people = [set(known[f"{n}/person"].tolist()) for n in ("train", "valid", "test")]
    assert not people[0] & people[1] and not (people[0] | people[1]) & people[2]


def test_scores_follow_from_answers(script, stored):
    study, known = stored
    labels = known["test/label"]
    for name, answers in study["answers"].items():
        said = np.array(answers)
        value, low, high = study["accuracy"][name]
        assert value == pytest.approx(100 * np.mean(said == labels))
        assert low <= value <= high
        assert study["accuracy"][name] == script.accuracy(said, known, script.SETTINGS)
    done = study["repetitions"]
    assert done["true"] == known["count_test/repetitions"].tolist()
    assert done["exact"] == np.equal(done["true"], done["counted"]).sum()


def test_counts_follow_from_keypoints(script, stored):
    study, known = stored
    counted = script.counts("count_test", known, script.SETTINGS)
    assert counted == study["repetitions"]["counted"]


def test_the_stored_network_gives_the_stored_answers(script, stored, root):
    study, known = stored
    recognizer = ActionRecognizer.load()
    assert list(recognizer.classes) == script.SETTINGS["films"]["train"]["styles"]
    x, _ = script.sequences("test", "predicted", known, script.SETTINGS)
    answers = study["answers"]["network, trained on predicted, asked on predicted"]
    assert recognizer.probabilities(x).argmax(1).tolist() == answers


def test_stored_films_are_those_of_the_script(script, stored):
    """The first pictures of one, drawn and followed again."""
    _, known = stored
    settings = script.SETTINGS
    about = settings["films"]["test"]
    moves = script.motion(about["styles"][0], about["people"][0], about, settings)
    truth = script.packed(moves.camera.project(moves.joints))
    assert np.abs(truth - known["test/truth"][0]).max() <= 1
    assert moves.repetitions == known["test/repetitions"][0]


def test_the_page_shows_the_study(script, stored, root):
    study, _ = stored
    page = (root / "data" / "studies" / "README.md").read_text("utf-8")
    assert script.table(study) in page


def test_places_are_kept_to_a_tenth(script):
    points = np.array([[1.23, 127.96], [np.nan, np.nan]])
    back = script.unpacked(script.packed(points))
    assert back[0].tolist() == [1.2, 128.0] and np.isnan(back[1]).all()
