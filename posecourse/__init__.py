"""Human pose estimation: a small tested package, and the course around it.

What homework needs is here, and in the modules it comes from::

    from posecourse import Predictor, pckh, train
    from posecourse import codecs, metrics          # whole modules work too

Everything is imported when it is first named, so ``import posecourse``
itself is quick. ``dir(posecourse)`` lists it all.
"""

import importlib

# name: the module it lives in
_FACE = {
    # skeletons, people, pictures
    "MPII": "skeletons",
    "COCO": "skeletons",
    "Skeleton": "skeletons",
    "Crop": "geometry",
    "read_image": "images",
    "open_dataset": "datasets",
    "CropDataset": "datasets",
    "SyntheticPeople": "datasets",
    # targets, losses, scores
    "HeatmapCodec": "codecs",
    "CoordinateCodec": "codecs",
    "heatmap_mse": "losses",
    "pck": "metrics",
    "pckh": "metrics",
    "oks": "metrics",
    "report": "metrics",
    # networks: build, train, evaluate, use
    "PoseNetwork": "models",
    "build": "models",
    "register": "models",
    "load_model": "models",
    "config_for": "training",
    "train": "training",
    "evaluate": "evaluation",
    "Predictor": "inference",
    "Pose": "inference",
    "draw_pose": "drawing",
}
_MODULES = (
    "codecs",
    "datasets",
    "device",
    "drawing",
    "evaluation",
    "exercises",
    "files",
    "geometry",
    "images",
    "inference",
    "losses",
    "metrics",
    "models",
    "skeletons",
    "training",
    "transforms",
    "visualization",
)

__all__ = [*_FACE, *_MODULES]


def __getattr__(name: str):
    if name == "__version__":
        from importlib.metadata import version

        return version(__name__)
    if name in _FACE:
        return getattr(importlib.import_module(f"{__name__}.{_FACE[name]}"), name)
    if not name.startswith("_"):
        try:
            return importlib.import_module(f"{__name__}.{name}")
        except ModuleNotFoundError as error:
            if error.name != f"{__name__}.{name}":
                raise
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__():
    return sorted([*__all__, "__version__"])
