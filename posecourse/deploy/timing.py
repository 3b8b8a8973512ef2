"""How long functions take, one beside the other."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping

__all__ = ["relative_times"]


def relative_times(
    functions: Mapping[str, Callable[[], object]],
    rounds: int = 30,
    warm_up: int = 3,
    clock: Callable[[], float] = time.perf_counter,
) -> dict[str, float]:
    """Seconds that each of some functions takes, measured in turns.

    What else a computer does changes from second to second. So the functions
    take turns, each once per round, and all meet the same weather; and since
    others can only make a function slower, its fastest round counts. Quotients
    of what comes out can be trusted more than the seconds.

    Parameters
    ----------
    functions:
        By name; called without arguments.
    rounds:
        How often each is timed.
    warm_up:
        Calls before, not timed: the first ones fill caches and allocate.
    clock:
        What tells the seconds. `time.process_time` counts those that this
        program computes, on all cores together, and not those in which it
        waits for others: for functions of one thread on a busy machine.

    Returns
    -------
    The seconds of each function's fastest round, by name.
    """
    if not functions or rounds < 1 or warm_up < 0:
        raise ValueError("relative_times needs functions, and a round at least")
    for function in functions.values():
        for _ in range(warm_up):
            function()
    seconds = dict.fromkeys(functions, float("inf"))
    for _ in range(rounds):
        for name, function in functions.items():
            start = clock()
            function()
            seconds[name] = min(seconds[name], clock() - start)
    return seconds
