"""The checkers of the projects that chapters 8 and 11 end with."""

import json
import shutil

import numpy as np
import pytest

from posecourse.exercises import chapter_08, chapter_11, check
from posecourse.models.pretrained import pretrained
from posecourse.skeletons import MPII
from posecourse.training.curves import write_log

# --- 08: beat 75 --------------------------------------------------------


@pytest.fixture
def run(tmp_path, monkeypatch):
    """A function: a run folder that claims to have taken so many seconds."""
    monkeypatch.setitem(chapter_08.HELD_OUT, "count", 48)

    def make(seconds, **settings):
        folder = tmp_path / "run"
        shutil.copytree(pretrained("laptop"), folder, dirs_exist_ok=True)
        config = json.loads((folder / "config.json").read_text("utf-8"))
        (folder / "config.json").write_text(json.dumps(config | settings), "utf-8")
        row = {"epoch": 1, "step": 1000, "train_loss": 1.0, "score": 80.0}
        speed = 1000 * config["batch_size"] / seconds
        write_log(folder / "log.csv", [row | {"images_per_second": speed}])
        return folder

    return make


def test_seconds_are_pictures_over_speed(run):
    folder = run(100)
    rows = [
        {"epoch": e, "step": s, "train_loss": 1, "score": 1, "images_per_second": v}
        for e, s, v in ((1, 10, 16.0), (2, 30, 32.0))
    ]
    write_log(folder / "log.csv", rows)  # 16 people a step
    assert chapter_08.training_seconds(folder) == pytest.approx(10 + 10)


@pytest.mark.slow
def test_a_good_and_quick_run_passes(run, capsys):
    result = check("08.project", str(run(200)))
    assert result.passed, result
    assert "after 200 s of training" in capsys.readouterr().out


@pytest.mark.slow
def test_what_is_not_allowed_is_said(run, monkeypatch):
    assert "Its training took 301 s" in check("08.project", run(301)).message
    said = check("08.project", run(200, init="photos")).message
    assert "starts from other weights (photos)" in said
    monkeypatch.setattr(chapter_08, "TO_BEAT", 99.5)
    assert "PCKh@0.5 on the held-out people" in check("08.project", run(200)).message


def test_what_is_no_run_is_refused(run, tmp_path):
    (tmp_path / "empty").mkdir()
    assert "cannot be read" in check("08.project", tmp_path / "empty").message
    assert "The folder of a run" in check("08.project", "runs/nowhere").message
    folder = run(200)
    (folder / "log.csv").unlink()
    assert "there is no such log" in check("08.project", folder).message


# --- 11: three failures -------------------------------------------------


def hidden(person, k):
    return person.visible[k] == 1


def bent(person, k):
    """Head down: its top is below the shoulders, or nearly so."""
    at = dict(zip(MPII.joints, person.keypoints))
    return at["head_top"][1] > at["thorax"][1] - 0.5 * person.head_size


def raised(person, k):
    arm = MPII.joints[k].endswith(("wrist", "elbow"))
    neck = person.keypoints[MPII.index("upper_neck")]
    return arm and person.keypoints[k][1] < neck[1]


def failures(*reasons):
    """An answer with the first joint that is wrong and to which each applies."""
    people = chapter_11.SyntheticPeople(size=64, **chapter_11.SHOWN)
    network = chapter_11._network("laptop")
    wrong = chapter_11._wrong(network, people, range(40))
    found = []
    for reason in reasons:
        person, k = next(
            (i, k)
            for i, k in np.argwhere(wrong == 1)
            if MPII.joints[k] not in ("pelvis", "thorax") and reason(people[i], k)
        )
        found.append({"person": int(person), "joint": MPII.joints[k], "reason": reason})
    return {"network": "laptop", "failures": found}


@pytest.fixture(scope="module")
def answer():
    return failures(hidden, bent, raised)


@pytest.fixture(autouse=True)
def fewer(monkeypatch):
    monkeypatch.setitem(chapter_11.FRESH, "count", 250)


@pytest.mark.slow
def test_reasons_that_predict_pass(answer, capsys):
    result = check("11.project", answer)
    assert result.passed, result
    assert capsys.readouterr().out.count("where your reason applies") == 3


@pytest.mark.slow
@pytest.mark.parametrize(
    "change, said",
    [
        ({"reason": lambda person, k: True}, "does not apply to 0"),
        ({"reason": lambda person, k: False}, "does not apply to the"),
        ({"reason": lambda person, k: k % 2 == 0 or hidden(person, k)}, "not predict"),
        ({"reason": lambda person, k: person.nothing}, "stopped with an error"),
        ({"reason": 3}, "the reason is a function"),
        ({"joint": "nose"}, "is no joint"),
        ({"person": 1000}, "from 0 to 999"),
        ({"person": "x"}, "from 0 to 999"),
    ],
)
def test_what_is_wrong_with_a_failure_is_said(answer, change, said):
    first, *others = answer["failures"]
    changed = {**answer, "failures": [first | change, *others]}
    result = check("11.project", changed)
    assert result.status == "not right yet" and said in result.message


@pytest.mark.slow
def test_a_joint_that_is_right_is_no_failure(answer):
    people = chapter_11.SyntheticPeople(size=64, **chapter_11.SHOWN)
    wrong = chapter_11._wrong(chapter_11._network("laptop"), people, range(3))
    person, k = np.argwhere(wrong == 0)[0]
    failure = {
        "person": int(person),
        "joint": MPII.joints[k],
        "reason": lambda *_: True,
    }
    changed = {**answer, "failures": [failure, *answer["failures"][1:]]}
    assert "is not wrong" in check("11.project", changed).message


@pytest.mark.slow
def test_the_same_reason_does_not_count_twice(answer):
    first, second, _ = answer["failures"]
    result = check("11.project", {**answer, "failures": [first, second, first]})
    assert "reasons 1 and 3 are nearly the same" in result.message


@pytest.mark.parametrize(
    "wrong, said",
    [
        ({"network": "laptop"}, "A dict"),
        ({"network": "laptop", "failures": []}, "A dict"),
        ({"network": "nowhere", "failures": [{}] * 3}, "cannot be read"),
        ({"network": 3, "failures": [{}] * 3}, "cannot be read"),
        ({"network": "laptop", "failures": [{"person": 1}] * 3}, "has no joint, reas"),
    ],
)
def test_what_is_no_answer_is_refused(wrong, said):
    assert said in check("11.project", wrong).message
