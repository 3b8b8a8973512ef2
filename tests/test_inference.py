"""From pictures to poses: the right pixels, many pictures, files of poses."""

import csv
import itertools
import json
import os

import cv2
import numpy as np
import pytest
import torch
from torch import nn

from posecourse import models
from posecourse.codecs import HeatmapCodec
from posecourse.device import choose_device
from posecourse.drawing import draw_box, draw_pose
from posecourse.inference import (
    CSV_COLUMNS,
    ImagePoses,
    Pose,
    PoseFile,
    PredictionError,
    PredictionWarning,
    Predictor,
    load_poses,
    poses_to_csv,
    save_poses,
)
from posecourse.inference.predictor import _search_boxes
from posecourse.skeletons import MPII, UPPER_BODY, Skeleton

DOTS = Skeleton("dots", ("red", "green", "blue", "white"), (), ("red",) * 4, (0.1,) * 4)
TONES = np.array([[255, 0, 0], [0, 255, 0], [0, 0, 255], [255, 255, 255]])

pytestmark = pytest.mark.usefixtures("one_thread")


class DotFinder(models.PoseNetwork):
    """A heatmap per colour: how near each pixel's colour is to it."""

    name, skeleton = "dot_finder", DOTS

    def __init__(self):
        codec = HeatmapCodec((96, 128), (48, 64), sigma=1.5, decoder="soft_argmax")
        super().__init__(codec)
        self.seen = []
        mean = torch.tensor([0.485, 0.456, 0.406])
        std = torch.tensor([0.229, 0.224, 0.225])
        tones = (torch.tensor(TONES / 255).float() - mean) / std
        self.register_buffer("tones", tones)
        self.register_buffer("gain", torch.ones(4, 1, 1))

    def forward(self, images):
        self.seen.append(images)
        off = images[:, None] - self.tones[None, :, :, None, None]
        near = torch.exp(-3 * off.square().mean(2))
        return [nn.functional.avg_pool2d(near, 2) * self.gain]


def picture(points, size=(300, 400), radius=9):
    """Dots of the four colours, on black, drawn to 1/16 pixel."""
    image = np.zeros((size[1], size[0], 3), np.uint8)
    for point, tone in zip(points, TONES):
        cv2.circle(
            image,
            [round(16 * v) for v in point],
            16 * radius,
            tone.tolist(),
            -1,
            cv2.LINE_AA,
            4,
        )
    return image


POINTS = np.array([[100.5, 80.25], [180, 90], [130.75, 200], [90, 300.5]])


@pytest.fixture
def predictor():
    return Predictor(DotFinder(), "cpu")


@pytest.mark.parametrize("size", [(300, 400), (400, 330), (240, 500)])
def test_the_whole_picture_is_one_persons(predictor, size):
    (pose,) = predictor(picture(POINTS, size))
    assert pose.box == (0, 0, *size)
    assert np.abs(pose.keypoints - POINTS).max() < 1.5
    assert pose.skeleton == DOTS and pose.scores.shape == (4,)
    shown = predictor.model.seen[0]
    assert shown.shape == (1, 3, 128, 96)


@pytest.mark.parametrize("shift", [(0, 0), (37, -11), (-400, 250)])
def test_boxes_give_picture_pixels(predictor, shift):
    """A box around the dots, anywhere in a large picture."""
    there = POINTS + (500, 400) + np.array(shift)
    (pose,) = predictor(
        picture(there, (1200, 1100)), [(*(there.min(0) - 20), *(np.ptp(there, 0) + 40))]
    )
    assert np.abs(pose.keypoints - there).max() < 0.5


def test_many_boxes_in_batches():
    """Poses come in the order of the boxes, whatever the batches."""
    rng = np.random.default_rng(0)
    image = picture(POINTS)
    boxes = [(*rng.uniform(0, 60, 2), *rng.uniform(180, 260, 2)) for _ in range(7)]
    together = Predictor(DotFinder(), "cpu", batch_size=3)(image, boxes)
    assert [pose.box for pose in together] == boxes
    for box, pose in zip(boxes, together):
        (alone,) = Predictor(DotFinder(), "cpu")(image, [box])
        assert np.allclose(alone.keypoints, pose.keypoints, atol=1e-3)


def test_nobody_in_no_boxes(predictor):
    assert predictor(picture(POINTS), []) == []
    assert predictor(picture(POINTS), [], refine=True) == []


def test_a_second_look_is_closer(predictor):
    """Small in a large picture: the second look sees it larger."""
    there = POINTS / 3 + (700, 90)
    image = picture(there, (1000, 1000), radius=7)
    (first,) = predictor(image)
    (second,) = predictor(image, refine=True)
    errors = [np.abs(p.keypoints - there).max() for p in (first, second)]
    assert errors[1] < min(errors[0], 1)
    x, y, w, h = second.box
    assert w < 100 and h < 150
    assert (
        np.abs(
            np.array([x + w / 2, y + h / 2]) - (there.min(0) + there.max(0)) / 2
        ).max()
        < 10
    )


@pytest.mark.parametrize("size", [(1200, 700), (500, 1300)])
@pytest.mark.parametrize("place", [(0.3, 0.25), (0.75, 0.6)])
def test_who_is_small_in_a_picture_is_searched_for(predictor, size, place):
    """Too small to be seen in the whole, which shows other things instead."""
    there = POINTS / 8 + np.array(place) * size
    image = picture(there, size, radius=3)
    corners = [(60, 60), (size[0] - 60, 60), (60, size[1] - 60), np.subtract(size, 60)]
    for corner, tone in zip(corners, TONES):
        other = [int(v) for v in np.abs(tone.astype(int) - 90)]
        cv2.circle(image, [int(v) for v in corner], 50, other, -1)
    (first,) = predictor(image, refine=True)
    (found,) = predictor(image, search=True)
    errors = [np.abs(p.keypoints - there).max() for p in (first, found)]
    assert errors[0] > 100 and errors[1] < 1.5
    box = (*(there.min(0) - 5), *(np.ptp(there, 0) + 10))
    (given,) = predictor(image, [box], search=True)
    assert given.box == box  # nothing to search for


def test_a_window_of_a_picture_must_be_clearly_surer(predictor, monkeypatch):

    def look(targets, *_):  # the whole, closer, then windows
        score = next(scores)
        return [Pose(POINTS, np.full(4, score), box, DOTS) for _, box, _ in targets]

    monkeypatch.setattr(predictor, "_in_boxes", look)
    for small, expected in ((0.65, 0.6), (0.67, 0.67)):
        scores = itertools.chain([0.6, 0.6], itertools.repeat(small))
        (pose,) = predictor(picture(POINTS), search=True)
        assert pose.score == pytest.approx(expected)


@pytest.mark.parametrize("size", [(100, 100), (640, 427), (30, 3000)])
def test_search_windows_cover_the_picture(size):
    """Of each size, with halves in common; squares, centred where too large."""
    boxes = np.array(_search_boxes(*size))
    for side in set(boxes[:, 2]):
        some = boxes[boxes[:, 2] == side]
        assert (some[:, 3] == side).all()
        for axis, n in enumerate(size):
            starts = sorted(set(some[:, axis]))
            if side >= n:
                assert starts == [(n - side) / 2]
            else:
                assert starts[0] == 0 and starts[-1] + side == pytest.approx(n)
                assert np.diff(starts).max() <= side / 2 + 1e-9


def test_of_two_looks_the_surer_is_kept(predictor, monkeypatch):
    looks = iter([0.6, 0.4, 0.6, 0.9])

    def look(targets, *_):
        score = next(looks)
        return [Pose(POINTS, np.full(4, score), box, DOTS) for _, box, _ in targets]

    monkeypatch.setattr(predictor, "_in_boxes", look)
    for score in (0.6, 0.9):
        (pose,) = predictor(picture(POINTS), refine=True)
        assert pose.score == pytest.approx(score)


def test_flip_test_needs_the_mirror_image():
    """DOTS has no sides, so the mirrored answer only has to move back."""
    predictor = Predictor(DotFinder(), "cpu")
    (plain,) = predictor(picture(POINTS))
    (both,) = predictor(picture(POINTS), flip_test=True)
    once, twice = predictor.model.seen[-2:]
    assert torch.equal(once.flip(-1), twice)
    assert np.abs(plain.keypoints - both.keypoints).max() < 0.5


def test_paths_and_wrong_pictures(predictor, tmp_path):
    path = tmp_path / "Bild 人.png"
    path.write_bytes(cv2.imencode(".png", picture(POINTS)[..., ::-1])[1])
    (pose,) = predictor(path)
    assert np.abs(pose.keypoints - POINTS).max() < 1
    for wrong in (picture(POINTS)[..., 0], picture(POINTS) / 255.0):
        with pytest.raises(ValueError, match="RGB uint8"):
            predictor(wrong)
    with pytest.raises(FileNotFoundError):
        predictor(tmp_path / "none.png")
    with pytest.raises(ValueError, match="positive"):
        predictor(picture(POINTS), [(0, 0, 0, 5)])


@pytest.mark.parametrize("kind", [np.uint8, np.int64, np.float16, "uint8", "half"])
def test_boxes_are_computed_in_floats(predictor, kind):
    """200 + 180 is more than a uint8 holds."""
    there = POINTS + (190, 40)
    boxes = [[200, 80, 180, 255], [190, 60, 200, 240]]
    expected = predictor(picture(there, (500, 400)), boxes)
    if isinstance(kind, str):
        given = torch.tensor(boxes, dtype=getattr(torch, kind))
    else:
        given = np.array(boxes, kind)
    for some in (given, list(given)):
        found = predictor(picture(there, (500, 400)), some)
        for a, b in zip(expected, found):
            assert np.abs(a.keypoints - there).max() < 1
            assert a.box == b.box and np.array_equal(a.keypoints, b.keypoints)


def test_pictures_as_tensors(predictor):
    image = picture(POINTS)
    (expected,) = predictor(image)
    tensor = torch.from_numpy(image)
    for some in (tensor, tensor.permute(2, 0, 1), image[:, ::-1][:, ::-1]):
        assert np.array_equal(predictor(some)[0].keypoints, expected.keypoints)


NAN = float("nan")


@pytest.mark.parametrize(
    "boxes, says",
    [
        ([(5000, 0, 10, 10)], "outside the picture of 300 x 200"),
        ([(0, 0, 9, 9), (-30, 0, 30, 9)], r"\(-30, 0, 30, 9\) lies outside"),
        ([(0, 200, 10, 10)], "outside"),
        ([(0, 0, 0, 10)], "positive"),
        ([(0, 0, 5, -1)], "positive"),
        ([(NAN, 0, 5, 5)], "finite"),
        ([(0, 0, float("inf"), 5)], "finite"),
        ((10, 20, 30, 40), r"\[\(10, 20, 30, 40\)\]"),
        (torch.tensor([10, 20, 30, 40]), "boxes is a list"),
        ([(1, 2, 3)], "four numbers"),
        ([(1, 2, 3, "wide")], "four numbers"),
        ([(1, 2, 1e-6, 40)], "smaller than a pixel"),
        ([(1, 2, 1e9, 40)], "more than 100 times as large"),
    ],
)
def test_boxes_that_show_nothing(predictor, boxes, says):
    image = np.zeros((200, 300, 3), np.uint8)
    with pytest.raises(ValueError, match=says):
        predictor(image, boxes)


def test_a_box_may_reach_out_of_the_picture(predictor):
    there = np.array([[30, 40], [20, 60], [40, 60], [30, 90.0]])
    image = picture(there, (120, 100), radius=4)
    (pose,) = predictor(image, [(-20, 20, 80, 100)])
    assert np.abs(pose.keypoints - there).max() < 1.5
    assert predictor(image, np.array([[299.0, 0, 5, 5], [0, 0, 9, 9]])[1:])
    predictor(image, [(99.5, 99.5, 5, 5)])  # the last pixel's corner


@pytest.mark.parametrize("size", [(1, 1), (1, 3000), (3000, 2)])
def test_tiny_and_thin_pictures_give_a_pose(predictor, size):
    (pose,) = predictor(np.zeros((*size, 3), np.uint8), refine=True)
    assert np.isfinite(pose.keypoints).all()


def test_empty_pictures_are_refused(predictor):
    with pytest.raises(ValueError, match="RGB uint8"):
        predictor(np.zeros((0, 5, 3), np.uint8))


def test_a_pose_as_a_dictionary():
    pose = Pose(np.arange(32.0).reshape(16, 2), np.linspace(0, 1, 16), (1, 2, 3, 4))
    content = json.loads(json.dumps(pose.to_dict()))
    assert content["box"] == [1, 2, 3, 4]
    assert list(content["keypoints"]) == list(MPII.joints)
    assert content["keypoints"]["right_knee"] == [2, 3, 0.0667]
    assert content["score"] == pose.score == 0.5


def test_the_box_around_joints_leaves_unsure_ones_out():
    points = np.tile([[10.0, 20]], (16, 1))
    points[:8] += (99, 49)
    points[0] = (5000, 5000)
    pose = Pose(points, np.r_[0.1, np.ones(15)], (0, 0, 1, 1))
    x, y, w, h = pose.keypoint_box()
    assert (w, h) == pytest.approx((1.12 * 100, 1.12 * 50))
    # centred on the pixels 10...109, 20...69
    assert (x + (w - 1) / 2, y + (h - 1) / 2) == pytest.approx((59.5, 44.5))
    assert Pose(points, np.zeros(16), (0, 0, 1, 1)).keypoint_box()[2] > 5000
    points[1] = NAN  # a gap, whatever its score
    assert pose.keypoint_box() == (x, y, w, h)
    with pytest.raises(ValueError, match="known joint"):
        Pose(points * NAN, np.ones(16), (0, 0, 1, 1)).keypoint_box()


@pytest.fixture
def run(tmp_path):
    torch.manual_seed(0)
    folder = tmp_path / "run"
    model = models.build("laptop", input_size=32, width=8)
    models.save_weights(model, folder / "weights.safetensors")
    return folder


def test_one_door_for_runs_files_and_names(run, tmp_path, monkeypatch):
    image = np.random.default_rng(0).integers(0, 256, (50, 40, 3), np.uint8)
    (a,) = Predictor.load(run, "cpu")(image)
    (b,) = Predictor.load(str(run / "weights.safetensors"), "cpu")(image)
    assert np.array_equal(a.keypoints, b.keypoints)
    assert a.skeleton is MPII
    named = Predictor.load("photos", "cpu")
    assert named.model.input_size == (128, 128)
    # a folder of pictures that is called like a network, and a run that is
    (tmp_path / "photos").mkdir()
    monkeypatch.chdir(tmp_path)
    (c,) = Predictor.load("photos", "cpu")(image)
    (same,) = named(image)
    assert np.array_equal(c.keypoints, same.keypoints, equal_nan=True)
    (d,) = Predictor.load("run", "cpu")(image)
    assert np.array_equal(a.keypoints, d.keypoints)
    with pytest.raises(FileNotFoundError, match="these do: .*photos"):
        Predictor.load("fotos")
    with pytest.raises(FileNotFoundError, match="no such run"):
        Predictor.load(tmp_path / "other")
    with pytest.raises(FileNotFoundError, match="--resume"):
        Predictor.load("./photos")


@pytest.mark.parametrize("mean", ["no JSON", "[[1, 2]]", "7", "[1, 2]"])
def test_a_mean_pose_that_is_none(run, mean):
    path = run / "weights.safetensors"
    models.save_weights(models.build("laptop", input_size=32), path, mean_pose=mean)
    with pytest.raises(ValueError, match="cannot be built|mean pose that is none"):
        Predictor.load(run, "cpu")


def test_devices():
    assert choose_device("cpu") == torch.device("cpu")
    assert choose_device() == choose_device("auto")
    with pytest.raises(ValueError, match="abacus"):
        choose_device("abacus")
    if not torch.cuda.is_available():
        with pytest.raises(ValueError, match="cuda"):
            choose_device("cuda")


def test_a_joint_that_was_never_labelled_is_a_gap(tmp_path):
    model = models.build("laptop", input_size=64)
    mean = [[32.0, 32.0]] * 16
    mean[MPII.index("pelvis")] = [None, None]
    path = tmp_path / "weights.safetensors"
    models.save_weights(model, path, mean_pose=mean)
    (pose,) = Predictor.load(path, "cpu")(np.zeros((80, 60, 3), np.uint8), refine=True)
    gone = np.isnan(pose.keypoints).all(1)
    assert np.flatnonzero(gone).tolist() == [MPII.index("pelvis")]
    assert pose.scores[gone] == 0 and np.isfinite(pose.scores).all()


# ------------------------------------------------------- not finite


@pytest.mark.parametrize("value", [NAN, float("inf")])
def test_a_network_that_answers_nan_is_refused(predictor, value):
    """A skeleton is never drawn from what is not a number."""
    predictor.model.gain[1] = value
    image = picture(POINTS)
    with pytest.raises(PredictionError, match=r"dot_finder .* not finite \(green\)"):
        predictor(image)
    with pytest.raises(PredictionError, match="weights are damaged"):
        predictor(image, [(0, 0, 200, 200)], flip_test=True, refine=True)
    with pytest.warns(PredictionWarning, match="picture 1"):
        results = list(predictor.predict_many([image, image]))
    assert [len(r) for r in results] == [0, 0]
    assert isinstance(results[0].error, PredictionError)


# ---------------------------------------------------- many pictures


def written(path, points):
    path.write_bytes(cv2.imencode(".png", picture(points)[..., ::-1])[1])
    return path


@pytest.mark.parametrize("options", [{}, {"refine": True}, {"flip_test": True}])
def test_many_are_as_one_by_one(tmp_path, options):
    predictor = Predictor(DotFinder(), "cpu", batch_size=3)
    moved = [POINTS + (i, 2 * i) for i in range(5)]
    paths = [written(tmp_path / f"{i}.png", p) for i, p in enumerate(moved)]
    results = predictor.predict_many((p for p in paths), **options)
    for path, points, result in zip(paths, moved, results, strict=True):
        (one,) = predictor(path, **options)
        assert result.image == str(path) and result.error is None
        assert (result.width, result.height) == (300, 400)
        assert np.allclose(result[0].keypoints, one.keypoints, atol=1e-3)
        assert np.abs(result[0].keypoints - points).max() < 1.5
    seen = [len(images) for images in predictor.model.seen]
    assert max(seen) == 3  # they went through the network together


def test_a_bad_picture_does_not_stop_the_others(predictor, tmp_path, monkeypatch):
    paths = [written(tmp_path / f"{name}.png", POINTS) for name in "abcd"]
    paths[1].write_bytes(b"not a picture")
    paths[2].unlink()
    stat = os.stat

    def no_permission(path, **options):
        if path == paths[3]:
            raise PermissionError(13, "Permission denied", str(path))
        return stat(path, **options)

    monkeypatch.setattr(os, "stat", no_permission)
    images = [*paths, picture(POINTS), picture(POINTS)]
    boxes = [None] * 4 + [[(900, 0, 9, 9)], [(80, 60, 120, 260)]]
    with pytest.warns(PredictionWarning, match="4 pictures have no poses") as told:
        results = list(predictor.predict_many(images, boxes))
    assert [len(r) for r in results] == [1, 0, 0, 0, 0, 1]
    assert [r.image for r in results] == [*map(str, paths), "4", "5"]
    kinds = [type(r.error).__name__ for r in results]
    assert kinds[1:4] == ["ImageError", "FileNotFoundError", "ImageError"]
    text = str(told[0].message)
    for name in ("b.png", "c.png", "d.png", "picture 4: box (900, 0, 9, 9) lies"):
        assert name in text
    assert np.abs(results[5][0].keypoints - POINTS).max() < 1


def test_what_is_not_many(predictor):
    image = picture(POINTS)
    for wrong in ("photo.png", image, torch.from_numpy(image), 7):
        with pytest.raises(ValueError, match="several pictures"):
            next(predictor.predict_many(wrong))
    with pytest.raises(ValueError, match="2 pictures, but there are 1"):
        next(predictor.predict_many([image], [None, None]))
    with pytest.raises(ValueError, match="shorter"):
        list(predictor.predict_many([image, image], iter([None])))
    assert list(predictor.predict_many([])) == []
    many = np.stack([image, image])
    for some in (many, torch.from_numpy(many)):
        results = list(predictor.predict_many(some))
        assert [r.image for r in results] == ["0", "1"]


# ------------------------------------------------- drawn, and on disk


def test_a_pose_draws_itself(tmp_path):
    image = np.full((400, 300, 3), 90, np.uint8)
    pose = Pose(POINTS, [0.9, 0.1, 0.9, 0.9], (60, 60, 150, 260), DOTS)
    plain = draw_pose(image, POINTS, skeleton=DOTS)
    assert np.array_equal(pose.draw(image), plain)
    sure = draw_pose(image, POINTS, scores=pose.scores, min_score=0.5, skeleton=DOTS)
    assert np.array_equal(pose.draw(image, min_score=0.5), sure)
    boxed = draw_pose(draw_box(image, pose.box), POINTS, skeleton=DOTS)
    assert np.array_equal(pose.draw(image, box=True), boxed)
    path = tmp_path / "a.png"
    path.write_bytes(cv2.imencode(".png", image)[1])
    assert np.array_equal(pose.draw(path), plain)
    result = ImagePoses([pose], str(path))
    assert np.array_equal(result.draw(boxes=True), boxed)
    assert np.array_equal(ImagePoses([]).draw(image), image)
    for unknown in (ImagePoses([pose]), ImagePoses([pose], str(path), frame=3)):
        with pytest.raises(ValueError, match=r"draw\(image\)"):
            unknown.draw()


def test_a_pose_takes_what_tools_give():
    pose = Pose(torch.arange(8).reshape(4, 2).half(), torch.ones(4), [1, 2, 3, 4], DOTS)
    assert pose.keypoints.dtype == np.float64 and pose.box == (1.0, 2.0, 3.0, 4.0)
    with pytest.raises(ValueError, match=r"dots has keypoints \(4, 2\)"):
        Pose(np.zeros((4, 3)), np.ones(4), (0, 0, 1, 1), DOTS)


@pytest.mark.parametrize("skeleton", [UPPER_BODY, DOTS])
def test_a_saved_pose_comes_back(tmp_path, skeleton):
    k = len(skeleton)
    points = np.arange(2.0 * k).reshape(k, 2) + 0.25
    points[1] = np.nan
    pose = Pose(points, np.linspace(0, 1, k), (1, 2, 3, 4), skeleton)
    read = Pose.load(pose.save(tmp_path / "pose.json"))
    assert np.array_equal(read.keypoints, points, equal_nan=True)
    assert np.allclose(read.scores, pose.scores, atol=1e-4) and read.box == pose.box
    assert read.skeleton == skeleton
    assert "NaN" not in (tmp_path / "pose.json").read_text()


@pytest.mark.parametrize(
    "content, says",
    [
        ("[]", "one pose is expected"),
        ("{}", "skeleton"),
        ('{"skeleton": "mpii"}', "'keypoints' is missing"),
        ('{"skeleton": "mpii", "keypoints": {}}', "'right_ankle' is missing"),
        ('{"skeleton": "mpii", "keypoints": 7, "box": []}', "right_ankle"),
        ("{", "not JSON"),
    ],
)
def test_what_is_no_pose(tmp_path, content, says):
    path = tmp_path / "pose.json"
    path.write_text(content)
    with pytest.raises(ValueError, match=says) as error:
        Pose.load(path)
    assert str(path) in str(error.value)


def results_of_two_pictures():
    gap = POINTS.copy()
    gap[2] = NAN
    return [
        ImagePoses(
            [Pose(POINTS, np.ones(4), (0, 0, 9, 9), DOTS)] * 2, "a, b.png", 9, 8
        ),
        ImagePoses(image="torn.png", error=ValueError("torn.png is torn")),
        ImagePoses(
            [Pose(gap, [1, 0.5, 0, 1], (0, 0, 9, 9), DOTS)],
            "walk.mp4",
            9,
            8,
            frame=3,
            time=0.12,
            rate=25.0,
        ),
    ]


def test_poses_of_many_pictures_come_back(tmp_path):
    path = save_poses(results_of_two_pictures(), tmp_path / "p.json", weights="w")
    content = json.loads(path.read_text())
    assert content["weights"] == "w"
    assert content["failed"] == [{"image": "torn.png", "error": "torn.png is torn"}]
    photo, frame = load_poses(path)
    assert (photo.image, len(photo), photo.width, photo.frame) == (
        "a, b.png",
        2,
        9,
        None,
    )
    assert (frame.frame, frame.time, frame.rate) == (3, 0.12, 25.0)
    assert np.isnan(frame[0].keypoints[2]).all() and frame[0].skeleton == DOTS
    assert np.allclose(photo[1].keypoints, POINTS, atol=0.005)
    assert load_poses(save_poses([], tmp_path / "none.json")) == []
    (one,) = load_poses(save_poses(photo.poses, tmp_path / "one.json"))
    assert len(one) == 2  # the poses of one picture, as predictor(...) gives them


def test_poses_of_two_skeletons_are_two_files(tmp_path):
    other = Pose(np.zeros((5, 2)), np.ones(5), (0, 0, 9, 9), UPPER_BODY)
    with pytest.raises(ValueError, match="one skeleton, not of dots, upper_body"):
        save_poses([*results_of_two_pictures(), ImagePoses([other])], tmp_path / "p")
    assert not list(tmp_path.iterdir())
    with pytest.raises(ValueError, match="not int"):
        save_poses([1, 2], tmp_path / "p")


@pytest.mark.parametrize(
    "content, says",
    [
        ("7", "no list of images"),
        ('{"images": []}', "skeleton"),
        ('{"skeleton": "coco", "images": [{"poses": 3}]}', "image 0"),
        ('{"skeleton": "coco", "images": [{"poses": [{}]}]}', "image 0, pose 0"),
    ],
)
def test_what_is_no_file_of_poses(tmp_path, content, says):
    path = tmp_path / "poses.json"
    path.write_text(content)
    with pytest.raises(ValueError, match=says) as error:
        load_poses(path)
    assert str(path) in str(error.value)


def test_a_table_of_joints(tmp_path):
    path = poses_to_csv(results_of_two_pictures(), tmp_path / "p.csv")
    with open(path, newline="", encoding="utf-8") as file:
        head, *rows = list(csv.reader(file))
    assert tuple(head) == CSV_COLUMNS
    assert len(rows) == 3 * 4
    assert rows[0] == ["a, b.png", "", "", "0", "red", "100.5", "80.25", "1.0"]
    assert rows[4][3] == "1"
    assert rows[9] == ["walk.mp4", "3", "0.12", "0", "green", "180.0", "90.0", "0.5"]
    assert rows[10][5:] == ["", "", "0.0"]


def test_names_that_are_not_utf8(tmp_path):
    """The bytes of a name come back from JSON; the table stays readable."""
    result = results_of_two_pictures()[0]
    result.image = "caf\udce9.png"
    (read,) = load_poses(save_poses([result], tmp_path / "p.json"))
    assert read.image == result.image
    table = poses_to_csv([result], tmp_path / "p.csv").read_text("utf-8")
    assert "caf\\udce9.png" in table


def test_the_file_is_whole_after_each_picture(tmp_path):
    path = tmp_path / "poses.json"
    path.write_text("of an earlier run")
    photo, torn, frame = results_of_two_pictures()
    file = PoseFile(path, DOTS, weights="w")
    file.append(torn)
    assert path.read_text() == "of an earlier run"  # until there is something
    for count, result in enumerate([photo, frame, photo], 1):
        file.append(result)
        content = json.loads(path.read_text())
        assert len(content["images"]) == count
        assert [f["image"] for f in content["failed"]] == ["torn.png"]
    file.fail("c.png", "gone")
    assert len(json.loads(path.read_text())["failed"]) == 2
    file.close()
    assert [r.image for r in load_poses(path)] == ["a, b.png", "walk.mp4", "a, b.png"]


def test_a_full_disk_leaves_what_was_written(tmp_path, monkeypatch):
    """The write of a record breaks off in its middle."""
    path = tmp_path / "poses.json"
    photo, _, frame = results_of_two_pictures()
    file = PoseFile(path, DOTS)
    file.append(photo)
    before = path.read_bytes()

    class FullDisk:
        def __init__(self, raw):
            self.raw, self.room = raw, 40

        def write(self, data):
            if self.room == 0 and self.raw.tell() + len(data) > len(before):
                raise OSError(28, "No space left on device")
            count = self.raw.write(data[: self.room or None])
            self.room = 0
            return count

        def __getattr__(self, name):
            return getattr(self.raw, name)

    growing = file._file
    monkeypatch.setattr(growing, "_file", FullDisk(growing._file))
    with pytest.raises(OSError, match="disk is full"):
        file.append(frame)
    assert path.read_bytes() == before
