"""Batches: which rows an iteration sees."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from pellucid.rng import make_key, permutations

TOGETHER = 8192  # rows for which the orders of some epochs are drawn at once


class ArrayBatches:
    """Batches of arrays in memory, in a new order every epoch.

    The order of an epoch is a function of seed, run and epoch, so a training can be
    taken up at any iteration.

    Parameters
    ----------
    x : ndarray or dict of ndarray, shape (n, ...)
        Inputs.
    y : ndarray, shape (n, ...)
        Targets.
    weight : ndarray, shape (n,)
        Weights of the samples.
    size : int
        Rows of a batch.
    shuffle : bool
        Whether the order changes.
    seed, run : int
        The network's seed, and which of its trainings this is.
    no_single : bool
        Whether a last batch of one row joins the batch before it.
    first : int
        The iteration that sees the first batch.
    """

    def __init__(
        self,
        x: Any,
        y: NDArray[Any],
        weight: NDArray[Any],
        size: int,
        *,
        shuffle: bool,
        seed: int,
        run: int,
        no_single: bool,
        first: int = 0,
    ) -> None:
        self.x, self.y, self.weight = x, y, weight
        n = len(y)
        self.starts = np.arange(0, n, size)
        if no_single and len(self.starts) > 1 and n - self.starts[-1] == 1:
            self.starts = self.starts[:-1]
        self.stops = np.append(self.starts[1:], n)
        self.shuffle = shuffle and len(self.starts) > 1
        self.seed, self.run, self.first = seed, run, first
        self._together = max(1, TOGETHER // n)
        self._drawn: tuple[int, Any] = (-1, None)

    @property
    def per_epoch(self) -> int:
        """Iterations of an epoch."""
        return len(self.starts)

    def place(self, step: int) -> tuple[int, int]:
        """Return epoch and number of the batch in it, both from 0, of an iteration.

        Parameters
        ----------
        step : int
            The iteration.

        Returns
        -------
        epoch, place : int
        """
        return divmod(step - self.first, self.per_epoch)

    def epoch_end(self, step: int) -> int:
        """Return the iteration at which the epoch of an iteration is over.

        Parameters
        ----------
        step : int
            The iteration.

        Returns
        -------
        int
        """
        return self.first + (self.place(step)[0] + 1) * self.per_epoch

    def order(self, epoch: int) -> NDArray[np.int64]:
        """Return the rows in the order of an epoch.

        Parameters
        ----------
        epoch : int
            From 0.

        Returns
        -------
        ndarray of int, shape (n,)
        """
        n = len(self.y)
        if not self.shuffle:
            return np.arange(n)
        group, place = divmod(epoch, self._together)
        if group != self._drawn[0]:
            self._drawn = (-1, None)  # not two at a time: they may be large
            epochs = range(group * self._together, (group + 1) * self._together)
            purpose = ("order", self.run, self.first)
            keys = [make_key(self.seed, *purpose, each) for each in epochs]
            self._drawn = (group, permutations(keys, n))
        order: NDArray[np.int64] = self._drawn[1][place]
        return order

    def batch(self, step: int) -> tuple[Any, NDArray[Any], NDArray[Any], float]:
        """Return the batch of an iteration.

        Parameters
        ----------
        step : int
            From 0, over all epochs.

        Returns
        -------
        x, y, weight : ndarray
            Its rows.
        total : float
            Sum of their weights.
        """
        epoch, place = self.place(step)
        rows: Any = slice(self.starts[place], self.stops[place])
        if self.shuffle:
            rows = self.order(epoch)[rows]
        x = (
            {name: values[rows] for name, values in self.x.items()}
            if isinstance(self.x, dict)
            else self.x[rows]
        )
        weight = self.weight[rows]
        return x, self.y[rows], weight, float(weight.sum(dtype=np.float64))
