"""What a network makes of every point of the plane."""

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from pellucid.activations import sigmoid, softmax
from pellucid.arrays import as_inputs, column_names
from pellucid.data.dataset import Dataset
from pellucid.errors import ConfigurationError, DataError, ShapeError
from pellucid.layers.inputs import Input
from pellucid.network import NeuralNetwork
from pellucid.plots.canvas import canvas, frame, ink, legend_outside, paper
from pellucid.plots.data_scatter import class_handles, draw_classes
from pellucid.plots.palette import class_colour
from pellucid.plots.prediction_pairs import dot_size
from pellucid.targets import chooses

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Extent = tuple[float, float, float, float]


def decision_boundary(
    network: NeuralNetwork,
    x: Any = None,
    y: Any = None,
    ax: "Axes | None" = None,
    *,
    resolution: int = 200,
) -> "Axes":
    """Draw what a network with two inputs says about every point of the plane.

    Classes are regions of colour, stronger where the network is surer, with lines where
    two classes are equally probable. Numbers are a field of colour with lines of equal
    value. Outputs that are trained as numbers but stand for classes (y holds 0 and 1,
    or one-hot rows) are drawn as classes.

    Parameters
    ----------
    network : NeuralNetwork
        With an input of shape (n, 2).
    x : array_like, shape (n, 2), or Dataset, optional
        Data, drawn over the regions; they give the range. Without them the range is
        that of what `ax` shows already, or -2 to 2.
    y : array_like, optional
        Targets of the data; of a `Dataset` its own.
    ax : Axes, optional
        Where to draw; a new figure otherwise.
    resolution : int
        Points of the grid along each axis.

    Returns
    -------
    Axes

    Raises
    ------
    ShapeError
        If the network has not two inputs, or x has not two columns.
    ConfigurationError
        If the outputs are several numbers, for which there is no single picture.

    Examples
    --------
    >>> import pellucid
    >>> from matplotlib.figure import Figure
    >>> moons = pellucid.data.moons(n=100)
    >>> net = pellucid.NeuralNetwork(
    ...     [pellucid.Dense(8, "tanh"), pellucid.Dense(2)], loss="cross_entropy"
    ... )
    >>> history = net.fit(moons.x, moons.y, epochs=5)
    >>> ax = pellucid.plots.decision_boundary(net, moons, ax=Figure().add_subplot())
    >>> ax.get_xlabel(), ax.get_ylabel()
    ('x0', 'x1')
    """
    _check(network, resolution)
    names, labels = ["x0", "x1"], None
    if isinstance(x, Dataset):
        names, labels = list(x.features), list(x.classes)
        x, y = x.x, x.y if y is None else y
    elif y is not None and x is None:
        raise DataError("y came without x: hand in the points that it belongs to.")
    else:
        names = column_names(x) or names
    points, truth = _data(network, x, y)
    ax = canvas(ax, (6.2, 4.6))
    extent = _extent(ax, points)
    grid = _grid(extent, resolution)
    classes = _class_names(network, labels)
    if chooses(network.blueprint):
        p = _shares(network, grid)
        indices = None if truth is None else truth.reshape(-1).round().astype(int)
        _classes(ax, _on_grid(p, resolution), extent, points, indices, classes)
    elif network.loss.task == "labels":
        p = _shares(network, grid)
        _labels(ax, _on_grid(p, resolution), extent, points)
    else:
        outputs = np.reshape(network.predict(grid), (resolution**2, -1))
        if truth is not None and _stand_for_classes(truth):
            p = np.clip(outputs, 0.0, 1.0)
            p = np.concatenate([1 - p, p], axis=1) if p.shape[1] == 1 else p
            one = truth.shape[1] == 1
            indices = truth[:, 0].astype(int) if one else truth.argmax(axis=1)
            _classes(ax, _on_grid(p, resolution), extent, points, indices, classes)
        elif outputs.shape[1] == 1:
            _values(ax, _on_grid(outputs, resolution)[..., 0], extent, points, truth)
        else:
            raise ConfigurationError(
                f"The network has {outputs.shape[1]} outputs that are numbers, and one "
                "picture shows one. If they stand for classes, hand in x and one-hot y."
            )
    ax.set_xlim(extent[:2])
    ax.set_ylim(extent[2:])
    frame(ax, *names)
    ax.grid(visible=False)
    return ax


def _shares(network: NeuralNetwork, grid: NDArray[Any]) -> NDArray[Any]:
    """Return probabilities, or what scores make in their place: the same borders."""
    if network.loss.link != "identity":
        return network.predict_proba(grid)
    scores = network.feedforward(grid)
    if network.loss.task == "classes":
        shares: NDArray[Any] = softmax(scores)
        return shares
    yes = sigmoid(scores)
    return np.concatenate([1.0 - yes, yes], axis=1) if yes.shape[1] == 1 else yes


def _check(network: Any, resolution: Any) -> None:
    if not isinstance(network, NeuralNetwork):
        raise ConfigurationError(
            f"Expected a NeuralNetwork, got {type(network).__name__}."
        )
    whole = isinstance(resolution, int) and not isinstance(resolution, bool)
    if not whole or resolution < 2:
        raise ConfigurationError(
            f"Expected resolution to be a whole number of at least 2, got "
            f"{resolution!r}."
        )
    inputs = network.blueprint.inputs
    if not isinstance(inputs, Input):
        raise ShapeError(
            f"The network takes the named inputs {sorted(inputs)}; the picture of the "
            "plane needs one input of two numbers."
        )
    if inputs.shape != (2,):
        shape = ", ".join(map(str, inputs.shape))
        raise ShapeError(
            f"The network takes (n, {shape}); the picture of the plane needs two "
            "inputs, (n, 2). Train one on two of the columns, or look at the data "
            "with plots.data and at the predictions with plots.confusion_matrix."
        )


def _data(
    network: NeuralNetwork, x: Any, y: Any
) -> tuple[NDArray[Any] | None, NDArray[Any] | None]:
    """Return points and targets as the network takes them."""
    if x is None:
        return None, None
    if y is None:
        return as_inputs(x, network.blueprint.inputs, np.float64)[0], None
    samples = network.samples(x, y, several=False)
    return samples.x, samples.y


def _extent(ax: "Axes", points: NDArray[Any] | None) -> Extent:
    """Return left, right, bottom and top: of the data and a little more."""
    if points is not None and len(points):
        low, high = points.min(axis=0), points.max(axis=0)
        margin = np.where(high > low, 0.08 * (high - low), 1.0)
        (left, bottom), (right, top) = low - margin, high + margin
    elif ax.has_data():
        (left, right), (bottom, top) = ax.get_xlim(), ax.get_ylim()
    else:
        left, right, bottom, top = -2.0, 2.0, -2.0, 2.0
    return float(left), float(right), float(bottom), float(top)


def _grid(extent: Extent, resolution: int) -> NDArray[Any]:
    left, right, bottom, top = extent
    across, up = np.meshgrid(
        np.linspace(left, right, resolution), np.linspace(bottom, top, resolution)
    )
    return np.stack([across.ravel(), up.ravel()], axis=1)


def _on_grid(values: NDArray[Any], resolution: int) -> NDArray[np.float64]:
    return values.astype(np.float64).reshape(resolution, resolution, -1)


def _class_names(network: NeuralNetwork, labels: list[str] | None) -> list[str]:
    count = max(2, network.blueprint.answers)
    own = network.classes
    if labels and len(labels) == count and (own is None or own.dtype.kind in "iu"):
        return labels
    return [str(name) for name in (range(count) if own is None else own)]


def _stand_for_classes(y: NDArray[Any]) -> bool:
    """Return whether numbers are yes or no: 0 or 1 in a column, or one-hot rows."""
    if y.ndim != 2 or not ((y == 0) | (y == 1)).all():
        return False
    return y.shape[1] == 1 or bool((y.sum(axis=1) == 1).all())


def _classes(
    ax: "Axes",
    p: NDArray[np.float64],
    extent: Extent,
    points: NDArray[Any] | None,
    indices: NDArray[Any] | None,
    names: list[str],
) -> None:
    """Draw regions of classes from probabilities, shape (resolution, resolution, k)."""
    from matplotlib.colors import to_rgb
    from matplotlib.lines import Line2D
    from matplotlib.patches import Patch

    count = p.shape[-1]
    winner, surest = p.argmax(axis=-1), p.max(axis=-1)
    # From where all are equally probable to certainty.
    sure = np.clip((surest - 1 / count) / (1 - 1 / count), 0.0, 1.0)[..., None]
    colours = np.array([to_rgb(class_colour(index)) for index in range(count)])
    strength = 0.12 + 0.5 * sure
    picture = strength * colours[winner] + (1 - strength) * np.array(to_rgb(paper(ax)))
    _image(ax, picture, extent)
    others = np.sort(p, axis=-1)[..., -2]
    for index in range(count):
        rest = np.where(winner == index, others, surest)
        _contour(ax, p[..., index] - rest, extent)
    handles: list[Any] = []
    dots = class_handles(names)
    for index, name in enumerate(names):
        region = Patch(facecolor=class_colour(index), alpha=0.45)
        entry = (region, dots[index]) if indices is not None else (region,)
        handles.append((entry, name))
    handles.append(((Line2D([], [], color=ink(ax), linewidth=1.2),), "border"))
    _draw_points(ax, points, indices, count)
    _legend(ax, handles, "class (stronger: surer)")


def _labels(
    ax: "Axes",
    p: NDArray[np.float64],
    extent: Extent,
    points: NDArray[Any] | None,
) -> None:
    """Draw where each of several labels is more probable than not."""
    from matplotlib.colors import to_rgb
    from matplotlib.lines import Line2D
    from matplotlib.patches import Patch

    handles: list[Any] = []
    for index in range(p.shape[-1]):
        colour = class_colour(index)
        layer = np.empty((*p.shape[:2], 4))
        layer[..., :3] = to_rgb(colour)
        layer[..., 3] = np.clip(p[..., index] - 0.5, 0.0, 0.5) * 0.8
        _image(ax, layer, extent)
        dashes: Any = ("-", "--", "-.", ":")[index % 4]
        _contour(ax, p[..., index] - 0.5, extent, colour, dashes)
        line = Line2D([], [], color=colour, linestyle=dashes, linewidth=1.6)
        region = Patch(facecolor=colour, alpha=0.35)
        handles.append(((region, line), f"label {index}"))
    _draw_points(ax, points, None, 0)
    _legend(ax, handles, "yes (stronger: surer)")


def _values(
    ax: "Axes",
    values: NDArray[np.float64],
    extent: Extent,
    points: NDArray[Any] | None,
    truth: NDArray[Any] | None,
) -> None:
    """Draw numbers as a field of colour with lines of equal value."""
    from matplotlib.colors import Normalize
    from matplotlib.ticker import MaxNLocator

    everything = values.ravel()
    if truth is not None:
        everything = np.concatenate([everything, truth.ravel()])
    low, high = float(everything.min()), float(everything.max())
    # A constant is drawn in the middle of a range around it.
    around = 0.0 if high > low else max(abs(low), 1.0) * 0.5
    colours: dict[str, Any] = {
        "cmap": "viridis",
        "norm": Normalize(low - around, high + around),
    }
    field = _image(ax, values, extent, **colours)
    levels = [
        level
        for level in MaxNLocator(10).tick_values(low, high)
        if values.min() < level < values.max()
    ]
    if levels:
        lines = ax.contour(
            values,
            levels,
            extent=extent,
            colors="white",
            linestyles="solid",
            linewidths=0.8,
            zorder=1,
        )
        ax.clabel(lines, fontsize=8)
    if points is not None:
        style: dict[str, Any] = {"s": 1.6 * dot_size(len(points)), "zorder": 3}
        style |= {"linewidths": 0.8, "edgecolors": "white"}
        if truth is None:
            ax.scatter(points[:, 0], points[:, 1], color="black", **style)
        else:
            ax.scatter(points[:, 0], points[:, 1], c=truth.ravel(), **colours, **style)
    what = "output" if truth is None else "output (points: target)"
    ax.figure.colorbar(field, ax=ax, label=what)


def _image(ax: "Axes", picture: NDArray[Any], extent: Extent, **style: Any) -> Any:
    """Draw a grid of colours, each around its point."""
    left, right, bottom, top = extent
    across = (right - left) / (picture.shape[1] - 1) / 2
    up = (top - bottom) / (picture.shape[0] - 1) / 2
    edges = (left - across, right + across, bottom - up, top + up)
    return ax.imshow(
        picture, origin="lower", extent=edges, aspect="auto", zorder=0, **style
    )


def _contour(
    ax: "Axes",
    margin: NDArray[np.float64],
    extent: Extent,
    colour: Any = None,
    dashes: str = "-",
) -> None:
    """Draw where the margin is zero, if it is zero anywhere."""
    if margin.min() < 0 < margin.max():
        ax.contour(
            margin,
            levels=[0.0],
            extent=extent,
            colors=[colour or ink(ax)],
            linestyles=[dashes],
            linewidths=1.2,
            zorder=2,
        )


def _draw_points(
    ax: "Axes",
    points: NDArray[Any] | None,
    indices: NDArray[Any] | None,
    count: int,
) -> None:
    if points is None:
        return
    size = dot_size(len(points))
    if indices is None:
        ax.scatter(
            points[:, 0],
            points[:, 1],
            s=size,
            color=ink(ax),
            alpha=0.7,
            linewidths=0,
            zorder=3,
        )
        return
    draw_classes(ax, points, indices, count, s=size)


def _legend(ax: "Axes", entries: list[Any], title: str) -> None:
    handles, names = zip(*entries, strict=True)
    legend_outside(ax, handles, title, names)
