"""Everybody in a data set's pictures, and how well they were found.

>>> from posecourse.people import evaluate_people                # doctest: +SKIP
>>> print(evaluate_people(pipeline, scenes))                     # doctest: +SKIP
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from ..datasets import COCOKeypoints, Person
from ..datasets.coco_file import read_coco
from ..geometry import as_array
from ..inference import Predictor
from ..metrics import (
    Interval,
    constant_predictions,
    keypoint_ap_intervals,
    keypoint_boxes,
)
from ..skeletons import Skeleton
from .boxes import box_ap, match_boxes
from .grouping import filled
from .pictures import grown

__all__ = [
    "PeopleEvaluation",
    "detector_rates",
    "evaluate_people",
    "labelled_pictures",
    "person_box",
    "truth_of",
]

_HIDDEN = 0.85  # of whom more is hidden, nothing is asked
_COLUMNS = ("AP", "AP50", "AP75", "AR")


@dataclass
class PeopleEvaluation:
    """How well everybody was found. Prints itself, in percent.

    Attributes
    ----------
    rows:
        What was done -> `Interval` (fractions) of AP, AP50, AP75 and AR:
        ``"found"``; ``"true boxes"``, the same network where the people are;
        ``"mean pose"``, the mean pose in the true boxes, whoever is shown.
    boxes:
        AP at an overlap of 0.5, recall and false alarms a picture of the
        boxes; None where nothing detects boxes.
    pictures, people:
        How many.
    """

    rows: dict[str, dict[str, Interval]]
    boxes: dict[str, float] | None
    pictures: int
    people: int

    def to_dict(self) -> dict:
        """As JSON, in percent."""
        return {
            "unit": "percent",
            "pictures": self.pictures,
            "people": self.people,
            "keypoints": {
                name: {
                    key: [100 * value.value, 100 * value.low, 100 * value.high]
                    for key, value in row.items()
                }
                for name, row in self.rows.items()
            },
            "boxes": self.boxes
            and {
                key: value if key == "false_alarms" else 100 * value
                for key, value in self.boxes.items()
            },
        }

    def __str__(self) -> str:
        head = f"{'OKS, percent':14}" + "".join(f"{name:>22}" for name in _COLUMNS)
        lines = [f"{self.people} people in {self.pictures} pictures", head]
        for name, row in self.rows.items():
            cells = (
                f"{100 * row[c].value:.1f} ({100 * row[c].low:.1f}-"
                f"{100 * row[c].high:.1f})"
                for c in _COLUMNS
            )
            lines.append(f"{name:14}" + "".join(f"{cell:>22}" for cell in cells))
        if self.boxes:
            lines.append(
                f"boxes: AP50 {100 * self.boxes['ap50']:.1f}, recall "
                f"{100 * self.boxes['recall']:.1f}, false alarms a picture "
                f"{self.boxes['false_alarms']:.2f}"
            )
        return "\n".join(lines)


def labelled_pictures(dataset, limit: int | None = None) -> Iterator:
    """``(image, persons, ignored)`` for each picture of a data set.

    Those in which somebody is labelled, in the order of their first person.

    Parameters
    ----------
    dataset:
        Any of `posecourse.datasets`: drawn scenes, COCO's, MPII's.
    limit:
        Only so many.

    Yields
    ------
    RGB uint8; a list of `Person`; and ``(G, 4)``, the boxes of crowds and of
    people without labels, of a file in COCO's form.
    """
    groups: dict[str, list[Person]] = {}
    for i in range(len(dataset)):
        person = dataset[i]
        if person.image not in groups and len(groups) == limit:
            break
        groups.setdefault(person.image, []).append(person)
    others = _unlabelled(dataset)
    for persons in groups.values():
        identity = persons[0].extra.get("image_id")
        boxes = np.array(others.get(identity, [])).reshape(-1, 4)
        yield dataset.read_image(persons[0]), persons, boxes


def _unlabelled(dataset) -> dict:
    """Boxes by picture of those whom COCO's evaluation ignores."""
    boxes: dict = {}
    if isinstance(dataset, COCOKeypoints):
        for record in read_coco(dataset.annotations, dataset.skeleton).content[
            "annotations"
        ]:
            if record["iscrowd"] or not record["num_keypoints"]:
                boxes.setdefault(record["image_id"], []).append(record["bbox"])
    return boxes


def truth_of(persons, ignored, skeleton: Skeleton) -> list[dict]:
    """The people of a picture as `metrics.keypoint_ap` wants them.

    In the joints of `skeleton`, by name. Who is hidden almost wholly, and the
    boxes in `ignored`, are neither gained nor lost.
    """
    joints = len(skeleton)
    people = []
    for person in persons:
        person = person.as_skeleton(skeleton)
        people.append(
            {
                "keypoints": person.keypoints,
                "visible": person.visible,
                "area": person.area,
                "box": person_box(person),
                "crowd": person.extra.get("occluded", 0) > _HIDDEN,
            }
        )
    return people + [
        {
            "keypoints": np.full((joints, 2), np.nan),
            "area": box[2] * box[3],
            "box": box,
            "crowd": True,
        }
        for box in ignored
    ]


def person_box(person: Person):
    """``(x, y, width, height)``: of the whole person, where that is known (drawn
    people); else as labelled; else around the joints, a little larger."""
    if person.extra.get("full_box"):
        return person.extra["full_box"]
    if person.box is not None:
        return person.box
    return grown(keypoint_boxes(person.keypoints[None], person.visible[None])[0])


def detector_rates(found, people, threshold: float = 0.5) -> dict[str, float]:
    """AP, recall and false alarms a picture of boxes.

    Parameters
    ----------
    found:
        For each picture ``(boxes, scores)``: all that the detector says.
    people:
        For each picture ``(boxes, ignored)``.
    threshold:
        The overlap of a hit.
    """
    hits = [
        match_boxes(guesses, scores, boxes, ignored, threshold)
        for (guesses, scores), (boxes, ignored) in zip(found, people)
    ]
    total = sum(int((~np.asarray(ignored, bool)).sum()) for _, ignored in people)
    return {
        "ap50": box_ap(found, people, threshold),
        "recall": sum((h >= 0).sum() for h in hits) / total if total else np.nan,
        "false_alarms": float(sum((h == -1).sum() for h in hits) / len(found)),
    }


def evaluate_people(
    find,
    dataset,
    predictor: Predictor | None = None,
    limit: int | None = None,
    resamples: int = 1000,
) -> PeopleEvaluation:
    """Score what finds everybody in a picture.

    Parameters
    ----------
    find:
        A function from a picture to a list of `Pose`: a `PosePipeline`, a
        `BottomUp`, one of yours.
    dataset:
        As in `labelled_pictures`.
    predictor:
        Of one person, for the row ``"true boxes"``. Default: the pipeline's.
    limit:
        Only so many pictures.
    """
    predictor = predictor or getattr(find, "predictor", None)
    truth, boxes = [], []
    rows: dict[str, list] = {"found": []}
    if predictor is not None:
        rows["true boxes"] = []
    for image, persons, ignored in labelled_pictures(dataset, limit):
        poses = find(image)
        people = truth_of(persons, ignored, _skeleton(find, predictor))
        truth.append(people)
        rows["found"].append(_detections(poses))
        asked = [p for p in people if not p["crowd"]]
        if predictor is not None:
            given = predictor(image, [p["box"] for p in asked])
            rows["true boxes"].append(_detections(given))
        sure = [pose.box_score for pose in poses]
        detected = None not in sure and (np.array([p.box for p in poses]), sure)
        boxes.append(
            detected
            and (
                detected,
                (
                    np.array([p["box"] for p in people]),
                    np.array([p["crowd"] for p in people]),
                ),
            )
        )
    skeleton = _skeleton(find, predictor)
    rows["mean pose"] = _mean_poses(truth)
    return PeopleEvaluation(
        {
            name: {
                key: value
                for key, value in keypoint_ap_intervals(
                    truth, found, skeleton.sigmas, resamples=resamples
                ).items()
                if key in _COLUMNS
            }
            for name, found in rows.items()
        },
        detector_rates(*zip(*boxes)) if all(boxes) else None,
        len(truth),
        sum(not p["crowd"] for people in truth for p in people),
    )


def _skeleton(find, predictor) -> Skeleton:
    skeleton = getattr(find, "skeleton", None) or getattr(predictor, "skeleton", None)
    if skeleton is None:
        raise ValueError("which joints? give what finds people an attribute skeleton")
    return skeleton


def _detections(poses) -> list[dict]:
    """Poses as `metrics.keypoint_ap` wants them, a place for every joint."""
    return [
        {
            "keypoints": filled(as_array(pose.keypoints)[None], pose.skeleton)[0],
            "score": pose.confidence,
        }
        for pose in poses
    ]


def _mean_poses(truth) -> list[list[dict]]:
    """The mean of these very people's poses in everybody's box."""
    asked = [(i, p) for i, people in enumerate(truth) for p in people if not p["crowd"]]
    found: list[list[dict]] = [[] for _ in truth]
    poses = constant_predictions(
        *(
            np.array([p[key] for _, p in asked])
            for key in ("keypoints", "visible", "box")
        )
    )["mean pose"]
    for (picture, _), pose in zip(asked, np.nan_to_num(poses)):
        found[picture].append({"keypoints": pose, "score": 1.0})
    return found
