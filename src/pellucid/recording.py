"""A recorded training: every iteration of it, as a sequence of steps.

Kept are the states before every k-th iteration, within a bound on memory, and the loss
of all of them. The iterations between are computed again when they are asked for, by
the engine that made them: a state and the data determine all that follows, down to the
last bit.
"""

import copy
import math
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, overload

import numpy as np
from numpy.typing import NDArray

from pellucid.errors import ConfigurationError
from pellucid.layout import Windows
from pellucid.minimizers import Minimizer, MinimizerStep
from pellucid.trace import Position, Step, trace_step
from pellucid.training.recorder import MOST_MEMORY, Recorder
from pellucid.training.replay import Replay
from pellucid.training.state import Snapshot

if TYPE_CHECKING:
    from pellucid.course import Course


class Recording(Recorder):
    """The iterations of a training: ``recording[i]`` is a `Step` with every number.

    The training data belong to a recording. They are not copied, so they must not be
    changed in place afterwards. Of a minimizer's iteration the step has loss and
    gradient where it began, and what it added to the weights as one vector ``s``.

    Parameters
    ----------
    every : int
        Keep the state before every k-th iteration. A smaller k is quicker to look at; a
        larger one is quicker to train. It doubles whenever the bound is reached.
    most_memory : int
        Bytes that all kept states together may take; 256 MiB by default. A state takes
        as many numbers as the network has, and as often again as the optimizer has
        memories (Adam: two).

    Examples
    --------
    >>> import pellucid
    >>> data = pellucid.data.moons()
    >>> net = pellucid.NeuralNetwork(
    ...     [pellucid.Dense(8, "tanh"), pellucid.Dense(2)], loss="cross_entropy"
    ... )
    >>> history = net.fit(data.x, data.y, iterations=100, record=10)
    >>> recording = net.recording
    >>> len(recording), recording.kept[:3]
    (100, [0, 10, 20])
    >>> abs(recording[37].loss - history.iterations[37]) < 1e-6
    True
    >>> (recording.weights(100).vector == net.weights).all().item()
    True
    """

    def __init__(self, every: int = 1, most_memory: int = MOST_MEMORY) -> None:
        super().__init__(every, most_memory)
        self._replayed: Replay | None = None

    def __getstate__(self) -> dict[str, Any]:
        # An engine's run holds addresses of this process.
        return self.__dict__ | {"_replayed": None}

    # -- what is there -----------------------------------------------------------------

    def __len__(self) -> int:
        return self.stop - self.first + self.failed

    @property
    def steps(self) -> range:
        """The numbers of the recorded iterations: ``recording[i].iteration``.

        From 0, unless recording began in the middle of a training.
        """
        return range(self.first, self.first + len(self))

    @property
    def losses(self) -> NDArray[np.float64]:
        """The loss of every iteration's batch before its update, shape (steps,).

        NaN for a last iteration that met a number that is not finite.
        """
        losses = self.losses_of(self.first, len(self))
        return np.array(losses + [np.nan] * (len(self) - len(losses)))

    @property
    def rates(self) -> NDArray[np.float64]:
        """The learning rate of every iteration, shape (steps,); NaN of a minimizer."""
        replay = self.replay()
        if isinstance(replay.settings.optimizer, Minimizer):
            return np.full(len(self), np.nan)
        found = np.empty(len(self))
        edges = [rule.step for rule in self.rules[1:]] + [self.first + len(self)]
        for rule, edge in zip(self.rules, edges, strict=True):
            optimizer = replay.optimizer(rule.step)
            rates = optimizer.rates(rule.step, edge - rule.step, rule.total)
            found[rule.step - self.first : edge - self.first] = rates
        return found

    @property
    def kept(self) -> list[int]:
        """The iterations whose state is kept, as indices; all others are recomputed."""
        return [step - self.first for step in sorted(self.states)]

    # -- single iterations -------------------------------------------------------------

    def weights(self, index: int) -> Windows:
        """Return all numbers of the network before an iteration.

        Parameters
        ----------
        index : int
            Which; ``len(recording)`` gives those behind the last one, negative numbers
            count from the end.

        Returns
        -------
        Windows
            By name, ``["dense_1.W"]``, and as one ``vector``: parameters, then running
            state, in every bit as the training had them. Where the optimizer averages,
            these are the weights that training goes on from, not their average.

        Raises
        ------
        DataError
            If the data are needed and the file was saved without them.
        PellucidError
            If the iteration cannot be repeated, since data or version are others.
        """
        replay, step = self.replay(), self._step(index, behind=not self.failed)
        return Windows(replay.state(step).weights, replay.network.blueprint.layout)

    def memory(self, index: int) -> dict[str, Windows]:
        """Return the optimizer's memory before an iteration.

        Parameters
        ----------
        index : int
            As in `weights`.

        Returns
        -------
        dict of str to Windows
            The name of the memory, then the parameter's: ``["m"]["dense_1.W"]``.
        """
        replay, step = self.replay(), self._step(index, behind=not self.failed)
        layout = replay.network.blueprint.layout.parameters
        memory = replay.state(step).memory
        return {name: Windows(vector, layout) for name, vector in memory.items()}

    @overload
    def __getitem__(self, index: int) -> Step: ...
    @overload
    def __getitem__(self, index: slice) -> "Steps": ...
    def __getitem__(self, index: Any) -> Any:
        if isinstance(index, slice):
            return Steps(self, range(len(self))[index])
        step, replay = self._step(index), self.replay()
        return trace_step(
            self._seen_from_batches(replay),
            replay.batch(step),
            self._position(replay, step, replay.state(step)),
        )

    def _seen_from_batches(self, replay: Replay) -> Any:
        """Return the network as batches need it: mixed targets want another loss."""
        if replay.engines.blueprint is replay.network.blueprint:
            return replay.network
        other = copy.copy(replay.network)
        other._blueprint = replay.engines.blueprint
        return other

    def _position(self, replay: Replay, step: int, state: Snapshot) -> Position:
        rule, memory = replay.optimizer(step), state.memory
        if isinstance(rule, Minimizer):
            end = step + 1 == self.first + len(self)
            after = state if end and self.failed else replay.state(step + 1)
            size = replay.network.blueprint.layout.parameters.size
            memory = {"s": after.weights[:size] - state.weights[:size]}
            rule, rate = MinimizerStep(minimizer=rule), math.nan
        else:
            rate = rule.rate(step, replay.rule(step).total)
        return Position(state.weights, rule, memory, step, rate, replay.key, step)

    def __iter__(self) -> Iterator[Step]:
        return (self[i] for i in range(len(self)))

    def _step(self, index: Any, behind: bool = False) -> int:
        """Return the iteration of an index."""
        if isinstance(index, bool) or not isinstance(index, int | np.integer):
            raise TypeError(
                f"Iterations have whole numbers as index; got {index!r} of type "
                f"{type(index).__name__}."
            )
        n = len(self)
        if behind and n and index == n:
            return self.first + n
        if not -n <= index < n:
            raise IndexError(
                f"There is no iteration {index}: the recording has {n} iterations."
            )
        return self.first + int(index) % n

    def replay(self) -> Replay:
        """Return what repeats the training: states, batches, optimizers, engines.

        Raises
        ------
        ConfigurationError
            If nothing is recorded yet.
        """
        if self.network is None:
            raise ConfigurationError(
                "Nothing is recorded yet: net.fit(x, y, record=recording) does it."
            )
        if self._replayed is None:
            self._replayed = Replay(self)
        return self._replayed

    # -- all of them -------------------------------------------------------------------

    def course(self, most: int = 200) -> "Course":
        """Return what outputs, gradients and updates of each layer did over time.

        Parameters
        ----------
        most : int
            At so many iterations at most, evenly spread, first and last included.

        Returns
        -------
        Course
            Arrays with an entry for each of these iterations.
        """
        from pellucid.course import course_of

        return course_of(self, most)

    def save(self, path: str | Path, *, data: bool = True) -> None:
        """Write the recording to a file, all or nothing.

        Parameters
        ----------
        path : str or Path
            Where, usually ``NAME.recording``. An old file is replaced only when the new
            one is complete.
        data : bool
            Whether to write the training data too. Without them, `load_recording` needs
            them to compute what lies between the kept states.

        Raises
        ------
        DataError
            If the data are to be written and the recording was loaded without them.
        ModelFileError
            If it cannot be written.
        """
        from pellucid.recording_files import save

        self.replay()
        save(self, path, data=data)

    def __repr__(self) -> str:
        if self.network is None:
            return f"<Recording: empty, every={self.asked}>"
        end = ", the last one failed" if self.failed else ""
        return (
            f"<Recording: {len(self)} iterations{end}, {len(self.states)} states kept, "
            f"every={self.every}, {self.nbytes / 2**20:.3g} MiB>"
        )


class Steps(Sequence[Step]):
    """Some iterations of a recording, each traced when it is asked for.

    Parameters
    ----------
    recording : Recording
        Of which.
    indices : range
        Which.
    """

    def __init__(self, recording: Recording, indices: range) -> None:
        self.recording, self.indices = recording, indices

    def __len__(self) -> int:
        return len(self.indices)

    @overload
    def __getitem__(self, index: int) -> Step: ...
    @overload
    def __getitem__(self, index: slice) -> "Steps": ...
    def __getitem__(self, index: Any) -> Any:
        if isinstance(index, slice):
            return Steps(self.recording, self.indices[index])
        return self.recording[self.indices[index]]

    def __repr__(self) -> str:
        return f"<{len(self)} steps of {self.recording!r}>"


def as_recording(given: Any, earlier: Recording | None) -> Recording | None:
    """Return the recording that `fit` was asked for.

    Parameters
    ----------
    given : bool, int, Recording or None
        What the user wrote.
    earlier : Recording or None
        That of the training that goes on.

    Returns
    -------
    Recording or None

    Raises
    ------
    ConfigurationError
        If it is none of these.
    """
    if given is None or given is False:
        return None
    if isinstance(given, Recording):
        return given
    if given is True:
        return Recording() if earlier is None else earlier
    if not isinstance(given, int | np.integer):
        raise ConfigurationError(
            "Expected record=True, a number of iterations, or a Recording; got "
            f"{given!r}."
        )
    new = Recording(every=int(given))
    goes_on = earlier is not None and earlier.asked == new.asked
    return earlier if goes_on else new
