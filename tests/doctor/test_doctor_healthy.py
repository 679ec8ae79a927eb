"""Where all is well the doctor says nothing: real data, several networks and seeds."""

import numpy as np
import pytest

from pellucid import (
    Adam,
    BatchNorm,
    Conv2D,
    Dense,
    Dropout,
    Flatten,
    GlobalAveragePool,
    GradientDescent,
    MaxPool2D,
    NeuralNetwork,
    data,
)

CLASSES = ["xor", "moons", "circles", "rings", "spirals", "blobs", "checkerboard"]
CLASSES += ["iris", "wine", "breast_cancer", "digits"]
NUMBERS = ["sine", "friedman1", "diabetes"]

# The pixels at the border of digits never vary, which is worth a note.
KNOWN = {"digits": {"constant_features"}}


def standardized(name):
    """Return a data set with columns, and targets that are numbers, of size 1."""
    found = data.load(name)
    y = found.y if found.classes else data.standardize(found.y.reshape(-1, 1))
    return data.standardize(found.x), y, len(found.classes)


def check(net, x, y, known=frozenset(), **settings):
    """Diagnose before and after a training of usual length."""
    before = net.diagnose(x, y)
    assert set(before.codes) <= known, before
    net.fit(x, y, progress=False, **settings)
    after = net.diagnose(x, y)
    assert set(after.codes) <= known, after
    assert after.skipped == {}


@pytest.mark.parametrize("seed", [0, 1])
@pytest.mark.parametrize("activation", ["relu", "tanh"])
@pytest.mark.parametrize("name", [*CLASSES, *NUMBERS])
def test_tables(name, activation, seed):
    x, y, classes = standardized(name)
    loss = "cross_entropy" if classes else "mean_squared_error"
    layers = [Dense(32, activation), Dense(16, activation), Dense(classes or 1)]
    net = NeuralNetwork(layers, loss=loss, seed=seed)
    rate = 0.01 if name == "checkerboard" else 0.001  # which is too low there
    known = KNOWN.get(name, frozenset())
    check(net, x, y, known, epochs=40, optimizer=Adam(rate))


@pytest.mark.parametrize("name", ["moons", "breast_cancer", "diabetes"])
def test_validation_and_early_stopping(name):
    x, y, classes = standardized(name)
    loss = "cross_entropy" if classes else "mean_squared_error"
    net = NeuralNetwork([Dense(16, "relu"), Dense(classes or 1)], loss=loss)
    check(net, x, y, validation=0.2, early_stopping=5)


def test_batch_norm_and_dropout_and_other_optimizers():
    x, y, _ = standardized("wine")
    layers = [Dense(32), BatchNorm(), "silu", Dropout(0.3), Dense(3, "softmax")]
    for rule in ("adamw", "rmsprop", "momentum", "lion", "lbfgs"):
        plain = [Dense(16, "gelu"), Dense(3)] if rule == "lbfgs" else layers
        check(NeuralNetwork(plain, loss="cross_entropy"), x, y, optimizer=rule)


def test_the_truth_table():
    found = data.truth_table()
    layers = [Dense(4, "sigmoid"), Dense(1, "sigmoid")]
    net = NeuralNetwork(layers, loss="sum_of_squares", seed=1)
    settings = {"optimizer": GradientDescent(1.0), "iterations": 1500}
    check(net, found.x, found.y.reshape(-1, 1), **settings)


@pytest.mark.parametrize("seed", [0, 1])
@pytest.mark.parametrize(
    "layers",
    [
        [
            Conv2D(8, 3, "relu"),
            MaxPool2D(),
            Conv2D(16, 3, "relu"),
            GlobalAveragePool(),
            Dense(10),
        ],
        [
            Conv2D(8, 3),
            BatchNorm(),
            "relu",
            MaxPool2D(),
            Flatten(),
            Dense(32, "relu"),
            Dropout(0.3),
            Dense(10),
        ],
    ],
    ids=["plain", "normalized"],
)
def test_images(layers, seed):
    digits = data.digits()
    x = (digits.x / 16).reshape(-1, 8, 8, 1).astype(np.float32)
    net = NeuralNetwork(layers, loss="cross_entropy", seed=seed)
    check(net, x, digits.y, epochs=10)
