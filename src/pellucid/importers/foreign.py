"""Objects of other libraries: what they are, their numbers, and why not."""

from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pellucid.errors import ConfigurationError, PellucidError


def as_numbers(values: Any) -> NDArray[Any]:
    """Return a tensor or variable of any library as an array.

    Parameters
    ----------
    values : object
        A tensor with ``detach()``, a variable with ``numpy()``, or an array.

    Returns
    -------
    ndarray
    """
    if hasattr(values, "detach"):
        values = values.detach().cpu()
        if str(values.dtype) == "torch.bfloat16":  # unknown to NumPy
            values = values.float()
    if hasattr(values, "numpy"):
        values = values.numpy()
    return np.asarray(values)


def known_as(layer: Any, table: Iterable[str], method: str) -> str | None:
    """Return the name under which a table has an object's class or a base of it.

    A class that computes in its own way is not what its base is.

    Parameters
    ----------
    layer : object
        A layer of another library.
    table : iterable of str
        Names of classes.
    method : str
        The method that computes, such as ``"forward"``.

    Returns
    -------
    str or None
    """
    names = set(table)
    own = getattr(type(layer), method, None)
    for base in type(layer).__mro__:
        if base.__name__ in names:
            return base.__name__ if getattr(base, method, None) is own else None
    return None


class RefusedError(ConfigurationError):
    """A layer of another library that cannot be taken over, with its place."""


def refused(
    what: str, place: str, table: Iterable[str], error: Exception | None = None
) -> RefusedError:
    """Return the error for a layer that cannot be taken over.

    Parameters
    ----------
    what : str
        The layer.
    place : str
        Where it is.
    table : iterable of str
        What can be taken over.
    error : Exception, optional
        Why not, where it is one of the table.

    Returns
    -------
    RefusedError
    """
    if isinstance(error, PellucidError):
        return RefusedError(f"{place}, {what}: {error}")
    if isinstance(error, AttributeError):
        return RefusedError(
            f"{place}, {what}: {error}. A layer has its numbers once it was built, or "
            "has run."
        )
    known = ", ".join(sorted(table, key=str.lower))
    return RefusedError(
        f"{place}, {what}, has no counterpart in pellucid. What can be taken over: "
        f"{known}."
    )
