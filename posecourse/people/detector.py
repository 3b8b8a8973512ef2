"""A person detector: everybody is a point, the middle of their box.

`CenterDetector` after Zhou, Wang and Kraehenbuehl (2019), *Objects as
Points*: one heatmap that is 1 at the middle of every person, and four maps
that say there how far the middle is from the cell and how large the box is.
So a detector is a heatmap network with five maps, and any of this course's
can be one (`build_detector`).
"""

from __future__ import annotations

import math
from pathlib import Path

import cv2
import numpy as np
import torch
import torch.nn.functional as F

from .. import models
from ..device import choose_device
from ..drawing import picture_array
from ..images import read_image
from ..models.base import last_stage
from ..models.pretrained import find_weights, pretrained
from ..skeletons import Skeleton
from ..transforms import normalise
from .nms import box_nms

__all__ = [
    "CenterDetector",
    "build_detector",
    "center_sigma",
    "center_targets",
    "decode_centers",
    "focal_loss",
]

# What the five maps are. Sizes are logarithms: an error of a tenth of the size
# weighs the same for a small and for a large person.
MAPS = Skeleton("box", ("center", "offset_x", "offset_y", "log_width", "log_height"))
# What a fresh network says everywhere: people are rare, and some 8 x 15 cells.
_PRIOR, _SIDES = 0.01, (2.1, 2.7)
_SMALLEST = 0.6  # cells; a narrower bump has no neighbours to learn from


def build_detector(trunk: str = "efficientnet_lite0", input_size=(192, 160), **options):
    """A network whose five maps are a person's middle and box.

    Parameters
    ----------
    trunk:
        A heatmap network of `models.names()` with one stage: ``"laptop"`` is
        light, ``"efficientnet_lite0"`` can begin with what it learned from
        ImageNet's photographs (`models.start_from`).
    input_size:
        ``(width, height)`` of the pictures it is trained on, pixels. It then
        takes any size that the trunk can halve.
    """
    network = models.build(trunk, MAPS, input_size=input_size, **options)
    head = getattr(network, "head", None)
    if not isinstance(head, torch.nn.Conv2d) or head.bias is None:
        raise ValueError(
            f"{trunk} does not end in one convolution; a detector can be made of "
            "laptop, efficientnet_lite0 or efficientnet_lite2"
        )
    start = [math.log(_PRIOR / (1 - _PRIOR)), 0.0, 0.0, *_SIDES]
    with torch.no_grad():
        head.bias.copy_(torch.tensor(start))
    return network


def center_sigma(sides, overlap: float = 0.5):
    """How wide a person's bump is: where a box would still be good enough.

    A box of the right size that is off by d along a side s has an overlap of
    ``(s - d) / (s + d)``, so it keeps an intersection over union of t up to
    ``d = s (1 - t) / (1 + t)``. That far, the bump reaches: three sigma.
    (CornerNet's and CenterNet's code solve for a box that is off at both
    corners, with a slip in the quadratic formula; here nothing needs it.)

    Parameters
    ----------
    sides:
        Width or height, of any shape, in any unit.
    overlap:
        t, above 0 and below 1.
    """
    return sides * (1 - overlap) / (1 + overlap) / 3


def center_targets(boxes, size, stride: float):
    """What the five maps should be for the people of some pictures.

    Parameters
    ----------
    boxes:
        ``(N, P, 4)`` tensor (x, y, width, height), input pixels; NaN for
        nobody.
    size:
        ``(width, height)`` of the maps, cells.
    stride:
        Input pixels per cell.

    Returns
    -------
    heat, geometry, weights:
        ``(N, P, h, w)``: everybody's bump, 1 at the cell in which the middle
        lies; ``(N, P, 4, h, w)``: from each cell to the middle, in cells, and
        the logarithms of width and height in cells; ``(N, P, h, w)``: how
        much a cell counts for a person's box, 0 where another's bump is
        higher.
    """
    width, height = size
    there = torch.isfinite(boxes).all(-1)
    boxes = torch.where(there[..., None], boxes, 1.0) / stride
    middle = boxes[..., :2] + boxes[..., 2:] / 2 - 0.5  # the middle of cell i is i
    x = torch.arange(width, device=boxes.device, dtype=boxes.dtype)
    y = torch.arange(height, device=boxes.device, dtype=boxes.dtype)
    bound = boxes.new_tensor([width - 1, height - 1])
    cell = torch.minimum(middle.round().clamp(min=0), bound)
    sigma = center_sigma(boxes[..., 2:]).clamp(min=_SMALLEST)
    along = [
        torch.exp(-((grid - cell[..., i, None]) ** 2) / (2 * sigma[..., i, None] ** 2))
        for i, grid in enumerate((x, y))
    ]
    heat = along[1][..., :, None] * along[0][..., None, :] * there[..., None, None]
    shape = heat.shape
    to_middle = [
        (middle[..., 0, None] - x)[..., None, :].expand(shape),
        (middle[..., 1, None] - y)[..., :, None].expand(shape),
    ]
    sides = boxes[..., 2:].clamp(min=1e-3).log()
    geometry = torch.stack(
        to_middle + [sides[..., i, None, None].expand(shape) for i in (0, 1)], 2
    )
    mine = heat >= heat.amax(1, keepdim=True)
    return heat, geometry, torch.where(mine & (heat > 0.1), heat, 0)


def focal_loss(logits, heat, counted=None):
    """CornerNet's focal loss, cell by cell (Law and Deng 2018).

    ``-(1 - p)^2 log p`` where the target is 1, ``-(1 - y)^4 p^2 log(1 - p)``
    elsewhere: cells that are right already cost next to nothing, and cells
    near a middle are forgiven.

    Parameters
    ----------
    logits, heat:
        ``(N, h, w)``: before the sigmoid; and the target, 0...1.
    counted:
        ``(N, h, w)``, which cells count; None for all.

    Returns
    -------
    ``(N, h, w)``.
    """
    logits = logits.float()
    p = torch.sigmoid(logits)
    right = (1 - p) ** 2 * -F.logsigmoid(logits)
    wrong = (1 - heat) ** 4 * p**2 * -F.logsigmoid(-logits)
    loss = torch.where(heat == 1, right, wrong)
    return loss if counted is None else loss * counted


def decode_centers(maps, stride: float, count: int = 100, threshold: float = 0.05):
    """Boxes from the five maps.

    A cell is somebody's middle if no neighbour is higher; the box is read off
    the other maps in that cell.

    Parameters
    ----------
    maps:
        ``(N, 5, h, w)``.
    count, threshold:
        At most so many, the surest; none below the threshold.

    Returns
    -------
    For each picture ``(boxes, scores)``: ``(D, 4)`` input pixels and
    ``(D,)`` 0...1, the surest first, float64 arrays.
    """
    maps = maps.float()
    heat = torch.sigmoid(maps[:, 0])
    peak = F.max_pool2d(heat[:, None], 3, stride=1, padding=1)[:, 0] == heat
    flat = torch.where(peak, heat, 0).flatten(1)
    scores, cells = flat.topk(min(count, flat.shape[1]), 1)
    width = maps.shape[-1]
    here = torch.stack([cells % width, cells // width], -1).float()
    read = maps[:, 1:].flatten(2).gather(2, cells[:, None].expand(-1, 4, -1)).mT
    middle = here + read[..., :2] + 0.5
    sides = read[..., 2:].clamp(max=8).exp()  # no box of 3000 cells
    boxes = torch.cat([middle - sides / 2, sides], -1) * stride
    kept = scores > threshold
    return [
        (boxes[i, kept[i]].double().cpu().numpy(), scores[i, kept[i]].double().numpy())
        for i in range(len(maps))
    ]


def load_network(source):
    """A network that comes with the course, by name, or of a run's folder or file."""
    path = Path(source)
    found = path if path.exists() else pretrained(str(source))
    return models.load_model(find_weights(found))


def rgb_picture(image) -> np.ndarray:
    """``(H, W, 3)`` uint8 RGB, of an array or a path; ValueError for another."""
    if isinstance(image, (str, Path)):
        image = read_image(image)
    image = picture_array(image)
    if image.ndim != 3 or image.shape[2] != 3 or image.dtype != np.uint8:
        raise ValueError(
            f"a picture must be RGB uint8 (H, W, 3), got {image.dtype} {image.shape}"
        )
    return image


class CenterDetector:
    """A trained detector: a picture to the boxes of its people.

    Parameters
    ----------
    network:
        From `build_detector`, trained.
    long_side:
        The picture's longer side is brought to so many pixels. More finds
        smaller people, and takes longer.
    threshold:
        The least score of a person. Low: poses and their scores sort out what
        is nobody.
    overlap:
        Of two boxes that overlap more (intersection over union), the less
        sure one is dropped.

    Examples
    --------
    >>> detector = CenterDetector.load("detector")          # doctest: +SKIP
    >>> boxes, scores = detector("street.jpg")              # doctest: +SKIP
    """

    def __init__(
        self,
        network,
        long_side: int = 256,
        threshold: float = 0.25,
        overlap: float = 0.6,
        device=None,
    ):
        if getattr(network, "skeleton", None) != MAPS:
            raise ValueError(
                f"{getattr(network, 'name', type(network).__name__)} is no detector; "
                "make one with people.build_detector, or load weights of one"
            )
        self.device = choose_device(device)
        self.network = network.to(self.device).eval()
        self.long_side, self.threshold = int(long_side), float(threshold)
        self.overlap = overlap

    @classmethod
    def load(cls, source="detector", device=None, **options) -> CenterDetector:
        """A detector that comes with the course, or of a run's folder or file.

        Raises FileNotFoundError if there is none, WeightsError or ValueError
        if it cannot be used.
        """
        return cls(load_network(source), device=device, **options)

    def __call__(self, image):
        """Boxes ``(D, 4)`` (x, y, width, height), pixels, and scores ``(D,)``.

        Parameters
        ----------
        image:
            RGB uint8 ``(H, W, 3)``, or the path of a picture.
        """
        canvas, scale = fitted(rgb_picture(image), self.long_side)
        maps = self.maps(canvas)
        stride = canvas.shape[1] / maps.shape[-1]
        ((boxes, scores),) = decode_centers(maps, stride, threshold=self.threshold)
        boxes = inside(boxes / np.tile(scale, 2), image.shape[1::-1])
        kept = box_nms(boxes, scores, self.overlap)
        return boxes[kept], scores[kept]

    @torch.inference_mode()
    def maps(self, canvas) -> torch.Tensor:
        """The five maps ``(1, 5, h, w)`` of a picture of a fitting size."""
        tensor = torch.from_numpy(canvas).permute(2, 0, 1)[None].to(self.device)
        return last_stage(self.network(normalise(tensor))).cpu()


def fitted(image, long_side: int, multiple: int = 32):
    """A picture scaled to a longer side, and black until sides can be halved.

    Returns the canvas, and the factors ``(2,)`` along x and y.
    """
    height, width = image.shape[:2]
    factor = long_side / max(width, height)
    size = [max(1, round(side * factor)) for side in (width, height)]
    shrinks = cv2.INTER_AREA if factor < 1 else cv2.INTER_LINEAR
    small = cv2.resize(image, size, interpolation=shrinks)
    shape = [-(-side // multiple) * multiple for side in size[::-1]]
    canvas = np.zeros((*shape, 3), np.uint8)
    canvas[: size[1], : size[0]] = small
    return canvas, np.array(size) / (width, height)


def inside(boxes, size):
    """Boxes cut off at the border of a picture of ``(width, height)``."""
    low = np.clip(boxes[:, :2], 0, np.array(size) - 1)
    high = np.clip(boxes[:, :2] + boxes[:, 2:], low + 1, size)
    return np.concatenate([low, high - low], axis=1)
