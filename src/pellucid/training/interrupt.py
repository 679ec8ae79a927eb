"""Ctrl-C during training: the first finishes the batch, the second stops at once.

SIGTERM, with which systems end programs, does the same, and the program ends.
"""

import os
import signal
import threading
from types import FrameType, TracebackType
from typing import Any, Self

# What a program that has not chosen otherwise does with the signals.
_USUAL = {
    signal.SIGINT: signal.default_int_handler,
    signal.SIGTERM: signal.SIG_DFL,
}


class Interrupt:
    """Listens to Ctrl-C and SIGTERM while it is entered; only in the main thread.

    Attributes
    ----------
    asked : bool
        Whether training is to end.
    """

    def __init__(self) -> None:
        self.asked = False
        self._terminated = False
        self._before: dict[signal.Signals, Any] = {}

    def __enter__(self) -> Self:
        if threading.current_thread() is threading.main_thread():
            for number, usual in _USUAL.items():
                # Another program's own handling (or None, set from C) stays.
                if signal.getsignal(number) is usual:
                    self._before[number] = signal.signal(number, self._handle)
        return self

    def _handle(self, number: int, frame: FrameType | None) -> None:
        terminated = number == signal.SIGTERM
        if self.asked and terminated:
            signal.signal(signal.SIGTERM, signal.SIG_DFL)
            os.kill(os.getpid(), signal.SIGTERM)
        if self.asked:
            raise KeyboardInterrupt
        self.asked, self._terminated = True, terminated

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        where: TracebackType | None,
    ) -> None:
        for number, before in self._before.items():
            signal.signal(number, before)
        self._before = {}
        if self._terminated:
            # Not the signal once more: what is open is to be closed on the way out.
            raise SystemExit(128 + signal.SIGTERM)
