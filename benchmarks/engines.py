"""The readable engine against the compiled one, by the public `fit`.

python benchmarks/engines.py OUT.json SECONDS TURNS
"""

import json
import sys
from pathlib import Path

import measure
from cases import TRAININGS
from peers import contestant


def main(out, seconds, turns):
    results = {}
    for case in TRAININGS:
        runs = {
            name: contestant(name).prepare(case)
            for name in ("pellucid", "pellucid_readable")
        }
        times = measure.alternate(runs, float(seconds), int(turns), case.least)
        results[case.name] = {
            name: measure.summary(taken, case.iterations)
            for name, taken in times.items()
        }
    Path(out).write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main(*sys.argv[1:])
