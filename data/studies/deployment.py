"""What the course's networks cost elsewhere than in PyTorch, and what they bear.

    python data/studies/deployment.py --data data/lspet

has three parts, and leaves one file beside itself, ``deployment.json``:

runtimes      the network `laptop` in PyTorch, onnxruntime and OpenCV, in 32 and
              8 bits, its ranges measured on people and on what is none
robustness    `laptop` on drawn people, with one thing made worse at a time
photographs   `photos` on the photographs of --data, likewise

Times are seconds of one core, not those in which others had it, in the fastest
of many rounds in which all take turns. Their quotients can be trusted, their size
belongs to the machine. Scores are in percent, with 95 %
intervals over the people who were shown. Stop it at any time: the same command
goes on with the next part. It takes two minutes of one core. Without --data
the photographs' part stays as it is.
"""

import argparse
import json
import platform
import tempfile
import time
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import onnxruntime
import torch
from pages import cell, percent, write_table

from posecourse import deploy, metrics
from posecourse.datasets import SyntheticPeople, crop_in_memory
from posecourse.datasets.registry import open_dataset
from posecourse.datasets.synthetic.staging import DIFFICULTIES
from posecourse.deploy.export import calibration_images
from posecourse.evaluation import predict_crops
from posecourse.evaluation.scoring import pck_normalizer
from posecourse.files import plain, read_json, write_json
from posecourse.geometry import Crop
from posecourse.models import load_model
from posecourse.models.pretrained import pretrained
from posecourse.skeletons import MPII

SETTINGS = {
    "size": 64,
    "test_people": 200,
    "calibration_people": 100,
    "rounds": 30,
    "robustness": {
        "people": 150,
        "rotation": [0, 30, 60, 90, 135, 180],
        "pitch": [0, 20, 40, 60, 80],
        "loose": [0.5, 1.0, 1.5, 2.0, 3.0],
    },
}
COUNTED = metrics.pckh_columns(MPII)


def study(folder, data=None, settings=SETTINGS):
    """Measure what is not measured yet; returns the JSON's content."""
    path = Path(folder) / "deployment.json"
    result = read_json(path) if path.is_file() else {}
    if result.get("settings") != plain(settings):
        result = {}
    parts = {
        "runtimes": runtimes,
        "robustness": drawn_robustness,
        "photographs": lambda settings: photo_robustness(settings, data),
    }
    for name, measure in parts.items():
        if name in result or (name == "photographs" and data is None):
            continue
        result = {**about(settings), **result, name: plain(measure(settings))}
        write_json(path, result)
    write_table(path.with_name("README.md"), "deployment.py", table(result))
    return result


def about(settings):
    """What stands above the parts."""
    return {
        "command": "python data/studies/deployment.py --data data/lspet",
        "versions": {
            "python": platform.python_version(),
            "torch": torch.__version__,
            "onnxruntime": onnxruntime.__version__,
        },
        "settings": plain(settings),
    }


def drawn(count, split, settings, **options):
    """Drawn people, cut out."""
    people = SyntheticPeople(count, size=settings["size"], split=split, **options)
    return crop_in_memory(people, settings["size"], 1.0, workers=1)


def pck(points, store):
    """PCKh@0.5, or PCK@0.2 where heads are unknown, and its interval."""
    size, visible, _, threshold = pck_normalizer(store)
    hits = metrics.pck_hits(points, store.keypoints, visible, size, threshold)
    return percent(metrics.bootstrap_interval(hits, COUNTED))


def shipped(name):
    """A network that comes with the course."""
    return load_model(pretrained(name) / "weights.safetensors")


def times(networks, settings):
    """Milliseconds of one picture, by name; one thread each."""
    torch.set_num_threads(1)
    cv2.setNumThreads(1)
    image = torch.zeros(1, 3, settings["size"], settings["size"])
    with torch.inference_mode():
        seconds = deploy.relative_times(
            {name: lambda n=n: n(image) for name, n in networks.items()},
            settings["rounds"],
            clock=time.process_time,
        )
    return {name: 1000 * taken for name, taken in seconds.items()}


# ---------------------------------------------------------------- runtimes


def runtimes(settings):
    """`laptop` on every engine: milliseconds, bytes, score."""
    network, size = shipped("laptop"), settings["size"]
    people = drawn(settings["calibration_people"], "train", settings)
    generator = torch.Generator().manual_seed(0)
    shape = (settings["calibration_people"], 3, size, size)
    ranges = {
        "int8": {"images": people},
        "int8, one range a layer": {"images": people, "per_channel": False},
        "int8, signed": {"images": people, "unsigned": False},
        "int8, ranges of black": {"images": calibration_images(people, size) * 0},
        "int8, ranges of 0 to 1": {"images": torch.rand(shape, generator=generator)},
        "int8, ranges of noise": {"images": torch.randn(shape, generator=generator)},
    }
    with tempfile.TemporaryDirectory() as folder:
        files = {"onnxruntime": Path(folder, "float.onnx")}
        deploy.export_onnx(network, files["onnxruntime"])
        for number, (name, options) in enumerate(ranges.items()):
            files[name] = Path(folder, f"{number}.onnx")
            deploy.quantise(files["onnxruntime"], out=files[name], **options)
        known = {"PyTorch": network}
        known |= {n: deploy.load_exported(p, threads=1) for n, p in files.items()}
        known["OpenCV"] = deploy.load_exported(files["onnxruntime"], "opencv")
        files["OpenCV"] = files["onnxruntime"]
        sizes = {name: path.stat().st_size for name, path in files.items()}
        milliseconds = times(known, settings)
        test = drawn(settings["test_people"], "test", settings)
        return {
            name: {
                "milliseconds": milliseconds[name],
                "bytes": sizes.get(name),
                "pckh": pck(predict_crops(there, test)[0], test),
            }
            for name, there in known.items()
        }


# -------------------------------------------------------------- robustness


def damages(predict, store):
    """Every corruption at every strength: name -> rows of strength and score."""
    return {
        name: [
            [
                strength,
                *pck(predict(deploy.corrupt(store.crops, name, strength)), store),
            ]
            for strength in corruption.strengths
        ]
        for name, corruption in deploy.CORRUPTIONS.items()
    }


def predictor(network, store):
    """A function from crops to points."""
    return lambda crops: predict_crops(network, replace(store, crops=crops))[0]


def exported(name):
    """A network that comes with the course, in onnxruntime: it is faster there."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "network.onnx")
        deploy.export_onnx(shipped(name), path)
        return deploy.load_exported(path, threads=1)


def turned(store, wide, angle, settings):
    """The store with its people turned; `wide` shows more around them."""
    size = settings["size"]
    crop = Crop(((wide.size - 1) / 2,) * 2, (wide.window,) * 2, (size, size), angle)
    return replace(
        store,
        crops=np.stack([crop.warp(image) for image in wide.crops]),
        keypoints=crop.apply(wide.keypoints.astype(np.float64)).astype(np.float32),
    )


def drawn_robustness(settings):
    """`laptop`, whose people are drawn: also from above, and in odd poses."""
    options, network = settings["robustness"], exported("laptop")
    count = options["people"]
    store = drawn(count, "test", settings)
    mean = np.array(json.loads(network.metadata["mean_pose"]))
    result = {
        "undamaged": pck(predictor(network, store)(store.crops), store),
        "mean pose": pck(np.broadcast_to(mean, store.keypoints.shape), store),
        **damages(predictor(network, store), store),
    }
    size = round(1.5 * settings["size"])
    people = SyntheticPeople(count, size=size, split="test", margin=1.5)
    result["turned"] = rotations(network, store, people, settings)
    for name, values in (("pitch", options["pitch"]), ("loose", options["loose"])):
        result[name] = []
        for value in values:
            option = (value - 2.0, value + 2.0) if name == "pitch" else value
            level = replace(DIFFICULTIES["standard"], **{name: option})
            there = drawn(count, "test", settings, difficulty=level)
            points = predictor(network, there)(there.crops)
            result[name].append([value, *pck(points, there)])
    return result


def rotations(network, store, people, settings):
    wide = crop_in_memory(people, round(1.5 * settings["size"]), 1.5, workers=1)
    rows = []
    for angle in settings["robustness"]["rotation"]:
        there = turned(store, wide, angle, settings)
        rows.append([angle, *pck(predictor(network, there)(there.crops), there)])
    return rows


def photo_robustness(settings, data):
    """`photos` on photographs."""
    network = exported("photos")
    settings = {**settings, "size": max(network.input_size)}
    people = open_dataset(data, "valid").first(settings["robustness"]["people"])
    store = crop_in_memory(people, settings["size"], 1.0, workers=1)
    mean = [
        [np.nan if v is None else v for v in p]
        for p in json.loads(network.metadata["mean_pose"])
    ]
    return {
        "undamaged": pck(predictor(network, store)(store.crops), store),
        "mean pose": pck(np.broadcast_to(mean, store.keypoints.shape), store),
        **damages(predictor(network, store), store),
        "turned": rotations(network, store, people, settings),
    }


def table(result):
    """The part `runtimes`, as Markdown."""
    rows = result["runtimes"]
    slowest = rows["PyTorch"]["milliseconds"]
    lines = [["`laptop` in", "MB", "times PyTorch's speed", "PCKh@0.5"], ["---"] * 4]
    for name, row in rows.items():
        size = f"{row['bytes'] / 1e6:.1f}" if row["bytes"] else ""
        speed = f"{slowest / row['milliseconds']:.1f}"
        lines.append([name, size, speed, cell(row["pckh"])])
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(
        description="Measure the course's networks outside PyTorch."
    )
    parser.add_argument(
        "--data", help="a folder of photographs in MPII's layout, with a split valid"
    )
    parser.add_argument(
        "--out",
        default=Path(__file__).parent,
        type=Path,
        help="folder for the file (default: beside this script)",
    )
    given = parser.parse_args()
    study(given.out, given.data)
