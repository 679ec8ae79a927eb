"""A search for a learning rate: what it sees, says, and leaves alone."""

import numpy as np
import pytest

import pellucid
from pellucid import (
    Adam,
    ConfigurationError,
    Dense,
    Dropout,
    GradientDescent,
    NeuralNetwork,
)
from pellucid.training.rate_search import judged
from snapshots import snapshot

DATA = pellucid.data.moons()


def network(**rest):
    return NeuralNetwork([Dense(16, "tanh"), Dense(2)], loss="cross_entropy", **rest)


def test_rates_grow_by_the_same_factor_from_end_to_end():
    found = network().find_learning_rate(
        DATA.x, DATA.y, lowest=1e-5, highest=1e-3, iterations=21
    )
    assert found.rates == pytest.approx(np.logspace(-5, -3, 21).tolist(), rel=1e-9)
    assert len(found.losses) == len(found.smooth) == 21


@pytest.mark.parametrize("optimizer", ["adam", GradientDescent(), Adam(1.0, l2=0.1)])
def test_training_with_the_suggestion_works(optimizer):
    found = network().find_learning_rate(DATA.x, DATA.y, optimizer=optimizer)
    kind = type(pellucid.Optimizer.of(optimizer))
    losses = {}
    for factor in (0.01, 1.0):
        net = network()
        net.fit(DATA.x, DATA.y, epochs=5, optimizer=kind(factor * found.suggestion))
        losses[factor] = net.evaluate(DATA.x, DATA.y)["loss"]
    assert losses[1.0] < 0.4 < losses[0.01]


def test_the_network_stays_as_it_is():
    net = network(seed=3)
    net.find_learning_rate(DATA.x, DATA.y, iterations=20)
    assert net._blueprint is None
    assert net.classes is None
    net.fit(DATA.x, DATA.y, epochs=1)
    before = snapshot(net)
    first = net.find_learning_rate(DATA.x, DATA.y, iterations=30)
    assert snapshot(net) == before
    # The same seed, the same search.
    assert net.find_learning_rate(DATA.x, DATA.y, iterations=30) == first


def test_the_search_starts_from_the_present_weights():
    net = network()
    net.fit(DATA.x, DATA.y, epochs=20)
    found = net.find_learning_rate(DATA.x, DATA.y, batch_size=400, iterations=20)
    assert found.losses[0] == pytest.approx(net.evaluate(DATA.x, DATA.y)["loss"], 1e-5)


def test_it_ends_where_the_loss_grows():
    found = network().find_learning_rate(DATA.x, DATA.y, highest=1e6)
    assert len(found.rates) < 200
    assert found.losses[-1] > 2 * found.losses[0]
    assert 1e-3 < found.suggestion < 1
    lowest = found.rates[int(np.argmin(found.smooth))]
    assert found.suggestion == pytest.approx(lowest / 10)
    assert f"lowest at {lowest:.2g}" in found.why
    assert "grows beyond" in found.why
    assert repr(found).startswith(
        f"<RateSearch: suggestion {found.suggestion:.2g}; the"
    )


def test_it_ends_where_numbers_overflow():
    net = NeuralNetwork([Dense(8), Dense(1)], loss="mean_squared_error")
    x, y = DATA.x, DATA.x[:, 0] - DATA.x[:, 1]
    found = net.find_learning_rate(x, y, optimizer=GradientDescent(), highest=1e30)
    assert found.suggestion is not None
    assert np.isfinite(found.losses).all()
    broken = net.find_learning_rate(x * 1e25, y, optimizer=GradientDescent())
    assert broken.suggestion is None
    assert broken.rates == broken.losses == []


def test_rates_too_small_are_told_apart_from_good_ones():
    found = network().find_learning_rate(DATA.x, DATA.y, lowest=1e-9, highest=1e-8)
    assert found.suggestion is None
    assert found.why == "the loss did not fall at any learning rate from 1e-09 to 1e-08"


def test_a_loss_that_still_falls_at_the_end_asks_for_more():
    rates = np.logspace(-4, -1, 60).tolist()
    falling = np.linspace(3.0, 1.0, 60).tolist()
    found = judged(rates, falling, 3)
    assert "still falls at the last rate: try a higher one" in found.why
    assert found.suggestion == pytest.approx(0.01)


def test_the_smooth_loss_is_the_mean_of_neighbours():
    losses = np.random.default_rng(0).normal(size=12).tolist()
    smooth = judged(list(range(1, 13)), losses, 2).smooth
    for i in range(12):
        near = losses[max(0, i - 2) : i + 3]
        assert smooth[i] == pytest.approx(sum(near) / len(near))


def test_other_arguments_reach_the_training():
    weight = np.where(DATA.y == 1, 1.0, 0.0)
    net = NeuralNetwork([Dense(8, "tanh"), Dropout(), Dense(2)], loss="cross_entropy")
    found = net.find_learning_rate(DATA.x, DATA.y, sample_weight=weight, iterations=60)
    assert found.smooth[-1] < 0.1  # one class alone counts, and is learned by heart


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"lowest": 0}, "0 < lowest < highest"),
        ({"lowest": 1.0, "highest": 0.1}, "0 < lowest < highest"),
        ({"highest": float("inf")}, "0 < lowest < highest"),
        ({"iterations": 19}, "iterations >= 20, got 19"),
        ({"iterations": 30.5}, "iterations >= 20"),
        ({"optimizer": "lbfgs"}, "no optimizer named 'lbfgs'"),
    ],
)
def test_searches_that_cannot_be(settings, message):
    with pytest.raises(ConfigurationError, match=message):
        network().find_learning_rate(DATA.x, DATA.y, **settings)
