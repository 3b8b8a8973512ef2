"""PCKh by body part, with every convention named."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from ..files import plain, write_csv
from ..skeletons import MPII, Skeleton
from ._common import _aligned, _expect, _html_table, _mean, _text
from .intervals import Interval, bootstrap_interval
from .pck import _area, _rates, _within, normalized_distances, pckh_columns

__all__ = ["PckhRow", "PckhTable", "pckh_table"]


@dataclass
class PckhRow:
    """One line of a `PckhTable`, all in percent.

    Attributes
    ----------
    name, threshold:
        Whose predictions, at which threshold.
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
    """What `pckh_table` gives, all in percent; prints itself.

    Attributes
    ----------
    persons, given:
        Persons who are scored, of how many; the others have no labelled
        joint, or no size and so no visibility.
    labelled:
        Joints that count in the weighted mean.
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
    given: int = 0

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
        labels = self._printed()
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

    def _printed(self) -> list[str]:
        """The columns that fit on a line: all, or none."""
        labels = list(self.rows[0].columns)
        return labels if len(labels) <= 12 else []

    def _title(self) -> str:
        of = f" of {self.given:,}" if self.given > self.persons else ""
        return (
            f"{self.metric} in percent: {self.persons:,}{of} persons, "
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
        if not self._printed():
            yield f"{len(first.columns)} body parts: see to_csv, or metrics.report."
        if self.head == "official":
            yield "Head: mean of upper neck and head top."

    def __str__(self) -> str:
        return "\n".join([self._title(), *_aligned(self._cells()), *self._notes()])

    def _repr_html_(self) -> str:
        return _html_table(self._title(), self._cells(), self._notes())

    def to_dict(self) -> dict:
        """Everything, as JSON knows it (NaN becomes None)."""
        return plain(
            {
                "metric": self.metric,
                "unit": "percent",
                "persons": self.persons,
                "given": self.given,
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

    def to_csv(self, path) -> Path:
        """One line per row: name, threshold, then all in percent.

        Columns ``joint:NAME`` per joint, ``part:NAME`` per printed column,
        ``mean:NAME`` per mean, and ``auc``.
        """
        first = self.rows[0]
        labels = [f"joint:{j}" for j in first.per_joint]
        labels += [f"part:{c}" for c in first.columns]
        labels += [f"mean:{m}" for m in first.means]
        return write_csv(
            path,
            ["metric", "name", "threshold", *labels, "auc"],
            (
                [
                    self.metric,
                    row.name,
                    row.threshold,
                    *row.per_joint.values(),
                    *row.columns.values(),
                    *row.means.values(),
                    self.auc[row.name],
                ]
                for row in self.rows
            ),
        )


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
        Name -> ``(N, K, 2)``, predictions to print as further rows, e.g.
        `constant_predictions`.
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
    counted = pckh_columns(skeleton)
    excluded = tuple(j for i, j in enumerate(skeleton.joints) if i not in counted)
    distances = {
        name: normalized_distances(poses, keypoints, visible, head_size)
        for name, poses in names.items()
    }
    own = distances["predicted"]
    _expect(own.shape[1], skeleton)
    hit = _within(own, thresholds[0])
    return PckhTable(
        metric=metric,
        persons=int((~np.isnan(own)).any(1).sum()),
        given=len(own),
        labelled=int((~np.isnan(own[:, counted])).sum()),
        head=head,
        rows=[
            _row(name, t, _rates(_within(values, t)), skeleton, groups, counted)
            for name, values in distances.items()
            for t in thresholds
        ],
        auc={
            name: 100 * _area(values, 0.5, 0.01).pooled(counted)
            for name, values in distances.items()
        },
        interval=bootstrap_interval(hit, counted).times(100),
        excluded=excluded,
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
