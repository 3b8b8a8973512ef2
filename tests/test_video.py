"""Videos: every picture at its time, the right way up; what is missing is said."""

import os
import sys
import warnings
from pathlib import Path

import cv2
import mp4_boxes
import numpy as np
import pytest
from test_inference import DOTS, POINTS, DotFinder, picture

from posecourse.files import DiskFullError
from posecourse.inference import (
    Predictor,
    Video,
    VideoError,
    VideoWarning,
    VideoWriter,
    video_writer,
)
from posecourse.inference.containers import file_facts

WHITE = np.array([24, 19])  # the middle of the square in `marked`


def marked(number=0, size=(120, 100)):
    """A white square above on the left, a red bar that moves right."""
    image = np.zeros((*size[::-1], 3), np.uint8)
    image[10:30, 10:40] = 255
    image[60:80, number * 5 : number * 5 + 20] = (255, 0, 0)
    return image


def write_video(path, frames, rate=10, code="mp4v"):
    height, width = frames[0].shape[:2]
    writer = cv2.VideoWriter(
        str(path), cv2.VideoWriter_fourcc(*code), rate, (width, height)
    )
    for frame in frames:
        writer.write(frame[..., ::-1].copy())
    writer.release()
    return path


@pytest.fixture
def film(tmp_path):
    """12 pictures, 10 a second."""
    return write_video(tmp_path / "film.mp4", [marked(i) for i in range(12)])


def read(path):
    """Pictures, their times and what is missing."""
    with Video(path) as source, warnings.catch_warnings():
        warnings.simplefilter("ignore", VideoWarning)
        found = [(image, source.time) for image in source]
        return [f[0] for f in found], [f[1] for f in found], source.problem


def white(image):
    return np.argwhere((image > 128).all(-1)).mean(0)[::-1]


def red(image):
    mask = (image[..., 0] > 128) & (image[..., 1:] < 100).all(-1)
    return np.argwhere(mask).mean(0)[::-1]


# --------------------------------------------------------------- reading


def test_a_video_picture_by_picture(film):
    predictor = Predictor(DotFinder(), "cpu")
    with Video(film) as source:
        assert source.rate == pytest.approx(10)
        for number, image in enumerate(source):
            assert source.frame == number
            assert source.time == pytest.approx(number / 10)
            assert red(image)[0] == pytest.approx(number * 5 + 9.5, abs=1)
        assert number == 11 and source.problem is None
        again = [source.frame for _ in source]  # from the beginning
        assert again == list(range(12))
        assert next(iter(source)) is not None
        assert len(list(source)) == 12
    dots = write_video(film.with_name("dots.mp4"), [picture(POINTS + (8, 0))] * 3)
    for image, _ in predictor.predict_video(dots):
        assert np.abs(predictor(image)[0].keypoints - POINTS - (8, 0)).max() < 2


def test_a_person_is_followed(tmp_path):
    """Each picture is looked at where the pose of the one before was."""
    predictor = Predictor(DotFinder(), "cpu")
    moving = [POINTS / 2 + (60 + 4 * i, 50) for i in range(6)]
    path = tmp_path / "dots.mp4"
    write_video(path, [picture(p, (400, 300), radius=6) for p in moving])
    results = []
    for (image, result), points in zip(
        predictor.predict_video(path), moving, strict=True
    ):
        assert image.shape == (300, 400, 3)
        assert np.abs(result[0].keypoints - points).max() < 2
        results.append(result)
    assert [r.frame for r in results] == list(range(6))
    assert [r.time for r in results] == pytest.approx([i / 10 for i in range(6)])
    assert {(r.image, r.rate, r.width) for r in results} == {(str(path), 10.0, 400)}
    assert results[3][0].box == pytest.approx(results[2][0].keypoint_box())
    assert results[0][0].skeleton == DOTS
    # everywhere, closer, in windows, twice closer, and then only close
    assert len(predictor.model.seen) == 5 + 5


def test_pictures_that_come_at_uneven_steps(film):
    steps = [0.1] * 4 + [1.0] * 3 + [0.1] * 5
    mp4_boxes.with_durations(film, steps)
    shown_at = np.cumsum([0, *steps[:-1]])
    _, times, problem = read(film)
    assert times == pytest.approx(shown_at, abs=1e-3) and problem is None
    with Video(film) as source:
        assert source.rate == pytest.approx(12 / sum(steps), rel=1e-3)
        assert source.steady_rate == pytest.approx(10, rel=1e-3)
        assert source.times == pytest.approx(shown_at, abs=1e-3)
        with VideoWriter(film.with_name("even"), source.steady_rate) as writer:
            for image in source:
                writer.write(image, source.time)
    images, times, _ = read(writer.path)
    assert len(images) == 39 and times[-1] == pytest.approx(3.8, abs=0.01)
    # what is shown at a time is what was shown then
    for at, number in ((0.3, 3), (0.9, 4), (1.5, 5), (2.3, 5), (3.4, 7), (3.8, 11)):
        shown = images[round(at * 10)]
        assert red(shown)[0] == pytest.approx(number * 5 + 9.5, abs=1.5), at


@pytest.mark.parametrize(
    "matrix, size, white_at",
    [
        ((0, 1, -1, 0), (100, 120), (80, 24)),  # a quarter clockwise, as phones do
        ((-1, 0, 0, -1), (120, 100), (95, 80)),
        ((0, -1, 1, 0), (100, 120), (19, 95)),
        ((-1, 0, 0, 1), (120, 100), (95, 19)),  # mirrored
        ((1, 0, 0, -1), (120, 100), (24, 80)),
        ((0, 1, 1, 0), (100, 120), (19, 24)),
        ((1.5, 0, 0, 1), (180, 100), (36.5, 19)),  # pixels wider than high
    ],
)
def test_pictures_come_as_a_player_shows_them(film, matrix, size, white_at):
    mp4_boxes.with_matrix(film, *matrix)
    images, _, problem = read(film)
    assert len(images) == 12 and problem is None
    assert images[0].shape[1::-1] == size
    assert white(images[0]) == pytest.approx(white_at, abs=1)


def test_a_video_that_a_phone_has_shortened_is_whole(film):
    """All pictures are still in the file; its edit list shows some."""
    mp4_boxes.with_edit_list(film, 0.4, 0.5)
    images, _, problem = read(film)
    assert problem is None and 4 <= len(images) <= 6
    assert file_facts(film).shown == pytest.approx(0.5)


def broken(path, start, length):
    """Zeros over a part of the file, in fractions of it."""
    data = bytearray(path.read_bytes())
    a, n = int(start * len(data)), int(length * len(data))
    data[a : a + n] = bytes(n)
    path.write_bytes(data)
    return path


@pytest.mark.parametrize(
    "suffix, code", [(".mp4", "mp4v"), (".avi", "MJPG"), (".webm", "VP80")]
)
@pytest.mark.parametrize("how", ["cut", "zeros"])
def test_what_is_missing_is_said(tmp_path, suffix, code, how):
    noise = np.random.default_rng(0).integers(0, 256, (100, 120, 3), np.uint8)
    frames = [np.roll(noise, 3 * i, 1) for i in range(60)]
    path = write_video(tmp_path / f"film{suffix}", frames, code=code)
    assert read(path)[2] is None
    if how == "cut" and suffix == ".mp4":  # its contents come last: unreadable
        broken(path, 0.3, 0.4)
    elif how == "cut":
        path.write_bytes(path.read_bytes()[: path.stat().st_size * 6 // 10])
    else:
        broken(path, 0.2, 0.5)
    warned = pytest.warns(VideoWarning, match="damaged or cut")
    with Video(path) as source, warned as told:
        count = len(list(source))
    assert 1 <= count < 60
    assert str(told[0].message) == source.problem
    assert str(path) in source.problem and f"{count} of " in source.problem


def test_a_video_without_its_contents_is_none(film):
    film.write_bytes(film.read_bytes()[:-300])
    with pytest.raises(VideoError, match="cannot read this video"):
        Video(film)


@pytest.mark.parametrize(
    "name", ["dance:1.mp4", "http:x.mp4", "50%d.mp4", "film.3gp", "film.m2ts", "film"]
)
@pytest.mark.skipif(sys.platform == "win32", reason="names that Windows has not")
def test_a_name_is_a_name(film, name, monkeypatch):
    path = film.rename(film.with_name(name))
    monkeypatch.chdir(path.parent)
    for some in (path, name):
        assert len(read(some)[0]) == 12


@pytest.mark.skipif(sys.platform != "linux", reason="names that are bytes")
def test_names_that_are_not_utf8(film):
    """OpenCV crashes on them, reading and writing."""
    folder = film.parent / os.fsdecode(b"caf\xe9")
    folder.mkdir()
    path = folder / os.fsdecode(b"d\xe9j\xe0.mp4")
    film.rename(path)
    drawn = folder / f"{path.stem}-drawn"
    with Video(path) as source, VideoWriter(drawn, 10) as writer:
        for image in source:
            writer.write(image)
    assert writer.path.parent == folder and writer.path.stem == drawn.name
    assert len(read(writer.path)[0]) == len(source.times) == 12
    assert len(list(folder.iterdir())) == 2


def test_what_is_no_video(tmp_path):
    with pytest.raises(FileNotFoundError, match="no such video"):
        Video(tmp_path / "none.mp4")
    path = tmp_path / "walk01.mp4"
    path.write_text("not a video")
    with pytest.raises(VideoError, match="walk01.mp4"):
        Video(path)
    path.write_bytes(b"")
    with pytest.raises(VideoError, match="empty"):
        Video(path)
    with pytest.raises(VideoError, match="not a file"):
        Video(tmp_path)


@pytest.mark.parametrize("number", [-1, 100, 10**30])
def test_numbers_that_are_no_camera(number):
    """Below 0, OpenCV crashes."""
    with pytest.raises(VideoError, match="from 0 to 99"):
        Video(number)


def test_there_is_no_camera():
    for number in (77, np.int64(77)):
        with pytest.raises(VideoError, match="camera 77 gives no picture"):
            Video(number)


@pytest.mark.parametrize(
    "content",
    [
        b"\0\0\0\x08moov",
        b"\0\0\0\x01moov" + bytes(8),
        b"\0\0\0\x20ftypisom" + bytes(20) + b"\xff\xff\xff\xffmoov",
        (b"\0\0\0\x08free" * 20000),
        b"RIFF",
        b"\x1a\x45\xdf\xa3",
        b"\x1a\x45\xdf\xa3\xff\xff\xff\xff\xff",
        bytes(100),
        b"",
    ],
)
def test_contents_that_make_no_sense(tmp_path, content):
    path = tmp_path / "x.mp4"
    path.write_bytes(content)
    facts = file_facts(path)
    assert facts.shown is None and facts.orientation == 1
    with pytest.raises(VideoError):
        Video(path)


def test_formats_that_say_how_long_they_are(tmp_path):
    """A transport stream has whole packets, ASF notes its length."""

    def cut(content, shorter):
        path = tmp_path / "x"
        path.write_bytes(content[: len(content) - shorter])
        return file_facts(path).cut

    plain = (b"G" + bytes(187)) * 9
    stamped = (bytes(4) + b"G" + bytes(187)) * 9
    asf = bytes.fromhex("3026b2758e66cf11a6d900aa0062ce6c") + bytes(14)
    asf += bytes.fromhex("a1dcab8c47a9cf118ee400c00c205365") + bytes(24)
    asf += (len(asf) + 108).to_bytes(8, "little") + bytes(100)
    for content in (plain, stamped, asf):
        assert not cut(content, 0)
        assert cut(content, 50)


# --------------------------------------------------------------- writing


def test_what_is_written_is_read_back(tmp_path):
    with VideoWriter(tmp_path / "drawn", 10) as writer:
        for i in range(12):
            writer.write(marked(i))
    images, times, problem = read(writer.path)
    assert len(images) == 12 and problem is None
    assert times == pytest.approx([i / 10 for i in range(12)], abs=2e-3)
    for number in (0, 5, 11):
        assert white(images[number]) == pytest.approx(WHITE, abs=1)
        assert red(images[number])[0] == pytest.approx(number * 5 + 9.5, abs=1)
    assert [p.name for p in tmp_path.iterdir()] == [writer.path.name]
    assert writer.path.suffix == video_writer.video_suffix(120, 100)


@pytest.mark.parametrize("size", [(121, 99), (16, 16), (17, 20)])
def test_odd_and_small_pictures_lose_nothing(tmp_path, size):
    image = np.full((*size[::-1], 3), 50, np.uint8)
    image[-1:] = 220
    with VideoWriter(tmp_path / "x", 10) as writer:
        for _ in range(3):
            writer.write(image)
    found = read(writer.path)[0]
    assert len(found) == 3
    assert found[0].shape[0] >= size[1] and found[0].shape[1] >= size[0]
    assert found[0][size[1] - 1].mean() > 140


def test_tiny_pictures_make_a_video(tmp_path):
    with VideoWriter(tmp_path / "x", 10) as writer:
        for _ in range(3):
            writer.write(np.full((5, 3, 3), 200, np.uint8))
    assert len(read(writer.path)[0]) == 3


def test_pictures_of_another_size_are_fitted_in(tmp_path):
    with VideoWriter(tmp_path / "x", 10) as writer:
        writer.write(marked())
        writer.write(np.full((200, 80, 3), 200, np.uint8))  # to 40 x 100
        writer.write(np.full((10, 10, 3), 200, np.uint8))
    images = read(writer.path)[0]
    assert [i.shape for i in images] == [(100, 120, 3)] * 3
    bright = images[1].mean(-1) > 100
    assert np.argwhere(bright).mean(0) == pytest.approx((49.5, 59.5), abs=1)
    assert bright.sum() == pytest.approx(40 * 100, rel=0.05)
    assert (images[2].mean(-1) > 100).sum() == pytest.approx(100 * 100, rel=0.05)


def test_many_pictures_a_second_keep_their_pace(tmp_path):
    """240 a second, as for slow motion: a quarter is written, at its time."""
    with VideoWriter(tmp_path / "x", 240) as writer:
        for i in range(48):
            writer.write(marked(i // 4))
    images, times, _ = read(writer.path)
    assert times[-1] == pytest.approx(47 / 240, abs=0.01)
    assert len(images) == pytest.approx(60 * 48 / 240, abs=1)
    assert red(images[5])[0] == pytest.approx(5 * 5 + 9.5, abs=5)


def test_times_that_make_no_sense_do_not_fill_the_disk(tmp_path):
    with VideoWriter(tmp_path / "x", 1) as writer:
        for at in (0, 1e9, float("nan"), -5, float("inf")):
            writer.write(marked(), at)
    assert len(read(writer.path)[0]) <= 65


@pytest.mark.slow
def test_browsers_play_what_is_written(tmp_path):
    playwright = pytest.importorskip("playwright.sync_api")
    from posecourse.authoring import preview

    try:
        browser = preview.find_browser()
    except preview.BrowserError as error:
        pytest.skip(str(error))
    with VideoWriter(tmp_path / "drawn", 10) as writer:
        for i in range(5):
            writer.write(marked(i))
    assert writer.plays_in_browsers
    page_file = tmp_path / "page.html"
    page_file.write_text(f'<video muted src="{writer.path.name}"></video>')
    with playwright.sync_playwright() as p:
        running = p.chromium.launch(executable_path=str(browser))
        page = running.new_page()
        page.goto(page_file.as_uri())
        played = page.evaluate(
            """() => new Promise(done => {
                const video = document.querySelector("video");
                video.onerror = () => done(video.error.message);
                video.onended = () => done([video.videoWidth, video.videoHeight]);
                video.play().catch(error => done(String(error)));
            })"""
        )
        running.close()
    assert played == [120, 100]


@pytest.mark.parametrize("rate", [30000 / 1001, 12.3456789, 0.5, 1e-9])
def test_any_rate(tmp_path, rate):
    """One a minute at least."""
    with VideoWriter(tmp_path / "x", rate) as writer:
        writer.write(marked(0))
        writer.write(marked(1), at=2)
    written = max(rate, 1 / 60)
    with Video(writer.path) as video:
        assert video.rate == pytest.approx(written, rel=1e-4)
        assert sum(1 for _ in video) == round(2 * written) + 1


def test_the_ending_chooses_the_format(tmp_path, monkeypatch):
    with pytest.raises(VideoError, match=r"\.mp4 or \.webm"):
        VideoWriter(tmp_path / "x.avi", 10)
    with pytest.raises(VideoError, match="nan pictures"):
        VideoWriter(tmp_path / "x", float("nan"))
    with VideoWriter(tmp_path / "x.webm", 10) as writer:
        writer.write(marked())
    assert writer.path == tmp_path / "x.webm" and writer.format == "VP8"
    # an OpenCV that can write MPEG-4 only
    video_writer._best_format.cache_clear()
    monkeypatch.setattr(video_writer, "_FORMATS", video_writer._FORMATS[-1:])
    with VideoWriter(tmp_path / "y", 10) as writer:
        writer.write(marked())
    assert writer.path.suffix == ".mp4" and not writer.plays_in_browsers
    # and one that can write nothing
    video_writer._best_format.cache_clear()
    monkeypatch.setattr(video_writer, "_FORMATS", ())
    with pytest.raises(VideoError):
        VideoWriter(tmp_path / "z", 10).write(marked())
    video_writer._best_format.cache_clear()
    assert sorted(p.name for p in tmp_path.iterdir()) == ["x.webm", "y.mp4"]


def test_an_error_leaves_the_old_video(film):
    before = film.read_bytes()
    with pytest.raises(RuntimeError), VideoWriter(film, 10) as writer:
        writer.write(marked())
        raise RuntimeError
    assert film.read_bytes() == before
    assert [p.name for p in film.parent.iterdir()] == [film.name]


def test_nothing_written_is_no_file(tmp_path):
    with VideoWriter(tmp_path / "x", 10):
        pass
    assert not list(tmp_path.iterdir())


@pytest.mark.skipif(sys.platform == "win32", reason="no such limit there")
@pytest.mark.parametrize(
    "name, told",
    # OpenCV says nothing when a file may not grow: it is read back
    [("x", "disk is full"), ("x.webm", "of 60 pictures can be read back")],
)
def test_a_file_that_could_not_be_written_whole_is_an_error(tmp_path, name, told):
    import resource

    noise = np.random.default_rng(0).integers(0, 256, (100, 120, 3), np.uint8)
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    video_writer._best_format((120, 100), Path(name).suffix)
    resource.setrlimit(resource.RLIMIT_FSIZE, (60_000, before[1]))
    try:
        full = pytest.raises(DiskFullError, match=told)
        with full, VideoWriter(tmp_path / name, 10) as writer:
            for i in range(60):
                writer.write(np.roll(noise, 7 * i, 0))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert not list(tmp_path.iterdir())


def test_a_full_disk_is_called_so(tmp_path, monkeypatch):
    monkeypatch.setattr("posecourse.files._is_full", lambda path: True)
    monkeypatch.setattr(video_writer, "_count_pictures", lambda path: 3)
    video_writer.video_suffix(120, 100)
    writer = VideoWriter(tmp_path / "x", 10)
    for _ in range(4):
        writer.write(marked())
    with pytest.raises(DiskFullError, match="disk is full"):
        writer.close()
    assert not list(tmp_path.iterdir())
