"""fit with a minimizer: the same training, whoever looks at it."""

import pickle

import numpy as np
import pytest

import pellucid
from pellucid import (
    LBFGS,
    BatchNorm,
    Call,
    ConfigurationError,
    Dense,
    Dropout,
    NeuralNetwork,
    NonFiniteError,
)
from pellucid.engines import readable
from pellucid.training import minimization
from snapshots import snapshot

RNG = np.random.default_rng(0)
X, Y = RNG.normal(size=(30, 3)), np.arange(30) % 3
XV, YV = RNG.normal(size=(9, 3)), np.arange(9) % 3


def network(*layers, dtype="float64", outputs=3, loss="cross_entropy", **rest):
    layers = [Dense(4, "tanh"), *layers, Dense(outputs)]
    return NeuralNetwork(layers, loss=loss, dtype=dtype, seed=3, **rest)


def test_the_loss_falls_in_every_iteration_and_all_is_noted():
    net = network()
    history = net.fit(X, Y, optimizer="lbfgs", epochs=12, metrics=["accuracy"])
    assert history.epochs == 12 == len(history.learning_rate) == len(history.iterations)
    assert history.loss == sorted(history.loss, reverse=True)
    assert history.engine == "readable: a minimizer runs in it"
    assert min(history.learning_rate) > 0
    assert net.evaluate(X, Y)["loss"] < history.loss[-1]


def test_the_first_loss_is_that_of_the_first_weights():
    first = network(input_shape=3)
    first.classes = range(3)
    history = network().fit(X, Y, optimizer="lbfgs", epochs=1)
    assert history.loss == pytest.approx([first.evaluate(X, Y)["loss"]], rel=1e-12)


def test_it_ends_at_a_minimum_and_says_so():
    net = network()
    history = net.fit(X, Y, optimizer=LBFGS(l2=0.05))
    assert history.epochs < 200
    assert history.stopped == "converged: no entry of the gradient is above 1e-05"
    assert len(history.penalty) == history.epochs
    _, gradients = net.backprop(X, Y)
    for name, window in net.parameters.items():
        slope = gradients[name] + (0.05 * window if name.endswith("W") else 0.0)
        assert np.abs(slope).max() <= 1e-5
    # Going on from there changes nothing, and neither does a further fit.
    before = net.weights.copy()
    assert net.fit(X, Y, optimizer=LBFGS(l2=0.05), resume=True).epochs == history.epochs
    assert net.fit(X, Y, optimizer=LBFGS(l2=0.05)).epochs == 0
    np.testing.assert_array_equal(net.weights, before)


def test_without_a_number_of_iterations_there_are_at_most_200():
    net = network(loss="mean_squared_error", outputs=1)
    history = net.fit(X, X[:, 0] * X[:, 1], optimizer=LBFGS(tolerance=0))
    assert history.epochs == minimization.MOST_ITERATIONS == 200


def test_weights_of_samples_count():
    weight = RNG.integers(0, 3, 30)
    plain, weighted = network(), network()
    rows = np.repeat(np.arange(30), weight)
    plan = {"optimizer": LBFGS(l2=0.01), "epochs": 15}
    plain.fit(X[rows], Y[rows], **plan)
    weighted.fit(X, Y, sample_weight=weight, **plan)
    np.testing.assert_allclose(weighted.weights, plain.weights, atol=1e-7)


def test_rows_in_pieces_give_the_same_as_all_at_once(monkeypatch):
    whole = network()
    whole.fit(X, Y, optimizer="lbfgs", epochs=8)
    monkeypatch.setattr(readable, "CHUNK", 7)
    pieces = network()
    pieces.fit(X, Y, optimizer="lbfgs", epochs=8)
    np.testing.assert_allclose(pieces.weights, whole.weights, atol=1e-8)


def test_statistics_are_those_of_all_rows(monkeypatch):
    whole, never_cut = network(BatchNorm()), network(BatchNorm())
    plan = {"optimizer": LBFGS(l2=0.01), "epochs": 60}
    whole.fit(X, Y, **plan)
    monkeypatch.setattr(readable, "CHUNK", 7)
    never_cut.fit(X, Y, **plan)
    assert never_cut.weights.tobytes() == whole.weights.tobytes()
    # The running statistics have followed those of the weights.
    inputs = whole.activations(X)["dense_1"]
    np.testing.assert_allclose(
        whole.state["batch_norm_1.mean"], inputs.mean(axis=0), atol=0.05
    )


def test_frozen_weights_stay():
    net = network(input_shape=3).freeze("dense_1")
    before = net.parameters["dense_1.W"].copy()
    history = net.fit(X, Y, optimizer=LBFGS(l2=0.01))
    assert net.parameters["dense_1.W"].tobytes() == before.tobytes()
    assert history.stopped.startswith("converged")


def test_validation_and_callbacks_are_as_for_optimizers():
    seen, net = [], network()
    history = net.fit(
        X,
        Y,
        optimizer="lbfgs",
        validation=(XV, YV),
        early_stopping=3,
        callbacks=lambda run: seen.append(run.step),
    )
    assert seen == list(range(1, history.epochs + 1))
    assert history.best_epoch == history.epochs - 3
    assert net.evaluate(XV, YV)["loss"] == pytest.approx(min(history.validation))


def test_a_callback_may_move_the_weights():
    def nudge(run):
        if run.step == 3:
            run.network.weights[...] += 0.1

    moved, plain = network(), network()
    moved.fit(X, Y, optimizer="lbfgs", epochs=8, callbacks=nudge)
    plain.fit(X, Y, optimizer="lbfgs", epochs=8)
    assert moved.history.loss[:3] == plain.history.loss[:3]
    assert moved.history.loss[3] != plain.history.loss[3]
    assert moved.history.loss[-1] < moved.history.loss[3]


WAYS = {
    "memory": lambda net, path: net,
    "file": lambda net, path: net.save(path, checkpoint=True) or pellucid.load(path),
    "pickle": lambda net, path: pickle.loads(pickle.dumps(net)),
}


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("settings", [{}, {"validation": (XV, YV)}])
def test_a_resumed_run_ends_like_an_undisturbed_one(way, dtype, settings, tmp_path):
    plan = {"optimizer": LBFGS(3, l2=0.01), "epochs": 9} | settings
    whole = network(BatchNorm(), dtype=dtype)
    whole.fit(X, Y, **plan)
    for step in (1, 4, 8):
        stop = Call(lambda run, step=step: run.step == step and run.stop("p"), every=1)
        net = network(BatchNorm(), dtype=dtype)
        net.fit(X, Y, callbacks=stop, **plan)
        net = WAYS[way](net, tmp_path / "net")
        net.fit(X, Y, resume=True, **plan)
        assert snapshot(net) == snapshot(whole), step


def test_a_file_that_is_no_checkpoint_has_the_history(tmp_path):
    net = network()
    net.fit(X, Y, optimizer="lbfgs", epochs=3)
    net.save(tmp_path / "net")
    again = pellucid.load(tmp_path / "net")
    assert again.training.optimizer == LBFGS()
    assert again.history.loss == net.history.loss


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"batch_size": 8}, r"from all rows: leave batch_size=8 out"),
        ({"engine": "compiled"}, r"LBFGS\(\) is a minimizer: leave engine='compiled'"),
    ],
)
def test_what_a_minimizer_cannot_take(settings, message):
    net = network()
    with pytest.raises(ConfigurationError, match=message):
        net.fit(X, Y, optimizer="lbfgs", **settings)
    assert net.training is None


def test_random_layers_are_refused_by_name():
    net = network(Dropout(0.2, name="lossy"))
    with pytest.raises(ConfigurationError, match="layer lossy draws random numbers"):
        net.fit(X, Y, optimizer="lbfgs")
    assert net.training is None
    quiet = network(Dropout(0.0))
    assert quiet.fit(X, Y, optimizer="lbfgs", epochs=2).epochs == 2


def test_partial_fit_and_programs_are_for_optimizers():
    with pytest.raises(ConfigurationError, match="object of class Optimizer"):
        network().partial_fit(X, Y, optimizer=LBFGS())
    with pytest.raises(ConfigurationError, match="no optimizer named 'lbfsg'"):
        network().fit(X, Y, optimizer="lbfsg")


def test_a_loss_that_overflows_is_explained():
    net = network(loss="mean_squared_error", outputs=1, dtype="float32")
    with pytest.raises(NonFiniteError, match=r"loss is not finite.*Try inputs and"):
        net.fit(X, np.full(30, 1e30), optimizer="lbfgs")
