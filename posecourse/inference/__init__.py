"""Pictures, folders and videos through a network, to poses."""

from .pose import Pose
from .predictor import Predictor
from .video import Video, VideoError

__all__ = ["Pose", "Predictor", "Video", "VideoError"]
