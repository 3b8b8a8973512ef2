"""Drawn people in motion: feet that stand, bodies that stay whole."""

import numpy as np
import pytest

from posecourse.datasets import Person
from posecourse.datasets.synthetic import PARTS, STYLES, Camera, SyntheticMotion
from posecourse.datasets.synthetic.body import sample_body
from posecourse.datasets.synthetic.choreography import Sole
from posecourse.datasets.synthetic.figure import dress
from posecourse.datasets.synthetic.limbs import bump, ease, keyed, reach
from posecourse.datasets.synthetic.pose import JOINT_LIMITS
from posecourse.datasets.synthetic.rotations import rotation, turn_angles
from posecourse.skeletons import MPII

BONES = [
    *((f"{s}_{a}", f"{s}_{b}") for s in ("right", "left") for a, b in (
        ("shoulder", "elbow"), ("elbow", "wrist"), ("hip", "knee"), ("knee", "ankle")
    )),
    ("right_hip", "left_hip"),
    ("pelvis", "right_hip"),
    ("thorax", "upper_neck"),
    ("upper_neck", "head_top"),
]  # fmt: skip
# m/s^2; what hands of people who throw and feet of people who run reach
FASTEST = {"run": 150, "throw": 110, "jumping_jack": 130, "walk": 110, "fall": 60}


@pytest.fixture(scope="module", params=STYLES)
def motions(request):
    """Three people of a style, seen often but not drawn."""
    return [
        SyntheticMotion(request.param, seconds=2.5, fps=60, size=32, seed=seed)
        for seed in (0, 1, 11)
    ]


def world(motion, frame):
    """The points of a body, by name, in the world."""
    points = motion.stances[frame].points
    return {name: motion.camera.to_world(at) for name, at in points.items()}


# ------------------------------------------------------------------ limbs
def test_smooth_curves():
    np.testing.assert_allclose(ease(np.array([-1, 0, 0.5, 1, 2])), [0, 0, 0.5, 1, 1])
    np.testing.assert_allclose(bump(np.array([-1, 0, 0.5, 1, 2])), [0, 0, 1, 0, 0])
    x = np.linspace(0, 1, 1001)
    for curve in (ease(x), bump(x)):  # at rest at both ends
        assert np.abs(np.diff(curve)[[0, -1]]).max() < 1e-4
        assert np.abs(np.diff(curve, 2)[[0, -1]]).max() < 1e-6
    values = keyed([0, 1, 1.5, 2, 9], [(1, (0, 4)), (2, (2, 0)), (3, (2, 2))])
    np.testing.assert_allclose(values, [(0, 4), (0, 4), (1, 2), (2, 0), (2, 2)])


def test_two_bones_reach_their_goal():
    rng = np.random.default_rng(0)
    start, goal, apex = rng.normal(0, 0.3, (3, 50, 3))
    far = np.linalg.norm(goal - start, axis=1)
    first, second = 0.6, 0.5
    frame, bend = reach(start, goal, first, second, apex)
    np.testing.assert_allclose(np.linalg.det(frame), 1)
    middle = start + first * frame[..., 1]
    end = middle + second * (frame @ rotation("x", bend))[..., 1]
    near = (far < first + second) & (far > first - second)
    assert near.sum() > 30
    np.testing.assert_allclose(end[near], goal[near], atol=1e-12)
    # the joint between them is on the side of the apex
    along = (goal - start) / far[:, None]
    side = middle - start - ((middle - start) * along).sum(1, keepdims=True) * along
    assert ((side * apex).sum(1) > 0)[near].all()
    # too far: straight towards it
    frame, bend = reach(
        np.zeros(3), np.array([0, 9.0, 0]), 0.4, 0.4, np.array([0, 0, -1])
    )
    assert bend == pytest.approx(0, abs=1e-5)
    np.testing.assert_allclose(frame[:, 1], [0, 1, 0], atol=1e-12)


def test_angles_of_a_rotation():
    angles = np.random.default_rng(1).uniform(-80, 80, (20, 3))
    np.testing.assert_allclose(turn_angles(rotation("xzy", *angles.T)), angles)
    np.testing.assert_allclose(rotation("z", 90.0) @ (1, 0, 0), (0, 1, 0), atol=1e-15)


def test_a_flat_sole_lies_on_the_ground():
    sole = Sole(sample_body(np.random.default_rng(0)))
    (ankle,), (contacts,) = sole.stand([[0.2, 0.3]], np.zeros(1), np.full(1, sole.flat))
    assert contacts.all()
    np.testing.assert_allclose(ankle, [0.2, -sole.height, 0.3])
    ends = ankle + sole.points @ rotation("x", sole.flat).T
    np.testing.assert_allclose(-ends[:, 1], Sole._LOW, atol=2e-4)
    # rolling over the toe, the toe stays
    pitch = np.array([sole.flat, 20.0, 45.0])
    ankles, contacts = sole.stand(np.zeros((3, 2)), np.full(3, 30.0), pitch)
    assert contacts.tolist() == [[True, True], [False, True], [False, True]]
    toes = ankles + (rotation("yx", np.full(3, 30.0), pitch) @ sole.points[1])
    np.testing.assert_allclose(toes[:, [0, 2]], toes[[0, 0, 0]][:, [0, 2]], atol=1e-12)


# ------------------------------------------------------------- properties
def test_planted_feet_stay_where_they_are(motions):
    for motion in motions:
        before, planted = world(motion, 0), 0
        for i in range(1, len(motion)):
            now = world(motion, i)
            for name in set(motion.contacts[i - 1]) & set(motion.contacts[i]):
                moved = np.abs(now[name] - before[name])
                assert moved[[0, 2]].max() < 1e-6 and moved[1] < 0.004
                planted += 1
            before = now
        assert planted > len(motion) / 2


def test_nobody_is_below_the_ground_and_planted_feet_are_on_it(motions):
    thick = {"heel": 0.035, "toe": 0.030, "hand": 0.03, "knee": 0.05, "pelvis": 0.09,
             "elbow": 0.04, "wrist": 0.028, "head_top": 0.0, "thorax": 0.08}  # fmt: skip
    for motion in motions:
        for i in range(0, len(motion), 3):
            for name, point in world(motion, i).items():
                part = name.removeprefix("right_").removeprefix("left_")
                if part in thick:
                    assert -point[1] > thick[part] - 0.004, (i, name)
                if name in motion.contacts[i]:
                    assert -point[1] < 0.044, (i, name)


def test_nothing_of_a_body_is_in_the_ground(motions):
    for motion in motions:
        for stance in motion.stances[:: len(motion) // 6]:
            figure = dress(stance.body, stance.points, stance.frames)
            for cone in figure.cones:
                # how far a ball that is squeezed along `flat` reaches down
                along = float(stance.down @ cone.flat)
                share = np.sqrt(1 - along**2 + (along * cone.flatten) ** 2)
                for end, radius in ((cone.a, cone.ra), (cone.b, cone.rb)):
                    low = motion.camera.to_world(end)[1] + share * radius
                    assert low < 0.02, PARTS[figure.parts[cone.slot]]


def test_bones_keep_their_length(motions):
    for motion in motions:
        for a, b in BONES:
            ends = motion.joints[:, [MPII.index(a), MPII.index(b)]]
            length = np.linalg.norm(ends[:, 0] - ends[:, 1], axis=-1)
            np.testing.assert_allclose(length, length[0], rtol=1e-9)


@pytest.mark.parametrize("style", STYLES)
@pytest.mark.parametrize("speed", [0.5, 1.5])
def test_joints_keep_their_limits(style, speed):
    for seed in (2, 3):
        motion = SyntheticMotion(style, 2.5, 30, 32, seed, speed)
        for stance in motion.stances:
            for name, (low, high) in JOINT_LIMITS.items():
                angles = getattr(stance.pose, name)
                assert (angles > low - 0.5).all() and (angles < high + 0.5).all(), name


def test_motions_are_continuous(motions):
    for motion in motions:
        speed = np.diff(motion.joints, axis=0) * motion.fps
        change = np.diff(speed, axis=0) * motion.fps
        most = FASTEST.get(motion.label, 40)
        assert np.linalg.norm(change, axis=-1).max() < most
        assert np.linalg.norm(speed, axis=-1).max() < 9
        assert np.ptp(motion.joints, axis=0).max() > 0.25  # somebody moves


def test_nobody_falls_over_unless_they_fall(motions):
    """The head is above the pelvis, the pelvis above the feet."""
    for motion in motions:
        head, pelvis = (
            -motion.joints[:, MPII.index(name), 1] for name in ("head_top", "pelvis")
        )
        if motion.label == "fall":
            assert pelvis[0] > 0.7 and head[0] > 1.3
            assert pelvis[-1] < 0.2 and head[-1] < 0.35
        elif motion.label == "push_up":
            assert (pelvis < 0.6).all()
        else:
            assert (head > pelvis + 0.3).all() and (pelvis > 0.35).all()


# ------------------------------------------------------- counts and times
def test_repetitions_are_what_a_joint_does():
    """Counted from the joints, by crossings of the middle of their range."""
    watched = {
        "squat": ("pelvis", 1),
        "push_up": ("thorax", 1),
        "jumping_jack": ("right_wrist", 1),
        "wave": (None, 0),
    }
    for style, (joint, axis) in watched.items():
        for seed in range(2):
            motion = SyntheticMotion(style, seconds=7, fps=15, size=16, seed=seed)
            if joint is None:  # the hand that is higher
                names = ["right_wrist", "left_wrist"]
                joint = min(
                    names, key=lambda n: motion.joints[:, MPII.index(n), 1].mean()
                )
            path = motion.joints[:, MPII.index(joint), axis]
            middle = (path.min() + path.max()) / 2
            crossed = np.count_nonzero(np.diff(path > middle))
            assert motion.repetitions == crossed / 2 > 1, (style, seed)
            assert motion.progress[0] == 0 and (np.diff(motion.progress) > 0).all()
            assert motion.repetitions - 0.3 < motion.progress[-1] < motion.repetitions
            joint = watched[style][0]


def test_strides_are_counted():
    for style in ("walk", "run"):
        motion = SyntheticMotion(style, seconds=6, fps=60, size=16, seed=4)
        landed = [
            i
            for i in range(1, len(motion))
            if any("right" in c for c in motion.contacts[i])
            and not any("right" in c for c in motion.contacts[i - 1])
        ]
        assert abs(len(landed) - motion.repetitions) <= 1 and len(landed) > 4
        gaps = motion.progress[landed]
        np.testing.assert_allclose(np.diff(gaps), 1, atol=0.06)


def test_what_happens_once():
    for style in ("sit_down", "stand_up", "fall"):
        motion = SyntheticMotion(style, seconds=3, size=16, seed=1)
        assert motion.repetitions == 1
        assert motion.progress[0] == 0 and motion.progress[-1] == 1
    sit, stand = (
        -SyntheticMotion(s, 3, size=16).joints[:, MPII.index("pelvis"), 1]
        for s in ("sit_down", "stand_up")
    )
    assert sit[0] > 0.75 > 0.6 > sit[-1] and stand[0] < 0.6 < 0.75 < stand[-1]


def test_times_and_frame_rates():
    slow, fast = (SyntheticMotion("walk", 1.5, fps, 16, seed=5) for fps in (10, 30))
    assert len(slow) == 15 and len(fast) == 45
    np.testing.assert_allclose(slow.times, np.arange(15) / 10)
    np.testing.assert_allclose(slow.joints, fast.joints[::3], atol=1e-9)
    brisk = SyntheticMotion("run", 4, size=16, seed=5, speed=1.4)
    calm = SyntheticMotion("run", 4, size=16, seed=5, speed=0.7)
    assert brisk.progress[-1] > 1.3 * calm.progress[-1]
    assert len(SyntheticMotion("wave", 0.01, fps=24, size=16)) == 1


# ------------------------------------------------------- pictures, labels
def test_the_record():
    motion = SyntheticMotion("throw", 1.0, 8, size=96, seed=3)
    images = []
    for i, person in enumerate(motion[i] for i in range(len(motion))):
        assert isinstance(person, Person)
        assert person.id == person.image == f"motion/throw/3/0/{i}"
        assert person.extra["time"] == motion.times[i] == i / 8
        assert person.extra["label"] == motion.label == "throw"
        assert person.extra["progress"] == motion.progress[i]
        images.append(motion.read_image(person))
        assert images[-1].shape == (96, 96, 3) and images[-1].dtype == np.uint8
        # pixels, from the world and from the camera's axes
        np.testing.assert_array_equal(person.extra["joints_world"].round(9),
                                      motion.joints[i].round(9))  # fmt: skip
        pixels = motion.camera.project(motion.joints[i])
        seen = person.visible > 0
        assert seen.all()  # the picture holds all of the motion
        np.testing.assert_allclose(pixels, person.keypoints, atol=1e-6)
        x, y, w, h = person.box
        assert (pixels[seen] > (x - 3, y - 3)).all()
        assert (pixels[seen] < (x + w + 3, y + h + 3)).all()
        assert person.head_size == pytest.approx(25 * person.scale)
        inside = person.crop(100).apply(person.keypoints)
        assert ((inside > 0) & (inside < 100)).all()
    # the camera stands still: the sky is the same, but for its grain
    change = images[0][:8].astype(int) - images[-1][:8]
    assert np.abs(change).mean() < 8 and (images[0] != images[-1]).any()


def test_the_same_pictures_in_any_order():
    motion = SyntheticMotion("dance", 1.0, 6, size=48, seed=7)
    persons = [motion[i] for i in range(6)]
    again = SyntheticMotion("dance", 1.0, 6, size=48, seed=7)
    for i in (4, 0, 5):
        np.testing.assert_array_equal(
            motion.read_image(persons[i]), again.read_image(again[i])
        )
    assert repr(motion) == repr(again) and "dance" in repr(motion)
    other = SyntheticMotion("dance", 1.0, 6, size=48, seed=8)
    assert not np.array_equal(other.joints, motion.joints)
    with pytest.raises(ValueError, match="motion/dance/8/0/0.*not of this motion"):
        motion.read_image(other[0])
    with pytest.raises(IndexError, match="of 6 frames"):
        motion[6]
    np.testing.assert_array_equal(motion[-1].keypoints, persons[5].keypoints)


def test_several_cameras_see_one_motion():
    views = [SyntheticMotion("squat", 2, 6, 64, seed=2, camera=k) for k in range(3)]
    for view in views[1:]:
        np.testing.assert_array_equal(view.joints, views[0].joints)
        assert np.linalg.norm(view.camera.position - views[0].camera.position) > 1
    # two of them suffice to find a joint again (linear triangulation)
    for frame, joint in ((0, 0), (5, 9), (11, 15)):
        truth = views[0].joints[frame, joint]
        rows = []
        for view in views:
            x, y = view[frame].keypoints[joint]
            first, second, third = view.camera.matrix
            rows += [x * third - first, y * third - second]
        *_, last = np.linalg.svd(np.array(rows))
        np.testing.assert_allclose(last[-1][:3] / last[-1][3], truth, atol=1e-6)


def test_other_skeletons():
    motion = SyntheticMotion("wave", 0.5, 4, size=48, skeleton="upper_body")
    whole = SyntheticMotion("wave", 0.5, 4, size=48)
    assert motion[1].keypoints.shape == (5, 2)
    k = MPII.index("right_wrist")
    j = motion.skeleton.index("right_wrist")
    np.testing.assert_array_equal(motion[1].keypoints[j], whole[1].keypoints[k])


@pytest.mark.parametrize(
    "arguments, message",
    [
        ({"style": "fly"}, "unknown style 'fly'; known: walk, run"),
        ({"seconds": 0}, "seconds is 0"),
        ({"seconds": float("nan")}, "seconds is nan"),
        ({"fps": -3}, "fps is -3"),
        ({"speed": 3}, "speed is 3; it must be from 0.5 to 1.5"),
        ({"size": 8}, "size is 8"),
        ({"size": (64, 48)}, "size is .64, 48.; it must be a whole number, 16"),
        ({"size": float("inf")}, "size is inf; it must be a whole number"),
        ({"seed": "one"}, "seed is 'one'; it must be a whole number, 0 or more"),
        ({"seed": -1}, "seed is -1"),
        ({"camera": 0.5}, "camera is 0.5"),
        ({"difficulty": "brutal"}, "unknown difficulty"),
    ],
)
def test_bad_arguments(arguments, message):
    with pytest.raises(ValueError, match=message):
        SyntheticMotion(**({"style": "walk"} | arguments))


# ----------------------------------------------------------------- camera
def test_a_camera_that_is_none():
    with pytest.raises(ValueError, match=r"translation has the shape \(2,\)"):
        Camera(500.0, (320.0, 240.0), np.eye(3), [0.0, 5.0])


def test_a_camera_goes_there_and_back():
    rng = np.random.default_rng(0)
    camera = Camera(
        500.0,
        (320.0, 240.0),
        rotation("yxz", 30.0, 10.0, 5.0),
        np.array([0.1, 1.2, 5.0]),
    )
    points = rng.normal(0, 0.7, (20, 3))
    pixels = camera.project(points)
    homogeneous = np.c_[points, np.ones(20)] @ camera.matrix.T
    np.testing.assert_allclose(pixels, homogeneous[:, :2] / homogeneous[:, 2:])
    np.testing.assert_allclose(camera.to_world(camera.to_camera(points)), points)
    way = points - camera.position
    way /= np.linalg.norm(way, axis=1, keepdims=True)
    np.testing.assert_allclose(camera.ray(pixels), way, atol=1e-12)
    assert np.isnan(camera.project(camera.to_world([0, 0, -1.0]))).all()
