"""From a body in a pose to the shapes of a clothed person."""

from __future__ import annotations

import numpy as np

from ..body import SIDES
from ..solids import View
from ..staging import Stance
from .chair import add_seat
from .head import add_head
from .people import Someone
from .sketch import Sketch
from .trunk import add_trunk

__all__ = ["sketch_person"]

_SOCK = np.array([240.0, 236, 228])


def sketch_person(stance: Stance, view: View) -> Sketch:
    """What is drawn of a person, and of what they sit on."""
    sketch, body = Sketch(stance.points, stance.frames, view), stance.body
    if stance.seat is not None:
        add_seat(sketch, stance)
    for side, out in zip(SIDES, (-1, 1)):
        _arm(sketch, body, side, out)
        _leg(sketch, body, side)
    add_trunk(sketch, body)
    add_head(sketch, body)
    return sketch


class _Bone:
    """Rings along a bone: `at` counts from 0, its beginning, to 1, its end."""

    def __init__(self, f: Sketch, joint: str, frame: str, length: float):
        self.f, self.joint, self.frame, self.length = f, joint, frame, length

    def ball(self, at, radius, z=0.0):
        place = 0.0, at * self.length, z
        return self.f.ball(self.joint, self.frame, place, radius)

    def cuff(self, at, radius):
        """Where a sleeve or a trouser leg ends."""
        place = 0.0, at * self.length, 0.0
        return self.f.ring(
            self.joint, self.frame, place, (radius, 0, 0), (0, 0, radius)
        )


# ----------------------------------------------------------------- arms
def _arm(f: Sketch, b: Someone, side: str, out: int):
    worn, t = b.coat != "none", b.girth * b.build**0.6
    # how far down cloth reaches: 1 to the elbow, 2 to the wrist
    sleeve, cloth = (1.94, b.coat_color) if worn else (b.sleeve, b.top)
    loose = (0.012 if worn else 0.006) * b.girth

    f.piece("upper_arm", bias=0.025)
    part = f"{side}_upper_arm"
    bone = _Bone(f, f"{side}_shoulder", part, b.upper_arm)
    if sleeve >= 1:
        rings = [(0.04, 0.051 * t + 0.3 * loose), (0.4, 0.047 * t + loose)]
        rings = [bone.ball(*r) for r in (*rings, (1, 0.040 * t + loose))]
        f.chain(rings, part, cloth)
    else:
        start = 0.02 if sleeve < 0.2 else sleeve - 0.2
        rings = [bone.ball(start, 0.049 * t), bone.ball(1, 0.038 * t)]
        f.chain(rings, part, b.skin)
        if sleeve > 0.2:
            hem = bone.cuff(sleeve, 0.055 * t + loose)
            f.chain([bone.ball(0.04, 0.052 * t + 0.3 * loose), hem], part, cloth)

    f.piece("forearm", bias=0.03)
    part = f"{side}_forearm"
    bone = _Bone(f, f"{side}_elbow", part, b.forearm)
    hand_first = (
        f.points[f"{side}_hand"][2] > f.points[f"{side}_wrist"][2] - 0.045
    )  # it does not come towards the eye
    if hand_first:
        _hand(f, b, side, out)
    if sleeve < 1.8:
        rings = (0, 0.038 * t), (0.28, 0.041 * t), (0.97, 0.026 * t)
        f.chain([bone.ball(*r) for r in rings], part, b.skin)
    if sleeve > 1:
        hem = bone.cuff(min(sleeve - 1, 0.95), 0.033 * t + loose)
        rings = (0, 0.040 * t + loose), (0.28, 0.042 * t + loose)
        f.chain([*(bone.ball(*r) for r in rings), hem], part, cloth)
    if not hand_first:
        _hand(f, b, side, out)


def _hand(f: Sketch, b: Someone, side: str, out: int):
    """A palm, fingers side by side, a forefinger and a thumb."""
    frame, part, h = f"{side}_forearm", f"{side}_hand", b.hand / 0.088

    def ball(inwards, y, z, radius):
        place = -out * inwards * h, y * h, z * h
        return f.ball(f"{side}_wrist", frame, place, radius * h)

    heel = [ball(0, 0.004, 0, 0.025), ball(0, 0.034, 0.0, 0.032)]
    first, last = ball(0.003, 0.066, -0.022, 0.0145), ball(0.003, 0.062, 0.022, 0.0135)
    tips = [ball(0.020, 0.116, -0.006, 0.0095), ball(0.022, 0.100, 0.022, 0.0085)]
    thumb = [ball(0.002, 0.024, -0.018, 0.017), ball(0.008, 0.076, -0.046, 0.009)]
    if not f.fine:
        f.hull([*heel, first, last, *tips], part, b.skin)
        f.hull(thumb, part, b.skin)
        return
    f.hull([*heel, first, last], part, b.skin)
    f.hull([ball(0.003, 0.064, -0.004, 0.013), last, *tips], part, b.skin)
    f.hull([first, ball(0.014, 0.118, -0.027, 0.009)], part, b.skin)
    knuckle = ball(0.006, 0.050, -0.041, 0.0115)
    f.chain([thumb[0], knuckle, thumb[1]], part, b.skin)


# ----------------------------------------------------------------- legs
def _leg(f: Sketch, b: Someone, side: str):
    t = b.girth * b.build**0.7
    cloth = b.top if b.legs == "dress" else b.bottom
    covered = b.legs in ("trousers", "leggings")
    loose = {"trousers": 0.006 + 0.012 * b.trouser, "leggings": 0.003}
    loose = loose.get(b.legs, 0.0) * b.girth

    f.piece("thigh", bias=-0.10)  # behind the hem of what is worn above
    part = f"{side}_thigh"
    bone = _Bone(f, f"{side}_hip", part, b.thigh)
    start = bone.ball(0.04, 0.086 * t, 0.006)
    rings = (0.35, 0.079 * t + loose), (0.7, 0.064 * t + loose), (1, 0.053 * t + loose)
    rings = [start, *(bone.ball(*r) for r in rings)]
    f.chain(rings, part, cloth if covered else b.skin)
    if b.legs == "shorts":
        rings = [start, bone.ball(0.25, 0.088 * t), bone.cuff(0.66, 0.088 * t)]
        f.chain(rings, part, cloth)

    f.piece("shin", bias=0.01)
    part = f"{side}_shin"
    bone = _Bone(f, f"{side}_knee", part, b.shin)
    shoe_first = (
        f.points[f"{side}_ankle"][2] > f.points[f"{side}_knee"][2] - 0.16
    )  # it is not kicked towards the eye
    if shoe_first:
        _shoe(f, b, side)
    if b.legs == "trousers":
        hem = bone.cuff(0.96, (0.044 + 0.034 * b.trouser) * b.girth)
        rings = (
            bone.ball(0, 0.053 * t + loose),
            bone.ball(0.3, 0.054 * t + loose, 0.006),
        )
        f.chain([*rings, hem], part, cloth)
    else:
        rings = (0, 0.052 * t), (0.28, 0.053 * t, 0.010), (0.62, 0.043 * t, 0.006)
        rings = [bone.ball(*r) for r in (*rings, (0.98, 0.034 * t))]
        f.chain(rings, part, cloth if covered else b.skin)
        if not covered:
            f.chain([bone.cuff(0.84, 0.041 * t), bone.ball(1, 0.036 * t)], part, _SOCK)
    if not shoe_first:
        _shoe(f, b, side)


def _shoe(f: Sketch, b: Someone, side: str):
    """A shoe with a sole of another colour."""
    part = f"{side}_foot"
    ankle, n, k = f"{side}_ankle", b.foot, b.girth**0.5
    pale = b.shoe * 0.3 + 178 if b.shoe[0] < 225 else b.shoe * 0.8

    def egg(y, z, a, high, c):
        return f.egg(ankle, part, (0, y, z), (a * k, high, c * k))

    def flat(y, z, a, c):
        return f.ring(ankle, part, (0, y, z), (a * k, 0, 0), (0, 0, c * k))

    heel = egg(0.044, 0.022, 0.034, 0.030, 0.038)
    ball = egg(0.062, -0.62 * n, 0.041, 0.026, 0.048)
    toe = egg(0.072, -n, 0.035, 0.018, 0.034)
    collar = f.ball(ankle, part, (0, 0.010, 0.006), 0.037 * k)
    sole = [
        flat(0.078, 0.022, 0.037, 0.041),
        flat(0.086, -0.62 * n, 0.044, 0.048),
        flat(0.092, -n, 0.037, 0.036),
    ]
    if f.axes(part)[2, 1] < -0.35:  # the eye sees the sole
        f.hull([collar, heel, ball, toe], part, b.shoe)
        f.hull(sole, part, pale)
        return
    edge = [flat(0.064, 0.022, 0.037, 0.041), flat(0.080, -n, 0.037, 0.036)]
    f.hull([*sole, *edge], part, pale)
    f.hull([heel, ball, toe], part, b.shoe)
    f.hull([collar, heel, ball], part, b.shoe)
