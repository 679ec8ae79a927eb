"""Elementwise operations as expressions: what a formula is for one number."""

from pellucid.export.loops import SMALL_INTEGER, Apply, Expression, Number, Read
from pellucid.export.signs import is_above, is_never_above
from pellucid.symbol import BOOL, FLOAT, INTEGER, Symbol

_COMPARISONS = ("greater", "greater_equal", "less", "less_equal", "equal", "not_equal")
_POWERS = {2: "square", 0.5: "sqrt", -1: "reciprocal"}


def as_kind(value: Expression, kind: str) -> Expression:
    """Return a value as one of a kind: conditions count as 0 and 1.

    Parameters
    ----------
    value : Expression
        Any.
    kind : str
        What is wanted.

    Returns
    -------
    Expression
    """
    if value.kind == kind or kind == SMALL_INTEGER:
        return value
    if isinstance(value, Number):
        return Number(value.value, kind)
    return Apply("number", (value,), kind)


def elementwise(node: Symbol, given: list[Expression]) -> Expression:
    """Return an elementwise operation as an expression.

    Parameters
    ----------
    node : Symbol
        The operation.
    given : list of Expression
        Its inputs, each of one number.

    Returns
    -------
    Expression
    """
    name, kind = node.operation.name, node.kind
    if name == "astype":
        return as_kind(given[0], FLOAT)
    if name in _COMPARISONS:
        floats = any(each.kind == FLOAT for each in given)
        return _apply(
            name, [as_kind(each, FLOAT if floats else INTEGER) for each in given], BOOL
        )
    if name in ("logical_and", "logical_or", "logical_not"):
        return _apply(name, given, BOOL)
    if name == "where":
        return _apply(
            name, [given[0], *(as_kind(each, kind) for each in given[1:])], kind
        )
    if name == "positive":
        return given[0]
    exponent = given[1] if name == "power" else None
    if isinstance(exponent, Number) and exponent.value in _POWERS:
        return _apply(_POWERS[exponent.value], [as_kind(given[0], kind)], kind)
    given = [as_kind(each, kind) for each in given]
    if name == "clip":
        above = _apply("maximum", given[:2], kind)
        return _apply("minimum", [above, given[2]], kind)
    if name == "multiply":  # by one, which stands for a shape that was wanted
        for one, other in (given, given[::-1]):
            if isinstance(one, Number) and one.value == 1:
                return other
    if name == "exp" and is_never_above(node.inputs[0]):
        return _apply("decay", given, kind)
    safe = name in ("divide", "reciprocal")
    if safe and (_never_zero(given[-1]) or is_above(node.inputs[-1])):
        one = Number(1.0, kind)
        return _apply("ratio", given if name == "divide" else [one, *given], kind)
    return _apply(name, given, kind)


def _never_zero(value: Expression) -> bool:
    """Return whether a value is known and nowhere 0: a division by it needs no care."""
    if isinstance(value, Number):
        return value.value != 0
    if not isinstance(value, Read) or value.array.values is None:
        return False
    return bool((value.array.values != 0).all())


def _apply(name: str, given: list[Expression], kind: str) -> Apply:
    return Apply(name, tuple(given), kind)
