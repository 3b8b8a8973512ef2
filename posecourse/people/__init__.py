"""Several people in one picture.

Top-down: `detector` finds everybody's box, `nms` drops doubles, and a network
of one person looks at each (`PosePipeline`). Bottom-up: `grouping` finds all
joints of all people first and then sorts them into people (`BottomUp`).
`tracking` says who is who from picture to picture, `pictures` and `tasks` are
what both kinds of networks are trained with, `evaluation` scores them.
`published` has torchvision's detectors.
"""

from .boxes import box_ap, pairwise_iou
from .detector import CenterDetector, build_detector
from .evaluation import PeopleEvaluation, evaluate_people
from .grouping import BottomUp, build_bottom_up, group_joints
from .nms import box_nms, oks_nms, soft_nms
from .pipeline import PosePipeline
from .tracking import Tracker

__all__ = [
    "BottomUp",
    "CenterDetector",
    "PeopleEvaluation",
    "PosePipeline",
    "Tracker",
    "box_ap",
    "box_nms",
    "build_bottom_up",
    "build_detector",
    "evaluate_people",
    "group_joints",
    "oks_nms",
    "pairwise_iou",
    "soft_nms",
]
