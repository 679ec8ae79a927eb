import math
import os
import subprocess
import sys

import numpy as np
import pytest

from pellucid import (
    Adam,
    BatchNorm,
    Chain,
    Concat,
    ConfigurationError,
    Cosine,
    DataError,
    Dense,
    Dropout,
    EarlyStopping,
    GradientDescent,
    Momentum,
    NeuralNetwork,
    NonFiniteError,
    WarmUp,
)
from pellucid.data import split_indices
from pellucid.optimizers import Optimizer
from pellucid.training.plan import default_epochs
from snapshots import bits, snapshot

pytestmark = pytest.mark.usefixtures("engine")

RNG = np.random.default_rng(0)
X = RNG.normal(size=(23, 3))
Y = np.arange(23) % 3
XV, YV = RNG.normal(size=(10, 3)), np.arange(10) % 3


def classifier(**settings):
    return NeuralNetwork([Dense(6, "tanh"), Dense(3)], loss="cross_entropy", **settings)


def everything(**settings):
    branches = Concat([Dense(3, "tanh"), Chain([Dense(2), "prelu"])])
    layers = [branches, BatchNorm(), Dropout(0.3), Dense(3, "softmax")]
    return NeuralNetwork(layers, loss="cross_entropy", **settings)


def regression(*layers, dtype="float32", loss="mean_squared_error"):
    layers = layers or (Dense(4, "tanh"), Dense(1))
    return NeuralNetwork(layers, loss=loss, input_shape=3, dtype=dtype)


# -- same seed, same bits --------------------------------------------------------------


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_the_same_seed_gives_the_same_bits(dtype):
    nets = [everything(dtype=dtype, seed=seed) for seed in (5, 5, 6)]
    for net in nets:
        net.fit(X, Y, epochs=3, batch_size=4, validation=0.2)
    assert snapshot(nets[0]) == snapshot(nets[1])
    assert bits(nets[0].weights) != bits(nets[2].weights)


PROGRAM = """
import hashlib, numpy
from pellucid import BatchNorm, Chain, Concat, Dense, Dropout, NeuralNetwork
branches = Concat([Dense(3, "tanh"), Chain([Dense(2), "prelu"])])
layers = [branches, BatchNorm(), Dropout(0.3), Dense(3, "softmax")]
net = NeuralNetwork(layers, loss="cross_entropy", seed=5)
x = (numpy.arange(69).reshape(23, 3) * 0.37) % 1.7
net.fit(x, ["abc"[i % 3] for i in range(23)], epochs=3, validation=0.2, batch_size=4)
print(hashlib.sha256(net.weights.tobytes()).hexdigest(), net.history.iterations)
"""


def test_the_same_bits_in_another_process():
    outputs = set()
    for hash_seed in ("0", "1"):
        done = subprocess.run(
            [sys.executable, "-c", PROGRAM],
            env=os.environ | {"PYTHONHASHSEED": hash_seed},
            capture_output=True,
            text=True,
            check=True,
        )
        outputs.add(done.stdout)
    assert len(outputs) == 1
    assert "[" in outputs.pop()


def test_slices_of_time_and_callbacks_do_not_change_the_bits():
    nets = [everything() for _ in range(2)]
    nets[0].fit(X, Y, epochs=3, batch_size=4)
    seen = []
    nets[1].fit(X, Y, epochs=3, batch_size=4, callbacks=[seen.append])
    nets[1].training.history.seconds = nets[0].training.history.seconds
    assert snapshot(nets[0]) == snapshot(nets[1])
    assert len(seen) == 3


# -- how long --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("per_epoch", "epochs"),
    [(1, 100), (30, 100), (31, 97), (100, 30), (150, 20), (151, 20), (10_000, 20)],
)
def test_the_rule_for_epochs(per_epoch, epochs):
    assert default_epochs(per_epoch) == epochs


def test_how_long_training_is():
    net = classifier()
    assert net.fit(X, Y).epochs == 100
    history = net.fit(X, Y, epochs=4, batch_size=5)
    assert (history.epochs, len(history.iterations)) == (4, 20)
    history = net.fit(X, Y, iterations=7, batch_size=5)
    assert (history.epochs, len(history.iterations)) == (2, 7)
    history = net.fit(X, Y, iterations=5, batch_size=5)
    assert (history.epochs, len(history.iterations)) == (1, 5)
    history = net.fit(X, Y, iterations=3, batch_size=1000)
    assert (history.epochs, net.training.batch_size) == (3, 23)
    assert len(net.fit(X, Y, epochs=np.int64(2)).iterations) == 2
    assert net.fit(np.repeat(X, 2, axis=0), np.repeat(Y, 2), epochs=1).iterations[1:]


def test_batches_of_32_by_default():
    net = classifier()
    x, y = np.repeat(X, 5, axis=0), np.repeat(Y, 5)
    assert len(net.fit(x, y, epochs=1).iterations) == 4
    assert net.training.batch_size == 32


def test_without_shuffling_every_epoch_has_the_same_batches():
    net, still = regression(dtype="float64"), GradientDescent(1e-30)
    plan = {"epochs": 3, "batch_size": 4, "optimizer": still}
    history = net.fit(X, X[:, 0], shuffle=False, **plan)
    assert history.iterations[:6] == history.iterations[6:12] == history.iterations[12:]
    history = net.fit(X, X[:, 0], **plan)
    assert history.iterations[:6] != history.iterations[6:12]
    assert history.loss == pytest.approx([history.loss[0]] * 3, rel=1e-12)


# -- validation ------------------------------------------------------------------------


def test_validation_by_fraction_is_stratified():
    x = RNG.normal(size=(100, 3))
    y = np.repeat([0, 1, 2], [70, 20, 10])
    net = classifier()
    seen = []
    net.fit(
        x, y, epochs=1, validation=0.2, metrics=[lambda a, b: seen.append(a) or 0.0]
    )
    assert np.bincount(seen[0]).tolist() == [14, 4, 2]
    assert net.training.rows == 80
    train, held = split_indices(y, 0.2, seed=0)
    assert seen[0].tolist() == y[held].tolist()
    alone = classifier()
    alone.fit(x[train], y[train], epochs=1)
    assert alone.history.iterations == net.history.iterations
    loss = alone.evaluate(x[held], y[held])["loss"]
    assert net.history.validation == [loss]


def test_validation_by_fraction_of_numbers_texts_and_labels():
    net = regression()
    net.fit(X, X[:, 0], epochs=1, validation=0.25)
    assert net.training.rows == 17
    net = classifier()
    net.fit(X, np.take(["a", "b", "c"], Y), epochs=1, validation=0.25)
    assert net.training.rows == 17
    net = NeuralNetwork([Dense(3)], loss="binary_cross_entropy")
    net.fit(X, np.eye(3)[Y], epochs=1, validation=0.25)
    assert net.training.rows == 17


def test_validation_data_and_their_weights():
    weight = np.linspace(0, 3, 10)
    net = classifier(dtype="float64")
    history = net.fit(X, Y, epochs=1, validation=(XV, YV, weight))
    evaluated = net.evaluate(XV, YV, sample_weight=weight)["loss"]
    assert history.validation == [evaluated]
    plain = classifier(dtype="float64")
    unweighted = plain.fit(X, Y, epochs=1, validation=[XV, YV])
    assert unweighted.validation == [plain.evaluate(XV, YV)["loss"]]
    assert unweighted.iterations == history.iterations
    assert unweighted.validation != history.validation
    balanced = classifier(dtype="float64")
    history = balanced.fit(X, Y, epochs=1, validation=(XV, YV), class_weight={0: 7})
    wanted = balanced.evaluate(XV, YV, sample_weight=np.where(YV == 0, 7, 1))["loss"]
    assert history.validation == [wanted]


def test_validation_does_not_change_training():
    nets = [classifier() for _ in range(2)]
    nets[0].fit(X, Y, epochs=3, batch_size=4)
    nets[1].fit(X, Y, epochs=3, batch_size=4, validation=(XV, YV))
    assert nets[0].history.iterations == nets[1].history.iterations


@pytest.mark.parametrize("optimizer", [Momentum(0.3), Adam(0.3), GradientDescent(0.5)])
def test_the_best_weights_and_their_memory_are_kept(optimizer):
    net = everything()
    plan = {"batch_size": 4, "optimizer": optimizer}
    history = net.fit(X, Y, epochs=15, validation=(XV, YV), **plan)
    best = int(np.argmin(history.validation))
    assert 0 < best + 1 < 15
    assert history.best_epoch == best + 1
    assert history.epochs == 15
    loss = net.evaluate(XV, YV)["loss"]
    assert loss == min(history.validation)
    shorter = everything()
    shorter.fit(X, Y, epochs=best + 1, **plan)
    assert bits(net.weights) == bits(shorter.weights)
    assert bits(net.training.memory) == bits(shorter.training.memory)


def test_without_validation_the_last_weights_are_kept():
    net = everything()
    history = net.fit(X, Y, epochs=5, optimizer=Momentum(2.0))
    assert history.best_epoch is None
    assert net.training.best is None
    assert net.training.last is None


def test_a_validation_loss_that_is_no_number_is_never_the_best(monkeypatch):
    losses = iter([math.nan, math.inf, 3.0, 2.0, math.nan, 2.5])
    monkeypatch.setattr(NeuralNetwork, "mean_loss", lambda *_: next(losses))
    net = classifier()
    history = net.fit(X, Y, epochs=6, validation=(XV, YV))
    assert history.best_epoch == 4
    assert net.training.best_loss == 2.0
    assert math.isnan(history.validation[0])


# -- early stopping --------------------------------------------------------------------


def stop_on(monkeypatch, losses, early_stopping):
    values = iter(losses)
    monkeypatch.setattr(NeuralNetwork, "mean_loss", lambda *_: next(values))
    net = classifier()
    plan = {"epochs": len(losses), "early_stopping": early_stopping}
    return net.fit(X, Y, validation=(XV, YV), **plan)


def test_early_stopping(monkeypatch):
    history = stop_on(monkeypatch, [5, 4, 4, 4.5, 3, 3.1, 3.2, 3.3, 1, 1], 3)
    assert history.validation == [5, 4, 4, 4.5, 3, 3.1, 3.2, 3.3]
    assert history.best_epoch == 5
    assert history.stopped == "early: the validation loss did not fall for 3 epochs"
    assert "early" in repr(history)
    assert not history.interrupted


def test_early_stopping_never_comes_where_the_loss_falls(monkeypatch):
    history = stop_on(monkeypatch, np.linspace(5, 1, 12), 1)
    assert history.epochs == 12
    assert history.stopped == ""


def test_a_small_fall_does_not_count(monkeypatch):
    losses = [5.0, 4.95, 4.9, 4.85, 4.8, 4.75, 1, 1]
    history = stop_on(monkeypatch, losses, EarlyStopping(3, smallest=0.1))
    assert history.epochs == 4
    assert history.best_epoch == 4


def test_early_stopping_holds_out_a_tenth():
    net = classifier()
    history = net.fit(X, Y, epochs=300, early_stopping=2, optimizer=Momentum(2.0))
    assert net.training.rows == 21
    assert history.epochs < 300
    assert history.epochs == history.best_epoch + 2
    assert net.fit(X, Y, epochs=1, early_stopping=True).validation
    assert not net.fit(X, Y, epochs=1, early_stopping=False).validation


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"patience": 0}, "patience to be a number of epochs, got 0"),
        ({"patience": 1.5}, "patience to be a number of epochs, got 1.5"),
        ({"patience": True}, "patience to be a number of epochs, got True"),
        ({"smallest": -1}, "smallest >= 0, got -1"),
        ({"smallest": math.nan}, "smallest >= 0, got nan"),
        ({"smallest": "a"}, "smallest >= 0, got 'a'"),
    ],
)
def test_early_stopping_that_cannot_be(settings, message):
    with pytest.raises(ConfigurationError, match=message):
        EarlyStopping(**settings)


# -- one fit after another -------------------------------------------------------------


def test_a_second_fit_goes_on_with_fresh_memory():
    net = classifier()
    net.fit(X, Y, epochs=2, batch_size=4, optimizer=Momentum(0.1))
    weights, first = net.weights.copy(), net.history
    second = net.fit(X, Y, iterations=1, batch_size=23, optimizer=Momentum(0.1))
    other = classifier(input_shape=3)
    other.weights = weights
    alone = other.fit(X, Y, iterations=1, batch_size=23, optimizer=Momentum(0.1))
    assert bits(net.weights) == bits(other.weights)
    assert second.iterations == alone.iterations
    assert second is not first
    assert net.training.run == 1


def test_a_second_fit_shuffles_anew():
    net, still = regression(), GradientDescent(1e-30)
    plan = {"epochs": 1, "batch_size": 4, "optimizer": still}
    first = net.fit(X, X[:, 0], **plan).iterations
    second = net.fit(X, X[:, 0], **plan).iterations
    assert first != second


def test_a_second_fit_keeps_the_classes():
    net = classifier()
    net.fit(X, np.take(["a", "b", "c"], Y), epochs=1)
    net.fit(X[:2], ["a", "c"], epochs=1)
    assert net.classes.tolist() == ["a", "b", "c"]
    with pytest.raises(DataError, match="y holds 0, but the classes are 'a', 'b', 'c'"):
        net.fit(X, Y)
    with pytest.raises(DataError, match="the class 'd' at row 0"):
        net.fit(X[:2], ["d", "c"])


# -- partial_fit -----------------------------------------------------------------------


def test_partial_fit_is_fit_by_the_epoch():
    whole, parts = everything(), everything()
    whole.fit(X, Y, epochs=4, batch_size=23, optimizer=Adam(0.01))
    for _ in range(4):
        history = parts.partial_fit(X, Y, batch_size=23, optimizer=Adam(0.01))
    assert bits(whole.weights) == bits(parts.weights)
    assert bits(whole.training.memory) == bits(parts.training.memory)
    assert history.loss == whole.history.loss
    assert history.iterations == whole.history.iterations
    assert parts.training.step == 4
    first = everything()
    first.partial_fit(X, Y, batch_size=4)
    same = everything()
    same.fit(X, Y, epochs=1, batch_size=4)
    assert bits(first.weights) == bits(same.weights)


def test_partial_fit_takes_data_as_they_come():
    net = classifier(input_shape=3)
    net.classes = ["a", "b", "c"]
    for rows in (slice(0, 5), slice(5, 6), slice(6, 23)):
        net.partial_fit(X[rows], np.take(["a", "b", "c"], Y[rows]), batch_size=4)
    assert net.training.step == 2 + 1 + 5
    assert net.history.epochs == 3
    assert len(net.history.iterations) == 8
    net.partial_fit(X[:1], ["b"], sample_weight=[2.0], class_weight={"b": 3})
    fresh = classifier()
    with pytest.raises(DataError, match=r"1 class \('a'\), but .*net.classes = \["):
        fresh.partial_fit(X[:1], ["a"])


def test_another_optimizer_starts_afresh():
    net = classifier()
    net.partial_fit(X, Y, optimizer=Momentum(0.1))
    net.partial_fit(X, Y)
    assert net.training.optimizer == Momentum(0.1)
    assert net.training.step == 2
    net.partial_fit(X, Y, optimizer="adam")
    assert net.training.optimizer == Adam()
    assert net.training.step == 1
    assert net.history.epochs == 1
    net.partial_fit(X, Y, optimizer=Adam())
    assert net.history.epochs == 2


def test_partial_fit_goes_on_from_the_best_weights():
    net = classifier()
    history = net.fit(
        X,
        Y,
        epochs=12,
        validation=(XV, YV),
        optimizer=Momentum(2.0),
        metrics="accuracy",
    )
    assert history.best_epoch < 12
    shorter = classifier()
    shorter.fit(X, Y, epochs=history.best_epoch, optimizer=Momentum(2.0))
    for each in (net, shorter):
        each.partial_fit(X, Y)
    assert bits(net.weights) == bits(shorter.weights)
    assert net.history.best_epoch is None
    rows = list(net.history.table())
    assert len(rows) == 13
    assert rows[12][2:4] == (None, None)
    assert rows[0][2] == history.validation[0]


def test_the_first_epoch_of_partial_fit_counts_nothing_from_before():
    net = regression(dtype="float64")
    net.fit(X, X[:, 0], epochs=3, batch_size=4, callbacks=_stop_at(8))
    still = GradientDescent(1e-30)
    history = net.copy().partial_fit(X, X[:, 0], batch_size=23, optimizer=still)
    assert history.loss[-1] == pytest.approx(net.evaluate(X, X[:, 0])["loss"])


def _stop_at(step):
    from pellucid import Call

    return Call(lambda run: run.step == step and run.stop("enough"), every=1)


# -- what is refused leaves no trace ---------------------------------------------------

REFUSED = [
    {"x": X[:, :2], "y": Y[:5]},
    {"x": X.T, "y": Y},
    {"x": X[:, :2], "y": Y.astype(float) + 0.5},
    {"x": np.where(X[3, 1] == X, np.nan, X)},
    {"y": np.arange(23)},
    {"y": ["a"] * 23},
    {"y": np.take(["a", "b"], np.arange(23) % 2)},
    {"epochs": 0},
    {"epochs": 2, "iterations": 3},
    {"iterations": 1.5},
    {"batch_size": 0},
    {"shuffle": "yes"},
    {"optimizer": "adan"},
    {"validation": 1.5},
    {"validation": (XV[:, :2], YV)},
    {"validation": (XV, YV + 5)},
    {"validation": (XV, YV, [1.0])},
    {"validation": (XV,)},
    {"validation": True},
    {"early_stopping": "soon"},
    {"callbacks": [3]},
    {"callbacks": None},
    {"metrics": ["accurate"]},
    {"metrics": "rmse"},
    {"metrics": 3},
    {"sample_weight": np.zeros(23)},
    {"sample_weight": [1.0]},
    {"class_weight": {7: 1}},
    {"class_weight": "even"},
]


@pytest.mark.parametrize("settings", REFUSED, ids=str)
@pytest.mark.parametrize("fitted", [False, True])
def test_a_refused_fit_changes_nothing(settings, fitted):
    net = classifier()
    if fitted:
        net.fit(X, Y, epochs=1, validation=0.25)
    before = snapshot(net)
    with pytest.raises((ConfigurationError, DataError)):
        net.fit(**{"x": X, "y": Y} | settings)
    assert snapshot(net) == before
    if {"x", "y", "batch_size"} & settings.keys():
        with pytest.raises((ConfigurationError, DataError)):
            net.partial_fit(**{"x": X, "y": Y} | settings)
        assert snapshot(net) == before
    net.fit(X, Y, epochs=1)


@pytest.mark.parametrize("ask", ["backprop", "evaluate", "check_gradients"])
def test_refused_data_do_not_fix_the_input_shape(ask):
    net = classifier()
    with pytest.raises(DataError):
        getattr(net, ask)(X.T, Y)
    with pytest.raises(DataError):
        net.feedforward(np.full((4, 9), np.nan))
    assert getattr(net, ask)(X, Y)


# -- numbers that are not finite -------------------------------------------------------


def test_an_overflow_forward():
    net = regression(Dense(4, "relu"), Dense(1))
    net.parameters["dense_1.W"] = np.full((3, 4), 3e38)
    before = bits(net.weights)
    x = np.abs(X) + 1
    with pytest.raises(NonFiniteError) as caught:
        net.fit(x, X[:, 0], epochs=5, optimizer=Momentum(0.25))
    assert str(caught.value) == (
        "Epoch 1, batch 1 (iteration 1): the loss is not finite; the first such number "
        "is in dense_1.z, on the way forward. The update was not made; the network has "
        "the last finite weights. Try a learning rate ten times smaller (now 0.25), "
        "clip_norm=1.0 in the optimizer, or inputs and targets with mean 0 and "
        "standard deviation 1 (pellucid.data.standardize). net.diagnose(x, y) tells "
        "which operation made that number, and from what."
    )
    assert bits(net.weights) == before
    assert isinstance(caught.value, ArithmeticError)


def test_an_overflow_in_an_inner_layer_names_its_path():
    net = regression(Dense(4), Chain([Dense(3, name="deep")]), Dense(1))
    net.parameters["chain_1.deep.W"] = np.full((4, 3), 3e38)
    net.parameters["dense_1.b"] = [9.0] * 4
    with pytest.raises(NonFiniteError, match=r"is in chain_1\.deep\.z, on the way"):
        net.fit(X, X[:, 0], epochs=5)


def test_an_overflow_in_the_loss():
    net = regression(Dense(1))
    with pytest.raises(
        NonFiniteError,
        match="outputs of dense_1 are finite, but too large for the loss",
    ):
        net.fit(X, np.full(23, 1e30), epochs=5)


def test_an_overflow_in_the_gradient_of_a_parameter():
    net = regression(Dense(1, bias=False), loss="sum_of_squares")
    net.parameters["dense_1.W"] = [[1e-7]] * 3
    with pytest.raises(
        NonFiniteError,
        match=r"the gradient is not finite; .* the gradient of dense_1\.W",
    ):
        net.fit(np.full((4, 3), 1e25), np.zeros(4), epochs=1)


def test_an_overflow_in_the_gradient_between_layers():
    net = regression(Dense(2, "tanh", bias=False), Dense(9), loss="sum_of_squares")
    net.parameters["dense_2.W"] = np.full((2, 9), 1e38)
    with pytest.raises(
        NonFiniteError,
        match=r"gradient is not finite; .* gradient behind layer dense_1",
    ):
        net.fit(np.zeros((4, 3)), np.ones((4, 9)), epochs=1)


def test_an_overflow_in_the_update():
    net = regression(Dense(4, "tanh"), Dense(1))
    before = bits(net.weights)
    with pytest.raises(
        NonFiniteError,
        match=r"the weights after the update are not finite; forward and backward are "
        r"finite, but dense_1\.W overflowed",
    ):
        net.fit(X, X[:, 0] * 1e10, epochs=1, optimizer=GradientDescent(1e38))
    assert bits(net.weights) == before


def test_an_overflow_in_the_running_state():
    net = regression(BatchNorm(), Dense(1))
    before = bits(net.weights)
    with pytest.raises(
        NonFiniteError, match=r"the running state is not finite; .*batch_no"
    ):
        net.fit(X * 1e25, X[:, 0], epochs=1)
    assert bits(net.weights) == before


@pytest.mark.parametrize(
    "name", sorted(n for n in Optimizer.registered() if ":" not in n)
)
def test_weights_and_memory_are_those_after_the_last_good_update(name):
    x, y = X.copy(), X[:, 0].copy()
    x[9] = 1e30  # in the third batch
    plan = {"batch_size": 4, "shuffle": False, "optimizer": name}
    net, shorter = regression(Dense(4), Dense(1)), regression(Dense(4), Dense(1))
    with pytest.raises(
        NonFiniteError, match=r"Epoch 1, batch 3 \(iteration 3\): the loss"
    ):
        net.fit(x, y, epochs=4, **plan)
    shorter.fit(x, y, iterations=2, **plan)
    assert bits(net.weights) == bits(shorter.weights)
    assert bits(net.training.memory) == bits(shorter.training.memory)
    assert net.history.iterations == shorter.history.iterations
    assert net.training.step == 2
    assert np.isfinite(net.predict(X)).all()


def test_an_optimizer_with_an_update_of_its_own_sees_what_is_a_weight():
    class WeightsAlone(GradientDescent, abstract=True):
        """Leaves biases as they are."""

        def update(self, w, g, memory, t, rate, decayed, trained=None):
            return w - rate * np.where(decayed, g, 0.0)

    net = regression(Dense(4), Dense(1))
    before = {name: values.copy() for name, values in net.parameters.items()}
    net.fit(X, X[:, 0], epochs=2, optimizer=WeightsAlone(0.1))
    for name, values in net.parameters.items():
        assert (values == before[name]).all() == name.endswith(".b")


def test_the_epoch_is_named_and_the_best_weights_are_kept():
    schedule = WarmUp(18, Cosine(1e-3))

    class Explode(type(schedule)):
        """A rate that explodes in the third epoch."""

        def rate(self, step, total):
            return 1e-3 if step < 14 else 1e38

    net = regression(Dense(4), Dense(1))
    plan = {"batch_size": 4, "validation": (XV, XV[:, 0])}
    optimizer = GradientDescent(Explode(18, Cosine(1e-3)))
    with pytest.raises(
        NonFiniteError, match=r"Epoch 3, batch 3 .*weights of epoch [12], "
    ):
        net.fit(X, X[:, 0], epochs=4, optimizer=optimizer, **plan)
    assert net.history.epochs == 2
    best = min(net.history.validation)
    assert net.evaluate(XV, XV[:, 0])["loss"] == best
    assert "nan" not in str(net.history.table())


def test_an_error_in_training_leaves_numpy_as_it_was():
    net = regression(Dense(1))
    before = np.geterr()
    with pytest.raises(NonFiniteError):  # warnings are errors here, too
        net.fit(X, np.full(23, 1e30), epochs=1)
    assert np.geterr() == before


def test_the_length_of_a_huge_gradient_is_no_failure():
    net = regression(Dense(1), dtype="float64", loss="mean_absolute_error")
    history = net.fit(X * 1e200, X[:, 0], epochs=1, optimizer=GradientDescent(1e-250))
    assert 1e199 < history.gradient_norm[0] < 1e202


# -- the progress bar ------------------------------------------------------------------

BAR = """
import sys
from pellucid import Dense, NeuralNetwork
net = NeuralNetwork([Dense(1)], loss="mean_squared_error")
x = [[0.0], [1.0], [2.0], [3.0]]
net.fit(x, [0, 1, 2, 3], epochs=5, validation=(x, [0, 1, 2, 3]), {settings})
print("rich" in sys.modules)
"""


def run_bar(settings):
    return subprocess.run(
        [sys.executable, "-c", BAR.format(settings=settings)],
        capture_output=True,
        text=True,
        check=True,
    )


def test_no_progress_bar_costs_nothing():
    done = run_bar("progress=None")
    assert (done.stdout, done.stderr) == ("False\n", "")


def test_the_progress_bar_in_a_pipe():
    done = run_bar("progress=True, metrics='mae'")
    assert done.stdout == "True\n"
    for text in ("epoch 5/5", "loss ", "validation ", "mae "):
        assert text in done.stderr
    assert "\x1b" not in done.stderr


def test_the_progress_bar_ends_with_an_error(capsys):
    net = regression(Dense(1))
    with pytest.raises(NonFiniteError):
        net.fit(X, np.full(23, 1e30), epochs=3, progress=True)
    net.fit(X, X[:, 0], epochs=3, progress=True)
    assert "epoch 3/3" in capsys.readouterr().err


def test_a_program_without_standard_error_has_no_bar(monkeypatch):
    monkeypatch.setattr(sys, "stderr", None)
    assert classifier().fit(X, Y, epochs=1).epochs == 1
