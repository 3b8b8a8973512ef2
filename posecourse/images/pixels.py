"""What is done with pixels once they are decoded."""

from __future__ import annotations

import numpy as np

__all__ = ["average", "blend", "to_rgb", "turn_upright"]


def turn_upright(image: np.ndarray, orientation: int) -> np.ndarray:
    """Turn stored pixels as the EXIF orientation asks.

    Parameters
    ----------
    image:
        ``(H, W)`` or ``(H, W, C)``, as stored.
    orientation:
        1 to 8; anything else is taken for 1, "as it is".

    Returns
    -------
    The upright picture; ``(W, H, ...)`` for 5 to 8.
    """
    if orientation in (5, 6, 7, 8):
        image = image.swapaxes(0, 1)  # mirror at the diagonal
    if orientation in (2, 3, 6, 7):
        image = image[:, ::-1]
    if orientation in (3, 4, 7, 8):
        image = image[::-1]
    return np.ascontiguousarray(image)


def average(image: np.ndarray, factor: int) -> np.ndarray:
    """The picture shrunk by a whole factor; the edge is repeated."""
    import cv2

    height, width = image.shape[:2]
    image = cv2.copyMakeBorder(
        image, 0, -height % factor, 0, -width % factor, cv2.BORDER_REPLICATE
    )
    size = image.shape[1] // factor, image.shape[0] // factor
    return cv2.resize(image, size, interpolation=cv2.INTER_AREA)


def to_rgb(image: np.ndarray, depth: int = 8) -> np.ndarray:
    """What OpenCV decoded as RGB uint8: grey, BGR or BGRA, 8 or more bits.

    Parameters
    ----------
    depth:
        The bits that are used, where they are stored in 16.
    """
    import cv2

    if image.dtype == np.uint16:
        image = (image >> (depth - 8)).astype(np.uint8)
    if image.ndim == 2:
        return cv2.cvtColor(image, cv2.COLOR_GRAY2RGB)
    if image.shape[2] == 4:
        image = blend(image)
    return cv2.cvtColor(image, cv2.COLOR_BGR2RGB)


# Rows of so many pixels are blended at a time: 16 bits for all of them
# would take more than the picture.
_AT_A_TIME = 2**20


def blend(image: np.ndarray, premultiplied: bool = False) -> np.ndarray:
    """Lay a transparent picture on white: ``(H, W, 4)`` to ``(H, W, 3)``.

    Parameters
    ----------
    image:
        uint8 or uint16 with alpha last; uint8 comes out.
    premultiplied:
        The colours have been multiplied by alpha already.
    """
    height, width = image.shape[:2]
    blended = np.empty((height, width, 3), np.uint8)
    step = max(1, _AT_A_TIME // width)
    for row in range(0, height, step):
        part = image[row : row + step]
        if part.dtype == np.uint16:
            part = (part >> 8).astype(np.uint8)
        colours, alpha = part[..., :3].astype(np.uint16), part[..., 3:]
        white = 255 - alpha.astype(np.uint16)
        if premultiplied:
            blended[row : row + step] = np.minimum(colours + white, 255)
        else:
            mixed = colours * alpha + 255 * white + 127
            blended[row : row + step] = mixed // 255
    return blended
