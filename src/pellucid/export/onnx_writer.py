"""Writes the operations of a Program as ONNX nodes, one by one.

ONNX has the channels of images first, pellucid last. Every value therefore has a home:
channels last as in the Program, or first where an ONNX operator made it so. Whoever
needs it the other way round gets a Transpose, once. Elementwise operations stay where
their inputs are at home, so that a convolutional network is turned at its ends only.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pellucid.errors import ConfigurationError
from pellucid.export.onnx_graph import Graph
from pellucid.export.onnx_operations import ELEMENTWISE, OPERATIONS
from pellucid.export.onnx_patterns import reading
from pellucid.program import Program
from pellucid.symbol import BOOL, DTYPE, FLOAT, INTEGER, Dim, Symbol, Trace

TO_FIRST, TO_LAST = (0, 3, 1, 2), (0, 2, 3, 1)


class Writer:
    """Where the values of a Program are in a graph, and how the next one gets there.

    Parameters
    ----------
    graph : Graph
        What is written to.
    program : Program
        What is written.
    given : mapping of str to ndarray
        The numbers of the network by name.
    dtype : dtype
        Its floating-point type.
    """

    def __init__(
        self,
        graph: Graph,
        program: Program,
        given: Mapping[str, NDArray[Any]],
        dtype: Any,
    ) -> None:
        self.graph, self.program, self.dtype = graph, program, np.dtype(dtype)
        self.names = program.names
        self.known = _known(program, given, self.dtype)
        self._last: dict[int, str] = {}
        self._first: dict[int, str] = {}

    @property
    def double(self) -> bool:
        """Whether the numbers are float64, for which many operators have no kernel."""
        return bool(self.dtype == np.float64)

    # -- the whole -------------------------------------------------------------------

    def place(self, leaf: Symbol, name: str) -> None:
        """Say which value of the graph stands for a leaf.

        Parameters
        ----------
        leaf : Symbol
            What the Program is given.
        name : str
            Name of the value.
        """
        self._last[leaf.id] = name

    def write(self, patterns: bool = True) -> None:
        """Write all operations that the outputs need.

        Parameters
        ----------
        patterns : bool
            Whether operations that together are one operator become that one.
        """
        needed = {symbol.id for symbol in self.program.outputs.values()}
        readings: dict[int, tuple[Callable[..., None], tuple[Any, ...]]] = {}
        for node in reversed(self.program.nodes):
            placed = node.id in self.known or node.id in self._last
            if node.id in needed and not placed:
                found = reading(node, self.known, self.double) if patterns else None
                found = found or _plain(node)
                readings[node.id] = found
                needed |= {s.id for s in found[1] if isinstance(s, Symbol)}
        for node in self.program.nodes:
            if node.id in readings:
                row, inputs = readings[node.id]
                self.graph.layer = node.layer
                row(self, node, *inputs)

    def expand(self, function: Callable[[Any], Any], x: str) -> str:
        """Write a formula of one array in place of an operator.

        Parameters
        ----------
        function : callable
            The formula, in the vocabulary of `pellucid.ops`, elementwise.
        x : str
            Name of the value.

        Returns
        -------
        str
            Name of the result.
        """
        trace = Trace()
        leaf = trace.leaf("x", "", (trace.batch,))
        trace.outputs["output", ""] = function(leaf)
        inner = Writer(self.graph, Program("formula", trace), {}, self.dtype)
        inner.names = {}
        inner.place(leaf, x)
        layer = self.graph.layer
        for node in inner.program.nodes:
            node.layer = layer
        inner.write(patterns=False)
        return inner.last(trace.outputs["output", ""])

    # -- values ----------------------------------------------------------------------

    def set(self, node: Symbol, value: str, first: bool = False) -> None:
        """Say which value of the graph a node has become.

        Parameters
        ----------
        node : Symbol
            The operation.
        value : str
            Name of its result.
        first : bool
            Whether its channels are first.
        """
        if node.id in self.names:
            name = self.names[node.id]
            value = self.graph.call(value, f"{name}.nchw" if first else name)
        (self._first if first else self._last)[node.id] = value

    def at_home_first(self, value: Any) -> bool:
        """Return whether a value has its channels first, and not last as well.

        Parameters
        ----------
        value : Symbol or number
            A value of the Program.

        Returns
        -------
        bool
        """
        return isinstance(value, Symbol) and value.id in self._first

    def last(self, value: Symbol) -> str:
        """Return the name of a value in the Program's order of axes.

        Parameters
        ----------
        value : Symbol
            A value of the Program.

        Returns
        -------
        str
        """
        if value.id not in self._last:
            if value.id in self.known:
                self._last[value.id] = self._whole(value)
            elif value.operation.group == "leaf":
                self._last[value.id] = self._count(value)
            else:
                turned = self.graph.add(
                    "Transpose", self._first[value.id], perm=TO_LAST
                )
                name = self.names.get(value.id, turned)
                self._last[value.id] = self.graph.call(turned, name)
        return self._last[value.id]

    def first(self, value: Symbol) -> str:
        """Return the name of images with their channels first.

        Parameters
        ----------
        value : Symbol, shape (n, height, width, channels)
            A value of the Program.

        Returns
        -------
        str
        """
        if value.id not in self._first:
            turned = self.graph.add("Transpose", self.last(value), perm=TO_FIRST)
            name = self.names.get(value.id)
            self._first[value.id] = self.graph.call(
                turned, f"{name}.nchw" if name else turned
            )
        return self._first[value.id]

    def turned(self, value: Symbol, change: Callable[[Any], Any]) -> str:
        """Return the name of a known array in another arrangement.

        Parameters
        ----------
        value : Symbol
            What is known beforehand, such as filters.
        change : callable
            Arranges the array.

        Returns
        -------
        str
        """
        return self.graph.constant(change(self.known[value.id]), self._called(value))

    def _called(self, value: Symbol) -> str:
        """Return a name for a constant: the slot's where it is one, seen otherwise."""
        while value.operation.group == "alias":
            value = value.inputs[0]
        return self.names.get(value.id, "")

    def _whole(self, value: Symbol) -> str:
        """Return a known array with the axis of the batch at its full length."""
        array = self.known[value.id]
        name = self.graph.constant(array, self._called(value))
        if not any(isinstance(length, Dim) for length in value.shape):
            return name
        rest = self.graph.integers(*value.shape[1:])
        shape = self.graph.add("Concat", self._batch(), rest, axis=0)
        return self.graph.add("Expand", name, shape)

    def _batch(self) -> str:
        """Return the name of the batch size, one whole number on an axis."""
        data = (leaf for leaf in self.program.leaves if leaf.id in self._last)
        shape = self.graph.add("Shape", self._last[next(data).id])
        zero, one = self.graph.integers(0), self.graph.integers(1)
        return self.graph.add("Slice", shape, zero, one)

    def _count(self, leaf: Symbol) -> str:
        if leaf.settings["vector"] != "n":
            raise ConfigurationError(
                f"The Program takes {self.names[leaf.id]!r}, which a model that only "
                "predicts is not given."
            )
        count = self.graph.add("Squeeze", self._batch())
        return self.graph.add("Cast", count, to=self.element(FLOAT))

    def element(self, kind: str) -> int:
        """Return the number by which ONNX knows the type of a kind of values.

        Parameters
        ----------
        kind : str
            ``"float"``, ``"integer"`` or ``"bool"``.

        Returns
        -------
        int
        """
        from onnx import helper

        types = {INTEGER: np.dtype(np.int64), BOOL: np.dtype(bool)}
        return int(helper.np_dtype_to_tensor_dtype(types.get(kind, self.dtype)))

    # -- elementwise operations ------------------------------------------------------

    def number(self, value: float, integer: bool = False) -> str:
        """Return the name of a number as a constant of the network's type.

        Parameters
        ----------
        value : float, int or bool
            The number.
        integer : bool
            Whether it meets whole numbers.

        Returns
        -------
        str
        """
        kind = np.int64 if integer else self.dtype
        return self.graph.constant(
            np.array(value, bool if isinstance(value, bool) else kind)
        )

    def operand(self, value: Any, node: Symbol, first: bool) -> str:
        """Return the name of an input of an elementwise operation.

        Parameters
        ----------
        value : Symbol or number
            The input.
        node : Symbol
            The operation.
        first : bool
            Whether channels are to be first.

        Returns
        -------
        str
        """
        if not isinstance(value, Symbol):
            kinds = {s.kind for s in node.inputs if isinstance(s, Symbol)} - {BOOL}
            return self.number(value, kinds == {INTEGER})
        if value.id not in self.known:
            return (self.first if first and value.shape else self.last)(value)
        array = self.known[value.id]
        if self._same_everywhere(value) and any(
            isinstance(s, Symbol) and s.id not in self.known and s.shape == node.shape
            for s in node.inputs
        ):
            return self.graph.constant(array.ravel()[0])
        if first and array.ndim:
            array = array.reshape((1,) * (4 - array.ndim) + array.shape)
            array = array.transpose(TO_FIRST)
        return self.graph.constant(array, self._called(value))

    def _same_everywhere(self, value: Symbol) -> bool:
        """Return whether a value like np.ones_like(x) is one number."""
        numbers = self.known[value.id].ravel()
        made = any(isinstance(length, Dim) for length in value.shape)
        return made and bool((numbers == numbers[0]).all())

    def stays_first(self, node: Symbol, inputs: Iterable[Any]) -> bool:
        """Return whether an operation is best done where channels are first.

        Parameters
        ----------
        node : Symbol
            The operation.
        inputs : iterable of Symbol or number
            Its inputs.

        Returns
        -------
        bool
        """
        found = [s for s in inputs if isinstance(s, Symbol) and s.id not in self.known]
        fits = all(len(s.shape) in (0, 4) for s in found) and len(node.shape) == 4
        return fits and any(map(self.at_home_first, found))

    def at_home(self, node: Symbol, x: Symbol) -> tuple[bool, str]:
        """Return where an operation on one array is best done, and on which value.

        Parameters
        ----------
        node : Symbol
            The operation.
        x : Symbol
            Its input.

        Returns
        -------
        first : bool
            Whether channels are first.
        value : str
            Name of the input there.
        """
        first = self.stays_first(node, (x,))
        return first, self.first(x) if first else self.last(x)

    def array(self, value: Any) -> Any:
        """Return the numbers of a known array, or one number, in the network's type.

        Parameters
        ----------
        value : Symbol or float
            What is known beforehand.

        Returns
        -------
        ndarray or scalar
        """
        known = self.known[value.id] if isinstance(value, Symbol) else value
        return np.asarray(known, self.dtype)

    def vector(self, value: Any, node: Symbol, more: Any = 0.0) -> str:
        """Return the name of one known number for each feature.

        Parameters
        ----------
        value : Symbol or float
            What is known beforehand.
        node : Symbol
            The operation, whose last axis has the features.
        more : float or ndarray
            What is added.

        Returns
        -------
        str
        """
        numbers = np.broadcast_to(self.array(value) + more, node.shape[-1:])
        name = self._called(value) if isinstance(value, Symbol) else ""
        return self.graph.constant(numbers.astype(self.dtype), name)

    def elementwise(self, node: Symbol, *inputs: Any) -> None:
        """Write an operation on numbers one by one.

        Parameters
        ----------
        node : Symbol
            The operation.
        *inputs : Symbol or number
            Its inputs.
        """
        first = self.stays_first(node, inputs)
        operands = [self.operand(value, node, first) for value in inputs]
        row = ELEMENTWISE[node.operation.name]
        if isinstance(row, str):
            self.set(node, self.graph.add(row, *operands), first)
        else:
            self.set(node, row(self, *operands), first)


def _plain(node: Symbol) -> tuple[Callable[..., None], tuple[Any, ...]]:
    """Return how an operation is written, and what it takes."""
    name = node.operation.name
    if name in ELEMENTWISE:
        return Writer.elementwise, node.inputs
    if name in OPERATIONS:
        return OPERATIONS[name], node.inputs
    if node.operation.group == "leaf":
        return lambda writer, leaf: None, ()  # found where it is used
    raise ConfigurationError(
        f"Layer {node.layer!r} computes {name}, for which there is no ONNX operator "
        "here: the export has all operations of layers in prediction mode but those of "
        "gradients and of random numbers."
    )


def _known(
    program: Program, given: Mapping[str, NDArray[Any]], dtype: Any
) -> dict[int, NDArray[Any]]:
    """Return what does not depend on the data, by the ids of the nodes.

    What only the batch size enters, such as how many pixels an average is over, is
    known for one sample, shape (1, ...), which all samples share.
    """
    known: dict[int, Any] = {}
    for node in program.nodes:
        operation, settings = node.operation, node.settings
        if operation.group == "leaf":
            if settings["vector"] == "w" and settings["name"] in given:
                known[node.id] = np.asarray(given[settings["name"]])
            elif settings["vector"] == "constant":
                known[node.id] = settings["value"].astype(np.int64)
        elif operation.name == "full_like" and _shared(node):
            shape = tuple(1 if isinstance(s, Dim) else s for s in node.shape)
            known[node.id] = np.full(shape, settings["value"], dtype)
        elif all(not isinstance(s, Symbol) or s.id in known for s in node.inputs):
            symbols = [s for s in node.inputs if isinstance(s, Symbol)]
            if symbols and all(map(_shared, (node, *symbols))):
                inputs = [
                    known[s.id] if isinstance(s, Symbol) else s for s in node.inputs
                ]
                with np.errstate(all="ignore"):
                    found = operation.apply(*inputs, **_for_one(settings, dtype))
                known[node.id] = found
    return known


def _shared(node: Symbol) -> bool:
    """Return whether all samples can share a value, if it does not depend on data."""
    dims = [axis for axis, s in enumerate(node.shape) if isinstance(s, Dim)]
    if not dims:
        scales = any(
            isinstance(s, Dim)
            for value in node.inputs
            if isinstance(value, Symbol)
            for s in value.shape
        )
        return not scales  # a sum over the batch counts its samples
    return dims == [0] and node.shape[0].factor == 1


def _for_one(value: Any, dtype: Any) -> Any:
    """Return settings with a batch of one sample and the dtype filled in."""
    if isinstance(value, dict):
        return {key: _for_one(item, dtype) for key, item in value.items()}
    if isinstance(value, tuple):
        return tuple(_for_one(item, dtype) for item in value)
    if isinstance(value, Dim):
        return value.factor
    return dtype if value is DTYPE else value
