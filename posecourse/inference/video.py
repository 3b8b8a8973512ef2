"""Videos and cameras, picture by picture; and videos that browsers play.

OpenCV opens, decodes and encodes; this module asks it the right way and
notices what it passes over in silence:

- a file that is damaged or was cut gives fewer pictures than it says, and
  OpenCV ends as if that were all: `Video.problem` says so, and a warning;
- the pictures of a phone or a screen recording do not come at even steps:
  `Video.time` is when each is shown;
- a video lies on its side, is mirrored, or has pixels that are not square:
  the pictures come as a player shows them;
- a video that is written may not be readable, because the disk is full:
  `VideoWriter` reads it back before it gives it its name.
"""

from __future__ import annotations

import errno
import os
import shutil
import sys
import tempfile
import time
import warnings
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import cached_property, lru_cache
from numbers import Integral
from pathlib import Path
from typing import Self

import numpy as np

from ..files import DiskFullError, atomic_path, format_bytes
from ..images import MAX_PIXELS, turn_upright
from .containers import FileFacts, file_facts

__all__ = ["Video", "VideoError", "VideoWarning", "VideoWriter"]

_CAMERAS = range(100)  # above, OpenCV takes a number for a kind of driver
_USUAL_RATE = 25.0  # pictures per second, where nobody says
_FASTEST = 60.0  # more pictures per second are not drawn
_LONGEST_STILL = 60.0  # seconds that one picture is held; longer is an error


class VideoError(ValueError):
    """A video or camera that gives no pictures, or a video that cannot be
    written; says what to do."""


class VideoWarning(UserWarning):
    """A video of which a part could not be read."""


class Video:
    """The pictures of a video file or a camera, RGB uint8 ``(H, W, 3)``.

    >>> with Video("dance.mp4") as video:               # doctest: +SKIP
    ...     for image in video:
    ...         print(video.frame, video.time, predictor(image))

    A file can be gone through again; each time begins at its first picture.
    If a part of it cannot be read, a `VideoWarning` says so after the last
    picture that could.

    Parameters
    ----------
    source:
        Path of a video, or the number of a camera (0 is the first).

    Attributes
    ----------
    source:
        As given.
    rate:
        Pictures per second as the file or camera says, on average where the
        steps are not even; 25 where it does not say.
    frame:
        Number of the picture that was read last, from 0.
    time:
        When that picture is shown: seconds after the first one.
    problem:
        What could not be read, in words; None before the end, and for a
        video that is whole.

    Raises
    ------
    FileNotFoundError, PermissionError
        If there is no such file, or it may not be read.
    VideoError
        If it is not a video that OpenCV can read, or the camera gives no
        picture.
    """

    def __init__(self, source):
        self.source, self._camera = source, _camera_number(source)
        self._facts = FileFacts()
        if self._camera is None:
            _check_file(Path(source))
            self._facts = file_facts(source)
        self._capture, self._fresh = None, False
        self._open()
        rate = self._capture.get(5)  # CAP_PROP_FPS
        self.rate = float(rate) if np.isfinite(rate) and rate > 0 else _USUAL_RATE
        declared = self._capture.get(7)  # CAP_PROP_FRAME_COUNT
        self._declared = int(declared) if 0 < declared < 1e9 else 0

    def _open(self):
        """Start at the first picture, which tells whether it is a video."""
        import cv2

        self.close()
        if self._camera is not None:
            self._capture = cv2.VideoCapture(self._camera)
        else:
            with opencv_path(self.source) as name:
                self._capture = cv2.VideoCapture(name, _reader())
        if self._facts.orientation != 1:  # OpenCV would turn, not mirror
            self._capture.set(cv2.CAP_PROP_ORIENTATION_AUTO, 0)
        self.frame, self.time, self.problem = -1, 0.0, None
        self._first, self._fresh = self._read(), True
        if self._first is None:
            self.close()
            raise VideoError(
                f"{self.source}: OpenCV cannot read this video; check that the "
                "file is whole, or convert it to MP4 (H.264)"
                if self._camera is None
                else f"camera {self._camera} gives no picture: is there one, is it "
                "free, and may this program use it?"
            )

    def _read(self) -> np.ndarray | None:
        """The next picture as it is shown; None at the end."""
        import cv2

        found, image = self._capture.read()
        if not found or image is None or not image.size:
            return None
        self._mark_time()
        if image.shape[0] * image.shape[1] > MAX_PIXELS:
            raise VideoError(
                f"{self.source}: a picture has {image.shape[1]} x {image.shape[0]} "
                f"pixels, more than the {MAX_PIXELS:,} that are read"
            )
        image = turn_upright(image, self._facts.orientation)
        image = cv2.cvtColor(image, cv2.COLOR_BGR2RGB)
        wide, high = (self._capture.get(key) for key in (40, 41))  # CAP_PROP_SAR_*
        if wide > 0 and high > 0 and wide != high and 0.2 < wide / high < 5:
            size = round(image.shape[1] * wide / high), image.shape[0]
            image = cv2.resize(image, size, interpolation=cv2.INTER_LINEAR)
        return image

    def _mark_time(self):
        """`frame` and `time` of a picture that was just read."""
        self.frame += 1
        if self._camera is not None:
            now = time.monotonic()
            self._started = now if self.frame == 0 else self._started
            self.time = now - self._started
            return
        seconds = self._capture.get(0) / 1000  # CAP_PROP_POS_MSEC
        if self.frame == 0:
            self._offset, self._steps = seconds, []
            return
        # some files do not say it of their last pictures, or go back
        step = seconds - self._offset - self.time
        if not 0 < step < 1e6:
            step = self._usual_step()
        self._steps.append(step)
        self.time += step

    def _usual_step(self) -> float:
        """Seconds from one picture to the next, mostly."""
        if self._steps:
            return float(np.median(self._steps[-1000:]))
        rate = self._capture.get(5)
        return 1 / (rate if np.isfinite(rate) and rate > 0 else _USUAL_RATE)

    def __iter__(self) -> Iterator[np.ndarray]:
        if not self._fresh and self._camera is None:
            self._open()
        self._fresh, image = False, self._first
        self._first = None
        if image is None:
            image = self._read()
        while image is not None:
            yield image
            image = self._read()
        if self._camera is None:
            self.problem = self._missing()
            if self.problem:
                warnings.warn(self.problem, VideoWarning, stacklevel=2)

    @cached_property
    def times(self) -> list[float]:
        """When each picture in the file is shown, seconds after the first.

        Read from the file without decoding it, so a damaged picture is among
        them. Empty for a camera, and where OpenCV cannot tell.
        """
        import cv2

        if self._camera is not None:
            return []
        with opencv_path(self.source) as name:
            capture = cv2.VideoCapture(name, _reader(), [cv2.CAP_PROP_FORMAT, -1])
        seconds = []
        while capture.grab():
            seconds.append(capture.get(cv2.CAP_PROP_POS_MSEC) / 1000)
        capture.release()
        seconds = np.sort([s for s in seconds if np.isfinite(s)])
        return (seconds - seconds[:1]).tolist()

    @property
    def steady_rate(self) -> float:
        """Pictures per second of an even video that shows all of these.

        `rate` where the pictures come at even steps; else so many that the
        shortest step has its picture, but at most 60.
        """
        steps = np.diff(self.times)
        steps = steps[steps > 1e-4]
        if not len(steps):
            return min(self.rate, _FASTEST)
        usual = float(np.median(steps))
        if np.mean(np.abs(steps - usual) < 0.25 * usual) > 0.8:  # a gap here or there
            even = abs(usual * self.rate - 1) < 0.1
            return min(self.rate if even else 1 / usual, _FASTEST)
        return min(max(1 / float(steps.min()), self.rate), _FASTEST)

    def _missing(self) -> str | None:
        """What a file that was read to its end should have had, in words."""
        read, stored = self.frame + 1, len(self.times)
        end = self.time + self._usual_step()
        if self._facts.shown is not None:  # an edit list hides pictures
            wanted = self._facts.shown
            longest = max(np.diff(self.times), default=0.0)  # the last may be it
            short = end < wanted - max(0.3, 0.05 * wanted, longest)
            amount = f"{end:.1f} of {wanted:.1f} seconds"
        elif self._facts.exact or read < stored:
            wanted = max(stored, self._declared if self._facts.exact else 0)
            short, amount = read < wanted, f"{read} of {wanted} pictures"
        elif abs(self._usual_step() * self.rate - 1) < 0.1:
            # their number is the file's length times its rate, and the length
            # may be the sound's
            missing = self._declared - read
            short = missing > max(0.3 * self.rate, 0.15 * self._declared)
            amount = f"{read} of {self._declared} pictures"
        else:
            wanted = self._declared / self.rate
            short = end < wanted - max(0.3, 0.15 * wanted)
            amount = f"{end:.1f} of {wanted:.1f} seconds"
        if short:
            return (
                f"{self.source}: damaged or cut: {amount} could be read, the last "
                f"picture at {self.time:.1f} seconds; copy or download it again"
            )
        if self._facts.cut:
            return (
                f"{self.source}: cut: the file is shorter than it says; {read} "
                f"pictures could be read, the last at {self.time:.1f} seconds; copy "
                "or download it again"
            )
        return None

    def close(self):
        """Let go of the file or the camera."""
        if self._capture is not None:
            self._capture.release()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error):
        self.close()


def _camera_number(source) -> int | None:
    if isinstance(source, (bool, np.bool_)) or not isinstance(source, Integral):
        return None
    if source not in _CAMERAS:  # below 0, OpenCV crashes
        raise VideoError(f"camera {source}: cameras are counted from 0 to 99")
    return int(source)


def _check_file(path: Path):
    if not path.exists():
        raise FileNotFoundError(f"{path}: there is no such video")
    if not path.is_file():
        raise VideoError(f"{path} is not a file, so not a video")
    with open(path, "rb") as file:  # PermissionError
        if not file.read(1):
            raise VideoError(f"{path} is empty")


def _reader() -> int:
    """FFmpeg, where this OpenCV has it: it reads most, and files only.

    (Left to choose, OpenCV takes ``walk01.mp4`` for the first of a series of
    pictures if it cannot read it.)
    """
    import cv2

    has = cv2.videoio_registry.hasBackend(cv2.CAP_FFMPEG)
    return cv2.CAP_FFMPEG if has else cv2.CAP_ANY


@contextmanager
def opencv_path(path) -> Iterator[str]:
    """A name for a file, there or not yet, under which OpenCV can open it.

    Absolute, because FFmpeg takes ``dance:1.mp4`` for an address; and a link
    for a name that is not UTF-8, at which OpenCV crashes.
    """
    name = os.path.abspath(path)
    try:
        plain = os.fsencode(name) == name.encode("utf-8")
    except UnicodeEncodeError:
        plain = False
    if plain:
        yield name
        return
    with tempfile.TemporaryDirectory() as folder:
        ending = Path(name).suffix.encode("ascii", "ignore").decode()
        link = os.path.join(folder, f"video{ending}")
        os.symlink(name, link)
        yield link


# ---------------------------------------------------------------- writing


@dataclass(frozen=True)
class _Format:
    name: str
    suffix: str
    code: str
    in_browsers: bool


# The first that this OpenCV can write is taken. MP4 with H.264 plays
# everywhere, WebM in all browsers, the last in players only.
_FORMATS = (
    _Format("H.264", ".mp4", "avc1", True),
    _Format("VP8", ".webm", "VP80", True),
    _Format("VP9", ".webm", "VP90", True),
    _Format("MPEG-4", ".mp4", "mp4v", False),
)


class VideoWriter:
    """Write pictures as a video that browsers play, whole or not at all.

    >>> with VideoWriter("drawn", video.rate) as drawn:     # doctest: +SKIP
    ...     for image in video:
    ...         drawn.write(draw(image), video.time)
    >>> drawn.path                                          # doctest: +SKIP
    PosixPath('drawn.webm')

    Parameters
    ----------
    path:
        The file to write. Without an ending it gets the one of the best
        format that this OpenCV can write: ``.mp4`` (H.264), else ``.webm``
        (VP8). With one of these two, a format of that ending. A file of that
        name is replaced.
    rate:
        Pictures per second, more than 0; at most 60 are written.

    Attributes
    ----------
    path:
        Of the file, with its ending; known after the first picture.
    format:
        ``"H.264"``, ``"VP8"``, ...; known after the first picture.
    plays_in_browsers:
        Whether that is a format that browsers play.

    Raises
    ------
    VideoError
        For another ending, or if this OpenCV can write none of the formats,
        or if what was written cannot be read back.
    DiskFullError
        If there is no room.
    """

    def __init__(self, path, rate: float):
        self.path, self._asked = Path(path), float(rate)
        if not 0 < self._asked < 1e6:
            raise VideoError(f"{path}: a video cannot have {rate} pictures a second")
        self.rate = min(self._asked, _FASTEST)
        endings = {f.suffix for f in _FORMATS}
        if self.path.suffix and self.path.suffix.lower() not in endings:
            raise VideoError(
                f"{path}: videos are written as {' or '.join(sorted(endings))}; "
                "choose such an ending, or none"
            )
        self.format, self.plays_in_browsers = None, None
        self._writer, self._stack = None, ExitStack()
        self._size, self._last = None, None
        self._given, self._count = 0, 0  # pictures taken and written

    def write(self, image, at: float | None = None):
        """Add a picture, RGB uint8 ``(H, W, 3)``.

        Parameters
        ----------
        at:
            When it is shown: seconds after the beginning. The picture before
            stays until then (a minute at most). Default: next in turn.

        A picture of another size than the first is fitted into it.
        """
        from ..drawing import as_rgb

        image = as_rgb(image)
        if self._writer is None:
            self._open(image.shape[1], image.shape[0])
        if at is None or not np.isfinite(at):
            at = self._given / self._asked
        self._given += 1
        still = round(_LONGEST_STILL * self.rate)
        tick = min(round(at * self.rate), self._count + still)
        while self._last is not None and self._count < tick:
            self._add(self._last)
        self._last = self._fitted(image)
        if self._count <= tick:  # else two share a tick; the later one stays
            self._add(self._last)

    def _open(self, width: int, height: int):
        import cv2

        size = _written_size(width, height)
        chosen = _best_format(size, self.path.suffix.lower())
        self._size, self.format = size, chosen.name
        self.plays_in_browsers = chosen.in_browsers
        if not self.path.suffix:
            self.path = self.path.with_suffix(chosen.suffix)
        self._temporary = self._stack.enter_context(atomic_path(self.path))
        name = self._stack.enter_context(opencv_path(self._temporary))
        with _silence():
            self._writer = cv2.VideoWriter(
                name, cv2.VideoWriter_fourcc(*chosen.code), self.rate, size
            )

    def _fitted(self, image) -> np.ndarray:
        """The picture in BGR and in the video's size."""
        import cv2

        width, height = self._size
        h, w = image.shape[:2]
        factor = min(width / w, height / h)
        if factor < 1 or min(width - w, height - h) > 1:
            w, h = (max(1, round(side * factor)) for side in (w, h))
            image = cv2.resize(image, (w, h), interpolation=cv2.INTER_AREA)
        right, below = width - w, height - h
        odd = right <= 1 and below <= 1
        image = cv2.copyMakeBorder(
            image,
            0 if odd else below // 2,
            below if odd else below - below // 2,
            0 if odd else right // 2,
            right if odd else right - right // 2,
            cv2.BORDER_REPLICATE if odd else cv2.BORDER_CONSTANT,
        )
        return cv2.cvtColor(image, cv2.COLOR_RGB2BGR)

    def _add(self, image):
        self._writer.write(image)
        self._count += 1

    def close(self):
        """Finish the file, check it, and give it its name."""
        if self._writer is None:
            return
        self._writer.release()
        self._writer = None
        with self._stack:  # what is wrong removes the temporary file
            self._check()

    def _check(self):
        read = _count_pictures(self._temporary)
        if read >= self._count:
            return
        folder = self.path.absolute().parent
        free = shutil.disk_usage(folder).free
        if free < 2**20:
            raise DiskFullError(
                errno.ENOSPC,
                f"the disk is full while writing {self.path}; make room, or choose "
                "a folder on another disk, and run the same again",
            )
        raise VideoError(
            f"{self.path}: the video could not be written whole: {read} of "
            f"{self._count} pictures can be read back. Is the disk full "
            f"({format_bytes(free)} are free in {folder}), or are files limited?"
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind, error, trace):
        if kind is None:
            self.close()
        elif self._writer is not None:
            self._writer.release()
            self._writer = None
            self._stack.__exit__(kind, error, trace)


def video_suffix(width: int, height: int) -> str:
    """The ending that a `VideoWriter` gives a video of that size."""
    return _best_format(_written_size(width, height)).suffix


def _written_size(width: int, height: int) -> tuple[int, int]:
    """Even sides, as OpenCV would cut odd ones; and none below 16, which
    some coders accept and cannot read back."""
    return max(16, width + width % 2), max(16, height + height % 2)


@lru_cache(maxsize=32)
def _best_format(size: tuple[int, int], suffix: str = "") -> _Format:
    """The first format that three pictures survive. OpenCV only says
    whether it will try."""
    import cv2

    for candidate in _FORMATS:
        if suffix not in ("", candidate.suffix):
            continue
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "try" + candidate.suffix)
            code = cv2.VideoWriter_fourcc(*candidate.code)
            with _silence(), opencv_path(path) as name:
                writer = cv2.VideoWriter(name, code, _USUAL_RATE, size)
                for grey in (40, 120, 200) if writer.isOpened() else ():
                    writer.write(np.full((*size[::-1], 3), grey, np.uint8))
                writer.release()
            if _count_pictures(path) == 3:
                return candidate
    raise VideoError(
        f"this OpenCV cannot write videos of {size[0]} x {size[1]} pixels"
        + (f" as {suffix}" if suffix else "")
        + "; install opencv-python from pip, which can, or make the pictures smaller"
    )


def _count_pictures(path) -> int:
    """How many pictures of a video can be decoded."""
    import cv2

    with _silence(), opencv_path(path) as name:
        capture = cv2.VideoCapture(name, _reader())
    count = 0
    while capture.grab():
        count += 1
    capture.release()
    return count


@contextmanager
def _silence():
    """Keep from the terminal what FFmpeg prints about a format it tries."""
    try:
        sys.stderr.flush()
        kept = os.dup(2)
    except (OSError, AttributeError, ValueError):  # there is no terminal
        yield
        return
    nothing = os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(nothing, 2)
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(nothing)
