"""Every row of the vocabulary gives NumPy's bits, and foretells NumPy's shapes."""

import math
import operator
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pellucid import ops, rng
from pellucid.convolution import Window
from pellucid.errors import ShapeError, SymbolError
from pellucid.program import Program
from pellucid.symbol import BOOL, FLOAT, INTEGER, NUMBER, VOCABULARY, Dim, Trace

N = 97  # a batch size that is no other length


# ---- what to try


def arrays(dtype, n):
    """Return arrays by name: what the functions of SAMPLES are called with."""
    random = np.random.default_rng(n)

    def floats(*shape):
        return random.normal(size=shape).astype(dtype)

    x = floats(n, 3)
    x[0, 0] = 0.0
    return {
        "x": x,
        "y": np.where(floats(n, 3) > 0, x, floats(n, 3)),  # equal to x here and there
        "positive": np.exp(floats(n, 3)),
        "row": floats(3),
        "column": floats(n, 1),
        "W": floats(3, 2),
        "image": floats(n, 2, 3, 4),
        "each": floats(n),
        "whole": random.integers(0, 3, n),
        "wholes": random.integers(0, 3, (n, 2)),
        "kernel": floats(2, 2, 4, 3),
        "thin": floats(2, 2, 2, 6),
        "z": floats(n, 1, 2, 3),
        "thin_z": floats(n, 1, 2, 6),
        "pooled": floats(n, 1, 2, 4),
        "other": random.integers(0, 3, n),
        "yes": random.random((n, 3)) < 0.5,
        "no": random.random((n, 3)) < 0.5,
    }


SMALL = Window((2, 2))
SPARSE = Window((2, 2), (3, 1), ((1, 0), (0, 1)), (1, 2))


def where_of_three(yes, x, row):
    return np.where(yes, x, row)


# For every key of VOCABULARY: functions whose arguments are the arrays of these names.
SAMPLES: dict[Any, list[Any]] = {
    np.add: [
        lambda x, y: x + y,
        lambda x, row: x + row,
        lambda x, column: column + x,
        lambda x: 1 + x,
        lambda x: x + 0.1,
        lambda whole, other: whole + other,
        lambda whole: whole + 2,
    ],
    np.subtract: [
        lambda x, y: x - y,
        lambda x: 1.0 - x,
        lambda x: x - 1,
        lambda whole, other: whole - other,
    ],
    np.multiply: [
        lambda x, y: x * y,
        lambda x: 0.1 * x,
        lambda x, yes: x * yes,
        lambda x: True * x,
        lambda whole: 3 * whole,
    ],
    np.true_divide: [lambda x, positive: x / positive, lambda x: 1 / (x + 9.0)],
    np.negative: [lambda x: -x, lambda whole: -whole],
    np.positive: [lambda x: +x],
    np.absolute: [abs, np.abs, np.absolute],
    np.maximum: [np.maximum, lambda x: np.maximum(x, 0.0), lambda x: np.maximum(0, x)],
    np.minimum: [np.minimum, lambda x, column: np.minimum(x, column)],
    np.sign: [np.sign],
    np.square: [np.square],
    np.reciprocal: [lambda positive: np.reciprocal(positive)],
    np.floor: [np.floor],
    np.sqrt: [lambda positive: np.sqrt(positive)],
    np.exp: [np.exp],
    np.expm1: [np.expm1],
    np.log: [lambda positive: np.log(positive)],
    np.log1p: [lambda positive: np.log1p(positive)],
    np.tanh: [np.tanh],
    np.sin: [np.sin],
    np.cos: [np.cos],
    np.greater: [operator.gt, lambda x: x > 0, lambda whole: whole > 1],
    np.greater_equal: [operator.ge, lambda x, row: x >= row],
    np.less: [operator.lt, lambda x: x < 0.5],
    np.less_equal: [operator.le, lambda whole, other: whole <= other],
    np.equal: [
        operator.eq,
        lambda whole: np.arange(3) == whole[:, None],
        lambda yes, no: yes == no,
        lambda x: x == 0,
    ],
    np.not_equal: [operator.ne, lambda whole, other: whole != other],
    np.logical_and: [lambda yes, no: np.logical_and(yes, no)],
    np.logical_or: [lambda yes, no: np.logical_or(yes, no)],
    np.logical_not: [lambda yes: np.logical_not(yes)],
    np.bitwise_and: [lambda yes, no: yes & no, lambda x: (x > 0) & (x < 1)],
    np.bitwise_or: [lambda yes, no: yes | no],
    np.invert: [lambda yes: ~yes],
    np.power: [
        lambda x: x**2,
        lambda x: x**3,
        lambda positive: positive**0.5,
        lambda positive: positive**-1,
        lambda positive: positive**-1.5,
        lambda positive, x: positive**x,
        lambda x: 2.0**x,
        lambda x: np.power(x, 2),
    ],
    ops.erf: [lambda x: ops.erf(x)],
    np.where: [
        where_of_three,
        lambda x: np.where(x > 0, x, 0.1 * x),
        lambda x: np.where(x > 0, 1.0, x),
        lambda yes, x: np.where(yes, x, 0),
        lambda yes, whole: np.where(yes[:, 0], whole, 0),
    ],
    np.clip: [lambda x: np.clip(x, -0.5, 1), lambda x, row, y: np.clip(x, row, y)],
    "astype": [
        lambda yes, x: yes.astype(x.dtype),
        lambda whole, x: whole.astype(x.dtype),
        lambda x, y: x.astype(y.dtype),
    ],
    np.zeros_like: [lambda x: np.zeros_like(x)],
    np.ones_like: [lambda x: np.ones_like(x)],
    np.full_like: [lambda x: np.full_like(x, 2.5), lambda row: np.full_like(row, 3)],
    np.sum: [
        lambda x: x.sum(axis=0),
        lambda x: x.sum(axis=-1, keepdims=True),
        lambda x: np.sum(x, axis=1),
        lambda x: x.sum(),
        lambda image: image.sum(axis=(0, 1, 2)),
        lambda image: image.sum(axis=(1, 2, 3)),
        lambda image: image.sum(axis=-1),
        lambda image: image.sum(axis=(1, 2)),
        lambda image: image[:, 0].sum(axis=1, keepdims=True),
        lambda row: row.sum(),
        lambda each: each.sum(),
    ],
    np.mean: [
        lambda x: x.mean(axis=0),
        lambda image: np.mean(image, axis=(0, 1, 2)),
        lambda image: image.mean(axis=(1, 2), keepdims=True),
    ],
    np.max: [
        lambda x: x.max(axis=-1, keepdims=True),
        lambda x: np.max(x),
        lambda image: image.max(axis=(1, 2)),
    ],
    np.min: [
        lambda x: x.min(axis=1),
        lambda image: image.min(axis=-1),
        lambda image: image[:, :, 0].min(axis=1),
    ],
    np.reshape: [
        lambda image: image.reshape(image.shape[0], 24),
        lambda image: image.reshape(image.shape[0], -1),
        lambda image: image.reshape((-1, 4)),
        lambda image: np.reshape(image, (image.shape[0] * 2, 3, -1)),
        lambda image: image.reshape(image.shape[0] * 6, 4).reshape(image.shape),
        lambda image: image.reshape(-1),
        lambda whole: whole.reshape(whole.shape[0], 1),
        lambda each, x: each.reshape(x.shape[0], *(1 for _ in x.shape[1:])),
    ],
    np.transpose: [
        lambda x: x.T,
        lambda x: x.transpose(),
        lambda image: image.transpose(0, 3, 1, 2),
        lambda image: np.transpose(image, (3, 2, 1, 0)),
        lambda image: image.transpose((0, -1, 1, 2)),
    ],
    "slice": [
        lambda x: x[:, 1:],
        lambda x: x[..., :2],
        lambda x: x[:, None],
        lambda x: x[:, 0],
        lambda x: x[:, -1],
        lambda x: x[:, ::-1],
        lambda x: x[:, ::2],
        lambda image: image[:, 1, ..., ::2],
        lambda image: image[..., 0, None],
        lambda row: row[1],
        lambda W: W[0],
        lambda whole: whole[:, None],
    ],
    np.matmul: [
        lambda x, W: x @ W,
        lambda x, y: x.T @ y,
        lambda x, W: np.matmul(x, W),
        lambda W, x: x @ W @ W.T,
        lambda image, W: image.transpose(0, 1, 3, 2) @ W,
    ],
    np.concatenate: [
        lambda x, column: np.concatenate([x, column], axis=-1),
        lambda x, y: np.concatenate((x, y, x), axis=1),
        lambda image: np.concatenate([image, image], axis=2),
        lambda row, W: np.concatenate([row[:, None], W], 1),
        lambda row: np.concatenate([row, row]),
    ],
    np.pad: [
        lambda x: np.pad(x, ((0, 0), (1, 2))),
        lambda image: np.pad(image, [(0, 0), (1, 1), (0, 2), (0, 0)]),
    ],
    np.take: [
        lambda W, whole: W[whole],
        lambda row, whole: np.take(row, whole, axis=0),
        lambda W, wholes: np.take(W, wholes, axis=0),
        lambda W: np.take(W, np.array([2, 0]), axis=0),
    ],
    np.take_along_axis: [
        lambda x, wholes: np.take_along_axis(x, wholes, axis=-1),
        lambda x, whole: np.take_along_axis(x, whole[:, None], axis=1)[:, 0],
        lambda x, whole: np.take_along_axis(x, whole[:, None], -1),
    ],
    ops.scatter_add: [
        lambda x, whole: ops.scatter_add(x, whole, 3),
        lambda image, wholes: ops.scatter_add(image[:, :, 0], wholes, 5),
    ],
    ops.convolve: [
        lambda image, kernel: ops.convolve(image, kernel, SMALL),
        lambda image, thin: ops.convolve(image, thin, SPARSE, groups=2),
    ],
    ops.convolve_back: [
        lambda z, kernel: ops.convolve_back(z, kernel, SMALL, (2, 3)),
        lambda thin_z, thin: ops.convolve_back(thin_z, thin, SPARSE, [2, 3], 2),
    ],
    ops.convolve_weights: [
        lambda image, z: ops.convolve_weights(image, z, SMALL),
        lambda image, thin_z: ops.convolve_weights(image, thin_z, SPARSE, groups=2),
    ],
    ops.max_windows: [
        lambda image: ops.max_windows(image, SMALL),
        lambda image: ops.max_windows(image, SPARSE),
    ],
    ops.max_windows_back: [
        lambda image, pooled: ops.max_windows_back(image, pooled, SMALL),
        lambda image, pooled: ops.max_windows_back(image, pooled, SPARSE),
    ],
    ops.sum_windows: [
        lambda image: ops.sum_windows(image, SMALL),
        lambda image: ops.sum_windows(image, SPARSE),
    ],
    ops.spread_windows: [
        lambda pooled: ops.spread_windows(pooled, SMALL, (2, 3)),
        lambda pooled: ops.spread_windows(pooled, SPARSE, (2, 3)),
    ],
}
NOT_HERE = {ops.uniform}  # draws numbers: see the tests of random numbers below


def leaves(trace, given, n):
    """Return a Symbol for each array, the batch size being the first axis of most."""
    kinds = {"f": FLOAT, "i": INTEGER, "b": BOOL}
    symbols = {}
    for name, array in given.items():
        shape: tuple[Any, ...] = array.shape
        if name not in ("row", "W", "kernel", "thin"):
            shape = (trace.batch, *shape[1:])
        symbols[name] = trace.leaf(name, "", shape, kinds[array.dtype.kind])
    return symbols


def wanted_arrays(function):
    """Return the names of a function's arguments; x and y for ufuncs."""
    if isinstance(function, np.ufunc):
        return ("x", "y")[: function.nin]
    code = getattr(function, "__code__", None)
    if code is None:  # abs, operator.gt and the like
        return ("x",) if function is abs else ("x", "y")
    return code.co_varnames[: code.co_argcount]


def concrete(shape, n):
    return tuple(d.factor * n if isinstance(d, Dim) else d for d in shape)


def written(function, given, n):
    """Return the Program of a function of arrays, and its result as a Symbol."""
    trace = Trace()
    symbols = leaves(trace, given, n)
    result = function(*(symbols[name] for name in wanted_arrays(function)))
    trace.outputs["result", ""] = result
    return Program("sample", trace), result


def test_every_row_has_a_sample():
    without = VOCABULARY.keys() - SAMPLES.keys() - NOT_HERE
    assert not without, f"add samples of {without} to SAMPLES in {__file__}"
    assert SAMPLES.keys() <= VOCABULARY.keys()


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("n", [1, 5])
@pytest.mark.parametrize(
    ("key", "function"),
    [
        pytest.param(key, f, id=f"{VOCABULARY[key].name}-{i}")
        for key, functions in SAMPLES.items()
        for i, f in enumerate(functions)
    ],
)
def test_a_program_of_it_gives_the_bits_of_numpy(key, function, n, dtype):
    given = arrays(dtype, n)
    program, symbol = written(function, given, n)
    assert VOCABULARY[key] in [node.operation for node in program.operations]
    expected = function(*(given[name] for name in wanted_arrays(function)))
    found = program.run(given, n, np.dtype(dtype))["result", ""]

    assert np.asarray(found).dtype == np.asarray(expected).dtype
    assert np.asarray(found).tobytes() == np.asarray(expected).tobytes()
    assert np.shape(found) == np.shape(expected) == concrete(symbol.shape, n)
    kind = {FLOAT: dtype, INTEGER: "int64", BOOL: "bool"}[symbol.kind]
    assert np.asarray(found).dtype == kind
    assert "  result = " in str(program)


def test_infix_operators_print_as_formulas():
    trace = Trace()
    x = trace.leaf("x", "", (trace.batch, 3))
    trace.outputs["y", ""] = -x * 2.0 + x**2
    lines = str(Program("p", trace)).splitlines()[2:]
    formulas = [line.split("  ")[1].strip() for line in lines]
    assert formulas == ["t1 = -x", "t2 = t1 * 2.0", "t3 = x ** 2", "y = t2 + t3"]


# ---- what may not meet


def symbols(n_axes=2):
    trace = Trace()
    return {
        "x": trace.leaf("x", "", (trace.batch, 3)),
        "image": trace.leaf("image", "", (trace.batch, 2, 3)),
        "photo": trace.leaf("photo", "", (trace.batch, 4, 5, 2)),
        "kernel": trace.leaf("kernel", "", (2, 2, 2, 3)),
        "window": SMALL,
        "row": trace.leaf("row", "", (3,)),
        "W": trace.leaf("W", "", (3, 2)),
        "whole": trace.leaf("whole", "", (trace.batch,), INTEGER),
        "yes": trace.leaf("yes", "", (trace.batch, 3), BOOL),
        "rate": trace.leaf("rate", "", (), NUMBER),
        "n": trace.batch,
    }


REFUSED = {  # what is written: what the error says
    # kinds
    "whole[:, None] * x": "A whole-number array meets floating-point numbers",
    "np.arange(3) * x": "convert the whole numbers with .astype(memo.dtype)",
    "x - whole[:, None]": "compare them (np.arange(k) == y[:, None])",
    "0.5 * whole": "A whole-number array meets floating-point numbers",
    "whole * n": "A whole-number array meets floating-point numbers",
    "whole / 2": "A division of whole-number arrays gives float64",
    "np.sqrt(whole)": "A function of a condition or of whole numbers",
    "0.1 + 0.9 * yes": "Arithmetic on a condition alone gives float64",
    "yes * yes": "write (condition).astype(z.dtype) first",
    "-yes": "Arithmetic on a condition alone",
    "yes.sum(axis=0)": "write .astype(memo.dtype) first",
    "whole.sum()": "write .astype(memo.dtype) first",
    "np.exp(yes)": "write .astype(memo.dtype) first",
    "np.sqrt(rate)": "such as x ** 0.5 for the root",
    "np.sqrt(n)": "such as x ** 0.5 for the root",
    "np.maximum(n, 1)": "A NumPy function of a number that is no array",
    "np.zeros_like(whole)": "of whole numbers gives float64",
    "np.ones_like(yes)": "of a condition or of whole numbers",
    "rate > 0.5": "A comparison of the batch size or the learning rate",
    "np.where(yes, 1.0, 0.1)": "np.where of two numbers gives a float64 array",
    "np.where(yes, 1, 0)": "write (condition).astype(z.dtype) * a, plus b",
    "np.where(yes, rate, 0)": "np.where of two numbers",
    "np.where(x, x, 0)": "The first argument of np.where is a condition",
    "np.where(whole, x, 0)": "The first argument of np.where is a condition",
    "np.where(yes, whole[:, None], 0.5)": "A whole-number array meets",
    "np.where(yes)": "np.where of two numbers",
    "x & yes": "take conditions such as (z > 0)",
    "np.logical_not(x)": "take conditions such as (z > 0)",
    "~whole": "take conditions such as (z > 0)",
    "x[yes]": "for x[condition] write np.where(condition, x, 0)",
    "W[x]": "Rows are gathered by an array of whole numbers",
    "np.take(W, 1, axis=0)": "Rows are gathered by an array of whole numbers",
    "np.take_along_axis(x, yes, -1)": "Rows are gathered by an array of whole numbers",
    "ops.scatter_add(x, x, 3)": "Rows are gathered by an array of whole numbers",
    "ops.scatter_add(whole[:, None], whole, 3)": "of whole numbers gives float64",
    # shapes and axes
    "x + W": "Shapes (n, 3) and (3, 2) do not fit.",
    "x + x[:, :2]": "Shapes (n, 3) and (n, 2) do not fit.",
    "x.T + x": "Shapes (3, n) and (n, 3) do not fit.",
    "photo.sum(axis=1)": "A reduction over axis (1,) of 4 axes is not in the",
    "photo.max(axis=2)": "all between the first and the last, everything",
    "image.sum(axis=())": "A reduction over axis () of 3 axes",
    "x.sum(axis=())": "A reduction over axis () of 2 axes",
    "image.sum(axis=(0, 2))": "the last axis, all but the last, all but the first",
    "x.sum(axis=2)": "There is no axis 2 of 2 axes.",
    "x.mean(axis=-3)": "There is no axis -3 of 2 axes.",
    "x @ x": "(n, 3) @ (n, 3): the inner lengths differ.",
    "x @ row": "multiplies an array of two or more axes by a matrix",
    "image @ image": "multiplies an array of two or more axes by a matrix",
    "x @ 2.0": "multiplies an array of two or more axes by a matrix",
    "x.reshape(-1, -1)": "Only one axis of reshape may be -1.",
    "x.reshape(n, 4)": "(n, 3) cannot become (n, 4).",
    "x.reshape(3)": "(n, 3) cannot become (3,).",
    "row.reshape(n, -1)": "(3,) cannot become (n, -1).",
    "x.reshape(-1, 2)": "(n, 3) cannot become (-1, 2).",
    "x.reshape(0, -1)": "(n, 3) cannot become (0, -1).",
    "x.T @ x @ x.T": None,  # (3, n) is fine
    "(x @ x.T).reshape(-1)": "grows with the square of the batch size",
    "x.transpose(0)": "is no order of the axes of (n, 3)",
    "x.transpose(0, 0)": "is no order of the axes of (n, 3)",
    "x.transpose(0, 2)": "There is no axis 2 of 2 axes.",
    "x[1:]": "A part of the batch cannot be cut out in a layer.",
    "x[0]": "x[0] cannot be followed: the vocabulary has slices",
    "x[::-1]": "A part of the batch cannot be cut out in a layer.",
    "x[:, 3]": "There is no x[3] on an axis of 3",
    "x[:, -4]": "There is no x[-4] on an axis of 3",
    "x[:, 0, 0]": "3 indices are too many for (n, 3).",
    "x[:, True]": "x[True] cannot be followed",
    "x[:, 1.0]": "x[1.0] cannot be followed",
    "x[:, [0, 2]]": "x[[0, 2]] cannot be followed",
    "x[:, np.array([0, 2])]": "x[array([0, 2])] cannot be followed",
    "x[:, whole]": "cannot be followed: the vocabulary has slices",
    "np.concatenate([x, W], axis=1)": "cannot be joined along axis 1",
    "np.concatenate([x, row], axis=-1)": "cannot be joined along axis -1",
    "np.concatenate([x, x[:, 0]], axis=1)": "cannot be joined along axis 1",
    "np.concatenate([x, x])": "Batches cannot be joined in a layer.",
    "np.concatenate([x, x], axis=2)": "There is no axis 2 of 2 axes.",
    "np.pad(x, ((1, 0), (0, 0)))": "Rows cannot be added to the batch in a layer.",
    "np.pad(x, ((0, 0),))": "np.pad needs (before, after) for each axis of (n, 3).",
    "np.pad(x, 1)": "np.pad with these arguments is not in the vocabulary.",
    "np.pad(x, ((0, 0), (1, 1)), mode='edge')": "np.pad with these arguments",
    "np.take(W, whole)": "np.take with these arguments is not in the vocabulary.",
    "np.take(W, whole, axis=1)": "np.take gathers along axis 0 in the vocabulary.",
    "np.take_along_axis(x, whole[:, None], axis=0)": "picks along the last axis.",
    "np.take_along_axis(x, whole, axis=-1)": "got (n,)",
    "np.sum(x, axis=0, dtype=np.float64)": "np.sum with these arguments",
    "np.reshape(x, (n, 3), order='F')": "np.reshape with these arguments",
    "np.zeros_like(x, dtype=float)": "np.zeros_like with these arguments",
    "np.clip(x, None, 1.0)": "clip cannot take None",
    # convolution and pooling
    "ops.convolve(x, kernel, window)": "(n, height, width, channels); got (n, 3)",
    "ops.convolve(photo.transpose(1, 0, 2, 3), kernel, window)": "got (4, n, 5, 2)",
    "ops.convolve(photo, kernel[0], window)": "2, channels, filters); got (2, 2, 3)",
    "ops.convolve(photo, kernel[:, :1], window)": "got (2, 1, 2, 3)",
    "ops.convolve(photo, kernel[:, :, :1], window)": "images (n, 4, 5, 2) have 2 chan",
    "ops.convolve(photo, kernel[:, :, :1], window, 2)": "give a multiple of 2",
    "ops.convolve(photo[:, :1], kernel, window)": "2 x 2 pixels does not fit into an",
    "ops.convolve(photo, True, window)": "take arrays of floating-point numbers",
    "ops.convolve(photo > 0, kernel, window)": "write .astype(memo.dtype) first",
    "ops.convolve_back(photo, kernel, window, (5, 6))": "gives (n, 4, 5, 3); got (n, 4",
    "ops.convolve_back(photo, kernel[0], window, (5, 6))": "got (2, 2, 3)",
    "ops.convolve_weights(photo, photo, window)": "gives (n, 3, 4, 2); got (n, 4, 5",
    "ops.convolve_weights(photo, image, window)": "got (n, 2, 3)",
    "ops.max_windows(image, window)": "images (n, height, width, channels); got (n, 2",
    "ops.max_windows(photo[:, :1], window)": "does not fit into an image of 1 x 5.",
    "ops.max_windows_back(photo, photo, window)": "gives (n, 3, 4, 2); got (n, 4, 5",
    "ops.sum_windows(photo > 0, window)": "take arrays of floating-point numbers",
    "ops.spread_windows(photo, window, (4, 5))": "gives (n, 3, 4, 2); got (n, 4, 5",
}


@pytest.mark.parametrize("code", [code for code, told in REFUSED.items() if told])
def test_what_is_refused_says_why(code):
    with pytest.raises((SymbolError, ShapeError)) as told:
        eval(code, {"np": np, "ops": ops}, symbols())
    assert REFUSED[code] in str(told.value)


@pytest.mark.parametrize("code", [code for code, told in REFUSED.items() if not told])
def test_what_looks_like_it_is_not_refused(code):
    eval(code, {"np": np}, symbols())


@pytest.mark.parametrize(
    "code",
    [
        "rate * x",
        "x / n",
        "n * 2 - 1",
        "1 - rate ** 2",
        "0.9 ** rate",
        "x * (n / (n - 1))",
        "rate * n",
        "-rate + 1",
        "x / n ** 0.5",
        "abs(rate)",
    ],
)
def test_numbers_of_the_run_never_widen_arrays(code):
    given = {"x": np.ones((5, 3), dtype=np.float32), "rate": 0.1}
    names = symbols()
    result = eval(code, {"np": np}, names)
    assert result.kind == (FLOAT if "x" in code else NUMBER)
    trace = result.trace
    trace.outputs["y", ""] = result
    found = Program("p", trace).run(given, 5, np.dtype(np.float32))["y", ""]
    expected = eval(code, {"np": np}, given | {"n": 5})
    assert type(found) is (np.ndarray if "x" in code else float)
    assert (
        np.asarray(found).dtype == np.asarray(expected, np.asarray(found).dtype).dtype
    )
    assert np.array_equal(found, expected)


# ---- shapes, against NumPy


def noted(shape, trace):
    """Return a shape in which the batch size stands for N, and 2 N for twice it."""
    return tuple(Dim(trace, d // N) if d % N == 0 and d else d for d in shape)


def outcome(function, shapes):
    """Return the shape that a function of Symbols gives, or None where it refuses."""
    trace = Trace()
    inputs = [
        trace.leaf("x", str(i), noted(shape, trace)) for i, shape in enumerate(shapes)
    ]
    try:
        return concrete(function(*inputs).shape, N)
    except (ShapeError, SymbolError):
        return None


def numpy_outcome(function, shapes):
    """Return the shape that NumPy gives, or None where it refuses."""
    inputs = [np.broadcast_to(np.float32(0), shape) for shape in shapes]
    try:
        return function(*inputs).shape
    except (ValueError, IndexError):
        return None


lengths = st.sampled_from([1, 2, 3, N])
batches = st.lists(st.integers(1, 4), max_size=3).map(lambda rest: (N, *rest))
fixed = st.lists(st.integers(1, 4), min_size=1, max_size=4).map(tuple)
any_shape = st.one_of(batches, fixed)


@given(shapes=st.tuples(*[st.lists(lengths, max_size=4).map(tuple)] * 2))
def test_broadcasting(shapes):
    assert outcome(np.add, shapes) == numpy_outcome(np.add, shapes)


@given(shapes=st.tuples(*[st.lists(lengths, max_size=3).map(tuple)] * 3))
def test_broadcasting_of_three(shapes):
    def clip(x, low, high):
        return np.clip(x, low, high)

    assert outcome(clip, shapes) == numpy_outcome(clip, shapes)


axes = st.one_of(
    st.none(),
    st.integers(-5, 5),
    st.sets(st.integers(0, 4), min_size=1, max_size=4).map(tuple),
)


@given(shape=any_shape, axis=axes, keepdims=st.booleans())
def test_reductions(shape, axis, keepdims):
    def total(x):
        return np.sum(x, axis=axis, keepdims=keepdims)

    found, expected = outcome(total, [shape]), numpy_outcome(total, [shape])
    if expected is None:
        assert found is None
        return
    here = ops.axis_numbers(len(shape), axis)
    last = len(shape) - 1
    known = {tuple(range(last + 1)), tuple(range(last)), (last,)}
    known |= {tuple(range(1, last + 1)), tuple(range(1, last))}
    known -= {()}
    assert found == (expected if here in known else None)


@given(
    factors=st.lists(st.sampled_from([1, 2, 3]), min_size=1, max_size=4),
    others=st.lists(st.sampled_from([1, 2, 3, 6]), min_size=1, max_size=4),
    batch=st.booleans(),
    unknown=st.integers(0, 8),
)
def test_reshape(factors, others, batch, unknown):
    shape = (N, *factors) if batch else tuple(factors)
    new = [N, *others] if batch else list(others)
    if unknown < len(new):
        new[unknown] = -1

    def reshape(x):
        is_array = isinstance(x, np.ndarray)
        return x.reshape(*(new if is_array else noted(new, x.trace)))

    assert outcome(reshape, [shape]) == numpy_outcome(reshape, [shape])


@given(shape=any_shape, data=st.data())
def test_transpose(shape, data):
    order = data.draw(st.permutations(range(len(shape))))
    order = tuple(axis - len(shape) * data.draw(st.booleans()) for axis in order)

    def transpose(x):
        return x.transpose(*order)

    assert outcome(transpose, [shape]) == numpy_outcome(transpose, [shape])


slices = st.slices(4)
items = st.one_of(slices, st.integers(-5, 5), st.none(), st.just(Ellipsis))


@given(rest=st.lists(st.integers(1, 4), max_size=3), index=st.lists(items, max_size=4))
def test_slices(rest, index):
    index = (slice(None), *index)
    if sum(item is Ellipsis for item in index) > 1:
        return

    def cut(x):
        return x[index]

    assert outcome(cut, [(N, *rest)]) == numpy_outcome(cut, [(N, *rest)])


@given(
    shapes=st.lists(any_shape, min_size=1, max_size=3),
    axis=st.integers(-4, 4),
)
def test_concatenate(shapes, axis):
    def join(*inputs):
        return np.concatenate(inputs, axis=axis)

    found, expected = outcome(join, shapes), numpy_outcome(join, shapes)
    over_the_batch = expected is not None and N in [s[axis] for s in shapes]
    assert found == (None if over_the_batch else expected)


@given(shape=any_shape, data=st.data())
def test_pad(shape, data):
    pair = st.tuples(st.integers(0, 3), st.integers(0, 3))
    width = data.draw(st.lists(pair, min_size=len(shape), max_size=len(shape)))

    def pad(x):
        return np.pad(x, width)

    batch_grows = shape[0] == N and any(width[0])
    expected = numpy_outcome(pad, [shape])
    assert outcome(pad, [shape]) == (None if batch_grows else expected)


@given(
    left=st.lists(lengths, min_size=1, max_size=4),
    right=st.lists(lengths, min_size=1, max_size=3),
)
def test_matmul(left, right):
    found = outcome(np.matmul, [tuple(left), tuple(right)])
    if len(left) < 2 or len(right) != 2:
        assert found is None
    else:
        assert found == numpy_outcome(np.matmul, [tuple(left), tuple(right)])


# ---- counting, and functions of our own


def test_count_of_elements():
    trace = Trace()
    n = trace.batch
    assert ops.count((2, 3)) == (6, False)
    assert ops.count((n, 2, 3)) == (6, True)
    assert ops.count((n * 4, 3)) == (12, True)
    assert ops.count(()) == (1, False)
    assert ops.text((n, 3)) == "(n, 3)"
    assert ops.text((n * 2,)) == "(2n,)"
    assert ops.text(()) == "()"
    with pytest.raises(ShapeError, match="square of the batch size"):
        ops.count((n, n))


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_scatter_add_is_the_transpose_of_gathering(dtype):
    random = np.random.default_rng(0)
    table = random.normal(size=(4, 3)).astype(dtype)
    index = random.integers(0, 4, (5, 2))
    values = random.normal(size=(5, 2, 3)).astype(dtype)
    sums = ops.scatter_add(values, index, 4)
    assert sums.dtype == dtype
    assert (table[index] * values).sum() == pytest.approx(
        (table * sums).sum(), rel=1e-5
    )
    assert (
        ops.scatter_add(values, np.zeros((5, 2), int), 4)[1:].tolist() == [[0] * 3] * 3
    )


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_random_numbers_of_a_program_are_those_of_the_layers(dtype):
    trace = Trace()
    x = trace.leaf("x", "", (trace.batch, 3))
    trace.outputs["first", ""] = ops.note_uniform(trace, 0, x.shape) + 0.0 * x
    trace.outputs["second", ""] = ops.note_uniform(trace, 1, x.shape)
    program = Program("p", trace)
    given = {"x": np.zeros((5, 3), dtype), "seed": 11, "step": 4}
    found = program.run(given, 5, np.dtype(dtype))
    for place, stream in (("first", 0), ("second", 1)):
        values = found[place, ""]
        expected = rng.uniform(rng.step_key(11, 4, stream), (5, 3))
        assert values.dtype == dtype
        assert np.array_equal(values, expected)
    assert not np.array_equal(found["first", ""], found["second", ""])
    assert "uniform(seed, step, stream=1, shape=(n, 3))" in str(program)


def test_erf_of_a_symbol_and_of_numbers():
    trace = Trace()
    symbol = ops.erf(trace.leaf("x", "", (trace.batch,)))
    assert symbol.operation.name == "erf"
    assert ops.erf(np.array([0.5]))[0] == pytest.approx(math.erf(0.5), abs=1e-15)
