"""Both engines give the same answers for everything that is registered."""

import numpy as np
import pytest

pytest.importorskip("numba", reason="the compiled engine needs Numba")

import compiled_cases as cases
from compiled_runs import Assembly, run_assembly

from pellucid.activations import Activation
from pellucid.blueprint import build
from pellucid.engines.compiled.engine import CompiledEngine
from pellucid.engines.readable import ReadableEngine
from pellucid.layer import Layer
from pellucid.layers import (
    BatchNorm,
    Chain,
    Concat,
    Dense,
    Dropout,
    Flatten,
    Residual,
    Select,
)
from pellucid.layers.inputs import Input
from pellucid.losses import (
    BinaryCrossEntropy,
    CrossEntropy,
    Loss,
    MeanSquaredError,
)
from pellucid.optimizers import Optimizer
from pellucid.program import Program
from pellucid.symbol import Trace
from registers import ours

BLUEPRINTS = cases.blueprints()
OPTIMIZERS = cases.optimizers()
CLOSE = {"float64": 1e-9, "float32": 2e-5}
TYPES = pytest.mark.parametrize("dtype", CLOSE)
ROWS = (1, 7, 32, 1000)


def check_training(blueprint, dtype, rows=ROWS):
    """Compare loss, gradients and running state at equal weights."""
    engine = CompiledEngine(blueprint, dtype)
    for n in rows:
        if n == 1 and blueprint.needs_batches:
            continue
        given = cases.numbers_for(blueprint, n, dtype, seed=n)
        leaves = cases.leaves_for(blueprint, *given)
        found = run_assembly(engine.training, leaves, n)
        wanted = cases.readable(blueprint, dtype, *given)
        wanted = {place: wanted[place] for place in found}
        apart = cases.far_apart(found, wanted, CLOSE[dtype])
        assert not apart, f"{n} rows: {apart}"


def check_prediction(blueprint, dtype, rows=ROWS):
    """Compare outputs, linked outputs, and the loss of every sample."""
    compiled = CompiledEngine(blueprint, dtype)
    readable = ReadableEngine(blueprint, dtype)
    for n in rows:
        weights, x, y, _ = cases.numbers_for(blueprint, n, dtype, seed=n)
        for name in ("predict", "probabilities", "losses"):
            rest = (weights, x, y) if name == "losses" else (weights, x)
            found = {name: getattr(compiled, name)(*rest)}
            wanted = {name: getattr(readable, name)(*rest)}
            assert found[name].dtype == dtype
            assert not cases.far_apart(found, wanted, CLOSE[dtype]), f"{n} rows"


@TYPES
@pytest.mark.parametrize("name", BLUEPRINTS)
def test_a_part_in_a_network(name, dtype):
    check_training(BLUEPRINTS[name], dtype)
    if dtype == "float32":  # in float64 there would be little new, for much compiling
        check_prediction(BLUEPRINTS[name], dtype, (7, 32))


@TYPES
@pytest.mark.parametrize("name", OPTIMIZERS)
def test_an_update_by(name, dtype):
    optimizer = OPTIMIZERS[name]
    blueprint = build((Dense(7), Dense(3)), MeanSquaredError(), Input(20))
    engine = CompiledEngine(blueprint, dtype)
    size = blueprint.layout.parameters.size
    r = np.random.default_rng(3)
    decayed = blueprint.layout.parameters.mask(lambda _, slot: slot.role == "weight")
    # Freezing is a formula of its own; each dtype tries it on every other optimizer.
    number = int(name.partition(" ")[2]) + (dtype == "float32")
    for trained in (None, r.random(size) > 0.3)[: 1 + number % 2]:
        update = engine.update(optimizer, 1, trained is not None)
        in_place = {("memory", name): ("memory", name) for name in optimizer.memories}
        in_place["new", "w"] = ("w", "")
        state = {
            "w": r.normal(size=size).astype(dtype),
            "memory": {name: np.zeros(size, dtype) for name in optimizer.memories},
            "decayed": decayed,
            "trained": trained,
        }
        for step in range(5):
            g = r.normal(size=size).astype(dtype)
            state |= {"g": {"g0": g}, "t": step + 1.0, "rate": optimizer.rate(step, 9)}
            wanted = update.program.run(state, 1, np.dtype(dtype))
            found = run_assembly(update, state, 1, shared=in_place)
            assert not cases.far_apart(found, wanted, CLOSE[dtype])
            if trained is not None:
                kept = state["w"][~trained]
                assert found["new", "w"][~trained].tobytes() == kept.tobytes()
            # Equal starts for the next step: differences are not to add up.
            state["w"] = wanted["new", "w"]
            state["memory"] = {name: wanted["memory", name] for name in state["memory"]}


NETWORKS = {
    "classes": build(
        (Dense(32, "relu"), Dense(32, "tanh"), Dense(5, "softmax")),
        CrossEntropy(),
        Input(9),
    ),
    "labels": build(
        (Dense(20, "gelu"), BatchNorm(), Dropout(0.3), Dense(3, "sigmoid")),
        BinaryCrossEntropy(),
        Input(9),
    ),
    "numbers": build((Dense(16, "silu"), Dense(1)), MeanSquaredError(), Input(9)),
    "branches": build(
        (
            Concat(
                [
                    Chain([Select("numbers"), Dense(4, "elu")]),
                    Chain([Select("image"), Flatten(), Dense(3, "softplus")]),
                    Chain([Select("numbers"), Residual([Dense(5, "mish")])]),
                ]
            ),
            Dense(2),
        ),
        CrossEntropy(label_smoothing=0.1),
        {"numbers": Input(5), "image": Input((3, 2)), "unused": Input(4)},
    ),
}


@pytest.mark.parametrize("name", NETWORKS)
def test_a_whole_network(name):
    check_training(NETWORKS[name], "float32")
    check_prediction(NETWORKS[name], "float32")


@pytest.mark.parametrize("name", ["classes", "branches"])
def test_predictions_across_chunks(name):
    blueprint = NETWORKS[name]
    engine = CompiledEngine(blueprint, "float32")
    most = engine._chunk_rows(engine.prediction)
    check_prediction(blueprint, "float32", (most - 1, most, most + 1, 2 * most + 3))


def test_predictions_in_float64():
    check_prediction(NETWORKS["classes"], "float64", (1, 33))


def test_no_rows_and_no_parameters():
    blueprint = build((Activation.of("tanh"),), MeanSquaredError(), Input(3))
    engine = CompiledEngine(blueprint, "float32")
    nothing = np.zeros(0, dtype=np.float32)
    assert engine.predict(nothing, np.zeros((0, 3), np.float32)).shape == (0, 3)
    x = np.linspace(-2, 2, 6, dtype=np.float32).reshape(2, 3)
    np.testing.assert_allclose(engine.predict(nothing, x), np.tanh(x), rtol=1e-6)


def test_a_network_that_changes_nothing():
    blueprint = build((Flatten(), Activation.of(None)), MeanSquaredError(), Input(3))
    check_prediction(blueprint, "float32", (2,))
    check_training(blueprint, "float32", (2,))


@TYPES
def test_largest_inputs(dtype):
    # Finite numbers of any size give what the readable engine gives: all in one kernel.
    info = np.finfo(dtype)
    z = np.array([0.0, 1, 30, 88.5, 104, 700, 1e3, 1e10, info.max / 4, info.max])
    x = np.concatenate([z, -z, [info.tiny, info.smallest_subnormal]]).astype(dtype)
    trace = Trace()
    leaf = trace.leaf("x", "", (trace.batch, 2))
    for name, kind in ours(Activation).items():
        trace.outputs["out", name] = kind().value(leaf)
    program = Program("activations", trace)
    assembly = Assembly(program, dtype)
    given = {"x": x.reshape(-1, 2)}
    found = run_assembly(assembly, given, len(x) // 2)
    with np.errstate(over="ignore"):
        wanted = program.run(given, len(x) // 2, np.dtype(dtype))
    for place, value in wanted.items():
        assert not np.isnan(found[place]).any(), place
        told = f"{place}"
        close = {"rtol": 64 * info.eps, "atol": 4 * info.eps, "err_msg": told}
        np.testing.assert_allclose(found[place], value, **close)


@TYPES
def test_largest_logits(dtype):
    top = np.finfo(dtype).max
    rows = [[0, 0, 0], [top, -top, 0], [-top, top, -top], [1e4, 0, -1e4], [top] * 3]
    z = np.array(rows, dtype=dtype)
    nothing = np.zeros(0, dtype=dtype)
    for y in range(3):
        blueprint = build((Activation.of("softmax"),), CrossEntropy(), Input(3))
        engines = [E(blueprint, dtype) for E in (CompiledEngine, ReadableEngine)]
        targets = np.full(len(z), y)
        for name, rest in (("predict", ()), ("losses", (targets,))):
            found, wanted = (getattr(e, name)(nothing, z, *rest) for e in engines)
            assert not np.isnan(found).any()
            np.testing.assert_allclose(found, wanted, rtol=1e-5, atol=1e-30)


def test_nothing_that_is_registered_is_left_out():
    named = {name.partition(" ")[0] for name in BLUEPRINTS}
    assert ours(Layer).keys() | ours(Loss).keys() == named
    assert {name.partition(" ")[0] for name in OPTIMIZERS} == ours(Optimizer).keys()
