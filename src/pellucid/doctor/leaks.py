"""Columns that tell the target: the target in disguise, or made from it."""

from collections.abc import Iterator
from itertools import chain
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pellucid.doctor import thresholds
from pellucid.doctor.case import Case, Column


def telling_columns(case: Case) -> Iterator[tuple[Column, dict[str, Any]]]:
    """Yield each column that alone tells the target nearly exactly, with the numbers.

    Only where there are other columns to compare with: data of one column are a curve.
    A network that is to give back its inputs, an autoencoder, has nothing that leaks.

    Parameters
    ----------
    case : Case
        What to look at.

    Yields
    ------
    column : Column
        The column.
    measured : dict
        By which measure, and what the best of the others reaches.
    """
    columns = [c for c in case.columns if c.values.min() < c.values.max()]
    if len(case.some.y) < thresholds.FEWEST_ROWS or len(columns) < 2:
        return
    if case.classes is not None:
        yield from _of_classes(columns, case.classes)
    elif case.numbers is not None:
        varying = [y for y in case.numbers.T if y.min() < y.max()]
        told = [list(_of_numbers(columns, y)) for y in varying]
        if not (len(told) == len(columns) and all(told)):
            yield from chain.from_iterable(told)


def _of_classes(
    columns: list[Column], classes: NDArray[np.int64]
) -> Iterator[tuple[Column, dict[str, Any]]]:
    present = np.unique(classes)
    if len(present) < 2:
        return
    areas = None
    if len(present) == 2 and len(columns) >= thresholds.LEAK_COLUMNS:
        areas = [area(c.values, classes == present[1]) for c in columns]
    for j, column in enumerate(columns):
        explained = explained_variance(column.values, classes)
        if explained >= thresholds.LEAK_VARIANCE:
            yield column, {"variance that the classes explain": explained}
        elif names_classes(column.values, classes):
            yield column, {"distinct values": len(np.unique(column.values))}
        elif areas is not None and areas[j] >= thresholds.LEAK_AREA:
            others = max(areas[:j] + areas[j + 1 :])
            if others <= thresholds.LEAK_OTHERS:
                yield column, {"area under the curve": areas[j], "next best": others}


def _of_numbers(
    columns: list[Column], y: NDArray[np.float64]
) -> Iterator[tuple[Column, dict[str, Any]]]:
    by_rank = ranks(y)
    for column in columns:
        straight = _correlation(column.values, y) ** 2
        monotone = _correlation(ranks(column.values), by_rank) ** 2
        if max(straight, monotone) >= thresholds.LEAK_VARIANCE:
            yield (
                column,
                {"squared correlation": straight, "the same of ranks": monotone},
            )


def explained_variance(
    values: NDArray[np.float64], classes: NDArray[np.int64]
) -> float:
    """Return ``1 - variance within classes / variance``: 1 if only the class matters.

    Parameters
    ----------
    values : ndarray, shape (n,)
        A column that varies.
    classes : ndarray of int, shape (n,)
        From 0.

    Returns
    -------
    float
        In [0, 1].
    """
    moved = values - values.mean()
    moved = moved / np.abs(moved).max()
    rows = np.bincount(classes)
    means = np.bincount(classes, moved) / np.maximum(rows, 1)
    within = np.square(moved - means[classes]).sum()
    return float(1 - within / np.square(moved).sum())


def names_classes(values: NDArray[np.float64], classes: NDArray[np.int64]) -> bool:
    """Return whether a column with few values has each of them in one class only.

    Parameters
    ----------
    values : ndarray, shape (n,)
        A column.
    classes : ndarray of int, shape (n,)
        From 0.

    Returns
    -------
    bool
        False where values are so many that each being in one class is no wonder.
    """
    distinct, place = np.unique(values, return_inverse=True)
    if len(distinct) > max(10, 2 * (classes.max() + 1)):
        return False
    if len(distinct) * thresholds.FEWEST_ROWS > len(values):
        return False
    table = np.zeros((len(distinct), classes.max() + 1), dtype=np.int64)
    np.add.at(table, (place.reshape(-1), classes), 1)
    return bool(((table > 0).sum(axis=1) == 1).all())


def area(values: NDArray[np.float64], yes: NDArray[np.bool_]) -> float:
    """Return the area under the ROC curve of a column, or of minus it: 0.5 to 1.

    The chance that a row of the one class has a larger value than one of the other.

    Parameters
    ----------
    values : ndarray, shape (n,)
        A column.
    yes : ndarray of bool, shape (n,)
        Which rows are of the one class; some are, some are not.

    Returns
    -------
    float
    """
    ones = int(yes.sum())
    won = ranks(values)[yes].sum() - ones * (ones - 1) / 2
    share = float(won / (ones * (len(yes) - ones)))
    return max(share, 1 - share)


def ranks(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the place of each number in order of size, from 0; equals share theirs.

    Parameters
    ----------
    values : ndarray, shape (n,)
        Numbers.

    Returns
    -------
    ndarray of float64, shape (n,)
    """
    _, place, counts = np.unique(values, return_inverse=True, return_counts=True)
    last = np.cumsum(counts)
    shared: NDArray[np.float64] = (last - (counts + 1) / 2)[place.reshape(-1)]
    return shared


def _correlation(a: NDArray[np.float64], b: NDArray[np.float64]) -> float:
    a, b = a - a.mean(), b - b.mean()
    a, b = a / np.abs(a).max(), b / np.abs(b).max()
    return float(a @ b / np.sqrt((a @ a) * (b @ b)))
