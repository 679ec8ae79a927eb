"""The compiled engine beside others: threads, forks, processes, and none at all."""

import os
import subprocess
import sys
import threading

import numpy as np
import pytest

from pellucid import Adam, Dense, Dropout, NeuralNetwork
from pellucid.engines import missing_for_compiled

pytestmark = pytest.mark.skipif(
    bool(missing_for_compiled()), reason=missing_for_compiled()
)

R = np.random.default_rng(0)
X = R.normal(size=(700, 54)).astype(np.float32)
Y = R.integers(0, 7, 700)


def trained(threads=None, seed=0, width=256):
    layers = [Dense(width, "relu"), Dropout(0.3), Dense(width, "relu"), Dense(7)]
    net = NeuralNetwork(layers, loss="cross_entropy", seed=seed)
    net.fit(
        X,
        Y,
        epochs=3,
        batch_size=256,
        optimizer=Adam(clip_value=0.5),
        engine="compiled",
        threads=threads,
        progress=False,
    )
    return net


def test_the_same_bits_for_any_number_of_threads():
    one, two, four = (trained(threads) for threads in (1, 2, 4))
    assert one.weights.tobytes() == two.weights.tobytes() == four.weights.tobytes()
    assert one.history.loss == two.history.loss == four.history.loss


def test_two_trainings_at_once():
    wanted = [trained(2, seed).weights.tobytes() for seed in (1, 2)]
    found = {}

    def work(seed):
        found[seed] = trained(2, seed).weights.tobytes()

    workers = [threading.Thread(target=work, args=(seed,)) for seed in (1, 2)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert [found[1], found[2]] == wanted


def test_many_threads_may_ask_one_network():
    net = trained()
    wanted = net.predict_proba(X[0])
    wrong = []

    def ask():
        answers = [net.predict_proba(X[0]) for _ in range(200)]
        wrong.extend(a for a in answers if not np.allclose(a, wanted, atol=1e-6))

    askers = [threading.Thread(target=ask) for _ in range(4)]
    for asker in askers:
        asker.start()
    for asker in askers:
        asker.join()
    assert not wrong


def run_python(code, **environment):
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        timeout=300,
        env=os.environ | environment,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.split()


SMALL = """
import numpy as np
from pellucid import Dense, NeuralNetwork
x = np.arange(60.0).reshape(20, 3) % 7
y = np.arange(20) % 2

def fitted(seed=0, engine="auto"):
    net = NeuralNetwork([Dense(8, "tanh"), Dense(2)], loss="cross_entropy", seed=seed)
    net.fit(x, y, epochs=3, progress=False, engine=engine)
    return net
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork on this system")
def test_a_forked_child_trains_after_its_parent():
    code = SMALL + (
        "import os\n"
        "fitted()\n"
        "child = os.fork()\n"
        "if child == 0:\n"
        "    net = fitted(1, 'compiled')\n"
        "    os._exit(0 if np.isfinite(net.weights).all() else 1)\n"
        "print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))\n"
    )
    assert run_python(code) == ["0"]


def test_joblib_workers_train():
    code = SMALL + (
        "import joblib\n"
        "weights = joblib.Parallel(n_jobs=2)(\n"
        "    joblib.delayed(fitted)(seed) for seed in (0, 0, 1)\n"
        ")\n"
        "print(*(net.weights.tobytes().hex() for net in weights), fitted().weights"
        ".tobytes().hex())\n"
    )
    first, again, other, here = run_python(code)
    assert first == again == here != other


@pytest.mark.parametrize(
    ("hidden", "reason"),
    [
        ({"NUMBA_DISABLE_JIT": "1"}, "NUMBA_DISABLE_JIT"),
        ({"HIDE": "numba"}, "Numba"),
    ],
)
def test_without_what_it_needs_the_readable_engine_runs(hidden, reason):
    code = (
        "import importlib.util, os, sys\n"
        "hidden, find = os.environ.get('HIDE'), importlib.util.find_spec\n"
        "importlib.util.find_spec = (\n"
        "    lambda n, p=None: None if n == hidden else find(n, p)\n"
        ")\n"
        "sys.modules.update({hidden: None} if hidden else {})\n"
    )
    code += SMALL + (
        "net = fitted()\n"
        "print(net.history.engine.replace(' ', '_'), net.predict(x).shape[0])\n"
        "print(net.evaluate(x, y)['loss'] > 0)\n"
    )
    engine, rows, positive = run_python(code, **hidden)
    assert engine.startswith("readable:")
    assert reason in engine
    assert (rows, positive) == ("20", "True")


def test_asked_for_where_it_cannot_run_it_says_why(monkeypatch):
    monkeypatch.setenv("NUMBA_DISABLE_JIT", "1")
    from pellucid import ConfigurationError

    with pytest.raises(ConfigurationError, match=r"cannot run .* NUMBA_DISABLE_JIT"):
        trained()


@pytest.mark.skipif(sys.platform == "win32", reason="no SIGINT between processes")
def test_the_first_slice_is_short_however_slow_a_step_is():
    """Ctrl-C is seen after one batch, because no slice is longer than about 30 ms."""
    net = NeuralNetwork([Dense(1500, "relu"), Dense(3)], loss="cross_entropy")
    seen = []

    def stop(run):
        seen.append(run.step)
        run.stop("seen")

    from pellucid import Call

    x = R.normal(size=(4000, 300)).astype(np.float32)
    y = np.arange(4000) % 3
    net.fit(
        x,
        y,
        epochs=50,
        batch_size=2000,
        callbacks=[Call(stop, every=1)],
        engine="compiled",
        progress=False,
    )
    assert seen == [1]
    slices = []
    from pellucid.engines.compiled import training as module

    real = module.CompiledSession.advance

    def counted(self, step, count, seconds=module.SLICE):
        outcome = real(self, step, count, seconds)
        slices.append(len(outcome.losses))
        return outcome

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module.CompiledSession, "advance", counted)
        net.fit(x, y, iterations=4, batch_size=2000, engine="compiled", progress=False)
    assert slices[0] == 1
    assert sum(slices) == 4
