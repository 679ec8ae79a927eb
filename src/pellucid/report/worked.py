"""Feedforward of one sample with all its numbers, as formulas (MathML)."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from pellucid.report.markup import Markup, join, scrollable, tag
from pellucid.report.result import Result


def feedforward(result: Result, row: int) -> Markup:
    """Return how the output of one row comes about, layer by layer.

    Parameters
    ----------
    result : Result
        With a network of dense layers without biases.
    row : int
        Which row of the data.

    Returns
    -------
    Markup
    """
    network, a = result.network, result.table.x[row]
    outputs = network.activations(a)
    steps: list[Markup] = []
    before = _i("x")
    for place, (name, output) in enumerate(outputs.items(), 1):
        W = network.parameters[f"{name}.W"]
        activation = network.blueprint.layers[name].activation.label  # type: ignore[attr-defined]
        z = a @ W
        mine, weights = _sub("z", place), _sub("W", place)
        sums = _line(mine, before, weights, right=[_matrix([a]), _matrix(W)])
        first = [
            join([_n(value), _o("·"), _factor(weight)])
            for value, weight in zip(a, W[:, 0], strict=True)
        ]
        told = (
            "Each column of W holds the weights of one neuron. The sum of the first "
            "neuron, number by number:"
            if len(z) > 1
            else "Number by number:"
        )
        last = place == len(outputs)
        after = _i("ŷ") if last else _sub("a", place)
        bent = join([_i(activation), _o("("), mine, _o(")")])
        steps += [
            tag("h3", f"Layer {place}: {name}"),
            tag("p", "Weighted sums of what comes in:"),
            _display(sums, _o("="), _matrix([z])),
            tag("p", told),
            _display(join(first, _o("+")), _o("="), _n(z[0])),
            tag("p", f"The activation, {activation}, bends each sum:"),
            _display(after, _o("="), bent, _o("="), _matrix([output])),
        ]
        a, before = output, after
    y, y_hat = result.dataset.y[row].item(), a.item()
    error = join([_o("("), _n(y_hat), _o("-"), _n(y), _o(")")])
    square = tag("msup", tag("mrow", error), tag("mn", "2"))
    steps += [
        tag("h3", "The loss"),
        tag("p", f"The target of this row is {y:g}. The squared error is"),
        _display(_i("L"), _o("="), square, _o("="), _n((y_hat - y) ** 2)),
    ]
    return join(steps)


def sigmoid() -> Markup:
    """Return the formula of the sigmoid."""
    power = tag("mrow", _o("-"), _i("z"))
    below = tag("mrow", _n(1.0), _o("+"), tag("msup", _i("e"), power))
    fraction = tag("mfrac", _n(1.0), below)
    left = join([_i("sigmoid"), _o("("), _i("z"), _o(")")])
    return _display(left, _o("="), fraction)


def _display(*parts: Markup) -> Markup:
    formula = tag("math", tag("mrow", *parts), display="block")
    return scrollable(formula, "formula")


def _line(left: Markup, *factors: Markup, right: list[Markup]) -> Markup:
    return join([left, _o("="), *factors, _o("="), *right])


def _i(name: str) -> Markup:
    return tag("mi", name)


def _o(operator: str) -> Markup:
    return tag("mo", operator.replace("-", "\N{MINUS SIGN}"))


def _n(value: Any) -> Markup:
    """Return a number with four digits; in full where it is whole."""
    text = f"{value:.0f}" if value == round(value) else _short(float(value))
    if text.startswith("-"):
        return tag("mrow", _o("-"), tag("mn", text[1:]))
    return tag("mn", text)


def _factor(value: Any) -> Markup:
    """Return a number, in brackets where it is below zero."""
    return _n(value) if value >= 0 else tag("mrow", _o("("), _n(value), _o(")"))


def _short(value: float) -> str:
    return f"{value:.4f}" if abs(value) >= 0.001 else f"{value:.3g}"


def _sub(name: str, place: int) -> Markup:
    return tag("msub", _i(name), tag("mn", str(place)))


def _matrix(rows: list[NDArray[Any]] | NDArray[Any]) -> Markup:
    # Its brackets are drawn by the style: not every reader has letters that stretch.
    cells = [
        tag("mtr", *(tag("mtd", _n(value)) for value in np.asarray(row)))
        for row in rows
    ]
    return tag("mtable", *cells, class_="matrix")
