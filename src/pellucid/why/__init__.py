"""Why a number of a step is what it is: its formula, its numbers, and its terms."""

from functools import cached_property
from typing import TYPE_CHECKING

from pellucid.why.address import find
from pellucid.why.answer import Answer
from pellucid.why.differences import Difference, Nudging
from pellucid.why.expressions import Expression
from pellucid.why.quantities import Quantity
from pellucid.why.unfolding import Unfolding

if TYPE_CHECKING:
    from pellucid.step import Step

__all__ = ["Answer", "Asking", "Difference"]


class Asking:
    """Answers what is asked about the numbers of one step.

    Parameters
    ----------
    step : Step
        The step.
    """

    def __init__(self, step: "Step") -> None:
        self.step, self.unfolding = step, Unfolding(step)
        self.quantities = self.unfolding.quantities

    @cached_property
    def _nudging(self) -> Nudging:
        return Nudging(self.step)

    def __call__(self, address: str) -> Answer:
        """Return the answer for an address, see `pellucid.why.address`.

        Parameters
        ----------
        address : str
            Such as ``"dense_1.W[0, 1].grad"``.

        Returns
        -------
        Answer
        """
        return self.about(*find(self.step, self.quantities, address))

    def about(self, quantity: Quantity, index: tuple[int, ...]) -> Answer:
        """Return the answer for a number.

        Parameters
        ----------
        quantity : Quantity
            The array it is in.
        index : tuple of int
            Where.

        Returns
        -------
        Answer
        """
        return Answer(self, self.unfolding.unfold(quantity, index), quantity, index)

    def of_part(self, expression: Expression) -> Answer:
        """Return the answer for a part of a formula.

        Parameters
        ----------
        expression : Expression
            An entry of a named array, or a formula without a name.

        Returns
        -------
        Answer
        """
        if expression.operation == "entry":
            return self.about(self.quantities[expression.name], expression.index)
        return Answer(self, expression)

    def difference(
        self, quantity: Quantity, index: tuple[int, ...], gradient: float
    ) -> Difference | None:
        """Return the finite difference beside a gradient.

        Parameters
        ----------
        quantity : Quantity
            Any.
        index : tuple of int
            Which of its numbers.
        gradient : float
            What backprop says.

        Returns
        -------
        Difference or None
            None for what is no gradient.
        """
        target = self.moved(quantity)
        if target is None or target.node is None:
            return None
        node, within = target.node, ""
        made_here = f"{node.layer}.".startswith(f"{target.layer}.")
        if not made_here and not quantity.suffix:
            within = target.layer  # others may take the same array
        return self._nudging.difference(node, index, gradient, within)

    def moved(self, quantity: Quantity) -> Quantity | None:
        """Return what the loss is derived by in a gradient; None for other quantities.

        The same number may have two names. The delta of the last layer is dL/dz also
        where the layer calls it what came back to its output.

        Parameters
        ----------
        quantity : Quantity
            Any.

        Returns
        -------
        Quantity or None
        """
        node = quantity.node
        if quantity.update or node is None:
            return None
        named = self.quantities.named.get((False, node.id), quantity.name)
        moves = self.quantities[named].moves or quantity.moves
        return self.quantities.by_name.get(moves)
