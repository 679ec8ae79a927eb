"""What is left when a training is killed, or the disk is: see scripts/faults.py."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from pellucid import (
    Call,
    Checkpoint,
    Dense,
    ModelFileError,
    NeuralNetwork,
    container,
    load,
    locks,
)
from pellucid.container import write_whole
from pellucid.engines import missing_for_compiled

SCRIPT = Path(__file__).parents[1] / "scripts" / "faults.py"
RNG = np.random.default_rng(0)
X, Y = RNG.normal(size=(12, 3)), np.arange(12) % 3

pytestmark = pytest.mark.skipif(
    not hasattr(os, "fork"), reason="this system kills no forks"
)


@pytest.fixture(scope="module")
def results():
    """Return what a run of the script found, with 24 kills."""
    command = [sys.executable, "-W", "error", str(SCRIPT), "--kills", "24", "--json"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.stdout, done.stderr
    return json.loads(done.stdout)


KILLS = tuple(
    f"kills of {sort}" for sort in ("plain", "images", "a bag", "an ensemble")
)
FAULTS = (*KILLS, "too large", "full", "read-only", "two trainings")


@pytest.mark.parametrize("engine", ["readable", "compiled"])
@pytest.mark.parametrize("fault", FAULTS)
def test_nothing_is_lost(results, engine, fault):
    if engine == "compiled" and missing_for_compiled():
        pytest.skip(missing_for_compiled())
    found = results[f"{engine}: {fault}"]
    assert "PROBLEM" not in found, found
    if fault in KILLS:
        assert found["kills"] == 3
    elif "not tried" in found:
        pytest.skip(found)


def test_two_processes_may_save_to_one_file(results):
    assert results["readable: two savers"] == "tried"


def test_what_a_dead_process_left_is_removed_by_the_next_save(tmp_path):
    net = NeuralNetwork([Dense(3)], loss="cross_entropy", input_shape=3)
    dead = ["." + name + "." + "0" * 16 + ".partial" for name in ("net", "other", "n")]
    others = [".net.partial", ".net.0.partial", "net.partial", ".net.lock"]
    for name in dead + others:
        (tmp_path / name).write_bytes(b"half a file")
    net.save(tmp_path / "net")
    left = {each.name for each in tmp_path.iterdir()}
    assert left == {"net", *dead[1:], *others}


def test_what_a_living_process_writes_is_not_removed(tmp_path):
    fcntl = pytest.importorskip("fcntl")
    net = NeuralNetwork([Dense(3)], loss="cross_entropy", input_shape=3)
    living = tmp_path / (".net." + "f" * 16 + ".partial")
    with living.open("wb") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        net.save(tmp_path / "net")
        assert living.exists()
    net.save(tmp_path / "net")
    assert not living.exists()


def test_an_odd_name_of_a_file_is_no_pattern(tmp_path):
    net = NeuralNetwork([Dense(3)], loss="cross_entropy", input_shape=3)
    other = tmp_path / (".n(t." + "0" * 16 + ".partial")
    other.write_bytes(b"")
    net.save(tmp_path / "n.t")
    net.save(tmp_path / "n[a-z")
    assert other.exists()
    net.save(tmp_path / "n(t")
    assert not other.exists()


# -- when checkpoints are made ---------------------------------------------------------


def saved_at(path, monkeypatch, **how):
    """Return after which iterations of 12, 3 in an epoch, there were checkpoints."""
    steps = []
    real = NeuralNetwork.save

    def noted(net, *arguments, **more):
        steps.append(net.training.step)
        real(net, *arguments, **more)

    monkeypatch.setattr(NeuralNetwork, "save", noted)
    net = NeuralNetwork([Dense(3)], loss="cross_entropy")
    net.fit(X, Y, epochs=4, batch_size=4, callbacks=Checkpoint(path, **how))
    return steps


@pytest.mark.parametrize(
    ("how", "steps"),
    [
        ({}, [3, 6, 9, 12]),
        ({"every": 5}, [5, 10]),
        ({"every": 100}, []),
        ({"epochs": 2}, [6, 12]),
        ({"epochs": 3}, [9]),
        ({"seconds": 1e9}, []),
        ({"seconds": 1e-9}, [10]),
        ({"seconds": 1e-9, "every": 4}, [4, 8, 12]),
        ({"seconds": 1e-9, "every": "epoch", "epochs": 2}, [6, 12]),
    ],
)
def test_when_checkpoints_are_made(tmp_path, monkeypatch, how, steps):
    path = tmp_path / "net"
    assert saved_at(path, monkeypatch, **how) == [*steps, 12]  # and one at the end
    assert load(path).training.step == 12
    assert [each.name for each in tmp_path.iterdir()] == ["net"]


@pytest.mark.parametrize(
    "how", [{"epochs": 0}, {"epochs": 1.5}, {"seconds": 0}, {"seconds": "1"}]
)
def test_impossible_times_are_refused(how):
    (name,) = how
    with pytest.raises(ValueError, match=f"Expected {name} > 0, got"):
        Checkpoint("net", **how)


def test_the_last_checkpoint_has_the_best_weights(tmp_path):
    """So that the file is what the network is, and goes on from where it stood."""
    path, net = tmp_path / "net", NeuralNetwork([Dense(3)], loss="cross_entropy")
    plan = {"epochs": 6, "optimizer": "momentum", "validation": (X, Y[::-1])}
    net.fit(X, Y, callbacks=Checkpoint(path), **plan)
    assert net.history.best_epoch < 6
    assert load(path).weights.tobytes() == net.weights.tobytes()
    assert load(path).training.last.weights.tobytes() != net.weights.tobytes()


def test_a_training_that_fails_leaves_its_last_good_state(tmp_path):
    path, net = tmp_path / "net", NeuralNetwork([Dense(3)], loss="cross_entropy")

    def fail(run):
        raise LookupError("of the user's own")

    plan = {"epochs": 4, "batch_size": 4}
    calls = [Checkpoint(path, every=100), Call(fail, every=2)]
    with pytest.raises(LookupError):
        net.fit(X, Y, callbacks=calls, **plan)
    net = load(path)
    assert net.training.step == 2
    net.fit(X, Y, resume=True, **plan)
    whole = NeuralNetwork([Dense(3)], loss="cross_entropy")
    whole.fit(X, Y, **plan)
    assert net.weights.tobytes() == whole.weights.tobytes()


def test_a_failed_checkpoint_is_not_tried_again_at_the_end(tmp_path, monkeypatch):
    path, tried = tmp_path / "net", []

    def full(*arguments, **more):
        tried.append(arguments)
        raise ModelFileError("no room")

    monkeypatch.setattr(NeuralNetwork, "save", full)
    net = NeuralNetwork([Dense(3)], loss="cross_entropy")
    with pytest.raises(ModelFileError, match="no room") as caught:
        net.fit(X, Y, epochs=4, callbacks=Checkpoint(path))
    assert len(tried) == 1
    assert len(caught.value.__notes__) == 1
    assert list(tmp_path.iterdir()) == []  # the claim is given back


def test_a_training_that_never_began_leaves_the_old_checkpoint(tmp_path):
    path, net = tmp_path / "net", NeuralNetwork([Dense(3)], loss="cross_entropy")
    net.fit(X, Y, epochs=2, callbacks=Checkpoint(path))
    before = path.read_bytes()

    class Broken(Checkpoint):
        def begin(self, run):
            raise LookupError("of the user's own")

    other = NeuralNetwork([Dense(3)], loss="cross_entropy")
    with pytest.raises(LookupError):
        other.fit(X, Y, epochs=2, callbacks=[Checkpoint(path), Broken(path)])
    assert path.read_bytes() == before


def test_one_training_within_another_is_refused_the_same_file(tmp_path):
    path = tmp_path / "net"
    save = Checkpoint(path)

    def again(run):
        inner = NeuralNetwork([Dense(3)], loss="cross_entropy")
        with pytest.raises(ModelFileError, match=f"process {os.getpid()}"):
            inner.fit(X, Y, epochs=1, callbacks=save)

    net = NeuralNetwork([Dense(3)], loss="cross_entropy")
    net.fit(X, Y, epochs=3, callbacks=[save, again])
    assert load(path).training.step == 3
    assert [each.name for each in tmp_path.iterdir()] == ["net"]


# -- several files ---------------------------------------------------------------------


def test_several_files_are_replaced_together(tmp_path):
    first, second = tmp_path / "first", tmp_path / "second"
    write_whole({first: b"old", second: b"old"})
    with pytest.raises(ModelFileError, match="folder/third could not be written"):
        write_whole({first: b"new", tmp_path / "folder" / "third": b"new"})
    assert first.read_bytes() == b"old"
    write_whole({first: b"new", second: b"new"})
    assert first.read_bytes() == second.read_bytes() == b"new"
    assert {each.name for each in tmp_path.iterdir()} == {"first", "second"}


def test_a_file_swept_away_before_it_was_locked_is_made_again(tmp_path, monkeypatch):
    """Another save may take a file that was just made for one that was left over."""
    path, real, made = tmp_path / "net", locks.FileLock, []

    def refused_at_first(place):
        made.append(place)
        if len(made) == 1:
            raise BlockingIOError
        return real(place)

    monkeypatch.setattr(container, "FileLock", refused_at_first)
    write_whole({path: b"whole"})
    assert len(set(made)) == 2
    assert path.read_bytes() == b"whole"
