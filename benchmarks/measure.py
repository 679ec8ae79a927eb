"""Timing: contestants take turns, and rest in between.

Threads of other libraries spin for a while after their work is done and would slow down
whoever comes next; hence the rest.
"""

import time
from statistics import median

REST = 0.25


def blocks_for(run, seconds):
    """Return how many blocks take some time."""
    blocks = 1
    while True:
        start = time.perf_counter()
        run(blocks)
        passed = time.perf_counter() - start
        if passed >= seconds:
            return blocks
        blocks = max(2 * blocks, int(0.8 * blocks * seconds / max(passed, 1e-9)))


def alternate(runs, seconds, turns, least):
    """Return the seconds of a block, of each contestant, round by round.

    Parameters
    ----------
    runs : dict of str to callable of int
        What makes so many blocks, by contestant.
    seconds : float
        How long each has at every turn.
    turns : int
        How often each has a turn; who begins changes.
    least : float
        Seconds that one measurement takes at least.

    Returns
    -------
    dict of str to list of float
    """
    blocks = {}
    for name, run in runs.items():
        time.sleep(REST)
        run(1)  # compiles
        blocks[name] = blocks_for(run, least)
    times = {name: [] for name in runs}
    names = list(runs)
    for turn in range(turns):
        first = turn % len(names)
        for name in names[first:] + names[:first]:
            time.sleep(REST)
            runs[name](1)  # fills the caches
            end = time.perf_counter() + seconds
            while True:
                start = time.perf_counter()
                runs[name](blocks[name])
                now = time.perf_counter()
                times[name].append((now - start) / blocks[name])
                if now >= end:
                    break
    return times


def summary(times, units):
    """Return minimum, median and number of some times, for each of a block's units."""
    return {
        "min": min(times) / units,
        "median": median(times) / units,
        "rounds": len(times),
    }
