"""``posecourse bench``: how fast the parts are, and what bounds each."""

from __future__ import annotations

from . import add_device, dataset, make_parser, number, output_file, whole


def main(argv) -> int:
    """Run the command; returns the exit status."""
    parser = make_parser(
        "bench",
        "Measure, side by side, drawing people in each edition, making batches "
        "the classical way and from "
        "a store, training with data and without, and inference; and say "
        "what bounds each. Takes a minute. Only ratios can be compared "
        "between machines.",
        "posecourse bench\n"
        "posecourse bench --data data/mpii --parts data --out bench.json\n"
        "posecourse bench --model simple_baseline_50 --batch-size 256",
    )
    parser.add_argument(
        "--data",
        type=dataset,
        default="synthetic",
        help="a dataset's folder or annotation file, or synthetic (drawn "
        "pictures of 720 x 720; the default)",
    )
    parser.add_argument(
        "--split", default="valid", help="of the dataset (default: %(default)s)"
    )
    parser.add_argument(
        "--model",
        default="laptop",
        metavar="NAME",
        help="for training and inference (default: %(default)s)",
    )
    for name, kind, default, text in (
        ("--input-size", whole(16, 4096), 256, "pixels of the data part"),
        ("--batch-size", whole(1, 10**5), 32, "people in a batch"),
        ("--seconds", number(0.01, 3600), 3.0, "for each measurement"),
    ):
        parser.add_argument(
            name,
            type=kind,
            default=default,
            metavar=kind.metavar,
            help=f"{text} (default: %(default)s)",
        )
    parser.add_argument(
        "--workers",
        type=whole(1, 1024),
        metavar="N",
        help="processes of the classical way (default: one per core)",
    )
    parser.add_argument(
        "--parts",
        nargs="+",
        metavar="PART",
        default=["drawing", "data", "training", "inference"],
        choices=["drawing", "data", "training", "inference"],
        help="drawing, data, training, inference (default: all)",
    )
    parser.add_argument(
        "--out",
        type=output_file(".json"),
        metavar="FILE.json",
        help="also write the numbers as JSON",
    )
    add_device(parser)
    args = parser.parse_args(argv)
    from ..benchmarks import bench, report
    from ..files import write_json

    settings = vars(args).copy()
    out = settings.pop("out")
    result = bench(**settings)
    if out:
        write_json(out, {"settings": settings, **result})
    print(f"\n{report(result)}" + (f"\n\n{out}" if out else ""))
    return 0
