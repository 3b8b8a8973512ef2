"""What a submission can reach: little.

Everywhere it gets a process, a folder and a home of its own, which are thrown
away, and limits on time and output. Linux and macOS add limits on open files,
file sizes and (Linux) memory. Linux adds namespaces, where it allows them: no
network, no other processes, all files read-only, and those of the other
submissions and of the teacher's home out of sight. `describe` says what there
is.

Limits and namespaces are set by the process itself, before it runs anything of
the submission's, and cannot be taken back.
"""

from __future__ import annotations

import ctypes
import os
import shutil
import signal
import subprocess
import sys
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path

__all__ = ["Limits", "Shell", "describe", "limit_memory", "namespaces", "shut_in"]


@dataclass(frozen=True)
class Limits:
    """What a submission may use.

    Attributes
    ----------
    seconds:
        For each exercise: the time that its own code runs.
    megabytes:
        Of memory, beyond what the chapter's own setup takes.
    disk_megabytes:
        In its folder, and for each file.
    files:
        Open at a time.
    """

    seconds: float = 30.0
    megabytes: int = 2000
    disk_megabytes: int = 100
    files: int = 128


# The start of a command that runs in namespaces of its own, and ends with
# everything that it started when it is killed.
_NAMESPACES = [
    *["setpriv", "--pdeathsig", "KILL"],
    *["unshare", "--user", "--map-root-user", "--mount", "--net", "--ipc", "--pid"],
    *["--fork", "--kill-child"],
]
_TRY = "import sys; sys.path[:] = {path!r}\nfrom {module} import shut_in\nshut_in(*{args!r})"


def namespaces() -> str:
    """Why there are no namespaces here; "" if there are."""
    if sys.platform != "linux":
        return "this system has none"
    for command in ("unshare", "setpriv"):
        if shutil.which(command) is None:
            return f"the command {command} (package util-linux) is missing"
    import tempfile

    with tempfile.TemporaryDirectory(prefix="posecourse-") as home:
        code = _TRY.format(
            path=absolute_path(), module=__name__, args=(home, asdict(Limits()), [home])
        )
        try:
            tried = subprocess.run(
                [*_NAMESPACES, sys.executable, "-I", "-c", code],
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                timeout=120,
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            return str(error)
    if tried.returncode:
        said = tried.stderr.strip().splitlines() or ["no reason was given"]
        return f"the system does not allow them ({said[-1]:.200})"
    return ""


def describe(missing: str) -> str:
    """In a sentence, how submissions are shut in.

    Parameters
    ----------
    missing:
        What `namespaces` says.
    """
    if not missing:
        return (
            "Each submission ran in a process of its own: limited time, memory, "
            "output and disk, no network, all files read-only, those of others "
            "out of sight."
        )
    what = "time and output" if sys.platform == "win32" else "time, memory and output"
    return (
        f"Each submission ran in a process of its own with limited {what}, but NOT "
        f"cut off from the network and from your files: {missing}. Grade in a "
        "container or an account made for it."
    )


def absolute_path() -> list[str]:
    """Where modules are found, for a process in another folder."""
    return [os.path.abspath(p) for p in sys.path if p and os.path.isdir(p)] + [
        p for p in sys.path if p.endswith(".zip")
    ]


@dataclass
class Shell:
    """How the process of a submission is started.

    Attributes
    ----------
    isolated:
        Whether in namespaces.
    hidden:
        Folders that it must not see.
    """

    isolated: bool
    hidden: list[str] = field(default_factory=list)

    def start(self, code: str, home: Path) -> subprocess.Popen:
        """Start Python on a piece of code, with pipes to it."""
        command = [sys.executable, "-I", "-c", code]
        return subprocess.Popen(
            [*_NAMESPACES, *command] if self.isolated else command,
            cwd=home,
            env=_environment(home),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
        )


def _environment(home: Path) -> dict[str, str]:
    """Nothing of the teacher's own: no keys, no folders."""
    kept = ("PATH", "LANG", "LC_ALL", "SYSTEMROOT", "LD_LIBRARY_PATH")
    return {name: os.environ[name] for name in kept if name in os.environ} | {
        **dict.fromkeys(("HOME", "USERPROFILE", "TMPDIR", "TEMP", "TMP"), str(home)),
        "POSECOURSE_DATA": str(home / "cache"),
        "MPLCONFIGDIR": str(home / "matplotlib"),
        "MPLBACKEND": "agg",
        "OMP_NUM_THREADS": "1",
        "OPENBLAS_NUM_THREADS": "1",
        "MKL_NUM_THREADS": "1",
        "CUDA_VISIBLE_DEVICES": "",
        "PYTHONHASHSEED": "0",
    }


# ------------------------------------------------- inside the new process


def shut_in(home: str, limits: dict, hidden: list[str], isolated: bool = True) -> None:
    """Give up, for good, what a submission does not need.

    Raises
    ------
    OSError
        If the namespaces are not as they should be.
    """
    if sys.platform == "linux":  # not to outlive who asked for this
        _libc().prctl(_DEATH_SIGNAL, signal.SIGKILL, 0, 0, 0)
    if isolated:
        _read_only(home, limits["disk_megabytes"], hidden)
        _drop_capabilities()
        os.chdir(home)
    if sys.platform == "win32":
        return
    import resource

    size = limits["disk_megabytes"] * 2**20
    if isolated:  # elsewhere all that its user runs would count
        resource.setrlimit(resource.RLIMIT_NPROC, (_PROCESSES, _PROCESSES))
    for which, most in (
        (resource.RLIMIT_FSIZE, size),
        (resource.RLIMIT_NOFILE, limits["files"]),
        (resource.RLIMIT_CORE, 0),
    ):
        with suppress(OSError, ValueError):  # a limit that is lower already
            resource.setrlimit(which, (most, most))


def limit_memory(megabytes: int) -> None:
    """Allow so much memory beyond what is in use now; on Linux only."""
    if sys.platform != "linux":
        return
    import resource

    status = Path("/proc/self/status").read_text()
    now = int(status.split("VmData:")[1].split()[0]) * 1024
    most = now + megabytes * 2**20
    resource.setrlimit(resource.RLIMIT_DATA, (most, most))


_RDONLY, _NOSUID, _NODEV, _NOEXEC, _BIND = 1, 2, 4, 8, 4096
_MOUNT_SETATTR, _AT_FDCWD, _AT_RECURSIVE = 442, -100, 0x8000


def _libc():
    return ctypes.CDLL(None, use_errno=True)


def _mount(kind: str, place: str, flags: int, options: str = "") -> None:
    bound = bool(flags & _BIND)
    done = _libc().mount(
        kind.encode(),
        os.fsencode(place),
        None if bound else kind.encode(),
        flags,
        None if bound else options.encode(),
    )
    if done:
        number = ctypes.get_errno()
        raise OSError(number, f"mount: {os.strerror(number)}", place)


def _read_only(home: str, megabytes: int, hidden: list[str]) -> None:
    """All files read-only, some covered by an empty folder, the home new."""
    needed = [*absolute_path(), sys.prefix, sys.base_prefix, sys.executable]
    needed = [os.path.realpath(p) for p in needed]
    needed += [os.path.abspath(sys.executable), os.path.abspath(sys.prefix)]
    covered = [
        place
        for folder in dict.fromkeys([*_private_folders(), *hidden])
        for place in _cover(os.path.realpath(folder), [*needed, home], hidden)
    ]
    # struct mount_attr: what to set, to clear, propagation, user namespace
    attributes = (ctypes.c_uint64 * 4)(_RDONLY, 0, 0, 0)
    done = _libc().syscall(
        _MOUNT_SETATTR,
        _AT_FDCWD,
        b"/",
        _AT_RECURSIVE,
        ctypes.byref(attributes),
        ctypes.sizeof(attributes),
    )
    if done:
        number = ctypes.get_errno()
        raise OSError(number, f"mount_setattr: {os.strerror(number)}")
    safe = _NOSUID | _NODEV
    for place in covered:
        with suppress(FileNotFoundError):  # deleted, or in one that is covered
            if os.path.isdir(place):
                _mount("tmpfs", place, safe | _RDONLY, "size=4k,mode=755")
            else:
                _mount("/dev/null", place, _BIND)
    _mount("tmpfs", home, safe, f"size={megabytes}m,mode=700")
    _mount("proc", "/proc", safe | _NOEXEC)


def _private_folders() -> list[str]:
    """What is the teacher's, not the system's."""
    own = os.environ.get("POSECOURSE_GRADER_HOME", "")
    return [
        p
        for p in (own, "/root", "/home", "/tmp", "/var/tmp", "/dev/shm", "/run", "/mnt")
        if p and os.path.isdir(p)
    ]


def _cover(folder: str, needed: list[str], hidden: list[str]) -> list[str]:
    """What to cover so that of `folder` only what is needed is seen.

    What is in a needed folder is needed, too, unless it is to be hidden.
    """
    if os.path.islink(folder) or not os.path.exists(folder):
        return []
    asked = any(os.path.commonpath([folder, p]) == p for p in hidden)
    if not asked and any(os.path.commonpath([folder, p]) == p for p in needed):
        return []
    if not any(os.path.commonpath([folder, p]) == folder for p in needed):
        return [folder] if os.path.isdir(folder) or os.path.isfile(folder) else []
    try:
        inner = [entry.path for entry in os.scandir(folder)]
    except OSError:
        return []
    return [place for entry in inner for place in _cover(entry, needed, hidden)]


_PROCESSES = 512  # and threads, of which libraries start one for each core
_DEATH_SIGNAL, _NO_NEW_PRIVILEGES, _DROP_BOUNDING, _CAPABILITY_VERSION = (
    1,
    38,
    24,
    0x20080522,
)


def _drop_capabilities() -> None:
    """What could undo the mounts."""
    libc = _libc()
    if libc.prctl(_NO_NEW_PRIVILEGES, 1, 0, 0, 0):
        raise OSError(ctypes.get_errno(), "prctl: new privileges")
    for number in range(64):
        libc.prctl(_DROP_BOUNDING, number, 0, 0, 0)  # fails beyond the last
    head = (ctypes.c_uint32 * 2)(_CAPABILITY_VERSION, 0)
    none = (ctypes.c_uint32 * 6)()
    if libc.capset(ctypes.byref(head), ctypes.byref(none)):
        raise OSError(ctypes.get_errno(), "capset")
