"""ONNX models: checked by the ONNX checker, run in ONNX Runtime, equal to pellucid."""

import copy
import json
import math
import sys

import numpy as np
import pytest

from pellucid import (
    AveragePool2D,
    BatchNorm,
    Chain,
    Concat,
    Conv2D,
    Dense,
    Dropout,
    Embedding,
    Flatten,
    GlobalAveragePool,
    Input,
    Layer,
    MaxPool2D,
    NeuralNetwork,
    Rescale,
    Reshape,
    Residual,
    Select,
    activations,
    models,
)
from pellucid.activations import Activation
from pellucid.errors import ConfigurationError
from pellucid.export import onnx as export
from registers import ours
from test_contract import LAYER_KINDS, layer_samples, samples

TOLERANCE = {"float32": 1e-5, "float64": 1e-12}


@pytest.fixture
def run(require_package):
    """Return what ONNX Runtime makes of a model, once the checker has approved."""
    onnx, runtime = require_package("onnx"), require_package("onnxruntime")

    def start(model, also=()):
        model = copy.deepcopy(model)
        made = {name for node in model.graph.node for name in node.output}
        also = [name for name in also if name in made]
        model.graph.output.extend(onnx.ValueInfoProto(name=name) for name in also)
        if not also:
            onnx.checker.check_model(model, full_check=True)
        options = runtime.SessionOptions()
        options.intra_op_num_threads = 1
        loaded = runtime.InferenceSession(
            model.SerializeToString(), options, providers=["CPUExecutionProvider"]
        )

        def compute(x):
            x = x if isinstance(x, dict) else {"x": x}
            floats = np.float64 if "double" in loaded.get_outputs()[0].type else "f4"
            kinds = {"i": np.int64, "f": floats}
            given = {name: v.astype(kinds[v.dtype.kind]) for name, v in x.items()}
            found = loaded.run(None, given)
            return dict(zip(also, found[1:], strict=True)) if also else found[0]

        return compute

    return start


def some(given, n, r):
    """Return n samples of what a network takes."""
    if isinstance(given, dict):
        return {name: some(each, n, r) for name, each in given.items()}
    if given.kind == "integer":
        return r.integers(0, 2, (n, *given.shape))
    return r.normal(size=(n, *given.shape))


def with_numbers(layers, shape, dtype, loss="sum_of_squares"):
    """Return a network with weights and running state as training might leave them."""
    network = NeuralNetwork(layers, loss=loss, input_shape=shape, dtype=dtype)
    r = np.random.default_rng(1)
    network.weights = r.normal(size=network.weights.size) / 2
    for name in network.state:
        values = network.state[name]
        values[...] = r.uniform(0.2, 2.0, values.shape)
    return network


def check(network, run, sizes=(1, 7)):
    """Compare predictions for batches of several sizes; return the model."""
    model = export.model(network)
    compute, r = run(model), np.random.default_rng(2)
    for n in sizes:
        x = some(network.blueprint.inputs, n, r)
        wanted, found = network.feedforward(x), compute(x)
        assert found.shape == wanted.shape
        assert found.dtype == wanted.dtype
        tolerance = TOLERANCE[str(network.dtype)]
        # Where terms cancel, the size of the terms is what rounding is relative to.
        least = tolerance * np.abs(wanted).max() / 10
        close = np.allclose(found, wanted, rtol=tolerance, atol=least)
        assert close, f"{first_that_differs(network, run, model, x, tolerance)} differs"
    return model


def first_that_differs(network, run, model, x, tolerance):
    """Return the path of the first layer whose output ONNX Runtime has otherwise."""
    ends = (".a", ".y", ".a.nchw", ".y.nchw")
    outputs = network.activations(x)
    seen = [path + end for path in outputs for end in ends]
    found = run(model, seen)(x)
    for path, wanted in outputs.items():
        for end in ends:
            if path + end in found:
                values = found[path + end]
                if end.endswith(".nchw"):
                    values = values.transpose(0, 2, 3, 1)
                least = tolerance * np.abs(wanted).max()
                if not np.allclose(values, wanted, rtol=tolerance, atol=least):
                    return path
    return "the output"


def test_a_difference_is_told_by_its_layer(run):
    layers = [Dense(3, "tanh"), Conv2D(2, 1, "relu"), MaxPool2D(), Flatten(), Dense(2)]
    layers.insert(1, Reshape((3, 1, 1)))
    layers[3] = Chain(["silu", Dropout()])
    network = with_numbers(layers, 4, "float32")
    model = export.model(network)
    (filters,) = [t for t in model.graph.initializer if t.name == "conv2d_1.W"]
    numbers = np.frombuffer(filters.raw_data, np.float32) * np.float32(1.01)
    filters.raw_data = numbers.tobytes()
    x = np.ones((2, 4))
    assert first_that_differs(network, run, model, x, 1e-5) == "conv2d_1"


def operators(model):
    return [node.op_type for node in model.graph.node]


every_dtype = pytest.mark.parametrize("dtype", ["float32", "float64"])


@every_dtype
@pytest.mark.parametrize("name", LAYER_KINDS)
def test_every_layer(name, dtype, run):
    for layer, shape in layer_samples(LAYER_KINDS[name], 3):
        check(with_numbers([layer], shape, dtype), run)


@every_dtype
@pytest.mark.parametrize("name", ours(Activation))
def test_every_activation(name, dtype, run):
    for activation in samples(ours(Activation)[name]):
        check(with_numbers([activation], 5, dtype), run)
        images = [Conv2D(3, 1), activation, MaxPool2D()]
        check(with_numbers(images, (2, 2, 2), dtype), run)


@every_dtype
@pytest.mark.parametrize("name", ours(Activation))
def test_activations_far_out(name, dtype, run):
    with np.errstate(over="ignore"):
        powers = 10.0 ** np.arange(-12, 13, 3)
    x = np.concatenate([-powers[::-1], [0.0], powers, [20.0, 50.0, -20.0, -50.0]])
    x = x[:, None] * np.array([1.0, 0.5])
    for activation in samples(ours(Activation)[name]):
        network = with_numbers([activation], 2, dtype)
        wanted = network.feedforward(x)
        found = run(export.model(network))(x)
        assert (np.isfinite(found) == np.isfinite(wanted)).all()
        kept = np.isfinite(wanted)
        # ONNX Runtime's own functions keep 7 digits of float32 after the point only.
        least = 1e-6 if dtype == "float32" else 1e-15
        tolerance = TOLERANCE[dtype]
        np.testing.assert_allclose(found[kept], wanted[kept], tolerance, least)


EMBEDDED = [
    Concat([Chain([Select("kind"), Embedding(4, 2), Flatten()]), Select("size")]),
    Dense(5, "mish"),
    Dense(2, "softmax"),
]
WHOLE = {
    "numbers": (models.mlp(3, hidden=(8, 8)), 6, "cross_entropy"),
    "images": (models.cnn(3), (16, 16, 1), "cross_entropy"),
    "residual": (models.resnet(4), (16, 16, 3), "cross_entropy"),
    "several inputs": (
        EMBEDDED,
        {"kind": Input(2, "integer"), "size": 3},
        "cross_entropy",
    ),
    "averages": (
        [
            Rescale(),
            Conv2D(4, 3, "relu", stride=2, padding="same"),
            Concat([AveragePool2D(3, 1, padding="same"), Conv2D(2, 1, "gelu")]),
            Residual([BatchNorm(), "silu", Conv2D(6, 3, padding="same")]),
            GlobalAveragePool(),
            Dense(1, "sigmoid"),
        ],
        (9, 7, 2),
        "binary_cross_entropy",
    ),
}


@every_dtype
@pytest.mark.parametrize("name", WHOLE)
def test_whole_networks(name, dtype, run):
    layers, shape, loss = WHOLE[name]
    check(with_numbers(layers, shape, dtype, loss), run)


def test_a_dense_network_is_gemm_and_activations(require_package):
    require_package("onnx")
    layers = [Dense(4, "relu"), BatchNorm(), Dropout(), Dense(3, "softmax")]
    network = with_numbers(layers, 5, "float32", "cross_entropy")
    model = export.model(network)
    expected = ["Gemm", "Relu", "BatchNormalization", "Gemm", "Softmax"]
    assert operators(model) == expected
    names = [node.name for node in model.graph.node]
    assert names[0] == "dense_1/Gemm"
    assert names[2] == "batch_norm_1/BatchNormalization"
    assert "dense_2.W" in {tensor.name for tensor in model.graph.initializer}
    assert model.graph.node[0].output == ["dense_1.z"]


def test_images_are_turned_at_the_ends_only(require_package):
    require_package("onnx")
    layers = [
        Conv2D(4, 3, "relu", padding="same"),
        BatchNorm(),
        MaxPool2D(),
        Residual([Conv2D(4, 3, padding="same"), "silu"]),
        Flatten(),
        Dense(2),
    ]
    network = with_numbers(layers, (6, 6, 3), "float32")
    expected = "Transpose Conv Relu BatchNormalization MaxPool Conv Sigmoid Mul Add"
    found = operators(export.model(network))
    assert found == [*expected.split(), "Transpose", "Reshape", "Gemm"]


def test_what_the_model_says_of_itself(require_package):
    onnx = require_package("onnx")
    layers = [Dense(3)]
    network = with_numbers(layers, 2, "float32", "cross_entropy")
    network.classes = ["cat", "dog", "eel"]
    (data,) = export.files(network, "model.onnx").values()
    model = onnx.load_from_string(data)
    told = {entry.key: entry.value for entry in model.metadata_props}
    assert json.loads(told["classes"]) == ["cat", "dog", "eel"]
    assert told["loss"] == "cross_entropy"
    assert told["link"] == "softmax"
    assert model.producer_name == "pellucid"
    assert [entry.version for entry in model.opset_import] == [18]
    assert [value.name for value in model.graph.input] == ["x"]
    assert [value.name for value in model.graph.output] == ["output"]
    first = model.graph.input[0].type.tensor_type.shape.dim[0]
    assert first.dim_param == "n"


def test_the_link_is_not_told_where_the_network_applies_it(require_package):
    require_package("onnx")
    network = with_numbers([Dense(3, "softmax")], 2, "float32", "cross_entropy")
    told = {entry.key for entry in export.model(network).metadata_props}
    assert "link" not in told
    assert "classes" not in told


def test_a_file(require_package, tmp_path):
    require_package("onnx")
    runtime = require_package("onnxruntime")
    network = with_numbers([Dense(4, "tanh"), Dense(2)], 3, "float32")
    (path,) = network.export(tmp_path / "model.onnx")
    x = np.eye(3, dtype=np.float32)
    (found,) = runtime.InferenceSession(path).run(None, {"x": x})
    np.testing.assert_allclose(found, network.feedforward(x), rtol=1e-5)


def test_inputs_and_outputs_that_want_the_same_name(run):
    layers = [Concat([Select("output"), Chain([Select("x"), Dense(2)])])]
    check(with_numbers(layers, {"output": 2, "x": 3}, "float32"), run)


class Odd(Layer, abstract=True):
    """Uses what no layer of pellucid does in prediction mode."""

    def forward(self, x, p, memo):
        n, features = x.shape
        a = x[:, ::-1]
        a = a - a[:, 0:1] + a[:, -1][:, None]
        index = (a > 0) & ~(a >= 2) | (a != a) | (a < -3) | (a <= -4)
        b = np.where(index, np.log1p(np.abs(a)), np.expm1(np.minimum(a, 0.0)))
        b = b + np.floor(a) * np.sign(a) + np.square(a) - np.reciprocal(a * a + 1.0)
        b = np.sin(b) + np.cos(b) + (2.0 * a * a + 1.0) ** 0.5 + np.negative(a)
        share = b.sum() / (n * features)
        wide = np.concatenate([b, np.ones_like(a), np.zeros_like(a[:, :1])], axis=1)
        shifted = wide.transpose(1, 0).T - wide.min(axis=-1, keepdims=True)
        return shifted + share + x.mean(axis=0).sum() / n + (2.0 * n) ** 0.5


@every_dtype
def test_a_layer_of_ones_own(dtype, run):
    check(with_numbers([Odd()], 3, dtype), run)


class Noisy(Layer, abstract=True):
    """Draws random numbers in prediction mode, too."""

    def forward(self, x, p, memo):
        return x + memo.rng.uniform(x.shape)


def test_what_has_no_operator_is_named(require_package):
    require_package("onnx")
    network = NeuralNetwork([Noisy()], loss="sum_of_squares", input_shape=2)
    with pytest.raises(ConfigurationError, match=r"'noisy_1' computes uniform"):
        export.model(network)


def test_without_the_package_the_extra_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "onnx", None)
    network = NeuralNetwork([Dense(1)], loss="sum_of_squares", input_shape=2)
    with pytest.raises(ConfigurationError, match=r"pip install 'pellucid\[onnx\]'"):
        export.model(network)


def test_numbers_that_other_layers_hold(run):
    """A slope of 1/3 and an epsilon of 1e-5 are no float32 numbers."""
    layers = [activations.LeakyReLU(1 / 3), BatchNorm(), activations.ELU(math.pi)]
    network = with_numbers(layers, 4, "float64")
    network.state["batch_norm_1.variance"][...] = [1e-7, 1e-3, 1.0, 9.0]
    check(network, run)
