"""Expressions in print: with names, or with the numbers of the step in their place."""

from collections.abc import Callable

from pellucid.why.expressions import ADDITIVE, Expression, addends

# Terms of a sum that are written out; of more, the largest.
TERMS = 6

Show = Callable[[Expression], str]

# How strongly an operation binds; names, numbers and functions bind strongest.
_INFIX = {
    "logical_or": (" | ", 1),
    "logical_and": (" & ", 1),
    "greater": (" > ", 2),
    "greater_equal": (" >= ", 2),
    "less": (" < ", 2),
    "less_equal": (" <= ", 2),
    "equal": (" == ", 2),
    "not_equal": (" != ", 2),
    "multiply": (" * ", 4),
    "divide": (" / ", 4),
    "power": (" ** ", 6),
}
_SUM, _SIGN, _TIGHT = 3, 5, 9


def digits(value: float, most: int = 6) -> str:
    """Return a number in print.

    Parameters
    ----------
    value : float
        The number.
    most : int
        Significant digits.

    Returns
    -------
    str
        Such as ``"0.741508"``, ``"-3"`` or ``"1.2e-05"``.
    """
    return f"{value + 0.0:.{most}g}"  # no -0


def written(expression: Expression, show: Show, most: int = TERMS) -> str:
    """Return an expression in print.

    Parameters
    ----------
    expression : Expression
        What to write.
    show : callable
        Writes an entry or a fixed number.
    most : int
        Terms of a sum that are written out.

    Returns
    -------
    str
    """
    return _written(expression, show, most)[0]


def _written(expression: Expression, show: Show, most: int) -> tuple[str, int]:
    """Return the text, and how strongly its outermost operation binds."""
    operation, parts = expression.operation, expression.parts
    if expression.is_leaf:
        text = show(expression)
        return text, _SIGN if text.startswith("-") else _TIGHT
    if operation in ("where", "astype", "positive"):
        shown = _written(parts[-1], show, most)
        condition = operation == "astype" and not parts[0].is_leaf
        return (f"[{shown[0]}]", _TIGHT) if condition else shown
    if operation in ADDITIVE:
        return _additive(expression, show, most)
    if operation in _INFIX:
        infix, strength = _INFIX[operation]
        left = _bracketed(parts[0], show, most, strength)
        tighter = strength + (operation in ("divide", "power"))
        if operation == "power":
            left = _bracketed(parts[0], show, most, strength + 1)
        return f"{left}{infix}{_bracketed(parts[1], show, most, tighter)}", strength
    if operation == "square":
        return f"{_bracketed(parts[0], show, most, 7)} ** 2", 6
    if operation == "absolute":
        return f"|{written(parts[0], show, most)}|", _TIGHT
    if operation == "logical_not":
        return f"not {_bracketed(parts[0], show, most, 2)}", 2
    operation = {"maximum": "max", "minimum": "min"}.get(operation, operation)
    listed = [written(part, show, most) for part in _largest(parts, most)]
    listed += ["..."] * (len(parts) > most)
    return f"{operation}({', '.join(listed)})", _TIGHT


def _bracketed(expression: Expression, show: Show, most: int, least: int) -> str:
    text, strength = _written(expression, show, most)
    return f"({text})" if strength < least else text


def _largest(parts: tuple[Expression, ...], most: int) -> list[Expression]:
    """Return the parts of largest value, in their order."""
    ranked = sorted(range(len(parts)), key=lambda i: -parts[i].value)[:most]
    return [parts[i] for i in sorted(ranked)]


def chosen(
    terms: list[tuple[float, Expression]], most: int
) -> tuple[list[tuple[float, Expression]], float]:
    """Return the terms of a sum that are largest in size, and the total of the others.

    Parameters
    ----------
    terms : list of (float, Expression)
        Sign and term.
    most : int
        How many to keep.

    Returns
    -------
    kept : list of (float, Expression)
        In their order.
    rest : float
    """
    if len(terms) <= most:
        return terms, 0.0
    ranked = sorted(range(len(terms)), key=lambda i: -abs(terms[i][1].value))
    kept = [terms[i] for i in sorted(ranked[:most])]
    return kept, sum(terms[i][0] * terms[i][1].value for i in ranked[most:])


def _additive(expression: Expression, show: Show, most: int) -> tuple[str, int]:
    terms = addends(expression)
    kept, _ = chosen(terms, most)
    text = ""
    for sign, term in kept:
        shown = _bracketed(term, show, most, 4)
        minus = sign < 0
        if shown.startswith("-"):
            minus, shown = not minus, shown[1:]
        text += (" - " if minus else " + ") + shown if text else "-" * minus + shown
    if len(terms) > len(kept):
        text += f" + ... ({len(terms) - len(kept):,} more)"
    return text, _SIGN if len(terms) == 1 else _SUM
