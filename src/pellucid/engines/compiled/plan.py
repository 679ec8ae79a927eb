"""From a Program to a plan: which operations share a loop, and in which order.

Everything here is pure bookkeeping on Symbols. Every array is seen as a matrix of
(rows, columns): the product of its leading axes, and its last axis. A vector with one
entry a sample is (n, 1), any other vector (1, length), a scalar (1, 1).

A plan is a list of steps. A `Loop` is a fused elementwise kernel, printed from its
operations; a `Call` is one of the hand-written kernels. The one rule of fusion: walk
the operations in order and let elementwise ones wait; when something needs a value (a
reduction, a call, an output), place the whole waiting tree below it as a unit, in the
first loop over the same space that comes late enough. Nothing is computed before it is
needed.
"""

import math
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from pellucid import ops
from pellucid.convolution import Window
from pellucid.engines.compiled.pixels import with_pixels
from pellucid.engines.compiled.rewriting import rewritten
from pellucid.ops import text
from pellucid.program import Program
from pellucid.symbol import BOOL, FLOAT, INTEGER, NUMBER, VOCABULARY, Dim, Symbol, Trace

Extent = tuple[int, bool]  # a factor, and whether the batch size multiplies it
Space = tuple[Extent, int]  # rows and columns

ONE: Extent = (1, False)


class UnsupportedError(Exception):
    """A Program that the compiled engine cannot run; the readable one can."""


def extent(length: Any) -> Extent:
    """Return a length as a factor and whether the batch size multiplies it.

    Parameters
    ----------
    length : int or Dim
        Length of an axis.

    Returns
    -------
    tuple of (int, bool)
    """
    return (length.factor, True) if isinstance(length, Dim) else (int(length), False)


def cut(shape: tuple[Any, ...], split: int) -> Space:
    """Return a shape as rows, its axes before the split, and columns.

    Parameters
    ----------
    shape : tuple
        Of integers and Dims.
    split : int
        How many axes are rows.

    Returns
    -------
    Space
    """
    factors = [extent(length) for length in shape[:split]]
    if sum(scaled for _, scaled in factors) > 1:
        raise UnsupportedError("an array with the batch size in two axes")
    columns = [extent(length) for length in shape[split:]]
    if any(scaled for _, scaled in columns):
        raise UnsupportedError("an array whose last axis is the batch")
    rows = (math.prod(f for f, _ in factors), any(scaled for _, scaled in factors))
    return rows, math.prod(f for f, _ in columns)


def space_of(shape: tuple[Any, ...]) -> Space:
    """Return a shape as rows and columns.

    Parameters
    ----------
    shape : tuple
        Of integers and Dims.

    Returns
    -------
    Space
    """
    if len(shape) == 1:
        return cut(shape, int(isinstance(shape[0], Dim)))
    return cut(shape, max(0, len(shape) - 1))


def own_class(shape: tuple[Any, ...], space: Space) -> str:
    """Return what a value of a shape is in a loop over a space.

    Parameters
    ----------
    shape : tuple
        Of integers and Dims.
    space : Space
        What is looped over.

    Returns
    -------
    str
        ``"rc"`` (one for each row and column), ``"r"`` (one a row), ``""`` (neither).
    """
    if any(_cut_or_none(shape, split) == space for split in range(len(shape) + 1)):
        return "rc"
    return "r" if _splits_a_row(shape, space) else ""


def seen_as(shape: tuple[Any, ...], by: tuple[Any, ...], space: Space) -> str:
    """Return how an operation of a loop sees an input that is broadcast to its shape.

    Parameters
    ----------
    shape, by : tuple
        Shape of the input, and of the operation.
    space : Space
        What is looped over.

    Returns
    -------
    str
        ``"rc"``, ``"r"``, ``"c"`` (one a column), ``"s"`` (one number), or ``""`` if it
        is none of these.
    """
    once_a_row = own_class(by, space) == "r"
    padded = (1,) * (len(by) - len(shape)) + tuple(shape)
    for split in _splits_a_row(by, space) if once_a_row else range(len(by) + 1):
        if not once_a_row and _cut_or_none(by, split) != space:
            continue
        left, right = padded[:split] == by[:split], padded[split:] == by[split:]
        if not left and any(length != 1 for length in padded[:split]):
            continue
        if not right and any(length != 1 for length in padded[split:]):
            continue
        if left and right:
            return "r" if once_a_row else "rc"
        if left:
            return "r"
        return "c" if right and space[1] > 1 and not once_a_row else "s"
    return ""


def _cut_or_none(shape: tuple[Any, ...], split: int) -> Space | None:
    try:
        return cut(shape, split)
    except UnsupportedError:
        return None


def _splits_a_row(shape: tuple[Any, ...], space: Space) -> list[int]:
    """Return after how many axes a shape is over the rows, and over them alone."""
    every = range(len(shape) + 1)
    return [split for split in every if _cut_or_none(shape, split) == (space[0], 1)]


def is_alias(node: Symbol) -> bool:
    """Return whether a Symbol is the same numbers in memory under another shape.

    Parameters
    ----------
    node : Symbol
        Any.

    Returns
    -------
    bool
    """
    name = node.operation.name
    if name in ("reshape", "positive"):
        return True
    if name == "transpose":
        axes = node.settings["axes"]
        axes = range(node.ndim)[::-1] if axes is None else axes
        return [axis % node.ndim for axis in axes] == list(range(node.ndim))
    if name != "slice":
        return False
    index = node.settings["index"]
    parts = index if isinstance(index, tuple) else (index,)
    source = node.inputs[0].shape
    axis = 0
    for part in parts:
        if part is None:
            continue
        if part is Ellipsis:
            axis = len(source) - sum(1 for p in parts if p not in (None, Ellipsis))
            continue
        whole = isinstance(part, slice) and part == slice(None)
        if not whole and not (isinstance(part, int) and source[axis] == 1):
            return False
        axis += 1
    return True


def is_turned(value: Symbol, by: Symbol) -> bool:
    """Return whether an input is a transpose that a product reads for itself.

    Parameters
    ----------
    value, by : Symbol
        The input, and the operation that reads it.

    Returns
    -------
    bool
    """
    transposed = value.operation.name == "transpose" and not is_alias(value)
    return transposed and by.operation.name == "matmul"


def stored_as(node: Symbol) -> Symbol:
    """Return the Symbol whose memory a Symbol is.

    Parameters
    ----------
    node : Symbol
        Any.

    Returns
    -------
    Symbol
    """
    while is_alias(node):
        node = node.inputs[0]
    return node


def reduction_axis(node: Symbol) -> str:
    """Return what a reduction is over: ``"columns"``, ``"rows"`` or ``"all"``.

    Parameters
    ----------
    node : Symbol
        A reduction.

    Returns
    -------
    str
    """
    source, axes = node.inputs[0], node.settings["axis"]
    if len(axes) == source.ndim:
        return "columns" if space_of(source.shape)[0] == ONE else "all"
    if axes == (source.ndim - 1,) or axes == tuple(range(1, source.ndim)):
        return "columns"
    return "rows"


def is_over_places(node: Symbol) -> bool:
    """Return whether an operation reduces all between samples and channels.

    Parameters
    ----------
    node : Symbol
        Any operation.

    Returns
    -------
    bool
    """
    if node.operation.group != "reduction":
        return False
    between = tuple(range(1, node.inputs[0].ndim - 1))
    return bool(between) and node.settings["axis"] == between


def is_sum_of_stored(node: Symbol, stored: set[int]) -> bool:
    """Return whether an operation adds up all samples and places of what is in memory.

    Parameters
    ----------
    node : Symbol
        Any operation.
    stored : set of int
        Ids of the nodes that are in memory.

    Returns
    -------
    bool
    """
    if node.operation.name != "sum" or stored_as(node.inputs[0]).id not in stored:
        return False
    source = node.inputs[0]
    own = source.ndim > 2 and isinstance(source.shape[0], Dim)
    return own and node.settings["axis"] == tuple(range(source.ndim - 1))


def _read_by_kernels(program: Program) -> set[int]:
    """Return the ids of what hand-written kernels read, and so is in memory."""
    return {
        stored_as(value).id
        for node in program.operations
        if node.operation.group == "structural"
        for value in node.inputs
        if isinstance(value, Symbol)
    }


def loop_space(node: Symbol) -> Space:
    """Return the space that an operation loops over.

    Parameters
    ----------
    node : Symbol
        An elementwise operation or a reduction.

    Returns
    -------
    Space
    """
    if node.operation.group == "reduction":
        source, axes = node.inputs[0], node.settings["axis"]
        if source.ndim > 2 and axes == tuple(range(1, source.ndim)):
            return cut(source.shape, 1)
        return space_of(source.shape)
    usual = space_of(node.shape)
    others = (_cut_or_none(node.shape, split) for split in range(1, node.ndim - 1))
    found = (space for space in (usual, *others) if space and fits(node, space))
    space = next(found, None)
    if space is None:
        shapes = (v.shape for v in node.inputs if isinstance(v, Symbol))
        raise UnsupportedError(
            f"{node.operation.name} of {' and '.join(map(text, shapes))}"
        )
    return space


def fits(node: Symbol, space: Space) -> bool:
    """Return whether an elementwise operation can be part of a loop over a space.

    Parameters
    ----------
    node : Symbol
        The operation.
    space : Space
        What is looped over.

    Returns
    -------
    bool
    """
    return bool(own_class(node.shape, space)) and all(
        seen_as(value.shape, node.shape, space)
        for value in node.inputs
        if isinstance(value, Symbol) and value.kind != NUMBER
    )


# An operation of so little work is done again where it is needed again: a sum is
# quicker than a trip to memory. A tree of more operations than this is kept.
CHEAP_WORK, CHEAP_TREE = 2, 8


def unshared(program: Program) -> Program:
    """Return the Program with a copy of cheap operations for each of their users.

    Tracing makes equal calls one; here the cheap ones become many again, so that a
    value such as ``z = t + b`` need not be kept from the forward for the backward pass.

    Parameters
    ----------
    program : Program
        As it was written down.

    Returns
    -------
    Program
    """
    trace = Trace()
    made: dict[int, Symbol] = {}
    outputs = {symbol.id for symbol in program.outputs.values()}
    stored = _read_by_kernels(program)

    def again(node: Symbol, inputs: tuple[Any, ...]) -> Symbol:
        trace.layer = node.layer
        if node.operation.name == "full_like":
            inputs = ()  # it asked for the shape only
        if node.operation.group == "elementwise":
            inputs = tuple(at_all_places(value, node) for value in inputs)
        copy = Symbol(
            trace, node.operation, inputs, node.settings, node.shape, node.kind
        )
        copy.label = node.label
        return copy

    def cheap(node: Symbol) -> bool:
        if node.kind == NUMBER:
            return False
        light = (
            node.operation.group == "elementwise" and node.operation.work <= CHEAP_WORK
        )
        return (light or is_alias(node)) and node.id not in outputs

    sizes: dict[int, int] = {}
    for node in program.operations:
        if cheap(node):
            inner = (v.id for v in node.inputs if isinstance(v, Symbol))
            sizes[node.id] = min(99, 1 + sum(sizes.get(i, 0) for i in inner))

    def at_all_places(value: Any, by: Symbol) -> Any:
        """Return a value of each sample and channel at all places, to meet images.

        A loop has rows and columns, and such a value is neither one a row nor a column.
        """
        if not isinstance(value, Symbol) or not _is_of_all_places(value, by):
            return value
        n, *size, channels = by.shape
        pixels = math.prod(size)
        row, how = VOCABULARY[ops.spread_windows], Window((1, pixels))
        reshape = VOCABULARY[np.reshape]
        one = trace.call(reshape, (value,), shape=(n, 1, 1, channels))
        each = trace.call(row, (one,), window=how, size=(1, pixels))
        return trace.call(reshape, (each,), shape=by.shape)

    def kept(value: Any) -> Any:
        """Return the one copy of a value for those who read it from memory."""
        if not isinstance(value, Symbol):
            return value
        if value.id not in made:
            made[value.id] = again(value, tuple(map(reader(value), value.inputs)))
        return made[value.id]

    def reader(node: Symbol) -> Any:
        """Return how the inputs of an operation are read: from memory, or made again.

        What is made again may differ in its last bit, and is then not the largest.
        """
        same = node.operation.name in ("equal", "not_equal")
        numbers = all(getattr(value, "kind", "") == FLOAT for value in node.inputs)
        kernel = node.operation.group in ("structural", "alias")
        whole = kernel or is_sum_of_stored(node, stored)
        return kept if whole or (same and numbers) else fresh

    def fresh(value: Any) -> Any:
        """Return a copy of its own of a cheap value, or the one copy."""
        if isinstance(value, Symbol) and sizes.get(value.id, 99) <= CHEAP_TREE:
            return again(value, tuple(map(reader(value), value.inputs)))
        return kept(value)

    for node in program.operations:
        if sizes.get(node.id, 99) > CHEAP_TREE:
            kept(node)
    trace.outputs = {place: kept(symbol) for place, symbol in program.outputs.items()}
    return Program(program.name, trace)


def _is_of_all_places(value: Symbol, by: Symbol) -> bool:
    """Return whether a value is one a sample and channel, and `by` has places."""
    shape, n = by.shape, by.ndim
    if n < 3 or value.kind != FLOAT or value.shape == shape:
        return False
    padded = (1,) * (n - value.ndim) + tuple(value.shape)
    return (
        isinstance(shape[0], Dim)
        and padded[0] == shape[0]
        and padded[-1] == shape[-1] != 1
        and all(length == 1 for length in padded[1:-1])
    )


# A function of so much work is slow in a loop over fewer columns than this, too few to
# fill a vector: it gets a loop of its own there, one long loop over rows and columns.
COSTLY_WORK, FEW_COLUMNS = 10, 16

# Of so many operations at most a waiting tree is made, and a loop: the compiler's time
# grows faster than their number.
LONGEST_TREE, LONGEST_LOOP = 64, 128


@dataclass(eq=False)
class Loop:
    """Operations that share one loop over rows and columns.

    Parameters
    ----------
    space : Space
        What is looped over.
    long : bool
        Whether it is only for costly functions over few columns.
    nodes : list of Symbol
        In an order in which they can be computed.
    """

    space: Space
    long: bool = False
    nodes: list[Symbol] = field(default_factory=list)

    def accepts(self, other: "Loop") -> bool:
        """Return whether the operations of another loop can be part of this one.

        Parameters
        ----------
        other : Loop
            Any.

        Returns
        -------
        bool
        """
        short = len(self.nodes) + len(other.nodes) <= LONGEST_LOOP
        return short and self.space == other.space and self.long == other.long


@dataclass(eq=False)
class Call:
    """One hand-written kernel.

    Attributes
    ----------
    node : Symbol
        The operation.
    """

    node: Symbol

    @property
    def nodes(self) -> list[Symbol]:
        """The operation, as the only one."""
        return [self.node]

    def accepts(self, other: "Loop") -> bool:
        """Return that it takes no other, see `Loop.accepts`."""
        return False


@dataclass
class Plan:
    """What an engine carries out, in order.

    Attributes
    ----------
    program : Program
        What it was made from.
    steps : list of Loop or Call
        In order.
    stored : set of int
        Ids of the nodes that live in memory: read by another step, or an output.
    """

    program: Program
    steps: list[Loop | Call]
    stored: set[int]


class Planner:
    """Makes the plan of a Program.

    Parameters
    ----------
    program : Program
        What to plan.
    """

    def __init__(self, program: Program) -> None:
        self.program = unshared(with_pixels(rewritten(program)))
        self.steps: list[Loop | Call] = []
        self.position: dict[int, int] = {}  # node id -> step that computes it
        self.stored: set[int] = set()
        self.below: dict[int, set[int]] = {}  # node id -> what waits to be part of it
        self.read_by_kernels = _read_by_kernels(self.program)

    def plan(self) -> Plan:
        """Return the plan.

        Returns
        -------
        Plan
        """
        outputs = [stored_as(symbol) for symbol in self.program.outputs.values()]
        for node in self.program.operations:
            if is_alias(node) or node.kind == NUMBER:
                continue
            kernel = node.operation.group == "structural" or is_over_places(node)
            if kernel or is_sum_of_stored(node, self.read_by_kernels):
                self._call(node)
            elif node.operation.name == "transpose" or node.operation.name == "slice":
                self._copy_if_needed(node)
            elif node.operation.group == "reduction" or self._is_long_tree(node):
                self._place(node)
        for node in outputs:
            if node.operation.group != "leaf" and node.id not in self.position:
                self._place(node)
            self.stored.add(node.id)
        for step in self.steps:
            if isinstance(step, Loop):
                step.nodes.sort(key=lambda node: node.id)
        return Plan(self.program, self.steps, self.stored)

    def _is_long_tree(self, node: Symbol) -> bool:
        """Return whether so much waits for a node that it is better placed now."""
        below = {node.id}
        for value in node.inputs:
            if isinstance(value, Symbol):
                below |= self.below.get(stored_as(value).id, set())
        self.below[node.id] = below - self.position.keys()
        return len(self.below[node.id]) > LONGEST_TREE

    # -- hand-written kernels ----------------------------------------------------------

    def _call(self, node: Symbol) -> None:
        for value in node.inputs:
            if isinstance(value, Symbol):
                self._store(value.inputs[0] if is_turned(value, node) else value)
        self.position[node.id] = len(self.steps)
        self.stored.add(node.id)
        self.steps.append(Call(node))

    def _copy_if_needed(self, node: Symbol) -> None:
        """Plan a copy for a transpose or a slice, unless only products read it."""
        users = [
            user
            for user in self.program.operations
            if any(value is node for value in user.inputs)
        ]
        transposed = node.operation.name == "transpose"
        if transposed and node.ndim != 2:
            raise UnsupportedError("a transpose of more than two axes")
        is_output = any(symbol is node for symbol in self.program.outputs.values())
        products = all(user.operation.name == "matmul" for user in users)
        if not (transposed and products and not is_output):
            if transposed and isinstance(node.shape[-1], Dim):
                raise UnsupportedError(
                    "a transpose that is not part of a matrix product"
                )
            self._call(node)

    def _store(self, node: Symbol) -> None:
        """See to it that a value is in memory."""
        source = stored_as(node)
        if source.operation.group != "leaf" and source.id not in self.position:
            self._place(source)
        self.stored.add(source.id)

    # -- fused loops -------------------------------------------------------------------

    def _place(self, sink: Symbol) -> None:
        space = loop_space(sink)
        loop = Loop(space, _is_apart(sink, space))
        earliest = self._gather(sink, loop)
        tree = loop.nodes
        position = earliest
        while position < len(self.steps) and not self.steps[position].accepts(loop):
            position += 1
        if position == len(self.steps):
            self.steps.append(loop)
        else:
            self.steps[position].nodes.extend(tree)
        for node in tree:
            self.position[node.id] = position
        for node in tree:
            self._store_what_comes_from_elsewhere(node, position)

    def _gather(self, node: Symbol, loop: Loop) -> int:
        """Collect the waiting nodes below a sink; return their earliest place."""
        earliest, space = 0, loop.space
        for value in node.inputs:
            if not isinstance(value, Symbol) or value.kind == NUMBER:
                continue
            source = stored_as(value)
            if source.operation.group == "leaf":
                continue
            as_it_is = _class_in(source, space) == _seen_by(node, value, space)
            if any(source is other for other in loop.nodes):
                if not as_it_is:
                    raise UnsupportedError("a value that one formula sees in two ways")
                continue
            if source.id not in self.position:
                if as_it_is and _can_join(source, loop):
                    earliest = max(earliest, self._gather(source, loop))
                    continue
                self._place(source)
            earliest = max(earliest, self._after(source, loop, as_it_is))
        loop.nodes.append(node)
        return earliest

    def _after(self, source: Symbol, loop: Loop, as_it_is: bool) -> int:
        """Return the first step that can read a value that has its place."""
        position = self.position[source.id]
        step = self.steps[position]
        if (
            not isinstance(step, Loop)
            or not step.accepts(loop)
            or is_late(source, step)
        ):
            return position + 1
        # Seen in another arrangement, it must be in memory first.
        return position + (not as_it_is)

    def _store_what_comes_from_elsewhere(self, node: Symbol, position: int) -> None:
        for value in node.inputs:
            if isinstance(value, Symbol) and value.kind != NUMBER:
                source = stored_as(value)
                leaf = source.operation.group == "leaf"
                if not leaf and self.position[source.id] != position:
                    self.stored.add(source.id)


def _waits(node: Symbol) -> bool:
    return node.operation.group in ("elementwise", "random")


def _can_join(node: Symbol, loop: Loop) -> bool:
    """Return whether a waiting node can be computed in a loop that needs it."""
    if not _waits(node) or not fits(node, loop.space) or _is_apart(node, loop.space):
        return False
    return not loop.long or _is_long(node, loop.space)


def _is_apart(node: Symbol, space: Space) -> bool:
    """Return whether a node gets a loop of its own, see `COSTLY_WORK`."""
    if not _waits(node) or node.operation.work < COSTLY_WORK:
        return False
    once_a_row = own_class(node.shape, space) == "r"
    few = space[0] != ONE and 1 < space[1] < FEW_COLUMNS
    return few and (once_a_row or _is_long(node, space))


def _is_long(node: Symbol, space: Space) -> bool:
    """Return whether a node can be computed in one loop over rows and columns."""
    return own_class(node.shape, space) == "rc" and all(
        seen_as(value.shape, node.shape, space) in ("rc", "s")
        for value in node.inputs
        if isinstance(value, Symbol) and value.kind != NUMBER
    )


def _class_in(node: Symbol, space: Space) -> str:
    """Return what a value is in a loop over a space that computes it."""
    if node.operation.group != "reduction":
        return own_class(node.shape, space)
    return "rc" if space[1] == 1 else "r"


def _seen_by(node: Symbol, value: Symbol, space: Space) -> str:
    """Return how a node of a loop sees an input; a reduction sees all of it."""
    if node.operation.group == "reduction":
        return "rc"
    return seen_as(value.shape, node.shape, space)


def is_late(node: Symbol, loop: Loop) -> bool:
    """Return whether a value is complete only when its loop has ended.

    Parameters
    ----------
    node : Symbol
        Computed in the loop.
    loop : Loop
        The loop.

    Returns
    -------
    bool
    """
    if node.operation.group != "reduction":
        return False
    if reduction_axis(node) != "columns":
        return True
    return space_of(node.shape) != (loop.space[0], 1)


def kind_letter(node: Symbol) -> str:
    """Return the kind of a value: ``f`` float, ``i`` integer, ``b`` condition.

    Parameters
    ----------
    node : Symbol
        Any value with an address.

    Returns
    -------
    str
    """
    return {INTEGER: "i", BOOL: "b"}.get(node.kind, "f")
