"""Networks written down: what is in the Programs, and how layers that cannot be told.

Every idiom that layer code must not have gives an error that names the layer, the line
of code and what to write instead.
"""

import inspect
import math
import random
import time

import numpy as np
import pytest

from pellucid import ops, tracing
from pellucid.activations import Activation
from pellucid.errors import PellucidError, ShapeError, SymbolError
from pellucid.initializers import Ones, Zeros
from pellucid.layer import Layer
from pellucid.layers import (
    BatchNorm,
    Chain,
    Concat,
    Dense,
    Dropout,
    Flatten,
    Input,
    Residual,
    Select,
)
from pellucid.layout import Slot
from pellucid.losses import Loss
from pellucid.network import NeuralNetwork
from pellucid.optimizers import Adam, Momentum, Optimizer
from pellucid.symbol import FLOAT, INTEGER


class Scale(Layer, abstract=True):
    """``y = x * factor``, which the odd ones below write in other ways."""

    def slots(self, shape):
        return {"factor": Slot(shape, Ones(), "scale")}

    def forward(self, x, p, memo):
        memo.x = x
        return x * p.factor

    def backward(self, da, p, g, memo):
        g.factor = (da * memo.x).sum(axis=0)
        return da * p.factor


def network(*layers, loss="sum_of_squares", shape=3):
    return NeuralNetwork(list(layers), loss=loss, input_shape=shape)


def odd(forward=None, backward=None):
    """Return a layer whose forward or backward is a function of one's own."""

    class Odd(Scale):
        def forward(self, x, p, memo):
            y = super().forward(x, p, memo)
            return forward(y, p, memo) if forward else y

        def backward(self, da, p, g, memo):
            dx = super().backward(da, p, g, memo)
            return backward(dx, p, g, memo) if backward else dx

    return Odd()


def refused(layer):
    """Return what is said about a network with the layer inside another one."""
    with pytest.raises(PellucidError) as told:
        network(Dense(3), Chain([layer])).program()
    return str(told.value)


# ---- idioms

IDIOMS = [  # a function of a value in forward, and what the error says to write
    (lambda x, p, memo: np.sqrt(2.0) * x, "math.sqrt(2) instead of np.sqrt(2)"),
    (lambda x, p, memo: np.float64(2) * x, "use Python numbers"),
    (lambda x, p, memo: np.random.default_rng(0).random(3) * x, "got a fixed array"),
    (lambda x, p, memo: x if x.sum() > 0 else -x, "write np.where(condition, a, b)"),
    (lambda x, p, memo: (x > 0 and x) or -x, "write np.where(condition, a, b)"),
    (lambda x, p, memo: max(x, 0.0), "np.maximum"),
    (lambda x, p, memo: x[x > 0], "for x[condition] write np.where(condition, x, 0)"),
    (lambda x, p, memo: sum(row for row in x), "write one formula for all rows"),
    (lambda x, p, memo: x / len(x), "len(x) cannot be followed: write x.shape[0]"),
    (lambda x, p, memo: [x[i] for i in range(x.shape[0])], "whole-array formulas"),
    (lambda x, p, memo: x + np.zeros(x.shape), "np.zeros_like(x) for zeros"),
    (lambda x, p, memo: np.asarray(x) * 2.0, "use the vocabulary of pellucid.ops"),
    (lambda x, p, memo: np.add(x, 1.0, out=x), "write x = x + y"),
    (lambda x, p, memo: np.add.reduce(x), "write the plain function"),
    (lambda x, p, memo: x - x.var(axis=0), "centred = x - x.mean(axis=0)"),
    (lambda x, p, memo: np.dot(x, x), "np.dot cannot be followed: write x @ y"),
    (lambda x, p, memo: np.cumsum(x, axis=1), "np.cumsum cannot be followed"),
    (lambda x, p, memo: np.einsum("ij->ij", x), "write @ with reshape and transpose"),
    (lambda x, p, memo: x if x == None else -x, "decide by the layer's"),  # noqa: E711
    (lambda x, p, memo: x * np.where(x > 0, 1.0, 0.1), "(condition).astype(z.dtype) *"),
    (lambda x, p, memo: x * (0.1 + 0.9 * (x > 0)), "write (condition).astype(z.dtype)"),
    (lambda x, p, memo: np.arange(3) * x, "with .astype(memo.dtype) where"),
    (lambda x, p, memo: math.sqrt(x), "such as np.sqrt(x), or x ** 0.5"),
    (lambda x, p, memo: x / math.sqrt(x.shape[0]), "x.shape[0] ** 0.5 for its root"),
    (lambda x, p, memo: x / np.sqrt(x.shape[0]), "such as x ** 0.5 for the root"),
    (lambda x, p, memo: x / x.shape[0] if x.shape[0] > 1 else x, "size is not known"),
    (lambda x, p, memo: x.astype(np.float64), "write .astype(memo.dtype)"),
    (lambda x, p, memo: x * p.weight, "The layer has no slot 'weight'; slots() must"),
    (
        lambda x, p, memo: x * memo.kept,
        "forward writes memo.kept = ... before backward",
    ),
    (lambda x, p, memo: x * memo.state.mean, "The layer has no slot 'mean'"),
    (lambda x, p, memo: float("1.0 0") * x, "could not convert string to float"),
]


@pytest.mark.parametrize(
    ("function", "told"), [pytest.param(*row, id=row[1]) for row in IDIOMS]
)
def test_an_idiom_in_forward(function, told):
    message = refused(odd(forward=function))
    assert told in message
    assert (
        "Layer 'chain_1.odd_1' Odd() cannot be written down: test_tracing.py" in message
    )
    number = function.__code__.co_firstlineno
    line = inspect.getsource(function).splitlines()[0].strip()
    assert f"test_tracing.py, line {number}: `{line}`" in message


def add_in_place(x, p, memo):
    x += 1.0
    return x


def multiply_in_place(x, p, memo):
    x *= 2.0
    return x


def assign_to_a_part(x, p, memo):
    x[x < 0] = 0.0
    return x


def loop_over_rows(x, p, memo):
    for row in x:
        row.sum()
    return x


def reserved_word(x, p, memo):
    memo.state = x
    return x


def write_weights(x, p, memo):
    p.factor = x.mean(axis=0)
    return x


def forget_to_return(x, p, memo):
    memo.y = x * 2.0


STATEMENTS = [
    (add_in_place, "x += 1.0", "write x = x + y"),
    (multiply_in_place, "x *= 2.0", "would change memo in place"),
    (assign_to_a_part, "x[x < 0] = 0.0", "np.where(condition, value, x)"),
    (loop_over_rows, "for row in x:", "write one formula for all rows"),
    (reserved_word, "memo.state = x", "memo.state is given by the network"),
    (write_weights, "p.factor = x.mean(axis=0)", "backward writes g.factor"),
    (forget_to_return, "", "forward returned NoneType, not an array"),
]


@pytest.mark.parametrize(("function", "line", "told"), STATEMENTS)
def test_a_statement_in_forward(function, line, told):
    message = refused(odd(forward=function))
    assert told in message
    assert "Layer 'chain_1.odd_1' Odd() cannot be written down: " in message
    assert not line or f"`{line}`" in message


def test_whole_number_targets_that_meet_predictions():
    class Odd(Loss):
        task = "classes"

        def value(self, y_hat, y):
            error = y_hat[:, 0] - y
            return error * error

        def slope(self, y_hat, y):
            return y_hat

    with pytest.raises(SymbolError, match="A whole-number array meets floating-point"):
        network(Dense(3), loss=Odd()).program()


def test_an_activation_is_named_by_its_layer_and_line():
    class Odd(Activation):
        def value(self, z):
            return z * 2.0

        def slope(self, z, a):
            return np.where(z > 0, 1.0, 0.1)

    with pytest.raises(SymbolError) as told:
        network(Dense(2, Odd(), name="first"), Dense(1)).program()
    message = str(told.value)
    assert "Layer 'first' Dense(2, 'odd', name='first') cannot be written" in message
    assert "`return np.where(z > 0, 1.0, 0.1)`" in message
    assert "np.where of two numbers gives a float64 array" in message


# ---- slots and gradients


def test_a_gradient_for_an_unknown_slot():
    def backward(dx, p, g, memo):
        g.W = dx.sum(axis=0)
        return dx

    message = refused(odd(backward=backward))
    assert "`g.W = dx.sum(axis=0)`" in message
    assert "The layer has no slot 'W'; slots() must name it." in message


def test_a_gradient_of_the_wrong_shape():
    def backward(dx, p, g, memo):
        g.factor = dx
        return dx

    message = refused(odd(backward=backward))
    assert "Layer 'chain_1.odd_1' Odd(): test_tracing.py, line " in message
    assert "`g.factor = dx`" in message
    assert "Slot 'factor' has shape (3,); got (n, 3)." in message


def test_a_gradient_that_is_no_array():
    def backward(dx, p, g, memo):
        g.factor = 0.0
        return dx

    assert "Slot 'factor' has shape (3,); got float." in refused(odd(backward=backward))


def test_a_gradient_that_is_read_before_it_was_written():
    class Odd(Scale):
        def backward(self, da, p, g, memo):
            g.factor = g.factor + (da * memo.x).sum(axis=0)
            return da * p.factor

    assert "g.factor is read before it was written." in refused(Odd())


def test_shapes_that_do_not_fit_name_the_line():
    message = refused(odd(forward=lambda x, p, memo: x + x[:, :2]))
    assert "Layer 'chain_1.odd_1' Odd(): test_tracing.py, line " in message
    assert "x + x[:, :2]" in message
    assert "Shapes (n, 3) and (n, 2) do not fit." in message


def test_what_a_layer_says_on_purpose_stands_alone():
    with pytest.raises(ShapeError) as told:
        network(Dense(3), shape=(2, 3))
    assert str(told.value).startswith("Layer 'dense_1' Dense(3): Dense takes one row")
    assert "line" not in str(told.value)


def test_slots_need_proper_names():
    class Odd(Scale):
        def slots(self, shape):
            return {"a b": Slot(shape, Zeros())}

    with pytest.raises(PellucidError, match="A slot cannot have the name 'a b'"):
        network(Odd())


def test_no_error_is_told_twice():
    message = refused(Chain([Residual([odd(forward=add_in_place)])]))
    assert message.count("Layer '") == 1
    assert "Layer 'chain_1.chain_1.residual_1.odd_1' Odd()" in message


# ---- what one trace cannot see


def test_a_layer_that_counts_its_calls():
    calls = []

    def forward(x, p, memo):
        calls.append(1)
        return x * float(len(calls))

    message = refused(odd(forward=forward))
    assert "written down twice and differed, first in test_tracing.py, line " in message
    assert "`return x * float(len(calls))`" in message
    assert "chain_1.odd_1" in message
    assert "use memo.state and memo.rng.uniform(shape)" in message


def test_a_layer_that_draws_a_random_number_of_its_own():
    own = random.Random(0)
    message = refused(odd(forward=lambda x, p, memo: x * own.random()))
    assert "draws random numbers of its own" in message
    assert "chain_1.odd_1" in message


def test_a_random_number_in_backward_only():
    own = random.Random(0)
    message = refused(odd(backward=lambda dx, p, g, memo: dx * own.random()))
    assert "draws random numbers of its own" in message


def test_a_clock():
    message = refused(odd(forward=lambda x, p, memo: x + time.perf_counter()))
    assert "a clock" in message


def test_state_in_the_layer():
    class Odd(Scale):
        calls: int = 0

        def forward(self, x, p, memo):
            self.calls += 1
            return super().forward(x, p, memo)

    message = refused(Odd())
    assert "`self.calls += 1`" in message
    assert "cannot assign to field 'calls'" in message


def test_values_kept_from_another_pass():
    kept = []

    def forward(x, p, memo):
        kept.append(x)
        return x + kept[0]

    assert "a layer keeps what it needs in memo" in refused(odd(forward=forward))


def test_an_optimizer_that_counts_for_itself():
    steps = []

    class Odd(Optimizer):
        def step(self, w, g, memory, t, rate):
            steps.append(1)
            return w - rate * g / float(len(steps))

    with pytest.raises(SymbolError, match="keeps hidden state"):
        network(Dense(1)).program(Odd())


def test_an_optimizer_with_an_unknown_memory():
    class Odd(Optimizer):
        memories = ("v",)

        def step(self, w, g, memory, t, rate):
            memory.m = g
            return w - rate * memory.v

    with pytest.raises(AttributeError, match="The optimizer keeps no memory 'm'"):
        network(Dense(1)).program(Odd())


# ---- what is followed


def test_what_a_good_layer_may_do():
    class Good(Layer):
        power: float = 0.5

        def slots(self, shape):
            return {"W": Slot((shape[-1], 2), Ones())}

        def forward(self, x, p, memo):
            memo.x = x
            if self.power > 1:  # decisions by settings are fine
                return x
            size = np.sqrt((x * x).sum(axis=-1, keepdims=True) + 1e-6)
            memo.mask = (x > 0).astype(memo.dtype)
            for _ in range(3):  # and loops over what is known
                x = x / size
            y = np.where(memo.mask > 0, x, 0.1 * x)
            return np.concatenate([y, y.mean(axis=0) + 0.0 * y], axis=-1)[:, :3] @ p.W

        def backward(self, da, p, g, memo):
            g.W = memo.x.T @ da / memo.x.shape[0]
            return da @ p.W.T

    programs = network(Good(), Dense(1)).program()
    assert len(programs.prediction.operations) > 10


def test_a_layer_in_two_places_has_two_sets_of_numbers():
    shared = Dense(3, "tanh")
    program = network(shared, shared).program().training
    places = {name for vector, name in program.outputs if vector == "g"}
    assert places == {"dense_1.W", "dense_1.b", "dense_2.W", "dense_2.b"}


# ---- the four Programs


def leaves(program):
    return {(n.settings["vector"], n.settings["name"]): n for n in program.leaves}


def test_what_is_given_and_what_comes_out():
    net = network(Dense(4, "relu"), BatchNorm(), Dropout(), Dense(2))
    programs = net.program(Adam(0.1))
    names = [("w", name) for name in (*net.parameters, *net.state)]
    assert leaves(programs.prediction).keys() == {("x", ""), *names}
    assert programs.prediction.outputs.keys() == {("output", "")}
    assert leaves(programs.evaluation).keys() == {("x", ""), ("y", ""), *names}
    assert programs.evaluation.outputs.keys() == {("loss", "")}

    given = leaves(programs.training)
    others = {(name, "") for name in ("x", "y", "weight", "scale", "seed", "step", "n")}
    assert given.keys() == {*others, *names}
    outputs = {("g", name) for name in net.parameters}
    outputs |= {("state", name) for name in net.state} | {("loss", "")}
    assert programs.training.outputs.keys() == outputs
    assert programs.training.outputs["g", "dense_1.W"].shape == (3, 4)
    assert programs.training.outputs["loss", ""].shape == ()

    given = leaves(programs.update)
    memory = {("memory", "m"), ("memory", "v")}
    numbers = {(name, "") for name in ("w", "g", "t", "rate")}
    assert given.keys() == memory | numbers
    assert programs.update.outputs.keys() == memory | {("new", "w")}
    size = net.blueprint.layout.parameters.size
    assert programs.update.outputs["new", "w"].shape == (size,)


def test_decay_and_frozen_weights_are_masks_in_the_update():
    net = network(Dense(4), Dense(2))
    assert ("decayed", "") in leaves(net.program(Adam(decay=0.1)).update)
    assert ("trained", "") not in leaves(net.program(Adam(decay=0.1)).update)
    net.freeze("dense_1")
    assert ("trained", "") in leaves(net.program(Momentum()).update)


def test_targets_are_of_the_kind_that_the_loss_takes():
    classes = network(Dense(3), loss="cross_entropy").program().evaluation
    y = leaves(classes)["y", ""]
    assert (y.kind, repr(y.shape)) == (INTEGER, "(n,)")
    numbers = network(Flatten(), Dense(3), shape=(2, 2)).program().evaluation
    y = leaves(numbers)["y", ""]
    assert (y.kind, repr(y.shape)) == (FLOAT, "(n, 3)")


def test_inputs_by_name_and_of_whole_numbers():
    class Table(Layer):
        def slots(self, shape):
            return {"table": Slot((5, 2), Ones())}

        def forward(self, x, p, memo):
            memo.x = x
            return p.table[x]

        def backward(self, da, p, g, memo):
            g.table = ops.scatter_add(da, memo.x, 5)

    branch = Chain([Select("word"), Table()])
    net = NeuralNetwork(
        [Concat([Select("numbers"), branch]), Dense(1)],
        loss="mean_squared_error",
        input_shape={"numbers": 3, "word": Input((), "integer")},
    )
    given = leaves(net.program().training)
    assert given["x", "numbers"].kind == FLOAT
    assert given["x", "word"].kind == INTEGER
    assert "concat_1.chain_1.table_1.dtable = scatter_add(" in str(net.program())
    x = {"numbers": np.ones((2, 3)), "word": np.array([0, 4])}
    assert net.feedforward(x).shape == (2, 1)


def test_output_shapes_in_print():
    net = network(
        Concat([Dense(2), Chain([Dense(3), "relu"])]), Residual([Dense(5)]), shape=4
    )
    assert tracing.output_shapes(net.blueprint) == {
        "concat_1": "(n, 5)",
        "concat_1.dense_1": "(n, 2)",
        "concat_1.chain_1": "(n, 3)",
        "concat_1.chain_1.dense_1": "(n, 3)",
        "concat_1.chain_1.relu_1": "(n, 3)",
        "residual_1": "(n, 5)",
        "residual_1.dense_1": "(n, 5)",
    }
    flat = network(Flatten(), shape=(2, 3, 4))
    assert tracing.output_shapes(flat.blueprint) == {"flatten_1": "(n, 24)"}
