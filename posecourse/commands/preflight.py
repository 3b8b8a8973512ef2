"""What ``posecourse doctor --chapter`` adds: a chapter is really run.

In a copy, by the kernel that ``posecourse lab`` would start, and so that
nothing of it stays.
"""

from __future__ import annotations

import atexit
import tempfile
import time
import webbrowser
from pathlib import Path

__all__ = ["RehearsalError", "browser", "rehearse"]

_CELL_TIMEOUT = 300  # seconds


class RehearsalError(ValueError):
    """A chapter that does not run here.

    Attributes
    ----------
    advice:
        What to do about it.
    """

    def __init__(self, text: str, advice: str):
        super().__init__(text)
        self.advice = advice


def browser() -> str:
    """What would open the course; "" if Python knows of none."""
    try:
        return getattr(webbrowser.get(), "name", "") or "the system's"
    except webbrowser.Error:
        return ""


def rehearse(which) -> float:
    """Run a chapter as *Run All* does; returns the seconds it took.

    Raises
    ------
    RehearsalError
        If a cell fails, or none can be run.
    """
    from ..authoring.chapters import get_chapter
    from ..authoring.copies import copy_course
    from ..authoring.notebooks import read
    from ..places import course_folder

    chapter, course = get_chapter(which), course_folder()
    if not chapter.notebook(course / "chapters").is_file():
        raise FileNotFoundError(f"{chapter.name} is not in {course / 'chapters'}")
    # Windows keeps the folder while the kernel's last process still ends
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as temporary:
        copy_course(course, Path(temporary), only=chapter)
        start = time.perf_counter()
        _run(read(chapter.notebook(Path(temporary))), temporary)
        return time.perf_counter() - start


def _run(notebook, folder: str) -> None:
    from jupyter_client.manager import AsyncKernelManager
    from nbclient import NotebookClient
    from nbclient.exceptions import (
        CellExecutionError,
        CellTimeoutError,
        DeadKernelError,
    )

    from .lab_server import CourseKernels

    client = NotebookClient(
        notebook,
        km=AsyncKernelManager(kernel_spec_manager=CourseKernels()),
        timeout=_CELL_TIMEOUT,
        extra_arguments=["--log-level=ERROR"],
        resources={"metadata": {"path": folder}},
    )
    try:
        client.execute()
    except CellExecutionError as error:
        raise RehearsalError(
            f"a cell failed with {error.ename}: {error.evalue}"[:300],
            "mend what is MISSING above; if nothing is, send what posecourse doctor "
            "--json prints to whoever gave you the course",
        ) from None
    except CellTimeoutError:
        raise RehearsalError(
            f"a cell was not done after {_CELL_TIMEOUT} s",
            "close other programs, plug the machine in, and try again",
        ) from None
    except DeadKernelError:
        raise RehearsalError(
            "the kernel died",
            "most often there was too little memory: close other programs, and try "
            "again",
        ) from None
    except (OSError, RuntimeError) as error:  # it did not start, or never answered
        atexit.unregister(client._cleanup_kernel)  # done; it would fail then
        raise RehearsalError(
            f"no kernel could be talked to ({error})"[:300],
            "a firewall or a virus scanner may keep programs on this machine from "
            "talking to one another: allow Python that, and try again",
        ) from None
