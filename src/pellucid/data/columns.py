"""Columns of a table: their kinds, and where their values are kept."""

import mmap
import os
import shutil
import tempfile
import weakref
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pellucid.errors import DataError

KINDS = ("number", "category", "boolean", "date")
DTYPES: dict[str, np.dtype[Any]] = {
    "number": np.dtype(np.float64),
    "date": np.dtype(np.float64),
    "boolean": np.dtype(np.int8),
    "category": np.dtype(np.int32),
}
_BUFFER = 2**20  # bytes of a column that wait until they are written to its file


@dataclass(frozen=True, eq=False)
class Column:
    """One column of a table.

    Parameters
    ----------
    name : str
        Its name.
    kind : str
        ``"number"``, ``"category"``, ``"boolean"`` or ``"date"``.
    values : ndarray, shape (n,)
        Numbers as float64, NaN where missing; dates as float64 seconds since 1970
        (UTC), NaN where missing; booleans as int8, 1 yes, 0 no, -1 missing; categories
        as int32 places in `levels`, -1 missing.
    levels : tuple of str
        The different texts of a category, in the order in which they were met.
    words : (str, str)
        How no and yes are written in the source of a boolean.
    form : str
        How the dates of a text are written, such as ``"day/month/year"``.
    """

    name: str
    kind: str
    values: NDArray[Any]
    levels: tuple[str, ...] = ()
    words: tuple[str, str] = ("0", "1")
    form: str = ""

    def __len__(self) -> int:
        """Return the number of rows."""
        return len(self.values)

    @property
    def missing(self) -> NDArray[np.bool_]:
        """Where nothing is, shape (n,)."""
        found: NDArray[np.bool_]
        found = self.values < 0 if self.values.dtype.kind == "i" else _nan(self.values)
        return found

    def take(self, rows: Any) -> "Column":
        """Return some of the rows.

        Parameters
        ----------
        rows : ndarray of int or slice
            Which.

        Returns
        -------
        Column
        """
        return replace(self, values=self.values[rows])

    def cells(self) -> list[Any]:
        """Return the values as people write them; None where nothing is."""
        values = self.values.tolist()
        if self.kind == "category":
            return [self.levels[v] if v >= 0 else None for v in values]
        if self.kind == "boolean":
            return [self.words[v] if v >= 0 else None for v in values]
        gaps = self.missing.tolist()
        if self.kind == "number":
            return [None if gap else v for v, gap in zip(values, gaps, strict=True)]
        return [
            None if gap else date_text(v) for v, gap in zip(values, gaps, strict=True)
        ]


def _nan(values: NDArray[Any]) -> Any:
    return values != values


def nothing(name: str, kind: str, rows: int) -> Column:
    """Return a column of gaps.

    Parameters
    ----------
    name, kind : str
        Its name and kind.
    rows : int
        How many.

    Returns
    -------
    Column
    """
    gap = np.nan if DTYPES[kind].kind == "f" else -1
    return Column(name, kind, np.full(rows, gap, DTYPES[kind]))


def date_text(seconds: float) -> str:
    """Return seconds since 1970 as a date, with the time where it is not midnight.

    Parameters
    ----------
    seconds : float
        Since 1970-01-01 00:00 (UTC).

    Returns
    -------
    str

    Examples
    --------
    >>> from pellucid.data.columns import date_text
    >>> date_text(86400.0), date_text(90061.0)
    ('1970-01-02', '1970-01-02 01:01:01')
    """
    whole = str(np.datetime64(round(seconds), "s"))
    day, _, time = whole.partition("T")
    return day if time == "00:00:00" else f"{day} {time}"


class Folder:
    """A new folder, which is taken away when nothing needs it any more.

    Parameters
    ----------
    parent : str or Path, optional
        Where it is made; by default where the system keeps such folders.

    Attributes
    ----------
    path : Path
        Where it is.
    """

    def __init__(self, parent: str | Path | None = None) -> None:
        try:
            self.path = Path(tempfile.mkdtemp(prefix="pellucid-", dir=parent))
        except OSError as error:
            raise unwritable(parent or tempfile.gettempdir(), error) from error
        weakref.finalize(self, _remove, self.path, os.getpid())


def _remove(path: Path, owner: int) -> None:
    if os.getpid() == owner:  # a forked process has the folder of another one
        shutil.rmtree(path, ignore_errors=True)


def unwritable(path: str | Path, error: OSError) -> DataError:
    """Return an error about values of a large table that cannot be written.

    Parameters
    ----------
    path : str or Path
        Where they were to be.
    error : OSError
        Why not.

    Returns
    -------
    DataError
    """
    return DataError(
        f"{path} cannot be written to: {error.strerror or error}. Say folder=... for a "
        "place with room, or memory=... to keep more in memory."
    )


class Store:
    """Where growing columns are kept: in memory, or in a folder when they are large.

    Parameters
    ----------
    memory : int
        How many bytes may be kept in memory; with more, all columns move to files.
    folder : str or Path, optional
        Where a folder for them is made, which is taken away with the table; by default
        where the system keeps such files.
    """

    def __init__(self, memory: int, folder: str | Path | None = None) -> None:
        self.memory, self._parent = memory, folder
        self.folder: Folder | None = None
        self.bytes = 0
        # Columns hold the store; the other way round would keep its folder for longer.
        self._columns: weakref.WeakSet[Growing] = weakref.WeakSet()
        self._made = 0

    def new(self, dtype: Any) -> "Growing":
        """Return an empty column.

        Parameters
        ----------
        dtype : dtype
            Kind of its values.

        Returns
        -------
        Growing
        """
        column = Growing(self, np.dtype(dtype), self._made)
        self._columns.add(column)
        self._made += 1
        return column

    def grow(self, size: int) -> None:
        """Note that columns have grown by `size` bytes."""
        self.bytes += size
        if self.folder is None and self.bytes > self.memory:
            self.folder = Folder(self._parent)
            for column in self._columns:
                column.flush()


class Growing:
    """A column of values to which more are added.

    Parameters
    ----------
    store : Store
        Says whether values go to a file.
    dtype : dtype
        Kind of the values.
    number : int
        Its number in the store, which names its file.
    """

    def __init__(self, store: Store, dtype: np.dtype[Any], number: int) -> None:
        self.store, self.dtype, self.number = store, dtype, number
        self.length = 0
        self._parts: list[NDArray[Any]] = []
        self._waiting = 0

    @property
    def _file(self) -> Path:
        assert self.store.folder is not None
        return self.store.folder.path / f"{self.number}.values"

    def append(self, values: NDArray[Any]) -> None:
        """Add `values`, shape (n,), at the end."""
        self._parts.append(values.astype(self.dtype, copy=False))
        self.length += len(values)
        self._waiting += self._parts[-1].nbytes
        self.store.grow(self._parts[-1].nbytes)
        if self.store.folder is not None and self._waiting > _BUFFER:
            self.flush()

    def flush(self) -> None:
        """Write to the file what waits in memory."""
        if self._parts:
            try:
                with self._file.open("ab") as file:
                    # NumPy's tofile says nothing when a disk is full.
                    file.write(np.concatenate(self._parts).data)
            except OSError as error:
                raise unwritable(self._file, error) from error
        self._parts, self._waiting = [], 0

    def values(self) -> NDArray[Any]:
        """Return all values; those in a file as a window on it."""
        if self.store.folder is None:
            together = np.concatenate(self._parts or [np.empty(0, self.dtype)])
            self._parts = [together]
            return together
        self.flush()
        if not self.length:
            return np.empty(0, self.dtype)
        return np.memmap(self._file, dtype=self.dtype, mode="r", shape=(self.length,))


def let_go(values: NDArray[Any]) -> None:
    """Give back the memory of those parts of a file that were looked at.

    Parameters
    ----------
    values : ndarray
        Of a file that is mapped, which stays as it is; of any other nothing happens.
    """
    mapped = getattr(values, "_mmap", None)
    if mapped is not None and hasattr(mapped, "madvise"):
        mapped.madvise(mmap.MADV_DONTNEED)


def blocks(length: int, size: int) -> "list[slice]":
    """Return slices that cover a length, each of at most `size` rows.

    Parameters
    ----------
    length, size : int
        Rows in all, and of a slice.

    Returns
    -------
    list of slice
    """
    return [slice(start, min(start + size, length)) for start in range(0, length, size)]
