import dataclasses

import numpy as np
import pandas as pd
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from pellucid.data import Standardizer, digits, standardize
from pellucid.errors import DataError, ShapeError

TABLES = arrays(
    np.float64,
    array_shapes(min_dims=1, max_dims=3, min_side=1, max_side=6),
    elements=st.floats(-1e300, 1e300),
)


def test_known_answers():
    x_train, x_test = standardize([[1, 10], [2, 30], [3, 20]], [[2, 20], [4, 0]])
    root = np.sqrt(1.5)
    np.testing.assert_allclose(x_train, [[-root, -root], [0, root], [root, 0]])
    np.testing.assert_allclose(x_test, [[0, 0], [2 * root, -2 * root]])


def test_real_data_equal_the_formula():
    x = digits().x
    deviation = x.std(axis=0)
    changing = deviation > 0.0
    result = standardize(x)
    expected = ((x - x.mean(axis=0))[:, changing]) / deviation[changing]
    np.testing.assert_allclose(result[:, changing], expected, atol=1e-12)
    assert not changing.all()
    assert (result[:, ~changing] == 0.0).all()


@given(TABLES)
def test_mean_zero_and_deviation_one_for_any_columns(x):
    z = standardize(x)
    assert z.shape == x.shape
    assert z.dtype == np.float64
    # Where a column nearly stands still next to its size, rounding is all there is.
    spread = np.ptp(x / 2.0, axis=0) > 1e-6 * np.abs(x).max(axis=0)
    spread &= np.abs(x).max(axis=0) > 1e-300
    np.testing.assert_allclose(z.mean(axis=0)[spread], 0.0, atol=1e-8)
    np.testing.assert_allclose(z.std(axis=0)[spread], 1.0, rtol=1e-8)


@given(TABLES)
def test_the_way_back(x):
    standardizer = Standardizer.fit(x)
    back = standardizer.inverse(standardizer.transform(x))
    atol = 1e-12 * np.abs(x).max()
    np.testing.assert_allclose(back, x, rtol=1e-12, atol=atol)


@pytest.mark.parametrize("value", [0.0, 0.1, -0.1, 1e300, -1e300, 1e-310, 7.3e-5])
@pytest.mark.parametrize("rows", [1, 3, 1000])
def test_a_constant_column_becomes_exactly_zero(value, rows):
    x = np.full((rows, 2), value)
    standardizer = Standardizer.fit(x)
    assert standardizer.mean.tolist() == [value, value]
    assert standardizer.scale.tolist() == [1.0, 1.0]
    assert (standardizer.transform(x) == 0.0).all()


@pytest.mark.parametrize("size", [1e300, 1e-300])
def test_huge_and_tiny_columns(size):
    x = np.array([[1.0, -1.0], [2.0, 1.0], [3.0, 0.0]])
    np.testing.assert_allclose(standardize(x * size), standardize(x))


def test_one_column_without_a_second_axis():
    y_train, y_test = standardize(np.array([1.0, 3.0]), [5.0])
    assert y_train.tolist() == [-1.0, 1.0]
    assert y_test.tolist() == [3.0]


def test_one_row_can_be_transformed():
    standardizer = Standardizer.fit([[1.0, 10.0], [3.0, 30.0]])
    assert standardizer.transform([3.0, 10.0]).tolist() == [1.0, -1.0]
    assert standardizer.inverse([1.0, -1.0]).tolist() == [3.0, 10.0]


def test_other_types_become_float64():
    expected = [[-1.0], [1.0]]
    mixed = pd.DataFrame({"a": [False, True]}, dtype=object)
    for x in (
        np.array([[1], [3]]),
        np.array([[1.0], [3.0]], dtype=np.float32),
        np.array([[False], [True]]),
        pd.DataFrame({"a": [1, 3]}),
        pl.DataFrame({"a": [1, 3]}),
        mixed,
    ):
        result = standardize(x)
        assert result.dtype == np.float64
        assert result.tolist() == expected


def test_the_input_is_left_alone():
    x = np.array([[1.0], [3.0]])
    standardize(x)
    assert x.tolist() == [[1.0], [3.0]]


def test_a_standardizer_cannot_be_changed():
    with pytest.raises(dataclasses.FrozenInstanceError):
        Standardizer.fit([[1.0]]).mean = np.zeros(1)


@pytest.mark.parametrize(
    ("train", "other", "error", "message"),
    [
        (
            [[1.0, 2.0], [3.0, np.nan]],
            [[1.0, 2.0]],
            DataError,
            (
                "x_train holds nan in row 1, column 1, expected finite numbers; fill "
                "in what is missing, or leave the row out"
            ),
        ),
        (
            [1.0, np.inf],
            [1.0],
            DataError,
            "x_train holds inf in row 1, expected finite",
        ),
        (
            [[1.0, 2.0]],
            [[1.0, 2.0], [-np.inf, 1.0]],
            DataError,
            "array 2 holds -inf in row 1, column 0, expected finite",
        ),
        (
            pd.DataFrame({"age": [1, 2], "area": ["urban", "rural"]}),
            [[1.0, 2.0]],
            DataError,
            (
                "x_train holds 'urban' in row 0, column 1, expected a number; fill in "
                "what is missing, give categories numbers, or leave the column out"
            ),
        ),
        ([[1.0, None]], [[1.0, 2.0]], DataError, "holds None in row 0, column 1"),
        (np.array([["1"]]), [[1.0]], DataError, r"holds np.str_\('1'\) in row 0"),
        (np.array([1j]), [1.0], DataError, r"holds np.complex128\(1j\) in row 0"),
        (
            [[1.0], [1.0, 2.0]],
            [[1.0]],
            ShapeError,
            "x_train is no table: its rows have",
        ),
        (np.zeros((0, 3)), [[1.0]], DataError, r"data of shape \(0, 3\) have no mean"),
        (5.0, [1.0], DataError, r"data of shape \(\) have no mean"),
        (
            [[1.0, 2.0]],
            [[1.0, 2.0, 3.0]],
            ShapeError,
            (
                r"x has shape \(1, 3\), but the mean was taken over rows of shape "
                r"\(2,\): give it the columns of the training data"
            ),
        ),
    ],
)
def test_what_cannot_be_standardized_is_named(train, other, error, message):
    with pytest.raises(error, match=message):
        standardize(train, other)


def test_predictions_of_another_shape_have_no_way_back():
    with pytest.raises(ShapeError, match=r"z has shape \(2, 1\), but the mean was"):
        Standardizer.fit([[1.0, 2.0]]).inverse([[1.0], [2.0]])
