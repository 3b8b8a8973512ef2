"""MPII's release, written: `mpii` the other way round, for drawn people.

MPII itself may not be passed on, so chapter 6 and the tests make a small
MATLAB file of the same structure, with the same irregularities. What the
fields are called and mean is told in `write_release`.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ..files import atomic_path, refuse_existing, write_json

if TYPE_CHECKING:
    from .synthetic import Scene

__all__ = ["RELEASE_NAME", "draw_release", "struct", "structs", "write_release"]

RELEASE_NAME = "mpii_human_pose_v1_u12_1.mat"
# How MPII may say "hidden" and "visible". Nothing at all means visible.
_IS_VISIBLE = {1: (0, "0"), 2: (1, "1", "", np.zeros((0, 0)))}
_NOTHING = np.zeros((0, 0))


def struct(**fields):
    """A MATLAB struct of 1 x 1, as `scipy.io.savemat` takes it."""
    return structs([fields])


def structs(records: list[dict]):
    """A MATLAB struct array of 1 x N.

    All elements have the same fields; one that a record lacks is empty
    there.
    """
    names = list(dict.fromkeys(name for r in records for name in r))
    array = np.empty((1, len(records)), dtype=[(n, object) for n in names])
    for i, record in enumerate(records):
        for name in names:
            array[0, i][name] = record.get(name, _NOTHING)
    return array


def write_release(folder, scenes: list[Scene], train=None, seed: int = 0) -> Path:
    """Write pictures of people as MPII's release has them.

    ``images/000000.jpg`` and so on, and a MATLAB file with, pixels counted
    from 1,

    - ``annolist(i).image.name``, ``img_train(i)``, ``single_person{i}``
      (numbers of the people who stand clear of all others);
    - ``annolist(i).annorect(r)``: the head box ``x1, y1, x2, y2``, the
      ``scale``, the position ``objpos.x, .y``, and in
      ``annopoints.point(k)`` the joints ``id, x, y, is_visible``, in any
      order, without those that are not labelled.

    As in the real file, much of it may be missing: a person without joints
    has no ``annopoints``, one whose scale is NaN neither ``scale`` nor
    ``objpos``, a picture of nobody no ``annorect``; test pictures have no
    joints and no head boxes; ``is_visible`` is a number, a text, empty or
    not there.

    Parameters
    ----------
    folder:
        Where to write; made if it is not there.
    scenes:
        Pictures with their people, as from `SyntheticPeople.scene`, in
        MPII's joints. ``extra["head_box"]`` is the head's box.
    train:
        ``(N,)`` whether a picture is for training; default: all.
    seed:
        For the order of the joints and the kinds of ``is_visible``.

    Returns
    -------
    Path of the MATLAB file, which ``MPII(folder, "trainval")`` finds.
    """
    import cv2
    import scipy.io

    folder, rng = Path(folder), np.random.default_rng(seed)
    train = np.ones(len(scenes), bool) if train is None else np.asarray(train)
    annolist = []
    single = np.empty((len(scenes), 1), dtype=object)
    for i, (scene, labelled) in enumerate(zip(scenes, train, strict=True)):
        name = f"{i:06d}.jpg"
        with atomic_path(folder / "images" / name) as path:
            _, data = cv2.imencode(
                ".jpg", scene.image[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, 95]
            )
            path.write_bytes(data)
        rects = [_rect(person, labelled, rng) for person in scene.persons]
        annolist.append(
            {
                "image": struct(name=name),
                "annorect": structs(rects) if rects else _NOTHING,
                "frame_sec": _NOTHING,
                "vididx": _NOTHING,
            }
        )
        single[i, 0] = _alone(scene.persons)
    content = struct(
        annolist=structs(annolist),
        version="drawn",
        img_train=train[None].astype(np.uint8),
        single_person=single,
    )
    with atomic_path(folder / RELEASE_NAME) as path:
        scipy.io.savemat(
            path, {"RELEASE": content}, appendmat=False, do_compression=True
        )
    return folder / RELEASE_NAME


def _rect(person, labelled: bool, rng) -> dict:
    """What the release says about one person."""
    rect: dict = {}
    if labelled:
        x, y, width, height = person.extra["head_box"]
        rect |= {"x1": x + 1, "y1": y + 1, "x2": x + width + 1, "y2": y + height + 1}
    if np.isfinite(person.scale):
        x, y = person.center
        rect |= {"scale": float(person.scale), "objpos": struct(x=x + 1, y=y + 1)}
    joints = rng.permutation(np.flatnonzero(person.visible))
    if labelled and len(joints):
        points = [
            {
                "id": int(k),
                "x": person.keypoints[k, 0] + 1,
                "y": person.keypoints[k, 1] + 1,
                "is_visible": _is_visible(person.visible[k], rng),
            }
            for k in joints
        ]
        if (person.visible < 2).sum() == 0:  # all visible: say nothing
            points = [
                {name: point[name] for name in ("id", "x", "y")} for point in points
            ]
        rect["annopoints"] = struct(point=structs(points))
    return rect


def _is_visible(visible, rng):
    ways = _IS_VISIBLE[int(visible)]
    return ways[rng.integers(len(ways))]


def _alone(persons):
    """Numbers, from 1, of the people whose box touches nobody else's."""
    boxes = np.array([person.box for person in persons], float).reshape(-1, 4)
    low, high = boxes[:, :2], boxes[:, :2] + boxes[:, 2:]
    apart = ((low[:, None] > high) | (high[:, None] < low)).any(-1)
    clear = (apart | np.eye(len(boxes), dtype=bool)).all(1)
    return (np.flatnonzero(clear) + 1)[:, None].astype(np.uint8)


def draw_release(
    folder,
    count: int = 40,
    seed: int = 0,
    size: tuple[int, int] = (640, 400),
    difficulty=None,
) -> Path:
    """Draw pictures of people and write them as MPII's release.

    One to three people in each. Heads are in the picture, feet often are
    not; what is not in the picture is not labelled. Among ten pictures
    are one whose people nobody labelled, one in which one person has a
    head box and nothing else, and two for testing.

    Parameters
    ----------
    count:
        How many pictures.
    size:
        Their ``(width, height)``, pixels; not higher than wide.
    difficulty:
        As in `SyntheticPeople`; default: standard, but without the camera's
        grain, which would only make the files larger.

    Returns
    -------
    Path of the MATLAB file.
    """
    from .synthetic import Difficulty, SyntheticPeople

    width, height = size
    if difficulty is None:
        difficulty = Difficulty(noise=0)
    people = SyntheticPeople(count, seed=seed, size=width, difficulty=difficulty)
    scenes = []
    for i in range(count):
        scene = people.scene(i, people=(2, 1, 3, 1, 2)[i % 5], room=1.3)
        scene = _cut(scene, height)
        if i % 10 == 3:
            scene = replace(scene, persons=[])
        elif i % 10 == 7:
            bare = replace(
                scene.persons[-1], scale=float("nan"), visible=np.zeros(16, np.uint8)
            )
            scene = replace(scene, persons=[*scene.persons[:-1], bare])
        scenes.append(scene)
    return write_release(folder, scenes, np.arange(count) % 10 < 8, seed)


def _cut(scene: Scene, height: int) -> Scene:
    """The part of a picture from a little above the highest joint on."""
    highest = min(person.keypoints[:, 1].min() for person in scene.persons)
    spare = len(scene.image) - height
    top = int(np.clip(highest - 0.06 * height, 0, spare))
    rows = slice(top, top + height)
    persons = []
    for person in scene.persons:
        keypoints = person.keypoints - [0, top]
        with np.errstate(invalid="ignore"):
            inside = (keypoints[:, 1] >= -0.5) & (keypoints[:, 1] < height - 0.5)
        x, y, *sides = person.extra["head_box"]
        assert person.box is not None  # whoever is drawn has one
        left, upper, wide, high = person.box
        bottom = min(upper + high - top, height)
        upper = max(upper - top, 0)
        persons.append(
            replace(
                person,
                keypoints=np.where(inside[:, None], keypoints, np.nan),
                visible=np.where(inside, person.visible, 0).astype(np.uint8),
                center=(person.center[0], person.center[1] - top),
                box=(left, upper, wide, bottom - upper),
                extra=person.extra | {"head_box": (x, y - top, *sides)},
            )
        )
    return replace(
        scene,
        image=scene.image[rows],
        persons=persons,
        parts=scene.parts[rows],
        owners=scene.owners[rows],
    )


def write_as_mpii(dataset, folder: Path, split: str = "valid") -> Path:
    """Write a dataset as ``images/`` and ``annot/SPLIT.json``, 1-based.

    The form of the JSON is the one that most published code reads:
    ``image, center, scale, joints, joints_vis``, with -1 for a joint that
    is not labelled. It does not tell hidden from visible. Returns the
    path of the JSON.
    """
    import cv2

    path = folder / "annot" / f"{split}.json"
    names = [f"{i:06d}.png" for i in range(len(dataset))]
    refuse_existing(path, *(folder / "images" / name for name in names))
    records = []
    for i, name in enumerate(names):
        person = dataset[i]
        with atomic_path(folder / "images" / name) as temporary:
            picture = dataset.read_image(person)[..., ::-1]
            temporary.write_bytes(cv2.imencode(".png", picture)[1])
        labelled = np.asarray(person.visible) > 0
        joints = np.where(labelled[:, None], person.keypoints + 1, -1)
        records.append(
            {
                "image": name,
                "center": [float(c) + 1 for c in person.center],
                "scale": float(person.scale),
                "joints": joints.tolist(),
                "joints_vis": labelled.astype(int).tolist(),
            }
        )
    write_json(path, records)
    return path
