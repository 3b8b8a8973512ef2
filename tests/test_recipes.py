"""The recipes are what they are called, and start on real layouts."""

import math
from dataclasses import asdict, replace

import pytest
import torch
import torchvision
from people import dot_people
from safetensors.torch import save_file

from posecourse import models
from posecourse.cli import main
from posecourse.models import WeightsError
from posecourse.training import (
    PRESETS,
    RECIPES,
    TrainConfig,
    TrainingError,
    config_for,
    learning_rate,
    train,
)
from posecourse.training.dry_run import plan
from posecourse.training.fit import make_optimizer

pytestmark = pytest.mark.usefixtures("same_every_time")


def published(**changes):
    return config_for("simple_baseline_50", preset="mpii", **changes)


@pytest.mark.parametrize("preset", [None, *RECIPES])
def test_presets_are_settings(preset):
    for name in PRESETS:
        config = config_for(name, {"input_size": 32}, preset)
        assert config.input_size == (32, 32)
        assert TrainConfig(**asdict(config)) == config


def test_mpii_is_the_published_recipe():
    config = published()
    assert (config.input_size, config.epochs, config.batch_size) == (
        (256, 256),
        140,
        32,
    )
    per_epoch = 22246 // 32
    rates = [
        learning_rate(epoch * per_epoch + step, 140 * per_epoch, config)
        for epoch in range(140)
        for step in (0, per_epoch - 1)
    ]
    assert rates == pytest.approx([1e-3] * 180 + [1e-4] * 60 + [1e-5] * 40)


def test_mpii_is_trained_with_adam():
    def trained(make):
        torch.manual_seed(3)
        model = models.build("laptop", width=8, input_size=32)
        optimizer = make(model)
        for _ in range(5):
            optimizer.zero_grad()
            model(torch.randn(4, 3, 32, 32))[-1].square().sum().backward()
            optimizer.step()
        return torch.cat([p.detach().flatten() for p in model.parameters()])

    config = published()
    ours = trained(lambda model: make_optimizer(model, config))
    theirs = trained(lambda model: torch.optim.Adam(model.parameters(), 1e-3))
    assert torch.allclose(ours, theirs, rtol=1e-4, atol=1e-6)


def test_mpii_turns_and_scales_as_published():
    from posecourse.transforms import make_batch

    a = replace(published().augmentation, flip=0.0)
    people = dot_people(1)
    n = 20_000
    batch = make_batch(
        people.crops[[0]].repeat(n, 0)[:, ::10, ::10].copy(),
        people.keypoints[[0]].repeat(n, 0),
        people.visible[[0]].repeat(n, 0),
        people.head_size[[0]].repeat(n, 0),
        3.0,
        3,
        augmentation=a,
        generator=torch.Generator().manual_seed(0),
    )
    linear = batch.matrix[:, :, :2]
    size = torch.linalg.det(linear).sqrt()
    angle = torch.rad2deg(torch.atan2(linear[:, 1, 0], linear[:, 0, 0]))
    # the window's factor: normal, deviation 0.25, cut at one deviation
    factor = 1 / size
    assert factor.min().item() == pytest.approx(0.75, abs=0.01)
    assert factor.max().item() == pytest.approx(1.25, abs=0.01)
    at_the_ends = ((factor - 1).abs() > 0.249).float().mean().item()
    assert at_the_ends == pytest.approx(math.erfc(math.sqrt(0.5)), abs=0.01)
    # 60 % are turned: normal, deviation 30 degrees, cut at two deviations
    turned = angle.abs() > 1e-3
    assert turned.float().mean().item() == pytest.approx(0.6, abs=0.01)
    assert angle.abs().max().item() == pytest.approx(60, abs=0.1)
    half = angle[turned].abs().median().item()
    assert half == pytest.approx(0.6745 * 30, abs=0.7)


def test_a_recipes_batch_is_that_of_each_process(monkeypatch):
    monkeypatch.setenv("WORLD_SIZE", "4")
    assert published().batch_size == 128
    assert published(batch_size=8).batch_size == 8


def test_an_unknown_preset_is_said(capsys):
    with pytest.raises(TrainingError, match="mpii, mpii-fast"):
        config_for(preset="fast")
    assert main(["train", "--preset", "fast"]) == 2
    assert "no preset 'fast'" in capsys.readouterr().err


# ------------------------------------------------------------- the dry run


@pytest.mark.slow
@pytest.mark.parametrize(
    "preset, data", [("mpii", "lspet"), ("mpii-fast", "mpii/annot/images_here.json")]
)
def test_both_start_on_photographs(shared_data, preset, data, tmp_path, monkeypatch):
    """In the layout of MPII; small here, the recipe otherwise."""
    monkeypatch.chdir(tmp_path)
    config = config_for(
        "simple_baseline_18",
        {"input_size": 32},
        preset,
        epochs=1,
        data=str(shared_data / data),
        train_people=8,
        valid_people=4,
        batch_size=4,
        amp="fp32",
        out="run",
    )
    found = plan(config)
    assert found.steps == 2
    assert found.training.used == 8 and not found.training.missing
    assert not list(tmp_path.iterdir())
    run = train(config)
    assert (run / "evaluation.json").is_file()
    assert plan(config).training.prepared


def test_a_dry_run_says_what_would_happen(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert (
        main(
            [
                "train",
                "--dry-run",
                "--train-people",
                "40",
                "--valid-people",
                "10",
                "--epochs",
                "3",
                "--batch-size",
                "8",
                "--input-size",
                "32",
                "--amp",
                "fp32",
                "--device",
                "cpu",
                "--freeze",
                "stem",
                "--freeze",
                "head",
            ]
        )
        == 0
    )
    text = capsys.readouterr().out
    assert "starts from random weights; frozen: stem, head\n" in text
    assert "15: 3 epochs of 5, with 8 people each" in text
    assert "2.06 million parameters" in text and "fp32 on cpu" in text
    assert not list(tmp_path.iterdir())


@pytest.mark.slow
def test_a_plan_is_right(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    config = config_for(
        "laptop",
        {"input_size": 32},
        train_people=24,
        valid_people=8,
        batch_size=8,
        epochs=2,
        amp="fp32",
    )
    found = plan(config)
    assert found.training.store_bytes == 24 * 40 * 40 * 3
    assert found.state_bytes == 20 * found.parameters
    assert found.steps == 6 and found.training_seconds > 0
    # the maps of this network alone are more than this, weights are not in
    maps = 8 * 16 * 16 * 16 * 4
    assert found.batch_bytes > maps
    less = plan(replace(config, freeze=["stem"]))
    stem = sum(p.numel() for p in models.build("laptop").stem.parameters())
    assert found.state_bytes - less.state_bytes == 12 * stem
    assert less.batch_bytes < found.batch_bytes
    larger = plan(replace(config, batch_size=16))
    assert larger.batch_bytes == pytest.approx(2 * found.batch_bytes, rel=0.05)


@pytest.mark.slow
def test_missing_pictures_are_said(shared_data, tmp_path):
    annotations = (shared_data / "mpii" / "annot" / "valid.json").read_bytes()
    (tmp_path / "annot").mkdir()
    (tmp_path / "images").symlink_to(shared_data / "mpii" / "images")
    for split in ("train", "valid"):
        (tmp_path / "annot" / f"{split}.json").write_bytes(annotations)
    found = plan(
        config_for(
            "laptop",
            {"input_size": 32},
            data=str(tmp_path),
            amp="fp32",
        )
    )
    assert found.training.missing > 2000
    assert "MISSING" in str(found)


# ------------------------------------------------------ where a run starts


@pytest.mark.slow
def test_start_from_imagenet(tmp_path):
    resnet = torchvision.models.resnet18(weights=None)
    path = tmp_path / "resnet18.pth"
    torch.save(resnet.state_dict(), path)
    model = models.build("simple_baseline_18", input_size=32)
    head = model.final_layer.weight.clone()
    models.start_from(model, path)
    assert torch.equal(model.layer4[1].conv2.weight, resnet.layer4[1].conv2.weight)
    assert torch.equal(model.final_layer.weight, head)
    with pytest.raises(WeightsError, match="layer1.0.conv1.weight"):
        models.start_from(models.build("simple_baseline_50"), path)
    with pytest.raises(WeightsError, match="stem"):
        models.start_from(models.build("laptop"), path)


def test_a_run_starts_from_weights(tmp_path):
    people = dot_people(16), dot_people(8, seed=1)
    settings = dict(
        options={"width": 8, "input_size": 32}, epochs=1, batch_size=8, amp="fp32"
    )
    first = train(config_for(out=str(tmp_path / "a"), **settings), people)
    weights = first / "weights.safetensors"
    second = train(
        config_for(
            out=str(tmp_path / "b"), lr=1e-9, ema=0, init=str(weights), **settings
        ),
        people,
    )
    a, b = (
        models.load_model(run / "weights.safetensors").head.weight
        for run in (first, second)
    )
    assert torch.allclose(a, b, atol=1e-6)
    part = {"head.weight": a.contiguous()}
    save_file(part, tmp_path / "part.safetensors")
    with pytest.raises(WeightsError, match="is missing"):
        train(
            config_for(
                out=str(tmp_path / "c"),
                init=str(tmp_path / "part.safetensors"),
                **settings,
            ),
            people,
        )
