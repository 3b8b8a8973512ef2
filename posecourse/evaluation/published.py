"""Published predictions: reading them, and the truth they are held against.

A predictions file is a bare array, so two things have to be known that it
does not say: whether its pixels count from 0 or from 1, and whose poses
they are. MATLAB and HDF5 files of MPII results count from 1; what this
package writes counts from 0. Whose they are follows from the order alone,
and a file in another order gives a wrong number without any error, so
`check_order` looks at where the poses lie.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from .. import metrics
from ..files import FileError, read_json
from ..geometry import Crop
from ..skeletons import MPII, Skeleton, get_skeleton

__all__ = [
    "CocoScores",
    "OrderCheck",
    "OrderError",
    "PredictionsError",
    "Truth",
    "check_order",
    "find_truth",
    "has_truth",
    "is_coco_results",
    "is_one_based",
    "read_predictions",
    "read_truth",
    "save_predictions",
    "score_coco",
    "score_predictions",
]

_NAMES = (
    "preds",
    "pred",
    "predictions",
    "keypoints",
    "joints",
    "pose",
    "pos_pred_src",
)
# MPII's MATLAB evaluation calls them so and stores (K, 2, N), always.
_JOINTS_FIRST = "pos_pred_src"
_ONE_BASED = {
    ".mat": True,
    ".h5": True,
    ".hdf5": True,
    ".npz": False,
    ".npy": False,
    ".json": False,
}


class PredictionsError(FileError):
    """A predictions file that cannot be read; says why and what to do."""


class OrderError(PredictionsError):
    """Predictions that do not lie on the persons they should belong to."""


def is_one_based(path) -> bool:
    """Whether files of this kind count pixels from 1, as far as is usual.

    True for ``.mat`` and ``.h5`` (MATLAB's way, which the tools around
    MPII kept), False for ``.npz``, ``.npy`` and ``.json``.
    """
    suffix = Path(path).suffix.lower()
    if suffix not in _ONE_BASED:
        raise PredictionsError(
            f"{path}: predictions are read from {', '.join(_ONE_BASED)} "
            f"files, not from {suffix or 'a file without an ending'}"
        )
    return _ONE_BASED[suffix]


def is_coco_results(path) -> bool:
    """Whether a file is a list of COCO results, each with its picture."""
    path = Path(path)
    if path.suffix.lower() != ".json" or not path.is_file():
        return False
    content = read_json(path, "predictions file")
    return isinstance(content, list) and any(
        isinstance(record, dict) and "image_id" in record for record in content
    )


def read_predictions(path, one_based: bool | None = None) -> np.ndarray:
    """Predicted poses from a file.

    Parameters
    ----------
    path:
        ``.mat``, ``.h5``, ``.npz``, ``.npy`` or ``.json``. The array is
        looked for under the names ``preds``, ``pred``, ``predictions``,
        ``keypoints``, ``joints``, ``pose`` and ``pos_pred_src`` (MPII's
        MATLAB evaluation); ``(N, K, 2)``, ``(N, K, 3)`` (the third is a
        score), ``(K, 2, N)`` and ``(2, K, N)`` are understood.
    one_based:
        Whether pixel coordinates count from 1; default: `is_one_based`.

    Returns
    -------
    ``(N, K, 2)`` float64, pixels of the pictures, **0-based**.
    """
    path = Path(path)
    if one_based is None:
        one_based = is_one_based(path)
    if not path.is_file():
        raise FileNotFoundError(f"{path}: there is no such predictions file")
    reader = {
        ".mat": _read_mat,
        ".h5": _read_h5,
        ".hdf5": _read_h5,
        ".npz": _read_npz,
        ".npy": _read_npz,
        ".json": _read_json,
    }[path.suffix.lower()]
    name, values = _pick(reader(path), path)
    points = _as_poses(values, path, name == _JOINTS_FIRST)
    return points - 1 if one_based else points


def save_predictions(path, keypoints, scores=None, ids=None) -> Path:
    """Write poses as ``.npz``, for `read_predictions`; 0-based.

    Parameters
    ----------
    keypoints:
        ``(N, K, 2)``, pixels of the pictures.
    scores:
        ``(N, K)``, stored under ``scores``.
    ids:
        N names, stored under ``ids``.
    """
    from ..files import atomic_path

    path = Path(path)
    arrays = {
        "preds": np.asarray(keypoints),
        "scores": scores,
        "ids": None if ids is None else np.asarray(ids, dtype=str),
    }
    with atomic_path(path) as temporary, open(temporary, "wb") as file:
        np.savez(file, **{k: v for k, v in arrays.items() if v is not None})
    return path


def _read_mat(path: Path) -> dict:
    from scipy.io import loadmat

    try:
        return loadmat(path)
    except NotImplementedError:  # version 7.3 is HDF5
        return {key: value.T for key, value in _read_h5(path).items()}
    except Exception as error:  # scipy raises many kinds here
        raise PredictionsError(
            f"{path}: not a readable MATLAB file ({error}); copy it again"
        ) from None


def _read_h5(path: Path) -> dict:
    import h5py

    try:
        with h5py.File(path, "r") as file:
            return {
                key: value[()]
                for key, value in file.items()
                if isinstance(value, h5py.Dataset)
            }
    except OSError as error:
        raise PredictionsError(
            f"{path}: not a readable HDF5 file ({error}); copy it again"
        ) from None


def _read_npz(path: Path) -> dict:
    try:
        found = np.load(path, allow_pickle=False)
        if isinstance(found, np.ndarray):
            return {"preds": found}
        with found:
            return {key: found[key] for key in found.files}
    except Exception as error:  # zipfile, pickle, OS, ...
        raise PredictionsError(
            f"{path}: not a readable NumPy file of plain numbers ({error})"
        ) from None


def _read_json(path: Path) -> dict:
    content = read_json(path, "predictions file")
    if isinstance(content, dict):
        return content
    if not isinstance(content, list):
        raise PredictionsError(
            f"{path}: poses are a list or a dictionary, not {content!r:.40}"
        )
    if not any(isinstance(record, dict) for record in content):
        return {"preds": content}
    return {
        "preds": [_pose_of(r, f"{path}, record {i}") for i, r in enumerate(content)]
    }


def _pose_of(record, where: str):
    if not isinstance(record, dict):
        raise PredictionsError(f"{where}: a dictionary is expected, not {record!r:.40}")
    name = next((n for n in _NAMES if n in record), None)
    if name is None or record[name] is None:
        what = f"{name!r} is null" if name else f"has none of {', '.join(_NAMES)}"
        raise PredictionsError(
            f"{where} {what}; it has {', '.join(record) or 'nothing'}"
        )
    return record[name]


def _pick(content: dict, path):
    """The name under which the predictions are, and they."""
    for name in _NAMES:
        if name in content:
            return name, content[name]
    there = [key for key in content if not key.startswith("__")]
    raise PredictionsError(
        f"{path}: no predictions found; looked for {', '.join(_NAMES)}, "
        f"the file has {', '.join(there) or 'nothing'}"
    )


def _as_poses(values, path, joints_first: bool = False) -> np.ndarray:
    """``(N, K, 2)`` from the shapes that are around."""
    try:
        if np.iscomplexobj(values):
            raise TypeError
        values = np.array(values, dtype=np.float64)
    except (ValueError, TypeError):
        raise PredictionsError(
            f"{path}: the predictions are not one array of numbers; every "
            "person needs the same number of joints, each (x, y) or "
            "(x, y, score)"
        ) from None
    if values.ndim == 2 and values.shape[1] % 3 == 0 and len(values) > 3:
        values = values.reshape(len(values), -1, 3)  # COCO: x, y, v, ...
    if values.ndim == 3:
        if values.shape[2] in (2, 3) and not joints_first:
            return values[..., :2].copy()
        if values.shape[1] in (2, 3):  # (K, 2, N)
            return values[:, :2].transpose(2, 0, 1).copy()
        if values.shape[0] in (2, 3):  # (2, K, N)
            return values[:2].transpose(2, 1, 0).copy()
    raise PredictionsError(
        f"{path}: predictions of shape {values.shape} are not understood; "
        "expected (persons, joints, 2)"
    )


@dataclass
class Truth:
    """What predictions are held against.

    Attributes
    ----------
    keypoints:
        ``(N, K, 2)``, pixels, 0-based; NaN where not labelled.
    visible:
        ``(N, K)`` uint8, 0 where not labelled.
    head_size:
        ``(N,)``, the unit of PCKh in pixels; NaN where unknown.
    center, scale:
        ``(N, 2)`` pixels and ``(N,)``: the person's position and size, as
        in `Person`; the centre is NaN where unknown.
    skeleton, source:
        Joint order; the file it came from.
    area, boxes, images:
        ``(N,)`` square pixels of the persons' masks, ``(N, 4)`` pixels (x, y,
        width, height) and N picture names, where the source has them, else
        None.
    """

    keypoints: np.ndarray
    visible: np.ndarray
    head_size: np.ndarray
    center: np.ndarray
    scale: np.ndarray
    skeleton: Skeleton
    source: str
    area: np.ndarray | None = None
    boxes: np.ndarray | None = None
    images: list[str] | None = None

    def __len__(self) -> int:
        return len(self.keypoints)

    @property
    def windows(self) -> np.ndarray | None:
        """``(N, 4)`` boxes of the standard crops; None where unknown."""
        if not np.isfinite(self.center).all():
            return None
        boxes = []
        for center, scale in zip(self.center, self.scale):
            (x, y), (w, h) = (c := Crop.from_mpii(center, scale)).center, c.size
            boxes.append([x - (w - 1) / 2, y - (h - 1) / 2, w, h])
        return np.array(boxes)


def read_truth(path, split: str = "valid") -> Truth:
    """Ground truth from ``gt_valid.mat``, or from any dataset.

    `path` may be the ``gt_valid.mat`` that is passed around with MPII
    results, an annotation file, or the folder of a dataset
    (`posecourse.datasets.open_dataset`).
    """
    path = Path(path)
    if not path.exists():
        raise FileNotFoundError(f"{path}: there is no such file or folder")
    from ..datasets import MPIIGroundTruth, open_dataset
    from ..datasets.mpii import HEAD_PER_SCALE

    if path.suffix == ".mat" and "pos_gt_src" in _read_mat(path):
        truth = MPIIGroundTruth.read(path)
        return Truth(
            truth.keypoints,
            truth.visible,
            truth.head_size,
            _centers_beside(path, truth),
            truth.head_size / HEAD_PER_SCALE,
            MPII,
            str(path),
        )
    dataset = open_dataset(path, split=split, strict=True)
    persons = [dataset[i] for i in range(len(dataset))]
    if not persons:
        raise PredictionsError(f"{path}: the dataset has no persons")
    return Truth(
        np.stack([p.keypoints for p in persons]),
        np.stack([p.visible for p in persons]),
        np.array([p.head_size for p in persons], float),
        np.array([p.center for p in persons], float),
        np.array([p.scale for p in persons], float),
        get_skeleton(dataset.skeleton),
        str(path),
        **_sizes_of(persons),
    )


def _sizes_of(persons) -> dict:
    """Areas and boxes of people who have them, and their pictures."""
    nowhere = (np.nan,) * 4
    area = np.array([p.area for p in persons], float)
    boxes = np.array([nowhere if p.box is None else p.box for p in persons], float)
    return {
        "area": area if np.isfinite(area).any() else None,
        "boxes": boxes if np.isfinite(boxes).any() else None,
        "images": [p.image for p in persons],
    }


def _centers_beside(path: Path, truth) -> np.ndarray:
    """Person positions from the ``valid.json`` of the same folder."""
    from ..datasets import open_dataset

    beside = path.with_name("valid.json")
    if not beside.is_file():
        return np.full((len(truth), 2), np.nan)
    dataset = open_dataset(beside, split="valid", strict=True)
    truth.check_order(dataset)
    return np.array([dataset[i].center for i in range(len(dataset))])


def find_truth(predictions, data=None) -> Path:
    """The ground truth for a predictions file, where it usually lies.

    Looks for ``gt_valid.mat`` in the folder `data`, beside the
    predictions, and in ``annot`` beside their folder.
    """
    here = Path(predictions).resolve().parent
    folders = [Path(data)] if data else [here, here.parent]
    looked = [path for folder in folders for path in _truth_in(folder)]
    for path in looked:
        if path.is_file():
            return path
    raise FileNotFoundError(
        "no ground truth found; name it with --truth (a gt_valid.mat, an "
        "annotation file or a dataset's folder). Looked for "
        + ", ".join(str(p) for p in looked)
    )


def has_truth(folder) -> bool:
    """Whether a folder, or its ``annot``, has a ``gt_valid.mat``."""
    return any(path.is_file() for path in _truth_in(Path(folder)))


def _truth_in(folder: Path) -> list[Path]:
    return [folder / "gt_valid.mat", folder / "annot" / "gt_valid.mat"]


@dataclass
class OrderCheck:
    """What `check_order` found.

    Attributes
    ----------
    misplaced:
        Fraction of poses that lie nowhere near their person.
    first:
        Index of the first of them, or None.
    """

    misplaced: float
    first: int | None


def check_order(predicted, truth: Truth, seed: int = 0) -> OrderCheck:
    """Whether each pose belongs to the person of the same index.

    Two tests, because either alone can be fooled.

    *Nearness.* A pose whose middle is more than 6.25 head sizes from the
    middle of its person is misplaced: on MPII that is outside of the
    crop the network saw. Poses in another order are misplaced about as
    often as poses handed out at random.

    *Permutation.* The median error has to be smaller than in each of 99
    random orders. This also catches data in which every person fills the
    picture, where no pose is far from any person.

    Parameters
    ----------
    predicted:
        ``(N, K, 2)``, pixels of the pictures, 0-based.

    Raises
    ------
    OrderError
        If the number of persons or joints is another one, if more than
        a quarter of the poses seem to belong to somebody else, or if the
        order fits no better than a random one.
    """
    n, k = truth.keypoints.shape[:2]
    if len(predicted) != n:
        raise OrderError(
            f"{len(predicted)} predicted poses, but {truth.source} has {n} "
            "persons; predictions must be for the same split, one per "
            "person, in the same order"
        )
    if predicted.shape[1] != k:
        raise OrderError(
            f"predictions have {predicted.shape[1]} joints, "
            f"{truth.source} has the {k} of {truth.skeleton.name}"
        )
    if not np.isfinite(predicted).any():
        raise OrderError("the predictions hold no finite number")
    rng = np.random.default_rng(seed)
    actual, near = _distances(predicted, truth)
    orders = [rng.permutation(n) for _ in range(99 if n >= 8 else 0)]
    random = [_distances(predicted[order], truth) for order in orders]
    far = near > 6.25
    check = OrderCheck(float(far.mean()), int(np.argmax(far)) if far.any() else None)
    if not orders or (predicted == predicted[:1]).all():
        return check
    by_chance = np.mean([d > 6.25 for _, d in random])
    medians = np.array([np.nanmedian(e) for e, _ in random])
    if (check.misplaced > 0.25 * by_chance and check.misplaced > 0.01) or np.nanmedian(
        actual
    ) >= medians.min():
        raise OrderError(
            f"the predictions do not lie on the persons of {truth.source}: "
            f"median error {np.nanmedian(actual):.2f} head sizes "
            f"({np.median(medians):.2f} in a random order), "
            f"{check.misplaced:.1%} of the poses nowhere near their person "
            f"({by_chance:.1%} in a random order)"
            + (
                f", the first is number {check.first}"
                if check.first is not None
                else ""
            )
            + ". They are in another order, for another split, or not in "
            "pixels of the full pictures"
        )
    return check


def _distances(predicted, truth: Truth):
    """Per person, in head sizes: mean joint error; distance of middles."""
    from ..datasets.mpii import HEAD_PER_SCALE

    labelled = (truth.visible > 0)[..., None]
    unit = HEAD_PER_SCALE * truth.scale
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # nobody labelled
        error = np.linalg.norm(predicted - truth.keypoints, axis=-1)
        error = np.nanmean(error, axis=1) / unit
        middle = np.nanmean(np.where(labelled, predicted, np.nan), axis=1)
        middle = middle - np.nanmean(truth.keypoints, axis=1)
    return error, np.linalg.norm(middle, axis=-1) / unit


def score_predictions(predicted, truth: Truth, **options) -> metrics.Report:
    """`metrics.report` of predictions in the order of the truth.

    The constant predictions are placed in the standard crops, where the
    truth knows them. PCKh has the thresholds that the literature has.

    Parameters
    ----------
    predicted:
        ``(N, K, 2)``, pixels of the pictures, 0-based.
    options:
        Of `metrics.report`.
    """
    people = (truth.keypoints, truth.visible)
    try:
        if truth.windows is not None:
            placed = metrics.constant_predictions(*people, truth.windows)
            options.setdefault("baselines", placed)
        unit = metrics.pck_normalizer(
            *people, truth.skeleton, truth.head_size, truth.boxes
        )
        if unit.name == "PCKh":
            options.setdefault("thresholds", (0.5, 0.2, 0.1, 0.11))
        return metrics.report(predicted, truth, normalizer=unit, **options)
    except ValueError as error:
        raise PredictionsError(f"{truth.source}: {error}") from None


@dataclass
class CocoScores:
    """COCO results, scored; everything in percent.

    Attributes
    ----------
    intervals:
        AP, AP50, ... -> value, low, high and standard deviation.
    baselines:
        Name -> AP, AP50, ... of `metrics.constant_detections`.
    poses:
        How many were scored.
    """

    intervals: dict[str, metrics.Interval]
    baselines: dict[str, dict[str, float]]
    poses: int


def score_coco(path, truth, resamples: int = 200) -> CocoScores:
    """Average precision of a file of COCO results.

    The OKS constants are those of the joints that the truth's category
    names, in its order.

    Parameters
    ----------
    path, truth:
        A list of results, and the annotation file they belong to; JSON.
    resamples:
        Of the bootstrap over pictures.

    Raises
    ------
    PredictionsError
        Naming the file, the record and the field that cannot be used.
    """
    if Path(truth).suffix.lower() != ".json":
        raise PredictionsError(
            f"{path} holds COCO results; they belong to a COCO annotation file "
            f"(.json), not to {truth}"
        )
    content = read_json(truth, "annotation file")
    results = read_json(path, "predictions file")
    names = (str(truth), str(path))
    try:
        sigmas = metrics.named_sigmas(content, names[0])
        found = metrics.keypoint_ap_intervals(
            content, results, sigmas, resamples=resamples, names=names
        )
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # said above
            beside = {
                name: metrics.keypoint_ap(content, poses, sigmas, names)
                for name, poses in metrics.constant_detections(content, sigmas).items()
            }
    except ValueError as error:
        raise PredictionsError(str(error)) from None
    return CocoScores(
        {name: value.times(100) for name, value in found.items()},
        {
            name: {kind: 100 * value for kind, value in rates.items()}
            for name, rates in beside.items()
        },
        len(results),
    )
