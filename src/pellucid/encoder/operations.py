"""The small steps by which a cell becomes a number: the whole vocabulary as one table.

A feature is a list of operations on one cell. The encoder runs them on arrays, prints
them as formulas, and an exporter writes them in another language; each of these is one
function and a table keyed by the name of the operation.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

NUMBERS = "numbers"  # the input of a network that holds all features but categories
FARTHEST = 1e6  # beyond so many limits a clipped number is the limit in every bit
DAY = 86400.0  # seconds


class Operation(NamedTuple):
    """One step.

    Attributes
    ----------
    name : str
        One of `OPERATIONS`.
    settings : tuple
        Its numbers or texts.
    """

    name: str
    settings: tuple[Any, ...] = ()


@dataclass(frozen=True)
class Feature:
    """One number that a network is given, and how it is made of one cell.

    Parameters
    ----------
    name : str
        What it is: ``"age"``, ``"age is missing"``, ``"city = Rome"``.
    column : str
        The column of the cell. The cell is a number (NaN where missing; booleans are 0
        and 1, dates seconds since 1970 in UTC), or a text of a category (None where
        missing).
    input : str
        The network's input that it belongs to: ``"numbers"``, or an input of its own
        for a code that picks a row of an embedding.
    operations : tuple of Operation
        The steps, in order.
    """

    name: str
    column: str
    input: str
    operations: tuple[Operation, ...]


def smooth_clip(x: NDArray[Any], limit: float) -> NDArray[Any]:
    """``t = x / limit;  y = limit t / sqrt(1 + t^2)``

    Nearly x for small x, and never beyond the limit. t is first brought into [-1e6,
    1e6], so that its square is finite in float32 too. Source: Holzmüller et al.,
    NeurIPS 2024 (RealMLP), with limit 3.

    Parameters
    ----------
    x : ndarray
        Numbers of any size.
    limit : float
        More than 0.

    Returns
    -------
    ndarray, shape of `x`
        Inside of (-limit, limit), up to rounding.
    """
    t = np.clip(x / limit, -FARTHEST, FARTHEST)
    clipped: NDArray[Any] = limit * t / np.sqrt(1.0 + t * t)
    return clipped


def date_part(seconds: NDArray[np.float64], part: str) -> NDArray[np.float64]:
    """Return a part of dates, counted from 0.

    Parameters
    ----------
    seconds : ndarray of float64
        Since 1970-01-01 00:00 (UTC), no NaN.
    part : str
        ``"month"`` (0 is January), ``"day"`` (of the month, 0 is the first),
        ``"weekday"`` (0 is Monday), ``"hour"`` or ``"minute"``.

    Returns
    -------
    ndarray of float64, shape of `seconds`
    """
    whole = np.floor(seconds).astype(np.int64)
    if part == "weekday":  # 1970-01-01 was a Thursday
        found = (whole // int(DAY) + 3) % 7
    elif part == "hour":
        found = whole // 3600 % 24
    elif part == "minute":
        found = whole // 60 % 60
    else:
        moment = whole.astype("datetime64[s]")
        months = moment.astype("datetime64[M]")
        if part == "month":
            found = months.astype(np.int64) % 12
        else:
            found = (moment.astype("datetime64[D]") - months).astype(np.int64)
    return np.asarray(found, np.float64)


PERIODS = {"month": 12, "day": 31, "weekday": 7, "hour": 24, "minute": 60}


def _fill(x: NDArray[Any], value: float) -> NDArray[Any]:
    return np.where(x != x, value, x)


def _interpolate(x: NDArray[Any], knots: Any, values: Any) -> NDArray[Any]:
    return np.asarray(np.interp(x, knots, values))


def _equals(x: Any, level: str) -> NDArray[np.float64]:
    return np.array([float(text == level) for text in x])


def _lookup(x: Any, levels: Sequence[str], missing: int) -> NDArray[np.float64]:
    place = {text: float(code) for code, text in enumerate(levels, 1)}
    return np.array([missing if t is None else place.get(t, 0.0) for t in x])


def _is_missing(x: Any) -> NDArray[np.float64]:
    if isinstance(x, np.ndarray) and x.dtype.kind == "f":
        return np.asarray(x != x, np.float64)
    return np.array([float(text is None) for text in x])


# What each operation computes, on an array of cells.
OPERATIONS: dict[str, Callable[..., NDArray[Any]]] = {
    "is_missing": _is_missing,
    "fill": _fill,
    "subtract": lambda x, value: x - value,
    "divide": lambda x, value: x / value,
    "smooth_clip": smooth_clip,
    "interpolate": _interpolate,
    "date_part": date_part,
    "sine": lambda x, period: np.sin(2.0 * math.pi * x / period),
    "cosine": lambda x, period: np.cos(2.0 * math.pi * x / period),
    "equals": _equals,
    "lookup": _lookup,
}

# The same in words, with x for what comes in.
FORMULAS: dict[str, Callable[..., str]] = {
    "is_missing": lambda: "1 if missing, else 0",
    "fill": lambda value: f"x, or {show(value)} if missing",
    "subtract": lambda value: (
        f"x - {show(value)}" if value >= 0 else f"x + {show(-value)}"
    ),
    "divide": lambda value: f"x / {show(value)}",
    "smooth_clip": lambda limit: f"x / sqrt(1 + (x / {show(limit)})^2)",
    "interpolate": lambda knots, values: (
        f"between {len(knots)} quantiles from {show(knots[0])} to {show(knots[-1])}, "
        f"to normal scores from {show(values[0])} to {show(values[-1])}"
    ),
    "date_part": lambda part: f"{part} of x, from 0",
    "sine": lambda period: f"sin(2 pi x / {show(period)})",
    "cosine": lambda period: f"cos(2 pi x / {show(period)})",
    "equals": lambda level: f"1 if {level!r}, else 0",
    "lookup": lambda levels, missing: (
        f"its place among {len(levels)} levels from 1; 0 if not seen in training"
        + f"; {missing} if missing" * (missing > 0)
    ),
}


# The same before an equals sign, for one cell.
WORDS: dict[str, Callable[..., str]] = {
    "is_missing": lambda: "missing",
    "fill": lambda value: "missing, filled",
    "subtract": lambda value: f"- {show(value)}" if value >= 0 else f"+ {show(-value)}",
    "divide": lambda value: f"/ {show(value)}",
    "smooth_clip": lambda limit: f"clip {show(limit)}",
    "interpolate": lambda knots, values: f"normal score of {len(knots)} quantiles",
    "date_part": lambda part: f"{part} from 0",
    "sine": lambda period: f"sine, period {show(period)},",
    "cosine": lambda period: f"cosine, period {show(period)},",
    "equals": lambda level: f"is {level!r}",
    "lookup": lambda levels, missing: "place among the levels",
}


def show(value: float) -> str:
    """Return a number of an operation, short.

    Parameters
    ----------
    value : float
        The number.

    Returns
    -------
    str
    """
    return f"{value:.6g}"


def run(operations: Sequence[Operation], cells: Any) -> NDArray[Any]:
    """Return what operations make of cells.

    Parameters
    ----------
    operations : sequence of Operation
        In order.
    cells : ndarray of float64, or list of str and None
        As `Feature` describes them.

    Returns
    -------
    ndarray of float64, shape (n,)
    """
    x = cells
    # Large numbers may overflow to infinity, which the clip brings back.
    with np.errstate(over="ignore", invalid="ignore"):
        for name, settings in operations:
            x = OPERATIONS[name](x, *settings)
    return np.asarray(x)


def worked(operations: Sequence[Operation], cell: Any) -> str:
    """Return what operations make of one cell, step by step.

    Parameters
    ----------
    operations : sequence of Operation
        In order.
    cell : float, str or None
        As `Feature` describes it.

    Returns
    -------
    str
        For example ``"- 38 = 3; / 12 = 0.25; clip 3 = 0.249136"``.
    """
    steps = []
    x: Any = [cell] if cell is None or isinstance(cell, str) else np.array([cell])
    for name, settings in operations:
        before, x = x, run([Operation(name, settings)], x)
        if name == "fill" and before[0] == before[0]:
            continue  # there was nothing to fill
        steps.append(f"{WORDS[name](*settings)} = {show(x[0])}")
    return "; ".join(steps)


def formula(operations: Sequence[Operation]) -> str:
    """Return operations in words.

    Parameters
    ----------
    operations : sequence of Operation
        In order.

    Returns
    -------
    str
        For example ``"x, or 38 if missing; x - 38; x / 12"``.
    """
    return "; ".join(FORMULAS[name](*settings) for name, settings in operations)
