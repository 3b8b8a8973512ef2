"""From two dimensions to three.

`camera` is a pinhole with a lens, `ambiguity` counts what one picture leaves
open, `triangulate` what two or more settle. `lifter` has the networks that
guess depth from a flat pose, `motions`, `mixing` and `views` what they learn
from, `task` how. `direct` goes from the picture to three dimensions at once.
"""

from .ambiguity import depths_along_ray
from .camera import PinholeCamera
from .direct import DirectRegressor, trunk_features
from .lifter import Lifter, LiftingNetwork, TemporalLifter, lifter_inputs
from .mixing import mix_limbs
from .motions import HELD_OUT, LEARNED, motion_clips, random_poses
from .task import LiftingTask, joint_distances
from .triangulate import reprojection_errors, triangulate
from .views import Disturbance, Views, random_views

__all__ = [
    "HELD_OUT",
    "LEARNED",
    "DirectRegressor",
    "Disturbance",
    "Lifter",
    "LiftingNetwork",
    "LiftingTask",
    "PinholeCamera",
    "TemporalLifter",
    "Views",
    "depths_along_ray",
    "joint_distances",
    "lifter_inputs",
    "mix_limbs",
    "motion_clips",
    "random_poses",
    "random_views",
    "reprojection_errors",
    "triangulate",
    "trunk_features",
]
