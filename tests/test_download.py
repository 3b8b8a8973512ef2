"""Downloads against a small server on this machine."""

import contextlib
import hashlib
import http.server
import json
import os
import shutil
import socket
import struct
import subprocess
import sys
import threading
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from pose_samples import make_zip

from posecourse import files
from posecourse.cli import main
from posecourse.datasets import transfer
from posecourse.datasets.download import (
    SOURCES,
    DownloadError,
    RemoteFile,
    Source,
    download,
    fetch,
)

ROOT = Path(files.__file__).parents[1]
DATA = np.random.default_rng(0).bytes(3_000_000)
SHA = hashlib.sha256(DATA).hexdigest()


class Server(http.server.ThreadingHTTPServer):
    """Serves `content`, and misbehaves as often as `breaks` says.

    `manner` is what goes wrong then: ``cut`` closes after `enough` bytes,
    ``reset`` tears the connection down, ``stall`` says nothing more,
    ``drip`` sends a byte now and then, and some that are in `ANSWERS`.
    """

    daemon_threads = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler)
        self.content = {"data.bin": DATA}
        self.breaks, self.enough, self.manner = 0, 1_200_000, "cut"
        self.tag, self.ranges, self.requests = '"1"', True, []
        self.closing = threading.Event()

    def file(self, name="data.bin", **options):
        return RemoteFile(
            f"http://127.0.0.1:{self.server_port}/{name}",
            **{"size": 3_000_000, **options},
        )


PAGE = b"<!DOCTYPE html><html>Welcome to this network. Please log in.</html>"
# Whole answers that are not the file.
ANSWERS = {
    "page": b"HTTP/1.1 200 OK\r\nContent-Type: text/html; charset=utf-8\r\n"
    b"Content-Length: %d\r\n\r\n" % len(PAGE) + PAGE,
    "page that lies": b"HTTP/1.1 200 OK\r\nContent-Type: application/zip\r\n\r\n"
    + PAGE,
    "busy": b"HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n",
    "too many": b"HTTP/1.1 429 Too Many\r\nContent-Length: 0\r\n\r\n",
    "nothing": b"HTTP/1.1 200 OK\r\n\r\n",
    "nonsense": b"\0\1\2\3\r\n\r\n",
    "length": b"HTTP/1.1 200 OK\r\nContent-Length: lots\r\n\r\n" + DATA[:1000],
    "hang up": b"",
}


class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        server = self.server
        asked = self.headers.get("Range")
        server.requests.append(asked)
        broken = server.breaks > 0
        server.breaks -= broken
        if broken and server.manner in ANSWERS:
            self.wfile.write(ANSWERS[server.manner])
            return
        if broken and server.manner.startswith("headers"):
            self.endless_headers()
            return
        data = server.content.get(self.path[1:])
        if data is None:
            self.send_error(404)
            return
        start = 0
        if asked and server.ranges and self.headers.get("If-Range") == server.tag:
            start = int(asked.removeprefix("bytes=").rstrip("-"))
            if start >= len(data):
                self.send_response(416)
                self.send_header("Content-Range", f"bytes */{len(data)}")
                self.end_headers()
                return
            self.send_response(206)
            self.send_header(
                "Content-Range", f"bytes {start}-{len(data) - 1}/{len(data)}"
            )
        else:
            self.send_response(200)
        if not (broken and server.manner == "endless"):
            self.send_header("Content-Length", str(len(data) - start))
        if server.tag:
            self.send_header("ETag", server.tag)
        self.end_headers()
        if not broken:
            self.wfile.write(data[start:])
            return
        self.wfile.write(data[start : start + server.enough])
        self.misbehave()

    def misbehave(self):
        manner, closing = self.server.manner, self.server.closing
        if manner == "reset":
            linger = struct.pack("ii", 1, 0)
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
            self.connection.close()
        if manner == "stall":
            closing.wait(10)
        try:
            while manner == "drip" and not closing.wait(0.02):
                self.wfile.write(b"x")
            while manner == "endless":
                self.wfile.write(DATA)
        except OSError:
            pass

    def endless_headers(self):
        self.wfile.write(b"HTTP/1.1 200 OK\r\n")
        try:
            while self.server.manner == "headers: one line":
                self.wfile.write(b"x" * 100_000)
            while self.server.manner == "headers: many":
                self.wfile.write(b"X-A: b\r\n" * 10_000)
            while not self.server.closing.wait(0.02):  # dripping
                self.wfile.write(b"x")
        except OSError:
            pass

    def log_message(self, *_):
        pass

    def finish(self):
        with contextlib.suppress(OSError, ValueError):
            super().finish()


@pytest.fixture
def server():
    server = Server()
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    yield server
    server.closing.set()
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture(autouse=True)
def impatient(monkeypatch):
    """Half a second instead of thirty, and no pauses."""
    monkeypatch.setattr(transfer, "_TIMEOUT", 0.5)
    monkeypatch.setattr(transfer.time, "sleep", lambda _: None)


@pytest.fixture
def one_attempt(monkeypatch):
    monkeypatch.setattr(transfer, "_RETRIES", 0)


def left_over(folder):
    return sorted(p.name for p in folder.iterdir())


# --- one file -------------------------------------------------------------


def test_download(server, tmp_path):
    path = download(server.file(sha256=SHA), tmp_path, progress=False)
    assert path.read_bytes() == DATA
    assert left_over(tmp_path) == ["data.bin"]
    download(server.file(sha256=SHA), tmp_path, progress=False)
    assert server.requests == [None]  # not asked again


def test_broken_connection_goes_on_where_it_was(server, tmp_path):
    server.breaks = 2
    path = download(server.file(sha256=SHA), tmp_path, progress=False)
    assert path.read_bytes() == DATA
    assert server.requests == [None, "bytes=1200000-", "bytes=2400000-"]


@pytest.mark.slow
@pytest.mark.parametrize("manner", ["cut", "reset", "stall", "drip"])
def test_interrupted_download_is_resumed_by_the_next_run(
    server, tmp_path, monkeypatch, manner
):
    monkeypatch.setattr(transfer, "_RETRIES", -1)  # this progress does not count
    monkeypatch.setattr(transfer, "_PROGRESS", 10_000_000)
    server.breaks, server.manner = 1, manner
    with pytest.raises(DownloadError) as error:
        download(server.file(sha256=SHA), tmp_path, progress=False)
    assert left_over(tmp_path) == ["data.bin.part", "data.bin.part.tag"]
    part = (tmp_path / "data.bin.part").read_bytes()
    assert manner == "drip" or part == DATA[: len(part)]
    # all that had come, exactly as the message says
    assert manner == "reset" or 1_200_000 <= len(part) < 1_201_000
    kept = f"{files.format_bytes(len(part))}, is kept in {tmp_path / 'data.bin.part'}"
    assert f"What has come, {kept}; run the same again to go on" in str(error.value)
    if manner == "drip":
        (tmp_path / "data.bin.part").write_bytes(part := part[:1_200_000])
    path = download(server.file(sha256=SHA), tmp_path, progress=False)
    assert path.read_bytes() == DATA
    assert server.requests == [None, f"bytes={len(part)}-"]
    assert left_over(tmp_path) == ["data.bin"]


@pytest.mark.parametrize("change", ["tag", "ranges"])
def test_file_that_changed_or_server_without_ranges(
    server, tmp_path, monkeypatch, change
):
    monkeypatch.setattr(transfer, "_RETRIES", -1)
    monkeypatch.setattr(transfer, "_PROGRESS", 10_000_000)
    server.breaks = 1
    with pytest.raises(DownloadError):
        download(server.file(), tmp_path, progress=False)
    new = DATA[::-1]
    if change == "tag":
        server.tag, server.content["data.bin"] = '"2"', new
    else:
        server.ranges, new = False, DATA
    path = download(server.file(), tmp_path, progress=False)
    assert path.read_bytes() == new  # never half of each


def test_part_that_is_whole_already(server, tmp_path):
    (tmp_path / "data.bin.part").write_bytes(DATA)
    (tmp_path / "data.bin.part.tag").write_text('"1"')
    path = download(server.file(sha256=SHA), tmp_path, progress=False)
    assert path.read_bytes() == DATA and server.requests == ["bytes=3000000-"]


def test_part_that_is_too_long(server, tmp_path):
    (tmp_path / "data.bin.part").write_bytes(DATA + b"more")
    (tmp_path / "data.bin.part.tag").write_text('"1"')
    assert download(server.file(), tmp_path, progress=False).read_bytes() == DATA


def test_wrong_checksum(server, tmp_path):
    with pytest.raises(DownloadError, match=f"SHA-256 {SHA}, 0000.* is expected"):
        download(server.file(sha256="0" * 64), tmp_path, progress=False)
    assert left_over(tmp_path) == []


@pytest.mark.usefixtures("one_attempt")
def test_absent_file_and_absent_server(server, tmp_path):
    with pytest.raises(DownloadError, match="answers 404"):
        download(server.file("nothing.zip"), tmp_path, progress=False)
    assert len(server.requests) == 1  # asking again would not help
    nobody = RemoteFile("http://127.0.0.1:9/data.bin", 10)
    with pytest.raises(DownloadError, match="connection failed"):
        download(nobody, tmp_path, progress=False)


def test_many_breaks_that_each_bring_something(server, tmp_path, monkeypatch):
    """12.9 GB over a bad line break off more often than five times."""
    monkeypatch.setattr(transfer, "_PROGRESS", 100_000)
    server.breaks, server.enough = 20, 120_000
    path = download(server.file(sha256=SHA), tmp_path, progress=False)
    assert path.read_bytes() == DATA and len(server.requests) == 21


def test_server_that_always_starts_anew_has_an_end(server, tmp_path):
    server.ranges, server.breaks = False, 1000
    with pytest.raises(DownloadError, match="ended after 1,200,000 of 3,000,000"):
        download(server.file(), tmp_path, progress=False)
    assert len(server.requests) <= 8


@pytest.mark.usefixtures("one_attempt")
def test_server_without_a_mark_cannot_go_on_and_this_is_said(server, tmp_path):
    server.tag, server.breaks = "", 9
    with pytest.raises(DownloadError, match="the next run starts from the beginning"):
        download(server.file(), tmp_path, progress=False)
    server.breaks = 0
    path = download(server.file(sha256=SHA), tmp_path, progress=False)
    assert path.read_bytes() == DATA and server.requests[-1] is None


@pytest.mark.parametrize("manner", ["busy", "too many", "nonsense", "hang up"])
def test_hiccups_of_a_server(server, tmp_path, manner):
    server.breaks, server.manner = 2, manner
    path = download(server.file(sha256=SHA), tmp_path, progress=False)
    assert path.read_bytes() == DATA and len(server.requests) == 3


@pytest.mark.parametrize(
    "manner, message",
    [
        ("headers: one line", "more than 65536 bytes"),
        ("headers: many", "more than 100 headers"),
        ("headers: drip", "connection failed|nothing came"),
        ("nothing", "nothing came"),
        ("length", "ended after 1,000 of about 3,000,000"),
        ("endless", "more than .* came; this is not the file"),
    ],
)
@pytest.mark.usefixtures("one_attempt")
def test_answers_without_end_or_sense(server, tmp_path, manner, message):
    server.breaks, server.manner = 9, manner
    start = time.monotonic()
    with pytest.raises(DownloadError, match=message):
        download(server.file(), tmp_path, progress=False)
    assert time.monotonic() - start < 8
    assert not (tmp_path / "data.bin").exists()
    part = tmp_path / "data.bin.part"
    assert not part.exists() or part.stat().st_size < 5_000_000


@pytest.mark.parametrize("manner", ["page", "page that lies"])
def test_login_page_of_a_network(server, tmp_path, manner):
    """It is not taken for the file, and what was kept stays."""
    server.content["set.zip"] = b"PK" + DATA[2:]
    (tmp_path / "set.zip.part").write_bytes(b"PK" + DATA[2:1_000_000])
    (tmp_path / "set.zip.part.tag").write_text('"1"')
    server.breaks, server.manner = 1, manner
    file = server.file("set.zip")
    with pytest.raises(DownloadError, match="network ask you to log in"):
        download(file, tmp_path, progress=False)
    assert left_over(tmp_path) == ["set.zip.part", "set.zip.part.tag"]
    path = download(file, tmp_path, progress=False)
    assert path.read_bytes() == b"PK" + DATA[2:]
    assert server.requests == ["bytes=1000000-"] * 2


@pytest.mark.parametrize("size", [2_000_000, 12_000_000_000])
def test_size_is_compared_before_anything_is_written(server, tmp_path, size):
    expected = files.format_bytes(size)
    with pytest.raises(DownloadError, match=f"3.0 MB came or .* about {expected} were"):
        transfer.transfer(server.file(size=size), tmp_path / "part", False)
    assert left_over(tmp_path) == []


@pytest.mark.parametrize("tag", [b"\xff\xfe", b"a\r\nX-Evil: 1", b"x" * 2000])
def test_spoiled_mark_of_a_version(server, tmp_path, tag):
    (tmp_path / "data.bin.part").write_bytes(DATA[:1000])
    (tmp_path / "data.bin.part.tag").write_bytes(tag)
    path = download(server.file(sha256=SHA), tmp_path, progress=False)
    assert path.read_bytes() == DATA and server.requests == [None]


def test_file_that_was_there_is_not_deleted(server, tmp_path):
    """Somebody may have fetched it with a browser, or made it."""
    (tmp_path / "data.bin").write_bytes(b"mine")
    for options, message in (
        ({}, "4 bytes came"),
        ({"sha256": SHA}, "data.bin is not the file: .* Move it away"),
    ):
        with pytest.raises(DownloadError, match=message):
            download(server.file(**options), tmp_path, progress=False)
    assert (tmp_path / "data.bin").read_bytes() == b"mine"
    assert server.requests == []


def test_two_at_once(server, tmp_path):
    server.breaks, server.manner = 1, "stall"
    first = threading.Thread(
        target=download, args=(server.file(sha256=SHA), tmp_path, False)
    )
    first.start()
    while not (tmp_path / "data.bin.part").exists():
        time.sleep(0)
    with pytest.raises(files.InUseError, match="another process .* wait until"):
        download(server.file(sha256=SHA), tmp_path, progress=False)
    server.closing.set()
    first.join()
    assert (tmp_path / "data.bin").read_bytes() == DATA
    assert left_over(tmp_path) == ["data.bin"]


@pytest.mark.skipif(os.name == "nt", reason="a limit of POSIX systems")
def test_disk_that_becomes_full(server, tmp_path):
    """A real limit, in a process of its own; what has come is kept."""
    code = f"""
import resource, signal
from posecourse.datasets.download import RemoteFile, download
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (1_000_000, resource.RLIM_INFINITY))
try:
    download(RemoteFile({server.file().url!r}, 3_000_000), {str(tmp_path)!r}, False)
except Exception as error:
    print(type(error).__name__, error)
"""
    out = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        cwd=ROOT,
        timeout=60,
    ).stdout
    assert out.startswith("DiskFullError the disk is full") and "data.bin" in out
    assert (tmp_path / "data.bin.part").read_bytes() == DATA[:1_000_000]
    assert download(server.file(sha256=SHA), tmp_path, False).read_bytes() == DATA
    assert server.requests == [None, "bytes=1000000-"]


def test_no_room(server, tmp_path, monkeypatch):
    usage = type("Usage", (), {"free": 10_000})
    monkeypatch.setattr(files.shutil, "disk_usage", lambda _: usage)
    with pytest.raises(files.DiskFullError, match="3.0 MB are needed"):
        download(server.file(), tmp_path, progress=False)
    assert server.requests == []


# --- a dataset ------------------------------------------------------------


GOOD = [
    ("images/a.jpg", b"one"),
    ("images/b/c.jpg", b"two"),
    ("readme.txt", b"three" * 20),
]


@pytest.fixture
def source(server, monkeypatch):
    server.content["set.zip"] = make_zip(*GOOD)
    source = Source("A set", "set", (server.file("set.zip", size=560),), "Be kind.")
    monkeypatch.setitem(SOURCES, "set", source)
    return source


def test_terms_come_first(server, source, tmp_path, capsys):
    with pytest.raises(DownloadError, match="--accept-licence"):
        fetch("set", tmp_path, progress=False)
    assert "Be kind." in capsys.readouterr().out
    assert server.requests == [] and left_over(tmp_path) == []


def get(folder):
    return fetch("set", folder, accept_licence=True, progress=False)


def test_fetch(server, source, tmp_path):
    (tmp_path / "images").mkdir()
    (tmp_path / "images" / "mine.jpg").write_bytes(b"mine")
    for _ in range(2):  # the second does nothing
        get(tmp_path)
        for name, data in GOOD:
            assert (tmp_path / name).read_bytes() == data
        assert left_over(tmp_path) == ["downloads.json", "images", "readme.txt"]
    assert (tmp_path / "images" / "mine.jpg").read_bytes() == b"mine"
    assert server.requests == [None]


@pytest.mark.parametrize("what", ["deleted", "cut"])
def test_what_is_gone_is_fetched_again(server, source, tmp_path, what, capsys):
    get(tmp_path)
    if what == "deleted":
        shutil.rmtree(tmp_path / "images")
    else:
        (tmp_path / "images" / "a.jpg").write_bytes(b"o")
        (tmp_path / "images" / "b" / "c.jpg").unlink()
    capsys.readouterr()
    get(tmp_path)
    out = capsys.readouterr().out
    assert "2 of 3 files of set.zip are not in" in out
    assert (tmp_path / "images" / "b" / "c.jpg").read_bytes() == b"two"
    if what == "cut":  # somebody may have changed it
        assert (tmp_path / "images" / "a.jpg").read_bytes() == b"o"
        assert "Kept as they are" in out and "images/a.jpg" in out
    get(tmp_path)
    assert server.requests == [None, None]  # the third time nothing was asked


@pytest.mark.parametrize("manner", ["page", "page that lies", "cut"])
def test_wrong_first_answer_does_not_spoil_the_right_one(
    server, source, tmp_path, manner, monkeypatch
):
    right = server.content["set.zip"]
    if manner == "cut":  # it is short, and says that this is all
        server.content["set.zip"] = right[:-4]
    else:
        server.breaks, server.manner = 1, manner
    with pytest.raises(DownloadError, match="log in|is damaged"):
        get(tmp_path)
    assert left_over(tmp_path) == []
    server.content["set.zip"] = right
    get(tmp_path)
    assert (tmp_path / "images" / "a.jpg").read_bytes() == b"one"


def test_first_checksum_is_remembered(server, source, tmp_path):
    get(tmp_path)
    record = json.loads((tmp_path / "downloads.json").read_text())["set.zip"]
    assert record["sha256"] == hashlib.sha256(server.content["set.zip"]).hexdigest()
    assert record["members"] == {name: len(data) for name, data in GOOD}
    (tmp_path / "readme.txt").unlink()
    server.content["set.zip"] = make_zip(*GOOD[:2], ("readme.txt", b"other" * 20))
    with pytest.raises(DownloadError, match="it had when it was first .* trust it"):
        get(tmp_path)
    assert left_over(tmp_path) == ["downloads.json", "images"]


def test_nobodys_files_are_replaced(server, source, tmp_path, capsys):
    (tmp_path / "readme.txt").write_text("mine")
    (tmp_path / "images").mkdir()
    (tmp_path / "images" / "a.jpg").write_bytes(b"one")  # the same
    server.content["set.zip"] = make_zip(
        *GOOD,
        ("Downloads.JSON", b'{"set.zip": []}'),
        (".lock", b""),
    )
    get(tmp_path)
    assert (tmp_path / "readme.txt").read_text() == "mine"
    out = capsys.readouterr().out
    assert "Kept as they are" in out and "readme.txt" in out and "Downloads.JSON" in out
    record = json.loads((tmp_path / "downloads.json").read_text())["set.zip"]
    assert sorted(record["members"]) == ["images/a.jpg", "images/b/c.jpg"]
    assert left_over(tmp_path) == ["downloads.json", "images", "readme.txt"]


def test_file_where_the_archive_has_a_folder(server, source, tmp_path):
    (tmp_path / "images").write_text("mine")
    with pytest.raises(DownloadError, match="has a folder images, but .* is a file"):
        get(tmp_path)
    assert left_over(tmp_path) == ["images"]


@pytest.mark.parametrize(
    "text",
    [
        "[]",
        "3",
        '"text"',
        '{"set.zip": []}',
        '{"set.zip": {"sha256": 3}}',
        '{"set.zip": {"url": "u", "sha256": "s", "members": ["a"]}}',
        '{"mine": true}',
        "not JSON",
        "",
        "[" * 100_000,
    ],
)
def test_record_that_is_something_else(server, source, tmp_path, text):
    """Nothing is fetched, and it is not replaced: it may be somebody's own."""
    path = tmp_path / "downloads.json"
    path.write_text(text)
    with pytest.raises(DownloadError, match="downloads.json.*; move it away, or"):
        get(tmp_path)
    assert path.read_text() == text and server.requests == []


def test_record_in_utf16(server, source, tmp_path):
    get(tmp_path)
    path = tmp_path / "downloads.json"
    path.write_text(path.read_text(), "utf-16")
    get(tmp_path)
    assert len(server.requests) == 1


def test_folder_that_cannot_be_written(source, tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(files.WriteError, match="file is a file, not a folder"):
        get(tmp_path / "file" / "below")


def test_archive_that_was_put_there(server, source, tmp_path):
    """With a browser, for instance; a damaged one is not deleted."""
    whole = server.content["set.zip"]
    (tmp_path / "set.zip").write_bytes(whole[:-4])
    with pytest.raises(DownloadError, match="is damaged .* was there before: move"):
        get(tmp_path)
    assert left_over(tmp_path) == ["set.zip"]
    (tmp_path / "set.zip").write_bytes(whole)
    get(tmp_path)
    assert server.requests == [] and (tmp_path / "readme.txt").exists()


def test_command_fills_the_datasets_own_folder(
    server, source, tmp_path, monkeypatch, capsys
):
    monkeypatch.chdir(tmp_path)
    assert main(["data", "fetch", "set", "--accept-licence"]) == 0
    assert (tmp_path / "data" / "set" / "images" / "a.jpg").read_bytes() == b"one"
    assert main(["data", "fetch", "set"]) == 2  # the terms come first
    assert main(["data", "fetch", "sett", "--accept-licence"]) == 2
    (tmp_path / "data" / "set" / "downloads.json").write_text("[]")
    assert main(["data", "fetch", "set", "--accept-licence"]) == 2
    said = capsys.readouterr().err
    assert "something else than a record of downloads" in said
    assert "unknown dataset 'sett'" in said and "Traceback" not in said


# --- pictures -------------------------------------------------------------


@pytest.fixture
def pictures(server, monkeypatch):
    """The photographs that can be fetched, as this server has them."""
    known = SOURCES["photos"]
    server.content = {"a.jpg": DATA, "b.jpeg": DATA[:200_000]}
    files = tuple(
        server.file(name, size=len(data), sha256=hashlib.sha256(data).hexdigest())
        for name, data in server.content.items()
    )
    monkeypatch.setitem(SOURCES, "photos", replace(known, files=files))
    return known


def test_pictures_come_with_their_credits(server, pictures, tmp_path, capsys):
    assert main(["data", "fetch", "photos", "--out", str(tmp_path)]) == 2
    assert pictures.credits.rstrip() in capsys.readouterr().out
    assert server.requests == [] and left_over(tmp_path) == []
    for _ in range(2):  # the second does nothing
        fetch("photos", tmp_path, accept_licence=True, progress=False)
    assert left_over(tmp_path) == ["CREDITS.txt", "a.jpg", "b.jpeg"]
    assert (tmp_path / "a.jpg").read_bytes() == DATA
    assert (tmp_path / "CREDITS.txt").read_text("utf-8") == pictures.credits
    assert len(server.requests) == 2


def test_pictures_go_on_and_others_in_their_place_are_refused(
    server, pictures, tmp_path
):
    server.breaks = 1
    fetch("photos", tmp_path, accept_licence=True, progress=False)
    assert server.requests == [None, "bytes=1200000-", None]
    (tmp_path / "b.jpeg").write_bytes(b"mine")
    with pytest.raises(DownloadError, match=r"b\.jpeg is not the file.*Move it away"):
        fetch("photos", tmp_path, accept_licence=True, progress=False)
    assert (tmp_path / "b.jpeg").read_bytes() == b"mine"


def test_every_picture_has_its_maker_licence_and_checksum(shared_data):
    """Checksum and size are those of the pictures that were looked at."""
    source = SOURCES["photos"]
    for file, credit in zip(
        source.files, source.credits.split("\n    https://creative")
    ):
        name, maker, address = credit.strip().rsplit("\n", 3)[-3:]
        assert file.name in name and " by " in maker and ", CC BY " in maker
        assert address.strip().startswith("https://")
        picture = shared_data / "photos" / file.name
        assert files.sha256(picture) == file.sha256
        assert picture.stat().st_size == file.size


def test_unknown_dataset(tmp_path):
    with pytest.raises(ValueError, match="known: .*mpii-images"):
        fetch("imagenet", tmp_path)


def test_known_datasets_state_size_and_terms():
    for source in SOURCES.values():
        assert source.terms and all(f.size > 1e5 for f in source.files)
    # the two have files of the same names
    assert SOURCES["lsp"].folder != SOURCES["lsp-extended"].folder
    assert SOURCES["mpii-images"].files[0].size == pytest.approx(12.9e9)
