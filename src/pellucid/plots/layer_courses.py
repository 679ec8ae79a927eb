"""Activations, gradients and updates of the layers over the course of a training."""

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from pellucid.course import Course
from pellucid.errors import ConfigurationError, DataError
from pellucid.plots.canvas import frame, ink, stage
from pellucid.recording import Recording

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_MOST = 8  # layers that have a line
_WINDOWS = 40  # so many stretches of the course have a point each
_USUAL = 1e-3  # a healthy length of an update, as a share of the weights
_DASHES: Any = ("-", (0, (5, 1.5)), (0, (2, 1)), (0, (6, 1, 1, 1)))


def course(recording: Any, *, figure: Any = None) -> Any:
    """Draw what a training did to every layer: a line for each, from first to last.

    From top to bottom: the outputs, mean and a band of one standard deviation; the
    length of the gradient; the length of the update as a share of the length of the
    weights, of which about 0.001 is usual. Lines are medians of nearby iterations, and
    the bands of the lower two reach from the smallest to the largest of them. Every
    iteration is shown as it was before its update.

    Parameters
    ----------
    recording : Recording, or Course
        What ``net.fit(..., record=True)`` left in ``net.recording``, or its
        ``course()``.
    figure : Figure, optional
        An empty figure to draw in; a new one otherwise.

    Returns
    -------
    Figure

    Raises
    ------
    ConfigurationError
        If it is no recording, or there is nothing in it.
    DataError
        If no layer has parameters.

    Examples
    --------
    >>> import pellucid
    >>> from matplotlib.figure import Figure
    >>> moons = pellucid.data.moons(n=100)
    >>> net = pellucid.NeuralNetwork(
    ...     [pellucid.Dense(8, "tanh"), pellucid.Dense(2)], loss="cross_entropy"
    ... )
    >>> history = net.fit(moons.x, moons.y, epochs=5, record=True)
    >>> figure = pellucid.plots.course(net.recording, figure=Figure())
    >>> [ax.get_ylabel() for ax in figure.axes]
    ['output', 'gradient', 'update / weights']
    """
    if isinstance(recording, Recording):
        recording = recording.course()
    if not isinstance(recording, Course):
        raise ConfigurationError(
            "Expected a recording or its course, got "
            f"{type(recording).__name__}: train with net.fit(..., record=True) and "
            "give net.recording."
        )
    if not len(recording.steps):
        raise ConfigurationError("The course has no iterations: nothing to draw.")
    trained = [path for path, e in recording.layers.items() if (e.weights >= 0).any()]
    if not trained:
        raise DataError("No layer has parameters: there is no course of them to draw.")
    chosen = np.unique(np.linspace(0, len(trained) - 1, _MOST).round().astype(int))
    paths = [trained[i] for i in chosen]
    figure = stage(figure, (5.2, 6.6 + 0.11 * len(paths)))
    first, last = int(recording.steps[0]) + 1, int(recording.steps[-1]) + 1
    told = f"Iterations {first:,} to {last:,}, each before its update"
    if len(paths) < len(trained):
        told += f"\n{len(paths)} of {len(trained)} layers with parameters"
    figure.suptitle(told, fontsize=10)
    panels = figure.subplots(3, 1, sharex=True)
    _draw(panels, recording, paths)
    figure.legend(
        *panels[0].get_legend_handles_labels(),
        loc="outside lower center",
        ncols=max(1, min(4, 60 // (max(map(len, paths)) + 8))),
        fontsize=8,
        frameon=False,
        title="first layer light, last layer dark" if len(paths) > 1 else None,
        title_fontsize=8,
    )
    return figure


def _draw(panels: Any, course: Course, paths: list[str]) -> None:
    from matplotlib import colormaps
    from matplotlib.colors import to_hex

    outputs, gradients, ratios = panels
    shades = colormaps["viridis_r"](np.linspace(0.2, 1.0, len(paths)))
    for place, path in enumerate(paths):
        layer = course.layers[path]
        style = {"color": to_hex(shades[place]), "linestyle": _DASHES[place % 4]}
        spread = (layer.mean, layer.mean - layer.std, layer.mean + layer.std)
        _line(outputs, course.steps, *spread, label=path, **style)
        for ax, values in ((gradients, layer.gradient), (ratios, layer.ratio)):
            known = np.where(values > 0, values, np.nan)  # zero has no logarithm
            _line(ax, course.steps, known, known, known, **style)
    frame(outputs, "", "output")
    outputs.set_title("outputs: mean, and one standard deviation", fontsize=9)
    frame(gradients, "", "gradient")
    gradients.set_title("length of the gradient", fontsize=9)
    frame(ratios, "iteration", "update / weights")
    ratios.set_title("length of the update / length of the weights", fontsize=9)
    for ax in (gradients, ratios):
        if any(np.isfinite(line.get_ydata()).any() for line in ax.lines):
            ax.set_yscale("log")
    ratios.axhline(_USUAL, color=ink(ratios), linewidth=1, linestyle=":", zorder=1)
    ratios.annotate(
        "0.001: a usual value",
        xy=(1.0, _USUAL),
        xycoords=("axes fraction", "data"),
        xytext=(0, 2),
        textcoords="offset points",
        ha="right",
        va="bottom",
        fontsize=7,
    )
    bad = course.steps[~np.isfinite(course.losses)]
    for ax in panels if len(bad) else ():
        ax.axvspan(bad[0] + 0.5, course.steps[-1] + 1.5, hatch="xxxx", alpha=0.25)
        ax.text(
            bad[0] + 1,
            0.5,
            "not finite ",
            transform=ax.get_xaxis_transform(),
            ha="right",
            fontsize=8,
        )


def _line(
    ax: "Axes",
    steps: NDArray[np.int64],
    middle: NDArray[np.float64],
    low: NDArray[np.float64],
    high: NDArray[np.float64],
    **style: Any,
) -> None:
    """Draw medians of stretches of the course, and a band from lowest to highest."""
    stretches = np.array_split(np.arange(len(steps)), min(_WINDOWS, len(steps)))
    rows = [
        (
            np.median(steps[part]) + 1,
            _of_known(np.median, middle[part]),
            _of_known(np.median if low is not middle else np.min, low[part]),
            _of_known(np.median if high is not middle else np.max, high[part]),
        )
        for part in stretches
    ]
    x, y, bottom, top = np.array(rows).T
    ax.fill_between(x, bottom, top, color=style["color"], alpha=0.18, linewidth=0)
    ax.plot(x, y, linewidth=1.8, marker="o" if len(x) == 1 else "", **style)


def _of_known(reduce: Any, values: NDArray[np.float64]) -> float:
    known = values[np.isfinite(values)]
    return float(reduce(known)) if known.size else np.nan
