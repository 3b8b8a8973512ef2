"""The course opens in JupyterLab: safely, with the right Python."""

import asyncio
import json
import os
import re
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

import nbformat
import pytest

from posecourse.cli import main
from posecourse.commands import lab


def make_course(folder: Path, text="1 + 1") -> Path:
    """A small checkout with two chapters."""
    chapters = folder / "chapters"
    (chapters / "source").mkdir(parents=True)
    (chapters / "figures").mkdir()
    (chapters / "figures" / "a.svg").write_text("<svg/>")
    for name in ("01_concepts", "03_heatmaps"):
        write_notebook(chapters / f"{name}.ipynb", text)
    return chapters


def write_notebook(path, text, markdown=""):
    notebook = nbformat.v4.new_notebook(
        cells=[
            nbformat.v4.new_code_cell(text, id="a"),
            nbformat.v4.new_markdown_cell(markdown, id="b"),
        ],
        metadata={
            "kernelspec": {
                "name": "python3",
                "language": "python",
                "display_name": "Python 3",
            }
        },
    )
    nbformat.write(notebook, path)


# ----------------------------------------------------------------- copies


def source_of(path):
    return nbformat.read(path, 4).cells[0].source


def test_copies_are_made_with_their_figures(tmp_path):
    chapters = make_course(tmp_path)
    work = lab.copy_chapters(chapters, tmp_path / "work")
    assert sorted(p.name for p in work.glob("*.ipynb")) == [
        "01_concepts.ipynb",
        "03_heatmaps.ipynb",
    ]
    assert (work / "figures" / "a.svg").is_file()
    assert not (work / "source").exists()


def test_links_of_the_copies_lead_somewhere(tmp_path):
    chapters = make_course(tmp_path)
    for folder in ("solutions", "teaching"):
        (chapters / folder).mkdir()
    for path in ("teaching/glossary.md", "../README.md"):
        (chapters / path).write_text("")
    links = (
        "03_heatmaps.ipynb#quiz",
        "figures/a.svg",
        "solutions/01_concepts.ipynb",
        "teaching/glossary.md#pose",
        "../README.md",
    )
    write_notebook(
        chapters / "01_concepts.ipynb",
        "1",
        "".join(f"[x]({link})" for link in links) + "[y](https://example.org)",
    )
    write_notebook(
        chapters / "solutions" / "01_concepts.ipynb",
        "1",
        "".join(f"[x](../{link})" for link in links),
    )
    work = lab.copy_chapters(chapters, tmp_path / "work")
    for name in ("01_concepts.ipynb", "solutions/01_concepts.ipynb"):
        text = nbformat.read(work / name, 4).cells[1].source
        found = re.findall(r"\[x\]\(([^)]+)\)", text)
        assert len(found) == len(links)
        for link in found:
            assert ((work / name).parent / link.partition("#")[0]).exists()
        # what is copied is read, and changed, as a copy
        assert [link for link in found if "chapters/" in link] == [
            link for link in found if "glossary" in link
        ]
    assert (
        "(https://example.org)"
        in nbformat.read(work / "01_concepts.ipynb", 4).cells[1].source
    )
    before = (work / "01_concepts.ipynb").stat().st_mtime_ns
    lab.copy_chapters(chapters, work)
    assert (work / "01_concepts.ipynb").stat().st_mtime_ns == before


def test_changed_copies_are_kept_and_others_follow(tmp_path, capsys):
    chapters = make_course(tmp_path)
    work = lab.copy_chapters(chapters, tmp_path / "work")
    write_notebook(work / "01_concepts.ipynb", "my own")
    lab.copy_chapters(chapters, work)
    assert source_of(work / "01_concepts.ipynb") == "my own"
    assert "newer" not in capsys.readouterr().err

    for name in ("01_concepts", "03_heatmaps"):
        write_notebook(chapters / f"{name}.ipynb", "new edition")
    for _ in range(2):  # said each time, done once
        lab.copy_chapters(chapters, work)
        assert source_of(work / "01_concepts.ipynb") == "my own"
        assert source_of(work / "03_heatmaps.ipynb") == "new edition"
        said = capsys.readouterr().err
        assert "01_concepts" in said and "03_heatmaps" not in said

    (work / "01_concepts.ipynb").unlink()
    lab.copy_chapters(chapters, work)
    assert source_of(work / "01_concepts.ipynb") == "new edition"


def test_a_lost_record_loses_no_work(tmp_path):
    chapters = make_course(tmp_path)
    work = lab.copy_chapters(chapters, tmp_path / "work")
    write_notebook(work / "01_concepts.ipynb", "my own")
    (work / ".copied.json").write_text("{")
    write_notebook(chapters / "01_concepts.ipynb", "new edition")
    lab.copy_chapters(chapters, work)
    assert source_of(work / "01_concepts.ipynb") == "my own"


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


def test_which_notebook_is_opened(tmp_path, monkeypatch, started):
    make_course(tmp_path)
    monkeypatch.chdir(tmp_path)
    work, chapters = tmp_path / "work", tmp_path / "chapters"
    for argv, notebook in (
        ([], work / "01_concepts.ipynb"),
        (["3"], work / "03_heatmaps.ipynb"),
        (["03_heatmaps"], work / "03_heatmaps.ipynb"),
        (["3", "--source"], chapters / "03_heatmaps.ipynb"),
    ):
        assert main(["lab", *argv, "--no-browser"]) == 0
        root, opened, port, browser = started.pop()
        assert (root, opened, browser) == (tmp_path, notebook, False)
        assert opened.is_file()


def test_chapters_that_are_not_there(tmp_path, monkeypatch, started, capsys):
    make_course(tmp_path)
    monkeypatch.chdir(tmp_path)
    assert main(["lab", "5"]) == 2
    assert "there are 1, 3" in capsys.readouterr().err
    assert main(["lab", "99"]) == 2
    assert "1 to 16" in capsys.readouterr().err
    assert not started and not (tmp_path / "work").exists()


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


def test_the_kernel_is_this_python(tmp_path, monkeypatch):
    """Even if another environment left a kernel of the same name."""
    from jupyter_client.kernelspec import KernelSpecManager

    for place in ("JUPYTER_PATH", "JUPYTER_DATA_DIR"):
        other = tmp_path / place / "kernels" / "python3"
        other.mkdir(parents=True)
        (other / "kernel.json").write_text(
            json.dumps(
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
        )
        monkeypatch.setenv(place, str(tmp_path / place))
    before = os.environ["JUPYTER_PATH"]
    with lab.own_kernel():
        spec = KernelSpecManager().get_kernel_spec("python3")
    assert spec.argv[0] == sys.executable
    assert os.environ["JUPYTER_PATH"] == before


# --------------------------------------------------------- a real server


def get(url, token=None, data=None, method=None):
    headers = {"Content-Type": "application/json"}
    if token:
        headers["Authorization"] = f"token {token}"
    request = urllib.request.Request(url, data, headers, method=method)
    with urllib.request.urlopen(request, timeout=20) as answer:
        return answer.url, answer.read().decode("utf-8", "replace")


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    """JupyterLab as a learner starts it, where the user's own
    configuration would switch the token off."""
    folder = tmp_path_factory.mktemp("a course")
    make_course(folder, "import sys; print(sys.executable)")
    config = folder / "config"
    config.mkdir()
    (config / "jupyter_server_config.py").write_text(
        "c.IdentityProvider.token = ''\nc.ServerApp.ip = '0.0.0.0'\n"
    )
    environment = {
        **os.environ,
        "JUPYTER_CONFIG_DIR": str(config),
        "DISPLAY": "",
        "JUPYTER_RUNTIME_DIR": str(folder / "runtime"),
        "JUPYTER_DATA_DIR": str(folder / "data"),
    }
    with subprocess.Popen(
        [sys.executable, "-m", "posecourse", "lab", "3", "--no-browser"],
        cwd=folder,
        env=environment,
        text=True,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    ) as process:
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
            yield (process, *found.groups(), folder)
        finally:
            process.kill()


def wait_for(url):
    for _ in range(60):
        try:
            return get(url)
        except urllib.error.HTTPError:
            raise
        except OSError:
            time.sleep(0.25)
    raise TimeoutError(url)


def test_the_address_leads_to_the_chapter(server):
    _, base, page, token, folder = server
    assert page == "/lab/tree/work/03_heatmaps.ipynb"
    url, text = wait_for(f"{base}{page}?token={token}")
    assert "login" not in url and "jupyter-config-data" in text
    _, content = get(f"{base}/api/contents/work/03_heatmaps.ipynb", token)
    assert "sys.executable" in content
    assert (folder / "work" / "03_heatmaps.ipynb").is_file()


def test_nobody_gets_in_without_the_token(server):
    _, base, page, token, _ = server
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


def test_cells_run_in_this_python(server):
    """A kernel started through the server is the environment's own."""
    process, base, page, token, folder = server
    _, spec = get(f"{base}/api/kernelspecs/python3", token)
    assert json.loads(spec)["spec"]["argv"][0] == sys.executable
    _, answer = get(f"{base}/api/kernels", token, b'{"name": "python3"}', "POST")
    kernel = json.loads(answer)["id"]
    code = source_of(folder / "work" / "03_heatmaps.ipynb")
    address = base.replace("http", "ws", 1)
    said = asyncio.run(
        asyncio.wait_for(
            run_cell(f"{address}/api/kernels/{kernel}/channels?token={token}", code), 60
        )
    )
    assert said.strip() == sys.executable
    get(f"{base}/api/kernels/{kernel}", token, method="DELETE")


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
def test_it_stops_when_asked(server):
    """Last of the tests with the server."""
    process = server[0]
    process.send_signal(signal.SIGTERM)
    assert process.wait(timeout=30) == 0
