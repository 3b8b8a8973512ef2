"""``posecourse data``: fetch, check, prepare or draw data."""

from __future__ import annotations

import warnings
from pathlib import Path

from . import (
    dataset,
    make_parser,
    number,
    output_folder,
    print_json,
    seed,
    whole,
)


def main(argv) -> int:
    """Run the command; returns the exit status."""
    parser = make_parser(
        "data",
        "Fetch, check, prepare or draw data.",
        "posecourse data fetch mpii-annotations --out data/mpii\n"
        "posecourse data check data/mpii --split train\n"
        "posecourse data prepare data/mpii data/mpii-train --split train\n"
        "posecourse data synth --count 20 --out work/people",
    )
    todo = parser.add_subparsers(dest="todo", required=True, metavar="WHAT")

    def add(name, text):
        return todo.add_parser(name, help=text, description=text)

    check = add(
        "check",
        "look a dataset over: what is missing, broken, "
        "outside, twice; status 1 if something would go wrong",
    )
    check.add_argument(
        "data", type=dataset, help="a dataset's folder or annotation file, or synthetic"
    )
    check.add_argument("--decode", action="store_true", help="read every picture, too")
    check.add_argument("--json", action="store_true", help="print JSON")

    prepare = add(
        "prepare",
        "cut everybody out once and store the crops, "
        "for fast training; goes on where it was stopped",
    )
    prepare.add_argument(
        "data", type=dataset, help="a dataset's folder or annotation file, or synthetic"
    )
    prepare.add_argument("store", type=output_folder, help="folder to write")
    prepare.add_argument(
        "--size",
        type=whole(8, 8192),
        default=224,
        help="side of a crop, pixels (default: %(default)s)",
    )
    prepare.add_argument(
        "--margin",
        type=number(1, 100),
        default=1.75,
        help="standard windows per crop (default: %(default)s)",
    )
    prepare.add_argument(
        "--workers", type=whole(1, 1024), help="threads (default: one per core)"
    )

    for command in (check, prepare):
        command.add_argument(
            "--split",
            help="of the dataset (default: valid; all of a single annotation file)",
        )
        command.add_argument(
            "--images",
            type=Path,
            help="folder of the pictures, if it is not near the annotations",
        )
        command.add_argument(
            "--strict",
            action="store_true",
            help="refuse a file with a record that cannot be used, instead of leaving "
            "the record out",
        )
    prepare.add_argument(
        "--rebuild",
        action="store_true",
        help="make the store anew if it is one of other labels, pictures or settings",
    )

    synth = add(
        "synth",
        "draw people and write them as MPII keeps its "
        "data: pictures and annot/valid.json, pixels from 1",
    )
    synth.add_argument(
        "--count", type=whole(), default=20, help="people (default: %(default)s)"
    )
    synth.add_argument(
        "--out", type=output_folder, required=True, help="folder to write"
    )
    synth.add_argument(
        "--size",
        type=whole(16, 8192),
        default=256,
        help="side of a picture, pixels (default: %(default)s)",
    )
    synth.add_argument(
        "--seed", type=seed, default=0, help="which people (default: %(default)s)"
    )
    synth.add_argument("--difficulty", default="standard", help="default: %(default)s")

    fetch = add(
        "fetch",
        "download a dataset, after you accepted its terms; goes on where it broke off",
    )
    fetch.add_argument("name", nargs="?", help="which; without it they are listed")
    fetch.add_argument(
        "--out",
        type=output_folder,
        help="folder to fill (default: the dataset's own, below data/)",
    )
    fetch.add_argument(
        "--accept-licence",
        action="store_true",
        help="you have read the terms and accept them",
    )

    args = parser.parse_args(argv)
    return {"check": _check, "prepare": _prepare, "synth": _synth, "fetch": _fetch}[
        args.todo
    ](args)


def _check(args) -> int:
    from dataclasses import asdict

    from ..datasets import DatasetWarning, check

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DatasetWarning)  # the report says it all
        report = check(args.data, args.split, args.decode, **_options(args))
    if args.json:
        print_json({"ok": report.ok, **asdict(report)})
    else:
        print(report)
    return 0 if report.ok else 1


def _options(args) -> dict:
    """What was said about reading a dataset from files."""
    given = {"images": args.images, "strict": args.strict}
    return {name: value for name, value in given.items() if value}


def _prepare(args) -> int:
    from ..datasets import open_dataset, prepare

    dataset = open_dataset(args.data, args.split, **_options(args))
    store = prepare(
        dataset,
        args.store,
        args.size,
        args.margin,
        args.workers,
        rebuild=args.rebuild,
    )
    skipped = store.source.get("skipped", [])
    print(
        f"{args.store}: {len(store.ids):,} people"
        + (
            f"; {len(skipped)} left out, the first because {skipped[0]['reason']}"
            if skipped
            else ""
        )
    )
    return 0


def _fetch(args) -> int:
    from ..datasets.download import SOURCES, fetch
    from ..files import format_bytes

    if args.name is None:
        for name, source in SOURCES.items():
            size = format_bytes(sum(f.size for f in source.files))
            print(f"{name:18} {size:>9}  {source.title}")
        return 0
    known = SOURCES.get(args.name)
    out = args.out or Path("data", known.folder if known else args.name)
    print(f"In {fetch(args.name, out, args.accept_licence)}")
    return 0


def _synth(args) -> int:
    from ..datasets import SyntheticPeople
    from ..datasets.mpii_writer import write_as_mpii

    people = SyntheticPeople(
        args.count, seed=args.seed, size=args.size, difficulty=args.difficulty
    )
    path = write_as_mpii(people, args.out)
    print(
        f"{len(people)} people in {args.out / 'images'}, their joints in "
        f"{path}\nLook them over with posecourse data check {args.out}\n"
        "Score a network on them with posecourse evaluate RUN --data "
        f"{args.out}"
    )
    return 0
