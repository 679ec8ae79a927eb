"""pellucid's matrix product against OpenBLAS's, for the products that networks have.

    python benchmarks/products.py OUT.json SECONDS

OpenBLAS comes as the package scipy-openblas32. Its kernels for AVX-512 and for AVX2 are
two libraries in this process, which take turns with pellucid's product, all on one
thread. The same follows as on a processor without AVX-512: then Numba compiles for
"haswell", and the kernels for AVX2 are what to compare with.
"""

import ctypes
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from unittest.mock import patch

import numpy as np
from machine import load

LAYERS = (  # rows of a batch, inputs, outputs
    (4, 3, 4),
    (32, 2, 16),
    (32, 16, 16),
    (64, 54, 256),
    (64, 256, 256),
    (64, 784, 128),
    (64, 128, 64),
    (128, 784, 1024),
    (128, 1024, 1024),
    (1024, 1024, 1024),
    (64, 4096, 4096),
    (32, 8192, 8192),
    (1, 20, 32),
    (1, 784, 128),
    (1, 1024, 1024),
)
ROUND = 2e-3  # seconds that one measurement takes, about

# The time of this thread alone, so that what else runs counts less; Windows counts it
# too coarsely.
clock = time.perf_counter if sys.platform == "win32" else time.thread_time
HASWELL = {"NUMBA_CPU_NAME": "haswell", "NUMBA_CPU_FEATURES": ""}


def products(layer):
    """Yield the three products of a dense layer: what, m, n, k, and which is turned."""
    rows, inputs, outputs = layer
    yield "x W", rows, outputs, inputs, "NN"
    yield "x.T dz", inputs, outputs, rows, "TN"
    yield "dz W.T", rows, inputs, outputs, "NT"


def ours(x, y, z, form="NN"):
    """Return what makes so many products z = x y by pellucid's kernel."""
    from pellucid.engines.compiled import cache as kernels
    from pellucid.engines.compiled import library, runtime
    from pellucid.engines.compiled.cells import Numbers

    numbers, (m, n), turned = Numbers.empty(), z.shape, form[0] == "T"
    long_x = x.shape[1]
    steps, k = ((1, long_x), x.shape[0]) if turned else ((long_x, 1), long_x)
    tables = numbers.steps(m, steps[0]), numbers.steps(k, steps[1])
    row = [m, n, k, x.ctypes.data, *tables, y.ctypes.data, y.shape[1]]
    row += [z.ctypes.data, numbers.steps(m, n)]
    operands = np.array([*row, library.TURNED if form[1] == "T" else 0])
    address = kernels.load(library.PRODUCT, 8 * x.itemsize)
    calls = cache(lambda count: np.array([[address, 0]] * count))

    def run(count):
        runtime.run(calls(count), operands)

    run.memory = numbers, x, y, z  # which it must not outlive
    return run


def openblas(names, folder):
    """Return functions like `ours` by the names of OpenBLAS's kernels.

    Where a name says nothing to OpenBLAS it takes those that it would have chosen.
    """
    import scipy_openblas32

    where = Path(scipy_openblas32.get_lib_dir())
    (library,) = (f for f in where.iterdir() if f.name.startswith("libscipy_openblas"))
    found = {}
    for name in names:
        copy = shutil.copy(library, folder / f"{name}{library.suffix}")
        wanted = {"OPENBLAS_CORETYPE": name, "OPENBLAS_NUM_THREADS": "1"}
        with patch.dict(os.environ, wanted):
            loaded = ctypes.CDLL(copy)
        loaded.scipy_openblas_set_num_threads(1)
        loaded.scipy_openblas_get_corename.restype = ctypes.c_char_p
        chosen = loaded.scipy_openblas_get_corename().decode()
        found[chosen] = {
            32: loop_of(loaded.scipy_cblas_sgemm, ctypes.c_float),
            64: loop_of(loaded.scipy_cblas_dgemm, ctypes.c_double),
        }
    return found


def loop_of(gemm, real):
    """Return a function like `ours` whose loop is compiled too."""
    from numba import njit

    whole, pointer = ctypes.c_int, ctypes.c_void_p
    gemm.argtypes = [whole] * 6 + [real, pointer, whole, pointer, whole, real]
    gemm.argtypes += [pointer, whole]
    gemm.restype = None

    @njit
    def repeat(count, turned_x, turned_y, k, x, y, z):
        (m, n), long_x, long_y = z.shape, x.shape[1], y.shape[1]
        x, y, z = x.ctypes, y.ctypes, z.ctypes
        for _ in range(count):
            gemm(101, turned_x, turned_y, m, n, k, 1, x, long_x, y, long_y, 0, z, n)

    def contestant(x, y, z, form):
        turned = [112 if letter == "T" else 111 for letter in form]
        k = x.shape[0] if form[0] == "T" else x.shape[1]
        return lambda count: repeat(count, *turned, k, x, y, z)

    return contestant


def measured(contestants, m, n, k, form, dtype, seconds):
    """Return the shortest time of a product, by contestant."""
    r = np.random.default_rng(0)
    x, y = (
        r.standard_normal(shape[::-1] if letter == "T" else shape).astype(dtype)
        for shape, letter in zip(((m, k), (k, n)), form, strict=True)
    )
    results = {name: np.zeros((m, n), dtype) for name in contestants}
    runs = {name: f(x, y, results[name], form) for name, f in contestants.items()}
    count = max(1, int(ROUND / (2 * m * n * k / 5e10 + 1e-7)))
    best = dict.fromkeys(runs, float("inf"))
    for run in runs.values():
        run(1)
    for z in results.values():
        close = 1e-3 if dtype == "float32" else 1e-9
        np.testing.assert_allclose(z, results["pellucid"], close, close * k**0.5)
    end, rounds = time.perf_counter() + seconds * len(runs), 0
    while rounds < 10 or time.perf_counter() < end:
        rounds += 1
        for name, run in runs.items():
            start = clock()
            run(count)
            best[name] = min(best[name], (clock() - start) / count)
    return best


def all_products(names, seconds):
    """Return a row for each product of each layer, in both types."""
    rows = []
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        others = openblas(names, Path(folder))
        for layer in LAYERS:
            for what, m, n, k, form in products(layer):
                row = {"layer": layer, "product": what, "seconds": {}}
                for bits in (32, 64):
                    contestants = {"pellucid": ours}
                    contestants |= {name: made[bits] for name, made in others.items()}
                    sizes = m, n, k, form, f"float{bits}"
                    row["seconds"][f"float{bits}"] = measured(
                        contestants, *sizes, seconds
                    )
                rows.append(row)
    return rows


def as_haswell(seconds):
    """Return the rows of a process that takes the processor for one with AVX2 only."""
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "found.json"
        done = subprocess.run(
            [sys.executable, __file__, str(out), str(seconds), "haswell"],
            env=os.environ | HASWELL | {"PELLUCID_CACHE": folder},
            check=False,
        )
        return [] if done.returncode else json.loads(out.read_text(encoding="utf-8"))


def main(out, seconds, processor=""):
    from pellucid.engines.compiled import machine

    if find_spec("scipy_openblas32") is None:
        raise SystemExit("scipy-openblas32 is not installed.")
    if processor == "haswell":
        machine.cpu_features = lambda: frozenset(["AVX2"])
        found = all_products(["Haswell"], float(seconds))
    else:
        wide, before = "AVX512F" in machine.cpu_features(), load()
        names = ["SkylakeX", "Haswell"] if wide else ["Haswell"]
        found = {"here": all_products(names, float(seconds))}
        found["haswell"] = as_haswell(seconds) if wide else []
        found["load"] = [before, load()]
    Path(out).write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main(*sys.argv[1:])
