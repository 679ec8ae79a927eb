"""What each operation of a Program is in ONNX: two tables.

`ELEMENTWISE` has the operators on numbers one by one, or short formulas of them.
`OPERATIONS` has the rest: ``row(writer, node, *inputs)``.
"""

from collections.abc import Callable
from typing import Any

import numpy as np

from pellucid import special
from pellucid.export import onnx_windows
from pellucid.ops import shape_of
from pellucid.symbol import FLOAT, Dim, Symbol

TO_FIRST = (0, 3, 1, 2)


# -- elementwise -----------------------------------------------------------------------


def _expm1(writer: Any, x: str) -> str:
    """``tanh(x / 2) (exp(x) + 1)``, which keeps its digits near 0."""
    add = writer.graph.add
    half = add("Tanh", add("Mul", x, writer.number(0.5)))
    return str(add("Mul", half, add("Add", add("Exp", x), writer.number(1.0))))


def _log1p(writer: Any, x: str) -> str:
    """``log(u) x / (u - 1)`` with u = 1 + x, and x where u is 1 (Kahan)."""
    add, one = writer.graph.add, writer.number(1.0)
    u = add("Add", x, one)
    exact = add("Div", add("Mul", add("Log", u), x), add("Sub", u, one))
    return str(add("Where", add("Equal", u, one), x, exact))


def _erf(writer: Any, x: str) -> str:
    if not writer.double:
        return str(writer.graph.add("Erf", x))

    def formula(z: Any) -> Any:
        size = special.erf_from_zero(np.abs(z))
        return np.where(z < 0.0, -size, size)

    return str(writer.expand(formula, x))


def _negated(operator: str) -> Callable[..., str]:
    def row(writer: Any, x: str, y: str) -> str:
        return str(writer.graph.add("Not", writer.graph.add(operator, x, y)))

    return row


ELEMENTWISE: dict[str, str | Callable[..., str]] = {
    "add": "Add",
    "subtract": "Sub",
    "multiply": "Mul",
    "divide": "Div",
    "negative": "Neg",
    "positive": "Identity",
    "absolute": "Abs",
    "maximum": "Max",
    "minimum": "Min",
    "sign": "Sign",
    "square": lambda writer, x: writer.graph.add("Mul", x, x),
    "reciprocal": "Reciprocal",
    "floor": "Floor",
    "sqrt": "Sqrt",
    "exp": "Exp",
    "expm1": _expm1,
    "log": "Log",
    "log1p": _log1p,
    "tanh": "Tanh",
    "sin": "Sin",
    "cos": "Cos",
    "greater": "Greater",
    "greater_equal": "GreaterOrEqual",
    "less": "Less",
    "less_equal": "LessOrEqual",
    "equal": "Equal",
    "not_equal": _negated("Equal"),
    "logical_and": "And",
    "logical_or": "Or",
    "logical_not": "Not",
    "power": "Pow",
    "erf": _erf,
    "where": "Where",
    "clip": "Clip",
    "astype": lambda writer, x: writer.graph.add("Cast", x, to=writer.element(FLOAT)),
}

# -- operators for formulas ------------------------------------------------------------


def unary(operator: str) -> Callable[..., None]:
    """Return a row for an operator of one input, number by number.

    Parameters
    ----------
    operator : str
        Its type.

    Returns
    -------
    callable
    """

    def row(writer: Any, node: Symbol, x: Symbol) -> None:
        first, value = writer.at_home(node, x)
        writer.set(node, writer.graph.add(operator, value), first)

    return row


def along_last(operator: str) -> Callable[..., None]:
    """Return a row for an operator along the axis of features.

    Parameters
    ----------
    operator : str
        Its type.

    Returns
    -------
    callable
    """

    def row(writer: Any, node: Symbol, x: Symbol) -> None:
        first, value = writer.at_home(node, x)
        found = writer.graph.add(operator, value, axis=1 if first else -1)
        writer.set(node, found, first)

    return row


def leaky(writer: Any, node: Symbol, x: Symbol, leak: Any) -> None:
    """Write a ReLU with a fixed or learned slope for negative numbers.

    Parameters
    ----------
    writer : Writer
        Where.
    node, x : Symbol
        Result and input.
    leak : float, or Symbol of known numbers
        The slope.
    """
    first, value = writer.at_home(node, x)
    if isinstance(leak, Symbol):
        shape = (-1, 1, 1) if first else (-1,)
        slopes = writer.turned(leak, lambda a: a.reshape(shape))
        found = writer.graph.add("PRelu", value, slopes)
    elif writer.double:  # attributes are float32
        positive = writer.graph.add("Greater", value, writer.number(0.0))
        below = writer.graph.add("Mul", writer.number(leak), value)
        found = writer.graph.add("Where", positive, value, below)
    else:
        found = writer.graph.add("LeakyRelu", value, alpha=float(leak))
    writer.set(node, found, first)


def elu(writer: Any, node: Symbol, x: Symbol, alpha: Any) -> None:
    """Write an exponential linear unit.

    Parameters
    ----------
    writer : Writer
        Where.
    node, x : Symbol
        Result and input.
    alpha : float, or Symbol of known numbers
        Where the negative side levels off.
    """
    first, value = writer.at_home(node, x)
    add = writer.graph.add
    if isinstance(alpha, Symbol):
        below = _expm1(writer, add("Min", value, writer.number(0.0)))
        scaled = add("Mul", writer.operand(alpha, node, first), below)
        positive = add("Greater", value, writer.number(0.0))
        found = add("Where", positive, value, scaled)
    else:
        found = add("Elu", value, alpha=float(alpha))
    writer.set(node, found, first)


def layer_normalization(
    writer: Any, node: Symbol, x: Symbol, epsilon: Any, scale: Any, shift: Any
) -> None:
    """Write the normalization of each row, or of each place of an image.

    Parameters
    ----------
    writer : Writer
        Where.
    node, x : Symbol
        Result and input.
    epsilon : float
        Keeps the division from zero.
    scale, shift : Symbol of known numbers, shape (features,)
        Those of each feature.
    """
    more = writer.vector(scale, node), writer.vector(shift, node)
    how = {"axis": -1, "epsilon": float(epsilon)}
    found = writer.graph.add("LayerNormalization", writer.last(x), *more, **how)
    writer.set(node, found)


def batch_normalization(
    writer: Any,
    node: Symbol,
    x: Symbol,
    mean: Any,
    variance: Any,
    epsilon: Any,
    scale: Any,
    shift: Any,
) -> None:
    """Write ``scale (x - mean) / sqrt(variance + epsilon) + shift``.

    Parameters
    ----------
    writer : Writer
        Where.
    node, x : Symbol
        Result and input.
    mean, variance, scale, shift : Symbol of known numbers, shape (features,)
        Those of each feature.
    epsilon : float
        Keeps the division from zero.
    """
    (first, value), graph = writer.at_home(node, x), writer.graph
    if len(node.shape) == 2 or first:
        # Attributes are float32: for float64, epsilon joins the variance before.
        apart = isinstance(epsilon, float) and not writer.double
        more = 0.0 if apart else writer.array(epsilon)
        found = graph.add(
            "BatchNormalization",
            value,
            *(writer.vector(each, node) for each in (scale, shift, mean)),
            writer.vector(variance, node, more),
            epsilon=float(epsilon) if apart else 0.0,
        )
    else:
        spread = np.sqrt(writer.array(variance) + writer.array(epsilon))
        found = graph.add("Sub", value, writer.vector(mean, node))
        found = graph.add("Div", found, graph.constant(spread, f"{node.layer}.spread"))
        found = graph.add("Mul", found, writer.vector(scale, node))
        found = graph.add("Add", found, writer.vector(shift, node))
    writer.set(node, found, first)


# -- products --------------------------------------------------------------------------


def product(
    writer: Any,
    node: Symbol,
    x: Symbol,
    W: Symbol,
    bias: Symbol | None = None,
    last: Symbol | None = None,
) -> None:
    """Write ``x @ W``, or ``x @ W + bias``.

    Parameters
    ----------
    writer : Writer
        Where.
    node, x, W : Symbol
        The product and what is multiplied.
    bias : Symbol, shape (units,), optional
        What is added.
    last : Symbol, optional
        The sum, where there is a bias.
    """
    end, graph = node if last is None else last, writer.graph
    if writer.at_home_first(x) and W.id in writer.known and not writer.double:
        filters = writer.turned(W, lambda a: a.T[:, :, None, None])
        more = [] if bias is None else [writer.last(bias)]
        found = graph.add("Conv", writer.first(x), filters, *more, kernel_shape=(1, 1))
        writer.set(end, found, first=True)
    elif bias is not None and len(node.shape) == 2:
        writer.set(end, graph.add("Gemm", *map(writer.last, (x, W, bias))))
    else:
        found = graph.add("MatMul", writer.last(x), writer.last(W))
        if bias is not None:
            found = graph.add("Add", found, writer.last(bias))
        writer.set(end, found)


# -- shapes and reductions -------------------------------------------------------------


def _axes_first(axes: tuple[int, ...]) -> tuple[int, ...]:
    """Return where axes of images are once the channels are first."""
    return tuple(sorted(TO_FIRST.index(axis) for axis in axes))


def _reduced(operator: str) -> Callable[..., None]:
    def row(writer: Any, node: Symbol, x: Symbol) -> None:
        axes, keep = node.settings["axis"], node.settings["keepdims"]
        # The axes that remain must be in the same order either way.
        if writer.at_home_first(x) and (keep or 3 in axes or not {1, 2} - {*axes}):
            places, value = _axes_first(axes), writer.first(x)
            first = keep
        else:
            places, value, first = axes, writer.last(x), False
        names = value, writer.graph.integers(*places)
        found = writer.graph.add(operator, *names, keepdims=int(keep))
        writer.set(node, found, first)

    return row


def _reshaped(writer: Any, node: Symbol, x: Symbol) -> None:
    shape = [-1 if isinstance(s, Dim) else s for s in node.shape]
    found = writer.graph.add("Reshape", writer.last(x), writer.graph.integers(*shape))
    writer.set(node, found)


def _transposed(writer: Any, node: Symbol, x: Symbol) -> None:
    axes = node.settings["axes"] or tuple(reversed(range(len(x.shape))))
    order = [axis % len(x.shape) for axis in axes]
    writer.set(node, writer.graph.add("Transpose", writer.last(x), perm=order))


def _sliced(writer: Any, node: Symbol, x: Symbol) -> None:
    index = node.settings["index"]
    parts = index if isinstance(index, tuple) else (index,)
    used = sum(1 for part in parts if part is not None and part is not Ellipsis)
    if not any(part is Ellipsis for part in parts):
        parts = (*parts, Ellipsis)
    cuts, gone, new = [], [], []
    axis = place = 0
    for part in parts:
        if part is None:
            new.append(place)
            place += 1
        elif part is Ellipsis:
            axis, place = axis + len(x.shape) - used, place + len(x.shape) - used
        elif isinstance(part, slice):
            if part != slice(None):
                cuts.append((axis, range(*part.indices(x.shape[axis]))))
            axis, place = axis + 1, place + 1
        else:
            at = part % x.shape[axis]
            cuts.append((axis, range(at, at + 1)))
            gone.append(axis)
            axis += 1
    graph, value = writer.graph, writer.last(x)
    if cuts:
        # An end before the first entry is written as far below 0, not as -1.
        far = -(2**31)
        value = graph.add(
            "Slice",
            value,
            graph.integers(*(cut.start for _, cut in cuts)),
            graph.integers(*(cut.stop if cut.stop >= 0 else far for _, cut in cuts)),
            graph.integers(*(axis for axis, _ in cuts)),
            graph.integers(*(cut.step for _, cut in cuts)),
        )
    if gone:
        value = graph.add("Squeeze", value, graph.integers(*gone))
    if new:
        value = graph.add("Unsqueeze", value, graph.integers(*new))
    writer.set(node, value)


def _joined(writer: Any, node: Symbol, *inputs: Symbol) -> None:
    axis, first = node.settings["axis"] % len(node.shape), False
    if writer.stays_first(node, inputs) and all(
        s.id not in writer.known for s in inputs
    ):
        axis, first = TO_FIRST.index(axis), True
    values = [writer.first(s) if first else writer.last(s) for s in inputs]
    writer.set(node, writer.graph.add("Concat", *values, axis=axis), first)


def _padded(writer: Any, node: Symbol, x: Symbol) -> None:
    width, first = node.settings["width"], writer.stays_first(node, (x,))
    sides = [width[axis] for axis in TO_FIRST] if first else width
    flat = (*(side[0] for side in sides), *(side[1] for side in sides))
    value = writer.first(x) if first else writer.last(x)
    zero = writer.number(0.0)
    found = writer.graph.add("Pad", value, writer.graph.integers(*flat), zero)
    writer.set(node, found, first)


def _taken(writer: Any, node: Symbol, x: Symbol, index: Symbol) -> None:
    names = writer.last(x), writer.last(index)
    writer.set(node, writer.graph.add("Gather", *names, axis=0))


def _picked(writer: Any, node: Symbol, x: Symbol, index: Symbol) -> None:
    names = writer.last(x), writer.last(index)
    axis = len(shape_of(x)) - 1
    writer.set(node, writer.graph.add("GatherElements", *names, axis=axis))


def _filled(writer: Any, node: Symbol, x: Symbol) -> None:
    shape = writer.graph.add("Shape", writer.last(x))
    value = writer.number(node.settings["value"])
    writer.set(node, writer.graph.add("Expand", value, shape))


OPERATIONS: dict[str, Callable[..., None]] = {
    "matmul": product,
    "convolve": onnx_windows.convolution,
    "convolve_back": onnx_windows.transposed_convolution,
    "max_windows": onnx_windows.largest_pixels,
    "sum_windows": onnx_windows.sums,
    "spread_windows": onnx_windows.spreading,
    "sum": _reduced("ReduceSum"),
    "mean": _reduced("ReduceMean"),
    "max": _reduced("ReduceMax"),
    "min": _reduced("ReduceMin"),
    "reshape": _reshaped,
    "transpose": _transposed,
    "slice": _sliced,
    "concatenate": _joined,
    "pad": _padded,
    "take": _taken,
    "take_along_axis": _picked,
    "full_like": _filled,
}
