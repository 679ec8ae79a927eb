"""Small pictures side by side in one Axes: images, filters, maps.

A place is counted in units, one of which is the longer side of a small picture; x grows
to the right and y downwards.
"""

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from pellucid.arrays import as_inputs
from pellucid.errors import ConfigurationError, DataError, ShapeError
from pellucid.layers.inputs import Input
from pellucid.network import NeuralNetwork
from pellucid.plots.canvas import canvas, ink, is_dark, size_in_points
from pellucid.plots.palette import DARK, LIGHT, share_map, signed_map

if TYPE_CHECKING:
    from matplotlib.axes import Axes

WIDE = 1.5  # width over height of a picture that may be as wide as it likes
GAP = 0.12  # between neighbours
CAPTION = 0.3  # height of a line of text
LARGEST = "shown are those with the largest norm"

_INCHES = 1.0  # of a unit in a figure of our own, where that is not too large
_BAR = 0.9  # inches for a colour bar with its words


def columns_for(count: int, width: float, height: float, aspect: float = WIDE) -> int:
    """Return in how many columns cells fill a rectangle best.

    Parameters
    ----------
    count : int
        Number of cells.
    width, height : float
        Of a cell.
    aspect : float
        Width of the rectangle over its height.

    Returns
    -------
    int

    Examples
    --------
    >>> from pellucid.plots.tiles import columns_for
    >>> [columns_for(count, 1, 1) for count in (1, 3, 10, 16, 32)]
    [1, 3, 5, 4, 8]
    """

    def worth(columns: int) -> float:
        rows = -(-count // columns)
        scale = min(aspect / (columns * width), 1 / (rows * height))
        # A last row with holes looks as if something were missing.
        return scale * (count / (rows * columns)) ** 3

    return max(range(1, count + 1), key=worth)


def aspect_of(ax: Any) -> float:
    """Return width over height of what a picture has to fill.

    Parameters
    ----------
    ax : Axes or None
        What the user gave.

    Returns
    -------
    float
    """
    if ax is None:
        return WIDE
    width, height = size_in_points(canvas(ax))
    return width / height


def sheet(ax: Any, width: float, height: float, title: str) -> "Axes":
    """Return empty Axes that show a rectangle of so many units.

    Parameters
    ----------
    ax : Axes or None
        What the user gave.
    width, height : float
        Of the rectangle, in units.
    title : str
        What stands above.

    Returns
    -------
    Axes
    """
    inches = min(_INCHES, 10 / width, 8 / height)
    letters = max(map(len, title.split("\n")))
    size = (
        max(width * inches + _BAR, 0.1 * letters),
        max(height * inches, 1.0) + 0.25 * len(title.split("\n")) + 0.25,
    )
    drawn = canvas(ax, size, square=True)
    drawn.set_axis_off()
    drawn.set_aspect("equal")
    drawn.set_xlim(0, width)
    drawn.set_ylim(height, 0)
    drawn.set_title(title)
    return drawn


def unit_of(ax: "Axes") -> float:
    """Return how many points a unit of a sheet has.

    Parameters
    ----------
    ax : Axes
        From `sheet`.

    Returns
    -------
    float
    """
    (width, height), (bottom, top) = size_in_points(ax), ax.get_ylim()
    return float(min(width / ax.get_xlim()[1], height / (bottom - top)))


def draw_tile(
    ax: "Axes",
    pixels: NDArray[Any],
    left: float,
    top: float,
    side: float = 1.0,
    **colours: Any,
) -> Any:
    """Draw a small picture, with square pixels and a thin rim.

    Parameters
    ----------
    ax : Axes
        From `sheet`.
    pixels : ndarray, shape (height, width) or (height, width, 3)
        Numbers, or colours from 0 to 1.
    left, top : float
        Where its corner is.
    side : float
        Length of its longer side.
    **colours
        What numbers are drawn with, from `scale_of`.

    Returns
    -------
    AxesImage
    """
    from matplotlib.patches import Rectangle

    width, height = (
        side * length / max(pixels.shape[:2])
        for length in (pixels.shape[1], pixels.shape[0])
    )
    limits = ax.get_xlim(), ax.get_ylim()
    picture = ax.imshow(
        pixels,
        extent=(left, left + width, top + height, top),
        interpolation="nearest",
        **colours,
    )
    ax.set_xlim(limits[0])
    ax.set_ylim(limits[1])
    rim = Rectangle(
        (left, top),
        width,
        height,
        fill=False,
        edgecolor=ink(ax),
        alpha=0.5,
        linewidth=0.5,
        clip_on=False,
    )
    ax.add_patch(rim)
    return picture


def caption(ax: "Axes", x: float, y: float, text: str, **style: Any) -> None:
    """Write beside small pictures, unless letters would be specks.

    Parameters
    ----------
    ax : Axes
        From `sheet`.
    x, y : float
        Where the text begins, on its baseline.
    text : str
        What is written.
    **style
        Arguments for `Axes.text`.
    """
    size = min(0.23 * unit_of(ax), 9.0)
    if size >= 3:
        ax.text(x, y, text, fontsize=size, color=ink(ax), **style)


def draw_image(ax: "Axes", image: NDArray[Any], side: float) -> None:
    """Draw the image that a picture is about, at the left, with what it is above.

    Parameters
    ----------
    ax : Axes
        From `sheet`.
    image : ndarray, shape (height, width, channels)
        From `as_image`.
    side : float
        Length of its longer side, in units.
    """
    channels = image.shape[2]
    mean = "" if channels in (1, 3) else f" (mean of {channels} channels)"
    caption(ax, 0.0, CAPTION - 0.08, f"image{mean}")
    draw_tile(ax, as_picture(image), 0.0, CAPTION, side)


def draw_bar(ax: "Axes", picture: Any, label: str) -> None:
    """Draw the colour bar of small pictures: beside them, or below where they are low.

    Parameters
    ----------
    ax : Axes
        From `sheet`.
    picture : AxesImage
        One of them, from `draw_tile`.
    label : str
        What the numbers are.
    """
    from matplotlib.ticker import MaxNLocator

    low = ax.get_xlim()[1] > 5 * ax.get_ylim()[0]
    place: dict[str, Any] = (
        {"orientation": "horizontal", "aspect": 40, "ticks": MaxNLocator(7)}
        if low
        else {"fraction": 0.046, "pad": 0.04}
    )
    ax.figure.colorbar(picture, ax=ax, label=label, **place)


def must_be_finite(values: NDArray[Any], what: str) -> None:
    """Raise `DataError` if there are numbers that have no colour.

    Parameters
    ----------
    values : ndarray
        What is to be drawn.
    what : str
        What the numbers are.
    """
    count = values.size - int(np.isfinite(values).sum())
    if count:
        raise DataError(
            f"{count} of {values.size} {what} are not finite: there is no picture of "
            "them. The weights of the network may be too large."
        )


def scale_of(
    ax: "Axes", values: NDArray[Any], *, signed: bool = False
) -> dict[str, Any]:
    """Return colours for numbers: zero is the ground, and the middle if some are below.

    Parameters
    ----------
    ax : Axes
        Where is drawn.
    values : ndarray
        All numbers.
    signed : bool
        Whether there is a negative side even where no number is negative.

    Returns
    -------
    dict
        Arguments for `draw_tile`.
    """
    from matplotlib.colors import Normalize

    scale = DARK if is_dark(ax) else LIGHT
    largest = float(np.abs(values).max(initial=0.0)) or 1.0
    if signed or (values < 0).any():
        return {"cmap": signed_map(scale), "norm": Normalize(-largest, largest)}
    return {"cmap": share_map(scale), "norm": Normalize(0.0, largest)}


def as_image(network: Any, x: Any) -> NDArray[Any]:
    """Return the one image that a picture is about.

    Parameters
    ----------
    network : NeuralNetwork
        What will see it.
    x : array_like, shape (height, width, channels)
        What the user gave.

    Returns
    -------
    ndarray, shape (height, width, channels)
        Bytes stay bytes.

    Raises
    ------
    ConfigurationError
        If `network` is none.
    ShapeError
        If it takes no images, or x is none or several.
    """
    if not isinstance(network, NeuralNetwork):
        raise ConfigurationError(
            f"Expected a NeuralNetwork, got {type(network).__name__}."
        )
    inputs = network.blueprint.inputs
    if not isinstance(inputs, Input) or len(inputs.shape) != 3:
        given = inputs.shape if isinstance(inputs, Input) else sorted(inputs)
        raise ShapeError(
            f"The network takes {given}; expected one that takes images, (height, "
            "width, channels)."
        )
    batch, n, single = as_inputs(x, inputs, network.dtype)
    if not single:
        raise ShapeError(
            f"x holds {n} images; a picture is about one of them: write x[0]."
        )
    image: NDArray[Any] = batch[0]
    return image


def as_picture(
    image: NDArray[Any], low: float | None = None, high: float | None = None
) -> NDArray[np.float64]:
    """Return an image as colours from 0 to 1: its smallest number is black.

    Three channels are red, green and blue; of any other number the mean is drawn in
    grey. Bytes are colours already, from 0 to 255.

    Parameters
    ----------
    image : ndarray, shape (..., height, width, channels)
        One image, or several.
    low, high : float, optional
        The numbers that are black and white.

    Returns
    -------
    ndarray, shape (..., height, width, 3)
    """
    if image.dtype == np.uint8:
        low, high = 0.0, 255.0
    numbers = image.astype(np.float64)
    if image.shape[-1] != 3:
        numbers = np.repeat(numbers.mean(axis=-1, keepdims=True), 3, axis=-1)
    low = float(numbers.min()) if low is None else low
    high = float(numbers.max()) if high is None else high
    return (numbers - low) / (high - low) if high > low else np.full_like(numbers, 0.5)


def largest(norms: NDArray[Any], most: int) -> NDArray[np.intp]:
    """Return the places of the largest numbers, in their order.

    Parameters
    ----------
    norms : ndarray, shape (n,)
        Of what there is to choose from.
    most : int
        How many at most.

    Returns
    -------
    ndarray of int
    """
    return np.sort(np.argsort(-norms, kind="stable")[:most])


def some(shown: int, count: int, what: str) -> str:
    """Return how many there are, and how many of them are drawn.

    Parameters
    ----------
    shown, count : int
        Drawn, and all.
    what : str
        What one of them is.

    Returns
    -------
    str

    Examples
    --------
    >>> from pellucid.plots.tiles import some
    >>> some(1, 1, "filter"), some(16, 32, "filter")
    ('1 filter', '16 of 32 filters')
    """
    number = f"{shown} of {count}" if shown < count else f"{count}"
    return f"{number} {what}{'s' * (count > 1)}"
