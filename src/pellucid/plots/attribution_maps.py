"""Which pixels of an image a prediction rests on."""

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from pellucid import attribution
from pellucid.network import NeuralNetwork
from pellucid.plots.canvas import two_colours
from pellucid.plots.tiles import (
    CAPTION,
    GAP,
    as_image,
    caption,
    draw_bar,
    draw_image,
    draw_tile,
    must_be_finite,
    scale_of,
    sheet,
)
from pellucid.targets import chooses

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_SIDE = 3.0  # units of the image's longer side


def saliency(
    network: NeuralNetwork, x: Any, target: Any = None, ax: "Axes | None" = None
) -> "Axes":
    """Draw how much each pixel of an image moves the score of a class.

    Blue pixels raise the score when they become brighter, orange ones lower it. Of
    several channels the one that moves it most is drawn. The numbers are
    ``pellucid.saliency(network, x, target)``.

    Parameters
    ----------
    network : NeuralNetwork
        Its input is images, (n, height, width, channels).
    x : array_like, shape (height, width, channels)
        One image.
    target : label or int, optional
        The class whose score is meant, see `pellucid.saliency`; by default what is
        predicted.
    ax : Axes, optional
        Where to draw; a new figure otherwise.

    Returns
    -------
    Axes

    Raises
    ------
    ShapeError
        If the network takes no images, or x is none or several.
    ConfigurationError
        If there is no such target.

    Examples
    --------
    >>> import pellucid
    >>> from matplotlib.figure import Figure
    >>> net = pellucid.NeuralNetwork(
    ...     pellucid.models.cnn(10), loss="cross_entropy", input_shape=(8, 8, 1)
    ... )
    >>> image = pellucid.data.digits().x[0].reshape(8, 8, 1)
    >>> ax = pellucid.plots.saliency(net, image, 3, Figure().add_subplot())
    >>> [text.get_text() for text in ax.texts]
    ['image', 'what moves the score']
    """
    image = as_image(network, x)
    gradient = attribution.saliency(network, image, target)
    must_be_finite(gradient, "slopes of the score")
    strongest = np.abs(gradient).argmax(axis=2)[:, :, None]
    values = np.take_along_axis(gradient, strongest, axis=2)[:, :, 0]
    what = ("what moves the score", "score per unit of a pixel")
    return _side_by_side(ax, image, values, *what, _title(network, image, target))


def occlusion(
    network: NeuralNetwork,
    x: Any,
    target: Any = None,
    ax: "Axes | None" = None,
    *,
    size: int | None = None,
    stride: int | None = None,
    fill: Any = None,
) -> "Axes":
    """Draw how much the score of a class falls when a place of the image is hidden.

    Blue places speak for the class: without them its score is lower. Orange ones speak
    against it. The frame is the square that takes away most. The numbers are
    ``pellucid.occlusion(network, x, target)``.

    Parameters
    ----------
    network : NeuralNetwork
        Its input is images, (n, height, width, channels).
    x : array_like, shape (height, width, channels)
        One image.
    target : label or int, optional
        The class whose score is meant, see `pellucid.saliency`; by default what is
        predicted.
    ax : Axes, optional
        Where to draw; a new figure otherwise.
    size, stride, fill
        Of the square that hides, see `pellucid.occlusion`.

    Returns
    -------
    Axes

    Raises
    ------
    ShapeError
        If the network takes no images, or x is none or several.
    ConfigurationError
        If there is no such target, or no such square.

    Examples
    --------
    >>> import pellucid
    >>> from matplotlib.figure import Figure
    >>> net = pellucid.NeuralNetwork(
    ...     pellucid.models.cnn(10), loss="cross_entropy", input_shape=(8, 8, 1)
    ... )
    >>> image = pellucid.data.digits().x[0].reshape(8, 8, 1)
    >>> ax = pellucid.plots.occlusion(net, image, 3, Figure().add_subplot(), size=2)
    >>> [text.get_text() for text in ax.texts]
    ['image', 'with 2 x 2 pixels hidden']
    """
    image = as_image(network, x)
    size, stride = attribution.square(image.shape[:2], size, stride)
    values = attribution.occlusion(
        network, image, target, size=size, stride=stride, fill=fill
    )
    must_be_finite(values, "falls of the score")
    what = (f"with {size} x {size} pixels hidden", "fall of the score")
    ax = _side_by_side(ax, image, values, *what, _title(network, image, target))
    _frame(ax, image, values, size, stride)
    return ax


def _frame(
    ax: "Axes", image: NDArray[Any], values: NDArray[Any], size: int, stride: int
) -> None:
    """Frame the square of the image that takes away most, if one takes anything."""
    from matplotlib.patches import Rectangle
    from matplotlib.patheffects import withStroke

    if values.max() <= 0:
        return
    place = np.array(np.unravel_index(values.argmax(), values.shape)) * stride
    start = place - (size - stride) // 2
    top, left = np.maximum(start, 0)
    bottom, right = np.minimum(start + size, image.shape[:2])
    unit = _SIDE / max(image.shape[:2])
    frame = Rectangle(
        (left * unit, CAPTION + top * unit),
        (right - left) * unit,
        (bottom - top) * unit,
        fill=False,
        edgecolor=two_colours(ax)[0],
        linewidth=2.0,
        clip_on=False,
        path_effects=[withStroke(linewidth=4.0, foreground="#ffffff")],
    )
    ax.add_patch(frame)


def _side_by_side(
    ax: Any,
    image: NDArray[Any],
    values: NDArray[Any],
    name: str,
    unit: str,
    title: str,
) -> "Axes":
    """Draw an image, and numbers about its pixels."""
    wide, high = (length / max(image.shape[:2]) for length in image.shape[1::-1])
    width = _SIDE * wide
    drawn = sheet(ax, 2 * width + 2 * GAP, _SIDE * high + CAPTION, title)
    draw_image(drawn, image, _SIDE)
    left = width + 2 * GAP
    caption(drawn, left, CAPTION - 0.08, name)
    colours = scale_of(drawn, values, signed=True)
    draw_bar(drawn, draw_tile(drawn, values, left, CAPTION, _SIDE, **colours), unit)
    return drawn


def _title(network: NeuralNetwork, image: NDArray[Any], target: Any) -> str:
    """Return whose score it is, and what is predicted."""
    index = attribution.target_of(network, image, target)
    if network.loss.task == "numbers":
        values = network.feedforward(image)
        name = "the output" if len(values) == 1 else f"output {index}"
        return f"{name}, which is {values[index]:.4g}"
    several = not chooses(network.blueprint)
    classes = network.classes
    name = (
        f"label {index}"
        if several
        else str(index if classes is None else classes[index])
    )
    told = f"score of {name}"
    if network.loss.link != "identity":  # scores that are no logits
        p = network.predict_proba(image, engine="readable")[index]
        told += f" (probability {p:.1%})".replace("%", " %")
    guess = network.predict(image, engine="readable")
    return told if several or str(guess) == name else f"{told}; predicted: {guess}"
