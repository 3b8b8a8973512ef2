"""OKS and average precision: by hand, the reference tool, every odd file."""

import contextlib
import copy
import io
import json
import warnings

import numpy as np
import pytest

from posecourse.metrics import (
    constant_detections,
    keypoint_ap,
    keypoint_ap_intervals,
    named_sigmas,
    oks,
    paired_oks,
)
from posecourse.skeletons import COCO, MPII

NAN = float("nan")


def scene(seed, joints=17, pictures=12):
    """A COCO dictionary with crowds, tiny and unlabelled persons, and
    results with doubles, misses and false alarms."""
    rng = np.random.default_rng(seed)
    annotations, results = [], []
    for image in range(pictures):
        for _ in range(rng.integers(0, 6)):
            size = rng.choice([20, 60, 200]) * rng.uniform(0.8, 1.2)
            box = [*rng.uniform(0, 400, 2), size * 0.6, size]
            points = np.zeros((joints, 3))
            points[:, :2] = box[:2] + rng.random((joints, 2)) * box[2:]
            points[:, 2] = rng.integers(0, 3, joints)
            if rng.random() < 0.15:
                points[:, 2] = 0
            points[points[:, 2] == 0] = 0
            crowd = int(rng.random() < 0.15)
            annotations.append(
                {
                    "id": len(annotations) + 1,
                    "image_id": image,
                    "category_id": 1,
                    "iscrowd": crowd,
                    "bbox": box,
                    "area": box[2] * box[3] * rng.uniform(0.4, 0.9),
                    "num_keypoints": int((points[:, 2] > 0).sum()),
                    "keypoints": points.ravel().tolist(),
                }
            )
            for _ in range(rng.choice([0, 1, 1, 1, 2])):
                answer = points.copy()
                answer[:, :2] += rng.normal(
                    0, size * rng.choice([0.01, 0.05, 0.2]), (joints, 2)
                )
                results.append(
                    {
                        "image_id": image,
                        "category_id": 1,
                        "keypoints": answer.ravel().tolist(),
                        "score": float(rng.random()),
                    }
                )
        for _ in range(rng.integers(0, 3)):
            answer = np.c_[rng.uniform(0, 400, (joints, 2)), np.ones(joints)]
            results.append(
                {
                    "image_id": image,
                    "category_id": 1,
                    "keypoints": answer.ravel().tolist(),
                    "score": float(rng.random()),
                }
            )
    return {
        "images": [{"id": i} for i in range(pictures)],
        "categories": [{"id": 1, "name": "person"}],
        "annotations": annotations,
    }, results


def reference(truth, results, sigmas):
    """pycocotools."""
    coco = pytest.importorskip("pycocotools.coco")
    cocoeval = pytest.importorskip("pycocotools.cocoeval")
    with contextlib.redirect_stdout(io.StringIO()):
        gt = coco.COCO()
        gt.dataset = copy.deepcopy(truth)
        gt.createIndex()
        evaluation = cocoeval.COCOeval(
            gt, gt.loadRes(copy.deepcopy(results)), "keypoints"
        )
        evaluation.params.kpt_oks_sigmas = np.array(sigmas)
        evaluation.evaluate()
        evaluation.accumulate()
        evaluation.summarize()
    return evaluation


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("skeleton", [COCO, MPII], ids=lambda s: s.name)
def test_ap_agrees_with_pycocotools(seed, skeleton):
    truth, results = scene(seed, len(skeleton))
    before = copy.deepcopy((truth, results))
    found = keypoint_ap(truth, results, skeleton.sigmas)
    assert (truth, results) == before  # the input is left alone
    expected = reference(truth, results, skeleton.sigmas).stats
    assert list(found) == [
        "AP",
        "AP50",
        "AP75",
        "APm",
        "APl",
        "AR",
        "AR50",
        "AR75",
        "ARm",
        "ARl",
    ]
    np.testing.assert_allclose(list(found.values()), expected, atol=1e-9, rtol=0)


def test_more_than_twenty_poses_in_a_picture():
    """The surest twenty count; ties go to whoever is listed first."""
    truth, results = scene(7)
    rng = np.random.default_rng(1)
    for _ in range(60):
        one = copy.deepcopy(results[rng.integers(len(results))])
        one["image_id"] = int(rng.integers(0, 2))
        one["score"] = round(float(rng.random()), 1)
        results.append(one)
    found = keypoint_ap(truth, results, COCO.sigmas)
    expected = reference(truth, results, COCO.sigmas).stats
    np.testing.assert_allclose(list(found.values()), expected, atol=1e-9, rtol=0)


@pytest.mark.parametrize("seed", range(3))
def test_oks_agrees_with_pycocotools(seed):
    """Pair by pair, persons without labelled joints too."""
    truth, results = scene(seed)
    evaluation = reference(truth, results, COCO.sigmas)
    unlabelled = 0
    for image in range(12):
        people = [a for a in truth["annotations"] if a["image_id"] == image]
        answers = [r for r in results if r["image_id"] == image]
        if not people or not answers:
            continue
        answers.sort(key=lambda r: -r["score"])
        gt = np.array([a["keypoints"] for a in people]).reshape(-1, 17, 3)
        dt = np.array([r["keypoints"] for r in answers]).reshape(-1, 17, 3)
        unlabelled += (gt[..., 2] == 0).all(1).sum()
        keypoints = np.where(gt[..., 2:] > 0, gt[..., :2], NAN)
        found = oks(
            dt[..., :2],
            keypoints,
            gt[..., 2],
            [a["area"] for a in people],
            COCO.sigmas,
            [a["bbox"] for a in people],
        )
        np.testing.assert_allclose(
            found, evaluation.ious[image, 1], rtol=1e-12, atol=1e-300
        )
    assert unlabelled > 0


def test_oks_by_hand():
    """Off by 2 sigma sqrt(area): exp(-1/2); perfect: 1."""
    sigmas = [0.1, 0.05]
    keypoints = np.array([[[10.0, 10.0], [20.0, 20.0]], [[10.0, 10.0], [NAN] * 2]])
    answer = np.array([[[10.0 + 2 * 0.1 * 30, 10.0], [20.0, 20.0]]])
    values = oks(answer, keypoints, [[2, 1], [2, 0]], [900, 900], sigmas)
    assert values.shape == (1, 2)
    assert values[0] == pytest.approx([(np.exp(-0.5) + 1) / 2, np.exp(-0.5)])


def test_oks_is_blind_to_scale_and_order():
    rng = np.random.default_rng(0)
    gt, dt = rng.random((4, 17, 2)), rng.random((3, 17, 2))
    seen, area = np.ones((4, 17)), rng.random(4) * 1000 + 1000
    gt, dt = 100 * gt, 100 * dt
    values = oks(dt, gt, seen, area, COCO.sigmas)
    scaled = oks(3 * dt, 3 * gt, seen, 9 * area, COCO.sigmas)
    np.testing.assert_allclose(scaled, values)
    np.testing.assert_array_equal(
        oks(dt[::-1], gt, seen, area, COCO.sigmas), values[::-1]
    )
    assert oks(dt[:0], gt, seen, area, COCO.sigmas).shape == (0, 4)


def test_oks_says_what_is_wrong():
    with pytest.raises(ValueError, match="person 0 has no labelled"):
        oks(
            np.zeros((1, 2, 2)),
            np.full((1, 2, 2), NAN),
            np.zeros((1, 2)),
            [1],
            [0.1, 0.1],
        )
    with pytest.raises(ValueError, match="sigmas"):
        oks(np.zeros((1, 2, 2)), np.zeros((1, 2, 2)), np.ones((1, 2)), [1], COCO.sigmas)


def test_ap_from_lists_of_persons():
    """The same scene said per picture gives the same numbers."""
    truth, results = scene(2)
    expected = keypoint_ap(truth, results, COCO.sigmas)
    persons, answers = [[] for _ in range(12)], [[] for _ in range(12)]
    for one in truth["annotations"]:
        points = np.array(one["keypoints"]).reshape(-1, 3)
        labelled = points[:, 2:] > 0
        persons[one["image_id"]].append(
            {
                "keypoints": np.where(labelled, points[:, :2], NAN),
                "visible": points[:, 2],
                "area": one["area"],
                "box": one["bbox"],
                "crowd": one["iscrowd"],
            }
        )
    for one in results:
        points = np.array(one["keypoints"]).reshape(-1, 3)
        answers[one["image_id"]].append(
            {"keypoints": points[:, :2], "score": one["score"]}
        )
    found = keypoint_ap(persons, answers, COCO.sigmas)
    assert found == pytest.approx(expected, abs=1e-12)


def test_ap_by_hand():
    """Two persons, one found exactly, one missed: precision 1 up to recall
    1/2, so 51 of 101 points."""
    keypoints = np.random.default_rng(0).uniform(0, 100, (17, 2))
    persons = [
        [{"keypoints": keypoints, "area": 5000}],
        [{"keypoints": keypoints, "area": 5000}],
    ]
    answers = [[{"keypoints": keypoints, "score": 0.9}], []]
    found = keypoint_ap(persons, answers, COCO.sigmas)
    assert found["AP"] == pytest.approx(51 / 101)
    assert found["AR"] == pytest.approx(1 / 2)
    assert found["APm"] == found["AP"]
    assert np.isnan(found["APl"])  # nobody that large
    nothing = keypoint_ap(persons, [[], []], COCO.sigmas)
    assert nothing["AP"] == nothing["AR"] == 0


def test_ap_says_what_is_wrong():
    keypoints = np.zeros((17, 2))
    persons = [[{"keypoints": keypoints, "area": 100}]]
    answers = [[{"keypoints": keypoints, "score": 1}]]
    with pytest.raises(ValueError, match="1 pictures.*2"):
        keypoint_ap(persons, answers * 2, COCO.sigmas)
    with pytest.raises(ValueError, match="picture 0.*16 sigmas"):
        keypoint_ap(persons, answers, MPII.sigmas)
    with pytest.raises(ValueError, match="not finite"):
        keypoint_ap(
            persons, [[{"keypoints": keypoints * NAN, "score": 1}]], COCO.sigmas
        )
    with pytest.raises(ValueError, match="nobody"):
        keypoint_ap([[]], answers, COCO.sigmas)
    truth, results = scene(0)
    results[0]["image_id"] = 99
    with pytest.raises(ValueError, match="picture 99"):
        keypoint_ap(truth, results, COCO.sigmas)
    with pytest.raises(ValueError, match="51"):
        keypoint_ap(*scene(0, joints=14), COCO.sigmas)


# ------------------------------------------------------- what OKS is not given


def test_oks_counts_what_is_not_finite_as_a_miss():
    """It was NaN; now exp(-infinity) for that joint."""
    keypoints = np.zeros((1, 2, 2))
    answer = np.array([[[0.0, 0.0], [NAN, 3.0]]])
    with pytest.warns(RuntimeWarning, match="1 predicted.*pose 0, joint 1"):
        assert oks(answer, keypoints, [[2, 2]], [100], [0.1, 0.1]).tolist() == [[0.5]]
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # nobody has that joint
        assert oks(answer, keypoints, [[2, 0]], [100], [0.1, 0.1]).tolist() == [[1]]


@pytest.mark.parametrize("area", [0, -5, NAN, np.inf])
def test_oks_wants_a_person_of_some_size(area):
    """A negative area gave more than 1, a NaN one 0 for the truth itself."""
    keypoints = np.zeros((2, 2, 2))
    with pytest.raises(ValueError, match="person 1 has area"):
        oks(keypoints, keypoints, np.ones((2, 2)), [9, area], [0.1, 0.1])
    with pytest.raises(ValueError, match="person 1 has area"):
        paired_oks(keypoints, keypoints, np.ones((2, 2)), [9, area], [0.1, 0.1])


def test_oks_says_what_else_is_wrong():
    keypoints, seen = np.zeros((1, 2, 2)), np.ones((1, 2))
    with pytest.raises(ValueError, match="sigmas must be positive"):
        oks(keypoints, keypoints, seen, [9], [0.1, 0])
    with pytest.raises(ValueError, match=r"visibility.*\[\.\.\., :2\]"):
        oks(np.zeros((1, 2, 3)), np.zeros((1, 2, 3)), seen, [9], [0.1, 0.1])
    with pytest.raises(ValueError, match="joint 0: labelled, but"):
        oks(keypoints, keypoints * NAN, seen, [9], [0.1, 0.1])
    with pytest.raises(ValueError, match="which is none"):
        oks(keypoints, keypoints, 0 * seen, [9], [0.1, 0.1], [[0, 0, NAN, 4]])


def test_paired_oks_is_the_diagonal():
    rng = np.random.default_rng(0)
    truth = rng.uniform(0, 100, (6, 17, 2))
    predicted = truth + rng.normal(0, 5, truth.shape)
    seen = rng.integers(0, 3, (6, 17))
    area = rng.uniform(500, 5000, 6)
    whole = oks(predicted, truth, seen, area, COCO.sigmas)
    np.testing.assert_allclose(
        paired_oks(predicted, truth, seen, area, COCO.sigmas), np.diag(whole)
    )
    seen[2], area[2] = 0, NAN  # nobody to compare with
    alone = paired_oks(predicted, truth, seen, area, COCO.sigmas)
    assert np.isnan(alone[2]) and np.isfinite(np.delete(alone, 2)).all()


# ------------------------------------------------------------- odd COCO files


def crowd_free(seed=0, **options):
    """A scene without crowds and unlabelled persons, and perfect results."""
    truth, _ = scene(seed, **options)
    truth["annotations"] = [
        a for a in truth["annotations"] if a["num_keypoints"] and not a["iscrowd"]
    ]
    results = [
        {
            "image_id": a["image_id"],
            "category_id": 1,
            "score": 0.9 - 0.01 * i,
            "keypoints": list(a["keypoints"]),
        }
        for i, a in enumerate(truth["annotations"])
    ]
    return truth, results


@pytest.mark.parametrize("first", [0, 1])
def test_annotation_ids_do_not_matter(first):
    """From 0, the first person was never found."""
    truth, results = crowd_free()
    for i, one in enumerate(truth["annotations"]):
        one["id"] = first + i
    assert keypoint_ap(truth, results)["AP"] == pytest.approx(1)
    for one in truth["annotations"]:
        one["id"] = f"person {one['id']}"
    assert keypoint_ap(truth, results)["AP"] == pytest.approx(1)
    for one in truth["annotations"]:
        del one["id"]
    assert keypoint_ap(truth, results)["AP"] == pytest.approx(1)


def test_one_person_with_the_id_0_is_found():
    truth, results = crowd_free()
    truth["annotations"] = truth["annotations"][:1]
    truth["annotations"][0]["id"] = 0
    assert keypoint_ap(truth, results[:1])["AP"] == pytest.approx(1)


def test_annotation_ids_that_are_equal_are_said():
    truth, results = crowd_free()
    for one in truth["annotations"]:
        one["id"] = 7
    with pytest.warns(
        UserWarning, match=r"annotations\[0\] and annotations\[1\].*id 7"
    ):
        assert keypoint_ap(truth, results)["AP"] == pytest.approx(1)


def test_the_same_picture_twice_is_an_error_that_names_both():
    truth, results = crowd_free()
    truth["images"][3] = {"id": 1, "file_name": "three.jpg"}
    truth["images"][1]["file_name"] = "one.jpg"
    with pytest.raises(
        ValueError, match=r"images\[3\] \(three.jpg\) and images\[1\] \(one.jpg\)"
    ):
        keypoint_ap(truth, results)


@pytest.mark.parametrize("area", [None, 0, NAN, -3, "absent"])
def test_a_person_without_area_has_that_of_its_box(area):
    """0.53 of it, as in CrowdPose's evaluation; OKS must not become 0."""
    truth, results = crowd_free()
    rng = np.random.default_rng(0)
    for one in results:
        one["keypoints"] = (np.array(one["keypoints"]) + rng.normal(0, 2, 51)).tolist()
    for one in truth["annotations"]:
        one["area"] = 0.53 * one["bbox"][2] * one["bbox"][3]
    expected = keypoint_ap(truth, results)
    assert 0.2 < expected["AP"] < 0.95
    for one in truth["annotations"]:
        if area == "absent":
            del one["area"]
        else:
            one["area"] = area
    count = len(truth["annotations"])
    with pytest.warns(UserWarning, match=f"{count} of {count} persons.*0.53"):
        assert keypoint_ap(truth, results) == expected
    del truth["annotations"][0]["bbox"]
    with pytest.warns(UserWarning, match="0.53"):
        keypoint_ap(truth, results)  # the box around the labelled joints


def test_persons_in_lists_without_area_have_that_of_their_box():
    keypoints = np.random.default_rng(0).uniform(0, 100, (17, 2))
    person = {"keypoints": keypoints, "box": [0, 0, 100, 100]}
    answer = [[{"keypoints": keypoints + 3, "score": 1}]]
    expected = keypoint_ap([[person | {"area": 5300}]], answer, COCO.sigmas)
    with pytest.warns(UserWarning, match="1 of 1"):
        found = keypoint_ap([[person]], answer, COCO.sigmas)
    assert found == pytest.approx(expected, nan_ok=True)
    assert found["AP"] == pytest.approx(0.7)


def test_ids_of_pictures_may_be_names():
    truth, results = crowd_free()
    expected = keypoint_ap(truth, results[::2])
    for one in (*truth["annotations"], *results):
        one["image_id"] = f"{one['image_id']:06d}"
    for one in truth["images"]:
        one["id"] = f"{one['id']:06d}"
    assert keypoint_ap(truth, results[::2]) == expected
    results[3]["image_id"] = 4  # not the text "000004"
    with pytest.raises(ValueError, match="record 3: picture 4 .*like '000000'"):
        keypoint_ap(truth, results)


def test_a_person_without_keypoints_is_neither_gained_nor_lost():
    truth, results = crowd_free()
    truth["annotations"][0]["keypoints"] = None
    with pytest.warns(UserWarning, match=r"1 of \d+ persons have no keypoints"):
        assert keypoint_ap(truth, results[1:])["AP"] == pytest.approx(1)


@pytest.mark.filterwarnings("ignore:.*have no keypoints")
def test_a_file_of_boxes_has_nobody_to_find():
    truth, results = crowd_free()
    for one in truth["annotations"]:
        del one["keypoints"], one["num_keypoints"]
    with pytest.raises(ValueError, match="boxes.*person_keypoints"):
        keypoint_ap(truth, results, COCO.sigmas)


@pytest.mark.parametrize(
    "change, says",
    [
        (lambda r: r.pop("score"), "record 2: 'score' is missing; it has image_id"),
        (lambda r: r.pop("keypoints"), "record 2: 'keypoints' is missing"),
        (lambda r: r.pop("category_id"), "record 2: 'category_id' is missing"),
        (lambda r: r.pop("image_id"), "record 2: 'image_id' is missing"),
        (lambda r: r.update(score=None), "record 2: 'score' is null"),
        (lambda r: r.update(keypoints=None), "record 2: 'keypoints' is null"),
        (lambda r: r.update(score="0.9"), "record 2: 'score' must be a number"),
        (lambda r: r.update(score=NAN), "record 2: the score nan"),
        (lambda r: r.update(image_id="1"), "record 2: picture '1' is not among"),
        (lambda r: r.update(image_id=[1]), "record 2: 'image_id' must be"),
        (lambda r: r.update(category_id=9), "record 2: category 9 is not in"),
        (lambda r: r.update(keypoints=["a"] * 51), "record 2: 'keypoints' are not"),
        (lambda r: r.update(keypoints=[1] * 50), "record 2: 50 keypoint numbers"),
        (lambda r: r["keypoints"].__setitem__(3, None), "record 2: joint 1 at .nan"),
    ],
)
def test_results_that_cannot_be_used_name_file_record_and_field(change, says):
    truth, results = crowd_free()
    change(results[2])
    with pytest.raises(ValueError, match=f"found.json, {says}"):
        keypoint_ap(truth, results, names=("truth.json", "found.json"))


@pytest.mark.parametrize(
    "change, says",
    [
        (lambda t: t.pop("images"), "truth.json is not.*'images'"),
        (
            lambda t: t.update(annotations={}),
            "truth.json: 'annotations' must be a list",
        ),
        (
            lambda t: t["annotations"].append(5),
            r"truth.json, annotations\[\d+\]: a dict",
        ),
        (
            lambda t: t["images"][1].pop("id"),
            r"truth.json, images\[1\]: 'id' is missing",
        ),
        (
            lambda t: t["annotations"][4].pop("image_id"),
            r"annotations\[4\] \(id \d+\): 'image_id' is missing",
        ),
        (
            lambda t: t["annotations"][4].update(bbox=[1, 2]),
            r"annotations\[4\] .*four numbers",
        ),
        (
            lambda t: t["annotations"][4].update(area="large"),
            r"annotations\[4\] .*'area' must be a number",
        ),
        (
            lambda t: t["annotations"][4].update(keypoints=[NAN, 1, 2] * 17),
            r"annotations\[4\] .*joint 0 is labelled, but at",
        ),
    ],
)
def test_truth_that_cannot_be_used_names_file_record_and_field(change, says):
    truth, results = crowd_free()
    change(truth)
    with pytest.raises(ValueError, match=says):
        keypoint_ap(truth, results, COCO.sigmas, names=("truth.json", "found.json"))


def test_no_list_no_dictionary():
    truth, results = crowd_free()
    with pytest.raises(ValueError, match="a list of poses, not dict"):
        keypoint_ap(truth, {"annotations": results})
    with pytest.raises(ValueError, match="record 0: a dictionary"):
        keypoint_ap(truth, [results])
    with pytest.raises(ValueError, match="picture 0, pose 0: 'score' is missing"):
        keypoint_ap(
            [[{"keypoints": np.ones((17, 2)), "area": 9}]],
            [[{"keypoints": np.ones((17, 2))}]],
            COCO.sigmas,
        )


# ---------------------------------------------------------- joints by name


def test_sigmas_go_by_the_names_that_the_category_lists():
    """Sorted by name, the constants are sorted with them; and so is AP."""
    truth, results = scene(1)
    expected = keypoint_ap(truth, results, COCO.sigmas)
    order = np.argsort(COCO.joints)
    truth["categories"][0]["keypoints"] = [COCO.joints[k] for k in order]
    for one in (*truth["annotations"], *results):
        points = np.array(one["keypoints"]).reshape(17, 3)
        one["keypoints"] = points[order].ravel().tolist()
    np.testing.assert_allclose(named_sigmas(truth), np.array(COCO.sigmas)[order])
    assert keypoint_ap(truth, results) == pytest.approx(expected, abs=1e-12)
    wrong = keypoint_ap(truth, results, COCO.sigmas)
    assert wrong["AP"] != expected["AP"]


def test_sigmas_of_other_spellings_and_skeletons():
    names = [j.replace("_", " ").title() for j in MPII.joints]  # "Left Wrist"
    truth = {"categories": [{"id": 1, "keypoints": names}]}
    np.testing.assert_allclose(named_sigmas(truth), MPII.sigmas)
    crowdpose = {
        "categories": [{"id": 1, "keypoints": ["left_shoulder", "head", "neck"]}]
    }
    assert named_sigmas(crowdpose).tolist() == [0.079] * 3
    truth, _ = scene(0)
    assert named_sigmas(truth).tolist() == list(COCO.sigmas)  # 17, not named
    with pytest.raises(ValueError, match="give sigmas"):
        named_sigmas(scene(0, joints=14)[0])
    with pytest.warns(UserWarning, match="tail.*0.072, the median"):
        found = named_sigmas({"categories": [{"id": 1, "keypoints": ["nose", "tail"]}]})
    assert found.tolist() == [0.026, 0.072]
    with pytest.raises(ValueError, match="different joints"):
        named_sigmas({"categories": [{"keypoints": ["nose"]}, {"keypoints": ["eye"]}]})


# ------------------------------------------------------- intervals, baselines


def test_ap_intervals_are_a_bootstrap_over_pictures():
    """The same as building each resample as a file of its own."""
    truth, results = scene(3)
    found = keypoint_ap_intervals(truth, results, COCO.sigmas, resamples=25, seed=5)
    rng = np.random.default_rng(5)
    values = []
    for _ in range(25):
        drawn = rng.integers(0, 12, 12)
        again = {"images": [{"id": i} for i in range(12)], "annotations": []}
        again["categories"] = truth["categories"]
        poses = []
        for new, old in enumerate(drawn):
            for one in truth["annotations"]:
                if one["image_id"] == old:
                    again["annotations"].append({**one, "image_id": new})
            poses += [{**r, "image_id": new} for r in results if r["image_id"] == old]
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # the same ids
            values.append(keypoint_ap(again, poses, COCO.sigmas))
    expected = keypoint_ap(truth, results, COCO.sigmas)
    for name, interval in found.items():
        drawn = np.array([v[name] for v in values])
        assert interval.value == pytest.approx(expected[name])
        assert interval.sd == pytest.approx(np.nanstd(drawn))
        assert interval.low == pytest.approx(np.nanquantile(drawn, 0.025))


def test_several_categories_are_scored_each_and_averaged():
    truth, results = scene(4)
    truth["categories"].append({"id": 2, "name": "ape"})
    for one in (*truth["annotations"], *results):
        one["category_id"] = 1 + one["image_id"] % 2
    found = list(keypoint_ap(truth, results, COCO.sigmas).values())
    expected = reference(truth, results, COCO.sigmas).stats
    np.testing.assert_allclose(found, expected, atol=1e-9, rtol=0)


def test_constant_detections_are_one_per_person():
    """Everybody in the same pose, in boxes of two sizes: the mean is it."""
    pose = np.random.default_rng(0).uniform(0.2, 0.8, (17, 2))
    annotations = [
        {
            "id": i,
            "image_id": 0,
            "category_id": 1,
            "area": side**2 / 2,
            "bbox": [x, 0, side, side],
            "keypoints": np.c_[[x, 0] + pose * (side - 1), np.full(17, 2)].ravel(),
        }
        for i, (x, side) in enumerate(((0, 101), (200, 101), (400, 101)))
    ]
    truth = {
        "images": [{"id": 0}],
        "categories": [{"id": 1}],
        "annotations": annotations,
    }
    found = constant_detections(truth, COCO.sigmas)
    assert {len(poses) for poses in found.values()} == {3}
    assert keypoint_ap(truth, found["mean pose"], COCO.sigmas)["AP"] == pytest.approx(1)
    assert keypoint_ap(truth, found["center pose"], COCO.sigmas)["AP75"] == 0


def test_results_of_real_people(shared_data):
    """Perfect results for every odd form of the same file: 1 throughout."""
    path = shared_data / "coco_ccby" / "person_keypoints.json"
    base = json.loads(path.read_text())
    perfect = [
        {
            "image_id": a["image_id"],
            "category_id": 1,
            "score": 0.5,
            "keypoints": a["keypoints"],
        }
        for a in base["annotations"]
        if a["num_keypoints"] and not a["iscrowd"]
    ]
    for change in (
        lambda a: None,
        lambda a: a.pop("area"),
        lambda a: a.update(id=1),
        lambda a: a.update(area=0),
    ):
        truth = copy.deepcopy(base)
        for one in truth["annotations"]:
            change(one)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            assert keypoint_ap(truth, perfect)["AP"] == pytest.approx(1)
