"""Colours that people with any kind of colour vision can tell apart.

Classes have the colours of Okabe and Ito and differ in their marker as well. Numbers
with a sign have a diverging scale: blue is positive, orange is negative, and both ends
are equally far from the middle in lightness.
"""

from typing import Any

# M. Okabe and K. Ito, "Color Universal Design", 2008; grey stands for their black,
# which would vanish on a dark ground. The first two are orange (no) and blue (yes).
CLASSES = (
    "#E69F00",
    "#0072B2",
    "#009E73",
    "#CC79A7",
    "#56B4E9",
    "#D55E00",
    "#F0E442",
    "#666666",
)
# Their number has no common divisor with that of the colours: 88 pairs before a repeat.
MARKERS = ("o", "s", "^", "D", "v", "P", "X", "<", ">", "p", "h")

LIGHT = (
    "#8f4a00",
    "#c46a0a",
    "#f0a04b",
    "#fbd3a4",
    "#f5f5f5",
    "#b9d7ee",
    "#6aaed6",
    "#2b7bba",
    "#084f8c",
)
DARK = (
    "#ffb25c",
    "#c9771f",
    "#7d4a12",
    "#22262b",
    "#155a8a",
    "#2f8fcf",
    "#7cc4ff",
)

# A hue of their own for gradients, on a light and on a dark ground, so that they are
# never taken for values.
GRADIENT = {False: "#c2188a", True: "#ff7ac8"}


def mix(first: str, second: str, share: float) -> str:
    """Return ``(1 - share) first + share second``.

    Parameters
    ----------
    first, second : str
        Colours such as ``"#0072B2"``.
    share : float
        How much of the second, from 0 to 1.

    Returns
    -------
    str

    Examples
    --------
    >>> from pellucid.plots.palette import mix
    >>> mix("#000000", "#ffffff", 0.5)
    '#808080'
    """
    pairs = ((int(first[i : i + 2], 16), int(second[i : i + 2], 16)) for i in (1, 3, 5))
    return "#" + "".join(f"{round(a + (b - a) * share):02x}" for a, b in pairs)


def brightness(colour: str) -> float:
    """Return how bright a colour looks, from 0 to 1 (the luma of ITU-R BT.709).

    Parameters
    ----------
    colour : str
        Such as ``"#0072B2"``.

    Returns
    -------
    float
    """
    red, green, blue = (int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5))
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def class_colour(index: int) -> str:
    """Return the colour of a class; from the ninth on darker, then lighter ones.

    Parameters
    ----------
    index : int
        The class, from 0.

    Returns
    -------
    str
    """
    base, turn = CLASSES[index % len(CLASSES)], index // len(CLASSES) % 3
    if turn == 0:
        return base
    return mix(base, "#000000" if turn == 1 else "#ffffff", 0.45)


def class_edge(index: int) -> str:
    """Return the colour around the markers of a class, darker than they are.

    Parameters
    ----------
    index : int
        The class, from 0.

    Returns
    -------
    str
    """
    return mix(class_colour(index), "#000000", 0.4)


def class_marker(index: int) -> str:
    """Return the marker of a class.

    Parameters
    ----------
    index : int
        The class, from 0.

    Returns
    -------
    str
    """
    return MARKERS[index % len(MARKERS)]


def signed_colour(strength: float, scale: tuple[str, ...] = LIGHT) -> str:
    """Return the colour of a number with a sign: orange below zero, blue above.

    Parameters
    ----------
    strength : float
        From -1 to 1.
    scale : tuple of str
        `LIGHT` or `DARK`, after the ground that is drawn on.

    Returns
    -------
    str

    Examples
    --------
    >>> from pellucid.plots.palette import signed_colour
    >>> signed_colour(-1), signed_colour(0), signed_colour(0.75)
    ('#8f4a00', '#f5f5f5', '#2b7bba')
    """
    place = (min(max(strength, -1.0), 1.0) + 1) / 2 * (len(scale) - 1)
    before = min(int(place), len(scale) - 2)
    return mix(scale[before], scale[before + 1], place - before)


def share_map(scale: tuple[str, ...] = LIGHT) -> Any:
    """Return the colour map of shares: from the middle of a scale to its blue end.

    Parameters
    ----------
    scale : tuple of str
        `LIGHT` (almost white at 0, dark blue at 1) or `DARK`, after the ground that is
        drawn on.

    Returns
    -------
    matplotlib.colors.Colormap
    """
    from matplotlib.colors import LinearSegmentedColormap

    half = scale[len(scale) // 2 :]
    return LinearSegmentedColormap.from_list("shares", half)


def signed_map(scale: tuple[str, ...] = LIGHT) -> Any:
    """Return the colour map of numbers with a sign, see `signed_colour`.

    Parameters
    ----------
    scale : tuple of str
        `LIGHT` or `DARK`, after the ground that is drawn on.

    Returns
    -------
    matplotlib.colors.Colormap
    """
    from matplotlib.colors import LinearSegmentedColormap

    return LinearSegmentedColormap.from_list("signed", scale)
