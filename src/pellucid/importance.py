"""Which columns a network needs: how much worse it gets without each of them."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pellucid.column_numbers import ColumnNumbers, column_numbers
from pellucid.data.table import Table
from pellucid.errors import ConfigurationError, DataError
from pellucid.network import NeuralNetwork
from pellucid.rng import Random
from pellucid.texttable import Table as TextTable

# Whether more of a metric is better, by its name.
METRICS = {
    "log_loss": False,
    "accuracy": True,
    "balanced_accuracy": True,
    "auc": True,
    "f1": True,
    "f1_macro": True,
    "f1_micro": True,
    "f1_weighted": True,
    "rmse": False,
    "mae": False,
    "r2": True,
}
_WRITTEN = {
    "log_loss": "log-loss",
    "rmse": "RMSE",
    "mae": "MAE",
    "r2": "R2",
    "auc": "AUC",
}
TOGETHER = 0.7  # a correlation from which two columns tell much of the same
_COMPARED = 500  # columns of which all pairs are looked at


@dataclass(frozen=True, eq=False, repr=False)
class Importance:
    """How much worse a metric gets when a column is shuffled.

    Parameters
    ----------
    columns : tuple of str
        The columns.
    worse : ndarray, shape (columns, repeats)
        By how much, in each shuffling; above 0 is worse, whatever the metric.
    metric : str
        What was measured.
    value : float
        The metric with all columns as they are.
    rows : int
        How many rows it was measured on.
    together : tuple of (str, str, float)
        Pairs of columns with a correlation of 0.7 or more, the closest first.

    Examples
    --------
    See `pellucid.permutation_importance`.
    """

    columns: tuple[str, ...]
    worse: NDArray[np.float64]
    metric: str
    value: float
    rows: int
    together: tuple[tuple[str, str, float], ...]

    @property
    def mean(self) -> NDArray[np.float64]:
        """The importance of each column, shape (columns,)."""
        found: NDArray[np.float64] = self.worse.mean(axis=1)
        return found

    @property
    def spread(self) -> NDArray[np.float64]:
        """The standard deviation over the shufflings, shape (columns,); 0 of one."""
        repeats = self.worse.shape[1]
        found: NDArray[np.float64] = self.worse.std(axis=1, ddof=int(repeats > 1))
        return found

    @property
    def order(self) -> NDArray[np.int64]:
        """Places of the columns, the most important first."""
        return np.argsort(-self.mean, kind="stable")

    @property
    def change(self) -> str:
        """What happens to the metric, in words: ``"rise of log-loss"``."""
        return f"{'fall' if METRICS[self.metric] else 'rise'} of {self.name}"

    @property
    def name(self) -> str:
        """What the metric is called: ``"log-loss"``, ``"RMSE"``."""
        return _WRITTEN.get(self.metric, self.metric.replace("_", " "))

    def __repr__(self) -> str:
        rows = [
            (self.columns[place], float(self.mean[place]), float(self.spread[place]))
            for place in self.order
        ]
        footer = "\n".join(
            f"{a} and {b} go together (correlation {r:.2f}): each may look less "
            "important than it is."
            for a, b, r in self.together
        )
        title = f"{self.name} of {self.rows:,} rows: {self.value:.6g}; worse without"
        return str(TextTable(("column", self.change, "spread"), rows, title, footer))


def permutation_importance(
    network: NeuralNetwork,
    x: Any,
    y: Any = None,
    *,
    metric: str | None = None,
    repeats: int = 5,
    seed: int = 0,
    sample_weight: Any = None,
) -> Importance:
    """Return how much worse a network gets when the cells of a column are shuffled.

    ``importance = metric(shuffled) - metric``, with the sign turned where more is
    better. Shuffled cells are as frequent as before, and tell nothing about their row.
    All numbers that a column becomes are shuffled together. Measure on rows that the
    network has not learned from: on others, what it knows by heart looks important.

    Where two columns tell much of the same, the network can take one for the other, and
    each looks less important than both are; shuffled rows may also be such as there are
    none. The result names such pairs.

    Parameters
    ----------
    network : NeuralNetwork
        Trained.
    x : Table, data frame, path, mapping of columns, or array_like
        Rows: what the network's encoder reads, or numbers, shape (n, columns).
    y : array_like, shape (n,) or (n, outputs), optional
        Targets; not needed for a `Table` that has them.
    metric : str, optional
        Such as ``"accuracy"``. By default the log-loss of probabilities, which feels
        every change of them, and the RMSE of numbers, which is in their units.
    repeats : int
        How often each column is shuffled.
    seed : int
        Same seed, same shufflings.
    sample_weight : array_like, shape (n,), optional
        How much each row counts; by default as the `Table` says.

    Returns
    -------
    Importance

    Raises
    ------
    ConfigurationError
        If the metric or the number of repeats cannot be used.
    DataError
        If there are no targets, or fewer than 2 rows.

    References
    ----------
    L. Breiman, "Random forests", Machine Learning 45, 2001.
    A. Fisher, C. Rudin and F. Dominici, "All models are wrong, but many are useful",
    Journal of Machine Learning Research 20, 2019.

    Examples
    --------
    >>> import pellucid
    >>> net = pellucid.NeuralNetwork([pellucid.Dense(1)], loss="mean_squared_error")
    >>> _ = net.build(2)
    >>> net.parameters["dense_1.W"][...] = [[3.0], [0.0]]
    >>> x = pellucid.data.moons(n=200).x
    >>> found = pellucid.permutation_importance(net, x, 3 * x[:, 0])
    >>> found.columns, found.mean.round(1).tolist()
    (('x0', 'x1'), [3.9, 0.0])
    """
    whole = isinstance(repeats, int) and not isinstance(repeats, bool)
    if not whole or repeats < 1:
        raise ConfigurationError(f"Expected repeats of 1 or more, got {repeats!r}.")
    rows = column_numbers(network, x)
    if len(rows) < 2:
        raise DataError("One row cannot be shuffled; expected at least 2.")
    if isinstance(x, Table):
        y = x.labels if y is None else y
        sample_weight = x.weight if sample_weight is None else sample_weight
    if y is None:
        raise DataError("The targets y are missing: importance is how errors grow.")
    name = _metric(network, metric)

    def measured(x: Any) -> float:
        found = network.evaluate(x, y, metrics=[name], sample_weight=sample_weight)
        return found[name]

    before, sign = measured(rows.x), -1.0 if METRICS[name] else 1.0
    worse = np.empty((len(rows.columns), repeats))
    every = np.arange(len(rows))
    for place, column in enumerate(rows.columns):
        shuffled = rows.take(every)
        for turn in range(repeats):
            order = Random(seed, "importance", place, turn).permutation(len(rows))
            shuffled.put(column, every, rows, order)
            worse[place, turn] = sign * (measured(shuffled.x) - before)
    return Importance(rows.columns, worse, name, before, len(rows), _together(rows))


def _metric(network: NeuralNetwork, asked: str | None) -> str:
    if asked is None:
        if network.loss.task == "numbers":
            return "rmse"
        return "accuracy" if network.loss.link == "identity" else "log_loss"
    if asked not in METRICS:
        raise ConfigurationError(
            f"Expected a metric among {', '.join(METRICS)}; got {asked!r}."
        )
    return asked


def _together(rows: ColumnNumbers) -> tuple[tuple[str, str, float], ...]:
    """Return pairs of columns that tell much of the same, by their numbers."""
    blocks, owners = [], []
    for column in rows.columns[:_COMPARED]:
        if any(rows.arrays[name].dtype.kind in "iu" for name in rows.places[column]):
            continue  # a code has no order, and so no correlation
        numbers = rows.numbers(column)
        spread = numbers.std(axis=0)
        kept = numbers[:, spread > 0]
        blocks.append((kept - kept.mean(axis=0)) / spread[spread > 0])
        owners += [column] * kept.shape[1]
    if not owners:
        return ()
    z = np.concatenate(blocks, axis=1)
    r = np.minimum(np.abs(z.T @ z) / len(rows), 1.0)
    found: dict[tuple[str, str], float] = {}
    for i, j in np.argwhere(np.triu(r, 1) >= TOGETHER):
        pair = owners[i], owners[j]
        if pair[0] != pair[1]:
            found[pair] = max(found.get(pair, 0.0), float(r[i, j]))
    pairs = [(first, second, close) for (first, second), close in found.items()]
    return tuple(sorted(pairs, key=lambda pair: -pair[2]))
