"""Downloads against a small server on this machine."""

import hashlib
import http.server
import io
import json
import stat
import tarfile
import threading
import zipfile

import numpy as np
import pytest

from posecourse import files
from posecourse.datasets.download import (
    SOURCES,
    DownloadError,
    RemoteFile,
    Source,
    download,
    fetch,
    unpack,
)

DATA = np.random.default_rng(0).bytes(3_000_000)
SHA = hashlib.sha256(DATA).hexdigest()


class Server(http.server.ThreadingHTTPServer):
    """Serves `content`; breaks off `breaks` times after `enough` bytes."""

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler)
        self.content = {"data.bin": DATA}
        self.breaks, self.enough = 0, 1_200_000
        self.tag, self.ranges, self.requests = '"1"', True, []

    def file(self, name="data.bin", **options):
        return RemoteFile(
            f"http://127.0.0.1:{self.server_port}/{name}",
            **{"size": 3_000_000, **options},
        )


class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        server = self.server
        asked = self.headers.get("Range")
        server.requests.append(asked)
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
        self.send_header("Content-Length", str(len(data) - start))
        self.send_header("ETag", server.tag)
        self.end_headers()
        stop = len(data)
        if server.breaks:
            server.breaks -= 1
            stop = min(stop, start + server.enough)
        self.wfile.write(data[start:stop])

    def log_message(self, *_):
        pass


@pytest.fixture
def server():
    server = Server()
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    yield server
    server.shutdown()
    server.server_close()
    thread.join()


def left_over(folder):
    return sorted(p.name for p in folder.iterdir())


# --- one file -------------------------------------------------------------


def test_download(server, tmp_path):
    path = download(server.file(sha256=SHA), tmp_path, progress=False)
    assert path.read_bytes() == DATA
    assert left_over(tmp_path) == ["data.bin", "downloads.json"]
    record = json.loads((tmp_path / "downloads.json").read_text())
    assert record["data.bin"]["sha256"] == SHA
    download(server.file(sha256=SHA), tmp_path, progress=False)
    assert server.requests == [None]  # not asked again


def test_broken_connection_goes_on_where_it_was(server, tmp_path):
    server.breaks = 2
    path = download(server.file(sha256=SHA), tmp_path, progress=False)
    assert path.read_bytes() == DATA
    assert server.requests == [None, "bytes=1200000-", "bytes=2400000-"]


def test_interrupted_download_is_resumed_by_the_next_run(server, tmp_path, monkeypatch):
    monkeypatch.setattr("posecourse.datasets.download._RETRIES", 0)
    server.breaks = 1
    with pytest.raises(DownloadError, match="run the same again"):
        download(server.file(sha256=SHA), tmp_path, progress=False)
    assert not (tmp_path / "data.bin").exists()
    assert (tmp_path / "data.bin.part").stat().st_size == 1_200_000
    path = download(server.file(sha256=SHA), tmp_path, progress=False)
    assert path.read_bytes() == DATA
    assert server.requests == [None, "bytes=1200000-"]
    assert left_over(tmp_path) == ["data.bin", "downloads.json"]


@pytest.mark.parametrize("change", ["tag", "ranges"])
def test_file_that_changed_or_server_without_ranges(
    server, tmp_path, monkeypatch, change
):
    monkeypatch.setattr("posecourse.datasets.download._RETRIES", 0)
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
    with pytest.raises(DownloadError, match=f"{SHA}, expected was 0000"):
        download(server.file(sha256="0" * 64), tmp_path, progress=False)
    assert left_over(tmp_path) == []


def test_first_checksum_is_remembered(server, tmp_path):
    path = download(server.file(), tmp_path, progress=False)
    path.unlink()
    server.content["data.bin"] = DATA[::-1]
    with pytest.raises(DownloadError, match=f"expected was {SHA}"):
        download(server.file(), tmp_path, progress=False)


def test_absent_file_and_absent_server(server, tmp_path, monkeypatch):
    with pytest.raises(DownloadError, match="answers 404"):
        download(server.file("nothing.zip"), tmp_path, progress=False)
    assert len(server.requests) == 1  # asking again would not help
    monkeypatch.setattr("posecourse.datasets.download._RETRIES", 0)
    nobody = RemoteFile("http://127.0.0.1:9/data.bin", 10)
    with pytest.raises(DownloadError, match="connection failed"):
        download(nobody, tmp_path, progress=False)


def test_no_room(server, tmp_path, monkeypatch):
    usage = type("Usage", (), {"free": 10_000})
    monkeypatch.setattr(files.shutil, "disk_usage", lambda _: usage)
    with pytest.raises(files.DiskFullError, match="3.0 MB are needed"):
        download(server.file(), tmp_path, progress=False)
    assert server.requests == []


# --- a dataset ------------------------------------------------------------


def make_zip(*members) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        for name, data in members:
            archive.writestr(name, data)
    return stream.getvalue()


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


GOOD = [("images/a.jpg", b"one"), ("images/b/c.jpg", b"two"), ("readme.txt", b"three")]


@pytest.fixture
def source(server, monkeypatch):
    server.content["set.zip"] = make_zip(*GOOD)
    server.content["set.tar.gz"] = make_tar(*GOOD)
    source = Source("A set", (server.file("set.zip", size=500),), "Be kind.")
    monkeypatch.setitem(SOURCES, "set", source)
    return source


def test_terms_come_first(server, source, tmp_path, capsys):
    with pytest.raises(DownloadError, match="--accept-licence"):
        fetch("set", tmp_path, progress=False)
    assert "Be kind." in capsys.readouterr().out
    assert server.requests == [] and left_over(tmp_path) == []


def test_fetch(server, source, tmp_path):
    (tmp_path / "images").mkdir()
    (tmp_path / "images" / "mine.jpg").write_bytes(b"mine")
    for _ in range(2):  # the second does nothing
        fetch("set", tmp_path, accept_licence=True, progress=False)
        for name, data in GOOD:
            assert (tmp_path / name).read_bytes() == data
        assert left_over(tmp_path) == ["downloads.json", "images", "readme.txt"]
    assert (tmp_path / "images" / "mine.jpg").read_bytes() == b"mine"
    assert server.requests == [None]


def test_unknown_dataset(tmp_path):
    with pytest.raises(ValueError, match="known: .*mpii-images"):
        fetch("imagenet", tmp_path)


def test_known_datasets_state_size_and_terms():
    for source in SOURCES.values():
        assert source.terms and all(f.size > 1e6 for f in source.files)
    assert SOURCES["mpii-images"].files[0].size == pytest.approx(12.9e9)


# --- archives -------------------------------------------------------------


def unpacked(tmp_path, name, data):
    archive = tmp_path / name
    archive.write_bytes(data)
    return unpack(archive, tmp_path / "root")


@pytest.mark.parametrize(
    "name, make",
    [
        ("a.zip", make_zip),
        ("a.tar.gz", make_tar),
        ("a.tar", lambda *m: make_tar(*m, mode="w")),
    ],
)
def test_unpack(tmp_path, name, make):
    root = unpacked(tmp_path, name, make(*GOOD))
    for member, data in GOOD:
        assert (root / member).read_bytes() == data
    assert left_over(root) == ["images", "readme.txt"]


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


def test_archive_bomb(tmp_path, monkeypatch):
    monkeypatch.setattr("posecourse.datasets.download._MAX_EXTRA", 1000)
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("zeros", bytes(20_000_000))
    with pytest.raises(DownloadError, match="unpacks to more than"):
        unpacked(tmp_path, "bomb.zip", stream.getvalue())
    assert left_over(tmp_path / "root") == []
