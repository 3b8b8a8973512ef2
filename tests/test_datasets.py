"""COCO, Leeds Sports Pose, AI Challenger, and finding out which it is."""

import json
import pickle

import numpy as np
import pytest
import scipy.io
from pose_samples import picture, write_mpii, write_picture

from posecourse import datasets, skeletons
from posecourse.datasets import (
    LSP,
    MPII,
    AIChallenger,
    COCOKeypoints,
    DatasetError,
    check,
    open_dataset,
)
from posecourse.datasets.parsing import keypoint_box, position_from_box


def write(path, value):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(value))
    return path


def window_around(person, box, times):
    """The standard window has the box in its middle."""
    x, y, w, h = box
    crop = person.crop()
    np.testing.assert_allclose(crop.center, (x + (w - 1) / 2, y + (h - 1) / 2))
    np.testing.assert_allclose(crop.size, times * max(w, h))


def test_position_from_box_centres_the_box():
    from posecourse.datasets import Person

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
        "keypoints": sum(joints, []),
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
    assert len(dataset) == 1 and dataset.skipped == 2
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
        (coco(keypoints=[5, 5, 2] * 16), "16 joints .* coco has 17"),
        (coco(keypoints=[5, 5, 3] * 17), "visibility must be"),
        (coco(bbox=[1, 2, 0, 5]), "annotation 7: .*box"),
        (coco(image_id=99), "annotation 7: unusable"),
        (coco(keypoints=[0] * 51), "no person with keypoints"),
    ],
)
def test_coco_bad_files(tmp_path, content, message):
    path = write(tmp_path / "person_keypoints.json", content)
    with pytest.raises(DatasetError, match=message):
        COCOKeypoints(path)


def test_coco_with_other_joints(tmp_path):
    content = coco()
    content["categories"][0]["keypoints"] = ["a", "b"]
    path = write(tmp_path / "person_keypoints.json", content)
    with pytest.raises(DatasetError, match="has the joints a, b"):
        COCOKeypoints(path)


def test_real_coco(shared_data):
    dataset = open_dataset(shared_data / "coco_ccby")
    assert len(dataset) == 25 and dataset.skipped == 15
    for person in dataset:
        height, width = dataset.read_image(person).shape[:2]
        assert person.extra["image_size"] == (width, height)
        labelled = person.keypoints[person.visible > 0]
        assert (labelled >= 0).all() and (labelled < [width, height]).all()
        assert 0 < person.area < width * height
    assert check(dataset).outside_joints == 0


# --- AI Challenger --------------------------------------------------------


def challenger(**change):
    joints = sum(([10 * i, 10 * i + 5, 1 + i % 3] for i in range(14)), [])
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
        (challenger(human_annotations={}), "human1 of abc: unusable"),
        (challenger(human_annotations={"human1": [5, 5, 5, 9]}), "empty box"),
        (challenger(keypoint_annotations={}), "no person"),
    ],
)
def test_ai_challenger_bad_files(tmp_path, content, message):
    path = write(tmp_path / "a.json", content)
    with pytest.raises(DatasetError, match=message):
        AIChallenger(path)


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
        datasets.Nothing


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
