"""The second edition of drawn people: other pictures, the same truth."""

import warnings

import cv2
import numpy as np
import pytest

from posecourse.datasets import open_dataset
from posecourse.datasets.synthetic import (
    DIFFICULTIES,
    PARTS,
    Camera,
    SyntheticCrossing,
    SyntheticMotion,
    SyntheticPeople,
    SyntheticScenes,
)
from posecourse.datasets.synthetic.body import SKIN
from posecourse.datasets.synthetic.illustrated import sample_someone
from posecourse.datasets.synthetic.illustrated.figure import sketch_person
from posecourse.datasets.synthetic.illustrated.hair import CUTS
from posecourse.datasets.synthetic.illustrated.painting import paint_people
from posecourse.datasets.synthetic.illustrated.sketch import Piece, painted_order
from posecourse.datasets.synthetic.pose import Pose, sample_pose
from posecourse.datasets.synthetic.solids import View
from posecourse.datasets.synthetic.staging import place
from posecourse.skeletons import MPII

LIGHT = np.array([-0.5, -0.7, -0.5])


def _stance(seed, facing=None, loose=1.0, pitch=4.0):
    rng = np.random.default_rng(seed)
    body, pose = sample_someone(rng), sample_pose(rng, loose)
    facing = 37.0 * seed if facing is None else facing
    return place(body, pose, facing, pitch, 0.0, pelvis=np.array([0, 0, 5.0]))


def _view(size):
    return View(size / 2.6 * 5, ((size - 1) / 2,) * 2, 5.0)


def _parts(stance, size=256):
    image = np.zeros((size, size, 3), np.uint8)
    sketch = sketch_person(stance, _view(size))
    return paint_people(image, [sketch], LIGHT)[0], sketch


# ------------------------------------------------------------------- people
def test_there_is_everybody():
    people = [sample_someone(np.random.default_rng(i)) for i in range(600)]
    assert {p.age for p in people} == {"child", "adult", "old"}
    assert {p.cut for p in people} == {*CUTS, "hijab", "bald"}
    assert {p.coat for p in people} == {"none", "jacket", "cardigan", "hoodie"}
    for what in ("beard", "glasses", "freckles", "wheelchair"):
        assert 0.01 < np.mean([getattr(p, what) for p in people]) < 0.6
    tones = {tuple(SKIN[np.abs(SKIN - p.skin).sum(1).argmin()]) for p in people}
    assert len(tones) == len(SKIN)
    heights = {
        a: np.mean([p.height for p in people if p.age == a]) for a in ("child", "adult")
    }
    assert heights["child"] < 0.85 * heights["adult"]
    # a child's head is a larger share of the child
    shares = {
        a: np.mean([p.head / p.height for p in people if p.age == a])
        for a in ("child", "adult")
    }
    assert shares["child"] > 1.1 * shares["adult"]
    for p in people:
        colors = np.array([p.skin, p.hair, p.top, p.bottom, p.shoe, p.coat_color])
        assert colors.min() >= 0 and colors.max() <= 255


def test_the_same_index_has_the_same_pose_in_both_editions():
    first, second = (SyntheticPeople(30, 2, 48, edition=e) for e in (1, 2))
    for i in range(30):
        for what in ("pose", "facing"):
            assert first[i].extra[what] == second[i].extra[what]


# ------------------------------------------------------------------- pixels
def test_what_is_drawn_last_is_what_is_seen():
    """Against a plain search: the last shape that has a pixel inside it, by
    half planes, owns the pixel."""
    checked = 0
    for seed in range(12):
        stance = _stance(seed)
        parts, sketch = _parts(stance)
        rings, corners, where = sketch.project()
        pieces = [p for p in sketch.pieces if p.shapes]
        places = [where[p.first : p.last] for p in pieces]
        order, _ = painted_order(pieces, places, [1] * len(pieces))
        shapes = [s for i in order for s in pieces[i].shapes if s[2] and s[0] != "line"]
        for joint in _view(256).project(stance.joints):
            pixel = np.floor(joint + 0.5)
            if not ((pixel >= 0) & (pixel < 256)).all():
                continue
            x, y = pixel.astype(int)
            if (parts[y - 2 : y + 3, x - 2 : x + 3] != parts[y, x]).any():
                continue  # an edge is at most a pixel wider than its polygon
            found = 0
            for kind, what, part, _ in shapes:
                if kind == "hull":
                    inside = _inside(rings[list(what)].reshape(-1, 2) / 16, pixel)
                elif kind == "claim":
                    inside = _inside(rings[list(what[0])][what[1]] / 16, pixel)
                else:
                    outline = (corners[what] / 16).astype(np.float32)
                    inside = cv2.pointPolygonTest(outline, pixel.tolist(), False) >= 0
                found = part if inside else found
            assert found == parts[y, x]
            checked += 1
    assert checked > 100


def _inside(points, pixel):
    """Whether a point is in the hull of others: no line through it leaves
    all of them on one side."""
    angle = np.sort(np.arctan2(*(points - pixel).T))
    gaps = np.diff(angle, append=angle[0] + 2 * np.pi)
    return gaps.max() < np.pi


def test_limbs_are_painted_in_the_order_of_their_depth():
    """Against brute force: rows of balls along the limbs, and a ray."""
    right = wrong = 0
    for seed in range(60):
        stance = _stance(seed)
        parts, _ = _parts(stance)
        for joint in ("knee", "ankle", "elbow", "wrist"):
            for side in ("right", "left"):
                pixel = _view(256).project(stance.points[f"{side}_{joint}"])
                x, y = np.floor(pixel + 0.5).astype(int)
                if not (0 <= x < 256 and 0 <= y < 256):
                    continue
                depths = _depths(stance, pixel)
                drawn = PARTS[parts[y, x]]
                if drawn in depths:
                    ahead = depths[drawn] - min(depths.values())
                    right, wrong = right + (ahead < 0.06), wrong + (ahead >= 0.06)
    assert right > 250
    assert wrong <= 0.03 * right


_LIMBS = [
    (part, f"{side}_{a}", f"{side}_{b}", radius)
    for side in ("right", "left")
    for part, a, b, radius in (
        (f"{side}_upper_arm", "shoulder", "elbow", 0.045),
        (f"{side}_forearm", "elbow", "wrist", 0.036),
        (f"{side}_hand", "wrist", "hand", 0.032),
        (f"{side}_thigh", "hip", "knee", 0.070),
        (f"{side}_shin", "knee", "ankle", 0.048),
        (f"{side}_foot", "heel", "toe", 0.040),
    )
]


def _depths(stance, pixel):
    """Metres at which a ray meets each limb."""
    ray = np.append((pixel - _view(256).center) / _view(256).focal, 1.0)
    ray /= np.linalg.norm(ray)
    result = {}
    for part, a, b, radius in _LIMBS:
        t = np.linspace(0, 1, 60)[:, None]
        balls = stance.points[a] * (1 - t) + stance.points[b] * t
        along = balls @ ray
        rest = (radius * stance.body.girth) ** 2 - (balls**2).sum(1) + along**2
        if (rest > 0).any():
            result[part] = (along - np.sqrt(np.maximum(rest, 0)))[rest > 0].min()
    return result


def test_order_of_two_rods_that_cross():
    """The one that is nearer where they cross, though farther on average."""
    pieces = [Piece("near"), Piece("far")]
    t = np.linspace(0, 1, 9)
    ones = np.ones(9)
    # from left to right, coming nearer; from top to bottom at x = 90
    slanting = np.stack([100 * t, 50 * ones, 6 - 2 * t, 5 * ones], axis=1)
    upright = np.stack([90 * ones, 100 * t, 4.6 * ones, 5 * ones], axis=1)
    order, _ = painted_order(pieces, [slanting, upright], [1, 1])
    assert order == [1, 0]
    order, _ = painted_order(pieces, [upright, slanting], [1, 1])
    assert order == [0, 1]


def test_a_mirrored_person_is_drawn_mirrored():
    twin = np.arange(len(PARTS))
    for i, name in enumerate(PARTS):
        if name.startswith("right_"):
            j = PARTS.index("left_" + name.removeprefix("right_"))
            twin[i], twin[j] = j, i
    for seed in range(16):
        stance = _stance(seed)
        pose = stance.pose
        mirrored = Pose(
            pose.name,
            pose.root * (1, -1),
            pose.spine * (1, -1, -1),
            pose.neck * (1, -1, -1),
            pose.arms[::-1],
            pose.legs[::-1],
            pose.ankles[::-1],
            pose.lift,
            pose.seated,
        )
        other = place(
            stance.body,
            mirrored,
            -stance.facing,
            4.0,
            0.0,
            pelvis=np.array([0, 0, 5.0]),
        )
        parts, mirror = _parts(stance)[0], twin[_parts(other)[0]][:, ::-1]
        drawn = (parts > 0) | (mirror > 0)
        assert (parts == mirror)[drawn].mean() > 0.94
        assert ((parts > 0) == (mirror > 0))[drawn].mean() > 0.97


def test_feet_are_on_the_ground_and_not_above_it():
    size, found = 512, 0
    for seed in range(40):
        stance = _stance(seed, pitch=0.0, loose=0.5)
        if (
            stance.pose.lift
            or stance.seat is not None
            or stance.pose.name == "kneeling"
        ):
            continue
        parts, sketch = _parts(stance, size)
        rows = np.flatnonzero(
            (np.isin(parts, [PARTS.index("right_foot"), PARTS.index("left_foot")])).any(
                1
            )
        )
        ground = _view(size).project(stance.ground)[1]
        if len(rows) and ground < size - 2:
            # nearer feet are lower in the picture
            nearest = min(stance.points[f"{s}_toe"][2] for s in ("right", "left"))
            reach = sketch.metre * stance.ground[1] * max(5 / nearest - 1, 0)
            assert (
                -0.03 * sketch.metre < rows[-1] - ground < reach + 0.05 * sketch.metre
            )
            found += 1
    assert found > 10


def test_outlines_are_smooth():
    """Half covered pixels lie along them, and nothing dark between."""
    stance = _stance(3, facing=0.0)
    image = np.full((256, 256, 3), 255, np.uint8)
    sketch = sketch_person(stance, _view(256))
    parts = paint_people(image, [sketch], LIGHT)[0]
    edge = cv2.dilate((parts > 0).astype(np.uint8), np.ones((3, 3))) - (parts > 0)
    fine = paint_people(
        big := np.full((1024, 1024, 3), 255, np.uint8),
        [sketch_person(stance, _view(1024))],
        LIGHT,
    )
    assert len(fine) == 3
    small = cv2.resize(big, (256, 256), interpolation=cv2.INTER_AREA)
    apart = np.abs(image.astype(int) - small)
    assert apart[(parts > 0) | (edge > 0)].mean() < 9
    # against white, nothing outside is darker than a mix of body and white
    assert image[parts == 0].min() > 20


# ---------------------------------------------------------------- datasets
def test_scenes_know_who_is_seen():
    scenes = SyntheticScenes(6, 1, (192, 144), (2, 6), (0.1, 0.5), edition=2)
    for k in range(6):
        scene = scenes.scene(k)
        for p in scene.persons:
            number = p.extra["owner"]
            mine = scene.owners == number
            assert p.area == mine.sum() <= p.extra["full_area"]
            assert 0 <= p.extra["occluded"] <= 1
            assert (scene.parts[mine] > 1).all()
            seen = p.visible > 0
            pixels = scene.camera.project(p.extra["joints_world"])
            np.testing.assert_allclose(pixels[seen], p.keypoints[seen], atol=1e-3)
            for j in np.flatnonzero(p.visible == 2):
                x, y = np.floor(p.keypoints[j] + 0.5).astype(int)
                assert scene.owners[y, x] in (0, number)


def test_the_nearer_person_is_in_front():
    right = wrong = 0
    scenes = SyntheticScenes(16, 4, (192, 144), (3, 6), (0.3, 0.6), edition=2)
    for k in range(16):
        scene = scenes.scene(k)
        joints = {p.extra["owner"]: p.extra["joints_3d"] for p in scene.persons}
        for p in scene.persons:
            number = p.extra["owner"]
            for j in np.flatnonzero(p.visible > 0):
                x, y = np.floor(p.keypoints[j] + 0.5).astype(int)
                other = scene.owners[y, x]
                if other in (0, number):
                    continue
                # somebody else is seen there, so some of theirs is nearer
                nearest = joints[other][:, 2].min() - 0.25
                right += nearest < joints[number][j, 2]
                wrong += nearest >= joints[number][j, 2]
    assert right > 40
    assert wrong == 0


def test_motion_and_crossing():
    motion = SyntheticMotion("walk", 1, 4, 64, seed=3, edition=2)
    for person, joints in zip(motion, motion.joints):
        seen = person.visible > 0
        pixels = motion.camera.project(joints)
        np.testing.assert_allclose(pixels[seen], person.keypoints[seen], atol=1e-3)
    old = SyntheticMotion("walk", 1, 4, 64, seed=3)
    assert (motion.read_image(motion[0]) != old.read_image(old[0])).any()
    crossing = SyntheticCrossing(3, 1, 2, (64, 48), edition=2)
    scene = crossing.scene(1)
    assert scene.image.shape == (48, 64, 3) and len(scene.persons) == 3
    frames = SyntheticPeople(0, size=48, edition=2).motion("squat", frames=3)
    assert len(frames) == 3
    assert len(SyntheticPeople(0, size=64, edition=2).scene(0, people=3).persons) == 3


def test_the_place_stands_still_while_somebody_moves():
    quiet = DIFFICULTIES["standard"]
    motion = SyntheticMotion(
        "jumping_jack", 1, 8, 96, seed=4, edition=2, difficulty=quiet
    )
    images = np.array([motion.read_image(p) for p in motion]).astype(int)
    corners = images[:, :10, [*range(10), *range(86, 96)]]
    assert np.abs(corners - np.median(corners, axis=0)).mean() < 5  # noise


@pytest.mark.parametrize("level", [*DIFFICULTIES])
@pytest.mark.parametrize("size", [16, 40, 301])
def test_any_size_and_difficulty(level, size):
    people = SyntheticPeople(4, 1, size, level, margin=1.5, edition=2)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for i in range(4):
            assert people.render(i).image.shape == (size, size, 3)


def test_the_camera_is_anywhere():
    """From above, from below, upside down: nothing fails, somebody is drawn."""
    from dataclasses import replace

    wild = replace(DIFFICULTIES["hard"], pitch=(-80, 88), tumble=1.0, occluders=(1, 1))
    people = SyntheticPeople(60, 5, 48, wild, edition=2)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for i in range(60):
            assert (people.render(i).parts > 0).any()


# ------------------------------------------------------------ the argument
def test_the_edition_is_an_argument_like_others():
    people = SyntheticPeople(3, size=32, edition=2)
    assert repr(people).endswith("split='train', edition=2)")
    assert "edition" not in repr(SyntheticPeople(3))
    upper = people.as_skeleton("upper_body")
    np.testing.assert_array_equal(upper.render(1).image, people.render(1).image)
    assert people.read_image(people[1]).any()
    for made in (
        SyntheticScenes(1, size=(48, 32), edition=2),
        SyntheticMotion("walk", size=16, edition=2),
        SyntheticCrossing(size=(32, 32), edition=2),
    ):
        assert repr(made).endswith(", edition=2)")
    again = SyntheticScenes(1, size=(48, 32), edition=2).as_skeleton("upper_body")
    assert again.edition == 2
    drawn = open_dataset("synthetic", "valid", count=2, size=32, edition=2)
    other = open_dataset("synthetic", "valid", count=2, size=32)
    assert (drawn.read_image(drawn[0]) != other.read_image(other[0])).any()


@pytest.mark.parametrize("edition", [0, 3, "2", None])
def test_unknown_editions(edition):
    with pytest.raises(ValueError, match="edition is .*known: 1, 2"):
        SyntheticPeople(1, edition=edition)


def test_joints_are_those_of_the_skeleton():
    person = SyntheticPeople(2, size=64, edition=2)[1]
    assert person.skeleton is MPII
    camera = Camera(
        *(
            person.extra["camera"][k]
            for k in ("focal", "center", "rotation", "translation")
        )
    )
    pixels = camera.project(person.extra["joints_world"])
    seen = person.visible > 0
    np.testing.assert_allclose(pixels[seen], person.keypoints[seen], atol=1e-3)
