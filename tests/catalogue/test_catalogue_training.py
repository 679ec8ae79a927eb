"""Failures while a network learns: numbers, batches, callbacks, Ctrl-C, clocks."""

import os
import signal
import threading
import time

import numpy as np
import pytest

import pellucid
from pellucid import (
    Adam,
    BatchNorm,
    Call,
    Checkpoint,
    Dense,
    GradientDescent,
    GradientWarning,
    InterruptedWarning,
    NeuralNetwork,
    NonFiniteError,
    TimeLimit,
)
from pellucid.augmentations import Augmentation
from pellucid.data.table import stream
from snapshots import bits

QUICK = {"epochs": 1, "progress": False}
both_engines = pytest.mark.usefixtures("engine")


@both_engines
def test_nan_or_infinity_in_loss_or_weights(x, y, refused):
    """Ends in that batch; epoch, batch and layer are named; finite weights stay."""
    layers = [Dense(4, "relu"), Dense(2)]
    net, shorter = (NeuralNetwork(layers, loss="cross_entropy") for _ in range(2))
    x[9] = 1e30  # in the third batch
    plan = {"batch_size": 4, "shuffle": False, "optimizer": GradientDescent(0.5)}
    net.build(3)
    net.parameters["dense_1.W"] = np.abs(net.parameters["dense_1.W"]) * 1e10
    shorter.build(3)
    shorter.weights = net.weights
    refused(
        lambda: net.fit(x, y, epochs=2, **plan),
        *("Epoch 1, batch 3 (iteration 3)", "dense_1.z", "last finite weights"),
        *("learning rate ten times smaller (now 0.5)", "clip_norm", "standardize"),
        kind=NonFiniteError,
    )
    shorter.fit(x, y, iterations=2, **plan)
    assert bits(net.weights) == bits(shorter.weights)
    assert np.isfinite(net.weights).all()


def test_best_weights_are_kept_when_numbers_are_not_finite(x, y, classifier):
    net = classifier()
    losses = []

    def spoil(run):
        losses.append(run.history.validation[-1])
        if run.epoch == 3:
            run.network.weights[...] = 3e38

    with pytest.raises(NonFiniteError, match=r"the weights of epoch \d, the best so f"):
        net.fit(x, y, epochs=9, validation=(x, y), callbacks=spoil, progress=False)
    assert net.evaluate(x, y)["loss"] == min(losses)


@both_engines
def test_exploding_gradients(x, y):
    """A limit on their length, the length in the history, a warning, and a finding.

    They are about an epoch whose gradient was a thousand times the usual one.
    """
    net = NeuralNetwork([Dense(1)], loss="mean_squared_error")
    limited = Adam(clip_norm=1.0)

    def explode(run):
        if run.epoch == 6:
            run.network.parameters["dense_1.b"] = [1e5]

    plan = {"epochs": 10, "callbacks": explode, "progress": False}
    with pytest.warns(GradientWarning, match="In epoch 7 the gradient was .*clip_no"):
        history = net.fit(x, x[:, 0], optimizer=limited, **plan)
    net.fit(x, x[:, 0], optimizer=limited, resume=True, **plan)  # told once
    usual = float(np.median(history.gradient_norm[:6]))
    assert max(history.gradient_norm) > 1e3 * usual
    told = str(net.diagnose(x, x[:, 0]))
    assert "In epoch 7 the gradient was" in told
    assert "clip_norm=1.0" in told


def test_batch_of_one_with_batch_norm(x, y, refused):
    """A last single row joins the batch before; batches of one are an error."""
    layers = [Dense(3), BatchNorm(), Dense(2)]
    net = NeuralNetwork(layers, loss="cross_entropy")
    net.fit(x[:17], y[:17], batch_size=4, **QUICK)
    assert len(net.history.iterations) == 4  # 4 + 4 + 4 + 5
    other = NeuralNetwork(layers, loss="cross_entropy")
    told = ("batch_norm_1", "at least two rows", "larger batch_size")
    refused(lambda: other.fit(x, y, batch_size=1, **QUICK), *told)


class Dies(Augmentation):
    """Works for some batches, and then no more."""

    asked = 0

    def apply(self, x, draws):
        Dies.asked += 1
        if Dies.asked == 3:
            raise ZeroDivisionError("the camera is gone")
        return x


class Shrinks(Augmentation):
    """Loses rows on the way."""

    def apply(self, x, draws):
        return x[:1]


@both_engines
def test_dead_loader(y, refused, write, monkeypatch):
    """An error where rows come from surfaces, and leaves a network that can be used."""
    monkeypatch.setattr(Dies, "asked", 0)
    x = np.random.default_rng(0).integers(0, 256, (40, 4, 4, 1), dtype=np.uint8)
    net = NeuralNetwork(
        [pellucid.Rescale(), pellucid.Flatten(), Dense(2)], loss="cross_entropy"
    )
    threads = threading.active_count()
    with pytest.raises(ZeroDivisionError, match="the camera is gone") as found:
        net.fit(x, y, augment=Dies(), batch_size=4, epochs=2, progress=False)
    assert "in augment, epoch 1, batch 3" in found.value.__notes__
    assert threading.active_count() == threads
    assert np.isfinite(net.predict_proba(x)).all()
    net.fit(x, y, **QUICK)
    refused(lambda: net.fit(x, y, augment=Shrinks(), **QUICK), "Shrinks()", "same sha")
    kinds = {"a": "number", "b": "number"}
    # A file that goes wrong in the middle of a stream says where.
    path = write("a,b\n" + "1,2\n" * 50 + "1,2,3\n" + "1,2\n" * 50)
    refused(lambda: list(stream(path, kinds, rows=10)), "line 52 has 3 cells")


def test_iterator_in_place_of_data(x, y, classifier, refused):
    net = classifier()
    refused(lambda: net.fit(iter(x), y, **QUICK), "x is an iterator", "np.array(list(")
    refused(lambda: net.fit(x, map(int, y), **QUICK), "y is an iterator, map")


class Fussy(pellucid.Callback):
    """A callback that raises."""

    def call(self, run):
        raise RuntimeError("no")

    def __repr__(self):
        return "Fussy()"


@both_engines
def test_hooks_and_callbacks_that_raise(x, y, classifier):
    """The error names the callback; training goes on from there if asked to."""
    net, undisturbed = classifier(), classifier()
    with pytest.raises(RuntimeError, match="no") as found:
        net.fit(x, y, epochs=3, callbacks=Fussy(), progress=False)
    assert "in the callback Fussy(), call" in found.value.__notes__
    assert np.isfinite(net.predict_proba(x)).all()
    net.fit(x, y, epochs=3, resume=True, progress=False)
    undisturbed.fit(x, y, epochs=3, progress=False)
    assert bits(net.weights) == bits(undisturbed.weights)


# ---- Ctrl-C


def pressing(step, *signals):
    """Return a callback that sends signals after an iteration."""

    def press(run):
        if run.step == step:
            for each in signals:
                signal.raise_signal(each)

    return Call(press, every=1)


@both_engines
def test_ctrl_c_in_fit(x, y, classifier, tmp_path):
    """The batch is finished, the best weights stay, a checkpoint is written."""
    path = tmp_path / "net.pellucid"
    plan = {"epochs": 6, "batch_size": 10, "validation": (x, y), "progress": False}
    net, undisturbed = classifier(), classifier()
    calls = [Checkpoint(path), pressing(9, signal.SIGINT)]
    with pytest.warns(InterruptedWarning, match="after 9 of 24 iterations.* best ep"):
        history = net.fit(x, y, callbacks=calls, **plan)
    assert (history.interrupted, net.training.step) == (True, 9)
    assert net.evaluate(x, y)["loss"] == min(history.validation)
    again = pellucid.load(path)
    again.fit(x, y, resume=True, **plan)
    undisturbed.fit(x, y, **plan)
    assert bits(again.weights) == bits(undisturbed.weights)


def test_second_ctrl_c_in_fit(x, y, classifier):
    """Stops at once, and leaves a network that can be used."""
    net = classifier()
    twice = pressing(2, signal.SIGINT, signal.SIGINT)
    with pytest.raises(KeyboardInterrupt):
        net.fit(x, y, epochs=9, callbacks=twice, progress=False)
    assert np.isfinite(net.predict_proba(x)).all()
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_ctrl_c_in_fit_of_an_estimator(x, y, monkeypatch):
    """A warning, and an estimator that can be used."""
    from pellucid.estimators import NeuralNetworkClassifier
    from pellucid.training.loop import Fit

    real = Fit._end_epoch

    def press(self):
        real(self)
        if self.run.epoch == 3:
            signal.raise_signal(signal.SIGINT)

    monkeypatch.setattr(Fit, "_end_epoch", press)
    monkeypatch.setattr(Fit, "_epochs_pass_quietly", lambda self: False)
    estimator = NeuralNetworkClassifier((4,), epochs=50, random_state=0)
    with pytest.warns(InterruptedWarning, match="after 3 of 50 iterations"):
        estimator.fit(x, y)
    assert estimator.n_iter_ == 3
    assert estimator.predict(x).shape == y.shape
    assert estimator.network_.history.interrupted


@pytest.mark.parametrize("presses", [1, 2])
def test_ctrl_c_while_saving(x, y, classifier, tmp_path, monkeypatch, presses):
    """The file is complete, the old or the new one, and nothing lies beside it."""
    path, real = tmp_path / "net.pellucid", os.fsync
    net, moments = classifier(), []

    def press(handle):
        moments.append(handle)
        if len(moments) == 5:  # each checkpoint synchronizes the file and the folder
            for _ in range(presses):
                signal.raise_signal(signal.SIGINT)
        real(handle)

    monkeypatch.setattr(os, "fsync", press)
    ends = pytest.warns(InterruptedWarning)
    ends = ends if presses == 1 else pytest.raises(KeyboardInterrupt)
    with ends:
        net.fit(x, y, epochs=9, callbacks=Checkpoint(path), progress=False)
    assert [each.name for each in tmp_path.iterdir()] == ["net.pellucid"]
    again = pellucid.load(path)
    again.fit(x, y, epochs=9, resume=True, progress=False)
    undisturbed = classifier()
    undisturbed.fit(x, y, epochs=9, progress=False)
    assert bits(again.weights) == bits(undisturbed.weights)


@pytest.mark.skipif(os.name == "nt", reason="there SIGTERM ends a process at once")
def test_sigterm_in_fit(x, y, classifier, tmp_path):
    """As Ctrl-C, and then the program ends as it was told to."""
    path = tmp_path / "net.pellucid"
    net = classifier()
    calls = [Checkpoint(path), pressing(2, signal.SIGTERM)]
    with pytest.raises(SystemExit) as found:
        net.fit(x, y, epochs=9, callbacks=calls, progress=False)
    assert found.value.code == 128 + signal.SIGTERM
    assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL
    again = pellucid.load(path)
    assert again.training.step == net.training.step == 2
    assert again.training.history.interrupted
    again.fit(x, y, resume=True, progress=False)
    assert again.history.epochs == 9


@pytest.mark.skipif(os.name == "nt", reason="there SIGTERM ends a process at once")
def test_second_sigterm_in_fit(python, tmp_path):
    """Does not wait for the batch."""
    program = """
        import os, signal, sys
        import numpy as np
        from pellucid import Call, Checkpoint, Dense, NeuralNetwork

        def press(run):
            signal.raise_signal(signal.SIGTERM)
            signal.raise_signal(signal.SIGTERM)
            print("still here", flush=True)

        net = NeuralNetwork([Dense(1)], loss="mean_squared_error")
        net.fit(np.ones((4, 2)), np.ones(4), callbacks=Call(press), engine="readable")
    """
    assert python(program, status=-signal.SIGTERM).stdout == ""


# ---- clocks


def test_clock_that_steps_back(x, y, classifier, monkeypatch, tmp_path):
    """Only the clock that never steps back is read; files are not told by their time.

    It is the year 2038 and then 1970, and a checkpoint comes from the future.
    """
    times = iter([2.0**31, 0.0] * 10_000)
    monkeypatch.setattr(time, "time", lambda: next(times))
    monkeypatch.setattr(time, "time_ns", lambda: int(next(times) * 1e9))
    path = tmp_path / "net.pellucid"
    net = classifier()
    calls = [TimeLimit(600), Checkpoint(path, seconds=300)]
    history = net.fit(x, y, epochs=3, callbacks=calls, progress=False)
    assert (history.epochs, history.stopped) == (3, "")
    assert min(history.seconds) >= 0
    os.utime(path, (2.0**32, 2.0**32))
    net.fit(x, y, epochs=5, resume=True, callbacks=Checkpoint(path), progress=False)
    assert pellucid.load(path).history.epochs == 5
