"""The pictures of a video or a camera, one after the other."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np

__all__ = ["Video", "VideoError"]


class VideoError(ValueError):
    """A video or camera that gives no pictures; says what to do."""


class Video:
    """The pictures of a video file or a camera, RGB uint8 ``(H, W, 3)``.

    >>> with Video("dance.mp4") as video:               # doctest: +SKIP
    ...     for image in video:
    ...         poses = predictor(image)

    Parameters
    ----------
    source:
        Path of a video, or the number of a camera (0 is the first).

    Attributes
    ----------
    rate:
        Pictures per second; 25 where the source does not say.
    """

    def __init__(self, source):
        import cv2

        camera = isinstance(source, int)
        if not camera and not Path(source).is_file():
            raise FileNotFoundError(f"{source}: there is no such video")
        self._video = cv2.VideoCapture(source if camera else str(source))
        found, self._first = self._video.read()
        if not found:
            self._video.release()
            raise VideoError(
                f"camera {source} gives no picture: is there one, is it "
                "free, and may this program use it?"
                if camera
                else f"{source}: OpenCV cannot read this video; check that the "
                "file is whole, or convert it to MP4 (H.264)"
            )
        rate = self._video.get(cv2.CAP_PROP_FPS)
        self.rate = float(rate) if np.isfinite(rate) and rate > 0 else 25.0

    def __iter__(self) -> Iterator[np.ndarray]:
        import cv2

        found, frame = True, self._first
        while found:
            yield cv2.cvtColor(frame, cv2.COLOR_BGR2RGB)
            found, frame = self._video.read()

    def __enter__(self) -> Video:
        return self

    def __exit__(self, *error):
        self._video.release()
