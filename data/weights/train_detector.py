"""Train the person detector of the course: drawn scenes, and photographs.

    python data/weights/train_detector.py --photos data/lspet --out runs/detector

`--photos` is a folder of photographs with one labelled person each, in a
layout that ``posecourse data check`` knows; without it the detector sees
drawn scenes only. Two CPU cores need half an hour. An interrupted run is gone
on with by the same command. ``release_detector.py`` makes weights of it that
come with the course.
"""

from __future__ import annotations

import argparse
from dataclasses import asdict
from pathlib import Path

import torch

from posecourse import models
from posecourse.datasets import SyntheticScenes, open_dataset
from posecourse.device import choose_device
from posecourse.files import write_json
from posecourse.people.detector import build_detector
from posecourse.people.pictures import SceneAugmentation, draw, mosaics
from posecourse.people.tasks import FindCenters
from posecourse.training import FitSettings, RunFolder, fit

SIZE = (192, 144)  # of the pictures, pixels
INPUT = (192, 160)  # what the trunk can halve five times
AUGMENTATION = SceneAugmentation(scale=(0.45, 1.4))


def scenes(pictures: int, split: str):
    """Drawn scenes of one to six people, apart and close together."""
    return SyntheticScenes(
        pictures, size=SIZE, people=(1, 6), overlap=(0, 0.6), split=split
    )


def data(split: str, drawn: int, pasted: int, photos):
    """Drawn scenes and mosaics of photographs, as arrays."""
    pictures = draw(scenes(drawn, split))
    if photos is not None:
        pictures = pictures + mosaics(
            open_dataset(photos, split=split), pasted, SIZE, seed=split == "valid"
        )
    return pictures


def main(argv=None) -> int:
    """Train; returns the exit status."""
    parser = argparse.ArgumentParser(description="Train the course's detector.")
    parser.add_argument("--photos", type=Path)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--trunk", default="efficientnet_lite0")
    parser.add_argument("--pictures", type=int, default=2048, help="of each kind")
    parser.add_argument("--epochs", type=int, default=3)
    args = parser.parse_args(argv)
    settings = FitSettings(
        epochs=args.epochs, lr=1.5e-3, weight_decay=0.05, ema=0.03, clip=10.0
    )
    torch.manual_seed(settings.seed)
    network = build_detector(args.trunk, INPUT, width=64)
    models.start_from(network, "imagenet")
    # edges and textures: ImageNet's are as good, and half the time is saved
    for part in (network.trunk.stem, *network.trunk.stages[:3]):
        part.requires_grad_(False)
    about = f"{args.pictures} drawn scenes"
    if args.photos is not None:
        about += f" and {args.pictures} mosaics of {args.photos.name}"
    task = FindCenters(
        data("train", args.pictures, args.pictures, args.photos),
        data("valid", 200, 100, args.photos),
        network,
        settings,
        choose_device(None),
        augmentation=AUGMENTATION,
        about=about,
    )
    args.out.mkdir(parents=True, exist_ok=True)
    with RunFolder(args.out) as folder:
        write_json(
            args.out / "config.json",
            asdict(settings) | {"trunk": args.trunk, "pictures": about},
        )
        average = fit(network, task, settings, folder)
        result = task.report(args.out, average)
        folder.write_readme("A person detector", result)
    print(result)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
