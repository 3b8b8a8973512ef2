"""What happens to pictures on their way: one damage at a time, in five steps.

After Hendrycks and Dietterich 2019 (*Benchmarking Neural Network Robustness
to Common Corruptions and Perturbations*), with steps of our own that suit
small crops of people. None of them moves a joint, so the labels stay.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import cv2
import numpy as np

__all__ = ["CORRUPTIONS", "Corruption", "corrupt"]


@dataclass(frozen=True)
class Corruption:
    """One kind of damage.

    Attributes
    ----------
    damage:
        A function of one picture RGB uint8 ``(H, W, 3)``, the strength and a
        generator.
    strengths:
        Five, from mild to severe.
    unit:
        What a strength counts, for the axis of a plot.
    """

    damage: Callable
    strengths: tuple[float, float, float, float, float]
    unit: str


def _blur(image, sigma, rng):
    return cv2.GaussianBlur(image, (0, 0), sigma * _side(image) / 100)


def _motion(image, length, rng):
    """Along a random direction, as of a hand that shakes."""
    pixels = max(1, round(length * _side(image) / 100))
    size = 2 * (pixels // 2) + 3
    turn = cv2.getRotationMatrix2D(((size - 1) / 2,) * 2, rng.uniform(0, 180), 1)
    line = np.zeros((size, size), np.float32)
    line[size // 2, (size - pixels) // 2 : (size + pixels) // 2] = 1
    line = cv2.warpAffine(line, turn, (size, size))
    return cv2.filter2D(image, -1, line / line.sum())


def _dark(image, factor, rng):
    return np.round(image / np.float32(factor)).astype(np.uint8)


def _noise(image, deviation, rng):
    noisy = image + rng.normal(0, deviation, image.shape)
    return np.clip(np.round(noisy), 0, 255).astype(np.uint8)


def _jpeg(image, quality, rng):
    bgr = np.ascontiguousarray(image[..., ::-1])
    packed = cv2.imencode(".jpg", bgr, [cv2.IMWRITE_JPEG_QUALITY, int(quality)])[1]
    return cv2.imdecode(packed, cv2.IMREAD_COLOR)[..., ::-1]


def _coarse(image, factor, rng):
    height, width = image.shape[:2]
    size = max(1, round(width / factor)), max(1, round(height / factor))
    few = cv2.resize(image, size, interpolation=cv2.INTER_AREA)
    return cv2.resize(few, (width, height), interpolation=cv2.INTER_LINEAR)


def _covered(image, share, rng):
    """A grey square somewhere in the picture."""
    height, width = image.shape[:2]
    side = round(share / 100 * min(height, width))
    y, x = rng.integers(height - side + 1), rng.integers(width - side + 1)
    image = image.copy()
    image[y : y + side, x : x + side] = 127
    return image


def _cut(image, share, rng):
    """As if the person reached out of the picture below."""
    image = image.copy()
    image[round((1 - share / 100) * len(image)) :] = 0
    return image


def _side(image) -> int:
    return max(image.shape[:2])


CORRUPTIONS = {
    "blur": Corruption(_blur, (0.8, 1.6, 2.4, 3.2, 4.8), "sigma, % of the side"),
    "motion blur": Corruption(_motion, (5, 8, 12, 16, 24), "length, % of the side"),
    "dark": Corruption(_dark, (2, 4, 8, 16, 32), "times darker"),
    "noise": Corruption(_noise, (8, 16, 32, 48, 64), "deviation, of 255"),
    "JPEG": Corruption(_jpeg, (40, 20, 10, 5, 2), "quality"),
    "few pixels": Corruption(_coarse, (1.5, 2, 3, 4, 6), "times fewer each way"),
    "covered": Corruption(_covered, (15, 25, 35, 45, 55), "square, % of the side"),
    "cut off": Corruption(_cut, (10, 20, 30, 40, 50), "lowest % missing"),
}


def corrupt(images, name: str, strength: float, seed: int = 0) -> np.ndarray:
    """Damage pictures.

    Parameters
    ----------
    images:
        RGB uint8 ``(N, H, W, 3)``, or one ``(H, W, 3)``.
    name:
        A key of `CORRUPTIONS`.
    strength:
        In the unit of the corruption; its ``strengths`` are five good ones.
    seed:
        The same seed damages the same way.

    Returns
    -------
    New pictures of the same shape.
    """
    if name not in CORRUPTIONS:
        raise ValueError(
            f"there is no corruption {name!r}; choose one of {', '.join(CORRUPTIONS)}"
        )
    images = np.asarray(images)
    if images.dtype != np.uint8 or images.ndim not in (3, 4) or images.shape[-1] != 3:
        raise ValueError(
            "pictures to corrupt are RGB uint8 (N, H, W, 3) or (H, W, 3), got "
            f"{images.dtype} {images.shape}"
        )
    if not 0 < strength < float("inf"):
        raise ValueError(f"strength must be a positive number, got {strength}")
    rng = np.random.default_rng(seed)
    damage = CORRUPTIONS[name].damage
    if images.ndim == 3:
        return damage(images, strength, rng)
    damaged = [damage(image, strength, rng) for image in images]
    return np.stack(damaged) if damaged else images.copy()
