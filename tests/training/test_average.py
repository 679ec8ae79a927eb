"""Averaged weights: who sees them, and that training goes on from its own."""

import numpy as np
import pytest

import pellucid
from pellucid import (
    Adam,
    BatchNorm,
    Call,
    Checkpoint,
    ConfigurationError,
    Dense,
    Momentum,
    NeuralNetwork,
    NonFiniteError,
)
from snapshots import bits

pytestmark = pytest.mark.usefixtures("engine")

RNG = np.random.default_rng(0)
X, Y = RNG.normal(size=(20, 3)), RNG.normal(size=(20, 2))
XV, YV = RNG.normal(size=(9, 3)), RNG.normal(size=(9, 2))
PLAN = {"batch_size": 5, "epochs": 3}  # 4 iterations an epoch


def network(*layers, dtype="float64"):
    layers = [Dense(4, "tanh"), *layers, Dense(2)]
    return NeuralNetwork(layers, loss="mean_squared_error", dtype=dtype, seed=1)


def path_of(optimizer, **plan):
    """Return the weights after every iteration, and the network at the end."""
    path, net = [], network()
    watch = Call(lambda run: path.append(run.network.weights.copy()), every=1)
    net.fit(X, Y, optimizer=optimizer, callbacks=watch, **PLAN | plan)
    return path, net


@pytest.mark.parametrize("stays", [0.5, 0.9, 1])
def test_callbacks_see_the_average_and_training_has_its_own(stays):
    own, _ = path_of(Momentum(0.1))
    seen, net = path_of(Momentum(0.1, average=stays))
    for t in range(1, 13):
        shares = stays ** np.arange(t - 1, -1, -1.0)
        wanted = (shares[:, None] * own[:t]).sum(axis=0) / shares.sum()
        np.testing.assert_allclose(seen[t - 1], wanted, rtol=1e-9, atol=1e-12)
    assert net.weights.tobytes() == seen[-1].tobytes()
    # The weights of training are kept beside them, for going on.
    np.testing.assert_allclose(net.training.memory["average"], own[-1], rtol=1e-9)


def test_losses_of_batches_are_those_of_training():
    _, plain = path_of(Momentum(0.1))
    _, averaged = path_of(Momentum(0.1, average=0.9))
    assert averaged.history.iterations == pytest.approx(
        plain.history.iterations, rel=1e-9
    )


def test_validation_and_metrics_are_those_of_the_average():
    losses, net = [], network()
    history = net.fit(
        X,
        Y,
        optimizer=Momentum(0.1, average=0.9),
        validation=(XV, YV),
        metrics=["rmse"],
        callbacks=lambda run: losses.append(run.network.evaluate(XV, YV)["loss"]),
        **PLAN,
    )
    assert history.validation == pytest.approx(losses, rel=1e-12)
    assert history.metrics["rmse"] == pytest.approx(np.sqrt(losses), rel=1e-9)
    assert net.evaluate(XV, YV)["loss"] == pytest.approx(min(losses), rel=1e-12)


def test_a_saved_network_has_the_average(tmp_path):
    path, net = tmp_path / "net", network()
    seen = []
    net.fit(
        X,
        Y,
        optimizer=Adam(0.1, average=0.9),
        callbacks=[
            Checkpoint(path),
            lambda run: seen.append(run.network.weights.copy()),
        ],
        **PLAN,
    )
    loaded = pellucid.load(path)
    assert loaded.weights.tobytes() == seen[-1].tobytes() == net.weights.tobytes()
    assert bits(loaded.training.memory) == bits(net.training.memory)
    net.save(path)  # without what continues the training
    plain = pellucid.load(path)
    assert plain.weights.tobytes() == net.weights.tobytes()
    # A new fit starts from the average, as from any weights.
    first = plain.fit(X, Y, iterations=1, batch_size=20).loss[0]
    assert first == pytest.approx(net.evaluate(X, Y)["loss"])


def test_partial_fit_goes_on_from_the_weights_of_training():
    nets = [network(), network()]
    for net, optimizer in zip(
        nets, (Momentum(0.1), Momentum(0.1, average=1)), strict=True
    ):
        for _ in range(3):
            net.partial_fit(X, Y, batch_size=5, optimizer=optimizer)
    np.testing.assert_allclose(
        nets[1].training.memory["average"], nets[0].weights, rtol=1e-9
    )
    path, _ = path_of(Momentum(0.1, average=1), shuffle=False)
    assert nets[1].training.step == len(path) == 12


def test_frozen_weights_keep_their_bits():
    net = network(dtype="float32")
    net.build(3)
    before = net.parameters["dense_1.W"].copy()
    net.freeze("dense_1.W")
    net.fit(X, Y, optimizer=Adam(0.1, average=0.7), **PLAN)
    assert net.parameters["dense_1.W"].tobytes() == before.tobytes()
    assert net.training.memory["average"][:12].tobytes() == before.tobytes()


def test_statistics_are_those_of_training():
    plain, averaged = network(BatchNorm()), network(BatchNorm())
    plain.fit(X, Y, optimizer=Momentum(0.1), **PLAN)
    averaged.fit(X, Y, optimizer=Momentum(0.1, average=0.9), **PLAN)
    np.testing.assert_allclose(averaged.state.vector, plain.state.vector, rtol=1e-9)


def test_an_error_leaves_the_average():
    net = network(dtype="float32")
    with pytest.raises(NonFiniteError, match="the last finite weights"):
        net.fit(X, Y, optimizer=Momentum(1e4, average=0.5), iterations=200)
    assert np.isfinite(net.weights).all()
    assert np.isfinite(net.training.memory["average"]).all()
    assert np.abs(net.training.memory["average"]).max() > np.abs(net.weights).max()


def test_averaging_steadies_noisy_training():
    x = RNG.normal(size=(300, 5))
    y = x @ np.arange(5.0) + RNG.normal(size=300)
    errors = {}
    for average in (None, 0.99):
        net = NeuralNetwork([Dense(1)], loss="mean_squared_error")
        net.fit(
            x, y, batch_size=2, epochs=20, optimizer=Momentum(0.02, average=average)
        )
        errors[average] = np.abs(
            net.parameters["dense_1.W"].ravel() - np.arange(5)
        ).max()
    assert errors[0.99] < 0.5 * errors[None]


@pytest.mark.parametrize("average", [0, -0.5, 1.5, "most"])
def test_averages_that_cannot_be(average):
    with pytest.raises(ConfigurationError, match="average"):
        Adam(average=average)


def test_the_memory_of_an_average_is_there_only_where_it_is_wanted():
    assert Adam().memories == ("m", "v")
    assert Adam(average=0.9).memories == ("m", "v", "average")
    assert Adam(average=0.9) != Adam()
    assert repr(Adam(0.1, average=0.9)) == "Adam(0.1, average=0.9)"
