import numpy as np
import pytest
import sklearn.metrics as reference

from pellucid import ConfigurationError, Dense, Metric, NeuralNetwork
from pellucid.errors import DataError
from pellucid.metrics import (
    AUC,
    F1,
    Accuracy,
    BalancedAccuracy,
    Determination,
    LogLoss,
    MacroF1,
    MeanAbsolute,
    MicroF1,
    RootMeanSquaredError,
    WeightedF1,
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


F1_OF_SEVERAL = {"macro": MacroF1(), "micro": MicroF1(), "weighted": WeightedF1()}


@WEIGHTS
def test_f1_of_two_classes(weight):
    y, y_hat = LABELS[:, 0], MARKED[:, 0]
    wanted = reference.f1_score(y, y_hat, sample_weight=weight)
    assert F1().value(y, y_hat, weight) == pytest.approx(wanted, rel=1e-12)


@WEIGHTS
@pytest.mark.parametrize("average", F1_OF_SEVERAL)
def test_f1_of_several(average, weight):
    for y, y_hat in (
        (CLASSES, GUESSED),
        (LABELS, MARKED),
        (LABELS[:, 0], MARKED[:, 0]),
    ):
        wanted = reference.f1_score(y, y_hat, average=average, sample_weight=weight)
        found = F1_OF_SEVERAL[average].value(y, y_hat, weight)
        assert found == pytest.approx(wanted, rel=1e-12)


@pytest.mark.parametrize("average", F1_OF_SEVERAL)
def test_f1_where_a_class_is_missing(average):
    # Class 2 is never true, 3 never predicted; of 1 there is a row of weight 0 alone.
    y, y_hat = np.array([0, 0, 3, 0, 1]), np.array([0, 2, 0, 0, 1])
    weight = np.array([1.0, 1, 1, 1, 0])
    wanted = reference.f1_score(y[:4], y_hat[:4], average=average, zero_division=0)
    assert F1_OF_SEVERAL[average].value(y, y_hat, weight) == pytest.approx(wanted)
    nothing = np.zeros((3, 2), dtype=int)
    assert F1_OF_SEVERAL[average].value(nothing, nothing, np.ones(3)) == 0.0
    assert F1().value(nothing[:, 0], nothing[:, 0], np.ones(3)) == 0.0


def test_f1_of_more_than_two_classes_is_told_what_to_ask_for():
    for y, y_hat in ((CLASSES, GUESSED), (LABELS, MARKED), (0 * CLASSES, GUESSED)):
        with pytest.raises(DataError, match="f1_macro"):
            F1().value(y, y_hat, np.ones(N))
    x = RNG.normal(size=(N, 3))
    for loss, y in (("cross_entropy", CLASSES), ("binary_cross_entropy", LABELS)):
        net = NeuralNetwork([Dense(4 if y.ndim == 1 else 3)], loss=loss)
        for ask in (net.fit, net.evaluate):
            with pytest.raises(ConfigurationError, match=r"'f1' is about two .*micro"):
                ask(x, y, metrics="f1")
        assert net.training is None


SCORES = {
    "different": RNG.normal(size=N),
    "ties": RNG.integers(0, 4, N) / 4,
    "all equal": np.full(N, 0.5),
}


@WEIGHTS
@pytest.mark.parametrize("scores", SCORES)
def test_auc_of_yes_and_no(scores, weight):
    y, score = LABELS[:, 0], SCORES[scores]
    wanted = reference.roc_auc_score(y, score, sample_weight=weight)
    found = AUC().value(y[:, None], score[:, None], weight)
    assert found == pytest.approx(wanted, rel=1e-12)
    two = np.stack([1 - score, score], axis=1)
    assert AUC().value(y, two, weight) == pytest.approx(wanted, rel=1e-12)
    assert AUC().value(1 - y, two, weight) == pytest.approx(1 - wanted, rel=1e-12)


@WEIGHTS
@pytest.mark.parametrize("decimals", [1, 12])
def test_auc_of_several_classes_and_labels(decimals, weight):
    p = RNG.dirichlet(np.ones(4), N).round(decimals)
    p[:, 3] = 1 - p[:, :3].sum(axis=1)  # which scikit-learn insists on
    wanted = reference.roc_auc_score(
        CLASSES, p, multi_class="ovr", sample_weight=weight
    )
    assert AUC().value(CLASSES, p, weight) == pytest.approx(wanted, rel=1e-12)
    wanted = reference.roc_auc_score(LABELS, p[:, :3], sample_weight=weight)
    assert AUC().value(LABELS, p[:, :3], weight) == pytest.approx(wanted, rel=1e-12)


def test_auc_by_hand():
    y, one = np.array([0, 0, 1, 1]), np.ones(4)
    for score, wanted in (
        ([1, 2, 3, 4], 1.0),
        ([4, 3, 2, 1], 0.0),
        ([1, 3, 2, 4], 0.75),
        ([1, 2, 2, 4], 0.875),
    ):
        score = np.array(score)[:, None]
        assert AUC().value(y[:, None], score, one) == wanted
        # Any scores in the same order will do.
        assert AUC().value(y[:, None], np.exp(3.0 * score), one) == wanted


def test_auc_without_a_no_is_not_a_number():
    score, one = np.array([[0.2], [0.8]]), np.ones(2)
    assert np.isnan(AUC().value(np.ones((2, 1)), score, one))
    # A label that is always the same is left out.
    y, p = np.array([[1, 0], [1, 1]]), np.array([[0.3, 0.2], [0.3, 0.4]])
    assert AUC().value(y, p, one) == 1.0


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
    metrics = ["accuracy", "balanced_accuracy", "log_loss", "f1", "auc"]
    found = net.evaluate(x, y, metrics=metrics)
    assert found["f1"] == pytest.approx(reference.f1_score(y, net.predict(x)))
    wanted = reference.roc_auc_score(y, net.predict_proba(x)[:, 1])
    assert found["auc"] == pytest.approx(wanted)
    assert found["accuracy"] == pytest.approx((net.predict(x) == y).mean())
    assert found["log_loss"] == pytest.approx(found["loss"], rel=1e-5)
    wanted = reference.balanced_accuracy_score(y, net.predict(x))
    assert found["balanced_accuracy"] == pytest.approx(wanted)
    shares = net.evaluate(x, np.where(y == 1, 0.8, 0.1), metrics="accuracy")
    assert shares["accuracy"] == found["accuracy"]


def test_metrics_of_scores():
    x, y = RNG.normal(size=(N, 3)), CLASSES % 2
    for loss, outputs in (("hinge", 2), ("binary_hinge", 1)):
        net = NeuralNetwork([Dense(outputs)], loss=loss)
        history = net.fit(x, y, epochs=3, metrics=["auc", "f1", "accuracy"])
        found, scores = net.evaluate(x, y, metrics="auc"), net.feedforward(x)
        score = scores[:, -1] - (scores[:, 0] if outputs == 2 else 0)
        assert found["auc"] == pytest.approx(reference.roc_auc_score(y, score))
        assert history.metrics["auc"][-1] == found["auc"]
        with pytest.raises(ConfigurationError, match="'log_loss' is about probabil"):
            net.evaluate(x, y, metrics="log_loss")


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
    names |= {"auc", "f1", "f1_macro", "f1_micro", "f1_weighted"}
    assert names == {name for name in Metric.registered() if ":" not in name}
