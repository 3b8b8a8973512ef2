"""The document's two ways to three dimensions, under one budget.

    python data/studies/lifting.py

draws people, shows them to the network `laptop`, and learns from the same
pictures, with as many steps: *first 2-D, then z*, a lifter that sees the
keypoints `laptop` found; and *3-D directly*, the same layers on the features
of `laptop`'s trunk. Both are shown other people in motions that no lifter of
the course has learned from. Beside them stand the mean pose, and the lifter
that comes with the course, which never saw a picture.

It leaves lifting.json (settings, scores with intervals) and lifting.npz (what
was predicted, and the truth) beside itself, and takes a minute of one
core.
"""

import argparse
from pathlib import Path

import numpy as np
import torch

from posecourse import metrics
from posecourse.datasets import SyntheticPeople
from posecourse.datasets.synthetic import SyntheticMotion
from posecourse.files import atomic_path, plain, write_json
from posecourse.geometry import Crop
from posecourse.lifting import (
    HELD_OUT,
    DirectRegressor,
    Lifter,
    LiftingNetwork,
    PinholeCamera,
    joint_distances,
    lifter_inputs,
    trunk_features,
)
from posecourse.models import load_model
from posecourse.models.pretrained import pretrained
from posecourse.transforms import normalise

SETTINGS = {
    "train_people": 1000,
    "steps": 600,
    "batch": 64,
    "lr": 2e-3,
    "weight_decay": 0.05,
    "seeds": [0, 1],
    "test": {"people": 6, "frames": 4, "seconds": 3.0, "seed": 9000},
}
ROOT = 6
OTHERS = [k for k in range(16) if k != ROOT]


@torch.no_grad()
def asked(network, persons, read):
    """What the network says of people, and what is true.

    Returns
    -------
    A dictionary of tensors: ``features``; ``inputs`` of a lifter and ``turn``,
    by the network's keypoints; ``target``, metres in the turned camera's axes;
    ``exact``, the inputs by the true positions.
    """
    rows = {name: [] for name in ("features", "inputs", "target", "exact")}
    known = torch.ones(1, 16, dtype=torch.bool)
    for person in persons:
        about = person.extra["camera"]
        x, y = about["center"]
        f = about["focal"]
        camera = PinholeCamera([[f, 0, x], [0, f, y], [0, 0, 1]])
        crop = Crop.from_mpii(person.center, person.scale, network.input_size)
        image = torch.from_numpy(crop.warp(read(person))).permute(2, 0, 1)
        image = normalise(image[None])
        found = crop.invert(network.predict(image)[0][0].double().numpy())
        points = torch.from_numpy(person.extra["joints_3d"]).float()
        for name, pixels in (
            ("inputs", found),
            ("exact", camera.project(person.extra["joints_3d"])),
        ):
            flat = torch.from_numpy(camera.normalize(pixels)).float()
            inputs, turn = lifter_inputs(flat[None], known)
            rows[name].append(inputs)
            if name == "inputs":
                rows["target"].append((points - points[ROOT])[None] @ turn[0].T)
        rows["features"].append(trunk_features(network, image))
    return {name: torch.cat(row) for name, row in rows.items()}


def learn(model, shown, target, settings, seed):
    """A model that has learned to say `target` when it is shown `shown`."""
    torch.manual_seed(seed)
    order = torch.Generator().manual_seed(seed)
    steps, rate = settings["steps"], settings["lr"]
    optimiser = torch.optim.AdamW(
        model.parameters(), rate, weight_decay=settings["weight_decay"]
    )
    falling = torch.optim.lr_scheduler.OneCycleLR(optimiser, rate, steps)
    model.train()
    for _ in range(steps):
        some = torch.randint(len(shown), (settings["batch"],), generator=order)
        loss = joint_distances(model(shown[some]), target[some]).mean()
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        falling.step()
    return model.eval()


def people_of(settings):
    """The people to learn from, and the frames of held-out motions."""
    train = SyntheticPeople(settings["train_people"], size=64)
    about = settings["test"]
    fps = about["frames"] / about["seconds"]
    test = [
        SyntheticMotion(style, about["seconds"], fps, 128, about["seed"] + n, camera=n)
        for style in HELD_OUT
        for n in range(about["people"])
    ]
    return train, test


def study(settings=SETTINGS):
    """Learn, predict, score; the JSON's content and the predictions."""
    network = load_model(pretrained("laptop") / "weights.safetensors")
    train, clips = people_of(settings)
    learned = asked(network, (train[i] for i in range(len(train))), train.read_image)
    tested = [
        asked(network, (c[i] for i in range(len(c))), c.read_image) for c in clips
    ]
    tested = {name: torch.cat([t[name] for t in tested]) for name in tested[0]}
    answers = {"mean pose": learned["target"].mean(0).expand_as(tested["target"])}
    for seed in settings["seeds"]:
        torch.manual_seed(seed)
        direct = DirectRegressor(learned["features"][0].numel())
        lifter = LiftingNetwork(width=256, dropout=0.1)
        for name, model, shown in (
            ("3-D directly", direct, "features"),
            ("2-D, then z", lifter, "inputs"),
        ):
            learn(model, learned[shown], learned["target"], settings, seed)
            with torch.no_grad():
                answers[f"{name}, seed {seed}"] = model(tested[shown])
    course = Lifter.load("single").network
    with torch.no_grad():
        answers["2-D, then the course's lifter"] = course(tested["inputs"])
        answers["the course's lifter, exact 2-D"] = course(tested["exact"])
    answers = {name: value.double().numpy() for name, value in answers.items()}
    return answers, tested["target"].double().numpy(), len(clips)


def scored(answers, truth, clips):
    """Scores in millimetres; a clip's frames are drawn together."""
    rows, off = {}, {}
    for name, points in answers.items():
        distances = 1000 * np.linalg.norm(points - truth, axis=-1)[:, OTHERS]
        off[name] = distances.reshape(clips, -1)
        flat = points[:, OTHERS], truth[:, OTHERS]
        rows[name] = {
            "MPJPE": metrics.bootstrap_interval(off[name])[:3],
            "N-MPJPE": 1000 * metrics.n_mpjpe(*flat),
            "PA-MPJPE": 1000 * metrics.pa_mpjpe(*flat),
        }
    gained = {
        f"seed {seed}": metrics.paired_interval(
            off[f"3-D directly, seed {seed}"], off[f"2-D, then z, seed {seed}"]
        )[:3]
        for seed in SETTINGS["seeds"]
    }
    return {"rows": rows, "gained by 2-D first": gained}


def main(argv=None):
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--out", type=Path, default=Path(__file__).parent)
    args = parser.parse_args(argv)
    torch.set_num_threads(1)
    answers, truth, clips = study()
    result = {"settings": SETTINGS, "unit": "mm", "clips": clips}
    stored = {name: np.float32(value) for name, value in answers.items()}
    result |= scored(stored, np.float32(truth), clips)
    with atomic_path(args.out / "lifting.npz") as temporary:
        np.savez_compressed(temporary, truth=np.float32(truth), **stored)
    write_json(args.out / "lifting.json", plain(result))


if __name__ == "__main__":
    main()
