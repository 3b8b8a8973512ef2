"""Our networks beside the one that people use today: accuracy and time.

    npm pack @mediapipe/pose@0.5.1675469404 && tar xzf mediapipe-pose-*.tgz
    pip install ai-edge-litert
    python data/studies/peers.py --peers package --lspet data/lspet

shows the same photographs to the course's networks and to BlazePose
(Bazarevsky et al. 2020; Google's MediaPipe, Apache-2.0) in its three sizes.
``--mpii`` and ``--coco`` add people of other sets. It leaves three files beside
itself, and a table in README.md:

peers.json    settings, scores, kinds of errors, milliseconds
peers.npz     predictions and labels, to score in any other way; no picture,
              nor anything that one could be made from
peers.svg     accuracy against time

Everybody is given the same box and is scored on the same 12 joints, those of
the limbs, which both sides know. BlazePose wants its people upright and tightly
framed; its own detector sees to that, within the box. Without the detector
("box only") it is shown the box as it is.

Stop it at any time: the same command goes on where it was. Where only a
network of ours has changed, only that one is asked again.
"""

import argparse
import json
import platform
import time
from dataclasses import replace
from functools import cache, partial
from importlib.metadata import version
from pathlib import Path

import cv2
import matplotlib
import numpy as np
import torch
from matplotlib.figure import Figure
from pages import cell, percent, write_table

from posecourse import evaluation, metrics, models
from posecourse.datasets import open_crops, open_dataset
from posecourse.files import atomic_path, plain, sha256, write_json
from posecourse.geometry import Crop, resize_points
from posecourse.models.profile import summarise
from posecourse.skeletons import MPII
from posecourse.transforms import standard_crop
from posecourse.visualization.figures import STYLE

SETTINGS = {
    "networks": ["laptop", "posenet", "photos"],
    "flip_test": ["photos"],
    "peers": ["lite", "full", "heavy"],
    "peers_package": "@mediapipe/pose 0.5.1675469404",
    "people": 1000,
    "timed_rounds": 25,
}
LIMBS = MPII.indices(
    f"{side}_{joint}"
    for side in ("right", "left")
    for joint in ("ankle", "knee", "hip", "wrist", "elbow", "shoulder")
)
# Where BlazePose has them, of its 33 landmarks.
LANDMARKS = [28, 26, 24, 16, 14, 12, 27, 25, 23, 15, 13, 11]
WINDOW = 256  # pixels of a standard window: what BlazePose takes
DETECTOR = 224  # what its detector takes
MARGIN = 2.0  # how many windows a stored crop shows
TITLES = {"lspet": "LSPET", "mpii": "MPII", "coco": "COCO"}


def study(sources, peers, folder, settings=SETTINGS):
    """Show everybody to everybody; returns the JSON's content.

    Parameters
    ----------
    sources:
        Of each set its dataset, and its split.
    peers:
        What `load_peers` gives.
    folder:
        Where the two files go.
    """
    networks, weights = {}, {}
    for name in settings["networks"]:
        file = models.find_weights(models.pretrained(name))
        networks[name], weights[name] = models.load_model(file), sha256(file)
    kept, arrays = finished(folder, settings, weights), {}
    for key, (data, split) in sources.items():
        people = open_crops(
            data, split, (WINDOW, WINDOW), settings["people"], margin=MARGIN
        )
        labels = {f"{key}/{k}": v for k, v in labels_of(people, networks).items()}
        if not all(
            same(kept.get(name), value)
            for name, value in labels.items()
            if not name.endswith("mean pose")  # of whom our network was trained on
        ):
            kept = {n: v for n, v in kept.items() if not n.startswith(f"{key}/")}
        arrays |= labels
        for who, predict in predictors(networks, peers, people, settings).items():
            name = f"{key}/{who}"
            arrays[name] = kept[name] if name in kept else stored(predict())
            write(folder, kept | arrays, weights, {"settings": settings})
    result = summary(arrays, times(networks, peers, settings), networks, settings)
    write(folder, arrays, weights, result)
    write_table(folder / "README.md", "peers.py", table(result))
    draw(result, folder / "peers.svg")
    return result


def predictors(networks, peers, people, settings):
    """Who -> a function that gives ``(N, 16, 2)`` window pixels."""

    def ours(network, flip):
        _, _, points = evaluation.predict_crops(network, people, flip)
        return resize_points(points, WINDOW / max(network.input_size))

    found = {}
    for name, network in networks.items():
        found[name] = partial(ours, network, False)
        if name in settings["flip_test"]:
            found[f"{name}, flip test"] = partial(ours, network, True)
    for name in settings["peers"]:
        found[f"BlazePose {name}"] = partial(blazepose, peers, name, people, True)
        found[f"BlazePose {name}, box only"] = partial(
            blazepose, peers, name, people, False
        )
    return found


def finished(folder, settings, weights):
    """What an earlier study left of those who are still the same."""
    try:
        old = json.loads((folder / "peers.json").read_text("utf-8"))
        with np.load(folder / "peers.npz") as file:
            arrays = dict(file)
    except FileNotFoundError:
        return {}
    if old["settings"] != plain(settings):
        return {}
    changed = [name for name in weights if old["weights"].get(name) != weights[name]]
    return {
        name: value
        for name, value in arrays.items()
        if name.partition("/")[2].partition(",")[0] not in changed
    }


def same(a, b):
    """Whether two arrays of labels are; there may be none of the first."""
    text = b.dtype.kind == "U"
    return a is not None and np.array_equal(a, b, equal_nan=not text)


def write(folder, arrays, weights, result):
    """Predictions first: what the JSON knows of is stored."""
    with atomic_path(folder / "peers.npz") as path:
        np.savez_compressed(path, **arrays)
    write_json(folder / "peers.json", {**result, "weights": weights})


def labels_of(people, networks):
    """Labels, what distances are divided by, and the mean pose; window pixels."""
    crop = standard_crop(people.size, people.window, (WINDOW, WINDOW))
    size, visible, name, threshold = evaluation.pck_normalizer(people)
    *_, network = networks.values()
    mean = np.array(json.loads(network.metadata["mean_pose"]), float)
    return {
        "keypoints": crop.apply(people.keypoints).astype(np.float32),
        "visible": visible,
        "unit": size.astype(np.float32),
        "metric": np.array([name, threshold]),
        "mean pose": stored(resize_points(mean, WINDOW / max(network.input_size))),
    }


def stored(points):
    """In hundredths of a pixel; what is far outside, or nowhere, at the edge."""
    points = np.nan_to_num(np.clip(points, -300, 300), nan=-300)
    return np.rint(100 * points).astype(np.int16)


# ------------------------------------------------------------------- peers


def load_peers(folder, names):
    """BlazePose, from the unpacked package: its landmark networks by name.

    Each is a function from ``(256, 256, 3)`` in 0...1 to ``(39, 2)`` pixels.
    ``"detector"`` is one from ``(224, 224, 3)`` in -1...1 to what it sees
    around each of its anchors, ``(2254, 12)``, and how sure it is, ``(2254,)``.
    """
    from ai_edge_litert.interpreter import Interpreter

    def load(file):
        network = Interpreter(str(Path(folder) / file), num_threads=1)
        network.allocate_tensors()
        (given,) = network.get_input_details()
        found = [part["index"] for part in network.get_output_details()]

        def ask(picture):
            network.set_tensor(given["index"], picture[None])
            network.invoke()
            return [network.get_tensor(index)[0] for index in found]

        return ask

    def landmarks(file):
        ask = load(file)
        return lambda picture: ask(picture)[0].reshape(39, 5)[:, :2]

    def detector(file):
        ask = load(file)
        # boxes and scores, in whichever order
        return lambda picture: sorted(ask(picture), key=lambda x: -x.shape[-1])

    # the packed "assets" are one file, the detector
    peers = {"detector": detector("pose_solution_packed_assets.data")}
    return peers | {n: landmarks(f"pose_landmark_{n}.tflite") for n in names}


def blazepose(peers, name, people, detect):
    """``(N, 16, 2)`` window pixels.

    Joints that it does not know are in the middle, and are not counted.
    """
    window = standard_crop(people.size, people.window, (WINDOW, WINDOW))
    answers = np.full((len(people), len(MPII), 2), WINDOW / 2)
    for answer, picture in zip(answers, people.crops):
        crop = detected(peers["detector"], picture, window) if detect else window
        cut = shown(picture, crop).astype(np.float32) / 255
        # its pixels begin at their edge, ours in their middle
        points = peers[name](cut)[LANDMARKS] - 0.5
        answer[LIMBS] = window.apply(crop.invert(points))
    return answers


def shown(picture, crop):
    """What a crop shows of a stored picture."""
    return cv2.warpAffine(
        np.asarray(picture), crop.matrix, crop.output, flags=cv2.INTER_LINEAR
    )


def detected(detector, picture, window):
    """The `Crop` of the person that the detector is surest of.

    As MediaPipe does, what it says of overlapping boxes is averaged.
    """
    small = replace(window, output=(DETECTOR, DETECTOR))
    boxes, scores = detector(shown(picture, small).astype(np.float32) / 127.5 - 1)
    sure = 1 / (1 + np.exp(-np.clip(scores.ravel(), -100, 100)))
    best, places = sure.argmax(), DETECTOR * anchors()
    low, high = (places + boxes[:, :2] + sign * boxes[:, 2:4] / 2 for sign in (-1, 1))
    shared = np.minimum(high, high[best]) - np.maximum(low, low[best])
    shared, area = shared.clip(min=0).prod(1), boxes[:, 2:4].clip(min=0).prod(1)
    overlap = shared / np.maximum(area + area[best] - shared, 1e-9)
    weight = sure * (sure >= 0.5) * (overlap > 0.3)
    weight[best] = sure[best]
    # of four points, the middle of the person and one half a person above it
    points = boxes[:, 4:8].reshape(-1, 2, 2) + places[:, None]
    points = np.average(points, 0, weight)
    return region(*small.invert(points - 0.5))


@cache
def anchors():
    """``(2254, 2)`` places in 0...1: 2 at each eighth pixel and each 16th, 6 at each
    32nd, row by row."""
    found = []
    for stride, many in ((8, 2), (16, 2), (32, 6)):
        places = (np.arange(DETECTOR // stride) + 0.5) * stride / DETECTOR
        x, y = np.meshgrid(places, places)
        found.append(np.repeat(np.stack([x, y], -1).reshape(-1, 2), many, 0))
    return np.concatenate(found)


def region(middle, above):
    """The `Crop` around a person's middle, with the second point above it."""
    x, y = above - middle
    side = max(2 * 1.25 * np.hypot(x, y), 1.0)
    turn = -np.degrees(np.arctan2(x, -y))
    return Crop(middle, (side, side), (WINDOW, WINDOW), turn)


def times(networks, peers, settings):
    """Milliseconds of one crop on one core: the best of some rounds.

    They take turns, so that what else runs disturbs all alike.
    """
    works, rng = {}, np.random.default_rng(0)
    for name, network in networks.items():
        w, h = network.input_size
        network = network.eval().to(memory_format=torch.channels_last)
        image = torch.rand(1, 3, h, w).to(memory_format=torch.channels_last)
        works[name] = lambda network=network, image=image: network(image)
    for name, peer in peers.items():
        side = DETECTOR if name == "detector" else WINDOW
        picture = rng.random((side, side, 3), np.float32)
        works[f"BlazePose {name}"] = lambda peer=peer, picture=picture: peer(picture)
    best = dict.fromkeys(works, np.inf)
    with torch.inference_mode():
        for _ in range(settings["timed_rounds"]):
            for name, work in works.items():
                started = time.process_time()
                work()
                best[name] = min(best[name], time.process_time() - started)
    return {name: 1000 * seconds for name, seconds in best.items()}


# ----------------------------------------------------------------- results


def split(arrays):
    """Set -> its arrays, by their names within it."""
    sets = {}
    for name, value in arrays.items():
        key, _, rest = name.partition("/")
        sets.setdefault(key, {})[rest] = value
    return sets


def about_set(arrays):
    """What there is to say about one set of people."""
    arrays = dict(arrays)
    keypoints, visible, unit, metric = (
        arrays.pop(k) for k in ("keypoints", "visible", "unit", "metric")
    )
    threshold = float(metric[1])
    found = {name: np.broadcast_to(points / 100, keypoints.shape)
             for name, points in arrays.items()}  # fmt: skip
    hits = {
        name: metrics.pck_hits(points, keypoints, visible, unit, threshold)
        for name, points in found.items()
    }
    scored = ~np.isnan(hits["mean pose"][:, LIMBS])
    result = {
        "metric": f"{metric[0]}@{threshold:g}",
        "people": len(keypoints),
        "scored": int(scored.any(1).sum()),
        "joints": int(scored.sum()),
        "scores": {
            name: percent(metrics.bootstrap_interval(hit, LIMBS))
            for name, hit in hits.items()
        },
        "errors": {
            name: metrics.error_breakdown(
                points, keypoints, visible, unit, threshold=threshold
            ).percent
            for name, points in found.items()
        },
    }
    if "BlazePose full" in hits:
        result["photos_minus_blazepose_full"] = percent(
            metrics.paired_interval(hits["photos"], hits["BlazePose full"], LIMBS)
        )
    return result


def summary(arrays, milliseconds, networks, settings):
    """What the JSON holds."""
    counts = {name: summarise(network) for name, network in networks.items()}
    return {
        "command": "python data/studies/peers.py --peers package --lspet data/lspet "
        "--mpii MPII --coco COCO",
        "about": "12 limb joints; scores in percent with 95 % intervals over "
        "people; milliseconds of one crop, one core; nothing is rounded",
        "versions": {
            "python": platform.python_version(),
            "torch": torch.__version__,
            "numpy": np.__version__,
            "ai-edge-litert": installed("ai-edge-litert"),
            "cpu": platform.machine(),
        },
        "settings": settings,
        "sizes": {
            name: {
                "input_size": list(networks[name].input_size),
                "parameters": count.parameters,
                "multiply_adds": count.multiply_adds,
            }
            for name, count in counts.items()
        },
        "milliseconds": milliseconds,
        "sets": {key: about_set(part) for key, part in split(arrays).items()},
    }


def installed(package):
    try:
        return version(package)
    except ModuleNotFoundError:
        return None


def table(result):
    """Who, how good on which people, how often on the wrong side, how fast."""
    sets = result["sets"]
    first = next(iter(sets))
    lines = [
        ["", *(f"{TITLES[key]}, {sets[key]['metric']}" for key in sets)]
        + [f"inversions, {TITLES[first]}", "ms"],
        ["---"] * (len(sets) + 3),
    ]
    for who in sets[first]["scores"]:
        inversion = sets[first]["errors"][who]["inversion"]
        known = result["milliseconds"].get(who)
        lines.append(
            [who, *(cell(part["scores"][who]) for part in sets.values())]
            + [f"{inversion:.1f} %", "" if known is None else f"{known:.1f}"]
        )
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def draw(result, path):
    """Accuracy against time, a panel for each set of people."""
    sets, clock = result["sets"], result["milliseconds"]
    style = {**STYLE, "svg.hashsalt": "peers", "savefig.dpi": 72}
    with matplotlib.rc_context(style), atomic_path(path) as temporary:
        figure = Figure(figsize=(9.6, 3.4), layout="constrained")
        panels = figure.subplots(1, len(sets), sharey=True, squeeze=False)[0]
        for axes, (key, about) in zip(panels, sets.items()):
            for name, ms in clock.items():
                if name not in about["scores"]:
                    continue
                peer = name.startswith("BlazePose")
                ms = ms + clock["BlazePose detector"] * peer
                value, low, high = about["scores"][name]
                color, mark = ("#D55E00", "s") if peer else ("#0072B2", "o")
                axes.plot([ms, ms], [low, high], "-", color=color, lw=1.5)
                axes.plot(ms, value, mark, color=color, ms=7)
                left = name in ("posenet", "BlazePose lite")
                axes.annotate(
                    name.removeprefix("BlazePose "),
                    (ms, value),
                    (-7 if left else 7, 4),
                    textcoords="offset points",
                    ha="right" if left else "left",
                    fontsize=9,
                )
            trivial = about["scores"]["mean pose"][0]
            axes.axhline(trivial, color="0.5", ls=":")
            axes.set_xscale("log")
            axes.set(
                title=f"{TITLES[key]}, {about['scored']} people",
                xlabel="milliseconds a person",
                ylabel=f"{about['metric']}, %",
                xlim=(1.5, 160),
                ylim=(0, 100),
            )
            axes.set_xticks([3, 10, 30, 100], [3, 10, 30, 100])
            axes.label_outer()
            axes.set_ylabel(f"{about['metric']}, %")
        panels[0].plot([], [], "o", color="#0072B2", label="ours")
        panels[0].plot([], [], "s", color="#D55E00", label="BlazePose and detector")
        panels[0].plot([], [], ":", color="0.5", label="mean pose")
        figure.legend(loc="outside upper center", ncols=3, frameon=False)
        figure.savefig(temporary, format="svg", metadata={"Date": None})


if __name__ == "__main__":
    parser = argparse.ArgumentParser(
        description="Show the same photographs to our networks and to BlazePose."
    )
    parser.add_argument(
        "--peers", required=True, help="the unpacked package @mediapipe/pose"
    )
    parser.add_argument(
        "--lspet", required=True, help="photographs in MPII's layout, split valid"
    )
    for name in ("mpii", "coco"):
        parser.add_argument(f"--{name}", help="a file of annotations, its pictures")
    parser.add_argument(
        "--out", default=Path(__file__).parent, type=Path, help="for the two files"
    )
    given = parser.parse_args()
    torch.set_num_threads(1)
    chosen = {"lspet": (given.lspet, "valid")}
    for name in ("mpii", "coco"):
        if getattr(given, name):
            data = open_dataset(getattr(given, name), "all", skeleton="mpii")
            chosen[name] = (data, "all")
    study(chosen, load_peers(given.peers, SETTINGS["peers"]), given.out)
