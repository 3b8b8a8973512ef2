"""``posecourse score``: published predictions against the truth."""

from __future__ import annotations

import sys
import textwrap

from . import existing, existing_file, make_parser, print_json

_NOTE_011 = (
    '@0.11 is what SimpleBaseline, HRNet and DARK print as "Mean@0.1": '
    "their code reads the curve one step too far. Compare it with theirs, "
    "and @0.1 with everybody else's."
)


def main(argv) -> int:
    """Run the command; returns the exit status."""
    parser = make_parser(
        "score",
        "Score a file of predictions, person by person in the order of the "
        "truth: PCKh with every convention named, beside answers that need "
        "no network, with an interval and the kinds of errors. COCO results "
        "(.json) are scored by average precision.",
        "posecourse score newell.h5 --truth annot/gt_valid.mat",
    )
    parser.add_argument(
        "file", type=existing_file, help="predictions: .mat, .h5, .npz, .npy or .json"
    )
    parser.add_argument(
        "--truth",
        "--data",
        type=existing,
        metavar="PATH",
        help="gt_valid.mat, an annotation file, or a "
        "dataset's folder (default: gt_valid.mat in "
        "the folders around the predictions)",
    )
    parser.add_argument(
        "--split", default="valid", help="of the dataset (default: %(default)s)"
    )
    base = parser.add_mutually_exclusive_group()
    base.add_argument(
        "--one-based",
        dest="one_based",
        default=None,
        action="store_true",
        help="the predictions' first pixel is 1 (default for .mat and .h5)",
    )
    base.add_argument(
        "--zero-based",
        dest="one_based",
        default=None,
        action="store_false",
        help="the predictions' first pixel is 0 (default for .npz, .npy and .json)",
    )
    parser.add_argument(
        "--json", action="store_true", help="print JSON instead of tables"
    )
    args = parser.parse_args(argv)

    from ..evaluation.published import is_coco_results

    if is_coco_results(args.file):
        return _average_precision(args)
    return _pckh(args)


def _pckh(args) -> int:
    import numpy as np

    from .. import metrics
    from ..evaluation import published

    one_based = (
        published.is_one_based(args.file) if args.one_based is None else args.one_based
    )
    predicted = published.read_predictions(args.file, one_based)
    truth_path = args.truth
    if truth_path is None or (truth_path.is_dir() and published.has_truth(truth_path)):
        truth_path = published.find_truth(args.file, args.truth)
    truth = published.read_truth(truth_path, args.split)
    order = published.check_order(predicted, truth)

    visible, size = truth.visible, truth.head_size
    hit, options = 0.5, {"thresholds": (0.5, 0.2, 0.1, 0.11)}
    if not np.isfinite(size).any():  # no head boxes: by the torso
        size = metrics.torso_size(truth.keypoints, visible, truth.skeleton)
        hit, options = 0.2, {"thresholds": (0.2, 0.1, 0.05), "metric": "PCK (torso)"}
    visible = np.where(np.isfinite(size)[:, None], visible, 0)
    table = metrics.pckh_table(
        predicted,
        truth.keypoints,
        visible,
        size,
        truth.skeleton,
        baselines=_baselines(truth, visible),
        **options,
    )
    anatomy = metrics.error_breakdown(
        predicted, truth.keypoints, visible, size * hit / 0.5, truth.skeleton
    )
    if args.json:
        print_json(
            {
                "file": str(args.file),
                "truth": str(truth_path),
                "one_based": one_based,
                "misplaced": order.misplaced,
                "table": table.to_dict(),
                "anatomy": anatomy.shares,
                "anatomy_of_misses": anatomy.of_misses,
            }
        )
        return 0
    print(
        f"{args.file} against {truth_path}\n"
        f"predictions read with the first pixel as {int(one_based)}; "
        "order checked\n"
    )
    if order.misplaced:
        print(
            f"posecourse: {order.misplaced:.2%} of the poses lie nowhere "
            f"near their person, the first is number {order.first}; is "
            "the order right?",
            file=sys.stderr,
        )
    print(table)
    if len(table.rows) > len(options["thresholds"]):
        _note(
            "mean pose: the mean of these very people in the standard "
            "crop, a little better than a mean of training people would "
            "do. center pose: every joint in the middle of that crop."
        )
    else:
        _note(
            "No trivial answers beside: the truth does not say where the "
            "people are. A valid.json in its folder does."
        )
    if "metric" not in options:
        _note(_NOTE_011)
    print(f"\nKinds of errors (joints that have a left and a right)\n{anatomy}")
    return 0


def _note(text: str):
    print(textwrap.fill(text, 78))


def _baselines(truth, visible) -> dict:
    """What answers without looking at the picture get."""
    import numpy as np

    from .. import metrics
    from ..geometry import Crop, affine_points

    if not np.isfinite(truth.center).all():
        return {}
    crops = [
        Crop.from_mpii(center, scale, 256)
        for center, scale in zip(truth.center, truth.scale)
    ]
    inside = affine_points(truth.keypoints, np.stack([c.matrix for c in crops]))
    back = np.stack([c.inverse for c in crops])
    answers = {
        "mean pose": metrics.mean_pose(inside, visible),
        "center pose": metrics.center_pose(truth.skeleton, 256),
    }
    return {
        name: affine_points(np.broadcast_to(pose, inside.shape), back)
        for name, pose in answers.items()
    }


def _average_precision(args) -> int:
    import json

    from .. import metrics
    from ..evaluation.published import PredictionsError
    from ..skeletons import COCO

    if args.truth is None or not args.truth.is_file():
        raise PredictionsError(
            f"{args.file} holds COCO results; name the annotation file they "
            "belong to with --truth person_keypoints_val2017.json"
        )
    truth = json.loads(args.truth.read_text("utf-8"))
    if not isinstance(truth, dict) or "annotations" not in truth:
        raise PredictionsError(f"{args.truth} is not a COCO annotation file")
    results = json.loads(args.file.read_text("utf-8"))
    scores = metrics.keypoint_ap(truth, results, COCO.sigmas)
    if args.json:
        print_json(
            {
                "file": str(args.file),
                "truth": str(args.truth),
                "average_precision": scores,
            }
        )
        return 0
    print(f"{args.file} against {args.truth}: {len(results):,} poses")
    print("  ".join(f"{name:>5}" for name in scores))
    print("  ".join(f"{100 * value:5.1f}" for value in scores.values()))
    return 0
