"""Programs as equations: which values get a line, and what they are called."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pellucid.derivation.printing import LATEX, PLAIN, Printing
from pellucid.export.equations import MOST, Equations
from pellucid.export.numpy_text import NumpyText
from pellucid.export.words import Words
from pellucid.export.written import write_prediction, write_training, write_update
from pellucid.layers import BatchNorm, Dense
from pellucid.network import NeuralNetwork
from pellucid.notation import Notation, letter
from pellucid.optimizers import Adam
from pellucid.symbol import Trace


def blueprint(*layers, loss="mean_squared_error", shape=3):
    return NeuralNetwork(list(layers), loss=loss, input_shape=shape).blueprint


def words_of(written, *outputs):
    return [line.word for line in Equations(outputs, written.words).lines]


def test_a_dense_layer_is_two_equations_and_a_function():
    written = write_prediction(blueprint(Dense(2, "sigmoid")))
    equations = Equations([written["output"]], written.words)
    assert [line.word for line in equations.lines] == ["z", "a"]
    (call,) = equations.called.values()
    assert call.name == "sigmoid"
    assert call.mathematics
    assert list(call.parameters) == ["z"]
    assert set(call.locals.values()) == {"e"}


def test_local_variables_of_layers_give_their_names():
    written = write_training(blueprint(Dense(2), BatchNorm(), Dense(1)))
    found = words_of(written, written["loss"], *written.of("g").values())
    for word in ("mean", "centred", "variance", "spread", "normal", "dnormal", "error"):
        assert word in found
    update = write_update(Adam(), 5, penalized=False)
    assert words_of(update, update.outputs["new", "w"])[-3:] == ["m", "v", "new"]


def test_the_forward_pass_ends_where_the_loss_begins():
    written = write_training(blueprint(Dense(2, "tanh")))
    assert written["output"].id < written.forward <= written["losses"].id


def test_long_formulas_are_split():
    trace = Trace()
    x = trace.leaf("x", "", (trace.batch, 2))
    total = x
    for i in range(30):
        total = total + x * float(i + 2)
    equations = Equations([total], Words())
    assert len(equations.lines) >= 60 // MOST
    assert equations.lines[-1].node is total


def test_what_cannot_be_split_stays_whole():
    trace = Trace()
    parts = [trace.leaf("x", f"{i}", (trace.batch, 2, 1)) for i in range(15)]
    node = np.concatenate([part.reshape(-1, 2) for part in parts], axis=-1)
    (line,) = Equations([node], Words()).lines
    assert line.node is node


# ---- printing: what is printed means the same


@st.composite
def formulas(draw, depth=4):
    """Return a function that makes a formula of two Symbols or arrays."""
    if depth == 0 or (draw(st.booleans()) and depth < 3):
        return draw(
            st.sampled_from([lambda x, y: x, lambda x, y: y, lambda x, y: x * 1.5])
        )
    one, other = draw(formulas(depth=depth - 1)), draw(formulas(depth=depth - 1))
    return draw(
        st.sampled_from(
            [
                lambda x, y: one(x, y) + other(x, y),
                lambda x, y: one(x, y) - other(x, y),
                lambda x, y: one(x, y) * other(x, y),
                lambda x, y: one(x, y) / (2.5 + np.abs(other(x, y))),
                lambda x, y: -one(x, y),
                lambda x, y: (one(x, y) - other(x, y)) ** 2,
                lambda x, y: one(x, y) @ (x.T @ other(x, y)),
                lambda x, y: np.where(one(x, y) > other(x, y), x, -0.25),
                lambda x, y: one(x, y).sum(axis=-1, keepdims=True) - y,
            ]
        )
    )


@given(formulas())
def test_code_computes_what_was_written_down(make):
    trace = Trace()
    x, y = (trace.leaf(name, "", (trace.batch, 3)) for name in "xy")
    node = make(x, y)
    if node is x or node is y:
        return
    text = NumpyText("float", lambda leaf: leaf.settings["vector"], lambda call: "")
    equations = Equations([node], Words())
    names, given_ = {}, {"np": np}
    for name in "xy":
        given_[name] = np.random.default_rng(ord(name)).normal(size=(4, 3))
    with np.errstate(all="ignore"):
        wanted = make(given_["x"], given_["y"])
        for i, line in enumerate(equations.lines):
            formula = text.formula(line.node, equations, names)
            names[line.node.id] = f"t{i}"
            given_[f"t{i}"] = eval(formula, given_)
    np.testing.assert_array_equal(given_[f"t{len(names) - 1}"], wanted)


@pytest.mark.parametrize(
    ("make", "latex", "plain"),
    [
        (lambda x, y: (x + y) * y, r"\left(x + y\right) \odot y", "(x + y) ⊙ y"),
        (lambda x, y: x - (y - x), r"x - \left(y - x\right)", "x - (y - x)"),
        (lambda x, y: 2.0 * x / y, r"\frac{2\,x}{y}", "2 · x / y"),
        (lambda x, y: x / (x * y), r"\frac{x}{x \odot y}", "x / (x ⊙ y)"),
        (lambda x, y: (x @ x.T) @ y, r"x x^{\top} y", "x xᵀ y"),
        (lambda x, y: (x * y) @ y.T, r"\left(x \odot y\right) y^{\top}", "(x ⊙ y) yᵀ"),
        (lambda x, y: np.exp(-x), r"e^{-x}", "exp(-x)"),
        (lambda x, y: (x + y) ** 2, r"\left(x + y\right)^{2}", "(x + y)^2"),
        (lambda x, y: x.mean(axis=0), r"\mathrm{mean}_{\mathrm{samples}}(x)", None),
        (lambda x, y: 1e-8 * x, r"10^{-8}\,x", "1e-08 · x"),
    ],
)
def test_formulas_have_the_brackets_they_need(make, latex, plain):
    trace = Trace()
    x, y = (trace.leaf(name, "", (3, 3)) for name in "xy")
    node = make(x, y)
    equations = Equations([node], Words())
    for table, wanted in ((LATEX, latex), (PLAIN, plain)):
        printing = Printing(table, lambda leaf: leaf.settings["vector"])
        if wanted is not None:
            assert printing.formula(node, equations, {}) == wanted


# ---- names


def test_layers_are_counted_and_activations_are_not():
    inner = blueprint(Dense(4), "relu", BatchNorm(), Dense(1, name="last"))
    notation = Notation(inner)
    assert notation.identifier("dense_1", "W") == "W1"
    assert notation.identifier("relu_1", "a") == "a1"
    assert notation.identifier("batch_norm_1", "scale") == "scale2"
    assert notation.identifier("last", "dz") == "delta3"
    assert notation.identifier("", "lambda") == "lambda_"
    assert notation.formula("dense_1", "W") == "W^{(1)}"
    assert notation.formula("last", "dW") == r"\frac{\partial L}{\partial W^{(3)}}"
    assert notation.formula("batch_norm_1", "dscale") == (
        r"\frac{\partial L}{\partial \gamma^{(2)}}"
    )
    assert notation.unicode("last", "dz") == "δ⁽³⁾"
    assert notation.formula("dense_1", "direction") == r"\mathrm{direction}^{(1)}"
    assert letter("half_way") == r"\mathrm{half\_way}"


def test_layers_are_shown_as_they_were_written():
    network = blueprint(Dense(2), Dense(3, "softmax"), loss="cross_entropy")
    assert repr(Notation(network).layer("dense_2")) == "Dense(3, 'softmax')"
