"""The stick itself: packages, the course, and a program that installs them."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterable
from pathlib import Path

import posecourse

from ...files import (
    atomic_path,
    disk_errors,
    format_bytes,
    locked,
    read_json,
    remove,
    sha256,
    write_json,
)
from ..chapters import Chapter
from ..release import write_wheel
from .wheelhouse import PLATFORMS, KitError, Target, Wheel, fetch, resolve

__all__ = ["write_kit"]

# What stands beside this module and goes onto the stick as it is, but for the
# names between @ signs.
_SCRIPTS = ("install.py", "install.sh", "install.bat", "README.txt")

_RECORD = "kit.json"
_SUMS = "SHA256SUMS"  # written last: a kit without it is not finished


def write_kit(
    course: Path,
    out: Path,
    targets: Iterable[Target],
    cuda: bool = False,
    index: str | None = None,
    slides: Iterable[Chapter] = (),
    add: Iterable[Path] = (),
    dry_run: bool = False,
) -> Path:
    """Fill a folder with all that an installation without a network needs.

    Run again, it goes on where it stopped, brings the course up to date, and
    adds the targets to those that are there already.

    Parameters
    ----------
    course:
        The folder with ``chapters/`` and ``data/``.
    out:
        A new or empty folder, or a kit.
    targets:
        The machines in the room.
    cuda, index:
        See `resolve`.
    slides:
        Chapters to show, as pages that need no network.
    add:
        Files and folders to lay into ``more/``: installers of Python, the
        course's site, a data set.
    dry_run:
        Say how large it would be, and fetch nothing.

    Raises
    ------
    KitError
        If `out` holds something else, or there are no packages that fit.
    DownloadError
        If something cannot be fetched; what has come is kept.
    """
    add = [path.resolve() for path in add]
    for path in add:
        if out.resolve().is_relative_to(path):
            raise KitError(
                f"{path} holds the kit itself; name what is to lie beside it"
            )
    before = _record(out)
    targets = sorted({*targets, *before})
    with tempfile.TemporaryDirectory() as temporary:
        own = write_wheel(course, Path(temporary))
        wheels = {t: _wheels(own, t, cuda, index) for t in targets}
        unique = {wheel.name: wheel for some in wheels.values() for wheel in some}
        size = format_bytes(sum(wheel.size for wheel in unique.values()))
        print(f"altogether {len(unique)} files, {size}", flush=True)
        if dry_run:
            return out
        with disk_errors(out):
            (out / "wheels").mkdir(parents=True, exist_ok=True)
        with locked(out):
            remove(out / _SUMS)
            write_json(out / _RECORD, _content(wheels))
            fetch(unique.values(), out / "wheels")
            for name in {n for names in before.values() for n in names} - set(unique):
                remove(out / "wheels" / name)  # of an earlier edition
            _lay_beside(course, out, slides, add)
            _write_scripts(out, targets)
            _write_sums(out)
    return out


def _record(out: Path) -> dict[Target, list[str]]:
    """The wheels of the kit in this folder; KitError if it holds something else."""
    path = out / _RECORD
    if not path.is_file():
        if out.is_dir() and any(not p.name.startswith(".") for p in out.iterdir()):
            raise KitError(
                f"{out} is not empty and holds no kit; choose another folder, or a "
                "new one in it"
            )
        return {}
    try:
        found = {
            Target(str(target["platform"]), str(target["python"])): [
                str(wheel["name"]) for wheel in target["wheels"]
            ]
            for target in read_json(path)["targets"]
        }
    except (KeyError, TypeError):
        found = {}
    names = [name for names in found.values() for name in names]
    known = all(target.platform in PLATFORMS for target in found)
    if not found or not known or any(Path(name).name != name for name in names):
        raise KitError(f"{path} is damaged; choose another folder")
    return found


def _content(wheels: dict[Target, list[Wheel]]) -> dict:
    """What ``install.py`` reads."""
    return {
        "version": posecourse.__version__,
        "targets": [
            {
                "platform": target.platform,
                "python": target.python,
                "wheels": [
                    {"name": w.name, "size": w.size, "sha256": w.sha256} for w in some
                ],
            }
            for target, some in wheels.items()
        ],
    }


def _wheels(own: Path, target: Target, cuda: bool, index) -> list[Wheel]:
    course = Wheel(own.as_uri(), sha256(own), own.stat().st_size)
    found = [course, *resolve(own, target, cuda, index)]
    size = format_bytes(sum(wheel.size for wheel in found))
    print(f"{target}: {len(found)} packages, {size}", flush=True)
    return found


def _lay_beside(course: Path, out: Path, slides, add) -> None:
    for chapter in slides:
        from ..slides import write_slides

        page = out / "slides" / f"{chapter.name}.html"
        print(write_slides(chapter, course / "chapters", page), flush=True)
    for path in add:
        place = out / "more" / path.name
        with atomic_path(place) as part:
            if path.is_dir():
                shutil.copytree(path, part)
                remove(place)  # a folder is not replaced in one step
            else:
                shutil.copyfile(path, part)
        print(place, flush=True)


def _write_scripts(out: Path, targets: list[Target]) -> None:
    newest_first = sorted(
        {target.python for target in targets},
        key=lambda version: [int(part) for part in version.split(".")],
        reverse=True,
    )
    values = {
        "@version@": posecourse.__version__,
        "@pythons@": " ".join(newest_first),
        "@targets@": "\n".join(f"  {target}" for target in targets),
    }
    for name in _SCRIPTS:
        text = Path(__file__).with_name(name).read_text("utf-8")
        for mark, value in values.items():
            text = text.replace(mark, value)
        with atomic_path(out / name) as part:
            # cmd.exe and Notepad want Windows' ends of lines
            windows = name.endswith((".bat", ".txt"))
            part.write_text(text, "utf-8", newline="\r\n" if windows else "\n")


def _write_sums(out: Path) -> None:
    paths = sorted(path for path in out.rglob("*") if path.is_file())
    lines = [
        f"{sha256(path)}  {path.relative_to(out).as_posix()}\n"
        for path in paths
        if not path.name.startswith(".") and path.name != _SUMS
    ]
    with atomic_path(out / _SUMS) as part:
        part.write_text("".join(lines), "utf-8", newline="\n")
