"""CSV files as they are on disk: lines, rows and cells, each with its line number."""

import codecs
import csv
import gzip
import io
import zlib
from collections.abc import Iterator
from functools import partial
from itertools import islice
from pathlib import Path
from typing import IO, Any, NamedTuple, NoReturn, cast

from pellucid.errors import ConfigurationError, DataError, suggestion

SEPARATORS = (",", ";", "\t", "|")
CELLS = 2**16  # of a chunk, so that a chunk takes a few MB
MOST_ROWS = 8192  # of a chunk
LONGEST_LINE = 2**24  # characters
_SAMPLE = 2**16  # characters from which the separator is told
_NAMES = {",": "comma", ";": "semicolon", "\t": "tab", "|": "vertical bar"}
_MARKS = (  # what the first bytes of a file say about its encoding
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_OTHERS = (  # what is no text at all
    (b"PAR1", "a Parquet file: give it a name that ends in .parquet"),
    (b"ARROW1", "an Arrow file: give it a name that ends in .arrow"),
    (b"PK\x03\x04", "a ZIP file or an Excel workbook: save it as CSV first"),
    (b"\xd0\xcf\x11\xe0", "an old Excel workbook: save it as CSV first"),
    (b"SQLite format 3", "a database: export the table as CSV first"),
    (b"%PDF", "a PDF document: a table as CSV is needed"),
)


class Chunk(NamedTuple):
    """Some rows of a file.

    Attributes
    ----------
    lines : list of int
        The line in which each row starts, from 1 as editors count.
    columns : list of tuple of str
        The cells, column by column.
    """

    lines: list[int]
    columns: list[tuple[str, ...]]


class CsvFile:
    """A text file of rows and columns; nothing in it is passed over or made up.

    Cells may be quoted, also around separators and new lines, and a quote inside is
    doubled (RFC 4180). Blank lines at the end are no rows. Everything else that is not
    as it should be is a `DataError` with the line.

    Parameters
    ----------
    path : str or Path
        The file; one that is packed with gzip is unpacked while it is read.
    separator : str, optional
        What stands between cells; comma, semicolon, tab or vertical bar is found out
        by itself.
    encoding : str, optional
        How letters are written as bytes; UTF-8 by default, and what a byte-order mark
        at the start of the file says.
    header : bool
        Whether the first row holds the names of the columns; else they are called
        column_1, column_2 and so on.

    Attributes
    ----------
    names : tuple of str
        Names of the columns.

    Raises
    ------
    DataError
        If it cannot be read, or has no header that names every column once.
    ConfigurationError
        If a setting cannot work.
    """

    def __init__(
        self,
        path: str | Path,
        *,
        separator: str | None = None,
        encoding: str | None = None,
        header: bool = True,
    ) -> None:
        self.path, self.header = Path(path), header
        self.packed = False
        self.encoding = self._encoding(encoding)
        self._first = 1  # the line in which the first row starts
        sample = self._sample()
        if separator is None and sample and sample[0].lower().startswith("sep="):
            # How Excel notes the separator in a line of its own.
            separator = sample[0][4:].strip("\r\n")
            if len(separator) != 1 or separator == '"':
                raise DataError(
                    f"{self.place(1)} names the separator {separator!r}; expected one "
                    "character."
                )
            self._first, sample = 2, sample[1:]
        self.separator = _separator(sample) if separator is None else separator
        if len(self.separator) != 1 or self.separator in '"\r\n':
            raise ConfigurationError(
                f"Expected a separator of one character, got {self.separator!r}."
            )
        self.names = self._names()

    @property
    def said(self) -> str:
        """How the file is read, in words."""
        name = _NAMES.get(self.separator, repr(self.separator))
        packed = ", packed with gzip" if self.packed else ""
        return f"separator {name}, encoding {self.encoding}{packed}"

    def place(self, line: int) -> str:
        """Return how messages name a line.

        Parameters
        ----------
        line : int
            From 1.

        Returns
        -------
        str
        """
        return f"{self.path}, line {line}"

    def chunks(self, most: int | None = None) -> Iterator[Chunk]:
        """Read the file from its start, some rows at a time.

        Parameters
        ----------
        most : int, optional
            Rows of a chunk; by default as many as make some megabytes.

        Yields
        ------
        Chunk
            With the names' number of cells in every row.
        """
        width = len(self.names)
        most = most or min(max(CELLS // width, 16), MOST_ROWS)
        rows: list[list[str]] = []
        lines: list[int] = []
        blank = 0
        for line, row in islice(self._rows(), int(self.header), None):
            if len(row) != width:
                if not row or (len(row) == 1 and not row[0].strip()):
                    blank = blank or line
                    continue
                self._refuse_ragged(line, row)
            if blank:
                raise DataError(
                    f"{self.place(blank)} is blank, and line {line} is not: expected "
                    f"{_count(width, 'cell')} in every row. Take the line out, or fill "
                    "it."
                )
            rows.append(row)
            lines.append(line)
            if len(rows) == most:
                yield Chunk(lines, list(zip(*rows, strict=True)))
                rows, lines = [], []
        if rows:
            yield Chunk(lines, list(zip(*rows, strict=True)))

    # -- from bytes to lines -----------------------------------------------------------

    def _encoding(self, asked: str | None) -> str:
        """Look at the first bytes, and return the name of the encoding."""
        try:
            with self.path.open("rb") as file:
                start = file.read(16)
                self.packed = start.startswith(b"\x1f\x8b")
            with self._bytes() as unpacked:
                start = unpacked.read(16)
        except FileNotFoundError:
            raise DataError(_not_there(self.path)) from None
        except IsADirectoryError:
            raise DataError(
                f"{self.path} is a folder; expected a file with a table."
            ) from None
        except (OSError, EOFError, zlib.error) as error:
            raise self._unreadable(error) from error
        for mark, what in _OTHERS:
            if start.startswith(mark):
                raise DataError(f"{self.path} is {what}.")
        if not start:
            raise DataError(f"{self.path} is empty: expected a header and rows.")
        marked = next((name for mark, name in _MARKS if start.startswith(mark)), None)
        encoding = asked or marked or "utf-8"
        try:
            name = codecs.lookup(encoding).name
            "".encode(encoding)
        except (LookupError, ValueError):
            raise ConfigurationError(
                f"There is no encoding {encoding!r} of texts; common ones are 'utf-8', "
                "'cp1252', 'latin-1' and 'utf-16'."
            ) from None
        return "utf-8-sig" if name == "utf-8" and marked == "utf-8-sig" else name

    def _bytes(self) -> IO[bytes]:
        if self.packed:
            packed: Any = gzip.GzipFile(self.path)
            return cast(IO[bytes], packed)
        return self.path.open("rb")

    def _lines(self) -> Iterator[str]:
        """Yield lines with their ends, in bounded memory."""
        number = 0
        try:
            with (
                self._bytes() as content,
                io.TextIOWrapper(content, self.encoding, newline="") as text,
            ):
                for line in iter(partial(text.readline, LONGEST_LINE), ""):
                    number += 1
                    if "\0" in line:
                        self._refuse_nul(number, line)
                    if len(line) >= LONGEST_LINE and line[-1] not in "\r\n":
                        raise DataError(
                            f"{self.place(number)} is longer than {LONGEST_LINE:,} "
                            "characters: this is no table, or its line ends are "
                            "missing."
                        )
                    yield line
        except UnicodeDecodeError as error:
            raise self._undecodable(error, number) from error
        except UnicodeError as error:  # no byte-order mark where one is needed
            raise DataError(
                f"{self.path} is not in the encoding {self.encoding!r} ({error})."
            ) from error
        except (OSError, EOFError, zlib.error) as error:
            raise self._unreadable(error) from error

    def _refuse_nul(self, number: int, line: str) -> NoReturn:
        place = line.index("\0") + 1
        raise DataError(
            f"{self.place(number)} has a NUL byte as character {place}: the file is "
            "damaged, binary, or in another encoding (perhaps encoding='utf-16')."
        )

    def _unreadable(self, error: Exception) -> DataError:
        reason = getattr(error, "strerror", None) or str(error)
        packed = " as a gzip file: it is damaged or cut off" if self.packed else ""
        return DataError(f"{self.path} cannot be read{packed} ({reason}).")

    def _undecodable(self, error: UnicodeDecodeError, number: int) -> DataError:
        """Return an error that names the very line, which is behind or ahead."""
        line, wrong = f", after line {number}", error.object[error.start]
        if self.encoding.startswith("utf-8"):
            with self._bytes() as content:
                ends = 0
                for raw in iter(partial(content.readline, LONGEST_LINE), b""):
                    try:
                        raw.decode()
                    except UnicodeDecodeError as found:
                        before = raw[: found.start]
                        ends += before.count(b"\r")
                        line, wrong = f", line {ends + 1}", raw[found.start]
                        break
                    lone = raw.count(b"\r") - raw.count(b"\r\n")
                    ends += lone + raw.endswith(b"\n")
        return DataError(
            f"{self.path}{line} has the byte 0x{wrong:02x}, which is not in the "
            f"encoding {self.encoding}. Name the encoding of the file: "
            "encoding='cp1252' is usual for files from Windows in western Europe."
        )

    # -- from lines to rows ------------------------------------------------------------

    def _rows(self) -> Iterator[tuple[int, list[str]]]:
        """Yield the rows, each with the line in which it starts."""
        lines = islice(self._lines(), self._first - 1, None)
        reader = csv.reader(lines, delimiter=self.separator, strict=True)
        start = before = self._first
        try:
            for row in reader:
                yield start, row
                start = before + reader.line_num
        except csv.Error as error:
            raise self._no_row(start, before + reader.line_num - 1, error) from error

    def _no_row(self, start: int, line: int, error: csv.Error) -> DataError:
        row = "" if start == line else f", in a row that starts in line {start}"
        problem = str(error)
        if "unexpected end" in problem:
            return DataError(
                f"{self.place(start)}: a quote is opened in the row that starts here, "
                'and never closed. Close it, or double a quote that is meant: "".'
            )
        if "field larger" in problem:
            return DataError(
                f"{self.place(start)}: a cell in the row that starts here is longer "
                f"than {csv.field_size_limit():,} characters. Perhaps a quote is not "
                "closed; a longer cell is not read."
            )
        if "expected after" in problem:
            return DataError(
                f"{self.place(line)}{row}: text follows a closing quote; expected the "
                f"separator {self.separator!r} or the end of the line. A quote inside "
                'of a quoted cell is doubled: "".'
            )
        return DataError(f"{self.place(line)}{row}: {problem}.")

    def _refuse_ragged(self, line: int, row: list[str]) -> NoReturn:
        width = len(self.names)
        shown = self.separator.join(row)
        shown = shown if len(shown) <= 60 else shown[:57] + "..."
        named = "the header names" if self.header else "the first row has"
        raise DataError(
            f"{self.place(line)} has {_count(len(row), 'cell')}; expected {width}, as "
            f"many as {named} (separator {self.separator!r}). It reads {shown!r}."
        )

    # -- what the first lines tell -----------------------------------------------------

    def _sample(self) -> list[str]:
        """Return the first lines."""
        sample: list[str] = []
        size = 0
        for line in self._lines():
            sample.append(line)
            size += len(line)
            if size > _SAMPLE:
                return sample[:-1] or sample
        return sample

    def _names(self) -> tuple[str, ...]:
        line, row = next(((n, row) for n, row in self._rows() if row), (1, []))
        first = self._first
        if not row:
            raise DataError(f"{self.path} has only blank lines: expected a header.")
        if line != first:
            raise DataError(
                f"{self.place(first)} is blank: expected the names of the columns."
            )
        if not self.header:
            return tuple(f"column_{place + 1}" for place in range(len(row)))
        names = [name.strip() for name in row]
        if all(map(_is_number, names)):
            raise DataError(
                f"{self.place(line)} holds numbers ({', '.join(names[:4])}); expected "
                "the names of the columns. If the file has none, say header=False."
            )
        if not names[0] and len(names) > 1:
            names[0] = "(rows)"  # pandas and R write names of rows without a header
        places: dict[str, int] = {}
        for place, name in enumerate(names):
            if not name:
                raise DataError(
                    f"{self.place(line)}: column {place + 1} has no name. Give every "
                    "column one."
                )
            if places.setdefault(name, place) != place:
                raise DataError(
                    f"{self.place(line)}: columns {places[name] + 1} and "
                    f"{place + 1} are both named {name!r}. Give them different names."
                )
        return tuple(names)


def _separator(sample: list[str]) -> str:
    """Return the separator that cuts most rows in as many cells as the first row."""
    best, found = (False, 0.0, 0), ","
    for separator in SEPARATORS:
        try:
            rows = csv.reader(sample, delimiter=separator)
            widths = [len(row) for row in rows if row]
        except csv.Error:
            continue
        if widths:
            agreement = widths.count(widths[0]) / len(widths)
            score = (widths[0] > 1, agreement, widths[0])
            if score > best:
                best, found = score, separator
    return found


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _not_there(path: Path) -> str:
    try:
        beside = [each.name for each in path.parent.iterdir()]
    except OSError:
        beside = []
    near = suggestion(path.name, beside)
    near = f" {near}" if near.startswith("Did") else ""
    return f"{path}: there is no such file.{near}"


def _count(number: int, what: str) -> str:
    return f"{number} {what}" + "s" * (number != 1)
