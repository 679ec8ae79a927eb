"""Networks in ONNX files: chains of the operators that the catalogue has.

Branches are followed where they meet again: in an Add of their start (`Residual`), in a
Concat (`Concat`), or in a formula of numbers one by one (an activation). Several inputs
are branches that start apart and meet in a Concat.
"""

import json
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pellucid import activations
from pellucid.activations import Activation
from pellucid.errors import ConfigurationError, PellucidError
from pellucid.importers import formulas, onnx_norms
from pellucid.importers.collected import Collected, Step
from pellucid.importers.foreign import RefusedError, refused
from pellucid.importers.onnx_operators import OPERATORS, Here, attributes
from pellucid.layer import layer_names
from pellucid.layers import Chain, Concat, Input, Rescale, Residual
from pellucid.losses import Loss
from pellucid.network import NeuralNetwork

# Operators that say that the channels of what comes in are first.
_FIRST = {"Conv", "ConvTranspose", "MaxPool", "AveragePool", "BatchNormalization"}
_FIRST |= {"GlobalAveragePool", "GlobalMaxPool", "Resize", "InstanceNormalization"}
_FIRST |= {"GroupNormalization"}


def from_onnx(
    source: Any, *, input_shape: Any = None, loss: Any = None
) -> NeuralNetwork:
    """Return a network that predicts what an ONNX model does.

    Images are handed in with their channels last, (n, height, width, channels), also
    where the model takes them first.

    Parameters
    ----------
    source : str, Path, bytes or onnx.ModelProto
        The file, its contents, or the model. It has one output; of several inputs,
        each has its name in pellucid, too, and they meet in a Concat.
    input_shape : int, tuple of int or mapping of str to such, optional
        Shape of one sample as pellucid has it, (height, width, channels) for images,
        by the name of the input where there are several; the model's own where it is
        fixed.
    loss : Loss or str, optional
        What the model says, if pellucid wrote it; else ``"cross_entropy"`` after a
        softmax, ``"binary_cross_entropy"`` after a sigmoid, ``"mean_squared_error"``
        otherwise.

    Returns
    -------
    NeuralNetwork
        Of the dtype of the weights.

    Raises
    ------
    ConfigurationError
        If the package ``onnx`` is missing, or the model has operators or branches that
        have no counterpart; the node is named.

    Examples
    --------
    A network that another library exported, seen from inside::

        net = pellucid.from_onnx("model.onnx")
        print(net.summary())
    """
    model = _loaded(source)
    graph = _Graph(model)
    found = graph.taken_over(input_shape)
    told = {entry.key: entry.value for entry in model.metadata_props}
    if loss is None and model.producer_name == "pellucid":
        with suppress(PellucidError, ValueError):  # of a package that is not imported
            loss = Loss.restore(json.loads(told.get("loss_settings", "")))
    network = found.network(loss)
    if "classes" in told and model.producer_name == "pellucid":
        with suppress(PellucidError, ValueError):
            network.classes = json.loads(told["classes"])
    return network


def _loaded(source: Any) -> Any:
    try:
        import onnx
    except ImportError:
        raise ConfigurationError(
            "ONNX models need the package onnx: pip install 'pellucid[onnx]'."
        ) from None
    if hasattr(source, "graph"):
        return source
    try:
        if isinstance(source, bytes):
            return onnx.load_from_string(source)
        return onnx.load(Path(source))
    except OSError:
        raise
    except Exception as error:
        raise ConfigurationError(f"This is no ONNX model: {error}.") from error


class _Graph:
    """The nodes of a model, who takes what, and the constants."""

    def __init__(self, model: Any) -> None:
        from onnx import numpy_helper

        graph = model.graph
        self.constants: dict[str, NDArray[Any]] = {
            each.name: numpy_helper.to_array(each) for each in graph.initializer
        }
        self.nodes: list[Any] = []
        for node in graph.node:
            how = attributes(node)
            if node.op_type == "Constant":
                value = next(iter(how.values()), None)  # value, value_ints...
                self.constants[node.output[0]] = np.asarray(value)
            elif node.op_type == "Identity" and node.input[0] in self.constants:
                self.constants[node.output[0]] = self.constants[node.input[0]]
            else:
                self.nodes.append(node)
        self.takers: dict[str, list[Any]] = {}
        for node in self.nodes:
            for name in dict.fromkeys(node.input):
                self.takers.setdefault(name, []).append(node)
        self.inputs = {
            each.name: each.type.tensor_type
            for each in graph.input
            if each.name not in self.constants
        }
        if not self.inputs or len(graph.output) != 1:
            raise ConfigurationError(
                f"The model has the inputs {[*self.inputs]} and the outputs "
                f"{[each.name for each in graph.output]}; a model with inputs and one "
                "output can be taken over."
            )
        self.output = graph.output[0].name

    def taken_over(self, shape: Any) -> Collected:
        """Return all that lies between the inputs and the output."""
        if len(self.inputs) == 1:
            (name,) = self.inputs
            found = self._started(name, shape)
            self.follow(name, self.output, found)
            return found
        shapes = dict.fromkeys(self.inputs) if shape is None else shape
        if not isinstance(shapes, Mapping) or {*shapes} != {*self.inputs}:
            raise ConfigurationError(
                f"The model has the inputs {[*self.inputs]}: input_shape is a mapping "
                f"with a shape for each of them; got {shape!r}."
            )
        starts = {name: self._started(name, each) for name, each in shapes.items()}
        found = self._gathered(self.output, starts)
        found.input = {name: start.input for name, start in starts.items()}
        return found

    def _started(self, name: str, shape: Any) -> Collected:
        """Return nothing but an input."""
        from onnx import TensorProto

        kind = self.inputs[name]
        sizes = [dim.dim_value for dim in kind.shape.dim][1:]
        first = len(sizes) > 1 and self.takes_first(name)
        if shape is None:
            if not sizes or 0 in sizes:
                raise ConfigurationError(
                    f"The model leaves the shape of {name!r} open: give "
                    "input_shape, the shape of one sample with its channels last."
                )
            shape = (*sizes[1:], sizes[0]) if first else tuple(sizes)
        given = shape if isinstance(shape, Input) else Input(shape)
        whole = kind.elem_type in (TensorProto.INT64, TensorProto.INT32)
        return Collected(given.shape, first, "integer" if whole else "number")

    def _gathered(self, end: str, starts: dict[str, Collected]) -> Collected:
        """Return all that lies between several inputs and a value."""
        needed = self._needed_for(end, "")
        own = [
            name
            for name in starts
            if name == end or any(id(n) in needed for n in self.takers.get(name, []))
        ]
        if len(own) == 1:
            found = starts[own[0]].selected(own[0])
            self.follow(own[0], end, found)
            return found
        node = self._meeting({*own}, needed)
        if node is None or node.op_type != "Concat":
            raise ConfigurationError(
                f"The inputs {own} meet in "
                f"{'no one node' if node is None else node.op_type}; several inputs "
                "may meet in a Concat of their features."
            )
        try:
            branches = [self._gathered(name, starts) for name in node.input]
            step = _side_by_side(branches, attributes(node)["axis"])
            found = Collected.joined(branches, step)
        except RefusedError:
            raise
        except PellucidError as error:
            raise _refused(node, error) from error
        self.follow(str(node.output[0]), end, found)
        return found

    def takes_first(self, value: str) -> bool:
        """Return whether what comes next takes a value with its channels first."""
        for _ in self.nodes:
            takers = self.takers.get(value, [])
            if any(node.op_type in _FIRST for node in takers):
                return True
            if not takers or takers[0].op_type not in (
                formulas.OPERATORS.keys() | {"PRelu", "Pad"}
            ):
                return False
            value = takers[0].output[0]
        return False

    def follow(self, value: str, end: str, found: Collected) -> None:
        """Take over all that lies between two values."""
        needed = self._needed_for(end, value)
        while value != end:
            takers = [n for n in self.takers.get(value, []) if id(n) in needed]
            if not takers:
                raise ConfigurationError(f"The value {value!r} leads nowhere.")
            node = takers[0]
            try:
                value = (
                    self._formula(value, end, needed, found)
                    or self._normalization(value, end, needed, found)
                    or self._operator(value, takers, found)
                    or self._branches(value, needed, found)
                )
            except RefusedError:
                raise
            except PellucidError as error:
                raise _refused(node, error) from error
            if not value:
                raise _refused(node)

    def _needed_for(self, end: str, start: str) -> set[int]:
        """Return the nodes between two values, by identity."""
        makers = {name: node for node in self.nodes for name in node.output}
        waiting, needed = [end], set()
        while waiting:
            name = waiting.pop()
            node = makers.get(name)
            if name != start and node is not None and id(node) not in needed:
                needed.add(id(node))
                waiting += node.input
        return needed

    def _operator(self, value: str, takers: list[Any], found: Collected) -> str:
        node = takers[0]
        row = OPERATORS.get(node.op_type)
        if row is None or len(takers) > 1:
            return ""
        return row(Here(self, node, value), found)

    def _formula(self, value: str, end: str, needed: set[int], found: Collected) -> str:
        """Take over an activation, however it is written; return where it ends."""
        values: dict[str, Any] = {value: formulas.POINTS}
        done: set[int] = set()
        outside = {id(node) for node in self.nodes} - needed
        best: tuple[str, Any] | None = None
        for node in self.nodes:
            if id(node) not in needed or not values.keys() & set(node.input):
                continue
            row = formulas.OPERATORS.get(node.op_type)
            numbers = [self._number(name, values) for name in node.input]
            pairs = zip(node.input, numbers, strict=True)
            if row is None or any(name and x is None for name, x in pairs):
                break
            with np.errstate(all="ignore"):
                result = row(numbers[0], attributes(node), *numbers[1:])
            values[node.output[0]] = result
            done.add(id(node))
            others = [name for name in values if name != node.output[0]]
            if all(self._used_up(name, done | outside, end) for name in others):
                known = formulas.recognized(np.asarray(result))
                known = known or formulas.hard_sigmoid(np.asarray(result))
                if known is not None:
                    best = node.output[0], (known, result)
        if best is None:
            return ""
        known, result = best[1]
        _apply(known, result, found)
        return best[0]

    def _normalization(
        self, value: str, end: str, needed: set[int], found: Collected
    ) -> str:
        """Take over a normalization written as a formula; return where it ends."""
        first = {node.op_type for node in self.takers[value]} & onnx_norms.FIRST
        if not first or found.order is not None or found.kind == "integer":
            return ""
        x = onnx_norms.numbers_for(found)
        values: dict[str, Any] = {value: np.moveaxis(x, -1, 1) if found.first else x}
        fixed: list[NDArray[Any]] = []
        done, best = {id(node) for node in self.nodes} - needed, ""
        for node in self.nodes:
            if id(node) not in needed or not values.keys() & set(node.input):
                continue
            row = onnx_norms.OPERATORS.get(node.op_type)
            known = self.constants | values
            if row is None or not all(name in known for name in node.input):
                break
            how, given = attributes(node), [known[name] for name in node.input]
            fixed += [self.constants[n] for n in node.input if n in self.constants]
            fixed.append(np.array(how.get("epsilon", 0.0), np.float32))
            try:
                with np.errstate(all="ignore"):
                    result = row(given[0], how, *given[1:])
            except ValueError:  # shapes that do not meet; who takes it over will tell
                break
            values[node.output[0]] = result
            done.add(id(node))
            others = [name for name in values if name != node.output[0]]
            if not all(self._used_up(name, done, end) for name in others):
                continue
            turned = found.first and result.ndim == x.ndim
            ours = np.moveaxis(result, 1, -1) if turned else result
            match = onnx_norms.recognized(x, ours, fixed)
            if match is not None:
                best, norm = str(node.output[0]), match
        if best:
            found.add(norm[0], **norm[1])
        return best

    def _number(self, name: str, values: dict[str, Any]) -> Any:
        if name in values:
            return values[name]
        constant = self.constants.get(name)
        if constant is None or constant.size != 1:
            return None
        plain = constant.ravel()[0]
        return float(plain) if constant.dtype.kind == "f" else plain

    def _used_up(self, name: str, done: set[int], end: str = "") -> bool:
        takers = self.takers.get(name, [])
        return name != end and all(id(node) in done for node in takers)

    def _branches(self, value: str, needed: set[int], found: Collected) -> str:
        """Take over branches up to where they meet; return where that is."""
        node = self._meeting({value}, needed)
        return "" if node is None else self._met(value, node, found)

    def _meeting(self, inside: set[str], needed: set[int]) -> Any:
        """Return the first node behind all branches that start at some values."""
        inside, done = {*inside}, {id(node) for node in self.nodes} - needed
        for node in self.nodes:
            if id(node) not in needed:
                continue
            inputs = {name for name in node.input if name and not self._fixed(name)}
            if not inputs or not inputs <= inside:
                continue
            done.add(id(node))
            inside.add(node.output[0])
            if all(self._used_up(name, done) for name in inside - {node.output[0]}):
                return node
        return None

    def _fixed(self, name: str) -> bool:
        return name in self.constants

    def _met(self, start: str, node: Any, found: Collected) -> str:
        if node.op_type == "Add" and start in node.input:
            other = next(name for name in node.input if name != start)
            inner = found.branch()
            self.follow(start, other, inner)
            if found.order is not None and inner.order is None:
                inner.rearrange(found.order)
            _same_order(found.first, [inner])
            found.append(Step(Residual(inner.layers), inner.numbers()))
        elif node.op_type == "Concat":
            branches = [found.branch() for _ in node.input]
            for name, inner in zip(node.input, branches, strict=True):
                self.follow(start, name, inner)
            found.append(_side_by_side(branches, attributes(node)["axis"]))
            found.first = branches[0].first
        elif sum(not self._fixed(name) for name in node.input if name) < 2:
            return ""  # no branches: an operator that nobody knows
        else:
            raise ConfigurationError(
                f"branches meet in {node.op_type}; they may meet in an Add of where "
                "they started, in a Concat, or be an activation."
            )
        return str(node.output[0])


def _side_by_side(branches: list[Collected], axis: int) -> Step:
    """Return the layer that joins the features of branches, with all its numbers."""
    for inner in branches:
        if axis % inner.ndim != (1 if inner.first else inner.ndim - 1):
            raise ConfigurationError(f"axis={axis} is not that of features.")
    _same_order(branches[0].first, branches)
    if any(inner.order is not None for inner in branches):
        raise ConfigurationError(
            "it joins rows that were flattened with their channels first."
        )
    numbers: dict[str, NDArray[Any]] = {}
    layers = [_as_one(inner) for inner in branches]
    names = layer_names(tuple(layers))
    for inner, layer, name in zip(branches, layers, names, strict=True):
        own = inner.numbers()
        if not isinstance(layer, Chain):
            own = inner.steps[0].numbers if inner.steps else {}
        numbers |= {f"{name}.{slot}": array for slot, array in own.items()}
    return Step(Concat(layers), numbers)


def _same_order(first: bool, branches: list[Collected]) -> None:
    if any(inner.first != first for inner in branches):
        raise ConfigurationError("only some of its inputs have their channels first.")


def _refused(node: Any, error: Exception | None = None) -> RefusedError:
    known = OPERATORS.keys() | onnx_norms.OPERATORS.keys() | {"Concat"}
    return refused(node.op_type, f"Node {node.name or node.output[0]!r}", known, error)


def _as_one(inner: Collected) -> Any:
    if not inner.steps:
        return activations.Identity()
    return inner.layers[0] if len(inner.steps) == 1 else Chain(inner.layers)


def _apply(known: Any, values: Any, found: Collected) -> None:
    """Put what a formula was recognized as at the end."""
    if isinstance(known, Activation):
        found.activation(known)
    elif formulas.recognized(np.asarray(values)) is None:
        found.hard_sigmoid(*known)
    elif known != (1.0, 0.0):
        found.add(Rescale(*known))
