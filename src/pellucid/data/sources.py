"""Where tables come from: CSV and Parquet files, data frames, arrays, mappings."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from pellucid.data.columns import Column, Store
from pellucid.data.csv_file import CsvFile
from pellucid.data.dataset import Dataset
from pellucid.data.recognition import Reading, TextColumn
from pellucid.data.settling import LeftOut
from pellucid.data.typed_columns import TypedColumn
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
        self._places = {name: place for place, name in enumerate(file.names)}
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
            places = [(self._places[name], columns[name]) for name in columns]
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
        places = [(self._places[name], name) for name in asked]
        for chunk in self.file.chunks(rows):
            store = Store(2**62)
            columns = {n: TextColumn(n, self.reading, store, asked[n]) for n in asked}
            for place, name in places:
                columns[name].add(chunk.columns[place], chunk.lines)
            yield {name: column.finished() for name, column in columns.items()}


def _decimal(file: CsvFile) -> str:
    """Return the decimal sign that the first rows show."""
    if file.separator == ",":
        return "."
    chunk = next(file.chunks(1000), None)
    cells = (
        [cell.strip() for column in chunk.columns for cell in column] if chunk else []
    )
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
        before = 0
        for piece in self.pieces():
            count = _same_length(piece)
            for start in range(0, count, rows):
                few = {name: piece[name][start : start + rows] for name in asked}
                columns = {
                    name: TypedColumn(
                        name, self.reading, Store(2**62), asked[name], before + start
                    )
                    for name in asked
                }
                for name, column in columns.items():
                    column.add(few[name])
                yield {name: column.finish() for name, column in columns.items()}
            before += count


def _same_length(piece: Mapping[str, Any]) -> int:
    counts = {name: len(values) for name, values in piece.items()}
    if len(set(counts.values())) > 1:
        raise ShapeError(f"The columns have different numbers of rows: {counts}.")
    return next(iter(counts.values()), 0)


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
            file = CsvFile(path, separator=separator, encoding=encoding, header=header)
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
        piece: dict[str, Any]
        piece = {name: [each[name] for each in given] for name in names}
        return _one_piece("rows", piece, missing)
    try:
        array = np.asarray(
            given, dtype=None if isinstance(given, np.ndarray) else object
        )
    except ValueError as error:
        raise ShapeError(f"The rows have different lengths ({error}).") from error
    if array.dtype.names:
        piece = {name: array[name] for name in array.dtype.names}
        return _one_piece("array", piece, missing)
    if (
        array.ndim == 1
        and len({len(row) for row in array if hasattr(row, "__len__")}) > 1
    ):
        raise ShapeError("The rows have different lengths.")
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
    except nw.exceptions.DuplicateError as error:
        told = " ".join(str(error).split())
        raise DataError(f"Each column needs a name of its own. {told}") from None
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
    native = {
        n: frame[c].to_native() for n, c in zip(names, frame.columns, strict=True)
    }
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
