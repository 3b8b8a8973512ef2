"""``posecourse evaluate``: score a trained network on a dataset."""

from __future__ import annotations

from . import (
    add_device,
    dataset,
    existing,
    make_parser,
    output_file,
    print_json,
    whole,
)


def main(argv) -> int:
    """Run the command; returns the exit status."""
    parser = make_parser(
        "evaluate",
        "Score a trained network: PCKh by body part beside trivial baselines, "
        "with an interval and the kinds of errors.",
        "posecourse evaluate runs/laptop-1 --flip\n"
        "posecourse evaluate data/weights/photos --multi --data data/coco",
    )
    parser.add_argument("run", type=existing, help="a run folder, or a weights file")
    parser.add_argument(
        "--data",
        type=dataset,
        help="synthetic, or a folder with a "
        "dataset or a prepared store (default: what the run "
        "was trained on)",
    )
    parser.add_argument(
        "--split", default="valid", help="of the dataset (default: %(default)s)"
    )
    parser.add_argument(
        "--difficulty",
        help="of drawn people: easy, standard, hard, stick (default: as trained on)",
    )
    parser.add_argument(
        "--limit",
        type=whole(),
        metavar="N",
        help="only the first N people (pictures with --multi)",
    )
    parser.add_argument(
        "--flip",
        action="store_true",
        help="average with the prediction for the mirrored picture",
    )
    parser.add_argument(
        "--decoder",
        help="how heatmaps are read: argmax, "
        "quarter, dark, soft_argmax (default: the network's "
        "own)",
    )
    parser.add_argument(
        "--multi",
        action="store_true",
        help="everybody in whole pictures, with the course's detector: OKS-AP beside "
        "true boxes and the mean pose; on drawn scenes, or a folder with --data",
    )
    add_device(parser)
    parser.add_argument(
        "--json", action="store_true", help="print JSON, the poses included"
    )
    parser.add_argument(
        "--out",
        type=output_file(".npz"),
        metavar="FILE.npz",
        help="write the poses, for posecourse score",
    )
    args = parser.parse_args(argv)
    if args.multi:
        return _everybody(parser, args)

    from .. import evaluation
    from ..evaluation import published

    result = evaluation.evaluate(
        args.run,
        args.data,
        args.split,
        limit=args.limit,
        flip_test=args.flip,
        decoder=args.decoder,
        device=args.device,
        difficulty=args.difficulty,
    )
    if args.out:
        published.save_predictions(
            args.out, result.keypoints, result.scores, result.ids
        )
    if args.json:
        print_json(result.to_dict())
    else:
        print(result)
    return 0


def _everybody(parser, args) -> int:
    """Everybody in whole pictures."""
    from ..datasets import SyntheticScenes, open_dataset
    from ..people import PosePipeline, evaluate_people

    if args.out or args.decoder:
        parser.error("--out and --decoder are for one person; leave them with --multi")
    if args.data in (None, "synthetic"):
        level = args.difficulty or "standard"
        data = SyntheticScenes(200, people=(2, 4), difficulty=level, split=args.split)
    else:
        data = open_dataset(args.data, split=args.split)
    pipeline = PosePipeline.load(args.run, device=args.device, flip_test=args.flip)
    result = evaluate_people(pipeline, data, limit=args.limit)
    if args.json:
        print_json(result.to_dict())
    else:
        print(result)
    return 0
