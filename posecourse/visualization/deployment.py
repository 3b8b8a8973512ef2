"""Figures of chapter 15: what networks cost, and what they bear.

The stored measurements are in ``data/studies``.
"""

from __future__ import annotations

import numpy as np
from matplotlib.figure import Figure

from ..deploy import CORRUPTIONS, corrupt
from .figures import figure, show_people

__all__ = [
    "draw_damage",
    "draw_ranges",
    "show_budget",
    "show_costs",
    "show_peers",
    "show_pupils",
    "show_robustness",
    "show_roofline",
]

_BLUE, _RED, _GREY, _GREEN = "#0072B2", "#D55E00", "#777777", "#009E73"
_MARKS = "os^Dv*"
_COLORS = (_BLUE, _RED, _GREEN, "#CC79A7", "#E69F00", _GREY)
_TITLES = {
    "turned": ("turned", "degrees"),
    "pitch": ("seen from above", "camera looks down, degrees"),
    "loose": ("unusual poses", "spread, 1 is usual"),
}


def show_costs(rows: dict, alt: str) -> None:
    """Milliseconds over multiply-adds, and score over milliseconds.

    Parameters
    ----------
    rows:
        Name -> network of ``data/studies/architectures.json``.
    """
    with figure(alt, 1, 2, size=(9, 3.9)) as axes:
        for mark, color, (name, row) in zip(_MARKS, _COLORS, rows.items()):
            taken = row["milliseconds"]
            value, low, high = row["pckh"][-1]["0.5"]  # of the last stage
            look = {"marker": mark, "color": color, "mec": "black", "ms": 10}
            million = row["multiply_adds"] / 1e6
            axes[0].plot(million, taken, ls="", label=name, **look)
            axes[1].plot([taken] * 2, [low, high], "-", color="black", lw=1)
            axes[1].plot(taken, value, ls="", **look)
        axes[0].set(
            xlabel="multiply-adds, million",
            ylabel="ms a picture, one core",
            xlim=(0, None),
            ylim=(0, None),
        )
        axes[1].set(xlabel="ms a picture, one core", ylabel="PCKh@0.5, %")
        axes[1].set_xlim(0, None)
        axes[0].figure.legend(
            *axes[0].get_legend_handles_labels(),
            ncols=6,
            fontsize=9,
            loc="outside upper center",
        )


_PEOPLE = {"lspet": "athletes", "coco": "people of COCO", "mpii": "people of MPII"}
_ENGINES = {
    "PyTorch": {"marker": "o", "mfc": "white"},
    "onnxruntime": {"marker": "o", "mfc": _BLUE},
    "int8": {"marker": "D", "mfc": _BLUE},
}


def show_peers(peers: dict, clock: dict, photos: dict, alt: str) -> None:
    """Score over milliseconds of the course's networks and of BlazePose.

    Parameters
    ----------
    peers:
        ``data/studies/peers.json``: the scores.
    clock:
        Milliseconds of one core, the part ``engines`` of the study.
    photos:
        Its part ``photos``: what 8 bits change among the athletes.
    """
    with figure(alt, 1, 3, size=(9.6, 4), sharey=True) as axes:
        for axis, (key, who) in zip(axes, _PEOPLE.items()):
            part = peers["sets"][key]
            for name, at in {"posenet": -14, "laptop": 7, "photos": 7}.items():
                _engines(axis, part["scores"][name], clock, name)
                value, right = part["scores"][name][0], clock[f"{name}, onnxruntime"]
                axis.annotate(name, (right, value), (0, at), **_NOTE)
            if key == "lspet":
                _dot(axis, clock["photos, int8"], photos["int8"]["limbs"], "int8")
            for size, at in {"lite": -16, "full": 8, "heavy": 8}.items():
                score = part["scores"][f"BlazePose {size}"]
                taken = clock[f"BlazePose {size}"] + clock["BlazePose detector"]
                axis.plot([taken] * 2, score[1:], "-", color=_RED, lw=1)
                axis.plot(taken, score[0], "s", color=_RED, mec="black", ms=8)
                axis.annotate(size, (taken, score[0]), (0, at), **_NOTE)
            axis.axhline(part["scores"]["mean pose"][0], color=_GREY, ls=":", lw=1)
            axis.set(xscale="log", xlim=(0.8, 150), ylim=(0, 100))
            axis.set_xticks([1, 3, 10, 30, 100], [1, 3, 10, 30, 100])
            axis.set_title(f"{part['scored']} {who}", fontsize=11)
            axis.set_xlabel(f"ms, one core; {part['metric']}", fontsize=9)
        axes[0].set_ylabel("joints of arms and legs found, %")
        for engine, look in _ENGINES.items():
            axes[0].plot([], [], ls="", mec=_BLUE, label=f"ours, {engine}", **look)
        axes[0].plot([], [], "s", color=_RED, mec="black", label="BlazePose")
        axes[0].plot([], [], ":", color=_GREY, label="mean pose")
        axes[0].figure.legend(ncols=5, fontsize=9, loc="outside upper center")


_NOTE = {"textcoords": "offset points", "ha": "center", "fontsize": 9}


def _engines(axis, score, clock, name):
    """One network, on the engine that it was trained in and on a faster one."""
    slow, fast = (clock[f"{name}, {e}"] for e in ("PyTorch", "onnxruntime"))
    axis.plot([slow, fast], [score[0]] * 2, "-", color=_BLUE, lw=1)
    _dot(axis, slow, score, "PyTorch")
    _dot(axis, fast, score, "onnxruntime")


def _dot(axis, taken, score, engine):
    axis.plot([taken] * 2, score[1:], "-", color=_BLUE, lw=1)
    axis.plot(taken, score[0], ls="", mec=_BLUE, ms=8, **_ENGINES[engine])


def show_pupils(part: dict, alt: str) -> None:
    """What a small network finds, by who taught it.

    Parameters
    ----------
    part:
        The part ``distillation`` of the study.
    """
    with figure(alt, size=(7.5, 2.8)) as axis:
        for row, (arm, (value, low, high)) in enumerate(part["arms"].items()):
            axis.barh(row, value, color=_BLUE, alpha=0.35, height=0.6)
            axis.plot([low, high], [row] * 2, "-", color="black", lw=1.5)
            runs = [v[0] for n, v in part["runs"].items() if n.startswith(f"{arm}, s")]
            axis.plot(runs, [row] * len(runs), "o", color=_BLUE, mec="black", ms=6)
        axis.set_yticks(range(len(part["arms"])), part["arms"])
        axis.invert_yaxis()
        axis.axvline(part["mean pose"][0], color=_GREY, ls=":", label="mean pose")
        axis.axvline(part["teacher"][0], color=_RED, ls="--", label="the teacher")
        axis.plot([], [], "o", color=_BLUE, mec="black", label="a seed")
        axis.set(xlim=(0, 100), xlabel="PCKh@0.5, %")
        axis.legend(fontsize=9, loc="center left", bbox_to_anchor=(1, 0.5))


def show_roofline(peak: float, bandwidth: float, layers: dict, alt: str) -> None:
    """The roof of a machine, and where layers stand under it.

    Parameters
    ----------
    peak, bandwidth:
        Multiply-adds and bytes per second.
    layers:
        ``{name: (multiply-adds per byte, multiply-adds per second)}``.
    """
    with figure(alt, size=(7.5, 4)) as axis:
        reach = np.geomspace(0.05, 500, 100)
        roof = np.minimum(peak, reach * bandwidth) / 1e9
        axis.plot(reach, roof, "-", color="black", lw=2, label="the roof")
        axis.axvline(peak / bandwidth, color=_GREY, ls=":", lw=1)
        for mark, (name, (intensity, speed)) in zip(_MARKS, layers.items()):
            axis.plot(
                intensity, speed / 1e9, mark, ms=9, ls="", mec="black", label=name
            )
        axis.set(
            xscale="log",
            yscale="log",
            xlabel="multiply-adds per byte that is moved",
            ylabel="billion multiply-adds a second",
        )
        axis.legend(fontsize=9, loc="lower right")


def draw_ranges(values, top: float) -> Figure:
    """Activations, the 256 steps from 0 to `top`, and the error they make.

    Parameters
    ----------
    values:
        Activations, 0 and above.
    """
    made = Figure(figsize=(7.5, 3.2), layout="constrained")
    left, right = made.subplots(1, 2)
    left.hist(values, np.linspace(0, values.max(), 60), color=_BLUE, log=True)
    left.axvspan(0, top, color=_GREEN, alpha=0.15)
    left.axvline(top, color=_GREEN, lw=2)
    lost = np.mean(values > top)
    left.set(
        title=f"{100 * lost:.2f} % beyond the range",
        xlabel="activation",
        ylabel="how many",
        xlim=(0, values.max()),
    )
    tops = np.geomspace(values.max() / 50, 4 * values.max(), 40)
    right.plot(tops, [rounding_error(values, t) for t in tops], "-", color=_BLUE)
    now = rounding_error(values, top)
    right.plot(top, now, "o", color=_RED, ms=9)
    right.set(
        title=f"one step is {top / 255:.4f}",
        xscale="log",
        yscale="log",
        xlabel="end of the range",
        ylabel="root mean square error",
    )
    return made


def rounding_error(values, top: float) -> float:
    """Root mean square error of 8 bits from 0 to `top`."""
    step = top / 255
    coded = np.clip(np.round(values / step), 0, 255) * step
    return float(np.sqrt(np.mean((coded - values) ** 2)))


def draw_damage(predict, image, damage: str, step: float) -> Figure | None:
    """A picture, damaged, and what a network makes of it.

    Parameters
    ----------
    predict:
        A function from one picture ``(H, W, 3)`` to ``(K, 2)`` points.
    damage, step:
        A key of `CORRUPTIONS`, and which of its strengths, from 1.
    """
    strength = CORRUPTIONS[damage].strengths[round(step) - 1]
    damaged = corrupt(image, damage, strength)
    return show_people(
        [image, damaged],
        [predict(image), predict(damaged)],
        titles=["as it was", f"{damage} ({CORRUPTIONS[damage].unit}: {strength:g})"],
        columns=2,
        size=3,
    )


def show_robustness(parts: dict, alt: str) -> None:
    """Scores over the strength of each damage.

    Parameters
    ----------
    parts:
        ``{label: part of the study}``; of each, lists of strength, score and
        the ends of its interval, beside ``undamaged`` and ``mean pose``.
    """
    names = [n for n in next(iter(parts.values())) if n not in _FIXED]
    with figure(alt, 3, 4, size=(9.6, 7), sharey=True) as axes:
        for axis, name in zip(axes.flat, names):
            for color, mark, (label, part) in zip((_BLUE, _RED), "os", parts.items()):
                _curve(axis, part, name, color, mark, label)
            title, unit = _title(name)
            axis.set_title(title, fontsize=10)
            axis.set_xlabel(unit, fontsize=8)
            axis.set_ylim(0, 100)
        for axis in axes.flat[len(names) :]:
            axis.set_axis_off()
        axes[0, 0].figure.legend(
            *axes[0, 0].get_legend_handles_labels(),
            ncols=4,
            loc="outside upper center",
        )


_FIXED = ("undamaged", "mean pose")


def _title(name: str) -> tuple[str, str]:
    return _TITLES.get(name) or (name, CORRUPTIONS[name].unit)


def _curve(axis, part, name, color, mark, label):
    if name not in part:
        return
    places, value, low, high = np.array(part[name], float).T
    backwards = name == "JPEG"  # a lower quality is the worse one
    if name in CORRUPTIONS:
        start = {"few pixels": 1, "dark": 1, "JPEG": 95}.get(name, 0)
        good = part["undamaged"]
        places = np.insert(places, 0, start)
        value, low, high = (
            np.insert(v, 0, g) for v, g in zip((value, low, high), good)
        )
    axis.fill_between(places, low, high, color=color, alpha=0.2, lw=0)
    axis.plot(places, value, mark, ls="-", color=color, ms=4, label=label)
    axis.axhline(
        part["mean pose"][0], color=color, ls=":", lw=1, label=f"mean pose, {label}"
    )
    if backwards:
        axis.set_xlim(100, 0)
    if name == "dark":
        axis.set_xscale("log", base=2)


def show_budget(look: float, search: float, every, alt: str) -> None:
    """Seconds of each frame over time, where somebody is searched for every
    n-th frame.

    Parameters
    ----------
    look, search:
        Seconds of one look, and of a search.
    every:
        Some n.
    """
    with figure(alt, 1, len(every), size=(9, 2.6), sharey=True) as axes:
        for axis, n in zip(axes, every):
            frames = np.arange(30)
            taken = np.where(frames % n == 0, search, look) * 1000
            axis.bar(frames, taken, color=np.where(frames % n, _BLUE, _RED), width=0.9)
            axis.axhline(taken.mean(), color="black", ls="--", lw=1)
            axis.set_title(f"every {n}: {1000 / taken.mean():.0f} pictures/s")
            axis.set_xlabel("frame")
        axes[0].set_ylabel("ms")
