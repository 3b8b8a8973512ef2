"""What the tests share."""

import importlib.util
import os
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]

# As the command line says it. FFmpeg listens once in a process, when the first
# video is opened: in a fixture it would depend on which tests went before.
os.environ.setdefault("OPENCV_FFMPEG_LOGLEVEL", "-8")
# Several processes with several threads each wait for one another: small networks
# were eight times as slow. Notebooks' kernels inherit it.
if "PYTEST_XDIST_WORKER" in os.environ:
    workers = int(os.environ["PYTEST_XDIST_WORKER_COUNT"])
    threads = max(1, (os.cpu_count() or 1) // workers)
    os.environ.setdefault("OMP_NUM_THREADS", str(threads))

# Fixtures that build a chapter, train, or run a study: whoever asks is slow.
COSTLY = {"built", "done", "trained"}


def pytest_collection_modifyitems(items):
    """Notebooks and a browser take long: ``-m "not slow"`` leaves them out.

    Files with them come first, so that no core waits for them at the end.
    """
    first = set()
    for item in items:
        if COSTLY.intersection(getattr(item, "fixturenames", ())):
            item.add_marker("slow")
        if item.path.suffix == ".ipynb" or item.get_closest_marker("browser"):
            item.add_marker("slow")
            first.add(item.path)
    items.sort(key=lambda item: item.path not in first)


@pytest.fixture(scope="session", autouse=True)
def own_cache(tmp_path_factory):
    """What the tests prepare stays with the tests."""
    patch = pytest.MonkeyPatch()
    patch.setenv("POSECOURSE_DATA", str(tmp_path_factory.mktemp("cache")))
    yield
    patch.undo()


@pytest.fixture(scope="module", autouse=True)
def networks_of_one_file():
    """What a test makes known by `models.register` is known in its file only."""
    from posecourse import models

    before = dict(models._NETWORKS)
    yield
    models._NETWORKS.clear()
    models._NETWORKS.update(before)


@pytest.fixture(scope="session")
def root() -> Path:
    """The checkout."""
    return ROOT


@pytest.fixture(scope="session")
def load_script(root):
    """A script of the course as a module, by its path in the checkout."""

    def load(path):
        spec = importlib.util.spec_from_file_location(Path(path).stem, root / path)
        module = importlib.util.module_from_spec(spec)
        with pytest.MonkeyPatch.context() as patch:
            patch.syspath_prepend((root / path).parent)  # it imports its neighbours
            spec.loader.exec_module(module)
        return module

    return load


@pytest.fixture(scope="session")
def study_page() -> str:
    """A page with a place, ``old``, for the table of a script."""
    marks = "<!-- {} writes this table -->", "<!-- its end -->"
    return "\n\n".join(["# A page", marks[0], "old", marks[1], "The rest.\n"])


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Real photographs and annotations, where a developer has them."""
    folder = Path(
        os.environ.get("POSECOURSE_SHARED_DATA", ROOT.parent / "shared" / "data")
    )
    if not (folder / "mpii" / "annot" / "valid.json").exists():
        pytest.skip(
            "real photographs and annotations are not here; set "
            "POSECOURSE_SHARED_DATA to the folder that has them"
        )
    return folder


@pytest.fixture(scope="module")
def one_thread():
    """Small networks would wait for each other's threads on a busy machine; and
    sums in another order, as more threads make them, differ in the last digit."""
    import torch

    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture
def same_every_time(one_thread):
    """One thread and one seed."""
    import torch

    torch.manual_seed(0)


@pytest.fixture
def displayed(monkeypatch):
    """What a notebook would be sent."""
    from IPython.core.interactiveshell import InteractiveShell
    from IPython.utils.capture import capture_output

    before = InteractiveShell._instance
    InteractiveShell.clear_instance()
    InteractiveShell.instance()
    with capture_output() as captured:
        yield captured
    InteractiveShell.clear_instance()
    InteractiveShell._instance = before
