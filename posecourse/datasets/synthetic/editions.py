"""How drawn people look: the one place where an edition is chosen.

Bodies' joints, poses, cameras and labels are the same; who is drawn and how
is not.

- Edition 1 (`figure`, `solids`, `render`, `scenery`): solids with a depth
  buffer. Shipped weights, stored studies and the chapters rest on its
  pictures, so it is still what is drawn unless asked for otherwise.
- Edition 2 (`illustrated`): illustrations that are good to look at up to 512
  pixels and more, with people of all ages; faster than the first from about
  200 pixels on. New work should use it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from . import illustrated, staging
from .body import Body, sample_body

__all__ = ["EDITIONS", "Edition", "edition_argument", "get_edition"]


class Edition(NamedTuple):
    """What an edition brings.

    Attributes
    ----------
    sample_body:
        From a random generator to somebody.
    draw:
        `staging.draw`, or what does the same.
    """

    sample_body: Callable[..., Body]
    draw: Callable[..., staging.Drawing]


EDITIONS = {
    1: Edition(sample_body, staging.draw),
    2: Edition(illustrated.sample_someone, illustrated.draw),
}


def get_edition(number: int) -> Edition:
    """One of `EDITIONS`; ValueError for another number."""
    if number not in EDITIONS:
        raise ValueError(
            f"edition is {number!r}; known: {', '.join(map(str, EDITIONS))}"
        )
    return EDITIONS[number]


def edition_argument(number: int) -> str:
    """An edition as it is written at the end of a call: nothing for the
    first, under which stores of its pictures are known."""
    return "" if number == 1 else f", edition={number}"
