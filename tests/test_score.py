"""Published predictions: every form, every convention, the right order."""

import json

import h5py
import numpy as np
import pytest
from scipy.io import savemat

from posecourse import metrics
from posecourse.cli import main
from posecourse.evaluation.published import (
    OrderError,
    PredictionsError,
    Truth,
    check_order,
    find_truth,
    read_predictions,
    read_truth,
    save_predictions,
)
from posecourse.files import FileError
from posecourse.skeletons import COCO, MPII

RNG = np.random.default_rng(0)
POSES = RNG.uniform(0, 900, (9, 16, 2)).round(2)


def write(path, array, name="preds"):
    if path.suffix == ".mat":
        savemat(path, {name: array})
    elif path.suffix == ".h5":
        with h5py.File(path, "w") as file:
            file[name] = array
    elif path.suffix == ".npz":
        np.savez(path, **{name: array})
    elif path.suffix == ".npy":
        np.save(path, array)
    else:
        path.write_text(json.dumps({name: array.tolist()}))
    return path


@pytest.mark.parametrize(
    "suffix, first", [(".mat", 1), (".h5", 1), (".npz", 0), (".npy", 0), (".json", 0)]
)
def test_every_form_gives_pixels_from_0(tmp_path, suffix, first):
    path = write(tmp_path / f"poses{suffix}", POSES)
    assert np.allclose(read_predictions(path), POSES - first)
    assert np.allclose(read_predictions(path, one_based=True), POSES - 1)
    assert np.allclose(read_predictions(path, one_based=False), POSES)


@pytest.mark.parametrize("name", ["preds", "pred", "joints", "keypoints"])
@pytest.mark.parametrize("suffix", [".mat", ".h5", ".npz", ".json"])
def test_arrays_are_found_by_their_usual_names(tmp_path, name, suffix):
    path = write(tmp_path / f"poses{suffix}", POSES, name)
    assert np.allclose(read_predictions(path, False), POSES)


@pytest.mark.parametrize(
    "shaped",
    [
        POSES,
        np.concatenate([POSES, np.ones((9, 16, 1))], -1),
        POSES.transpose(1, 2, 0),
        POSES.transpose(2, 1, 0),
        np.concatenate([POSES, np.ones((9, 16, 1))], -1).reshape(9, 48),
    ],
    ids=["NK2", "NK3", "K2N", "2KN", "flat"],
)
def test_shapes_that_are_around(tmp_path, shaped):
    path = write(tmp_path / "poses.npz", shaped)
    assert np.allclose(read_predictions(path), POSES)


def test_json_records(tmp_path):
    path = tmp_path / "poses.json"
    path.write_text(
        json.dumps([{"id": i, "keypoints": p.tolist()} for i, p in enumerate(POSES)])
    )
    assert np.allclose(read_predictions(path), POSES)


def test_what_is_saved_is_read(tmp_path):
    path = save_predictions(
        tmp_path / "p.npz", POSES, np.ones((9, 16)), [f"valid/{i}" for i in range(9)]
    )
    assert np.array_equal(read_predictions(path), POSES)
    assert np.load(path)["ids"][3] == "valid/3"


@pytest.mark.parametrize("count", [2, 3, 9])
def test_mpiis_matlab_form(tmp_path, count):
    """``pos_pred_src`` is (K, 2, N) whatever N is, and counts from 1."""
    poses = POSES[:count]
    path = write(tmp_path / "p.mat", poses.transpose(1, 2, 0) + 1, "pos_pred_src")
    assert np.allclose(read_predictions(path), poses)


@pytest.mark.parametrize(
    "name, content, says",
    [
        ("a.txt", b"1 2 3", ".txt"),
        ("a.mat", b"nothing", "MATLAB"),
        ("a.h5", b"nothing", "HDF5"),
        ("a.npz", b"nothing", "NumPy"),
        ("a.json", b"{", "JSON"),
        ("a.json", b'{"other": [1]}', "other"),
        ("a.json", b'{"preds": [[1, 2], [3]]}', "same number"),
        ("a.json", b'{"preds": [1, 2]}', "shape"),
        ("a.json", b'[{"x": 1}]', "record 0"),
        ("a.json", b"5", "a list or a dictionary"),
        ("a.json", b"", "empty"),
        ("a.json", b'{"preds": null}', "shape"),
        ("a.json", b'[{"pose": [[1, 2]]}, {"pose": null}]', "record 1 'pose' is null"),
        ("a.json", b'[{"pose": [[1, 2]]}, 7]', "record 1: a dictionary"),
    ],
)
def test_files_that_cannot_be_read(tmp_path, name, content, says):
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(FileError, match=says):
        read_predictions(path)
    with pytest.raises(FileNotFoundError):
        read_predictions(tmp_path / "none.mat")


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-32"])
def test_json_of_any_unicode(tmp_path, encoding):
    path = tmp_path / "a.json"
    path.write_bytes(json.dumps({"preds": POSES.tolist()}).encode(encoding))
    assert np.allclose(read_predictions(path), POSES)


@pytest.mark.parametrize(
    "content",
    [
        {"preds": {"a": 1}},
        {"preds": np.array([np.ones(3), "x"], dtype=object)},
        {"preds": "hello"},
        {"preds": np.ones((9, 16, 2)) * 1j},
        {"RELEASE": 1},
    ],
    ids=["struct", "cell", "text", "complex", "another"],
)
def test_matlab_files_of_another_kind(tmp_path, content):
    savemat(tmp_path / "a.mat", content)
    with pytest.raises(PredictionsError, match=r"a\.mat: (the|no) predictions"):
        read_predictions(tmp_path / "a.mat")


def test_pickles_are_refused(tmp_path):
    np.save(tmp_path / "a.npy", np.array([{"code": 1}]), allow_pickle=True)
    with pytest.raises(PredictionsError, match="plain numbers"):
        read_predictions(tmp_path / "a.npy")


# ------------------------------------------------------------------ order


def made_truth(count=200, spread=500, seed=0):
    """People of 25 pixels head size at places of a large picture."""
    rng = np.random.default_rng(seed)
    places = rng.uniform(0, spread, (count, 1, 2)) + 300
    keypoints = places + rng.normal(0, 60, (count, 16, 2))
    visible = np.where(rng.random((count, 16)) < 0.1, 0, 2).astype(np.uint8)
    visible[5] = 0
    keypoints[visible == 0] = np.nan
    return Truth(
        keypoints,
        visible,
        np.full(count, 25.0),
        places[:, 0],
        np.ones(count),
        MPII,
        "made.json",
    )


def guesses(truth, noise=10, seed=1):
    noise = np.random.default_rng(seed).normal(0, noise, truth.keypoints.shape)
    return (
        np.where(np.isfinite(truth.keypoints), truth.keypoints, truth.center[:, None])
        + noise
    )


@pytest.mark.parametrize("spread", [20, 2000])
def test_the_right_order_passes_and_any_other_is_refused(spread):
    """Also where all people are in one place (crops)."""
    truth = made_truth(spread=spread)
    good = guesses(truth)
    assert check_order(good, truth).misplaced == 0
    assert check_order(guesses(truth, 80), truth).misplaced < 0.01
    rng = np.random.default_rng(2)
    for wrong in (rng.permutation(good), np.roll(good, 1, 0), good[::-1]):
        with pytest.raises(OrderError, match="another order"):
            check_order(wrong, truth)


def test_a_tail_out_of_order_is_refused_and_located():
    truth = made_truth(spread=3000)
    wrong = guesses(truth)
    wrong[120:] = np.roll(wrong[120:], 1, 0)
    with pytest.raises(OrderError, match=r"the first is number 12\d"):
        check_order(wrong, truth)


def test_trivial_and_bad_answers_are_not_taken_for_another_order():
    truth = made_truth(spread=2000)
    centre = np.repeat(truth.center[:, None], 16, 1)
    assert check_order(centre, truth).misplaced == 0
    crops = made_truth(spread=20)
    same = np.broadcast_to(np.nanmean(crops.keypoints, 0), (200, 16, 2))
    assert check_order(same, crops).misplaced == 0
    some = guesses(truth)
    some[7] = np.nan  # not found
    some[9] += 1000  # the wrong person
    check = check_order(some, truth)
    assert check.misplaced == 1 / 200 and check.first == 9


def test_other_numbers_of_people_and_joints():
    truth = made_truth()
    with pytest.raises(OrderError, match="199 predicted.*200 persons"):
        check_order(guesses(truth)[:-1], truth)
    with pytest.raises(OrderError, match="14 joints.*16 of mpii"):
        check_order(guesses(truth)[:, :14], truth)
    with pytest.raises(OrderError, match="finite"):
        check_order(guesses(truth) * np.nan, truth)


# ------------------------------------------------------------ the command


def write_truth(folder, truth):
    """As ``gt_valid.mat``: pixels from 1."""
    folder.mkdir(parents=True, exist_ok=True)
    half = truth.head_size / 0.6 / 2 / np.sqrt(2)
    boxes = np.stack([[100 - half, 100 - half], [100 + half, 100 + half]])
    savemat(
        folder / "gt_valid.mat",
        {
            "pos_gt_src": np.nan_to_num(truth.keypoints + 1).transpose(1, 2, 0),
            "jnt_missing": (truth.visible == 0).T.astype(np.uint8),
            "headboxes_src": boxes,
        },
    )
    return folder / "gt_valid.mat"


@pytest.fixture
def scored(tmp_path):
    """A predictions file, its truth in the folder beside."""
    truth = made_truth(spread=2000)
    write_truth(tmp_path / "annot", truth)
    (tmp_path / "preds").mkdir()
    return write(tmp_path / "preds" / "net.h5", guesses(truth) + 1)


def test_truth_is_read_back(tmp_path):
    truth = made_truth()
    path = write_truth(tmp_path, truth)
    back = read_truth(path)
    assert np.allclose(back.keypoints, truth.keypoints, equal_nan=True)
    assert np.allclose(back.head_size, 25)
    assert np.array_equal(back.visible > 0, truth.visible > 0)
    assert np.isnan(back.center).all() and np.allclose(back.scale, 1)
    assert find_truth(tmp_path / "a.mat") == path
    assert find_truth("a.mat", tmp_path) == path
    with pytest.raises(FileNotFoundError, match="--truth"):
        find_truth("a.mat", tmp_path / "none")


def test_score_finds_the_truth_and_the_first_pixel(scored, capsys):
    assert main(["score", str(scored), "--json"]) == 0
    right = json.loads(capsys.readouterr().out)
    assert right["one_based"] and right["misplaced"] == 0
    rows = {(r["name"], r["threshold"]): r for r in right["table"]["rows"]}
    at_half = rows["predicted", 0.5]["means"]["weighted"]
    # noise of 10 pixels per axis, threshold 12.5: 1 - exp(-12.5^2/200)
    assert at_half == pytest.approx(100 * (1 - np.exp(-(12.5**2) / 200)), abs=3)
    assert (
        main(
            [
                "score",
                str(scored),
                "--zero-based",
                "--json",
                "--truth",
                str(scored.parents[1]),
            ]
        )
        == 0
    )
    shifted = json.loads(capsys.readouterr().out)
    assert shifted["table"]["rows"][0]["means"]["weighted"] != at_half


def test_score_prints_the_conventions(scored, capsys):
    assert main(["score", str(scored)]) == 0
    out = capsys.readouterr().out
    for words in (
        "weighted",
        "unweighted",
        "all16",
        "columns",
        "0.11",
        "SimpleBaseline",
        "95 % interval",
        "inversion",
        "first pixel",
    ):
        assert words in out


def test_score_refuses_a_shuffled_file(scored, capsys):
    poses = read_predictions(scored)
    shuffled = scored.with_name("shuffled.npz")
    save_predictions(shuffled, np.random.default_rng(0).permutation(poses))
    assert main(["score", str(shuffled)]) == 2
    out, err = capsys.readouterr()
    assert "another order" in err and not out
    save_predictions(shuffled, poses[:-3])
    assert main(["score", str(shuffled)]) == 2
    assert "197 predicted poses" in capsys.readouterr().err


@pytest.mark.slow
def test_a_published_hourglass(shared_data, capsys):
    """The numbers that are public for this file, each under its name."""
    path = shared_data / "mpii" / "predictions" / "newell.h5"
    assert main(["score", str(path), "--json"]) == 0
    table = json.loads(capsys.readouterr().out)["table"]
    rows = {(r["name"], r["threshold"]): r for r in table["rows"]}
    means = rows["predicted", 0.5]["means"]
    assert round(means["weighted"], 2) == 88.43
    assert round(means["unweighted"], 2) == 87.98
    assert round(rows["predicted", 0.1]["means"]["weighted"], 1) == 21.6
    assert rows["predicted", 0.11]["means"]["weighted"] > 25
    assert round(rows["center pose", 0.5]["means"]["weighted"], 1) == 5.8
    assert round(rows["mean pose", 0.5]["means"]["weighted"], 1) == 16.8
    assert table["interval"]["low"] < 88.43 < table["interval"]["high"]


@pytest.mark.slow
def test_without_head_boxes_the_torso_is_the_unit(shared_data, tmp_path, capsys):
    """Leeds Sports Pose: the same files score 100, others less."""
    from posecourse.datasets import open_dataset

    path = shared_data / "lspet" / "annot" / "valid.json"
    dataset = open_dataset(path)
    poses = np.stack([dataset[i].keypoints for i in range(len(dataset))])
    save_predictions(tmp_path / "p.npz", np.nan_to_num(poses))
    assert main(["score", str(tmp_path / "p.npz"), "--truth", str(path), "--json"]) == 0
    table = json.loads(capsys.readouterr().out)["table"]
    assert table["metric"] == "PCK (torso)"
    assert table["rows"][0]["threshold"] == 0.2
    means = {row["name"]: row["means"]["weighted"] for row in table["rows"]}
    assert means["predicted"] == 100
    assert 0 < means["center pose"] < means["mean pose"] < 50


def test_coco_results_are_scored_by_average_precision(shared_data, tmp_path, capsys):
    truth = shared_data / "coco_ccby" / "person_keypoints.json"
    results = [
        {
            "image_id": a["image_id"],
            "category_id": 1,
            "score": 1.0,
            "keypoints": a["keypoints"],
        }
        for a in json.loads(truth.read_text())["annotations"]
        if a["num_keypoints"]
    ]
    path = tmp_path / "results.json"
    path.write_text(json.dumps(results))
    assert main(["score", str(path), "--truth", str(truth), "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["unit"] == "percent"
    assert found["average_precision"]["AP"] == pytest.approx(100)
    assert found["intervals"]["AP"]["low"] == pytest.approx(100)
    assert found["baselines"]["center pose"]["AP50"] < 20
    assert main(["score", str(path)]) == 2
    assert "--truth" in capsys.readouterr().err


def coco_people(count=6, seed=0):
    """A COCO file with one person per picture, and results that are near."""
    rng = np.random.default_rng(seed)
    names = ["nose", "right_hip", "left_wrist", "left_eye"]
    truth = {
        "images": [{"id": 10 + i, "file_name": f"{i}.jpg"} for i in range(count)],
        "categories": [{"id": 1, "name": "person", "keypoints": names}],
        "annotations": [],
    }
    results = []
    for i in range(count):
        points = rng.uniform(20, 180, (4, 2))
        truth["annotations"].append(
            {
                "id": i,
                "image_id": 10 + i,
                "category_id": 1,
                "area": 12000.0,
                "bbox": [10, 10, 180, 180],
                "keypoints": np.c_[points, np.full(4, 2)].ravel().tolist(),
            }
        )
        found = points + rng.normal(0, 6, (4, 2))
        results.append(
            {
                "image_id": 10 + i,
                "category_id": 1,
                "score": 1 - i / 10,
                "keypoints": np.c_[found, np.ones(4)].ravel().tolist(),
            }
        )
    return truth, results


def scored_files(folder, truth, results, encoding="utf-8"):
    (folder / "truth.json").write_bytes(json.dumps(truth).encode(encoding))
    (folder / "found.json").write_bytes(json.dumps(results).encode(encoding))
    return ["score", str(folder / "found.json"), "--truth", str(folder / "truth.json")]


def test_sigmas_go_by_name_and_ids_do_not_matter(tmp_path, capsys):
    """Four joints in an order of their own; ids from 0."""
    truth, results = coco_people()
    assert main([*scored_files(tmp_path, truth, results), "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    sigmas = [COCO.sigmas[COCO.index(n)] for n in truth["categories"][0]["keypoints"]]
    expected = metrics.keypoint_ap(truth, results, sigmas)
    assert found["average_precision"]["AP"] == pytest.approx(100 * expected["AP"])
    other = metrics.keypoint_ap(truth, results, COCO.sigmas[:4])  # by position
    assert other["AP"] != expected["AP"]
    for encoding in ("utf-8-sig", "utf-16"):
        argv = scored_files(tmp_path, truth, results, encoding)
        assert main([*argv, "--json"]) == 0
        assert (
            json.loads(capsys.readouterr().out)["average_precision"]
            == (found["average_precision"])
        )


def test_a_truth_without_areas_is_scored_and_that_is_said(tmp_path, capsys):
    truth, results = coco_people()
    for one in truth["annotations"]:
        del one["area"]
    assert main(scored_files(tmp_path, truth, results)) == 0
    out, err = capsys.readouterr()
    assert "truth.json: 6 of 6 persons" in err and "0.53 of their box" in err
    assert "mean pose" in out and "95 %" in out and "in percent" in out


@pytest.mark.parametrize(
    "change, says",
    [
        (lambda t, r: r[3].pop("score"), "found.json, record 3: 'score' is missing"),
        (lambda t, r: r[3].pop("category_id"), "record 3: 'category_id' is missing"),
        (lambda t, r: r[3].update(keypoints=None), "record 3: 'keypoints' is null"),
        (lambda t, r: r[3].update(image_id="13"), "record 3: picture '13'"),
        (lambda t, r: r.append(None), "record 6: a dictionary"),
        (lambda t, r: t.pop("images"), "truth.json is not a COCO annotation file"),
        (lambda t, r: t["images"].append(dict(t["images"][0])), r"images[6] (0.jpg)"),
        (
            lambda t, r: [a.pop("keypoints") for a in t["annotations"]],
            "boxes",
        ),
        (lambda t, r: t["categories"][0]["keypoints"].pop(), "3 joints need 9"),
    ],
)
def test_coco_files_that_cannot_be_scored(tmp_path, capsys, change, says):
    truth, results = coco_people()
    change(truth, results)
    assert main(scored_files(tmp_path, truth, results)) == 2
    out, err = capsys.readouterr()
    assert says in err and str(tmp_path) in err and not out
    assert "Traceback" not in err


def test_coco_results_need_a_coco_file(scored, tmp_path, capsys):
    _, results = coco_people()
    (tmp_path / "found.json").write_text(json.dumps(results))
    mat = str(tmp_path / "annot" / "gt_valid.mat")
    assert main(["score", str(tmp_path / "found.json"), "--truth", mat]) == 2
    assert "COCO annotation file (.json)" in capsys.readouterr().err


def test_score_shows_joints_with_intervals_in_percent(scored, capsys):
    assert main(["score", str(scored), "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["unit"] == "percent" and found["metric"] == "PCKh@0.5"
    wrist = next(r for r in found["rows"] if r["joint"] == "left_wrist")
    assert wrist["interval"]["low"] < wrist["interval"]["value"]
    assert sum(found["errors"].values()) == pytest.approx(100)
    mean = next(r for r in found["rows"] if r["joint"] == "all")
    row = found["table"]["rows"][0]
    assert mean["interval"]["value"] == pytest.approx(row["means"]["weighted"])
    assert mean["baselines"]["center pose"] < mean["baselines"]["mean pose"]
