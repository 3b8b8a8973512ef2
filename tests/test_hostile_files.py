"""No command shows a traceback, whatever it is given.

It ends with status 1 or 2, and says in a sentence which file is not right.
"""

import os
import tempfile

import pytest
import torch
from hostile import House

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
