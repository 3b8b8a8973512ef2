"""Poses on pictures: what is drawn where, and what is left alone."""

import io

import cv2
import numpy as np
import pytest
import torch
from matplotlib.figure import Figure

from posecourse import metrics
from posecourse.drawing import SIDE_COLORS, as_rgb, draw_box, draw_pose, grid
from posecourse.skeletons import COCO, MPII, UPPER_BODY
from posecourse.visualization import figures

GREY = np.full((200, 300, 3), 128, np.uint8)


def one_joint(joint, at, skeleton=MPII):
    points = np.full((len(skeleton), 2), np.nan)
    points[skeleton.index(joint)] = at
    return points


def body(scale=1.0, shift=(0, 0)):
    """A standing person of 100 x 150 pixels, facing us."""
    places = {
        "right_ankle": (40, 150),
        "right_knee": (40, 120),
        "right_hip": (40, 90),
        "left_hip": (60, 90),
        "left_knee": (60, 120),
        "left_ankle": (60, 150),
        "pelvis": (50, 90),
        "thorax": (50, 40),
        "upper_neck": (50, 30),
        "head_top": (50, 5),
        "right_wrist": (5, 80),
        "right_elbow": (15, 60),
        "right_shoulder": (30, 40),
        "left_shoulder": (70, 40),
        "left_elbow": (85, 60),
        "left_wrist": (95, 80),
    }
    points = np.array([places[j] for j in MPII.joints], float)
    return points * scale + shift


def changed(image, before=GREY):
    return (image != before).any(-1)


def center_of(mask):
    y, x = np.nonzero(mask)
    return x.mean(), y.mean()


@pytest.mark.parametrize("joint", ["right_wrist", "left_wrist", "head_top"])
@pytest.mark.parametrize("at", [(100, 80), (100.25, 80.5), (40.75, 30)])
def test_a_joint_is_drawn_where_it_is(joint, at):
    drawn = draw_pose(GREY, one_joint(joint, at), thickness=6)
    weight = np.abs(drawn.astype(float) - 128).sum(-1)
    y, x = np.mgrid[:200, :300]
    assert (x * weight).sum() / weight.sum() == pytest.approx(at[0], abs=0.25)
    assert (y * weight).sum() / weight.sum() == pytest.approx(at[1], abs=0.25)


def test_sides_differ_in_colour_and_in_form():
    drawn = draw_pose(np.full((400, 300, 3), 128, np.uint8), body(2), thickness=10)
    right = drawn[210, 80].tolist()  # the middle of each thigh
    left = drawn[210, 120].tolist()
    assert right == list(SIDE_COLORS["right"])
    assert left == [255, 255, 255]  # the line down the middle
    assert drawn[210, 124].tolist() == list(SIDE_COLORS["left"])
    shapes = [
        changed(draw_pose(GREY, one_joint(j, (100, 80)), thickness=9))
        for j in ("right_wrist", "left_wrist", "head_top")
    ]
    for a in range(3):
        for b in range(a):
            assert (shapes[a] ^ shapes[b]).sum() > 20


def test_a_mirrored_person_has_the_other_colours():
    drawn = draw_pose(GREY, one_joint("left_knee", (50, 50)), thickness=6)
    assert drawn[50, 50].tolist() == list(SIDE_COLORS["left"])
    drawn = draw_pose(GREY, one_joint("right_knee", (50, 50)), thickness=6)
    assert drawn[50, 50].tolist() == list(SIDE_COLORS["right"])


def test_hidden_joints_are_hollow_and_unlabelled_ones_absent():
    points = one_joint("right_knee", (50, 50))
    state = np.zeros(16, int)
    assert (draw_pose(GREY, points, state) == GREY).all()
    knee = MPII.index("right_knee")
    state[knee] = 1
    hollow = draw_pose(GREY, points, state, thickness=8)
    assert hollow[50, 50].tolist() == [255, 255, 255]
    assert hollow[50, 57].tolist() == list(SIDE_COLORS["right"])
    state[knee] = 2
    full = draw_pose(GREY, points, state, thickness=8)
    assert full[50, 50].tolist() == list(SIDE_COLORS["right"])


def test_an_unlabelled_joint_takes_its_bones_with_it():
    points = body()
    points[MPII.index("right_knee")] = np.nan
    drawn = draw_pose(GREY, points, thickness=4)
    assert (drawn[100:140, 30:48] == 128).all()  # neither thigh nor shin
    assert changed(drawn)[150, 40]  # the ankle is there


def test_unsure_joints_can_be_left_out():
    scores = np.ones(16)
    scores[MPII.index("head_top")] = 0.1
    scores[MPII.index("left_wrist")] = np.nan
    drawn = draw_pose(GREY, body(), scores=scores, min_score=0.2)
    assert not changed(drawn)[:20].any()
    assert not changed(drawn)[75:, 91:].any()


def test_input_is_never_changed_and_output_is_a_new_picture():
    for image in (GREY, GREY[..., 0], np.asfortranarray(GREY)):
        before, points = image.copy(), body()
        draw = draw_pose(image, points)
        box = draw_box(image, (10, 10, 30, 40), "a person")
        assert (image == before).all() and np.array_equal(points, body())
        assert not np.shares_memory(draw, image)
        assert not np.shares_memory(box, image)
        assert draw.shape == (200, 300, 3) and draw.dtype == np.uint8


def test_wild_coordinates_are_survived():
    points = body()
    points[:6] = [
        [np.nan, 3],
        [np.inf, 1],
        [1e9, 1e9],
        [-1e9, 0],
        [50, -np.inf],
        [-1e300, 1e300],
    ]
    draw_pose(GREY, points)
    assert (draw_pose(GREY, np.full((16, 2), np.nan)) == GREY).all()
    assert (draw_box(GREY, (np.nan, 0, 1, 1)) == GREY).all()
    draw_box(GREY, (-1e9, -1e9, 3e9, 3e9), "large")


def test_several_people_and_other_skeletons():
    both = draw_pose(GREY, np.stack([body(), body(shift=(150, 20))]))
    assert changed(both)[:, :110].any() and changed(both)[:, 160:].any()
    for skeleton in (COCO, UPPER_BODY):
        points = np.random.default_rng(0).uniform(20, 180, (len(skeleton), 2))
        assert changed(draw_pose(GREY, points, skeleton=skeleton)).any()
    with pytest.raises(ValueError, match="coco"):
        draw_pose(GREY, body(), skeleton=COCO)
    with pytest.raises(ValueError, match="visible"):
        draw_pose(GREY, body(), np.ones(7))


def test_lines_grow_with_the_person():
    large = np.full((1000, 1000, 3), 128, np.uint8)
    few = changed(draw_pose(large, body(2)), large).sum()
    many = changed(draw_pose(large, body(6)), large).sum()
    assert many > 5 * few  # 3 times as long, and wider


def test_an_arm_alone_is_as_thick_as_the_body_it_belongs_to():
    large = np.full((600, 600, 3), 128, np.uint8)
    whole = body(3)
    arm = np.full_like(whole, np.nan)
    joints = MPII.indices(["right_shoulder", "right_elbow", "right_wrist"])
    arm[joints] = whole[joints]
    x, y = whole[joints[1:]].mean(0).astype(int)  # in the middle of the forearm
    there = (slice(y - 30, y + 30), slice(x - 30, x + 30))
    few = changed(draw_pose(large, arm), large)[there].sum()
    many = changed(draw_pose(large, whole), large)[there].sum()
    assert 0.8 * many < few < 1.2 * many


def test_a_box_encloses_its_pixels():
    drawn = changed(draw_box(GREY, (50, 40, 100, 80), thickness=1))
    y, x = np.nonzero(drawn)
    # the first pixels of the box and its last ones, with a rim around
    assert (x.min() + x.max(), y.min() + y.max()) == (50 + 149, 40 + 119)
    assert 0 <= 50 - x.min() <= 3 and 0 <= 40 - y.min() <= 3
    assert not drawn[60:100, 60:140].any()


def test_nobody_and_nothing():
    for nobody in ([], np.zeros((0, 16, 2))):
        assert (draw_pose(GREY, nobody) == GREY).all()
    assert (draw_box(GREY, np.zeros((0, 4))) == GREY).all()


@pytest.mark.parametrize(
    "kind",
    [np.int32, np.uint8, np.float16, torch.int64, torch.half, torch.bfloat16, list],
)
def test_numbers_of_all_kinds(kind):
    """What comes in as whole numbers or half precision is drawn the same."""
    points, states, sure = body(), np.arange(16) % 3, np.arange(16) % 2

    def given(values):
        if isinstance(kind, torch.dtype):
            return torch.tensor(values).to(kind)
        return values.tolist() if kind is list else values.astype(kind)

    expected = draw_pose(GREY, points, states, sure, min_score=0.5)
    found = draw_pose(GREY, given(points), given(states), given(sure), min_score=0.5)
    assert np.array_equal(found, expected)
    box = np.array([20, 30, 100, 90])
    assert np.array_equal(draw_box(GREY, given(box)), draw_box(GREY, box))


def test_tensors_that_remember_how_they_were_made():
    points = torch.tensor(body(), requires_grad=True)
    image = torch.from_numpy(GREY)
    expected = draw_pose(GREY, body())
    assert np.array_equal(draw_pose(image, points), expected)
    assert np.array_equal(draw_pose(image.permute(2, 0, 1), points), expected)


def test_visible_may_be_bool():
    """True is visible, not hidden; NaN is not labelled."""
    points = body()
    seen = np.arange(16) % 2 == 0
    expected = draw_pose(GREY, points, np.where(seen, 2, 0))
    for some in (seen, seen.tolist(), torch.tensor(seen)):
        assert np.array_equal(draw_pose(GREY, points, some), expected)
    gaps = np.where(seen, 2, np.nan)
    assert np.array_equal(draw_pose(GREY, points, gaps), expected)
    for wrong in (0.7, 3, -1):
        with pytest.raises(ValueError, match="how sure a network is goes into scores"):
            draw_pose(GREY, points, np.full(16, wrong))


def test_scores_that_are_nan_are_left_out():
    scores = np.ones(16)
    scores[MPII.index("head_top")] = np.nan
    points = body()
    points[MPII.index("head_top")] = np.nan
    assert np.array_equal(
        draw_pose(GREY, body(), scores=scores), draw_pose(GREY, points)
    )


def test_several_boxes():
    boxes = [(20, 30, 50, 60), (100, 40, 80, 90), (np.nan, 0, 1, 1)]
    drawn = GREY
    for box in boxes:
        drawn = draw_box(drawn, box)
    assert np.array_equal(draw_box(GREY, boxes), drawn)
    with pytest.raises(ValueError, match=r"not \(3,\)"):
        draw_box(GREY, (1, 2, 3))


def test_grid_puts_pictures_in_rows():
    tones = [np.full((10, 20, 3), v, np.uint8) for v in range(5)]
    sheet = grid(tones, columns=3, pad=2, background=200)
    assert sheet.shape == (2 * 12 + 2, 3 * 22 + 2, 3)
    for i in range(5):
        row, column = divmod(i, 3)
        cell = sheet[2 + 12 * row : 12 + 12 * row, 2 + 22 * column : 22 + 22 * column]
        assert (cell == i).all()
    assert (sheet[14:24, 46:66] == 200).all()  # the empty cell
    mixed = grid([np.zeros((4, 4), np.uint8), np.zeros((8, 6), np.uint8)])
    assert mixed.shape[2] == 3
    with pytest.raises(ValueError, match="at least one"):
        grid([])


def test_pictures_of_other_kinds():
    assert (as_rgb(np.full((4, 5), 0.5)) == 128).all()
    assert as_rgb(np.zeros((4, 5, 4), np.uint8)).shape == (4, 5, 3)
    half = np.full((4, 5), 0.5, np.float16)
    assert (as_rgb(half) == 128).all() and (as_rgb(torch.from_numpy(half)) == 128).all()
    assert (as_rgb(np.full((4, 5), 200)) == 200).all()
    for wrong in (np.full((4, 5, 3), 200.0), np.full((4, 5), -1.5)):
        with pytest.raises(ValueError, match="0 to 1"):
            as_rgb(wrong)
    for wrong in (np.full((4, 5, 3), 256), np.full((4, 5, 3), -1)):
        with pytest.raises(ValueError, match="0 to 255"):
            as_rgb(wrong)
    with pytest.raises(ValueError, match="permute"):
        as_rgb(np.zeros((3, 40, 50), np.uint8))


# ---------------------------------------------------------------- figures


def size_of(figure):
    png = io.BytesIO()
    figure.savefig(png, format="png")
    image = cv2.imdecode(np.frombuffer(png.getvalue(), np.uint8), 1)
    return image.shape[:2]


@pytest.mark.slow
def test_figures_are_made_without_a_screen():
    maps = np.random.default_rng(0).random((16, 8, 8))
    for figure in (
        figures.show(GREY, "grey"),
        figures.show(maps[0]),
        figures.show_people([GREY, GREY[:100]], [body(), body()], titles=["a", "b"]),
        figures.show_heatmaps(maps, joints=["head_top", "pelvis"]),
        figures.show_heatmaps(maps, GREY),
        figures.pck_curve({"one": maps}, mark=0.5),
    ):
        assert isinstance(figure, Figure)
        height, width = size_of(figure)
        assert 100 < width <= 1400 and 100 < height <= 1400
    with pytest.raises(ValueError, match="1 keypoints for 2"):
        figures.show_people([GREY, GREY], [body()])


def test_overlay_puts_a_peak_over_its_pixels():
    maps = np.zeros((2, 10, 15))
    maps[1, 3, 4] = 1  # covers x 80...99, y 60...79 of 300 x 200
    overlay = figures.heatmap_overlay(GREY, maps).astype(int)
    weight = np.abs(overlay - 128).sum(-1)
    y, x = np.mgrid[:200, :300]
    assert (x * weight).sum() / weight.sum() == pytest.approx(89.5, abs=0.5)
    assert (y * weight).sum() / weight.sum() == pytest.approx(69.5, abs=0.5)
    assert (figures.heatmap_overlay(GREY, maps * 0) == GREY).all()


def test_pck_curve_shows_the_fraction_within():
    figure = figures.pck_curve({"a": np.array([0.1, 0.2, np.nan, 0.4, np.inf])})
    line = figure.axes[0].lines[0]
    assert np.interp([0.1, 0.3, 0.5], *line.get_data()).tolist() == [25, 50, 75]


def test_pck_curve_meets_the_tables_mean():
    """Pelvis and thorax are left out of both."""
    rng = np.random.default_rng(0)
    truth = rng.uniform(0, 200, (30, 16, 2))
    predicted = truth + rng.normal(0, 8, truth.shape)
    predicted[:, MPII.indices(["pelvis", "thorax"])] = truth[:, [0, 0]] + 900
    args = predicted, truth, np.ones((30, 16)), np.full(30, 20.0)
    distances = metrics.normalized_distances(*args)
    line = figures.pck_curve({"a": distances}).axes[0].lines[0]
    shown = line.get_ydata()[-1]
    assert line.get_xdata()[-1] == 0.5
    assert shown == pytest.approx(metrics.pckh_table(*args).mean(0.5))


def test_training_curves_read_the_log(tmp_path):
    log = tmp_path / "log.csv"
    log.write_text(
        "epoch,train_loss,trivial_loss,score,mean_pose\n"
        "1,0.5,0.6,10,9\n2,0.4,0.6,30,9\n",
        "utf-8",
    )
    figure = figures.training_curves(tmp_path)
    assert figure.axes[1].lines[0].get_ydata().tolist() == [10, 30]
    assert len(figures.training_curves({"a": log, "b": log}).axes[0].lines) == 4
    with pytest.raises(FileNotFoundError, match="first epoch"):
        figures.training_curves(tmp_path / "nothing")
    log.write_text("a,b\n1,2\n", "utf-8")
    with pytest.raises(ValueError, match="train_loss"):
        figures.training_curves(log)


def test_alt_text_goes_with_the_picture(displayed):
    import matplotlib.pyplot as plt

    figure = plt.figure()
    figure.gca().plot([1, 2])
    figures.display_figure(figure, " A line \n that rises. ")
    with figures.figure("Two dots.", 1, 2, size=(4, 2)) as axes:
        assert axes.shape == (2,)
    assert figures.show(GREY, alt="Grey.") is None
    assert not plt.get_fignums()  # closed: not shown twice
    texts = []
    for output in displayed.outputs:
        assert '<img src="data:image/webp;base64,' in output.data["text/html"]
        texts.append(output.data["text/plain"])
        assert f'alt="{texts[-1]}"' in output.data["text/html"]
    assert texts == ["A line that rises.", "Two dots.", "Grey."]


def test_a_figure_without_alt_text_is_refused():
    with pytest.raises(ValueError, match="alt text"):
        figures.display_figure(Figure(), "  ")


def test_lines_differ_in_more_than_colour():
    cycle = list(figures.STYLE["axes.prop_cycle"])
    assert len({c["color"] for c in cycle}) == len(cycle)
    assert len({str(c["linestyle"]) for c in cycle}) == len(cycle)
