"""The study of chapter 13: it runs, and what is stored follows from the stored
predictions."""

import json

import numpy as np
import pytest

pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.fixture(scope="module")
def script(load_script):
    return load_script("data/studies/lifting.py")


def test_the_stored_scores_follow_from_the_predictions(script, root):
    folder = root / "data" / "studies"
    stored = json.loads((folder / "lifting.json").read_text("utf-8"))
    assert stored["settings"] == json.loads(json.dumps(script.SETTINGS))
    with np.load(folder / "lifting.npz") as arrays:
        answers = {name: arrays[name] for name in arrays.files}
    truth = answers.pop("truth")
    again = script.scored(answers, truth, stored["clips"])
    for name, row in again["rows"].items():
        for metric, value in row.items():
            assert stored["rows"][name][metric] == pytest.approx(value, rel=1e-9)
    for seed, value in again["gained by 2-D first"].items():
        assert stored["gained by 2-D first"][seed] == pytest.approx(value, rel=1e-9)


@pytest.mark.slow
def test_it_runs(script):
    settings = {
        **script.SETTINGS,
        "train_people": 6,
        "steps": 3,
        "batch": 4,
        "test": {"people": 1, "frames": 3, "seconds": 3.0, "seed": 9000},
    }
    answers, truth, clips = script.study(settings)
    assert clips == 3 and truth.shape == (9, 16, 3)
    result = script.scored(answers, truth, clips)
    assert set(result["rows"]) == set(answers) and len(answers) == 7
    assert (truth[:, 6] == 0).all() and np.abs(truth).max() < 2
