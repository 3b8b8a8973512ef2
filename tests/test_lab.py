"""The course opens in JupyterLab: safely, with the right Python."""

import asyncio
import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from contextlib import contextmanager
from pathlib import Path

import nbformat
import pytest
from sample import make_checkout

from posecourse.cli import main
from posecourse.commands import lab


def make_course(folder: Path, text="1 + 1") -> Path:
    """A small checkout with two chapters; gives its folder of chapters."""
    chapters = make_checkout(folder)
    for name in ("01_concepts", "03_heatmaps"):
        cell = nbformat.v4.new_code_cell(text, id="a")
        notebook = nbformat.v4.new_notebook(cells=[cell])
        notebook.metadata["kernelspec"] = {
            "name": "python3",
            "language": "python",
            "display_name": "Python 3",
        }
        nbformat.write(notebook, chapters / f"{name}.ipynb")
    return chapters


# -------------------------------------------------------------- the command


@pytest.fixture
def started(monkeypatch):
    """What would be started, instead of starting it."""
    calls = []

    def start(*args):
        calls.append(args)
        return 0

    monkeypatch.setattr(lab, "start_server", start)
    return calls


def test_which_notebook_is_opened(tmp_path, monkeypatch, started, capsys):
    chapters = make_course(tmp_path)
    (chapters / "source").mkdir()
    monkeypatch.chdir(tmp_path)
    work, mine = tmp_path / "work", tmp_path / "a" / "mine"
    for argv, notebook in (
        ([], work / "01_concepts.ipynb"),
        (["3"], work / "03_heatmaps.ipynb"),
        (["03_heatmaps"], work / "03_heatmaps.ipynb"),
        (["3", "--work", "a/mine"], mine / "03_heatmaps.ipynb"),
        (["3", "--source"], chapters / "03_heatmaps.ipynb"),
    ):
        assert main(["lab", *argv, "--no-browser"]) == 0
        root, opened, _, browser = started.pop()
        assert (root, opened, browser) == (notebook.parent.parent, notebook, False)
        assert opened.is_file()
        if "--source" not in argv:  # it names the folder
            assert str(notebook.parent) in capsys.readouterr().out


def test_the_first_page_is_opened_unless_a_chapter_is_asked_for(
    tmp_path, monkeypatch, started
):
    chapters = make_course(tmp_path)
    (chapters / "01_concepts.ipynb").rename(chapters / "START_HERE.ipynb")
    monkeypatch.chdir(tmp_path)
    for argv, name in (([], "START_HERE"), (["3"], "03_heatmaps")):
        assert main(["lab", *argv, "--no-browser"]) == 0
        assert started.pop()[1] == tmp_path / "work" / f"{name}.ipynb"


def test_solutions_come_when_asked_for(tmp_path, monkeypatch, started):
    chapters = make_course(tmp_path)
    (chapters / "solutions").mkdir()
    (chapters / "01_concepts.ipynb").rename(chapters / "solutions" / "01.ipynb")
    monkeypatch.chdir(tmp_path)
    assert main(["lab", "3", "--no-browser"]) == 0
    assert not (tmp_path / "work" / "solutions").exists()
    assert main(["lab", "3", "--no-browser", "--solutions"]) == 0
    assert (tmp_path / "work" / "solutions" / "01.ipynb").is_file()


def test_newer_versions_are_said(tmp_path, monkeypatch, started, capsys):
    chapters = make_course(tmp_path)
    monkeypatch.chdir(tmp_path)
    main(["lab", "--no-browser"])
    for path in (tmp_path / "work" / "01_concepts.ipynb", *chapters.glob("*.ipynb")):
        path.write_text(path.read_text().replace("1 + 1", path.parent.name))
    capsys.readouterr()
    assert main(["lab", "--no-browser"]) == 0
    said = capsys.readouterr().err
    assert "01_concepts" in said and "03_heatmaps" not in said


def test_chapters_that_are_not_there(tmp_path, monkeypatch, started, capsys):
    make_course(tmp_path)
    monkeypatch.chdir(tmp_path)
    assert main(["lab", "5"]) == 2
    assert "there are 1, 3" in capsys.readouterr().err
    assert main(["lab", "99"]) == 2
    assert "1 to 16" in capsys.readouterr().err
    assert main(["lab", "3", "--source"]) == 2
    assert "for authors" in capsys.readouterr().err
    assert not started and not (tmp_path / "work").exists()


@pytest.mark.parametrize("port", ["99999", "65536", "0", "-1", "80.5", "http", "¹"])
def test_what_is_no_port(port, started, capsys):
    assert main(["lab", "--port", port]) == 2
    said = capsys.readouterr().err
    assert "--port" in said and "65535" in said and not started


@pytest.mark.parametrize(
    "platform, environment, display",
    [
        ("linux", {}, False),
        ("linux", {"DISPLAY": ":0"}, True),
        ("linux", {"WAYLAND_DISPLAY": "wayland-0"}, True),
        ("linux", {"DISPLAY": ":10", "SSH_CONNECTION": "1 2 3 4"}, False),
        ("darwin", {}, True),
        ("win32", {}, True),
        ("darwin", {"SSH_CONNECTION": "1 2 3 4"}, False),
    ],
)
def test_a_browser_is_opened_where_somebody_sees_it(
    monkeypatch, platform, environment, display
):
    monkeypatch.setattr(lab.sys, "platform", platform)
    for name in ("DISPLAY", "WAYLAND_DISPLAY", "SSH_CONNECTION"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert lab.has_display() is display


def leave_kernels(folder: Path, content: str):
    """Kernels of another environment, or broken ones, named like ours."""
    for place in ("path", "data"):
        kernel = folder / place / "kernels" / "python3" / "kernel.json"
        kernel.parent.mkdir(parents=True)
        kernel.write_text(content)
    return {
        "JUPYTER_PATH": str(folder / "path"),
        "JUPYTER_DATA_DIR": str(folder / "data"),
    }


FOREIGN = json.dumps(
    {
        "argv": [
            "/another/python",
            "-m",
            "ipykernel_launcher",
            "-f",
            "{connection_file}",
        ],
        "display_name": "Another",
        "language": "python",
    }
)


@pytest.mark.parametrize("content", [FOREIGN, "{", "[]", '{"argv": []}'])
def test_the_kernel_is_this_python(tmp_path, monkeypatch, content):
    from posecourse.commands.lab_server import CourseKernels

    for name, value in leave_kernels(tmp_path, content).items():
        monkeypatch.setenv(name, value)
    kernels = CourseKernels()
    assert list(kernels.find_kernel_specs()) == ["python3"]
    assert kernels.get_kernel_spec("python3").argv[0] == sys.executable


# --------------------------------------------------------- a real server


def get(url, token=None, data=None, method=None):
    headers = {"Content-Type": "application/json"}
    if token:
        headers["Authorization"] = f"token {token}"
    request = urllib.request.Request(url, data, headers, method=method)
    with urllib.request.urlopen(request, timeout=20) as answer:
        return answer.url, answer.read().decode("utf-8", "replace")


# What a user may have set for other servers, all of it risky or wrong here.
RISKY = """
c.IdentityProvider.token = ''
c.ServerApp.ip = '0.0.0.0'
c.ServerApp.allow_origin = '*'
c.ServerApp.allow_origin_pat = '.*'
c.ServerApp.allow_credentials = True
c.ServerApp.disable_check_xsrf = True
c.ServerApp.base_url = '/elsewhere/'
c.ServerApp.sock = '/tmp/some.sock'
c.ServerApp.certfile = '/no/such.pem'
c.ServerApp.tornado_settings = {'headers': {'X-Mine': 'yes'}}
c.GatewayClient.url = 'http://127.0.0.1:9'
c.KernelSpecManager.allowed_kernelspecs = {'none'}
"""


@contextmanager
def running_lab(folder: Path, *argv, **environment):
    """`posecourse lab` in a process of its own, and its address's parts."""
    process = subprocess.Popen(
        [sys.executable, "-m", "posecourse", "lab", "3", "--no-browser", *argv],
        cwd=folder,
        env={**os.environ, "DISPLAY": "", **environment},
        text=True,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    with process:
        try:
            said, found = "", None
            while found is None:
                line = process.stdout.readline()
                if not line:
                    pytest.fail(f"the server ended: {said}")
                said += line
                found = re.search(
                    r"(http://127\.0\.0\.1:\d+)(\S*)\?token=(\w{32,})", line
                )
            yield process, *found.groups()
        finally:
            process.kill()


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    """JupyterLab as a learner starts it, where the user's own configuration
    would open it to everybody."""
    folder = tmp_path_factory.mktemp("a course")
    make_course(folder, "import sys; print(sys.executable)")
    temporary = folder / "temporary"
    temporary.mkdir()
    for place in ("config", "config path"):
        (folder / place).mkdir()
        for name in ("server", "lab", "notebook"):
            (folder / place / f"jupyter_{name}_config.py").write_text(RISKY)
        (folder / place / "jupyter_config.py").write_text(RISKY)
    with running_lab(
        folder,
        JUPYTER_CONFIG_DIR=str(folder / "config"),
        JUPYTER_CONFIG_PATH=str(folder / "config path"),
        JUPYTER_RUNTIME_DIR=str(folder / "runtime"),
        JUPYTER_GATEWAY_URL="http://127.0.0.1:9",
        TMPDIR=str(temporary),
        **leave_kernels(folder, FOREIGN),
    ) as started:
        yield (*started, folder)


def wait_for(url):
    for _ in range(60):
        try:
            return get(url)
        except urllib.error.HTTPError:
            raise
        except OSError:
            time.sleep(0.25)
    raise TimeoutError(url)


@pytest.mark.slow
def test_the_address_leads_to_the_chapter(server):
    _, base, page, token, folder = server
    assert page == "/lab/tree/work/03_heatmaps.ipynb"
    url, text = wait_for(f"{base}{page}?token={token}")
    assert "login" not in url and "jupyter-config-data" in text
    _, content = get(f"{base}/api/contents/work/03_heatmaps.ipynb", token)
    assert "sys.executable" in content
    assert (folder / "work" / "03_heatmaps.ipynb").is_file()


def test_no_website_gets_in(server):
    """Neither is another origin allowed, nor is the check of forged requests
    switched off."""
    _, base, _, token, _ = server
    browser = urllib.request.build_opener(urllib.request.HTTPCookieProcessor())
    browser.open(f"{base}/lab?token={token}", timeout=20).close()
    with browser.open(f"{base}/api/status", timeout=20) as answer:
        assert "X-Mine" not in answer.headers  # by the cookie, from here
    evil = {"Origin": "http://evil.example"}
    for place, data in (("api/status", None), ("api/kernels", b"{}")):
        request = urllib.request.Request(f"{base}/{place}", data, evil)
        with pytest.raises(urllib.error.HTTPError) as refused:
            browser.open(request, timeout=20)
        assert refused.value.code in (403, 404)
        assert "Access-Control-Allow-Origin" not in refused.value.headers


def test_nobody_asks_about_news(server):
    _, base, _, token, _ = server
    plugin = "@jupyterlab/apputils-extension:notification"
    _, text = get(f"{base}/lab/api/settings/{plugin}", token)
    settings = json.loads(text)["schema"]["properties"]
    assert settings["fetchNews"]["default"] == "false"
    assert settings["checkForUpdates"]["default"] is False


def test_the_glossary_opens_as_a_page(server):
    """Not as its source text, when a link leads to it."""
    _, base, _, token, _ = server
    plugin = "@jupyterlab/docmanager-extension:plugin"
    _, text = get(f"{base}/lab/api/settings/{plugin}", token)
    viewers = json.loads(text)["schema"]["properties"]["defaultViewers"]["default"]
    assert viewers == {"markdown": "Markdown Preview"}


def test_nobody_gets_in_without_the_token(server):
    _, base, page, _, _ = server
    url, _ = wait_for(f"{base}{page}")
    assert "/login" in url
    for wrong in (None, "0" * 48):
        with pytest.raises(urllib.error.HTTPError) as refused:
            get(f"{base}/api/contents", wrong)
        assert refused.value.code == 403


def test_it_listens_on_this_machine_only(server):
    port = int(server[1].rsplit(":", 1)[1])
    psutil = pytest.importorskip("psutil")
    listening = [
        c.laddr
        for c in psutil.Process(server[0].pid).net_connections()
        if c.status == "LISTEN"
    ]
    assert (port, {"127.0.0.1"}) == (port, {a.ip for a in listening if a.port == port})


def test_the_token_is_in_no_process_list(server):
    psutil = pytest.importorskip("psutil")
    command = " ".join(psutil.Process(server[0].pid).cmdline())
    assert "posecourse" in command and server[3] not in command


@pytest.mark.slow
def test_cells_run_in_this_python(server):
    """A kernel started through the server is the environment's own."""
    _, base, _, token, folder = server
    _, spec = get(f"{base}/api/kernelspecs/python3", token)
    assert json.loads(spec)["spec"]["argv"][0] == sys.executable
    code = nbformat.read(folder / "work" / "03_heatmaps.ipynb", 4).cells[0].source
    assert run_in_new_kernel(base, token, code) == sys.executable


def run_in_new_kernel(base, token, code):
    """What a cell prints in a kernel that is started for it."""
    _, answer = get(f"{base}/api/kernels", token, b'{"name": "python3"}', "POST")
    kernel = json.loads(answer)["id"]
    address = f"{base}/api/kernels/{kernel}/channels?token={token}"
    said = asyncio.run(
        asyncio.wait_for(run_cell(address.replace("http", "ws", 1), code), 60)
    )
    get(f"{base}/api/kernels/{kernel}", token, method="DELETE")
    return said.strip()


async def run_cell(address, code):
    """What a cell prints, asked as the browser asks."""
    from tornado.websocket import websocket_connect

    socket = await websocket_connect(address)
    await socket.write_message(
        json.dumps(
            {
                "channel": "shell",
                "parent_header": {},
                "metadata": {},
                "header": {
                    "msg_id": "1",
                    "msg_type": "execute_request",
                    "username": "",
                    "session": "1",
                    "version": "5.3",
                },
                "content": {
                    "code": code,
                    "silent": False,
                    "store_history": False,
                    "user_expressions": {},
                    "allow_stdin": False,
                },
            }
        )
    )
    while True:
        message = json.loads(await socket.read_message())
        if message["msg_type"] == "stream":
            socket.close()
            return message["content"]["text"]


@pytest.mark.skipif(sys.platform == "win32", reason="no SIGTERM there")
def test_it_stops_when_asked_and_leaves_nothing(server):
    """Last of the tests with the server, whose kernel has gone before."""
    process, *_, folder = server
    process.send_signal(signal.SIGTERM)
    assert process.wait(timeout=30) == 0
    assert not list((folder / "temporary").iterdir())
    assert not [p for p in (folder / "runtime").iterdir() if "server" in p.name]
    # a newcomer cannot judge warnings: there are none
    said = process.stdout.read()
    assert not re.search(r"trusted|encryption|websocket|Traceback", said), said


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="no SIGHUP there")
def test_a_closed_window_ends_server_and_kernels(tmp_path):
    """On the next free port: the first one is taken."""
    psutil = pytest.importorskip("psutil")
    make_course(tmp_path / "course")
    (tmp_path / "temporary").mkdir()
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with running_lab(
            tmp_path / "course",
            f"--port={port}",
            TMPDIR=str(tmp_path / "temporary"),
            JUPYTER_RUNTIME_DIR=str(tmp_path / "runtime"),
            JUPYTER_DATA_DIR=str(tmp_path / "data"),
        ) as (process, base, _, token):
            assert not base.endswith(f":{port}")
            get(f"{base}/api/kernels", token, b'{"name": "python3"}', "POST")
            kernels = psutil.Process(process.pid).children()
            process.send_signal(signal.SIGHUP)
            assert process.wait(timeout=30) == 0
            gone, alive = psutil.wait_procs(kernels, timeout=10)
            assert gone and not alive
    assert not list((tmp_path / "temporary").iterdir())


@pytest.mark.slow
def test_where_jupyter_cannot_keep_notes(tmp_path):
    make_course(tmp_path / "course")
    (tmp_path / "file").touch()
    ended = subprocess.run(
        [sys.executable, "-m", "posecourse", "lab", "3", "--no-browser"],
        cwd=tmp_path / "course",
        env={**os.environ, "JUPYTER_DATA_DIR": str(tmp_path / "file")},
        text=True,
        capture_output=True,
        check=False,
        timeout=60,
    )
    assert ended.returncode == 2
    assert "JUPYTER_DATA_DIR" in ended.stderr and "Traceback" not in ended.stderr
