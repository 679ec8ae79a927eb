"""Writes the loops of one layer: which variables, which reads, in which order."""

import math
from collections import ChainMap
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pellucid.errors import ConfigurationError
from pellucid.export.formulas import as_kind, elementwise
from pellucid.export.identifiers import Identifiers
from pellucid.export.loop_bodies import (
    AT_A_PLACE,
    WHOLE,
    At,
    axis_names,
    copy,
    quantize_loop,
)
from pellucid.export.loop_merging import hoisted, merged
from pellucid.export.loop_plan import at_one, row_major
from pellucid.export.loops import (
    SMALL_INTEGER,
    Array,
    Assign,
    Expression,
    For,
    Function,
    Index,
    Let,
    Local,
    Number,
    Place,
    Read,
    Statement,
    Write,
)
from pellucid.symbol import BOOL, FLOAT, INTEGER, Symbol

if TYPE_CHECKING:
    from pellucid.export.lowering import Lowering


@dataclass
class Scope:
    """The body of a loop while it is written.

    Parameters
    ----------
    writer : Writer
        Of the function.
    body : list of Statement
        What is written.
    known : ChainMap
        The values that are computed here already, by node and place; those of the loops
        around it count as well.
    loops : tuple of str
        The variables of the loops around it.
    """

    writer: "Writer"
    body: list[Statement]
    known: ChainMap[Any, Expression]
    loops: tuple[str, ...] = ()

    def let(self, name: str, value: Expression, changes: bool = False) -> Local:
        """Note a new local variable and return it.

        Parameters
        ----------
        name : str
            What it should be called.
        value : Expression
            What it is at first.
        changes : bool
            Whether it will be assigned again.

        Returns
        -------
        Local
        """
        local = Local(self.writer.locals.new(name), value.kind)
        self.body.append(Let(local.name, value, changes))
        return local

    def let_whole(self, name: str, value: Expression) -> str:
        """Note a value as a local whole number, and return its name, for an index."""
        return self.let(name, value).name

    def assign(self, local: Expression, value: Expression) -> None:
        """Note that a local variable gets another value."""
        assert isinstance(local, Local)
        self.body.append(Assign(local.name, value))

    def write(
        self, array: Array, index: Index, value: Expression, adds: bool = False
    ) -> None:
        """Note that a number of an array is set.

        Parameters
        ----------
        array : Array
            Which.
        index : Index
            Where in it.
        value : Expression
            The number.
        adds : bool
            Whether it is added to what is there.
        """
        self.body.append(Write(array, index, value, adds))

    def loop(self, name: str, length: int, label: str) -> tuple["Scope", Index]:
        """Note a loop; a single round needs none.

        Parameters
        ----------
        name : str
            What its variable should be called.
        length : int
            How often.
        label : str
            What the length is called.

        Returns
        -------
        scope : Scope
            Of its body.
        index : Index
            Its variable.
        """
        if length == 1:
            return self, Index()
        while name in self.loops:
            name = 2 * name if len(name) == 1 else f"{name}_in"
        body: list[Statement] = []
        self.body.append(For(name, length, label, body))
        inner = Scope(self.writer, body, self.known.new_child(), (*self.loops, name))
        return inner, Index(((name, 1),))

    def place(
        self, name: str, index: Index, length: int, label: str, checked: bool
    ) -> Index:
        """Note a place along an axis.

        Parameters
        ----------
        name : str
            What it should be called.
        index : Index
            Where it is.
        length : int
            Length of the axis.
        label : str
            What the length is called.
        checked : bool
            Whether it may lie outside; the loop then goes on to the next.

        Returns
        -------
        Index
            The place by its name.
        """
        name = self.writer.locals.new(name)
        self.body.append(Place(name, index, length, label, checked))
        return Index(((name, 1),))


# Names that loops and lengths have.
# fmt: off
_LOOPS = {
    "i", "j", "u", "v", "c", "f", "g", "n", "x", "ii", "jj", "uu", "vv", "cc", "ff",
    "gg", "nn", "i1", "i2", "i3", "i4", "i5", "i6", "i7", "i8", "place", "row",
    "column", "place_in", "row_in", "column_in", "size", "units", "inputs", "places",
    "rows", "columns", "channels", "filters", "groups", "length", "height", "width",
    "kernel_height", "kernel_width",
}
# fmt: on
# What a value is called that nobody gave a name.
WORDS = {"sum": "total", "max": "largest", "min": "smallest", "mean": "mean"}
WORDS |= {"exp": "e", "concatenate": "joined", "pad": "padded", "log": "logarithm"}


class Writer:
    """Writes the function of one layer.

    What is written goes through a `Scope`; bodies of operations (`loop_bodies.py`) ask
    the writer for values and the scope for variables and loops.

    Parameters
    ----------
    lowering : Lowering
        Of the network.
    function : Function
        What is filled.
    """

    def __init__(self, lowering: "Lowering", function: Function) -> None:
        self.lowering, self.plan = lowering, lowering.plan
        self.quantized = lowering.quantized
        self.function = function
        self.locals = Identifiers(_LOOPS)
        self.scalars: dict[int, Local] = {}
        self.splits: dict[Index, tuple[Index, Index]] = {}
        self._small: dict[Any, Array] = {}

    # -- loops -------------------------------------------------------------------------

    @contextmanager
    def nest(
        self,
        shape: tuple[int, ...],
        node: Symbol | None = None,
        names: list[tuple[str, str]] | None = None,
    ) -> Iterator[tuple[Scope, At]]:
        """Write loops over all places of an array, behind what is there already.

        Parameters
        ----------
        shape : tuple of int
            Of the array.
        node : Symbol, optional
            Whose value the loops compute.
        names : list of (str, str), optional
            Loop variables and the names of their lengths.

        Yields
        ------
        scope : Scope
            Of the innermost loop.
        at : tuple of Index
            The place.
        """
        body: list[Statement] = []
        scope = Scope(self, body, ChainMap())
        at: list[Index] = []
        for (name, label), length in zip(
            names or axis_names(shape), shape, strict=True
        ):
            filters = len(at) == 3 and node is not None
            groups = node.settings["groups"] if node is not None and filters else 1
            if groups > 1:
                scope, g = scope.loop("g", groups, "groups")
                scope, f = scope.loop("f", length // groups, "filters")
                index = g * (length // groups) + f
                self.splits[index] = g, f
            elif filters:
                scope, index = scope.loop("f", length, "filters")
            else:
                scope, index = scope.loop(name, length, label)
            at.append(index)
        yield scope, tuple(at)
        self.function.body += hoisted(merged(body))

    def split(self, node: Symbol, index: Index) -> tuple[Index, Index]:
        """Return the group of a filter, and its index in it; node says how many."""
        if node.settings["groups"] == 1:
            return Index(), index
        return self.splits[index]

    # -- values ------------------------------------------------------------------------

    def at(self, array: Array, at: At) -> Expression:
        """Return the number of an array at a place."""
        index = Index()
        for each, step in zip(at, row_major(array.shape), strict=True):
            index = index + each * step
        return Read(array, index)

    def read(self, value: Any, at: At) -> Expression:
        """Return the number at a place of a value that is in an array."""
        if value.id in self.plan.constants:
            array = self.lowering.constant(value)
            return array if isinstance(array, Number) else self.at(array, at)
        source, offset, steps = self.plan.view(value)
        if source.id in self.scalars:
            return self.scalars[source.id]
        index = Index(offset=offset)
        for each, step in zip(at, steps, strict=True):
            index = index + each * step
        return Read(self.lowering.arrays[source.id], index)

    def element(self, value: Any, at: At, scope: Scope) -> Expression:
        """Return a value at a place: read from an array, or computed in a scope."""
        if not isinstance(value, Symbol):
            kind = {bool: BOOL, int: INTEGER, float: FLOAT}[type(value)]
            return Number(value, kind)
        shape = at_one(value.shape)
        at = at[len(at) - len(shape) :]
        at = tuple(
            Index() if n == 1 else each for n, each in zip(shape, at, strict=True)
        )
        known = value.id in self.plan.constants or self.plan.is_array(value)
        return self.read(value, at) if known else self.computed(value, at, scope)

    def computed(self, node: Symbol, at: At, scope: Scope) -> Expression:
        """Return a node at a place, as a variable of the scope if it is used again."""
        key = (node.id, at)
        if key not in scope.known:
            made = self.compute(node, at, scope)
            simple = isinstance(made, Local | Number | Read)
            if node.label or len(self.plan.consumers[node.id]) > 1:
                made = made if simple else scope.let(self.word(node), made)
            scope.known[key] = made
        return scope.known[key]

    def compute(self, node: Symbol, at: At, scope: Scope) -> Expression:
        """Return what the operation of a node gives at a place, within a scope."""
        operation = node.operation
        if operation.group == "elementwise":
            given = [self.element(v, at, scope) for v in node.inputs]
            return elementwise(node, given)
        body = AT_A_PLACE.get(operation.name)
        if body is None:
            raise ConfigurationError(
                f"Layer {node.layer!r} uses {operation.name}, which has no code in "
                "other languages; pellucid.ops says what each operation does."
            )
        return body(self, node, at, scope)

    def word(self, node: Symbol) -> str:
        """Return what a node is called within its function."""
        heard = self.lowering.words.get(node.id, "")
        return node.label or heard or WORDS.get(node.operation.name, "t")

    # -- small integers ----------------------------------------------------------------

    def small_inputs(self, node: Symbol) -> Array:
        """Return the inputs of a node, a product, as small integers."""
        x, scale = node.inputs[0], self.quantized[node.id].input_scale
        if (x.id, scale) not in self._small:
            name = self.locals.new("x_small")
            array = Array(
                self.lowering.names.new(f"{self.function.name}_{name}"),
                at_one(x.shape),
                SMALL_INTEGER,
            )
            self.function.names[array] = name
            self._small[x.id, scale] = array
            quantize_loop(self, x, scale, array)
        return self._small[x.id, scale]

    def small_weights(self, node: Symbol) -> Array:
        """Return the weights of a node, a product, as small integers."""
        found = self.quantized[node.id]
        return self.lowering.fixed(node.inputs[1], "", found.weights, SMALL_INTEGER)

    def scales(self, node: Symbol) -> Array:
        """Return what 1 stands for in the totals of a node, for each channel."""
        found = self.quantized[node.id]
        return self.lowering.fixed(node.inputs[1], "scale", found.scales, FLOAT)

    # -- the whole function ------------------------------------------------------------

    def root(self, node: Symbol) -> None:
        """Write the loop that computes a root, the value of a node."""
        whole = WHOLE.get(node.operation.name)
        shape = at_one(node.shape)
        if math.prod(shape) == 1 and self.lowering.is_local(node):
            body: list[Statement] = []
            scope = Scope(self, body, ChainMap())
            made = self.compute(node, (Index(),) * len(shape), scope)
            if not isinstance(made, Local):
                made = scope.let(self.word(node), made)
            self.scalars[node.id] = made
            self.function.body += merged(body)
            return
        array = self.lowering.array_of(node, self)
        if whole is not None:
            whole(self, node, array)
        elif node.id in self.plan.copies:
            copy(self, node.inputs[0], array)
        else:
            self._each(node, array)

    def _each(self, node: Symbol, array: Array) -> None:
        """Write the loop over all numbers of an array."""
        shape = at_one(node.shape)
        with self.nest(shape, self._convolution(node)) as (scope, at):
            given = node.operation.group in ("leaf", "alias")
            given = given or node.id in self.plan.constants
            made = self.read(node, at) if given else self.compute(node, at, scope)
            index = Index()
            for each, step in zip(at, row_major(shape), strict=True):
                index = index + each * step
            scope.write(array, index, as_kind(made, array.kind))

    def _convolution(self, node: Symbol) -> Symbol | None:
        """Return the convolution that is computed in the loop of a root, if any."""
        if node.operation.name == "convolve":
            return node
        if node.operation.group != "elementwise":
            return None
        for value in node.inputs:
            inside = isinstance(value, Symbol) and value.id not in self.plan.constants
            if inside and not self.plan.is_array(value):
                found = self._convolution(value)
                if found is not None:
                    return found
        return None
