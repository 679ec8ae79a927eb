"""What a large table costs at the command line: seconds, and memory at its peak.

    python benchmarks/large_tables.py FOLDER [MEGABYTES]

Makes two tables in FOLDER. One has 100,000 rows and 50 columns, 10 of them categories;
it is trained on as `pellucid train` does it by itself, to the finished report. The
other is a CSV of MEGABYTES (500), on which one epoch is trained, and for whose rows
the network is then asked for answers. FOLDER receives large_tables.json.

The peak is the resident set as Linux counts it (``ru_maxrss``), with the pages of
mapped files in it, which the system may take away at any time; "own" is memory that it
cannot take away (``RssAnon``, looked at ten times a second).
"""

import json
import os
import sys
import threading
import time
from pathlib import Path

import numpy as np

MIB = 2**20
CITIES = [f"city {n:02d}" for n in range(40)]


def wide(path, rows=100_000):
    """Write 40 numbers, one in fifty of them missing, 10 categories and a class."""
    r = np.random.default_rng(1)
    numbers = r.normal(size=(rows, 40))
    levels = [3, 3, 4, 5, 6, 8, 12, 20, 40, 100]
    codes = np.stack([r.integers(0, count, rows) for count in levels], axis=1)
    effects = [r.normal(size=count) for count in levels]
    score = numbers[:, 0] * numbers[:, 1] + numbers[:, 2] + np.sin(2 * numbers[:, 3])
    score += sum(effect[codes[:, k]] for k, effect in enumerate(effects)) / 2
    score += r.normal(size=rows)
    kind = np.digitize(score, np.quantile(score, [0.4, 0.8]))
    gaps = r.random(numbers.shape) < 0.02
    names = [f"x{k}" for k in range(40)] + [f"c{k}" for k in range(10)] + ["kind"]
    with path.open("w", encoding="utf-8") as file:
        file.write(",".join(names) + "\n")
        for row in range(rows):
            cells = [
                "" if gap else f"{value:.4f}"
                for value, gap in zip(numbers[row], gaps[row], strict=True)
            ]
            cells += [f"level {code}" for code in codes[row]]
            cells.append(("low", "middle", "high")[kind[row]])
            file.write(",".join(cells) + "\n")


def long(path, megabytes):
    """Write rows of eight numbers, a city and a whole number, until it is so large."""
    r = np.random.default_rng(2)
    with path.open("w", encoding="utf-8") as file:
        file.write(",".join([*(f"x{k}" for k in range(8)), "city", "visits", "y\n"]))
        while file.tell() < megabytes * 10**6:
            x = r.normal(size=(10_000, 8))
            city = r.integers(0, len(CITIES), 10_000)
            visits = r.poisson(3, 10_000)
            y = x[:, 0] * x[:, 1] + np.sin(city) + visits / 3
            y += 0.5 * r.normal(size=10_000)
            for row in range(10_000):
                cells = [f"{value:.6f}" for value in x[row]]
                cells += [CITIES[city[row]], str(visits[row]), f"{y[row]:.4f}"]
                file.write(",".join(cells) + "\n")


def measured(arguments, output=None):
    """Run a command of pellucid, and return seconds and memory."""
    program = [sys.executable, "-c", "from pellucid.cli import main; main()"]
    start, own, done = time.perf_counter(), [0], threading.Event()
    with Path(output or os.devnull).open("w") as file:
        process = os.posix_spawn(
            sys.executable,
            [*program, *map(str, arguments)],
            os.environ,
            file_actions=[(os.POSIX_SPAWN_DUP2, file.fileno(), 1)],
        )

    def watch():
        while not done.wait(0.1):
            try:
                text = Path(f"/proc/{process}/status").read_text()
            except OSError:
                return
            lines = [s for s in text.splitlines() if s.startswith("RssAnon")]
            own.extend(1024 * int(line.split()[1]) for line in lines)

    watcher = threading.Thread(target=watch)
    watcher.start()
    _, status, used = os.wait4(process, 0)
    done.set()
    watcher.join()
    if status:
        sys.exit(f"{arguments} ended with {os.waitstatus_to_exitcode(status)}")
    return {
        "command": "pellucid " + " ".join(Path(str(a)).name for a in arguments),
        "seconds": round(time.perf_counter() - start, 1),
        "processor_seconds": round(used.ru_utime + used.ru_stime, 1),
        "peak_mib": round(used.ru_maxrss / 1024),
        "own_mib": round(max(own) / MIB),
        "load_before": round(os.getloadavg()[2], 2),
    }


def main(folder, megabytes=500):
    folder.mkdir(parents=True, exist_ok=True)
    found = []

    def note(*arguments, **settings):
        found.append(measured(arguments, **settings))
        print(json.dumps(found[-1]), flush=True)

    small, large = folder / "wide.csv", folder / f"long-{megabytes}.csv"
    if not small.exists():
        wide(small)
    if not large.exists():
        long(large, megabytes)
    note("train", small, "--target", "kind", "-o", folder / "wide", "-q")
    model = folder / "long" / "model.pellucid"
    short = ("--epochs", 1, "-q")
    note("train", large, "--target", "y", *short, "-o", model.parent)
    note("predict", model, large, "-o", folder / "answers.csv")
    note("evaluate", model, large)
    note("explain", model, large, "--row", 1000)
    content = {
        "processors": os.cpu_count(),
        "megabytes": large.stat().st_size / 10**6,
        "commands": found,
    }
    (folder / "large_tables.json").write_text(json.dumps(content, indent=2) + "\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]), *map(int, sys.argv[2:]))
