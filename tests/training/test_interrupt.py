import signal
import subprocess
import sys
import threading
from contextlib import suppress

import numpy as np
import pytest

from pellucid import (
    Call,
    ConfigurationError,
    Dense,
    InterruptedWarning,
    Layer,
    NeuralNetwork,
    load,
)
from pellucid.training.interrupt import Interrupt
from snapshots import bits, snapshot

RNG = np.random.default_rng(0)
X, Y = RNG.normal(size=(20, 3)), RNG.normal(size=(20, 1))
XV, YV = RNG.normal(size=(20, 3)), RNG.normal(size=(20, 1))

pytestmark = pytest.mark.skipif(
    signal.getsignal(signal.SIGINT) is not signal.default_int_handler,
    reason="Ctrl-C is handled by another program",
)


def ctrl_c(*steps):
    """Return a callback that presses Ctrl-C after these iterations."""

    def press(run):
        for _ in range(steps.count(run.step)):
            signal.raise_signal(signal.SIGINT)

    return Call(press, every=1)


def network(*layers):
    return NeuralNetwork([*layers, Dense(4, "tanh"), Dense(1)], loss="huber")


def interrupted(net, step, **plan):
    with pytest.warns(InterruptedWarning) as caught:
        history = net.fit(X, Y, batch_size=4, callbacks=[ctrl_c(step)], **plan)
    assert history.interrupted
    assert history.stopped == "interrupted"
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    (warning,) = caught
    assert warning.filename == __file__
    return str(warning.message)


def test_the_first_ctrl_c_ends_the_training_after_the_batch():
    net, shorter = network(), network()
    message = interrupted(net, 7, epochs=4)
    assert message == (
        "Training was interrupted after 7 of 20 iterations; the network has the "
        "weights of the last. fit(..., resume=True) goes on."
    )
    shorter.fit(X, Y, iterations=7, batch_size=4)
    assert bits(net.weights) == bits(shorter.weights)
    assert net.training.step == len(net.history.iterations) == 7
    assert net.history.epochs == 1
    net.fit(X, Y, epochs=1)
    assert not net.history.interrupted


def test_the_best_weights_are_kept_and_training_can_go_on():
    net = network()
    plan = {"epochs": 6, "validation": (XV, YV), "optimizer": "momentum"}
    message = interrupted(net, 28, **plan)
    best = net.history.best_epoch
    assert f"weights of the best epoch {best}." in message
    assert net.evaluate(XV, YV)["loss"] == min(net.history.validation)
    net.fit(X, Y, batch_size=4, resume=True, **plan)
    undisturbed = network()
    undisturbed.fit(X, Y, batch_size=4, **plan)
    assert snapshot(net) == snapshot(undisturbed)


def test_resuming_needs_no_plan():
    net = network()
    interrupted(net, 3, epochs=4)
    history = net.fit(X, Y, batch_size=4, resume=True)
    assert (history.epochs, history.interrupted) == (4, False)


def test_a_warning_that_is_an_error_leaves_the_same():
    net = network()
    with pytest.raises(InterruptedWarning):
        net.fit(X, Y, epochs=4, batch_size=4, callbacks=[ctrl_c(7)])
    assert net.history.interrupted
    net.fit(X, Y, epochs=4, batch_size=4, resume=True)
    undisturbed = network()
    undisturbed.fit(X, Y, epochs=4, batch_size=4)
    assert snapshot(net) == snapshot(undisturbed)


def test_the_second_ctrl_c_stops_at_once():
    net = network()
    with pytest.raises(KeyboardInterrupt):
        net.fit(X, Y, epochs=4, batch_size=4, callbacks=[ctrl_c(7, 7)])
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    assert net.training.step == 7
    net.fit(X, Y, epochs=4, batch_size=4, resume=True)
    undisturbed = network()
    undisturbed.fit(X, Y, epochs=4, batch_size=4)
    assert snapshot(net) == snapshot(undisturbed)


# Python code runs within a batch in the readable engine only.
readable = pytest.mark.parametrize("engine", ["readable"], indirect=True)
PRESSES = []


class Pressing(Layer):
    """``y = x``, during whose backward Ctrl-C is pressed as often as PRESSES says."""

    def forward(self, x, p, memo):
        return x

    def backward(self, da, p, g, memo):
        for _ in range(PRESSES.pop(0) if PRESSES else 0):
            signal.raise_signal(signal.SIGINT)
        return da


@readable
def test_ctrl_c_within_a_batch(engine):
    PRESSES[:] = [0, 0, 1]
    net, shorter = network(Pressing()), network(Pressing())
    with pytest.warns(InterruptedWarning):
        net.fit(X, Y, epochs=4, batch_size=4, callbacks=Call(lambda run: None, every=1))
    assert net.training.step == 3
    shorter.fit(X, Y, iterations=3, batch_size=4)
    assert bits(net.weights) == bits(shorter.weights)


@readable
def test_the_second_ctrl_c_within_a_batch_leaves_usable_weights(engine):
    net, shorter = network(Pressing()), network(Pressing())
    PRESSES[:] = [0, 0, 2]
    with pytest.raises(KeyboardInterrupt):
        net.fit(X, Y, epochs=4, batch_size=4)
    PRESSES.clear()
    shorter.fit(X, Y, iterations=2, batch_size=4)
    assert bits(net.weights) == bits(shorter.weights)
    with pytest.raises(ConfigurationError, match="no training to resume"):
        net.fit(X, Y, epochs=4, batch_size=4, resume=True)
    net.partial_fit(X, Y)
    net.fit(X, Y, epochs=1)


def test_a_half_done_training_is_not_saved_as_if_it_could_go_on(tmp_path):
    net = network()
    net.fit(X, Y, epochs=1)
    net.training.resumable = False
    net.save(tmp_path / "net", checkpoint=True)
    with pytest.raises(ConfigurationError, match="no training to resume"):
        load(tmp_path / "net").fit(X, Y, resume=True)


@readable
def test_partial_fit_can_be_interrupted_and_resumed(engine):
    net, undisturbed = network(Pressing()), network(Pressing())
    for _ in range(2):
        undisturbed.partial_fit(X, Y, batch_size=4)
    net.partial_fit(X, Y, batch_size=4)
    PRESSES[:] = [0, 1]
    with pytest.warns(InterruptedWarning, match="after .* of 10 iterations"):
        net.partial_fit(X, Y, batch_size=4)
    net.fit(X, Y, batch_size=4, resume=True)
    assert snapshot(net) == snapshot(undisturbed)


def test_ctrl_c_after_the_last_iteration_loses_nothing():
    net, undisturbed = network(), network()
    interrupted(net, 20, epochs=4)
    undisturbed.fit(X, Y, epochs=4, batch_size=4)
    assert bits(net.weights) == bits(undisturbed.weights)
    assert net.history.loss == undisturbed.history.loss


def test_outside_the_main_thread_ctrl_c_is_left_alone():
    seen, errors = [], []

    def train():
        try:
            look = [lambda run: seen.append(signal.getsignal(signal.SIGINT))]
            network().fit(X, Y, epochs=2, callbacks=look)
        except BaseException as error:
            errors.append(error)

    thread = threading.Thread(target=train)
    thread.start()
    thread.join()
    assert errors == []
    assert seen == [signal.default_int_handler] * 2


def test_another_programs_handler_is_left_alone():
    pressed = []
    before = signal.signal(signal.SIGINT, lambda number, frame: pressed.append(number))
    try:
        own = signal.getsignal(signal.SIGINT)
        history = network().fit(X, Y, epochs=2, callbacks=[ctrl_c(1)])
        assert signal.getsignal(signal.SIGINT) is own
    finally:
        signal.signal(signal.SIGINT, before)
    assert pressed == [signal.SIGINT]
    assert not history.interrupted
    assert history.epochs == 2


def test_the_handler_is_restored_after_an_error():
    with pytest.raises(ZeroDivisionError):
        network().fit(X, Y, epochs=2, callbacks=[lambda run: 1 / 0])
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_an_interrupt_inside_another():
    with Interrupt() as outer:
        with Interrupt() as inner:
            signal.raise_signal(signal.SIGINT)
        assert (outer.asked, inner.asked) == (True, False)
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


# -- real signals, from another process ------------------------------------------------

PROGRAM = """
import time
import numpy as np
from pellucid import Call, Dense, Layer, NeuralNetwork

class Slow(Layer):
    def forward(self, x, p, memo):
        return x
    def backward(self, da, p, g, memo):
        time.sleep({seconds} * (going.steps > 0))
        return da

def going(run):
    going.steps = run.step
    if run.step == 1:
        print("going", flush=True)

going.steps = 0
x = np.arange(20.0).reshape(10, 2)
net = NeuralNetwork([Slow(), Dense(1)], loss="mean_squared_error")
history = net.fit(
    x, x[:, 0], epochs=10**7, batch_size=5, engine={engine!r}, callbacks=Call(going, 1)
)
print(history.interrupted, net.training.step == len(history.iterations) > 0)
print("finite", bool(np.isfinite(net.predict(x)).all()))
"""


def start(seconds, engine):
    program = PROGRAM.format(seconds=seconds, engine=engine)
    process = subprocess.Popen(
        [sys.executable, "-c", program],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout.readline() == "going\n"
    return process


def test_a_real_ctrl_c(engine):
    with start(0, engine) as process:
        process.send_signal(signal.SIGINT)
        output, errors = process.communicate(timeout=60)
    assert process.returncode == 0
    assert output.splitlines() == ["True True", "finite True"]
    assert "InterruptedWarning: Training was interrupted after" in errors


def test_two_real_ctrl_cs():
    """The second one does not wait for the batch, which takes a minute."""
    with start(60, "readable") as process:
        while process.poll() is None:
            process.send_signal(signal.SIGINT)
            with suppress(subprocess.TimeoutExpired):
                process.wait(0.05)
        output, errors = process.communicate()
    assert process.returncode in (-signal.SIGINT, 130)
    assert "finite" not in output
    assert "\nKeyboardInterrupt\n" in errors
