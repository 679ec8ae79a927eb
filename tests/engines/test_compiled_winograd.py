"""Convolution by tiles: its transforms, its accuracy, and when it is taken."""

from functools import reduce

import numpy as np
import pytest

pytest.importorskip("numba", reason="the compiled engine needs Numba")

from compiled_runs import Assembly, plain_kernels, program_of, run_formulas

from pellucid import ops
from pellucid.convolution import Window, convolve
from pellucid.engines.compiled.convolution import choice, halved
from pellucid.engines.compiled.convolution.transforms import (
    FILTER,
    INPUT,
    OUTPUT,
    adjoint,
    both_sides,
    constants,
)

# Lavin and Gray, "Fast Algorithms for Convolutional Neural Networks", section 4.3.
B_T = [
    [4, 0, -5, 0, 1, 0],
    [0, -4, -4, 1, 1, 0],
    [0, 4, -4, -1, 1, 0],
    [0, -2, -1, 2, 1, 0],
    [0, 2, -1, -2, 1, 0],
    [0, 4, 0, -5, 0, 1],
]
G = [
    [1 / 4, 0, 0],
    [-1 / 6, -1 / 6, -1 / 6],
    [-1 / 6, 1 / 6, -1 / 6],
    [1 / 24, 1 / 12, 1 / 6],
    [1 / 24, -1 / 12, 1 / 6],
    [0, 0, 1],
]
A_T = [
    [1, 1, 1, 1, 1, 0],
    [0, 1, -1, 2, -2, 0],
    [0, 1, 1, 4, 4, 0],
    [0, 1, -1, 8, -8, 1],
]
TRANSFORMS = {"input": (INPUT, B_T), "filter": (FILTER, G), "output": (OUTPUT, A_T)}
every_transform = pytest.mark.parametrize("name", TRANSFORMS)


def product(steps):
    return reduce(lambda before, step: step @ before, steps)


TILED, DIRECT = set(choice.TILED.values()), set(choice.DIRECT.values())


# -- transforms ------------------------------------------------------------------------


@every_transform
def test_the_steps_make_up_the_matrices_of_the_paper(name):
    steps, matrix = TRANSFORMS[name]
    np.testing.assert_allclose(product(steps), matrix, rtol=0, atol=1e-16)


@every_transform
def test_the_adjoint_is_the_transpose(name):
    steps, matrix = TRANSFORMS[name]
    turned = product(adjoint(steps))
    np.testing.assert_allclose(turned, np.transpose(matrix), rtol=0, atol=1e-16)


def test_a_tile():
    r = np.random.default_rng(0)
    d, g = r.normal(size=(6, 6)), r.normal(size=(3, 3))
    inputs, filters, outputs = map(product, (INPUT, FILTER, OUTPUT))
    transformed = (filters @ g @ filters.T) * (inputs @ d @ inputs.T)
    found = outputs @ transformed @ outputs.T
    wanted = convolve(
        d.reshape(1, 6, 6, 1), g.reshape(3, 3, 1, 1), Window((3, 3))
    ).reshape(4, 4)
    np.testing.assert_allclose(found, wanted, rtol=1e-13, atol=1e-13)


@every_transform
@pytest.mark.parametrize("turned", [False, True])
def test_the_text_of_a_transform(name, turned):
    steps, matrix = TRANSFORMS[name]
    steps = adjoint(steps) if turned else steps
    M = np.transpose(matrix) if turned else np.array(matrix)
    size = M.shape[1]
    x = np.random.default_rng(1).normal(size=(size, size))
    names = {f"x{i}{j}": x[i, j] for i in range(size) for j in range(size)}
    lines = [line.format(width=1) for line in constants(steps)]
    words = {"number": float, "spread": lambda value, width: value}
    exec("\n".join([*lines, *both_sides(steps, "x", "z")]), words, names)
    z = [[names[f"z{i}{j}"] for j in range(len(M))] for i in range(len(M))]
    np.testing.assert_allclose(z, M @ x @ M.T, rtol=1e-13, atol=1e-13)


# -- the three operations --------------------------------------------------------------

PADDINGS = {
    "none": ((0, 0), (0, 0)),
    "one": ((1, 1), (1, 1)),
    "two": ((2, 2), (2, 2)),
    "uneven": ((0, 2), (1, 0)),
    "wide below": ((2, 5), (0, 4)),
}
# Images, height, width, channels, filters: whole tiles and overhanging ones, blocks of
# several images and several blocks, vectors of all widths, few and many of everything.
SIZES = [
    (1, 6, 6, 16, 16),
    (1, 5, 9, 16, 20),
    (70, 6, 7, 20, 16),
    (9, 13, 14, 24, 32),
    (40, 8, 8, 32, 16),
    (64, 18, 18, 16, 16),
    (4, 8, 8, 256, 192),
]


def formulas_of(window, size, groups=1):
    """Return formulas of the three operations."""

    def formulas(x, dz, W):
        return {
            "z": ops.convolve(x, W, window, groups),
            "dx": ops.convolve_back(dz, W, window, size, groups),
            "dW": ops.convolve_weights(x, dz, window, groups),
        }

    return formulas


def numbers_for(window, n, height, width, channels, filters, dtype="float32"):
    r = np.random.default_rng(0)

    def normal(*shape):
        return r.normal(size=shape).astype("float32").astype(dtype)

    places = window.outputs(height, width)
    images = {
        "x": normal(n, height, width, channels),
        "dz": normal(n, *places, filters),
    }
    return {"x": images, "w": {"W": normal(*window.size, channels, filters)}}


def kinds(formulas, given, dtype):
    """Return which kernels are chosen."""
    assembly = Assembly(program_of(formulas, given), dtype)
    return {type(found) for found in assembly.over_images.values()}


def errors(found, wanted):
    """Return the length of the error by the length of the result."""
    norm = np.linalg.norm
    return {name: norm(found[name] - v) / norm(v) for name, v in wanted.items()}


@pytest.mark.parametrize("padding", PADDINGS)
@pytest.mark.parametrize("sizes", SIZES, ids=str)
def test_accuracy(sizes, padding):
    window, size = Window((3, 3), padding=PADDINGS[padding]), sizes[1:3]
    formulas, given = formulas_of(window, size), numbers_for(window, *sizes)
    assert kinds(formulas, given, "float32") == TILED
    far = errors(*run_formulas(formulas, given, "float32"))
    assert far.keys() == {"z", "dx", "dW"}
    assert max(far.values()) <= 5e-6, far


def test_a_long_sum_of_small_gradients():
    # Sums of many products that cancel, as for the filters of a first layer.
    window = Window((3, 3), padding=PADDINGS["one"])
    given = numbers_for(window, 128, 28, 28, 16, 16)
    far = errors(*run_formulas(formulas_of(window, (28, 28)), given, "float32"))
    assert max(far.values()) <= 5e-6, far


def test_the_formulas_are_exact(monkeypatch):
    # All that is lost in float32 is rounding: the same texts in float64.
    monkeypatch.setattr(choice, "suits", lambda *sizes: True)
    window = Window((3, 3), padding=PADDINGS["uneven"])
    for sizes in ((5, 6, 7, 16, 4), (1, 9, 5, 2, 3)):
        formulas, given = formulas_of(window, sizes[1:3]), numbers_for(window, *sizes)
        assert kinds(formulas, given, "float64") == TILED
        with plain_kernels() as functions:
            found, wanted = run_formulas(
                formulas, given, "float64", functions=functions
            )
        assert max(errors(found, wanted).values()) <= 1e-14


def test_the_ways_back_are_adjoints(monkeypatch):
    # In exact arithmetic, so that no error hides in float32's rounding.
    monkeypatch.setattr(choice, "suits", lambda *sizes: True)
    window, sizes = Window((3, 3), padding=PADDINGS["one"]), (3, 5, 6, 2, 4)
    given = numbers_for(window, *sizes, dtype="float64")
    with plain_kernels() as functions:
        found, _ = run_formulas(
            formulas_of(window, sizes[1:3]), given, "float64", functions=functions
        )
    x, dz, W = given["x"]["x"], given["x"]["dz"], given["w"]["W"]
    product = np.vdot(found["z"], dz)
    np.testing.assert_allclose(np.vdot(x, found["dx"]), product, rtol=1e-12)
    np.testing.assert_allclose(np.vdot(W, found["dW"]), product, rtol=1e-12)


# -- a stride of two -------------------------------------------------------------------

# Size of the filters, border, images, height, width, channels, filters.
HALVED = [
    ((5, 5), ((2, 2), (2, 2)), (3, 14, 14, 32, 16)),
    ((5, 5), ((2, 2), (2, 2)), (70, 12, 11, 5, 20)),
    ((5, 5), ((0, 0), (0, 0)), (9, 19, 20, 4, 16)),
    ((5, 5), ((1, 2), (2, 1)), (2, 17, 16, 6, 32)),
    ((5, 5), ((4, 3), (3, 4)), (1, 9, 10, 8, 16)),
    ((4, 4), ((1, 1), (1, 1)), (64, 16, 16, 16, 16)),
    ((4, 5), ((1, 2), (0, 0)), (5, 13, 19, 20, 24)),
    ((5, 3), ((2, 2), (1, 1)), (1, 30, 30, 4, 48)),
]


@pytest.mark.parametrize(("kernel", "padding", "sizes"), HALVED, ids=str)
def test_accuracy_at_a_stride_of_two(kernel, padding, sizes):
    window = Window(kernel, (2, 2), padding)
    formulas, given = formulas_of(window, sizes[1:3]), numbers_for(window, *sizes)
    assert kinds(formulas, given, "float32") == {halved.Halved}
    far = errors(*run_formulas(formulas, given, "float32"))
    assert far.keys() == {"z", "dx", "dW"}
    assert max(far.values()) <= 5e-6, far


@pytest.mark.parametrize(("kernel", "padding", "sizes"), HALVED[1::2], ids=str)
def test_the_formulas_at_a_stride_of_two_are_exact(kernel, padding, sizes, monkeypatch):
    def suits_halved(*settings):
        return halved.suits_halved(*settings[:-1], 32)

    monkeypatch.setattr(choice, "suits_halved", suits_halved)
    window, sizes = Window(kernel, (2, 2), padding), (2, *sizes[1:])
    formulas, given = formulas_of(window, sizes[1:3]), numbers_for(window, *sizes)
    assert kinds(formulas, given, "float64") == {halved.Halved}
    with plain_kernels() as functions:
        found, wanted = run_formulas(formulas, given, "float64", functions=functions)
    assert max(errors(found, wanted).values()) <= 1e-14


# -- when it is taken ------------------------------------------------------------------


def chosen(dtype="float32", images=(8, 8), channels=16, filters=16, groups=1, **window):
    """Return the kernels of the three operations."""
    window = Window(**({"size": (3, 3)} | window))
    every = filters * groups
    given = {
        "x": {
            "x": np.zeros((2, *images, channels * groups)),
            "dz": np.zeros((2, *window.outputs(*images), every)),
        },
        "w": {"W": np.zeros((*window.size, channels, every))},
    }
    return kinds(formulas_of(window, images, groups), given, dtype)


def test_where_tiles_are_taken():
    assert chosen() == chosen(channels=20, filters=36) == TILED
    assert chosen(images=(4, 4), padding=((1, 1), (1, 1))) == TILED


@pytest.mark.parametrize(
    "settings",
    [
        {"dtype": "float64"},
        {"dtype": "float64", "images": (32, 32), "channels": 64, "filters": 64},
        {"images": (3, 3)},
        {"channels": 8},
        {"filters": 3},
        {"channels": 17},
        {"filters": 18},
        {"groups": 2},
        {"stride": (2, 2)},
        {"stride": (1, 2)},
        {"dilation": (2, 1)},
        {"size": (3, 4)},
        {"size": (5, 5)},
        {"padding": ((3, 0), (0, 0))},
        {"padding": ((0, 0), (4, 1))},
    ],
    ids=str,
)
def test_where_they_are_not(settings):
    assert chosen(**settings) == DIRECT
