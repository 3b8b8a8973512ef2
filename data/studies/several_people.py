"""Everybody in a picture: top-down and bottom-up, measured side by side.

    python data/studies/several_people.py --coco data/coco --mpii data/mpii

What chapter 12 quotes: OKS-AP on drawn scenes of growing overlap, beside the
same network in the true boxes and beside the mean pose; what a picture costs
as people are added; ids through crossings; and, if folders are given, boxes
and poses on photographs. ``several_people.json`` beside it is the result,
unrounded. Parts that are done are kept: the same command goes on; ``--again
PART`` does one anew. It takes some minutes of one core.
"""

import argparse
import json
import platform
import tempfile
import time
from functools import partial
from pathlib import Path

import cv2
import numpy as np
import torch

from posecourse.datasets import SyntheticScenes, open_dataset
from posecourse.datasets.synthetic import SyntheticCrossing
from posecourse.files import sha256, write_json
from posecourse.inference import Predictor, VideoWriter
from posecourse.metrics import oks
from posecourse.models.pretrained import find_weights, pretrained
from posecourse.people import (
    BottomUp,
    CenterDetector,
    PosePipeline,
    Tracker,
    pairwise_iou,
)
from posecourse.people.evaluation import (
    detector_rates,
    evaluate_people,
    labelled_pictures,
    person_box,
)
from posecourse.people.tracking import identity_switches
from posecourse.skeletons import MPII

SETTINGS = {
    "pictures": 40,  # of each overlap
    "overlap": [[0.0, 0.05], [0.1, 0.2], [0.25, 0.35], [0.4, 0.6]],
    "people": [1, 2, 3, 4, 6, 8],  # whose milliseconds are counted
    "timed": 6,
    "film_people": [1, 3, 8],
    "film_pictures": 100,
    "crossings": 10,
    "size": [256, 192],
    "seed": 1,
    "resamples": 200,
}
NETWORKS = {
    "detector": "detector",
    "drawn": "laptop",
    "close": "crowd",  # trained on people who stand close together
    "photographs": "photos",
}


class Drawn:
    """Drawn scenes that are drawn once."""

    def __init__(self, scenes):
        self.scenes = [scenes.scene(i) for i in range(scenes.pictures)]
        self.people = [person for scene in self.scenes for person in scene.persons]
        self.images = {s.persons[0].image: s.image for s in self.scenes}

    def __len__(self):
        return len(self.people)

    def __getitem__(self, index):
        return self.people[index]

    def read_image(self, person):
        """The person's picture."""
        return self.images[person.image]


def overlap(settings, low, high):
    """AP of both families on scenes of 2 to 4 people that overlap so much."""
    detector = Remembered(CenterDetector.load(NETWORKS["detector"]))
    scenes = SyntheticScenes(
        settings["pictures"],
        seed=settings["seed"],
        size=tuple(settings["size"]),
        people=(2, 4),
        overlap=(low, high),
        split="test",
    )
    drawn = Drawn(scenes)
    rows = {}
    for name in ("drawn", "close"):
        pipeline = PosePipeline(detector, Predictor.load(NETWORKS[name]))
        found = evaluate_people(pipeline, drawn, resamples=settings["resamples"])
        prefix = "" if name == "drawn" else f"{NETWORKS[name]}: "
        rows |= {
            prefix + row: value
            for row, value in found.to_dict()["keypoints"].items()
            if not prefix or row != "mean pose"
        }
    up = evaluate_people(BottomUp.load(), drawn, resamples=settings["resamples"])
    return {
        "overlap": float(np.mean([scene.overlap for scene in drawn.scenes])),
        "pictures": found.pictures,
        "people": found.people,
        "keypoints": rows | {"bottom-up": up.to_dict()["keypoints"]["found"]},
        "boxes": of_boxes(detector, drawn),
    }


def of_boxes(detector, dataset):
    """What the detector finds, before any pose is looked at; percent."""
    found, people = [], []
    for image, persons, _ in labelled_pictures(dataset):
        found.append(detector(image))
        hidden = np.array([p.extra["occluded"] > 0.85 for p in persons])
        people.append((np.array([person_box(p) for p in persons]), hidden))
    rates = detector_rates(found, people)
    return {k: v if k == "false_alarms" else 100 * v for k, v in rates.items()}


class Remembered:
    """A detector that looks once at each picture."""

    def __init__(self, detector):
        self.detector, self.known = detector, {}

    def __call__(self, image):
        key = hash(image.tobytes())
        if key not in self.known:
            self.known[key] = self.detector(image)
        return self.known[key]


def cost(settings):
    """CPU milliseconds of a picture, by how many people are in it."""
    pipeline = PosePipeline.load(NETWORKS["drawn"], NETWORKS["detector"])
    bottom_up = BottomUp.load()
    rows = []
    for people in settings["people"]:
        scenes = SyntheticScenes(
            settings["timed"], seed=2, size=(640, 480), people=people, split="test"
        )
        spent = {"detector": [], "poses": [], "bottom-up": []}
        for i in range(scenes.pictures):
            image = scenes.scene(i).image
            boxes = [p.extra["full_box"] for p in scenes.scene(i).persons]
            looks = (
                ("detector", pipeline.detector, ()),
                ("poses", pipeline.predictor, (boxes,)),
                ("bottom-up", bottom_up, ()),
            )
            for name, look, more in looks:
                start = time.process_time()
                look(image, *more)
                spent[name].append(1000 * (time.process_time() - start))
        rows.append(
            {"people": people, **{k: float(np.median(v)) for k, v in spent.items()}}
        )
        print(rows[-1], flush=True)
    return rows


def video(settings):
    """Pictures a second from film to film, on two cores, and what takes them.

    The drawn video is read, everybody is followed (the detector looks at each
    fifth picture), drawn, and written as a video that browsers play.
    """
    pipeline = PosePipeline.load(NETWORKS["drawn"], NETWORKS["detector"])
    rows = []
    torch.set_num_threads(2)
    with tempfile.TemporaryDirectory() as folder:
        for people in settings["film_people"]:
            film = panned(people, settings["film_pictures"], Path(folder))
            followed(pipeline, film, 10)  # to warm up
            rows.append({"people": people, **followed(pipeline, film)})
            print(rows[-1], flush=True)
    torch.set_num_threads(1)
    return rows


def panned(people, pictures, folder):
    """A film of one scene, 640 x 480, under a camera that swings."""
    scenes = SyntheticScenes(1, seed=3, size=(640, 480), people=people, split="test")
    image = scenes.scene(0).image
    with VideoWriter(folder / f"{people} people", 25) as writer:
        for number in range(pictures):
            move = np.float64([[1, 0, 10 * np.sin(number / 8)], [0, 1, 0]])
            writer.write(
                cv2.warpAffine(image, move, (640, 480), borderMode=cv2.BORDER_REFLECT)
            )
    return writer.path


def followed(pipeline, film, pictures=None):
    """Milliseconds of a picture by part, and pictures a second."""
    names = ("detector", "poses", "tracking", "draw", "write")
    spent, count, found = dict.fromkeys(names, 0.0), 0, 0
    begin = time.perf_counter()
    with VideoWriter(film.with_name("drawn"), 25) as writer:
        for image, result in pipeline.video(film):
            for name, seconds in pipeline.seconds.items():
                spent[name] += seconds
            start = time.perf_counter()
            drawn = result.draw(image)
            middle = time.perf_counter()
            writer.write(drawn)
            spent["draw"] += middle - start
            spent["write"] += time.perf_counter() - middle
            count, found = count + 1, found + len(result)
            if count == pictures:
                break
        whole = time.perf_counter() - begin
    return {
        "found": found / count,
        "pictures_a_second": count / whole,
        **{name: 1000 * seconds / count for name, seconds in spent.items()},
        "rest": 1000 * (whole - sum(spent.values())) / count,
    }


def crossings(settings):
    """Ids through crossings of two drawn walkers: true poses, and found ones."""
    pipeline = PosePipeline.load(NETWORKS["close"], NETWORKS["detector"])
    rows = []
    for seed in range(settings["crossings"]):
        crossing = SyntheticCrossing(2, seconds=3, fps=8, size=(192, 144), seed=seed)
        rng = np.random.default_rng(seed)
        tracker = Tracker(MPII.sigmas)
        labelled, shown, numbers, found, frames = [], [], [], [], []
        for t in range(len(crossing.times)):
            scene = crossing.scene(t)
            seen = [p for p in scene.persons if p.extra["occluded"] < 0.5]
            noise = rng.normal(0, 1.5, (len(seen), 16, 2))
            poses = np.array([p.keypoints for p in seen]).reshape(-1, 16, 2) + noise
            labelled.append(tracker.update(poses))
            shown.append([p.extra["track"] for p in seen])
            frames.append(scene)
        for scene, (_, result) in zip(
            frames, pipeline.video([s.image for s in frames], every=2)
        ):
            numbers.append([pose.track for pose in result])
            found.append(whose(result, scene.persons))
        rows.append(
            {
                "seed": seed,
                "true_poses": identity_switches(labelled, shown),
                "found_poses": identity_switches(numbers, found),
                "same_at_end": bool(same_at_the_end(numbers, found)),
            }
        )
        print(rows[-1], flush=True)
    return rows


def whose(poses, persons):
    """Which person each pose shows: the most similar, at 0.5 or more; else -1."""
    if not len(poses):
        return []
    similar = oks(
        np.array([p.keypoints for p in poses]),
        np.array([p.keypoints for p in persons]),
        np.array([p.visible for p in persons]),
        [max(p.extra["full_area"], 1) for p in persons],
        MPII.sigmas,
    )
    best = similar.argmax(1)
    return [int(b) if row[b] >= 0.5 else -1 for b, row in zip(best, similar)]


def same_at_the_end(numbers, found):
    """Whether both have the number at the end that they had at the start."""
    first, last = {}, {}
    for given, true in zip(numbers, found):
        for number, person in zip(given, true):
            if person >= 0:
                first.setdefault(person, number)
                last[person] = number
    return len(first) == 2 and first == last and len(set(first.values())) == 2


def photographs(settings, folders):
    """Boxes and poses on photographs, in COCO's and MPII's form."""
    pipeline = PosePipeline.load(NETWORKS["photographs"], NETWORKS["detector"])
    rows = {}
    for name, dataset in folders.items():
        result = evaluate_people(pipeline, dataset, resamples=settings["resamples"])
        hits, total, alarms, pictures = 0, 0, 0, 0
        for image, persons, ignored in labelled_pictures(dataset):
            boxes, _ = pipeline.detector(image)
            hit, asked, false = judged(boxes, persons, ignored)
            hits, total, alarms = hits + hit, total + asked, alarms + false
            pictures += 1
        rows[name] = {
            **result.to_dict(),
            "clear_people": {"found": hits, "people": total},
            "false_alarms": alarms / pictures,
        }
        print(name, result, rows[name]["clear_people"], alarms / pictures, flush=True)
    return rows


def judged(boxes, persons, ignored):
    """Clear people found at an overlap of 0.5, how many, and false alarms.

    Clear: 10 labelled keypoints or more, and a box side of 60 px or more. A
    box that lies on any labelled person, or on a crowd, is no false alarm.
    """
    people = np.array([person_box(p) for p in persons])
    clear = np.array(
        [
            (p.visible > 0).sum() >= 10 and max(b[2:]) >= 60
            for p, b in zip(persons, people)
        ]
    )
    ious = pairwise_iou(people, boxes)
    found = (ious >= 0.5).any(1) if len(boxes) else np.zeros(len(people), bool)
    everybody = np.concatenate([people, ignored])
    meets = pairwise_iou(everybody, boxes) > 0.1
    alarms = int((~meets.any(0)).sum()) if len(boxes) else 0
    return int((found & clear).sum()), int(clear.sum()), alarms


def main(argv=None):
    """Run the command."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--coco", type=Path, help="a COCO keypoint file or its folder")
    parser.add_argument("--mpii", type=Path, help="a file or folder in MPII's layout")
    parser.add_argument("--out", type=Path, default=Path(__file__).parent)
    parser.add_argument("--again", action="append", default=[], metavar="PART")
    parser.add_argument("--only", metavar="PART")
    args = parser.parse_args(argv)
    torch.set_num_threads(1)
    path = args.out / "several_people.json"
    folders = {
        name: open_dataset(folder, split="all" if name == "COCO" else None)
        for name, folder in (("COCO", args.coco), ("MPII", args.mpii))
        if folder
    }
    parts = {
        f"overlap {low} to {high}": partial(overlap, low=low, high=high)
        for low, high in SETTINGS["overlap"]
    }
    parts |= {"cost": cost, "video": video, "crossings": crossings}
    if folders:
        parts["photographs"] = lambda settings: photographs(settings, folders)
    for name, part in parts.items():
        if name in stored(path) and name not in args.again:
            continue
        if args.only in (None, name):
            result = part(SETTINGS)
            write_json(path, stored(path) | about() | {name: result})
    return 0


def stored(path) -> dict:
    """What is done."""
    return json.loads(path.read_text("utf-8")) if path.is_file() else {}


def about() -> dict:
    """Of which networks, with what, where."""
    names = ("bottom_up", *NETWORKS.values())
    return {
        "settings": SETTINGS,
        "networks": NETWORKS,
        "weights": {n: sha256(find_weights(pretrained(n))) for n in names},
        "machine": {
            "processor": platform.machine(),
            "torch": torch.__version__.partition("+")[0],
            "threads": 1,  # two for the films
        },
    }


if __name__ == "__main__":
    raise SystemExit(main())
