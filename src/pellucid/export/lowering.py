"""From a network to functions of loops: one function a layer, and their order."""

import math
from collections import ChainMap
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from pellucid import tracing
from pellucid.activations import Activation, Joint
from pellucid.errors import ConfigurationError
from pellucid.export.identifiers import Identifiers
from pellucid.export.loop_bodies import AT_A_PLACE, WHOLE, At, copy, quantize_loop
from pellucid.export.loop_plan import LoopPlan, at_one, must_be_finite, row_major
from pellucid.export.loops import (
    SMALL_INTEGER,
    Apply,
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
    merged,
    reads,
    writes,
)
from pellucid.layers.inputs import Input
from pellucid.layout import Windows
from pellucid.symbol import BOOL, FLOAT, INTEGER, Symbol

if TYPE_CHECKING:
    from pellucid.export.quantization import Quantized
    from pellucid.layer import Layer
    from pellucid.network import NeuralNetwork


@dataclass
class LoweredNetwork:
    """A prediction as functions that are called one after the other.

    Attributes
    ----------
    inputs : dict of str to Array
        What is given, by its name in the network.
    output : Array
        What comes out.
    functions : list of Function
        In order; each reads what was given and what those before it wrote.
    limits : dict of str to int
        For inputs of whole numbers that choose: how many choices there are.
    meaning : str
        What the output is, in words.
    """

    inputs: dict[str, Array]
    output: Array
    functions: list[Function]
    limits: dict[str, int]
    meaning: str

    @property
    def constants(self) -> list[Array]:
        """All arrays of fixed numbers, in the order of their use."""
        return list(dict.fromkeys(a for f in self.functions for a in f.constants))


@dataclass
class Scope:
    """The body of a loop while it is written."""

    writer: "Writer"
    body: list[Statement]
    known: ChainMap[Any, Expression]
    loops: tuple[str, ...] = ()

    def let(self, name: str, value: Expression, changes: bool = False) -> Local:
        """Note a new local variable and return it."""
        local = Local(self.writer.locals.new(name), value.kind)
        self.body.append(Let(local.name, value, changes))
        return local

    def let_whole(self, name: str, value: Expression) -> str:
        """Note a local whole number, and return its name, for an index."""
        return self.let(name, value).name

    def assign(self, local: Expression, value: Expression) -> None:
        """Note that a local variable gets another value."""
        assert isinstance(local, Local)
        self.body.append(Assign(local.name, value))

    def write(
        self, array: Array, index: Index, value: Expression, adds: bool = False
    ) -> None:
        """Note that a number of an array is set or added to."""
        self.body.append(Write(array, index, value, adds))

    def loop(self, name: str, length: int, label: str) -> tuple["Scope", Index]:
        """Note a loop; return its scope and its variable. None for a single round."""
        if length == 1:
            return self, Index()
        while name in self.loops:
            name += name[-1]
        body: list[Statement] = []
        self.body.append(For(name, length, label, body))
        inner = Scope(self.writer, body, self.known.new_child(), (*self.loops, name))
        return inner, Index(((name, 1),))

    def place(
        self, name: str, index: Index, length: int, label: str, checked: bool
    ) -> Index:
        """Note a place along an axis, and return it as an index."""
        name = self.writer.locals.new(name)
        self.body.append(Place(name, index, length, label, checked))
        return Index(((name, 1),))


# Loop variables and what their lengths are called, for samples of 1, 2 and 3 axes.
_NAMES = {
    1: [("j", "units")],
    2: [("place", "places"), ("c", "channels")],
    3: [("row", "rows"), ("column", "columns"), ("c", "channels")],
}
_LOOPS = {"i", "j", "k", "h", "u", "v", "c", "f", "g", "place", "row", "column"}
_LOOPS |= {"units", "places", "channels", "rows", "columns", "filters", "size"}
_LOOPS |= {"inputs", "height", "width", "kernel_height", "kernel_width", "groups"}
_LOOPS |= {"length", "x"}
# What a value is called that nobody gave a name.
_WORDS = {"sum": "total", "max": "largest", "min": "smallest", "mean": "mean"}
_WORDS |= {"exp": "e", "concatenate": "joined", "pad": "padded", "log": "logarithm"}


class Writer:
    """Writes the function of one layer.

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
        self, shape: tuple[int, ...], node: Symbol | None = None
    ) -> Iterator[tuple[Scope, At]]:
        """Write loops over all places of an array, behind what is there already.

        Parameters
        ----------
        shape : tuple of int
            Of the array.
        node : Symbol, optional
            Whose value the loops compute.

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
        for (name, label), length in zip(axis_names(shape), shape, strict=True):
            filters = len(at) == 3 and node is not None
            groups = node.settings["groups"] if filters and node is not None else 1
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
        self.function.body += merged(body)

    def axes(self, shape: tuple[int, ...]) -> list[tuple[str, str]]:
        """Return a loop variable and the name of the length for each axis."""
        return axis_names(shape)

    def split(self, node: Symbol, index: Index) -> tuple[Index, Index]:
        """Return the group and the place in it of a filter."""
        if node.settings["groups"] == 1:
            return Index(), index
        return self.splits[index]

    # -- values ------------------------------------------------------------------------

    def at(self, array: Array, at: At) -> Expression:
        """Return the number of an array at a place; one axis of length 1 has no name."""
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
        """Return one number of a value, computed here unless it is in an array."""
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
        """Return one number of what an operation gives, as a variable if it is used."""
        key = (node.id, at)
        if key not in scope.known:
            made = self.compute(node, at, scope)
            simple = isinstance(made, Local | Number | Read)
            if node.label or len(self.plan.consumers[node.id]) > 1:
                made = made if simple else scope.let(self.word(node), made)
            scope.known[key] = made
        return scope.known[key]

    def compute(self, node: Symbol, at: At, scope: Scope) -> Expression:
        """Return one number of what an operation gives."""
        operation = node.operation
        if operation.group == "elementwise":
            given = [self.element(v, at, scope) for v in node.inputs]
            return _elementwise(node, given)
        body = AT_A_PLACE.get(operation.name)
        if body is None:
            raise ConfigurationError(
                f"Layer {node.layer!r} uses {operation.name}, which has no code in "
                "other languages; pellucid.ops says what each operation does."
            )
        return body(self, node, at, scope)

    def number(self, value: Expression, kind: str) -> Expression:
        """Return a value as one of a kind."""
        return _as(value, kind)

    def word(self, node: Symbol) -> str:
        """Return what a value is called within its function."""
        return node.label or _WORDS.get(node.operation.name, "t")

    # -- small integers ----------------------------------------------------------------

    def small_inputs(self, node: Symbol) -> Array:
        """Return the inputs of a product as small integers; written once."""
        x, scale = node.inputs[0], self.quantized[node.id].input_scale
        if (x.id, scale) not in self._small:
            name = self.locals.new("small")
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
        """Return the weights of a product as small integers."""
        found = self.quantized[node.id]
        return self.lowering.fixed(node.inputs[1], "", found.weights, SMALL_INTEGER)

    def scales(self, node: Symbol) -> Array:
        """Return what 1 stands for in the total of each channel."""
        found = self.quantized[node.id]
        return self.lowering.fixed(node.inputs[1], "scale", found.scales, FLOAT)

    # -- the whole function ------------------------------------------------------------

    def root(self, node: Symbol) -> None:
        """Write the loop that computes a root."""
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
            scope.write(array, index, _as(made, array.kind))

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


def axis_names(shape: tuple[int, ...]) -> list[tuple[str, str]]:
    """Return a loop variable and the name of the length for each axis.

    Parameters
    ----------
    shape : tuple of int
        Of an array, with the axis of the batch.

    Returns
    -------
    list of (str, str)
    """
    named = _NAMES.get(len(shape) - 1)
    if named and shape[0] == 1:
        return [("n", "rows"), *named]
    if len(shape) == 1:
        return [("i", "size")]
    return [(f"i{axis + 1}", "length") for axis in range(len(shape))]


# -- formulas --------------------------------------------------------------------------

_COMPARISONS = ("greater", "greater_equal", "less", "less_equal", "equal", "not_equal")
_POWERS = {2: "square", 0.5: "sqrt", -1: "reciprocal"}


def _as(value: Expression, kind: str) -> Expression:
    """Return a value as one of a kind: conditions count as 0 and 1."""
    if value.kind == kind or kind == SMALL_INTEGER:
        return value
    if isinstance(value, Number):
        return Number(value.value, kind)
    return Apply("number", (value,), kind)


def _elementwise(node: Symbol, given: list[Expression]) -> Expression:
    """Return an elementwise operation as an expression."""
    name, kind = node.operation.name, node.kind
    if name == "astype":
        return _as(given[0], FLOAT)
    if name in _COMPARISONS:
        floats = any(each.kind == FLOAT for each in given)
        return _apply(name, [_as(each, FLOAT if floats else INTEGER) for each in given], BOOL)
    if name in ("logical_and", "logical_or", "logical_not"):
        return _apply(name, given, BOOL)
    if name == "where":
        return _apply(name, [given[0], *(_as(each, kind) for each in given[1:])], kind)
    if name == "positive":
        return given[0]
    exponent = given[1] if name == "power" else None
    if isinstance(exponent, Number) and exponent.value in _POWERS:
        return _apply(_POWERS[exponent.value], [_as(given[0], kind)], kind)
    given = [_as(each, kind) for each in given]
    if name == "clip":
        above = _apply("maximum", given[:2], kind)
        return _apply("minimum", [above, given[2]], kind)
    if name == "multiply":  # by one, which stands for a shape that was wanted
        for one, other in (given, given[::-1]):
            if isinstance(one, Number) and one.value == 1:
                return other
    if name in ("divide", "reciprocal") and _never_zero(given[-1]):
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


# -- the network -----------------------------------------------------------------------


class Lowering:
    """Turns the prediction of a network into functions.

    Parameters
    ----------
    network : NeuralNetwork
        With its numbers.
    name : str
        What the function of the whole is called.
    quantized : mapping of int to Quantized, optional
        Products that are computed with small integers, by the id of their node.
    """

    def __init__(
        self,
        network: "NeuralNetwork",
        name: str,
        quantized: "Mapping[int, Quantized] | None" = None,
    ) -> None:
        self.network, self.quantized = network, quantized or {}
        blueprint = network.blueprint
        weights = Windows(network.weights, blueprint.layout)
        for slot, values in weights.items():
            must_be_finite(slot, values)
        self.program = tracing.probabilities(blueprint)
        self.plan = LoopPlan(self.program, weights, network.dtype)
        self.names = Identifiers({name, "output"})
        self.arrays: dict[int, Array] = {}
        self.inputs: dict[str, Array] = {}
        self.short: dict[Array, str] = {}
        self._fixed: dict[Any, Array | Number] = {}
        self._declare()
        self.functions = self._functions()

    def _declare(self) -> None:
        given = self.network.blueprint.inputs
        named = {"": given} if isinstance(given, Input) else given
        for name, each in named.items():
            kind = INTEGER if each.kind == "integer" else FLOAT
            title = self.names.new(name or "x")
            self.inputs[name] = Array(title, (1, *each.shape), kind)
        for node in self.program.leaves:
            if node.settings["vector"] == "x":
                self.arrays[node.id] = self.inputs[node.settings["name"]]
        output = self.plan.output
        self.output = Array("output", at_one(output.shape), FLOAT)
        whole = output.id in self.plan.constants or output.id in self.plan.root_ids
        self._last = output if whole else self.plan.view(output)[0]

    # -- arrays ------------------------------------------------------------------------

    def is_local(self, root: Symbol) -> bool:
        """Return whether a root is needed only in the function that computes it."""
        here = {self.plan.group[root.id]}
        return root is not self._last and self.plan.readers(root) <= here

    def array_of(self, root: Symbol, writer: Writer) -> Array:
        """Return a new array for a root, which its function writes."""
        function = writer.function
        if root is self._last:
            array = self.output
        else:
            name = f"{function.name}_{writer.word(root)}"
            array = Array(self.names.new(name), at_one(root.shape), root.kind)
        if root.operation.group != "leaf" and root.id not in self.plan.constants:
            self.arrays[root.id] = array
        word = writer.word(root)
        last = word == "t" and not self.is_local(root)
        function.names[array] = writer.locals.new("y" if last else word)
        return array

    def constant(self, value: Symbol) -> Array | Number:
        """Return a value that is known: a number if it is the same everywhere."""
        values = np.asarray(self.plan.constants[value.id])
        leaf = value.operation.group == "leaf"
        uniform = values.size and (values == values.flat[0]).all()
        if not values.ndim or (uniform and not leaf):
            return Number(values.flat[0].item(), value.kind)
        return self.fixed(value, "", values, value.kind)

    def fixed(
        self, value: Symbol, word: str, values: NDArray[Any], kind: str
    ) -> Array:
        """Return the array of numbers that never change; one for each value."""
        key = (value.id, word, kind)
        if key not in self._fixed:
            name = self.program.names[value.id]
            if value.operation.group == "leaf" and value.settings["vector"] != "w":
                name = f"{value.layer or 'link'}.numbers"
            elif not value.label and value.operation.group != "leaf":
                name = f"{value.layer or 'link'}.{_WORDS.get(value.operation.name, 'k')}"
            name = f"{name}_{word}" if word else name
            array = Array(self.names.new(name), values.shape, kind, values)
            self._fixed[key], self.short[array] = array, name
        found = self._fixed[key]
        assert isinstance(found, Array)
        return found

    # -- functions ---------------------------------------------------------------------

    def _functions(self) -> list[Function]:
        functions: list[Function] = []
        groups: dict[int, list[Symbol]] = {}
        for root in self.plan.roots:
            groups.setdefault(self.plan.group[root.id], []).append(root)
        link = self.network.loss.link or "link"
        for roots in groups.values():
            layer = roots[0].layer
            function = Function(self.names.new(layer or link), layer)
            writer = Writer(self, function)
            for root in roots:
                writer.root(root)
            self._name_inputs(function, writer)
            function.words = self._words(function)
            functions.append(function)
        _sort_arrays(functions, self.output)
        return functions

    def _name_inputs(self, function: Function, writer: Writer) -> None:
        """Name what a function reads and does not write: x, where it is one array."""
        found = {read.array for read in reads(function.body)}
        order = [*self.inputs.values(), *self.arrays.values()]
        foreign = [a for a in dict.fromkeys(order) if a in found]
        foreign = [a for a in foreign if a not in function.names]
        for array in foreign:
            name = "x" if len(foreign) == 1 else writer.locals.new(array.name)
            function.names[array] = name
            function.inputs.append(array)
        for array in function.constants:
            short = self.short[array].rpartition(".")[2]
            function.names[array] = writer.locals.new(short)

    def _words(self, function: Function) -> list[str]:
        """Return what a function computes, in the words of its layer."""
        if not function.layer:
            link = Activation.of(self.network.loss.link)
            words = f"{link.label}, which the loss {self.network.loss.label!r} adds"
            return [words, *_formula(link)]
        layer = self.network.blueprint.layers[function.layer]
        plain = _as_written(layer)
        words = [f"{function.layer}: {type(plain).__name__}(...)"]
        short = repr(plain)
        if len(short) <= 66:
            words = [f"{function.layer}: {short}"]
        words += _formula(plain)
        activation = getattr(plain, "activation", None)
        if isinstance(activation, Activation) and activation.label != "identity":
            words += [f"{activation.label}: {line}" for line in _formula(activation)]
        return words

    def network_of_loops(self) -> LoweredNetwork:
        """Return the whole."""
        limits = dict(self.network.blueprint.limits)
        meaning = _meaning(self.network)
        return LoweredNetwork(
            self.inputs, self.output, self.functions, limits, meaning
        )


def lower(
    network: "NeuralNetwork",
    name: str = "predict",
    quantized: "Mapping[int, Quantized] | None" = None,
) -> LoweredNetwork:
    """Return the prediction of a network as functions of loops.

    Parameters
    ----------
    network : NeuralNetwork
        With its numbers.
    name : str
        What the function of the whole is called.
    quantized : mapping of int to Quantized, optional
        Products that are computed with small integers, by the id of their node.

    Returns
    -------
    LoweredNetwork

    Raises
    ------
    ConfigurationError
        If a layer uses an operation that has no loops, or numbers are not finite.
    """
    return Lowering(network, name, quantized).network_of_loops()


def _as_written(layer: "Layer") -> "Layer":
    """Return a layer without what joins its activation to the loss."""
    if isinstance(layer, Joint):
        inside: Layer = layer.of_activation
        return inside
    activation = getattr(layer, "activation", None)
    if isinstance(activation, Joint):
        change: Any = {"activation": activation.of_activation}
        return replace(layer, **change)
    return layer


def _formula(part: Any) -> list[str]:
    """Return the first sentence of a part's documentation, usually its formula."""
    text = (type(part).__doc__ or "").strip().partition("\n")[0]
    return [text.replace("``", "").replace("\\", "")] if text else []


def _sort_arrays(functions: list[Function], output: Array) -> None:
    """Find out what each function gives to others and what it needs alone."""
    wanted = {array for function in functions for array in function.inputs} | {output}
    for function in functions:
        for array in dict.fromkeys(write.array for write in writes(function.body)):
            (function.outputs if array in wanted else function.scratch).append(array)


def _meaning(network: "NeuralNetwork") -> str:
    """Return what comes out, in words."""
    loss = network.loss
    if loss.link == "identity" or (loss.task != "numbers" and loss.link is None):
        return "the scores, as feedforward gives them"
    if loss.task == "classes":
        return "the probability of each class, as predict_proba gives them"
    if loss.task == "labels":
        return "the probability of yes for each label, as predict_proba gives them"
    return "the outputs, as feedforward gives them" + (
        f" with {loss.link} applied, as predict does" if loss.link else ""
    )
