"""Train the bottom-up network of the course, on drawn scenes.

    python data/weights/train_bottom_up.py --out runs/bottom-up

It begins with the network `laptop`, which knows the joints of one person:
its trunk and its joints' maps are taken over, the bones' maps are learned. An
interrupted run is gone on with by the same command.
"""

from __future__ import annotations

import argparse
from dataclasses import asdict
from pathlib import Path

import torch

from posecourse import models
from posecourse.datasets import SyntheticScenes
from posecourse.device import choose_device
from posecourse.files import write_json
from posecourse.models.pretrained import find_weights, pretrained
from posecourse.people.grouping import build_bottom_up
from posecourse.people.pictures import SceneAugmentation, draw
from posecourse.people.tasks import FindLimbs
from posecourse.training import FitSettings, RunFolder, fit

SIZE = (192, 144)  # of the pictures, pixels
INPUT = (128, 96)
AUGMENTATION = SceneAugmentation(scale=(0.85, 1.3), gain=0.2, contrast=0.2)


def scenes(pictures: int, split: str):
    """Drawn scenes of one to four people, apart and close together."""
    return SyntheticScenes(
        pictures, size=SIZE, people=(1, 4), overlap=(0, 0.5), split=split
    )


def start(network, path):
    """Take over the trunk and the joints' maps of a network of one person."""
    models.start_from(network, path)
    one = models.load_model(find_weights(path))
    joints = len(one.skeleton)
    with torch.no_grad():
        network.head.weight[:joints] = one.head.weight
        network.head.bias[:joints] = one.head.bias


def main(argv=None) -> int:
    """Train; returns the exit status."""
    parser = argparse.ArgumentParser(description="Train the bottom-up network.")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--pictures", type=int, default=1600)
    parser.add_argument("--epochs", type=int, default=3)
    args = parser.parse_args(argv)
    settings = FitSettings(
        epochs=args.epochs, lr=2e-3, weight_decay=0.05, ema=0.03, clip=50.0
    )
    torch.manual_seed(settings.seed)
    network = build_bottom_up("laptop", input_size=INPUT)
    start(network, pretrained("laptop"))
    task = FindLimbs(
        draw(scenes(args.pictures, "train")),
        draw(scenes(50, "valid")),
        network,
        settings,
        choose_device(None),
        augmentation=AUGMENTATION,
        about=f"{args.pictures} drawn scenes",
    )
    args.out.mkdir(parents=True, exist_ok=True)
    with RunFolder(args.out) as folder:
        write_json(
            args.out / "config.json", asdict(settings) | {"pictures": task.about}
        )
        average = fit(network, task, settings, folder)
        result = task.report(args.out, average)
        folder.write_readme("A bottom-up network", result)
    print(result)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
