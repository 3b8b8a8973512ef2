"""The MPII Human Pose dataset, in the three forms in which people have it.

1. The release itself, ``mpii_human_pose_v1_u12_1.mat``.
2. One JSON file per split (``annot/valid.json``, ...), made for the
   published networks: ``image, center, scale, joints, joints_vis``.
3. One JSON file for all, ``mpii_annotations.json``: ``img_paths, objpos,
   scale_provided, joint_self, isValidation``.

Which one a file is is seen from its content. All of them count pixels from
1, as MATLAB does; **here, and nowhere else, 1 is subtracted.**

Scale and head size. MPII's `scale` is said to be "person height / 200 px".
Measured, it is the head: for each of the 2,958 validation people
``0.6 * diagonal of the head box`` (the unit of PCKh) is ``25 * scale``,
with a relative deviation below 1e-6. So PCKh can be computed without head
boxes, and in the standard window, 250 * scale wide, the unit is a tenth of
the side. (It also means that a network which is shown the standard window
has been told the size of the head.)
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from .. import skeletons
from ..images import PictureFolder
from .annotated import AnnotatedDataset
from .base import DatasetError, Person
from .parsing import (
    Records,
    as_numbers,
    check_keypoints,
    check_position,
    get_field,
    keypoint_box,
    kind_of,
    load_json,
    load_mat,
    position_from_box,
    split_name,
)
from .pictures import find_pictures, picture_name, places_in

__all__ = ["HEAD_PER_SCALE", "MPII", "MPIIGroundTruth"]

# Head size in pixels of a person of scale 1; see the module's docstring.
HEAD_PER_SCALE = 25.0
# Head size per diagonal of the head box (from the official evaluation).
HEAD_PER_DIAGONAL = 0.6
# MPII drew a head box and put the upper neck and the head top into it,
# 0.8 diagonals apart. A file in MPII's form in which this does not hold
# has its scale from elsewhere, and then 25 * scale is no head.
_NECK_TO_TOP = 0.8 / HEAD_PER_DIAGONAL * HEAD_PER_SCALE

_SPLITS = ("train", "valid", "trainval", "test")
_PER_SPLIT = (
    "annot/{}.json",
    "annotations/{}.json",
    "annotations/mpii_{}.json",
    "{}.json",
)
_FOR_ALL = (
    "annot/mpii_annotations.json",
    "mpii_annotations.json",
    "mpii_human_pose_v1_u12_1.mat",
    "annot/mpii_human_pose_v1_u12_1.mat",
    "mpii_human_pose_v1_u12_1/mpii_human_pose_v1_u12_1.mat",
    "mpii_human_pose_v1_u12_2/mpii_human_pose_v1_u12_1.mat",
)


class MPII(AnnotatedDataset):
    """People of MPII, one record per labelled person.

    Parameters
    ----------
    root:
        Folder with the annotations and ``images/`` (or ``images*.zip``).
    split:
        ``"train"`` (22,246 people), ``"valid"`` (2,958; the split of
        Tompson et al., CVPR 2015), ``"trainval"`` or ``"test"`` (no
        joints). The release knows only trainval and test: from the
        ``.mat``, train and valid need ``annot/valid.json`` beside it,
        and train then leaves out every picture of the validation split.
    annotations:
        A file, if it is not at one of the usual places under `root`. Of a
        file with one split only, `split` says which one it is.
    images:
        Folder of the pictures, if it is not ``images/`` under `root`.
    strict:
        Raise an error for a record that cannot be used, instead of leaving
        it out.

    Notes
    -----
    Visibility: the ``.mat`` and the one JSON for all tell hidden (1) from
    visible (2). In the JSON per split, ``joints_vis`` only says *labelled*,
    so it becomes 2. A joint is unlabelled where the file says so, never
    because a coordinate is zero or negative: some labelled joints lie
    outside their picture.

    `head_size` is taken from the head box, or is 25 * scale; NaN in a file
    in MPII's form whose scale was not made from heads.

    A record without centre or scale gets them from its joints' box.
    """

    def __init__(
        self,
        root,
        split: str = "valid",
        annotations=None,
        images=None,
        strict: bool = False,
    ):
        root = Path(root)
        split = split_name(split)
        if split not in _SPLITS:
            raise ValueError(f"MPII has the splits {', '.join(_SPLITS)}, not {split!r}")
        path = self.find(root, split) if annotations is None else Path(annotations)
        if path is None:
            raise FileNotFoundError(
                f"no MPII annotations for the split {split!r} in "
                f"{root}; looked for {', '.join(self.places(split))}"
            )
        records = Records(path, strict)
        people = _read_people(path, split, root, records)
        records.require(people, f"people in the split {split!r}")
        self.annotations = path
        folder, last = find_pictures(
            [person.image for person in people],
            places_in(images) if images else [root / "images"],
        )
        for person in people:
            person.image = picture_name(person.image, str(path), last)
        # Other datasets come in MPII's form too: the folder names them.
        super().__init__(
            f"{root.resolve().name}-{split}",
            skeletons.MPII,
            people,
            PictureFolder(folder),
            records.skipped,
            split=split,
        )

    @staticmethod
    def places(split: str) -> list[str]:
        """Where annotations are looked for, below the root."""
        names = ("valid", "val") if split == "valid" else (split,)
        return [place.format(name) for place in _PER_SPLIT for name in names] + list(
            _FOR_ALL
        )

    @classmethod
    def find(cls, root, split: str = "valid") -> Path | None:
        """The first annotation file that is there."""
        split = split_name(split)
        paths = (Path(root) / place for place in cls.places(split))
        return next((path for path in paths if _is_ours(path)), None)

    @classmethod
    def splits(cls, root) -> dict[str, Path]:
        """The annotation file of each split under `root`."""
        found = {split: cls.find(root, split) for split in _SPLITS}
        listed = any((Path(root) / place).is_file() for place in _validation_lists())
        return {
            split: path
            for split, path in found.items()
            if path is not None
            and not (split == "test" and kind_of(path) == "mpii-all")
            and not (
                split in ("train", "valid") and path.suffix == ".mat" and not listed
            )
        }


def _is_ours(path: Path) -> bool:
    """Whether a file of a usual name is there, and not another dataset's."""
    return path.is_file() and (
        path.suffix != ".json" or kind_of(path) not in ("coco", "aic")
    )


def _read_people(path: Path, split: str, root: Path, records: Records) -> list[Person]:
    if _is_mat(path):
        return _from_mat(path, split, root, records)
    content = load_json(path)
    if isinstance(content, dict) and "root" in content:
        content = content["root"]  # as jsonlab writes it
    if not isinstance(content, list) or not content:
        raise DatasetError(f"{path}: expected a list of people, and at least one")
    named = [set(record) for record in content if isinstance(record, dict)]
    if not named:
        raise DatasetError(f"{path}: record 0 is not an object")
    if any("joint_self" in names for names in named):
        reader = _from_all_json
    elif any("image" in names for names in named):
        reader = _from_split_json
    else:
        raise DatasetError(
            f"{path} is not an MPII annotation file: record 0 has neither "
            f"'image' nor 'joint_self' but {sorted(named[0])}"
        )
    people, number = [], 0
    for i, record in enumerate(content):
        with records.one(f"record {i}") as where:
            if reader is _from_all_json and not _in_split(record, split, where):
                continue
            number += 1  # of who is left out, too: lists of people count them
            person = reader(record, where)
            person.id = f"{split}/{number - 1}"
            people.append(person)
    return _with_head_sizes(people)


def _is_mat(path: Path) -> bool:
    if not path.is_file():
        raise FileNotFoundError(f"no annotation file {path}")
    with open(path, "rb") as handle:
        start = handle.read(16)
    # Text that is not MATLAB's goes to the JSON reader and its messages.
    return start.startswith((b"MATLAB", b"\x89HDF")) or (path.suffix == ".mat")


def _person(image, xy, visible, center, scale, where, **more) -> Person:
    """A record from what a file says, in 1-based pixels."""
    image = picture_name(image, where)
    keypoints, visible = check_keypoints(xy, visible, skeletons.MPII, where)
    keypoints -= 1
    if center is None or scale is None:
        box = keypoint_box(keypoints)
        if box is None:
            raise DatasetError(
                f"{where}: neither centre and scale nor a labelled joint"
            )
        center, scale = position_from_box(box, padding=1.1)
        more["extra"] = {**more.get("extra", {}), "derived_position": True}
    else:
        center, scale = check_position(center, scale, where)
        center = (center[0] - 1, center[1] - 1)
    return Person(image, keypoints, visible, center, scale, **more)


def _from_split_json(record, where) -> Person:
    image = get_field(record, "image", where)
    # The test split has no joints.
    xy, visible = np.full((16, 2), -1.0), np.zeros(16)
    if "joints" in record or "joints_vis" in record:
        xy = get_field(record, "joints", where)
        labelled = get_field(record, "joints_vis", where)
        visible = np.where(as_numbers(labelled, where, "joints_vis") == 1, 2, labelled)
    for name in ("center", "scale"):
        if name not in record:
            get_field(record, name, where)
    return _person(image, xy, visible, record["center"], record["scale"], where)


def _in_split(record, split: str, where) -> bool:
    if split == "test":
        return False
    if not isinstance(record, dict):
        raise DatasetError(f"{where}: not an object")
    valid = bool(record.get("isValidation", False))
    return split == "trainval" or valid == (split == "valid")


def _from_all_json(record, where) -> Person:
    joints = as_numbers(get_field(record, "joint_self", where), where, "'joint_self'")
    if joints.shape != (16, 3):
        raise DatasetError(
            f"{where}: 'joint_self' has the shape "
            f"{joints.shape}, not 16 joints of x, y, visible"
        )
    if not np.isfinite(joints[:, 2]).all():
        raise DatasetError(f"{where}: whether a joint is visible must be 0 or 1")
    # An unlabelled joint is 0, 0, 0; a hidden one has a place and 0.
    labelled = (joints != 0).any(1)
    visible = np.where(labelled, np.where(joints[:, 2] > 0, 2, 1), 0)
    extra: dict = {
        key: int(record[key])
        for key in ("annolist_index", "people_index")
        if key in record
    }
    size = record.get("img_width"), record.get("img_height")
    if all(isinstance(side, (int, float)) and side > 0 for side in size):
        extra["image_size"] = size
    return _person(
        get_field(record, "img_paths", where),
        joints[:, :2],
        visible,
        record.get("objpos"),
        record.get("scale_provided"),
        where,
        extra=extra,
    )


def _with_head_sizes(people: list[Person]) -> list[Person]:
    """Set 25 * scale as head size where the scale was made from heads."""
    top = skeletons.MPII.index("head_top")
    neck = skeletons.MPII.index("upper_neck")
    given = [p for p in people if "derived_position" not in p.extra]
    ratios = [
        np.hypot(*(p.keypoints[top] - p.keypoints[neck])) / p.scale
        for p in given
        if p.visible[top] and p.visible[neck]
    ]
    if not ratios or abs(np.median(ratios) / _NECK_TO_TOP - 1) < 0.01:
        for person in given:
            person.head_size = HEAD_PER_SCALE * person.scale
    return people


# --- the release ---------------------------------------------------------
#
# MATLAB structs in which almost everything may be missing: pictures without
# people, people without joints, scale or position, joints in any order with
# `is_visible` absent, empty, a number or a character.


def _field(struct, name: str):
    """A field's value; None where it is absent or empty."""
    value = getattr(struct, name, None)
    if isinstance(value, (np.ndarray, str)) and len(value) == 0:
        return None
    return value


def _items(value) -> list:
    """The elements of a struct array, of which one alone is no array."""
    if value is None:
        return []
    return list(np.atleast_1d(value))


def _from_mat(path: Path, split: str, root: Path, records: Records) -> list[Person]:
    variables = load_mat(path)
    release = variables.get("RELEASE")
    annolist = _items(_field(release, "annolist"))
    if not annolist:
        names = sorted(n for n in variables if not n.startswith("__"))
        raise DatasetError(
            f"{path} has no RELEASE.annolist, so it is not "
            f"MPII's release; it has {names}"
        )
    is_train = as_numbers(
        np.atleast_1d(_field(release, "img_train")), str(path), "img_train"
    )
    if len(is_train) != len(annolist):
        raise DatasetError(
            f"{path}: img_train does not have one entry for "
            f"each of the {len(annolist)} pictures"
        )
    if split == "test":
        single = _items(_field(release, "single_person"))
        people = _test_people(records, annolist, is_train, single)
    else:
        people = _labelled_people(records, annolist, is_train)
    if split in ("train", "valid"):
        people = _tompson_split(people, split, root, records)
    for i, person in enumerate(people):
        person.id = f"{split}/{i}"
    return people


def _labelled_people(records, annolist, is_train) -> list[Person]:
    people = []
    for i in np.flatnonzero(is_train):
        for r, rect in enumerate(_items(_field(annolist[i], "annorect"))):
            points = _items(_field(_field(rect, "annopoints"), "point"))
            if points:
                people += _release_people(records, annolist[i], rect, points, int(i), r)
    return people


def _test_people(records, annolist, is_train, single) -> list[Person]:
    """The people of the test pictures that stand clear of others."""
    people = []
    for i in np.flatnonzero(is_train == 0):
        rects = _items(_field(annolist[i], "annorect"))
        alone = single[i] if i < len(single) else []
        for r in np.atleast_1d(alone).astype(int) - 1:
            if r < len(rects) and None not in _position(rects[r]):
                people += _release_people(
                    records, annolist[i], rects[r], [], int(i), int(r)
                )
    return people


def _position(rect):
    """Centre and scale of a person, or None for what is missing."""
    place = _field(rect, "objpos")
    x, y = _field(place, "x"), _field(place, "y")
    center = None if x is None or y is None else (x, y)
    return center, _field(rect, "scale")


def _release_people(records, picture, rect, points, i, r) -> list[Person]:
    """The person as a list, which is empty if they cannot be used."""
    name = _field(_field(picture, "image"), "name")
    with records.one(f"annolist({i + 1}).annorect({r + 1}) of {name}") as where:
        return [_release_person(str(name), rect, points, i, r, where)]
    return []


def _release_person(name, rect, points, i, r, where) -> Person:
    xy = np.full((16, 2), np.nan)
    visible = np.zeros(16)
    for point in points:
        joint = _field(point, "id")
        if joint is None or not 0 <= int(joint) < 16:
            raise DatasetError(f"{where}: joint id {joint!r}, expected 0 to 15")
        xy[int(joint)] = float(point.x), float(point.y)
        visible[int(joint)] = _visibility(point)
    center, scale = _position(rect)
    # Numbers as in MATLAB, by which lists of people refer to the release.
    extra = {"annolist_index": i + 1, "people_index": r + 1}
    person = _person(name, xy, visible, center, scale, where, extra=extra)
    corners = [_field(rect, key) for key in ("x1", "y1", "x2", "y2")]
    if None not in corners:
        x1, y1, x2, y2 = map(float, corners)
        diagonal = math.hypot(x2 - x1, y2 - y1)
        if 0 < diagonal < 1e6:
            person.head_size = HEAD_PER_DIAGONAL * diagonal
    elif "derived_position" not in person.extra:
        person.head_size = HEAD_PER_SCALE * person.scale
    return person


def _visibility(point) -> int:
    """2, or 1 where the point says 0; who says nothing is visible."""
    value = _field(point, "is_visible")
    return 2 if value is None or int(value) else 1


def _validation_lists() -> list[str]:
    return [place.format(name) for place in _PER_SPLIT for name in ("valid", "val")]


def _tompson_split(people, split, root, records) -> list[Person]:
    """Train or valid, by the list of validation people in a JSON file."""
    places = [root / place for place in _validation_lists()]
    listed = next((p for p in places if p.is_file()), None)
    if listed is None:
        raise DatasetError(
            f"{records.path} does not say which people are for validation; put the "
            f"usual list at {places[0]}, or take the split 'trainval'"
        )
    beside = Records(listed, records.strict)
    wanted = _read_people(listed, "valid", root, beside)
    records.skipped += beside.skipped
    if split == "train":
        taken = {person.image for person in wanted}
        return [p for p in people if p.image not in taken]
    by_picture: dict[str, list[Person]] = {}
    for person in people:
        by_picture.setdefault(person.image, []).append(person)
    # In the order of the list: published predictions follow it.
    found = []
    for person in wanted:
        with records.one(f"{listed}, {person.id}") as where:
            found.append(_same_person(person, by_picture, where))
    return found


def _same_person(person, by_picture, where) -> Person:
    for other in by_picture.get(person.image, ()):
        if (
            np.abs(np.subtract(person.center, other.center)).max() < 1.0
            and abs(person.scale - other.scale) < 1e-3
        ):
            return other
    raise DatasetError(
        f"{where}: the release has no person at {person.center} in {person.image}"
    )


# --- ground truth of the official evaluation -----------------------------


@dataclass(frozen=True)
class MPIIGroundTruth:
    """What PCKh is computed against: the file ``gt_valid.mat``.

    The people are in the order of ``valid.json``; predictions in another
    order give a low number and no error, hence `check_order`.

    Attributes
    ----------
    keypoints:
        ``(N, 16, 2)`` pixels, 0-based, NaN where not labelled.
    visible:
        ``(N, 16)`` uint8, 2 labelled, 0 not (it does not tell hidden).
    head_size:
        ``(N,)`` pixels, 0.6 times the head box's diagonal.
    """

    keypoints: np.ndarray
    visible: np.ndarray
    head_size: np.ndarray

    @classmethod
    def read(cls, path) -> MPIIGroundTruth:
        """From a file with ``pos_gt_src, jnt_missing, headboxes_src``."""
        variables = load_mat(path)
        names = ("pos_gt_src", "jnt_missing", "headboxes_src")
        absent = [name for name in names if name not in variables]
        if absent:
            raise DatasetError(
                f"{path} is not the ground truth of MPII: it lacks {', '.join(absent)}"
            )
        xy, missing, boxes = (as_numbers(variables[n], str(path), n) for n in names)
        n = xy.shape[-1] if xy.ndim else 0
        if (
            xy.shape != (16, 2, n)
            or missing.shape != (16, n)
            or boxes.shape != (2, 2, n)
        ):
            raise DatasetError(
                f"{path}: unexpected shapes {xy.shape}, {missing.shape}, {boxes.shape}"
            )
        visible = np.where(missing.T > 0, 0, 2).astype(np.uint8)
        keypoints = np.where(visible[..., None] > 0, xy.transpose(2, 0, 1) - 1, np.nan)
        diagonal = np.linalg.norm(boxes[1] - boxes[0], axis=0)
        return cls(keypoints, visible, HEAD_PER_DIAGONAL * diagonal)

    def __len__(self) -> int:
        return len(self.keypoints)

    def check_order(self, dataset):
        """Raise `DatasetError` unless person i is person i of `dataset`.

        A few single joints differ between the published files, so people
        are compared by the median distance of their joints.
        """
        if len(dataset) != len(self):
            raise DatasetError(
                f"the ground truth has {len(self)} people, {dataset.name} "
                f"has {len(dataset)}; are they the same split?"
            )
        for i in range(len(self)):
            distance = np.linalg.norm(self.keypoints[i] - dataset[i].keypoints, axis=1)
            both = np.isfinite(distance)
            if both.any() and np.median(distance[both]) > 1:
                raise DatasetError(
                    f"person {i} of the ground truth is not person {i} of "
                    f"{dataset.name} ({dataset[i].image}): the order "
                    "differs, or one of the two files was changed"
                )
