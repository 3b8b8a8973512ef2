"""What the tests share."""

import os
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="session")
def root() -> Path:
    """The checkout."""
    return ROOT


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Real photographs and annotations, where a developer has them."""
    folder = Path(os.environ.get("POSECOURSE_SHARED_DATA",
                                 ROOT.parent / "shared" / "data"))
    if not (folder / "mpii" / "annot" / "valid.json").exists():
        pytest.skip("real photographs and annotations are not here; set "
                    "POSECOURSE_SHARED_DATA to the folder that has them")
    return folder
