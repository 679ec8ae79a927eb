"""Ctrl-C during training: the first finishes the batch, the second stops at once."""

import signal
import threading
from types import FrameType, TracebackType
from typing import Any, Self


class Interrupt:
    """Listens to Ctrl-C while it is entered; only in the main thread."""

    def __init__(self) -> None:
        self.asked = False
        self._before: Any = None
        self._active = False

    def __enter__(self) -> Self:
        if threading.current_thread() is threading.main_thread():
            self._before = signal.getsignal(signal.SIGINT)
            # Another program's own handling of Ctrl-C (or None, set from C) stays.
            if self._before is signal.default_int_handler:
                signal.signal(signal.SIGINT, self._handle)
                self._active = True
        return self

    def _handle(self, number: int, frame: FrameType | None) -> None:
        if self.asked:
            raise KeyboardInterrupt
        self.asked = True

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        where: TracebackType | None,
    ) -> None:
        if self._active:
            signal.signal(signal.SIGINT, self._before)
            self._active = False
