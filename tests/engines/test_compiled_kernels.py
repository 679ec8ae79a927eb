"""Kernels are Python: what is printed, and what it computes without being compiled."""

import re
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("numba", reason="the compiled engine needs Numba")

import compiled_cases as cases
from compiled_runs import Assembly, plain_function, plain_kernels, run_assembly

from pellucid import tracing
from pellucid.blueprint import build
from pellucid.engines.compiled import cache, library
from pellucid.engines.compiled.assemblies import _update_program
from pellucid.layers import BatchNorm, Dense, Dropout
from pellucid.layers.inputs import Input
from pellucid.losses import CrossEntropy, MeanSquaredError
from pellucid.optimizers import Adam, GradientDescent, Momentum
from pellucid.symbol import NUMBER

BLUEPRINTS = cases.blueprints()
OPTIMIZERS = cases.optimizers()
CLOSE = {"float64": 1e-11, "float32": 2e-5}
TYPES = pytest.mark.parametrize("dtype", CLOSE)


def bodies(program, dtype="float32", shared=None):
    kernels = Assembly(program, dtype, shared).kernels
    return [kernel.body for kernel in kernels if kernel is not None]


@TYPES
@pytest.mark.parametrize("name", BLUEPRINTS)
def test_training_in_plain_python_agrees_with_the_layers(name, dtype):
    blueprint = BLUEPRINTS[name]
    assembly = Assembly(tracing.training(blueprint), dtype)
    for n in (2, 5):
        given = cases.numbers_for(blueprint, n, dtype, seed=n)
        with plain_kernels() as functions:
            leaves = cases.leaves_for(blueprint, *given)
            found = run_assembly(assembly, leaves, n, functions=functions)
        wanted = cases.readable(blueprint, dtype, *given)
        assert found.keys() <= wanted.keys()
        wanted = {place: wanted[place] for place in found}
        assert not cases.far_apart(found, wanted, CLOSE[dtype])


@TYPES
@pytest.mark.parametrize("name", BLUEPRINTS)
def test_prediction_and_evaluation_in_plain_python_agree_with_the_programs(name, dtype):
    blueprint = BLUEPRINTS[name]
    given = cases.leaves_for(blueprint, *cases.numbers_for(blueprint, 3, dtype))
    for write in (tracing.prediction, tracing.evaluation):
        program = write(blueprint)
        with plain_kernels() as functions:
            assembly = Assembly(program, dtype)
            found = run_assembly(assembly, given, 3, functions=functions)
        wanted = program.run(given, 3, np.dtype(dtype))
        assert not cases.far_apart(found, wanted, CLOSE[dtype])


@TYPES
@pytest.mark.parametrize("name", OPTIMIZERS)
def test_updates_in_plain_python_agree_with_the_optimizers(name, dtype):
    optimizer = OPTIMIZERS[name]
    for frozen in (False, True):
        shared, program = update_of(optimizer, shards=2, frozen=frozen)
        assembly = Assembly(program, dtype, shared)
        given = update_numbers(optimizer, dtype)
        wanted = program.run(given, 1, np.dtype(dtype))
        with plain_kernels() as functions:
            found = run_assembly(assembly, given, 1, functions=functions, shared=shared)
        assert not cases.far_apart(found, wanted, CLOSE[dtype])


def update_of(optimizer, shards=1, frozen=False):
    blueprint = build((Dense(3), Dense(2)), MeanSquaredError(), Input(4))
    in_place = {("memory", name): ("memory", name) for name in optimizer.memories}
    in_place["new", "w"] = ("w", "")
    return in_place, _update_program(blueprint, optimizer, shards, frozen)


def update_numbers(optimizer, dtype, size=23):
    r = np.random.default_rng(1)
    return {
        "w": r.normal(size=size).astype(dtype),
        "g": {f"g{k}": r.normal(size=size).astype(dtype) for k in range(2)},
        "memory": {
            name: r.uniform(0.1, 1, size).astype(dtype) for name in optimizer.memories
        },
        "t": 3.0,
        "rate": 0.05,
        "trained": r.random(size) > 0.3,
        "decayed": r.random(size) > 0.5,
    }


# -- hand-written kernels --------------------------------------------------------------


def call(body, *operands, bits=64):
    places = [v.ctypes.data if isinstance(v, np.ndarray) else v for v in operands]
    with np.errstate(all="ignore"):
        plain_function(body, bits)(places)


@pytest.mark.parametrize("adds", [0, library.ADDS])
@pytest.mark.parametrize("turned", [0, library.TURNED])
def test_product(adds, turned):
    r = np.random.default_rng(0)
    x, y, before = (r.normal(size=s) for s in ((3, 5), (5, 2), (3, 2)))
    stored_x, stored_y = np.zeros((6, 7)), np.zeros((2, 6) if turned else (6, 3))
    stored_x[:5, 1:4] = x.T
    stored_y[: 2 if turned else 5, : 5 if turned else 2] = y.T if turned else y
    z = np.full((4, 3), 77.0)
    z[[3, 0, 2], :2] = before
    rows, columns, to = np.array([1, 2, 3]), 7 * np.arange(5), np.array([9, 0, 6])
    call(
        *(library.PRODUCT, 3, 2, 5, stored_x, rows, columns),
        *(stored_y, stored_y.shape[1], z, to, adds | turned),
    )
    np.testing.assert_allclose(z[[3, 0, 2], :2], x @ y + (before if adds else 0))
    assert (z[1] == 77).all()
    assert (z[:, 2] == 77).all()


def test_copies():
    x = np.arange(12.0).reshape(3, 4)
    z = np.zeros((3, 5))
    call(library.COPY, 3, 2, x.ctypes.data + 8, 4, z.ctypes.data + 16, 5)
    np.testing.assert_array_equal(z[:, 2:4], x[:, 1:3])
    assert not z[:, [0, 1, 4]].any()
    turned, kept = np.zeros((4, 3)), np.zeros((3, 4))
    call(library.TURN, 3, 4, x, 4, turned)
    call(library.KEEP, 3, 4, x, kept)
    np.testing.assert_array_equal(turned, x.T)
    np.testing.assert_array_equal(kept, x)
    part = np.full((2, 4), 9.0)
    call(library.TURN, 3, 2, x.ctypes.data + 8, 4, part.ctypes.data + 8)
    np.testing.assert_array_equal(part.ravel()[1:7].reshape(2, 3), x[:, 1:3].T)


def test_copies_of_images():
    images = np.arange(24.0).reshape(2, 3, 4)
    z = np.full((2, 5, 7), 9.0)
    inside = z.ctypes.data + 8 * (7 + 2)
    call(library.COPY_IMAGES, 2, 3, 4, images, 12, 4, inside, 35, 7)
    np.testing.assert_array_equal(z[:, 1:4, 2:6], images)
    z[:, 1:4, 2:6] = 9
    assert (z == 9).all()


def test_the_same_everywhere():
    z = np.arange(7.0)
    call(library.FILL, 1, 5, z.ctypes.data + 8, 0)
    np.testing.assert_array_equal(z, [0, 0, 0, 0, 0, 0, 6])
    call(library.FILL, 2, 2, z, 1)
    np.testing.assert_array_equal(z, [-np.inf] * 4 + [0, 0, 6])


@pytest.mark.parametrize("kind", ["floats", "integers"])
def test_rows_of_a_batch(kind):
    data = np.arange(20).reshape(10, 2)
    data = data.astype(float) if kind == "floats" else data
    order = np.random.default_rng(0).permutation(10)
    position, z = np.array([4]), np.zeros((3, 2), data.dtype)
    gather = library.GATHER.format(kind=kind)
    call(gather, 3, 2, data, order, position, 2, z)
    np.testing.assert_array_equal(z, data[order[6:9]])


def test_rows_of_a_table():
    table, index = np.arange(8.0).reshape(4, 2), np.array([3, 0, -1, 4, -5])
    z = np.zeros((5, 2))
    call(library.TAKE, 5, 2, table, index, z, 4)
    np.testing.assert_array_equal(z[:3], table[index[:3]])
    assert np.isnan(z[3:]).all()


def test_entries_of_rows():
    x, index = np.arange(8.0).reshape(2, 4), np.array([[3, 0, -1], [1, 4, -5]])
    z = np.zeros((2, 3))
    call(library.TAKE_ALONG, 2, 3, x, 4, index, z)
    np.testing.assert_array_equal(z, [[3, 0, 3], [5, np.nan, np.nan]])


def test_sums_of_rows():
    x, index = np.arange(6.0).reshape(3, 2), np.array([1, -1, 1])
    z = np.full((3, 2), 9.0)
    call(library.SCATTER_ADD, 3, 2, x, index, z, 3)
    np.testing.assert_array_equal(z, [[0, 0], [4, 6], [2, 3]])
    for wrong in (3, -4):
        call(library.SCATTER_ADD, 3, 2, x, np.array([1, wrong, 1]), z, 3)
        assert np.isnan(z).all()


def test_sums_of_shards():
    shards, z = np.arange(18.0).reshape(3, 2, 3), np.full((2, 3), np.nan)
    call(library.MEET, 2, 3, z, len(shards), *shards)
    np.testing.assert_array_equal(z, shards.sum(axis=0))


def test_whether_all_is_finite():
    x, z = np.array([1.0, -1e308, 1e308, 0.0]), np.full(1, 7.0)
    call(library.CHECK, 1, 4, x, z)
    assert z[0] == 0
    for bad in (np.nan, np.inf, -np.inf):
        call(library.CHECK, 1, 4, np.array([1.0, bad, 2.0, 3.0]), z)
        assert np.isnan(z[0])


def test_every_hand_written_kernel_is_tried():
    texts = {name: text for name, text in vars(library).items() if name.isupper()}
    written = {name for name in texts if isinstance(texts[name], str)}
    text = Path(__file__).read_text(encoding="utf-8")
    assert written
    assert {name for name in written if f"library.{name}" in text} == written


# -- texts -----------------------------------------------------------------------------

RELU_FORWARD = """\
def run(a):
    rows = a[0]
    columns = a[1]
    x0 = array(floats(a[2]), (rows, columns))
    x1 = array(floats(a[3]), columns)
    x2 = array(floats(a[4]), (rows, columns))
    for i in range(rows):
        for j in range(columns):
            t0 = (x0[i, j] + x1[j])
            t1 = (number(0) if t0 < number(0) else t0)
            x2[i, j] = t1
"""

MOMENTUM = """\
def run(a):
    rows = a[0]
    columns = a[1]
    x0 = array(floats(a[2]), (rows, columns))
    x1 = array(floats(a[3]), rows)
    c0 = reals(a[4])[0]
    nc0 = number(c0)
    x2 = array(floats(a[5]), (rows, columns))
    c1 = reals(a[6])[0]
    nc1 = number(c1)
    x3 = array(floats(a[7]), (rows, columns))
    for i in range(rows):
        t0 = number(0)
        for j in range(columns):
            t1 = (x0[i, j] * x0[i, j])
            v0 = t1
            t0 += v0
            t2 = (nc0 * x2[i, j])
            t3 = (t2 + x0[i, j])
            t4 = (nc1 * t3)
            t5 = (x3[i, j] - t4)
            x2[i, j] = t3
            x3[i, j] = t5
        x1[i] = t0
"""


def test_texts_are_stable():
    blueprint = build((Dense(3, "relu"), Dense(2)), MeanSquaredError(), Input(4))
    assert RELU_FORWARD in bodies(tracing.prediction(blueprint))
    shared, program = update_of(Momentum())
    assert bodies(program, shared=shared) == [MOMENTUM]


def test_a_vector_that_is_overwritten_has_one_name():
    # With two, the compiled loop would look whether they overlap, and they do.
    for optimizer in OPTIMIZERS.values():
        shared, program = update_of(optimizer, frozen=True)
        (kernel,) = Assembly(program, "float32", shared).kernels
        arrays = [operand for operand in kernel.operands if operand.kind == "array"]
        masks = 2 if "conditions" in kernel.body else 0
        given = {"w", "norm", "g", *optimizer.memories}
        assert len(arrays) <= len(given) + masks


def files_of(layers, loss, inputs, seed=0):
    """Return the file names of a network's kernels, in the order of use."""
    blueprint = build(layers, loss, Input(inputs))
    programs = (tracing.prediction(blueprint), tracing.training(blueprint))
    found = [body for program in programs for body in bodies(program)]
    return [cache.name_of(body, 32) for body in found]


def test_equal_formulas_are_one_file_in_every_network():
    small = files_of(
        (Dense(3, "gelu"), BatchNorm(), Dropout(0.2), Dense(4)), CrossEntropy(), 2
    )
    other = (
        Dense(7, "gelu", name="first"),
        BatchNorm(0.7, 1e-3),
        Dropout(0.3),
        Dense(9, name="second"),
    )
    assert files_of(other, CrossEntropy(), 11) == small
    deep = files_of(tuple(Dense(5, "gelu") for _ in range(6)), MeanSquaredError(), 3)
    assert len(set(deep)) < len(deep) / 2
    assert cache.name_of(RELU_FORWARD, 32) != cache.name_of(RELU_FORWARD, 64)


def test_no_size_rate_or_seed_is_in_a_text():
    layers = (Dense(37, "tanh"), Dropout(0.137), Dense(41))
    blueprint = build(layers, CrossEntropy(label_smoothing=0.173), Input(43))
    texts = bodies(tracing.training(blueprint))
    for optimizer in (Adam(0.0137, 0.73, 0.93, 1e-7, l2=0.0193), GradientDescent(17)):
        shared, program = update_of(optimizer)
        texts += bodies(program, shared=shared)
    for text in texts:
        numbers = re.findall(r"(?<![\w.])\d+\.?\d*(?:e-?\d+)?(?![\w.])", text)
        places = re.findall(r"\ba\[(\d+)\]", text)
        for place in places:
            numbers.remove(place)
        assert set(numbers) <= {*"01234", "0.5", "0.25", "0.0", "1.0"}


def test_writing_down_twice_gives_the_same_texts():
    for blueprint in list(BLUEPRINTS.values())[::5]:
        once = bodies(tracing.training(blueprint))
        assert bodies(tracing.training(blueprint)) == once


def test_a_file_says_which_formula_it_is():
    blueprint = build((Dense(3, "relu"), Dense(2)), MeanSquaredError(), Input(4))
    assembly = Assembly(tracing.training(blueprint), "float32")
    kernels = [kernel for kernel in assembly.kernels if kernel is not None]
    text = cache.text_of(kernels[0].body, 32, kernels[0].note)
    assert "# dense_1.z = t1 + dense_1.b  (dense_1)\n" in text
    assert text.endswith(kernels[0].body)
    compile(text, "kernel", "exec")


def test_scalars_are_computed_in_float64():
    # 1 - 0.999 ** 1 in float32 is wrong in the fifth digit.
    shared, program = update_of(Adam())
    (body,) = bodies(program, shared=shared)
    assert re.search(
        r"s0 = \(c\d \*\* c\d\)\n +s1 = \(1.0 - s0\)\n +ns1 = number\(s1\)", body
    )
    numbers = [leaf for leaf in program.leaves if leaf.kind == NUMBER]
    assert {leaf.settings["vector"] for leaf in numbers} == {"t", "rate"}
