"""Five homeworks, each as a student writes it: short, and by public names."""

import ast
import inspect

import numpy as np
import pytest
import torch

UPPER_BODY = (
    "nose",
    "left_shoulder",
    "right_shoulder",
    "left_elbow",
    "right_elbow",
)


# fmt: off
def own_network(folder):
    from torch import nn

    from posecourse import config_for, evaluate, train
    from posecourse.codecs import CoordinateCodec
    from posecourse.datasets import SyntheticPeople, crop_in_memory
    from posecourse.models import PoseNetwork, load_model, register
    from posecourse.training import TrainConfig

    class Mine(PoseNetwork):
        def __init__(self, joints=16, input_size=32, width=16):
            super().__init__(CoordinateCodec(input_size))
            self.layers = nn.Sequential(
                nn.Conv2d(3, width, 5, stride=4), nn.BatchNorm2d(width), nn.ReLU(),
                nn.Flatten(), nn.LazyLinear(2 * joints))
            self.layers(torch.zeros(2, 3, input_size, input_size))

        def forward(self, images):
            return self.layers(images).unflatten(1, (-1, 2))

    def huber(output, target, weights):
        each = nn.functional.huber_loss(output, target, reduction="none")
        return weights * each.sum(-1)

    register("mine", Mine)
    people = crop_in_memory(SyntheticPeople(48, size=40), 40, 1.25)
    config = config_for("mine", {"width": 8}, epochs=2, batch_size=8, out=folder / "run")
    run = train(config, (people, people), loss=huber)
    train(TrainConfig(resume=str(run)), (people, people), loss=huber)
    return load_model(run / "weights.safetensors"), evaluate(run, people)
# fmt: on


def upper_body(data, folder):
    from posecourse import Skeleton, config_for, evaluate, open_dataset, train
    from posecourse.datasets import crop_in_memory

    people = open_dataset(data).as_skeleton(Skeleton("upper_body_5", UPPER_BODY))
    crops = crop_in_memory(people, 40, margin=1.25)
    crops = crops.subset((crops.visible > 0).all(1))
    config = config_for(
        "laptop",
        {"input_size": 32, "width": 16},
        epochs=60,
        batch_size=8,
        out=folder / "run",
        augmentation={"scale": 0, "rotation": 0, "shift": 0, "flip": 0},
    )
    run = train(config, (crops, crops))
    return evaluate(run, crops)


def another_tools_arrays(folder):
    from posecourse import metrics

    rng = np.random.default_rng(0)  # in place of the files of that tool
    truth = rng.uniform(0, 200, (60, 17, 2))
    visible = rng.integers(0, 3, (60, 17))
    predicted = truth + rng.normal(0, 9, truth.shape)
    report = metrics.report(
        predicted, truth, visible, "coco", scores=rng.random(60), images=np.arange(60) // 3,
        head_size=np.full(60, 30.0), area=np.full(60, 9000.0))  # fmt: skip
    print(report)
    report.to_csv(folder / "report.csv")
    report.plot(folder / "report.png")
    wanted = ("PCKh@0.5", "PCK (torso)@0.2", "OKS", "AP")
    return {metric: report.row(metric=metric).interval for metric in wanted}


def sigma_by_decoder(folder):
    from matplotlib import pyplot as plt

    from posecourse import config_for, evaluate, train
    from posecourse.datasets import SyntheticPeople, crop_in_memory

    sigmas, decoders, scores = (1.0, 2.0), ("argmax", "quarter", "dark"), {}
    people = crop_in_memory(SyntheticPeople(24, size=40), 40, 1.25)
    for sigma in sigmas:
        for seed in range(3):
            config = config_for("laptop", {"width": 8, "input_size": 32, "sigma": sigma},
                epochs=1, batch_size=8, seed=seed, out=f"{folder}/{sigma}-{seed}")  # fmt: skip
            run = train(config, (people, people))
            for decoder in decoders:
                found = evaluate(run, people, decoder=decoder).score
                scores.setdefault((sigma, decoder), []).append(found)
    figure, axes = plt.subplots()
    for decoder in decoders:
        values = np.array([scores[sigma, decoder] for sigma in sigmas])
        axes.errorbar(sigmas, values.mean(1), values.std(1), capsize=3, label=decoder)
    axes.set(xlabel="sigma, cells", ylabel="PCKh@0.5, %")
    axes.legend()
    figure.savefig(folder / "sigma.png")
    return scores


def photographs_and_a_video(photos, clip, folder):
    import cv2

    from posecourse import Predictor
    from posecourse.inference import Video, VideoWriter, poses_to_csv, save_poses

    predictor = Predictor.load("photos", device="cpu")
    found = list(predictor.predict_many(photos, refine=True))
    for number, poses in enumerate(found):
        drawn = poses.draw(min_score=0.3)
        cv2.imwrite(f"{folder}/photo-{number}.png", drawn[..., ::-1])
    with Video(clip) as video, VideoWriter(folder / "clip", video.rate) as film:
        for image, poses in predictor.predict_video(video):
            film.write(poses.draw(image), poses.time)
            found.append(poses)
    save_poses(found, folder / "poses.json")
    poses_to_csv(found, folder / "poses.csv")
    return film.path


HOMEWORKS = [
    upper_body,
    own_network,
    another_tools_arrays,
    sigma_by_decoder,
    photographs_and_a_video,
]


@pytest.mark.parametrize("homework", HOMEWORKS, ids=lambda f: f.__name__)
def test_a_homework_is_short_and_uses_public_names(homework):
    source = inspect.getsource(homework)
    lines = [line for line in source.splitlines()[1:] if line.strip()]
    assert len(lines) <= 25
    for node in ast.walk(ast.parse(source)):
        for name in (getattr(node, "attr", ""), getattr(node, "module", "") or ""):
            parts = name.split(".")
            assert all(p.startswith("__") or not p.startswith("_") for p in parts)


@pytest.mark.slow
def test_upper_body_is_learned_by_heart(shared_data, tmp_path, same_every_time):
    result = upper_body(shared_data / "coco_ccby" / "person_keypoints.json", tmp_path)
    assert result.table.rows[0].per_joint.keys() == set(UPPER_BODY)
    assert result.score > 60 > result.baselines["mean pose"]
    assert "mean pose" in str(result)


@pytest.mark.slow
def test_own_network_and_own_loss(tmp_path):
    network, result = own_network(tmp_path)
    assert network.name == "mine" and network.options["width"] == 8
    assert np.isfinite(result.score)
    from posecourse.training import TrainConfig, TrainingError, train

    with pytest.raises(TrainingError, match="no loss 'huber'.*loss=huber"):
        from posecourse.datasets import SyntheticPeople, crop_in_memory

        people = crop_in_memory(SyntheticPeople(48, size=40), 40, 1.25)
        train(TrainConfig(resume=str(tmp_path / "run")), (people, people))


def test_arrays_of_another_tool(tmp_path, capsys):
    intervals = another_tools_arrays(tmp_path)
    for value, low, high, _ in intervals.values():
        assert 0 < low < value < high < 100
    shown = capsys.readouterr().out
    for word in ("left_wrist", "95 % interval", "mean pose", "OKS", "AP50"):
        assert word in shown
    lines = (tmp_path / "report.csv").read_text().splitlines()
    assert lines[0].startswith("metric,joint,labelled,percent,low,high")
    assert any(line.startswith("AP,all,20,") for line in lines)
    assert (tmp_path / "report.png").read_bytes()[:4] == b"\x89PNG"


@pytest.mark.slow
def test_sigma_by_decoder(tmp_path, same_every_time):
    scores = sigma_by_decoder(tmp_path)
    assert set(scores) == {
        (sigma, decoder)
        for sigma in (1.0, 2.0)
        for decoder in ("argmax", "quarter", "dark")
    }
    assert all(len(values) == 3 for values in scores.values())
    assert len({tuple(values) for values in scores.values()}) > 2  # they differ
    assert (tmp_path / "sigma.png").read_bytes()[:4] == b"\x89PNG"


def test_photographs_and_a_video(tmp_path):
    import cv2

    from posecourse.datasets import SyntheticPeople
    from posecourse.inference import Video, load_poses

    people = SyntheticPeople(3, size=128)
    photos = [tmp_path / f"{i}.jpg" for i in range(3)]
    for path, person in zip(photos, people):
        cv2.imwrite(str(path), people.read_image(person)[..., ::-1])
    clip = tmp_path / "clip.mp4"
    writer = cv2.VideoWriter(str(clip), cv2.VideoWriter.fourcc(*"mp4v"), 8, (128, 128))
    for frame in SyntheticPeople(1, size=128).motion("wave", frames=6):
        writer.write(np.ascontiguousarray(frame.image[..., ::-1]))
    writer.release()
    out = tmp_path / "out"
    out.mkdir()
    film = photographs_and_a_video(photos, clip, out)
    assert film.parent == out
    overlays = [cv2.imread(str(out / f"photo-{i}.png")) for i in range(3)]
    assert [image.shape for image in overlays] == [(128, 128, 3)] * 3
    with Video(film) as drawn:
        assert len(list(drawn)) == 6 and drawn.rate == pytest.approx(8)
    results = load_poses(out / "poses.json")
    assert [r.image for r in results] == [*map(str, photos), *[str(clip)] * 6]
    assert [r.time for r in results[3:]] == pytest.approx([i / 8 for i in range(6)])
    rows = (out / "poses.csv").read_text().splitlines()
    assert len(rows) == 1 + 9 * 16
