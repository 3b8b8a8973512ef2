"""The report on arrays of predictions: every number is the metric's own."""

import csv
import json
import warnings
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from posecourse import metrics
from posecourse.skeletons import COCO, MPII

NAN = float("nan")


def arrays(count=40, joints=16, seed=0):
    """Predictions, truth, visibility, head sizes; a person is 200 pixels."""
    rng = np.random.default_rng(seed)
    truth = rng.uniform(0, 200, (count, joints, 2))
    visible = rng.integers(0, 3, (count, joints))
    visible[:, :2] = 2
    predicted = truth + rng.normal(0, 9, truth.shape)
    truth[visible == 0] = NAN
    return predicted, truth, visible, rng.uniform(20, 30, count)


def test_rows_are_the_metrics_own_numbers():
    predicted, truth, visible, head = arrays()
    found = metrics.report(predicted, truth, visible, head_size=head)
    hit = metrics.pck_hits(predicted, truth, visible, head, 0.5)
    rates = metrics.pckh(predicted, truth, visible, head)
    assert found.metric == "PCKh@0.5"
    assert [r.joint for r in found.rows[:17]] == [*MPII.joints, "all"]
    for k, joint in enumerate(MPII.joints):
        row = found.row(joint)
        assert row.interval.value == pytest.approx(100 * rates.per_joint[k])
        assert row.labelled == rates.counts[k]
        expected = metrics.bootstrap_interval(hit, [k]).times(100)
        assert row.interval == pytest.approx(expected)
    table = metrics.pckh_table(predicted, truth, visible, head)
    assert found.score == pytest.approx(table.mean(0.5))
    assert found.row().interval == pytest.approx(table.interval)
    torso = metrics.torso_size(truth, visible, MPII)
    known = np.where(np.isfinite(torso)[:, None], visible, 0)
    other = metrics.pck(predicted, truth, known, np.nan_to_num(torso, nan=1), 0.2)
    columns = metrics.pckh_columns(MPII)
    assert found.row(metric="PCK (torso)@0.2").interval.value == pytest.approx(
        100 * other.pooled(columns)
    )
    with pytest.raises(ValueError, match="PCKh@0.5 left_wrist"):
        found.row("wrist")


def test_baselines_stand_beside():
    predicted, truth, visible, head = arrays()
    boxes = metrics.keypoint_boxes(truth, visible)
    trivial = metrics.constant_predictions(truth, visible, boxes)
    found = metrics.report(predicted, truth, visible, head_size=head)
    assert list(found.row().baselines) == ["mean pose", "center pose"]
    for name, poses in trivial.items():
        rates = metrics.pckh(poses, truth, visible, head)
        assert found.row("left_knee").baselines[name] == pytest.approx(
            100 * rates.per_joint[MPII.index("left_knee")]
        )
    mine = metrics.report(
        predicted, truth, visible, head_size=head, baselines={"truth": truth}
    )
    assert mine.row().baselines == {"truth": 100}


def test_oks_and_ap_where_areas_and_scores_are_known():
    predicted, truth, visible, _ = arrays(joints=17)
    area, images = np.full(40, 9000.0), np.arange(40) // 4
    scores = np.random.default_rng(1).random((40, 17))
    found = metrics.report(
        predicted,
        truth,
        visible,
        "coco",
        area=area,
        scores=scores,
        images=images,
        resamples=50,
    )
    own = metrics.paired_oks(predicted, truth, visible, area, COCO.sigmas)
    assert found.row(metric="OKS").interval.value == pytest.approx(100 * own.mean())
    persons, poses = [[] for _ in range(10)], [[] for _ in range(10)]
    for i, picture in enumerate(images):
        persons[picture].append({"keypoints": truth[i], "area": area[i]})
        poses[picture].append({"keypoints": predicted[i], "score": scores[i].mean()})
    values = metrics.keypoint_ap(persons, poses, COCO.sigmas)
    intervals = metrics.keypoint_ap_intervals(persons, poses, COCO.sigmas, resamples=50)
    for name in ("AP", "AP50", "AP75"):
        row = found.row(metric=name)
        assert row.interval.value == pytest.approx(100 * values[name])
        assert row.interval == pytest.approx(intervals[name].times(100))
        assert row.labelled == 10
    with pytest.raises(ValueError, match="5 scores"):
        metrics.report(predicted, truth, visible, "coco", area=area, scores=scores[:5])


def test_areas_come_from_boxes_and_that_is_said():
    predicted, truth, visible, _ = arrays(joints=17)
    boxes = np.tile([0, 0, 100.0, 200.0], (40, 1))
    with pytest.warns(UserWarning, match="40 of 40 persons.*0.53"):
        found = metrics.report(predicted, truth, visible, "coco", boxes=boxes)
    expected = metrics.paired_oks(
        predicted, truth, visible, np.full(40, 0.53 * 20000), COCO.sigmas
    )
    assert found.row(metric="OKS").interval.value == pytest.approx(
        100 * expected.mean()
    )
    assert found.row(metric="PCK (box)@0.1")


def test_a_pose_that_is_not_finite_is_a_miss_said_once():
    predicted, truth, visible, head = arrays(joints=17)
    visible[3, 0] = 2
    truth[3, 0] = 50
    predicted[3, 0] = NAN
    with pytest.warns() as caught:
        found = metrics.report(
            predicted,
            truth,
            visible,
            "coco",
            head_size=head,
            area=np.full(40, 9000.0),
            scores=np.ones(40),
            resamples=9,
        )
    assert len(caught) == 1 and "person 3, joint 0" in str(caught[0].message)
    moved = predicted.copy()
    moved[3, 0] = 1e4
    other = metrics.report(
        moved,
        truth,
        visible,
        "coco",
        head_size=head,
        area=np.full(40, 9000.0),
        scores=np.ones(40),
        resamples=9,
    )
    for a, b in zip(found.rows, other.rows):
        assert list(a.interval) == pytest.approx(list(b.interval), nan_ok=True)


def test_truth_may_be_an_object_that_knows_more():
    predicted, truth, visible, head = arrays()
    expected = metrics.report(predicted, truth, visible, head_size=head)
    known = SimpleNamespace(
        keypoints=torch.tensor(truth), visible=visible, head_size=head, skeleton=MPII
    )
    assert metrics.report(predicted, known).to_dict() == expected.to_dict()
    bare = metrics.report(predicted, truth)  # NaN: not labelled
    assert bare.metric == "PCK (torso)@0.2"
    with pytest.raises(ValueError, match="skeleton coco has 17"):
        metrics.report(predicted, truth, skeleton="coco")


def test_who_is_left_out_is_said():
    predicted, truth, visible, head = arrays()
    head[:7] = NAN
    found = metrics.report(predicted, truth, visible, head_size=head)
    assert (found.table.persons, found.table.given) == (33, 40)
    assert "7 of 40 persons are left out" in str(found)
    assert "over 33 persons" in found.summary


def test_it_prints_and_is_written(tmp_path):
    predicted, truth, visible, head = arrays()
    visible[:, MPII.index("left_hip")] = 0
    found = metrics.report(predicted, truth, visible, head_size=head)
    text = str(found)
    for word in ("In percent", "95 % interval", "mean pose", "left_wrist", "inversion"):
        assert word in text
    assert max(map(len, text.splitlines())) <= 110
    assert "<table>" in found._repr_html_() and "left_wrist" in found._repr_html_()
    rows = list(csv.DictReader(found.to_csv(tmp_path / "r.csv").open(encoding="utf-8")))
    assert len(rows) == len(found.rows)
    whole = next(r for r in rows if r["joint"] == "all")
    assert float(whole["percent"]) == found.score
    assert float(whole["low"]) == found.row().interval.low
    assert float(whole["mean pose"]) == found.row().baselines["mean pose"]
    never = next(r for r in rows if r["joint"] == "left_hip")
    assert never["percent"] == "" and never["labelled"] == "0"
    content = json.loads(found.to_json())
    assert content["unit"] == "percent" and content["metric"] == "PCKh@0.5"
    assert content["rows"][3]["interval"]["value"] is None  # left hip
    assert sum(content["errors"].values()) == pytest.approx(100)


def test_the_plot_shows_the_table(tmp_path):
    predicted, truth, visible, head = arrays()
    found = metrics.report(predicted, truth, visible, head_size=head)
    figure = found.plot(tmp_path / "r.png")
    left, right = figure.axes
    assert [t.get_text() for t in left.get_yticklabels()] == [*MPII.joints, "all"]
    shown = left.lines[0].get_xdata()
    assert shown[-1] == pytest.approx(found.score)
    curve = right.lines[0]
    at = np.interp(0.5, curve.get_xdata(), curve.get_ydata())
    assert at == pytest.approx(found.score, abs=0.3)
    assert (tmp_path / "r.png").read_bytes()[:4] == b"\x89PNG"
    assert found.summary in figure.get_suptitle()


def test_nothing_else_is_said():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        predicted, truth, visible, head = arrays()
        metrics.report(predicted, truth, visible, head_size=head)
