"""The commands of ``posecourse``, one module each with ``main(argv)``.

Heavy imports stand inside `main`, after the options have been read, so
that ``--help`` and a mistyped option answer at once.
"""

import argparse
import json
import textwrap


def make_parser(name: str, text: str, example: str):
    """An argument parser whose help ends with an example."""
    return argparse.ArgumentParser(
        prog=f"posecourse {name}",
        description=textwrap.fill(text, 78),
        epilog="example:\n  " + example.replace("\n", "\n  "),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )


def add_device(parser):
    """The option ``--device``, the same for all commands."""
    parser.add_argument(
        "--device",
        default="auto",
        metavar="NAME",
        help="cpu, cuda, cuda:1, mps (default: a GPU if there is one)",
    )


def print_json(value):
    """Print a value for a machine to read; NaN becomes null."""
    from ..files import plain

    print(json.dumps(plain(value), indent=2, ensure_ascii=False))
