"""How good predicted keypoints are (the document's section 3.2, step 6).

Numbers of this module are honest only with their convention, so each is
named. What all functions share:

- predictions and truth are ``(N, K, 2)`` pixels *of one frame* (picture or
  crop, both 0-based); arrays or tensors, of any type of number, on any
  device;
- only labelled joints (visibility above 0) count;
- "within" includes the threshold (``<=``), as in MPII's own evaluation;
- a prediction that is not finite counts as a miss, with a warning;
- truth that is not finite where it is labelled, a size that is not
  positive, lengths that differ, and nothing to score are errors;
- **functions return fractions**, between 0 and 1; **tables and reports, what
  they print and the files they write are in percent**, and say so.

A metric means little without what a constant prediction gets: `center_pose`,
`mean_pose` and `median_pose` are such predictions, and `pckh_table` prints them
as further rows. It means little without its noise either: see `bootstrap_interval`.
`report` puts all of it together for arrays of predictions.
"""

from .average_precision import (
    constant_detections,
    keypoint_ap,
    keypoint_ap_intervals,
)
from .baselines import center_pose, constant_predictions, mean_pose, median_pose
from .errors import ErrorBreakdown, error_breakdown
from .intervals import Interval, bootstrap_interval, joint_intervals, paired_interval
from .mpjpe import mpjpe, n_mpjpe, pa_mpjpe, pck3d
from .normalizers import (
    PckNormalizer,
    box_size,
    keypoint_boxes,
    pck_normalizer,
    pck_normalizers,
    torso_size,
)
from .oks import oks, paired_oks
from .pck import (
    JointRates,
    auc,
    normalized_distances,
    pck,
    pck_hits,
    pck_over_thresholds,
    pckh,
    pckh_columns,
)
from .reliability import Reliability, reliability
from .report import Report, ReportRow, report
from .scenes import named_sigmas
from .tables import PckhRow, PckhTable, pckh_table

__all__ = [
    "ErrorBreakdown",
    "Interval",
    "JointRates",
    "PckNormalizer",
    "PckhRow",
    "PckhTable",
    "Reliability",
    "Report",
    "ReportRow",
    "auc",
    "bootstrap_interval",
    "box_size",
    "center_pose",
    "constant_detections",
    "constant_predictions",
    "error_breakdown",
    "joint_intervals",
    "keypoint_ap",
    "keypoint_ap_intervals",
    "keypoint_boxes",
    "mean_pose",
    "median_pose",
    "mpjpe",
    "n_mpjpe",
    "named_sigmas",
    "normalized_distances",
    "oks",
    "pa_mpjpe",
    "paired_interval",
    "paired_oks",
    "pck",
    "pck3d",
    "pck_hits",
    "pck_normalizer",
    "pck_normalizers",
    "pck_over_thresholds",
    "pckh",
    "pckh_columns",
    "pckh_table",
    "reliability",
    "report",
    "torso_size",
]
