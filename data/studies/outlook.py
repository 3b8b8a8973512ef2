"""Four questions of chapter 16, each under a small budget.

    python data/studies/outlook.py

trunks        a tiny vision transformer (`vitpose_tiny`) beside a convolution
              (`head_heatmap`): the same people, the same steps, about as many
              weights
unlabelled    the same transformer with few labels, after it has filled in
              hidden patches of pictures without any (a masked autoencoder,
              He et al. 2022), and without
tones         a convolution that has seen people of all ten tones of skin, and
              one from whose training the three darkest were left out; both are
              shown the same test people in each of the ten tones, in the same
              poses, clothes and places
sitting       a convolution that has seen people in all poses, one that has seen
              nobody who sits, and one to which 200 of them were given back; shown
              people who sit, and others

It leaves ``outlook.json`` beside itself, and for the chapter to look into:
``outlook.npz``, pictures that the masked autoencoder has completed, and
``outlook.safetensors``, three of the networks in 16 bits.

Scores are PCKh@0.5 in percent, with 95 % intervals over the people who were
shown; not rounded. Stop it at any time: the same command goes on with the next
network. One core is used, for a quarter of an hour.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from dataclasses import replace
from functools import cache, partial
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from pages import cell, percent, write_table
from safetensors.torch import load_file, save_file
from torch import nn

from posecourse import metrics, models, training
from posecourse.datasets import SyntheticPeople, crop_in_memory
from posecourse.datasets.synthetic.body import SKIN
from posecourse.evaluation import mean_pose_of, predict_crops
from posecourse.files import atomic_path, plain, read_json, write_json
from posecourse.models.profile import summarise
from posecourse.models.vitpose import Block
from posecourse.skeletons import MPII
from posecourse.transforms import Augmentation, normalise

_MILD = {
    "scale": 0.15,
    "rotation": 15,
    "shift": 0.02,
    "brightness": 0.2,
    "contrast": 0.2,
    "saturation": 0.2,
    "channel_gain": 0.1,
}
SETTINGS = {
    "size": 64,
    "margin": 1.25,
    "batch_size": 32,
    "weight_decay": 0.05,
    "warmup": 0.1,
    "augmentation": _MILD,
    # the best of a few rates, tried in short runs
    "networks": {
        "convolution": ["head_heatmap", {"width": 16}, 8e-3],
        "transformer": ["vitpose_tiny", {}, 3e-3],
    },
    "seeds": [0, 1],
    "trunks": {
        "runs": [[400, 0], [400, 1], [4000, 0]],  # people and seed
        "steps": 400,
        "test_people": 500,
    },
    "unlabelled": {
        "seeds": [0],
        "pictures": 4000,
        "steps": 600,
        "batch_size": 64,
        "lr": 2e-3,
        "kept": 16,
        "labels": [100, 400],
        "tuning_steps": 200,
        "shown": 6,
    },
    "tones": {
        "people": 4000,
        "steps": 400,
        "test_people": 300,
        "left_out": [7, 8, 9],
    },
    "sitting": {
        "drawn": 5000,
        "people": 4000,
        "given_back": 200,
        "steps": 400,
        "test_drawn": 3000,
        "test_others": 400,
    },
}
COUNTED = metrics.pckh_columns(MPII)


class Study:
    """The stored results, and what several parts need."""

    def __init__(self, folder, settings):
        self.folder, self.settings = Path(folder), settings
        self.path = self.folder / "outlook.json"
        self.result = read_json(self.path) if self.path.is_file() else {}
        if self.result.get("settings") != plain(settings):
            self.result = {
                "command": "python data/studies/outlook.py",
                "torch": torch.__version__,
                "settings": settings,
            }
        self.drawn = cache(self._drawn)

    def once(self, part: str, name: str, measure) -> None:
        """A row of a part, unless it is stored already."""
        rows = self.result.setdefault(part, {})
        if name not in rows:
            begun = time.process_time()
            rows[name] = plain(measure())
            write_json(self.path, plain(self.result))
            taken = time.process_time() - begun
            print(f"{part}: {name}, {taken:.0f} CPU seconds", flush=True)

    def missing(self, part: str, names) -> bool:
        """Whether any of a part's rows is not stored yet."""
        return not set(names) <= set(self.result.get(part, {}))

    def _drawn(self, count, split):
        people = self.people(count, split)
        return crop_in_memory(people, people.size, people.margin, workers=1)

    def people(self, count, split):
        """Drawn people on pictures a margin larger than what networks see."""
        margin = self.settings["margin"]
        side = round(margin * self.settings["size"])
        return SyntheticPeople(count, size=side, margin=margin, split=split)

    def keep(self, name: str, network) -> None:
        """Put a network's weights into the file of networks, in 16 bits."""
        path = self.folder / "outlook.safetensors"
        kept = load_file(path) if path.is_file() else {}
        for key, value in network.state_dict().items():
            kept[f"{name}/{key}"] = value.half() if value.is_floating_point() else value
        with atomic_path(path) as temporary:
            save_file(kept, temporary)

    def kept(self, name: str):
        """A convolution as it was kept."""
        network, start = _network(self, "convolution"), f"{name}/"
        weights = load_file(self.folder / "outlook.safetensors")
        network.load_state_dict(
            {
                key.removeprefix(start): value.float()
                for key, value in weights.items()
                if key.startswith(start)
            }
        )
        return network


def _network(study, name):
    """One of the settings' networks, with fresh weights."""
    model, options, _ = study.settings["networks"][name]
    return models.build(model, input_size=study.settings["size"], **options)


def trained(study, name, crops, steps, seed, start=None):
    """One of the settings' networks, from the start or from another's weights."""
    s = study.settings
    model, _, lr = s["networks"][name]
    torch.manual_seed(seed)
    network = _network(study, name)
    if start is not None:
        network.load_state_dict(start)
    with tempfile.TemporaryDirectory() as scratch:
        config = training.config_for(
            model,
            epochs=1,
            validate_every=steps,
            lr=lr,
            seed=seed,
            ema=0.0,  # the last step's weights
            amp="fp32",
            augmentation=Augmentation(**s["augmentation"]),
            out=str(Path(scratch, "run")),
            **{k: s[k] for k in ("batch_size", "weight_decay", "warmup", "margin")},
        )
        few = crops.subset(range(min(32, len(crops))))  # judged below, by others
        run = training.train(config, (crops, few), lambda row: None, network=network)
        return models.load_model(run / "weights.safetensors")


def hits(network, store):
    """``(N, K)``: 1 right, 0 wrong, NaN not labelled."""
    points, *_ = predict_crops(network, store)
    return _hits(points, store)


def _hits(points, store):
    return metrics.pck_hits(
        points, store.keypoints, store.visible, store.head_size, 0.5
    )


def score(hit):
    """PCKh@0.5 in percent and its interval."""
    return percent(metrics.bootstrap_interval(hit, COUNTED))


# ------------------------------------------------------------------ trunks


def trunks(study):
    """Transformer beside convolution."""
    s = study.settings["trunks"]
    for people, seed in s["runs"]:
        for name in ("convolution", "transformer"):
            measure = partial(trunk, study, name, people, seed)
            study.once("trunks", f"{name}, {people} people, seed {seed}", measure)
    study.once("trunks", "mean pose", lambda: {"pckh": constant(study)})


def trunk(study, name, people, seed):
    s = study.settings["trunks"]
    most = max(count for count, _ in s["runs"])
    everybody = study.drawn(most, "train")
    begun = time.process_time()
    network = trained(study, name, everybody.subset(range(people)), s["steps"], seed)
    taken = time.process_time() - begun
    if people == most and name == "transformer":
        study.keep(name, network)
    cost = summarise(network)
    return {
        "pckh": score(hits(network, study.drawn(s["test_people"], "test"))),
        "parameters": cost.parameters,
        "multiply_adds": cost.multiply_adds,
        "cpu_seconds": taken,
    }


def constant(study):
    """The mean pose of the training people, for everybody."""
    s = study.settings["trunks"]
    test = study.drawn(s["test_people"], "test")
    most = max(count for count, _ in s["runs"])
    mean = mean_pose_of(study.drawn(most, "train"), (test.size,) * 2)
    # in pixels of the stored crop, whose window lies in its middle
    mean = mean * (test.window / test.size) + (test.size - test.window) / 2
    return score(_hits(np.broadcast_to(mean, test.keypoints.shape), test))


# -------------------------------------------------------------- unlabelled


class MaskedAutoencoder(nn.Module):
    """A `ViTPose` sees some patches; a small decoder fills in the others."""

    def __init__(self, network, width: int = 64):
        super().__init__()
        self.trunk = network
        places = network.places.shape
        self.narrow = nn.Linear(places[2], width)
        self.hidden = nn.Parameter(torch.zeros(width))
        self.places = nn.Parameter(0.02 * torch.randn(1, places[1], width))
        self.block = Block(width, 4)
        self.pixels = nn.Linear(width, 3 * network.patch**2)

    def forward(self, images, seen):
        """Pixels of all patches ``(N, T, 3 p p)`` from those in `seen` (N, M)."""
        x = self.trunk.tokens(images)
        x = x.gather(1, seen[..., None].expand(-1, -1, x.shape[-1]))
        x = self.narrow(self.trunk.norm(self.trunk.blocks(x)))
        full = self.hidden.expand(len(x), self.places.shape[1], -1)
        full = full.scatter(1, seen[..., None].expand(-1, -1, x.shape[-1]), x)
        return self.pixels(self.block(full + self.places))


def patches(images, side):
    """``(N, T, 3 side side)``, and mean and deviation of each patch."""
    cut = F.unfold(images, side, stride=side).transpose(1, 2)
    mean, deviation = cut.mean(-1, keepdim=True), cut.std(-1, keepdim=True) + 0.1
    return (cut - mean) / deviation, mean, deviation


def pictures(study, count, split):
    """Normalised, as a network sees them."""
    store = study.drawn(count, split)
    edge, side = (store.size - round(store.window)) // 2, round(store.window)
    crops = store.crops[:, edge : edge + side, edge : edge + side]
    return torch.from_numpy(crops.copy()).permute(0, 3, 1, 2)


def pretrained(study, seed):
    """A transformer that has completed pictures and seen no label."""
    s = study.settings["unlabelled"]
    torch.manual_seed(seed)
    network = _network(study, "transformer")
    whole = MaskedAutoencoder(network)
    optimiser = torch.optim.AdamW(
        whole.parameters(), s["lr"], betas=(0.9, 0.95), weight_decay=0.05
    )
    falling = torch.optim.lr_scheduler.OneCycleLR(
        optimiser, s["lr"], s["steps"], pct_start=0.1
    )
    shown, random = pictures(study, s["pictures"], "train"), torch.Generator()
    random.manual_seed(seed)
    for step in range(s["steps"]):
        some = torch.randint(len(shown), (s["batch_size"],), generator=random)
        images = normalise(shown[some])
        images = images.flip(-1) if step % 2 else images
        loss = completion(whole, images, s["kept"], random)[0]
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        falling.step()
    return network, whole.eval()


def completion(whole, images, kept, random):
    """Mean squared error of the hidden patches; the guesses; what was seen."""
    count = whole.places.shape[1]
    order = torch.rand(len(images), count, generator=random).argsort(1)
    guessed = whole(images, order[:, :kept])
    target, *_ = patches(images, whole.trunk.patch)
    off = (guessed - target).square().mean(-1)
    return off.gather(1, order[:, kept:]).mean(), guessed, order[:, :kept]


def unlabelled(study):
    """Few labels, with and without pictures before them."""
    s = study.settings["unlabelled"]
    ways = {"from nothing": None, "after filling in": None}
    for seed in s["seeds"]:
        names = [f"{way}, {n} labels, seed {seed}" for way in ways for n in s["labels"]]
        if not study.missing("unlabelled", [*names, f"filling in, seed {seed}"]):
            continue
        network, whole = pretrained(study, seed)
        starts = {"from nothing": None, "after filling in": network.state_dict()}
        study.once(
            "unlabelled",
            f"filling in, seed {seed}",
            partial(filled, study, whole, seed),
        )
        for way, start in starts.items():
            for n in s["labels"]:
                study.once(
                    "unlabelled",
                    f"{way}, {n} labels, seed {seed}",
                    partial(tuned, study, n, start, seed),
                )


def tuned(study, labels, start, seed):
    s = study.settings["unlabelled"]
    people = study.drawn(s["pictures"], "train").subset(range(labels))
    network = trained(
        study,
        "transformer",
        people,
        s["tuning_steps"],
        seed,
        start=start,
    )
    test = study.drawn(study.settings["trunks"]["test_people"], "test")
    return {"pckh": score(hits(network, test))}


@torch.no_grad()
def filled(study, whole, seed):
    """How well hidden patches are guessed; a few completed pictures are kept."""
    s = study.settings["unlabelled"]
    shown = pictures(study, study.settings["trunks"]["test_people"], "test")
    images, random = normalise(shown), torch.Generator().manual_seed(seed)
    loss, guessed, seen = completion(whole, images, s["kept"], random)
    if seed == s["seeds"][0]:
        _, mean, deviation = patches(images, whole.trunk.patch)
        mask = torch.ones(guessed.shape[:2]).scatter(1, seen, 0.0)[..., None]
        side = study.settings["size"]

        def picture(cut):
            folded = F.fold(
                cut.transpose(1, 2), side, whole.trunk.patch, stride=whole.trunk.patch
            )
            return folded[: s["shown"]].permute(0, 2, 3, 1)

        # a patch's own mean and contrast are given back: only its pattern was asked
        made = picture(guessed * deviation + mean)
        scale = normalise(
            torch.tensor([0, 255], dtype=torch.uint8)
            .view(1, 1, 1, 2)
            .expand(1, 3, 1, 2)
        )
        low, high = scale[0, :, 0].unbind(-1)
        made = ((made - low) / (high - low)).clamp(0, 1) * 255
        with atomic_path(study.folder / "outlook.npz") as temporary:
            np.savez_compressed(
                temporary,
                images=shown[: s["shown"]].permute(0, 2, 3, 1).numpy(),
                hidden=picture(mask.expand_as(guessed))[..., 0].bool().numpy(),
                guessed=made.round().byte().numpy(),
            )
    # patches are normalised: who guesses each patch's mean is wrong by 1, about
    return {"error": float(loss)}


# ------------------------------------------------------------------- tones


def tone_of(body) -> int:
    """The tone of somebody's skin, 0 the lightest of ten."""
    return int(np.abs(SKIN.mean(1) - body.skin.mean()).argmin())


def repainted(people, store, rows, tones):
    """A store in which some people have another skin, and nothing else changed."""
    crops = np.array(store.crops)
    for row, tone in zip(rows, tones, strict=True):
        body = replace(people.stance(int(row)).body, skin=SKIN[tone])
        crops[row] = people.render(int(row), body).image
    return replace(store, crops=crops)


def training_sets(study):
    """Name -> people to train on."""
    s = study.settings["tones"]
    people = study.people(s["people"], "train")
    everybody = study.drawn(s["people"], "train")
    tones = np.array([tone_of(people.stance(i).body) for i in range(len(people))])
    dark = np.flatnonzero(np.isin(tones, s["left_out"]))
    others = [t for t in range(len(SKIN)) if t not in s["left_out"]]
    random = np.random.default_rng(0)
    without = repainted(people, everybody, dark, random.choice(others, len(dark)))
    return {"all ten tones": everybody, "three left out": without}


def tones(study):
    """Trained on other people, shown everybody in all tones."""
    s, seeds = study.settings["tones"], study.settings["seeds"]
    ways = ("all ten tones", "three left out")
    if not study.missing("tones", [f"{w}, seed {n}" for w in ways for n in seeds]):
        return
    people = study.people(s["test_people"], "test")
    test, rows = study.drawn(s["test_people"], "test"), range(s["test_people"])
    shown = [
        repainted(people, test, rows, [tone] * len(rows)) for tone in range(len(SKIN))
    ]
    for way, crops in training_sets(study).items():
        for seed in seeds:
            measure = partial(toned, study, crops, seed, shown)
            study.once("tones", f"{way}, seed {seed}", measure)


def toned(study, crops, seed, shown):
    """Scores by tone, and the gap between the groups, paired."""
    s = study.settings["tones"]
    network = trained(study, "convolution", crops, s["steps"], seed)
    hit = np.stack([hits(network, store) for store in shown])  # (tones, N, K)
    out = np.isin(np.arange(len(hit)), s["left_out"])
    gap = metrics.paired_interval(hit[~out].mean(0), hit[out].mean(0), COUNTED)
    return {
        "pckh": [score(h) for h in hit],
        "seen": score(hit[~out].mean(0)),
        "left out": score(hit[out].mean(0)),
        "gap": percent(gap),
    }


# ----------------------------------------------------------------- sitting


def seated(people):
    """Who sits, ``(N,)`` bool."""
    return np.array([people.stance(i).pose.seated for i in range(len(people))])


def sitting(study):
    """Trained with people who sit and without, shown such people and others."""
    s, seeds = study.settings["sitting"], study.settings["seeds"]
    everybody = study.drawn(s["drawn"], "train")
    sits = seated(study.people(s["drawn"], "train"))
    others, back = np.flatnonzero(~sits), np.flatnonzero(sits)[: s["given_back"]]
    sets = {
        "everybody": np.arange(s["people"]),
        "nobody who sits": others[: s["people"]],
        "some given back": np.r_[others[: s["people"] - len(back)], back],
    }
    for way, chosen in sets.items():
        for seed in seeds:
            measure = partial(seat, study, way, everybody.subset(chosen), seed)
            study.once("sitting", f"{way}, seed {seed}", measure)
    study.result["sitting"]["shares"] = {
        way: float(sits[chosen].mean()) for way, chosen in sets.items()
    }
    study.once("sitting", "lost", partial(lost, study))


def lost(study):
    """By how much those who sit fare worse: the two kept networks, in pairs."""
    sits = seated(study.people(study.settings["sitting"]["test_drawn"], "test"))
    test = study.drawn(study.settings["sitting"]["test_drawn"], "test").subset(sits)
    hit = [hits(study.kept(way), test) for way in ("everybody", "nobody who sits")]
    return percent(metrics.paired_interval(*hit, COUNTED))


def seat(study, way, crops, seed):
    """Scores of those who sit, and of others."""
    s = study.settings["sitting"]
    network = trained(study, "convolution", crops, s["steps"], seed)
    if seed == study.settings["seeds"][0] and way != "some given back":
        study.keep(way, network)
    sits = seated(study.people(s["test_drawn"], "test"))
    test = study.drawn(s["test_drawn"], "test")
    groups = {
        "sitting": np.flatnonzero(sits),
        "others": np.flatnonzero(~sits)[: s["test_others"]],
    }
    hit = {name: hits(network, test.subset(rows)) for name, rows in groups.items()}
    share = sits.mean()
    rates = {name: score(found) for name, found in hit.items()}
    return {
        **rates,
        "all": share * rates["sitting"][0] + (1 - share) * rates["others"][0],
        "joints": {name: 100 * np.nanmean(h, 0) for name, h in hit.items()},
        "people": {name: len(rows) for name, rows in groups.items()},
    }


# ----------------------------------------------------------------- the page


def table(result):
    """The three parts for the page."""
    found = [
        ("trunks", ["network and people", "PCKh@0.5", "weights, M", "multiply-adds, M"])
    ]
    lines = []
    for name, row in result["trunks"].items():
        cost = [
            f"{row[k] / 1e6:.2f}" if k in row else ""
            for k in ("parameters", "multiply_adds")
        ]
        lines.append([name, cell(row["pckh"]), *cost])
    rows = [_lines(found[0][1], lines)]
    lines = [
        [name, cell(row["pckh"])]
        for name, row in result["unlabelled"].items()
        if "pckh" in row
    ]
    rows.append(_lines(["transformer", "PCKh@0.5"], lines))
    lines = [
        [name, cell(row["seen"]), cell(row["left out"]), cell(row["gap"], "+")]
        for name, row in result["tones"].items()
    ]
    head = ["trained on", "seven tones", "the three darkest", "gap"]
    rows.append(_lines(head, lines))
    lines = [
        [name, cell(row["sitting"]), cell(row["others"]), f"{row['all']:.1f}"]
        for name, row in result["sitting"].items()
        if "seed" in name
    ]
    rows.append(_lines(["trained on", "people who sit", "others", "all"], lines))
    return "\n\n".join(rows)


def _lines(head, lines):
    return "\n".join(
        "| " + " | ".join(map(str, line)) + " |"
        for line in (head, ["---"] * len(head), *lines)
    )


def study(folder, settings=SETTINGS):
    """Measure what is not measured yet; returns the JSON's content."""
    done = Study(folder, settings)
    for part in (tones, sitting, trunks, unlabelled):
        part(done)
    write_table(done.folder / "README.md", "outlook.py", table(done.result))
    return plain(done.result)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--out", type=Path, default=Path(__file__).parent)
    torch.set_num_threads(1)
    study(parser.parse_args().out)
