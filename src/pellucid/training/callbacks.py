"""Callbacks: what else happens during training, at a stated frequency."""

import time
import warnings
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from numpy.typing import NDArray

from pellucid.errors import ConfigurationError, ModelFileError
from pellucid.locks import FileLock, claim

if TYPE_CHECKING:
    from pellucid.network import NeuralNetwork
    from pellucid.samples import Samples
    from pellucid.training.history import History


class Run:
    """A training as callbacks see it.

    Attributes
    ----------
    network : NeuralNetwork
        With the weights of this moment; their average, where the optimizer has one.
    history : History
        So far.
    step, steps : int
        Iterations done, and how many there will be.
    epoch, epochs : int
        Epochs done, and how many there will be.
    data : Samples
        What is learned from.
    validation : Samples or None
        What is not.
    """

    def __init__(
        self,
        network: "NeuralNetwork",
        history: "History",
        steps: int,
        epochs: int,
        data: "Samples",
        validation: "Samples | None" = None,
    ) -> None:
        self.network, self.history = network, history
        self.steps, self.epochs = steps, epochs
        self.data, self.validation = data, validation
        self.step = self.epoch = 0
        self.reason = ""

    def __repr__(self) -> str:
        return f"<Run: iteration {self.step} of {self.steps}, epoch {self.epoch}>"

    def stop(self, reason: str) -> None:
        """End the training after this iteration.

        Parameters
        ----------
        reason : str
            Why; it stands in ``history.stopped``.
        """
        self.reason = str(reason) or "by a callback"


class Callback:
    """Something that is called during training; all three methods may be left out.

    Each is given the `Run`: network, history, step and epoch, and ``run.stop(why)``.

    Attributes
    ----------
    every : int or "epoch"
        How often `call` happens: after so many iterations, or after each epoch.
    """

    every: int | str = "epoch"

    def begin(self, run: Run) -> None:
        """Do something before the first iteration.

        Parameters
        ----------
        run : Run
            The training.
        """

    def call(self, run: Run) -> None:
        """Do something every so often.

        Parameters
        ----------
        run : Run
            The training.
        """

    def end(self, run: Run) -> None:
        """Do something after the last iteration, also when training was interrupted.

        Parameters
        ----------
        run : Run
            The training.
        """


class Call(Callback):
    """Calls a function with the run.

    Parameters
    ----------
    function : callable
        ``function(run)``.
    every : int or "epoch"
        How often.
    """

    def __init__(
        self, function: Callable[[Run], Any], every: int | str = "epoch"
    ) -> None:
        self.function, self.every = function, every

    def call(self, run: Run) -> None:
        self.function(run)

    def __repr__(self) -> str:
        return getattr(self.function, "__name__", repr(self.function))


class Report(Callback):
    """Prints a line with the loss.

    Parameters
    ----------
    every : int or "epoch"
        How often.
    print : callable
        Takes the line.
    """

    def __init__(
        self,
        every: int | str = "epoch",
        print: Callable[[str], Any] = print,  # noqa: A002 (it stands in for print)
    ) -> None:
        self.every, self.print = every, print

    def call(self, run: Run) -> None:
        history = run.history
        line = f"iteration {run.step}/{run.steps}: loss {history.iterations[-1]:.6g}"
        if history.validation and self.every == "epoch":
            line += f", validation {history.validation[-1]:.6g}"
        self.print(line)


class CheckpointWarning(UserWarning):
    """A checkpoint could not be written, and the training goes on without it."""


class Checkpoint(Callback):
    """Saves the network with everything that continues its training.

    Whatever happens, also when the process is killed or the disk is full, the file is a
    complete checkpoint, the one before or the new one. ``pellucid.load(path)`` and
    ``fit(..., resume=True)`` go on from it, to the bits of an undisturbed training.

    There is a last checkpoint when the training ends, for whatever reason. While it
    runs, another training is refused the same file; ``.NAME.lock`` beside it says so.

    Parameters
    ----------
    path : str or Path
        Where; each checkpoint replaces the one before.
    every : int or "epoch", optional
        How often: after so many iterations, or after each epoch. Left out, each epoch,
        or with `seconds` 10 iterations.
    epochs : int, optional
        Only when so many epochs have passed since the last checkpoint.
    seconds : float, optional
        Only when so many seconds have passed since the last checkpoint.
    needed : bool
        Whether a checkpoint that cannot be written, as on a full disk, ends the
        training with a `ModelFileError`. If not, a warning tells of it, the file stays
        what it was, and the next checkpoint is tried.

    Raises
    ------
    ConfigurationError
        If `epochs` or `seconds` are no numbers above 0.

    Examples
    --------
    ::

        path = Path("net.pellucid")
        going_on = path.exists()  # as after a loss of power
        net = pellucid.load(path) if going_on else NeuralNetwork(layers)
        save = Checkpoint(path, seconds=600)
        net.fit(x, y, epochs=500, callbacks=save, resume=going_on)
    """

    def __init__(
        self,
        path: str | Path,
        every: int | str | None = None,
        *,
        epochs: int | None = None,
        seconds: float | None = None,
        needed: bool = True,
    ) -> None:
        for name, least in {"epochs": epochs, "seconds": seconds}.items():
            kinds = int if name == "epochs" else int | float
            if least is not None and not (isinstance(least, kinds) and least > 0):
                raise ConfigurationError(f"Expected {name} > 0, got {least!r}.")
        self.path = Path(path)
        self.every = ("epoch" if seconds is None else 10) if every is None else every
        self.epochs, self.seconds, self.needed = epochs, seconds, needed
        self._claimed: tuple[Run, FileLock] | None = None

    def begin(self, run: Run) -> None:
        self._claimed = run, claim(self.path)
        self._epoch, self._time, self._failed = run.epoch, time.monotonic(), False

    def call(self, run: Run) -> None:
        early = self.epochs is not None and run.epoch - self._epoch < self.epochs
        if self.seconds is not None:
            early = early or time.monotonic() - self._time < self.seconds
        if not early:
            self._save(run)

    def _save(self, run: Run) -> None:
        self._epoch, self._time, self._failed = run.epoch, time.monotonic(), self.needed
        try:
            run.network.save(self.path, checkpoint=True)
        except ModelFileError as error:
            if self.needed:
                raise
            warnings.warn(
                f"There is no checkpoint of iteration {run.step}: {error}",
                CheckpointWarning,
                stacklevel=2,
            )
        self._failed = False

    def end(self, run: Run) -> None:
        # Not another's: this is called also where begin was refused.
        if self._claimed is None or self._claimed[0] is not run:
            return
        _, lock = self._claimed
        self._claimed = None
        training = run.network.training
        whole = training is not None and training.resumable and run.step > 0
        try:
            if whole and not self._failed:
                self._save(run)  # the network has its best weights only now
        finally:
            lock.remove()


class RecordWeights(Callback):
    """Keeps the weights as they change; ``plots.weights_over_time`` draws them.

    Parameters
    ----------
    every : int or "epoch"
        How often; the first weights are kept as well.
    most : int
        So many entries of each parameter are kept, evenly spread.

    Attributes
    ----------
    steps : list of int
        The iterations after which weights were kept.
    weights : dict of str to list of ndarray
        For each parameter its entries after these iterations.
    """

    def __init__(self, every: int | str = "epoch", most: int = 1000) -> None:
        if not isinstance(most, int) or isinstance(most, bool) or most < 1:
            raise ConfigurationError(f"Expected most >= 1, got {most!r}.")
        self.every, self.most = every, most
        self.steps: list[int] = []
        self.weights: dict[str, list[NDArray[Any]]] = {}

    def begin(self, run: Run) -> None:
        if not self.steps or self.steps[-1] != run.step:  # as when it goes on
            self.call(run)

    def call(self, run: Run) -> None:
        self.steps.append(run.step)
        for name, window in run.network.parameters.items():
            stride = -(-window.size // self.most)
            self.weights.setdefault(name, []).append(window.ravel()[::stride].copy())


class TimeLimit(Callback):
    """Ends the training after some time.

    Parameters
    ----------
    seconds : float
        The time.
    every : int or "epoch"
        How often the clock is looked at.
    """

    def __init__(self, seconds: float, every: int | str = 10) -> None:
        if not isinstance(seconds, int | float) or not seconds > 0:
            raise ConfigurationError(f"Expected seconds > 0, got {seconds!r}.")
        self.seconds, self.every = seconds, every

    def begin(self, run: Run) -> None:
        self._until = time.monotonic() + self.seconds

    def call(self, run: Run) -> None:
        if time.monotonic() >= self._until:
            run.stop(f"after {self.seconds:g} seconds")


def as_callbacks(given: Any) -> list[Callback]:
    """Return callbacks; functions are called after each epoch.

    Parameters
    ----------
    given : sequence of Callback or callable
        What the user wrote.

    Returns
    -------
    list of Callback
    """
    if isinstance(given, Callback) or callable(given):
        given = [given]
    if not isinstance(given, Iterable):
        raise ConfigurationError(f"Expected a list of callbacks, got {given!r}.")
    callbacks = []
    for each in given:
        if not isinstance(each, Callback):
            if not callable(each) or isinstance(each, type):
                raise ConfigurationError(
                    f"Expected a callback or a function of the run, got {each!r}."
                )
            each = Call(each)
        frequency = each.every
        whole = isinstance(frequency, int) and not isinstance(frequency, bool)
        if frequency != "epoch" and not (whole and frequency >= 1):
            raise ConfigurationError(
                f"{each!r} has every={frequency!r}; expected 'epoch' or a number of "
                "iterations."
            )
        callbacks.append(each)
    return callbacks
