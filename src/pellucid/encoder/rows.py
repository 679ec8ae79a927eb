"""Rows on their way from the columns of a table to the inputs of a network."""

import os
import warnings
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pellucid.data.columns import Column, unwritable
from pellucid.data.table_targets import count_of
from pellucid.encoder.encodings import Embedded, Encoding, OneHot
from pellucid.encoder.operations import NUMBERS, Feature, run
from pellucid.errors import ConfigurationError, DataError


class Arrays:
    """The inputs of a network, in memory or in files, to be filled.

    Parameters
    ----------
    features : sequence of Feature
        What a row becomes.
    count : int
        Number of rows.
    folder : str or Path, optional
        Where the files are; in memory, if None.
    """

    def __init__(
        self, features: Sequence[Feature], count: int, folder: str | Path | None = None
    ) -> None:
        self.folder = folder
        self.arrays: dict[str, NDArray[Any]] = {}
        self._levels: dict[Feature, NDArray[Any]] = {}
        width = sum(feature.input == NUMBERS for feature in features)
        if width:
            self.arrays[NUMBERS] = self._new((count, width), np.float32)
        for feature in features:
            if feature.input != NUMBERS:
                self.arrays[feature.input] = self._new((count,), np.int32)
        self._features = features

    def _new(self, shape: tuple[int, ...], dtype: Any) -> NDArray[Any]:
        if self.folder is None or not shape[0]:
            return np.empty(shape, dtype)
        number = len(list(Path(self.folder).glob("encoded_*.npy")))
        path = Path(self.folder, f"encoded_{number}.npy")
        found: NDArray[Any]
        try:
            found = np.lib.format.open_memmap(path, mode="w+", dtype=dtype, shape=shape)
            with path.open("r+b") as file:
                # Writing to a file that is mapped would end the process on a full disk.
                if hasattr(os, "posix_fallocate"):
                    os.posix_fallocate(file.fileno(), 0, path.stat().st_size)
        except OSError as error:
            raise unwritable(path, error) from error
        return found

    def fill(self, columns: Mapping[str, Column], place: slice) -> None:
        """Write what columns become to some rows.

        Parameters
        ----------
        columns : mapping of str to Column
            By name; the levels of a category are the same at each call.
        place : slice
            The rows.
        """
        number = 0
        for feature in self._features:
            values = values_of(columns[feature.column], feature, self._levels)
            if feature.input != NUMBERS:
                self.arrays[feature.input][place] = values
                continue
            # What is too large without a clip becomes an infinity, which networks
            # refuse.
            with np.errstate(over="ignore"):
                self.arrays[NUMBERS][place, number] = values
            number += 1

    def finished(self) -> Any:
        """Return the numbers alone, or with codes a mapping of all inputs."""
        for values in self.arrays.values():
            if isinstance(values, np.memmap):
                values.flush()
        return self.arrays[NUMBERS] if set(self.arrays) == {NUMBERS} else self.arrays


def values_of(
    column: Column,
    feature: Feature,
    levels: dict[Feature, NDArray[Any]] | None = None,
) -> NDArray[Any]:
    """Return the numbers that a feature makes of a column.

    Parameters
    ----------
    column : Column
        The cells.
    feature : Feature
        What is made of them.
    levels : dict, optional
        Remembers what becomes of each level of a category.

    Returns
    -------
    ndarray, shape (n,)
    """
    if column.kind == "category":
        each = None if levels is None else levels.get(feature)
        if each is None:
            # Each level once; -1, for nothing, picks the last.
            each = run(feature.operations, [*column.levels, None])
            if levels is not None:
                levels[feature] = each
        found: NDArray[Any] = each[column.values]
        return found
    if column.kind == "boolean":
        cells = np.where(column.values < 0, np.nan, column.values)
        return run(feature.operations, cells)
    return run(feature.operations, np.asarray(column.values))


def as_kind(column: Column, wanted: Encoding) -> Column:
    """Return a column of the kind that training had, where that is no guess.

    Parameters
    ----------
    column : Column
        Of a table.
    wanted : Encoding
        What training had.

    Returns
    -------
    Column

    Raises
    ------
    DataError
        If it is of another kind.
    """
    kind = wanted.kind
    if column.kind == kind:
        return column
    if kind == "number" and column.kind == "boolean" and column.words == ("0", "1"):
        values = np.where(column.values < 0, np.nan, column.values)
        return Column(column.name, "number", values)
    raise DataError(
        f"The column {column.name!r} is a {column.kind}, and was a {kind} in training. "
        "Read the table with encoder.table(...), which knows the kinds of training."
    )


class Unseen:
    """The categories that training has not seen, counted.

    Parameters
    ----------
    what : str
        ``"warn"``, ``"ignore"`` or ``"error"``.
    """

    def __init__(self, what: str) -> None:
        if what not in ("warn", "ignore", "error"):
            raise ConfigurationError(
                f"Expected unseen 'warn', 'ignore' or 'error', got {what!r}."
            )
        self.what = what
        self.counts: dict[str, Counter[str]] = {}
        self._seen: dict[str, set[str]] = {}

    def look(self, used: Sequence[Encoding], columns: Mapping[str, Column]) -> None:
        """Look for them in some rows.

        Parameters
        ----------
        used : sequence of Encoding
            What training has seen.
        columns : mapping of str to Column
            The rows.

        Raises
        ------
        DataError
            If there are any, and they are an error.
        """
        for each in used:
            if not isinstance(each, OneHot | Embedded):
                continue
            column = columns[each.column]
            counts = np.bincount(column.values + 1, minlength=1 + len(column.levels))
            for place in np.flatnonzero(counts[1:]).tolist():
                level = column.levels[place]
                if level not in self._known(each):
                    found = self.counts.setdefault(each.column, Counter())
                    found[level] += int(counts[place + 1])
        if self.counts and self.what == "error":
            raise DataError(f"{self} With unseen='warn' they count as no known level.")

    def _known(self, each: OneHot | Embedded) -> set[str]:
        if each.column not in self._seen:
            rare = each.rare if isinstance(each, Embedded) else ()
            self._seen[each.column] = {*each.levels, *rare}
        return self._seen[each.column]

    def tell(self) -> None:
        """Warn, if there are any and a warning is wanted."""
        if self.counts and self.what == "warn":
            message = f"{self} They count as no known level."
            warnings.warn(message, UserWarning, stacklevel=3)

    def __str__(self) -> str:
        told = []
        for name, counts in self.counts.items():
            levels = ", ".join(repr(level) for level, _ in counts.most_common(3))
            more = f" and {len(counts) - 3} more" * (len(counts) > 3)
            told.append(
                f"{name!r}: {levels}{more} in {count_of(counts.total(), 'row')}"
            )
        return f"Categories that training has not seen: {'; '.join(told)}."
