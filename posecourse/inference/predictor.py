"""A picture, a folder or a video through a network, to poses.

>>> from posecourse.inference import Predictor
>>> predictor = Predictor.from_run("runs/laptop")       # doctest: +SKIP
>>> poses = predictor("photo.jpg")                      # doctest: +SKIP
>>> poses[0].keypoints                                  # doctest: +SKIP

The networks look at one person at a time (top-down), so somebody has to
say where the persons are: give their boxes. Without boxes the whole
picture is taken to show one person, and ``refine=True`` looks a second
time, closer, at where the first look saw somebody. A box is better.
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import torch

from ..device import choose_device
from ..geometry import Crop
from ..images import read_image
from ..models.pretrained import find_weights, pretrained
from ..transforms import normalise
from .pose import Pose

__all__ = ["Predictor"]


# The networks are trained on windows that are 1.25 times the person's
# height (`Crop.from_mpii`). Joints span less than the person: the window
# is 1.47 times their longer side on MPII (median), 1.36 times on LSP.
_PADDING = 1.25


class Predictor:
    """A trained network that turns pictures into poses.

    Parameters
    ----------
    model:
        A network from `posecourse.models`.
    device:
        ``"cpu"``, ``"cuda"``, ...; default: a GPU if there is one.
    batch_size:
        Persons that go through the network at a time.
    """

    def __init__(self, model, device=None, batch_size: int = 32):
        self.device = choose_device(device)
        self.model = model.to(self.device).eval()
        self.skeleton = model.skeleton
        self.batch_size = batch_size
        mean_pose = json.loads(getattr(model, "metadata", {}).get("mean_pose", "null"))
        # without a label there was nothing to learn: the map is noise
        self._never_labelled = [
            i for i, point in enumerate(mean_pose or []) if None in point
        ]

    @classmethod
    def from_run(cls, path, device=None) -> Predictor:
        """From the folder that ``posecourse train`` wrote."""
        return cls.from_weights(find_weights(path), device)

    @classmethod
    def pretrained(cls, name: str = "laptop", device=None) -> Predictor:
        """A network that comes with the course (``data/weights``)."""
        return cls.from_run(pretrained(name), device)

    @classmethod
    def from_weights(cls, path, device=None) -> Predictor:
        """From a ``.safetensors`` file written by `posecourse`."""
        from ..models import load_model

        return cls(load_model(path), device)

    def __call__(
        self, image, boxes=None, flip_test: bool = False, refine: bool = False
    ) -> list[Pose]:
        """The poses of the persons in a picture.

        Parameters
        ----------
        image:
            RGB uint8 ``(H, W, 3)``, or the path of a picture.
        boxes:
            The persons, each ``(x, y, width, height)`` in pixels. They may
            reach out of the picture, where nothing is seen (black), but
            not lie outside. Default: one box, the whole picture.
        flip_test:
            Look at the mirrored picture too, and average. Twice the time,
            a little more accurate.
        refine:
            Look twice: the second time at the box around the joints that
            the first look found. Of the two, the pose with the higher
            score is kept. (Networks without scores keep the first.)

        Returns
        -------
        One `Pose` per box, in their order.
        """
        if isinstance(image, (str, Path)):
            image = read_image(image)
        image = np.asarray(image)
        if (
            image.ndim != 3
            or image.shape[2] != 3
            or not image.size
            or image.dtype != np.uint8
        ):
            raise ValueError(
                f"a picture must be RGB uint8 (H, W, 3), got "
                f"{image.dtype} {image.shape}"
            )
        padding = _PADDING
        if boxes is None:
            boxes = [(0, 0, image.shape[1], image.shape[0])]
            padding = 1.0
        boxes = _checked(boxes, image)
        poses = self._in_boxes(image, boxes, padding, flip_test)
        if refine:
            around = [pose.around() for pose in poses]
            closer = self._in_boxes(image, around, _PADDING, flip_test)
            # a poor first look leads the second astray: keep the surer
            poses = [
                max(pair, key=lambda pose: pose.score) for pair in zip(poses, closer)
            ]
        return poses

    def _in_boxes(self, image, boxes, padding, flip_test) -> list[Pose]:
        crops = [Crop.from_box(box, self.model.input_size, padding) for box in boxes]
        return [
            Pose(points, scores, tuple(map(float, box)), self.skeleton)
            for points, scores, box in zip(
                *self.in_crops(image, crops, flip_test), boxes
            )
        ]

    def in_crops(
        self, image: np.ndarray, crops, flip_test: bool = False
    ) -> tuple[np.ndarray, np.ndarray]:
        """Joints within windows of a picture.

        Parameters
        ----------
        image:
            RGB uint8 ``(H, W, 3)``.
        crops:
            N `Crop`\\ s, whose output has the network's input size.

        Returns
        -------
        keypoints, scores:
            ``(N, K, 2)``, pixels of the picture, and ``(N, K)``.
        """
        joints = len(self.skeleton)
        keypoints = np.empty((len(crops), joints, 2))
        scores = np.empty((len(crops), joints))
        for start in range(0, len(crops), self.batch_size):
            part = crops[start : start + self.batch_size]
            pictures = np.stack([crop.warp(image) for crop in part])
            points, sure = self._look(pictures, flip_test)
            for i, crop in enumerate(part):
                keypoints[start + i] = crop.invert(points[i])
            scores[start : start + len(part)] = sure
        keypoints[:, self._never_labelled] = np.nan
        scores[:, self._never_labelled] = 0
        return keypoints, scores

    @torch.inference_mode()
    def _look(self, pictures: np.ndarray, flip_test: bool):
        """Joints of ``(N, H, W, 3)`` uint8 inputs, in their pixels."""
        images = torch.from_numpy(pictures).permute(0, 3, 1, 2)
        images = normalise(images.to(self.device))
        keypoints, scores = self.model.predict(images, flip_test)
        return (keypoints.double().cpu().numpy(), scores.double().cpu().numpy())


def _checked(boxes, image) -> list:
    """Boxes that show something of the picture, or a clear error."""
    boxes = list(boxes)
    if boxes and np.isscalar(boxes[0]):
        raise ValueError(
            "boxes is a list of boxes, also for one person: "
            f"[({', '.join(f'{b}' for b in boxes)})]"
        )
    height, width = image.shape[:2]
    for box in boxes:
        if len(box) != 4:
            raise ValueError(
                f"box {tuple(box)} must have four numbers: x, y, width and height"
            )
        x, y, w, h = map(float, box)
        # NaN and sizes below zero are left to Crop.from_box
        if w > 0 and h > 0 and (x >= width or y >= height or x + w <= 0 or y + h <= 0):
            raise ValueError(
                f"box ({x:g}, {y:g}, {w:g}, {h:g}) lies outside the picture "
                f"of {width} x {height} pixels; a box is x, y of its top "
                "left corner, width, height"
            )
    return boxes
