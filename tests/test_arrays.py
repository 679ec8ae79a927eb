import datetime as dt
import decimal
import fractions

import numpy as np
import pandas as pd
import polars as pl
import pytest
import scipy.sparse
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst

from pellucid import DataError, Input, PellucidError, ShapeError
from pellucid.arrays import (
    as_array,
    as_floats,
    as_inputs,
    as_weights,
    column_names,
    infer_inputs,
)

NA, NAT = pd.NA, pd.NaT


def table(**columns):
    return pd.DataFrame(columns)


# -- what is taken ---------------------------------------------------------------------


@pytest.mark.parametrize(
    ("values", "wanted"),
    [
        ([[1, 2], [3, 4]], [[1, 2], [3, 4]]),
        (((1, 2), (3, 4)), [[1, 2], [3, 4]]),
        ([np.array([1, 2]), [3, 4]], [[1, 2], [3, 4]]),
        (np.matrix([[1, 2]]), [[1, 2]]),
        ([[True, False]], [[1, 0]]),
        (np.array([[1, 2.5]], dtype=object), [[1, 2.5]]),
        ([[decimal.Decimal("1.5"), fractions.Fraction(1, 4)]], [[1.5, 0.25]]),
        ([[2**53, -(2**53)]], [[2**53, -(2**53)]]),
        ([[2.0**70, 1]], [[2.0**70, 1]]),
        (np.array([[1, 2]], dtype=">i2"), [[1, 2]]),
        (np.array([[1, 2]], dtype="float16"), [[1, 2]]),
        (np.array([[1, 2]], dtype="longdouble"), [[1, 2]]),
        (table(a=[1, 2], b=[True, False]), [[1, 1], [2, 0]]),
        (table(a=pd.array([1, 2], dtype="Int64"), b=[0.5, 1]), [[1, 0.5], [2, 1]]),
        (table(a=pd.array([True, False], dtype="boolean")), [[1], [0]]),
        (table(a=pd.array([1, 2], dtype="Float32")), [[1], [2]]),
        (pl.DataFrame({"a": [1, 2], "b": [0.5, 1]}), [[1, 0.5], [2, 1]]),
        (pd.Series([1, 2]), [1, 2]),
        (pl.Series([1, 2]), [1, 2]),
        (memoryview(np.array([1.0, 2.0])), [1, 2]),
    ],
)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_what_holds_numbers(values, wanted, dtype):
    found = as_floats(values, "x", dtype)
    assert type(found) is np.ndarray
    assert found.dtype == np.dtype(dtype)
    np.testing.assert_array_equal(found, np.array(wanted, dtype=dtype))


@pytest.mark.parametrize(
    "values",
    [
        ["a", "bb"],
        ("a", "bb"),
        np.array(["a", "bb"]),
        np.array(["a", "bb"], dtype=object),
        np.array(["a", "bb"], dtype=np.dtypes.StringDType()),
        pd.Series(["a", "bb"]),
        pd.Series(["a", "bb"], dtype=object),
        pd.Series(["a", "bb"], dtype="category"),
        pl.Series(["a", "bb"]),
        pl.Series(["a", "bb"]).cast(pl.Categorical),
        pl.Series(["a", "bb"]).cast(pl.Enum(["bb", "a"])),
    ],
)
def test_texts_become_an_array_of_texts(values):
    found = as_array(values, "y")
    assert found.dtype.kind == "U"
    assert found.tolist() == ["a", "bb"]


@given(
    npst.arrays(
        st.sampled_from(["f4", "f8", ">f4", "i8", "u1", "?"]),
        npst.array_shapes(max_dims=3, max_side=5),
        elements=st.integers(0, 1),
    )
)
def test_numbers_keep_their_values(array):
    found = as_floats(array, "x", "float64")
    np.testing.assert_array_equal(found, array)
    assert found.shape == array.shape


def test_an_array_that_fits_is_not_copied():
    array = np.ones((3, 2), dtype="float32")
    assert as_floats(array, "x", "float32") is array


def test_the_largest_numbers_are_finite():
    largest = np.full(4, np.finfo("float32").max, dtype="float32")
    assert as_floats(largest, "x", "float32").tolist() == largest.tolist()
    mixed = largest * [1, -1, 1, -1]
    assert as_floats(mixed, "x", "float32").tolist() == mixed.tolist()


# -- what is refused -------------------------------------------------------------------

GAP = np.array([[1.0, 2.0], [3.0, np.nan]])

REFUSED = [
    (None, DataError, "x is missing: got None"),
    (
        np.ma.array([[1.0]], mask=[[True]]),
        DataError,
        r"masked array.*x\.filled\(value\)",
    ),
    (
        scipy.sparse.csr_matrix([[1.0]]),
        DataError,
        r"sparse array: hand in x\.toarray\(\)",
    ),
    (
        scipy.sparse.coo_array([[1.0]]),
        DataError,
        r"sparse array: hand in x\.toarray\(\)",
    ),
    ([[1, 2], [3]], ShapeError, r"ragged.*\(row 0 has 2, row 1 has 1\)"),
    ([1, [2]], ShapeError, "x is ragged"),
    ([[[1], [2, 3]], [[1], [2, 3]]], ShapeError, "its rows have different lengths.$"),
    (
        GAP,
        DataError,
        "^x has NaN at row 1, column 1: fill the gaps or leave the rows out",
    ),
    (-np.inf * GAP, DataError, "an infinity at row 0, column 0; 4 such values in all"),
    (
        np.full((2, 2, 2), np.nan),
        DataError,
        r"NaN at row 0, column 0, 0; 8 such values",
    ),
    ([1.0, None], DataError, "x has NaN at row 1:"),
    (np.nan, DataError, "x has NaN at its only number"),
    (
        1e39 * np.eye(2),
        DataError,
        r"1e\+39 at row 0, column 0; 2 .* large for float32: s",
    ),
    ([[1, 2**53 + 1]], DataError, "x has 9007199254740993 at row 0, column 1: whole"),
    ([[-(2**70), 1]], DataError, r"x has -118\d+ at row 0, column 0: .* lose digits"),
    ([[10**400]], DataError, "whole numbers beyond 2\\^53 lose digits"),
    (
        [["a"]],
        DataError,
        r"holds texts \(first at row 0, column 0: 'a'\).* 0/1 columns",
    ),
    ("abc", DataError, r"x holds texts \('abc'\); expected numbers"),
    ([["1.5"]], DataError, r"x holds texts \(first at row 0, column 0: '1.5'\)"),
    (
        [[1.0, "a"]],
        DataError,
        r"mixes texts with float \(first at row 0, column 1: 'a'",
    ),
    ([[b"a"]], DataError, r"x holds bytes \(first at row 0, column 0: b'a'\)"),
    ([[1j]], DataError, r"x holds complex numbers \(first at row 0, column 0: 1j\)"),
    (
        np.array(["2020-01-01"], "M8[D]"),
        DataError,
        r"dates or times \(first at row 0: d",
    ),
    (np.array([3], "m8[s]"), DataError, r"x holds dates or times \(first at row 0"),
    ([[dt.date(2020, 1, 1)]], DataError, "objects that are no numbers: date"),
    ([[{}, 1]], DataError, "x holds objects that are no numbers: dict, int"),
    ((n for n in [1, 2]), DataError, r"x is an iterator, generator.* np\.array\(list"),
    ({1, 2}, DataError, "x holds objects that are no numbers: set"),
    (np.zeros(2, dtype="i4,f4"), DataError, "x holds records"),
]


@pytest.mark.parametrize(("values", "error", "message"), REFUSED)
def test_what_holds_no_numbers(values, error, message):
    with pytest.raises(error, match=message) as caught:
        as_floats(values, "x", "float32")
    assert isinstance(caught.value, PellucidError)
    assert isinstance(caught.value, ValueError)


FRAMES = [
    (table(a=[1.0, 2.0], b=[3.0, np.inf]), r"an infinity at row 1, column 1 \('b'\)"),
    (table(a=[1, 2], b=["u", "v"]), r"texts with int.*row 0, column 1 \('b'\): 'u'"),
    (
        table(a=[1, 2], b=pd.array([1, NA], dtype="Int64")),
        r"NaN at row 1, column 1 \('b'",
    ),
    (table(a=[1, 2], b=pd.Categorical(["u", "v"])), r"column 1 \('b'\): 'u'"),
    (
        table(a=["u", "v"], b=["w", "x"]),
        r"holds texts \(first at row 0, column 0 \('a'\)",
    ),
    (table(a=[1, 2], b=pd.date_range("2020", periods=2)), "no numbers: Timestamp, int"),
    (table(a=pd.date_range("2020", periods=2)), "x holds dates or times"),
    (
        table(a=[0.5, 1.5], b=[1, 2**53 + 1]),  # which pandas makes a float
        r"x has 9007199254740993 at row 1, column 1 \('b'\): .* lose digits",
    ),
    (
        pl.DataFrame({"a": [0.5, 1.5], "b": [1, -(2**60)]}),
        r"x has -1152921504606846976 at row 1, column 1 \('b'\)",
    ),
    (pd.DataFrame({3: [np.nan]}), r"NaN at row 0, column 0 \('3'\)"),
    (pl.DataFrame({"a": [1, 2], "b": [None, 3]}), r"NaN at row 0, column 1 \('b'\)"),
    (pl.DataFrame({"a": [1, 2], "b": ["u", "v"]}), r"row 0, column 1 \('b'\): 'u'"),
]


@pytest.mark.parametrize(("frame", "message"), FRAMES)
def test_columns_of_frames_are_named(frame, message):
    with pytest.raises(DataError, match=message):
        as_inputs(frame, Input(len(frame.columns)), "float32")


def test_a_lazy_frame_is_told_to_become_a_frame():
    lazy = pl.DataFrame({"a": [1, 2]}).lazy()
    with pytest.raises(DataError, match=r"x is a lazy frame: hand in x.collect\(\)"):
        as_array(lazy, "x")


@pytest.mark.parametrize("gap", [None, np.nan, NA, NAT, float("inf") - float("inf")])
def test_gaps_among_texts(gap):
    for values in (["a", gap, "b"], pd.Series(["a", gap, "b"], dtype=object)):
        with pytest.raises(
            DataError, match=r"y has gaps among its texts \(first at row 1"
        ):
            as_array(values, "y")


@pytest.mark.parametrize("values", [["a", 1], ["a", True], [1.5, "a"], ("a", 2, "b")])
def test_texts_and_numbers_do_not_mix(values):
    """NumPy would make texts of the numbers."""
    with pytest.raises(DataError, match=r"y mixes texts with (int|bool|float)"):
        as_array(values, "y")


def test_column_names():
    assert column_names(table(a=[1], b=[2])) == ["a", "b"]
    assert column_names(pl.DataFrame({"a": [1]})) == ["a"]
    assert column_names(pd.DataFrame([[1, 2]])) == ["0", "1"]
    assert column_names(np.ones((2, 2))) is None


# -- inputs ----------------------------------------------------------------------------


def test_inputs_are_inferred():
    assert infer_inputs(np.ones((5, 3))) == Input(3)
    assert infer_inputs(np.ones((5, 3, 2))) == Input((3, 2))
    assert infer_inputs({"a": np.ones((5, 3)), "b": [[1], [2]]}) == {
        "a": Input(3),
        "b": Input(1),
    }


@pytest.mark.parametrize(
    ("x", "error", "message"),
    [
        ([1, 2, 3], ShapeError, r"x has shape \(3,\).*x\.reshape\(-1, 1\)"),
        (5.0, ShapeError, r"x has shape \(\); expected one row a sample"),
        ([], DataError, "x is empty: there is nothing to learn from"),
        (np.ones((3, 0)), ShapeError, r"x has shape \(3, 0\): there are no features"),
        ({"a": [1, 2]}, ShapeError, r"a has shape \(2,\).*a\.reshape\(-1, 1\)"),
        ({2: [[1]]}, DataError, "The names of inputs are texts; got 2"),
    ],
)
def test_inputs_that_cannot_be_inferred(x, error, message):
    with pytest.raises(error, match=message):
        infer_inputs(x)


@pytest.mark.parametrize(
    ("x", "shape", "message"),
    [
        (np.ones((5, 2)), 3, r"x has shape \(5, 2\), but the network takes \(n, 3\)"),
        (np.ones((3, 5)), 3, r"takes \(n, 3\): .*perhaps .* transposed \(x\.T\)"),
        (np.ones(5), 1, r"x has shape \(5,\).*write x\.reshape\(-1, 1\)"),
        (
            np.ones((5, 2)),
            (2, 2),
            r"x has shape \(5, 2\), .* takes \(n, 2, 2\): hand in",
        ),
        (np.ones((5, 2, 2, 1)), (2, 2), r"\(5, 2, 2, 1\), .* takes \(n, 2, 2\)"),
        (4.0, 3, r"x has shape \(\), but the network takes \(n, 3\)"),
    ],
)
def test_inputs_of_another_shape(x, shape, message):
    with pytest.raises(ShapeError, match=message):
        as_inputs(x, Input(shape), "float32")


def test_inputs_are_contiguous():
    array = np.asfortranarray(np.arange(6.0).reshape(2, 3))
    found, n, single = as_inputs(array, Input(3), "float64")
    assert found.flags.c_contiguous
    assert (n, single) == (2, False)
    assert as_inputs([1, 2, 3], Input(3), "float64")[1:] == (1, True)


@pytest.mark.parametrize("kind", ["numbers", "int", 3, None])
def test_kinds_of_inputs_that_cannot_be(kind):
    with pytest.raises(ValueError, match="of kind 'number' or 'integer', got"):
        Input(3, kind)


# -- weights ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("weights", "error", "message"),
    [
        (
            [1, 2],
            ShapeError,
            r"sample_weight has shape \(2,\).*3 samples, shape \(3,\)",
        ),
        (2.0, ShapeError, r"sample_weight has shape \(\); expected one for each"),
        ([[1], [1], [1]], ShapeError, r"sample_weight has shape \(3, 1\); expected"),
        ([1, -1, 1], DataError, r"sample_weight has -1\.0 at row 1; expected >= 0"),
        ([0, 0, 0], DataError, "Every sample_weight is zero: nothing would be learned"),
        ([1, np.nan, 1], DataError, "sample_weight has NaN at row 1"),
        ([1, np.inf, 1], DataError, "sample_weight has an infinity at row 1"),
        (["a", "b", "c"], DataError, "sample_weight holds texts"),
        ("balanced", DataError, r"sample_weight holds texts \('balanced'\)"),
    ],
)
def test_weights_that_cannot_be(weights, error, message):
    with pytest.raises(error, match=message):
        as_weights(weights, 3, "float32")


def test_weights():
    for weights in ([0, 1, 2], pd.Series([0, 1, 2]), np.arange(6)[::2] // 2):
        found = as_weights(weights, 3, "float32")
        assert found.tolist() == [0, 1, 2]
        assert found.dtype == np.float32
        assert found.flags.c_contiguous
