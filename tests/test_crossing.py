"""People who walk past one another: the same ones all the time."""

import numpy as np
import pytest

from posecourse.datasets.synthetic import SyntheticCrossing
from posecourse.skeletons import MPII

PELVIS = MPII.index("pelvis")


@pytest.fixture(scope="module")
def crossing():
    return SyntheticCrossing(3, seconds=4, fps=4, size=(96, 64), seed=1)


def test_frame_after_frame_the_same_people(crossing):
    frames = len(crossing.times)
    assert frames == 16 and len(crossing) == 48
    scenes = [crossing.scene(t) for t in range(frames)]
    for i in range(len(crossing)):
        frame, track = divmod(i, 3)
        person = crossing[i]
        assert person.extra["track"] == track
        assert person.extra["time"] == crossing.times[frame] == frame / 4
        assert person.id == f"crossing/3/1/{frame}/{track}"
        np.testing.assert_allclose(
            person.extra["joints_world"], crossing.joints[track, frame], atol=1e-9
        )
        pixels = crossing.camera.project(crossing.joints[track, frame])
        assert (person.visible > 0).all()  # the picture holds all of the way
        np.testing.assert_allclose(pixels, person.keypoints, atol=1e-6)
    again = SyntheticCrossing(3, seconds=4, fps=4, size=(96, 64), seed=1)
    np.testing.assert_array_equal(again.read_image(again[25]), scenes[8].image)
    assert repr(again) == repr(crossing)
    assert scenes[0].image.shape == (64, 96, 3)
    with pytest.raises(IndexError, match="of 48 people"):
        crossing[48]
    with pytest.raises(IndexError, match="frame 16 of 16"):
        crossing.scene(16)
    with pytest.raises(ValueError, match="crossing/2/0/0/0.*not of this crossing"):
        crossing.read_image(SyntheticCrossing(seconds=0.2, size=(32, 32))[0])


@pytest.mark.parametrize("people", [2, 6])
def test_they_cross_and_do_not_touch(people):
    for seed in range(2):
        crossing = SyntheticCrossing(people, 4, 10, (48, 32), seed)
        across = crossing.joints[:, :, PELVIS, 0]
        start, end = np.sign(across[:, 0]), np.sign(across[:, -1])
        assert (start == -end).all() and {*start} == {-1, 1}
        assert np.abs(across[:, 20]).max() < 0.2 * people  # half time
        for i in range(people):
            for j in range(i):
                gap = np.linalg.norm(
                    crossing.joints[i][:, :, None] - crossing.joints[j][:, None],
                    axis=-1,
                )
                assert gap.min() > 0.1
        bones = (
            crossing.joints[:, :, MPII.index("left_knee")]
            - crossing.joints[:, :, MPII.index("left_hip")]
        )
        lengths = np.linalg.norm(bones, axis=-1)
        np.testing.assert_allclose(lengths, lengths[:, :1].repeat(40, 1))
        feet = crossing.joints[:, :, MPII.index("left_ankle"), 1]
        assert (feet < -0.05).all()  # above the ground
        # planted feet stay: an ankle is still for part of every stride
        ankle = crossing.joints[:, :, MPII.index("right_ankle")]
        steps = np.linalg.norm(np.diff(ankle, axis=1), axis=-1)
        assert (np.sort(steps, axis=1)[:, :4] < 0.002).all()


def test_somebody_hides_somebody_in_the_middle(crossing):
    occluded = np.array(
        [p.extra["occluded"] for p in map(crossing.__getitem__, range(48))]
    )
    occluded = occluded.reshape(16, 3)
    assert occluded[7:9].max() > 0.5
    assert occluded[[0, -1]].max() < 0.5
    for t in (7, 8):
        scene = crossing.scene(t)
        for person in scene.persons:
            mine = scene.owners == person.extra["owner"]
            assert person.area == mine.sum()
            assert (person.box is None) == (person.area == 0)


@pytest.mark.parametrize(
    "arguments, message",
    [
        ({"people": 1}, "people is 1; there are 2 to 6"),
        ({"seconds": 0}, "seconds is 0"),
        ({"size": (20, 64)}, "a side of size is 20"),
        ({"seed": -1}, "seed is -1"),
        ({"difficulty": "brutal"}, "unknown difficulty"),
    ],
)
def test_bad_arguments(arguments, message):
    with pytest.raises(ValueError, match=message):
        SyntheticCrossing(**arguments)
