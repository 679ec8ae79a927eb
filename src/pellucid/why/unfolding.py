"""From a number to its formula: unnamed results are written out until names are met.

What a layer keeps, outputs, deltas, gradients, data, weights and settings have names,
and a formula ends there. So ``dense_1.z[0, 2]`` is ``x[0, 0] W[0, 2] + x[0, 1] W[1, 2]
+ ... + b[2]`` although the Program has a matrix product and an addition. Two kinds of
unnamed results are called by their number in the Program (``t4[0]``) instead: a sum
within a sum or within a function, and what would make a formula too long to read.
"""

from collections import Counter
from collections.abc import Callable
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np

from pellucid.symbol import Symbol
from pellucid.why.elements import Index, adds_up, element
from pellucid.why.expressions import (
    Expression,
    addends,
    applied,
    entry,
    number,
    quotient,
    total,
)
from pellucid.why.quantities import COMPUTED, Quantities, Quantity

if TYPE_CHECKING:
    from pellucid.step import Step

# So many names may a result that is used twice, or only once, bring into a formula.
MOST_OF_SHARED, MOST_OF_OWN = 6, 24

# Vectors of the update that are no weights, gradients or memories.
_MASKS = ("decayed", "trained")


class Unfolding:
    """Writes the formulas of a step's numbers.

    Parameters
    ----------
    step : Step
        The step.

    Attributes
    ----------
    quantities : Quantities
        What has a name.
    """

    def __init__(self, step: "Step") -> None:
        self.step, self.quantities = step, Quantities(step)
        self._once: dict[tuple[bool, int], Any] = {}
        self._sizes: dict[tuple[bool, int], int] = {}
        self._uses: dict[bool, Counter[int]] = {}
        for update, program in ((False, step.program), (True, step.update_program)):
            inputs = (v for node in program.nodes for v in node.inputs)
            self._uses[update] = Counter(v.id for v in inputs if isinstance(v, Symbol))
        # What is asked about is often asked about again, by what it is a term of.
        self._remembered = lru_cache(maxsize=256)(self._write)
        self._unweighted = bool((step.sample_weight == 1).all())

    def entry(self, name: str, index: Index) -> Expression:
        """Return a number by its name, not written out.

        Parameters
        ----------
        name : str
            The quantity.
        index : tuple of int
            Where in it.

        Returns
        -------
        Expression
        """
        return entry(name, index, self.quantities[name].array[index])

    def unfold(self, quantity: Quantity, index: Index) -> Expression:
        """Return the formula of a number.

        Parameters
        ----------
        quantity : Quantity
            What was asked about.
        index : tuple of int
            Which of its numbers.

        Returns
        -------
        Expression
            An entry of the same name where there is nothing to write out.
        """
        return self._remembered(quantity.name, index)

    def _write(self, name: str, index: Index) -> Expression:
        with np.errstate(all="ignore"):
            return self._unfold(self.quantities[name], index)

    def _unfold(self, quantity: Quantity, index: Index) -> Expression:
        node = quantity.node
        if quantity.kind != COMPUTED:
            return self.entry(quantity.name, index)
        if node is None:
            return self._besides(quantity, index)
        known = self.quantities.named.get((quantity.update, node.id), quantity.name)
        if quantity.layer not in ("", node.layer, self.quantities[known].layer):
            return self.entry(known, index)  # another layer made it
        if quantity.update and node.shape and quantity.suffix:
            place = int(np.ravel_multi_index(index, quantity.shape)) if index else 0
            index = (quantity.start + place,)
        if node.operation.group != "leaf":
            return element(node, index, _Reading(self, quantity.update, False))
        if quantity.update:  # such as weights that the optimizer leaves as they are
            return self.leaf(node, index, True)
        return self._besides(quantity, index)

    def _besides(self, quantity: Quantity, index: Index) -> Expression:
        """Return the formula of what no operation computes."""
        if quantity.node is not None:
            name = self.quantities.named[False, quantity.node.id]
            if name != quantity.name:
                return self.entry(name, index)
        stem, suffix = quantity.stem, quantity.suffix
        if suffix == "update":
            return self._update(stem, index)
        if stem == "scale":
            weights = (self.entry("sample_weight", (i,)) for i in range(self.step.n))
            one = number(1.0)
            over = number(float(self.step.n)) if self._unweighted else total(weights)
            return quotient(one, over)
        if suffix.startswith("new"):
            before = suffix.removeprefix("new").removeprefix("_")
            return self.entry(f"{stem}.{before}" if before else stem, index)
        return number(0.0)  # the gradient of what the loss does not depend on

    def _update(self, stem: str, index: Index) -> Expression:
        """Return what is added to a weight: its new value without the weight itself."""
        new = self._unfold(self.quantities[f"{stem}.new"], index)
        terms = addends(new)
        rest = [
            (sign, term)
            for sign, term in terms
            if sign < 0 or (term.name, term.index) != (stem, index)
        ]
        if len(rest) == len(terms) - 1:
            signed = (
                applied("negative", np.negative, term) if sign < 0 else term
                for sign, term in rest
            )
            return total(signed)
        new, old = self.entry(f"{stem}.new", index), self.entry(stem, index)
        return applied("subtract", np.subtract, new, old)

    # -- what a formula calls a node ---------------------------------------------------

    def leaf(self, node: Symbol, index: Index, update: bool) -> Expression:
        """Return the Expression of an entry of what a Program is given.

        Parameters
        ----------
        node : Symbol
            The leaf.
        index : tuple of int
            Where in it.
        update : bool
            Whether it is in the Program of the update.

        Returns
        -------
        Expression
        """
        vector, name = node.settings["vector"], node.settings["name"]
        if update and vector in ("w", "g", "memory"):
            suffix = {"w": "", "g": "grad"}.get(vector, name)
            return self.entry(*self.quantities.window(suffix, index[0]))
        ones = vector == "weight" and self._unweighted
        if ones or (vector == "scale" and self.step.scale == 1):
            return number(1.0)  # as if it were not there
        if vector == "constant" or vector in _MASKS:
            values = self.values(update)[node.id]
            return number(float(values[index]))
        known = self.quantities.named.get((update, node.id))
        if known is None:
            return number(float(self.values(update)[node.id]))
        return self.entry(known, index)

    def name(self, node: Symbol, index: Index, update: bool) -> Expression | None:
        """Return an entry of a result that has a name, or None.

        Parameters
        ----------
        node : Symbol
            An operation.
        index : tuple of int
            Where in its result.
        update : bool
            Whether it is in the Program of the update.

        Returns
        -------
        Expression or None
        """
        if update:
            for (vector, name), symbol in self.step.update_program.outputs.items():
                if symbol.id == node.id:
                    suffix = "new" if vector == "new" else f"new_{name}"
                    return self.entry(*self.quantities.window(suffix, index[0]))
            return None
        known = self.quantities.named.get((update, node.id))
        return None if known is None else self.entry(known, index)

    def numbered(self, node: Symbol, index: Index, update: bool) -> Expression:
        """Return an entry of an unnamed result, called by its number.

        Parameters
        ----------
        node, index, update
            As in `name`.

        Returns
        -------
        Expression
        """
        return self.entry(self.quantities.numbered[update, node.id], index)

    def is_cut(self, node: Symbol, update: bool) -> bool:
        """Return whether a result is called by its number, as its formula is long.

        Parameters
        ----------
        node : Symbol
            An operation.
        update : bool
            Whether it is in the Program of the update.

        Returns
        -------
        bool
        """
        if (update, node.id) not in self.quantities.numbered:
            return False
        shared = self._uses[update][node.id] > 1
        return self._size(node, update) > (MOST_OF_SHARED if shared else MOST_OF_OWN)

    def _size(self, node: Any, update: bool) -> int:
        """Return how many names and numbers the formula of a node has."""
        key = (update, getattr(node, "id", -1))
        if not isinstance(node, Symbol) or key in self.quantities.named:
            return 1
        if adds_up(node) or node.operation.group in ("leaf", "random"):
            return 1
        if key not in self._sizes:
            self._sizes[key] = sum(
                1
                if isinstance(value, Symbol) and self.is_cut(value, update)
                else self._size(value, update)
                for value in node.inputs
            )
        return self._sizes[key]

    def values(self, update: bool) -> dict[int, Any]:
        """Return what every operation of a Program gave.

        Parameters
        ----------
        update : bool
            Which Program: that of the update, or the recording.

        Returns
        -------
        dict of int to value
        """
        return self.step.update_values if update else self.step.values

    def once(self, key: tuple[bool, int], make: Callable[[], Any]) -> Any:
        """Return what `make` returned when it was first called for this key.

        Parameters
        ----------
        key : tuple of (bool, int)
            Program and node.
        make : callable
            Returns anything.

        Returns
        -------
        object
        """
        if key not in self._once:
            self._once[key] = make()
        return self._once[key]


class _Reading:
    """Gives the entries of inputs while a formula is written, see `Reading`."""

    def __init__(self, unfolding: Unfolding, update: bool, within: bool) -> None:
        self.unfolding, self.update, self.within = unfolding, update, within

    def __call__(self, value: Any, index: Index) -> Expression:
        if not isinstance(value, Symbol):
            return number(float(value))
        unfolding, update = self.unfolding, self.update
        if value.operation.group == "leaf":
            return unfolding.leaf(value, index, update)
        named = unfolding.name(value, index, update)
        if named is not None:
            return named
        apart = value.operation.group == "random" or (self.within and adds_up(value))
        if apart or unfolding.is_cut(value, update):
            return unfolding.numbered(value, index, update)
        return element(value, index, self)

    def value(self, value: Any) -> Any:
        if not isinstance(value, Symbol):
            return value
        return self.unfolding.values(self.update)[value.id]

    def once(self, node: Symbol, make: Callable[[], Any]) -> Any:
        return self.unfolding.once((self.update, node.id), make)

    def inside(self) -> "_Reading":
        return self if self.within else _Reading(self.unfolding, self.update, True)
