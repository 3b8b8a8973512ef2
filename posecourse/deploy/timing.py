"""How long functions take, one beside the other."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping

import numpy as np

__all__ = ["relative_times"]


def relative_times(
    functions: Mapping[str, Callable[[], object]],
    rounds: int = 30,
    warm_up: int = 3,
) -> dict[str, float]:
    """Seconds that each of some functions takes, measured in turns.

    What else a computer does changes from second to second. So the functions
    take turns, each once per round, and all meet the same weather; the median
    over the rounds forgets the gusts. Quotients of what comes out can be
    trusted more than the seconds.

    Parameters
    ----------
    functions:
        By name; called without arguments.
    rounds:
        How often each is timed.
    warm_up:
        Calls before, not timed: the first ones fill caches and allocate.

    Returns
    -------
    The median seconds of each, by name.
    """
    if not functions or rounds < 1 or warm_up < 0:
        raise ValueError("relative_times needs functions, and a round at least")
    for function in functions.values():
        for _ in range(warm_up):
            function()
    seconds: dict[str, list[float]] = {name: [] for name in functions}
    for _ in range(rounds):
        for name, function in functions.items():
            start = time.perf_counter()
            function()
            seconds[name].append(time.perf_counter() - start)
    return {name: float(np.median(taken)) for name, taken in seconds.items()}
