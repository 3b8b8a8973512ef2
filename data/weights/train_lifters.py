"""Train the lifters that come with the course, and measure them.

    python data/weights/train_lifters.py

learns two networks from drawn people in motion, of whom nothing but their
joints is made, and shows them other people in other motions before other
cameras. The second begins as the first and stands on it. It leaves four files in data/weights/lifter:

single.safetensors     looks at one pose
temporal.safetensors   looks at 27 frames
evaluation.json        settings, scores with intervals, what it cost
README.md              the card

It takes six minutes of one core. What is half done stays in runs/lifters, and
the same command goes on with it.
"""

import argparse
import platform
import time
from pathlib import Path

import numpy as np
import torch

from posecourse import metrics
from posecourse.datasets import SyntheticMotion
from posecourse.files import atomic_path, plain, sha256, write_json
from posecourse.lifting import (
    HELD_OUT,
    LEARNED,
    Lifter,
    LiftingNetwork,
    LiftingTask,
    PinholeCamera,
    TemporalLifter,
    motion_clips,
    random_poses,
)
from posecourse.training import FitSettings, RunFolder, fit

SETTINGS = {
    "clips": {"people": 64, "seconds": 3.0, "fps": 24, "seed": 0},
    "stills": 60000,
    "validation": {"people": 4, "seconds": 3.0, "fps": 24, "seed": 5000},
    "networks": {
        "single": {
            "options": {"width": 256, "dropout": 0.0, "weak_perspective": True},
            "size": 128,
            "epochs": 24,
        },
        "temporal": {
            "options": {"width": 128, "dropout": 0.0},
            "size": 32,
            "epochs": 8,
        },
    },
    "mixed": 0.3,
    "steps_per_epoch": 500,
    "lr": 2e-3,
    "weight_decay": 0.01,
    "test": {"people": 12, "seconds": 3.0, "fps": 12, "seed": 9000},
    # what is measured: noise in pixels of a picture of 256, unknown joints
    "noise": [0, 1, 2, 4, 8],
    "missing": [0, 1, 2, 4, 8],
}
ROOT = 6  # the pelvis
OTHERS = [k for k in range(16) if k != ROOT]
PICTURE = 256


def drawn_poses(path, settings=SETTINGS):
    """What there is to learn from, made once and kept beside the runs."""
    if not path.is_file():
        poses = {
            "clips": motion_clips(LEARNED, **settings["clips"]),
            "stills": random_poses(settings["stills"]),
            "validation": motion_clips(LEARNED, **settings["validation"]),
        }
        with atomic_path(path) as temporary:
            np.savez(temporary, **{k: v.astype(np.float32) for k, v in poses.items()})
    with np.load(path) as stored:
        return dict(stored)


def untrained(name, single=None, settings=SETTINGS):
    """A network to begin with; `single` is the lifter the temporal one corrects."""
    options = dict(settings["networks"][name]["options"])
    torch.manual_seed(0)
    if name == "single":
        return LiftingNetwork(**options)
    network = TemporalLifter(**options, single=single.options)
    network.single.load_state_dict(single.state_dict())
    return network


def learn(network, name, poses, folder, settings=SETTINGS):
    """The network trained, its log's last row, and the seconds of a core."""
    about = settings["networks"][name]
    frames = network.frames
    held = poses["validation"]
    first = (held.shape[1] - frames) // 2
    task = LiftingTask(
        poses["clips"],
        poses["stills"],
        held[:, first : first + frames],
        frames,
        about["size"],
        settings["steps_per_epoch"],
        mixed=settings["mixed"],
    )
    fitting = FitSettings(
        epochs=about["epochs"],
        lr=settings["lr"],
        weight_decay=settings["weight_decay"],
        freeze=("single",) if name == "temporal" else (),
        amp="fp32",
        channels_last=False,
        device="cpu",
    )
    began = time.process_time()
    path = folder / name
    with RunFolder(path) if path.is_dir() else RunFolder.create(path, name) as run:
        network = fit(network, task, fitting, run)
        print(name, task.report(run.path, network))
        row = task.validate(network, {})
    return network, row, time.process_time() - began


def test_motions(settings=SETTINGS):
    """Held-out motions: joints before the camera ``(N, T, 16, 3)``, cameras."""
    about = dict(settings["test"])
    people, seed = about.pop("people"), about.pop("seed")
    motions = [
        SyntheticMotion(style, size=PICTURE, seed=seed + n, camera=n % 5, **about)
        for style in HELD_OUT
        for n in range(people)
    ]
    cameras = [PinholeCamera.of(motion.camera) for motion in motions]
    points = [c.to_camera(m.joints) for c, m in zip(cameras, motions)]
    return np.stack(points), cameras


def pixels(points, cameras, noise=0.0, missing=0, seed=0):
    """Where the cameras see the joints, spoiled: ``(N, T, 16, 2)``."""
    rng = np.random.default_rng(seed)
    seen = np.stack([c.project(c.to_world(p)) for c, p in zip(cameras, points)])
    seen = seen + noise * rng.normal(size=seen.shape)
    order = rng.random(seen.shape[:-1]).argsort(-1).argsort(-1)
    return np.where((order < missing)[..., None], np.nan, seen)


def lift(lifter, seen, cameras):
    """``(N, T, 16, 3)`` metres from the pelvis."""
    return np.stack([lifter(s, c) for s, c in zip(seen, cameras)])


def distances(answers, points):
    """Millimetres, ``(clips, frames * 15)``: a clip's frames fail together."""
    truth = points - points[:, :, [ROOT]]
    off = 1000 * np.linalg.norm(answers - truth, axis=-1)[..., OTHERS]
    return off.reshape(len(off), -1)


def mean_pose(poses, points):
    """The pose that is the mean of what the lifters learned to say."""
    task = LiftingTask(poses["clips"], poses["stills"], poses["validation"][:, :1])
    return np.broadcast_to(task.mean_pose.double().numpy(), points.shape)


def measure(lifters, constant, points, cameras, settings=SETTINGS):
    """Scores of both on held-out motions, millimetres with intervals."""
    result = {"mean pose": metrics.bootstrap_interval(distances(constant, points))}
    for what in ("noise", "missing"):
        result[what] = {}
        for amount in settings[what]:
            seen = pixels(points, cameras, **{what: amount})
            off = {
                name: distances(lift(lifter, seen, cameras), points)
                for name, lifter in lifters.items()
            }
            row = {name: metrics.bootstrap_interval(o) for name, o in off.items()}
            row["gained by time"] = metrics.paired_interval(
                off["single"], off["temporal"]
            )
            result[what][str(amount)] = row
    exact = pixels(points, cameras)
    truth = (points - points[:, :, [ROOT]]).reshape(-1, 16, 3)
    flat = constant.reshape(-1, 16, 3)[:, OTHERS], truth[:, OTHERS]
    result["other metrics"] = {"mean pose": other_metrics(*flat)}
    result["styles"] = {}
    for name, lifter in lifters.items():
        answers = lift(lifter, exact, cameras)
        flat = answers.reshape(-1, 16, 3)[:, OTHERS], truth[:, OTHERS]
        result["other metrics"][name] = other_metrics(*flat)
        means = distances(answers, points).reshape(len(HELD_OUT), -1).mean(1)
        result["styles"][name] = dict(zip(HELD_OUT, means))
    return plain(result)


def other_metrics(answers, truth):
    """Without what a picture cannot know: size; size, place and turn."""
    return {
        "N-MPJPE": 1000 * metrics.n_mpjpe(answers, truth),
        "PA-MPJPE": 1000 * metrics.pa_mpjpe(answers, truth),
        "PCK@150mm": 100 * metrics.pck3d(answers, truth, unit="m"),
    }


def main(argv=None):
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--runs", type=Path, default=Path("runs/lifters"))
    here = Path(__file__).parent / "lifter"
    parser.add_argument("--out", type=Path, default=here)
    args = parser.parse_args(argv)
    torch.set_num_threads(1)
    args.runs.mkdir(parents=True, exist_ok=True)
    poses = drawn_poses(args.runs / "poses.npz")
    lifters, about = {}, {}
    for name in SETTINGS["networks"]:
        network = untrained(name, lifters["single"].network if lifters else None)
        network, row, seconds = learn(network, name, poses, args.runs)
        path = Lifter(network).save(args.out / f"{name}.safetensors")
        lifters[name] = Lifter.load(path)  # as it is shipped, in 16 bits
        about[name] = {
            "parameters": sum(p.numel() for p in network.parameters()),
            "sha256": sha256(path),
            "megabytes": path.stat().st_size / 1e6,
            "validation": row,
            "cpu_seconds": round(seconds),
        }
    points, cameras = test_motions()
    constant = mean_pose(poses, points)
    result = {
        "settings": SETTINGS,
        "python": platform.python_version(),
        "torch": torch.__version__,
        "unit": "mm",
        "networks": about,
        "test": measure(lifters, constant, points, cameras),
    }
    write_json(args.out / "evaluation.json", result)
    with atomic_path(args.out / "README.md") as temporary:
        temporary.write_text(card(result), encoding="utf-8")


def interval(values):
    """A value with its interval, as the card shows it."""
    value, low, high = values[:3]
    return f"{value:.1f} ({low:.1f} to {high:.1f})"


def card(result):
    """The model card, Markdown."""
    test, made = result["test"], result["networks"]
    settings = result["settings"]
    people = settings["test"]["people"]

    def rows(what, unit):
        return "\n".join(
            f"| {amount} {unit} | {interval(row['single'])} | "
            f"{interval(row['temporal'])} | {interval(row['gained by time'])} |"
            for amount, row in test[what].items()
        )

    networks = "\n".join(
        f"| `{name}` | {1 if name == 'single' else 27} | {about['parameters']:,} | "
        f"`{name}.safetensors`, 16 bits, {about['megabytes']:.1f} MB, SHA-256 "
        f"`{about['sha256'][:16]}...` | {about['cpu_seconds']} s |"
        for name, about in made.items()
    )
    others = "\n".join(
        f"| {name} | {row['N-MPJPE']:.1f} | {row['PA-MPJPE']:.1f} | "
        f"{row['PCK@150mm']:.1f} |"
        for name, row in test["other metrics"].items()
    )
    styles = "; ".join(
        f"`{name}` "
        + ", ".join(f"{s.replace('_', ' ')} {v:.0f}" for s, v in row.items())
        for name, row in test["styles"].items()
    )
    return f"""# lifter: two networks that give a flat skeleton its depth

Made by `data/weights/train_lifters.py`; do not edit by hand.

| network | frames | parameters | file | trained in, on one core |
|---|---|---|---|---|
{networks}

Both take 16 joints of MPII's skeleton in pixels and a camera, and give metres
from the pelvis, along the camera's axes: x right, y down, z away from it.
`posecourse.lifting.Lifter.load("single")` loads one; chapter 13 builds them.
`temporal` contains `single`, lifts each frame with it, and corrects what it says
of the one in the middle.

**Trained on** the joints of drawn people of this package, without a picture: \
{settings["clips"]["people"]} people in each of {len(LEARNED)} motions \
({", ".join(s.replace("_", " ") for s in LEARNED)}) and {settings["stills"]:,} in \
random poses; in each step {100 * settings["mixed"]:.0f} % of them got the arms of \
another, and as many the legs. Seen by random cameras, with noise and gaps. Nobody's \
data. Licence \
as the course's code. Command: `python data/weights/train_lifters.py`; Python \
{result["python"]}, torch {result["torch"]}.

## How good they are

MPJPE in millimetres over the 15 joints other than the pelvis (which is 0 by
definition; papers count it, and get a sixteenth less), on motions they never
learned from ({", ".join(s.replace("_", " ") for s in HELD_OUT)}): {people} other \
people each, {settings["test"]["seconds"]:g} seconds at {settings["test"]["fps"]} \
frames a second, before cameras of their own. 95 % intervals of a bootstrap over
these {people * len(HELD_OUT)} clips. How to build and train `single` was decided \
by other motions, left out for that (wave, dance, sit down, stand up); that `temporal` \
does no more than correct it, by these. The **mean pose** of the training people gets \
**{interval(test["mean pose"])}**.

| noise of each joint, pixels of 256 | `single` | `temporal` | gained by time |
|---|---|---|---|
{rows("noise", "px")}

| joints that are not known, of 16 | `single` | `temporal` | gained by time |
|---|---|---|---|
{rows("missing", "")}

From exact positions, with what one picture cannot know taken out, and within
150 mm:

| | N-MPJPE, mm | PA-MPJPE, mm | PCK at 150 mm, % |
|---|---|---|---|
{others}

By motion: {styles}.

## Where they fail

- **Size.** From one picture nobody can tell a tall person far away from a small
  one near by: they say what is usual among those they learned from, adults of
  1.5 to 1.9 metres.
- **Real people** they have never seen, only drawn ones, whose joints lie where
  the drawing has them.
- **The camera** has to be known. With a guessed focal length the pose is right
  for that guess.
- **Left and right** of a network's answer they believe, and bend the body to it.
- They give a pose, not a place: how far away somebody is they do not say.

Use them to learn with, not to judge people.
"""


if __name__ == "__main__":
    main()
