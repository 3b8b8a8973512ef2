"""People drawn on demand, the course's built-in data.

`SyntheticPeople` is the dataset. Behind it: `body` (proportions, clothes,
poses) and `motions`, `solids` (the renderer), `figure` (from a body to
solids, colours and parts), `scenery` (what is around people), `staging`
(people before the camera, difficulty, visibility).
"""

from .dataset import Rendering, Scene, SyntheticPeople
from .figure import JOINT_PARTS, PARTS
from .motions import MOTIONS
from .staging import DIFFICULTIES, Difficulty

__all__ = [
    "DIFFICULTIES",
    "JOINT_PARTS",
    "MOTIONS",
    "PARTS",
    "Difficulty",
    "Rendering",
    "Scene",
    "SyntheticPeople",
]
