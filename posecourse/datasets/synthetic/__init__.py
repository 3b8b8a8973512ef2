"""People drawn on demand, the course's built-in data.

`SyntheticPeople` has one person in each picture, `SyntheticScenes` several,
`SyntheticMotion` is somebody who moves, `SyntheticCrossing` people who walk
past one another. Behind them, from the first to the last step:

- `body` (proportions, clothes), `pose` (angles), `articulation` (points in
  space); `rotations`;
- `limbs`, `choreography`, `styles`, `performance`: how people move; `crowd`:
  where several stand; `motions`: older, simpler motions;
- `editions`: how they look, one of two: `figure` (solids, colours, parts),
  `solids` and `render` (pixels), `scenery`; or `illustrated`, better to look
  at, faster from 256 pixels on, and recommended for new work;
- `staging` (people before the camera, difficulty, visibility), `camera`,
  `labels`; `arguments` (what the four are told).
"""

from .camera import Camera
from .crossing import SyntheticCrossing
from .dataset import Rendering, SyntheticPeople
from .editions import EDITIONS
from .figure import JOINT_PARTS, PARTS
from .motions import MOTIONS
from .scenes import Scene, SyntheticScenes
from .sequence import SyntheticMotion
from .staging import DIFFICULTIES, Difficulty
from .styles import STYLES

__all__ = [
    "DIFFICULTIES",
    "EDITIONS",
    "JOINT_PARTS",
    "MOTIONS",
    "PARTS",
    "STYLES",
    "Camera",
    "Difficulty",
    "Rendering",
    "Scene",
    "SyntheticCrossing",
    "SyntheticMotion",
    "SyntheticPeople",
    "SyntheticScenes",
]
