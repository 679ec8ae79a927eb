"""Networks of Keras predict the same in pellucid: golden data and stand-ins."""

import numpy as np
import pytest
from standins import agree, golden_cases, keras_chain, rebuilt, stand_in

import pellucid
from golden import load
from pellucid.errors import ConfigurationError


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", golden_cases("keras"))
def test_it_predicts_the_same(name, dtype):
    case = load("imported")[name]
    agree(pellucid.from_keras(rebuilt(case["model"], dtype)), case, dtype)


def named(name, low=0.0, high=0.0):
    def function(x):
        return np.where(x < 0, low, high)

    function.__name__ = name
    return staticmethod(function)


def dense(activation, inputs=2, units=2, name="first"):
    W = np.linspace(-1, 1, inputs * units, dtype="f4").reshape(inputs, units)
    return stand_in("Dense", name=name, kernel=W, bias=None, activation=activation)


def test_layers_keep_their_names():
    network = pellucid.from_keras(keras_chain(dense(named("tanh"), name="a/b.c")))
    assert list(network.parameters) == ["a_b_c.W"]
    assert repr(network.layers[0]) == "Dense(2, 'tanh', name='a_b_c', bias=False)"


@pytest.mark.parametrize("slope", [0.2, 1 / 6])
def test_hard_sigmoid_of_keras_2_and_of_keras_3(slope):
    function = named("hard_sigmoid", 0.5 - slope, 0.5 + slope)
    network = pellucid.from_keras(keras_chain(dense(function)))
    x = np.linspace(-4, 4, 10).reshape(5, 2)
    z = x @ network.parameters["first.W"]
    wanted = np.clip(slope * z + 0.5, 0, 1)
    np.testing.assert_allclose(network.feedforward(x), wanted, rtol=1e-6)


def test_an_activation_that_is_a_layer():
    leaky = stand_in("LeakyReLU", negative_slope=0.3)
    network = pellucid.from_keras(keras_chain(dense(leaky)))
    assert network.layers[0].activation == pellucid.LeakyReLU(0.3)


def test_what_has_no_counterpart_is_named_with_its_place():
    model = keras_chain(dense(None), stand_in("LSTM", name="memory"))
    with pytest.raises(ConfigurationError, match="Layer 1 'memory', LSTM, has no"):
        pellucid.from_keras(model)
    model = keras_chain(dense(named("hard_shrink")))
    with pytest.raises(ConfigurationError, match=r"Layer 0 'first', Dense: .*shrink'"):
        pellucid.from_keras(model)


REFUSED = {
    "channels_first": stand_in("MaxPooling2D", data_format="channels_first"),
    "mask_zero=True": stand_in("Embedding", mask_zero=True),
    "max_value=6": stand_in("ReLU", max_value=6.0, threshold=0, negative_slope=0),
    "axis=1 is not the last": stand_in("BatchNormalization", axis=1),
    "interpolation='bilinear'": stand_in("UpSampling2D", interpolation="bilinear"),
    "rms_scaling": stand_in("LayerNormalization", axis=[-1], rms_scaling=True),
}


@pytest.mark.parametrize("told", REFUSED)
def test_settings_that_pellucid_has_not_are_told(told):
    model = keras_chain(REFUSED[told], shape=(None, 4, 5, 2))
    with pytest.raises(ConfigurationError, match=rf"Layer 0.*, \w+: .*{told}"):
        pellucid.from_keras(model)


def test_an_open_shape_is_asked_for():
    model = keras_chain(dense(None), shape=(None, None))
    with pytest.raises(ConfigurationError, match="give input_shape"):
        pellucid.from_keras(model)
    assert pellucid.from_keras(model, input_shape=2).blueprint.inputs.shape == (2,)


def test_pooled_numbers_in_another_shape_stay_as_many():
    pool = stand_in("GlobalAveragePooling2D", keepdims=False)
    reshape = stand_in("Reshape", target_shape=(3, 2))
    model = keras_chain(pool, reshape, stand_in("Flatten"), shape=(None, 2, 2, 6))
    network = pellucid.from_keras(model)
    image = np.arange(24.0).reshape(2, 2, 6)
    assert network.feedforward(image).tolist() == image.mean(axis=(0, 1)).tolist()
