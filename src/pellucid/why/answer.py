"""The answer to why a number is what it is."""

import math
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from pellucid.why.expressions import ADDITIVE, Expression, addends, factors
from pellucid.why.formulas import digits, written
from pellucid.why.quantities import COMPUTED, Quantity
from pellucid.why.words import sentence

if TYPE_CHECKING:
    from pellucid.why import Asking
    from pellucid.why.differences import Difference


@dataclass(frozen=True, eq=False)
class Term:
    """One of the things that a number is made of.

    Parameters
    ----------
    symbol : str
        What it is called: an address, or a formula of addresses.
    value : float
        What it comes to; in a sum with its sign.
    address : str
        Its address; empty where it has no name of its own.
    """

    symbol: str
    value: float
    address: str
    _asking: "Asking"
    _expression: Expression

    @property
    def is_leaf(self) -> bool:
        """Whether it is a name or a number, and no formula."""
        return self._expression.is_leaf

    def named(self) -> tuple["Term", ...]:
        """Return the numbers in its formula that have an address, each once."""
        found: dict[str, Term] = {}
        for leaf in self._expression.leaves():
            if leaf.operation == "entry":
                address = self._asking.quantities[leaf.name].address(leaf.index)
                found[address] = Term(address, leaf.value, address, self._asking, leaf)
        return tuple(found.values())

    def why(self) -> "Answer":
        """Return where this term comes from."""
        return self._asking.of_part(self._expression)

    def __repr__(self) -> str:
        return f"<Term {self.symbol} = {digits(self.value)}>"


class Answer:
    """Where a number of a step comes from.

    In print it is a text; in a notebook its terms can be opened one after the other.

    Parameters
    ----------
    asking : Asking
        Answers further questions.
    expression : Expression
        The formula.
    quantity : Quantity, optional
        The array that the number is in; None for a formula without a name.
    index : tuple of int
        Where in it.

    Attributes
    ----------
    expression : Expression
        The formula as data.
    kind : str
        ``"computed"``, or where the walk through the terms ends: ``"data"``,
        ``"weight"``, ``"memory"`` (of the optimizer), ``"setting"``, ``"random"``.
    """

    def __init__(
        self,
        asking: "Asking",
        expression: Expression,
        quantity: Quantity | None = None,
        index: tuple[int, ...] = (),
    ) -> None:
        self.expression, self.quantity, self.index = expression, quantity, index
        self.kind = quantity.kind if quantity else COMPUTED
        self._asking = asking

    @property
    def address(self) -> str:
        """Its address; empty for a formula without a name."""
        return self.quantity.address(self.index) if self.quantity else ""

    @property
    def layer(self) -> str:
        """Path of the layer it belongs to; empty for none."""
        return self.quantity.layer if self.quantity else ""

    @property
    def symbol(self) -> str:
        """What it is called: its address, or the formula that it is."""
        return self.address or self._in_full(self.expression)

    @cached_property
    def value(self) -> float:
        """The number itself, as the step has it."""
        if self.quantity is None:
            return self.expression.value
        return float(self.quantity.array[self.index])

    @property
    def recomputed(self) -> float:
        """What the formula gives in float64; the same but for rounding."""
        return self.expression.value

    @cached_property
    def formula(self) -> str:
        """The formula; what belongs to the same layer stands without its name."""
        return written(self.expression, self._short)

    @cached_property
    def numbers(self) -> str:
        """The formula with the numbers of this step in it."""
        return written(self.expression, lambda leaf: digits(leaf.value))

    @property
    def words(self) -> str:
        """What it is, in a sentence."""
        return sentence(self._asking.step, self)

    @cached_property
    def difference(self) -> "Difference | None":
        """The finite difference beside a gradient; None for what is none."""
        if self.quantity is None:
            return None
        return self._asking.difference(self.quantity, self.index, self.value)

    @cached_property
    def terms(self) -> tuple[Term, ...]:
        """All that it is made of: addends, factors, or what a function is applied to.

        Empty where there is nothing further to ask: data, weights, settings.
        """
        expression = self.expression
        if expression.operation == "entry":
            itself = self.quantity is not None and expression.name == self.quantity.name
            return () if itself else (self._term(1.0, expression),)
        if expression.operation in ADDITIVE:
            return tuple(self._term(*signed) for signed in addends(expression))
        parts = (
            factors(expression)
            if expression.operation == "multiply"
            else list(expression.parts)
        )
        return tuple(self._term(1.0, part) for part in parts)

    def _term(self, sign: float, expression: Expression) -> Term:
        address = self._in_full(expression) if expression.operation == "entry" else ""
        symbol = address or self._in_full(expression)
        if sign < 0:
            symbol = f"-{symbol}" if expression.is_leaf else f"-({symbol})"
        return Term(symbol, sign * expression.value, address, self._asking, expression)

    def _in_full(self, expression: Expression) -> str:
        return written(expression, self._full)

    def _full(self, leaf: Expression) -> str:
        if leaf.operation == "number":
            return f"({leaf.name})" if leaf.name else digits(leaf.value)
        return self._asking.quantities[leaf.name].address(leaf.index)

    def _short(self, leaf: Expression) -> str:
        text = self._full(leaf)
        return text.removeprefix(f"{self.layer}.") if self.layer else text

    def _short_name(self) -> str:
        """Return what it is called within its layer; ``this`` without a name."""
        if not self.address:
            return "this"
        return (
            self.address.removeprefix(f"{self.layer}.") if self.layer else self.address
        )

    # -- in print ----------------------------------------------------------------------

    def text(self, width: int | None = None) -> str:
        """Return the answer as plain text.

        Parameters
        ----------
        width : int, optional
            Columns; those of the terminal by default.

        Returns
        -------
        str
        """
        from pellucid.why.text import as_text

        return as_text(self, width)

    def latex(self) -> str:
        """Return symbol, formula, numbers and result as an ``aligned`` block of LaTeX.

        Returns
        -------
        str
        """
        from pellucid.why.latex import as_latex

        return as_latex(self)

    def __str__(self) -> str:
        return self.text()

    __repr__ = __str__

    def _repr_html_(self) -> str:
        from pellucid.why.html import as_html

        return as_html(self)

    def __rich__(self) -> object:
        from pellucid.why.text import as_rich

        return as_rich(self)

    def agrees(self) -> bool:
        """Return whether the formula gives the number, but for rounding.

        Returns
        -------
        bool
        """
        precision = float(np.finfo(self._asking.step.dtype).eps)
        scale = size(self.expression)
        if self.quantity is not None and self.quantity.suffix == "update":
            # The difference of two weights is rounded as the weights are.
            scale += abs(
                float(self._asking.quantities[self.quantity.stem].array[self.index])
            )
        if not math.isfinite(self.value) or not math.isfinite(self.recomputed):
            return True  # beyond the range, one may overflow where the other does not
        return abs(self.value - self.recomputed) <= 64 * precision * scale


def size(expression: Expression) -> float:
    """Return how large the numbers in a formula are that rounding is relative to.

    Parameters
    ----------
    expression : Expression
        The formula.

    Returns
    -------
    float
    """
    sizes = [size(part) for part in expression.parts]
    if not sizes:
        return abs(expression.value)
    if expression.operation in ADDITIVE:
        return sum(sizes)
    if expression.operation == "multiply":
        return math.prod(sizes)
    if expression.operation == "divide":
        return sizes[0] / abs(expression.parts[1].value or 1.0)
    return max(abs(expression.value), *sizes)
