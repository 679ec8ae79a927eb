"""Programs: what they hold, how they print, what they cost, and what they compute."""

import itertools

import numpy as np
import pytest

from pellucid import ops
from pellucid.convolution import Window
from pellucid.errors import SymbolError
from pellucid.layers import (
    AveragePool2D,
    BatchNorm,
    Chain,
    Concat,
    Conv2D,
    ConvTranspose2D,
    Dense,
    Dropout,
    Flatten,
    GlobalMaxPool,
    MaxPool2D,
    PReLU,
    Residual,
)
from pellucid.network import NeuralNetwork
from pellucid.program import Program, write_down
from pellucid.symbol import INTEGER, NUMBER, Trace

TRUTH_TABLE = NeuralNetwork(
    [Dense(4, "sigmoid", bias=False), Dense(1, "sigmoid", bias=False)],
    loss="sum_of_squares",
    input_shape=3,
)

FORWARD = """\
  dense_1.z = x @ dense_1.W          (n, 4)  dense_1
  t1 = absolute(dense_1.z)           (n, 4)  dense_1
  t2 = -t1                           (n, 4)  dense_1
  t3 = exp(t2)                       (n, 4)  dense_1
  t4 = dense_1.z >= 0                (n, 4)  dense_1
  t5 = where(t4, 1.0, t3)            (n, 4)  dense_1
  t6 = 1.0 + t3                      (n, 4)  dense_1
  dense_1.a = t5 / t6                (n, 4)  dense_1
  dense_2.z = dense_1.a @ dense_2.W  (n, 1)  dense_2
  t7 = absolute(dense_2.z)           (n, 1)  dense_2
  t8 = -t7                           (n, 1)  dense_2
  t9 = exp(t8)                       (n, 1)  dense_2
  t10 = dense_2.z >= 0               (n, 1)  dense_2
  t11 = where(t10, 1.0, t9)          (n, 1)  dense_2
  t12 = 1.0 + t9                     (n, 1)  dense_2"""

PREDICTION = f"""\
prediction: 16 operations, 112 arithmetic steps a row and 0 besides
  given x (n, 3), dense_1.W (3, 4), dense_2.W (4, 1)
{FORWARD}
  output = t11 / t12                 (n, 1)  dense_2"""

LOSS = """\
  dense_2.a = t11 / t12              (n, 1)  dense_2
  t13 = dense_2.a - y                (n, 1)
  t14 = t13 * t13                    (n, 1)"""

TRAINING = f"""\
  given x (n, 3), y (n, 1), weight (n,), scale, dense_1.W (3, 4), dense_2.W (4, 1)
{FORWARD}
{LOSS}
  losses = sum(t14, axis=(1,))       (n,)
  t15 = weight * scale               (n,)
  t16 = reshape(t15, shape=(n, 1))   (n, 1)
  t17 = 2.0 * t13                    (n, 1)
  t18 = t17 * t16                    (n, 1)
  t19 = 1.0 - dense_2.a              (n, 1)  dense_2
  t20 = dense_2.a * t19              (n, 1)  dense_2
  dense_2.dz = t18 * t20             (n, 1)  dense_2
  t21 = transpose(dense_1.a)         (4, n)  dense_2
  dense_2.dW = t21 @ dense_2.dz      (4, 1)  dense_2
  t22 = transpose(dense_2.W)         (1, 4)  dense_2
  t23 = dense_2.dz @ t22             (n, 4)  dense_2
  t24 = 1.0 - dense_1.a              (n, 4)  dense_1
  t25 = dense_1.a * t24              (n, 4)  dense_1
  dense_1.dz = t23 * t25             (n, 4)  dense_1
  t26 = transpose(x)                 (3, n)  dense_1
  dense_1.dW = t26 @ dense_1.dz      (3, 4)  dense_1
  t27 = weight * losses              (n,)
  t28 = sum(t27, axis=(0,))
  loss = t28 * scale"""

UPDATE = """\
update by GradientDescent(1.0): 2 operations, 0 arithmetic steps a row and 32 besides
  given rate, w (16,), g (16,)
  t1 = rate * g   (16,)
  new w = w - t1  (16,)"""


# ---- print


def test_the_truth_table_in_print():
    from pellucid.optimizers import GradientDescent

    programs = TRUTH_TABLE.program(GradientDescent(1.0))
    assert str(programs.prediction) == PREDICTION
    head, _, body = str(programs.training).partition("\n")
    assert head == ("training: 38 operations, 175 arithmetic steps a row and 1 besides")
    assert body == TRAINING
    assert str(programs.update) == UPDATE
    assert LOSS in str(programs.evaluation)
    assert str(programs.evaluation).endswith(
        "  loss = sum(t14, axis=(1,))         (n,)"
    )
    pieces = ("prediction", "evaluation", "training", "update")
    joined = "\n\n".join(str(getattr(programs, piece)) for piece in pieces)
    assert str(programs) == repr(programs) == joined


def test_settings_that_are_zero_are_printed_and_those_that_are_not_given_are_not():
    trace = Trace()
    x = trace.leaf("x", "", (trace.batch, 3))
    trace.outputs["zeros", ""] = np.zeros_like(x)
    trace.outputs["sum", ""] = x.sum(axis=0)
    trace.outputs["top", ""] = x.max(axis=-1, keepdims=True)
    text = str(Program("p", trace))
    assert "zeros = full_like(x, value=0.0)" in text
    assert "sum = sum(x, axis=(0,))" in text
    assert "top = max(x, axis=(1,), keepdims=True)" in text


def test_slices_in_print():
    trace = Trace()
    x = trace.leaf("x", "", (trace.batch, 3, 4))
    for i, y in enumerate([x[:, 1:], x[:, ::-1], x[..., 0:2, None], x[:, 1]]):
        trace.outputs["y", str(i)] = y
    lines = str(Program("p", trace)).splitlines()[2:]
    formulas = [line.split(" = ")[1].split("  ")[0] for line in lines]
    assert formulas == ["x[:, 1:]", "x[:, ::-1]", "x[..., 0:2, None]", "x[:, 1]"]


def test_names_are_different():
    network = NeuralNetwork(
        [Dense(3, name="t1"), Dense(3, name="t"), Dense(3, name="x"), BatchNorm()],
        loss="cross_entropy",
        input_shape=2,
    )
    for program in (network.program().training, network.program("adam").update):
        names = list(program.names.values())
        assert len(set(names)) == len(names)


def test_an_output_that_is_another_one_or_an_input():
    trace = Trace()
    x = trace.leaf("x", "", (trace.batch,))
    y = x + 1.0
    trace.outputs["a", ""] = y
    trace.outputs["b", ""] = y
    trace.outputs["c", ""] = x
    program = Program("p", trace)
    assert str(program).splitlines()[-2:] == ["  a = b", "  c = x"]
    found = program.run({"x": np.arange(2.0)}, 2, np.float64)
    assert {place: v.tolist() for place, v in found.items()} == {
        ("a", ""): [1, 2],
        ("b", ""): [1, 2],
        ("c", ""): [0, 1],
    }


# ---- what it holds


def test_what_no_output_needs_is_left_out():
    trace = Trace()
    x = trace.leaf("x", "", (trace.batch, 3))
    trace.leaf("unused", "", (3,))
    np.exp(x)
    trace.outputs["y", ""] = x * 2.0
    program = Program("p", trace)
    assert [node.operation.name for node in program.nodes] == ["leaf", "multiply"]
    assert [node.settings["vector"] for node in program.leaves] == ["x"]
    assert len(program.operations) == 1


def test_probabilities_are_left_out_where_only_the_loss_is_asked_for():
    network = NeuralNetwork([Dense(3, "softmax")], loss="cross_entropy", input_shape=2)
    programs = network.program()
    labels = [node.label for node in programs.evaluation.operations]
    assert "z" in labels
    assert "a" not in labels
    # In training they are part of the slope, and computed once.
    names = [node.operation.name for node in programs.training.operations]
    assert names.count("exp") == 1


def test_equal_programs():
    first, second = TRUTH_TABLE.program("adam"), TRUTH_TABLE.program("adam")
    assert first.training == second.training
    assert first.update == second.update
    assert first.update != TRUTH_TABLE.program("adamw").update
    assert first.training != first.prediction
    assert first.training != "training"
    assert len({first.training, first.training}) == 1


# ---- what it costs


def work(*layers, shape, path=None):
    network = NeuralNetwork(list(layers), loss="sum_of_squares", input_shape=shape)
    return network.program().prediction.work(path)


def test_operations_counted_by_hand():
    assert work(Dense(4), shape=3) == (2 * 3 * 4 + 4, 0)
    assert work(Dense(4, bias=False), shape=3) == (24, 0)
    assert work(Dense(4, "relu"), shape=3) == (24 + 4 + 4, 0)
    # |z|, -, exp (10), >=, where, +, / for each output
    assert work(Dense(4, "sigmoid", bias=False), shape=3) == (24 + 4 * 16, 0)
    assert work(Dense(4, "tanh"), Dense(2), shape=3) == (24 + 4 + 40 + 16 + 2, 0)
    assert work(Dense(4), Dense(2), shape=3, path="dense_2") == (18, 0)
    assert work(Flatten(), shape=(2, 3)) == (0, 0)
    assert work(Flatten(), Dense(1), shape=(2, 3)) == (13, 0)
    assert work(PReLU(), shape=3) == (3 * 3, 0)
    assert work(Residual([Dense(3)]), shape=3) == (18 + 3 + 3, 0)
    assert work(Concat([Dense(2), Dense(3)]), shape=3) == (30 + 5, 0)
    # 2 x 3 places of a 2x3 window over 2 channels, 4 filters and their bias
    seen = 2 * 3 * 2 * 3
    assert work(Conv2D(4, (2, 3)), shape=(3, 5, 2)) == (2 * seen * 2 * 4 + 24, 0)
    conv = Conv2D(4, (2, 3), groups=2, bias=False)
    assert work(conv, shape=(3, 5, 2)) == (2 * seen * 4, 0)
    # 4 x 5 pixels, each painting 2x3 of 4 channels from 2
    wide = ConvTranspose2D(4, (2, 3), bias=False)
    assert work(wide, shape=(4, 5, 2)) == (2 * 20 * 6 * 2 * 4, 0)
    assert work(MaxPool2D((2, 3), 1), shape=(3, 5, 2)) == (seen * 2, 0)
    assert work(AveragePool2D((2, 3), 1), shape=(3, 5, 2)) == (seen * 2 + 12, 0)
    assert work(GlobalMaxPool(), shape=(3, 5, 2)) == (30, 0)
    inner = Chain([Dense(2), Dense(2, name="last")])
    assert work(inner, Dense(2), shape=3, path="chain_1") == (12 + 2 + 8 + 2, 0)
    assert work(inner, Dense(2), shape=3, path="chain_1.last") == (10, 0)
    assert work(inner, Dense(2), shape=3, path="chain") == (0, 0)


def test_operations_besides_the_rows():
    # In prediction the spread is sqrt(variance + epsilon): 1 + 4 steps a feature.
    assert work(BatchNorm(), shape=3) == (4 * 3, 5 * 3)
    network = NeuralNetwork(
        [Dense(2, bias=False)], loss="half_sum_of_squares", input_shape=3
    )
    programs = network.program("gradient_descent")
    assert programs.update.work() == (0, 2 * 6)
    # forward, error, its square, the sum, a half; weight * scale, slope; dW; loss
    forward, loss, backward = 12, 2 + 2 + 2 + 1, 1 + 2 + 12
    assert programs.training.work() == (forward + loss + backward + 2, 1)


def test_a_sum_over_the_batch_is_counted_by_rows():
    trace = Trace()
    x = trace.leaf("x", "", (trace.batch, 3))
    trace.outputs["y", ""] = x.sum(axis=0)
    trace.outputs["z", ""] = x.T @ x
    assert Program("p", trace).work() == (3 + 2 * 9, 0)


def test_what_goes_back_through_windows_is_counted_by_their_pixels():
    trace, window = Trace(), Window((2, 3))
    x = trace.leaf("x", "", (trace.batch, 3, 5, 4))
    W = trace.leaf("W", "", (2, 3, 2, 6))
    dz = trace.leaf("dz", "", (trace.batch, 2, 3, 6))
    dy = trace.leaf("dy", "", (trace.batch, 2, 3, 4))
    index = trace.leaf("index", "", (trace.batch, 2), INTEGER)
    meetings = 2 * 3 * 6 * (2 * 3) * 2  # places, filters, pixels, channels of a group
    for result, cost in (
        (ops.convolve(x, W, window, 2), 2 * meetings),
        (ops.convolve_back(dz, W, window, (3, 5), 2), 2 * meetings),
        (ops.convolve_weights(x, dz, window, 2), 2 * meetings),
        (ops.max_windows_back(x, dy, window), 2 * 24 * 6),
        (ops.spread_windows(dy, window, (3, 5)), 24 * 6),
        (ops.scatter_add(dy[:, :, 0], index, 9), 2 * 4),
    ):
        trace.outputs = {("y", ""): result}
        assert Program("p", trace).work() == (cost, 0)


def test_numbers_of_the_run_cost_nothing():
    trace = Trace()
    rate = trace.leaf("rate", "", (), NUMBER)
    trace.outputs["y", ""] = 1.0 / (rate * rate + 1.0)
    assert Program("p", trace).work() == (0, 0)


# ---- what it computes


LAYERS = [
    [Dense(4, "gelu"), BatchNorm(), Dropout(0.5), Dense(2, "softplus")],
    [Concat([Dense(2, "selu"), Chain([PReLU(), Dropout(0.3)])]), Dense(2, "tanh")],
    [Residual([Dense(3, "mish"), BatchNorm()]), Dense(2, "softmax")],
]
LOSSES = ["huber", "cross_entropy", "binary_cross_entropy"]


def allowed(layers, loss):
    links = {"cross_entropy": "softmax", "binary_cross_entropy": "sigmoid"}
    ending = layers[-1].activation.label
    return loss not in links or ending == links[loss]


CASES = [
    (layers, loss, dtype)
    for layers, loss, dtype in itertools.product(LAYERS, LOSSES, ["float32", "float64"])
    if allowed(layers, loss)
]


@pytest.mark.parametrize(("layers", "loss", "dtype"), CASES)
def test_programs_give_the_bits_of_the_engine(layers, loss, dtype):
    network = NeuralNetwork(layers, loss=loss, input_shape=3, dtype=dtype, seed=3)
    random = np.random.default_rng(0)
    x = random.normal(size=(7, 3)).astype(dtype)
    y = random.normal(size=(7, 2)).astype(dtype)
    if loss == "cross_entropy":
        y = random.integers(0, 2, 7)
    weight = random.uniform(0.5, 2, 7).astype(dtype)
    engine, programs, n = network.engine, network.program("adam"), len(x)
    layout = network.blueprint.layout
    numbers = {**network.parameters, **network.state}
    given = {"x": x, "y": y, "w": numbers, "weight": weight, "scale": 0.125}
    given |= {"seed": 99, "step": 5}

    def run(program):
        return program.run(given, n, np.dtype(dtype))

    def same(found, expected):
        found, expected = np.asarray(found), np.asarray(expected)
        assert found.dtype == expected.dtype == dtype
        assert found.tobytes() == expected.tobytes()

    same(run(programs.prediction)["output", ""], network.feedforward(x))
    same(run(programs.evaluation)["loss", ""], engine.losses(network.weights, x, y))
    expected = engine.backprop(network.weights, x, y, weight, 0.125, key=99, step=5)
    found = run(programs.training)
    assert float(found["loss", ""]) == expected.loss
    for name, entry in layout.parameters.entries.items():
        window = expected.gradient[entry.start : entry.stop]
        same(found["g", name], window.reshape(entry.shape))
    for name, entry in layout.state.entries.items():
        same(found["state", name], expected.state[entry.start : entry.stop])


def test_the_batch_size_is_filled_in_when_it_runs():
    program = TRUTH_TABLE.program().prediction
    w = dict(TRUTH_TABLE.parameters)
    for n in (1, 2, 100):
        x = np.ones((n, 3), dtype=np.float32)
        output = program.run({"x": x, "w": w}, n, np.float32)["output", ""]
        assert output.shape == (n, 1)


# ---- written twice


def test_hidden_state_and_foreign_random_numbers_are_found():
    numbers = iter(range(100))

    def write(trace):
        x = trace.leaf("x", "", (trace.batch, 3))
        trace.outputs["y", ""] = x * float(next(numbers))

    with pytest.raises(SymbolError) as told:
        write_down("p", write)
    message = str(told.value)
    assert "written down twice and differed, first in test_program.py, line " in message
    assert '`trace.outputs["y", ""] = x * float(next(numbers))`.' in message
    assert "first:  y = x * 0.0" in message
    assert "second: y = x * 1.0" in message
    assert "use memo.state and memo.rng.uniform(shape)" in message


def test_a_difference_in_length_is_found():
    calls = []

    def write(trace):
        calls.append(1)
        y = trace.leaf("x", "", (trace.batch, 3))
        for _ in calls:
            y = np.tanh(y)
        trace.outputs["y", ""] = y

    with pytest.raises(SymbolError, match=r"`y = np\.tanh\(y\)`(.|\n)*y = tanh\(x\)"):
        write_down("p", write)


def test_a_slice_that_differs_in_its_step_only_is_found():
    steps = iter([1, -1])

    def write(trace):
        x = trace.leaf("x", "", (trace.batch, 3))
        trace.outputs["y", ""] = x[:, :: next(steps)]

    with pytest.raises(SymbolError, match="differed"):
        write_down("p", write)


def test_a_constant_that_differs_is_found():
    shifts = iter([0, 1])

    def write(trace):
        y = trace.leaf("y", "", (trace.batch,), INTEGER)
        x = trace.leaf("x", "", (trace.batch, 3))
        hot = np.arange(3) + next(shifts) == y[:, None]
        trace.outputs["y", ""] = np.where(hot, x, 0.0)

    with pytest.raises(SymbolError, match="differed"):
        write_down("p", write)


# ---- every value, and what if one of them were another


def small_program():
    """Return the Program of ``y = (x + 1) * x`` and ``z = y - x``, two layers."""
    trace = Trace()
    x = trace.leaf("x", "", (trace.batch, 2))
    trace.layer = "first"
    y = (x + 1.0) * x
    trace.layer = "second"
    trace.outputs["y", ""], trace.outputs["z", ""] = y, y - x
    return Program("p", trace)


def test_values_has_every_node_and_run_the_outputs():
    program, x = small_program(), np.array([[1.0, 2.0]])
    values = program.values({"x": x}, 1, np.float64)
    assert values.keys() == {node.id for node in program.nodes}
    found = program.run({"x": x}, 1, np.float64)
    assert found["y", ""].tolist() == [[2.0, 6.0]]
    assert found["z", ""] is not None
    for place, symbol in program.outputs.items():
        assert np.array_equal(values[symbol.id], found[place])


def test_again_is_a_run_with_another_value_in_one_place():
    program, x = small_program(), np.array([[1.0, 2.0]])
    values = program.values({"x": x}, 1, np.float64)
    leaf, y, z = program.leaves[0].id, *(s.id for s in program.outputs.values())
    other = program.values({"x": x + 1}, 1, np.float64)
    found = program.again(values, {leaf: x + 1}, [y, z, leaf], 1, np.float64)
    assert {i: v.tolist() for i, v in found.items()} == {
        i: other[i].tolist() for i in (y, z, leaf)
    }
    moved = program.again(values, {y: x}, [y, z], 1, np.float64)
    assert (moved[y].tolist(), moved[z].tolist()) == (x.tolist(), [[0.0, 0.0]])
    assert values[y].tolist() == [[2.0, 6.0]]


def test_again_within_a_layer_is_seen_by_no_other():
    program, x = small_program(), np.array([[1.0, 2.0]])
    values = program.values({"x": x}, 1, np.float64)
    leaf, y, z = program.leaves[0].id, *(s.id for s in program.outputs.values())
    first = program.again(values, {leaf: x + 1}, [y, z], 1, np.float64, "first")
    assert first[y].tolist() == [[6.0, 12.0]]
    assert first[z].tolist() == [[5.0, 10.0]]
    second = program.again(values, {leaf: x + 1}, [y, z], 1, np.float64, "second")
    assert second[y].tolist() == [[2.0, 6.0]]
    assert second[z].tolist() == [[0.0, 3.0]]
