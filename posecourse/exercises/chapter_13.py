"""Exercises, project and quiz of chapter 13: lifting to 3D."""

import numpy as np

from ..datasets.synthetic import SyntheticMotion
from ..geometry import as_array
from ..lifting import Lifter, PinholeCamera, triangulate
from ..skeletons import MPII
from . import exercise
from .quiz import Choice, Question


@exercise(
    "13.1",
    hints=(
        "points[:, 2:] is the depth of each joint, of shape (K, 1), so that it "
        "divides (K, 2).",
        "Before you divide, put NaN where the depth is 0 or less: "
        "np.where(depth > 0, depth, np.nan). What is divided by NaN is NaN.",
        "focal * points[:, :2] / depth + np.asarray(center)",
    ),
)
def _(attempt):
    rng = np.random.default_rng(131)
    cases = [(np.array([[0.4, -0.2, 4], [0, 0, -1]]), 500, (127.5, 127.5))]
    for focal in (300.0, 820.0):
        points = rng.normal(0, 1, (6, 3)) + (0, 0, 2)
        points[0, 2], points[1, 2] = 0, -1.5
        cases.append((points, focal, tuple(rng.uniform(50, 200, 2))))
    for points, focal, center in cases:
        depth = points[:, 2:]
        with np.errstate(invalid="ignore", divide="ignore"):
            behind = focal * points[:, :2] / depth + np.array(center)
            far = points / np.linalg.norm(points, axis=1, keepdims=True)
        right = np.where(depth > 0, behind, np.nan)
        attempt.gives(
            right,
            points,
            focal,
            center,
            mistakes={
                "a joint behind the camera has no pixel: NaN": behind,
                "add the middle of the picture, in pixels": right - center,
                "divide by the depth z, not by the distance": np.where(
                    depth > 0, focal * far[:, :2] + np.array(center), np.nan
                ),
            },
        )


def _chains(flat, root, lengths, miss=False):
    """All chains, by going through the branches one by one."""
    if not len(lengths):
        return [[np.asarray(root, dtype=float)]]
    ray = np.append(flat[1], 1.0)
    a, b = ray @ ray, ray @ root
    square = b * b - a * (np.dot(root, root) - lengths[0] ** 2)
    if square < 0 and not miss:
        return []
    reach = np.sqrt(max(square, 0))
    found = []
    for z in ((b - reach) / a, (b + reach) / a):
        found += [
            [np.asarray(root, float), *rest]
            for rest in _chains(flat[1:], z * ray, lengths[1:], miss)
        ]
    return found


@exercise(
    "13.2",
    hints=(
        "Keep a list of the chains so far; it begins with one chain that is only "
        "the root. Each joint makes a new list of longer chains.",
        "For a chain that ends at p and a ray r: a = r @ r, b = r @ p, c = p @ p - "
        "length ** 2. The depths are (b - root) / a and (b + root) / a with root = "
        "sqrt(b * b - a * c).",
        "If b * b < a * c, the ray misses the ball: add nothing for this chain. At "
        "the end, np.array(found).reshape(-1, len(flat), 3) also works for none.",
    ),
)
def _(attempt):
    rng = np.random.default_rng(132)
    cases = [(np.zeros((3, 2)), (0.0, 0.0, 4.0), (0.3, 0.2))]
    for joints in (2, 3, 4, 5):
        chain = np.cumsum(rng.normal(0, 0.25, (joints, 3)), 0) + (0, 0, 4)
        lengths = np.linalg.norm(np.diff(chain, axis=0), axis=1)
        cases.append((chain[:, :2] / chain[:, 2:], tuple(chain[0]), tuple(lengths)))
    far = cases[2][0].copy()
    far[2] += 1.0  # no forearm reaches there
    cases.append((far, *cases[2][1:]))
    for flat, root, lengths in cases:
        expected = _unique(_chains(flat, np.array(root), lengths), len(flat))
        given = attempt(flat, root, lengths)
        shape = np.shape(given)
        attempt.require(
            len(shape) == 3 and shape[1:] == (len(flat), 3),
            f"An array (C, {len(flat)}, 3) is asked for, also for C = 0; got {shape}.",
        )
        mine = _unique(given, len(flat))
        if len(mine) != len(expected):
            missing = "a branch whose ray misses the ball ends; it has no chain"
            attempt.require(
                False,
                f"{len(mine)} different chains, expected {len(expected)}."
                + (f" ({missing}.)" if len(mine) > len(expected) else ""),
            )
        attempt.require(
            np.allclose(mine, expected, atol=1e-6),
            "As many chains as expected, but not the same ones. Does each bone have "
            "its length, and does each joint lie on its ray?",
        )


def _unique(chains, joints):
    """Chains in one order, each once, ``(C, J, 3)``."""
    flat = np.asarray(chains, dtype=float).reshape(-1, 3 * joints)
    return np.unique(np.round(flat, 7), axis=0).reshape(-1, joints, 3)


@exercise(
    "13.3",
    hints=(
        "For a view with the rows r1, r2, r3 of its matrix and the point (u, v): the "
        "two rows of the system are u * r3 - r1 and v * r3 - r2.",
        "A weight multiplies both rows of its view. Leave out views that are NaN or "
        "have score 0.",
        "np.linalg.svd(rows)[2][-1] is X with four numbers; the point is X[:3] / "
        "X[3]. Fewer than two views: np.full(3, np.nan).",
    ),
)
def _(attempt):
    rng = np.random.default_rng(134)
    cameras = [
        PinholeCamera(
            np.diag([1.0, 1, 1]),
            np.array(
                [[np.cos(a), 0, np.sin(a)], [0, 1, 0], [-np.sin(a), 0, np.cos(a)]]
            ),
            np.array([0.1 * a, 0, 4.0]),
        )
        for a in (0, 0.8, 1.6, -0.7)
    ]
    matrices = np.stack([c.matrix for c in cameras])
    for case in range(6):
        point = rng.uniform(-0.6, 0.6, 3)
        flat = np.stack([c.project(point) for c in cameras])
        flat += rng.normal(0, 0.01, flat.shape)
        scores = rng.uniform(0.2, 1, 4)
        if case in (1, 3):
            flat[rng.integers(4)] = np.nan
        if case in (2, 3):
            scores[rng.integers(4)] = 0
        if case == 5:
            flat[1:] = np.nan
        right = triangulate(flat, cameras, scores)
        mistakes = {}
        if case == 0:
            mistakes["the scores weigh the equations"] = triangulate(flat, cameras)
        attempt.gives(right, flat, matrices, scores, mistakes=mistakes)


# ------------------------------------------------------------------ project

_NOISE = 5.0  # pixels of a picture of 256
_CLIPS = (("throw", 811), ("squat", 812), ("jumping_jack", 813), ("throw", 814))


def _test_clips():
    """Noisy pixels, a camera, and the truth, of people nobody has seen."""
    rng = np.random.default_rng(135)
    for style, seed in _CLIPS:
        motion = SyntheticMotion(style, 3.0, 12, size=256, seed=seed)
        camera = PinholeCamera.of(motion.camera)
        points = camera.to_camera(motion.joints)
        pixels = motion.camera.project(motion.joints)
        pixels = pixels + _NOISE * rng.normal(size=pixels.shape)
        yield pixels, camera, points - points[:, [MPII.index("pelvis")]]


def _error(answers, truths):
    off = [np.linalg.norm(a - t, axis=-1) for a, t in zip(answers, truths)]
    return 1000 * np.mean([o[:, np.arange(16) != MPII.index("pelvis")] for o in off])


@exercise(
    "13.project",
    hints=(
        "Where does the error come from? Compare the lifter's answer from exact and "
        "from noisy pixels, joint by joint and frame by frame.",
        "Noise differs from frame to frame, and people do not. What does a mean over "
        "neighbouring frames do, before or after lifting? How wide may it be before "
        "it eats the motion?",
        "The temporal lifter looks at 27 frames. Bones keep their length: give each "
        "the median of its lengths over time, from the pelvis outwards. All of it can "
        "be combined.",
    ),
)
def _(attempt):
    pixels, cameras, truths = zip(*_test_clips())
    single = Lifter.load("single")
    plain = _error([single(p, c) for p, c in zip(pixels, cameras)], truths)
    answers = []
    for seen, camera, truth in zip(pixels, cameras, truths):
        answer = as_array(attempt(seen.copy(), camera))
        attempt.require(
            answer.shape == truth.shape and np.isfinite(answer).all(),
            f"lift(pixels, camera) must return {truth.shape} finite metres, got "
            f"{answer.shape}.",
        )
        answers.append(answer - answer[:, [MPII.index("pelvis")]])
    error = _error(answers, truths)
    attempt.require(
        error <= 0.85 * plain,
        f"{error:.0f} mm on four clips with {_NOISE:.0f} px of noise. One frame at a "
        f"time gets {plain:.0f} mm; at most {0.85 * plain:.0f} mm are asked for.",
    )


# --------------------------------------------------------------------- quiz

QUIZ = (
    Question(
        "Two people have exactly the same sixteen pixels. What may differ?",
        (
            Choice(
                "Nothing, if the camera is the same.",
                "A pixel is a ray. On each ray a joint can be anywhere.",
            ),
            Choice(
                "Only how far away and how large they are.",
                "That as well; but knees and elbows can also bend towards the camera "
                "or away from it, with the same pixels.",
            ),
            Choice(
                "Size, distance, and for every bone whether it points towards the "
                "camera or away.",
                "All of these leave every joint on its ray.",
                right=True,
            ),
        ),
    ),
    Question(
        "A lifter has an MPJPE of 80 mm and a PA-MPJPE of 30 mm. What does that say?",
        (
            Choice(
                "The poses are about right, but turned or of the wrong size.",
                "What Procrustes takes away is exactly that.",
                right=True,
            ),
            Choice(
                "It is good, because 30 mm is what counts.",
                "It depends on the use. Somebody who wants to know which way a person "
                "faces is off by the 80.",
            ),
            Choice(
                "Joints have been exchanged left and right.",
                "No turn brings exchanged joints back: PA-MPJPE would be large, too.",
            ),
        ),
    ),
    Question(
        "Why does a lifter need no pictures to learn from?",
        (
            Choice(
                "Because 2D networks have seen enough of them.",
                "It is true that they have, but the lifter learns nothing from that.",
            ),
            Choice(
                "Because its input can be computed: bodies in space and a camera give "
                "as many flat skeletons as one likes.",
                "So any recording of moving bodies will do, and every body gives "
                "views without end.",
                right=True,
            ),
            Choice(
                "Because depth is not in pictures.",
                "Some of it is: shadows, and who hides whom. A lifter does without "
                "it, and that is its weakness.",
            ),
        ),
    ),
    Question(
        "Two cameras stand side by side, 10 cm apart, 4 m from a person. Why is "
        "triangulation poor?",
        (
            Choice(
                "The two rays are almost parallel: a pixel of noise moves their "
                "crossing far along the depth.",
                "Across, the place is as good as ever. Move one camera around the "
                "person, and the crossing is well defined.",
                right=True,
            ),
            Choice(
                "Both cameras see the same joints hidden.",
                "They do, but joints that both see well have the problem as well.",
            ),
            Choice(
                "Two views leave a choice between two depths.",
                "Bones of known length do. Two rays that are not parallel cross in "
                "one place.",
            ),
        ),
    ),
    Question(
        "A lifter says z = -0.21 for a wrist. What is that?",
        (
            Choice(
                "21 cm above the pelvis.",
                "Up and down are y. z is along the line of sight.",
            ),
            Choice(
                "21 cm nearer to the camera than the pelvis.",
                "z grows away from the camera, and all is measured from the pelvis. "
                "How far away the pelvis is, it does not say.",
                right=True,
            ),
            Choice(
                "21 cm behind the picture's plane.",
                "A picture has no place in the room. The origin is the pelvis.",
            ),
        ),
    ),
)
