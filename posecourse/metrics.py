"""How good predicted keypoints are (the document's section 3.2, step 6).

Numbers of this module are honest only with their convention, so each is
named. What all functions share:

- predictions and truth are ``(N, K, 2)`` pixels *of one frame* (picture or
  crop, both 0-based); numpy arrays or tensors on any device;
- only labelled joints (visibility above 0) count;
- "within" includes the threshold (``<=``), as in MPII's own evaluation;
- a prediction that is not finite counts as a miss, with a warning;
- truth that is not finite where it is labelled, a size that is not
  positive, lengths that differ, and nothing to score are errors.

A metric means little without what a trivial answer gets: `center_pose`,
`mean_pose` and `median_pose` are such answers, and `pckh_table` prints them
as further rows. It means little without its noise either: see
`bootstrap_interval`.
"""

from __future__ import annotations

import html
import json
import warnings
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np

from .skeletons import MPII, Skeleton

__all__ = [
    "ErrorAnatomy",
    "Interval",
    "JointRates",
    "PckhRow",
    "PckhTable",
    "Reliability",
    "auc",
    "bootstrap_interval",
    "box_size",
    "center_pose",
    "correct",
    "error_anatomy",
    "keypoint_ap",
    "mean_pose",
    "median_pose",
    "mpjpe",
    "normalised_distances",
    "oks",
    "pa_mpjpe",
    "paired_interval",
    "pck",
    "pckh",
    "pckh_table",
    "reliability",
    "torso_size",
]


# -------------------------------------------------------------------- PCK


class JointRates(NamedTuple):
    """Hits per joint, out of how many. Unpacks as ``hits, counts``."""

    hits: np.ndarray
    counts: np.ndarray

    @property
    def per_joint(self) -> np.ndarray:
        """Fraction of each joint, ``(K,)``; NaN where never labelled."""
        return _ratio(self.hits, self.counts)

    def pooled(self, joints=None) -> float:
        """Fraction over all labelled joints, or those of some columns."""
        joints = slice(None) if joints is None else list(joints)
        return float(_ratio(self.hits[joints].sum(), self.counts[joints].sum()))


def normalised_distances(predicted, keypoints, visible, normaliser):
    """Distances from prediction to truth, in units of each person's size.

    Parameters
    ----------
    predicted, keypoints:
        ``(N, K, 2)`` pixels of the same frame.
    visible:
        ``(N, K)``; above 0 means labelled.
    normaliser:
        ``(N,)`` or one number, pixels: the length that counts as 1.

    Returns
    -------
    ``(N, K)``; NaN where not labelled, infinite where the prediction is
    not finite.
    """
    predicted, keypoints, labelled = _poses(predicted, keypoints, visible)
    size = np.broadcast_to(_array(normaliser), _ends(normaliser, labelled))
    bad = labelled.any(1) & ~(np.isfinite(size) & (size > 0))
    if bad.any():
        person = int(np.argmax(bad))
        raise ValueError(
            f"person {person} has size {size[person]}; sizes to divide by "
            f"must be positive and finite ({bad.sum()} are not). Give the "
            "person its size, or leave it out by setting its visibility "
            "to 0"
        )
    finite = np.isfinite(predicted).all(-1)
    lost = labelled & ~finite
    if lost.any():
        person, joint = np.argwhere(lost)[0]
        warnings.warn(
            f"{lost.sum()} predictions are not finite and count as misses, "
            f"the first: person {person}, joint {joint}",
            RuntimeWarning,
            stacklevel=2,
        )
    used = labelled & finite
    distances = np.full(labelled.shape, np.nan)
    distances[lost] = np.inf
    off = predicted[used] - keypoints[used]
    distances[used] = np.linalg.norm(off, axis=-1) / np.repeat(size, used.sum(1))
    return distances


def correct(predicted, keypoints, visible, normaliser, threshold):
    """Whether each joint is within ``threshold * normaliser``: ``(N, K)``.

    1 or 0, NaN where not labelled: what the intervals below resample.
    """
    return _within(
        normalised_distances(predicted, keypoints, visible, normaliser), threshold
    )


def pck(predicted, keypoints, visible, normaliser, threshold=0.2):
    """Percentage of correct keypoints: within a fraction of a length.

    Parameters
    ----------
    normaliser:
        ``(N,)`` pixels. Often `torso_size` (threshold 0.2) or `box_size`
        (0.2 or 0.05).
    threshold:
        Fraction of the normaliser.

    Returns
    -------
    `JointRates`, whose `per_joint` and `pooled()` are between 0 and 1.
    """
    return _rates(correct(predicted, keypoints, visible, normaliser, threshold))


def pckh(predicted, keypoints, visible, head_size, threshold=0.5):
    """PCK normalised by the head, MPII's metric.

    `head_size` ``(N,)`` is 0.6 times the diagonal of the head box, in the
    pixels of the keypoints. With MPII's standard crop it is a tenth of the
    crop's side: PCKh@0.5 asks for 12.8 pixels of 256.

    MPII's total, ``pckh(...).pooled(columns)``, leaves out pelvis and
    thorax; `pckh_table` does it for you. **The "0.1" of the literature:**
    the numbers published as PCKh@0.1 with SimpleBaseline, HRNet and DARK
    were read off one step too far and are at 0.11, worth about 4 points.
    """
    return pck(predicted, keypoints, visible, head_size, threshold)


def auc(
    predicted, keypoints, visible, normaliser, limit: float = 0.5, step: float = 0.01
):
    """Area under PCK over thresholds 0 to `limit`, divided by `limit`.

    By trapezoids at every `step`, as in MPII's evaluation (PCKh, 0.5,
    0.01). Returns `JointRates` whose hits are averages over the curve.
    """
    distances = normalised_distances(predicted, keypoints, visible, normaliser)
    return _area(distances, limit, step)


def torso_size(keypoints, visible, skeleton: Skeleton):
    """Left shoulder to right hip, ``(N,)`` pixels; NaN where unlabelled.

    Leave persons with NaN out of `pck`: set their visibility to 0.
    """
    ends = skeleton.indices(["left_shoulder", "right_hip"])
    keypoints = _array(keypoints)[:, ends]
    labelled = (_array(visible)[:, ends] > 0).all(1)
    size = np.linalg.norm(keypoints[:, 0] - keypoints[:, 1], axis=-1)
    return np.where(labelled, size, np.nan)


def box_size(boxes):
    """The longer side of boxes ``(N, 4)``, (x, y, width, height)."""
    return _array(boxes)[:, 2:].max(1)


def _within(distances, threshold):
    return np.where(np.isnan(distances), np.nan, distances <= threshold)


def _rates(hit) -> JointRates:
    return JointRates(np.nansum(hit, 0), (~np.isnan(hit)).sum(0))


def _area(distances, limit, step) -> JointRates:
    if not 0 < step <= limit:
        raise ValueError(f"step {step} must be positive and at most the limit {limit}")
    thresholds = np.linspace(0, limit, round(limit / step) + 1)
    hits = np.stack([(distances <= t).sum(0) for t in thresholds])
    area = ((hits[1:] + hits[:-1]) / 2).mean(0)
    return JointRates(area, (~np.isnan(distances)).sum(0))


# ------------------------------------------------------------- noise floor


class Interval(NamedTuple):
    """A value with its bootstrap interval and standard deviation."""

    value: float
    low: float
    high: float
    sd: float


def bootstrap_interval(
    hit, joints=None, level: float = 0.95, resamples: int = 1000, seed: int = 0
) -> Interval:
    """How far a pooled rate would move with other persons of the same kind.

    Persons, not joints, are drawn with replacement: the joints of one
    person fail together. (2,958 persons of MPII's validation split give
    PCKh@0.5 a standard deviation of 0.3 points: smaller differences are
    not results.)

    Parameters
    ----------
    hit:
        ``(N, K)`` from `correct`: 1, 0, or NaN where not labelled.
    joints:
        Columns to pool; None takes all.
    level:
        Share of the resamples inside the interval.

    Returns
    -------
    `Interval` of the fraction of hits, between 0 and 1.
    """
    return _bootstrap([hit], joints, level, resamples, seed)


def paired_interval(
    first,
    second,
    joints=None,
    level: float = 0.95,
    resamples: int = 1000,
    seed: int = 0,
) -> Interval:
    """The interval of a difference, `first` minus `second`.

    Both predictors answered for the same persons, so the same persons are
    drawn for both: what is hard for both cancels, and the interval is much
    narrower than two separate ones suggest. If it excludes 0, the
    difference is not chance alone.

    `first` and `second` are ``(N, K)`` from `correct`, labelled alike;
    other parameters as in `bootstrap_interval`.
    """
    return _bootstrap([first, second], joints, level, resamples, seed)


def _bootstrap(hits, joints, level, resamples, seed) -> Interval:
    columns = slice(None) if joints is None else list(joints)
    hits = [_array(h)[:, columns] for h in hits]
    if any(
        h.shape != hits[0].shape or (np.isnan(h) != np.isnan(hits[0])).any()
        for h in hits
    ):
        raise ValueError(
            "the two predictors must be scored on the same "
            "labelled joints of the same persons"
        )
    counts = (~np.isnan(hits[0])).sum(1)
    if not counts.sum():
        raise ValueError("no labelled joint to score")
    sums = np.nansum(hits[0], 1)
    if len(hits) == 2:
        sums = sums - np.nansum(hits[1], 1)
    rng = np.random.default_rng(seed)
    drawn = np.empty(resamples)
    for i in range(resamples):
        persons = rng.integers(0, len(counts), len(counts))
        drawn[i] = _ratio(sums[persons].sum(), counts[persons].sum())
    tail = (1 - level) / 2
    low, high = np.nanquantile(drawn, [tail, 1 - tail])
    return Interval(
        float(sums.sum() / counts.sum()),
        float(low),
        float(high),
        float(np.nanstd(drawn)),
    )


# ------------------------------------------------------------- PCKh tables


@dataclass
class PckhRow:
    """One line of a `PckhTable`, all in percent.

    Attributes
    ----------
    name, threshold:
        Whose answers, at which threshold.
    per_joint:
        Joint name -> percent (NaN where never labelled).
    columns:
        Column label -> mean of the percentages of its joints.
    means:
        The four means in use, by name: see `pckh_table`.
    """

    name: str
    threshold: float
    per_joint: dict[str, float]
    columns: dict[str, float]
    means: dict[str, float]


@dataclass
class PckhTable:
    """What `pckh_table` gives; prints itself, also in notebooks.

    Attributes
    ----------
    rows:
        `PckhRow` of the predictions for each threshold, then those of the
        baselines.
    auc:
        Name -> area under PCKh from 0 to 0.5 over the joints of the
        weighted mean, percent.
    interval:
        Of the first row's weighted mean, percent.
    """

    metric: str
    persons: int
    labelled: int
    head: str
    rows: list[PckhRow]
    auc: dict[str, float]
    interval: Interval
    excluded: tuple[str, ...] = field(default=())

    def row(self, threshold: float, name: str = "predicted") -> PckhRow:
        """The row of one threshold."""
        for row in self.rows:
            if row.name == name and abs(row.threshold - threshold) < 1e-9:
                return row
        known = ", ".join(f"{r.name}@{r.threshold:g}" for r in self.rows)
        raise ValueError(f"no row {name}@{threshold:g}; there are {known}")

    def mean(self, threshold: float = 0.5, kind: str = "weighted") -> float:
        """One of the predictions' means, percent."""
        means = self.row(threshold).means
        if kind not in means:
            raise ValueError(f"unknown mean {kind!r}; known: {', '.join(means)}")
        return means[kind]

    def _cells(self):
        labels = list(self.rows[0].columns)
        yield ["", "@", *labels, "Mean", "AUC"]
        named = set()
        for row in self.rows:
            area = "" if row.name in named else _text(self.auc[row.name])
            named.add(row.name)
            yield [
                row.name,
                f"{row.threshold:g}",
                *(_text(row.columns[c]) for c in labels),
                _text(row.means["weighted"]),
                area,
            ]

    def _title(self) -> str:
        return (
            f"{self.metric} in percent: {self.persons:,} persons, "
            f"{self.labelled:,} labelled joints"
        )

    def _notes(self):
        first = self.rows[0]
        but = " but " + ", ".join(self.excluded) if self.excluded else ""
        yield f"Mean: pooled over all joints{but} (weighted)."
        others = [
            f"{kind} {_text(value)}"
            for kind, value in first.means.items()
            if kind != "weighted"
        ]
        yield f"Other means @{first.threshold:g}: {', '.join(others)}."
        i = self.interval
        yield (
            f"95 % interval of the first mean: {i.low:.2f} to "
            f"{i.high:.2f} (standard deviation {i.sd:.2f})."
        )
        if self.head == "official":
            yield "Head: mean of upper neck and head top."

    def __str__(self) -> str:
        cells = list(self._cells())
        widths = [max(map(len, column)) for column in zip(*cells)]
        lines = [
            "  ".join(
                [
                    line[0].ljust(widths[0]),
                    *(c.rjust(w) for c, w in zip(line[1:], widths[1:])),
                ]
            ).rstrip()
            for line in cells
        ]
        return "\n".join([self._title(), *lines, *self._notes()])

    def _repr_html_(self) -> str:
        head, *body = [[html.escape(c) for c in line] for line in self._cells()]
        rows = ["<tr>" + "".join(f"<th>{c}</th>" for c in head) + "</tr>"]
        rows += [
            "<tr>" + "".join(f"<td>{c}</td>" for c in line) + "</tr>" for line in body
        ]
        notes = html.escape(" ".join(self._notes()))
        return (
            f"<table><caption>{html.escape(self._title())}</caption>"
            + "".join(rows)
            + f"</table><p>{notes}</p>"
        )

    def to_dict(self) -> dict:
        """Everything, as JSON knows it (NaN becomes None)."""
        return _plain(
            {
                "metric": self.metric,
                "persons": self.persons,
                "labelled": self.labelled,
                "head": self.head,
                "excluded": list(self.excluded),
                "auc": self.auc,
                "interval": self.interval._asdict(),
                "rows": [vars(row) for row in self.rows],
            }
        )

    def to_json(self) -> str:
        """`to_dict` as JSON text."""
        return json.dumps(self.to_dict(), indent=2)


def pckh_table(
    predicted,
    keypoints,
    visible,
    head_size,
    skeleton: Skeleton = MPII,
    thresholds=(0.5, 0.1),
    baselines=None,
    head: str = "head_top",
    metric: str = "PCKh",
) -> PckhTable:
    """PCKh by body part, with every convention named.

    Four means circulate for the same predictions, and differ by more than
    a point. All are in the table:

    ``weighted``
        Pooled over all labelled joints except pelvis and thorax: the
        official total, and "Mean" in most papers. Joints that are labelled
        more often weigh more.
    ``unweighted``
        Mean of the same joints' percentages.
    ``all16``
        Pooled over all K joints (``all14`` for 14 joints), pelvis and
        thorax too; higher, because those are easy.
    ``columns``
        Mean of the printed columns. The upper neck is in no column.

    Parameters
    ----------
    predicted, keypoints:
        ``(N, K, 2)`` pixels of the same frame.
    visible:
        ``(N, K)``; above 0 means labelled.
    head_size:
        ``(N,)`` pixels, 0.6 times the diagonal of the head box.
    thresholds:
        Fractions of the head size. (See `pckh` about 0.1.)
    baselines:
        Name -> ``(N, K, 2)``, answers to print as further rows, e.g.
        `mean_pose` mapped into each picture.
    head:
        What the Head column means: ``"head_top"``, that joint alone (most
        papers), or ``"official"``, the mean of upper neck and head top
        (MPII's site).
    metric:
        Name to print, if `head_size` is another length.
    """
    names = {"predicted": predicted, **(baselines or {})}
    if baselines and "predicted" in baselines:
        raise ValueError('a baseline may not be called "predicted"')
    thresholds = list(thresholds)
    if not thresholds:
        raise ValueError("give at least one threshold")
    groups = _columns(skeleton, head)
    excluded = tuple(j for j in ("pelvis", "thorax") if j in skeleton.joints)
    counted = [i for i, j in enumerate(skeleton.joints) if j not in excluded]
    rows, areas, interval, labelled = [], {}, None, 0
    for name, answers in names.items():
        distances = normalised_distances(answers, keypoints, visible, head_size)
        _expect(distances.shape[1], skeleton)
        areas[name] = 100 * _area(distances, 0.5, 0.01).pooled(counted)
        for threshold in thresholds:
            hit = _within(distances, threshold)
            rates = _rates(hit)
            rows.append(_row(name, threshold, rates, skeleton, groups, counted))
            if interval is None:
                interval = Interval(
                    *(100 * v for v in bootstrap_interval(hit, counted))
                )
                labelled = int(rates.counts[counted].sum())
    return PckhTable(
        metric, len(distances), labelled, head, rows, areas, interval, excluded
    )


def _columns(skeleton: Skeleton, head: str) -> dict[str, list[int]]:
    if head not in ("head_top", "official"):
        raise ValueError(f'head {head!r}: "head_top" or "official"')
    groups = dict(skeleton.groups)
    if head == "official":
        groups["Head"] = ("upper_neck", "head_top")
    return {label: skeleton.indices(joints) for label, joints in groups.items()}


def _row(name, threshold, rates, skeleton, groups, counted) -> PckhRow:
    percent = 100 * rates.per_joint
    columns = {label: _mean(percent[joints]) for label, joints in groups.items()}
    means = {
        "weighted": 100 * rates.pooled(counted),
        "unweighted": _mean(percent[counted]),
        f"all{len(skeleton)}": 100 * rates.pooled(),
        "columns": _mean(np.array(list(columns.values()))),
    }
    return PckhRow(
        name,
        float(threshold),
        dict(zip(skeleton.joints, percent.tolist())),
        columns,
        means,
    )


# ----------------------------------------------------------- error anatomy


@dataclass
class ErrorAnatomy:
    """What kinds of errors there are; see `error_anatomy`. Prints itself.

    Attributes
    ----------
    counts:
        Kind -> ``(K,)`` how many labelled joints.
    joints:
        The K joint names.
    """

    counts: dict[str, np.ndarray]
    joints: tuple[str, ...]

    @property
    def labelled(self) -> int:
        """Joints looked at."""
        return int(sum(c.sum() for c in self.counts.values()))

    @property
    def shares(self) -> dict[str, float]:
        """Kind -> fraction of the labelled joints; they add up to 1."""
        return {kind: float(c.sum() / self.labelled) for kind, c in self.counts.items()}

    @property
    def of_misses(self) -> dict[str, float]:
        """Kind -> fraction of the misses (NaN if there are none)."""
        missed = self.labelled - self.counts["good"].sum()
        return {
            kind: float(_ratio(c.sum(), missed))
            for kind, c in self.counts.items()
            if kind != "good"
        }

    def __str__(self) -> str:
        kinds = list(self.counts)
        width = max(map(len, (*self.joints, "all joints")))
        lines = [f"{'percent of':{width}}" + "".join(f"{k:>8}" for k in kinds)]
        table = np.stack([self.counts[k] for k in kinds])
        for name, part in [*zip(self.joints, table.T), ("all joints", table.sum(1))]:
            if part.sum():
                lines.append(
                    f"{name:{width}}"
                    + "".join(f"{v:8.1f}" for v in 100 * part / part.sum())
                )
        return "\n".join(lines)


def error_anatomy(
    predicted, keypoints, visible, head_size, skeleton: Skeleton = MPII, joints=None
) -> ErrorAnatomy:
    """Sort every labelled joint into one kind, by distance in head sizes.

    The first that holds:

    ========  =========================================================
    ``good``  within 0.5 of the truth
    ``swap``  within 0.5 of the same joint on the person's other side
    ``near``  within 1
    ``far``   within 2
    ``gross`` further away, or not finite
    ========  =========================================================

    A swap wants better features (a face, context), a near miss better
    resolution or labels, a gross error a better search for the person.

    Parameters
    ----------
    predicted, keypoints, visible, head_size:
        As in `pckh_table`.
    joints:
        Names; None takes those that have a left and a right.
    """
    distances = normalised_distances(predicted, keypoints, visible, head_size)
    _expect(distances.shape[1], skeleton)
    twin = np.arange(len(skeleton))
    for a, b in skeleton.flip_pairs:
        twin[a], twin[b] = b, a
    if joints is None:
        columns = np.flatnonzero(twin != np.arange(len(skeleton)))
    else:
        columns = np.array(skeleton.indices(joints), dtype=int)
    if np.isnan(distances[:, columns]).all():
        raise ValueError("no labelled joint among those to sort")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        other = normalised_distances(
            predicted, _array(keypoints)[:, twin], _array(visible)[:, twin], head_size
        )
    own, other = distances[:, columns], other[:, columns]
    other[:, twin[columns] == columns] = np.inf
    rules = {
        "good": own <= 0.5,
        "swap": other <= 0.5,
        "near": own <= 1,
        "far": own <= 2,
        "gross": own > 2,
    }
    free = ~np.isnan(own)
    counts = {}
    for kind, holds in rules.items():
        counts[kind] = (free & holds).sum(0)
        free &= ~holds
    return ErrorAnatomy(counts, tuple(skeleton.joints[c] for c in columns))


# ------------------------------------------------------------- calibration


class Reliability(NamedTuple):
    """What scores are worth: see `reliability`.

    Attributes
    ----------
    scores:
        ``(B,)`` mean score of each group of joints, rising.
    rates:
        ``(B,)`` fraction of hits in the group.
    counts:
        ``(B,)`` how many joints.
    """

    scores: np.ndarray
    rates: np.ndarray
    counts: np.ndarray

    @property
    def error(self) -> float:
        """Expected calibration error: how far scores are from rates.

        The mean over all joints of the distance between the score and the
        rate of the group. 0 is calibrated; an answer that always says the
        average is calibrated too, and useless.
        """
        off = np.abs(self.scores - self.rates)
        return float((off * self.counts).sum() / self.counts.sum())

    def recalibrate(self, scores) -> np.ndarray:
        """Scores replaced by the rate of hits that joints like these had.

        Straight lines between the groups, constant outside, never falling:
        the order of the joints stays. Use it on other persons than those
        it was measured on.
        """
        rates = np.maximum.accumulate(self.rates)
        return np.interp(_array(scores), self.scores, rates)


def reliability(scores, hit, bins: int = 10) -> Reliability:
    """Sort joints by score; in groups of equal size, count the hits.

    Scores are calibrated if of the joints with score 0.8, 80 % are hits.
    What a hit is, the threshold says: no score can be calibrated for two
    thresholds at once.

    Parameters
    ----------
    scores:
        ``(N, K)``, any range.
    hit:
        ``(N, K)`` from `correct`: 1, 0, or NaN where not labelled.
    bins:
        How many groups.
    """
    scores, hit = _array(scores), _array(hit)
    if scores.shape != hit.shape:
        raise ValueError(f"scores {scores.shape} do not go with hits {hit.shape}")
    labelled = ~np.isnan(hit)
    if not 1 <= bins <= labelled.sum():
        raise ValueError(f"{labelled.sum()} labelled joints do not fill {bins} groups")
    if not np.isfinite(scores[labelled]).all():
        raise ValueError("scores of labelled joints must be finite")
    order = np.argsort(scores[labelled], kind="stable")
    groups = np.array_split(order, bins)
    return Reliability(
        np.array([scores[labelled][g].mean() for g in groups]),
        np.array([hit[labelled][g].mean() for g in groups]),
        np.array([len(g) for g in groups]),
    )


# --------------------------------------------------------------- OKS and AP


def oks(predicted, keypoints, visible, area, sigmas, boxes=None):
    """Object keypoint similarity of every answer with every person.

    COCO's: the mean over labelled joints of
    ``exp(-d^2 / (2 * area * (2 sigma)^2))``. For a person without labelled
    joints, d is the distance of each answered joint from the person's box
    grown by its own size on every side (0 inside).

    Parameters
    ----------
    predicted:
        ``(D, K, 2)`` pixels.
    keypoints, visible:
        ``(G, K, 2)``, NaN where not labelled, and ``(G, K)``.
    area:
        ``(G,)`` square pixels: of the person's mask in COCO, not the box.
    sigmas:
        ``(K,)``, e.g. `Skeleton.sigmas`.
    boxes:
        ``(G, 4)`` (x, y, width, height); needed for persons without
        labelled joints.

    Returns
    -------
    ``(D, G)``, between 0 and 1.
    """
    predicted, keypoints = _array(predicted), _array(keypoints)
    labelled, area = _array(visible) > 0, _array(area)
    variance = (_array(sigmas) * 2) ** 2
    if (
        predicted.ndim != 3
        or keypoints.ndim != 3
        or predicted.shape[1:] != keypoints.shape[1:]
        or keypoints.shape[2] != 2
        or labelled.shape != keypoints.shape[:2]
        or area.shape != keypoints.shape[:1]
        or variance.shape != keypoints.shape[1:2]
    ):
        raise ValueError(
            f"predicted {predicted.shape}, keypoints {keypoints.shape}, "
            f"visible {labelled.shape}, area {area.shape} and sigmas "
            f"{variance.shape} must be (D, K, 2), (G, K, 2), (G, K), (G,) "
            "and (K,)"
        )
    empty = ~labelled.any(1)
    if empty.any() and boxes is None:
        raise ValueError(
            f"person {int(np.argmax(empty))} has no labelled "
            "joint; give boxes, or leave the person out"
        )
    truth = np.where(labelled[..., None], keypoints, 0)
    off = predicted[:, None] - truth
    if empty.any():
        box = _array(boxes)[empty]
        low = (box[:, :2] - box[:, 2:])[:, None]
        high = (box[:, :2] + 2 * box[:, 2:])[:, None]
        points = predicted[:, None]
        off[:, empty] = np.maximum(0, low - points) + np.maximum(0, points - high)
    error = (off**2).sum(-1) / variance / (area + np.spacing(1))[:, None] / 2
    used = labelled | empty[:, None]
    return (np.exp(-error) * used).sum(-1) / used.sum(-1)


_AP_NAMES = ("AP", "AP50", "AP75", "APm", "APl", "AR", "AR50", "AR75", "ARm", "ARl")


def keypoint_ap(truth, detections, sigmas) -> dict[str, float]:
    """Average precision and recall over OKS thresholds, as COCO does.

    Thresholds 0.50, 0.55, ..., 0.95; precision read at 101 recalls; at
    most 20 detections per picture; crowds and persons without labelled
    joints neither gained nor lost. The evaluation is faster-coco-eval's,
    which agrees with pycocotools.

    Parameters
    ----------
    truth:
        A COCO dictionary (``images``, ``annotations``, ``categories``); or
        per picture a list of persons, each a dictionary with ``keypoints``
        ``(K, 2)`` (NaN where not labelled), ``area``, and, where wanted,
        ``visible`` ``(K,)``, ``box`` (x, y, width, height), ``crowd``.
    detections:
        A list of COCO results (``image_id``, ``category_id``,
        ``keypoints`` of 3 K numbers, ``score``); or per picture, in the
        order of `truth`, a list of dictionaries with ``keypoints``
        ``(K, 2)`` and ``score``. All joints must be finite.
    sigmas:
        ``(K,)``, e.g. `Skeleton.sigmas`.

    Returns
    -------
    AP, AP50, AP75, APm, APl (medium and large persons), AR, AR50, AR75,
    ARm, ARl, each between 0 and 1, or NaN where there is nobody to find.
    """
    from faster_coco_eval import COCO, COCOeval_faster

    sigmas = _array(sigmas)
    if not isinstance(truth, dict):
        if len(truth) != len(detections):
            raise ValueError(
                f"truth has {len(truth)} pictures, detections have {len(detections)}"
            )
        truth, detections = (
            _coco_truth(truth, len(sigmas)),
            _coco_results(detections, len(sigmas)),
        )
    truth, detections = _checked(truth, detections, len(sigmas))
    quiet = {"print_function": lambda *_: None}
    reference = COCO(truth, **quiet)
    found = (
        reference.loadRes(detections)
        if detections
        else COCO({**truth, "annotations": []}, **quiet)
    )
    evaluation = COCOeval_faster(
        reference, found, "keypoints", kpt_oks_sigmas=list(sigmas), **quiet
    )
    evaluation.run()
    values = [float(v) for v in evaluation.stats[:10]]
    # COCO says -1 where there is nobody to find
    return {
        name: value if value >= 0 else float("nan")
        for name, value in zip(_AP_NAMES, values)
    }


def _coco_truth(pictures, joints: int) -> dict:
    annotations = []
    for image, people in enumerate(pictures):
        for person in people:
            points = _joints(person, joints, image)
            visible = _array(person.get("visible", np.full(joints, 2)))
            labelled = np.isfinite(points).all(-1) & (visible > 0)
            points = np.where(labelled[:, None], np.c_[points, visible], 0)
            used = points[labelled, :2]
            box = person.get("box")
            if box is None:
                low, high = (
                    (used.min(0), used.max(0))
                    if len(used)
                    else (np.zeros(2), np.zeros(2))
                )
                box = [*low, *(high - low)]
            annotations.append(
                {
                    "id": len(annotations) + 1,
                    "image_id": image,
                    "category_id": 1,
                    "keypoints": points.ravel().tolist(),
                    "num_keypoints": len(used),
                    "area": float(person["area"]),
                    "bbox": [float(v) for v in box],
                    "iscrowd": int(bool(person.get("crowd", False))),
                }
            )
    return {
        "images": [{"id": i} for i in range(len(pictures))],
        "categories": [{"id": 1, "name": "person"}],
        "annotations": annotations,
    }


def _coco_results(pictures, joints: int) -> list[dict]:
    results = []
    for image, poses in enumerate(pictures):
        for pose in poses:
            points = np.c_[_joints(pose, joints, image), np.ones(joints)]
            results.append(
                {
                    "image_id": image,
                    "category_id": 1,
                    "keypoints": points.ravel().tolist(),
                    "score": float(pose["score"]),
                }
            )
    return results


def _joints(pose, joints: int, image: int) -> np.ndarray:
    points = _array(pose["keypoints"])
    if points.shape != (joints, 2):
        raise ValueError(
            f"picture {image}: keypoints {points.shape}, but there are {joints} sigmas"
        )
    return points


def _checked(truth, detections, joints: int):
    """Copies, because the evaluator writes into what it is given."""
    annotations = [dict(a) for a in truth["annotations"]]
    detections = [dict(d) for d in detections]
    if not annotations:
        raise ValueError("nobody to find: the truth has no annotations")
    for one in (*annotations, *detections):
        if len(one["keypoints"]) != 3 * joints:
            raise ValueError(
                f"picture {one['image_id']}: {len(one['keypoints'])} "
                f"keypoint numbers, but {joints} sigmas need {3 * joints}"
            )
        one.setdefault("num_keypoints", sum(v > 0 for v in one["keypoints"][2::3]))
    known = {image["id"] for image in truth["images"]}
    for one in detections:
        if one["image_id"] not in known:
            raise ValueError(
                f"detections for picture {one['image_id']}, "
                "which the truth does not have"
            )
        if not np.isfinite([*one["keypoints"], one["score"]]).all():
            raise ValueError(
                f"picture {one['image_id']}: a detection has "
                "numbers that are not finite"
            )
    return {**truth, "annotations": annotations}, detections


# --------------------------------------------------------------------- 3-D


def mpjpe(predicted, keypoints, visible=None) -> float:
    """Mean distance per joint, in the unit of the input (usually mm).

    ``(N, K, 3)`` (or 2) each. Usually both are taken relative to the
    pelvis first. With `visible`, only labelled joints count.
    """
    predicted, keypoints, labelled = _poses(predicted, keypoints, visible)
    _finite_3d(predicted, labelled)
    off = predicted[labelled] - keypoints[labelled]
    return float(np.linalg.norm(off, axis=-1).mean())


def pa_mpjpe(predicted, keypoints, visible=None) -> float:
    """`mpjpe` after the best rotation, scale and shift of each person.

    What remains is the error of the pose itself ("Procrustes aligned").
    The best map is that of least squares (Umeyama, 1991) without mirroring.
    A person needs three labelled joints; persons with fewer are an error.
    """
    predicted, keypoints, labelled = _poses(predicted, keypoints, visible)
    _finite_3d(predicted, labelled)
    aligned = predicted.copy()
    for person, used in enumerate(labelled):
        if used.sum() < 3:
            raise ValueError(
                f"person {person} has {used.sum()} labelled joints; aligning needs 3"
            )
        aligned[person, used] = _procrustes(
            predicted[person, used], keypoints[person, used]
        )
    return mpjpe(aligned, keypoints, labelled)


def _procrustes(points, target):
    """`points` ``(P, D)`` moved onto `target` by a similarity map."""
    middle, goal = points.mean(0), target.mean(0)
    a, b = points - middle, target - goal
    u, s, vt = np.linalg.svd(a.T @ b)
    sign = np.ones_like(s)
    sign[-1] = np.sign(np.linalg.det(u @ vt)) or 1
    spread = (a**2).sum()
    scale = (s * sign).sum() / spread if spread > 0 else 0
    return scale * a @ (u * sign) @ vt + goal


def _finite_3d(predicted, labelled):
    bad = labelled & ~np.isfinite(predicted).all(-1)
    if bad.any():
        person, joint = np.argwhere(bad)[0]
        raise ValueError(
            f"prediction of person {person}, joint {joint} is "
            "not finite; a mean distance has no answer then"
        )


# -------------------------------------------------------- trivial baselines


def center_pose(skeleton: Skeleton, window) -> np.ndarray:
    """Every joint in the middle of the crop: ``(K, 2)`` crop pixels.

    `window` is ``(width, height)`` or one number for both.
    """
    width, height = np.broadcast_to(_array(window), 2)
    return np.tile([(width - 1) / 2, (height - 1) / 2], (len(skeleton), 1))


def mean_pose(keypoints, visible) -> np.ndarray:
    """Each joint's mean place: ``(K, 2)``, in the frame of the input.

    Give crop coordinates of *training* persons, ``(N, K, 2)`` and
    ``(N, K)``. A joint that is never labelled is NaN.
    """
    return _typical(keypoints, visible, np.mean)


def median_pose(keypoints, visible) -> np.ndarray:
    """Each joint's median place; as `mean_pose`, but wild labels pull less."""
    return _typical(keypoints, visible, np.median)


def _typical(keypoints, visible, average) -> np.ndarray:
    keypoints = _array(keypoints)
    _, keypoints, labelled = _poses(keypoints, keypoints, visible)
    return np.stack(
        [
            average(keypoints[used, joint], axis=0)
            if used.any()
            else np.full(keypoints.shape[-1], np.nan)
            for joint, used in enumerate(labelled.T)
        ]
    )


# ----------------------------------------------------------------- helpers


def _array(values) -> np.ndarray:
    """float64, from an array, a list or a tensor on any device."""
    if hasattr(values, "detach"):
        values = values.detach().cpu().double().numpy()
    return np.asarray(values, dtype=np.float64)


def _poses(predicted, keypoints, visible):
    """Check and convert; labelled as booleans (all, for visible None)."""
    predicted, keypoints = _array(predicted), _array(keypoints)
    if keypoints.ndim != 3 or keypoints.shape[-1] not in (2, 3):
        raise ValueError(
            f"keypoints must be (N, K, 2) or (N, K, 3), got {keypoints.shape}"
        )
    if predicted.shape != keypoints.shape:
        raise ValueError(
            f"predictions {predicted.shape} and truth {keypoints.shape} "
            "must agree: the same persons in the same order (is one of "
            "them another split?), the same joints"
        )
    labelled = (
        np.ones(keypoints.shape[:2], dtype=bool)
        if visible is None
        else _array(visible) > 0
    )
    if labelled.shape != keypoints.shape[:2]:
        raise ValueError(
            f"visible {labelled.shape} does not go with keypoints {keypoints.shape}"
        )
    if not labelled.any():
        raise ValueError(
            f"nothing to score: {len(keypoints)} persons, no labelled joint"
        )
    bad = labelled & ~np.isfinite(keypoints).all(-1)
    if bad.any():
        person, joint = np.argwhere(bad)[0]
        raise ValueError(
            f"person {person}, joint {joint}: labelled, but "
            f"at {keypoints[person, joint]}; unlabelled joints "
            "need visibility 0"
        )
    return predicted, keypoints, labelled


def _ends(normaliser, labelled):
    shape = np.shape(_array(normaliser))
    if shape not in ((), labelled.shape[:1]):
        raise ValueError(
            f"sizes to divide by {shape} do not go with {len(labelled)} persons"
        )
    return labelled.shape[:1]


def _expect(columns: int, skeleton: Skeleton) -> None:
    if columns != len(skeleton):
        raise ValueError(
            f"{columns} joints, but skeleton {skeleton.name} has {len(skeleton)}"
        )


def _ratio(part, whole):
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray(part, dtype=float) / whole


def _mean(values) -> float:
    """Mean of what is not NaN; NaN if nothing is left."""
    values = values[~np.isnan(values)]
    return float(values.mean()) if len(values) else float("nan")


def _text(value: float) -> str:
    return "-" if np.isnan(value) else f"{value:.2f}"


def _plain(value):
    if isinstance(value, dict):
        return {str(k): _plain(v) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(v) for v in value]
    if isinstance(value, float):
        return None if np.isnan(value) else float(value)
    return value
