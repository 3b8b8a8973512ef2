"""Which stages and which joints of a network's answer are judged."""

from dataclasses import replace

import pytest
import torch
from people import dot_people

from posecourse import losses, models
from posecourse.training import SinglePerson, TrainingError, config_for, train

SMALL = {"input_size": 32, "width": 8, "depth": 3, "stacks": 2}


@pytest.fixture(scope="module")
def batch():
    """A hourglass with two stages, and people of whom joints are missing."""
    config = config_for(
        "hourglass_2",
        {k: v for k, v in SMALL.items() if k != "stacks"},
        epochs=1,
        batch_size=8,
        amp="fp32",
    )
    store = dot_people(24)
    store.visible[:3, 4:] = 0  # people with four labels each
    torch.manual_seed(0)
    network = models.build(config.model, **config.options)
    return config, store, network


def judged(batch, **changes):
    """Loss, trivial loss, count and gradients of the first step."""
    config, store, network = batch
    config = replace(config, **changes)
    cpu = torch.device("cpu")
    task = SinglePerson(config, store, store, network, cpu)
    people = task.batch(0)
    network.zero_grad()
    terms = task.loss(network, people)
    loss = (terms.sums / terms.counts).sum()
    loss.backward()
    trivial = (task.baseline(network, people) / terms.counts).sum()
    sums = torch.stack([loss, trivial, terms.counts[0]]).detach()
    with torch.no_grad():
        stages = network(people.images)
    target, weights = network.codec.encode(people.keypoints, people.visible)
    return (
        sums,
        stages,
        target,
        weights,
        {n: p.grad for n, p in network.named_parameters()},
    )


def test_every_stage_is_judged_unless_asked(batch):
    sums, stages, target, weights, grads = judged(batch)
    each = [losses.heatmap_mse(s, target, weights) for s in stages]
    assert len(each) == 2
    assert sums[0] == pytest.approx(sum(each).item(), rel=1e-4)
    assert sums[2] == weights.sum() < weights.numel()
    assert all(g is not None for g in grads.values())

    sums, stages, _, _, grads = judged(batch, intermediate_supervision=False)
    assert sums[0] == pytest.approx(each[1].item(), rel=1e-4)
    blind = losses.heatmap_mse(target * 0, target, weights).item()
    assert sums[1] == pytest.approx(blind, rel=1e-4)
    # the first maps are fed back, so they still learn
    assert all(g is not None for g in grads.values())


@pytest.mark.parametrize("top", [1, 8])
def test_the_last_stage_is_judged_by_its_worst_joints(batch, top):
    sums, stages, target, weights, _ = judged(batch, ohkm_topk=top)
    want = losses.heatmap_mse(stages[0], target, weights) + losses.ohkm(
        stages[1], target, weights, top
    )
    assert sums[0] == pytest.approx(want.item(), rel=1e-4)
    plain = losses.heatmap_mse(stages[1], target, weights)
    assert losses.ohkm(stages[1], target, weights, top) > 1.01 * plain
    empty = target * 0
    want = losses.heatmap_mse(empty, target, weights) + losses.ohkm(
        empty, target, weights, top
    )
    assert sums[1] == pytest.approx(want.item(), rel=1e-4)


def test_all_joints_are_the_hardest_sixteen(batch):
    sums, *_, grads = judged(batch)
    again, *_, hard = judged(batch, ohkm_topk=16)
    assert torch.allclose(sums, again, rtol=1e-4)
    scale = max(g.abs().max() for g in grads.values())
    assert all((grads[n] - hard[n]).abs().max() < 1e-3 * scale for n in grads)


def test_what_makes_no_sense_is_refused(tmp_path):
    with pytest.raises(TrainingError, match="ohkm_topk must be a whole number"):
        config_for("cpn_18", ohkm_topk=-1)
    config = config_for(
        "laptop",
        {"width": 8, "input_size": 32},
        ohkm_topk=17,
        out=str(tmp_path / "run"),
        epochs=1,
    )
    with pytest.raises(TrainingError, match="ohkm_topk 17: .* 16 joints"):
        train(config, (dot_people(8), dot_people(4, seed=1)))
