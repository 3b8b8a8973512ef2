"""The command line: quick, clear, and careful with people's files."""

import json
import os
import subprocess
import sys
import time
from importlib import import_module

import numpy as np
import pytest
import torch

from posecourse import models
from posecourse.cli import COMMANDS, main

OWN = [name for name in COMMANDS if name != "chapters"]


@pytest.fixture(scope="module", autouse=True)
def one_thread():
    """Small networks wait for each other's threads on a busy machine."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def run(*argv, **options):
    return subprocess.run(
        [sys.executable, *argv], text=True, capture_output=True, **options
    )


# ---------------------------------------------------------------- quick


def quickest(*argv, times=3):
    """Seconds, least of several: the machine may be busy."""
    best = float("inf")
    for _ in range(times):
        start = time.perf_counter()
        run(*argv, check=True)
        best = min(best, time.perf_counter() - start)
    return best


def test_importing_takes_less_than_0_3_seconds():
    """Cumulative time of the import, as Python itself measures it."""
    best = float("inf")
    for _ in range(3):
        lines = run("-X", "importtime", "-c", "import posecourse").stderr.splitlines()
        own = next(x for x in lines if x.endswith(" posecourse"))
        best = min(best, int(own.split("|")[1]) / 1e6)
    assert best < 0.3


def test_help_is_quick():
    nothing = quickest("-c", "pass")
    assert quickest("-m", "posecourse", "--help") - nothing < 0.3


@pytest.mark.parametrize("name", OWN)
def test_help_of_a_command_imports_nothing_heavy(name):
    code = (
        "import sys; from posecourse.cli import main; "
        f"status = main(['{name}', '--help']); "
        "heavy = {'torch', 'cv2', 'matplotlib', 'jupyterlab', 'scipy'}; "
        "print(heavy & set(sys.modules), file=sys.stderr); "
        "sys.exit(status)"
    )
    done = run("-c", code, check=True)
    assert done.stderr == "set()\n"
    assert f"usage: posecourse {name}" in done.stdout
    assert "example:" in done.stdout


def test_modules_are_attributes():
    import posecourse

    assert posecourse.metrics is import_module("posecourse.metrics")
    assert posecourse.__version__[0].isdigit()
    with pytest.raises(AttributeError, match="nothing_like_this"):
        posecourse.nothing_like_this
    with pytest.raises(ImportError):
        from posecourse import nothing_like_this  # noqa: F401


# ---------------------------------------------------------------- clear


def test_help_lists_every_command(capsys):
    assert main(["--help"]) == 0
    out = capsys.readouterr().out
    for name, (module, text) in COMMANDS.items():
        assert f"  {name}" in out and text in out
        assert callable(import_module(module).main)
    assert main([]) == 2
    assert main(["help", "score"]) == 0
    assert "usage: posecourse score" in capsys.readouterr().out


def test_both_ways_to_start():
    from posecourse import __version__

    done = run("-m", "posecourse", "--version")
    assert done.stdout.strip() == f"posecourse {__version__}"


@pytest.mark.parametrize(
    "argv, says",
    [
        (["tarin"], "did you mean 'train'"),
        (["xyzzy"], "there are lab"),
        (["score", "none.mat"], "none.mat"),
        (["score", "none.txt"], ".npz"),
        (["evaluate", "runs/none"], "runs/none"),
        (["predict", "none.jpg"], "none.jpg"),
        (["predict"], "--camera"),
        (["data"], "WHAT"),
        (["data", "check", "none"], "none"),
        (["data", "fetch", "xyzzy"], "mpii-annotations"),
        (["data", "fetch", "lsp", "--out", "x"], "--accept-licence"),
        (["train", "--model", "xyzzy"], "laptop"),
        (["train", "--option", "width"], "NAME=VALUE"),
        (["train", "--input-size", "large"], "WIDTHxHEIGHT"),
        (["train", "--resume", "r", "--epochs", "3"], "own settings"),
        (["train", "--resume", "none"], "none"),
    ],
)
def test_mistakes_get_a_sentence_and_status_2(
    argv, says, capsys, tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    assert main(argv) == 2
    err = capsys.readouterr().err
    assert says.replace("/", os.sep) in err or says in err
    assert "Traceback" not in err
    assert not list(tmp_path.iterdir())


@pytest.fixture
def failing(monkeypatch):
    """A command that fails as asked."""

    def fail_with(error):
        def fail(argv):
            raise error

        monkeypatch.setattr(import_module("posecourse.doctor"), "main", fail)

    return fail_with


def test_debug_shows_where(failing, capsys, monkeypatch):
    failing(ValueError("the knee is wrong"))
    assert main(["doctor"]) == 2
    assert capsys.readouterr().err == "posecourse: the knee is wrong\n"
    for argv, variable in ((["doctor", "--debug"], ""), (["doctor"], "1")):
        monkeypatch.setenv("POSECOURSE_DEBUG", variable)
        assert main(argv) == 2
        assert "Traceback" in capsys.readouterr().err


def test_bugs_are_not_hidden(failing):
    failing(KeyError("a bug"))
    with pytest.raises(KeyError):
        main(["doctor"])


def test_a_missing_package_leads_to_the_doctor(failing, capsys):
    failing(ModuleNotFoundError("No module named 'h5py'", name="h5py"))
    assert main(["doctor"]) == 2
    err = capsys.readouterr().err
    assert "h5py" in err and "posecourse doctor" in err


def test_ctrl_c(failing, capsys):
    failing(KeyboardInterrupt())
    assert main(["doctor"]) == 130
    assert "stopped" in capsys.readouterr().err
    failing(KeyboardInterrupt("go on with --resume X"))
    assert main(["doctor"]) == 130
    assert "--resume X" in capsys.readouterr().err


@pytest.mark.skipif(sys.platform == "win32", reason="no such pipes there")
def test_a_reader_that_leaves_early():
    with subprocess.Popen(
        [
            sys.executable,
            "-u",
            "-c",
            "import sys; from posecourse import cli; "
            "cli.COMMANDS['many'] = ('many', ''); "
            "import types; m = types.ModuleType('many'); "
            "m.main = lambda argv: [print('x' * 99) for _ in range(9999)]; "
            "sys.modules['many'] = m; sys.exit(cli.main(['many']))",
        ],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as process:
        process.stdout.readline()
        process.stdout.close()
        assert process.stderr.read() == b""
        assert process.wait(30) == 141


# ---------------------------------------------------------------- train


def test_options_become_the_settings(monkeypatch, capsys):
    from posecourse import training

    seen = []

    def train(config):
        seen.append(config)
        return "runs/x"

    monkeypatch.setattr(training, "train", train)
    assert (
        main(
            [
                "train",
                "--model",
                "posenet",
                "--epochs",
                "3",
                "--lr",
                "0.01",
                "--batch-size",
                "7",
                "--input-size",
                "96",
                "--option",
                "width=0.5",
                "--data",
                "some",
                "--seed",
                "5",
                "--device",
                "cpu",
            ]
        )
        == 0
    )
    (config,) = seen
    assert (
        config.model,
        config.epochs,
        config.lr,
        config.batch_size,
        config.data,
        config.seed,
        config.device,
    ) == ("posenet", 3, 0.01, 7, "some", 5, "cpu")
    assert config.options == {"width": 0.5, "input_size": 96}
    assert "posecourse evaluate runs/x" in capsys.readouterr().out
    assert main(["train", "--resume", "runs/y"]) == 0
    assert seen[1].resume == "runs/y"
    assert main(["train", "--model", "help"]) == 0
    assert capsys.readouterr().out.split()[-1] == models.names()[-1]
    assert len(seen) == 2


def test_every_setting_is_one_of_training():
    from dataclasses import fields

    from posecourse.commands.train import _SETTINGS
    from posecourse.training import TrainConfig

    known = {f.name for f in fields(TrainConfig)}
    assert {name.strip("-").replace("-", "_") for name, _, _ in _SETTINGS} <= known


def test_from_training_to_a_drawing(tmp_path, monkeypatch, capsys):
    """The commands hand on to each other what they leave."""
    monkeypatch.chdir(tmp_path)
    assert (
        main(
            [
                "train",
                "--epochs",
                "1",
                "--train-people",
                "32",
                "--valid-people",
                "12",
                "--input-size",
                "32",
                "--option",
                "width=8",
                "--batch-size",
                "16",
                "--device",
                "cpu",
            ]
        )
        == 0
    )
    out = capsys.readouterr().out
    assert "PCKh" in out and "posecourse predict --run" in out
    (folder,) = (tmp_path / "runs").iterdir()
    assert (
        main(["evaluate", str(folder), "--json", "--limit", "12", "--out", "poses.npz"])
        == 0
    )
    result = json.loads(capsys.readouterr().out)
    assert len(result["people"]) == 12
    assert np.load("poses.npz")["preds"].shape == (12, 16, 2)

    assert (
        main(["data", "synth", "--count", "4", "--size", "96", "--out", "people"]) == 0
    )
    assert main(["predict", "people/images"]) == 0
    content = json.loads((tmp_path / "poses" / "poses.json").read_text())
    assert len(content["images"]) == 4
    assert str(folder.name) in content["weights"]


# ---------------------------------------------------------------- data


def test_drawn_people_in_the_form_of_mpii(tmp_path, capsys):
    """What is written is read back: joints, positions, pictures."""
    from posecourse.datasets import SyntheticPeople, open_dataset

    out = tmp_path / "people"
    assert (
        main(
            [
                "data",
                "synth",
                "--count",
                "6",
                "--size",
                "128",
                "--seed",
                "3",
                "--out",
                str(out),
            ]
        )
        == 0
    )
    drawn = SyntheticPeople(6, seed=3, size=128)
    read = open_dataset(out, "valid")
    raw = json.loads((out / "annot" / "valid.json").read_text())
    assert len(read) == len(raw) == 6
    for i, record in enumerate(raw):
        a, b = drawn[i], read[i]
        labelled = a.visible > 0
        assert np.allclose(a.keypoints[labelled], b.keypoints[labelled])
        assert np.array_equal(labelled, b.visible > 0)
        assert np.allclose(a.center, b.center) and a.scale == b.scale
        assert np.array_equal(drawn.read_image(a), read.read_image(b))
        # in the file, pixels count from 1 and what is missing is -1
        joints = np.array(record["joints"])
        assert np.allclose(joints[labelled], a.keypoints[labelled] + 1)
        assert (joints[~labelled] == -1).all()
    assert main(["data", "check", str(out)]) == 0
    assert "6 people" in capsys.readouterr().out
    assert main(["data", "synth", "--out", str(out)]) == 2
    assert "exists already" in capsys.readouterr().err


def test_data_is_prepared_once(tmp_path, capsys):
    argv = ["data", "prepare", "synthetic", str(tmp_path / "store")]
    from posecourse import datasets

    people = datasets.SyntheticPeople(5, size=64)
    opened = datasets.open_dataset
    try:
        datasets.open_dataset = lambda spec, split: people
        for _ in range(2):
            assert main([*argv, "--size", "48"]) == 0
    finally:
        datasets.open_dataset = opened
    store = datasets.CropDataset.open(tmp_path / "store")
    assert store.crops.shape == (5, 48, 48, 3)
    assert "5 people" in capsys.readouterr().out


def test_check_says_what_is_missing(tmp_path, capsys):
    folder = tmp_path / "annot"
    folder.mkdir()
    (folder / "valid.json").write_text(
        json.dumps(
            [
                {
                    "image": "gone.jpg",
                    "center": [50.0, 50.0],
                    "scale": 0.4,
                    "joints": [[40.0 + i, 50.0] for i in range(16)],
                    "joints_vis": [1] * 16,
                }
            ]
        )
    )
    assert main(["data", "check", str(tmp_path)]) == 1
    assert "gone.jpg" in capsys.readouterr().out
    assert main(["data", "check", str(tmp_path), "--json"]) == 1
    assert not json.loads(capsys.readouterr().out)["ok"]


def test_what_can_be_fetched_is_listed(capsys):
    assert main(["data", "fetch"]) == 0
    assert "12.9 GB" in capsys.readouterr().out
