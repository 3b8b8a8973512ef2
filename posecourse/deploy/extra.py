"""The packages that not every learner has: asked for where they are needed."""

from __future__ import annotations

from importlib import import_module

__all__ = ["MissingPackageError", "need"]


class MissingPackageError(ValueError):
    """A package of the extra ``deploy`` is not installed; says how to get it."""


def need(what: str, *names: str):
    """The first of some packages; all must be installed.

    Parameters
    ----------
    what:
        What they are needed for, for the message.
    names:
        Of the modules, which are those of the packages too.
    """
    missing = []
    for name in names:
        try:
            import_module(name)
        except ImportError:
            missing.append(name)
    if missing:
        packages = " ".join(missing)
        one = len(missing) == 1
        raise MissingPackageError(
            f"{what} needs {'the package' if one else 'the packages'} "
            f"{packages.replace(' ', ', ')}, which {'is' if one else 'are'} not "
            f"installed: python -m pip install {packages}"
        )
    return import_module(names[0])
