"""Exercises, project and quiz of chapter 12: several people."""

import numpy as np

from ..people.boxes import pairwise_iou
from . import exercise
from .quiz import Choice, Question

QUIZ = (
    Question(
        "A detector answers with 40 boxes for a picture of three people. What does "
        "non-maximum suppression need to know to make three of them?",
        (
            Choice(
                "That there are three people.",
                "Nobody tells it, and it never counts: what is similar to a surer "
                "box goes, whatever is left.",
            ),
            Choice(
                "The boxes, their scores, and how much overlap is too much.",
                "Nothing else. It does not look at the picture again.",
                right=True,
            ),
            Choice(
                "The picture, to compare what the boxes show.",
                "It is pure geometry. That is why it is fast, and why it cannot tell "
                "two people from one seen twice.",
            ),
        ),
    ),
    Question(
        "Two people hug. The boxes overlap by 0.7, and NMS has the threshold 0.5. "
        "What happens, and which change helps?",
        (
            Choice(
                "One of the two is lost. Compare poses instead of boxes: OKS-NMS.",
                "Boxes of two people may be almost the same, their joints are not. "
                "Let more boxes through, and drop doubles where poses tell.",
                right=True,
            ),
            Choice(
                "Both are kept, because both are people.",
                "NMS knows no people, only overlap: 0.7 is more than 0.5.",
            ),
            Choice(
                "One is lost. Lower the threshold to 0.3.",
                "A lower threshold drops more, not less.",
            ),
        ),
    ),
    Question(
        "The document says that a set of heatmaps for each person handles overlap. "
        "What does it not say?",
        (
            Choice(
                "That the sets must be drawn at the same time.",
                "They can be drawn one after the other; most programs do it in a "
                "batch.",
            ),
            Choice(
                "That the crop of one person shows the other person, too.",
                "And in it, the network has to guess whose joints are asked for. "
                "The box's middle is all it has to go by.",
                right=True,
            ),
            Choice(
                "That heatmaps need more memory than coordinates.",
                "True, and nothing to do with overlap.",
            ),
        ),
    ),
    Question(
        "Which of the two families takes longer when ten more people come in?",
        (
            Choice(
                "Both, about equally.",
                "One looks once at the picture, whoever is in it.",
            ),
            Choice(
                "Bottom-up: more joints have to be sorted.",
                "Sorting takes a millisecond or two; the network, which is the "
                "expensive part, looks once.",
            ),
            Choice(
                "Top-down: it looks once more for each of them.",
                "Ten more crops go through the network of one person.",
                right=True,
            ),
        ),
    ),
    Question(
        "A data set has only people who are larger than 96 x 96 pixels. COCO's "
        "evaluator prints -1 for the AP of medium people. What does that mean?",
        (
            Choice(
                "The predictions are worse than chance.",
                "An AP is never below 0. The -1 is a message.",
            ),
            Choice(
                "There was nobody of that size to find: the number is not defined.",
                "0 of 0. This course prints NaN.",
                right=True,
            ),
            Choice(
                "The file is damaged.",
                "It may be fine. There is just nobody in that class.",
            ),
        ),
    ),
)


def _nms(boxes, scores, threshold, strict=True, kept_only=True, order=None):
    left = list(np.argsort(-np.asarray(scores), kind="stable"))
    if order is not None:
        left = list(range(len(scores)))
    kept = []
    for i in left:
        against = kept if kept_only else left[: left.index(i)]
        ious = pairwise_iou(boxes[[i]], boxes[against])[0] if against else []
        if all(v <= threshold if strict else v < threshold for v in ious):
            kept.append(int(i))
    return kept


@exercise(
    "12.1",
    hints=(
        "`np.argsort(-scores, kind='stable')` gives the numbers, the surest first.",
        "Go through them in this order. A box is kept if it overlaps none of those "
        "that were *kept* by more than the threshold.",
        "A box that was dropped drops nobody any more.",
    ),
)
def _(attempt):
    rng = np.random.default_rng(122)
    row = np.array([[10.0 * i, 0, 30, 40] for i in range(4)])
    cases = [(row, np.array([0.6, 0.9, 0.8, 0.7]), 0.4)]
    for count in (1, 8, 15):
        boxes = np.c_[rng.uniform(0, 40, (count, 2)), rng.uniform(15, 40, (count, 2))]
        for threshold in (0.2, 0.5):
            cases.append((boxes, rng.permutation(count) / count, threshold))
    twice = np.array([[0, 0, 10, 10], [0, 0, 10, 20], [50, 0, 9, 9.0]])
    cases.append((twice, np.array([0.5, 0.9, 0.9]), 0.5))  # exactly 0.5: stays
    for boxes, scores, threshold in cases:
        right = _nms(boxes, scores, threshold)
        attempt.gives(
            right,
            boxes,
            scores,
            threshold,
            mistakes={
                "a box that was dropped drops nobody: compare with those that are "
                "kept": _nms(boxes, scores, threshold, kept_only=False),
                "exactly the threshold is not more than the threshold": _nms(
                    boxes, scores, threshold, strict=False
                ),
                "begin with the surest": _nms(boxes, scores, threshold, order=True),
                "the surest first": sorted(right),
            },
        )


def _chains(first, second):
    people = [[a, b, None] for a, b in first]
    for b, c in second:
        for person in people:
            if person[1] == b:
                person[2] = c
                break
        else:
            people.append([None, b, c])
    return sorted(people, key=lambda p: [-1 if v is None else v for v in p])


@exercise(
    "12.2",
    hints=(
        "Begin with one person for each pair (shoulder, elbow), the wrist None.",
        "For each pair (elbow, wrist): is there a person with that elbow? Then the "
        "wrist is theirs. If not, it is a person without a shoulder.",
        "Sort at the end: `key=lambda person: [-1 if v is None else v for v in "
        "person]`.",
    ),
)
def _(attempt):
    rng = np.random.default_rng(123)
    cases = [([(0, 1), (1, 0)], [(0, 0), (2, 1)])]
    for count in (1, 3, 5, 6):
        elbows = rng.permutation(count)
        some = [(int(a), int(b)) for a, b in enumerate(elbows) if rng.random() < 0.7]
        others = rng.permutation(count)
        more = [(int(b), int(c)) for b, c in enumerate(others) if rng.random() < 0.7]
        cases.append((some, more))
    cases += [([], [(1, 1)]), ([], [])]
    for first, second in cases:
        right = _chains(first, second)
        with_shoulder = [p for p in right if p[0] is not None]
        attempt.gives(
            right,
            first,
            second,
            mistakes={
                "somebody without a shoulder is somebody, too": with_shoulder,
                "the pairs name the elbow's number, not the person's": _chains(
                    first, [(b, c) for c, b in second]
                ),
            },
        )


def _switches(numbers, people, forget=False):
    last, count = {}, 0
    for given, true in zip(numbers, people):
        seen = {}
        for number, person in zip(given, true):
            if person >= 0:
                count += last.get(person, number) != number
                seen[person] = number
        last = seen if forget else {**last, **seen}
    return count


@exercise(
    "12.3",
    hints=(
        "Remember for each person the number of the last sighting: a dictionary.",
        "Somebody who is hidden for a while keeps the number in your memory.",
        "`last.get(person, number) != number` is False for who is seen first.",
    ),
)
def _(attempt):
    rng = np.random.default_rng(124)
    cases = [
        ([[0, 1], [1, 0], [1, 0]], [[0, 1], [0, 1], [0, -1]]),
        ([[0, 1], [0], [0, 2]], [[0, 1], [0], [0, 1]]),
    ]
    for length in (3, 8, 12):
        people = [
            [int(p) for p in rng.permutation(3)[: rng.integers(0, 4)]]
            for _ in range(length)
        ]
        people = [[-1 if rng.random() < 0.1 else p for p in row] for row in people]
        numbers = [[int(rng.integers(0, 4)) for _ in row] for row in people]
        cases.append((numbers, people))
    for numbers, people in cases:
        attempt.gives(
            _switches(numbers, people),
            numbers,
            people,
            mistakes={
                "who is hidden for a while must not be forgotten": _switches(
                    numbers, people, forget=True
                ),
                "-1 is nobody": _switches(
                    numbers, [[abs(p) for p in row] for row in people]
                ),
            },
        )


def _crowded():
    """The scenes that the project is measured on."""
    from ..datasets import SyntheticScenes

    return SyntheticScenes(
        16, seed=12, people=(2, 4), overlap=(0.35, 0.55), split="valid"
    )


@exercise(
    "12.project",
    hints=(
        "What does the pipeline lose: boxes or joints? `evaluate_people` prints "
        "both, and the row with the true boxes.",
        "Let more boxes through: `CenterDetector.load('detector', overlap=0.8)`, "
        "and a lower `threshold`. OKS-NMS still drops doubles.",
        "`flip_test=True` looks twice at everybody, and helps the joints.",
    ),
)
def _(attempt):
    from ..people import PosePipeline, evaluate_people

    shipped = PosePipeline.load("laptop")
    attempt.require(
        callable(attempt.answer),
        "A function from a picture to a list of poses is asked for.",
    )
    scenes = _crowded()
    scene = scenes.scene(0)
    poses = attempt(scene.image)
    attempt.require(
        isinstance(poses, list) and all(hasattr(p, "keypoints") for p in poses),
        "Your function returns a list of `Pose`, as a pipeline does.",
    )
    ours, mine = (
        evaluate_people(find, scenes, shipped.predictor, resamples=10)
        .rows["found"]["AP"]
        .value
        for find in (shipped, attempt.answer)
    )
    attempt.require(
        mine > ours,
        f"On {scenes.pictures} crowded scenes your OKS-AP is {100 * mine:.1f} %, the "
        f"pipeline's as it comes {100 * ours:.1f} %.",
    )
