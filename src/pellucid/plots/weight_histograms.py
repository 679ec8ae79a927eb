"""How weights are spread: in every layer, and over the course of a training."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from pellucid.errors import ConfigurationError, DataError, suggestion
from pellucid.network import NeuralNetwork
from pellucid.plots.canvas import canvas, frame, ink, is_dark, paper, two_colours
from pellucid.plots.palette import mix
from pellucid.training.callbacks import RecordWeights

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_BINS = 50  # of a histogram, for many entries
_FEW = 40  # so many entries are shown one by one
_ROWS = 24  # moments of a training that have room below each other


def weights(network: NeuralNetwork, ax: "Axes | None" = None) -> "Axes":
    """Draw a histogram of every parameter, one below the other.

    All have the same scale of values, and each is as high as the others. Few entries
    are ticks as well, one for each.

    Parameters
    ----------
    network : NeuralNetwork
        Any that knows its input shape.
    ax : Axes, optional
        Where to draw; a new figure otherwise.

    Returns
    -------
    Axes

    Raises
    ------
    ConfigurationError
        If the network has no parameters.

    Examples
    --------
    >>> import pellucid
    >>> from matplotlib.figure import Figure
    >>> net = pellucid.NeuralNetwork(
    ...     [pellucid.Dense(8, "relu"), pellucid.Dense(3)],
    ...     loss="cross_entropy",
    ...     input_shape=4,
    ... )
    >>> ax = pellucid.plots.weights(net, Figure().add_subplot())
    >>> [label.get_text() for label in ax.get_yticklabels()][:2]
    ['dense_1.W (4, 8)', 'dense_1.b (8,)']
    """
    if not isinstance(network, NeuralNetwork):
        raise ConfigurationError(
            f"Expected a NeuralNetwork, got {type(network).__name__}."
        )
    found = dict(network.parameters.items())
    if not found:
        raise ConfigurationError("The network has no parameters: nothing to draw.")
    ax = canvas(ax, (6.4, max(2.4, 1.2 + 0.55 * len(found))))
    blue = two_colours(ax)[0]
    labels = [f"{name} {values.shape}" for name, values in found.items()]
    rows = [values.ravel() for values in found.values()]
    _ridges(ax, rows, [blue] * len(rows), labels)
    frame(ax, "value", "parameter")
    ax.grid(visible=False, axis="y")
    return ax


def weights_over_time(
    record: RecordWeights, parameter: str | None = None, ax: "Axes | None" = None
) -> "Axes":
    """Draw histograms of a parameter as it was during training, the first one on top.

    Few entries are lines instead, one for each, down the course of the training.

    Parameters
    ----------
    record : RecordWeights
        The callback that was given to `fit`.
    parameter : str, optional
        Which one, such as ``"dense_1.W"``; the first one by default.
    ax : Axes, optional
        Where to draw; a new figure otherwise.

    Returns
    -------
    Axes

    Raises
    ------
    ConfigurationError
        If nothing was recorded, or there is no such parameter.

    Examples
    --------
    >>> import pellucid
    >>> from matplotlib.figure import Figure
    >>> data, record = pellucid.data.iris(), pellucid.RecordWeights()
    >>> net = pellucid.NeuralNetwork([pellucid.Dense(3)], loss="cross_entropy")
    >>> history = net.fit(data.x, data.y, epochs=5, callbacks=record)
    >>> ax = pellucid.plots.weights_over_time(record, ax=Figure().add_subplot())
    >>> ax.get_ylabel()
    'iteration'
    """
    if not isinstance(record, RecordWeights):
        raise ConfigurationError(
            "Expected the callback RecordWeights that was given to fit, got "
            f"{type(record).__name__}."
        )
    if not record.steps:
        raise ConfigurationError(
            "Nothing was recorded yet: call fit(..., callbacks=record) first."
        )
    name = next(iter(record.weights)) if parameter is None else parameter
    if name not in record.weights:
        raise ConfigurationError(
            f"No parameter is called {name!r}. {suggestion(name, record.weights)}"
        )
    kept = record.weights[name]
    places = np.unique(np.linspace(0, len(kept) - 1, _ROWS).round().astype(int))
    ax = canvas(ax, (6.4, max(2.4, 1.2 + 0.22 * len(places))))
    blue = two_colours(ax)[0]
    if kept[0].size <= _FEW:
        ax.plot(np.stack(kept), record.steps, color=blue, linewidth=1.2, alpha=0.8)
        ax.invert_yaxis()
        ax.margins(y=0.02)
        frame(ax, name, "iteration")
        return ax
    early = mix(blue, paper(ax), 0.7)
    colours = [mix(early, blue, share) for share in np.linspace(0, 1, len(places))]
    labels = [f"{record.steps[place]:,}" for place in places]
    _ridges(ax, [kept[place] for place in places], colours, labels)
    frame(ax, name, "iteration")
    ax.grid(visible=False, axis="y")
    return ax


def _ridges(
    ax: "Axes", rows: Sequence[NDArray[Any]], colours: list[str], labels: list[str]
) -> None:
    """Draw histograms below each other, the later ones in front of the earlier."""
    everything = np.concatenate(rows).astype(np.float64)
    if not np.isfinite(everything).all():
        raise DataError("There are weights that are not finite: nothing can be drawn.")
    low, high = float(everything.min()), float(everything.max())
    if low == high:
        low, high = low - 0.5, high + 0.5
    edge = mix(colours[-1], "#ffffff" if is_dark(ax) else "#000000", 0.35)
    for place, (values, colour) in enumerate(zip(rows, colours, strict=True)):
        edges = _edges(values, high - low)
        counts = np.histogram(values, edges)[0]
        heights = np.repeat(counts / counts.max(), 2)
        base = -float(place)
        left, right = min(low, edges[0]), max(high, edges[-1])
        outline = np.concatenate([[0.0, 0.0], heights, [0.0, 0.0]])
        corners = (
            np.concatenate([[left], np.repeat(edges, 2), [right]]),
            base + outline,
        )
        layer: Any = {"zorder": 2 + place / len(rows)}
        ax.fill_between(*corners, base, color=colour, alpha=0.75, linewidth=0, **layer)
        ax.plot(*corners, color=edge, linewidth=0.8, **layer)
        if values.size <= _FEW:
            ticks: Any = {"linestyle": "", "marker": "|", "markersize": 5}
            ax.plot(values, np.full(values.size, base), color=ink(ax), **ticks, **layer)
    ax.set_yticks(-np.arange(len(rows)), labels)
    ax.tick_params(axis="y", length=0)
    ax.set_ylim(-len(rows) + 0.6, 1.15)
    ax.margins(x=0.02)


def _edges(values: NDArray[Any], span: float) -> NDArray[np.float64]:
    """Return the edges of the bins of some values, none too narrow to be seen."""
    low, high = float(values.min()), float(values.max())
    most = float(np.clip(2.0 * values.size**0.5, 6, _BINS))
    width = max((high - low) / most, span / 120)
    count = max(1, round((high - low) / width))
    middle = 0.5 * (low + high)
    places = np.arange(count + 1, dtype=np.float64) - 0.5 * count
    edges: NDArray[np.float64] = middle + width * places
    edges[0], edges[-1] = min(edges[0], low), max(edges[-1], high)
    return edges
