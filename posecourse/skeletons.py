"""Skeletons as data: joint names, bones, mirror pairs, colours, OKS constants.

A skeleton says what the columns of a keypoint array mean. Everything that
depends on a joint order (drawing, flipping, tables, losses with per-joint
weights) asks a `Skeleton` instead of repeating a list of numbers.

*Left* and *right* are the person's own, as in every public dataset.
"""

from __future__ import annotations

import difflib
import math
import numbers
import re
from dataclasses import dataclass, field
from functools import cached_property
from itertools import pairwise

import numpy as np

__all__ = [
    "AI_CHALLENGER",
    "COCO",
    "H36M",
    "LSP",
    "MPII",
    "MPI_INF_3DHP",
    "MUCO",
    "SKELETONS",
    "UPPER_BODY",
    "Skeleton",
    "canonical_name",
    "get_skeleton",
    "remap",
]

# Colours that people with any kind of colour vision can tell apart
# (Okabe and Ito, 2008). Side is also carried by the line style when drawn.
_COLORS = {"right": "#E69F00", "left": "#0072B2", "middle": "#009E73"}

# How a name says which side a joint is on, as a word of its own. A letter
# says it only where no word does.
_SIDES = (
    {"left": "left", "right": "right", "左": "left", "右": "right"},
    {"l": "left", "r": "right"},
)


@dataclass(frozen=True, repr=False)
class Skeleton:
    """The joints of one dataset and how they hang together.

    The names suffice: ``Skeleton("hand", ["wrist", "thumb_1", ...])``. What
    is left out is filled in from them, and `defaults` says how.

    **Names.** The course's own are small letters joined by ``_``, the side
    first: ``left_eye``. Two names mean the same joint if they have the same
    side and the same words, so ``Left Eye``, ``LeftEye``, ``l_eye``,
    ``eye_l``, ``Eye.L`` and ``lEye`` all are ``left_eye``; `canonical` has
    this form of each name. Joints of two skeletons that mean the same are the
    same point of the body.

    Parameters
    ----------
    name:
        Short name, of the course's own ones also the key in `SKELETONS`.
    joints:
        K joint names in column order, in any spelling.
    bones:
        Pairs of joint names, ``(from, to)``, drawn as lines. Default: each
        joint with its parent, as far as the names tell who that is.
    parents:
        For each joint the name of the joint it hangs on; the root names
        itself. Default: along the bones, or as the body is built.
    sigmas:
        K constants of the OKS metric (how widely annotators disagree, in
        units of the square root of the person's area). Default: COCO's by
        name; 0.072, their median, for joints that COCO does not have.
    groups:
        Table columns: a label and the joints that share it. Default: one
        for each joint, left and right together.
    flip_map:
        Pairs of joint names, ``(right, left)``, that a mirror exchanges.
        Default: those that differ only in their side.

    Attributes
    ----------
    defaults:
        What was left out and how it was filled in, ``{"sigmas": "..."}``;
        empty for the skeletons of this module.

    Raises
    ------
    ValueError
        If names repeat, are no text, or mean the same joint; if something
        names a joint that is not there, or the parents go in a circle.

    Examples
    --------
    >>> arm = Skeleton("arm", ["Shoulder.L", "Elbow.L", "Wrist.L"])
    >>> arm.bones
    (('Shoulder.L', 'Elbow.L'), ('Elbow.L', 'Wrist.L'))
    >>> arm.index("left_elbow"), arm.sigmas
    (1, (0.079, 0.072, 0.062))
    """

    name: str
    joints: tuple[str, ...]
    # None only on the way in: what is left out is filled in below.
    bones: tuple[tuple[str, str], ...] = None  # type: ignore[assignment]
    parents: tuple[str, ...] = None  # type: ignore[assignment]
    sigmas: tuple[float, ...] = None  # type: ignore[assignment]
    groups: dict[str, tuple[str, ...]] = None  # type: ignore[assignment]
    flip_map: tuple[tuple[str, str], ...] = None  # type: ignore[assignment]
    defaults: dict[str, str] = field(init=False, compare=False)

    def __post_init__(self):
        if not isinstance(self.name, str) or not self.name.strip():
            raise ValueError(f"a skeleton's name is a word, not {self.name!r}")
        self._set(defaults={}, joints=self._names("joints", self.joints))
        self._check_joints()
        self._fill_flip_map()
        self._fill_tree()
        self._fill_sigmas()
        self._fill_groups()

    def _set(self, **values):
        for name, value in values.items():
            object.__setattr__(self, name, value)

    def _names(self, what: str, names, count: int | None = None) -> tuple[str, ...]:
        """A tuple of texts, or an error that says what was given instead."""
        if isinstance(names, (str, bytes)) or not _is_sequence(names):
            raise ValueError(f"{self.name}: {what} must be a list, not {names!r}")
        names = tuple(names)
        for entry in names:
            if not isinstance(entry, str) or not entry.strip():
                raise ValueError(
                    f"{self.name}: {what} must be joint names, not {entry!r}"
                )
        if count is not None and len(names) != count:
            raise ValueError(f"{self.name}: {len(names)} {what} for {count} joints")
        return names

    def _pairs(self, what: str, pairs) -> tuple[tuple[str, str], ...]:
        if isinstance(pairs, (str, bytes)) or not _is_sequence(pairs):
            raise ValueError(f"{self.name}: {what} must be a list, not {pairs!r}")
        pairs = tuple(self._known(what, pair) for pair in pairs)
        for pair in pairs:
            if len(pair) != 2 or pair[0] == pair[1]:
                raise ValueError(
                    f"{self.name}: {what} must be pairs of two joints, not {pair}"
                )
        return pairs

    def _known(self, what: str, names) -> tuple[str, ...]:
        """Names of joints as this skeleton spells them."""
        names = self._names(what, names)
        unknown = sorted({joint for joint in names if joint not in self})
        if unknown:
            raise ValueError(f"{self.name}: unknown joints {unknown} in its {what}")
        return tuple(self.joints[self.index(joint)] for joint in names)

    def _check_joints(self):
        if not self.joints:
            raise ValueError(f"{self.name}: a skeleton needs at least one joint")
        if len(set(self.joints)) != len(self.joints):
            raise ValueError(f"{self.name}: joint names are not unique")
        if len(set(self.canonical)) != len(self.canonical):
            first = next(k for k in self.canonical if self.canonical.count(k) > 1)
            same = [j for j, k in zip(self.joints, self.canonical) if k == first]
            raise ValueError(
                f"{self.name}: the joints {', '.join(map(repr, same))} mean the "
                f"same ({first}); joint names must be unique"
            )

    def _fill_flip_map(self):
        if self.flip_map is not None:
            pairs = self._pairs("flip_map", self.flip_map)
            if len({joint for pair in pairs for joint in pair}) != 2 * len(pairs):
                raise ValueError(
                    f"{self.name}: a joint is in two pairs of the flip_map"
                )
            self._set(flip_map=pairs)
            return
        by_key = dict(zip(self.canonical, self.joints))
        pairs = tuple(
            (joint, by_key["left" + key.removeprefix("right")])
            for key, joint in by_key.items()
            if _split(key)[0] == "right" and "left" + key[5:] in by_key
        )
        self._set(flip_map=pairs)
        if self.canonical != self.joints:  # read from another spelling than ours
            self.defaults["flip_map"] = (
                f"{len(pairs)} pairs by name, e.g. {' and '.join(pairs[0])}"
                if pairs
                else "no pairs: no two names differ only in their side"
            )

    def _fill_tree(self):
        """Bones and parents, each from the other or from the names."""
        bones, parents = self.bones, self.parents
        if bones is not None:
            bones = self._pairs("bones", bones)
        if parents is not None:
            self._names("parents", parents, len(self))
            parents = self._known("parents", parents)
        elif bones:
            parents = _spanning_tree(self, bones)
            self.defaults["parents"] = f"along the bones, from {_root(parents, self)}"
        else:
            parents, guessed = _body_tree(self)
            self.defaults["parents"] = (
                f"as a body is built, from {_root(parents, self)}"
                + _except(guessed, "which hang on it")
            )
        if bones is None:
            loose = guessed if self.parents is None else ()
            bones = tuple(
                (parent, joint)
                for joint, parent in zip(self.joints, parents)
                if joint != parent and joint not in loose
            )
            self.defaults["bones"] = f"{len(bones)}, from each joint to its parent" + (
                _except(loose, "whose parent the names do not tell")
            )
        self._set(bones=bones, parents=parents)
        for joint in self.joints:
            seen = {joint}
            while (parent := parents[self.index(joint)]) != joint:
                if parent in seen:
                    raise ValueError(f"{self.name}: parents go in a circle at {parent}")
                seen.add(joint := parent)

    def _fill_sigmas(self):
        if self.sigmas is None:
            sigmas = [_sigma(key) for key in self.canonical]
            unknown = [j for j, s in zip(self.joints, sigmas) if s is None]
            self._set(sigmas=tuple(_MEDIAN_SIGMA if s is None else s for s in sigmas))
            self.defaults["sigmas"] = "COCO's by name" + _except(
                unknown, f"which get {_MEDIAN_SIGMA}, the median of COCO's"
            )
            return
        if isinstance(self.sigmas, (str, bytes)) or not _is_sequence(self.sigmas):
            raise ValueError(f"{self.name}: sigmas must be a list of numbers")
        sigmas = tuple(self.sigmas)
        if len(sigmas) != len(self):
            raise ValueError(
                f"{self.name}: {len(sigmas)} sigmas for {len(self)} joints"
            )
        for value in sigmas:
            if not isinstance(value, numbers.Real) or not 0 < value < math.inf:
                raise ValueError(
                    f"{self.name}: sigmas must be positive numbers, not {value!r}"
                )
        self._set(sigmas=tuple(map(float, sigmas)))

    def _fill_groups(self):
        if self.groups is None:
            groups = {}
            for joint, key in zip(self.joints, self.canonical):
                label = _split(key)[1].replace("_", " ").capitalize() or joint
                groups.setdefault(label, []).append(joint)
            self._set(groups={k: tuple(v) for k, v in groups.items()})
            self.defaults["groups"] = "one for each joint, left and right together"
            return
        if not hasattr(self.groups, "items"):
            raise ValueError(
                f"{self.name}: groups must be a dictionary, not {self.groups!r}"
            )
        self._set(groups={k: self._known("groups", v) for k, v in self.groups.items()})

    def __repr__(self) -> str:
        return f"<Skeleton {self.name}: {len(self)} joints>"

    def __len__(self) -> int:
        return len(self.joints)

    def __hash__(self) -> int:
        return hash((self.name, self.joints))

    def __contains__(self, joint) -> bool:
        """Whether there is such a joint, in whatever spelling."""
        return joint in self.joints or (
            isinstance(joint, str) and canonical_name(joint) in self.canonical
        )

    @cached_property
    def canonical(self) -> tuple[str, ...]:
        """The joints' names in the course's spelling, e.g. ``left_eye``."""
        keys = [canonical_name(joint) for joint in self.joints]
        # "lfemur" is the left one where there is an "rfemur" as well.
        for left, right in (("left", "right"), ("l", "r")):
            for i, key in enumerate(keys):
                rest = key.removeprefix(left)
                if rest in ("", key) or rest.startswith("_"):
                    continue
                if right + rest in keys:
                    keys[keys.index(right + rest)] = f"right_{rest}"
                    keys[i] = f"left_{rest}"
        return tuple(keys)

    def index(self, joint: str) -> int:
        """The column of a joint, in whatever spelling."""
        if joint in self.joints:
            return self.joints.index(joint)
        if isinstance(joint, str) and canonical_name(joint) in self.canonical:
            return self.canonical.index(canonical_name(joint))
        raise ValueError(
            f"skeleton {self.name} has no joint {joint!r}; it has "
            f"{', '.join(self.joints)}"
        )

    def indices(self, joints) -> list[int]:
        """The columns of several joints."""
        return [self.index(j) for j in joints]

    def side(self, joint: str) -> str:
        """``"left"``, ``"right"`` or ``"middle"``."""
        return self._sides[self.index(joint)]

    @cached_property
    def _sides(self) -> tuple[str, ...]:
        sides = [_split(key)[0] for key in self.canonical]
        for right, left in self.flip_pairs:
            sides[right], sides[left] = "right", "left"
        return tuple(sides)

    @cached_property
    def bone_indices(self) -> tuple[tuple[int, int], ...]:
        """Bones as pairs of columns."""
        return tuple((self.index(a), self.index(b)) for a, b in self.bones)

    @cached_property
    def parent_indices(self) -> tuple[int, ...]:
        """For each joint the column of its parent (the root: its own)."""
        return tuple(self.index(p) for p in self.parents)

    @cached_property
    def flip_pairs(self) -> tuple[tuple[int, int], ...]:
        """Pairs of columns (right, left) that a mirror exchanges."""
        return tuple((self.index(a), self.index(b)) for a, b in self.flip_map)

    @cached_property
    def flip_permutation(self) -> tuple[int, ...]:
        """Column order after mirroring a picture.

        Raises
        ------
        ValueError
            If a joint of one side has no twin on the other, as in
            `UPPER_BODY`: a mirrored right arm is a left arm, which such a
            skeleton has no column for.
        """
        paired = {j for pair in self.flip_pairs for j in pair}
        alone = [
            j
            for i, j in enumerate(self.joints)
            if self.side(j) != "middle" and i not in paired
        ]
        if alone:
            raise ValueError(
                f"skeleton {self.name} cannot be mirrored: {alone} have no "
                "twin on the other side; switch flips off"
            )
        order = list(range(len(self)))
        for a, b in self.flip_pairs:
            order[a], order[b] = b, a
        return tuple(order)

    @property
    def can_flip(self) -> bool:
        """Whether every one-sided joint has its twin."""
        try:
            return bool(self.flip_permutation)
        except ValueError:
            return False

    @cached_property
    def colors(self) -> tuple[str, ...]:
        """A colour per joint: orange right, blue left, green middle."""
        return tuple(_COLORS[side] for side in self._sides)

    def bone_side(self, bone: tuple[int, int]) -> str:
        """The side of a bone's ends; middle if they have none, or both."""
        sides = {self._sides[joint] for joint in bone} - {"middle"}
        return sides.pop() if len(sides) == 1 else "middle"

    def bone_color(self, bone: tuple[int, int]) -> str:
        """The colour of a bone, that of its side."""
        return _COLORS[self.bone_side(bone)]

    def to_dict(self) -> dict:
        """Everything about it in lists and texts, for JSON."""
        return {
            "name": self.name,
            "joints": list(self.joints),
            "bones": [list(bone) for bone in self.bones],
            "parents": list(self.parents),
            "sigmas": list(self.sigmas),
            "groups": {k: list(v) for k, v in self.groups.items()},
            "flip_map": [list(pair) for pair in self.flip_map],
        }

    @classmethod
    def from_dict(cls, fields) -> Skeleton:
        """A skeleton as `to_dict` wrote it; name and joints suffice.

        Raises ValueError for anything else.
        """
        known = ("name", "joints", "bones", "parents", "sigmas", "groups", "flip_map")
        if not isinstance(fields, dict) or not {"name", "joints"} <= set(fields):
            raise ValueError(
                "a skeleton is described by its 'name' and 'joints', and perhaps "
                f"{', '.join(known[2:])}; not by {_short(fields)}"
            )
        foreign = sorted(set(map(str, fields)) - set(known))
        if foreign:
            raise ValueError(
                f"the description of the skeleton {fields['name']!r} has "
                f"{', '.join(foreign)}, which mean nothing here"
            )
        return cls(**fields)


def canonical_name(joint: str) -> str:
    """A joint's name in the course's spelling.

    Small letters, words joined by ``_``, the side first. Two names that
    become the same are the same joint.

    Examples
    --------
    >>> [canonical_name(n) for n in ("Left Eye", "eye.L", "LEye", "HeadTop", "L5")]
    ['left_eye', 'left_eye', 'left_eye', 'head_top', 'l5']
    """
    text = re.sub("([左右])", r" \1 ", joint)
    text = re.sub(r"[\W_]+", " ", text)
    text = re.sub(
        r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", " ", text
    ).casefold()
    words = text.split()
    for sides in _SIDES:
        places = [i for i, word in enumerate(words) if word in sides]
        if len(places) == 1:
            side = sides[words.pop(places[0])]
            return "_".join([side, *words])
    return "_".join(words)


def _split(key: str) -> tuple[str, str]:
    """The side and the rest of a joint's key."""
    side, _, rest = key.partition("_")
    return (side, rest) if side in ("left", "right") else ("middle", key)


def _is_sequence(value) -> bool:
    return hasattr(value, "__iter__") and not isinstance(value, (dict, set))


def _short(value) -> str:
    text = repr(value)
    return text if len(text) < 80 else text[:77] + "..."


def _except(joints, remark: str) -> str:
    return f", except {', '.join(joints)}, {remark}" if joints else ""


def _mirrored(*parts: str) -> tuple[tuple[str, ...], ...]:
    """Chains of bones written once for the right side, then for both."""
    both = []
    for part in parts:
        for text in dict.fromkeys((part, part.replace("right_", "left_"))):
            chain = text.split()
            both += list(pairwise(chain))
    return tuple(both)


# OKS constants measured by COCO for the joints it has, by joint name.
# Head top, neck, thorax and pelvis were never measured there; they borrow
# the shoulder's and the hip's value, the nearest joints of the same kind.
_SIGMA = {
    "nose": 0.026,
    "eye": 0.025,
    "ear": 0.035,
    "shoulder": 0.079,
    "elbow": 0.072,
    "wrist": 0.062,
    "hip": 0.107,
    "knee": 0.087,
    "ankle": 0.089,
    "head_top": 0.079,
    "upper_neck": 0.079,
    "neck": 0.079,
    "neck_base": 0.079,
    "thorax": 0.079,
    "pelvis": 0.107,
    "spine": 0.107,
    "head": 0.079,
}
_MEDIAN_SIGMA = 0.072


def _sigma(key: str) -> float | None:
    """COCO's constant of a joint, also of an ``eye_inner``, or None."""
    name = _split(key)[1]
    if name in _SIGMA:
        return _SIGMA[name]
    known = [word for word in name.split("_") if word in _SIGMA]
    return _SIGMA[known[0]] if known else None


# The joint that a joint hangs on: the first of these that is there, on the
# same side or in the middle. The first joint of the second table that is
# there hangs on nothing.
_PARENTS = {
    "head_top": "upper_neck neck head neck_base nose thorax",
    "head": "neck_base neck upper_neck thorax nose",
    "nose": "head upper_neck neck neck_base head_top thorax",
    "eye": "nose head upper_neck neck head_top",
    "ear": "eye nose head upper_neck neck head_top",
    "upper_neck": "neck_base neck thorax spine pelvis",
    "neck_base": "thorax spine pelvis",
    "neck": "neck_base thorax spine pelvis",
    "thorax": "spine pelvis",
    "spine": "pelvis",
    "shoulder": "thorax neck upper_neck neck_base spine head nose head_top",
    "elbow": "shoulder",
    "wrist": "elbow shoulder",
    "hand": "wrist elbow",
    "hip": "pelvis mid_hip shoulder spine thorax neck",
    "mid_hip": "spine thorax neck",
    "knee": "hip",
    "ankle": "knee hip",
    "foot": "ankle knee",
    "heel": "ankle knee",
    "toe": "foot ankle knee",
    **dict.fromkeys(
        ("thumb", "finger", "forefinger", "index", "middle", "ring", "pinky", "little"),
        "palm hand wrist",
    ),
}
_ROOTS = (
    "pelvis",
    "thorax",
    "neck",
    "upper_neck",
    "neck_base",
    "spine",
    "nose",
    "head",
    "head_top",
)
# The joints of a finger, from the palm outwards.
_FINGER = ("cmc", "mcp", "ip", "pip", "dip", "tip")


def _body_tree(skeleton: Skeleton):
    """Parents by the names; and the joints whose names do not tell."""
    keys = dict(zip(skeleton.canonical, skeleton.joints))
    root = next((keys[k] for k in _ROOTS if k in keys), None)
    if root is None:  # an arm: what the others hang on
        root = next(
            (j for k, j in keys.items() if not _parent_of(k, keys)), skeleton.joints[0]
        )
    parents, guessed = [], []
    for key, joint in keys.items():
        parent = None if joint == root else _parent_of(key, keys)
        if parent is None and joint != root:
            guessed.append(joint)
        parents.append(parent or root)
    return tuple(parents), tuple(guessed)


def _parent_of(key: str, keys: dict) -> str | None:
    """Of `keys` the joint that the one called `key` hangs on, or None."""
    side, name = _split(key)
    stem, place = _place_in_chain(key)
    chain = sorted((_place_in_chain(k)[1], k) for k in keys if _in_chain(k, stem))
    if stem and 1 < len(chain) <= len(keys) / 2:  # kp1 to kp17 are no chain
        before = [k for at, k in chain if at < place]
        if before:
            return keys[before[-1]]
        name = _split(stem.rstrip("_"))[1]  # thumb_1 hangs where a thumb does
    words = name.split("_")
    known = next((w for w in (name, words[-1], words[0]) if w in _PARENTS), "")
    for candidate in _PARENTS.get(known, "").split():
        for other in (f"{side}_{candidate}", candidate):
            if other in keys and other != key:
                return keys[other]
    return None


def _in_chain(key: str, stem: str) -> bool:
    return _place_in_chain(key)[0] == stem


def _place_in_chain(key: str) -> tuple[str, int]:
    """``("thumb", 3)`` for thumb_3 or thumb_tip; ``("", 0)`` without."""
    found = re.fullmatch(rf"(.*?)_?(\d+|{'|'.join(_FINGER)})", key)
    if not found or not found[1]:
        return "", 0
    last = found[2]
    return found[1], int(last) if last.isdecimal() else _FINGER.index(last)


def _spanning_tree(skeleton: Skeleton, bones) -> tuple[str, ...]:
    """Parents along the bones; what no bone reaches hangs on the root."""
    keys = dict(zip(skeleton.canonical, skeleton.joints))
    root = next((keys[k] for k in _ROOTS if k in keys), bones[0][0])
    parents, reached = {root: root}, [root]
    for joint in reached:
        for a, b in bones:
            for here, there in ((a, b), (b, a)):
                if here == joint and there not in parents:
                    parents[there] = joint
                    reached.append(there)
    return tuple(parents.get(joint, root) for joint in skeleton.joints)


def _root(parents, skeleton: Skeleton) -> str:
    return next(j for j, p in zip(skeleton.joints, parents) if j == p)


def _sigmas(joints):
    return tuple(_sigma(joint) or _MEDIAN_SIGMA for joint in joints)


def _skeleton(name, joints, bones, parents, groups=None, sigmas=None):
    joints = tuple(joints.split())
    return Skeleton(
        name,
        joints,
        bones,
        tuple(parents.split()),
        sigmas or _sigmas(joints),
        groups or {},
    )


MPII = _skeleton(
    "mpii",
    "right_ankle right_knee right_hip left_hip left_knee left_ankle "
    "pelvis thorax upper_neck head_top "
    "right_wrist right_elbow right_shoulder "
    "left_shoulder left_elbow left_wrist",
    _mirrored(
        "pelvis thorax upper_neck head_top",
        "thorax right_shoulder right_elbow right_wrist",
        "pelvis right_hip right_knee right_ankle",
    ),
    "right_knee right_hip pelvis pelvis left_hip left_knee "
    "pelvis pelvis thorax upper_neck "
    "right_elbow right_shoulder thorax "
    "thorax left_shoulder left_elbow",
    {
        "Head": ("head_top",),
        "Shoulder": ("right_shoulder", "left_shoulder"),
        "Elbow": ("right_elbow", "left_elbow"),
        "Wrist": ("right_wrist", "left_wrist"),
        "Hip": ("right_hip", "left_hip"),
        "Knee": ("right_knee", "left_knee"),
        "Ankle": ("right_ankle", "left_ankle"),
    },
)

COCO = _skeleton(
    "coco",
    "nose left_eye right_eye left_ear right_ear "
    "left_shoulder right_shoulder left_elbow right_elbow "
    "left_wrist right_wrist left_hip right_hip "
    "left_knee right_knee left_ankle right_ankle",
    _mirrored(
        "nose right_eye right_ear right_shoulder",
        "right_shoulder right_elbow right_wrist",
        "right_shoulder right_hip right_knee right_ankle",
    )
    + (("right_shoulder", "left_shoulder"), ("right_hip", "left_hip")),
    "nose nose nose left_eye right_eye "
    "nose nose left_shoulder right_shoulder "
    "left_elbow right_elbow left_shoulder right_shoulder "
    "left_hip right_hip left_knee right_knee",
    {
        "Face": ("nose", "left_eye", "right_eye", "left_ear", "right_ear"),
        "Shoulder": ("right_shoulder", "left_shoulder"),
        "Elbow": ("right_elbow", "left_elbow"),
        "Wrist": ("right_wrist", "left_wrist"),
        "Hip": ("right_hip", "left_hip"),
        "Knee": ("right_knee", "left_knee"),
        "Ankle": ("right_ankle", "left_ankle"),
    },
)

_LIMBS = MPII.groups

LSP = _skeleton(
    "lsp",
    "right_ankle right_knee right_hip left_hip left_knee left_ankle "
    "right_wrist right_elbow right_shoulder "
    "left_shoulder left_elbow left_wrist upper_neck head_top",
    _mirrored(
        "upper_neck head_top",
        "upper_neck right_shoulder right_elbow right_wrist",
        "right_shoulder right_hip right_knee right_ankle",
    )
    + (("right_hip", "left_hip"),),
    "right_knee right_hip right_shoulder left_shoulder left_hip left_knee "
    "right_elbow right_shoulder upper_neck "
    "upper_neck left_shoulder left_elbow upper_neck upper_neck",
    _LIMBS,
)

AI_CHALLENGER = _skeleton(
    "ai_challenger",
    "right_shoulder right_elbow right_wrist "
    "left_shoulder left_elbow left_wrist "
    "right_hip right_knee right_ankle left_hip left_knee left_ankle "
    "head_top neck",
    _mirrored(
        "neck head_top",
        "neck right_shoulder right_elbow right_wrist",
        "right_shoulder right_hip right_knee right_ankle",
    )
    + (("right_hip", "left_hip"),),
    "neck right_shoulder right_elbow neck left_shoulder left_elbow "
    "right_shoulder right_hip right_knee left_shoulder left_hip left_knee "
    "neck neck",
    _LIMBS,
)

H36M = _skeleton(
    "h36m",
    "pelvis right_hip right_knee right_ankle left_hip left_knee left_ankle "
    "spine thorax neck_base head left_shoulder left_elbow left_wrist "
    "right_shoulder right_elbow right_wrist",
    _mirrored(
        "pelvis spine thorax neck_base head",
        "pelvis right_hip right_knee right_ankle",
        "thorax right_shoulder right_elbow right_wrist",
    ),
    "pelvis pelvis right_hip right_knee pelvis left_hip left_knee "
    "pelvis spine thorax neck_base thorax left_shoulder left_elbow "
    "thorax right_shoulder right_elbow",
    {"Head": ("head",), **{k: v for k, v in _LIMBS.items() if k != "Head"}},
)

# Of the 28 joints of MPI-INF-3DHP's files the 17 that its own evaluation uses
# (Mehta et al., 2017), the pelvis at 14. Its neck is no MPII neck: other points.
MPI_INF_3DHP = _skeleton(
    "mpi_inf_3dhp",
    "head_top neck right_shoulder right_elbow right_wrist left_shoulder left_elbow "
    "left_wrist right_hip right_knee right_ankle left_hip left_knee left_ankle "
    "pelvis spine head",
    _mirrored(
        "pelvis spine neck head head_top",
        "neck right_shoulder right_elbow right_wrist",
        "pelvis right_hip right_knee right_ankle",
    ),
    "neck spine neck right_shoulder right_elbow neck left_shoulder left_elbow "
    "pelvis right_hip right_knee pelvis left_hip left_knee pelvis pelvis neck",
    {k: v for k, v in _LIMBS.items() if k != "Head"},
)

# MuCo-3DHP, which is composed from it, as 3DMPPE (Moon et al., 2019) gives it.
MUCO = _skeleton(
    "muco",
    "head_top thorax right_shoulder right_elbow right_wrist left_shoulder left_elbow "
    "left_wrist right_hip right_knee right_ankle left_hip left_knee left_ankle "
    "pelvis spine head right_hand left_hand right_toe left_toe",
    _mirrored(
        "pelvis spine thorax head head_top",
        "thorax right_shoulder right_elbow right_wrist right_hand",
        "pelvis right_hip right_knee right_ankle right_toe",
    ),
    "head spine thorax right_shoulder right_elbow thorax left_shoulder left_elbow "
    "pelvis right_hip right_knee pelvis left_hip left_knee pelvis pelvis thorax "
    "right_wrist left_wrist right_ankle left_ankle",
    {k: v for k, v in _LIMBS.items() if k != "Head"}
    | {
        "Hand": ("right_hand", "left_hand"),
        "Toe": ("right_toe", "left_toe"),
    },
)

# The document's example (section 4.3): head, neck, shoulder, elbow, wrist.
UPPER_BODY = _skeleton(
    "upper_body",
    "head_top upper_neck right_shoulder right_elbow right_wrist",
    _mirrored("head_top upper_neck")
    + (
        ("upper_neck", "right_shoulder"),
        ("right_shoulder", "right_elbow"),
        ("right_elbow", "right_wrist"),
    ),
    "upper_neck upper_neck upper_neck right_shoulder right_elbow",
    {
        "Head": ("head_top",),
        "Neck": ("upper_neck",),
        "Shoulder": ("right_shoulder",),
        "Elbow": ("right_elbow",),
        "Wrist": ("right_wrist",),
    },
)

SKELETONS = {
    s.name: s
    for s in (
        MPII,
        COCO,
        LSP,
        AI_CHALLENGER,
        H36M,
        MPI_INF_3DHP,
        MUCO,
        UPPER_BODY,
    )
}


def get_skeleton(name: str | Skeleton) -> Skeleton:
    """A skeleton by name; a `Skeleton` is returned as it is.

    Raises ValueError for anything else, a list of joints included: make a
    `Skeleton` of them.
    """
    if isinstance(name, Skeleton):
        return name
    try:
        return SKELETONS[name]
    except (KeyError, TypeError):
        near = difflib.get_close_matches(str(name).lower(), SKELETONS, 1)
    raise ValueError(
        f"unknown skeleton {_short(name)}; known: {', '.join(SKELETONS)}"
        + (f" (did you mean {near[0]!r}?)" if near else "")
        + '. Of joints of your own make one: Skeleton("mine", ["head", ...])'
    )


def remap(keypoints, visible, source: Skeleton, target: Skeleton):
    """Keypoints of one skeleton in the order of another.

    Joints are matched by name, in whatever spelling, that is, by the same
    point of the body.
    A joint that the source lacks stays an honest gap: NaN, visibility 0.
    Nothing is invented, not even a pelvis between two hips.

    Parameters
    ----------
    keypoints:
        ``(..., K_source, 2)`` (or 3 in the last place), pixels.
    visible:
        ``(..., K_source)``, 0 not labelled, 1 hidden, 2 visible.

    Returns
    -------
    keypoints, visible:
        ``(..., K_target, 2)`` float64 and ``(..., K_target)`` uint8.
    """
    keypoints = np.asarray(keypoints, dtype=np.float64)
    visible = np.asarray(visible)
    if keypoints.shape[-2] != len(source):
        raise ValueError(
            f"keypoints {keypoints.shape} do not have the "
            f"{len(source)} joints of {source.name}"
        )
    if visible.shape != keypoints.shape[:-1]:
        raise ValueError(
            f"visible {visible.shape} does not go with keypoints {keypoints.shape}"
        )
    shape = keypoints.shape[:-2] + (len(target), keypoints.shape[-1])
    new = np.full(shape, np.nan)
    new_visible = np.zeros(shape[:-1], dtype=np.uint8)
    for i, joint in enumerate(target.canonical):
        if joint in source.canonical:
            j = source.canonical.index(joint)
            new[..., i, :] = keypoints[..., j, :]
            new_visible[..., i] = visible[..., j]
    new[new_visible == 0] = np.nan
    return new, new_visible
