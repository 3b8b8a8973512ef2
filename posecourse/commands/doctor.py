"""``posecourse doctor``: what is installed, what is missing, what to do.

Everything is looked at in the Python that runs this, which is what
matters: most troubles of installation are two Pythons taken for one.
"""

from __future__ import annotations

import importlib
import importlib.util
import json
import os
import platform
import re
import shutil
import sys
import tempfile
import tomllib
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import asdict, dataclass
from importlib import metadata
from pathlib import Path

from .. import places
from . import preflight

__all__ = ["Finding", "examine", "main"]

_PACKAGE = Path(places.__file__).resolve().parent

# The networks that chapters and commands ask for by name.
_NETWORKS = ("laptop", "photos", "posenet", "detector", "bottom_up", "crowd")

# What of data/ is the course's own, not a data set.
_OWN_DATA = {"prepared", "samples", "weights", "studies", "benchmarks"}

# Where a distribution's name is not that of its module.
_MODULES = {
    "opencv-python": "cv2",
    "scikit-image": "skimage",
    "scikit-learn": "sklearn",
}

# What an import may fail with, and the way out.
_REMEDIES = (
    (
        r"libGL|libgthread|libglib|libxcb",
        (
            "OpenCV misses a library of the system: install libgl1 and "
            "libglib2.0-0, or replace opencv-python by opencv-python-headless"
        ),
    ),
    (
        r"torchvision::|libtorch|undefined symbol|_ZN\w*(at|c10)",
        (
            "{pair} do not belong together; install both again in one command: "
            "{reinstall_pair}"
        ),
    ),
    (
        r"numpy\.core|_ARRAY_API|numpy.* (1|2)\.x",
        "built for another NumPy: {reinstall}",
    ),
    (
        r"DLL load failed",
        (
            "install the Microsoft Visual C++ Redistributable (x64), then open a "
            "new terminal"
        ),
    ),
)


@dataclass
class Finding:
    """One line of the report.

    Attributes
    ----------
    state:
        ``"ok"``, ``"note"`` (works, but know this) or ``"missing"``.
    what, found, advice:
        What was looked at, what it is like, and what to do.
    """

    state: str
    what: str
    found: str
    advice: str = ""

    def __str__(self) -> str:
        state = {"ok": "ok     ", "note": "note   ", "missing": "MISSING"}[self.state]
        text = f"{state}  {self.what}: {self.found}"
        return text + (f"\n         -> {self.advice}" if self.advice else "")


def examine(chapter=None) -> Iterator[Finding]:
    """Look at everything, one thing after the other.

    Parameters
    ----------
    chapter:
        Its number or name, to run it too.
    """
    yield _python()
    requirements = _requirements()
    for name, wanted, extra in requirements:
        if not extra:
            yield _package(name, wanted)
    yield from _extras(requirements)
    yield from _torch_devices()
    yield _machine()
    yield _disk()
    yield _writable()
    yield _cache()
    yield from _course()
    yield from _data()
    if chapter is not None:
        yield _browser()
        yield _rehearsal(chapter)


def main(argv=None) -> int:
    """Run the command; 1 if something needed is missing, else 0."""
    from . import make_parser

    parser = make_parser(
        "doctor",
        "Say what is installed, what is missing, and what to do "
        "about it. The exit status is 1 if something needed is missing.",
        "posecourse doctor",
    )
    parser.add_argument(
        "--json",
        action="store_true",
        help="print JSON, to send to someone who can help",
    )
    parser.add_argument(
        "--chapter",
        nargs="?",
        const="3",
        metavar="N",
        help="before a class: run this chapter too (default: 3), and end with a line "
        "for the teacher, without names or folders",
    )
    args = parser.parse_args(argv)
    if args.chapter is not None:
        from ..authoring.chapters import get_chapter

        get_chapter(args.chapter)  # a slip is said at once
    found = []
    for finding in examine(args.chapter):  # imports take a while: print as it goes
        found.append(finding)
        if not args.json:
            print(finding, flush=True)
    missing = [f for f in found if f.state == "missing"]
    if args.json:
        print(
            json.dumps(
                {"ok": not missing, "findings": [asdict(f) for f in found]}, indent=2
            )
        )
        return bool(missing)
    print(
        f"\n{len(missing)} of {len(found)} need something; see the lines with ->"
        if missing
        else "\nEverything needed is here. Next: posecourse lab"
    )
    if args.chapter is not None:
        print(f"\nFor your teacher, this line:\n{_line(found)}")
    return bool(missing)


def _line(found: list[Finding]) -> str:
    """All in a line, with neither names nor folders: it is sent to others."""
    by_name = {finding.what: finding for finding in found}
    missing = [finding.what for finding in found if finding.state == "missing"]
    free = re.match(r"[\d.]+ GB free", by_name["disk"].found)
    return "; ".join(
        [
            f"posecourse {_version('posecourse')}",
            f"NOT READY: {', '.join(missing)}" if missing else "ready",
            by_name["machine"].found,
            f"Python {platform.python_version()}",
            f"torch {_version('torch')}",
            free[0] if free else "disk unknown",
            "browser" if by_name["browser"].state == "ok" else "no browser",
            "chapter "
            + (
                by_name["a chapter"].found
                if by_name["a chapter"].state == "ok"
                else "did not run"
            ),
        ]
    )


def _project() -> dict | None:
    """What the checkout asks for in which this package lies, if it does.

    The record of an editable installation may be older than the checkout.
    """
    try:
        text = (_PACKAGE.parent / "pyproject.toml").read_text("utf-8")
        project = tomllib.loads(text)["project"]
        return project if project["name"] == "posecourse" else None
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _python() -> Finding:
    version, place = platform.python_version(), sys.executable
    try:
        own = metadata.version("posecourse")
        wanted = metadata.metadata("posecourse")["Requires-Python"] or ""
    except metadata.PackageNotFoundError:
        return Finding(
            "missing",
            "posecourse",
            f"not installed in {place}",
            f"in the course's folder: {_install('-e .')}",
        )
    project = _project()
    if project:
        own, wanted = project["version"], project["requires-python"]
    if not _within(version, wanted):
        return Finding(
            "missing", "Python", f"{version} at {place}", f"install Python {wanted}"
        )
    return Finding(
        "ok", "Python", f"{version} at {place}, posecourse {own} in {_PACKAGE}"
    )


def _requirements() -> list[tuple[str, str, str]]:
    """``(name, range, extra)`` of what the package asks for; the extra is
    empty for what is always needed."""
    project = _project()
    if project:
        lines = [(line, "") for line in project["dependencies"]]
        for extra, more in project.get("optional-dependencies", {}).items():
            lines += [(line, extra) for line in more]
    else:
        try:
            asked = metadata.requires("posecourse") or []
        except metadata.PackageNotFoundError:
            return []
        # an extra is for those who have the checkout
        lines = [(line, "") for line in asked if "extra ==" not in line]
    found = []
    for line, extra in lines:
        parts = re.match(r"\s*([\w.-]+)\s*([^;]*);?(.*)", line)
        if parts and _is_for_this_system(parts[3]):
            found.append((parts[1], parts[2].strip(" ()"), extra))
    return found


def _is_for_this_system(marker: str) -> bool:
    """Whether ``sys_platform == 'linux'``, or nothing, holds here."""
    try:
        from packaging.markers import Marker
    except ImportError:  # it is reported elsewhere
        return True
    return not marker.strip() or Marker(marker).evaluate()


def _package(name: str, wanted: str) -> Finding:
    """Whether a package is there, in range, and can be imported."""
    install = _install(f'"{name}{wanted}"')
    version = ""
    with suppress(metadata.PackageNotFoundError):
        version = metadata.version(name)
    module = _MODULES.get(name, name.replace("-", "_"))
    try:
        library = importlib.import_module(module)
    except ModuleNotFoundError as error:
        if not version and error.name == module:
            return Finding("missing", name, "not installed", install)
        return Finding(
            "missing",
            name,
            f"cannot be imported: {error}",
            _remedy(str(error), name) or _reinstall(name),
        )
    except Exception as error:  # broken binaries raise many kinds
        text = (str(error).strip() or type(error).__name__).splitlines()
        return Finding(
            "missing",
            name,
            "installed, but cannot be imported: " + text[0],
            _remedy(str(error), name) or _reinstall(name),
        )
    # opencv-python-headless has the module under another name
    version = version or str(getattr(library, "__version__", "unknown"))
    if not _within(version, wanted):
        return Finding("missing", name, f"{version}, needed is {wanted}", install)
    return Finding("ok", name, version)


def _extras(requirements) -> Iterator[Finding]:
    """One line for each extra: nobody needs one to read the course."""
    for extra in dict.fromkeys(extra for _, _, extra in requirements if extra):
        lacking = []
        for name, wanted, which in requirements:
            if which == extra:
                try:
                    fine = _within(metadata.version(name), wanted)
                except metadata.PackageNotFoundError:
                    fine = False
                lacking += [] if fine else [name]
        yield (
            Finding(
                "note",
                f"extra {extra}",
                f"without {', '.join(lacking)}; the course itself does not need it",
                f"in {_PACKAGE.parent}: " + _install(f'-e ".[{extra}]"'),
            )
            if lacking
            else Finding("ok", f"extra {extra}", "all of it")
        )


def _this_python() -> str:
    return f'"{sys.executable}"' if " " in sys.executable else sys.executable


def _install(what: str, *options: str) -> str:
    """The command that installs into this very Python."""
    python = _this_python()
    if importlib.util.find_spec("pip"):
        return " ".join([python, "-m pip install", *options, what])
    return " ".join(["uv pip install --python", python, *options, what])


def _reinstall(what: str, *options: str) -> str:
    again = "--force-reinstall" if importlib.util.find_spec("pip") else "--reinstall"
    return _install(what, again, *options)


def _remedy(text: str, name: str) -> str:
    for pattern, advice in _REMEDIES:
        if re.search(pattern, text):
            return advice.format(
                reinstall=_reinstall(name),
                pair=" and ".join(f"{n} {_version(n)}" for n in _PAIR),
                reinstall_pair=_reinstall_pair(),
            )
    return ""


_PAIR = ("torch", "torchvision")


def _version(name: str) -> str:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return "(not installed)"


def _reinstall_pair() -> str:
    """Both from one place: a build for the CPU fits only its like."""
    if any(_version(name).endswith("+cpu") for name in _PAIR):
        return _torch_for("cpu")
    return _reinstall(" ".join(_PAIR))


def _torch_for(backend: str) -> str:
    return (
        f"uv pip install --python {_this_python()} --reinstall --torch-backend "
        f"{backend} {' '.join(_PAIR)} (get uv with pip install uv)"
    )


def _within(version: str, wanted: str) -> bool:
    """Whether a version is in a range; yes where that cannot be told."""
    try:
        from packaging.specifiers import InvalidSpecifier, SpecifierSet
        from packaging.version import InvalidVersion
    except ImportError:
        return True
    try:
        return SpecifierSet(wanted).contains(version, prereleases=True)
    except (InvalidSpecifier, InvalidVersion):
        return True


def _torch_devices() -> list[Finding]:
    try:
        import torch
    except Exception:  # said above
        return []
    if torch.cuda.is_available():
        return [
            Finding(
                "ok",
                "GPU",
                ", ".join(
                    f"{p.name}, {p.total_memory / 2**30:.0f} GiB"
                    for p in map(
                        torch.cuda.get_device_properties,
                        range(torch.cuda.device_count()),
                    )
                ),
            )
        ]
    if torch.backends.mps.is_available():
        return [Finding("ok", "GPU", "Apple (mps)")]
    if shutil.which("nvidia-smi"):
        built = torch.version.cuda
        return [
            Finding(
                "note",
                "GPU",
                "there is an NVIDIA driver, but torch "
                + (
                    f"(built for CUDA {built}) cannot use it"
                    if built
                    else "was built without CUDA"
                ),
                "update the driver" if built else _torch_for("auto"),
            )
        ]
    return [
        Finding(
            "note",
            "GPU",
            "none; all chapters run without. Large networks on real data want one",
        )
    ]


def _machine() -> Finding:
    cores = (
        len(os.sched_getaffinity(0))
        if hasattr(os, "sched_getaffinity")
        else os.cpu_count()
    )
    memory = _memory()
    text = f"{platform.system()} {platform.machine()}, {cores} cores"
    if memory is None:
        return Finding("ok", "machine", text)
    text += f", {memory / 2**30:.1f} GiB of memory"
    if memory < 3.5 * 2**30:
        return Finding(
            "note",
            "machine",
            text,
            "the chapters want 4 GiB; close other programs, open one chapter at a time",
        )
    return Finding("ok", "machine", text)


def _memory() -> int | None:
    try:
        import psutil

        return psutil.virtual_memory().total
    except ImportError:
        pass
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, ValueError, OSError):
        return None


def _disk() -> Finding:
    free = shutil.disk_usage(Path.cwd()).free
    text = f"{free / 1e9:.1f} GB free in {Path.cwd()}"
    if free < 2e9:
        return Finding(
            "note",
            "disk",
            text,
            "make room: runs and prepared "
            "data want 2 GB; MPII's pictures want 13 GB more",
        )
    return Finding("ok", "disk", text)


def _writable() -> Finding:
    try:
        tempfile.TemporaryFile(dir=Path.cwd()).close()
    except OSError as error:
        return Finding(
            "missing",
            "folder",
            f"{Path.cwd()} cannot be written to ({error.strerror})",
            "change to a folder of your own",
        )
    return Finding("ok", "folder", f"{Path.cwd()} can be written to")


def _cache() -> Finding:
    """Where people that were cut out of data sets are kept."""
    try:
        folder = places.cache_folder()
    except ImportError:  # said above
        return Finding("note", "cache", "not known before platformdirs is here")
    nearest = folder
    while not nearest.exists() and nearest != nearest.parent:
        nearest = nearest.parent
    if not nearest.is_dir() or not os.access(nearest, os.W_OK):
        return Finding(
            "missing",
            "cache",
            f"prepared data cannot be kept in {folder}",
            f"name another folder with {places.CACHE_VARIABLE} or --data-dir",
        )
    size = _size(folder / "prepared")
    free = shutil.disk_usage(nearest).free
    return Finding(
        "ok",
        "cache",
        f"{size / 1e9:.1f} GB of prepared data in {folder}, {free / 1e9:.1f} GB free",
    )


def _size(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def _browser() -> Finding:
    name = preflight.browser()
    if name:
        return Finding("ok", "browser", name)
    return Finding(
        "note",
        "browser",
        "Python knows of none",
        "open the address that posecourse lab prints in one",
    )


def _rehearsal(chapter) -> Finding:
    try:
        seconds = preflight.rehearse(chapter)
    except preflight.RehearsalError as error:
        return Finding("missing", "a chapter", f"{chapter}: {error}", error.advice)
    except (ImportError, FileNotFoundError) as error:  # said above
        return Finding("missing", "a chapter", f"{chapter} cannot be run: {error}")
    return Finding("ok", "a chapter", f"{chapter} ran in {seconds:.0f} s")


def _course() -> Iterator[Finding]:
    """The notebooks and the networks, and where the learner's copies go."""
    try:
        folder = places.course_folder()
    except FileNotFoundError as error:
        again = _reinstall("posecourse")
        yield Finding("missing", "course", str(error), f"{again}, from its wheel")
        return
    own = folder in (_PACKAGE.parent, _PACKAGE / "course")
    yield Finding(
        "ok" if own else "note",
        "course",
        str(folder) if own else f"{folder}, while posecourse is that of {_PACKAGE}",
        ""
        if own
        else "they may be of different editions; install the one here: "
        f"{_install('-e .')}",
    )
    get_again = (
        f"in {folder}: git checkout -- chapters data"
        if (folder / ".git").exists()
        else "install the course again"
    )
    yield _chapters(folder / "chapters", get_again)
    yield _networks(folder / "data" / "weights", get_again)
    yield Finding(
        "ok", "copies", f"posecourse lab keeps them in {places.work_folder()}"
    )


def _chapters(folder: Path, get_again: str) -> Finding:
    from ..authoring.chapters import CHAPTERS

    there = [c for c in CHAPTERS if c.notebook(folder).is_file()]
    damaged = [c.name for c in there if not _is_notebook(c.notebook(folder))]
    if damaged or not there:
        found = f"damaged: {', '.join(damaged)}" if damaged else f"none in {folder}"
        return Finding("missing", "chapters", found, get_again)
    return Finding("ok", "chapters", f"{len(there)} of {len(CHAPTERS)}")


def _is_notebook(path: Path) -> bool:
    try:
        return isinstance(json.loads(path.read_text("utf-8"))["cells"], list)
    except (OSError, ValueError, TypeError, KeyError):
        return False


def _networks(folder: Path, get_again: str) -> Finding:
    files = {name: folder / name / "weights.safetensors" for name in _NETWORKS}
    missing = [name for name, file in files.items() if not file.is_file()]
    damaged = [name for name in files if name not in missing and _broken(files[name])]
    if missing or damaged:
        found = [f"not here: {', '.join(missing)}"] if missing else []
        found += [f"damaged: {', '.join(damaged)}"] if damaged else []
        return Finding(
            "missing", "networks", "; ".join(found) + f" (in {folder})", get_again
        )
    return Finding("ok", "networks", ", ".join(files))


def _broken(file: Path) -> bool:
    try:
        from safetensors import SafetensorError, safe_open

        try:
            with safe_open(file, "numpy") as tensors:
                return not tensors.keys()
        except (SafetensorError, OSError):
            return True
    except ImportError:  # of it or of NumPy, which is said above
        return False


def _data() -> Iterator[Finding]:
    """Data sets here and in the checkout, and what is left of old times."""
    roots = {Path.cwd() / "data", (places.checkout() or Path.cwd()) / "data"}
    folders = sorted(f.resolve() for f in roots if f.is_dir())
    sets = [
        str(path)
        for folder in dict.fromkeys(folders)
        for path in sorted(folder.iterdir())
        if path.is_dir() and path.name not in _OWN_DATA
    ]
    yield (
        Finding("ok", "data", ", ".join(sets))
        if sets
        else Finding(
            "note",
            "data",
            "no real pictures; all chapters run on drawn people",
            "for MPII: posecourse data fetch --help",
        )
    )
    for folder in dict.fromkeys(folders):
        old = folder / "prepared"
        if old.is_dir():
            yield Finding(
                "note",
                "data",
                f"{old} ({_size(old) / 1e9:.1f} GB) is of an earlier edition; "
                "prepared data is now kept in the cache",
                "delete it",
            )
