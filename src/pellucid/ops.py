"""The vocabulary of layers: every NumPy function that forward and backward may use.

One row a function. Layers, losses and optimizers are plain NumPy; this table is what
their code can be made of so that it can also be written down, compiled, explained and
exported. It has elementwise functions and comparisons, `where` and `clip`, reductions
(over the last axis, all but the last, all but the first, those between, or
everything), changes of shape, slices, joining, gathering, the matrix product, and
convolution and pooling.
"""

import math
import operator
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pellucid import convolution, rng, special
from pellucid.convolution import Window
from pellucid.errors import ShapeError, SymbolError
from pellucid.symbol import (
    BOOL,
    DTYPE,
    FLOAT,
    INTEGER,
    NUMBER,
    VOCABULARY,
    Dim,
    Operation,
    Shape,
    Symbol,
    Trace,
)

# -- kinds: what may meet what -------------------------------------------------------


def _kinds(inputs: tuple[Any, ...]) -> set[str]:
    """Return the kinds of the inputs; literals count by their Python type."""
    names = {bool: "literal bool", int: "literal int", float: "literal float"}
    return {v.kind if isinstance(v, Symbol) else names[type(v)] for v in inputs}


def _mixed(kinds: set[str]) -> None:
    if INTEGER in kinds and kinds & {FLOAT, "literal float", NUMBER}:
        raise SymbolError(
            "A whole-number array meets floating-point numbers, which makes float32 "
            "arrays float64: convert the whole numbers with .astype(memo.dtype) where "
            "they are data, or compare them (np.arange(k) == y[:, None])."
        )


def _arithmetic(*inputs: Any) -> str:
    kinds = _kinds(inputs)
    _mixed(kinds)
    if FLOAT in kinds:
        return FLOAT
    if BOOL in kinds:
        raise SymbolError(
            "Arithmetic on a condition alone gives float64 numbers: write "
            "(condition).astype(z.dtype) first."
        )
    return INTEGER if INTEGER in kinds else NUMBER


def _fraction(*inputs: Any) -> str:
    if INTEGER in _kinds(inputs):
        raise SymbolError(
            "A division of whole-number arrays gives float64 numbers: write "
            ".astype(memo.dtype) first."
        )
    return _arithmetic(*inputs)


def _function(*inputs: Any) -> str:
    kinds = _kinds(inputs)
    _mixed(kinds)
    if FLOAT not in kinds:
        raise SymbolError(
            "A NumPy function of a number that is no array gives a float64 that widens "
            "float32 arrays: write Python arithmetic, such as x ** 0.5 for the root."
            if NUMBER in kinds
            else "A function of a condition or of whole numbers gives float64 numbers: "
            "write .astype(memo.dtype) first."
        )
    return FLOAT


def _comparison(*inputs: Any) -> str:
    kinds = _kinds(inputs)
    _mixed(kinds)
    if not kinds & {FLOAT, INTEGER, BOOL}:
        raise SymbolError(
            "A comparison of the batch size or the learning rate is not known while a "
            "network is written down."
        )
    return BOOL


def _logical(*inputs: Any) -> str:
    if _kinds(inputs) - {BOOL, "literal bool"}:
        raise SymbolError("np.logical_and, &, | and ~ take conditions such as (z > 0).")
    return BOOL


def _choice(condition: Any, *choices: Any) -> str:
    if _kinds((condition,)) != {BOOL}:
        raise SymbolError(
            "The first argument of np.where is a condition such as z > 0."
        )
    kinds = _kinds(choices)
    _mixed(kinds)
    if FLOAT not in kinds and INTEGER not in kinds:
        raise SymbolError(
            "np.where of two numbers gives a float64 array, even in a float32 network: "
            "write (condition).astype(z.dtype) * a, plus b where needed."
        )
    return FLOAT if FLOAT in kinds else INTEGER


def _same(x: Any, *_: Any) -> str:
    return str(x.kind)


def _float(*_: Any) -> str:
    return FLOAT


def _floats(*inputs: Any) -> str:
    if _kinds(inputs) != {FLOAT}:
        raise SymbolError(
            "Convolution and pooling take arrays of floating-point numbers: write "
            ".astype(memo.dtype) first."
        )
    return FLOAT


def _scattered(values: Any, index: Any) -> str:
    _gathered(values, index)
    return _function(values)


def _gathered(x: Any, index: Any) -> str:
    if getattr(index, "kind", "") != INTEGER:
        raise SymbolError(
            "Rows are gathered by an array of whole numbers; for x[condition] write "
            "np.where(condition, x, 0)."
        )
    return str(x.kind)


# -- shapes ----------------------------------------------------------------------------


def shape_of(value: Any) -> Shape:
    """Return the shape of a Symbol, an array or a Python number.

    Parameters
    ----------
    value : object
        Any value.

    Returns
    -------
    tuple
    """
    return tuple(getattr(value, "shape", ()))


def text(shape: Shape) -> str:
    """Return a shape in print, with n for the batch size.

    Parameters
    ----------
    shape : tuple
        Integers and Dims.

    Returns
    -------
    str
    """
    return f"({', '.join(map(str, shape))}{',' if len(shape) == 1 else ''})"


def _broadcast(*inputs: Any, **_: Any) -> Shape:
    shapes = [shape_of(value) for value in inputs]
    result: list[Any] = []
    for axis in range(1, max(map(len, shapes), default=0) + 1):
        lengths = {shape[-axis] for shape in shapes if len(shape) >= axis} - {1}
        if len(lengths) > 1:
            raise ShapeError(f"Shapes {' and '.join(map(text, shapes))} do not fit.")
        result.insert(0, lengths.pop() if lengths else 1)
    return tuple(result)


def _reduced(x: Any, axis: Any = None, keepdims: bool = False) -> Shape:
    axes = axis_numbers(x.ndim, axis)
    n = x.ndim
    known = (range(n), range(n - 1), range(1, n), range(1, n - 1), (n - 1,))
    if not axes or axes not in map(tuple, known):
        raise SymbolError(
            f"A reduction over axis {axis} of {n} axes is not in the vocabulary, which "
            "has: the last axis, all but the last, all but the first, all between the "
            "first and the last, everything."
        )
    if keepdims:
        return tuple(1 if i in axes else s for i, s in enumerate(x.shape))
    return tuple(s for i, s in enumerate(x.shape) if i not in axes)


def axis_numbers(ndim: int, axis: Any) -> tuple[int, ...]:
    """Return the axes that a reduction is over, counted from 0, in order.

    Parameters
    ----------
    ndim : int
        Number of axes.
    axis : None, int or tuple of int
        As in NumPy.

    Returns
    -------
    tuple of int
    """
    if axis is None:
        return tuple(range(ndim))
    axes = (axis,) if isinstance(axis, int) else tuple(axis)
    return tuple(sorted(_place_of(a, ndim) for a in axes))


def _place_of(axis: int, ndim: int) -> int:
    """Return an axis counted from 0, as NumPy does: -1 is the last one."""
    if not -ndim <= axis < ndim:
        raise ShapeError(f"There is no axis {axis} of {ndim} axes.")
    return axis % ndim


def count(shape: Shape) -> tuple[int, bool]:
    """Return the size: a factor, and whether the batch size multiplies it.

    Parameters
    ----------
    shape : tuple
        Integers and Dims.

    Returns
    -------
    tuple of (int, bool)
    """
    dims = [s for s in shape if isinstance(s, Dim)]
    if len(dims) > 1:
        raise ShapeError(f"{text(shape)} grows with the square of the batch size.")
    factor = math.prod(s for s in shape if not isinstance(s, Dim))
    return (factor * dims[0].factor, True) if dims else (factor, False)


def _reshaped(x: Any, shape: Any) -> Shape:
    new = list(shape) if isinstance(shape, tuple | list) else [shape]
    if new.count(-1) > 1:
        raise ShapeError("Only one axis of reshape may be -1.")
    size, scales = count(x.shape)
    known, scaled = count(tuple(s for s in new if s != -1))
    if -1 in new:
        if (scaled and not scales) or not known or size % known:
            raise ShapeError(f"{text(x.shape)} cannot become {text(tuple(new))}.")
        rest = size // known
        trace = x.trace
        new[new.index(-1)] = Dim(trace, rest) if scales and not scaled else rest
    if count(tuple(new)) != (size, scales):
        raise ShapeError(f"{text(x.shape)} cannot become {text(tuple(new))}.")
    return tuple(new)


def _transposed(x: Any, axes: Any = None) -> Shape:
    order = tuple(reversed(range(x.ndim))) if axes is None else axes
    if axis_numbers(x.ndim, order) != tuple(range(x.ndim)):
        raise ShapeError(f"{order} is no order of the axes of {text(x.shape)}.")
    return tuple(x.shape[axis] for axis in order)


def _product(x: Any, y: Any) -> Shape:
    a, b = shape_of(x), shape_of(y)
    if len(a) < 2 or len(b) != 2:
        raise ShapeError(
            f"@ multiplies an array of two or more axes by a matrix; got {text(a)} and "
            f"{text(b)}."
        )
    if a[-1] != b[0]:
        raise ShapeError(f"{text(a)} @ {text(b)}: the inner lengths differ.")
    return (*a[:-1], b[1])


def _sliced(x: Any, index: Any) -> Shape:
    index = index if isinstance(index, tuple) else (index,)
    used = sum(1 for i in index if i is not None and i is not Ellipsis)
    if not any(i is Ellipsis for i in index):
        index = (*index, Ellipsis)
    if used > x.ndim:
        raise ShapeError(f"{used} indices are too many for {text(x.shape)}.")
    result: list[Any] = []
    axis = 0
    for item in index:
        if item is None:
            result.append(1)
        elif item is Ellipsis:
            rest = x.ndim - used
            result += x.shape[axis : axis + rest]
            axis += rest
        elif isinstance(item, slice):
            length = x.shape[axis]
            if isinstance(length, Dim):
                if item != slice(None):
                    raise SymbolError(
                        "A part of the batch cannot be cut out in a layer."
                    )
                result.append(length)
            else:
                result.append(len(range(*item.indices(length))))
            axis += 1
        elif type(item) is int and not isinstance(x.shape[axis], Dim):
            if not -x.shape[axis] <= item < x.shape[axis]:
                raise ShapeError(
                    f"There is no x[{item}] on an axis of {x.shape[axis]}."
                )
            axis += 1
        else:
            raise SymbolError(
                f"x[{item!r}] cannot be followed: the vocabulary has slices, None, "
                "..., whole numbers on axes of fixed length, and gathering by whole "
                "numbers; for x[condition] write np.where(condition, x, 0)."
            )
    return tuple(result)


def _joined(*inputs: Any, axis: int = 0) -> Shape:
    first = inputs[0].shape
    place = _place_of(axis, len(first))
    total: Any = 0
    for value in inputs:
        rest = [s for i, s in enumerate(value.shape) if i != place]
        expected = [s for i, s in enumerate(first) if i != place]
        if rest != expected or value.ndim != len(first):
            raise ShapeError(
                f"{text(first)} and {text(value.shape)} cannot be joined along axis "
                f"{axis}: their other lengths differ."
            )
        if isinstance(value.shape[place], Dim):
            raise SymbolError("Batches cannot be joined in a layer.")
        total += value.shape[place]
    return tuple(total if i == place else s for i, s in enumerate(first))


def _padded(x: Any, width: Any) -> Shape:
    grown = []
    if len(width) != x.ndim:
        raise ShapeError(
            f"np.pad needs (before, after) for each axis of {text(x.shape)}."
        )
    for length, (before, after) in zip(x.shape, width, strict=True):
        if (before or after) and isinstance(length, Dim):
            raise SymbolError("Rows cannot be added to the batch in a layer.")
        grown.append(length + before + after if before or after else length)
    return tuple(grown)


def _taken(x: Any, index: Any, axis: int = 0) -> Shape:
    if axis != 0:
        raise SymbolError("np.take gathers along axis 0 in the vocabulary.")
    return (*index.shape, *x.shape[1:])


def _picked(x: Any, index: Any, axis: int = -1) -> Shape:
    if _place_of(axis, x.ndim) != x.ndim - 1:
        raise SymbolError("np.take_along_axis picks along the last axis.")
    if index.shape[:-1] != x.shape[:-1]:
        raise ShapeError(
            f"np.take_along_axis picks from {text(x.shape)} with an index that differs "
            f"in the last axis at most; got {text(index.shape)}."
        )
    return (*x.shape[:-1], index.shape[-1])


# -- functions of our own, for what NumPy lacks ----------------------------------------


def erf(x: Any) -> Any:
    """Return the error function of an array or a Symbol, see `pellucid.special.erf`.

    Parameters
    ----------
    x : ndarray or Symbol
        Any shape.

    Returns
    -------
    ndarray or Symbol
    """
    if isinstance(x, Symbol):
        return x.trace.call(VOCABULARY[erf], (x,))
    return special.erf(x)


def scatter_add(values: Any, index: Any, rows: int) -> Any:
    """Return ``rows`` sums: every value is added to the row that its index names.

    The transpose of gathering rows with ``table[index]``.

    Parameters
    ----------
    values : ndarray or Symbol, shape (..., features)
        What is added.
    index : ndarray of int or Symbol, shape (...)
        Where to; whole numbers in [0, rows).
    rows : int
        Number of rows of the result.

    Returns
    -------
    ndarray or Symbol, shape (rows, features)
    """
    if isinstance(values, Symbol):
        return values.trace.call(VOCABULARY[scatter_add], (values, index), rows=rows)
    sums = np.zeros((rows, values.shape[-1]), dtype=values.dtype)
    np.add.at(sums, index.reshape(-1), values.reshape(-1, values.shape[-1]))
    return sums


def convolve(x: Any, W: Any, window: Window, groups: int = 1) -> Any:
    """Return images seen through filters, see `pellucid.convolution.convolve`.

    Parameters
    ----------
    x : ndarray or Symbol, shape (n, height, width, channels)
        Images.
    W : ndarray or Symbol, shape (kernel height, kernel width, channels/groups, filters)
        Filters.
    window : Window
        How the kernel moves.
    groups : int
        Into how many groups channels and filters are split.

    Returns
    -------
    ndarray or Symbol, shape (n, rows, columns, filters)
    """
    if isinstance(x, Symbol):
        return x.trace.call(VOCABULARY[convolve], (x, W), window=window, groups=groups)
    return convolution.convolve(x, W, window, groups)


def convolve_back(
    dz: Any, W: Any, window: Window, size: tuple[int, int], groups: int = 1
) -> Any:
    """Return the adjoint of `convolve` in x.

    Parameters
    ----------
    dz : ndarray or Symbol, shape (n, rows, columns, filters)
        One number for each place and filter.
    W, window, groups
        As in `convolve`.
    size : tuple of int
        Height and width of the images.

    Returns
    -------
    ndarray or Symbol, shape (n, *size, channels)
    """
    if isinstance(dz, Symbol):
        row, how = VOCABULARY[convolve_back], {"window": window, "groups": groups}
        return dz.trace.call(row, (dz, W), size=tuple(size), **how)
    return convolution.convolve_back(dz, W, window, size, groups)


def convolve_weights(x: Any, dz: Any, window: Window, groups: int = 1) -> Any:
    """Return the adjoint of `convolve` in W.

    Parameters
    ----------
    x : ndarray or Symbol, shape (n, height, width, channels)
        Images.
    dz : ndarray or Symbol, shape (n, rows, columns, filters)
        One number for each place and filter.
    window, groups
        As in `convolve`.

    Returns
    -------
    ndarray or Symbol, shape (kernel height, kernel width, channels / groups, filters)
    """
    if isinstance(x, Symbol):
        row = VOCABULARY[convolve_weights]
        return x.trace.call(row, (x, dz), window=window, groups=groups)
    return convolution.convolve_weights(x, dz, window, groups)


def max_windows(x: Any, window: Window) -> Any:
    """Return the largest number in each place of a window; the border never is.

    Parameters
    ----------
    x : ndarray or Symbol, shape (n, height, width, channels)
        Images.
    window : Window
        How it moves.

    Returns
    -------
    ndarray or Symbol, shape (n, rows, columns, channels)
    """
    if isinstance(x, Symbol):
        return x.trace.call(VOCABULARY[max_windows], (x,), window=window)
    return convolution.max_windows(x, window)


def max_windows_back(x: Any, dy: Any, window: Window) -> Any:
    """Return dL/dx from dL/dy: each goes to the first largest pixel of its window.

    Parameters
    ----------
    x : ndarray or Symbol, shape (n, height, width, channels)
        Images.
    dy : ndarray or Symbol, shape (n, rows, columns, channels)
        One number for each place and channel.
    window : Window
        How it moves.

    Returns
    -------
    ndarray or Symbol, shape of x
    """
    if isinstance(x, Symbol):
        return x.trace.call(VOCABULARY[max_windows_back], (x, dy), window=window)
    return convolution.max_windows_back(x, dy, window)


def sum_windows(x: Any, window: Window) -> Any:
    """Return the sum of each place of a window; the border counts as 0.

    Parameters
    ----------
    x : ndarray or Symbol, shape (n, height, width, channels)
        Images.
    window : Window
        How it moves.

    Returns
    -------
    ndarray or Symbol, shape (n, rows, columns, channels)
    """
    if isinstance(x, Symbol):
        return x.trace.call(VOCABULARY[sum_windows], (x,), window=window)
    return convolution.sum_windows(x, window)


def spread_windows(dy: Any, window: Window, size: tuple[int, int]) -> Any:
    """Return the adjoint of `sum_windows`: each number goes to all of its window.

    Parameters
    ----------
    dy : ndarray or Symbol, shape (n, rows, columns, channels)
        One number for each place and channel.
    window : Window
        How it moves.
    size : tuple of int
        Height and width of the images.

    Returns
    -------
    ndarray or Symbol, shape (n, *size, channels)
    """
    if isinstance(dy, Symbol):
        row = VOCABULARY[spread_windows]
        return dy.trace.call(row, (dy,), window=window, size=tuple(size))
    return convolution.spread_windows(dy, window, size)


def uniform(
    seed: int, step: int, *, stream: int, shape: tuple[int, ...], dtype: Any
) -> NDArray[Any]:
    """Return the uniform numbers in [0, 1) of one place in one iteration.

    Parameters
    ----------
    seed : int
        Key of the training run.
    step : int
        The iteration, from 0.
    stream : int
        The place, in the order of the calls.
    shape : tuple of int
        Shape of the result.
    dtype : dtype
        Floating-point type of the result; the numbers are the same in all.

    Returns
    -------
    ndarray
    """
    return rng.uniform(rng.step_key(seed, step, stream), shape).astype(
        dtype, copy=False
    )


def note_uniform(trace: Trace, stream: int, shape: Shape) -> Any:
    """Note the drawing of uniform numbers in a trace.

    Parameters
    ----------
    trace : Trace
        Where.
    stream : int
        See `uniform`.
    shape : tuple
        Shape of the result, integers and Dims.

    Returns
    -------
    Symbol
    """
    seed = trace.leaf("seed", "", (), NUMBER)
    step = trace.leaf("step", "", (), NUMBER)
    row = VOCABULARY[uniform]
    return trace.call(row, (seed, step), stream=stream, shape=shape, dtype=DTYPE)


def _convert(x: Any, dtype: Any) -> Any:
    return x.astype(dtype)


def _full(x: Any, value: float) -> Any:
    return np.full_like(x, value)


def _cut(x: Any, index: Any) -> Any:
    return x[index]


# -- the table -------------------------------------------------------------------------


def _elementwise(kind: Callable[..., str], work: int, rows: dict[Any, str]) -> None:
    for function, infix in rows.items():
        name = "divide" if function is np.true_divide else function.__name__
        VOCABULARY[function] = Operation(
            name, function, _broadcast, kind, "elementwise", infix, work
        )


_elementwise(_arithmetic, 1, {np.add: "+", np.subtract: "-", np.multiply: "*"})
_elementwise(_arithmetic, 1, {np.negative: "-", np.positive: "+", np.absolute: ""})
_elementwise(_fraction, 1, {np.true_divide: "/"})
_elementwise(_function, 1, {np.maximum: "", np.minimum: "", np.sign: "", np.square: ""})
_elementwise(_function, 1, {np.reciprocal: "", np.floor: ""})
_elementwise(_function, 4, {np.sqrt: ""})
_elementwise(
    _function,
    10,
    {
        np.exp: "",
        np.expm1: "",
        np.log: "",
        np.log1p: "",
        np.tanh: "",
        np.sin: "",
        np.cos: "",
    },
)
_elementwise(
    _comparison,
    1,
    {
        np.greater: ">",
        np.greater_equal: ">=",
        np.less: "<",
        np.less_equal: "<=",
        np.equal: "==",
        np.not_equal: "!=",
    },
)
_elementwise(
    _logical, 1, {np.logical_and: "&", np.logical_or: "|", np.logical_not: "~"}
)
VOCABULARY[np.bitwise_and] = VOCABULARY[np.logical_and]
VOCABULARY[np.bitwise_or] = VOCABULARY[np.logical_or]
VOCABULARY[np.invert] = VOCABULARY[np.logical_not]
# Python's own power: NumPy's operator has short cuts (x ** 2) that np.power has not.
VOCABULARY[np.power] = Operation(
    "power", operator.pow, _broadcast, _arithmetic, "elementwise", "**", 4
)
VOCABULARY[erf] = Operation("erf", erf, _broadcast, _function, "elementwise", "", 20)
VOCABULARY[np.where] = Operation(
    "where", np.where, _broadcast, _choice, "elementwise", "", 1
)
VOCABULARY[np.clip] = Operation(
    "clip", np.clip, _broadcast, _function, "elementwise", "", 2
)
VOCABULARY["astype"] = Operation(
    "astype", _convert, lambda x, dtype: x.shape, _float, "elementwise"
)
for _value, _like in ((0.0, np.zeros_like), (1.0, np.ones_like)):
    VOCABULARY[_like] = Operation(
        "full_like",
        _full,
        lambda x, value: x.shape,
        _function,
        "elementwise",
        arguments=lambda x, value=_value: ((x,), {"value": value}),
    )
VOCABULARY[np.full_like] = Operation(
    "full_like",
    _full,
    lambda x, value: x.shape,
    _function,
    "elementwise",
    arguments=lambda x, value: ((x,), {"value": float(value)}),
)

for _reduction in (np.sum, np.mean, np.max, np.min):
    VOCABULARY[_reduction] = Operation(
        _reduction.__name__.removeprefix("a"),
        _reduction,
        _reduced,
        _function,
        "reduction",
        "",
        1,
        arguments=lambda x, axis=None, keepdims=False: (
            (x,),
            {"axis": axis_numbers(x.ndim, axis), "keepdims": keepdims},
        ),
        worked=lambda node: node.inputs[0].shape,
    )

VOCABULARY[np.reshape] = Operation(
    "reshape",
    np.reshape,
    _reshaped,
    _same,
    "alias",
    arguments=lambda x, shape: ((x,), {"shape": _reshaped(x, shape)}),
)
VOCABULARY[np.transpose] = Operation(
    "transpose",
    np.transpose,
    _transposed,
    _same,
    "alias",
    arguments=lambda x, axes=None: ((x,), {"axes": axes}),
)
VOCABULARY["slice"] = Operation("slice", _cut, _sliced, _same, "alias")

VOCABULARY[np.matmul] = Operation(
    "matmul",
    np.matmul,
    _product,
    _function,
    "structural",
    "@",
    2,
    worked=lambda node: (*node.shape, node.inputs[0].shape[-1]),
)
VOCABULARY[np.concatenate] = Operation(
    "concatenate",
    lambda *inputs, axis: np.concatenate(inputs, axis=axis),
    _joined,
    _function,
    "structural",
    arguments=lambda arrays, axis=0: (tuple(arrays), {"axis": axis}),
)
VOCABULARY[np.pad] = Operation(
    "pad",
    lambda x, width: np.pad(x, width),
    _padded,
    _function,
    "structural",
    arguments=lambda x, pad_width: ((x,), {"width": tuple(map(tuple, pad_width))}),
)
VOCABULARY[np.take] = Operation(
    "take",
    np.take,
    _taken,
    _gathered,
    "structural",
    # Without an axis NumPy flattens first, which is not in the vocabulary.
    arguments=lambda x, indices, axis: ((x, indices), {"axis": axis}),
)
VOCABULARY[np.take_along_axis] = Operation(
    "take_along_axis",
    np.take_along_axis,
    _picked,
    _gathered,
    "structural",
    arguments=lambda x, indices, axis=-1: ((x, indices), {"axis": axis}),
)
VOCABULARY[scatter_add] = Operation(
    "scatter_add",
    scatter_add,
    lambda values, index, rows: (rows, values.shape[-1]),
    _scattered,
    "structural",
    work=1,
    worked=lambda node: node.inputs[0].shape,
)


def _structural(
    function: Any, shape: Callable[..., Shape], work: int, worked: Callable[..., Shape]
) -> None:
    VOCABULARY[function] = Operation(
        function.__name__,
        function,
        shape,
        _floats,
        "structural",
        work=work,
        worked=worked,
    )


def _seen(windows: Any, node: Symbol) -> Shape:
    """Return the shape of all that windows see: their places and their pixels."""
    return (*windows.shape, *node.settings["window"].size)


_structural(
    convolve,
    lambda x, W, **how: convolution.convolved_shape(shape_of(x), shape_of(W), **how),
    2,
    lambda node: (*node.shape, *node.inputs[1].shape[:3]),
)
_structural(
    convolve_back,
    lambda dz, W, **how: convolution.convolved_back_shape(
        shape_of(dz), shape_of(W), **how
    ),
    2,
    lambda node: (*node.inputs[0].shape, *node.inputs[1].shape[:3]),
)
_structural(
    convolve_weights,
    lambda x, dz, **how: convolution.filters_shape(shape_of(x), shape_of(dz), **how),
    2,
    lambda node: (*node.inputs[1].shape, *node.shape[:3]),
)
_structural(
    max_windows,
    lambda x, window: convolution.pooled_shape(x.shape, window),
    1,
    lambda node: _seen(node, node),
)
_structural(
    max_windows_back,
    lambda x, dy, window: convolution.spread_shape(
        shape_of(dy), window, convolution.image_shape(x.shape)[1:3]
    ),
    2,
    lambda node: _seen(node.inputs[1], node),
)
_structural(
    sum_windows,
    lambda x, window: convolution.pooled_shape(x.shape, window),
    1,
    lambda node: _seen(node, node),
)
_structural(
    spread_windows,
    lambda dy, window, size: convolution.spread_shape(dy.shape, window, size),
    1,
    lambda node: _seen(node.inputs[0], node),
)
VOCABULARY[uniform] = Operation(
    "uniform", uniform, lambda *_, shape, **__: shape, _float, "random", work=10
)
