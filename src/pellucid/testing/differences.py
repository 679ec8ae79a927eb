r"""Gradients against central differences, ``(L(w + h) - L(w - h)) / 2h``."""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pellucid.part import Part
from pellucid.testing.arrays import locked, place_of_largest

# With this step, rounding and the third derivative do about the same harm.
STEP = 2.0**-17

Function = Callable[[NDArray[Any]], float]


def differences(
    function: Function, at: NDArray[Any]
) -> tuple[NDArray[Any], NDArray[np.bool_]]:
    """Return central differences, and where the function has no kink.

    Parameters
    ----------
    function : callable
        A number from an array.
    at : ndarray of float64
        Where; every entry is moved by itself.

    Returns
    -------
    slope : ndarray, shape of `at`
    smooth : ndarray of bool, shape of `at`
        False where the differences to both sides disagree.
    """
    here = function(at)
    sides = np.empty((2, at.size))
    for i in range(at.size):
        for side, h in enumerate((STEP, -STEP)):
            moved = at.copy()
            moved.flat[i] += h
            sides[side, i] = (function(locked(moved)) - here) / h
    after, before = sides.reshape(2, *at.shape)
    size = max(float(np.abs(sides).max(initial=0.0)), 1e-3)
    return (after + before) / 2, np.abs(after - before) <= 1e-3 * size


def check_gradient(
    part: Part,
    what: str,
    gradient: NDArray[Any],
    function: Function,
    at: NDArray[Any],
    terms: float,
) -> None:
    """Check that a gradient is what differences say, to a millionth of its length.

    Parameters
    ----------
    part : Part
        What is checked.
    what : str
        Which gradient.
    gradient : ndarray, shape of `at`
        The gradient.
    function, at
        As in `differences`. Entries at a kink are left out.
    terms : float
        Sum of the sizes of the terms that the function adds up: the differences carry
        the rounding of these.
    """
    assert gradient.shape == at.shape, (
        f"{part!r}: {what} has shape {gradient.shape}, expected {at.shape}."
    )
    assert not np.isnan(gradient).any(), f"{part!r}: {what} was not written, or is NaN."
    slope, smooth = differences(function, at)
    length = max(np.linalg.norm(values[smooth]) for values in (gradient, slope))
    error = np.abs(gradient - slope)
    agrees = error <= 1e-6 * length + 1e-10 * (1.0 + terms)
    # Beside a minimum the sides differ without any kink; there they agree all the same.
    assert 2 * (smooth | agrees).sum() >= smooth.size, (
        f"{part!r}: the differences for {what} disagree from side to side almost "
        "everywhere. Is the output continuous?"
    )
    wrong = np.where(smooth & ~agrees, error, 0.0)
    if wrong.any():
        at_worst = place_of_largest(wrong)
        raise AssertionError(
            f"{part!r}: {what}{list(at_worst)} is {gradient[at_worst]:.9g}, but "
            f"differences (L(w + h) - L(w - h)) / 2h say {slope[at_worst]:.9g}."
        )
