"""What this machine offers the engines, with a sentence of advice for each fact."""

import os
import platform
import sys
import time
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np

from pellucid._version import __version__
from pellucid.engines import missing_for_compiled
from pellucid.texttable import Table

# What processors can do, as NumPy names it.
_WIDTH = (
    ("AVX512_SKX", "AVX-512"),
    ("AVX2", "AVX2"),
    ("ASIMD", "NEON"),
    ("SSE42", "SSE"),
)


def machine_table() -> Table:
    """Return a table of facts: what there is, and what to make of it.

    Returns
    -------
    Table
        With the columns ``what``, ``here`` and ``advice``.
    """
    missing = missing_for_compiled()
    rows = [_python(), _processor()]
    if missing:
        rows.append(("compiled engine", "no", f"{missing}: everything runs in NumPy."))
    else:
        rows += _compiled()
    rows.append(_readable())
    return Table(("what", "here", "advice"), rows, title=f"pellucid {__version__}")


def _version(package: str) -> str:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return "none"


def _python() -> tuple[str, str, str]:
    packages = ("numpy", "numba")
    found = ", ".join(f"{name} {_version(name)}" for name in packages)
    return (
        "versions",
        f"Python {platform.python_version()}, {found}",
        "These belong in a report of a problem.",
    )


def processor_name() -> str:
    """Return what the processor calls itself.

    Returns
    -------
    str
    """
    if sys.platform == "linux":
        try:
            for line in Path("/proc/cpuinfo").read_text().splitlines():
                if line.startswith("model name"):
                    return line.partition(":")[2].strip()
        except OSError:
            pass
    return platform.processor() or platform.machine()


def _processor() -> tuple[str, str, str]:
    from pellucid.engines.compiled.machine import cpu_features

    features = cpu_features()
    width = next((name for key, name in _WIDTH if key in features), "no vectors known")
    advice = {
        "AVX-512": "16 float32 numbers at once: the best there is.",
        "AVX2": "8 float32 numbers at once: fine.",
        "NEON": "4 float32 numbers at once: fine.",
    }.get(width, "Old or unknown; training will be slower than elsewhere.")
    return "processor", f"{processor_name()}, {width}", advice


def _compiled() -> list[tuple[str, str, str]]:
    from pellucid.engines.compiled import cache, machine

    threads, cores = machine.available(), os.cpu_count() or 1
    limit = (
        "All of them may be used; a network takes as many as it has work for."
        if threads >= cores
        else "A limit of the process, its control group or OMP_NUM_THREADS is in force."
    )
    speeds = [_product_speed(bits) for bits in (32, 64)]
    return [
        (
            "compiled engine",
            "yes",
            "engine='auto' takes it wherever it can run a network.",
        ),
        ("threads", f"{threads} of {cores}", limit),
        (
            "matrix products",
            f"{speeds[0]:.0f} GF/s float32, {speeds[1]:.0f} GF/s float64",
            "On one thread, 512 x 512 x 512; other work on the machine lowers it.",
        ),
        (
            "kernels kept in",
            str(cache.folder()),
            "Set PELLUCID_CACHE to keep them elsewhere.",
        ),
    ]


def _product_speed(bits: int, size: int = 512) -> float:
    """Return the speed of matrix products on one thread, in GF/s."""
    from pellucid.engines.compiled import cache, library, runtime
    from pellucid.engines.compiled.cells import Numbers

    x, y, z = (np.ones((size, size), dtype=f"f{bits // 8}") for _ in range(3))
    address, numbers = cache.load(library.PRODUCT, bits), Numbers.empty()
    rows, columns = numbers.steps(size, size), numbers.steps(size, 1)
    row = [size, size, size, x.ctypes.data, rows, columns]
    row += [y.ctypes.data, size, z.ctypes.data, rows, 0]
    calls, operands = np.array([[address, 0]]), np.array(row)
    return _speed(lambda: runtime.run(calls, operands), size)


def _speed(product: Any, size: int) -> float:
    best = float("inf")
    for _ in range(8):
        start = time.perf_counter()
        product()
        best = min(best, time.perf_counter() - start)
    return 2.0 * size**3 / best / 1e9


def _readable() -> tuple[str, str, str]:
    x = np.ones((512, 512), dtype=np.float32)
    speed = _speed(lambda: x @ x, 512)
    return (
        "readable engine",
        f"{speed:.0f} GF/s float32",
        "NumPy's own BLAS with its own threads; pellucid leaves it as it is.",
    )
