"""The NumPy program of a network: it runs alone, and computes and learns the same."""

import ast
import cProfile
import subprocess
import sys
from typing import ClassVar

import numpy as np
import pytest
from twins import unlike_at_first

from pellucid.activations import Activation
from pellucid.errors import ConfigurationError, DataError
from pellucid.export import export, source
from pellucid.export.literals import MOST, numpy_literal
from pellucid.export.numpy_functions import uniform
from pellucid.export.proof import example, prove
from pellucid.export.python import Twin
from pellucid.layer import Layer
from pellucid.layers import BatchNorm, Chain, Dense, Dropout, Residual
from pellucid.layout import Slot
from pellucid.losses import Loss
from pellucid.network import NeuralNetwork
from pellucid.notation import Notation
from pellucid.optimizers import Adam, GradientDescent, Optimizer
from pellucid.rng import make_key, step_key
from pellucid.rng import uniform as drawn
from pellucid.schedules import Cosine
from registers import ours
from test_contract import layer_samples, samples

CLOSE = {"float64": 1e-12, "float32": 1e-5}


def networks():
    """Return layers, loss and input shape for every registered part, by name."""
    found = {}
    for name, kind in ours(Activation).items():
        for i, part in enumerate(samples(kind)):
            found[f"{name} {i}"] = [Dense(3, part), Dense(2)], "sum_of_squares", 4
    for name, kind in ours(Layer).items():
        if name not in ours(Activation):
            for i, (layer, shape) in enumerate(layer_samples(kind, 4)):
                found[f"{name} {i}"] = [layer], "mean_squared_error", shape
    for name, kind in ours(Loss).items():
        for i, loss in enumerate(samples(kind)):
            found[f"{name} {i}"] = [Dense(3 * loss.per_target)], loss, 4
    return found


def optimizers():
    """Return every registered optimizer, each with all common settings as well."""
    found = {}
    for name, kind in ours(Optimizer).items():
        every = [*samples(kind), kind(0.1, l1=0.01, l2=0.02, clip_norm=0.5)]
        every += [kind(0.1, clip_value=0.3, decay=0.05)]
        found |= {f"{name} {i}": part for i, part in enumerate(every)}
    return found


NETWORKS, OPTIMIZERS = networks(), optimizers()


def made(layers, loss, shape, dtype="float64"):
    network = NeuralNetwork(layers, loss=loss, input_shape=shape, dtype=dtype, seed=1)
    return unlike_at_first(network)


def loaded(text, name="a module"):
    """Return what a program defines, from its text."""
    found = {"__name__": name}
    exec(compile(text, "twin.py", "exec"), found)
    return found


def numbers_of(network, twin):
    """Return the numbers of a trained twin in the order of the network's vector."""
    notation, found = Notation(network.blueprint), [np.zeros(0)]
    for name in network.blueprint.layout.entries:
        path, _, slot = name.rpartition(".")
        found.append(np.ravel(getattr(twin, notation.identifier(path, slot))))
    return np.concatenate(found)


def assert_same(found, wanted, close):
    size = np.abs(wanted).max(initial=0)
    np.testing.assert_allclose(found, wanted, rtol=close, atol=close * max(size, 1e-3))


@pytest.mark.parametrize("dtype", CLOSE)
@pytest.mark.parametrize("name", NETWORKS)
def test_every_part_predicts_and_learns_the_same(name, dtype):
    layers, loss, shape = NETWORKS[name]
    network = made(layers, loss, shape, dtype)
    proof = prove(network, epochs=50 if dtype == "float64" else 2)
    # As a program of its own it trains, and checks the losses itself.
    program = loaded(Twin(network, proof).program("weights"), "__main__")
    x, _ = example(network)
    found, wanted = program["Network"]().feedforward(x), network.feedforward(x)
    assert found.dtype == wanted.dtype
    assert_same(found, wanted, CLOSE[dtype])
    if dtype == "float64":
        trained = numbers_of(network, program["network"])
        assert_same(trained, proof.weights, 1e-10)


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_every_optimizer_moves_the_weights_the_same(name):
    network = made([Dense(3, "tanh"), Dense(2)], "mean_squared_error", 4)
    rule = OPTIMIZERS[name]
    for batch_size, epochs in ((None, 50), (3, 25)):
        settings = {"optimizer": rule, "epochs": epochs, "batch_size": batch_size}
        proof = prove(network, **settings)
        program = loaded(Twin(network, proof).program("weights"), "__main__")
        assert len(program["history"]) == len(proof.losses) >= 50
        trained = numbers_of(network, program["network"])
        assert_same(trained, proof.weights, 1e-10)


def test_the_training_is_that_of_fit():
    network = made([Dense(4, "sigmoid"), Dense(1)], "mean_squared_error", 2)
    x, y = example(network)
    twin = loaded(source(network, "python", optimizer=Adam(0.1)))["Network"]()
    twin.train(x, y, 50)
    network.fit(x, y, iterations=50, optimizer=Adam(0.1), engine="readable")
    assert_same(numbers_of(network, twin), network.weights, 1e-10)


def test_dropout_draws_the_numbers_of_fit():
    layers = [Dense(8, "tanh"), Dropout(0.4), Dense(1)]
    network = made(layers, "mean_squared_error", 2)
    x, y = example(network)
    twin = loaded(source(network, "python", optimizer=Adam(0.1)))["Network"]()
    network.fit(x, y, iterations=20, optimizer=Adam(0.1), engine="readable")
    twin.key = make_key(network.seed, "noise", network.training.run)
    twin.train(x, y, 20)
    assert_same(numbers_of(network, twin), network.weights, 1e-10)


def test_the_random_numbers_are_those_of_the_library():
    for key, step, stream in ((1, 0, 0), (2**64 - 1, 7, 3)):
        found = uniform(key, step, stream, (3, 5))
        wanted = drawn(step_key(key, step, stream), (3, 5))
        assert np.array_equal(found.astype(np.float32), wanted)


def test_it_runs_alone_and_needs_only_numpy(tmp_path):
    network = made([Dense(4, "sigmoid"), Dense(3, "softmax")], "cross_entropy", 2)
    (path,) = export(network, tmp_path / "twin.py", "python")
    text = path.read_text("utf-8")
    block = "import sys; sys.modules['pellucid'] = None; import runpy"
    run = f"{block}; runpy.run_path({str(path)!r}, run_name='__main__')"
    command = [sys.executable, "-W", "error", "-c", run]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("loss ")
    imported = [n for n in ast.walk(ast.parse(text)) if isinstance(n, ast.Import)]
    assert {alias.name for node in imported for alias in node.names} == {"numpy"}
    assert max(map(len, text.splitlines())) <= 88


def test_it_fails_where_a_number_was_changed():
    network = made([Dense(4, "sigmoid"), Dense(1)], "sum_of_squares", 2)
    text = source(network, "python")
    weight = repr(float(network.parameters["dense_2.b"][0]))
    assert weight in text
    with pytest.raises(AssertionError):
        loaded(text.replace(weight, "0.5"), "__main__")


def test_it_reads_like_the_tutorials():
    layers = [Dense(4, "sigmoid", bias=False), Dense(1, "sigmoid", bias=False)]
    network = made(layers, "sum_of_squares", 3)
    text = source(network, "python", optimizer=GradientDescent(1.0))
    lines = [line.strip() for line in text.splitlines()]
    for line in (
        "z1 = x @ self.W1",
        "a1 = sigmoid(z1)",
        "z2 = a1 @ self.W2",
        "a2 = sigmoid(z2)",
        "error = a2 - y",
        "loss = losses.sum()",
        "delta2 = 2.0 * error * sigmoid_slope(a2)",
        "dW2 = a1.T @ delta2",
        "delta1 = (delta2 @ self.W2.T) * sigmoid_slope(a1)",
        "dW1 = x.T @ delta1",
        "w = w - rate * g",
    ):
        assert line in lines, line
    assert len(lines) <= 110


def test_data_of_ones_own_are_what_it_proves_itself_with():
    network = made([Dense(3, "tanh"), Dense(2, "softmax")], "cross_entropy", 2)
    network.classes = ["no", "yes"]
    x, y = [[0.25, 1.5], [2.0, -1.0], [0.0, 0.75]], ["yes", "no", "yes"]
    text = source(network, "python", x=x, y=y)
    assert "[0.25, 1.5]" in text
    assert "y = np.array([1, 0, 1])" in text
    history = loaded(text, "__main__")["history"]
    assert history[0] == pytest.approx(network.backprop(x, y)[0], rel=1e-12)


def test_large_weights_and_data_stand_in_a_file_beside_it(tmp_path):
    network = made([Dense(60, "relu"), Dense(40), Dense(1)], "mean_squared_error", 3)
    assert network.weights.size > MOST
    x = np.random.default_rng(0).normal(size=(800, 3))
    written = export(network, tmp_path / "twin.py", x=x, y=x[:, :1], epochs=2)
    assert [path.name for path in written] == ["twin.py", "twin.npz"]
    assert len(written[0].read_text("utf-8")) < 5000
    command = [sys.executable, str(written[0])]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_frozen_parameters_stay():
    network = made([Dense(3, "tanh"), Dense(1)], "mean_squared_error", 2)
    network.freeze("dense_1.*")
    text = source(network, "python", epochs=50)
    assert "dW1" not in text
    twin = loaded(text, "__main__")["network"]
    assert np.array_equal(twin.W1, network.parameters["dense_1.W"])
    proof = prove(network, epochs=50)
    assert_same(numbers_of(network, twin), proof.weights, 1e-10)


def test_a_schedule_is_written_out():
    network = made([Dense(1)], "mean_squared_error", 2)
    text = source(network, "python", optimizer=GradientDescent(Cosine(0.1)), epochs=5)
    assert "# the learning rate of each iteration: Cosine(0.1)" in text
    loaded(text, "__main__")


def test_a_layer_of_ones_own_keeps_its_words():
    class Centre(Layer, abstract=True):
        """``y = gain (x - centre)``: moves and stretches."""

        batch_statistics: ClassVar[bool] = True

        def slots(self, shape):
            return {"gain": Slot(shape, "ones", "scale")}

        def forward(self, x, p, memo):
            centre = x.mean(axis=0)
            memo.moved = x - centre
            return p.gain * memo.moved

        def backward(self, da, p, g, memo):
            g.gain = (da * memo.moved).sum(axis=0)
            dmoved = da * p.gain
            return dmoved - dmoved.mean(axis=0)

    network = made([Dense(3), Centre()], "mean_squared_error", 2)
    text = source(network, "python")
    assert "moved2 = z1 - " in text
    assert "y2 = self.gain2 * moved2" in text
    twin = loaded(text, "__main__")["Network"]()
    x, _ = example(network)
    assert_same(twin.feedforward(x), network.feedforward(x), 1e-12)


def test_nothing_of_the_network_or_the_interpreter_changes():
    def profile(*_):
        pass

    network = made([Chain([Dense(2), BatchNorm()])], "mean_squared_error", 2)
    before = network.weights.copy()
    sys.setprofile(profile)
    try:
        source(network, "python")
        assert sys.getprofile() is profile
    finally:
        sys.setprofile(None)
    profiler = cProfile.Profile()
    profiler.enable()
    source(network, "python")
    prove(network)
    profiler.disable()
    profiler.create_stats()
    assert any("prove" in str(place) for place in profiler.stats)
    assert np.array_equal(network.weights, before)
    assert network.training is None


@pytest.mark.parametrize("dtype", ["float32", "float64", "int64"])
def test_literals_are_exact(dtype):
    r = np.random.default_rng(0)
    for shape in ((), (3,), (2, 0), (40,), (3, 9), (2, 3, 4), (1, 1)):
        array = (r.normal(size=shape) * 1000).astype(dtype)
        for values in (array, np.zeros_like(array), -np.zeros_like(array)):
            found = eval(numpy_literal(np.asarray(values), 8), {"np": np})
            assert found.dtype == values.dtype
            assert found.shape == values.shape
            assert found.tobytes() == values.tobytes()


def test_numbers_that_are_none_are_literals_too():
    values = np.array([np.inf, -np.inf, np.nan, 1.0])
    found = eval(numpy_literal(values), {"np": np})
    np.testing.assert_array_equal(found, values)


def test_errors_say_what_to_do():
    network = made([Dense(1)], "mean_squared_error", 2)
    with pytest.raises(ConfigurationError, match="no source or export of kind 'pyton'"):
        source(network, "pyton")
    with pytest.raises(ConfigurationError, match="both x and y"):
        source(network, "python", x=[[1.0, 2.0]])
    with pytest.raises(DataError, match="each row needs a target"):
        source(network, "python", x=[[1.0, 2.0]], y=[[1.0], [2.0]])
    with pytest.raises(ConfigurationError, match="epochs"):
        source(network, "python", epochs=0)
    with pytest.raises(ConfigurationError, match="batch_size"):
        source(network, "python", batch_size=0)
    with pytest.raises(ConfigurationError, match="range of numbers at iteration"):
        source(network, "python", optimizer=GradientDescent(1e300), epochs=3)
    with pytest.raises(ConfigurationError, match="no setting 'speed'"):
        source(network, "python", speed=1)


def test_a_network_with_branches_and_blocks_is_told_layer_by_layer():
    layers = [Residual([BatchNorm(), "relu", Dense(3)]), Dense(1)]
    text = source(made(layers, "huber", 3), "python")
    assert "# 2. residual_1: Residual\n" in text
    assert "# 1. residual_1.batch_norm_1: BatchNorm()" in text
    assert "delta2 = delta3 @ self.W3.T\n" in text
    assert max(map(len, text.splitlines())) <= 88
