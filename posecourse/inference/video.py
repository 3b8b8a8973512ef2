"""Videos and cameras, picture by picture, at their times, the right way up.

OpenCV opens and decodes; this module asks it the right way and notices what
it passes over in silence:

- a file that is damaged or was cut gives fewer pictures than it says, and
  OpenCV ends as if that were all: `Video.problem` says so, and a warning;
- the pictures of a phone or a screen recording do not come at even steps:
  `Video.time` is when each is shown;
- a video lies on its side, is mirrored, or has pixels that are not square:
  the pictures come as a player shows them;
- numbers of cameras below 0 and names that are not UTF-8 make it crash.
"""

from __future__ import annotations

import os
import tempfile
import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cached_property
from numbers import Integral
from pathlib import Path
from typing import Any, Self

import cv2
import numpy as np

from ..images import MAX_PIXELS, turn_upright
from .containers import FileFacts, file_facts

__all__ = ["Video", "VideoError", "VideoWarning"]

_CAMERAS = range(100)  # above, OpenCV takes a number for a kind of driver
USUAL_RATE = 25.0  # pictures per second, where nobody says
FASTEST = 60.0  # more pictures per second are not drawn


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
            self._path = os.path.abspath(source)  # the folder may change
            self._facts = file_facts(self._path)
        self._capture: Any = None
        self._first = None
        self._open()

    def _property(self, key: int) -> float:
        """What OpenCV knows about the source; 0 where it does not."""
        value = self._capture.get(key)
        return value if np.isfinite(value) and value > 0 else 0.0

    def _open(self):
        """Start at the first picture, which tells whether it is a video."""
        self.close()
        if self._camera is not None:
            self._capture = cv2.VideoCapture(self._camera)
        else:
            with opencv_path(self._path) as name:
                self._capture = cv2.VideoCapture(name, video_reader())
        if self._facts.orientation != 1:  # OpenCV would turn, not mirror
            self._capture.set(cv2.CAP_PROP_ORIENTATION_AUTO, 0)
        self.rate = self._property(cv2.CAP_PROP_FPS) or USUAL_RATE
        self.frame, self.time, self.problem = -1, 0.0, None
        self._steps = []
        self._check_size()
        self._first, self._begun = self._read(), False
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
        found, image = self._capture.read()
        if not found or image is None or not image.size:
            return None
        self._mark_time()
        image = turn_upright(image, self._facts.orientation)
        image = cv2.cvtColor(image, cv2.COLOR_BGR2RGB)
        wide = self._property(cv2.CAP_PROP_SAR_NUM) or 1
        stretch = wide / (self._property(cv2.CAP_PROP_SAR_DEN) or 1)
        if stretch != 1 and 0.2 < stretch < 5:  # of each pixel
            size = round(image.shape[1] * stretch), image.shape[0]
            image = cv2.resize(image, size, interpolation=cv2.INTER_LINEAR)
        return image

    def _check_size(self):
        width = self._property(cv2.CAP_PROP_FRAME_WIDTH)
        height = self._property(cv2.CAP_PROP_FRAME_HEIGHT)
        if width * height > MAX_PIXELS:
            self.close()
            raise VideoError(
                f"{self.source}: a picture has {width:.0f} x {height:.0f} pixels, "
                f"more than the {MAX_PIXELS:,} that are read"
            )

    def _mark_time(self):
        """`frame` and `time` of a picture that was just read."""
        self.frame += 1
        if self._camera is not None:
            now = time.monotonic()
            if self.frame == 0:
                self._offset = now
            self.time = now - self._offset
            return
        seconds = self._property(cv2.CAP_PROP_POS_MSEC) / 1000
        if self.frame == 0:
            self._offset = seconds
            return
        # some files do not say it of their last pictures, or go back
        step = seconds - self._offset - self.time
        if not 0 < step < 1e6:
            step = self._usual_step()
        self._steps.append(step)
        self.time += step

    def _usual_step(self) -> float:
        """Seconds from one picture to the next, mostly."""
        return float(np.median(self._steps[-1000:])) if self._steps else 1 / self.rate

    def __iter__(self) -> Iterator[np.ndarray]:
        if self._begun and self._camera is None:
            self._open()
        image = self._read() if self._begun else self._first
        self._begun, self._first = True, None
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
        if self._camera is not None:
            return []
        with opencv_path(self._path) as name:
            capture = cv2.VideoCapture(name, video_reader(), [cv2.CAP_PROP_FORMAT, -1])
        found = []
        while capture.grab():
            found.append(capture.get(cv2.CAP_PROP_POS_MSEC) / 1000)
        capture.release()
        seconds = np.sort([s for s in found if np.isfinite(s)])
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
            return min(self.rate, FASTEST)
        usual = float(np.median(steps))
        if np.mean(np.abs(steps - usual) < 0.25 * usual) > 0.8:  # a gap here or there
            even = abs(usual * self.rate - 1) < 0.1
            return min(self.rate if even else 1 / usual, FASTEST)
        return min(max(1 / float(steps.min()), self.rate), FASTEST)

    def _missing(self) -> str | None:
        """What a file that was read to its end should have had, in words."""
        lost = self._lost()
        if lost is None and not self._facts.cut:
            return None
        amount = lost or f"{self.frame + 1} pictures"
        return (
            f"{self.source}: damaged or cut: {amount} could be read, the last at "
            f"{self.time:.1f} seconds; copy or download it again"
        )

    def _lost(self) -> str | None:
        """How much of the whole was read, if it was not the whole."""
        read, stored = self.frame + 1, len(self.times)
        declared = int(min(self._property(cv2.CAP_PROP_FRAME_COUNT), 1e9))
        end = self.time + self._usual_step()
        if self._facts.shown is not None:  # an edit list hides pictures
            longest = max(np.diff(self.times), default=0.0)  # the last may be it
            return _less(end, self._facts.shown, max(0.3, longest), "seconds")
        if self._facts.exact:
            return _less(read, max(stored, declared), 0, "pictures")
        if abs(2 * read - stored) > 0.05 * stored:  # else they are half pictures
            lost = _less(read, stored, max(2, 0.02 * stored), "pictures")
            if lost:
                return lost
        # what they declare are guesses from the file's length in seconds, and
        # that may be the sound's
        if abs(self._usual_step() * self.rate - 1) < 0.1:
            slack = max(0.3 * self.rate, 0.15 * declared)
            return _less(read, declared, slack, "pictures")
        length = declared / self.rate
        return _less(end, length, max(0.3, 0.15 * length), "seconds")

    def close(self):
        """Let go of the file or the camera."""
        if self._capture is not None:
            self._capture.release()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error):
        self.close()


def _less(found, wanted, slack: float, unit: str) -> str | None:
    if found >= wanted - slack:
        return None
    digits = ".1f" if unit == "seconds" else "d"
    return f"{found:{digits}} of {wanted:{digits}} {unit}"


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


def video_reader() -> int:
    """FFmpeg, where this OpenCV has it: it reads most, and files only.

    (Left to choose, OpenCV takes ``walk01.mp4`` for the first of a series of
    pictures if it cannot read it.)
    """
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
