"""Failures of threads and processes, and of what they share."""

import os
import random
import tempfile
import threading
import time
from pathlib import Path

import numpy as np
import pytest

from pellucid import BatchNorm, Dense, NeuralNetwork
from pellucid.engines import missing_for_compiled
from snapshots import bits

both_engines = pytest.mark.usefixtures("engine")
compiled = pytest.mark.skipif(bool(missing_for_compiled()), reason="no compiled engine")

R = np.random.default_rng(0)
MANY = R.normal(size=(700, 54)).astype(np.float32)
KINDS = R.integers(0, 7, 700)


def large(seed=0, **settings):
    """Train a network that is worth several threads."""
    layers = [Dense(256, "relu"), Dense(128, "relu"), Dense(7)]
    net = NeuralNetwork(layers, loss="cross_entropy", seed=seed)
    settings = {"epochs": 1, "batch_size": 256, "progress": False} | settings
    net.fit(MANY, KINDS, **settings)
    return net


def at_once(*functions):
    """Call functions in a thread each; return their results in order."""
    results, errors = [None] * len(functions), []

    def work(place):
        try:
            results[place] = functions[place]()
        except Exception as error:
            errors.append(error)

    workers = [threading.Thread(target=work, args=(n,)) for n in range(len(functions))]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(60)
        assert not worker.is_alive()
    assert errors == []
    return results


@both_engines
def test_threads_concurrent_predict(x, y, classifier):
    """One fitted network answers many threads, each as if it were alone."""
    net = classifier()
    net.fit(x, y, epochs=1, progress=False)
    wanted = [net.predict_proba(x[:rows]).tobytes() for rows in (1, 7, 40)]

    def ask():
        for _ in range(20):
            for rows, answer in zip((1, 7, 40), wanted, strict=True):
                assert net.predict_proba(x[:rows]).tobytes() == answer

    at_once(ask, ask, ask, ask)


@compiled
def test_threads_concurrent_fit():
    """Networks may train at the same time, with several threads each."""
    wanted = [bits(large(seed).weights) for seed in (1, 2)]
    found = at_once(
        lambda: bits(large(1, threads=2).weights),
        lambda: bits(large(2, threads=2).weights),
    )
    assert found == wanted


SMALL = """
import os, sys
import numpy as np
from pellucid import Dense, NeuralNetwork

x = np.arange(60.0).reshape(20, 3) % 7
y = np.arange(20) % 2

def fitted(seed=0):
    net = NeuralNetwork([Dense(8, "tanh"), Dense(2)], loss="cross_entropy", seed=seed)
    net.fit(x, y, epochs=2, progress=False)
    return net
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
def test_fork_after_training(python):
    """A forked child, and the workers of a search, train as their parent did."""
    program = f"""{SMALL}
wanted = fitted().weights.tobytes()
child = os.fork()
if child == 0:
    os._exit(0 if fitted().weights.tobytes() == wanted else 1)
print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))

import multiprocessing
with multiprocessing.get_context("fork").Pool(2) as pool:
    found = [net.weights.tobytes() for net in pool.map(fitted, [0, 0])]
print(found == [wanted] * 2)
"""
    assert python(program).stdout.split() == ["0", "True"]


def test_fork_in_a_grid_search(x, y):
    """GridSearchCV(n_jobs=2) in forks finds what n_jobs=1 does."""
    import joblib
    from sklearn.model_selection import GridSearchCV

    from pellucid.estimators import NeuralNetworkClassifier

    found = []
    for jobs in (1, 2):
        search = GridSearchCV(
            NeuralNetworkClassifier((4,), epochs=3, random_state=0),
            {"learning_rate": [0.01, 0.1]},
            cv=2,
            n_jobs=jobs,
        )
        with joblib.parallel_config(backend="multiprocessing"):
            search.fit(x, y)
        found.append(search.cv_results_["mean_test_score"].tolist())
        found.append(search.predict_proba(x).tolist())
    assert found[:2] == found[2:]


@compiled
def test_nested_parallelism(monkeypatch):
    """One setting of threads, which never exceeds what the process was given."""
    from pellucid.engines.compiled import machine

    most = []
    real = threading.Thread.start
    before = threading.active_count()

    def started(self):
        real(self)
        most.append(threading.active_count() - before + 1)

    monkeypatch.setattr(threading.Thread, "start", started)
    large(threads=1)
    assert most == []
    large(threads=2)
    assert max(most, default=1) <= 2
    # What joblib and others say of the share of this process is heard.
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    assert machine.available() == 1
    most.clear()
    large()
    assert most == []


@compiled
def test_non_determinism_by_threads():
    """The same bits for any number of threads."""
    one, two, four = (bits(large(threads=n).weights) for n in (1, 2, 4))
    assert one == two == four


def test_non_determinism_by_batch(x, y):
    """A row has the same answer in any batch, to rounding, also after BatchNorm."""
    layers = [Dense(4, "tanh"), BatchNorm(), Dense(2)]
    net = NeuralNetwork(layers, loss="cross_entropy")
    net.fit(x, y, epochs=1, progress=False)
    alone = np.concatenate([net.predict_proba(x[n : n + 1]) for n in range(40)])
    np.testing.assert_allclose(alone, net.predict_proba(x), atol=1e-6)
    order = np.random.default_rng(0).permutation(40)
    again = net.predict_proba(x[order])
    np.testing.assert_allclose(again, net.predict_proba(x)[order], atol=1e-6)


def test_hash_seed_and_locale(python):
    """Neither the seed of hashes nor a country changes a bit."""
    program = f"{SMALL}\nprint(fitted().weights.tobytes().hex())"
    found = {
        python(
            program, PYTHONHASHSEED=seed, LC_ALL=country, NUMBA_DISABLE_JIT="1"
        ).stdout
        for seed, country in (("1", "C"), ("2", "de_DE.UTF-8"))
    }
    assert len(found) == 1


@pytest.fixture
def own_random_numbers():
    """Put the random numbers of the whole process back after a test that seeds them."""
    before = random.getstate(), np.random.get_state()  # noqa: NPY002
    yield
    random.setstate(before[0])
    np.random.set_state(before[1])  # noqa: NPY002


@pytest.mark.usefixtures("own_random_numbers")
def test_global_state(x, y, classifier, tmp_path):
    """Nothing of the process is read or changed.

    Not random numbers, NumPy's error state, warnings, thread counts, environment,
    working folder. (tests/conftest.py looks at most of it around every test.)
    """
    from pellucid.estimators import NeuralNetworkClassifier

    folder, environment = os.getcwd(), dict(os.environ)  # noqa: PTH109
    answers = []
    for seed in (1, 2):
        np.random.seed(seed)  # noqa: NPY002 - to see that nobody reads it
        random.seed(seed)
        before = random.getstate(), np.random.get_state()[1].tobytes()  # noqa: NPY002
        net = classifier()
        net.fit(x, y, epochs=2, validation=0.2, progress=False)
        net.save(tmp_path / "net.pellucid")
        NeuralNetworkClassifier(epochs=1).fit(x, y)
        answers.append(bits(net.weights))
        after = random.getstate(), np.random.get_state()[1].tobytes()  # noqa: NPY002
        assert before == after
    assert answers[0] == answers[1]
    assert os.getcwd() == folder  # noqa: PTH109
    assert dict(os.environ) == environment


# ---- the compiled engine where it cannot be


@pytest.mark.parametrize(
    ("hidden", "note"),
    [({"NUMBA_DISABLE_JIT": "1"}, "NUMBA_DISABLE_JIT"), ({"HIDE": "numba"}, "Numba")],
)
def test_cold_numba_without_it(python, hidden, note):
    """NumPy takes over, with one note, and the same numbers to rounding."""
    hide = """
import importlib.util, os, sys
hidden, find = os.environ.get("HIDE"), importlib.util.find_spec
importlib.util.find_spec = lambda n, p=None: None if n == hidden else find(n, p)
sys.modules.update({hidden: None} if hidden else {})
"""
    told = "net = fitted(); print(net.history.engine); print(*net.weights.tolist())"
    done = python(hide + SMALL + told, **hidden)
    engine, weights = done.stdout.splitlines()
    assert engine.startswith("readable: ")
    assert note in engine
    assert done.stderr == ""
    x, y = np.arange(60.0).reshape(20, 3) % 7, np.arange(20) % 2
    net = NeuralNetwork([Dense(8, "tanh"), Dense(2)], loss="cross_entropy")
    net.fit(x, y, epochs=2, progress=False)
    found = np.array(weights.split(), float)
    np.testing.assert_allclose(net.weights, found, atol=1e-6)


def test_cold_numba_that_is_too_old(monkeypatch, classifier, x, y):
    """As without it; what pyproject.toml asks for is what is looked for."""
    from pellucid import engines

    project = (Path(__file__).parents[2] / "pyproject.toml").read_text("utf-8")
    oldest = ".".join(map(str, engines.OLDEST_NUMBA))
    assert f'"numba>={oldest};' in project
    monkeypatch.delenv("NUMBA_DISABLE_JIT", raising=False)
    monkeypatch.setattr(engines, "_numba_version", lambda: "0.59.1")
    told = f"readable: Numba 0.59.1 is too old; {oldest} or later is needed"
    assert classifier().fit(x, y, epochs=1, progress=False).engine == told


@compiled
def test_cold_numba_cache_that_cannot_be_written(tmp_path, monkeypatch):
    """One warning that says what to do, and kernels are kept elsewhere."""
    from pellucid.engines.compiled import cache, library

    (tmp_path / "file").write_text("in the way")
    monkeypatch.setenv("PELLUCID_CACHE", str(tmp_path / "file"))
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr(tempfile, "tempdir", None)
    monkeypatch.setattr(cache, "_loaded", {})
    cache.folder.cache_clear()
    try:
        with pytest.warns(
            UserWarning, match="cannot be written .* PELLUCID_CACHE"
        ) as w:
            assert cache.load(library.PRODUCT, 32)
        assert len(w) == 1
        assert list(tmp_path.glob("pellucid-kernels-*/kernel_*.py"))
    finally:
        cache.folder.cache_clear()


@compiled
def test_both_engines_agree(x, y):
    """To 1e-9 in float64."""
    found = []
    for engine in ("readable", "compiled"):
        layers = [Dense(8, "gelu"), Dense(2)]
        net = NeuralNetwork(layers, loss="cross_entropy", dtype="float64")
        net.fit(x, y, epochs=3, engine=engine, progress=False)
        found.append(net.weights)
    np.testing.assert_allclose(*found, rtol=1e-9, atol=1e-12)


def test_no_daemon_is_left(x, y, classifier):
    """Threads of a training end with it."""
    before = threading.active_count()
    large()
    classifier().fit(x, y, epochs=1, progress=False)
    deadline = time.monotonic() + 10
    while threading.active_count() > before and time.monotonic() < deadline:
        time.sleep(0.01)
    assert threading.active_count() == before
