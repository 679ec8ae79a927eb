"""What the diagram of a network consists of, and what each number looks like.

Whoever draws a scene reads these records; one unit is the distance between two neurons,
and y runs downwards.
"""

import math
from dataclasses import dataclass
from functools import cached_property

from pellucid.plots.palette import DARK, LIGHT, brightness, signed_colour

RADIUS = 0.36  # of a circle
BIG, SMALL = 0.26, 0.22  # heights of letters
SHEET = 0.1  # from one sheet of a stack to the next
LEVELS = 4  # shades of each sign
FRAME = 0.1  # width of the frame around a scene, and twice its distance from the rim

# Ink, quiet lines, paper, and boxes, on a light and on a dark ground.
GROUND = {
    False: {"ink": "#1f2328", "quiet": "#8c959f", "paper": "#ffffff", "box": "#eef1f4"},
    True: {"ink": "#e6edf3", "quiet": "#7d8590", "paper": "#16191d", "box": "#2b3036"},
}


@dataclass(eq=False)
class Point:
    """A place, which several things share, so that they move together.

    Parameters
    ----------
    x, y : float
        To the right, and downwards.
    """

    x: float
    y: float


@dataclass(eq=False)
class Line:
    """A way that numbers take.

    Parameters
    ----------
    points : tuple of Point
        Its corners.
    value : float or None
        The weight; None where numbers pass unchanged.
    name : str
        Name of the weight, such as ``dense_1.W[0, 2]``.
    wide : bool
        Whether it stands for a whole array.
    """

    points: tuple[Point, ...]
    value: float | None = None
    name: str = ""
    wide: bool = False


@dataclass(eq=False)
class Circle:
    """An input or a neuron.

    Parameters
    ----------
    at : Point
        Its middle.
    text : str
        What stands inside.
    value : float or None
        The bias, if it has one.
    name : str
        Name of the bias, such as ``dense_1.b[2]``.
    """

    at: Point
    text: str = ""
    value: float | None = None
    name: str = ""


@dataclass(eq=False)
class Box:
    """A layer without weighted sums.

    Parameters
    ----------
    at : Point
        Its middle.
    width, height : float
        Its size.
    text : str
        What stands inside, from bottom to top where the box is narrow.
    upright : bool
        Whether the text stands upright.
    sheets : int
        How many lie on each other, each a little above and to the right of the one
        before it: an image has several channels.
    """

    at: Point
    width: float
    height: float
    text: str
    upright: bool = False
    sheets: int = 1

    @property
    def corners(self) -> list[tuple[float, float]]:
        """Left and top of every sheet, the hindmost first."""
        left, top = self.at.x - self.width / 2, self.at.y - self.height / 2
        behind = range(self.sheets - 1, -1, -1)
        return [(left + SHEET * number, top - SHEET * number) for number in behind]


@dataclass(eq=False)
class Text:
    """A label.

    Parameters
    ----------
    at : Point
        Its middle, or its left end.
    text : str
        What it says.
    size : float
        Height of the letters.
    bold : bool
        Whether it is a name.
    from_left : bool
        Whether it begins at its place.
    """

    at: Point
    text: str
    size: float = SMALL
    bold: bool = False
    from_left: bool = False


@dataclass
class Scene:
    """A diagram, ready to be drawn.

    Attributes
    ----------
    width, height : float
        Its size.
    title, description : str
        What it shows, in a few words and at length.
    lines, circles, boxes, texts : list
        What it consists of, those of the legend last.
    largest_weight, largest_bias : float
        Sizes of the largest ones drawn: they have the full width and colour.
    frame : str
        Colour of a frame around everything; "" for none.
    """

    width: float
    height: float
    title: str
    description: str
    lines: list[Line]
    circles: list[Circle]
    boxes: list[Box]
    texts: list[Text]
    largest_weight: float
    largest_bias: float
    frame: str = ""

    @cached_property
    def weights(self) -> list[Line]:
        """Lines with a weight, large ones last, so that they lie on top."""
        weights = [line for line in self.lines if line.value is not None]
        return sorted(weights, key=lambda line: abs(line.value or 0.0))

    @cached_property
    def passing(self) -> list[Line]:
        """Lines without a weight."""
        return [line for line in self.lines if line.value is None]


def share(value: float | None, largest: float) -> float:
    """Return a number as a share of the largest, from -1 to 1.

    Parameters
    ----------
    value : float or None
        The number; None counts as 0.
    largest : float
        Size of the largest.

    Returns
    -------
    float
    """
    return 0.0 if value is None or largest == 0 else value / largest


def level(value: float | None, largest: float) -> int:
    """Return the shade of a number: from -4 to 4, 0 only for zero itself.

    Parameters
    ----------
    value : float or None
        The number; None counts as 0.
    largest : float
        Size of the largest.

    Returns
    -------
    int
    """
    if not value:
        return 0
    # The share of a tiny number can be 0 in floating point.
    size = max(1, math.ceil(abs(share(value, largest)) * LEVELS))
    return int(math.copysign(size, value))


def thickness(scene: Scene, line: Line) -> float:
    """Return the width of a line: the larger the weight, the wider.

    Parameters
    ----------
    scene : Scene
        What is drawn.
    line : Line
        One of its lines.

    Returns
    -------
    float
        In units.
    """
    if line.value is None:
        return 0.07 if line.wide else 0.03
    # Where there are many lines the widest must be narrower.
    widest = 0.11 if len(scene.weights) <= 60 else 0.07
    return 0.02 + widest * abs(share(line.value, scene.largest_weight))


def dashes(width: float) -> tuple[float, float]:
    """Return lengths of dash and gap of a line, in units.

    Parameters
    ----------
    width : float
        Its width, in units.

    Returns
    -------
    (float, float)
    """
    return max(0.16, 1.9 * width), max(0.07, 0.8 * width)


def letters(text: str) -> float:
    """Return the height of the letters inside a circle: smaller where there are many.

    Parameters
    ----------
    text : str
        What stands in it.

    Returns
    -------
    float
        In units.
    """
    return min(0.2, 1.72 * RADIUS / 0.62 / max(len(text), 1))


def line_colour(shade: int, dark: bool) -> str:
    """Return the colour of a weight.

    Parameters
    ----------
    shade : int
        From `level`.
    dark : bool
        Whether the ground is dark.

    Returns
    -------
    str
    """
    if shade == 0:
        return "#4a5058" if dark else "#d0d4d9"
    return signed_colour(shade / LEVELS, DARK if dark else LIGHT)


def circle_colour(shade: int, dark: bool) -> str:
    """Return the colour of a circle.

    Parameters
    ----------
    shade : int
        From `level`.
    dark : bool
        Whether the ground is dark.

    Returns
    -------
    str
    """
    return signed_colour(shade / LEVELS, DARK if dark else LIGHT)


def text_colour(shade: int, dark: bool) -> str:
    """Return black or white, whichever is read better inside a circle.

    Parameters
    ----------
    shade : int
        From `level`.
    dark : bool
        Whether the ground is dark.

    Returns
    -------
    str
    """
    return "#111418" if brightness(circle_colour(shade, dark)) > 0.45 else "#ffffff"
