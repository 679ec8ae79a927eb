"""A traced step has the numbers of backprop and of training, and changes nothing."""

import numpy as np
import pytest

from pellucid.errors import ConfigurationError, DataError, UnknownNameError
from pellucid.layer import Layer
from pellucid.layers import (
    BatchNorm,
    Chain,
    Concat,
    Conv2D,
    Dense,
    Dropout,
    Flatten,
    MaxPool2D,
    Residual,
    Select,
)
from pellucid.network import NeuralNetwork
from pellucid.optimizers import Adam, GradientDescent, Momentum
from pellucid.schedules import Cosine
from pellucid.trace import position, trace_step
from pellucid.why import quantities

NETWORKS = {
    "dense": ([Dense(4, "tanh"), Dense(2)], 3, "mean_squared_error"),
    "softmax": ([Dense(4, "relu"), Dense(3, "softmax")], 3, "cross_entropy"),
    "norm": ([BatchNorm(), Dense(4, "relu"), Dense(2)], 3, "cross_entropy"),
    "dropout": ([Dense(8, "gelu"), Dropout(0.5), Dense(1)], 3, "sum_of_squares"),
    "images": (
        [Conv2D(2, 3, "relu"), BatchNorm(), MaxPool2D(2), Flatten(), Dense(2)],
        (6, 6, 1),
        "cross_entropy",
    ),
    "residual": (
        [Dense(3), Residual([Dense(3, "relu"), Dropout(0.2)]), Dense(1)],
        3,
        "binary_cross_entropy",
    ),
    "branches": (
        [Concat([Select("a"), Chain([Select("b"), Dense(2, "tanh")])]), Dense(1)],
        {"a": 2, "b": 3},
        "mean_absolute_error",
    ),
}
every_network = pytest.mark.parametrize("name", NETWORKS)


def network_and_data(name, dtype="float32", n=6):
    layers, shape, loss = NETWORKS[name]
    network = NeuralNetwork(layers, loss=loss, input_shape=shape, dtype=dtype, seed=2)
    r = np.random.default_rng(0)
    if isinstance(shape, dict):
        x = {key: r.normal(size=(n, size)) for key, size in shape.items()}
    else:
        x = r.normal(size=(n, *((shape,) if isinstance(shape, int) else shape)))
    classes = network.blueprint.outputs if network.loss.task == "classes" else 2
    y = np.arange(n) % classes
    return (
        network,
        x,
        y
        if network.loss.task != "numbers"
        else r.normal(size=(n,))[:, None] * np.ones(network.blueprint.outputs),
    )


# ---- the numbers


@every_network
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_loss_and_gradients_are_those_of_backprop_in_every_bit(name, dtype):
    network, x, y = network_and_data(name, dtype)
    weight = np.linspace(0.5, 2, 6)
    loss, gradients = network.backprop(x, y, weight)
    step = network.trace(x, y, sample_weight=weight)
    assert step.loss == loss
    assert np.array_equal(step.gradients.vector, gradients.vector)
    assert step.gradients.vector.dtype == dtype
    size = network.blueprint.layout.parameters.size
    assert np.array_equal(step.new_weights.vector[size:], gradients.state.vector)
    assert np.array_equal(step.output, step[list(step.layers)[-1]].output)


@every_network
def test_the_update_is_that_of_training(name):
    network, x, y = network_and_data(name)
    rule = Adam(Cosine(0.01), l2=0.1, clip_norm=0.5)
    settings = {"optimizer": rule, "batch_size": 6, "shuffle": False}
    settings |= {"engine": "readable", "progress": False}
    network.fit(x, y, iterations=5, **settings)
    network.training.total = 9  # what resuming with iterations=6 would find, see below
    step = network.trace(x, y)
    assert (step.iteration, step.optimizer) == (5, rule)
    network.fit(x, y, iterations=9, resume=True, **settings)
    replayed = step
    for _ in range(3):
        before = replayed.after(rule.rate(replayed.iteration + 1, 9))
        replayed = trace_step(network, step.data, before)
    assert np.array_equal(replayed.new_weights.vector, network.weights)
    for memory, vector in network.training.memory.items():
        assert np.array_equal(replayed.new_memory[memory].vector, vector)


def test_it_changes_nothing():
    for name in NETWORKS:
        network, x, y = network_and_data(name)
        network.fit(x, y, epochs=2, engine="readable", progress=False)
        weights, memory = network.weights.copy(), network.training.memory["m"].copy()
        step = network.trace(x, y)
        step.sample_gradients(next(iter(step.gradients)))
        step.why("loss")
        step.new_weights.vector[...] = 0
        assert np.array_equal(network.weights, weights)
        assert np.array_equal(network.training.memory["m"], memory)
        assert network.training.step == 2


def test_it_stays_what_it_is_while_data_and_network_change():
    network, x, y = network_and_data("dense")
    step, x = network.trace(x, y), x.copy()
    again = network.trace(x, y)
    x[...] = 0
    network.fit(np.ones((6, 3)), np.ones((6, 2)), epochs=1, progress=False)
    assert np.array_equal(step.x, again.x)
    name = "dense_1.W"
    assert np.array_equal(step.sample_gradients(name), again.sample_gradients(name))


# ---- what can be read


def test_a_layer_has_what_it_took_gave_and_kept():
    network, x, y = network_and_data("dense", "float64")
    step = network.trace(x, y, optimizer=GradientDescent(0.5))
    first, second = step["dense_1"], step.layers["dense_2"]
    assert list(step.layers) == ["dense_1", "dense_2"]
    assert np.array_equal(first.input, x)
    assert np.allclose(first.kept["z"], x @ first.weights["W"] + first.weights["b"])
    assert np.array_equal(first.output, np.tanh(first.kept["z"]))
    assert np.allclose(first.d_output, second.delta @ second.weights["W"].T)
    assert np.allclose(first.delta, first.d_output * (1 - first.output**2))
    assert np.allclose(first.gradients["W"], x.T @ first.delta)
    assert np.allclose(step.update["dense_1.W"], -0.5 * first.gradients["W"])
    assert np.allclose(
        step.new_weights["dense_1.W"], first.weights["W"] - 0.5 * first.gradients["W"]
    )
    assert np.allclose(step.losses.mean(), step.loss)
    assert "dense_1" in repr(step)
    assert "z (6, 4)" in repr(first)


def test_layers_stand_as_they_were_written():
    network, x, y = network_and_data("softmax")
    step = network.trace(x, y)
    assert repr(step["dense_2"].layer) == "Dense(3, 'softmax')"


def test_a_layer_with_a_mapping_has_its_arrays_by_name():
    network, x, y = network_and_data("branches")
    step = network.trace(x, y)
    assert step["concat_1"].input.keys() == {"a", "b"}
    assert step["concat_1.chain_1.dense_1"].input.shape == (6, 3)
    assert step["concat_1"].d_output.shape == (6, 4)
    assert list(step["concat_1.select_1"].gradients) == []


def test_a_layer_that_passes_on_its_input_has_an_output_of_its_own():
    network = NeuralNetwork(
        [Dense(2), Residual([Dropout(0.0)])], loss="sum_of_squares", input_shape=2
    )
    step = network.trace(np.eye(2), np.ones((2, 2)))
    inner = step["residual_1.dropout_1"]
    assert np.array_equal(inner.output, step["dense_1"].output)
    assert step.nodes["residual_1.dropout_1.output"] is not step.nodes["dense_1.output"]


def test_a_layer_of_another_package_is_traced_with_no_more_work():
    class Doubled(Layer, abstract=True):
        def forward(self, x, p, memo):
            memo.half = 0.5 * x
            memo.twice = 4.0 * memo.half
            return memo.twice

        def backward(self, da, p, g, memo):
            return 2.0 * da

    network = NeuralNetwork([Doubled(), Dense(1)], loss="sum_of_squares", input_shape=2)
    step = network.trace(np.eye(2), [1.0, 2.0])
    assert np.array_equal(step["doubled_1"].kept["half"], np.eye(2) / 2)
    assert step.why("doubled_1.twice[0, 0]").formula == "4 * half[0, 0]"
    assert step.why("doubled_1.delta[0, 0]").difference.agrees


# ---- where it starts


def test_an_optimizer_starts_afresh_and_a_rate_can_be_given():
    network, x, y = network_and_data("dense")
    network.fit(x, y, epochs=2, progress=False, optimizer="adam")
    assert network.trace(x, y).memory["m"].vector.any()
    other = network.trace(x, y, optimizer=Momentum(0.1), learning_rate=0.25)
    assert (other.iteration, other.rate) == (0, 0.25)
    assert other.memory
    assert not any(memory.vector.any() for memory in other.memory.values())
    untrained = NeuralNetwork([Dense(1)], loss="sum_of_squares").trace([[1.0]], [2.0])
    assert (untrained.optimizer, untrained.iteration) == (Adam(), 0)


def test_with_averaging_it_goes_on_from_the_weights_of_training():
    network, x, y = network_and_data("dense", "float64")
    rule = GradientDescent(0.1, average=0.9)
    settings = {"optimizer": rule, "batch_size": 6, "shuffle": False}
    settings |= {"engine": "readable", "progress": False}
    network.fit(x, y, iterations=3, **settings)
    step = network.trace(x, y)
    assert not np.array_equal(step.weights.vector, network.weights)
    network.fit(x, y, iterations=4, resume=True, **settings)
    assert np.array_equal(step.new_memory["average"].vector, network.weights)
    assert np.array_equal(step.new_weights.vector, network.training.memory["average"])


def test_frozen_weights_stay():
    network, x, y = network_and_data("dense")
    network.freeze("dense_1.W")
    step = network.trace(x, y, optimizer=Adam(0.1, decay=0.5))
    assert not step.update["dense_1.W"].any()
    assert step.update["dense_1.b"].any()


def test_what_is_wrong_is_said():
    network, x, y = network_and_data("dense")
    step = network.trace(x, y)
    with pytest.raises(UnknownNameError, match="Did you mean 'dense_1'"):
        step["dense_11"]
    with pytest.raises(UnknownNameError, match=r"Did you mean 'dense_1\.W'"):
        step.sample_gradients("dense_1.w")
    with pytest.raises(ConfigurationError, match="learning rate > 0"):
        network.trace(x, y, learning_rate=0)
    with pytest.raises(DataError, match="each row needs a target"):
        network.trace(x, y[:2])
    with pytest.raises(ConfigurationError, match="no optimizer named 'adm'"):
        position(network, "adm")


# ---- each sample


@every_network
def test_the_shares_of_the_samples_sum_to_the_gradient(name):
    network, x, y = network_and_data(name, "float64")
    weight = np.array([1.0, 2, 0, 1, 0.5, 1])
    step = network.trace(x, y, sample_weight=weight)
    for parameter, gradient in step.gradients.items():
        each = step.sample_gradients(parameter)
        assert each.shape == (6, *gradient.shape)
        assert np.allclose(each.sum(axis=0), gradient, rtol=1e-12, atol=1e-14)
        assert not each[2].any()


def test_without_layers_that_look_at_the_batch_a_share_is_that_of_the_sample_alone():
    network, x, y = network_and_data("softmax", "float64")
    step = network.trace(x, y)
    for parameter in step.gradients:
        each = step.sample_gradients(parameter)
        for i in range(6):
            alone = network.backprop(x[i : i + 1], y[i : i + 1])[1][parameter] / 6
            assert np.allclose(each[i], alone, rtol=1e-12, atol=1e-15)


def test_every_name_of_an_optimizer_and_a_layer_can_stand_side_by_side():
    network, x, y = network_and_data("dense")
    step = network.trace(x, y)
    names = set(quantities.Quantities(step).by_name)
    expected = "dense_1.W.m dense_1.W.new_m dense_1.W.grad dense_1.W.new dense_1.delta"
    assert set(expected.split()) <= names
