"""Data in the plane: by class or by value, with many columns from their best side."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from pellucid.arrays import as_array, as_floats, column_names
from pellucid.data.dataset import Dataset
from pellucid.errors import DataError, ShapeError
from pellucid.plots.canvas import (
    canvas,
    frame,
    ink,
    legend_outside,
    paper,
    two_colours,
)
from pellucid.plots.palette import class_colour, class_edge, class_marker
from pellucid.plots.prediction_pairs import dot_size

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_MOST_CLASSES = 20  # more different whole numbers than that are measurements


def data(x_or_dataset: Any, y: Any = None, ax: "Axes | None" = None) -> "Axes":
    """Draw data as points: marker and colour say the class, or colour the value.

    Two columns are the two axes. Of more columns those that are the same throughout are
    left out; if more than two remain, the axes are their first two principal
    components, of columns with mean 0 and standard deviation 1. One column stands
    against y.

    Parameters
    ----------
    x_or_dataset : Dataset, or array_like of shape (n, features) or (n,)
        The data; a data frame gives its columns' names.
    y : array_like, shape (n,), (n, 1), or one-hot rows (n, classes), optional
        Targets: texts are classes, and so are up to 20 different whole numbers that
        come more than once; other numbers are values. Of a `Dataset` its own by
        default.
    ax : Axes, optional
        Where to draw; a new figure otherwise.

    Returns
    -------
    Axes

    Raises
    ------
    ShapeError
        If x is no table, or y does not have a row for each of its rows.
    DataError
        If x has gaps, texts or no rows.

    References
    ----------
    K. Pearson, "On lines and planes of closest fit to systems of points in space",
    Philosophical Magazine 2, 1901.

    Examples
    --------
    >>> import pellucid
    >>> from matplotlib.figure import Figure
    >>> iris = pellucid.data.iris()
    >>> ax = pellucid.plots.data(iris, ax=Figure().add_subplot())
    >>> ax.get_xlabel()
    'principal component 1 (73 % of the variance)'
    """
    table = _table(x_or_dataset)
    targets = as_targets(x_or_dataset, y, len(table.x))
    columns, names = _plane(table)
    ax = canvas(ax, (5.8, 4.4))
    if len(names) == 1:
        _one_column(ax, columns[:, 0], names[0], targets)
    else:
        scatter(ax, columns, targets)
        frame(ax, *names)
    return ax


@dataclass
class Targets:
    """What the points are told apart by.

    Attributes
    ----------
    values : ndarray, shape (n,), or None
        Class indices or numbers.
    classes : list of str
        Names of the classes; empty for numbers.
    name : str
        What they are.
    """

    values: NDArray[Any] | None
    classes: list[str]
    name: str


@dataclass
class _Table:
    x: NDArray[np.float64]
    names: list[str]


def _table(given: Any) -> _Table:
    values = given.x if isinstance(given, Dataset) else given
    array = as_array(values, "x")
    if array.ndim == 1:
        array = array[:, None]
    if array.ndim != 2 or array.shape[1] == 0:
        raise ShapeError(
            f"x has shape {array.shape}; expected a table, a row a sample: (n, "
            "features). For images write x.reshape(len(x), -1)."
        )
    names = list(given.features) if isinstance(given, Dataset) else column_names(values)
    x = as_floats(array, "x", np.float64, names)
    if not len(x):
        raise DataError("x has no rows: there is nothing to draw.")
    return _Table(x, names or [f"x{index}" for index in range(x.shape[1])])


def as_targets(source: Any, y: Any, n: int) -> Targets:
    """Return what points are told apart by: classes, numbers, or nothing.

    Parameters
    ----------
    source : Dataset or anything else
        A data set has targets, and names for them.
    y : array_like or None
        Targets that the user gave.
    n : int
        Number of points.

    Returns
    -------
    Targets

    Raises
    ------
    ShapeError
        If there is not one for each point.
    """
    dataset = source if isinstance(source, Dataset) else None
    name = dataset.target if dataset else "y"
    if y is None and dataset is None:
        return Targets(None, [], "")
    array = as_array(dataset.y if y is None and dataset else y, "y")
    if array.ndim == 2 and array.shape[1] == 1:
        array = array[:, 0]
    elif array.ndim == 2 and _is_one_hot(array):
        array = array.argmax(axis=1)
    if array.ndim != 1 or len(array) != n:
        raise ShapeError(
            f"y has shape {array.shape}; x has {n} rows, and each needs one target: "
            f"expected ({n},). Choose a column of y."
        )
    if dataset and dataset.classes and array.dtype.kind in "iu":
        return Targets(array, list(dataset.classes), name)
    if array.dtype.kind in "USb":
        found, indices = np.unique(array, return_inverse=True)
        return Targets(indices, list(map(str, found)), name)
    numbers = as_floats(array, "y", np.float64)
    found, indices = np.unique(numbers, return_inverse=True)
    whole = bool((found == np.floor(found)).all())
    if whole and len(found) <= min(_MOST_CLASSES, max(2, n - 1)):
        return Targets(indices, [f"{value:g}" for value in found], name)
    return Targets(numbers, [], name)


def _is_one_hot(array: NDArray[Any]) -> bool:
    if array.dtype.kind not in "iufb":
        return False
    zeros_and_ones = (array == 0) | (array == 1)
    return bool(zeros_and_ones.all() and (array.sum(axis=1) == 1).all())


def _plane(table: _Table) -> tuple[NDArray[np.float64], list[str]]:
    """Return one or two columns to draw, and what they are."""
    x, names = table.x, table.names
    if x.shape[1] <= 2:
        return x, names
    varies = np.flatnonzero((x != x[0]).any(axis=0))
    if len(varies) <= 2:
        others = [column for column in range(x.shape[1]) if column not in varies]
        chosen = sorted([*varies, *others][:2], key=lambda column: int(column))
        return x[:, chosen], [names[column] for column in chosen]
    scores, shares = _principal_components(x[:, varies])
    return scores, [
        f"principal component {index + 1} ({share:.0%} of the variance)".replace(
            "%", " %"
        )
        for index, share in enumerate(shares)
    ]


def _principal_components(
    x: NDArray[np.float64],
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the first two components of the standardized columns, and their shares."""
    x = x / np.abs(x).max(axis=0)  # so that not even the largest numbers overflow
    x = x - x.mean(axis=0)
    x = x / np.maximum(x.std(axis=0), np.finfo(np.float64).tiny)
    variances, directions = np.linalg.eigh(x.T @ x / len(x))
    first = directions[:, ::-1][:, :2]
    # The sign is free: the largest entry of a direction is positive.
    largest = np.abs(first).argmax(axis=0)
    first = first * np.sign(first[largest, [0, 1]])
    return x @ first, variances[::-1][:2] / variances.sum()


def scatter(ax: "Axes", points: NDArray[Any], targets: Targets) -> None:
    """Draw points in the plane, with a legend of the classes or a bar of the values.

    Parameters
    ----------
    ax : Axes
        Where.
    points : ndarray, shape (n, 2)
        Where each point is.
    targets : Targets
        What they are told apart by.
    """
    size = dot_size(len(points))
    style: dict[str, Any] = {"s": size, "linewidths": 0.4, "edgecolors": [paper(ax)]}
    if targets.values is None:
        ax.scatter(points[:, 0], points[:, 1], color=two_colours(ax)[0], **style)
    elif not targets.classes:
        dots = ax.scatter(
            points[:, 0], points[:, 1], c=targets.values, cmap="viridis", **style
        )
        ax.figure.colorbar(dots, ax=ax, label=targets.name)
    else:
        draw_classes(ax, points, targets.values, len(targets.classes), s=size)
        legend_outside(ax, class_handles(targets.classes), targets.name)


def draw_classes(
    ax: "Axes", points: NDArray[Any], indices: NDArray[Any], count: int, **style: Any
) -> None:
    """Draw points, each class with its own colour and marker.

    Parameters
    ----------
    ax : Axes
        Where.
    points : ndarray, shape (n, 2)
        Where each point is.
    indices : ndarray of int, shape (n,)
        Their classes.
    count : int
        Number of classes.
    **style
        Arguments for `Axes.scatter`.
    """
    for index in range(count):
        ax.scatter(
            points[indices == index, 0],
            points[indices == index, 1],
            color=class_colour(index),
            edgecolors=class_edge(index),
            marker=class_marker(index),
            linewidths=0.5,
            zorder=3,
            **style,
        )


def class_handles(classes: list[str]) -> list[Any]:
    """Return legend entries of the classes.

    Parameters
    ----------
    classes : list of str
        Their names.

    Returns
    -------
    list of artists
    """
    from matplotlib.lines import Line2D

    return [
        Line2D(
            [],
            [],
            linestyle="",
            marker=class_marker(index),
            color=class_colour(index),
            markeredgecolor=class_edge(index),
            markeredgewidth=0.5,
            markersize=7,
            label=name,
        )
        for index, name in enumerate(classes)
    ]


def _bins(column: NDArray[np.float64]) -> list[float]:
    """Return the edges of a histogram's bars: about the root of the count of them."""
    low, high = float(column.min()), float(column.max())
    count = int(np.clip(np.ceil(len(column) ** 0.5), 5, 50))
    if high - low < 4 * count * np.spacing(max(-low, high)):  # as good as constant
        around = max(abs(low) / 2, 0.5)
        low, high = low - around, high + around
    edges: list[float] = np.linspace(low, high, count + 1).tolist()
    return edges


def _one_column(
    ax: "Axes", column: NDArray[np.float64], name: str, targets: Targets
) -> None:
    blue = two_colours(ax)[0]
    if targets.values is None:
        bars: dict[str, Any] = {"color": blue, "edgecolor": paper(ax)}
        ax.hist(column, _bins(column), linewidth=0.6, **bars)
        frame(ax, name, "rows")
        return
    if not targets.classes:
        ax.scatter(
            column, targets.values, s=dot_size(len(column)), color=blue, alpha=0.7
        )
        frame(ax, name, targets.name)
        return
    # Each class is a row of its own, spread a little so that equal values are seen.
    spread = (np.arange(len(column)) * 0.6180339887 % 1.0 - 0.5) * 0.5
    points = np.stack([column, targets.values + spread], axis=1)
    style = {"s": dot_size(len(column)), "alpha": 0.8}
    draw_classes(ax, points, targets.values, len(targets.classes), **style)
    frame(ax, name, targets.name)
    ax.set_yticks(range(len(targets.classes)), targets.classes)
    for border in range(1, len(targets.classes)):
        ax.axhline(border - 0.5, color=ink(ax), linewidth=0.4, alpha=0.4)
    legend_outside(ax, class_handles(targets.classes))
