"""What each neuron computes, as a map of the plane."""

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from pellucid.layers.dense import whole_number
from pellucid.plots.canvas import ink, is_dark, paper, stage
from pellucid.plots.moment import moment_of_network
from pellucid.plots.palette import DARK, LIGHT, class_marker, mix, signed_map
from pellucid.plots.plane import Plane, plane_of
from pellucid.plots.prediction_pairs import dot_size
from pellucid.plots.stages import Stage, stages

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_ACROSS = 4  # maps side by side: more could not be read on a phone
_SIDE = 1.15  # inches of a map
_LARGEST = 1e300  # beyond it, arithmetic with colours overflows
_DOTS = 150  # so many points are drawn over a map


def neuron_maps(
    network: Any,
    x: Any,
    y: Any = None,
    *,
    features: Any = None,
    z: bool = False,
    most: int = 8,
    resolution: int = 80,
    figure: Any = None,
) -> Any:
    """Draw what each neuron computes at every point of the plane, layer by layer.

    Blue is positive and marked +, orange is negative and marked −, where the neuron
    gives most and least; maps of a layer have the same colours. The line is where the
    neuron's weighted sum z is zero. Of more than two inputs two vary, and the others
    stay at their medians.

    Parameters
    ----------
    network : NeuralNetwork
        Its input is (n, features), with two features or more.
    x : array_like, shape (n, features), or Dataset
        The data: they give the range and the medians, and are drawn on top.
    y : array_like, optional
        Targets of the data; of a `Dataset` its own by default.
    features : sequence of two int or str, optional
        Which inputs vary, by name or number; the first two by default.
    z : bool
        Whether to draw the weighted sums as well, above what the activation makes of
        them.
    most : int
        So many neurons of a layer at most are drawn, those that vary most.
    resolution : int
        Points of a map along each side.
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
        If x has fewer than two rows.

    Examples
    --------
    >>> import pellucid
    >>> from matplotlib.figure import Figure
    >>> moons = pellucid.data.moons(n=100)
    >>> net = pellucid.NeuralNetwork(
    ...     [pellucid.Dense(4, "tanh"), pellucid.Dense(1, "sigmoid")],
    ...     loss="binary_cross_entropy",
    ... )
    >>> history = net.fit(moons.x, moons.y, epochs=5)
    >>> figure = pellucid.plots.neuron_maps(net, moons, figure=Figure())
    >>> [part.get_suptitle() for part in figure.subfigs]
    ['dense_1: a = tanh(z)', 'dense_2: a = sigmoid(z)']
    """
    whole_number("most", most)
    whole_number("resolution", resolution, least=2)
    plane = plane_of(network, x, y, features)
    found = stages(network, plane.inputs(plane.grid(resolution)))
    activated = {each.layer for each in found if each.what == "a"}
    if not z:
        found = [e for e in found if e.what != "z" or e.layer not in activated]
    columns = min(_ACROSS, max(_shown(each, most) for each in found))
    rows = [-(-_shown(each, most) // columns) for each in found]
    heights = [_SIDE * count + 0.45 for count in rows]
    told = ["What each neuron computes", moment_of_network(network)]
    told += [plane.told] if plane.told else []
    width = max(_SIDE * columns + 1.0, 0.075 * max(map(len, told)) + 0.3, 3.4)
    figure = stage(figure, (width, sum(heights) + 0.22 * len(told) + 0.7))
    figure.suptitle("\n".join(told), fontsize=10)
    parts = np.ravel(
        figure.subfigures(len(found), 1, height_ratios=heights, squeeze=False)
    )
    # What a layer's neurons make in the end says which of them are drawn.
    chosen = {each.layer: _most_varied(each.values, most) for each in found}
    for part, each, down in zip(parts, found, rows, strict=True):
        _layer(part, each, plane, chosen[each.layer], (down, columns), resolution)
    figure.legend(
        handles=_key(figure.subfigs[0].axes[0], plane),
        loc="outside lower center",
        ncols=2,
        fontsize=8,
        frameon=False,
    )
    return figure


def _shown(found: Stage, most: int) -> int:
    return int(min(most, found.values.shape[1]))


def _most_varied(values: NDArray[np.float64], most: int) -> NDArray[np.intp]:
    """Return which neurons vary most over the plane, in their order."""
    with np.errstate(over="ignore", invalid="ignore"):
        spread = np.nan_to_num(values.std(axis=0), nan=np.inf)
    return np.sort(np.argsort(-spread, kind="stable")[:most])


def _layer(
    part: Any,
    found: Stage,
    plane: Plane,
    chosen: NDArray[np.intp],
    shape: tuple[int, int],
    resolution: int,
) -> None:
    """Draw the maps of a layer, with a bar of their colours."""
    from matplotlib.colors import Normalize

    values = found.values
    count = values.shape[1]
    finite = np.abs(values[:, chosen][np.isfinite(values[:, chosen])])
    largest = min(float(finite.max(initial=0.0)), _LARGEST) or 1.0
    title = f"{found.layer}: {found.title}"
    title += f" ({len(chosen)} of {count} neurons)" if len(chosen) < count else ""
    part.suptitle(title, fontsize=9, fontweight="bold")
    panels = part.subplots(*shape, squeeze=False)
    for ax in panels.flat[len(chosen) :]:
        ax.set_axis_off()
    used = list(panels.flat[: len(chosen)])
    scale = DARK if is_dark(used[0]) else LIGHT
    colours = {"cmap": signed_map(scale), "norm": Normalize(-largest, largest)}
    for place, (ax, index) in enumerate(zip(used, chosen, strict=True)):
        field = values[:, index].reshape(resolution, resolution)
        picture = draw_map(ax, field, plane.extent, **colours)
        z = found.z if found.z is not None else found.values
        _zero_line(ax, z[:, index].reshape(field.shape), plane.extent)
        _dots(ax, plane)
        ax.set_title(f"neuron {index}", fontsize=8, pad=2)
        ax.tick_params(labelsize=7, length=2, pad=1)
        ax.locator_params(nbins=3)
        ax.label_outer()
        if place == (len(used) - 1) // shape[1] * shape[1]:
            ax.set_xlabel(plane.labels[0], fontsize=8, labelpad=1)
            ax.set_ylabel(plane.labels[1], fontsize=8, labelpad=1)
    beside = used if shape[0] == 1 else panels
    bar = part.colorbar(
        picture, ax=beside, fraction=0.2 / len(used) ** 0.5, pad=0.02, aspect=14
    )
    bar.ax.tick_params(labelsize=7)


def draw_map(
    ax: "Axes",
    field: NDArray[np.float64],
    extent: tuple[float, float, float, float],
    **colours: Any,
) -> Any:
    """Draw a field of numbers, with signs, and a pattern where they are not finite.

    Parameters
    ----------
    ax : Axes
        Where.
    field : ndarray, shape (rows, columns)
        The numbers, the lowest row first.
    extent : (float, float, float, float)
        Left, right, bottom and top.
    **colours
        Arguments for `Axes.imshow`.

    Returns
    -------
    AxesImage
    """
    finite = np.isfinite(field)
    # Cells without a colour let the ground show through, and that has a pattern.
    ax.patch.set(hatch="xxxx", edgecolor=ink(ax), linewidth=0)
    picture = ax.imshow(
        np.ma.masked_array(field, ~finite),
        origin="lower",
        extent=extent,
        aspect="auto",
        interpolation="bilinear" if finite.all() else "nearest",
        zorder=0,
        **colours,
    )
    inside = field[1:-1, 1:-1]
    for sign, find in (("+", np.nanargmax), ("−", np.nanargmin)):
        known = np.where(np.isfinite(inside), inside, np.nan)
        if np.isnan(known).all():
            break
        row, column = np.unravel_index(find(known), known.shape)
        if (known[row, column] > 0) == (sign == "+") and known[row, column] != 0:
            at = _place(field.shape, extent, int(row) + 1, int(column) + 1)
            _glyph(ax, at, sign)
    if not finite.all():
        told = f"{1 - finite.mean():.0%} not finite".replace("%", " %")
        _glyph(ax, (0.5, 0.08), told, size=7, transform=ax.transAxes)
    return picture


def _place(
    shape: tuple[int, ...], extent: tuple[float, ...], row: int, column: int
) -> tuple[float, float]:
    """Return where a cell is, but not so near the rim that a sign would be cut off."""
    left, right, bottom, top = extent
    across = np.clip(column / (shape[1] - 1), 0.08, 0.92)
    up = np.clip(row / (shape[0] - 1), 0.08, 0.92)
    return float(left + across * (right - left)), float(bottom + up * (top - bottom))


def _glyph(
    ax: "Axes", at: tuple[float, float], text: str, size: float = 11, **style: Any
) -> None:
    from matplotlib.patheffects import withStroke

    rim = [withStroke(linewidth=2, foreground=paper(ax))]
    ax.text(
        *at,
        text,
        fontsize=size,
        fontweight="bold",
        ha="center",
        va="center",
        color=ink(ax),
        path_effects=rim,
        zorder=5,
        **style,
    )


def _zero_line(
    ax: "Axes", z: NDArray[np.float64], extent: tuple[float, float, float, float]
) -> None:
    """Draw where the weighted sum is zero, if it is anywhere."""
    known = np.ma.masked_invalid(z)
    if known.count() and known.min() < 0 < known.max():
        known = known / np.abs(known).max()  # as its size does not matter
        ax.contour(
            known, [0.0], extent=extent, colors=[ink(ax)], linewidths=1.0, zorder=2
        )


def _dots(ax: "Axes", plane: Plane) -> None:
    """Draw some of the data, small; classes differ in marker and shade of grey."""
    rows = np.unique(np.linspace(0, len(plane.x) - 1, _DOTS).round().astype(int))
    points, targets = plane.data[rows], plane.targets
    style: dict[str, Any] = {"s": 0.22 * dot_size(len(rows)), "zorder": 3}
    if targets.values is None or not targets.classes:
        ax.scatter(points[:, 0], points[:, 1], color=ink(ax), **style | {"alpha": 0.5})
        return
    classes = targets.values[rows]
    for index, shade in enumerate(_shades(ax, len(targets.classes))):
        ax.scatter(
            points[classes == index, 0],
            points[classes == index, 1],
            marker=class_marker(index),
            color=shade,
            edgecolors=ink(ax),
            linewidths=0.5,
            **style,
        )


def _shades(ax: "Axes", count: int) -> list[str]:
    """Return a grey for each class: orange and blue are taken by the signs."""
    first, last = paper(ax), "#ffffff" if is_dark(ax) else "#000000"
    return [mix(first, last, 0.9 * i / max(count - 1, 1)) for i in range(count)]


def _key(ax: "Axes", plane: Plane) -> list[Any]:
    """Return what the signs, the line and the points mean, for a legend."""
    from matplotlib.lines import Line2D

    style: dict[str, Any] = {"linestyle": "", "color": ink(ax)}
    handles = [
        Line2D([], [], color=ink(ax), linewidth=1.0, label="z = 0"),
        Line2D([], [], marker="$+$", **style, label="+ most, − least"),
    ]
    names = plane.targets.classes
    shades = _shades(ax, len(names))
    for index, (name, shade) in enumerate(zip(names, shades, strict=True)):
        edge: dict[str, Any] = {"markerfacecolor": shade, "markersize": 5}
        marker = class_marker(index)
        label = f"{plane.targets.name} = {name}"
        handles.append(Line2D([], [], marker=marker, label=label, **style | edge))
    return handles
