"""Installs the course from this folder, without a network.

Needs nothing but Python. Nothing outside of the folder that it installs into is
changed, and nothing is written here: many may use one stick at once.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
PLATFORMS = {"win32": "win", "darwin": "mac", "linux": "linux"}
WINDOWS = sys.platform == "win32"
UNPACKED = 2.2  # times the size of the packages, which are packed; 1.9 measured


def main(argv=None) -> int:
    """Install; returns the exit status."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument(
        "folder",
        nargs="?",
        type=Path,
        default=Path.home() / "posecourse",
        help="where to install (default: %(default)s)",
    )
    parser.add_argument(
        "--can", action="store_true", help="only say whether this Python can"
    )
    args = parser.parse_args(argv)
    target = my_target()
    if args.can:
        return 0
    try:
        return install(target, args.folder.expanduser().absolute())
    except OSError as error:
        raise SystemExit(f"it does not go on: {error}") from None


def my_target() -> dict:
    """What the kit has for this Python."""
    if not (HERE / "SHA256SUMS").is_file():
        raise SystemExit(
            f"the kit in {HERE} is not finished: whoever made it runs posecourse kit "
            "once more, and copies all of it"
        )
    kit = json.loads((HERE / "kit.json").read_text("utf-8"))
    platform = PLATFORMS.get(sys.platform, sys.platform)
    python = f"{sys.version_info[0]}.{sys.version_info[1]}"
    for target in kit["targets"]:
        if (target["platform"], target["python"]) == (platform, python):
            return target
    there = "; ".join(f"{t['platform']}, Python {t['python']}" for t in kit["targets"])
    raise SystemExit(
        f"this is Python {python} on {platform}, and the kit is for: {there}. Install "
        "one of these (is its installer in the folder more?), or ask for a kit for yours"
    )


def install(target: dict, folder: Path) -> int:
    """Make an environment in a folder and install all into it."""
    if folder == HERE or HERE in folder.parents:
        raise SystemExit("choose a folder on your own disk, not in the kit")
    print("1 of 4: is everything here?", flush=True)
    look_for(target["wheels"], folder)
    print(f"2 of 4: a place for it, {folder}", flush=True)
    python = environment(folder)
    print("3 of 4: the packages; this takes a few minutes", flush=True)
    install_packages(python, target["wheels"])
    start = write_start(folder)
    print("4 of 4: does it work? A chapter is run", flush=True)
    command = [python, "-m", "posecourse", "doctor", "--chapter", "3"]
    status = subprocess.run([str(word) for word in command], cwd=str(folder)).returncode
    print(
        "\nThe course is installed"
        + (", but not all is well: see the lines with ->." if status else ".")
        + f" To start it:\n\n  {start}\n"
    )
    return status


def look_for(wheels: list, folder: Path) -> None:
    """Stop if a part of the kit or the room for it is missing."""
    for wheel in wheels:
        path = HERE / "wheels" / wheel["name"]
        if not path.is_file() or path.stat().st_size != wheel["size"]:
            raise SystemExit(f"{path} is missing or cut: copy the kit again, all of it")
    folder.mkdir(parents=True, exist_ok=True)
    need = UNPACKED * sum(wheel["size"] for wheel in wheels)
    free = shutil.disk_usage(str(folder)).free
    if free < need:
        raise SystemExit(
            f"{need / 1e9:.1f} GB are needed in {folder}, {free / 1e9:.1f} GB are free: "
            "make room, or name a folder on another disk after the command"
        )


def environment(folder: Path) -> Path:
    """Make an environment of its own, without pip, which not every Python can."""
    import venv

    place = folder / ".venv"
    python = place / ("Scripts/python.exe" if WINDOWS else "bin/python")
    if not python.exists():
        venv.EnvBuilder(with_pip=False, symlinks=not WINDOWS).create(str(place))
    return python


def install_packages(python: Path, wheels: list) -> None:
    """Exactly the files that were meant, each checked by its SHA-256."""
    (pip,) = [w["name"] for w in wheels if w["name"].startswith("pip-")]
    (own,) = [w["name"] for w in wheels if w["name"].startswith("posecourse-")]
    command = [
        *[str(python), str(HERE / "wheels" / pip / "pip"), "--isolated", "install"],
        *["--disable-pip-version-check", "--no-warn-script-location", "--quiet"],
        *["--no-deps", "--no-index", "--find-links", str(HERE / "wheels")],
    ]
    handle, name = tempfile.mkstemp(suffix=".txt")
    with open(handle, "w", encoding="utf-8") as file:
        for wheel in wheels:
            project, version = wheel["name"].split("-")[:2]
            file.write(f"{project}=={version} --hash=sha256:{wheel['sha256']}\n")
    # whatever this machine tells pip: another index, versions it may not have
    quiet = {**os.environ, "PIP_CONFIG_FILE": os.devnull}
    try:
        done = subprocess.run(
            [*command, "--require-hashes", "-r", name], env=quiet
        ).returncode
        if not done:  # the course may have changed without its version
            again = [*command, "--force-reinstall", str(HERE / "wheels" / own)]
            done = subprocess.run(again, env=quiet).returncode
    finally:
        os.remove(name)
    if done:
        raise SystemExit(
            "the packages were not installed, see above. Does it speak of hashes or of "
            "a bad file? Then copy the kit again, all of it"
        )


def write_start(folder: Path) -> Path:
    """A file to click: the course without arguments, any command with them."""
    if WINDOWS:
        path, lines = (
            folder / "posecourse.bat",
            [
                "@echo off",
                'cd /d "%~dp0"',
                'if not "%~1"=="" goto command',
                r".venv\Scripts\python.exe -m posecourse lab",
                "goto end",
                ":command",
                r".venv\Scripts\python.exe -m posecourse %*",
                ":end",
                "if errorlevel 1 pause",
            ],
        )
    else:
        name = "posecourse.command" if sys.platform == "darwin" else "posecourse"
        path, lines = (
            folder / name,
            [
                "#!/bin/sh",
                'cd "$(dirname "$0")" || exit',
                '[ "$#" = 0 ] && set -- lab',
                'exec .venv/bin/python -m posecourse "$@"',
            ],
        )
    with open(path, "w", encoding="utf-8", newline="\r\n" if WINDOWS else "\n") as file:
        file.write("\n".join(lines) + "\n")
    path.chmod(0o755)
    return path


if __name__ == "__main__":
    raise SystemExit(main())
