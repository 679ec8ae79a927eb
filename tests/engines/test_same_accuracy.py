"""Whole trainings end alike in both engines, where rounding has had its say."""

import numpy as np
import pytest

from pellucid import Dense, Dropout, NeuralNetwork
from pellucid.data import Standardizer, load, split
from pellucid.engines import missing_for_compiled

pytestmark = pytest.mark.skipif(
    bool(missing_for_compiled()), reason=missing_for_compiled()
)


def accuracy(name, seed, engine, epochs):
    data = load(name)
    x, x_test, y, y_test = split(data, seed=seed)
    scale = Standardizer.fit(x)
    layers = [Dense(32, "relu"), Dropout(0.2), Dense(len(data.classes))]
    net = NeuralNetwork(layers, loss="cross_entropy", seed=seed)
    history = net.fit(
        scale.transform(x), y, epochs=epochs, engine=engine, progress=False
    )
    assert history.engine.startswith(engine)
    found = net.evaluate(scale.transform(x_test), y_test, metrics=["accuracy"])
    return found["accuracy"]


@pytest.mark.parametrize(
    ("name", "epochs"), [("wine", 60), ("breast_cancer", 30), ("digits", 12)]
)
def test_accuracies_agree(name, epochs):
    readable, compiled = (
        np.mean([accuracy(name, seed, engine, epochs) for seed in range(5)])
        for engine in ("readable", "compiled")
    )
    assert abs(readable - compiled) <= 0.01
    assert readable > 0.9
