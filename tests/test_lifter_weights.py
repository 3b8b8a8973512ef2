"""The lifters that come with the course are what their card says."""

import json

import numpy as np
import pytest

from posecourse.files import sha256
from posecourse.lifting import HELD_OUT, LEARNED, Lifter

pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.fixture(scope="module")
def script(load_script):
    return load_script("data/weights/train_lifters.py")


@pytest.fixture(scope="module")
def folder(root):
    return root / "data" / "weights" / "lifter"


@pytest.fixture(scope="module")
def stored(folder):
    return json.loads((folder / "evaluation.json").read_text("utf-8"))


def test_nobody_learned_from_what_is_tested(stored):
    assert not set(HELD_OUT) & set(LEARNED)
    learned, tested = (stored["settings"][n] for n in ("clips", "test"))
    seeds = range(learned["seed"], learned["seed"] + learned["people"])
    assert tested["seed"] not in seeds


def test_the_files_are_those_that_were_measured(script, folder, stored):
    assert stored["settings"] == json.loads(json.dumps(script.SETTINGS))
    for name, about in stored["networks"].items():
        path = folder / f"{name}.safetensors"
        assert sha256(path) == about["sha256"]
        assert path.stat().st_size < 2_000_000
        network = Lifter.load(name).network
        assert sum(p.numel() for p in network.parameters()) == about["parameters"]
    assert (folder / "README.md").read_text("utf-8") == script.card(stored)


def test_they_are_as_good_as_the_chapter_says(stored):
    """At most 60 mm from exact pixels; time costs nothing there, and pays as
    soon as there is noise."""
    test = stored["test"]
    for name in ("single", "temporal"):
        assert test["noise"]["0"][name][0] <= 60 <= test["mean pose"][0] / 2
    assert test["noise"]["0"]["gained by time"][0] > -1
    for pixels in ("2", "4", "8"):
        value, low, _, _ = test["noise"][pixels]["gained by time"]
        assert value > low > 0


def test_the_temporal_one_contains_the_single_one():
    single, temporal = (Lifter.load(name).network for name in ("single", "temporal"))
    within = temporal.single.state_dict()
    for key, value in single.state_dict().items():
        assert (within[key] == value).all(), key


@pytest.mark.slow
def test_the_figures_come_out_again(script, stored):
    points, cameras = script.test_motions()
    seen = script.pixels(points, cameras)
    for name in stored["networks"]:
        answers = script.lift(Lifter.load(name), seen, cameras)
        again = script.distances(answers, points).mean()
        assert again == pytest.approx(stored["test"]["noise"]["0"][name][0], abs=0.2)


def test_gaps_and_noise_are_what_they_say(script):
    points = np.random.default_rng(0).normal(0, 0.3, (2, 5, 16, 3)) + (0, 0, 4)
    cameras = [script.PinholeCamera.guess(256, 256)] * 2
    exact = script.pixels(points, cameras)
    gaps = script.pixels(points, cameras, missing=3)
    assert (np.isnan(gaps).all(-1).sum(-1) == 3).all()
    off = script.pixels(points, cameras, noise=2.0) - exact
    assert 1.5 < off.std() < 2.5
