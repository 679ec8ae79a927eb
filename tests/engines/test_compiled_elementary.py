"""The engine's own elementary functions, and every operation at its limits."""

import ctypes
import math
import re
from importlib import import_module

import numpy as np
import pytest

pytest.importorskip("numba", reason="the compiled engine needs Numba")

from compiled_runs import Assembly, run_assembly

from pellucid import special
from pellucid.engines.compiled import cache, elementary
from pellucid.ops import VOCABULARY, erf
from pellucid.program import Program
from pellucid.symbol import Trace

TYPES = pytest.mark.parametrize("dtype", ["float32", "float64"])
TRUTH = {name: getattr(np, name) for name in ("exp", "expm1", "log", "log1p", "tanh")}
TRUTH["erf"] = special.erf
FUNCTIONS = pytest.mark.parametrize("name", TRUTH)
PLENTY = 200_000

KERNEL = """def run(a):
    size = a[0] * a[1]
    x = array(floats(a[2]), size)
    z = array(floats(a[3]), size)
    for i in range(size):
        z[i] = {name}(x[i])
"""
# As an activation is printed: with a bias, limits, and what is kept for backward.
CHAIN = """def run(a):
    rows, columns = a[0], a[1]
    x = array(floats(a[2]), (rows, columns))
    b = array(floats(a[3]), columns)
    y = array(floats(a[4]), (rows, columns))
    z = array(floats(a[5]), (rows, columns))
    for i in range(rows):
        for j in range(columns):
            s = x[i, j] + b[j]
            t = {name}(number(7) if s > number(7) else s)
            y[i, j] = t
            z[i, j] = s * (number(0.5) + number(0.5) * t)
"""
wide = pytest.mark.skipif(
    np.finfo(np.longdouble).nmant < 63, reason="long doubles are too short to compare"
)


def computed(name, x):
    """Return a function of numbers, as a kernel computes it."""
    x = np.ascontiguousarray(x)
    z = np.empty_like(x)
    address = cache.load(KERNEL.format(name=name), 8 * x.dtype.itemsize)
    row = np.array([1, x.size, x.ctypes.data, z.ctypes.data], dtype=np.int64)
    ctypes.CFUNCTYPE(None, ctypes.c_void_p)(address)(row.ctypes.data)
    return z


def wide_erf(x):
    """Return erf to 60 bits: a series without a subtraction."""
    size = np.minimum(np.abs(x), np.longdouble(7))
    term, total = size.copy(), size.copy()
    for k in range(1, 300):
        term = term * (2 * size * size / (2 * k + 1))
        total += term
    root = np.sqrt(4 * np.arctan(np.longdouble(1)))
    return np.copysign(2 / root * np.exp(-size * size) * total, x)


def bounds():
    """Return the errors that the module's table promises, by name and dtype."""
    rows = [line.split() for line in elementary.__doc__.splitlines()]
    names = next(row[1:] for row in rows if row[:1] == ["function"])
    return {
        (name, row[0]): float(bound)
        for row in rows
        if row and re.fullmatch(r"float\d+", row[0])
        for name, bound in zip(names, row[1:], strict=True)
    }


def arguments(name, dtype):
    """Return numbers to try: everywhere in the range, and close to 0 and 1."""
    r = np.random.default_rng(7)
    whole = np.int32 if dtype == "float32" else np.int64
    far = 112 if dtype == "float32" else 760
    limits = {"erf": 7, "tanh": 25, "log": 9, "log1p": 9}.get(name, far)
    least = {"log": 0, "log1p": -1}.get(name, -limits)
    info = np.iinfo(whole)
    anything = r.integers(info.min, info.max, PLENTY, dtype=whole).view(dtype)
    x = np.concatenate(
        [
            anything[np.isfinite(anything)],
            r.uniform(least, limits, PLENTY),
            r.choice([-1, 1], PLENTY) * 10.0 ** r.uniform(-9, 0.5, PLENTY),
            1 + r.normal(size=PLENTY) * 10.0 ** r.uniform(-8, -0.5, PLENTY),
        ]
    ).astype(dtype)
    x = np.abs(x) if name == "log" else x
    return x[(x >= least) & (x != 0)]


@wide
@TYPES
@FUNCTIONS
def test_errors_are_as_small_as_promised(name, dtype):
    x = arguments(name, dtype)
    x = x[::10] if name == "erf" else x  # whose truth is slow
    found = computed(name, x)
    with np.errstate(all="ignore"):
        truth = (wide_erf if name == "erf" else TRUTH[name])(x.astype(np.longdouble))
        rounded = truth.astype(dtype)
    outside = ~np.isfinite(rounded)
    np.testing.assert_array_equal(found[outside], rounded[outside])
    inside = ~outside
    unit = np.spacing(np.abs(rounded[inside])).astype(np.longdouble)
    errors = np.abs(found[inside] - truth[inside]) / unit
    worst = int(errors.argmax())
    told = f"{errors[worst]:.2f} units at {x[inside][worst]!r}"
    assert errors[worst] <= bounds()[name, dtype], told
    assert np.sqrt((errors**2).mean()) < 0.9


@TYPES
@FUNCTIONS
def test_limits(name, dtype):
    info = np.finfo(dtype)
    x = [0.0, -0.0, np.inf, -np.inf, np.nan, info.max, -info.max, 1.0, -1.0, 2.0]
    x += [info.tiny, -info.tiny, info.smallest_subnormal, info.tiny / 8, info.eps]
    top = math.log(info.max)
    x += [top, top * (1 - info.eps), top * (1 + 4 * info.eps), -top, 2 * -top]
    x = np.array(x, dtype=dtype)
    found = computed(name, x)
    with np.errstate(all="ignore"):
        wanted = TRUTH[name](x.astype(np.longdouble) if name != "erf" else x)
        wanted = wanted.astype(dtype)
    near = 4 * top * info.eps  # what an ulp more or less in x means for exp(x)
    np.testing.assert_allclose(found, wanted, rtol=near, atol=info.tiny)
    if name in ("tanh", "erf"):
        assert np.signbit(found[1])


@TYPES
def test_values_stay_in_their_range(dtype):
    x = np.linspace(-40, 40, 100_001).astype(dtype)
    assert (np.abs(computed("tanh", x)) <= 1).all()
    assert (np.abs(computed("erf", x)) <= 1 + 2 * np.finfo(dtype).eps).all()
    assert (computed("exp", x) > 0).all()
    assert (computed("expm1", x) >= -1).all()
    for name in ("tanh", "erf"):
        np.testing.assert_array_equal(computed(name, -x), -computed(name, x))


@TYPES
def test_a_place_in_the_array_changes_nothing(dtype):
    # The middle of a vector, its rest, and a loop of one.
    x = np.random.default_rng(0).normal(size=67).astype(dtype)
    for name in TRUTH:
        together = computed(name, x)
        alone = [computed(name, x[i : i + 1])[0] for i in range(len(x))]
        np.testing.assert_allclose(alone, together, rtol=4 * np.finfo(dtype).eps)


@TYPES
@FUNCTIONS
@pytest.mark.parametrize("text", [KERNEL, CHAIN], ids=["alone", "in a chain"])
def test_loops_become_vector_code(text, name, dtype):
    from numba import cfunc

    from pellucid.engines.compiled.runtime import FLAGS, SIGNATURE

    bits = int(dtype[-2:])
    names = dict(vars(import_module(f"pellucid.engines.compiled.words{bits}")))
    exec(text.format(name=name), names)
    made = cfunc(SIGNATURE, fastmath=FLAGS, error_model="numpy")(names["run"])
    kind = {"float32": "float", "float64": "double"}[dtype]
    vectors = re.findall(rf"= fmul [a-z ]*<\d+ x {kind}>", made.inspect_llvm())
    assert len(vectors) >= 3


# -- every operation -------------------------------------------------------------------

OPERATIONS = {
    "add": lambda x, y: x + y,
    "subtract": lambda x, y: x - y,
    "multiply": lambda x, y: x * y,
    "divide": lambda x, y: x / y,
    "negative": lambda x, y: -x,
    "absolute": lambda x, y: np.abs(x),
    "square": lambda x, y: np.square(x),
    "reciprocal": lambda x, y: np.reciprocal(x),
    "sqrt": lambda x, y: np.sqrt(x),
    "exp": lambda x, y: np.exp(x),
    "expm1": lambda x, y: np.expm1(x),
    "log": lambda x, y: np.log(x),
    "log1p": lambda x, y: np.log1p(x),
    "tanh": lambda x, y: np.tanh(x),
    "erf": lambda x, y: erf(x),
    "sin": lambda x, y: np.sin(x),
    "cos": lambda x, y: np.cos(x),
    "floor": lambda x, y: np.floor(x),
    "sign": lambda x, y: np.sign(x),
    "maximum": lambda x, y: np.maximum(x, y),
    "minimum": lambda x, y: np.minimum(x, y),
    "maximum of a number": lambda x, y: np.maximum(x, 0.0),
    "minimum of a number": lambda x, y: np.minimum(0.3, x),
    "clip": lambda x, y: np.clip(x, -1.0, 1.0),
    "clip from": lambda x, y: np.clip(x, y, 1.0),
    "clip to": lambda x, y: np.clip(x, -1.0, y),
    "where": lambda x, y: np.where(x > 0, x, y),
    "where of a condition": lambda x, y: np.where(x > 0, y, x > y),
    "greater": lambda x, y: (x > y).astype(x.dtype),
    "greater_equal": lambda x, y: (x >= y).astype(x.dtype),
    "less": lambda x, y: (x < y).astype(x.dtype),
    "less_equal": lambda x, y: (x <= y).astype(x.dtype),
    "equal": lambda x, y: (x == y).astype(x.dtype),
    "not_equal": lambda x, y: (x != y).astype(x.dtype),
    "logical_and": lambda x, y: ((x > 0) & (y > 0)).astype(x.dtype),
    "logical_or": lambda x, y: ((x > 0) | (y > 0)).astype(x.dtype),
    "logical_not": lambda x, y: (~(x > 0)).astype(x.dtype),
    "astype": lambda x, y: x.astype(x.dtype),
    "full_like": lambda x, y: np.full_like(x, 0.7),
    "power": lambda x, y: np.abs(x) ** y,
    "power 2": lambda x, y: x**2,
    "power 3": lambda x, y: x**3,
    "power 0.5": lambda x, y: x**0.5,
    "power -1": lambda x, y: x**-1,
    "power 1.7": lambda x, y: x**1.7,
}
REDUCTIONS = {
    f"{function.__name__} {axis}": lambda x, f=function, axis=axis: f(x, axis=axis)
    for function in (np.max, np.min, np.sum, np.mean)
    for axis in (-1, 0, None)
}


def special_numbers(dtype, columns):
    info = np.finfo(dtype)
    each = [0.0, -0.0, 1.0, -1.0, 0.5, 2.0, 3.0, -2.5, np.inf, -np.inf, np.nan]
    each += [info.max, -info.max, info.tiny, -info.tiny, info.smallest_subnormal]
    each += [info.tiny / 4, 1e-30, 1e30, info.eps, 88.0, -88.0, 100.0, -700.0, 1e10]
    x, y = (grid.ravel() for grid in np.meshgrid(each, each))
    rows = -(-len(x) // columns)
    return [np.resize(v, (rows, columns)).astype(dtype) for v in (x, y)]


@TYPES
def test_operations_at_their_limits(dtype):
    trace = Trace()
    x, y = (trace.leaf("x", name, (trace.batch, 8)) for name in "ab")
    for name, function in OPERATIONS.items():
        trace.outputs["out", name] = function(x, y)
    compare(Program("operations", trace), dtype)


@TYPES
def test_reductions_keep_what_is_not_finite(dtype):
    for columns in (1, 8):
        trace = Trace()
        x = trace.leaf("x", "a", (trace.batch, columns))
        for name, function in REDUCTIONS.items():
            trace.outputs["out", name] = function(x)
        compare(Program("reductions", trace), dtype, columns)


def compare(program, dtype, columns=8):
    a, b = special_numbers(dtype, columns)
    given = {"x": {"a": a, "b": b}}
    assembly = Assembly(program, dtype)
    found = run_assembly(assembly, given, len(a))
    with np.errstate(all="ignore"):
        wanted = program.run(given, len(a), np.dtype(dtype))
        for place, value in wanted.items():
            same = (found[place] == value) | (np.isnan(found[place]) & np.isnan(value))
            close = np.abs(found[place] - value) <= 8 * np.spacing(np.abs(value))
            wrong = np.argwhere(~(same | close))
            assert not len(wrong), (place, a[tuple(wrong[0])], b[tuple(wrong[0])])


def test_every_elementwise_operation_is_tried():
    rows = {row.name for row in VOCABULARY.values() if row.group == "elementwise"}
    tried = {name.partition(" ")[0] for name in OPERATIONS}
    assert rows - {"positive"} == tried
