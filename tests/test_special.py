"""The error function against Python's own, everywhere."""

import math
import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pellucid.special import erf

LARGEST = sys.float_info.max
finite = st.floats(allow_nan=False, allow_infinity=False)


def in_last_places(found, exact, dtype):
    """Return the difference in units of the last place of the exact values."""
    exact = np.array(exact)
    unit = np.spacing(np.maximum(np.abs(exact), np.finfo(dtype).tiny).astype(dtype))
    return np.abs(found.astype(np.float64) - exact) / unit.astype(np.float64)


# Dense near 0, near the seams of the approximations, and out to where it is 1.
SEAMS = [0.84375, 1.25, 1 / 0.35, 6.0]
POINTS = np.concatenate(
    [
        np.linspace(-7, 7, 20_001),
        np.geomspace(1e-300, 1.0, 3_000),
        *[seam + np.linspace(-1e-3, 1e-3, 401) for seam in SEAMS],
        *[[np.nextafter(seam, 0), seam, np.nextafter(seam, 9)] for seam in SEAMS],
    ]
)


def test_float64_is_right_to_two_units_in_the_last_place():
    with np.errstate(all="raise", under="ignore"):
        found = erf(POINTS)
    assert found.dtype == np.float64
    wrong = in_last_places(found, [math.erf(x) for x in POINTS.tolist()], np.float64)
    assert wrong.max() <= 2


def test_float32_is_right_to_four_units_in_the_last_place():
    points = POINTS.astype(np.float32)
    with np.errstate(all="raise", under="ignore"):
        found = erf(points)
    assert found.dtype == np.float32
    wrong = in_last_places(found, [math.erf(x) for x in points.tolist()], np.float32)
    assert wrong.max() <= 4


@given(x=finite)
def test_any_finite_number(x):
    with np.errstate(all="raise", under="ignore"):
        found = erf(np.array([x]))
    assert in_last_places(found, [math.erf(x)], np.float64)[0] <= 2


@given(x=st.floats(allow_nan=False, allow_infinity=False, width=32))
def test_any_finite_number_in_float32(x):
    with np.errstate(all="raise", under="ignore"):
        found = erf(np.array([x], dtype=np.float32))
    assert in_last_places(found, [math.erf(x)], np.float32)[0] <= 4


@given(x=finite)
def test_it_is_odd_and_between_the_limits(x):
    there, back = erf(np.array([x, -x]))
    assert there == -back
    assert -1 <= there <= 1
    assert (there > 0) == (x > 0) or abs(x) < sys.float_info.min


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_it_never_falls(dtype):
    found = erf(np.linspace(-7, 7, 40_001).astype(dtype))
    # Neighbours may change places by the rounding of the last digits.
    assert np.diff(found).min() >= -2 * np.finfo(dtype).eps


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_the_ends(dtype):
    largest = np.finfo(dtype).max
    ends = np.array([0.0, -0.0, 6.0, -6.0, 40.0, largest, -largest, np.inf, -np.inf])
    with np.errstate(all="raise", under="ignore"):
        found = erf(ends.astype(dtype))
    assert found.tolist() == [0, 0, 1, -1, 1, 1, -1, 1, -1]
    assert np.signbit(found).tolist() == np.signbit(ends).tolist()
    assert np.isnan(erf(np.array([np.nan], dtype=dtype))).all()


def test_shapes():
    x = np.linspace(-2, 2, 24).reshape(2, 3, 4)
    assert erf(x).shape == (2, 3, 4)
    assert erf(x[:, :0]).shape == (2, 0, 4)
    assert erf(np.array(0.5)).shape == ()
    assert erf(x.T).tolist() == erf(x).T.tolist()
