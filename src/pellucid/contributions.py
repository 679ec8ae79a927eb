"""What each column of a table adds to one prediction, so that all of it adds up."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pellucid.data.table import Table
from pellucid.encoder import Encoder
from pellucid.encoder.operations import NUMBERS
from pellucid.errors import ConfigurationError, ShapeError
from pellucid.network import NeuralNetwork
from pellucid.rng import Random

_ASKED = 2**15  # rows that the network is asked about, about
_MOST = 512  # orders of the columns that are tried


@dataclass(frozen=True)
class Contributions:
    """How one prediction comes about, column by column.

    ``value = base + sum of each``, exactly but for rounding.

    Parameters
    ----------
    columns : tuple of str
        The columns that the network looks at.
    each : ndarray, shape (columns,)
        What knowing the cell of this row adds, on average over the orders in which
        cells may become known.
    error : ndarray, shape (columns,)
        Standard error of `each`, since not every order is tried.
    base : float
        The mean answer for the rows compared with.
    value : float
        The answer for this row.
    orders : int
        How many orders were tried.
    """

    columns: tuple[str, ...]
    each: NDArray[np.float64]
    error: NDArray[np.float64]
    base: float
    value: float
    orders: int


def contributions(
    network: NeuralNetwork, row: Table, others: Table, *, output: int = 0, seed: int = 0
) -> Contributions:
    """Return what each column adds to the answer for a row.

    Beginning with another row, its cells are replaced by those of this row, one column
    after the other in a random order; what the answer changes by is noted. Every other
    order is the one before it reversed. The mean over many rows and orders estimates
    the Shapley values. Source: Štrumbelj and Kononenko, "Explaining prediction models
    and individual predictions with feature contributions", 2014.

    Parameters
    ----------
    network : NeuralNetwork
        Trained on a table: its reader is an `Encoder`.
    row : Table
        Of one row.
    others : Table
        Rows to compare with.
    output : int
        The class whose probability is explained; of numbers, which one.
    seed : int
        Of the orders.

    Returns
    -------
    Contributions
        In probability, or in units of the target.

    Raises
    ------
    ConfigurationError
        If the network does not take tables.
    ShapeError
        If there is not one row, or nothing to compare with.

    Examples
    --------
    >>> import pellucid
    >>> from pellucid.contributions import contributions
    >>> wine = pellucid.data.table(pellucid.data.wine(), "cultivar")
    >>> trained = pellucid.tabular.train(wine)
    >>> found = contributions(trained.network, wine.take([0]), wine)
    >>> abs(found.base + found.each.sum() - found.value) < 1e-6
    True
    """
    encoder = network.reader
    if not isinstance(encoder, Encoder):
        raise ConfigurationError("The network was not trained on a table.")
    if len(row) != 1 or not len(others):
        raise ShapeError(
            f"Expected one row and others to compare with, got {len(row):,} and "
            f"{len(others):,}."
        )
    names = tuple(each.column for each in encoder.used)
    random = Random(seed, "contributions")
    orders = max(2, min(_MOST, _ASKED // (len(names) + 1)) // 2 * 2)
    chosen = np.floor(random.uniform((orders // 2,)) * len(others)).astype(np.int64)
    # A pair of orders, one the other reversed, begins with the same row.
    start = encoder.encode(others, rows=np.repeat(chosen, 2), unseen="ignore")
    end = encoder.encode(row, unseen="ignore")
    keys = random.uniform((orders // 2, len(names)))
    forwards = np.argsort(keys, axis=1)
    sequence = np.stack([forwards, forwards[:, ::-1]], axis=1).reshape(orders, -1)
    x = _walk(encoder, start, end, sequence)
    answers = _answers(network, x, output).reshape(orders, len(names) + 1)
    steps = np.diff(answers, axis=1)
    added = np.empty_like(steps)
    np.put_along_axis(added, sequence, steps, axis=1)
    pairs = added.reshape(orders // 2, 2, -1).mean(axis=1)
    spread = pairs.std(axis=0, ddof=1) if len(pairs) > 1 else np.full(len(names), 0.0)
    return Contributions(
        names,
        added.mean(axis=0),
        spread / np.sqrt(len(pairs)),
        float(answers[:, 0].mean()),
        float(answers[:, -1].mean()),
        orders,
    )


def _places(encoder: Encoder) -> list[list[tuple[str, int | None]]]:
    """Return for each column its inputs, with the place among the numbers."""
    found: dict[str, list[tuple[str, int | None]]] = {}
    number = 0
    for feature in encoder.features():
        place = None
        if feature.input == NUMBERS:
            place, number = number, number + 1
        found.setdefault(feature.column, []).append((feature.input, place))
    return [found[each.column] for each in encoder.used]


def _walk(encoder: Encoder, start: Any, end: Any, sequence: NDArray[np.int64]) -> Any:
    """Return all rows on the way from `start` to `end`, order after order."""
    columns = sequence.shape[1]
    named = isinstance(start, dict)
    begin, goal = (x if named else {NUMBERS: x} for x in (start, end))
    x = {name: np.repeat(v, columns + 1, axis=0) for name, v in begin.items()}
    # The step at which a column's cell becomes the one of the row.
    when = np.argsort(sequence, axis=1) + 1
    step = np.arange(columns + 1)
    for column, places in enumerate(_places(encoder)):
        known = (step >= when[:, column : column + 1]).reshape(-1)
        for name, place in places:
            if place is None:
                x[name][known] = goal[name][0]
            else:
                x[name][known, place] = goal[name][0, place]
    return x if named else x[NUMBERS]


def _answers(network: NeuralNetwork, x: Any, output: int) -> NDArray[np.float64]:
    if network.classes is not None:
        return np.asarray(network.predict_proba(x), dtype=np.float64)[:, output]
    y_hat = np.asarray(network.predict(x), dtype=np.float64)
    return y_hat.reshape(len(y_hat), -1)[:, output]
