"""What every dataset gives: a `Person`, and how to get at its picture."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import NamedTuple, Protocol

import numpy as np

from ..geometry import Crop
from ..skeletons import Skeleton, get_skeleton, remap

__all__ = ["DatasetError", "DatasetWarning", "Person", "PoseDataset", "Skipped"]


class DatasetError(ValueError):
    """A dataset's file says something that cannot be used.

    The message names the file, the record and, where it applies, the
    joint, and says what to do.
    """


class DatasetWarning(UserWarning):
    """Something about a dataset that was mended, left out or assumed."""


class Skipped(NamedTuple):
    """A record of an annotation file that cannot be used.

    Attributes
    ----------
    record:
        Which one, e.g. ``"annotation 7"``.
    reason:
        What is wrong with it.
    """

    record: str
    reason: str

    def __str__(self):
        return f"{self.record}: {self.reason}"


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
    skeleton:
        What the rows of `keypoints` are; None where nobody said.
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
    skeleton: Skeleton | None = None

    def crop(self, output=256, **options) -> Crop:
        """The standard MPII window around this person."""
        return Crop.from_mpii(self.center, self.scale, output, **options)

    def as_skeleton(self, skeleton: Skeleton | str) -> Person:
        """The same person in the joints of another skeleton.

        Joints are matched by name. One that this person lacks is not
        labelled; nothing is invented. Raises ValueError if the person's own
        skeleton is not known or has no joint of the other.
        """
        target = get_skeleton(skeleton)
        if self.skeleton is None:
            raise ValueError(
                f"person {self.id!r} does not say which joints its keypoints are; "
                "set its attribute skeleton"
            )
        require_common_joints(self.skeleton, target)
        keypoints, visible = remap(self.keypoints, self.visible, self.skeleton, target)
        return replace(self, keypoints=keypoints, visible=visible, skeleton=target)


def require_common_joints(source: Skeleton, target: Skeleton):
    """Raise ValueError if no joint of one is a joint of the other."""
    if not set(source.canonical) & set(target.canonical):
        raise ValueError(
            f"the skeletons {source.name} ({', '.join(source.joints)}) and "
            f"{target.name} ({', '.join(target.joints)}) have no joint in common"
        )


class PoseDataset(Protocol):
    """What the rest of the package asks of a dataset.

    ``dataset[i]`` is a `Person`, in the dataset's own order;
    ``dataset.read_image(person)`` its picture, RGB uint8 ``(H, W, 3)``.
    """

    name: str
    skeleton: Skeleton

    def __len__(self) -> int: ...

    def __getitem__(self, index: int) -> Person: ...

    def read_image(self, person: Person) -> np.ndarray:
        """The person's picture, ``(H, W, 3)`` uint8 RGB."""
        ...
