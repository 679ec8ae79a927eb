"""The pull of every training example on one weight: a tug of war."""

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from pellucid.errors import ConfigurationError
from pellucid.plots.canvas import canvas, frame, ink, is_dark
from pellucid.plots.moment import moment_of_step
from pellucid.plots.one_weight import find_weight
from pellucid.plots.palette import DARK, LIGHT, signed_colour
from pellucid.trace import Step

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_FEW = 30  # so many samples have an arrow and a name each


def pulls(step: Any, weight: str, ax: "Axes | None" = None) -> "Axes":
    r"""Draw how strongly each sample of a batch pulls on one weight, and which way.

    ``-dL_i/dw`` for the loss L_i of sample i alone, sorted. Blue, to the right: the
    sample wants the weight larger; orange, to the left: smaller. The black arrow is the
    result: their mean, or their sum where the loss adds up the samples. It is minus the
    gradient, and gradient descent follows it.

    Parameters
    ----------
    step : Step
        From ``net.trace(x, y)``.
    weight : str
        One number of the network, such as ``"dense_1.W[0, 2]"``.
    ax : Axes, optional
        Where to draw; a new figure otherwise.

    Returns
    -------
    Axes

    Raises
    ------
    ConfigurationError
        If it is no step, or the weight is no name of a single number.
    UnknownNameError
        If there is no such weight.

    References
    ----------
    G. Sanderson, "Backpropagation, intuitively", 3Blue1Brown, 2017, tells gradients as
    the wishes of training examples.

    Examples
    --------
    >>> import pellucid
    >>> from matplotlib.figure import Figure
    >>> net = pellucid.NeuralNetwork([pellucid.Dense(1)], loss="mean_squared_error")
    >>> step = net.build(1).trace([[1.0], [2.0]], [[3.0], [-1.0]])
    >>> ax = pellucid.plots.pulls(step, "dense_1.W[0, 0]", Figure().add_subplot())
    >>> ax.get_title().split("\n")[0]
    'Pull of each of 2 samples on dense_1.W[0, 0]'
    """
    if not isinstance(step, Step):
        raise ConfigurationError(
            f"Expected a step, got {type(step).__name__}: write net.trace(x, y)."
        )
    place = find_weight(step.layout.parameters, weight)
    averages = step.blueprint.loss.reduction == "mean"
    index: Any = (slice(None), *place.index)
    shares = step.sample_gradients(place.parameter)[index]
    # Of a mean loss each share has 1/n in it: without it, it is the sample's own.
    own = -shares.astype(np.float64) * (step.n if averages else 1)
    gradient = float(step.gradients.vector[place.position])
    value = float(step.weights.vector[place.position])

    known = np.isfinite(own)
    order = np.flatnonzero(known)[np.argsort(own[known], kind="stable")]
    few = step.n <= _FEW
    ax = canvas(ax, (5.2, 2.6 + (0.2 * step.n if few else 3.0)))
    _draw(ax, own[order], few)
    _result(ax, -gradient, len(order))
    what = "mean" if averages else "sum"
    told = [
        f"Pull of each of {step.n:,} samples on {place.name}",
        f"{moment_of_step(step)}, the weight is {value:.3g}".replace("-", "−"),
        _outcome(gradient, what),
    ]
    if len(order) < step.n:
        told.append(f"{step.n - len(order)} pulls are not finite and not drawn")
    ax.set_title("\n".join(told), fontsize=9)
    down, up = int((own[known] < 0).sum()), int((own[known] > 0).sum())
    frame(ax, f"pull, −dL/dw\n− smaller: {down:,}      + larger: {up:,}", "")
    ax.grid(visible=False, axis="y")
    ax.axvline(0, color=ink(ax), linewidth=0.8)
    rows = max(len(order), 1)
    names = [f"sample {i}" for i in order] if few else []
    ticks = [*(range(len(names))), rows * 1.06 + 0.6]
    ax.set_yticks(ticks, [*names, what], fontsize=8)
    ax.get_yticklabels()[-1].set_fontweight("bold")
    ax.set_ylabel(f"{step.n:,} samples, sorted")
    ax.set_ylim(rows * 1.12 + 1.4, -0.8)
    return ax


def _outcome(gradient: float, what: str) -> str:
    """Return what the pulls come to, in words."""
    number = f"{gradient:.3g}".replace("-", "−")
    if not np.isfinite(gradient):
        return f"their {what} is not finite: gradient {number}"
    if gradient == 0:
        return f"their {what} is 0: the gradient is 0, nothing moves the weight"
    way = "smaller" if gradient > 0 else "larger"
    return f"gradient {number}, so descent makes the weight {way}"


def _draw(ax: "Axes", pulls: NDArray[np.float64], few: bool) -> None:
    """Draw the pulls from the first row down: arrows if they are few, else bars."""
    from matplotlib.collections import LineCollection

    scale = DARK if is_dark(ax) else LIGHT
    rows = np.arange(len(pulls))
    colours = [signed_colour(0.75 if pull > 0 else -0.6, scale) for pull in pulls]
    ends = [[(0.0, row), (pull, row)] for row, pull in zip(rows, pulls, strict=True)]
    height = ax.get_window_extent().height * 72 / ax.figure.dpi
    width = 2.2 if few else max(0.3, 0.75 * height / max(len(pulls), 1))
    lines = LineCollection(ends, colors=colours, linewidths=width, zorder=2)
    ax.add_collection(lines)
    if few:
        for colour in dict.fromkeys(colours):
            mine = [row for row in rows if colours[row] == colour and pulls[row] != 0]
            sign = ">" if colour == signed_colour(0.75, scale) else "<"
            dots: dict[str, Any] = {"linestyle": "", "markersize": 6, "zorder": 3}
            ax.plot(pulls[mine], mine, marker=sign, color=colour, **dots)
    reach = float(np.abs(pulls).max(initial=0.0)) or 1.0
    low, high = min(0.0, pulls.min(initial=0.0)), max(0.0, pulls.max(initial=0.0))
    ax.set_xlim(low - 0.15 * reach, high + 0.15 * reach)


def _result(ax: "Axes", pull: float, rows: int) -> None:
    """Draw what the pulls come to, as a bold arrow below them."""
    if not np.isfinite(pull):
        return
    low, high = ax.get_xlim()
    ax.set_xlim(min(low, 1.15 * pull), max(high, 1.15 * pull))
    at = max(rows, 1) * 1.06 + 0.6
    if pull != 0:
        ax.annotate(
            "",
            xy=(pull, at),
            xytext=(0.0, at),
            arrowprops={
                "arrowstyle": "-|>",
                "color": ink(ax),
                "linewidth": 3.5,
                "mutation_scale": 18,
                "shrinkA": 0,
                "shrinkB": 0,
            },
            zorder=4,
        )
    side = "left" if pull >= 0 else "right"
    ax.annotate(
        f"{pull:.3g}".replace("-", "−"),
        xy=(pull, at),
        xytext=(10 if pull >= 0 else -10, 0),
        textcoords="offset points",
        ha=side,
        va="center",
        fontsize=9,
        fontweight="bold",
        color=ink(ax),
    )
