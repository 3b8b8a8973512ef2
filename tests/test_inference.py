"""From pictures to poses: the right pixels, boxes, videos."""

import json

import cv2
import numpy as np
import pytest
import torch
from torch import nn

from posecourse import models
from posecourse.codecs import HeatmapCodec
from posecourse.device import choose_device
from posecourse.inference import Pose, Predictor, Video, VideoError
from posecourse.models.pretrained import find_weights
from posecourse.skeletons import MPII, Skeleton

DOTS = Skeleton("dots", ("red", "green", "blue", "white"), (), ("red",) * 4, (0.1,) * 4)
TONES = np.array([[255, 0, 0], [0, 255, 0], [0, 0, 255], [255, 255, 255]])


@pytest.fixture(scope="module", autouse=True)
def one_thread():
    """Small networks wait for each other's threads on a busy machine."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


class DotFinder(nn.Module):
    """A heatmap per colour: how near each pixel's colour is to it."""

    name, skeleton, input_size = "dot_finder", DOTS, (96, 128)
    codec = HeatmapCodec((96, 128), (48, 64), sigma=1.5, decoder="soft_argmax")

    def __init__(self):
        super().__init__()
        self.seen = []
        mean = torch.tensor([0.485, 0.456, 0.406])
        std = torch.tensor([0.229, 0.224, 0.225])
        tones = (torch.tensor(TONES / 255).float() - mean) / std
        self.register_buffer("tones", tones)

    def forward(self, images):
        self.seen.append(images)
        off = images[:, None] - self.tones[None, :, :, None, None]
        near = torch.exp(-3 * off.square().mean(2))
        return [nn.functional.avg_pool2d(near, 2)]


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
        ([(1, 2, 3)], "four numbers"),
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


def test_runs_and_weights(tmp_path):
    torch.manual_seed(0)
    model = models.build("laptop", input_size=32, width=8)
    run = tmp_path / "run"
    models.save_weights(model, run / "weights.safetensors")
    image = np.random.default_rng(0).integers(0, 256, (50, 40, 3), np.uint8)
    (a,) = Predictor.load(run, "cpu")(image)
    (b,) = Predictor.load(run / "weights.safetensors", "cpu")(image)
    (c,) = Predictor(model, "cpu")(image)
    assert np.array_equal(a.keypoints, b.keypoints)
    assert np.allclose(a.keypoints, c.keypoints)
    assert a.skeleton is MPII
    with pytest.raises(FileNotFoundError, match="no such run"):
        find_weights(tmp_path / "other")
    (tmp_path / "begun").mkdir()
    with pytest.raises(FileNotFoundError, match="--resume"):
        find_weights(tmp_path / "begun")


def test_devices():
    assert choose_device("cpu") == torch.device("cpu")
    assert choose_device() == choose_device("auto")
    with pytest.raises(ValueError, match="abacus"):
        choose_device("abacus")
    if not torch.cuda.is_available():
        with pytest.raises(ValueError, match="cuda"):
            choose_device("cuda")


def write_video(path, frames, rate=10):
    height, width = frames[0].shape[:2]
    writer = cv2.VideoWriter(
        str(path), cv2.VideoWriter_fourcc(*"mp4v"), rate, (width, height)
    )
    for frame in frames:
        writer.write(frame[..., ::-1].copy())
    writer.release()


def test_videos(predictor, tmp_path):
    path = tmp_path / "dots.mp4"
    moving = [POINTS + (i * 8, 0) for i in range(5)]
    write_video(path, [picture(p) for p in moving])
    with Video(path) as video:
        assert video.rate == pytest.approx(10)
        frames = list(video)
    assert len(frames) == 5
    assert frames[0][80, 100].argmax() == 0  # red, so RGB
    for frame, points in zip(frames, moving):
        (pose,) = predictor(frame)
        assert np.abs(pose.keypoints - points).max() < 2


def test_what_is_no_video(tmp_path):
    with pytest.raises(FileNotFoundError, match="no such video"):
        Video(tmp_path / "none.mp4")
    path = tmp_path / "text.mp4"
    path.write_text("not a video")
    with pytest.raises(VideoError, match="text.mp4"):
        Video(path)
    with pytest.raises(VideoError, match="camera 77"):
        Video(77)


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
