import numpy as np
import pytest

import pellucid
from pellucid import (
    Call,
    Callback,
    Checkpoint,
    ConfigurationError,
    Dense,
    NeuralNetwork,
    RecordWeights,
    Report,
    TimeLimit,
)
from snapshots import snapshot

RNG = np.random.default_rng(0)
X, Y = RNG.normal(size=(11, 3)), RNG.normal(size=(11, 2))


def network():
    return NeuralNetwork([Dense(4, "tanh"), Dense(2)], loss="mean_squared_error")


class Diary(Callback):
    """Notes all that it is called for."""

    def __init__(self, every="epoch"):
        self.every, self.notes = every, []

    def begin(self, run):
        self.notes.append(("begin", run.step, run.epoch))

    def call(self, run):
        self.notes.append((run.step, run.epoch, len(run.history.iterations)))

    def end(self, run):
        self.notes.append(("end", run.step, run.epoch, run.reason))


def test_callbacks_after_each_epoch():
    diary = Diary()
    network().fit(X, Y, epochs=3, batch_size=4, callbacks=[diary])
    assert diary.notes == [
        ("begin", 0, 0),
        (3, 1, 3),
        (6, 2, 6),
        (9, 3, 9),
        ("end", 9, 3, ""),
    ]


@pytest.mark.parametrize("every", [1, 2, 4, 100])
def test_callbacks_after_so_many_iterations(every):
    diary = Diary(every)
    network().fit(X, Y, epochs=3, batch_size=4, callbacks=[diary])
    steps = [note[0] for note in diary.notes[1:-1]]
    assert steps == list(range(every, 10, every))
    assert [note[2] for note in diary.notes[1:-1]] == steps


def test_several_callbacks_with_their_own_frequencies():
    often, seldom, epochs = Diary(2), Diary(5), Diary()
    seen = []
    callbacks = [often, seldom, epochs, lambda run: seen.append(run.step)]
    network().fit(X, Y, iterations=8, batch_size=4, callbacks=callbacks)
    assert [note[0] for note in often.notes[1:-1]] == [2, 4, 6, 8]
    assert [note[0] for note in seldom.notes[1:-1]] == [5]
    assert [note[0] for note in epochs.notes[1:-1]] == [3, 6, 8]
    assert seen == [3, 6, 8]


def test_one_callback_alone():
    seen = []
    network().fit(X, Y, epochs=2, callbacks=lambda run: seen.append(run.epoch))
    network().fit(X, Y, epochs=2, callbacks=Call(lambda run: seen.append(run.step), 1))
    assert seen == [1, 2, 1, 2]


def test_what_a_callback_sees():
    def look(run):
        assert run.network is net
        assert run.history is net.history
        assert (run.steps, run.epochs) == (6, 2)
        weights.append(run.network.weights.copy())
        predictions.append(run.network.predict(X))

    net, weights, predictions = network(), [], []
    net.fit(X, Y, epochs=2, batch_size=4, callbacks=look)
    assert (weights[0] != weights[1]).any()
    assert weights[1].tolist() == net.weights.tolist()
    assert predictions[1].tolist() == net.predict(X).tolist()


def test_a_callback_can_end_the_training():
    net = network()
    stop = Call(lambda run: run.step == 4 and run.stop("enough seen"), every=1)
    diary = Diary()
    history = net.fit(X, Y, epochs=3, batch_size=4, callbacks=[stop, diary])
    assert history.stopped == "enough seen"
    assert not history.interrupted
    assert (net.training.step, history.epochs) == (4, 1)
    assert diary.notes[-1] == ("end", 4, 1, "enough seen")
    history = net.fit(X, Y, epochs=2, callbacks=lambda run: run.stop(""))
    assert (history.epochs, history.stopped) == (1, "by a callback")
    net.fit(X, Y, epochs=2, callbacks=lambda run: run.stop(ValueError("x")))
    assert net.history.stopped == "x"


def boom(run):
    raise ZeroDivisionError("boom")


class Broken(Callback):
    """Raises where it is told to."""

    def __init__(self, where):
        self.where = where

    def __repr__(self):
        return f"Broken({self.where!r})"

    def _raise(self, where):
        if where == self.where:
            raise ZeroDivisionError("boom")

    def begin(self, run):
        self._raise("begin")

    def call(self, run):
        self._raise("call")

    def end(self, run):
        self._raise("end")


@pytest.mark.parametrize("where", ["begin", "call", "end"])
def test_errors_of_callbacks_carry_their_name(where):
    net, diary = network(), Diary()
    with pytest.raises(ZeroDivisionError, match="boom") as caught:
        net.fit(X, Y, epochs=2, callbacks=[diary, Broken(where)])
    assert caught.value.__notes__ == [f"in the callback Broken({where!r}), {where}"]
    assert diary.notes[-1][0] == "end"
    assert np.isfinite(net.weights).all()
    net.fit(X, Y, epochs=1)


def test_all_callbacks_end_also_when_one_cannot(tmp_path):
    """Else a checkpoint would stay claimed, and the next training be refused it."""
    diary, save = Diary(), Checkpoint(tmp_path / "net")
    for _ in range(2):
        with pytest.raises(ZeroDivisionError, match="boom"):
            network().fit(X, Y, epochs=1, callbacks=[Broken("end"), save, diary])
        assert diary.notes[-1][0] == "end"
    assert [each.name for each in tmp_path.iterdir()] == ["net"]


def test_errors_of_functions_carry_their_name():
    with pytest.raises(ZeroDivisionError) as caught:
        network().fit(X, Y, epochs=2, callbacks=[boom])
    assert caught.value.__notes__ == ["in the callback boom, call"]


@pytest.mark.parametrize("every", [1, 2, 3, "epoch"])
def test_after_the_error_of_a_callback_training_can_be_resumed(every):
    undisturbed, net = network(), network()
    plan = {"epochs": 3, "batch_size": 4, "validation": 0.2}
    undisturbed.fit(X, Y, **plan)
    with pytest.raises(ZeroDivisionError):
        net.fit(X, Y, callbacks=Call(boom, every), **plan)
    net.fit(X, Y, resume=True, **plan)
    assert snapshot(net) == snapshot(undisturbed)


def test_after_the_error_of_a_metric_training_can_be_resumed():
    calls = []

    def moody(y, y_hat):
        calls.append(1)
        if len(calls) == 2:
            raise ZeroDivisionError("boom")
        return 1.0

    undisturbed, net = network(), network()
    plan = {"epochs": 3, "batch_size": 4, "validation": 0.2}
    undisturbed.fit(X, Y, metrics=["mae", lambda y, y_hat: 1.0], **plan)
    with pytest.raises(ZeroDivisionError):
        net.fit(X, Y, metrics=["mae", moody], **plan)
    net.fit(X, Y, resume=True, metrics=["mae", moody], **plan)
    assert net.history.loss == undisturbed.history.loss
    assert net.history.metrics["mae"] == undisturbed.history.metrics["mae"]
    assert net.weights.tolist() == undisturbed.weights.tolist()


@pytest.mark.parametrize(
    ("callbacks", "message"),
    [
        (3, "Expected a list of callbacks, got 3"),
        (None, "Expected a list of callbacks, got None"),
        ([3], "Expected a callback or a function of the run, got 3"),
        ([Report], "Expected a callback or a function of the run, got <class"),
        ([Report(every=0)], "every=0; expected 'epoch' or a number of iterations"),
        ([Report(every="iteration")], "every='iteration'; expected 'epoch' or a numb"),
        ([Report(every=True)], "every=True; expected 'epoch' or a number"),
        ([Call(boom, every=1.5)], "boom has every=1.5; expected 'epoch'"),
    ],
)
def test_callbacks_that_cannot_be(callbacks, message):
    with pytest.raises(ConfigurationError, match=message):
        network().fit(X, Y, epochs=1, callbacks=callbacks)


# -- those that come with pellucid -----------------------------------------------------


def test_report():
    lines = []
    net = network()
    net.fit(X, Y, epochs=2, validation=0.2, callbacks=Report(print=lines.append))
    history = net.history
    assert lines == [
        f"iteration {i + 1}/2: loss {history.iterations[i]:.6g}, "
        f"validation {history.validation[i]:.6g}"
        for i in range(2)
    ]
    lines.clear()
    net.fit(X, Y, iterations=9, batch_size=4, callbacks=Report(4, lines.append))
    assert [line.partition(":")[0] for line in lines] == [
        "iteration 4/9",
        "iteration 8/9",
    ]


def test_report_prints(capsys):
    network().fit(X, Y, epochs=2, callbacks=Report())
    assert capsys.readouterr().out.startswith("iteration 1/2: loss ")


def test_checkpoint(tmp_path):
    path = tmp_path / "net.pellucid"
    undisturbed, net = network(), network()
    plan = {"epochs": 3, "batch_size": 4}
    undisturbed.fit(X, Y, **plan)
    steps = []
    look = Call(lambda run: steps.append(pellucid.load(path).training.step), every=2)
    net.fit(X, Y, callbacks=[Checkpoint(str(path), every=2), look], **plan)
    assert steps == [2, 4, 6, 8]
    loaded = pellucid.load(path)
    loaded.fit(X, Y, resume=True, **plan)
    assert snapshot(loaded) == snapshot(undisturbed) == snapshot(net)


def test_time_limit():
    history = network().fit(X, Y, epochs=9, callbacks=TimeLimit(1e-9, every=1))
    assert history.stopped == "after 1e-09 seconds"
    assert len(history.iterations) == 1
    history = network().fit(X, Y, epochs=9, callbacks=TimeLimit(1e9, every=1))
    assert history.epochs == 9
    for seconds in (0, -1, "a", None):
        with pytest.raises(ConfigurationError, match="Expected seconds > 0, got"):
            TimeLimit(seconds)


def test_weights_are_recorded_from_the_first_on():
    record, net = RecordWeights(), network()
    seen = []
    watch = Call(lambda run: seen.append(run.network.parameters["dense_1.W"].copy()))
    net.fit(X, Y, epochs=3, batch_size=4, callbacks=[record, watch])
    assert record.steps == [0, 3, 6, 9]
    assert list(record.weights) == list(net.parameters)
    first = NeuralNetwork(net.layers, loss=net.loss, input_shape=3)
    kept = record.weights["dense_1.W"]
    np.testing.assert_array_equal(kept[0], first.parameters["dense_1.W"].ravel())
    for found, wanted in zip(kept[1:], seen, strict=True):
        np.testing.assert_array_equal(found, wanted.ravel())


def test_a_record_goes_on_with_the_training():
    record, net = RecordWeights(every=2), network()
    plan = {"epochs": 3, "batch_size": 4}
    stop = Call(lambda run: run.step == 4 and run.stop("paused"), every=1)
    net.fit(X, Y, callbacks=[record, stop], **plan)
    net.fit(X, Y, callbacks=record, resume=True, **plan)
    assert record.steps == [0, 2, 4, 6, 8]


def test_of_large_parameters_some_entries_are_recorded():
    record, net = RecordWeights(most=5), network()
    net.fit(X, Y, epochs=1, callbacks=record)
    wanted = net.parameters["dense_1.W"].ravel()[::3]
    np.testing.assert_array_equal(record.weights["dense_1.W"][-1], wanted)
    assert record.weights["dense_2.b"][-1].size == 2
    with pytest.raises(ConfigurationError, match="most >= 1, got 0"):
        RecordWeights(most=0)
