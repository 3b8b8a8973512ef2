"""No command shows a traceback, whatever it is given.

It ends with status 1 or 2, and says in a sentence which file is not right.
"""

import os
import tempfile

import pytest
import torch
from hostile import BLOBS, DOORS, FOLDERS, House, odd_paths

from posecourse.cli import main

pytestmark = pytest.mark.filterwarnings("ignore")


@pytest.fixture(scope="module", autouse=True)
def one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


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

    def ran(argv, name, may_work=False):
        status = main([os.fspath(word) for word in argv])
        err = capfd.readouterr().err
        if status == 0 and may_work:
            return ""
        if status not in (1, 2):
            return f"status {status}"
        if "Traceback" in err:
            return err
        if "this is our mistake" in err:
            return f"not foreseen: {err[err.index('failed') :][:300]}"
        if not may_work and name and os.path.basename(name) not in err:
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
@pytest.mark.parametrize("door", [d for d in DOORS if d != "train --init"])
def test_a_file_of_any_content_is_refused_in_words(door, house, run, tmp_path):
    endings, command = DOORS[door]
    wrong = {}
    for suffix in endings:
        file = tmp_path / f"given{suffix}"
        for name, content in BLOBS.items():
            file.write_bytes(content)
            expected = "" if name in ELSE else file.name
            said = run(command(house, file), expected, name in HARMLESS)
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
        folder = tmp_path / f"given-{number}"
        (folder / inner).parent.mkdir(parents=True)
        (folder / inner).write_bytes(content)
        said = run(command(house, folder), folder.name, name in HARMLESS)
        if said:
            wrong[name] = said
    assert not wrong


@pytest.mark.parametrize("door", DOORS)
def test_a_path_that_is_no_file_is_refused_in_words(door, house, run, tmp_path):
    endings, command = DOORS[door]
    wrong = {}
    for name, path in odd_paths(tmp_path / "odd", endings[0]):
        said = run(command(house, path), "", may_work=False)
        if said:
            wrong[name] = said
    assert not wrong
