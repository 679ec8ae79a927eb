import math
from collections import Counter
from fractions import Fraction

import numpy as np
import pandas as pd
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pellucid import data
from pellucid.data import split, split_indices
from pellucid.errors import ConfigurationError, DataError, ShapeError

FRACTIONS = st.floats(0.01, 0.99)
SEEDS = st.integers(0, 1000)


@given(n=st.integers(2, 300), fraction=FRACTIONS, seed=SEEDS)
def test_the_parts_are_disjoint_and_complete(n, fraction, seed):
    train, held_out = split_indices(n, fraction, seed)
    assert sorted([*train, *held_out]) == list(range(n))
    fewest = min(len(train), len(held_out))
    assert fewest >= 1
    assert abs(len(held_out) - n * fraction) <= 0.5 or fewest == 1


@given(
    sizes=st.lists(st.integers(2, 40), min_size=1, max_size=6),
    fraction=FRACTIONS,
    seed=SEEDS,
)
def test_every_class_gives_its_share(sizes, fraction, seed):
    labels = [f"class {c}" for c, size in enumerate(sizes) for _ in range(size)]
    train, held_out = split_indices(labels, fraction, seed, stratify=True)
    assert sorted([*train, *held_out]) == list(range(len(labels)))
    counts = Counter(labels[row] for row in held_out)
    shares = {
        f"class {c}": Fraction(size * len(held_out), len(labels))
        for c, size in enumerate(sizes)
    }
    up = [share % 1 for name, share in shares.items() if counts[name] > share]
    down = [share % 1 for name, share in shares.items() if counts[name] < share]
    for name, share in shares.items():
        assert counts[name] in (math.floor(share), math.ceil(share))
    assert not up or not down or min(up) >= max(down)


def test_exact_numbers():
    y = np.repeat([0, 1, 2], [50, 30, 20])
    train, held_out = split_indices(y, 0.25)
    # Shares of 12.5, 7.5 and 5: the first of the equal remainders is rounded up.
    assert np.bincount(y[held_out]).tolist() == [13, 7, 5]
    assert np.bincount(y[train]).tolist() == [37, 23, 15]


@pytest.mark.parametrize(
    ("n", "fraction", "held"),
    [(2, 0.01, 1), (2, 0.99, 1), (10, 0.25, 3), (100, 0.29, 29)],
)
def test_the_number_of_rows_held_out(n, fraction, held):
    train, held_out = split_indices(n, fraction)
    assert len(held_out) == held
    assert len(train) == n - held


def test_seeds():
    first, again, other = (split_indices(200, 0.5, seed)[1] for seed in (1, 1, 2))
    np.testing.assert_array_equal(first, again)
    assert first.tolist() != other.tolist()
    assert set(first) != set(other)


def test_rows_come_in_random_order():
    train, held_out = split_indices(np.repeat([0, 1], 100), 0.5)
    for part in (train, held_out):
        assert 20 < (np.diff(part) > 0).sum() < 80


def test_every_row_is_held_out_as_often_as_any_other():
    y = [0] * 10 + [1] * 20
    times = np.zeros(30)
    for seed in range(600):
        times[split_indices(y, 0.3, seed)[1]] += 1
    # Binomial(600, 0.3) has mean 180 and standard deviation 11.2.
    assert np.abs(times - 180).max() < 5 * 11.2


@pytest.mark.parametrize(
    "y",
    [
        np.repeat([3, 7], [90, 10]),
        np.repeat([3, 7], [90, 10])[:, None],
        np.repeat([True, False], [90, 10]),
        np.repeat(["yes", "no"], [90, 10]),
        np.repeat(["yes", "no"], [90, 10]).astype(object),
        ["yes"] * 90 + ["no"] * 10,
        pd.Series(["yes"] * 90 + ["no"] * 10, index=range(100, 0, -1)),
        pd.Series(["yes"] * 90 + ["no"] * 10, dtype="category"),
        pl.Series(["yes"] * 90 + ["no"] * 10),
    ],
    ids=lambda y: type(y).__name__,
)
def test_classes_are_stratified_without_being_asked(y):
    for seed in range(5):
        _, held_out = split_indices(y, 0.2, seed)
        assert (held_out >= 90).sum() == 2


@pytest.mark.parametrize(
    "y", [np.repeat([0.0, 1.0], [90, 10]), np.repeat([0, 1], [90, 10])]
)
def test_numbers_are_not_stratified_nor_what_is_asked_not_to_be(y):
    counts = {
        int((split_indices(y, 0.2, seed, stratify=False)[1] >= 90).sum())
        for seed in range(20)
    }
    assert len(counts) > 1


def test_a_class_of_one_row_stops_stratification_only_when_asked_for():
    y = ["a"] * 10 + ["b"]
    assert len(split_indices(y, 0.3)[1]) == 3
    with pytest.raises(DataError, match="class 'b' has only one row"):
        split_indices(y, 0.3, stratify=True)


def test_split_of_arrays():
    x, y = np.arange(40.0).reshape(20, 2), np.repeat([0, 1], 10)
    x_train, x_test, y_train, y_test = split(x, y, test=0.3, seed=4)
    assert (x_train.shape, x_test.shape) == ((14, 2), (6, 2))
    train, held_out = split_indices(y, 0.3, 4)
    np.testing.assert_array_equal(x_train, x[train])
    np.testing.assert_array_equal(x_test, x[held_out])
    np.testing.assert_array_equal(y_train, y[train])
    np.testing.assert_array_equal(y_test, y[held_out])
    assert y_test.sum() == 3


def test_a_quarter_is_held_out_unless_said_otherwise():
    assert len(split(np.zeros((8, 1)), np.zeros(8))[1]) == 2


def test_split_of_a_data_set():
    iris = data.iris()
    for mine, parts in zip(split(iris), split(iris.x, iris.y), strict=True):
        np.testing.assert_array_equal(mine, parts)


def test_types_are_kept():
    numbers = list(range(12))
    train, held_out = split_indices(numbers, 0.25, stratify=False)

    frame = pd.DataFrame({"a": numbers, "b": "text"}, index=numbers[::-1])
    series = pd.Series(numbers, name="y", index=numbers[::-1])
    parts = split(frame, series, stratify=False)
    pd.testing.assert_frame_equal(parts[0], frame.iloc[train])
    pd.testing.assert_frame_equal(parts[1], frame.iloc[held_out])
    pd.testing.assert_series_equal(parts[2], series.iloc[train])
    pd.testing.assert_series_equal(parts[3], series.iloc[held_out])

    polars = pl.DataFrame({"a": numbers})
    parts = split(polars, polars["a"], stratify=False)
    assert isinstance(parts[0], pl.DataFrame)
    assert isinstance(parts[3], pl.Series)
    assert parts[0]["a"].to_list() == train.tolist()
    assert parts[3].to_list() == held_out.tolist()

    parts = split(numbers, tuple(numbers), stratify=False)
    assert parts[0] == train.tolist()
    assert parts[3] == tuple(held_out.tolist())

    integers = np.arange(12, dtype=np.float32)
    assert split(integers, integers)[0].dtype == np.float32

    mapping = {"numbers": integers, "text": numbers}
    parts = split(mapping, numbers, stratify=False)
    np.testing.assert_array_equal(parts[1]["numbers"], integers[held_out])
    assert parts[1]["text"] == held_out.tolist()


@pytest.mark.parametrize("test", [0, 1, 1.0, 0.0, -0.5, 30, float("nan"), "half", None])
def test_a_wrong_share(test):
    with pytest.raises(
        ConfigurationError,
        match=f"the share of rows to hold out is {test!r}, expected a number between 0 "
        "and 1, such as 0.25",
    ):
        split([1, 2, 3], [1, 2, 3], test=test)


@pytest.mark.parametrize(
    ("x", "y", "error", "message"),
    [
        (
            [1, 2, 3],
            [1, 2],
            ShapeError,
            "x has 3 rows and y has 2: every row needs one",
        ),
        ([1], [1], DataError, "a split in two needs at least 2 rows, but there are 1"),
        ([], [], DataError, "at least 2 rows, but there are 0"),
        (3, [1, 2], DataError, "x is 3, expected an array, a list or a frame"),
        ([1, 2], np.array(5), DataError, r"y is array\(5\), expected an array"),
        (
            {"a": [1, 2], "b": [1, 2, 3]},
            [1, 2],
            ShapeError,
            (
                r"the parts of x need the same number of rows, but they have "
                r"{'a': 2, 'b': 3}"
            ),
        ),
        ({}, [1, 2], ShapeError, "the parts of x need the same number of rows"),
    ],
)
def test_data_that_cannot_be_split(x, y, error, message):
    with pytest.raises(error, match=message):
        split(x, y)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (([1, 2],), "x and y, or one Dataset, but x is a list and y is missing"),
        (
            (data.truth_table(), [1, 2, 3, 4]),
            "x and y, or one Dataset, but x is a Dataset and y is given as well",
        ),
    ],
)
def test_split_takes_x_and_y_or_a_data_set(arguments, message):
    with pytest.raises(ConfigurationError, match=message):
        split(*arguments)


@pytest.mark.parametrize(
    ("y", "message"),
    [
        (np.array([1.0, 1.0, 2.0]), "y holds 1.0 in row 0, expected classes: integers"),
        (["a", "a", None], "y holds None in row 2, expected classes"),
        (np.eye(3), r"y has shape \(3, 3\), expected one class in every row"),
        (
            ["a", "a", "b"],
            "class 'b' has only one row, and each class needs one for each",
        ),
        (3, "only a number of rows was given, give the targets instead"),
    ],
)
def test_stratification_that_cannot_work_says_why(y, message):
    with pytest.raises(DataError, match=f"stratify=True cannot work: {message}"):
        split_indices(y, 0.5, stratify=True)
    train, held_out = split_indices(y, 0.5)
    assert sorted([*train, *held_out]) == [0, 1, 2]
