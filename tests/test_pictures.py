"""Pictures as the course stores them: sharp, small, white, with words; and
loops of them."""

import base64
import io
import re

import numpy as np
import pytest
from matplotlib.figure import Figure
from PIL import Image, ImageSequence

from posecourse.visualization import animate, display_figure, use_style
from posecourse.visualization.pictures import draw_pixels, image_html, pack


def plot(height=1.0):
    figure = Figure(figsize=(3, 2))
    axes = figure.subplots()
    axes.plot([0, 1, 2], [0, height, 0.5])
    axes.set(title="A title", ylim=(0, 2))
    return figure


def photograph(size=(300, 200)):
    """Smooth colours and grain, on a white page."""
    x, y = np.meshgrid(*(np.linspace(0, 1, n) for n in size))
    smooth = np.stack([x, y, 1 - x], -1) * 200 + 20
    grain = np.random.default_rng(0).normal(0, 6, smooth.shape)
    picture = np.clip(smooth + grain, 0, 255).astype(np.uint8)
    return np.pad(picture, ((40, 40), (40, 40), (0, 0)), constant_values=255)


def unpacked(data):
    return np.array(Image.open(io.BytesIO(data)).convert("RGB"))


def test_plots_are_kept_to_the_last_pixel():
    pixels = draw_pixels(plot())
    assert pixels.shape == (400, 600, 3)  # twice what the page shows
    packed = pack(pixels)
    assert (unpacked(packed) == pixels).all() and len(packed) < 25_000


def test_photographs_lose_little_and_keep_the_page_white():
    pixels = photograph()
    packed = pack(pixels)
    kept = unpacked(packed)
    assert len(packed) < 0.35 * len(_png(pixels))
    assert np.abs(kept.astype(int) - pixels).mean() < 6  # less than the grain
    assert (kept[:30] == 255).all() and (kept[:, :30] == 255).all()


def test_what_is_as_dear_as_a_photograph_is_packed_like_one():
    """Few colours, but nothing repeats."""
    noise = np.random.default_rng(0).integers(0, 256, (300, 300, 1), dtype=np.uint8)
    pixels = np.repeat(noise, 3, axis=-1)
    assert len(pack(pixels)) < 0.8 * pixels[..., 0].size


def test_smooth_areas_have_no_bands():
    """Neighbouring columns of a soft slope differ by at most a small step."""
    slope = np.linspace(60, 120, 600)
    noise = np.random.default_rng(0).integers(0, 60, (400, 600, 3))
    pixels = np.broadcast_to(slope[None, :, None], (400, 600, 3)).astype(np.uint8)
    pixels = np.concatenate([pixels, noise.astype(np.uint8)])
    columns = unpacked(pack(pixels))[100:300].astype(float).mean((0, 2))
    assert np.abs(np.diff(columns)).max() <= 2


def _png(pixels):
    data = io.BytesIO()
    Image.fromarray(pixels).save(data, "PNG")
    return data.getvalue()


def test_alt_text_may_hold_any_sign():
    code = image_html(b"x", "webp", (3, 2), 'a < b & "c"')
    assert 'alt="a &lt; b &amp; &quot;c&quot;"' in code
    assert 'width="3" height="2"' in code


def test_the_ground_of_a_figure_is_white(displayed):
    use_style()
    display_figure(plot(), "A line that rises and falls.")
    (output,) = displayed.outputs
    data = re.search('base64,([^"]+)', output.data["text/html"])[1]
    picture = unpacked(base64.b64decode(data))
    assert (picture[[0, 0, -1, -1], [0, -1, 0, -1]] == 255).all()


def shown_loop(displayed):
    (output,) = displayed.outputs
    code = output.data["text/html"]
    gif = base64.b64decode(re.search('image/gif;base64,([^"]+)', code)[1])
    return output, gif, Image.open(io.BytesIO(gif))


def test_a_loop_of_figures(displayed):
    animate(plot, [0.5, 1.0, 1.5], "A line whose peak\n rises.", fps=5)
    output, data, gif = shown_loop(displayed)
    assert output.data["text/plain"] == "A line whose peak rises."
    assert 'alt="A line whose peak rises."' in output.data["text/html"]
    assert 'width="300" height="200"' in output.data["text/html"]
    assert gif.n_frames == 3 and gif.info["loop"] == 0  # for ever
    assert gif.size == (600, 400) and len(data) < 300_000
    for frame, height in zip(ImageSequence.Iterator(gif), [0.5, 1.0, 1.5]):
        assert frame.info["duration"] == 200
        error = np.abs(np.array(frame.convert("RGB"), int) - draw_pixels(plot(height)))
        assert error.mean() < 1
        assert (np.array(frame.convert("RGB"))[0, 0] == 255).all()


def test_who_wants_no_motion_sees_the_first_frame(displayed):
    animate(plot, [0.5, 1.5], "A line whose peak rises.")
    code = displayed.outputs[0].data["text/html"]
    still = re.search(
        r'<source media="\(prefers-reduced-motion: reduce\)" '
        'srcset="data:image/webp;base64,([^"]+)"',
        code,
    )
    assert (unpacked(base64.b64decode(still[1])) == draw_pixels(plot(0.5))).all()


def test_a_loop_of_pictures_where_little_moves_keeps_its_grain(displayed):
    ground = photograph()

    def draw(x):
        picture = ground.copy()
        picture[100:120, x : x + 20] = (230, 160, 0)
        return picture

    animate(draw, range(60, 140, 10), "A square that moves over a picture.")
    _, _, gif = shown_loop(displayed)
    frames = [np.array(f.convert("RGB"), int) for f in ImageSequence.Iterator(gif)]
    assert frames[0].shape == ground.shape
    assert (frames[3][10, 10] == 255).all()
    assert np.abs(frames[3] - draw(90)).mean() < 8
    # where nothing moves, nothing flickers
    assert (frames[3][200:] == frames[0][200:]).all()


@pytest.mark.slow
def test_too_much_for_sharp_frames_is_shown_with_fewer_pixels(displayed):
    rng = np.random.default_rng(0)

    def noisy(_):
        figure = Figure(figsize=(2, 2))
        axes = figure.add_axes((0, 0, 1, 1))
        axes.imshow(rng.random((100, 100)), cmap="gray")
        return figure

    animate(noisy, range(8), "Noise that changes all the time.")
    output, data, gif = shown_loop(displayed)
    assert len(data) <= 300_000 and gif.width < 400
    assert 'width="200" height="200"' in output.data["text/html"]


@pytest.mark.slow
def test_a_loop_that_cannot_be_packed_says_so(displayed):
    rng = np.random.default_rng(0)
    with pytest.raises(ValueError, match=r"30 frames take \d+ kB, more than 300"):
        animate(
            lambda _: rng.integers(0, 256, (200, 200, 3), dtype=np.uint8),
            range(30),
            "Noise that changes all the time.",
        )
    assert not displayed.outputs


@pytest.mark.parametrize(
    ("frames", "alt", "fps", "complaint"),
    [
        ([], "A line that rises.", 10, "at least one frame"),
        ([1.0], " ", 10, "alt text"),
        ([1.0], "A line that rises.", 0, "fps=0"),
        ([1.0], "A line that rises.", 60, "fps=60"),
    ],
)
def test_a_loop_that_makes_no_sense(frames, alt, fps, complaint):
    with pytest.raises(ValueError, match=complaint):
        animate(plot, frames, alt, fps)


def test_a_frame_that_is_no_drawing_is_refused():
    with pytest.raises(ValueError, match="must return the figure .* not a NoneType"):
        animate(lambda _: None, [8, 9], "Nothing, twice.")


def test_frames_of_different_size_are_refused():
    with pytest.raises(ValueError, match="one size"):
        animate(lambda n: np.zeros((n, n, 3), np.uint8), [8, 9], "Black squares grow.")
