"""The true loss on a plane through the weights, and the way that training took."""

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from pellucid.data.dataset import Dataset
from pellucid.engines.readable import scale_of
from pellucid.errors import ConfigurationError
from pellucid.layers.dense import whole_number
from pellucid.network import NeuralNetwork
from pellucid.plots.canvas import canvas, frame, ink
from pellucid.plots.moment import moment_of_network
from pellucid.plots.palette import GRADIENT
from pellucid.plots.weight_plane import WeightPlane, as_path, plane_through
from pellucid.samples import Samples

if TYPE_CHECKING:
    from matplotlib.axes import Axes

# Neither colour is on the scale of the loss, and one of them is dashed.
_DOWN, _STEP = GRADIENT[False], "#000000"
_ARROW = 0.22  # length of an arrow, as a share of the picture, where its own is shorter


def loss_landscape(
    network: Any,
    x: Any,
    y: Any = None,
    ax: "Axes | None" = None,
    *,
    axes: Any = "gradient",
    recording: Any = None,
    optimizer: Any = None,
    resolution: int = 41,
    seed: int = 0,
    engine: str = "auto",
) -> "Axes":
    """Draw the loss of a network on a plane through its weights.

    Every point is the loss of all the data with the weights of that point, in
    prediction mode. Arrows show the way down, and where the optimizer's next step goes.
    A plane is a narrow view: the title states which share of the motion it holds.

    Parameters
    ----------
    network : NeuralNetwork
        The middle of the picture are its weights as they are.
    x, y : array_like, or a Dataset as x
        The data.
    ax : Axes, optional
        Where to draw; a new figure otherwise.
    axes : "gradient", "path", or the names of two weights
        ``"gradient"``: the way down, and a random direction that has in each filter the
        length of the weights. ``("dense_1.W[0, 1]", "dense_1.W[1, 1]")``: two weights,
        the others as they are. ``"path"``: the two principal directions of the path.
    recording : Recording, or array_like of shape (m, weights), optional
        The path of the training, drawn on top. An array holds ``net.weights`` of some
        moments.
    optimizer : Optimizer or str, optional
        Whose next step to draw; that of the last training by default.
    resolution : int
        Points along each side; the default takes about a second for small networks.
    seed : int
        Of the random direction.
    engine : str
        As in `fit`.

    Returns
    -------
    Axes

    Raises
    ------
    ConfigurationError
        If it is no network, or there are no such axes.
    UnknownNameError
        If there are no such weights.
    DataError
        If x and y do not fit, nothing was recorded, or the gradient is zero.

    References
    ----------
    H. Li et al., "Visualizing the loss landscape of neural nets", NeurIPS 2018.

    Examples
    --------
    >>> import pellucid
    >>> from matplotlib.figure import Figure
    >>> moons = pellucid.data.moons(n=100)
    >>> net = pellucid.NeuralNetwork(
    ...     [pellucid.Dense(4, "tanh"), pellucid.Dense(1, "sigmoid")],
    ...     loss="binary_cross_entropy",
    ...     input_shape=2,
    ... )
    >>> ax = pellucid.plots.loss_landscape(
    ...     net,
    ...     moons,
    ...     ax=Figure().add_subplot(),
    ...     axes=("dense_1.W[0, 1]", "dense_1.W[1, 1]"),
    ...     resolution=11,
    ... )
    >>> ax.get_xlabel(), ax.get_ylabel()
    ('dense_1.W[0, 1]', 'dense_1.W[1, 1]')
    """
    if not isinstance(network, NeuralNetwork):
        raise ConfigurationError(
            f"Expected a NeuralNetwork, got {type(network).__name__}."
        )
    whole_number("resolution", resolution, least=3)
    if isinstance(x, Dataset):
        x, y = x.x, x.y if y is None else y
    data = network.samples(x, y, several=False)
    path = as_path(network, recording)
    gradient = network.backprop(x, y, mode="predict")[1].vector
    plane = plane_through(network, axes, path, gradient, seed)
    losses = _losses(network, data, plane, resolution, engine)
    ax = canvas(ax, (5.2, 5.6))
    told = [f"{network.loss.label} of {len(data.y):,} samples"]
    told.append(moment_of_network(network))
    told += _surface(ax, losses, plane)
    handles = [] if path is None else _draw_path(ax, plane, path)
    if path is not None and axes != "path":
        told.append(f"the plane holds {_percent(plane.share(np.diff(path, axis=0)))}")
        told[-1] += " of the motion on the path"
    elif path is not None:
        away = path - plane.origin
        told.append(f"the plane holds {_percent(plane.share(away))} of the path")
    handles += _arrows(ax, plane, network, x, y, gradient, optimizer)
    ax.set_title("\n".join(told), fontsize=9)
    frame(ax, *plane.labels)
    ax.grid(visible=False)
    ax.set_xlim(plane.low[0], plane.high[0])
    ax.set_ylim(plane.low[1], plane.high[1])
    ax.legend(
        handles=handles,
        loc="upper center",
        bbox_to_anchor=(0.5, -0.13),
        borderaxespad=0.0,
        fontsize=8,
        frameon=False,
    )
    return ax


def _losses(
    network: NeuralNetwork,
    data: Samples,
    plane: WeightPlane,
    resolution: int,
    engine: str,
) -> NDArray[np.float64]:
    """Return the loss at each point of the plane, shape (resolution, resolution)."""
    runs, _ = network.engines.choose(engine, "evaluation")
    sides = [np.linspace(plane.low[k], plane.high[k], resolution) for k in (0, 1)]
    across, up = np.meshgrid(*sides)
    points = np.stack([across.ravel(), up.ravel()], axis=1)
    weights, size = network.weights.copy(), plane.origin.size
    scale = scale_of(network.blueprint, float(len(data.y)))
    found = np.empty(len(points))
    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
        for k, point in enumerate(points):
            weights[:size] = plane.weights(point)
            each = runs.losses(weights, data.x, data.y)
            found[k] = scale * each.sum(dtype=np.float64)
    return found.reshape(resolution, resolution)


def _surface(ax: "Axes", losses: NDArray[np.float64], plane: WeightPlane) -> list[str]:
    """Draw the losses; return what is to be said about them."""
    from matplotlib.colors import LogNorm, Normalize
    from matplotlib.ticker import LogLocator, MaxNLocator

    told, known = [], np.ma.masked_invalid(losses)
    extent = (plane.low[0], plane.high[0], plane.low[1], plane.high[1])
    ax.patch.set(hatch="xxxx", edgecolor=ink(ax), linewidth=0)
    if known.count() < losses.size:
        share = _percent(1 - known.count() / losses.size)
        told.append(f"{share} of the losses are not finite (crossed)")
    if not known.count():
        return told
    low, high = float(known.min()), float(known.max())
    steep = low > 0 and high > 8 * low
    norm: Any = LogNorm(low, high) if steep else Normalize(low, high)
    locator: Any = LogLocator(10, "all" if high < 1e3 * low else "auto", numticks=12)
    levels = (locator if steep else MaxNLocator(14)).tick_values(low, high)
    levels = [level for level in levels if low < level < high]
    half = (plane.high - plane.low) / (losses.shape[0] - 1) / 2
    edges = (
        *(extent[0] - half[0], extent[1] + half[0]),
        *(extent[2] - half[1], extent[3] + half[1]),
    )
    style: dict[str, Any] = {"cmap": "viridis", "norm": norm, "zorder": 0}
    smooth = "bilinear" if known.count() == losses.size else "nearest"
    picture = ax.imshow(
        known, origin="lower", extent=edges, interpolation=smooth, **style
    )
    ax.set_aspect("auto")
    if levels:
        lines = ax.contour(
            known, levels, extent=extent, colors="white", linewidths=0.7, zorder=1
        )
        ax.clabel(lines, levels[::2], fontsize=7, fmt="%.3g")
    label = "loss (log scale)" if steep else "loss"
    bar = ax.figure.colorbar(picture, ax=ax, label=label, format="%.3g")
    bar.ax.yaxis.set_minor_formatter("{x:.3g}")
    return told


def _draw_path(ax: "Axes", plane: WeightPlane, path: NDArray[np.float64]) -> list[Any]:
    """Draw the way that the weights took, and return what explains it."""
    points = plane.coordinates(path)
    dots: dict[str, Any] = {"marker": "o", "markersize": 2.4}
    if len(points) > 80:  # dots would lie on each other
        dots["markevery"] = -(-len(points) // 80)
    ax.plot(points[:, 0], points[:, 1], color="black", linewidth=3, zorder=2)
    (way,) = ax.plot(
        points[:, 0],
        points[:, 1],
        color="white",
        linewidth=1.4,
        zorder=2,
        label=f"path, {len(points):,} moments",
        **dots,
    )
    (start,) = ax.plot(
        *points[:1].T,
        marker="s",
        markersize=7,
        color="white",
        markeredgecolor="black",
        linestyle="",
        zorder=4,
        label="its start",
    )
    from matplotlib.lines import Line2D
    from matplotlib.patheffects import Normal, Stroke

    rim = [Stroke(linewidth=3, foreground="black"), Normal()]
    shown = Line2D([], [], color="white", linewidth=1.4, path_effects=rim)
    shown.set_label(way.get_label())
    return [shown, start]


def _arrows(
    ax: "Axes",
    plane: WeightPlane,
    network: NeuralNetwork,
    x: Any,
    y: Any,
    gradient: NDArray[Any],
    optimizer: Any,
) -> list[Any]:
    """Draw the ways down and of the next step; return what explains them."""
    from pellucid.trace import trace

    step = trace(network, x, y, optimizer=optimizer)
    kinds = [(-gradient, _DOWN, "-", "minus the gradient")]
    known = network.training and network.training.optimizer
    if optimizer is not None or step.optimizer == known:
        name = f"next step of {type(step.optimizer).__name__}"
        kinds.append((step.update.vector, _STEP, "--", name))
    handles = [_arrow(ax, plane, *kind) for kind in kinds]
    (here,) = ax.plot(
        *plane.here[:, None],
        marker="*",
        markersize=12,
        color="white",
        markeredgecolor="black",
        linestyle="",
        zorder=5,
        label="the weights now",
    )
    return [here, *handles]


def _arrow(
    ax: "Axes",
    plane: WeightPlane,
    change: NDArray[Any],
    colour: str,
    dashes: Any,
    name: str,
) -> Any:
    """Draw a change of the weights as an arrow, and return its line in the legend."""
    from matplotlib.lines import Line2D
    from matplotlib.patheffects import Normal, Stroke

    change = change.astype(np.float64)
    length = float(np.linalg.norm(change))
    with np.errstate(over="ignore", invalid="ignore"):
        seen = change @ plane.directions.T
    room = plane.high - plane.low
    drawn = float(np.linalg.norm(seen / room)) if np.isfinite(length) else 0.0
    if not np.isfinite(length):
        told = f"{name}: not finite, no arrow"
    elif drawn == 0:
        told = f"{name}: length {length:.3g}\nno part of it in this plane"
    else:
        told, longer = f"{name}: length {length:.3g}\n", 1.0
        if not 0.5 * _ARROW < drawn < 2 * _ARROW:
            longer = _ARROW / drawn
            told += f"drawn {_times(longer)} as long, "
        told += f"{_percent(plane.share(change[None]))} of it in this plane"
        width = 6.0 if dashes == "-" else 2.0  # one is seen below the other
        end = plane.here + longer * seen
        ax.annotate(
            "",
            xy=(end[0], end[1]),
            xytext=(plane.here[0], plane.here[1]),
            arrowprops={
                "arrowstyle": "-|>",
                "color": colour,
                "linewidth": width,
                "mutation_scale": 14 + 2 * width,
                "shrinkA": 0,
                "shrinkB": 0,
                "linestyle": dashes,
                "path_effects": [
                    Stroke(linewidth=width + 2, foreground="white"),
                    Normal(),
                ],
            },
            zorder=4,
        )
    return Line2D([], [], color=colour, linewidth=2, linestyle=dashes, label=told)


def _times(factor: float) -> str:
    number = f"{factor:,.0f}" if factor >= 10 else f"{factor:.2g}"
    return f"{number} times"


def _percent(share: float) -> str:
    return f"{100 * share:.3g} %"
