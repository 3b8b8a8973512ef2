"""A report on arrays of predictions: joint by joint, with intervals."""

from __future__ import annotations

import json
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np

from ..files import atomic_path, plain, write_csv
from ..geometry import as_array
from ..skeletons import MPII, Skeleton, get_skeleton
from ._common import _aligned, _html_table, _poses, _text
from .average_precision import keypoint_ap, keypoint_ap_intervals
from .baselines import constant_predictions
from .errors import ErrorBreakdown, error_breakdown
from .intervals import Interval, bootstrap_interval, joint_intervals
from .normalizers import (
    PckNormalizer,
    keypoint_boxes,
    pck_normalizer,
    pck_normalizers,
)
from .oks import paired_oks
from .pck import (
    normalized_distances,
    pck_hits,
    pck_over_thresholds,
    pckh_columns,
)
from .scenes import MASK_OF_BOX
from .tables import PckhTable, pckh_table

__all__ = ["Report", "ReportRow", "report"]

# Colour, marker: predictions, then baselines. (Okabe and Ito, 2008.)
_LOOKS = (("#0072B2", "o"), ("#D55E00", "D"), ("#009E73", "s"), ("#CC79A7", "^"))


class ReportRow(NamedTuple):
    """One line of a `Report`, in percent.

    Attributes
    ----------
    metric, joint:
        What was measured, of which joint; "all" for several together.
    labelled:
        How many joints, persons for OKS, pictures for AP.
    interval:
        Value, low, high and standard deviation of the predictions.
    baselines:
        Name -> value of a constant prediction.
    """

    metric: str
    joint: str
    labelled: int
    interval: Interval
    baselines: dict[str, float]


@dataclass
class Report:
    """What `report` gives, all in percent; prints itself, also in notebooks.

    Attributes
    ----------
    metric:
        The headline's name, for example ``"PCKh@0.5"``.
    rows:
        `ReportRow` per joint, then of all together; then of OKS and AP,
        where they could be computed.
    table:
        `PckhTable`: by body part, further thresholds, every convention.
    errors:
        `ErrorBreakdown`: what kinds of errors there are.
    distances:
        Name -> ``(N, K)`` normalised distances of predictions and baselines
        (`normalized_distances`).
    level:
        Share of the resamples inside the intervals, a fraction.
    skeleton:
        The joints.
    """

    metric: str
    rows: list[ReportRow]
    table: PckhTable
    errors: ErrorBreakdown
    distances: dict[str, np.ndarray]
    level: float
    skeleton: Skeleton

    def row(self, joint: str = "all", metric: str | None = None) -> ReportRow:
        """The row of a joint, or of another metric such as ``"AP"``."""
        metric = metric or self.metric
        for row in self.rows:
            if (row.metric, row.joint) == (metric, joint):
                return row
        known = ", ".join(f"{r.metric} {r.joint}" for r in self.rows)
        raise ValueError(f"no row {metric} {joint}; there are {known}")

    @property
    def score(self) -> float:
        """The headline, percent."""
        return self.row().interval.value

    @property
    def summary(self) -> str:
        """One sentence, for a caption or as alt text."""
        whole = self.row()
        beside = ", ".join(f"{n} {v:.1f}" for n, v in whole.baselines.items())
        return (
            f"{self.metric} {whole.interval.value:.1f} % "
            f"({whole.interval.low:.1f} to {whole.interval.high:.1f}) over "
            f"{self.table.persons:,} persons" + (f"; {beside} %" if beside else "")
        )

    def _title(self) -> str:
        return f"In percent: {self.summary}"

    def _cells(self):
        names = list(self.rows[0].baselines)
        share = f"{100 * self.level:g} % interval"
        yield ["", "labelled", "predicted", share, *names]
        for row in self.rows:
            i = row.interval
            label = row.joint if row.metric == self.metric else row.metric
            inside = "-" if np.isnan(i.low) else f"{i.low:.1f} to {i.high:.1f}"
            beside = [_text(row.baselines.get(name, np.nan), 1) for name in names]
            yield [label, f"{row.labelled:,}", _text(i.value, 1), inside, *beside]

    def _notes(self):
        but = " but " + ", ".join(self.table.excluded) if self.table.excluded else ""
        yield f"all: pooled over all joints{but}. Other conventions: report.table."
        if left_out := self.table.given - self.table.persons:
            yield (
                f"{left_out:,} of {self.table.given:,} persons are left out: no label, "
                "or not the length that distances are divided by."
            )
        kinds = ", ".join(f"{k} {v:.1f}" for k, v in self.errors.percent.items())
        yield f"Errors, percent of the joints with two sides: {kinds}."

    def __str__(self) -> str:
        return "\n".join([self._title(), *_aligned(self._cells()), *self._notes()])

    def _repr_html_(self) -> str:
        return _html_table(self._title(), self._cells(), self._notes())

    def to_dict(self) -> dict:
        """Everything but the distances, as JSON knows it (NaN becomes None)."""
        return plain(
            {
                "metric": self.metric,
                "unit": "percent",
                "level": self.level,
                "rows": [
                    row._asdict() | {"interval": row.interval._asdict()}
                    for row in self.rows
                ],
                "errors": self.errors.percent,
                "table": self.table.to_dict(),
            }
        )

    def to_json(self) -> str:
        """`to_dict` as JSON text."""
        return json.dumps(self.to_dict(), indent=2)

    def to_csv(self, path) -> Path:
        """One line per row, values in percent; returns the path."""
        names = list(self.rows[0].baselines)
        head = ["metric", "joint", "labelled", "percent", "low", "high", "sd", *names]
        return write_csv(
            path,
            head,
            (
                [row.metric, row.joint, row.labelled, *row.interval]
                + [row.baselines.get(name) for name in names]
                for row in self.rows
            ),
        )

    def plot(self, path=None):
        """Joint by joint with intervals; beside it the curve over thresholds.

        Returns a Matplotlib figure, whose alt text may be `summary`; with
        `path`, it is also written there.
        """
        from matplotlib.figure import Figure

        figure = Figure(figsize=(9, 1.6 + 0.26 * len(self.rows)), layout="constrained")
        left, right = figure.subplots(1, 2, width_ratios=(3, 2))
        _draw_rows(left, self)
        _draw_curves(right, self)
        figure.suptitle(self.summary, fontsize=10)
        if path is not None:
            with atomic_path(path) as temporary:
                figure.savefig(temporary, dpi=150)
        return figure


def _draw_rows(axes, found: Report) -> None:
    rows = [r for r in found.rows if r.metric == found.metric]
    places = np.arange(len(rows))
    values = np.array([r.interval for r in rows]).T
    color, marker = _LOOKS[0]
    axes.errorbar(
        values[0],
        places,
        xerr=np.abs(values[1:3] - values[0]),
        fmt=marker,
        color=color,
        capsize=3,
        label="predicted",
    )
    for (name, _), (color, marker) in zip(rows[0].baselines.items(), _LOOKS[1:]):
        beside = [r.baselines[name] for r in rows]
        axes.plot(beside, places, marker, color=color, mfc="white", label=name)
    axes.set_yticks(places, [r.joint for r in rows])
    axes.set(ylim=(len(rows) - 0.5, -0.5), xlim=(-3, 103), xlabel=f"{found.metric}, %")
    axes.grid(axis="x", alpha=0.3)


def _draw_curves(axes, found: Report) -> None:
    """Over the joints that "all" pools, so that a curve meets its mean."""
    threshold = found.table.rows[0].threshold
    limit = 2 * threshold
    at = np.linspace(0, limit, 201)
    for (name, values), (color, _), dash in zip(
        found.distances.items(), _LOOKS, ("-", "--", "-.", ":")
    ):
        within = pck_over_thresholds(values, at, found.skeleton)
        axes.plot(at, 100 * within, dash, color=color, label=name)
    axes.axvline(threshold, color="#777777", linewidth=1)
    axes.set(xlabel="threshold", ylabel="correct joints, %", xlim=(0, limit))
    axes.set(ylim=(0, 100))
    axes.grid(alpha=0.3)
    axes.legend(frameon=False)


def report(
    predictions,
    truth,
    visible=None,
    skeleton: Skeleton | str | None = None,
    *,
    scores=None,
    head_size=None,
    boxes=None,
    area=None,
    images=None,
    normalizer: PckNormalizer | None = None,
    thresholds=None,
    baselines=None,
    level: float = 0.95,
    resamples: int = 1000,
    seed: int = 0,
) -> Report:
    """Everything about predicted poses of known persons, beside what a
    constant prediction gets.

    PCKh, or the PCK that the labels allow (`pck_normalizer`), joint by
    joint with intervals; any other PCK that they allow; where areas or boxes
    are known, the mean OKS; where there are scores too, average precision.

    Parameters
    ----------
    predictions:
        ``(N, K, 2)`` pixels; pose i belongs to person i.
    truth:
        ``(N, K, 2)`` pixels of the same frame, NaN where not labelled; or
        an object that has them as ``keypoints``, and what else it knows as
        ``visible``, ``skeleton``, ``head_size``, ``boxes``, ``area``,
        ``images`` (`CropDataset`, `evaluation.published.Truth`).
    visible:
        ``(N, K)``; above 0 means labelled.
    skeleton:
        Or its name. None: that of `truth`, else MPII.
    scores:
        ``(N,)`` of the poses, or ``(N, K)`` of their joints, of which the
        mean is taken.
    head_size:
        ``(N,)`` pixels, the unit of PCKh.
    boxes:
        ``(N, 4)`` pixels, (x, y, width, height). The constant predictions
        are placed in them; without, in the box around the labelled joints.
    area:
        ``(N,)`` square pixels, of the persons' masks; for OKS and AP.
    images:
        N names of the pictures that the persons are in. Without, each
        person is alone in one.
    normalizer:
        What distances are divided by, instead of what `pck_normalizer`
        chooses.
    thresholds:
        Of PCK; the first is the headline.
    baselines:
        Name -> ``(N, K, 2)`` to print beside, instead of
        `constant_predictions`.
    level, resamples, seed:
        Of the bootstrap.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> truth = rng.uniform(0, 200, (50, 16, 2))
    >>> found = report(truth + rng.normal(0, 9, truth.shape), truth, skeleton="mpii")
    >>> found.metric
    'PCK (torso)@0.2'
    """
    known = {
        "visible": visible,
        "head_size": head_size,
        "boxes": boxes,
        "area": area,
        "images": images,
        "skeleton": skeleton,
    }
    visible, head_size, boxes, area, images, skeleton = (
        getattr(truth, name, None) if value is None else value
        for name, value in known.items()
    )
    skeleton = MPII if skeleton is None else get_skeleton(skeleton)
    predictions, keypoints, labelled = _poses(
        predictions, getattr(truth, "keypoints", truth), visible
    )
    units = pck_normalizers(keypoints, labelled, skeleton, head_size, boxes)
    unit = normalizer or pck_normalizer(keypoints, labelled, skeleton, head_size, boxes)
    if thresholds is None:
        thresholds = (unit.threshold, min(0.1, unit.threshold / 2))
    thresholds = list(thresholds)
    if baselines is None:
        windows = keypoint_boxes(keypoints, labelled) if boxes is None else boxes
        baselines = constant_predictions(keypoints, unit.visible, windows)
    poses = {"predicted": predictions, **baselines}
    scored = (keypoints, unit.visible, unit.size)
    bootstrap = {"level": level, "resamples": resamples, "seed": seed}
    distances = normalized_distances(predictions, *scored)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # said once, above
        table = pckh_table(
            predictions, *scored, skeleton, thresholds, baselines, metric=unit.name
        )
        hit = pck_hits(predictions, *scored, thresholds[0])
        rows = _joint_rows(hit, table, bootstrap)
        others = [u for u in units if u.name not in (unit.name, "PCK (joints)")]
        rows += [_pck_row(poses, keypoints, u, skeleton, bootstrap) for u in others]
        area, measured = _areas(area, boxes, labelled)
        if measured.any():
            people = (keypoints, measured, area)
            rows.append(_oks_row(poses, people, skeleton, bootstrap))
            if scores is not None:
                rows += _ap_rows(poses, people, skeleton, scores, images, bootstrap)
        return Report(
            f"{table.metric}@{thresholds[0]:g}",
            rows,
            table,
            error_breakdown(predictions, *scored, skeleton, threshold=thresholds[0]),
            {"predicted": distances}
            | {n: normalized_distances(p, *scored) for n, p in baselines.items()},
            level,
            skeleton,
        )


def _joint_rows(hit, table: PckhTable, bootstrap) -> list[ReportRow]:
    first, *others = (r for r in table.rows if r.threshold == table.rows[0].threshold)
    metric = f"{table.metric}@{first.threshold:g}"
    rows = [
        ReportRow(
            metric,
            joint,
            int((~np.isnan(hit[:, k])).sum()),
            interval.times(100),
            {row.name: row.per_joint[joint] for row in others},
        )
        for k, (joint, interval) in enumerate(
            zip(first.per_joint, joint_intervals(hit, **bootstrap))
        )
    ]
    counted = [k for k, j in enumerate(first.per_joint) if j not in table.excluded]
    whole = bootstrap_interval(hit, counted, **bootstrap).times(100)
    beside = {row.name: row.means["weighted"] for row in others}
    return [*rows, ReportRow(metric, "all", table.labelled, whole, beside)]


def _pck_row(poses, keypoints, unit, skeleton, bootstrap) -> ReportRow:
    """Another PCK, of all joints together."""
    columns, metric = pckh_columns(skeleton), f"{unit.name}@{unit.threshold:g}"
    hits = {
        name: pck_hits(p, keypoints, unit.visible, unit.size, unit.threshold)
        for name, p in poses.items()
    }
    own = hits.pop("predicted")
    return ReportRow(
        metric,
        "all",
        int((~np.isnan(own[:, columns])).sum()),
        bootstrap_interval(own, columns, **bootstrap).times(100),
        {name: float(100 * np.nanmean(hit[:, columns])) for name, hit in hits.items()},
    )


def _areas(area, boxes, labelled):
    """Areas, from the box where there is none; and the joints of those who
    have one."""
    area = np.full(len(labelled), np.nan) if area is None else as_array(area).copy()
    if area.shape != labelled.shape[:1]:
        raise ValueError(f"area {area.shape} does not go with {len(labelled)} persons")
    missing = ~(np.isfinite(area) & (area > 0))
    if boxes is not None and missing.any():
        area[missing] = MASK_OF_BOX * as_array(boxes)[missing, 2:].prod(1)
        warnings.warn(
            f"{missing.sum()} of {len(area)} persons have no usable area; "
            f"{MASK_OF_BOX} of their box is taken. OKS and AP move with it",
            stacklevel=3,
        )
    known = np.isfinite(area) & (area > 0)
    return np.where(known, area, 1.0), labelled & known[:, None]


def _oks_row(poses, people, skeleton, bootstrap) -> ReportRow:
    keypoints, measured, area = people
    values = {
        name: 100 * paired_oks(p, keypoints, measured, area, skeleton.sigmas)
        for name, p in poses.items()
    }
    own = values.pop("predicted")[:, None]
    return ReportRow(
        "OKS",
        "all",
        int((~np.isnan(own)).sum()),
        bootstrap_interval(own, **bootstrap),
        {name: float(np.nanmean(v)) for name, v in values.items()},
    )


def _ap_rows(poses, people, skeleton, scores, images, bootstrap) -> list[ReportRow]:
    keypoints, measured, area = people
    scores = as_array(scores)
    scores = scores.mean(1) if scores.ndim == 2 else scores
    names = list(range(len(area))) if images is None else [str(i) for i in images]
    if not len(scores) == len(names) == len(area):
        raise ValueError(
            f"{len(scores)} scores and {len(names)} images do not go with "
            f"{len(area)} persons"
        )
    pictures: dict[object, list[int]] = {name: [] for name in names}
    for person, name in enumerate(names):
        pictures[name].append(person)
    truth = [
        [
            {"keypoints": keypoints[i], "visible": measured[i], "area": area[i]}
            for i in group
        ]
        for group in pictures.values()
    ]

    def listed(found):
        found = _nowhere_to_far_away(as_array(found))
        return [
            [{"keypoints": found[i], "score": scores[i]} for i in group]
            for group in pictures.values()
        ]

    intervals = keypoint_ap_intervals(
        truth, listed(poses["predicted"]), skeleton.sigmas, **bootstrap
    )
    beside = {
        name: keypoint_ap(truth, listed(found), skeleton.sigmas)
        for name, found in poses.items()
        if name != "predicted"
    }
    return [
        ReportRow(
            metric,
            "all",
            len(pictures),
            intervals[metric].times(100),
            {name: 100 * values[metric] for name, values in beside.items()},
        )
        for metric in ("AP", "AP50", "AP75")
    ]


def _nowhere_to_far_away(poses) -> np.ndarray:
    """Joints that are not finite as misses: AP wants a place for each."""
    finite = np.isfinite(poses)
    return np.where(finite, poses, np.abs(poses[finite]).max(initial=0) + 1e4)
