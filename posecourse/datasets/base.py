"""What every dataset gives: a `Person`, and how to get at its picture."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Protocol

import numpy as np

from ..geometry import Crop
from ..skeletons import Skeleton

__all__ = ["DatasetError", "Person", "PoseDataset"]


class DatasetError(ValueError):
    """A dataset's file says something that cannot be used.

    The message names the file, the record and, where it applies, the
    joint, and says what to do.
    """


@dataclass
class Person:
    """One labelled person of one picture.

    Attributes
    ----------
    image:
        The picture's name in its dataset, e.g. ``"005808361.jpg"``.
    keypoints:
        ``(K, 2)`` float64, pixels of the picture, 0-based; NaN where a
        joint is not labelled.
    visible:
        ``(K,)`` uint8: 0 not labelled, 1 labelled but hidden, 2 visible.
        A source that does not tell hidden from visible says 2.
    center, scale:
        MPII's person position (0-based) and size (height / 200 px);
        `crop` turns them into the standard window. A dataset with boxes
        derives them.
    head_size:
        The unit of PCKh, pixels: 0.6 times the head box's diagonal.
        NaN where unknown.
    box:
        ``(x, y, width, height)`` of the person, pixels, or None.
    area:
        The person's area in square pixels (for OKS), or NaN.
    id:
        Unique in the dataset, e.g. ``"valid/12"``.
    extra:
        What else a dataset knows (3-D joints, an annotation id, ...).
    """

    image: str
    keypoints: np.ndarray
    visible: np.ndarray
    center: tuple[float, float]
    scale: float
    head_size: float = float("nan")
    box: tuple[float, float, float, float] | None = None
    area: float = float("nan")
    id: str = ""
    extra: dict = field(default_factory=dict)

    def crop(self, output=256, **options) -> Crop:
        """The standard MPII window around this person."""
        return Crop.from_mpii(self.center, self.scale, output, **options)


class PoseDataset(Protocol):
    """What the rest of the package asks of a dataset.

    ``dataset[i]`` is a `Person`, in the dataset's own order;
    ``dataset.read_image(person)`` its picture, RGB uint8 ``(H, W, 3)``.
    """

    name: str
    skeleton: Skeleton

    def __len__(self) -> int: ...

    def __getitem__(self, index: int) -> Person: ...

    def read_image(self, person: Person) -> np.ndarray: ...
