"""Skeletons as data: joint names, bones, mirror pairs, colours, OKS constants.

A skeleton says what the columns of a keypoint array mean. Everything that
depends on a joint order (drawing, flipping, tables, losses with per-joint
weights) asks a `Skeleton` instead of repeating a list of numbers.

*Left* and *right* are the person's own, as in every public dataset.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

__all__ = [
    "AI_CHALLENGER",
    "COCO",
    "H36M",
    "LSP",
    "MPII",
    "SKELETONS",
    "UPPER_BODY",
    "Skeleton",
    "get_skeleton",
    "remap",
]

# Colours that people with any kind of colour vision can tell apart
# (Okabe and Ito, 2008). Side is also carried by the line style when drawn.
_RIGHT, _LEFT, _MIDDLE = "#E69F00", "#0072B2", "#009E73"


@dataclass(frozen=True)
class Skeleton:
    """The joints of one dataset and how they hang together.

    Parameters
    ----------
    name:
        Short name, also the key in `SKELETONS`.
    joints:
        K joint names in column order. A joint of one side starts with
        ``left_`` or ``right_``; joints of two skeletons that mean the same
        point of the body have the same name.
    bones:
        Pairs of joint names, ``(from, to)``, drawn as lines.
    parents:
        For each joint the name of the joint it hangs on; the root names
        itself.
    sigmas:
        K constants of the OKS metric (how widely annotators disagree, in
        units of the square root of the person's area).
    groups:
        Table columns: a label and the joints that share it.
    """

    name: str
    joints: tuple[str, ...]
    bones: tuple[tuple[str, str], ...]
    parents: tuple[str, ...]
    sigmas: tuple[float, ...]
    groups: dict[str, tuple[str, ...]] = field(default_factory=dict)

    def __post_init__(self):
        k = len(self.joints)
        if len(set(self.joints)) != k:
            raise ValueError(f"{self.name}: joint names are not unique")
        for what, values in (("parents", self.parents), ("sigmas", self.sigmas)):
            if len(values) != k:
                raise ValueError(f"{self.name}: {len(values)} {what} for {k} joints")
        named = [j for bone in self.bones for j in bone] + list(self.parents)
        named += [j for group in self.groups.values() for j in group]
        unknown = sorted(set(named) - set(self.joints))
        if unknown:
            raise ValueError(f"{self.name}: unknown joints {unknown}")

    def __len__(self) -> int:
        return len(self.joints)

    def __hash__(self) -> int:
        return hash((self.name, self.joints))

    def index(self, joint: str) -> int:
        """The column of a joint."""
        try:
            return self.joints.index(joint)
        except ValueError:
            raise ValueError(
                f"skeleton {self.name} has no joint {joint!r}; it has "
                f"{', '.join(self.joints)}"
            ) from None

    def indices(self, joints) -> list[int]:
        """The columns of several joints."""
        return [self.index(j) for j in joints]

    def side(self, joint: str) -> str:
        """``"left"``, ``"right"`` or ``"middle"``."""
        head = joint.split("_", 1)[0]
        return head if head in ("left", "right") else "middle"

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
        pairs = []
        for joint in self.joints:
            if self.side(joint) == "right":
                twin = "left_" + joint.split("_", 1)[1]
                if twin in self.joints:
                    pairs.append((self.index(joint), self.index(twin)))
        return tuple(pairs)

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
        table = {"right": _RIGHT, "left": _LEFT, "middle": _MIDDLE}
        return tuple(table[self.side(j)] for j in self.joints)

    def bone_color(self, bone: tuple[int, int]) -> str:
        """The colour of a bone: that of its one-sided end, if any."""
        for joint in reversed(bone):
            if self.side(self.joints[joint]) != "middle":
                return self.colors[joint]
        return _MIDDLE


def _mirrored(*parts: str) -> tuple[tuple[str, ...], ...]:
    """Chains of bones written once for the right side, then for both."""
    both = []
    for part in parts:
        for text in dict.fromkeys((part, part.replace("right_", "left_"))):
            chain = text.split()
            both += list(zip(chain, chain[1:]))
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


def _sigmas(joints):
    return tuple(_SIGMA[j.removeprefix("left_").removeprefix("right_")] for j in joints)


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

_LIMBS = dict(list(MPII.groups.items()))

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

SKELETONS = {s.name: s for s in (MPII, COCO, LSP, AI_CHALLENGER, H36M, UPPER_BODY)}


def get_skeleton(name: str | Skeleton) -> Skeleton:
    """A skeleton by name; a `Skeleton` is returned as it is."""
    if isinstance(name, Skeleton):
        return name
    try:
        return SKELETONS[name]
    except KeyError:
        raise ValueError(
            f"unknown skeleton {name!r}; known: {', '.join(SKELETONS)}"
        ) from None


def remap(keypoints, visible, source: Skeleton, target: Skeleton):
    """Keypoints of one skeleton in the order of another.

    Joints are matched by name, that is, by the same point of the body.
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
    for i, joint in enumerate(target.joints):
        if joint in source.joints:
            j = source.index(joint)
            new[..., i, :] = keypoints[..., j, :]
            new_visible[..., i] = visible[..., j]
    new[new_visible == 0] = np.nan
    return new, new_visible
