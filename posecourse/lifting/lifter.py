"""From two dimensions to three: networks that never see the picture.

`LiftingNetwork` looks at one pose (Martinez et al., 2017), `TemporalLifter` at
the poses of a second or two (Pavllo et al., 2019). `Lifter` is one of them with
what stands before and after it: pixels in, metres out.

What goes in is made independent of where the person is in the picture and how
large, as nobody can say anything about a body by that: the camera is turned
(in thought) to look at the middle of the joints, and what it then sees is
scaled to a common size. What comes out is relative to the pelvis, in metres.
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

from ..files import atomic_path
from ..geometry import as_array
from ..models.state_dicts import WeightsError, fill, read_state_dict
from ..places import course_folder
from ..skeletons import MPII, Skeleton, get_skeleton
from .camera import PinholeCamera

__all__ = ["Lifter", "LiftingNetwork", "TemporalLifter", "lifter_inputs"]

_FEWEST = 3  # known joints; of fewer, nothing is a pose


def lifter_inputs(flat, known):
    """What a lifter is shown of poses on the plane at depth 1.

    Parameters
    ----------
    flat:
        ``(..., K, 2)`` tensor of ``x / z, y / z``; any number where unknown.
    known:
        ``(..., K)`` bool tensor.

    Returns
    -------
    inputs, turn:
        ``(..., K, 3)``: x, y and whether it is known, the middle of the known
        joints at 0 and their root mean square distance from it 1; and
        ``(..., 3, 3)``, from the camera's axes to those of a camera that is
        turned to look at them. Its x axis stays level with the
        camera's.
    """
    there = known.to(flat.dtype)[..., None]
    count = there.sum(-2).clamp(min=1)
    flat = torch.where(known[..., None], flat, 0.0)
    rays = torch.cat([flat, torch.ones_like(flat[..., :1])], -1)
    # of unit length: only so their middle turns as the camera does
    ahead = F.normalize((there * F.normalize(rays, dim=-1)).sum(-2), dim=-1)
    x, _, z = ahead.unbind(-1)
    right = F.normalize(torch.stack([z, torch.zeros_like(z), -x], -1), dim=-1)
    turn = torch.stack([right, torch.linalg.cross(ahead, right), ahead], -2)

    rays = rays @ turn.transpose(-1, -2)
    seen = rays[..., :2] / rays[..., 2:]
    seen = (seen - (there * seen).sum(-2, keepdim=True) / count[..., None]) * there
    size = (seen.square().sum((-1, -2)) / count[..., 0]).sqrt()
    seen = seen / size.clamp(min=1e-9)[..., None, None]
    return torch.cat([seen, there], -1), turn


class LiftingNetwork(nn.Module):
    """A multilayer perceptron with two shortcuts (Martinez et al., 2017).

    Parameters
    ----------
    joints, root:
        How many, and which one is the origin of the answer.
    width, blocks:
        Units of each layer, and pairs of layers with a shortcut around them.
        The paper's are 1024 and 2.
    dropout:
        Share of the units that are silent in a training step; the paper's 0.5.
    inputs:
        Numbers for each joint: 3 with, 2 without whether it is known.
    weak_perspective:
        The network says one size, in metres, and x and y are the picture's times
        that size, as if all joints were equally far away, before it corrects
        them. Otherwise, as in the paper, it has to learn to pass x and y on.
    """

    frames = 1

    def __init__(
        self,
        joints: int = 16,
        root: int = 6,
        width: int = 1024,
        blocks: int = 2,
        dropout: float = 0.5,
        inputs: int = 3,
        weak_perspective: bool = False,
    ):
        super().__init__()
        self.joints, self.root, self.inputs = joints, root, inputs
        self.options = {
            "width": width,
            "blocks": blocks,
            "dropout": dropout,
            "inputs": inputs,
            "weak_perspective": weak_perspective,
        }
        self.first = self._layer(inputs * joints, width, dropout)
        self.blocks = nn.ModuleList(
            nn.Sequential(*(self._layer(width, width, dropout) for _ in range(2)))
            for _ in range(blocks)
        )
        self.last = nn.Linear(width, 3 * joints)
        nn.init.normal_(self.last.weight, std=0.001)  # begins small, not wild
        self.size = nn.Linear(width, 1) if weak_perspective else None
        if self.size is not None:
            nn.init.zeros_(self.size.weight)
            nn.init.constant_(self.size.bias, 0.5)  # metres: a usual body's

    @staticmethod
    def _layer(before, after, dropout):
        return nn.Sequential(
            nn.Linear(before, after),
            nn.BatchNorm1d(after),
            nn.ReLU(),
            nn.Dropout(dropout),
        )

    def forward(self, inputs):
        """``(N, K, 3)`` of `lifter_inputs` to ``(N, K, 3)`` metres."""
        x = self.first(inputs[..., : self.inputs].flatten(1))
        for block in self.blocks:
            x = x + block(x)
        points = self.last(x).unflatten(-1, (self.joints, 3))
        if self.size is not None:
            points = points + F.pad(self.size(x)[:, None] * inputs[..., :2], (0, 1))
        return points - points[:, self.root : self.root + 1]


class TemporalLifter(nn.Module):
    """Convolutions over time, each with wider gaps than the one before.

    Three frames make one, and three of those make one, and so on
    (VideoPose3D; Pavllo et al., 2019): with three levels, 27 frames tell the
    pose of the one in their middle.

    Parameters
    ----------
    levels:
        How many; ``3 ** levels`` frames are seen.
    single:
        Options of a `LiftingNetwork` that lifts each frame for itself. The
        convolutions see its answers beside the positions, and correct the one
        in their middle: before they have learned anything, they are as good as
        it is. None, as in the paper: the convolutions have to do all of it.
    """

    def __init__(
        self,
        joints: int = 16,
        root: int = 6,
        width: int = 256,
        levels: int = 3,
        dropout: float = 0.1,
        single: dict | None = None,
    ):
        super().__init__()
        self.joints, self.root, self.frames = joints, root, 3**levels
        self.options = {
            "width": width,
            "levels": levels,
            "dropout": dropout,
            "single": single,
        }
        self.single = None
        if single is not None:
            self.single = LiftingNetwork(joints, root, **single)

        def layer(before, kernel, gap=1):
            return nn.Sequential(
                nn.Conv1d(before, width, kernel, dilation=gap, bias=False),
                nn.BatchNorm1d(width),
                nn.ReLU(),
                nn.Dropout(dropout),
            )

        self.first = layer((3 if single is None else 6) * joints, 3)
        self.levels = nn.ModuleList(
            nn.Sequential(layer(width, 3, 3**n), layer(width, 1))
            for n in range(1, levels)
        )
        self.last = nn.Conv1d(width, 3 * joints, 1)
        nn.init.normal_(self.last.weight, std=0.001)

    def forward(self, inputs):
        """``(N, T, K, 3)`` to ``(N, T - frames + 1, K, 3)`` metres: those whose
        past and future are there."""
        shown, alone = inputs, None
        if self.single is not None:
            alone = self.single(inputs.flatten(0, 1)).unflatten(0, inputs.shape[:2])
            shown = torch.cat([inputs, alone], -1)
        x = self.first(shown.flatten(2).transpose(1, 2))
        for level in self.levels:
            after = level(x)
            cut = (x.shape[-1] - after.shape[-1]) // 2
            x = after + x[..., cut : x.shape[-1] - cut]
        points = self.last(x).transpose(1, 2).unflatten(-1, (self.joints, 3))
        if alone is not None:
            beside = (self.frames - 1) // 2
            points = points + alone[:, beside : alone.shape[1] - beside]
        return points - points[..., self.root : self.root + 1, :]


_NETWORKS = {"single": LiftingNetwork, "temporal": TemporalLifter}


class Lifter:
    """A trained lifting network: pixels to metres.

    Parameters
    ----------
    network:
        A `LiftingNetwork` or a `TemporalLifter`.
    skeleton:
        Of the poses; its root, where all is measured from, is the network's.

    Examples
    --------
    >>> lifter = Lifter.load("single")                      # doctest: +SKIP
    >>> camera = PinholeCamera.guess(640, 480)              # doctest: +SKIP
    >>> lifter(pose.keypoints[None], camera).shape          # doctest: +SKIP
    (1, 16, 3)
    """

    def __init__(self, network, skeleton: Skeleton = MPII):
        if network.joints != len(skeleton):
            raise ValueError(
                f"a network of {network.joints} joints is not for the {len(skeleton)} "
                f"of {skeleton.name}"
            )
        self.network, self.skeleton = network.eval(), skeleton
        self.metadata: dict = {}

    @property
    def frames(self) -> int:
        """How many frames in a row the network looks at."""
        return self.network.frames

    @torch.no_grad()
    def __call__(self, keypoints, camera: PinholeCamera, known=None) -> np.ndarray:
        """Joints in space, of people in a picture or of one in a video.

        Parameters
        ----------
        keypoints:
            ``(N, K, 2)`` pixels; NaN where unknown. For a temporal lifter the N
            frames of one person, in order and equally far apart in time; before
            the first and after the last they are taken to stand still.
        camera:
            That took the picture, or a guess (`PinholeCamera.guess`).
        known:
            ``(N, K)`` bool: joints to make use of. Default: all that are finite.

        Returns
        -------
        ``(N, K, 3)`` metres from the root joint, along the camera's axes: x
        right, y down, z away from the camera. Joints that were not known are
        guessed from the others.

        Raises
        ------
        ValueError
            For another skeleton's number of joints, or a pose of which fewer
            than 3 joints are known.
        """
        keypoints = as_array(keypoints)
        if keypoints.ndim != 3 or keypoints.shape[1:] != (len(self.skeleton), 2):
            raise ValueError(
                f"keypoints must be (N, {len(self.skeleton)}, 2), the joints of "
                f"{self.skeleton.name}, got {keypoints.shape}"
            )
        flat = camera.normalize(keypoints)
        finite = np.isfinite(flat).all(-1)
        known = finite if known is None else finite & (as_array(known) > 0)
        few = known.sum(1) < _FEWEST
        if few.any():
            raise ValueError(
                f"pose {int(np.argmax(few))} has {known.sum(1)[few][0]} known joints; "
                f"lifting needs {_FEWEST}"
            )
        if not len(keypoints):
            return np.zeros((0, len(self.skeleton), 3))
        inputs, turn = lifter_inputs(
            torch.from_numpy(flat).float(), torch.from_numpy(known)
        )
        points = self._run(inputs) @ turn  # back to the camera's axes
        return points.double().numpy()

    def _run(self, inputs):
        if self.frames == 1:
            return self.network(inputs)
        beside = (self.frames - 1) // 2
        first, last = inputs[:1], inputs[-1:]
        row = torch.cat([first.repeat(beside, 1, 1), inputs, last.repeat(beside, 1, 1)])
        return self.network(row[None])[0]

    def save(self, path, **metadata) -> Path:
        """Write the weights in 16 bits, and how to build the network."""
        from safetensors.torch import save

        kind = next(k for k, c in _NETWORKS.items() if type(self.network) is c)
        about = {
            "model": f"lifter-{kind}",
            "options": self.network.options,
            "skeleton": self.skeleton.name,
            "root": self.skeleton.joints[self.network.root],
            **metadata,
        }
        tensors = {
            key: value.detach().half().contiguous()
            if value.is_floating_point()
            else value.detach().clone()
            for key, value in self.network.state_dict().items()
        }
        text = {k: v if isinstance(v, str) else json.dumps(v) for k, v in about.items()}
        content = save(tensors, text)
        with atomic_path(path) as temporary:
            temporary.write_bytes(content)
        return Path(path)

    @classmethod
    def load(cls, source="single") -> Lifter:
        """A lifter that comes with the course, or that `save` has written.

        Parameters
        ----------
        source:
            ``"single"`` or ``"temporal"``, or the path of a file.

        Raises
        ------
        FileNotFoundError, WeightsError
            If there is none, or the file holds something else.
        """
        if isinstance(source, str) and source in _NETWORKS:
            source = (
                course_folder()
                / "data"
                / "weights"
                / "lifter"
                / f"{source}.safetensors"
            )
        tensors, about = read_state_dict(source)
        kind = about.get("model", "").removeprefix("lifter-")
        if kind not in _NETWORKS:
            raise WeightsError(
                f"{source} holds no lifter; posecourse.models.load_model reads "
                "networks that look at pictures"
            )
        try:
            skeleton = get_skeleton(about["skeleton"])
            network = _NETWORKS[kind](
                len(skeleton),
                skeleton.index(about["root"]),
                **json.loads(about["options"]),
            )
        except (KeyError, ValueError, TypeError, RuntimeError) as error:
            raise WeightsError(
                f"{source}: the lifter that the file describes cannot be built: {error}"
            ) from None
        fill(network, tensors, source)
        lifter = cls(network, skeleton)
        lifter.metadata = about
        return lifter
