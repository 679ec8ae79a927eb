import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import pellucid
from pellucid import (
    BatchNorm,
    Concat,
    Conv2D,
    Dense,
    DepthwiseConv2D,
    Dropout,
    Embedding,
    Flatten,
    GlobalAveragePool,
    Input,
    MaxPool2D,
    NeuralNetwork,
    Rescale,
    Residual,
    Select,
    attribution,
    occlusion,
    saliency,
)
from pellucid.errors import ConfigurationError, NotBuiltError, ShapeError


def numbers(*shape, seed=0):
    return np.random.default_rng(seed).normal(size=shape)


def linear(outputs, loss, shape=(4, 5, 2), activation=None, **options):
    """Return a network of one dense layer, and its weights, shape (*shape, outputs)."""
    layers = [Flatten(), Dense(outputs, activation)]
    net = NeuralNetwork(layers, loss=loss, input_shape=shape, **options)
    W = numbers(*shape, outputs, seed=3).astype(np.float32)
    net.parameters["dense_1.W"][...] = W.reshape(-1, outputs)
    net.parameters["dense_1.b"][...] = numbers(outputs, seed=4)
    return net, W


def one_pixel(row, column, weight=2.0, shape=(5, 6, 1)):
    """Return a network that looks at one pixel."""
    net, _ = linear(1, "mean_squared_error", shape)
    W = np.zeros((*shape, 1), dtype=np.float32)
    W[row, column] = weight
    net.parameters["dense_1.W"][...] = W.reshape(-1, 1)
    return net


def curved(loss="cross_entropy", last=None):
    """Return a network in which nothing is linear, in float64."""
    layers = [
        Conv2D(4, 3, "tanh", padding="same"),
        BatchNorm(),
        Residual([Conv2D(4, 3, "silu", padding="same")]),
        Concat([MaxPool2D(2), Conv2D(2, 2, "tanh", stride=2)]),
        Dropout(0.5),
        Flatten(),
        Dense(3, last),
    ]
    net = NeuralNetwork(layers, loss=loss, input_shape=(6, 6, 2), dtype="float64")
    x, y = numbers(20, 6, 6, 2, seed=5), np.arange(20) % 3
    y = np.eye(3)[y] if net.loss.task == "numbers" else y
    net.fit(x, y, epochs=2, engine="readable", progress=False)
    return net


def differences(score, x, h=1e-6):
    """Return the slope of a score at every number of x, by central differences."""
    found = np.empty_like(x)
    for place in np.ndindex(x.shape):
        up, down = x.copy(), x.copy()
        up[place] += h
        down[place] -= h
        found[place] = (score(up) - score(down)) / (2 * h)
    return found


# ---- saliency


@pytest.mark.parametrize("activation", [None, "softmax"])
def test_saliency_of_a_linear_network_is_its_weights(activation):
    net, W = linear(3, "cross_entropy", activation=activation)
    x = numbers(4, 5, 2)
    for target in range(3):
        found = saliency(net, x, target)
        assert found.dtype == np.float32
        np.testing.assert_array_equal(found, W[..., target])


def test_without_a_target_it_is_about_what_is_predicted():
    net, W = linear(3, "cross_entropy")
    x = numbers(30, 4, 5, 2)
    guess = net.predict(x)
    assert set(guess) == {0, 1, 2}
    np.testing.assert_array_equal(saliency(net, x), np.moveaxis(W, -1, 0)[guess])


def test_classes_are_named_as_predict_names_them():
    net, W = linear(2, "cross_entropy")
    net.classes = ["cat", "dog"]
    x = numbers(4, 5, 2)
    np.testing.assert_array_equal(saliency(net, x, "dog"), W[..., 1])
    np.testing.assert_array_equal(saliency(net, x, np.array(["cat"])[0]), W[..., 0])
    numbered, W = linear(2, "cross_entropy")
    numbered.classes = [7, 3]
    np.testing.assert_array_equal(saliency(numbered, x, np.int32(3)), W[..., 1])


@pytest.mark.parametrize("activation", [None, "sigmoid"])
def test_no_is_the_opposite_of_yes(activation):
    net, W = linear(1, "binary_cross_entropy", activation=activation)
    net.classes = ["no", "yes"]
    x = numbers(20, 4, 5, 2)
    np.testing.assert_array_equal(saliency(net, x[0], "yes"), W[..., 0])
    np.testing.assert_array_equal(saliency(net, x[0], "no"), -W[..., 0])
    sign = np.where(net.predict(x) == "yes", 1, -1)
    assert set(sign) == {1, -1}
    expected = sign[:, None, None, None] * W[..., 0]
    np.testing.assert_array_equal(saliency(net, x), expected)


def test_labels_and_numbers_are_chosen_by_their_output():
    for loss in ("binary_cross_entropy", "mean_squared_error"):
        net, W = linear(3, loss)
        np.testing.assert_array_equal(saliency(net, numbers(4, 5, 2), 2), W[..., 2])
    table = NeuralNetwork([Dense(2)], loss="mean_squared_error", input_shape=3)
    W = table.parameters["dense_1.W"]
    np.testing.assert_array_equal(saliency(table, np.ones((4, 3)), 0), [W[:, 0]] * 4)


@pytest.mark.parametrize("last", [None, "softmax"])
def test_saliency_agrees_with_differences(last):
    net = curved(last=last)
    plain = net if last is None else curved()
    plain.weights = net.weights
    x = numbers(6, 6, 2)
    for target in range(3):
        expected = differences(lambda x, k=target: plain.feedforward(x)[k], x)
        np.testing.assert_allclose(saliency(net, x, target), expected, atol=1e-7)


def test_saliency_of_numbers_goes_through_the_last_activation():
    net = curved("mean_squared_error", "sigmoid")
    x = numbers(6, 6, 2)
    expected = differences(lambda x: net.feedforward(x)[1], x)
    np.testing.assert_allclose(saliency(net, x, 1), expected, atol=1e-8)


def test_each_image_of_a_batch_is_by_itself(monkeypatch):
    net = curved()
    x = numbers(7, 6, 6, 2)
    alone = np.stack([saliency(net, image) for image in x])
    np.testing.assert_allclose(saliency(net, x), alone, rtol=1e-10)
    hidden = np.stack([occlusion(net, image) for image in x])
    np.testing.assert_allclose(occlusion(net, x), hidden, rtol=1e-10)
    # The same where memory is so short that images pass in twos and threes.
    monkeypatch.setattr(attribution, "_AT_ONCE", 3 * x[0].size)
    np.testing.assert_allclose(saliency(net, x), alone, rtol=1e-10)
    np.testing.assert_allclose(occlusion(net, x), hidden, rtol=1e-10)
    assert saliency(net, x[:0]).shape == (0, 6, 6, 2)
    assert occlusion(net, x[:0]).shape == (0, 6, 6)


def test_looking_changes_nothing():
    net = curved()
    before, x = net.weights.copy(), numbers(6, 6, 2)
    kept = x.copy()
    for look in (saliency, occlusion):
        np.testing.assert_array_equal(look(net, x), look(net, x))
    np.testing.assert_array_equal(net.weights, before)
    np.testing.assert_array_equal(x, kept)


def test_bytes_are_numbers():
    layers = [Rescale(1 / 255), Flatten(), Dense(2)]
    net = NeuralNetwork(layers, loss="cross_entropy", input_shape=(3, 4, 3))
    x = np.arange(36, dtype=np.uint8).reshape(3, 4, 3)
    W = net.parameters["dense_1.W"].reshape(3, 4, 3, 2)
    np.testing.assert_allclose(saliency(net, x, 1), W[..., 1] / 255, rtol=1e-6)
    for fill in (None, 20):
        bytewise = occlusion(net, x, 1, fill=fill)
        floating = occlusion(net, x.astype(float), 1, fill=fill)
        np.testing.assert_array_equal(bytewise, floating)


# ---- occlusion


def test_a_network_that_looks_at_one_pixel():
    net, x = one_pixel(3, 1), numbers(5, 6, 1).astype(np.float32)
    expected = np.zeros((5, 6), dtype=np.float32)
    expected[3, 1] = 2 * x[3, 1, 0]
    found = occlusion(net, x, size=1, fill=0.0)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, expected, rtol=1e-5)
    # A larger square hides the pixel from every place that is near enough.
    expected[2:5, 0:3] = 2 * (x[3, 1, 0] - x.mean())
    np.testing.assert_allclose(occlusion(net, x, size=3), expected, rtol=1e-5)


def test_a_pixel_in_the_corner_is_hidden_by_squares_that_are_cut_off():
    net, x = one_pixel(4, 5), np.ones((5, 6, 1))
    found = occlusion(net, x, size=3, fill=0.0)
    expected = np.zeros((5, 6))
    expected[3:, 4:] = 2.0
    np.testing.assert_array_equal(found, expected)


def test_what_speaks_against_the_target_is_negative():
    net, x = one_pixel(2, 2, weight=-3.0), np.ones((5, 6, 1))
    assert occlusion(net, x, size=1, fill=0.0)[2, 2] == -3.0


@given(
    st.integers(1, 7), st.integers(1, 7), st.integers(1, 7), st.data(), st.booleans()
)
def test_occlusion_is_that_of_a_plain_loop(height, width, size, data, middle):
    size = min(size, max(height, width))
    stride = data.draw(st.integers(1, size))
    net, _ = linear(2, "cross_entropy", (height, width, 2))
    x = numbers(height, width, 2, seed=9)
    fill = x.mean(axis=(0, 1)) if middle else np.array([0.25, -1.0])
    before = (size - stride) // 2
    expected = []
    for top in range(-before, height - before, stride):
        for left in range(-before, width - before, stride):
            hidden = x.copy()
            for row in range(height):
                for column in range(width):
                    inside = top <= row < top + size and left <= column < left + size
                    if inside:
                        hidden[row, column] = fill
            expected.append(net.feedforward(x)[1] - net.feedforward(hidden)[1])
    options = {} if middle else {"fill": fill}
    found = occlusion(net, x, 1, size=size, stride=stride, **options)
    assert found.shape == (-(-height // stride), -(-width // stride))
    np.testing.assert_allclose(found.ravel(), expected, atol=1e-5)


@pytest.mark.parametrize(
    ("shape", "expected"),
    [
        ((1, 1), (1, 1)),
        ((8, 8), (3, 1)),
        ((28, 28), (7, 1)),
        ((32, 32), (7, 1)),
        ((33, 20), (5, 2)),
        ((224, 224), (45, 7)),
        ((4, 200), (7, 7)),
    ],
)
def test_the_usual_square(shape, expected):
    assert attribution.square(shape, None, None) == expected


def test_of_a_sharp_network_the_score_still_moves():
    # Its probability is 1 with and without the pixel.
    net, _ = linear(2, "cross_entropy", (2, 2, 1))
    net.parameters["dense_1.W"][...] = [[200.0, 0.0]] * 4
    x = np.ones((2, 2, 1))
    hidden = x.copy()
    hidden[0, 0] = 0.0
    assert net.predict_proba(x)[0] == net.predict_proba(hidden)[0] == 1.0
    np.testing.assert_array_equal(
        occlusion(net, x, size=1, fill=0), np.full((2, 2), 200)
    )


# ---- errors

BOTH = pytest.mark.parametrize("look", [saliency, occlusion])


@BOTH
def test_targets_that_there_are_not(look):
    net, _ = linear(3, "cross_entropy")
    x = numbers(4, 5, 2)
    for target in (3, -1, "cat", 1.0, True, [1]):
        with pytest.raises(ConfigurationError, match="none of the classes 0, 1, 2"):
            look(net, x, target)
    net.classes = ["ant", "bee", "cat"]
    with pytest.raises(ConfigurationError, match="target is 1, which is none of the"):
        look(net, x, 1)
    outputs, _ = linear(3, "mean_squared_error")
    with pytest.raises(ConfigurationError, match=r"which one is meant, target=0 to 2"):
        look(outputs, x)
    with pytest.raises(ConfigurationError, match="none of the outputs 0, 1, 2"):
        look(outputs, x, 3)


@BOTH
def test_inputs_that_do_not_fit(look):
    net, _ = linear(2, "cross_entropy")
    with pytest.raises(ShapeError, match=r"x has shape \(4, 5, 3\), but the network"):
        look(net, np.ones((4, 5, 3)))
    named = NeuralNetwork(
        [Select("age"), Dense(2)], loss="cross_entropy", input_shape={"age": 2}
    )
    with pytest.raises(ShapeError, match=r"named inputs \['age'\]"):
        look(named, {"age": np.ones((3, 2))})
    words = NeuralNetwork(
        [Embedding(9, 4), Flatten(), Dense(2)],
        loss="cross_entropy",
        input_shape=Input(5, kind="integer"),
    )
    with pytest.raises(ConfigurationError, match="takes whole numbers"):
        look(words, np.ones((3, 5), dtype=int))
    images = NeuralNetwork(
        [DepthwiseConv2D(3)], loss="mean_squared_error", input_shape=(4, 5, 2)
    )
    with pytest.raises(ShapeError, match=r"gives \(n, 2, 3, 2\); expected one row"):
        look(images, np.ones((4, 5, 2)))
    with pytest.raises(ConfigurationError, match="Expected a NeuralNetwork, got list"):
        look([1], np.ones((4, 5, 2)))
    fresh = NeuralNetwork([Dense(2)], loss="cross_entropy")
    with pytest.raises(NotBuiltError):
        look(fresh, np.ones((4, 5, 2)))


def test_squares_that_cannot_be():
    net, x = one_pixel(0, 0), np.ones((5, 6, 1))
    for option in ({"size": 7}, {"size": 0}, {"stride": 0}, {"size": 2.0}):
        with pytest.raises(ConfigurationError, match="whole number from 1 to 6"):
            occlusion(net, x, **option)
    with pytest.raises(ConfigurationError, match="never hides some of the pixels"):
        occlusion(net, x, size=2, stride=3)
    with pytest.raises(ShapeError, match=r"fill has shape \(2,\); expected one number"):
        occlusion(net, x, fill=[0.0, 1.0])
    flat = NeuralNetwork([Dense(2)], loss="cross_entropy", input_shape=30)
    with pytest.raises(ShapeError, match=r"takes \(n, 30\); occlusion needs one that"):
        occlusion(flat, np.ones(30))


def test_on_digits_hiding_and_slopes_point_to_the_same_pixels():
    # Of one that is linear in the logits, a fall is slope times what was taken away.
    layers = [Conv2D(3, 3, padding="same"), GlobalAveragePool(), Dense(10)]
    net = NeuralNetwork(layers, loss="cross_entropy", input_shape=(8, 8, 1))
    x = pellucid.data.digits().x[0].reshape(8, 8, 1)
    expected = (saliency(net, x, 4) * x)[..., 0]
    found = occlusion(net, x, 4, size=1, fill=0)
    np.testing.assert_allclose(found, expected, atol=1e-5)
