"""Figures of chapter 16: what came after, and for whom it works.

The stored measurements are in ``data/studies``.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import matplotlib
import numpy as np
import torch
from matplotlib.figure import Figure

from .. import models
from ..datasets.synthetic.body import SKIN
from ..drawing import draw_pose
from ..files import read_json
from ..places import course_folder
from ..skeletons import Skeleton
from ..transforms import normalise
from .figures import STYLE, figure, show_people

__all__ = [
    "draw_answers",
    "draw_arm",
    "draw_attention",
    "draw_slots",
    "show_completed",
    "show_groups",
    "show_identified",
    "show_matches",
    "show_patches",
    "show_simcc",
    "show_skeletons",
    "show_tones",
    "stored_network",
    "stored_pictures",
    "stored_study",
]

_BLUE, _RED, _GREY, _GREEN = "#0072B2", "#D55E00", "#777777", "#009E73"
_LOOKS = (("-o", _BLUE), ("--s", _RED), ("-.^", _GREEN), (":D", "#CC79A7"))


def _stored(ending: str) -> Path:
    return course_folder() / "data" / "studies" / f"outlook.{ending}"


def stored_study() -> dict:
    """The results of ``data/studies/outlook.py``."""
    return read_json(_stored("json"))


def stored_network(name: str, model: str) -> models.PoseNetwork:
    """One of the networks that the study has kept, by its name there."""
    from safetensors.torch import load_file

    network = models.build(model, input_size=64)
    kept = load_file(_stored("safetensors"))
    network.load_state_dict(
        {
            key.partition("/")[2]: value.float()
            for key, value in kept.items()
            if key.startswith(f"{name}/")
        }
    )
    return network.eval()


def stored_pictures() -> dict[str, np.ndarray]:
    """Pictures that the study's masked autoencoder has completed."""
    with np.load(_stored("npz")) as arrays:
        return dict(arrays)


def show_simcc(image, point, columns, rows, alt: str) -> None:
    """A picture, and beside it a joint as a hill over columns and one over rows.

    Parameters
    ----------
    image, point:
        ``(H, W, 3)``, and ``(2,)`` in its pixels.
    columns, rows:
        One value per bin, over the whole width and height.
    """
    height, width = image.shape[:2]
    with figure(
        alt,
        2,
        2,
        size=(4.6, 4.4),
        width_ratios=(4, 1),
        height_ratios=(1, 4),
    ) as axes:
        (top, corner), (picture, side) = axes
        picture.imshow(image, aspect="auto")
        for place, line in ((point[0], picture.axvline), (point[1], picture.axhline)):
            line(place, color=_RED, lw=1)
        across = (np.arange(len(columns)) + 0.5) * width / len(columns) - 0.5
        down = (np.arange(len(rows)) + 0.5) * height / len(rows) - 0.5
        top.fill_between(across, columns, color=_BLUE)
        side.fill_betweenx(down, rows, color=_BLUE)
        top.set(xlim=(-0.5, width - 0.5), title="which column?")
        side.set(ylim=(height - 0.5, -0.5), title="which row?")
        for axis in (top, side, picture):
            axis.set(xticks=[], yticks=[])
            axis.grid(False)
        corner.set_axis_off()


def show_patches(image, side: int, alt: str) -> None:
    """A picture, and the same cut into numbered patches."""
    height, width = image.shape[:2]
    rows, columns = height // side, width // side
    with figure(alt, 1, 2, size=(7.2, 3.6)) as axes:
        for axis in axes:
            axis.set_axis_off()
        axes[0].imshow(image)
        gap = max(1, side // 8)
        apart = np.full((rows * (side + gap), columns * (side + gap), 3), 255, np.uint8)
        for row, column in np.ndindex(rows, columns):
            y, x = row * (side + gap), column * (side + gap)
            apart[y : y + side, x : x + side] = image[
                row * side : (row + 1) * side, column * side : (column + 1) * side
            ]
            if not row or row == rows - 1:
                axes[1].text(
                    x + side / 2,
                    y + side / 2,
                    str(row * columns + column),
                    color="white",
                    fontsize=8,
                    ha="center",
                    va="center",
                    bbox={"color": "black", "alpha": 0.5, "pad": 1},
                )
        axes[1].imshow(apart)


def draw_attention(image, weights, place, grid) -> Figure:
    """What the patch at a place looks at.

    Parameters
    ----------
    image:
        ``(H, W, 3)``.
    weights:
        ``(T, T)``: how much each patch (row) looks at each (column).
    place:
        ``(x, y)`` pixels; of the patch that looks.
    grid:
        ``(rows, columns)`` of patches.
    """
    height, width = image.shape[:2]
    rows, columns = grid
    row = int(np.clip(place[1] * rows // height, 0, rows - 1))
    column = int(np.clip(place[0] * columns // width, 0, columns - 1))
    seen = np.asarray(weights)[row * columns + column].reshape(grid)
    with matplotlib.rc_context(STYLE | {"axes.grid": False}):
        made = Figure(figsize=(7.2, 3.6))
        axes = made.subplots(1, 2)
        axes[0].imshow(image)
        axes[1].imshow(np.asarray(image) // 3 + 20)
        spread = (-0.5, width - 0.5, height - 0.5, -0.5)
        axes[1].imshow(
            seen / seen.max(), extent=spread, cmap="inferno", alpha=0.75, vmin=0
        )
        for axis in axes:
            axis.add_patch(
                matplotlib.patches.Rectangle(
                    (column * width / columns - 0.5, row * height / rows - 0.5),
                    width / columns,
                    height / rows,
                    fill=False,
                    color="white",
                    lw=2.5,
                )
            )
            axis.set_axis_off()
        axes[0].set_title("this patch ...")
        axes[1].set_title(f"... looks here (strongest {100 * seen.max():.0f} %)")
    return made


def show_matches(found, people, pairs: dict, alt: str) -> None:
    """Answers, people, and who is matched with whom, in one panel for each way.

    Parameters
    ----------
    found, people:
        ``(Q, 2)`` and ``(P, 2)``.
    pairs:
        ``{title: [(query, person), ...]}``.
    """
    with figure(alt, 1, len(pairs), size=(3.4 * len(pairs), 3.0), sharey=True) as axes:
        for axis, (title, chosen) in zip(axes, pairs.items()):
            for query, person in chosen:
                axis.plot(*zip(found[query], people[person]), "-", color="black", lw=1)
            axis.plot(*found.T, "o", color=_BLUE, ms=9, label="answer")
            axis.plot(*people.T, "*", color=_RED, ms=14, label="person")
            for number, point in enumerate(found):
                axis.annotate(str(number), point, (5, 6), textcoords="offset points")
            axis.set_title(title)
            axis.margins(0.18)
        axes[0].legend(loc="best", fontsize=9)


def draw_slots(sets: dict, where, step: int) -> Figure:
    """Two slots' answers over what they should be, in a panel for each way to learn.

    Parameters
    ----------
    sets:
        ``{title: (N, 2)}`` the answers of both slots.
    where:
        ``(N, 2)`` the two places, in any order.
    """
    places = np.sort(np.asarray(where), 1)
    with matplotlib.rc_context(STYLE):
        made = Figure(figsize=(6.0, 2.9))
        for axis, (title, found) in zip(made.subplots(1, 2, sharey=True), sets.items()):
            found = np.asarray(found)
            rank = found.argsort(1).argsort(1)  # the lower answer is for the left
            for slot, (mark, color) in enumerate((("o", _BLUE), ("s", _RED))):
                axis.plot(
                    np.take_along_axis(places, rank, 1)[:, slot],
                    found[:, slot],
                    mark,
                    color=color,
                    ms=3,
                    alpha=0.6,
                    label=f"slot {slot}",
                )
            axis.plot([0, 23], [0, 23], "-", color="black", lw=1)
            axis.set(xlim=(0, 23), ylim=(0, 23), xlabel="true place, cells")
            axis.set_title(f"{title}, step {step}")
        made.axes[0].set_ylabel("answer, cells")
        made.axes[0].legend(loc="upper left", fontsize=9)
    return made


def show_completed(images, hidden, guessed, alt: str) -> None:
    """Pictures, what of them was shown, and how they were completed.

    Parameters
    ----------
    images, guessed:
        ``(N, H, W, 3)`` uint8.
    hidden:
        ``(N, H, W)`` bool, what was hidden.
    """
    shown = np.where(hidden[..., None], np.uint8(205), images)
    filled = np.where(hidden[..., None], guessed, images)
    rows = {"shown": shown, "completed": filled, "the picture": images}
    with figure(alt, 3, len(images), size=(1.35 * len(images), 4.3)) as axes:
        for line, (title, pictures) in zip(axes, rows.items()):
            for axis, picture in zip(line, pictures):
                axis.imshow(picture)
                axis.set(xticks=[], yticks=[])
                axis.grid(False)
                for spine in axis.spines.values():
                    spine.set_visible(False)
            line[0].set_ylabel(title)


def draw_arm(points, skinned, weights, degrees) -> Figure:
    """An outline at rest and bent, each point coloured by who moves it.

    Parameters
    ----------
    points, skinned:
        ``(V, 2)``, from the shoulder at 0 to the elbow at 1 and the wrist at 2.
    weights:
        ``(V,)``, the share of the forearm.
    degrees:
        How far the elbow is bent.
    """
    angle = np.deg2rad(degrees)
    wrist = (1 + np.cos(angle), np.sin(angle))
    with matplotlib.rc_context(STYLE | {"axes.grid": False}):
        made = Figure(figsize=(7.2, 3.1))
        axes = made.subplots(1, 2)
        for axis, outline in zip(axes, (points, skinned)):
            axis.fill(*outline.T, color="#E8D5C4", zorder=0)
            axis.scatter(*outline.T, c=weights, cmap="coolwarm", s=10, vmin=0, vmax=1)
            axis.set(xlim=(-0.3, 2.3), ylim=(-0.45, 1.35), aspect="equal")
            axis.set_axis_off()
        axes[1].plot(*np.array([(0, 0), (1, 0), wrist]).T, "-o", color="black", ms=4)
        axes[0].set_title("at rest: blue upper arm, red forearm")
        axes[1].set_title(f"bent by {degrees:.0f} degrees")
    return made


def show_skeletons(hand: Skeleton, dog: Skeleton, alt: str) -> None:
    """A hand of 21 joints and a dog of 13, drawn from their skeletons."""
    turn = np.deg2rad([-58, -22, -5, 13, 33])[:, None]
    reach = np.array([[0.6, 0.8, 0.92, 0.8, 0.72]]).T * [70, 105, 130, 150]
    fan = np.stack([110 + reach * np.sin(turn), 190 - reach * np.cos(turn)], -1)
    white = np.full((210, 210, 3), 255, np.uint8)
    pictures = [
        draw_pose(white, points, skeleton=skeleton, thickness=4)
        for skeleton, points in (
            (hand, np.concatenate([[[110, 190]], fan.reshape(-1, 2)])),
            (dog, _DOG),
        )
    ]
    show_people(pictures, titles=[hand.name, dog.name], size=2.6, alt=alt)


# Nose, ears, neck, tail; elbow, paw, knee and paw of the left, then the right.
_DOG = np.array(
    [(30, 75), (48, 38), (64, 40), (72, 82), (170, 90), (84, 128), (80, 178)]
    + [(160, 130), (172, 178), (66, 132), (58, 176), (144, 132), (152, 180)]
)


def show_tones(rows: dict, left_out, alt: str) -> None:
    """Scores over the ten tones of skin, with their intervals.

    Parameters
    ----------
    rows:
        ``{name: (10, 3)}``: value, low and high for each tone.
    left_out:
        Numbers of the tones that some networks did not see.
    """
    with figure(alt, size=(7.6, 4.0)) as axis:
        low = min(left_out) - 0.5
        axis.axvspan(low, max(left_out) + 0.5, color=_GREY, alpha=0.15, lw=0)
        for (name, values), (style, color) in zip(rows.items(), _LOOKS):
            value, bottom, top = np.asarray(values).T
            axis.plot(value, style, color=color, ms=5, label=name)
            axis.fill_between(range(len(value)), bottom, top, color=color, alpha=0.12)
        foot = axis.get_ylim()[0]
        for tone, color in enumerate(SKIN):
            axis.plot(tone, foot, "s", color=color / 255, ms=16, clip_on=False)
        axis.set(ylim=(foot, None), xticks=[], ylabel="PCKh@0.5, %")
        axis.set_xlabel("the same people in ten tones of skin", labelpad=14)
        axis.legend(loc="lower left", fontsize=9, bbox_to_anchor=(0, 0.08))


def show_groups(rows: dict, alt: str) -> None:
    """Scores of people who sit and of others, with their intervals.

    Parameters
    ----------
    rows:
        ``{name: {"sitting": (3,), "others": (3,)}}``: value, low and high.
    """
    with figure(alt, size=(7.6, 0.55 * len(rows) + 1.3)) as axis:
        for place, row in enumerate(rows.values()):
            for group, mark, color, shift in (
                ("others", "o", _BLUE, -0.12),
                ("sitting", "s", _RED, 0.12),
            ):
                value, low, high = row[group]
                axis.plot([low, high], [place + shift] * 2, "-", color=color, lw=2)
                label = "people who sit" if group == "sitting" else "others"
                axis.plot(
                    value,
                    place + shift,
                    mark,
                    color=color,
                    ms=8,
                    label=None if place else label,
                )
        axis.set_yticks(range(len(rows)), list(rows))
        axis.set(xlabel="PCKh@0.5, %", ylim=(len(rows) - 0.5, -0.5))
        axis.legend(fontsize=9, ncols=2, loc="lower center", bbox_to_anchor=(0.5, 1))


def draw_answers(people, index: int, tone: int, networks: dict) -> Figure:
    """One of `people` in some skin, their label, and what networks find.

    Parameters
    ----------
    people:
        `SyntheticPeople`, of the networks' size.
    tone:
        From 1, the lightest, to 10.
    networks:
        ``{title: network}``.
    """
    body = replace(people.stance(index).body, skin=SKIN[tone - 1])
    drawn = people.render(index, body)
    image = normalise(torch.from_numpy(drawn.image).permute(2, 0, 1)[None])
    poses = {"label": drawn.person.keypoints}
    with torch.no_grad():
        for title, network in networks.items():
            poses[title] = network.predict(image)[0][0].numpy()
    made = show_people(
        [drawn.image] * len(poses), list(poses.values()), titles=list(poses), size=2.8
    )
    assert made is not None  # it would be displayed, were there an alt text
    return made


def show_identified(noise, rates: dict, chance: float, alt: str) -> None:
    """How many people are recognised by their skeletons, over the joints' noise."""
    with figure(alt, size=(6.6, 3.4)) as axis:
        for (name, values), (style, color) in zip(rates.items(), _LOOKS):
            axis.plot(noise, values, style, color=color, label=name)
        axis.axhline(chance, color=_GREY, lw=1, ls=":", label="chance")
        axis.set(xlabel="noise of each joint, cm", ylabel="recognised, %")
        axis.set(ylim=(0, 104))
        axis.legend(fontsize=9)
