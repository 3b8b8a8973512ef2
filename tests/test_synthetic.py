"""Drawn people: the same everywhere, and labelled right."""

import hashlib
import os
import pickle
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest

from posecourse.datasets import Person
from posecourse.datasets.synthetic import (
    DIFFICULTIES,
    JOINT_PARTS,
    MOTIONS,
    PARTS,
    Camera,
    Difficulty,
    SyntheticPeople,
)
from posecourse.datasets.synthetic.articulation import articulate
from posecourse.datasets.synthetic.body import sample_body
from posecourse.datasets.synthetic.figure import dress
from posecourse.datasets.synthetic.pose import sample_pose
from posecourse.datasets.synthetic.render import Light, draw_person
from posecourse.datasets.synthetic.rotations import rotation
from posecourse.datasets.synthetic.solids import View
from posecourse.geometry import Crop, flip_points
from posecourse.skeletons import MPII, UPPER_BODY


@pytest.fixture(scope="module", params=[1, 2], ids=["solids", "illustrated"])
def edition(request):
    return request.param


@pytest.fixture(scope="module")
def renderings(edition):
    people = SyntheticPeople(150, seed=3, size=96, edition=edition)
    return [people.render(i) for i in range(len(people))]


def _stack(renderings, name):
    return np.array([getattr(r.person, name) for r in renderings])


# ------------------------------------------------------------- repeatable
def test_the_same_picture_in_any_order_and_process():
    people = SyntheticPeople(20, seed=5, size=64)
    later = [people.render(i) for i in (7, 3, 7)]
    again = SyntheticPeople(8, seed=5, size=64).render(7)
    for r in (later[0], later[2]):
        np.testing.assert_array_equal(r.image, again.image)
        np.testing.assert_array_equal(r.parts, again.parts)
        np.testing.assert_array_equal(r.person.keypoints, again.person.keypoints)
    code = (
        "from posecourse.datasets.synthetic import SyntheticPeople as S;"
        "import hashlib; i = S(8, seed=5, size=64).render(7).image;"
        "print(hashlib.sha256(i.tobytes()).hexdigest())"
    )
    other = subprocess.run(
        [sys.executable, "-c", code], text=True, capture_output=True, check=True
    ).stdout.strip()
    assert other == hashlib.sha256(again.image.tobytes()).hexdigest()


def test_the_pictures_are_those_that_weights_and_studies_were_made_with():
    """Shipped weights, stored studies and the chapters' numbers depend on
    them; whoever changes the drawing makes all of those again."""
    digest = hashlib.sha256()

    def add(rendering, *persons):
        digest.update(rendering.image.tobytes() + rendering.parts.tobytes())
        for p in persons:
            digest.update(p.visible.tobytes())
            # 1e-6 px: sines differ in the last bit between machines
            digest.update(np.nan_to_num(p.keypoints).round(6).tobytes())
            digest.update(repr((p.id, p.extra["pose"], p.box, p.area)).encode())

    for name in DIFFICULTIES:
        people = SyntheticPeople(6, 4, 96, name, 1.25, split="valid")
        for i in range(6):
            add(r := people.render(i), r.person)
    people = SyntheticPeople(9, size=96)
    add(scene := people.scene(3, people=4), *scene.persons)
    for r in people.motion("squat", frames=4, index=3):
        add(r, r.person)
    assert digest.hexdigest() == (
        "a98067c6863f5c179f2dc9962a2deac36d6e45768f95c79bf67a25b95a7c8639"
    )


_DIGEST = """
import hashlib
from posecourse.datasets.synthetic import *
digest = hashlib.sha256()
people = SyntheticPeople(40, seed=5, size=64)
for i in range(12):
    digest.update(people.render(i).image.tobytes())
scenes = SyntheticScenes(4, size=(96, 64), overlap=(0, 0.6))
for k in range(4):
    scene = scenes.scene(k)
    digest.update(scene.image.tobytes() + scene.owners.tobytes())
for style in STYLES:
    motion = SyntheticMotion(style, 1, 2, 48)
    digest.update(b"".join(motion.read_image(p).tobytes() for p in motion))
digest.update(SyntheticCrossing(3, 1, 2, (64, 48)).scene(1).image.tobytes())
for size in (64, 200):
    people = SyntheticPeople(40, 6, size, edition=2)
    for i in range(20):
        digest.update(people.render(i).image.tobytes())
scenes = SyntheticScenes(4, size=(96, 64), overlap=(0, 0.6), edition=2)
for k in range(4):
    digest.update(scenes.scene(k).image.tobytes() + scenes.scene(k).owners.tobytes())
print(digest.hexdigest())
"""


@pytest.mark.slow
def test_the_same_pictures_on_a_simpler_processor():
    """Wide registers add in another order; pictures must not depend on it."""
    plain = {
        "NPY_DISABLE_CPU_FEATURES": "X86_V3 X86_V4 AVX512_ICL AVX2 FMA3",
        "OPENCV_CPU_DISABLE": "AVX512-SKX,AVX2,FMA3,AVX",
        "OPENBLAS_CORETYPE": "Nehalem",
    }
    printed = {
        subprocess.run(
            [sys.executable, "-c", _DIGEST],
            text=True,
            capture_output=True,
            check=True,
            env={**os.environ, **more},
        ).stdout
        for more in ({}, plain)
    }
    assert len(printed) == 1


def test_other_seeds_indices_and_splits_are_other_people():
    images = [
        SyntheticPeople(3, seed=s, size=48, split=split).render(i).image
        for s in (0, 1)
        for split in ("train", "valid", "test")
        for i in (0, 1)
    ]
    different = {i.tobytes() for i in images}
    assert len(different) == len(images)


def test_reading_images():
    people = SyntheticPeople(6, size=48)
    persons = list(people[i] for i in range(6))
    for i in (0, 5, 2):  # in any order
        image = people.read_image(persons[i])
        np.testing.assert_array_equal(image, people.render(i).image)
    image[:] = 0  # the reader may write on it
    assert people.read_image(persons[2]).any()
    with pytest.raises(ValueError, match="synthetic/9/1.*not of this"):
        people.read_image(SyntheticPeople(2, seed=9, size=48)[1])
    copy = pickle.loads(pickle.dumps(people))
    np.testing.assert_array_equal(copy.read_image(persons[4]), people.render(4).image)


@pytest.mark.parametrize("edition", [1, 2])
def test_somebody_else_in_the_same_place(edition):
    """Another skin, and nothing else: labels, background and clothes stay."""
    people = SyntheticPeople(4, size=64, edition=edition)
    before = people.render(2)
    body = people.stance(2).body
    darker = people.render(2, replace(body, skin=np.array([76.0, 49, 36])))
    same = people.render(2, body)
    np.testing.assert_array_equal(same.image, before.image)
    np.testing.assert_array_equal(darker.person.keypoints, before.person.keypoints)
    np.testing.assert_array_equal(darker.parts, before.parts)
    changed = (darker.image != before.image).any(-1)
    skin = before.parts > 1
    assert changed.any() and changed[~skin].mean() < 0.1
    # what is read from now on is the dataset's own picture
    np.testing.assert_array_equal(people.read_image(people[2]), before.image)


@pytest.mark.parametrize("edition", [1, 2])
def test_who_stands_there_without_a_drawing(edition):
    people = SyntheticPeople(6, size=64, split="test", edition=edition)
    for i in (0, 5, -1):
        stance, person = people.stance(i), people[i]
        assert stance.pose.name == person.extra["pose"]
        np.testing.assert_array_equal(stance.joints, person.extra["joints_3d"])
        np.testing.assert_allclose(
            people.joints_world(i), person.extra["joints_world"], atol=1e-9
        )
    with pytest.raises(IndexError, match="6 of 6"):
        people.stance(6)


def test_difficulty_changes_the_picture_and_not_the_person():
    images = {}
    for name in DIFFICULTIES:
        r = SyntheticPeople(4, size=64, difficulty=name).render(3)
        images[name] = r.image
        assert r.person.id == "synthetic/0/3"
    assert len({i.tobytes() for i in images.values()}) == len(DIFFICULTIES)
    # plain backgrounds are smoother than cluttered ones
    rough = {}
    for name in ("easy", "standard", "hard"):
        people = SyntheticPeople(20, size=64, difficulty=name)
        rough[name] = np.mean(
            [
                np.abs(np.diff(people.render(i).image.astype(float), axis=0))[
                    people.render(i).parts[1:] == 0
                ].mean()
                for i in range(20)
            ]
        )
    assert rough["easy"] < rough["standard"] < rough["hard"]
    own = replace(DIFFICULTIES["easy"], back=1.0, side=0.0)
    turned = SyntheticPeople(10, size=32, difficulty=own)
    assert all(abs(turned[i].extra["facing"]) > 85 for i in range(10))


# ----------------------------------------------------------------- labels
def test_the_record(renderings):
    for i, r in enumerate(renderings):
        p = r.person
        assert isinstance(p, Person)
        assert p.id == p.image == f"synthetic/3/{i}"
        assert r.image.shape == (96, 96, 3) and r.image.dtype == np.uint8
        assert r.parts.shape == (96, 96) and r.parts.dtype == np.uint8
        assert p.keypoints.shape == (16, 2)
        assert p.keypoints.dtype == np.float64
        assert p.visible.shape == (16,) and p.visible.dtype == np.uint8
        assert set(np.unique(p.visible)) <= {0, 1, 2}
        assert (np.isnan(p.keypoints).all(1) == (p.visible == 0)).all()
        drawn = r.parts > 1
        assert p.area == drawn.sum() > 0
        ys, xs = np.nonzero(drawn)
        assert p.box == (xs.min(), ys.min(), np.ptp(xs) + 1, np.ptp(ys) + 1)


@pytest.mark.parametrize("size, margin", [(64, 1.0), (128, 1.75), (101, 1.3)])
def test_the_picture_is_the_standard_crop(size, margin):
    person = SyntheticPeople(1, size=size, margin=margin)[0]
    window = size / margin
    crop = person.crop(size)
    middle = Crop(((size - 1) / 2,) * 2, (window,) * 2, size)
    np.testing.assert_allclose(crop.matrix, middle.matrix, atol=1e-9)
    if margin == 1:
        identity = np.eye(2, 3)
        np.testing.assert_allclose(crop.matrix, identity, atol=1e-9)
    # the unit of PCKh is a tenth of the standard crop, as on MPII
    assert person.head_size == pytest.approx(25 * person.scale)
    assert person.head_size == pytest.approx(window / 10)
    *_, w, h = person.extra["head_box"]
    assert 0.6 * np.hypot(w, h) == pytest.approx(person.head_size)


def test_margin_shows_the_same_person_with_more_around():
    near = SyntheticPeople(12, size=128)
    far = SyntheticPeople(12, size=224, margin=1.75)
    for i in range(12):
        inside = near[i].keypoints
        moved = far[i].crop(128).apply(far[i].keypoints)
        both = ~np.isnan(inside)
        np.testing.assert_allclose(inside[both], moved[both], atol=1e-9)


def test_joints_project_to_the_keypoints(renderings):
    for r in renderings:
        joints, camera = (r.person.extra[k] for k in ("joints_3d", "camera"))
        pixels = joints[:, :2] / joints[:, 2:] * camera["focal"] + camera["center"]
        seen = r.person.visible > 0
        np.testing.assert_allclose(pixels[seen], r.person.keypoints[seen])
        inside = ((pixels >= -0.5) & (pixels < 95.5)).all(1)
        assert (inside == seen).all()


def test_the_world_begins_where_people_stand(renderings):
    for r in renderings:
        camera = Camera(
            *(r.person.extra["camera"][k] for k in ("focal", "center")),
            *(r.person.extra["camera"][k] for k in ("rotation", "translation")),
        )
        joints = r.person.extra["joints_world"]
        seen = r.person.visible > 0
        pixels = camera.project(joints)
        np.testing.assert_allclose(pixels[seen], r.person.keypoints[seen], atol=1e-6)
        np.testing.assert_allclose(np.linalg.det(camera.rotation), 1)
        # nobody is below the ground, y = 0; most stand on it
        assert -0.1 < -joints[:, 1].max() < 0.6
        pelvis = joints[MPII.index("pelvis")]
        np.testing.assert_allclose(pelvis[[0, 2]], 0, atol=1e-9)


def test_bodies_are_believable(renderings, edition):
    joints = np.array([r.person.extra["joints_3d"] for r in renderings])

    def length(a, b):
        a, b = MPII.index(a), MPII.index(b)
        return np.linalg.norm(joints[:, a] - joints[:, b], axis=1)

    for a, b, low, high in (
        ("hip", "knee", 0.33, 0.53),
        ("knee", "ankle", 0.32, 0.52),
        ("shoulder", "elbow", 0.22, 0.37),
        ("elbow", "wrist", 0.19, 0.32),
    ):
        right, left = (length(f"{s}_{a}", f"{s}_{b}") for s in ("right", "left"))
        np.testing.assert_allclose(right, left)
        smallest = 1.0 if edition == 1 else 0.66  # there are children
        assert smallest * low < right.min() and right.max() < high
    width = length("right_shoulder", "left_shoulder")
    assert (width > 0.9 * length("right_hip", "left_hip")).all()
    # neither knees nor elbows bend the wrong way: the shin is never in
    # front of the thigh's line (a property of the hinge, seen in 3-D)
    thigh = joints[:, MPII.index("right_knee")] - joints[:, MPII.index("right_hip")]
    shin = joints[:, MPII.index("right_ankle")] - joints[:, MPII.index("right_knee")]
    folded = (
        (thigh * shin).sum(1)
        / np.linalg.norm(thigh, axis=1)
        / np.linalg.norm(shin, axis=1)
    )
    assert folded.min() > np.cos(np.deg2rad(146))


def test_other_skeletons():
    whole = SyntheticPeople(4, size=64)
    upper = SyntheticPeople(4, size=64, skeleton="upper_body")
    assert upper.skeleton is UPPER_BODY
    for i in range(4):
        a, b = whole[i], upper[i]
        for k, joint in enumerate(UPPER_BODY.joints):
            j = MPII.index(joint)
            assert a.visible[j] == b.visible[k]
            np.testing.assert_array_equal(a.keypoints[j], b.keypoints[k])
        assert set(b.extra["hidden_by"]) <= set(UPPER_BODY.joints)


# ------------------------------------------------------------- visibility
def test_visible_is_what_the_map_of_parts_says(renderings):
    """Looked up one by one, from the definition."""
    for r in renderings:
        for k, joint in enumerate(MPII.joints):
            x, y = r.person.keypoints[k]
            if np.isnan(x):
                assert joint not in r.person.extra["hidden_by"]
                continue
            top = PARTS[r.parts[int(np.floor(y + 0.5)), int(np.floor(x + 0.5))]]
            own = top in JOINT_PARTS[joint] or top == "background"
            assert r.person.visible[k] == (2 if own else 1)
            assert r.person.extra["hidden_by"].get(joint) == (None if own else top)


def test_the_renderer_shows_the_nearest_limb():
    """Against brute force: a rounded cone is the hull of many balls.

    Each limb is taken apart into balls, and the first of them that a ray
    meets at a joint's pixel must belong to the part that was drawn there.
    """
    size, checked = 256, 0
    light = Light(np.array([0, 0, -1.0]), np.full(3, 0.5), np.full(3, 0.5))
    for i in range(12):
        rng = np.random.default_rng(i)
        body, pose = sample_body(rng), sample_pose(rng)
        points, frames = articulate(body, pose, rotation("y", 37.0 * i))
        points = {k: v + (0, 0, 5) for k, v in points.items()}
        view = View(size / 2 * 5, ((size - 1) / 2,) * 2, 5.0)
        figure = dress(body, points, frames)
        parts = np.zeros((size, size), np.uint8)
        draw_person(np.zeros((size, size, 3), np.uint8), parts, figure, view, light)
        for joint in ("knee", "elbow", "wrist"):
            for side in ("right", "left"):
                point = view.project(points[f"{side}_{joint}"])
                x, y = np.floor(point + 0.5).astype(int)
                # a pixel's part is that of the first of its four subpixels
                nearest = _nearest(figure, view, (x - 0.25, y - 0.25))
                drawn = PARTS[parts[y, x]]
                if drawn in nearest:
                    checked += 1
                    assert nearest[drawn] < min(nearest.values()) + 0.5
    assert checked > 40


def _nearest(figure, view, pixel):
    """Depth in pixels at which a ray meets each limb, by its balls."""
    t = np.linspace(0, 1, 1000)
    result = {}
    for cone in figure.cones:
        name = PARTS[figure.parts[cone.slot]]
        if cone.flatten < 1 or "_" not in name:
            continue  # limbs are round
        balls, scale = view.solid(cone.a + t[:, None] * (cone.b - cone.a))
        radius = scale * (
            cone.ra
            + (cone.rb - cone.ra) * t
            + 4 * cone.bulge * t * (1 - t)
            + cone.pad * (t < cone.cut)
        )
        rest = radius**2 - ((balls[:, :2] - pixel) ** 2).sum(1)
        hit = rest > 0
        if hit.any():
            depth = (balls[hit, 2] - np.sqrt(rest[hit])).min()
            result[name] = min(depth, result.get(name, np.inf))
    return result


def test_occluders_hide_joints():
    shown = SyntheticPeople(40, size=96, difficulty=replace(Difficulty(), occluders=()))
    hidden = SyntheticPeople(
        40, size=96, difficulty=replace(Difficulty(), occluders=(1.0, 1.0))
    )
    objects = [
        sum(
            b == "object"
            for i in range(40)
            for b in people[i].extra["hidden_by"].values()
        )
        for people in (shown, hidden)
    ]
    assert objects[1] > 60 > 10 > objects[0]  # some sit behind a stool


def test_mirrored_labels_fit_the_mirrored_picture(renderings):
    """After a flip the joint is still on a part of its own side."""
    twin = np.arange(len(PARTS))
    for i, name in enumerate(PARTS):
        if name.startswith("right_"):
            j = PARTS.index("left_" + name.removeprefix("right_"))
            twin[i], twin[j] = j, i
    for r in renderings:
        keypoints, visible = flip_points(r.person.keypoints, 96, MPII, r.person.visible)
        parts = twin[r.parts[:, ::-1]]
        for k in np.flatnonzero(visible == 2):
            x, y = keypoints[k]
            # the mirror of floor(x + .5), for pixels hit half way, too
            x = 95 - int(np.floor(95 - x + 0.5))
            top = PARTS[parts[int(np.floor(y + 0.5)), x]]
            assert top in (*JOINT_PARTS[MPII.joints[k]], "background")


# -------------------------------------------------------------- statistics
def test_standard_difficulty_is_mixed(renderings):
    visible = _stack(renderings, "visible")
    assert 0.06 < (visible == 1).mean() < 0.18
    assert (visible == 0).mean() < 0.02
    assert (visible == 1).any(0).all()  # every joint can be hidden
    facing = np.abs([r.person.extra["facing"] for r in renderings])
    assert 0.4 < (facing < 60).mean() < 0.8
    assert (facing > 120).mean() > 0.08
    assert ((facing > 60) & (facing < 120)).mean() > 0.08
    assert len({r.person.extra["pose"] for r in renderings}) >= 10
    keypoints = _stack(renderings, "keypoints")
    extent = np.nanmax(keypoints, 1) - np.nanmin(keypoints, 1)
    # a whole person with some slack, as on MPII
    assert 0.7 < np.median(extent.max(1)) / 96 < 0.92


def test_left_and_right_follow_the_facing(renderings):
    """Facing the camera, the right shoulder is on the picture's left."""
    right, left = MPII.indices(["right_shoulder", "left_shoulder"])
    for r in renderings:
        if abs(r.person.extra["camera"]["roll"]) > 20:
            continue
        joints, facing = (r.person.extra[k] for k in ("joints_3d", "facing"))
        if abs(facing) < 40:
            assert joints[right, 0] < joints[left, 0]
        elif abs(facing) > 140:
            assert joints[right, 0] > joints[left, 0]


def test_difficulty_is_ordered():
    hidden = [
        np.mean([(people[i].visible == 1).mean() for i in range(60)])
        for people in (
            SyntheticPeople(60, size=64, difficulty=d)
            for d in ("easy", "standard", "hard")
        )
    ]
    assert hidden[0] < hidden[1] < hidden[2]


@pytest.mark.parametrize("size", [16, 48, 301])
def test_any_size(size):
    people = SyntheticPeople(3, size=size)
    for i in range(3):
        r = people.render(i)
        assert r.image.shape == (size, size, 3)
        big = SyntheticPeople(3, size=4 * size).render(i)
        np.testing.assert_allclose(
            (r.person.keypoints + 0.5) * 4 - 0.5,
            big.person.keypoints,
            atol=1e-8,
            equal_nan=True,
        )


# ------------------------------------------------------- scenes and motions
def test_scenes_hold_several_people():
    people = SyntheticPeople(0, size=160)
    hidden_by_others = 0
    for i in range(8):
        scene = people.scene(i, people=3)
        assert len(scene.persons) == 3
        np.testing.assert_array_equal(scene.image, people.scene(i, people=3).image)
        assert len({p.id for p in scene.persons}) == 3
        assert len({p.image for p in scene.persons}) == 1
        for k, p in enumerate(scene.persons, 1):
            ys, xs = np.nonzero(scene.owners == k)
            assert p.area == len(xs) > 0
            assert p.box == (xs.min(), ys.min(), np.ptp(xs) + 1, np.ptp(ys) + 1)
            assert (scene.parts[ys, xs] > 1).all()
            assert p.head_size == pytest.approx(25 * p.scale)
            others = [b for b in p.extra["hidden_by"].values() if b[0] == "*"]
            hidden_by_others += len(others)
            for j in np.flatnonzero(p.visible == 2):
                x, y = np.floor(p.keypoints[j] + 0.5).astype(int)
                assert scene.owners[y, x] in (0, k)
            # the standard crop holds most of the person
            inside = p.crop(100).apply(p.keypoints[p.visible > 0])
            assert ((inside > -1) & (inside < 100)).mean() > 0.9
        first, last = (scene.persons[k].extra["joints_3d"][:, 0].mean() for k in (0, 2))
        assert first < last  # from left to right
    assert hidden_by_others > 5


@pytest.mark.parametrize("name", MOTIONS)
def test_motions_are_smooth_and_periodic(name):
    people = SyntheticPeople(0, size=48, difficulty="easy")
    frames = people.motion(name, frames=30, index=2, fps=30)
    assert len(frames) == 30 and frames[0].image.shape == (48, 48, 3)
    joints = np.array([r.person.extra["joints_3d"] for r in frames])
    steps = np.linalg.norm(np.diff(joints, axis=0), axis=-1)
    assert steps.max() < 0.35  # metres in 1/30 s
    lengths = np.linalg.norm(
        joints[:, MPII.index("right_hip")] - joints[:, MPII.index("right_knee")],
        axis=-1,
    )
    np.testing.assert_allclose(lengths, lengths[0])
    moved = np.ptp(joints, axis=0).max()
    assert moved < 1e-9 if name == "still" else moved > 0.15
    # the camera stands still: the background is the same
    still = np.all([r.parts == 0 for r in frames], 0)
    change = np.abs(frames[0].image.astype(int) - frames[15].image)[:12][still[:12]]
    assert change.mean() < 6  # noise, no more


def test_a_scene_with_room_shows_the_same_people_smaller():
    people = SyntheticPeople(1, size=128)
    near, far = people.scene(0), people.scene(0, room=2)
    for one, other in zip(near.persons, far.persons):
        # a head box is drawn by hand each time
        assert other.scale == pytest.approx(one.scale / 2, rel=0.15)
        middle = 63.5
        np.testing.assert_allclose(
            other.keypoints - middle, (one.keypoints - middle) / 2
        )


@pytest.mark.parametrize("name", ["walk", "squat", "jumping_jack"])
def test_hands_that_pass_the_trunk_do_not_jump(name):
    """They are kept out of it alike in all frames."""
    people = SyntheticPeople(0, size=16, difficulty="easy")
    for index in range(3):
        frames = people.motion(name, frames=60, index=index, fps=48)
        joints = np.array([r.person.extra["joints_3d"] for r in frames])
        turns = np.linalg.norm(np.diff(joints, 2, axis=0), axis=-1)
        assert turns.max() < 0.03  # metres, at 48 per second


def test_unknown_motions_and_empty_scenes():
    people = SyntheticPeople(0, size=32)
    with pytest.raises(ValueError, match="unknown motion 'fly'.*walk"):
        people.motion("fly")
    with pytest.raises(ValueError, match="0 frames"):
        people.motion("walk", frames=0)
    with pytest.raises(ValueError, match="people is 0"):
        people.scene(0, people=0)
    with pytest.raises(ValueError, match="room is 0.5"):
        people.scene(0, room=0.5)


# ------------------------------------------------------------------ errors
@pytest.mark.parametrize(
    "arguments, message",
    [
        ({"difficulty": "brutal"}, "unknown difficulty 'brutal'.*easy.*standard"),
        ({"size": 15}, "size is 15"),
        ({"size": 20.5}, "size is 20.5"),
        ({"count": -1}, "count is -1"),
        ({"seed": -2}, "seed is -2"),
        ({"margin": 0.5}, "margin is 0.5"),
        ({"split": "half"}, "train, valid, test"),
        ({"skeleton": "octopus"}, "unknown skeleton"),
    ],
)
def test_bad_arguments(arguments, message):
    with pytest.raises(ValueError, match=message):
        SyntheticPeople(**({"count": 3} | arguments))


def test_index():
    people = SyntheticPeople(np.int64(3), size=np.int32(32))
    assert len(people) == 3
    assert people[-1].id == people[np.int64(2)].id == "synthetic/0/2"
    assert len(list(people[i] for i in range(3))) == 3
    for bad in (3, -4):
        with pytest.raises(IndexError, match="of 3 people"):
            people[bad]
    assert len(SyntheticPeople(0)) == 0


def test_a_stick_figure_seen_from_above_is_drawn():
    """Its head is smaller than the stroke that outlines it."""
    people = SyntheticPeople(
        580, size=80, margin=1.25, difficulty="stick", split="test"
    )
    assert people[579].visible.sum() > 0
