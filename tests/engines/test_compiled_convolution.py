"""Windows over images: compiled and as plain Python, against `pellucid.convolution`.

Whole numbers are multiplied and added without rounding, so that results must be equal.
"""

from functools import partial

import numpy as np
import pytest

pytest.importorskip("numba", reason="the compiled engine needs Numba")

from compiled_runs import Assembly, plain_kernels, program_of, run_formulas

from pellucid import ops
from pellucid.convolution import Window
from pellucid.engines.compiled.convolution import halved, pooling, winograd
from pellucid.engines.compiled.convolution.halved import suits_halved
from pellucid.engines.compiled.convolution.winograd import suits
from pellucid.engines.compiled.plan import UnsupportedError

TYPES = pytest.mark.parametrize("dtype", ["float32", "float64"])
CLOSE = {"float64": 1e-12, "float32": 2e-5}
CHANNELS = (1, 2, 3, 5, 8, 16, 17, 20, 32)
BATCHES = (1, 2, 3, 7, 20, 70)
LARGEST = 2**15  # numbers of an array


@pytest.fixture(params=["compiled", "plain"])
def kernels(request):
    """The functions to run, None for compiled kernels, and how many trials to make."""
    if request.param == "compiled":
        yield None, 300
    else:
        with plain_kernels() as functions:
            yield functions, 20


class Problem:
    """A window, a size in which it fits, and batch, channels and filters: by seed."""

    def __init__(self, seed):
        r = self.random = np.random.default_rng(seed)

        def pair(least, most):
            return tuple(map(int, r.integers(least, most + 1, 2)))

        border = (pair(0, 3), pair(0, 3)) if r.random() < 0.6 else ((0, 0), (0, 0))
        size, stride, dilation = (
            pair(1, int(r.choice(most))) for most in ((1, 3, 5), (1, 1, 3), (1, 1, 2))
        )
        self.groups = int(r.choice([1, 1, 1, 2, 3]))
        more = pair(0, int(r.choice([0, 2, 10])))
        if seed % 4 == 0:  # what tiles are for
            size, stride = ((3, 3), (1, 1)) if seed % 8 else ((5, 5), (2, 2))
            dilation, self.groups, more = (1, 1), 1, pair(4, 10)
        self.window = Window(size, stride, border, dilation)
        least = (
            max(1, reach - sum(side))
            for reach, side in zip(self.window.reach, border, strict=True)
        )
        self.size = tuple(a + b for a, b in zip(least, more, strict=True))
        self.places = self.window.outputs(*self.size)
        usual = CHANNELS if seed % 4 else (8, 16, 20, 32)
        self.channels, self.filters = map(int, r.choice(usual, 2))
        pixels = (self.size[0] + 6) * (self.size[1] + 6)
        most = LARGEST // (pixels * self.groups * max(self.channels, self.filters))
        self.n = int(r.choice([n for n in BATCHES if n <= max(1, most)]))

    def __str__(self):
        return (
            f"{self.window} over {self.n} images of {self.size}, {self.groups} groups "
            f"of {self.channels} channels and {self.filters} filters"
        )

    def whole_numbers(self, *shape):
        return self.random.integers(-4, 5, shape).astype(float)

    def convolutions(self, numbers):
        """Return formulas, and numbers for them."""
        window, size, groups = self.window, self.size, self.groups
        every = self.filters * groups
        given = {
            "x": {
                "x": numbers(self.n, *size, self.channels * groups),
                "dz": numbers(self.n, *self.places, every),
            },
            "w": {"W": numbers(*window.size, self.channels, every)},
        }

        def formulas(x, dz, W):
            return {
                "z": ops.convolve(x, W, window, groups),
                "dx": ops.convolve_back(dz, W, window, size, groups),
                "dW": ops.convolve_weights(x, dz, window, groups),
            }

        return formulas, given

    @property
    def is_tiled(self):
        images = self.n, *self.size, self.channels
        filters = *self.window.size, self.channels, self.filters
        sizes = images, filters, self.window, self.groups, 32
        return suits(*sizes) or suits_halved(*sizes)


def check(formulas, given, dtype, functions, told, tolerance=0.0):
    found, wanted = run_formulas(formulas, given, dtype, functions=functions)
    assert found.keys() == wanted.keys()
    for name, values in wanted.items():
        assert found[name].shape == values.shape, f"{name}: {told}"
        told_all = f"{name}: {told}"
        if not tolerance:
            np.testing.assert_array_equal(found[name], values, told_all)
            continue
        error = np.abs(found[name] - values).max(initial=0)
        assert error <= tolerance * np.abs(values).max(initial=0), told_all


# -- convolution -----------------------------------------------------------------------


@TYPES
def test_convolutions(dtype, kernels):
    functions, trials = kernels
    points = several = tiles = 0
    for seed in range(trials):
        problem = Problem(seed)
        tiled = dtype == "float32" and problem.is_tiled
        formulas, given = problem.convolutions(problem.whole_numbers)
        tolerance = CLOSE[dtype] if tiled else 0
        told = f"seed {seed}, {problem}"
        check(formulas, given, dtype, functions, told, tolerance)
        tiles += tiled
        points += problem.places == (1, 1)
        several += problem.n > max(1, 64 // np.prod(problem.places))
    assert points > trials / 20
    assert several > trials / 20
    assert tiles > trials / 20 or dtype == "float64"


@TYPES
def test_rounding_of_convolutions(dtype, kernels):
    functions, trials = kernels
    for seed in range(1000, 1000 + trials // 4):
        problem = Problem(seed)
        formulas, given = problem.convolutions(
            lambda *shape, r=problem.random: r.normal(size=shape).astype("float32")
        )
        check(formulas, given, dtype, functions, f"{seed}, {problem}", CLOSE[dtype])


# -- pooling ---------------------------------------------------------------------------


def pooled(x, dy, *, window, size):
    return {
        "max": ops.max_windows(x, window),
        "max back": ops.max_windows_back(x, dy, window),
        "sum": ops.sum_windows(x, window),
        "spread": ops.spread_windows(dy, window, size),
    }


@TYPES
def test_pooling(dtype, kernels):
    functions, trials = kernels
    for seed in range(trials):
        problem = Problem(seed)
        n, window, size = problem.n, problem.window, problem.size
        x = problem.whole_numbers(n, *size, problem.channels)
        if seed % 3 == 0:
            x[problem.random.random(x.shape) < 0.2] = np.nan
        dy = problem.whole_numbers(n, *problem.places, problem.channels)
        formulas = partial(pooled, window=window, size=size)
        given = {"x": {"x": x, "dy": dy}}
        check(formulas, given, dtype, functions, f"seed {seed}, {problem}")


@TYPES
def test_the_first_of_the_largest(dtype, kernels):
    # Zeros of both signs are equal, and NaN is larger than all.
    rows = [[-0.0, 0, -1, 0], [0, -0.0, 0, 0], [-2, np.nan, 5, np.nan], [-np.inf] * 4]
    x = np.array(rows).reshape(4, 1, 4, 1)
    given = {"x": {"x": x, "dy": np.arange(1.0, 5).reshape(4, 1, 1, 1)}}
    formulas = partial(pooled, window=Window((1, 4)), size=(1, 4))
    check(formulas, given, dtype, kernels[0], "the first of the largest")


# -- borders, and numbers for all places -----------------------------------------------


@TYPES
def test_borders(dtype, kernels):
    functions, trials = kernels
    for seed in range(trials // 5):
        r = np.random.default_rng(seed)
        n, channels = int(r.choice(BATCHES)), int(r.choice(CHANNELS))
        size = tuple(map(int, r.integers(1, 7, 1 + seed % 2)))
        sides = [tuple(map(int, pair)) for pair in r.integers(0, 4, (len(size), 2))]
        part = tuple(
            slice(*sorted(map(int, r.choice(length + 1, 2, replace=False))))
            for length in size
        )
        x = r.normal(size=(n, *size, channels)).astype("float32")

        def formulas(x, sides=sides, part=part):
            return {
                "around": np.pad(x, ((0, 0), *sides, (0, 0))),
                "out of it": x[:, *part],
                "from behind": x[:, -1:],
            }

        given = {"x": {"x": x}}
        check(formulas, given, dtype, functions, f"{x.shape}, {sides}, {part}")


def over_places(x):
    axes = tuple(range(1, x.ndim - 1))
    largest = x.max(axis=axes, keepdims=True)
    return {
        "sum": x.sum(axis=axes),
        "mean": x.mean(axis=axes, keepdims=True),
        "max": x.max(axis=axes),
        "of a formula": (2.0 * x + 1.0).sum(axis=axes),
        "and back": (x - largest) * 0.5,
    }


@TYPES
def test_numbers_for_all_places(dtype, kernels):
    functions, trials = kernels
    for seed in range(trials // 5):
        r = np.random.default_rng(seed)
        n, channels = int(r.choice(BATCHES)), int(r.choice(CHANNELS))
        size = tuple(2 ** r.integers(0, 3, 1 + seed % 3))  # means without rounding
        x = r.integers(-4, 5, (n, *size, channels)).astype(float)
        if seed % 4 == 0:
            x[r.random(x.shape) < 0.1] = np.nan
        check(over_places, {"x": {"x": x}}, dtype, functions, f"{x.shape}")


def with_a_number_for_each(x, s, b):
    axes = tuple(range(1, x.ndim - 1))
    each = s.reshape(s.shape[0], *(1,) * len(axes), s.shape[-1])
    z = np.maximum(x * each + b, 0.0)
    return {"z": z, "ds": (z * x).sum(axis=axes), "db": z.sum(axis=(0, *axes))}


@TYPES
def test_a_number_for_each_channel_of_a_sample(dtype, kernels):
    functions, trials = kernels
    for seed in range(trials // 5):
        r = np.random.default_rng(seed)
        n, channels = int(r.choice(BATCHES)), int(r.choice(CHANNELS))
        size = tuple(r.integers(1, 5, 1 + seed % 2))
        x, s, b = (
            r.integers(-4, 5, shape).astype(float)
            for shape in ((n, *size, channels), (n, channels), (channels,))
        )
        given = {"x": {"x": x, "s": s}, "w": {"b": b}}
        check(with_a_number_for_each, given, dtype, functions, f"{x.shape}")


# -- memory ----------------------------------------------------------------------------


@TYPES
def test_the_memory_of_an_operation_does_not_grow_with_the_batch(dtype):
    seen = set()
    for seed in range(150):
        problem = Problem(seed)
        x, dy = (
            np.zeros((problem.n, *size, problem.channels))
            for size in (problem.size, problem.places)
        )
        pools = partial(pooled, window=problem.window, size=problem.size)
        convolutions = problem.convolutions(problem.whole_numbers)
        for formulas, given in (convolutions, (pools, {"x": {"x": x, "dy": dy}})):
            assembly = Assembly(program_of(formulas, given), dtype)
            (_, few), (_, many) = assembly.arena(1_000), assembly.arena(10_000)
            assert few == many, f"seed {seed}: {problem}"
            seen |= {type(each).__name__ for each in assembly.over_images.values()}
    assert {"ConvolveBack", "ConvolveWeights", "OnPixels", "Spread"} <= seen
    assert {"TiledConvolveWeights", "Halved"} <= seen or dtype == "float64"


# -- what is not a batch of images -----------------------------------------------------

OTHERS = {
    "samples of samples": lambda x, W: ops.max_windows(
        x.reshape(x.shape[0] * 2, 4, 3, 5), Window((2, 2))
    ),
    "sums of their places": lambda x, W: x.reshape(x.shape[0] * 2, 4, 3, 5).sum(
        axis=(1, 2)
    ),
    "filters around": lambda x, W: np.pad(W, ((0, 0), (1, 1), (0, 0), (0, 0))),
    "more filters": lambda x, W: np.pad(W, ((0, 1), (0, 0), (0, 0), (0, 0))),
    "a part of the filters": lambda x, W: W[:, 1:],
    "sums of filters": lambda x, W: W.sum(axis=(1, 2)),
    "windows over filters": lambda x, W: ops.sum_windows(W, Window((2, 1))),
    "a transpose": lambda x, W: np.transpose(x, (0, 2, 1, 3)),
    "some channels": lambda x, W: x[..., 1:3],
    "every other pixel": lambda x, W: x[:, ::2],
    "one row": lambda x, W: x[:, 1],
}


@pytest.mark.parametrize("name", OTHERS)
def test_what_is_not_a_batch_of_images_is_right_or_refused(name):
    r = np.random.default_rng(0)
    given = {"x": {"x": r.normal(size=(3, 8, 3, 5))}}
    given["w"] = {"W": r.normal(size=(5, 3, 3, 4))}

    def formulas(x, W):
        return {"z": OTHERS[name](x, W), "used": x + 1.0, "too": W + 1.0}

    try:
        found, wanted = run_formulas(formulas, given, "float64")
    except UnsupportedError:
        return
    np.testing.assert_allclose(found["z"], wanted["z"], rtol=1e-12, atol=1e-12)


# -- kernels ---------------------------------------------------------------------------


def test_every_kernel_is_tried_as_plain_python():
    r = np.random.default_rng(0)
    border = ((1, 1), (1, 1))
    window, halving = Window((3, 3), padding=border), Window((4, 4), (2, 2), border)
    x, dz = r.normal(size=(2, 1, 8, 8, 16)).astype("float32")
    given = {"x": {"x": x, "dz": dz}}
    given["w"] = {
        "W": r.normal(size=(3, 3, 16, 16)),
        "V": r.normal(size=(4, 4, 16, 16)),
    }

    def tops(x, W):
        """Maxima that are taken with a convolution, one with pixels that wait."""
        two, z, again = Window((2, 2), (2, 2)), W * 1.0, W * 2.0
        top, other = (
            ops.max_windows(ops.convolve(x, filters, window), two)
            for filters in (z, again)
        )
        back = ops.max_windows_back(
            ops.convolve(x, again, window), other * np.sum(other), two
        )
        return {
            "top": top,
            "other": other,
            "top back": back,
            "sum of all": np.sum(x, (0, 1, 2)),
        }

    def formulas(x, dz, W, V):
        return {
            "z": ops.convolve(x, W, window),
            "dx": ops.convolve_back(dz, W, window, (8, 8)),
            "dW": ops.convolve_weights(x, dz, window),
            "half": ops.convolve(x, V, halving),
            **tops(x, W),
            **pooled(x, dz, window=window, size=(8, 8)),
        }

    with plain_kernels() as functions:
        check(formulas, given, "float32", functions, "every kernel", CLOSE["float32"])
    texts = {function.body for function in functions.values()}
    for module in (pooling, winograd, halved):
        for name, text in vars(module).items():
            if name.isupper() and isinstance(text, str):
                whole = text.format(width=16, taps=9)
                assert any(whole in body for body in texts), name
