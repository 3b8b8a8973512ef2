"""MPII in its three forms, with everything that is irregular in them."""

import re
import shutil

import numpy as np
import pytest
import scipy.io
from pose_samples import people, picture, write, write_mpii, write_picture

from posecourse import skeletons
from posecourse.datasets import (
    MPII,
    DatasetError,
    DatasetWarning,
    MPIIGroundTruth,
    SyntheticPeople,
    check,
    open_dataset,
)
from posecourse.datasets.mpii_writer import draw_release, struct, structs, write_release

# What is said is looked for where it is expected.
pytestmark = pytest.mark.filterwarnings("ignore::posecourse.datasets.DatasetWarning")


# --- one JSON per split ---------------------------------------------------


def test_split_json(tmp_path):
    write_mpii(tmp_path)
    dataset = MPII(tmp_path, "valid")
    records = people(12)
    assert len(dataset) == 12 and dataset.skeleton is skeletons.MPII
    for i, (person, record) in enumerate(zip(dataset, records)):
        labelled = np.array(record["joints_vis"], bool)
        assert person.id == f"valid/{i}" and person.image == record["image"]
        assert person.visible.tolist() == (2 * labelled).tolist()
        # MATLAB counts from 1, we from 0.
        np.testing.assert_allclose(
            person.keypoints[labelled], np.array(record["joints"])[labelled] - 1
        )
        assert np.isnan(person.keypoints[~labelled]).all()
        assert person.center == (80, 60) and person.scale == 0.4
        assert person.head_size == pytest.approx(10)
    assert dataset.read_image(dataset[0]).shape == (120, 160, 3)


def test_a_label_is_a_label_wherever_it_lies(tmp_path):
    """Zero and negative coordinates are kept; only the mask decides."""
    records = people(1)
    records[0]["joints"][0] = [0.0, 5.0]
    records[0]["joints"][1] = [-1.0, -1.0]
    records[0]["joints"][2] = [-7.5, 3.0]
    records[0]["joints_vis"][:3] = [1, 1, 1]
    path = write(tmp_path / "annot/valid.json", records)
    person = MPII(tmp_path, annotations=path)[0]
    assert person.keypoints[:3].tolist() == [[-1, 4], [-2, -2], [-8.5, 2]]


def test_test_split_has_no_joints(tmp_path):
    record = {"image": "a.jpg", "center": [10, 20], "scale": 2.0}
    write(tmp_path / "annot/test.json", [record])
    person = MPII(tmp_path, "test")[0]
    assert np.isnan(person.keypoints).all() and not person.visible.any()
    assert person.center == (9, 19) and person.head_size == 50


def test_position_from_joints_where_it_is_not_given(tmp_path):
    record = people(1)[0] | {"center": None, "scale": None}
    write(tmp_path / "annot/valid.json", [record])
    person = MPII(tmp_path)[0]
    labelled = person.keypoints[person.visible > 0]
    low, high = labelled.min(0), labelled.max(0)
    crop = person.crop(100)
    np.testing.assert_allclose(crop.center, (low + high) / 2)
    side = 1.25 * 1.1 * ((high - low).max() + 1)
    np.testing.assert_allclose(crop.size, side)
    assert np.isnan(person.head_size)


def test_no_head_size_where_the_scale_is_not_a_head(tmp_path):
    records = people(9)
    for record in records:
        record["scale"] *= 1.3
    write(tmp_path / "annot/valid.json", records)
    assert np.isnan([p.head_size for p in MPII(tmp_path)]).all()


def test_splits_have_names(tmp_path):
    write_mpii(tmp_path, pictures=False)
    assert MPII(tmp_path, "val").split == "valid"
    with pytest.raises(ValueError, match="splits train, valid, .*'vaild'"):
        MPII(tmp_path, "vaild")
    with pytest.raises(FileNotFoundError, match="'train'.*annot/train.json"):
        MPII(tmp_path, "train")


# --- one JSON for all -----------------------------------------------------


def all_records():
    joints = np.zeros((16, 3))
    joints[:10] = [[i + 1, 2 * i + 1, i % 2] for i in range(10)]
    joints[9, :2] = joints[8, :2] + [0, 100 / 3]
    return [
        {
            "dataset": "MPI",
            "isValidation": float(i == 1),
            "img_paths": f"{i}.jpg",
            "img_width": 100.0,
            "img_height": 80.0,
            "objpos": [50.0, 40.0],
            "scale_provided": 1.0,
            "joint_self": joints.tolist(),
            "joint_others": [],
            "annolist_index": 5.0 + i,
            "people_index": 1.0,
        }
        for i in range(3)
    ]


@pytest.mark.parametrize("wrap", [lambda r: r, lambda r: {"root": r}])
def test_json_for_all(tmp_path, wrap):
    write(tmp_path / "mpii_annotations.json", wrap(all_records()))
    sizes = {
        split: len(MPII(tmp_path, split)) for split in ("train", "valid", "trainval")
    }
    assert sizes == {"train": 2, "valid": 1, "trainval": 3}
    person = MPII(tmp_path, "valid")[0]
    assert person.image == "1.jpg" and person.center == (49, 39)
    assert person.visible.tolist() == [1, 2] * 5 + [0] * 6
    assert person.keypoints[3].tolist() == [3, 6]
    assert np.isnan(person.keypoints[10:]).all()
    assert person.head_size == 25
    assert person.extra["annolist_index"] == 6
    with pytest.raises(DatasetError, match="no people in the split 'test'"):
        MPII(tmp_path, "test")


def test_forms_are_told_by_content_not_by_name(tmp_path):
    write(tmp_path / "annot/valid.json", all_records())
    assert len(MPII(tmp_path, "valid")) == 1


# --- the release ----------------------------------------------------------


def rect(points, x=50.0, y=40.0, scale=2.0, **more):
    """One person; the head box has a diagonal of 50."""
    return {
        "x1": 10.0,
        "y1": 20.0,
        "x2": 40.0,
        "y2": 60.0,
        "scale": scale,
        "objpos": struct(x=x, y=y),
        "annopoints": struct(point=structs(points)) if points else np.zeros((0, 0)),
        **more,
    }


def point(joint, x, y, **more):
    return {"id": joint, "x": x, "y": y, **more}


@pytest.fixture
def release(tmp_path):
    """Six pictures with all that is irregular in the real file."""
    nothing = np.zeros((0, 0))
    pictures = [
        # two people; the order of the joints is free, is_visible of any kind
        [
            rect(
                [
                    point(9, 20.5, 3.25, is_visible=""),
                    point(0, 7, 8, is_visible="0"),
                    point(5, -1, 0, is_visible="1"),
                    point(3, 9, 9, is_visible=1),
                    point(2, 9, 8, is_visible=0),
                    point(1, np.uint8(200), np.int16(-3), is_visible=nothing),
                ]
            ),
            rect([point(6, 1, 1)], x=90.0),
        ],
        # one person, one joint: no arrays left in what scipy gives
        [rect([point(4, 11, 12)])],
        # nobody
        [],
        # one without joints, one without scale and place and head box
        [
            {
                "x1": 1.0,
                "y1": 1.0,
                "x2": 4.0,
                "y2": 5.0,
                "scale": 3.0,
                "objpos": struct(x=1.0, y=2.0),
                "annopoints": nothing,
            },
            {"annopoints": struct(point=structs([point(0, 11, 21), point(1, 21, 41)]))},
        ],
        # test pictures: two people of whom the second stands alone; nobody
        [rect([], x=30.0), rect([], x=60.0, scale=1.5)],
        [],
    ]
    # A struct array has the same fields for all: those one lacks are empty.
    annolist = structs(
        [
            {
                "image": struct(name=f"{i}.jpg"),
                "annorect": structs(rects) if rects else nothing,
                "frame_sec": nothing,
                "vididx": nothing,
            }
            for i, rects in enumerate(pictures)
        ]
    )
    single = np.empty((6, 1), dtype=object)
    single[:, 0] = [np.array([[1, 2]]), 1, nothing, nothing, 2, nothing]
    content = struct(
        annolist=annolist,
        version="12",
        img_train=np.array([[1, 1, 1, 1, 0, 0]], np.uint8),
        single_person=single,
    )
    path = tmp_path / "mpii_human_pose_v1_u12_1.mat"
    scipy.io.savemat(path, {"RELEASE": content})
    return tmp_path


def test_release(release):
    dataset = MPII(release, "trainval")
    assert [p.image for p in dataset] == ["0.jpg", "0.jpg", "1.jpg", "3.jpg"]
    assert [p.id for p in dataset] == [f"trainval/{i}" for i in range(4)]
    first, second, third, fourth = dataset
    assert first.visible.tolist() == [1, 2, 1, 2, 0, 2] + [0] * 3 + [2] + ([0] * 6)
    assert first.keypoints[[0, 1, 2, 3, 5, 9]].tolist() == [
        [6, 7],
        [199, -4],
        [8, 7],
        [8, 8],
        [-2, -1],
        [19.5, 2.25],
    ]
    assert np.isnan(first.keypoints[first.visible == 0]).all()
    assert first.center == (49, 39) and first.scale == 2
    assert first.head_size == pytest.approx(0.6 * 50)
    assert second.center == (89, 39) and second.visible.sum() == 2
    assert third.visible[4] == 2 and third.keypoints[4].tolist() == [10, 11]
    assert fourth.extra == {
        "annolist_index": 4,
        "people_index": 2,
        "derived_position": True,
    }
    np.testing.assert_allclose(fourth.crop().center, (15, 30))
    assert np.isnan(fourth.head_size)


def test_release_test_split(release):
    dataset = MPII(release, "test")
    assert len(dataset) == 1 and dataset[0].center == (59, 39)
    assert dataset[0].scale == 1.5 and not dataset[0].visible.any()


def test_release_does_not_know_the_validation_people(release):
    with pytest.raises(DatasetError, match="annot/valid.json.*'trainval'"):
        MPII(release, "train")


def test_release_with_the_list_of_validation_people(release):
    records = [
        {
            "image": name,
            "scale": 2.0,
            "center": center,
            "joints": [[5, 5]] * 16,
            "joints_vis": [1] * 16,
        }
        for name, center in (("1.jpg", [50, 40]), ("0.jpg", [90, 40]))
    ]
    write(release / "annot/valid.json", records)
    mat = release / "mpii_human_pose_v1_u12_1.mat"
    valid = MPII(release, "valid", annotations=mat)
    # the list's order, the release's labels
    assert [(p.image, p.center) for p in valid] == [
        ("1.jpg", (49, 39)),
        ("0.jpg", (89, 39)),
    ]
    assert valid[0].visible.sum() == 2
    # no picture of the validation split is trained on
    assert [p.image for p in MPII(release, "train")] == ["3.jpg"]
    records[0]["center"] = [70, 40]
    write(release / "annot/valid.json", records)
    with pytest.raises(DatasetError, match="no person at .* in 1.jpg"):
        MPII(release, "valid", annotations=mat, strict=True)
    with pytest.warns(DatasetWarning, match="valid/0: the release has no person"):
        valid = MPII(release, "valid", annotations=mat)
    assert [p.image for p in valid] == ["0.jpg"]


def test_written_and_read_again(tmp_path):
    """What `write_release` writes, `MPII` reads, to the last digit."""
    people = SyntheticPeople(6, size=96)
    scenes = [people.scene(i, people=1 + i % 3, room=1.5) for i in range(6)]
    scenes[1].persons[1].visible[4] = 0
    scenes[2].persons[0].visible[:] = 2  # then is_visible is left out
    scenes[3].persons = []
    scenes[4].persons[0].visible[:] = 0
    scenes[4].persons[1].scale = np.nan
    train = np.array([1, 1, 1, 1, 1, 0])
    path = write_release(tmp_path, scenes, train)
    assert path == MPII.find(tmp_path, "trainval")
    dataset = MPII(tmp_path, "trainval")
    expected = [p for scene in scenes[:5] for p in scene.persons if p.visible.any()]
    assert len(dataset) == len(expected) == 7
    for person, given in zip(dataset, expected):
        labelled = given.visible > 0
        assert person.visible.tolist() == given.visible.tolist()
        np.testing.assert_allclose(
            person.keypoints[labelled], given.keypoints[labelled], atol=1e-9
        )
        assert np.isnan(person.keypoints[~labelled]).all()
        assert person.head_size == pytest.approx(given.head_size)
        if np.isfinite(given.scale):
            assert person.center == pytest.approx(given.center)
            assert person.scale == pytest.approx(given.scale)
        else:
            assert person.extra["derived_position"]
    picture = dataset.read_image(dataset[0])
    assert np.abs(picture.astype(int) - scenes[0].image).mean() < 5
    # test pictures: those who stand clear of all others, without joints
    for person in MPII(tmp_path, "test"):
        assert not person.visible.any()
        assert person.center in [pytest.approx(p.center) for p in scenes[5].persons]


def test_who_stands_clear(tmp_path):
    scene = SyntheticPeople(1, size=64).scene(0, people=3)
    for person, x in zip(scene.persons, (2, 20, 24)):
        person.box = (x, 5, 10, 30)
    write_release(tmp_path, [scene], train=[0])
    assert [p.center[0] for p in MPII(tmp_path, "test")] == [
        pytest.approx(scene.persons[0].center[0])
    ]


def test_drawn_release_has_the_irregularities(tmp_path):
    path = draw_release(tmp_path, count=20, size=(96, 60))
    release = scipy.io.loadmat(path, squeeze_me=True, struct_as_record=False)["RELEASE"]
    kinds, said, orders = set(), set(), set()
    for listed, train in zip(release.annolist, release.img_train):
        rects = listed.annorect
        kinds.add(np.size(rects) if isinstance(rects, np.ndarray) else "one")
        for rect in np.atleast_1d(rects) if train else []:
            points = np.atleast_1d(getattr(rect.annopoints, "point", []))
            orders.add(tuple(np.diff([p.id for p in points]) > 0))
            said |= {repr(getattr(p, "is_visible", "no field")) for p in points}
    assert {0, "one", 2, 3} <= kinds and len(orders) > 5
    assert {"0", "1", "'0'", "'1'", "'no field'"} <= said
    dataset = MPII(tmp_path, "trainval")
    assert dataset.read_image(dataset[0]).shape == (60, 96, 3)
    report = check(dataset)
    # who is cut off has no ankles, but a head
    assert report.ok and report.unlabelled_pairs["ankle"] > 0.1
    assert report.unlabelled_pairs["head_top"] == 0
    assert report.head_sizes == len(dataset) and len(MPII(tmp_path, "test"))


def test_other_matlab_files(tmp_path):
    path = tmp_path / "some.mat"
    scipy.io.savemat(path, {"RELEASE": struct(version="12"), "x": 1})
    with pytest.raises(DatasetError, match=r"no RELEASE.annolist.*'x'"):
        MPII(tmp_path, "trainval", annotations=path)
    scipy.io.savemat(path, {"y": 1})
    with pytest.raises(DatasetError, match=r"some.mat has no RELEASE"):
        MPII(tmp_path, "trainval", annotations=path)
    path.write_bytes(b"MATLAB 5.0 MAT-file, and then nothing")
    with pytest.raises(DatasetError, match="some.mat is not a MATLAB file"):
        MPII(tmp_path, "trainval", annotations=path)
    path.write_bytes(b"")
    with pytest.raises(DatasetError, match="some.mat is empty"):
        MPII(tmp_path, "trainval", annotations=path)


# --- bad input ------------------------------------------------------------


def spoil(change):
    records = people(3)
    change(records[1])
    return records


@pytest.mark.parametrize(
    "content, message",
    [
        ("", "is empty"),
        ("  \n", "is empty"),
        ("{not json", "is not JSON"),
        ('[{"image": "a.j', "is not JSON"),
        ([], "at least one"),
        ({"people": []}, "expected a list"),
        ([1], "record 0"),
        ([{"pose": 1}], "neither 'image' nor 'joint_self' but .*pose"),
        (spoil(lambda r: r["joints"].pop()), "record 1: .* 16 joints"),
        (
            spoil(
                lambda r: r.update(
                    joints=r["joints"][:15], joints_vis=r["joints_vis"][:15]
                )
            ),
            "record 1: 15 joints",
        ),
        (
            spoil(lambda r: r["joints"].__setitem__(9, [float("nan"), 1.0])),
            "record 1: joint head_top .* not finite",
        ),
        (spoil(lambda r: r.update(joints="none")), "record 1: .*not numbers"),
        (spoil(lambda r: r.update(scale=0.0)), "record 1: .*scale positive"),
        (spoil(lambda r: r.update(scale="big")), "record 1: .*numbers"),
        (spoil(lambda r: r.update(center=[1.0, float("inf")])), "record 1: .*finite"),
        (spoil(lambda r: r.pop("scale")), "record 1: no 'scale'"),
        (spoil(lambda r: r.update(image=None)), "record 1: 'image' is null"),
        (spoil(lambda r: r.update(image=7)), "record 1: no picture name, but 7"),
        (spoil(lambda r: r.update(image="../a.jpg")), "record 1: .*outside"),
        (spoil(lambda r: r.update(image="a\0.jpg")), "record 1: .*cannot be a pic"),
        (spoil(lambda r: r.update(img=r.pop("image"))), "record 1: no 'image'"),
        (
            spoil(lambda r: r["joints"].__setitem__(9, [1e300, 1.0])),
            r"record 1: joint head_top .*1e\+300",
        ),
        (
            spoil(lambda r: r["joints"].__setitem__(9, [10**350, 1])),
            "record 1: .*not numbers|record 1: joint head_top",
        ),
        (
            spoil(lambda r: r.update(joints_vis=["yes"] * 16)),
            "record 1: joints_vis must be numbers, not .'yes'",
        ),
        (
            spoil(lambda r: r.update(joints_vis=[float("nan")] * 16)),
            "record 1: visibility must be 0, 1 or 2",
        ),
        (spoil(lambda r: r.update(joints_vis=None)), "record 1: 'joints_vis' is null"),
        (spoil(lambda r: r.pop("joints_vis")), "record 1: no 'joints_vis'"),
        (spoil(lambda r: r.pop("joints")), "record 1: no 'joints'"),
        (spoil(lambda r: r.update(scale=1e300)), "record 1: .*within reach"),
        (spoil(lambda r: r.update(scale=1e-300)), "record 1: .*less than a pixel"),
        (spoil(lambda r: r.update(center=5)), "record 1: .*numbers"),
        (spoil(lambda r: r.clear()), "record 1: no 'image'"),
    ],
)
def test_bad_annotation_files(tmp_path, content, message):
    write(tmp_path / "annot/valid.json", content)
    with pytest.raises(DatasetError, match=message) as error:
        MPII(tmp_path, strict=True)
    assert "valid.json" in str(error.value)
    if "record 1" in message:  # the others of the file can be used
        with pytest.warns(DatasetWarning, match="1 of 3 records"):
            dataset = MPII(tmp_path)
        assert [p.id for p in dataset] == ["valid/0", "valid/2"]
        assert [s.record for s in dataset.skipped] == ["record 1"]
        assert re.search(message, str(dataset.skipped[0]))


def test_missing_root(tmp_path):
    with pytest.raises(FileNotFoundError, match="no MPII annotations"):
        MPII(tmp_path / "nowhere")
    with pytest.raises(FileNotFoundError, match="no annotation file"):
        MPII(tmp_path, annotations=tmp_path / "nothing.json")


# --- ground truth of the evaluation ---------------------------------------


@pytest.fixture
def truth(tmp_path):
    """A dataset and the official ground truth beside it."""
    write_mpii(tmp_path, pictures=False)
    records = people(12)
    xy = np.array([r["joints"] for r in records])
    missing = 1 - np.array([r["joints_vis"] for r in records])
    xy[missing > 0] = 0  # as the real file has it
    boxes = np.zeros((2, 2, 12))
    boxes[1] = np.array([[0.6], [0.8]]) * (25 * 0.4 / 0.6)
    content = {
        "pos_gt_src": xy.transpose(1, 2, 0),
        "jnt_missing": missing.T.astype(np.uint8),
        "headboxes_src": boxes,
    }
    scipy.io.savemat(tmp_path / "annot/gt_valid.mat", content)
    return tmp_path


def test_ground_truth_equals_the_dataset(truth):
    dataset = MPII(truth)
    ground = MPIIGroundTruth.read(truth / "annot/gt_valid.mat")
    ground.check_order(dataset)
    assert len(ground) == 12
    np.testing.assert_allclose(ground.keypoints, [p.keypoints for p in dataset])
    np.testing.assert_allclose(ground.head_size, [p.head_size for p in dataset])
    report = check(truth)
    assert report.ground_truth["joints_that_differ"] == 0
    assert report.ground_truth["head_deviation"] < 1e-9


def test_ground_truth_in_another_order(truth):
    write(truth / "annot/valid.json", people(12)[::-1])
    dataset = MPII(truth)
    ground = MPIIGroundTruth.read(truth / "annot/gt_valid.mat")
    with pytest.raises(DatasetError, match="person 0 of the ground truth"):
        ground.check_order(dataset)
    assert "order" in check(truth).ground_truth["order_error"]
    dataset.people.pop()
    with pytest.raises(DatasetError, match="12 people.*has 11"):
        ground.check_order(dataset)


def test_ground_truth_of_something_else(tmp_path):
    scipy.io.savemat(tmp_path / "a.mat", {"jnt_missing": np.zeros((16, 2))})
    with pytest.raises(DatasetError, match="lacks pos_gt_src, headboxes"):
        MPIIGroundTruth.read(tmp_path / "a.mat")


# --- the real files -------------------------------------------------------


def test_real_validation_split(shared_data):
    report = check(shared_data / "mpii")
    assert (report.people, report.pictures) == (2958, 2729)
    pairs = {k: round(100 * v, 1) for k, v in report.unlabelled_pairs.items()}
    assert [pairs[j] for j in ("ankle", "knee", "pelvis", "hip", "wrist")] == [
        28.4,
        16.1,
        2.7,
        2.3,
        1.3,
    ]
    assert pairs["elbow"] < 1 and pairs["head_top"] < 1
    here = len(list((shared_data / "mpii" / "images").glob("*.jpg")))
    assert 0 < report.pictures - len(report.missing_pictures) <= here
    assert report.head_sizes == 2958 and not report.ok
    # The scale is the head: 0.6 * diagonal == 25 * scale.
    assert report.ground_truth["head_deviation"] < 1e-6
    assert report.not_finite == 0 and not report.duplicates
    assert "2,958 people in 2,729 pictures" in str(report)


def test_labelled_people_left_of_zero_are_kept(shared_data):
    """40 labelled joints have a coordinate of 0 or less in the file."""
    dataset = MPII(shared_data / "mpii")
    keypoints = np.array([p.keypoints for p in dataset]) + 1
    with np.errstate(invalid="ignore"):
        assert (keypoints <= 0).any(-1).sum() == 40
        top = keypoints[:, skeletons.MPII.index("head_top")]
        assert (top == 0).any(-1).sum() == 2


def test_both_json_forms_agree(shared_data):
    folder = shared_data / "mpii"
    sample = folder / "annot" / "mpii_annotations_sample168.json"
    listed = {(p.image, p.center): p for p in MPII(folder)}
    both = MPII(folder, "valid", annotations=sample)
    assert len(both) == 16
    assert len(MPII(folder, "train", annotations=sample)) == 152
    for person in both:
        other = listed[person.image, person.center]
        labelled = (person.visible > 0) & (other.visible > 0)
        assert labelled.sum() >= 12
        np.testing.assert_allclose(
            person.keypoints[labelled], other.keypoints[labelled], atol=1e-3
        )
        assert person.scale == pytest.approx(other.scale, abs=1e-3)


def test_real_people_in_the_standard_window_and_back(shared_data):
    folder = shared_data / "mpii"
    dataset = open_dataset(folder / "annot" / "images_here.json")
    assert len(dataset) == 14
    for person in dataset:
        crop = person.crop(256)
        window = crop.warp(dataset.read_image(person))
        assert window.shape == (256, 256, 3) and window.std() > 5
        inside = crop.apply(person.keypoints)
        labelled = person.visible > 0
        assert (np.isfinite(inside).all(1) == labelled).all()
        back = crop.invert(inside)[labelled]
        assert np.abs(back - person.keypoints[labelled]).max() < 1e-3


@pytest.mark.slow
def test_lspet_in_mpii_layout(shared_data):
    for split, count in (("train", 7843), ("valid", 1000)):
        dataset = MPII(shared_data / "lspet", split)
        assert len(dataset) == count
        ever = np.array([p.visible for p in dataset]).any(0)
        assert ever.sum() == 14 and not ever[6:8].any()
        assert np.isnan([p.head_size for p in dataset]).all()
        assert dataset.name == f"lspet-{split}"
    image = dataset.read_image(dataset[0])
    assert image.ndim == 3 and max(image.shape) <= 300


def test_a_broken_picture_is_named(tmp_path):
    write_mpii(tmp_path, count=4)
    path = tmp_path / "images" / "000001.jpg"
    path.write_bytes(path.read_bytes()[:-50])
    report = check(tmp_path, decode=True)
    assert report.broken_pictures == ["000001.jpg"] and not report.ok
    path.unlink()
    assert check(tmp_path).missing_pictures == ["000001.jpg"]
    write_picture(path, picture(1))
    assert check(tmp_path, decode=True).ok
    shutil.rmtree(tmp_path / "images")
    assert len(check(tmp_path).missing_pictures) == 2
