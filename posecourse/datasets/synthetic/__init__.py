"""People drawn on demand, the course's built-in data.

`SyntheticPeople` has one person in each picture, `SyntheticScenes` several,
and `SyntheticMotion` is somebody who moves. Behind them: `body` (proportions,
clothes, angles of a pose), `limbs` and `choreography` (how people move),
`crowd` (where several stand), `solids` (the renderer), `figure` (from a body
to solids, colours and parts), `scenery` (what is around people), `staging`
(people before the camera, difficulty, visibility), `camera` and `labels`.
"""

from .camera import Camera
from .choreography import STYLES
from .dataset import Rendering, SyntheticPeople
from .figure import JOINT_PARTS, PARTS
from .motions import MOTIONS
from .scenes import Scene, SyntheticScenes
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
    "SyntheticScenes",
]
