"""Learning rates that follow the losses of epochs."""

import numpy as np
import pytest

from pellucid import (
    ConfigurationError,
    Cosine,
    Dense,
    GradientDescent,
    NeuralNetwork,
    ReduceOnPlateau,
    WarmUp,
)
from pellucid.schedules import (
    CosineRestarts,
    InverseScaling,
    OneCycle,
    Polynomial,
)

pytestmark = pytest.mark.usefixtures("engine")

RNG = np.random.default_rng(0)
X, Y = RNG.normal(size=(24, 3)), RNG.normal(size=(24, 1))
XV, YV = RNG.normal(size=(9, 3)), RNG.normal(size=(9, 1))


def network():
    return NeuralNetwork(
        [Dense(4, "tanh"), Dense(1)], loss="mean_squared_error", dtype="float64", seed=2
    )


def rates_after(losses, start, rule):
    """Return the rate of each epoch, given the losses of all."""
    rates, schedule = [], rule
    for loss in losses:
        rates.append(schedule.rate(0, 1) if rates else start)
        schedule = schedule.after(loss)
    return rates


@pytest.mark.filterwarnings("ignore::pellucid.GradientWarning")  # it shall go wrong
@pytest.mark.parametrize("validation", [None, (XV, YV)])
@pytest.mark.parametrize("batch_size", [6, 24])
def test_the_rate_of_each_epoch_follows_the_losses_before(validation, batch_size):
    rule = ReduceOnPlateau(1.2, 0.5, 2, smallest=1e-3)
    net = network()
    history = net.fit(
        X,
        Y,
        epochs=25,
        batch_size=batch_size,
        optimizer=GradientDescent(rule),
        validation=validation,
    )
    watched = history.validation if validation else history.loss
    assert history.learning_rate == rates_after(watched, 1.2, rule)
    assert len(set(history.learning_rate)) > 2


def test_the_rate_is_the_one_that_moves_the_weights():
    # Two epochs without a lower loss, since a fall by less than 10 does not count.
    rule = ReduceOnPlateau(0.1, 0.5, 1, smallest=10.0)
    net, steps = network(), []
    net.fit(
        X,
        Y,
        epochs=3,
        batch_size=24,
        optimizer=GradientDescent(rule),
        callbacks=lambda run: steps.append(run.network.weights.copy()),
    )
    plain = network()
    for rate, wanted in zip((0.1, 0.1, 0.05), steps, strict=True):
        plain.fit(X, Y, epochs=1, batch_size=24, optimizer=GradientDescent(rate))
        np.testing.assert_allclose(plain.weights, wanted, rtol=1e-12)
    assert net.history.learning_rate == [0.1, 0.1, 0.05]
    assert net.training.optimizer == GradientDescent(rule)


def test_partial_fit_follows_the_losses_of_its_calls():
    rule = GradientDescent(ReduceOnPlateau(0.1, 0.5, 1, smallest=10.0))
    net = network()
    for _ in range(4):
        net.partial_fit(X, Y, optimizer=rule)
    assert net.history.learning_rate == [0.1, 0.1, 0.05, 0.025]


def test_a_warm_up_may_come_first():
    rule = WarmUp(2, ReduceOnPlateau(0.4, 0.5, 1, smallest=10.0))
    assert rule.adapts
    history = network().fit(
        X, Y, epochs=5, batch_size=24, optimizer=GradientDescent(rule)
    )
    assert history.learning_rate == pytest.approx([0.2, 0.4, 0.2, 0.1, 0.05])


def test_other_schedules_do_not_look_at_losses():
    for schedule in (Cosine(0.1), WarmUp(3, Cosine(0.1)), Polynomial(0.1)):
        assert not schedule.adapts
        assert schedule.after(1.0) == schedule
    assert GradientDescent(0.1).after(1.0) == GradientDescent(0.1)


@pytest.mark.parametrize(
    ("kind", "settings", "message"),
    [
        (InverseScaling, (0.1, 0), "power > 0"),
        (InverseScaling, (0.1, 1, 0), "every > 0"),
        (Polynomial, (0.1, -1), "power > 0"),
        (Polynomial, (0.1, 1, 0.2), r"floor from 0 to 0\.1, got 0\.2"),
        (CosineRestarts, (0.1, 0), "length > 0"),
        (CosineRestarts, (0.1, 5, 0.5), "growth >= 1"),
        (CosineRestarts, (0.1, 5, 2, -1), "floor from 0"),
        (OneCycle, (0,), "peak > 0"),
        (OneCycle, (0.1, 1), r"rise in \(0, 1\)"),
        (OneCycle, (0.1, 0.3, 0), "first > 0"),
        (ReduceOnPlateau, (0.1, 1.0), r"factor in \(0, 1\)"),
        (ReduceOnPlateau, (0.1, 0.5, 0), "patience > 0"),
        (ReduceOnPlateau, (0.1, 0.5, 1, -1), "smallest >= 0"),
        (ReduceOnPlateau, (0.1, 0.5, 1, 0, 1), "floor from 0"),
    ],
)
def test_settings_that_cannot_be(kind, settings, message):
    with pytest.raises(ConfigurationError, match=message):
        kind(*settings)
