"""Data and networks that the tests of the doctor share."""

import numpy as np

from pellucid import Dense, NeuralNetwork


def table(n=200, columns=4, seed=0):
    """Return standard normal columns and a class that a sum of them tells, noisily."""
    random = np.random.default_rng(seed)
    x = random.normal(size=(n, columns))
    return x, (x[:, 0] + x[:, 1] + 0.5 * random.normal(size=n) > 0).astype(int)


def network(activation="tanh", outputs=2, loss="cross_entropy", **settings):
    """Return a small network with one hidden layer."""
    layers = [Dense(8, activation), Dense(outputs)]
    return NeuralNetwork(layers, loss=loss, **settings)


def codes(net, x, y, **more):
    """Return the codes of what is found."""
    return net.diagnose(x, y, **more).codes
