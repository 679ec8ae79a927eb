"""Where in an image the filters of a layer find what they look for."""

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from pellucid.errors import ConfigurationError, suggestion
from pellucid.layers.dense import whole_number
from pellucid.network import NeuralNetwork
from pellucid.plots.tiles import (
    CAPTION,
    GAP,
    LARGEST,
    as_image,
    aspect_of,
    caption,
    columns_for,
    draw_bar,
    draw_image,
    draw_tile,
    largest,
    must_be_finite,
    scale_of,
    sheet,
    some,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_MAPS = 64  # that are drawn


def activation_maps(
    network: NeuralNetwork,
    x: Any,
    layer: str | None = None,
    ax: "Axes | None" = None,
    *,
    most: int = _MAPS,
) -> "Axes":
    """Draw what a layer makes of an image: a small picture for each channel.

    All have the same scale. The numbers are ``network.activations(x)[layer]``.

    Parameters
    ----------
    network : NeuralNetwork
        Its input is images, (n, height, width, channels).
    x : array_like, shape (height, width, channels)
        One image.
    layer : str, optional
        Name of a layer that gives (height, width, channels): a convolution, a pooling;
        the first one of these by default.
    ax : Axes, optional
        Where to draw; a new figure otherwise.
    most : int
        So many channels at most are drawn, those with the largest norm (the root of the
        sum of squares).

    Returns
    -------
    Axes

    Raises
    ------
    ShapeError
        If the network takes no images, or x is none or several.
    ConfigurationError
        If there is no such layer, or it gives no maps.

    Examples
    --------
    >>> import pellucid
    >>> from matplotlib.figure import Figure
    >>> net = pellucid.NeuralNetwork(
    ...     pellucid.models.cnn(10), loss="cross_entropy", input_shape=(8, 8, 1)
    ... )
    >>> image = pellucid.data.digits().x[0].reshape(8, 8, 1)
    >>> ax = pellucid.plots.activation_maps(net, image, ax=Figure().add_subplot())
    >>> ax.get_title()
    'conv2d_1: 16 maps of 8 x 8'
    """
    whole_number("most", most)
    image = as_image(network, x)
    path, maps = _maps(network, image, layer)
    must_be_finite(maps, f"activations of {path!r}")
    rows, columns, count = maps.shape
    chosen = largest(np.linalg.norm(maps.astype(np.float64), axis=(0, 1)), most)
    shown = maps[:, :, chosen]

    wide, high = columns / max(rows, columns), rows / max(rows, columns)
    cell, line = wide + GAP, high + CAPTION
    aspect = aspect_of(ax)
    across = columns_for(len(chosen), cell, line, 0.75 * aspect)
    down = -(-len(chosen) // across)
    # The image is larger than its maps, and stands left of them.
    side = float(np.clip(0.5 * down, 1.0, 3.0))
    seen = side * image.shape[1] / max(image.shape[:2])
    start = seen + 3 * GAP
    told = f"{path}: {some(len(chosen), count, 'map')} of {rows} x {columns}"
    told += f"\n{LARGEST}" if len(chosen) < count else ""
    height = max(
        down * line, CAPTION + side * min(1.0, image.shape[0] / image.shape[1])
    )
    ax = sheet(ax, start + across * cell - GAP, height, told)
    draw_image(ax, image, side)
    colours = scale_of(ax, shown)
    for place, index in enumerate(chosen):
        left, top = start + place % across * cell, CAPTION + place // across * line
        caption(ax, left, top - 0.08, f"{index}")
        picture = draw_tile(ax, shown[:, :, place], left, top, **colours)
    draw_bar(ax, picture, "activation")
    return ax


def _maps(
    network: NeuralNetwork, image: NDArray[Any], name: str | None
) -> tuple[str, NDArray[Any]]:
    """Return the name of the layer and its maps, shape (rows, columns, channels)."""
    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
        found = network.activations(image)
    known = [path for path, values in found.items() if values.ndim == 3]
    if not known:
        raise ConfigurationError("No layer of the network gives maps of the image.")
    layers = network.blueprint.layers
    # Layers before a convolution, such as Rescale, show but the image again.
    looking = [path for path in known if path in layers and layers[path].images]
    path = (looking or known)[0] if name is None else name
    if path not in found:
        raise ConfigurationError(
            f"No layer is called {path!r}. {suggestion(path, found)}"
        )
    if path not in known:
        shape = ", ".join(map(str, found[path].shape))
        raise ConfigurationError(
            f"Layer {path!r} {network.blueprint.layers[path]!r} gives (n, {shape}), "
            f"which are no maps. Layers with maps: {', '.join(known)}."
        )
    return path, found[path]
