"""Settings that are known to work: for each network, and for photographs."""

from __future__ import annotations

from ..transforms import Augmentation

__all__ = ["PRESETS", "RECIPES"]

# People stand upright in most pictures, and a run of minutes sees each of
# them a few times only: little augmentation is enough.
_MILD = Augmentation(
    scale=0.15,
    rotation=15,
    shift=0.02,
    brightness=0.2,
    contrast=0.2,
    saturation=0.2,
    channel_gain=0.1,
)

# What suits each network where nothing else is asked for. These run on two
# CPU cores in minutes.
PRESETS = {
    "laptop": dict(
        options={"input_size": 64},
        epochs=6,
        batch_size=16,
        lr=4e-3,
        weight_decay=0.05,
        warmup=0.1,
        ema=0.05,
        augmentation=_MILD,
    ),
    # a quarter of the document's width on small pictures: enough to see
    # the network predict the mean pose, and BatchNorm cure it
    **{
        name: dict(
            options={"input_size": 64, "width": 0.25},
            epochs=3,
            batch_size=32,
            lr=1e-3,
            augmentation=_MILD,
        )
        for name in ("posenet", "posenet_bn")
    },
    # with --init imagenet; without it the trunk begins at nothing
    **{
        name: dict(
            options={"input_size": 128},
            epochs=8,
            batch_size=32,
            lr=1e-3,
            weight_decay=0.05,
            warmup=0.05,
            ema=0.02,
            augmentation=_MILD,
        )
        for name in ("efficientnet_lite0", "efficientnet_lite2")
    },
}


# For photographs in MPII's layout, whatever the network. `batch_size` is
# that of each process.
RECIPES = {
    # SimpleBaseline's published one (Xiao et al. 2018; the file
    # 256x256_d256x3_adam_lr1e-3.yaml of its repository). AdamW without
    # decay is Adam.
    "mpii": dict(
        options={"input_size": 256},
        epochs=140,
        batch_size=32,
        lr=1e-3,
        weight_decay=0.0,
        schedule="step",
        warmup=0.0,
        ema=0.0,
        margin=1.75,
        augmentation=Augmentation(
            scale=0.25,
            rotation=30,
            flip=0.5,
            shift=0,
            brightness=0,
            contrast=0,
            saturation=0,
            channel_gain=0,
            distribution="normal",
            rotation_prob=0.6,
        ),
    ),
    # Ours: larger batches, a rate that never stands still, averaged
    # weights, colours.
    "mpii-fast": dict(
        options={"input_size": 256},
        epochs=80,
        batch_size=256,
        lr=2e-3,
        weight_decay=0.05,
        schedule="cosine",
        warmup=0.05,
        ema=0.01,
        compile=True,
        margin=1.75,
        augmentation=Augmentation(
            scale=0.3, rotation=40, flip=0.5, shift=0.04, erase_prob=0.2
        ),
    ),
    # Photographs on two CPU cores, in half an hour: give it ``--init``
    # weights of drawn people to start from.
    "photos": dict(
        options={"input_size": 64},
        epochs=30,
        batch_size=32,
        lr=2e-3,
        weight_decay=0.05,
        schedule="cosine",
        warmup=0.05,
        ema=0.02,
        margin=1.75,
        augmentation=Augmentation(scale=0.25, rotation=40, flip=0.5, shift=0.04),
    ),
    # Photographs, from a network on EfficientNet-Lite that began with
    # ImageNet's weights: an hour of one CPU core. What it saw
    # first, in small pictures, is worth having: give it with ``--init``.
    "photos-imagenet": dict(
        options={"input_size": 128},
        epochs=28,
        batch_size=32,
        lr=1e-3,
        weight_decay=0.05,
        schedule="cosine",
        warmup=0.05,
        ema=0.02,
        margin=1.75,
        freeze=("trunk.stem", "trunk.stages.0", "trunk.stages.1"),
        augmentation=Augmentation(scale=0.3, rotation=45, flip=0.5, shift=0.04),
    ),
}
