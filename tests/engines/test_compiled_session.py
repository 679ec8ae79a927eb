"""Whole trainings of the compiled engine: bits, failures, threads and processes."""

import gc
import os
import subprocess
import sys
import threading
import weakref
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("numba", reason="the compiled engine needs Numba")

from pellucid import Adam, BatchNorm, Dense, Dropout, GradientDescent, Momentum
from pellucid.engines.compiled import sharing, steps
from pellucid.engines.compiled.engine import CompiledEngine
from pellucid.engines.compiled.shards import shards_for
from pellucid.engines.compiled.training import CompiledSession
from pellucid.engines.readable import ReadableEngine, ReadableSession
from pellucid.layers import Concat, Reshape, Select
from pellucid.network import NeuralNetwork
from pellucid.optimizers import Optimizer
from pellucid.rng import make_key
from pellucid.schedules import Cosine, WarmUp
from pellucid.training.batches import ArrayBatches
from pellucid.training.state import fresh_memory

SMALL = (Dense(16, "relu"), Dense(3))
# Enough work for four shards of a batch.
LARGE = (Dense(96, "relu"), Dropout(0.3), Dense(96, "tanh"), Dropout(0.1), Dense(3))


class Run:
    """A network, its data, and a trainer of either engine on it."""

    def __init__(
        self,
        layers=SMALL,
        loss="cross_entropy",
        *,
        n=100,
        inputs=4,
        batch=32,
        optimizer=None,
        dtype="float32",
        compiled=True,
        threads=1,
        shuffle=True,
        scale=1.0,
        gain=1.0,
        weights=None,
        frozen=None,
        total=1000,
        first=0,
    ):
        r = np.random.default_rng(5)
        self.network = NeuralNetwork(
            layers, loss=loss, input_shape=inputs, dtype=dtype, seed=3
        )
        blueprint = self.network.blueprint
        x = (scale * r.normal(size=(n, inputs))).astype(dtype)
        if blueprint.loss.task == "classes":
            y = r.integers(0, blueprint.outputs, n)
        else:
            y = r.normal(size=(n, *blueprint.output_shape)).astype(dtype)
        weight = np.ones(n) if weights is None else weights
        self.batches = ArrayBatches(
            x,
            y,
            weight.astype(dtype),
            batch,
            shuffle=shuffle,
            seed=0,
            run=0,
            no_single=blueprint.needs_batches,
            first=first,
        )
        self.rule = Adam() if optimizer is None else optimizer
        parameters = blueprint.layout.parameters
        self.memory = fresh_memory(self.rule, parameters.size, np.dtype(dtype))
        self.weights = self.network.weights
        self.weights *= gain
        run = (
            *(self.weights, self.rule, self.memory, self.batches),
            *(make_key(3, "noise", 0), total),
            parameters.mask(lambda _, slot: slot.role == "weight"),
            None if not frozen else parameters.mask(lambda name, _: frozen not in name),
        )
        if compiled:
            made = CompiledEngine(blueprint, dtype)
            self.trainer = CompiledSession(made, *run, threads)
        else:
            self.trainer = ReadableSession(ReadableEngine(blueprint, dtype), *run)
        self.losses, self.norms, self.sums, self.failed = [], [], [], None
        self.step = first

    def advance(self, count, slices=10_000):
        until = self.step + count
        while self.step < until and not self.failed:
            outcome = self.trainer.advance(self.step, min(slices, until - self.step))
            self.losses += outcome.losses
            self.norms += outcome.norms
            self.sums += outcome.weights
            self.step += len(outcome.losses)
            self.failed, self.where = outcome.failed, outcome.where
        return self

    def vectors(self):
        return np.concatenate([self.weights, *self.memory.values()])


def both(count, dtype="float64", **settings):
    """Return the same training by the compiled and by the readable engine."""
    return [
        Run(dtype=dtype, compiled=compiled, **settings).advance(count)
        for compiled in (True, False)
    ]


def agree(compiled, readable, tolerance=1e-10):
    for name in ("losses", "norms", "sums"):
        found, wanted = getattr(compiled, name), getattr(readable, name)
        np.testing.assert_allclose(found, wanted, rtol=tolerance, err_msg=name)
    size = max(1.0, float(np.abs(readable.vectors()).max()))
    error = np.abs(compiled.vectors() - readable.vectors()).max()
    assert error <= tolerance * size
    assert compiled.failed == readable.failed


# -- the same training -----------------------------------------------------------------

TRAININGS = {
    "remainder": {"n": 100},
    "full batch": {"n": 50, "batch": 50},
    "one row a batch": {"n": 7, "batch": 1},
    "in order": {"n": 70, "shuffle": False},
    "statistics": {
        "layers": (Dense(8, "relu"), BatchNorm(), Dropout(0.3), Dense(3)),
        "n": 65,  # the last batch of one row joins its predecessor
        "optimizer": Momentum(0.01),
    },
    "sum of squares": {
        "layers": (Dense(4, "sigmoid", bias=False), Dense(1, "sigmoid")),
        "loss": "sum_of_squares",
        "n": 4,
        "batch": 4,
        "optimizer": GradientDescent(1.0),
    },
    "weights": {"n": 90, "weights": np.arange(90) % 5 / 2.0},
    "schedule": {
        "optimizer": GradientDescent(WarmUp(5, Cosine(0.1)), clip_norm=0.5),
        "total": 12,
    },
    "penalties": {"optimizer": Adam(0.01, l1=1e-3, l2=1e-2, decay=0.1, clip_value=0.1)},
    "frozen": {"frozen": "dense_1"},
    "arrays": {
        "layers": (Dense(6, "tanh"), Reshape((3, 2)), Dropout(0.2)),
        "loss": "mean_squared_error",
    },
    "later": {"first": 17},
}


@pytest.mark.parametrize("name", TRAININGS)
def test_trainings_are_those_of_the_readable_engine(name):
    compiled, readable = both(9, **TRAININGS[name])
    agree(compiled, readable)
    start = Run(dtype="float64", compiled=False, **TRAININGS[name])
    assert np.abs(readable.weights - start.weights).max() > 0


def test_frozen_weights_keep_their_bits():
    run = Run(frozen="dense_1")
    entry = run.network.blueprint.layout.entries["dense_1.b"]
    before = run.weights.copy()
    run.advance(6)
    assert run.weights[: entry.stop].tobytes() == before[: entry.stop].tobytes()
    assert (run.weights[entry.stop :] != before[entry.stop :]).any()


def test_slices_change_nothing():
    whole = Run().advance(23)
    for slices in (1, 5):
        parts = Run().advance(23, slices)
        assert parts.vectors().tobytes() == whole.vectors().tobytes()
        assert parts.losses == whole.losses
        assert parts.norms == whole.norms


def test_a_changing_number_of_threads_changes_nothing():
    layers, how = (*LARGE[:-1], BatchNorm(), LARGE[-1]), {"n": 2100, "batch": 1024}
    whole = Run(layers, **how).advance(7)
    run = Run(layers, **how, threads=3)
    assert run.trainer.teams.sizes == [1, 3]
    for step in range(7):
        run.trainer.teams.now = run.trainer.teams.sizes[step % 2]
        run.advance(1)
    assert run.losses == whole.losses
    assert run.vectors().tobytes() == whole.vectors().tobytes()


def test_several_epochs_in_one_slice():
    run = Run(n=10, batch=4)
    run.trainer.teams.worked(1e-9, 1)
    outcome = run.trainer.advance(0, 50, seconds=10)
    assert len(outcome.losses) == 50
    readable = Run(n=10, batch=4, compiled=False).advance(50)
    np.testing.assert_allclose(outcome.losses, readable.losses, rtol=1e-3)


def test_a_slice_has_room_for_the_orders_of_its_epochs():
    # So many rows that only a few orders of them are kept.
    run = Run((Dense(2),), n=50_000, batch=25_000, inputs=1)
    run.trainer.teams.worked(1e-9, 1)
    outcome = run.trainer.advance(0, 30, seconds=10)
    made = len(outcome.losses)
    assert 2 < made < 30
    assert run.trainer.space.order.size < 5 * 50_000
    run.trainer.teams.worked(1e-9, 1)
    rest = run.trainer.advance(made, 3, seconds=10)
    parts = Run((Dense(2),), n=50_000, batch=25_000, inputs=1).advance(made + 3, 1)
    assert outcome.losses + rest.losses == parts.losses


def test_a_batch_whose_weights_are_all_zero():
    weights = np.ones(40)
    weights[8:16] = 0
    settings = {"n": 40, "batch": 8, "shuffle": False, "weights": weights}
    for loss in ("cross_entropy", "sum_of_squares"):
        compiled, readable = both(
            10, loss=loss, optimizer=GradientDescent(), **settings
        )
        agree(compiled, readable)
        assert compiled.losses[1] == 0
        assert compiled.sums[1] == 0


def test_running_state():
    layers = (Dense(5, "tanh"), BatchNorm(0.5), Dense(3))
    compiled, readable = both(7, layers=layers)
    state = slice(compiled.network.blueprint.layout.parameters.size, None)
    assert compiled.weights[state].size == 10
    close = {"rtol": 1e-12, "atol": 1e-14}
    np.testing.assert_allclose(
        compiled.weights[state], readable.weights[state], **close
    )


def test_named_inputs():
    layers = [Concat([Select("a"), Select("b")]), Dense(4, "tanh"), Dense(2)]
    r = np.random.default_rng(0)
    x = {"a": r.normal(size=(50, 3)), "b": r.normal(size=(50, 2))}
    losses = []
    for engine in ("compiled", "readable"):
        shapes = {"a": 3, "b": 2}
        network = NeuralNetwork(
            layers, loss="cross_entropy", input_shape=shapes, dtype="float64"
        )
        network.fit(x, np.arange(50) % 2, epochs=3, engine=engine)
        losses.append(network.training.history.loss)
    np.testing.assert_allclose(*losses, rtol=1e-12)


class Unusual(Optimizer, abstract=True):
    """Needs the old weights after the new ones are made, which is not followed."""

    memories = ("before",)

    def step(self, w, g, memory, t, rate):
        memory.before = w
        return w - rate * g


def test_an_unusual_update_is_left_to_the_readable_engine():
    run = Run(optimizer=GradientDescent())
    parts = (run.weights, Unusual(0.1), {"before": np.zeros_like(run.weights)})
    rest = (run.batches, 1, 10, run.trainer.decayed, None)
    trainer = CompiledEngine(run.network.blueprint, "float32").start(*parts, *rest)
    assert isinstance(trainer, ReadableSession)


# -- shards ----------------------------------------------------------------------------


def cut_into(shards, monkeypatch):
    """Let every batch be cut into so many shards."""
    training_for = lambda self, batch: (self.training, shards)  # noqa: E731
    monkeypatch.setattr(CompiledEngine, "training_for", training_for)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_threads_do_not_change_a_bit(dtype, monkeypatch):
    # Small pieces, so that the update is divided among the threads too.
    monkeypatch.setattr(steps, "PIECE", 1000)
    settings = {"layers": LARGE, "n": 600, "inputs": 40, "batch": 256, "dtype": dtype}
    for shards in (1, 2, 4):
        cut_into(shards, monkeypatch)
        runs = [Run(threads=t, **settings).advance(7) for t in (1, 2, 4)]
        assert [run.trainer.threads for run in runs] == [
            min(t, shards) for t in (1, 2, 4)
        ]
        assert len(runs[0].trainer.steps.pieces) > 10
        for run in runs[1:]:
            assert run.vectors().tobytes() == runs[0].vectors().tobytes()
            assert run.losses == runs[0].losses
            assert run.norms == runs[0].norms
        if dtype == "float64":
            agree(runs[0], Run(compiled=False, **settings).advance(7))


STATISTICS = (
    Dense(96, "relu"),
    BatchNorm(),
    Dropout(0.2),
    Dense(96, "tanh"),
    BatchNorm(),
    Dense(3),
)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_statistics_of_the_batch_are_those_of_all_shards(dtype):
    # 600 rows: the last batch of 88 is cut into shards of another size.
    settings = {"n": 600, "inputs": 40, "batch": 256, "dtype": dtype}
    settings |= {"layers": STATISTICS, "optimizer": GradientDescent(0.01)}
    runs = [Run(threads=t, **settings).advance(7) for t in (1, 2, 4)]
    assert [run.trainer.threads for run in runs] == [1, 2, 2]
    for run in runs[1:]:
        assert run.vectors().tobytes() == runs[0].vectors().tobytes()
        assert run.losses == runs[0].losses
    tolerance = 1e-10 if dtype == "float64" else 1e-5
    agree(runs[0], Run(compiled=False, **settings).advance(7), tolerance)


def test_a_last_batch_smaller_than_the_shards(monkeypatch):
    cut_into(4, monkeypatch)
    for n in (65, 66, 67):
        settings = {"n": n, "batch": 64, "threads": 2, "layers": LARGE}
        compiled, readable = both(6, **settings)
        agree(compiled, readable)


def test_memory_is_given_back_at_once():
    """No circle keeps the arrays of a training run until the garbage is collected."""
    run = Run(LARGE, n=300, batch=64)
    run.advance(3)
    arrays = [
        weakref.ref(found) for found in (run.trainer.space.gradients, run.trainer)
    ]
    gc.disable()
    try:
        del run
        assert [ref() for ref in arrays] == [None, None]
    finally:
        gc.enable()


@pytest.mark.parametrize("optimizer", [Adam(0.01), Adam(0.01, clip_value=0.1)])
@pytest.mark.parametrize("rows", [64, 65])
def test_large_matrices_are_shared_and_change_no_bit(rows, optimizer, monkeypatch):
    settings = {"n": 3 * rows - 9, "inputs": 40, "batch": rows, "optimizer": optimizer}
    settings |= {"layers": (Dense(70, "tanh"), Dense(33, "relu"), Dense(3))}
    monkeypatch.setattr(steps, "PIECE", 1000)
    for shards in (1, 2, 4):
        cut_into(shards, monkeypatch)
        plain = Run(threads=2, **settings).advance(7)
        assert not any(piece.place for piece in plain.trainer.steps.pieces)
        with monkeypatch.context() as small:
            small.setattr(sharing, "LARGE", 300)
            small.setattr(sharing, "PANEL", 8)
            runs = [Run(threads=t, **settings).advance(7) for t in (1, 2, 4)]
            assert sum(run.trainer.steps.pieces[0].place is not None for run in runs)
            meetings = [(r.trainer.steps.of_team(1)[0][:, 0] == 0).sum() for r in runs]
        assert all(meetings) == (shards > 1)
        for run in runs:
            assert run.vectors().tobytes() == plain.vectors().tobytes()
            assert run.losses == plain.losses


def test_clipping_by_norm_with_shards(monkeypatch):
    cut_into(2, monkeypatch)
    monkeypatch.setattr(steps, "PIECE", 100)
    clipped = Adam(clip_norm=0.01)
    compiled, readable = both(6, optimizer=clipped, threads=2)
    agree(compiled, readable)
    assert len(compiled.trainer.steps.pieces) == 1  # the norm is of the whole vector


def test_the_number_of_shards_depends_on_the_problem_only(monkeypatch):
    def shards(layers, batch, inputs=40):
        network = NeuralNetwork(layers, loss="cross_entropy", input_shape=inputs)
        training = CompiledEngine(network.blueprint, "float32").training
        return shards_for(training, batch)

    found = [shards(LARGE, 32), shards(LARGE, 128), shards(LARGE, 1024)]
    assert found == sorted(found)
    assert found[0] == 1
    assert found[-1] == 4
    assert shards(SMALL, 1000, 4) == 1
    statistics = (Dense(512), BatchNorm(), Dense(512), Dense(3))
    assert shards(statistics, 1024) == 1
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(64)), False)
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    again = [shards(LARGE, 32), shards(LARGE, 128), shards(LARGE, 1024)]
    assert again == found


# -- what is not finite ----------------------------------------------------------------

FAILURES = {
    "forward": {"gain": 1e25},
    "loss": {"scale": 1e20, "loss": "mean_squared_error", "layers": (Dense(3),)},
    "diverging": {
        "loss": "mean_squared_error",
        "layers": (Dense(8), Dense(3)),
        "optimizer": GradientDescent(40.0),
    },
    "update": {"optimizer": GradientDescent(1e39)},
    "momentum": {"optimizer": Momentum(3e37, momentum=0.99)},
    "state": {"scale": 1e19, "layers": (BatchNorm(), Dense(3))},
}


@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("name", FAILURES)
def test_what_fails_is_named_and_undone(name, threads, monkeypatch):
    if threads == 2:
        cut_into(2, monkeypatch)
    settings = {"dtype": "float32", "n": 64, **FAILURES[name]}
    compiled, readable = (
        Run(compiled=compiled, threads=threads, **settings).advance(200)
        for compiled in (True, False)
    )
    assert readable.failed
    assert compiled.failed == readable.failed
    assert compiled.where == readable.where
    assert compiled.step == readable.step
    assert np.isfinite(compiled.weights).all()
    np.testing.assert_allclose(compiled.losses, readable.losses, rtol=1e-3)
    for found, wanted in zip(
        (compiled.weights, *compiled.memory.values()),
        (readable.weights, *readable.memory.values()),
        strict=True,
    ):
        size = np.abs(wanted).max(initial=1)
        np.testing.assert_allclose(found / size, wanted / size, atol=1e-3)


def test_failures_of_all_kinds_are_tried():
    kinds = {
        Run(compiled=False, n=64, **s).advance(200).failed for s in FAILURES.values()
    }
    assert kinds >= {"loss", "weights after the update", "running state"}


def test_a_gradient_that_is_not_finite():
    # The loss is finite, its slope times the input is not.
    settings = {
        "layers": (Dense(1, bias=False),),
        "loss": "sum_of_squares",
        "inputs": 2,
        "n": 4,
        "batch": 4,
        "optimizer": GradientDescent(1e-38),
    }
    runs = []
    for compiled in (True, False):
        run = Run(compiled=compiled, **settings)
        run.weights[:] = 0
        data = run.trainer.space.data["x", ""] if compiled else run.batches.x
        targets = run.trainer.space.data["y", ""] if compiled else run.batches.y
        run.batches.x[:], run.batches.y[:] = 1e30, 1e18
        data[:], targets[:] = 1e30, 1e18
        runs.append(run.advance(3))
    assert [run.failed for run in runs] == ["gradient", "gradient"]
    assert not runs[0].weights.any()


def test_large_gradients_that_are_finite_are_no_failure():
    # Their squares leave the range of float32.
    settings = {
        "layers": (Dense(1, bias=False),),
        "loss": "mean_absolute_error",
        "scale": 1e25,
        "optimizer": GradientDescent(1e-30),
        "dtype": "float32",
    }
    compiled, readable = (
        Run(compiled=compiled, **settings).advance(6) for compiled in (True, False)
    )
    assert readable.norms[0] > 1e20
    assert not compiled.failed
    np.testing.assert_allclose(compiled.norms, readable.norms, rtol=1e-5)
    np.testing.assert_allclose(compiled.weights, readable.weights, rtol=1e-5)


# -- threads and processes -------------------------------------------------------------


def test_two_trainings_in_two_threads_at_once():
    alone = [Run(LARGE, n=300, batch=64, inputs=k).advance(40) for k in (4, 5)]
    beside = [Run(LARGE, n=300, batch=64, inputs=k) for k in (4, 5)]
    threads = [threading.Thread(target=run.advance, args=(40, 3)) for run in beside]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120)
    for one, other in zip(alone, beside, strict=True):
        assert one.vectors().tobytes() == other.vectors().tobytes()
        assert one.losses == other.losses


def test_one_network_predicts_in_many_threads():
    network = NeuralNetwork(SMALL, loss="cross_entropy", input_shape=4)
    engine = CompiledEngine(network.blueprint, "float32")
    r = np.random.default_rng(0)
    rows = [r.normal(size=(n, 4)).astype("float32") for n in (1, 30, 30, 5000)]
    wanted = [engine.predict(network.weights, x) for x in rows]
    wrong = []

    def predict(k):
        for _ in range(50):
            found = engine.predict(network.weights, rows[k])
            if found.tobytes() != wanted[k].tobytes():
                wrong.append(k)

    threads = [threading.Thread(target=predict, args=(k,)) for k in range(len(rows))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120)
    assert not wrong


@pytest.mark.skipif(not hasattr(os, "fork"), reason="only where processes fork")
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_a_forked_child_goes_on(monkeypatch):
    cut_into(2, monkeypatch)
    settings = {"layers": LARGE, "n": 300, "batch": 64, "threads": 2}
    run = Run(**settings).advance(5)
    child = os.fork()
    if child == 0:  # pragma: no cover - another process
        status = 1
        try:
            mine = run.advance(5)  # the trainer of before, and a new one
            fresh = Run(**settings).advance(10)
            same = mine.vectors().tobytes() == fresh.vectors().tobytes()
            status = 0 if same else 2
        finally:
            os._exit(status)
    _, status = os.waitpid(child, 0)
    assert os.waitstatus_to_exitcode(status) == 0
    fresh = Run(**settings).advance(10)
    assert run.advance(5).vectors().tobytes() == fresh.vectors().tobytes()


PROGRAM = """
import sys, warnings
import numpy as np
import pellucid
with warnings.catch_warnings(record=True) as told:
    warnings.simplefilter("always")
    network = pellucid.NeuralNetwork(
        [pellucid.Dense(3, "tanh"), pellucid.Dense(2)], loss="mean_squared_error"
    )
    x = np.linspace(-1, 1, 40).reshape(10, 4)
    history = network.fit(x, x[:, :2], epochs=2, engine=sys.argv[1])
    network.predict(x)
from pellucid.engines.compiled import cache
print(history.engine)
print(network.weights.tobytes().hex())
print(cache.folder())
print(sum("cannot be written" in str(each.message) for each in told))
"""


def in_a_process(folder, engine="compiled", **more):
    environment = {**os.environ, "PELLUCID_CACHE": str(folder), **more}
    return subprocess.Popen(
        [sys.executable, "-c", PROGRAM, engine],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def said(process):
    out, errors = process.communicate(timeout=240)
    assert process.returncode == 0, errors
    return out.splitlines()


def test_kernels_are_kept_for_the_next_process(tmp_path):
    first, second = in_a_process(tmp_path), in_a_process(tmp_path)  # at the same time
    bits = {said(process)[1] for process in (first, second)}
    kept = contents(tmp_path)
    names = [path.name for path in kept]
    assert (
        sum(name.startswith("kernel_") and name.endswith(".py") for name in names) > 3
    )
    assert sum(name.endswith(".nbc") for name in names) > 3
    assert not [name for name in names if name.startswith(".")]  # nothing half-written
    bits.add(said(in_a_process(tmp_path))[1])
    assert contents(tmp_path) == kept
    assert len(bits) == 1

    # Files that are cut off or of something else are made again.
    sources = sorted(tmp_path.rglob("kernel_*.py"))
    sources[0].write_text("")
    sources[1].write_text(sources[2].read_text())
    machine_code = sorted(tmp_path.rglob("*.nbc"))
    machine_code[-1].write_bytes(machine_code[-1].read_bytes()[:100])
    index = sorted(tmp_path.rglob("*.nbi"))
    index[-2].write_bytes(b"")
    bits.add(said(in_a_process(tmp_path))[1])
    assert len(bits) == 1
    sizes = {path: size for path, (_, size) in contents(tmp_path).items()}
    before = {path: size for path, (_, size) in kept.items()}
    assert sizes.keys() >= before.keys()
    assert all(sizes[path] == before[path] for path in sources)


def contents(folder):
    """Return the files of a folder, with the time and size of each."""
    files = (path for path in Path(folder).rglob("*") if path.is_file())
    return {path: (path.stat().st_mtime_ns, path.stat().st_size) for path in files}


def test_a_folder_that_cannot_be_written(tmp_path):
    file = tmp_path / "file"
    file.write_text("")
    engine, _, folder, notes = said(in_a_process(file / "cache"))
    assert engine.startswith("compiled")
    assert not folder.startswith(str(tmp_path))
    assert notes == "1"


def test_without_the_compiler(tmp_path):
    settings = {"NUMBA_DISABLE_JIT": "1"}
    engine, *_ = said(in_a_process(tmp_path, "auto", **settings))
    assert engine == "readable: NUMBA_DISABLE_JIT is set"
    assert not list(tmp_path.rglob("kernel_*"))
