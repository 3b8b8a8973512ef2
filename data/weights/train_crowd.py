"""Go on with the network `laptop` on people who stand close together.

    python data/weights/train_crowd.py --out runs/crowd

`laptop` has never seen two people in a crop. Here it is trained further on
people cut out of drawn scenes, many of them half behind somebody else, with
all their joints labelled.
"""

import argparse

from posecourse.datasets import SyntheticScenes, crop_in_memory
from posecourse.models.pretrained import pretrained
from posecourse.training import config_for, train

SIZE = (192, 144)  # of the scenes, pixels
STORED = 80  # pixels of a crop: what the network sees, and some room


def crops(pictures: int, split: str):
    """People of drawn scenes, cut out."""
    scenes = SyntheticScenes(
        pictures, size=SIZE, people=(2, 4), overlap=(0, 0.6), split=split
    )
    return crop_in_memory(scenes, STORED, 1.25, workers=1)


def main(argv=None) -> int:
    """Train; returns the exit status."""
    parser = argparse.ArgumentParser(description="Train on people close together.")
    parser.add_argument("--out", required=True)
    parser.add_argument("--pictures", type=int, default=1000)
    parser.add_argument("--epochs", type=int, default=3)
    args = parser.parse_args(argv)
    config = config_for(
        "laptop",
        init=str(pretrained("laptop")),
        epochs=args.epochs,
        lr=2e-3,
        out=args.out,
    )
    train(config, crops=(crops(args.pictures, "train"), crops(100, "valid")))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
