"""What is left of the targets when predictions are taken away."""

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from pellucid.arrays import as_floats
from pellucid.errors import DataError, ShapeError
from pellucid.plots.canvas import canvas, frame, ink, two_colours
from pellucid.plots.prediction_pairs import dot_size

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_FEWEST = 40  # rows from which a running median is drawn
_PARTS = 12


def residuals(y: Any, y_hat: Any, ax: "Axes | None" = None) -> "Axes":
    """Draw the errors ``y_hat - y`` against the predictions.

    A good model leaves a cloud around zero that is equally wide everywhere. The orange
    line is the median of the errors in twelve parts of equally many rows: where it
    leaves zero, predictions of that size are too high or too low.

    Parameters
    ----------
    y, y_hat : array_like, shape (n,) or (n, 1)
        Targets and predictions.
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
    >>> ax = plots.residuals([1.0, 2.0], [1.5, 1.75], Figure().add_subplot())
    >>> ax.get_xlabel(), ax.get_ylabel()
    ('prediction', 'prediction - target')
    """
    truth, guess = _flat(y, "y"), _flat(y_hat, "y_hat")
    if truth.shape != guess.shape:
        raise ShapeError(
            f"y has {len(truth)} rows, y_hat has {len(guess)}: each prediction needs "
            "its target."
        )
    ax = canvas(ax, (6.2, 3.6))
    blue, orange = two_colours(ax)
    errors = guess - truth
    size = dot_size(len(errors))
    ax.scatter(guess, errors, s=size, color=blue, alpha=0.5, linewidth=0)
    ax.axhline(0, color=ink(ax), linewidth=1, linestyle="--")
    if len(errors) >= _FEWEST:
        parts = np.array_split(np.argsort(guess, kind="stable"), _PARTS)
        middle = [np.median(guess[part]) for part in parts]
        ax.plot(
            middle,
            [np.median(errors[part]) for part in parts],
            color=orange,
            linewidth=2.2,
        )
    frame(ax, "prediction", "prediction - target")
    return ax


def _flat(values: Any, what: str) -> NDArray[np.float64]:
    array = np.asarray(values)
    if array.ndim == 2 and array.shape[1] == 1:
        array = array[:, 0]
    if array.ndim != 1:
        raise ShapeError(f"{what} has shape {array.shape}; expected (n,).")
    if not array.size:
        raise DataError(f"{what} has no rows: there is nothing to draw.")
    found: NDArray[np.float64] = as_floats(array, what, np.float64)
    return found
