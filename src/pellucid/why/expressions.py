"""Formulas of single numbers: what an entry of an array is made of.

An `Expression` is a number with its formula: an entry of a named array, a fixed number,
or an operation on other expressions. Its value is computed from its parts in float64,
so that an explanation can be compared with what it explains.
"""

import math
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

# Operations whose parts, with their signs, are the terms of one sum.
ADDITIVE = ("add", "sum", "subtract", "negative")


@dataclass(frozen=True, slots=True, eq=False)
class Expression:
    """A number and how it comes about.

    Parameters
    ----------
    operation : str
        Its row in `pellucid.ops`, such as ``"multiply"``; ``"sum"`` for any number of
        terms; ``"entry"`` for an entry of a named array, ``"number"`` for a fixed one.
    parts : tuple of Expression
        What it is made of.
    value : float
        What it comes to.
    name : str
        Of an entry: the array. Of a fixed number: what it stands for, if for something.
    index : tuple of int
        Of an entry: where in the array.
    """

    operation: str
    parts: tuple["Expression", ...]
    value: float
    name: str = ""
    index: tuple[int, ...] = ()

    @property
    def is_leaf(self) -> bool:
        """Whether it has no parts: an entry or a fixed number."""
        return self.operation in ("entry", "number")

    def leaves(self) -> Iterator["Expression"]:
        """Yield the entries and fixed numbers in it, from left to right."""
        if self.is_leaf:
            yield self
        for part in self.parts:
            yield from part.leaves()


def number(value: float, name: str = "") -> Expression:
    """Return a fixed number.

    Parameters
    ----------
    value : float
        The number.
    name : str
        What it stands for.

    Returns
    -------
    Expression
    """
    return Expression("number", (), value, name)


def entry(name: str, index: tuple[int, ...], value: Any) -> Expression:
    """Return an entry of a named array.

    Parameters
    ----------
    name : str
        The array.
    index : tuple of int
        Where in it.
    value : number
        What stands there.

    Returns
    -------
    Expression
    """
    return Expression("entry", (), float(value), name, index)


def total(terms: Iterable[Expression]) -> Expression:
    """Return the sum of any number of terms; fixed zeros are left out.

    Parameters
    ----------
    terms : iterable of Expression
        What is added up.

    Returns
    -------
    Expression
    """
    kept = tuple(term for term in terms if not _is(term, 0.0))
    if len(kept) == 1:
        return kept[0]
    if not kept:
        return number(0.0)
    return Expression("sum", kept, _sum(term.value for term in kept))


def product(left: Expression, right: Expression) -> Expression:
    """Return a product; with a fixed 0 or 1, or twice a half, it is written shorter.

    Parameters
    ----------
    left, right : Expression
        The factors.

    Returns
    -------
    Expression
    """
    for one, other in ((left, right), (right, left)):
        if _is(one, 1.0) or (_is(other, 0.0) and math.isfinite(one.value)):
            return other
    whole = _twice(right) if _is(left, 2.0) else None
    return whole or Expression("multiply", (left, right), left.value * right.value)


def _twice(half: Expression) -> Expression | None:
    """Return twice ``0.5 * z - top`` as ``z - 2 * top``; None for other formulas.

    Sums are halved where they would overflow, as in softmax. The numbers are the same,
    since halving and doubling are exact.
    """
    if half.operation == "multiply" and _is(half.parts[0], 0.5):
        return half.parts[1]
    if half.operation == "subtract":
        left = _twice(half.parts[0])
        if left is not None:
            right = product(number(2.0), half.parts[1])
            return applied("subtract", float.__sub__, left, right)
    if half.operation == "where":
        taken = _twice(half.parts[1])
        if taken is not None:
            return Expression("where", (half.parts[0], taken), taken.value)
    return None


def quotient(left: Expression, right: Expression) -> Expression:
    """Return a quotient; divisors of 1 are left out.

    Parameters
    ----------
    left, right : Expression
        What is divided, and by what.

    Returns
    -------
    Expression
    """
    if _is(right, 1.0):
        return left
    return applied("divide", _divided, left, right)


def applied(
    operation: str, function: Callable[..., Any], *parts: Expression
) -> Expression:
    """Return an operation on some parts, with its value.

    Parameters
    ----------
    operation : str
        Its name.
    function : callable
        What computes it.
    *parts : Expression
        What it is applied to.

    Returns
    -------
    Expression
    """
    return Expression(
        operation, parts, float(function(*(part.value for part in parts)))
    )


def addends(
    expression: Expression, sign: float = 1.0
) -> list[tuple[float, Expression]]:
    """Return the terms of nested sums and differences with their signs.

    Parameters
    ----------
    expression : Expression
        Any.
    sign : float
        1 or -1: that of the whole.

    Returns
    -------
    list of (float, Expression)
        Itself alone, if it is no sum.
    """
    if expression.operation not in ADDITIVE:
        return [(sign, expression)]
    terms = []
    for place, part in enumerate(expression.parts):
        turned = expression.operation == "negative"
        turned |= expression.operation == "subtract" and place == 1
        terms += addends(part, -sign if turned else sign)
    return terms


def factors(expression: Expression) -> list[Expression]:
    """Return the factors of nested products; itself alone, if it is no product.

    Parameters
    ----------
    expression : Expression
        Any.

    Returns
    -------
    list of Expression
    """
    if expression.operation != "multiply":
        return [expression]
    return [factor for part in expression.parts for factor in factors(part)]


def _is(expression: Expression, value: float) -> bool:
    """Return whether an expression is this fixed number, also as a branch taken."""
    if expression.operation == "where":
        return _is(expression.parts[1], value)
    return expression.operation == "number" and expression.value == value


def _sum(values: Iterable[float]) -> float:
    listed = list(values)
    # fsum refuses infinities of both signs, whose sum is not a number.
    return math.fsum(listed) if all(map(math.isfinite, listed)) else sum(listed)


def _divided(left: float, right: float) -> float:
    if right:
        return left / right
    return math.nan if not left or math.isnan(left) else math.copysign(math.inf, left)
