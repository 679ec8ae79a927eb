"""The space as each layer bends it: a grid, and the data, stage by stage."""

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from pellucid.errors import DataError
from pellucid.network import NeuralNetwork
from pellucid.plots.canvas import ink, paper, stage
from pellucid.plots.data_scatter import class_handles, draw_classes
from pellucid.plots.moment import moment_of_network
from pellucid.plots.plane import Plane, plane_of
from pellucid.plots.prediction_pairs import dot_size
from pellucid.plots.stages import Stage, stages
from pellucid.targets import chooses

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_LINES = 13  # of the grid, in each direction
_ALONG = 121  # points of a line: bends must look smooth
_BORDER = 120  # points along each side, to find where the answer changes
_ACROSS = 3  # panels side by side
_SIDE = 1.75  # inches of a panel


def bending(
    network: Any,
    x: Any,
    y: Any = None,
    *,
    features: Any = None,
    figure: Any = None,
) -> Any:
    """Draw the plane of two inputs, and what each layer makes of it: z, then a.

    The grid is straight in the input. The coordinates of a stage are its two neurons;
    of more neurons the plane in which the data vary most (principal components), turned
    so that it resembles the stage before, and its share of their variance is stated. A
    single neuron is a line, on which the classes stand above each other. The thick line
    is where the answer of the network changes: before the last layer it is straight.

    Parameters
    ----------
    network : NeuralNetwork
        Its input is (n, features), with two features or more.
    x : array_like, shape (n, features), or Dataset
        The data.
    y : array_like, optional
        Targets of the data; of a `Dataset` its own by default.
    features : sequence of two int or str, optional
        Which inputs the grid spans, by name or number, the others at their medians; the
        first two by default.
    figure : Figure, optional
        An empty figure to draw in; a new one otherwise.

    Returns
    -------
    Figure

    Raises
    ------
    ConfigurationError
        If it is no network, or there are no such inputs.
    ShapeError
        If the network does not take at least two numbers, or x does not fit it.
    DataError
        If x has fewer than two rows, or a stage has no finite numbers.

    References
    ----------
    A. Karpathy, ConvNetJS, 2014, draws such a grid for two neurons of a layer.

    Examples
    --------
    >>> import pellucid
    >>> from matplotlib.figure import Figure
    >>> moons = pellucid.data.moons(n=100)
    >>> net = pellucid.NeuralNetwork(
    ...     [pellucid.Dense(3, "tanh"), pellucid.Dense(1, "sigmoid")],
    ...     loss="binary_cross_entropy",
    ... )
    >>> history = net.fit(moons.x, moons.y, epochs=5)
    >>> figure = pellucid.plots.bending(net, moons, figure=Figure())
    >>> [ax.get_title().split(chr(10))[0] for ax in figure.axes]
    ['input', 'dense_1: z', 'dense_1: a = tanh(z)',
     'dense_2: z', 'dense_2: a = sigmoid(z)']
    """
    plane = plane_of(network, x, y, features)
    grid, border = _grid(plane), _border(network, plane)
    parts = [plane.x, plane.inputs(grid.reshape(-1, 2))]
    parts += [plane.inputs(line) for line in border]
    ends = np.cumsum([len(part) for part in parts])[:-1]
    found = stages(network, np.concatenate(parts))

    views = [_View("input", *plane.labels, plane.data, grid, border)]
    last = plane.data
    for each in found:
        data, *lines = np.split(each.values, ends)
        look = _camera(each, data, last)
        shown = [look.points(part) for part in (data, *lines)]
        last = shown[0]
        flat = shown[1].reshape(*grid.shape[:2], -1)
        title = f"{each.layer}: {each.title}"
        views.append(_View(title, look.across, look.up, last, flat, shown[2:]))

    told = ["The plane, and what each layer makes of it", moment_of_network(network)]
    told += [plane.told] if plane.told else []
    columns = min(_ACROSS, len(views))
    rows = math.ceil(len(views) / columns)
    height = rows * (_SIDE + 0.75) + 0.22 * len(told) + 0.6
    figure = stage(figure, (columns * (_SIDE + 0.25) + 0.3, height))
    figure.suptitle("\n".join(told), fontsize=10)
    panels = figure.subplots(rows, columns, squeeze=False).ravel()
    for ax, view in zip(panels, views, strict=False):
        _panel(ax, view, plane)
    for ax in panels[len(views) :]:
        ax.remove()
    handles = _key(figure.axes[0], plane, bool(border))
    figure.legend(
        handles=handles,
        loc="outside lower center",
        ncols=min(len(handles), 3),
        fontsize=8,
        frameon=False,
    )
    return figure


@dataclass
class _View:
    """What a panel shows; grid lines have the shape (2 * lines, points, 2)."""

    title: str
    across: str
    up: str
    data: NDArray[np.float64]
    grid: NDArray[np.float64]
    border: list[NDArray[np.float64]]


@dataclass
class _Camera:
    """Looks at points of a stage, shape (m, units): where each is in the plane."""

    across: str
    up: str
    middle: NDArray[np.float64]
    axes: NDArray[np.float64]

    def points(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        with np.errstate(over="ignore", invalid="ignore"):
            found: NDArray[np.float64] = (values - self.middle) @ self.axes
        return found


def _camera(
    found: Stage, data: NDArray[np.float64], last: NDArray[np.float64]
) -> _Camera:
    """Return how to look at a stage so that its data are seen from their best side."""
    if not np.isfinite(data).all():
        raise DataError(
            f"{found.layer} makes numbers of the data that are not finite: they have "
            "no place in a picture. The weights of the network may be too large."
        )
    units = data.shape[1]
    if units <= 2:
        up = "neuron 1" if units == 2 else ""
        return _Camera("neuron 0", up, np.zeros(units), np.eye(units))
    middle = data.mean(axis=0)
    centred = data - middle
    variances, directions = np.linalg.eigh(centred.T @ centred)
    axes = directions[:, ::-1][:, :2]
    share = variances[-2:].sum() / max(variances.sum(), np.finfo(np.float64).tiny)
    if last.shape[1] == 2:
        # The nearest to the picture before, by turning and flipping alone (Schönemann,
        # "A generalized solution of the orthogonal Procrustes problem", 1966).
        spread = (last - last.mean(axis=0)).T @ (centred @ axes)
        left, _, right = np.linalg.svd(spread.T)
        axes = axes @ left @ right
    told = f"plane with {share:.0%} of the variance of {units} neurons"
    return _Camera(told.replace("%", " %"), "", middle, axes)


def _grid(plane: Plane) -> NDArray[np.float64]:
    """Return lines of constant x and of constant y, shape (2 lines, points, 2)."""
    left, right, bottom, top = plane.extent
    x, y = np.linspace(left, right, _LINES), np.linspace(bottom, top, _LINES)
    along_x = np.linspace(left, right, _ALONG)
    along_y = np.linspace(bottom, top, _ALONG)
    upright = [np.stack([np.full(_ALONG, at), along_y], axis=1) for at in x]
    level = [np.stack([along_x, np.full(_ALONG, at)], axis=1) for at in y]
    return np.array(upright + level)


def _border(network: NeuralNetwork, plane: Plane) -> list[NDArray[np.float64]]:
    """Return the lines of the plane on which the answer of the network changes."""
    from contourpy import contour_generator

    points = plane.grid(_BORDER)
    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
        output = network.feedforward(plane.inputs(points)).astype(np.float64)
    if not chooses(network.blueprint):
        values = plane.targets.values
        zero_or_one = values is not None and set(np.unique(values)) <= {0, 1}
        if output.ndim != 2 or output.shape[1] != 1 or not zero_or_one:
            return []
        fields = [output[:, 0] - 0.5]  # numbers that stand for no and yes
    elif output.shape[1] == 1:
        linked = network.blueprint.logits is not None
        fields = [output[:, 0] - (0.5 if linked else 0.0)]
    else:
        others = [np.delete(output, k, axis=1) for k in range(output.shape[1])]
        fields = [output[:, k] - each.max(axis=1) for k, each in enumerate(others)]
        fields = fields[:1] if len(fields) == 2 else fields
    sides = points.reshape(_BORDER, _BORDER, 2)
    found: list[NDArray[np.float64]] = []
    for field in fields:
        known = np.ma.masked_invalid(field.reshape(_BORDER, _BORDER))
        lines = contour_generator(sides[..., 0], sides[..., 1], known).lines(0.0)
        found += [np.asarray(line) for line in lines]
    return found


def _panel(ax: "Axes", view: _View, plane: Plane) -> None:
    """Draw the grid, the border and the data at one stage."""
    from matplotlib.collections import LineCollection

    if view.data.shape[1] == 1:
        _line(ax, view, plane)
    else:
        half = len(view.grid) // 2
        for lines, dashes in ((view.grid[:half], "-"), (view.grid[half:], (0, (3, 1)))):
            style: Any = {"colors": ink(ax), "linewidths": 0.6, "linestyles": dashes}
            known = [line[np.isfinite(line).all(axis=1)] for line in lines]
            ax.add_collection(LineCollection(known, alpha=0.45, zorder=1, **style))
        for line in view.border:
            ax.plot(line[:, 0], line[:, 1], color=paper(ax), linewidth=4, zorder=2)
            ax.plot(line[:, 0], line[:, 1], color=ink(ax), linewidth=2, zorder=2)
        _data(ax, view.data, plane)
        ax.autoscale_view()
    ax.set_title(view.title, fontsize=9, fontweight="bold")
    ax.set_xlabel(view.across if len(view.across) < 24 else _halved(view.across))
    ax.set_ylabel(view.up)
    ax.xaxis.label.set_fontsize(8)
    ax.yaxis.label.set_fontsize(8)
    ax.tick_params(labelsize=7, length=2, pad=1)
    ax.locator_params(nbins=4)
    if view.data.shape[1] == 1:
        ax.set_yticks([])


def _halved(text: str) -> str:
    """Return a label on two lines, broken at the space nearest to its middle."""
    spaces = [place for place, letter in enumerate(text) if letter == " "]
    at = min(spaces, key=lambda place: abs(place - len(text) / 2))
    return f"{text[:at]}\n{text[at + 1 :]}"


def _line(ax: "Axes", view: _View, plane: Plane) -> None:
    """Draw a stage of one neuron: a line, the classes above each other."""
    values, count = plane.targets.values, max(1, len(plane.targets.classes))
    rows = np.zeros(len(view.data)) if count == 1 or values is None else values
    # Points of a row are spread a little, evenly, so that equal ones are seen.
    spread = np.arange(len(view.data)) * 0.6180339887 % 1.0 - 0.5
    points = np.stack([view.data[:, 0], rows + 0.6 * spread], axis=1)
    for x in np.unique(
        np.concatenate([[line[0, 0], line[-1, 0]] for line in view.grid])
    ):
        ax.axvline(x, color=ink(ax), linewidth=0.5, alpha=0.25, zorder=1)
    if view.border:
        at = float(np.median(np.concatenate(view.border)[:, 0]))
        ax.axvline(at, color=ink(ax), linewidth=2, zorder=2)
    _data(ax, points, plane)
    ax.set_ylim(-0.8, count - 0.2)


def _data(ax: "Axes", points: NDArray[np.float64], plane: Plane) -> None:
    size = 0.4 * dot_size(len(points))
    targets = plane.targets
    if targets.values is None:
        ax.scatter(points[:, 0], points[:, 1], s=size, color=ink(ax), zorder=3)
    elif not targets.classes:
        style: dict[str, Any] = {"cmap": "viridis", "edgecolors": [paper(ax)]}
        style |= {"s": size, "linewidths": 0.3, "zorder": 3}
        ax.scatter(points[:, 0], points[:, 1], c=targets.values, **style)
    else:
        count = len(targets.classes)
        draw_classes(ax, points, targets.values, count, s=size)


def _key(ax: "Axes", plane: Plane, border: bool) -> list[Any]:
    from matplotlib.lines import Line2D

    targets = plane.targets
    thin: dict[str, Any] = {"color": ink(ax), "linewidth": 0.8, "alpha": 0.6}
    across, up = plane.labels
    handles = class_handles([f"{targets.name} = {name}" for name in targets.classes])
    handles.append(Line2D([], [], label=f"{across} constant", **thin))
    dashed = Line2D([], [], linestyle=(0, (3, 1)), label=f"{up} constant", **thin)
    handles.append(dashed)
    if border:
        told = "where the answer changes"
        handles.append(Line2D([], [], color=ink(ax), linewidth=2, label=told))
    return handles
