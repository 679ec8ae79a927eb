"""Arrays that must not change, must be equal in every bit, or must agree."""

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pellucid.layer import Memo
from pellucid.part import Part


def locked(array: NDArray[Any]) -> NDArray[Any]:
    """Return the array itself, made read-only.

    Parameters
    ----------
    array : ndarray
        Any shape.

    Returns
    -------
    ndarray
    """
    array.flags.writeable = False
    return array


def same_bits(one: Any, other: Any) -> bool:
    """Return whether two arrays agree in shape, dtype and every bit.

    Parameters
    ----------
    one, other : ndarray
        Arrays or numbers.

    Returns
    -------
    bool
    """
    first, second = np.asarray(one), np.asarray(other)
    if first.shape != second.shape or first.dtype != second.dtype:
        return False
    return first.tobytes() == second.tobytes()


def kept(memo: Memo, place: str = "memo") -> Iterator[tuple[str, Any]]:
    """Yield all arrays that a memo keeps, and all NumPy numbers.

    Parameters
    ----------
    memo : Memo
        After a pass.
    place : str
        What to call it.

    Yields
    ------
    tuple of (str, ndarray)
        Such as ``"memo['dense_1'].z"`` and the array.
    """
    for name, value in memo.values.items():
        yield from _inside(value, f"{place}.{name}")
    for name, child in memo.children.items():
        yield from kept(child, f"{place}[{name!r}]")


def _inside(value: Any, place: str) -> Iterator[tuple[str, Any]]:
    if isinstance(value, np.ndarray | np.generic):
        yield place, value
    elif isinstance(value, Mapping):
        for key, item in value.items():
            yield from _inside(item, f"{place}[{key!r}]")
    elif isinstance(value, list | tuple):
        for number, item in enumerate(value):
            yield from _inside(item, f"{place}[{number}]")


def place_of_largest(array: NDArray[Any]) -> tuple[int, ...]:
    """Return the index of the largest entry.

    Parameters
    ----------
    array : ndarray
        With at least one entry.

    Returns
    -------
    tuple of int
    """
    return tuple(map(int, np.unravel_index(array.argmax(), array.shape)))


def check_agreement(
    part: Part, what: str, found: Any, wanted: Any, share: float
) -> None:
    """Check that two arrays agree, to a share of their length.

    Parameters
    ----------
    part : Part
        What is checked.
    what : str
        Which array.
    found, wanted : ndarray
        The two; a tenth is added to the length, so that zeros can agree.
    share : float
        The largest difference allowed, as a share of the length.
    """
    first, second = (np.asarray(v, dtype=np.float64) for v in (found, wanted))
    assert first.shape == second.shape, (
        f"{part!r}, {what}: shape {first.shape}, expected {second.shape}."
    )
    error = np.abs(first - second)
    assert not np.isnan(error).any(), f"{part!r}, {what}: not a number."
    if error.max(initial=0.0) > share * (np.linalg.norm(second.ravel()) + 0.1):
        at = place_of_largest(error)
        raise AssertionError(
            f"{part!r}, {what}: {first[at]:.9g} at {list(at)}, expected "
            f"{second[at]:.9g}."
        )
