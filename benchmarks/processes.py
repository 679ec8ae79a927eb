"""What each library costs beside the training itself: in new processes, and on disk.

python benchmarks/processes.py OUT.json REPEATS
"""

import json
import os
import subprocess
import sys
import tempfile
import time
from importlib import metadata
from importlib.util import find_spec
from pathlib import Path
from statistics import median

from measure import REST
from packaging.requirements import Requirement
from peers import contestant
from worker import why

HERE = Path(__file__).parent
TRAINERS = ("pellucid", "pytorch", "jax", "keras", "scikit_learn")


def child(*arguments, **variables):
    """Return the last line that a new Python process prints."""
    time.sleep(REST)
    done = subprocess.run(
        [sys.executable, *map(str, arguments)],
        env=os.environ | variables,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    if done.returncode:
        raise RuntimeError((done.stderr.strip().splitlines() or ["it failed"])[-1])
    return done.stdout.strip().rpartition("\n")[2]


def import_seconds(statement):
    """Return how long an import takes beyond that of NumPy."""
    text = (
        "import time, numpy; start = time.perf_counter(); "
        f"{statement}; print(time.perf_counter() - start)"
    )
    return float(child("-c", text))


def trained(name, what, seconds, **variables):
    """Return what `alone.py` found."""
    now = time.time()
    return json.loads(child(HERE / "alone.py", name, what, now, seconds, **variables))


def installed_bytes(packages):
    """Return the size of distributions with all that they need."""
    seen, waiting, total = set(), list(packages), 0
    while waiting:
        name = waiting.pop().lower().replace("_", "-").replace(".", "-")
        if name in seen:
            continue
        seen.add(name)
        try:
            found = metadata.distribution(name)
        except metadata.PackageNotFoundError:
            continue  # needed elsewhere, or by an extra
        total += sum(_size(path) for path in _files(found))
        for text in found.requires or []:
            needed = Requirement(text)
            if needed.marker is None or needed.marker.evaluate({"extra": ""}):
                waiting.append(needed.name)
    return total


def _files(found):
    origin = json.loads(found.read_text("direct_url.json") or "{}")
    if origin.get("dir_info", {}).get("editable"):
        folder = Path(find_spec(found.name).origin).parent
        yield from (p for p in folder.rglob("*") if p.suffix not in (".nbi", ".nbc"))
        return
    for path in found.files or []:
        yield Path(path.locate())


def _size(path):
    return path.stat().st_size if path.is_file() else 0


def measure(name, repeats):
    """Return all figures of one library."""
    peer = contestant(name)
    child("-c", peer.imports)  # bytecode is there from now on
    imports = [import_seconds(peer.imports) for _ in range(repeats)]
    found = {
        "import": min(imports),
        "import_median": median(imports),
        "installed_bytes": installed_bytes(peer.packages),
    }
    with tempfile.TemporaryDirectory() as empty:
        caches = {"PELLUCID_CACHE": empty, "NUMBA_CACHE_DIR": empty}
        runs = [trained(name, "first", 0, **caches) for _ in range(repeats + 1)]
    found["first_cold"], warm = runs[0], runs[1:]
    found["first_warm"] = min(warm, key=lambda run: run["since_start"])
    found["first_warm_median"] = median(run["since_start"] for run in warm)
    found["peak_bytes"] = trained(name, "memory", 1)["peak_bytes"]
    return found


def main(out, repeats):
    results = {}
    for name in TRAINERS:
        try:
            results[name] = measure(name, int(repeats))
        except Exception as error:  # a gap, and said
            results[name] = {"gap": why(error)}
    text = "import numpy, alone; print(alone.peak_bytes())"
    results["numpy"] = {"peak_bytes": int(child("-c", text, PYTHONPATH=str(HERE)))}
    Path(out).write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main(*sys.argv[1:])
