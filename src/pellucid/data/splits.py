"""Rows for training and rows held out, with the same share of every class."""

import math
from collections.abc import Mapping
from typing import Any, TypeVar, overload

import numpy as np
from numpy.typing import NDArray

from pellucid.data.dataset import Dataset
from pellucid.errors import ConfigurationError, DataError, ShapeError
from pellucid.rng import Random

X = TypeVar("X")
Y = TypeVar("Y")


@overload
def split(
    x: Dataset, *, test: float = ..., seed: int = ..., stratify: bool | None = ...
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[Any], NDArray[Any]]: ...
@overload
def split(
    x: X, y: Y, *, test: float = ..., seed: int = ..., stratify: bool | None = ...
) -> tuple[X, X, Y, Y]: ...
def split(
    x: Any,
    y: Any = None,
    *,
    test: float = 0.25,
    seed: int = 0,
    stratify: bool | None = None,
) -> tuple[Any, Any, Any, Any]:
    """Split data in two at random: some to learn from, the rest to judge with.

    What comes back has the type of what was given: arrays, lists, pandas or polars
    frames and series, or a mapping of names to such.

    Parameters
    ----------
    x : array, list, frame or mapping of n rows, or a Dataset
        The inputs; a `Dataset` brings its `y` with it.
    y : array, list or series of n rows
        The targets.
    test : float
        Share of the rows to hold out, between 0 and 1.
    seed : int
        Same seed, same rows.
    stratify : bool, optional
        Whether each class gets the same share in both parts. If None: when `y` holds
        classes (integers, text or booleans) of at least two rows each.

    Returns
    -------
    x_train, x_test, y_train, y_test
        The two parts of `x` and `y`, in random order.

    Raises
    ------
    DataError
        When `x` and `y` have different numbers of rows, when there are fewer than two,
        or when `stratify` is True and `y` cannot be stratified.
    ConfigurationError
        When `test` is not between 0 and 1.

    Examples
    --------
    >>> from pellucid.data import iris, split
    >>> x_train, x_test, y_train, y_test = split(iris(), test=0.2)
    >>> x_train.shape, x_test.shape
    ((120, 4), (30, 4))
    """
    if isinstance(x, Dataset) and y is None:
        x, y = x.x, x.y
    elif isinstance(x, Dataset) or y is None:
        raise ConfigurationError(
            f"split takes x and y, or one Dataset, but x is a {type(x).__name__} "
            f"and y is {'missing' if y is None else 'given as well'}"
        )
    rows, targets = _rows(x, "x"), _rows(y, "y")
    if rows != targets:
        raise ShapeError(
            f"x has {rows} rows and y has {targets}: every row needs one target"
        )
    train, held_out = split_indices(y, test, seed, stratify=stratify)
    return _take(x, train), _take(x, held_out), _take(y, train), _take(y, held_out)


def split_indices(
    y: Any, fraction: float, seed: int = 0, *, stratify: bool | None = None
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return which rows are for training and which are held out.

    ``n fraction`` rows, rounded, but at least one on each side, are held out. With
    stratification every class gives its exact share, rounded down or up so that the sum
    is right (the largest remainders are rounded up).

    Parameters
    ----------
    y : int or array of n rows
        The number of rows, or the targets to stratify by.
    fraction : float
        Share of the rows to hold out, between 0 and 1.
    seed : int
        Same seed, same rows.
    stratify : bool, optional
        As in `split`.

    Returns
    -------
    train, held_out : ndarray of int64
        The numbers 0 to n - 1, each in one of the two, in random order.

    Raises
    ------
    DataError
        When there are fewer than two rows, or when `stratify` is True and `y` cannot be
        stratified.
    ConfigurationError
        When `fraction` is not between 0 and 1.

    Examples
    --------
    >>> from pellucid.data import split_indices
    >>> train, held_out = split_indices(["a", "a", "b", "b", "b", "b"], 0.5)
    >>> sorted(held_out.tolist())
    [1, 2, 4]
    """
    if not isinstance(fraction, float | np.floating) or not 0.0 < fraction < 1.0:
        raise ConfigurationError(
            f"the share of rows to hold out is {fraction!r}, expected a number between "
            "0 and 1, such as 0.25"
        )
    n = int(y) if isinstance(y, int | np.integer) else _rows(y, "y")
    if n < 2:
        raise DataError(f"a split in two needs at least 2 rows, but there are {n}")
    held = min(max(math.floor(n * fraction + 0.5), 1), n - 1)

    # Without stratification all rows are of one class.
    classes = np.zeros(n, dtype=np.int64)
    if stratify is not False:
        found, problem = _classes(y)
        if stratify and problem:
            raise DataError(f"stratify=True cannot work: {problem}")
        if not problem:
            classes = found
    sizes = np.bincount(classes)
    share, remainder = np.divmod(sizes * held, n)
    share[np.argsort(-remainder, kind="stable")[: held - share.sum()]] += 1

    order = Random(seed, "split").permutation(n)
    by_class = np.argsort(classes[order], kind="stable")
    rank = np.empty(n, dtype=np.int64)  # of a row among those of its class
    rank[by_class] = np.arange(n) - np.repeat(np.cumsum(sizes) - sizes, sizes)
    out = rank < share[classes[order]]
    return order[~out], order[out]


def _classes(y: Any) -> tuple[NDArray[np.int64], str]:
    """Return the index of every row's class, and why `y` cannot be stratified."""
    none = np.zeros(0, dtype=np.int64)
    if isinstance(y, int | np.integer):
        return none, "only a number of rows was given, give the targets instead of it"
    array = np.asarray(y)
    if array.ndim != 1 and array.shape[1:] != (1,):
        return none, f"y has shape {array.shape}, expected one class in every row"
    labels = array.ravel().tolist()
    for row, label in enumerate(labels):
        if not isinstance(label, str | int | np.integer | np.bool):
            return none, (
                f"y holds {label!r} in row {row}, expected classes: integers, text or "
                "booleans"
            )
    index: dict[Any, int] = {}
    classes = np.array([index.setdefault(label, len(index)) for label in labels])
    sizes = np.bincount(classes)
    for label, place in index.items():
        if sizes[place] < 2:
            return none, (
                f"class {label!r} has only one row, and each class needs one for each "
                "part; add rows of it, leave it out, or use stratify=False"
            )
    return classes, ""


def _rows(data: Any, name: str) -> int:
    """Return the number of rows, which all entries of a mapping share."""
    if isinstance(data, Mapping):
        counts = {key: _rows(part, f"{name}[{key!r}]") for key, part in data.items()}
        if len(set(counts.values())) != 1:
            raise ShapeError(
                f"the parts of {name} need the same number of rows, but they have "
                f"{counts}"
            )
        return next(iter(counts.values()))
    try:
        return len(data)
    except TypeError:
        raise DataError(
            f"{name} is {data!r}, expected an array, a list or a frame with one row "
            "per example"
        ) from None


def _take(data: Any, rows: NDArray[np.int64]) -> Any:
    """Return some rows of the data, in the type of the data."""
    if isinstance(data, Mapping):
        return {name: _take(part, rows) for name, part in data.items()}
    if hasattr(data, "iloc"):
        return data.iloc[rows]
    if isinstance(data, list | tuple):
        return type(data)([data[row] for row in rows])
    return data[rows]
