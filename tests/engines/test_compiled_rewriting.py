"""The largest before bias and ReLU: the same numbers, and only where it may be."""

import numpy as np
import pytest

pytest.importorskip("numba", reason="the compiled engine needs Numba")

import compiled_cases as cases
from compiled_runs import Assembly, run_assembly

from pellucid import ops, tracing
from pellucid.convolution import Window
from pellucid.engines.compiled import plan
from pellucid.engines.compiled.rewriting import rewritten
from pellucid.layers import (
    AveragePool2D,
    BatchNorm,
    Chain,
    Concat,
    Conv2D,
    Dense,
    Flatten,
    GlobalMaxPool,
    MaxPool2D,
    Residual,
)
from pellucid.network import NeuralNetwork
from pellucid.program import Program
from pellucid.symbol import Trace
from pellucid.testing.arrays import same_bits

SHAPE = (9, 8, 2)


def blueprint_of(*layers):
    layers = (*layers, Flatten(), Dense(2))
    network = NeuralNetwork(
        layers, loss="mean_squared_error", input_shape=SHAPE, dtype="float64"
    )
    return network.blueprint


REWRITTEN = {
    "with bias": (Conv2D(3, 3, "relu"), MaxPool2D()),
    "without": (Conv2D(3, 3, "relu", bias=False), MaxPool2D()),
    "apart from the convolution": (Conv2D(3, 3), "relu", MaxPool2D()),
    "overlapping windows": (Conv2D(3, 3, "relu"), MaxPool2D(3, stride=1)),
    "windows with gaps": (Conv2D(3, 3, "relu"), MaxPool2D(2, stride=3)),
    "twice": (
        Conv2D(3, 3, "relu", padding="same"),
        MaxPool2D(),
        Conv2D(4, 2, "relu"),
        MaxPool2D(2, stride=1),
    ),
    "after a normalization": (
        Conv2D(3, 3, bias=False),
        BatchNorm(),
        "relu",
        MaxPool2D(),
    ),
    "of the images": ("relu", MaxPool2D(), Conv2D(2, 2)),
}


def size_before(program):
    """Return for each comparison with 0 how many numbers of a sample it looks at."""
    return [
        int(np.prod(node.shape[1:]))
        for node in program.operations
        if node.operation.name in ("maximum", "greater")
    ]


def leaves(blueprint, seed=0):
    return cases.leaves_for(blueprint, *cases.numbers_for(blueprint, 5, seed=seed))


def whole_numbers(blueprint):
    """Return leaves of which many are equal, and whose sums are exact in any order."""
    weights, x, y, weight = cases.numbers_for(blueprint, 5)
    numbers = np.round(weights), np.round(x), np.round(y), weight
    return cases.leaves_for(blueprint, *numbers, total=8.0)


@pytest.mark.parametrize("name", REWRITTEN)
def test_the_same_numbers(name):
    blueprint = blueprint_of(*REWRITTEN[name])
    for write in (tracing.prediction, tracing.training):
        program = write(blueprint)
        quick = rewritten(program)
        assert sum(size_before(quick)) < sum(size_before(program)) / 1.5
        assert str(rewritten(program)) == str(quick)
        for seed in range(3):
            given = leaves(blueprint, seed)
            wanted = program.run(given, 5, np.dtype("float64"))
            found = quick.run(given, 5, np.dtype("float64"))
            assert list(found) == list(wanted)
            for place, values in wanted.items():
                if name == "after a normalization" or place[1].endswith(".b"):
                    # A sum of the same numbers in another order.
                    error = {"rtol": 1e-13, "atol": 1e-14, "err_msg": place[1]}
                    np.testing.assert_allclose(found[place], values, **error)
                else:
                    assert same_bits(found[place], values), place


@pytest.mark.parametrize("name", sorted(REWRITTEN.keys() - {"after a normalization"}))
def test_the_same_numbers_with_ties(name):
    blueprint = blueprint_of(*REWRITTEN[name])
    program = tracing.training(blueprint)
    given = whole_numbers(blueprint)
    wanted = program.run(given, 5, np.dtype("float64"))
    found = rewritten(program).run(given, 5, np.dtype("float64"))
    for place, values in wanted.items():
        np.testing.assert_array_equal(found[place], values, place[1])


@pytest.mark.parametrize("name", ["with bias", "overlapping windows"])
def test_the_same_numbers_compiled(name, monkeypatch):
    blueprint = blueprint_of(*REWRITTEN[name])
    given = whole_numbers(blueprint)
    program = tracing.training(blueprint)
    found = run_assembly(Assembly(program, "float64"), given, 5)
    monkeypatch.setattr(plan, "rewritten", lambda program: program)
    wanted = run_assembly(Assembly(program, "float64"), given, 5)
    assert found.keys() == wanted.keys()
    for place, values in wanted.items():
        np.testing.assert_array_equal(found[place], values, place[1])


# -- where it may not be ---------------------------------------------------------------

pool = MaxPool2D(2, stride=1)
KEPT = {
    "padding": (Conv2D(3, 3, "relu"), MaxPool2D(3, padding=1)),
    "another activation": (Conv2D(3, 3, "tanh"), MaxPool2D()),
    "a leak": (Conv2D(3, 3, "leaky_relu"), MaxPool2D()),
    "no activation": (Conv2D(3, 3), MaxPool2D()),
    "the mean": (Conv2D(3, 3, "relu"), AveragePool2D()),
    "all places": (Conv2D(3, 3, "relu"), GlobalMaxPool()),
    "a second look": (
        Conv2D(3, 3, "relu"),
        Concat([pool, AveragePool2D(2, stride=1)]),
    ),
    "two windows": (
        Conv2D(3, 3, "relu"),
        Concat([pool, Chain([MaxPool2D(3, stride=1), Conv2D(2, 2, padding=1)])]),
    ),
    "around": (Conv2D(2, 3, "relu"), Residual([MaxPool2D(1), Conv2D(2, 1)])),
}


@pytest.mark.parametrize("name", KEPT)
def test_where_it_is_not_done(name):
    blueprint = blueprint_of(*KEPT[name])
    for write in (tracing.prediction, tracing.training):
        program = write(blueprint)
        assert rewritten(program) is program


def written(formulas):
    trace = Trace()
    z = trace.leaf("x", "z", (trace.batch, 4, 4, 3))
    dy = trace.leaf("x", "dy", (trace.batch, 2, 2, 3))
    for name, symbol in formulas(z, dy, Window((2, 2), (2, 2))).items():
        trace.outputs["out", name] = symbol
    return Program("formulas", trace)


def relu_and_back(z, dy, window, *, share=1.0, floor=0.0, edge=0):
    a = np.maximum(z, floor)
    back = ops.max_windows_back(a, dy, window)
    slope = (z > edge).astype(z.dtype)
    delta = back * (slope * share if share != 1 else slope)
    return a, back, slope, delta, {"y": ops.max_windows(a, window), "dz": delta}


def test_formulas_as_a_layer_writes_them_are_rewritten():
    program = written(lambda *given: relu_and_back(*given)[-1])
    assert rewritten(program) is not program


@pytest.mark.parametrize(
    "more",
    [
        lambda a, back, slope, delta: {"a": a},
        lambda a, back, slope, delta: {"sum": a.sum(axis=(1, 2))},
        lambda a, back, slope, delta: {"back": back},
        lambda a, back, slope, delta: {"twice": back * 2.0},
        lambda a, back, slope, delta: {"slope": slope},
        lambda a, back, slope, delta: {"share": slope.sum()},
    ],
    ids=["a", "sum", "back", "twice", "slope", "share"],
)
def test_values_that_others_read_are_kept(more):
    def formulas(*given):
        *values, outputs = relu_and_back(*given)
        return outputs | more(*values)

    program = written(formulas)
    assert rewritten(program) is program


@pytest.mark.parametrize(
    "settings", [{"share": 0.5}, {"floor": 0.1}, {"floor": -1.0}, {"edge": 1}], ids=str
)
def test_other_formulas_are_kept(settings):
    program = written(lambda *given: relu_and_back(*given, **settings)[-1])
    assert rewritten(program) is program


# -- what it changes all the same ------------------------------------------------------


def test_a_tie_that_only_the_bias_makes():
    # The gradient goes to the pixel that was larger before the bias was added.
    def formulas(z, dy, window):
        t = z
        z = t + t.trace.leaf("w", "b", (3,))
        return relu_and_back(z, dy, window)[-1]

    program = written(formulas)
    z = np.zeros((1, 4, 4, 3))
    z[0, 1, 1] = 1e-20
    given = {"x": {"z": z, "dy": np.ones((1, 2, 2, 3))}, "w": {"b": np.ones(3)}}
    there = {}
    for name, each in (("as written", program), ("rewritten", rewritten(program))):
        found = each.run(given, 1, np.dtype("float64"))
        np.testing.assert_array_equal(found["out", "y"], np.ones((1, 2, 2, 3)))
        there[name] = np.argwhere(found["out", "dz"][0, :2, :2, 0]).tolist()
    assert there == {"as written": [[0, 0]], "rewritten": [[1, 1]]}
