"""Several drawn people in a picture: exact labels, measured overlap."""

import json

import numpy as np
import pytest

from posecourse.datasets import COCOKeypoints, Person, open_dataset, read_coco
from posecourse.datasets.coco_writer import write_coco
from posecourse.datasets.synthetic import (
    JOINT_PARTS,
    PARTS,
    Camera,
    Difficulty,
    SyntheticPeople,
    SyntheticScenes,
)
from posecourse.datasets.synthetic.body import sample_body
from posecourse.datasets.synthetic.crowd import box_overlap, gather, seen_by
from posecourse.datasets.synthetic.figure import dress
from posecourse.datasets.synthetic.pose import sample_pose
from posecourse.datasets.synthetic.rotations import rotation
from posecourse.datasets.synthetic.scenes import _aim, _far
from posecourse.datasets.synthetic.solids import View
from posecourse.datasets.synthetic.staging import draw, place
from posecourse.metrics import keypoint_ap
from posecourse.skeletons import COCO, MPII


@pytest.fixture(scope="module")
def scenes():
    return SyntheticScenes(14, seed=2, size=(160, 120), people=(1, 6), overlap=(0, 0.6))


@pytest.fixture(scope="module")
def drawn(scenes):
    return [scenes.scene(k) for k in range(scenes.pictures)]


def people_of(drawn):
    return [(scene, person) for scene in drawn for person in scene.persons]


# ------------------------------------------------------------- the dataset
def test_a_dataset_of_people_picture_after_picture(scenes, drawn):
    assert len(scenes) == sum(len(s.persons) for s in drawn)
    flat = [p for s in drawn for p in s.persons]
    again = SyntheticScenes(
        14, seed=2, size=(160, 120), people=(1, 6), overlap=(0, 0.6)
    )
    for i in (len(scenes) - 1, 0, 17, -3):
        person = again[i]
        assert isinstance(person, Person) and person.id == flat[i].id
        np.testing.assert_array_equal(person.keypoints, flat[i].keypoints)
        picture = int(person.image.rpartition("/")[2])
        np.testing.assert_array_equal(again.read_image(person), drawn[picture].image)
    assert len({p.id for p in flat}) == len(flat)
    assert len({p.image for p in flat}) == 14
    assert repr(again) == repr(scenes)
    with pytest.raises(IndexError, match="of [0-9]+ people"):
        scenes[len(scenes)]
    with pytest.raises(IndexError, match="picture 14 of 14"):
        scenes.scene(14)
    with pytest.raises(ValueError, match="scenes/train/9/0/.*not of these scenes"):
        scenes.read_image(SyntheticScenes(1, seed=9, size=(48, 48))[0])
    assert len(SyntheticScenes(0)) == 0


def test_fewer_pictures_are_the_first_of_more(drawn):
    few = SyntheticScenes(3, seed=2, size=(160, 120), people=(1, 6), overlap=(0, 0.6))
    np.testing.assert_array_equal(few.scene(2).image, drawn[2].image)
    other = SyntheticScenes(3, seed=2, size=(160, 120), people=(1, 6), split="valid")
    assert not np.array_equal(other.scene(2).image, drawn[2].image)


@pytest.mark.parametrize("size", [(96, 64), (64, 96), (33, 200), (80, 80)])
def test_pictures_of_any_size(size):
    scene = SyntheticScenes(1, size=size, people=3, truncated=0).scene(0)
    width, height = size
    assert scene.image.shape == (height, width, 3)
    assert scene.parts.shape == scene.owners.shape == (height, width)
    for person in scene.persons:
        assert (person.visible > 0).all()  # nobody is cut off
        x, y, w, h = person.box
        assert x >= 0 and y >= 0 and x + w <= width and y + h <= height
    joints = np.concatenate([p.keypoints for p in scene.persons])
    filled = np.ptp(joints, axis=0) / size
    assert 0.55 < filled.max() < 1


def test_numbers_of_people():
    counts = [
        len(s.persons) for s in map(SyntheticScenes(24, size=(32, 32)).scene, range(24))
    ]
    assert set(counts) <= set(range(1, 9)) and len(set(counts)) > 5
    assert len(SyntheticScenes(5, people=4)) == 20
    own = Difficulty(scenes=("studio",), clutter=(0, 0))
    assert len(SyntheticScenes(2, size=(48, 32), people=2, difficulty=own)) == 4


# ------------------------------------------------------------------ labels
def test_the_record(drawn):
    for scene, p in people_of(drawn):
        k = p.extra["owner"]
        assert p is scene.persons[k - 1] and p.id == f"{p.image}/{k - 1}"
        ys, xs = np.nonzero(scene.owners == k)
        assert p.area == len(xs) > 0
        assert p.box == (xs.min(), ys.min(), np.ptp(xs) + 1, np.ptp(ys) + 1)
        assert (scene.parts[ys, xs] > 1).all()
        x, y, w, h = p.box
        left, top, width, height = p.extra["full_box"]
        assert left <= x and top <= y
        assert x + w <= left + width and y + h <= top + height
        assert p.extra["full_area"] >= p.area
        assert p.extra["occluded"] == pytest.approx(1 - p.area / p.extra["full_area"])
        assert (np.isnan(p.keypoints).all(1) == (p.visible == 0)).all()
        assert p.head_size == pytest.approx(25 * p.scale)
        *_, w, h = p.extra["head_box"]
        assert 0.6 * np.hypot(w, h) == pytest.approx(p.head_size)
    assert (scene.owners <= len(scene.persons)).all()


def test_joints_project_to_the_keypoints(drawn):
    for scene, p in people_of(drawn):
        seen = p.visible > 0
        assert seen.sum() >= 5
        pixels = scene.camera.project(p.extra["joints_world"])
        np.testing.assert_allclose(pixels[seen], p.keypoints[seen], atol=1e-6)
        camera = p.extra["joints_3d"]
        np.testing.assert_allclose(
            scene.camera.to_camera(p.extra["joints_world"]), camera, atol=1e-9
        )
        focal, centre = (p.extra["camera"][k] for k in ("focal", "center"))
        flat = camera[:, :2] / camera[:, 2:] * focal + centre
        np.testing.assert_allclose(flat[seen], p.keypoints[seen], atol=1e-6)
        inside = ((pixels > -0.5) & (pixels < (159.5, 119.5))).all(1)
        assert (inside == seen).all()
        # people stand on the ground, y = 0, and are as tall as people are
        world = p.extra["joints_world"]
        assert -0.05 < -world[:, 1].max() < 0.6 and np.ptp(world, axis=0).max() < 2.6


def test_visible_is_what_the_map_of_owners_says(drawn):
    hidden = 0
    for scene, p in people_of(drawn):
        for k in np.flatnonzero(p.visible):
            x, y = np.floor(p.keypoints[k] + 0.5).astype(int)
            top, owner = PARTS[scene.parts[y, x]], scene.owners[y, x]
            mine = owner in (0, p.extra["owner"])
            own = mine and (top in JOINT_PARTS[MPII.joints[k]] or top == "background")
            assert p.visible[k] == (2 if own else 1)
            by = p.extra["hidden_by"].get(MPII.joints[k])
            assert by == (None if own else top if mine else f"*{top}")
            hidden += not mine
    assert hidden > 20


@pytest.mark.slow
def test_the_nearest_person_is_in_front():
    """Against brute force: bodies that reach around and through one another,
    taken apart into balls; pixels of a coarse grid are asked whose ball a ray
    meets first."""
    size, level = (96, 96), Difficulty(occluders=(), noise=0)
    view = View(140.0, (47.5, 47.5), 4.0)
    checked = reached_around = 0
    for k in range(5):
        rng = np.random.default_rng(k)
        stances = [
            place(sample_body(rng), sample_pose(rng), 90.0 * i + k, 5, 0, ground=at)
            for i, at in enumerate(rng.uniform(-0.2, 0.2, (3, 3)) + (0, 0.9, 4))
        ]
        drawn = draw(rng, stances, view, level, 96, 70.0, merge=True)
        depths = [_depths(s, view, size) for s in stances]
        order = np.argsort([s.points["pelvis"][2] for s in stances]).tolist()
        for y in range(3, size[1] - 1, 2):
            for x in range(3, size[0] - 1, 2):
                near, *others = np.sort([d[y, x] for d in depths])
                owner = drawn.owners[y, x]
                if np.ptp(drawn.owners[y - 1 : y + 2, x - 1 : x + 2]):
                    continue  # an outline
                if not owner or stances[owner - 1].body.legs in ("skirt", "dress"):
                    continue  # skirts and hair are cut to shape
                if PARTS[drawn.parts[y, x]] == "hair" or others[0] < near + 0.02:
                    continue
                checked += 1
                assert depths[owner - 1][y, x] == near, (k, x, y)
                meets = [i for i, d in enumerate(depths) if d[y, x] < np.inf]
                reached_around += min(meets, key=order.index) != owner - 1
    assert checked > 300
    assert reached_around > 20  # whom the order of whole people gets wrong


def _depths(stance, view, size):
    """``(H, W)`` metres at which rays meet a body: each solid as many balls,
    flattened as it is."""
    result = np.full(size[::-1], np.inf)
    t = np.linspace(0, 1, 60)
    figure = dress(stance.body, stance.points, stance.frames)
    for cone in figure.cones:
        if cone is figure.cap or cone is figure.skirt:
            continue
        balls = cone.a + t[:, None] * (cone.b - cone.a)
        radii = cone.ra + (cone.rb - cone.ra) * t + 4 * cone.bulge * t * (1 - t)
        radii = radii + cone.pad * (t < cone.cut)
        squeeze = (1 / cone.flatten - 1) * np.outer(cone.flat, cone.flat)
        form = np.linalg.matrix_power(np.eye(3) + squeeze, 2)
        for ball, radius in zip(balls, radii):
            middle, reach = view.project(ball), radius * view.focal / ball[2]
            low = np.clip(np.floor(middle - reach), 0, size).astype(int)
            high = np.clip(np.ceil(middle + reach) + 1, 0, size).astype(int)
            x, y = np.meshgrid(np.arange(low[0], high[0]), np.arange(low[1], high[1]))
            # a pixel's owner is that of the first of its four subpixels
            x, y = (
                (v - 0.25 - m) * ball[2] / view.focal for v, m in zip((x, y), middle)
            )
            # where on the ray the flattened ball's equation holds first
            half = form[0, 2] * x + form[1, 2] * y
            rest = form[0, 0] * x**2 + 2 * form[0, 1] * x * y + form[1, 1] * y**2
            root = half**2 - form[2, 2] * (rest - radius**2)
            depth = ball[2] - (half + np.sqrt(np.maximum(root, 0))) / form[2, 2]
            place = result[low[1] : high[1], low[0] : high[0]]
            np.minimum(place, np.where(root > 0, depth, np.inf), out=place)
    return result


# ----------------------------------------------------------------- overlap
def test_overlap_is_measured_by_hand():
    boxes = [(0, 0, 10, 10), (5, 0, 10, 10), (100, 0, 10, 10)]
    assert box_overlap(boxes) == pytest.approx((1 / 3 + 1 / 3 + 0) / 3)
    assert box_overlap(boxes[:1]) == box_overlap([]) == 0
    assert box_overlap([(0, 0, 4, 4)] * 3) == 1


@pytest.mark.slow
def test_overlap_is_as_wanted():
    measured, hidden = {}, {}
    for wanted in (0.0, 0.2, 0.4, 0.6):
        scenes = SyntheticScenes(
            16, 3, (128, 96), people=(2, 4), overlap=wanted, truncated=0
        )
        drawn = [scenes.scene(k) for k in range(16)]
        measured[wanted] = np.array([s.overlap for s in drawn])
        hidden[wanted] = np.mean([p.extra["occluded"] for _, p in people_of(drawn)])
        assert abs(np.median(measured[wanted]) - wanted) < 0.1, wanted
        for scene in drawn:
            worst = max(p.extra["overlap"] for p in scene.persons)
            assert scene.overlap <= worst + 1e-12
    assert np.mean(measured[0.0]) < 0.03
    assert sorted(hidden.values()) == list(hidden.values())
    assert hidden[0.6] > hidden[0.0] + 0.2


def test_nobody_stands_in_somebody_else():
    """Spines and thighs of two people are farther apart than their flesh."""
    pelvis, thorax, knees = (
        MPII.index("pelvis"),
        MPII.index("thorax"),
        MPII.indices(["right_knee", "left_knee"]),
    )
    for k in range(12):
        rng = np.random.default_rng(k)
        camera = _far(_aim(rng, 0))
        crowd = gather(rng, 5, 0.6, camera, Difficulty())
        joints = np.array([s.joints for s in crowd])
        t = np.linspace(0, 1, 9)[:, None]
        lines = np.concatenate(
            [
                joints[:, a, None] + t * (joints[:, b] - joints[:, a])[:, None]
                for a, b in ((pelvis, thorax), *((pelvis, knee) for knee in knees))
            ],
            axis=1,
        )
        for i in range(5):
            for j in range(i):
                gap = np.linalg.norm(lines[i][:, None] - lines[j], axis=-1)
                assert gap.min() > 0.12


def test_truncated_people_keep_some_joints():
    cut = SyntheticScenes(12, 1, (96, 72), people=(1, 4), truncated=1.0)
    whole = SyntheticScenes(12, 1, (96, 72), people=(1, 4), truncated=0.0)
    lost = 0
    for i in range(len(cut)):
        assert (whole[i].visible > 0).all()
        assert (cut[i].visible > 0).sum() >= 5
        lost += (cut[i].visible == 0).any()
    assert lost > len(cut) / 3


# ----------------------------------------------------------------- cameras
def test_several_cameras_see_one_world():
    views = [
        SyntheticScenes(2, 4, (128, 96), people=3, truncated=0, camera=k)
        for k in range(3)
    ]
    for picture in range(2):
        drawn = [v.scene(picture) for v in views]
        for k in range(3):
            worlds = [s.persons[k].extra["joints_world"] for s in drawn]
            np.testing.assert_allclose(worlds[1], worlds[0], atol=1e-9)
            np.testing.assert_allclose(worlds[2], worlds[0], atol=1e-9)
            # linear triangulation from the labels of all three
            for joint in (0, 9, 15):
                rows = []
                for scene in drawn:
                    x, y = scene.persons[k].keypoints[joint]
                    first, second, third = scene.camera.matrix
                    rows += [x * third - first, y * third - second]
                *_, last = np.linalg.svd(np.array(rows))
                point = last[-1][:3] / last[-1][3]
                np.testing.assert_allclose(point, worlds[0][joint], atol=1e-6)
    far = [np.linalg.norm(s.camera.position - drawn[0].camera.position) for s in drawn]
    assert min(far[1:]) > 1


def test_a_turned_camera_sees_faces_turned():
    stances = gather(
        np.random.default_rng(0), 1, 0.0, _far((0.0, 5.0, 0.0)), Difficulty()
    )
    turned = Camera(1.0, (0.0, 0.0), rotation("y", 90.0), np.array([0, 0, 5.0]))
    seen = seen_by(turned, stances[0], 0.0, 0.0, 90.0)
    front = -seen.frames["pelvis"][:, 2]
    # 0 looks into the camera, 90 to the picture's left
    angle = np.rad2deg(np.arctan2(-front[0], -front[2]))
    assert abs((angle - seen.facing + 180) % 360 - 180) < 12  # the pose leans


# --------------------------------------------------------------------- COCO
def test_as_coco_and_back(tmp_path, scenes, drawn):
    path = write_coco(tmp_path / "scenes", scenes)
    assert path.name == "person_keypoints_train.json"
    back = COCOKeypoints(path)
    assert back.skeleton is MPII and not back.skipped and not back.notes
    assert len(back) == len(scenes)
    for (scene, person), read in zip(people_of(drawn), back):
        np.testing.assert_array_equal(read.keypoints, person.keypoints)
        np.testing.assert_array_equal(read.visible, person.visible)
        assert read.box == person.box and read.area == person.area
        assert read.extra["image_size"] == (160, 120)
        picture = back.read_image(read).astype(int)
        assert np.abs(picture - scene.image).mean() < 6  # JPEG
    # a folder is recognised, too
    assert len(open_dataset(tmp_path / "scenes", "train")) == len(scenes)
    # the truth itself has an average precision of 100
    content = json.loads(path.read_text("utf-8"))
    results = [
        {k: a[k] for k in ("image_id", "category_id", "keypoints")} | {"score": 1.0}
        for a in content["annotations"]
    ]
    truth = read_coco(path)
    scores = keypoint_ap(truth.content, results, truth.skeleton.sigmas)
    assert scores["AP"] == 1.0


def test_other_skeletons_as_coco(tmp_path):
    scenes = SyntheticScenes(2, size=(64, 48), people=2, skeleton="coco", split="test")
    assert scenes[0].keypoints.shape == (17, 2)
    path = write_coco(tmp_path, scenes)
    back = COCOKeypoints(path)
    assert back.skeleton is COCO and len(back) <= len(scenes)
    whole = SyntheticScenes(2, size=(64, 48), people=2, split="test")
    assert whole.as_skeleton("coco")[1].id == whole[1].id
    k, j = COCO.index("left_knee"), MPII.index("left_knee")
    np.testing.assert_array_equal(scenes[1].keypoints[k], whole[1].keypoints[j])


@pytest.mark.parametrize(
    "arguments, message",
    [
        ({"pictures": -1}, "pictures is -1"),
        ({"size": (31, 64)}, "a side of size is 31"),
        ({"size": (64, 64, 3)}, "size is .64, 64, 3.; it must be a number or two"),
        ({"people": 0}, "people is 0"),
        ({"people": 2.5}, "people is 2.5; it must be a whole number, 1 or more"),
        ({"people": (3, 9)}, "there are 1 to 8"),
        ({"people": (3, 2)}, "there are 1 to 8"),
        ({"overlap": 0.9}, "overlap is 0.9"),
        ({"overlap": (0.4, 0.1)}, "overlap is"),
        ({"truncated": 2}, "truncated is 2"),
        ({"split": "half"}, "train, valid, test"),
        ({"difficulty": "brutal"}, "unknown difficulty"),
        ({"camera": -1}, "camera is -1"),
    ],
)
def test_bad_arguments(arguments, message):
    with pytest.raises(ValueError, match=message):
        SyntheticScenes(**({"pictures": 3} | arguments))


def test_scenes_of_one_seed_are_not_the_people_of_that_seed():
    alone = SyntheticPeople(1, seed=0, size=48).render(0).person
    (person,) = SyntheticScenes(1, seed=0, size=(48, 48), people=1).scene(0).persons
    shoulder, elbow = MPII.indices(["right_shoulder", "right_elbow"])

    def arm(p):
        joints = p.extra["joints_3d"]
        return np.linalg.norm(joints[shoulder] - joints[elbow])

    assert arm(alone) != pytest.approx(arm(person), abs=1e-6)
