"""A kit for a room without a network: made from a small index on this machine,
installed with the network cut."""

import base64
import ensurepip
import functools
import hashlib
import http.server
import json
import os
import re
import shutil
import subprocess
import sys
import threading
import tomllib
import zipfile
from email.parser import Parser
from importlib.util import find_spec
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from posecourse.authoring import release
from posecourse.authoring.kit import (
    PLATFORMS,
    KitError,
    Target,
    install,
    kit,
    wheelhouse,
    write_kit,
)
from posecourse.cli import main
from posecourse.datasets.download import DownloadError

HERE = f"{sys.version_info[0]}.{sys.version_info[1]}"
SYSTEM = {"win32": "win", "darwin": "mac"}.get(sys.platform, "linux")
MINE = Target(SYSTEM, HERE)
TAGS = {
    "win": "win_amd64",
    "mac": "macosx_14_0_arm64",
    "linux": "manylinux_2_28_x86_64",
}


def make_wheel(folder, name, version="1.0", tag="py3-none-any", needs=(), **files):
    """A wheel of a few bytes that pip installs."""
    path = folder / f"{name}-{version}-{tag}.whl"
    start = f"{name}-{version}.dist-info"
    head = f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n"
    head += "Provides-Extra: deploy\n" * (name == "posecourse")
    content = {
        f"{name}/__init__.py": f"version = {version!r}\n",
        **{f"{name}/{file}.py": text for file, text in files.items()},
        f"{start}/METADATA": head + "".join(f"Requires-Dist: {n}\n" for n in needs),
        f"{start}/WHEEL": f"Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: {tag}\n",
    }
    record = ""
    for inside, text in content.items():
        digest = base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest())
        record += f"{inside},sha256={digest.decode().rstrip('=')},{len(text)}\n"
    with zipfile.ZipFile(path, "w") as file:
        for inside, text in {**content, f"{start}/RECORD": record}.items():
            file.writestr(inside, text)
    return path


class Index(http.server.ThreadingHTTPServer):
    """A package index; of `broken`, no file can be had."""

    daemon_threads = True

    def __init__(self, folder):
        handler = functools.partial(Handler, directory=str(folder))
        super().__init__(("127.0.0.1", 0), handler)
        self.broken, self.fetched = "", []
        self.address = f"http://127.0.0.1:{self.server_port}/simple/"


class Handler(http.server.SimpleHTTPRequestHandler):
    def do_GET(self):
        if self.path.endswith(".whl") and not self.headers.get(
            "User-Agent", ""
        ).startswith("uv"):
            name = self.path.rsplit("/", 1)[-1]
            if self.server.broken and name.startswith(self.server.broken):
                return self.send_error(404)
            self.server.fetched.append(name)
        return super().do_GET()

    def log_message(self, *args):
        pass


COURSE = """import sys
print('posecourse', *sys.argv[1:])
import native, everywhere
"""


@pytest.fixture
def index(tmp_path, monkeypatch):
    """Packages of all kinds: for one system only, for each, and with a condition
    that pip would judge by the system that it runs on."""
    if not (find_spec("uv") or shutil.which("uv") or os.environ.get("UV")):
        pytest.skip("uv is not here")
    bundled = list(Path(ensurepip.__file__).parent.glob("_bundled/pip-*.whl"))
    if not bundled:
        pytest.skip("this Python brings no pip")
    for name in [n for n in os.environ if n.startswith("UV_") or "proxy" in n.lower()]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("UV_NO_CONFIG", "1")
    monkeypatch.setenv("UV_CACHE_DIR", str(tmp_path / "uv-cache"))
    files = tmp_path / "index" / "files"
    files.mkdir(parents=True)
    make_wheel(files, "everywhere", needs=["windowsonly; sys_platform == 'win32'"])
    make_wheel(files, "windowsonly")
    for tag in TAGS.values():
        for version in {"3.12", HERE}:
            short = "cp" + version.replace(".", "")
            make_wheel(files, "native", "2.0+cpu", f"{short}-{short}-{tag}")
    shutil.copy(bundled[0], files)
    for path in files.iterdir():
        page = tmp_path / "index" / "simple" / path.name.split("-")[0] / "index.html"
        page.parent.mkdir(parents=True, exist_ok=True)
        digest = hashlib.sha256(path.read_bytes()).hexdigest()
        name = path.name.replace("+", "%2B")
        with open(page, "a") as file:
            file.write(f'<a href="/files/{name}#sha256={digest}">{path.name}</a>\n')

    def write_wheel(course, folder):
        return make_wheel(
            folder, "posecourse", "0.1", needs=["native", "everywhere"], __main__=COURSE
        )

    monkeypatch.setattr(kit, "write_wheel", write_wheel)
    with Index(tmp_path / "index") as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def make(root, out, index, *targets):
    return write_kit(root, out, targets or [MINE], cuda=True, index=index.address)


def wheels(out):
    return sorted(path.name.split("-")[0] for path in (out / "wheels").glob("*.whl"))


def without_network(command):
    """The command in a network of its own, with nobody in it, where that can be."""
    alone = ["unshare", "--map-root-user", "--net"]
    can = (
        shutil.which("unshare")
        and subprocess.run([*alone, "true"], capture_output=True).returncode == 0
    )
    return [*alone, *command] if can else command


def run_install(stick, folder, **environment):
    """`install.py`, as its own process; the status and what it says."""
    done = subprocess.run(
        without_network([sys.executable, str(stick / "install.py"), str(folder)]),
        env={"PATH": os.environ["PATH"], "HOME": str(folder), **environment},
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
    )
    return done.returncode, done.stdout + done.stderr


@pytest.mark.slow
def test_a_kit_installs_with_the_network_cut(root, index, tmp_path):
    stick = make(root, tmp_path / "stick", index)
    sums = (stick / "SHA256SUMS").read_text("utf-8").splitlines()
    assert {line.split("  ")[1] for line in sums} == {
        path.relative_to(stick).as_posix()
        for path in stick.rglob("*")
        if path.is_file() and path.name != "SHA256SUMS"
    }
    for line in sums:
        digest, name = line.split("  ")
        assert hashlib.sha256((stick / name).read_bytes()).hexdigest() == digest
    before = sorted(stick.rglob("*"))

    # a machine that tells pip to take all from elsewhere
    (tmp_path / "pip.conf").write_text("[global]\nindex-url = http://127.0.0.1:9/\n")
    home = tmp_path / "home"
    status, said = run_install(
        stick, home, PIP_CONFIG_FILE=str(tmp_path / "pip.conf"), PIP_NO_BINARY=":all:"
    )
    assert status == 0, said
    assert "posecourse doctor --chapter 3" in said and "is installed. To start" in said
    assert sorted(p for p in stick.rglob("*") if "__pycache__" not in p.parts) == before
    (start,) = [path for path in home.iterdir() if path.name.startswith("posecourse")]
    for arguments, said in (["lab", "3"], "lab 3"), ([], "lab"):
        done = subprocess.run(
            [start, *arguments],
            env={"PATH": os.environ["PATH"]},
            capture_output=True,
            text=True,
        )
        assert done.stdout == f"posecourse {said}\n", done.stderr

    # a byte that was copied wrongly; then a file that was cut
    (native,) = (stick / "wheels").glob("native-*")
    content = native.read_bytes()
    native.write_bytes(content[:-1] + b"x")
    status, said = run_install(stick, tmp_path / "second")
    assert status == 1 and "copy the kit again" in said and "Traceback" not in said
    native.write_bytes(content[:-9])
    status, said = run_install(stick, tmp_path / "third")
    assert status == 1 and f"{native} is missing or cut" in said


def test_each_system_gets_what_it_needs(root, index, tmp_path):
    out = tmp_path / "stick"
    make(root, out, index, *(Target(system, "3.12") for system in PLATFORMS))
    found = {
        t["platform"]: sorted(wheel["name"] for wheel in t["wheels"])
        for t in json.loads((out / "kit.json").read_text("utf-8"))["targets"]
    }
    for system, names in found.items():
        assert f"native-2.0+cpu-cp312-cp312-{TAGS[system]}.whl" in names
        assert ("windowsonly-1.0-py3-none-any.whl" in names) == (system == "win")
        assert [n for n in names if n.startswith("pip-")]
    assert wheels(out).count("native") == 3 and wheels(out).count("everywhere") == 1
    assert b"for %%v in (3.12) do (\r\n" in (out / "install.bat").read_bytes()
    assert "  mac, Python 3.12\r\n" in (out / "README.txt").read_bytes().decode()
    assert "for version in 3.12" in (out / "install.sh").read_text()
    for path in out.iterdir():
        assert path.is_dir() or not re.search(r"@\w+@", path.read_text("utf-8"))


def test_it_goes_on_and_adds_systems(root, index, tmp_path):
    out = tmp_path / "stick"
    index.broken = "native"
    with pytest.raises(DownloadError, match="404"):
        make(root, out, index)
    assert "native" not in wheels(out) and not (out / "SHA256SUMS").exists()
    index.broken, had = "", set(wheels(out))
    index.fetched.clear()
    make(root, out, index)
    assert not {name.split("-")[0] for name in index.fetched} & had
    # another system; what an earlier edition had goes, and what is not ours stays
    (out / "wheels" / "mine.whl").write_text("mine")
    record = json.loads((out / "kit.json").read_text("utf-8"))
    record["targets"][0]["wheels"].append({"name": "old-1-py3-none-any.whl"})
    (out / "kit.json").write_text(json.dumps(record))
    (out / "wheels" / "old-1-py3-none-any.whl").write_text("old")
    make(root, out, index, Target("win", "3.12"))
    assert {"windowsonly", "mine.whl"} <= set(wheels(out)) and "old" not in wheels(out)
    targets = json.loads((out / "kit.json").read_text("utf-8"))["targets"]
    assert len(targets) == len({MINE, Target("win", "3.12")})
    assert not list(out.rglob("*.part"))


def test_what_is_laid_beside_it(root, index, tmp_path):
    (tmp_path / "site" / "deep").mkdir(parents=True)
    (tmp_path / "site" / "deep" / "page.html").write_text("old")
    for text in ("old", "new"):
        (tmp_path / "site" / "deep" / "page.html").write_text(text)
        add = [tmp_path / "site", tmp_path / "site" / "deep" / "page.html"]
        out = tmp_path / "stick"
        write_kit(root, out, [MINE], cuda=True, index=index.address, add=add)
        assert (out / "more" / "site" / "deep" / "page.html").read_text() == text
        assert (out / "more" / "page.html").read_text() == text
    assert "more/site/deep/page.html" in (out / "SHA256SUMS").read_text()
    for around in (out, tmp_path):
        with pytest.raises(KitError, match="holds the kit itself"):
            write_kit(root, out, [MINE], add=[around])


def test_a_dry_run_fetches_nothing(index, tmp_path, monkeypatch, capsys):
    out = tmp_path / "stick"
    command = ["kit", "--out", str(out), "--platform", "win", "--python", "3.12"]
    assert main([*command, "--dry-run", "--index", index.address]) == 0
    said = capsys.readouterr().out
    assert "win, Python 3.12: 5 packages" in said and "altogether 5 files" in said
    assert not out.exists() and not index.fetched


def test_errors_say_what_to_do(root, index, tmp_path, monkeypatch):
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.txt").write_text("mine")
    with pytest.raises(KitError, match="not empty and holds no kit"):
        make(root, tmp_path / "mine", index)
    for content in ({}, {"targets": [{"platform": "win"}]}, {"targets": 3}):
        (tmp_path / "mine" / "kit.json").write_text(json.dumps(content))
        with pytest.raises(KitError, match="damaged"):
            make(root, tmp_path / "mine", index)
    out = tmp_path / "stick"
    with pytest.raises(KitError, match=r"no packages for linux, Python 3\.14.*native"):
        make(root, out, index, Target("linux", "3.14"))
    shutil.rmtree(tmp_path / "index" / "simple" / "windowsonly")
    with pytest.raises(KitError, match="windowsonly"):
        make(root, out, index, Target("win", "3.12"))
    monkeypatch.setattr(index, "address", "http://127.0.0.1:9/simple/")
    monkeypatch.setenv("UV_HTTP_RETRIES", "0")
    with pytest.raises(KitError, match="Is there a network"):
        make(root, out, index)
    monkeypatch.delenv("UV", raising=False)  # which `uv run` sets
    monkeypatch.setattr(wheelhouse, "find_spec", lambda name: None)
    monkeypatch.setattr(wheelhouse.shutil, "which", lambda name: None)
    with pytest.raises(KitError, match="pip install uv"):
        make(root, out, index)
    assert not out.exists()


@pytest.mark.parametrize("python, message", [("3.10", "or newer"), ("4", "or newer")])
def test_pythons_that_the_course_does_not_run_on(python, message, capsys):
    assert main(["kit", "--out", "x", "--python", python]) == 2
    assert message in capsys.readouterr().err


# ------------------------------------------------------- the program on the stick


@pytest.fixture
def stick(tmp_path, monkeypatch):
    """A finished kit for this Python, as far as `install.py` looks."""
    monkeypatch.setattr(install, "HERE", tmp_path)
    content = {"targets": [{"platform": SYSTEM, "python": HERE, "wheels": []}]}
    (tmp_path / "kit.json").write_text(json.dumps(content))
    (tmp_path / "SHA256SUMS").touch()
    return tmp_path


def test_who_can_use_the_kit(stick):
    assert install.main(["--can"]) == 0
    content = {"targets": [{"platform": "win", "python": "3.99", "wheels": []}]}
    (stick / "kit.json").write_text(json.dumps(content))
    with pytest.raises(SystemExit, match=rf"Python {HERE} on .* win, Python 3\.99"):
        install.main(["--can"])
    (stick / "SHA256SUMS").unlink()
    with pytest.raises(SystemExit, match="not finished"):
        install.main([])


def test_where_it_does_not_install(stick, monkeypatch):
    with pytest.raises(SystemExit, match="not in the kit"):
        install.main([str(stick / "inside")])
    (stick / "file").touch()
    wheel = {"name": "a-1-py3-none-any.whl", "size": 10**15}
    with pytest.raises(SystemExit, match="missing or cut"):
        install.look_for([wheel], stick.parent / "home")
    (stick / "wheels").mkdir()
    (stick / "wheels" / wheel["name"]).write_bytes(b"x")
    wheel["size"] = 1
    monkeypatch.setattr(install, "UNPACKED", 1e16)
    with pytest.raises(SystemExit, match="GB are needed"):
        install.look_for([wheel], stick.parent / "home")


@pytest.mark.skipif(sys.platform == "win32", reason="sh is not Windows'")
def test_the_script_finds_a_python_that_can(tmp_path):
    """The newest that the kit is for; else the error of the one that is there."""
    text = (Path(install.__file__).parent / "install.sh").read_text()
    (tmp_path / "install.sh").write_text(text.replace("@pythons@", "3.99 3.98"))
    commands = tmp_path / "bin"
    commands.mkdir()
    for name, status in (("python3.98", 0), ("python3", 1)):
        path = commands / name
        path.write_text(
            f'#!/bin/sh\ncase "$*" in *--can*) exit {status};; esac\necho {name} "$2"\n'
        )
        path.chmod(0o755)

    def said():
        done = subprocess.run(
            [shutil.which("sh"), str(tmp_path / "install.sh"), "a folder"],
            env={"PATH": f"{commands}:{tmp_path}"},
            capture_output=True,
            text=True,
        )
        return done.stdout

    (commands / "dirname").symlink_to(shutil.which("dirname"))
    assert said() == "python3.98 a folder\n"
    (commands / "python3.98").unlink()
    assert said() == "python3 a folder\n"
    (commands / "python3").unlink()
    assert "This kit is for Python 3.99 3.98" in said()


# --------------------------------------------------------- the course's own wheel


def test_the_package_asks_for_what_the_checkout_asks_for(root):
    """The record of an editable installation may be older: that once made kits
    without three packages."""
    head = Parser().parsestr(release._metadata(root, "9"))
    project = tomllib.loads((root / "pyproject.toml").read_text("utf-8"))["project"]
    asked = [Requirement(text) for text in head.get_all("Requires-Dist")]
    always = {str(r) for r in asked if "extra" not in str(r.marker)}
    assert always == {str(Requirement(text)) for text in project["dependencies"]}
    for extra, lines in project["optional-dependencies"].items():
        wanted = {(r.name, r.specifier) for r in map(Requirement, lines)}
        assert wanted == {
            (r.name, r.specifier)
            for r in asked
            if "extra" in str(r.marker) and r.marker.evaluate({"extra": extra})
        }
    assert (head["Name"], head["Version"]) == ("posecourse", "9")
    assert head.get_all("Provides-Extra") == list(project["optional-dependencies"])


def test_an_extra_for_one_system_only(tmp_path):
    (tmp_path / "pyproject.toml").write_text(
        '[project]\nname = "posecourse"\ndescription = "x"\nlicense = "MIT"\n'
        'requires-python = ">=3.11"\ndependencies = []\n[project.optional-dependencies]\n'
        "a = [\"b>=1; sys_platform == 'win32' or sys_platform == 'x'\"]\n"
    )
    head = Parser().parsestr(release._metadata(tmp_path, "9"))
    marker = Requirement(head["Requires-Dist"]).marker
    for system, extra, needed in (("win32", "a", 1), ("win32", "", 0), ("y", "a", 0)):
        assert marker.evaluate({"sys_platform": system, "extra": extra}) == needed
