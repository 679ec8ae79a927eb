"""The machine, its load, and the most that its processor can do."""

import ctypes
import os
import platform
import threading
import time
from importlib import metadata
from pathlib import Path

import numpy as np

from pellucid.engines import missing_for_compiled

PACKAGES = (
    "pellucid",
    "numpy",
    "numba",
    "scipy-openblas32",
    "torch",
    "jax",
    "keras",
    "scikit-learn",
    "onnxruntime",
)
SIZES = (256, 384, 768)  # of matrices that show the peak


def description():
    """Return what the machine is, and which versions are installed."""
    versions = {}
    for name in PACKAGES:
        try:
            versions[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            versions[name] = None
    return {
        "processor": _processor(),
        "cores": len(os.sched_getaffinity(0))
        if hasattr(os, "sched_getaffinity")
        else os.cpu_count(),
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
        "versions": versions,
        "register_bits": _register_bits(),
    }


def load():
    """Return the mean number of runnable processes of the last minute, if known."""
    return os.getloadavg()[0] if hasattr(os, "getloadavg") else None


def peak(threads, seconds=1.0):
    """Return the most GF/s that products of matrices reach, each thread with its own.

    By pellucid's own product, in float32.
    """
    if missing_for_compiled():
        return None
    return max(_rate(n, threads, seconds / 3) for n in SIZES)


def numpy_peak(seconds=1.0):
    """Return the most GF/s of NumPy's products, with as many threads as it takes."""
    best = 0.0
    for n in SIZES:
        x = np.ones((n, n), np.float32)
        end = time.perf_counter() + seconds / 3
        while time.perf_counter() < end:
            begin = time.perf_counter()
            x @ x
            best = max(best, 2e-9 * n**3 / (time.perf_counter() - begin))
    return best


def _rate(n, threads, seconds):
    """Return the GF/s of the best of some rounds of n x n products."""
    from products import ours

    matrices = [np.ones((3, n, n), np.float32) for _ in range(threads)]
    calls = max(1, int(3e8 / (2 * n**3)))  # about a millisecond
    start = threading.Barrier(threads + 1)
    done = threading.Barrier(threads + 1)
    rounds = [True]

    def work(run):
        while True:
            start.wait()
            if not rounds[0]:
                return
            run(calls)
            done.wait()

    team = [
        threading.Thread(target=work, args=[ours(*three)], daemon=True)
        for three in matrices
    ]
    for thread in team:
        thread.start()
    best, end = float("inf"), time.perf_counter() + seconds
    while time.perf_counter() < end:
        begin = time.perf_counter()
        start.wait()
        done.wait()
        best = min(best, time.perf_counter() - begin)
    rounds[0] = False
    start.wait()
    return 2 * n**3 * calls * threads / best / 1e9


def _processor():
    """Return the name of the processor; the numbers tell its generation."""
    try:
        text = Path("/proc/cpuinfo").read_text(encoding="utf-8")
    except OSError:
        return platform.processor() or platform.machine()
    lines = (line.partition(":") for line in text.split("\n\n")[0].splitlines())
    found = {name.strip(): value.strip() for name, _, value in lines}
    numbers = [f"{key} {found[key]}" for key in ("cpu family", "model") if key in found]
    return f"{found.get('model name', platform.machine())} ({', '.join(numbers)})"


def _register_bits():
    """Return the bits of the vectors that the compiled engine uses, None without it."""
    if missing_for_compiled():
        return None
    from pellucid.engines.compiled.vectors import register_bytes

    return 8 * register_bytes()


def memory(what):
    """Return a number of bytes that Linux knows of this process, None elsewhere.

    Parameters
    ----------
    what : str
        ``"VmRSS"`` (in use now) or ``"VmHWM"`` (the most since `restart_peak`).
    """
    try:
        lines = Path("/proc/self/status").read_text(encoding="utf-8").splitlines()
    except OSError:
        return None
    line = next(line for line in lines if line.startswith(what))
    return 1024 * int(line.split()[1])


def restart_peak():
    """Give back memory that is free, and forget the most that was in use."""
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)  # where glibc is
    if trim is not None:
        trim(0)
    Path("/proc/self/clear_refs").write_text("5", encoding="utf-8")
