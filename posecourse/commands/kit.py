"""``posecourse kit``: everything for a room without a network."""

from __future__ import annotations

import argparse
import platform
import re
import sys

from . import existing, make_parser, output_folder

_HERE = f"{sys.version_info[0]}.{sys.version_info[1]}"


def main(argv) -> int:
    """Run the command; returns the exit status."""
    args = _parser().parse_args(argv)

    from .. import places
    from ..authoring.chapters import get_chapter
    from ..authoring.kit import Target, write_kit

    write_kit(
        places.course_folder(),
        args.out,
        [Target(system, python) for system in args.platform for python in args.python],
        cuda=args.cuda,
        index=args.index,
        slides=[get_chapter(which) for which in args.slides],
        add=args.add,
        dry_run=args.dry_run,
    )
    if not args.dry_run:
        print(
            f"The kit is in {args.out}. Copy all of it to a stick; README.txt in it "
            "says how to install. Try it on one machine of each kind before the class"
        )
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = make_parser(
        "kit",
        "Fill a folder with all that an installation of the course without a "
        "network needs: packages for the learners' systems, the course without "
        "solutions, a program that installs it, and what you add. Run again, it "
        "goes on where it stopped, and adds further systems. Needs uv and a network.",
        "posecourse kit --out stick --platform win mac --python 3.12 3.13",
    )
    parser.add_argument("--out", type=output_folder, required=True, metavar="FOLDER")
    here = {"Windows": "win", "Darwin": "mac"}.get(platform.system(), "linux")
    parser.add_argument(
        "--platform",
        nargs="+",
        choices=("win", "mac", "linux"),
        default=[here],
        help="the systems in the room: Windows (64 bits), macOS 14 or newer on "
        "Apple's processors, Linux (64 bits, Intel or AMD; default: this one)",
    )
    parser.add_argument(
        "--python",
        nargs="+",
        type=_version,
        default=[_HERE],
        metavar="VERSION",
        help=f"the learners' Pythons (default: {_HERE}, as here)",
    )
    parser.add_argument(
        "--cuda",
        action="store_true",
        help="for Linux, PyTorch with CUDA (3 GB) in the place of that for the CPU",
    )
    parser.add_argument(
        "--slides", nargs="+", default=[], metavar="CHAPTER", help="with their slides"
    )
    parser.add_argument(
        "--add",
        nargs="+",
        type=existing,
        default=[],
        metavar="PATH",
        help="files and folders to lay beside it: installers of Python, the site",
    )
    parser.add_argument(
        "--index", metavar="ADDRESS", help="another package index, such as a mirror"
    )
    parser.add_argument(
        "--dry-run", action="store_true", help="say how large it is, fetch nothing"
    )
    return parser


def _version(text: str) -> str:
    match = re.fullmatch(r"3\.(\d{1,2})", text)
    if not match or int(match[1]) < 11:
        raise argparse.ArgumentTypeError(f"3.11 or newer is needed, not {text!r}")
    return text
