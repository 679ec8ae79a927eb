"""A second thread for a prediction of a few rows: both take calls that do not wait.

Calls come in groups: those of a group may be made at the same time, groups one after
another. Whoever is free takes the next call of the present group. If the second thread
is asleep, or kept from running, the first one makes all of them, and waits for nothing.
"""

import os
import threading
import time
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pellucid.engines.compiled import machine
from pellucid.engines.compiled.table import address
from pellucid.engines.compiled.teams import Teams
from pellucid.engines.compiled.turns import (
    AWAKE,
    CALLS,
    GROUPS,
    INSIDE,
    OPERANDS,
    STATE,
    follow,
    lead,
)

ROUNDS = 100_000  # that the second thread waits for the next run, before it sleeps
TOGETHER = 15  # runs of which the usual one counts
SOON = 0.002  # seconds after a run in which the next one is likely
NUMBERS = 2**31 - 1  # runs are numbered up to this, and then again from 1


class SharedCalls:
    """Calls in groups, for one thread or two, whichever is quicker.

    Parameters
    ----------
    calls, operands : ndarray of int
        See `Table.arrays`.
    groups : list of (int, int)
        The first call of each group, and the one behind its last.
    """

    def __init__(
        self,
        calls: NDArray[np.int64],
        operands: NDArray[np.int64],
        groups: list[tuple[int, int]],
    ) -> None:
        self.calls, self.operands = calls, operands
        self.groups = np.array(groups, dtype=np.int64)
        state = np.zeros(2 * len(groups), dtype=np.int64)
        self.arrays = self.calls, self.operands, self.groups, state
        self.places = [address(vector) for vector in self.arrays]
        self.teams = Teams(2, pace=0.0)
        self._times: list[float] = []

    def took(self, seconds: float) -> None:
        """Take down how long a run took, and choose who makes the next.

        Parameters
        ----------
        seconds : float
            How long those took who work now.
        """
        self._times.append(seconds)
        if len(self._times) == TOGETHER:  # one alone may have been interrupted
            usual = sorted(self._times)[TOGETHER // 2]
            self.teams.worked(TOGETHER * usual, TOGETHER)
            self._times.clear()


class Helper:
    """The second thread of this process, for one run at a time."""

    def __init__(self) -> None:
        self.process = os.getpid()
        self.words = np.zeros(16, dtype=np.int64)
        self.lock = threading.Lock()  # of who leads
        self.bell = threading.Event()
        self.thread: threading.Thread | None = None
        self.number, self.ended = 0, 0.0
        self.kept: Any = None  # the arrays of the last run, which may still be read

    def _work(self) -> None:
        while True:
            self.bell.wait()
            self.bell.clear()
            follow(self.words, ROUNDS, machine.give_way())

    def lead(self, shared: SharedCalls) -> bool:
        """Make all calls with the second thread, unless it is busy.

        Parameters
        ----------
        shared : SharedCalls
            What to do.

        Returns
        -------
        bool
            Whether it is done.
        """
        if not self.lock.acquire(blocking=False):
            return False
        try:
            words = self.words
            if words[INSIDE]:
                return False
            if self.thread is None:
                self.thread = threading.Thread(target=self._work, daemon=True)
                self.thread.start()
            # One run alone is not worth waking it up.
            start = time.perf_counter()
            if not words[AWAKE] and start - self.ended < SOON:
                self.bell.set()
            self.number = self.number % NUMBERS + 1
            self.kept = shared
            words[[CALLS, OPERANDS, GROUPS, STATE]] = shared.places
            led = lead(words, self.number, *shared.arrays, machine.give_way())
            self.ended = time.perf_counter()
            if led:
                shared.took(self.ended - start)
            return bool(led)
        finally:
            self.lock.release()


_helpers: list[Helper] = []


def helper() -> Helper:
    """Return the helper of this process; one that was forked has none yet."""
    if not _helpers or _helpers[0].process != os.getpid():
        _helpers[:] = [Helper()]
    return _helpers[0]
