"""Columns of values that have a type: of arrays, lists and data frames."""

from collections.abc import Sequence
from datetime import UTC, date, datetime
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pellucid.data.columns import DTYPES, Column, Store, nothing
from pellucid.data.dates import DATE_FORMS
from pellucid.data.recognition import LARGEST_WHOLE, Reading, TextColumn
from pellucid.data.settling import NOTHING, LeftOut, settled
from pellucid.errors import DataError, ShapeError


class TypedColumn:
    """A column of values that have a type, on its way into a table.

    Parameters
    ----------
    name : str
        Its name.
    reading : Reading
        How texts are read.
    store : Store
        Where the values go.
    asked : str, optional
        The kind that the user wants.
    rows : int
        How many rows there were before.
    """

    def __init__(
        self,
        name: str,
        reading: Reading,
        store: Store,
        asked: str | None,
        rows: int = 0,
    ) -> None:
        self.name, self.reading, self.store, self.asked = name, reading, store, asked
        self.rows, self.kind = rows, "nothing"
        self._empty = 0
        self._texts: TextColumn | None = None
        self._values: Any = None

    def add(self, values: Any) -> None:
        """Take some more `values`: an array, a series or a list."""
        kind, found = typed(values, self.name, self.reading.place, self.rows)
        if self.asked == "category" and kind in ("number", "boolean", "date"):
            kind, found = "text", Column(self.name, kind, found).cells()
            found = [_as_text(value) for value in found]
        if self.asked == "number" and kind == "boolean":
            kind, found = "number", np.where(found < 0, np.nan, found)
        count = len(found)
        if kind == "nothing":
            self._empty += count
            if self.kind == "text" or self._values is not None:
                kind, found = self.kind, self._gaps(self._empty)
                self._empty = 0
            else:
                self.rows += count
                return
        if self.kind not in ("nothing", kind):
            raise DataError(
                f"The column {self.name!r} holds a {self.kind} first and a {kind} from "
                f"{self.reading.place(self.rows)} on; expected one kind of value."
            )
        self.kind = kind
        if self._empty:
            gaps, self._empty = self._gaps(self._empty), 0
            self._take(gaps, self.rows - len(gaps))
        self._take(found, self.rows)
        self.rows += count

    def _gaps(self, count: int) -> Any:
        if self.kind == "text":
            return [""] * count
        gap = -1 if self.kind == "boolean" else np.nan
        return np.full(count, gap, DTYPES[self.kind])

    def _take(self, found: Any, first: int) -> None:
        if self.kind == "text":
            if self._texts is None:
                known = None if self.asked else "category"
                self._texts = TextColumn(
                    self.name, self.reading, self.store, self.asked, known
                )
            self._texts.add(found, range(first, first + len(found)))
            return
        wanted = "date" if self.asked in DATE_FORMS else self.asked
        allowed = {"number": ("number", "boolean")}.get(self.kind, (self.kind,))
        if wanted not in (None, "category", *allowed):
            raise DataError(
                f"The column {self.name!r} holds a {self.kind}; expected a {wanted}."
            )
        if self.kind == "number":
            self._must_be_finite(found, first)
        if self._values is None:
            self._values = self.store.new(DTYPES[self.kind])
        self._values.append(found)

    def _must_be_finite(self, found: NDArray[Any], first: int) -> None:
        infinite = np.isinf(found)
        if infinite.any():
            row = int(np.argmax(infinite))
            count = int(infinite.sum())
            more = f"; {count} such values in all" if count > 1 else ""
            raise DataError(
                f"{self.reading.place(first + row)}, column {self.name!r}: found an "
                f"infinity, expected a finite number{more}. Correct it, or put NaN "
                "where the number is not known."
            )

    def finish(self) -> Column | LeftOut:
        """Return the column, or why it is left out."""
        if self._texts is not None:
            return self._texts.finished()
        if self._values is None:
            if self.asked is None:
                return LeftOut(self.name, NOTHING)
            kind = "date" if self.asked in DATE_FORMS else self.asked
            return nothing(self.name, kind, self._empty)
        values = self._values.values()
        return settled(self.name, self.kind, values, (), self.asked)


def _as_text(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value)


def typed(values: Any, name: str, place: Any, first: int = 0) -> tuple[str, Any]:
    """Return the kind of some values, and the values as `Column` keeps them.

    Parameters
    ----------
    values : array, series or list
        The values.
    name : str
        Name of the column, for messages.
    place : callable
        Returns how messages name a row.
    first : int
        Number of the first row.

    Returns
    -------
    kind : str
        ``"number"``, ``"boolean"``, ``"date"``, ``"text"`` or ``"nothing"``.
    found : ndarray or list of str

    Raises
    ------
    DataError
        If they are of another kind.
    """
    if isinstance(values, np.ma.MaskedArray):
        raise DataError(
            f"The column {name!r} is a masked array; its masked values would count. "
            "Fill them first, with NaN for numbers."
        )
    if isinstance(values, np.ndarray):
        if values.dtype.kind in "OT":
            return _typed_objects(values.tolist(), name, place, first)
        return _typed_array(values, name)
    if isinstance(values, list | tuple):
        return _typed_objects(values, name, place, first)
    return _typed_series(values, name, place, first)


def _typed_array(values: NDArray[Any], name: str) -> tuple[str, Any]:
    kind = values.dtype.kind
    if values.ndim != 1:
        raise ShapeError(
            f"The column {name!r} has shape {values.shape}; expected one value a row."
        )
    if kind == "b":
        return "boolean", values.astype(np.int8)
    if kind in "iu":
        if values.size and max(int(values.max()), -int(values.min())) > LARGEST_WHOLE:
            return "text", [str(value) for value in values.tolist()]
        return "number", values.astype(np.float64)
    if kind == "f":
        return "number", values.astype(np.float64)
    if kind == "U":
        return "text", values.tolist()
    if kind == "M":
        moments = values.astype("datetime64[ms]").astype(np.int64) / 1000.0
        return "date", np.where(np.isnat(values), np.nan, moments)
    what = {"c": "complex numbers", "S": "bytes", "m": "durations", "V": "records"}
    raise DataError(
        f"The column {name!r} holds {what.get(kind, str(values.dtype))}; expected "
        "numbers, texts, booleans or dates."
    )


def _typed_objects(
    values: Sequence[Any], name: str, place: Any, first: int
) -> tuple[str, Any]:
    there = [value for value in values if not _is_gap(value)]
    kinds = {_kind_of(value) for value in there}
    if not there:
        return "nothing", values
    if len(kinds) > 1 or None in kinds:
        kind = _kind_of(there[0])
        row = next(
            row
            for row, value in enumerate(values)
            if not _is_gap(value) and (_kind_of(value) != kind or kind is None)
        )
        others = "numbers, texts, booleans or dates" if kind is None else f"a {kind}"
        raise DataError(
            f"{place(first + row)}, column {name!r}: found {values[row]!r}; expected "
            f"{others}, as in the rows before. A column holds one kind of value."
        )
    (kind,) = kinds
    if kind == "text":
        return "text", ["" if _is_gap(value) else str(value) for value in values]
    if kind == "boolean":
        return "boolean", np.array(
            [-1 if _is_gap(value) else int(value) for value in values], np.int8
        )
    if kind == "date":
        return "date", np.array(
            [np.nan if _is_gap(value) else _seconds(value) for value in values]
        )
    if any(isinstance(v, int) and abs(v) > LARGEST_WHOLE for v in there):
        return "text", ["" if _is_gap(value) else str(value) for value in values]
    return "number", np.array(
        [np.nan if _is_gap(value) else float(value) for value in values]
    )


def _is_gap(value: Any) -> bool:
    if value is None or type(value).__name__ in ("NAType", "NaTType"):
        return True
    return isinstance(value, float | np.floating) and bool(value != value)


def _kind_of(value: Any) -> str | None:
    if isinstance(value, str):
        return "text"
    if isinstance(value, bool | np.bool):
        return "boolean"
    if isinstance(value, int | float | np.integer | np.floating):
        return "number"
    if type(value).__name__ == "Decimal":
        return "number"
    return "date" if isinstance(value, date) else None


def _seconds(value: Any) -> float:
    if not isinstance(value, datetime):
        value = datetime(value.year, value.month, value.day)  # noqa: DTZ001
    if value.tzinfo is None:
        value = value.replace(tzinfo=UTC)
    return float(value.timestamp())


def _typed_series(series: Any, name: str, place: Any, first: int) -> tuple[str, Any]:
    import narwhals.stable.v2 as nw

    series = nw.from_native(series, series_only=True, allow_series=True)
    dtype = series.dtype
    if len(series) and series.null_count() == len(series):
        return "nothing", [None] * len(series)
    if dtype.is_integer():
        if max(abs(int(series.max())), abs(int(series.min()))) > LARGEST_WHOLE:
            texts = ("" if _is_gap(v) else str(v) for v in series.to_list())
            return "text", list(texts)
        return "number", _floats(series, nw)
    if dtype.is_numeric():
        return "number", _floats(series, nw)
    if dtype == nw.Boolean:
        flags = (-1 if _is_gap(v) else int(v) for v in series.to_list())
        return "boolean", np.array(list(flags), np.int8)
    if dtype in (nw.Date, nw.Datetime):
        if dtype == nw.Date:
            series = series.cast(nw.Datetime("ms"))
        moments = series.dt.timestamp("ms")
        return "date", _floats(moments, nw) / 1000.0
    if dtype in (nw.String, nw.Categorical, nw.Enum):
        return "text", ["" if _is_gap(v) else str(v) for v in series.to_list()]
    if dtype == nw.Object or dtype == nw.Unknown:
        return _typed_objects(series.to_list(), name, place, first)
    raise DataError(
        f"The column {name!r} holds values of type {dtype}; expected numbers, texts, "
        "booleans or dates."
    )


def _floats(series: Any, nw: Any) -> NDArray[np.float64]:
    if series.null_count():
        values = (np.nan if _is_gap(v) else v for v in series.to_list())
        return np.array(list(values), np.float64)
    array: NDArray[np.float64] = series.cast(nw.Float64).to_numpy()
    return array
