"""Bottom-up: all joints of all people first, then whose they are.

Part affinity fields (Cao et al. 2017): beside a heatmap for each joint, the
network draws two maps for each bone, the x and the y of a unit vector that
points along the bone wherever the bone is. To ask whether this shoulder and
that elbow are one person's, walk from one to the other and look how well the
arrows on the way agree. Which pairs are taken is an assignment problem
(Hungarian algorithm), bone by bone; along the tree of bones, pairs grow into
people.

The network looks once, however many people there are.
"""

from __future__ import annotations

import numpy as np
import torch
from scipy.optimize import linear_sum_assignment
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from .. import models
from ..codecs import gaussian_heatmaps
from ..codecs.decoders import heatmap_peaks
from ..device import choose_device
from ..geometry import as_array, resize_points
from ..inference import Pose
from ..models.base import last_stage
from ..skeletons import MPII, Skeleton, get_skeleton
from ..transforms import normalise
from .detector import fitted, load_network, rgb_picture

__all__ = [
    "BottomUp",
    "build_bottom_up",
    "filled",
    "group_joints",
    "joint_heat",
    "limb_fields",
    "line_scores",
    "tree_bones",
]

_SAMPLES = 10  # points on the way from joint to joint


def tree_bones(skeleton: Skeleton) -> list[tuple[int, int]]:
    """``(parent, joint)`` for every joint but the root: bones that make a tree.

    In a tree there is one way from joint to joint, so pairs that are one to
    one along each bone can never put two noses on one person.
    """
    return [(p, j) for j, p in enumerate(skeleton.parent_indices) if p != j and p >= 0]


def build_bottom_up(
    trunk: str = "laptop",
    skeleton: Skeleton | str = MPII,
    input_size=(128, 96),
    **options,
):
    """A heatmap network with a map for each joint and two for each bone.

    Parameters
    ----------
    trunk:
        A heatmap network of `models.names()`.
    input_size:
        ``(width, height)`` of the pictures it is trained on, pixels.
    """
    return models.build(
        trunk, _maps_of(get_skeleton(skeleton)), input_size=input_size, **options
    )


def _maps_of(skeleton: Skeleton) -> Skeleton:
    """What the maps are, as names: a network is built from such."""
    bones = [
        f"{skeleton.joints[p]}>{skeleton.joints[j]}_{axis}"
        for p, j in tree_bones(skeleton)
        for axis in "xy"
    ]
    return Skeleton(f"{skeleton.name}_fields", (*skeleton.joints, *bones))


# ------------------------------------------------------------ what to learn


def joint_heat(keypoints, size, stride: float, sigma: float = 1.5):
    """Everybody's joints in one map per joint: the highest bump counts.

    Parameters
    ----------
    keypoints:
        ``(N, P, K, 2)`` tensor, input pixels, NaN where there is none.
    size:
        ``(width, height)`` of the maps, cells.

    Returns
    -------
    ``(N, K, h, w)``, 0...1.
    """
    cells = resize_points(keypoints, 1 / stride)
    heat = gaussian_heatmaps(cells.flatten(0, 2), size, sigma)
    return heat.unflatten(0, keypoints.shape[:3]).amax(1)


def limb_fields(keypoints, bones, size, stride: float, width: float = 1.0):
    """Unit vectors along the bones, in a band around each.

    Parameters
    ----------
    keypoints:
        ``(N, P, K, 2)`` tensor, input pixels, NaN where there is none.
    bones:
        Pairs of joints.
    size:
        ``(width, height)`` of the maps, cells.
    width:
        How far the band reaches to either side, cells.

    Returns
    -------
    ``(N, 2 L, h, w)`` for L bones: x and y of the first, of the second, ...
    Where bones of several people lie over each other, the mean of their
    vectors.
    """
    cells = resize_points(keypoints, 1 / stride)
    start, end = (cells[:, :, [bone[i] for bone in bones]] for i in (0, 1))
    along = end - start
    length = along.norm(dim=-1, keepdim=True)
    there = torch.isfinite(length) & (length > 1e-3)
    unit = torch.where(there, along / length.clamp(min=1e-3), 0)
    x = torch.arange(size[0], dtype=cells.dtype, device=cells.device)
    y = torch.arange(size[1], dtype=cells.dtype, device=cells.device)[:, None]
    total = cells.new_zeros(len(cells), len(bones), 2, size[1], size[0])
    count = cells.new_zeros(len(cells), len(bones), 1, size[1], size[0])
    for p in range(cells.shape[1]):  # one person at a time: less memory
        if not there[:, p].any():
            continue
        (sx, sy), (ux, uy) = (
            torch.where(there[:, p], v[:, p], 0).unbind(-1) for v in (start, unit)
        )
        dx, dy = (
            x - sx[..., None, None],
            y - sy[..., None, None],
        )
        ahead = dx * ux[..., None, None] + dy * uy[..., None, None]
        aside = dx * uy[..., None, None] - dy * ux[..., None, None]
        band = (ahead >= -width) & (aside.abs() <= width)
        reach = torch.where(there[:, p], length[:, p], -torch.inf)[..., None]
        band = (band & (ahead <= reach + width))[:, :, None]
        total += band * unit[:, p][..., None, None]
        count += band
    return (total / count.clamp(min=1)).flatten(1, 2)


# -------------------------------------------------------------- whose is it


def line_scores(field, starts, ends) -> np.ndarray:
    """How well a field points from each start to each end.

    The mean, over points on the way, of the field's vector times the way's
    direction: 1 where a bone lies exactly there, about 0 where there is none.

    Parameters
    ----------
    field:
        ``(2, h, w)``.
    starts, ends:
        ``(A, 2)`` and ``(B, 2)``, cells.

    Returns
    -------
    ``(A, B)``; less where the field is silent on a part of the way.
    """
    field, starts, ends = as_array(field), as_array(starts), as_array(ends)
    way = ends[None] - starts[:, None]
    length = np.linalg.norm(way, axis=-1, keepdims=True)
    unit = way / np.maximum(length, 1e-6)
    share = np.linspace(0, 1, _SAMPLES)[:, None, None, None]
    points = np.rint(starts[:, None] + share * way).astype(int)
    x = np.clip(points[..., 0], 0, field.shape[2] - 1)
    y = np.clip(points[..., 1], 0, field.shape[1] - 1)
    agree = field[0, y, x] * unit[..., 0] + field[1, y, x] * unit[..., 1]
    return agree.mean(0) * ((agree > 0.1).mean(0) >= 0.7)


def group_joints(
    cells,
    heights,
    fields,
    bones,
    threshold: float = 0.2,
    fewest: int = 4,
):
    """Peaks and fields to people.

    Parameters
    ----------
    cells, heights:
        ``(K, M, 2)`` places of at most M peaks per joint, cells, NaN for
        none; and ``(K, M)`` their heights, as `codecs.heatmap_peaks` gives.
    fields:
        ``(2 L, h, w)``.
    bones:
        L pairs of joints that make a tree.
    threshold:
        The least `line_scores` of a pair.
    fewest:
        Whoever has fewer joints is left out.

    Returns
    -------
    keypoints, scores:
        ``(P, K, 2)`` cells, NaN for joints that were not found; and
        ``(P, K)``: the heights, 0 for these. The surest person first.
    """
    cells, heights, fields = as_array(cells), as_array(heights), as_array(fields)
    joints, most = heights.shape
    if fields.shape[0] != 2 * len(bones):
        raise ValueError(
            f"{len(bones)} bones have {2 * len(bones)} fields, got {fields.shape[0]}"
        )
    there = np.isfinite(cells).all(-1)
    pairs: list[tuple[int, int]] = []
    for bone, (a, b) in enumerate(bones):
        first, second = np.flatnonzero(there[a]), np.flatnonzero(there[b])
        field = fields[2 * bone : 2 * bone + 2]
        scores = line_scores(field, cells[a, first], cells[b, second])
        # what is below the threshold must not tempt the assignment
        chosen = linear_sum_assignment(-np.where(scores >= threshold, scores, 0))
        pairs += [
            (a * most + first[i], b * most + second[j])
            for i, j in zip(*chosen)
            if scores[i, j] >= threshold
        ]
    ends = np.array(pairs, int).reshape(-1, 2).T
    graph = coo_array((np.ones(len(pairs)), (ends[0], ends[1])), (joints * most,) * 2)
    _, person = connected_components(graph, directed=False)
    person = person.reshape(joints, most)
    keypoints, found = [], []
    for number in np.unique(person[there]):
        joint, peak = np.nonzero((person == number) & there)
        if len(joint) < fewest:
            continue
        points, scores = np.full((joints, 2), np.nan), np.zeros(joints)
        points[joint], scores[joint] = cells[joint, peak], heights[joint, peak]
        keypoints.append(points)
        found.append(scores)
    order = np.argsort([-s.sum() for s in found], kind="stable")
    return (
        np.array(keypoints).reshape(-1, joints, 2)[order],
        np.array(found).reshape(-1, joints)[order],
    )


def filled(keypoints, skeleton: Skeleton) -> np.ndarray:
    """Poses with a guess for every joint: where the nearest known one is.

    OKS wants a place for each joint. A joint that was not found is put on the
    one that is nearest along the bones.

    Parameters
    ----------
    keypoints:
        ``(P, K, 2)``, NaN where not found; everybody has one joint at least.
    """
    keypoints = as_array(keypoints).copy()
    bones = tree_bones(skeleton)
    for _ in range(len(skeleton)):
        before = keypoints.copy()
        for a, b in bones:
            for known, other in ((a, b), (b, a)):
                gap = np.isnan(keypoints[:, other, 0])
                keypoints[gap, other] = before[gap, known]
        if np.isfinite(keypoints).all():
            break
    return keypoints


class BottomUp:
    """A trained bottom-up network: a picture to everybody's pose.

    Parameters
    ----------
    network:
        From `build_bottom_up`, trained; its weights say of which skeleton.
    long_side:
        The picture's longer side is brought to so many pixels.
    peak, pair:
        The least height of a joint's peak, and the least `line_scores`.
    """

    def __init__(
        self,
        network,
        skeleton: Skeleton | str = MPII,
        long_side: int = 128,
        peak: float = 0.15,
        pair: float = 0.2,
        device=None,
    ):
        self.skeleton = get_skeleton(skeleton)
        if network.skeleton != _maps_of(self.skeleton):
            raise ValueError(
                f"{network.name} has the maps of {network.skeleton.name}, not joints "
                f"and bones of {self.skeleton.name}; make one with "
                "people.build_bottom_up"
            )
        self.bones = tree_bones(self.skeleton)
        self.device = choose_device(device)
        self.network = network.to(self.device).eval()
        self.long_side, self.peak, self.pair = int(long_side), peak, pair

    @classmethod
    def load(cls, source="bottom_up", device=None, **options) -> BottomUp:
        """One that comes with the course, or of a run's folder or file."""
        return cls(load_network(source), device=device, **options)

    def __call__(self, image) -> list[Pose]:
        """Everybody's pose, the surest first.

        A joint that was not found is NaN, with score 0; the box is the
        joints'.

        Parameters
        ----------
        image:
            RGB uint8 ``(H, W, 3)``, or the path of a picture.
        """
        canvas, scale = fitted(rgb_picture(image), self.long_side)
        maps = self.maps(canvas)[0]
        stride = canvas.shape[1] / maps.shape[-1]
        keypoints, scores = self.group(maps)
        points = resize_points(resize_points(keypoints, stride), 1 / scale)
        poses = []
        for place, sure in zip(points, scores):
            pose = Pose(place, sure, (0, 0, 1, 1), self.skeleton)
            pose.box = pose.keypoint_box(0.0)
            poses.append(pose)
        return poses

    def group(self, maps):
        """`group_joints` of maps ``(K + 2 L, h, w)``; cells."""
        joints = len(self.skeleton)
        cells, heights = heatmap_peaks(maps[:joints], self.peak, 2, 20)
        cells = refined(maps[:joints], cells)
        return group_joints(cells, heights, maps[joints:], self.bones, self.pair)

    @torch.inference_mode()
    def maps(self, canvas) -> torch.Tensor:
        """The maps ``(1, K + 2 L, h, w)`` of a picture of a fitting size."""
        tensor = torch.from_numpy(canvas).permute(2, 0, 1)[None].to(self.device)
        return last_stage(self.network(normalise(tensor))).float().cpu()


def refined(maps, cells):
    """Peaks between the cells: the top of a parabola through three cells.

    Of the maps' logarithms, so for a Gaussian it is exact. ``(K, M, 2)``.
    """
    maps, cells = as_array(maps), as_array(cells).copy()
    height, width = maps.shape[-2:]
    for joint, peak in zip(*np.nonzero(np.isfinite(cells[..., 0]))):
        x, y = cells[joint, peak].astype(int)
        for axis, (place, side) in enumerate(((x, width), (y, height))):
            if not 0 < place < side - 1:
                continue
            line = (
                maps[joint, y, x - 1 : x + 2]
                if axis == 0
                else maps[joint, y - 1 : y + 2, x]
            )
            low, top, high = np.log(np.maximum(line, 1e-6))
            curve = low - 2 * top + high
            if curve < 0:
                cells[joint, peak, axis] += np.clip(0.5 * (low - high) / curve, -1, 1)
    return cells
