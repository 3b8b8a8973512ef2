"""What each ingredient brings on photographs.

    python data/studies/photographs.py --data data/lspet

trains the networks of SETTINGS on the `train` people of a folder in MPII's
layout, with several seeds each, and shows its `valid` people to all of
them. The base network's output is then read in other ways too, with the
weights it has. Every variant differs from the base in one thing. It leaves
two files beside itself, and a table in README.md:

photographs.json    settings, learning curves, scores, differences
photographs.npz     the predictions and the labels, to score in any other way;
                    no picture, nor anything that one could be made from

Numbers are stored unrounded: they are rounded once, where they are printed.

Joints are counted as found within a fifth of the torso (left shoulder to
right hip); who has no torso labelled is left out. Stop it at any time: the
same command goes on where it was. It takes half an hour of two cores.
"""

import argparse
import json
import os
import platform
from dataclasses import asdict, replace
from pathlib import Path

import cv2
import numpy as np
import torch
from pages import cell, percent, write_table

from posecourse import evaluation, metrics, models, training
from posecourse.datasets import open_crops
from posecourse.device import choose_device
from posecourse.files import atomic_path, plain, write_json
from posecourse.geometry import resize_points
from posecourse.skeletons import MPII
from posecourse.training import TrainConfig, TrainingError, config_for
from posecourse.training.curves import read_log
from posecourse.transforms import standard_crop

ROOT = Path(__file__).resolve().parents[2]
DRAWN = "data/weights/laptop/weights.safetensors"
SETTINGS = {
    "model": "laptop",
    "preset": "photos",
    "epochs": 4,
    "seeds": [0, 1],
    "networks": {
        "base": {"options": {"input_size": 64}, "init": DRAWN},
        "scratch": {"options": {"input_size": 64}, "init": None},
        "larger": {"options": {"input_size": 96}, "init": DRAWN},
    },
}
# Who predicts: a network, which of its weights (the average over the last
# steps, or those of the last step), and how its output is read.
PREDICTORS = {
    "base": ("base", "average", {}),
    "scratch": ("scratch", "average", {}),
    "larger": ("larger", "average", {}),
    "last": ("base", "model", {}),
    "quarter": ("base", "average", {"decoder": "quarter"}),
    "argmax": ("base", "average", {"decoder": "argmax"}),
    "flip": ("base", "average", {"flip_test": True}),
}
NAMES = {
    "base": "the base: 64 pixels, pre-trained, averaged weights, DARK",
    "scratch": "from scratch",
    "larger": "96 pixels",
    "last": "the last step's weights",
    "quarter": "read by quarter shift",
    "argmax": "read by arg max",
    "flip": "flip test",
    "mean pose": "the mean pose of the training people",
    "center pose": "all joints in the middle",
}
# What is gained: by whom, over whom.
GAINS = {
    "pre-training on drawn people": ("base", "scratch"),
    "96 pixels instead of 64": ("larger", "base"),
    "averaging the weights": ("base", "last"),
    "quarter shift instead of arg max": ("quarter", "argmax"),
    "DARK instead of quarter shift": ("base", "quarter"),
    "flip test": ("flip", "base"),
}
SEED = "nothing but another seed"
THRESHOLDS = (0.2, 0.1)
COUNTED = metrics.pckh_columns(MPII)


def study(data, folder, settings=SETTINGS, runs="runs/photographs"):
    """Train and predict what is not done yet; returns the JSON's content.

    Parameters
    ----------
    data:
        A folder in MPII's layout.
    folder:
        Where the two files are, or come.
    runs:
        A folder for the run folders; they may be deleted afterwards.
    """
    folder = Path(folder)
    rows, predictions = finished(folder, settings)
    for seed in settings["seeds"]:
        for network in settings["networks"]:
            name = name_of(network, seed)
            if name in rows:
                continue
            config = config_of(network, seed, data, settings)
            run = trained(config, Path(runs) / name)
            predictions = predictions_of(
                run, network, seed, config, predictions, settings
            )
            rows[name] = {"network": network, "seed": seed, **about(run)}
            write(folder, summary(rows, predictions, settings), predictions)
    result = json.loads((folder / "photographs.json").read_text("utf-8"))
    write_table(folder / "README.md", "photographs.py", table(result))
    return result


def name_of(who, seed):
    return f"{who}-{seed}"


def config_of(network, seed, data, settings):
    """Everything that decides how a run ends."""
    changes = dict(settings["networks"][network])
    if changes["init"]:
        changes["init"] = str(ROOT / changes["init"])
    return config_for(
        settings["model"],
        preset=settings["preset"],
        epochs=settings["epochs"],
        seed=seed,
        data=str(data),
        **changes,
    )


def trained(config, run):
    """A finished run's folder: trained now, or as far as was left to do.

    Raises
    ------
    TrainingError
        If the folder holds a run with other settings.
    """
    if not (run / "config.json").is_file():
        return training.train(replace(config, out=str(run)))
    old, new = asdict(training.read_config(run)), asdict(config)
    # what the run wrote itself, or does not decide how it ends
    written = {"amp", "device", "out", "resume", "people", "conventions"}
    for key in set(new) - written:
        if plain(old[key]) != plain(new[key]):
            raise TrainingError(
                f"{run} holds a run with another {key}: {old[key]!r}, "
                f"not {new[key]!r}. Delete it, or choose another --runs"
            )
    if not (run / "evaluation.json").is_file():
        training.train(TrainConfig(resume=str(run), device=config.device))
    return run


def about(run):
    """What there is to tell about a run."""
    config = json.loads((run / "config.json").read_text("utf-8"))
    log = read_log(run)
    speed = max(row["images_per_second"] for row in log)
    return {
        "options": config["options"],
        "init": bool(config["init"]),
        "amp": config["amp"],
        "steps": int(log[-1]["step"]),
        "curve": [row["score"] for row in log],
        # of the epoch that other programs disturbed least
        "epoch_seconds": round(log[0]["step"] * config["batch_size"] / speed),
    }


# ------------------------------------------------------------- predictions


def predictions_of(run, network, seed, config, known, settings):
    """What is known, the labels before all, and a network's predictions.

    Everything in pixels of the base network's input; predictions in
    hundredths of them, which loses nothing that counts.
    """
    size = max(config_of("base", seed, config.data, settings).input_size)
    model = models.load_model(run / "weights.safetensors")
    model.to(choose_device())
    store = open_crops(config.data, "valid", model.input_size, margin=config.margin)
    new = labels(model, store, size)
    if not known:
        known = new
    elif not (
        np.array_equal(new["visible"], known["visible"])
        and np.allclose(new["keypoints"], known["keypoints"], atol=1e-3, equal_nan=True)
    ):
        raise TrainingError(
            f"{config.data}: these are not the people whom "
            "the other networks were shown"
        )
    found, scale = dict(known), size / max(model.input_size)
    saved = torch.load(run / "last.pt", map_location="cpu", weights_only=True)
    for who, (source, weights, options) in PREDICTORS.items():
        if source == network:
            model.load_state_dict(saved[weights])
            _, _, points = evaluation.predict_crops(model, store, **options)
            found[name_of(who, seed)] = np.rint(
                100 * resize_points(points, scale)
            ).astype(np.int16)
    return found


def labels(model, store, size):
    """Of the people, and the mean pose, in pixels of an input."""
    crop = standard_crop(store.size, store.window, (size, size))
    mean = np.array(json.loads(model.metadata["mean_pose"]), float)
    mean = resize_points(mean, size / max(model.input_size))
    return {
        "keypoints": crop.apply(store.keypoints).astype(np.float32),
        "visible": store.visible,
        "mean_pose": mean.astype(np.float32),
    }


def hits(points, predictions, threshold):
    """As `metrics.pck_hits`, in torsos, for the people of the study."""
    keypoints, visible = predictions["keypoints"], predictions["visible"]
    torso = metrics.torso_size(keypoints, visible, MPII)
    known = torso > 0
    return metrics.pck_hits(
        np.broadcast_to(points, keypoints.shape),
        keypoints,
        visible * known[:, None],
        np.where(known, torso, 1),
        threshold,
    )


# ---------------------------------------------------------------- results


def scores(points, predictions):
    """Threshold -> PCK with its interval."""
    return {
        str(t): percent(
            metrics.bootstrap_interval(hits(points, predictions, t), COUNTED)
        )
        for t in THRESHOLDS
    }


def gain(first, second, predictions):
    """Threshold -> PCK of the first minus that of the second."""
    points = [predictions[name] / 100 for name in (first, second)]
    return {
        str(t): percent(
            metrics.paired_interval(*(hits(p, predictions, t) for p in points), COUNTED)
        )
        for t in THRESHOLDS
    }


def gains(predictions, settings):
    """What is gained by what, seed by seed, where both have predicted."""
    seeds = settings["seeds"]
    pairs = [
        (what, seed, name_of(a, seed), name_of(b, seed))
        for what, (a, b) in GAINS.items()
        for seed in seeds
    ]
    pairs += [
        (SEED, seed, name_of("base", seed), name_of("base", seeds[0]))
        for seed in seeds[1:]
    ]
    return [
        {
            "by": what,
            "seed": seed,
            "first": a,
            "second": b,
            "pck": gain(a, b, predictions),
        }
        for what, seed, a, b in pairs
        if {a, b} <= set(predictions)
    ]


def summary(rows, predictions, settings):
    """What the JSON holds."""
    first = settings["seeds"][0]
    base = plain(asdict(config_of("base", first, "", settings)))
    size = max(config_of("base", first, "", settings).input_size)
    trivial = {
        "mean pose": predictions["mean_pose"],
        "center pose": metrics.center_pose(MPII, size),
    }
    counted = hits(trivial["center pose"], predictions, THRESHOLDS[0])[:, COUNTED]
    labelled = ~np.isnan(counted)
    return {
        "command": "python data/studies/photographs.py --data data/lspet",
        "about": "PCK of the torso in percent: threshold -> value and 95 % "
        "interval over people; gains are paired; scores are not rounded",
        "versions": {
            "python": platform.python_version(),
            "torch": torch.__version__,
            "numpy": np.__version__,
            "opencv": cv2.__version__,
            "cores": os.cpu_count(),
        },
        "settings": settings,
        "recipe": {
            key: base[key]
            for key in (
                "batch_size",
                "lr",
                "weight_decay",
                "schedule",
                "warmup",
                "clip",
                "ema",
                "loss",
                "margin",
                "augmentation",
            )
        },
        "people": {
            "shown": len(labelled),
            "scored": labelled.any(1).sum(),
            "joints": labelled.sum(),
        },
        "networks": rows,
        "trivial": {
            name: scores(points, predictions) for name, points in trivial.items()
        },
        "predictions": {
            name: scores(points / 100, predictions)
            for name, points in predictions.items()
            if "-" in name
        },
        "gains": gains(predictions, settings),
    }


def finished(folder, settings):
    """What an earlier study with these settings has left."""
    try:
        old = json.loads((folder / "photographs.json").read_text("utf-8"))
        with np.load(folder / "photographs.npz") as file:
            predictions = dict(file)
    except FileNotFoundError:
        return {}, {}
    if old["settings"] != plain(settings):
        return {}, {}
    return old["networks"], predictions


def write(folder, result, predictions):
    """Predictions first: a network in the JSON has its predictions stored."""
    with atomic_path(folder / "photographs.npz") as path:
        np.savez_compressed(path, **predictions)
    write_json(folder / "photographs.json", result)


# ------------------------------------------------------------------ table


def table(result):
    """Scores, then what is gained by what, as Markdown."""
    seeds = result["settings"]["seeds"]
    columns = [f"PCK@{t}, seed {seed}" for t in THRESHOLDS for seed in seeds]
    lines = [["", *columns], ["---"] * (len(columns) + 1)]
    for who in PREDICTORS:
        lines.append(
            [
                NAMES[who],
                *(
                    cell(result["predictions"][name_of(who, seed)][str(t)])
                    for t in THRESHOLDS
                    for seed in seeds
                ),
            ]
        )
    for who, pck in result["trivial"].items():
        lines.append(
            [
                NAMES[who],
                *(
                    cell(pck[str(t)]) if seed == seeds[0] else "no seed"
                    for t in THRESHOLDS
                    for seed in seeds
                ),
            ]
        )
    lines += [[], ["gained by", *columns], ["---"] * (len(columns) + 1)]
    for what in (*GAINS, SEED):
        found = {g["seed"]: g["pck"] for g in result["gains"] if g["by"] == what}
        lines.append(
            [
                what,
                *(
                    cell(found[seed][str(t)], "+") if seed in found else ""
                    for t in THRESHOLDS
                    for seed in seeds
                ),
            ]
        )
    return "\n".join(f"| {' | '.join(line)} |" if line else "" for line in lines)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(
        description="Measure what each ingredient brings on photographs."
    )
    parser.add_argument(
        "--data",
        required=True,
        help="a folder of "
        "photographs in MPII's layout, with the splits "
        "train and valid",
    )
    parser.add_argument(
        "--out",
        default=Path(__file__).parent,
        type=Path,
        help="folder for the two files (default: beside this script)",
    )
    parser.add_argument(
        "--runs", default="runs/photographs", type=Path, help="folder for the runs"
    )
    given = parser.parse_args()
    study(given.data, given.out, runs=given.runs)
