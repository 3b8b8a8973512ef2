"""``posecourse doctor``: what is installed, what is missing, what to do.

Everything is looked at in the Python that runs this, which is what
matters: most troubles of installation are two Pythons taken for one.
"""

from __future__ import annotations

import importlib
import json
import os
import platform
import re
import shutil
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from importlib import metadata
from pathlib import Path

__all__ = ["Finding", "examine", "main"]

# Where a distribution's name is not that of its module.
_MODULES = {"opencv-python": "cv2"}

# What an import may fail with, and the way out.
_REMEDIES = (
    (
        r"libGL|libgthread|libglib|libxcb",
        "OpenCV misses a library of the system: install libgl1 and "
        "libglib2.0-0, or replace opencv-python by opencv-python-headless",
    ),
    (
        r"torchvision::|libtorch|undefined symbol|_ZN\w*(at|c10)",
        "torch and torchvision do not belong together: install both again in "
        "one command, from one index (python -m pip install --force-reinstall "
        "torch torchvision)",
    ),
    (
        r"numpy\.core|_ARRAY_API|numpy.* (1|2)\.x",
        "built for another NumPy: python -m pip install --upgrade --force-"
        "reinstall {name}",
    ),
    (
        r"DLL load failed",
        "install the Microsoft Visual C++ Redistributable (x64), then open a "
        "new terminal",
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


def examine() -> Iterator[Finding]:
    """Look at everything, one thing after the other."""
    yield _python()
    for name, wanted, needed in _requirements():
        yield _package(name, wanted, needed)
    yield from _torch_devices()
    yield _machine()
    yield _disk()
    yield _writable()
    yield from _course()


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
        "--json", action="store_true", help="print JSON, to send to somebody who helps"
    )
    args = parser.parse_args(argv)
    found = []
    for finding in examine():  # imports take a while: print as it goes
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
    return bool(missing)


def _python() -> Finding:
    version, place = platform.python_version(), sys.executable
    wanted = ""
    try:
        wanted = metadata.metadata("posecourse").get("Requires-Python", "")
        own = f"posecourse {metadata.version('posecourse')}"
    except metadata.PackageNotFoundError:
        return Finding(
            "missing",
            "posecourse",
            f"not installed in {place}",
            "in the course's folder: python -m pip install -e .",
        )
    if not _within(version, wanted):
        return Finding(
            "missing", "Python", f"{version} at {place}", f"install Python {wanted}"
        )
    return Finding("ok", "Python", f"{version} at {place}, {own}")


def _requirements() -> list[tuple[str, str, bool]]:
    """``(name, range, needed)`` of what the installed package asks for."""
    try:
        lines = metadata.requires("posecourse") or []
    except metadata.PackageNotFoundError:
        return []
    found = []
    for line in lines:
        text, _, marker = line.partition(";")
        name, ranges = re.match(r"\s*([\w.-]+)\s*(.*)", text).groups()
        found.append((name, ranges.strip(" ()"), "extra" not in marker))
    return found


def _package(name: str, wanted: str, needed: bool) -> Finding:
    """Whether a package is there, in range, and can be imported."""
    bad = "missing" if needed else "note"
    install = f'python -m pip install "{name}{wanted}"'
    version = None
    try:
        version = metadata.version(name)
    except metadata.PackageNotFoundError:
        if not needed:
            return Finding(
                "note", name, "not installed (only for the course's own tests)", install
            )
    if needed:
        module = _MODULES.get(name, name.replace("-", "_"))
        try:
            library = importlib.import_module(module)
        except ModuleNotFoundError as error:
            if version is None and error.name == module:
                return Finding(bad, name, "not installed", install)
            return Finding(
                bad,
                name,
                f"cannot be imported: {error}",
                _remedy(str(error), name) or f"{install} --force-reinstall",
            )
        except Exception as error:  # broken binaries raise many kinds
            text = (str(error).strip() or type(error).__name__).splitlines()
            return Finding(
                bad,
                name,
                "installed, but cannot be imported: " + text[0],
                _remedy(str(error), name) or f"{install} --force-reinstall",
            )
        # opencv-python-headless has the module under another name
        version = version or getattr(library, "__version__", "unknown")
    if not _within(version, wanted):
        return Finding(bad, name, f"{version}, needed is {wanted}", install)
    return Finding("ok", name, version)


def _remedy(text: str, name: str) -> str:
    for pattern, advice in _REMEDIES:
        if re.search(pattern, text):
            return advice.format(name=name)
    return ""


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
                "update the driver"
                if built
                else "choose a CUDA build at "
                "pytorch.org/get-started and install torch and torchvision "
                "together",
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
        with tempfile.NamedTemporaryFile(dir=Path.cwd()):
            pass
    except OSError as error:
        return Finding(
            "missing",
            "folder",
            f"{Path.cwd()} cannot be written to ({error.strerror})",
            "change to a folder of your own",
        )
    return Finding("ok", "folder", f"{Path.cwd()} can be written to")


def _course() -> list[Finding]:
    """The notebooks, the weights and the data sets that are here."""
    from ..authoring import chapters

    try:
        folder = chapters.folder()
    except FileNotFoundError as error:
        return [
            Finding("note", "chapters", str(error), "run this in the course's folder")
        ]
    there = [c for c in chapters.CHAPTERS if c.notebook(folder).is_file()]
    found = [
        Finding("ok", "chapters", f"{len(there)} in {folder}")
        if there
        else Finding("note", "chapters", f"none in {folder}")
    ]
    data = folder.parent / "data"
    sets = sorted(
        p.name
        for p in data.glob("*")
        if p.is_dir() and p.name not in ("prepared", "samples", "weights")
    )
    found.append(
        Finding("ok", "data", ", ".join(sets))
        if sets
        else Finding(
            "note",
            "data",
            "no real pictures; all chapters run on drawn people",
            "for MPII: posecourse data fetch --help",
        )
    )
    return found
