"""The study of chapter 15: it runs, goes on, and its page follows from it."""

import numpy as np
import pytest

from posecourse import deploy
from posecourse.files import plain, read_json
from posecourse.transforms import Augmentation
from posecourse.visualization import deployment as plots


@pytest.fixture(scope="module")
def script(load_script):
    for name in ("onnx", "onnxscript", "onnxruntime"):
        pytest.importorskip(name)
    return load_script("data/studies/deployment.py")


def test_the_stored_study(script, root):
    folder = root / "data" / "studies"
    study = read_json(folder / "deployment.json")
    assert study["settings"] == plain(script.SETTINGS)
    assert script.table(study) in (folder / "README.md").read_text("utf-8")
    for part, name, loss in (("runtimes", "laptop", 1), ("photos", "photos", 2)):
        rows = study[part]
        assert rows["int8"]["bytes"] < 0.3 * rows["onnxruntime"]["bytes"]
        assert rows["int8"]["milliseconds"] < rows["onnxruntime"]["milliseconds"] / 1.5
        assert rows["PyTorch"]["pckh"][0] - rows["int8"]["pckh"][0] < loss
        for cores in ("one core", "two cores"):
            clock = study["engines"][cores]
            assert clock[f"{name}, int8"] < clock[f"{name}, onnxruntime"] / 1.5
    taught = study["distillation"]
    arms, seeds = (script.SETTINGS["distillation"][k] for k in ("arms", "seeds"))
    assert set(taught["runs"]) == {f"{a}, seed {s}" for a in arms for s in seeds}
    for arm, (value, low, high) in taught["arms"].items():
        runs = [taught["runs"][f"{arm}, seed {seed}"][0] for seed in seeds]
        assert np.isclose(value, np.mean(runs)) and low < value < high
        gain = value - taught["arms"]["labels"][0]
        assert np.isclose(taught["gains"][arm][0], gain, atol=1e-6)
    for part in ("robustness", "photographs"):
        assert set(deploy.CORRUPTIONS) < set(study[part])
        for name, found in study[part].items():
            for row in [found] if np.ndim(found) == 1 else found:
                value, low, high = row[-3:]
                assert 0 <= low <= value <= high <= 100, (part, name)
    for name, corruption in deploy.CORRUPTIONS.items():
        strengths = [row[0] for row in study["robustness"][name]]
        assert strengths == list(corruption.strengths)


@pytest.mark.slow
def test_a_teacher_is_a_mixed_target(script, one_thread):
    """Half a teacher: the mean of what labels and the teacher ask for."""
    import torch

    store = script.drawn(12, "train", script.SETTINGS)
    seen = np.flatnonzero((store.visible > 0).all(1))  # both count every joint
    store, still = store.subset(seen), Augmentation(scale=0, rotation=0, shift=0)
    config = script.config_for("laptop", batch_size=3, augmentation=still)
    torch.manual_seed(0)
    network = script.models.build("laptop", width=4)
    teacher = script.models.build("laptop", width=4).eval()
    torch.nn.init.normal_(teacher.head.weight)

    def gradient(share):
        task = script.Distilled(
            config, store, store, network, torch.device("cpu"),
            teacher=teacher, share=share,
        )  # fmt: skip
        batch = task.batch(0)
        assert (batch.visible > 0).all()
        sums, counts = task.loss(network, batch)
        network.zero_grad()
        (sums / counts).sum().backward()
        return torch.cat([p.grad.flatten() for p in network.parameters()])

    labels, half, teacher_alone = (gradient(share) for share in (0, 0.5, 1))
    assert torch.allclose(half, (labels + teacher_alone) / 2, atol=1e-5)
    assert not torch.allclose(labels, teacher_alone, atol=1e-2)
    own = script.SinglePerson(config, store, store, network, torch.device("cpu"))
    sums, counts = own.loss(network, own.batch(0))
    network.zero_grad()
    (sums / counts).sum().backward()
    grads = torch.cat([p.grad.flatten() for p in network.parameters()])
    assert torch.allclose(grads, labels, atol=1e-6)


@pytest.mark.slow
def test_people_turned_not_at_all_are_the_same(script, one_thread):
    settings = script.SETTINGS
    store = script.drawn(3, "test", settings)
    people = script.SyntheticPeople(3, size=96, split="test", margin=1.5)
    wide = script.crop_in_memory(people, 96, 1.5, workers=1)
    same = script.turned(store, wide, 0, settings)
    assert np.nanmax(np.abs(same.keypoints - store.keypoints)) < 0.01
    # upside down: a point goes to the other side of the middle
    turned = script.turned(store, wide, 180, settings)
    assert np.nanmax(np.abs(turned.keypoints + store.keypoints - 63)) < 0.01


def test_a_rounding_error_by_hand():
    values = np.array([0.0, 1.0, 2.0, 6.0])
    # steps of 1 from 0 to 255: nothing is lost; up to 5.1 of 0.02: 6 is cut
    assert plots.rounding_error(values, 255) == 0
    assert plots.rounding_error(values, 5.1) == pytest.approx(0.9 / 2)
    assert plots.rounding_error(np.full(4, 1.5), 255) == 0.5


@pytest.mark.slow
def test_figures_show_what_they_are_given(root, displayed):
    studies = root / "data" / "studies"
    study = read_json(studies / "deployment.json")
    parts = {"drawn": study["robustness"], "photographs": study["photographs"]}
    plots.show_robustness(parts, "Eleven falling curves of two networks.")
    stored = read_json(studies / "architectures.json")["networks"]
    rows = {name: stored[f"{name}, seed 0"] for name in ("CPM", "HRNet")}
    plots.show_costs(rows, "Two networks by what they cost.")
    layers = {"one": (10, 1e9), "two": (0.2, 1e8)}
    plots.show_roofline(1e10, 1e10, layers, "Two layers under their roof.")
    plots.show_budget(0.005, 0.1, (1, 10), "Two bar charts of the times of frames.")
    peers, clock = read_json(studies / "peers.json"), study["engines"]["one core"]
    plots.show_peers(peers, clock, study["photos"], "Three plots of seven networks.")
    plots.show_pupils(study["distillation"], "Four bars of what is found.")
    texts = [output.data["text/html"] for output in displayed.outputs]
    assert len(texts) == 6
    assert all("<img" in text and "alt=" in text for text in texts)
    image = np.full((64, 64, 3), 127, np.uint8)
    still = plots.draw_damage(lambda _: np.full((16, 2), 30.0), image, "blur", 3)
    assert "2.4" in still.axes[1].get_title()
    drawn = plots.draw_ranges(np.linspace(0, 8, 100), 4.0)
    assert drawn.axes[0].get_title().startswith("50.00 %")
