"""What users hand in, as the arrays a network computes with, or an error that helps.

Lists, NumPy arrays, pandas and polars frames and series are taken. Whatever cannot be
right (gaps, texts among numbers, shapes that do not fit) is refused with its place.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pellucid.blueprint import Inputs
from pellucid.errors import DataError, ShapeError
from pellucid.layers.inputs import Input

LARGEST_WHOLE = 2**53  # beyond it float64 has not every whole number


def as_array(values: Any, what: str) -> NDArray[Any]:
    """Return values of any common kind as an array.

    Parameters
    ----------
    values : array_like, or a pandas or polars frame or series
        The values.
    what : str
        Their name in messages, such as ``"x"``.

    Returns
    -------
    ndarray

    Raises
    ------
    DataError
        If they are nothing that has a shape: ragged lists, masked or sparse arrays,
        iterators.
    """
    if values is None:
        raise DataError(f"{what} is missing: got None.")
    if isinstance(values, Iterator):
        raise DataError(
            f"{what} is an iterator, {type(values).__name__}, which has no rows to "
            f"come back to. Hand in an array: np.array(list({what}))."
        )
    if isinstance(values, np.ma.MaskedArray):
        raise DataError(
            f"{what} is a masked array; its masked values would count as numbers. Fill "
            f"them first: {what}.filled(value)."
        )
    if hasattr(values, "toarray") and hasattr(values, "nnz"):
        raise DataError(f"{what} is a sparse array: hand in {what}.toarray().")
    if hasattr(values, "collect") and hasattr(values, "collect_schema"):
        raise DataError(f"{what} is a lazy frame: hand in {what}.collect().")
    names, given = column_names(values), values
    if hasattr(values, "to_numpy"):
        values = values.to_numpy()
        must_keep_digits(given, values, what)
    try:
        array = np.asarray(values)
    except ValueError:
        raise ShapeError(
            f"{what} is ragged: its rows have different lengths{_ragged(values)}."
        ) from None
    if array.dtype.kind == "T":
        array = array.astype(object)
    elif array.dtype.kind == "U" and isinstance(values, list | tuple):
        # NumPy has turned numbers and gaps among texts into texts.
        array = np.asarray(values, dtype=object)
    return _unboxed(array, what, names) if array.dtype.kind == "O" else array


def _ragged(values: Any) -> str:
    if not isinstance(values, Sequence) or not values:
        return ""
    lengths = [len(row) if hasattr(row, "__len__") else 0 for row in values]
    for row, length in enumerate(lengths):
        if length != lengths[0]:
            return f" (row 0 has {lengths[0]}, row {row} has {length})"
    return ""


def _unboxed(
    array: NDArray[Any], what: str, names: Sequence[str] | None
) -> NDArray[Any]:
    """Return an array of Python objects as numbers or texts."""
    kinds = {type(value) for value in array.flat if not _is_gap(value)}
    texts = {kind for kind in kinds if issubclass(kind, str)}
    if texts != kinds and texts:
        others = ", ".join(sorted(kind.__name__ for kind in kinds - texts))
        place = _first(array, lambda value: isinstance(value, str), names)
        raise DataError(
            f"{what} mixes texts with {others}{place}: turn each text into a number or "
            "into 0/1 columns first, or leave the column out."
        )
    if texts:
        gap = _first(array, _is_gap, names)
        if gap:
            raise DataError(f"{what} has gaps among its texts{gap}: fill them first.")
        return array.astype(str)
    _must_keep_digits(array, what, names)
    numbers = [math.nan if _is_gap(value) else value for value in array.flat]
    try:
        return np.asarray(numbers, dtype=np.float64).reshape(array.shape)
    except (TypeError, ValueError, OverflowError):
        found = ", ".join(sorted(kind.__name__ for kind in kinds))
        raise DataError(
            f"{what} holds objects that are no numbers: {found}. Turn them into "
            "numbers first (dates into days or years, for example)."
        ) from None


def _is_gap(value: Any) -> bool:
    """Return whether an object stands for a missing value: None, NaN, pandas' NA."""
    if value is None or type(value).__name__ in ("NAType", "NaTType"):
        return True
    return isinstance(value, float) and math.isnan(value)


def _first(array: NDArray[Any], wanted: Any, names: Sequence[str] | None = None) -> str:
    for index, value in np.ndenumerate(array):
        if wanted(value):
            place = f"first at {_place(index, names)}: " if index else ""
            return f" ({place}{_plain(value)!r})"
    return ""


def _plain(value: Any) -> Any:
    """Return a NumPy scalar as the Python object that people know."""
    return value.item() if isinstance(value, np.generic) else value


def _place(index: tuple[int, ...], names: Sequence[str] | None = None) -> str:
    return f"row {index[0]}{_column(index, names)}" if index else "its only number"


def _column(index: tuple[int, ...], names: Sequence[str] | None = None) -> str:
    if len(index) < 2:
        return ""
    if len(index) == 2 and names is not None:
        return f", column {index[1]} ({names[index[1]]!r})"
    return f", column {', '.join(map(str, index[1:]))}"


def as_floats(
    values: Any, what: str, dtype: Any, names: Sequence[str] | None = None
) -> NDArray[Any]:
    """Return finite floating-point numbers, or say which are not.

    Parameters
    ----------
    values : array_like
        Numbers of any kind.
    what : str
        Their name in messages.
    dtype : dtype
        The network's floating-point type.
    names : sequence of str, optional
        Names of the columns.

    Returns
    -------
    ndarray of dtype

    Raises
    ------
    DataError
        If there is a NaN, an infinity, a number too large for the dtype, a whole number
        beyond 2^53, a text or a complex number.
    """
    array = as_array(values, what)
    if array.dtype.kind in "USmMcV":
        kind = {"U": "texts", "S": "bytes", "c": "complex numbers", "V": "records"}.get(
            array.dtype.kind, "dates or times"
        )
        advice = (
            "turn each text into a number or into 0/1 columns first"
            if array.dtype.kind in "US"
            else "hand in real numbers"
        )
        place = _first(array, lambda value: True, names)
        raise DataError(f"{what} holds {kind}{place}; expected numbers: {advice}.")
    _must_keep_digits(array, what, names)
    with np.errstate(over="ignore"):
        floats: NDArray[Any] = array.astype(dtype, copy=False)
    # A sum is finite only if all numbers are; and it is much cheaper than looking.
    with np.errstate(over="ignore", invalid="ignore"):
        suspicious = not np.isfinite(floats.sum())
    if suspicious and not np.isfinite(floats).all():
        raise DataError(_not_finite(array, floats, what, names))
    return floats


def must_keep_digits(given: Any, floats: NDArray[Any], what: str) -> None:
    """Raise where whole numbers lost digits as another library made floats of them.

    Parameters
    ----------
    given : array_like, data frame or sparse array
        What was handed in.
    floats : ndarray
        What became of it; looked at first, since that is quick.
    what : str
        Its name in messages.

    Raises
    ------
    DataError
        If there is a whole number beyond 2^53.
    """
    if floats.dtype.kind != "f" or not (np.abs(floats) >= LARGEST_WHOLE).any():
        return
    names = column_names(given)
    if names is None:
        whole = given.toarray() if hasattr(given, "toarray") else given
        _must_keep_digits(np.asarray(whole), what, None)
        return
    for place, name in enumerate(given.columns):
        cells = given[[name]].to_numpy()[:, :1]
        _must_keep_digits(cells, what, names, first=place)


def _must_keep_digits(
    array: NDArray[Any], what: str, names: Sequence[str] | None, first: int = 0
) -> None:
    """Raise `DataError` for whole numbers that would be rounded, such as accounts."""

    def rounded(value: Any) -> bool:
        return isinstance(value, int | np.integer) and abs(int(value)) > LARGEST_WHOLE

    if array.dtype.kind in "iu" and array.dtype.itemsize == 8 and array.size:
        if array.max() <= LARGEST_WHOLE and array.min() >= -LARGEST_WHOLE:
            return
    elif array.dtype.kind != "O":
        return
    for index, value in np.ndenumerate(array):
        if rounded(value):
            place = (index[0], index[1] + first) if len(index) == 2 else index
            raise DataError(
                f"{what} has {_plain(value)} at {_place(place, names)}: whole numbers "
                "beyond 2^53 lose digits. Leave numbers out that only name something, "
                "such as accounts; hand in measurements as floating-point numbers."
            )


def _not_finite(
    array: NDArray[Any], floats: NDArray[Any], what: str, names: Sequence[str] | None
) -> str:
    bad = ~np.isfinite(floats)
    index = tuple(int(i) for i in np.argwhere(bad)[0])
    value = array[index]
    place = _place(index, names)
    count = int(bad.sum())
    more = f"; {count} such values in all" if count > 1 else ""
    if np.isfinite(value):
        return (
            f"{what} has {_plain(value)!r} at {place}{more}, which is too large for "
            f"{floats.dtype}: standardize the data, or use dtype='float64'."
        )
    kind = "NaN" if np.isnan(value) else "an infinity"
    return (
        f"{what} has {kind} at {place}{more}: fill the gaps or leave the rows out "
        "before training."
    )


def column_names(values: Any) -> list[str] | None:
    """Return the names of the columns of a data frame, None for anything else.

    Parameters
    ----------
    values : object
        Perhaps a data frame.

    Returns
    -------
    list of str or None
    """
    columns = getattr(values, "columns", None)
    return None if columns is None else [str(name) for name in columns]


def must_have_columns(x: Any, names: Sequence[str]) -> None:
    """Raise unless a data frame has the columns of training, in their order.

    Parameters
    ----------
    x : object
        Inputs; what has no names of columns is not looked at.
    names : sequence of str
        The columns of training.

    Raises
    ------
    DataError
        If columns are missing, additional, or in another order.
    """
    found = column_names(x)
    if found is None or found == list(names):
        return
    missing = [name for name in names if name not in found]
    extra = [name for name in found if name not in names]
    if missing or extra:
        parts = [f"lacks the columns {missing}"] if missing else []
        parts += [f"has the unknown columns {extra}"] if extra else []
        raise DataError(
            f"x {' and '.join(parts)}; the network learned from {list(names)}."
        )
    raise DataError(
        "The columns of x are in another order than in training: write "
        f"x[{list(names)}]."
    )


def infer_inputs(x: Any) -> Inputs:
    """Return what the inputs are, judged by the first data.

    Parameters
    ----------
    x : array_like, shape (n, ...), or mapping of such
        A batch.

    Returns
    -------
    Input or dict of str to Input
    """
    if isinstance(x, Mapping):
        for name in x:
            if not isinstance(name, str):
                raise DataError(f"The names of inputs are texts; got {name!r}.")
        return {name: _one_input(values, name) for name, values in x.items()}
    return _one_input(x, "x")


def _one_input(values: Any, what: str) -> Input:
    array = as_array(values, what)
    if array.size == 0 and array.ndim == 1:
        raise DataError(f"{what} is empty: there is nothing to learn from.")
    if array.ndim < 2:
        raise ShapeError(
            f"{what} has shape {_shape(array)}; expected one row a sample, shape (n, "
            f"features). For samples of one number write {what}.reshape(-1, 1)."
        )
    if 0 in array.shape[1:]:
        raise ShapeError(f"{what} has shape {_shape(array)}: there are no features.")
    return Input(array.shape[1:])


def _shape(array: NDArray[Any]) -> str:
    return f"({', '.join(map(str, array.shape))}{',' if array.ndim == 1 else ''})"


def as_inputs(
    x: Any, inputs: Inputs, dtype: Any, limits: Mapping[str, int] | None = None
) -> tuple[Any, int, bool]:
    """Return a batch of inputs.

    Parameters
    ----------
    x : array_like, shape (n, *shape), or one sample of that shape; or a mapping of such
        What the user handed in.
    inputs : Input or dict of str to Input
        What the network takes.
    dtype : dtype
        The network's floating-point type.
    limits : mapping of str to int, optional
        For inputs of whole numbers: how many there are, by name ("" for a single one).

    Returns
    -------
    x : ndarray or dict of ndarray
        With an axis of samples.
    n : int
        Number of samples.
    single : bool
        Whether one sample was handed in without that axis.
    """
    if isinstance(inputs, Input):
        if isinstance(x, Mapping):
            raise ShapeError(
                f"x has the named inputs {sorted(map(str, x))}; the network takes one "
                "array."
            )
        return _one(x, inputs, dtype, "x", (limits or {}).get(""))
    if not isinstance(x, Mapping):
        raise ShapeError(
            f"x is one array; the network takes named inputs {sorted(inputs)}: "
            "x = {name: array, ...}."
        )
    if set(x) != set(inputs):
        raise ShapeError(
            f"x has the inputs {sorted(map(str, x))}; the network takes "
            f"{sorted(inputs)}."
        )
    found = {
        name: _one(x[name], given, dtype, name, (limits or {}).get(name))
        for name, given in inputs.items()
    }
    counts = {name: n for name, (_, n, _) in found.items()}
    if len(set(counts.values())) > 1:
        raise ShapeError(f"The inputs have different numbers of samples: {counts}.")
    first = next(iter(found.values()))
    return {name: array for name, (array, _, _) in found.items()}, first[1], first[2]


def _one(
    x: Any, given: Input, dtype: Any, what: str, limit: int | None
) -> tuple[Any, int, bool]:
    array = as_array(x, what)
    single = array.ndim == len(given.shape)
    whole = array[None] if single else array
    if array.ndim != len(given.shape) + (not single) or whole.shape[1:] != given.shape:
        expected = ", ".join(map(str, given.shape))
        raise ShapeError(
            f"{what} has shape {_shape(array)}, but the network takes (n, {expected}): "
            f"{_remedy(array, given)}"
        )
    if given.kind == "integer":
        if whole.dtype.kind not in "iu":
            raise DataError(f"{what} takes whole numbers; got {whole.dtype}.")
        _must_be_below(limit, whole, what, column_names(x))
        return whole, len(whole), single
    # A transposed or strided array would give other last bits than its plain copy.
    if whole.dtype == np.uint8 and len(given.shape) == 3:
        # Images stay bytes, a quarter of the memory, until an engine takes some rows.
        return np.ascontiguousarray(whole), len(whole), single
    floats = as_floats(whole, what, dtype, column_names(x))
    return np.ascontiguousarray(floats), len(whole), single


def _must_be_below(
    limit: int | None, whole: NDArray[Any], what: str, names: Sequence[str] | None
) -> None:
    """Raise `DataError` if a whole number names no row of the table that it is for."""
    if limit is None or not whole.size or (whole.min() >= 0 and whole.max() < limit):
        return
    bad = (whole < 0) | (whole >= limit)
    index = tuple(int(i) for i in np.argwhere(bad)[0])
    more = f"; {int(bad.sum())} such values in all" if bad.sum() > 1 else ""
    raise DataError(
        f"{what} has {_plain(whole[index])} at {_place(index, names)}{more}; expected "
        f"whole numbers from 0 to {limit - 1}: the table that they pick from has "
        f"{limit} rows."
    )


def _remedy(array: NDArray[Any], given: Input) -> str:
    if array.ndim == 2 and array.shape[0] == given.shape[0] and array.shape[1:] != ():
        return "samples are rows; perhaps the array must be transposed (x.T)."
    if array.ndim == 1 and given.shape == (1,):
        return "write x.reshape(-1, 1) for samples of one number."
    return "hand in the same features, or make a network with another input_shape."


def as_weights(weights: Any, n: int, dtype: Any) -> NDArray[Any]:
    """Return the weights of samples, shape (n,).

    Parameters
    ----------
    weights : array_like, shape (n,)
        Not negative, not all zero.
    n : int
        Number of samples.
    dtype : dtype
        The network's floating-point type.

    Returns
    -------
    ndarray
    """
    array = as_floats(weights, "sample_weight", dtype)
    if array.shape != (n,):
        raise ShapeError(
            f"sample_weight has shape {_shape(array)}; expected one for each of the "
            f"{n} samples, shape ({n},)."
        )
    if (array < 0).any():
        row = int(np.argmax(array < 0))
        raise DataError(f"sample_weight has {array[row]} at row {row}; expected >= 0.")
    if not array.any():
        raise DataError("Every sample_weight is zero: nothing would be learned.")
    return np.ascontiguousarray(array)
