"""COCO, Leeds Sports Pose, AI Challenger, and finding out which it is."""

import json
import os
import pickle
import re
import zipfile

import cv2
import numpy as np
import pytest
import scipy.io
from pose_samples import picture, with_exif, write, write_mpii, write_picture

from posecourse import datasets, skeletons
from posecourse.datasets import (
    LSP,
    MPII,
    AIChallenger,
    COCOKeypoints,
    CropsError,
    DatasetError,
    DatasetWarning,
    Person,
    check,
    crop_in_memory,
    open_dataset,
    read_coco,
)
from posecourse.datasets.parsing import keypoint_box, position_from_box
from posecourse.images import ImageError, turn_upright
from posecourse.metrics import keypoint_ap

# What is said is looked for where it is expected.
pytestmark = pytest.mark.filterwarnings("ignore::posecourse.datasets.DatasetWarning")


def window_around(person, box, times):
    """The standard window has the box in its middle."""
    x, y, w, h = box
    crop = person.crop()
    np.testing.assert_allclose(crop.center, (x + (w - 1) / 2, y + (h - 1) / 2))
    np.testing.assert_allclose(crop.size, times * max(w, h))


def test_position_from_box_centres_the_box():
    box = (10.0, 20.0, 40.0, 90.0)
    center, scale = position_from_box(box, padding=1.2)
    person = Person("a", np.zeros((1, 2)), np.ones(1), center, scale)
    window_around(person, box, 1.25 * 1.2)


def test_keypoint_box():
    points = np.array([[3.0, 9.0], [np.nan, np.nan], [5.0, 2.0]])
    assert keypoint_box(points) == (3, 2, 3, 8)
    assert keypoint_box(points[:1]) == (3, 9, 1, 1)
    assert keypoint_box(points[1:2]) is None


# --- Leeds Sports Pose ----------------------------------------------------


@pytest.fixture
def joints():
    """``(N, 14, 3)``: x, y and a flag that is 1 for every third joint."""
    rng = np.random.default_rng(0)
    joints = rng.uniform(20, 100, (6, 14, 3))
    joints[..., 2] = np.arange(14) % 3 == 0
    return joints


def test_lsp_flag_means_hidden(tmp_path, joints):
    scipy.io.savemat(tmp_path / "joints.mat", {"joints": joints.transpose(2, 1, 0)})
    train, valid = LSP(tmp_path, "train"), LSP(tmp_path, "valid")
    assert train.skeleton is skeletons.LSP
    assert [p.image for p in train] == [f"im000{i}.jpg" for i in (1, 2, 3)]
    assert [p.image for p in valid] == [f"im000{i}.jpg" for i in (4, 5, 6)]
    person = train[0]
    assert person.visible[:4].tolist() == [1, 2, 2, 1]
    np.testing.assert_allclose(person.keypoints, joints[0, :, :2] - 1)
    low, high = person.keypoints.min(0), person.keypoints.max(0)
    window_around(person, (*low, *(high - low + 1)), 1.25 * 1.1)
    assert np.isnan(person.head_size)
    assert len(LSP(tmp_path, "trainval")) == 6


def test_lsp_extended_flag_means_labelled(tmp_path, joints):
    joints[1, :, 2] = 0  # nobody labelled this one
    joints[0, 1, :2] = [-900, -900]  # nonsense where not labelled
    scipy.io.savemat(tmp_path / "joints.mat", {"joints": joints.transpose(1, 2, 0)})
    dataset = LSP(tmp_path, "train")
    assert dataset.name == "lsp-extended-train" and len(dataset) == 5
    person = dataset[0]
    assert person.image == "im00001.jpg"
    assert person.visible[:4].tolist() == [2, 0, 0, 2]
    assert np.isnan(person.keypoints[1]).all()
    assert dataset[1].image == "im00003.jpg"
    with pytest.raises(DatasetError, match="no labelled people"):
        LSP(tmp_path, "valid")


def test_lsp_bad_files(tmp_path):
    with pytest.raises(FileNotFoundError, match="joints.mat"):
        LSP(tmp_path)
    scipy.io.savemat(tmp_path / "joints.mat", {"joints": np.zeros((2, 3))})
    with pytest.raises(DatasetError, match="3 x 14 x N"):
        LSP(tmp_path)
    with pytest.raises(ValueError, match="splits train, valid"):
        LSP(tmp_path, "test")


# --- COCO -----------------------------------------------------------------


def coco(**change):
    joints = [[10 + i, 20 + 2 * i, i % 3] for i in range(17)]
    person = {
        "id": 7,
        "image_id": 1,
        "category_id": 1,
        "iscrowd": 0,
        "bbox": [8, 15, 30, 50],
        "area": 700.5,
        "num_keypoints": 11,
        "keypoints": np.ravel(joints).tolist(),
        **change,
    }
    crowd = {**person, "id": 8, "iscrowd": 1}
    unlabelled = {**person, "id": 9, "keypoints": [0] * 51}
    return {
        "images": [{"id": 1, "file_name": "a.jpg", "width": 64, "height": 80}],
        "annotations": [crowd, person, unlabelled],
        "categories": [
            {"id": 1, "name": "person", "keypoints": list(skeletons.COCO.joints)}
        ],
    }


def test_coco(tmp_path):
    path = write(tmp_path / "annotations/person_keypoints_val2017.json", coco())
    write_picture(tmp_path / "val2017" / "a.jpg", picture(0, 64, 80))
    dataset = COCOKeypoints(path)
    assert len(dataset) == 1 and not dataset.skipped and not dataset.notes
    assert dataset.left_out == {"crowds": 1, "unlabelled": 1}
    person = dataset[0]
    assert person.visible.tolist() == [i % 3 for i in range(17)]
    assert person.keypoints[1].tolist() == [11, 22]  # already 0-based
    assert np.isnan(person.keypoints[0]).all()
    assert person.area == 700.5 and person.box == (8, 15, 30, 50)
    window_around(person, person.box, 1.25)
    assert person.extra == {"annotation_id": 7, "image_id": 1, "image_size": (64, 80)}
    assert dataset.read_image(person).shape == (80, 64, 3)


@pytest.mark.parametrize(
    "content, message",
    [
        ({}, "no 'annotations'"),
        ([], "no 'annotations'"),
        ({"annotations": []}, "no 'images'"),
        ({"annotations": {}, "images": []}, "'annotations' must be a list, .* dict"),
        ({"annotations": None, "images": []}, "'annotations' must be a list, .*None"),
        ([{"image_id": 1, "keypoints": [], "score": 1}], "list of results"),
        (coco() | {"categories": {"a": 1}}, "'categories' must"),
        (coco() | {"categories": 5}, "'categories' must be a list"),
        (coco() | {"categories": [{"keypoints": "nose"}]}, "category 0: no 'id'"),
        (coco() | {"categories": [{"id": 1, "keypoints": "nose"}]}, "list of joints"),
        (coco(keypoints=[0] * 51), "no person with labelled joints"),
    ],
)
def test_coco_bad_files(tmp_path, content, message):
    path = write(tmp_path / "person_keypoints.json", content)
    with pytest.raises(DatasetError, match=message):
        COCOKeypoints(path)


BAD = [
    ({"keypoints": [5, 5, 2] * 16}, "48 numbers for 16 joints; coco has 17"),
    ({"keypoints": [5, 5, 3] * 17}, "visibility must be"),
    ({"keypoints": None}, "'keypoints' is null"),
    ({"keypoints": ["a"] * 51}, "keypoints must be numbers, not .'a'"),
    ({"keypoints": {"nose": [1, 2, 2]}}, "keypoints must be numbers"),
    ({"keypoints": [1e300, 5, 2] * 17}, r"joint nose .*1e\+300"),
    ({"keypoints": [10**400, 5, 2] * 17}, "joint nose .*inf"),
    ({"keypoints": [float("nan"), 5, 2] * 17}, "joint nose .*nan"),
    ({"keypoints": [5, 5, float("nan")] * 17}, "visibility must be"),
    ({"bbox": [1, 2, 0, 5]}, "the box is empty, with a width of 0"),
    ({"bbox": [1, 2, 3, -5]}, "the box is empty, .* height of -5"),
    ({"bbox": [1, 2, 1e-6, 1e-6]}, "the box is empty"),
    ({"bbox": [1, 2, 3]}, "a box has x, y, width and height"),
    ({"bbox": ["a", 2, 3, 4]}, "the box must be numbers"),
    ({"bbox": [1, 2, float("inf"), 5]}, "not finite"),
    ({"bbox": {"x": 1}}, "the box must be numbers"),
    ({"image_id": 99}, "no picture has its image_id 99"),
    ({"image_id": None}, "'image_id' is null"),
    ({"image_id": [1]}, r"\[1\] is no id"),
    ({"category_id": 5}, "there is no category 5"),
]


def two_people(**change):
    """The second one is spoiled."""
    content = coco()
    first = content["annotations"][1]
    content["annotations"] = [first, {**first, "id": 12, **change}]
    return content


@pytest.mark.parametrize("change, message", BAD)
def test_one_bad_record_is_left_out(tmp_path, change, message):
    path = write(tmp_path / "person_keypoints.json", two_people(**change))
    with pytest.warns(DatasetWarning, match="1 of 2 records .* annotation 1 .id 12"):
        dataset = COCOKeypoints(path)
    assert [p.id for p in dataset] == ["coco/7"]
    (lost,) = dataset.skipped
    assert lost.record == "annotation 1 (id 12)" and re.search(message, lost.reason)
    with pytest.raises(DatasetError, match=message) as error:
        COCOKeypoints(path, strict=True)
    assert f"{path}, annotation 1 (id 12): " in str(error.value)


@pytest.mark.parametrize("record", [None, 7, "x", [], {}])
def test_a_record_that_is_none(tmp_path, record):
    content = coco()
    content["annotations"].append(record)
    content["images"].append(record)
    path = write(tmp_path / "person_keypoints.json", content)
    with pytest.warns(DatasetWarning, match="2 of 3 records"):
        dataset = COCOKeypoints(path)
    assert [s.record for s in dataset.skipped] == ["image 1", "annotation 3"]


def test_file_name_called_otherwise(tmp_path):
    content = coco()
    content["images"][0]["filename"] = content["images"][0].pop("file_name")
    path = write(tmp_path / "person_keypoints.json", content)
    with pytest.raises(
        DatasetError,
        match="person_keypoints.json .* image 0: no 'file_name', but 'filename'; rename",
    ):
        COCOKeypoints(path)


# --- who is who -----------------------------------------------------------


def test_two_pictures_with_one_id(tmp_path):
    content = coco()
    content["images"].append({"id": 1, "file_name": "b.jpg"})
    path = write(tmp_path / "person_keypoints.json", content)
    with pytest.raises(DatasetError, match=r"image 0 .a.jpg. and image 1 .b.jpg. .* 1"):
        COCOKeypoints(path)
    content["images"][1]["file_name"] = "a.jpg"  # the same once more does no harm
    assert len(COCOKeypoints(write(path, content))) == 1


@pytest.mark.parametrize(
    "ids, reason",
    [
        ((7, 7), "annotations 0 and 1 have the same id 7"),
        ((0, 1), "annotation 0 has the id 0, below 1"),
        ((-3, 4), "annotation 0 has the id -3"),
        ((None, 4), "annotation 0 has None as its id"),
        (("a", "b"), "annotation 0 has 'a' as its id"),
        ((1.5, 2), "annotation 0 has 1.5"),
    ],
)
def test_people_without_ids_of_their_own(tmp_path, ids, reason):
    content = two_people()
    for record, identity in zip(content["annotations"], ids):
        record["id"] = identity
    path = write(tmp_path / "person_keypoints.json", content)
    with pytest.warns(DatasetWarning, match=reason):
        dataset = COCOKeypoints(path)
    assert [p.extra["annotation_id"] for p in dataset] == [1, 2]
    assert "numbered anew" in dataset.notes[0]
    assert json.loads(path.read_text()) == content  # in a copy only


@pytest.mark.parametrize("area", [0, None, float("nan"), -4, "big", 1e300, "absent"])
def test_area_that_is_none(tmp_path, area):
    content = coco(area=area)
    if area == "absent":
        content["annotations"][1].pop("area")
    path = write(tmp_path / "person_keypoints.json", content)
    with pytest.warns(DatasetWarning, match="1 people have no area above 0"):
        dataset = COCOKeypoints(path)
    assert dataset[0].area == 30 * 50


def test_a_box_that_is_missing_is_that_of_the_joints(tmp_path):
    content = coco()
    content["annotations"][1].pop("bbox")
    path = write(tmp_path / "person_keypoints.json", content)
    with pytest.warns(DatasetWarning, match="1 people have no box"):
        person = COCOKeypoints(path)[0]
    # joints 1 to 16 from (11, 22) to (26, 52), the outermost pixels included
    assert person.box == (11, 22, 16, 31) and person.area == 700.5
    window_around(person, person.box, 1.25 * 1.1)


@pytest.mark.parametrize(
    "name", ["a b.jpg", "Bild\u202f1.jpg", "\udcff.jpg", "a 1:2.jpg", "x/a.jpg"]
)
def test_names_that_are_unusual(tmp_path, name):
    """As they come from macOS, or from a disk whose names are not UTF-8."""
    content = coco()
    content["images"][0]["file_name"] = name
    path = write(tmp_path / "person_keypoints.json", content)
    assert COCOKeypoints(path)[0].image == name


@pytest.mark.parametrize("name", ["a\0.jpg", "\ud800.jpg", "  ", "../a/../../b.jpg"])
def test_names_that_are_none(tmp_path, name):
    content = two_people()
    content["images"].append({"id": 2, "file_name": name})
    content["annotations"][1]["image_id"] = 2
    path = write(tmp_path / "person_keypoints.json", content)
    with pytest.warns(DatasetWarning, match="image with the id 2: "):
        assert len(COCOKeypoints(path)) == 1


@pytest.mark.parametrize("crowd", [0, "0", None, False, 0.0, "false"])
def test_who_is_no_crowd(tmp_path, crowd):
    path = write(tmp_path / "person_keypoints.json", coco(iscrowd=crowd))
    assert len(COCOKeypoints(path)) == 1
    kept = {a["id"]: a["iscrowd"] for a in read_coco(path).content["annotations"]}
    assert kept == {8: 1, 7: 0, 9: 0}


def test_ids_of_two_kinds(tmp_path):
    """One tool writes 1, another "1" or 1.0 for the same picture."""
    for identity in ("1", 1.0):
        path = write(tmp_path / "person_keypoints.json", coco(image_id=identity))
        assert len(COCOKeypoints(path)) == 1


def test_mended_content_scores_the_truth_with_100(tmp_path):
    """Ids from 0 and no areas made perfect poses score 0."""
    content = two_people()
    joints = content["annotations"][0]["keypoints"]
    content["annotations"] = [
        {"id": i, "image_id": 1, "category_id": 1, "keypoints": joints, "bbox": box}
        for i, box in enumerate([[8, 15, 30, 50], [8, 15, 30, 51]])
    ]
    path = write(tmp_path / "person_keypoints.json", content)
    file = read_coco(path)
    results = [
        {"image_id": 1, "category_id": 1, "keypoints": joints, "score": 0.5 + i / 4}
        for i in range(2)
    ]
    found = keypoint_ap(file.content, results, file.skeleton.sigmas)
    assert found["AP"] == pytest.approx(1)
    assert [a["num_keypoints"] for a in file.content["annotations"]] == [11, 11]


# --- categories -----------------------------------------------------------


def other_joints(names, **category):
    """A file whose people have these joints, the i-th at (10 + i, 20 + i)."""
    joints = [[10 + i, 20 + i, 2] for i in range(len(names))]
    content = coco(keypoints=np.ravel(joints).tolist())
    content["annotations"] = content["annotations"][1:2]
    content["categories"] = [{"id": 1, "name": "dog", "keypoints": names, **category}]
    return content


def test_joints_in_another_order_are_sorted(tmp_path):
    names = sorted(skeletons.COCO.joints)
    path = write(tmp_path / "person_keypoints.json", other_joints(names))
    with pytest.warns(DatasetWarning, match="those of coco in another order"):
        dataset = COCOKeypoints(path)
    assert dataset.skeleton is skeletons.COCO
    for joint, place in zip(skeletons.COCO.joints, dataset[0].keypoints):
        assert place.tolist() == [10 + names.index(joint), 20 + names.index(joint)]
    # in the file's order, the constants are those of the names
    sigmas = dict(zip(skeletons.COCO.joints, skeletons.COCO.sigmas))
    assert read_coco(path).skeleton.sigmas == tuple(sigmas[n] for n in names)


@pytest.mark.parametrize(
    "target", [skeletons.COCO, skeletons.MPII], ids=lambda s: s.name
)
def test_joints_in_another_spelling_are_sorted(tmp_path, target):
    names = [joint.replace("_", " ").title() for joint in target.joints[::-1]]
    path = write(tmp_path / "person_keypoints.json", other_joints(names))
    with pytest.warns(DatasetWarning, match="order or spelling"):
        dataset = COCOKeypoints(path)
    assert dataset.skeleton is target
    assert dataset[0].keypoints[-1].tolist() == [10, 20]


@pytest.mark.parametrize("count", [5, 19, 21])
def test_joints_of_one_s_own(tmp_path, count):
    names = ["nose", *(f"{s} {j}" for j in "abcdefghij" for s in ("Left", "Right"))]
    names = names[:count]
    bones = [[1, 2], [1, 3]]
    path = write(
        tmp_path / "person_keypoints.json", other_joints(names, skeleton=bones)
    )
    with pytest.warns(DatasetWarning, match="skeleton dog was filled in. flip_map"):
        dataset = open_dataset(path)
    assert dataset.skeleton.joints == tuple(names)
    assert dataset.skeleton.bones == (("nose", "Left a"), ("nose", "Right a"))
    assert len(dataset.skeleton.flip_pairs) == (count - 1) // 2
    assert dataset[0].keypoints[3].tolist() == [13, 23]
    assert dataset[0].skeleton == dataset.skeleton


@pytest.mark.parametrize(
    "bones", [[[0, 1]], [[1, 99]], "x", [[1]], [["a", "b"]], None, [[1e999, 1]]]
)
def test_bones_that_cannot_be_used(tmp_path, bones):
    """From 0 they are understood; other nonsense is left to the names."""
    path = write(
        tmp_path / "person_keypoints.json",
        other_joints(["left_elbow", "left_wrist"], skeleton=bones),
    )
    assert COCOKeypoints(path).skeleton.bones == (("left_elbow", "left_wrist"),)


def test_joints_that_are_wanted(tmp_path):
    path = write(tmp_path / "person_keypoints.json", coco(keypoints=[7, 8, 2] * 17))
    with pytest.warns(DatasetWarning, match="coco has no head_top, upper_neck"):
        dataset = COCOKeypoints(path, skeleton="upper_body")
    assert dataset.skeleton is skeletons.UPPER_BODY
    assert dataset[0].visible.tolist() == [0, 0, 2, 2, 2]
    assert np.isnan(dataset[0].keypoints[:2]).all()
    mine = skeletons.Skeleton("mine", ["Right Wrist", "Nose"])
    assert open_dataset(path, skeleton=mine)[0].visible.tolist() == [2, 2]
    with pytest.raises(ValueError, match="no joint in common"):
        COCOKeypoints(path, skeleton=skeletons.Skeleton("x", ["tail"]))
    with pytest.raises(
        ValueError, match="unknown skeleton 'mppi'.*did you mean 'mpii'"
    ):
        open_dataset(path, skeleton="mppi")


def test_a_file_that_does_not_name_its_joints(tmp_path):
    content = other_joints(["a", "b", "c"])
    del content["categories"][0]["keypoints"]
    path = write(tmp_path / "person_keypoints.json", content)
    with pytest.raises(DatasetError, match="does not name its 3 joints.*skeleton="):
        COCOKeypoints(path)
    mine = skeletons.Skeleton("mine", ["tail", "back", "head"])
    with pytest.warns(DatasetWarning, match="taken for those of mine"):
        dataset = COCOKeypoints(path, skeleton=mine)
    assert dataset[0].keypoints.tolist() == [[10, 20], [11, 21], [12, 22]]


def test_several_categories(tmp_path):
    content = other_joints(["a", "b"])
    content["categories"] += [
        {"id": 2, "name": "cat", "keypoints": ["c", "d", "e"]},
        {"id": 3, "name": "ball"},
    ]
    cat = {**content["annotations"][0], "id": 8, "category_id": 2}
    ball = {"id": 9, "category_id": 3, "image_id": 1, "bbox": [0, 0, 1, 1]}
    content["annotations"] += [{**cat, "keypoints": [1, 2, 2] * 3}, ball]
    path = write(tmp_path / "person_keypoints.json", content)
    with pytest.raises(DatasetError, match="dog, cat have different joints.*category="):
        COCOKeypoints(path)
    dataset = COCOKeypoints(path, category="cat")
    assert dataset.skeleton.joints == ("c", "d", "e") and len(dataset) == 1
    assert dataset.left_out == {"other categories": 2}
    with pytest.raises(DatasetError, match="no category 'cow' with joints; .* ball"):
        open_dataset(path, category="cow")
    content["categories"][0]["name"] = "person"  # who else is meant
    assert COCOKeypoints(write(path, content)).skeleton.name == "person"


def test_joints_named_twice(tmp_path):
    path = write(tmp_path / "person_keypoints.json", other_joints(["Nose", "nose"]))
    with pytest.raises(DatasetError, match="category 'dog': .*'Nose', 'nose' mean"):
        COCOKeypoints(path)


# --- other skeletons ------------------------------------------------------


def test_people_in_the_joints_of_another_skeleton(tmp_path):
    write_mpii(tmp_path, pictures=False)
    people = MPII(tmp_path)
    with pytest.warns(DatasetWarning, match="mpii has no nose, left_eye"):
        others = people.as_skeleton("coco")
    assert others.skeleton is skeletons.COCO and len(others) == len(people)
    assert others.name == f"{people.name}-coco"
    a, b = skeletons.MPII.index("left_hip"), skeletons.COCO.index("left_hip")
    for person, other in zip(people, others):
        np.testing.assert_array_equal(other.keypoints[b], person.keypoints[a])
        assert not other.visible[:5].any() and len(person.keypoints) == 16
        alone = person.as_skeleton("coco")
        np.testing.assert_array_equal(alone.keypoints, other.keypoints)
        assert alone.skeleton is skeletons.COCO and alone.image == person.image
    assert people.as_skeleton(skeletons.MPII) is people
    with pytest.raises(ValueError, match="no joint in common"):
        people.as_skeleton(skeletons.Skeleton("x", ["tail"]))


def test_a_person_of_nobody(tmp_path):
    person = Person("a", np.zeros((1, 2)), np.ones(1), (0, 0), 1.0, id="me")
    with pytest.raises(ValueError, match="'me' does not say which joints"):
        person.as_skeleton("mpii")


# --- real pictures --------------------------------------------------------


def test_real_coco(shared_data):
    dataset = open_dataset(shared_data / "coco_ccby")
    assert len(dataset) == 25 and sum(dataset.left_out.values()) == 15
    for person in dataset:
        height, width = dataset.read_image(person).shape[:2]
        assert person.extra["image_size"] == (width, height)
        labelled = person.keypoints[person.visible > 0]
        assert (labelled >= 0).all() and (labelled < [width, height]).all()
        assert 0 < person.area < width * height
    assert check(dataset).outside_joints == 0


# --- pictures held against their annotations ------------------------------


def turned_jpeg(image, orientation: int) -> bytes:
    """A JPEG that asks to be turned, so that it then is `image`."""
    back = {1: 1, 3: 3, 6: 8, 8: 6}[orientation]
    stored = turn_upright(image, back)[..., ::-1]
    data = cv2.imencode(".jpg", stored, [cv2.IMWRITE_JPEG_QUALITY, 95])[1].tobytes()
    return with_exif(data, orientation)


def write_turned(tmp_path, *pictures):
    """One person in each picture ``(width, height, orientation)``, labelled on
    the upright one."""
    content = coco()
    person, content["annotations"] = content["annotations"][1], []
    content["images"] = []
    for i, (width, height, orientation) in enumerate(pictures):
        name = f"{i}.jpg"
        (tmp_path / "images").mkdir(exist_ok=True)
        data = turned_jpeg(picture(i, width, height), orientation)
        (tmp_path / "images" / name).write_bytes(data)
        content["images"].append(
            {"id": i, "file_name": name, "width": width, "height": height}
        )
        content["annotations"].append({**person, "id": i + 1, "image_id": i})
    return COCOKeypoints(write(tmp_path / "person_keypoints.json", content))


def near(a, b):
    return a.shape == b.shape and np.abs(a.astype(int) - b).mean() < 3


def test_a_picture_labelled_upright_is_turned(tmp_path):
    dataset = write_turned(tmp_path, (64, 80, 6), (64, 80, 8), (64, 80, 1))
    for i, person in enumerate(dataset):
        assert near(dataset.read_image(person), picture(i, 64, 80))
    report = check(dataset, decode=True)
    assert report.ok and report.turned_pictures == 2
    # large people are cut from a picture that is decoded smaller
    for size in (8, 100):
        crops = crop_in_memory(dataset, size, 1.0)
        for i, person in enumerate(dataset):
            expected = person.crop(size).warp(picture(i, 64, 80))
            inside = expected.any(-1)
            assert np.abs(crops.crops[i].astype(int) - expected)[inside].mean() < 9


def test_where_the_size_does_not_tell_the_other_pictures_do(tmp_path):
    """Square, or upside down; whatever part of the people is taken."""
    dataset = write_turned(tmp_path, (64, 64, 6), (64, 80, 3), (64, 80, 6))
    for some in (dataset, dataset.first(1), pickle.loads(pickle.dumps(dataset))):
        for i, person in enumerate(some):
            assert near(
                some.read_image(person), picture(i, *((64, 64), (64, 80))[i > 0])
            )
    assert check(dataset).turned_pictures == 3


def test_a_picture_labelled_as_it_is_stored_is_not_turned(tmp_path):
    dataset = write_turned(tmp_path, (64, 80, 6), (64, 64, 6))
    content = json.loads((tmp_path / "person_keypoints.json").read_text())
    content["images"][0] |= {"width": 80, "height": 64}
    dataset = COCOKeypoints(write(tmp_path / "person_keypoints.json", content))
    for i, size in enumerate(((64, 80), (64, 64))):
        stored = turn_upright(picture(i, *size), 8)
        assert near(dataset.read_image(dataset[i]), stored)
    assert check(dataset).turned_pictures == 0


@pytest.mark.parametrize("size", [(32, 40), (80, 64), (128, 160)])
def test_a_picture_that_was_changed_after_it_was_labelled(tmp_path, size):
    write_picture(tmp_path / "images" / "a.jpg", picture(0, *size))
    dataset = COCOKeypoints(write(tmp_path / "person_keypoints.json", coco()))
    with pytest.raises(ImageError, match=f"{size[0]} x {size[1]} .* says 64 x 80"):
        dataset.read_image(dataset[0])
    report = check(dataset)
    assert not report.ok and "says 64 x 80" in report.other_pictures[0]
    with pytest.raises(CropsError, match="says 64 x 80"):
        crop_in_memory(dataset, 32)


@pytest.mark.parametrize("say", [{}, {"width": None, "height": 0}, {"width": "a"}])
def test_a_file_that_does_not_say_how_large_pictures_are(tmp_path, say):
    """Then the joints beyond the edges are all there is to see."""
    content = coco()
    content["images"][0] = {"id": 1, "file_name": "a.jpg", **say}
    dataset = COCOKeypoints(write(tmp_path / "person_keypoints.json", content))
    write_picture(tmp_path / "images" / "a.jpg", picture(0, 18, 80))
    assert dataset.read_image(dataset[0]).shape == (80, 18, 3)
    report = check(dataset)
    # 5 of the 11 labelled joints are at x = 20, 21, 23, 24, 26; 18 is inside
    assert report.outside_picture == pytest.approx(5 / 11)
    assert not report.ok and "were labelled?" in str(report)


# --- where pictures are ---------------------------------------------------


LAYOUTS = {
    "coco": ("annotations/person_keypoints_val2017.json", "val2017/", ""),
    "images": ("person_keypoints.json", "images/", ""),
    "cvat": ("annotations/person_keypoints_default.json", "images/default/", ""),
    "roboflow": ("valid/_annotations.coco.json", "valid/", ""),
    "label studio": ("result.json", "images/", "images\\"),
    "label studio, posix": ("result.json", "images/", "images/"),
    "label studio, local": ("result.json", "images/", "../../media/upload/1/"),
    "windows": ("my people.json", "", "C:\\Users\\me\\images\\"),
    "absolute": ("annotations.json", "images/", "/home/me/"),
    "beside": ("labels.json", "", ""),
    "subfolders": ("annotations/instances_default.json", "images/", "a/b/"),
}


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("name_file", [False, True])
def test_layouts_of_tools(tmp_path, layout, name_file):
    file, folder, prefix = LAYOUTS[layout]
    content = coco()
    content["images"][0]["file_name"] = f"{prefix}a.jpg"
    write(tmp_path / file, content)
    inside = prefix if layout == "subfolders" else ""
    write_picture(tmp_path / folder / f"{inside}a.jpg", picture(0, 64, 80))
    dataset = open_dataset(tmp_path / file if name_file else tmp_path)
    assert len(dataset) == 1 and check(dataset).missing_pictures == []
    assert dataset.read_image(dataset[0]).shape == (80, 64, 3)


def test_pictures_that_are_elsewhere(tmp_path, joints):
    """``images=`` of every reader, also where names have a folder in front."""
    content = coco()
    content["images"][0]["file_name"] = "old/a.jpg"
    path = write(tmp_path / "labels" / "person_keypoints.json", content)
    elsewhere = tmp_path / "elsewhere"
    write_picture(elsewhere / "a.jpg", picture(0, 64, 80))
    assert check(path).missing_pictures == ["old/a.jpg"]
    assert check(path, images=elsewhere).ok
    with zipfile.ZipFile(tmp_path / "photos.zip", "w") as archive:
        archive.write(elsewhere / "a.jpg", "photos/a.jpg")
    for images in ("photos", "photos.zip"):
        assert check(path, images=tmp_path / images).ok
    with pytest.raises(FileNotFoundError, match="no folder of pictures .*nowhere"):
        open_dataset(path, images=tmp_path / "nowhere")
    write_mpii(tmp_path / "mpii", pictures=False)
    write_picture(elsewhere / "000000.jpg", picture(0))
    dataset = open_dataset(tmp_path / "mpii", images=elsewhere)
    assert dataset.read_image(dataset[0]).shape == (120, 160, 3)
    path = write(tmp_path / "aic" / "a.json", challenger(image_id="sub/abc"))
    write_picture(elsewhere / "abc.jpg", picture(0))
    dataset = open_dataset(path, images=str(elsewhere))
    assert dataset.read_image(dataset[0]).shape == (120, 160, 3)
    scipy.io.savemat(tmp_path / "mine.mat", {"joints": joints.transpose(2, 1, 0)})
    write_picture(elsewhere / "images" / "im0001.jpg", picture(0))
    dataset = open_dataset(tmp_path / "mine.mat", "train", images=elsewhere)
    assert dataset.read_image(dataset[0]).shape == (120, 160, 3)


def test_last_names_that_are_two_pictures(tmp_path):
    """Then a name is only taken whole."""
    content = coco()
    content["images"] = [{"id": i, "file_name": f"C:\\{i}\\a.jpg"} for i in (1, 2)]
    path = write(tmp_path / "person_keypoints.json", content)
    write_picture(tmp_path / "images" / "a.jpg", picture(0, 64, 80))
    with pytest.raises(DatasetError, match="'C:/1/a.jpg' lies outside"):
        COCOKeypoints(path)


# --- splits ---------------------------------------------------------------


def many_people(count=40, per_picture=2):
    content = coco()
    person = content["annotations"][1]
    content["images"] = [{"id": i, "file_name": f"{i}.jpg"} for i in range(count)]
    content["annotations"] = [
        {**person, "id": 1 + i, "image_id": i // per_picture}
        for i in range(count * per_picture)
    ]
    return content


def test_data_without_splits_is_split_by_picture(tmp_path):
    write(tmp_path / "person_keypoints.json", many_people())
    everybody = open_dataset(tmp_path)
    assert len(everybody) == len(open_dataset(tmp_path, "all")) == 80
    with pytest.warns(DatasetWarning, match="4 of 40 pictures, drawn with seed 0"):
        valid = open_dataset(tmp_path, "valid")
    train = open_dataset(tmp_path, "train")
    pictures = [{p.image for p in some} for some in (train, valid)]
    assert not pictures[0] & pictures[1] and list(map(len, pictures)) == [36, 4]
    assert (len(train), len(valid)) == (72, 8)
    assert {p.id for p in train} | {p.id for p in valid} == {p.id for p in everybody}
    assert "36 of 40 pictures" in train.split_note and train.name == "coco-train"
    assert train.split_note in train.notes[-1] and everybody.split_note == ""


def test_the_split_depends_on_names_and_seed_alone(tmp_path):
    content = many_people()
    path = write(tmp_path / "a.json", content)
    valid = {p.image for p in open_dataset(path, "valid")}
    other = {p.image for p in open_dataset(path, "valid", split_seed=1)}
    assert valid != other
    half = open_dataset(path, "valid", valid_share=0.5)
    assert len(half) == 40 and valid < {p.image for p in half}
    content["annotations"].reverse()
    content["images"].reverse()
    again = open_dataset(write(tmp_path / "b.json", content), "valid")
    assert {p.image for p in again} == valid
    for share in (0, 1, float("nan"), -1):
        with pytest.raises(ValueError, match="valid_share"):
            open_dataset(path, "valid", valid_share=share)


def test_one_picture_cannot_be_split(tmp_path):
    path = write(tmp_path / "person_keypoints.json", coco())
    with pytest.raises(DatasetError, match="one picture only.*'all'"):
        open_dataset(path, "train")
    two = write(tmp_path / "two.json", many_people(2, 1))
    assert [len(open_dataset(two, s)) for s in ("train", "valid")] == [1, 1]


@pytest.mark.parametrize(
    "place, split, message",
    [
        ("single.json", "test", "there are train, valid .* and all, not 'test'"),
        ("coco", "train", "has no split 'train'; it has valid"),
        ("coco", "nonsense", "has no split 'nonsense'; it has valid"),
        (
            "coco/annotations/person_keypoints_val2017.json",
            "train",
            "the split 'valid'",
        ),
        ("mpii", "train", "has no split 'train'; it has valid"),
        ("mpii/annot/valid.json", "test", "by its name the split 'valid'"),
        ("aic", "train", "has no split 'train'; it has valid"),
        ("lsp", "test", "has no split 'test'; it has train, valid, trainval"),
        ("lsp/joints.mat", "test", "LSP has the splits"),
    ],
)
def test_a_split_that_is_not_there(one_of_each, place, split, message):
    write(one_of_each / "single.json", many_people())
    with pytest.raises(ValueError, match=message):
        open_dataset(one_of_each / place, split)


def test_a_file_that_is_one_split(one_of_each):
    path = one_of_each / "coco/annotations/person_keypoints_val2017.json"
    for split in (None, "valid", "val", "all"):
        assert len(open_dataset(path, split)) == 1
    assert open_dataset(path).split == "valid"
    assert len(open_dataset(one_of_each / "mpii/annot/valid.json", "valid")) == 12


def test_one_mpii_file_without_a_split(tmp_path):
    write_mpii(tmp_path, pictures=False)
    (tmp_path / "annot/valid.json").rename(tmp_path / "annot/mine.json")
    path = tmp_path / "annot/mine.json"
    parts = [{p.image for p in open_dataset(path, s)} for s in ("train", "valid")]
    assert len(open_dataset(path)) == 12 and not parts[0] & parts[1]
    assert list(map(len, parts)) == [5, 1]


def test_a_folder_with_splits_of_a_tool(tmp_path):
    for split in ("train", "valid"):
        write(tmp_path / split / "_annotations.coco.json", coco())
        write_picture(tmp_path / split / "a.jpg", picture(0, 64, 80))
    for split in ("train", "valid"):
        dataset = open_dataset(tmp_path, split)
        assert dataset.pictures.folder == tmp_path / split and dataset.split == split
        assert dataset.name == f"{tmp_path.name}-{split}"
    with pytest.raises(DatasetError, match="no split 'test'; it has train, valid"):
        open_dataset(tmp_path, "test")


def test_coco_files_where_mpii_has_its_own(tmp_path):
    """Content decides: train.json and valid.json may be of any form."""
    for split in ("train", "val"):
        write(tmp_path / "annotations" / f"{split}.json", coco())
    assert type(open_dataset(tmp_path, "train")) is COCOKeypoints
    write(tmp_path / "annotations" / "extra.json", coco())
    assert open_dataset(tmp_path).split == "valid"
    (tmp_path / "annotations" / "val.json").unlink()
    (tmp_path / "annotations" / "train.json").rename(tmp_path / "one.json")
    with pytest.raises(DatasetError, match="several annotation files, extra.json, one"):
        open_dataset(tmp_path)


# --- JSON -----------------------------------------------------------------


@pytest.mark.parametrize(
    "encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32"]
)
@pytest.mark.parametrize("kind", ["coco", "mpii"])
def test_json_in_any_unicode(tmp_path, encoding, kind):
    content = coco()
    content["images"][0]["file_name"] = "人.jpg"
    if kind == "mpii":
        write_mpii(tmp_path / "x", count=2, pictures=False)
        content = json.loads((tmp_path / "x/annot/valid.json").read_text())
        content[0]["image"] = "人.jpg"
    path = tmp_path / "labels.json"
    path.write_bytes(json.dumps(content, ensure_ascii=False).encode(encoding))
    assert open_dataset(path)[0].image == "人.jpg"


@pytest.mark.parametrize(
    "data",
    [
        b"[" * 100_000,
        b'{"images": ' * 100_000,
        b"\xff\xfe\x00",
        b"\x93NUMPY",
        b"<html>",
        b'{"images": [], "annotations": [',
        b"1" * 5000,
        b"null",
        b"3",
        b'"text"',
        b"[]",
        b"{}",
        b"[[]]",
        b"[null]",
        b'{"root": 5}',
        b'{"root": [{}]}',
        "käse".encode("latin-1"),
    ],
)
def test_files_that_are_no_annotations(tmp_path, data):
    path = tmp_path / "labels.json"
    path.write_bytes(data)
    with pytest.raises(DatasetError, match="labels.json"):
        open_dataset(path)


@pytest.mark.skipif(os.name == "nt", reason="no pipes and devices")
def test_annotation_files_that_are_no_files(tmp_path):
    os.mkfifo(tmp_path / "pipe.json")
    (tmp_path / "loop.json").symlink_to("loop.json")
    (tmp_path / "zero.json").symlink_to("/dev/zero")
    for name in ("pipe.json", "zero.json"):
        with pytest.raises(DatasetError, match=f"{name} is .*(pipe|device)"):
            COCOKeypoints(tmp_path / name)
        with pytest.raises(FileNotFoundError):
            open_dataset(tmp_path / name)
    with pytest.raises((DatasetError, FileNotFoundError), match="loop.json"):
        COCOKeypoints(tmp_path / "loop.json")
    with pytest.raises(DatasetError, match="is a folder"):
        COCOKeypoints(tmp_path)


@pytest.mark.parametrize(
    "content, message",
    [
        ({"joints": "text"}, "expected numbers 'joints'"),
        ({"joints": np.zeros((14, 3))}, "expected numbers 'joints'"),
        ({"joints": np.array([["a"]], object)}, "expected numbers 'joints'"),
        ({"pos_gt_src": np.zeros((16, 2, 3))}, "ground truth for MPII's evaluation"),
        ({"pos_pred_src": np.zeros((16, 2, 3))}, "no RELEASE.annolist.*pos_pred_src"),
        ({"RELEASE": "text"}, "no RELEASE.annolist"),
        ({"RELEASE": {"annolist": np.zeros(3), "img_train": "x"}}, "img_train must be"),
        ({"RELEASE": {"annolist": np.zeros(3), "img_train": np.ones(3)}}, "no people"),
    ],
)
def test_matlab_files_of_another_kind(tmp_path, content, message):
    path = tmp_path / "some.mat"
    scipy.io.savemat(path, content)
    with pytest.raises(DatasetError, match=f"some.mat.*{message}"):
        open_dataset(path, "trainval")


# --- AI Challenger --------------------------------------------------------


def challenger(**change):
    joints = np.ravel([[10 * i, 10 * i + 5, 1 + i % 3] for i in range(14)]).tolist()
    picture = {
        "image_id": "abc",
        "human_annotations": {"human1": [10, 20, 50, 100], "human2": [0, 0, 9, 9]},
        "keypoint_annotations": {"human1": joints, "human2": [0, 0, 3] * 14},
    }
    return [{**picture, **change}]


def test_ai_challenger(tmp_path):
    path = write(
        tmp_path / "keypoint_validation_annotations_20170911.json", challenger()
    )
    write_picture(
        tmp_path / "keypoint_validation_images_20170911" / "abc.jpg", picture(0)
    )
    dataset = AIChallenger(path)
    assert len(dataset) == 1  # human2 has no labelled joint
    person = dataset[0]
    # 1 is visible there, 2 hidden, 3 not labelled
    assert person.visible.tolist() == [2, 1, 0] * 4 + [2, 1]
    assert person.keypoints[1].tolist() == [10, 15]
    assert np.isnan(person.keypoints[2]).all()
    assert person.box == (10, 20, 40, 80) and person.area == 3200
    window_around(person, person.box, 1.25)
    assert dataset.read_image(person).shape == (120, 160, 3)


@pytest.mark.parametrize(
    "content, message",
    [
        ([], "not an AI Challenger file"),
        (
            challenger(keypoint_annotations={"human1": [1, 1, 1] * 13}),
            "human1 of abc: 13 joints",
        ),
        (
            challenger(keypoint_annotations={"human1": [1, 1, 0] * 14}),
            "human1 of abc: flags",
        ),
        (challenger(human_annotations={}), "human1 of abc: no 'human1'"),
        (challenger(human_annotations=None), "picture .: 'human_annotations' is null"),
        (challenger(human_annotations=[1]), "picture .: .*must be objects"),
        (challenger(human_annotations={"human1": [5, 5, 5, 9]}), "box is empty"),
        (challenger(human_annotations={"human1": "x"}), "the box must be numbers"),
        (challenger(image_id=None), "picture .: 'image_id' is null"),
        (challenger(keypoint_annotations={}), "no person"),
    ],
)
def test_ai_challenger_bad_files(tmp_path, content, message):
    path = write(tmp_path / "a.json", content)
    with pytest.raises(DatasetError, match=message):
        AIChallenger(path)
    if "abc" in message or "picture" in message:
        good = challenger(image_id="good")
        with pytest.warns(DatasetWarning, match=message):
            dataset = AIChallenger(write(path, good + content))
        assert [p.image for p in dataset] == ["good.jpg"]
        with pytest.raises(DatasetError, match=message):
            AIChallenger(path, strict=True)


# --- opening --------------------------------------------------------------


@pytest.fixture
def one_of_each(tmp_path, joints):
    write_mpii(tmp_path / "mpii", pictures=False)
    write(tmp_path / "coco/annotations/person_keypoints_val2017.json", coco())
    write(tmp_path / "aic/sub/keypoint_validation_annotations_1.json", challenger())
    (tmp_path / "lsp").mkdir()
    scipy.io.savemat(
        tmp_path / "lsp" / "joints.mat", {"joints": joints.transpose(2, 1, 0)}
    )
    return tmp_path


@pytest.mark.parametrize(
    "place, kind",
    [
        ("mpii", MPII),
        ("mpii/annot/valid.json", MPII),
        ("coco", COCOKeypoints),
        ("coco/annotations/person_keypoints_val2017.json", COCOKeypoints),
        ("aic", AIChallenger),
        ("lsp", LSP),
        ("lsp/joints.mat", LSP),
        ("aic/sub/keypoint_validation_annotations_1.json", AIChallenger),
    ],
)
def test_open_dataset(one_of_each, place, kind):
    for spec in (one_of_each / place, str(one_of_each / place)):
        dataset = open_dataset(spec, "valid")
        assert type(dataset) is kind and len(dataset)
        again = pickle.loads(pickle.dumps(dataset))
        assert again[0].image == dataset[0].image


def test_open_dataset_finds_pictures_beside_the_annotations(one_of_each):
    root = one_of_each / "mpii"
    dataset = open_dataset(root / "annot" / "valid.json")
    assert dataset.pictures.folder == root / "images"


def test_open_dataset_says_what_it_looked_for(tmp_path):
    (tmp_path / "notes.txt").touch()
    with pytest.raises(FileNotFoundError) as error:
        open_dataset(tmp_path, "train")
    for words in (
        "'train'",
        str(tmp_path),
        "annot/train.json",
        "person_keypoints_train*.json",
        "joints.mat",
        "keypoint_train_annotations",
        "notes.txt",
    ):
        assert words in str(error.value)
    with pytest.raises(FileNotFoundError, match="neither a folder"):
        open_dataset(tmp_path / "nowhere")
    for spec in ("", " ", None, 5, ["a"]):
        with pytest.raises(ValueError, match="named by a path"):
            open_dataset(spec)
    with pytest.raises(ValueError, match="count: only the built-in"):
        open_dataset(tmp_path, count=3)


def test_open_built_in_people():
    people = open_dataset("synthetic", "train", count=3, size=64)
    others = open_dataset("synthetic", "valid", count=3, size=64)
    assert len(people) == len(others) == 3
    assert not np.allclose(people[0].keypoints, others[0].keypoints, equal_nan=True)
    image = people.read_image(people[0])
    assert image.dtype == np.uint8 and image.shape[2] == 3
    with pytest.raises(ValueError, match="splits train, valid, test"):
        open_dataset("synthetic", "trainval")


def test_everything_promised_is_there():
    for name in datasets.__all__:
        assert getattr(datasets, name) is not None
    with pytest.raises(AttributeError, match="Nothing"):
        _ = datasets.Nothing


# --- checking -------------------------------------------------------------


def test_check_finds_what_is_wrong(tmp_path):
    write_mpii(tmp_path, count=8)
    dataset = MPII(tmp_path)
    assert check(dataset).ok
    people = dataset.people
    people.append(people[3])
    people[0].keypoints[8] = [-4, 10]
    people[1].keypoints[8] = [np.nan, 10]
    people[2].keypoints[8] = [200, 60]  # the window reaches to 130
    people[4].visible[9] = 1
    report = check(dataset)
    assert report.duplicates == [people[3].id]
    assert report.negative == 1 and report.not_finite == 1
    labelled = sum((p.visible > 0).sum() for p in people)
    assert report.outside_people == pytest.approx(2 / 9)
    assert report.outside_joints == pytest.approx(2 / labelled)
    assert report.hidden == pytest.approx(1 / labelled)
    assert not report.ok
    shares = np.mean([p.visible == 0 for p in people], 0)
    np.testing.assert_allclose(list(report.unlabelled.values()), shares)
    assert report.unlabelled_pairs["ankle"] == pytest.approx(
        (shares[0] + shares[5]) / 2
    )
    text = str(report)
    assert "9 people in 4 pictures" in text and "4 of 4" in text
