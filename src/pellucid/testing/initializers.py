"""Initializers: shapes, finite numbers, and nothing but the seed."""

import numpy as np

from pellucid.initializers import Initializer
from pellucid.rng import Random
from pellucid.testing.arrays import same_bits
from pellucid.testing.parts import check_part, expecting


def check_initializer(initializer: Initializer, *, seed: int = 0) -> None:
    """Check an initializer: shapes, finite numbers, the same ones for the same seed.

    Parameters
    ----------
    initializer : Initializer
        With any settings.
    seed : int
        Seed of the numbers.

    Raises
    ------
    AssertionError
        If a promise is broken.

    Examples
    --------
    >>> from pellucid.initializers import HeNormal
    >>> from pellucid.testing import check_initializer
    >>> check_initializer(HeNormal())
    """
    check_part(initializer)
    for shape in ((6, 4), (4, 6), (1, 1), (5,), (3, 3, 2, 4)):
        with expecting(initializer, f"values of shape {shape}"):
            values = initializer.values(shape, Random(seed, "testing"))
            again = initializer.values(shape, Random(seed, "testing"))
        kind = f"{values.dtype} of shape {values.shape}"
        assert kind == f"float64 of shape {shape}", (
            f"{initializer!r}: values are {kind}, expected float64 of shape {shape}."
        )
        assert np.isfinite(values).all(), f"{initializer!r}: values are not finite."
        assert same_bits(values, again), (
            f"{initializer!r}: the same seed gives other values; draw only from random."
        )
