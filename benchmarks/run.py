"""Measure everything: `make bench`.

    python benchmarks/run.py [--quick] [--only WHAT ...]

Makes an environment with pellucid and its peers, measures, and writes results/*.json,
results/README.md and the figures in the project's README. A run on a quiet machine
takes about twenty minutes; `--quick` a third of that, for figures that are not to be
quoted (and that the project's README does not take). With `--only`, the results of
everything else stay as they are.
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import environment
import readme
from cases import CASES
from peers import contestant

import report

HERE = Path(__file__).parent
RESULTS = HERE / "results"
PARTS = (
    *("accuracy", "training", "prediction", "images"),
    *("engines", "products", "processes", "growth"),
)


def tell(words):
    print(words, flush=True)


def save(name, found):
    path = RESULTS / f"{name}.json"
    path.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")


def one_case(python, case, seconds, turns):
    """Return the times of a case: most contestants together, some alone."""
    together = [name for name in case.contestants if not contestant(name).alone]
    apart = [[name] for name in case.contestants if contestant(name).alone]
    whole = {"seconds": {}, "gaps": {}, "load": []}
    for names in (together, *apart):
        found = in_worker(python, case, seconds, turns, names)
        for key, values in found.items():
            whole[key] = whole[key] + values if key == "load" else whole[key] | values
    return whole


def in_worker(python, case, seconds, turns, names):
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "found.json"
        command = [python, HERE / "worker.py", case.name, out, seconds, turns, *names]
        try:
            subprocess.run(
                list(map(str, command)),
                stderr=subprocess.DEVNULL,
                timeout=600 + 3 * seconds * turns * len(names),
                check=True,
            )
            return json.loads(out.read_text(encoding="utf-8"))
        except (subprocess.SubprocessError, OSError) as error:
            why = f"{type(error).__name__} of its process"
            return {"seconds": {}, "gaps": dict.fromkeys(names, why), "load": []}


def wanted(case, asked):
    """Return whether a case is among what was asked for."""
    names = {case.name, case.kind} | ({"images"} if case.image else set())
    return bool(names & set(asked))


def measure_cases(python, cases, seconds, turns, quick):
    path = RESULTS / "cases.json"
    found = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    for case in cases:
        tell(f"{case.kind}: {case.name}")
        found[case.name] = one_case(python, case, seconds, turns) | {"quick": quick}
        for name, taken in found[case.name]["seconds"].items():
            tell(f"  {contestant(name).title:34} {report.seconds(taken['min'])}")
        for name, why in found[case.name]["gaps"].items():
            tell(f"  {contestant(name).title:34} gap: {why}")
        save("cases", {name: found[name] for name in CASES if name in found})


def machine(python):
    """Return what the machine is and can do."""
    text = (
        "import json, machine; "
        "found = machine.description() | {'load': [machine.load()]}; "
        "found['peak'] = [machine.peak(1), machine.peak(2)]; "
        "found['numpy_peak'] = machine.numpy_peak(); print(json.dumps(found))"
    )
    done = subprocess.run(
        [python, "-c", text], cwd=HERE, stdout=subprocess.PIPE, text=True, check=True
    )
    return json.loads(done.stdout)


def main():
    parser = argparse.ArgumentParser(description="Measure pellucid and its peers.")
    parser.add_argument("--quick", action="store_true", help="short, and not quotable")
    parser.add_argument(
        "--only",
        nargs="+",
        choices=[*PARTS, *CASES],
        default=PARTS,
        metavar="WHAT",
        help=f"some of: {', '.join([*PARTS, *CASES])}",
    )
    asked, start = parser.parse_args(), time.perf_counter()
    seconds, turns, largest, repeats = (0.1, 2, 6, 2) if asked.quick else (0.4, 6, 7, 5)
    RESULTS.mkdir(exist_ok=True)
    python = str(environment.python())

    def script(name, *arguments):
        tell(name)
        command = [python, HERE / f"{name}.py", *arguments]
        if subprocess.run(list(map(str, command)), check=False).returncode:
            tell(f"  {name}: it failed; a gap in the results")

    before = machine(python)
    if "accuracy" in asked.only:
        subprocess.run([sys.executable, HERE / "real_data.py"], check=False)
    measure_cases(
        python,
        [case for case in CASES.values() if wanted(case, asked.only)],
        seconds,
        turns,
        asked.quick,
    )
    if "engines" in asked.only:
        script("engines", RESULTS / "engines.json", seconds, max(2, turns // 2))
    if "products" in asked.only:
        script("products", RESULTS / "products.json", seconds / 5)
    if "processes" in asked.only:
        script("processes", RESULTS / "processes.json", repeats)
    if "growth" in asked.only:
        script("growth", RESULTS, seconds, largest)
    after = machine(python)
    peak = [
        max(pair) if None not in pair else None
        for pair in zip(before["peak"], after["peak"], strict=True)
    ]
    load = before["load"] + after["load"]
    save("machine", before | {"peak": peak, "load": load, "quick": asked.quick})
    words = report.text(report.read(RESULTS))
    (RESULTS / "README.md").write_text(words, encoding="utf-8")
    readme.write()
    minutes = (time.perf_counter() - start) / 60
    tell(f"Written after {minutes:.0f} minutes: {RESULTS / 'README.md'}")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
