"""What each column adds to one answer of a network."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pellucid.column_numbers import (
    ColumnNumbers,
    answer_names,
    answers_of,
    column_numbers,
    which_answer,
)
from pellucid.errors import ConfigurationError, DataError
from pellucid.network import NeuralNetwork
from pellucid.rng import Random
from pellucid.texttable import Table as TextTable
from pellucid.texttable import show

_AT_ONCE = 2**14  # rows that are asked about together


@dataclass(frozen=True, eq=False, repr=False)
class Contributions:
    """What the columns of one row add to an answer: ``usual + sum = answer``.

    Parameters
    ----------
    columns : tuple of str
        The columns.
    cells : tuple
        What the row has in them; None where nothing is.
    values : ndarray, shape (columns,)
        What each adds, in the unit of the answer: a share for a probability.
    errors : ndarray, shape (columns,)
        How far off each may be, since not every order was tried: a standard error.
    usual : float
        The mean answer for the rows it is compared with.
    answer : float
        The answer for this row.
    target : label or int
        Which class or output the answer is about.
    probable : bool
        Whether it is a probability.

    Examples
    --------
    See `pellucid.contributions`.
    """

    columns: tuple[str, ...]
    cells: tuple[Any, ...]
    values: NDArray[np.float64]
    errors: NDArray[np.float64]
    usual: float
    answer: float
    target: Any
    probable: bool

    @property
    def order(self) -> NDArray[np.int64]:
        """Places of the columns, those that add or take away most first."""
        return np.argsort(-np.abs(self.values), kind="stable")

    def __repr__(self) -> str:
        rows: list[tuple[Any, ...]] = [("usually", "", self.usual)]
        for place in self.order:
            cell = self.cells[place]
            text = "missing" if cell is None else show(cell)
            rows.append((self.columns[place], text, float(self.values[place])))
        rows.append(("this row", "", self.answer))
        what = f"output {self.target}"
        if self.probable:
            what = f"probability of {self.target}"
        return str(TextTable(("column", "value", "adds"), rows, what))


def contributions(
    network: NeuralNetwork,
    x: Any,
    row: int,
    *,
    target: Any = None,
    background: Any = None,
    draws: int = 256,
    seed: int = 0,
) -> Contributions:
    """Return what each column of a row adds to the network's answer for it.

    The columns of a usual row are exchanged for those of this row, one after the other,
    and each is given the change of the answer that comes with it. The mean over many
    orders and many usual rows is the column's contribution (its Shapley value). In
    sum they are exactly the answer minus the mean answer for the usual rows.

    Parameters
    ----------
    network : NeuralNetwork
        Trained.
    x : Table, data frame, path, mapping of columns, or array_like
        Rows, as in `permutation_importance`.
    row : int
        Which of them, from 0.
    target : label or int, optional
        The class, or number of the output, that is explained; by default what is
        predicted.
    background : as x, optional
        The usual rows; by default those of x.
    draws : int
        How many orders; even.
    seed : int
        Same seed, same orders.

    Returns
    -------
    Contributions

    Raises
    ------
    DataError
        If there is no such row.
    ConfigurationError
        If there is no such target, or `draws` is no even number above 0.

    References
    ----------
    E. Strumbelj and I. Kononenko, "Explaining prediction models and individual
    predictions with feature contributions", Knowledge and Information Systems 41, 2014.
    L. S. Shapley, "A value for n-person games", 1953.

    Examples
    --------
    >>> import pellucid
    >>> net = pellucid.NeuralNetwork([pellucid.Dense(1)], loss="mean_squared_error")
    >>> _ = net.build(2)
    >>> net.parameters["dense_1.W"][...] = [[3.0], [1.0]]
    >>> pellucid.contributions(net, [[0, 5], [1, 7], [2, 9]], 2, draws=6)
    output 0
    column    value  adds
    --------  -----  ----
    usually           10
    x0        2        3
    x1        9        2
    this row          15
    """
    if draws < 2 or draws % 2:
        raise ConfigurationError(f"Expected an even number of draws, got {draws!r}.")
    given = column_numbers(network, x)
    if not -len(given) <= row < len(given):
        raise DataError(f"There is no row {row}: there are {len(given):,}, from 0 on.")
    asked = given.take(np.array([row % len(given)]))
    usual = given if background is None else column_numbers(network, background)
    own = answers_of(network, asked.x)[0]
    names = answer_names(network, len(own))
    if target is None:
        if network.loss.task == "numbers" and len(own) > 1:
            raise ConfigurationError(
                f"The network has {len(own)} outputs that are numbers: say which one "
                f"is meant, target=0 to {len(own) - 1}."
            )
        place = int(own.argmax())
    else:
        place = which_answer(network, names, target)
    steps, starts = _steps(network, asked, usual, place, draws, seed)
    pairs = steps.reshape(2, draws // 2, -1).mean(axis=0)
    errors = pairs.std(axis=0, ddof=1 if len(pairs) > 1 else 0) / np.sqrt(len(pairs))
    return Contributions(
        given.columns,
        _cells(asked),
        pairs.mean(axis=0),
        errors,
        float(starts.mean()),
        float(own[place]),
        names[place],
        network.loss.task != "numbers" and network.loss.link != "identity",
    )


def _steps(
    network: NeuralNetwork,
    asked: ColumnNumbers,
    usual: ColumnNumbers,
    answer: int,
    draws: int,
    seed: int,
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the change with each column, (draws, columns), and the answers before."""
    count, half = len(asked.columns), draws // 2
    random = Random(seed, "contributions")
    shuffled = random.permutation(len(usual))
    rows = np.resize(shuffled, half)
    orders = np.argsort(random.uniform((half, count)), axis=1)
    # Each order is also gone backwards, which takes away much of the chance.
    orders = np.concatenate([orders, orders[:, ::-1]])
    rows = np.concatenate([rows, rows])
    ranks = np.argsort(orders, axis=1)
    changes = np.empty((draws, count))
    starts = np.empty(draws)
    together = max(1, _AT_ONCE // (count + 1))
    for first in range(0, draws, together):
        some = slice(first, min(first + together, draws))
        size = some.stop - some.start
        # Row k of a draw has the first k columns of its order from the row asked about.
        mixed = usual.take(np.repeat(rows[some], count + 1))
        steps = np.arange(count + 1)
        for place, column in enumerate(asked.columns):
            mask = ranks[some, place][:, None] < steps
            where = np.flatnonzero(mask)
            mixed.put(column, where, asked, np.zeros(len(where), np.int64))
        found = answers_of(network, mixed.x)[:, answer].reshape(size, count + 1)
        starts[some] = found[:, 0]
        np.put_along_axis(changes[some], orders[some], np.diff(found, axis=1), axis=1)
    return changes, starts


def _cells(asked: ColumnNumbers) -> tuple[Any, ...]:
    if asked.table is not None:
        table = asked.table
        return tuple(table[name].cells()[0] for name in asked.columns)
    return tuple(float(asked.numbers(name)[0, 0]) for name in asked.columns)
