"""A last look at a whole column: booleans, identifiers, and columns of nothing."""

import re
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pellucid.data.columns import Column, blocks, nothing
from pellucid.errors import DataError

FIRST = 2**20  # rows that decide whether numbers are identifiers
NOTHING = "nothing is in it"
FEW_LEVELS = 20  # so many may all differ, and are a category
WORDS = (("no", "yes"), ("n", "y"), ("false", "true"), ("f", "t"), ("off", "on"))
_NAMES_OF_ROWS = re.compile(
    r"(?i:\(rows\)|id|.*[_\s.-]id|index|uuid|guid|row|row[_\s]?names?|unnamed: 0)"
    r"|.*[a-z](ID|Id)"
)


@dataclass(frozen=True)
class LeftOut:
    """A column that is not used, and why.

    Parameters
    ----------
    name : str
        Its name.
    why : str
        The reason, in words.
    """

    name: str
    why: str


def names_of_rows(name: str, count: str) -> LeftOut:
    """Return why a column of texts is left out of which almost none repeats.

    Parameters
    ----------
    name : str
        Its name.
    count : str
        How many different texts there are, in words.

    Returns
    -------
    LeftOut
    """
    return LeftOut(name, f"an identifier: {count} different texts, almost no repeats")


def settled(
    name: str,
    kind: str,
    values: NDArray[Any],
    levels: tuple[str, ...] = (),
    asked: str | None = None,
) -> Column | LeftOut:
    """Return a column after a last look at all its values.

    Numbers that are all 0 or 1, and pairs of words such as yes and no, are booleans;
    whole numbers that count the rows, or all differ under a name such as ``id``, are
    identifiers, and so are texts of which almost none is there twice.

    Parameters
    ----------
    name : str
        Name of the column.
    kind : str
        Kind of the values.
    values : ndarray
        As in `Column`.
    levels : tuple of str
        Of a category.
    asked : str, optional
        The kind that the user wants.

    Returns
    -------
    Column or LeftOut
    """
    if kind == "category":
        pair = _pair(levels)
        if not levels:
            if asked is None:
                return LeftOut(name, NOTHING)
            return nothing(name, asked, len(values))
        if asked == "boolean" and pair is None:
            raise DataError(
                f"The column {name!r} is no boolean: it holds "
                f"{', '.join(map(repr, levels[:3]))}; expected two of yes and no, true "
                "and false, 1 and 0, or empty cells. A table to learn from may say "
                "'category' for it."
            )
        both = pair is not None and all(pair)
        if pair is not None and (asked == "boolean" or (asked is None and both)):
            no, yes = pair
            turned = np.array([*(text in yes for text in levels), -1], np.int8)
            words = ((*no, "no")[0], (*yes, "yes")[0])
            return Column(name, "boolean", turned[values], (), words)
        if asked is None and len(levels) > FEW_LEVELS:
            present = int(np.count_nonzero(values >= 0))
            if len(levels) > present / 2:
                return names_of_rows(name, f"{len(levels):,}")
        return Column(name, "category", values, levels)
    if kind == "number" and asked in (None, "boolean"):
        return _settled_number(name, values, asked)
    return Column(name, kind, values)


def _settled_number(
    name: str, values: NDArray[Any], asked: str | None
) -> Column | LeftOut:
    first = values[:FIRST]
    there = first[first == first]
    if not there.size and not np.any(values == values):
        if asked is None:
            return LeftOut(name, NOTHING)
        return nothing(name, asked, len(values))
    whole = there.size == first.size and bool((there == np.floor(there)).all())
    distinct = whole and there.size > 1 and len(np.unique(there)) == len(there)
    if asked is None and distinct and _NAMES_OF_ROWS.fullmatch(name):
        return LeftOut(name, "an identifier: each row has another whole number")
    odd = _no_flag(values)
    if odd is None:
        flags = np.empty(len(values), np.int8)
        for rows in blocks(len(values), FIRST):
            flags[rows] = np.where(values[rows] == values[rows], values[rows], -1.0)
        return Column(name, "boolean", flags)
    if asked == "boolean":
        raise DataError(
            f"The column {name!r} is no boolean: it holds {odd:g}; expected 0 and 1, "
            "or yes and no."
        )
    return Column(name, "number", values)


def _no_flag(values: NDArray[Any]) -> float | None:
    """Return the first number that is neither 0 nor 1."""
    for rows in blocks(len(values), FIRST):
        block = values[rows]
        odd = (block != 0.0) & (block != 1.0) & (block == block)
        if odd.any():
            return float(block[odd][0])
    return None


def _pair(levels: tuple[str, ...]) -> tuple[list[str], list[str]] | None:
    """Return which levels say no and which say yes, if there are no others."""
    folded = {text.lower() for text in levels}
    for no, yes in (*WORDS, ("0", "1")):
        if folded and folded <= {no, yes}:
            return (
                [text for text in levels if text.lower() == no],
                [text for text in levels if text.lower() == yes],
            )
    return None
