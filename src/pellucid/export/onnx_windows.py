"""Windows over images in ONNX: convolution, its adjoint, and pooling.

ONNX Runtime has these for float32 only, MaxPool excepted. For float64 a window is as
many slices as it has pixels, side by side, and a convolution is then a matrix product:
the same numbers from more operators.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from pellucid.convolution import Window
from pellucid.symbol import Symbol


def _attributes(window: Window, dilated: bool = True) -> dict[str, Any]:
    (top, bottom), (left, right) = window.padding
    found: dict[str, Any] = {
        "kernel_shape": window.size,
        "strides": window.stride,
        "pads": (top, left, bottom, right),
    }
    return found | ({"dilations": window.dilation} if dilated else {})


def convolution(
    writer: Any,
    node: Symbol,
    x: Symbol,
    W: Symbol,
    bias: Symbol | None = None,
    last: Symbol | None = None,
) -> None:
    """Write a convolution, with a bias where there is one.

    Parameters
    ----------
    writer : Writer
        Where.
    node, x, W : Symbol
        The convolution, images and filters.
    bias : Symbol, shape (filters,), optional
        What is added.
    last : Symbol, optional
        The sum, where there is a bias.
    """
    end = node if last is None else last
    window, groups = node.settings["window"], node.settings["groups"]
    if writer.double:
        filters = _dense_filters(writer.known[W.id], groups)
        places = node.shape[1:3]
        found = _as_product(writer, writer.last(x), filters, window, places, W)
        _finish(writer, end, found, bias)
        return
    filters = writer.turned(W, lambda a: a.transpose(3, 2, 0, 1))
    more = [] if bias is None else [writer.last(bias)]
    how = _attributes(window) | {"group": groups}
    found = writer.graph.add("Conv", writer.first(x), filters, *more, **how)
    writer.set(end, found, first=True)


def transposed_convolution(
    writer: Any,
    node: Symbol,
    dz: Symbol,
    W: Symbol,
    bias: Symbol | None = None,
    last: Symbol | None = None,
) -> None:
    """Write the adjoint of a convolution, with a bias where there is one.

    Parameters
    ----------
    writer : Writer
        Where.
    node, dz, W : Symbol
        The result, its input and filters.
    bias : Symbol, shape (channels,), optional
        What is added.
    last : Symbol, optional
        The sum, where there is a bias.
    """
    end = node if last is None else last
    window, groups = node.settings["window"], node.settings["groups"]
    if writer.double:
        filters = _dense_filters(writer.known[W.id], groups)
        found = _back_as_product(writer, node, dz, filters, W)
        _finish(writer, end, found, bias)
        return
    filters = writer.turned(W, lambda a: a.transpose(3, 2, 0, 1))
    value = [writer.first(dz), filters, *([] if bias is None else [writer.last(bias)])]
    how = _attributes(window) | {"group": groups, "output_padding": _rest(node, dz)}
    found = writer.graph.add("ConvTranspose", *value, **how)
    writer.set(end, found, first=True)


def _rest(node: Symbol, dz: Symbol) -> list[int]:
    """Return how many pixels at the end of each axis no window reaches."""
    window = node.settings["window"]
    return [
        length + sum(side) - stride * (places - 1) - reach
        for length, side, stride, places, reach in zip(
            node.shape[1:3],
            window.padding,
            window.stride,
            dz.shape[1:3],
            window.reach,
            strict=True,
        )
    ]


def _finish(writer: Any, node: Symbol, value: str, bias: Symbol | None) -> None:
    if bias is not None:
        value = writer.graph.add("Add", value, writer.last(bias))
    writer.set(node, value)


def _dense_filters(W: NDArray[Any], groups: int) -> NDArray[Any]:
    """Return filters in groups as filters of all channels, mostly zeros."""
    height, width, each, filters = W.shape
    dense = np.zeros((height, width, each * groups, filters), W.dtype)
    own = filters // groups
    for g in range(groups):
        ins, outs = slice(g * each, (g + 1) * each), slice(g * own, (g + 1) * own)
        dense[:, :, ins, outs] = W[..., outs]
    return dense


def _sees(writer: Any, x: str, window: Window, places: Any, border: float) -> list[str]:
    """Return what each pixel of a window sees as it moves, channels last."""
    graph = writer.graph
    (top, bottom), (left, right) = window.padding
    if top or bottom or left or right:
        pads = graph.integers(0, top, left, 0, 0, bottom, right, 0)
        x = graph.add("Pad", x, pads, writer.number(border))
    if window.size == (1, 1) and window.stride == (1, 1):
        return [x]
    axes, steps = graph.integers(1, 2), graph.integers(*window.stride)
    seen = []
    for u in range(window.size[0]):
        for v in range(window.size[1]):
            start = u * window.dilation[0], v * window.dilation[1]
            end = (
                s + step * (count - 1) + 1
                for s, step, count in zip(start, window.stride, places, strict=True)
            )
            ends = graph.integers(*end)
            seen.append(
                graph.add("Slice", x, graph.integers(*start), ends, axes, steps)
            )
    return seen


def _as_product(
    writer: Any, x: str, filters: NDArray[Any], window: Window, places: Any, W: Any
) -> str:
    seen = _sees(writer, x, window, places, 0.0)
    columns = writer.graph.add("Concat", *seen, axis=3) if len(seen) > 1 else seen[0]
    matrix = filters.reshape(-1, filters.shape[3])
    name = writer.turned(W, lambda _: matrix) if W is not None else None
    name = name or writer.graph.constant(matrix, "ones")
    return str(writer.graph.add("MatMul", columns, name))


def _back_as_product(
    writer: Any, node: Symbol, dz: Symbol, filters: NDArray[Any], W: Any
) -> str:
    """Write the adjoint: zeros between the pixels, then a convolution."""
    window, graph = node.settings["window"], writer.graph
    value, (rows, columns), depth = writer.last(dz), dz.shape[1:3], dz.shape[3]
    down, right = window.stride
    if (down, right) != (1, 1):
        apart = graph.integers(-1, rows, 1, columns, 1, depth)
        more = (0,) * 8 + (down - 1, 0, right - 1, 0)
        value = graph.add("Reshape", value, apart)
        value = graph.add("Pad", value, graph.integers(*more), writer.number(0.0))
        together = graph.integers(-1, rows * down, columns * right, depth)
        value = graph.add("Reshape", value, together)
    sides = []
    for axis in (0, 1):
        before = window.reach[axis] - 1 - window.padding[axis][0]
        length = dz.shape[1 + axis] * window.stride[axis]
        after = node.shape[1 + axis] + window.reach[axis] - 1 - before - length
        sides.append((before, after))
    pads = graph.integers(
        0, sides[0][0], sides[1][0], 0, 0, sides[0][1], sides[1][1], 0
    )
    value = graph.add("Pad", value, pads, writer.number(0.0))
    turned = filters[::-1, ::-1].transpose(0, 1, 3, 2)
    moved = Window(window.size, dilation=window.dilation)
    return _as_product(writer, value, turned, moved, node.shape[1:3], W)


def largest_pixels(writer: Any, node: Symbol, x: Symbol) -> None:
    """Write the largest number of each window.

    Parameters
    ----------
    writer : Writer
        Where.
    node, x : Symbol
        Result and input.
    """
    window = node.settings["window"]
    found = writer.graph.add("MaxPool", writer.first(x), **_attributes(window))
    writer.set(node, found, first=True)


def sums(writer: Any, node: Symbol, x: Symbol) -> None:
    """Write the sum of each window.

    Parameters
    ----------
    writer : Writer
        Where.
    node, x : Symbol
        Result and input.
    """
    window = node.settings["window"]
    if writer.double:
        writer.set(node, _total(writer, x, window, node.shape[1:3]))
        return
    how = _attributes(window, dilated=False) | {"count_include_pad": 1}
    mean = writer.graph.add("AveragePool", writer.first(x), **how)
    pixels = writer.number(float(window.size[0] * window.size[1]))
    writer.set(node, writer.graph.add("Mul", mean, pixels), first=True)


def _total(writer: Any, x: Symbol, window: Window, places: Any) -> str:
    seen = _sees(writer, writer.last(x), window, places, 0.0)
    return str(writer.graph.add("Sum", *seen))


def average(
    writer: Any, node: Symbol, x: Symbol, window: Window, pixels: NDArray[Any]
) -> None:
    """Write the mean of each window; the border does not count.

    Parameters
    ----------
    writer : Writer
        Where.
    node, x : Symbol
        Result and images.
    window : Window
        How it moves.
    pixels : ndarray, shape (1, rows, columns, 1)
        How many pixels each mean is over.
    """
    if not writer.double:
        how = _attributes(window, dilated=False)
        found = writer.graph.add("AveragePool", writer.first(x), **how)
        writer.set(node, found, first=True)
        return
    total = _total(writer, x, window, node.shape[1:3])
    count = writer.graph.constant(pixels, f"{node.layer}.count")
    writer.set(node, writer.graph.add("Div", total, count))


def spreading(writer: Any, node: Symbol, dy: Symbol) -> None:
    """Write the adjoint of `sums`: each number goes to all of its window.

    Parameters
    ----------
    writer : Writer
        Where.
    node, dy : Symbol
        Result and input.
    """
    window, channels = node.settings["window"], node.shape[3]
    blocks = window.stride == window.size and not any(map(any, window.padding))
    if blocks and not writer.double:
        scales = np.array([1, 1, *window.size], np.float32)
        found = writer.graph.add(
            "Resize",
            *(writer.first(dy), "", writer.graph.constant(scales, "scales")),
            mode="nearest",
            coordinate_transformation_mode="asymmetric",
            nearest_mode="floor",
        )
        writer.set(node, found, first=True)
        return
    ones = np.ones((*window.size, 1, channels), writer.dtype)
    if writer.double:
        filters = _dense_filters(ones, channels)
        writer.set(node, _back_as_product(writer, node, dy, filters, None))
        return
    filters = writer.graph.constant(ones.transpose(3, 2, 0, 1), "ones")
    how = _attributes(window) | {"group": channels, "output_padding": _rest(node, dy)}
    found = writer.graph.add("ConvTranspose", writer.first(dy), filters, **how)
    writer.set(node, found, first=True)
