"""The machine, its load, and the most that its processor can do."""

import ctypes
import os
import platform
import threading
import time
from importlib import metadata
from pathlib import Path

import numpy as np

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
        "kernels": _kernels(),
    }


def load():
    """Return the mean number of runnable processes of the last minute, if known."""
    return os.getloadavg()[0] if hasattr(os, "getloadavg") else None


def peak(threads, seconds=1.0):
    """Return the most GF/s that products of matrices reach, each thread with its own.

    Through the BLAS that pellucid uses, in float32.
    """
    from pellucid.engines.compiled import blas

    found = blas.load()
    if found is None:
        return None
    integer, real, pointer = ctypes.c_int, ctypes.c_float, ctypes.c_void_p
    kinds = [integer] * 6 + [real, pointer, integer, pointer, integer, real, pointer]
    sgemm = ctypes.CFUNCTYPE(None, *kinds, integer)(found.sgemm)
    return max(_rate(sgemm, n, threads, seconds / 3) for n in (256, 384, 768))


def _rate(sgemm, n, threads, seconds):
    """Return the GF/s of the best of some rounds of n x n products."""
    matrices = [np.ones((3, n, n), np.float32) for _ in range(threads)]
    calls = max(1, int(3e8 / (2 * n**3)))  # about a millisecond
    start = threading.Barrier(threads + 1)
    done = threading.Barrier(threads + 1)
    rounds = [True]

    def work(x, y, z):
        while True:
            start.wait()
            if not rounds[0]:
                return
            for _ in range(calls):
                sgemm(101, 111, 111, n, n, n, 1.0, x, n, y, n, 0.0, z, n)
            done.wait()

    team = [
        threading.Thread(target=work, args=[a.ctypes.data for a in three], daemon=True)
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


def _kernels():
    from pellucid.engines.compiled import blas

    found = blas.load()
    return None if found is None else found.kernels


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
