"""Scores beside what trivial answers get, in the right pixels."""

import json

import numpy as np
import pytest
import torch
from people import dot_people
from torch import nn

from posecourse import metrics, models
from posecourse.codecs import HeatmapCodec
from posecourse.datasets import open_crops
from posecourse.evaluation import (
    evaluate,
    mean_pose_of,
    pck_normalizer,
    predict_crops,
    prediction_std,
)
from posecourse.files import write_json
from posecourse.models import PoseNetwork
from posecourse.skeletons import COCO, MPII


class Oracle(PoseNetwork):
    """Draws the right heatmaps, in the order in which it is asked."""

    name, skeleton = "oracle", MPII

    def __init__(self, points):
        super().__init__(HeatmapCodec((32, 32), (16, 16), sigma=1.5))
        self.weight = nn.Parameter(torch.zeros(1))
        self.points, self.next = torch.as_tensor(points).float(), 0

    def forward(self, images):
        part = self.points[self.next : self.next + len(images)]
        self.next += len(images)
        maps, _ = self.codec.encode(part, torch.ones(part.shape[:2]))
        return [maps * 0, maps]  # the last stage is the prediction


def inputs_of(store):
    """Labels in input pixels, by hand: 32 of 40 pixels, centred."""
    return np.nan_to_num(store.keypoints - 4.0, nan=16.0)


def test_right_answers_score_100():
    store = dot_people(20)
    result = evaluate(Oracle(inputs_of(store)), store, batch_size=7)
    assert result.score == 100 and result.metric == "PCKh@0.5"
    labelled = store.visible > 0
    assert np.abs(result.in_crops - store.keypoints)[labelled].max() < 0.01
    # and in the pictures, which are twice as large, moved by (10, 5)
    assert np.allclose(
        result.keypoints[labelled], 2 * store.keypoints[labelled] + (10, 5), atol=0.02
    )
    assert result.prediction_std == pytest.approx(result.label_std, 0.01)
    assert result.breakdown.shares["good"] == 1


def test_baselines_are_those_of_metrics():
    store = dot_people(30)
    result = evaluate(Oracle(inputs_of(store) * 0), store)
    mean = metrics.mean_pose(store.keypoints, store.visible)
    expected = metrics.pckh_table(
        np.broadcast_to(mean, store.keypoints.shape),
        store.keypoints,
        store.visible,
        store.head_size,
    ).mean()
    assert result.baselines["mean pose"] == pytest.approx(expected)
    assert 0 < expected < 100
    center = np.full(store.keypoints.shape, 19.5)
    expected = metrics.pckh_table(
        center, store.keypoints, store.visible, store.head_size
    ).mean()
    assert result.baselines["center pose"] == pytest.approx(expected)
    assert result.prediction_std < 1e-6 < result.label_std


def test_it_prints_and_is_json():
    store = dot_people(8)
    result = evaluate(Oracle(inputs_of(store)), store)
    text = str(result)
    for word in (
        "oracle on dots",
        "mean pose",
        "center pose",
        "95 %",
        "inversion",
        "deviation",
    ):
        assert word in text
    content = json.loads(json.dumps(result.to_dict()))
    assert content["score"] == 100 and len(content["people"]) == 8
    assert content["people"][3]["image"] == "3.png"
    assert "people" not in result.to_dict(poses=False)


def test_without_heads_the_torso_is_the_unit():
    store = dot_people(12)
    store.head_size[:] = np.nan
    size, visible, name, threshold = pck_normalizer(store)
    assert (name, threshold) == ("PCK (torso)", 0.2)
    ends = MPII.indices(["left_shoulder", "right_hip"])
    known = (store.visible[:, ends] > 0).all(1)
    assert not known.all() and known.any()
    assert (visible[~known] == 0).all()
    a, b = store.keypoints[known][:, ends].transpose(1, 0, 2)
    assert np.allclose(size[known], np.linalg.norm(a - b, axis=-1))
    result = evaluate(Oracle(inputs_of(store)), store)
    assert result.metric == "PCK (torso)@0.2" and result.score == 100


@pytest.mark.parametrize("name", ["laptop", "posenet_bn"])
def test_flip_test_gives_a_picture_and_its_mirror_mirrored_answers(name):
    """Averaged over both, the network is exactly mirror-symmetric."""
    torch.manual_seed(0)
    options = {"laptop": {"width": 8}, "posenet_bn": {"width": 0.05}}[name]
    model = models.build(name, input_size=32, **options).eval()
    images = torch.randn(2, 3, 32, 32)
    with torch.no_grad():
        here, _ = model.predict(images, flip_test=True)
        there, _ = model.predict(images.flip(-1), flip_test=True)
        plain, _ = model.predict(images)
        other, _ = model.predict(images.flip(-1))
    order = list(MPII.flip_permutation)

    def mirrored(points):
        points = points[:, order].clone()
        points[..., 0] = 31 - points[..., 0]
        return points

    assert torch.allclose(here, mirrored(there), atol=1e-3)
    assert not torch.allclose(plain, mirrored(other), atol=1e-1)


def test_decoders_differ_on_the_same_maps():
    store = dot_people(10)
    errors = {}
    for decoder in ("argmax", "quarter", "dark"):
        points, _, _ = predict_crops(Oracle(inputs_of(store)), store, decoder=decoder)
        off = np.abs(points - store.keypoints)[store.visible > 0]
        errors[decoder] = off.max()
    assert errors["dark"] < 0.01 < errors["quarter"] < errors["argmax"] < 1.1


def test_spread_is_the_standard_deviation():
    points = np.array([[[0.0, 0], [5, 5]], [[2, 0], [5, 5]]])
    assert prediction_std(points, np.ones((2, 2))) == pytest.approx(0.25)
    assert prediction_std(points, np.array([[1, 0], [1, 0]])) == pytest.approx(0.5)
    assert np.isnan(prediction_std(points, np.eye(2)))  # nobody is there twice


def test_weights_know_the_mean_pose_of_training(tmp_path):
    store, other = dot_people(20), dot_people(20, seed=5)
    model = models.build("laptop", width=8, input_size=32)
    mean = mean_pose_of(store, (32, 32))
    assert np.allclose(mean, metrics.mean_pose(store.keypoints, store.visible) - 4)
    path = models.save_weights(
        model, tmp_path / "weights.safetensors", mean_pose=mean.tolist()
    )
    there = np.broadcast_to(mean + 4, other.keypoints.shape)
    expected = metrics.pckh_table(
        there, other.keypoints, other.visible, other.head_size
    ).mean()
    by_file = evaluate(path, other)
    by_folder = evaluate(tmp_path, other)
    assert by_file.baselines["mean pose"] == pytest.approx(expected)
    assert by_folder.score == by_file.score
    assert len(evaluate(path, other, limit=4).ids) == 4


def test_data_is_prepared_once(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("POSECOURSE_DATA", "cache")
    store = open_crops("synthetic", "valid", (32, 32), 3, margin=1.25)
    assert len(store) == 3 and store.crops.shape == (3, 40, 40, 3)
    assert store.window == 32
    (folder,) = (tmp_path / "cache" / "prepared").iterdir()
    monkeypatch.setattr("posecourse.datasets.prepared.prepare", None)
    for path in (folder, str(folder)):
        again = open_crops(path, "valid", (32, 32), 2)
        assert np.array_equal(again.crops, store.crops[:2])
    (tmp_path / "mine").mkdir()
    folder.rename(tmp_path / "mine" / "valid")
    assert len(open_crops("mine", "valid", (32, 32))) == 3
    with pytest.raises(FileNotFoundError, match="nowhere"):
        open_crops("nowhere", "valid", (32, 32))


def test_what_cannot_be_scored_is_said(tmp_path):
    store = dot_people(4)
    with pytest.raises(ValueError, match="joints of coco.*of mpii"):
        evaluate(models.build("laptop", COCO, input_size=32), store)
    with pytest.raises(ValueError, match="no heatmaps"):
        evaluate(
            models.build("posenet", input_size=32, width=0.03), store, decoder="dark"
        )
    with pytest.raises(ValueError, match="say on which data"):
        evaluate(models.build("laptop", input_size=32))
    with pytest.raises(FileNotFoundError, match="no such run"):
        evaluate(tmp_path / "nothing", store)
    write_json(tmp_path / "config.json", {})
    with pytest.raises(FileNotFoundError, match="weights.safetensors"):
        evaluate(tmp_path, store)
