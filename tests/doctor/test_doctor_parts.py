"""The doctor and every registered part: it can look at each, and finds each right."""

import numpy as np
import pytest

from pellucid import Dense, Input, NeuralNetwork
from pellucid.activations import Activation
from pellucid.doctor import own_parts
from pellucid.layer import Layer
from pellucid.losses import Loss
from pellucid.optimizers import Optimizer
from pellucid.targets import class_count
from registers import ours
from test_contract import layer_samples, samples

LAYER_KINDS = sorted(ours(Layer).keys() - ours(Activation).keys())


def data_for(net, n=24):
    """Return inputs and targets that a network can take."""
    random = np.random.default_rng(0)
    given = net.blueprint.inputs

    def inputs(one):
        if one.kind == "integer":
            return random.integers(0, 2, (n, *one.shape))
        return random.normal(size=(n, *one.shape))

    x = (
        inputs(given)
        if isinstance(given, Input)
        else {name: inputs(one) for name, one in given.items()}
    )
    if net.loss.task == "classes":
        return x, np.arange(n) % class_count(net.blueprint)
    y = np.maximum(random.normal(size=(n, *net.blueprint.target_shape)), net.loss.least)
    return x, (y > 0).astype(float) if net.loss.task == "labels" else y


def all_parts_are_ones_own(monkeypatch):
    """Let the check of gradients look at parts that come with pellucid as well."""
    monkeypatch.setattr(own_parts, "is_own", lambda part: part is not None)


def examined(net):
    """Return what is found, which no part is to blame for."""
    found = net.diagnose(*data_for(net))
    assert "wrong_gradients" not in found, found
    assert "not_finite" not in found, found
    assert set(found.skipped) == {"the course of the training"}
    return found


@pytest.mark.parametrize("name", LAYER_KINDS)
def test_every_layer(name, monkeypatch):
    all_parts_are_ones_own(monkeypatch)
    for layer, shape in layer_samples(Layer.registered()[name], 4):
        settings = {"loss": "mean_squared_error", "input_shape": shape}
        examined(NeuralNetwork([layer], **settings))


@pytest.mark.parametrize("name", ours(Activation))
def test_every_activation(name, monkeypatch):
    all_parts_are_ones_own(monkeypatch)
    for activation in samples(Activation.registered()[name]):
        layers = [Dense(6, activation), activation, Dense(2)]
        net = NeuralNetwork(layers, loss="mean_squared_error", input_shape=4)
        examined(net)


@pytest.mark.parametrize("name", ours(Loss))
def test_every_loss(name, monkeypatch):
    all_parts_are_ones_own(monkeypatch)
    for loss in samples(Loss.registered()[name]):
        layers = [Dense(6, "tanh"), Dense(3 * loss.per_target)]
        net = NeuralNetwork(layers, loss=loss, input_shape=4)
        examined(net)
        # Long enough that the course is looked at.
        net.fit(*data_for(net), epochs=60, progress=False, engine="readable")
        assert "not_finite" not in net.diagnose(*data_for(net))


@pytest.mark.parametrize("name", ours(Optimizer))
def test_every_optimizer(name):
    random = np.random.default_rng(0)
    x = random.normal(size=(64, 3))
    y = np.tanh(x[:, 0] + x[:, 1] * x[:, 2])
    for optimizer in samples(Optimizer.registered()[name]):
        net = NeuralNetwork([Dense(6, "tanh"), Dense(1)], loss="mean_squared_error")
        settings = {"progress": False, "engine": "readable"}
        net.fit(x, y, optimizer=optimizer, epochs=30, **settings)
        found = net.diagnose(x, y)
        assert found.skipped == {}
        assert "not_finite" not in found
