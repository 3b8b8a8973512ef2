"""Long comparisons: the scripts run, and what is stored is what they say."""

import json

import numpy as np
import pytest
import torch

from posecourse import metrics, models
from posecourse.files import plain

RUNS = [("heatmap", 64, 0), ("regression", 64, 0)]


@pytest.fixture(scope="module")
def script(load_script):
    return load_script("data/studies/representations.py")


@pytest.fixture(scope="module")
def small(script):
    return {
        **script.SETTINGS,
        "input_size": 32,
        "width": 4,
        "test_people": 24,
        "steps": 4,
        "batch_size": 8,
        "curve_points": 2,
        "stability_people": 8,
    }


@pytest.fixture(scope="module")
def done(script, small, tmp_path_factory):
    """A folder with a small study, and its result."""
    folder = tmp_path_factory.mktemp("study")
    return folder, script.study(folder, small, RUNS)


@pytest.fixture(scope="module")
def people(script, small):
    """To train on, and to test."""
    return script.draw(8, "train", small), script.draw(24, "test", small)


@pytest.fixture
def trained(script, monkeypatch):
    """The (head, people, seed) that are trained from here on."""
    names, train = [], script.trained

    def noted(head, store, test, seed, settings):
        names.append((head, len(store), seed))
        return train(head, store, test, seed, settings)

    monkeypatch.setattr(script, "trained", noted)
    return names


def load(folder):
    """The two files of a study."""
    text = (folder / "representations.json").read_text("utf-8")
    with np.load(folder / "representations.npz") as file:
        return json.loads(text), dict(file)


def agree(script, study, predictions):
    """Scores and differences in the JSON follow from the predictions, exactly."""
    scored = {
        name: row for name, row in study["networks"].items() if "stability" in row
    }
    assert {key.split("/")[0] for key in predictions if "/" in key} == set(scored)
    for name, row in scored.items():
        points = predictions[f"{name}/points"] / 100
        assert row["pckh"] == script.scores(points, predictions)
        rate = metrics.pckh(
            points,
            predictions["keypoints"],
            predictions["visible"],
            predictions["head_size"],
        )
        assert row["pckh"]["0.5"][0] == pytest.approx(100 * rate.pooled(script.COUNTED))
        # rounding to a hundredth of a pixel may carry a joint across
        assert row["curve"][-1][1] == pytest.approx(row["pckh"]["0.5"][0], abs=0.05)
    assert study["mean_pose"] == script.scores(predictions["mean_pose"], predictions)
    assert study["differences"] == list(script.differences(scored, predictions))
    shape = (study["settings"]["test_people"], 16, 2)
    assert {predictions[f"{name}/points"].shape for name in scored} == {shape}


@pytest.mark.slow
def test_a_small_study_from_end_to_end(script, small, done):
    folder, result = done
    study, predictions = load(folder)
    assert study == result
    assert study["settings"] == plain(small)
    assert list(study["networks"]) == ["heatmap-64-0", "regression-64-0"]
    agree(script, study, predictions)
    for row in study["networks"].values():
        assert [step for step, _ in row["curve"]] == [2, 4]
        assert row["parameters"] > 0 and row["cpu_seconds"] > 0
        stable = row["stability"]
        assert stable["followed"][stable["shift"].index(0)] == 0
        assert set(stable["noise"]) == {"0.02", "0.05", "0.1"}
        assert {"covered", "far"} <= set(stable)


def test_what_is_finished_is_kept(script, small, done, trained):
    folder, before = done
    assert script.study(folder, small, RUNS) == before
    assert trained == []
    more = [*RUNS, ("regression", 32, 1)]
    after = script.study(folder, small, more)
    assert trained == [("regression", 32, 1)]
    assert "stability" not in after["networks"].pop("regression-32-1")
    assert after["networks"] == before["networks"]
    agree(script, *load(folder))


@pytest.mark.slow
def test_another_setting_begins_anew(script, small, trained, tmp_path):
    script.study(tmp_path, small, RUNS[1:])
    changed = {**small, "steps": 6}
    study = script.study(tmp_path, changed, RUNS[1:])
    assert trained == 2 * RUNS[1:]
    assert study["settings"]["steps"] == 6
    assert study["networks"]["regression-64-0"]["curve"][-1][0] == 6


def test_the_same_seed_gives_the_same_network(script, small, done, tmp_path):
    folder, _ = done
    script.study(tmp_path, small, RUNS[1:])
    points = [load(place)[1]["regression-64-0/points"] for place in (folder, tmp_path)]
    assert np.abs(points[0] - points[1]).max() <= 2  # hundredths of a pixel


@pytest.mark.parametrize("head", ["soft_argmax", "simcc", "fc", "rle"])
def test_every_head_goes_through_the_one_loop(script, small, people, head):
    """A network of this head, with weights that `posecourse.training` moved."""
    network, row = script.trained(head, *people, 0, {**small, "curve_points": 1})
    assert network.name == f"head_{head}"
    assert [step for step, _ in row["curve"]] == [4]
    torch.manual_seed(0)
    fresh = models.build(network.name, **network.options)
    for before, after in zip(fresh.parameters(), network.parameters(), strict=True):
        assert after.isfinite().all()
        assert not torch.equal(before, after)
    points, scores = script.predict(network, people[1])
    assert points.shape == (24, 16, 2) and scores.shape == (24, 16)


def test_the_backbone_begins_alike_under_every_head(script, small):
    weights = []
    for head in script.SETTINGS["lr"]:
        config = script.config_of(head, 0, small, "nowhere")
        torch.manual_seed(config.seed)
        backbone = models.build(config.model, **config.options).backbone
        weights.append(torch.cat([p.flatten() for p in backbone.parameters()]))
    assert all(torch.equal(weights[0], other) for other in weights[1:])


def test_the_curve_divides_the_steps(script, small):
    config = script.config_of("heatmap", 0, small, "nowhere")
    assert config.epochs * config.validate_every == small["steps"]
    with pytest.raises(ValueError, match="7 steps cannot be divided into 2"):
        script.config_of("heatmap", 0, {**small, "steps": 7}, "nowhere")


@pytest.mark.slow
def test_the_stored_study_belongs_to_the_script(script, root):
    study, predictions = load(root / "data" / "studies")
    assert study["settings"] == plain(script.SETTINGS)
    assert set(study["networks"]) == {script.name_of(*run) for run in script.RUNS}
    agree(script, study, predictions)


def test_stored_people_are_those_of_the_script(script, root):
    """The first of them, drawn again."""
    _, predictions = load(root / "data" / "studies")
    people = script.draw(3, "test", script.SETTINGS)
    np.testing.assert_allclose(
        people.keypoints - script.border(people),
        predictions["keypoints"][:3],
        atol=1e-3,
    )


def test_the_page_shows_the_stored_study(script, root):
    """Its table, and the claims below it that quote figures."""
    study, _ = load(root / "data" / "studies")
    page = (root / "data" / "studies" / "README.md").read_text("utf-8")
    rows = {
        f"`{head}`": study["networks"][f"{head}-8000-0"]["pckh"]
        for head, people, seed in script.RUNS
        if (people, seed) == (8000, 0)
    } | {"mean pose": study["mean_pose"]}
    for name, pckh in rows.items():
        cells = [
            "{:.1f} ({:.1f} to {:.1f})".format(*pckh[str(t)]) for t in script.THRESHOLDS
        ]
        assert f"| {name} | {' | '.join(cells)} |" in page
    four = [head for head, _, seed in script.RUNS if seed == 1]
    gaps = {
        frozenset((d["first"], d["second"])): d["difference"]
        for d in study["differences"]
        if d["threshold"] == 0.5
    }
    assert all(low > 0 or high < 0 for _, low, high in gaps.values())
    smallest = min(
        abs(value)
        for pair, (value, *_) in gaps.items()
        if {name.split("-")[0] for name in pair} <= set(four)
    )
    said = " ".join(page.split())
    assert f"between the first four is {smallest:.1f} points" in said
    last = gaps[frozenset(("fc-8000-0", "rle-8000-0"))][0]
    assert f"{last:.1f} points between them" in said
    best = {name: row["pckh"]["0.5"][0] for name, row in study["networks"].items()}
    for head in four:
        assert abs(best[f"{head}-8000-0"] - best[f"{head}-8000-1"]) < 0.5
        assert best[f"{head}-8000-0"] < best[f"{head}-2000-0"] + 1
