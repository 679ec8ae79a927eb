"""The course of a training: loss, validation and metrics."""

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from pellucid.errors import ConfigurationError, DataError
from pellucid.network import NeuralNetwork
from pellucid.plots.canvas import canvas, frame, ink, two_colours
from pellucid.plots.palette import class_colour
from pellucid.training.history import History

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_DECADES = 2  # a range of so many powers of ten is drawn on a log scale


def history(
    history_or_network: Any,
    ax: "Axes | None" = None,
    *,
    iterations: bool = False,
    log: bool | None = None,
) -> "Axes":
    """Draw how the loss fell, of the training data and of the validation data.

    Parameters
    ----------
    history_or_network : History or NeuralNetwork
        What `fit` returned, or the network.
    ax : Axes, optional
        Where to draw; a new figure otherwise.
    iterations : bool
        Draw the loss of every iteration's batch, with the mean of each epoch over it.
    log : bool, optional
        Whether the loss has a logarithmic scale; by default where its largest value is
        over 100 times its smallest, and all are positive.

    Returns
    -------
    Axes

    Raises
    ------
    ConfigurationError
        If there is no history, or no positive loss for a logarithmic scale.

    Examples
    --------
    >>> import pellucid
    >>> from matplotlib.figure import Figure
    >>> table = pellucid.data.truth_table()
    >>> net = pellucid.NeuralNetwork(
    ...     [pellucid.Dense(4, "sigmoid"), pellucid.Dense(1, "sigmoid")],
    ...     loss="sum_of_squares",
    ... )
    >>> history = net.fit(table.x, table.y, iterations=100)
    >>> ax = pellucid.plots.history(history, Figure().add_subplot())
    >>> ax.get_xlabel(), ax.get_ylabel()
    ('iteration', 'loss')
    """
    course = _course(history_or_network)
    if iterations and not course.iterations:
        raise ConfigurationError("The history has no iterations: leave that out.")
    ax = canvas(ax)
    blue, orange = two_colours(ax)
    epochs, batches = course.epochs, len(course.iterations)
    # Where each epoch is one iteration, as with a handful of rows, it is called that.
    same = not iterations and batches == epochs
    unit = "iteration" if iterations or same else "epoch"
    ends = np.arange(1, epochs + 1, dtype=float)
    drawn = []
    if iterations:
        ends *= batches / epochs
        each = np.arange(1, batches + 1)
        ax.plot(
            each,
            course.iterations,
            color=blue,
            alpha=0.35,
            linewidth=0.8,
            label="loss of each batch",
        )
        drawn.append(course.iterations)
    mean = "training loss" if not iterations else "mean of each epoch"
    _curve(ax, ends, course.loss, color=blue, label=mean)
    drawn.append(course.loss)
    if course.validation:
        _curve(
            ax,
            ends,
            course.validation,
            color=orange,
            linestyle="--",
            label="validation loss",
        )
        drawn.append(course.validation)
        _mark_best(ax, course, ends)
    scale(ax, np.concatenate([np.asarray(values, float) for values in drawn]), log)
    name = "loss"
    if isinstance(history_or_network, NeuralNetwork):
        name = f"loss ({history_or_network.loss.label.replace('_', ' ')})"
    frame(ax, unit, name)
    _whole_ticks(ax)
    ax.legend(frameon=False)
    return ax


def metrics(history: Any, ax: "Axes | None" = None) -> "Axes":
    """Draw the metrics after every epoch.

    Parameters
    ----------
    history : History or NeuralNetwork
        Of a training with ``metrics=[...]``.
    ax : Axes, optional
        Where to draw; a new figure otherwise.

    Returns
    -------
    Axes

    Raises
    ------
    ConfigurationError
        If nothing was measured.
    """
    course = _course(history)
    if not any(course.metrics.values()):
        raise ConfigurationError(
            "The history has no metrics: ask fit for some, metrics=['accuracy']."
        )
    ax = canvas(ax)
    for index, (name, values) in enumerate(course.metrics.items()):
        dashes = ("-", "--", "-.", ":")[index % 4]
        # Blue and orange first, as for the loss.
        colour = two_colours(ax)[index] if index < 2 else class_colour(index)
        ends = np.arange(1, len(values) + 1)
        label = name.replace("_", " ")
        _curve(ax, ends, values, color=colour, linestyle=dashes, label=label)
    if course.best_epoch is not None:
        ax.axvline(
            course.best_epoch,
            color=ink(ax),
            linewidth=0.8,
            linestyle=":",
            label=f"best epoch: {course.best_epoch}",
        )
    names = [name.replace("_", " ") for name in course.metrics]
    on = "validation data" if course.validation else "training data"
    frame(ax, "epoch", f"{names[0] if len(names) == 1 else 'metric'} ({on})")
    _whole_ticks(ax)
    ax.legend(frameon=False)
    return ax


def _course(given: Any) -> History:
    course = given.history if isinstance(given, NeuralNetwork) else given
    if course is None:
        raise ConfigurationError("The network has no history yet: call fit first.")
    if not isinstance(course, History):
        raise ConfigurationError(
            f"Expected a History (what fit returns) or a network, got "
            f"{type(given).__name__}."
        )
    if not course.loss:
        raise ConfigurationError("The history has no epoch yet: call fit first.")
    return course


def _curve(ax: "Axes", x: Any, y: Any, **style: Any) -> None:
    """Draw a curve; a single value is a dot, since a line through it has no length."""
    ax.plot(x, y, marker="o" if len(y) == 1 else "", linewidth=1.8, **style)


def _mark_best(ax: "Axes", course: History, ends: NDArray[Any]) -> None:
    epoch = course.best_epoch
    if epoch is None or epoch > len(course.validation):
        return
    ax.plot(
        ends[epoch - 1],
        course.validation[epoch - 1],
        linestyle="",
        marker="o",
        markersize=8,
        markerfacecolor="none",
        markeredgewidth=1.6,
        color=ink(ax),
        label=f"best epoch: {epoch} ({course.validation[epoch - 1]:.4g})",
    )


def scale(ax: "Axes", values: NDArray[Any], log: bool | None = None) -> None:
    """Give losses a logarithmic scale, where they need one.

    Parameters
    ----------
    ax : Axes
        Where they are drawn.
    values : ndarray
        The losses.
    log : bool, optional
        Whether the scale is logarithmic; by default where the largest is more than a
        hundred times the smallest, and all are above 0.

    Raises
    ------
    DataError
        If none is finite.
    ConfigurationError
        If a logarithmic scale is asked for and none is above 0.
    """
    finite = values[np.isfinite(values)]
    if not finite.size:
        raise DataError("No loss of the history is finite: there is nothing to draw.")
    positive = finite[finite > 0]
    if log is None:
        wide = bool(positive.size) and positive.max() / 10**_DECADES > positive.min()
        log = wide and positive.size == finite.size
    if not log:
        return
    if not positive.size:
        raise ConfigurationError(
            "A logarithmic scale needs positive losses, and there are none: log=False."
        )
    ax.set_yscale("log")


def _whole_ticks(ax: "Axes") -> None:
    from matplotlib.ticker import MaxNLocator

    ax.xaxis.set_major_locator(MaxNLocator(integer=True, steps=[1, 2, 5, 10]))
