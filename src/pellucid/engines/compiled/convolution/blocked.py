"""Operations that work on samples one after another: what the planner knows of them."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pellucid.engines.compiled import library

Row = tuple[str, list[int]]  # text of a kernel, and what it is called with

# Scratch memory that holds the same from one call to the next. It begins as zeros.
KEPT = {"kept filters", "of which", "kept split filters"}


@dataclass(frozen=True)
class Where:
    """Addresses that a call is made of.

    Parameters
    ----------
    inputs : tuple of int
        Of the arrays that are read.
    output : int
        Of the array that is written.
    beside : int
        Of a second one, of an operation that writes two.
    item : int
        Bytes of a number.
    samples : int
        How many there are.
    scratch : callable
        Returns the address of scratch memory by name.
    table : callable
        Returns the address of a table of offsets, made at its first use, by its name
        within the operation and by what it is of.
    steps : callable
        Returns the address of the table 0, step, 2 step... by count and step.
    """

    inputs: tuple[int, ...]
    output: int
    beside: int
    item: int
    samples: int
    scratch: Callable[[str], int]
    table: Callable[[str, Any, Callable[[], NDArray[np.int64]]], int]
    steps: Callable[[int, int], int]


class Blocked:
    """An operation in three parts, of which the middle one is done in blocks."""

    @property
    def together(self) -> int:
        """How many samples it takes at once."""
        return 1

    @property
    def scratch(self) -> dict[str, int]:
        """Memory it needs for the time of the call, in numbers, by name."""
        return {}

    def clear(self, at: Where, name: str, value: int = 0) -> Row:
        """Return the call that clears scratch memory for the samples of a block.

        Parameters
        ----------
        at : Where
            Addresses.
        name : str
            Of the memory.
        value : int
            0, or 1 for minus infinity.

        Returns
        -------
        Row
        """
        one = self.scratch[name] // self.together
        size = one * min(self.together, at.samples)
        return library.FILL, [1, size, at.scratch(name), value]

    def before(self, at: Where) -> list[Row]:
        """Return what is done once, before all samples.

        Parameters
        ----------
        at : Where
            Addresses.

        Returns
        -------
        list of Row
        """
        return []

    def block(self, at: Where, first: int, count: int) -> list[Row]:
        """Return what is done for some samples.

        Parameters
        ----------
        at : Where
            Addresses.
        first, count : int
            Which samples.

        Returns
        -------
        list of Row
        """
        raise NotImplementedError

    def after(self, at: Where) -> list[Row]:
        """Return what is done once, after all samples.

        Parameters
        ----------
        at : Where
            Addresses.

        Returns
        -------
        list of Row
        """
        return []


@dataclass
class MadeBefore(Blocked):
    """An operation whose result the one before it makes.

    Parameters
    ----------
    samples : int
        How many that one takes at once.
    """

    samples: int

    @property
    def together(self) -> int:
        return self.samples

    def block(self, at: Where, first: int, count: int) -> list[Row]:
        return []


def parts(first: int, count: int, size: int) -> list[tuple[int, int]]:
    """Return some samples in parts of a size, as (first, count).

    Parameters
    ----------
    first, count : int
        Which samples.
    size : int
        The most of a part.

    Returns
    -------
    list of (int, int)
    """
    return [
        (begin, min(size, first + count - begin))
        for begin in range(first, first + count, size)
    ]


def at_once(wanted: int, one: int) -> int:
    """Return how many samples are about so many numbers, as a power of two.

    Operations that take turns then begin together again and again, see `chains.py`.

    Parameters
    ----------
    wanted : int
        Numbers in all.
    one : int
        Numbers of a sample.

    Returns
    -------
    int
        From 1 to 64.
    """
    return int(2 ** min(6, max(0, round(math.log2(wanted / max(1, one))))))


def vector_width(*lengths: int) -> int:
    """Return the widest vector, of 16 numbers at most, that divides all lengths.

    Parameters
    ----------
    *lengths : int
        Lengths of rows of numbers.

    Returns
    -------
    int
        16, 8, 4, 2 or 1.
    """
    return next(w for w in (16, 8, 4, 2, 1) if not any(n % w for n in lengths))
