"""An activation and its derivative."""

import math
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from pellucid.activations import Activation
from pellucid.errors import ConfigurationError
from pellucid.plots.canvas import canvas, frame, ink, two_colours

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def activation(
    activation_or_name: Any,
    ax: "Axes | None" = None,
    *,
    low: float = -5,
    high: float = 5,
) -> "Axes":
    """Draw an activation, ``a = f(z)``, and its derivative, ``f'(z)``.

    Of one that looks at several inputs, such as softmax, the first output is drawn,
    for the inputs z and 0.

    Parameters
    ----------
    activation_or_name : Activation or str
        Which one.
    ax : Axes, optional
        Where to draw; a new figure otherwise.
    low, high : float
        Ends of the range of z.

    Returns
    -------
    Axes

    Raises
    ------
    ConfigurationError
        If there is no such activation, or the range is empty.

    Examples
    --------
    >>> from matplotlib.figure import Figure
    >>> from pellucid import plots
    >>> ax = plots.activation("sigmoid", Figure().add_subplot())
    >>> [entry.get_text() for entry in ax.get_legend().get_texts()]
    ['sigmoid(z)', "sigmoid'(z)"]
    """
    chosen = Activation.of(activation_or_name)
    if not -math.inf < low < high < math.inf:
        raise ConfigurationError(
            f"Expected low < high, both finite; got low={low!r}, high={high!r}."
        )
    ax = canvas(ax)
    # A gap where the slope jumps: a line across it would be a slope that is not there.
    kinks = [kink for kink in chosen.kinks if low < kink < high]
    z = np.union1d(np.linspace(low, high, 801), kinks)
    value, slope = _value_and_slope(chosen, z)
    slope[np.isin(z, kinks)] = np.nan
    for line in (ax.axhline, ax.axvline):
        line(0.0, color=ink(ax), linewidth=0.6, alpha=0.5)
    blue, orange = two_colours(ax)
    name = f"{chosen.label}(z{', 0' if chosen.across else ''})"
    derivative = name.replace("(", "'(")
    ax.plot(z, value, color=blue, linewidth=2.0, label=name)
    ax.plot(z, slope, color=orange, linewidth=2.0, linestyle="--", label=derivative)
    frame(ax, "z", "a, da/dz")
    ax.set_xlim(low, high)
    ax.legend(frameon=False)
    return ax


def _value_and_slope(
    chosen: Activation, z: NDArray[Any]
) -> tuple[NDArray[Any], NDArray[Any]]:
    if not chosen.across:
        value = chosen.value(z)
        return value, np.array(chosen.slope(z, value))
    pairs = np.stack([z, np.zeros_like(z)], axis=1)
    outputs = chosen.value(pairs)
    first = np.zeros_like(outputs)
    first[:, 0] = 1.0  # the loss is the first output itself
    return outputs[:, 0], np.array(chosen.delta(first, pairs, outputs)[:, 0])
