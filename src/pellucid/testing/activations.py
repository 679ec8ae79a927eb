"""Activations: as layers, and their slopes, kinks and largest numbers."""

import numpy as np

from pellucid.activations import Activation
from pellucid.initializers import Initializer
from pellucid.testing.arrays import locked
from pellucid.testing.differences import STEP
from pellucid.testing.layers import check_layer
from pellucid.testing.parts import expecting


def check_activation(activation: Activation, *, seed: int = 0) -> None:
    """Check an activation: all that `check_layer` does, and more.

    `value`, `slope` and `delta` keep the dtype and give no NaN for any finite number;
    at the kinks that are listed the slope lies between those of both sides, and there
    are no others between -4 and 4.

    Parameters
    ----------
    activation : Activation
        With any settings.
    seed : int
        Seed of the numbers that are tried.

    Raises
    ------
    AssertionError
        If a promise is broken.

    Examples
    --------
    >>> import numpy as np
    >>> from pellucid.activations import Activation
    >>> from pellucid.testing import check_activation
    >>> class Wave(Activation):
    ...     def value(self, z):
    ...         return np.sin(z)
    ...
    ...     def slope(self, z, a):
    ...         return np.cos(z)
    >>> check_activation(Wave())
    """
    check_layer(activation, 4, seed=seed)
    with expecting(activation, "the class attribute initializer"):
        Initializer.of(activation.initializer)
    if not activation.across:
        _check_kinks(activation)
    for dtype in ("float32", "float64"):
        _check_largest(activation, dtype)


def _check_kinks(activation: Activation) -> None:
    z = np.union1d(np.linspace(-4.0, 4.0, 65), activation.kinks)
    with expecting(activation, "value and slope between -4 and 4"):
        a = activation.value(locked(z))
        slope = activation.slope(z, locked(a))
        before = (a - activation.value(locked(z - STEP))) / STEP
        after = (activation.value(locked(z + STEP)) - a) / STEP
    assert slope.shape == z.shape, f"{activation!r}: slope(z, a) has not z's shape."
    low, high = np.minimum(before, after), np.maximum(before, after)
    for i, listed in enumerate(np.isin(z, activation.kinks)):
        assert low[i] - 1e-4 <= slope[i] <= high[i] + 1e-4, (
            f"{activation!r}: the slope at z = {z[i]} is {slope[i]:.9g}; differences "
            f"say {before[i]:.9g} to the left and {after[i]:.9g} to the right."
        )
        assert listed or high[i] - low[i] <= 1e-3 * max(1.0, abs(slope[i])), (
            f"{activation!r}: the slope jumps at z = {z[i]}, which is not in kinks."
        )


def _check_largest(activation: Activation, dtype: str) -> None:
    info = np.finfo(dtype)
    edges = [float(info.smallest_subnormal), float(info.tiny), float(info.max)]
    sizes = np.array([0.0, 1.0, 30.0, 1e4, *edges], dtype=dtype)
    z = locked(np.stack([sizes, -sizes]))
    da = locked(np.ones_like(z))
    # A value may be infinite where the true one is beyond the range.
    with expecting(activation, f"all sizes of {dtype}"), np.errstate(over="ignore"):
        a = locked(activation.value(z))
        found = {"value": a, "delta": activation.delta(da, z, a)}
        if not activation.across:
            found["slope"] = activation.slope(z, a)
    for name, array in found.items():
        assert array.dtype == dtype, (
            f"{activation!r}: {name} makes {array.dtype} of {dtype}."
        )
        assert not np.isnan(array).any(), (
            f"{activation!r}: {name} is not a number at z = {z[np.isnan(array)]}."
        )
