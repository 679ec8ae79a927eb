"""Networks as plain Python, run by an interpreter that sees no NumPy."""

import ast
import json
import subprocess
import sys

import numpy as np
import pytest
import twins
import wild
from test_javascript import plainly

from pellucid.errors import ConfigurationError
from pellucid.export import python_plain
from pellucid.layer import Layer
from pellucid.layers import Concat, Conv1D, Dense, Flatten, Reshape, UpSample
from pellucid.losses import EachMember
from pellucid.network import NeuralNetwork

RUN = """
import json, runpy, sys
try:
    import numpy
except ImportError:
    pass
else:
    sys.exit("NumPy can be imported")
found, known = [], {}
for path, x in json.load(sys.stdin):
    if path not in known:
        known[path] = runpy.run_path(path)
    layers = []
    try:
        watch = lambda layer, values: layers.append((layer, list(values)))
        found.append((known[path]["predict"](x, watch), layers))
    except ValueError as error:
        found.append(str(error))
print(json.dumps(found))
"""


def run_all(folder, cases):
    """Return output and layers, or the error, of each network and sample in turn."""
    given, files = [], {}
    for network, x in cases:
        if id(network) not in files:
            path = folder / f"network{len(files)}.py"
            text = python_plain.source(network, watch=True)
            path.write_text(text, encoding="utf-8")
            files[id(network)] = str(path)
        given.append([files[id(network)], plainly(x)])
    ran = subprocess.run(
        [sys.executable, "-S", "-I", "-W", "error", "-c", RUN],
        input=json.dumps(given),
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert ran.returncode == 0, ran.stderr[:3000]
    return json.loads(ran.stdout)


def compare_all(folder, cases):
    """Run each network on its sample, compare every layer."""
    for (network, x), found in zip(cases, run_all(folder, cases), strict=True):
        assert not isinstance(found, str), found
        twins.compare(network, x, *found)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_every_layer_activation_and_whole_network(tmp_path, dtype):
    networks = [twins.every_layer(dtype), twins.every_activation(dtype)]
    networks += [twins.whole(name, dtype) for name in twins.WHOLE]
    cases = [(net, twins.row(twins.samples(net), 1)) for net in networks]
    compare_all(tmp_path, cases)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_the_largest_and_smallest_numbers(tmp_path, dtype):
    network, rows = twins.extremes(dtype)
    compare_all(tmp_path, [(network, row) for row in rows])


def test_wrong_inputs_are_refused(tmp_path):
    table, mixed = twins.whole("mlp", "float32"), twins.whole("mixed", "float32")
    good = {"x-1": [1, 2, 3], "the float": [0, 4]}
    cases = [
        (table, [1, 2, 3]),
        (table, [1, 2, float("nan"), 4, 5]),
        (mixed, good | {"the float": [0, -1]}),
        (mixed, good | {"the float": [0.5, 1]}),
        (mixed, good | {"the float": [float("nan"), 1]}),
        (mixed, good),
    ]
    found = run_all(tmp_path, cases)
    assert found[0] == "expected 5 numbers for x, got 3"
    assert found[1] == "x has nan at place 2; expected a number"
    expected = "expected a whole number from 0 to 4"
    assert found[2] == f"the float has -1 at place 1; {expected}"
    assert found[3] == f"the float has 0.5 at place 0; {expected}"
    assert found[4] == f"the float has nan at place 0; {expected}"
    assert not isinstance(found[5], str)


def test_a_difference_is_told_with_its_layer(tmp_path):
    network = twins.whole("mlp", "float64")
    x = twins.row(twins.samples(network), 1)
    (found,) = run_all(tmp_path, [(network, x)])
    assert [layer for layer, _ in found[1]] == ["dense_1", "dense_2", "dense_3"]
    network.parameters["dense_2.b"][0] += 1e-9
    with pytest.raises(AssertionError, match="first differing layer: dense_2,"):
        twins.compare(network, x, *found)


def test_random_formulas(tmp_path):
    networks = [wild.wild(seed) for seed in range(40)]
    compare_all(tmp_path, [(net, twins.row(twins.samples(net), 1)) for net in networks])


def test_names_that_mean_something_else(tmp_path):
    network = twins.awkward()
    compare_all(tmp_path, [(network, twins.row(twins.samples(network), 1))])


class Everything(Layer, abstract=True):
    """Every elementwise operation, at numbers for which Python would raise an error."""

    def forward(self, x, p, memo):
        zero = x - x
        return np.concatenate(
            [
                x / zero,
                np.sqrt(x),
                np.log(x),
                np.log1p(x),
                np.exp(1000.0 * x),
                np.expm1(1000.0 * x),
                np.reciprocal(zero),
                (x * 1e200) ** 3.0,
                x**0.3,
                np.sin(x / zero),
                np.cos(x / zero),
                np.floor(x / zero),
                np.sign(x),
                np.where((x > 0) & (x != 2) | ~(x >= 1), x, -x),
                np.minimum(x, 0.5) + np.maximum(x / zero, x),
                np.square(x) + np.absolute(x) + x**2 + x**-1,
                x[..., ::-1],
                ((x > 0) == (x > 1)).astype(x.dtype) * x,
            ],
            axis=-1,
        )


@pytest.mark.parametrize("language", ["c", "javascript", "python"])
def test_infinities_and_what_is_no_number(language, tmp_path, request):
    network = NeuralNetwork(
        [Everything()], loss="sum_of_squares", input_shape=3, dtype="float64"
    )
    rows = [[-2.0, 0.0, 0.5], [1.0, 2.0, -1.0]]
    with np.errstate(all="ignore"):
        if language == "python":
            compare_all(tmp_path, [(network, np.array(row)) for row in rows])
        elif language == "javascript":
            import test_javascript

            node = request.getfixturevalue("require_tool")("node")
            cases = [(network, np.array(row)) for row in rows]
            test_javascript.compare_all(node, tmp_path, cases)
        else:
            import test_c

            gcc = request.getfixturevalue("require_tool")("gcc")
            samples = [np.array(row) for row in rows]
            test_c.run_all(gcc, tmp_path, {"everything": (network, samples)})


def test_numbers_read_back_as_the_same_bits():
    for dtype in ("float32", "float64"):
        network = twins.whole("mlp", dtype)
        tiny, top = np.finfo(dtype).smallest_subnormal, np.finfo(dtype).max
        network.parameters["dense_1.b"][:4] = [tiny, -top, 1 / 3, np.finfo(dtype).tiny]
        module = {}
        exec(python_plain.source(network), module)
        for name, values in network.parameters.items():
            found = np.array(module[name.replace(".", "_")])
            assert (found == values.reshape(-1)).all()
            assert found.dtype == np.float64


def test_it_imports_math_alone_and_no_line_is_too_long():
    network = twins.whole("everything", "float32")
    text = python_plain.source(network)
    found = [
        alias.name
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.Import | ast.ImportFrom)
        for alias in node.names
    ]
    assert found == ["math"]
    assert max(map(len, text.splitlines())) <= 88


def test_classes_stand_in_the_module():
    network = twins.whole("mlp", "float64")
    network.classes = ["low", 'a "quote"', "é"]
    module = {}
    exec(python_plain.source(network, name="judge"), module)
    assert module["CLASSES"] == ["low", 'a "quote"', "é"]
    x = twins.samples(network)[0]
    np.testing.assert_allclose(
        module["judge"](x.tolist()), network.predict_proba(x), rtol=1e-12
    )
    assert module["judge_class"](x.tolist()) == network.predict(x)


def one_output(loss):
    """Return a network of one output that chooses between two classes, and samples."""
    network = twins.unlike_at_first(
        NeuralNetwork([Dense(1)], loss=loss, input_shape=3, dtype="float64")
    )
    network.classes = ["cold", "warm"]
    x = twins.numbers((8, 3), 2)
    assert len(set(network.predict(x))) == 2
    return network, x


@pytest.mark.parametrize("loss", ["binary_cross_entropy", "binary_hinge"])
def test_one_output_chooses_between_two_classes(loss):
    network, x = one_output(loss)
    module = {}
    exec(python_plain.source(network), module)
    found = [module["predict_class"](row) for row in x.tolist()]
    assert found == network.predict(x).tolist()


@pytest.mark.parametrize(
    ("layers", "shape"),
    [
        ([UpSample(3)], (2, 3)),
        ([UpSample(2), Reshape((2, 8, 3))], (2, 2, 3)),
        ([Concat([Flatten(), Flatten()]), Reshape((3, 4))], (3, 2)),
        ([Conv1D(2, 2, padding="same"), Reshape((4, 2))], (4, 2)),
    ],
)
def test_the_output_has_another_shape_than_what_fills_it(layers, shape):
    network = NeuralNetwork(
        layers, loss="sum_of_squares", input_shape=shape, dtype="float64"
    )
    x = twins.numbers((1, *shape), 1)
    module = {}
    exec(python_plain.source(network), module)
    found = module["predict"](x[0].tolist())
    np.testing.assert_allclose(found, network.feedforward(x)[0].ravel(), rtol=1e-12)


MEMBERS = {
    "cross_entropy": (2, "the probability of each class, as predict_proba"),
    "binary_cross_entropy": (1, "the probability of yes, as predict_proba"),
    "mean_squared_error": (2, "the mean of what the members predict, as predict"),
    "poisson": (1, "the mean of what the members predict, as predict"),
}


@pytest.mark.parametrize("loss", MEMBERS)
def test_members_answer_with_the_mean_of_what_they_predict(loss):
    outputs, words = MEMBERS[loss]
    network = twins.unlike_at_first(
        NeuralNetwork(
            [Dense(4, "tanh"), Dense(3 * outputs)],
            loss=EachMember(loss, 3),
            input_shape=2,
            dtype="float64",
        )
    )
    x = twins.numbers((5, 2), 1)
    source = python_plain.source(network)
    assert f'"""Return {words}' in source
    module = {}
    exec(source, module)
    found = [module["predict"](row) for row in x.tolist()]
    wanted = network.predict(x)
    if loss not in ("mean_squared_error", "poisson"):
        wanted = network.predict_proba(x)
        wanted = wanted[:, 1:] if loss == "binary_cross_entropy" else wanted
    np.testing.assert_allclose(found, np.reshape(wanted, (5, -1)), rtol=1e-12)


def test_a_name_that_python_cannot_have_is_refused():
    network = twins.whole("mlp", "float32")
    for name in ("a b", "class", ""):
        with pytest.raises(ConfigurationError, match="cannot be the name"):
            python_plain.source(network, name=name)
