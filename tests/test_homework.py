"""Five homeworks, each as a student writes it: short, and by public names."""

import ast
import inspect

import numpy as np
import pytest
import torch


def own_network(folder):
    from torch import nn

    from posecourse import PoseNetwork, config_for, evaluate, load_model, register, train
    from posecourse.codecs import CoordinateCodec
    from posecourse.datasets import SyntheticPeople, crop_in_memory
    from posecourse.training import TrainConfig

    class Mine(PoseNetwork):
        def __init__(self, joints=16, input_size=32, width=16):
            super().__init__(CoordinateCodec(input_size))
            self.layers = nn.Sequential(
                nn.Conv2d(3, width, 5, stride=4), nn.BatchNorm2d(width), nn.ReLU(),
                nn.Flatten(), nn.LazyLinear(2 * joints))  # fmt: skip
            self.layers(torch.zeros(2, 3, input_size, input_size))

        def forward(self, images):
            return self.layers(images).unflatten(1, (-1, 2))

    def huber(output, target, weights):
        return weights * nn.functional.huber_loss(output, target, reduction="none").sum(-1)

    register("mine", Mine)
    people = crop_in_memory(SyntheticPeople(48, size=40), 40, 1.25)
    config = config_for("mine", {"width": 8}, epochs=2, batch_size=8, out=f"{folder}/run")
    run = train(config, (people, people), loss=huber)
    train(TrainConfig(resume=str(run)), (people, people), loss=huber)
    return load_model(run / "weights.safetensors"), evaluate(run, people)


HOMEWORKS = [own_network]


@pytest.mark.parametrize("homework", HOMEWORKS, ids=lambda f: f.__name__)
def test_a_homework_is_short_and_uses_public_names(homework):
    source = inspect.getsource(homework)
    lines = [line for line in source.splitlines()[1:] if line.strip()]
    assert len(lines) <= 25
    for node in ast.walk(ast.parse(source)):
        for name in (getattr(node, "attr", ""), getattr(node, "module", "") or ""):
            parts = name.split(".")
            assert all(p.startswith("__") or not p.startswith("_") for p in parts)


def test_own_network_and_own_loss(tmp_path):
    network, result = own_network(tmp_path)
    assert network.name == "mine" and network.options["width"] == 8
    assert np.isfinite(result.score)
    from posecourse.training import TrainConfig, TrainingError, train

    with pytest.raises(TrainingError, match="no loss 'huber'.*loss=huber"):
        from posecourse.datasets import SyntheticPeople, crop_in_memory

        people = crop_in_memory(SyntheticPeople(48, size=40), 40, 1.25)
        train(TrainConfig(resume=str(tmp_path / "run")), (people, people))
