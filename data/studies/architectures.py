"""Five architectures, side by side, under one budget (chapter 11).

    python data/studies/architectures.py

trains every network of RUNS with `posecourse.training.train`: the same drawn
people in the same order, equally many, one core each. Afterwards all are
shown the same 1,000 people whom none has seen, stage by stage, and their
speed is measured, one after another. It leaves two files beside itself:

architectures.json    settings, learning curves, scores, costs, times
architectures.npz     every network's predictions and the labels, to score in
                      any other way

Numbers are stored unrounded: they are rounded once, where they are printed.

The learning rate of each network is the better of two, tried in short runs
that are scored on other people. Stop it at any time: the same command goes
on where it was. It takes three quarters of an hour of two cores.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import re
import shutil
import statistics
import time
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import numpy as np
import torch
from pages import percent

from posecourse import evaluation, metrics, models, training
from posecourse.datasets import open_crops
from posecourse.files import atomic_path, plain, write_json
from posecourse.models.profile import summarise
from posecourse.skeletons import MPII
from posecourse.transforms import Augmentation, normalise

SETTINGS = {
    "input_size": 64,
    "margin": 1.25,
    "difficulty": "standard",
    "train_people": 8000,
    "valid_people": 500,
    "test_people": 1000,
    "epochs": 3,
    "batch_size": 16,
    "weight_decay": 0.05,
    "warmup": 0.1,
    "ema": 0.05,
    "sigma": 1.0,
    # tried on the first people of the same, in one epoch
    "rates": [1e-3, 3e-3],
    "trial_people": 4000,
    # that of a short `posecourse train`
    "augmentation": {
        "scale": 0.15,
        "rotation": 15,
        "shift": 0.02,
        "brightness": 0.2,
        "contrast": 0.2,
        "saturation": 0.2,
        "channel_gain": 0.1,
    },
}
# What is trained: a network, its size, its supervision. The first five are the
# document's, made small, and supervised as they were published; the sixth is
# the network of the course.
NETWORKS = {
    "Hourglass": ("hourglass_2", {"width": 96, "depth": 3}, {}),
    "CPM": ("cpm", {"width": 32}, {}),
    "CPN": ("cpn_18", {"width": 64}, {"ohkm_topk": 8}),
    "SimpleBaseline": ("simple_baseline_18", {}, {}),
    "HRNet": ("hrnet_w8", {}, {}),
    "laptop": ("laptop", {}, {}),
    "Hourglass, one stack": ("hourglass_1", {"width": 96, "depth": 3}, {}),
    "Hourglass, last stage judged": (
        "hourglass_2",
        {"width": 96, "depth": 3},
        {"intermediate_supervision": False},
    ),
    "CPM, last stage judged": (
        "cpm",
        {"width": 32},
        {"intermediate_supervision": False},
    ),
    "CPN, all joints": ("cpn_18", {"width": 64}, {}),
}
# A second seed for the variants and what they vary.
VARIED = [
    name
    for name in NETWORKS
    if any(other.startswith(f"{name},") for other in NETWORKS) or "," in name
]
RUNS = [(name, 0) for name in NETWORKS] + [(name, 1) for name in VARIED]
THRESHOLDS = (0.5, 0.2)
COUNTED = metrics.pckh_columns(MPII)


def study(
    folder,
    settings=SETTINGS,
    runs=RUNS,
    scratch="runs/architectures",
    processes=None,
    speed=False,
):
    """Train and score what is not done yet; returns the JSON's content.

    Parameters
    ----------
    folder:
        Where the two files are, or come.
    scratch:
        A folder for the run folders; they may be deleted afterwards.
    processes:
        How many networks are trained at the same time; one core each.
    speed:
        Measure the speed again, of a machine that does nothing else.
    """
    folder, scratch = Path(folder), Path(scratch)
    rows, predictions = finished(folder, settings)
    missing = [run for run in runs if name_of(*run) not in rows]
    if missing:
        test = people_of("test", settings)
        for split in ("train", "valid"):  # drawn once, before they part
            people_of(split, settings)
        predictions |= labels(test, people_of("train", settings))
        rates = choose_rates(missing, scratch, settings, processes)
        jobs = [
            (name, seed, rates[family(name)], scratch / name_of(name, seed), settings)
            for name, seed in missing
        ]
        for (name, seed), (row, points) in side_by_side(
            trained, missing, jobs, processes
        ):
            key = name_of(name, seed)
            predictions[key] = points
            row["pckh"] = [scores(stage / 100, predictions) for stage in points]
            rows[key] = row
            write(folder, rows, predictions, settings)
            print(
                f"{key}: PCKh@0.5 {row['pckh'][-1]['0.5']}, "
                f"{row['cpu_seconds']:.0f} CPU seconds",
                flush=True,
            )
    if speed or not all("milliseconds" in row for row in rows.values()):
        measure(rows, settings)
        write(folder, rows, predictions, settings)
    return json.loads((folder / "architectures.json").read_text("utf-8"))


def name_of(name: str, seed: int) -> str:
    return f"{name}, seed {seed}"


def family(name: str) -> str:
    """Variants take the learning rate of the network they vary."""
    return name.split(",")[0]


def network_of(name: str, settings):
    """A fresh network."""
    model, options, _ = NETWORKS[name]
    return models.build(model, **options_of(options, settings))


def options_of(options, settings):
    return {**options, "input_size": settings["input_size"], "sigma": settings["sigma"]}


def people_of(split: str, settings):
    size = (settings["input_size"],) * 2
    margin = settings["margin"] if split == "train" else 1.0
    return open_crops(
        "synthetic",
        split,
        size,
        settings[f"{split}_people"],
        settings["difficulty"],
        margin,
    )


# ----------------------------------------------------------------- training


def side_by_side(work, names, jobs, processes):
    """Yield each name with what ``work(*job)`` returned, in their order."""
    count = min(processes or os.cpu_count(), len(jobs))
    if count < 2:
        for name, job in zip(names, jobs, strict=True):
            yield name, work(*job)
        return
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(count, mp_context=context) as pool:
        futures = [pool.submit(work, *job) for job in jobs]
        for name, future in zip(names, futures, strict=True):
            yield name, future.result()


def choose_rates(missing, scratch, settings, processes):
    """Family -> the learning rate that did best in one short epoch."""
    known = scratch / "rates.json"
    done = json.loads(known.read_text("utf-8")) if known.exists() else {}
    wanted = [
        (name, rate)
        for name in dict.fromkeys(family(name) for name, _ in missing)
        for rate in settings["rates"]
        if str(rate) not in done.get(name, {})
    ]
    jobs = [
        (name, rate, scratch / f"trial of {name} at {rate}", settings)
        for name, rate in wanted
    ]
    for (name, rate), score in side_by_side(trial, wanted, jobs, processes):
        done.setdefault(name, {})[str(rate)] = score
        scratch.mkdir(parents=True, exist_ok=True)
        write_json(known, done)
        print(f"{name} at a rate of {rate}: {score} in one epoch", flush=True)
    return {name: float(max(tried, key=tried.get)) for name, tried in done.items()}


def trial(name, rate, out, settings):
    """PCKh@0.5 of one epoch at a rate, on people for validation."""
    return train(
        name, 0, rate, out, {**settings, "epochs": 1}, settings["trial_people"]
    )[1][-1][2]


def train(name, seed, rate, out, settings, limit=None):
    """A run folder, begun or gone on with, and its curve.

    With `limit`, the network is trained on the first so many people.

    A line of the curve: pictures seen, seconds of one core, PCKh@0.5.
    """
    torch.set_num_threads(1)
    known = out.with_name(f"{out.name}.curve.json")
    if (out / "config.json").exists() and known.exists():
        config = training.TrainConfig(resume=str(out))
        curve = json.loads(known.read_text("utf-8"))
    else:
        model, options, supervision = NETWORKS[name]
        shutil.rmtree(out, ignore_errors=True)
        config = training.config_for(
            model,
            options_of(options, settings),
            lr=rate,
            seed=seed,
            out=str(out),
            augmentation=Augmentation(**settings["augmentation"]),
            **{
                key: settings[key]
                for key in (
                    "train_people",
                    "valid_people",
                    "difficulty",
                    "margin",
                    "epochs",
                    "batch_size",
                    "weight_decay",
                    "warmup",
                    "ema",
                )
            },
            **supervision,
        )
        curve = []
    spent = curve[-1][1] if curve else 0
    before = time.process_time()

    def note(row):
        if row["epoch"] > len(curve):
            seconds = spent + time.process_time() - before
            curve.append(
                [
                    row["step"] * settings["batch_size"],
                    seconds,
                    row["score"],
                ]
            )
            write_json(known, curve)

    people, valid = (people_of(part, settings) for part in ("train", "valid"))
    if limit:
        people = people.subset(range(limit))
    return training.train(config, (people, valid), note), curve


def trained(name, seed, rate, out, settings):
    """What there is to tell about a network, and its predictions."""
    folder, curve = train(name, seed, rate, out, settings)
    network = models.load_model(folder / "weights.safetensors").eval()
    cost = summarise(network_of(name, settings))
    points = np.stack(
        [
            np.rint(100 * stage).astype(np.int16)
            for stage in predict_stages(network, people_of("test", settings))
        ]
    )
    row = {
        "name": name,
        "seed": seed,
        "model": NETWORKS[name][0],
        "options": plain(network.options),
        "rate": rate,
        "amp": json.loads((folder / "config.json").read_text("utf-8"))["amp"],
        "supervision": NETWORKS[name][2],
        "curve": curve,
        "cpu_seconds": curve[-1][1],
        "parameters": cost.parameters,
        "multiply_adds": cost.multiply_adds,
        "activations": cost.activations,
        "receptive_fields": plain(cost.receptive_fields),
        "map": list(cost.output_sizes[-1][1:]),
    }
    return row, points


@torch.inference_mode()
def predict_stages(network, store):
    """What every stage predicts, ``(N, K, 2)`` pixels of the network's input."""
    found = []
    for start in range(0, len(store), 100):
        crops = torch.from_numpy(np.array(store.crops[start : start + 100]))
        stages = network(normalise(crops.permute(0, 3, 1, 2)))
        found.append([network.decode(stage)[0] for stage in stages])
    return [torch.cat(stage).double().numpy() for stage in zip(*found, strict=True)]


# ------------------------------------------------------------------- speed


def measure(rows, settings, repeats: int = 30):
    """Milliseconds for one picture, and in a step of training, one core.

    The networks take turns, so that a moment in which the machine is busy
    falls on all of them; the median counts. Training is with 16 bits where
    it was.
    """
    short = any(row["amp"] == "bf16" for row in rows.values())
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    names = list(dict.fromkeys(row["name"] for row in rows.values()))
    networks = {
        name: network_of(name, settings).to(memory_format=torch.channels_last)
        for name in names
    }
    side, times = settings["input_size"], {name: ([], []) for name in names}
    batch = torch.randn(settings["batch_size"], 3, side, side).to(
        memory_format=torch.channels_last
    )
    for turn in range(repeats + 3):
        for name, network in networks.items():
            network.eval()
            begun = time.perf_counter()
            with torch.inference_mode():
                network(batch[:1])
            one = time.perf_counter() - begun
            network.train()
            begun = time.perf_counter()
            with torch.autocast("cpu", torch.bfloat16, enabled=short):
                loss = sum(stage.float().square().mean() for stage in network(batch))
            loss.backward()
            step = time.perf_counter() - begun
            if turn >= 3:
                times[name][0].append(1000 * one)
                times[name][1].append(1000 * step / len(batch))
    for row in rows.values():
        row["milliseconds"], row["milliseconds_of_training"] = (
            statistics.median(part) for part in times[row["name"]]
        )
    torch.set_num_threads(threads)


# -------------------------------------------------------------- the results


def labels(test, train):
    """Labels and the mean pose, in pixels of the networks' input."""
    mean = evaluation.mean_pose_of(train, (round(train.window),) * 2)
    return {
        "keypoints": np.array(test.keypoints),
        "visible": np.array(test.visible),
        "head_size": np.array(test.head_size),
        "mean_pose": np.asarray(mean, np.float32),
    }


def hits(points, predictions, threshold):
    """Which joints are found: 1, 0, or NaN without a label."""
    return metrics.pck_hits(
        np.broadcast_to(points, predictions["keypoints"].shape),
        *(predictions[key] for key in ("keypoints", "visible", "head_size")),
        threshold,
    )


def scores(points, predictions):
    """Threshold -> PCKh in percent with its 95 % interval over people."""
    return {
        str(t): percent(
            metrics.bootstrap_interval(hits(points, predictions, t), COUNTED)
        )
        for t in THRESHOLDS
    }


def per_joint(points, predictions):
    """PCKh@0.5 of each joint, percent."""
    return {
        joint: float(100 * share)
        for joint, share in zip(
            MPII.joints, np.nanmean(hits(points, predictions, 0.5), 0), strict=True
        )
    }


def differences(rows, predictions):
    """Variants against what they vary, and the first five; same seed.

    In percentage points of PCKh@0.5, with the paired interval over people.
    """
    for first in rows.values():
        for second in rows.values():
            a, b = first["name"], second["name"]
            order = list(NETWORKS)
            related = ("," in b and family(b) == a) or (
                "," not in a + b and order.index(a) < order.index(b)
            )
            if not related or first["seed"] != second["seed"]:
                continue
            found = metrics.paired_interval(
                *(
                    hits(
                        predictions[name_of(row["name"], row["seed"])][-1] / 100,
                        predictions,
                        0.5,
                    )
                    for row in (first, second)
                ),
                COUNTED,
            )
            yield {
                "first": a,
                "second": b,
                "seed": first["seed"],
                "difference": percent(found),
            }


def write(folder, rows, predictions, settings):
    """Both files, each whole or not at all."""
    for key, row in rows.items():
        row["joints"] = per_joint(predictions[key][-1] / 100, predictions)
    content = {
        "command": "python data/studies/architectures.py",
        "about": "PCKh in percent on drawn people whom no network has seen, "
        "for each stage, with its 95 % interval over people; curve: "
        "pictures seen, CPU seconds, PCKh@0.5 on validation people; scores are "
        "not rounded",
        "torch": torch.__version__.split("+")[0],
        "settings": settings,
        "mean_pose": scores(predictions["mean_pose"], predictions),
        "networks": rows,
        "differences": list(differences(rows, predictions)),
    }
    folder.mkdir(parents=True, exist_ok=True)
    with atomic_path(folder / "architectures.npz") as temporary:
        np.savez_compressed(temporary, **predictions)
    # numbers that belong together on one line
    text = re.sub(
        r"\[[^][{}]*\]",
        lambda m: re.sub(r"\s+", " ", m[0]),
        json.dumps(plain(content), indent=1),
    )
    with atomic_path(folder / "architectures.json") as temporary:
        temporary.write_text(text + "\n", encoding="utf-8")


def finished(folder, settings):
    """What an earlier call with the same settings left."""
    path = folder / "architectures.json"
    if not path.is_file():
        return {}, {}
    study = json.loads(path.read_text("utf-8"))
    if study["settings"] != plain(settings):
        return {}, {}
    with np.load(folder / "architectures.npz") as file:
        predictions = dict(file)
    return {
        key: row for key, row in study["networks"].items() if key in predictions
    }, predictions


def main(argv=None) -> int:
    """Run the command; returns the exit status."""
    parser = argparse.ArgumentParser(
        description="Train five architectures side by side, under one budget."
    )
    parser.add_argument("--out", type=Path, default=Path(__file__).resolve().parent)
    parser.add_argument(
        "--processes",
        type=int,
        help="networks trained at the same time (default: one per core)",
    )
    parser.add_argument(
        "--speed",
        action="store_true",
        help="measure the speed of the networks again, on a quiet machine",
    )
    args = parser.parse_args(argv)
    study(args.out, processes=args.processes, speed=args.speed)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
