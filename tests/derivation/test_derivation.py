"""The mathematics of a network: formulas of books for every part, and in numbers."""

import re
import shutil
import subprocess

import numpy as np
import pytest

from pellucid.activations import Activation
from pellucid.derivation import MOST
from pellucid.derivation.document import escaped, marked, matrix
from pellucid.errors import ConfigurationError
from pellucid.layer import Layer
from pellucid.layers import (
    BatchNorm,
    Conv2D,
    Dense,
    Dropout,
    Flatten,
    GroupNorm,
    LayerNorm,
    MaxPool2D,
    Residual,
)
from pellucid.losses import Loss
from pellucid.network import NeuralNetwork
from pellucid.optimizers import Adam, Optimizer
from registers import ours
from test_contract import layer_samples, samples


def networks():
    """Return networks in which every registered part stands, by name."""
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


NETWORKS = networks()


def made(layers, loss, shape, dtype="float64"):
    return NeuralNetwork(layers, loss=loss, input_shape=shape, dtype=dtype, seed=1)


def assert_balanced(text):
    """Fail unless braces, environments and \\left are closed in order."""
    open_ = []
    for found in re.finditer(
        r"\\[{}]|([{}])|\\(begin|end)\{([a-z*]+)\}|\\(left|right)(?![a-z])", text
    ):
        brace, edge, name, side = found.groups()
        if brace == "{" or side == "left":
            open_.append(brace or side)
        elif edge == "begin":
            open_.append(name)
        elif brace == "}":
            assert open_.pop() == "{", text
        elif side == "right":
            assert open_.pop() == "left", text
        elif edge == "end":
            assert open_.pop() == name, text
    assert not open_, text
    assert not re.search(r"\}\^\{\(\d+\)\}\^|\^\{\(\d+\)\}\^", text), "two superscripts"


@pytest.fixture(scope="module")
def drawn():
    """Return a function that draws a formula, which fails where it is none."""
    parser = pytest.importorskip("matplotlib.mathtext").MathTextParser("agg")
    known = set()

    def draw(formula):
        if re.search(r"\\begin|\\text\{", formula):  # which mathtext has not
            return
        # Numbers look alike: one of each shape is enough.
        shape = re.sub(r"\d+", "1", formula)
        if shape not in known:
            known.add(shape)
            parser.parse(f"${formula}$", dpi=72)

    return draw


@pytest.mark.parametrize("name", NETWORKS)
def test_every_part_has_formulas_that_can_be_set(name, drawn):
    derivation = made(*NETWORKS[name]).derivation()
    assert derivation.formulas
    for formula in derivation.formulas:
        assert_balanced(formula.latex)
        drawn(formula.latex)
        assert not re.search(r"None|<|object", formula.plain.replace(" < ", ""))
    document = derivation.latex()
    assert_balanced(document)
    assert document.isascii()


@pytest.mark.parametrize("name", ours(Optimizer))
def test_every_optimizer_has_formulas_that_can_be_set(name, drawn):
    network = made([Dense(1)], "sum_of_squares", 2)
    for rule in samples(ours(Optimizer)[name]):
        sections = network.derivation(rule).sections
        (update,) = (section for section in sections if section.title == "Update")
        assert update.formulas[-1].changes or "average" in str(rule)
        for formula in update.formulas:
            assert_balanced(formula.latex)
            drawn(formula.latex)


# What needs no words: functions of school, the fair draw, and words before brackets.
SCHOOL = {"max", "min", "exp", "log", "sqrt", "sign", "tanh", "sin", "cos", "erf"}
SCHOOL |= {"clip", "floor", "uniform", "of", "if", "else", "and", "or", "not"}


def undefined(derivation):
    """Return the functions that formulas name and nothing defines."""
    named, defined = set(), set()
    for formula in derivation.formulas:
        left, _, right = formula.plain.partition(" = ")
        found = re.findall(r"([^\W\d]\w*)'?\(", f"{left} {right}")
        named |= set(found)
        if re.match(r"[^\W\d]\w*'?\(", left):
            defined.add(re.findall(r"\w+", left)[0])
    return named - defined - SCHOOL


@pytest.mark.parametrize("name", NETWORKS)
def test_every_function_in_a_formula_is_defined(name):
    assert undefined(made(*NETWORKS[name]).derivation()) == set()


@pytest.mark.parametrize("name", ours(Optimizer))
def test_every_function_in_an_update_is_defined(name):
    network = made([Dense(1)], "sum_of_squares", 2)
    for rule in samples(ours(Optimizer)[name]):
        assert undefined(network.derivation(rule)) == set()
    rule = ours(Optimizer)[name](0.1, clip_norm=0.5, average=0.9)
    derivation = network.derivation(rule)
    assert undefined(derivation) == set()
    assert "clipped(g) = g · min(1, clip_norm / length of g)" in str(derivation)


def test_a_convolution_is_written_out():
    layers = [Conv2D(2, 2, "relu"), MaxPool2D(), Flatten(), Dense(2)]
    text = str(made(layers, "cross_entropy", (5, 5, 1)).derivation())
    for line in (
        "(x ∗ W)[i, j, f] = sum over u, v, c of x[i + u, j + v, c] · W[u, v, c, f]",
        "max_windows(x)[i, j, c] = max over u, v of x[i + u, j + v, c]",
        "sum over s, i, j of x[s, i + u, j + v, c] · δ[s, i, j, f]",
    ):
        assert line in text


def test_the_slopes_of_a_norm_are_what_they_are_called():
    for norm in (BatchNorm(), LayerNorm(), GroupNorm(2)):
        text = str(
            made([Dense(4), norm, Dense(1)], "mean_squared_error", 2).derivation()
        )
        assert "∂L/∂x̂⁽²⁾ = ∂L/∂y⁽²⁾ ⊙ γ⁽²⁾" in text
        assert text.count("∂L/∂x̂⁽²⁾ = ") == 1


def test_predictions_and_targets_have_different_names():
    text = str(made([Dense(1)], "huber", 2).derivation())
    assert "huber(ŷ, y) = " in text
    assert "|ŷ - y|" in text


def test_the_loss_of_two_classes_is_that_of_the_books():
    text = str(made([Dense(1, "sigmoid")], "binary_cross_entropy", 2).derivation())
    assert "ℓ = binary_cross_entropy(z⁽¹⁾, y)" in text
    assert "binary_cross_entropy(z, y) = mean of log(1 + exp(z)) - y · z" in text


def test_the_chain_rule_is_that_of_the_books():
    network = made([Dense(4, "sigmoid"), Dense(3, "softmax")], "cross_entropy", 2)
    derivation = network.derivation("gradient_descent")
    latex = [formula.latex for formula in derivation.formulas]
    for line in (
        r"z^{(1)} = x W^{(1)} + b^{(1)}",
        r"a^{(1)} = \sigma(z^{(1)})",
        r"a^{(2)} = \mathrm{softmax}(z^{(2)})",
        r"L = \mathrm{mean}_{\mathrm{samples}}(\ell)",
        r"\delta^{(2)} = \frac{a^{(2)} - [k = y]}{n}",
        r"\frac{\partial L}{\partial W^{(2)}} = a^{(1)\top} \delta^{(2)}",
        r"\frac{\partial L}{\partial b^{(2)}} = \sum_{\mathrm{samples}} \delta^{(2)}",
        r"\delta^{(1)} = \left(\delta^{(2)} W^{(2)\top}\right) \odot \sigma'(z^{(1)})",
        r"\frac{\partial L}{\partial W^{(1)}} = x^{\top} \delta^{(1)}",
        r"\sigma(z) = \frac{1}{1 + e^{-z}}",
        r"w \leftarrow w - \eta\,\frac{\partial L}{\partial w}",
    ):
        assert line in latex, line
    plain = [formula.plain for formula in derivation.formulas]
    assert "δ⁽¹⁾ = (δ⁽²⁾ W⁽²⁾ᵀ) ⊙ σ'(z⁽¹⁾)" in plain
    assert "∂L/∂W⁽¹⁾ = xᵀ δ⁽¹⁾" in plain
    shapes = {f.name: f.shape for f in derivation.formulas}
    assert shapes["z^{(1)}"] == "(n, 4)"
    assert shapes[r"\frac{\partial L}{\partial W^{(1)}}"] == "(2, 4)"


def test_brackets_are_set_where_mathematics_needs_them():
    network = made([Dense(3, "tanh"), Dense(1)], "mean_squared_error", 2)
    plain = [formula.plain for formula in network.derivation(Adam()).formulas]
    assert "tanh'(z) = 1 - a²" in plain
    assert any(line.startswith("w ← w - η · ") for line in plain)
    assert "m ← 0.9 · m + (1 - 0.9) · ∂L/∂w" in plain


def test_running_numbers_are_told_from_those_of_the_batch():
    network = made([Dense(3), BatchNorm(), Dense(1)], "mean_squared_error", 2)
    (formula,) = (f for f in network.derivation().formulas if "bar{\\mu" in f.name)
    assert formula.changes
    assert formula.right == r"0.9\,\bar{\mu}^{(2)} + (1 - 0.9)\,\mu^{(2)}".replace(
        "(1 - 0.9)", r"\left(1 - 0.9\right)"
    )


def test_sections_follow_the_passes():
    layers = [Conv2D(2, 3), Flatten(), Dropout(0.2), Residual([Dense(8)]), Dense(1)]
    derivation = made(layers, "mean_squared_error", (4, 4, 1)).derivation()
    passes = [s.title for s in derivation.sections if s.level == 1]
    assert passes[:3] == ["Feedforward", "Loss", "Backpropagation"]
    assert passes[-1] == "Update"
    titles = [section.title for section in derivation.sections]
    forward = titles[: titles.index("Loss")]
    assert forward[1].startswith("conv2d_1: Conv2D(2, 3)")
    assert forward[-1] == "dense_1: Dense(1)"


# ---- with numbers


@pytest.fixture
def step():
    """One step on the truth table of the tutorials."""
    r = np.random.RandomState(0)
    layers = [Dense(4, "sigmoid", bias=False), Dense(1, "sigmoid", bias=False)]
    network = made(layers, "sum_of_squares", 3)
    network.parameters["dense_1.W"] = r.rand(3, 4)
    network.parameters["dense_2.W"] = r.rand(4, 1)
    x = [[0, 0, 1], [0, 1, 1], [1, 0, 1], [1, 1, 1]]
    y = [[0], [1], [1], [0]]
    return network.trace(x, y, optimizer="gradient_descent", learning_rate=1.0)


def test_a_step_is_written_with_its_numbers(step):
    found = {f.name: f.value for f in step.derivation().formulas}
    outputs = [[0.74371118], [0.77930734], [0.78271057], [0.8056535]]
    np.testing.assert_allclose(found["a^{(2)}"], outputs, atol=1e-8)
    assert found["L"] == pytest.approx(1.298103813489028)
    slope = found[r"\frac{\partial L}{\partial W^{(2)}}"][:, 0]
    expected = [0.3043973, 0.27200549, 0.29463094, 0.28345481]
    np.testing.assert_allclose(slope, expected, atol=1e-8)
    new = found[r"W^{(2)}_{\mathrm{new}}"]
    np.testing.assert_array_equal(new, step.new_weights["dense_2.W"])


def test_numbers_stand_in_place_of_names(step):
    formulas = {f.name: f for f in step.derivation().formulas}
    first = formulas["z^{(1)}"]
    assert first.plugged.startswith(r"\begin{pmatrix} 0 & 0 & 1 \\ 0 & 1 & 1 \\")
    assert first.plugged.endswith(matrix(step.weights["dense_1.W"]))
    for formula in formulas.values():
        assert_balanced(formula.latex)
        assert not re.search(r"[zaW]\^\{\(\d\)\}", formula.plugged), formula.plugged
    assert_balanced(step.derivation().latex())
    assert "$$" in step.derivation().markdown()
    assert "0.7437" in str(step.derivation())


def test_weights_of_samples_are_in_the_formulas():
    network = made([Dense(1)], "mean_squared_error", 1)
    x, y, weight = [[1.0], [2.0]], [[0.0], [1.0]], [1.0, 3.0]
    step = network.trace(x, y, sample_weight=weight, optimizer="gradient_descent")
    found = {f.name: f.value for f in step.derivation().formulas}
    assert found["L"] == pytest.approx(step.loss)
    gradient = found[r"\frac{\partial L}{\partial W^{(1)}}"]
    np.testing.assert_allclose(gradient, step.gradients["dense_1.W"])


def test_too_many_numbers_are_refused_politely():
    network = made([Dense(30), Dense(30), Dense(1)], "mean_squared_error", 2)
    step = network.trace(np.ones((20, 2)), np.ones((20, 1)))
    with pytest.raises(ConfigurationError, match=rf"at most {MOST:,}\. Trace fewer"):
        step.derivation()


# ---- documents


def test_a_document_can_be_compiled(tmp_path):
    # LaTeX is too large to be required; the tests of braces stand in for it.
    compiler = shutil.which("pdflatex") or pytest.skip("pdflatex is not installed")
    network = made([Dense(3, "relu"), Dense(2, "softmax")], "cross_entropy", 2)
    (tmp_path / "a.tex").write_text(network.derivation().latex())
    command = [compiler, "-interaction=nonstopmode", "-halt-on-error", "a.tex"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, check=False)
    assert done.returncode == 0, done.stdout[-2000:]


def test_the_document_is_the_source_of_kind_latex():
    network = made([Dense(2, "tanh"), Dense(1)], "mean_squared_error", 2)
    assert network.source("latex") == network.derivation().latex()


def test_notebooks_show_markdown():
    network = made([Dense(1)], "mean_squared_error", 2)
    text = network.derivation()._repr_markdown_()
    assert text.startswith("# The mathematics of \\[Dense(1)\\]")
    assert "$$z^{(1)} = x W^{(1)} + b^{(1)} " in text


def test_special_signs_are_made_harmless():
    assert escaped("a_b {50 %} & #1 x^2 < y") == (r"a\_b \{50 \%\} \& \#1 x\^{}2 $<$ y")
    assert marked("a_b [1] $2 *c*") == r"a\_b \[1\] \$2 \*c\*"


def test_matrices_of_numbers():
    assert matrix(1.5) == "1.5"
    assert matrix([1e-9, np.inf]) == (
        r"\begin{pmatrix} 1 \cdot 10^{-9} & \infty \end{pmatrix}"
    )
    assert matrix(np.arange(8.0).reshape(2, 2, 2)) == (
        r"\begin{pmatrix} 0 & 1 & 2 & 3 \\ 4 & 5 & 6 & 7 \end{pmatrix}"
    )
