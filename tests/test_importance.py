import numpy as np
import pytest

import pellucid
from column_examples import N, X, linear, mixed
from pellucid.column_numbers import column_numbers
from pellucid.errors import ConfigurationError, DataError, ShapeError


def test_a_column_without_weight_has_no_importance() -> None:
    found = pellucid.permutation_importance(linear([2, 0, 1]), X, X @ [2, 0, 1])
    assert found.columns == ("x0", "x1", "x2")
    assert found.metric == "rmse"
    assert found.value == pytest.approx(0, abs=1e-5)
    assert found.order.tolist() == [0, 2, 1]
    np.testing.assert_allclose(found.worse[1], 0, atol=1e-6)
    assert found.change == "rise of RMSE"


def test_importance_of_a_linear_model_is_what_the_formula_says() -> None:
    # E (w x - w x')^2 = 2 w^2 variance, for x' another row's x.
    found = pellucid.permutation_importance(
        linear([2, 0, 1]), X, X @ [2, 0, 1], repeats=40
    )
    expected = np.array([2, 0, 1]) * np.sqrt(2) * X.std(axis=0)
    np.testing.assert_allclose(found.mean, expected, rtol=0.05, atol=1e-6)
    assert found.worse.shape == (3, 40)
    assert (found.spread[[0, 2]] > 0).all()


def test_more_of_a_metric_may_be_better() -> None:
    y = X @ [2, 0, 1]
    worse = pellucid.permutation_importance(linear([2, 0, 1]), X, y, metric="r2")
    assert worse.mean[0] > worse.mean[2] > 0.1
    assert worse.change == "fall of R2"
    assert "fall of R2" in repr(worse)


def test_the_same_seed_shuffles_alike() -> None:
    y = X @ [2, 0, 1]
    net = linear([2, 0, 1])
    one, same, other = (
        pellucid.permutation_importance(net, X, y, seed=seed).worse
        for seed in (1, 1, 2)
    )
    np.testing.assert_array_equal(one, same)
    assert not np.array_equal(one, other)


def test_columns_that_go_together_are_named() -> None:
    twins = np.column_stack([X[:, 0], -X[:, 0] + 0.1 * X[:, 1], X[:, 2]])
    found = pellucid.permutation_importance(linear([1, 1, 1]), twins, X[:, 0])
    ((first, second, r),) = found.together
    assert (first, second) == ("x0", "x1")
    assert r == pytest.approx(abs(np.corrcoef(twins[:, 0], twins[:, 1])[0, 1]), 1e-4)
    assert "x0 and x1 go together" in repr(found)


def test_all_numbers_of_a_column_are_shuffled_together() -> None:
    net, data = mixed()
    rows = column_numbers(net, data)
    assert rows.columns == ("age", "town", "shop", "smokes", "since")
    order = np.random.default_rng(0).permutation(N)
    for column in rows.columns:
        shuffled = rows.take(np.arange(N))
        shuffled.put(column, np.arange(N), rows, order)
        # The same as to shuffle the cells and to encode again.
        columns = tuple(
            each.take(order) if each.name == column else each for each in data.columns
        )
        again = column_numbers(net, type(data)(columns, None, "", (), "again"))
        for name, values in again.arrays.items():
            np.testing.assert_array_equal(shuffled.arrays[name], values)


def test_a_table_brings_its_targets_and_frames_need_them() -> None:
    pandas = pytest.importorskip("pandas")
    net, data = mixed()
    found = pellucid.permutation_importance(net, data, repeats=2)
    assert found.metric == "log_loss"
    assert found.value == pytest.approx(
        net.evaluate(data, data.labels, metrics=["log_loss"])["log_loss"]
    )
    cells = {column.name: column.cells() for column in data.columns}
    frame = pandas.DataFrame(cells)
    same = pellucid.permutation_importance(net, frame, data.labels, repeats=2)
    np.testing.assert_allclose(same.worse, found.worse, rtol=1e-5, atol=1e-7)
    with pytest.raises(DataError, match="targets y are missing"):
        pellucid.permutation_importance(net, frame)


def test_rows_count_by_their_weight() -> None:
    y, net = X @ [2, 0, 1], linear([2, 0, 1])
    weight = (np.arange(N) < N / 2).astype(float)
    y_half = np.where(weight > 0, y, 1e3)
    found = pellucid.permutation_importance(net, X, y_half, sample_weight=weight)
    assert found.value == pytest.approx(0, abs=1e-4)


def test_what_cannot_be_measured_is_said() -> None:
    net, y = linear([1, 1, 1]), X[:, 0]
    with pytest.raises(ConfigurationError, match="repeats of 1 or more"):
        pellucid.permutation_importance(net, X, y, repeats=0)
    with pytest.raises(ConfigurationError, match="a metric among log_loss"):
        pellucid.permutation_importance(net, X, y, metric="charm")
    with pytest.raises(DataError, match="cannot be shuffled"):
        pellucid.permutation_importance(net, X[:1], y[:1])
    with pytest.raises(ConfigurationError, match="Expected a NeuralNetwork"):
        pellucid.permutation_importance("net", X, y)
    with pytest.raises(ConfigurationError, match=r"tabular\.train"):
        pellucid.permutation_importance(net, mixed()[1])
    images = pellucid.NeuralNetwork(
        [pellucid.Flatten(), pellucid.Dense(1)], loss="mean_squared_error"
    ).build((2, 2, 1))
    with pytest.raises(ShapeError, match="occlusion"):
        pellucid.permutation_importance(images, np.zeros((3, 2, 2, 1)), y[:3])
