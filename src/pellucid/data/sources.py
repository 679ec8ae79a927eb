"""Where tables come from: CSV and Parquet files, data frames, arrays, mappings."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pellucid.data.columns import DTYPES, Column, Store
from pellucid.data.csv_file import CsvFile
from pellucid.data.dataset import Dataset
from pellucid.data.recognition import (
    DATE_FORMS,
    LARGEST_WHOLE,
    LeftOut,
    Reading,
    TextColumn,
    settled,
)
from pellucid.errors import ConfigurationError, DataError, ShapeError

PARQUET = (".parquet", ".pq")
ARROW = (".arrow", ".feather", ".ipc")
_BATCH = 2**16  # rows of a Parquet file that are read together


class Source:
    """Something that a table can be read from, and be read from again.

    Parameters
    ----------
    name : str
        What it is called.
    names : sequence of str
        Its columns.

    Attributes
    ----------
    said : str
        How it is read, in words.
    """

    said = ""

    def __init__(self, name: str, names: Sequence[str]) -> None:
        self.name, self.names = name, tuple(names)

    def place(self, row: int) -> str:
        """Return how messages name a row, counted from 0.

        Parameters
        ----------
        row : int
            Which.

        Returns
        -------
        str
        """
        return f"row {row}"

    def read(
        self, asked: Mapping[str, str | None], store: Store
    ) -> dict[str, Column | LeftOut]:
        """Return columns, in the order in which they were asked for.

        Parameters
        ----------
        asked : mapping of str to str or None
            The columns, each with the kind that the user wants.
        store : Store
            Where the values go.

        Returns
        -------
        dict of str to Column or LeftOut
        """
        raise NotImplementedError

    def stream(
        self, asked: Mapping[str, str | None], rows: int
    ) -> Iterator[dict[str, Column | LeftOut]]:
        """Read columns of known kinds, some rows at a time.

        Parameters
        ----------
        asked : mapping of str to str or None
            The columns, each with its kind.
        rows : int
            At most so many together.

        Yields
        ------
        dict of str to Column or LeftOut
        """
        raise NotImplementedError


class CsvSource(Source):
    """A CSV file.

    Parameters
    ----------
    file : CsvFile
        The file.
    missing : frozenset of str
        Texts that stand for nothing.
    decimal : str, optional
        The decimal sign; if None, a comma where the first rows show that.
    """

    def __init__(
        self, file: CsvFile, missing: frozenset[str], decimal: str | None
    ) -> None:
        super().__init__(file.path.stem.removesuffix(".csv"), file.names)
        self.file = file
        decimal = _decimal(file) if decimal is None else decimal
        self.reading = Reading(file.place, missing, decimal)
        self.said = file.said + ", decimal comma" * (decimal == ",")

    def place(self, row: int) -> str:
        for chunk in self.file.chunks():
            if row < len(chunk.lines):
                return self.file.place(chunk.lines[row])
            row -= len(chunk.lines)
        return str(self.file.path)

    def read(
        self, asked: Mapping[str, str | None], store: Store
    ) -> dict[str, Column | LeftOut]:
        found: dict[str, Column | LeftOut] = {}
        settled_kinds: dict[str, str | None] = dict.fromkeys(asked)
        while len(found) < len(asked):
            columns = {
                name: TextColumn(name, self.reading, store, asked[name], kind)
                for name, kind in settled_kinds.items()
            }
            places = [(self.names.index(name), columns[name]) for name in columns]
            for chunk in self.file.chunks():
                for place, column in places:
                    column.add(chunk.columns[place], chunk.lines)
            settled_kinds = {}
            for name, column in columns.items():
                result = column.finish()
                if result is None:
                    settled_kinds[name] = column.again
                else:
                    found[name] = result
        return {name: found[name] for name in asked}

    def stream(
        self, asked: Mapping[str, str | None], rows: int
    ) -> Iterator[dict[str, Column | LeftOut]]:
        places = [(self.names.index(name), name) for name in asked]
        for chunk in self.file.chunks(rows):
            store = Store(2**62)
            columns = {n: TextColumn(n, self.reading, store, asked[n]) for n in asked}
            for place, name in places:
                columns[name].add(chunk.columns[place], chunk.lines)
            yield {
                name: column.finish() or LeftOut(name, "nothing is in it")
                for name, column in columns.items()
            }


def _decimal(file: CsvFile) -> str:
    """Return the decimal sign that the first rows show."""
    if file.separator == ",":
        return "."
    chunk = next(file.chunks(1000), None)
    cells = [cell.strip() for column in chunk.columns for cell in column] if chunk else []
    halves = [cell.lstrip("+-").split(",") for cell in cells if cell.count(",") == 1]
    after = {len(half[1]) for half in halves if half[0].isdigit() and half[1].isdigit()}
    points = any(
        cell.count(".") == 1 and cell.lstrip("+-").replace(".", "").isdigit()
        for cell in cells
    )
    # 1,234 may as well mean 1234.
    return "," if after - {3} and not points else "."


class Chunks(Source):
    """Columns that have types already, in one piece or in several.

    Parameters
    ----------
    name : str
        What the source is called.
    names : sequence of str
        Its columns.
    pieces : callable
        Returns an iterator of pieces from the start: mappings of name to values.
    missing : frozenset of str
        Texts that stand for nothing.
    said : str
        How it is read, in words.
    """

    def __init__(
        self,
        name: str,
        names: Sequence[str],
        pieces: Any,
        missing: frozenset[str],
        said: str = "",
    ) -> None:
        super().__init__(name, names)
        self.pieces, self.said = pieces, said
        self.reading = Reading(self.place, missing)

    def read(
        self, asked: Mapping[str, str | None], store: Store
    ) -> dict[str, Column | LeftOut]:
        columns = {
            name: TypedColumn(name, self.reading, store, asked[name]) for name in asked
        }
        for piece in self.pieces():
            _same_length(piece)
            for name, column in columns.items():
                column.add(piece[name])
        return {name: column.finish() for name, column in columns.items()}

    def stream(
        self, asked: Mapping[str, str | None], rows: int
    ) -> Iterator[dict[str, Column | LeftOut]]:
        for piece in self.pieces():
            for start in range(0, _same_length(piece), rows):
                few = {name: piece[name][start : start + rows] for name in asked}
                columns = {
                    name: TypedColumn(
                        name, self.reading, Store(2**62), asked[name], start
                    )
                    for name in asked
                }
                for name, column in columns.items():
                    column.add(few[name])
                yield {name: column.finish() for name, column in columns.items()}


def _same_length(piece: Mapping[str, Any]) -> int:
    counts = {name: len(values) for name, values in piece.items()}
    if len(set(counts.values())) > 1:
        raise ShapeError(f"The columns have different numbers of rows: {counts}.")
    return next(iter(counts.values()), 0)


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
            found = self._texts.finish()
            assert found is not None
            return found
        if self._values is None:
            return LeftOut(self.name, "nothing is in it")
        values = self._values.values()
        return settled(self.name, self.kind, values, (), self.asked)


def _as_text(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value)


def typed(
    values: Any, name: str, place: Any, first: int = 0
) -> tuple[str, Any]:
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


def _typed_series(
    series: Any, name: str, place: Any, first: int
) -> tuple[str, Any]:
    import narwhals.stable.v2 as nw

    series = nw.from_native(series, series_only=True, allow_series=True)
    dtype = series.dtype
    if len(series) and series.null_count() == len(series):
        return "nothing", [None] * len(series)
    if dtype.is_integer():
        if max(abs(int(series.max())), abs(int(series.min()))) > LARGEST_WHOLE:
            texts = ("" if v is None else str(v) for v in series.to_list())
            return "text", list(texts)
        return "number", _floats(series, nw)
    if dtype.is_numeric():
        return "number", _floats(series, nw)
    if dtype == nw.Boolean:
        flags = (-1 if v is None else int(v) for v in series.to_list())
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
        values = (np.nan if v is None else v for v in series.to_list())
        return np.array(list(values), np.float64)
    array: NDArray[np.float64] = series.cast(nw.Float64).to_numpy()
    return array


# -- what users hand in ----------------------------------------------------------------


def source_of(
    given: Any,
    *,
    missing: frozenset[str],
    separator: str | None = None,
    encoding: str | None = None,
    decimal: str | None = None,
    header: bool = True,
) -> Source:
    """Return what a table is read from.

    Parameters
    ----------
    given : str, Path, data frame, mapping, array or Dataset
        What the user handed in.
    missing : frozenset of str
        Texts that stand for nothing.
    separator, encoding, decimal, header
        How a CSV file is read, as in `table`.

    Returns
    -------
    Source

    Raises
    ------
    DataError, ConfigurationError
        If it is nothing that a table can be read from.
    """
    settings = {"separator": separator, "encoding": encoding, "decimal": decimal}
    if isinstance(given, str | Path):
        path = Path(given)
        if path.suffix.lower() not in (*PARQUET, *ARROW):
            file = CsvFile(
                path, separator=separator, encoding=encoding, header=header
            )
            return CsvSource(file, missing, decimal)
        return _arrow_file(path, missing)
    wrong = [name for name, value in settings.items() if value is not None]
    if wrong:
        raise ConfigurationError(
            f"{wrong[0]} is about CSV files; got a {type(given).__name__}."
        )
    if isinstance(given, Dataset):
        return _dataset(given, missing)
    if isinstance(given, Mapping):
        return _one_piece("mapping", given, missing)
    if isinstance(given, np.ndarray | list | tuple):
        return _array(given, missing)
    return _frame(given, missing)


def _one_piece(
    name: str, piece: Mapping[str, Any], missing: frozenset[str], said: str = ""
) -> Chunks:
    for key in piece:
        if not isinstance(key, str):
            raise DataError(f"Names of columns are texts; got {key!r}.")
    if not piece:
        raise DataError("There are no columns.")
    columns = {
        key: np.asarray(values) if isinstance(values, range) else values
        for key, values in piece.items()
    }
    return Chunks(name, tuple(columns), lambda: iter([columns]), missing, said)


def _dataset(data: Dataset, missing: frozenset[str]) -> Chunks:
    columns: dict[str, Any] = {
        name: data.x[:, place] for place, name in enumerate(data.features)
    }
    y = data.y.reshape(len(data))
    columns[data.target] = np.array(data.classes)[y] if data.classes else y
    return _one_piece(data.name, columns, missing)


def _array(given: Any, missing: frozenset[str]) -> Chunks:
    if isinstance(given, list | tuple) and given and isinstance(given[0], Mapping):
        names = list(given[0])
        for row, each in enumerate(given):
            if list(each) != names and set(each) != set(names):
                raise DataError(
                    f"row {row} has the columns {list(each)}; expected {names}."
                )
        piece = {name: [each[name] for each in given] for name in names}
        return _one_piece("rows", piece, missing)
    try:
        array = np.asarray(given, dtype=None if isinstance(given, np.ndarray) else object)
    except ValueError as error:
        raise ShapeError(f"The rows have different lengths ({error}).") from error
    if array.dtype.names:
        piece = {name: array[name] for name in array.dtype.names}
        return _one_piece("array", piece, missing)
    if array.ndim != 2:
        raise ShapeError(
            f"The array has shape {array.shape}; expected rows and columns, (n, k)."
        )
    piece = {f"x{place}": array[:, place] for place in range(array.shape[1])}
    return _one_piece("array", piece, missing)


def _frame(given: Any, missing: frozenset[str]) -> Chunks:
    import narwhals.stable.v2 as nw

    try:
        frame = nw.from_native(given)
    except TypeError:
        raise DataError(
            f"Got a {type(given).__name__}; expected the path of a CSV or Parquet "
            "file, a data frame, a mapping of columns, or an array."
        ) from None
    if isinstance(frame, nw.LazyFrame):
        frame = frame.collect()
    names = [str(name) for name in frame.columns]
    for place, name in enumerate(names):
        if name in names[:place]:
            raise DataError(f"Two columns are named {name!r}: rename one.")
    native = {n: frame[c].to_native() for n, c in zip(names, frame.columns, strict=True)}
    return _one_piece("frame", native, missing)


def _arrow_file(path: Path, missing: frozenset[str]) -> Chunks:
    try:
        import pyarrow as pa
        import pyarrow.parquet as pq
    except ImportError:
        raise ConfigurationError(
            "Parquet and Arrow files are read by pyarrow, which is not installed: pip "
            'install "pellucid[parquet]", or pip install pyarrow.'
        ) from None

    def batches() -> Iterator[Any]:
        if path.suffix.lower() in PARQUET:
            with pq.ParquetFile(path) as file:
                yield from file.iter_batches(_BATCH)
        else:
            with pa.OSFile(str(path)) as raw, pa.ipc.open_file(raw) as file:
                for number in range(file.num_record_batches):
                    yield file.get_batch(number)

    def pieces() -> Iterator[dict[str, Any]]:
        try:
            for batch in batches():
                yield {
                    name: pa.chunked_array([column])
                    for name, column in zip(
                        batch.schema.names, batch.columns, strict=True
                    )
                }
        except (pa.ArrowException, OSError) as error:
            raise _unreadable(path, error) from error

    try:
        if path.suffix.lower() in PARQUET:
            names = pq.read_schema(path).names
        else:
            with pa.OSFile(str(path)) as raw, pa.ipc.open_file(raw) as file:
                names = file.schema.names
    except (pa.ArrowException, OSError) as error:
        raise _unreadable(path, error) from error
    if len(set(names)) != len(names):
        raise DataError(f"{path} has two columns of the same name: {names}.")
    return Chunks(path.stem, names, pieces, missing, "read by pyarrow")


def _unreadable(path: Path, error: Exception) -> DataError:
    if not path.exists():
        return DataError(f"{path}: there is no such file.")
    reason = str(error).splitlines()[0] if str(error) else type(error).__name__
    return DataError(f"{path} cannot be read: {reason.rstrip('.')}.")
