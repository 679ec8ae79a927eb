"""What a growing learning rate did to the loss."""

from typing import TYPE_CHECKING, Any

import numpy as np

from pellucid.errors import ConfigurationError
from pellucid.plots.canvas import canvas, frame, ink, two_colours
from pellucid.training.rate_search import RateSearch

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def learning_rates(search: Any, ax: "Axes | None" = None) -> "Axes":
    """Draw the loss over the learning rate, and the rate that is suggested.

    Dots are the losses of the batches, the line is their smooth mean. What rises far
    above the beginning is cut off.

    Parameters
    ----------
    search : RateSearch
        What ``find_learning_rate`` returned.
    ax : Axes, optional
        Where to draw; a new figure otherwise.

    Returns
    -------
    Axes

    Raises
    ------
    ConfigurationError
        If it is no search, or one that failed at once.

    Examples
    --------
    >>> import pellucid
    >>> from matplotlib.figure import Figure
    >>> data = pellucid.data.iris()
    >>> net = pellucid.NeuralNetwork([pellucid.Dense(3)], loss="cross_entropy")
    >>> found = net.find_learning_rate(data.x, data.y)
    >>> ax = pellucid.plots.learning_rates(found, Figure().add_subplot())
    >>> ax.get_xlabel(), ax.get_xscale()
    ('learning rate', 'log')
    """
    if not isinstance(search, RateSearch):
        raise ConfigurationError(
            "Expected what net.find_learning_rate(x, y) returned, got "
            f"{type(search).__name__}."
        )
    if not search.rates:
        raise ConfigurationError("The search has no iteration: there is no curve.")
    ax = canvas(ax)
    blue, orange = two_colours(ax)
    ax.plot(
        search.rates,
        search.losses,
        linestyle="",
        marker="o",
        markersize=3,
        markeredgewidth=0,
        color=blue,
        alpha=0.4,
        label="loss of each batch",
    )
    ax.plot(search.rates, search.smooth, color=blue, linewidth=2.0, label="smooth mean")
    if search.suggestion is not None:
        smooth = np.interp(
            np.log(search.suggestion), np.log(search.rates), search.smooth
        )
        bottom = int(np.argmin(search.smooth))
        ax.plot(
            search.rates[bottom],
            search.smooth[bottom],
            linestyle="",
            marker="o",
            markersize=8,
            markerfacecolor="none",
            markeredgewidth=1.6,
            color=ink(ax),
            label=f"lowest: {search.rates[bottom]:.2g}",
        )
        ax.axvline(search.suggestion, color=orange, linewidth=1.2, linestyle="--")
        ax.plot(
            search.suggestion,
            smooth,
            linestyle="--",
            linewidth=1.2,
            marker="o",
            markersize=7,
            color=orange,
            label=f"suggestion: {search.suggestion:.2g}",
        )
    ax.set_xscale("log")
    frame(ax, "learning rate", "loss")
    low, high = (
        min(search.losses),
        max(search.losses[: max(1, len(search.losses) // 2)]),
    )
    top = min(max(search.losses), high + 0.5 * (high - low))
    margin = 0.06 * (top - low) or 0.1
    ax.set_ylim(low - margin, top + margin)
    ax.legend(frameon=False)
    return ax
