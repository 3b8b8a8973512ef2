"""The pictures of an annotation file: where they are, and whether they fit it."""

from __future__ import annotations

import os
from pathlib import Path

from ..files import stays_inside
from ..images import ImageError, PictureFolder
from ..images.decode import size_said
from ..images.headers import Header
from .base import DatasetError

__all__ = ["find_pictures", "is_turned", "picture_name", "places_in"]


def is_turned(header: Header, labelled, where) -> bool | None:
    """Whether a picture has to be turned upright to be as it was labelled.

    Parameters
    ----------
    header:
        Of the picture's file.
    labelled:
        Width and height as the annotation says.
    where:
        What messages call the picture.

    Returns
    -------
    None where the size does not tell: a picture that is square, or is to be
    turned by 180 degrees or mirrored.

    Raises
    ------
    ImageError
        If the annotation says another size.
    """
    stored, upright = size_said(header, False), size_said(header, True)
    if tuple(labelled) not in (stored, upright):
        raise ImageError(
            f"{where} has {stored[0]} x {stored[1]} pixels, but its annotation says "
            f"{labelled[0]:g} x {labelled[1]:g}: it was resized, turned or replaced "
            "after it was labelled, so the labels lie elsewhere; get the picture that "
            "was labelled"
        )
    if header.orientation == 1:
        return False
    return None if stored == upright else tuple(labelled) == upright


def places_in(images) -> list[Path]:
    """Where pictures may be in a folder, or a zip file, that was named.

    Raises FileNotFoundError if there is neither.
    """
    folder = Path(images)
    if folder.suffix == ".zip" and folder.is_file():
        folder = folder.with_suffix("")
    places = [folder, folder / "images"]
    if not any(PictureFolder(place).exists() for place in places):
        raise FileNotFoundError(
            f"no folder of pictures {images}, and no zip files {folder}*.zip"
        )
    return places


def find_pictures(names: list[str], places: list[Path]):
    """Where pictures are, and what they are called there.

    Tools write ``images/a.jpg``, ``C:\\me\\a.jpg`` or ``a.jpg`` for the same
    file. The first place that has most of them is taken, by their whole or
    else by their last name; where nothing is found, the first place.

    Parameters
    ----------
    names:
        As the annotation file has them.
    places:
        Folders, the likeliest first.

    Returns
    -------
    folder, last:
        `last` says that a picture is called by the last part of its name.
    """
    sample = names[:: max(1, len(names) // 20)]
    lasts = {_last(name) for name in names}
    best = (0, Path(places[0]), False)
    for archives in (False, True):
        for last in (False, True):
            if last and len(lasts) < len(set(names)):
                continue  # two pictures would be one
            for place in map(Path, places):
                found = _count(sample, place, last, archives)
                if found > best[0]:
                    best = (found, place, last)
        if best[0]:
            break
    return best[1:]


def _count(names, place: Path, last: bool, archives: bool) -> int:
    pictures = PictureFolder(place)
    called = [_last(name) if last else name for name in names]
    try:
        if archives:
            return sum(name in pictures for name in called)
        return sum(
            os.path.isfile(place / name) for name in called if stays_inside(name)
        )
    except (ImageError, ValueError, OSError):
        return 0


def _last(name: str) -> str:
    return name.replace("\\", "/").rpartition("/")[2]


def picture_name(name, where: str, last: bool = False) -> str:
    """A picture's name below its folder, with ``/``; or a clear error.

    `last` as `find_pictures` says.
    """
    if not isinstance(name, str) or not name.strip():
        raise DatasetError(f"{where}: no picture name, but {name!r}")
    name = name.replace("\\", "/")
    if last:
        name = _last(name)
    if not stays_inside(name):
        raise DatasetError(
            f"{where}: the picture {name!r} lies outside of the folder of pictures"
        )
    if not _can_be_a_file(name):
        raise DatasetError(f"{where}: {name!r} cannot be a picture's name")
    return name


def _can_be_a_file(name: str) -> bool:
    try:
        return b"\0" not in os.fsencode(name)
    except UnicodeEncodeError:  # half a letter
        return False
