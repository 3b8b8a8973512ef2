"""Figures of chapter 11: networks side by side, from a stored study.

``rows`` is what ``data/studies/architectures.json`` holds under
``"networks"``: for each ``"NAME, seed N"`` its learning curve, its scores with
intervals, its costs.
"""

from __future__ import annotations

import numpy as np

from .figures import figure
from .tables import Table, table

__all__ = [
    "show_effects",
    "show_joint_gains",
    "show_learning_curves",
    "show_prices",
    "show_published",
    "show_puzzles",
    "show_stages",
    "table_of_scores",
]

# Each family keeps its colour, its mark and its dashes through the chapter.
_LOOKS = {
    "Hourglass": ("#0072B2", "o", "-"),
    "CPM": ("#D55E00", "s", "--"),
    "CPN": ("#009E73", "^", "-."),
    "SimpleBaseline": ("#CC79A7", "D", ":"),
    "HRNet": ("#E69F00", "v", (0, (5, 1))),
    "laptop": ("#555555", "*", (0, (3, 1, 1, 1))),
}
_SEEDS = (("#0072B2", "o"), ("#D55E00", "D"))


def _look(family: str) -> dict:
    color, marker, dashes = _LOOKS[family]
    return {"color": color, "marker": marker, "linestyle": dashes}


def _legend(axes):
    axes[0].figure.legend(
        *axes[0].get_legend_handles_labels(),
        ncols=len(axes[0].get_legend_handles_labels()[1]),
        fontsize=9,
        loc="outside upper center",
    )


def show_puzzles(maps: dict, meant, chosen, alt: str) -> None:
    """Pictures and answers of section 1, the dot that is meant in a ring.

    Parameters
    ----------
    maps:
        ``{title: (N, H, W)}``; the first are the pictures.
    meant:
        The dots ``(N, 2)``.
    chosen:
        The puzzles to show, a row each.
    """
    size = (2.25 * len(maps), 2.35 * len(chosen))
    with figure(alt, len(chosen), len(maps), size=size, squeeze=False) as axes:
        for (row, column), axis in np.ndenumerate(axes):
            title, i = list(maps)[column], chosen[row]
            axis.imshow(
                np.asarray(maps[title][i]), cmap="inferno" if column else "gray"
            )
            axis.plot(
                *np.asarray(meant[i]),
                "o",
                markersize=22,
                fillstyle="none",
                color="#56B4E9",
                markeredgewidth=2,
            )
            axis.grid(False)
            axis.set(xticks=[], yticks=[], title=title)


def show_learning_curves(rows: dict, names, alt: str) -> None:
    """PCKh over the people seen, and over the time that it took."""
    with figure(alt, 1, 2, size=(9.2, 3.8), sharey=True) as axes:
        for name in names:
            row = rows[f"{name}, seed 0"]
            seen, _, score = np.transpose(row["curve"])
            seconds = seen * row["milliseconds_of_training"] / 1000
            for axis, x in zip(axes, (seen / 1000, seconds)):
                axis.plot(x, score, label=name, **_look(name))
        axes[0].set(
            xlabel="people seen, thousands",
            ylabel="PCKh@0.5, percent",
            title="equal pictures",
        )
        axes[1].set(xlabel="seconds of one core", title="equal time")
        _legend(axes)


def table_of_scores(study: dict, names) -> Table:
    """PCKh with its interval, that of another seed, and the parameters."""
    lines = []
    for name in names:
        row, other = (study["networks"].get(f"{name}, seed {seed}") for seed in (0, 1))
        value, low, high = row["pckh"][-1]["0.5"]
        again = other["pckh"][-1]["0.5"][0] if other else None
        interval = f"{low:.1f} to {high:.1f}"
        lines.append((name, value, interval, again, row["parameters"] / 1e6))
    lines.append(("(mean pose)", study["mean_pose"]["0.5"][0], "", None, None))
    return table(
        lines,
        ("network", "PCKh@0.5", "95 % interval", "another seed", "parameters, M"),
        digits={"parameters, M": 2},
    )


def show_prices(rows: dict, names, alt: str) -> None:
    """PCKh, with its interval, over three things that a network costs."""
    prices = {
        "parameters, millions": ("parameters", 1e6),
        "multiply-adds, millions": ("multiply_adds", 1e6),
        "milliseconds for a picture, one core": ("milliseconds", 1),
    }
    with figure(alt, 1, 3, size=(9.4, 3.4), sharey=True) as axes:
        for name in names:
            row = rows[f"{name}, seed 0"]
            value, low, high = row["pckh"][-1]["0.5"]
            for axis, (key, unit) in zip(axes, prices.values()):
                axis.errorbar(
                    row[key] / unit,
                    value,
                    [[value - low], [high - value]],
                    markersize=8,
                    capsize=3,
                    label=name,
                    **{**_look(name), "linestyle": "none"},
                )
        for axis, title in zip(axes, prices):
            axis.set(xlabel=title, xlim=(0, 1.08 * axis.get_xlim()[1]))
        axes[0].set_ylabel("PCKh@0.5, percent")
        _legend(axes)


def show_stages(rows: dict, names, alt: str) -> None:
    """What each stage of a network scores, first to last."""
    with figure(alt, size=(6.6, 3.2)) as axis:
        for name in names:
            scores = [stage["0.5"][0] for stage in rows[f"{name}, seed 0"]["pckh"]]
            axis.plot(range(1, len(scores) + 1), scores, label=name, **_look(name))
        axis.set(xlabel="stage", ylabel="PCKh@0.5, percent", ylim=(0, 80))
        axis.set_xticks(range(1, 7))
        axis.legend(loc="lower right")


def show_effects(effects: dict, alt: str) -> None:
    """What each idea adds, with intervals: ``{idea: [(value, low, high), ...]}``."""
    with figure(alt, size=(8, 3)) as axis:
        for row, seeds in enumerate(effects.values()):
            for i, (value, low, high) in enumerate(seeds):
                color, marker = _SEEDS[i]
                axis.errorbar(
                    value,
                    row + 0.24 * i - 0.12,
                    xerr=[[value - low], [high - value]],
                    color=color,
                    marker=marker,
                    capsize=3,
                    linestyle="none",
                    label=f"seed {i}" if row == 0 else None,
                )
        axis.axvline(0, color="0.4", linewidth=1, linestyle="-")
        axis.set(xlabel="what it adds to PCKh@0.5, points")
        axis.set_yticks(range(len(effects)), effects)
        axis.invert_yaxis()
        axis.legend(loc="lower right")


def show_joint_gains(gains: dict, alt: str) -> None:
    """Gain or loss for each kind of joint: ``{joint: [seed 0, seed 1]}``."""
    with figure(alt, size=(6.6, 3.2)) as axis:
        for i, (color, marker) in enumerate(_SEEDS):
            values = [seeds[i] for seeds in gains.values()]
            rows = np.arange(len(values)) + 0.24 * i - 0.12
            axis.hlines(rows, 0, values, color=color, linewidth=1.5)
            axis.plot(values, rows, marker, color=color, label=f"seed {i}")
        axis.axvline(0, color="0.4", linewidth=1, linestyle="-")
        axis.set(xlabel="points of PCKh@0.5, hard keypoints against all joints")
        axis.set_yticks(range(len(gains)), gains)
        axis.invert_yaxis()
        axis.legend(loc="upper right")


def show_published(networks: dict, half: float, alt: str) -> None:
    """Published scores beside their cost, a row for each network.

    Parameters
    ----------
    networks:
        ``{name: (family, score, billions of multiply-adds)}``.
    half:
        Half the length of a score's 95 % interval.
    """
    with figure(alt, 1, 2, size=(9.2, 3.6), sharey=True, width_ratios=(3, 2)) as axes:
        for row, (family, score, cost) in enumerate(networks.values()):
            look = _look(family) | {"linestyle": "none"}
            axes[0].errorbar(score, row, xerr=half, markersize=8, capsize=3, **look)
            axes[1].barh(row, cost, height=0.55, color=look["color"])
            axes[1].annotate(
                f"{cost:.1f}",
                (cost, row),
                (4, 0),
                textcoords="offset points",
                va="center",
                fontsize=9,
            )
        axes[0].set(xlabel="PCKh@0.5 on MPII, as published, with 95 % intervals")
        axes[0].set_yticks(range(len(networks)), networks)
        axes[0].invert_yaxis()
        axes[1].set(xlabel="multiply-adds, billions", xlim=(0, 45))
