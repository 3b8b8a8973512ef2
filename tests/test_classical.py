"""Pose before deep learning: HOG, SVMs, springs, and the model made of them."""

import itertools
import time

import numpy as np
import pytest
from skimage.feature import hog as reference
from sklearn.svm import LinearSVC

from posecourse import classical, metrics
from posecourse.classical import (
    PictorialModel,
    Springs,
    best_pose,
    distance_transform,
    parts,
    svm,
)
from posecourse.classical.hog import cell_histograms, gradients, hog, normalize_blocks
from posecourse.datasets import SyntheticPeople, crop_in_memory
from posecourse.skeletons import MPII

COUNTED = [k for k, j in enumerate(MPII.joints) if j not in ("pelvis", "thorax")]


@pytest.fixture
def rng():
    return np.random.default_rng(2)


def draw(count, split, size=128):
    people = SyntheticPeople(count, size=size, difficulty="easy", split=split)
    return crop_in_memory(people, size, margin=1.0, workers=1)


# --- HOG ----------------------------------------------------------------


@pytest.mark.parametrize("cell", [4, 5, 8])
@pytest.mark.parametrize("block", [1, 2, 3])
@pytest.mark.parametrize("bins", [8, 9])
@pytest.mark.parametrize("kind", ["drawn", "grey", "few values", "floats"])
def test_hog_agrees_with_scikit_image(cell, block, bins, kind, rng):
    image = {
        "drawn": lambda: SyntheticPeople(1, size=61).render(0).image[:50],
        "grey": lambda: rng.integers(0, 256, (64, 41)).astype(np.uint8),
        "few values": lambda: rng.integers(0, 3, (33, 48, 3)).astype(np.uint8),
        "floats": lambda: rng.normal(size=(40, 40, 3)),
    }[kind]()
    expected = reference(
        image,
        bins,
        (cell, cell),
        (block, block),
        block_norm="L2-Hys",
        feature_vector=False,
        channel_axis=-1 if image.ndim == 3 else None,
    )
    assert np.abs(hog(image, bins, cell, block) - expected).max() < 1e-6


def test_hog_is_at_least_as_fast_as_scikit_image():
    image = SyntheticPeople(1, size=128).render(0).image

    def cpu(function):
        times = []
        for _ in range(5):
            start = time.thread_time()
            function()
            times.append(time.thread_time() - start)
        return min(times)

    theirs = cpu(lambda: reference(image, 9, (8, 8), (2, 2), channel_axis=-1))
    assert cpu(lambda: hog(image)) <= theirs


def test_gradients_by_hand():
    """A bright corner: edges only where both neighbours are in the picture."""
    patch = np.array([[0, 0, 0, 0], [0, 0, 0, 0], [0, 0, 4, 4], [0, 0, 4, 4]])
    magnitude, angle = gradients(patch)
    four = 4 * 2**0.5
    assert magnitude.round(9).tolist() == [
        [0, 0, 0, 0],
        [0, 0, 4, 4],
        [0, 4, pytest.approx(four), 4],
        [0, 4, 4, 0],
    ]
    assert angle[1:3, 1:3].tolist() == [[0, 90], [0, 45]]


def test_of_colours_the_strongest_edge_counts():
    red, green = np.zeros((2, 3, 3))
    red[:, 2], green[2] = 3, 5
    magnitude, angle = gradients(np.stack([red, green, 0 * red], -1))
    assert (magnitude[1, 1], angle[1, 1]) == (5, 90)


def test_a_cell_counts_its_edges_by_direction():
    magnitude = np.array([[1.0, 2], [3, 4]])
    angle = np.array([[0.0, 19.9], [20, 179.9]])
    (histogram,) = cell_histograms(magnitude, angle, 9, 2)[0]
    assert histogram.tolist() == [0.75, 0.75, 0, 0, 0, 0, 0, 0, 1]
    # what rounds to 180 is 0 again, not lost
    assert cell_histograms(magnitude, angle * 0 + 180, 9, 2)[0, 0, 0] == 2.5


def test_a_block_is_clipped_and_of_length_one():
    cells = np.zeros((2, 2, 9))
    cells[0, 0, 0], cells[1, 1, 4] = 100, 1
    (block,) = normalize_blocks(cells)[0]
    assert np.linalg.norm(block) == pytest.approx(1, abs=1e-6)
    # 1 and 0.01 become 0.2 and 0.01
    assert block[1, 1, 4] / block[0, 0, 0] == pytest.approx(0.05, rel=1e-3)


def test_light_changes_hog_little(rng):
    image = rng.integers(0, 256, (32, 32)).astype(float)
    before = hog(image)
    for changed in (3 * image + 40, 255 - image):
        assert np.abs(hog(changed) - before).max() < 1e-6


@pytest.mark.parametrize(
    ("image", "says"),
    [(np.zeros((3, 3, 3, 3)), "of shape"), (np.zeros((8, 40)), "too few for a block")],
)
def test_hog_says_what_is_wrong_with_a_picture(image, says):
    with pytest.raises(ValueError, match=says):
        hog(image)


@pytest.mark.parametrize(
    "options",
    [{"orientations": 0}, {"pixels_per_cell": (8, 8)}, {"cells_per_block": 1.5}],
)
def test_hog_counts_in_whole_numbers(options):
    (name,) = options
    with pytest.raises(ValueError, match=f"{name} is .*whole number from 1"):
        hog(np.zeros((32, 32)), **options)


# --- SVM ----------------------------------------------------------------


@pytest.fixture
def two_kinds(rng):
    features = rng.normal(size=(120, 7))
    labels = np.where(features[:, 0] + 0.5 * rng.normal(size=120) > 0.3, 1, -1)
    return features, labels


def test_the_slope_is_that_of_the_objective(two_kinds, rng):
    features, labels = two_kinds
    weights, bias, step = rng.normal(size=7), 0.3, 1e-6
    _, slope, bias_slope = svm.hinge_objective(weights, bias, features, labels, 0.1)
    for axis in range(8):
        moved = np.zeros(8)
        moved[axis] = step
        up, down = (
            svm.hinge_objective(
                weights + s * moved[:7], bias + s * moved[7], features, labels, 0.1
            )[0]
            for s in (1, -1)
        )
        assert (up - down) / (2 * step) == pytest.approx(
            [*slope, bias_slope][axis], abs=1e-5
        )


def test_the_slope_is_zero_where_scikit_learn_stops(two_kinds):
    features, labels = two_kinds
    exact = LinearSVC(C=0.1, dual=False, tol=1e-10, max_iter=10_000)
    exact.fit(features, labels)
    best, slope, bias_slope = svm.hinge_objective(
        exact.coef_[0], exact.intercept_[0], features, labels, 0.1
    )
    assert np.abs(slope).max() < 1e-5 and abs(bias_slope) < 1e-5
    # and train_svm stops there, too
    weights, bias = svm.train_svm(features[labels > 0], features[labels < 0], 0.1)
    value, *_ = svm.hinge_objective(weights, bias, features, labels, 0.1)
    assert best <= value <= best * (1 + 1e-5)


def test_by_hand_the_hinge_counts_what_is_too_near():
    value, slope, bias_slope = svm.hinge_objective(
        np.array([1.0]), 0.0, np.array([[2.0], [0.5], [0.5]]), np.array([1, 1, -1]), 1.0
    )
    assert value == 0.5 + 0 + 0.5**2 + 1.5**2
    assert slope == 1 - 2 * 0.5 * 0.5 + 2 * 1.5 * 0.5
    assert bias_slope == 0 - 2 * 0.5 + 2 * 1.5


# --- detectors ----------------------------------------------------------


def test_cells_and_pixels():
    """The first block covers pixels 0 to 7; its middle is 3.5."""
    assert parts.to_cells([3.5, 7.5]).tolist() == [0, 1]
    points = np.array([[10.0, 20.5]])
    assert np.allclose(parts.to_pixels(parts.to_cells(points, 6), 6), points)
    # an edge at the middle of a block shows in this block most
    image = np.zeros((64, 64), np.uint8)
    image[:, 32:] = 200
    edge = hog(image, pixels_per_cell=4)[8].any((1, 2, 3))
    assert parts.to_cells([31.5, 0])[0] == np.flatnonzero(edge).mean()


def test_a_window_is_a_piece_of_the_map(rng):
    maps = rng.normal(size=(2, 6, 5, 3))
    inside, outside = parts.windows(maps, [1, 0], [(2, 3), (0, 5)], 3)
    assert np.array_equal(inside.reshape(3, 3, 3), maps[1, 2:5, 1:4])
    outside = outside.reshape(3, 3, 3)
    assert np.array_equal(outside[:2, 1:], maps[0, 4:6, :2])
    assert not outside[2].any() and not outside[:, 0].any()


def test_a_score_map_is_every_windows_score(rng):
    maps = rng.normal(size=(2, 6, 5, 3)).astype(np.float32)
    filters, biases = rng.normal(size=(4, 3, 3, 3)), rng.normal(size=4)
    scores = parts.score_maps(maps, filters, biases)
    assert scores.shape == (2, 4, 6, 5)
    for n, y, x in ((0, 0, 0), (1, 3, 2), (0, 5, 4)):
        window = parts.windows(maps, [n], [(x, y)], 3)[0]
        expected = filters.reshape(4, -1) @ window + biases
        assert np.allclose(scores[n, :, y, x], expected, atol=1e-4)


def test_hard_negatives_are_the_worst_mistakes():
    scores = np.full((3, 5, 9), -2.0)
    own = np.array([[1.0, 2.0], [1.0, 2.0], [np.nan, np.nan]])
    scores[0, 2, 2] = 9  # beside the part: no mistake
    scores[0, 0, 8], scores[0, 4, 4], scores[0, 2, 7] = 3, 2, 1
    scores[1, 1, 6] = -0.5
    scores[2] = 5  # nobody knows where it is
    pictures, places = parts.hard_negatives(scores, own, per_picture=2)
    found = sorted(zip(pictures.tolist(), map(tuple, places.tolist())))
    assert found == [(0, (4, 4)), (0, (8, 0)), (1, (6, 1))]


def test_types_are_places_of_neighbours(rng):
    """Hands up or down: two types, whoever is not labelled none."""
    up = np.arange(40) % 2 == 0
    places = np.zeros((40, 2, 2)) + rng.normal(0, 0.1, (40, 2, 2))
    places[:, 1, 1] += np.where(up, -5, 5)
    places[7, 1] = np.nan
    kinds = parts.part_types(places, (0, 0), 2)
    assert (kinds[7] == -1).all()
    for part in (0, 1):
        assert len(set(kinds[up, part])) == 1
        assert len({k for k in kinds[~up, part] if k >= 0}) == 1
    with pytest.raises(ValueError, match="too few for 40 types"):
        parts.part_types(places, (0, 0), 40)


# --- the distance transform ---------------------------------------------


def brute_force(values, stiffness, rest):
    """Every place asks every other."""
    places = np.arange(values.shape[-1])
    stiffness, rest = (np.asarray(v)[..., None, None] for v in (stiffness, rest))
    all_of_them = values[..., None, :] - stiffness * (
        (places - places[:, None] - rest) ** 2
    )
    return all_of_them.max(-1)


@pytest.mark.parametrize("seed", range(60))
def test_distance_transform_equals_brute_force(seed):
    rng = np.random.default_rng(seed)
    shape = rng.integers(1, 5), rng.integers(1, 4), rng.integers(1, 40)
    values = rng.normal(size=shape) * 10.0 ** rng.integers(-2, 3)
    if seed % 3 == 0:
        values = np.rint(values)  # ties
    stiffness = 10.0 ** rng.uniform(-4, 2, shape[:2])
    rest = rng.uniform(-30, 30, shape[:2])
    if seed % 4 == 0:
        rest = np.rint(rest)
    best, where = distance_transform(values, stiffness, rest)
    assert np.allclose(best, brute_force(values, stiffness, rest), rtol=1e-9)
    x = np.arange(shape[2])
    attained = np.take_along_axis(values, where, -1)
    attained -= stiffness[..., None] * (where - x - rest[..., None]) ** 2
    assert np.allclose(best, attained, rtol=1e-12)


def test_distance_transform_by_hand():
    best, where = distance_transform([0, 0, 5, 0, 0, 3], 1.0)
    assert best.tolist() == [1, 4, 5, 4, 2, 3]
    assert where.tolist() == [2, 2, 2, 2, 5, 5]
    best, where = distance_transform([0, 0, 5, 0, 0, 3], 1.0, rest=2)
    assert best.tolist() == [5, 4, 2, 3, 2, -1]


@pytest.mark.parametrize("kind", ["noise", "hill", "valley", "steps"])
def test_distance_transform_takes_linear_time(kind):
    """Four times the length, about four times the time; not sixteen."""

    def seconds(n):
        x = np.linspace(-1, 1, n)
        values = {
            "noise": np.random.default_rng(0).normal(size=n),
            "hill": -n * x**2,
            "valley": n * x**2,
            "steps": np.where(np.arange(n) % 50, 0.0, 1e4),
        }[kind]
        times = []
        for _ in range(3):
            start = time.thread_time()
            distance_transform(np.tile(values, (8, 1)), 0.05)
            times.append(time.thread_time() - start)
        return min(times)

    assert seconds(1600) < 7 * seconds(400)


@pytest.mark.parametrize(
    ("values", "stiffness", "says"),
    [
        ([1, 2], 0.0, "more than 0"),
        ([1, -np.inf], 1.0, "must be finite"),
        ([], 1.0, "n at least 1"),
        (3.0, 1.0, "n at least 1"),
    ],
)
def test_distance_transform_says_what_is_wrong(values, stiffness, says):
    with pytest.raises(ValueError, match=says):
        distance_transform(values, stiffness)


def test_a_spring_rests_somewhere():
    with pytest.raises(ValueError, match="rest must be finite"):
        distance_transform([1.0, 2.0], 1.0, np.nan)


# --- the tree -----------------------------------------------------------


def random_springs(rng, parents, types):
    count = len(parents)
    return Springs(
        parents,
        rng.normal(0, 1.5, (count, types, 2)),
        10.0 ** rng.uniform(-1, 0.5, (count, types, 2)),
        rng.normal(size=(count, types, types)),
    )


def worth(scores, springs, places, kinds):
    """What a pose is worth, straight from the definition."""
    total = 0.0
    for part, parent in enumerate(springs.parents):
        (x, y), kind = places[part], kinds[part]
        total += scores[part, kind, y, x]
        if parent != part:
            off = places[part] - places[parent] - springs.rest[part, kind]
            total -= (springs.stiffness[part, kind] * off**2).sum()
            total += springs.bias[part, kind, kinds[parent]]
    return total


@pytest.mark.parametrize(
    ("parents", "types"),
    [((0, 0, 1, 1), 2), ((1, 1, 1, 1), 2), ((1, 2, 3, 3), 1), ((2, 0, 2), 3)],
)
@pytest.mark.parametrize("seed", [0, 1])
def test_the_tree_finds_the_best_of_all_poses(parents, types, seed):
    """As exhaustive search on a grid of 3 x 2 cells."""
    rng = np.random.default_rng(seed)
    scores = 3 * rng.normal(size=(len(parents), types, 2, 3))
    springs = random_springs(rng, parents, types)
    states = [
        (kind, np.array([x, y]))
        for kind, y, x in itertools.product(range(types), range(2), range(3))
    ]
    best = max(
        worth(scores, springs, [p for _, p in pose], [k for k, _ in pose])
        for pose in itertools.product(states, repeat=len(parents))
    )
    points, kinds, (found,) = best_pose(scores[None], springs)
    assert found == pytest.approx(best, abs=1e-9)
    assert worth(scores, springs, points[0], kinds[0]) == pytest.approx(best, abs=1e-9)


def test_pictures_do_not_know_of_each_other(rng):
    springs = random_springs(rng, (0, 0, 1), 2)
    scores = rng.normal(size=(3, 3, 2, 5, 4))
    together = best_pose(scores, springs)
    for n in range(3):
        alone = best_pose(scores[[n]], springs)
        assert all(np.array_equal(a[n], b[0]) for a, b in zip(together, alone))


def test_a_spring_pulls_a_part_from_the_better_place():
    """A false alarm of 3 at the far end, evidence of 2 where the arm is."""
    scores = np.zeros((1, 2, 1, 1, 9))
    scores[0, 0, 0, 0, 1] = 9  # the elbow
    scores[0, 1, 0, 0, [4, 8]] = 2, 3
    for stiffness, wrist in ((1e-6, 8), (0.3, 4), (50.0, 3)):
        springs = Springs(
            (0, 0),
            np.array([[[0, 0]], [[2.0, 0]]]),
            np.full((2, 1, 2), stiffness),
            np.zeros((2, 1, 1)),
        )
        points, _, _ = best_pose(scores, springs)
        assert points[0, :, 0].tolist() == [1, wrist]


@pytest.mark.parametrize(
    ("parents", "says"),
    [
        ((0, 1), "exactly one part"),
        ((0, 2, 1), "circle"),
        ((0, 3, 0), "indices of 3 parts"),
    ],
)
def test_springs_that_are_no_tree(parents, says):
    count = len(parents)
    with pytest.raises(ValueError, match=says):
        Springs(
            parents,
            np.zeros((count, 1, 2)),
            np.ones((count, 1, 2)),
            np.zeros((count, 1, 1)),
        )


def test_arrays_that_do_not_fit(rng):
    springs = random_springs(rng, (0, 0), 2)
    with pytest.raises(ValueError, match="rest has the shape"):
        Springs((0, 0), np.zeros((2, 3, 2)), springs.stiffness, springs.bias)
    with pytest.raises(ValueError, match="2 parts, 2 types"):
        best_pose(np.zeros((1, 3, 2, 4, 4)), springs)


# --- the model ----------------------------------------------------------


@pytest.fixture(scope="module")
def trained():
    """A model of 240 people, and the seconds that it took."""
    people = draw(240, "train")
    start = time.process_time()
    model = PictorialModel.fit(people, types=4, negatives=1500)
    return model, people, time.process_time() - start


@pytest.fixture(scope="module")
def others():
    return draw(80, "test")


def pckh(points, people):
    points = np.broadcast_to(points, people.keypoints.shape)
    hits = metrics.pck_hits(
        points, people.keypoints, people.visible, people.head_size, 0.5
    )
    return 100 * np.nanmean(hits[:, COUNTED])


@pytest.mark.slow
def test_at_least_twice_the_mean_pose_in_two_minutes(trained, others):
    model, people, seconds = trained
    assert seconds < 120
    mean = pckh(metrics.mean_pose(people.keypoints, people.visible), others)
    points, scores = model.predict(others.crops)
    assert pckh(points, others) > max(2 * mean, 75)
    assert ((scores >= 0) & (scores <= 1)).all()


def test_springs_help_and_so_do_sure_joints(trained, others):
    model, *_ = trained
    points, scores = model.predict(others.crops)
    maps = model.scores(others.crops).max(2)
    rows, columns = np.divmod(maps.reshape(*maps.shape[:2], -1).argmax(-1), 31)
    alone = parts.to_pixels(np.stack([columns, rows], -1))
    assert pckh(points, others) > pckh(alone, others) + 5
    right = metrics.pck_hits(
        points, others.keypoints, others.visible, others.head_size, 0.5
    )
    assert scores[right == 1].mean() > scores[right == 0].mean() + 0.1


def test_a_model_comes_back_from_the_disk(trained, others, tmp_path):
    model, *_ = trained
    path = model.save(tmp_path / "model.safetensors")
    assert path.stat().st_size < 300_000
    again = PictorialModel.load(path)
    assert again.skeleton is MPII and again.size == 128
    before, after = (m.predict(others.crops[:20])[0] for m in (model, again))
    # the detectors are stored in 16 bits
    assert (before == after).all(-1).mean() > 0.98


def test_files_that_hold_no_model(trained, tmp_path):
    model, *_ = trained
    path = model.save(tmp_path / "model.safetensors")
    with pytest.raises(FileNotFoundError, match="no such file"):
        PictorialModel.load(tmp_path / "gone.safetensors")
    cut = tmp_path / "cut.safetensors"
    cut.write_bytes(path.read_bytes()[:5000])
    with pytest.raises(ValueError, match="not a whole safetensors file"):
        PictorialModel.load(cut)
    from safetensors.numpy import save_file

    save_file({"weight": np.zeros(3)}, cut, {"model": "laptop"})
    with pytest.raises(ValueError, match="holds no pictorial model"):
        PictorialModel.load(cut)


def test_pictures_that_do_not_fit(trained):
    model, *_ = trained
    with pytest.raises(ValueError, match="this model looks at"):
        model.predict(np.zeros((2, 64, 64, 3), np.uint8))
    points, scores = model.predict(np.zeros((0, 128, 128, 3), np.uint8))
    assert points.shape == (0, 16, 2) and scores.shape == (0, 16)


def test_the_same_people_make_the_same_model(trained):
    _, people, _ = trained
    some = people.subset(range(60))
    one, two = (
        PictorialModel.fit(some, types=2, negatives=300, mining=0) for _ in range(2)
    )
    assert np.array_equal(one.filters, two.filters)
    assert np.array_equal(one.springs.bias, two.springs.bias)


def test_pelvis_and_thorax_are_taken_from_their_pairs(trained):
    """As in Leeds Sports Pose, where nobody labelled them."""
    _, people, _ = trained
    some = people.subset(range(60))
    trunk = MPII.indices(["pelvis", "thorax"])
    hips = MPII.indices(["right_hip", "left_hip"])
    some.visible = some.visible.copy()
    some.visible[:, trunk] = 0
    some.visible[5, hips[0]] = 0
    model = PictorialModel.fit(some, types=2, negatives=300, mining=0)
    # a hip rests half the distance between the hips from the pelvis
    spread = some.keypoints[:, hips[0]] - some.keypoints[:, hips[1]]
    rests = model.springs.rest[hips[0], :, 0]
    assert rests.min() - 0.1 <= np.mean(spread[:, 0] / 2) / 4 <= rests.max() + 0.1
    assert np.isfinite(model.predict(some.crops[:4])[0]).all()


def test_too_few_people_are_told(trained):
    _, people, _ = trained
    with pytest.raises(ValueError, match="too few for 6 types"):
        PictorialModel.fit(people.subset(range(4)))


def test_odds_are_calibrated():
    """Detectors say log-odds: above 0 are joints, below 0 is the rest."""
    people = draw(60, "train")
    model = PictorialModel.fit(people, types=1, negatives=600, mining=0)
    head = MPII.index("head_top")
    places = np.rint(parts.to_cells(people.keypoints[:, head])).astype(int)
    scores = model.scores(people.crops)[:, head, 0]
    here = scores[np.arange(60), places[:, 1], places[:, 0]]
    assert (here > 0).mean() >= 0.9
    assert (scores > 0).mean() < 0.05


def test_the_door_has_what_students_need():
    assert classical.hog is hog
    assert set(classical.__all__) <= set(dir(classical))
