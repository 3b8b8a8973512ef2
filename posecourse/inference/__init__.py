"""Pictures, folders and videos through a network, to poses.

>>> from posecourse.inference import Predictor, save_poses, poses_to_csv
>>> predictor = Predictor.load("photos")                # doctest: +SKIP
>>> found = list(predictor.predict_many(paths))         # doctest: +SKIP
>>> save_poses(found, "poses.json")                     # doctest: +SKIP
>>> poses_to_csv(found, "poses.csv")                    # doctest: +SKIP
"""

from .pose import ImagePoses, Pose
from .predictor import PredictionError, PredictionWarning, Predictor
from .results import CSV_COLUMNS, PoseFile, load_poses, poses_to_csv, save_poses
from .video import Video, VideoError, VideoWarning
from .video_writer import VideoWriter

__all__ = [
    "CSV_COLUMNS",
    "ImagePoses",
    "Pose",
    "PoseFile",
    "PredictionError",
    "PredictionWarning",
    "Predictor",
    "Video",
    "VideoError",
    "VideoWarning",
    "VideoWriter",
    "load_poses",
    "poses_to_csv",
    "save_poses",
]
