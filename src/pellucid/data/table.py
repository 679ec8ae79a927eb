"""Tables: columns of numbers, categories, booleans and dates, and a target."""

import textwrap
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from pellucid.data.columns import KINDS, Column, Folder, Store, let_go
from pellucid.data.dates import DATE_FORMS
from pellucid.data.recognition import MISSING
from pellucid.data.settling import LeftOut
from pellucid.data.sources import CsvSource, Source, source_of
from pellucid.data.table_targets import (
    count_of,
    rows_with_target,
    targets_of,
    weights_of,
)
from pellucid.errors import ConfigurationError, DataError, suggestion

MEMORY = 2**28  # bytes of values that are kept in memory
_IGNORE = "ignore"
_SHOWN = 12  # columns and classes that the text of a table names


@dataclass(frozen=True, eq=False, repr=False)
class Table:
    """Rows with columns of several kinds, and the target that is to be predicted.

    Parameters
    ----------
    columns : tuple of Column
        What there is to learn from.
    y : ndarray or None
        int64 class indices or float64 numbers, shape (n,); None without a target.
    target : str
        Name of the target, empty without one.
    classes : tuple
        The classes, texts or whole numbers, sorted; empty for numbers.
    name : str
        What the table is called.
    left_out : tuple of LeftOut
        Columns that are not used, and why.
    notes : tuple of str
        What was decided on the way, in words.
    weight : ndarray or None
        How much each row counts, shape (n,).
    source : str
        How the table was read, in words.
    folder : Folder, optional
        Where the values of a large table are.

    Examples
    --------
    >>> import pellucid
    >>> people = pellucid.data.table(
    ...     {"age": [41, 29, 35, 58], "smokes": ["yes", "no", "no", "yes"],
    ...      "ill": ["no", "no", "no", "yes"]}, "ill"
    ... )
    >>> people.kinds
    {'age': 'number', 'smokes': 'boolean'}
    >>> people.classes, people.y.tolist()
    (('no', 'yes'), [0, 0, 0, 1])
    """

    columns: tuple[Column, ...]
    y: NDArray[Any] | None
    target: str
    classes: tuple[str | int, ...]
    name: str
    left_out: tuple[LeftOut, ...] = ()
    notes: tuple[str, ...] = ()
    weight: NDArray[np.float64] | None = None
    source: str = ""
    folder: Folder | None = None

    def __len__(self) -> int:
        """Return the number of rows."""
        return len(self.columns[0])

    @property
    def kinds(self) -> dict[str, str]:
        """The kind of every column."""
        return {column.name: column.kind for column in self.columns}

    @property
    def features(self) -> tuple[str, ...]:
        """The names of the columns."""
        return tuple(column.name for column in self.columns)

    @property
    def description(self) -> str:
        """What there is to find out."""
        return f"What is {self.target}?" if self.target else "No target is named."

    @property
    def task(self) -> Literal["classes", "numbers"] | None:
        """What there is to predict; None without a target."""
        if self.y is None:
            return None
        return "classes" if self.classes else "numbers"

    @property
    def labels(self) -> NDArray[Any]:
        """The class of each row as it is written, shape (n,); `y` itself for numbers.

        It is what `NeuralNetwork.fit` takes as targets.
        """
        if self.y is None:
            raise DataError(f"The table {self.name!r} has no target: name one.")
        return np.array(self.classes)[self.y] if self.classes else self.y

    @property
    def counts(self) -> dict[str | int, int]:
        """How many rows every class has; empty for numbers."""
        if self.y is None or not self.classes:
            return {}
        counts = np.bincount(self.y, minlength=len(self.classes)).tolist()
        return dict(zip(self.classes, counts, strict=True))

    def __getitem__(self, name: str) -> Column:
        """Return a column by its name."""
        for column in self.columns:
            if column.name == name:
                return column
        raise DataError(
            f"There is no column {name!r}. {suggestion(name, self.features)}"
        )

    def take(self, rows: Any) -> "Table":
        """Return some of the rows, with the kinds and classes of all.

        Parameters
        ----------
        rows : ndarray of int or slice
            Which.

        Returns
        -------
        Table
        """
        columns = []
        for column in self.columns:
            columns.append(column.take(rows))
            let_go(column.values)
        return replace(
            self,
            columns=tuple(columns),
            y=None if self.y is None else self.y[rows],
            weight=None if self.weight is None else self.weight[rows],
        )

    def __repr__(self) -> str:
        """Return a few lines that fit into a terminal of 80 columns."""
        size = f"{count_of(len(self), 'row')}, {count_of(len(self.columns), 'column')}"
        facts = [f"Table {self.name!r}: {size}"]
        if self.source:
            facts.append(f"  read with {self.source}")
        for kind in KINDS:
            names = [column.name for column in self.columns if column.kind == kind]
            if names:
                facts.append(f"  {kind}: {_some(names)}")
        facts += [f"  left out: {each.name} ({each.why})" for each in self.left_out]
        gaps = {}
        for column in self.columns:
            gaps[column.name] = int(np.count_nonzero(column.missing))
            let_go(column.values)
        gaps = {name: count for name, count in gaps.items() if count}
        if gaps:
            each_gap = [f"{name} ({count:,})" for name, count in gaps.items()]
            facts.append(f"  missing cells: {_some(each_gap)}")
        if self.y is not None:
            facts.append(f"  target: {self.target}, {self._target()}")
        facts += [f"  {note}" for note in self.notes]
        return "\n".join(
            textwrap.fill(fact, 80, subsequent_indent="    ") for fact in facts
        )

    def _target(self) -> str:
        assert self.y is not None
        if not self.classes:
            if not self.y.size:
                return "numbers"
            return f"numbers from {self.y.min():.4g} to {self.y.max():.4g}"
        named = [f"{name} ({count:,})" for name, count in self.counts.items()]
        return f"{len(named)} classes: {_some(named)}"


def table(
    source: Any,
    target: str | None = None,
    *,
    columns: Mapping[str, str] | None = None,
    only: Collection[str] | None = None,
    task: str | None = None,
    classes: Collection[str | int] | None = None,
    weight: str | None = None,
    missing: Iterable[str] = MISSING,
    missing_target: str = "error",
    separator: str | None = None,
    encoding: str | None = None,
    decimal: str | None = None,
    header: bool = True,
    memory: int = MEMORY,
    folder: str | Path | None = None,
) -> Table:
    r"""Read a table: a CSV or Parquet file, a data frame, a mapping or an array.

    What a column is, is told from its cells: numbers; dates; two words such as yes and
    no, or 0 and 1, are a boolean; other texts are a category. Columns that cannot help
    (nothing in them, another text in each row, row numbers under the name ``id``) are
    left out, and said so when the table is printed. No row is ever left out, filled up
    or made shorter in silence: what is not as it should be is an error with its line.

    A CSV file is read in pieces, usually once. When the values need more than `memory`,
    they are kept in files of a folder of their own, which goes away with the table, so
    that a file of any size needs about `memory` plus 100 MB.

    Parameters
    ----------
    source : str, Path, data frame, mapping of columns, array or Dataset
        The table. ``.parquet`` and ``.arrow`` need pyarrow; every other file is read
        as CSV, also packed with gzip. Data frames are those that narwhals knows:
        pandas, polars, pyarrow and others. Columns of an array are x0, x1 and so on.
    target : str, optional
        The column that is to be predicted.
    columns : mapping of str to str, optional
        What columns are where the cells do not tell, or tell wrong: ``"number"``,
        ``"category"``, ``"boolean"``, ``"date"``, the form of dates
        (``"day/month/year"``), or ``"ignore"``.
    only : collection of str, optional
        The columns to use; all, if None.
    task : str, optional
        Whether the target is ``"classes"`` or ``"numbers"``. If None: texts, booleans,
        and whole numbers of which there are at most 10 different ones, are classes.
    classes : collection, optional
        The classes that there may be, in this order; told from the target if None. A
        row with another one is an error.
    weight : str, optional
        A column that says how much each row counts.
    missing : iterable of str
        Texts that stand for nothing, in all columns.
    missing_target : str
        What happens to rows without a target: ``"error"``, or ``"drop"``, which is
        noted.
    separator, encoding : str, optional
        Of a CSV file; the separator is found out, the encoding UTF-8, if None.
    decimal : str, optional
        The decimal sign of a CSV file, ``"."`` or ``","``; if None, a comma where the
        first rows show that (and the separator is another).
    header : bool
        Whether a CSV file has the names of its columns in the first row.
    memory : int
        How many bytes of values may be kept in memory.
    folder : str or Path, optional
        Where a large table may keep its values; the system's folder for such files if
        None.

    Returns
    -------
    Table

    Raises
    ------
    DataError
        If the table cannot be read, or there is nothing to learn from. The message
        names file, line and column, what was found and what was expected.
    ConfigurationError
        If a setting cannot work, or pyarrow is not installed.

    Examples
    --------
    >>> import pathlib, tempfile
    >>> import pellucid
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     file = pathlib.Path(folder, "houses.csv")
    ...     _ = file.write_text("area;city;price\n80,5;Rome;200\n120,0;Oslo;410,5\n")
    ...     houses = pellucid.data.table(file, target="price")
    >>> houses
    Table 'houses': 2 rows, 2 columns
      read with separator semicolon, encoding utf-8, decimal comma
      number: area
      category: city
      target: price, numbers from 200 to 410.5
    """
    _check_settings(task, missing_target, decimal, memory)
    if classes is not None:
        if task == "numbers":
            raise ConfigurationError("task='numbers' has no classes.")
        task = "classes"
    found = source_of(
        source,
        missing=frozenset((*missing, "")),
        separator=separator,
        encoding=encoding,
        decimal=decimal,
        header=header,
    )
    asked = wanted_columns(found, target, columns or {}, only, weight)
    if target is not None:
        kinds = {"classes": "category", "numbers": "number", None: asked[target]}
        asked[target] = kinds[task]
    store = Store(memory, folder)
    used = {name: kind for name, kind in asked.items() if kind != _IGNORE}
    read = found.read(used, store)
    return _assembled(
        found,
        {name: read.get(name, LeftOut(name, "ignored, as asked")) for name in asked},
        target=target,
        told=asked.get(target or "") is not None,
        classes=None if classes is None else tuple(classes),
        weight=weight,
        drop=missing_target == "drop",
        forced=only is not None,
        store=store,
    )


def stream(
    source: Any,
    columns: Mapping[str, str],
    *,
    rows: int = 8192,
    missing: Iterable[str] = MISSING,
    separator: str | None = None,
    encoding: str | None = None,
    decimal: str | None = None,
    header: bool = True,
) -> Iterator[Table]:
    """Read columns of known kinds, some rows at a time, in bounded memory.

    Parameters
    ----------
    source : str, Path, data frame, mapping of columns or array
        As in `table`.
    columns : mapping of str to str
        The columns to read, each with its kind; others are passed over.
    rows : int
        At most so many together.
    missing, separator, encoding, decimal, header
        As in `table`.

    Yields
    ------
    Table
        Without a target.
    """
    found = source_of(
        source,
        missing=frozenset((*missing, "")),
        separator=separator,
        encoding=encoding,
        decimal=decimal,
        header=header,
    )
    asked = wanted_columns(found, None, columns, tuple(columns), None)
    for read in found.stream(asked, rows):
        used = tuple(each for each in read.values() if isinstance(each, Column))
        yield Table(used, None, "", (), found.name, source=found.said)


def _check_settings(
    task: str | None, missing_target: str, decimal: str | None, memory: int
) -> None:
    for name, given, known in (
        ("task", task, (None, "classes", "numbers")),
        ("missing_target", missing_target, ("error", "drop")),
        ("decimal", decimal, (None, ".", ",")),
    ):
        if given not in known:
            raise ConfigurationError(
                f"Expected {name} {' or '.join(map(repr, known))}, got {given!r}."
            )
    if isinstance(memory, bool) or not isinstance(memory, int) or memory < 0:
        raise ConfigurationError(f"Expected memory in bytes, got {memory!r}.")


def wanted_columns(
    source: Source,
    target: str | None,
    columns: Mapping[str, str],
    only: Collection[str] | None,
    weight: str | None,
) -> dict[str, str | None]:
    """Return the columns of a source that are used, each with the kind asked for.

    Parameters
    ----------
    source : Source
        What is read.
    target, columns, only, weight
        As in `table`.

    Returns
    -------
    dict of str to str or None

    Raises
    ------
    DataError
        If the source lacks a column.
    ConfigurationError
        If there is no such kind.
    """
    kinds = (*KINDS, *DATE_FORMS, _IGNORE)
    for name, kind in columns.items():
        if kind not in kinds:
            raise ConfigurationError(
                f"The column {name!r} is to be read as {kind!r}; expected one of "
                f"{', '.join(map(repr, kinds))}."
            )
    needed = [*columns, *(only or ()), *filter(None, (target, weight))]
    known = set(source.names)
    absent = [name for name in dict.fromkeys(needed) if name not in known]
    if absent:
        raise DataError(_absent(source, absent, target))
    if target is not None and target == weight:
        raise ConfigurationError(f"{target!r} cannot be target and weight at once.")
    if target is not None and columns.get(target) == _IGNORE:
        raise ConfigurationError(f"The target {target!r} cannot be ignored.")
    used = set(source.names if only is None else only) | {target, weight}
    asked = {name: columns.get(name) for name in source.names if name in used}
    if weight is not None:
        asked[weight] = "number"
    return asked


def _absent(source: Source, absent: list[str], target: str | None) -> str:
    known = source.names
    if absent == [target]:
        near = suggestion(target, known)
        if len(known) > 20 and near.startswith("Known"):
            near = f"The first are {', '.join(known[:20])}."
        return f"{source.name!r} has no column {target!r} to predict. {near}"
    if len(absent) == 1:
        return f"{source.name!r} lacks the column {absent[0]!r}. " + suggestion(
            absent[0], known
        )
    names = ", ".join(map(repr, absent[:20])) + ", ..." * (len(absent) > 20)
    has = ", ".join(map(repr, known[:20])) + ", ..." * (len(known) > 20)
    return f"{source.name!r} lacks {len(absent)} columns: {names}. It has {has}."


def _assembled(
    source: Source,
    read: Mapping[str, Column | LeftOut],
    *,
    target: str | None,
    told: bool,
    classes: tuple[str | int, ...] | None,
    weight: str | None,
    drop: bool,
    forced: bool,
    store: Store,
) -> Table:
    """Return the table of columns that were read."""
    notes: list[str] = []
    inputs = [
        each
        for name, each in read.items()
        if isinstance(each, Column) and name not in (target, weight)
    ]
    left_out = tuple(
        each
        for name, each in read.items()
        if isinstance(each, LeftOut) and name not in (target, weight)
    )
    if not read or not _rows_of(source, read):
        header = "only a header" if isinstance(source, CsvSource) else "no rows"
        raise DataError(f"{source.name!r} has {header}: expected at least one row.")
    if not inputs and not forced:
        reasons = "; ".join(f"{each.name}: {each.why}" for each in left_out[:5])
        raise DataError(
            f"{source.name!r} has no column to learn from"
            + (f" ({reasons})." if reasons else " beside the target.")
        )
    y: NDArray[Any] | None = None
    found: tuple[str | int, ...] = ()
    kept: NDArray[np.int64] | None = None
    if target is not None:
        column = read[target]
        if isinstance(column, LeftOut):
            raise DataError(
                f"The target {target!r} cannot be predicted: {column.why}. Choose "
                "another column, or say task='classes' or task='numbers'."
            )
        kept = rows_with_target(source, column, drop, notes)
        column = column if kept is None else column.take(kept)
        y, found = targets_of(
            column,
            told,
            classes,
            notes,
            lambda row: source.place(row if kept is None else int(kept[row])),
        )
    made = Table(
        tuple(inputs),
        None,
        target or "",
        found,
        source.name,
        left_out,
        tuple(notes),
        weights_of(source, read, weight),
        source.said,
        store.folder,
    )
    made = made if kept is None else made.take(kept)
    return replace(made, y=y)


def _rows_of(source: Source, read: Mapping[str, Column | LeftOut]) -> int:
    for each in read.values():
        if isinstance(each, Column):
            return len(each)
    # Nothing is in any column: are there rows at all?
    first = next(iter(source.stream(dict.fromkeys(source.names, "category"), 1)), {})
    return len(first)


def _some(texts: Sequence[str]) -> str:
    more = len(texts) - _SHOWN
    return ", ".join(texts[:_SHOWN]) + f" and {more} more" * (more > 0)
