"""Events: switches with two thresholds, counters, raised hands."""

import numpy as np
import pytest

from posecourse.datasets import SyntheticMotion
from posecourse.motion.events import (
    EXERCISES,
    Exercise,
    ExerciseCounter,
    HandRaised,
    Hysteresis,
    RepetitionCounter,
    hand_height,
    hands_above_head,
    hip_height,
    shoulder_height,
)
from posecourse.skeletons import COCO, MPII, remap

NAN = float("nan")


def states(switch, values, step=0.1):
    return [switch(value, i * step) for i, value in enumerate(values)]


def test_two_thresholds_by_hand():
    values = [0, 0.5, 0.9, 0.5, 0.3, 0.2, 0.5, 0.8]
    assert states(Hysteresis(0.8, 0.2), values) == [0, 0, 1, 1, 1, 0, 0, 1]
    # the other way round: on where it falls
    assert states(Hysteresis(0.2, 0.8), values) == [1, 1, 0, 0, 0, 1, 1, 0]


def test_a_trembling_crossing_counts_once():
    rng = np.random.default_rng(0)
    signal = np.sin(np.arange(600) / 25) + rng.normal(0, 0.1, 600)
    crossings = (np.diff((signal > 0).astype(int)) == 1).sum()
    counter = RepetitionCounter(0.4, -0.4)
    for i, value in enumerate(signal):
        counter(value, i / 25)
    assert counter.count == 4 and crossings >= 8  # 600 pictures are 3.8 periods
    assert [r.extreme for r in counter.repetitions] == pytest.approx(
        [1.15] * 4, abs=0.15
    )


def test_hold_waits():
    values = [0, 1, 0, 1, 1, 1, 1, NAN, 0, 0, 0, 0]
    expected = [0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 0, 0]
    assert states(Hysteresis(0.8, 0.2, hold=0.2), values, 0.1) == expected
    # a value that is not known makes it wait anew
    assert states(Hysteresis(0.8, 0.2, 0.2), [1, 1, NAN, 1, 1, 1]) == [0] * 5 + [1]


def test_what_is_not_seen_decides_nothing():
    switch = Hysteresis(0.8, 0.2)
    assert states(switch, [1, NAN, NAN, 0.5]) == [1, 1, 1, 1]
    counter = RepetitionCounter(0.8, 0.2)
    for i, value in enumerate([0, 1, NAN, 0.9, NAN, 0]):
        counter(value, i / 10)
    assert counter.count == 1
    assert counter.repetitions[0].extreme == 1


def test_too_short_and_too_long_do_not_count():
    counter = RepetitionCounter(0.8, 0.2, shortest=0.3, longest=2)
    times = [0, 0.1, 0.2, 1, 1.4, 2, 5]
    for value, time in zip([0, 1, 0, 1, 0, 1, 0], times):
        counter(value, time)
    assert [(r.start, r.end) for r in counter.repetitions] == [(1, 1.4)]
    counter.reset()
    assert counter.count == 0 and counter(1.0, 0.0) == 0


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Hysteresis(1, 1), "two different"),
        (lambda: Hysteresis(NAN, 1), "two different"),
        (lambda: Hysteresis(0, 1, hold=-1), "hold"),
        (lambda: states(Hysteresis(0, 1), [0, 0], -1), "do not go backwards"),
        (lambda: ExerciseCounter("handstand"), "known: squat, jumping_jack, push_up"),
        (lambda: HandRaised("up"), "right or left"),
        (lambda: hip_height(np.zeros((15, 2))), r"\(\.\.\., 16, 2\)"),
        (lambda: hip_height(np.zeros((16, 2)), np.ones(15)), "a score for each"),
    ],
)
def test_what_makes_no_sense(make, message):
    with pytest.raises(ValueError, match=message):
        make()


# ---------------------------------------------------------------- signals


@pytest.fixture
def person():
    """Somebody upright: shoulders at y 20, hips 50, ankles 90; hands down."""
    places = {
        "right_shoulder": (40, 20),
        "left_shoulder": (60, 20),
        "right_hip": (43, 50),
        "left_hip": (57, 50),
        "right_ankle": (43, 90),
        "left_ankle": (57, 90),
        "right_wrist": (38, 50),
        "left_wrist": (62, 5),
    }
    return np.array([places.get(j, (50, 40)) for j in MPII.joints], float)


def test_signals_by_hand(person):
    assert hand_height(person) == pytest.approx(-1)
    assert hand_height(person, side="left") == pytest.approx(0.5)
    assert hands_above_head(person) == pytest.approx(-1)
    assert hip_height(person) == pytest.approx(40 / 30)
    assert shoulder_height(person) == pytest.approx(7.5 / 30)
    # of any size and in any place
    assert hand_height(3 * person - 7, side="left") == pytest.approx(0.5)
    many = np.broadcast_to(person, (2, 3, 16, 2))
    assert hip_height(many).shape == (2, 3)
    coco, _ = remap(person, np.full(16, 2), MPII, COCO)
    assert hand_height(coco, skeleton="coco") == pytest.approx(-1)


def test_the_gate(person):
    scores = np.ones(16)
    scores[MPII.index("right_wrist")] = 0.2
    assert np.isnan(hand_height(person, scores))
    assert hand_height(person, scores, min_score=0.1) == pytest.approx(-1)
    assert hand_height(person, scores, side="left") == pytest.approx(0.5)
    person[MPII.index("left_wrist")] = NAN
    assert np.isnan(hand_height(person, side="left"))
    person[:] = 5  # no torso
    assert np.isnan(hand_height(person))


# -------------------------------------------------------- true movements


@pytest.mark.parametrize("exercise", EXERCISES)
def test_true_repetitions_are_counted(exercise):
    """People nobody chose the thresholds on, at two speeds and frame rates."""
    for seed, (speed, fps) in enumerate([(0.75, 12), (1.25, 12), (1.0, 30)], 500):
        motion = SyntheticMotion(
            exercise, seconds=6, fps=fps, size=64, seed=seed, speed=speed
        )
        counter = ExerciseCounter(exercise)
        for points, time in zip(motion.camera.project(motion.joints), motion.times):
            counter(points, np.ones(16), time)
        assert counter.counter.count == len(counter.repetitions) == motion.repetitions
        middles = np.interp(
            np.arange(motion.repetitions) + 0.5, motion.progress, motion.times
        )
        for repetition, middle in zip(counter.repetitions, middles):
            assert repetition.start < middle < repetition.end


@pytest.mark.parametrize("style", ["walk", "wave", "throw"])
def test_other_movements_are_no_squats_and_no_jumping_jacks(style):
    motion = SyntheticMotion(style, seconds=8, fps=12, size=64, seed=501)
    for exercise in ("squat", "jumping_jack"):
        counter = ExerciseCounter(exercise)
        for points, time in zip(motion.camera.project(motion.joints), motion.times):
            counter(points, None, time)
        assert counter.repetitions == []


def test_an_exercise_of_your_own(person):
    wave = Exercise(lambda *pose: hand_height(*pose, side="left"), 0.4, 0.1, False)
    counter = ExerciseCounter(wave)
    down = person.copy()
    down[MPII.index("left_wrist")] = (62, 50)
    for i, pose in enumerate([down, person, person, down, person, down]):
        counter(pose, np.ones(16), 0.3 * i)
    assert len(counter.repetitions) == 2
    counter.reset()
    assert counter.repetitions == [] and np.isnan(counter.value)


def test_a_hand_is_raised_once(person):
    down = person.copy()
    down[MPII.index("left_wrist")] = (62, 50)
    raised = HandRaised("left", hold=0.2)
    poses = [down, *[person] * 6, *[down] * 6, *[person] * 6]
    said = [raised(pose, np.ones(16), 0.1 * i) for i, pose in enumerate(poses)]
    assert [i for i, yes in enumerate(said) if yes] == [3, 15]
    raised.reset()
    said = [raised(pose, np.full(16, 0.1), 0.1 * i) for i, pose in enumerate(poses)]
    assert not any(said)  # nobody is sure of these joints
