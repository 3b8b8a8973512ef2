"""The study of chapter 16: it runs, goes on, and its page follows from it."""

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from posecourse import metrics
from posecourse.datasets import crop_in_memory
from posecourse.datasets.synthetic.body import SKIN
from posecourse.files import plain, read_json
from posecourse.models.vitpose import ViTPose
from posecourse.transforms import normalise

pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.fixture(scope="module")
def script(load_script):
    return load_script("data/studies/outlook.py")


@pytest.fixture(scope="module")
def small(script):
    s = script.SETTINGS
    return {
        **s,
        "size": 32,
        "networks": {
            "convolution": ["head_heatmap", {"width": 4}, 8e-3],
            "transformer": ["vitpose_tiny", {"width": 8, "depth": 1, "heads": 2}, 3e-3],
        },
        "seeds": [0],
        "trunks": {"runs": [[8, 0], [16, 0]], "steps": 2, "test_people": 8},
        "unlabelled": {
            **s["unlabelled"],
            "pictures": 16,
            "steps": 2,
            "batch_size": 4,
            "kept": 4,
            "labels": [8],
            "tuning_steps": 1,
            "shown": 2,
        },
        "tones": {**s["tones"], "people": 40, "steps": 1, "test_people": 4},
        "sitting": {
            "drawn": 60,
            "people": 40,
            "given_back": 2,
            "steps": 1,
            "test_drawn": 40,
            "test_others": 8,
        },
    }


@pytest.fixture(scope="module")
def done(script, small, tmp_path_factory, study_page):
    folder = tmp_path_factory.mktemp("outlook")
    (folder / "README.md").write_text(study_page.format("outlook.py"), "utf-8")
    return folder, script.study(folder, small)


def test_a_small_study_from_end_to_end(script, small, done):
    folder, result = done
    assert result["settings"] == plain(small)
    assert len(result["trunks"]) == 5 and len(result["unlabelled"]) == 3
    assert len(result["tones"]) == 2 and len(result["sitting"]) == 5
    row = result["tones"]["three left out, seed 0"]
    assert len(row["pckh"]) == len(SKIN)
    seen, left_out = (
        np.mean([v[0] for v in row["pckh"]][part])
        for part in (slice(0, 7), slice(7, 10))
    )
    assert row["seen"][0] == pytest.approx(seen, abs=1e-6)
    assert row["gap"][0] == pytest.approx(seen - left_out, abs=1e-6)
    assert script.table(result) in (folder / "README.md").read_text("utf-8")
    with np.load(folder / "outlook.npz") as kept:
        assert kept["images"].shape == kept["guessed"].shape == (2, 32, 32, 3)
        assert kept["hidden"].mean() == pytest.approx(12 / 16)
    names = {key.partition("/")[0] for key in load_file(folder / "outlook.safetensors")}
    assert names == {"transformer", "everybody", "nobody who sits"}
    shares = result["sitting"]["shares"]
    assert shares["nobody who sits"] == 0 and shares["some given back"] == 2 / 40
    row = result["sitting"]["everybody, seed 0"]
    sits = script.seated(script.Study("", small).people(40, "test")).mean()
    total = sits * row["sitting"][0] + (1 - sits) * row["others"][0]
    assert row["all"] == pytest.approx(total) and row["people"]["others"] == 8


def test_what_is_finished_is_kept(script, small, done, monkeypatch):
    folder, before = done
    monkeypatch.setattr(script, "trained", None)  # nobody is trained
    assert script.study(folder, small) == before


def test_only_the_skin_of_somebody_is_painted(script, small):
    study = script.Study("nowhere", small)
    people, store = study.people(6, "test"), study.drawn(6, "test")
    painted = script.repainted(people, store, [2, 4], [9, 0])
    changed = (painted.crops != store.crops).any((1, 2, 3))
    assert changed.tolist() == [False, False, True, False, True, False]
    rows = [script.tone_of(people.stance(i).body) for i in range(6)]
    same = script.repainted(people, store, range(6), rows)
    # the tone's own colour, a little beside theirs
    assert np.abs(same.crops.astype(int) - store.crops).mean() < 1
    np.testing.assert_array_equal(painted.keypoints, store.keypoints)


def test_only_hidden_patches_count(script):
    """The loss is over what was not seen, and the trunk sees nothing else."""
    torch.manual_seed(0)
    network = ViTPose(input_size=32, width=8, depth=1, heads=2)
    whole = script.MaskedAutoencoder(network)
    images = torch.randn(1, 3, 32, 32)
    random = torch.Generator().manual_seed(3)
    loss, guessed, seen = script.completion(whole, images, 4, random)
    target, mean, deviation = script.patches(images, 8)
    hidden = [t for t in range(16) if t not in seen[0].tolist()]
    by_hand = ((guessed - target)[0, hidden] ** 2).mean()
    assert loss.item() == pytest.approx(by_hand.item(), rel=1e-5)
    # another picture behind the hidden patches: the guess stays
    noise = torch.randn(1, 16, 192)
    noise[:, seen[0]] = 0
    other = images + torch.nn.functional.fold(noise.transpose(1, 2), 32, 8, stride=8)
    again = whole(other, seen)
    torch.testing.assert_close(again, guessed)
    back = torch.nn.functional.fold(
        (target * deviation + mean).transpose(1, 2), 32, 8, stride=8
    )
    torch.testing.assert_close(back, images)


def test_the_stored_study_belongs_to_the_script(script, root):
    folder = root / "data" / "studies"
    study = read_json(folder / "outlook.json")
    assert study["settings"] == plain(script.SETTINGS)
    assert script.table(study) in (folder / "README.md").read_text("utf-8")
    for part in ("trunks", "unlabelled", "tones", "sitting"):
        for name, row in study[part].items():
            if part == "sitting" and "seed" not in name:
                continue
            given = [row[k] for k in ("pckh", "sitting", "others") if k in row]
            found = np.reshape(given, (-1, 3))
            assert (np.diff(found[:, [1, 0, 2]], axis=1) >= 0).all()
            assert (found >= 0).all() and (found <= 100).all()


@pytest.mark.slow
def test_stored_networks_have_the_stored_scores(script, root):
    """Those who sit among the first test people, shown to both once more."""
    folder = root / "data" / "studies"
    study = script.Study(folder, script.SETTINGS)
    people = study.people(600, "test")
    rows = np.flatnonzero(script.seated(people))
    store = crop_in_memory(_Some(people, rows), people.size, people.margin, workers=1)
    for way in ("everybody", "nobody who sits"):
        rate, low, high = script.score(script.hits(study.kept(way), store))
        stored, *_ = study.result["sitting"][f"{way}, seed 0"]["sitting"]
        assert low <= stored <= high and abs(rate - stored) < 8, way


class _Some:
    """Some of the people of a dataset."""

    def __init__(self, people, rows):
        self.people, self.rows = people, rows
        self.name, self.skeleton = people.name, people.skeleton
        self.read_image = people.read_image

    def __len__(self):
        return len(self.rows)

    def __getitem__(self, index):
        return self.people[int(self.rows[index])]


def test_the_picture_that_a_network_sees(script, small):
    """The middle of the stored crop, as `predict_crops` cuts it."""
    study = script.Study("nowhere", small)
    images = script.pictures(study, 3, "test")
    assert images.shape == (3, 3, 32, 32) and normalise(images).std() > 0.3
    store = study.drawn(3, "test")
    assert (images[1].permute(1, 2, 0).numpy() == store.crops[1, 4:36, 4:36]).all()
    assert metrics.pckh_columns(script.MPII) == script.COUNTED
