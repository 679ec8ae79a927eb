import numpy as np
import pytest
import sklearn.metrics as reference

from pellucid import ConfigurationError, Dense, Metric, NeuralNetwork
from pellucid.metrics import (
    Accuracy,
    BalancedAccuracy,
    Determination,
    LogLoss,
    MeanAbsolute,
    RootMeanSquaredError,
)

RNG = np.random.default_rng(0)
N = 40
CLASSES, GUESSED = RNG.integers(0, 4, (2, N))
P = RNG.dirichlet(np.ones(4), N)
LABELS, MARKED = RNG.integers(0, 2, (2, N, 3))
NUMBERS, PREDICTED = RNG.normal(size=(2, N, 3)) * [1, 10, 0.1]
WEIGHTS = pytest.mark.parametrize(
    "weight", [np.ones(N), RNG.uniform(0, 3, N), RNG.integers(0, 3, N).astype(float)]
)


@WEIGHTS
def test_accuracy(weight):
    wanted = reference.accuracy_score(CLASSES, GUESSED, sample_weight=weight)
    assert Accuracy().value(CLASSES, GUESSED, weight) == pytest.approx(
        wanted, rel=1e-12
    )
    shares = [
        reference.accuracy_score(LABELS[:, k], MARKED[:, k], sample_weight=weight)
        for k in range(3)
    ]
    found = Accuracy().value(LABELS, MARKED, weight)
    assert found == pytest.approx(np.mean(shares), rel=1e-12)


@WEIGHTS
def test_balanced_accuracy(weight):
    wanted = reference.balanced_accuracy_score(CLASSES, GUESSED, sample_weight=weight)
    found = BalancedAccuracy().value(CLASSES, GUESSED, weight)
    assert found == pytest.approx(wanted, rel=1e-12)


def test_balanced_accuracy_of_one_answer_for_all():
    y = np.array([0] * 90 + [1] * 10)
    assert BalancedAccuracy().value(y, np.zeros(100), np.ones(100)) == 0.5
    assert Accuracy().value(y, np.zeros(100), np.ones(100)) == 0.9


@WEIGHTS
def test_log_loss(weight):
    wanted = reference.log_loss(CLASSES, P, sample_weight=weight, labels=range(4))
    assert LogLoss().value(CLASSES, P, weight) == pytest.approx(wanted, rel=1e-12)
    p = RNG.uniform(0.01, 0.99, (N, 3))
    columns = [
        reference.log_loss(LABELS[:, k], p[:, k], sample_weight=weight)
        for k in range(3)
    ]
    found = LogLoss().value(LABELS, p, weight)
    assert found == pytest.approx(np.mean(columns), rel=1e-12)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_log_loss_of_a_certain_mistake_is_finite(dtype):
    p = np.array([[1.0, 0.0]], dtype=dtype)
    found = LogLoss().value(np.array([1]), p, np.ones(1))
    assert found == pytest.approx(-np.log(np.finfo(dtype).tiny))


@WEIGHTS
def test_errors_of_numbers(weight):
    arguments = NUMBERS, PREDICTED, weight
    squared = reference.mean_squared_error(NUMBERS, PREDICTED, sample_weight=weight)
    found = RootMeanSquaredError().value(*arguments)
    assert found == pytest.approx(np.sqrt(squared), rel=1e-12)
    wanted = reference.mean_absolute_error(NUMBERS, PREDICTED, sample_weight=weight)
    assert MeanAbsolute().value(*arguments) == pytest.approx(wanted, rel=1e-12)
    wanted = reference.r2_score(NUMBERS, PREDICTED, sample_weight=weight)
    assert Determination().value(*arguments) == pytest.approx(wanted, rel=1e-12)


def test_determination_of_targets_that_are_all_equal():
    for value in (3.0, 0.1):
        y, one = np.full((5, 1), value), np.ones(5)
        assert Determination().value(y, y, one) == 1
        assert Determination().value(y, y + 1, one) == 0
        y, weight = np.append(y, [[7.0]], axis=0), np.append(one, 0)
        assert Determination().value(y, y, weight) == 1
        assert Determination().value(y, y + 1, weight) == 0


def test_metrics_of_a_network():
    x, y = RNG.normal(size=(N, 3)), np.take(["a", "b", "c", "d"], CLASSES)
    net = NeuralNetwork([Dense(4)], loss="cross_entropy")
    net.fit(x, y, epochs=5)
    metrics = ["accuracy", "balanced_accuracy", "log_loss", Accuracy(), LogLoss()]
    found = net.evaluate(x, y, metrics=metrics)
    predicted, p = net.predict(x), net.predict_proba(x)
    assert found == pytest.approx(
        {
            "loss": reference.log_loss(y, p),
            "accuracy": reference.accuracy_score(y, predicted),
            "balanced_accuracy": reference.balanced_accuracy_score(y, predicted),
            "log_loss": reference.log_loss(y, p),
        },
        rel=1e-5,
    )
    assert list(net.evaluate(x, y)) == ["loss", "accuracy"]


def test_metrics_of_yes_and_no():
    x, y = RNG.normal(size=(N, 3)), LABELS[:, 0]
    net = NeuralNetwork([Dense(1, "sigmoid")], loss="binary_cross_entropy")
    net.fit(x, y, epochs=5)
    metrics = ["accuracy", "balanced_accuracy", "log_loss"]
    found = net.evaluate(x, y, metrics=metrics)
    assert found["accuracy"] == pytest.approx((net.predict(x) == y).mean())
    assert found["log_loss"] == pytest.approx(found["loss"], rel=1e-5)
    wanted = reference.balanced_accuracy_score(y, net.predict(x))
    assert found["balanced_accuracy"] == pytest.approx(wanted)
    shares = net.evaluate(x, np.where(y == 1, 0.8, 0.1), metrics="accuracy")
    assert shares["accuracy"] == found["accuracy"]


def test_metrics_of_numbers():
    x = RNG.normal(size=(N, 3))
    net = NeuralNetwork([Dense(3)], loss="huber")
    net.fit(x, NUMBERS, epochs=5)
    found = net.evaluate(x, NUMBERS)
    assert list(found) == ["loss", "rmse", "r2"]
    wanted = reference.r2_score(NUMBERS, net.predict(x))
    assert found["r2"] == pytest.approx(wanted, rel=1e-5)


def test_a_metric_of_ones_own_gets_what_the_user_knows():
    def check(y, y_hat):
        assert y.tolist() == labels
        assert set(y_hat.tolist()) <= {"a", "b"}
        return np.float32(0.5)

    x, labels = RNG.normal(size=(6, 2)), ["a", "b"] * 3
    net = NeuralNetwork([Dense(2)], loss="cross_entropy")
    history = net.fit(x, labels, epochs=1, metrics=[check])
    assert history.metrics == {"check": [0.5]}
    assert type(history.metrics["check"][0]) is float


@pytest.mark.parametrize(
    ("loss", "metrics", "message"),
    [
        (
            "huber",
            "accuracy",
            "'accuracy' is about classes or labels, but loss='huber'",
        ),
        ("huber", ["mae", "log_loss"], "'log_loss' is about classes or labels"),
        ("cross_entropy", "rmse", "'rmse' is about numbers, but loss='cross_entropy'"),
        ("cross_entropy", "acuracy", "metric named 'acuracy'. Did you mean 'accuracy'"),
        ("cross_entropy", 3, "Expected a list of metrics, got 3"),
        ("cross_entropy", [3], "Expected a name or an object of class Metric"),
        ("cross_entropy", [Accuracy], r"Got the class Accuracy.*Accuracy\(\.\.\.\)"),
    ],
)
def test_metrics_that_cannot_be(loss, metrics, message):
    x, y = RNG.normal(size=(6, 2)), np.array([0, 1] * 3)
    net = NeuralNetwork([Dense(2 if loss == "cross_entropy" else 1)], loss=loss)
    for ask in (net.fit, net.evaluate):
        with pytest.raises(ConfigurationError, match=message):
            ask(x, y, metrics=metrics)
    assert net.training is None


def test_every_metric_is_tested_here():
    names = {"accuracy", "balanced_accuracy", "log_loss", "rmse", "mae", "r2"}
    assert names == {name for name in Metric.registered() if ":" not in name}
