"""Annotation files in COCO's form, checked and mended."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from ..skeletons import COCO, SKELETONS, Skeleton, get_skeleton
from .base import DatasetError, Skipped
from .parsing import (
    Records,
    as_numbers,
    check_box,
    check_keypoints,
    get_field,
    keypoint_box,
    load_json,
)

__all__ = ["COCOFile", "read_coco"]


@dataclass
class COCOFile:
    """A COCO annotation file that can be relied on; see `read_coco`.

    Attributes
    ----------
    path:
        The file.
    content:
        What is in it, as COCO's tools take it, but only annotations of the
        category with keypoints, and mended: every one has its own ``id``
        from 1 on, an ``area`` above 0, a ``bbox``, ``keypoints`` and the
        right ``num_keypoints``. The joints are in the file's order.
    skeleton:
        The joints in the file's order; `Skeleton.sigmas` go with them,
        COCO's by name wherever a joint stands.
    people:
        For each labelled person the record in `content` and the joints,
        ``(K, 2)`` and ``(K,)``, as `check_keypoints` gives them.
    left_out:
        How many crowds, people without a labelled joint, and things of other
        categories there are.
    skipped, notes:
        Records that cannot be used; what was mended or assumed.
    """

    path: Path
    content: dict
    skeleton: Skeleton
    people: list[tuple[dict, np.ndarray, np.ndarray]] = field(repr=False)
    left_out: dict[str, int]
    skipped: list[Skipped]
    notes: list[str]


def read_coco(
    path,
    skeleton: Skeleton | str | None = None,
    category: str | None = None,
    strict: bool = False,
) -> COCOFile:
    """A keypoint annotation file in COCO's form, checked and mended.

    What COCO's tools take for granted is made true: ids of annotations that
    repeat, are missing or below 1 are numbered anew; an area that is missing,
    0 or no number is that of the box; a box that is missing is that of the
    joints. Records that cannot be used are left out. All of it is said in
    `COCOFile.notes` and `COCOFile.skipped`, and the file stays as it is.

    Parameters
    ----------
    skeleton:
        What the joints are, where the file does not name them.
    category, strict:
        As in `COCOKeypoints`.

    Raises
    ------
    DatasetError
        If it is not such a file, or two pictures have the same id.
    """
    path = Path(path)
    content = _top(path)
    named, ids, others = _categories(content, category, path)
    notes: list[str] = []
    joints = _joints(named, content, skeleton, path, notes)
    records = Records(path, strict)
    images, lost = _images(content["images"], records)
    people, kept = [], []
    left_out: Counter[str] = Counter()
    for i, record in enumerate(content["annotations"]):
        with records.one(_record_name(i, record)) as where:
            if _is_other(record, ids, others, where):
                left_out["other categories"] += 1
                continue
            image = _image_of(record, images, lost, where)
            annotation, person = _annotation(record, image, joints, where)
            if person is None:
                left_out["crowds" if _is_crowd(record) else "unlabelled"] += 1
            else:
                people.append((annotation, *person))
            if annotation is not None:
                if annotation.get("category_id") is None:
                    annotation["category_id"] = named["id"] if named else 1
                kept.append((i, annotation))
    notes += _renumbered(kept) + _mended([annotation for annotation, *_ in people])
    content = {
        **content,
        "images": list(images.values()),
        "annotations": [annotation for _, annotation in kept],
        "categories": content.get("categories") or [{"id": 1, "name": "person"}],
    }
    return COCOFile(
        path, content, joints, people, dict(left_out), records.skipped, notes
    )


def _record_name(i: int, record) -> str:
    identity = record.get("id") if isinstance(record, dict) else None
    return f"annotation {i}" + ("" if identity is None else f" (id {identity!r:.20})")


def _top(path: Path) -> dict:
    content = load_json(path)
    first = content[0] if isinstance(content, list) and content else None
    if isinstance(first, dict) and {"image_id", "keypoints"} <= set(first):
        raise DatasetError(
            f"{path} is a list of results, not of labels; name the annotation file "
            "(person_keypoints_*.json)"
        )
    for key in ("annotations", "images"):
        if not isinstance(content, dict) or key not in content:
            raise DatasetError(f"{path} is not a COCO file: no {key!r} at its top")
        if not isinstance(content[key], list):
            raise DatasetError(
                f"{path}: {key!r} must be a list, it is a {type(content[key]).__name__}"
            )
    return content


def _categories(content, wanted, path) -> tuple[dict | None, set, set]:
    """The category that names the joints, or None; the ids of those that have
    the same joints; those of all others."""
    categories = content.get("categories") or []
    if not isinstance(categories, list):
        raise DatasetError(f"{path}: 'categories' must be a list")
    named: dict[tuple, list[dict]] = {}
    for i, category in enumerate(categories):
        where = f"{path}, category {i}"
        _key(get_field(category, "id", where), where)
        names = category.get("keypoints") or []
        if not isinstance(names, list) or not all(isinstance(n, str) for n in names):
            raise DatasetError(f"{where}: 'keypoints' must be a list of joints' names")
        if names and wanted in (None, category.get("name")):
            named.setdefault(tuple(names), []).append(category)
    found = _choose(named, wanted, path)
    if not found:
        if wanted is None:
            return None, set(), set()
        raise DatasetError(
            f"{path} has no category {wanted!r} with joints; it has "
            f"{', '.join(str(c.get('name')) for c in categories)}"
        )
    ids = {_key(category["id"], "") for category in found}
    return found[0], ids, {_key(category["id"], "") for category in categories} - ids


def _choose(named: dict[tuple, list[dict]], wanted, path) -> list[dict]:
    """Of the categories, by their joints, those that are meant."""
    people = [c for c in named.values() if any(x.get("name") == "person" for x in c)]
    found = people if len(named) > 1 else list(named.values())
    if len(found) == 1 or not named:
        return found[0] if found else []
    there = [str(x.get("name")) for c in named.values() for x in c]
    raise DatasetError(
        f"{path}: the categories {', '.join(there)} have different joints; say "
        "which one with category="
    )


def _joints(named, content, wanted, path, notes) -> Skeleton:
    """What the columns of the file's keypoints are."""
    if named is None:
        count = _columns(content["annotations"])
        if wanted is None and count not in (None, len(COCO)):
            raise DatasetError(
                f"{path} does not name its {count} joints (no category has "
                "'keypoints'); say what they are with skeleton="
            )
        notes.append(
            "the file does not name its joints; they are taken for those of "
            f"{get_skeleton(wanted or COCO).name}"
        )
        return get_skeleton(wanted or COCO)
    names = named["keypoints"]
    name = str(named.get("name") or path.stem)
    try:
        skeleton = Skeleton(name, names, _bones(named.get("skeleton"), names))
    except ValueError as error:
        raise DatasetError(f"{path}, category {name!r}: {error}") from None
    for known in SKELETONS.values():
        if set(known.canonical) != set(skeleton.canonical):
            continue
        if known.joints == skeleton.joints:
            return known
        notes.append(
            f"its joints are those of {known.name} in another order or spelling; "
            "they were sorted by name"
        )
        return Skeleton(known.name, names, known.bones, groups=known.groups)
    return skeleton


def _columns(annotations) -> int | None:
    for record in annotations:
        joints = record.get("keypoints") if isinstance(record, dict) else None
        if isinstance(joints, list) and joints:
            return len(joints) // 3
    return None


def _bones(pairs, names):
    """The category's bones, pairs of numbers from 1; None where unusable."""
    try:
        pairs = [(int(a), int(b)) for a, b in pairs or ()]
    except (TypeError, ValueError, OverflowError):
        return None
    first = 0 if any(0 in pair for pair in pairs) else 1
    places = [(a - first, b - first) for a, b in pairs]
    if not all(0 <= i < len(names) for pair in places for i in pair):
        return None
    return [(names[a], names[b]) for a, b in places if a != b] or None


def _key(identity, where: str) -> str:
    """An id as it is compared: 7, 7.0 and "7" are the same."""
    if isinstance(identity, float) and identity.is_integer():
        identity = int(identity)
    if isinstance(identity, bool) or not isinstance(identity, (int, str)):
        raise DatasetError(f"{where}: {identity!r} is no id")
    return str(identity)


def _images(images: list, records: Records) -> tuple[dict, dict]:
    """The pictures by id, and why those that cannot be used cannot."""
    found: dict[str, list[tuple[int, dict]]] = {}
    lost: dict[str, str] = {}
    for i, image in enumerate(images):
        with records.one(f"image {i}") as where:
            key = _key(get_field(image, "id", where), where)
            lost[key] = f"its picture, image {i}, cannot be used"
            if not isinstance(get_field(image, "file_name", where), str):
                raise DatasetError(f"{where}: 'file_name' must be a text")
            found.setdefault(key, []).append((i, image))
    for key, same in found.items():
        (i, one), (j, other) = same[0], same[-1]
        if one["file_name"] != other["file_name"]:
            # One of the two is wrong, and nobody can tell whose people are whose.
            raise DatasetError(
                f"{records.path}: image {i} ({one['file_name']}) and image {j} "
                f"({other['file_name']}) have the same id {key}, so nobody knows "
                "which of the two an annotation belongs to; give each its own id"
            )
    return {key: same[0][1] for key, same in found.items()}, lost


def _image_of(record, images: dict, lost: dict, where: str) -> dict:
    identity = get_field(record, "image_id", where)
    key = _key(identity, where)
    if key not in images:
        raise DatasetError(
            f"{where}: "
            + lost.get(key, f"no picture has its image_id {identity!r} as id")
        )
    return images[key]


def _is_other(record, ids: set, others: set, where: str) -> bool:
    """Whether an annotation is of a category without these joints."""
    if not isinstance(record, dict):
        raise DatasetError(f"{where}: not an object, but {record!r:.60}")
    if not ids or record.get("category_id") is None:
        return False
    key = _key(record["category_id"], where)
    if key not in ids | others:
        raise DatasetError(f"{where}: there is no category {record['category_id']!r}")
    return key not in ids


def _annotation(record: dict, image: dict, skeleton: Skeleton, where: str):
    """A record mended, and its joints, or None for who has none or is many."""
    k = len(skeleton)
    crowd = _is_crowd(record)
    fixed = {**record, "image_id": image["id"], "iscrowd": int(crowd)}
    joints = None
    if "keypoints" in record and not crowd:
        numbers = as_numbers(get_field(record, "keypoints", where), where, "keypoints")
        if numbers.size:
            if numbers.size != 3 * k:
                raise DatasetError(
                    f"{where}: {numbers.size} numbers for {numbers.size / 3:.4g} "
                    f"joints; {skeleton.name} has {k} joints with x, y and v each"
                )
            numbers = numbers.reshape(k, 3)
            keypoints, visible = check_keypoints(
                numbers[:, :2], numbers[:, 2], skeleton, where
            )
            joints = (keypoints, visible) if visible.any() else None
    if joints is None:
        return _ignored(fixed, k), None
    fixed["num_keypoints"] = int((joints[1] > 0).sum())
    if record.get("bbox") is None:
        fixed["bbox"], fixed["derived_box"] = list(keypoint_box(joints[0])), True
    else:
        fixed["bbox"] = list(check_box(record["bbox"], where))
    if not _is_area(record.get("area")):
        fixed["area"] = fixed["bbox"][2] * fixed["bbox"][3]
        fixed["derived_area"] = True
    return fixed, joints


def _is_crowd(record: dict) -> bool:
    """Some tools write "0" or null for no."""
    return str(record.get("iscrowd")).lower() not in ("0", "0.0", "false", "none", "")


def _is_area(value) -> bool:
    number = isinstance(value, (int, float)) and not isinstance(value, bool)
    return number and 0 < value <= 1e12


def _ignored(fixed: dict, k: int) -> dict | None:
    """A crowd or an unlabelled person, as the evaluation wants it, or None."""
    try:
        box = np.asarray(fixed.get("bbox"), dtype=np.float64)
    except (TypeError, ValueError, OverflowError):
        return None
    if box.shape != (4,) or not np.isfinite(box).all():
        return None
    fixed |= {"keypoints": [0] * (3 * k), "num_keypoints": 0, "bbox": box.tolist()}
    if not _is_area(fixed.get("area")):
        fixed["area"] = float(box[2] * box[3])
    return fixed


def _renumbered(annotations: list[tuple[int, dict]]) -> list[str]:
    """Give everyone an id of their own from 1 on; say so where they had none.

    `annotations` are with their place in the file.
    """
    seen: dict[int, int] = {}
    reason = ""
    for i, annotation in annotations:
        identity = annotation.get("id")
        if not isinstance(identity, int) or isinstance(identity, bool):
            reason = f"annotation {i} has {identity!r} as its id, which is no number"
        elif identity < 1:
            reason = f"annotation {i} has the id {identity}, below 1"
        elif identity in seen:
            reason = f"annotations {seen[identity]} and {i} have the same id {identity}"
        if reason:
            break
        seen[identity] = i
    if not reason:
        return []
    for number, (_, annotation) in enumerate(annotations, 1):
        annotation["id"] = number
    return [f"{reason}; all were numbered anew from 1, in the file's order"]


def _mended(people: list[dict]) -> list[str]:
    boxes = sum("derived_box" in annotation for annotation in people)
    areas = sum("derived_area" in annotation for annotation in people)
    notes = []
    if boxes:
        notes.append(f"{boxes} people have no box; that of their joints is taken")
    if areas:
        notes.append(
            f"{areas} people have no area above 0; that of their box is taken (OKS "
            "divides by it)"
        )
    return notes
