"""Files are read, written and shared so that nothing is lost or half done."""

import errno
import json
import os
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import pytest

from posecourse import files
from posecourse.files import (
    DiskFullError,
    FileError,
    InUseError,
    WriteError,
    Written,
    atomic_path,
    locked,
    new_folder,
    read_bytes,
    read_json,
    stays_inside,
    write_csv,
    write_json,
)

POSIX = pytest.mark.skipif(os.name == "nt", reason="only POSIX systems have this")


def names(folder):
    return sorted(p.name for p in folder.iterdir())


@pytest.fixture
def unprivileged():
    """A folder that others may read; root is nobody while the test runs."""
    if os.name == "nt":
        pytest.skip("permissions of POSIX systems")
    with tempfile.TemporaryDirectory() as folder:
        os.chmod(folder, 0o777)
        root = os.geteuid() == 0
        if root:
            os.seteuid(65534)
        yield Path(folder)
        if root:
            os.seteuid(0)


# --- reading --------------------------------------------------------------


@pytest.mark.parametrize(
    "encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32"]
)
def test_json_in_every_encoding_that_json_has(tmp_path, encoding):
    path = tmp_path / "a.json"
    path.write_bytes('{"名": [1, 2.5, null]}'.encode(encoding))
    assert read_json(path) == {"名": [1, 2.5, None]}


@pytest.mark.parametrize(
    "data, message",
    [
        (b"", "is empty"),
        (b" \n\0\0", "is empty"),
        (b"\xef\xbb\xbf", "is not JSON|is empty"),
        (b'{"a": [1, 2', "breaks off in line 1"),
        (b'[\n{"a": "b', "breaks off in line 2"),
        (b'{"a": 1,\n "b": 2,, "c": 3}', "line 2, column 9: .*near.*2,, "),
        (b'{"a": 1} x', "line 1, column 10"),
        ("{'ä': 1}".encode("latin-1"), "byte 2 is not text in utf-8; save it as UTF-8"),
        (b"PK\x03\x04 ...", "a zip archive; unpack it"),
        (b"\x1f\x8b ...", "gzip; unpack it"),
        (b"\x89HDF\r\n\x1a\n", "HDF5"),
        (b"\n<!DOCTYPE html><html>", "web page"),
        (b"[" * 100_000 + b"]" * 100_000, "nested too deeply"),
        (b'{"a":' * 100_000, "nested too deeply"),
    ],
)
def test_what_is_wrong_with_json_is_said(tmp_path, data, message):
    path = tmp_path / "people.json"
    path.write_bytes(data)
    with pytest.raises(FileError, match=message) as error:
        read_json(path, "annotation file")
    assert str(path) in str(error.value)


@pytest.mark.parametrize("digits", [400, 5000])
def test_whole_numbers_beyond_floats_are_infinite(tmp_path, digits):
    """So the check of the record finds them; the rest of the file is read."""
    path = tmp_path / "a.json"
    path.write_text(f"[{'9' * digits}, -{'9' * digits}, {2**64}, 1e999]")
    assert read_json(path) == [np.inf, -np.inf, 2**64, np.inf]


def test_absent_file_and_link_to_nothing(tmp_path):
    with pytest.raises(FileNotFoundError, match="no result file .*a.json"):
        read_json(tmp_path / "a.json", "result file")
    (tmp_path / "file").touch()
    with pytest.raises(FileNotFoundError, match="no file .*below"):
        read_bytes(tmp_path / "file" / "below")
    (tmp_path / "link").symlink_to("nowhere")
    with pytest.raises(FileNotFoundError, match="a link to nowhere, which is absent"):
        read_bytes(tmp_path / "link")


@POSIX
def test_what_is_no_ordinary_file_is_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "circle").symlink_to("circle")
    (tmp_path / "zeros").symlink_to("/dev/zero")
    for path, message in (
        (tmp_path, "is a folder, not a file"),
        (tmp_path / "pipe", "is a pipe, not a file"),
        (tmp_path / "zeros", "is a device, not a file"),
        (tmp_path / "circle", "leads in a circle"),
        (tmp_path / ("a" * 300), "longer than this disk allows"),
        (f"{tmp_path}/a\0b", "cannot be a file's name"),
    ):
        with pytest.raises(FileError, match=message):
            read_bytes(path)


def test_unreadable_file(unprivileged):
    path = unprivileged / "secret.json"
    path.write_text("{}")
    path.chmod(0)
    with pytest.raises(FileError, match="secret.json cannot be read: you have no perm"):
        read_json(path)


@POSIX
def test_name_that_is_not_utf8(tmp_path):
    path = tmp_path / os.fsdecode(b"caf\xe9.json")
    write_json(path, {"name": path.name})
    assert read_json(path) == {"name": path.name}
    assert b"caf\\udce9" in read_bytes(path)


def test_too_large_a_file(tmp_path):
    path = tmp_path / "a"
    path.write_bytes(bytes(1001))
    with pytest.raises(FileError, match="1,001 bytes, more than the 1,000"):
        read_bytes(path, "picture", limit=1000)
    assert read_bytes(path, limit=1001) == bytes(1001)


# --- writing files --------------------------------------------------------


def test_atomic_path_keeps_the_old_file_on_error(tmp_path):
    path = tmp_path / "deep" / "a.npz"
    with atomic_path(path) as temporary:
        np.savez(temporary, x=1)
        assert temporary.parent == path.parent and not path.exists()
    with pytest.raises(RuntimeError):
        with atomic_path(path) as temporary:
            temporary.write_bytes(b"half")
            raise RuntimeError
    assert np.load(path)["x"] == 1 and names(path.parent) == ["a.npz"]


def test_atomic_path_makes_folders_too(tmp_path):
    with atomic_path(tmp_path / "folder") as temporary:
        temporary.mkdir()
        (temporary / "a").touch()
    assert names(tmp_path / "folder") == ["a"]
    with pytest.raises(KeyError):
        with atomic_path(tmp_path / "other") as temporary:
            temporary.mkdir()
            raise KeyError
    assert names(tmp_path) == ["folder"]


def test_disk_full_is_said_plainly(tmp_path):
    with pytest.raises(DiskFullError, match="disk is full.*a.txt"):
        with atomic_path(tmp_path / "a.txt") as temporary:
            temporary.write_text("half")
            raise OSError(errno.ENOSPC, "No space left on device")
    assert names(tmp_path) == []
    with pytest.raises(PermissionError):  # other errors stay themselves
        with atomic_path(tmp_path / "a.txt"):
            raise PermissionError(errno.EACCES, "no")


def test_write_json(tmp_path):
    path = tmp_path / "a.json"
    write_json(
        path,
        {
            "x": np.float32(0.5),
            "y": np.arange(2),
            "nan": [float("nan"), np.inf],
            "名": path,
        },
    )
    assert json.loads(path.read_text(encoding="utf-8")) == {
        "x": 0.5,
        "y": [0, 1],
        "nan": [None, None],
        "名": str(path),
    }


def test_write_csv(tmp_path):
    """The name is that of a file that is not UTF-8: readable, and no error."""
    rows = [["caf\udce9.jpg", np.float32(0.5)], ["名", float("nan")], [None, 2]]
    path = write_csv(tmp_path / "a.csv", ["name", "score"], rows)
    assert path.read_bytes().decode("utf-8") == (
        "name,score\ncaf\\udce9.jpg,0.5\n名,\n,2\n"
    )


@pytest.mark.parametrize(
    "name", ["/a", "../a", "b/../../a", "b\\..\\..\\a", "C:\\a", "C:a", "\\\\host\\a"]
)
def test_names_that_lead_elsewhere(name):
    assert not stays_inside(name)
    for inner in ("a.jpg", "b/a..jpg", "b\\a.jpg", "..a", "名/a"):
        assert stays_inside(inner)


def test_format_bytes():
    assert [files.format_bytes(n) for n in (12, 12_500_000, 12.9e9, 2e15)] == [
        "12 bytes",
        "12.5 MB",
        "12.9 GB",
        "2000.0 TB",
    ]


def test_writing_through_a_link_keeps_the_link(tmp_path):
    (tmp_path / "elsewhere").mkdir()
    target, link = tmp_path / "elsewhere" / "real.json", tmp_path / "a.json"
    target.write_text("old")
    link.symlink_to(target)
    write_json(link, 1)
    assert link.is_symlink() and target.read_text() == "1\n"
    assert names(tmp_path / "elsewhere") == ["real.json"]


@POSIX
def test_a_device_is_not_replaced(tmp_path):
    """As root, renaming onto /dev/null would break the machine."""
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "null").symlink_to("/dev/null")
    for name, kind in (("pipe", "pipe"), ("null", "device")):
        with pytest.raises(WriteError, match=f"{name} is a {kind}, not a file that"):
            write_json(tmp_path / name, 1)
    assert names(tmp_path) == ["null", "pipe"]


def test_where_nothing_can_be_written_is_said(unprivileged):
    locked_up = unprivileged / "course"
    locked_up.mkdir()
    (locked_up / "old.json").write_text("old")
    locked_up.chmod(0o555)
    for path in (locked_up / "old.json", locked_up / "data" / "a.json"):
        with pytest.raises(WriteError) as error:
            write_json(path, 1)
        assert str(error.value) == (
            f"{path} cannot be written: you have no permission to write in "
            f"{locked_up}; choose another folder"
        )
    assert names(locked_up) == ["old.json"]
    for maker in (lambda p: locked(p).__enter__(), lambda p: new_folder(p / "run")):
        with pytest.raises(WriteError, match="no permission to write in"):
            maker(locked_up)
    locked_up.chmod(0o755)


def test_a_copy_of_a_read_only_file_can_be_written(unprivileged):
    with atomic_path(unprivileged / "a") as temporary:
        temporary.write_text("from a read-only course")
        temporary.chmod(0o444)
    assert names(unprivileged) == ["a"]


def test_names_in_the_way(tmp_path):
    (tmp_path / "file").touch()
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "mine").touch()
    for path, message in (
        (tmp_path / "file" / "a.json", "file is a file, not a folder"),
        (tmp_path / "file" / "b" / "a.json", "file is a file, not a folder"),
        (tmp_path / "full", "a folder of that name is there"),
        (tmp_path / ("a" * 300), "longer than this disk allows; shorten it"),
    ):
        with pytest.raises(WriteError, match=message):
            write_json(path, 1)
    assert names(tmp_path) == ["file", "full"] and names(tmp_path / "full") == ["mine"]


def test_longest_names_can_be_written(tmp_path):
    path = tmp_path / ("人" * 80 + ".json")  # 245 bytes of 255
    write_json(path, 1)
    assert read_json(path) == 1


def test_errors_about_other_files_stay_what_they_are(tmp_path):
    with pytest.raises(FileNotFoundError, match="absent.jpg"):
        with atomic_path(tmp_path / "out" / "a.npz"):
            Path("absent.jpg").read_bytes()


def test_a_full_disk_that_a_library_tells_in_its_own_words(tmp_path, monkeypatch):
    """PyTorch, safetensors and NumPy do not raise OSError with a number."""
    for words in (
        RuntimeError("PytorchStreamWriter failed writing file data/0"),
        OSError("1000 requested and 0 written"),
    ):
        with pytest.raises(type(words)):  # there is room: another reason
            with atomic_path(tmp_path / "a.pt"):
                raise words
        with monkeypatch.context() as context:
            context.setattr(files, "_is_full", lambda path: True)
            with pytest.raises(DiskFullError, match="the disk is full .*a.pt"):
                with atomic_path(tmp_path / "a.pt"):
                    raise words
    with pytest.raises(DiskFullError):
        with atomic_path(tmp_path / "a.pt"):
            raise RuntimeError("I/O error: No space left (os error 28)")


def run(code, **options):
    return subprocess.Popen(
        [sys.executable, "-c", code],
        stdout=subprocess.PIPE,
        text=True,
        cwd=Path(files.__file__).parents[1],
        **options,
    )


@POSIX
def test_a_file_larger_than_allowed(tmp_path):
    """A real limit of the system, in a process of its own."""
    code = f"""
import resource, signal, numpy, posecourse.files as files
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, 10_000))
for write in (lambda p: numpy.save(p, numpy.zeros(10_000)),
              lambda p: p.write_bytes(bytes(80_000))):
    try:
        with files.atomic_path({str(tmp_path / "a.npy")!r}) as temporary:
            write(temporary)
    except files.DiskFullError as error:
        print(error)
"""
    out = run(code).communicate(timeout=60)[0]
    assert out.count("the disk is full") == 2 and out.count("a.npy") == 2
    assert names(tmp_path) == []


@POSIX
def test_ctrl_c_leaves_nothing_behind(tmp_path):
    code = f"""
import time, posecourse.files as files
with files.atomic_path({str(tmp_path / "a.txt")!r}) as temporary:
    temporary.write_text("half")
    print("writing", flush=True)
    time.sleep(60)
"""
    process = run(code, stderr=subprocess.DEVNULL)
    process.stdout.readline()
    assert len(names(tmp_path)) == 1
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=60)
    assert names(tmp_path) == []


# --- sharing --------------------------------------------------------------


def test_a_lock_keeps_others_out_and_goes_with_its_process(tmp_path):
    code = f"""
import time, posecourse.files as files
with files.locked({str(tmp_path)!r}):
    print("mine", flush=True)
    time.sleep(60)
"""
    process = run(code)
    process.stdout.readline()
    message = rf"another process \({process.pid}\) is working in .*wait until"
    with pytest.raises(InUseError, match=message):
        with locked(tmp_path):
            pass
    process.kill()
    process.communicate()
    for _ in range(2):
        with locked(tmp_path):  # the file that was left behind does not count
            assert names(tmp_path) == [".lock"]
            with pytest.raises(InUseError, match=f"({os.getpid()})"):
                with locked(tmp_path):
                    pass
    assert names(tmp_path) == []


@pytest.mark.slow
def test_only_one_of_many_has_the_lock(tmp_path):
    """Also while its holder takes the file away."""
    code = f"""
import os, time, posecourse.files as files
start = time.time()
while time.time() - start < 0.7:
    try:
        with files.locked({str(tmp_path)!r}):
            os.mkdir({str(tmp_path / "alone")!r})
            os.rmdir({str(tmp_path / "alone")!r})
            print("x", end="")
    except files.InUseError:
        pass
"""
    processes = [run(code) for _ in range(3)]
    outputs = [p.communicate(timeout=60)[0] for p in processes]
    assert [p.returncode for p in processes] == [0, 0, 0]
    assert sum(map(len, outputs)) > 3 and names(tmp_path) == []


def test_new_folders(tmp_path):
    assert new_folder(tmp_path / "deep" / "run") == tmp_path / "deep" / "run"
    assert new_folder(tmp_path / "deep" / "run")  # still empty
    (tmp_path / "deep" / "run" / "README.txt").write_text("mine")
    with pytest.raises(FileError, match="run is not empty .*README.txt.*choose"):
        new_folder(tmp_path / "deep" / "run")
    (tmp_path / "file").touch()
    with pytest.raises(WriteError, match="file is a file, not a folder"):
        new_folder(tmp_path / "file")


def test_numbered_folders_belong_to_one(tmp_path):
    (tmp_path / "runs" / "laptop-2").mkdir(parents=True)
    found = [new_folder(tmp_path / "runs" / "laptop", numbered=True) for _ in range(3)]
    assert [f.name for f in found] == ["laptop-1", "laptop-3", "laptop-4"]


def test_files_that_are_not_ours_are_not_replaced(tmp_path):
    (tmp_path / "mine.png").write_text("mine")
    written = Written(tmp_path)
    with pytest.raises(FileError, match="mine.png is not replaced"):
        with written.path("mine.png") as temporary:
            temporary.write_text("theirs")
    for text in ("one", "two"):  # ours may be replaced, by the next run too
        with Written(tmp_path).path("sub/poses.json") as temporary:
            temporary.write_text(text)
    ours = tmp_path / "sub" / "poses.json"
    assert ours.read_text() == "two"
    assert Written(tmp_path).may_write("sub/poses.json")
    ours.write_text("corrected by hand")
    assert not Written(tmp_path).may_write("sub/poses.json")
    ours.unlink()
    assert Written(tmp_path).may_write("sub/poses.json")
    assert names(tmp_path) == [".written", "mine.png", "sub"]


def test_the_list_of_written_files_survives_kills_and_nonsense(tmp_path):
    written = Written(tmp_path)
    with written.path("a") as temporary:
        temporary.write_text("one")
    with pytest.raises(RuntimeError):
        with written.path("a") as temporary:
            temporary.write_text("two")
            written._add("a", files.sha256(temporary))  # and then a kill
            raise RuntimeError
    assert (tmp_path / "a").read_text() == "one"
    assert Written(tmp_path).may_write("a")
    with open(tmp_path / ".written", "ab") as file:
        file.write(b'\xff\n[]\n3\n["a", ')
    assert Written(tmp_path).may_write("a")
    (tmp_path / "link").symlink_to("nowhere")
    (tmp_path / "folder").mkdir()
    for name in ("link", "folder"):
        assert not Written(tmp_path).may_write(name)
