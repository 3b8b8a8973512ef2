"""What a teacher hands out: a chapter without its solutions, and a package
that has none either."""

from __future__ import annotations

import base64
import hashlib
import json
import re
import subprocess
import tempfile
import tomllib
import zipfile
from importlib import metadata
from pathlib import Path

import posecourse

from ..files import FileError, atomic_path, new_folder, read_json
from .chapters import Chapter
from .copies import copy_course
from .homework import Sheet

__all__ = ["release", "write_wheel"]

_README = """# {title}

1. Install the course, if you have not yet{install}. `posecourse doctor` says
   whether all is well.
2. In this folder: `posecourse lab {short}`. Work in `{file}`; the cells
   that say `check(...)` tell you how far you are, and `hint(...)` helps.
3. Before you hand in: *Kernel > Restart Kernel and Run All Cells*, save, and
   `posecourse exercise check {short}`. {graded}
4. Hand in `{file}`, and nothing that another person wrote.
"""
_GRADED = "What it says is what will be graded."
_GRADED_HOMEWORK = """It tries the examples of
   the sheet; the grade comes from further cases and from what your teacher reads.
   The rubric at the end of the sheet says what counts."""


def release(
    chapter: Chapter,
    course: Path,
    out: Path,
    wheel: bool = False,
    section: int | None = None,
) -> Path:
    """Write the handout of a chapter or a homework: a folder, or a file that ends in ``.zip``.

    It has the learner's notebook without outputs, its pictures and the glossary,
    and works as a learner's folder: `posecourse lab` in it opens it.

    Parameters
    ----------
    course:
        The folder with ``chapters/`` and ``data/``.
    wheel:
        Put an installable package beside it that has no solutions, for
        those who have not installed the course.
    section:
        For those who were left behind: the exercises before this section are
        solved, and what stands before it has its outputs.

    Raises
    ------
    FileError
        If the folder has something in it already, or the zip exists.
    ValueError
        If the chapter has no such section.
    """
    if section is not None and isinstance(chapter, Sheet):
        raise ValueError("a homework is handed out whole; leave out the section")
    if section is not None:
        _section_cell(_notebook(chapter.notebook(course / "chapters")), section)
    if out.suffix.lower() != ".zip":
        _fill(chapter, course, new_folder(out), wheel, section)
        return out
    if out.exists():
        raise FileError(f"{out} exists already; choose another name")
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary, out.stem)
        folder.mkdir()
        _fill(chapter, course, folder, wheel, section)
        with (
            atomic_path(out) as part,
            zipfile.ZipFile(part, "w", zipfile.ZIP_DEFLATED) as file,
        ):
            for path in sorted(folder.rglob("*")):
                if path.is_file():
                    file.write(path, path.relative_to(folder.parent).as_posix())
    return out


def _fill(chapter: Chapter, course: Path, folder: Path, wheel: bool, section) -> None:
    copy_course(course, folder, only=chapter)
    if section is not None:
        _catch_up(chapter, course, chapter.notebook(folder), section)
    install = ""
    if wheel:
        name = write_wheel(course, folder).name
        install = (
            f": `python -m pip install {name}`\n   in this folder, in an environment "
            "of your own with Python 3.11 or newer"
        )
    text = _README.format(
        title=chapter.heading,
        file=chapter.notebook(Path()).as_posix(),
        short=chapter.short,
        graded=_GRADED_HOMEWORK if isinstance(chapter, Sheet) else _GRADED,
        install=install,
    )
    Path(folder, "README.md").write_text(text, "utf-8")


_START_HERE = (
    "**You start here.** Everything above is done. Select this cell, choose *Run > "
    "Run All Above Selected Cell*, and go on below."
)


def _catch_up(chapter: Chapter, course: Path, path: Path, section: int) -> None:
    """Solve a handed-out notebook up to a section."""
    notebook = _notebook(path)
    solved = _notebook(chapter.solutions(course / "chapters"))["cells"]
    by_id = {cell["id"]: cell for cell in solved if cell["cell_type"] == "code"}
    stop = _section_cell(notebook, section)
    for cell in notebook["cells"][:stop]:
        if cell["id"] in by_id:
            for key in ("source", "outputs", "execution_count"):
                cell[key] = by_id[cell["id"]][key]
    start = {"cell_type": "markdown", "id": "start-here", "metadata": {}}
    notebook["cells"].insert(stop, start | {"source": [_START_HERE]})
    text = json.dumps(notebook, indent=1, ensure_ascii=False) + "\n"
    with atomic_path(path) as temporary:
        Path(temporary).write_text(text, "utf-8")


def _notebook(path: Path) -> dict:
    return read_json(path, "notebook")


def _section_cell(notebook: dict, section: int) -> int:
    """Where a section begins."""
    sections = {
        int(number): i
        for i, cell in enumerate(notebook["cells"])
        if cell["cell_type"] == "markdown"
        for number in re.findall(r"^## (\d+)\. ", "".join(cell["source"]), re.M)
    }
    if section not in sections:
        raise ValueError(
            f"there is no section {section}; there are {min(sections)} to "
            f"{max(sections)}"
        )
    return sections[section]


# -------------------------------------------------------------- the package


def write_wheel(course: Path, folder: Path, whole: bool = False) -> Path:
    """Write the installed course as a wheel without solved notebooks.

    Parameters
    ----------
    whole:
        With solved notebooks and hidden tests, for a machine that grades.

    Raises
    ------
    FileError
        In a checkout without Git, which alone knows what belongs to the course.
    """
    version = posecourse.__version__
    start = f"posecourse-{version}.dist-info"
    path = Path(folder, f"posecourse-{version}-py3-none-any.whl")
    record = []
    with (
        atomic_path(path) as part,
        zipfile.ZipFile(part, "w", zipfile.ZIP_DEFLATED) as file,
    ):

        def add(name: str, content: bytes):
            file.writestr(name, content)
            digest = base64.urlsafe_b64encode(hashlib.sha256(content).digest())
            hashed = digest.decode().rstrip("=")
            record.append(f"{name},sha256={hashed},{len(content)}")

        for name, source in sorted(_package_files(course, whole).items()):
            add(name, source.read_bytes())
        add(f"{start}/METADATA", _metadata(course, version).encode())
        entry = "[console_scripts]\nposecourse = posecourse.cli:main\n"
        add(f"{start}/entry_points.txt", entry.encode())
        tag = "Wheel-Version: 1.0\nGenerator: posecourse\nRoot-Is-Purelib: true\n"
        add(f"{start}/WHEEL", (tag + "Tag: py3-none-any\n").encode())
        record.append(f"{start}/RECORD,,")
        file.writestr(f"{start}/RECORD", "\n".join(record) + "\n")
    return path


def _metadata(course: Path, version: str) -> str:
    """What the package needs. A checkout's own file says it: the record of an
    editable installation may be older."""
    path = course / "pyproject.toml"
    if not path.is_file():
        return metadata.distribution("posecourse").read_text("METADATA") or ""
    project = tomllib.loads(path.read_text("utf-8"))["project"]
    lines = [
        "Metadata-Version: 2.4",
        "Name: posecourse",
        f"Version: {version}",
        f"Summary: {project['description']}",
        f"License-Expression: {project['license']}",
        f"Requires-Python: {project['requires-python']}",
    ]
    lines += [f"Requires-Dist: {needed}" for needed in project["dependencies"]]
    for extra, more in project["optional-dependencies"].items():
        lines.append(f"Provides-Extra: {extra}")
        for needed in more:
            name, _, where = needed.partition(";")
            where = f"({where.strip()}) and " if where else ""
            lines.append(f"Requires-Dist: {name}; {where}extra == '{extra}'")
    return "\n".join(lines) + "\n"


def _package_files(course: Path, whole: bool) -> dict[str, Path]:
    """``{name in the wheel: file}`` of the code, the chapters and the data."""
    package = Path(posecourse.__file__).parent
    if course == package / "course":  # installed: all of it
        found = {
            path.relative_to(package.parent).as_posix(): path
            for path in package.rglob("*")
            if path.is_file() and path.suffix != ".pyc"
        }
    else:
        found = {
            name
            if name.startswith("posecourse/")
            else f"posecourse/course/{name}": path
            for name, path in _tracked(course)
        }
    return {n: p for n, p in found.items() if whole or not n.startswith(_LEFT_OUT)}


_LEFT_OUT = (
    "posecourse/exercises/hidden/",
    *(
        f"posecourse/course/{place}/"
        for place in (
            *("chapters/solutions", "chapters/source", "chapters/teaching"),
            *("chapters/homework/solutions", "chapters/homework/source"),
            "data/samples",
        )
    ),
)


def _tracked(course: Path):
    """The files of a checkout that belong to the course."""
    try:
        said = subprocess.run(
            ["git", "ls-files", "-z", "posecourse", "chapters", "data"],
            cwd=course,
            capture_output=True,
            check=True,
        )
    except (OSError, subprocess.CalledProcessError):
        raise FileError(
            f"{course} is a checkout without Git, which knows what belongs to the "
            "course; use an installed posecourse, or clone the repository"
        ) from None
    for name in said.stdout.decode().split("\0"):
        if name and (course / name).is_file():
            yield name, course / name
