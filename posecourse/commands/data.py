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
        "posecourse data fetch photos --accept-licence\n"
        "posecourse data fetch mpii-annotations --out data/mpii\n"
        "posecourse data check data/mpii --split train\n"
        "posecourse data prepare data/mpii data/mpii-train --split train\n"
        "posecourse data synth --count 20 --out work/people\n"
        "posecourse data synth --scenes 20 --people 2 4 --out work/scenes\n"
        "posecourse data synth --motion squat --seconds 8 --out work/squats",
    )
    todo = parser.add_subparsers(dest="todo", required=True, metavar="WHAT")

    def add(name, text):
        return todo.add_parser(name, help=text, description=text)

    check = add(
        "check",
        "go through a dataset: what is missing, broken, outside the picture or "
        "there twice; the exit status is 1 if something would go wrong",
    )
    check.add_argument(
        "data", type=dataset, help="a dataset's folder or annotation file, or synthetic"
    )
    check.add_argument("--decode", action="store_true", help="also read every picture")
    check.add_argument("--json", action="store_true", help="print JSON")

    prepare = add(
        "prepare",
        "cut everybody out once and store the crops, "
        "for fast training; continues where it was stopped",
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
        help="make the store anew if its labels, pictures or settings have changed",
    )

    synth = add(
        "synth",
        "draw people and write them as MPII keeps its "
        "data: pictures and annot/valid.json, pixels counted from 1; or scenes of "
        "several people as COCO keeps its; or a video of somebody moving",
    )
    what = synth.add_mutually_exclusive_group()
    what.add_argument(
        "--count", type=whole(), default=20, help="people (default: %(default)s)"
    )
    what.add_argument(
        "--scenes", type=whole(), metavar="PICTURES", help="draw this many scenes"
    )
    what.add_argument(
        "--motion",
        metavar="STYLE",
        help="film a motion: walk, run, wave, squat, jumping_jack, push_up, sit_down, "
        "stand_up, fall, throw or dance",
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
    for name, kind, default, text in (
        ("people", whole(1, 8), (1, 4), "least and most in a scene"),
        ("overlap", number(0, 0.6), (0.0, 0.4), "least and most of it in a scene"),
    ):
        synth.add_argument(
            f"--{name}",
            type=kind,
            nargs=2,
            default=default,
            metavar=("LEAST", "MOST"),
            help=f"{text} (default: {default[0]} {default[1]})",
        )
    synth.add_argument(
        "--seconds",
        type=number(0.1, 3600),
        default=4,
        help="length of a motion (default: %(default)s)",
    )
    synth.add_argument(
        "--fps",
        type=number(1, 60),
        default=24,
        help="its pictures per second (default: %(default)s)",
    )

    fetch = add(
        "fetch",
        "download a dataset once you have accepted its terms; continues where it "
        "broke off",
    )
    fetch.add_argument(
        "name", nargs="?", help="which one; without a name they are listed"
    )
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
    if args.scenes is not None:
        return _synth_scenes(args)
    if args.motion is not None:
        return _synth_motion(args)
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


def _synth_scenes(args) -> int:
    from ..datasets import SyntheticScenes
    from ..datasets.coco_writer import write_coco

    scenes = SyntheticScenes(
        args.scenes,
        seed=args.seed,
        size=(args.size, max(32, args.size * 3 // 4)),
        people=tuple(args.people),
        overlap=tuple(args.overlap),
        difficulty=args.difficulty,
        split="valid",
    )
    path = write_coco(args.out, scenes)
    print(
        f"{len(scenes)} people in {scenes.pictures} pictures in "
        f"{args.out / 'images'}, their boxes and joints in {path}"
    )
    return 0


def _synth_motion(args) -> int:
    from ..datasets import SyntheticMotion
    from ..files import refuse_existing, write_json
    from ..inference import VideoWriter

    motion = SyntheticMotion(
        args.motion,
        seconds=args.seconds,
        fps=args.fps,
        size=args.size,
        seed=args.seed,
        difficulty=args.difficulty,
    )
    path = args.out / f"{motion.label}.json"
    refuse_existing(path)
    people = []
    with VideoWriter(args.out / motion.label, motion.fps) as video:
        for person in motion:
            video.write(motion.read_image(person), person.extra["time"])
            people.append(person)
    write_json(
        path,
        {
            "label": motion.label,
            "fps": motion.fps,
            "repetitions": motion.repetitions,
            "joints": motion.skeleton.joints,
            "camera": people[0].extra["camera"],
            "frames": [
                {
                    "time": person.extra["time"],
                    "progress": person.extra["progress"],
                    "keypoints": person.keypoints,
                    "visible": person.visible,
                    "joints_world": person.extra["joints_world"],
                    "contacts": person.extra["contacts"],
                }
                for person in people
            ],
        },
    )
    print(
        f"{len(motion)} pictures of {motion.label} in {video.path}, where every joint "
        f"is in {path}"
    )
    return 0
