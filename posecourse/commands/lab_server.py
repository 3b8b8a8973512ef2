"""The JupyterLab that `posecourse lab` starts: ours alone, and only here.

It reads no configuration of the user's or of the machine's. Whatever stands
there (an open address, another token, any website let in, kernels on another
computer) is meant for another server, and would make this one unsafe or its
address a dead one. What the reader chose inside JupyterLab, such as a theme,
is not configuration and stays.

No temporary file is made for it, so however it ends, none is left behind.
"""

from __future__ import annotations

import hashlib
import os
import secrets
import signal
from pathlib import Path
from urllib.parse import quote

import zmq
from jupyter_client.kernelspec import KernelSpecManager
from jupyter_client.manager import KernelManager
from jupyter_core.paths import jupyter_data_dir, jupyter_runtime_dir
from jupyter_server.serverapp import ServerApp
from jupyterlab.labapp import LabApp
from tornado.log import gen_log

from ..places import cache_folder

__all__ = ["CourseKernels", "CourseServer", "run"]

# JupyterLab's defaults here: no question about news, no look for updates.
# They are defaults; what the reader chose wins.
_SETTINGS = Path(__file__).with_name("lab_settings")


class CourseKernels(KernelSpecManager):
    """One kernel, "Python 3": the Python that runs this.

    A kernel of that name which another environment left in the user's folder
    would win otherwise, and the chapters would not find their packages.
    """

    def _kernel_dirs_default(self):
        return []


class CourseServer(ServerApp):
    """A server without configuration files."""

    @property
    def config_file_paths(self) -> list[str]:
        return []


# What JupyterLab is made of, and no other extension.
_EXTENSIONS = ("jupyterlab", "jupyter_lsp", "jupyter_server_terminals", "notebook_shim")


def _options(root: Path, page: str, port: int, browser: bool) -> list[str]:
    options = [
        # drawn anew each time, and in no process list
        f"--IdentityProvider.token={secrets.token_hex(24)}",
        "--ServerApp.ip=127.0.0.1",
        "--ServerApp.allow_remote_access=False",
        "--ServerApp.allow_origin=",
        "--ServerApp.allow_origin_pat=",
        "--ServerApp.allow_credentials=False",
        "--ServerApp.disable_check_xsrf=False",
        "--GatewayClient.url=",
        f"--ServerApp.port={port}",
        # those after the first, also at random up to twice as far away
        f"--ServerApp.port_retries={max(0, min(50, (65535 - port) // 2 - 1))}",
        f"--ServerApp.root_dir={root}",
        f"--ServerApp.kernel_spec_manager_class={__name__}.CourseKernels",
        f"--ServerApp.open_browser={browser}",
        f"--LabApp.default_url={page}",
        f"--LabApp.app_settings_dir={_SETTINGS}",
        f"--LabApp.workspaces_dir={_workspaces(root)}",
        "--Application.log_level=WARN",
    ]
    if hasattr(KernelManager, "transport_encryption") and zmq.has("curve"):
        options.append("--KernelManager.transport_encryption=auto")
    if hasattr(os, "geteuid") and os.geteuid() == 0:
        options.append("--allow-root")
    return options


def _require_folders():
    """Say what to do where Jupyter cannot note that it is running."""
    for folder in (jupyter_data_dir(), jupyter_runtime_dir()):
        try:
            os.makedirs(folder, mode=0o700, exist_ok=True)
        except OSError as error:
            raise OSError(
                f"JupyterLab cannot keep its notes in {folder} ({error.strerror}); "
                "set the environment variable JUPYTER_DATA_DIR to a folder that "
                "can be written to"
            ) from None


def _workspaces(root: Path) -> Path:
    """Where JupyterLab notes which tabs are open: for this folder alone. Tabs
    of another project would be opened here, and be missing."""
    name = hashlib.sha256(str(root).encode()).hexdigest()[:12]
    return cache_folder() / "workspaces" / name


def run(root: Path, notebook: Path, port: int, browser: bool) -> int:
    """Run JupyterLab on a folder until it is stopped.

    Parameters
    ----------
    root:
        The folder that the file browser shows.
    notebook:
        What is opened, somewhere in `root`.
    port:
        The first port to try; if it is taken, others near it are.
    browser:
        Whether to open a browser.
    """
    _require_folders()
    gen_log.addFilter(_worth_reading)
    page = "/lab/tree/" + quote(notebook.relative_to(root).as_posix())
    server = CourseServer.instance(jpserver_extensions=dict.fromkeys(_EXTENSIONS, True))
    server.initialize(
        argv=_options(root, page, port, browser),
        starter_extension=LabApp.name,
        find_extensions=False,
    )
    if hasattr(signal, "SIGHUP") and signal.getsignal(signal.SIGHUP) != signal.SIG_IGN:
        # the window is closed: end the kernels, too
        signal.signal(signal.SIGHUP, server._signal_stop)
    # After the port has been taken, not before: this address is no guess.
    server.io_loop.add_callback(_announce, server, page)
    server.start()
    return 0


def _worth_reading(record) -> bool:
    """Not so the warning at each connection that Jupyter's pings (it gives
    milliseconds where Tornado takes seconds) are badly timed: they work, and
    no setting pleases both."""
    return "websocket_ping_timeout" not in record.getMessage()


def _announce(server: ServerApp, page: str):
    print(
        f"The course is open at\n\n  http://127.0.0.1:{server.port}{page}"
        f"?token={server.identity_provider.token}\n\n"
        "Keep this window open. Ctrl-C, pressed twice, stops the server.",
        flush=True,
    )
