"""From a network, or from published predictions, to a table beside its baselines."""

from .scoring import (
    Evaluation,
    evaluate,
    mean_pose_of,
    pck_normalizer,
    predict_crops,
    prediction_std,
    score,
    validation_metrics,
)

__all__ = [
    "Evaluation",
    "evaluate",
    "mean_pose_of",
    "pck_normalizer",
    "predict_crops",
    "prediction_std",
    "score",
    "validation_metrics",
]
