"""How much each column matters to a network."""

from typing import TYPE_CHECKING, Any

from pellucid.errors import ConfigurationError
from pellucid.importance import Importance
from pellucid.plots.canvas import canvas, frame, ink, two_colours

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_LETTERS = 28  # of a column's name


def importance(found: Any, ax: "Axes | None" = None, *, most: int = 15) -> "Axes":
    """Draw by how much a metric gets worse without each column, the worst on top.

    Bars are means over the shufflings, and the dots beside them the single ones: where
    they reach across zero, the column may not matter at all.

    Parameters
    ----------
    found : Importance
        From `pellucid.permutation_importance`.
    ax : Axes, optional
        Where to draw; a new figure otherwise.
    most : int
        How many columns at most.

    Returns
    -------
    Axes

    Raises
    ------
    ConfigurationError
        If it is something else, or `most` is below 1.

    Examples
    --------
    >>> import pellucid
    >>> from matplotlib.figure import Figure
    >>> net = pellucid.NeuralNetwork([pellucid.Dense(1)], loss="mean_squared_error")
    >>> x = [[1.0, 2.0], [3.0, 5.0], [4.0, 1.0]]
    >>> found = pellucid.permutation_importance(net.build(2), x, [1.0, 2.0, 3.0])
    >>> ax = pellucid.plots.importance(found, Figure().add_subplot())
    >>> ax.get_xlabel()
    'rise of RMSE without the column'
    """
    if not isinstance(found, Importance):
        raise ConfigurationError(
            f"Expected an Importance, got {type(found).__name__}: write "
            "pellucid.permutation_importance(net, x, y)."
        )
    if most < 1:
        raise ConfigurationError(f"Expected most of 1 or more, got {most!r}.")
    shown = found.order[:most]
    ax = canvas(ax, (6.4, 1.1 + 0.32 * len(shown)))
    blue, _ = two_colours(ax)
    rows = range(len(shown))
    ax.barh(rows, found.mean[shown], height=0.62, color=blue, alpha=0.75)
    for row, place in zip(rows, shown, strict=True):
        each = found.worse[place]
        ax.plot(each, [row] * len(each), ".", color=ink(ax), markersize=4, alpha=0.7)
    ax.axvline(0, color=ink(ax), linewidth=0.8)
    frame(ax, f"{found.change} without the column", "column")
    ax.grid(visible=False, axis="y")
    ax.set_yticks(rows, [shortened(found.columns[place]) for place in shown])
    ax.set_ylim(len(shown) - 0.4, -0.6)
    ax.locator_params(axis="x", nbins=5)
    return ax


def shortened(name: str, letters: int = _LETTERS) -> str:
    """Return a name that has room beside an axis.

    Parameters
    ----------
    name : str
        Of any length.
    letters : int
        How many it may have.

    Returns
    -------
    str
        Dollar signs are kept from being taken for formulas.
    """
    name = name if len(name) <= letters else f"{name[: letters - 1]}…"
    return name.replace("$", r"\$")
