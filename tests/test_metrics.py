"""Metrics: values by hand, the official numbers, the reference tools."""

import csv
import json
import warnings

import numpy as np
import pytest
import torch

from posecourse.metrics import (
    auc,
    bootstrap_interval,
    box_size,
    center_pose,
    constant_predictions,
    error_breakdown,
    joint_intervals,
    keypoint_boxes,
    mean_pose,
    median_pose,
    mpjpe,
    normalized_distances,
    pa_mpjpe,
    paired_interval,
    pck,
    pck_hits,
    pck_normalizer,
    pck_normalizers,
    pck_over_thresholds,
    pckh,
    pckh_columns,
    pckh_table,
    reliability,
    torso_size,
)
from posecourse.skeletons import H36M, LSP, MPII, UPPER_BODY, Skeleton

NAN = float("nan")


def people(count=40, joints=16, seed=0, labelled=0.85):
    """Truth with holes, head sizes, and answers some of which are off."""
    rng = np.random.default_rng(seed)
    keypoints = rng.uniform(0, 200, (count, joints, 2))
    visible = rng.integers(1, 3, (count, joints))
    visible[rng.random((count, joints)) > labelled] = 0
    visible[:, 0] = 2
    head = rng.uniform(10, 30, count)
    predicted = keypoints + rng.normal(0, 8, keypoints.shape)
    keypoints[visible == 0] = NAN
    return predicted, keypoints, visible.astype(np.uint8), head


@pytest.fixture(scope="module")
def published(shared_data):
    """A stacked hourglass on MPII's validation split, as published."""
    h5py = pytest.importorskip("h5py")
    loadmat = pytest.importorskip("scipy.io").loadmat
    truth = loadmat(shared_data / "mpii" / "annot" / "gt_valid.mat")
    with h5py.File(shared_data / "mpii" / "predictions" / "newell.h5") as f:
        predicted = f["preds"][:] - 1
    keypoints = truth["pos_gt_src"].transpose(2, 0, 1) - 1
    visible = 1 - truth["jnt_missing"].T
    low, high = truth["headboxes_src"]
    head = 0.6 * np.linalg.norm(high - low, axis=0)
    return predicted, keypoints, visible, head


# -------------------------------------------------------------------- PCK


def test_pck_by_hand():
    """Two persons, two joints; sizes 10 and 20; one joint unlabelled."""
    keypoints = np.array([[[0.0, 0.0], [10.0, 10.0]], [[5.0, 5.0], [NAN, NAN]]])
    visible = np.array([[2, 1], [1, 0]])
    off = np.array([[[3.0, 4.0], [3.0, 4.1]], [[6.0, 8.0], [0.0, 0.0]]])
    predicted = np.nan_to_num(keypoints) + off
    rates = pck(predicted, keypoints, visible, [10, 20], threshold=0.5)
    hits, counts = rates
    # distances / size: 0.5 (at the threshold), 0.508; 0.5
    assert hits.tolist() == [2, 0] and counts.tolist() == [2, 1]
    assert rates.per_joint.tolist() == [1, 0]
    assert rates.pooled() == 2 / 3
    assert rates.pooled([1]) == 0


def test_threshold_is_inclusive():
    """As in MPII's own evaluation; `<` would lose exact hits."""
    keypoints, visible = np.zeros((1, 1, 2)), np.ones((1, 1))
    predicted = np.array([[[0.0, 5.0]]])
    assert pck(predicted, keypoints, visible, 10, 0.5).pooled() == 1
    assert pck(predicted, keypoints, visible, 10, 0.4999).pooled() == 0


def test_distances_keep_their_place():
    predicted, keypoints, visible, head = people()
    distances = normalized_distances(predicted, keypoints, visible, head)
    for n in range(len(head)):
        for k in range(16):
            if visible[n, k] == 0:
                assert np.isnan(distances[n, k])
            else:
                dx, dy = predicted[n, k] - keypoints[n, k]
                expected = (dx**2 + dy**2) ** 0.5 / head[n]
                assert distances[n, k] == pytest.approx(expected)


def test_pck_is_blind_to_scale_shift_and_order():
    predicted, keypoints, visible, head = people()
    reference = pckh(predicted, keypoints, visible, head)
    order = np.random.default_rng(1).permutation(len(head))
    shift = np.array([30.0, -7.0])
    for other in (
        pckh(3 * predicted, 3 * keypoints, visible, 3 * head),
        pckh(predicted + shift, keypoints + shift, visible, head),
        pckh(predicted[order], keypoints[order], visible[order], head[order]),
    ):
        np.testing.assert_array_equal(other.hits, reference.hits)


def test_pck_grows_with_the_threshold_and_ends_at_one():
    predicted, keypoints, visible, head = people()
    rates = [
        pckh(predicted, keypoints, visible, head, t).pooled()
        for t in (0, 0.1, 0.3, 1, 1e6)
    ]
    assert rates == sorted(rates) and rates[0] == 0 and rates[-1] == 1


def test_what_is_not_labelled_does_not_matter():
    predicted, keypoints, visible, head = people()
    reference = pckh_table(predicted, keypoints, visible, head)
    other, truth = predicted.copy(), keypoints.copy()
    other[visible == 0] = NAN
    truth[visible == 0] = -1  # as MPII's files have it
    assert pckh_table(other, truth, visible, head).to_dict() == reference.to_dict()


def test_tensors_and_arrays_agree():
    predicted, keypoints, visible, head = people()
    reference = pckh(predicted, keypoints, visible, head)
    given = pckh(
        torch.tensor(predicted, requires_grad=True),
        torch.tensor(keypoints),
        torch.tensor(visible),
        torch.tensor(head),
    )
    np.testing.assert_array_equal(given.hits, reference.hits)
    coarse = pckh(torch.tensor(predicted).bfloat16(), keypoints, visible, head)
    assert coarse.counts.tolist() == reference.counts.tolist()


def test_auc_by_hand():
    """One joint at 0.25, one a perfect hit, one far off."""
    keypoints, visible = np.zeros((1, 3, 2)), np.ones((1, 3))
    predicted = np.array([[[0.25, 0.0], [0.0, 0.0], [9.0, 0.0]]])
    rates = auc(predicted, keypoints, visible, 1.0)
    # 0 to 0.24 is 0, 0.25 to 0.5 is 1: 25 of 50 strips and half of one
    assert rates.per_joint == pytest.approx([25.5 / 50, 1, 0])
    assert rates.pooled() == pytest.approx((25.5 / 50 + 1) / 3)
    coarse = auc(predicted, keypoints, visible, 1.0, limit=1, step=0.5)
    assert coarse.per_joint[0] == pytest.approx((0.5 + 1) / 2)
    with pytest.raises(ValueError, match="step"):
        auc(predicted, keypoints, visible, 1.0, step=0)


def test_torso_and_box_sizes():
    keypoints = np.zeros((2, 16, 2))
    keypoints[:, MPII.index("left_shoulder")] = [3, 4]
    visible = np.ones((2, 16))
    visible[1, MPII.index("right_hip")] = 0
    np.testing.assert_array_equal(torso_size(keypoints, visible, MPII), [5, NAN])
    assert box_size([[5, 5, 30, 40], [0, 0, 7, 2]]).tolist() == [40, 7]


# ----------------------------------------------------- what must be an error


def test_wrong_sizes_name_the_person():
    predicted, keypoints, visible, head = people()
    for wrong in (0, -3, NAN, np.inf):
        head[7] = wrong
        with pytest.raises(ValueError, match="person 7"):
            pckh(predicted, keypoints, visible, head)
    visible[7] = 0  # a person left out needs no size
    assert pckh(predicted, keypoints, visible, head).counts[0] == 39


def test_predictions_that_are_not_finite_are_misses_with_a_warning():
    predicted, keypoints, visible, head = people()
    clean = pckh(keypoints, keypoints, visible, head)
    assert clean.pooled() == 1
    broken = keypoints.copy()
    broken[3, 0] = [NAN, 1]
    broken[5, 0] = [np.inf, 1]
    with pytest.warns(RuntimeWarning, match="2 predictions.*person 3"):
        rates = pckh(broken, keypoints, visible, head, threshold=1e9)
    assert rates.hits[0] == clean.hits[0] - 2
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # nothing else may warn
        pckh(predicted, keypoints, visible, head)


def test_what_does_not_fit_is_an_error():
    predicted, keypoints, visible, head = people()
    with pytest.raises(ValueError, match="same persons.*split"):
        pckh(predicted[:-1], keypoints, visible, head)
    with pytest.raises(ValueError, match="visible"):
        pckh(predicted, keypoints, visible[:, :5], head)
    with pytest.raises(ValueError, match="40 persons"):
        pckh(predicted, keypoints, visible, head[:-1])
    with pytest.raises(ValueError, match="N, K, 2"):
        pckh(predicted[0], keypoints[0], visible[0], head)
    with pytest.raises(ValueError, match="0 persons"):
        pckh(predicted[:0], keypoints[:0], visible[:0], head[:0])
    with pytest.raises(ValueError, match="no labelled joint"):
        pckh(predicted, keypoints, np.zeros_like(visible), head)
    keypoints[2, 0] = NAN
    with pytest.raises(ValueError, match="person 2, joint 0.*labelled"):
        pckh(predicted, keypoints, visible, head)
    with pytest.raises(ValueError, match="skeleton lsp has 14"):
        pckh_table(*people(), skeleton=LSP)


# ------------------------------------------------------------------- tables


def test_published_hourglass(published):
    """The numbers that the literature knows for these predictions."""
    table = pckh_table(*published)
    assert table.persons == 2958 and table.labelled == 38430
    assert round(table.mean(0.5), 2) == 88.43
    assert round(table.mean(0.5, "unweighted"), 2) == 87.98
    assert round(table.mean(0.1), 1) == 21.6
    columns = table.row(0.5).columns
    published_columns = [95.94, 95.19, 89.14, 84.17, 86.97, 83.20, 80.37]
    assert [round(v, 2) for v in columns.values()] == published_columns
    assert list(columns) == [
        "Head",
        "Shoulder",
        "Elbow",
        "Wrist",
        "Hip",
        "Knee",
        "Ankle",
    ]
    assert table.mean(0.5, "columns") == pytest.approx(
        np.mean(published_columns), abs=0.01
    )
    assert table.mean(0.5, "all16") > table.mean(0.5)
    assert "88.43" in str(table) and "21.59" in str(table)


def test_published_hourglass_one_step_too_far(published):
    """What is called @0.1 in part of the literature: @0.11."""
    table = pckh_table(*published, thresholds=[0.11])
    assert 25 < table.mean(0.11) < 26


def test_noise_floor_of_mpii(published):
    """0.3 points: smaller differences are not results."""
    hit = pck_hits(*published, 0.5)
    counted = [k for k in range(16) if k not in (6, 7)]
    interval = bootstrap_interval(hit, counted)
    assert 100 * interval.value == pytest.approx(88.43, abs=0.01)
    assert 0.25 < 100 * interval.sd < 0.35
    assert interval.low < interval.value < interval.high


def test_breakdown_of_the_published_hourglass(published):
    breakdown = error_breakdown(*published)
    assert 0.12 < 1 - breakdown.shares["good"] < 0.14
    assert 0.20 < breakdown.of_misses["inversion"] < 0.24
    assert sum(breakdown.shares.values()) == pytest.approx(1)


def test_the_four_means_by_hand():
    """Every joint always right, but: wrists wrong, a wrist half labelled,
    pelvis wrong for one of two persons."""
    keypoints = np.zeros((2, 16, 2))
    visible = np.full((2, 16), 2)
    predicted = keypoints.copy()
    wrists = [MPII.index("right_wrist"), MPII.index("left_wrist")]
    predicted[:, wrists] = 9
    visible[1, wrists[1]] = 0
    predicted[0, MPII.index("pelvis")] = 9
    means = pckh_table(predicted, keypoints, visible, [1, 1]).row(0.5).means
    assert means == pytest.approx(
        {
            "weighted": 100 * 24 / 27,  # 27 labelled joints, 3 wrong
            "unweighted": 100 * 12 / 14,
            "all16": 100 * 27 / 31,
            "columns": 100 * 6 / 7,
        }
    )


def test_head_column_conventions():
    keypoints = np.zeros((1, 16, 2))
    predicted = keypoints.copy()
    predicted[0, MPII.index("upper_neck")] = 9
    args = predicted, keypoints, np.ones((1, 16)), [1]
    assert pckh_table(*args).row(0.5).columns["Head"] == 100
    official = pckh_table(*args, head="official")
    assert official.row(0.5).columns["Head"] == 50
    assert official.mean(0.5) == pckh_table(*args).mean(0.5)
    assert "neck" in str(official)
    with pytest.raises(ValueError, match="official"):
        pckh_table(*args, head="neck")


def test_joint_never_labelled():
    """NaN in the table and in no mean; printed as a dash, in JSON null."""
    predicted, keypoints, visible, head = people()
    knees = MPII.indices(["right_knee", "left_knee"])
    visible[:, knees] = 0
    table = pckh_table(predicted, keypoints, visible, head)
    row = table.row(0.5)
    assert np.isnan(row.per_joint["left_knee"])
    assert np.isnan(row.columns["Knee"])
    kept = [
        v
        for j, v in row.per_joint.items()
        if j not in ("pelvis", "thorax") and "knee" not in j
    ]
    assert row.means["unweighted"] == pytest.approx(np.mean(kept))
    assert row.means["columns"] == pytest.approx(
        np.mean([v for c, v in row.columns.items() if c != "Knee"])
    )
    assert "NaN" not in table.to_json()
    knee = json.loads(table.to_json())["rows"][0]["columns"]["Knee"]
    assert knee is None
    assert " - " in str(table)


def test_table_prints_its_baselines_and_conventions():
    predicted, keypoints, visible, head = people()
    trivial = np.broadcast_to(mean_pose(keypoints, visible), keypoints.shape)
    table = pckh_table(
        predicted, keypoints, visible, head, baselines={"mean pose": trivial}
    )
    lines = str(table).splitlines()
    assert "40 persons" in lines[0]
    assert [line.split()[0] for line in lines[2:4]] == ["predicted"] * 2
    assert all(line.startswith("mean pose") for line in lines[4:6])
    assert table.row(0.5, "mean pose").means["weighted"] < table.mean(0.5)
    assert table.auc["mean pose"] < table.auc["predicted"]
    for said in ("pelvis", "thorax", "unweighted", "all16", "columns", "95 %"):
        assert said in str(table)
    assert max(map(len, lines)) <= 100
    assert "<table>" in table._repr_html_()
    json.dumps(table.to_dict())
    with pytest.raises(ValueError, match="mean pose@0.5"):
        table.row(0.3)
    with pytest.raises(ValueError, match="weighted"):
        table.mean(0.5, "total")
    with pytest.raises(ValueError, match="threshold"):
        pckh_table(predicted, keypoints, visible, head, thresholds=[])
    with pytest.raises(ValueError, match="predicted"):
        pckh_table(
            predicted, keypoints, visible, head, baselines={"predicted": trivial}
        )


def test_table_of_another_skeleton_and_length():
    predicted, keypoints, visible, _ = people(joints=5)
    table = pckh_table(
        predicted,
        keypoints,
        visible,
        20.0,
        UPPER_BODY,
        thresholds=(0.2,),
        metric="PCK (20 pixels)",
    )
    assert list(table.row(0.2).columns) == [
        "Head",
        "Neck",
        "Shoulder",
        "Elbow",
        "Wrist",
    ]
    assert "all5" in table.row(0.2).means and "PCK (20" in str(table)
    assert table.mean(0.2) == table.mean(0.2, "all5")


# ---------------------------------------------------------------- intervals


def test_bootstrap_agrees_with_theory_for_independent_joints():
    """One joint per person: a binomial, sd sqrt(p (1 - p) / n)."""
    hit = (np.arange(1000) < 800).astype(float)[:, None]
    interval = bootstrap_interval(hit, seed=1)
    assert interval.value == 0.8
    assert interval.sd == pytest.approx((0.8 * 0.2 / 1000) ** 0.5, rel=0.1)
    assert interval.high - interval.low == pytest.approx(
        2 * 1.96 * interval.sd, rel=0.1
    )
    assert interval == bootstrap_interval(hit, seed=1)
    assert interval != bootstrap_interval(hit, seed=2)


def test_joints_of_one_person_are_not_independent():
    """All right or all wrong: 16 joints tell no more than one."""
    hit = (np.arange(200) < 150).astype(float)[:, None]
    one = bootstrap_interval(hit)
    many = bootstrap_interval(np.repeat(hit, 16, 1))
    assert many.sd == pytest.approx(one.sd)


def test_paired_interval_is_narrower():
    rng = np.random.default_rng(0)
    first = (rng.random((500, 4)) < 0.7).astype(float)
    first[:, 3] = NAN
    second = first.copy()
    second[:20, 0] = 0
    difference = paired_interval(first, second)
    assert difference.value == pytest.approx(first[:20, 0].sum() / 1500)
    assert difference.low > 0
    assert difference.sd < bootstrap_interval(first).sd / 2
    assert paired_interval(first, first)[:] == (0, 0, 0, 0)
    with pytest.raises(ValueError, match="same"):
        paired_interval(first, second[:-1])
    with pytest.raises(ValueError, match="same"):
        paired_interval(first, np.nan_to_num(second))
    with pytest.raises(ValueError, match="no labelled"):
        bootstrap_interval(first, joints=[3])


# ---------------------------------------------------------- kinds of errors


def test_breakdown_by_hand():
    """One error of each kind; an inversion that is also near is one."""
    keypoints = np.zeros((1, 16, 2))
    keypoints[0, :, 0] = 100 * np.arange(16)
    truth = {j: keypoints[0, MPII.index(j)].copy() for j in MPII.joints}
    predicted = keypoints.copy()

    def put(joint, place):
        predicted[0, MPII.index(joint)] = place

    put("right_wrist", truth["left_wrist"] + [4, 0])  # inversion
    put("right_knee", truth["right_knee"] + [0, 8])  # near
    put("left_knee", truth["left_knee"] + [0, 15])  # far
    put("left_ankle", truth["left_ankle"] + [0, 25])  # gross
    keypoints[0, MPII.index("right_hip")] = truth["left_hip"] - [8, 0]
    put("right_hip", truth["left_hip"])  # near, and an inversion
    breakdown = error_breakdown(predicted, keypoints, np.ones((1, 16)), [10])
    found = {
        kind: [j for j, c in zip(breakdown.joints, counts) if c]
        for kind, counts in breakdown.counts.items()
    }
    assert found["inversion"] == ["right_hip", "right_wrist"]
    assert found["near"] == ["right_knee"]
    assert found["far"] == ["left_knee"]
    assert found["gross"] == ["left_ankle"]
    assert len(found["good"]) == 7 and breakdown.labelled == 12
    assert breakdown.shares["good"] == 7 / 12
    assert breakdown.of_misses == {
        "inversion": 2 / 5,
        "near": 1 / 5,
        "far": 1 / 5,
        "gross": 1 / 5,
    }
    assert "all joints" in str(breakdown)


def test_breakdown_of_inverted_truth_and_of_chosen_joints():
    _predicted, keypoints, visible, head = people(labelled=1)
    mirrored = keypoints[:, list(MPII.flip_permutation)]
    breakdown = error_breakdown(mirrored, keypoints, visible, head)
    assert breakdown.shares["inversion"] + breakdown.shares["good"] == 1
    assert breakdown.shares["inversion"] > 0.9
    middle = error_breakdown(
        mirrored + 1000, keypoints, visible, head, joints=["pelvis", "head_top"]
    )
    assert middle.joints == ("pelvis", "head_top")
    assert middle.shares["gross"] == 1
    perfect = error_breakdown(keypoints, keypoints, visible, head)
    assert perfect.shares["good"] == 1
    assert all(np.isnan(v) for v in perfect.of_misses.values())


def test_breakdown_counts_every_labelled_joint_once():
    predicted, keypoints, visible, head = people(seed=3)
    predicted[4, 0] = NAN
    with pytest.warns(RuntimeWarning) as caught:
        breakdown = error_breakdown(predicted, keypoints, visible, head)
    assert len(caught) == 1
    paired = [k for k in range(16) if MPII.flip_permutation[k] != k]
    assert breakdown.labelled == (visible[:, paired] > 0).sum()
    good = pck_hits(np.nan_to_num(predicted, nan=1e9), keypoints, visible, head, 0.5)[
        :, paired
    ]
    assert breakdown.counts["good"].sum() == np.nansum(good)


# -------------------------------------------------------------- calibration


def test_reliability_by_hand():
    """Seven joints in three groups; an eighth is not labelled."""
    scores = [[0.9, 0.2, 0.4, 0.5], [0.8, 0.1, 0.6, 9.9]]
    hit = [[1, 0, 1, 1], [1, 0, 0, NAN]]
    found = reliability(scores, hit, bins=3)
    np.testing.assert_allclose(found.scores, [0.7 / 3, 0.55, 0.85])
    assert found.counts.tolist() == [3, 2, 2]
    np.testing.assert_allclose(found.rates, [1 / 3, 0.5, 1])
    off = (3 * 0.1 + 2 * 0.05 + 2 * 0.15) / 7
    assert found.error == pytest.approx(off)


def test_scores_that_are_chances_are_calibrated():
    rng = np.random.default_rng(0)
    scores = rng.random((4000, 16))
    hit = (rng.random(scores.shape) < scores).astype(float)
    assert reliability(scores, hit).error < 0.02
    assert reliability(scores**2, hit).error > 0.1
    assert reliability(np.full(scores.shape, hit.mean()), hit, 1).error < 1e-9


def test_recalibration_helps_on_other_persons_and_keeps_the_order():
    rng = np.random.default_rng(1)
    chance = rng.random((2000, 16))
    hit = (rng.random(chance.shape) < chance).astype(float)
    hit[rng.random(hit.shape) < 0.1] = NAN
    scores = 3 * chance**3  # any range
    half = len(scores) // 2
    learned = reliability(scores[:half], hit[:half])
    mended = learned.recalibrate(scores[half:])
    assert mended.min() >= 0 and mended.max() <= 1
    assert reliability(mended, hit[half:]).error < 0.04
    assert reliability(scores[half:], hit[half:]).error > 0.3
    order = np.argsort(scores[half:], axis=None)
    assert (np.diff(mended.ravel()[order]) >= 0).all()


def test_reliability_says_what_is_wrong():
    hit = np.ones((2, 3))
    with pytest.raises(ValueError, match=r"\(2,\)"):
        reliability(np.ones(2), hit)
    with pytest.raises(ValueError, match="6 labelled.*7"):
        reliability(hit, hit, bins=7)
    with pytest.raises(ValueError, match="finite"):
        reliability(hit * NAN, hit, bins=2)


# --------------------------------------------------------------------- 3-D


def rotation(rng):
    q, r = np.linalg.qr(rng.normal(size=(3, 3)))
    q = q * np.sign(np.diag(r))
    return q * np.sign(np.linalg.det(q))


def test_mpjpe_by_hand():
    keypoints = np.zeros((1, 2, 3))
    predicted = np.array([[[3.0, 4.0, 0.0], [0.0, 0.0, 1.0]]])
    assert mpjpe(predicted, keypoints) == 3
    assert mpjpe(predicted, keypoints, [[1, 0]]) == 5


def test_pa_mpjpe_forgets_rotation_scale_and_shift():
    rng = np.random.default_rng(0)
    keypoints = rng.normal(size=(5, 17, 3))
    predicted = np.stack(
        [0.3 * (p @ rotation(rng)) + rng.normal(size=3) for p in keypoints]
    )
    assert mpjpe(predicted, keypoints) > 1
    assert pa_mpjpe(predicted, keypoints) == pytest.approx(0, abs=1e-12)


def test_pa_mpjpe_does_not_mirror():
    rng = np.random.default_rng(0)
    keypoints = rng.normal(size=(1, 17, 3))
    assert pa_mpjpe(keypoints * [-1, 1, 1], keypoints) > 0.1


def test_pa_mpjpe_is_the_best_alignment():
    """No other similarity does better, in squares."""
    rng = np.random.default_rng(1)
    keypoints = rng.normal(size=(1, 10, 3))
    predicted = keypoints + rng.normal(size=keypoints.shape) * 0.3
    visible = np.ones((1, 10))
    visible[0, 7:] = 0
    keypoints[0, 7:] = NAN
    aligned = pa_mpjpe(predicted, keypoints, visible)
    assert aligned < mpjpe(predicted, keypoints, visible)
    turned = 2 * predicted @ rotation(rng) + 5
    assert pa_mpjpe(turned, keypoints, visible) == pytest.approx(aligned)


def test_3d_says_what_is_wrong():
    keypoints = np.zeros((2, 4, 3))
    broken = keypoints.copy()
    broken[1, 2] = NAN
    for metric in (mpjpe, pa_mpjpe):
        with pytest.raises(ValueError, match="person 1, joint 2"):
            metric(broken, keypoints)
        with pytest.raises(ValueError, match="agree"):
            metric(keypoints[:1], keypoints)
    with pytest.raises(ValueError, match="person 0 has 2"):
        pa_mpjpe(keypoints, keypoints, [[1, 1, 0, 0], [1, 1, 1, 1]])
    assert np.isfinite(pa_mpjpe(keypoints, keypoints))  # all in one point


# -------------------------------------------------------- trivial baselines


def test_center_pose_is_the_middle_of_the_pixels():
    pose = center_pose(MPII, (192, 256))
    assert pose.shape == (16, 2)
    assert (pose == [95.5, 127.5]).all()
    assert (center_pose(UPPER_BODY, 64) == 31.5).all()


def test_mean_and_median_pose_by_hand():
    keypoints = np.array([[[0.0, 0.0]], [[0.0, 3.0]], [[9.0, 6.0]], [[NAN] * 2]])
    visible = np.array([[1], [2], [1], [0]])
    np.testing.assert_array_equal(mean_pose(keypoints, visible), [[3, 3]])
    np.testing.assert_array_equal(median_pose(keypoints, visible), [[0, 3]])
    both = np.concatenate([keypoints, keypoints * NAN], 1)
    visible = np.c_[visible, np.zeros((4, 1))]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert np.isnan(mean_pose(both, visible)[1]).all()


def test_mean_pose_is_the_best_constant_for_squares():
    _, keypoints, visible, _ = people()
    pose = mean_pose(keypoints, visible)

    def squares(p):
        return np.nansum((keypoints - p) ** 2)

    for shift in (-0.5, 0.5):
        assert squares(pose) < squares(pose + shift)


def test_constant_predictions_by_hand():
    """Two persons in boxes of 10 and 20 pixels, a joint at 0.1 and 0.3 of the
    side right of the middle: 0.2 on average."""
    boxes = [[0, 0, 10, 4], [100, 50, 10, 20]]
    keypoints = np.array([[[4.5 + 1, 1.5]], [[104.5 + 6, 59.5]]])
    placed = constant_predictions(keypoints, np.ones((2, 1)), boxes)
    np.testing.assert_allclose(placed["mean pose"][:, 0], [[6.5, 1.5], [108.5, 59.5]])
    np.testing.assert_allclose(placed["center pose"][:, 0], [[4.5, 1.5], [104.5, 59.5]])
    nowhere = constant_predictions(keypoints, np.ones((2, 1)), [boxes[0], [np.nan] * 4])
    assert nowhere["mean pose"][0, 0].tolist() == [5.5, 1.5]
    assert np.isnan(nowhere["mean pose"][1]).all()


# ------------------------------------------------------- what to divide by


def test_boxes_around_labelled_joints():
    keypoints = np.array(
        [[[3.0, 4.0], [13.0, 6.0]], [[5, 5], [NAN, NAN]], [[NAN] * 2] * 2]
    )
    boxes = keypoint_boxes(keypoints)
    np.testing.assert_array_equal(boxes, [[3, 4, 11, 3], [5, 5, 1, 1], [NAN] * 4])
    hidden = keypoint_boxes(keypoints[:1], [[0, 2]])
    np.testing.assert_array_equal(hidden, [[13, 6, 1, 1]])


def test_the_first_length_that_most_persons_have():
    rng = np.random.default_rng(0)
    keypoints, visible = rng.uniform(0, 99, (10, 16, 2)), np.full((10, 16), 2)
    head, boxes = np.full(10, 9.0), np.tile([0, 0, 30, 40.0], (10, 1))
    found = pck_normalizer(keypoints, visible, MPII, head, boxes)
    assert (found.name, found.threshold) == ("PCKh", 0.5) and (found.size == 9).all()
    head[:6] = NAN
    found = pck_normalizer(keypoints, visible, MPII, head, boxes)
    assert (found.name, found.threshold) == ("PCK (torso)", 0.2)
    visible[:6, MPII.index("right_hip")] = 0
    found = pck_normalizer(keypoints, visible, MPII, head, boxes)
    assert (found.name, found.threshold) == ("PCK (box)", 0.1)
    assert (found.size == 40).all()
    assert (
        pck_normalizer(keypoints, visible, MPII, head, boxes[:, 3]).size == 40
    ).all()
    found = pck_normalizer(keypoints, visible, MPII, head)
    assert found.name == "PCK (joints)"
    extent = np.nanmax(np.ptp(keypoints, axis=1), 1) + 1
    assert (found.size[6:] == extent[6:]).all()
    every = pck_normalizers(keypoints, visible, MPII, head, boxes)
    assert [n.name for n in every] == [
        "PCKh",
        "PCK (torso)",
        "PCK (box)",
        "PCK (joints)",
    ]
    assert (every[0].visible[:6] == 0).all() and (every[0].visible[6:] > 0).any()


def test_a_skeleton_without_a_torso_is_scored_by_boxes():
    hand = Skeleton("hand", ("a", "b"), (), ("a", "a"), (0.1, 0.1))
    keypoints = np.random.default_rng(0).uniform(0, 9, (4, 2, 2))
    assert pck_normalizer(keypoints, None, hand).name == "PCK (joints)"
    keypoints[:, 1] = NAN
    with pytest.raises(ValueError, match="two labelled joints"):
        pck_normalizer(keypoints, None, hand)
    with pytest.raises(ValueError, match="no labelled joint"):
        pck_normalizer(keypoints * NAN, None, hand)


# ---------------------------------------------------------- what was unclear


def test_what_mpii_leaves_out():
    assert [MPII.joints[k] for k in range(16) if k not in pckh_columns()] == [
        "pelvis",
        "thorax",
    ]
    assert pckh_columns(LSP) == list(range(14))
    assert len(pckh_columns(H36M)) == 15


def test_a_third_number_is_no_place():
    """(x, y, v): the visibility was counted as an axis."""
    predicted, keypoints, visible, head = people()
    three = np.concatenate([keypoints, visible[..., None]], -1)
    said = np.concatenate([predicted, visible[..., None]], -1)
    for call in (
        lambda: pckh(said, three, visible, head),
        lambda: pckh(said, keypoints, visible, head),
        lambda: pckh_table(said, three, visible, head),
        lambda: error_breakdown(said, three, visible, head),
        lambda: auc(said, three, visible, head),
        lambda: torso_size(three, visible, MPII),
        lambda: mean_pose(np.nan_to_num(three), visible),
        lambda: mpjpe(said, np.nan_to_num(three), visible),
    ):
        with pytest.raises(ValueError, match=r"visibility.*\[\.\.\., :2\]"):
            call()


def test_without_visibility_the_finite_joints_are_labelled():
    predicted, keypoints, visible, head = people()
    expected = pckh(predicted, keypoints, visible, head)
    found = pckh(predicted, keypoints, None, head)
    np.testing.assert_array_equal(found.hits, expected.hits)
    np.testing.assert_array_equal(found.counts, expected.counts)
    kinds = error_breakdown(predicted, keypoints, None, head).counts
    for kind, counts in error_breakdown(
        predicted, keypoints, visible, head
    ).counts.items():
        np.testing.assert_array_equal(kinds[kind], counts)
    np.testing.assert_array_equal(mean_pose(keypoints), mean_pose(keypoints, visible))


@pytest.mark.parametrize("threshold", [-0.1, NAN, np.inf])
def test_a_threshold_is_a_number_from_0(threshold):
    with pytest.raises(ValueError, match="threshold"):
        pckh(*people(), threshold)


def test_auc_takes_the_step_that_was_asked_for():
    """0.5 is no whole number of steps of 0.03; 51/3 were taken in silence."""
    args = people()
    with pytest.raises(ValueError, match=r"0\.03.*0\.0294118 or 0\.0277778"):
        auc(*args, step=0.03)
    for limit, step in ((0.5, 0.01), (0.3, 0.1), (1, 1), (0.5, 0.5 / 7)):
        thresholds = np.linspace(0, limit, round(limit / step) + 1)
        rates = [pckh(*args, t).pooled() for t in thresholds]
        by_hand = np.trapezoid(rates, thresholds) / limit
        assert auc(*args, limit, step).pooled() == pytest.approx(by_hand)
    with pytest.raises(ValueError, match="limit"):
        auc(*args, limit=np.inf)


def test_the_curve_passes_through_the_tables_mean():
    predicted, keypoints, visible, head = people()
    table = pckh_table(predicted, keypoints, visible, head)
    distances = normalized_distances(predicted, keypoints, visible, head)
    curve = 100 * pck_over_thresholds(distances, [0.1, 0.5])
    assert curve.tolist() == pytest.approx([table.mean(0.1), table.mean(0.5)])
    assert table.mean(0.5) != table.mean(0.5, "all16")
    some = pck_over_thresholds([0.1, 0.2, NAN, 0.4, np.inf], [0.2])
    assert some.tolist() == [0.5]


def test_joint_intervals_are_those_of_each_joint():
    rng = np.random.default_rng(0)
    hit = (rng.random((50, 3)) < 0.7).astype(float)
    hit[rng.random(hit.shape) < 0.2] = NAN
    found = joint_intervals(hit, resamples=200, seed=4)
    for k, interval in enumerate(found):
        assert interval == pytest.approx(
            bootstrap_interval(hit, [k], resamples=200, seed=4)
        )
    hit[:, 1] = NAN
    never = joint_intervals(hit, resamples=9)[1]
    assert np.isnan(never).all()
    assert found[0].times(100).high == 100 * found[0].high


def test_intervals_say_what_is_wrong():
    hit = np.ones((4, 2))
    with pytest.raises(ValueError, match="level"):
        bootstrap_interval(hit, level=95)
    with pytest.raises(ValueError, match="resamples"):
        joint_intervals(hit, resamples=0)
    with pytest.raises(ValueError, match=r"\(N, K\)"):
        bootstrap_interval(hit[0])


def test_the_breakdown_of_another_threshold():
    """Twice the head size is half the distance: the kinds move together."""
    predicted, keypoints, visible, head = people()
    at_half = error_breakdown(predicted, keypoints, visible, head)
    scaled = error_breakdown(predicted, keypoints, visible, head * 2.5, threshold=0.2)
    for kind, counts in at_half.counts.items():
        np.testing.assert_array_equal(scaled.counts[kind], counts)
    assert sum(at_half.percent.values()) == pytest.approx(100)
    one_sided = people(joints=5)
    assert error_breakdown(*one_sided, UPPER_BODY).joints == UPPER_BODY.joints


def test_persons_who_are_left_out_are_counted():
    predicted, keypoints, visible, head = people()
    visible[3:10] = 0
    table = pckh_table(predicted, keypoints, visible, head)
    assert (table.persons, table.given) == (33, 40)
    assert "33 of 40 persons" in str(table)
    assert table.to_dict()["given"] == 40 and table.to_dict()["unit"] == "percent"


def test_tables_as_csv(tmp_path):
    predicted, keypoints, visible, head = people()
    visible[:, 5] = 0
    table = pckh_table(predicted, keypoints, visible, head)
    path = table.to_csv(tmp_path / "table.csv")
    rows = list(csv.DictReader(path.open(encoding="utf-8")))
    assert [(r["name"], float(r["threshold"])) for r in rows] == [
        ("predicted", 0.5),
        ("predicted", 0.1),
    ]
    assert float(rows[0]["mean:weighted"]) == table.mean(0.5)
    assert float(rows[1]["part:Wrist"]) == table.row(0.1).columns["Wrist"]
    assert rows[0]["joint:left_ankle"] == ""  # never labelled
    kinds = error_breakdown(predicted, keypoints, visible, head)
    rows = list(csv.DictReader(kinds.to_csv(tmp_path / "e.csv").open()))
    assert rows[-1]["joint"] == "all joints"
    assert int(rows[-1]["labelled"]) == kinds.labelled
    assert float(rows[-1]["inversion_percent"]) == kinds.percent["inversion"]


def test_a_table_of_many_parts_prints_its_means():
    face = Skeleton("face", [f"point_{i}" for i in range(30)])
    rng = np.random.default_rng(0)
    truth = rng.uniform(0, 99, (5, 30, 2))
    table = pckh_table(truth + 1, truth, None, 20.0, face, metric="PCK")
    assert max(map(len, str(table).splitlines())) <= 100
    assert "30 body parts" in str(table) and len(table.row(0.5).columns) == 30


def test_what_is_left_out_goes_by_meaning_not_by_spelling():
    mine = Skeleton("mine", ["Pelvis", "Thorax", "Head Top", "Shoulder.L", "Hip.R"])
    assert pckh_columns(mine) == [2, 3, 4]
    truth = np.random.default_rng(0).uniform(0, 99, (4, 5, 2))
    assert pck_normalizer(truth, None, mine).name == "PCK (torso)"
