"""Failures of pickles and of memory."""

import copy
import pickle
import tracemalloc

import numpy as np
import pytest
from sklearn.base import clone

import pellucid
from pellucid import BatchNorm, Conv2D, Dense, Flatten, NeuralNetwork
from pellucid.errors import ConfigurationError, PickleVersionWarning
from pellucid.estimators import NeuralNetworkClassifier, NeuralNetworkRegressor

QUICK = {"epochs": 1, "progress": False}


def test_pickle_of_networks(x, y, classifier):
    """Before and after fit; what belongs to a process stays out."""
    fresh = classifier()
    assert repr(pickle.loads(pickle.dumps(fresh))) == repr(fresh)
    net = classifier()
    calls = [lambda run: None]  # which no pickle can hold
    net.fit(x, y, callbacks=calls, **QUICK)
    net.predict(x)
    again = pickle.loads(pickle.dumps(net))
    assert (again.predict_proba(x) == net.predict_proba(x)).all()
    again.fit(x, y, epochs=3, resume=True, progress=False)
    net.fit(x, y, epochs=3, resume=True, progress=False)
    assert (again.weights == net.weights).all()
    assert (copy.deepcopy(net).weights == net.weights).all()


@pytest.mark.parametrize("kind", [NeuralNetworkClassifier, NeuralNetworkRegressor])
def test_pickle_and_clone_of_estimators(x, y, kind):
    made = kind((4,), epochs=2, random_state=0)
    assert clone(made).get_params() == made.get_params()
    assert pickle.loads(pickle.dumps(made)).get_params() == made.get_params()
    made.fit(x, y)
    again = pickle.loads(pickle.dumps(made))
    assert (again.predict(x) == made.predict(x)).all()
    assert not hasattr(clone(made), "network_")


def test_pickle_of_another_version(x, y, classifier, monkeypatch):
    """A warning that names both versions and the safe way."""
    net = classifier()
    net.fit(x, y, **QUICK)
    with monkeypatch.context() as older:
        older.setattr("pellucid.network.__version__", "0.0.7")
        content = pickle.dumps(net)
    told = (
        rf"pickled by pellucid 0\.0\.7, and this is {pellucid.__version__}.*net\.save"
    )
    with pytest.warns(PickleVersionWarning, match=told):
        again = pickle.loads(content)
    assert (again.weights == net.weights).all()


def test_memory_blow_up_is_refused_before_it_happens():
    """The size is said, and which layer wants it."""
    for units, told in (
        (10**6, "1,000,005,000,000 numbers, 3.6 TiB"),
        (10**12, "dense_2.W alone has 1,000,000,000,000,000,000,000,000"),
    ):
        tracemalloc.start()
        try:
            with pytest.raises(ConfigurationError, match="more than this machine") as e:
                NeuralNetwork(
                    [Dense(units), Dense(units)], loss="cross_entropy", input_shape=3
                )
            assert tracemalloc.get_traced_memory()[1] < 10**6
        finally:
            tracemalloc.stop()
        assert told in str(e.value)


def test_memory_of_more_than_two_billion_numbers():
    """Places beyond 2^31 are counted as they are."""
    net = NeuralNetwork([Dense(2)], loss="cross_entropy", input_shape=3)
    slots = {
        "one.W": pellucid.Slot((2**20, 2**12), None),
        "two.b": pellucid.Slot((7,), None, "bias"),
    }
    layout = type(net.blueprint.layout)(slots)
    assert layout.size == 2**32 + 7
    assert layout.entries["two.b"].start == 2**32
    shape = (2**31 + 5, 3)
    rows = np.broadcast_to(np.float32(0.5), shape)
    assert rows.size > 2**32
    with pytest.raises(pellucid.DataError, match=r"has shape \(2147483653, 3\), but"):
        NeuralNetwork([Dense(2)], loss="cross_entropy", input_shape=4).predict(rows)


@pytest.mark.parametrize("engine", ["readable", "auto"])
def test_memory_of_predictions_does_not_grow_with_the_rows(engine):
    """Images are predicted in batches: windows of all rows at once would be 9 times."""
    layers = [Conv2D(8, 3), BatchNorm(), "relu", Flatten(), Dense(2)]
    net = NeuralNetwork(layers, loss="cross_entropy", input_shape=(16, 16, 4))
    x = np.zeros((5000, 16, 16, 4), dtype=np.float32)
    net.predict_proba(x[:2500], engine=engine)  # makes what is made once
    peaks = []
    for rows in (2500, 5000):
        tracemalloc.start()
        try:
            net.predict_proba(x[:rows], engine=engine)
            peaks.append(tracemalloc.get_traced_memory()[1])
        finally:
            tracemalloc.stop()
    assert abs(peaks[1] - peaks[0]) < 1e6


def test_memory_of_training(python):
    """At most the data once more and six vectors of weights."""
    pytest.importorskip("resource")
    program = """
        import resource, sys
        import numpy as np
        from pellucid import Dense, NeuralNetwork

        def peak():
            unit = 1 if sys.platform == "darwin" else 1024
            return unit * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss

        x = np.random.default_rng(0).standard_normal((300_000, 20), dtype=np.float32)
        y = np.arange(len(x)) % 2
        net = NeuralNetwork([Dense(8), Dense(2)], loss="cross_entropy", input_shape=20)
        net.fit(x[:99], y[:99], epochs=1, progress=False)
        before = peak()
        net.fit(x, y, epochs=1, batch_size=256, progress=False)
        print(peak() - before, x.nbytes + y.nbytes)
    """
    grown, data = map(int, python(program).stdout.split())
    assert grown < data + 8e6


def test_pickles_are_no_model_files(x, y, classifier, tmp_path):
    """Reading a model file never unpickles."""
    path = tmp_path / "net.pellucid"
    path.write_bytes(pickle.dumps(classifier()))
    with pytest.raises(pellucid.ModelFileError):
        pellucid.load(path)
