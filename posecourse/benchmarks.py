"""How fast the parts of the course are, and what keeps them from more.

Absolute times belong to one machine. So everything is measured side by
side in one run, and what is said about it are ratios: the store against
the classical way, a whole training step against the network alone, each
against what the machine's memory or arithmetic would allow at best.
"""

from __future__ import annotations

import copy
import cProfile
import math
import platform
import pstats
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory

import cv2
import numpy as np
import torch

from . import models
from .codecs import HeatmapCodec
from .datasets import SyntheticPeople, crop_in_memory, open_dataset
from .datasets.annotated import AnnotatedDataset
from .datasets.base import DatasetError
from .datasets.cutting import cores
from .datasets.synthetic import EDITIONS
from .device import choose_device
from .inference.predictor import Predictor
from .models.profile import summarise
from .training import SinglePerson, config_for
from .training.fit import Precise, Step, make_optimizer
from .training.tasks import CropBatches
from .transforms import Augmentation

__all__ = [
    "ClassicalPeople",
    "bench",
    "bench_data",
    "bench_drawing",
    "bench_inference",
    "bench_machine",
    "bench_training",
    "report",
]

PARTS = ("drawing", "data", "training", "inference")
# People of a dataset that are used; they come again and again.
_PEOPLE = 512
# A store of fewer is mostly preparations.
_REPEATED = 64


def bench(
    data="synthetic",
    split: str = "valid",
    model: str = "laptop",
    input_size: int = 256,
    batch_size: int = 32,
    seconds: float = 3.0,
    device=None,
    parts=PARTS,
    workers: int | None = None,
    say=print,
) -> dict:
    """Measure parts of the course on this machine.

    Parameters
    ----------
    data, split:
        ``"synthetic"`` (drawn pictures of 720 x 720, written as JPEG), or
        what `open_dataset` takes.
    model:
        A name of `models.build`, for training and inference, at its own
        input size.
    input_size:
        Side of the network input that the data part makes, pixels.
    batch_size:
        People in a batch.
    seconds:
        How long each thing is measured.
    device:
        ``"cpu"``, ``"cuda"``, ...; default: a GPU if there is one.
    parts:
        Which of ``"drawing"``, ``"data"``, ``"training"``, ``"inference"``.
    workers:
        Processes of the classical way, threads of the store; default one
        per core.
    say:
        Called with a line before each part.

    Returns
    -------
    A dict of plain numbers; `report` makes a text of it.
    """
    wrong = set(parts) - {*PARTS}
    if wrong or not parts:
        raise ValueError(
            "parts are drawing, data, training and inference, got "
            f"{', '.join(sorted(wrong)) or 'none'}"
        )
    if not 0 < seconds < math.inf or batch_size < 1 or input_size < 16:
        raise ValueError(
            f"seconds {seconds}, batch_size {batch_size}, "
            f"input_size {input_size}: positive numbers are "
            "needed, and 16 pixels at least"
        )
    # all that may be wrong, before anything is measured
    device = choose_device(device)
    models.options_of(model)
    workers = workers or cores()
    with TemporaryDirectory() as folder:
        if "data" in parts:
            people = _open(data, split, Path(folder))
        say("the machine ...")
        result = {"machine": bench_machine(device)}
        if "drawing" in parts:
            say("drawing people ...")
            result["drawing"] = bench_drawing(seconds)
        if "data" in parts:
            say(f"data: {data}, {input_size} x {input_size} pixels ...")
            result["data"] = bench_data(
                people,
                input_size,
                batch_size,
                seconds,
                device,
                workers,
                result["machine"],
            )
    if "training" in parts:
        say(f"training: {model} ...")
        result["training"] = bench_training(
            model, batch_size, seconds, device, result["machine"]
        )
    if "inference" in parts:
        say(f"inference: {model} ...")
        result["inference"] = bench_inference(model, seconds, device)
    return result


def _open(data, split: str, folder: Path):
    if data != "synthetic":
        people = open_dataset(data, split)
        if not isinstance(people, AnnotatedDataset) or not len(people):
            raise DatasetError(
                f"{data}: nobody with a picture in a file, which the data part needs"
            )
        return people
    from .datasets.mpii_writer import write_as_mpii

    open_dataset(data, split)  # refuses a split that is none
    write_as_mpii(SyntheticPeople(16, size=720, split="test"), folder / "drawn")
    return open_dataset(folder / "drawn", "valid")


# ------------------------------------------------------------ the machine


def bench_machine(device) -> dict:
    """What memory and arithmetic can do: copied bytes and multiply-adds.

    ``bytes_per_second`` counts reading and writing; it and
    ``multiply_adds_per_second`` (of a large matrix product) are what a
    perfect program would be bound by.
    """
    device = torch.device(device)
    large = torch.empty(64_000_000, dtype=torch.uint8, device=device)
    target = torch.empty_like(large)
    speed = _rate(lambda: target.copy_(large), 0.3, device)
    found = {
        "device": str(device),
        "cores": torch.get_num_threads(),
        "python": platform.python_version(),
        "torch": torch.__version__,
        "bytes_per_second": 2 * len(large) * speed,
    }
    if device.type == "cuda":
        found["name"] = torch.cuda.get_device_name(device)
    side = 1024 if device.type == "cpu" else 8192
    for name, kind in (("fp32", torch.float32), ("bf16", torch.bfloat16)):
        a = torch.rand(side, side, device=device, dtype=kind)
        found[f"multiply_adds_per_second_{name}"] = side**3 * _rate(
            lambda a=a: a @ a, 0.3, device
        )
    return found


def _rate(work, seconds: float, device="cpu", count: int = 1) -> float:
    """How often a second `work` is done, times `count`; after a warm-up."""
    return _rates({"": work}, seconds, device, count)[""]


def _rates(works: dict, seconds: float, device="cpu", count: int = 1) -> dict:
    """The same for several things, in turns: whatever else the machine
    does meanwhile, it does to all of them."""
    wait = (
        torch.cuda.synchronize
        if torch.device(device).type == "cuda"
        else (lambda: None)
    )
    done, spent = dict.fromkeys(works, 0), dict.fromkeys(works, 0.0)
    for work in works.values():  # the first time is never like the others
        work()
    turn = max(0.05, seconds / 10)
    while min(spent.values()) < seconds:
        for name, work in works.items():
            wait()
            started = time.perf_counter()
            now = started
            while now < started + turn:
                work()
                done[name] += 1
                if done[name] % 8 == 0:
                    wait()
                now = time.perf_counter()
            wait()
            spent[name] += time.perf_counter() - started
    return {name: count * done[name] / spent[name] for name in works}


# ---------------------------------------------------------------- drawing


def bench_drawing(seconds: float, sizes=(64, 128, 256, 512)) -> dict:
    """How many drawn people a core makes per second, edition by edition and
    size by size, in turns; and what the newest edition spends its time on.

    Processor time counts, not time: a core that others use too is counted for
    as much as was had of it.
    """
    turns = [(edition, size) for size in sizes for edition in EDITIONS]
    people = {t: SyntheticPeople(10**6, size=t[1], edition=t[0]) for t in turns}
    done, spent = dict.fromkeys(turns, 0), dict.fromkeys(turns, 0.0)
    threads = cv2.getNumThreads()
    cv2.setNumThreads(1)
    try:
        for t in turns:  # the first one is never like the others
            people[t].render(10**6 - 1)
        while min(spent.values()) < seconds:
            for t in turns:
                started = time.process_time()
                people[t].render(done[t])
                spent[t] += time.process_time() - started
                done[t] += 1
        profile = _drawing_profile(max(EDITIONS), seconds)
    finally:
        cv2.setNumThreads(threads)
    return {
        "people_per_second": {
            str(edition): {str(s): done[edition, s] / spent[edition, s] for s in sizes}
            for edition in EDITIONS
        },
        "profile_size": 128,
        "profile": profile,
    }


def _drawing_profile(edition: int, seconds: float) -> dict[str, float]:
    """What share of the time is spent on what, largest first: the functions
    that make a picture call, and what they leave for themselves."""
    people = SyntheticPeople(10**6, size=128, edition=edition)
    profile = cProfile.Profile(timer=time.process_time)
    started, index = time.process_time(), 0
    while time.process_time() < started + seconds or not index:
        profile.runcall(people.render, index)
        index += 1
    stats = pstats.Stats(profile).stats  # type: ignore[attr-defined]
    makers = {("render", "dataset.py"), ("draw", "drawing.py")}
    makers = {f for f in stats if (f[2], Path(f[0]).name) in makers}
    whole = max(stats[f][3] for f in makers)
    shares = {
        name[2].strip("_"): sum(v[3] for f, v in callers.items() if f in makers) / whole
        for name, (*_, callers) in stats.items()
        if name not in makers and makers & set(callers)
    }
    shares["the rest"] = 1 - sum(shares.values())
    large = {k: v for k, v in shares.items() if v > 0.01 and k != "the rest"}
    large = dict(sorted(large.items(), key=lambda item: -item[1]))
    return large | {"the rest": 1 - sum(large.values())}


# ------------------------------------------------------------------- data


class ClassicalPeople(torch.utils.data.Dataset):
    """Everybody decoded, cut, coloured and encoded one by one, with OpenCV
    and torchvision, as in chapter 6: what most published code does.

    Parameters
    ----------
    people:
        A dataset whose pictures are files.
    input_size:
        Side of the crop, pixels; heatmaps have a quarter.
    indices:
        Which people.
    """

    def __init__(self, people, input_size: int, indices):
        from torchvision import transforms

        self.people, self.indices = people, list(indices)
        self.size = input_size
        self.codec = HeatmapCodec(
            (input_size, input_size), (input_size // 4, input_size // 4), sigma=2.0
        )
        self.change = transforms.Compose(
            [
                transforms.ToTensor(),
                transforms.Normalize((0.485, 0.456, 0.406), (0.229, 0.224, 0.225)),
            ]
        )
        self.spent = dict.fromkeys(("decode", "cut", "colours", "targets"), 0.0)

    def __len__(self):
        return len(self.indices)

    def __getitem__(self, index):
        begun = time.perf_counter()
        person = self.people[self.indices[index]]
        picture = self.people.read_image(person)
        begun = self._note("decode", begun)
        rng = np.random.default_rng()
        skeleton = self.people.skeleton
        window = person.crop(
            self.size,
            rotation=rng.uniform(-30, 30),
            flip=skeleton.can_flip and rng.random() < 0.5,
        )
        window = replace(window, size=np.array(window.size) * rng.uniform(0.75, 1.25))
        cut = _plain_warp(picture, window)
        begun = self._note("cut", begun)
        gain = 1 + rng.uniform(-0.3, 0.3, 3)
        image = self.change(np.clip(cut * gain, 0, 255).astype(np.uint8))
        begun = self._note("colours", begun)
        points, visible = window.apply(person.keypoints), person.visible
        if window.flip:
            order = list(skeleton.flip_permutation)
            points, visible = points[order], visible[order]
        target, weights = self.codec.encode(
            torch.as_tensor(points, dtype=torch.float32)[None],
            torch.as_tensor(visible)[None],
        )
        self._note("targets", begun)
        return image, target[0], weights[0]

    def _note(self, what, begun):
        now = time.perf_counter()
        self.spent[what] += now - begun
        return now


def _plain_warp(picture, window):
    """As published code cuts: no averaging where the crop is shrunk."""
    import cv2

    return cv2.warpAffine(picture, window.matrix, window.output, flags=cv2.INTER_LINEAR)


def bench_data(
    people,
    input_size: int,
    batch_size: int,
    seconds: float,
    device,
    workers: int,
    machine: dict,
) -> dict:
    """The same batches made the classical way and from a store."""
    count = min(len(people), _PEOPLE)
    if not isinstance(people, AnnotatedDataset):
        raise DatasetError(
            f"{people.name} has no pictures in files, which the data part needs"
        )
    chosen = range(count)
    shapes = np.array(
        [people.read_image(people[i]).shape[:2] for i in range(min(count, 32))]
    )
    found = {
        "dataset": people.name,
        "people": count,
        "picture_pixels": float(shapes.prod(1).mean()),
        "input_size": input_size,
        "batch_size": batch_size,
        "workers": workers,
    }

    # no picture twice: the store decodes one picture once for all in it
    alone = _repeated(
        _some(people, {people[i].image: i for i in reversed(chosen)}.values())
    )
    margin = 1.75
    size = round(margin * input_size)
    with ThreadPoolExecutor(workers) as pool:
        decoded, stored = _rates(
            {
                "decode": lambda: list(pool.map(alone.read_image, alone.people)),
                "store": lambda: crop_in_memory(alone, size, margin, workers),
            },
            seconds / 2,
            count=len(alone),
        ).values()
    found |= {
        "decoded_per_second": decoded,
        "stored_per_second": stored,
        "stored_of_decoded": stored / decoded,
    }
    found |= _classical(people, chosen, input_size, batch_size, seconds, workers)
    store = crop_in_memory(_some(people, chosen), size, margin, workers)
    found |= _from_store(store, input_size, batch_size, seconds, device, machine)
    found["store_of_classical"] = (
        found["store_samples_per_second"] / found["classical_samples_per_second"]
    )
    return found


def _some(people, chosen):
    """The same dataset with only some of its people."""
    fewer = copy.copy(people)
    fewer.people = [people[i] for i in chosen]
    return fewer


def _repeated(people):
    """The same again and again, until there is enough to do for a while;
    every time under another name, so that every picture is decoded."""
    again = copy.copy(people)
    again.pictures = _Repeated(people.pictures)
    again.people = [
        replace(person, image=f"{turn}:{person.image}")
        for turn in range(-(-_REPEATED // len(people)))
        for person in people.people
    ]
    return again


class _Repeated:
    """A folder of pictures, each of which has many names."""

    def __init__(self, pictures):
        self.pictures, self.folder = pictures, pictures.folder

    def read_bytes(self, name):
        return self.pictures.read_bytes(name.partition(":")[2])

    def stamp(self, name):
        return self.pictures.stamp(name.partition(":")[2])


def _classical(people, chosen, input_size, batch_size, seconds, workers):
    """Samples a second of a DataLoader with a process for each core."""
    dataset = ClassicalPeople(people, input_size, chosen)
    dataset[0]
    dataset.spent = dict.fromkeys(dataset.spent, 0.0)
    for i in range(24):  # where one person's time goes
        dataset[i % len(dataset)]
    total = sum(dataset.spent.values())
    # as many as one person's time lets expect, and those that are under
    # way when the first batch comes
    first = 2 * workers + 1
    expected = seconds * workers * 24 / total
    batches = first + max(2, round(expected / batch_size))
    sampler = torch.utils.data.RandomSampler(
        dataset, replacement=True, num_samples=batches * batch_size
    )
    loader = torch.utils.data.DataLoader(
        dataset,
        batch_size,
        sampler=sampler,
        num_workers=workers,
        worker_init_fn=_one_thread,
        multiprocessing_context="spawn",
    )
    for done, _ in enumerate(loader, 1):
        if done == first:
            started = time.perf_counter()
    speed = (batches - first) * batch_size / (time.perf_counter() - started)
    return {
        "classical_samples_per_second": speed,
        "classical_share": {k: v / total for k, v in dataset.spent.items()},
    }


def _one_thread(_):
    import cv2

    cv2.setNumThreads(1)
    torch.set_num_threads(1)


def _from_store(store, input_size, batch_size, seconds, device, machine):
    """Samples a second of batches from a store, and their parts."""
    codec = HeatmapCodec(input_size, input_size // 4, sigma=2.0)
    data = CropBatches(store, torch.device(device))
    change = Augmentation(flip=0.5 if store.skeleton.can_flip else 0)
    rng = torch.Generator().manual_seed(0)

    def rows():
        return torch.randint(len(store), (batch_size,), generator=rng)

    def batch():
        return data.gather(rows(), input_size, change, change.draw(batch_size, rng))

    def whole():
        made = batch()
        return codec.encode(made.keypoints, made.visible)

    made = batch()
    found = {
        "store_samples_per_second": _rate(whole, seconds, device, batch_size),
        "read_per_second": _rate(
            lambda: data.crops(rows()), seconds / 4, device, batch_size
        ),
        "batches_per_second": _rate(batch, seconds / 2, device, batch_size),
        "targets_per_second": _rate(
            lambda: codec.encode(made.keypoints, made.visible),
            seconds / 2,
            device,
            batch_size,
        ),
    }
    joints = len(store.skeleton)
    moved = (
        4 * (3 * input_size**2 + joints * (input_size // 4) ** 2)
        + 3 * (store.window * 1.25) ** 2
    )
    found["store_bytes_per_sample"] = moved
    found["store_of_memory"] = (
        found["store_samples_per_second"] * moved / machine["bytes_per_second"]
    )
    return found


# --------------------------------------------------------------- training


def bench_training(
    model: str,
    batch_size: int,
    seconds: float,
    device,
    machine: dict,
    people: int = 256,
) -> dict:
    """Training steps with data and without: the same step, once with a new
    augmented batch each time, once with one that lies ready."""
    device = torch.device(device)
    config = config_for(model, device=str(device), batch_size=batch_size)
    config = replace(config, amp=config.precision)
    side = round(config.margin * max(config.input_size))
    store = crop_in_memory(
        SyntheticPeople(people, size=side, margin=config.margin), side, config.margin
    )
    network = models.build(model, store.skeleton, **config.options).to(device)
    if config.channels_last:
        network.to(memory_format=torch.channels_last)
    task = SinglePerson(config, store, store, network, device)
    judge = Step(network, task, Precise(network, config, device))
    optimizer = make_optimizer(network, config)
    steps = count()

    def batch():
        return task.batch(next(steps))

    def step(made):
        optimizer.zero_grad(set_to_none=True)
        terms = judge(made)
        (terms.sums / terms.counts.clamp(min=1)).sum().backward()
        optimizer.step()

    network.train()
    ready = batch()
    compute, whole = _rates(
        {"compute": lambda: step(ready), "whole": lambda: step(batch())},
        seconds,
        device,
        batch_size,
    ).values()
    cost = summarise(
        models.build(model, store.skeleton, **config.options)
    ).multiply_adds
    arithmetic = machine[f"multiply_adds_per_second_{config.amp}"]
    return {
        "model": model,
        "input_size": list(network.input_size),
        "batch_size": batch_size,
        "amp": config.amp,
        "whole_images_per_second": whole,
        "compute_images_per_second": compute,
        "whole_of_compute": whole / compute,
        "multiply_adds_per_image": 3 * cost,
        # forwards once, backwards twice as much
        "compute_of_arithmetic": compute * 3 * cost / arithmetic,
    }


# -------------------------------------------------------------- inference


def bench_inference(model: str, seconds: float, device, compare: bool = True) -> dict:
    """One crop's latency, many crops' throughput, a photo to a pose; and,
    to compare, torchvision's Keypoint R-CNN (random weights) on the same
    picture."""
    device = torch.device(device)
    predictor = Predictor(models.build(model, **config_for(model).options), device)
    network, (w, h) = predictor.model, predictor.model.input_size
    person = SyntheticPeople(1, size=720, split="test")[0]
    picture = SyntheticPeople(1, size=720, split="test").read_image(person)
    one, many = (torch.rand(n, 3, h, w, device=device) for n in (1, 64))
    large = torch.from_numpy(picture).permute(2, 0, 1).to(device) / 255
    works = {
        "crop": lambda: network(one),
        "many": lambda: network(many),
        "photo": lambda: predictor(picture, [person.box]),
    }
    if compare:
        from torchvision.models.detection import keypointrcnn_resnet50_fpn

        other = (
            keypointrcnn_resnet50_fpn(weights=None, weights_backbone=None)
            .eval()
            .to(device)
        )
        works["other"] = lambda: other([large])
    with torch.inference_mode():
        speed = _rates(works, seconds, device)
    found = {
        "model": model,
        "input_size": [w, h],
        "milliseconds_per_crop": 1000 / speed["crop"],
        "crops_per_second": 64 * speed["many"],
        "milliseconds_photo_to_pose": 1000 / speed["photo"],
    }
    if compare:
        found |= {
            "milliseconds_keypointrcnn": 1000 / speed["other"],
            "crops_per_keypointrcnn": speed["crop"] / speed["other"],
            "photos_per_keypointrcnn": speed["photo"] / speed["other"],
        }
    return found


# ----------------------------------------------------------------- to read


def report(result: dict) -> str:
    """What `bench` found, for people."""
    machine = result["machine"]
    lines = [
        f"{machine.get('name', machine['device'])}, {machine['cores']} "
        f"threads, torch {machine['torch']}: copies "
        f"{machine['bytes_per_second'] / 1e9:.1f} GB/s, "
        f"{machine['multiply_adds_per_second_fp32'] / 1e9:.0f} billion "
        "multiply-adds/s in fp32, "
        f"{machine['multiply_adds_per_second_bf16'] / 1e9:.0f} in bf16"
    ]
    if "drawing" in result:
        lines += _about_drawing(result["drawing"])
    if "data" in result:
        lines += _about_data(result["data"])
    if "training" in result:
        r = result["training"]
        lines += [
            "",
            f"TRAINING  {r['model']}, {_by(r['input_size'])}, batches "
            f"of {r['batch_size']}, {r['amp']}",
            f"  whole step, new people each   "
            f"{r['whole_images_per_second']:9.0f} images/s",
            f"  one batch that lies ready     "
            f"{r['compute_images_per_second']:9.0f} images/s",
            f"  whole / compute               {r['whole_of_compute']:9.2f}",
            f"  of a matrix product's speed   {r['compute_of_arithmetic']:9.2f}",
            "  bound by "
            + ("the data" if r["whole_of_compute"] < 0.9 else "the network"),
        ]
    if "inference" in result:
        r = result["inference"]
        lines += [
            "",
            f"INFERENCE  {r['model']}, {_by(r['input_size'])}",
            f"  one crop                      {r['milliseconds_per_crop']:9.1f} ms",
            f"  64 crops at a time            {r['crops_per_second']:9.0f} crops/s",
            f"  photo and box to pose         "
            f"{r['milliseconds_photo_to_pose']:9.1f} ms",
        ]
        if "milliseconds_keypointrcnn" in r:
            lines.append(
                f"  Keypoint R-CNN, same photo    "
                f"{r['milliseconds_keypointrcnn']:9.1f} ms: "
                f"{r['crops_per_keypointrcnn']:.0f} crops, "
                f"{r['photos_per_keypointrcnn']:.0f} photos in its time"
            )
    return "\n".join(lines)


def _about_drawing(r: dict) -> list[str]:
    rates = r["people_per_second"]
    sizes = list(next(iter(rates.values())))
    lines = ["", "DRAWING  people/s on one core, by side of the picture in pixels"]
    lines.append("  " + " " * 12 + "".join(f"{size:>8}" for size in sizes))
    lines += [
        f"  edition {edition:4}" + "".join(f"{row[size]:8.0f}" for size in sizes)
        for edition, row in rates.items()
    ]
    shares = ", ".join(f"{name} {share:.0%}" for name, share in r["profile"].items())
    lines.append(f"  edition {max(rates)} at {r['profile_size']}: {shares}")
    return lines


def _about_data(r: dict) -> list[str]:
    share = r["classical_share"]
    worst = max(share, key=share.get)
    parts = {
        "cutting and colours": 1 / r["batches_per_second"] - 1 / r["read_per_second"],
        "reading crops": 1 / r["read_per_second"],
        "targets": 1 / r["targets_per_second"],
    }
    whole = sum(parts.values())
    return [
        "",
        f"DATA  {r['dataset']}, pictures of "
        f"{r['picture_pixels'] / 1e6:.2f} megapixels to {r['input_size']} x "
        f"{r['input_size']}, batches of {r['batch_size']}, {r['workers']} "
        "workers",
        f"  decoder alone                 {r['decoded_per_second']:9.0f} pictures/s",
        f"  building the store            {r['stored_per_second']:9.0f} "
        f"people/s: {r['stored_of_decoded']:.2f} of the decoder",
        f"  classical Dataset             "
        f"{r['classical_samples_per_second']:9.0f} samples/s",
        f"  from the store                "
        f"{r['store_samples_per_second']:9.0f} samples/s: "
        f"{r['store_of_classical']:.1f} times",
        f"  targets alone                 {r['targets_per_second']:9.0f} samples/s",
        f"  classical is bound by {worst} ({share[worst]:.0%}; "
        + ", ".join(f"{k} {v:.0%}" for k, v in share.items() if k != worst)
        + ")",
        "  the store by "
        + ", ".join(
            f"{k} ({v / whole:.0%})"
            for k, v in sorted(parts.items(), key=lambda p: -p[1])
        )
        + f"; {r['store_of_memory']:.0%} of what memory would allow for "
        f"{r['store_bytes_per_sample'] / 1e6:.1f} MB a sample",
    ]


def _by(size) -> str:
    return f"{size[0]} x {size[1]}"
