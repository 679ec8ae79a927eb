"""Predictions against targets."""

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from pellucid.arrays import as_array, as_floats
from pellucid.errors import DataError, ShapeError
from pellucid.plots.canvas import canvas, frame, ink, legend_outside, paper, two_colours
from pellucid.plots.palette import class_colour, class_marker

if TYPE_CHECKING:
    from matplotlib.axes import Axes

FEW = 20  # so many rows are shown one by one


def predictions(y: Any, y_hat: Any, ax: "Axes | None" = None) -> "Axes":
    """Draw predicted numbers against the true ones.

    Up to 20 rows stand side by side, each with its target and its prediction; more are
    dots, which lie on the diagonal where the prediction is right.

    Parameters
    ----------
    y : array_like, shape (n,) or (n, outputs)
        Targets.
    y_hat : array_like, shape of y
        Predictions; (n,) and (n, 1) are the same.
    ax : Axes, optional
        Where to draw; a new figure otherwise.

    Returns
    -------
    Axes

    Raises
    ------
    ShapeError
        If the shapes differ.
    DataError
        If they are no finite numbers, or there are none.

    Examples
    --------
    >>> from matplotlib.figure import Figure
    >>> from pellucid import plots
    >>> targets, outputs = [0, 1, 1, 0], [0.01, 0.97, 0.97, 0.03]
    >>> ax = plots.predictions(targets, outputs, Figure().add_subplot())
    >>> ax.get_xlabel()
    'sample'
    """
    truth, guess = _columns(y, "y"), _columns(y_hat, "y_hat")
    if truth.shape != guess.shape:
        raise ShapeError(
            f"y has shape {np.shape(y)}, y_hat has {np.shape(y_hat)}: each prediction "
            "needs its target."
        )
    if not truth.size:
        raise DataError("y has no rows: there is nothing to draw.")
    if len(truth) <= FEW:
        ax = canvas(ax)
        _one_by_one(ax, truth, guess)
    else:
        ax = canvas(ax, (6.2, 4.6), square=True)
        _against_diagonal(ax, truth, guess)
    return ax


def _columns(values: Any, what: str) -> NDArray[np.float64]:
    array = as_array(values, what)
    if array.dtype.kind in "US":
        raise DataError(
            f"{what} holds texts, so these are classes: use plots.confusion_matrix."
        )
    if array.ndim not in (1, 2):
        raise ShapeError(
            f"{what} has shape {array.shape}; expected (n,) or (n, outputs)."
        )
    columns: NDArray[np.float64] = as_floats(array, what, np.float64)
    return columns.reshape(len(columns), -1) if columns.size else columns


def _one_by_one(ax: "Axes", truth: NDArray[Any], guess: NDArray[Any]) -> None:
    from matplotlib.lines import Line2D

    rows, outputs = truth.shape
    sample = np.arange(rows)
    # Outputs stand side by side within the sample, and a target left of its prediction.
    width = 0.7 / outputs
    for column in range(outputs):
        colour, marker = _colour(ax, column), class_marker(column)
        middle = sample + (column - (outputs - 1) / 2) * width
        left, right = middle - 0.18 * width, middle + 0.18 * width
        t, p = truth[:, column], guess[:, column]
        ax.plot([left, right], [t, p], color=colour, linewidth=1.2, alpha=0.7)
        dot: Any = {"linestyle": "", "marker": marker, "markersize": 8, "zorder": 3}
        dot |= {"color": colour}
        ax.plot(left, t, **dot, markerfacecolor=paper(ax), markeredgewidth=1.6)
        ax.plot(right, p, **dot)
    frame(ax, "sample", "target and prediction")
    ax.set_xlim(-0.6, rows - 0.4)
    ax.set_xticks(sample)
    ax.grid(visible=False, axis="x")
    ax.margins(y=0.1)
    one = _colour(ax, 0) if outputs == 1 else ink(ax)
    circle: Any = {"linestyle": "", "marker": "o", "markersize": 8, "color": one}
    handles = [
        Line2D([], [], **circle, markerfacecolor="none", label="target"),
        Line2D([], [], **circle, label="prediction"),
        Line2D([], [], color=one, linewidth=1.2, alpha=0.7, label="error"),
    ]
    legend_outside(ax, handles + _outputs(ax, outputs))


def _against_diagonal(ax: "Axes", truth: NDArray[Any], guess: NDArray[Any]) -> None:
    from matplotlib.lines import Line2D

    rows, outputs = truth.shape
    for column in range(outputs):
        ax.scatter(
            truth[:, column],
            guess[:, column],
            s=dot_size(rows),
            color=_colour(ax, column),
            marker=class_marker(column),
            alpha=0.6,
            linewidth=0,
            zorder=2,
        )
    low = min(truth.min(), guess.min())
    high = max(truth.max(), guess.max())
    margin = 0.05 * (high - low) or 1.0
    ends = (low - margin, high + margin)
    ax.plot(ends, ends, color=ink(ax), linewidth=1.0, linestyle="--", zorder=3)
    frame(ax, "target", "prediction")
    # Both axes have the same range, so that the diagonal is one.
    ax.set_xlim(ends)
    ax.set_ylim(ends)
    ax.set_aspect("equal", adjustable="box")
    right = Line2D([], [], color=ink(ax), linestyle="--", label="exactly right")
    one = Line2D(
        [], [], linestyle="", marker="o", color=_colour(ax, 0), label="a sample"
    )
    legend_outside(ax, [right, *(_outputs(ax, outputs) or [one])])


def _colour(ax: "Axes", column: int) -> str:
    return two_colours(ax)[0] if column == 0 else class_colour(column + 1)


def _outputs(ax: "Axes", count: int) -> list[Any]:
    """Return legend entries for the outputs, where there are several."""
    from matplotlib.lines import Line2D

    if count == 1:
        return []
    return [
        Line2D(
            [],
            [],
            linestyle="",
            marker=class_marker(column),
            color=_colour(ax, column),
            label=f"output {column}",
        )
        for column in range(count)
    ]


def dot_size(rows: int) -> float:
    """Return the area of a dot in square points: smaller where there are many.

    Parameters
    ----------
    rows : int
        Number of dots.

    Returns
    -------
    float
    """
    return float(np.clip(450 / max(rows, 1) ** 0.5, 8.0, 80.0))
