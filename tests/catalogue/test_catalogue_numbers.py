"""Failures of floating-point numbers: too large, too small, too many to add up."""

import math

import numpy as np
import pytest

import pellucid
from pellucid import Dense, NeuralNetwork
from pellucid.activations import LogSoftmax, Sigmoid, Softmax
from pellucid.losses import BinaryCrossEntropy, CrossEntropy

QUICK = {"epochs": 1, "progress": False}
FAR = [1e300, -1e300, 1e3, -1e3, 710.0, -745.0, 40.0, -40.0, 1e-300, 0.0]


def test_overflow_in_sigmoid():
    """Exact for any logit up to 1e300, without a warning."""
    z = np.array(FAR)
    expected = [1 / (1 + math.exp(-v)) if v > -700 else 0.0 for v in z]
    np.testing.assert_allclose(Sigmoid().value(z), expected, rtol=1e-14, atol=1e-300)


def test_overflow_in_softmax_and_log_sum_exp():
    z = np.array([[1e300, -1e300, 0.0], [1e300, 1e300, 1e3], [-745.0, 0.0, 710.0]])
    expected = [[1, 0, 0], [0.5, 0.5, 0], [0, math.exp(-710), 1]]
    np.testing.assert_allclose(Softmax().value(z), expected, rtol=1e-12, atol=1e-307)
    logs = LogSoftmax().value(z)
    np.testing.assert_allclose(logs[1, :2], -math.log(2), rtol=1e-15)
    np.testing.assert_allclose(logs[2, 1:], [-710, 0], rtol=1e-15, atol=1e-300)
    assert (logs <= 0).all()


def test_overflow_in_losses_on_logits():
    """The loss is that of the logits, and never a logarithm of a clipped number."""
    z = np.array([[1e300, 0.0], [40.0, 0.0], [0.0, 0.0]])
    y = np.array([1, 1, 1])
    expected = [1e300, 40.0, math.log(2)]
    np.testing.assert_allclose(CrossEntropy().value(z, y), expected, rtol=1e-15)
    one = np.array([[1e300], [-40.0], [-745.0], [0.0]])
    found = BinaryCrossEntropy().value(one, np.ones((4, 1)))
    expected = [0.0, 40.0, 745.0, math.log(2)]
    np.testing.assert_allclose(found, expected, rtol=1e-14)
    for wrong in (-1e300, 1e300):
        slope = BinaryCrossEntropy().slope(np.array([[wrong]]), np.zeros((1, 1)))
        assert slope.item() == float(wrong > 0)


@pytest.mark.usefixtures("engine")
def test_overflow_in_a_whole_network(x, y):
    """Logits of 1e30 are learned from as any others, in float32 and float64."""
    for dtype in ("float32", "float64"):
        net = NeuralNetwork([Dense(2, "softmax")], loss="cross_entropy", dtype=dtype)
        net.build(3)
        net.parameters["dense_1.W"] = np.full((3, 2), [1e30, -1e30])
        history = net.fit(x, y, **QUICK)
        assert np.isfinite(history.loss).all()
        p = net.predict_proba(x)
        assert np.isfinite(p).all()
        np.testing.assert_allclose(p.sum(axis=1), 1)


@pytest.mark.usefixtures("engine")
def test_float32_sums_lose_nothing():
    """Losses of epochs and evaluations are added up in float64.

    Two million losses of 0.1 in float32, added one after the other, would give 0.1038.
    """
    n = 2**21
    net = NeuralNetwork([Dense(1, bias=False)], loss="mean_squared_error")
    net.build(1)
    x = np.full((n, 1), np.float32(math.sqrt(0.1)))
    net.parameters["dense_1.W"] = [[0.0]]
    exact = float(np.float32(x[0, 0]) ** 2)
    targets = x[:, 0]
    assert net.evaluate(x, targets)["loss"] == pytest.approx(exact, rel=2e-7)
    history = net.fit(
        x, targets, batch_size=n // 4, epochs=1, optimizer=still(), progress=False
    )
    assert history.loss[0] == pytest.approx(exact, rel=2e-6)


def still():
    """An optimizer that leaves weights nearly where they are."""
    return pellucid.GradientDescent(1e-30)


def test_float32_statistics_of_columns():
    """A mean of 1e7 beside a spread of 1, in a column of float32."""
    column = np.float32(1e7) + np.arange(100_000, dtype=np.float32) % 3
    scaler = pellucid.data.Standardizer.fit(column.reshape(-1, 1))
    values = column.astype(float)
    assert scaler.mean[0] == pytest.approx(values.mean(), rel=1e-15)
    assert scaler.scale[0] == pytest.approx(values.std(), rel=1e-9)


@pytest.mark.usefixtures("engine")
def test_denormals(x, y):
    """Weights and inputs below the normal range are numbers like others."""
    net = NeuralNetwork([Dense(4, "tanh"), Dense(2)], loss="cross_entropy")
    net.build(3)
    net.weights = np.full(net.weights.shape, 1e-40)
    history = net.fit(x * 1e-40, y, **QUICK)
    assert history.loss[0] == pytest.approx(math.log(2), rel=1e-3)
    assert np.isfinite(net.weights).all()
