"""What the machine allows: processors, limits, and how to give way to other threads."""

import ctypes
import os
import sys
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any


def available() -> int:
    """Return how many threads this process may use at once.

    The processors it is bound to, the limit of its control group, and
    ``OMP_NUM_THREADS``, whichever is least.

    Returns
    -------
    int
    """
    if hasattr(os, "sched_getaffinity"):
        found = len(os.sched_getaffinity(0))
    else:
        found = os.cpu_count() or 1
    quota = _quota()
    if quota is not None:
        found = min(found, max(1, round(quota)))
    wanted = os.environ.get("OMP_NUM_THREADS", "").partition(",")[0]
    if wanted.isdecimal() and int(wanted) > 0:
        found = min(found, int(wanted))
    return found


def _quota() -> float | None:
    """Return how many processors the control group allows, None without a limit."""
    try:
        limit, period = Path("/sys/fs/cgroup/cpu.max").read_text().split()[:2]
        return None if limit == "max" else int(limit) / int(period)
    except (OSError, ValueError):
        pass
    try:
        base = Path("/sys/fs/cgroup/cpu")
        limit = (base / "cpu.cfs_quota_us").read_text()
        period = (base / "cpu.cfs_period_us").read_text()
        return None if int(limit) <= 0 else int(limit) / int(period)
    except (OSError, ValueError):
        return None


@cache
def give_way() -> int:
    """Return the address of the function that lets another thread run."""
    if sys.platform == "win32":
        function = ctypes.windll.kernel32.SwitchToThread
    else:
        function = ctypes.CDLL(None).sched_yield
    return ctypes.cast(function, ctypes.c_void_p).value or 0


@cache
def cpu_features() -> frozenset[str]:
    """Return the names of the processor's vector extensions, as NumPy knows them."""
    try:
        umath: Any = import_module("numpy._core._multiarray_umath")
        found: dict[str, bool] = umath.__cpu_features__
    except (ImportError, AttributeError):
        return frozenset()
    return frozenset(name for name, there in found.items() if there)
