"""Pictures of several people as arrays, and batches of them.

What `CropDataset` is for one person, `PeoplePictures` is for several: the
pictures in one array, and everybody's box and joints beside them. Drawn
scenes know everything. Photographs with one labelled person each become
pictures of several by pasting (`mosaics`).
"""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from typing import Any, NamedTuple

import cv2
import numpy as np
import torch

from ..geometry import affine_points, resize_points, warp_batch
from ..metrics import keypoint_boxes
from ..skeletons import MPII, Skeleton
from ..transforms import normalise

__all__ = [
    "PeopleBatch",
    "PeoplePictures",
    "SceneAugmentation",
    "draw",
    "make_people_batch",
    "mosaics",
]

_MOST = 8  # people in a picture
_BEYOND_JOINTS = 1.12  # a person is larger than the joints' box
# Of somebody of whom less than this is seen, nothing is asked.
_SEEN = 0.15
# Of somebody who is cut off by the picture's border, neither.
_LEFT = 0.35


@dataclass
class PeoplePictures:
    """Pictures, all of one size, with everybody in them.

    Attributes
    ----------
    images:
        ``(N, H, W, 3)`` uint8 RGB.
    boxes:
        ``(N, P, 4)`` (x, y, width, height), pixels: of the whole person,
        hidden parts too, within the picture. NaN where there is nobody.
    ignored:
        ``(N, P)``: who is hardly to be seen, so neither asked for nor wrong.
    keypoints, visible:
        ``(N, P, K, 2)``, NaN where not labelled, and ``(N, P, K)``.
    area:
        ``(N, P)`` square pixels, for OKS.
    skeleton:
        The joints.
    """

    images: np.ndarray
    boxes: np.ndarray
    ignored: np.ndarray
    keypoints: np.ndarray
    visible: np.ndarray
    area: np.ndarray
    skeleton: Skeleton = MPII

    def __len__(self) -> int:
        return len(self.images)

    @property
    def size(self) -> tuple[int, int]:
        """``(width, height)``, pixels."""
        return self.images.shape[2], self.images.shape[1]

    def people(self, picture: int) -> np.ndarray:
        """The numbers of those who are in a picture."""
        return np.flatnonzero(np.isfinite(self.boxes[picture, :, 0]))

    def __add__(self, other: PeoplePictures) -> PeoplePictures:
        if (self.size, self.skeleton) != (other.size, other.skeleton):
            raise ValueError(
                f"pictures of {self.size} with joints of {self.skeleton.name} and "
                f"of {other.size}, {other.skeleton.name} do not go together"
            )
        joined: dict[str, Any] = {
            f.name: np.concatenate([getattr(self, f.name), getattr(other, f.name)])
            for f in fields(self)
            if f.name != "skeleton"
        }
        return replace(self, **joined)


def _empty(count: int, size, skeleton: Skeleton) -> PeoplePictures:
    width, height = size
    joints = len(skeleton)
    return PeoplePictures(
        np.zeros((count, height, width, 3), np.uint8),
        np.full((count, _MOST, 4), np.nan, np.float32),
        np.zeros((count, _MOST), bool),
        np.full((count, _MOST, joints, 2), np.nan, np.float32),
        np.zeros((count, _MOST, joints), np.uint8),
        np.full((count, _MOST), np.nan, np.float32),
        skeleton,
    )


def draw(scenes) -> PeoplePictures:
    """Drawn scenes as arrays.

    Parameters
    ----------
    scenes:
        `SyntheticScenes`. Who is hidden almost wholly is ignored, who is
        outside the picture is left out.
    """
    made = _empty(scenes.pictures, scenes.size, scenes.skeleton)
    for number in range(scenes.pictures):
        scene = scenes.scene(number)
        made.images[number] = scene.image
        here = [p for p in scene.persons if p.extra["full_box"]]
        for slot, person in enumerate(here):
            made.boxes[number, slot] = person.extra["full_box"]
            made.ignored[number, slot] = person.extra["occluded"] > 1 - _SEEN
            made.keypoints[number, slot] = person.keypoints
            made.visible[number, slot] = person.visible
            made.area[number, slot] = max(person.area, 1)
    return made


# ---------------------------------------------------------------- mosaics


def mosaics(dataset, count: int, size=(192, 144), seed: int = 0) -> PeoplePictures:
    """Photographs of one labelled person each, pasted into larger pictures.

    One to six photographs of a dataset, whole and of any size, beside and
    partly over each other. Between them lie pieces of photographs without the
    labelled person: what looks like a photograph is not yet a person. A
    person's box is that of the joints, a little larger.

    Parameters
    ----------
    dataset:
        With one labelled person in a picture, such as LSPET in MPII's layout.
    size:
        ``(width, height)`` of the mosaics, pixels.
    """
    rng = np.random.default_rng(seed)
    made = _empty(count, size, dataset.skeleton)
    for number in range(count):
        canvas = made.images[number]
        canvas[:] = cv2.resize(_background(dataset, rng), size)
        columns, rows = ((1, 1), (2, 1), (3, 1), (2, 2), (3, 2))[rng.integers(5)]
        slot = 0
        for tile in rng.permutation(columns * rows):
            place = _tile(tile, columns, rows, size, rng)
            if rng.random() < 0.25:
                x, y, width, height = (int(v) for v in place)
                piece = cv2.resize(_background(dataset, rng), (width, height))
                canvas[y : y + height, x : x + width] = piece
                continue
            person = dataset[int(rng.integers(len(dataset)))]
            scale, corner = _paste(canvas, dataset.read_image(person), place)
            points = resize_points(person.keypoints, scale) + corner
            made.keypoints[number, slot] = points
            made.visible[number, slot] = person.visible
            box = _around(points, person.visible, size)
            made.boxes[number, slot] = box
            made.area[number, slot] = 0.53 * box[2] * box[3]
            slot += 1
    return made


def _tile(number: int, columns: int, rows: int, size, rng):
    """Where a photograph goes: its cell of the grid, shrunk and moved."""
    row, column = divmod(int(number), columns)
    cell = np.array(size) / (columns, rows)
    corner = np.array([column, row]) * cell
    share = rng.uniform(0.6, 1.0)
    corner = corner + (1 - share) * cell * rng.uniform(0, 1, 2)
    return (*corner, *(share * cell))


def _paste(canvas, picture, place):
    """Fit a picture into ``(x, y, width, height)``; how it was scaled, where it is."""
    x, y, width, height = place
    scale = min(width / picture.shape[1], height / picture.shape[0])
    shape = [max(2, round(n * scale)) for n in picture.shape[1::-1]]
    small = cv2.resize(picture, shape, interpolation=cv2.INTER_AREA)
    left = round(x + (width - shape[0]) / 2)
    top = round(y + (height - shape[1]) / 2)
    left = min(max(left, 0), canvas.shape[1] - shape[0])
    top = min(max(top, 0), canvas.shape[0] - shape[1])
    canvas[top : top + shape[1], left : left + shape[0]] = small
    factors = np.array(shape) / picture.shape[1::-1]
    return tuple(factors), np.array([left, top], float)


def _background(dataset, rng) -> np.ndarray:
    """The widest strip of a photograph beside its labelled person."""
    person = dataset[int(rng.integers(len(dataset)))]
    picture = dataset.read_image(person)
    height, width = picture.shape[:2]
    x, y, w, h = _around(person.keypoints, person.visible, (width, height))
    left, top, right, bottom = (round(v) for v in (x, y, x + w, y + h))
    strips = (picture[:, :left], picture[:, right:], picture[:top], picture[bottom:])
    widest = max(strips, key=lambda s: min(s.shape[:2]))
    if min(widest.shape[:2]) < 12:  # the person fills the picture
        return np.full((24, 24, 3), rng.integers(0, 256, 3), np.uint8)
    return np.ascontiguousarray(widest)


def _around(points, visible, size):
    """The joints' box, grown, within the picture."""
    x, y, w, h = grown(keypoint_boxes(points[None], visible[None])[0])
    left, top = max(x, 0), max(y, 0)
    return left, top, min(x + w, size[0]) - left, min(y + h, size[1]) - top


def grown(box):
    """The joints' box ``(x, y, width, height)`` with room for the person."""
    x, y, w, h = box
    more_w, more_h = w * (_BEYOND_JOINTS - 1), h * (_BEYOND_JOINTS - 1)
    return x - more_w / 2, y - more_h / 2, w + more_w, h + more_h


# ---------------------------------------------------------------- batches


@dataclass(frozen=True)
class SceneAugmentation:
    """How far a picture of several people may be changed.

    Pictures are not turned, so that boxes stay boxes.

    Parameters
    ----------
    scale:
        Least and most by which the picture is enlarged beyond filling the
        input, evenly on a logarithmic scale. What does not fit is cut off.
    flip:
        Probability of a mirror image.
    gain, contrast:
        Each colour's gain, and the contrast, are 1 - value ... 1 + value.
    grey:
        Probability of losing all colour.
    """

    scale: tuple[float, float] = (0.6, 1.5)
    flip: float = 0.5
    gain: float = 0.3
    contrast: float = 0.3
    grey: float = 0.1


class PeopleBatch(NamedTuple):
    """What a network that looks for several people is trained on.

    Attributes
    ----------
    images:
        ``(N, 3, h, w)`` float, normalised.
    boxes, ignored:
        ``(N, P, 4)``, pixels of `images`, NaN for nobody; ``(N, P)``.
    keypoints, visible:
        ``(N, P, K, 2)``, NaN where not labelled or outside; ``(N, P, K)``.
    """

    images: torch.Tensor
    boxes: torch.Tensor
    ignored: torch.Tensor
    keypoints: torch.Tensor
    visible: torch.Tensor


def make_people_batch(
    pictures: PeoplePictures,
    rows,
    input_size,
    augmentation: SceneAugmentation | None = None,
    generator: torch.Generator | None = None,
    device="cpu",
) -> PeopleBatch:
    """Some pictures, scaled to a network's input, with their people.

    Parameters
    ----------
    rows:
        ``(N,)`` numbers of pictures.
    input_size:
        ``(width, height)`` pixels. Not augmented, the picture fills it in one
        direction, from its upper left corner; the rest is black.
    generator:
        A CPU generator: the same state gives the same batch.
    """
    rows = np.asarray(rows)
    n, (w, h) = len(rows), input_size
    u = torch.rand(n, 9, generator=generator).to(device)
    linear, moved, flipped = _movement(u, pictures.size, input_size, augmentation)
    matrix = torch.zeros(n, 2, 3, device=device)
    matrix[:, [0, 1], [0, 1]], matrix[:, :, 2] = linear, moved
    images = torch.from_numpy(pictures.images[rows]).to(device)
    images = images.permute(0, 3, 1, 2).float() / 255
    images = normalise(_recoloured(warp_batch(images, matrix, (w, h)), u, augmentation))
    boxes, visible, points = (
        torch.from_numpy(getattr(pictures, name)[rows]).to(device)
        for name in ("boxes", "visible", "keypoints")
    )
    boxes, lost = _moved_boxes(boxes, matrix, (w, h))
    points = affine_points(points, matrix[:, None])
    order = list(pictures.skeleton.flip_permutation)
    points = torch.where(flipped[:, None, None, None], points[:, :, order], points)
    visible = torch.where(flipped[:, None, None], visible[:, :, order], visible)
    corner = points.new_tensor([w - 0.5, h - 0.5])
    inside = ((points >= -0.5) & (points <= corner)).all(-1) & (visible > 0)
    return PeopleBatch(
        images,
        boxes,
        torch.from_numpy(pictures.ignored[rows]).to(device) | lost,
        torch.where(inside[..., None], points, torch.nan),
        torch.where(inside, visible, 0),
    )


def _movement(u, size, input_size, augmentation):
    """Scales ``(N, 2)`` (x is negative where mirrored), shifts, who is mirrored."""
    size, target = u.new_tensor(size), u.new_tensor(input_size)
    fit = (target / size).min()
    if augmentation is None:
        scale = fit.expand(len(u), 1)
        corner = torch.zeros(len(u), 2, device=u.device)
        flipped = torch.zeros(len(u), dtype=torch.bool, device=u.device)
    else:
        low, high = augmentation.scale
        scale = fit * low * (high / low) ** u[:, :1]
        corner = (target - scale * size) * u[:, 1:3]
        flipped = u[:, 3] < augmentation.flip
    shift = (scale - 1) / 2 + corner  # as `geometry.resize_points`
    sign = torch.stack([torch.where(flipped, -1.0, 1.0), torch.ones_like(u[:, 0])], 1)
    mirror = torch.where(flipped, target[0] - 1, 0)
    shift = torch.stack([mirror + sign[:, 0] * shift[:, 0], shift[:, 1]], 1)
    return sign * scale, shift, flipped


def _recoloured(images, u, augmentation):
    """Colours in 0...1, changed picture by picture."""
    if augmentation is None:
        return images
    gain = 1 + (2 * u[:, 4:7] - 1) * augmentation.gain
    contrast = (1 + (2 * u[:, 7] - 1) * augmentation.contrast)[:, None, None, None]
    luma = images.mean(1, keepdim=True)
    grey = (u[:, 8] < augmentation.grey)[:, None, None, None]
    images = torch.where(grey, luma, images) * gain[:, :, None, None]
    mean = images.mean((1, 2, 3), keepdim=True)
    return (mean + (images - mean) * contrast).clamp(0, 1)


def _moved_boxes(boxes, matrix, size):
    """Boxes after the move, cut off at the border; who has all but left."""
    ends = torch.stack([boxes[..., :2], boxes[..., :2] + boxes[..., 2:]], -2)
    # an edge is not the middle of a pixel: pixel i reaches from i - 0.5 to i + 0.5
    ends = affine_points(ends - 0.5, matrix[:, None]) + 0.5
    low, high = ends.amin(-2), ends.amax(-2)
    whole = (high - low).prod(-1)
    edge = low.new_tensor(size)
    low, high = low.clamp(min=0), torch.minimum(high, edge)
    sides = high - low
    gone = ~((sides > 1).all(-1))  # NaN too
    boxes = torch.where(gone[..., None], torch.nan, torch.cat([low, sides], -1))
    return boxes, ~gone & (sides.prod(-1) < _LEFT * whole)
