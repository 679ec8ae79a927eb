"""Data made by a formula: any number of rows, any noise, the same bits for a seed.

In the formulas e is a standard normal number and u a uniform number in [0, 1), drawn
anew wherever they stand. Classes have the same number of rows (or differ by one), and
the rows come in random order.
"""

import math
import operator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pellucid.data.dataset import Dataset
from pellucid.errors import ConfigurationError
from pellucid.rng import Random

_LICENSE = "none needed: the numbers are made by a formula"


def truth_table() -> Dataset:
    """``y = x0 xor x1,   x2 = 1``

    The four rows of the classic first network: an exclusive or, and a third input that
    is always one and so does the work of a bias.

    Returns
    -------
    Dataset
        x of shape (4, 3); y, numbers, of shape (4, 1).

    Examples
    --------
    >>> from pellucid.data import truth_table
    >>> table = truth_table()
    >>> table.x.astype(int).tolist()
    [[0, 0, 1], [0, 1, 1], [1, 0, 1], [1, 1, 1]]
    >>> table.y.ravel().tolist()
    [0.0, 1.0, 1.0, 0.0]
    """
    return Dataset(
        x=np.array([[0, 0, 1], [0, 1, 1], [1, 0, 1], [1, 1, 1]], dtype=np.float64),
        y=np.array([[0], [1], [1], [0]], dtype=np.float64),
        features=("x0", "x1", "x2"),
        classes=(),
        name="truth_table",
        description="The truth table of an exclusive or, and a third input of 1.",
        source="logic",
        license=_LICENSE,
        target="x0 xor x1",
    )


def xor(*, n: int = 400, noise: float = 0.3, seed: int = 0) -> Dataset:
    """``x = (a, b) + noise e,   a and b each -1 or 1,   y = [a != b]``

    Four clusters, opposite ones of the same class: no straight line separates them.

    Parameters
    ----------
    n : int
        Rows, at least 4, one for every cluster.
    noise : float
        Standard deviation of a cluster; its centre is at distance 1 from both axes.
    seed : int
        Same seed, same bits.

    Returns
    -------
    Dataset
        x of shape (n, 2); two classes.

    Raises
    ------
    ConfigurationError
        When an argument is out of its range.

    References
    ----------
    M. Minsky and S. Papert, "Perceptrons" (1969).

    Examples
    --------
    >>> from pellucid.data import xor
    >>> xor(n=100).counts
    {'same sign': 50, 'different signs': 50}
    """
    n, random = _start("xor", n, noise, seed, least=4)
    corner = np.arange(n) % 4
    centres = np.array([[1.0, 1.0], [1.0, -1.0], [-1.0, -1.0], [-1.0, 1.0]])
    return _dataset(
        random,
        centres[corner] + noise * random.normal((n, 2)),
        corner % 2,
        classes=("same sign", "different signs"),
        name="xor",
        description="Four clusters in the plane, opposite ones of the same class.",
        source='after M. Minsky and S. Papert, "Perceptrons" (1969)',
    )


def moons(*, n: int = 400, noise: float = 0.1, seed: int = 0) -> Dataset:
    """``x = (cos t, sin t) + noise e  or  (1 - cos t, 1/2 - sin t) + noise e``

    with ``t = pi u``

    Two half circles that reach into each other.

    Parameters
    ----------
    n : int
        Rows, at least 2.
    noise : float
        Standard deviation around the half circles, which have radius 1.
    seed : int
        Same seed, same bits.

    Returns
    -------
    Dataset
        x of shape (n, 2); two classes.

    Raises
    ------
    ConfigurationError
        When an argument is out of its range.

    Examples
    --------
    >>> from pellucid.data import moons
    >>> moons(n=100).counts
    {'upper': 50, 'lower': 50}
    """
    n, random = _start("moons", n, noise, seed, least=2)
    y = np.arange(n) % 2
    t = math.pi * random.uniform(n)
    upper = np.stack([np.cos(t), np.sin(t)], axis=1)
    lower = np.stack([1.0 - np.cos(t), 0.5 - np.sin(t)], axis=1)
    return _dataset(
        random,
        np.where(y[:, None] == 0, upper, lower) + noise * random.normal((n, 2)),
        y,
        classes=("upper", "lower"),
        name="moons",
        description="Two half circles in the plane that reach into each other.",
        source="the well-known two moons",
    )


def circles(*, n: int = 400, noise: float = 0.08, seed: int = 0) -> Dataset:
    """``x = r (cos t, sin t) + noise e,   r = 1 or 1/2,   t = 2 pi u``

    A circle inside another one.

    Parameters
    ----------
    n : int
        Rows, at least 2.
    noise : float
        Standard deviation around the circles, which have radii 1 and 1/2.
    seed : int
        Same seed, same bits.

    Returns
    -------
    Dataset
        x of shape (n, 2); two classes.

    Raises
    ------
    ConfigurationError
        When an argument is out of its range.

    Examples
    --------
    >>> from pellucid.data import circles
    >>> circles(n=100).counts
    {'outer': 50, 'inner': 50}
    """
    n, random = _start("circles", n, noise, seed, least=2)
    y = np.arange(n) % 2
    t = 2.0 * math.pi * random.uniform(n)
    radius = np.where(y == 0, 1.0, 0.5)
    x = radius[:, None] * np.stack([np.cos(t), np.sin(t)], axis=1)
    return _dataset(
        random,
        x + noise * random.normal((n, 2)),
        y,
        classes=("outer", "inner"),
        name="circles",
        description="Two circles in the plane, one inside the other.",
        source="the well-known concentric circles",
    )


def rings(
    *, n: int = 400, noise: float = 0.06, seed: int = 0, rings: int = 3
) -> Dataset:
    """``x = r (cos t, sin t) + noise e,   r = ring / rings,   t = 2 pi u``

    Rings around the same centre, each a class of its own, normally distributed around
    circles of the radii ``1 / rings, 2 / rings, ... 1``.

    Parameters
    ----------
    n : int
        Rows, at least one for every ring.
    noise : float
        Standard deviation around a circle; neighbours are ``1 / rings`` apart.
    seed : int
        Same seed, same bits.
    rings : int
        Number of classes, 2 or more.

    Returns
    -------
    Dataset
        x of shape (n, 2); `rings` classes.

    Raises
    ------
    ConfigurationError
        When an argument is out of its range.

    Examples
    --------
    >>> from pellucid.data import rings
    >>> rings(n=90).counts
    {'ring 1': 30, 'ring 2': 30, 'ring 3': 30}
    """
    rings = _integer("rings", "rings", rings, least=2)
    n, random = _start("rings", n, noise, seed, least=rings)
    y = np.arange(n) % rings
    t = 2.0 * math.pi * random.uniform(n)
    x = ((y + 1) / rings)[:, None] * np.stack([np.cos(t), np.sin(t)], axis=1)
    return _dataset(
        random,
        x + noise * random.normal((n, 2)),
        y,
        classes=tuple(f"ring {ring + 1}" for ring in range(rings)),
        name="rings",
        description="Rings in the plane around the same centre, each a class.",
        source="the well-known concentric rings",
    )


def spirals(
    *, n: int = 400, noise: float = 0.03, seed: int = 0, arms: int = 2
) -> Dataset:
    """``x = r (cos t, sin t) + noise e,   t = 2 pi (r + arm / arms),   r = .1 + .9 u``

    Arms that wind once around the same centre, each a class of its own.

    Parameters
    ----------
    n : int
        Rows, at least one for every arm.
    noise : float
        Standard deviation around an arm; neighbours are ``1 / arms`` apart.
    seed : int
        Same seed, same bits.
    arms : int
        Number of classes, 2 or more.

    Returns
    -------
    Dataset
        x of shape (n, 2); `arms` classes.

    Raises
    ------
    ConfigurationError
        When an argument is out of its range.

    References
    ----------
    K. J. Lang and M. J. Witbrock, "Learning to tell two spirals apart" (1988).

    Examples
    --------
    >>> from pellucid.data import spirals
    >>> spirals(n=90, arms=3).counts
    {'arm 1': 30, 'arm 2': 30, 'arm 3': 30}
    """
    arms = _integer("spirals", "arms", arms, least=2)
    n, random = _start("spirals", n, noise, seed, least=arms)
    y = np.arange(n) % arms
    radius = 0.1 + 0.9 * random.uniform(n)
    t = 2.0 * math.pi * (radius + y / arms)
    x = radius[:, None] * np.stack([np.cos(t), np.sin(t)], axis=1)
    return _dataset(
        random,
        x + noise * random.normal((n, 2)),
        y,
        classes=tuple(f"arm {arm + 1}" for arm in range(arms)),
        name="spirals",
        description="Arms of a spiral in the plane, each a class of its own.",
        source='after K. J. Lang and M. J. Witbrock, "Learning to tell two spirals '
        'apart", Proceedings of the 1988 Connectionist Models Summer School',
    )


def blobs(
    *,
    n: int = 400,
    noise: float = 0.15,
    seed: int = 0,
    classes: int = 3,
    dimensions: int = 2,
) -> Dataset:
    """``x = centre of the class + noise e,   centres in the cube [-1, 1]^dimensions``

    Round clouds, one for every class. Each centre is the one of twenty random places
    that is farthest from the centres before it.

    Parameters
    ----------
    n : int
        Rows, at least one for every class.
    noise : float
        Standard deviation of a cloud.
    seed : int
        Same seed, same bits.
    classes : int
        Number of clouds, 2 or more.
    dimensions : int
        Number of columns, 1 or more.

    Returns
    -------
    Dataset
        x of shape (n, dimensions); `classes` classes.

    Raises
    ------
    ConfigurationError
        When an argument is out of its range.

    References
    ----------
    D. P. Mitchell, "Spectrally optimal sampling for distribution ray tracing" (1991),
    for the best of many candidates.

    Examples
    --------
    >>> from pellucid.data import blobs
    >>> blobs(n=90, classes=2, dimensions=5).x.shape
    (90, 5)
    """
    classes = _integer("blobs", "classes", classes, least=2)
    dimensions = _integer("blobs", "dimensions", dimensions, least=1)
    n, random = _start("blobs", n, noise, seed, least=classes)
    centres = 2.0 * random.uniform((1, dimensions)) - 1.0
    while len(centres) < classes:
        places = 2.0 * random.uniform((20, dimensions)) - 1.0
        distances = np.linalg.norm(places[:, None] - centres, axis=2).min(axis=1)
        centres = np.vstack([centres, places[distances.argmax()]])
    y = np.arange(n) % classes
    return _dataset(
        random,
        centres[y] + noise * random.normal((n, dimensions)),
        y,
        classes=tuple(f"blob {index + 1}" for index in range(classes)),
        name="blobs",
        description="Round clouds of points, one for every class.",
        source="normal distributions",
    )


def checkerboard(
    *, n: int = 400, noise: float = 0.0, seed: int = 0, squares: int = 4
) -> Dataset:
    """``x = 2 (cell + u) / squares - 1 + noise e,   y = (row + column) mod 2``

    A board of squares that take turns in two classes, with ``row`` and ``column`` of a
    random cell: a hard problem with many corners.

    Parameters
    ----------
    n : int
        Rows, at least 2.
    noise : float
        Standard deviation that moves points after they got their class; a square has
        sides of ``2 / squares``.
    seed : int
        Same seed, same bits.
    squares : int
        Squares along a side of the board, 2 or more.

    Returns
    -------
    Dataset
        x of shape (n, 2), in [-1, 1) without noise; two classes.

    Raises
    ------
    ConfigurationError
        When an argument is out of its range.

    Examples
    --------
    >>> from pellucid.data import checkerboard
    >>> checkerboard(n=100).counts
    {'dark': 50, 'light': 50}
    """
    squares = _integer("checkerboard", "squares", squares, least=2)
    n, random = _start("checkerboard", n, noise, seed, least=2)
    y = np.arange(n) % 2
    # All squares of one colour in turn, so that odd boards are balanced too.
    colour = np.indices((squares, squares)).sum(axis=0) % 2
    cell = np.empty((n, 2))
    for which in range(2):
        cells = np.argwhere(colour == which)
        rows = y == which
        cell[rows] = cells[random.integers(0, len(cells), int(rows.sum()))]
    x = 2.0 * (cell + random.uniform((n, 2))) / squares - 1.0
    return _dataset(
        random,
        x + noise * random.normal((n, 2)),
        y,
        classes=("dark", "light"),
        name="checkerboard",
        description="Squares of a board in the plane that take turns in two classes.",
        source="the board of chess and draughts",
    )


def sine(*, n: int = 200, noise: float = 0.1, seed: int = 0) -> Dataset:
    """``y = sin(x) + noise e,   x = pi (2 u - 1)``

    One full wave, to fit a curve to.

    Parameters
    ----------
    n : int
        Rows, at least 1.
    noise : float
        Standard deviation around the curve.
    seed : int
        Same seed, same bits.

    Returns
    -------
    Dataset
        x of shape (n, 1), in [-pi, pi); y, numbers, of shape (n,).

    Raises
    ------
    ConfigurationError
        When an argument is out of its range.

    Examples
    --------
    >>> from pellucid.data import sine
    >>> wave = sine(n=50, noise=0.0)
    >>> wave.x.shape, wave.y.shape, wave.task
    ((50, 1), (50,), 'numbers')
    """
    n, random = _start("sine", n, noise, seed, least=1)
    x = math.pi * (2.0 * random.uniform((n, 1)) - 1.0)
    return _dataset(
        random,
        x,
        np.sin(x[:, 0]) + noise * random.normal(n),
        name="sine",
        description="One full wave of a sine, to fit a curve to.",
        source="trigonometry",
    )


def friedman1(
    *, n: int = 400, noise: float = 1.0, seed: int = 0, features: int = 10
) -> Dataset:
    """``y = 10 sin(pi x0 x1) + 20 (x2 - 1/2)^2 + 10 x3 + 5 x4 + noise e,   x = u``

    Five columns matter, in a curved way; the others are there to mislead.

    Parameters
    ----------
    n : int
        Rows, at least 1.
    noise : float
        Standard deviation of what no one can predict; y runs from 0 to 30 without it.
    seed : int
        Same seed, same bits.
    features : int
        Number of columns, 5 or more.

    Returns
    -------
    Dataset
        x of shape (n, features), in [0, 1); y, numbers, of shape (n,).

    Raises
    ------
    ConfigurationError
        When an argument is out of its range.

    References
    ----------
    J. H. Friedman, "Multivariate adaptive regression splines", The Annals of
    Statistics 19 (1991), section 4.3.

    Examples
    --------
    >>> from pellucid.data import friedman1
    >>> friedman1(n=50, features=6).x.shape
    (50, 6)
    """
    features = _integer("friedman1", "features", features, least=5)
    n, random = _start("friedman1", n, noise, seed, least=1)
    x = random.uniform((n, features))
    y = 10.0 * np.sin(math.pi * x[:, 0] * x[:, 1]) + 20.0 * (x[:, 2] - 0.5) ** 2
    y += 10.0 * x[:, 3] + 5.0 * x[:, 4]
    return _dataset(
        random,
        x,
        y + noise * random.normal(n),
        name="friedman1",
        description="Friedman's first problem: the first five columns matter.",
        source='J. H. Friedman, "Multivariate adaptive regression splines", '
        "The Annals of Statistics 19 (1991)",
    )


def _start(name: str, n: Any, noise: Any, seed: Any, least: int) -> tuple[int, Random]:
    """Return rows and random numbers of a generator after a look at its arguments."""
    n = _integer(name, "n", n, least)
    number = isinstance(noise, int | float | np.integer | np.floating)
    if not number or isinstance(noise, bool) or not 0.0 <= noise < math.inf:
        raise ConfigurationError(
            f"{name}: noise is {noise!r}, expected a standard deviation, "
            "a finite number of 0 or more"
        )
    return n, Random(_integer(name, "seed", seed), "data", name)


def _integer(name: str, argument: str, value: Any, least: int | None = None) -> int:
    """Return an integer argument, or say what is wrong with it."""
    expected = "an integer" if least is None else f"an integer of {least} or more"
    message = f"{name}: {argument} is {value!r}, expected {expected}"
    if isinstance(value, bool | np.bool):
        raise ConfigurationError(message)
    try:
        integer = operator.index(value)
    except TypeError:
        raise ConfigurationError(message) from None
    if least is not None and integer < least:
        raise ConfigurationError(message)
    return integer


def _dataset(
    random: Random,
    x: NDArray[np.float64],
    y: NDArray[Any],
    *,
    name: str,
    description: str,
    source: str,
    classes: tuple[str, ...] = (),
) -> Dataset:
    """Return generated rows in random order, as a data set."""
    order = random.permutation(len(x))
    return Dataset(
        x=x[order],
        y=y[order],
        features=tuple(f"x{column}" for column in range(x.shape[1])),
        classes=classes,
        name=name,
        description=description,
        source=source,
        license=_LICENSE,
        target="class" if classes else "y",
    )
