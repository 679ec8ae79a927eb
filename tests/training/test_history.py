import copy
import json
import math

import numpy as np
import pytest

from pellucid import (
    Adam,
    BatchNorm,
    Constant,
    Cosine,
    Dense,
    GradientDescent,
    History,
    Loss,
    ModelFileError,
    NeuralNetwork,
    Quantile,
    WarmUp,
)

pytestmark = pytest.mark.usefixtures("engine")

RNG = np.random.default_rng(0)
X, Y = RNG.normal(size=(11, 3)), RNG.normal(size=(11, 2))
XV, YV = RNG.normal(size=(5, 3)), RNG.normal(size=(5, 2))
WEIGHT = RNG.uniform(0, 2, 11)


def network(loss="mean_squared_error", outputs=2, **settings):
    layers = [Dense(4, "tanh"), Dense(outputs)]
    return NeuralNetwork(layers, loss=loss, input_shape=3, dtype="float64", **settings)


def of_one_kind(loss):
    """Return targets for the loss."""
    rows = np.maximum(Y, loss.least)[:, : Y.shape[1] // loss.per_target]
    found = {"numbers": rows, "labels": (Y > 0) * 1, "classes": np.arange(11) % 2}
    return found[loss.task]


LOSSES = [
    Quantile(0.3) if name == "quantile" else Loss.of(name)
    for name in sorted(Loss.registered())
    if ":" not in name
]


@pytest.mark.parametrize("loss", LOSSES, ids=lambda loss: loss.label)
@pytest.mark.parametrize("weight", [None, WEIGHT])
def test_the_loss_of_an_epoch(loss, weight):
    """While weights stand still an epoch's loss is the data's, however it is cut."""
    y, net = (
        of_one_kind(loss),
        network(loss, 2 * loss.per_target if loss.task == "classes" else 2),
    )
    plan = {"epochs": 3, "batch_size": 4, "optimizer": GradientDescent(1e-30)}
    history = net.fit(X, y, sample_weight=weight, **plan)
    evaluated = net.evaluate(X, y, sample_weight=weight)["loss"]
    whole = net.backprop(X, y, weight)[0]
    assert history.loss == pytest.approx([whole] * 3, rel=1e-12)
    assert evaluated == pytest.approx(whole, rel=1e-12)
    weights = np.ones(11) if weight is None else weight
    each = [net.backprop(X[i : i + 1], y[i : i + 1])[0] for i in range(11)]
    if loss.reduction == "sum":
        assert whole == pytest.approx(np.dot(weights, each), rel=1e-12)
    else:
        assert whole == pytest.approx(np.average(each, weights=weights), rel=1e-12)


def test_every_batch_is_measured_before_its_update():
    net, plain = network(), network()
    plan = {"batch_size": 4, "shuffle": False, "optimizer": GradientDescent(0.1)}
    history = net.fit(X, Y, epochs=1, **plan)
    first = plain.evaluate(X[:4], Y[:4])["loss"]
    plain.fit(X, Y, iterations=1, **plan)
    second = plain.evaluate(X[4:8], Y[4:8])["loss"]
    plain = network()
    plain.fit(X, Y, iterations=2, **plan)
    third = plain.evaluate(X[8:], Y[8:])["loss"]
    assert history.iterations == pytest.approx([first, second, third], rel=1e-12)
    mean = (4 * first + 4 * second + 3 * third) / 11
    assert history.loss == pytest.approx([mean], rel=1e-12)


def test_the_loss_of_a_batch_with_batch_norm_is_that_of_training():
    net = NeuralNetwork([BatchNorm(), Dense(2)], loss="huber", input_shape=3)
    loss, _ = net.backprop(X, Y)
    history = net.fit(X, Y, epochs=1)
    assert history.iterations == pytest.approx([loss], rel=1e-6)


def test_penalties_stand_apart():
    net = network()
    plain = network()
    plan = {"epochs": 1, "batch_size": 11}
    history = net.fit(X, Y, optimizer=GradientDescent(0.1, l1=0.3, l2=0.5), **plan)
    assert history.loss == plain.fit(X, Y, optimizer=GradientDescent(0.1), **plan).loss
    weights = np.concatenate([net.parameters[f"dense_{i}.W"].ravel() for i in (1, 2)])
    penalty = 0.3 * np.abs(weights).sum() + 0.25 * (weights**2).sum()
    assert history.penalty == pytest.approx([penalty], rel=1e-12)
    assert plain.history.penalty == []
    assert "penalty" in history.table().header
    assert "penalty" not in plain.history.table().header


def test_learning_rates_and_gradient_norms():
    net = network()
    schedule = WarmUp(3, Cosine(0.1))
    history = net.fit(X, Y, epochs=3, batch_size=6, optimizer=GradientDescent(schedule))
    rates = [schedule.rate(step, 6) for step in (1, 3, 5)]
    assert history.learning_rate == rates
    net = network()
    gradient = net.backprop(X, Y)[1].vector
    still = GradientDescent(1e-30)
    history = net.fit(X, Y, epochs=2, batch_size=11, optimizer=still)
    assert history.gradient_norm == pytest.approx([np.linalg.norm(gradient)] * 2)
    assert len(history.seconds) == 2
    assert all(second >= 0 for second in history.seconds)


def test_metrics_are_measured_after_each_epoch():
    def first_target(y, y_hat):
        return y[0, 0]

    net = network()
    metrics = ["rmse", "mae", "r2", first_target]
    history = net.fit(X, Y, epochs=2, validation=(XV, YV), metrics=metrics)
    evaluated = net.evaluate(XV, YV, metrics=metrics)
    last = history.best_epoch - 1
    assert list(history.metrics) == ["rmse", "mae", "r2", "first_target"]
    for name in ("rmse", "mae", "r2"):
        assert history.metrics[name][last] == evaluated[name]
    assert history.metrics["first_target"] == [YV[0, 0]] * 2
    alone = network()
    history = alone.fit(X, Y, epochs=2, metrics="rmse")
    assert history.metrics["rmse"][-1] == alone.evaluate(X, Y)["rmse"]


def test_the_table():
    net = network()
    history = net.fit(X, Y, epochs=4, validation=(XV, YV), metrics=["mae"])
    table = history.table()
    assert table.header == (
        *("epoch", "loss", "validation", "mae"),
        *("learning rate", "gradient", "seconds"),
    )
    assert len(table) == 4
    assert list(table)[1][:4] == (
        *(2, history.loss[1], history.validation[1]),
        history.metrics["mae"][1],
    )
    assert len(history.table(last=2)) == 2
    assert next(iter(history.table(last=2)))[0] == 3
    assert f"best epoch: {history.best_epoch}" in str(table)
    assert str(table).splitlines()[1].startswith("-----")


def test_repr_and_length():
    assert repr(History()) == "<History: no epoch yet>"
    assert len(History()) == 0
    history = network().fit(X, Y, epochs=3)
    assert len(history) == history.epochs == 3
    assert repr(history).startswith(
        f"<History: 3 epochs, loss {history.loss[0]:.6g} -> "
    )
    assert history.engine


def test_a_history_can_be_written_as_json():
    net = network()
    schedule = Constant(1)
    history = net.fit(X, Y, epochs=2, validation=0.2, optimizer=Adam(schedule))
    values = history.to_dict()
    assert History.from_dict(json.loads(json.dumps(values))) == history
    values["loss"].append(1.0)
    assert history.epochs == 2


BROKEN = [
    ("loss", "12"),
    ("loss", [1]),
    ("loss", [None]),
    ("loss", [[1.0]]),
    ("loss", None),
    ("metrics", []),
    ("metrics", {"a": 1.0}),
    ("metrics", {"a": ["b"]}),
    ("best_epoch", 1.5),
    ("best_epoch", True),
    ("interrupted", 0),
    ("stopped", None),
    ("engine", 3),
]


@pytest.mark.parametrize(("name", "value"), BROKEN)
def test_broken_histories(name, value):
    values = History(loss=[1.0], iterations=[math.inf]).to_dict()
    assert History.from_dict(copy.deepcopy(values)).iterations == [math.inf]
    with pytest.raises(ModelFileError, match=f"broken at '{name}'"):
        History.from_dict(values | {name: value})


@pytest.mark.parametrize("values", [None, [], "loss", {}, {"loss": []}])
def test_histories_with_other_entries(values):
    with pytest.raises(ModelFileError, match="history in the file has other entries"):
        History.from_dict(values)
