"""The course, the learner's copies and the cache are where they should be."""

import os
from pathlib import Path

import pytest
from sample import make_checkout

from posecourse import places
from posecourse.authoring import chapters
from posecourse.cli import main
from posecourse.datasets import SyntheticPeople, open_crops
from posecourse.datasets.mpii_writer import write_as_mpii
from posecourse.datasets.registry import open_dataset
from posecourse.models import pretrained


@pytest.fixture
def installed(tmp_path, monkeypatch):
    """As if the package came from a wheel; gives its folder. The current
    folder is an empty one."""
    package = tmp_path / "site-packages" / "posecourse"
    (package / "course" / "chapters").mkdir(parents=True)
    monkeypatch.setattr(places, "_PACKAGE", package)
    (tmp_path / "empty").mkdir()
    monkeypatch.chdir(tmp_path / "empty")
    return package


# ------------------------------------------------------------- the course


def test_the_checkout_is_the_course(root, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert places.checkout() == places.course_folder() == root
    assert chapters.folder() == root / "chapters"
    assert pretrained("laptop") == root / "data" / "weights" / "laptop"


def test_the_checkout_one_works_in_comes_first(tmp_path, monkeypatch):
    mine = make_checkout(tmp_path / "mine").parent
    (mine / "work" / "deep").mkdir(parents=True)
    monkeypatch.chdir(mine / "work" / "deep")
    assert places.course_folder() == mine
    with pytest.raises(FileNotFoundError, match=str(mine / "data" / "weights")):
        pretrained("laptop")


def test_an_installed_package_carries_the_course(installed):
    assert places.checkout() is None
    assert places.course_folder() == installed / "course"
    (installed / "course" / "chapters").rmdir()
    with pytest.raises(FileNotFoundError, match="Install posecourse again"):
        places.course_folder()


@pytest.mark.parametrize("project", ["", "[project", "[project]\nname = 'thesis'\n"])
def test_a_folder_with_chapters_is_no_checkout(installed, project):
    """A thesis has chapters, too."""
    Path("chapters", "source").mkdir(parents=True)
    Path("pyproject.toml").write_text(project, "utf-8")
    assert places.course_folder() == installed / "course"


def test_chapters_are_made_in_a_checkout_only(installed, capsys):
    assert main(["chapters", "build", "3"]) == 2
    assert "in a checkout" in capsys.readouterr().err
    assert main(["chapters", "list"]) == 0
    assert capsys.readouterr().out.count("planned") == len(chapters.CHAPTERS) + 1


# ------------------------------------------------------ the learner's copies


def test_where_copies_go(installed, tmp_path, monkeypatch):
    here = Path.cwd()
    assert places.work_folder() == here / "posecourse-work"
    # started again inside: the same folder, not one in it
    (here / "mine" / "figures").mkdir(parents=True)
    (here / "mine" / places.COPIES_RECORD).touch()
    monkeypatch.chdir(here / "mine" / "figures")
    assert places.work_folder() == here / "mine"
    # in a checkout beside the chapters, unless it is read-only
    checkout = make_checkout(tmp_path / "checkout").parent
    monkeypatch.chdir(checkout / "chapters")
    assert places.work_folder() == checkout / "work"
    monkeypatch.setattr(os, "access", lambda path, mode: False)
    assert places.work_folder() == checkout / "chapters" / "posecourse-work"


# --------------------------------------------------------------- the cache


def test_where_the_cache_is(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("POSECOURSE_DATA", "kept")
    assert places.cache_folder() == tmp_path / "kept"
    monkeypatch.setenv("POSECOURSE_DATA", "~/kept")
    assert places.cache_folder() == Path.home() / "kept"
    monkeypatch.setenv("POSECOURSE_DATA", "")
    found = places.cache_folder()
    assert "posecourse" in str(found) and found.is_absolute()
    assert tmp_path not in found.parents


@pytest.mark.parametrize("option", [["--data-dir", "kept"], ["--data-dir=kept"]])
def test_an_option_moves_the_cache(option, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("POSECOURSE_DATA", "elsewhere")
    assert main(["chapters", *option, "list"]) == 0
    assert places.cache_folder() == tmp_path / "kept"
    assert "Heatmaps" in capsys.readouterr().out
    assert main(["chapters", "list", "--data-dir"]) == 2
    assert "--data-dir needs a folder" in capsys.readouterr().err


def test_a_cache_that_cannot_be_written_to(tmp_path, monkeypatch):
    (tmp_path / "file").touch()
    monkeypatch.setenv("POSECOURSE_DATA", str(tmp_path / "file"))
    with pytest.raises(OSError, match="--data-dir"):
        open_crops("synthetic", "valid", (32, 32), 2)
    # what is there already is read
    monkeypatch.setenv("POSECOURSE_DATA", str(tmp_path / "kept"))
    store = open_crops("synthetic", "valid", (32, 32), 2)
    monkeypatch.setattr(os, "access", lambda path, mode: False)
    assert len(open_crops("synthetic", "valid", (32, 32), 2)) == len(store)


def test_nothing_is_kept_in_the_current_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    open_crops("synthetic", "valid", (32, 32), 2)
    assert not list(tmp_path.iterdir())


def test_other_people_are_kept_apart(tmp_path, monkeypatch):
    """One name, one length; then even the same labels, on other pictures."""
    monkeypatch.setenv("POSECOURSE_DATA", str(tmp_path / "kept"))
    people = [SyntheticPeople(3, seed=seed, size=64) for seed in (0, 1)]
    for name, which in (("a", 0), ("b", 1), ("c", 0)):
        write_as_mpii(people[which], tmp_path / name / "people", "valid")
    for picture in (tmp_path / "c" / "people" / "images").iterdir():
        other = tmp_path / "b" / "people" / "images" / picture.name
        picture.write_bytes(other.read_bytes())
    sets = [open_dataset(tmp_path / name / "people", "valid") for name in "abc"]
    assert {(s.name, len(s)) for s in sets} == {(sets[0].name, 3)}
    crops = [open_crops(s, "valid", (32, 32)).crops for s in sets]
    assert (crops[0] != crops[1]).any() and (crops[0] != crops[2]).any()
    assert (open_crops(sets[0], "valid", (32, 32)).crops == crops[0]).all()
