import dataclasses

import numpy as np
import pytest

from pellucid import data
from pellucid.data import Dataset
from pellucid.errors import DataError, ShapeError

FLOWERS = {
    "x": np.array([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]]),
    "y": np.array([1, 0, 1]),
    "features": ("length", "width"),
    "classes": ("red", "blue", "green"),
    "name": "flowers",
    "description": "Three flowers.",
    "source": "a garden",
    "license": "CC0",
    "target": "colour",
}


def test_a_data_set_says_what_it_is():
    flowers = Dataset(**FLOWERS)
    assert len(flowers) == 3
    assert flowers.task == "classes"
    assert flowers.counts == {"red": 1, "blue": 2, "green": 0}
    assert flowers.image_shape is None
    assert repr(flowers) == (
        "Dataset 'flowers': 3 rows, 2 columns\n"
        "  Three flowers.\n"
        "  columns: length, width\n"
        "  target: colour, 3 classes: red (1), blue (2), green (0)\n"
        "  source: a garden\n"
        "  license: CC0"
    )


@pytest.mark.parametrize("shape", [(3,), (3, 1)])
def test_numbers_need_no_classes(shape):
    y = np.array([0.5, -2.0, 1.25]).reshape(shape)
    flowers = Dataset(**FLOWERS | {"y": y, "classes": ()})
    assert flowers.task == "numbers"
    assert flowers.counts == {}
    assert "target: colour, numbers from -2 to 1.25" in repr(flowers)


def test_one_row_is_not_called_rows():
    one = Dataset(**FLOWERS | {"x": np.zeros((1, 2)), "y": np.array([0])})
    assert "1 row, 2 columns" in repr(one)


def test_no_rows_can_be_shown():
    empty = Dataset(
        **FLOWERS | {"x": np.zeros((0, 2)), "y": np.zeros(0), "classes": ()}
    )
    assert "0 rows" in repr(empty)


def test_a_data_set_cannot_be_changed():
    with pytest.raises(dataclasses.FrozenInstanceError):
        Dataset(**FLOWERS).name = "weeds"


@pytest.mark.parametrize("name", data.names())
def test_the_text_of_every_data_set_fits_a_terminal(name):
    text = repr(data.load(name))
    assert max(map(len, text.splitlines())) <= 80
    assert len(text.splitlines()) <= 14
    assert "source: " in text
    assert "license: " in text


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        (
            {"features": ("length",)},
            ShapeError,
            (
                r"flowers: x has shape \(3, 2\), but 3 targets and 1 names of columns "
                r"need \(3, 1\)"
            ),
        ),
        (
            {"y": np.array([1, 0])},
            ShapeError,
            r"flowers: x has shape \(3, 2\), but 2 targets .* need \(2, 2\)",
        ),
        (
            {"y": np.array([1.0, 0.0, 1.0])},
            DataError,
            (
                r"flowers: y holds float64 in shape \(3,\), expected int64 indices of "
                r"the classes in shape \(3,\)"
            ),
        ),
        (
            {"y": np.array([1, 3, 0])},
            DataError,
            "flowers: y is 3 in row 1, expected an index of one of 3 classes, 0 to 2",
        ),
        (
            {"y": np.array([1, 0, -1])},
            DataError,
            "flowers: y is -1 in row 2, expected an index of one of 3 classes, 0 to 2",
        ),
    ],
)
def test_what_does_not_fit_is_refused(change, error, message):
    with pytest.raises(error, match=message):
        Dataset(**FLOWERS | change)
