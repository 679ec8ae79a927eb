"""Networks whose code twins are run, and the comparison of every layer.

All registered layers stand side by side in one network, each with an input of its own,
so that one compilation tests them all.
"""

import numpy as np

import test_contract
from pellucid import models
from pellucid.activations import Activation
from pellucid.layer import Layer
from pellucid.layers import (
    AveragePool2D,
    BatchNorm,
    Chain,
    Concat,
    Conv1D,
    Conv2D,
    Dense,
    Embedding,
    Flatten,
    GlobalAveragePool,
    GroupNorm,
    Input,
    LayerNorm,
    MaxPool2D,
    PReLU,
    Residual,
    Select,
    SeparableConv2D,
)
from pellucid.layout import Slot
from pellucid.network import NeuralNetwork
from registers import ours


def numbers(shape, seed=0, scale=1.0):
    """Return numbers of order one that are the same in float32 and float64."""
    found = np.random.default_rng(seed).normal(size=shape) * scale
    return found.astype(np.float32).astype(np.float64)


def unlike_at_first(network, seed=1):
    """Return the network with numbers that no layer starts with."""
    w = network.weights.astype(np.float64)
    changed = w + 0.2 * np.abs(numbers(w.shape, seed))
    network.weights = changed.astype(np.float32)
    return network


def side_by_side(layers, dtype):
    """Return a network of layers with their input shapes, each a branch."""
    branches, inputs = [], {}
    for layer, shape in layers:
        if isinstance(shape, dict):
            continue
        name = f"given{len(inputs)}"
        inputs[name] = shape
        inner = [Select(name), layer, Flatten()]
        branches.append(Chain(inner, name=f"{layer.label}_{len(inputs)}"))
    network = NeuralNetwork(
        [Concat(branches)], loss="sum_of_squares", input_shape=inputs, dtype=dtype
    )
    return unlike_at_first(network)


def every_layer(dtype):
    """Return a network that has every registered layer with all its variants."""
    found = []
    for kind in test_contract.LAYER_KINDS.values():
        found += test_contract.layer_samples(kind, 3)
    return side_by_side(found, dtype)


def every_activation(dtype):
    """Return a network that has every registered activation."""
    found = []
    for kind in ours(Activation).values():
        found += [(part, 6) for part in test_contract.samples(kind)]
        found += [(part, (2, 2, 3)) for part in test_contract.samples(kind)]
    return side_by_side(found, dtype)


def mixed():
    """Return layers for numbers beside whole numbers, with names that need care."""
    inner = [Select("the float"), Embedding(5, 3), Flatten()]
    return [Concat([Select("x-1"), Chain(inner)]), Dense(4, "tanh"), Dense(1)]


WHOLE = {
    "mlp": ([*models.mlp(3, [16, 8])], "cross_entropy", 5),
    "normalized": (models.mlp(2, [9], batch_norm=True), "mean_squared_error", 4),
    "labels": ([Dense(6, "gelu"), Dense(2)], "binary_cross_entropy", 3),
    "written softmax": ([Dense(6, "mish"), Dense(3, "softmax")], "cross_entropy", 3),
    "counts": ([Dense(4, "softplus"), Dense(1)], "poisson", 3),
    "scores": ([Dense(4, "selu"), Dense(3)], "hinge", 3),
    "likelihood": ([Dense(4, "elu"), Dense(2)], "gaussian_likelihood", 3),
    "cnn": (models.cnn(4, [4, 6], dense=8), "cross_entropy", (8, 8, 2)),
    "normalized cnn": (
        models.cnn(3, [4], dense=8, batch_norm=True),
        "cross_entropy",
        (6, 6, 1),
    ),
    "resnet": (models.resnet(3, [4, 8], 1), "cross_entropy", (8, 8, 3)),
    "mixed": (
        mixed(),
        "binary_cross_entropy",
        {"x-1": 3, "the float": Input(2, "integer")},
    ),
    "sequence": (
        [
            Conv1D(4, 3, "relu", padding="same"),
            GroupNorm(2),
            GlobalAveragePool(),
            Dense(2),
        ],
        "cross_entropy",
        (7, 3),
    ),
    "everything": (
        [
            SeparableConv2D(4, 3, "silu"),
            AveragePool2D(2, 1, padding="same"),
            Residual([BatchNorm(), PReLU(), Conv2D(4, 3, padding="same", groups=2)]),
            MaxPool2D(),
            Flatten(),
            LayerNorm(),
            Concat([Dense(3, "log_softmax"), Residual([Dense(36)])]),
            Dense(2),
        ],
        "mean_squared_error",
        (8, 8, 2),
    ),
    "only the input": ([Flatten()], "sum_of_squares", (2, 2)),
}


def whole(name, dtype):
    """Return one of the whole networks."""
    layers, loss, shape = WHOLE[name]
    network = NeuralNetwork(layers, loss=loss, input_shape=shape, dtype=dtype)
    return unlike_at_first(network)


def samples(network, n=3, scale=1.0):
    """Return inputs for a network."""
    given = network.blueprint.inputs
    if isinstance(given, Input):
        return numbers((n, *given.shape), 5, scale)
    found = {}
    for place, (name, each) in enumerate(given.items()):
        shape = (n, *each.shape)
        if each.kind == "integer":
            most = network.blueprint.limits[name]
            found[name] = np.random.default_rng(place).integers(0, most, shape)
        else:
            found[name] = numbers(shape, place, scale)
    return found


def row(x, i):
    """Return one sample."""
    if isinstance(x, dict):
        return {name: values[i] for name, values in x.items()}
    return x[i]


def expected(network, x):
    """Return the output, and the output of every layer, of one sample."""
    batch, _, _ = network._inputs(x)
    layers = network.activations(x)
    output = network._probabilities(batch, "readable", None)[0]
    return output, {path: np.ravel(values) for path, values in layers.items()}


TOLERANCE = {"float32": 1e-5, "float64": 1e-12}


def compare(network, x, output, layers):
    """Fail unless a twin gives what the network gives; name the first wrong layer.

    Parameters
    ----------
    x : one sample
    output : list of float
        What the twin gave.
    layers : list of (str, list of float)
        What it said each layer gave, in order.
    """
    wanted, inside = expected(network, x)
    limit = TOLERANCE[str(network.dtype)]
    for path, values in [*layers, ("the output", output)]:
        good = np.ravel(wanted) if path == "the output" else inside[path]
        with np.errstate(over="ignore"):
            found = np.array(values).astype(network.dtype).astype(np.float64)
        assert found.shape == good.shape, f"{path}: {found.shape}, not {good.shape}"
        finite = np.isfinite(good)
        same = np.array_equal(found[~finite], good[~finite], equal_nan=True)
        scale = max(np.abs(good[finite]).max(initial=0.0), 1e-30)
        far = np.abs(found[finite] - good[finite]).max(initial=0.0) / scale
        told = f"first differing layer: {path}, by {far:.3g} of its largest number"
        told += f"\n{found[:8]}\n{good[:8]}"
        assert same, told
        assert far <= limit, told
    known = [path for path, _ in layers]
    assert set(known) <= set(inside)


def extremes(dtype):
    """Return all activations on one input each, and samples of numbers of all sizes."""
    found = []
    for kind in ours(Activation).values():
        found += [(part, 3) for part in test_contract.samples(kind)]
    network = side_by_side(found, dtype)
    info = np.finfo(dtype)
    sizes = [0.0, 1.0, 30.0, 1e4, info.smallest_subnormal, info.tiny, info.max]
    rows = [np.array([size, -size, size / 2]) for size in map(float, sizes)]
    return network, [dict.fromkeys(network.blueprint.inputs, row) for row in rows]


class Awkward(Layer, abstract=True):
    """A layer whose own names are those of everything else."""

    def slots(self, shape):
        names = ("i", "cc", "units", "exp", "W", "x", "double", "rows", "real", "e")
        return {name: Slot((shape[-1],), "normal") for name in names}

    def forward(self, x, p, memo):
        memo.units = np.tanh(p.units * x)
        memo.i = np.exp(p.i * memo.units).sum(axis=-1, keepdims=True)
        memo.total = (p.exp * x + p.W * memo.units) / memo.i
        memo.maximum = np.maximum(memo.total * p.x, p.double) + p.cc
        memo.x = memo.maximum[:, :2].sum(axis=-1, keepdims=True)
        memo.work = memo.maximum * p.rows + memo.x * p.real
        memo.output = memo.work * p.e
        return memo.output + memo.work


def awkward(dtype="float64"):
    """Return a network in which everything has a name that means something else."""
    inputs = [
        "a",
        "A",
        "outputs",
        "main",
        "storage",
        "inputs",
        "x",
        "double",
        "2 b",
        "é",
    ]
    names = ["exp", "work", "float", "output", "class", "predict", "watch", "batch"]
    branches = [
        Chain([Select(given), Awkward()], name=f"{'int' if place else 'main'} {place}")
        for place, given in enumerate(inputs)
    ]
    layers = [Concat(branches), *(Awkward(name=name) for name in names)]
    network = NeuralNetwork(
        layers, loss="sum_of_squares", input_shape=dict.fromkeys(inputs, 3), dtype=dtype
    )
    return unlike_at_first(network)
