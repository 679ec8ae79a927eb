"""The settings of an encoder, told from the training rows of a table."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from statistics import NormalDist
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pellucid.data.columns import Column, blocks
from pellucid.data.table import Table
from pellucid.encoder.encodings import (
    Boolean,
    Date,
    Embedded,
    Encoding,
    Gap,
    Left,
    Number,
    OneHot,
)
from pellucid.encoder.operations import DAY, PERIODS, date_part
from pellucid.encoder.target import Classes, Standardized, Target
from pellucid.errors import DataError
from pellucid.rng import Random

MOST_ROWS = 2**20  # rows from which centre and scale are taken
BLOCK = 2**16  # rows that are looked at together
EXTREME = 20.0  # interquartile ranges from the median: tails for which a clip is poor
MOST_KNOTS = 100
_LARGE = 1e150  # beyond it squares and differences overflow
_UNIT = 2.0**512


Weights = NDArray[np.float64] | None  # how much rows count; None: all the same


@dataclass(frozen=True)
class Rows:
    """The training rows of a table, and how much each counts.

    Parameters
    ----------
    count : int
        Rows of the table.
    chosen : ndarray of int or None
        Those for training; all, if None.
    weight : ndarray of float64 or None
        One for each of the rows for training, none of them 0.
    """

    count: int
    chosen: NDArray[np.int64] | None = None
    weight: Weights = None

    def __len__(self) -> int:
        """Return how many rows are for training."""
        return self.count if self.chosen is None else len(self.chosen)

    def some(self, part: Any) -> Any:
        """Return where a `part` of the training rows stands in the table."""
        return part if self.chosen is None else self.chosen[part]

    def pieces(self, column: Column) -> Iterator[tuple[Any, Any]]:
        """Yield the values of a `column` and their weights, some rows at a time."""
        for part in blocks(len(self), BLOCK):
            weight = None if self.weight is None else self.weight[part]
            yield column.values[self.some(part)], weight

    def sample(self, column: Column) -> tuple[NDArray[Any], Weights]:
        """Return values of a `column` that are there, and their weights.

        Of more than 2^20 rows as many are drawn, spread evenly.
        """
        part: Any = slice(0, len(self))
        if len(self) > MOST_ROWS:
            shift = Random(0, "rows of statistics").uniform((MOST_ROWS,))
            places = (np.arange(MOST_ROWS) + shift) * (len(self) / MOST_ROWS)
            part = np.minimum(places.astype(np.int64), len(self) - 1)
        values = np.asarray(column.values[self.some(part)])
        there = ~column.take(self.some(part)).missing
        weight = None if self.weight is None else self.weight[part][there]
        return values[there], weight


def quantiles(
    values: NDArray[Any], weight: Weights, shares: Any
) -> NDArray[np.float64]:
    """Return weighted quantiles: the smallest values below which is a share of weight.

    Where the share is met exactly, it is the mean of this value and the next. So a row
    of weight 2 is the same as two rows, and the median that of school.

    Parameters
    ----------
    values : ndarray, shape (n,)
        At least one, no NaN.
    weight : ndarray of float64, shape (n,), or None
        Above 0; the same for all, if None.
    shares : array_like, shape (k,)
        From 0 to 1.

    Returns
    -------
    ndarray of float64, shape (k,)
    """
    if weight is None:
        ordered = np.sort(values).astype(np.float64)
        below = np.arange(1.0, len(ordered) + 1)
    else:
        order = np.argsort(values, kind="stable")
        ordered = values[order].astype(np.float64)
        below = np.cumsum(weight[order])
    wanted = np.asarray(shares, np.float64) * below[-1]
    near = 1e-12 * below[-1]
    last = len(ordered) - 1
    low = np.minimum(np.searchsorted(below, wanted - near), last)
    high = np.minimum(np.searchsorted(below, wanted + near), last)
    found: NDArray[np.float64] = ordered[low] / 2 + ordered[high] / 2
    return found


def encoding_of(
    column: Column, rows: Rows, scaling: str, clip: float, one_hot: int
) -> Encoding:
    """Return how a column becomes numbers.

    Parameters
    ----------
    column : Column
        Of a table.
    rows : Rows
        What may be looked at.
    scaling, clip, one_hot
        As in `Encoder.fit`.

    Returns
    -------
    Encoding
    """
    if column.kind == "category":
        return _of_category(column, rows, one_hot)
    low, high, gaps = math.inf, -math.inf, False
    for values, _ in rows.pieces(column):
        missing = values < 0 if column.kind == "boolean" else values != values
        there = values[~missing]
        gaps = gaps or bool(missing.any())
        if there.size:
            low, high = min(low, float(there.min())), max(high, float(there.max()))
    if low > high:
        return Left(column.name, "nothing is in it in the training rows")
    if low == high:
        if gaps:
            return Gap(column.name, column.kind)
        return Left(column.name, "the same in all training rows")
    values, weight = rows.sample(column)
    if column.kind == "boolean":
        yes = float(np.average(values, weights=weight))
        return Boolean(column.name, *column.words, float(yes > 0.5), gaps)
    if column.kind == "date":
        return _of_date(column, values, weight, clip, gaps)
    return _of_number(column, values, weight, (low, high), scaling, clip, gaps)


def _of_number(
    column: Column,
    values: NDArray[Any],
    weight: Weights,
    ends: tuple[float, float],
    scaling: str,
    clip: float,
    gaps: bool,
) -> Number:
    lower, median, upper = quantiles(values, weight, [0.25, 0.5, 0.75]).tolist()
    unit = _UNIT if max(-ends[0], ends[1]) > _LARGE else 1.0
    low, high = ends[0] / unit, ends[1] / unit
    centre = median / unit
    if scaling == "standard":
        mean, scale = _moments(values / unit, weight)
        return Number(column.name, median, mean, scale, 0.0, gaps, unit)
    scale = _spread(lower / unit, upper / unit, low, high)
    far = max(high - centre, centre - low) / scale
    if scaling == "normal" or (scaling == "adaptive" and far > EXTREME):
        knots, scores = _normal_scores(values, weight)
        if len(knots) > 1:
            return Number(
                column.name, median, indicator=gaps, knots=knots, scores=scores
            )
    return Number(column.name, median, centre, scale, clip, gaps, unit)


def _spread(lower: float, upper: float, low: float, high: float) -> float:
    """Return the interquartile range, or half of the range where that is 0."""
    return (upper - lower) or (high - low) / 2 or high - low


def _moments(values: NDArray[Any], weight: Weights) -> tuple[float, float]:
    """Return weighted mean and standard deviation, which is 1 where it would be 0."""
    first = float(values[0])
    moved = values - first  # exactly 0 for equal values
    # In units of a power of two, which change no digit, squares leave no range.
    power = math.frexp(float(np.abs(moved).max()))[1]
    moved = np.ldexp(moved, -power)
    mean = float(np.average(moved, weights=weight))
    spread = math.sqrt(float(np.average((moved - mean) ** 2, weights=weight)))
    return first + math.ldexp(mean, power), math.ldexp(spread, power) or 1.0


def _normal_scores(
    values: NDArray[Any], weight: Weights
) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Return quantiles without repeats, and what a normal distribution has there."""
    count = min(max(len(values) // 30, 10), MOST_KNOTS)
    edge = 0.5 / len(values)
    shares = np.linspace(0.0, 1.0, count).clip(edge, 1 - edge)
    knots, place = np.unique(quantiles(values, weight, shares), return_inverse=True)
    # Where quantiles agree, the share in their middle.
    middle = np.bincount(place, shares) / np.bincount(place)
    normal = NormalDist()
    return tuple(knots.tolist()), tuple(map(normal.inv_cdf, middle.tolist()))


def _of_date(
    column: Column,
    values: NDArray[Any],
    weight: Weights,
    clip: float,
    gaps: bool,
) -> Date:
    lower, median, upper = quantiles(values, weight, [0.25, 0.5, 0.75]).tolist()
    ends = (float(values.min()) / DAY, float(values.max()) / DAY)
    scale = _spread(lower / DAY, upper / DAY, *ends)
    parts = [
        part for part in PERIODS if len(np.unique(date_part(values[: 2**16], part))) > 1
    ]
    return Date(
        column.name,
        median,
        median / DAY,
        scale,
        clip,
        tuple(parts),
        gaps,
        column.form,
    )


def _of_category(column: Column, rows: Rows, one_hot: int) -> Encoding:
    counts = np.zeros(len(column.levels) + 1)
    for codes, _ in rows.pieces(column):
        counts += np.bincount(codes + 1, minlength=len(counts))
    gaps = bool(counts[0])
    seen = [level for level, n in zip(column.levels, counts[1:], strict=True) if n]
    if not seen:
        return Left(column.name, "nothing is in it in the training rows")
    if len(seen) == 1:
        if gaps:
            return Gap(column.name, column.kind)
        return Left(column.name, "the same in all training rows")
    if len(seen) <= one_hot:
        return OneHot(column.name, tuple(sorted(seen)), gaps)
    # Levels of one row cannot be learned; together they teach what others are like.
    rare = {level for level, n in zip(column.levels, counts[1:], strict=True) if n == 1}
    often = tuple(sorted(level for level in seen if level not in rare))
    return Embedded(column.name, often, gaps, tuple(sorted(rare)))


def chosen_rows(count: int, rows: Any) -> NDArray[np.int64]:
    """Return the numbers of some rows.

    Parameters
    ----------
    count : int
        How many there are.
    rows : array_like
        Their numbers from 0, or a yes or no for each row.

    Returns
    -------
    ndarray of int

    Raises
    ------
    DataError
        If there are no such rows.
    """
    given = np.asarray(rows)
    if given.dtype == np.bool and given.shape == (count,):
        return np.flatnonzero(given)
    if given.ndim != 1 or (given.size and given.dtype.kind not in "iu"):
        raise DataError("Expected rows as a list of whole numbers from 0.")
    if given.size and not -count <= given.min() <= given.max() < count:
        wrong = given.max() if given.max() >= count else given.min()
        raise DataError(f"There is no row {wrong}; the table has {count:,}.")
    return np.arange(count)[given.astype(np.int64)]


def training_rows(data: Table, rows: Any) -> Rows:
    """Return the rows of a table that may be looked at; those of weight 0 may not.

    Parameters
    ----------
    data : Table
        The table.
    rows : array_like or None
        Which rows are for training; all, if None.

    Returns
    -------
    Rows
    """
    count = len(data)
    chosen = None
    if rows is not None:
        chosen = chosen_rows(count, rows)
    weight = data.weight
    if weight is not None:
        weight = weight if chosen is None else weight[chosen]
        there = np.flatnonzero(weight > 0)
        chosen = there if chosen is None else chosen[there]
        weight = weight[there]
    found = Rows(count, chosen, weight)
    if not len(found):
        raise DataError("There are no training rows to make an encoder of.")
    return found


def target_of(data: Table, rows: Rows, clamp: bool) -> Target | None:
    """Return what is predicted, with mean and scale of the training rows.

    Parameters
    ----------
    data : Table
        The table.
    rows : Rows
        What may be looked at.
    clamp : bool
        As in `Encoder.fit`.

    Returns
    -------
    Target or None
    """
    if data.y is None:
        return None
    if data.classes:
        return Classes(data.target, data.classes)
    y = data.y if rows.chosen is None else data.y[rows.chosen]
    low, high = float(y.min()), float(y.max())
    first = float(y[0])
    unit = high / 2 - low / 2 or 1.0  # so that no square overflows
    moved = y / unit - first / unit
    mean = float(np.average(moved, weights=rows.weight))
    spread = math.sqrt(np.average((moved - mean) ** 2, weights=rows.weight))
    return Standardized(
        data.target, first + mean * unit, spread * unit or 1.0, low, high, clamp
    )
