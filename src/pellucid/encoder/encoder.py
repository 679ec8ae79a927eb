"""The encoder: how the rows of a table become numbers, for all to see."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import NDArray

from pellucid.data.columns import Column, blocks, let_go, nothing
from pellucid.data.settling import NOTHING
from pellucid.data.table import Table, stream, table
from pellucid.data.table_targets import count_of
from pellucid.encoder.encodings import Embedded, Encoding, Left
from pellucid.encoder.fitting import (
    chosen_rows,
    encoding_of,
    target_of,
    training_rows,
)
from pellucid.encoder.operations import NUMBERS, Feature, worked
from pellucid.encoder.rows import Arrays, Unseen, as_kind, values_of
from pellucid.encoder.target import Standardized, Target
from pellucid.errors import ConfigurationError, DataError, ShapeError
from pellucid.layers.inputs import Input
from pellucid.part import part, parts
from pellucid.readers import Reader
from pellucid.texttable import Table as TextTable

if TYPE_CHECKING:
    from pellucid.layer import Layer

BLOCK = 8192  # rows that are encoded together
HELD = 64  # blocks of a large table that are in memory together
SCALINGS = ("robust", "standard", "normal", "adaptive")
EMBEDDING = 8  # numbers for each level of a category


def _encoding() -> type[Encoding]:
    return Encoding


def _target() -> type[Target]:
    return Target


class Encoder(Reader):
    """How the rows of a table become what a network takes, and its answers units.

    Made by `Encoder.fit` from training rows. As ``net.reader`` it lets a network take
    tables, data frames and files as they are, and is kept in model files.

    Parameters
    ----------
    columns : sequence of Encoding
        How each column becomes numbers, in the order of the table.
    target : Target, optional
        What is predicted.

    Examples
    --------
    >>> import pellucid
    >>> people = pellucid.data.table(
    ...     {"age": [41.0, 29.0, None, 58.0], "city": ["Rome", "Oslo", "Rome", "Rome"],
    ...      "ill": ["no", "no", "no", "yes"]}, "ill"
    ... )
    >>> encoder = pellucid.Encoder.fit(people)
    >>> print(encoder)
    2 columns become 4 numbers
    column  kind      becomes  how
    ------  --------  -------  ----------------------------------------
    age     number          2  centre 41, scale 29, clip 3; missing: 41
    city    category        2  one of 2: Oslo, Rome
    target: ill, 2 classes: no, yes
    >>> encoder.encode(people)[0].tolist()
    [0.0, 0.0, 0.0, 1.0]
    """

    columns: Any = parts(_encoding)
    target: Any = part(_target, default=None, optional=True)

    # -- making one --------------------------------------------------------------------

    @classmethod
    def fit(
        cls,
        data: Table,
        *,
        rows: Any = None,
        scaling: str = "robust",
        clip: float = 3.0,
        one_hot: int = 9,
        clamp: bool = False,
    ) -> Self:
        """Return the encoder of a table.

        Numbers are centred at the median and divided by the interquartile range (half
        of the range where that is 0), and clipped smoothly. Gaps are filled with the
        median, and a further number says where they were, if there are any in the
        training rows. Categories are one number for each level, or a code to be
        embedded when there are many. Targets that are numbers are standardized. Rows
        count by the table's weight; of more than 2^20 rows, centre and scale are taken
        from as many, spread evenly.

        Parameters
        ----------
        data : Table
            The table, with a target or without.
        rows : array_like of int, optional
            The training rows, which alone may be looked at; all, if None.
        scaling : str
            ``"robust"`` as above; ``"standard"``: mean and standard deviation, without
            a clip; ``"normal"``: quantiles become those of a normal distribution;
            ``"adaptive"``: that for columns with numbers more than 20 scales from the
            median, robust for the others.
        clip : float
            The limit of the smooth clip, in scales; 0 for none.
        one_hot : int
            Up to how many levels a category has one number for each.
        clamp : bool
            Whether predicted numbers are kept between the smallest and the largest
            target of the training rows.

        Returns
        -------
        Encoder

        Raises
        ------
        ConfigurationError
            If a setting cannot work.
        DataError
            If there is nothing to learn from.
        """
        if scaling not in SCALINGS:
            raise ConfigurationError(
                f"Expected scaling {', '.join(map(repr, SCALINGS))}; got {scaling!r}."
            )
        if not 0 <= clip < np.inf or one_hot < 0:
            raise ConfigurationError(
                f"Expected clip and one_hot of 0 or more; got {clip!r} and {one_hot!r}."
            )
        chosen = training_rows(data, rows)
        columns: list[Encoding] = [
            encoding_of(column, chosen, scaling, clip, one_hot)
            for column in data.columns
        ]
        for column in data.columns:
            let_go(column.values)
        columns += [Left(each.name, each.why) for each in data.left_out]
        if not any(column.features() for column in columns):
            reasons = "; ".join(f"{c.column}: {c.said}" for c in columns[:5])
            raise DataError(f"There is no column to learn from ({reasons}).")
        target = target_of(data, chosen, clamp)
        return cls(tuple(columns), target)

    def check(self) -> None:
        names = [column.column for column in self.columns]
        if len(set(names)) != len(names):
            raise ConfigurationError(f"A column is encoded twice: {names}.")
        if not any(column.features() for column in self.columns):
            raise ConfigurationError("No column becomes a number.")

    # -- what it makes -----------------------------------------------------------------

    @property
    def used(self) -> tuple[Encoding, ...]:
        """The columns that become numbers."""
        return tuple(column for column in self.columns if column.features())

    @property
    def kinds(self) -> dict[str, str]:
        """The columns that a table must have, each with what it is in `table`."""
        return {column.column: column.asked for column in self.used}

    def features(self) -> tuple[Feature, ...]:
        """Return all numbers that are made of a row, in order, and how.

        Those of the input ``"numbers"`` are in the order of its columns. This is what
        an exporter needs: each feature is a list of operations on one cell.
        """
        return tuple(f for column in self.used for f in column.features())

    @property
    def names(self) -> tuple[str, ...]:
        """What each place of the input ``"numbers"`` is."""
        return tuple(f.name for f in self.features() if f.input == NUMBERS)

    @property
    def embedded(self) -> tuple[Embedded, ...]:
        """The columns that become codes, each an input of its own."""
        return tuple(each for each in self.columns if isinstance(each, Embedded))

    @property
    def input_shape(self) -> Any:
        """What a network that takes the numbers is to be built with.

        An `Input`, or with embedded columns a mapping: ``"numbers"`` (if there are
        any) and the code of each embedded column.
        """
        if not self.embedded:
            return Input(len(self.names))
        numbers = {NUMBERS: Input(len(self.names))} if self.names else {}
        codes = {each.input: Input((), kind="integer") for each in self.embedded}
        return numbers | codes

    def layers(
        self, hidden: "Sequence[Layer | str]" = (), *, embedding: int = EMBEDDING
    ) -> "list[Layer | str]":
        """Return layers that take the numbers: embeddings first, then those given.

        Parameters
        ----------
        hidden : sequence of Layer or str
            What comes after the embeddings, the output layer included.
        embedding : int
            Numbers for each level of an embedded column.

        Returns
        -------
        list of Layer or str
            Without embedded columns just those given.

        Examples
        --------
        >>> import pellucid
        >>> from pellucid import Dense, Encoder, NeuralNetwork
        >>> moons = pellucid.data.table(pellucid.data.moons(n=100), "class")
        >>> encoder = Encoder.fit(moons)
        >>> net = NeuralNetwork(
        ...     encoder.layers([Dense(8, "relu"), Dense(2)]), loss="cross_entropy",
        ...     input_shape=encoder.input_shape
        ... )
        >>> net.reader = encoder
        >>> history = net.fit(moons, moons.labels, epochs=2)
        >>> net.predict({"x0": 0.5, "x1": 1.0}) in moons.classes
        True
        """
        from pellucid.layers import Chain, Concat, Embedding, Select

        branches: list[Layer] = [Select(NUMBERS)] if self.names else []
        branches += [
            Chain([Select(each.input), Embedding(each.count, embedding)])
            for each in self.embedded
        ]
        if not self.embedded:
            return list(hidden)
        first = [Concat(branches)] if len(branches) > 1 else branches
        return [*first, *hidden]

    # -- encoding ----------------------------------------------------------------------

    def table(self, source: Any, *, target: bool = False, **settings: Any) -> Table:
        """Read a table with the columns of training; further ones are passed over.

        Parameters
        ----------
        source : str, Path, data frame, mapping or array
            As in `pellucid.data.table`.
        target : bool
            Whether to read the target too.
        **settings
            Further arguments of `pellucid.data.table`, such as ``separator=";"``.

        Returns
        -------
        Table

        Raises
        ------
        DataError
            If columns are missing, or hold something else than in training.
        """
        kinds, name, classes = dict(self.kinds), None, None
        if target:
            if self.target is None:
                raise ConfigurationError("The encoder was made without a target.")
            name = self.target.name
            numbers = isinstance(self.target, Standardized)
            classes = None if numbers else self.target.classes
            settings = {"task": "numbers" if numbers else "classes"} | settings
        return table(
            source, name, columns=kinds, only=tuple(kinds), classes=classes, **settings
        )

    def encode(
        self,
        data: Any,
        *,
        rows: Any = None,
        unseen: str = "warn",
        folder: str | Path | None = None,
    ) -> Any:
        """Return the numbers of some rows, as a network takes them.

        Parameters
        ----------
        data : Table, str, Path, data frame, or mapping of columns
            The rows; what is no `Table` is read with `table`.
        rows : array_like of int, optional
            Which rows; all, if None.
        unseen : str
            What happens to a category that training has not seen: it is all zeros, or
            the code 0, and ``"warn"`` says how many there were, ``"ignore"`` does not;
            ``"error"`` refuses it.
        folder : str or Path, optional
            Where to write the numbers as ``.npy`` files, which then need no memory; a
            table that is kept in files has its numbers beside them if None.

        Returns
        -------
        ndarray of float32, shape (n, numbers), or dict of ndarray
            With embedded columns a mapping as in `input_shape`; codes are int32, shape
            (n,).

        Raises
        ------
        DataError
            If columns are missing or of another kind.
        """
        given = data if isinstance(data, Table) else self.table(data)
        columns = self._columns(given)
        chosen = None if rows is None else chosen_rows(len(given), rows)
        count = len(given) if chosen is None else len(chosen)
        if folder is None and given.folder is not None:
            folder = given.folder.path
        made = Arrays(self.features(), count, folder)
        found = Unseen(unseen)
        mapped = [c.values for c in columns.values()] + list(made.arrays.values())
        for number, part_of_rows in enumerate(blocks(count, BLOCK), 1):
            place = part_of_rows if chosen is None else chosen[part_of_rows]
            taken = {name: column.take(place) for name, column in columns.items()}
            found.look(self.used, taken)
            made.fill(taken, part_of_rows)
            if number % HELD == 0 or part_of_rows.stop == count:
                for values in mapped:
                    let_go(values)
        found.tell()
        return made.finished()

    def batches(
        self, source: Any, *, rows: int = BLOCK, unseen: str = "warn", **settings: Any
    ) -> Iterator[Any]:
        """Encode a file of any size, some rows at a time, in bounded memory.

        Parameters
        ----------
        source : str, Path, data frame or mapping
            As in `table`.
        rows : int
            At most so many together.
        unseen : str
            As in `encode`; the warning comes at the end.
        **settings
            How a CSV file is read: ``separator``, ``encoding``, ``decimal``, ``header``
            and ``missing``.

        Yields
        ------
        ndarray of float32 or dict of ndarray
            As `encode` returns them.
        """
        found = Unseen(unseen)
        for some in stream(source, self.kinds, rows=rows, **settings):
            columns = self._columns(some)
            found.look(self.used, columns)
            made = Arrays(self.features(), len(next(iter(columns.values()))))
            made.fill(columns, slice(None))
            yield made.finished()
        found.tell()

    def _columns(self, given: Table) -> dict[str, Column]:
        """Return the columns of a table that are encoded, after a look at them."""
        known = {column.name: column for column in given.columns}
        left_out = {each.name: each.why for each in given.left_out}
        found: dict[str, Column] = {}
        absent = []
        length = len(given.columns[0]) if given.columns else 0
        for each in self.used:
            if each.column in known:
                found[each.column] = as_kind(known[each.column], each)
            elif left_out.get(each.column) == NOTHING:
                found[each.column] = nothing(each.column, each.kind, length)
            elif each.column in left_out:
                raise DataError(
                    f"The column {each.column!r} was left out of {given.name!r} "
                    f"({left_out[each.column]}), but the network learned from it: read "
                    "the table with encoder.table(...), which knows the columns of "
                    "training."
                )
            else:
                absent.append(each.column)
        if absent:
            names = ", ".join(map(repr, absent[:20])) + ", ..." * (len(absent) > 20)
            raise DataError(
                f"The table {given.name!r} lacks {names}, which the network learned "
                f"from; it has {', '.join(map(repr, list(known)[:20]))}. Where nothing "
                "is known, give a column of empty cells (None)."
            )
        return found

    # -- as the reader of a network ----------------------------------------------------

    def read(self, path: str | Path) -> Any:
        return self.encode(path)

    def to_inputs(self, x: Any) -> Any:
        """Return `x` as the network takes it; what is encoded already stays as it is.

        Tables, data frames, paths, mappings of columns and lists of rows are encoded;
        a mapping of single cells is one row, and becomes one sample.
        """
        if isinstance(x, Mapping):
            names = {NUMBERS, *(each.input for each in self.embedded)}
            # A column may be called as an input, but no row has all inputs and no more.
            all_inputs = bool(self.embedded) and set(x) == set(self.input_shape)
            if (x and set(x) <= names and not set(x) & set(self.kinds)) or all_inputs:
                return x
            if x and all(map(_is_cell, x.values())):
                found = self.encode({name: [cell] for name, cell in x.items()})
                return _first(found)
            return self.encode(x)
        rows = isinstance(x, list | tuple) and len(x) > 0 and isinstance(x[0], Mapping)
        frame = hasattr(x, "columns") or hasattr(x, "column_names")
        if rows or frame or isinstance(x, str | Path):
            return self.encode(x)
        if self.embedded:
            columns = ", ".join(repr(each.column) for each in self.used[:20])
            raise DataError(
                f"Expected rows of a table with the columns {columns}"
                f"{', ...' * (len(self.used) > 20)}: a data frame, a file, or a "
                f"mapping of columns; got {type(x).__name__}."
            )
        return x

    def to_targets(self, y: NDArray[Any]) -> NDArray[Any]:
        if self.target is None or y.dtype.kind not in "iufb":
            return y
        found: NDArray[Any] = self.target.to_network(y)
        return found

    def to_units(self, y: NDArray[Any]) -> NDArray[Any]:
        if self.target is None:
            return y
        found: NDArray[Any] = self.target.to_units(y)
        return found

    # -- telling -----------------------------------------------------------------------

    def explain(self, row: Any) -> TextTable:
        """Return how one row becomes numbers, step by step.

        Parameters
        ----------
        row : mapping of str to cell, or Table of one row
            The row.

        Returns
        -------
        Table
            Of texts: number, cell, the steps worked out, and the result.

        Raises
        ------
        ShapeError
            If it is not one row.

        Examples
        --------
        >>> import pellucid
        >>> flowers = pellucid.data.table(pellucid.data.wine(), "cultivar")
        >>> encoder = pellucid.Encoder.fit(flowers)
        >>> told = encoder.explain(flowers.take([0]))
        >>> len(told) == len(encoder.names)
        True
        """
        if isinstance(row, Mapping):
            lists = {name: [v] if _is_cell(v) else v for name, v in row.items()}
            row = self.table(lists)
        elif not isinstance(row, Table):
            row = self.table(row)
        if len(row) != 1:
            raise ShapeError(f"Expected one row to explain, got {len(row):,}.")
        columns = self._columns(row)
        lines = []
        for feature in self.features():
            column = columns[feature.column]
            (cell,) = column.cells()
            (value,) = values_of(column, feature).tolist()
            raw = cell if column.kind == "category" else float(column.values[0])
            if column.kind == "boolean" and raw < 0:
                raw = np.nan
            shown = "missing" if cell is None else cell
            # A boolean needs no step.
            steps = worked(feature.operations, raw) or f"{shown} is {value:g}"
            lines.append((feature.name, shown, steps, value))
        return TextTable(("number", "cell", "worked out", "result"), lines)

    def __str__(self) -> str:
        return str(self.settings_table())

    def _repr_html_(self) -> str:
        return self.settings_table()._repr_html_()

    def settings_table(self) -> TextTable:
        """Return all settings as a table: each column, and what becomes of it."""
        lines = [
            (
                column.column,
                "left out" if column.kind == "ignore" else column.kind,
                len(column.features()),
                column.said,
            )
            for column in self.columns
        ]
        codes = len(self.embedded)
        more = f" and {codes} code" + "s" * (codes != 1) if codes else ""
        count = len(self.names)
        title = (
            f"{count_of(len(self.used), 'column')} "
            f"become{'s' * (len(self.used) == 1)} {count_of(count, 'number')}{more}"
        )
        footer = ""
        if self.target is not None:
            footer = f"target: {self.target.name}, {self.target.said}"
        return TextTable(("column", "kind", "becomes", "how"), lines, title, footer)


def _is_cell(value: Any) -> bool:
    """Return whether it is one value, no column of them."""
    return isinstance(value, str) or not hasattr(value, "__len__")


def _first(found: Any) -> Any:
    if isinstance(found, dict):
        return {name: values[0] for name, values in found.items()}
    return found[0]
