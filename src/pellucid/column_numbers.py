"""Which numbers of a network's input come from which column of a table.

A column may become several numbers, or a code. To ask what a column does, all of them
are exchanged together: an encoder works cell by cell, so that this is the same as to
exchange the cells and encode again, and much faster.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pellucid.arrays import as_inputs, column_names
from pellucid.data.table import Table
from pellucid.encoder import Encoder
from pellucid.encoder.operations import NUMBERS
from pellucid.errors import ConfigurationError, DataError, ShapeError, suggestion
from pellucid.network import NeuralNetwork
from pellucid.targets import chooses

_ALONE = ""  # what the input of a network that takes one array is called here


@dataclass(frozen=True, eq=False)
class ColumnNumbers:
    """Rows as a network takes them, by the columns that they are made of.

    Parameters
    ----------
    arrays : dict of str to ndarray
        The network's inputs, shape (n, ...); a single one is called "".
    places : dict of str to dict
        For each column, the inputs that it becomes: places in the last axis, or None
        for a whole input.
    table : Table or None
        The rows in their own units, where there is a table.
    """

    arrays: dict[str, NDArray[Any]]
    places: dict[str, dict[str, list[int] | None]]
    table: Table | None

    @property
    def columns(self) -> tuple[str, ...]:
        """Names of the columns that the network looks at."""
        return tuple(self.places)

    def __len__(self) -> int:
        """Return the number of rows."""
        return len(next(iter(self.arrays.values())))

    @property
    def x(self) -> Any:
        """The rows as the network takes them."""
        return self.arrays.get(_ALONE, self.arrays)

    def must_have(self, column: str) -> None:
        """Raise if the network does not look at a column.

        Parameters
        ----------
        column : str
            Its name.
        """
        if column not in self.places:
            raise DataError(
                f"The network has no column {column!r}. "
                f"{suggestion(str(column), self.columns)}"
            )

    def take(self, rows: Any) -> "ColumnNumbers":
        """Return some of the rows.

        Parameters
        ----------
        rows : ndarray of int
            Which.

        Returns
        -------
        ColumnNumbers
        """
        arrays = {name: array[rows] for name, array in self.arrays.items()}
        table = None if self.table is None else self.table.take(rows)
        return ColumnNumbers(arrays, self.places, table)

    def put(self, column: str, rows: Any, others: "ColumnNumbers", which: Any) -> None:
        """Give a column of some rows the numbers it has in other rows.

        Parameters
        ----------
        column : str
            Its name.
        rows : ndarray of int or slice
            Which rows change.
        others : ColumnNumbers
            Where the numbers are taken from.
        which : ndarray of int
            Its rows, as many.
        """
        for name, places in self.places[column].items():
            array, other = self.arrays[name], others.arrays[name]
            if places is None:
                array[rows] = other[which]
                continue
            for place in places:
                array[rows, place] = other[which, place]

    def numbers(self, column: str) -> NDArray[np.float64]:
        """Return what a column becomes, shape (n, numbers).

        Parameters
        ----------
        column : str
            Its name.

        Returns
        -------
        ndarray
        """
        found = [
            self.arrays[name] if places is None else self.arrays[name][:, places]
            for name, places in self.places[column].items()
        ]
        return np.concatenate(
            [np.asarray(each, np.float64).reshape(len(self), -1) for each in found], 1
        )


def column_numbers(network: NeuralNetwork, data: Any) -> ColumnNumbers:
    """Return rows as a network takes them, by column.

    Parameters
    ----------
    network : NeuralNetwork
        Built.
    data : Table, data frame, path, mapping of columns, or array_like
        What the network's encoder reads; or numbers, shape (n, columns), whose columns
        are x0, x1 and so on where no encoder names them.

    Returns
    -------
    ColumnNumbers

    Raises
    ------
    ConfigurationError
        If it is no network.
    ShapeError
        If the rows do not fit the network, or are no table.
    DataError
        If there are none.
    """
    if not isinstance(network, NeuralNetwork):
        raise ConfigurationError(
            f"Expected a NeuralNetwork, got {type(network).__name__}."
        )
    reader = network.reader
    table = data if isinstance(data, Table) else None
    if isinstance(reader, Encoder):
        if table is None and _is_source(data, reader):
            table = reader.table(data)
        data = data if table is None else reader.encode(table, unseen="ignore")
    elif table is not None:
        raise ConfigurationError(
            "The network takes numbers, and a table has columns of other kinds: train "
            "with pellucid.tabular.train, or set net.reader to an Encoder."
        )
    blueprint = network.blueprint
    batch, n, single = as_inputs(
        data, blueprint.inputs, network.dtype, blueprint.limits
    )
    if single or not n:
        raise DataError(
            f"Expected several rows, got {'a single one' if single else 'none'}."
        )
    arrays = batch if isinstance(batch, dict) else {_ALONE: batch}
    encoder = reader if isinstance(reader, Encoder) else None
    return ColumnNumbers(arrays, _places(arrays, encoder, data), table)


def _is_source(data: Any, reader: Encoder) -> bool:
    """Return whether it is to be read as a table; numbers encoded already are not."""
    if isinstance(data, str | Path) or hasattr(data, "columns"):
        return True
    if isinstance(data, Mapping):
        return bool(set(data) & set(reader.kinds))
    rows = isinstance(data, list | tuple) and len(data) > 0
    return rows and isinstance(data[0], Mapping)


def _places(
    arrays: dict[str, NDArray[Any]], encoder: Encoder | None, data: Any
) -> dict[str, dict[str, list[int] | None]]:
    found: dict[str, dict[str, list[int] | None]] = {}
    if encoder is not None:
        number = 0
        for feature in encoder.features():
            inputs = found.setdefault(feature.column, {})
            if feature.input != NUMBERS:
                inputs[feature.input] = None
                continue
            places = inputs.setdefault(_ALONE if _ALONE in arrays else NUMBERS, [])
            assert places is not None
            places.append(number)
            number += 1
        return found
    for name, array in arrays.items():
        if array.ndim > 2:
            raise ShapeError(
                f"The network takes (n, {', '.join(map(str, array.shape[1:]))}); "
                "expected one that takes the columns of a table. For images there is "
                "pellucid.occlusion."
            )
        if array.ndim == 1:
            found[name] = {name: None}
            continue
        named = column_names(data) if name == _ALONE else None
        for place in range(array.shape[1]):
            own = f"{name}[{place}]" if name else f"x{place}"
            found[str(named[place]) if named else own] = {name: [place]}
    return found


def answers_of(network: NeuralNetwork, x: Any) -> NDArray[np.float64]:
    """Return probabilities, or predicted numbers in their units; shape (n, answers).

    Parameters
    ----------
    network : NeuralNetwork
        Asked.
    x : ndarray or dict of ndarray
        Rows as it takes them.

    Returns
    -------
    ndarray
        A probability for each class or label, a column for each number, and scores
        where the loss learns those.
    """
    loss = network.loss
    if loss.task == "numbers":
        found = network.predict(x)
    elif loss.link == "identity":
        found = network.feedforward(x)
    else:
        found = network.predict_proba(x)
    return np.asarray(found, np.float64).reshape(len(found), -1)


def answer_names(network: NeuralNetwork, count: int) -> tuple[Any, ...]:
    """Return what the columns of `answers_of` are: labels of classes, or numbers.

    Parameters
    ----------
    network : NeuralNetwork
        Asked.
    count : int
        How many there are.

    Returns
    -------
    tuple
    """
    if chooses(network.blueprint) and network.classes is not None:
        labels = tuple(network.classes.tolist())
        return labels[-count:]
    return tuple(range(count))


def which_answer(network: NeuralNetwork, names: tuple[Any, ...], target: Any) -> int:
    """Return the place of an answer that the user names.

    Parameters
    ----------
    network : NeuralNetwork
        Asked.
    names : tuple
        From `answer_names`.
    target : label or int
        One of them.

    Returns
    -------
    int

    Raises
    ------
    ConfigurationError
        If there is no such one.
    """
    plain = target.item() if isinstance(target, np.generic) else target
    for place, name in enumerate(names):
        if type(name) is type(plain) and name == plain:
            return place
    what = "classes" if chooses(network.blueprint) else "outputs"
    raise ConfigurationError(
        f"target is {plain!r}, which is none of the {what} "
        f"{', '.join(map(repr, names))}."
    )
