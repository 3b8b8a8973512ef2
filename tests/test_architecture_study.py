"""The study of chapter 11: its script runs, and what is stored is right."""

import json
import sys

import numpy as np
import pytest
import torch

from posecourse import metrics, models, training
from posecourse.files import plain
from posecourse.models.profile import summarise

RUNS = [("Hourglass", 0), ("Hourglass, last stage judged", 0)]


@pytest.fixture(scope="module")
def script(root):
    sys.path.insert(0, str(root / "data" / "studies"))
    import architectures

    sys.path.pop(0)
    return architectures


@pytest.fixture(scope="module", autouse=True)
def threads():
    before = torch.get_num_threads()
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="module")
def small(script):
    return {
        **script.SETTINGS,
        "input_size": 32,
        "train_people": 32,
        "valid_people": 8,
        "test_people": 12,
        "epochs": 2,
        "batch_size": 16,
        "trial_people": 16,
    }


@pytest.fixture(scope="module")
def done(script, small, tmp_path_factory):
    """A folder with a small study, and its result."""
    folder = tmp_path_factory.mktemp("study")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        return folder, script.study(folder, small, RUNS, folder / "runs", 1)


def load(folder):
    """The two files of a study."""
    text = (folder / "architectures.json").read_text("utf-8")
    with np.load(folder / "architectures.npz") as file:
        return json.loads(text), dict(file)


def agree(script, study, predictions):
    """Scores and differences in the JSON follow from the predictions."""
    for key, row in study["networks"].items():
        points = predictions[key] / 100
        assert row["pckh"] == [script.scores(stage, predictions) for stage in points]
        assert row["joints"] == script.per_joint(points[-1], predictions)
        rate = metrics.pckh(
            points[-1],
            predictions["keypoints"],
            predictions["visible"],
            predictions["head_size"],
        )
        assert row["pckh"][-1]["0.5"][0] == pytest.approx(
            100 * rate.pooled(script.COUNTED)
        )
        known = script.options_of(script.NETWORKS[row["name"]][1], study["settings"])
        assert {k: row["options"][k] for k in known if k != "input_size"} == {
            k: v for k, v in known.items() if k != "input_size"
        }
        with torch.device("meta"):
            cost = summarise(models.build(row["model"], **known))
        assert row["parameters"] == cost.parameters
        assert row["multiply_adds"] == cost.multiply_adds
        assert len(row["curve"]) == study["settings"]["epochs"]
        assert row["milliseconds"] > 0
    assert study["mean_pose"] == script.scores(predictions["mean_pose"], predictions)
    assert study["differences"] == list(
        script.differences(study["networks"], predictions)
    )


@pytest.mark.slow
def test_a_small_study_from_end_to_end(script, small, done):
    folder, result = done
    study, predictions = load(folder)
    assert study == result and study["settings"] == plain(small)
    assert list(study["networks"]) == [script.name_of(*run) for run in RUNS]
    agree(script, study, predictions)
    row = study["networks"]["Hourglass, seed 0"]
    assert [seen for seen, *_ in row["curve"]] == [32, 64]
    assert 0 < row["curve"][0][1] < row["curve"][1][1] == row["cpu_seconds"]
    assert row["rate"] in small["rates"] and len(row["pckh"]) == 2
    first, second = study["differences"][0]["first"], study["differences"][0]["second"]
    assert (first, second) == ("Hourglass", "Hourglass, last stage judged")


def test_a_variant_is_another_network_at_the_same_rate(script, done):
    _, predictions = load(done[0])
    plain_, last = (predictions[script.name_of(*run)] for run in RUNS)
    assert (plain_ != last).any()
    rows = done[1]["networks"].values()
    assert len({row["rate"] for row in rows}) == 1
    assert [row["supervision"] for row in rows] == [
        {},
        {"intermediate_supervision": False},
    ]


@pytest.mark.slow
def test_a_study_goes_on(script, small, done, tmp_path, monkeypatch):
    """Finished networks stay; a run that was stopped is picked up."""
    folder, result = done
    monkeypatch.chdir(folder)
    for name in ("architectures.json", "architectures.npz"):
        (tmp_path / name).write_bytes((folder / name).read_bytes())
    monkeypatch.setattr(script, "train", None)  # nothing is trained
    again = script.study(tmp_path, small, RUNS, tmp_path / "runs", 1)
    assert again == result
    monkeypatch.undo()
    monkeypatch.chdir(folder)

    train = training.train

    def interrupted(config, stores, note):
        def stop(row):
            note(row)
            if row["epoch"] == 1:
                raise KeyboardInterrupt

        return train(config, stores, stop if not config.resume else note)

    monkeypatch.setattr(training, "train", interrupted)
    out = tmp_path / "runs" / "begun"
    with pytest.raises(KeyboardInterrupt):
        script.train("Hourglass", 0, 1e-3, out, small)
    _, curve = script.train("Hourglass", 0, 1e-3, out, small)
    monkeypatch.setattr(training, "train", train)
    whole = script.train("Hourglass", 0, 1e-3, tmp_path / "whole", small)[1]
    assert [row[::2] for row in curve] == [row[::2] for row in whole]


def test_other_settings_start_again(script, small, done):
    rows, predictions = script.finished(done[0], {**small, "epochs": 3})
    assert rows == {} == predictions
    rows, predictions = script.finished(done[0], small)
    assert len(rows) == 2 and set(rows) < set(predictions)


@pytest.mark.slow
def test_the_stored_study_is_what_its_predictions_say(script, root):
    study, predictions = load(root / "data" / "studies")
    assert study["settings"] == plain(script.SETTINGS)
    assert set(study["networks"]) == {script.name_of(*run) for run in script.RUNS}
    agree(script, study, predictions)
    for key, row in study["networks"].items():
        assert row["pckh"][-1]["0.5"][1] > study["mean_pose"]["0.5"][2], key
    assert (root / "data" / "studies" / "architectures.npz").stat().st_size < 3_000_000


def test_the_page_says_what_is_stored(script, root):
    study, _ = load(root / "data" / "studies")
    page = (root / "data" / "studies" / "README.md").read_text("utf-8")
    page = page[page.index("## architectures") : page.index("## classical")]
    for name in script.NETWORKS:
        (line,) = (
            line for line in page.splitlines() if line.startswith(f"| {name} | ")
        )
        rows = [study["networks"].get(script.name_of(name, seed)) for seed in (0, 1)]
        cells = [cell.strip() for cell in line.split("|")[2:-1]]
        for cell, row in zip(cells, rows):
            if row is None:
                assert cell == "-"
            else:
                value, low, high = row["pckh"][-1]["0.5"]
                assert cell == f"{value:.1f} ({low:.1f} to {high:.1f})"
        assert cells[2:] == [
            f"{rows[0]['parameters'] / 1e6:.2f}",
            f"{rows[0]['multiply_adds'] / 1e6:.0f}",
            f"{rows[0]['milliseconds']:.1f}",
        ]
