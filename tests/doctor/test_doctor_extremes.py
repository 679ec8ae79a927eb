"""The doctor on data of any size and shape: it never fails, warns, or says NaN."""

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pellucid import BatchNorm, Dense, NeuralNetwork


@given(
    n=st.integers(2, 60),
    columns=st.integers(1, 5),
    scales=st.lists(st.sampled_from([0, 1e-300, 1e-30, 1.0, 1e4, 1e30]), min_size=5),
    offset=st.sampled_from([0.0, 1.0, -1e30]),
    loss=st.sampled_from(["cross_entropy", "mean_squared_error", "poisson"]),
    dtype=st.sampled_from(["float32", "float64"]),
    seed=st.integers(0, 100),
)
def test_any_numbers(n, columns, scales, offset, loss, dtype, seed):
    random = np.random.default_rng(seed)
    x = random.normal(size=(n, columns)) * scales[:columns] + offset
    y = random.integers(0, 2, n)
    layers = [Dense(4, "tanh"), Dense(2 if loss == "cross_entropy" else 1)]
    net = NeuralNetwork(layers, loss=loss, dtype=dtype)
    found = net.diagnose(x, y)
    text = json.dumps(found.to_dict(), allow_nan=False)
    assert "nan" not in text.lower().replace("nan)", "")
    assert str(found)


@pytest.mark.parametrize("largest", [1e308, 1e150])
def test_the_largest_numbers_of_float64(largest):
    random = np.random.default_rng(0)
    x = largest * random.uniform(-1, 1, size=(50, 3))
    y = random.integers(0, 2, 50)
    layers = [BatchNorm(), Dense(4, "tanh"), Dense(2)]
    for some in (layers, layers[1:]):
        net = NeuralNetwork(some, loss="cross_entropy", dtype="float64")
        found = net.diagnose(x, y)
        # Normalization brings 1e150 to size 1; the squares of 1e308 are infinite.
        assert found.ok == (some is layers and largest == 1e150)
        json.dumps(found.to_dict(), allow_nan=False)


def test_one_row_and_one_column():
    for x in ([[1.0]], [[1.0], [2.0]]):
        net = NeuralNetwork([Dense(1)], loss="mean_squared_error")
        assert net.diagnose(x, [1.0] * len(x)).codes == ()
