"""Small stores of people that a small network learns in seconds."""

import numpy as np

from posecourse.datasets.crops import CropDataset
from posecourse.skeletons import MPII


def dot_people(count=48, side=40, margin=1.25, seed=0, skeleton=MPII, heads=True):
    """Each joint a disc of its own colour, around a common place."""
    rng = np.random.default_rng(seed)
    k = len(skeleton)
    tones = np.random.default_rng(99).integers(60, 256, (k, 3))
    pose = np.random.default_rng(98).uniform(0.3, 0.7, (k, 2))
    keypoints = side * (
        pose
        + rng.uniform(-0.15, 0.15, (count, 1, 2))
        + rng.uniform(-0.05, 0.05, (count, k, 2))
    )
    y, x = np.mgrid[:side, :side]
    crops = rng.integers(0, 40, (count, side, side, 3), dtype=np.uint8)
    for crop, person in zip(crops, keypoints):
        for (px, py), tone in zip(person, tones):
            crop[(x - px) ** 2 + (y - py) ** 2 < 5] = tone
    visible = np.full((count, k), 2, np.uint8)
    visible[rng.random((count, k)) < 0.1] = 0
    keypoints[visible == 0] = np.nan
    nan = np.full(count, np.nan, np.float32)
    to_image = np.tile([[2.0, 0, 10], [0, 2, 5]], (count, 1, 1))
    head = 0.1 * side / margin
    return CropDataset(
        crops=crops,
        keypoints=keypoints.astype(np.float32),
        visible=visible,
        head_size=nan + head if not heads else np.full(count, head, np.float32),
        area=nan,
        to_image=to_image,
        center=np.zeros((count, 2)),
        scale=np.ones(count),
        images=np.array([f"{i}.png" for i in range(count)]),
        ids=np.array([f"dots/{i}" for i in range(count)]),
        skeleton=skeleton,
        size=side,
        margin=margin,
        source={"dataset": "dots"},
    )
