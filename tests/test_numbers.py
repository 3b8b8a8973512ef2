"""Whole numbers, half precision, arrays and tensors: one answer for all.

Positions that happen to be whole numbers must be computed like any others. So
each public function that takes points or arrays is called with the same
values in every type of number, and has to answer as for float64 arrays.
"""

from dataclasses import is_dataclass
from functools import partial

import numpy as np
import pytest
import torch

from posecourse import codecs, drawing, geometry, losses, metrics, transforms
from posecourse.codecs import CoordinateCodec, HeatmapCodec, SimCCCodec
from posecourse.datasets.synthetic import Camera
from posecourse.geometry import Crop, as_array
from posecourse.lifting import (
    Lifter,
    LiftingNetwork,
    PinholeCamera,
    depths_along_ray,
    reprojection_errors,
    triangulate,
)
from posecourse.skeletons import MPII

pytestmark = pytest.mark.usefixtures("one_thread")

KINDS = {
    "int64 array": lambda v: v.astype(np.int64),
    "int32 array": lambda v: v.astype(np.int32),
    "uint8 array": lambda v: v.astype(np.uint8),
    "float16 array": lambda v: v.astype(np.float16),
    "float32 array": lambda v: v.astype(np.float32),
    "list": lambda v: v.tolist(),
    "int64 tensor": lambda v: torch.tensor(v).long(),
    "int32 tensor": lambda v: torch.tensor(v).int(),
    "float16 tensor": lambda v: torch.tensor(v).half(),
    "bfloat16 tensor": lambda v: torch.tensor(v).bfloat16(),
    "float32 tensor": lambda v: torch.tensor(v).float(),
    "float64 tensor": lambda v: torch.tensor(v),
    "tensor with gradient": lambda v: torch.tensor(v, requires_grad=True),
}

RNG = np.random.default_rng(0)


def whole(*shape, low=0, high=200):
    """Whole numbers that every type above can hold, bfloat16 too."""
    return RNG.integers(low, high, shape).astype(float)


N, K = 3, 16
POINTS, OTHERS = whole(N, K, 2), whole(N, K, 2)
VISIBLE = whole(N, K, low=1, high=3)
SIZE = whole(N, low=20, high=90)
MAPS, LOGITS = whole(2, K, 8, 6, high=9), whole(2, 4, 8, 6, high=9)
CELLS = whole(2, 4, 2, high=6)
MATRIX = np.array([[2.0, 1, 30], [0, 3, 7]])
HITS = (whole(40, K) > 90).astype(float)
SPACE = whole(N, K, 3)
WEIGHTS = np.ones((N, K), bool)
BOXES = np.c_[whole(N, 2), SIZE, SIZE + 5]
PICTURES = whole(1, 3, 9, 7)
BYTES = np.full((40, 40, 3), 90, np.uint8)
SIGMAS = whole(K, low=1, high=3)


def flow():
    torch.manual_seed(0)
    return losses.RealNVP(4)


def density(points):
    return flow().log_density(points)


def rle(predicted, sigma, target):
    return losses.rle(predicted, sigma, target, flow(), WEIGHTS, reduction="none")


def average_precision(function):
    def call(keypoints, poses, area, score):
        people = [[{"keypoints": k, "area": a}] for k, a in zip(keypoints, area)]
        found = [[{"keypoints": p, "score": s}] for p, s in zip(poses, score)]
        return function(people, found, MPII.sigmas)

    return call


def few(function):
    """With few resamples, which are enough to see that they agree."""
    return partial(function, resamples=9)


def recalibrated(scores, hit):
    return metrics.reliability(scores, hit, 4).recalibrate(scores)


def batch(keypoints, visible, head_size):
    crops = torch.zeros(N, 64, 64, 3, dtype=torch.uint8)
    made = transforms.make_batch(crops, keypoints, visible, head_size, 64.0, 32)
    return made._replace(images=made.images[..., :1, :1])


CROP = Crop((100, 90), (120, 60), (64, 32), rotation=30)
HEATMAP = HeatmapCodec((48, 64), (6, 8), sigma=1.0)
SIMCC = SimCCCodec((8, 10), 1, sigma=1.0)
PAIR = whole(2, K, 8, high=5), whole(2, K, 10, high=5)

LENS = PinholeCamera(
    np.array([[300.0, 0, 40], [0, 300, 30], [0, 0, 1]]),
    np.eye(3),
    np.array([0.0, 0, 400]),
    np.array([-0.1, 0.01, 0, 0, 0]),
)
torch.manual_seed(0)
LIFTER = Lifter(LiftingNetwork(width=8))
ASIDE = PinholeCamera(LENS.intrinsics, np.eye(3), np.array([90.0, 0, 400]))
CAMERA = Camera(300.0, (40.0, 30.0), np.eye(3), np.array([0.0, 0, 400]))

# What is called, and the arrays that come in every kind.
CALLS = {
    "geometry.affine_points": (geometry.affine_points, POINTS, MATRIX),
    "geometry.as_array": (geometry.as_array, POINTS),
    "geometry.as_float": (geometry.as_float, POINTS),
    "geometry.compose": (geometry.compose, MATRIX, MATRIX[::-1].copy()),
    "geometry.flip_heatmaps": (lambda m: geometry.flip_heatmaps(m, MPII), MAPS),
    "geometry.flip_points": (
        lambda p, v: geometry.flip_points(p, 200, MPII, v),
        POINTS,
        VISIBLE,
    ),
    "geometry.invert_affine": (geometry.invert_affine, MATRIX),
    "geometry.resize_points": (
        lambda p: geometry.resize_points(p, (0.3, 0.7)),
        POINTS,
    ),
    "geometry.resize_points along one axis": (
        lambda p: geometry.resize_points(p, 0.3),
        SIZE,
    ),
    "geometry.warp_batch": (
        lambda i, m: geometry.warp_batch(i, m, 8),
        PICTURES,
        MATRIX[None],
    ),
    "geometry.Crop.apply": (CROP.apply, POINTS),
    "geometry.Crop.invert": (CROP.invert, POINTS),
    "geometry.Crop": (
        lambda c, s: Crop(c, s, (64, 32)).matrix,
        whole(2, low=3),
        whole(2, low=3),
    ),
    "geometry.Crop.from_box": (lambda b: Crop.from_box(b, 64).matrix, BOXES[0]),
    "Camera.project": (CAMERA.project, SPACE),
    "Camera.ray": (CAMERA.ray, POINTS),
    "Camera.to_camera": (CAMERA.to_camera, SPACE),
    "Camera.to_world": (CAMERA.to_world, SPACE),
    "PinholeCamera.project": (LENS.project, SPACE),
    "PinholeCamera.normalize": (LENS.normalize, POINTS),
    "lifting.triangulate": (
        lambda p, v: triangulate(
            np.stack([as_array(p), 0.9 * as_array(p)]), (LENS, ASIDE), [as_array(v)] * 2
        ),
        POINTS,
        VISIBLE,
    ),
    "lifting.reprojection_errors": (
        lambda s, p: reprojection_errors(s, (LENS,), as_array(p)[None]),
        SPACE,
        POINTS,
    ),
    "lifting.depths_along_ray": (
        lambda f, s, n: depths_along_ray(as_array(f) / 400, s, n),
        POINTS[:, 0],
        SPACE[:, 0],
        SIZE,
    ),
    "lifting.Lifter": (lambda p: LIFTER(p, LENS), POINTS),
    "codecs.CoordinateCodec.encode": (CoordinateCodec(64).encode, POINTS, VISIBLE),
    "codecs.CoordinateCodec": (CoordinateCodec(64).decode, POINTS),
    "codecs.HeatmapCodec.encode": (HEATMAP.encode, POINTS / 4 // 1, VISIBLE),
    "codecs.HeatmapCodec.to_cells": (HEATMAP.to_cells, POINTS),
    "codecs.HeatmapCodec.to_pixels": (HEATMAP.to_pixels, POINTS),
    "codecs.HeatmapCodec": (HEATMAP.decode, MAPS),
    "codecs.SimCCCodec.encode": (SIMCC.encode, POINTS // 25, VISIBLE),
    "codecs.SimCCCodec": (lambda x, y: SIMCC.decode((x, y)), *PAIR),
    "codecs.gaussian_heatmaps": (lambda c: codecs.gaussian_heatmaps(c, 8), CELLS),
    "codecs.heatmap_peaks": (codecs.heatmap_peaks, MAPS),
    **{
        f"codecs.{name}": (getattr(codecs, name), MAPS)
        for name in (
            "argmax_decode",
            "dark_decode",
            "integral_decode",
            "quarter_decode",
            "soft_argmax_decode",
        )
    },
    **{
        f"losses.{name}": (
            partial(getattr(losses, name), weights=WEIGHTS),
            POINTS,
            OTHERS,
        )
        for name in ("coordinate_l1", "coordinate_l2", "smooth_l1", "wing")
    },
    "losses.heatmap_mse": (losses.heatmap_mse, MAPS, MAPS[::-1].copy()),
    "losses.ohkm": (losses.ohkm, MAPS, MAPS[::-1].copy()),
    "losses.hardest": (lambda p: losses.hardest(p, 2), whole(2, 5)),
    "losses.dsnt": (losses.dsnt, LOGITS, CELLS),
    "losses.simcc": (
        lambda a, b, c, d: losses.simcc((a, b), (c, d)),
        *PAIR,
        *PAIR[::1],
    ),
    "losses.rle": (rle, POINTS, SIZE[:, None, None] + 0 * POINTS, OTHERS),
    "losses.RealNVP": (density, whole(5, 2, high=3)),
    "losses.mean_pose_loss": (losses.mean_pose_loss, POINTS),
    "metrics.auc": (metrics.auc, POINTS, OTHERS, VISIBLE, SIZE + 160),
    "metrics.bootstrap_interval": (few(metrics.bootstrap_interval), HITS),
    "metrics.box_size": (metrics.box_size, BOXES),
    "metrics.center_pose": (lambda w: metrics.center_pose(MPII, w), whole(2)),
    "metrics.constant_predictions": (
        metrics.constant_predictions,
        POINTS,
        VISIBLE,
        BOXES,
    ),
    "metrics.error_breakdown": (
        metrics.error_breakdown,
        POINTS,
        OTHERS,
        VISIBLE,
        SIZE,
    ),
    "metrics.joint_intervals": (few(metrics.joint_intervals), HITS),
    "metrics.keypoint_ap": (
        average_precision(metrics.keypoint_ap),
        POINTS,
        POINTS + 2,
        SIZE + 150,
        SIZE,
    ),
    "metrics.keypoint_ap_intervals": (
        average_precision(few(metrics.keypoint_ap_intervals)),
        POINTS,
        POINTS + 2,
        SIZE + 150,
        SIZE,
    ),
    "metrics.keypoint_boxes": (metrics.keypoint_boxes, POINTS, VISIBLE),
    "metrics.mean_pose": (metrics.mean_pose, POINTS, VISIBLE),
    "metrics.median_pose": (metrics.median_pose, POINTS, VISIBLE),
    "metrics.mpjpe": (metrics.mpjpe, SPACE, SPACE[::-1].copy(), VISIBLE),
    "metrics.n_mpjpe": (metrics.n_mpjpe, SPACE, SPACE[::-1].copy(), VISIBLE),
    "metrics.pck3d": (
        partial(metrics.pck3d, unit="mm", threshold=90),
        SPACE,
        SPACE[::-1].copy(),
        VISIBLE,
    ),
    "metrics.pa_mpjpe": (metrics.pa_mpjpe, SPACE, SPACE[::-1].copy(), VISIBLE),
    "metrics.normalized_distances": (
        metrics.normalized_distances,
        POINTS,
        OTHERS,
        VISIBLE,
        SIZE,
    ),
    "metrics.oks": (metrics.oks, POINTS, OTHERS, VISIBLE, SIZE, SIGMAS),
    "metrics.paired_oks": (metrics.paired_oks, POINTS, OTHERS, VISIBLE, SIZE, SIGMAS),
    "metrics.paired_interval": (few(metrics.paired_interval), HITS, HITS[::-1].copy()),
    "metrics.pck": (metrics.pck, POINTS, OTHERS, VISIBLE, SIZE),
    "metrics.pckh": (metrics.pckh, POINTS, OTHERS, VISIBLE, SIZE),
    "metrics.pck_hits": (
        lambda *a: metrics.pck_hits(*a, 1),
        POINTS,
        OTHERS,
        VISIBLE,
        SIZE,
    ),
    "metrics.pck_normalizer": (
        lambda p, v, h: metrics.pck_normalizer(p, v, MPII, h)[0],
        POINTS,
        VISIBLE,
        SIZE,
    ),
    "metrics.pck_normalizers": (
        lambda p, v, b: [n[0] for n in metrics.pck_normalizers(p, v, MPII, None, b)],
        POINTS,
        VISIBLE,
        BOXES,
    ),
    "metrics.pck_over_thresholds": (metrics.pck_over_thresholds, POINTS[0], SIZE),
    "metrics.pckh_table": (metrics.pckh_table, POINTS, OTHERS, VISIBLE, SIZE),
    "metrics.reliability": (recalibrated, HITS * 3 + whole(*HITS.shape, high=9), HITS),
    "metrics.report": (
        lambda p, t, v, h: metrics.report(p, t, v, head_size=h, resamples=9),
        POINTS,
        OTHERS,
        VISIBLE,
        SIZE,
    ),
    "metrics.torso_size": (
        lambda p, v: metrics.torso_size(p, v, MPII),
        POINTS,
        VISIBLE,
    ),
    "drawing.draw_box": (lambda b: drawing.draw_box(BYTES, b), BOXES[0]),
    "drawing.draw_pose": (
        lambda p, v, s: drawing.draw_pose(BYTES, p, v, s, min_score=100),
        POINTS / 4 // 1,
        VISIBLE,
        whole(N, K),
    ),
    "transforms.make_batch": (batch, POINTS // 4, VISIBLE, SIZE),
}

# Public names that take no points: what they are.
OTHERS_ALLOWED = {
    "codecs.DECODERS": "a table",
    "drawing.SIDE_COLORS": "a table",
    "drawing.as_rgb": "takes a picture: bytes, or floats from 0 to 1",
    "drawing.grid": "takes pictures",
    "losses.zero_heatmap_loss": "takes two numbers",
    "metrics.constant_detections": "takes COCO's dictionaries",
    "metrics.named_sigmas": "takes COCO's dictionaries",
    "metrics.pckh_columns": "takes a skeleton",
    "transforms.Augmentation": "settings",
    "transforms.normalise": "takes pictures: bytes, or floats from 0 to 1",
    "transforms.standard_crop": "takes three numbers",
}


def flat(result) -> list:
    """Every number of a result, in order."""
    if isinstance(result, torch.Tensor):
        return result.detach().double().flatten().tolist()
    if isinstance(result, np.ndarray):
        return result.astype(float).ravel().tolist()
    if hasattr(result, "to_dict"):
        return flat(result.to_dict())
    if is_dataclass(result):
        return flat(vars(result))
    if isinstance(result, dict):
        return flat(list(result.values()))
    if isinstance(result, (list, tuple)):
        return [number for part in result for number in flat(part)]
    return [result] if isinstance(result, (int, float, np.number)) else []


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", CALLS)
def test_every_kind_of_number_gives_the_same(name, kind):
    function, *arrays = CALLS[name]
    expected = flat(function(*arrays))
    assert expected
    found = flat(function(*map(KINDS[kind], arrays)))
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize(
    "module",
    [geometry, codecs, losses, metrics, transforms, drawing],
    ids=lambda m: m.__name__,
)
def test_no_public_function_is_left_out(module):
    room = module.__name__.removeprefix("posecourse.")
    covered = {".".join(call.split(" ")[0].split(".")[:2]) for call in CALLS}
    results = {
        name
        for name in module.__all__
        if (
            isinstance(getattr(module, name), type)
            and hasattr(getattr(module, name), "_fields")
        )
        or is_dataclass(getattr(module, name))
    }
    left = (
        {f"{room}.{name}" for name in set(module.__all__) - results}
        - covered
        - set(OTHERS_ALLOWED)
    )
    assert not left
    assert {c for c in covered if c.startswith(room + ".")} <= {
        f"{room}.{name}" for name in module.__all__
    }


def test_positions_keep_their_fraction_in_half_precision():
    """300.3 is 300 in bfloat16; what is computed from it must not be."""
    for dtype in (torch.float16, torch.bfloat16, torch.int64):
        moved = Crop((0, 0), (100, 100), (7, 7)).apply(
            torch.tensor([[30, 3]], dtype=dtype)
        )
        assert moved.dtype == torch.float32
        assert moved[0].tolist() == pytest.approx([5.1, 3.21], abs=1e-5)
    assert Crop((0, 0), (100, 100), (7, 7)).apply([[30, 3]]).tolist() == [[5.1, 3.21]]


@pytest.mark.parametrize("name", ["int64", "float16", "bool"])
def test_a_crop_of_a_picture_that_cannot_be_resampled_says_so(name):
    with pytest.raises(ValueError, match=f"{name}.*uint8"):
        CROP.warp(np.zeros((20, 20, 3), name))


def test_pictures_in_other_whole_numbers_are_refused():
    with pytest.raises(ValueError, match="int64.*uint8"):
        transforms.normalise(torch.zeros(1, 3, 4, 4, dtype=torch.int64))
    grey = transforms.normalise(np.full((1, 3, 2, 2), 128, np.uint8))
    assert torch.equal(grey, transforms.normalise(torch.full((1, 3, 2, 2), 128 / 255)))
