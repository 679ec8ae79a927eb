"""What the filters of a convolution look for."""

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from pellucid.errors import ConfigurationError, suggestion
from pellucid.layers.convolution import Conv2D
from pellucid.layers.dense import whole_number
from pellucid.layers.inputs import Input
from pellucid.layers.separable import DepthwiseConv2D, SeparableConv2D
from pellucid.layers.transposed import ConvTranspose2D
from pellucid.network import NeuralNetwork
from pellucid.plots.tiles import (
    CAPTION,
    GAP,
    LARGEST,
    aspect_of,
    caption,
    columns_for,
    draw_bar,
    draw_tile,
    largest,
    must_be_finite,
    scale_of,
    sheet,
    some,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_CHANNELS = 16  # that are drawn of each filter
_FILTERS = 64  # that are drawn at all
_TILES = 256  # filters times channels

_LABEL = 0.5  # room left of a filter for its number
_APART = 0.2  # from a filter to the next number


def filters(
    network: NeuralNetwork,
    layer: str | None = None,
    ax: "Axes | None" = None,
    *,
    most: int | None = None,
) -> "Axes":
    """Draw the filters of a convolution: blue is positive, orange is negative.

    Each is a square of its weights for every channel that it sees, and all have the
    same scale. Of a transposed convolution it is what one pixel paints; of a separable
    one the two steps are multiplied.

    Parameters
    ----------
    network : NeuralNetwork
        Any that knows its input shape.
    layer : str, optional
        Name of a `Conv2D`, `DepthwiseConv2D`, `SeparableConv2D` or `ConvTranspose2D`;
        the first one by default.
    ax : Axes, optional
        Where to draw; a new figure otherwise.
    most : int, optional
        So many filters at most are drawn, those with the largest norm (the root of the
        sum of squares); by default 64, and fewer where each has many channels. Of more
        than 16 channels the 16 with the largest norm are drawn.

    Returns
    -------
    Axes

    Raises
    ------
    ConfigurationError
        If there is no such layer, or it is no convolution of images.

    Examples
    --------
    >>> import pellucid
    >>> from matplotlib.figure import Figure
    >>> net = pellucid.NeuralNetwork(
    ...     pellucid.models.cnn(10), loss="cross_entropy", input_shape=(8, 8, 1)
    ... )
    >>> ax = pellucid.plots.filters(net, ax=Figure().add_subplot())
    >>> ax.get_title()
    'conv2d_1: 16 filters of 3 x 3 pixels'
    """
    if most is not None:
        whole_number("most", most)
    path, weights = _weights(network, layer)
    must_be_finite(weights, f"weights of {path!r}")
    total = weights.shape[2]
    norms = np.sqrt(np.square(weights.astype(np.float64)).sum(axis=(0, 1)))
    limit = min(_FILTERS, _TILES // min(total, _CHANNELS)) if most is None else most
    chosen = largest(np.linalg.norm(norms, axis=0), limit)
    channels = largest(np.linalg.norm(norms[:, chosen], axis=1), _CHANNELS)
    shown = weights[:, :, channels][..., chosen]

    rows, columns = weights.shape[:2]
    high, wide = rows / max(rows, columns), columns / max(rows, columns)
    # A strip is a number and a square for each channel; strips fill the picture.
    strip = _LABEL + len(channels) * (wide + GAP) - GAP + _APART
    line = high + (GAP if total > 1 else 0.2)
    head = CAPTION if total > 1 else 0.0
    across = columns_for(len(chosen), strip, line, aspect_of(ax))
    down = -(-len(chosen) // across)
    names = [f"{channel}" for channel in channels]
    if total == 3 and _sees_data(network, path):
        names = ["red", "green", "blue"]
    told = _title(path, weights.shape, len(chosen), len(channels))
    ax = sheet(ax, across * strip, head + down * line, told)
    colours = scale_of(ax, shown)
    for place, index in enumerate(chosen):
        top, left = head + place // across * line, place % across * strip + _LABEL
        right = {"ha": "right", "va": "center"}
        caption(ax, left - GAP, top + high / 2, f"{index}", **right)
        for step, name in enumerate(names):
            x = left + step * (wide + GAP)
            pixels = shown[:, :, step, place]
            picture = draw_tile(ax, pixels, x, top, **colours)
            if total > 1 and place < across:
                caption(ax, x + wide / 2, top - 0.08, name, ha="center")
    draw_bar(ax, picture, "weight")
    return ax


def _title(path: str, shape: Any, filters: int, channels: int) -> str:
    rows, columns, total, count = shape
    lines = [f"{path}: {some(filters, count, 'filter')} of {rows} x {columns} pixels"]
    if total > 1:
        lines.append(f"columns: {some(channels, total, 'channel')}")
    if (filters, channels) != (count, total):
        lines.append(LARGEST)
    return "\n".join(lines)


def _sees_data(network: NeuralNetwork, path: str) -> bool:
    """Return whether a layer is the first one that can make other channels of images.

    The channels that it sees are then those of the images.
    """
    layers = network.blueprint.layers
    first = next(name for name, layer in layers.items() if _reading(layer))
    inputs = network.blueprint.inputs
    images = isinstance(inputs, Input) and len(inputs.shape) == 3
    return images and path == first


def _plain(_: Any, p: Any) -> Any:
    return p["W"]


def _product(layer: Any, p: Any) -> Any:
    """Return what both steps of a separable convolution are together."""
    rows, columns, _, steps = p["D"].shape
    channels = steps // layer.multiplier
    D = p["D"].reshape(rows, columns, channels, layer.multiplier)
    W = p["W"].reshape(channels, layer.multiplier, layer.filters)
    return np.einsum("uvcm,cmf->uvcf", D, W)


def _painted(layer: Any, p: Any) -> Any:
    """Return what pixels paint: each group of channels paints filters of its own."""
    rows, columns, each, channels = p["W"].shape
    W = p["W"].reshape(rows, columns, each, layer.groups, channels // layer.groups)
    return np.transpose(W, (0, 1, 4, 3, 2)).reshape(rows, columns, -1, layer.filters)


# Where each kind of layer has its filters, as (rows, columns, channels, filters).
_ORDER = {
    Conv2D: _plain,
    DepthwiseConv2D: _plain,
    SeparableConv2D: _product,
    ConvTranspose2D: _painted,
}


def _reading(layer: Any) -> Any:
    """Return what reads the filters of a layer, None where it has none."""
    return next(
        (read for kind, read in _ORDER.items() if isinstance(layer, kind)), None
    )


def _weights(network: Any, name: str | None) -> tuple[str, NDArray[Any]]:
    """Return the name of the layer and its filters."""
    if not isinstance(network, NeuralNetwork):
        raise ConfigurationError(
            f"Expected a NeuralNetwork, got {type(network).__name__}."
        )
    layers = network.blueprint.layers
    known = [path for path, layer in layers.items() if _reading(layer)]
    if not known:
        raise ConfigurationError(
            "The network has no convolution of images, and so no filters."
        )
    path = known[0] if name is None else name
    if path not in layers:
        raise ConfigurationError(
            f"No layer is called {path!r}. {suggestion(path, layers)}"
        )
    if path not in known:
        raise ConfigurationError(
            f"Layer {path!r} {layers[path]!r} has no filters. Convolutions of images "
            f"here: {', '.join(known)}."
        )
    layer = layers[path]
    return path, _reading(layer)(layer, network.parameters[path])
