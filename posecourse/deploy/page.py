"""A web page that runs an exported network in the reader's own browser."""

from __future__ import annotations

import base64
import gzip
import json
import shutil
import subprocess
import tarfile
import tempfile
from dataclasses import asdict
from pathlib import Path

from ..files import atomic_path, plain, read_bytes
from ..inference import pose, predictor
from ..places import cache_folder
from .extra import MissingPackageError
from .metadata import read_metadata

__all__ = ["RUNTIME", "build_page", "web_runtime"]

# What runs ONNX in browsers, from the npm registry; the version is that with
# which the page was tried. The first file is its code, the second its engine.
RUNTIME = "onnxruntime-web@1.30.0"
_FILES = ("ort.wasm.bundle.min.mjs", "ort-wasm-simd-threaded.wasm")
_KINDS = ("heatmap", "coordinate")


def build_page(path, out) -> Path:
    """Write one HTML file that finds poses in the reader's browser.

    Network and engine are inside: it works from a disk, without a network,
    and is not allowed to open a connection. Some 8 MB.

    Parameters
    ----------
    path:
        A file of `export_onnx` or `quantise`, of a network that gives
        heatmaps or coordinates.
    out:
        The file to write, ``.html``.

    Raises
    ------
    ValueError
        For another kind of network.
    MissingPackageError
        Where the engine was never fetched and cannot be: see `web_runtime`.
    """
    metadata, out = read_metadata(path), Path(out)
    if metadata.kind not in _KINDS:
        raise ValueError(
            f"{path}: the page reads {' and '.join(_KINDS)} outputs, this network "
            f"gives {metadata.kind}"
        )
    folder = web_runtime()
    code, engine = (read_bytes(folder / name) for name in _FILES)
    settings = {"network": asdict(metadata), "search": _search()}
    parts = {
        # "<" would end the script that holds it
        "SETTINGS": json.dumps(plain(settings)).replace("<", "\\u003c"),
        "MODEL": _packed(read_bytes(path)),
        "WASM": _packed(engine),
        "RUNTIME": _packed(code),
    }
    page = Path(__file__).with_name("page.html").read_text("utf-8")
    for name, content in parts.items():
        page = page.replace("{{" + name + "}}", content)
    with atomic_path(out) as temporary:
        temporary.write_text(page, encoding="utf-8")
    return out


def _search() -> dict:
    """How the page looks for somebody: as `Predictor` does."""
    return {
        "shares": predictor._SHARES,
        "candidates": predictor._CANDIDATES,
        "surer": predictor._SURER,
        "every": predictor._EVERY,
        "lost": predictor._LOST,
        "beyond_joints": pose._BEYOND_JOINTS,
        "sure": 0.2,
    }


def _packed(content: bytes) -> str:
    return base64.b64encode(gzip.compress(content, 9, mtime=0)).decode("ascii")


def web_runtime() -> Path:
    """The folder with the engine for browsers, fetched with npm once.

    Raises
    ------
    MissingPackageError
        If it is not here and npm is not, or npm cannot fetch it.
    """
    folder = cache_folder() / RUNTIME.replace("@", "-")
    if all((folder / name).is_file() for name in _FILES):
        return folder
    npm = shutil.which("npm")
    if npm is None:
        raise MissingPackageError(
            f"the page needs {RUNTIME}, which npm fetches, and npm is not installed; "
            "install Node.js, or run the command where it is"
        )
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as temporary:
        done = subprocess.run(
            [npm, "pack", RUNTIME, "--silent", "--ignore-scripts"],
            cwd=temporary,
            capture_output=True,
            text=True,
        )
        packed = list(Path(temporary).glob("*.tgz"))
        if done.returncode or not packed:
            reason = done.stderr.strip().rpartition("\n")[2]
            raise MissingPackageError(
                f"npm could not fetch {RUNTIME}, which the page needs: {reason:.200}"
            )
        with tarfile.open(packed[0]) as archive:
            archive.extractall(temporary, filter="data")
        for name in _FILES:
            content = Path(temporary, "package", "dist", name).read_bytes()
            with atomic_path(folder / name) as path:
                path.write_bytes(content)
    return folder
