"""Whether probabilities are honest, as a picture."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from pellucid.errors import ConfigurationError
from pellucid.plots.canvas import canvas, frame, ink, two_colours
from pellucid.plots.importance_bars import shortened
from pellucid.reliability import Calibration

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_AREA = 260  # square points of the dot of the range with most rows
_LEAST = 14


def calibration(found: Any, ax: "Axes | None" = None) -> "Axes":
    """Draw how often it was so against what the network said.

    On the dashed line probabilities are honest; below it the network is too sure. A dot
    is a range of what was said, the larger the more rows are in it.

    Parameters
    ----------
    found : Calibration, or mapping of str to Calibration
        From `pellucid.calibration`; up to two, with their names.
    ax : Axes, optional
        Where to draw; a new figure otherwise.

    Returns
    -------
    Axes

    Raises
    ------
    ConfigurationError
        If it is something else.

    Examples
    --------
    >>> import pellucid
    >>> from matplotlib.figure import Figure
    >>> found = pellucid.calibration([0, 1, 1, 0], [0.2, 0.9, 0.7, 0.4])
    >>> ax = pellucid.plots.calibration(found, Figure().add_subplot())
    >>> ax.get_xlabel(), ax.get_ylabel()
    ('probability of the second class', 'how often it was so')
    """
    several = dict(found) if isinstance(found, Mapping) else {"": found}
    if not 1 <= len(several) <= 2 or not all(
        isinstance(each, Calibration) for each in several.values()
    ):
        raise ConfigurationError(
            f"Expected one Calibration or two by name, got {type(found).__name__}: "
            "write pellucid.calibration(y, net.predict_proba(x))."
        )
    ax = canvas(ax, (4.8, 4.6), square=True)
    ax.plot([0, 1], [0, 1], "--", color=ink(ax), linewidth=1, label="honest")
    colours = reversed(two_colours(ax)) if len(several) > 1 else two_colours(ax)
    most = max(each.counts.max() for each in several.values())
    for (name, each), colour in zip(several.items(), colours, strict=False):
        there = each.counts > 0
        said, happened = each.said[there], each.happened[there]
        size = np.maximum(_AREA * each.counts[there] / most, _LEAST)
        ax.plot(said, happened, color=colour, linewidth=1.4, alpha=0.8)
        ax.scatter(said, happened, s=size, color=colour, alpha=0.75, linewidth=0)
        if name:
            ax.plot([], [], "o-", color=colour, label=shortened(name))
    first = next(iter(several.values()))
    frame(ax, shortened(first.of, 60), "how often it was so")
    ax.set_xlim(-0.03, 1.03)
    ax.set_ylim(-0.03, 1.03)
    ax.set_aspect("equal", adjustable="box")
    ax.legend(frameon=False, loc="upper left")
    return ax
