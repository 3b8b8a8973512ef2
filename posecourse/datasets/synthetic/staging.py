"""People in front of the camera: where they stand, what the camera sees."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np

from ...skeletons import MPII
from ..mpii import HEAD_PER_DIAGONAL
from .articulation import articulate
from .body import Body, sample_body
from .figure import JOINT_PARTS, PARTS, dress
from .pose import Pose, sample_pose
from .render import Light, draw_person, draw_stick, person_layer
from .rotations import rotation
from .scenery import Brush, Setting, background, camera_effects, occluder, person_shadow
from .solids import View

__all__ = [
    "DIFFICULTIES",
    "Difficulty",
    "Drawing",
    "Stance",
    "arms_aside",
    "as_difficulty",
    "draw",
    "frame",
    "head_box",
    "place",
    "sample_stance",
    "sample_view",
    "visibility",
]


@dataclass(frozen=True)
class Difficulty:
    """What makes pictures easy or hard.

    Parameters
    ----------
    side, back:
        Shares of people seen from the side and from behind; the others
        face the camera, `turn` degrees (standard deviation) to and fro.
    tilt, tumble:
        Standard deviation of the camera's roll in degrees, and the share
        of pictures with any roll at all.
    pitch:
        Range of the camera's downward angle, degrees.
    loose:
        Spread of the poses around the typical ones.
    scenes, clutter:
        Kinds of background; least and most things on it.
    occluders:
        Chances of one, two, ... things in front of the person.
    gain, contrast, noise, blur:
        As in `scenery.camera_effects`.
    stick:
        Draw stick figures on paper instead.
    """

    side: float = 0.16
    back: float = 0.20
    turn: float = 32.0
    tilt: float = 5.0
    tumble: float = 0.05
    pitch: tuple[float, float] = (-6.0, 22.0)
    loose: float = 1.0
    scenes: tuple[str, ...] = ("room", "room", "outside", "outside", "abstract")
    clutter: tuple[int, int] = (4, 9)
    occluders: tuple[float, ...] = (0.38, 0.06)
    gain: float = 0.18
    contrast: float = 0.85
    noise: float = 7.0
    blur: float = 0.5
    stick: bool = False


DIFFICULTIES = {
    "easy": Difficulty(
        side=0.05,
        back=0.0,
        turn=18.0,
        tilt=1.5,
        tumble=0.0,
        pitch=(0.0, 12.0),
        loose=0.8,
        scenes=("studio",),
        clutter=(0, 0),
        occluders=(),
        gain=0.05,
        contrast=1.0,
        noise=2.0,
        blur=0.0,
    ),
    "standard": Difficulty(),
    "hard": Difficulty(
        side=0.22,
        back=0.26,
        turn=40.0,
        tilt=10.0,
        tumble=0.2,
        pitch=(-14.0, 38.0),
        loose=1.5,
        scenes=("room", "outside", "abstract", "abstract"),
        clutter=(9, 16),
        occluders=(0.95, 0.7, 0.35),
        gain=0.3,
        contrast=0.45,
        noise=11.0,
        blur=1.0,
    ),
    "stick": Difficulty(
        side=0.05,
        back=0.0,
        turn=18.0,
        tilt=1.5,
        tumble=0.0,
        pitch=(0.0, 12.0),
        loose=0.8,
        scenes=("studio",),
        clutter=(0, 0),
        occluders=(),
        gain=0.0,
        contrast=1.0,
        noise=2.0,
        blur=0.0,
        stick=True,
    ),
}


def as_difficulty(difficulty: str | Difficulty) -> Difficulty:
    """One of `DIFFICULTIES` by its name, or a `Difficulty` as it is."""
    if isinstance(difficulty, Difficulty):
        return difficulty
    if difficulty not in DIFFICULTIES:
        raise ValueError(
            f"unknown difficulty {difficulty!r}; known: {', '.join(DIFFICULTIES)}, "
            "or a Difficulty of your own"
        )
    return DIFFICULTIES[difficulty]


def visibility(keypoints, parts, owners=None, number=1):
    """Which MPII joints are seen, from the map of parts.

    A joint is visible (2) if what is seen at its pixel is one of the body
    parts that meet at it (`JOINT_PARTS`), or nothing, where a limb is
    thinner than a pixel; otherwise hidden (1); outside the picture 0.

    Parameters
    ----------
    keypoints:
        ``(16, 2)`` pixels.
    parts:
        ``(H, W)`` indices of `PARTS`.
    owners, number:
        With several people: ``(H, W)`` whose parts they are, and which of
        them is asked for.

    Returns
    -------
    visible, hidden_by:
        ``(16,)`` uint8, and for hidden joints ``{joint: part}``; another
        person's part has a star before it.
    """
    height, width = parts.shape
    visible = np.zeros(len(MPII), np.uint8)
    hidden_by = {}
    pixels = np.floor(keypoints + 0.5).astype(int).tolist()
    for i, (joint, (x, y)) in enumerate(zip(MPII.joints, pixels)):
        if 0 <= x < width and 0 <= y < height:
            part = PARTS[parts[y, x]]
            if owners is not None and owners[y, x] not in (0, number):
                part = "*" + part
            if part == "background" or part in JOINT_PARTS[joint]:
                visible[i] = 2
            else:
                visible[i] = 1
                hidden_by[joint] = part
    return visible, hidden_by


# ------------------------------------------------------------ the stage
@dataclass
class Stance:
    """A body in a pose in front of the camera.

    All lengths in metres, all directions the camera's: `points` and
    `frames` as from `body.articulate`, `down` the unit vector to the
    ground, `ground` a point of it. `facing` in degrees: 0 looks into the
    camera, 90 to the picture's left, 180 away from it. `seat` is where
    the pelvis rests on a stool, ``(3,)``; None without one.
    """

    body: Body
    pose: Pose
    points: dict
    frames: dict
    down: np.ndarray
    ground: np.ndarray
    facing: float
    pitch: float
    roll: float
    seat: np.ndarray | None = None

    @property
    def joints(self) -> np.ndarray:
        """The MPII joints, ``(16, 3)``."""
        return np.array([self.points[j] for j in MPII.joints])


def place(
    body: Body, pose: Pose, facing, pitch, roll, pelvis=None, ground=None
) -> Stance:
    """Put somebody before the camera.

    Either the `pelvis` is somewhere and the ground below the feet, or they
    stand on the `ground` at a point; both ``(3,)`` metres.
    """
    world = rotation("zx", roll, pitch)
    root = world @ rotation("y", facing)
    points, frames = articulate(body, pose, root)
    for _ in range(3):
        inside = _arms_inside(body, points, frames)
        if not inside.any():
            break
        pose = replace(pose, arms=_aside(pose, inside))
        points, frames = articulate(body, pose, root)
    down = world[:, 1]
    feet = np.array(
        [points[f"{s}_{p}"] for s in ("right", "left") for p in ("heel", "toe", "knee")]
    )
    reach = (feet @ down).max() + 0.036 + pose.lift
    if pelvis is None:
        pelvis = ground - reach * down
    points = {k: v + pelvis for k, v in points.items()}
    return Stance(
        body,
        pose,
        points,
        frames,
        down,
        pelvis + reach * down,
        (facing + 180) % 360 - 180,
        pitch,
        roll,
        pelvis if pose.seated else None,
    )


def arms_aside(body: Body, poses: list[Pose]) -> list[Pose]:
    """Poses of one motion, none of whose arms goes through the trunk.

    `place` would move an arm aside in some frames and not in others, and
    the hand would jump. Here it is moved alike in all.
    """
    for _ in range(6):
        inside = np.any(
            [_arms_inside(body, *articulate(body, p, np.eye(3))) for p in poses], axis=0
        )
        if not inside.any():
            break
        poses = [replace(p, arms=_aside(p, inside)) for p in poses]
    return poses


def _aside(pose: Pose, inside) -> np.ndarray:
    return pose.arms + inside[:, None] * np.array([7.0, 11, -8, 0])


def sample_stance(rng, level: Difficulty, sample_body=sample_body) -> Stance:
    """Somebody in some pose, a few metres away."""
    body = sample_body(rng)
    pose = sample_pose(rng, level.loose)
    facing, pitch, roll = sample_view(rng, level)
    distance = 3.2 + 4.5 * rng.random() ** 1.5
    return place(body, pose, facing, pitch, roll, pelvis=np.array([0.0, 0, distance]))


def sample_view(rng, level: Difficulty):
    """Facing of a person, pitch and roll of the camera, degrees."""
    picks = rng.random(5)
    noise = np.clip(rng.normal(size=2), -2.5, 2.5)
    if picks[0] < level.side:
        facing = (90 + 20 * noise[0]) * (1 if picks[1] < 0.5 else -1)
    elif picks[0] < level.side + level.back:
        facing = 180 + 35 * noise[0]
    else:
        facing = level.turn * noise[0]
    low, high = level.pitch
    roll = level.tilt * noise[1]
    if picks[3] < level.tumble:
        roll = 360 * picks[4]
    return facing, low + (high - low) * picks[2], roll


def _arms_inside(body: Body, points, frames) -> np.ndarray:
    """Which arms (right, left) go through the trunk."""
    check = np.array(
        [
            [
                points[side + "_wrist"],
                points[side + "_hand"],
                (points[side + "_wrist"] + points[side + "_elbow"]) / 2,
                points[side + "_elbow"],
            ]
            for side in ("right", "left")
        ]
    )
    place = (check - points["thorax"]) @ frames["chest"]
    x, y, z = np.moveaxis(place, -1, 0)
    wide = body.build * 0.165 + 0.035
    inside = (x / wide) ** 2 + (z / (0.7 * wide)) ** 2 < 1
    return (inside & (y > 0) & (y < body.trunk + 0.12)).any(1)


def head_box(stance: Stance, view: View, rng=None):
    """A box around the head: ``(x, y, width, height)``.

    From the upper neck to the top, as MPII's annotators drew it; with `rng`
    a few per cent too large or too small, as by hand.
    """
    top, neck = stance.points["head_top"], stance.points["upper_neck"]
    # cheeks, chin, forehead, back of the head
    around = top + stance.body.head * _SKULL @ stance.frames["head"].T
    pixels = view.project(np.concatenate([around, [neck, top]]))
    low, high = pixels.min(0), pixels.max(0)
    grow = np.exp(0.035 * np.clip(rng.normal(), -2, 2)) if rng else 1.0
    size = grow * (high - low)
    return (*((low + high - size) / 2).tolist(), *size.tolist())


_SKULL = np.array(
    [
        (-0.37, 0.45, 0),
        (0.37, 0.45, 0),
        (0, 0.55, -0.40),
        (0, 0, -0.05),
        (0, 0.45, 0.44),
        (-0.2, 0.85, -0.2),
        (0.2, 0.85, -0.2),
        (0, 0.96, -0.25),
    ]
)


def frame(rng, stances: list[Stance], size, margin):
    """Point the camera so that MPII's standard crop is the picture.

    MPII's annotators drew a box around the head, whose diagonal gives the
    scale, and marked about the person's middle. Both are a little off
    here, too.

    Parameters
    ----------
    stances:
        One, or the same person at several times: the first one's head
        gives the scale, the crop is placed around all.

    Returns
    -------
    view, head:
        The head box ``(x, y, width, height)`` in pixels.
    """
    distance = float(stances[0].points["pelvis"][2])
    unit = View(1.0, (0.0, 0.0), distance)
    x, y, w, h = head_box(stances[0], unit, rng)
    side = 10 * HEAD_PER_DIAGONAL * np.hypot(w, h)
    flat = unit.project(np.concatenate([s.joints for s in stances]))
    first, last = flat.min(0), flat.max(0)
    # a looser box where raised arms would just not fit
    loose = np.clip((last - first).max() / (0.97 * side), 1, 1.1)
    head = x - (loose - 1) * w / 2, y - (loose - 1) * h / 2
    side *= loose
    # near the middle of the joints, seldom so far off that one is lost
    slack = np.maximum((0.97 * side - (last - first)) / 2, 0)
    off = side * np.array([0.035, 0.04]) * np.clip(rng.normal(size=2), -2, 2)
    off[1] -= 0.02 * side
    center = (first + last) / 2 + np.clip(off, -slack, slack)
    focal = size / margin / side
    x, y = (size - 1) / 2 - focal * center
    view = View(float(focal), (float(x), float(y)), distance)
    head = (
        head[0] * focal + x,
        head[1] * focal + y,
        loose * w * focal,
        loose * h * focal,
    )
    return view, tuple(float(v) for v in head)


class Drawing(NamedTuple):
    """A picture and what is where on it.

    Attributes
    ----------
    image, parts, owners:
        ``(size, size, 3)`` uint8 RGB, ``(size, size)`` indices of `PARTS`,
        and ``(size, size)`` the number of the stance seen, from 1; 0 nobody.
    alone:
        For each stance ``(size, size)`` the parts that would be seen if it
        were alone, with nothing in front.
    """

    image: np.ndarray
    parts: np.ndarray
    owners: np.ndarray
    alone: list[np.ndarray]


def draw(
    rng,
    stances: list[Stance],
    view: View,
    level: Difficulty,
    size,
    unit,
    time: int = 0,
    merge: bool = False,
) -> Drawing:
    """Draw people with all that is around them.

    Parameters
    ----------
    unit:
        Side of the standard crop, pixels: the size of things.
    time:
        Number of a video's frame, which changes the noise only.
    merge:
        Find for each pixel who is in front there, as for people who reach
        around one another. Otherwise whoever is nearer as a whole is drawn
        over the others.
    """
    picks = rng.random(8)
    # Light from above and from the camera's side.
    height, around = np.deg2rad([38 + 27 * picks[0], 130 * picks[1] - 65])
    light = Light(
        np.array(
            [
                np.sin(around) * np.cos(height),
                -np.sin(height),
                -np.cos(around) * np.cos(height),
            ]
        ),
        ambient=np.array([0.50, 0.50, 0.55]) + 0.06 * (picks[2] - 0.5),
        key=np.array([0.56, 0.54, 0.49]) + 0.10 * (picks[3] - 0.5),
    )
    order = np.argsort([-s.points["pelvis"][2] for s in stances])
    setting = _setting(stances[order[0]], view, size, unit, picks[4])
    clutter = int(
        level.clutter[0] + picks[5] * (level.clutter[1] - level.clutter[0] + 1)
    )
    # as crowded around the standard crop as in it
    clutter += round(clutter * ((size / unit) ** 2 - 1) * 0.6)
    shadow = None
    if not level.stick:
        shadow = person_shadow(size, stances, view, light.direction, 70 + 50 * picks[6])
    image = background(rng, setting, clutter, level.scenes, shadow)
    parts = np.zeros((size, size), np.uint8)
    owners = np.zeros((size, size), np.uint8)
    if merge and not level.stick:
        alone = _merge(image, parts, owners, stances, view, light)
    else:
        alone = [parts] * len(stances)
        for i in order:
            alone[i] = _draw_one(
                image, parts, owners, i + 1, stances[i], view, light, level.stick
            )
    joints = view.project(np.concatenate([s.joints for s in stances]))
    if merge:  # what is in front of all stands before the nearest
        setting = _setting(stances[order[-1]], view, size, unit, picks[4])
    for chance in level.occluders:
        if rng.random() < chance:
            mask = np.zeros_like(parts)
            brush = Brush(image, stances[0].roll, mask)
            occluder(brush, rng, setting, joints)
            parts[mask > 127], owners[mask > 127] = 1, 0
    image = camera_effects(
        image, rng, unit, level.gain, level.contrast, level.noise, level.blur, time
    )
    return Drawing(image, parts, owners, alone)


def _draw_one(image, parts, owners, number, stance: Stance, view: View, light, stick):
    """Draw a person over what is there; returns the parts of nobody else."""
    mine = np.zeros_like(parts)
    if stick:
        draw_stick(image, mine, stance.points, view)
    else:
        draw_person(image, mine, *_figure(stance, view), light)
    seen = mine > 0
    parts[seen] = mine[seen]
    owners[seen] = np.where(mine[seen] > 1, number, 0)
    return mine


def _figure(stance: Stance, view: View):
    """What is drawn of a person, and their view, whose depths begin there."""
    figure = dress(stance.body, stance.points, stance.frames)
    if stance.seat is not None:
        figure.add_stool(stance.seat, stance.ground, stance.down)
    return figure, replace(view, distance=float(stance.points["pelvis"][2]))


def _merge(image, parts, owners, stances, view: View, light):
    """Draw people so that at each pixel the nearest is in front."""
    count = len(stances)
    alone = np.zeros((count, *parts.shape), np.uint8)
    depths = np.full((2, count, *parts.shape), np.inf, np.float32)
    paint = np.zeros((count, *parts.shape, 4), np.uint8)
    for i, stance in enumerate(stances):
        layer = person_layer(image.shape, *_figure(stance, view), light)
        if layer is not None:
            alone[i][layer.place] = layer.parts
            depths[:, i][(slice(None), *layer.place)] = layer.depths()
            paint[i][layer.place] = np.dstack([layer.color, layer.alpha])
    first, nearest = depths
    front = first.argmin(0)
    np.copyto(parts, np.take_along_axis(alone, front[None], 0)[0])
    np.copyto(owners, np.where(parts > 1, front + 1, 0), casting="unsafe")
    # From the back to the front, at the pixels where somebody is.
    where = paint[..., 3].any(0)
    color = image[where].astype(np.uint16)
    layers = paint[:, where]
    order = np.argsort(-nearest[:, where], axis=0, kind="stable")
    for rank in order:
        layer = np.take_along_axis(layers, rank[None, :, None], 0)[0].astype(np.uint16)
        color = layer[:, :3] + (color * (255 - layer[:, 3:]) + 127) // 255
    image[where] = np.minimum(color, 255).astype(np.uint8)
    return list(alone)


def _setting(stance: Stance, view: View, size, unit, pick) -> Setting:
    """Where the ground is in the picture."""
    upright = Brush(np.empty((size, size, 0)), stance.roll)
    _, ground = upright.to_upright(*view.project(stance.ground).tolist())
    rise = 0.04 + 0.14 * pick + 0.012 * max(stance.pitch, 0)
    horizon = min(ground - rise * unit, 0.95 * size)
    return Setting(size, unit, horizon, ground, stance.roll)
