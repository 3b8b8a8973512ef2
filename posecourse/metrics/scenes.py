"""People and poses picture by picture, from every form that AP is given.

Whatever comes in - COCO's dictionaries or lists of persons - becomes `Scene`s
here, checked record by record. Annotation ids play no part in them, so that
ids that are missing, equal or 0 cannot spoil a score.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass

import numpy as np

from ..geometry import as_array
from ..skeletons import COCO, Skeleton
from .normalizers import keypoint_boxes

__all__ = ["Scene", "coco_scenes", "listed_scenes", "named_sigmas"]

# How much of its box a person's mask fills: CrowdPose's evaluation takes this
# where masks are not drawn.
MASK_OF_BOX = 0.53


@dataclass
class Scene:
    """The people of one category in one picture, and the poses predicted.

    Attributes
    ----------
    keypoints, labelled:
        ``(G, K, 2)`` pixels and ``(G, K)``.
    area, boxes:
        ``(G,)`` square pixels and ``(G, 4)``.
    ignored, crowd:
        ``(G,)``: persons who are neither gained nor lost (crowds, and those
        without labelled joints); crowds can be found any number of times.
    poses, scores:
        ``(D, K, 2)`` pixels and ``(D,)``.
    picture, category:
        Their numbers; a precision is computed for each category.
    place:
        Their ids, in COCO's form.
    """

    keypoints: np.ndarray
    labelled: np.ndarray
    area: np.ndarray
    boxes: np.ndarray
    ignored: np.ndarray
    crowd: np.ndarray
    poses: np.ndarray
    scores: np.ndarray
    picture: int
    category: int = 0
    place: tuple | None = None


def named_sigmas(truth, name: str = "truth") -> np.ndarray:
    """The OKS constants of the joints that a COCO file's category names.

    By name, whatever their order and spelling; ``(K,)``. A joint that COCO
    does not have gets the median of its constants, with a warning. COCO's own
    where no names are given and there are 17 joints.
    """
    skeletons = [
        Skeleton(f"{name}, categories[{i}]", category["keypoints"])
        for i, category in enumerate(_records(truth, "categories", name, ()))
        if category.get("keypoints")
    ]
    if not skeletons:
        count = {
            len(a["keypoints"]) // 3
            for a in _records(truth, "annotations", name)
            if isinstance(a.get("keypoints"), list)
        }
        if count == {len(COCO)}:
            return as_array(COCO.sigmas)
        raise ValueError(
            f"{name}: no category names its joints ('keypoints'), so that their "
            "OKS constants are not known; name them there, or give sigmas"
        )
    first = skeletons[0]
    if any(other.canonical != first.canonical for other in skeletons):
        raise ValueError(
            f"{name}: its categories have different joints; give sigmas, and "
            "score one category at a time"
        )
    if "median" in first.defaults["sigmas"]:
        warnings.warn(
            f"{name}: the OKS constants are {first.defaults['sigmas']}", stacklevel=2
        )
    return as_array(first.sigmas)


# ------------------------------------------------------------ COCO's form


def coco_scenes(truth, results, joints: int, names) -> list[Scene]:
    """Scenes from a COCO dictionary and a list of COCO results.

    Raises ValueError naming file (`names` of truth and results), record
    and field.
    """
    name, found_name = names
    pictures = _pictures(truth, name)
    categories = _categories(truth, name)
    people: dict[tuple, list[dict]] = {}
    annotations = _records(truth, "annotations", name)
    if not annotations:
        raise ValueError(f"nobody to find: {name} has no annotations")
    _same_ids(annotations, name)
    guessed = 0
    for i, record in enumerate(annotations):
        where = f"{name}, annotations[{i}]" + (
            f" (id {record['id']})" if "id" in record else ""
        )
        key = _place(record, pictures, categories, where, name)
        person, from_box = _person(record, joints, where)
        guessed += from_box
        people.setdefault(key, []).append(person)
    _say_guessed(guessed, len(annotations), name)
    _say_boxes_only(annotations, name)
    if all(person["ignored"] for group in people.values() for person in group):
        raise ValueError(
            f"nobody to find: no person of {name} has labelled joints (is it a file "
            "of boxes? keypoints are in person_keypoints_*.json)"
        )
    poses: dict[tuple, list[tuple]] = {}
    if not isinstance(results, (list, tuple)):
        raise ValueError(
            f"{found_name}: COCO results are a list of poses, not "
            f"{type(results).__name__}"
        )
    for i, record in enumerate(results):
        where = f"{found_name}, record {i}"
        _is_record(record, where)
        key = _place(record, pictures, categories, where, name)
        poses.setdefault(key, []).append(_pose(record, joints, where))
    there = people.keys() | poses.keys()
    return [
        _scene(
            people.get((picture, category), []),
            poses.get((picture, category), []),
            joints,
            number,
            categories[category],
            (picture, category),
        )
        for picture, number in sorted(pictures.items(), key=lambda item: item[1])
        for category in categories
        if (picture, category) in there
    ]


def _records(content, field: str, name: str, default=None):
    if not isinstance(content, dict):
        raise ValueError(
            f"{name} is not a COCO annotation file: a dictionary with "
            f"'images' and 'annotations', not {type(content).__name__}"
        )
    records = content.get(field, default)
    if records is None:
        there = ", ".join(map(str, content)) or "nothing"
        raise ValueError(
            f"{name} is not a COCO annotation file: no {field!r}; it has {there}"
        )
    if not isinstance(records, (list, tuple)):
        raise ValueError(f"{name}: {field!r} must be a list")
    for i, record in enumerate(records):
        _is_record(record, f"{name}, {field}[{i}]")
    return records


def _is_record(record, where: str) -> None:
    if not isinstance(record, dict):
        raise ValueError(f"{where}: a dictionary is expected, not {record!r:.60}")


def _pictures(truth, name: str) -> dict:
    """Picture id -> its place in the order in which equal scores count."""
    seen: dict = {}
    for i, record in enumerate(_records(truth, "images", name)):
        where = f"{name}, images[{i}]"
        key = _key(record, "id", where)
        if key in seen:
            first = truth["images"][seen[key]].get("file_name", "no name")
            raise ValueError(
                f"{where} ({record.get('file_name', 'no name')}) and "
                f"images[{seen[key]}] ({first}) have the same id {key!r}; which "
                "of them people and poses belong to cannot be told. Give one of "
                "them its own id"
            )
        seen[key] = i
    if all(isinstance(key, (int, float)) for key in seen):  # as COCO's evaluator
        return {key: i for i, key in enumerate(sorted(seen))}
    return seen


def _categories(truth, name: str) -> dict:
    """Category id -> its number. A file without categories has one, 1."""
    records = _records(truth, "categories", name, ())
    keys = [_key(r, "id", f"{name}, categories[{i}]") for i, r in enumerate(records)]
    return {key: i for i, key in enumerate(dict.fromkeys(keys or [1]))}


def _key(record, field: str, where: str):
    value = _field(record, field, where)
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        raise ValueError(
            f"{where}: {field!r} must be a number or a name, not {value!r}"
        )
    return value


def _field(record, field: str, where: str):
    value = record.get(field)
    if value is None:
        what = "is null" if field in record else "is missing"
        raise ValueError(
            f"{where}: {field!r} {what}; it has {', '.join(map(str, record))}"
        )
    return value


def _place(record, pictures, categories, where: str, name: str):
    picture = _key(record, "image_id", where)
    if picture not in pictures:
        example = next(iter(pictures), None)
        raise ValueError(
            f"{where}: picture {picture!r} is not among the {len(pictures)} of "
            f"{name}, whose ids are like {example!r}"
        )
    category = _key(record, "category_id", where)
    if category not in categories:
        raise ValueError(
            f"{where}: category {category!r} is not in {name}, which has "
            f"{', '.join(map(repr, categories))}"
        )
    return picture, category


def _same_ids(annotations, name: str) -> None:
    """Say that two records have one id; both count, ids are not used."""
    seen: dict = {}
    for i, record in enumerate(annotations):
        key = repr(record.get("id"))
        if "id" in record and key in seen:
            warnings.warn(
                f"{name}: annotations[{seen[key]}] and annotations[{i}] have the "
                f"same id {key}; ids are not used, and both persons count",
                stacklevel=5,
            )
            return
        seen[key] = i


def _say_boxes_only(annotations, name: str) -> None:
    bare = [i for i, a in enumerate(annotations) if a.get("keypoints") is None]
    if bare:
        warnings.warn(
            f"{name}: {len(bare)} of {len(annotations)} persons have no keypoints, "
            f"the first is annotations[{bare[0]}]; they are neither gained nor lost",
            stacklevel=5,
        )


def _person(record, joints: int, where: str):
    """A person, and whether its area had to be taken from its box."""
    points = np.zeros((joints, 3))
    if record.get("keypoints") is not None:  # box only: nothing labelled
        points = _triples(record["keypoints"], joints, where)
    return _as_person(
        points[:, :2],
        points[:, 2],
        record.get("area"),
        record.get("bbox"),
        bool(record.get("iscrowd")),
        where,
    )


def _triples(values, joints: int, where: str) -> np.ndarray:
    """COCO's ``x, y, v`` per joint as ``(K, 3)``."""
    try:
        numbers = as_array(values)
    except (TypeError, ValueError):
        raise ValueError(f"{where}: 'keypoints' are not all numbers") from None
    if numbers.size != 3 * joints:
        raise ValueError(
            f"{where}: {numbers.size} keypoint numbers, but {joints} joints need "
            f"{3 * joints}: x, y, v each"
        )
    return numbers.reshape(joints, 3)


def _pose(record, joints: int, where: str):
    points = _triples(_field(record, "keypoints", where), joints, where)[:, :2]
    return _finite(points, where), _score(record, where)


def _score(record, where: str) -> float:
    value = _field(record, "score", where)
    try:
        if isinstance(value, str):
            raise TypeError
        value = float(as_array(value))
    except (TypeError, ValueError):
        raise ValueError(f"{where}: 'score' must be a number, not {value!r}") from None
    if not np.isfinite(value):
        raise ValueError(f"{where}: the score {value} is not finite")
    return value


def _finite(points, where: str):
    bad = ~np.isfinite(points).all(-1)
    if bad.any():
        joint = int(np.argmax(bad))
        raise ValueError(
            f"{where}: joint {joint} at {points[joint].tolist()} is not finite; AP "
            "needs a place for every joint, leave the pose out or give one"
        )
    return points


# ---------------------------------------------------------- lists of persons


def listed_scenes(truth, detections, joints: int, names) -> list[Scene]:
    """Scenes from a list of persons and a list of poses per picture."""
    if len(truth) != len(detections):
        raise ValueError(
            f"{names[0]} has {len(truth)} pictures, {names[1]} {len(detections)}"
        )
    scenes, guessed, count = [], 0, 0
    for i, (people, poses) in enumerate(zip(truth, detections)):
        persons = []
        for n, person in enumerate(people):
            where = f"{names[0]}, picture {i}, person {n}"
            _is_record(person, where)
            points = _pairs(_field(person, "keypoints", where), joints, where)
            visible = person.get("visible")
            visible = (
                np.isfinite(points).all(-1) if visible is None else as_array(visible)
            )
            visible = visible * np.isfinite(points).all(-1)
            one, from_box = _as_person(
                points,
                visible,
                person.get("area"),
                person.get("box"),
                bool(person.get("crowd")),
                where,
            )
            persons.append(one)
            guessed, count = guessed + from_box, count + 1
        found = []
        for n, pose in enumerate(poses):
            where = f"{names[1]}, picture {i}, pose {n}"
            _is_record(pose, where)
            points = _pairs(_field(pose, "keypoints", where), joints, where)
            found.append((_finite(points, where), _score(pose, where)))
        scenes.append(_scene(persons, found, joints, i))
    _say_guessed(guessed, count, names[0])
    if all(scene.ignored.all() for scene in scenes):
        raise ValueError(f"nobody to find: no person of {names[0]} has labelled joints")
    return scenes


def _pairs(values, joints: int, where: str) -> np.ndarray:
    points = as_array(values)
    if points.shape != (joints, 2):
        raise ValueError(
            f"{where}: keypoints {points.shape}, but there are {joints} sigmas; "
            f"({joints}, 2) is expected"
        )
    return points


# -------------------------------------------------------------- what both share


def _as_person(points, visible, area, box, crowd, where):
    labelled = visible > 0
    ignored = crowd or not labelled.any()
    bad = labelled & ~np.isfinite(points).all(-1)
    if bad.any():
        joint = int(np.argmax(bad))
        raise ValueError(
            f"{where}: joint {joint} is labelled, but at {points[joint].tolist()}"
        )
    box = _box(box, where)
    area = _number(area, "area", where)
    from_box = not (np.isfinite(area) and area > 0)
    if from_box:
        around = box if box is not None else keypoint_boxes(points, labelled)
        area = MASK_OF_BOX * around[2] * around[3]
    if not (np.isfinite(area) and area > 0):
        if not ignored:
            raise ValueError(
                f"{where}: neither 'area' nor the box says how large the person is, "
                "and OKS is relative to that"
            )
        area = np.spacing(1)
    return {
        "keypoints": np.where(labelled[:, None], points, 0),
        "labelled": labelled,
        "area": float(area),
        "boxes": np.zeros(4) if box is None else box,
        "ignored": ignored,
        "crowd": crowd,
    }, from_box and not ignored


def _box(box, where: str):
    if box is None:
        return None
    try:
        box = as_array(box)
    except (TypeError, ValueError):
        box = np.zeros(0)
    if box.shape != (4,):
        raise ValueError(f"{where}: a box is x, y, width, height, four numbers")
    return box


def _number(value, field: str, where: str) -> float:
    if value is None:
        return float("nan")
    try:
        if isinstance(value, str):
            raise TypeError
        return float(as_array(value))
    except (TypeError, ValueError):
        raise ValueError(
            f"{where}: {field!r} must be a number, not {value!r}"
        ) from None


def _say_guessed(guessed: int, count: int, name: str) -> None:
    if guessed:
        warnings.warn(
            f"{name}: {guessed} of {count} persons have no usable area; "
            f"{MASK_OF_BOX} of their box is taken, as a mask fills about so much "
            "of it. OKS and AP move with it",
            stacklevel=5,
        )


def _scene(
    people, poses, joints: int, picture: int, category: int = 0, place=None
) -> Scene:
    shapes = {
        "keypoints": (joints, 2),
        "labelled": (joints,),
        "area": (),
        "boxes": (4,),
        "ignored": (),
        "crowd": (),
    }
    kinds = {"labelled": bool, "ignored": bool, "crowd": bool}
    stacked = {
        field: np.array([p[field] for p in people], kinds.get(field, float)).reshape(
            len(people), *shape
        )
        for field, shape in shapes.items()
    }
    return Scene(
        **stacked,
        poses=np.array([p[0] for p in poses], float).reshape(-1, joints, 2),
        scores=np.array([p[1] for p in poses], float),
        picture=picture,
        category=category,
        place=place,
    )
