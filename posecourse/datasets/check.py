"""Looking a dataset over before training on it for hours."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from ..files import FileError
from ..images import ImageError
from ..images.decode import size_said
from ..skeletons import canonical_name
from .annotated import AnnotatedDataset
from .base import PoseDataset, Skipped
from .mpii import MPII, MPIIGroundTruth
from .registry import open_dataset

__all__ = ["DatasetReport", "check"]

# Labels a little outside are labels: a foot below the edge. More than this
# share of them are labels of another picture.
_TOO_MANY_OUTSIDE = 0.02


@dataclass
class DatasetReport:
    """What `check` found; prints itself.

    Attributes
    ----------
    name, people, pictures:
        The dataset, and how many people in how many pictures it has.
    missing_pictures, broken_pictures:
        Names of pictures that are not there; of those that are there and
        cannot be read (their pixels only when asked).
    other_pictures:
        What is wrong with pictures that are not as wide or high as their
        annotation says.
    turned_pictures:
        How many are turned upright, because they were labelled so.
    left_out:
        Crowds, and people without a label, who are not counted.
    skipped:
        Records that cannot be used.
    notes:
        What was mended or assumed.
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
    outside_picture:
        Share of labelled joints outside of the picture, on any side. A few
        are labels; many say that these are not the pictures that were
        labelled.
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
    other_pictures: list[str]
    turned_pictures: int
    left_out: dict[str, int]
    skipped: list[Skipped]
    notes: list[str]
    unlabelled: dict[str, float]
    hidden: float
    outside_joints: float
    outside_people: float
    negative: int
    outside_picture: float
    not_finite: int
    duplicates: list[str]
    head_sizes: int
    ground_truth: dict = field(default_factory=dict)

    @property
    def unlabelled_pairs(self) -> dict[str, float]:
        """As `unlabelled`, left and right together: ``{"ankle": ...}``."""
        sides: dict[str, list[float]] = {}
        for joint, share in self.unlabelled.items():
            name = canonical_name(joint).removeprefix("left_").removeprefix("right_")
            sides.setdefault(name, []).append(share)
        return {name: float(np.mean(s)) for name, s in sides.items()}

    @property
    def ok(self) -> bool:
        """Nothing that would make training or scoring go wrong."""
        return not (
            self.missing_pictures
            or self.broken_pictures
            or self.other_pictures
            or self.skipped
            or self.outside_picture > _TOO_MANY_OUTSIDE
            or self.not_finite
            or self.ground_truth.get("order_error")
        )

    def __str__(self):
        here = self.pictures - len(self.missing_pictures)
        pairs = sorted(self.unlabelled_pairs.items(), key=lambda p: -p[1])
        lines = {
            "pictures here": f"{here:,} of {self.pictures:,}"
            + _some(self.missing_pictures, "missing"),
            "broken pictures": f"{len(self.broken_pictures)}"
            + _some(self.broken_pictures, "broken"),
            "other pictures": f"{len(self.other_pictures)} are not as large as their "
            f"annotation says{_some(self.other_pictures, '')}",
            "turned upright": f"{self.turned_pictures:,}, as they were labelled",
            "not counted": ", ".join(
                f"{n:,} {kind}" for kind, n in self.left_out.items()
            ),
            "records left out": f"{len(self.skipped)}" + _some(self.skipped, ""),
            "not labelled": ", ".join(f"{name} {share:.1%}" for name, share in pairs),
            "hidden": f"{self.hidden:.1%} of the labelled joints"
            if self.hidden
            else "this dataset does not say",
            "outside the window": f"{self.outside_joints:.2%} of the labelled joints, "
            f"in {self.outside_people:.2%} of the people",
            "left of or above": f"{self.negative} labelled joints lie "
            "outside the picture (labels, not mistakes)",
            "outside": f"{self.outside_picture:.2%} of the labelled joints lie beyond "
            "an edge of the picture"
            + (
                ": are these the pictures that were labelled?"
                if self.outside_picture > _TOO_MANY_OUTSIDE
                else ""
            ),
            "not finite": f"{self.not_finite} labelled joints",
            "duplicates": f"{len(self.duplicates)}" + _some(self.duplicates, "e.g."),
            "head sizes": f"{self.head_sizes:,} of {self.people:,}",
            **{key.replace("_", " "): v for key, v in self.ground_truth.items()},
        }
        for name, found in (
            ("broken pictures", self.broken_pictures),
            ("other pictures", self.other_pictures),
            ("turned upright", self.turned_pictures),
            ("not counted", self.left_out),
            ("records left out", self.skipped),
        ):
            if not found:
                del lines[name]
        return "\n".join(
            [f"{self.name}: {self.people:,} people in {self.pictures:,} pictures"]
            + [f"  {name:<18} {text}" for name, text in lines.items()]
            + [f"  note: {note}" for note in self.notes]
        )


def _some(names, word: str) -> str:
    if not names:
        return ""
    return f" ({word} {names[0]}{', ...' if len(names) > 1 else ''})".replace("( ", "(")


def check(
    dataset: PoseDataset | str | Path,
    split: str | None = None,
    decode: bool = False,
    **options,
) -> DatasetReport:
    """Look a dataset over. Missing pictures are reported, no error.

    The headers of the pictures are read, and held against the width and
    height that the annotations say.

    Parameters
    ----------
    dataset:
        A dataset, or what `open_dataset` takes.
    split, options:
        For `open_dataset`.
    decode:
        Also read every picture that is there (minutes for MPII).
    """
    if isinstance(dataset, (str, Path)):
        dataset = open_dataset(dataset, split, **options)
    people = [dataset[i] for i in range(len(dataset))]
    pictures = _Pictures(dataset, people, decode)
    keypoints = np.array([p.keypoints for p in people])
    visible = np.array([p.visible for p in people])
    labelled = visible > 0
    outside = labelled & _outside(people, keypoints)
    count = max(1, int(labelled.sum()))
    with np.errstate(invalid="ignore"):
        negative = labelled & (keypoints < 0).any(-1)
        sizes = np.array(
            [pictures.sizes.get(p.image, (np.inf, np.inf)) for p in people]
        )
        # Some tools count pixels from 1, or their edges: that much is inside.
        beyond = labelled & ((keypoints < -1) | (keypoints > sizes[:, None])).any(-1)
    return DatasetReport(
        name=dataset.name,
        people=len(people),
        pictures=len(pictures.names),
        missing_pictures=pictures.missing,
        broken_pictures=pictures.broken,
        other_pictures=pictures.others,
        turned_pictures=pictures.turned,
        left_out=dict(getattr(dataset, "left_out", {})),
        skipped=list(getattr(dataset, "skipped", ())),
        notes=[*getattr(dataset, "notes", ()), *pictures.notes],
        unlabelled=dict(zip(dataset.skeleton.joints, (1 - labelled.mean(0)).tolist())),
        hidden=float((visible == 1).sum() / count),
        outside_joints=float(outside.sum() / count),
        outside_people=float(outside.any(1).mean()),
        negative=int(negative.sum()),
        outside_picture=float(beyond.sum() / count),
        not_finite=int((labelled & ~np.isfinite(keypoints).all(-1)).sum()),
        duplicates=_duplicates(people),
        head_sizes=int(np.isfinite([p.head_size for p in people]).sum()),
        ground_truth=_ground_truth(dataset),
    )


class _Pictures:
    """The pictures of people: which are missing, broken, or others.

    Pictures that are drawn when asked for are none of it.
    """

    def __init__(self, dataset, people, decode: bool):
        self.names = list(dict.fromkeys(p.image for p in people))
        self.missing: list[str] = []
        self.broken: list[str] = []
        self.others: list[str] = []
        self.sizes: dict[str, tuple[int, int]] = {}
        self.turned, self.undecided = 0, 0
        if not isinstance(dataset, AnnotatedDataset):
            return
        self.dataset = dataset
        for name in self.names:
            try:
                self._look_at(name)
                if decode:
                    dataset.pictures.read(name)
            except FileNotFoundError:
                self.missing.append(name)
            except (FileError, OSError):
                self.broken.append(name)

    @property
    def notes(self) -> list[str]:
        """What nobody can know."""
        if not self.undecided:
            return []
        note = (
            f"{self.undecided} pictures ask to be turned (EXIF), and the annotations "
            "do not say how wide they are: they are taken as they are stored"
        )
        return [note]

    def _look_at(self, name: str):
        header = self.dataset.pictures.header(name)
        turned = False
        try:
            turned = self.dataset.is_turned(header, name)
        except ImageError as error:
            self.others.append(str(error))
        self.turned += turned
        self.undecided += header.orientation > 1 and not self.dataset.knows_size(name)
        self.sizes[name] = size_said(header, turned)


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
    ours = np.array([p.head_size for p in dataset.people])
    apart = np.linalg.norm(
        np.array([p.keypoints for p in dataset.people]) - truth.keypoints, axis=-1
    )
    with np.errstate(invalid="ignore"):
        differ = int((apart > 0.5).sum())
    return {
        "ground_truth": f"{len(truth):,} people, in the same order",
        "head_deviation": float(np.abs(ours / truth.head_size - 1).max()),
        "joints_that_differ": differ,
    }
