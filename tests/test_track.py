"""``posecourse track`` and ``count``, and what they are made of."""

import csv
import json

import numpy as np
import pytest
from test_video import marked, write_video

from posecourse.cli import main
from posecourse.datasets import SyntheticMotion
from posecourse.inference import Pose, Video, VideoWriter, load_poses
from posecourse.motion.smoothing import MovingAverage
from posecourse.motion.tracks import PoseSmoother, SinglePersonTracker
from posecourse.skeletons import MPII

NAN = float("nan")

pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.fixture(scope="module")
def squats(tmp_path_factory):
    """A film of somebody who squats, and the motion."""
    motion = SyntheticMotion("squat", seconds=5, fps=10, size=96, seed=700)
    path = tmp_path_factory.mktemp("film") / "squats"
    with VideoWriter(path, 10) as writer:
        for person in motion:
            writer.write(motion.read_image(person))
    return writer.path, motion


# ----------------------------------------------------------------- tracker


class FakePredictor:
    """Answers with the poses it was given, and notes the boxes."""

    skeleton = MPII

    def __init__(self, poses):
        self.poses, self.asked = iter(poses), []

    def __call__(self, image, boxes=None, refine=False):
        self.asked.append((boxes, refine))
        return [next(self.poses)]


def pose_at(x, y, score=0.9):
    points = np.stack([np.linspace(x, x + 30, 16), np.linspace(y, y + 60, 16)], -1)
    return Pose(points, np.full(16, score), (0, 0, 1, 1))


def test_the_next_picture_is_looked_at_around_the_last_pose():
    poses = [pose_at(10, 10), pose_at(12, 10), pose_at(12, 11, 0.1), pose_at(20, 5)]
    predictor = FakePredictor(poses)
    tracker = SinglePersonTracker(predictor)
    image = np.zeros((100, 100, 3), np.uint8)
    answers = [tracker(image) for _ in poses]
    assert [list(a) for a in answers] == [[0], [0], [], [0]]
    boxes = [boxes for boxes, _ in predictor.asked]
    assert boxes[0] is None and boxes[3] is None  # at first, and after it was lost
    assert boxes[1] == [poses[0].keypoint_box()]
    assert boxes[2] == [poses[1].keypoint_box()]
    assert [refine for _, refine in predictor.asked] == [True, False, False, True]


def test_who_left_the_picture_is_looked_for_everywhere():
    predictor = FakePredictor([pose_at(200, 10), pose_at(10, 10)])
    tracker = SinglePersonTracker(predictor)
    for _ in range(2):
        tracker(np.zeros((100, 100, 3), np.uint8))
    assert [boxes for boxes, _ in predictor.asked] == [None, None]


# ---------------------------------------------------------------- smoother


def test_everybody_has_a_filter_of_their_own():
    smoother = PoseSmoother(lambda: MovingAverage(0.25))
    smoother({0: pose_at(0, 0), 7: pose_at(50, 0)}, 0.0)
    calm = smoother({7: pose_at(60, 0), 0: pose_at(2, 0)}, 0.1)
    np.testing.assert_allclose(calm[0].keypoints, pose_at(1, 0).keypoints)
    np.testing.assert_allclose(calm[7].keypoints, pose_at(55, 0).keypoints)
    assert list(smoother({7: pose_at(60, 0)}, 0.2)) == [7]


def test_unsure_joints_are_held():
    smoother = PoseSmoother(lambda: MovingAverage(0.05, max_gap=0.3), min_score=0.5)
    smoother({0: pose_at(0, 0)}, 0.0)
    jumped = pose_at(0, 0)
    jumped.keypoints[3], jumped.scores[3] = (900, 900), 0.2
    for time in (0.1, 0.2, 0.3):
        calm = smoother({0: jumped}, time)[0]
        np.testing.assert_allclose(calm.keypoints, pose_at(0, 0).keypoints)
        assert calm.scores[3] == 0.2
    assert np.isnan(smoother({0: jumped}, 0.4)[0].keypoints[3]).all()


def test_size_does_not_matter():
    """Twice as large people are calmed alike."""
    rng = np.random.default_rng(0)
    walk = [pose_at(*rng.normal(30, 2, 2)) for _ in range(10)]
    small, large = PoseSmoother(), PoseSmoother()
    for i, pose in enumerate(walk):
        twice = Pose(2 * pose.keypoints + 0.5, pose.scores, pose.box)
        one = small({0: pose}, i / 25)[0].keypoints
        two = large({0: twice}, i / 25)[0].keypoints
        # the box around the joints ends a pixel beyond them, for both
        np.testing.assert_allclose(2 * one + 0.5, two, atol=0.02)


# ---------------------------------------------------------------- commands


@pytest.mark.slow
def test_track_writes_poses_a_table_and_a_film(squats, tmp_path, capsys):
    path, motion = squats
    out = tmp_path / "out"
    command = ["track", str(path), "--run", "laptop", "--device", "cpu"]
    assert main([*command, "--out", str(out)]) == 0
    said = capsys.readouterr().out
    assert "50 pictures" in said and "pictures a second" in said
    assert all(part in said for part in ("read", "look", "smooth", "draw", "write"))
    results = load_poses(out / "poses.json")
    assert [r.frame for r in results] == list(range(50))
    truth = motion.camera.project(motion.joints)
    off = [
        np.linalg.norm(r[0].keypoints - t, axis=1) for r, t in zip(results, truth) if r
    ]
    assert len(off) >= 48 and np.nanmedian(off) < 3
    with open(out / "poses.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 16 * len(off) and {r["person"] for r in rows} == {"0"}
    (film,) = out.glob("squats-track.*")
    with Video(film) as video:
        assert sum(1 for _ in video) == 50
    # again: its own files are replaced, nobody else's
    assert main([*command, "--out", str(out), "--filter", "none"]) == 0
    (out / "poses.csv").write_text("mine")
    assert main([*command, "--out", str(out)]) == 2
    assert (out / "poses.csv").read_text() == "mine"
    assert "move it" in capsys.readouterr().err


@pytest.mark.slow
def test_count_says_how_many_and_when(squats, capsys):
    path, motion = squats
    command = ["count", str(path), "--exercise", "squat", "--run", "laptop"]
    assert main([*command, "--device", "cpu", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["count"] == motion.repetitions == len(found["repetitions"])
    middles = np.interp(
        np.arange(motion.repetitions) + 0.5, motion.progress, motion.times
    )
    for repetition, middle in zip(found["repetitions"], middles):
        assert repetition["start"] < middle < repetition["end"]
    assert found["pictures"] == 50


def test_what_cannot_be_followed(tmp_path, capsys):
    for command in (
        ["track"],
        ["track", "none.mp4"],
        ["count", "none.mp4", "--exercise", "squat"],
        ["count", "a.mp4"],
        ["count", "a.mp4", "--exercise", "yoga"],
        ["track", "a.mp4", "--camera", "0"],
    ):
        assert main(command) == 2
        assert "posecourse" in capsys.readouterr().err
    text = tmp_path / "text.mp4"
    text.write_text("no film")
    assert (
        main(["track", str(text), "--run", "laptop", "--out", str(tmp_path / "o")]) == 2
    )
    assert not (tmp_path / "o").exists()


@pytest.mark.slow
def test_a_film_that_was_cut(tmp_path, capsys):
    """What can be read is kept, and the exit status says that it is not all."""
    frames = [marked(i) for i in range(30)]
    path = write_video(tmp_path / "cut.avi", frames, code="MJPG")
    data = path.read_bytes()
    path.write_bytes(data[: int(0.7 * len(data))])
    out = tmp_path / "out"
    status = main(["track", str(path), "--run", "laptop", "--out", str(out)])
    assert status == 1 and (out / "poses.json").exists()
    assert "cut.avi" in capsys.readouterr().err
