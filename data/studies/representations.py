"""Ways to say where a joint is, under one budget (chapter 5).

    python data/studies/representations.py

trains every network of RUNS for the same number of steps, on the same drawn
people in the same order, and asks all of them about the same 1,000 people
whom none has seen. It leaves two files beside itself:

representations.json    settings, learning curves, scores, costs
representations.npz     the answers of the networks with seed 0 and all
                        people, to score in any other way

Stop it at any time: a network that is finished stays finished, until the
settings change. One core is used; it takes half an hour to an hour.
"""

import argparse
import json
import re
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch

from posecourse import metrics
from posecourse.datasets import SyntheticPeople, crop_in_memory
from posecourse.files import atomic_path, plain
from posecourse.models.heads import HeadNet, Heatmap
from posecourse.skeletons import MPII
from posecourse.transforms import Augmentation, make_batch, normalise

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
    rows, answers = finished(folder, settings)
    missing = [run for run in runs if name_of(*run) not in rows]
    if missing:
        most = max(people for _, people, _ in runs)
        everybody = draw(most, "train", settings)
        test = draw(settings["test_people"], "test", settings)
        answers |= labels(everybody, test)
    for head, people, seed in missing:
        name = name_of(head, people, seed)
        network, row = train(
            head, everybody.subset(range(people)), test, seed, settings
        )
        said = answers_of(network, test)
        row["pckh"] = scores(said["points"] / 100, answers)
        if (people, seed) == runs[0][1:]:
            answers |= {f"{name}/{key}": value for key, value in said.items()}
            row["stability"] = stability(
                network, test.subset(range(settings["stability_people"]))
            )
        rows[name] = {"head": head, "people": people, "seed": seed, **row}
        write(folder, summary(rows, answers, settings), answers)
        print(
            f"{name}: PCKh@0.5 {row['pckh']['0.5']}, "
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


def train(head, store, test, seed, settings):
    """A network, and what there is to tell about its training."""
    torch.manual_seed(seed)  # the same backbone for every head
    network = HeadNet(head, len(MPII), settings["input_size"], settings["width"])
    network.to(memory_format=torch.channels_last)  # a little faster
    optimiser = torch.optim.AdamW(
        network.parameters(), weight_decay=settings["weight_decay"]
    )
    steps, size = settings["steps"], settings["batch_size"]
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimiser,
        settings["lr"][head],
        total_steps=steps,
        pct_start=settings["warmup"],
        cycle_momentum=False,
    )
    augmentation = Augmentation(**settings["augmentation"])
    random = torch.Generator().manual_seed(seed)
    looks = np.linspace(0, steps, settings["curve_points"] + 1)[1:].round()
    curve, spent, order = [], 0.0, torch.empty(0, dtype=torch.long)
    for step in range(1, steps + 1):
        begun = time.process_time()
        while len(order) < size:
            order = torch.cat([order, torch.randperm(len(store), generator=random)])
        chosen, order = order[:size].numpy(), order[size:]
        batch = make_batch(
            torch.from_numpy(store.crops[chosen]),
            store.keypoints[chosen],
            store.visible[chosen],
            store.head_size[chosen],
            store.window,
            settings["input_size"],
            augmentation=augmentation,
            generator=random,
        )
        images = batch.images.to(memory_format=torch.channels_last)
        loss = network.loss(network(images), batch.keypoints, batch.visible)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        schedule.step()
        spent += time.process_time() - begun
        if step in looks:
            points, _ = ask(network, test)
            rate = metrics.pckh(
                points, test.keypoints - border(test), test.visible, test.head_size
            )
            curve.append([step, round(100 * rate.pooled(COUNTED), 2)])
    return network, {
        "curve": curve,
        "cpu_seconds": float(f"{spent:.3g}"),
        "parameters": sum(p.numel() for p in network.parameters()),
    }


def border(store):
    """Pixels on each side that lie outside the standard window."""
    return (store.size - round(store.window)) // 2


@torch.inference_mode()
def ask(network, store, decode=None, right=0, change=None):
    """Where a network sees everybody's joints, and its scores.

    The window is moved `right` by whole pixels; `change` is done to the
    pictures (N, 3, H, W), 0 to 255; `decode` is used instead of the
    network's own.
    """
    network.eval()
    decode = decode or network.decode
    edge, side = border(store), round(store.window)
    found = []
    for start in range(0, len(store), 250):
        crops = store.crops[
            start : start + 250, edge : edge + side, edge + right : edge + right + side
        ]
        images = torch.from_numpy(crops.copy()).permute(0, 3, 1, 2)
        if change:
            images = change(images).to(torch.uint8)
        found.append(decode(network(normalise(images))))
    network.train()
    points, scores = (torch.cat(part).double().numpy() for part in zip(*found))
    return points, scores


# ---------------------------------------------------------------- stability


def stability(network, store):
    """How far answers move when the pictures change, in head sizes.

    Shares are of joints that move by more than half a head.
    """
    size, edge = network.input_size[0], border(store)
    truth = store.keypoints - edge
    labelled = np.where(store.visible > 0, 1.0, np.nan)
    before, _ = ask(network, store)

    def moved(points, by=0):
        off = np.linalg.norm(points + (by, 0) - before, axis=-1)
        return off / store.head_size[:, None] * labelled

    def right(points):
        return metrics.pck_hits(points, truth, store.visible, store.head_size, 0.5)

    shifts = range(-edge, edge + 1)
    shifted = [ask(network, store, right=d)[0] for d in shifts]
    followed = [(before - p)[..., 0] * labelled for p in shifted]
    slope = np.array(shifts) / np.sum(np.square(shifts))
    result = {
        # the window moves right by d, so the joints move left by d
        "shift": list(shifts),
        "followed": [round(float(np.nanmean(f)), 3) for f in followed],
        "gain": interval(np.tensordot(slope, followed, 1)),
        "shift_moved": [
            round(float(np.nanmean(moved(p, d))), 4) for d, p in zip(shifts, shifted)
        ],
        "pckh": percent(right(before), COUNTED),
        "noise": {},
    }
    for level in (0.02, 0.05, 0.1):
        points, _ = ask(network, store, change=noisy(level))
        result["noise"][str(level)] = {
            "moved": interval(moved(points)),
            "median": round(float(np.nanmedian(moved(points))), 4),
            "jumped": percent(over_half(moved(points))),
            "pckh": percent(right(points), COUNTED),
        }
    covered, away = [], []
    for left, top in np.ndindex(size // SQUARE, size // SQUARE):
        points, _ = ask(network, store, change=cover(left, top))
        middle = np.array([left, top]) * SQUARE + (SQUARE - 1) / 2
        gap = np.abs(truth - middle).max(-1) - SQUARE / 2  # NaN is neither
        covered.append(np.where(gap <= 0, moved(points), np.nan))
        away.append(np.where(gap >= FAR, moved(points), np.nan))
    for name, parts in (("covered", covered), ("far", away)):
        parts = np.concatenate(parts, 1)  # (N, squares * K)
        result[name] = {
            "moved": interval(parts),
            "median": round(float(np.nanmedian(parts)), 4),
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
    return [round(v, 4) for v in metrics.bootstrap_interval(values)[:3]]


def percent(hits, columns=None):
    """The same of hits, in percent."""
    return [round(100 * v, 2) for v in metrics.bootstrap_interval(hits, columns)[:3]]


def answers_of(network, test):
    """Answers in hundredths of a pixel, and scores.

    Heatmaps are also read with decoders other than their own.
    """
    points, scores = ask(network, test)
    result = {"points": points, "scores": scores.astype(np.float16)}
    if isinstance(network.head, Heatmap):
        for decoder in ("argmax", "quarter"):
            codec = replace(network.head.codec, decoder=decoder)
            result[decoder], _ = ask(network, test, codec.decode)
    return {
        key: value if key == "scores" else np.rint(100 * value).astype(np.int16)
        for key, value in result.items()
    }


def labels(everybody, test):
    """Labels and the mean pose, in pixels of the networks' input."""
    mean = metrics.mean_pose(everybody.keypoints, everybody.visible)
    return {
        "keypoints": test.keypoints - border(test),
        "visible": test.visible,
        "head_size": test.head_size,
        "mean_pose": (mean - border(test)).astype(np.float32),
    }


def hits(points, answers, threshold):
    """As `metrics.pck_hits`, for the people of the test."""
    return metrics.pck_hits(
        np.broadcast_to(points, answers["keypoints"].shape),
        *(answers[key] for key in ("keypoints", "visible", "head_size")),
        threshold,
    )


def scores(points, answers):
    """Threshold -> PCKh in percent with its interval."""
    return {str(t): percent(hits(points, answers, t), COUNTED) for t in THRESHOLDS}


def differences(rows, answers):
    """Every network against every other whose answers are stored."""
    names = [name for name in rows if f"{name}/points" in answers]
    for i, first in enumerate(names):
        for second in names[i + 1 :]:
            for t in THRESHOLDS:
                a, b = (
                    hits(answers[f"{name}/points"] / 100, answers, t)
                    for name in (first, second)
                )
                found = metrics.paired_interval(a, b, COUNTED)
                yield {
                    "first": first,
                    "second": second,
                    "threshold": t,
                    "difference": [round(100 * v, 2) for v in found[:3]],
                }


def summary(rows, answers, settings):
    """What the JSON holds."""
    return {
        "command": "python data/studies/representations.py",
        "about": "PCKh in percent, movements in head sizes; each with its "
        "95 % interval over people",
        "torch": torch.__version__,
        "settings": settings,
        "mean_pose": scores(answers["mean_pose"], answers),
        "networks": rows,
        "differences": list(differences(rows, answers)),
    }


def finished(folder, settings):
    """What an earlier run with these settings has left."""
    try:
        old = json.loads((folder / "representations.json").read_text("utf-8"))
        with np.load(folder / "representations.npz") as file:
            answers = dict(file)
    except FileNotFoundError:
        return {}, {}
    if old["settings"] != plain(settings):
        return {}, {}
    return {
        name: row
        for name, row in old["networks"].items()
        if "stability" not in row or f"{name}/points" in answers
    }, answers


def write(folder, result, answers):
    """Answers first: a network in the JSON has its answers stored."""
    with atomic_path(folder / "representations.npz") as path:
        np.savez_compressed(path, **answers)
    text = json.dumps(plain(result), indent=1)
    # numbers that belong together on one line
    text = re.sub(r"\[[^][{}]*\]", lambda m: re.sub(r"\s+", " ", m[0]), text)
    with atomic_path(folder / "representations.json") as path:
        path.write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(
        description="Compare ways to say where a joint is."
    )
    parser.add_argument(
        "--out",
        default=Path(__file__).parent,
        type=Path,
        help="folder for the two files (default: beside this script)",
    )
    torch.set_num_threads(1)  # for tensors this small, threads only wait
    study(parser.parse_args().out)
