"""A run must end the same however it got there, and leave what it says."""

import csv
import importlib
import json
import math
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from contextlib import contextmanager, suppress
from dataclasses import replace

import numpy as np
import pytest
import torch
import torch.multiprocessing as mp
from people import dot_people
from tqdm import tqdm

from posecourse import evaluation, models
from posecourse.models.checkpoints import CONVENTIONS, adopt
from posecourse.models.heads import HEADS
from posecourse.skeletons import COCO, MPII, UPPER_BODY
from posecourse.training import (
    PRESETS,
    FitSettings,
    LossTerms,
    RunFolder,
    SinglePerson,
    TrainConfig,
    TrainingError,
    TrainingStopped,
    config_for,
    learning_rate,
    train,
    update_ema,
)
from posecourse.training.distributed import DistributedContext
from posecourse.training.run_folder import RunError
from posecourse.transforms import Augmentation

# the module; the package has the function of that name
fit = importlib.import_module("posecourse.training.fit")

pytestmark = pytest.mark.usefixtures("one_thread")

TINY = {
    "laptop": {"width": 8, "input_size": 32},
    "posenet": {"width": 0.05, "input_size": 32},
    "posenet_bn": {"width": 0.05, "input_size": 32},
}


def tiny(out, model="laptop", **changes):
    return config_for(
        model,
        TINY[model],
        out=str(out),
        **{"epochs": 2, "batch_size": 8, "amp": "fp32", **changes},
    )


def stores(**options):
    return dot_people(48, **options), dot_people(16, seed=1, **options)


def weights(folder):
    return models.load_model(folder / "weights.safetensors").state_dict()


def same(a, b):
    return a.keys() == b.keys() and all(torch.equal(a[k], b[k]) for k in a)


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """A run of two epochs."""
    return train(tiny(tmp_path_factory.mktemp("runs") / "tiny"), stores())


def test_a_run_leaves_what_it_says(finished):
    files = {p.name for p in finished.iterdir()}
    assert {
        "config.json",
        "log.csv",
        "weights.safetensors",
        "last.pt",
        "evaluation.json",
        "predictions.png",
        "README.txt",
    } <= files
    log = (finished / "log.csv").read_text().splitlines()
    assert len(log) == 3
    row = dict(zip(log[0].split(","), log[2].split(",")))
    assert row["epoch"] == "2" and row["step"] == "12"
    assert float(row["train_loss"]) > 0 and 0 <= float(row["score"]) <= 100
    for name in ("mean_pose", "center_pose", "prediction_std", "trivial_loss"):
        assert float(row[name]) > 0
    content = json.loads((finished / "evaluation.json").read_text())
    assert content["score"] == pytest.approx(float(row["score"]), abs=0.5)
    assert len(content["people"]) == 16
    text = (finished / "README.txt").read_text()
    assert "PCKh" in text and "--resume" in text
    again = evaluation.evaluate(finished, stores()[1])
    assert again.score == pytest.approx(content["score"], abs=1e-6)
    assert again.baselines["mean pose"] == pytest.approx(
        content["baselines"]["mean pose"]
    )
    known = TrainConfig(**json.loads((finished / "config.json").read_text()))
    assert known.augmentation == PRESETS["laptop"]["augmentation"]
    assert known.batch_size == 8 and known.options["width"] == 8


@pytest.mark.slow
def test_the_log_for_tensorboard_does_without_tensorflow(tmp_path):
    """Which may be installed, takes long to import, and talks."""
    (tmp_path / "tensorflow.py").write_text("raise SystemExit('imported')")
    code = (
        "from pathlib import Path; from posecourse.training import run_folder; "
        "assert run_folder.write_tensorboard(Path('log'), "
        "[{'step': 7, 'score': 0.5}])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=tmp_path,
        text=True,
        timeout=120,
        capture_output=True,
        env={**os.environ, "PYTHONPATH": str(tmp_path)},
    )
    assert done.returncode == 0, done.stderr
    reader = pytest.importorskip(
        "tensorboard.backend.event_processing.event_accumulator"
    )
    log = reader.EventAccumulator(str(tmp_path / "log")).Reload()
    (row,) = log.Scalars("score")
    assert (row.step, row.value) == (7, 0.5)


def test_curves_are_drawn_where_matplotlib_is(finished):
    pytest.importorskip("matplotlib")
    assert (finished / "curves.png").read_bytes()[:4] == b"\x89PNG"


@pytest.mark.slow
def test_training_learns(tmp_path):
    people = dot_people(192), dot_people(16, seed=1)
    config = tiny(
        tmp_path / "run",
        epochs=4,
        lr=5e-3,
        ema=0.05,
        augmentation=Augmentation(scale=0, rotation=0, flip=0, channel_gain=0),
    )
    result = evaluation.evaluate(train(config, people), people[1])
    assert result.score > result.baselines["mean pose"] + 15


@pytest.mark.slow
def test_the_same_seed_gives_the_same_weights(finished, tmp_path):
    assert same(weights(train(tiny(tmp_path / "a"), stores())), weights(finished))
    other = weights(train(tiny(tmp_path / "b", seed=1), stores()))
    assert not same(other, weights(finished))


def test_a_finished_run_can_be_resumed(finished):
    before = weights(finished)
    again = train(TrainConfig(resume=str(finished)), stores())
    assert again == finished and same(weights(again), before)


@contextmanager
def stopped_after(step):
    """Ctrl-C in that step."""

    def stop(average, network, done, horizon, old=fit.update_ema):
        old(average, network, done, horizon)
        if done == step:
            os.kill(os.getpid(), signal.SIGINT)

    with (
        pytest.MonkeyPatch.context() as patch,
        pytest.raises(TrainingStopped, match=f"after step {step} of 12.*--resume"),
    ):
        patch.setattr(fit, "update_ema", stop)
        yield


@pytest.mark.slow
def test_stopped_in_the_middle_of_an_epoch(finished, tmp_path):
    """Ctrl-C saves; the resumed run ends as if nothing had been."""
    with stopped_after(8):
        train(tiny(tmp_path / "run"), stores())
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    folder = train(TrainConfig(resume=str(tmp_path / "run")), stores())
    assert same(weights(folder), weights(finished))
    a, b = ((f / "log.csv").read_text() for f in (folder, finished))
    cut = [
        [line.rsplit(",", 1)[0] for line in text.splitlines()] for text in (a, b)
    ]  # all but the speed
    assert cut[0] == cut[1]


@pytest.mark.slow
@pytest.mark.parametrize("step", [3, 8])
def test_a_resumed_network_is_fed_as_it_was(tmp_path, step):
    """It began with weights that want blue first and draw a little aside."""
    source = models.build("laptop", **TINY["laptop"])
    adopt(source, CONVENTIONS["SimpleBaseline"])
    init = models.save_weights(source, tmp_path / "theirs.safetensors")
    whole = train(tiny(tmp_path / "whole", init=str(init)), stores())
    with stopped_after(step):  # before there are weights, and after
        train(tiny(tmp_path / "run", init=str(init)), stores())
    init.unlink()
    resumed = train(TrainConfig(resume=str(tmp_path / "run")), stores())
    a, b = (models.load_model(run / "weights.safetensors") for run in (whole, resumed))
    assert a.conventions == b.conventions == CONVENTIONS["SimpleBaseline"]
    assert same(a.state_dict(), b.state_dict())
    images = torch.randn(2, 3, 32, 32)
    with torch.no_grad():
        assert torch.equal(a(images)[0], b(images)[0])
        bare = models.build("laptop", **TINY["laptop"]).eval()
        bare.load_state_dict(b.state_dict())
        assert not torch.equal(bare(images)[0], b(images)[0])


def test_what_is_left_of_other_joints_is_said_once(tmp_path, capfd):
    """By the run, which may be quiet or one of several processes."""
    other = models.build("laptop", COCO, **TINY["laptop"])
    init = models.save_weights(other, tmp_path / "coco.safetensors")
    train(tiny(tmp_path / "a", init=str(init), epochs=1), stores())
    assert capfd.readouterr().out.count("learned anew") == 1
    rows = []
    train(tiny(tmp_path / "b", init=str(init), epochs=1), stores(), rows.append)
    assert capfd.readouterr() == ("", "")


def test_a_watched_run_says_nothing_else(finished, tmp_path, capfd):
    rows = []
    train(tiny(tmp_path / "run"), stores(), on_epoch=rows.append)
    assert capfd.readouterr() == ("", "")
    with open(finished / "log.csv", newline="") as file:
        log = list(csv.DictReader(file))
    assert [r["epoch"] for r in rows] == [1, 2]
    for row, known in zip(rows, log, strict=True):
        assert row.keys() == known.keys()
        assert all(row[k] == float(known[k]) for k in row if k != "images_per_second")


@pytest.mark.slow
def test_killed_between_an_epoch_and_its_checkpoint(finished, tmp_path):
    """The epoch is lost, and done again."""

    def fail(row):
        if row["epoch"] == 2:
            raise OSError("no power")

    with pytest.raises(OSError, match="no power"):
        train(tiny(tmp_path / "run"), stores(), fail)
    last = torch.load(tmp_path / "run" / "last.pt", weights_only=True)
    assert last["step"] == 6
    folder = train(TrainConfig(resume=str(tmp_path / "run")), stores())
    assert same(weights(folder), weights(finished))


SCRIPT = """
import sys
sys.path.insert(0, {tests!r})
import torch
import test_training as t
torch.set_num_threads(1)
t.train(t.long({out!r}), t.stores())
"""


def long(out):
    """Its stores and settings: 144 steps, a checkpoint after each."""
    return (dot_people(96), dot_people(8, seed=1)), tiny(
        out, "posenet_bn", epochs=3, batch_size=2, checkpoint_minutes=1e-9, ema=0.9
    )  # long enough to remember what was before a kill


def step_of(folder):
    """Where the last checkpoint stands; 0 before the first."""
    last = folder / "last.pt"
    return torch.load(last, weights_only=True)["step"] if last.exists() else 0


def kill_ten_times(folder):
    """SIGKILL at moments of chance; `kills.json` says at which steps.

    Run it in an interpreter of its own, which imports everything once and
    never computes: one that has computed has threads, and cannot fork.
    """
    for name in (
        "torch._dynamo",
        "safetensors.torch",
        "matplotlib.backends.backend_agg",
    ):
        with suppress(ImportError):
            importlib.import_module(name)  # else every process would
    tqdm.get_lock()  # a semaphore, which a killed process would leave behind
    torch.set_num_threads(1)
    (people, config), kills = long(folder), [0]
    random = np.random.default_rng(0)
    for goal in np.sort(random.choice(range(1, 90), 10, replace=False)):
        process = os.fork()
        if process == 0:
            try:
                train(config, people)
            finally:
                os._exit(0)  # leave the rest to the first process
        while step_of(folder) < max(goal, kills[-1] + 1):
            assert os.waitpid(process, os.WNOHANG) == (0, 0), (goal, kills)
            time.sleep(0.005)
        time.sleep(random.uniform(0, 0.03))
        os.kill(process, signal.SIGKILL)
        _, status = os.waitpid(process, 0)
        assert os.waitstatus_to_exitcode(status) == -signal.SIGKILL, kills
        kills.append(step_of(folder))
        config = TrainConfig(resume=str(folder))
    (folder / "kills.json").write_text(json.dumps(kills))


@pytest.mark.slow
@pytest.mark.skipif(
    sys.platform == "win32", reason="Windows has neither SIGKILL nor fork"
)
def test_killed_ten_times_and_resumed_is_as_never_killed(tmp_path):
    folder = tmp_path / "killed"
    killer = mp.get_context("spawn").Process(
        target=kill_ten_times, args=(folder,), daemon=True
    )
    killer.start()
    people, config = long(tmp_path / "whole")
    whole = train(replace(config, checkpoint_minutes=5.0), people)
    killer.join(300)
    assert killer.exitcode == 0  # else see what it printed
    kills = json.loads((folder / "kills.json").read_text())
    assert len(kills) == 11 and np.all(np.diff(kills) > 0), kills
    assert kills[-1] < step_of(whole) == 144, kills
    train(TrainConfig(resume=str(folder)), people)
    assert step_of(folder) == 144
    assert same(weights(folder), weights(whole)), kills


def gradients(context, config, skeleton=MPII):
    """Those of the first batch and the sums, by the code that `fit` runs."""
    torch.set_num_threads(1)
    torch.manual_seed(0)
    cpu = torch.device("cpu")
    network = models.build(config.model, skeleton, **config.options)
    if config.loss != "auto":
        network.set_loss(config.loss)
    task = SinglePerson(config, *stores(), network, cpu, context)
    precise = fit.Precise(network, config, cpu)
    step = fit.Step(network, task, precise)
    module = context.wrap(step, cpu, task.partial_gradients)
    batch = task.batch(3)
    terms = module(batch)
    counts = context.sum(terms.counts)
    (context.world * (terms.sums / counts).sum()).backward()
    sums = torch.stack(
        [terms.sums.detach(), task.baseline(precise, batch), terms.counts]
    )
    return {n: p.grad for n, p in network.named_parameters()}, context.sum(sums)


def pair_of_processes(monkeypatch, work, arguments):
    """Call ``work(rank, *arguments)`` in two processes, this one the first."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    for name, value in {
        "WORLD_SIZE": 2,
        "MASTER_ADDR": "127.0.0.1",
        "MASTER_PORT": port,
        "RANK": 0,
        "LOCAL_RANK": 0,
    }.items():
        monkeypatch.setenv(name, str(value))
    other = mp.get_context("spawn").Process(target=work, args=(1, *arguments))
    other.start()
    work(0, *arguments)
    other.join(60)


def one_of_two(rank, folder, config):
    os.environ |= {"RANK": str(rank), "LOCAL_RANK": str(rank)}
    context = DistributedContext.join()
    torch.save(gradients(context, config), f"{folder}/{rank}.pt")
    context.close()


@pytest.mark.slow
@pytest.mark.parametrize("model, topk", [("posenet", 0), ("posenet", 4)])
def test_two_processes_do_what_one_does(tmp_path, monkeypatch, model, topk):
    """The same gradient, though labels are spread unevenly over them."""
    # no BatchNorm: on a CPU each process would normalise its own part
    config = tiny(tmp_path / "run", model, ohkm_topk=topk)
    alone, sums = gradients(DistributedContext(), config)
    pair_of_processes(monkeypatch, one_of_two, (str(tmp_path), config))
    for rank in (0, 1):
        part, part_sums = torch.load(tmp_path / f"{rank}.pt")
        assert torch.allclose(part_sums, sums, rtol=1e-5)
        for name, gradient in alone.items():
            scale = gradient.abs().max()
            assert scale > 0
            assert (part[name] - gradient).abs().max() < 1e-4 * scale, name


def test_rates_rise_and_fall():
    config = TrainConfig(lr=1.0, warmup=0.1)
    rates = [learning_rate(i, 100, config) for i in range(100)]
    assert rates[0] == 0.1 and rates[9] == 1.0 == max(rates)
    assert rates[-1] < 0.001
    assert np.all(np.diff(rates[10:]) < 0)
    steps = replace(config, schedule="step")
    rates = [learning_rate(i, 100, steps) for i in (50, 70, 90)]
    assert rates == pytest.approx([1.0, 0.1, 0.01])


def test_the_average_follows():
    a, b = (models.build("laptop", width=8, input_size=32) for _ in "ab")
    start, goal = a.head.weight.clone(), b.head.weight
    update_ema(a, b, step=1000, horizon=100)
    assert torch.allclose(a.head.weight, start + (goal - start) / 100, atol=1e-6)
    update_ema(a, b, step=10, horizon=0)
    assert torch.equal(a.head.weight, b.head.weight)


@pytest.mark.parametrize("model", ["laptop", "posenet"])
def test_the_trivial_loss_is_that_of_a_constant_prediction(tmp_path, model):
    config = tiny(tmp_path / "run", model)
    _, sums = gradients(DistributedContext(), config)
    loss, trivial, count = sums[:, 0]
    network = models.build(model, **config.options)
    task = SinglePerson(config, *stores(), network, torch.device("cpu"))
    batch = task.batch(3)
    target, weight = network.codec.encode(batch.keypoints, batch.visible)
    assert count == weight.sum()
    if model == "laptop":
        expected = target.square().sum()
    else:
        mean = evaluation.mean_pose_of(task.people.store, (32, 32))
        mean = torch.tensor((mean + 0.5) / 32)
        expected = ((target - mean) * weight[..., None]).square().sum()
    assert trivial.item() == pytest.approx(expected.item(), rel=1e-4)


def test_joints_that_cannot_be_mirrored_are_not(tmp_path):
    people = stores(skeleton=UPPER_BODY)
    folder = train(tiny(tmp_path / "run", epochs=1), people)
    assert models.load_model(folder / "weights.safetensors").skeleton == UPPER_BODY


def test_other_skeletons_train(tmp_path):
    folder = train(
        tiny(tmp_path / "run", "posenet_bn", epochs=1), stores(skeleton=COCO)
    )
    assert "PCKh@0.5" in (folder / "evaluation.json").read_text()


def test_collapse_is_said(tmp_path, capsys):
    train(tiny(tmp_path / "run", "posenet", epochs=1), stores())
    assert "posenet_bn" in capsys.readouterr().out


def test_a_loss_that_is_no_number_stops_the_run(tmp_path):
    config = tiny(tmp_path / "run", "posenet", epochs=3, lr=1e12, warmup=0)
    with pytest.raises(TrainingError, match="finite.*Lower --lr"):
        train(config, stores())
    last = tmp_path / "run" / "last.pt"
    if last.exists():
        kept = torch.load(last, weights_only=True)["model"]
        assert all(v.isfinite().all() for v in kept.values())


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")
def test_no_gpu_is_said(tmp_path):
    with pytest.raises(ValueError, match="cuda"):
        train(tiny(tmp_path / "run", device="cuda"), stores())


def test_what_cannot_be_trained_is_said(tmp_path, finished):
    with pytest.raises(ValueError, match="no network 'alexnet'"):
        config_for("alexnet")
    with pytest.raises(TrainingError, match="no setting 'learning_rate'"):
        config_for(learning_rate=1)
    with pytest.raises(TrainingError, match="schedule is one of"):
        config_for(schedule="linear")
    with pytest.raises(TrainingError, match="epochs must be a whole number"):
        config_for(epochs=0)
    with pytest.raises(ValueError, match="holds a run already"):
        train(tiny(finished), stores())
    with pytest.raises(FileNotFoundError, match="not a run folder"):
        train(TrainConfig(resume=str(tmp_path)), stores())
    for _ in range(2):  # what could not start is no run yet
        with pytest.raises(FileNotFoundError, match="nowhere"):
            train(tiny(tmp_path / "run", data="nowhere"))


def copied(run, folder):
    shutil.copytree(run, folder)
    return folder


@pytest.mark.slow
def test_a_damaged_checkpoint_falls_back_on_the_one_before(finished, tmp_path):
    """Cut, emptied, or with one bit turned: never taken for whole."""
    whole = (finished / "last.pt").read_bytes()
    flipped = bytearray(whole)
    flipped[len(whole) // 2] ^= 1
    for number, content in enumerate((whole[: len(whole) // 2], b"", bytes(flipped))):
        run = copied(finished, tmp_path / str(number))
        (run / "last.pt").write_bytes(content)
        with pytest.warns(UserWarning, match="last.pt is damaged.*previous.pt, step 6"):
            train(TrainConfig(resume=str(run)), stores())
        assert same(weights(run), weights(finished))
    (run / "last.pt").write_bytes(b"")
    (run / "previous.pt").write_bytes(b"")
    with pytest.raises(RunError, match="no checkpoint of this run is whole"):
        train(TrainConfig(resume=str(run)), stores())


def test_edited_settings_are_not_taken_up(finished, tmp_path):
    run = copied(finished, tmp_path / "run")
    content = json.loads((run / "config.json").read_text())
    content["options"]["width"] = 16
    (run / "config.json").write_text(json.dumps(content))
    with pytest.raises(RunError, match="config.json was changed.*options.*16"):
        train(TrainConfig(resume=str(run)), stores())


@pytest.mark.parametrize(
    "loss, got",
    [
        (lambda outputs, batch: outputs[-1].sum(), "it returned Tensor"),
        (
            lambda outputs, batch: models.JointLoss(torch.ones(8, 16), torch.ones(16)),
            r"\(stages, 8, 16\) and \(8, 16\); it returned \(8, 16\) and \(16,\)",
        ),
    ],
)
def test_an_own_loss_of_another_form_is_said(tmp_path, loss, got):
    network = models.build("laptop", **TINY["laptop"])
    network.loss = loss
    with pytest.raises(TrainingError, match=f"must return JointLoss.*{got}"):
        train(tiny(tmp_path / "run"), stores(), network=network)


def test_a_run_goes_on_with_its_own_network(finished):
    other = models.build("posenet", **TINY["posenet"])
    with pytest.raises(TrainingError, match="trains a laptop; .* is a posenet"):
        train(TrainConfig(resume=str(finished)), stores(), network=other)


def test_own_people_are_remembered(finished):
    """They are not taken for the drawn ones, nor for others."""
    content = json.loads((finished / "config.json").read_text())
    assert content["data"] == "own"
    assert content["people"]["train"]["people"] == 48
    with pytest.raises(TrainingError, match="given from Python"):
        train(TrainConfig(resume=str(finished)))
    with pytest.raises(TrainingError, match="48 people of dots; these are 24"):
        train(TrainConfig(resume=str(finished)), (dot_people(24), stores()[1]))
    with pytest.raises(ValueError, match="given from Python"):
        evaluation.evaluate(finished)


def test_runs_of_the_version_before_go_on(finished, tmp_path):
    """Renamed settings, columns and the old form of a checkpoint."""
    run = copied(finished, tmp_path / "run")
    content = json.loads((run / "config.json").read_text())
    content["hard_joints"] = content.pop("ohkm_topk")
    content["supervise"] = "all" if content.pop("intermediate_supervision") else "last"
    for new in ("people", "validate_every"):
        content.pop(new)
    augmentation = content["augmentation"]
    for old, new in (
        ("turn", "rotation_prob"),
        ("tint", "channel_gain"),
        ("erase", "erase_prob"),
    ):
        augmentation[old] = augmentation.pop(new)
    (run / "config.json").write_text(json.dumps({**content, "data": "synthetic"}))
    last = torch.load(run / "previous.pt", weights_only=True)
    rows = [
        {
            {"prediction_std": "spread", "label_std": "spread_of_labels"}.get(k, k): v
            for k, v in row.items()
        }
        for row in last["rows"]
    ]
    del last["settings"]
    last = {**last, "rows": json.dumps(rows), "sums": last["sums"].float().reshape(3)}
    torch.save(last, run / "last.pt")
    (run / "previous.pt").unlink()
    train(TrainConfig(resume=str(run)), stores())
    assert same(weights(run), weights(finished))
    assert (run / "log.csv").read_text().split("\n")[0] == (
        finished / "log.csv"
    ).read_text().split("\n")[0]


def test_frozen_layers_stay_as_they_are(finished, tmp_path):
    config = tiny(tmp_path / "run", init=str(finished), freeze=["stem"], epochs=1)
    before, after = weights(finished), weights(train(config, stores()))
    changed = {k for k in before if not torch.equal(before[k], after[k])}
    stem = {k for k in before if k.startswith("stem.")}
    assert any("running_mean" in k for k in stem)
    assert changed == set(before) - stem
    # what is learned goes on as if nothing had stopped it
    on = train(TrainConfig(resume=str(tmp_path / "run")), stores())
    assert same(weights(on), after)


def test_what_is_to_be_frozen_is_a_list():
    with pytest.raises(TrainingError, match="freeze is a list of layers' names"):
        tiny("run", freeze="stem")


def test_sums_of_one_term_are_those_of_the_first_of_two():
    """As checkpoints of the version before have them."""
    task = Toy()
    task.terms = 2
    network = torch.nn.Linear(1, 1, bias=False)
    state = fit.TrainState(
        network, task, FitSettings(epochs=1), torch.device("cpu"), DistributedContext()
    )
    saved = {
        "step": 3,
        "rows": [],
        "model": network.state_dict(),
        "average": network.state_dict(),
        "optimizer": state.optimizer.state_dict(),
        "sums": torch.tensor([6.0, 9.0, 3.0]),
    }
    state.load(saved)
    assert state.sums.tolist() == [[6, 0], [9, 0], [3, 0]]
    assert state.end_epoch(5, 0.1)["train_loss"] == 2


def test_the_speed_of_a_resumed_epoch_is_that_of_its_steps(monkeypatch):
    now = [100.0]
    monkeypatch.setattr(fit.time, "monotonic", lambda: now[0])
    clock = fit.Clock(60)
    for _ in range(3):  # of an epoch of five: two were done before
        now[0] += 0.5
        clock.tick()
    assert clock.end_epoch() == {"steps_per_second": 2}
    clock.start_epoch()
    now[0] += 0.25
    clock.tick()
    assert clock.end_epoch() == {"steps_per_second": 4}


def test_two_trainings_do_not_share_a_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with RunFolder.create(None, "net") as first, RunFolder.create(None, "net") as other:
        assert first.path != other.path
        with pytest.raises(RunError, match="another process.*is working in"):
            RunFolder(first.path)
        with pytest.raises(RunError, match="not empty"):
            RunFolder.create(first.path, "net")
        (first.path / "config.json").touch()
    assert first.path.exists() and not other.path.exists()  # nothing was written


def test_files_of_others_are_left_alone(tmp_path):
    mine = tmp_path / "mine"
    mine.mkdir()
    (mine / "README.txt").write_text("mine")
    with pytest.raises(RunError, match="not empty"):
        train(tiny(mine), stores())
    assert (mine / "README.txt").read_text() == "mine"


@pytest.mark.parametrize(
    "change, words",
    [
        ({"ohkm_topk": 99}, "16 joints"),
        ({"init": "nowhere.safetensors"}, "no such"),
        ({"loss": "wing"}, "does not suit"),
        ({"loss": "mine"}, "no loss 'mine'"),
        ({"freeze": ["head", "stem.9"]}, "no layer 'stem.9' to freeze; .* are stem"),
    ],
)
def test_a_start_that_fails_leaves_no_folder(tmp_path, change, words):
    with pytest.raises((ValueError, FileNotFoundError), match=words):
        train(tiny(tmp_path / "run", **change), stores())
    assert not (tmp_path / "run").exists()


def test_weights_that_are_not_finite_are_not_kept(tmp_path, monkeypatch):
    """The loss explodes in the last step of an epoch."""

    def explode(average, network, step, horizon, old=fit.update_ema):
        old(average, network, step, horizon)
        if step == 12:
            with torch.no_grad():
                next(iter(network.parameters())).fill_(float("nan"))

    monkeypatch.setattr(fit, "update_ema", explode)
    with pytest.raises(TrainingError, match="finite"):
        train(tiny(tmp_path / "run"), stores())
    kept = weights(tmp_path / "run")
    assert all(v.isfinite().all() for v in kept.values())
    assert step_of(tmp_path / "run") == 6


class Toy:
    """y = 2 x, learned by one weight: a task that is not about crops."""

    steps_per_epoch, terms, metric = 5, 1, "slope"
    partial_gradients = False

    def __init__(self, context=None):
        self.context = context or DistributedContext()

    def batch(self, step):
        x = torch.randn(8, 1, generator=torch.Generator().manual_seed(step))
        return x[self.context.rank :: self.context.world]

    def loss(self, network, batch):
        off = network(batch) - 2 * batch
        return LossTerms(off.square().sum()[None], torch.tensor([float(len(batch))]))

    def baseline(self, network, batch):
        return (2 * batch).square().sum()[None]

    def validate(self, network, row):
        return {**row, "score": network.weight.item()}

    def describe(self, row, epochs):
        return f"epoch {row['epoch']}"

    def metadata(self):
        return {}

    def report(self, folder, network):
        return ""


def toy_run(folder, context=None, stop_at=None, epochs=3):
    """The weight that the toy task ends with."""
    torch.manual_seed(0)
    network = torch.nn.Linear(1, 1, bias=False)
    settings = FitSettings(epochs=epochs, lr=0.3, ema=0.0, warmup=0.0, amp="fp32")
    folder.mkdir(exist_ok=True)
    with RunFolder(folder, lock=context is None or context.first) as run:
        old = fit.update_ema

        def stop(average, network, step, horizon):
            old(average, network, step, horizon)
            if step == stop_at:
                os.kill(os.getpid(), signal.SIGTERM)

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(fit, "update_ema", stop)
            average = fit.fit(network, Toy(context), settings, run, context)
    return average.weight.item()


@pytest.mark.slow
def test_a_task_that_is_not_about_crops(tmp_path):
    """It learns, resumes exactly, and leaves log and curves."""
    whole = toy_run(tmp_path / "whole", epochs=20)
    assert whole == pytest.approx(2, abs=0.05)
    rows = (tmp_path / "whole" / "log.csv").read_text().splitlines()
    assert len(rows) == 21 and (tmp_path / "whole" / "curves.png").exists()
    with pytest.raises(TrainingStopped, match="after step 7 of 15"):
        toy_run(tmp_path / "stopped", stop_at=7)
    assert toy_run(tmp_path / "stopped") == toy_run(tmp_path / "again")


def toy_of_two(rank, folder):
    os.environ |= {"RANK": str(rank), "LOCAL_RANK": str(rank)}
    context = DistributedContext.join(quiet=True)
    torch.save(toy_run(folder / "run", context), folder / f"{rank}.pt")
    context.close()


@pytest.mark.slow
def test_two_processes_on_a_task_that_is_not_about_crops(tmp_path, monkeypatch):
    alone = toy_run(tmp_path / "alone")
    pair_of_processes(monkeypatch, toy_of_two, (tmp_path,))
    for rank in (0, 1):
        assert torch.load(tmp_path / f"{rank}.pt") == pytest.approx(alone, abs=1e-5)
    logs = [
        [line.rsplit(",", 2)[0] for line in (tmp_path / f / "log.csv").open()]
        for f in ("alone", "run")
    ]
    numbers = [[list(map(float, line.split(","))) for line in log[1:]] for log in logs]
    assert np.allclose(*numbers, rtol=1e-5)


@pytest.mark.slow
@pytest.mark.parametrize("head", HEADS)
def test_every_head_trains_through_the_loop(tmp_path, head):
    """A few people, learned by heart."""
    people = dot_people(16)
    config = config_for(
        f"head_{head}",
        {"width": 8, "input_size": 32},
        out=str(tmp_path / "run"),
        epochs=12,
        batch_size=4,
        lr=1e-2,
        amp="fp32",
        ema=0.0,
        augmentation=Augmentation(scale=0, rotation=0, shift=0, flip=0),
    )
    rows = []
    folder = train(config, (people, people), rows.append)
    assert rows[-1]["train_loss"] < 0.8 * rows[0]["train_loss"]
    assert rows[-1]["train_loss"] < rows[-1]["trivial_loss"]
    again = evaluation.evaluate(folder, people)
    assert again.score == pytest.approx(rows[-1]["score"], abs=1e-6)


@pytest.mark.parametrize(
    "model, loss",
    [
        ("laptop", "heatmap_mse"),
        ("laptop", "ohkm"),
        ("posenet_bn", "coordinate_l2"),
        ("posenet_bn", "coordinate_l1"),
        ("posenet_bn", "smooth_l1"),
        ("posenet_bn", "wing"),
        ("head_soft_argmax", "dsnt"),
        ("head_simcc", "simcc"),
        ("head_rle", "rle"),
    ],
)
def test_every_loss_trains_by_name(tmp_path, model, loss):
    options = TINY.get(model, {"width": 8, "input_size": 32})
    config = config_for(
        model, options, out=str(tmp_path / "run"), epochs=1, batch_size=8, loss=loss
    )
    rows = []
    train(config, stores(), rows.append)
    assert math.isfinite(rows[0]["train_loss"]) and rows[0]["trivial_loss"] > 0
