"""ONNX models predict the same in pellucid: those of PyTorch, and pellucid's own."""

import numpy as np
import pytest
from standins import agree, golden_cases

import pellucid
from golden import load
from pellucid import (
    GELU,
    AveragePool2D,
    BatchNorm,
    Chain,
    Concat,
    Conv1D,
    Conv2D,
    CrossEntropy,
    Dense,
    Embedding,
    Flatten,
    GlobalAveragePool,
    GroupNorm,
    Huber,
    Input,
    LayerNorm,
    MaxPool2D,
    NeuralNetwork,
    Pad,
    PReLU,
    Quantile,
    Residual,
    RMSNorm,
    Select,
    UpSample,
    models,
)
from pellucid.activations import Activation
from pellucid.errors import ConfigurationError
from pellucid.export import onnx as export
from registers import ours
from test_contract import samples


@pytest.mark.parametrize("name", golden_cases("onnx"))
def test_models_that_pytorch_exported(name, require_package):
    require_package("onnx")
    case = load("imported")[name]
    agree(pellucid.from_onnx(case["file"].tobytes()), case, "float32")


def test_branches_become_containers(require_package):
    require_package("onnx")
    file = load("imported")["onnx branches"]["file"].tobytes()
    network = pellucid.from_onnx(file)
    # Batch normalization in use was folded into the convolution by the exporter.
    assert repr(network.layers[1:3]) == (
        "(Residual([Conv2D(4, 3, 'relu', padding=1)]), Concat([Conv2D(2, 1), GELU()]))"
    )


TABLE = [Embedding(5, 2), Flatten()]


def with_numbers(layers, shape, dtype, loss):
    network = NeuralNetwork(layers, loss=loss, input_shape=shape, dtype=dtype)
    r = np.random.default_rng(1)
    network.weights = r.normal(size=network.weights.size) / 2
    for name in network.state:
        network.state[name][...] = r.uniform(0.2, 2, network.state[name].shape)
    return network


def there_and_back(layers, shape, dtype, loss="mean_squared_error"):
    """Return what a network is after it was exported and taken over again."""
    network = with_numbers(layers, shape, dtype, loss)
    back = pellucid.from_onnx(export.model(network))
    given, r = network.blueprint.inputs, np.random.default_rng(2)
    x = r.normal(size=(5, *given.shape))
    if given.kind == "integer":
        x = r.integers(0, 3, x.shape)
    wanted = network.feedforward(x)
    assert back.dtype == dtype
    tolerance = 1e-5 if dtype == "float32" else 1e-12
    least = tolerance * np.abs(wanted).max()
    np.testing.assert_allclose(back.feedforward(x), wanted, tolerance, least)
    return back


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", ours(Activation))
def test_every_activation_is_recognized_by_its_values(name, dtype, require_package):
    require_package("onnx")
    for activation in samples(ours(Activation)[name]):
        back = there_and_back([Dense(3, activation)], 2, dtype)
        assert back.layers == (Dense(3, activation),)


SAME = {
    "dense": ([Dense(4, "relu"), BatchNorm(), LayerNorm(), Dense(2, "softmax")], 3),
    "images": (models.cnn(3), (16, 16, 1)),
    "resized": (
        [
            Pad(((0, 1), (2, 0))),
            UpSample((1, 2)),
            AveragePool2D(3, 1, padding="same"),
            PReLU(),
            MaxPool2D(),
            GlobalAveragePool(),
            Dense(2, "softmax"),
        ],
        (4, 5, 3),
    ),
    "branches": (
        [
            Residual([Conv2D(3, 3, "relu", padding="same"), BatchNorm()]),
            Concat([Conv2D(2, 1, GELU(tanh=True)), "mish"]),
            Flatten(),
            Dense(2),
        ],
        (4, 5, 3),
    ),
    "words": ([Embedding(3, 4), Flatten(), Dense(2)], Input(2, "integer")),
}


@pytest.mark.parametrize("name", SAME)
def test_own_models_come_back(name, require_package):
    require_package("onnx")
    layers, shape = SAME[name]
    back = there_and_back(layers, shape, "float32", "cross_entropy")
    assert back.loss.label == "cross_entropy"


def test_sequences_come_back_as_images_of_one_row(require_package):
    require_package("onnx")
    layers = [Conv1D(3, 2, "tanh"), BatchNorm(), Flatten(), Dense(2)]
    there_and_back(layers, (6, 2), "float32")


def test_the_same_layers_come_back(require_package):
    require_package("onnx")
    layers = [Dense(4, "relu"), Residual([Dense(4, "silu")]), Dense(2, "softmax")]
    back = there_and_back(layers, 3, "float32", "cross_entropy")
    assert list(back.layers) == layers


def test_classes_and_files(require_package, tmp_path):
    require_package("onnx")
    network = with_numbers([Dense(2)], 3, "float32", "cross_entropy")
    network.classes = ["no", "yes"]
    path = tmp_path / "model.onnx"
    path.write_bytes(export.files(network, "model.onnx")["model.onnx"])
    back = pellucid.from_onnx(path)
    x = np.eye(3)
    assert back.predict(x).tolist() == network.predict(x).tolist()
    assert pellucid.from_onnx(str(path), loss="hinge").loss.label == "hinge"


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_several_inputs_meet(dtype, require_package):
    require_package("onnx")
    inner = Concat([Chain([Select("a"), Dense(2, "tanh")]), Select("c")])
    layers = [
        Concat([Chain([inner, Dense(3, "relu")]), Chain([Select("b"), *TABLE])]),
        Dense(2),
    ]
    shape = {"a": 3, "b": Input(2, kind="integer"), "c": 2}
    network = with_numbers(layers, shape, dtype, "mean_squared_error")
    model, r = export.model(network), np.random.default_rng(2)
    x = {"a": r.normal(size=(5, 3)), "c": r.normal(size=(5, 2))}
    x["b"] = r.integers(0, 5, (5, 2))
    back = pellucid.from_onnx(model)
    assert back.layers == network.layers
    np.testing.assert_allclose(back.feedforward(x), network.feedforward(x), rtol=1e-6)
    assert back.trace(x, np.zeros((5, 2))).why("dense_1.z[0, 0]").agrees()
    again = pellucid.from_onnx(model, input_shape=shape)
    assert again.layers == network.layers
    with pytest.raises(ConfigurationError, match="a shape for each of them; got 3"):
        pellucid.from_onnx(model, input_shape=3)


def test_an_input_that_nothing_takes(require_package):
    require_package("onnx")
    shape = {"a": 3, "b": 2}
    network = with_numbers([Select("a"), Dense(2)], shape, "float32", "huber")
    back = pellucid.from_onnx(export.model(network))
    x = {"a": np.ones((1, 3)), "b": np.ones((1, 2))}
    assert back.feedforward(x).tolist() == network.feedforward(x).tolist()


def test_the_loss_has_its_settings(require_package):
    require_package("onnx")
    for loss in (Quantile(0.9), Huber(0.3), CrossEntropy(label_smoothing=0.1)):
        network = with_numbers([Dense(2)], 3, "float32", loss)
        assert pellucid.from_onnx(export.model(network)).loss == loss


NORMS = {
    "rows": ([LayerNorm(1e-3), Dense(3), RMSNorm(), Dense(2)], 4),
    "images": ([Conv2D(4, 2), GroupNorm(2, 0.1), "relu", GroupNorm(4)], (3, 4, 2)),
    "places": ([LayerNorm(), RMSNorm(1e-4)], (5, 3)),
    "rows in groups": ([Dense(6, "tanh"), GroupNorm(3), Dense(1)], 2),
}


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", NORMS)
def test_normalizations_are_recognized_by_their_values(name, dtype, require_package):
    require_package("onnx")
    layers, shape = NORMS[name]
    if dtype == "float64" and name == "images":  # there Conv is many operators
        layers, shape = layers[1:], (3, 4, 4)
    back = there_and_back(layers, shape, dtype)
    wanted = NeuralNetwork(layers, loss="huber", input_shape=shape).layers
    assert back.layers == wanted


def test_a_group_norm_as_pytorch_writes_it(require_package):
    onnx = require_package("onnx")
    r = np.random.default_rng(0)
    scale, shift = r.normal(size=(2, 4, 1, 1)).astype(np.float32)
    more = {"ones": np.ones(2), "zeros": np.zeros(2), "scale": scale, "shift": shift}
    norm = ["InstanceNormalization", ["groups", "ones", "zeros"], "n", {"epsilon": 0.2}]
    nodes = [
        ("Constant", [], "sizes", {"value_ints": [0, 2, -1]}),
        ("MaxPool", ["x"], "image", {"kernel_shape": [1, 1]}),
        ("Reshape", ["image", "sizes"], "groups", {}),
        norm,
        ("Shape", ["image"], "before", {}),
        ("Reshape", ["n", "before"], "whole", {}),
        ("Mul", ["whole", "scale"], "scaled", {}),
        ("Add", ["scaled", "shift"], "normal", {}),
        ("GlobalAveragePool", ["normal"], "pooled", {}),
        ("Flatten", ["pooled"], "out", {}),
    ]
    model = graph_of(onnx, nodes, more, ("n", 4, 3, 2))
    network = pellucid.from_onnx(model)
    assert network.layers[1] == GroupNorm(2, 0.2)
    named = network.parameters
    np.testing.assert_allclose(named["group_norm_1.scale"], scale.ravel(), rtol=1e-6)
    np.testing.assert_allclose(named["group_norm_1.shift"], shift.ravel(), rtol=1e-5)


def test_normalizations_that_are_operators(require_package):
    onnx = require_package("onnx")
    r = np.random.default_rng(0)
    x = r.normal(size=(3, 4, 2, 2))
    some = {
        "two": [1.0, 2.0],
        "four": r.normal(size=4),
        "b2": [3.0, 4.0],
        "b4": [5.0] * 4,
    }
    how = {"num_groups": 2, "epsilon": 1e-4}
    apart = x.reshape(3, 2, -1)
    mean, spread = apart.mean(-1, keepdims=True), apart.var(-1, keepdims=True) + 1e-4
    normal = ((apart - mean) / np.sqrt(spread)).reshape(x.shape).transpose(0, 2, 3, 1)
    for names, wanted in (
        (["two", "b2"], normal * [1, 1, 2, 2] + [3, 3, 4, 4]),
        (["four", "b4"], normal * some["four"] + 5),
    ):
        nodes = [("GroupNormalization", ["x", *names], "out", how)]
        network = pellucid.from_onnx(graph_of(onnx, nodes, some, ("n", 4, 2, 2)))
        found = network.feedforward(x.transpose(0, 2, 3, 1))
        np.testing.assert_allclose(found, wanted, rtol=1e-4, atol=1e-5)
    nodes = [("RMSNormalization", ["x", "two"], "out", {"epsilon": 1e-4})]
    network = pellucid.from_onnx(graph_of(onnx, nodes, some))
    assert network.layers == (RMSNorm(1e-4),)
    size = np.sqrt((9 + 16) / 2 + 1e-4)
    np.testing.assert_allclose(network.feedforward([3, 4]), [3 / size, 8 / size], 1e-5)


def graph_of(onnx, nodes, constants=(), shape=("n", 2), count=1):
    helper, number = onnx.helper, onnx.TensorProto.FLOAT
    inputs = [
        helper.make_tensor_value_info(name, number, shape) for name in "xyz"[:count]
    ]
    output = helper.make_tensor_value_info("out", number, None)
    tensors = [
        onnx.numpy_helper.from_array(np.asarray(values, np.float32), name)
        for name, values in dict(constants).items()
    ]
    made = [
        helper.make_node(kind, given, [out], name=out, **how)
        for kind, given, out, how in nodes
    ]
    return helper.make_model(helper.make_graph(made, "g", inputs, [output], tensors))


def test_hard_sigmoid_of_another_slope(require_package):
    onnx = require_package("onnx")
    model = graph_of(onnx, [("HardSigmoid", ["x"], "out", {})])
    x = np.linspace(-4, 4, 10).reshape(5, 2)
    found = pellucid.from_onnx(model).feedforward(x)
    wanted = np.clip(0.2 * x + 0.5, 0, 1)
    np.testing.assert_allclose(found, wanted, rtol=1e-6, atol=1e-7)


def test_a_clip_that_bends_far_out_is_not_taken_for_less(require_package):
    onnx = require_package("onnx")
    ends = {"low": 0.0, "high": 6.0, "much": 1000.0}
    for inputs in (["x", "low", "much"], ["x", "", "much"], ["x", "low", "high"]):
        model = graph_of(onnx, [("Clip", inputs, "out", {})], ends)
        with pytest.raises(ConfigurationError, match="Clip, has no counterpart"):
            pellucid.from_onnx(model)
    model = graph_of(onnx, [("Clip", ["x", "low"], "out", {})], ends)
    assert pellucid.from_onnx(model).layers == (pellucid.ReLU(),)


def test_a_cast_to_whole_numbers_is_no_identity(require_package):
    onnx = require_package("onnx")
    nodes = [("Cast", ["x"], "a", {"to": 7}), ("Cast", ["a"], "out", {"to": 1})]
    with pytest.raises(ConfigurationError, match="Cast, has no counterpart"):
        pellucid.from_onnx(graph_of(onnx, nodes))
    (one,) = [("Cast", ["x"], "out", {"to": 11})]
    network = pellucid.from_onnx(graph_of(onnx, [one]))
    assert network.feedforward([1.5, -2.0]).tolist() == [1.5, -2.0]


def test_a_residual_of_flattened_images_keeps_their_order(require_package):
    onnx = require_package("onnx")
    r = np.random.default_rng(0)
    W, V = r.normal(size=(12, 12)), r.normal(size=(12, 2))
    nodes = [
        ("MaxPool", ["x"], "image", {"kernel_shape": [1, 1]}),
        ("Flatten", ["image"], "rows", {}),
        ("MatMul", ["rows", "W"], "z", {}),
        ("Tanh", ["z"], "a", {}),
        ("Add", ["rows", "a"], "sum", {}),
        ("MatMul", ["sum", "V"], "out", {}),
    ]
    model = graph_of(onnx, nodes, {"W": W, "V": V}, ("n", 3, 2, 2))
    x = r.normal(size=(4, 3, 2, 2))
    rows = x.reshape(4, 12)
    wanted = (rows + np.tanh(rows @ W)) @ V
    found = pellucid.from_onnx(model).feedforward(x.transpose(0, 2, 3, 1))
    np.testing.assert_allclose(found, wanted, rtol=1e-4, atol=1e-5)


def test_gemm_with_every_setting(require_package):
    onnx = require_package("onnx")
    how = {"alpha": 0.5, "beta": 2.0, "transB": 1}
    W, b = [[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]], [1.0, 2.0, 3.0]
    nodes = [("Gemm", ["x", "W", "b"], "out", how)]
    network = pellucid.from_onnx(graph_of(onnx, nodes, {"W": W, "b": b}))
    assert network.feedforward([1.0, 1.0]).tolist() == [3.5, 7.5, 11.5]


def test_what_cannot_be_taken_over_is_named(require_package):
    onnx = require_package("onnx")

    def told(nodes, match, **settings):
        model = graph_of(onnx, nodes, **settings)
        with pytest.raises(ConfigurationError, match=match):
            pellucid.from_onnx(model)

    told([("LSTM", ["x"], "out", {})], r"Node 'out', LSTM, has no counterpart.*Gemm")
    told([("Sin", ["x"], "out", {})], "Node 'out', Sin, has no counterpart")
    told([("Softmax", ["x"], "out", {"axis": 0})], "Node 'out', Softmax: axis=0")
    twice = [("Relu", ["x"], "a", {}), ("MatMul", ["a", "x"], "out", {})]
    told(twice, "is no constant|branches meet in MatMul")
    told([("Add", ["x", "y"], "out", {})], r"\['x', 'y'\] meet in Add", count=2)
    told([("Concat", ["x", "y"], "out", {"axis": 0})], "axis=0 is not", count=2)
    told([("Relu", ["x"], "out", {})], "give input_shape", shape=("n", "m"))
    vector = {"a": [[1.0], [2.0]]}
    told([("Add", ["x", "a"], "out", {})], "not one number a feature", constants=vector)


def test_no_model_at_all(require_package):
    require_package("onnx")
    with pytest.raises(ConfigurationError, match="This is no ONNX model"):
        pellucid.from_onnx(b"something else")
    with pytest.raises(FileNotFoundError):
        pellucid.from_onnx("nowhere.onnx")
