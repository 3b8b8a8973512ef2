"""Human pose estimation: a small tested package, and the course around it.

Everything lives in its modules; they are imported when first named, so
``import posecourse`` itself is quick::

    from posecourse import metrics          # the usual way
    import posecourse; posecourse.metrics   # works too
"""

import importlib


def __getattr__(name: str):
    if name == "__version__":
        from importlib.metadata import version

        return version(__name__)
    if not name.startswith("_"):
        try:
            return importlib.import_module(f"{__name__}.{name}")
        except ModuleNotFoundError as error:
            if error.name != f"{__name__}.{name}":
                raise
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
