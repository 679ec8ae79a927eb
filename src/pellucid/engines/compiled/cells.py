"""Cells for the numbers that kernels read, and tables of offsets."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pellucid.engines.compiled.plan import UnsupportedError


@dataclass
class Numbers:
    """What kernels read besides arrays: settings, the learning rate, tables of offsets.

    Parameters
    ----------
    vector : ndarray of float64
        Cells for numbers.
    places : dict
        Which cell holds what.
    tables : dict
        The tables, by what they are of.
    given : dict
        Addresses of numbers that are elsewhere.
    """

    vector: NDArray[np.float64]
    places: dict[Any, int]
    tables: dict[Any, NDArray[np.int64]] = field(default_factory=dict)
    given: dict[Any, int] = field(default_factory=dict)

    @classmethod
    def empty(cls, given: dict[Any, int] | None = None) -> "Numbers":
        """Return no cells, with room for 4,096.

        Parameters
        ----------
        given : dict, optional
            Addresses of numbers that are elsewhere.

        Returns
        -------
        Numbers
        """
        return cls(np.zeros(4096), {}, given=given or {})

    def address(self, key: Any, value: float | None = None) -> int:
        """Return the address of a cell, made at its first use.

        Parameters
        ----------
        key : object
            Which.
        value : float, optional
            What it holds.

        Returns
        -------
        int
        """
        if key in self.given:
            return self.given[key]
        if key not in self.places:
            if len(self.places) == len(self.vector):
                raise UnsupportedError("more than 4,096 different numbers")
            self.places[key] = len(self.places)
        place = self.places[key]
        if value is not None:
            self.vector[place] = value
        return int(self.vector.ctypes.data) + 8 * place

    def table(self, key: Any, make: Callable[[], NDArray[np.int64]]) -> int:
        """Return the address of a table, made at its first use.

        Parameters
        ----------
        key : object
            Which.
        make : callable
            Returns its entries.

        Returns
        -------
        int
        """
        if key not in self.tables:
            self.tables[key] = np.ascontiguousarray(make(), dtype=np.int64)
        return int(self.tables[key].ctypes.data)

    def steps(self, count: int, step: int) -> int:
        """Return the address of the table 0, step, 2 step...

        Parameters
        ----------
        count, step : int
            How many entries, and how far they are apart.

        Returns
        -------
        int
        """
        return self.table(("steps", count, step), lambda: np.arange(count) * step)
