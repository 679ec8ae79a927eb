"""What the driver takes: a table of calls, and aligned memory for what they compute."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

ALIGNMENT = 64


def address(array: NDArray[Any]) -> int:
    """Return where an array's memory begins.

    Parameters
    ----------
    array : ndarray
        Any.

    Returns
    -------
    int
    """
    return int(array.ctypes.data)


def aligned(size: int) -> tuple[NDArray[np.uint8], int]:
    """Return some memory, and an aligned address in it.

    Parameters
    ----------
    size : int
        Bytes from that address.

    Returns
    -------
    tuple of (ndarray of uint8, int)
    """
    memory = np.zeros(size + ALIGNMENT, dtype=np.uint8)
    return memory, -(-address(memory) // ALIGNMENT) * ALIGNMENT


Calls = list[tuple[int, list[int]]]  # addresses of kernels, and their operands


class Table:
    """Calls and operands of one or several lists of calls, as the driver takes them."""

    def __init__(self) -> None:
        self._calls: list[tuple[int, int]] = []
        self._operands: list[int] = []

    def add(self, calls: Calls) -> tuple[int, int]:
        """Append calls; return the first and the one behind the last.

        Parameters
        ----------
        calls : list of (int, list of int)
            Kernel addresses and operands.

        Returns
        -------
        tuple of (int, int)
        """
        begin = len(self._calls)
        for address, operands in calls:
            self._calls.append((address, len(self._operands)))
            self._operands += operands
        return begin, len(self._calls)

    def arrays(self) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Return calls and operands as arrays."""
        calls = np.array(self._calls, dtype=np.int64).reshape(-1, 2)
        return calls, np.array(self._operands or [0], dtype=np.int64)
