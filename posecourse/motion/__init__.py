"""What poses are good for when time goes on.

- `smoothing`: filters that calm a signal, and what they cost in lag;
- `angles`: angles at joints, how sure they are, how fast joints move;
- `events`: a hand is raised, a squat is done;
- `actions`: what somebody does, told from a sequence of poses;
- `overlay`: pictures that are worn, such as a hat;
- `tracks`: one person through the pictures of a film, calmed.

>>> from posecourse.motion import OneEuroFilter, ExerciseCounter
"""

# what is quick to import; `actions` and `tracks` need torch, `overlay` OpenCV
from .angles import ScoreToStd, body_angles, joint_angle, velocities
from .events import ExerciseCounter, HandRaised, Hysteresis, RepetitionCounter
from .smoothing import KalmanFilter, MovingAverage, OneEuroFilter, smooth

__all__ = [
    "ExerciseCounter",
    "HandRaised",
    "Hysteresis",
    "KalmanFilter",
    "MovingAverage",
    "OneEuroFilter",
    "RepetitionCounter",
    "ScoreToStd",
    "body_angles",
    "joint_angle",
    "smooth",
    "velocities",
]
