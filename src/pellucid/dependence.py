"""What a network says as one column changes and all others stay as they are."""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pellucid.column_numbers import (
    ColumnNumbers,
    answer_names,
    answers_of,
    column_numbers,
)
from pellucid.data.columns import Column, date_text
from pellucid.errors import ConfigurationError, DataError
from pellucid.network import NeuralNetwork
from pellucid.rng import Random
from pellucid.texttable import Table as TextTable
from pellucid.texttable import show

TAILS = 0.05  # share of the rows at either end of a number that is not drawn
_DAY = 86_400  # seconds


@dataclass(frozen=True, eq=False, repr=False)
class Dependence:
    """The answers for some rows, with one column set to one value after the other.

    Parameters
    ----------
    column : str
        The column that was changed.
    kind : str
        ``"number"``, ``"category"``, ``"boolean"`` or ``"date"``.
    places : tuple
        What it was set to: numbers, dates in seconds since 1970, or texts.
    curves : ndarray, shape (rows, places, answers)
        What the network says: probabilities, or numbers in their units.
    answers : tuple
        What the answers are: labels of classes, or numbers of outputs.
    probable : bool
        Whether they are probabilities.
    cells : ndarray, shape (n,)
        Where the rows are in truth; empty where `places` are texts.

    Examples
    --------
    See `pellucid.partial_dependence`.
    """

    column: str
    kind: str
    places: tuple[Any, ...]
    curves: NDArray[np.float64]
    answers: tuple[Any, ...]
    probable: bool
    cells: NDArray[np.float64]

    @property
    def mean(self) -> NDArray[np.float64]:
        """The mean answer at each place, shape (places, answers)."""
        found: NDArray[np.float64] = self.curves.mean(axis=0)
        return found

    @property
    def names(self) -> tuple[str, ...]:
        """The places as people write them."""
        if self.kind == "date":
            return tuple(map(date_text, self.places))
        return tuple(map(show, self.places))

    @property
    def ordered(self) -> bool:
        """Whether the places are numbers or dates, between which there are others."""
        return self.kind in ("number", "date")

    def spread(self, share: float = 0.8) -> NDArray[np.float64]:
        """Return between what the curves of most rows are.

        Parameters
        ----------
        share : float
            How many rows, from 0 to 1.

        Returns
        -------
        ndarray, shape (2, places, answers)
            The lower and the upper end.
        """
        tail = (1 - share) / 2
        found: NDArray[np.float64] = np.quantile(self.curves, (tail, 1 - tail), axis=0)
        return found

    def __repr__(self) -> str:
        header = (self.column, *(str(answer) for answer in self.answers))
        rows = [
            (name, *map(float, values))
            for name, values in zip(self.names, self.mean, strict=True)
        ]
        title = f"mean answer for {len(self.curves):,} rows"
        return str(TextTable(header, rows, title))


def partial_dependence(
    network: NeuralNetwork,
    x: Any,
    column: str,
    *,
    points: int = 20,
    rows: int = 500,
    seed: int = 0,
) -> Dependence:
    """Return how the answers change as one column changes.

    ``f(v) = 1/n sum_i network(row i with v in the column)``, with the curve of each row
    beside it: where those are not parallel, the column works together with others.
    Rows with a value that does not go with their other cells are asked about too, which
    can mislead where columns go together.

    Parameters
    ----------
    network : NeuralNetwork
        Trained.
    x : Table, data frame, path, mapping of columns, or array_like
        Rows, as in `permutation_importance`.
    column : str
        Which column; those of an array are x0, x1 and so on.
    points : int
        How many values at most: spread evenly between the 5 % smallest and the 5 %
        largest, or the most frequent texts.
    rows : int
        How many rows at most, picked by chance.
    seed : int
        Same seed, same rows.

    Returns
    -------
    Dependence

    Raises
    ------
    DataError
        If the network does not look at such a column, or it is empty.
    ConfigurationError
        If `points` is below 2, or `rows` below 1.

    References
    ----------
    J. H. Friedman, "Greedy function approximation", Annals of Statistics 29, 2001.
    A. Goldstein and others, "Peeking inside the black box", Journal of Computational
    and Graphical Statistics 24, 2015: the curves of single rows.

    Examples
    --------
    >>> import pellucid
    >>> net = pellucid.NeuralNetwork([pellucid.Dense(1)], loss="mean_squared_error")
    >>> _ = net.build(2)
    >>> net.parameters["dense_1.W"][...] = [[3.0], [1.0]]
    >>> pellucid.partial_dependence(net, [[0, 5], [1, 7], [2, 9]], "x0", points=3)
    mean answer for 3 rows
    x0   0
    --  --
     0   7
     1  10
     2  13
    """
    if points < 2 or rows < 1:
        raise ConfigurationError(
            f"Expected points of 2 or more and rows of 1 or more; got {points!r} and "
            f"{rows!r}."
        )
    given = column_numbers(network, x)
    given.must_have(column)
    cells, places, others = _places(network, given, column, points)
    if len(given) > rows:
        chosen = Random(seed, "dependence").permutation(len(given))[:rows]
        given = given.take(np.sort(chosen))
    changed = given.take(np.arange(len(given)))
    found = []
    for place in range(len(places)):
        every = np.arange(len(given))
        changed.put(column, every, others, np.full(len(given), place))
        found.append(answers_of(network, changed.x))
    curves = np.stack(found, axis=1)
    kind = "number" if given.table is None else given.table[column].kind
    return Dependence(
        column,
        kind,
        places,
        curves,
        answer_names(network, curves.shape[2]),
        network.loss.task != "numbers" and network.loss.link != "identity",
        cells,
    )


def _places(
    network: NeuralNetwork, given: ColumnNumbers, column: str, points: int
) -> tuple[NDArray[np.float64], tuple[Any, ...], ColumnNumbers]:
    """Return the cells, the values, and rows that have these values."""
    if given.table is None:
        cells = given.numbers(column)[:, 0]
        if any(given.arrays[name].dtype.kind in "iu" for name in given.places[column]):
            values = np.unique(cells, return_counts=True)
            grid = np.sort(values[0][np.argsort(-values[1], kind="stable")[:points]])
        else:
            grid = _grid(cells, points)
        others = given.take(np.zeros(len(grid), np.int64))
        for name, inputs in given.places[column].items():
            others.arrays[name][(...,) if inputs is None else (..., inputs[0])] = grid
        return cells, tuple(grid.tolist()), others
    own = given.table[column]
    there = np.asarray(own.values)[~own.missing]
    if not there.size:
        raise DataError(f"The column {column!r} is empty in these rows.")
    names: tuple[Any, ...]
    if own.kind in ("number", "date"):
        cells = there.astype(np.float64)
        grid = _grid(cells, points)
        if own.kind == "date" and not (cells % _DAY).any():
            grid = np.unique(np.round(grid / _DAY) * _DAY)
        names = tuple(grid.tolist())
    else:
        cells = np.empty(0)
        levels, counts = np.unique(there, return_counts=True)
        grid = np.sort(levels[np.argsort(-counts, kind="stable")[:points]])
        texts = own.words if own.kind == "boolean" else own.levels
        named = sorted((texts[int(level)], level) for level in grid)
        names, grid = tuple(n for n, _ in named), np.array([v for _, v in named])
    return cells, names, column_numbers(network, _with(given, own, grid))


def _with(given: ColumnNumbers, own: Column, grid: NDArray[Any]) -> Any:
    """Return a table with the values in a column, and the first row elsewhere."""
    assert given.table is not None
    few = given.table.take(np.zeros(len(grid), np.int64))
    column = replace(own, values=grid.astype(own.values.dtype))
    columns = tuple(column if c.name == own.name else c for c in few.columns)
    return replace(few, columns=columns, folder=None)


def _grid(cells: NDArray[np.float64], points: int) -> NDArray[np.float64]:
    """Return values to try: all there are where they are few, or evenly spread ones."""
    values = np.unique(cells)
    if len(values) <= points:
        return values
    low, high = np.quantile(cells, (TAILS, 1 - TAILS))
    if low == high:  # most rows have the same
        low, high = values[0], values[-1]
    return np.linspace(low, high, points)
