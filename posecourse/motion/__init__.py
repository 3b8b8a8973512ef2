"""What poses are good for when time goes on.

- `smoothing`: filters that calm a signal, and what they cost in lag;
- `angles`: angles at joints, how sure they are, how fast joints move;
- `events`: a hand is raised, a squat is done;
- `actions`: what somebody does, told from a sequence of poses;
- `overlay`: pictures that are worn, such as a hat;
- `tracks`: one person through the pictures of a film, calmed.

>>> from posecourse.motion import OneEuroFilter, ExerciseCounter
"""

from .actions import ActionNetwork, ActionRecognizer, ActionTask, NearestNeighbor
from .angles import ScoreToStd, body_angles, joint_angle, velocities
from .events import ExerciseCounter, HandRaised, Hysteresis, RepetitionCounter
from .overlay import Sticker, fit_affine, fit_similarity
from .smoothing import KalmanFilter, MovingAverage, OneEuroFilter, smooth
from .tracks import PoseSmoother, SinglePersonTracker

__all__ = [
    "ActionNetwork",
    "ActionRecognizer",
    "ActionTask",
    "ExerciseCounter",
    "HandRaised",
    "Hysteresis",
    "KalmanFilter",
    "MovingAverage",
    "NearestNeighbor",
    "OneEuroFilter",
    "PoseSmoother",
    "RepetitionCounter",
    "ScoreToStd",
    "SinglePersonTracker",
    "Sticker",
    "body_angles",
    "fit_affine",
    "fit_similarity",
    "joint_angle",
    "smooth",
    "velocities",
]
