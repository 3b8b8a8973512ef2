"""``posecourse score``: published predictions against the truth."""

from __future__ import annotations

import sys
import textwrap
import warnings
from contextlib import contextmanager

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
        "truth: PCKh with every convention named, joint by joint with intervals, "
        "beside what a constant prediction gets, and the kinds of errors. COCO "
        "results (.json) are scored by average precision.",
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
    with _warnings_said():
        report = published.score_predictions(predicted, truth)
    if args.json:
        print_json(
            {
                "file": str(args.file),
                "truth": str(truth_path),
                "one_based": one_based,
                "misplaced": order.misplaced,
                **report.to_dict(),
                "errors_of_misses": {
                    kind: 100 * share for kind, share in report.errors.of_misses.items()
                },
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
    print(report.table)
    _note(
        "mean pose: the mean of these very people in their windows, a little "
        "better than a mean of training people would do. center pose: every joint "
        "in the middle of the window. The window is "
        + (
            "the standard crop."
            if truth.windows is not None
            else "the box around the labelled joints, as the truth does not say "
            "where the people are; that tells much. A valid.json in its folder says it."
        )
    )
    if report.table.metric == "PCKh":
        _note(_NOTE_011)
    print(f"\n{report}")
    print(f"\nKinds of errors (joints that have a left and a right)\n{report.errors}")
    return 0


@contextmanager
def _warnings_said():
    """Warnings of the block as sentences of the command."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        yield
    for text in dict.fromkeys(str(w.message) for w in caught):
        print(f"posecourse: {text}", file=sys.stderr)


def _note(text: str):
    print(textwrap.fill(text, 78))


def _average_precision(args) -> int:
    from ..evaluation.published import PredictionsError, score_coco

    if args.truth is None or not args.truth.is_file():
        raise PredictionsError(
            f"{args.file} holds COCO results; name the annotation file they "
            "belong to with --truth person_keypoints_val2017.json"
        )
    with _warnings_said():
        scores = score_coco(args.file, args.truth)
    if args.json:
        print_json(
            {
                "file": str(args.file),
                "truth": str(args.truth),
                "unit": "percent",
                "average_precision": {n: i.value for n, i in scores.intervals.items()},
                "intervals": {n: i._asdict() for n, i in scores.intervals.items()},
                "baselines": scores.baselines,
            }
        )
        return 0
    print(f"{args.file} against {args.truth}: {scores.poses:,} poses, in percent")
    rows = {
        "": list(scores.intervals),
        "predicted": [f"{i.value:.1f}" for i in scores.intervals.values()],
        "95 % from": [f"{i.low:.1f}" for i in scores.intervals.values()],
        "to": [f"{i.high:.1f}" for i in scores.intervals.values()],
        **{
            name: [f"{value:.1f}" for value in values.values()]
            for name, values in scores.baselines.items()
        },
    }
    for name, cells in rows.items():
        print(f"{name:11}" + "".join(f"{cell:>6}" for cell in cells))
    _note(
        "mean pose and center pose: one in the box of each person who is there, as "
        "if a detector without a fault had found them."
    )
    return 0
