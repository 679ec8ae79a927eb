"""Ready-made networks: what they are made of, and that they learn."""

import numpy as np
import pytest

from pellucid import NeuralNetwork, models
from pellucid.layers import BatchNorm, Conv2D, Dense, Dropout, Residual


def test_an_mlp_in_words():
    assert models.mlp(3) == [Dense(64, "relu"), Dense(64, "relu"), Dense(3)]
    found = models.mlp(1, [4], activation="tanh", batch_norm=True, dropout=0.5)
    dense = Dense(4, bias=False, weight_init="glorot_uniform")
    assert found == [dense, BatchNorm(), "tanh", Dropout(0.5), Dense(1)]
    assert models.mlp(2, []) == [Dense(2)]


def test_a_cnn_halves_the_image_after_each_convolution():
    network = NeuralNetwork(
        models.cnn(10), loss="cross_entropy", input_shape=(28, 28, 1)
    )
    shapes = [line for line in str(network.summary()).splitlines() if "pool" in line]
    assert "(n, 14, 14, 16)" in shapes[0]
    assert "(n, 7, 7, 32)" in shapes[1]
    assert network.parameters["dense_1.W"].shape == (7 * 7 * 32, 64)
    assert "conv2d_1.b" in network.parameters


def test_a_convolution_beside_a_normalization_has_its_weights_and_no_shift():
    layers = models.cnn(2, [4], kernel_size=5, batch_norm=True, dropout=0.25)
    first = Conv2D(4, 5, padding="same", bias=False, weight_init="he_normal")
    assert layers[:3] == [first, BatchNorm(), "relu"]
    assert Dropout(0.25) in layers
    assert models.cnn(2, [4], batch_norm=True, activation="tanh")[0].weight_init == (
        Conv2D(1, 1, weight_init="glorot_uniform").weight_init
    )


def test_a_resnet_has_stages_of_blocks():
    layers = models.resnet(10, filters=[4, 8, 8], blocks=3)
    assert sum(isinstance(layer, Residual) for layer in layers) == 9
    network = NeuralNetwork(layers, loss="cross_entropy", input_shape=(9, 8, 3))
    text = str(network.summary())
    assert "(n, 5, 4, 8)" in text
    assert "(n, 3, 2, 8)" in text
    assert network.parameters["residual_9.conv2d_2.W"].shape == (3, 3, 8, 8)


@pytest.mark.parametrize(
    ("layers", "shape"),
    [
        (models.mlp(2, [8], batch_norm=True), (36,)),
        (models.cnn(2, [4], dense=8, dropout=0.0), (6, 6, 1)),
        (models.cnn(2, [4, 4], dense=8, batch_norm=True, dropout=0.0), (6, 6, 1)),
        (models.resnet(2, [4, 4], 1), (6, 6, 1)),
    ],
)
def test_it_learns_to_tell_stripes(layers, shape):
    random = np.random.default_rng(1)
    y = random.integers(0, 2, 160)
    across = np.broadcast_to((np.arange(6) % 2)[:, None], (6, 6))
    x = np.where(y[:, None, None] == 1, across, across.T)
    x = (x + random.normal(0, 0.3, x.shape)).reshape(160, *shape)
    network = NeuralNetwork(layers, loss="cross_entropy", input_shape=shape)
    network.fit(x[:100], y[:100], epochs=20, batch_size=20, optimizer="adam")
    assert (network.predict(x[100:]) == y[100:]).mean() >= 0.95
