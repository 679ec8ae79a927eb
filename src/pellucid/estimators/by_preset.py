"""Training by a preset: any table, also with texts and gaps."""

from dataclasses import replace
from typing import Any

import narwhals as nw
import numpy as np
from numpy.typing import NDArray

from pellucid.data.table import Table
from pellucid.data.table import table as read_table
from pellucid.tabular import TrainedTable, train


def columns_of(x: NDArray[Any]) -> dict[str, NDArray[Any]]:
    """Return the columns of an array, by the names that they have in a table.

    Parameters
    ----------
    x : ndarray, shape (n, columns)
        Numbers.

    Returns
    -------
    dict of str to ndarray
    """
    return {f"x{i}": column for i, column in enumerate(x.T)}


def has_texts(X: Any) -> bool:
    """Return whether X is a data frame with columns that are no numbers.

    Parameters
    ----------
    X : object
        What scikit-learn calls X.

    Returns
    -------
    bool
    """
    return bool(text_columns(X))


def text_columns(X: Any) -> list[str]:
    """Return the columns of a data frame that are no numbers; none of anything else.

    Parameters
    ----------
    X : object
        What scikit-learn calls X.

    Returns
    -------
    list of str
    """
    if not hasattr(X, "columns"):
        return []
    kinds = nw.from_native(X, eager_only=True).schema.items()
    return [
        str(name)
        for name, kind in kinds
        if not (kind.is_numeric() or kind == nw.Boolean)
    ]


def named(frame: Any) -> Any:
    """Return a data frame whose columns have texts as names.

    Parameters
    ----------
    frame : data frame
        pandas allows numbers as names.

    Returns
    -------
    data frame
    """
    if all(isinstance(name, str) for name in frame.columns):
        return frame
    return frame.rename(columns=str)


def as_table(X: Any) -> Table:
    """Return what scikit-learn calls X as a table without a target.

    Parameters
    ----------
    X : data frame, or ndarray of numbers, shape (n, columns)
        Columns of numbers stay numbers, also where these rows have only 0 and 1.

    Returns
    -------
    Table
    """
    if hasattr(X, "columns"):
        frame = nw.from_native(named(X), eager_only=True)
        numbers = [name for name, kind in frame.schema.items() if kind.is_numeric()]
        return read_table(frame.to_native(), columns=dict.fromkeys(numbers, "number"))
    columns = columns_of(X)
    return read_table(columns, columns=dict.fromkeys(columns, "number"))


def train_by_preset(
    X: Any,
    y: NDArray[Any],
    weight: NDArray[Any] | None,
    *,
    classes: int,
    validation: tuple[Any, NDArray[Any]] | None,
    **settings: Any,
) -> TrainedTable:
    """Train on a table by a preset.

    Parameters
    ----------
    X : data frame or ndarray
        The rows.
    y : ndarray, shape (n,)
        Class indices, or numbers.
    weight : ndarray, shape (n,), or None
        How much each row counts.
    classes : int
        How many classes there are; 0 for numbers.
    validation : (X, y) or None
        Rows to choose the best epoch by.
    **settings
        Further arguments of `pellucid.tabular.train`.

    Returns
    -------
    TrainedTable
    """
    rows = np.arange(len(y))
    held_out = None
    if validation is not None:
        X = _below(X, validation[0])
        y = np.concatenate([y, validation[1]])
        held_out = np.arange(len(rows), len(y))
        if weight is not None:
            weight = np.concatenate([weight, np.ones(len(held_out))])
    table = replace(
        as_table(X),
        y=y.astype(np.int64 if classes else np.float64),
        target="y",
        classes=tuple(range(classes)),
        weight=None if weight is None else weight.astype(np.float64),
    )
    return train(table, rows=rows, validation=held_out, **settings)


def _below(X: Any, more: Any) -> Any:
    """Return the rows of one table, and then those of another."""
    if not hasattr(X, "columns"):
        return np.concatenate([X, more])
    frames = [nw.from_native(frame, eager_only=True) for frame in (X, more)]
    return nw.concat(frames, how="vertical").to_native()
