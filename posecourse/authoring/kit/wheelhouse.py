"""Which packages another system needs, and fetching them.

pip judges conditions such as ``sys_platform == "win32"`` by the system that it
runs on; uv can judge them for another. It is asked what to fetch, from where
and with which checksum. The download goes on where it broke off, which pip's
does not.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
import tomllib
import urllib.parse
import urllib.request
from collections.abc import Iterable
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from ...datasets.download import RemoteFile, download
from ...files import (
    FileError,
    atomic_path,
    format_bytes,
    remove,
    require_space,
    sha256,
)

__all__ = ["PLATFORMS", "KitError", "Target", "Wheel", "fetch", "resolve"]

# What uv calls them. Older macOS than 14 would get an older PyTorch.
PLATFORMS = {
    "win": "x86_64-pc-windows-msvc",
    "mac": "aarch64-apple-darwin",
    "linux": "x86_64-manylinux_2_28",
}
_MACOS = "14.0"


class KitError(FileError):
    """A kit that cannot be made; says why and what to do."""


@dataclass(frozen=True, order=True)
class Target:
    """A kind of machine in the room.

    Attributes
    ----------
    platform:
        A key of `PLATFORMS`.
    python:
        ``"3.12"``.
    """

    platform: str
    python: str

    def __str__(self) -> str:
        return f"{self.platform}, Python {self.python}"


@dataclass(frozen=True)
class Wheel:
    """A file to fetch, or one of this machine (then `url` is ``file:...``)."""

    url: str
    sha256: str
    size: int

    @property
    def name(self) -> str:
        return RemoteFile(self.url, self.size).name


def resolve(
    course: Path, target: Target, cuda: bool = False, index: str | None = None
) -> list[Wheel]:
    """The packages that a machine needs besides the course, pip among them.

    Parameters
    ----------
    course:
        The course's own wheel.
    cuda:
        On Linux, PyTorch with CUDA (3 GB) and not the one for the CPU.
    index:
        The address of a package index, in the place of uv's.

    Raises
    ------
    KitError
        If uv is not here, or finds no packages that belong together.
    """
    backend = target.platform == "linux" and not cuda
    with tempfile.TemporaryDirectory() as temporary:
        wanted, lock = Path(temporary, "kit.in"), Path(temporary, "pylock.kit.toml")
        wanted.write_text(f"posecourse[deploy] @ {course.resolve().as_uri()}\npip\n")
        command = [
            *[*_uv(), "pip", "compile", "--quiet", "--no-header", "--no-annotate"],
            *["--python-platform", PLATFORMS[target.platform]],
            *["--python-version", target.python, "--only-binary", ":all:"],
            *["--python", sys.executable],  # do not look for one: nothing is built
            *(["--torch-backend", "cpu"] if backend else []),
            *(["--default-index", index] if index else []),
            *["--format", "pylock.toml", "--output-file", str(lock), str(wanted)],
        ]
        done = subprocess.run(
            command,
            env={**os.environ, "MACOSX_DEPLOYMENT_TARGET": _MACOS},
            capture_output=True,
            text=True,
            stdin=subprocess.DEVNULL,
        )
        if done.returncode:
            raise KitError(_why_not(target, done.stderr, backend))
        packages = tomllib.loads(lock.read_text("utf-8"))["packages"]
    return [_wheel(p) for p in packages if p["name"] != "posecourse"]


def _uv() -> list[str]:
    if os.environ.get("UV"):
        return [os.environ["UV"]]
    if find_spec("uv"):
        return [sys.executable, "-m", "uv"]
    found = shutil.which("uv")
    if not found:
        raise KitError(
            "uv is not here, which knows what another system needs; get it with "
            "python -m pip install uv"
        )
    return [found]


def _why_not(target: Target, said: str, backend: bool) -> str:
    lines = [re.sub(r"^[\s×╰─▶│├:]+", "", line) for line in said.splitlines()]
    reason = " ".join(line for line in lines if line)
    text = f"no packages for {target}: {reason or 'uv says nothing more'}"
    if re.search(r"error sending request|dns error|Failed to fetch", said):
        text += ". Is there a network? Run the same again then"
        if backend:
            text += (
                "; if only PyTorch's own site cannot be reached, --cuda takes the "
                "large packages from the index"
            )
    return text


def _wheel(package: dict) -> Wheel:
    """The first of those that fit: the one for this very version of Python."""
    files = package.get("wheels") or []
    for file in files:
        if "sha256" in file.get("hashes", {}):
            url = file.get("url") or Path(file["path"]).resolve().as_uri()
            size = file.get("size") or _size(url)
            return Wheel(url, file["hashes"]["sha256"], size)
    raise KitError(
        f"the index has no wheel with a SHA-256 of {package['name']} "
        f"{package.get('version', '')}; name another with --index"
    )


def _size(url: str) -> int:
    """Plain indexes do not say how large a file is; its server does."""
    request = urllib.request.Request(url, method="HEAD")
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:
            return int(answer.headers["Content-Length"])
    except (OSError, TypeError, ValueError) as error:
        raise KitError(f"{url} cannot be had: {error}; run the same again") from None


def fetch(wheels: Iterable[Wheel], folder: Path) -> int:
    """Fill a folder with wheels; what is there and whole stays.

    Returns
    -------
    How many bytes were fetched.

    Raises
    ------
    DownloadError
        If one cannot be had; what has come is kept for the next run.
    DiskFullError
        If there is no room for all of them.
    """
    missing = [wheel for wheel in wheels if not _is_whole(folder / wheel.name, wheel)]
    require_space(folder, sum(wheel.size for wheel in missing))
    for number, wheel in enumerate(missing, 1):
        print(
            f"{number} of {len(missing)}: {wheel.name} ({format_bytes(wheel.size)})",
            flush=True,
        )
        if wheel.url.startswith("file:"):
            _copy(wheel, folder / wheel.name)
        else:
            file = RemoteFile(wheel.url, wheel.size, wheel.sha256)
            download(file, folder, progress=sys.stderr.isatty())
    return sum(wheel.size for wheel in missing)


def _is_whole(path: Path, wheel: Wheel) -> bool:
    if not path.is_file():
        return False
    if sha256(path) == wheel.sha256:
        return True
    print(f"{path.name} is not the file that is meant; it is replaced")
    remove(path)
    return False


def _copy(wheel: Wheel, path: Path) -> None:
    source = Path(urllib.request.url2pathname(urllib.parse.urlsplit(wheel.url).path))
    with atomic_path(path) as part:
        shutil.copyfile(source, part)
        if sha256(part) != wheel.sha256:
            raise KitError(f"{source} is not the file that it was; run the same again")
