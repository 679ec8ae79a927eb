"""What a network computes, without its numbers: layers, loss, names and shapes.

The two passes through a network stand here once, as text that works on arrays and on
Symbols alike. Engines run it, tracing writes it down.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from pellucid.activations import Activation, Identity, Joint, LogSoftmax, Softmax
from pellucid.errors import ConfigurationError, ShapeError, SymbolError
from pellucid.initializers import Initializer
from pellucid.layer import Layer, Memo, layer_names, new_pass, sample_shape
from pellucid.layers.containers import Chain, Concat
from pellucid.layers.dropout import Dropout, SpatialDropout
from pellucid.layers.global_pooling import GlobalAveragePool, GlobalMaxPool
from pellucid.layers.inputs import Input
from pellucid.layers.noise import GaussianNoise
from pellucid.layers.pooling import Pool1D, Pool2D
from pellucid.layers.resizing import Pad, UpSample
from pellucid.layers.shaping import Flatten, Reshape
from pellucid.layers.windows import must_not_look_channels_first
from pellucid.layout import Layout, Slot
from pellucid.losses import EachMember, Loss
from pellucid.symbol import FLOAT, INTEGER, Dim, Symbol, Trace

Inputs = Input | dict[str, Input]

# Layers without numbers of their own: the activation before them is the network's last.
_CARRIERS = (
    Dropout,
    Flatten,
    GaussianNoise,
    GlobalAveragePool,
    GlobalMaxPool,
    Pad,
    Pool1D,
    Pool2D,
    Reshape,
    SpatialDropout,
    UpSample,
)


class SymbolView:
    """What a layer sees of a vector while it is written down: ``p.W`` is a Symbol.

    Parameters
    ----------
    trace : Trace
        Where reading and writing are noted.
    slots : mapping of str to Slot
        The names.
    vector : str
        What is read: ``"w"``, or ``"g"`` and ``"state"``, which are written first.
    path : str
        The layer; empty for the whole network.
    """

    def __init__(
        self, trace: Trace, slots: Mapping[str, Slot], vector: str, path: str = ""
    ) -> None:
        self.__dict__.update(_trace=trace, _slots=slots, _vector=vector, _path=path)

    def __getitem__(self, name: str) -> "SymbolView":
        path = f"{self._path}.{name}" if self._path else name
        return SymbolView(self._trace, self._slots, self._vector, path)

    def _slot(self, name: str) -> tuple[str, Slot]:
        full = f"{self._path}.{name}"
        if full not in self._slots:
            raise AttributeError(
                f"The layer has no slot {name!r}; slots() must name it."
            )
        return full, self._slots[full]

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        full, slot = self._slot(name)
        written = self._trace.outputs.get((self._vector, full))
        if written is not None:
            return written
        if self._vector == "g":
            raise AttributeError(f"g.{name} is read before it was written.")
        return self._trace.leaf("w", full, slot.shape)

    def __setattr__(self, name: str, value: Any) -> None:
        full, slot = self._slot(name)
        if self._vector == "w":
            raise AttributeError(
                f"p.{name} = ... would change the network during a pass: backward "
                f"writes g.{name}, running state goes to memo.state.{name}."
            )
        if not isinstance(value, Symbol) or value.shape != slot.shape:
            shape = value.shape if isinstance(value, Symbol) else type(value).__name__
            raise ShapeError(f"Slot {name!r} has shape {slot.shape}; got {shape}.")
        self._trace.outputs[self._vector, full] = value


def input_symbols(trace: Trace, inputs: Inputs) -> Any:
    """Return the Symbols that stand for a batch of the inputs.

    Parameters
    ----------
    trace : Trace
        In which they are used.
    inputs : Input or dict of str to Input
        What the network is given.

    Returns
    -------
    Symbol or dict of str to Symbol
    """

    def symbol(name: str, given: Input) -> Any:
        kind = INTEGER if given.kind == "integer" else FLOAT
        return trace.leaf("x", name, (trace.batch, *given.shape), kind)

    if isinstance(inputs, Input):
        return symbol("", inputs)
    return {name: symbol(name, given) for name, given in inputs.items()}


@dataclass(frozen=True)
class Blueprint:
    """What a network computes.

    Parameters
    ----------
    root : Chain
        The layers, with the last activation joined to the loss where it has this link.
    loss : Loss
        The loss.
    logits : tuple of str or None
        Path of the layer whose pre-activation the loss takes; None where it takes the
        network's output.
    inputs : Input or dict of str to Input
        What the network is given.
    layout : Layout
        Names of its numbers.
    output_shape : tuple of int
        Shape of one sample of the output.
    limits : dict of str to int
        For inputs of whole numbers: how many there are, by the name of the input.
    width : int
        Numbers that one row is turned into, all operations of the layers together.
    """

    root: Chain
    loss: Loss
    logits: tuple[str, ...] | None
    inputs: Inputs
    layout: Layout
    output_shape: tuple[int, ...]
    limits: dict[str, int] = field(default_factory=dict)
    width: int = 1

    @property
    def outputs(self) -> int:
        """Number of outputs: length of the last axis."""
        return self.output_shape[-1]

    @property
    def answers(self) -> int:
        """Number of predictions: outputs, less where several stand for one."""
        return self.outputs // self.loss.per_target

    @property
    def target_shape(self) -> tuple[int, ...]:
        """Shape of one sample of targets that are not classes."""
        return (*self.output_shape[:-1], self.answers)

    @property
    def layers(self) -> dict[str, Layer]:
        """Every layer by its path, inner ones after their container."""
        found: dict[str, Layer] = {}

        def visit(container: Layer, path: str) -> None:
            names = layer_names(container.inner)
            for name, layer in zip(names, container.inner, strict=True):
                found[path + name] = layer
                visit(layer, f"{path}{name}.")

        visit(self.root, "")
        return found

    @property
    def needs_batches(self) -> bool:
        """Whether a layer takes statistics of the batch, and so more than one row."""
        return any(layer.batch_statistics for layer in self.layers.values())

    def feedforward(self, x: Any, p: Any, memo: Memo) -> Any:
        """Return the output of the network.

        Parameters
        ----------
        x : ndarray, shape (n, ...), or mapping of such
            The inputs.
        p : LayerView
            All numbers.
        memo : Memo
            The memo of the whole pass.

        Returns
        -------
        ndarray, shape (n, *output_shape)
        """
        return self.root.forward(x, p, memo)

    def probabilities(self, x: Any, p: Any, memo: Memo) -> Any:
        """Return the output with the loss's link where none was written.

        Parameters
        ----------
        x, p, memo
            As in `feedforward`.

        Returns
        -------
        ndarray, shape (n, *output_shape)
        """
        output = self.feedforward(x, p, memo)
        return output if self.logits is not None else self.loss.linked(output)

    def losses(self, x: Any, y: Any, p: Any, memo: Memo) -> tuple[Any, Any]:
        """Return what the loss looks at, and the loss of every sample.

        Parameters
        ----------
        x, p, memo
            As in `feedforward`.
        y : ndarray, shape (n, *target_shape), or (n,) of int for classes
            Targets.

        Returns
        -------
        out, value : ndarray
            Outputs or logits, and shape (n,).
        """
        out = self.feedforward(x, p, memo)
        if self.logits is not None:
            source = memo
            for name in self.logits:
                source = source[name]
            out = source.z
        return out, self.loss.value(out, y)

    def backprop(
        self, x: Any, y: Any, weight: Any, scale: Any, p: Any, g: Any, memo: Memo
    ) -> Any:
        """Write all gradients to `g`; return the loss.

        Parameters
        ----------
        x, y, p, memo
            As in `losses`.
        weight : ndarray, shape (n,)
            Weights of the samples.
        scale : float
            1, or one over the sum of the weights for losses that average.
        g : LayerView
            Takes the gradients.

        Returns
        -------
        float
        """
        out, value = self.losses(x, y, p, memo)
        memo.losses = value
        each = (weight * scale).reshape(out.shape[0], *(1 for _ in out.shape[1:]))
        self.root.backward(self.loss.slope(out, y) * each, p, g, memo)
        return (weight * value).sum() * scale


def build(layers: tuple[Layer, ...], loss: Loss, inputs: Inputs) -> Blueprint:
    """Return the blueprint: run the layers once with Symbols to learn shapes and names.

    Parameters
    ----------
    layers : tuple of Layer
        As the user wrote them.
    loss : Loss
        The loss.
    inputs : Input or dict of str to Input
        What the network is given.

    Returns
    -------
    Blueprint

    Raises
    ------
    ShapeError
        If shapes do not fit; the layer is named.
    ConfigurationError
        If the last activation contradicts the loss.
    """
    root, logits = join_loss(layers, loss)
    trace = Trace()
    slots: dict[str, Slot] = {}
    limits: dict[str, int] = {}

    entered: dict[str, tuple[Layer, Any]] = {}

    def enter(layer: Layer, path: str, x: Any) -> None:
        entered[path] = layer, x
        _check_data(layer, x, limits)
        for name, slot in layer.slots(sample_shape(x)).items():
            if not name.isidentifier() or name.startswith("_"):
                raise ConfigurationError(f"A slot cannot have the name {name!r}.")
            first = Initializer.of(slot.initializer)
            slots[f"{path}.{name}"] = replace(slot, initializer=first)

    shared = new_pass(training=False, trace=trace, enter=enter)
    memo = Memo(shared)
    x = input_symbols(trace, inputs)
    try:
        y_hat = root.forward(x, SymbolView(trace, slots, "w"), memo)
    except SymbolError as error:
        _check_numbers(getattr(error, "in_layer", ""), entered, error)
        raise
    if not isinstance(y_hat, Symbol) or y_hat.ndim < 2:
        shape = getattr(y_hat, "shape", type(y_hat).__name__)
        raise ShapeError(f"The last layer gives {shape}; expected (n, outputs).")
    output_shape = sample_shape(y_hat)
    _check_outputs(loss, output_shape)
    for path, (layer, _) in entered.items():
        _check_softmax(layer, path, shared.outputs[path])
    for_each_row = [
        [size for size in node.shape if not isinstance(size, Dim)]
        for node in trace.nodes
        if any(isinstance(size, Dim) for size in node.shape)
    ]
    return Blueprint(
        *(root, loss, logits, inputs, Layout(slots), output_shape, limits),
        width=sum(map(math.prod, for_each_row)),
    )


def _check_data(layer: Layer, x: Any, limits: dict[str, int]) -> None:
    """Raise unless a layer can take what the user hands in; note which whole numbers.

    Only data are looked at, as they come or number by number in other units: what
    another layer made has its axes where they belong.
    """
    if not isinstance(x, Symbol):
        return
    source = x
    while source.operation.group == "alias":
        source = source.inputs[0]
    data = source.operation.group == "leaf" and source.settings["vector"] == "x"
    if layer.choices is not None:
        if not data or source.kind != INTEGER:
            raise ConfigurationError(
                f"{type(layer).__name__} takes whole numbers as they are in the data: "
                "declare them with input_shape=Input(shape, kind='integer'), by name "
                "where there are other inputs, and put it where they come in."
            )
        name = source.settings["name"]
        limits[name] = min(layer.choices, limits.get(name, layer.choices))
    if layer.images and _same_axes(x):
        must_not_look_channels_first(sample_shape(x))


def _same_axes(x: Symbol) -> bool:
    """Return whether each number of x is one of the data, if in other units."""
    while x.operation.group == "elementwise":
        symbols = (source for source in x.inputs if isinstance(source, Symbol))
        whole = [source for source in symbols if source.shape == x.shape]
        if not whole:
            return False
        x = whole[0]
    return x.operation.group == "leaf" and x.settings["vector"] == "x"


def _check_numbers(
    path: str, entered: dict[str, tuple[Layer, Any]], error: SymbolError
) -> None:
    """Raise what helps more, if a layer of ours failed because of whole numbers."""
    layer, x = entered.get(path, (None, None))
    ours = type(layer).__module__.startswith("pellucid.")
    if ours and isinstance(x, Symbol) and x.kind == INTEGER:
        raise ConfigurationError(
            f"Layer {path!r} {layer!r} computes with numbers, but what comes in are "
            "whole numbers that stand for choices, as input_shape says: put "
            "Embedding(count, units) before it, or leave out kind='integer' where they "
            "are amounts."
        ) from error


def _check_softmax(layer: Layer, path: str, output: Any) -> None:
    """Raise if the outputs of a layer cannot but stay what they are."""
    activation = getattr(layer, "activation", layer)
    alone = isinstance(output, Symbol) and output.shape[-1] == 1
    if alone and isinstance(activation, Softmax | LogSoftmax):
        always = 1 if isinstance(activation, Softmax) else 0
        raise ConfigurationError(
            f"Layer {path!r} {layer!r} has one output, and {activation.label} of a "
            f"single number is always {always}: nothing can be learned. For a share or "
            "a chance write 'sigmoid', for a number no activation."
        )


def _check_outputs(loss: Loss, shape: tuple[int, ...]) -> None:
    least = 2 * loss.per_target
    if loss.task == "classes" and (len(shape) != 1 or shape[0] < least):
        raise ConfigurationError(
            f"{loss.label} chooses among classes, one output each, so the last layer "
            f"needs {'two' if least == 2 else least} or more outputs; it has shape (n, "
            f"{', '.join(map(str, shape))}). For a yes or no in one output use "
            "loss='binary_cross_entropy'."
        )
    if shape[-1] % loss.per_target:
        raise ConfigurationError(
            f"{loss.label} has {loss.per_target} outputs for each target, so the last "
            f"layer needs a multiple of that; it has shape (n, "
            f"{', '.join(map(str, shape))}). For one target write "
            f"Dense({loss.per_target})."
        )


def join_loss(
    layers: tuple[Layer, ...], loss: Loss
) -> tuple[Chain, tuple[str, ...] | None]:
    """Return the layers with the last activation joined to the loss, and where it is.

    A loss with a link always works on logits. Where the last activation is that link,
    it is wrapped in `Joint`; where there is none, the outputs are the logits.

    Parameters
    ----------
    layers : tuple of Layer
        As the user wrote them.
    loss : Loss
        The loss.

    Returns
    -------
    root : Chain
        What is computed.
    logits : tuple of str or None
        Path of the layer with the joined activation.

    Raises
    ------
    ConfigurationError
        If the network ends in an activation that contradicts the loss.
    """
    root = Chain(layers)
    if isinstance(loss, EachMember) and loss.of.link is not None:
        if _join(root, loss.of)[1] is not None:
            raise ConfigurationError(
                f"{loss!r} applies {loss.of.link} to each member itself: leave it out "
                "of the last layer."
            )
        return root, None
    if loss.link is None:
        return root, None
    joined, path = _join(root, loss)
    return (joined, path) if path else (root, None)


def _join(layer: Layer, loss: Loss) -> tuple[Any, tuple[str, ...] | None]:
    """Return the layer with its last activation joined, and the path to it within."""
    if type(layer) is Chain:
        names = layer_names(layer.layers)
        last, path = _join(layer.layers[-1], loss)
        if isinstance(layer.layers[-1], _CARRIERS):
            _join_nothing(Chain(layer.layers[:-1]) if len(names) > 1 else None, loss)
        if path is None:
            return layer, None
        # Names are given before the wrapping, so that they stay what they were.
        inner = (*layer.layers[:-1], replace(last, name=names[-1]))
        return replace(layer, layers=inner), (names[-1], *path)
    if isinstance(layer, Concat):
        for branch in layer.branches:
            _join_nothing(branch, loss)
        return layer, None
    if isinstance(layer, Activation):
        return (Joint(layer), ()) if _is_link(layer, loss) else (layer, None)
    activation = getattr(layer, "activation", None)
    if isinstance(activation, Activation) and _is_link(activation, loss):
        return replace(layer, activation=Joint(activation)), ()  # type: ignore[call-arg]
    return layer, None


def _join_nothing(layer: Layer | None, loss: Loss) -> None:
    if layer is not None and _join(layer, loss)[1] is not None:
        raise ConfigurationError(
            f"{loss.label} works on logits, and {loss.link} must then be the last "
            f"thing in the network: move {loss.link} to the end, or leave it out "
            "(predict_proba applies it)."
        )


def _is_link(activation: Activation, loss: Loss) -> bool:
    if activation.label == loss.link:
        return True
    harmless = (Identity, LogSoftmax) if loss.link == "softmax" else (Identity,)
    if isinstance(activation, harmless):
        return False
    if loss.link == "identity":
        raise ConfigurationError(
            f"The network ends in {activation.label}, but {loss.label} takes its "
            "outputs as they are: write Dense(...) without an activation there."
        )
    remedy = {
        "softmax": "For probabilities of several yes-or-no labels use "
        "loss='binary_cross_entropy' with sigmoid.",
        "sigmoid": "For one of several classes use loss='cross_entropy' with softmax.",
    }.get(str(loss.link), "")
    raise ConfigurationError(
        f"The network ends in {activation.label}, but {loss.label} needs {loss.link} "
        f"or no activation there: write Dense(..., {loss.link!r}). {remedy}".rstrip()
    )
