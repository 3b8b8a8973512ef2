"""``posecourse export``: a trained network as one file for other programs."""

from __future__ import annotations

import sys
from pathlib import Path

from . import dataset, make_parser, output_file, whole


def _arguments(argv):
    parser = make_parser(
        "export",
        "Write a trained network as one ONNX file, which onnxruntime, OpenCV "
        "and many others run without PyTorch. How pictures go in and joints come "
        "out stands in the file. It is compared with the network first. With "
        "--int8 a second file with weights and activations in 8 bits: a quarter "
        "of the size and several times as fast; with --page a web page that runs "
        "the network on a camera or a photograph, on its own, without a server.",
        "posecourse export photos\n"
        "posecourse export runs/laptop-1 --int8 --out laptop.onnx\n"
        "posecourse predict me.jpg --run laptop.onnx",
    )
    parser.add_argument(
        "run",
        metavar="RUN",
        help="a run folder, a weights file, or the name of a network that came "
        "with the course",
    )
    parser.add_argument(
        "--out",
        type=output_file(".onnx"),
        metavar="FILE.onnx",
        help="the file to write (default: the run's name, here)",
    )
    parser.add_argument(
        "--int8",
        action="store_true",
        help="also write FILE-int8.onnx, quantised to 8 bits",
    )
    parser.add_argument(
        "--data",
        type=dataset,
        help="whose pictures set the ranges of 8 bits: synthetic, or a dataset's "
        "folder (default: what the run was trained on, where it is here, else "
        "synthetic)",
    )
    parser.add_argument(
        "--people",
        type=whole(1, 10**5),
        default=200,
        metavar="N",
        help="how many of them (default: %(default)s)",
    )
    parser.add_argument(
        "--page",
        action="store_true",
        help="also write FILE.html, a web page that works without a network "
        "(with --int8 it holds the small one)",
    )
    args = parser.parse_args(argv)
    if args.data and not args.int8:
        parser.error("--data is for --int8")
    return args


def main(argv) -> int:
    """Run the command; returns the exit status."""
    args = _arguments(argv)
    from ..deploy import build_page, export_onnx, quantise
    from ..inference.predictor import weights_of
    from ..models import load_model

    network = load_model(weights_of(args.run))
    out = args.out or Path(f"{_stem(args.run)}.onnx")
    exported = export_onnx(network, out)
    print(exported)
    if args.int8:
        store, about = _people(args, network.input_size)
        exported = quantise(
            out, store, out.with_name(f"{out.stem}-int8.onnx"), people=args.people
        )
        print(f"{exported}; ranges from {about}")
    if args.page:
        page = build_page(exported.path, out.with_suffix(".html"))
        print(f"{page}: open it in a browser; it needs nothing else")
    return 0


def _stem(run: str) -> str:
    """A name for the file: that of the network, the run or the weights."""
    path = Path(run)
    return path.parent.name if path.name == "weights.safetensors" else path.stem


def _people(args, input_size):
    """People to measure ranges on, and what they are."""
    from ..datasets import open_crops

    data, difficulty, margin = args.data, "standard", 1.25
    if data is None:
        data, difficulty, margin = _trained_on(args.run)
        if data != "synthetic" and not Path(data).exists():
            print(
                "posecourse: the people that this run was trained on are not here "
                f"({data}); drawn people set the ranges. --data names better ones",
                file=sys.stderr,
            )
            data, difficulty, margin = "synthetic", "standard", 1.25
    store = open_crops(data, "train", input_size, args.people, difficulty, margin)
    return store, f"{min(args.people, len(store))} people of {data}"


def _trained_on(run: str) -> tuple[str, str, float]:
    """Data, difficulty and margin that a run folder notes."""
    from ..files import read_json
    from ..inference.predictor import weights_of

    config = weights_of(run).with_name("config.json")
    try:
        known = read_json(config)
        return str(known["data"]), str(known["difficulty"]), float(known["margin"])
    except (FileNotFoundError, ValueError, LookupError, TypeError):
        return "people that it does not name", "standard", 1.25
