"""Looking a dataset over before training on it for hours."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from ..images import ImageError
from .base import PoseDataset
from .mpii import MPII, MPIIGroundTruth
from .registry import open_dataset

__all__ = ["DatasetReport", "check"]


@dataclass
class DatasetReport:
    """What `check` found; prints itself.

    Attributes
    ----------
    name, people, pictures:
        The dataset, and how many people in how many pictures it has.
    missing_pictures, broken_pictures:
        Names of pictures that are not there; of those that are there and
        cannot be read (only looked for when asked).
    unlabelled:
        For each joint the share of people in whom it is not labelled.
    hidden:
        Share of the labelled joints that are hidden (0 as well where a
        dataset does not tell).
    outside_joints, outside_people:
        Share of labelled joints outside the standard window; share of
        people with such a joint.
    negative:
        Labelled joints left of or above the picture: real labels, which
        the popular test ``x > 0`` loses.
    not_finite:
        Labelled joints that are NaN or infinite.
    duplicates:
        People who are the same person once more (same picture, same
        joints).
    head_sizes:
        How many people have one.
    ground_truth:
        Findings about MPII's ``gt_valid.mat``, if it is there.
    """

    name: str
    people: int
    pictures: int
    missing_pictures: list[str]
    broken_pictures: list[str]
    unlabelled: dict[str, float]
    hidden: float
    outside_joints: float
    outside_people: float
    negative: int
    not_finite: int
    duplicates: list[str]
    head_sizes: int
    ground_truth: dict = field(default_factory=dict)

    @property
    def unlabelled_pairs(self) -> dict[str, float]:
        """As `unlabelled`, left and right together: ``{"ankle": ...}``."""
        sides = {}
        for joint, share in self.unlabelled.items():
            name = joint.removeprefix("left_").removeprefix("right_")
            sides.setdefault(name, []).append(share)
        return {name: float(np.mean(s)) for name, s in sides.items()}

    @property
    def ok(self) -> bool:
        """Nothing that would make training or scoring go wrong."""
        return not (
            self.missing_pictures
            or self.broken_pictures
            or self.not_finite
            or self.ground_truth.get("order_error")
        )

    def __str__(self):
        here = self.pictures - len(self.missing_pictures)
        lines = [
            f"{self.name}: {self.people:,} people in {self.pictures:,} pictures",
            f"  pictures here      {here:,} of {self.pictures:,}"
            + _some(self.missing_pictures, "missing"),
        ]
        if self.broken_pictures:
            lines.append(
                f"  broken pictures    {len(self.broken_pictures)}"
                + _some(self.broken_pictures, "broken")
            )
        pairs = sorted(self.unlabelled_pairs.items(), key=lambda p: -p[1])
        lines.append(
            "  not labelled       "
            + ", ".join(f"{name} {share:.1%}" for name, share in pairs)
        )
        lines += [
            "  hidden             "
            + (
                f"{self.hidden:.1%} of the labelled joints"
                if self.hidden
                else "this dataset does not say"
            ),
            f"  outside the window {self.outside_joints:.2%} of the "
            f"labelled joints, in {self.outside_people:.2%} of the people",
            f"  left of or above   {self.negative} labelled joints lie "
            "outside the picture (labels, not mistakes)",
            f"  not finite         {self.not_finite} labelled joints",
            f"  duplicates         {len(self.duplicates)}"
            + _some(self.duplicates, "e.g."),
            f"  head sizes         {self.head_sizes:,} of {self.people:,}",
        ]
        for key, value in self.ground_truth.items():
            lines.append(f"  {key.replace('_', ' '):<18} {value}")
        return "\n".join(lines)


def _some(names, word: str) -> str:
    return f" ({word} {names[0]}{', ...' if len(names) > 1 else ''})" if (names) else ""


def check(
    dataset: PoseDataset | str | Path, split: str = "valid", decode: bool = False
) -> DatasetReport:
    """Look a dataset over. Missing pictures are reported, no error.

    Parameters
    ----------
    dataset:
        A dataset, or what `open_dataset` takes.
    split:
        For `open_dataset`.
    decode:
        Also read every picture that is there (minutes for MPII).
    """
    if isinstance(dataset, (str, Path)):
        dataset = open_dataset(dataset, split)
    people = [dataset[i] for i in range(len(dataset))]
    names = list(dict.fromkeys(p.image for p in people))
    missing, broken = _pictures(dataset, people, names, decode)
    keypoints = np.array([p.keypoints for p in people])
    visible = np.array([p.visible for p in people])
    labelled = visible > 0
    outside = labelled & _outside(people, keypoints)
    count = max(1, int(labelled.sum()))
    with np.errstate(invalid="ignore"):
        negative = labelled & (keypoints < 0).any(-1)
    return DatasetReport(
        name=dataset.name,
        people=len(people),
        pictures=len(names),
        missing_pictures=missing,
        broken_pictures=broken,
        unlabelled=dict(zip(dataset.skeleton.joints, (1 - labelled.mean(0)).tolist())),
        hidden=float((visible == 1).sum() / count),
        outside_joints=float(outside.sum() / count),
        outside_people=float(outside.any(1).mean()),
        negative=int(negative.sum()),
        not_finite=int((labelled & ~np.isfinite(keypoints).all(-1)).sum()),
        duplicates=_duplicates(people),
        head_sizes=int(np.isfinite([p.head_size for p in people]).sum()),
        ground_truth=_ground_truth(dataset),
    )


def _pictures(dataset, people, names, decode):
    pictures = getattr(dataset, "pictures", None)
    if pictures is None:  # drawn when asked for, so never missing
        return [], []
    missing = [name for name in names if name not in pictures]
    broken = []
    if decode:
        for name in sorted(set(names) - set(missing)):
            try:
                pictures.read(name)
            except ImageError:
                broken.append(name)
    return missing, broken


def _outside(people, keypoints):
    """``(N, K)`` whether a joint lies outside its standard window."""
    side = 2
    places = np.array(
        [person.crop(side).apply(joints) for person, joints in zip(people, keypoints)]
    )
    with np.errstate(invalid="ignore"):
        return ((places < -0.5) | (places > side - 0.5)).any(-1)


def _duplicates(people) -> list[str]:
    seen, again = set(), []
    for p in people:
        key = (p.image, p.center, p.scale, p.visible.tobytes(), p.keypoints.tobytes())
        if key in seen:
            again.append(p.id)
        seen.add(key)
    return again


def _ground_truth(dataset) -> dict:
    """Compare MPII's validation split with ``gt_valid.mat`` beside it."""
    if not isinstance(dataset, MPII) or dataset.split != "valid":
        return {}
    path = dataset.annotations.with_name("gt_valid.mat")
    if not path.is_file():
        return {}
    truth = MPIIGroundTruth.read(path)
    try:
        truth.check_order(dataset)
    except ValueError as error:
        return {"order_error": str(error)}
    ours = np.array([p.head_size for p in dataset])
    apart = np.linalg.norm(
        np.array([p.keypoints for p in dataset]) - truth.keypoints, axis=-1
    )
    with np.errstate(invalid="ignore"):
        differ = int((apart > 0.5).sum())
    return {
        "ground_truth": f"{len(truth):,} people, in the same order",
        "head_deviation": float(np.abs(ours / truth.head_size - 1).max()),
        "joints_that_differ": differ,
    }
