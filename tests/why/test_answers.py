"""Answers about well-known networks: their numbers, their text and other forms."""

import html.parser
import io
import math

import numpy as np
import pytest
from every_number import step_of

from pellucid.layers import BatchNorm, Dense, Dropout
from pellucid.network import NeuralNetwork
from pellucid.optimizers import Adam, GradientDescent
from pellucid.why import Answer

X = np.array([[0, 0, 1], [0, 1, 1], [1, 0, 1], [1, 1, 1]])


def truth_table():
    """Return the first step of the tutorials' network."""
    layers = [Dense(4, "sigmoid", bias=False), Dense(1, "sigmoid", bias=False)]
    network = NeuralNetwork(
        layers, loss="sum_of_squares", input_shape=3, dtype="float64"
    )
    r = np.random.RandomState(0)
    network.parameters["dense_1.W"] = r.rand(3, 4)
    network.parameters["dense_2.W"] = r.rand(4, 1)
    return network.trace(X, [0, 1, 1, 0], optimizer=GradientDescent(1.0))


def mazur():
    """Return the step of Mazur's worked example; his biases are fixed."""
    layers = [Dense(2, "sigmoid"), Dense(2, "sigmoid")]
    network = NeuralNetwork(
        layers, loss="half_sum_of_squares", input_shape=2, dtype="float64"
    )
    network.parameters["dense_1.W"] = [[0.15, 0.25], [0.20, 0.30]]
    network.parameters["dense_1.b"] = [0.35, 0.35]
    network.parameters["dense_2.W"] = [[0.40, 0.50], [0.45, 0.55]]
    network.parameters["dense_2.b"] = [0.60, 0.60]
    network.freeze("*.b")
    rule = GradientDescent(0.5)
    return network.trace([[0.05, 0.10]], [[0.01, 0.99]], optimizer=rule)


TRUTH, MAZUR = truth_table(), mazur()


# ---- the numbers of the mission


@pytest.mark.parametrize(
    ("address", "value"),
    [
        ("output[0, 0]", 0.74371118),
        ("output[3, 0]", 0.8056535),
        ("loss", 1.298103813489028),
        ("dense_2.W[0, 0].grad", 0.3043973),
        ("dense_2.W[3, 0].grad", 0.28345481),
        ("dense_1.W[0, 0].grad", 0.00957779),
        ("dense_1.W[0, 1].grad", 0.01674032),
        ("dense_1.W[0, 3].grad", 0.00114662),
    ],
)
def test_the_truth_table(address, value):
    answer = TRUTH.why(address)
    assert answer.value == pytest.approx(value, abs=6e-9)
    assert answer.recomputed == pytest.approx(answer.value, rel=1e-14)
    assert f"= {answer.value:.9g}" in str(answer)


@pytest.mark.parametrize(
    ("address", "value"),
    [
        ("dense_1.a[0, 0]", 0.593269992),
        ("dense_1.a[0, 1]", 0.596884378),
        ("output[0, 0]", 0.75136507),
        ("output[0, 1]", 0.772928465),
        ("loss", 0.298371109),
        ("dense_2.W[0, 0].grad", 0.082167041),
        ("dense_1.W[0, 0].grad", 0.000438568),
        ("dense_1.W[0, 0].new", 0.149780716),
        ("dense_2.W[0, 0].new", 0.35891648),
        ("dense_2.b[0].update", 0.0),
    ],
)
def test_the_example_of_mazur(address, value):
    answer = MAZUR.why(address)
    assert answer.value == pytest.approx(value, abs=6e-10)
    assert answer.agrees()


# ---- the text

SUM = """\
dense_1.z[0, 0] = 0.3775
The pre-activation, for sample 0: the weighted sum of what came in, plus the bias.
Dense(2, 'sigmoid'): z = x W + b, a = activation(z): every output looks at every input.

  z[0, 0] = x[0, 0] * W[0, 0] + x[0, 1] * W[1, 0] + b[0]
          = 0.05 * 0.15 + 0.1 * 0.2 + 0.35
          = 0.3775

  0.0075  x[0, 0] * dense_1.W[0, 0]
    0.02  x[0, 1] * dense_1.W[1, 0]
    0.35  dense_1.b[0]"""

ACTIVATION = """\
dense_1.a[0, 0] = 0.593269992
The activation: what the neuron gives out, for sample 0.
Sigmoid(): a = 1 / (1 + exp(-z)): squeezes any number into (0, 1).

  a[0, 0] = 1 / (1 + exp(-|z[0, 0]|))
          = 1 / (1 + exp(-|0.3775|))
          = 0.593269992
  where 1 is taken because z[0, 0] >= 0

        1  1
  1.68557  1 + exp(-|dense_1.z[0, 0]|)"""

DELTA = """\
dense_2.delta[0, 0] = 0.138498562
The delta: how fast the loss changes with dense_2.z, for sample 0: by the chain rule,
what came back times the slope here.
Sigmoid(): a = 1 / (1 + exp(-z)): squeezes any number into (0, 1).

  delta[0, 0] = d_output[0, 0] * a[0, 0] * (1 - a[0, 0])
              = 0.741365 * 0.751365 * (1 - 0.751365)
              = 0.138498562

  0.741365  dense_2.d_output[0, 0]
  0.751365  dense_2.a[0, 0]
  0.248635  1 - dense_2.a[0, 0]

  check: nudging dense_2.z[0, 0] by"""

BACK = """\
dense_1.d_output[0, 0] = 0.0363503064
How fast the loss changes with the output of dense_1, for sample 0: every neuron behind
it sends back its delta, times the weight between them.

  d_output[0, 0] = dense_2.delta[0, 0] * dense_2.W[0, 0]
                   + dense_2.delta[0, 1] * dense_2.W[0, 1]
                 = 0.138499 * 0.4 - 0.0380982 * 0.5
                 = 0.0363503064

   0.0553994  dense_2.delta[0, 0] * dense_2.W[0, 0]
  -0.0190491  dense_2.delta[0, 1] * dense_2.W[0, 1]

  check: nudging dense_1.a[0, 0] by"""

STEP = """\
dense_1.W[0, 0].new = 0.149780716
A weight after the update.
GradientDescent(0.5): w <- w - rate g: follow the slope downhill.

  W[0, 0].new = W[0, 0] - rate * W[0, 0].grad
              = 0.15 - 0.5 * 0.000438568
              = 0.149780716

          0.15  dense_1.W[0, 0]
  -0.000219284  -(rate * dense_1.W[0, 0].grad)"""

DATA = """\
x[0, 1] = 0.1
An input, for sample 0. It is data: here the walk ends."""


@pytest.mark.parametrize(
    ("address", "text"),
    [
        ("dense_1.z[0, 0]", SUM),
        ("dense_1.a[0, 0]", ACTIVATION),
        ("dense_2.delta[0, 0]", DELTA),
        ("dense_1.d_output[0, 0]", BACK),
        ("dense_1.W[0, 0].new", STEP),
        ("x[0, 1]", DATA),
    ],
)
def test_it_reads_like_a_lesson(address, text):
    found = MAZUR.why(address).text(width=87)
    assert found == text or (text.endswith(" by") and found.startswith(text))


def test_the_same_digits_are_counted():
    told = str(MAZUR.why("dense_1.W[0, 0].grad"))
    assert "moves the loss by 0.000438567" in " ".join(told.split())
    assert "the same to" in " ".join(told.split())
    assert MAZUR.why("dense_1.W[0, 0].grad").difference.digits >= 8
    assert MAZUR.why("dense_1.z[0, 0]").difference is None


@pytest.mark.parametrize("width", [40, 60, 80, 120])
def test_no_line_is_wider_than_the_terminal(width):
    step = step_of([Dense(9, "gelu"), Dense(3, "softmax")], 12, "cross_entropy")
    for address in (
        "dense_1.z[0, 0]",
        "dense_2.a[0, 1]",
        "dense_1.W[0, 0].grad",
        "loss",
    ):
        for line in step.why(address).text(width).splitlines():
            assert len(line) <= width or len(line.split()) <= 3, line


def test_long_sums_show_the_largest_terms_and_the_total_of_the_rest():
    step = step_of([Dense(1)], 40, "sum_of_squares")
    answer = step.why("dense_1.z[0, 0]")
    assert len(answer.terms) == 41
    text = str(answer)
    assert "... (35 more)" in answer.formula
    assert "all 35 others together" in text
    shown = sorted((abs(term.value) for term in answer.terms), reverse=True)[:6]
    rest = answer.value - sum(
        term.value for term in answer.terms if abs(term.value) >= shown[-1]
    )
    line = next(line for line in text.splitlines() if "others together" in line)
    assert float(line.split()[0]) == pytest.approx(rest, abs=1e-5)


def test_what_another_layer_made_is_told_by_its_name():
    layers = [Dense(2, "tanh"), Dense(1)]
    net = NeuralNetwork(layers, loss="mean_squared_error", input_shape=1)
    step = net.trace([[1.0]], [[0.0]])
    made = step.why("dense_1.a[0, 1]")
    assert made.formula == "tanh(z[0, 1])"
    assert "the same number" not in made.words
    taken = step.why("dense_2.input[0, 1]")
    assert taken.formula == "dense_1.a[0, 1]"
    assert taken.words.endswith("the same number as dense_1.a[0, 1].")


def test_what_keeps_a_softmax_from_overflowing_is_not_in_its_formula():
    layers = [Dense(2, "softmax", bias=False, weight_init="ones")]
    net = NeuralNetwork(layers, loss="cross_entropy", input_shape=1, dtype="float64")
    net.parameters["dense_1.W"] = [[1.0, 3.0]]
    near, far = net.trace([[1.0]], [0]), net.trace([[1000.0]], [0])
    answer = near.why("dense_1.a[0, 0]")
    (top,) = [leaf.name for leaf in answer.terms[0].why().expression.leaves()][2:]
    a, b = (f"exp(z[0, {k}] - 2 * {top}[0, 0])" for k in (0, 1))
    assert answer.formula == f"{a} / ({a} + {b})"
    assert answer.value == pytest.approx(1 / (1 + np.exp(2)), rel=1e-12)
    assert f"z[0, 0] - 2 * {top}[0, 0] is taken because 0 == y[0]" in str(
        near.why("losses[0]")
    )
    # Where the limit is reached, it is told.
    assert "-400" in far.why("dense_1.a[0, 0]").formula


def test_intermediate_results_are_told_below():
    step = step_of([BatchNorm()], 2, "sum_of_squares")
    told = str(step.why("batch_norm_1.spread[1]"))
    assert "where t4[1] = ((x[0, 1] - t1[1]) ** 2 + (x[1, 1]" in told
    assert step.why("t4[1]").words == "An intermediate result: a mean."


def test_random_numbers_are_an_end():
    step = step_of([Dropout(0.5), Dense(1)], 3, "sum_of_squares")
    first = step.why("dropout_1.kept[0, 0]")
    assert first.formula.startswith("[t")
    drawn = first.terms[0].why().terms[0].why().terms[0].why()
    assert drawn.kind == "random"
    assert "drawn for dropout_1" in drawn.words
    assert 0 <= drawn.value < 1


# ---- as data


def test_terms_are_answers_in_turn():
    answer = MAZUR.why("dense_1.d_output[0, 0]")
    assert [round(term.value, 7) for term in answer.terms] == [0.0553994, -0.0190491]
    assert answer.terms[0].address == ""
    inner = answer.terms[0].why()
    assert isinstance(inner, Answer)
    assert [term.address for term in inner.terms] == [
        "dense_2.delta[0, 0]",
        "dense_2.W[0, 0]",
    ]
    assert inner.terms[1].why().kind == "weight"
    assert math.prod(term.value for term in inner.terms) == answer.terms[0].value
    assert answer.formula == (
        "dense_2.delta[0, 0] * dense_2.W[0, 0] + dense_2.delta[0, 1] * dense_2.W[0, 1]"
    )
    assert answer.numbers == "0.138499 * 0.4 - 0.0380982 * 0.5"
    assert answer.symbol == answer.address == "dense_1.d_output[0, 0]"
    assert repr(answer.terms[1]) == (
        "<Term dense_2.delta[0, 1] * dense_2.W[0, 1] = -0.0190491>"
    )


# ---- LaTeX


def test_latex_of_a_weighted_sum():
    assert MAZUR.why("dense_1.z[0, 0]").latex() == (
        "\\begin{aligned}\n"
        r"z^{(1)}_{0,0} &= x_{0,0} \cdot W^{(1)}_{0,0} + x_{0,1} \cdot W^{(1)}_{1,0} + "
        "b^{(1)}_{0} \\\\\n"
        r"&= 0.05 \cdot 0.15 + 0.1 \cdot 0.2 + 0.35 "
        "\\\\\n&= 0.3775\n\\end{aligned}"
    )


@pytest.mark.parametrize(
    ("address", "part"),
    [
        ("loss", "L &= L_{0}"),
        ("dense_2.delta[0, 0]", r"\delta^{(2)}_{0,0} &= \frac{\partial L}{\partial a^"),
        ("dense_2.W[1, 0].grad", r"\frac{\partial L}{\partial W^{(2)}_{1,0}} &= "),
        ("dense_1.W[0, 0].update", r"\Delta W^{(1)}_{0,0} &= -\eta \cdot"),
        ("dense_1.a[0, 0]", r"\frac{1}{1 + \exp\left(-\left|z^{(1)}_{0,0}\right|"),
        ("output[0, 1]", r"\hat{y}_{0,1} &= "),
        ("x[0, 1]", "x_{0,1} &= 0.1"),
    ],
)
def test_latex(address, part):
    assert part in MAZUR.why(address).latex()


def test_every_latex_is_balanced_and_is_set_by_matplotlib():
    from matplotlib.mathtext import MathTextParser

    parser = MathTextParser("path")
    step = step_of(
        [BatchNorm(), Dense(2, "gelu"), Dropout(0.5), Dense(3, "softmax")],
        3,
        "cross_entropy",
        optimizer=Adam(l1=0.1, clip_norm=1.0),
    )
    for quantity in step._asking.quantities.by_name.values():
        text = step.why(quantity.address((0,) * len(quantity.shape))).latex()
        inner = text.removeprefix("\\begin{aligned}\n").removesuffix("\n\\end{aligned}")
        for row in inner.replace("&", "").split("\\\\\n"):
            assert row.count("{") == row.count("}")
            assert row.count(r"\left") == row.count(r"\right")
            if len(row) < 100:  # longer ones take long, and are made of the same
                parser.parse(f"${row}$")


# ---- HTML and colour


class Balance(html.parser.HTMLParser):
    """Counts elements, and sees that each is closed where it should be."""

    def __init__(self):
        super().__init__()
        self.open, self.seen = [], []

    def handle_starttag(self, tag, attrs):
        self.open.append(tag)
        self.seen.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


def test_html_opens_down_to_the_data_and_is_closed_everywhere():
    page = MAZUR.why("dense_1.W[0, 0].grad")._repr_html_()
    found = Balance()
    found.feed(page)
    assert not found.open
    assert found.seen.count("details") > 20
    assert "<script" not in page
    for text in ("dense_1.delta[0, 0]", "It is data: here the walk ends.", "check: "):
        assert text in page


def test_html_is_bounded_and_escaped():
    layers = [Dense(30, "softmax", name="a<b"), Dense(20, "gelu"), Dense(3, "softmax")]
    step = step_of(layers, 50, "cross_entropy", n=9)
    for address in ("loss", "a<b.W[0, 0].grad", "a<b.W[0, 0].new"):
        page = step.why(address)._repr_html_()
        assert len(page) < 400_000
        assert "a<b" not in page
        found = Balance()
        found.feed(page)
        assert not found.open
    assert "further terms" in page


def test_in_colour():
    console = pytest.importorskip("rich.console")
    lines = io.StringIO()
    console.Console(file=lines, force_terminal=True, width=100).print(
        MAZUR.why("dense_1.W[0, 0].grad")
    )
    assert "\x1b[" in lines.getvalue()
    assert "0.000438567" in lines.getvalue()
