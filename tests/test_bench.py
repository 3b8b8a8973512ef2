"""The bench measures what it says, and says what it measured."""

import json

import numpy as np
import pytest
import torch

from posecourse import benchmarks as benches
from posecourse.benchmarks import ClassicalPeople, bench, report
from posecourse.cli import main
from posecourse.datasets import SyntheticPeople, open_dataset
from posecourse.datasets.mpii_writer import write_as_mpii


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    folder = tmp_path_factory.mktemp("bench") / "drawn"
    write_as_mpii(SyntheticPeople(6, size=256), folder)
    return folder


def test_rates_are_taken_in_turns(monkeypatch):
    clock = [0.0]
    monkeypatch.setattr(benches.time, "perf_counter", lambda: clock[0])
    order = []

    def work(name, takes):
        order.append(name)
        clock[0] += takes

    found = benches._rates(
        {"slow": lambda: work("slow", 0.2), "fast": lambda: work("fast", 0.05)},
        1.0,
        count=3,
    )
    assert found == pytest.approx({"slow": 15, "fast": 60})
    assert order.index("fast", 3) < len(order) - order[::-1].index("slow")


def test_the_classical_way_makes_samples(files):
    people = open_dataset(files, "valid")
    dataset = ClassicalPeople(people, 64, range(len(people)))
    image, target, weights = dataset[0]
    assert image.shape == (3, 64, 64) and image.dtype == torch.float32
    assert target.shape == (16, 16, 16) and weights.shape == (16,)
    assert weights.sum() > 8 and target.amax() > 0.8
    assert abs(image.mean()) < 2 and image.std() > 0.1
    assert min(dataset.spent.values()) > 0


@pytest.mark.slow
def test_data(files):
    machine = benches.bench_machine("cpu")
    assert machine["bytes_per_second"] > 1e8
    people = open_dataset(files, "valid")
    found = benches.bench_data(people, 64, 4, 0.1, "cpu", 1, machine)
    assert found["people"] == 6
    assert found["picture_pixels"] == 256 * 256
    assert sum(found["classical_share"].values()) == pytest.approx(1)
    assert found["store_of_classical"] == pytest.approx(
        found["store_samples_per_second"] / found["classical_samples_per_second"]
    )
    # every part alone is faster than all together
    for part in ("read", "batches", "targets"):
        assert found[f"{part}_per_second"] > 0.5 * found["store_samples_per_second"]
    text = report({"machine": machine, "data": found})
    assert "classical is bound by" in text and "the store by" in text
    with pytest.raises(ValueError, match="no pictures in files"):
        benches.bench_data(SyntheticPeople(3), 64, 4, 0.1, "cpu", 1, machine)


@pytest.mark.slow
def test_training_and_inference():
    machine = benches.bench_machine("cpu")
    training = benches.bench_training("laptop", 4, 0.1, "cpu", machine, people=8)
    assert training["whole_images_per_second"] > 0
    assert training["whole_of_compute"] == pytest.approx(
        training["whole_images_per_second"] / training["compute_images_per_second"]
    )
    inference = benches.bench_inference("laptop", 0.1, "cpu", compare=False)
    assert inference["crops_per_second"] > 0
    text = report({"machine": machine, "training": training, "inference": inference})
    assert "whole / compute" in text and "R-CNN" not in text


@pytest.mark.slow
def test_the_command(tmp_path, capsys):
    out = tmp_path / "bench.json"
    assert (
        main(
            [
                "bench",
                "--parts",
                "training",
                "--batch-size",
                "2",
                "--seconds",
                "0.05",
                "--device",
                "cpu",
                "--out",
                str(out),
            ]
        )
        == 0
    )
    assert "TRAINING  laptop, 64 x 64" in capsys.readouterr().out
    found = json.loads(out.read_text())
    assert found["settings"]["batch_size"] == 2
    assert np.isfinite(found["training"]["whole_of_compute"])


def test_what_cannot_be_measured_is_said():
    with pytest.raises(ValueError, match="parts are"):
        bench(parts=["memory"])
    with pytest.raises(ValueError, match="positive"):
        bench(seconds=0)


def test_the_stored_figures_are_told_as_they_are(root):
    """The table in data/benchmarks says what the files beside it say."""
    folder = root / "data" / "benchmarks"
    found = {
        path.stem: json.loads(path.read_text("utf-8")) for path in folder.glob("*.json")
    }
    table = [
        line.split("|")[2].strip()
        for line in (folder / "README.md").read_text("utf-8").splitlines()
        if line.startswith("| ") and "|---" not in line
    ][1:]
    small, large = found["lspet"]["data"], found["mpii-720p"]["data"]
    assert table == [
        f"{small['store_of_classical']:.1f} times",
        f"{large['store_of_classical']:.1f} times",
        f"{small['stored_of_decoded']:.2f}",
        f"{large['stored_of_decoded']:.2f}",
        f"{found['laptop']['training']['whole_of_compute']:.2f}",
        f"{found['laptop']['inference']['crops_per_keypointrcnn']:.0f}",
    ]
    assert small["store_of_classical"] >= 2
    assert large["store_of_classical"] >= 6
    assert found["laptop"]["inference"]["crops_per_keypointrcnn"] >= 100
    assert not any(run["settings"]["data"].startswith("/") for run in found.values())


def test_drawing():
    found = benches.bench_drawing(0.05, sizes=(32, 64))
    rates = found["people_per_second"]
    assert set(rates) == {"1", "2"} and set(rates["2"]) == {"32", "64"}
    assert min(rates["1"]["64"], rates["2"]["64"]) > 5
    assert sum(found["profile"].values()) == pytest.approx(1)
    assert {"background", "paint_people", "sketch_person"} <= set(found["profile"])
    machine = {
        "device": "cpu",
        "cores": 1,
        "torch": "2",
        "bytes_per_second": 1e9,
        "multiply_adds_per_second_fp32": 1e9,
        "multiply_adds_per_second_bf16": 1e9,
    }
    text = report({"machine": machine, "drawing": found})
    assert f"{rates['2']['64']:.0f}" in text and "sketch_person" in text
