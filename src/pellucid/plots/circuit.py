"""Neurons opened into their arithmetic: values above each wire, gradients below.

One unit is the distance between two rows; x grows to the right and y downwards.
"""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from pellucid.plots.canvas import is_dark, paper
from pellucid.plots.diagram_scene import GROUND
from pellucid.plots.diagram_words import subscript
from pellucid.plots.palette import GRADIENT
from pellucid.trace import LayerStep, Step

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_LETTERS = 0.25  # height of a number
_ROW, _GAP = 1.3, 0.5  # from one product to the next, and between neurons
_WIRE = 1.75  # length of a wire with a number on it
_PRODUCT = 2.35  # the same, where the name of a weight stands above
_MOST = 8  # products of a neuron that have a row


@dataclass(frozen=True)
class Neurons:
    """A layer whose outputs are ``activation(x W + b)``, for one sample.

    Parameters
    ----------
    path, activation : str
        Names of the layer and of its activation; "" for none.
    names : dict of str to str
        Names of the slots: of W under ``"W"``, of b under ``"b"`` where there is one.
    x, z, a : ndarray, shapes (inputs,), (units,) and (units,)
        The sample on its way.
    W, b : ndarray, shapes (inputs, units) and (units,)
        The numbers of the layer; b may be zeros.
    dz, da : ndarray, shape (units,)
        Gradients of the loss of the whole batch.
    joined : bool
        Whether activation and loss are one, so that there is no dL/da.
    """

    path: str
    activation: str
    names: dict[str, str]
    x: NDArray[np.float64]
    W: NDArray[np.float64]
    b: NDArray[np.float64]
    z: NDArray[np.float64]
    a: NDArray[np.float64]
    dz: NDArray[np.float64]
    da: NDArray[np.float64]
    joined: bool

    @property
    def dx(self) -> NDArray[np.float64]:
        """Gradient with respect to the inputs, shape (inputs,)."""
        with np.errstate(over="ignore", invalid="ignore"):
            return np.asarray(self.W @ self.dz)


def neurons_of(layer: LayerStep, step: Step, sample: int) -> Neurons | None:
    """Return a layer as neurons, or None if it does not compute ``x W + b``.

    Parameters
    ----------
    layer : LayerStep
        Any layer of the step.
    step : Step
        The step.
    sample : int
        Which sample of the batch.

    Returns
    -------
    Neurons or None
    """
    x, z = layer.input, layer.kept.get("z")
    if not isinstance(x, np.ndarray) or z is None or x.ndim != 2 or z.ndim != 2:
        return None
    entries = step.layout.parameters.entries
    roles = {
        name: entries[f"{layer.path}.{name}"].slot.role for name in layer.gradients
    }
    shapes = {"weight": (x.shape[1], z.shape[1]), "bias": (z.shape[1],)}
    found = {
        role: [n for n in roles if roles[n] == role and layer.weights[n].shape == shape]
        for role, shape in shapes.items()
    }
    if len(found["weight"]) != 1 or len(found["bias"]) > 1 or len(roles) > 2:
        return None
    W = layer.weights[found["weight"][0]].astype(np.float64)
    names = {"W": found["weight"][0]}
    b = np.zeros(W.shape[1])
    if found["bias"]:
        names["b"] = found["bias"][0]
        b = layer.weights[names["b"]].astype(np.float64)
    output: NDArray[Any] = layer.output
    one = [each[sample].astype(np.float64) for each in (x, z, output)]
    with np.errstate(all="ignore"):
        sums = one[0] @ W + b
    near = 1e-4 if step.dtype == np.float32 else 1e-9
    if one[2].shape != one[1].shape or not np.allclose(
        sums, one[1], near, near, equal_nan=True
    ):
        return None  # it keeps something else under these names
    activation = getattr(layer.layer, "activation", None)
    inner = getattr(activation, "of_activation", activation)
    label = getattr(inner, "label", "identity")
    return Neurons(
        layer.path,
        "" if label == "identity" else label,
        names,
        one[0],
        W,
        b,
        one[1],
        one[2],
        layer.delta[sample].astype(np.float64),
        layer.d_output[sample].astype(np.float64),
        layer.path == logits_path(step),
    )


def logits_path(step: Step) -> str:
    """Return the layer whose activation is joined to the loss; "" if there is none.

    Parameters
    ----------
    step : Step
        Any.

    Returns
    -------
    str
    """
    return ".".join(step.blueprint.logits or ())


@dataclass
class Circuit:
    """A drawing of operations and wires.

    Attributes
    ----------
    gates : list of (x, y, text)
        Operations.
    wires : list of list of (x, y)
        Their corners.
    numbers : list of (x, y, value, gradient, name)
        Above and below a place on a wire; a gradient may be None.
    texts : list of (x, y, text)
        Names, bold.
    """

    gates: list[tuple[float, float, str]] = field(default_factory=list)
    wires: list[list[tuple[float, float]]] = field(default_factory=list)
    numbers: list[tuple[float, float, float, float | None, str]] = field(
        default_factory=list
    )
    texts: list[tuple[float, float, str]] = field(default_factory=list)

    def wire(
        self,
        start: tuple[float, float],
        end: tuple[float, float],
        value: float | None = None,
        gradient: float | None = None,
        name: str = "",
    ) -> None:
        """Draw a wire, level at its start, with what it carries.

        Parameters
        ----------
        start, end : (float, float)
            Where.
        value, gradient : float, optional
            What stands above and below.
        name : str
            What it is called; stands before the value.
        """
        if start[1] == end[1] or value is None:
            self.wires.append([start, end])
        else:
            bend = (start[0] + _PRODUCT - 0.4, start[1])
            self.wires.append([start, bend, end])
        if value is not None:
            self.numbers.append((start[0] + 0.12, start[1], value, gradient, name))

    def neuron(
        self,
        neurons: Neurons,
        j: int,
        left: float,
        top: float,
        sources: dict[int, tuple[float, float]],
        *,
        label_inputs: bool = False,
    ) -> tuple[tuple[float, float], float]:
        """Draw one neuron: products, their sum, the activation.

        Parameters
        ----------
        neurons : Neurons
            Its layer.
        j : int
            Which neuron.
        left, top : float
            Where its products begin.
        sources : dict of int to (float, float)
            Where its inputs come from; those that are missing come from the left.
        label_inputs : bool
            Whether the numbers of the inputs stand on its own wires.

        Returns
        -------
        out : (float, float)
            Where its output is.
        bottom : float
            How far down it reaches.
        """
        with np.errstate(over="ignore", invalid="ignore"):
            products = neurons.x * neurons.W[:, j]
            slopes = neurons.x * neurons.dz[j]
        rows = _rows(products)
        count = len(rows) + (len(rows) < len(products)) + ("b" in neurons.names)
        middle = top + 0.5 * (count - 1) * _ROW
        total = (left + _PRODUCT + 0.8, middle)
        delta = float(neurons.dz[j])
        y = top
        for i in rows:
            start = sources.get(i, (left - _WIRE - 0.3, y))
            gate, weight = (left, y), float(neurons.W[i, j])
            if label_inputs:
                self.wire(
                    start, gate, float(neurons.x[i]), weight * delta, f"x{subscript(i)}"
                )
            else:
                self.wire(start, gate)
            self.gates.append((*gate, "×"))
            name = f"{neurons.names['W']}[{i}, {j}]"
            self.wires.append([(left, y - 0.55), gate])
            place = (left + 0.08, y - 0.62)
            self.numbers.append((*place, weight, float(slopes[i]), name))
            self.wire((left + 0.3, y), total, float(products[i]), delta)
            y += _ROW
        if len(rows) < len(products):
            with np.errstate(over="ignore", invalid="ignore"):
                rest = float(np.delete(products, rows).sum())
            name = f"{len(products) - len(rows)} others"
            self.wire((left + 0.3, y), total, rest, delta, name)
            y += _ROW
        if "b" in neurons.names:
            name = f"{neurons.names['b']}[{j}]"
            self.wire((left + 0.3, y), total, float(neurons.b[j]), delta, name)
            y += _ROW
        self.gates.append((*total, "Σ"))
        after = (total[0] + 0.3, middle)
        end = (after[0] + _WIRE, middle)
        self.wire(after, end, float(neurons.z[j]), delta, "z")
        if neurons.activation and not neurons.joined:
            width = 0.5 + 0.13 * len(neurons.activation)
            self.wires.append([end, (end[0] + width, middle)])
            self.gates.append((end[0] + width / 2, middle, neurons.activation))
            after = (end[0] + width, middle)
            end = (after[0] + _WIRE, middle)
            self.wire(after, end, float(neurons.a[j]), float(neurons.da[j]), "a")
        return end, y - _ROW

    def column(
        self,
        neurons: Neurons,
        left: float,
        sources: dict[int, tuple[float, float]],
    ) -> dict[int, tuple[float, float]]:
        """Draw all neurons of a layer below each other, centred around 0.

        Parameters
        ----------
        neurons : Neurons
            The layer.
        left : float
            Where the products begin.
        sources : dict of int to (float, float)
            Where its inputs come from.

        Returns
        -------
        dict of int to (float, float)
            Where its outputs are.
        """
        units = len(neurons.z)
        rows = min(len(neurons.x), _MOST) + (len(neurons.x) > _MOST)
        height = (rows + ("b" in neurons.names) - 1) * _ROW
        y = -0.5 * (units * height + (units - 1) * (_ROW + _GAP))
        self.texts.append((left, y - 1.5, neurons.path))
        ends = {}
        for j in range(units):
            ends[j], bottom = self.neuron(neurons, j, left, y, sources)
            y = bottom + _ROW + _GAP
        return ends

    def bounds(self) -> tuple[float, float, float, float]:
        """Return left, right, top and bottom of all that is drawn.

        Returns
        -------
        (float, float, float, float)
        """
        points = [point for wire in self.wires for point in wire]
        points += [(x, y) for x, y, *_ in (*self.gates, *self.texts)]
        points += [(x + 1.3, y) for x, y, *_ in self.numbers]
        points += [(x + 0.16 * len(text), y) for x, y, text in self.texts]
        xs, ys = zip(*points, strict=True)
        return min(xs) - 0.4, max(xs) + 0.4, min(ys) - 0.5, max(ys) + 0.7

    def draw(self, ax: "Axes", unit: float) -> None:
        """Draw everything.

        Parameters
        ----------
        ax : Axes
            Where; its limits are set.
        unit : float
            Points of a unit.
        """
        from matplotlib.collections import LineCollection

        left, right, top, bottom = self.bounds()
        ground = GROUND[is_dark(ax)]
        ax.set_axis_off()
        ax.set_aspect("equal")
        ax.set_xlim(left, right)
        ax.set_ylim(bottom, top)
        lines = LineCollection(
            self.wires, colors=ground["quiet"], linewidths=1.0, zorder=1
        )
        ax.add_collection(lines)
        letters = _LETTERS * unit
        for x, y, text in self.gates:
            shape = "circle,pad=0.25" if len(text) == 1 else "round,pad=0.35"
            style = {"boxstyle": shape, "facecolor": ground["box"]}
            style["edgecolor"] = ground["quiet"]
            ax.text(
                x,
                y,
                text,
                fontsize=letters,
                ha="center",
                va="center",
                color=ground["ink"],
                bbox=style,
                zorder=3,
            )
        for x, y, value, gradient, name in self.numbers:
            told = f"{name} = {number(value)}" if name else number(value)
            bad = not np.isfinite(value)
            write_value(ax, x, y - 0.05, told, letters, bad=bad)
            if gradient is not None:
                bad = not np.isfinite(gradient)
                write_gradient(ax, x, y + 0.05, number(gradient), letters, bad=bad)
        for x, y, text in self.texts:
            bold: dict[str, Any] = {"fontweight": "bold", "color": ground["ink"]}
            ax.text(x, y, text, fontsize=1.15 * letters, **bold)


def write_value(
    ax: "Axes", x: float, y: float, text: str, size: float, *, bad: bool = False
) -> None:
    """Write a value above a wire.

    Parameters
    ----------
    ax : Axes
        Where.
    x, y : float
        Left end and lower edge.
    text : str
        The number.
    size : float
        Height of the letters in points.
    bad : bool
        Whether it is not finite: such a number stands on a pattern.
    """
    _write(ax, x, y, text, GROUND[is_dark(ax)]["ink"], bad, fontsize=size, va="bottom")


def write_gradient(
    ax: "Axes", x: float, y: float, text: str, size: float, *, bad: bool = False
) -> None:
    """Write a gradient below a wire, in magenta and italics.

    Parameters
    ----------
    ax : Axes
        Where.
    x, y : float
        Left end and upper edge.
    text, size, bad
        As in `write_value`.
    """
    style: dict[str, Any] = {"fontsize": size, "va": "top", "fontstyle": "italic"}
    _write(ax, x, y, text, GRADIENT[is_dark(ax)], bad, **style)


def _write(
    ax: "Axes", x: float, y: float, text: str, colour: str, bad: bool, **style: Any
) -> None:
    if bad:
        pattern = {"hatch": "////", "facecolor": paper(ax), "edgecolor": colour}
        style |= {"bbox": pattern | {"pad": 1.5}, "fontweight": "bold"}
    ax.text(x, y, text, color=colour, zorder=4, **style)


def number(value: float) -> str:
    """Return a number in three significant digits, with a proper minus.

    Parameters
    ----------
    value : float
        Any number, also none that is finite.

    Returns
    -------
    str

    Examples
    --------
    >>> from pellucid.plots.circuit import number
    >>> number(-0.000438568), number(0.298371109), number(float("nan"))
    ('−4.39e−4', '0.298', 'NaN')
    """
    if np.isnan(value):
        return "NaN"
    if np.isinf(value):
        return "∞" if value > 0 else "−∞"
    if value != 0 and not 1e-3 <= abs(value) < 1e5:
        digits, power = f"{value:.2e}".split("e")
        return f"{digits}e{int(power)}".replace("-", "−")
    # Adding zero makes a plain zero of a negative one.
    return f"{value + 0.0:.3g}".replace("-", "−")


def _rows(products: NDArray[np.float64]) -> list[int]:
    """Return which products have a row: all if they are few, else the largest."""
    if len(products) <= _MOST:
        return list(range(len(products)))
    sizes = np.where(np.isfinite(products), np.abs(products), np.inf)
    largest = np.argsort(-sizes, kind="stable")[: _MOST - 1]
    return sorted(int(i) for i in largest)
