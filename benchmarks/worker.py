"""Measure one case with some contestants, in turns, in this process.

python benchmarks/worker.py CASE OUT.json SECONDS TURNS CONTESTANT...
"""

import json
import sys
from pathlib import Path

import measure
from cases import CASES
from machine import load
from peers import contestant


def why(error):
    """Return an error in one line."""
    lines = str(error).strip().splitlines() or [""]
    return f"{type(error).__name__}: {lines[0][:200]}"


def main(name, out, seconds, turns, *names):
    case = CASES[name]
    runs, gaps, before = {}, {}, load()
    for each in names:
        try:
            runs[each] = contestant(each).prepare(case)
            runs[each](1)
        except Exception as error:  # whatever goes wrong in a peer is a gap, and said
            runs.pop(each, None)
            gaps[each] = why(error)
    times = measure.alternate(runs, float(seconds), int(turns), case.least)
    found = {
        "seconds": {
            each: measure.summary(taken, case.iterations)
            for each, taken in times.items()
        },
        "gaps": gaps,
        "load": [before, load()],
    }
    Path(out).write_text(json.dumps(found), encoding="utf-8")


if __name__ == "__main__":
    main(*sys.argv[1:])
