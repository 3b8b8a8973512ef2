"""Videos that browsers play, written whole or not at all.

OpenCV tries a format and does not say whether it worked, nor whether the
disk was full; what PyAV can write depends on how it was built. So a format is chosen by writing three pictures and reading
them, and a video is read back before it gets its name.
"""

from __future__ import annotations

import os
import sys
import tempfile
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from pathlib import Path
from typing import Any, Self, cast

import cv2
import numpy as np

from ..drawing import as_rgb
from ..files import atomic_path, disk_errors
from .video import FASTEST, USUAL_RATE, VideoError, opencv_path, video_reader

__all__ = ["VideoWriter", "video_suffix"]

_LONGEST_STILL = 60.0  # seconds that one picture is held; longer is an error


@dataclass(frozen=True)
class _Format:
    name: str
    suffix: str
    code: str
    in_browsers: bool

    def open(self, name: str, rate: float, size: tuple[int, int]):
        """A writer of BGR pictures, with ``write`` and ``release``."""
        if self.code == _X264:
            return _PyAV(name, rate, size)
        return cv2.VideoWriter(name, cv2.VideoWriter.fourcc(*self.code), rate, size)


# The first that can be written here is taken. MP4 with H.264 plays everywhere,
# WebM in all browsers, the last in players only. On Linux OpenCV writes no
# H.264; PyAV does, in a sixth of the time of VP8 and a sixteenth of its bytes.
_X264 = "libx264"
_FORMATS = (
    _Format("H.264", ".mp4", "avc1", True),
    _Format("H.264", ".mp4", _X264, True),
    _Format("VP8", ".webm", "VP80", True),
    _Format("VP9", ".webm", "VP90", True),
    _Format("MPEG-4", ".mp4", "mp4v", False),
)


class _PyAV:
    """H.264 by PyAV, as `cv2.VideoWriter` would write it.

    Raises
    ------
    ImportError
        Without PyAV.
    ValueError, OSError
        If its FFmpeg has no x264, or the file cannot be written.
    """

    def __init__(self, name: str, rate: float, size: tuple[int, int]):
        import av

        self._frame_of = av.VideoFrame.from_ndarray
        exact = Fraction(rate).limit_denominator(10**6)
        self._step = 1 / exact
        # what a player needs to begin stands at the beginning
        options = {"movflags": "faststart"}
        self._file = av.open(name, "w", format="mp4", options=options)
        stream = self._file.add_stream(
            _X264, exact, options={"preset": "veryfast", "crf": "20"}
        )
        self._stream = cast(Any, stream)  # of pictures, not of sound
        self._stream.width, self._stream.height = size
        self._stream.pix_fmt = "yuv420p"
        self._count = 0

    def write(self, image: np.ndarray):
        frame = self._frame_of(image, format="bgr24")
        frame.pts, frame.time_base = self._count, self._step
        self._count += 1
        self._file.mux(self._stream.encode(frame))

    def release(self):
        try:
            self._file.mux(self._stream.encode())
        finally:
            self._file.close()


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
        format that OpenCV or PyAV can write here: ``.mp4`` (H.264), else
        ``.webm`` (VP8). With one of these two, a format of that ending. A
        file of that name is replaced.
    rate:
        Pictures per second, more than 0; at most 60 are written, and at least
        one a minute.

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
        For another ending, or if none of the formats can be written here,
        or if what was written cannot be read back.
    DiskFullError
        If there is no room.
    """

    def __init__(self, path, rate: float):
        self.path, self._asked = Path(path), float(rate)
        if not 0 < self._asked < 1e6:
            raise VideoError(f"{path}: a video cannot have {rate} pictures a second")
        self.rate = min(max(self._asked, 1 / _LONGEST_STILL), FASTEST)
        endings = {f.suffix for f in _FORMATS}
        if self.path.suffix and self.path.suffix.lower() not in endings:
            raise VideoError(
                f"{path}: videos are written as {' or '.join(sorted(endings))}; "
                "choose such an ending, or none"
            )
        self.format: str | None = None
        self.plays_in_browsers: bool | None = None
        self._writer: Any = None
        self._stack = ExitStack()
        self._size = (0, 0)
        self._last: np.ndarray | None = None
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
        size = _written_size(width, height)
        chosen = _best_format(size, self.path.suffix.lower())
        self._size, self.format = size, chosen.name
        self.plays_in_browsers = chosen.in_browsers
        if not self.path.suffix:
            self.path = self.path.with_suffix(chosen.suffix)
        self._temporary = self._stack.enter_context(atomic_path(self.path))
        name = self._stack.enter_context(opencv_path(self._temporary))
        with _silence():
            self._writer = chosen.open(name, self.rate, size)

    def _fitted(self, image) -> np.ndarray:
        """The picture in BGR and in the video's size."""
        (width, height), (h, w) = self._size, image.shape[:2]
        fits = width - w in (0, 1) and height - h in (0, 1)  # the first, made even
        if not fits:
            factor = min(width / w, height / h)
            w, h = max(1, round(w * factor)), max(1, round(h * factor))
            image = cv2.resize(image, (w, h), interpolation=cv2.INTER_AREA)
        left, top = (0, 0) if fits else ((width - w) // 2, (height - h) // 2)
        border = cv2.BORDER_REPLICATE if fits else cv2.BORDER_CONSTANT
        edges = top, height - h - top, left, width - w - left
        image = cv2.copyMakeBorder(image, *edges, border)
        return cv2.cvtColor(image, cv2.COLOR_RGB2BGR)

    def _add(self, image):
        self._writer.write(image)
        self._count += 1

    def close(self):
        """Finish the file, check it, and give it its name."""
        if self._writer is None:
            return
        writer, self._writer = self._writer, None
        with self._stack:  # what is wrong removes the temporary file
            writer.release()
            self._check()

    def _check(self):
        read = _count_pictures(self._temporary)
        if read < self._count:  # a full disk gets its own name: `disk_errors`
            raise VideoError(
                f"{self.path}: the video could not be written whole: {read} of "
                f"{self._count} pictures can be read back; is the size of files "
                "limited? Write it in another folder"
            )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind, error, trace):
        if kind is None:
            self.close()
        elif self._writer is not None:
            with suppress(Exception):  # what went wrong before is told
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
    whether it will try, and writes nothing, without a word, if it cannot."""
    for candidate in _FORMATS:
        if suffix not in ("", candidate.suffix):
            continue
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "try" + candidate.suffix)
            with (
                suppress(ImportError, ValueError, OSError),
                _silence(),
                opencv_path(path) as name,
            ):
                writer = candidate.open(name, USUAL_RATE, size)
                for grey in (40, 120, 200):
                    writer.write(np.full((*size[::-1], 3), grey, np.uint8))
                writer.release()
            if _count_pictures(path) == 3:
                return candidate
    with disk_errors(Path(tempfile.gettempdir()) / "try"):
        raise VideoError(
            f"neither OpenCV nor PyAV can write videos of {size[0]} x {size[1]} pixels"
            + (f" as {suffix}" if suffix else "")
            + " here; install opencv-python and av from pip, which can, or make the "
            "pictures smaller"
        )


def _count_pictures(path) -> int:
    """How many pictures of a video can be decoded."""
    with _silence(), opencv_path(path) as name:
        capture = cv2.VideoCapture(name, video_reader())
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
