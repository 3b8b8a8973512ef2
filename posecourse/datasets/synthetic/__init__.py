"""People drawn on demand, the course's built-in data.

`SyntheticPeople` is the dataset, `SyntheticMotion` somebody who moves. Behind
them: `body` (proportions, clothes, angles of a pose), `limbs` and
`choreography` (how people move), `solids` (the renderer), `figure` (from a
body to solids, colours and parts), `scenery` (what is around people),
`staging` (people before the camera, difficulty, visibility), `camera` and
`labels`.
"""

from .camera import Camera
from .choreography import STYLES
from .dataset import Rendering, Scene, SyntheticPeople
from .figure import JOINT_PARTS, PARTS
from .motions import MOTIONS
from .sequence import SyntheticMotion
from .staging import DIFFICULTIES, Difficulty

__all__ = [
    "DIFFICULTIES",
    "JOINT_PARTS",
    "MOTIONS",
    "PARTS",
    "STYLES",
    "Camera",
    "Difficulty",
    "Rendering",
    "Scene",
    "SyntheticMotion",
    "SyntheticPeople",
]
