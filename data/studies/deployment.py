"""What the course's networks cost elsewhere than in PyTorch, and what they bear.

    python data/studies/deployment.py --data data/lspet --peers package

has six parts, and leaves one file beside itself, ``deployment.json``:

runtimes      the network `laptop` in PyTorch, onnxruntime and OpenCV, in 32 and
              8 bits, its ranges measured on people and on what is none
photos        the network `photos` likewise, on the photographs of --data
engines       milliseconds of the course's networks on one core and on two, and of
              BlazePose in its three sizes (--peers, as for ``peers.py``)
distillation  a network of a ninth of the size of `laptop`, the same budget with
              labels, with `laptop` as a teacher, and with both
robustness    `laptop` on drawn people, with one thing made worse at a time
photographs   `photos` on the photographs of --data, likewise

Times are seconds of one core, not those in which others had it, in the fastest
of many rounds in which all take turns. Their quotients can be trusted, their size
belongs to the machine. Scores are in percent, with 95 %
intervals over the people who were shown. Stop it at any time: the same command
goes on with the next part. It takes ten minutes of one core. What needs --data or
--peers stays as it is without.
"""

import argparse
import json
import platform
import tempfile
import time
from dataclasses import replace
from functools import partial
from pathlib import Path

import cv2
import numpy as np
import onnxruntime
import torch
from pages import cell, percent, write_table
from peers import DETECTOR, LIMBS, WINDOW, load_peers
from peers import SETTINGS as PEERS

from posecourse import deploy, losses, metrics, models
from posecourse.datasets import SyntheticPeople, crop_in_memory
from posecourse.datasets.registry import open_dataset
from posecourse.datasets.synthetic.staging import DIFFICULTIES
from posecourse.deploy.export import calibration_images
from posecourse.evaluation import mean_pose_of, predict_crops
from posecourse.evaluation.scoring import pck_normalizer
from posecourse.files import plain, read_json, write_json
from posecourse.geometry import Crop
from posecourse.models import load_model
from posecourse.models.base import last_stage
from posecourse.models.pretrained import pretrained
from posecourse.models.profile import summarise
from posecourse.skeletons import MPII
from posecourse.training import (
    LossTerms,
    RunFolder,
    SinglePerson,
    config_for,
    fit,
)

SETTINGS = {
    "size": 64,
    "test_people": 200,
    "calibration_people": 100,
    "rounds": 30,
    "photos": {"size": 128, "people": 1000, "calibration_people": 200},
    "networks": ["laptop", "posenet", "photos"],
    "distillation": {
        "width": 8,
        "people": 2000,
        "few": 50,
        "test_people": 500,
        "steps": 600,
        "batch_size": 16,
        "seeds": [0, 1],
        # how much of the target is the teacher's, and who has labels
        "arms": {
            "labels": [0.0, "people"],
            "labels and teacher": [0.5, "people"],
            "teacher, no labels": [1.0, "people"],
            "few labels": [0.0, "few"],
        },
    },
    "robustness": {
        "people": 150,
        "rotation": [0, 30, 60, 90, 135, 180],
        "pitch": [0, 20, 40, 60, 80],
        "loose": [0.5, 1.0, 1.5, 2.0, 3.0],
    },
}
COUNTED = metrics.pckh_columns(MPII)


def study(folder, data=None, peers=None, settings=SETTINGS):
    """Measure what is not measured yet; returns the JSON's content.

    Parameters
    ----------
    data:
        A folder of photographs, or None.
    peers:
        What `load_peers` of ``peers.py`` gives, or None.
    """
    path = Path(folder) / "deployment.json"
    result = read_json(path) if path.is_file() else {}
    if result.get("settings") != plain(settings):
        result = {}
    parts = {
        "runtimes": runtimes,
        "photos": partial(photo_runtimes, data=data),
        "engines": partial(engines, data=data, peers=peers),
        "distillation": distillation,
        "robustness": drawn_robustness,
        "photographs": partial(photo_robustness, data=data),
    }
    missing = {"photos", "engines", "photographs"} if data is None else set()
    missing |= {"engines"} if peers is None else set()
    for name, measure in parts.items():
        if name in result or name in missing:
            continue
        result = {**about(settings), **result, name: plain(measure(settings))}
        write_json(path, result)
    write_table(path.with_name("README.md"), "deployment.py", table(result))
    return result


def about(settings):
    """What stands above the parts."""
    return {
        "command": "python data/studies/deployment.py --data data/lspet "
        "--peers package",
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


def photographs(data, split, count, settings):
    """The first people of a split, cut out for `photos`."""
    people = open_dataset(data, split).first(count)
    return crop_in_memory(people, settings["photos"]["size"], 1.0, workers=1)


def hits_of(points, store):
    """PCKh@0.5, or PCK@0.2 where heads are unknown: which joints are found."""
    size, visible, _, threshold = pck_normalizer(store)
    return metrics.pck_hits(points, store.keypoints, visible, size, threshold)


def pck(points, store, joints=COUNTED):
    """Its mean, and its interval."""
    return percent(metrics.bootstrap_interval(hits_of(points, store), joints))


def shipped(name):
    """A network that comes with the course."""
    return load_model(pretrained(name) / "weights.safetensors")


def looks(networks):
    """Functions that look at one picture, by name."""
    found = {}
    for name, network in networks.items():
        width, height = network.input_size
        found[name] = partial(network, torch.zeros(1, 3, height, width))
    return found


def times(functions, settings, threads=1):
    """Milliseconds of each; of one thread those it computes, else those it takes.

    For these there are ten times as many rounds: to find one in which nobody else
    wanted the second core.
    """
    torch.set_num_threads(threads)
    cv2.setNumThreads(threads)
    clock = time.process_time if threads == 1 else time.perf_counter
    rounds = settings["rounds"] * (1 if threads == 1 else 10)
    with torch.inference_mode():
        seconds = deploy.relative_times(functions, rounds, clock=clock)
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
    test = drawn(settings["test_people"], "test", settings)
    return compared(network, ranges, test, settings)


def photo_runtimes(settings, data):
    """`photos` likewise, shown photographs."""
    network, options = shipped("photos"), settings["photos"]
    size, count = options["size"], options["calibration_people"]
    people = photographs(data, "train", count, settings)
    drawings = crop_in_memory(SyntheticPeople(count, size=size), size, 1.0, workers=1)
    ranges = {
        "int8": {"images": people},
        "int8, one range a layer": {"images": people, "per_channel": False},
        "int8, ranges of drawn people": {"images": drawings},
    }
    test = photographs(data, "valid", options["people"], settings)
    return compared(network, ranges, test, settings)


def compared(network, ranges, test, settings):
    """A network on every engine, and in 8 bits with each of some ranges."""
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
        milliseconds = times(looks(known), settings)
        hits = {n: hits_of(predict_crops(k, test)[0], test) for n, k in known.items()}
    return {
        name: {
            "milliseconds": milliseconds[name],
            "bytes": sizes.get(name),
            "pckh": percent(metrics.bootstrap_interval(hit, COUNTED)),
            "limbs": percent(metrics.bootstrap_interval(hit, LIMBS)),
            "gain": percent(metrics.paired_interval(hit, hits["PyTorch"], COUNTED)),
        }
        for name, hit in hits.items()
    }


# ----------------------------------------------------------------- engines


def engines(settings, data, peers):
    """Milliseconds of one crop, one core; and of ours on two, as a clock has it."""
    functions, both = {}, {}
    with tempfile.TemporaryDirectory() as folder:
        for name in settings["networks"]:
            network, path = shipped(name), Path(folder, f"{name}.onnx")
            deploy.export_onnx(network, path)
            deploy.quantise(path, seen_by(name, settings, data), f"{path}8")
            files = {"onnxruntime": path, "int8": f"{path}8"}
            functions |= looks({f"{name}, PyTorch": network})
            for threads, found in ((1, functions), (2, both)):
                found |= looks(
                    {
                        f"{name}, {engine}": deploy.load_exported(p, threads=threads)
                        for engine, p in files.items()
                    }
                )
        rng = np.random.default_rng(0)
        for name, peer in peers.items():
            side = DETECTOR if name == "detector" else WINDOW
            picture = rng.random((side, side, 3), np.float32)
            functions[f"BlazePose {name}"] = partial(peer, picture)
        return {
            "one core": times(functions, settings),
            "two cores": times(both, settings, threads=2),
        }


def seen_by(name, settings, data):
    """People to measure the ranges of a network on."""
    if name == "photos":
        return photographs(data, "train", settings["calibration_people"], settings)
    return drawn(settings["calibration_people"], "train", settings)


# ------------------------------------------------------------ distillation


class Distilled(SinglePerson):
    """One person, where a teacher says how the heatmaps should look.

    Mean squared error from labels and from a teacher, weighed, has the same
    gradient as that from the weighed mean of both: so the target is mixed.

    Parameters
    ----------
    teacher:
        A network of heatmaps of the same size.
    share:
        How much of the target is the teacher's, 0...1; 1 needs no label.
    """

    def __init__(self, *arguments, teacher, share):
        super().__init__(*arguments)
        self.teacher, self.share = teacher, share

    def loss(self, network, batch):
        output = last_stage(network(batch.images)).float()
        target, weights = network.representation.encode(batch.keypoints, batch.visible)
        if self.share:
            with torch.no_grad():
                taught = last_stage(self.teacher(batch.images))
            target = (1 - self.share) * target + self.share * taught
        if self.share == 1:
            target, weights = taught, torch.ones_like(weights)
        loss = losses.heatmap_mse(output, target, weights, reduction="none")
        return LossTerms(loss.sum()[None], weights.sum()[None])


def distillation(settings):
    """A small network, the same steps with labels, with a teacher, with both."""
    options = settings["distillation"]
    wide = round(1.25 * settings["size"])  # room to turn
    people = SyntheticPeople(options["people"], size=wide, margin=1.25)
    people = crop_in_memory(people, wide, 1.25, workers=1)
    test = drawn(options["test_people"], "test", settings)
    some = {"people": people, "few": people.subset(np.arange(options["few"]))}
    student = models.build("laptop", width=options["width"])
    counted = {n: summarise(k) for n, k in
               (("teacher", shipped("laptop")), ("student", student))}  # fmt: skip
    found, hits = {}, {}
    with tempfile.TemporaryDirectory() as folder:
        teacher = eight_bits("laptop", people, Path(folder))
        for arm, (share, who) in options["arms"].items():
            for seed in options["seeds"]:
                path = Path(folder, f"{arm} {seed}")
                network = pupil(some[who], test, teacher, share, seed, path, options)
                key = f"{arm}, seed {seed}"
                hits[key] = hits_of(predict_crops(network, test)[0], test)
                found[key] = percent(metrics.bootstrap_interval(hits[key], COUNTED))
        hits["teacher"] = hits_of(predict_crops(teacher, test)[0], test)
    mean = np.broadcast_to(mean_pose_of(people, (settings["size"],) * 2),
                           test.keypoints.shape)  # fmt: skip
    together = {a: pooled(hits, a, options["seeds"]) for a in options["arms"]}
    return {
        "networks": {n: {"parameters": c.parameters, "multiply_adds": c.multiply_adds}
                     for n, c in counted.items()},
        "runs": found,
        "teacher": percent(metrics.bootstrap_interval(hits["teacher"], COUNTED)),
        "mean pose": pck(mean, test),
        "arms": {arm: percent(metrics.bootstrap_interval(h, COUNTED))
                 for arm, h in together.items()},
        "gains": {arm: percent(metrics.paired_interval(h, together["labels"], COUNTED))
                  for arm, h in together.items()},
    }  # fmt: skip


def pooled(hits, arm, seeds):
    """A person's joints under all seeds, side by side: they stay one person."""
    return np.mean([hits[f"{arm}, seed {seed}"] for seed in seeds], axis=0)


def eight_bits(name, people, folder):
    """A network that comes with the course, as fast as it gets."""
    path = folder / "network.onnx"
    deploy.export_onnx(shipped(name), path)
    deploy.quantise(path, people, folder / "eight.onnx")
    return deploy.load_exported(folder / "eight.onnx", threads=1)


def pupil(people, test, teacher, share, seed, path, options):
    """A small network, trained."""
    config = config_for(
        "laptop",
        options={"width": options["width"]},
        epochs=1,
        batch_size=options["batch_size"],
        validate_every=options["steps"],
        device="cpu",
        seed=seed,
    )
    torch.manual_seed(seed)
    network = models.build("laptop", width=options["width"])
    device = torch.device("cpu")
    task = Distilled(
        config, people, test.subset(np.arange(20)), network, device,
        teacher=teacher, share=share,
    )  # fmt: skip
    with RunFolder.create(path, "pupil") as run:
        return fit(network, task, config, run, on_epoch=lambda row: None)


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
    settings = {**settings, "size": settings["photos"]["size"]}
    count = settings["robustness"]["people"]
    people = open_dataset(data, "valid").first(count)
    store = photographs(data, "valid", count, settings)
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
    """What engines and teachers change, as Markdown."""
    tables = []
    for part, name, score in (
        ("runtimes", "laptop", "PCKh@0.5"),
        ("photos", "photos", "PCK (torso)@0.2"),
    ):
        rows = result.get(part, {})
        lines = [[f"`{name}` in", "MB", "times PyTorch's speed", score]]
        for engine, row in rows.items():
            size = f"{row['bytes'] / 1e6:.1f}" if row["bytes"] else ""
            speed = rows["PyTorch"]["milliseconds"] / row["milliseconds"]
            lines.append([engine, size, f"{speed:.1f}", cell(row["pckh"])])
        tables += [lines] if rows else []
    taught = result["distillation"]
    seeds = SETTINGS["distillation"]["seeds"]
    lines = [["a small network learns from", *(f"seed {s}" for s in seeds), "gain"]]
    for arm, gain in taught["gains"].items():
        runs = (cell(taught["runs"][f"{arm}, seed {seed}"]) for seed in seeds)
        lines.append([arm, *runs, "" if arm == "labels" else cell(gain, "+")])
    return "\n\n".join(markdown(lines) for lines in [*tables, lines])


def markdown(lines):
    """A table's lines, its head first."""
    head, *rest = lines
    rows = [head, ["---"] * len(head), *rest]
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


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
    parser.add_argument("--peers", help="the unpacked package @mediapipe/pose")
    given = parser.parse_args()
    known = given.peers and load_peers(given.peers, PEERS["peers"])
    study(given.out, given.data, known)
