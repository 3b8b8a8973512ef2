"""Archives are unpacked whole or not at all, and nothing outside."""

import bz2
import gzip
import io
import lzma
import os
import stat
import tarfile
import tracemalloc
import zipfile

import numpy as np
import pytest
from pose_samples import make_zip

from posecourse import files
from posecourse.datasets import archives
from posecourse.datasets.archives import unpack
from posecourse.datasets.transfer import DownloadError

DATA = np.random.default_rng(0).bytes(3_000_000)
GOOD = [("images/a.jpg", b"one"), ("images/b/c.jpg", b"two"), ("readme.txt", b"three")]


def left_over(folder):
    return sorted(p.name for p in folder.iterdir())


def make_tar(*members, mode="w:gz") -> bytes:
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode=mode) as archive:
        for name, data in members:
            info = tarfile.TarInfo(name)
            if isinstance(data, bytes):
                info.size = len(data)
                archive.addfile(info, io.BytesIO(data))
            else:
                info.type, info.linkname = data
                archive.addfile(info)
    return stream.getvalue()


def unpacked(tmp_path, name, data):
    archive = tmp_path / name
    archive.write_bytes(data)
    return unpack(archive, tmp_path / "root")


@pytest.mark.parametrize(
    "name, make",
    [
        ("a.zip", make_zip),
        ("a.tar.gz", make_tar),
        ("a.tar.bz2", lambda *m: make_tar(*m, mode="w:bz2")),
        ("a.tar.xz", lambda *m: make_tar(*m, mode="w:xz")),
        ("a.tar", lambda *m: make_tar(*m, mode="w")),
        ("a.tgz", lambda *m: make_tar(*m, ("inner.zip", make_zip(*m)))),
    ],
)
def test_unpack(tmp_path, name, make):
    found = unpacked(tmp_path, name, make(*GOOD))
    root = tmp_path / "root"
    for member, data in GOOD:
        assert (root / member).read_bytes() == data
        assert found.files.pop(member) == len(data)
    assert set(left_over(root)) == {"images", "readme.txt", *found.files}
    assert found.kept == []


def zip_with_link() -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        info = zipfile.ZipInfo("link")
        info.external_attr = (stat.S_IFLNK | 0o777) << 16
        archive.writestr(info, "/etc/passwd")
    return stream.getvalue()


@pytest.mark.parametrize(
    "name, data, message",
    [
        ("a.zip", make_zip(*GOOD, ("../evil", b"x")), "points outside"),
        ("a.zip", make_zip(*GOOD, ("/evil", b"x")), "points outside"),
        ("a.zip", make_zip(*GOOD, ("a\\..\\..\\evil", b"x")), "points outside"),
        ("a.zip", make_zip(*GOOD, ("C:/evil", b"x")), "points outside"),
        ("a.zip", zip_with_link(), "link or device"),
        ("a.tar.gz", make_tar(*GOOD, ("../evil", b"x")), "points outside"),
        ("a.tar.gz", make_tar(*GOOD, ("/evil", b"x")), "points outside"),
        (
            "a.tar.gz",
            make_tar(*GOOD, ("l", (tarfile.SYMTYPE, "/etc"))),
            "link or device",
        ),
        (
            "a.tar.gz",
            make_tar(*GOOD, ("l", (tarfile.LNKTYPE, "../../x"))),
            "link or device",
        ),
        ("a.tar.gz", make_tar(*GOOD, ("d", (tarfile.CHRTYPE, ""))), "link or device"),
        ("a.tar.gz", make_tar(*GOOD, ("x", DATA))[:100_000], "is damaged"),
        ("a.zip", make_zip(*GOOD, ("x", DATA))[:100_000], "is damaged"),
        ("a.zip", b"<html>404</html>", "is damaged"),
    ],
)
def test_bad_archives_leave_nothing(tmp_path, name, data, message):
    with pytest.raises(DownloadError, match=message) as error:
        unpacked(tmp_path, name, data)
    assert name in str(error.value)
    assert left_over(tmp_path / "root") == []
    assert left_over(tmp_path) == [name, "root"]


def spoiled(data: bytes, at: int) -> bytes:
    return data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :]


MEMBERS = (*GOOD, ("x", DATA[:200_000]))
PLAIN = make_tar(*MEMBERS, mode="w")


@pytest.mark.parametrize("pack", [gzip.compress, bz2.compress, lzma.compress])
def test_damage_is_told_by_the_checksum_at_the_end(tmp_path, pack):
    """tarfile stops at the last member and never gets there."""
    packed = pack(PLAIN)
    for i, data in enumerate(
        [
            spoiled(packed, len(packed) // 2),
            spoiled(packed, len(packed) - 6),
            packed[:-1],
            packed[:-12],
        ]
    ):
        with pytest.raises(DownloadError, match=f"{i}.tar.packed is damaged"):
            unpacked(tmp_path, f"{i}.tar.packed", data)
        assert left_over(tmp_path / "root") == []


@pytest.mark.parametrize("pack", [bytes, gzip.compress])
@pytest.mark.parametrize("part", range(1, 12))
def test_tar_that_is_cut_between_members(tmp_path, pack, part):
    """As by a pipe that broke before it was packed."""
    whole = make_tar(*GOOD, ("a/empty", b""), ("b/empty", b""), mode="w")
    block = tarfile.BLOCKSIZE
    used = len(whole.rstrip(b"\0")) // block + 1
    if part * block >= used * block:
        assert unpacked(tmp_path, "a.tar", pack(whole)).files
        return
    with pytest.raises(DownloadError, match="a.tar is damaged"):
        unpacked(tmp_path, "a.tar", pack(whole[: part * block]))
    assert left_over(tmp_path / "root") == []


@pytest.mark.parametrize("at", [1024, 1024 + 100, 1024 + 148, 2048 + 257])
def test_tar_with_a_damaged_header(tmp_path, at):
    """It ends the list of members, and no error tells."""
    with pytest.raises(DownloadError, match="a.tar is damaged"):
        unpacked(tmp_path, "a.tar", spoiled(PLAIN, at))
    assert left_over(tmp_path / "root") == []


def test_damaged_zips(tmp_path):
    good = make_zip(*MEMBERS)
    encrypted = bytearray(good)
    for at in (6, good.index(b"PK\x01\x02") + 8):
        encrypted[at] |= 1
    strange = bytearray(good)
    for at in (8, good.index(b"PK\x01\x02") + 10):
        strange[at] = 99
    fewer = bytearray(good)  # the second entry of the list becomes a comment
    second = good.index(b"PK\x01\x02", good.index(b"PK\x01\x02") + 4)
    third = good.index(b"PK\x01\x02", second + 4)
    fewer[good.index(b"PK\x01\x02") + 32] = third - second
    for data in (spoiled(good, len(good) // 2), good[:-30], encrypted, strange, fewer):
        with pytest.raises(DownloadError, match="a.zip is damaged"):
            unpacked(tmp_path, "a.zip", bytes(data))
        assert left_over(tmp_path / "root") == []


@pytest.mark.filterwarnings("ignore:Duplicate name")
@pytest.mark.parametrize(
    "members",
    [
        (("a", b"1"), ("a", b"2")),
        (("a", b"1"), ("./a", b"2")),
        (("a", b"1"), ("a/b", b"2")),
        (("a/b", b"1"), ("a", b"2")),
    ],
)
def test_members_in_each_others_way(tmp_path, members):
    for name, data in (
        ("a.tar", make_tar(*members, mode="w")),
        ("a.zip", make_zip(*members)),
    ):
        with pytest.raises(DownloadError, match="member '.*a.* is in it twice"):
            unpacked(tmp_path, name, data)
        assert left_over(tmp_path / "root") == []


def test_odd_names(tmp_path):
    odd = [("line\nbreak", b"1"), ("at 12:30", b"2"), ("人/é", b"3"), (" ", b"4")]
    if os.name == "nt":
        pytest.skip("no such names on Windows")
    for name, data in (
        ("a.tar", make_tar(*odd, mode="w")),
        ("a.zip", make_zip(*odd)),
    ):
        assert unpacked(tmp_path, name, data).files == dict.fromkeys(dict(odd), 1)
    with pytest.raises(DownloadError, match="member 'aaa.* that this disk refuses"):
        unpacked(tmp_path, "a.tar", make_tar(("a" * 300, b"1"), mode="w"))


def test_what_is_there_stays(tmp_path):
    root = tmp_path / "root"
    (root / "images").mkdir(parents=True)
    (root / "images" / "a.jpg").write_text("mine")
    (root / "readme.txt").symlink_to("nowhere")
    archive = tmp_path / "a.zip"
    archive.write_bytes(make_zip(*GOOD, ("Record.json", b"{}")))
    found = unpack(archive, root, reserved=("record.json",))
    assert found.files == {"images/b/c.jpg": 3}
    assert found.kept == ["Record.json", "images/a.jpg", "readme.txt"]
    assert (root / "images" / "a.jpg").read_text() == "mine"
    assert left_over(root) == ["images", "readme.txt"]
    again = unpack(archive, root)  # what is the same already is no conflict
    assert again.files == {"images/b/c.jpg": 3, "Record.json": 2}


def long_header(size: int) -> bytes:
    """A member whose name is said to have so many bytes."""
    info = tarfile.TarInfo("././@LongLink")
    info.type, info.size = tarfile.GNUTYPE_LONGNAME, size
    return info.tobuf(tarfile.GNU_FORMAT) + bytes(size)


@pytest.mark.parametrize(
    "name, data",
    [
        ("a.zip", make_zip(("z", bytes(30_000_000)), compression=zipfile.ZIP_DEFLATED)),
        ("a.tar.gz", make_tar(("z", bytes(30_000_000)))),
        ("a.tar.xz", make_tar(("z", bytes(30_000_000)), mode="w:xz")),
        ("a.tar.gz", gzip.compress(make_tar(*GOOD, mode="w") + bytes(30_000_000))),
        ("a.tar.gz", gzip.compress(long_header(30_000_000) + bytes(1024))),
        ("a.tar.gz", make_tar(*GOOD) + gzip.compress(bytes(30_000_000))),
    ],
)
def test_archive_bombs(tmp_path, name, data):
    """Members, what follows them, and headers: all of it counts."""
    tracemalloc.start()
    with pytest.raises(DownloadError, match="unpacks to more than 2.* MB"):
        unpacked(tmp_path, name, data)
    assert tracemalloc.get_traced_memory()[1] < 60_000_000
    tracemalloc.stop()
    assert left_over(tmp_path / "root") == []


def test_too_many_members(tmp_path, monkeypatch):
    monkeypatch.setattr(archives, "_MAX_MEMBERS", 2)
    with pytest.raises(DownloadError, match="or 2 files"):
        unpacked(tmp_path, "a.zip", make_zip(*GOOD))
    assert left_over(tmp_path / "root") == []


def test_no_room(tmp_path, monkeypatch):
    usage = type("Usage", (), {"free": 10})
    monkeypatch.setattr(files.shutil, "disk_usage", lambda _: usage)
    with pytest.raises(files.DiskFullError, match="are needed"):
        unpacked(tmp_path, "a.zip", make_zip(*GOOD))
