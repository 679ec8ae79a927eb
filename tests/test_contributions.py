from itertools import permutations

import numpy as np
import pytest

import pellucid
from pellucid import Dense, Encoder, NeuralNetwork
from pellucid.contributions import contributions
from pellucid.errors import ConfigurationError, ShapeError


@pytest.fixture(scope="module")
def data():
    random = np.random.default_rng(0)
    n = 60
    columns = {
        "a": random.normal(size=n),
        "b": [None if k % 9 == 0 else float(k) for k in range(n)],
        "kind": random.choice(["x", "y", "z"], n),
        "city": [f"city {k % 12}" for k in range(n)],
        "y": random.normal(size=n),
    }
    return pellucid.data.table(columns, "y")


def network_of(data, hidden=(), outputs=1, loss="mean_squared_error"):
    encoder = Encoder.fit(data)
    layers = encoder.layers([*hidden, Dense(outputs)])
    network = NeuralNetwork(layers, loss=loss, input_shape=encoder.input_shape, seed=1)
    network.reader = encoder
    return network


def test_all_of_it_adds_up(data) -> None:
    network = network_of(data, [Dense(8, "tanh")])
    found = contributions(network, data.take([7]), data)
    assert found.columns == ("a", "b", "kind", "city")
    assert found.base + found.each.sum() == pytest.approx(found.value, abs=1e-5)
    expected = network.predict(data.take([7])).item()
    assert found.value == pytest.approx(expected, abs=1e-5)


def test_of_a_linear_network_it_is_the_difference_from_the_mean(data) -> None:
    network = network_of(data)
    row, others = data.take([3]), data.take([5])
    found = contributions(network, row, others)

    def answer(columns):
        """Return the answer for the other row with some cells of this one."""
        cells = {
            c.name: (row if c.name in columns else others)[c.name].cells()
            for c in data.columns
        }
        return network.predict(network.reader.table(cells)).item()

    for name, value in zip(found.columns, found.each, strict=True):
        assert value == pytest.approx(answer({name}) - answer(set()), abs=1e-5)
    assert np.all(found.error < 1e-5)


def test_it_estimates_the_mean_over_all_orders(data) -> None:
    network = network_of(data, [Dense(8, "tanh")])
    row, others = data.take([3]), data.take([5])
    names = [c.name for c in data.columns]

    def answer(known):
        cells = {n: (row if n in known else others)[n].cells() for n in names}
        return network.predict(network.reader.table(cells)).item()

    exact = dict.fromkeys(names, 0.0)
    orders = list(permutations(names))
    for order in orders:
        for place, name in enumerate(order):
            step = answer(order[: place + 1]) - answer(order[:place])
            exact[name] += step / len(orders)
    found = contributions(network, row, others)
    for name, value, error in zip(found.columns, found.each, found.error, strict=True):
        assert abs(value - exact[name]) < 5 * error + 1e-5


def test_classes_are_explained_by_their_probability(data) -> None:
    wine = pellucid.data.table(pellucid.data.wine(), "cultivar")
    network = network_of(wine, outputs=3, loss="cross_entropy")
    network.classes = list(wine.classes)
    p = network.predict_proba(wine.take([9]))[0]
    each = [contributions(network, wine.take([9]), wine, output=k) for k in range(3)]
    assert [found.value for found in each] == pytest.approx(p.tolist(), abs=1e-5)
    # Probabilities sum to 1, so what speaks for one class speaks against others.
    assert np.allclose(sum(found.each for found in each), 0, atol=1e-5)


def test_the_same_seed_gives_the_same_numbers(data) -> None:
    network = network_of(data, [Dense(8, "tanh")])
    some = [
        contributions(network, data.take([3]), data, seed=k).each for k in (1, 1, 2)
    ]
    assert np.array_equal(some[0], some[1])
    assert not np.array_equal(some[0], some[2])


def test_what_cannot_be_explained(data) -> None:
    network = network_of(data)
    with pytest.raises(ShapeError, match="Expected one row"):
        contributions(network, data, data)
    with pytest.raises(ShapeError, match="and 0"):
        contributions(network, data.take([0]), data.take([]))
    plain = NeuralNetwork([Dense(1)], loss="mean_squared_error", input_shape=4)
    with pytest.raises(ConfigurationError, match="not trained on a table"):
        contributions(plain, data.take([0]), data)
