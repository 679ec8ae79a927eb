"""Whole networks over images: the same bits by any threads, both engines alike."""

import numpy as np
import pytest

pytest.importorskip("numba", reason="the compiled engine needs Numba")

import compiled_cases as cases
from compiled_runs import run_assembly

from pellucid import models
from pellucid.engines.compiled.convolution import choice
from pellucid.engines.compiled.engine import CompiledEngine
from pellucid.engines.readable import ReadableEngine
from pellucid.layers import (
    AveragePool2D,
    BatchNorm,
    Conv2D,
    Dense,
    Dropout,
    Flatten,
    GlobalMaxPool,
    LayerNorm,
    MaxPool2D,
    SpatialDropout,
)
from pellucid.network import NeuralNetwork
from snapshots import snapshot

CLOSE = {"float64": 1e-9, "float32": 2e-5}
TYPES = pytest.mark.parametrize("dtype", CLOSE)


def network(layers, shape, dtype="float32"):
    return NeuralNetwork(
        layers, loss="cross_entropy", input_shape=shape, dtype=dtype, seed=3
    )


# -- threads ---------------------------------------------------------------------------

PLAIN = (
    Conv2D(16, 3, "relu", padding="same"),
    MaxPool2D(),
    SpatialDropout(0.2),
    Conv2D(16, 3, "relu", padding="same"),
    AveragePool2D(),
    Conv2D(24, 3, "tanh", padding="same", stride=2),
    Dropout(0.2),
    Flatten(),
    Dense(4),
)


NORMALIZED = (PLAIN[0], BatchNorm(), *PLAIN[1:])


@pytest.mark.parametrize("layers", [PLAIN, NORMALIZED], ids=["plain", "normalized"])
def test_the_same_bits_by_any_threads(layers):
    r = np.random.default_rng(0)
    x = r.normal(size=(300, 12, 12, 3)).astype("float32")  # 128, 128, and 44
    y = r.integers(0, 4, len(x))

    def trained(engine, threads=None):
        net = network(layers, (12, 12, 3))
        how = {"engine": engine, "threads": threads, "progress": False}
        net.fit(x, y, epochs=2, batch_size=128, **how)
        return net

    nets = [trained("compiled", threads) for threads in (1, 2, 4)]
    assert CompiledEngine(nets[0].blueprint, "float32").training_for(128)[1] == 4
    one, two, four = map(snapshot, nets)
    assert one == two == four
    found, wanted = nets[0].training.history, trained("readable").training.history
    np.testing.assert_allclose(found.loss, wanted.loss, rtol=1e-5)


@TYPES
def test_the_same_predictions_by_any_threads(dtype, monkeypatch):
    # rows at the end of a chunk go through other instructions, here with other bits
    monkeypatch.setattr("pellucid.engines.compiled.engine.WORTH_A_THREAD", 0)
    x = np.random.default_rng(0).normal(size=(333, 14, 14, 8)).astype(dtype)
    layers = [Conv2D(8, 3, stride=2), LayerNorm(), Flatten()]
    net = NeuralNetwork(
        layers, loss="sum_of_squares", input_shape=x.shape[1:], dtype=dtype, seed=3
    )
    threads = (1, 2, 3, 4, 7)
    found = {net.predict(x, engine="compiled", threads=t).tobytes() for t in threads}
    assert len(found) == 1


# -- both engines ----------------------------------------------------------------------

READY_MADE = {
    "cnn": (models.cnn(5, dropout=0.3), (8, 8, 1)),
    "cnn of large filters": (models.cnn(5, (4, 8), kernel_size=5), (9, 7, 1)),
    "resnet": (models.resnet(5, (16, 24), blocks=1), (8, 8, 3)),
}
every_network = pytest.mark.parametrize("name", READY_MADE)


def images_for(net, n):
    """Return the network's first weights, images, classes and sample weights."""
    _, x, y, weight = cases.numbers_for(net.blueprint, n, net.dtype, seed=n)
    return net.weights, x, y, weight


@TYPES
@every_network
def test_loss_and_gradients(name, dtype):
    net = network(*READY_MADE[name], dtype)
    training = CompiledEngine(net.blueprint, dtype).training
    kernels = {type(found) for found in training.over_images.values()}
    tiled = dtype == "float32" and name != "cnn of large filters"
    assert bool(kernels & set(choice.TILED.values())) == tiled
    for n in (8, 33):
        given = images_for(net, n)
        leaves = cases.leaves_for(net.blueprint, *given)
        found = run_assembly(training, leaves, n)
        wanted = cases.readable(net.blueprint, dtype, *given)
        assert found.keys() <= wanted.keys()
        wanted = {place: wanted[place] for place in found}
        assert not cases.far_apart(found, wanted, CLOSE[dtype]), f"{n} rows"


@TYPES
@every_network
def test_predictions_at_once_and_in_parts(name, dtype):
    net = network(*READY_MADE[name], dtype)
    compiled, readable = (
        engine(net.blueprint, dtype) for engine in (CompiledEngine, ReadableEngine)
    )
    weights, x, y, _ = images_for(net, 300)
    found, wanted = compiled.predict(weights, x), readable.predict(weights, x)
    assert not cases.far_apart({"": found}, {"": wanted}, CLOSE[dtype])
    losses = compiled.losses(weights, x, y)
    for parts in ([1, 64, 65, 299], [100]):
        pieces = list(zip(np.split(x, parts), np.split(y, parts), strict=True))
        again = np.concatenate([compiled.predict(weights, x) for x, _ in pieces])
        assert again.tobytes() == found.tobytes()
        again = np.concatenate([compiled.losses(weights, *piece) for piece in pieces])
        assert again.tobytes() == losses.tobytes()
    for threads in (1, 2, 4):
        assert compiled.predict(weights, x, threads).tobytes() == found.tobytes()


def test_filters_that_change():
    # Transformed filters are kept from one prediction to the next.
    net = network((Conv2D(16, 3, padding="same"), Flatten(), Dense(2)), (8, 8, 16))
    compiled, readable = (
        engine(net.blueprint, "float32") for engine in (CompiledEngine, ReadableEngine)
    )
    weights, x, _, _ = images_for(net, 3)
    weights = np.array(weights)
    kinds = {type(found) for found in compiled.prediction.over_images.values()}
    assert kinds == {choice.TILED["convolve"]}
    for change in (
        lambda: None,
        lambda: None,
        lambda: weights.__imul__(2),
        lambda: weights.__setitem__(7, 1.0),
        lambda: weights.fill(0),
        lambda: weights.fill(np.nan),
        lambda: weights.fill(1),
    ):
        change()
        found, wanted = compiled.predict(weights, x), readable.predict(weights, x)
        np.testing.assert_allclose(found, wanted, rtol=1e-4, atol=1e-4)


@TYPES
def test_the_largest_is_found_again_where_it_is_compared(dtype):
    """What is compared with a maximum has the bits that the maximum was taken of."""
    r = np.random.default_rng(0)
    x, y = r.normal(size=(24, 3, 4, 8)).astype(dtype), r.integers(0, 3, 24)
    weights = []
    for engine in ("readable", "compiled"):
        net = NeuralNetwork(
            (BatchNorm(), GlobalMaxPool(), Dense(3)),
            loss="cross_entropy",
            input_shape=(3, 4, 8),
            dtype=dtype,
            seed=1,
        )
        net.fit(x, y, epochs=6, batch_size=24, engine=engine, progress=False)
        weights.append(net.weights)
    assert np.allclose(
        *weights, rtol=0, atol={"float32": 2e-5, "float64": 1e-12}[dtype]
    )
