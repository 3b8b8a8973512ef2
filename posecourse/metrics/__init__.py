"""How good predicted keypoints are (the document's section 3.2, step 6).

Numbers of this module are honest only with their convention, so each is
named. What all functions share:

- predictions and truth are ``(N, K, 2)`` pixels *of one frame* (picture or
  crop, both 0-based); numpy arrays or tensors on any device;
- only labelled joints (visibility above 0) count;
- "within" includes the threshold (``<=``), as in MPII's own evaluation;
- a prediction that is not finite counts as a miss, with a warning;
- truth that is not finite where it is labelled, a size that is not
  positive, lengths that differ, and nothing to score are errors.

A metric means little without what a trivial answer gets: `center_pose`,
`mean_pose` and `median_pose` are such answers, and `pckh_table` prints them
as further rows. It means little without its noise either: see
`bootstrap_interval`.
"""

from .baselines import center_pose, mean_pose, median_pose
from .errors import ErrorBreakdown, error_breakdown
from .intervals import Interval, bootstrap_interval, paired_interval
from .mpjpe import mpjpe, pa_mpjpe
from .oks import keypoint_ap, oks
from .pck import (
    JointRates,
    auc,
    box_size,
    normalized_distances,
    pck,
    pck_hits,
    pckh,
    torso_size,
)
from .reliability import Reliability, reliability
from .tables import PckhRow, PckhTable, pckh_table

__all__ = [
    "ErrorBreakdown",
    "Interval",
    "JointRates",
    "PckhRow",
    "PckhTable",
    "Reliability",
    "auc",
    "bootstrap_interval",
    "box_size",
    "center_pose",
    "pck_hits",
    "error_breakdown",
    "keypoint_ap",
    "mean_pose",
    "median_pose",
    "mpjpe",
    "normalized_distances",
    "oks",
    "pa_mpjpe",
    "paired_interval",
    "pck",
    "pckh",
    "pckh_table",
    "reliability",
    "torso_size",
]
