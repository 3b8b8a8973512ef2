"""Cameras, rays, triangulation, and networks that give a flat pose its depth."""

import cv2
import numpy as np
import pytest
import torch
from scipy.spatial.transform import Rotation

from posecourse.datasets import SyntheticPeople
from posecourse.datasets.synthetic import SyntheticMotion
from posecourse.lifting import (
    Disturbance,
    Lifter,
    LiftingNetwork,
    LiftingTask,
    PinholeCamera,
    TemporalLifter,
    depths_along_ray,
    joint_distances,
    lifter_inputs,
    mix_limbs,
    motion_clips,
    random_poses,
    random_views,
    reprojection_errors,
    triangulate,
)
from posecourse.models.state_dicts import WeightsError
from posecourse.skeletons import COCO, MPII
from posecourse.training import FitSettings, RunFolder, fit

pytestmark = pytest.mark.usefixtures("one_thread")

K = np.array([[820.0, 0, 311.5], [0, 790.0, 245.0], [0, 0, 1]])
LENS = (-0.28, 0.09, 0.0012, -0.0007, -0.01)


def camera(turn=(0.1, -0.3, 0.05), at=(0.2, -0.1, 4.0), lens=LENS):
    return PinholeCamera(K, Rotation.from_rotvec(turn).as_matrix(), at, lens)


def points(*shape, seed=0):
    return np.random.default_rng(seed).uniform(-0.9, 0.9, (*shape, 3))


# ------------------------------------------------------------------- camera


def test_projection_agrees_with_opencv():
    own, some = camera(), points(200)
    turn = cv2.Rodrigues(own.rotation)[0]
    theirs = cv2.projectPoints(some, turn, own.translation, K, np.array(LENS))[0]
    np.testing.assert_allclose(own.project(some), theirs[:, 0], atol=1e-6)


def test_undistortion_agrees_with_opencv():
    pixels = np.random.default_rng(1).uniform((0, 0), (640, 480), (300, 2))
    precise = (cv2.TERM_CRITERIA_COUNT | cv2.TERM_CRITERIA_EPS, 500, 1e-14)
    theirs = cv2.undistortPoints(
        pixels[:, None], K, np.array(LENS), None, None, None, precise
    )
    np.testing.assert_allclose(camera().normalize(pixels), theirs[:, 0], atol=1e-6)


def test_undistortion_undoes_distortion():
    flat = np.random.default_rng(2).uniform(-0.4, 0.4, (500, 2))
    own = camera()
    np.testing.assert_allclose(own.undistort(own.distort(flat)), flat, atol=1e-10)
    # a lens without distortion leaves all as it is, and gives a new array
    plain = camera(lens=np.zeros(5))
    assert plain.undistort(flat) is not flat
    assert (plain.undistort(flat) == flat).all()


def test_a_pixel_that_no_ray_reaches_is_nan():
    """With k1 = -0.28 alone no ray falls beyond 0.727: there the lens folds."""
    own = camera(lens=(-0.28, 0, 0, 0, 0))
    largest = 2 / 3 / np.sqrt(3 * 0.28)  # of r (1 - 0.28 r^2)
    assert np.isfinite(own.undistort([0.999 * largest, 0])).all()
    assert np.isnan(own.undistort([1.01 * largest, 0])).all()
    assert np.isnan(own.undistort([np.nan, 0])).all()


def test_a_pinhole_by_hand():
    """2 m ahead, 1 m to the right: half a focal length beside the middle."""
    own = PinholeCamera(K)
    assert own.project([1.0, 0, 2]).tolist() == [311.5 + 410, 245]
    assert np.isnan(own.project([[0, 0, -1.0], [0, 0, 0]])).all()
    assert own.normalize([311.5 + 410, 245]).tolist() == [0.5, 0]


def test_the_way_to_the_world_and_back():
    own, some = camera(), points(7)
    np.testing.assert_allclose(own.to_world(own.to_camera(some)), some, atol=1e-12)
    np.testing.assert_allclose(own.to_camera(own.position), 0, atol=1e-12)


def test_it_sees_what_the_drawing_shows():
    motion = SyntheticMotion("walk", 1.0, size=64, seed=4)
    same = PinholeCamera.of(motion.camera)
    np.testing.assert_allclose(
        same.project(motion.joints), motion.camera.project(motion.joints), atol=1e-9
    )
    person = motion[3]
    labelled = person.visible > 0
    np.testing.assert_allclose(
        same.project(motion.joints[3])[labelled], person.keypoints[labelled], atol=1e-6
    )


def test_a_camera_looks_where_it_should():
    own = PinholeCamera.looking(K, (3.0, -1, -4), (0.5, -1.2, 0))
    np.testing.assert_allclose(own.position, (3, -1, -4), atol=1e-12)
    assert own.normalize(own.project([0.5, -1.2, 0])) == pytest.approx([0, 0], abs=1e-9)
    assert own.rotation[0, 1] == 0  # level
    assert own.project([0.5, -1.5, 0])[1] < K[1, 2]  # what is higher is above
    with pytest.raises(ValueError, match="straight up"):
        PinholeCamera.looking(K, (0, 0, 0), (0, 1, 0))


def test_a_guessed_camera_looks_at_the_middle():
    own = PinholeCamera.guess(641, 481)
    assert own.intrinsics[0].tolist() == [1.2 * 641, 0, 320]
    assert own.normalize([320, 240]).tolist() == [0, 0]
    with pytest.raises(ValueError, match="0 x 10"):
        PinholeCamera.guess(0, 10)


@pytest.mark.parametrize(
    "wrong, message",
    [
        ({"intrinsics": np.eye(2)}, "intrinsics must be"),
        ({"intrinsics": np.diag([1, -1, 1.0])}, "positive"),
        ({"intrinsics": K + np.eye(3, k=1)}, "fx, 0, cx"),
        ({"rotation": np.diag([1, 1, -1.0])}, "rotation"),
        ({"rotation": 2 * np.eye(3)}, "rotation"),
        ({"translation": [0, 0]}, "translation must be"),
        ({"distortion": [0, 0, 0, 0]}, "distortion must be"),
        ({"translation": [0, 0, np.nan]}, "finite"),
    ],
)
def test_a_camera_that_is_none_says_so(wrong, message):
    with pytest.raises(ValueError, match=message):
        PinholeCamera(**{"intrinsics": K, **wrong})


def test_points_of_another_shape_are_refused():
    with pytest.raises(ValueError, match=r"\(\.\.\., 3\)"):
        camera().project([[1, 2]])
    with pytest.raises(ValueError, match=r"\(\.\.\., 2\)"):
        camera().normalize([[1, 2, 3]])


# ------------------------------------------------------------ triangulation


def ring(count=4, lens=LENS):
    """Cameras around the origin, which all look at it."""
    return [
        PinholeCamera(K, Rotation.from_rotvec([0, a, 0]).as_matrix(), (0, 0, 4.0), lens)
        for a in 2 * np.pi * np.arange(count) / 5
    ]


def test_exact_pixels_give_exact_points():
    cameras, some = ring(), points(6, 16)
    seen = np.stack([c.project(some) for c in cameras])
    np.testing.assert_allclose(triangulate(seen, cameras), some, atol=1e-9)
    assert reprojection_errors(some, cameras, seen).max() < 1e-9


def test_triangulation_agrees_with_opencv():
    """On noisy pixels, where the two must agree on what is least."""
    first, second = ring(2)
    some = points(100)
    seen = np.stack([c.project(some) for c in (first, second)])
    seen += np.random.default_rng(3).normal(0, 2, seen.shape)
    flat = [c.normalize(p).T for c, p in zip((first, second), seen)]
    theirs = cv2.triangulatePoints(first.matrix, second.matrix, *flat)
    theirs = (theirs[:3] / theirs[3]).T
    np.testing.assert_allclose(triangulate(seen, [first, second]), theirs, atol=1e-6)


def test_views_that_do_not_count_are_left_out():
    cameras, some = ring(3), points(5)
    seen = np.stack([c.project(some) for c in cameras])
    seen[2] += 50
    wrong = np.abs(triangulate(seen, cameras) - some).max()
    scores = np.array([[1.0] * 5, [0.5] * 5, [0] * 5])
    assert wrong > 0.01
    np.testing.assert_allclose(triangulate(seen, cameras, scores), some, atol=1e-9)
    seen[2] = np.nan
    np.testing.assert_allclose(triangulate(seen, cameras), some, atol=1e-9)
    # a small weight pulls a little
    seen[2] = cameras[2].project(some) + 50
    scores[2] = 0.01
    assert np.abs(triangulate(seen, cameras, scores) - some).max() < wrong / 3


def test_what_fewer_than_two_views_see_is_unknown():
    cameras, some = ring(3), points(2)
    seen = np.stack([c.project(some) for c in cameras])
    seen[1:, 1] = np.nan
    found = triangulate(seen, cameras)
    np.testing.assert_allclose(found[0], some[0], atol=1e-9)
    assert np.isnan(found[1]).all()
    twice = [cameras[0], cameras[0]]  # one ray, twice: a line of answers
    assert np.isnan(triangulate(seen[[0, 0]], twice)).all()


def test_triangulation_says_what_is_wrong():
    cameras = ring(2)
    seen = np.zeros((2, 4, 2))
    with pytest.raises(ValueError, match="1 camera"):
        triangulate(seen[:1], cameras[:1])
    with pytest.raises(ValueError, match="3 views, 2 cameras"):
        triangulate(np.zeros((3, 4, 2)), cameras)
    with pytest.raises(ValueError, match=r"\(V, \.\.\., 2\)"):
        triangulate(np.zeros((2, 4, 3)), cameras)
    with pytest.raises(ValueError, match="0 or more"):
        triangulate(seen, cameras, -np.ones((2, 4)))
    with pytest.raises(ValueError, match="do not go with"):
        triangulate(seen, cameras, np.ones(2))


# ---------------------------------------------------------------- ambiguity


def test_both_depths_have_the_bone_and_the_pixel():
    rng = np.random.default_rng(5)
    parent = rng.uniform(-0.3, 0.3, (50, 3)) + (0, 0, 4)
    bone = rng.normal(size=(50, 3))
    length = rng.uniform(0.2, 0.5, 50)
    joint = parent + length[:, None] * bone / np.linalg.norm(bone, axis=1)[:, None]
    flat = joint[:, :2] / joint[:, 2:]
    depths = depths_along_ray(flat, parent, length)
    assert (depths[:, 0] < depths[:, 1]).all()
    ray = np.concatenate([flat, np.ones((50, 1))], 1)
    for depth in depths.T:
        far = np.linalg.norm(depth[:, None] * ray - parent, axis=1)
        np.testing.assert_allclose(far, length, atol=1e-9)
    assert np.abs(depths - joint[:, 2:]).min(1).max() < 1e-9


def test_a_ray_that_misses_gives_its_closest_point():
    near, far = depths_along_ray([0.5, 0], [0, 0, 2], 0.1)
    assert near == far == pytest.approx(2 / 1.25)
    with pytest.raises(ValueError, match="length"):
        depths_along_ray([0, 0], [0, 0, 2], -1)


# ------------------------------------------------------ what a lifter is shown


def shown(flat, known=None):
    flat = torch.as_tensor(flat, dtype=torch.float64)
    known = torch.ones(flat.shape[:-1], dtype=bool) if known is None else known
    return lifter_inputs(flat, known)


def test_inputs_do_not_tell_where_and_how_large():
    """The same body, on a camera that is turned, or in a larger picture."""
    body = points(16, seed=8) * 0.6 + (0, 0, 4)
    expected, _ = shown(body[:, :2] / body[:, 2:])
    for sideways in (0, 20, -35):
        axes = Rotation.from_euler("y", sideways, degrees=True).as_matrix()
        moved = body @ axes.T
        seen, back = shown(moved[:, :2] / moved[:, 2:])
        np.testing.assert_allclose(seen, expected, atol=1e-9)
        np.testing.assert_allclose(back @ back.T, np.eye(3), atol=1e-12)
        rays = moved / np.linalg.norm(moved, axis=1, keepdims=True)
        ahead = back.numpy() @ rays.sum(0)
        assert abs(ahead[:2]).max() < 1e-9 and ahead[2] > 0
        assert back[0, 1] == 0  # its x axis is level
    assert expected[:, :2].square().sum() == pytest.approx(16)
    assert abs(expected[:, :2].sum(0)).max() < 1e-9
    # a telephoto lens: the size is gone, and with it the distance
    larger, _ = shown(1.3 * body[:, :2] / body[:, 2:])
    np.testing.assert_allclose(larger, expected, atol=0.02)


def test_unknown_joints_have_no_say():
    flat = np.random.default_rng(9).normal(0, 0.1, (2, 16, 2))
    known = torch.ones(2, 16, dtype=bool)
    known[0, 3] = known[1, 5:9] = False
    one, turn = shown(flat, known)
    flat[0, 3], flat[1, 5:9] = 77, np.nan
    other, again = shown(flat, known)
    assert torch.equal(one, other) and torch.equal(turn, again)
    assert (one[0, 3] == 0).all() and one[0, 4, 2] == 1


# ------------------------------------------------------------------ networks


def test_the_published_number_of_parameters():
    """Martinez et al.: 4.29 million for 16 joints."""
    network = LiftingNetwork(inputs=2)
    assert sum(p.numel() for p in network.parameters()) == 4_291_632


def test_an_answer_is_relative_to_the_root():
    torch.manual_seed(0)
    inputs = torch.randn(3, 16, 3)
    for network in (LiftingNetwork(width=8), TemporalLifter(width=8)):
        network.eval()
        given = inputs if network.frames == 1 else inputs[:, None].expand(3, 27, 16, 3)
        answer = network(given).reshape(3, 16, 3)
        assert (answer[:, 6] == 0).all() and answer.abs().max() > 0


def test_a_size_is_what_weak_perspective_needs():
    """Untrained, the answer is the flat picture, half a metre large."""
    torch.manual_seed(0)
    network = LiftingNetwork(width=8, weak_perspective=True).eval()
    torch.nn.init.zeros_(network.last.weight)
    torch.nn.init.zeros_(network.last.bias)
    inputs = torch.randn(4, 16, 3)
    answer = network(inputs)
    flat = inputs[..., :2] - inputs[:, 6:7, :2]
    torch.testing.assert_close(answer[..., :2], 0.5 * flat)
    assert (answer[..., 2] == 0).all()


def test_a_temporal_lifter_begins_as_the_single_one():
    torch.manual_seed(0)
    single = LiftingNetwork(width=8, weak_perspective=True).eval()
    network = TemporalLifter(width=6, levels=2, single=single.options).eval()
    network.single.load_state_dict(single.state_dict())
    torch.nn.init.zeros_(network.last.weight)
    torch.nn.init.zeros_(network.last.bias)
    inputs = torch.randn(2, 13, 16, 3)
    expected = single(inputs[:, 4:-4].flatten(0, 1)).unflatten(0, (2, 5))
    torch.testing.assert_close(network(inputs), expected)


@pytest.mark.parametrize("levels", [1, 2, 3])
def test_a_temporal_lifter_sees_as_many_frames_as_it_says(levels):
    torch.manual_seed(0)
    network = TemporalLifter(width=6, levels=levels).eval()
    frames = network.frames
    assert frames == 3**levels
    inputs = torch.randn(1, frames + 4, 16, 3, requires_grad=True)
    answer = network(inputs)
    assert answer.shape == (1, 5, 16, 3)
    answer[0, 2].square().sum().backward()
    asked = inputs.grad.abs().sum((0, 2, 3)) > 0
    assert asked.tolist() == [False] * 2 + [True] * frames + [False] * 2


def test_the_gradient_of_the_loss():
    """Against finite differences; and 0, not NaN, where the answer is right."""
    torch.manual_seed(0)
    answer = torch.randn(2, 4, 3, dtype=torch.float64, requires_grad=True)
    target = torch.randn(2, 4, 3, dtype=torch.float64)
    assert torch.autograd.gradcheck(lambda a: joint_distances(a, target), (answer,))
    same = target.clone().requires_grad_()
    joint_distances(same, target).sum().backward()
    assert (same.grad == 0).all()


# ------------------------------------------------------------ views and task


@pytest.fixture(scope="module")
def clips():
    return motion_clips(("walk", "wave"), people=2, seconds=2.5, fps=24)


def test_poses_are_those_of_the_drawn_people(clips):
    assert clips.shape == (4, 60, 16, 3)
    other = SyntheticMotion("wave", 2.5, 24, size=64, seed=1)
    assert (clips[3] == other.joints).all()
    people = SyntheticPeople(5, size=32, split="valid")
    some = random_poses(5, split="valid")
    for i in (0, 4):
        drawn = people[i].extra["joints_world"]
        np.testing.assert_allclose(some[i], drawn, atol=1e-12)
    with pytest.raises(IndexError, match="5 of 5"):
        people.joints_world(5)


def test_a_view_keeps_the_body():
    """Distances between joints are the world's, but for the mirror."""
    world = torch.from_numpy(random_poses(40)).float()
    target = random_views(world[:, None], torch.Generator().manual_seed(0)).target
    swapped = world[:, list(MPII.flip_permutation)]
    apart = torch.cdist(target, target)
    error = [(apart - torch.cdist(w, w)).abs().amax((1, 2)) for w in (world, swapped)]
    assert torch.stack(error).amin(0).max() < 1e-4
    mirrored = (error[1] < error[0]).float().mean()
    assert 0.2 < mirrored < 0.8
    assert (target[:, 6] == 0).all()


def bent(points, chain):
    """Cosine in a chain of three joints, and the lengths of its bones."""
    first, middle, last = (points[..., MPII.index(name), :] for name in chain)
    one, two = first - middle, last - middle
    lengths = torch.stack([one.norm(dim=-1), two.norm(dim=-1)], -1)
    return (one * two).sum(-1) / lengths.prod(-1), lengths


@pytest.mark.parametrize(
    "limb", [("shoulder", "elbow", "wrist"), ("hip", "knee", "ankle")]
)
def test_mixed_limbs_bend_as_anothers_and_keep_their_length(limb):
    bodies = torch.from_numpy(random_poses(12)).reshape(6, 2, 16, 3)
    others = bodies.flip(0)
    mixed = mix_limbs(bodies, others, 1.0, torch.Generator())
    for side in ("right", "left"):
        chain = [f"{side}_{name}" for name in limb]
        cosine, lengths = bent(mixed, chain)
        torch.testing.assert_close(cosine, bent(others, chain)[0])
        torch.testing.assert_close(lengths, bent(bodies, chain)[1])
    trunk = MPII.indices(["pelvis", "thorax", "head_top", "left_hip", "left_shoulder"])
    assert torch.equal(mixed[..., trunk, :], bodies[..., trunk, :])


def test_mixing_sees_no_turn_and_no_place():
    """The other may stand anywhere and face anywhere; oneself gives oneself."""
    bodies = torch.from_numpy(random_poses(8)).reshape(4, 2, 16, 3)
    others = bodies.flip(0)
    turn = Rotation.from_rotvec([0.3, 2.0, -0.4]).as_matrix()
    moved = others @ torch.from_numpy(turn.T) + 3.0

    def mix(them, share=1.0):
        return mix_limbs(bodies, them, share, torch.Generator())

    torch.testing.assert_close(mix(moved), mix(others))
    torch.testing.assert_close(mix(bodies), bodies)
    assert torch.equal(mix(others, share=0.0), bodies)


def test_a_share_of_the_clips_is_mixed(clips):
    def batch(mixed):
        return LiftingTask(clips, None, clips[:, :1], size=400, mixed=mixed).batch(0)

    # the camera comes after the limbs, so that numbers tell nothing; bones do
    plain, some = (batch(m).target for m in (0.0, 0.4))
    assert not torch.equal(plain, some)
    bodies = torch.from_numpy(random_poses(400)).float()[:, None]
    mixed = mix_limbs(bodies, bodies.flip(0), 0.4, torch.Generator().manual_seed(0))
    arms, legs = (
        (mixed != bodies)[..., MPII.indices(names), :].flatten(1).any(1)
        for names in (["left_wrist"], ["left_ankle"])
    )
    assert 0.3 < arms.float().mean() < 0.5 and 0.3 < legs.float().mean() < 0.5
    assert 0.08 < (arms & legs).float().mean() < 0.25  # each for itself


def test_what_a_view_shows_is_what_its_target_looks_like():
    """Seen from straight ahead the joints lie where the target's do."""
    world = torch.from_numpy(random_poses(20)).float()
    views = random_views(world[:, None], torch.Generator().manual_seed(1))
    for seen, body in zip(views.inputs[:, 0, :, :2], views.target[..., :2]):
        for axis in (0, 1):
            if body[:, axis].std() > 0.1:
                together = np.corrcoef(seen[:, axis], body[:, axis])[0, 1]
                assert together > 0.97


def test_disturbance_is_what_it_says():
    world = torch.from_numpy(random_poses(300)).float()[:, None]
    exact = random_views(world, torch.Generator().manual_seed(2), Disturbance(0, 0))
    spoiled = random_views(world, torch.Generator().manual_seed(2), Disturbance(0, 0.9))
    assert (exact.inputs[..., 2] == 1).all()
    missing = 1 - spoiled.inputs[..., 2].mean()
    assert 0.1 < missing < 0.35  # a quarter of 0.9, on average
    assert (spoiled.inputs[..., 2].sum(-1) >= 3).all()


def test_a_batch_depends_on_the_step_alone(clips):
    def task():
        return LiftingTask(clips, random_poses(6), clips[:, :27], frames=27, size=8)

    one, other = task(), task()
    one.batch(0)
    again = one.batch(3)
    assert all(torch.equal(a, b) for a, b in zip(again, other.batch(3)))
    assert again.inputs.shape == (8, 27, 16, 3) and again.target.shape == (8, 16, 3)
    still = again.inputs[4:]  # half of them stand still, but for the noise
    assert not torch.equal(again.inputs[0], again.inputs[1])
    assert still.std(1).mean() < again.inputs[:4].std(1).mean()


def test_clips_that_are_too_short_are_refused(clips):
    with pytest.raises(ValueError, match="at least 53 frames"):
        LiftingTask(clips[:, :40], None, clips[:, :27], frames=27)


def test_learning_beats_the_mean_pose_and_resumes_exactly(clips, tmp_path):
    def learn(epochs, folder):
        torch.manual_seed(0)
        network = LiftingNetwork(width=32, dropout=0.0)
        task = LiftingTask(clips, None, clips[:, :1], size=32, steps_per_epoch=60)
        settings = FitSettings(
            epochs=epochs, lr=5e-3, amp="fp32", channels_last=False, device="cpu"
        )
        run = RunFolder(folder) if folder.is_dir() else RunFolder.create(folder, "x")
        with run:
            network = fit(network, task, settings, run)
            said = task.report(run.path, network)
        return network, task.validate(network, {}), said

    network, row, said = learn(2, tmp_path / "run")
    assert row["score"] < 0.6 * row["mean_pose"] and "mm" in said
    stored = Lifter.load(tmp_path / "run" / "weights.safetensors")
    for name, value in network.state_dict().items():
        theirs = stored.network.state_dict()[name]
        torch.testing.assert_close(theirs, value, rtol=1e-3, atol=1e-3)
    assert (tmp_path / "run" / "curves.png").is_file()


# -------------------------------------------------------------------- Lifter


@pytest.fixture(scope="module")
def lifters():
    torch.manual_seed(3)
    return {
        "single": Lifter(LiftingNetwork(width=16)),
        "temporal": Lifter(TemporalLifter(width=16, levels=2)),
        "corrected": Lifter(
            TemporalLifter(
                width=16,
                levels=2,
                single={"width": 16, "weak_perspective": True},
            )
        ),
    }


@pytest.mark.parametrize("kind", ["single", "temporal", "corrected"])
def test_a_lifter_is_kept(kind, lifters, tmp_path):
    lifter = lifters[kind]
    again = Lifter.load(lifter.save(tmp_path / "x.safetensors", note="by hand"))
    own, seen = camera(), camera().project(points(12, 16))
    np.testing.assert_allclose(again(seen, own), lifter(seen, own), atol=2e-3)
    assert again.frames == lifter.frames and again.metadata["note"] == "by hand"
    assert again.skeleton is MPII


@pytest.mark.parametrize("kind", ["single", "temporal", "corrected"])
def test_the_answer_turns_with_the_camera(kind, lifters):
    """A camera that is turned sees the same person in other axes."""
    lifter, body = lifters[kind], points(11, 16, seed=4) * 0.5
    one = PinholeCamera(K, np.eye(3), (0, 0, 4))
    turn = Rotation.from_euler("y", 12, degrees=True).as_matrix()
    other = PinholeCamera(K, turn, turn @ (0, 0, 4.0))  # on the same spot
    first, second = (lifter(c.project(body), c) for c in (one, other))
    np.testing.assert_allclose(second, first @ turn.T, atol=1e-4)


def test_frames_of_a_temporal_lifter_are_those_around(lifters):
    """In the middle of a clip the answer is the network's own."""
    lifter, own = lifters["temporal"], camera(lens=np.zeros(5))
    seen = own.project(points(15, 16, seed=6))
    flat = torch.from_numpy(own.normalize(seen)).float()
    inputs, turn = lifter_inputs(flat, torch.ones(15, 16, dtype=bool))
    with torch.no_grad():
        middle = lifter.network(inputs[None, 3:12])[0, 0] @ turn[7]
    np.testing.assert_allclose(lifter(seen, own)[7], middle, atol=1e-5)
    assert lifter(seen[:1], own).shape == (1, 16, 3)
    assert lifter(seen[:0], own).shape == (0, 16, 3)


def test_missing_joints_are_guessed(lifters):
    seen = camera().project(points(3, 16))
    seen[1, 2:9] = np.nan
    answer = lifters["single"](seen, camera())
    assert np.isfinite(answer).all() and (answer[:, 6] == 0).all()
    known = np.ones((3, 16))
    known[1, 2:9] = 0
    seen[1, 2:9] = 5
    np.testing.assert_allclose(lifters["single"](seen, camera(), known), answer)


def test_a_lifter_says_what_is_wrong(lifters, tmp_path):
    lifter = lifters["single"]
    with pytest.raises(ValueError, match=r"\(N, 16, 2\)"):
        lifter(np.zeros((16, 2)), camera())
    with pytest.raises(ValueError, match=r"\(N, 16, 2\)"):
        lifter(np.zeros((1, 17, 2)), camera())
    gaps = np.full((2, 16, 2), np.nan)
    gaps[0], gaps[1, :2] = 200, 200
    with pytest.raises(ValueError, match="pose 1 has 2 known joints"):
        lifter(gaps, camera())
    with pytest.raises(ValueError, match="16 joints is not for the 17"):
        Lifter(LiftingNetwork(width=8), COCO)
    with pytest.raises(FileNotFoundError):
        Lifter.load(tmp_path / "none.safetensors")
    from posecourse.models import build, save_weights

    save_weights(build("laptop", width=8), tmp_path / "pose.safetensors")
    with pytest.raises(WeightsError, match="holds no lifter"):
        Lifter.load(tmp_path / "pose.safetensors")
