"""People whose pictures are drawn by Python when asked for."""

import time
from dataclasses import dataclass

import numpy as np

from posecourse import skeletons
from posecourse.datasets import Person


@dataclass
class Drawn:
    """A dataset without files; its pictures all have the same name."""

    count: int = 450
    name: str = "drawn"
    skeleton = skeletons.UPPER_BODY

    def __len__(self):
        return self.count

    def __getitem__(self, i):
        keypoints = np.full((5, 2), 8.0) + i % 7
        return Person(
            "drawn",
            keypoints,
            np.full(5, 2, np.uint8),
            (16, 14),
            0.128,
            head_size=3.2,
            area=400.0,
            id=str(i),
        )

    def read_image(self, person):
        return np.full((32, 32, 3), int(person.id) % 256, np.uint8)


class Slow(Drawn):
    """The same, drawn slowly."""

    def __getitem__(self, i):
        time.sleep(0.01)
        return super().__getitem__(i)
