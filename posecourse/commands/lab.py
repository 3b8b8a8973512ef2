"""``posecourse lab``: the course in JupyterLab."""

from __future__ import annotations

import hashlib
import json
import os
import posixpath
import re
import secrets
import shutil
import sys
import tempfile
from pathlib import Path
from urllib.parse import quote

from . import make_parser, whole

_RECORD = ".copied.json"


def main(argv) -> int:
    """Run the command; returns the exit status."""
    parser = make_parser(
        "lab",
        "Open the course in JupyterLab, at a chapter. You read and edit "
        "copies in the folder work/, made when they are missing and never "
        "written over once you changed them, so that updates of the course "
        "and your own work keep out of each other's way. The server "
        "listens on this machine only and asks for a token.",
        "posecourse lab 3",
    )
    parser.add_argument(
        "chapter", nargs="?", default="1", help="number or name (default: 1)"
    )
    parser.add_argument(
        "--source",
        action="store_true",
        help="open the originals in chapters/, not copies",
    )
    parser.add_argument(
        "--port",
        type=whole(1, 65435),  # a hundred more are tried
        default=8888,
        help="the first port to try (default: %(default)s)",
    )
    parser.add_argument(
        "--no-browser", action="store_true", help="print the address, open nothing"
    )
    args = parser.parse_args(argv)

    from ..authoring import chapters

    folder = chapters.folder()
    chapter = chapters.get_chapter(args.chapter)
    if not chapter.notebook(folder).is_file():
        there = [c.number for c in chapters.CHAPTERS if c.notebook(folder).is_file()]
        raise FileNotFoundError(
            f"chapter {chapter.number} ({chapter.name}) is not in {folder}; "
            + (
                f"there are {', '.join(map(str, there))}"
                if there
                else "there is none yet (authors: posecourse chapters build)"
            )
        )
    if not args.source:
        folder = copy_chapters(folder, folder.parent / "work")
    notebook = chapter.notebook(folder)
    browser = not args.no_browser and has_display()
    with own_kernel():
        return start_server(folder.parent, notebook, args.port, browser)


def copy_chapters(source: Path, target: Path) -> Path:
    """Copy notebooks, solutions and figures; leave what the reader changed.

    A copy that is still as it was made follows the original. One that was
    changed (running it is enough) stays, and if the original has moved on
    since, that is said. Returns `target`.
    """
    from ..files import atomic_path, write_json

    target.mkdir(parents=True, exist_ok=True)
    record = target / _RECORD
    try:
        made = json.loads(record.read_text("utf-8"))
    except (FileNotFoundError, ValueError):
        made = {}
    outdated = []
    for original in sorted(
        [*source.glob("[0-9]*.ipynb"), *source.glob("solutions/[0-9]*.ipynb")]
    ):
        name = original.relative_to(source).as_posix()
        copy, content = target / name, _led_home(original, source, target)
        new = _digest(content)
        if copy.exists():
            if made.get(name) == new:
                continue
            if _digest(copy.read_bytes()) not in (made.get(name), new):
                outdated.append(name)
                continue
        copy.parent.mkdir(exist_ok=True)
        with atomic_path(copy) as temporary:
            Path(temporary).write_bytes(content)
        made[name] = new
    write_json(record, made)
    if (source / "figures").is_dir():
        shutil.copytree(source / "figures", target / "figures", dirs_exist_ok=True)
    if outdated:
        print(
            "There are newer versions of "
            + ", ".join(outdated)
            + f".\nYour own, changed copies in {target} are kept; rename "
            "one to get the new version beside it.",
            file=sys.stderr,
        )
    return target


def _led_home(original: Path, source: Path, target: Path) -> bytes:
    """A notebook whose links to what is not copied lead to the originals."""
    from ..authoring.notebooks import relink

    copied = ("figures/", "solutions/")
    here = original.parent.relative_to(source)

    def lead(link: str) -> str:
        path = posixpath.normpath(posixpath.join(here.as_posix(), link))
        if path.startswith(copied) or re.match(r"\d\d_\w+\.ipynb", path):
            return link
        return posixpath.relpath(
            posixpath.join(source.as_posix(), path), (target / here).as_posix()
        )

    content = original.read_bytes()
    notebook = json.loads(content)
    changed = False
    for cell in notebook["cells"]:
        if cell["cell_type"] == "markdown":
            text = "".join(cell["source"])
            led = relink(text, lead)
            changed |= led != text
            cell["source"] = led.splitlines(keepends=True)
    if not changed:
        return content
    return (json.dumps(notebook, indent=1, ensure_ascii=False) + "\n").encode()


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def has_display() -> bool:
    """Whether a browser opened here would be seen by anybody."""
    if os.environ.get("SSH_CONNECTION"):
        return False
    if sys.platform in ("win32", "darwin"):
        return True
    return bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))


class own_kernel:
    """Make "Python 3" this very Python, whatever else is installed.

    A kernel of that name that some other environment left in the user's
    folder would win over ours, and the chapters would not find their
    packages. A folder named first in JUPYTER_PATH wins over all.
    """

    def __enter__(self):
        try:
            from ipykernel.kernelspec import write_kernel_spec
        except ImportError:
            raise ImportError(
                "ipykernel is missing; install it with python -m pip install ipykernel"
            ) from None
        self.before = os.environ.get("JUPYTER_PATH")
        self.folder = tempfile.TemporaryDirectory(prefix="posecourse-")
        write_kernel_spec(str(Path(self.folder.name, "kernels", "python3")))
        os.environ["JUPYTER_PATH"] = os.pathsep.join(
            filter(None, [self.folder.name, self.before])
        )
        return self

    def __exit__(self, *error):
        if self.before is None:
            os.environ.pop("JUPYTER_PATH", None)
        else:
            os.environ["JUPYTER_PATH"] = self.before
        self.folder.cleanup()


def start_server(root: Path, notebook: Path, port: int, browser: bool) -> int:
    """Run JupyterLab until it is stopped."""
    try:
        from jupyterlab.labapp import LabApp
    except ImportError:
        raise ImportError(
            "JupyterLab is missing; install it with python -m pip install jupyterlab"
        ) from None
    page = "/lab/tree/" + notebook.relative_to(root).as_posix()
    token = secrets.token_hex(24)
    options = [
        # given here, they win over the user's own configuration; the
        # token is drawn anew each time and in no process list
        f"--IdentityProvider.token={token}",
        "--ServerApp.ip=127.0.0.1",
        "--ServerApp.allow_remote_access=False",
        f"--ServerApp.port={port}",
        "--ServerApp.port_retries=50",
        f"--ServerApp.root_dir={root}",
        f"--LabApp.default_url={page}",
        f"--ServerApp.open_browser={browser}",
        "--Application.log_level=WARN",
    ]
    if hasattr(os, "geteuid") and os.geteuid() == 0:
        options.append("--allow-root")
    server = LabApp.initialize_server(argv=options)
    base = f"http://127.0.0.1:{server.port}{server.base_url.rstrip('/')}"
    print(
        f"The course is open at\n\n  {base}{quote(page)}?token={token}\n\n"
        "Keep this window open. Ctrl-C, pressed twice, stops the server.",
        flush=True,
    )
    server.start()
    return 0
