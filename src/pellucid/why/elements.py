"""One entry of a result from entries of what went in: a table keyed by operation.

Every row of the vocabulary (`pellucid.ops`) has one here. It is given a node, an index
into its result, and `Reading`, which turns ``(input, index)`` into an Expression; it
returns the Expression of that entry. A new operation is explained as soon as it has a
row here; elementwise ones need none.
"""

import itertools
import math
from collections.abc import Callable
from functools import lru_cache
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from pellucid.convolution import Window
from pellucid.symbol import Symbol
from pellucid.why.expressions import (
    Expression,
    applied,
    number,
    product,
    quotient,
    total,
)

Index = tuple[int, ...]

# Of a sum of more terms than the first, so many as the second says are told apart.
MOST_TERMS, MANY_TERMS = 10_000, 1_000
# A limit of at least this size is there for numbers that would overflow.
FAR = 100.0


class Reading(Protocol):
    """What a row of the table can ask."""

    def __call__(self, value: Any, index: Index) -> Expression:
        """Return the Expression of an entry of an input, or of a number itself."""

    def value(self, value: Any) -> Any:
        """Return what an input was in this step.

        Parameters
        ----------
        value : Symbol or number
            The input.

        Returns
        -------
        ndarray or number
        """

    def once(self, node: Symbol, make: Callable[[], Any]) -> Any:
        """Return what `make` returned when it was first called for this node.

        Parameters
        ----------
        node : Symbol
            Any.
        make : callable
            Returns anything.

        Returns
        -------
        object
        """

    def inside(self) -> "Reading":
        """Return a reading in which sums are not written out but named.

        Returns
        -------
        Reading
        """


Row = Callable[[Symbol, Index, Reading], Expression]


def element(node: Symbol, index: Index, of: Reading) -> Expression:
    """Return the Expression of one entry of what a node computes.

    Parameters
    ----------
    node : Symbol
        An operation.
    index : tuple of int
        Where in its result.
    of : Reading
        Gives the entries of its inputs.

    Returns
    -------
    Expression
    """
    row = ROWS.get(node.operation.name)
    if row is not None:
        return row(node, index, of)
    return _elementwise(node, index, of)


def adds_up(node: Symbol) -> bool:
    """Return whether an entry of the result takes many entries of what went in.

    Parameters
    ----------
    node : Symbol
        An operation.

    Returns
    -------
    bool
    """
    return node.operation.name in MANY


# -- entry by entry --------------------------------------------------------------------


def _meets(value: Any, index: Index, of: Reading) -> Index:
    """Return where broadcasting finds the entry of an input."""
    shape = np.shape(of.value(value))
    last = index[len(index) - len(shape) :]
    return tuple(0 if length == 1 else i for i, length in zip(last, shape, strict=True))


def _inputs(node: Symbol, index: Index, of: Reading) -> list[Expression]:
    return [of(value, _meets(value, index, of)) for value in node.inputs]


def _elementwise(node: Symbol, index: Index, of: Reading) -> Expression:
    parts = _inputs(node, index, of.inside())
    return applied(node.operation.name, _function(node), *parts)


def _function(node: Symbol) -> Callable[..., Any]:
    return lambda *values: node.operation.apply(*map(np.float64, values))


def _limited(node: Symbol, index: Index, of: Reading) -> Expression:
    """A limit far out, against overflow, is told only where it is reached."""
    whole = _elementwise(node, index, of)
    for limit, other in (whole.parts, whole.parts[::-1]):
        far = limit.operation == "number" and abs(limit.value) >= FAR
        if far and whole.value == other.value != limit.value:
            return other
    return whole


def _linear(node: Symbol, index: Index, of: Reading) -> Expression:
    parts = _inputs(node, index, of)
    return applied(node.operation.name, node.operation.apply, *parts)


def _multiply(node: Symbol, index: Index, of: Reading) -> Expression:
    left, right = _inputs(node, index, of)
    if node.inputs[0] is node.inputs[1] and not left.is_leaf:
        return applied("square", np.square, left)
    return product(left, right)


def _divide(node: Symbol, index: Index, of: Reading) -> Expression:
    return quotient(*_inputs(node, index, of))


def _condition(node: Symbol, index: Index, of: Reading) -> Expression:
    """A comparison is as it was in the step, which rounding may have decided."""
    truth = float(of.value(node)[index])
    parts = tuple(_inputs(node, index, of.inside()))
    return Expression(node.operation.name, parts, truth)


def _where(node: Symbol, index: Index, of: Reading) -> Expression:
    condition, yes, no = node.inputs
    decided = of(condition, _meets(condition, index, of))
    chosen = yes if decided.value else no
    if decided.is_leaf:  # a mask, such as which weights are trained
        return of(chosen, _meets(chosen, index, of))
    taken = of.inside()(chosen, _meets(chosen, index, of))
    return Expression("where", (decided, taken), taken.value)


def _as_number(node: Symbol, index: Index, of: Reading) -> Expression:
    return applied("astype", lambda value: value, of(node.inputs[0], index))


def _full(node: Symbol, _: Index, __: Reading) -> Expression:
    return number(node.settings["value"])


# -- moves: every entry of the result is one of the input ------------------------------


def _moved(node: Symbol, index: Index, of: Reading) -> Expression:
    """Send the numbers of the places through the operation, and see who arrives."""
    source, *others = node.inputs
    shape = np.shape(of.value(source))

    def arrive() -> NDArray[Any]:
        places = np.arange(1, math.prod(shape) + 1).reshape(shape)
        if node.operation.name == "reshape":
            return places.reshape(np.shape(of.value(node)))
        read = (of.value(other) for other in others)
        arrived: NDArray[Any] = node.operation.apply(places, *read, **node.settings)
        return arrived

    place = int(of.once(node, arrive)[index])
    if place == 0:
        return number(0.0)  # a border of zeros
    return of(source, tuple(map(int, np.unravel_index(place - 1, shape))))


def _found(node: Symbol, index: Index, of: Reading) -> Expression:
    """Return an entry that was looked up, because of the number it was looked up by."""
    by = node.inputs[1]
    place = index if node.operation.name == "take_along_axis" else index[: by.ndim]
    row = number(float(of.value(by)[place]))
    condition = Expression("equal", (of.inside()(by, place), row), 1.0)
    entry = _moved(node, index, of)
    return Expression("where", (condition, entry), entry.value)


def _joined(node: Symbol, index: Index, of: Reading) -> Expression:
    axis = node.settings["axis"] % len(index)
    place = index[axis]
    for value in node.inputs:
        length = np.shape(of.value(value))[axis]
        if place < length:
            return of(value, (*index[:axis], place, *index[axis + 1 :]))
        place -= length
    raise IndexError(index)


# -- sums, means and extremes ----------------------------------------------------------


def _reduced(node: Symbol, index: Index, of: Reading) -> list[Index]:
    """Return the indices of the entries that a reduction takes together."""
    shape, axes = np.shape(of.value(node.inputs[0])), node.settings["axis"]
    rest = list(index)
    if not node.settings["keepdims"]:
        for axis in axes:
            rest.insert(axis, 0)
    along = [range(n) if i in axes else (rest[i],) for i, n in enumerate(shape)]
    return list(itertools.product(*along))


def _sum(node: Symbol, index: Index, of: Reading) -> Expression:
    within = of.inside()
    places, rest = _largest(node, _reduced(node, index, of), of)
    terms = [within(node.inputs[0], place) for place in places]
    return total(terms if rest is None else [*terms, rest])


def _largest(
    node: Symbol, places: list[Index], of: Reading
) -> tuple[list[Index], Expression | None]:
    """Return the places of so many terms as are written out, and the others as one.

    The length of the gradient has a term for each weight of the network: those that
    count are told apart, so that asking takes no minutes.
    """
    if len(places) <= MOST_TERMS:
        return places, None
    read = of.value(node.inputs[0])
    values = np.array([read[place] for place in places], dtype=np.float64)
    ranks = {"max": -values, "min": values}.get(node.operation.name, -np.abs(values))
    order = np.argsort(ranks, kind="stable")
    kept, others = sorted(order[:MANY_TERMS].tolist()), order[MANY_TERMS:]
    together = number(math.fsum(values[others]), f"{len(others):,} smaller ones")
    return [places[i] for i in kept], together


def _mean(node: Symbol, index: Index, of: Reading) -> Expression:
    count = len(_reduced(node, index, of))
    return quotient(_sum(node, index, of), number(float(count)))


def _extreme(node: Symbol, index: Index, of: Reading) -> Expression:
    within = of.inside()
    places, _ = _largest(node, _reduced(node, index, of), of)
    terms = [within(node.inputs[0], place) for place in places]
    choose = max if node.operation.name == "max" else min
    return applied(node.operation.name, lambda *values: choose(values), *terms)


def _products(pairs: Any, of: Reading) -> Expression:
    """Return a sum of products of entries: ``((x, index), (y, index))`` each."""
    within = of.inside()
    return total(product(within(*x), within(*y)) for x, y in pairs)


def _matmul(node: Symbol, index: Index, of: Reading) -> Expression:
    x, y = node.inputs
    *rows, j = index
    inner = range(np.shape(of.value(y))[0])
    return _products((((x, (*rows, k)), (y, (k, j))) for k in inner), of)


def _scatter_add(node: Symbol, index: Index, of: Reading) -> Expression:
    values, chosen = node.inputs
    row, feature = index
    within = of.inside()
    places = np.argwhere(of.value(chosen) == row)
    return total(within(values, (*map(int, place), feature)) for place in places)


# -- windows over images ---------------------------------------------------------------


@lru_cache(maxsize=32)
def _seen(window: Window, height: int, width: int) -> NDArray[Any]:
    """Return which pixel each place of a window sees: (rows, columns, u, v, 2).

    Row and column of the pixel; -1 on the border.
    """
    (down, right), (top, left) = window.stride, (p[0] for p in window.padding)
    rows, columns = window.outputs(height, width)
    i, j, u, v = np.ogrid[:rows, :columns, : window.size[0], : window.size[1]]
    y = i * down + u * window.dilation[0] - top
    x = j * right + v * window.dilation[1] - left
    outside = (y < 0) | (y >= height) | (x < 0) | (x >= width)
    both = np.broadcast_arrays(np.where(outside, -1, y), np.where(outside, -1, x))
    return np.stack(both, axis=-1)


def _pixels(window: Window, shape: Any, place: Index) -> list[tuple[Index, Index]]:
    """Return what one place sees: (u, v) of the window and (y, x) of the image."""
    seen = _seen(window, *shape[1:3])[place]
    inside = np.argwhere(seen[..., 0] >= 0).tolist()
    return [((u, v), tuple(seen[u, v].tolist())) for u, v in inside]


def _lookers(window: Window, size: Any, pixel: Index) -> list[tuple[Index, Index]]:
    """Return who sees a pixel: (i, j) of the place and (u, v) within the window."""
    seen = _seen(window, *size)
    found = np.argwhere((seen == np.array(pixel)).all(axis=-1)).tolist()
    return [((i, j), (u, v)) for i, j, u, v in found]


def _convolve(node: Symbol, index: Index, of: Reading) -> Expression:
    (x, W), groups = node.inputs, node.settings["groups"]
    s, i, j, f = index
    shape, (*_, each, filters) = np.shape(of.value(x)), np.shape(of.value(W))
    first = f // (filters // groups) * each
    pixels = _pixels(node.settings["window"], shape, (i, j))
    pairs = (
        ((x, (s, *pixel, first + c)), (W, (*within, c, f)))
        for within, pixel in pixels
        for c in range(each)
    )
    return _products(pairs, of)


def _convolve_back(node: Symbol, index: Index, of: Reading) -> Expression:
    (dz, W), groups = node.inputs, node.settings["groups"]
    s, y, x, channel = index
    *_, each, filters = np.shape(of.value(W))
    group, c = divmod(channel, each)
    mine = range(group * (filters // groups), (group + 1) * (filters // groups))
    lookers = _lookers(node.settings["window"], node.settings["size"], (y, x))
    pairs = (
        ((dz, (s, *place, f)), (W, (*within, c, f)))
        for place, within in lookers
        for f in mine
    )
    return _products(pairs, of)


def _convolve_weights(node: Symbol, index: Index, of: Reading) -> Expression:
    (x, dz), groups = node.inputs, node.settings["groups"]
    u, v, c, f = index
    shape, filters = np.shape(of.value(x)), np.shape(of.value(dz))[3]
    channel = f // (filters // groups) * (shape[3] // groups) + c
    seen = _seen(node.settings["window"], *shape[1:3])[:, :, u, v]
    places = np.argwhere(seen[..., 0] >= 0).tolist()
    pairs = (
        ((x, (s, *map(int, seen[i, j]), channel)), (dz, (s, i, j, f)))
        for s in range(shape[0])
        for i, j in places
    )
    return _products(pairs, of)


def _max_windows(node: Symbol, index: Index, of: Reading) -> Expression:
    s, i, j, c = index
    within, shape = of.inside(), np.shape(of.value(node.inputs[0]))
    pixels = _pixels(node.settings["window"], shape, (i, j))
    terms = [within(node.inputs[0], (s, *pixel, c)) for _, pixel in pixels]
    return applied("max", lambda *values: max(values), *terms)


def _max_windows_back(node: Symbol, index: Index, of: Reading) -> Expression:
    (images, dy), window = node.inputs, node.settings["window"]
    s, y, x, c = index
    read, within = of.value(images), of.inside()
    terms = []
    for place, _ in _lookers(window, read.shape[1:3], (y, x)):
        pixels = [pixel for _, pixel in _pixels(window, read.shape, place)]
        # The first of the largest, as np.argmax also finds it; a NaN counts as such.
        largest = np.argmax([read[(s, *pixel, c)] for pixel in pixels])
        if pixels[largest] == (y, x):
            terms.append(within(dy, (s, *place, c)))
    return total(terms)


def _sum_windows(node: Symbol, index: Index, of: Reading) -> Expression:
    s, i, j, c = index
    within, shape = of.inside(), np.shape(of.value(node.inputs[0]))
    pixels = _pixels(node.settings["window"], shape, (i, j))
    return total(within(node.inputs[0], (s, *pixel, c)) for _, pixel in pixels)


def _spread_windows(node: Symbol, index: Index, of: Reading) -> Expression:
    s, y, x, c = index
    within = of.inside()
    lookers = _lookers(node.settings["window"], node.settings["size"], (y, x))
    return total(within(node.inputs[0], (s, *place, c)) for place, _ in lookers)


# -- the table -------------------------------------------------------------------------

# Operations that are not here work entry by entry, or draw random numbers.
ROWS: dict[str, Row] = {
    "add": _linear,
    "subtract": _linear,
    "negative": _linear,
    "positive": _linear,
    "multiply": _multiply,
    "divide": _divide,
    "maximum": _limited,
    "minimum": _limited,
    "where": _where,
    "astype": _as_number,
    "full_like": _full,
    "reshape": _moved,
    "transpose": _moved,
    "slice": _moved,
    "pad": _moved,
    "take": _found,
    "take_along_axis": _found,
    "concatenate": _joined,
    "sum": _sum,
    "mean": _mean,
    "max": _extreme,
    "min": _extreme,
    "matmul": _matmul,
    "scatter_add": _scatter_add,
    "convolve": _convolve,
    "convolve_back": _convolve_back,
    "convolve_weights": _convolve_weights,
    "max_windows": _max_windows,
    "max_windows_back": _max_windows_back,
    "sum_windows": _sum_windows,
    "spread_windows": _spread_windows,
}
for _comparison in (
    "greater",
    "greater_equal",
    "less",
    "less_equal",
    "equal",
    "not_equal",
    "logical_and",
    "logical_or",
    "logical_not",
):
    ROWS[_comparison] = _condition

# Those of which one entry takes many entries of what went in.
MANY = {
    *("sum", "mean", "max", "min", "matmul", "scatter_add"),
    *("convolve", "convolve_back", "convolve_weights"),
    *("max_windows", "max_windows_back", "sum_windows", "spread_windows"),
}
