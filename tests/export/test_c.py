"""Networks as C99: compiled with every warning an error, run under sanitizers."""

import re
import subprocess

import numpy as np
import pytest
import twins
import wild

from pellucid.activations import Activation
from pellucid.errors import ConfigurationError, DataError
from pellucid.export import c
from pellucid.export.lowering import lower
from pellucid.export.memory import Memory
from pellucid.layer import Layer
from pellucid.layers import Conv2D, Dense, Embedding, Flatten, Input
from pellucid.network import NeuralNetwork
from registers import ours

FLAGS = ["-std=c99", "-Wall", "-Wextra", "-Werror", "-pedantic", "-g"]
SANITIZERS = ["-fsanitize=address,undefined", "-fno-sanitize-recover=all"]


def compiled(gcc, folder, sources, *flags):
    """Compile C files by name into a program."""
    for name, text in sources.items():
        (folder / f"{name}.c").write_text(text, encoding="utf-8")
    files = [str(folder / f"{name}.c") for name in sources]
    program = str(folder / "program")
    command = [gcc, *FLAGS, *SANITIZERS, *flags, *files, "-o", program, "-lm"]
    made = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert made.returncode == 0, made.stderr[:3000]
    return program


def given_as_text(network, x):
    """Return one sample as the numbers that a program reads."""
    each = x.values() if isinstance(x, dict) else [x]
    return " ".join(repr(v.item()) for values in each for v in np.ravel(values))


def prints(program, text):
    """Return the lines that a program prints for its input."""
    ran = subprocess.run(
        [program], input=text, capture_output=True, text=True, timeout=60
    )
    assert ran.returncode == 0, ran.stderr[:3000]
    return ran.stdout.splitlines()


def driver(networks, counts, real):
    """Return a main that reads so many samples for each, and prints every layer."""
    lines = ["#include <stdint.h>", "#include <stdio.h>", f"typedef {real} real;"]
    lines += [
        "void watch(const char *layer, const real *values, int size);",
        "void watch(const char *layer, const real *values, int size)",
        '{ printf("%s|", layer);',
        "for (int i = 0; i < size; i++)",
        '  printf(" %.17g", (double)values[i]);',
        'printf("\\n"); }',
    ]
    body = []
    for name, network in networks.items():
        lowered = lower(network, name)
        inputs = lowered.inputs.values()
        kinds = ["int32_t" if a.kind == "integer" else "real" for a in inputs]
        arguments = ", ".join(f"const {kind} *" for kind in kinds)
        lines.append(f"void {name}({arguments}, real *output);")
        body.append(f"for (int sample = 0; sample < {counts[name]}; sample++) {{")
        for i, (kind, array) in enumerate(zip(kinds, inputs, strict=True)):
            body.append(f"static {kind} x{i}[{array.size}];")
            body.append(f"for (int i = 0; i < {array.size}; i++) {{ double v;")
            body.append('if (scanf("%lf", &v) != 1) return 1;')
            body.append(f"x{i}[i] = ({kind})v; }}")
        body.append(f"static real output[{lowered.output.size}];")
        values = ", ".join(f"x{i}" for i in range(len(kinds)))
        body.append(f"{name}({values}, output);")
        body.append(f'watch("= {name}", output, {lowered.output.size}); }}')
    return "\n".join([*lines, "int main(void) {", *body, "return 0; }", ""])


def run_all(gcc, folder, cases):
    """Compile networks together; run each on its samples, compare every layer.

    Parameters
    ----------
    cases : dict of str to (NeuralNetwork, list of samples)
    """
    networks = {name: network for name, (network, _) in cases.items()}
    counts = {name: len(samples) for name, (_, samples) in cases.items()}
    real = "float" if next(iter(networks.values())).dtype == np.float32 else "double"
    sources = {
        name: c.source(network, name=name, watch=True)
        for name, network in networks.items()
    }
    sources["driver"] = driver(networks, counts, real)
    program = compiled(gcc, folder, sources)
    each = [(name, x) for name, (_, samples) in cases.items() for x in samples]
    text = "\n".join(given_as_text(networks[name], x) for name, x in each)
    layers, found = [], []
    for line in prints(program, text):
        title, _, texts = line.rpartition("|")
        values = list(map(float, texts.split()))
        if title.startswith("= "):
            found.append((title[2:], values, layers))
            layers = []
        else:
            layers.append((title, values))
    assert [name for name, _, _ in found] == [name for name, _ in each]
    for (name, x), (_, output, inside) in zip(each, found, strict=True):
        twins.compare(networks[name], x, output, inside)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_every_layer_activation_and_whole_network(require_tool, tmp_path, dtype):
    networks = {
        "every_layer": twins.every_layer(dtype),
        "every_activation": twins.every_activation(dtype),
    }
    networks |= {re.sub(r"\W", "_", n): twins.whole(n, dtype) for n in twins.WHOLE}
    run_all(require_tool("gcc"), tmp_path, {n: one(net) for n, net in networks.items()})


def one(network):
    """Return a network and a sample for it."""
    return network, [twins.row(twins.samples(network), 1)]


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_the_largest_and_smallest_numbers(require_tool, tmp_path, dtype):
    run_all(require_tool("gcc"), tmp_path, {"extremes": twins.extremes(dtype)})


def test_random_formulas(require_tool, tmp_path):
    cases = {f"wild_{seed}": one(wild.wild(seed)) for seed in range(25)}
    run_all(require_tool("gcc"), tmp_path, cases)


def test_names_that_mean_something_else(require_tool, tmp_path):
    run_all(require_tool("gcc"), tmp_path, {"predict": one(twins.awkward())})


def test_everything_registered_is_there():
    inside = {
        type(layer) for layer in twins.every_layer("float32").blueprint.layers.values()
    }
    missing = set(ours(Layer).values()) - set(ours(Activation).values()) - inside
    assert {kind.label for kind in missing} <= {"joint"}
    inside = {
        type(layer)
        for layer in twins.every_activation("float32").blueprint.layers.values()
    }
    assert set(ours(Activation).values()) <= inside


def test_a_program_of_its_own_reads_samples(require_tool, tmp_path):
    network = twins.whole("mlp", "float64")
    network.classes = ["low", 'a "quote"', "é??/\\"]
    text = c.source(network, name="judge")
    flags = ["-DJUDGE_MAIN", "-DJUDGE_STORAGE="]
    program = compiled(require_tool("gcc"), tmp_path, {"judge": text}, *flags)
    x = twins.samples(network)
    lines = prints(program, "\n".join(given_as_text(network, row) for row in x))
    found = [[float(value) for value in line.split()] for line in lines]
    np.testing.assert_allclose(found, network.predict_proba(x), rtol=1e-12)
    assert 'const char *const judge_classes[3] = {\n    "low",' in text
    assert r'"a \"quote\""' in text
    assert r'"\303\251\?\?/\\"' in text


def test_what_is_no_number_stays_so_and_wrong_choices_become_so(require_tool, tmp_path):
    network = twins.whole("mixed", "float32")
    text = c.source(network)
    program = compiled(require_tool("gcc"), tmp_path, {"n": text}, "-DPREDICT_MAIN")
    good, outside, missing = prints(program, "1 2 3 0 4\n1 2 3 0 5\nnan 2 3 0 4")
    assert 0 < float(good) < 1
    assert outside == missing == "nan" or {outside, missing} <= {"nan", "-nan"}


def test_the_head_says_how_much_memory_it_takes():
    network = NeuralNetwork(
        [Dense(100, "relu"), Dense(50, "relu"), Dense(20, "relu"), Dense(1)],
        loss="mean_squared_error",
        input_shape=10,
    )
    parameters = network.blueprint.layout.parameters.size
    text = c.source(network)
    words = " ".join(text[: text.index("*/")].replace(" *", "").split())
    assert f"Memory: {4 * parameters:,} bytes of numbers" in words
    assert f"{4 * (100 + 50):,} bytes of intermediate" in words


def test_arrays_share_memory_and_elementwise_layers_overwrite_their_input():
    network = NeuralNetwork(
        [Dense(30), "relu", Dense(20), "tanh", "relu", Dense(10)],
        loss="mean_squared_error",
        input_shape=3,
    )
    memory = Memory(lower(network))
    assert memory.sizes == {"float": 50}
    places = {array.name: place for array, (_, place) in memory.places.items()}
    assert places["dense_1_z"] == places["relu_1_a"]
    assert places["dense_2_z"] == places["tanh_1_a"] == places["relu_2_a"]


def test_numbers_read_back_as_the_same_bits():
    for dtype in ("float32", "float64"):
        network = twins.whole("mlp", dtype)
        tiny, top = np.finfo(dtype).smallest_subnormal, np.finfo(dtype).max
        network.parameters["dense_1.b"][:4] = [tiny, -top, 1 / 3, np.finfo(dtype).tiny]
        text = c.source(network)
        for array in lower(network).constants:
            body = re.search(
                rf"real {array.name}\[.*?{{.*?\n(.*?)}};", text, re.DOTALL
            )[1]
            found = [v.strip().rstrip("f") for v in body.split(",") if v.strip()]
            same = np.array(found, dtype=dtype) == array.values.reshape(-1)
            assert same.all()


class _Odd(Layer, abstract=True):
    """A layer that draws random numbers in prediction, too."""

    def forward(self, x, p, memo):
        return x + memo.rng.uniform(x.shape)


def test_an_operation_without_code_is_named_with_its_layer():
    network = NeuralNetwork(
        [Dense(2), _Odd(name="strange")], loss="sum_of_squares", input_shape=2
    )
    with pytest.raises(ConfigurationError, match=r"Layer 'strange' uses uniform"):
        c.source(network)


def test_a_network_of_no_numbers_is_refused():
    network = twins.whole("mlp", "float32")
    network.parameters["dense_2.W"][0, 0] = np.nan
    with pytest.raises(ConfigurationError, match=r"dense_2\.W holds NaN"):
        c.source(network)


def test_names_of_functions_and_settings_are_checked():
    network = twins.whole("mlp", "float32")
    with pytest.raises(ConfigurationError, match="'1a' cannot be the name"):
        c.source(network, name="1a")
    with pytest.raises(ConfigurationError, match="3 cannot be the name"):
        c.source(network, name=3)
    with pytest.raises(DataError, match="x has no samples"):
        c.source(network, int8=True, x=np.zeros((0, 5)))
    with pytest.raises(ConfigurationError, match="x is taken for int8=True only"):
        c.source(network, x=[[1.0] * 5])
    with pytest.raises(ConfigurationError, match="needs typical inputs"):
        c.source(network, int8=True)


# -- whole numbers of 8 bits -----------------------------------------------------------


@pytest.mark.parametrize("name", ["mlp", "cnn", "resnet", "everything", "sequence"])
def test_int8_programs_give_what_was_measured(require_tool, tmp_path, name):
    layers, _, shape = twins.WHOLE[name]
    network = twins.unlike_at_first(
        NeuralNetwork(layers, loss="mean_squared_error", input_shape=shape)
    )
    x = twins.samples(network, 12)
    text = c.source(network, int8=True, x=x)
    program = compiled(require_tool("gcc"), tmp_path, {"n": text}, "-DPREDICT_MAIN")
    lines = prints(program, "\n".join(given_as_text(network, row) for row in x))
    found = np.array([[float(v) for v in line.split()] for line in lines])
    good = network.feedforward(x)
    differences = np.abs(found - good)
    words = " ".join(text[: text.index("*/")].replace(" *", " ").split())
    said = re.search(r"by (\S+) on average and by (\S+?)\.? at most", words)
    mean, most = map(float, said.groups())
    assert mean == pytest.approx(differences.mean(), rel=0.06, abs=1e-6)
    assert most == pytest.approx(differences.max(), rel=0.06, abs=1e-6)
    assert 0 < most < 0.2 * np.abs(good).max()
    assert "static const int8_t" in text


def test_int8_takes_a_quarter_of_the_memory_for_weights():
    network = NeuralNetwork([Dense(64), Dense(8)], loss="hinge", input_shape=64)
    x = twins.numbers((20, 64))
    said = [
        int(re.search(r"Memory: ([\d,]+) bytes", text)[1].replace(",", ""))
        for text in (c.source(network), c.source(network, int8=True, x=x))
    ]
    weights, rest = 64 * 64 + 64 * 8, 64 + 8
    assert said == [4 * (weights + rest), weights + 4 * (rest + 64 + 8)]


def test_int8_counts_the_samples_that_change_their_class():
    network = twins.whole("mlp", "float32")
    x = twins.samples(network, 200)
    text = c.source(network, int8=True, x=x)
    assert re.search(
        r"; [\d,]+ +samples \([\d.]+%\)", " ".join(text.replace(" *", " ").split())
    )


def test_int8_needs_something_to_store():
    network = NeuralNetwork(
        [Embedding(3, 2), Flatten()],
        loss="sum_of_squares",
        input_shape=Input(2, "integer"),
    )
    with pytest.raises(ConfigurationError, match="Nothing in this network"):
        c.source(network, int8=True, x=[[0, 1]])


def test_zeros_have_a_scale(require_tool, tmp_path):
    network = NeuralNetwork(
        [Conv2D(2, 3, weight_init="zeros"), Flatten()],
        loss="sum_of_squares",
        input_shape=(3, 3, 1),
    )
    text = c.source(network, int8=True, x=np.zeros((2, 3, 3, 1)))
    program = compiled(require_tool("gcc"), tmp_path, {"n": text}, "-DPREDICT_MAIN")
    assert prints(program, " ".join(["3"] * 9)) == ["0 0"]
