"""What a network says as one column changes."""

from typing import TYPE_CHECKING, Any

import numpy as np

from pellucid.data.columns import date_text
from pellucid.dependence import Dependence
from pellucid.errors import ConfigurationError
from pellucid.plots.canvas import canvas, frame, ink, legend_outside, two_colours
from pellucid.plots.importance_bars import shortened
from pellucid.plots.palette import class_colour, class_marker

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_CURVES = 40  # single rows that are drawn
_CLASSES = 6  # classes that are drawn
_HALF = 0.4  # a probability above which the axis goes up to 1
_DECILES = 9


def partial_dependence(
    found: Any, ax: "Axes | None" = None, *, target: Any = None
) -> "Axes":
    """Draw the mean answer at each value of a column, and how single rows differ.

    One answer has a thick line for the mean, thin lines for some rows, and a band with
    four rows of five. Several classes have a line each; of many the six are drawn whose
    mean changes most. Ticks at the bottom are the deciles: between two of them lie a
    tenth of the rows.

    Parameters
    ----------
    found : Dependence
        From `pellucid.partial_dependence`.
    ax : Axes, optional
        Where to draw; a new figure otherwise.
    target : label or int, optional
        Which class or output; by default the second of two classes, and up to six of
        more.

    Returns
    -------
    Axes

    Raises
    ------
    ConfigurationError
        If it is something else, or there is no such target.

    Examples
    --------
    >>> import pellucid
    >>> from matplotlib.figure import Figure
    >>> net = pellucid.NeuralNetwork([pellucid.Dense(1)], loss="mean_squared_error")
    >>> x = [[1.0, 2.0], [3.0, 5.0], [4.0, 1.0]]
    >>> found = pellucid.partial_dependence(net.build(2), x, "x1")
    >>> ax = pellucid.plots.partial_dependence(found, Figure().add_subplot())
    >>> ax.get_xlabel(), ax.get_ylabel()
    ('x1', 'prediction')
    """
    if not isinstance(found, Dependence):
        raise ConfigurationError(
            f"Expected a Dependence, got {type(found).__name__}: write "
            "pellucid.partial_dependence(net, x, column)."
        )
    shown = _shown(found, target)
    ax = canvas(ax, (5.4, 3.6))
    x = np.arange(len(found.places), dtype=float)
    if found.ordered:
        x = np.asarray(found.places, dtype=float)
    draw = _one if len(shown) == 1 else _several
    draw(ax, found, shown, x)
    what = "probability" if found.probable else "prediction"
    if len(shown) == 1 and len(found.answers) > 1:
        what += f" of {shortened(str(found.answers[shown[0]]))}"
    frame(ax, shortened(found.column, 60), what)
    _name_places(ax, found, x)
    if found.probable:
        top = ax.get_ylim()[1]
        ax.set_ylim(-0.03 * min(1.0, top), 1.03 if top > _HALF else None)
    if len(shown) > 1:
        legend_outside(ax, ax.get_lines()[: len(shown)])
    if found.cells.size and found.ordered:
        _rug(ax, found, x)
    return ax


def _shown(found: Dependence, target: Any) -> list[int]:
    count = len(found.answers)
    if target is None:
        if found.probable and count == 2:
            return [1]
        changes = found.mean.max(axis=0) - found.mean.min(axis=0)
        most = np.argsort(-changes, kind="stable")[:_CLASSES]
        return sorted(most.tolist())
    plain = target.item() if isinstance(target, np.generic) else target
    if plain not in found.answers:
        raise ConfigurationError(
            f"target is {plain!r}, which is none of "
            f"{', '.join(map(repr, found.answers))}."
        )
    return [found.answers.index(plain)]


def _one(ax: "Axes", found: Dependence, shown: list[int], x: Any) -> None:
    blue, orange = two_colours(ax)
    curves, mean = found.curves[:, :, shown[0]], found.mean[:, shown[0]]
    low, high = found.spread()[:, :, shown[0]]
    if found.ordered:
        # So many rows, spread evenly over the order of their answers.
        order = np.argsort(curves.mean(axis=1), kind="stable")
        few = order[:: -(-len(order) // _CURVES)]
        ax.fill_between(x, low, high, color=blue, alpha=0.16, linewidth=0)
        ax.plot(x, curves[few].T, color=blue, alpha=0.22, linewidth=0.7)
        ax.plot(x, mean, color=orange, linewidth=2.4)
        return
    ax.vlines(x, low, high, color=blue, alpha=0.5, linewidth=5)
    ax.plot(x, mean, "o", color=orange, markersize=8)


def _several(ax: "Axes", found: Dependence, shown: list[int], x: Any) -> None:
    for place in shown:
        ax.plot(
            x,
            found.mean[:, place],
            linestyle="-" if found.ordered else "",
            marker=class_marker(place),
            markersize=4 if found.ordered else 7,
            color=class_colour(place),
            linewidth=2,
            label=shortened(str(found.answers[place])),
        )


def _name_places(ax: "Axes", found: Dependence, x: Any) -> None:
    if found.kind == "date":
        ticks = np.linspace(x[0], x[-1], 4)
        ax.set_xticks(ticks, [date_text(tick)[:10] for tick in ticks])
    elif not found.ordered:
        many = len(x) > 6 or sum(map(len, found.names)) > 40
        names = [shortened(name, 16) for name in found.names]
        aslant: Any = {"rotation": 45, "ha": "right", "rotation_mode": "anchor"}
        ax.set_xticks(x, names, **(aslant if many else {}))
        ax.set_xlim(-0.5, len(x) - 0.5)


def _rug(ax: "Axes", found: Dependence, x: Any) -> None:
    deciles = np.quantile(found.cells, np.arange(1, _DECILES + 1) / (_DECILES + 1))
    inside = deciles[(deciles >= x.min()) & (deciles <= x.max())]
    ax.plot(
        inside,
        np.zeros(len(inside)),
        "|",
        color=ink(ax),
        markersize=9,
        transform=ax.get_xaxis_transform(),
        clip_on=False,
    )
