"""What is kept of a training while it runs, in a bounded number of bytes."""

import copy
import warnings
from array import array
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from pellucid.engines.readable import Outcome
from pellucid.errors import ConfigurationError
from pellucid.minimizers import Minimizer
from pellucid.optimizers import Optimizer
from pellucid.samples import Samples
from pellucid.training.state import Snapshot, Training, fresh_memory

if TYPE_CHECKING:
    from pellucid.network import NeuralNetwork

MOST_MEMORY = 256 * 2**20  # bytes


class RecordingWarning(UserWarning):
    """A recording ended before its training, or cannot be repeated bit for bit."""


class Rule(NamedTuple):
    """How updates were made from an iteration on.

    Parameters
    ----------
    step : int
        The iteration.
    seen : int
        How many losses of epochs the learning rate had followed by then.
    total : int
        Iterations of the whole training, for schedules.
    """

    step: int
    seen: int
    total: int


class Proof(NamedTuple):
    """What stays of data that a file was saved without.

    Parameters
    ----------
    sha256 : str
        Of inputs and targets.
    weight : ndarray, shape (n,)
        Weights of the samples.
    """

    sha256: str
    weight: NDArray[Any]


class Recorder:
    """Keeps the state before every k-th iteration, and every loss.

    A state is weights, running state and optimizer memory: with the data it determines
    all that follows. When the bound on memory is reached, every second state is dropped
    and k doubles.

    Parameters
    ----------
    every : int
        The first k, at least 1.
    most_memory : int
        Bytes that all states together may take.

    Attributes
    ----------
    every : int
        The k of now.
    first : int
        The first iteration.
    network : NeuralNetwork or None
        A copy that the training can be repeated in; its `training` has the settings.
    data : Samples or None
        What it learned from, by reference; None if a file was saved without them.
    proof : Proof or None
        What a file says of the data.
    share : float or None
        The share of the data that was held out for validation before.
    threads : int or None
        How many threads the compiled engine may use.
    states : dict of int to Snapshot
        By iteration.
    pinned : set of int
        Iterations before which something else than an update changed the state: these
        states stay.
    rules : list of Rule
        How updates were made.
    watched : list of float
        The losses of epochs that the learning rate followed.
    failed : bool
        Whether the last iteration met a number that is not finite.
    full : bool
        Whether recording ended because not even the pinned states had room.
    """

    def __init__(self, every: int = 1, most_memory: int = MOST_MEMORY) -> None:
        for name, value in (("every", every), ("most_memory", most_memory)):
            whole = isinstance(value, int | np.integer) and not isinstance(value, bool)
            if not whole or value < 1:
                unit = "iterations" if name == "every" else "bytes"
                raise ConfigurationError(
                    f"Expected {name} to be a number of {unit} of at least 1, got "
                    f"{value!r}."
                )
        self.asked = self.every = int(every)
        self.most_memory = int(most_memory)
        self.first = 0
        self.network: NeuralNetwork | None = None
        self.data: Samples | None = None
        self.proof: Proof | None = None
        self.share: float | None = None
        self.threads: int | None = None
        self.states: dict[int, Snapshot] = {}
        self.pinned: set[int] = set()
        self.rules: list[Rule] = []
        self.watched: list[float] = []
        self.failed = self.full = False
        self._losses = array("d")
        self._of: Training | None = None
        self._left: Snapshot | None = None
        self._broken = True

    @property
    def stop(self) -> int:
        """The iteration behind the last update."""
        return self.first + len(self._losses)

    @property
    def nbytes(self) -> int:
        """Bytes that the kept states take."""
        return sum(map(_bytes, self.states.values()))

    def losses_of(self, step: int, count: int) -> list[float]:
        """Return the losses of some iterations.

        Parameters
        ----------
        step, count : int
            The first of them, and how many.

        Returns
        -------
        list of float
        """
        start = step - self.first
        return self._losses[start : start + count].tolist()

    def put_losses(self, losses: NDArray[np.float64]) -> None:
        """Replace the losses of all iterations.

        Parameters
        ----------
        losses : ndarray, shape (steps,)
            From a file.
        """
        self._losses = array("d", losses.tobytes())

    # -- before a training -------------------------------------------------------------

    def must_suit(
        self,
        network: "NeuralNetwork",
        rule: Optimizer | Minimizer,
        data: Samples,
        before: Training | None,
    ) -> None:
        """Raise unless this training can be recorded here.

        Parameters
        ----------
        network : NeuralNetwork
            What is trained.
        rule : Optimizer or Minimizer
            How.
        data : Samples
            What it learns from.
        before : Training or None
            The training that goes on, if one does.
        """
        size = network.blueprint.layout.size
        size += len(rule.memories) * network.blueprint.layout.parameters.size
        size *= network.dtype.itemsize
        if 2 * size > self.most_memory:
            raise ConfigurationError(
                f"A state of this training takes {size:,} bytes, and a recording needs "
                f"room for two; most_memory is {self.most_memory:,}. Use "
                f"record=Recording(most_memory=...) with {2 * size:,} or more."
            )
        if self._of is None and not self.states:
            return
        if self._of is None or self._of is not before or self.stop != before.step:
            raise ConfigurationError(
                "This recording holds another training, or another part of this one. "
                "Use record=True or a new Recording()."
            )
        assert self.network is not None
        if network.frozen != self.network.frozen:
            raise ConfigurationError(
                "This recording holds a training with other frozen parameters, "
                f"{list(self.network.frozen)}; now these are {list(network.frozen)}. "
                "Use a new Recording()."
            )
        if not self._same_data(data):
            raise ConfigurationError(
                "This recording holds a training with other data. Use the same data, "
                "or a new Recording()."
            )

    def _same_data(self, data: Samples) -> bool:
        known = self.data
        assert known is not None
        if isinstance(known.x, dict):
            same = known.x.keys() == data.x.keys() and all(
                np.array_equal(known.x[name], data.x[name]) for name in known.x
            )
        else:
            same = np.array_equal(known.x, data.x)
        return (
            same
            and np.array_equal(known.y, data.y)
            and np.array_equal(known.weight, data.weight)
        )

    def begin(
        self,
        network: "NeuralNetwork",
        data: Samples,
        share: float | None,
        threads: int | None,
    ) -> None:
        """Take down what the training starts from, or goes on from.

        Parameters
        ----------
        network : NeuralNetwork
            With the training's settings.
        data : Samples
            What it learns from, validation data taken out.
        share : float or None
            The share that was taken out for validation.
        threads : int or None
            How many threads the compiled engine may use.
        """
        training = network.training
        assert training is not None
        self.failed, self._broken, self._left = False, True, None
        if self.network is None:
            self._of, self.first = training, training.step
            self.network = replica(network, training)
            self.data, self.share, self.threads = data, share, threads
        known = self.network.training
        assert known is not None
        if known.engine != training.engine:
            raise ConfigurationError(
                f"The {known.engine} engine made this recording, and the training goes "
                f"on in the {training.engine} engine, whose numbers differ in their "
                "last digits. Use the same engine, or a new Recording()."
            )

    # -- during a training -------------------------------------------------------------

    def until(self, step: int) -> int:
        """Return the iteration at which a state is wanted next.

        Parameters
        ----------
        step : int
            The iteration to come.

        Returns
        -------
        int
        """
        return (step // self.every + 1) * self.every

    def before(
        self,
        step: int,
        weights: NDArray[Any],
        memory: dict[str, NDArray[Any]],
        watched: list[float],
        total: int,
    ) -> None:
        """Take down the state before some iterations.

        Parameters
        ----------
        step : int
            The first of them.
        weights, memory : ndarray, dict of str to ndarray
            As the updates will find them.
        watched : list of float
            Losses of epochs that the learning rate has followed so far.
        total : int
            Iterations of the whole training.
        """
        if self.full:
            return
        broken = self._broken or not self._is_as_left(weights, memory)
        self._broken = False
        self.watched += watched[len(self.watched) :]
        rule = Rule(step, len(self.watched), total)
        if not self.rules or self.rules[-1][1:] != rule[1:]:
            self.rules.append(rule)
        if not broken and step % self.every:
            return
        self.states[step] = Snapshot.of(weights, memory)
        if broken:
            self.pinned.add(step)
        self._make_room(_bytes(self.states[step]))

    def _is_as_left(
        self, weights: NDArray[Any], memory: dict[str, NDArray[Any]]
    ) -> bool:
        """Return whether nobody has changed the state since the last update."""
        left = self._left
        return left is None or (
            np.array_equal(left.weights, weights)
            and all(np.array_equal(left.memory[name], memory[name]) for name in memory)
        )

    def _make_room(self, one: int) -> None:
        while len(self.states) * one > self.most_memory:
            if len(self.states) <= len(self.pinned):
                self._give_up()
                return
            self.every *= 2
            for step in [*self.states]:
                if step % self.every and step not in self.pinned:
                    del self.states[step]

    def _give_up(self) -> None:
        last = max(self.states)
        del self.states[last]
        self.pinned.discard(last)
        self.full, self._left = True, None
        warnings.warn(
            f"The recording ends before iteration {last + 1}: callbacks change the "
            "weights so often that most_memory is used up. Give it more, or change "
            "them less often.",
            RecordingWarning,
            stacklevel=2,
        )

    def after(
        self,
        outcome: Outcome,
        weights: NDArray[Any],
        memory: dict[str, NDArray[Any]],
        watched_over: bool,
    ) -> None:
        """Take down what some iterations did.

        Parameters
        ----------
        outcome : Outcome
            Their losses, and whether the next one failed.
        weights, memory : ndarray, dict of str to ndarray
            As the updates left them.
        watched_over : bool
            Whether callbacks may change them before the next iteration.
        """
        if self.full:
            return
        self._losses.extend(outcome.losses)
        self.failed = outcome.failed is not None
        self._left = Snapshot.of(weights, memory) if watched_over else None


def replica(network: "NeuralNetwork", training: Training) -> "NeuralNetwork":
    """Return a network in which a training can be repeated, with settings of its own.

    Parameters
    ----------
    network : NeuralNetwork
        What is trained.
    training : Training
        How.

    Returns
    -------
    NeuralNetwork
        It shares nothing that changes, and the engines.
    """
    same = copy.copy(network)
    same._weights = network.weights.copy()
    same._engines = network.engines
    rule, size = training.optimizer, network.blueprint.layout.parameters.size
    same.training = Training(
        rule,
        fresh_memory(rule, size, network.dtype),
        training.run,
        training.batch_size,
        training.rows,
        training.shuffle,
        training.augment,
        training.engine,
        origin=training.origin,
        total=training.total,
        step=training.origin,
    )
    return same


def _bytes(state: Snapshot) -> int:
    return state.weights.nbytes + sum(v.nbytes for v in state.memory.values())
