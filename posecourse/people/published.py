"""torchvision's detectors, for those who can download their weights."""

from __future__ import annotations

from urllib.error import URLError

import numpy as np
import torch
from torchvision.models import detection, get_model, list_models

from ..device import choose_device
from ..drawing import picture_array

__all__ = ["TorchvisionDetector"]

_PERSON = 1  # in COCO's list of things


class TorchvisionDetector:
    """A detector of torchvision in the place of `CenterDetector`.

    Parameters
    ----------
    name:
        Such as ``"fasterrcnn_mobilenet_v3_large_fpn"`` or
        ``"fasterrcnn_resnet50_fpn_v2"``.
    weights:
        ``"DEFAULT"`` downloads those learned on COCO (75 MB and more, once);
        None leaves the network as it is born.
    threshold:
        The least score of a person.

    Raises
    ------
    ValueError
        If there is no such detector, or its weights cannot be fetched.
    """

    def __init__(
        self,
        name: str = "fasterrcnn_mobilenet_v3_large_fpn",
        weights: str | None = "DEFAULT",
        threshold: float = 0.5,
        device=None,
    ):
        known = list_models(module=detection)
        if name not in known:
            raise ValueError(
                f"torchvision has no detector {name!r}; it has {', '.join(known)}"
            )
        try:
            network = get_model(name, weights=weights, weights_backbone=None)
        except URLError as error:
            raise ValueError(
                f"the weights of {name} cannot be fetched ({error.reason}); the "
                "course's own detector needs no network: CenterDetector.load()"
            ) from None
        self.device, self.threshold = choose_device(device), threshold
        self.network = network.to(self.device).eval()

    @torch.inference_mode()
    def __call__(self, image):
        """Boxes ``(D, 4)`` (x, y, width, height), pixels, and scores ``(D,)``.

        `image` is RGB uint8 ``(H, W, 3)``.
        """
        picture = torch.from_numpy(picture_array(image)).permute(2, 0, 1)
        (found,) = self.network([picture.to(self.device) / 255])
        kept = (found["labels"] == _PERSON) & (found["scores"] > self.threshold)
        ends = found["boxes"][kept].double().cpu().numpy().reshape(-1, 4)
        boxes = np.concatenate([ends[:, :2], ends[:, 2:] - ends[:, :2]], axis=1)
        return boxes, found["scores"][kept].double().cpu().numpy()
