"""Average precision and recall over OKS thresholds, as COCO computes them."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from ..geometry import as_array
from ._common import _ratio
from .baselines import constant_predictions
from .intervals import Interval, draws, interval
from .normalizers import keypoint_boxes
from .oks import oks
from .scenes import Scene, coco_scenes, listed_scenes, named_sigmas

__all__ = ["constant_detections", "keypoint_ap", "keypoint_ap_intervals"]

_THRESHOLDS = np.linspace(0.5, 0.95, 10)
_RECALLS = np.linspace(0, 1, 101)
_MOST_POSES = 20  # per picture, the surest
# Square pixels: everybody, medium and large persons.
_AREAS = np.array([[0, 1e10], [32**2, 96**2], [96**2, 1e10]])


def keypoint_ap(
    truth, detections, sigmas=None, names=("truth", "detections")
) -> dict[str, float]:
    """Average precision and recall over OKS thresholds, as COCO does.

    Thresholds 0.50, 0.55, ..., 0.95; precision read at 101 recalls; at
    most 20 detections per picture; crowds and persons without labelled
    joints neither gained nor lost. Agrees with pycocotools to the last
    digit where pycocotools can be used; where it fails silently, this does
    not: annotation ids are not looked at, and for a person without area it
    is 0.53 of the box's, with a warning.

    Parameters
    ----------
    truth:
        A COCO dictionary (``images``, ``annotations``, ``categories``); or
        per picture a list of persons, each a dictionary with ``keypoints``
        ``(K, 2)`` (NaN where not labelled) and, where known, ``area``,
        ``visible`` ``(K,)``, ``box`` (x, y, width, height), ``crowd``.
    detections:
        A list of COCO results (``image_id``, ``category_id``,
        ``keypoints`` of 3 K numbers, ``score``); or per picture, in the
        order of `truth`, a list of dictionaries with ``keypoints``
        ``(K, 2)`` and ``score``. All joints must be finite.
    sigmas:
        ``(K,)``, e.g. `Skeleton.sigmas`. None, for a COCO dictionary: by
        the names of the joints that its category lists.
    names:
        What messages call the two, for example their files.

    Returns
    -------
    AP, AP50, AP75, APm, APl (medium and large persons), AR, AR50, AR75,
    ARm, ARl, each between 0 and 1, or NaN where there is nobody to find.

    Raises
    ------
    ValueError
        If a record cannot be used; it is named, with its field.
    """
    return _rates(_matches(truth, detections, sigmas, names))


def keypoint_ap_intervals(
    truth,
    detections,
    sigmas=None,
    level: float = 0.95,
    resamples: int = 1000,
    seed: int = 0,
    names=("truth", "detections"),
) -> dict[str, Interval]:
    """`keypoint_ap` with the interval of a bootstrap over pictures.

    Pictures, not persons, are drawn: false alarms belong to pictures.
    """
    matches = _matches(truth, detections, sigmas, names)
    values = _rates(matches)
    drawn = [
        list(_rates(matches, times).values())
        for part in draws(matches.pictures, resamples, seed)
        for times in part
    ]
    return {
        name: interval(value, column, level)
        for (name, value), column in zip(values.items(), np.array(drawn).T)
    }


def constant_detections(truth, sigmas=None, name: str = "truth") -> dict[str, list]:
    """`constant_predictions` for the people of a COCO dictionary, as results.

    One for each person who counts, in the person's own box (that of the
    labelled joints, if there is none): what a detector without a fault and a
    constant pose would get. Name -> list for `keypoint_ap`.
    """
    sigmas = named_sigmas(truth, name) if sigmas is None else as_array(sigmas)
    scenes = coco_scenes(truth, [], len(sigmas), (name, name))
    kept = [(s, ~s.ignored) for s in scenes]
    keypoints, labelled, boxes = (
        np.concatenate([getattr(s, field)[counts] for s, counts in kept])
        for field in ("keypoints", "labelled", "boxes")
    )
    boxes = np.where(
        (boxes[:, 2:] > 0).all(1)[:, None], boxes, keypoint_boxes(keypoints, labelled)
    )
    places = [s.place for s, counts in kept for _ in range(counts.sum()) if s.place]
    return {
        kind: [
            {
                "image_id": picture,
                "category_id": category,
                "score": 1.0,
                "keypoints": np.c_[np.nan_to_num(pose), np.ones(len(pose))].ravel(),
            }
            for (picture, category), pose in zip(places, poses)
        ]
        for kind, poses in constant_predictions(keypoints, labelled, boxes).items()
    }


class _Found(NamedTuple):
    """Who was found of one category, at A area ranges and T thresholds.

    `hit` and `counted` are ``(A, T, M)`` for the M poses of all pictures,
    the surest first; `picture` ``(M,)`` is where they are. A pose that is
    not counted is neither right nor wrong. `people` ``(A, pictures)`` are
    there to find.
    """

    picture: np.ndarray
    hit: np.ndarray
    counted: np.ndarray
    people: np.ndarray


class _Matches(NamedTuple):
    """What was found, category by category, in so many pictures."""

    categories: list[_Found]
    pictures: int


def _matches(truth, detections, sigmas, names) -> _Matches:
    if isinstance(truth, dict):
        sigmas = named_sigmas(truth, names[0]) if sigmas is None else as_array(sigmas)
        scenes = coco_scenes(truth, detections, len(sigmas), names)
        pictures = len(truth["images"])
    else:
        if sigmas is None:
            raise ValueError("give sigmas: lists of persons do not name their joints")
        sigmas = as_array(sigmas)
        scenes = listed_scenes(truth, detections, len(sigmas), names)
        pictures = len(truth)
    return _Matches(
        [
            _found([s for s in scenes if s.category == category], sigmas, pictures)
            for category in sorted({s.category for s in scenes})
        ],
        pictures,
    )


def _found(scenes, sigmas, pictures: int) -> _Found:
    parts = [_match(scene, sigmas) for scene in scenes]
    scores, hit, counted = (
        np.concatenate([part[i] for part in parts], -1) for i in range(3)
    )
    picture = np.repeat([s.picture for s in scenes], [len(p[0]) for p in parts])
    people = np.zeros((len(_AREAS), pictures))
    for scene, part in zip(scenes, parts):
        people[:, scene.picture] = part[3]
    order = np.argsort(-scores, kind="stable")
    return _Found(picture[order], hit[..., order], counted[..., order], people)


def _match(scene: Scene, sigmas):
    """The surest pose chooses first; it takes the person it fits best of
    those who are left. Only if nobody fits may it fall on an ignored one."""
    first = np.argsort(-scene.scores, kind="stable")[:_MOST_POSES]
    scores, poses = scene.scores[first], scene.poses[first]
    low, high = _AREAS[:, :1], _AREAS[:, 1:]
    ignored = scene.ignored | (scene.area < low) | (scene.area > high)  # (A, G)
    people = (~ignored).sum(1)
    shape = (len(_AREAS), len(_THRESHOLDS), len(scores))
    hit, counted = np.zeros(shape, bool), np.ones(shape, bool)
    if len(scores) and len(scene.area):
        fits = oks(
            poses, scene.keypoints, scene.labelled, scene.area, sigmas, scene.boxes
        )
        limit = np.minimum(_THRESHOLDS, 1 - 1e-10)[:, None]
        taken = np.zeros((*shape[:2], len(scene.area)), bool)
        for d, similar in enumerate(fits):
            free = (similar >= limit) & ~(taken & ~scene.crowd)  # (A, T, G)
            regular = free & ~ignored[:, None]
            some = regular.any(-1)
            chosen = _last_best(np.where(some[..., None], regular, free), similar)
            matched = free.any(-1)
            at = np.nonzero(matched)
            taken[(*at, chosen[at])] = True
            hit[..., d] = some
            counted[..., d] = ~matched | some
    extent = np.ptp(poses, axis=1).prod(-1) if len(poses) else np.zeros(0)
    outside = (extent < low) | (extent > high)  # (A, D): no false alarm there
    counted &= hit | ~outside[:, None]
    return scores, hit, counted, people


def _last_best(among, values):
    """The place of the largest value, the last where several are equal."""
    kept = np.where(among, values, -1)[..., ::-1]
    return kept.shape[-1] - 1 - kept.argmax(-1)


def _rates(matches: _Matches, times=None) -> dict[str, float]:
    """The ten numbers, each picture counted so many times."""
    times = np.ones(matches.pictures) if times is None else times
    values = np.stack([_curve(found, times) for found in matches.categories])
    known = ~np.isnan(values)  # (categories, 2, A, T)
    means = _ratio(np.where(known, values, 0).sum(0), known.sum(0))
    rates: dict[str, float] = {}
    for kind, rate in zip(("AP", "AR"), means):
        everybody, medium, large = rate
        rates |= {
            kind: everybody.mean(),
            f"{kind}50": everybody[0],
            f"{kind}75": everybody[5],
            f"{kind}m": medium.mean(),
            f"{kind}l": large.mean(),
        }
    return {name: float(rate) for name, rate in rates.items()}


def _curve(found: _Found, times):
    """Average precision and recall, ``(2, A, T)``; NaN with nobody to find."""
    weight = times[found.picture]
    right = np.cumsum(found.hit * weight, -1)
    given = np.cumsum(found.counted * weight, -1)
    total = found.people @ times  # (A,)
    result = np.full((2, *right.shape[:2]), np.nan)
    for a in np.flatnonzero(total):
        for t in range(right.shape[1]):
            recall = right[a, t] / total[a]
            precision = right[a, t] / (given[a, t] + np.spacing(1))
            best = np.maximum.accumulate(precision[::-1])[::-1]
            at = np.searchsorted(recall, _RECALLS, side="left")
            result[0, a, t] = np.append(best, 0)[at].mean()
            result[1, a, t] = recall[-1] if len(recall) else 0
    return result
