"""The course as a website: a folder of pages that needs no server and no network.

`sources` lays notebooks and texts out for Sphinx, `reference` adds the pages of
the package itself, `words` joins words with the glossary and names with the
reference. MyST-NB reads the notebooks as they are stored; nothing is run. The
theme is Furo.
"""

from __future__ import annotations

import io
import os
import re
import tempfile
from pathlib import Path

from ...files import FileError, atomic_path, remove
from ..chapters import Chapter

__all__ = ["write_site"]

# Sphinx leaves it in what it has built.
_MARK = ".buildinfo"


def write_site(chapters: list[Chapter], course: Path, out) -> list[str]:
    """Write the course as a website.

    Parameters
    ----------
    chapters:
        Which of the chapters; the other pages are always there.
    course:
        The folder with ``chapters/`` and ``data/``.
    out:
        The folder to write. A site that lies there is replaced once the new
        one is whole; ``out/index.html`` is its first page.

    Returns
    -------
    list of str
        What Sphinx warns of, a line each.

    Raises
    ------
    FileError
        If the folder holds something else.
    ValueError
        If a package of the extra ``site`` is missing, or Sphinx gave up.
    """
    out = Path(out)
    if out.is_dir() and any(out.iterdir()) and not (out / _MARK).is_file():
        raise FileError(f"{out} holds something that is no site; choose another folder")
    _need_sphinx()
    from .front import write_front
    from .reference import write_reference
    from .sources import Sources, write_sources

    with tempfile.TemporaryDirectory() as temporary, atomic_path(out) as part:
        sources = Sources(chapters, course, Path(temporary, "sources"))
        glossary = write_sources(sources)
        write_front(sources)
        write_reference(sources)
        warnings = _build(sources.out, Path(part), Path(temporary, "trees"), glossary)
        remove(out)
    return warnings


def _need_sphinx() -> None:
    try:
        import furo  # noqa: F401
        import myst_nb  # noqa: F401
        import sphinx_codeautolink  # noqa: F401
        import sphinx_copybutton  # noqa: F401
    except ImportError as error:
        raise ValueError(
            f"the site is made with Sphinx, and {error.name} is not installed: "
            'python -m pip install "posecourse[site]", or in a checkout '
            'python -m pip install -e ".[site]"'
        ) from None


def _build(sources: Path, out: Path, doctrees: Path, glossary) -> list[str]:
    from sphinx.application import Sphinx
    from sphinx.errors import SphinxError
    from sphinx.util.docutils import docutils_namespace, patch_docutils

    warnings = io.StringIO()
    try:
        with patch_docutils(sources), docutils_namespace():
            app = Sphinx(
                sources,
                Path(__file__).parent,
                out,
                doctrees,
                "html",
                confoverrides={
                    "html_extra_path": [str(sources / "_extra")],
                    "site_glossary": glossary,
                },
                status=None,
                warning=warnings,
                freshenv=True,
                parallel=min(os.cpu_count() or 1, 4),
            )
            app.build()
    except SphinxError as error:
        raise ValueError(f"Sphinx could not build the site: {error}") from error
    plain = re.sub(r"\x1b\[[0-9;]*m", "", warnings.getvalue())
    return plain.replace(f"{sources}/", "").splitlines()
