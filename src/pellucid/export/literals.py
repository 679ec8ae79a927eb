"""Arrays as text of a program, to the last bit."""

import textwrap
from typing import Any

import numpy as np
from numpy.typing import NDArray

# Numbers that a program may hold; more go to a file next to it.
MOST = 2000


def number(value: Any) -> str:
    """Return the shortest text that is this very number in its own type.

    Parameters
    ----------
    value : NumPy number
        Such as an entry of an array.

    Returns
    -------
    str
    """
    if np.isfinite(value) or value.dtype.kind != "f":
        return str(value)
    return f"np.{value}".replace("np.-", "-np.")


def numpy_literal(array: NDArray[Any], indent: int = 0) -> str:
    """Return an array as an expression of NumPy, in lines of at most 88 characters.

    Parameters
    ----------
    array : ndarray
        Any.
    indent : int
        Spaces before its lines but the first.

    Returns
    -------
    str
    """
    plain = array.dtype == np.float64 or (array.dtype == np.int64 and array.size)
    dtype = "" if plain else f", np.{array.dtype}"
    for value, name in ((0, "zeros"), (1, "ones")):
        if array.size > 1 and (array == value).all() and not np.signbit(array).any():
            shape = array.shape[0] if array.ndim == 1 else array.shape
            return f"np.{name}({shape}{dtype or _whole(array)})"
    flat = array.ndim > 2 or array.size == 0
    if not array.ndim:
        return f"np.array({number(array[()])}{dtype})"
    rows = [array.ravel()] if flat or array.ndim < 2 else list(array)
    texts = [f"[{', '.join(map(number, row))}]" for row in rows]
    end = f"{dtype})" + (f".reshape{array.shape}" if flat else "")
    inside = f"[{', '.join(texts)}]" if len(rows) > 1 or array.ndim == 2 else texts[0]
    if flat:
        inside = texts[0]
    one_line = f"np.array({inside}{end}"
    if len(one_line) <= 60:
        return one_line
    space = " " * (indent + 4)
    lines = []
    for text in texts if len(rows) > 1 or array.ndim == 2 else [texts[0][1:-1]]:
        wrapped = textwrap.wrap(f"{text},", 87 - len(space))
        inside_a_row = " " if text.startswith("[") else ""
        lines += [wrapped[0], *(f"{inside_a_row}{line}" for line in wrapped[1:])]
    body = "\n".join(space + line for line in lines)
    return f"np.array([\n{body}\n{' ' * indent}]{end}"


def _whole(array: NDArray[Any]) -> str:
    return ", int" if array.dtype.kind == "i" else ""
