"""From a body in a pose to solids, their colours and the parts they show."""

from __future__ import annotations

from functools import lru_cache

import cv2
import numpy as np

from .body import SIDES, Body
from .solids import Cone, View

__all__ = ["JOINT_PARTS", "PARTS", "Figure", "dress"]

PARTS = ("background", "object", "head", "hair", "neck") + tuple(
    f"{side}_{part}"
    for part in (
        "chest",
        "belly",
        "upper_arm",
        "forearm",
        "hand",
        "thigh",
        "shin",
        "foot",
    )
    for side in SIDES
)
_PART = {name: i for i, name in enumerate(PARTS)}

# The parts that meet at a joint. A joint lies inside the body; it is visible
# if what the camera sees at its pixel is one of these. The trunk is split
# into halves, so that a shoulder behind the body does not count as seen.
_MEET = {
    "ankle": "shin foot",
    "knee": "thigh shin",
    "hip": "thigh belly",
    "wrist": "forearm hand",
    "elbow": "upper_arm forearm",
    "shoulder": "upper_arm chest",
}
JOINT_PARTS = {
    f"{side}_{joint}": tuple(f"{side}_{p}" for p in parts.split())
    for joint, parts in _MEET.items()
    for side in SIDES
}
JOINT_PARTS |= {
    "pelvis": ("right_belly", "left_belly", "right_thigh", "left_thigh"),
    "thorax": ("right_chest", "left_chest", "neck", "head", "hair"),
    "upper_neck": ("neck", "head", "hair"),
    "head_top": ("head", "hair"),
}


# Rows of the face drawing.
_SKIN, _BROW, _WHITE, _IRIS, _LIP, _CHEEK, _BEARD, _FRAME, _SOCKET = range(9)
_FACE = 160  # pixels of the face drawing
_FACE_LOW, _FACE_SPAN = np.array([-0.5, -0.45]), 1.0


@lru_cache(maxsize=96)
def _face(kind: int) -> np.ndarray:
    """A face seen from the front: ``(160, 160)`` uint8 colour rows.

    `kind` 0-95 picks mouth, brows, cheeks and glasses; from 64 on bearded.
    """
    mouth, brow, glasses = kind % 4, kind // 4 % 4, kind // 16 % 4 == 3
    face = np.full((_FACE, _FACE), _SKIN, np.uint8)

    def at(x, y):
        point = (np.array([x, y]) - _FACE_LOW) * (_FACE / _FACE_SPAN)
        return tuple(int(v) for v in np.round(point * 16 - 8))

    def stamp(row, shape, *args):
        # Smooth shapes, then cut hard: they are alike in all of OpenCV.
        mask = np.zeros_like(face)
        shape(mask, *args, cv2.LINE_AA, 4)
        face[mask > 127] = row

    def oval(x, y, rx, ry, row, start=0, end=360, thickness=-1):
        size = tuple(int(v * _FACE / _FACE_SPAN * 16) for v in (rx, ry))
        stamp(row, cv2.ellipse, at(x, y), size, 0, start, end, 255, thickness)

    def line(a, b, row, thickness):
        stamp(row, cv2.line, at(*a), at(*b), 255, thickness)

    if kind >= 64:
        oval(0, 0.36, 0.30, 0.27, _BEARD)
        oval(0, 0.14, 0.27, 0.135, _SKIN)
        oval(0, 0.235, 0.12, 0.035, _BEARD)
    for side in (-1, 1):
        oval(side * 0.2, 0.17, 0.075, 0.06, _CHEEK)
        oval(side * 0.142, 0.02, 0.082, 0.066, _SOCKET)
        oval(side * 0.142, 0.02, 0.070, 0.050, _WHITE)
        oval(side * 0.140, 0.022, 0.042, 0.048, _IRIS)
        oval(side * 0.128, 0.006, 0.012, 0.012, _WHITE)
        rise = (0.0, 0.012, -0.008, 0.02)[brow]
        line(
            (side * 0.065, -0.092 - rise),
            (side * 0.215, -0.080 + rise),
            _BROW,
            4 + brow % 2,
        )
        if glasses:
            oval(side * 0.145, 0.025, 0.105, 0.09, _FRAME, thickness=3)
    if glasses:
        line((-0.05, 0.0), (0.05, 0.0), _FRAME, 3)
    if mouth == 0:
        oval(0, 0.285, 0.105, 0.052, _LIP, 10, 170, 6)
    elif mouth == 1:
        oval(0, 0.29, 0.115, 0.075, _LIP, 0, 180)
        oval(0, 0.295, 0.085, 0.03, _WHITE, 0, 180)
    elif mouth == 2:
        oval(0, 0.32, 0.085, 0.026, _LIP)
    else:
        oval(0, 0.26, 0.12, 0.075, _LIP, 20, 160, 5)
    return face


class Figure:
    """Solids of one person and what their slots mean.

    `cones` are in metres, in the camera's directions. A slot has a part's
    number, in `parts`, and a row of `colors`; slot 0 is nothing.
    """

    def __init__(self, body, points, frames):
        self.body, self.points, self.frames = body, points, frames
        self.skirt = self.cap = None
        self.cones: list[Cone] = []
        self.parts, self.rows, self.colors = [0], [0], [np.zeros(3)]
        self._known = {}

    def slot(self, part: str, color) -> int:
        """A new slot."""
        row = self._known.setdefault(color.tobytes(), len(self.colors))
        if row == len(self.colors):
            self.colors.append(color)
        self.parts.append(_PART[part])
        self.rows.append(row)
        return len(self.parts) - 1

    def add(self, *args, **options) -> Cone:
        """A new `Cone`."""
        self.cones.append(Cone(*args, **options))
        return self.cones[-1]

    def add_stool(self, seat, ground, down):
        """Something for the pelvis to sit on at `seat`, on the ground."""
        slot = self.slot("object", np.array([146.0, 112, 82]))
        top = seat + 0.125 * down
        foot = top + ((ground - top) @ down) * down
        self.add(top, top + 0.02 * down, 0.18, 0.17, slot, flat=down, flatten=0.22)
        self.add(top, foot, 0.035, 0.032, slot)
        self.add(foot, foot - 0.01 * down, 0.14, 0.12, slot, flat=down, flatten=0.2)

    def paint(self, view: View):
        """Make the cones ready that have more than plain colours."""
        self.seat.paint = _paint_trunk(self, view, self.frames["pelvis"], True)
        self.heart.paint = _paint_trunk(self, view, self.frames["chest"])
        self.skull.paint = _paint_face(self, view)
        if self.skirt:
            self.skirt.paint = _paint_halves(self, view, self.skirt.slot)
        if self.cap:
            self.cap.paint = _paint_hair(self, view)


def dress(body: Body, points: dict, frames: dict) -> Figure:
    """The solids of a person, from `body.articulate`'s points."""
    figure = Figure(body, points, frames)
    _trunk(figure)
    _arms(figure)
    _legs(figure)
    _head(figure)
    return figure


def _trunk(f: Figure):
    b, p = f.body, f.points
    bottom = b.top if b.legs == "dress" else b.bottom
    pelvis, waist, chest = (f.frames[k] for k in ("pelvis", "waist", "chest"))
    wide = b.build**0.8
    # Four slots in a row: right, left, then the same with the print.
    f.chest = f.slot("right_chest", b.top)
    f.slot("left_chest", b.top)
    f.slot("right_chest", b.top_print)
    f.slot("left_chest", b.top_print)
    f.belly = f.slot("right_belly", b.top)
    f.slot("left_belly", b.top)
    f.slot("right_belly", b.top_print)
    f.slot("left_belly", b.top_print)
    f.pants = f.slot("right_belly", bottom)
    f.slot("left_belly", bottom)
    heart = p["thorax"] + chest @ (0, 0.118, 0.004)
    seat = p["pelvis"] + pelvis @ (0, -0.045, 0.004)
    round_waist = 0.70 + 0.35 * (b.build - 1)
    f.seat = f.add(
        seat,
        p["waist"],
        b.seat * wide,
        b.waist * wide,
        f.belly,
        flat=pelvis[:, 2],
        flatten=round_waist,
    )
    back = (waist + chest)[:, 2]
    f.heart = f.add(
        p["waist"],
        heart,
        b.waist * wide,
        b.chest * b.build**0.4,
        f.chest,
        flat=back / np.sqrt((back**2).sum()),
        flatten=round_waist,
    )
    if b.bust:
        f.add(
            heart + chest @ (-0.045, 0.018, -0.060),
            heart + chest @ (0.045, 0.018, -0.060),
            b.bust,
            b.bust,
            f.chest,
            flat=chest[:, 2],
            flatten=0.54,
        )
    for i, side in enumerate(SIDES):
        out = 2 * i - 1
        f.add(
            p["thorax"] + chest @ (out * 0.035, 0.012, 0.006),
            p[side + "_shoulder"],
            0.056,
            0.060 * b.build**0.5,
            f.chest + i,
        )
        if b.legs not in ("skirt", "dress"):
            f.add(
                p[side + "_hip"] + pelvis @ (-out * 0.014, -0.012, 0.026),
                p[side + "_hip"] + pelvis @ (-out * 0.004, 0.018, 0.022),
                0.088 * wide,
                0.084 * wide,
                f.pants + i,
            )


def _arms(f: Figure):
    b, p = f.body, f.points
    thick = b.build**0.6
    for i, side in enumerate(SIDES):
        skin = f.slot(side + "_upper_arm", b.skin)
        cloth = f.slot(side + "_upper_arm", b.top)
        f.add(
            p[side + "_shoulder"],
            p[side + "_elbow"],
            0.053 * thick,
            0.040 * thick,
            skin,
            bulge=0.003,
            cut=min(b.sleeve, 1.01),
            pad=0.010,
            slot_before=cloth,
        )
        skin = f.slot(side + "_forearm", b.skin)
        cloth = f.slot(side + "_forearm", b.top)
        f.add(
            p[side + "_elbow"],
            p[side + "_wrist"],
            0.0405 * thick,
            0.028,
            skin,
            bulge=0.005 * thick,
            cut=b.sleeve - 1,
            pad=0.009,
            slot_before=cloth,
        )
        palm = f.frames[side + "_forearm"]
        hand = f.slot(side + "_hand", b.skin)
        wrist, tip = p[side + "_wrist"], p[side + "_hand"]
        f.add(
            wrist + 0.022 * palm[:, 1],
            tip,
            0.032,
            0.034,
            hand,
            bulge=0.006,
            flat=palm[:, 0],
            flatten=0.62,
        )
        f.add(
            wrist + palm @ (0, 0.035, -0.016),
            wrist + palm @ ((0.5 - i) * 0.02, 0.078, -0.047),
            0.015,
            0.0125,
            hand,
        )


def _legs(f: Figure):
    b, p = f.body, f.points
    bottom = b.top if b.legs == "dress" else b.bottom
    thick = b.build**0.7
    long = b.legs in ("trousers", "leggings")
    loose = {"trousers": 0.013, "shorts": 0.016}.get(b.legs, 0.0)
    cut = {"trousers": 1.01, "leggings": 1.01, "shorts": 0.72}.get(b.legs, -1)
    sock = np.array([236.0, 234, 230])
    for side in SIDES:
        skin = f.slot(side + "_thigh", b.skin)
        cloth = f.slot(side + "_thigh", bottom)
        f.add(
            p[side + "_hip"],
            p[side + "_knee"],
            0.083 * thick,
            0.055 * thick,
            skin,
            bulge=0.006,
            cut=cut,
            pad=loose,
            slot_before=cloth,
        )
        bare = f.slot(side + "_shin", b.skin)
        cloth = f.slot(side + "_shin", bottom if long else sock)
        knee, ankle = p[side + "_knee"], p[side + "_ankle"]
        if long:
            f.add(
                knee,
                ankle,
                0.055 * thick,
                0.036,
                bare,
                bulge=0.006 * thick,
                cut=0.94,
                pad=loose,
                slot_before=cloth,
            )
        else:
            f.add(
                ankle,
                knee,
                0.036,
                0.055 * thick,
                bare,
                bulge=0.009 * thick,
                cut=0.2,
                pad=0.004,
                slot_before=cloth,
            )
        shoe = f.slot(side + "_foot", b.shoe)
        frame = f.frames[side + "_foot"]
        f.add(
            p[side + "_heel"],
            p[side + "_toe"],
            0.043,
            0.037,
            shoe,
            flat=frame[:, 1],
            flatten=0.82,
        )
    if b.legs in ("skirt", "dress"):
        slot = f.slot("right_thigh", bottom)
        f.slot("left_thigh", bottom)
        pelvis = f.frames["pelvis"]
        top = p["pelvis"] + pelvis @ (0, -0.10, 0)
        middle = (p["right_knee"] + p["left_knee"]) / 2
        down = 0.5 * pelvis[:, 1] + (middle - top)
        down = down / np.sqrt((down**2).sum())
        apart = p["right_knee"] - p["left_knee"]
        spread = np.sqrt((apart**2).sum())
        f.skirt = f.add(
            top,
            top + (0.10 + 0.78 * b.thigh) * down,
            b.waist * 1.08,
            max(0.20, min(0.12 + 0.36 * spread, 0.30)),
            slot,
            flat=pelvis[:, 2],
            flatten=0.80,
            open_end=True,
        )


# Hair: how thick, how far down the cap reaches at the forehead (at head
# coordinate z = -0.4), how fast its edge falls towards the back, and the
# lowest point at the back.
_HAIR = {
    "short": (0.045, -0.20, 0.75, 0.36),
    "crop": (0.022, -0.17, 0.75, 0.34),
    "fringe": (0.06, -0.07, 0.45, 0.38),
    "bob": (0.07, -0.16, 1.9, 0.46),
    "long": (0.06, -0.18, 1.6, 0.55),
    "ponytail": (0.04, -0.20, 0.75, 0.34),
    "bun": (0.04, -0.20, 0.75, 0.32),
    "afro": (0.17, -0.20, 0.9, 0.36),
    "bald": (0.0, 0.0, 0.0, 0.0),
}


def _head(f: Figure):
    b, p, frame = f.body, f.points, f.frames["head"]
    unit = b.head

    def at(x, y, z):
        return p["upper_neck"] + unit * (frame @ (x, y - 0.575, z - 0.02))

    f.head_origin = at(0, 0, 0)
    skin, hair = b.skin, b.hair
    white = np.array([250.0, 250, 248])
    red = np.array([190.0, 70, 72])
    dark = np.array([44.0, 32, 30])
    f.face = f.slot("head", skin)
    for color in (
        0.75 * hair + 0.1 * skin,
        white,
        dark,
        0.45 * skin + 0.55 * red,
        0.86 * skin + 0.14 * red * 1.3,
        0.85 * hair + 0.15 * skin,
        dark,
        0.72 * skin + 0.28 * dark,
    ):
        f.slot("head", color)
    f.skull = f.add(
        at(0, 0, 0.02),
        at(0, 0.31, -0.13),
        0.40 * unit,
        0.205 * unit,
        f.face,
        flat=frame[:, 0],
        flatten=0.83,
    )
    f.add(at(0, 0.05, -0.37), at(0, 0.145, -0.42), 0.034 * unit, 0.052 * unit, f.face)
    for out in (-1, 1):
        f.add(
            at(out * 0.335, 0.02, 0.05),
            at(out * 0.325, 0.12, 0.03),
            0.075 * unit,
            0.05 * unit,
            f.face,
            flat=frame[:, 0],
            flatten=0.5,
        )
    neck = f.slot("neck", skin)
    collar = f.slot("neck", b.top)
    f.add(
        p["thorax"] + f.frames["chest"] @ (0, 0.025, 0.012),
        at(0, 0.24, 0.06),
        0.056 * b.build**0.5,
        0.051 * b.build**0.4,
        neck,
        cut=0.22,
        pad=0.006,
        slot_before=collar,
    )
    f.hair = f.slot("hair", hair)
    thick, _, _, _low = _HAIR[b.hair_style]
    f.cap = None
    if b.hair_style == "bald":
        return
    r = 0.40 + thick
    drop = {"bob": 0.26, "long": 0.26, "afro": 0.0}.get(b.hair_style, 0.10)
    f.cap = f.add(
        at(0, -0.012, 0.035),
        at(0, drop, 0.075),
        r * unit,
        (r - 0.04) * unit,
        f.hair,
        flat=frame[:, 0],
        flatten=0.87,
    )
    if b.hair_style == "long":
        # It falls along the back.
        end = p["thorax"] + f.frames["chest"] @ (0, 0.13, 0.105)
        f.add(
            at(0, 0.12, 0.17),
            end,
            0.30 * unit,
            0.20 * unit,
            f.hair,
            flat=f.frames["neck"][:, 2],
            flatten=0.62,
        )
    elif b.hair_style == "ponytail":
        start = at(0, -0.12, 0.46)
        down = f.frames["chest"] @ (0, 0.62 * unit, 0.10 * unit)
        f.add(start, start + down, 0.125 * unit, 0.06 * unit, f.hair, bulge=0.02 * unit)
    elif b.hair_style == "bun":
        f.add(at(0, -0.36, 0.26), at(0, -0.38, 0.28), 0.155 * unit, 0.15 * unit, f.hair)


# ------------------------------------------------------------- painting
def _paint_trunk(f: Figure, view: View, frame, seat=False):
    """Slots of the trunk: halves told apart, a print on the shirt."""
    axes = np.array([frame[:, 0], f.frames["waist"][:, 1], f.frames["pelvis"][:, 1]]).T
    (waist, hips), scale = view.solid(np.array([f.points["waist"], f.points["pelvis"]]))
    pattern = f.body.pattern

    def paint(surface):
        left, down = surface.place(waist, axes[:, :2] / scale[0])
        slots = (left > 0).astype(np.int32)
        if pattern == "stripes":
            printed = (down * np.float32(1 / 0.085)) % 1 < np.float32(0.45)
        elif pattern == "band":
            printed = np.abs(down + np.float32(0.10)) < np.float32(0.05)
        elif pattern == "block":
            printed = down > np.float32(-0.09)
        else:
            printed = None
        if printed is not None:
            slots += printed.astype(np.int32) << 1
        if not seat:
            return slots + np.int32(f.chest)
        slots += np.int32(f.belly)
        (below,) = surface.place(hips, axes[:, 2:] / scale[1])
        trousers = (left > 0).astype(np.int32) + np.int32(f.pants)
        return np.where(below > np.float32(-0.085), trousers, slots)

    return paint


def _paint_halves(f: Figure, view: View, slot: int):
    """Two slots, right and left of the middle of the pelvis."""
    (origin,), _ = view.solid(f.points["pelvis"][None])

    def paint(surface):
        (left,) = surface.place(origin, f.frames["pelvis"][:, :1])
        return (left > 0) + np.int32(slot)

    return paint


def _head_axes(f: Figure, view: View):
    (origin,), (scale,) = view.solid(f.head_origin[None])
    return origin, f.frames["head"] / (scale * f.body.head)


def _paint_face(f: Figure, view: View):
    """The face drawing, laid on from the front."""
    origin, axes = _head_axes(f, view)
    drawing = _face(f.body.face).astype(np.int32) + np.int32(f.face)
    unit = np.float32(_FACE / _FACE_SPAN)

    def paint(surface):
        x, y, z = surface.place(origin, axes)
        column = ((x - np.float32(_FACE_LOW[0])) * unit).astype(np.int32)
        row = ((y - np.float32(_FACE_LOW[1])) * unit).astype(np.int32)
        np.clip(column, 0, _FACE - 1, out=column)
        np.clip(row, 0, _FACE - 1, out=row)
        return np.where(z < np.float32(-0.1), drawing[row, column], np.int32(f.face))

    return paint


def _paint_hair(f: Figure, view: View):
    """The cap of hair, cut off at the hairline."""
    origin, axes = _head_axes(f, view)
    _, front, fall, low = _HAIR[f.body.hair_style]

    def paint(surface):
        x, y, z = surface.place(origin, axes)
        line = np.float32(front + 0.4 * fall) + z * np.float32(fall)
        wave = np.abs((x + np.float32(0.08)) * np.float32(5)) % 1
        line -= np.abs(wave - np.float32(0.5)) * np.float32(0.05)
        surface.missed |= (y > line) | (y > np.float32(low))
        return f.hair

    return paint
