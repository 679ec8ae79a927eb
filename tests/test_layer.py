"""Layers and memo, the one channel between a layer and its network."""

import numpy as np
import pytest

from pellucid.errors import ConfigurationError, DataError, SymbolError
from pellucid.layer import Layer, Memo, Noise, layer_names, new_pass, sample_shape
from pellucid.layers import BatchNorm, Chain, Dense, Dropout, Flatten, Residual
from pellucid.layout import LayerView
from pellucid.network import NeuralNetwork
from pellucid.rng import step_key, uniform

# ---- names


def test_automatic_names_count_by_kind_and_skip_those_that_are_given():
    layers = (Dense(1), Flatten(), Dense(2, name="dense_2"), Dense(3), Dense(4))
    names = ("dense_1", "flatten_1", "dense_2", "dense_3", "dense_4")
    assert layer_names(layers) == names
    assert layer_names((Dense(1, name="a"), Dense(1))) == ("a", "dense_1")
    assert layer_names(()) == ()


def test_two_layers_cannot_have_one_name():
    with pytest.raises(ConfigurationError, match="Two layers have the name 'a'"):
        layer_names((Dense(1, name="a"), Dense(2, name="a")))


@pytest.mark.parametrize("name", ["a.b", "", 3])
def test_names_are_texts_without_dots(name):
    with pytest.raises(ConfigurationError, match="name"):
        Dense(1, name=name)


# ---- memo


@pytest.fixture
def memo():
    return Memo(new_pass(training=True, key=5, step=2, dtype=np.float32))


def test_what_is_kept_can_be_read(memo):
    memo.z = 3.0
    memo["dense_1"].z = 4.0
    assert (memo.z, memo["dense_1"].z) == (3.0, 4.0)
    assert memo["dense_1"] is memo["dense_1"]
    assert dict(memo.values) == {"z": 3.0}
    assert list(memo.children) == ["dense_1"]
    assert memo.training is True
    assert memo.dtype == np.float32


def test_what_was_not_kept_says_so(memo):
    with pytest.raises(AttributeError, match=r"forward writes memo\.z = "):
        memo.z  # noqa: B018


@pytest.mark.parametrize("name", ["state", "rng", "values", "training", "forward"])
def test_words_of_the_network_cannot_be_written(memo, name):
    with pytest.raises(AttributeError, match=f"memo.{name} is given by the network"):
        setattr(memo, name, 1.0)


# ---- random numbers


def test_every_call_in_a_pass_is_a_stream_of_its_own():
    noise = Noise(11, 4, np.dtype("float32"))
    drawn = [noise.uniform((2, 3)) for _ in range(3)]
    for stream, values in enumerate(drawn):
        assert values.dtype == np.float32
        assert np.array_equal(values, uniform(step_key(11, 4, stream), (2, 3)))


def test_two_dropouts_leave_out_different_numbers():
    network = NeuralNetwork(
        [Dropout(0.5), Chain([Dropout(0.5)])], loss="sum_of_squares", input_shape=50
    )
    x = np.ones((20, 50), dtype=np.float32)
    memo = Memo(new_pass(training=True, key=3, step=0, dtype=np.float32))
    p = LayerView(network.weights, network.blueprint.layout)
    network.blueprint.feedforward(x, p, memo)
    first = memo["dropout_1"].kept > 0
    second = memo["chain_1"]["dropout_1"].kept > 0
    assert 0.4 < (first == second).mean() < 0.6


# ---- passes


def test_outputs_and_deltas_of_every_layer_are_recorded():
    network = NeuralNetwork(
        [Dense(3, "tanh"), Residual([Dense(3)]), Dense(2)],
        loss="half_sum_of_squares",
        input_shape=4,
        dtype="float64",
    )
    random = np.random.default_rng(0)
    x, y = random.normal(size=(5, 4)), random.normal(size=(5, 2))
    found = network.engine.backprop(network.weights, x, y, np.ones(5), 1.0)
    outputs, deltas = found.shared.outputs, found.shared.deltas
    names = ["dense_1", "residual_1.dense_1", "residual_1", "dense_2"]
    assert list(outputs) == names
    assert sorted(deltas) == sorted(names)
    assert all(deltas[name].shape == outputs[name].shape for name in names)
    np.testing.assert_allclose(deltas["dense_2"], outputs["dense_2"] - y)
    W = network.parameters["dense_2.W"]
    np.testing.assert_allclose(deltas["residual_1"], deltas["dense_2"] @ W.T)
    np.testing.assert_array_equal(deltas["residual_1.dense_1"], deltas["residual_1"])
    inner = network.parameters["residual_1.dense_1.W"]
    through = deltas["residual_1"] + deltas["residual_1"] @ inner.T
    np.testing.assert_allclose(deltas["dense_1"], through)


def test_a_pass_changes_nothing():
    network = NeuralNetwork(
        [BatchNorm(), Dropout(), Dense(2)], loss="sum_of_squares", input_shape=3
    )
    before = network.weights.copy()
    x = np.random.default_rng(0).normal(size=(5, 3))
    _, gradients = network.backprop(x, np.zeros((5, 2)))
    network.feedforward(x)
    assert network.weights.tobytes() == before.tobytes()
    assert gradients.state.vector.tobytes() != before[-6:].tobytes()


def test_errors_in_a_layer_name_it():
    class Odd(Layer):
        def forward(self, x, p, memo):
            if isinstance(x, np.ndarray) and len(x) == 1:
                raise DataError("one row is not enough")
            if isinstance(x, np.ndarray) and len(x) == 2:
                raise KeyError("two")
            return x

        def backward(self, da, p, g, memo):
            return da

    network = NeuralNetwork([Chain([Odd()])], loss="sum_of_squares", input_shape=3)
    with pytest.raises(DataError) as told:
        network.feedforward(np.ones((1, 3)))
    assert str(told.value) == "Layer 'chain_1.odd_1' Odd(): one row is not enough"
    with pytest.raises(KeyError) as noted:
        network.feedforward(np.ones((2, 3)))
    assert noted.value.__notes__ == ["in layer 'chain_1.odd_1' Odd()"]
    assert network.feedforward(np.ones((3, 3))).shape == (3, 3)


def test_a_layer_must_return_something():
    class Odd(Layer):
        def forward(self, x, p, memo):
            memo.x = x

    with pytest.raises(SymbolError, match="forward returned NoneType, not an array"):
        NeuralNetwork([Odd(), Dense(1)], loss="sum_of_squares", input_shape=3)


def test_shape_of_one_sample():
    assert sample_shape(np.ones((5, 2, 3))) == (2, 3)
    assert sample_shape({"a": np.ones((5, 2)), "b": np.ones(5)}) == {"a": (2,), "b": ()}


def test_a_layer_without_forward_or_backward_says_so():
    class Empty(Layer):
        pass

    with pytest.raises(NotImplementedError):
        Empty().forward(None, None, None)
    with pytest.raises(NotImplementedError):
        Empty().backward(None, None, None, None)
    assert Empty().slots((3,)) == {}
    assert Empty().inner == ()
