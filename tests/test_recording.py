import copy
import hashlib
import json
import os
import pickle
import signal
import struct
import subprocess
import sys
import tracemalloc
import warnings

import numpy as np
import pytest
import safetensors.numpy

import pellucid
from pellucid import (
    LBFGS,
    Adam,
    BatchNorm,
    Call,
    ConfigurationError,
    Cosine,
    DataError,
    Dense,
    Dropout,
    GradientDescent,
    ModelFileError,
    Momentum,
    NeuralNetwork,
    NonFiniteError,
    PellucidError,
    Recording,
    RecordingWarning,
    ReduceOnPlateau,
    WarmUp,
    load_recording,
)
from pellucid.trace import Step
from pellucid.training.recorder import Recorder
from snapshots import bits, snapshot

RNG = np.random.default_rng(0)
X, Y = RNG.normal(size=(13, 3)), np.arange(13) % 3
IMAGES = RNG.integers(0, 256, size=(13, 4, 4, 1)).astype(np.uint8)
ROWS, STEPS = 4, 14  # 3 iterations an epoch, since batch norm joins the single row


def network(dtype="float32", **settings):
    layers = [Dense(5, "tanh"), BatchNorm(), Dropout(0.3), Dense(3, "softmax")]
    return NeuralNetwork(layers, loss="cross_entropy", dtype=dtype, seed=3, **settings)


def image_network():
    layers = [pellucid.Conv2D(2, 3, "relu"), pellucid.Flatten(), Dense(3)]
    return NeuralNetwork(layers, loss="cross_entropy", seed=3)


PLANS = {
    "adam": {"optimizer": "adam"},
    "in order": {"optimizer": Momentum(0.1), "shuffle": False},
    "schedule": {"optimizer": Adam(WarmUp(3, Cosine(0.1)), clip_norm=1.0, l1=0.01)},
    "plateau": {"optimizer": Momentum(ReduceOnPlateau(0.5, 0.5, 1, 0.05))},
    "validation": {
        "optimizer": Adam(ReduceOnPlateau(0.1, 0.1, 1)),
        "validation": 0.3,
        "early_stopping": 2,
    },
    "average": {"optimizer": Adam(0.1, average=0.8), "callbacks": [lambda run: None]},
    "weights": {"sample_weight": np.linspace(0.1, 2, 13), "class_weight": "balanced"},
}
IMAGE_PLANS = {
    "bytes": {},
    "augmented": {"augment": [pellucid.Flip(), pellucid.Shift(0.2)]},
    "mixed": {"augment": [pellucid.Mixup()]},
}


def recorded(plan, record, net=None, data=(X, Y), **more):
    net = network() if net is None else net
    plan = {"batch_size": ROWS, "iterations": STEPS} | plan | more
    net.fit(*data, record=record, **plan)
    return net


def every_state(recording):
    return [
        (bits(recording.weights(i).vector), bits_of_memory(recording, i))
        for i in range(len(recording) + 1)
    ]


def bits_of_memory(recording, i):
    return {name: bits(w.vector) for name, w in recording.memory(i).items()}


def backwards(recording):
    """Return all states, asked for from the last to the first."""
    n = len(recording)
    found = [
        (bits(recording.weights(i).vector), bits_of_memory(recording, i))
        for i in range(n, -1, -1)
    ]
    return found[::-1]


# -- the same bits ---------------------------------------------------------------------


@pytest.mark.usefixtures("engine")
@pytest.mark.parametrize("name", PLANS)
def test_states_between_have_the_bits_they_had(name):
    plan = PLANS[name]
    plain = network()
    plain.fit(X, Y, batch_size=ROWS, iterations=STEPS, **plan)
    all_kept = recorded(plan, True)
    assert snapshot(all_kept) == snapshot(plain)
    n = plain.training.step
    assert all_kept.recording.kept == list(range(n))
    wanted = every_state(all_kept.recording)
    for every in (2, 5, 100):
        some = recorded(plan, every)
        assert snapshot(some) == snapshot(plain)
        assert some.recording.kept == list(range(0, n, every))
        assert every_state(some.recording) == wanted
        assert backwards(some.recording) == wanted
        assert some.recording.losses.tolist() == plain.history.iterations


@pytest.mark.usefixtures("engine")
@pytest.mark.parametrize("name", IMAGE_PLANS)
def test_images_too(name):
    data = (IMAGES, Y)
    all_kept = recorded(IMAGE_PLANS[name], True, image_network(), data)
    some = recorded(IMAGE_PLANS[name], 5, image_network(), data)
    assert every_state(some.recording) == every_state(all_kept.recording)
    for i in (0, 7):
        loss = some.recording[i].loss
        assert loss == pytest.approx(some.recording.losses[i], rel=1e-5)


@pytest.mark.usefixtures("engine")
def test_float64_and_frozen_layers():
    runs = []
    for every in (1, 6):
        net = network("float64", input_shape=3).freeze("dense_1.W")
        runs.append(recorded({}, every, net).recording)
    assert every_state(runs[0]) == every_state(runs[1])
    first, last = runs[1].weights(0), runs[1].weights(STEPS)
    assert bits(first["dense_1.W"]) == bits(last["dense_1.W"])
    assert bits(first["dense_2.W"]) != bits(last["dense_2.W"])


def test_any_number_of_threads():
    x = RNG.normal(size=(600, 8))
    y = (x[:, 0] > 0).astype(int)
    wanted = None
    for threads, every in ((1, 1), (2, 4), (1, 7)):
        net = NeuralNetwork([Dense(64, "relu"), Dense(2)], loss="cross_entropy")
        plan = {"batch_size": 300, "engine": "compiled", "threads": threads}
        recording = recorded(plan, every, net, (x, y)).recording
        states = every_state(recording)
        wanted = wanted or states
        assert states == wanted


def test_a_minimizer():
    plan = {"optimizer": LBFGS(), "batch_size": None}
    layers = [Dense(4, "tanh"), Dense(3)]
    nets = [
        NeuralNetwork(layers, loss="cross_entropy", dtype="float64") for _ in range(2)
    ]
    one, four = (
        recorded(plan, k, net).recording for k, net in zip((1, 4), nets, strict=True)
    )
    assert every_state(four) == every_state(one)
    assert np.isnan(four.rates).all()
    assert four.course().losses.tolist() == four.losses.tolist()
    for i in (0, 7, STEPS - 1):
        step, after = four[i], four.weights(i + 1).vector
        assert step.loss == pytest.approx(four.losses[i], rel=1e-12)
        np.testing.assert_allclose(step.new_weights.vector, after, rtol=0, atol=1e-15)
    nets[1].weights = four.weights(7).vector
    wanted = nets[1].backprop(X, Y)[1].vector
    np.testing.assert_allclose(four[7].gradients.vector, wanted, rtol=1e-12)
    answer = four[7].why("dense_1.W[0, 1].update")
    assert answer.formula == "W[0, 1].s"
    assert "w <- w + s" in str(answer)
    assert "LBFGS() chose to add" in str(answer.terms[0].why())
    assert "η" not in str(four[7].derivation().formulas[-6:])
    assert repr(four[7]).startswith("<Step 8: loss 0.")
    assert "LBFGS(), layers dense_1, dense_2" in repr(four[7])


def test_named_inputs():
    layers = [pellucid.Concat([pellucid.Select("a"), pellucid.Select("b")]), Dense(3)]
    data = ({"a": X, "b": 2 * X}, Y)
    runs = [
        recorded({}, k, NeuralNetwork(layers, loss="cross_entropy"), data).recording
        for k in (1, 6)
    ]
    assert every_state(runs[0]) == every_state(runs[1])


# -- a sequence of steps ---------------------------------------------------------------


@pytest.mark.usefixtures("engine")
def test_a_recording_is_a_sequence_of_steps():
    net = recorded({}, 5)
    recording = net.recording
    assert len(recording) == STEPS
    assert recording.steps == range(STEPS)
    steps = list(recording)
    assert [step.iteration for step in steps] == list(range(STEPS))
    for i, step in enumerate(steps):
        assert isinstance(step, Step)
        assert step.loss == pytest.approx(recording.losses[i], rel=1e-5)
        assert step.rate == recording.rates[i]
        assert bits(step.weights.vector) == bits(recording.weights(i).vector)
        np.testing.assert_allclose(
            step.new_weights.vector,
            recording.weights(i + 1).vector,
            rtol=1e-4,
            atol=1e-6,
        )
    assert recording[-1].iteration == STEPS - 1
    assert recording[np.int64(3)].iteration == 3
    some = recording[2:9:3]
    assert [step.iteration for step in some] == [2, 5, 8]
    assert len(some[1:]) == 2
    assert some[-1].iteration == 8
    assert [step.iteration for step in recording[::-6]] == [13, 7, 1]
    assert bits(recording.weights(STEPS).vector) == bits(net.weights)
    assert bits(recording.weights(-1).vector) == bits(steps[-1].weights.vector)
    assert recording.weights(2)["dense_1.W"].shape == (3, 5)


@pytest.mark.parametrize("index", [STEPS, -STEPS - 1, 10**30])
def test_what_is_not_there(index):
    recording = recorded({}, 5).recording
    with pytest.raises(IndexError, match="14 iterations"):
        recording[index]


@pytest.mark.parametrize("index", ["0", 1.0, True, None])
def test_what_is_no_index(index):
    recording = recorded({}, 5).recording
    with pytest.raises(TypeError, match="whole numbers"):
        recording.weights(index)


def test_what_is_given_out_is_a_copy():
    recording = recorded({}, 5).recording
    for i in (5, 6):
        wanted = bits(recording.weights(i).vector)
        recording.weights(i).vector[...] = 7
        recording.memory(i)["m"].vector[...] = 7
        assert bits(recording.weights(i).vector) == wanted


def test_an_empty_recording():
    recording = Recording(every=3)
    assert repr(recording) == "<Recording: empty, every=3>"
    assert len(recording) == 0
    with pytest.raises(ConfigurationError, match="Nothing is recorded"):
        recording.weights(0)
    with pytest.raises(IndexError, match="0 iterations"):
        recording[0]


@pytest.mark.parametrize("record", [0, -1, 1.5, "all", [1]])
def test_what_record_may_not_be(record):
    net = network()
    with pytest.raises(ConfigurationError, match="Expected"):
        net.fit(X, Y, record=record)
    assert net.training is None


@pytest.mark.parametrize("record", [None, False])
def test_without_recording(record):
    net = recorded({}, record)
    assert net.recording is None


def test_a_recording_belongs_to_one_training():
    recording = Recording()
    net = recorded({}, recording)
    assert net.recording is recording
    with pytest.raises(ConfigurationError, match="holds another training"):
        recorded({}, recording, net)
    assert net.recording is recording
    assert len(recording) == STEPS
    recorded({}, None, net)
    assert net.recording is None


def test_copies_of_a_network_go_without_its_recording():
    net = recorded({}, True)
    for other in (net.copy(), copy.deepcopy(net), pickle.loads(pickle.dumps(net))):
        assert other.recording is None
    assert snapshot(net.copy()) == snapshot(net)


def test_a_recording_can_be_copied():
    recording = recorded({}, 5).recording
    wanted = every_state(recording)
    for other in (copy.deepcopy(recording), pickle.loads(pickle.dumps(recording))):
        assert every_state(other) == wanted
        assert other.kept == recording.kept


def test_a_callback_may_look_at_it():
    seen = []

    def look(run):
        recording = run.network.recording
        seen.append((len(recording), recording[-1].iteration))

    net = recorded({"callbacks": Call(look, every=3)}, 5)
    assert seen == [(3, 2), (6, 5), (9, 8), (12, 11)]
    assert bits(net.weights) == bits(recorded({}, None).weights)


def test_without_recording_nothing_is_looked_at(monkeypatch):
    def fail(*_):
        raise AssertionError("called")

    for name in ("__init__", "must_suit", "begin", "until", "before", "after"):
        monkeypatch.setattr(Recorder, name, fail)
    recorded({}, None)
    with pytest.raises(AssertionError, match="called"):
        recorded({}, True)


def test_the_network_may_learn_on():
    net = recorded({}, 5)
    recording = net.recording
    wanted = every_state(recording)
    net.fit(X, Y, iterations=5)
    net.weights[...] = 0
    assert every_state(recording) == wanted


# -- the bound on memory ---------------------------------------------------------------


@pytest.mark.usefixtures("engine")
def test_the_bound_is_kept_and_every_doubles():
    wanted = every_state(recorded({}, True, iterations=60).recording)
    one = network(input_shape=3).weights.nbytes
    one = 3 * one - 2 * 4 * 10  # the running state has no memory
    for room in (2, 3, 5, 8):
        recording = recorded(
            {}, Recording(every=1, most_memory=room * one), iterations=60
        ).recording
        assert recording.nbytes == len(recording.kept) * one <= room * one
        assert len(recording.kept) > room // 2
        k = recording.every
        assert k in (2**i for i in range(7))
        assert recording.kept == list(range(0, 60, k))
        assert every_state(recording) == wanted


def test_memory_is_measured():
    x, y = RNG.normal(size=(64, 100)), np.arange(64) % 3
    net = NeuralNetwork([Dense(200, "relu"), Dense(3)], loss="cross_entropy")
    plan = {"batch_size": 16, "engine": "readable"}
    recorded(plan, None, net, (x, y))  # what is made once is made
    tracemalloc.start()
    before = tracemalloc.get_traced_memory()[0]
    most = 2 * 2**20
    recorded(plan, Recording(most_memory=most), net, (x, y), iterations=100)
    held = tracemalloc.get_traced_memory()[0] - before
    tracemalloc.stop()
    assert net.recording.nbytes <= most
    # Besides: the place of the replay (weights, two memories) and new ones in fit.
    assert held < most + 8 * net.weights.nbytes


def test_too_little_memory():
    net = network()
    with pytest.raises(ConfigurationError, match="room for two") as caught:
        recorded({}, Recording(most_memory=100), net)
    assert "most_memory=" in str(caught.value)
    assert net.training is None
    assert net.recording is None


# -- what others do to the weights -----------------------------------------------------


@pytest.mark.usefixtures("engine")
def test_weights_that_a_callback_changes_are_kept():
    def clip(run):
        w = run.network.parameters.vector
        w[...] = np.clip(w, -0.5, 0.5)

    plan = {"callbacks": Call(clip, every=4), "optimizer": Adam(0.1)}
    one, many = recorded(plan, 1).recording, recorded(plan, 6).recording
    assert {4, 8, 12} <= set(many.kept)
    assert every_state(many)[:-1] == every_state(one)[:-1]


def test_a_recording_ends_when_there_is_no_more_room_for_changed_weights():
    def shake(run):
        run.network.parameters.vector[...] *= 0.9

    size = network(input_shape=3).weights.nbytes * 3
    recording = Recording(most_memory=5 * size)
    with pytest.warns(RecordingWarning, match="ends before iteration 6"):
        net = recorded({"callbacks": Call(shake, every=1)}, recording)
    assert net.training.step == STEPS
    assert len(recording) == 5
    every_state(recording)


def test_data_changed_in_place_are_noticed():
    x = X.astype(np.float32)
    recording = recorded({}, 5, data=(x, Y)).recording
    x += 1
    with pytest.raises(PellucidError, match="cannot be repeated: iteration 1"):
        recording.weights(2)
    bits(recording.weights(5).vector)  # what is kept is there


def test_last_digits_that_differ_are_said():
    recording = recorded({}, 5, engine="readable").recording
    losses = recording.losses
    losses[6] *= 1 + 1e-9
    recording.put_losses(losses)
    with pytest.warns(RecordingWarning, match="Iteration 7 gives the loss"):
        recording.weights(7)
    recording.weights(7)  # said once


# -- interruptions ---------------------------------------------------------------------


@pytest.mark.usefixtures("engine")
@pytest.mark.parametrize("name", ["adam", "plateau", "validation", "average"])
def test_a_resumed_training_goes_on_with_its_recording(name):
    plan = PLANS[name] | {"callbacks": []}
    whole = recorded(plan, 1)
    wanted = every_state(whole.recording)
    for stop in (1, 5, 6):
        net = network()
        pause = Call(lambda run, at=stop: run.step == at and run.stop("!"), every=1)
        recorded(plan | {"callbacks": pause}, 4, net)
        recording = net.recording
        assert len(recording) == stop
        recorded(plan, True, net, resume=True)
        assert net.recording is recording
        assert every_state(recording) == wanted
        assert recording.losses.tolist() == whole.history.iterations


def test_recording_may_begin_in_the_middle():
    whole = recorded({}, 1)
    net = network()
    pause = Call(lambda run: run.step == 5 and run.stop("!"), every=1)
    recorded({"callbacks": pause}, None, net)
    recorded({}, 4, net, resume=True)
    recording = net.recording
    assert recording.steps == range(5, STEPS)
    assert recording.kept == [0, 3, 7]
    assert recording[2].iteration == 7
    assert every_state(recording) == every_state(whole.recording)[5:]


def test_more_iterations_than_planned():
    plan = {"optimizer": Adam(Cosine(0.1))}
    net = recorded(plan, 5, iterations=8)
    recorded(plan, 5, net, iterations=STEPS, resume=True)
    rates = [Cosine(0.1).rate(i, 8 if i < 8 else STEPS) for i in range(STEPS)]
    assert net.recording.rates.tolist() == rates
    assert bits(net.recording.weights(STEPS).vector) == bits(net.weights)
    recorded_states = every_state(net.recording)
    net.recording.weights(6)
    assert every_state(net.recording) == recorded_states


def test_other_data_or_another_engine_do_not_go_on():
    net = recorded({}, 5, engine="readable", iterations=8)
    with pytest.raises(ConfigurationError, match="other data"):
        recorded({}, 5, net, data=(X + 1, Y), engine="readable", resume=True)
    with pytest.raises(ConfigurationError, match="readable engine made this"):
        recorded({}, 5, net, engine="compiled", resume=True)
    net.freeze("dense_1")
    with pytest.raises(ConfigurationError, match="other frozen parameters"):
        recorded({}, 5, net, engine="readable", resume=True)
    net.unfreeze()
    recorded({}, Recording(), net, engine="compiled", resume=True)
    assert net.recording.steps == range(8, STEPS)


@pytest.mark.usefixtures("engine")
@pytest.mark.parametrize("every", [1, 7])
def test_a_step_that_overflows_can_be_looked_at(every):
    net = NeuralNetwork([Dense(4), Dense(1)], loss="mean_squared_error", seed=1)
    x = RNG.normal(size=(8, 2))
    with pytest.raises(NonFiniteError) as caught:
        net.fit(
            *(x, x[:, :1]),
            optimizer=GradientDescent(50.0),
            iterations=400,
            record=every,
            callbacks=[],
        )
    recording, done = net.recording, net.training.step
    assert f"(iteration {done + 1})" in str(caught.value)
    assert recording.failed
    assert len(recording) == done + 1
    assert "the last one failed" in repr(recording)
    assert np.isfinite(recording.losses[:-1]).all()
    assert np.isnan(recording.losses[-1])
    assert bits(recording.weights(-1).vector) == bits(net.weights)
    last = recording[-1]
    assert last.iteration == done
    numbers = [last.loss, last.gradients.vector, last.new_weights.vector]
    assert not all(np.isfinite(values).all() for values in numbers)
    with pytest.raises(IndexError):
        recording.weights(len(recording))
    course = recording.course(5)
    assert np.isnan(course["dense_1"].update[-1])
    assert np.isfinite(course["dense_1"].update[:-1]).all()


@pytest.mark.usefixtures("engine")
def test_ctrl_c_keeps_the_recording():
    def press(run):
        if run.step == 9:
            os.kill(os.getpid(), signal.SIGINT)

    net = network()
    plan = {"callbacks": Call(press, every=1)}
    with pytest.warns(pellucid.InterruptedWarning):
        recorded(plan, 4, net)
    assert len(net.recording) == net.training.step < STEPS
    recorded({}, 4, net, resume=True)
    assert every_state(net.recording) == every_state(recorded({}, 1).recording)


def test_an_exception_in_a_callback_keeps_the_recording():
    def fail(run):
        if run.step == 6:
            raise RuntimeError("mine")

    net = network()
    with pytest.raises(RuntimeError, match="mine"):
        recorded({"callbacks": Call(fail, every=1)}, 4, net)
    wanted = every_state(recorded({}, 1).recording)[:7]
    assert every_state(net.recording) == wanted


# -- over time -------------------------------------------------------------------------


@pytest.mark.usefixtures("engine")
def test_the_course_agrees_with_the_steps():
    layers = [Dense(6, "relu"), pellucid.Residual([Dense(6, "tanh")]), Dense(3)]
    net = NeuralNetwork(layers, loss="cross_entropy", dtype="float64", seed=2)
    recording = recorded({}, 4, net).recording
    course = recording.course(6)
    assert course.steps[0] == 0
    assert course.steps[-1] == STEPS - 1
    assert len(course.steps) == 6
    assert [*course.layers] == [*recording[0].layers]
    for at, i in enumerate(course.steps):
        step = recording[int(i)]
        assert course.losses[at] == recording.losses[i]
        for path, layer in course.layers.items():
            output = step[path].output
            assert layer.mean[at] == pytest.approx(output.mean())
            assert layer.std[at] == pytest.approx(output.std())
            assert layer.zeros[at] == (output == 0).mean()
            assert layer.delta[at] == pytest.approx(step[path].d_output.std())
            if not step[path].gradients:
                assert np.isnan([layer.gradient[at], layer.ratio[at]]).all()
                continue
            names = [f"{path}.{slot}" for slot in step[path].gradients]
            for found, vectors in (
                (layer.gradient, step.gradients),
                (layer.weights, step.weights),
                (layer.update, step.update),
            ):
                whole = np.concatenate([vectors[name].ravel() for name in names])
                length = np.linalg.norm(whole)
                assert found[at] == pytest.approx(length, rel=1e-9)
            assert layer.ratio[at] == layer.update[at] / layer.weights[at]
    assert course["dense_1"].zeros[0] > 0
    assert "dense_1" in str(course.table())
    assert repr(course).startswith("<Course: 6 iterations of dense_1, residual_1")
    assert len(recording.course().steps) == STEPS


@pytest.mark.parametrize("most", [0, 1, 2.5, True, "all"])
def test_what_most_may_not_be(most):
    with pytest.raises(ConfigurationError, match="at least 2"):
        recorded({}, 5).recording.course(most)


# -- files -----------------------------------------------------------------------------

REPLAY = """
import sys, hashlib, pellucid
recording = pellucid.load_recording(sys.argv[1])
for i in range(len(recording) + 1):
    print(hashlib.sha256(recording.weights(i).vector.tobytes()).hexdigest())
print(recording[3].loss.hex())
"""


@pytest.mark.usefixtures("engine")
@pytest.mark.parametrize("name", ["adam", "validation", "average"])
def test_a_file_is_replayed_in_another_process(name, tmp_path):
    recording = recorded(PLANS[name], 5).recording
    path = tmp_path / "a.recording"
    recording.save(path)
    command = [sys.executable, "-c", REPLAY, str(path)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert not done.stderr
    *states, loss = done.stdout.split()
    wanted = [
        hashlib.sha256(recording.weights(i).vector.tobytes()).hexdigest()
        for i in range(len(recording) + 1)
    ]
    assert states == wanted
    assert loss == recording[3].loss.hex()


FILES = PLANS | IMAGE_PLANS


def metadata(path):
    with safetensors.safe_open(path, "numpy") as file:
        return file.metadata()


@pytest.mark.parametrize("name", FILES)
def test_there_and_back(name, tmp_path):
    if name in IMAGE_PLANS:
        net, data = image_network(), (IMAGES, np.take(["a", "b", "c"], Y))
    else:
        net, data = network(), (X, Y)
    recording = recorded(FILES[name], 5, net, data).recording
    recording.save(tmp_path / "file")
    again = load_recording(tmp_path / "file")
    assert repr(again) == repr(recording)
    assert again.kept == recording.kept
    assert again.rules == recording.rules
    assert again.losses.tolist() == recording.losses.tolist()
    assert again.rates.tolist() == recording.rates.tolist()
    assert every_state(again) == every_state(recording)
    assert again[4].loss == recording[4].loss
    again.save(tmp_path / "twice")
    # The order of metadata is safetensors' own; their checksum covers every number.
    assert metadata(tmp_path / "twice") == metadata(tmp_path / "file")


def test_other_kinds_of_targets_there_and_back(tmp_path):
    nets = {
        "cross_entropy": (Dense(3), Y),
        "binary_cross_entropy": (Dense(1), Y > 0),
        "mean_squared_error": (Dense(2), X[:, :2]),
        "poisson": (Dense(1), Y),
    }
    for loss, (layer, y) in nets.items():
        net = NeuralNetwork([layer], loss=loss)
        recording = recorded({}, 5, net, (X, y)).recording
        recording.save(tmp_path / "file")
        again = load_recording(tmp_path / "file")
        assert every_state(again) == every_state(recording), loss
    named = ({"a": X, "b": 2 * X}, Y)
    layers = [pellucid.Concat([pellucid.Select("a"), pellucid.Select("b")]), Dense(3)]
    net = NeuralNetwork(layers, loss="cross_entropy")
    recording = recorded({}, 5, net, named).recording
    recording.save(tmp_path / "file")
    assert every_state(load_recording(tmp_path / "file")) == every_state(recording)


@pytest.mark.parametrize("name", ["adam", "validation", "weights"])
def test_data_may_stay_behind(name, tmp_path):
    recording = recorded(PLANS[name], 5).recording
    recording.save(tmp_path / "with")
    recording.save(tmp_path / "without", data=False)
    content = (tmp_path / "without").read_bytes()
    assert X.astype(np.float32)[0].tobytes() not in content
    bare = load_recording(tmp_path / "without")
    assert bare.losses.tolist() == recording.losses.tolist()
    assert bits(bare.weights(5).vector) == bits(recording.weights(5).vector)
    for ask in (lambda: bare.weights(6), lambda: bare[0], bare.course):
        with pytest.raises(DataError, match="without its data"):
            ask()
    with pytest.raises(DataError, match="loaded without its data"):
        bare.save(tmp_path / "again")
    bare.save(tmp_path / "again", data=False)
    for path in ("without", "again"):
        full = load_recording(tmp_path / path, X, Y)
        assert every_state(full) == every_state(recording)
    with pytest.raises(DataError, match="not the data of the recorded"):
        load_recording(tmp_path / "without", X + 1e-3, Y)
    with pytest.raises(DataError):
        load_recording(tmp_path / "without", X)


def test_a_network_and_a_recording_are_told_apart(tmp_path):
    net = recorded({}, 5)
    net.save(tmp_path / "net")
    net.recording.save(tmp_path / "recording")
    with pytest.raises(ModelFileError, match=r"pellucid.load_recording\(path\)"):
        pellucid.load(tmp_path / "recording")
    with pytest.raises(ModelFileError, match=r"a network: pellucid.load\(path\)"):
        load_recording(tmp_path / "net")


def changed(content, change):
    """Return a recording's file after a change, with the checksum put right."""
    from pellucid.container import _digest

    (length,) = struct.unpack("<Q", content[:8])
    metadata = json.loads(content[8 : 8 + length])["__metadata__"]
    vectors = {k: v.copy() for k, v in safetensors.numpy.load(content).items()}
    document = json.loads(metadata["document"])
    change(document, vectors)
    metadata["document"] = json.dumps(document)
    metadata["sha256"] = _digest(metadata["document"], vectors)
    return safetensors.numpy.save(vectors, metadata)


def put(*path, value):
    def change(document, vectors):
        *inside, last = path
        for key in inside:
            document = document[key]
        document[last] = value

    return change


def replace(name, make):
    return lambda document, vectors: vectors.update({name: make(vectors[name])})


HOSTILE = {
    "an entry more": put("more", value=1),
    "no engine": put("model", "training", "engine", value="abacus"),
    "no training": put("model", "training", value=None),
    "every": put("every", value=0),
    "now": put("now", value=-3),
    "memory": put("most_memory", value="all"),
    "first": put("first", value=3),
    "first below": put("first", value=-1),
    "origin": put("model", "training", "origin", value=1),
    "pinned": put("pinned", value=[99]),
    "pinned texts": put("pinned", value=["0"]),
    "no rules": replace("rules", lambda v: v[:0]),
    "rules": replace("rules", lambda v: np.append(v, [0, 7, 0])),
    "rule too late": replace("rules", lambda v: np.append(v, [1, 0, 0])),
    "rule too long": replace("rules", lambda v: v[:2]),
    "huge total": replace("rules", lambda v: np.append(v, [0, 0, 2**62])),
    "rules of another kind": replace("rules", lambda v: v.astype(float)),
    "watched": replace("watched", lambda v: np.zeros(1, np.float32)),
    "no watched": lambda document, vectors: vectors.pop("watched"),
    "losses gone": lambda document, vectors: vectors.pop("losses"),
    "losses of another kind": replace("losses", lambda v: v.astype(np.float32)),
    "fewer losses": replace("losses", lambda v: v[:7]),
    "states out of order": replace("states.steps", lambda v: v[::-1].copy()),
    "no states": replace("states.steps", lambda v: v[:0]),
    "states far away": replace("states.steps", lambda v: v * 10**15),
    "states from before": replace("states.steps", lambda v: v - 1),
    "fewer weights": replace("states.weights", lambda v: v[:-1]),
    "other memory": lambda document, vectors: vectors.pop("states.memory.m"),
    "other dtype": replace("states.weights", lambda v: v.astype(np.float64)),
    "class beyond": replace("data.y", lambda v: v + 1000),
    "class below": replace("data.y", lambda v: v - 1),
    "targets as numbers": replace("data.y", lambda v: v.astype(np.float32) + 0.5),
    "x": replace("data.x", lambda v: v * np.float32("nan")),
    "weights below 0": replace("data.weight", lambda v: v - 2),
    "other x": replace("data.x", lambda v: v + 1),
    "huge shape": put("shapes", "x", value=[2**60, 2**60]),
    "rows": put("model", "training", "rows", value=1000),
    "batch": put("model", "training", "batch_size", value=1000),
    "shape": put("shapes", "x", value=[3, 13]),
    "name": put("shapes", "z", value=[13]),
    "augment": put("model", "training", "augment", value=[pellucid.Flip().config()]),
}


@pytest.fixture(scope="module")
def content(tmp_path_factory):
    path = tmp_path_factory.mktemp("recording") / "file"
    recorded({}, 5, engine="readable").recording.save(path)
    return path.read_bytes()


def test_the_unchanged_file_is_read(content, tmp_path):
    path = tmp_path / "file"
    path.write_bytes(changed(content, lambda document, vectors: None))
    assert len(load_recording(path)) == STEPS


@pytest.mark.parametrize("name", HOSTILE)
def test_made_up_files(name, content, tmp_path):
    path = tmp_path / "file"
    path.write_bytes(changed(content, HOSTILE[name]))
    with pytest.raises(ModelFileError, match="file"):
        load_recording(path)


def test_damaged_files(content, tmp_path):
    path = tmp_path / "file"
    for length in (0, 4, 100, len(content) // 2, len(content) - 1):
        path.write_bytes(content[:length])
        with pytest.raises(ModelFileError):
            load_recording(path)
    for place in range(9, len(content), len(content) // 40):
        damaged = bytearray(content)
        damaged[place] ^= 0x55
        path.write_bytes(damaged)
        with pytest.raises(ModelFileError):
            load_recording(path)
    with pytest.raises(ModelFileError, match="no such file"):
        load_recording(tmp_path / "missing")


def test_a_failed_save_leaves_the_old_file(tmp_path, monkeypatch):
    recording = recorded({}, 5).recording
    path = tmp_path / "file"
    recording.save(path)
    before = path.read_bytes()

    def full(*_):
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as broken:
        broken.setattr(os, "fsync", full)
        with pytest.raises(ModelFileError, match="No space left"):
            recording.save(path)
    assert path.read_bytes() == before
    assert [*tmp_path.iterdir()] == [path]


def test_saving_wants_something_to_save(tmp_path):
    with pytest.raises(ConfigurationError, match="Nothing is recorded"):
        Recording().save(tmp_path / "file")
    with pytest.raises(ConfigurationError, match="data True or False"):
        recorded({}, 5).recording.save(tmp_path / "file", data="no")


def test_a_failure_is_replayed_from_its_file(tmp_path):
    net = NeuralNetwork([Dense(1)], loss="mean_squared_error")
    with pytest.raises(NonFiniteError):
        net.fit(X, X[:, :1], optimizer=GradientDescent(1e4), iterations=99, record=7)
    net.recording.save(tmp_path / "file")
    again = load_recording(tmp_path / "file")
    assert again.failed
    assert bits(again.weights(-1).vector) == bits(net.weights)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert again[-1].iteration == net.training.step
