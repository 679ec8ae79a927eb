"""From texts to values: what kind of column it is, and each cell with its line."""

import math
import re
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, NoReturn

import numpy as np
from numpy.typing import NDArray

from pellucid.data.columns import DTYPES, Column, Growing, Store, nothing
from pellucid.data.dates import DATE_FORMS, ISO, seconds_of
from pellucid.data.settling import (
    FEW_LEVELS,
    NOTHING,
    LeftOut,
    names_of_rows,
    settled,
)
from pellucid.errors import DataError

MISSING = (
    *("", "NA", "N/A", "#N/A", "NaN", "nan", "NULL", "null", "None", "NaT", "<NA>"),
    "?",
)
MOST_LEVELS = 2**15  # different texts of what is found to be a category by itself
LARGEST_WHOLE = 2**53  # beyond it float64 has not every whole number
_COMMA = re.compile(r"\s*[+-]?\d+,\d+\s*")


@dataclass(frozen=True)
class Reading:
    """How cells are read.

    Parameters
    ----------
    place : callable
        Returns how messages name a line: ``"ages.csv, line 7"``.
    missing : frozenset of str
        Texts that stand for nothing.
    decimal : str
        ``"."`` or ``","``.
    """

    place: Callable[[int], str]
    missing: frozenset[str] = frozenset(MISSING)
    decimal: str = "."


class _TooManyError(Exception):
    """A column has more different texts than a category may have."""


class Levels(dict[str, int]):
    """The place of each text among the levels of a category; new texts get the next.

    Parameters
    ----------
    missing : iterable of str
        Texts that stand for nothing, place -1.
    most : float
        How many levels there may be.
    """

    def __init__(self, missing: Any = (), most: float = math.inf) -> None:
        super().__init__(dict.fromkeys(missing, -1))
        self.texts: list[str] = []
        self.most = most

    def __missing__(self, text: str) -> int:
        own = text.strip()
        if own in self:  # " red" is "red"
            self[text] = self[own]
            return self[own]
        if len(self.texts) >= self.most:
            raise _TooManyError
        self[own] = place = len(self.texts)
        self.texts.append(own)
        return place


class TextColumn:
    """A column of texts on its way to values, some rows at a time.

    The kind is told from the first cells that are there. When a later cell contradicts
    it, the column is to be read once more as what it then is, `again`.

    Parameters
    ----------
    name : str
        Its name.
    reading : Reading
        How cells are read.
    store : Store
        Where the values go.
    asked : str, optional
        The kind that the user wants, or one of `DATE_FORMS`; a cell that is none is an
        error then.
    settled : str, optional
        The kind that a first reading has found.
    """

    def __init__(
        self,
        name: str,
        reading: Reading,
        store: Store,
        asked: str | None = None,
        settled: str | None = None,
    ) -> None:
        self.name, self.reading, self.store = name, reading, store
        self.asked = asked
        self.forms = list(DATE_FORMS)
        wanted = asked or settled
        if wanted in DATE_FORMS:
            self.forms, wanted = [wanted], "date"
        self.kind = wanted
        # Whether a number such as -999 stands for nothing.
        self._numbers_missing = any(map(_is_finite, reading.missing))
        self._tells = wanted is None  # whether the kind is told from the cells
        self.again: str | None = None
        most = MOST_LEVELS if asked is None else math.inf
        self.levels = Levels(reading.missing, most)
        self.too_many = False
        self.rows = 0
        self._values: Growing | None = None
        self._numbers = 0  # cells that were numbers or dates before one was not
        self._different = 0
        self._odd: tuple[int, str] | None = None  # the first that was not: line, cell
        self._infinite: tuple[int, str] | None = None
        self._huge: tuple[int, str] | None = None
        self._counts = np.zeros(0, np.int64)

    # -- some rows ---------------------------------------------------------------------

    def add(self, cells: Sequence[str], lines: Sequence[int]) -> None:
        """Take some more cells.

        Parameters
        ----------
        cells : sequence of str
            As they are in the file.
        lines : sequence of int
            The line of each.
        """
        if self.too_many:
            return
        if self.kind is None:
            self.kind = self._told_from(cells)
        if self.kind is not None:
            values = self._parsed(cells, lines)
            if values is not None and self.again is None:
                self._append(values)
        self.rows += len(cells)

    def _append(self, values: NDArray[Any]) -> None:
        if self._values is None:
            kind = self.kind or "category"
            coded = "category" if kind == "boolean" else kind
            self._values = self.store.new(DTYPES[coded])
            if self.rows:  # nothing was in the cells so far
                gap = np.nan if DTYPES[coded].kind == "f" else -1
                self._values.append(np.full(self.rows, gap))
        self._values.append(values)

    def _told_from(self, cells: Sequence[str]) -> str | None:
        """Return the kind of the first cells in which something is."""
        there = [cell for cell in cells if cell.strip() not in self.reading.missing]
        if not there:
            return None
        if self._is_number(there[0]) and all(map(self._is_number, there)):
            return "number"
        dates = any(self._fits(there, form) for form in self.forms)
        return "date" if dates else "category"

    def _fits(self, cells: Sequence[str], form: str) -> bool:
        try:
            seconds_of(cells, form, self.reading.missing)
        except ValueError:
            return False
        return True

    def _parsed(
        self, cells: Sequence[str], lines: Sequence[int]
    ) -> NDArray[Any] | None:
        """Return values; None where the column proved to be of another kind."""
        if self.kind in ("category", "boolean"):
            return self._codes(cells, lines)
        parse = self._floats if self.kind == "number" else self._seconds
        try:
            values = parse(cells)
        except ValueError:
            self._contradict(cells, lines)
            return self._codes(cells, lines)
        if self.kind == "number":
            self._look_at(values, cells, lines)
        if self._different <= FEW_LEVELS:
            self._different = max(self._different, len(np.unique(values[:1000])))
        self._numbers += int(np.count_nonzero(values == values))
        return values

    def _codes(self, cells: Sequence[str], lines: Sequence[int]) -> NDArray[Any] | None:
        levels, known = self.levels, len(self.levels.texts)
        try:
            codes = np.array([levels[cell] for cell in cells], np.int32)
        except _TooManyError:
            self._give_up()
            return None
        if self._odd is None and self._tells:
            for text in levels.texts[known:]:
                if not self._like_before(text):
                    line = next(
                        line
                        for line, cell in zip(lines, cells, strict=True)
                        if cell.strip() == text
                    )
                    self._odd = (line, text)
                    break
        found = np.bincount(codes[codes >= 0], minlength=len(levels.texts))
        found[: len(self._counts)] += self._counts
        self._counts = found
        return codes

    def _give_up(self) -> None:
        """Be no category, and keep no texts any more."""
        if self._is_mixture():
            self._refuse_mixture()
        self._must_not_be_decimal_commas()
        self.too_many = True
        self.levels, self._values, self._odd = Levels(), None, None

    def _like_before(self, text: str) -> bool:
        return self._is_number(text) or bool(ISO.fullmatch(text))

    # -- numbers -----------------------------------------------------------------------

    def _is_number(self, cell: str) -> bool:
        try:
            self._number(cell)
        except ValueError:
            return False
        return True

    def _number(self, cell: str) -> float:
        if cell in self.reading.missing:
            return math.nan
        if "_" in cell:  # which Python takes in 1_000
            raise ValueError
        if self.reading.decimal == ",":
            if "." in cell:
                raise ValueError
            cell = cell.replace(",", ".")
        try:
            return float(cell)
        except ValueError:
            if cell.strip() in self.reading.missing:
                return math.nan
            raise

    def _floats(self, cells: Sequence[str]) -> NDArray[np.float64]:
        if self.reading.decimal == "." and "_" not in "".join(cells):
            if not self._numbers_missing:
                with suppress(ValueError):
                    return np.array(list(map(float, cells)))
            missing, nan = self.reading.missing, math.nan
            with suppress(ValueError):
                return np.array(
                    [nan if cell in missing else float(cell) for cell in cells]
                )
        return np.array([self._number(cell) for cell in cells])

    def _look_at(
        self, values: NDArray[np.float64], cells: Sequence[str], lines: Sequence[int]
    ) -> None:
        """Note infinities, and whole numbers that float64 would round."""
        large = np.abs(values) >= LARGEST_WHOLE  # also infinities; NaN is never larger
        if not large.any():
            return
        for row in np.flatnonzero(large).tolist():
            cell = cells[row].strip()
            if math.isinf(values[row]):
                self._infinite = self._infinite or (lines[row], cell)
            elif cell.lstrip("+-").isdigit():
                self._huge = self._huge or (lines[row], cell)

    # -- dates -------------------------------------------------------------------------

    def _seconds(self, cells: Sequence[str]) -> NDArray[np.float64]:
        fitting = [form for form in self.forms if self._fits(cells, form)]
        if not fitting:
            raise ValueError
        if fitting[0] != self.forms[0] and self._numbers:
            self.again = fitting[0]  # earlier cells were read in another form
        self.forms = fitting
        return seconds_of(cells, fitting[0], self.reading.missing)

    # -- contradictions ----------------------------------------------------------------

    def _contradict(self, cells: Sequence[str], lines: Sequence[int]) -> None:
        """Note the first cell that is not of the column's kind."""
        fits = (
            self._is_number
            if self.kind == "number"
            else lambda cell: any(self._fits([cell], form) for form in self.forms)
        )
        line, cell = next(
            (
                (line, cell)
                for line, cell in zip(lines, cells, strict=True)
                if not fits(cell)
            ),
            (lines[0], cells[0]),
        )
        if not self._tells:
            form = f" ({self.forms[0]})" if len(self.forms) == 1 else ""
            raise DataError(
                f"{self.reading.place(line)}, column {self.name!r}: found "
                f"{_short(cell)}, expected a {self.kind}{form}{self._advice(cell)}."
            )
        self._odd, self.again, self.kind = (line, cell.strip()), "category", "category"

    def _advice(self, cell: str) -> str:
        if _COMMA.fullmatch(cell) and self.reading.decimal == ".":
            return "; if its comma is the decimal one, say decimal=','"
        if self.reading.decimal == "," and "." in cell:
            return "; here the comma is the decimal sign (decimal='.' changes that)"
        return (
            "; leave the cell empty if nothing is known, or say "
            f"missing=[{cell.strip()!r}] where the table is read"
        )

    def _refuse_mixture(self) -> NoReturn:
        assert self._odd is not None
        line, cell = self._odd
        raise DataError(
            f"{self.reading.place(line)}, column {self.name!r}: found {_short(cell)} "
            "among numbers or dates; expected one kind of value. Correct it"
            f"{self._advice(cell)}, or say columns={{{self.name!r}: 'category'}}."
        )

    def _is_mixture(self) -> bool:
        """Whether some texts stand among what looks like measurements or dates."""
        if not self._tells or self._odd is None:
            return False
        texts = self.levels.texts[: len(self._counts)]
        alike = np.array([self._like_before(text) for text in texts], bool)
        numbers = self._numbers + int(self._counts[alike].sum())
        others = int(self._counts[~alike].sum())
        return numbers > others and self._different + int(alike.sum()) > FEW_LEVELS

    def _must_not_be_decimal_commas(self) -> None:
        if not self._tells:
            return
        texts = self.levels.texts[:1000]
        commas = [text for text in texts if _COMMA.fullmatch(text)]
        if self.reading.decimal == "." and 2 * len(commas) > len(texts):
            raise DataError(
                f"The column {self.name!r} holds texts such as {commas[0]!r}: if the "
                "comma is the decimal one, say decimal=','; if not, say columns="
                f"{{{self.name!r}: 'category'}}."
            )

    # -- the end -----------------------------------------------------------------------

    def finish(self) -> Column | LeftOut | None:
        """Return the column, why it is left out, or None if it must be read again.

        Returns
        -------
        Column, LeftOut or None

        Raises
        ------
        DataError
            If it mixes kinds, or a number is infinite.
        """
        if self.kind is None:
            return LeftOut(self.name, NOTHING)
        if self.kind in ("category", "boolean") and self._is_mixture():
            self._refuse_mixture()
        if self.kind == "category":
            self._must_not_be_decimal_commas()
        if self.too_many:
            return names_of_rows(self.name, f"more than {MOST_LEVELS:,}")
        if self.kind == "number" and self._infinite is not None:
            line, cell = self._infinite
            raise DataError(
                f"{self.reading.place(line)}, column {self.name!r}: found {cell!r}, "
                "expected a finite number. Correct it, or say that it stands for "
                f"nothing: missing=[{cell!r}]."
            )
        if self.kind == "number" and self._huge is not None:
            if self.asked is not None:
                line, cell = self._huge
                raise DataError(
                    f"{self.reading.place(line)}, column {self.name!r}: the whole "
                    f"number {cell} is beyond 2^53, where numbers lose digits. Say "
                    "'category' or 'ignore' for the column."
                )
            self.again = "category"
        if self.kind == "date" and len(self.forms) > 1 and self._numbers:
            raise DataError(
                f"Dates in column {self.name!r} may be day/month/year or "
                "month/day/year, both fit every row. Write them as 2031-12-24, or say "
                f"columns={{{self.name!r}: 'day/month/year'}} (or 'month/day/year') "
                "where the table is read."
            )
        if self.again is not None:
            return None
        if self._values is None:
            return nothing(self.name, self.kind, 0)
        values = self._values.values()
        if self.kind in ("category", "boolean"):
            levels = tuple(self.levels.texts)
            return settled(self.name, "category", values, levels, self.asked)
        if self.kind == "date":
            return Column(self.name, "date", values, form=self.forms[0])
        return settled(self.name, self.kind, values, (), self.asked)

    def finished(self) -> Column | LeftOut:
        """Return the column as `finish` does, where it cannot be read again.

        Returns
        -------
        Column or LeftOut

        Raises
        ------
        DataError
            If it would have to be.
        """
        found = self.finish()
        if found is None:
            raise DataError(
                f"The column {self.name!r} is not what it was taken for at first: say "
                f"columns={{{self.name!r}: {self.again!r}}}."
            )
        return found


def _is_finite(text: str) -> bool:
    try:
        return math.isfinite(float(text))
    except ValueError:
        return False


def _short(cell: str) -> str:
    cell = cell.strip()
    return repr(cell if len(cell) <= 40 else f"{cell[:37]}...")
