"""Answers in LaTeX: symbols, formula, the numbers of the step, and the result."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from pellucid.notation import Notation, letter
from pellucid.why.expressions import ADDITIVE, Expression, addends
from pellucid.why.formulas import TERMS, chosen, digits
from pellucid.why.quantities import Quantity
from pellucid.why.text import result

if TYPE_CHECKING:
    from pellucid.why import Asking
    from pellucid.why.answer import Answer

Show = Callable[[Expression], str]

# What belongs to no layer.
_OF_THE_STEP = {
    "loss": "L",
    "losses": "L",
    "output": r"\hat{y}",
    "sample_weight": "w",
    "rate": r"\eta",
    "scale": r"\mathrm{scale}",
    "iteration": "t",
}

_INFIX = {
    "multiply": (r" \cdot ", 4),
    "greater": (" > ", 2),
    "greater_equal": (r" \geq ", 2),
    "less": (" < ", 2),
    "less_equal": (r" \leq ", 2),
    "equal": (" = ", 2),
    "not_equal": (r" \neq ", 2),
    "logical_and": (r" \wedge ", 1),
    "logical_or": (r" \vee ", 1),
}
_FUNCTIONS = {
    **{
        name: rf"\{name}" for name in ("exp", "log", "tanh", "sin", "cos", "max", "min")
    },
    "maximum": r"\max",
    "minimum": r"\min",
}
_SUM, _SIGN, _POWER, _TIGHT = 3, 5, 6, 9


def as_latex(answer: "Answer") -> str:
    """Return an answer as an ``aligned`` block.

    Parameters
    ----------
    answer : Answer
        The answer.

    Returns
    -------
    str
    """
    asking = answer._asking
    notation = Notation(asking.step.blueprint)

    def name(leaf: Expression) -> str:
        if leaf.operation == "number":
            return number(digits(leaf.value))
        return symbol(asking, asking.quantities[leaf.name], leaf.index, notation)

    shown = number(result(answer))
    rows = []
    if answer.terms:
        rows.append(written(answer.expression, name))
        if not answer.expression.is_leaf:
            plugged = written(answer.expression, lambda e: number(digits(e.value)))
            rows.append(plugged)
    rows.append(shown)
    left = (
        symbol(asking, answer.quantity, answer.index, notation)
        if answer.quantity
        else rows.pop(0)
    )
    lines = " \\\\\n".join(f"&= {row}" for row in rows)
    return f"\\begin{{aligned}}\n{left} {lines}\n\\end{{aligned}}"


def symbol(
    asking: "Asking", quantity: Quantity, index: tuple[int, ...], notation: Notation
) -> str:
    r"""Return what a number is called in LaTeX.

    Parameters
    ----------
    asking : Asking
        Of the step it is in.
    quantity : Quantity
        The array it is in.
    index : tuple of int
        Where.
    notation : Notation
        What the layers of this network are called.

    Returns
    -------
    str
        Such as ``r"W^{(1)}_{0,1}"`` or ``r"\frac{\partial L}{\partial b^{(2)}_{0}}"``.
    """
    below = f"_{{{','.join(map(str, index))}}}" if index else ""
    layer, stem, suffix = quantity.layer, quantity.stem, quantity.suffix
    own = stem.rpartition(".")[2]
    if stem in _OF_THE_STEP:
        return _OF_THE_STEP[stem] + below
    if layer not in notation.numbers:
        return letter(own) + below  # data, intermediate results
    target = asking.moved(quantity)
    if target is not None and not suffix and own != "delta":
        named = asking.quantities.best(target)
        return _derivative(symbol(asking, named, index, notation))
    own = {"delta": "dz", "output": "y", "input": "x"}.get(own, own)
    plain = notation.formula(layer, own) + below
    if not suffix:
        return plain
    if suffix == "grad":
        return _derivative(plain)
    if suffix == "update":
        return rf"\Delta {plain}"
    if suffix == "new":
        return rf"{{{plain}}}^{{\mathrm{{new}}}}"
    new = suffix.startswith("new_")
    above = r"^{\mathrm{new}}" if new else ""
    return rf"{letter(suffix.removeprefix('new_'))}{above}_{{{plain}}}"


def _derivative(moved: str) -> str:
    return rf"\frac{{\partial L}}{{\partial {moved}}}"


def number(text: str) -> str:
    """Return a number in print as LaTeX, powers of ten written out.

    Parameters
    ----------
    text : str
        Such as ``"1.2e-05"``.

    Returns
    -------
    str
    """
    text = text.replace("inf", r"\infty").replace("nan", r"\mathrm{nan}")
    found, _, exponent = text.partition("e")
    return rf"{found} \times 10^{{{int(exponent)}}}" if exponent else found


def written(expression: Expression, show: Show) -> str:
    """Return an expression in LaTeX.

    Parameters
    ----------
    expression : Expression
        What to write.
    show : callable
        Writes an entry or a fixed number.

    Returns
    -------
    str
    """
    return _written(expression, show)[0]


def _written(expression: Expression, show: Show) -> tuple[str, int]:
    """Return the text, and how strongly its outermost operation binds."""
    operation, parts = expression.operation, expression.parts
    if expression.is_leaf:
        text = show(expression)
        return text, _SIGN if text.startswith("-") else _TIGHT
    if operation in ("where", "astype", "positive"):
        shown = _written(parts[-1], show)
        condition = operation == "astype" and not parts[0].is_leaf
        return (f"[{shown[0]}]", _TIGHT) if condition else shown
    if operation in ADDITIVE:
        return _additive(expression, show)
    if operation in _INFIX:
        infix, strength = _INFIX[operation]
        return infix.join(_bracketed(part, show, strength) for part in parts), strength
    inner = [written(part, show) for part in parts]
    if operation == "divide":
        return rf"\frac{{{inner[0]}}}{{{inner[1]}}}", _TIGHT
    if operation in ("power", "square"):
        above = inner[1] if operation == "power" else "2"
        return f"{_bracketed(parts[0], show, _POWER + 1)}^{{{above}}}", _POWER
    if operation == "sqrt":
        return rf"\sqrt{{{inner[0]}}}", _TIGHT
    if operation == "absolute":
        return rf"\left|{inner[0]}\right|", _TIGHT
    if operation == "logical_not":
        return rf"\neg {_bracketed(parts[0], show, 2)}", 2
    name = _FUNCTIONS.get(operation, rf"\mathrm{{{operation}}}".replace("_", r"\_"))
    listed = ", ".join(inner[:TERMS] + [r"\dots"] * (len(inner) > TERMS))
    return rf"{name}\left({listed}\right)", _TIGHT


def _bracketed(
    expression: Expression, show: Show, least: int, first: bool = False
) -> str:
    text, strength = _written(expression, show)
    negative = strength == _SIGN and text.startswith("-") and not first
    loose = strength < least or negative
    return rf"\left({text}\right)" if loose else text


def _additive(expression: Expression, show: Show) -> tuple[str, int]:
    terms = addends(expression)
    kept, _ = chosen(terms, TERMS)
    text = ""
    for sign, term in kept:
        shown = _bracketed(term, show, 4)
        if text:
            text += (" - " if sign < 0 else " + ") + shown
        else:
            text = "-" + shown if sign < 0 else _bracketed(term, show, 4, first=True)
    text += r" + \dots" * (len(terms) > len(kept))
    return text, _SIGN if len(terms) == 1 else _SUM
