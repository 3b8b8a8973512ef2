"""A chapter as JupyterLab shows it, as pictures; and the JupyterLab it needs.

Authors look at their chapter this way without clicking through it, and the
browser test works on the same server.
"""

from __future__ import annotations

import json
import os
import secrets
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from contextlib import contextmanager
from pathlib import Path

__all__ = [
    "THEMES",
    "WIDTH",
    "BrowserError",
    "browser_page",
    "find_browser",
    "lab",
    "open_notebook",
    "own_environment",
    "preview",
]

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "chrome")
WIDTH, HEIGHT = 1000, 1600  # pixels of one picture
THEMES = {"light": "JupyterLab Light", "dark": "JupyterLab Dark"}
SETTINGS = {
    # the whole notebook stands in the page, also the cells out of sight
    "@jupyterlab/notebook-extension:tracker": {"windowingMode": "none"},
    "@jupyterlab/apputils-extension:notification": {
        "fetchNews": "false",
        "checkForUpdates": False,
    },
}


class BrowserError(ValueError):
    """There is no browser to look with."""


def find_browser() -> str:
    """The program of an installed Chromium or Chrome."""
    for name in BROWSERS:
        program = shutil.which(name)
        if program:
            return program
    raise BrowserError(
        f"no browser found; one of {', '.join(BROWSERS)} must be installed"
    )


def own_environment(own: Path, theme: str = "light") -> dict[str, str]:
    """Environment variables of a Jupyter that keeps to a folder of its own.

    It neither reads nor changes the settings of the user.

    Parameters
    ----------
    own:
        The folder.
    theme:
        ``"light"`` or ``"dark"``.
    """
    themes = {"@jupyterlab/apputils-extension:themes": {"theme": THEMES[theme]}}
    for plugin, values in (SETTINGS | themes).items():
        package, name = plugin.split(":")
        path = own / "settings" / package / f"{name}.jupyterlab-settings"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(values), "utf-8")
    return {
        **os.environ,
        "JUPYTER_CONFIG_DIR": str(own / "config"),
        "JUPYTER_CONFIG_PATH": "",
        "JUPYTER_DATA_DIR": str(own / "data"),
        "JUPYTER_RUNTIME_DIR": str(own / "runtime"),
        "JUPYTERLAB_SETTINGS_DIR": str(own / "settings"),
        "JUPYTERLAB_WORKSPACES_DIR": str(own / "workspaces"),
        "IPYTHONDIR": str(own / "ipython"),
    }


@contextmanager
def lab(folder: Path, timeout: float = 60, theme: str = "light"):
    """A JupyterLab of its own on a folder; yields ``url(path)``.

    It keeps away from the user's settings, listens on this machine only,
    and ends with the block.

    Raises
    ------
    TimeoutError
        If it does not answer in time; the message ends with its log.
    """
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    token = secrets.token_hex(16)
    with tempfile.TemporaryDirectory() as temporary:
        own = Path(temporary)
        environment = {**own_environment(own, theme), "JUPYTER_TOKEN": token}
        command = [
            sys.executable,
            "-m",
            "jupyterlab",
            "--no-browser",
            "--ip=127.0.0.1",
            f"--port={port}",
            "--ServerApp.port_retries=0",
            f"--notebook-dir={folder}",
            *(["--allow-root"] if _is_root() else []),
        ]
        with open(own / "log", "w+b") as log:
            server = subprocess.Popen(command, stdout=log, stderr=log, env=environment)
            try:
                _wait(server, port, token, timeout, own / "log")
                yield (
                    lambda path="": (
                        f"http://127.0.0.1:{port}/lab/tree/{path}?token={token}&reset"
                    )
                )
            finally:
                server.terminate()
                try:
                    server.wait(10)
                except subprocess.TimeoutExpired:
                    server.kill()
                    server.wait()


def _is_root() -> bool:
    return hasattr(os, "geteuid") and os.geteuid() == 0


def _wait(server, port, token, timeout, log):
    """Return when the server answers."""
    url = f"http://127.0.0.1:{port}/api/status?token={token}"
    end = time.monotonic() + timeout
    while time.monotonic() < end and server.poll() is None:
        try:
            urllib.request.urlopen(url, timeout=2).close()
            return
        except OSError:
            time.sleep(0.2)
    raise TimeoutError(
        "JupyterLab did not start:\n" + log.read_text("utf-8", "replace")[-2000:]
    )


@contextmanager
def browser_page(width=WIDTH, height=HEIGHT):
    """A page of a headless browser that talks to this machine only."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=find_browser(),
            args=[
                "--no-sandbox",
                "--disable-gpu",
                "--disable-dev-shm-usage",
                "--disable-background-networking",
                "--no-first-run",
                "--disable-component-update",
                "--disable-sync",
            ],
        )
        try:
            page = browser.new_page(viewport={"width": width, "height": height})
            page.route(
                "**/*",
                lambda route: (
                    route.continue_()
                    if "//127.0.0.1:" in route.request.url
                    or route.request.url.startswith(("data:", "blob:"))
                    else route.abort()
                ),
            )
            yield page
        finally:
            browser.close()


def open_notebook(page, url: str, timeout: float = 60) -> None:
    """Open a notebook in the page and wait until its cells stand there."""
    page.goto(url)
    page.wait_for_selector(".jp-Notebook .jp-Cell", timeout=timeout * 1000)
    page.wait_for_selector(
        "#jupyterlab-splash", state="detached", timeout=timeout * 1000
    )


def preview(
    notebook: Path, out: Path, theme: str = "light", width: int = WIDTH
) -> list[Path]:
    """Pictures of a stored notebook from top to bottom; returns the files.

    The notebook is shown as it is stored: nothing is run, and it is opened
    from a copy, so nothing is changed.

    Parameters
    ----------
    notebook, out:
        The file, and the folder for the pictures.
    theme:
        JupyterLab's, ``"light"`` or ``"dark"``.
    width:
        Of the browser's window, pixels.
    """
    if not notebook.exists():
        raise FileNotFoundError(
            f"{notebook} does not exist; first: posecourse chapters build "
            f"{notebook.name[:2]}"
        )
    out.mkdir(parents=True, exist_ok=True)
    solved = "_solutions" if notebook.parent.name == "solutions" else ""
    look = ("" if theme == "light" else f"_{theme}") + (
        "" if width == WIDTH else f"_{width}"
    )
    stem = notebook.stem + solved + look
    for old in out.glob(f"{stem}_[0-9][0-9].png"):
        old.unlink()
    chapters = notebook.parent.parent if solved else notebook.parent
    with tempfile.TemporaryDirectory() as temporary:
        copy = Path(temporary) / "chapters"
        shutil.copytree(
            chapters,
            copy,
            ignore=shutil.ignore_patterns(
                "source", ".ipynb_checkpoints", "__pycache__"
            ),
        )
        with lab(copy, theme=theme) as url, browser_page(width) as page:
            where = notebook.relative_to(chapters).as_posix()
            open_notebook(page, url(where))
            return _pictures(page, out, stem)


def _pictures(page, out, stem) -> list[Path]:
    """Scroll through the notebook, one picture per screenful."""
    # only the notebook: no side bars, no tabs, no kernel dialog
    page.wait_for_timeout(2500)
    page.keyboard.press("Control+b")
    page.wait_for_timeout(1500)  # formulas and pictures settle
    scroller = page.locator(".jp-WindowedPanel-outer").first
    files: list[Path] = []
    top = 0
    while True:
        reached = scroller.evaluate(
            "(e, top) => { e.scrollTop = top; return e.scrollTop; }", top
        )
        page.wait_for_timeout(250)
        files.append(out / f"{stem}_{len(files) + 1:02d}.png")
        scroller.screenshot(path=files[-1])
        size = scroller.evaluate("e => [e.clientHeight, e.scrollHeight]")
        if reached + size[0] >= size[1] - 2:
            return files
        top = reached + size[0] - 40
