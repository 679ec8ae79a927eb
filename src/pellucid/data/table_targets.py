"""Targets and weights of a table, told from their columns."""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pellucid.data.columns import Column, date_text
from pellucid.data.settling import LeftOut
from pellucid.data.sources import Source
from pellucid.errors import DataError

MOST_CLASSES = 10  # so many different whole numbers are classes


def weights_of(
    source: Source, read: Mapping[str, Column | LeftOut], weight: str | None
) -> NDArray[np.float64] | None:
    """Return how much each row counts.

    Parameters
    ----------
    source : Source
        Names rows in messages.
    read : mapping of str to Column or LeftOut
        What was read.
    weight : str or None
        The column that says it.

    Returns
    -------
    ndarray of float64, shape (n,), or None

    Raises
    ------
    DataError
        If a weight is missing or negative, or all are 0.
    """
    if weight is None:
        return None
    column = read[weight]
    if isinstance(column, LeftOut):
        raise DataError(f"The weight {weight!r} cannot be used: {column.why}.")
    values = np.asarray(column.values, np.float64)
    wrong = np.flatnonzero(column.missing | (values < 0))
    if wrong.size:
        row = int(wrong[0])
        raise DataError(
            f"{source.place(row)}, column {weight!r}: found "
            f"{column.take([row]).cells()[0]!r}, expected a weight of 0 or more."
        )
    if not values.any():
        raise DataError(
            f"Every weight in {weight!r} is zero: nothing would be learned."
        )
    return values


def rows_with_target(
    source: Source, column: Column, drop: bool, notes: list[str]
) -> NDArray[np.int64] | None:
    """Return the rows that have a target; None for all.

    Parameters
    ----------
    source : Source
        Names rows in messages.
    column : Column
        The target.
    drop : bool
        Whether rows without one are left out; they are an error otherwise.
    notes : list of str
        Where it is noted.

    Returns
    -------
    ndarray of int or None
    """
    gaps = np.flatnonzero(column.missing)
    if not gaps.size:
        return None
    if not drop:
        raise DataError(
            f"{source.place(int(gaps[0]))}: the target {column.name!r} is missing, as "
            f"in {count_of(gaps.size, 'row')} of {len(column):,}. Fill it, or leave "
            "such rows out with missing_target='drop'."
        )
    if gaps.size == len(column):
        raise DataError(f"The target {column.name!r} is missing in every row.")
    notes.append(f"dropped {count_of(gaps.size, 'row')} without a target, as asked")
    return np.setdiff1d(np.arange(len(column)), gaps)


def targets_of(
    column: Column,
    told: bool,
    classes: tuple[str | int, ...] | None,
    notes: list[str],
    place: Callable[[int], str],
) -> tuple[NDArray[Any], tuple[str | int, ...]]:
    """Return class indices and classes, or numbers and ().

    Parameters
    ----------
    column : Column
        The target, without gaps.
    told : bool
        Whether the user has said what it is.
    classes : tuple or None
        The classes that there may be.
    notes : list of str
        Where the rule is noted.
    place : callable
        Returns how messages name a row of the column.

    Returns
    -------
    y : ndarray, shape (n,)
        int64 indices or float64 numbers.
    classes : tuple
        Texts or whole numbers, sorted.

    Raises
    ------
    DataError
        If nothing can be learned about it.
    """
    name, kind = column.name, column.kind
    values = np.asarray(column.values)
    if kind == "date":
        raise DataError(
            f"The target {name!r} holds dates such as {date_text(values[0])}; expected "
            "classes or numbers. Make a number of them first, such as days."
        )
    labels: list[str | int]
    if kind == "category":
        labels = list(column.levels)
    elif kind == "boolean":
        labels = list(column.words)
        if column.words == ("0", "1"):
            labels = [0, 1]
        elif not told:
            notes.append(f"{name} is a boolean: two classes")
    else:
        number = _distinct_whole(values)
        if told or number is None:
            if values.min() == values.max() and len(values) > 1 and not told:
                raise DataError(
                    f"The target {name!r} is {values[0]:g} in every row: there is "
                    "nothing to learn."
                )
            return values, ()
        notes.append(
            f"{name} has {len(number)} different whole numbers, at most "
            f"{MOST_CLASSES}, and is taken as classes; task='numbers' changes that"
        )
        labels = [int(each) for each in number]
        values = np.searchsorted(number, values)
    if classes is not None:
        return _known_classes(values, labels, classes, name, place), classes
    used = np.unique(values).tolist()
    ordered = sorted(used, key=lambda place: _order(labels[place]))
    if len(used) < 2:
        raise DataError(
            f"The target {name!r} has a single class, {labels[used[0]]!r}: there is "
            "nothing to tell apart. Training needs rows of at least two classes."
        )
    if len(used) > max(MOST_CLASSES, len(values) / 2):
        raise DataError(
            f"The target {name!r} has {len(used):,} classes in {len(values):,} rows: "
            "nothing can be learned about classes of one row. If they are numbers, say "
            "task='numbers'."
        )
    turned = np.zeros(len(labels), np.int64)
    turned[ordered] = np.arange(len(ordered))
    names = [labels[place] for place in ordered]
    if kind == "category" and told and all(map(_is_whole, names)):
        names = [int(each) for each in names]
    return turned[values], tuple(names)


def _is_whole(text: str | int) -> bool:
    return str(text) == str(int(text)) if str(text).lstrip("-").isdigit() else False


def _order(label: str | int) -> Any:
    """Sort whole numbers by size, and texts as texts."""
    text = str(label)
    whole = text.lstrip("-").isdigit() and text.count("-") <= 1
    return (0, int(text), text) if whole else (1, 0, text)


def _known_classes(
    values: NDArray[Any],
    labels: list[str | int],
    classes: tuple[str | int, ...],
    name: str,
    place: Callable[[int], str],
) -> NDArray[np.int64]:
    known = {str(label): index for index, label in enumerate(classes)}
    turned = np.array([known.get(str(label), -1) for label in labels], np.int64)
    y: NDArray[np.int64] = turned[values]
    if (y < 0).any():
        row = int(np.argmax(y < 0))
        shown = ", ".join(map(repr, classes[:8])) + ", ..." * (len(classes) > 8)
        raise DataError(
            f"{place(row)}, column {name!r}: found the class "
            f"{labels[int(values[row])]!r}, expected one of {shown}."
        )
    return y


def _distinct_whole(values: NDArray[np.float64]) -> NDArray[np.float64] | None:
    """Return the different numbers if they are few and whole."""
    if (values != np.floor(values)).any():
        return None
    number = np.unique(values)
    return number if len(number) <= MOST_CLASSES else None


def count_of(number: int, what: str) -> str:
    """Return "1 row" or "2,000 rows".

    Parameters
    ----------
    number : int
        How many.
    what : str
        Of what.

    Returns
    -------
    str
    """
    return f"{number:,} {what}" + "s" * (number != 1)
