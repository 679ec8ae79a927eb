"""The second thread of a prediction: the same bits with it, without it, in a crowd."""

import os
import sys
import threading
import time

import numpy as np
import pytest

pytest.importorskip("numba", reason="the compiled engine needs Numba")

from hypothesis import given
from hypothesis import strategies as st

from pellucid import Conv2D, Dense, Flatten, MaxPool2D, NeuralNetwork
from pellucid.engines.compiled import helper as helping
from pellucid.engines.compiled import library, machine, runner, sharing
from pellucid.engines.compiled.engine import CompiledEngine
from pellucid.engines.compiled.runtime import run
from pellucid.engines.compiled.turns import AWAKE, INSIDE

IMAGES = (Conv2D(32, 3, "relu", padding="same"), MaxPool2D(2))
IMAGES += (Conv2D(48, 3, "relu", padding="same"), Conv2D(16, 5, stride=2), Flatten())
NETWORKS = {
    "images": ((*IMAGES, Dense(160, "tanh"), Dense(3)), (22, 20, 3)),
    "wide": ((Dense(900, "relu"), Dense(700, "relu"), Dense(3)), 500),
}


@pytest.fixture
def always(monkeypatch):
    """Let a second thread take part in every prediction of a few rows."""
    monkeypatch.setattr(runner, "WORTH", 0)
    monkeypatch.setattr(runner, "available", lambda: 2)
    monkeypatch.setattr(helping, "SOON", 60.0)


def made(name, dtype="float32"):
    layers, shape = NETWORKS[name]
    network = NeuralNetwork(
        layers, loss="cross_entropy", input_shape=shape, dtype=dtype, seed=1
    )
    x = np.random.default_rng(2).normal(size=(64, *network.blueprint.inputs.shape))
    return network, CompiledEngine(network.blueprint, dtype), x.astype(dtype)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", NETWORKS)
def test_both_threads_make_the_same_bits_as_one(name, dtype, always, monkeypatch):
    network, engine, x = made(name, dtype)
    with monkeypatch.context() as alone:
        alone.setattr(runner, "available", lambda: 1)
        wanted = CompiledEngine(network.blueprint, dtype).predict(network.weights, x)
    for n in (1, 2, 7, 64):
        for _ in range(50):
            found = engine.predict(network.weights, x[:n])
            assert found.tobytes() == wanted[:n].tobytes()
    assert any(each.shared is not None for each in engine._runners.values())


def test_calls_of_a_group_may_come_in_any_order(always):
    network, engine, x = made("images")
    wanted = engine.predict(network.weights, x[:3])
    each = engine.runner(engine.prediction, 3, network.weights)
    shared = each.shared
    assert max(end - begin for begin, end in shared.groups) >= 36
    order = [i for begin, end in shared.groups for i in reversed(range(begin, end))]
    assert sorted(order) == list(range(len(shared.calls)))
    each.output[...] = np.nan
    run(np.ascontiguousarray(shared.calls[order]), shared.operands)
    assert each.output.tobytes() == wanted.tobytes()


def test_many_threads_that_predict_share_one_helper(always):
    network, _, x = made("images")
    wanted = CompiledEngine(network.blueprint, "float32").predict(network.weights, x)
    wrong = []

    def work(k):
        engine = CompiledEngine(network.blueprint, "float32")
        for i in range(150):
            n = 1 + (i * k) % 5
            found = engine.predict(network.weights, x[:n])
            if found.tobytes() != wanted[:n].tobytes():
                wrong.append((k, i))

    threads = [threading.Thread(target=work, args=(k,)) for k in range(1, 5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


def test_the_helper_sleeps_when_there_is_nothing_to_do(always):
    network, engine, x = made("wide")
    helper = helping.helper()
    for _ in range(100):
        engine.predict(network.weights, x[:1])
    deadline = time.monotonic() + 20
    while (helper.words[AWAKE] or helper.words[INSIDE]) and time.monotonic() < deadline:
        time.sleep(0.01)
    assert not helper.words[AWAKE]
    assert not helper.words[INSIDE]


def test_nobody_waits_for_a_helper_that_is_busy(always):
    network, engine, x = made("wide")
    wanted = engine.predict(network.weights, x[:1])
    shared = engine.runner(engine.prediction, 1, network.weights).shared
    busy = helping.Helper()
    busy.words[INSIDE] = 1
    assert not busy.lead(shared)
    with busy.lock:
        assert not busy.lead(shared)
    # One that never comes: the first thread makes all calls.
    asleep = helping.Helper()
    asleep.bell.set = lambda: None
    runner_of_one = engine.runner(engine.prediction, 1, network.weights)
    runner_of_one.output[...] = np.nan
    assert asleep.lead(shared)
    assert runner_of_one.output.tobytes() == wanted.tobytes()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_a_forked_process_has_a_helper_of_its_own(always):
    network, engine, x = made("wide")
    wanted = engine.predict(network.weights, x[:1])
    sys.stdout.flush()
    child = os.fork()
    if child == 0:
        right = False
        try:
            right = all(
                engine.predict(network.weights, x[:1]).tobytes() == wanted.tobytes()
                for _ in range(20)
            )
        finally:
            os._exit(0 if right else 1)
    assert os.waitpid(child, 0)[1] == 0


def test_one_interrupted_run_changes_no_choice():
    shared = helping.SharedCalls(np.zeros((1, 2), int), np.zeros(1, int), [(0, 1)])
    for k in range(helping.TOGETHER):
        shared.took(1.0 if k == 3 else 0.001)
    assert shared.teams.pace == pytest.approx(0.001)


def test_one_processor_has_no_helper(monkeypatch):
    monkeypatch.setattr(runner, "WORTH", 0)
    monkeypatch.setattr(runner, "available", lambda: 1)
    network, engine, _ = made("wide")
    assert engine.runner(engine.prediction, 1, network.weights).shared is None
    assert machine.available() >= 1


@given(st.integers(0, 300), st.integers(1, 700), st.integers(0, 900), st.booleans())
def test_the_parts_of_a_product_are_all_of_it(rows, columns, inner, turned):
    long_y = inner if turned else columns
    how = library.TURNED if turned else 0
    whole = [rows, columns, inner, 10, 2000, 3000, 40_000, long_y, 500_000, 6000, how]
    found = np.zeros((rows, columns), int)
    for part in sharing.parts_of_product(whole, 4):
        m, n, k, x, at_rows, at_columns, y, length, z, to, flags = part
        assert (k, x, at_columns, length, flags) == (inner, 10, 3000, long_y, how)
        top, left = (to - 6000) // 8, (z - 500_000) // 4
        assert at_rows - 2000 == to - 6000
        assert y - 40_000 == 4 * left * (long_y if turned else 1)
        found[top : top + m, left : left + n] += 1
    assert (found == 1).all()
