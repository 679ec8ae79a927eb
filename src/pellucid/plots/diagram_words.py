"""Words and numbers in the diagram of a network, and how much room they take."""

import math

from pellucid.plots.diagram_lens import Lens
from pellucid.plots.diagram_scene import BIG, SMALL

ADVANCE = 0.62  # mean width of a letter, as a share of its height


def short_number(value: float) -> str:
    """Return a number in two significant digits, with a proper minus.

    Parameters
    ----------
    value : float
        Any finite number.

    Returns
    -------
    str

    Examples
    --------
    >>> from pellucid.plots.diagram_words import short_number
    >>> short_number(-0.4567), short_number(12.3), short_number(0.0)
    ('−0.46', '12', '0')
    """
    return f"{value:.2g}".replace("-", "−")


def half_width(texts: list[str]) -> float:
    """Return half the width of a label: a name in large letters, facts in small ones.

    Parameters
    ----------
    texts : list of str
        The name, and the facts below it.

    Returns
    -------
    float
        In units of the diagram.
    """
    name, *more = texts
    widths = [len(name) * BIG, *(len(text) * SMALL for text in more)]
    return max(widths) * ADVANCE / 2


def named(path: str) -> list[str]:
    """Return the name of a layer, and that of the container it is in, if any.

    Parameters
    ----------
    path : str
        Such as ``"residual_1.dense_1"``.

    Returns
    -------
    list of str
    """
    container, _, name = path.rpartition(".")
    return [name, f"in {container}"] if container else [name]


def count_of(shape: tuple[int, ...], what: str) -> str:
    """Return how many there are: ``"1 neuron"``, ``"64 numbers"``.

    Parameters
    ----------
    shape : tuple of int
        Of one sample.
    what : str
        What one of them is.

    Returns
    -------
    str
    """
    if len(shape) != 1:
        return f"{math.prod(shape)} {what}s"
    return f"{shape[0]} {what}" + "s" * (shape[0] != 1)


def times(shape: tuple[int, ...]) -> str:
    """Return a shape as it is said: ``"8 × 8 × 1"``.

    Parameters
    ----------
    shape : tuple of int
        Of one sample.

    Returns
    -------
    str
    """
    return " × ".join(map(str, shape))


def subscript(number: int) -> str:
    """Return a number in small digits below the line.

    Parameters
    ----------
    number : int
        Not negative.

    Returns
    -------
    str

    Examples
    --------
    >>> from pellucid.plots.diagram_words import subscript
    >>> "x" + subscript(12)
    'x₁₂'
    """
    return str(number).translate(str.maketrans("0123456789", "₀₁₂₃₄₅₆₇₈₉"))


def description(lens: Lens, said: list[str], largest: float, biases: bool) -> str:
    """Return everything in words, for those who do not see the picture.

    Parameters
    ----------
    lens : Lens
        What is drawn.
    said : list of str
        The layers, one after the other.
    largest : float
        Size of the largest number on a line.
    biases : bool
        Whether circles have a number.

    Returns
    -------
    str
    """
    what, of_bias = {
        "value": ("weights", "bias"),
        "gradient": ("gradients dL/dW", "dL/db"),
    }.get(lens.kind, ("changes of weights by the update", "change of their bias"))
    told = f"{'. '.join([lens.heading, *lens.notes])}. " if lens.heading else ""
    told += f"From input to output: {'; '.join(said)}."
    if largest:
        told += (
            f" Lines are {what}, wider and darker the larger they are, blue and "
            "solid for positive, orange and dashed for negative; the largest has "
            f"the size {largest:.3g}."
        )
    if biases:
        told += f" Neurons have the colour of their {of_bias}."
    return told
