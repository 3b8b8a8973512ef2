"""``posecourse train``: train a network, leave a run folder."""

from __future__ import annotations

import argparse
import json
import os
from argparse import ArgumentTypeError
from pathlib import Path

from . import (
    add_device,
    dataset,
    existing,
    make_parser,
    number,
    output_folder,
    seed,
    whole,
)

_PIXELS = whole(1, 4096)


def _start(text: str):
    """The kind of an option that is weights to start from."""
    return text if text == "imagenet" else existing(text)


# option, type, what it is: the fields of `posecourse.training.TrainConfig`
# of the same name. Left out, a field keeps the network's preset.
_SETTINGS = (
    (
        "--data",
        dataset,
        "synthetic (drawn people), or a folder with a dataset "
        "or a prepared store (default: synthetic)",
    ),
    ("--train-people", whole(), "how many people to train on"),
    ("--valid-people", whole(), "how many people to validate on"),
    ("--difficulty", str, "of the drawn people"),
    ("--epochs", whole(), "how many times the network sees everybody"),
    ("--batch-size", whole(), "people per step"),
    ("--lr", number(1e-12, 1e3), "highest learning rate"),
    ("--weight-decay", number(0, 1e3), "of AdamW"),
    ("--schedule", str, "cosine or step"),
    (
        "--loss",
        str,
        "auto (what suits the network), heatmap_mse, ohkm, coordinate_l2, "
        "coordinate_l1, smooth_l1, wing, dsnt, simcc or rle",
    ),
    ("--validate-every", whole(), "steps between two validations (default: an epoch)"),
    (
        "--ohkm-topk",
        whole(0),
        "judge the last stage by each person's N worst joints only (CPN: 8; "
        "default: 0, by all of them)",
    ),
    ("--amp", str, "bf16 or fp32 (default: what is faster here)"),
    (
        "--init",
        _start,
        "weights or a run folder to start from: of the same network (other "
        "joints get a new head), or torchvision's for a ResNet; imagenet for "
        "efficientnet_lite0",
    ),
    ("--seed", seed, "of all random numbers (default: 0)"),
    ("--out", output_folder, "the run folder (default: runs/MODEL-N)"),
)


def main(argv) -> int:
    """Run the command; returns the exit status."""
    parser = make_parser(
        "train",
        "Train a network. Without options: a small network on drawn "
        "people, in minutes on a laptop. Everything the run leaves is in "
        "one folder: settings, log, curves, weights, evaluation. Stop with "
        "Ctrl-C and continue later with --resume. With several GPUs: torchrun "
        "--nproc-per-node 4 -m posecourse train ...",
        "posecourse train --epochs 3\n"
        "posecourse train --model simple_baseline_50 --data data/mpii "
        "--preset mpii --dry-run\n"
        "posecourse train --resume runs/laptop-1",
    )
    parser.add_argument(
        "--model",
        default="laptop",
        metavar="NAME",
        help="the network (default: %(default)s; --model help lists them)",
    )
    parser.add_argument(
        "--preset",
        metavar="NAME",
        help="a recipe instead "
        "of what suits the network: mpii (the published "
        "one of SimpleBaseline), mpii-fast (ours), photos "
        "(small, for a CPU), photos-imagenet (efficientnet_lite0, an hour of one)",
    )
    parser.add_argument(
        "--dry-run",
        action="store_true",
        help="only tell what a run would do: people found, steps, memory, "
        "time; a few steps are timed",
    )
    parser.add_argument(
        "--input-size", metavar="N|WxH", help="pixels that the network sees"
    )
    parser.add_argument(
        "--option",
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="of the network, e.g. width=0.5; may be repeated",
    )
    for name, kind, text in _SETTINGS:
        parser.add_argument(
            name,
            type=kind,
            help=text,
            metavar=getattr(kind, "metavar", "NAME"),
        )
    parser.add_argument(
        "--freeze",
        action="append",
        metavar="LAYER",
        help="leave a layer as it is, e.g. trunk.stem; may be repeated",
    )
    parser.add_argument(
        "--intermediate-supervision",
        action=argparse.BooleanOptionalAction,
        help="judge all stages of the network (default), or only the last",
    )
    parser.add_argument(
        "--compile",
        action="store_true",
        default=None,
        help="compile the network first: costs minutes, then runs faster, on GPUs",
    )
    parser.add_argument(
        "--deterministic",
        action="store_true",
        default=None,
        help="the same numbers each time, also on GPUs; slower",
    )
    add_device(parser)
    parser.add_argument(
        "--resume",
        type=existing,
        metavar="RUN",
        help="continue a run from its folder, with its own settings",
    )
    args = parser.parse_args(argv)
    settings = {
        name: str(value) if isinstance(value, Path) else value
        for name, value in vars(args).items()
        if name not in ("model", "input_size", "option", "preset", "dry_run")
    }
    if args.resume:
        other = [
            name
            for name, value in settings.items()
            if value is not None and name not in ("resume", "device")
        ]
        if other or args.option or args.input_size or args.preset or args.dry_run:
            parser.error(
                "--resume continues with the run's own settings; "
                "only --device may be given with it"
            )
    options = _options(parser, args)

    from .. import models, training

    if args.model == "help":
        print("\n".join(models.names()))
        return 0
    config = training.config_for(args.model, options, args.preset, **settings)
    if args.dry_run:
        from ..training.dry_run import plan

        print(plan(config))
        return 0
    run = training.train(config)
    if os.environ.get("RANK", "0") == "0":
        print(
            f"\nNext:\n  posecourse evaluate {run}\n"
            f"  posecourse predict --run {run} PICTURE"
        )
    return 0


def _options(parser, args) -> dict:
    """The network's options, from ``--input-size`` and ``--option``."""
    options = {}
    for text in args.option:
        name, equals, value = text.partition("=")
        if not equals or not name:
            parser.error(f"--option {text}: write NAME=VALUE")
        try:
            options[name] = json.loads(value)
        except (ValueError, RecursionError):
            options[name] = value
    if args.input_size:
        try:
            size = [_PIXELS(n) for n in args.input_size.lower().split("x")]
        except ArgumentTypeError:
            size = []
        if len(size) not in (1, 2):
            parser.error(
                f"--input-size {args.input_size}: write a number "
                "of pixels, or WIDTHxHEIGHT"
            )
        options["input_size"] = size[0] if len(size) == 1 else size
    return options
