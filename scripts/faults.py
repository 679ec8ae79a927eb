"""Kills trainings, fills disks, takes folders away; looks at what is left each time.

    python scripts/faults.py [--kills 200] [--seed 0] [--json]

What must hold: a checkpoint is always the one before or the new one, complete, with the
bits that an undisturbed training has after that iteration; nothing else stays in the
folder; and the training that goes on ends with the bits of the undisturbed one. The
processes that are killed are forks of this one, so that none has to start up.
tests/test_faults.py runs a few of them.
"""

import argparse
import json
import os
import random
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from pellucid import (
    BatchNorm,
    Call,
    Checkpoint,
    Dense,
    Dropout,
    ModelFileError,
    NeuralNetwork,
    load,
)
from pellucid.engines import missing_for_compiled

ENGINES = ("readable", "compiled")
RNG = np.random.default_rng(0)
X, Y = RNG.normal(size=(24, 3)), np.arange(24) % 3
PLAN = {
    "epochs": 6,
    "batch_size": 4,
    "optimizer": "adam",
    "validation": 0.25,
    "metrics": ["accuracy"],
    "threads": 1,
}
NOBODY = 65534


class ProblemError(Exception):
    """Something that must hold does not."""


def must(holds: bool, what: str) -> None:
    """Raise unless something holds."""
    if not holds:
        raise ProblemError(what)


# -- what is trained -------------------------------------------------------------------


def train(path: Path, engine: str, *more: Any) -> Any:
    """Train, or go on from the checkpoint; return the network."""
    goes_on = path.exists()
    layers = [Dense(8, "tanh"), BatchNorm(), Dropout(0.2), Dense(3, "softmax")]
    net = load(path) if goes_on else NeuralNetwork(layers, loss="cross_entropy", seed=1)
    calls = [Checkpoint(path, every=1), *more]
    net.fit(X, Y, callbacks=calls, resume=goes_on, engine=engine, **PLAN)
    return net


def state(net: Any) -> Any:
    """Return all that a network holds, as values that can be compared bit for bit."""
    from snapshots import snapshot  # from the folder of the tests

    return snapshot(net)


class Undisturbed:
    """A training that nothing happens to, and all its states."""

    def __init__(self, folder: Path, engine: str) -> None:
        self.path, self.engine = folder / "undisturbed", engine
        self.states: dict[int, list[Any]] = {}
        self.sizes: dict[int, int] = {}
        net = train(self.path, engine, Call(self._look, every=1))
        self.end = state(net)
        self.steps = net.training.step
        self.states[self.steps].append(self.end)
        self.path.unlink()
        begun = time.monotonic()
        ended(fork(train, self.path, engine))
        self.seconds = time.monotonic() - begun  # now that all is compiled
        must(state(load(self.path)) == self.end, "two trainings differ")

    def _look(self, run: Any) -> None:
        found = state(load(self.path))
        self.states.setdefault(run.step, []).append(found)
        self.sizes[run.step] = self.path.stat().st_size

    def step_of(self, path: Path) -> int:
        """Return the iteration of a checkpoint, which must have that one's bits."""
        if not path.exists():
            return 0
        net = load(path)
        step: int = net.training.step
        same = state(net) in self.states[step]
        must(same, f"the checkpoint of iteration {step} has other bits")
        return step

    def must_end_well(self, path: Path) -> None:
        """Let the training go on, and compare its end."""
        must(ended(fork(train, path, self.engine)), "the training did not go on")
        must(state(load(path)) == self.end, "the training ended with other bits")
        must(others(path) == [], f"files are left: {others(path)}")


def others(path: Path) -> list[str]:
    """Return the names of the other files in the folder."""
    return sorted(each.name for each in path.parent.iterdir() if each != path)


# -- processes -------------------------------------------------------------------------


def fork(function: Callable[..., Any], *arguments: Any) -> int:
    """Call a function in a process of its own; return its number."""
    sys.stdout.flush()
    number = os.fork()
    if number:
        return number
    try:
        function(*arguments)
    except BaseException:
        traceback.print_exc()
        os._exit(1)
    os._exit(0)


def ended(number: int) -> bool:
    """Wait for a process; return whether its function returned."""
    return os.waitstatus_to_exitcode(os.waitpid(number, 0)[1]) == 0


def kill(number: int) -> bool:
    """Kill a process; return whether it was still at work."""
    os.kill(number, signal.SIGKILL)
    code = os.waitstatus_to_exitcode(os.waitpid(number, 0)[1])
    must(code in (0, -signal.SIGKILL), "a training failed before it was killed")
    return code != 0


def must_fail(words: str, function: Callable[..., Any], *arguments: Any) -> None:
    """Raise unless a function fails with a ModelFileError that has these words."""
    try:
        function(*arguments)
    except ModelFileError as error:
        must(words in str(error), f"the error is {error}")
    else:
        raise ProblemError(f"nothing failed; expected {words!r}")


# -- faults ----------------------------------------------------------------------------


def kills(folder: Path, wanted: Undisturbed, count: int, seed: int) -> dict[str, int]:
    """Kill trainings at random moments, until each has ended in spite of it."""
    chance = random.Random(seed)
    done = in_a_save = trainings = 0
    while done < count:
        path = folder / f"net {trainings}" / "net.pellucid"
        path.parent.mkdir()
        trainings += 1
        step = killed = 0
        while step < wanted.steps and killed < 20 and done < count:
            number = fork(train, path, wanted.engine)
            time.sleep(chance.uniform(0.0, wanted.seconds / 3))
            if not kill(number):
                break
            done, killed = done + 1, killed + 1
            partial = [name for name in others(path) if name.endswith(".partial")]
            must(len(partial) <= 1, f"left-over files pile up: {partial}")
            in_a_save += len(partial)
            now = wanted.step_of(path)
            must(now >= step, f"iteration {now} came after iteration {step}")
            step = now
        wanted.must_end_well(path)
    return {"kills": done, "in a save": in_a_save, "trainings": trainings}


def too_large(folder: Path, wanted: Undisturbed) -> None:
    """Let the system cut writes short, and refuse what is beyond a size."""
    path, stop = folder / "net", wanted.steps // 2

    def limited() -> None:
        most = wanted.sizes[stop] - 8
        resource.setrlimit(resource.RLIMIT_FSIZE, (most, most))
        must_fail("File too large", train, path, wanted.engine)

    must(ended(fork(limited)), "a limit of the size is no ModelFileError")
    must(others(path) == [], f"files are left: {others(path)}")
    must(0 < wanted.step_of(path) <= stop, "the limit was not met")
    wanted.must_end_well(path)


def full(folder: Path, wanted: Undisturbed) -> str:
    """Fill a disk, a small one in memory, while a training saves to it."""
    mount = ["mount", "-t", "tmpfs", "-o", "size=256k", "tmpfs", str(folder)]
    if (
        not shutil.which("mount")
        or subprocess.run(mount, capture_output=True).returncode
    ):
        return "not tried: no small disk could be mounted"
    try:
        path, filler = folder / "net", folder / "filler"

        def fill(run: Any) -> None:
            if run.step == wanted.steps // 2:
                with filler.open("wb", buffering=0) as file:
                    try:
                        while file.write(bytes(4096)):
                            pass
                    except OSError:
                        return

        def filled() -> None:
            fails = "No space left on device", train, path, wanted.engine
            must_fail(*fails, Call(fill, every=1))

        must(ended(fork(filled)), "a full disk is no ModelFileError")
        must(others(path) == ["filler"], f"files are left: {others(path)}")
        must(wanted.step_of(path) == wanted.steps // 2, "the disk was not full")
        filler.unlink()
        wanted.must_end_well(path)
    finally:
        subprocess.run(["umount", str(folder)], check=True)
    return "tried"


def read_only(folder: Path, wanted: Undisturbed) -> None:
    """Take the right to write away, before a training and in the middle of one."""
    path, stop = folder / "net", wanted.steps // 2
    if os.geteuid() == 0:  # who may write anywhere
        os.chown(folder, NOBODY, NOBODY)

    def as_nobody(*what: Any) -> None:
        if os.geteuid() == 0:
            os.setgroups([])
            os.setgid(NOBODY)
            os.setuid(NOBODY)
        must_fail("Permission denied", train, path, wanted.engine, *what)

    def close(run: Any) -> None:
        if run.step == stop:
            folder.chmod(0o500)

    must(ended(fork(as_nobody, Call(close, every=1))), "it is no ModelFileError")
    must(wanted.step_of(path) == stop, "the folder was not closed")
    before = path.read_bytes()
    must(ended(fork(as_nobody)), "training began where nothing can be saved")
    must(path.read_bytes() == before, "the old file changed")
    folder.chmod(0o700)
    wanted.must_end_well(path)


def two_trainings(folder: Path, wanted: Undisturbed) -> None:
    """Start a training where another one saves its checkpoints."""
    path, stop = folder / "net", wanted.steps // 2

    def wait(run: Any) -> None:
        if run.step == stop:
            (folder / "waits").touch()
            time.sleep(600)

    first = fork(train, path, wanted.engine, Call(wait, every=1))
    while not (folder / "waits").exists():
        time.sleep(0.002)
    before = path.read_bytes()
    words = f"is in use: another training (process {first})"
    must_fail(words, train, path, wanted.engine)
    must(path.read_bytes() == before, "the refused training wrote")
    must(ended(fork(train, folder / "other", wanted.engine)), "another name is refused")
    must(kill(first), "the first training ended")
    must(wanted.step_of(path) == stop, "the checkpoint changed")
    for name in ("waits", "other"):
        (folder / name).unlink()
    wanted.must_end_well(path)


def two_savers(folder: Path, wanted: Undisturbed, count: int = 40) -> None:
    """Let two processes write one file again and again, and read it meanwhile."""
    path = folder / "net"
    nets = [train(folder / "first", wanted.engine), load(folder / "first")]
    nets[1].weights[...] += 1
    (folder / "first").unlink()
    allowed = [state(load_again(net, path)) for net in nets]

    def save(net: Any) -> None:
        for _ in range(count):
            net.save(path, checkpoint=True)

    processes = [fork(save, net) for net in nets]
    for _ in range(count):
        must(state(load(path)) in allowed, "neither the one nor the other")
    well = [ended(number) for number in processes]  # wait for both
    must(all(well), "a save failed")
    must(others(path) == [], f"files are left: {others(path)}")


def load_again(net: Any, path: Path) -> Any:
    """Return the network from its file."""
    net.save(path, checkpoint=True)
    return load(path)


# -- all of them -----------------------------------------------------------------------


def everything(folder: Path, count: int, seed: int) -> dict[str, Any]:
    """Return what was tried, by name, and the problems."""
    results: dict[str, Any] = {}
    for engine in ENGINES:
        if engine == "compiled" and missing_for_compiled():
            continue
        inside = folder / engine
        inside.mkdir(mode=0o755)
        wanted = Undisturbed(inside, engine)
        share = count // len(ENGINES)
        faults: dict[str, Callable[..., Any]] = {
            "kills": lambda place, it, n=share: kills(place, it, n, seed),
            "too large": too_large,
            "full": full,
            "read-only": read_only,
            "two trainings": two_trainings,
        }
        if engine == "readable":  # no engine runs there
            faults["two savers"] = two_savers
        for name, fault in faults.items():
            place = inside / name
            place.mkdir(mode=0o755)
            try:
                found = fault(place, wanted) or "tried"
            except Exception as error:
                found = f"PROBLEM: {''.join(traceback.format_exception(error))}"
            results[f"{engine}: {name}"] = found
    return results


def main() -> int:
    """Run everything; return 1 if there is a problem."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--kills", type=int, default=200, help="how many")
    parser.add_argument("--seed", type=int, default=0, help="of the moments")
    parser.add_argument("--json", action="store_true", help="print JSON")
    given = parser.parse_args()
    tests = str(Path(__file__).parents[1] / "tests")
    # A process with threads could not be forked safely.
    needed = {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1", "PYTHONPATH": tests}
    if not needed.items() <= os.environ.items():
        os.execve(sys.executable, sys.orig_argv, os.environ | needed)
    folder = Path(tempfile.mkdtemp(prefix="pellucid-faults-"))
    folder.chmod(0o755)
    try:
        results = everything(folder, given.kills, given.seed)
    finally:
        shutil.rmtree(folder)
    if given.json:
        print(json.dumps(results))
    else:
        for name, found in results.items():
            print(f"{name:26}{found}")
    return int(any("PROBLEM" in str(found) for found in results.values()))


if __name__ == "__main__":
    sys.exit(main())
