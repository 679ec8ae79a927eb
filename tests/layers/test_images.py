"""Layers for images and sequences: PyTorch's numbers, and what users get wrong."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from golden import load
from pellucid import files
from pellucid.activations import ReLU
from pellucid.errors import ConfigurationError, DataError, PellucidError, ShapeError
from pellucid.layer import Layer, Memo, new_pass
from pellucid.layers import (
    AveragePool1D,
    AveragePool2D,
    BatchNorm,
    Chain,
    Concat,
    Conv1D,
    Conv2D,
    ConvTranspose2D,
    Dense,
    DepthwiseConv2D,
    Embedding,
    FeatureScale,
    Flatten,
    GaussianNoise,
    GlobalAveragePool,
    GlobalMaxPool,
    GroupNorm,
    Input,
    LayerNorm,
    MaxPool1D,
    MaxPool2D,
    Pad,
    Rescale,
    Reshape,
    Residual,
    RMSNorm,
    Select,
    SeparableConv2D,
    SpatialDropout,
    UpSample,
)
from pellucid.layout import LayerView, Windows
from pellucid.network import NeuralNetwork
from registers import ours

CLOSE = {
    "float64": {"rtol": 1e-10, "atol": 1e-11},
    "float32": {"rtol": 2e-4, "atol": 2e-5},
}


def network_of(*layers, shape, loss="sum_of_squares", **settings):
    return NeuralNetwork(list(layers), loss=loss, input_shape=shape, **settings)


class Passed:
    """One layer forward and back, on numbers given by the names of its slots."""

    def __init__(self, layer, x, dy, numbers, mode="train"):
        dtype = dy.dtype
        kind = "number" if x.dtype.kind == "f" else "integer"
        network = network_of(layer, shape=Input(x.shape[1:], kind), dtype=dtype.name)
        layout = network.blueprint.layout
        weights = network.weights.copy()
        for name, values in Windows(weights, layout).items():
            values[...] = numbers[name.partition(".")[2]]
        state = weights[layout.parameters.size :].copy()
        view = LayerView(state, layout.state)
        training = mode == "train"
        memo = Memo(new_pass(training=training, dtype=dtype, state=view))
        gradient = np.full(layout.parameters.size, np.nan, dtype)
        p, g = LayerView(weights, layout), LayerView(gradient, layout.parameters)
        root = network.blueprint.root
        self.y = root.forward(x, p, memo)
        self.dx = root.backward(dy, p, g, memo)
        named = Windows(gradient, layout.parameters).items()
        self.gradients = {name.partition(".")[2]: values for name, values in named}
        named = Windows(state, layout.state).items()
        self.state = {name.partition(".")[2]: values for name, values in named}


# ---- PyTorch's numbers


@pytest.mark.parametrize("dtype", CLOSE)
@pytest.mark.parametrize("case", load("images"))
def test_layer_agrees_with_pytorch(case, dtype):
    golden = load("images")[case]
    layer = Layer.registered()[golden["layer"]](**golden["settings"])
    x = golden["x"]
    x = x.astype(dtype) if x.dtype.kind == "f" else x
    numbers = golden["parameters"] | golden["state"]
    found = Passed(layer, x, golden["dy"].astype(dtype), numbers, golden["mode"])
    close = CLOSE[dtype]
    np.testing.assert_allclose(found.y, golden["y"], **close)
    assert found.y.dtype == dtype
    if golden["dx"] is not None:
        np.testing.assert_allclose(found.dx, golden["dx"], **close)
    assert found.gradients.keys() == golden["gradients"].keys()
    for name, values in golden["gradients"].items():
        np.testing.assert_allclose(found.gradients[name], values, **close)
    assert found.state.keys() == golden["new_state"].keys()
    for name, values in golden["new_state"].items():
        np.testing.assert_allclose(found.state[name], values, **close)


def test_every_layer_over_images_has_golden_data():
    known = {case["layer"] for case in load("images").values()}
    over_images = {name for name, kind in ours(Layer).items() if kind.images}
    norms = {"batch_norm", "layer_norm", "group_norm", "rmsnorm"}
    pools = {"global_average_pool", "global_max_pool"}
    assert over_images | norms | pools | {"conv1d", "embedding"} <= known


# ---- borders


@given(
    length=st.integers(1, 12),
    size=st.integers(1, 5),
    stride=st.integers(1, 4),
    dilation=st.integers(1, 3),
)
def test_same_gives_the_length_over_the_stride(length, size, stride, dilation):
    how = {"stride": stride, "dilation": dilation, "padding": "same"}
    rows = math.ceil(length / stride)
    x = np.ones((1, length, 2))
    assert network_of(Conv1D(1, size, **how), shape=(length, 2)).feedforward(
        x
    ).shape == (1, rows, 1)
    x = np.ones((1, length, 3, 2))
    found = network_of(Conv2D(1, size, **how), shape=(length, 3, 2)).feedforward(x)
    assert found.shape == (1, rows, math.ceil(3 / stride), 1)
    found = network_of(MaxPool2D(size, stride, padding="same"), shape=(length, 3, 2))
    assert found.feedforward(x).shape == (1, rows, math.ceil(3 / stride), 2)
    back = network_of(ConvTranspose2D(1, size, **how), shape=(length, 3, 2))
    assert back.feedforward(x).shape == (1, length * stride, 3 * stride, 1)


def test_an_odd_pixel_of_a_border_goes_to_the_bottom_and_the_right():
    network = network_of(Conv2D(1, 2, padding="same", bias=False), shape=(2, 2, 1))
    network.parameters["conv2d_1.W"] = np.array([1.0, 10, 100, 1000]).reshape(
        2, 2, 1, 1
    )
    x = np.array([1.0, 2, 3, 4]).reshape(1, 2, 2, 1)
    assert network.feedforward(x)[0, :, :, 0].tolist() == [[4321, 402], [43, 4]]


def test_paddings_that_mean_the_same():
    x = np.random.default_rng(0).normal(size=(2, 4, 5, 2))
    for one, other in [(2, ((2, 2), (2, 2))), ((1, 2), ((1, 1), (2, 2))), ("valid", 0)]:
        networks = [
            network_of(Conv2D(3, 3, padding=each), shape=(4, 5, 2))
            for each in (one, other)
        ]
        assert np.array_equal(*(network.feedforward(x) for network in networks))
    x = x[:, 0]
    for one, other in [(2, ((2, 2),)), ((1,), ((1, 1),))]:
        networks = [
            network_of(Conv1D(3, 3, padding=each), shape=(5, 2))
            for each in (one, other)
        ]
        assert np.array_equal(*(network.feedforward(x) for network in networks))


def test_pixels_of_the_border_do_not_count_in_averages():
    x = np.full((1, 3, 3, 2), 5.0)
    for padding in ("same", 1, ((1, 0), (0, 1))):
        y = network_of(AveragePool2D(2, padding=padding), shape=(3, 3, 2)).feedforward(
            x
        )
        assert np.allclose(y, 5.0)
    y = network_of(AveragePool1D(2, 1, padding=1), shape=(3, 2)).feedforward(x[0])
    assert np.allclose(y, 5.0)


# ---- shapes that do not fit


@pytest.mark.parametrize(
    ("layers", "shape", "told"),
    [
        (
            [Conv2D(8, 3)],
            (28, 28),
            (
                "Layer 'conv2d_1' Conv2D(8, 3): Conv2D takes images, shape (n, height, "
                "width, channels); here the input has shape (n, 28, 28). The axis of "
                "channels is missing: hand in x[..., None], or put Reshape((28, 28, "
                "1)) before this layer."
            ),
        ),
        (
            [Conv2D(8, 3)],
            784,
            "has shape (n, 784). Put a layer such as Reshape((28, 28, 1)) before it.",
        ),
        ([Conv1D(8, 3)], 100, "The axis of channels is missing: hand in x[..., None]"),
        ([Conv1D(8, 3)], (8, 8, 1), "sequences, shape (n, length, channels); here"),
        ([MaxPool2D()], 9, "MaxPool2D takes images"),
        ([MaxPool1D()], (9, 9, 1), "MaxPool1D takes sequences"),
        ([GlobalMaxPool()], 9, "GlobalMaxPool takes images"),
        ([UpSample((2, 2))], (9, 1), "Sequences take one number as factor"),
        ([Pad(((1, 1), (1, 1)))], (9, 1), "Expected width to be a number"),
        ([Conv2D(8, 3)], {"a": (8, 8, 1), "b": 2}, "choose one with Select(name)"),
        ([LayerNorm()], {"a": 3, "b": 2}, "choose one with Select(name)"),
        (
            [MaxPool2D(4), Conv2D(8, 3)],
            (8, 8, 1),
            (
                "Layer 'conv2d_1' Conv2D(8, 3): A window of 3 x 3 pixels does not fit "
                "into an image of 2 x 2. Use padding='same', a smaller window, or "
                "fewer layers that shrink the image."
            ),
        ),
        (
            [Conv1D(8, 5, dilation=2)],
            (8, 1),
            "A window of 9 entries does not fit into a sequence of 8. Use padding=",
        ),
        (
            [Conv2D(8, 2, groups=2)],
            (4, 4, 3),
            "3 channels and 8 filters cannot be split",
        ),
        (
            [Conv2D(3, 2, groups=2)],
            (4, 4, 2),
            "2 channels and 3 filters cannot be split",
        ),
        ([GroupNorm(4)], (4, 4, 6), "6 features cannot be split into 4 equal groups"),
        (
            [ConvTranspose2D(2, 2, padding=2)],
            (2, 2, 1),
            "Nothing is left of the output",
        ),
        # channels first
        (
            [Conv2D(8, 3)],
            (1, 28, 28),
            (
                "Images of shape (n, 1, 28, 28) look like (n, channels, height, "
                "width); here images are (n, height, width, channels): write "
                "x.transpose(0, 2, 3, 1). (If their height is 1 and 28 the number of "
                "their channels, put Reshape((1, 28, 28)) first.)"
            ),
        ),
        ([Conv2D(8, 3, padding="same")], (3, 32, 48), "write x.transpose(0, 2, 3, 1)"),
        ([MaxPool2D(2, padding="same")], (1, 9, 8), "write x.transpose(0, 2, 3, 1)"),
        ([Residual([Conv2D(28, 1)])], (3, 28, 28), "write x.transpose(0, 2, 3, 1)"),
        (
            [Rescale(), Conv2D(8, 3, padding="same")],
            (3, 32, 48),
            "write x.transpose(0, 2, 3, 1)",
        ),
        (
            [BatchNorm(), ReLU(), Conv2D(8, 3, padding="same")],
            (3, 32, 32),
            "write x.transpose(0, 2, 3, 1)",
        ),
        ([Conv2D(8, 5)], (3, 6, 4), "if these are (n, channels, height, width), write"),
        # containers
        (
            [Residual([Conv2D(2, 3)])],
            (5, 5, 2),
            (
                "Residual adds its input of shape (n, 5, 5, 2) to the output of its "
                "layers, which has shape (n, 3, 3, 2): keep the height and width of "
                "images, and the length of sequences, with padding='same' and no "
                "strides inside."
            ),
        ),
        (
            [Residual([Conv2D(3, 3, padding="same")])],
            (5, 5, 2),
            "make the last layer inside give 2 outputs.",
        ),
        ([Residual([Flatten()])], (5, 5, 2), "make the layers inside keep the shape."),
        (
            [Concat([Conv2D(2, 3), Conv2D(2, 1)])],
            (5, 5, 2),
            (
                "differ in more than the last axis: (n, 3, 3, 2), (n, 5, 5, 2). Images "
                "need one height and width (padding='same' keeps them)"
            ),
        ),
        ([Conv2D(2, 3), Dense(2)], (5, 5, 2), "Put Flatten() before it"),
    ],
)
def test_shapes_that_do_not_fit(layers, shape, told):
    with pytest.raises((ShapeError, ConfigurationError)) as error:
        network_of(*layers, shape=shape)
    assert told in str(error.value)


@pytest.mark.parametrize(
    ("layers", "shape"),
    [
        ([Reshape((1, 28, 28)), Conv2D(8, (1, 3))], (1, 28, 28)),  # said on purpose
        ([Reshape((1, 28, 28)), Rescale(), Conv2D(8, (1, 3))], (1, 28, 28)),
        ([Conv2D(8, 3, padding="same")], (3, 5, 64)),  # a narrow image of many channels
        ([Conv2D(8, 3, padding="same")], (1, 1, 256)),
        ([Conv2D(64, 1), Conv2D(8, 3, padding="same")], (3, 40, 1)),
        ([MaxPool2D((8, 1)), Conv2D(32, 1), Conv2D(8, (1, 3))], (8, 32, 1)),
        ([Dense(3)], 3),
    ],
)
def test_images_that_only_look_a_little_like_channels_first(layers, shape):
    network_of(*layers, shape=shape)


@pytest.mark.parametrize(
    ("make", "told"),
    [
        (lambda: Conv2D(0, 3), "Expected filters to be a whole number of at least 1"),
        (lambda: Conv2D(8, 0), "Expected size of the window to be a whole number"),
        (
            lambda: Conv2D(8, (3, 3, 3)),
            "to be a number, or two for down and right; got",
        ),
        (lambda: Conv2D(8, 3, stride=0), "Expected stride to be a whole number"),
        (lambda: Conv2D(8, 3, dilation=(1, 0.5)), "Expected dilation to be a whole"),
        (lambda: Conv2D(8, 3, groups=0), "Expected groups to be a whole number"),
        (
            lambda: Conv2D(8, 3, padding="full"),
            "Expected padding to be 'same' (a border",
        ),
        (
            lambda: Conv2D(8, 3, padding=-1),
            "Expected padding to be a whole number of at",
        ),
        (
            lambda: Conv2D(8, 3, padding=(1, 2, 3)),
            "((top, bottom), (left, right)); got",
        ),
        (
            lambda: Conv2D(8, 3, padding=((1, 2, 3), 1)),
            "one for each of 2 axes, or ((to",
        ),
        (
            lambda: Conv1D(8, 3, padding=(1, 2)),
            "one for each of 1 axis, or ((before, a",
        ),
        (lambda: Conv1D(8, (3, 3)), "Expected kernel_size to be a whole number"),
        (lambda: Conv1D(8, 3, stride=0), "Expected stride to be a whole number"),
        (lambda: Conv2D(8, 3, "relus"), "There is no activation named 'relus'."),
        (lambda: DepthwiseConv2D(3, multiplier=0), "Expected multiplier to be"),
        (lambda: SeparableConv2D(0, 3), "Expected filters to be"),
        (
            lambda: MaxPool2D(2, padding=2),
            "would lie outside of the image: choose less",
        ),
        (
            lambda: MaxPool2D((3, 2), padding=((0, 0), (0, 2))),
            "a window of 2 would lie",
        ),
        (lambda: AveragePool1D(2, padding=2), "would lie outside of the image"),
        (lambda: MaxPool1D(2, 0), "Expected stride to be a whole number"),
        (lambda: MaxPool2D(2, 0), "Expected stride to be a whole number"),
        (lambda: UpSample(0), "Expected factor to be a whole number"),
        (lambda: Pad(-1), "Expected width to be a whole number of at least 0"),
        (lambda: Pad((1, 2, 3)), "Expected width to be a number"),
        (lambda: LayerNorm(0.0), "Expected epsilon > 0"),
        (lambda: RMSNorm(-1.0), "Expected epsilon > 0"),
        (lambda: GroupNorm(0), "Expected groups to be a whole number"),
        (lambda: GroupNorm(1, 0.0), "Expected epsilon > 0"),
        (lambda: SpatialDropout(1.0), "Expected rate in [0, 1)"),
        (lambda: GaussianNoise(-0.1), "Expected deviation >= 0"),
        (lambda: Embedding(0, 2), "Expected count to be a whole number"),
        (lambda: Embedding(2, 0), "Expected units to be a whole number"),
    ],
)
def test_settings_that_cannot_work(make, told):
    with pytest.raises(ConfigurationError) as error:
        make()
    assert told in str(error.value)


@pytest.mark.parametrize(
    "last",
    [GlobalAveragePool(), GlobalMaxPool(), Flatten()],
)
def test_a_softmax_before_the_end_is_refused(last):
    layers = [Conv2D(3, 2, "softmax"), last]
    with pytest.raises(ConfigurationError, match="must then be the last thing"):
        network_of(*layers, shape=(2, 2, 1), loss="cross_entropy")


# ---- what is computed


def test_conv1d_is_conv2d_over_one_row():
    random = np.random.default_rng(0)
    x, dy = random.normal(size=(2, 7, 3)), random.normal(size=(2, 3, 4))
    W, b = random.normal(size=(3, 3, 4)), random.normal(size=4)
    how = {"stride": 2, "activation": "tanh"}
    one = Passed(Conv1D(4, 3, **how), x, dy, {"W": W, "b": b})
    other = Passed(
        Conv2D(4, (1, 3), stride=(1, 2), activation="tanh"),
        x[:, None],
        dy[:, None],
        {"W": W[None], "b": b},
    )
    assert np.array_equal(one.y, other.y[:, 0])
    assert np.array_equal(one.dx, other.dx[:, 0])
    assert np.array_equal(one.gradients["W"], other.gradients["W"][0])
    np.testing.assert_allclose(one.gradients["b"], other.gradients["b"], rtol=1e-12)


def test_a_convolution_of_one_pixel_is_a_dense_layer():
    random = np.random.default_rng(0)
    x, W, b = random.normal(size=(4, 1, 1, 3)), random.normal(size=(3, 2)), np.ones(2)
    dy = random.normal(size=(4, 1, 1, 2))
    one = Passed(Conv2D(2, 1, "tanh"), x, dy, {"W": W[None, None], "b": b})
    other = Passed(Dense(2, "tanh"), x[:, 0, 0], dy[:, 0, 0], {"W": W, "b": b})
    np.testing.assert_allclose(one.y[:, 0, 0], other.y, rtol=1e-12)
    np.testing.assert_allclose(
        one.gradients["W"][0, 0], other.gradients["W"], rtol=1e-12
    )
    np.testing.assert_allclose(one.dx[:, 0, 0], other.dx, rtol=1e-12)


def test_a_convolution_is_linear_and_follows_its_image():
    network = network_of(Conv2D(2, 3, bias=False), shape=(8, 9, 2), dtype="float64")
    x = np.random.default_rng(0).normal(size=(1, 8, 9, 2))
    y = network.feedforward(x)
    np.testing.assert_allclose(
        network.feedforward(3 * x), 3 * y, rtol=1e-10, atol=1e-12
    )
    moved = network.feedforward(np.roll(x, (2, 1), (1, 2)))
    np.testing.assert_allclose(moved[:, 2:, 1:], y[:, :-2, :-1], rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize(
    ("layer", "slot", "fan"),
    [
        (Conv2D(64, 5, "relu"), "W", 25 * 16),
        (Conv2D(64, 5, "relu", groups=4), "W", 25 * 4),
        (Conv2D(64, (1, 3), weight_init="he_normal"), "W", 3 * 16),
        (DepthwiseConv2D(5, "relu", multiplier=8), "W", 25),
        (SeparableConv2D(64, 5, "relu", multiplier=4), "D", 25),
        (SeparableConv2D(64, 5, "relu", multiplier=4), "W", 64),
    ],
)
def test_first_weights_suit_the_inputs_that_a_filter_sums(layer, slot, fan):
    network = network_of(layer, shape=(8, 8, 16))
    W = network.parameters[next(n for n in network.parameters if n.endswith(slot))]
    deviation = (2 / fan) ** 0.5  # He's
    assert W.std() == pytest.approx(deviation, rel=0.1)


def test_batch_norm_counts_every_place_as_a_row():
    x = np.random.default_rng(0).normal(2.0, 3.0, size=(4, 3, 5, 2))
    network = network_of(BatchNorm(0.0), shape=(3, 5, 2), dtype="float64")
    _, gradients = network.backprop(x, np.zeros_like(x))
    rows = x.reshape(-1, 2)
    found = gradients.state["batch_norm_1.variance"]
    np.testing.assert_allclose(found, rows.var(axis=0, ddof=1), rtol=1e-12)
    np.testing.assert_allclose(
        gradients.state["batch_norm_1.mean"], rows.mean(axis=0), rtol=1e-12
    )


def test_statistics_of_one_row_of_features_are_refused_and_of_one_image_are_not():
    network = network_of(Flatten(), BatchNorm(), shape=(1, 1, 2))
    with pytest.raises(DataError, match="needs at least two rows in a training batch"):
        network.backprop(np.ones((1, 1, 1, 2)), np.zeros((1, 2)))
    network = network_of(BatchNorm(), shape=(1, 1, 2))
    with pytest.raises(DataError, match="needs at least two rows in a training batch"):
        network.backprop(np.ones((1, 1, 1, 2)), np.zeros((1, 1, 1, 2)))
    network = network_of(BatchNorm(), shape=(1, 2, 2))
    loss, _ = network.backprop(np.ones((1, 1, 2, 2)), np.zeros((1, 1, 2, 2)))
    assert np.isfinite(loss)


@pytest.mark.parametrize("shape", [(5,), (3, 2, 6)])
def test_normalized_numbers_have_mean_0_and_variance_1(shape):
    x = np.random.default_rng(0).normal(5.0, 3.0, size=(4, *shape))
    layers = [LayerNorm(1e-12), GroupNorm(1, 1e-12)]
    by_layer = network_of(layers[0], shape=shape, dtype="float64").feedforward(x)
    np.testing.assert_allclose(by_layer.mean(axis=-1), 0, atol=1e-10)
    np.testing.assert_allclose(by_layer.var(axis=-1), 1, rtol=1e-6)
    whole = network_of(layers[1], shape=shape, dtype="float64").feedforward(x)
    whole = whole.reshape(4, -1)
    np.testing.assert_allclose(whole.mean(axis=-1), 0, atol=1e-10)
    np.testing.assert_allclose(whole.var(axis=-1), 1, rtol=1e-6)
    size = network_of(RMSNorm(1e-12), shape=shape, dtype="float64").feedforward(x)
    np.testing.assert_allclose((size**2).mean(axis=-1), 1, rtol=1e-6)


def trained_output(layer, x, step=0, key=5):
    memo = Memo(new_pass(training=True, key=key, step=step, dtype=x.dtype))
    return layer.forward(x, None, memo), memo


def test_spatial_dropout_leaves_out_whole_channels():
    x = np.ones((40, 3, 2, 50))
    y, memo = trained_output(SpatialDropout(0.4), x)
    each = y[:, 0, 0]
    assert (y == each[:, None, None]).all()
    assert set(np.unique(y)) == {0.0, 1 / 0.6}
    assert (each == 0).mean() == pytest.approx(0.4, abs=0.03)
    dx = SpatialDropout(0.4).backward(np.ones_like(x), None, None, memo)
    assert np.array_equal(dx, y)
    assert not np.array_equal(trained_output(SpatialDropout(0.4), x, step=1)[0], y)
    assert np.array_equal(trained_output(SpatialDropout(0.4), x)[0], y)


def test_gaussian_noise_is_normal_in_training_and_nothing_in_prediction():
    x = np.zeros((100, 200))
    y, _ = trained_output(GaussianNoise(0.5), x)
    assert y.mean() == pytest.approx(0.0, abs=0.02)
    assert y.std() == pytest.approx(0.5, rel=0.02)
    share = (abs(y) < 0.5).mean()  # within one deviation
    assert share == pytest.approx(math.erf(1 / math.sqrt(2)), abs=0.01)
    network = network_of(GaussianNoise(0.5), shape=3, dtype="float64")
    assert network.feedforward([[1.0, 2.0, 3.0]]).tolist() == [[1.0, 2.0, 3.0]]


def test_up_sampling_repeats_pixels_and_padding_adds_zeros():
    x = np.array([1.0, 2, 3, 4]).reshape(1, 2, 2, 1)
    y = network_of(UpSample((1, 2)), shape=(2, 2, 1)).feedforward(x)
    assert y[0, :, :, 0].tolist() == [[1, 1, 2, 2], [3, 3, 4, 4]]
    y = network_of(Pad((0, 1)), shape=(2, 2, 1)).feedforward(x)
    assert y[0, :, :, 0].tolist() == [[0, 1, 2, 0], [0, 3, 4, 0]]
    y = network_of(Pad(((1, 0),)), shape=(2, 1)).feedforward(x[:, 0])
    assert y[0, :, 0].tolist() == [0, 1, 2]


def test_rescaling_multiplies_and_adds():
    x, dy = np.array([[0.0, 51.0, 255.0]]), np.array([[1.0, -2.0, 3.0]])
    passed = Passed(Rescale(1 / 51, -0.5), x, dy, {})
    np.testing.assert_allclose(passed.y, [[-0.5, 0.5, 4.5]])
    np.testing.assert_allclose(passed.dx, dy / 51)


def test_a_factor_for_each_number():
    x, dy = np.array([[2.0, 3.0], [4.0, 5.0]]), np.array([[1.0, -1.0], [10.0, 1.0]])
    passed = Passed(FeatureScale(speed=10.0), x, dy, {"s": [0.1, -0.05]})
    np.testing.assert_allclose(passed.y, [[4.0, 1.5], [8.0, 2.5]])
    np.testing.assert_allclose(passed.dx, [[2.0, -0.5], [20.0, 0.5]])
    np.testing.assert_allclose(passed.gradients["s"], [420.0, 20.0])


def test_the_largest_number_anywhere_is_shared_by_equals():
    x = np.array([[[1.0, 5], [3, 5], [3, 0]]])
    found = Passed(GlobalMaxPool(), x, np.array([[6.0, 8.0]]), {})
    assert found.y.tolist() == [[3, 5]]
    assert found.dx.tolist() == [[[0, 4], [3, 4], [3, 0]]]


# ---- embedding


def embedding_network(**settings):
    shape = Input(2, kind="integer")
    return network_of(Embedding(4, 3), Flatten(), Dense(1), shape=shape, **settings)


@pytest.mark.parametrize(
    ("x", "told"),
    [
        (
            [[0, 3], [1, 4]],
            (
                "x has 4 at row 1, column 1; expected whole numbers from 0 to 3: the "
                "table that they pick from has 4 rows."
            ),
        ),
        (
            [[0, 1], [-1, 9]],
            "x has -1 at row 1, column 0; 2 such values in all; expected",
        ),
        ([[0.0, 1.0]], "x takes whole numbers; got float64."),
        (np.array([[2**63, 1]], dtype=np.uint64), "x has 9223372036854775808 at row 0"),
    ],
)
def test_numbers_outside_of_the_table_are_refused_at_the_border(x, told):
    network = embedding_network()
    y = np.zeros((len(x), 1))
    for call in (
        lambda: network.feedforward(x),
        lambda: network.predict(x),
        lambda: network.backprop(x, y),
        lambda: network.fit(x, y, epochs=1),
        lambda: network.evaluate(x, y),
    ):
        with pytest.raises(DataError) as error:
            call()
        assert told in str(error.value)


def test_the_least_table_that_an_input_picks_from_sets_the_limit():
    branches = [
        [Select("kind"), Embedding(5, 2), Flatten()],
        [Select("kind"), Embedding(3, 2), Flatten()],
        [Select("other"), Flatten(), Embedding(7, 1), Flatten()],
        [Select("size")],
    ]
    shape = {"kind": Input(1, "integer"), "other": Input((2, 1), "integer"), "size": 2}
    network = network_of(
        Concat([Chain(branch) for branch in branches]), Dense(1), shape=shape
    )
    assert network.blueprint.limits == {"kind": 3, "other": 7}
    x = {"kind": [[2]], "other": [[[6], [0]]], "size": [[0.5, 1.0]]}
    assert network.feedforward(x).shape == (1, 1)
    with pytest.raises(DataError, match="kind has 3 at row 0, column 0"):
        network.feedforward(x | {"kind": [[3]]})
    with pytest.raises(DataError, match="other has 7 at row 0, column 1, 0"):
        network.feedforward(x | {"other": [[[0], [7]]]})


@pytest.mark.parametrize(
    "layers",
    [[Embedding(4, 3)], [Flatten(), Embedding(4, 3)], [Dense(2), Embedding(4, 3)]],
)
def test_an_embedding_needs_whole_numbers_that_are_declared(layers):
    with pytest.raises(PellucidError, match="declare them with input_shape=Input"):
        network_of(*layers, shape=2)


def test_an_embedding_learns_from_repeated_numbers():
    network = embedding_network(dtype="float64")
    x, y = [[0, 0], [0, 1]], [[1.0], [-1.0]]
    _, gradients = network.backprop(x, y)
    dW = gradients["embedding_1.W"]
    assert (dW[2:] == 0).all()
    assert (dW[:2] != 0).all()
    assert network.check_gradients(x, y).ok


def test_a_network_with_an_embedding_comes_back_from_a_file(tmp_path):
    network = embedding_network()
    network.save(tmp_path / "words.pellucid")
    loaded = files.load(tmp_path / "words.pellucid")
    assert loaded.layers == network.layers
    assert np.array_equal(loaded.feedforward([[1, 2]]), network.feedforward([[1, 2]]))
    with pytest.raises(DataError, match="x has 4 at row 0"):
        loaded.feedforward([[4, 0]])


# ---- networks of them


def test_names_and_words():
    layers = [
        Conv2D(4, 3, "relu"),
        MaxPool2D(),
        DepthwiseConv2D(3, padding="same"),
        SeparableConv2D(4, 3, padding="same"),
        ConvTranspose2D(2, 2, stride=2),
        GroupNorm(2),
        RMSNorm(),
        GlobalAveragePool(),
    ]
    network = network_of(*layers, shape=(8, 8, 1))
    assert list(network.blueprint.layers) == [
        "conv2d_1",
        "max_pool2d_1",
        "depthwise_conv2d_1",
        "separable_conv2d_1",
        "conv_transpose2d_1",
        "group_norm_1",
        "rmsnorm_1",
        "global_average_pool_1",
    ]
    assert repr(layers[0]) == "Conv2D(4, 3, 'relu')"
    assert repr(MaxPool2D(3, 2, padding=((0, 1), 1))) == (
        "MaxPool2D(3, 2, padding=((0, 1), 1))"
    )
    assert repr(Conv1D(4, 3, padding="same", groups=2)) == (
        "Conv1D(4, 3, padding='same', groups=2)"
    )
    text = str(network.summary())
    assert "(n, 6, 6, 4)" in text
    # 3x3 window, 36 places, 4 filters, one channel: products and sums, bias, relu
    assert f"{36 * 4 * (2 * 9 + 1 + 1):,}" in text
    assert f"{9 * 4 * 4:,}" in text  # comparisons of the pooling


@pytest.mark.parametrize("dtype", CLOSE)
def test_a_small_network_learns_to_tell_stripes(dtype):
    random = np.random.default_rng(0)
    y = random.integers(0, 2, 120)
    across = np.broadcast_to((np.arange(6) % 2)[:, None], (6, 6))
    x = np.where(y[:, None, None] == 1, across, across.T)[..., None]
    x = x + random.normal(0, 0.3, x.shape)
    layers = [
        Conv2D(4, 3, "relu", padding="same"),
        BatchNorm(),
        MaxPool2D(),
        Residual([Conv2D(4, 3, "relu", padding="same")]),
        GlobalAveragePool(),
        Dense(2),
    ]
    network = network_of(*layers, shape=(6, 6, 1), loss="cross_entropy", dtype=dtype)
    assert network.check_gradients(x[:3], y[:3]).ok
    network.fit(x[:80], y[:80], epochs=15, batch_size=16)
    assert (network.predict(x[80:]) == y[80:]).mean() >= 0.95
