from itertools import permutations

import numpy as np
import pytest

import pellucid
from column_examples import X, linear, mixed
from pellucid.errors import ConfigurationError, DataError


def test_of_a_linear_model_they_are_weight_times_distance_from_the_mean() -> None:
    net = linear([2, 0, -1])
    found = pellucid.contributions(net, X[:40], 5, draws=80)
    expected = np.array([2, 0, -1]) * (X[5] - X[:40].mean(axis=0))
    np.testing.assert_allclose(found.values, expected, rtol=1e-3, atol=1e-4)
    assert found.order[-1] == 1
    assert found.target == 0
    assert not found.probable


def test_they_sum_to_the_answer_less_the_usual_one() -> None:
    net, data = mixed()
    for target in (None, "no"):
        found = pellucid.contributions(net, data, 3, target=target, draws=20)
        assert found.usual + found.values.sum() == pytest.approx(found.answer, abs=1e-6)
    assert found.columns == ("age", "town", "shop", "smokes", "since")
    assert found.cells[1] == data["town"].cells()[3]
    p = net.predict_proba(data.take([3]))[0]
    assert found.answer == pytest.approx(p[0])
    assert "probability of no" in repr(found)


def test_with_many_draws_they_are_the_shapley_values() -> None:
    net = pellucid.NeuralNetwork(
        [pellucid.Dense(6, "tanh"), pellucid.Dense(1)],
        loss="mean_squared_error",
        seed=2,
    ).build(3)
    usual, row = X[:8], 2 * X[20]

    def value(columns: tuple[int, ...]) -> float:
        mixed = usual.copy()
        mixed[:, list(columns)] = row[list(columns)]
        return float(net.predict(mixed).mean())

    exact = np.zeros(3)
    for order in permutations(range(3)):
        for place, column in enumerate(order):
            exact[column] += value(order[: place + 1]) - value(order[:place])
    x = np.vstack([row, usual])
    found = pellucid.contributions(net, x, 0, background=usual, draws=4096)
    np.testing.assert_allclose(found.values, exact / 6, atol=5e-3)
    assert (np.abs(found.values - exact / 6) < 5 * found.errors + 1e-4).all()


def test_what_cannot_be_explained_is_said() -> None:
    net, data = mixed()
    with pytest.raises(DataError, match="no row 500"):
        pellucid.contributions(net, data, 500)
    with pytest.raises(ConfigurationError, match="none of the classes 'no', 'yes'"):
        pellucid.contributions(net, data, 0, target="maybe")
    with pytest.raises(ConfigurationError, match="even number of draws"):
        pellucid.contributions(net, data, 0, draws=3)
    two = pellucid.NeuralNetwork([pellucid.Dense(2)], loss="mean_squared_error")
    with pytest.raises(ConfigurationError, match="target=0 to 1"):
        pellucid.contributions(two.build(3), X, 0)


def test_what_speaks_for_one_class_speaks_against_the_other() -> None:
    net, data = mixed()
    yes, no = (
        pellucid.contributions(net, data, 3, target=target, draws=20).values
        for target in ("yes", "no")
    )
    np.testing.assert_allclose(yes, -no, atol=1e-6)


def test_the_same_seed_gives_the_same_numbers() -> None:
    net, data = mixed()
    one, same, other = (
        pellucid.contributions(net, data, 3, draws=20, seed=seed).values
        for seed in (1, 1, 2)
    )
    assert np.array_equal(one, same)
    assert not np.array_equal(one, other)
