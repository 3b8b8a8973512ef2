"""Pictures that are worn: fits against references, and what is drawn where."""

import cv2
import numpy as np
import pytest

from posecourse.geometry import affine_points
from posecourse.motion.overlay import (
    Sticker,
    fit_affine,
    fit_similarity,
    hat,
    limb_mask,
    nearer,
)
from posecourse.skeletons import MPII

NAN = float("nan")


@pytest.fixture
def rng():
    return np.random.default_rng(0)


def similarity(scale, degrees, x, y):
    t = np.deg2rad(degrees)
    c, s = scale * np.cos(t), scale * np.sin(t)
    return np.array([[c, -s, x], [s, c, y]])


def test_an_exact_map_is_found(rng):
    points = rng.normal(size=(5, 2))
    known = similarity(2.5, 40, 10, -3)
    np.testing.assert_allclose(
        fit_similarity(points, affine_points(points, known)), known
    )
    known = rng.normal(size=(2, 3))
    np.testing.assert_allclose(fit_affine(points, affine_points(points, known)), known)
    # two points decide a similarity, three an affine map
    two, three = rng.normal(size=(2, 2)), rng.normal(size=(3, 2))
    moved = affine_points(points[:2], fit_similarity(points[:2], two))
    np.testing.assert_allclose(moved, two)
    moved = affine_points(points[:3], fit_affine(points[:3], three))
    np.testing.assert_allclose(moved, three)


def test_similarity_is_procrustes_without_a_mirror(rng):
    """Against the singular value decomposition of Umeyama (1991)."""
    for _ in range(20):
        source, target = rng.normal(size=(2, 6, 2))
        s, t = source - source.mean(0), target - target.mean(0)
        u, values, v = np.linalg.svd(t.T @ s)
        sign = np.diag([1, np.sign(np.linalg.det(u @ v))])
        linear = (values * np.diag(sign)).sum() / (s**2).sum() * u @ sign @ v
        found = fit_similarity(source, target)
        np.testing.assert_allclose(found[:, :2], linear, atol=1e-9)
        np.testing.assert_allclose(
            found[:, 2], target.mean(0) - linear @ source.mean(0), atol=1e-9
        )


def test_weights_are_repetitions(rng):
    source, target = rng.normal(size=(2, 5, 2))
    counts = np.array([1, 3, 2, 1, 0])
    for fit in (fit_similarity, fit_affine):
        repeated = fit(np.repeat(source, counts, 0), np.repeat(target, counts, 0))
        np.testing.assert_allclose(fit(source, target, counts), repeated)
        gone = target.copy()
        gone[4] = NAN
        np.testing.assert_allclose(fit(source, gone, counts), repeated)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: fit_similarity([[1, 1], [1, 1]], [[0, 0], [2, 2]]), "one place"),
        (lambda: fit_similarity([[1, 1]], [[0, 0]]), "2 known points"),
        (lambda: fit_affine([[0, 0], [1, 1], [2, 2]], np.eye(3)[:, :2]), "on a line"),
        (lambda: fit_affine(np.zeros((3, 2)), np.zeros((4, 2))), "as many"),
        (lambda: fit_affine(np.eye(3)[:, :2], np.eye(3)[:, :2], [1, 1]), "a weight"),
        (lambda: Sticker(np.zeros((4, 4, 3), np.uint8), hat().anchors), "RGBA"),
        (lambda: Sticker(hat().picture, {"head_top": (0, 0)}), "2 anchors"),
        (lambda: Sticker(hat().picture, hat().anchors, "affine"), "3 anchors"),
        (lambda: Sticker(hat().picture, hat().anchors, "glue"), "similarity or affine"),
        (lambda: nearer(np.zeros(15), "head_top"), "a depth for each"),
    ],
)
def test_what_makes_no_sense(make, message):
    with pytest.raises(ValueError, match=message):
        make()


# ------------------------------------------------------------------- worn


@pytest.fixture
def person():
    """A head upright: its top at (50, 40), the neck at (50, 60)."""
    points = np.full((16, 2), NAN)
    points[MPII.index("head_top")] = 50, 40
    points[MPII.index("upper_neck")] = 50, 60
    points[MPII.index("right_elbow")] = 20, 30
    points[MPII.index("right_wrist")] = 80, 30
    return points


def test_the_hat_is_on_the_head(person):
    sticker = hat()
    image = np.full((100, 100, 3), 255, np.uint8)
    worn = sticker.draw(image, sticker.place(person))
    where = np.flatnonzero((worn != 255).any((1, 2)))
    columns = np.flatnonzero((worn != 255).any((0, 2)))
    assert where.max() == pytest.approx(43, abs=2)  # the brim, below the head's top
    assert where.min() < 30
    assert (columns.min() + columns.max()) / 2 == pytest.approx(50, abs=1)
    assert (image == 255).all()  # the picture given is left alone
    # twice as large a head wears twice as large a hat
    double = sticker.draw(
        np.full((200, 200, 3), 255, np.uint8), sticker.place(2 * person)
    )
    area = [np.count_nonzero((p != 255).any(-1)) for p in (worn, double)]
    assert area[1] == pytest.approx(4 * area[0], rel=0.1)


def test_it_turns_with_the_head(person):
    sticker = hat()
    middle = np.array([50.0, 60])
    turned = affine_points(person - middle, similarity(1, 90, 0, 0)) + middle
    moved = affine_points([list(sticker.anchors["head_top"])], sticker.place(turned))
    np.testing.assert_allclose(moved, [[70, 60]], atol=1e-9)


def test_unknown_joints_wear_nothing(person):
    sticker, image = hat(), np.full((100, 100, 3), 9, np.uint8)
    scores = np.ones(16)
    scores[MPII.index("upper_neck")] = 0
    assert sticker.place(person, scores) is None
    person[MPII.index("head_top")] = NAN
    assert sticker.place(person) is None
    np.testing.assert_array_equal(sticker.draw(image, None), image)


def test_transparent_parts_show_the_picture():
    """By hand: half solid red over blue; nothing where it is transparent."""
    picture = np.zeros((2, 2, 4), np.uint8)
    picture[0, 0] = 200, 0, 0, 128
    picture[0, 1] = 200, 90, 0, 0  # a colour nobody sees
    picture[1] = 10, 20, 30, 255
    sticker = Sticker(picture, {"head_top": (0, 0), "pelvis": (1, 1)})
    image = np.full((2, 2, 3), (0, 0, 100), np.uint8)
    out = sticker.draw(image, np.eye(2, 3))
    assert out[0, 0].tolist() == [100, 0, 50]
    assert out[0, 1].tolist() == [0, 0, 100]
    assert out[1].tolist() == [[10, 20, 30]] * 2


def test_an_arm_in_front_stays_in_front(person):
    depths = np.full(16, 5.0)
    depths[MPII.indices(["right_wrist", "right_elbow"])] = 4.5
    bones = nearer(depths, "head_top")
    assert ("right_elbow", "right_wrist") in {tuple(sorted(b)) for b in bones}
    depths[MPII.indices(["right_wrist", "right_elbow"])] = 5.5
    behind_it = nearer(depths, "head_top")
    assert ("right_elbow", "right_wrist") not in {tuple(sorted(b)) for b in behind_it}
    mask = limb_mask(person, bones, 6, (100, 100))
    # a stroke from (20, 30) to (80, 30), 6 or 7 pixels high
    assert mask[30, 20:81].all() and mask[:, 50].sum() in (6, 7)
    assert not mask[:20].any() and not mask[40:].any()
    image = np.full((100, 100, 3), 77, np.uint8)
    sticker = hat()
    worn = sticker.draw(image, sticker.place(person), mask)
    assert (worn[mask] == 77).all() and (worn[~mask] != 77).any()
    with pytest.raises(ValueError, match="like the picture"):
        sticker.draw(image, sticker.place(person), mask[:50])


def test_an_affine_shirt_follows_a_bend():
    corners = {
        "right_shoulder": (0.0, 0.0),
        "left_shoulder": (30.0, 0.0),
        "right_hip": (4.0, 40.0),
        "left_hip": (26.0, 40.0),
    }
    shirt = Sticker(np.full((40, 30, 4), 255, np.uint8), corners, "affine")
    points = np.full((16, 2), NAN)
    bent = cv2.getAffineTransform(
        np.float32([[0, 0], [30, 0], [4, 40]]),
        np.float32([[50, 20], [80, 30], [40, 70]]),
    )
    points[MPII.indices(corners)] = affine_points(list(corners.values()), bent)
    np.testing.assert_allclose(shirt.place(points), bent, atol=1e-4)
