"""No command shows a traceback, whatever it is given.

It ends with status 1 or 2, and says in a sentence which file is not right.
"""

import json
import os
import shutil
import tempfile

import pytest
from hostile import BLOBS, DOORS, FOLDERS, House, mutations, odd_paths

from posecourse.cli import main

pytestmark = [
    pytest.mark.filterwarnings("ignore"),
    pytest.mark.usefixtures("one_thread"),
]
# How a command may end.
WORKS, REFUSED = (0,), (1, 2)
EITHER = WORKS + REFUSED


@pytest.fixture(scope="module")
def house(tmp_path_factory):
    return House(tmp_path_factory.mktemp("house"))


@pytest.fixture
def run(tmp_path, monkeypatch, capfd):
    """Run a command; what is wrong with how it ended, or nothing."""
    here = tmp_path / "here"
    here.mkdir()
    monkeypatch.chdir(here)
    (tmp_path / "details").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "details"))

    def ran(argv, name, allowed=REFUSED):
        status = main([os.fspath(word) for word in argv])
        out, err = capfd.readouterr()
        if status not in allowed:
            return f"status {status}: {err[-300:]}"
        if "Traceback" in err:
            return err
        if "this is our mistake" in err:
            return f"not foreseen: {err[err.index('failed') :][:300]}"
        if status and os.path.basename(name) not in out + err:
            return f"does not name {name}: {err[-300:]}"
        if len(err) > 3000:
            return f"{len(err)} letters: {err[:200]}"
        return ""

    return ran


# Contents that may be nothing wrong: no results, nobody, a picture's header.
HARMLESS = {"list", "object", "list of objects", "BOM", "UTF-32"}
# JSON as it should be, of something else: said, without the file's name.
ELSE = {"objects for lists", "no images", "400 digits inside"}


@pytest.mark.slow
@pytest.mark.parametrize("door", DOORS)
def test_a_file_of_any_content_is_refused_in_words(door, house, run, tmp_path):
    endings, command = DOORS[door]
    wrong = {}
    for number, suffix in enumerate(endings):
        file = tmp_path / f"given{suffix}"
        # all with the first two endings; a third of them with each other one
        some = list(BLOBS.items())[:: 1 if number < 2 else 3]
        for name, content in some:
            file.write_bytes(content)
            expected = "" if name in ELSE else file.name
            allowed = EITHER if name in HARMLESS else REFUSED
            said = run(command(house, file), expected, allowed)
            if said:
                wrong[f"{name}{suffix}"] = said
    assert not wrong


@pytest.mark.slow
@pytest.mark.parametrize("door", FOLDERS)
def test_a_folder_with_a_file_of_any_content_is_refused_in_words(
    door, house, run, tmp_path
):
    inner, command = FOLDERS[door]
    wrong = {}
    for number, (name, content) in enumerate(BLOBS.items()):
        if door == "downloads" and name in HARMLESS:
            continue  # it would go on, into the network
        folder = tmp_path / f"given-{number}"
        (folder / inner).parent.mkdir(parents=True)
        (folder / inner).write_bytes(content)
        allowed = EITHER if name in HARMLESS else REFUSED
        said = run(command(house, folder), folder.name, allowed)
        if said:
            wrong[name] = said
    assert not wrong


@pytest.mark.slow
@pytest.mark.parametrize(
    "door, whole",
    [
        ("score COCO", House.coco_results),
        ("score --truth COCO", House.coco_truth),
        ("data check", House.coco_truth),
    ],
)
def test_a_file_with_one_odd_value_is_read_or_refused_in_words(
    door, whole, house, run, tmp_path
):
    """It may do no harm: then the command works."""
    file, wrong = tmp_path / "given.json", {}
    shutil.copytree(house.folder / "images", tmp_path / "images")
    for name, content in mutations(whole()):
        file.write_text(json.dumps(content))
        said = run(DOORS[door][1](house, file), file.stem, EITHER)
        if said:
            wrong[name] = said
    assert not wrong


@pytest.mark.slow
def test_what_people_report(shared_data, load_script, house, run, tmp_path):
    """Inputs of those kinds: some are read, the others refused in words."""
    script = shared_data.parent / "cases" / "make_cases.py"
    if not script.is_file():
        pytest.skip("the script that makes the cases is not here")
    cases = load_script(script)
    for make in (
        cases.coco_variants,
        cases.pictures_that_moved,
        cases.results,
        cases.videos,
        cases.checkpoints,
    ):
        make(tmp_path)
    wrong = {}

    def expect(allowed, name, *argv):
        said = run(argv, name, allowed)
        if said:
            wrong[" ".join(map(str, argv))] = said

    truth = shared_data / "coco_ccby" / "person_keypoints.json"
    for file in sorted((tmp_path / "results").iterdir()):
        expect(EITHER, file.name, "score", file, "--truth", truth)
    for file in sorted(tmp_path.glob("**/person_keypoints*.json")):
        perfect = tmp_path / "results" / "perfect.json"
        expect(EITHER, file.name, "score", perfect, "--truth", file)
        expect(EITHER, "", "data", "check", file, "--decode")
        place = file.parent.name
        store = tmp_path / "stores" / place
        expect(EITHER, place, "data", "prepare", file, store, "--size", "40")
    for file in sorted((tmp_path / "videos").iterdir()):
        expect(EITHER, file.name, "predict", file, "--run", house.weights)
    small = ("--data", house.store, "--epochs", "1", "--input-size", "32")
    for file in sorted((tmp_path / "checkpoints").iterdir()):
        network = ("--model", "simple_baseline_18", "--init", file)
        expect(EITHER, file.name, "train", *small, *network)
        expect(REFUSED, file.name, "predict", house.picture, "--run", file)
    assert not wrong


@pytest.mark.parametrize("door", DOORS)
def test_a_path_that_is_no_file_is_refused_in_words(door, house, run, tmp_path):
    endings, command = DOORS[door]
    wrong = {}
    for name, path in odd_paths(tmp_path / "odd", endings[0]):
        said = run(command(house, path), "")
        if said:
            wrong[name] = said
    assert not wrong
