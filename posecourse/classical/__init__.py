"""Pose before deep learning: HOG, linear SVMs, pictorial structures.

`hog` makes features of a picture, `svm` and `parts` detectors of joints,
`distance` and `pictorial` find the best pose that springs allow, and
`PictorialModel` is all of it, learned from labelled people.
"""

from .distance import distance_transform
from .hog import hog
from .model import PictorialModel
from .pictorial import Springs, best_pose

__all__ = ["PictorialModel", "Springs", "best_pose", "distance_transform", "hog"]
