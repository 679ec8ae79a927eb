"""The computation of one sample as a graph: forward in numbers, and back."""

import re
from typing import TYPE_CHECKING, Any

import numpy as np

from pellucid.errors import ConfigurationError, UnknownNameError
from pellucid.plots.canvas import canvas, size_in_points
from pellucid.plots.circuit import Circuit, Neurons, neurons_of
from pellucid.plots.diagram_words import subscript
from pellucid.plots.layer_graph import draw_layers
from pellucid.plots.moment import moment_of_step
from pellucid.trace import Step

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_SMALL = 36  # so many products are drawn one by one
_FAN = 1.7  # room for the wires from one layer to the next


def computation_graph(
    step: Any,
    layer: str | None = None,
    ax: "Axes | None" = None,
    *,
    neuron: str | None = None,
    sample: int = 0,
) -> "Axes":
    """Draw what was computed for one sample: operations, and numbers on each wire.

    Above a wire stands the value on the way forward, below it in magenta and italics
    the gradient on the way back: how the loss changes with this number. A small network
    of dense layers is drawn down to its multiplications; of any other network each
    layer is one operation, and one neuron can be opened.

    Parameters
    ----------
    step : Step
        From ``net.trace(x, y)``.
    layer : str, optional
        Draw only this layer, neuron by neuron.
    ax : Axes, optional
        Where to draw; a new figure of suitable size otherwise.
    neuron : str, optional
        Draw only this neuron, such as ``"dense_1[2]"``. Of many products the seven
        largest are drawn, and the others as one sum. Below an input stands what comes
        back through this neuron alone.
    sample : int
        Which sample of the batch. Below weights and biases stands its share of their
        gradient.

    Returns
    -------
    Axes

    Raises
    ------
    ConfigurationError
        If it is no step, layer and neuron are both given, or the layer has too many
        neurons or no weighted sums.
    UnknownNameError
        If there is no such layer, neuron or sample.

    References
    ----------
    A. Karpathy, notes of the course CS231n, "Backpropagation, intuitions", 2015: values
    above, gradients below.

    Examples
    --------
    >>> import pellucid
    >>> from matplotlib.figure import Figure
    >>> net = pellucid.NeuralNetwork([pellucid.Dense(1)], loss="mean_squared_error")
    >>> step = net.build(2).trace([[1.0, 2.0]], [[3.0]])
    >>> ax = pellucid.plots.computation_graph(step, ax=Figure().add_subplot())
    >>> sorted({text.get_text() for text in ax.texts} & {"×", "Σ", "dense_1"})
    ['dense_1', '×', 'Σ']
    """
    if not isinstance(step, Step):
        raise ConfigurationError(
            f"Expected a step, got {type(step).__name__}: write net.trace(x, y)."
        )
    if layer is not None and neuron is not None:
        raise ConfigurationError("Give a layer or a neuron, not both.")
    if type(sample) is not int or not -step.n <= sample < step.n:
        raise UnknownNameError(
            f"There is no sample {sample!r}: the step has {step.n}, counted from 0."
        )
    sample %= step.n
    if neuron is not None:
        circuit, what = _one_neuron(step, neuron, sample)
    elif layer is not None:
        circuit, what = _one_layer(step, layer, sample)
    else:
        known = _all_neurons(step, sample)
        if known is None:
            ax = draw_layers(step, sample, ax)
            ax.set_title(_title(step, sample, "The layers"), fontsize=9)
            return ax
        circuit, what = _whole(step, known, sample), "The whole network"
    left, right, top, bottom = circuit.bounds()
    inch = min(0.62, 11 / (right - left), 9 / (bottom - top))
    if ax is None:
        ax = canvas(None, ((right - left) * inch, (bottom - top) * inch + 0.7))
    else:
        width, height = size_in_points(canvas(ax))
        inch = min(width / (right - left), height / (bottom - top)) / 72
    ax.set_title(_title(step, sample, what), fontsize=9)
    circuit.draw(ax, 72 * inch)
    return ax


def _title(step: Step, sample: int, what: str) -> str:
    return (
        f"{what}, sample {sample} of {step.n}, {moment_of_step(step)}\n"
        "above: value     below, magenta: gradient dL/d value"
    )


def _neurons(step: Step, path: str, sample: int) -> Neurons:
    found = neurons_of(step[path], step, sample)
    if found is None:
        raise ConfigurationError(
            f"Layer {path!r} {step[path].layer!r} computes no weighted sums x W + b of "
            "a row of numbers, so it has no neurons to open. Without a layer the graph "
            "shows it as one operation."
        )
    return found


def _one_neuron(step: Step, neuron: Any, sample: int) -> tuple[Circuit, str]:
    match = isinstance(neuron, str) and re.fullmatch(r"\s*([\w.]+)\[(\d+)\]\s*", neuron)
    if not match:
        raise ConfigurationError(
            f"Expected the name of a neuron, such as '{next(iter(step.layers))}[0]', "
            f"got {neuron!r}."
        )
    path, j = match[1], int(match[2])
    neurons = _neurons(step, path, sample)
    if j >= len(neurons.z):
        raise UnknownNameError(
            f"There is no neuron {j} in {path!r}: it has {len(neurons.z)}, counted "
            "from 0."
        )
    circuit = Circuit()
    circuit.neuron(neurons, j, 0.0, 0.0, {}, label_inputs=True)
    return circuit, f"{path}[{j}]"


def _one_layer(step: Step, path: str, sample: int) -> tuple[Circuit, str]:
    neurons = _neurons(step, path, sample)
    if neurons.W.size > _SMALL:
        raise ConfigurationError(
            f"Layer {path!r} has {neurons.W.size} products, too many for a picture of "
            f"all: open one of its neurons with neuron='{path}[0]'."
        )
    circuit = Circuit()
    circuit.column(neurons, 0.0, _inputs(circuit, neurons))
    return circuit, path


def _inputs(circuit: Circuit, neurons: Neurons) -> dict[int, Any]:
    """Draw the inputs of a layer, and return where they are."""
    found, count = {}, len(neurons.x)
    for i in range(count):
        y = 1.5 * (i - (count - 1) / 2)
        start, end = (-_FAN - 1.9, y), (-_FAN - 0.4, y)
        value, gradient = float(neurons.x[i]), float(neurons.dx[i])
        label = f"x{subscript(i)}"
        circuit.wire(start, end, value, gradient, label)
        found[i] = end
    return found


def _all_neurons(step: Step, sample: int) -> list[Neurons] | None:
    """Return all layers as neurons, if the network is a small chain of such."""
    found, products = [], 0
    last = step.x
    for path, layer in step.layers.items():
        neurons = neurons_of(layer, step, sample)
        if neurons is None or not np.array_equal(layer.input, last, equal_nan=True):
            return None
        found.append(neurons)
        products += neurons.W.size
        last = step[path].output
    return found if products <= _SMALL else None


def _whole(step: Step, layers: list[Neurons], sample: int) -> Circuit:
    """Return the circuit from the inputs to the loss."""
    circuit = Circuit()
    sources = _inputs(circuit, layers[0])
    left = 0.0
    for neurons in layers:
        sources = circuit.column(neurons, left, sources)
        left = max(x for x, _ in sources.values()) + _FAN
    loss = step.blueprint.loss.label
    last = layers[-1]
    told = f"{loss} of {last.activation}" if last.joined else loss
    at = left + 0.075 * len(told) - 0.4
    for end in sources.values():
        circuit.wire(end, (at, 0.0))
    circuit.gates.append((at, 0.0, told))
    scale = float(step.sample_weight[sample]) * step.scale
    after = at + 0.4 + 0.075 * len(told)
    circuit.wires.append([(at, 0.0), (after, 0.0)])
    circuit.wire(
        (after, 0.0), (after + 1.6, 0.0), float(step.losses[sample]), scale, "L"
    )
    target = np.ravel(step.y[sample])
    shown = ", ".join(f"{float(each):.3g}" for each in target[:6])
    circuit.texts.append((at - 0.5, 1.0, f"y = {shown}"))
    if last.joined:
        outputs = ", ".join(f"{value:.3g}" for value in last.a[:6])
        circuit.texts.append((at - 0.5, 1.5, f"ŷ = {outputs}"))
    return circuit
