"""Symbols: how they behave like arrays, and what they refuse with which words."""

import math
import operator

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pellucid.errors import ShapeError, SymbolError
from pellucid.program import Program
from pellucid.symbol import BOOL, DTYPE, FLOAT, INTEGER, NUMBER, Dim, Symbol, Trace


@pytest.fixture
def trace():
    return Trace()


@pytest.fixture
def x(trace):
    return trace.leaf("x", "", (trace.batch, 3))


# ---- the batch size


def run(result, n):
    result.trace.outputs["y", ""] = result
    return Program("p", result.trace).run({}, n, np.dtype(np.float32))["y", ""]


@given(factor=st.integers(1, 6), n=st.integers(1, 50))
def test_a_length_in_arithmetic_is_a_formula(factor, n):
    trace = Trace()
    length, number = trace.batch * factor, factor * n
    for operation in (
        lambda v: v + 1,
        lambda v: 2 + v,
        lambda v: v - 3,
        lambda v: 3 - v,
        lambda v: v / 2,
        lambda v: 1 / v,
        lambda v: v * 0.5,
        lambda v: 0.5 * v,
        lambda v: v**2,
        lambda v: v**-0.5,
        lambda v: v / (v + 1),
    ):
        result = operation(length)
        assert isinstance(result, Symbol)
        assert result.kind == NUMBER
        found = run(result, n)
        assert type(found) is float
        assert found == pytest.approx(operation(number), rel=1e-15)


def test_a_length_times_a_whole_number_stays_a_length(trace):
    n = trace.batch
    assert isinstance(n * 2, Dim)
    assert 2 * n == n * 2
    assert n * 6 // 3 == n * 2
    assert n == trace.batch
    assert n != n * 2
    assert n != 1
    assert hash(n) == hash(trace.batch)
    assert (repr(n), repr(n * 3)) == ("n", "3n")


def test_a_length_that_cannot_be_cut(trace):
    with pytest.raises(ShapeError, match="3 times the batch size is not 2 rows each"):
        (trace.batch * 3) // 2
    with pytest.raises(ShapeError, match=r"not 2\.0 rows each"):
        trace.batch // 2.0


@pytest.mark.parametrize(
    "ask",
    [
        range,
        int,
        float,
        bool,
        math.sqrt,
        operator.index,
        lambda n: np.zeros((n, 3)),
        lambda n: np.full((n, 3), 2.0),
        lambda n: [0] * n if n else [],
        lambda n: n > 1,
        lambda n: n <= 1,
    ],
)
def test_the_batch_size_is_not_known(trace, ask):
    with pytest.raises(SymbolError) as told:
        ask(trace.batch)
    assert "The batch size is not known" in str(told.value)
    assert "np.zeros_like(x) for zeros" in str(told.value)


def test_what_numpy_makes_of_a_length_is_refused_too(trace):
    with pytest.raises(SymbolError, match=r"batch size|cannot be followed"):
        np.arange(trace.batch)
    with pytest.raises(TypeError, match="got 'n'"):
        np.zeros(trace.batch)


# ---- traces


def test_a_leaf_is_given_once(trace):
    one = trace.leaf("w", "dense_1.W", (3, 2))
    assert trace.leaf("w", "dense_1.W", (3, 2)) is one
    assert trace.leaf("w", "dense_1.b", (2,)) is not one
    assert [node.id for node in trace.nodes] == [0, 1]


def test_equal_calls_are_one(trace, x):
    assert np.exp(x) is np.exp(x)
    assert x.sum(axis=1) is x.sum(axis=-1)
    assert x[:, 1:] is x[:, 1:]
    assert x * 2.0 is x * 2.0
    assert x + 1 is x + 1


def test_equal_calls_of_two_layers_are_two_where_they_are_to_be_apart(trace, x):
    trace.apart = True
    outside = np.exp(x)
    trace.layer = "first"
    assert np.exp(x) is outside
    first = np.tanh(x)
    assert np.tanh(x) is first
    trace.layer = "second"
    second = np.tanh(x)
    assert second is not first
    assert np.tanh(x) is second
    trace.layer = ""
    assert np.tanh(x) is first


def test_calls_that_differ_are_not_one(trace, x):
    different = [x * 2.0, x * 2, x * -2.0, x * 0.0, x * -0.0, 2.0 * x, x * True]
    different += [x + 2.0, x[:, 1:], x[:, :1], x[:, ::2], x[:, ::-1], x[:, 1]]
    different += [x.sum(axis=0), x.sum(axis=1), x.sum(axis=1, keepdims=True), x.sum()]
    assert len({symbol.id for symbol in different}) == len(different)


def test_constants_are_whole_numbers_that_are_named_by_their_values(trace, x):
    hot = np.arange(3) == trace.leaf("y", "", (trace.batch,), INTEGER)[:, None]
    assert hot.kind == BOOL
    constant = trace.constant(np.arange(3))
    assert constant is trace.constant(np.arange(3))
    assert constant is not trace.constant(np.arange(3)[:, None])
    assert constant.settings["name"] == "[0, 1, 2]"


def test_every_node_knows_its_layer(trace, x):
    trace.layer = "dense_1"
    assert (x + 1).layer == "dense_1"
    assert x.layer == ""


def test_values_of_another_pass_are_refused(x):
    other = Trace()
    foreign = other.leaf("x", "", (other.batch, 3))
    with pytest.raises(SymbolError, match=r"from another pass.*keeps what it needs in"):
        x + foreign


# ---- what looks like an array


def test_attributes_of_arrays(trace, x):
    assert x.shape == (trace.batch, 3)
    assert (x.ndim, x.T.shape) == (2, (3, trace.batch))
    assert x.dtype is DTYPE
    assert repr(x.dtype) == "dtype"
    assert x.kind == FLOAT
    assert repr(x + 1) == "<Symbol add (n, 3) float>"
    assert len({x, x + 1, x + 1}) == 2
    assert (x > 0).astype(x.dtype).kind == FLOAT


def test_operations_on_the_left_and_on_the_right(x):
    pairs = [(x + 1, "add"), (1 + x, "add"), (1 - x, "subtract"), (2 / x, "divide")]
    pairs += [(2**x, "power"), (abs(x), "absolute"), (-x, "negative")]
    assert [symbol.operation.name for symbol, _ in pairs] == [name for _, name in pairs]
    assert (1 - x).inputs == (1, x)


# ---- what cannot be followed


def in_place(symbol, operation):
    """Do ``symbol += 1`` and the like."""
    return operation(symbol, 1.0)


IN_PLACE = [operator.iadd, operator.isub, operator.imul, operator.itruediv]
IN_PLACE += [operator.ipow, operator.ifloordiv]


@pytest.mark.parametrize("operation", IN_PLACE, ids=lambda f: f.__name__)
def test_changes_in_place(x, operation):
    with pytest.raises(SymbolError, match=r"would change memo in place: write x = x"):
        operation(x, 1.0)


REFUSED = [  # what is done with x, and what the error says
    (lambda x: np.sqrt(2.0) * x, "math.sqrt(2) instead of np.sqrt(2)"),
    (lambda x: x * np.sqrt(2.0), "use Python numbers"),
    (lambda x: np.float64(2) * x, "got the NumPy number np.float64(2.0)"),
    (lambda x: np.float32(2) + x, "got the NumPy number np.float32(2.0)"),
    (lambda x: np.int64(2) * x, "got the NumPy number np.int64(2)"),
    (lambda x: np.bool_(True) * x, "got the NumPy number np.True_"),
    (lambda x: np.clip(x, 0, np.float64(1)), "which would make float32 arrays float64"),
    (lambda x: np.ones(3) * x, "got a fixed array of float64"),
    (lambda x: x + np.ones(3, np.float32), "or slots that are not trained"),
    (lambda x: np.array([True, False, True]) * x, "got a fixed array of bool"),
    (lambda x: np.arange(3.0) * x, "got a fixed array of float64"),
    (lambda x: x * [1.0, 2.0, 3.0], "cannot take [1.0, 2.0, 3.0]"),
    (lambda x: x + None, "cannot take None"),
    (lambda x: x * 1j, "cannot take 1j"),
    (lambda x: x @ [[1.0], [2.0], [3.0]], "matmul cannot take"),
    (lambda x: x == None, "decide by the layer's settings"),  # noqa: E711
    (lambda x: x != None, "compared with None"),  # noqa: E711
    (lambda x: x == "relu", "compared with 'relu'"),
    (bool, "np.where(condition, a, b)"),
    (lambda x: x > 0 and x < 1, "np.where(condition, a, b)"),
    (lambda x: not x, "np.where(condition, a, b)"),
    (lambda x: max(x, 0), "np.maximum"),
    (lambda x: 0 < x < 1, "np.where(condition, a, b)"),
    (lambda x: x if x.sum() > 0 else -x, "np.where(condition, a, b)"),
    (float, "np.sqrt(x), or x ** 0.5"),
    (int, "write the NumPy function"),
    (complex, "write the NumPy function"),
    (round, "write the NumPy function"),
    (math.sqrt, "np.sqrt(x), or x ** 0.5"),
    (math.exp, "write the NumPy function"),
    (lambda x: [1, 2, 3][x], "write whole-array formulas instead"),
    (len, "write x.shape[0]"),
    (list, "write one formula for all rows"),
    (lambda x: [row + 1 for row in x], "write one formula for all rows"),
    (lambda x: dict(zip("ab", x, strict=True)), "write one formula for all rows"),
    (sum, "write one formula for all rows"),
    (lambda x: 1.0 in x, "write (x == value) and np.where"),
    (lambda x: x.copy(), "use x itself"),
    (lambda x: x.var(axis=0), "centred = x - x.mean(axis=0)"),
    (lambda x: x.std(), "the root of the mean square"),
    (lambda x: x.dot(x), "write x @ y"),
    (lambda x: x.item(), "np.where(condition, a, b)"),
    (lambda x: x.tolist(), "np.where(condition, a, b)"),
    (lambda x: x.fill(0.0), "write np.full_like(x, value)"),
    (lambda x: x.clip(0, 1), "write np.clip(x, low, high)"),
    (lambda x: x.ravel(), "write x.reshape(x.shape[0], -1)"),
    (lambda x: x.flatten(), "write x.reshape(x.shape[0], -1)"),
    (lambda x: x.cumsum(axis=1), "x.cumsum is not in the vocabulary"),
    (lambda x: x.argmax(axis=1), "x.argmax is not in the vocabulary"),
    (lambda x: x.size, "x.size is not in the vocabulary"),
    (lambda x: operator.setitem(x, x < 0, 0.0), "np.where(condition, value, x)"),
    (lambda x: operator.setitem(x, 0, 1.0), "changes an array in place"),
    (lambda x: x.astype(np.float64), "write .astype(memo.dtype) or .astype(z.dtype)"),
    (lambda x: x.astype("float32"), "a network has one dtype"),
    (np.asarray, "use the vocabulary of pellucid.ops on x itself"),
    (np.array, "use the vocabulary of pellucid.ops on x itself"),
    (lambda x: np.add(x, x, out=np.zeros((2, 3))), "write x = x + y"),
    (lambda x: np.add(x, 1.0, out=x), "write x = x + y"),
    (lambda x: np.add.reduce(x), "np.add.reduce cannot be followed: write the plain"),
    (lambda x: np.maximum.reduce(x, axis=1), "np.maximum.reduce cannot be followed"),
    (lambda x: np.multiply.outer(x, x), "np.multiply.outer cannot be followed"),
    (lambda x: np.add.at(x, 0, 1.0), "np.add.at cannot be followed"),
    (lambda x: np.maximum(x, 0.0, where=x > 0), "np.maximum with where= cannot be"),
    (lambda x: np.add(x, x, dtype=np.float64), "np.add with dtype= cannot be followed"),
    (lambda x: np.dot(x, x), "np.dot cannot be followed: write x @ y"),
    (lambda x: np.var(x, axis=0), "write np.square(x - x.mean(axis=0)).mean(axis=0)"),
    (lambda x: np.std(x, axis=0), "write np.sqrt(np.square(x - x.mean(axis=0)).mean("),
    (np.cumsum, "write np.concatenate([x[:, : i + 1].sum(axis=1, keepdims=True) for"),
    (lambda x: np.einsum("ij->i", x), "write x @ y, with np.transpose and reshape"),
    (np.sinh, "np.sinh cannot be followed: write 0.5 * (np.expm1(x) - np.expm1(-x))."),
    (np.argmax, "write (x == x.max(axis=-1, keepdims=True)).astype(x.dtype)"),
    (np.spacing, "write it with what is there, such as np.exp, np.where and np.sum"),
    (lambda x: f"{x:.3f}", "f'{x:.3f}' needs numbers, and there are none while a net"),
    (lambda x: f"{x:>9}", "print(x) shows what x is, net.activations(...) the numbers"),
    (lambda x: x.cumsum(axis=1), "pellucid.ops): write np.concatenate([x[:, : i + 1]"),
    (np.copy, "results are new arrays anyway"),
    (np.sort, "np.max and np.min are all there is of order"),
    (np.sort, "The vocabulary of layers is the table in pellucid.ops"),
    (np.isnan, "np.isnan cannot be followed"),
    (lambda x: x % 2, "np.remainder cannot be followed"),
    (lambda x: x // 2, "np.floor_divide cannot be followed"),
    (lambda x: divmod(x, 2), "np.divmod cannot be followed"),
    (lambda x: np.stack([x, x]), "np.stack cannot be followed"),
    (lambda x: np.linalg.norm(x), "np.norm cannot be followed"),
    (lambda x: np.mean(x, axis=0, dtype=np.float64), "np.mean with these arguments"),
    (
        lambda x: np.mean(x, where=x > 0),
        "Here it takes (x, axis=None, keepdims=False).",
    ),
]


@pytest.mark.parametrize(
    ("do", "told"), [pytest.param(*row, id=row[1]) for row in REFUSED]
)
def test_what_cannot_be_followed_says_what_to_write(x, do, told):
    with pytest.raises(SymbolError) as error:
        do(x)
    assert told in str(error.value)


def test_special_methods_that_are_not_there_are_missing_as_for_any_object(x):
    assert not hasattr(x, "__array_interface__")
    assert not hasattr(x, "__fspath__")
    with pytest.raises(SymbolError, match="not in the vocabulary"):
        x.no_such_thing  # noqa: B018
