"""From stored crops to a batch for a network, on any device, in one go.

Decoding pictures and looping over samples is what makes pose training
slow. Here a whole batch of raw bytes is flipped, scaled, turned, shifted
and resampled by **one** affine map per sample, recoloured by one 3x3
matrix per sample, and normalised; the keypoints go through the same maps.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import NamedTuple

import cv2
import numpy as np
import torch
import torch.nn.functional as F

from .geometry import Crop, affine_points, compose, resize_points, warp_batch
from .skeletons import MPII, Skeleton

__all__ = [
    "AugmentParams",
    "Augmentation",
    "Batch",
    "make_batch",
    "normalise",
    "standard_crop",
]

# Mean and standard deviation of ImageNet's colours, R, G, B in 0...1: what
# every published backbone expects.
MEAN = (0.485, 0.456, 0.406)
STD = (0.229, 0.224, 0.225)
_LUMA = (0.299, 0.587, 0.114)
# Numbers in a batch from which several threads pay on a CPU.
_WORTH_THREADS = 1_000_000
# Pixels whose colours are changed at once: they stay in the cache, and BLAS
# multiplies so few without threads of its own.
_AT_ONCE = 2**14


def normalise(images: torch.Tensor) -> torch.Tensor:
    """Colours as the networks expect them.

    Parameters
    ----------
    images:
        ``(N, 3, H, W)``, uint8, or floats in 0...1; R, G, B.

    Returns
    -------
    ``(N, 3, H, W)`` floats, about mean 0 and standard deviation 1.
    """
    images = torch.as_tensor(images)
    if images.ndim != 4 or images.shape[1] != 3:
        raise ValueError(f"pictures must be (N, 3, H, W), got {tuple(images.shape)}")
    if images.dtype == torch.uint8:
        images = images.float() / 255
    elif not images.is_floating_point():
        raise ValueError(
            f"pictures are {images.dtype}: give uint8 (0 to 255), or floats from 0 to 1"
        )
    mean = images.new_tensor(MEAN)[:, None, None]
    std = images.new_tensor(STD)[:, None, None]
    return (images - mean) / std


class AugmentParams(NamedTuple):
    """The random numbers of a batch, drawn before it is split up.

    `numbers` is ``(N, 18)``, uniform in 0...1; `noise` ``(3, 64, 64)``,
    normal. Drawn on the CPU, so that every device sees the same ones.
    """

    numbers: torch.Tensor
    noise: torch.Tensor

    def part(self, which: slice) -> AugmentParams:
        """Those of some of the samples, for one of several processes."""
        return AugmentParams(self.numbers[which], self.noise)


@dataclass(frozen=True)
class Augmentation:
    """How far a training sample may be changed.

    Uniform within the range, unless said otherwise.

    Parameters
    ----------
    scale:
        The person's size is multiplied by 1 - scale ... 1 + scale.
    rotation:
        Degrees, to either side.
    distribution:
        Of size and angle: ``"uniform"``, or ``"normal"`` as in the code of
        SimpleBaseline (Xiao et al. 2018). There `scale` and `rotation` are
        standard deviations, the size of the **window** is what is drawn,
        and it is cut off at one standard deviation, the angle at two.
    rotation_prob:
        Probability of being turned at all.
    shift:
        Fraction of the picture, in either direction, along x and y.
    flip:
        Probability of a mirror image. 0 for a skeleton that cannot be
        mirrored.
    brightness, contrast, saturation, channel_gain:
        Colour gains of 1 - value ... 1 + value; `channel_gain` is one per
        channel.
    erase_prob:
        Probability that a grey rectangle hides part of the picture.
        What it hides stays labelled: people are hidden by things.
    noise:
        Standard deviation of the pixels' noise, at most, in 0...1.
    """

    scale: float = 0.25
    rotation: float = 30.0
    shift: float = 0.03
    flip: float = 0.5
    brightness: float = 0.3
    contrast: float = 0.3
    saturation: float = 0.3
    channel_gain: float = 0.15
    erase_prob: float = 0.0
    noise: float = 0.0
    distribution: str = "uniform"
    rotation_prob: float = 1.0

    def __post_init__(self):
        for name in ("scale", "contrast", "brightness", "saturation", "channel_gain"):
            if not 0 <= getattr(self, name) < 1:
                raise ValueError(
                    f"augmentation: {name} must be at least 0 "
                    f"and below 1, got {getattr(self, name)}"
                )
        if self.distribution not in ("uniform", "normal"):
            raise ValueError(
                "augmentation: distribution is uniform or "
                f"normal, got {self.distribution!r}"
            )
        for name in ("flip", "erase_prob", "rotation_prob"):
            if not 0 <= getattr(self, name) <= 1:
                raise ValueError(
                    f"augmentation: {name} is a probability, got {getattr(self, name)}"
                )

    @property
    def disturbs(self) -> bool:
        """Whether pixels are changed after the picture is cut out."""
        return self.noise > 0 or self.erase_prob > 0

    @staticmethod
    def draw(count: int, generator: torch.Generator | None = None) -> AugmentParams:
        """The random numbers for `count` samples."""
        return AugmentParams(
            torch.rand(count, 18, generator=generator),
            torch.randn(3, 64, 64, generator=generator),
        )


class Batch(NamedTuple):
    """What a network trains on.

    Attributes
    ----------
    images:
        ``(N, 3, h, w)`` float, normalised.
    keypoints:
        ``(N, K, 2)`` float, pixels of `images`; NaN where not labelled.
    visible:
        ``(N, K)`` uint8; 0 also where the joint has left the picture.
    head_size:
        ``(N,)`` the unit of PCKh, pixels of `images`.
    matrix:
        ``(N, 2, 3)`` maps from the stored crop to `images`.
    """

    images: torch.Tensor
    keypoints: torch.Tensor
    visible: torch.Tensor
    head_size: torch.Tensor
    matrix: torch.Tensor


def standard_crop(side: int, window: float, input_size) -> Crop:
    """From a stored crop to the network's input, not augmented.

    Parameters
    ----------
    side, window:
        Of the stored crop and of the standard crop within, pixels.
    input_size:
        ``(width, height)``; the longer side shows the window's side.
    """
    w, h = input_size
    pixel = window / max(w, h)
    return Crop(((side - 1) / 2,) * 2, (pixel * w, pixel * h), (w, h))


def make_batch(
    crops,
    keypoints,
    visible,
    head_size,
    window: float,
    input_size,
    skeleton: Skeleton = MPII,
    augmentation: Augmentation | None = None,
    generator: torch.Generator | None = None,
    draws: AugmentParams | None = None,
) -> Batch:
    """Cut network inputs out of stored crops, and move their keypoints.

    Without `augmentation` this is the standard crop, centred. Where it
    shrinks at least twofold, pixels are averaged first: bilinear sampling
    alone would skip some and shimmer.

    Parameters
    ----------
    crops:
        ``(N, S, S, 3)`` or ``(N, 3, S, S)`` uint8, on the device to use.
    keypoints, visible, head_size:
        ``(N, K, 2)``, ``(N, K)``, ``(N,)`` in pixels of the crops.
    window:
        Side of the standard crop in pixels of the stored ones; what lies
        around it is the margin that `augmentation` turns into view.
    input_size:
        ``(width, height)`` or one number, pixels. The longer side shows
        the window's side.
    generator:
        A CPU generator: the same state gives the same batch.
    draws:
        Instead of a generator, what `Augmentation.draw` gave.
    """
    images = _channels_first(crops)
    n, device = len(images), images.device
    keypoints, visible, head_size = (
        torch.as_tensor(x).to(device, non_blocking=True)
        for x in (keypoints, visible, head_size)
    )
    if keypoints.shape != (n, len(skeleton), 2) or visible.shape != (n, len(skeleton)):
        raise ValueError(
            f"{n} crops of {skeleton.name} go with keypoints "
            f"({n}, {len(skeleton)}, 2) and visible ({n}, {len(skeleton)}), "
            f"got {tuple(keypoints.shape)} and {tuple(visible.shape)}"
        )
    w, h = (int(side) for side in np.broadcast_to(input_size, 2))
    standard = standard_crop(images.shape[-1], window, (w, h)).matrix
    matrix = torch.tensor(standard, dtype=torch.float32).to(device).expand(n, 2, 3)
    flipped = torch.zeros(n, dtype=torch.bool, device=device)
    if augmentation is not None:
        if draws is None:
            draws = augmentation.draw(n, generator)
        u = draws.numbers.to(device, non_blocking=True)
        moved, flipped = _movement(u, augmentation, w, h)
        matrix = compose(moved, matrix)

    colours = None if augmentation is None else _colours(u, augmentation)
    resample = _resample_on_cpu if device.type == "cpu" else _resample
    disturb = augmentation is not None and augmentation.disturbs
    images = resample(images, matrix, window / max(w, h), (w, h), colours, not disturb)
    if augmentation is not None and draws is not None and disturb:
        images = normalise(_disturb(images, u, draws.noise, augmentation))

    points = affine_points(keypoints.float(), matrix)
    if augmentation is not None and augmentation.flip > 0:
        # the matrix has mirrored the places; now the names change sides
        order = list(skeleton.flip_permutation)
        points = torch.where(flipped[:, None, None], points[:, order], points)
        visible = torch.where(flipped[:, None], visible[:, order], visible)
    corner = points.new_tensor([w - 0.5, h - 0.5])
    inside = ((points >= -0.5) & (points <= corner)).all(-1)
    labelled = inside & (visible > 0)  # NaN is never inside
    points = torch.where(labelled[..., None], points, float("nan"))
    visible = torch.where(labelled, visible, 0).to(torch.uint8)
    scale = torch.linalg.det(matrix[:, :, :2]).abs().sqrt()
    return Batch(images, points, visible, head_size.float() * scale, matrix)


def _channels_first(crops) -> torch.Tensor:
    crops = torch.as_tensor(crops)
    if crops.ndim == 4 and crops.shape[-1] == 3:
        crops = crops.permute(0, 3, 1, 2)
    if crops.ndim != 4 or crops.shape[1] != 3 or crops.dtype != torch.uint8:
        raise ValueError(
            "stored crops must be uint8 (N, S, S, 3) or "
            f"(N, 3, S, S), got {crops.dtype} "
            f"{tuple(crops.shape)}"
        )
    return crops


def _movement(u, a: Augmentation, w: int, h: int):
    """``(N, 2, 3)`` maps of the input onto itself, and who is mirrored."""

    def between(column, reach):
        return (2 * u[:, column] - 1) * reach

    flipped = u[:, 0] < a.flip
    turned = u[:, 2] < a.rotation_prob
    part = u[:, 2] / max(a.rotation_prob, 1e-9)  # 0...1 for those that are turned
    if a.distribution == "normal":
        size = 1 / (1 + (_normal(u[:, 1]) * a.scale).clamp(-a.scale, a.scale))
        angle = (_normal(part) * a.rotation).clamp(-2 * a.rotation, 2 * a.rotation)
    else:
        size = 1 + between(1, a.scale)
        angle = (2 * part - 1) * a.rotation
    angle = torch.deg2rad(torch.where(turned, angle, 0.0))
    cos, sin = size * torch.cos(angle), size * torch.sin(angle)
    linear = torch.stack(
        [torch.stack([cos, -sin], -1), torch.stack([sin, cos], -1)], -2
    )
    shift = torch.stack([between(3, a.shift * w), between(4, a.shift * h)], -1)
    # around the picture's middle; the mirror comes last
    mirror = torch.where(flipped, -1.0, 1.0)
    mirror = torch.stack([mirror, torch.ones_like(mirror)], -1)[..., None]
    middle = u.new_tensor([(w - 1) / 2, (h - 1) / 2])[:, None]
    linear = mirror * linear
    shift = mirror * shift[..., None] + middle - linear @ middle
    return torch.cat([linear, shift], -1), flipped


def _normal(uniform) -> torch.Tensor:
    """Normal random numbers from uniform ones."""
    return torch.special.ndtri(uniform.clamp(1e-6, 1 - 1e-6))


class _Colours(NamedTuple):
    """New colours are ``matrix @ old + lift * mean``, in 0...1.

    `matrix` is ``(N, 3, 3)``, `lift` ``(N,)``; the mean is the picture's.
    """

    matrix: torch.Tensor
    lift: torch.Tensor


def _colours(u, a: Augmentation) -> _Colours:
    def gain(column, reach):
        return (1 + (2 * u[:, column] - 1) * reach)[:, None]

    brightness, contrast = gain(5, a.brightness), gain(6, a.contrast)
    saturation = gain(7, a.saturation)[..., None]
    tint = torch.cat([gain(c, a.channel_gain) for c in (8, 9, 10)], 1)
    luma = u.new_tensor(_LUMA).expand(3, 3)
    keep = torch.eye(3, device=u.device)
    colour = saturation * keep + (1 - saturation) * luma
    colour = colour * (tint * brightness * contrast)[..., None]
    return _Colours(colour, (brightness * (1 - contrast))[:, 0])


def _averaged(factor: float) -> tuple[int, np.ndarray]:
    """How many pixels to average, along x and y, before a crop is shrunk
    by a factor; and the map from the averaged pixels to the old ones."""
    block = max(1, int(factor + 1e-6))
    # pixel u of the averaged picture stands for block pixels
    middle = float(resize_points(np.zeros(1), block)[0])
    return block, np.array([[block, 0, middle], [0, block, middle]])


def _resample(images, matrix, factor: float, output, colours, finish):
    """``(N, 3, h, w)`` floats: cut, coloured; if `finish`, normalised."""
    images = images.float() / 255
    block, enlarge = _averaged(factor)
    if block > 1:
        images = F.avg_pool2d(images, block)
        matrix = compose(matrix, matrix.new_tensor(enlarge))
    images = warp_batch(images, matrix, output)
    if colours is not None:
        offset = images.mean((1, 2, 3)) * colours.lift
        images = torch.baddbmm(
            offset[:, None, None], colours.matrix, images.flatten(2)
        ).view_as(images)
    return normalise(images.clamp(0, 1)) if finish else images


def _resample_on_cpu(images, matrix, factor: float, output, colours, finish):
    """The same picture by picture, several times as fast on a CPU.

    OpenCV mixes the pixels, as bytes. One matrix then does colours and
    normalisation. (`_resample` walks through floats that no cache holds.)
    """
    w, h = output
    pictures = images.permute(0, 2, 3, 1).contiguous().numpy()
    block, enlarge = _averaged(factor)
    matrix = compose(matrix.double(), torch.tensor(enlarge)).numpy()
    result = torch.empty(len(pictures), 3, h, w)
    planes = result.numpy().reshape(len(pictures), 3, h * w)
    change = np.zeros((len(pictures), 3, 3))
    change[:] = np.eye(3) if colours is None else colours.matrix.numpy()
    lift = np.zeros(len(pictures)) if colours is None else colours.lift.numpy()
    mean, std = (
        np.array(v if finish else neutral)
        for v, neutral in ((MEAN, [0, 0, 0]), (STD, [1, 1, 1]))
    )
    low, high = (((edge - mean) / std)[:, None].astype(np.float32) for edge in (0, 1))

    def some(chosen):
        # A fourth channel, because OpenCV 5 is twice as fast on four; then
        # a fourth row of ones, for what is added to the colours.
        cut = np.empty((h, w, 4), np.uint8)
        channels = np.empty((4, h * w), np.uint8)
        floats = np.ones((4, min(_AT_ONCE, h * w)), np.float32)
        for i in chosen:
            picture = pictures[i]
            if block > 1:
                side_y, side_x = (n // block for n in picture.shape[:2])
                picture = cv2.resize(
                    picture[: side_y * block, : side_x * block],
                    (side_x, side_y),
                    interpolation=cv2.INTER_AREA,
                )
            cv2.warpAffine(
                cv2.cvtColor(picture, cv2.COLOR_RGB2RGBA),
                matrix[i],
                (w, h),
                dst=cut,
                flags=cv2.INTER_LINEAR,
            )
            offset = lift[i] * sum(cv2.mean(cut)[:3]) / 3 / 255 - mean
            affine = np.c_[change[i] / 255, offset] / std[:, None]
            affine = affine.astype(np.float32)
            cv2.split(cut, list(channels.reshape(4, h, w)))
            for first in range(0, h * w, _AT_ONCE):
                part = planes[i, :, first : first + _AT_ONCE]
                old = floats[:, : part.shape[1]]
                old[:3] = channels[:3, first : first + _AT_ONCE]
                np.matmul(affine, old, out=part)
                if finish:
                    np.clip(part, low, high, out=part)

    workers = torch.get_num_threads()
    if workers == 1 or result.numel() < _WORTH_THREADS:
        some(range(len(pictures)))
    else:
        with ThreadPoolExecutor(workers) as pool:
            list(
                pool.map(
                    some,
                    (range(first, len(pictures), workers) for first in range(workers)),
                )
            )
    return result


def _disturb(images, u, noise, a: Augmentation) -> torch.Tensor:
    """Noise and a grey rectangle, on colours in 0...1."""
    _, _, h, w = images.shape
    if a.noise > 0:
        repeat = (1, -(-h // 64), -(-w // 64))
        field = noise.to(u.device).repeat(repeat)[:, :h, :w]
        images = images + (u[:, 17] * a.noise)[:, None, None, None] * field
    if a.erase_prob > 0:
        x = torch.arange(w, device=u.device)
        y = torch.arange(h, device=u.device)
        # middle anywhere, sides of 1/8 to 3/8 of the picture
        half = (1 + 2 * u[:, 14:16]) / 16
        across = (x / w - u[:, 12:13]).abs() < half[:, :1]
        down = (y / h - u[:, 13:14]).abs() < half[:, 1:]
        hidden = (
            (u[:, 11] < a.erase_prob)[:, None, None]
            & down[:, :, None]
            & across[:, None, :]
        )
        images = torch.where(hidden[:, None], u[:, 16][:, None, None, None], images)
    return images.clamp(0, 1)
