"""How each operation that is no formula becomes loops: one table, by its name.

``sum``, ``matmul``, ``convolve`` and others give one number of their result at a place,
inside the loop that wants it. ``concatenate``, ``pad``, ``convolve_back`` and
``spread_windows`` fill an array with loops of their own.
"""

import math
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from pellucid.export.formulas import as_kind
from pellucid.export.loop_plan import at_one, row_major
from pellucid.export.loops import (
    SMALL_INTEGER,
    Apply,
    Array,
    Expression,
    Guarded,
    Index,
    Number,
)
from pellucid.ops import axis_numbers
from pellucid.symbol import FLOAT, INTEGER, Symbol

if TYPE_CHECKING:
    from pellucid.export.loop_writer import Scope, Writer

At = tuple[Index, ...]

# Loop variables and what their lengths are called, for samples of 1, 2 and 3 axes.
_NAMES = {
    1: [("j", "units")],
    2: [("place", "places"), ("c", "channels")],
    3: [("row", "rows"), ("column", "columns"), ("c", "channels")],
}


def axis_names(shape: tuple[int, ...]) -> list[tuple[str, str]]:
    """Return a loop variable and the name of the length for each axis.

    Parameters
    ----------
    shape : tuple of int
        Of an array, with the axis of the batch.

    Returns
    -------
    list of (str, str)
    """
    named = _NAMES.get(len(shape) - 1)
    if named and shape[0] == 1:
        return [("n", "rows"), *named]
    if len(shape) == 1:
        return [("i", "size")]
    return [(f"i{axis + 1}", "length") for axis in range(len(shape))]


def _sum_of_products(
    writer: "Writer", node: Symbol, scope: "Scope"
) -> tuple[Expression, Callable[[Expression, Expression, "Scope"], None]]:
    """Return a total that starts at 0, and how a product is added to it."""
    small = node.id in writer.quantized
    kind = INTEGER if small else FLOAT
    total = scope.let("total", Number(0, kind), changes=True)

    def add(one: Expression, other: Expression, inner: "Scope") -> None:
        product = Apply("multiply", (one, other), kind)
        inner.assign(total, Apply("add", (total, product), kind))

    return total, add


def _unscaled(writer: "Writer", node: Symbol, at: At, total: Expression) -> Expression:
    """Return a total of small integers as the number that it stands for."""
    if node.id not in writer.quantized:
        return total
    scales = writer.scales(node)
    as_float = Apply("number", (total,), FLOAT)
    return Apply("multiply", (as_float, writer.at(scales, (at[-1],))), FLOAT)


def _factors(
    writer: "Writer", node: Symbol
) -> tuple[Callable[[At], Expression], Callable[[At], Expression]]:
    """Return how to read x and W of a product, as they are or as small integers."""
    x, W = node.inputs
    if node.id not in writer.quantized:
        return lambda at: writer.read(x, at), lambda at: writer.read(W, at)
    small_x, small_W = writer.small_inputs(node), writer.small_weights(node)
    return lambda at: writer.at(small_x, at), lambda at: writer.at(small_W, at)


def _matmul(writer: "Writer", node: Symbol, at: At, scope: "Scope") -> Expression:
    of_x, of_W = _factors(writer, node)
    total, add = _sum_of_products(writer, node, scope)
    inner, i = scope.loop("i", at_one(node.inputs[0].shape)[-1], "inputs")
    add(of_x((*at[:-1], i)), of_W((i, at[-1])), inner)
    return _unscaled(writer, node, at, total)


def _seen(
    node: Symbol, image: Any, at: At, scope: "Scope"
) -> tuple["Scope", Index, Index, Index, Index]:
    """Loop over a window at a place: pixels u, v and where they are in the image."""
    window = node.settings["window"]
    height, width = at_one(image.shape)[1:3]
    inner, u = scope.loop("u", window.size[0], "kernel_height")
    row = _pixel(inner, 0, window, at[1], u, height)
    inner, v = inner.loop("v", window.size[1], "kernel_width")
    column = _pixel(inner, 1, window, at[2], v, width)
    return inner, u, v, row, column


def _pixel(
    scope: "Scope", axis: int, window: Any, place: Index, step: Index, length: int
) -> Index:
    """Return where along an axis of the image a pixel of a window is."""
    name, label = (("row", "height"), ("column", "width"))[axis]
    index: Index = place * window.stride[axis] + step * window.dilation[axis]
    checked = any(window.padding[axis])
    if not checked and len(index.terms) < 2:
        return index
    index = index + -window.padding[axis][0]
    return scope.place(f"from_{name}", index, length, label, checked)


def _convolve(writer: "Writer", node: Symbol, at: At, scope: "Scope") -> Expression:
    of_x, of_W = _factors(writer, node)
    total, add = _sum_of_products(writer, node, scope)
    inner, u, v, row, column = _seen(node, node.inputs[0], at, scope)
    each = at_one(node.inputs[1].shape)[2]
    inner, c = inner.loop("c", each, "channels")
    group, _ = writer.split(node, at[3])
    add(of_x((at[0], row, column, group * each + c)), of_W((u, v, c, at[3])), inner)
    return _unscaled(writer, node, at, total)


def _over_windows(
    start: float, name: str, combine: str
) -> Callable[["Writer", Symbol, At, "Scope"], Expression]:
    def body(writer: "Writer", node: Symbol, at: At, scope: "Scope") -> Expression:
        found = scope.let(name, Number(start, FLOAT), changes=True)
        inner, _, _, row, column = _seen(node, node.inputs[0], at, scope)
        pixel = writer.read(node.inputs[0], (at[0], row, column, at[3]))
        inner.assign(found, Apply(combine, (found, pixel), FLOAT))
        return found

    return body


def _over_axes(
    start: float, name: str, combine: str, mean: bool = False
) -> Callable[["Writer", Symbol, At, "Scope"], Expression]:
    def body(writer: "Writer", node: Symbol, at: At, scope: "Scope") -> Expression:
        (x,) = node.inputs
        shape = at_one(x.shape)
        axes = axis_numbers(len(shape), node.settings["axis"])
        found = scope.let(name, Number(start, FLOAT), changes=True)
        names = axis_names(shape)
        rest = list(at)
        place, inner = [], scope
        for axis, length in enumerate(shape):
            if axis in axes:
                loop, label = names[axis]
                inner, index = inner.loop(loop, length, label)
                place.append(index)
                rest = rest[1:] if node.settings["keepdims"] else rest
            else:
                place.append(rest.pop(0))
        value = as_kind(writer.element(x, tuple(place), inner), FLOAT)
        inner.assign(found, Apply(combine, (found, value), FLOAT))
        if not mean:
            return found
        count = math.prod(shape[axis] for axis in axes)
        return Apply("ratio", (found, Number(float(count), FLOAT)), FLOAT)

    return body


def _take(writer: "Writer", node: Symbol, at: At, scope: "Scope") -> Expression:
    x, index = node.inputs
    axes = len(index.shape)
    row = scope.let_whole("choice", writer.element(index, at[:axes], scope))
    value = writer.read(x, (Index(((row, 1),)), *at[axes:]))
    return Guarded(row, at_one(x.shape)[0], value)


def _take_along_axis(
    writer: "Writer", node: Symbol, at: At, scope: "Scope"
) -> Expression:
    x, index = node.inputs
    shape = at_one(index.shape)
    there = tuple(
        Index() if n == 1 else each for n, each in zip(shape, at, strict=True)
    )
    column = scope.let_whole("choice", writer.element(index, there, scope))
    value = writer.read(x, (*at[:-1], Index(((column, 1),))))
    return Guarded(column, at_one(x.shape)[-1], value)


# -- filling an array ------------------------------------------------------------------


def _copy(
    writer: "Writer", value: Any, array: Array, offset: int, steps: tuple[int, ...]
) -> None:
    """Write a value into an array, beginning somewhere."""
    with writer.nest(at_one(value.shape)) as (scope, at):
        there = Index(offset=offset)
        for index, step in zip(at, steps, strict=True):
            there = there + index * step
        scope.write(array, there, writer.element(value, at, scope))


def copy(writer: "Writer", value: Any, array: Array) -> None:
    """Write a value into an array, number by number in its own order.

    Parameters
    ----------
    writer : Writer
        Of the function.
    value : Symbol
        What is read.
    array : Array
        Takes as many numbers.
    """
    _copy(writer, value, array, 0, row_major(at_one(value.shape)))


def _concatenate(writer: "Writer", node: Symbol, array: Array) -> None:
    steps = row_major(at_one(node.shape))
    axis = node.settings["axis"] % len(steps)
    start = 0
    for value in node.inputs:
        _copy(writer, value, array, start * steps[axis], steps)
        start += at_one(value.shape)[axis]


def _zeros(writer: "Writer", array: Array) -> None:
    with writer.nest((array.size,)) as (scope, at):
        scope.write(array, at[0], Number(0.0, FLOAT))


def _pad(writer: "Writer", node: Symbol, array: Array) -> None:
    steps = row_major(at_one(node.shape))
    before = [each[0] for each in node.settings["width"]]
    _zeros(writer, array)
    offset = sum(b * step for b, step in zip(before, steps, strict=True))
    _copy(writer, node.inputs[0], array, offset, steps)


def _spread_windows(writer: "Writer", node: Symbol, array: Array) -> None:
    (dy,) = node.inputs
    steps = row_major(at_one(node.shape))
    _zeros(writer, array)
    with writer.nest(at_one(dy.shape)) as (scope, at):
        inner, _, _, row, column = _seen(node, node, at, scope)
        there = row * steps[1] + column * steps[2] + at[3] * steps[3]
        inner.write(array, there, writer.read(dy, at), adds=True)


def _convolve_back(writer: "Writer", node: Symbol, array: Array) -> None:
    dz, W = node.inputs
    steps = row_major(at_one(node.shape))
    each = at_one(W.shape)[2]
    _zeros(writer, array)
    with writer.nest(at_one(dz.shape), node) as (scope, at):
        inner, u, v, row, column = _seen(node, node, at, scope)
        inner, c = inner.loop("c", each, "channels")
        group, _ = writer.split(node, at[3])
        there = row * steps[1] + column * steps[2] + (group * each + c) * steps[3]
        share = (writer.read(dz, at), writer.read(W, (u, v, c, at[3])))
        inner.write(array, there, Apply("multiply", share, FLOAT), adds=True)


# name -> one number of the result at a place
AT_A_PLACE: dict[str, Callable[["Writer", Symbol, At, "Scope"], Expression]] = {
    "matmul": _matmul,
    "convolve": _convolve,
    "max_windows": _over_windows(-math.inf, "largest", "maximum"),
    "sum_windows": _over_windows(0.0, "total", "add"),
    "sum": _over_axes(0.0, "total", "add"),
    "mean": _over_axes(0.0, "total", "add", mean=True),
    "max": _over_axes(-math.inf, "largest", "maximum"),
    "min": _over_axes(math.inf, "smallest", "minimum"),
    "take": _take,
    "take_along_axis": _take_along_axis,
}
# name -> all of the result
WHOLE: dict[str, Callable[["Writer", Symbol, Array], None]] = {
    "concatenate": _concatenate,
    "pad": _pad,
    "convolve_back": _convolve_back,
    "spread_windows": _spread_windows,
}


def quantize_loop(writer: "Writer", x: Any, scale: float, array: Array) -> None:
    """Write a value into an array of small integers, ``x / scale`` rounded.

    Parameters
    ----------
    writer : Writer
        Of the function.
    x : Symbol
        What is read.
    scale : float
        What the small integer 1 stands for.
    array : Array
        Takes the small integers.
    """
    shape = at_one(x.shape)
    names = [("n", "rows"), ("i", "inputs")] if len(shape) == 2 else None
    with writer.nest(shape, names=names) as (scope, at):
        read = writer.read(x, at)
        divided = Apply("multiply", (read, Number(1 / scale, FLOAT)), FLOAT)
        there = Index()
        for index, step in zip(at, row_major(array.shape), strict=True):
            there = there + index * step
        small: Expression = Apply("small", (divided,), SMALL_INTEGER)
        scope.write(array, there, small)
