"""Train one network in a process with nothing else, and say what it took.

    python benchmarks/alone.py CONTESTANT first|memory SINCE SECONDS

SINCE is the time (seconds since the epoch) at which the process was started; training
goes on for at least SECONDS.
"""

import json
import resource
import sys
import time

from cases import FIRST, MEMORY
from peers import contestant


def peak_bytes():
    """Return the most memory this process has had."""
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit


def main(name, what, since, seconds):
    run = contestant(name).prepare({"first": FIRST, "memory": MEMORY}[what])
    start = time.perf_counter()
    run(1)
    trained = {
        "first_call": time.perf_counter() - start,
        "since_start": time.time() - float(since),
    }
    while time.perf_counter() - start < float(seconds):
        run(1)
    print(json.dumps(trained | {"peak_bytes": peak_bytes()}))


if __name__ == "__main__":
    main(*sys.argv[1:])
