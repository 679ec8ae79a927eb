"""From a network to functions of loops: one function a layer, and their order.

What a network is given passes through the same form; the encoding of a table comes in
front of it, see `pellucid.export.encoder_code`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from pellucid import tracing
from pellucid.export.encoder_words import outcome
from pellucid.export.identifiers import Identifiers, shortest
from pellucid.export.layer_words import describe, has_link, meaning
from pellucid.export.loop_plan import LoopPlan, at_one, must_be_finite
from pellucid.export.loop_writer import WORDS, Writer
from pellucid.export.loops import Array, Function, Number, reads, writes
from pellucid.export.words import Words
from pellucid.layers.inputs import Input
from pellucid.layout import Windows
from pellucid.symbol import FLOAT, INTEGER, Symbol, Trace

if TYPE_CHECKING:
    from pellucid.export.quantization import Quantized
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
    def names(self) -> set[str]:
        """All names that mean something in the whole program."""
        arrays = [*self.inputs.values(), self.output, *self.constants]
        arrays += [a for f in self.functions for a in (*f.scratch, *f.outputs)]
        return {each.name for each in arrays} | {f.name for f in self.functions}

    @property
    def constants(self) -> list[Array]:
        """All arrays of fixed numbers, in the order of their use."""
        return list(dict.fromkeys(a for f in self.functions for a in f.constants))


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
        words = Words()
        with words.listening(Trace()):
            numbers = outcome(network) is not None
            write = tracing.answers if numbers else tracing.probabilities
            self.program = write(blueprint)
        self.words = {i: name for i, (_, name) in words.names.items()}
        for innermost, *_ in words.calls.values():
            self.words = innermost.locals | self.words
        self.plan = LoopPlan(self.program, weights, network.dtype)
        self.names = Identifiers(
            {name, "output", "classes", "CLASSES", "found"}
            | {f"{name}{end}" for end in ("_classes", "_class", "Class", "_row")}
        )
        self.paths = shortest(blueprint.layers)
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
        """Return a new array for a root, which the function of a writer fills."""
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

    def fixed(self, value: Symbol, word: str, values: NDArray[Any], kind: str) -> Array:
        """Return the array of numbers that never change; one for each value.

        Parameters
        ----------
        value : Symbol
            What they belong to.
        word : str
            What comes behind its name; nothing for the value itself.
        values : ndarray
            The numbers.
        kind : str
            Their kind.

        Returns
        -------
        Array
        """
        key = (value.id, word, kind)
        if key not in self._fixed:
            name = self.program.names[value.id]
            if value.operation.group == "leaf" and value.settings["vector"] != "w":
                name = f"{value.layer or 'link'}.numbers"
            elif not value.label and value.operation.group != "leaf":
                name = f"{value.layer or 'link'}.{WORDS.get(value.operation.name, 'k')}"
            path, dot, last = name.rpartition(".")
            name = f"{self.paths.get(path, path)}{dot}{last}"
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
        loss = self.network.loss
        link = loss.link or (loss.label if has_link(loss) else "copied")
        for roots in groups.values():
            layer = roots[0].layer
            function = Function(self.names.new(self.paths.get(layer, link)), layer)
            writer = Writer(self, function)
            for root in roots:
                writer.root(root)
            self._name_inputs(function, writer)
            functions.append(function)
        _sort_arrays(functions, self.output)
        for function in functions:
            function.words = describe(self.network, function)
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

    def network_of_loops(self) -> LoweredNetwork:
        """Return the whole."""
        limits = dict(self.network.blueprint.limits)
        words = meaning(self.network)
        return LoweredNetwork(self.inputs, self.output, self.functions, limits, words)


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


def _sort_arrays(functions: list[Function], output: Array) -> None:
    """Find out what each function gives to others and what it needs alone."""
    wanted = {array for function in functions for array in function.inputs} | {output}
    for function in functions:
        for array in dict.fromkeys(write.array for write in writes(function.body)):
            (function.outputs if array in wanted else function.scratch).append(array)
