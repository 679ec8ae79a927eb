"""A linear model, and a network about columns of all kinds."""

import numpy as np

import pellucid
from pellucid.data.table import table
from pellucid.encoder import Encoder

RANDOM = np.random.default_rng(3)
N = 200
X = RANDOM.normal(size=(N, 3))


def linear(weights: list[float]) -> pellucid.NeuralNetwork:
    """Return y = w x, whose importances are known."""
    net = pellucid.NeuralNetwork([pellucid.Dense(1)], loss="mean_squared_error")
    net.build(len(weights))
    net.parameters["dense_1.W"][...] = np.array(weights)[:, None]
    net.parameters["dense_1.b"][...] = 0.0
    return net


def mixed() -> tuple[pellucid.NeuralNetwork, pellucid.data.Table]:
    """Return an untrained network about a table with columns of all kinds."""
    cells = {
        "age": np.where(np.arange(N) % 7 == 0, np.nan, X[:, 0]),
        "town": np.array(["Rome", "Oslo", "Lima"])[RANDOM.integers(0, 3, N)],
        "shop": np.array([f"s{k}" for k in RANDOM.integers(0, 15, N)]),
        "smokes": np.where(X[:, 1] > 0, "yes", "no"),
        "since": np.datetime64("2021-03-01") + RANDOM.integers(0, 300, N),
        "ill": np.where(X[:, 2] > 0, "yes", "no"),
    }
    data = table(cells, "ill")
    encoder = Encoder.fit(data)
    net = pellucid.NeuralNetwork(
        encoder.layers([pellucid.Dense(8, "tanh"), pellucid.Dense(2)]),
        loss="cross_entropy",
        input_shape=encoder.input_shape,
    )
    net.reader = encoder
    net.classes = list(data.classes)
    return net, data
