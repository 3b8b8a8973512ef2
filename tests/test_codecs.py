"""Codecs: what goes in comes out, within each codec's stated bound."""

import math

import numpy as np
import pytest
import torch

from posecourse.codecs import (
    DECODERS,
    CoordinateCodec,
    HeatmapCodec,
    SimCCCodec,
    argmax_decode,
    dark_decode,
    gaussian_heatmaps,
    heatmap_peaks,
    integral_decode,
    quarter_decode,
    soft_argmax_decode,
)
from posecourse.geometry import flip_heatmaps, flip_points
from posecourse.skeletons import MPII, UPPER_BODY

GAUSSIAN_DECODERS = ["argmax", "quarter", "dark", "soft_argmax"]


def points(count, joints, low, high, seed=0):
    """Random positions; `low` and `high` are (x, y)."""
    generator = torch.Generator().manual_seed(seed)
    unit = torch.rand(count, joints, 2, generator=generator)
    low, high = torch.tensor(low), torch.tensor(high)
    return low + unit * (high - low)


# ------------------------------------------------------------- the Gaussian


def test_gaussian_by_hand():
    """Three cells around a centre at (1, 1), sigma 1: e^0, e^-1/2, e^-1."""
    maps = gaussian_heatmaps(torch.tensor([[[1.0, 1.0]]]), 3, sigma=1.0)
    corner, edge = math.exp(-1), math.exp(-0.5)
    torch.testing.assert_close(
        maps[0, 0],
        torch.tensor([[corner, edge, corner], [edge, 1, edge], [corner, edge, corner]]),
    )


def test_gaussian_is_the_formula_everywhere():
    """Against the 2-D formula, cell by cell, x and y not mixed up."""
    center, (width, height), sigma = (2.3, 0.6), (5, 4), 1.7
    maps = gaussian_heatmaps(
        torch.tensor([[center]], dtype=torch.float64), (width, height), sigma
    )
    assert maps.shape == (1, 1, height, width)
    for y in range(height):
        for x in range(width):
            d2 = (x - center[0]) ** 2 + (y - center[1]) ** 2
            expected = math.exp(-d2 / (2 * sigma**2))
            assert maps[0, 0, y, x].item() == pytest.approx(expected)


def test_gaussian_without_a_centre_is_zero():
    centers = torch.tensor([[[math.nan, 2.0], [1.0, math.inf], [1.0, 2.0]]])
    maps = gaussian_heatmaps(centers, 5)
    assert maps[0, :2].count_nonzero() == 0
    assert maps[0, 2, 2, 1] == 1


def test_gaussian_any_leading_shape():
    centers = points(6, 4, (0.0, 0.0), (8.0, 8.0)).reshape(2, 3, 4, 2)
    maps = gaussian_heatmaps(centers, 9, 1.5)
    assert maps.shape == (2, 3, 4, 9, 9)
    single = gaussian_heatmaps(centers[1, 2, 3], 9, 1.5)
    torch.testing.assert_close(maps[1, 2, 3], single)


# -------------------------------------------------------------- round trips

# (input, heatmap, sigma): the document's 64 x 64, not square, odd stride
GRIDS = [
    ((256, 256), (64, 64), 2.0),
    ((192, 256), (48, 64), 2.0),
    ((256, 192), (64, 48), 1.0),
    ((224, 224), (56, 56), 1.5),
    ((96, 96), (32, 32), 1.0),
    ((64, 64), (64, 64), 3.0),
]


def round_trip(grid, decoder, cells_from_border, seed=0):
    """Largest error in x and in y, input pixels; and the codec."""
    codec = HeatmapCodec(*grid)
    sx, sy = codec.stride
    low = (cells_from_border * sx - 0.5, cells_from_border * sy - 0.5)
    high = (codec.input_size[0] - 1 - low[0], codec.input_size[1] - 1 - low[1])
    truth = points(16, 16, low, high, seed)
    maps, weights = codec.encode(truth, torch.ones(16, 16))
    assert (weights == 1).all()
    found, scores = codec.decode(maps, decoder)
    assert scores.max() <= 1
    return (found - truth).abs().amax((0, 1)), codec


@pytest.mark.parametrize("grid", GRIDS)
def test_argmax_is_within_half_a_cell_and_no_better(grid):
    error, codec = round_trip(grid, "argmax", 0)
    for axis in (0, 1):
        assert error[axis] <= codec.stride[axis] / 2 + 1e-4
        assert error[axis] > 0.9 * codec.stride[axis] / 2


@pytest.mark.parametrize("grid", GRIDS)
def test_quarter_is_within_a_quarter_cell_and_no_better(grid):
    error, codec = round_trip(grid, "quarter", 1)
    for axis in (0, 1):
        assert error[axis] <= codec.stride[axis] / 4 + 1e-4
        assert error[axis] > 0.9 * codec.stride[axis] / 4
    at_border, _ = round_trip(grid, "quarter", 0)
    assert (at_border <= torch.tensor(codec.stride) / 2 + 1e-4).all()


@pytest.mark.parametrize("grid", GRIDS)
def test_dark_is_exact_up_to_the_border(grid):
    error, _ = round_trip(grid, "dark", 0)
    assert error.max() <= 1e-3


@pytest.mark.parametrize("grid", GRIDS)
def test_soft_argmax_is_exact_away_from_the_border(grid):
    error, _ = round_trip(grid, "soft_argmax", 6)
    assert error.max() <= 1e-3
    at_border, codec = round_trip(grid, "soft_argmax", 0)
    assert (at_border <= 0.9 * torch.tensor(codec.stride)).all()


def test_dark_with_blur_is_exact_away_from_the_border():
    truth = points(16, 16, (12.0, 12.0), (51.0, 51.0))
    found, scores = dark_decode(gaussian_heatmaps(truth, 64, 2.0), 2.0, blur=True)
    assert (found - truth).abs().max() < 1e-3
    assert scores.min() > 0.9  # of the map as given, not the blurred


def test_dark_reads_bumps_of_another_width():
    """A network's bumps are not exactly as wide as those it learned from."""
    truth = points(8, 8, (0.0, 0.0), (31.0, 31.0))
    for width in (1.0, 2.7):
        found, _ = dark_decode(gaussian_heatmaps(truth, 32, width), 2.0)
        assert (found - truth).abs().max() < 1e-4


def test_dark_takes_a_tilted_bump():
    """The mixed derivative: a Gaussian stretched along the diagonal."""
    y, x = torch.meshgrid(torch.arange(15.0), torch.arange(15.0), indexing="ij")
    cx, cy = 7.2, 6.9
    u, v = (x - cx + y - cy) / 2**0.5, (x - cx - y + cy) / 2**0.5
    maps = torch.exp(-(u**2) / 18 - v**2 / 4)[None, None]
    found, _ = dark_decode(maps, 2.0)
    torch.testing.assert_close(found[0, 0], torch.tensor([cx, cy]), atol=1e-4, rtol=0)


def test_better_decoders_on_noisy_maps():
    """With 5 % noise: refined beats quarter beats largest cell."""
    truth = points(16, 16, (12.0, 12.0), (51.0, 51.0))
    clean = gaussian_heatmaps(truth, 64, 2.0)
    noise = torch.randn(clean.shape, generator=torch.Generator().manual_seed(1))
    maps = clean + 0.05 * noise
    error = {
        name: (decode(maps, 2.0)[0] - truth).abs().mean().item()
        for name, decode in DECODERS.items()
        if name != "integral"
    }
    blurred = dark_decode(maps, 2.0, blur=True)[0]
    error["blurred"] = (blurred - truth).abs().mean().item()
    assert error["soft_argmax"] < error["dark"] < error["quarter"]
    assert error["quarter"] < error["argmax"]
    assert error["blurred"] < error["dark"]


def test_soft_argmax_ignores_a_second_bump():
    truth = torch.tensor([[[12.3, 40.8]]])
    other = torch.tensor([[[45.0, 10.0]]])
    maps = gaussian_heatmaps(truth, 64) + 0.9 * gaussian_heatmaps(other, 64) - 0.1
    found, _ = soft_argmax_decode(maps, 2.0)
    torch.testing.assert_close(found, truth, atol=0.01, rtol=0)


@pytest.mark.parametrize("decoder", GAUSSIAN_DECODERS)
def test_decoding_commutes_with_mirroring(decoder):
    """Why our flip test needs no shift of a cell."""
    codec = HeatmapCodec((192, 256), (48, 64))
    truth = points(4, 16, (30.0, 30.0), (160.0, 220.0))
    maps, _ = codec.encode(truth, torch.ones(4, 16))
    found, _ = codec.decode(maps, decoder)
    mirrored, _ = codec.decode(flip_heatmaps(maps, MPII), decoder)
    torch.testing.assert_close(
        mirrored, flip_points(found, 192, MPII), atol=1e-3, rtol=0
    )


def test_encode_of_mirrored_keypoints_is_the_mirrored_map():
    codec = HeatmapCodec((192, 256), (48, 64))
    truth = points(4, 16, (0.0, 0.0), (191.0, 255.0))
    seen = torch.ones(4, 16)
    maps, _ = codec.encode(truth, seen)
    mirrored, _ = codec.encode(flip_points(truth, 192, MPII), seen)
    torch.testing.assert_close(mirrored, flip_heatmaps(maps, MPII), atol=1e-5, rtol=0)


def test_upper_body_case_of_the_document():
    """Section 4.3: K = 5, maps of 64 x 64, the arg max is the prediction."""
    codec = HeatmapCodec(256, 64, sigma=2.0)
    joints = points(1, len(UPPER_BODY), (0.0, 0.0), (255.0, 255.0))
    maps, weights = codec.encode(joints, torch.full((1, 5), 2))
    assert maps.shape == (1, 5, 64, 64) and weights.shape == (1, 5)
    cell = (joints + 0.5) / 4 - 0.5  # the convention, written out
    for k in range(5):
        row, column = divmod(maps[0, k].argmax().item(), 64)
        assert abs(column - cell[0, k, 0]) <= 0.5 + 1e-5
        assert abs(row - cell[0, k, 1]) <= 0.5 + 1e-5


# ------------------------------------------------- labels that are not there


def test_unlabelled_joints_leave_no_trace():
    codec = HeatmapCodec(64, 16)
    keypoints = torch.tensor([[[20.0, 30.0], [math.nan] * 2, [40.0, 10.0]]])
    maps, weights = codec.encode(keypoints, torch.tensor([[2, 0, 0]]))
    assert weights.tolist() == [[1, 0, 0]]
    assert maps.isfinite().all()
    assert maps[0, 1:].count_nonzero() == 0


def test_joints_outside_the_picture():
    """Within three sigma the tail is a target, beyond there is none."""
    codec = HeatmapCodec(64, 16, sigma=1.0)  # stride 4, edge at -0.5
    edge = codec.to_pixels(torch.tensor([-3.5, 5.0]))
    keypoints = torch.stack(
        [edge + torch.tensor([0.1, 0]), edge - torch.tensor([0.1, 0])]
    )[None]
    maps, weights = codec.encode(keypoints, torch.ones(1, 2))
    assert weights.tolist() == [[1, 0]]
    assert maps[0, 0].max() > 0
    assert maps[0, 1].count_nonzero() == 0


@pytest.mark.parametrize(
    "codec",
    [HeatmapCodec(64, 16), CoordinateCodec(64), SimCCCodec(64)],
    ids=lambda c: c.kind,
)
def test_labels_of_one_joint_do_not_touch_another(codec):
    keypoints = points(2, 3, (5.0, 5.0), (60.0, 60.0))
    full, _ = codec.encode(keypoints, torch.ones(2, 3))
    visible = torch.tensor([[1, 0, 2], [0, 1, 1]])
    holes = torch.where(visible[..., None] > 0, keypoints, math.nan)
    some, weights = codec.encode(holes, visible)
    assert torch.equal(weights, (visible > 0).float())
    full, some = (t if isinstance(t, tuple) else (t,) for t in (full, some))
    for a, b in zip(full, some):
        assert torch.equal(a[visible > 0], b[visible > 0])
        assert b[visible == 0].count_nonzero() == 0


# ------------------------------------------------------------ odd maps, types

ODD_MAPS = {
    "zero": torch.zeros(2, 3, 8, 9),
    "constant": torch.ones(2, 3, 8, 9),
    "negative": -torch.ones(2, 3, 8, 9),
    "noise": torch.randn(64, 3, 8, 9, generator=torch.Generator().manual_seed(0)),
    "one cell": torch.eye(8)[None, None].repeat(1, 2, 1, 1),
    "tiny values": torch.rand(2, 3, 8, 9) * 1e-30,
    "huge values": torch.rand(2, 3, 8, 9) * 1e30,
    "2 x 2": torch.rand(2, 3, 2, 2),
    "1 x 1": torch.rand(2, 3, 1, 1),
}


@pytest.mark.parametrize("decoder", DECODERS)
@pytest.mark.parametrize("name", ODD_MAPS)
def test_decoders_never_give_nan_and_stay_in_the_picture(decoder, name):
    maps = ODD_MAPS[name]
    cells, scores = DECODERS[decoder](maps, 2.0)
    assert cells.isfinite().all() and scores.isfinite().all()
    height, width = maps.shape[-2:]
    assert (cells >= -0.5 - 1e-4).all()
    assert (cells <= torch.tensor([width, height]) - 0.5 + 1e-4).all()


@pytest.mark.parametrize("decoder", GAUSSIAN_DECODERS)
def test_maps_without_information_keep_their_largest_cell(decoder):
    maps = -torch.ones(1, 1, 6, 7)
    maps[..., 4, 0] = -0.5  # largest, on the border
    cells, scores = DECODERS[decoder](maps, 2.0)
    assert (cells[0, 0, 0], cells[0, 0, 1].round()) == (0, 4)
    assert scores.item() == -0.5


@pytest.mark.parametrize("decoder", DECODERS)
def test_empty_batch(decoder):
    codec = HeatmapCodec(64, 16, decoder=decoder)
    maps, weights = codec.encode(torch.zeros(0, 5, 2), torch.zeros(0, 5))
    assert maps.shape == (0, 5, 16, 16) and weights.shape == (0, 5)
    keypoints, scores = codec.decode(maps)
    assert keypoints.shape == (0, 5, 2) and scores.shape == (0, 5)


@pytest.mark.parametrize("kind", [torch.bfloat16, torch.float16])
def test_half_precision_maps_are_decoded_in_float32(kind):
    codec = HeatmapCodec(256, 64)
    truth = points(8, 16, (20.0, 20.0), (235.0, 235.0))
    maps, _ = codec.encode(truth, torch.ones(8, 16))
    found, scores = codec.decode(maps.to(kind))
    assert found.dtype == scores.dtype == torch.float32
    assert (found - truth).abs().max() < 0.25  # maps to 3 digits only


def test_bfloat16_keypoints_give_float32_targets():
    maps, weights = HeatmapCodec(64, 16).encode(
        torch.full((1, 1, 2), 20.0, dtype=torch.bfloat16), torch.ones(1, 1)
    )
    assert maps.dtype == weights.dtype == torch.float32


def test_float64_stays():
    codec = HeatmapCodec(64, 16)
    maps, _ = codec.encode(
        torch.full((1, 1, 2), 20.3, dtype=torch.float64), torch.ones(1, 1)
    )
    found, _ = codec.decode(maps)
    assert maps.dtype == found.dtype == torch.float64
    assert (found - 20.3).abs().max() < 1e-9


def test_arrays_are_taken_too():
    codec = HeatmapCodec(64, 16)
    keypoints = np.array([[[20.3, 31.9]]])
    maps, _ = codec.encode(keypoints, np.array([[2]], dtype=np.uint8))
    found, _ = codec.decode(maps.numpy())
    np.testing.assert_allclose(found.numpy(), keypoints, atol=1e-6)


@pytest.mark.parametrize("decoder", DECODERS)
def test_a_batch_is_its_persons(decoder):
    generator = torch.Generator().manual_seed(3)
    maps = torch.randn(5, 4, 12, 10, generator=generator)
    together, scores = DECODERS[decoder](maps, 1.5)
    for i in range(5):
        alone, score = DECODERS[decoder](maps[i : i + 1], 1.5)
        torch.testing.assert_close(together[i], alone[0])
        torch.testing.assert_close(scores[i], score[0])


@pytest.mark.parametrize("decoder", GAUSSIAN_DECODERS)
def test_scale_of_the_map_moves_nothing(decoder):
    """Only the score knows how high a bump is."""
    maps = gaussian_heatmaps(points(2, 4, (7.0, 7.0), (15.0, 15.0)), 24, 2.0)
    cells, scores = DECODERS[decoder](maps, 2.0)
    lower, low_scores = DECODERS[decoder](maps * 0.25, 2.0)
    torch.testing.assert_close(lower, cells)
    torch.testing.assert_close(low_scores, scores * 0.25)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
@pytest.mark.parametrize("decoder", DECODERS)
def test_gpu_agrees(decoder):
    codec = HeatmapCodec(256, 64, decoder=decoder)
    truth = points(4, 16, (0.0, 0.0), (255.0, 255.0))
    seen = torch.ones(4, 16)
    here, _ = codec.encode(truth, seen)
    there, weights = codec.encode(truth.cuda(), seen.cuda())
    assert there.is_cuda and weights.is_cuda
    torch.testing.assert_close(there.cpu(), here, atol=1e-6, rtol=0)
    found, _scores = codec.decode(here.cuda())
    torch.testing.assert_close(found.cpu(), codec.decode(here)[0], atol=1e-3, rtol=0)


# -------------------------------------------------------------------- peaks


def peaks_of(rows, **options):
    """The peaks of one map as a list of ((x, y), score)."""
    cells, scores = heatmap_peaks(torch.tensor(rows), **options)
    found = scores > 0
    assert cells[~found].isnan().all() and not cells[found].isnan().any()
    return [
        ((int(x), int(y)), round(score, 6))
        for (x, y), score in zip(cells[found].tolist(), scores[found].tolist())
    ]


TWO_HILLS = [
    [0.0, 0.1, 0.0, 0.0, 0.0, 0.0],
    [0.1, 0.9, 0.3, 0.1, 0.2, 0.1],
    [0.0, 0.2, 0.1, 0.3, 0.6, 0.4],
    [0.0, 0.0, 0.0, 0.1, 0.3, 0.2],
]


def test_peaks_by_hand():
    """x is the column; the higher one comes first."""
    assert peaks_of(TWO_HILLS) == [((1, 1), 0.9), ((4, 2), 0.6)]
    assert peaks_of(TWO_HILLS, threshold=0.6) == [((1, 1), 0.9)]
    assert peaks_of(TWO_HILLS, threshold=0.9) == []
    assert peaks_of(TWO_HILLS, count=1) == [((1, 1), 0.9)]
    # (4, 2) is 3 columns away from (1, 1)
    assert len(peaks_of(TWO_HILLS, distance=2)) == 2
    assert peaks_of(TWO_HILLS, distance=3) == [((1, 1), 0.9)]


def test_peaks_of_a_slope_a_ridge_and_corners():
    assert peaks_of([[0.3, 0.4, 0.5, 0.6]], distance=1) == [((3, 0), 0.6)]
    corners = [[0.9, 0.0, 0.0, 0.8], [0.0, 0.0, 0.0, 0.0], [0.6, 0.0, 0.0, 0.7]]
    assert peaks_of(corners, distance=1) == [
        ((0, 0), 0.9),
        ((3, 0), 0.8),
        ((3, 2), 0.7),
        ((0, 2), 0.6),
    ]
    # a larger cell within the distance forbids a peak, peak or not
    chain = [[0.9, 0.0, 0.8, 0.0, 0.7]]
    assert peaks_of(chain, distance=2) == [((0, 0), 0.9)]
    assert [x for (x, _), _ in peaks_of(chain, distance=1)] == [0, 2, 4]


def test_a_plateau_is_one_peak_and_of_equals_the_first_counts():
    assert peaks_of(
        [[0.1, 0.7, 0.7, 0.7, 0.1], [0.1, 0.7, 0.7, 0.7, 0.1]], distance=1
    ) == [((1, 0), 0.7)]
    assert peaks_of([[0.5] * 9] * 9, distance=1) == [((0, 0), 0.5)]
    assert peaks_of([[0.0, 0.7, 0.0, 0.7]], distance=2) == [((1, 0), 0.7)]
    assert peaks_of([[0.7, 0.0, 0.0, 0.7]], distance=2) == [
        ((0, 0), 0.7),
        ((3, 0), 0.7),
    ]


def test_empty_low_and_negative_maps_have_no_peak():
    assert peaks_of([[0.0] * 5] * 4) == peaks_of([[0.2] * 5] * 4) == []
    cells, scores = heatmap_peaks(torch.full((5, 4), -1.0), count=3)
    assert cells.shape == (3, 2) and cells.isnan().all()
    assert scores.tolist() == [0, 0, 0]
    # a threshold below zero is for logits
    cells, scores = heatmap_peaks(
        torch.tensor([[-5.0, -1.0, -7.0]]), threshold=-2, count=2
    )
    assert cells[0].tolist() == [1, 0] and scores.tolist() == [-1, 0]


def test_peaks_of_a_batch_are_those_of_its_maps():
    maps = torch.rand(2, 3, 12, 9, generator=torch.Generator().manual_seed(0))
    cells, scores = heatmap_peaks(maps, 0.5, 2, count=6)
    assert cells.shape == (2, 3, 6, 2) and scores.shape == (2, 3, 6)
    for n in range(2):
        for k in range(3):
            alone = heatmap_peaks(maps[n, k], 0.5, 2, count=6)
            torch.testing.assert_close(cells[n, k], alone[0], equal_nan=True)
            torch.testing.assert_close(scores[n, k], alone[1])
    for shape in ((0, 16, 8, 8), (2, 0, 8, 8)):
        cells, scores = heatmap_peaks(torch.zeros(shape), count=4)
        assert cells.shape == (*shape[:2], 4, 2)
    # more asked for than there are cells; a window larger than the map
    cells, _ = heatmap_peaks(torch.ones(2, 2), distance=9, count=7)
    assert cells.shape == (7, 2) and cells[0].tolist() == [0, 0]
    assert heatmap_peaks(maps.bfloat16())[0].dtype == torch.float32
    assert heatmap_peaks(maps.double())[1].dtype == torch.float64


@pytest.mark.parametrize("distance", [1, 2, 4])
def test_peaks_against_the_definition(distance):
    """Cell by cell, on maps with many equal values."""
    generator = torch.Generator().manual_seed(distance)
    maps = torch.randint(0, 6, (20, 11, 13), generator=generator) / 5
    cells, scores = heatmap_peaks(maps, 0.3, distance, count=143)
    for heatmap, found in zip(maps, cells):
        expected = set()
        for y in range(11):
            for x in range(13):
                rivals = [
                    (j, i)
                    for j in range(11)
                    for i in range(13)
                    if abs(j - y) <= distance
                    and abs(i - x) <= distance
                    and (j, i) != (y, x)
                ]
                if heatmap[y, x] > 0.3 and all(
                    heatmap[r] < heatmap[y, x]
                    or (heatmap[r] == heatmap[y, x] and r > (y, x))
                    for r in rivals
                ):
                    expected.add((float(x), float(y)))
        got = [tuple(c) for c in found.tolist() if c[0] == c[0]]
        assert set(got) == expected and len(got) == len(expected)
        apart = torch.tensor(got)
        gaps = (apart[:, None] - apart).abs().amax(-1)
        assert (gaps + torch.eye(len(got)) * 99 > distance).all()
    assert (scores[..., :-1] >= scores[..., 1:]).all()


def test_the_highest_peak_is_the_argmax():
    maps = torch.rand(5, 4, 16, 12, generator=torch.Generator().manual_seed(1))
    best, height = argmax_decode(maps)
    cells, scores = heatmap_peaks(maps, count=1)
    assert torch.equal(cells[..., 0, :], best)
    assert torch.equal(scores[..., 0], height)


def test_peaks_say_what_is_wrong():
    maps = torch.zeros(1, 2, 8, 8)
    for kwargs, says in (
        ({"threshold": math.nan}, "threshold"),
        ({"distance": 0}, "distance"),
        ({"distance": 1.5}, "distance"),
        ({"count": 0}, "count"),
    ):
        with pytest.raises(ValueError, match=says):
            heatmap_peaks(maps, **kwargs)
    maps[0, 1, 3, 3] = math.nan
    with pytest.raises(ValueError, match="NaN"):
        heatmap_peaks(maps)
    with pytest.raises(ValueError, match=r"\(\.\.\., H, W\)"):
        heatmap_peaks(torch.zeros(5))


# ----------------------------------------------------------------- integral


def test_integral_is_the_mean_of_the_softmax():
    """One row of logits 0, 0, log 2: probabilities 1/4, 1/4, 1/2."""
    logits = torch.tensor([[[[0, 0, math.log(2)]]]])
    cells, score = integral_decode(logits)
    torch.testing.assert_close(cells[0, 0], torch.tensor([1.25, 0.0]))
    assert score.item() == pytest.approx(0.5)


def test_integral_of_a_log_gaussian_is_its_centre():
    center = points(2, 3, (10.0, 10.0), (20.0, 20.0))
    maps = gaussian_heatmaps(center, 31, 1.5).clamp(min=1e-30).log()
    cells, _ = integral_decode(maps)
    assert (cells - center).abs().max() < 1e-4


def test_integral_temperature_and_gradient():
    logits = torch.zeros(1, 1, 5, 5, dtype=torch.float64)
    logits[..., 1, 3] = 2
    sharp, _ = integral_decode(logits, temperature=0.05)
    torch.testing.assert_close(
        sharp[0, 0], torch.tensor([3.0, 1.0], dtype=torch.float64)
    )
    logits.requires_grad_()
    assert torch.autograd.gradcheck(lambda z: integral_decode(z, 0.7)[0], logits)


# -------------------------------------------------------- coordinates, SimCC


def test_coordinates_by_hand():
    """The left edge is 0, the right edge 1; pixel 0's centre is 0.5 / W."""
    codec = CoordinateCodec((4, 2))
    keypoints = torch.tensor([[[-0.5, 1.5], [0.0, 0.0], [math.nan] * 2]])
    unit, weights = codec.encode(keypoints, torch.tensor([[1, 2, 0]]))
    torch.testing.assert_close(
        unit, torch.tensor([[[0.0, 1.0], [0.125, 0.25], [0.0, 0.0]]])
    )
    assert weights.tolist() == [[1, 1, 0]]


def test_coordinates_round_trip_also_outside():
    codec = CoordinateCodec((192, 256))
    truth = points(8, 16, (-100.0, -100.0), (300.0, 300.0))
    unit, _ = codec.encode(truth, torch.ones(8, 16))
    found, scores = codec.decode(unit)
    torch.testing.assert_close(found, truth, atol=1e-4, rtol=0)
    assert (scores == 1).all() and scores.shape == (8, 16)
    empty, none = codec.decode(torch.zeros(0, 16, 2))
    assert empty.shape == (0, 16, 2) and none.shape == (0, 16)


@pytest.mark.parametrize("ratio", [1, 2, 1.5])
def test_simcc_is_within_half_a_bin_and_no_better(ratio):
    codec = SimCCCodec((192, 256), split_ratio=ratio)
    truth = points(8, 16, (-0.5, -0.5), (191.5, 255.5))
    target, _weights = codec.encode(truth, torch.ones(8, 16))
    assert [t.shape[-1] for t in target] == [192 * ratio, 256 * ratio]
    for part in target:
        torch.testing.assert_close(part.sum(-1), torch.ones(8, 16))
    found, scores = codec.decode([t.log() for t in target])
    error = (found - truth).abs().max()
    assert 0.9 / (2 * ratio) < error <= 1 / (2 * ratio) + 1e-4
    assert scores.min() > 0.98 and scores.max() <= 1


def test_simcc_target_by_hand():
    """Bins of half a pixel: pixel 3 is the edge of bins 6 and 7."""
    codec = SimCCCodec(8, split_ratio=2, sigma=1.0)
    (along_x, _), _ = codec.encode(torch.tensor([[[3.0, 3.0]]]), torch.ones(1, 1))
    values = torch.tensor([math.exp(-((b - 6.5) ** 2) / 2) for b in range(16)])
    torch.testing.assert_close(along_x[0, 0], values / values.sum())


def test_simcc_unsure_logits_have_a_low_score():
    codec = SimCCCodec(64)
    keypoints, scores = codec.decode((torch.zeros(1, 2, 128), torch.zeros(1, 2, 128)))
    assert keypoints.isfinite().all()
    assert (scores < 0.2).all()


# -------------------------------------------------------------- wrong inputs


@pytest.mark.parametrize(
    "codec",
    [HeatmapCodec(64, 16), CoordinateCodec(64), SimCCCodec(64)],
    ids=lambda c: c.kind,
)
def test_encode_says_what_is_wrong(codec):
    with pytest.raises(ValueError, match=r"\(N, K, 2\)"):
        codec.encode(torch.zeros(16, 2), torch.ones(16))
    with pytest.raises(ValueError, match=r"\(N, K, 2\)"):
        codec.encode(torch.zeros(1, 16, 3), torch.ones(1, 16))
    with pytest.raises(ValueError, match="visible"):
        codec.encode(torch.zeros(1, 16, 2), torch.ones(1, 17))
    with pytest.raises(ValueError, match="cpu"):
        codec.encode(torch.zeros(1, 16, 2), torch.ones(1, 16, device="meta"))


def test_decode_says_what_is_wrong():
    codec = HeatmapCodec((192, 256), (48, 64))
    with pytest.raises(ValueError, match=r"\(N, K, 64, 48\)"):
        codec.decode(torch.zeros(1, 16, 48, 64))  # width, height swapped
    with pytest.raises(ValueError, match="N, K"):
        codec.decode(torch.zeros(16, 64, 48))
    with pytest.raises(ValueError, match="unknown decoder 'best'.*dark"):
        codec.decode(torch.zeros(1, 16, 64, 48), "best")
    with pytest.raises(ValueError, match="unknown decoder"):
        HeatmapCodec(64, 16, decoder="best")
    with pytest.raises(ValueError, match=r"\(N, K, 2\)"):
        CoordinateCodec(64).decode(torch.zeros(1, 32))
    with pytest.raises(ValueError, match="pair"):
        SimCCCodec(64).decode(torch.zeros(1, 4, 128))
    with pytest.raises(ValueError, match="along y"):
        SimCCCodec(64).decode((torch.zeros(1, 4, 128), torch.zeros(1, 4, 64)))
    with pytest.raises(ValueError, match="along y"):
        SimCCCodec(64).decode((torch.zeros(1, 4, 128), torch.zeros(1, 5, 128)))
    with pytest.raises(ValueError, match="cells"):
        argmax_decode(torch.zeros(1, 4, 0, 5))
    with pytest.raises(ValueError, match=r"\(\.\.\., H, W\)"):
        quarter_decode(torch.zeros(4))


@pytest.mark.parametrize("sigma", [0, -1.0, math.nan, math.inf])
def test_sigma_must_be_positive(sigma):
    with pytest.raises(ValueError, match="sigma"):
        HeatmapCodec(64, 16, sigma=sigma)
    with pytest.raises(ValueError, match="sigma"):
        gaussian_heatmaps(torch.zeros(1, 1, 2), 16, sigma)
    with pytest.raises(ValueError, match="sigma"):
        SimCCCodec(64, sigma=sigma)


def test_sizes_must_be_whole():
    assert HeatmapCodec(64, 16) == HeatmapCodec((64, 64), (16, 16))
    for size in (0, -4, 63.5, (64, 0)):
        with pytest.raises(ValueError, match="input_size"):
            CoordinateCodec(size)
    with pytest.raises(ValueError, match="whole number of bins"):
        SimCCCodec(63, split_ratio=1.5)


# ------------------------------------------- what is not finite, what is a list


@pytest.mark.parametrize("decoder", sorted(DECODERS))
@pytest.mark.parametrize("bad", [math.nan, math.inf])
def test_a_map_that_is_not_finite_is_decoded_to_nowhere(decoder, bad):
    """NaN and score 0 for that map, also half precision; others as ever."""
    codec = HeatmapCodec(64, 16, sigma=1.0, decoder=decoder)
    maps, _ = codec.encode(torch.full((2, 3, 2), 20.3), torch.ones(2, 3))
    clean = codec.decode(maps)
    maps[1, 2, 0, 0] = bad
    for given in (maps, maps.half()):
        points, scores = codec.decode(given)
        assert points[1, 2].isnan().all() and scores[1, 2] == 0
        others = torch.ones(2, 3, dtype=torch.bool)
        others[1, 2] = False
        assert points[others].isfinite().all() and (scores[others] > 0).all()
        torch.testing.assert_close(points[others], clean[0][others], atol=0.05, rtol=0)


def test_no_decoder_asks_the_device_for_a_value():
    """On the meta device nothing can be asked for."""
    maps = torch.zeros(2, 3, 16, 16, device="meta")
    for decoder in DECODERS:
        points, scores = HeatmapCodec(64, 16).decode(maps, decoder)
        assert points.shape == (2, 3, 2) and scores.shape == (2, 3)
    pair = torch.zeros(2, 3, 128, device="meta")
    assert SimCCCodec(64).decode((pair, pair))[0].shape == (2, 3, 2)
    assert CoordinateCodec(64).decode(points)[1].shape == (2, 3)


def test_cells_without_a_value_do_not_disturb_the_others():
    """-inf marks cells that are out of the question."""
    maps = torch.zeros(1, 1, 5, 5)
    maps[0, 0, 2, 2], maps[0, 0, 2, 3] = 1.0, 0.5
    maps[0, 0, 0], maps[0, 0, 2, 1] = -math.inf, -math.inf
    for decoder in ("argmax", "quarter"):
        points, _ = DECODERS[decoder](maps, 1.0)
        assert points[0, 0].tolist() == [2 + 0.25 * (decoder == "quarter"), 2]
    maps[0, 0, 1:4, 2:] = -math.inf
    maps[0, 0, 2, 2] = 1.0  # between two that are out of the question
    assert DECODERS["quarter"](maps, 1.0)[0][0, 0].tolist() == [2, 2]


def test_numbers_that_are_not_finite_have_no_score():
    points, scores = CoordinateCodec(64).decode(
        torch.tensor([[[0.5, 0.5], [math.nan, 0.5], [0.1, math.inf]]])
    )
    assert scores.tolist() == [[1, 0, 0]]
    assert points[0, 0].tolist() == [31.5, 31.5]
    logits = torch.zeros(1, 2, 128)
    logits[0, :, 40] = 9
    broken = logits.clone()
    broken[0, 1, 3] = math.nan
    points, scores = SimCCCodec(64, sigma=0.5).decode((logits, broken))
    assert points[0, 0].tolist() == [19.75, 19.75] and scores[0, 0] > 0
    assert points[0, 1].isnan().all() and scores[0, 1] == 0


@pytest.mark.parametrize(
    "codec, output",
    [
        (HeatmapCodec(64, 16), torch.zeros(1, 3, 16, 16)),
        (CoordinateCodec(64), torch.zeros(1, 3, 2)),
        (SimCCCodec(64), (torch.zeros(1, 3, 128), torch.zeros(1, 3, 128))),
    ],
    ids=lambda value: getattr(value, "kind", ""),
)
def test_the_list_of_all_stages_is_refused_with_advice(codec, output):
    for stages in ([output], [output, output], (output,) * 3):
        with pytest.raises(ValueError, match=rf"list of {len(stages)}.*outputs\[-1\]"):
            codec.decode(stages)
    assert codec.decode(output)[0].shape == (1, 3, 2)


def test_a_third_number_is_no_place():
    with pytest.raises(ValueError, match=r"visibility.*\[\.\.\., :2\]"):
        CoordinateCodec(64).encode(torch.zeros(1, 16, 3), torch.ones(1, 16))
    with pytest.raises(ValueError, match="visibility"):
        gaussian_heatmaps(torch.zeros(1, 16, 3), 16)


# --------------------------------------------------------------- label smoothing


def test_label_smoothing_is_the_published_mixture():
    """(1 - s) * target + s / bins, summing to 1; unlabelled stays zero."""
    keypoints, seen = torch.tensor([[[20.0, 30.0], [9.0, 9.0]]]), torch.tensor([[2, 0]])
    sharp, _ = SimCCCodec(64, sigma=2.0).encode(keypoints, seen)
    smooth, weights = SimCCCodec(64, sigma=2.0, label_smoothing=0.1).encode(
        keypoints, seen
    )
    for a, b in zip(sharp, smooth):
        torch.testing.assert_close(b[0, 0], 0.9 * a[0, 0] + 0.1 / 128)
        assert b[0, 0].sum().item() == pytest.approx(1, abs=1e-5)
        assert (b[0, 1] == 0).all()
    assert weights.tolist() == [[1, 0]]


@pytest.mark.parametrize("smoothing", [0.0, 0.1, 0.5])
@pytest.mark.parametrize("sigma", [0.1, 1.0, 6.0])
def test_a_perfect_answer_scores_one_whatever_its_target(sigma, smoothing):
    """In the middle of a bin; SimCC's plain form is a tiny sigma."""
    codec = SimCCCodec(64, split_ratio=1, sigma=sigma, label_smoothing=smoothing)
    keypoints = torch.tensor([[[20.0, 30.0]]])
    target, _ = codec.encode(keypoints, torch.ones(1, 1))
    points, scores = codec.decode([t.log() for t in target])
    assert torch.equal(points, keypoints)
    assert scores.item() == pytest.approx(1, abs=1e-5)


def test_label_smoothing_is_a_share():
    for wrong in (-0.1, 1.0, math.nan):
        with pytest.raises(ValueError, match="label_smoothing"):
            SimCCCodec(64, label_smoothing=wrong)
