"""Kills trainings, fills disks, takes folders away; looks at what is left each time.

    python scripts/faults.py [--kills 200] [--seed 0] [--json]

What must hold: a checkpoint is always the one before or the new one, complete, with the
bits that an undisturbed training has after that iteration; nothing else stays in the
folder; and the training that goes on ends with the bits of the undisturbed one. Killed
are plain trainings, those with changed images, a schedule that follows the loss and
early stopping, and those on tables by a bag and by an ensemble, in both engines. The
processes are forks of this one, so that none has to start up. tests/test_faults.py
runs a few of them.
"""

import argparse
import dataclasses
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
    Conv2D,
    Dense,
    Dropout,
    Flatten,
    Flip,
    ModelFileError,
    Momentum,
    NeuralNetwork,
    ReduceOnPlateau,
    Rescale,
    Shift,
    data,
    load,
    tabular,
)
from pellucid.engines import missing_for_compiled

ENGINES = ("readable", "compiled")
NOBODY = 65534


class ProblemError(Exception):
    """Something that must hold does not."""


def must(holds: bool, what: str) -> None:
    """Raise unless something holds."""
    if not holds:
        raise ProblemError(what)


# -- what is trained -------------------------------------------------------------------

RNG = np.random.default_rng(0)
ROWS = 24
CLASSES = np.arange(ROWS) % 3


def plain() -> tuple[Any, ...]:
    """Return layers, inputs and plan of a usual training."""
    layers = [Dense(8, "tanh"), BatchNorm(), Dropout(0.2), Dense(3, "softmax")]
    return layers, RNG.normal(size=(ROWS, 3)), {"optimizer": "adam", "epochs": 6}


def images() -> tuple[Any, ...]:
    """Return the same of a training with as many decisions of its own as can be."""
    layers = [Rescale(), Conv2D(4, 3, "relu"), Flatten(), Dense(3)]
    plan = {
        "optimizer": Momentum(ReduceOnPlateau(0.05, patience=1), average=0.9),
        "augment": [Flip(), Shift(1)],
        "early_stopping": 3,
        "epochs": 20,
    }
    return layers, RNG.integers(0, 256, (ROWS, 6, 6, 1), dtype=np.uint8), plan


class Undisturbed:
    """A training that nothing happens to, and all its states."""

    def __init__(self, folder: Path, engine: str, case: Any = plain) -> None:
        self.engine = engine
        self.layers, self.x, self.plan = case()
        self.plan |= {"batch_size": 4, "validation": 0.25, "metrics": ["accuracy"]}
        self.states: dict[int, list[Any]] = {}
        self.sizes: dict[int, int] = {}
        path = folder / "undisturbed"
        look = Call(lambda run: self._look(run, path), every=1)
        net = self.train(path, look)
        self.end = state(net)
        self.steps = net.training.step
        self.states[self.steps].append(self.end)
        path.unlink()
        begun = time.monotonic()
        ended(fork(self.train, path))
        self.seconds = time.monotonic() - begun  # now that all is compiled
        must(state(load(path)) == self.end, "two trainings differ")

    def train(self, path: Path, *more: Any) -> Any:
        """Train, or go on from the checkpoint; return the network."""
        goes_on = path.exists()
        net = NeuralNetwork(self.layers, loss="cross_entropy", seed=1)
        net = load(path) if goes_on else net
        calls = [Checkpoint(path, every=1), *more]
        plan = self.plan | {"engine": self.engine, "threads": 1}
        net.fit(self.x, CLASSES, callbacks=calls, resume=goes_on, **plan)
        return net

    def _look(self, run: Any, path: Path) -> None:
        found = state(load(path))
        self.states.setdefault(run.step, []).append(found)
        self.sizes[run.step] = path.stat().st_size

    def progress(self, path: Path) -> int:
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
        must(ended(fork(self.train, path)), "the training did not go on")
        must(state(load(path)) == self.end, "the training ended with other bits")
        must(others(path) == [], f"files are left: {others(path)}")


class UndisturbedTable:
    """A training on a table that nothing happens to: a bag, or an ensemble.

    Where a path is asked for, it is that of the first network.
    """

    def __init__(self, folder: Path, engine: str, members: int | None = None) -> None:
        self.engine = engine
        cells = dict(zip("abc", RNG.normal(size=(3, 60)), strict=True))
        kinds = np.take(["u", "v", "w"], np.arange(60) % 3)
        self.table = data.table(cells | {"kind": kinds}, "kind")
        usual = tabular.recipe_for(60, "classes", ensemble=members)
        small = {"hidden": (8, 8), "batch_size": 2, "epochs": 8, "folds": 3}
        small |= {"folds": 0, "patience": 4} if members else {}
        self.recipe = dataclasses.replace(usual, **small)
        self.files = [
            f"network_{k + 1}.pellucid" for k in range(self.recipe.folds or 1)
        ]
        path = folder / "undisturbed" / self.files[0]
        self.end = self.train(path)
        self.steps = self.progress(path)
        shutil.rmtree(path.parent)
        begun = time.monotonic()
        ended(fork(self.train, path))
        self.seconds = time.monotonic() - begun
        must(self.train(path) == self.end, "two trainings differ")

    def train(self, path: Path) -> Any:
        """Train, or go on from the checkpoints; return all that came of it."""
        path.parent.mkdir(exist_ok=True)
        done = tabular.train(
            self.table,
            recipe=self.recipe,
            seed=1,
            checkpoints=path.parent,
            checkpoint_epochs=1,
            progress=False,
            engine=self.engine,
            threads=1,
        )
        files = [state(load(path.with_name(name))) for name in self.files]
        return state(done.network), done.temperature, files

    def progress(self, path: Path) -> int:
        """Return the iterations of all checkpoints, which must be complete."""
        files = path.parent.glob("*.pellucid")
        return sum(load(each).training.step for each in sorted(files))

    def must_end_well(self, path: Path) -> None:
        """Let the training go on, and compare its end."""

        def go_on() -> None:
            must(self.train(path) == self.end, "the training ended with other bits")

        must(ended(fork(go_on)), "the training did not go on to the same bits")
        found = sorted(each.name for each in path.parent.iterdir())
        must(found == self.files, f"files are left: {found}")


def state(net: Any) -> Any:
    """Return all that a network holds, as values that can be compared bit for bit."""
    from snapshots import snapshot  # from the folder of the tests

    return snapshot(net)


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


def kills(
    folder: Path, wanted: Undisturbed | UndisturbedTable, count: int, seed: int
) -> dict[str, int]:
    """Kill trainings at random moments, until each has ended in spite of it."""
    chance = random.Random(seed)
    done = in_a_save = trainings = 0
    while done < count:
        path = folder / f"net {trainings}" / "net.pellucid"
        path.parent.mkdir()
        trainings += 1
        step = killed = 0
        while step < wanted.steps and killed < 20 and done < count:
            number = fork(wanted.train, path)
            time.sleep(chance.uniform(0.0, wanted.seconds / 3))
            if not kill(number):
                break
            done, killed = done + 1, killed + 1
            partial = [name for name in others(path) if name.endswith(".partial")]
            must(len(partial) <= 1, f"left-over files pile up: {partial}")
            in_a_save += len(partial)
            now = wanted.progress(path)
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
        must_fail("File too large", wanted.train, path)

    must(ended(fork(limited)), "a limit of the size is no ModelFileError")
    must(others(path) == [], f"files are left: {others(path)}")
    must(0 < wanted.progress(path) <= stop, "the limit was not met")
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
            fails = "No space left on device"
            must_fail(fails, wanted.train, path, Call(fill, every=1))

        must(ended(fork(filled)), "a full disk is no ModelFileError")
        must(others(path) == ["filler"], f"files are left: {others(path)}")
        must(wanted.progress(path) == wanted.steps // 2, "the disk was not full")
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
        must_fail("Permission denied", wanted.train, path, *what)

    def close(run: Any) -> None:
        if run.step == stop:
            folder.chmod(0o500)

    must(ended(fork(as_nobody, Call(close, every=1))), "it is no ModelFileError")
    must(wanted.progress(path) == stop, "the folder was not closed")
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

    first = fork(wanted.train, path, Call(wait, every=1))
    while not (folder / "waits").exists():
        time.sleep(0.002)
    before = path.read_bytes()
    words = f"is in use: another training (process {first})"
    must_fail(words, wanted.train, path)
    must(path.read_bytes() == before, "the refused training wrote")
    must(ended(fork(wanted.train, folder / "other")), "another name is refused")
    must(kill(first), "the first training ended")
    must(wanted.progress(path) == stop, "the checkpoint changed")
    for name in ("waits", "other"):
        (folder / name).unlink()
    wanted.must_end_well(path)


def two_savers(folder: Path, wanted: Undisturbed, count: int = 40) -> None:
    """Let two processes write one file again and again, and read it meanwhile."""
    path = folder / "net"
    nets = [wanted.train(folder / "first"), load(folder / "first")]
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


SORTS: dict[str, Callable[..., Any]] = {
    "plain": Undisturbed,
    "images": lambda folder, engine: Undisturbed(folder, engine, images),
    "a bag": UndisturbedTable,
    "an ensemble": lambda folder, engine: UndisturbedTable(folder, engine, 4),
}


def everything(folder: Path, count: int, seed: int) -> dict[str, Any]:
    """Return what was tried, by name, and the problems."""
    results: dict[str, Any] = {}
    share = -(-count // (len(ENGINES) * len(SORTS)))
    for engine in ENGINES:
        if engine == "compiled" and missing_for_compiled():
            continue
        for sort, train in SORTS.items():
            inside = folder / engine / sort
            inside.mkdir(mode=0o755, parents=True)
            (folder / engine).chmod(0o755)
            wanted = train(inside, engine)
            faults: dict[str, Callable[..., Any]] = {
                f"kills of {sort}": lambda place, it: kills(place, it, share, seed)
            }
            if sort == "plain":
                faults |= {"too large": too_large, "full": full}
                faults |= {"read-only": read_only, "two trainings": two_trainings}
            if sort == "plain" and engine == "readable":  # no engine runs there
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
            print(f"{name:32}{found}")
    return int(any("PROBLEM" in str(found) for found in results.values()))


if __name__ == "__main__":
    sys.exit(main())
