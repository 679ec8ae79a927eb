"""Which values of a Program become arrays, which loop computes them, what is constant.

A prediction is planned for one row, so the batch size is 1 and every length is known.
Values that depend on weights alone are computed now. Of the others, those that are
needed in more than one place are kept in arrays: the *roots*, one loop each. All that
lies between roots is computed inside of their loops, number by number.
"""

import math
from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pellucid.errors import ConfigurationError
from pellucid.layout import Windows
from pellucid.program import Program
from pellucid.symbol import DTYPE, NUMBER, Dim, Symbol

# Where a value begins in the array of another, and how far its axes are apart.
View = tuple[Symbol, int, tuple[int, ...]]

# Operations that fill an array of their own, with loops that are not over the result.
FILLING = ("concatenate", "pad", "convolve_back", "spread_windows")
# Operations that are only made of inputs, never in training.
_ONE_BY_ONE = ("concatenate", "pad")


def row_major(shape: tuple[int, ...]) -> tuple[int, ...]:
    """Return how far apart neighbours along each axis are, the last axis fastest.

    Parameters
    ----------
    shape : tuple of int
        Any.

    Returns
    -------
    tuple of int
    """
    return tuple(math.prod(shape[axis + 1 :]) for axis in range(len(shape)))


def at_one(value: Any) -> Any:
    """Return a shape or setting with 1 as the batch size.

    Parameters
    ----------
    value : object
        A length, a shape, or anything else, which stays.

    Returns
    -------
    object
    """
    if isinstance(value, Dim):
        return value.factor
    return tuple(map(at_one, value)) if type(value) is tuple else value


class LoopPlan:
    """The plan of a prediction for one row.

    Parameters
    ----------
    program : Program
        From inputs to one output.
    weights : Windows
        The numbers of the network by name.
    dtype : dtype
        The network's floating-point type.

    Attributes
    ----------
    output : Symbol
        What is computed.
    constants : dict of int to ndarray or number
        The values that are known already, by id.
    roots : list of Symbol
        What is kept in arrays, in the order in which it is computed.
    root_ids, copies : set of int
        The ids of the roots, and of those that are another shape of a value.
    group : dict of int to int
        Number of the function that computes a root, by its id.
    """

    def __init__(self, program: Program, weights: Windows, dtype: Any) -> None:
        self.output = next(iter(program.outputs.values()))
        self.names = program.names
        self.constants: dict[int, Any] = {}
        self._known(program, weights, dtype)
        nodes = [n for n in program.nodes if n.id not in self.constants]
        self.consumers: dict[int, list[tuple[Symbol, int]]] = {n.id: [] for n in nodes}
        for node in nodes:
            for place, value in enumerate(node.inputs):
                if isinstance(value, Symbol) and value.id in self.consumers:
                    self.consumers[value.id].append((node, place))
        self._views: dict[int, View] = {}
        self.copies: set[int] = set()
        for node in nodes:
            if node.operation.group == "alias":
                self._see(node)
        self._choose(nodes)
        self.group: dict[int, int] = {}
        layer: str | None = None
        for root in self.roots:
            number = max(self.group.values(), default=-1)
            self.group[root.id] = number + (root.layer != layer)
            layer = root.layer

    # -- what is known already ---------------------------------------------------------

    def _known(self, program: Program, weights: Windows, dtype: Any) -> None:
        for node in program.nodes:
            settings = {
                key: dtype if value is DTYPE else at_one(value)
                for key, value in node.settings.items()
            }
            operation = node.operation
            if operation.group == "leaf":
                vector, name = settings["vector"], settings["name"]
                if vector == "w":
                    self.constants[node.id] = weights[name]
                elif vector == "constant":
                    self.constants[node.id] = settings["value"]
                elif vector == "n":
                    self.constants[node.id] = 1
            elif operation.name == "full_like":
                full = np.full(at_one(node.shape), settings["value"], dtype)
                self.constants[node.id] = full
            elif operation.group != "random" and all(
                v.id in self.constants for v in node.inputs if isinstance(v, Symbol)
            ):
                given = (
                    self.constants[v.id] if isinstance(v, Symbol) else v
                    for v in node.inputs
                )
                with np.errstate(all="ignore"):
                    result = operation.apply(*given, **settings)
                number = node.kind == NUMBER
                self.constants[node.id] = float(result) if number else result

    # -- the same numbers in another shape ---------------------------------------------

    def view(self, value: Symbol) -> View:
        """Return in whose array a value lies, where it begins, and its steps.

        Parameters
        ----------
        value : Symbol
            A root, an input, or another shape of one.

        Returns
        -------
        source : Symbol
        offset : int
        steps : tuple of int
            One for each axis.
        """
        return self._views.get(value.id, (value, 0, row_major(at_one(value.shape))))

    def _see(self, node: Symbol) -> None:
        """Note what a reshape, transpose or slice sees, or that it has to be copied."""
        source, offset, steps = self.view(node.inputs[0])
        shape = at_one(node.inputs[0].shape)
        if node.operation.name == "transpose":
            axes = node.settings["axes"] or tuple(reversed(range(len(shape))))
            self._views[node.id] = source, offset, tuple(steps[a] for a in axes)
        elif node.operation.name == "slice":
            index = node.settings["index"]
            more, steps = _cut(index, shape, steps)
            self._views[node.id] = source, offset + more, steps
        elif _in_one_row(shape, steps):
            new = row_major(at_one(node.shape))
            self._views[node.id] = source, offset, new
        else:
            self.copies.add(node.id)

    # -- which values are kept ---------------------------------------------------------

    def is_array(self, value: Symbol) -> bool:
        """Return whether a value is read from an array."""
        group = value.operation.group
        return value.id in self.root_ids or group == "leaf" or value.id in self._views

    def _choose(self, nodes: list[Symbol]) -> None:
        """Find the roots: from the last operation to the first."""
        self.root_ids: set[int] = set()
        sites: dict[int, set[Any]] = {}  # where it would be computed, unless kept
        for node in reversed(nodes):
            if node.operation.group == "leaf" or node.id in self._views:
                continue
            must = node.operation.name in FILLING or node.id in self.copies
            must = must or node is self.output
            there: set[Any] = set()
            for consumer, place in self.consumers[node.id]:
                site = self._site(node, consumer, place, sites)
                must = must or site is None
                there |= site or set()
            if must or len(there) > 1:
                self.root_ids.add(node.id)
                there = {node.id}
            sites[node.id] = there
        known = self.output.id in self.constants
        if known or not self._is_whole(self.output):
            self.root_ids.add(self.output.id)
        order = [*nodes, *([self.output] if known else [])]
        self.roots = [n for n in order if n.id in self.root_ids]

    def _site(
        self, node: Symbol, consumer: Symbol, place: int, sites: dict[int, set[Any]]
    ) -> set[Any] | None:
        """Return where a consumer needs a value; None if it needs it in an array."""
        operation = consumer.operation
        if consumer.layer != node.layer:
            return None
        if operation.group == "elementwise":
            same = at_one(consumer.shape) == at_one(node.shape)
            return sites[consumer.id] if same else None
        if node.operation.name == "convolve":
            return None  # its loops are over filters, group by group
        if operation.group == "reduction":
            return {("inside", consumer.id)}
        if operation.name in _ONE_BY_ONE:
            return {("inside", consumer.id, place)}
        return None

    def _is_whole(self, value: Symbol) -> bool:
        """Return whether a value is all of the array of a root, in its order."""
        source, offset, steps = self.view(value)
        if source.id not in self.root_ids:
            return False
        shape = at_one(value.shape)
        same = math.prod(shape) == math.prod(at_one(source.shape))
        return same and not offset and _in_one_row(shape, steps)

    # -- who reads what ----------------------------------------------------------------

    def readers(self, root: Symbol) -> set[int]:
        """Return the numbers of the functions that read a root.

        Parameters
        ----------
        root : Symbol
            What is read.

        Returns
        -------
        set of int
        """
        return {self.group[reader.id] for reader in self._reading(root)}

    def _reading(self, value: Symbol) -> Iterator[Symbol]:
        for consumer, _ in self.consumers[value.id]:
            if consumer.id in self.root_ids:
                yield consumer
            else:
                yield from self._reading(consumer)


def _in_one_row(shape: tuple[int, ...], steps: tuple[int, ...]) -> bool:
    """Return whether numbers lie one after the other."""
    pairs = zip(shape, steps, row_major(shape), strict=True)
    return all(step == expected for length, step, expected in pairs if length > 1)


def _cut(
    index: Any, shape: tuple[int, ...], steps: tuple[int, ...]
) -> tuple[int, tuple[int, ...]]:
    """Return where ``x[index]`` begins and how far its axes are apart."""
    index = index if isinstance(index, tuple) else (index,)
    used = sum(1 for i in index if i is not None and i is not Ellipsis)
    if not any(i is Ellipsis for i in index):
        index = (*index, Ellipsis)
    offset, axis, found = 0, 0, []
    for item in index:
        if item is None:
            found.append(0)
        elif item is Ellipsis:
            rest = len(shape) - used
            found += steps[axis : axis + rest]
            axis += rest
        elif isinstance(item, slice):
            start, _, step = item.indices(shape[axis])
            offset += start * steps[axis]
            found.append(step * steps[axis])
            axis += 1
        else:
            offset += (item % shape[axis]) * steps[axis]
            axis += 1
    return offset, tuple(found)


def must_be_finite(name: str, values: NDArray[Any]) -> None:
    """Raise `ConfigurationError` if a network holds numbers that are none.

    Parameters
    ----------
    name : str
        What they are called.
    values : ndarray
        The numbers.
    """
    if values.dtype.kind == "f" and not np.isfinite(values).all():
        raise ConfigurationError(
            f"{name} holds NaN or infinities, so there is nothing to export: train "
            "again, with a smaller learning rate or clip_norm."
        )
