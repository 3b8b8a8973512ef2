"""The study on photographs: it runs, goes on, and says what is stored."""

import json
import shutil

import numpy as np
import pytest
import torch

from posecourse import evaluation
from posecourse.cli import main
from posecourse.datasets import open_crops
from posecourse.files import plain
from posecourse.skeletons import MPII
from posecourse.training import TrainingError


@pytest.fixture(scope="module")
def script(load_script):
    return load_script("data/studies/photographs.py")


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """A folder with pictures of drawn people as MPII keeps them, stores
    and runs; nobody's pelvis is labelled, and one has no torso."""
    place = tmp_path_factory.mktemp("photographs")
    people = place / "people"
    assert (
        main(["data", "synth", "--count", "44", "--size", "96", "--out", str(people)])
        == 0
    )
    file = people / "annot" / "valid.json"
    records = json.loads(file.read_text())
    for record in records:
        record["joints_vis"][MPII.index("pelvis")] = 0
    records[-1]["joints_vis"][MPII.index("right_hip")] = 0
    file.with_name("train.json").write_text(json.dumps(records[:24]))
    file.write_text(json.dumps(records[24:]))
    return place


@pytest.fixture(autouse=True)
def there(place, monkeypatch, same_every_time):
    monkeypatch.chdir(place)


@pytest.fixture(scope="module")
def small(script):
    """One step of training: what was known before is not forgotten."""
    return {**script.SETTINGS, "epochs": 1}


@pytest.fixture
def done(script, small, place, study_page, there):
    """A folder with a small study; made once, gone on with ever after."""
    folder = place / "study"
    if not folder.exists():
        folder.mkdir()
        (folder / "README.md").write_text(study_page.format("photographs.py"))
    script.study("people", folder, small)
    return folder


@pytest.fixture
def begun(script, monkeypatch):
    """The runs that are trained, and resumed, from here on."""
    names, train = [], script.training.train

    def noted(config, *rest):
        names.append(config.resume or config.out)
        return train(config, *rest)

    monkeypatch.setattr(script.training, "train", noted)
    return names


def load(folder):
    """The two files of a study."""
    text = (folder / "photographs.json").read_text("utf-8")
    with np.load(folder / "photographs.npz") as file:
        return json.loads(text), dict(file)


def agree(script, study, predictions):
    """Scores and gains in the JSON follow from the predictions, to the last digit."""
    seeds = study["settings"]["seeds"]
    names = {script.name_of(who, seed) for who in script.PREDICTORS for seed in seeds}
    assert set(study["predictions"]) == names
    assert set(predictions) == names | {"keypoints", "visible", "mean_pose"}
    keypoints = predictions["keypoints"].astype(float)
    labelled = predictions["visible"] > 0
    a, b = MPII.indices(["left_shoulder", "right_hip"])
    torso = np.linalg.norm(keypoints[:, a] - keypoints[:, b], axis=-1)
    labelled &= np.isfinite(torso)[:, None]
    labelled[:, MPII.indices(["pelvis", "thorax"])] = False
    assert study["people"] == {
        "shown": len(labelled),
        "scored": labelled.any(1).sum(),
        "joints": labelled.sum(),
    }

    def pck(points, threshold):
        off = np.linalg.norm(points - keypoints, axis=-1) / torso[:, None]
        return 100 * np.mean(off[labelled] <= threshold)

    points = {name: predictions[name] / 100 for name in names}
    points["mean pose"] = predictions["mean_pose"]
    for name, scored in [
        *study["predictions"].items(),
        ("mean pose", study["trivial"]["mean pose"]),
    ]:
        assert scored == plain(script.scores(points[name], predictions))
        for threshold, (value, low, high) in scored.items():
            assert value == pytest.approx(pck(points[name], float(threshold)))
            assert low <= value <= high
    assert study["gains"] == plain(script.gains(predictions, study["settings"]))
    assert len(study["gains"]) == 2 * len(script.GAINS) + 1
    for gain in study["gains"]:
        for threshold, (value, low, high) in gain["pck"].items():
            first, second = (
                study["predictions"][gain[name]][threshold][0]
                for name in ("first", "second")
            )
            assert value == pytest.approx(first - second, abs=1e-9)
            assert low <= value <= high
    for name, row in study["networks"].items():
        # validated in the precision of the training, scored in 32 bits
        same = study["predictions"][name]["0.2"][0]
        assert row["curve"][-1] == pytest.approx(same, abs=0.5)


@pytest.mark.slow
def test_the_stored_study(script, root):
    """Its scores follow from its predictions, its page from its scores."""
    folder = root / "data" / "studies"
    study, predictions = load(folder)
    assert study["settings"] == plain(script.SETTINGS)
    agree(script, study, predictions)
    page = (folder / "README.md").read_text("utf-8")
    section = page[page.index("## photographs") : page.index("## represent")]
    assert script.table(study) in section
    prose = " ".join(section.split())
    network = study["networks"]
    first = [network[f"base-{seed}"]["curve"][0] for seed in (0, 1)]
    last = [network[f"scratch-{seed}"]["curve"][-1] for seed in (0, 1)]
    assert min(first) > max(last) + 5
    seconds = {
        name: min(network[f"{name}-{seed}"]["epoch_seconds"] for seed in (0, 1))
        for name in ("base", "larger")
    }
    (shipped, _) = json.loads(
        (root / "data" / "weights" / "photos" / "evaluation.json").read_text("utf-8")
    )["results"]
    assert shipped["metric"] == "PCK (torso)@0.2"
    for said in (
        "the base finds {:.1f} and {:.1f}, the network from scratch "
        "after its last {:.1f} and {:.1f}".format(*first, *last),
        "takes {larger} seconds instead of {base}".format(**seconds),
        "[{:.1f} instead of {:.1f}]".format(
            shipped["score"], study["predictions"]["base-0"]["0.2"][0]
        ),
        "shown {shown:,} others".format(**study["people"]),
        "{scored} people have one labelled".format(**study["people"]),
    ):
        assert said in prose


@pytest.mark.slow
def test_a_small_study_from_end_to_end(script, small, done, study_page, monkeypatch):
    study, predictions = load(done)
    assert study["settings"] == plain(small)
    assert study["people"]["shown"] == 20 > study["people"]["scored"] == 19
    # drawn people have heads, which the curves are measured in
    for row in study["networks"].values():
        row["curve"][-1:] = [
            study["predictions"][script.name_of(row["network"], row["seed"])]["0.2"][0]
        ]
    agree(script, study, predictions)
    found = {name: pck["0.2"][0] for name, pck in study["predictions"].items()}
    for seed in (0, 1):
        assert found[f"base-{seed}"] > found[f"scratch-{seed}"] + 20
    assert {name: row["init"] for name, row in study["networks"].items()} == {
        f"{name}-{seed}": name != "scratch"
        for seed in (0, 1)
        for name in small["networks"]
    }
    page = (done / "README.md").read_text("utf-8")
    expected = study_page.format("photographs.py")
    assert page == expected.replace("old", script.table(study))


def test_predictions_are_those_of_the_networks(script, done):
    """Made again, by `evaluate`, in pixels of the pictures."""
    _, predictions = load(done)
    run = done.parent / "runs" / "photographs"
    small, large = (
        open_crops("people", "valid", (size, size), margin=1.75) for size in (64, 96)
    )
    crop = script.standard_crop(small.size, small.window, (64, 64))
    for name, network, store, options in (
        ("base-1", "base-1", small, {}),
        ("larger-0", "larger-0", large, {}),
        ("flip-0", "base-0", small, {"flip_test": True}),
        ("argmax-0", "base-0", small, {"decoder": "argmax"}),
    ):
        found = evaluation.evaluate(run / network, store, **options)
        for person, points, to_image in zip(
            found.keypoints, predictions[name] / 100, small.to_image
        ):
            seen = crop.invert(points) @ to_image[:, :2].T + to_image[:, 2]
            np.testing.assert_allclose(seen, person, atol=0.03)


@pytest.mark.slow
def test_the_last_weights_are_those_of_the_last_step(script, small, done, tmp_path):
    """So short a run's average is its last step: give it another one."""
    _, before = load(done)
    runs = tmp_path / "runs"
    shutil.copytree(done.parent / "runs" / "photographs", runs)
    saved, other = (
        torch.load(runs / name / "last.pt", weights_only=True)
        for name in ("base-0", "scratch-0")
    )
    torch.save({**saved, "model": other["average"]}, runs / "base-0" / "last.pt")
    script.study("people", tmp_path, small, runs)
    _, after = load(tmp_path)
    assert np.array_equal(after["last-0"], before["scratch-0"])
    assert not np.array_equal(after["last-0"], before["last-0"])
    for name in set(before) - {"last-0"}:
        np.testing.assert_array_equal(after[name], before[name])


@pytest.mark.slow
def test_what_is_finished_is_kept(script, small, done, begun, tmp_path):
    before = load(done)[0]
    assert script.study("nowhere", done, small) == before
    assert begun == []
    # without the files, but with the runs, only predicting is done again
    assert script.study("people", tmp_path, small) == before
    assert begun == []


@pytest.mark.slow
def test_a_run_that_was_stopped_goes_on(script, small, done, begun, tmp_path):
    before = load(done)[0]
    runs = tmp_path / "runs"
    shutil.copytree(done.parent / "runs" / "photographs", runs)
    (runs / "scratch-1" / "evaluation.json").unlink()
    shutil.rmtree(runs / "larger-1")
    after = script.study("people", tmp_path, small, runs)
    assert begun == [str(runs / "scratch-1"), str(runs / "larger-1")]
    assert after["predictions"] == before["predictions"]


def test_a_run_with_other_settings_is_not_taken_for_one(script, small, done, tmp_path):
    with pytest.raises(TrainingError, match="base-0.*epochs: 1, not 3"):
        script.study("people", tmp_path, {**small, "epochs": 3})


def test_other_people_are_noticed(script, small, done, tmp_path):
    shutil.copytree("people", tmp_path / "others")
    file = tmp_path / "others" / "annot" / "valid.json"
    file.write_text(json.dumps(json.loads(file.read_text())[::-1]))
    for name in ("photographs.json", "photographs.npz"):
        shutil.copy(done / name, tmp_path)
    study = json.loads((tmp_path / "photographs.json").read_text())
    del study["networks"]["base-0"]
    (tmp_path / "photographs.json").write_text(json.dumps(study))
    with pytest.raises(TrainingError, match="not the people"):
        script.study(tmp_path / "others", tmp_path, small, tmp_path / "runs")
