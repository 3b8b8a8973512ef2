"""Chapters as JupyterLab shows them, in pictures for their authors."""

import json

import cv2
import nbformat
import pytest

from posecourse.authoring.preview import (
    BrowserError,
    find_browser,
    own_environment,
    preview,
)
from posecourse.cli import main


@pytest.mark.parametrize(("theme", "name"), [("light", "Light"), ("dark", "Dark")])
def test_the_theme_is_a_setting_of_a_jupyterlab_of_its_own(tmp_path, theme, name):
    settings = own_environment(tmp_path, theme)["JUPYTERLAB_SETTINGS_DIR"]
    assert settings == str(tmp_path / "settings")
    (file,) = (tmp_path / "settings").rglob("themes.jupyterlab-settings")
    assert json.loads(file.read_text()) == {"theme": f"JupyterLab {name}"}


@pytest.mark.parametrize("option", [("--width", "20"), ("--theme", "pink")])
def test_a_look_that_there_is_not(option, capsys):
    assert main(["chapters", "preview", "03", *option]) == 2
    assert option[0] in capsys.readouterr().err


def test_a_notebook_that_is_not_built(tmp_path):
    with pytest.raises(FileNotFoundError, match="chapters build 03"):
        preview(tmp_path / "03_heatmaps.ipynb", tmp_path)


@pytest.mark.browser
@pytest.mark.slow
def test_a_dark_and_narrow_look(tmp_path):
    pytest.importorskip("playwright.sync_api")
    try:
        find_browser()
    except BrowserError as error:
        pytest.skip(str(error))
    cell = nbformat.v4.new_markdown_cell("# A title\n\n" + "A line.\n\n" * 60)
    notebook = tmp_path / "chapters" / "03_heatmaps.ipynb"
    notebook.parent.mkdir()
    nbformat.write(nbformat.v4.new_notebook(cells=[cell]), notebook)
    out = tmp_path / "out"
    out.mkdir()
    (out / "03_heatmaps_01.png").write_bytes(b"the light one, which stays")
    files = preview(notebook, out, "dark", 480)
    assert [f.name for f in files[:2]] == [
        "03_heatmaps_dark_480_01.png",
        "03_heatmaps_dark_480_02.png",
    ]
    assert len(list(out.iterdir())) == 1 + len(files)
    picture = cv2.imread(str(files[0]))
    assert 300 < picture.shape[1] <= 480 and picture.mean() < 80
