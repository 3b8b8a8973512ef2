"""Several people: boxes, NMS, the detector's maps, grouping, tracking."""

import numpy as np
import pytest
import torch
from torchvision.ops import box_iou, nms

from posecourse import metrics, models
from posecourse.datasets import SyntheticScenes
from posecourse.datasets.synthetic import SyntheticCrossing
from posecourse.inference import Pose, Predictor
from posecourse.people import (
    BottomUp,
    CenterDetector,
    PosePipeline,
    Tracker,
    box_ap,
    box_nms,
    build_bottom_up,
    build_detector,
    evaluate_people,
    group_joints,
    oks_nms,
    pairwise_iou,
    soft_nms,
)
from posecourse.people.boxes import corners, match_boxes
from posecourse.people.detector import (
    center_sigma,
    center_targets,
    decode_centers,
    focal_loss,
)
from posecourse.people.grouping import (
    filled,
    joint_heat,
    limb_fields,
    line_scores,
    tree_bones,
)
from posecourse.people.pictures import (
    SceneAugmentation,
    draw,
    make_people_batch,
    mosaics,
)
from posecourse.people.published import TorchvisionDetector
from posecourse.people.tasks import FindCenters, FindLimbs, detector_scores
from posecourse.people.tracking import identity_switches
from posecourse.skeletons import MPII
from posecourse.training import FitSettings, RunFolder, fit

pytestmark = pytest.mark.usefixtures("one_thread")


def random_boxes(rng, count, whole=False):
    boxes = np.c_[rng.uniform(0, 100, (count, 2)), rng.uniform(5, 60, (count, 2))]
    return boxes.round(-1) if whole else boxes


@pytest.fixture(scope="module")
def scenes():
    return draw(SyntheticScenes(12, size=(96, 72), people=(2, 4), overlap=(0, 0.5)))


# --------------------------------------------------------------- boxes


def test_iou_is_torchvisions():
    rng = np.random.default_rng(0)
    a, b = random_boxes(rng, 30), random_boxes(rng, 20)
    theirs = box_iou(*(torch.tensor(corners(boxes)) for boxes in (a, b)))
    np.testing.assert_allclose(pairwise_iou(a, b), theirs, atol=1e-12)


def test_boxes_without_area_share_nothing():
    assert pairwise_iou([[5, 5, 0, 0]], [[5, 5, 0, 0], [0, 0, 9, 9]]).tolist() == [
        [0, 0]
    ]


@pytest.mark.parametrize(
    ("boxes", "message"),
    [
        ([[1, 2, 3]], r"\(N, 4\)"),
        ([[1, 2, float("nan"), 3]], r"boxes\[0\]"),
        ([[1, 2, 3, 4], [1, 2, -3, 4]], r"boxes\[1\]"),
    ],
)
def test_what_is_no_box(boxes, message):
    with pytest.raises(ValueError, match=message):
        box_nms(boxes, np.ones(len(boxes)))


@pytest.mark.parametrize("whole", [False, True])
@pytest.mark.parametrize("threshold", [0.0, 0.25, 0.5, 0.9])
def test_nms_is_torchvisions(whole, threshold):
    rng = np.random.default_rng(1)
    for _ in range(20):
        boxes = random_boxes(rng, 40, whole)
        scores = rng.random(40).round(1 if whole else 9)  # ties, with whole numbers
        theirs = nms(torch.tensor(corners(boxes)), torch.tensor(scores), threshold)
        assert box_nms(boxes, scores, threshold).tolist() == theirs.tolist()


@pytest.mark.parametrize("kind", [list, torch.tensor, lambda v: torch.tensor(v).half()])
def test_any_kind_of_number(kind):
    boxes = [[0, 0, 10, 10], [2, 0, 10, 10], [40, 8, 10, 10]]
    scores, poses = [3, 2, 1], [[[k, 2 * k] for k in range(16)]] * 2
    assert box_nms(kind(boxes), kind(scores)).tolist() == [0, 2]
    assert soft_nms(kind(boxes), kind(scores))[0].tolist() == [0, 2, 1]
    assert oks_nms(kind(poses), kind([1, 2]), MPII.sigmas).tolist() == [1]
    assert Tracker(MPII.sigmas).update(kind(poses)).tolist() == [0, 1]
    assert filled(kind(poses), MPII).shape == (2, 16, 2)


def test_nms_of_nothing():
    assert box_nms([], []).tolist() == []
    assert soft_nms([], [])[0].tolist() == []
    assert oks_nms(np.zeros((0, 16, 2)), [], MPII.sigmas).tolist() == []


def test_soft_nms_by_hand():
    # two boxes of 10 x 10 that share half: iou 1/3; the third is alone
    boxes = [[0, 0, 10, 10], [5, 0, 10, 10], [50, 0, 10, 10]]
    order, scores = soft_nms(boxes, [0.9, 0.8, 0.5], sigma=0.5)
    assert order.tolist() == [0, 1, 2]
    np.testing.assert_allclose(scores, [0.9, 0.8 * np.exp(-((1 / 3) ** 2) / 0.5), 0.5])
    order, scores = soft_nms(boxes, [0.9, 0.7, 0.5], method="linear")
    np.testing.assert_allclose(scores, [0.9, 0.5, 0.7 * 2 / 3])
    assert order.tolist() == [0, 2, 1]


def test_soft_nms_against_a_pile():
    rng = np.random.default_rng(2)
    boxes, scores = random_boxes(rng, 25), rng.random(25)
    pile, expected = dict(enumerate(scores)), []
    while pile:
        best = max(pile, key=pile.get)
        expected.append((best, pile.pop(best)))
        for i in pile:
            iou = pairwise_iou(boxes[[best]], boxes[[i]])[0, 0]
            pile[i] *= np.exp(-(iou**2) / 0.5)
    order, left = soft_nms(boxes, scores)
    assert order.tolist() == [i for i, _ in expected]
    np.testing.assert_allclose(left, [s for _, s in expected])


def brute_oks_nms(poses, scores, threshold, areas):
    kept = []
    for i in sorted(range(len(poses)), key=lambda i: (-scores[i], i)):
        similar = [
            np.exp(
                -((poses[i] - poses[k]) ** 2).sum(-1)
                / (2 * areas[k] * (2 * np.array(MPII.sigmas)) ** 2)
            ).mean()
            for k in kept
        ]
        if all(s <= threshold for s in similar):
            kept.append(i)
    return kept


def test_oks_nms_against_brute_force():
    rng = np.random.default_rng(3)
    base = rng.uniform(0, 90, (4, 16, 2))
    poses = np.concatenate([base + rng.normal(0, s, base.shape) for s in (0, 1, 3, 9)])
    scores, areas = rng.random(len(poses)), rng.uniform(2000, 5000, len(poses))
    for threshold in (0.3, 0.6, 0.9):
        assert oks_nms(
            poses, scores, MPII.sigmas, threshold, areas
        ).tolist() == brute_oks_nms(poses, scores, threshold, areas)


def test_oks_nms_keeps_two_people_in_one_box():
    rng = np.random.default_rng(4)
    one = rng.uniform(0, 90, (16, 2))
    poses = np.stack([one, 89 - one, one + 1])  # the same box, other joints
    assert oks_nms(poses, [0.9, 0.8, 0.7], MPII.sigmas).tolist() == [0, 1]


def test_matching_takes_the_nearest_and_forgives_crowds():
    people = [[0, 0, 10, 10], [40, 0, 10, 10], [80, 0, 10, 10]]
    found = [
        [1, 0, 10, 10],
        [0, 0, 10, 10],
        [41, 0, 10, 10],
        [80, 1, 10, 10],
        [9, 60, 5, 5],
    ]
    who = match_boxes(found, [0.9, 0.8, 0.7, 0.6, 0.5], people, [False, False, True])
    assert who.tolist() == [0, -1, 1, -2, -1]


def test_box_ap_is_pycocotools(capsys):
    coco = pytest.importorskip("pycocotools.coco")
    from pycocotools.cocoeval import COCOeval

    rng = np.random.default_rng(5)
    truth, results, found, people = [], [], [], []
    for picture in range(12):
        boxes = random_boxes(rng, 5)
        near = boxes[rng.integers(0, 5, 8)] + rng.normal(0, 3, (8, 4))
        near[:, 2:] = near[:, 2:].clip(1)
        scores = rng.random(8)
        found.append((near, scores))
        people.append((boxes, None))
        truth += [
            {"id": len(truth) + i + 1, "image_id": picture + 1, "category_id": 1}
            | {"bbox": list(box), "area": box[2] * box[3], "iscrowd": 0}
            for i, box in enumerate(boxes)
        ]
        results += [
            {"image_id": picture + 1, "category_id": 1, "bbox": list(b), "score": s}
            for b, s in zip(near, scores)
        ]
    theirs = coco.COCO()
    theirs.dataset = {
        "images": [{"id": i + 1} for i in range(12)],
        "annotations": truth,
        "categories": [{"id": 1}],
        "info": {},
    }
    theirs.createIndex()
    reference = COCOeval(theirs, theirs.loadRes(results), "bbox")
    reference.evaluate()
    reference.accumulate()
    for index, threshold in ((0, 0.5), (5, 0.75)):
        precision = reference.eval["precision"][index, :, 0, 0, 2]
        assert box_ap(found, people, threshold) == pytest.approx(precision.mean())
    assert np.isnan(box_ap([(np.zeros((0, 4)), [])], [(np.zeros((0, 4)), None)]))


# ------------------------------------------------------------ the detector


def test_a_box_off_by_the_reach_still_overlaps_enough():
    side = 30.0
    shift = 3 * center_sigma(side, 0.5)
    iou = pairwise_iou([[0, 0, side, 20]], [[shift, 0, side, 20]])[0, 0]
    assert iou == pytest.approx(0.5)


def test_maps_give_the_boxes_back():
    boxes = torch.tensor([[[3.0, 5, 20, 41], [60.5, 30, 18, 30], [np.nan] * 4]])
    heat, geometry, weights = center_targets(boxes, (24, 20), 4)
    assert heat.shape == (1, 3, 20, 24) and geometry.shape == (1, 3, 4, 20, 24)
    assert heat.amax((-1, -2))[0].tolist() == [1, 1, 0]
    owner = heat.argmax(1, keepdim=True)[:, :, None].expand(1, 1, 4, 20, 24)
    maps = torch.cat(
        [torch.logit(heat.amax(1), 1e-4)[:, None], geometry.gather(1, owner)[:, 0]], 1
    )
    ((found, scores),) = decode_centers(maps, 4, threshold=0.5)
    order = found[:, 0].argsort()
    np.testing.assert_allclose(found[order], boxes[0, :2], atol=1e-4)
    assert (scores > 0.9).all()
    assert weights[0, 2].sum() == 0


def test_focal_loss_by_hand():
    logit = torch.tensor([[[0.0, 0.0]]])
    loss = focal_loss(logit, torch.tensor([[[1.0, 0.5]]]))
    expected = [0.25 * np.log(2), 0.5**4 * 0.25 * np.log(2)]
    np.testing.assert_allclose(loss[0, 0], expected, rtol=1e-6)


def test_batches_move_boxes_and_joints_alike(scenes):
    augmentation = SceneAugmentation(scale=(0.5, 1.5))
    rng = torch.Generator().manual_seed(0)
    batch = make_people_batch(scenes, range(12), (64, 48), augmentation, rng)
    again = make_people_batch(
        scenes, range(12), (64, 48), augmentation, torch.Generator().manual_seed(0)
    )
    assert torch.equal(batch.images, again.images)
    there = torch.isfinite(batch.keypoints[..., 0])
    low = (batch.boxes[..., :2] - 0.5)[:, :, None]
    high = low + batch.boxes[..., 2:][:, :, None]
    slack = 0.06 * batch.boxes[..., 2:].amax(-1)[..., None, None] + 1
    inside = ((batch.keypoints > low - slack) & (batch.keypoints < high + slack)).all(
        -1
    )
    assert there.sum() > 200
    # joints of drawn people lie in their boxes, however the picture was moved
    assert inside[there].float().mean() > 0.97


def test_a_mirrored_picture_mirrors_its_people(scenes):
    plain = make_people_batch(scenes, [0], (96, 72))
    mirror = SceneAugmentation((1, 1), flip=1.0, gain=0, contrast=0, grey=0)
    flipped = make_people_batch(
        scenes, [0], (96, 72), mirror, torch.Generator().manual_seed(0)
    )
    torch.testing.assert_close(flipped.images, plain.images.flip(-1))
    order = list(MPII.flip_permutation)
    expected = plain.keypoints[:, :, order] * torch.tensor([-1.0, 1]) + torch.tensor(
        [95.0, 0]
    )
    torch.testing.assert_close(flipped.keypoints, expected, equal_nan=True)
    x = 96 - plain.boxes[..., 0] - plain.boxes[..., 2]
    torch.testing.assert_close(flipped.boxes[..., 0], x, equal_nan=True)


class OnePerson:
    """A data set of photographs: a white rectangle, its corners the joints."""

    skeleton = MPII

    def __len__(self):
        return 5

    def __getitem__(self, index):
        from posecourse.datasets import Person

        points = np.random.default_rng(index).uniform((20, 10), (39, 49), (16, 2))
        points[:2] = (20, 10), (39, 49)
        return Person(str(index), points, np.full(16, 2, np.uint8), (30, 30), 0.2)

    def read_image(self, person):
        picture = np.zeros((60, 80, 3), np.uint8)
        picture[10:50, 20:40] = 255
        return picture


def test_mosaics_know_where_everybody_is():
    made = mosaics(OnePerson(), 20, (120, 90), seed=1)
    people = [(i, p) for i in range(20) for p in made.people(i)]
    assert len(people) > 20
    for picture, slot in people:
        x, y, w, h = made.boxes[picture, slot].round().astype(int)
        inside = made.images[
            picture, y + h // 4 : y + h * 3 // 4, x + w // 4 : x + w * 3 // 4
        ]
        assert inside.size and inside.mean() > 240
        assert made.keypoints[picture, slot, 0, 0] >= x


def test_a_detector_learns_and_is_read_back(tmp_path, scenes):
    settings = FitSettings(epochs=2, lr=2e-3, device="cpu", amp="fp32")
    torch.manual_seed(0)
    network = build_detector("laptop", (96, 80), width=8)
    task = FindCenters(scenes, scenes, network, settings, batch_size=4)
    with RunFolder.create(tmp_path / "run", "detector") as folder:
        average = fit(network, task, settings, folder)
        rows = task.report(folder.path, average)
    assert "box AP50" in rows
    log = (tmp_path / "run" / "log.csv").read_text().splitlines()
    assert len(log) == 3 and "mean_box" in log[0]
    detector = CenterDetector.load(tmp_path / "run", long_side=96, threshold=0.001)
    boxes, scores = detector(scenes.images[0])
    assert boxes.shape == (len(scores), 4) and (np.diff(scores) <= 0).all()
    assert (boxes[:, :2] >= 0).all() and (boxes[:, 2:] >= 1).all()
    assert (boxes[:, :2] + boxes[:, 2:] <= (96, 72)).all()
    with pytest.raises(ValueError, match="no detector"):
        CenterDetector(models.build("laptop"))
    with pytest.raises(ValueError, match="RGB uint8"):
        detector(np.zeros((5, 5), np.uint8))
    with pytest.raises(ValueError, match="one convolution"):
        build_detector("head_simcc", 64)


def test_losses_are_those_of_perfect_maps(scenes):
    """Targets as maps cost nothing but what a sigmoid cannot reach."""
    network = build_detector("laptop", (96, 80), width=8)
    task = FindCenters(
        scenes, scenes, network, FitSettings(), batch_size=4, augmentation=None
    )
    batch = task.batch(0)
    heat, geometry, _ = center_targets(batch.boxes, network.codec.heatmap_size, 2)
    owner = heat.argmax(1, keepdim=True)
    geometry = geometry.gather(1, owner[:, :, None].expand(-1, 1, 4, -1, -1))[:, 0]
    maps = torch.cat([torch.logit(heat.amax(1), 1e-6)[:, None], geometry], 1)
    perfect = task._terms(maps, batch)
    constant = task.baseline(network, batch)
    assert (perfect.sums[1:] < 0.02 * constant[1:]).all()
    assert perfect.sums[0] < constant[0]


def test_ignored_people_cost_nothing(scenes):
    network = build_detector("laptop", (96, 80), width=8)
    task = FindCenters(
        scenes, scenes, network, FitSettings(), batch_size=4, augmentation=None
    )
    batch = task.batch(0)
    nobody = batch._replace(ignored=torch.ones_like(batch.ignored))
    terms = task.loss(network, nobody)
    assert terms.counts.tolist() == [0, 0, 0] and terms.sums[1:].sum() == 0


def test_scores_of_a_detector_that_knows(scenes, monkeypatch):
    from posecourse.people import tasks

    truth = [
        (scenes.boxes[i, who], np.linspace(0.9, 0.5, len(who)))
        for i in range(len(scenes))
        for who in [scenes.people(i)]
    ]
    monkeypatch.setattr(tasks, "found_boxes", lambda *a: truth)
    scores = detector_scores(None, scenes)
    assert scores["ap50"] == 1 and scores["recall"] == 1
    assert scores["false_alarms"] == 0


def test_a_detector_of_torchvision_takes_its_place():
    with pytest.raises(ValueError, match="no detector 'yolo'.*fasterrcnn"):
        TorchvisionDetector("yolo")
    detector = TorchvisionDetector(
        "ssdlite320_mobilenet_v3_large", weights=None, device="cpu"
    )
    # a network that sees two people and a dog
    detector.network = lambda pictures: [
        {
            "boxes": torch.tensor([[1.0, 2, 11, 22], [5, 5, 9, 9], [0, 0, 4, 4]]),
            "labels": torch.tensor([1, 18, 1]),
            "scores": torch.tensor([0.9, 0.8, 0.3]),
        }
    ]
    boxes, scores = detector(np.zeros((40, 60, 3), np.uint8))
    assert boxes.tolist() == [[1, 2, 10, 20]] and scores.tolist() == pytest.approx(
        [0.9]
    )


# --------------------------------------------------------------- grouping


def test_a_field_points_along_its_bone():
    keypoints = torch.full((1, 1, 16, 2), torch.nan)
    keypoints[0, 0, 6], keypoints[0, 0, 7] = torch.tensor([[2.0, 10], [14, 10]])
    bones = tree_bones(MPII)
    bone = bones.index((6, 7))
    fields = limb_fields(keypoints, bones, (20, 20), 1.0)
    here = fields[0, 2 * bone : 2 * bone + 2]
    assert here[:, 10, 8].tolist() == [1, 0] and here[:, 15, 8].tolist() == [0, 0]
    assert fields.abs().sum() == here.abs().sum()
    scores = line_scores(here, [[2, 10], [2, 3]], [[14, 10], [14, 3]])
    np.testing.assert_allclose(scores, [[1, 0], [0, 0]], atol=1e-6)
    # the other way round the arrows disagree
    assert line_scores(here, [[14, 10]], [[2, 10]])[0, 0] <= 0


def test_grouping_is_exact_on_true_maps():
    rng = np.random.default_rng(6)
    pose = np.array(
        [
            (10, 60),
            (10, 45),
            (12, 30),
            (20, 30),
            (22, 45),
            (22, 60),
            (16, 30),
            (16, 14),
            (16, 10),
            (16, 2),
            (2, 32),
            (4, 24),
            (8, 15),
            (24, 15),
            (28, 24),
            (30, 32),
        ],
        float,
    )
    people = np.stack([pose + (8, 4), pose + (50, 8), pose[:, ::1] * 0.8 + (92, 12)])
    keypoints = torch.tensor(people)[None].float()
    bones = tree_bones(MPII)
    heat = joint_heat(keypoints, (140, 80), 1.0, 1.5)[0]
    fields = limb_fields(keypoints, bones, (140, 80), 1.0)[0]
    from posecourse.codecs import heatmap_peaks

    cells, heights = heatmap_peaks(heat, 0.3, 2, 8)
    order = rng.permutation(8)  # in whatever order the peaks come
    found, scores = group_joints(cells[:, order], heights[:, order], fields, bones)
    assert found.shape == (3, 16, 2) and (scores > 0.8).all()
    near = np.abs(found[:, None] - people).max((-1, -2))
    assert sorted(near.argmin(1).tolist()) == [0, 1, 2] and near.min(1).max() <= 0.5


def test_grouping_of_empty_maps():
    bones = tree_bones(MPII)
    cells, heights = np.full((16, 5, 2), np.nan), np.zeros((16, 5))
    found, scores = group_joints(cells, heights, np.zeros((30, 9, 9)), bones)
    assert found.shape == (0, 16, 2) and scores.shape == (0, 16)
    with pytest.raises(ValueError, match="30 fields"):
        group_joints(cells, heights, np.zeros((4, 9, 9)), bones)


def test_filled_poses_have_a_place_for_every_joint():
    pose = np.full((1, 16, 2), np.nan)
    pose[0, 7] = (5, 6)
    assert (filled(pose, MPII) == (5, 6)).all()


def test_a_bottom_up_network_learns_and_is_read_back(tmp_path, scenes):
    settings = FitSettings(epochs=1, device="cpu", amp="fp32")
    network = build_bottom_up("laptop", input_size=(64, 48), width=8)
    task = FindLimbs(scenes, scenes, network, settings, batch_size=4)
    with RunFolder.create(tmp_path / "run", "bottom-up") as folder:
        average = fit(network, task, settings, folder)
        assert "OKS-AP" in task.report(folder.path, average)
    found = BottomUp.load(tmp_path / "run", long_side=64)(scenes.images[0])
    assert isinstance(found, list)
    with pytest.raises(ValueError, match="joints and bones"):
        BottomUp(models.build("laptop"))


# --------------------------------------------------------------- tracking


def walkers(crossing, noise, seed, lost=0.5):
    """True poses with noise; who is hidden by more than half is not found."""
    rng = np.random.default_rng(seed)
    for frame in range(len(crossing.times)):
        persons = crossing.scene(frame).persons
        seen = [p for p in persons if p.extra["occluded"] < lost]
        rng.shuffle(seen)
        yield (
            np.array([p.keypoints + rng.normal(0, noise, (16, 2)) for p in seen]),
            [p.extra["track"] for p in seen],
        )


@pytest.mark.slow
def test_numbers_stay_through_crossings():
    kept = 0
    for seed in range(10):
        crossing = SyntheticCrossing(2, seconds=4, fps=8, size=(64, 48), seed=seed)
        tracker, given, true = Tracker(MPII.sigmas), [], []
        for poses, who in walkers(crossing, 0.4, seed):
            given.append(tracker.update(poses))
            true.append(who)
        kept += identity_switches(given, true) == 0
    assert kept >= 9


def test_tracks_wait_for_the_hidden_and_give_up():
    rng = np.random.default_rng(7)
    one = rng.uniform(0, 90, (16, 2))
    tracker = Tracker(MPII.sigmas, patience=3)
    for step in range(4):
        assert tracker.update([one + 6 * step]).tolist() == [0]
    assert tracker.update([]).tolist() == []
    assert tracker.update([one + 30]).tolist() == [0]  # walked on unseen
    for _ in range(4):
        tracker.update([])
    assert tracker.update([one + 30]).tolist() == [1]


def test_switches_by_hand():
    assert identity_switches([[0, 1], [1, 0], [1, 0]], [[0, 1], [0, 1], [0, -1]]) == 2


def test_what_a_tracker_refuses():
    with pytest.raises(ValueError, match="threshold"):
        Tracker(MPII.sigmas, threshold=2)
    with pytest.raises(ValueError, match=r"\(P, 16, 2\)"):
        Tracker(MPII.sigmas).update(np.zeros((2, 17, 2)))


# --------------------------------------------------------------- pipeline


@pytest.fixture(scope="module")
def drawn():
    return SyntheticScenes(
        4, size=(128, 96), people=(2, 3), overlap=(0, 0.2), split="test"
    )


def knows(dataset):
    """A detector that knows: true boxes, each twice."""
    pictures = {}
    for person in (dataset[i] for i in range(len(dataset))):
        key = dataset.read_image(person).tobytes()
        pictures.setdefault(key, []).append(person.extra["full_box"])

    def detect(image):
        boxes = np.array(pictures[image.tobytes()], float)
        boxes = np.concatenate([boxes, boxes + (1, 0, 0, 0)])
        return boxes, np.linspace(1, 0.5, len(boxes))

    return detect


def test_a_pipeline_with_a_detector_that_knows(drawn):
    pipeline = PosePipeline(knows(drawn), Predictor.load("laptop"))
    scene = drawn.scene(1)
    poses = pipeline(scene.image)
    assert len(poses) == len(scene.persons)  # the doubles are gone
    sure = [pose.confidence for pose in poses]
    assert sure == sorted(sure, reverse=True)
    assert set(pipeline.seconds) == {"detector", "poses"}


def test_evaluation_beside_true_boxes_and_the_mean_pose(drawn):
    result = evaluate_people(
        PosePipeline(knows(drawn), Predictor.load("laptop")), drawn, resamples=20
    )
    rows = {name: row["AP"].value for name, row in result.rows.items()}
    assert rows["found"] == pytest.approx(rows["true boxes"], abs=0.2)
    assert rows["found"] > 0.3 > rows["mean pose"]
    assert result.boxes["recall"] > 0.8
    assert "true boxes" in str(result) and result.to_dict()["unit"] == "percent"


def test_nobody_in_the_picture():
    pipeline = PosePipeline(
        lambda image: (np.zeros((0, 4)), np.zeros(0)), Predictor.load("laptop")
    )
    assert pipeline(np.zeros((40, 60, 3), np.uint8)) == []
    ((_, result),) = pipeline.video([np.zeros((40, 60, 3), np.uint8)])
    assert len(result) == 0


def test_a_video_keeps_numbers(drawn):
    pipeline = PosePipeline(knows(drawn), Predictor.load("laptop"))
    still = drawn.scene(1).image  # between detections it looks by itself
    seen = [result for _, result in pipeline.video([still] * 5, every=3)]
    first, *others = [{pose.track for pose in result} for result in seen]
    assert first == set(range(len(seen[0])))
    assert all(numbers <= first for numbers in others) and others[2] == first
    assert [result.frame for result in seen] == [0, 1, 2, 3, 4]
    with pytest.raises(ValueError, match="every"):
        next(pipeline.video([], every=0))


def test_tracks_travel_in_json(tmp_path):
    pose = Pose(np.zeros((16, 2)), np.ones(16), (0, 0, 1, 1), box_score=0.25, track=3)
    assert Pose.load(pose.save(tmp_path / "pose.json")).track == 3
    assert pose.confidence == 0.25 and pose.to_dict()["box_score"] == 0.25
    assert (
        metrics.oks(
            pose.keypoints[None], pose.keypoints[None], None, [9.0], MPII.sigmas
        )
        == 1
    )


@pytest.mark.parametrize("finder", [CenterDetector, BottomUp])
def test_what_is_no_picture_is_refused(finder):
    find = finder.load(device="cpu")
    with pytest.raises(ValueError, match="RGB uint8"):
        find(np.zeros((40, 40, 3)))
    with pytest.raises(ValueError, match="RGB uint8"):
        find(np.zeros((40, 40), np.uint8))
