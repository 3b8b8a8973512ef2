"""Ways to predict where a joint is, under one budget (chapter 5).

    python data/studies/representations.py

trains every network of RUNS with `posecourse.training.train`: for the same
number of steps, on the same drawn people in the same order. All are then
shown the same 1,000 people whom none has seen. It leaves two files beside
itself:

representations.json    settings, learning curves, scores, costs
representations.npz     the predictions of the networks with seed 0 and all
                        people, to score in any other way

Numbers are stored unrounded: they are rounded once, where they are printed.

Stop it at any time: a network that is finished stays finished, until the
settings change. One core is used; it takes half an hour to an hour.
"""

import argparse
import json
import re
import tempfile
import time
from pathlib import Path

import numpy as np
import torch

from posecourse import metrics, models, training
from posecourse.datasets import SyntheticPeople, crop_in_memory
from posecourse.evaluation import mean_pose_of
from posecourse.files import atomic_path, plain
from posecourse.skeletons import MPII
from posecourse.transforms import Augmentation, normalise

SETTINGS = {
    "input_size": 64,
    "width": 16,
    "margin": 1.25,
    "difficulty": "standard",
    "test_people": 1000,
    "steps": 1200,
    "batch_size": 32,
    "weight_decay": 0.05,
    "warmup": 0.1,
    # the best of a few, tried on other people in short runs
    "lr": {
        "heatmap": 8e-3,
        "soft_argmax": 8e-3,
        "simcc": 8e-3,
        "regression": 8e-3,
        "fc": 2e-3,
        "rle": 2e-3,
    },
    "curve_points": 4,
    "stability_people": 200,
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
# (head, people to train on, seed)
RUNS = [
    (head, people, seed)
    for people, seed in ((8000, 0), (8000, 1), (500, 0), (2000, 0))
    for head in ("heatmap", "soft_argmax", "simcc", "regression")
]
RUNS[4:4] = [("fc", 8000, 0), ("rle", 8000, 0)]
THRESHOLDS = (0.5, 0.2, 0.1)
COUNTED = metrics.pckh_columns(MPII)


def study(folder, settings=SETTINGS, runs=RUNS):
    """Train and score what is not done yet; returns the JSON's content."""
    folder = Path(folder)
    rows, predictions = finished(folder, settings)
    missing = [run for run in runs if name_of(*run) not in rows]
    if missing:
        most = max(people for _, people, _ in runs)
        everybody = draw(most, "train", settings)
        test = draw(settings["test_people"], "test", settings)
        predictions |= labels(everybody, test)
    for head, people, seed in missing:
        name = name_of(head, people, seed)
        network, row = trained(
            head, everybody.subset(range(people)), test, seed, settings
        )
        found = predictions_of(network, test)
        row["pckh"] = scores(found["points"] / 100, predictions)
        if (people, seed) == runs[0][1:]:
            predictions |= {f"{name}/{key}": value for key, value in found.items()}
            row["stability"] = stability(
                network, test.subset(range(settings["stability_people"]))
            )
        rows[name] = {"head": head, "people": people, "seed": seed, **row}
        write(folder, summary(rows, predictions, settings), predictions)
        print(
            f"{name}: PCKh@0.5 {row['pckh']['0.5'][0]:.1f}, "
            f"{row['cpu_seconds']:.0f} CPU seconds",
            flush=True,
        )
    return json.loads((folder / "representations.json").read_text("utf-8"))


def name_of(head, people, seed):
    return f"{head}-{people}-{seed}"


def draw(count, split, settings):
    """People on pictures a margin larger than what the networks see."""
    people = SyntheticPeople(
        count,
        size=round(settings["margin"] * settings["input_size"]),
        difficulty=settings["difficulty"],
        margin=settings["margin"],
        split=split,
    )
    return crop_in_memory(people, people.size, people.margin)


def config_of(head, seed, settings, out):
    """Everything that decides how a run ends.

    An "epoch" is the way from one point of the curve to the next.
    """
    points = settings["curve_points"]
    if settings["steps"] % points:
        raise ValueError(
            f"{settings['steps']} steps cannot be divided into {points} equal parts, "
            "one for each point of the curve"
        )
    return training.config_for(
        f"head_{head}",
        {key: settings[key] for key in ("input_size", "width")},
        epochs=points,
        validate_every=settings["steps"] // points,
        lr=settings["lr"][head],
        seed=seed,
        ema=0.0,  # the last step's weights
        amp="fp32",
        augmentation=Augmentation(**settings["augmentation"]),
        out=str(out),
        **{
            key: settings[key]
            for key in ("batch_size", "weight_decay", "warmup", "margin")
        },
    )


def trained(head, store, test, seed, settings):
    """A network, and what there is to tell about its run.

    The CPU seconds include those of the curve's points.
    """
    curve, begun = [], time.process_time()

    def note(row):
        spent = time.process_time() - begun
        curve.append((row["step"], row["score"], spent))

    with tempfile.TemporaryDirectory() as scratch:
        run = training.train(
            config_of(head, seed, settings, Path(scratch, "run")), (store, test), note
        )
        network = models.load_model(run / "weights.safetensors")
    return network, {
        "curve": [[step, score] for step, score, _ in curve],
        "cpu_seconds": curve[-1][2],
        "parameters": sum(p.numel() for p in network.parameters()),
    }


def border(store):
    """Pixels on each side that lie outside the standard window."""
    return (store.size - round(store.window)) // 2


@torch.inference_mode()
def predict(network, store, decoder=None, right=0, change=None):
    """Where a network predicts everybody's joints, input pixels, and its scores.

    The window is moved `right` by whole pixels; `change` is done to the
    pictures (N, 3, H, W), 0 to 255; `decoder` is how heatmaps are read,
    instead of the network's own way.
    """
    edge, side = border(store), round(store.window)
    found = []
    for start in range(0, len(store), 250):
        crops = store.crops[
            start : start + 250, edge : edge + side, edge + right : edge + right + side
        ]
        images = torch.from_numpy(crops.copy()).permute(0, 3, 1, 2)
        if change:
            images = change(images).to(torch.uint8)
        found.append(network.predict(normalise(images), decoder=decoder))
    points, scores = (
        torch.cat(part).double().numpy() for part in zip(*found, strict=True)
    )
    return points, scores


# ---------------------------------------------------------------- stability


def stability(network, store):
    """How far predictions move when the pictures change, in head sizes.

    Shares are of joints that move by more than half a head.
    """
    size, edge = network.input_size[0], border(store)
    truth = store.keypoints - edge
    labelled = np.where(store.visible > 0, 1.0, np.nan)
    before, _ = predict(network, store)

    def moved(points, by=0):
        off = np.linalg.norm(points + (by, 0) - before, axis=-1)
        return off / store.head_size[:, None] * labelled

    def right(points):
        return metrics.pck_hits(points, truth, store.visible, store.head_size, 0.5)

    shifts = range(-edge, edge + 1)
    shifted = [predict(network, store, right=d)[0] for d in shifts]
    followed = [(before - p)[..., 0] * labelled for p in shifted]
    slope = np.array(shifts) / np.sum(np.square(shifts))
    result = {
        # the window moves right by d, so the joints move left by d
        "shift": list(shifts),
        "followed": [float(np.nanmean(f)) for f in followed],
        "gain": interval(np.tensordot(slope, followed, 1)),
        "shift_moved": [
            float(np.nanmean(moved(p, d))) for d, p in zip(shifts, shifted, strict=True)
        ],
        "pckh": percent(right(before), COUNTED),
        "noise": {},
    }
    for level in (0.02, 0.05, 0.1):
        points, _ = predict(network, store, change=noisy(level))
        result["noise"][str(level)] = {
            "moved": interval(moved(points)),
            "median": float(np.nanmedian(moved(points))),
            "jumped": percent(over_half(moved(points))),
            "pckh": percent(right(points), COUNTED),
        }
    covered, away = [], []
    for left, top in np.ndindex(size // SQUARE, size // SQUARE):
        points, _ = predict(network, store, change=cover(left, top))
        middle = np.array([left, top]) * SQUARE + (SQUARE - 1) / 2
        gap = np.abs(truth - middle).max(-1) - SQUARE / 2  # NaN is neither
        covered.append(np.where(gap <= 0, moved(points), np.nan))
        away.append(np.where(gap >= FAR, moved(points), np.nan))
    for name, parts in (("covered", covered), ("far", away)):
        parts = np.concatenate(parts, 1)  # (N, squares * K)
        result[name] = {
            "moved": interval(parts),
            "median": float(np.nanmedian(parts)),
            "jumped": percent(over_half(parts)),
        }
    return result


# Side of a grey square, pixels, and how far "far" joints are from it.
SQUARE, FAR = 12, 8


def noisy(level):
    """Noise of a standard deviation, in 0...1, the same for everybody."""

    def change(images):
        noise = torch.randn(
            images.shape[1:], generator=torch.Generator().manual_seed(0)
        )
        return (images + 255 * level * noise).clamp(0, 255)

    return change


def cover(left, top):
    """A grey square, by its place in a grid."""

    def change(images):
        images = images.clone()
        images[
            ..., top * SQUARE : (top + 1) * SQUARE, left * SQUARE : (left + 1) * SQUARE
        ] = 128
        return images

    return change


def over_half(moved):
    return np.where(np.isnan(moved), np.nan, moved > 0.5)


# -------------------------------------------------------------- the results


def interval(values):
    """Mean of (N, ...) numbers, NaN left out; its interval over people."""
    return list(metrics.bootstrap_interval(values)[:3])


def percent(hits, columns=None):
    """The same of hits, in percent."""
    return [100 * v for v in metrics.bootstrap_interval(hits, columns)[:3]]


def predictions_of(network, test):
    """Predictions in hundredths of a pixel, and scores.

    Heatmaps are also read with decoders other than their own.
    """
    points, scores = predict(network, test)
    result = {"points": points, "scores": scores.astype(np.float16)}
    if network.representation.kind == "heatmap":
        for decoder in ("argmax", "quarter"):
            result[decoder], _ = predict(network, test, decoder)
    return {
        key: value if key == "scores" else np.rint(100 * value).astype(np.int16)
        for key, value in result.items()
    }


def labels(everybody, test):
    """Labels and the mean pose, in pixels of the networks' input."""
    mean = mean_pose_of(everybody, (round(everybody.window),) * 2)
    return {
        "keypoints": test.keypoints - border(test),
        "visible": test.visible,
        "head_size": test.head_size,
        "mean_pose": mean.astype(np.float32),
    }


def hits(points, predictions, threshold):
    """As `metrics.pck_hits`, for the people of the test."""
    return metrics.pck_hits(
        np.broadcast_to(points, predictions["keypoints"].shape),
        *(predictions[key] for key in ("keypoints", "visible", "head_size")),
        threshold,
    )


def scores(points, predictions):
    """Threshold -> PCKh in percent with its interval."""
    return {str(t): percent(hits(points, predictions, t), COUNTED) for t in THRESHOLDS}


def differences(rows, predictions):
    """Every network against every other whose predictions are stored."""
    names = [name for name in rows if f"{name}/points" in predictions]
    for i, first in enumerate(names):
        for second in names[i + 1 :]:
            for t in THRESHOLDS:
                a, b = (
                    hits(predictions[f"{name}/points"] / 100, predictions, t)
                    for name in (first, second)
                )
                found = metrics.paired_interval(a, b, COUNTED)
                yield {
                    "first": first,
                    "second": second,
                    "threshold": t,
                    "difference": [100 * v for v in found[:3]],
                }


def summary(rows, predictions, settings):
    """What the JSON holds."""
    return {
        "command": "python data/studies/representations.py",
        "about": "PCKh in percent, movements in head sizes; each with its "
        "95 % interval over people; scores are not rounded",
        "torch": torch.__version__,
        "settings": settings,
        "mean_pose": scores(predictions["mean_pose"], predictions),
        "networks": rows,
        "differences": list(differences(rows, predictions)),
    }


def finished(folder, settings):
    """What an earlier run with these settings has left."""
    try:
        old = json.loads((folder / "representations.json").read_text("utf-8"))
        with np.load(folder / "representations.npz") as file:
            predictions = dict(file)
    except FileNotFoundError:
        return {}, {}
    if old["settings"] != plain(settings):
        return {}, {}
    return {
        name: row
        for name, row in old["networks"].items()
        if "stability" not in row or f"{name}/points" in predictions
    }, predictions


def write(folder, result, predictions):
    """Predictions first: a network in the JSON has its predictions stored."""
    with atomic_path(folder / "representations.npz") as path:
        np.savez_compressed(path, **predictions)
    text = json.dumps(plain(result), indent=1)
    # numbers that belong together on one line
    text = re.sub(r"\[[^][{}]*\]", lambda m: re.sub(r"\s+", " ", m[0]), text)
    with atomic_path(folder / "representations.json") as path:
        path.write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(
        description="Compare ways to predict where a joint is."
    )
    parser.add_argument(
        "--out",
        default=Path(__file__).parent,
        type=Path,
        help="folder for the two files (default: beside this script)",
    )
    torch.set_num_threads(1)  # for tensors this small, threads only wait
    study(parser.parse_args().out)
