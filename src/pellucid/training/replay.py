"""A training made again, from the states that were kept of it."""

import math
import warnings
from bisect import bisect_right
from typing import Any

from pellucid.engines import Engines
from pellucid.errors import DataError, PellucidError
from pellucid.optimizers import Optimizer
from pellucid.samples import Samples
from pellucid.training.batches import ArrayBatches
from pellucid.training.made_batches import engines_and_batches
from pellucid.training.recorder import Recorder, RecordingWarning, Rule
from pellucid.training.runs import noise_key, start
from pellucid.training.state import Snapshot, Training, put_back


class Replay:
    """Goes to any iteration: from the last state before it, with the same engine.

    It stays where it was asked for last, so that the iteration after it is one update
    away.

    Parameters
    ----------
    recorder : Recorder
        What was kept.
    """

    def __init__(self, recorder: Recorder) -> None:
        assert recorder.network is not None
        self.recorder, self.network = recorder, recorder.network
        self._place: int | None = None
        self._made: tuple[Engines, ArrayBatches] | None = None
        self._runner: Any = None
        self._optimizers: list[Any] = [self.settings.optimizer]
        self._warned = False

    @property
    def settings(self) -> Training:
        """The settings of the training, whose memory changes with the place."""
        training = self.network.training
        assert training is not None
        return training

    @property
    def key(self) -> int:
        """Key of the random numbers that layers draw."""
        return noise_key(self.network, self.settings)

    @property
    def engines(self) -> Engines:
        """What can run the network on the batches."""
        return self._prepared()[0]

    @property
    def batches(self) -> ArrayBatches:
        """The batches of the training."""
        return self._prepared()[1]

    def _prepared(self) -> tuple[Engines, ArrayBatches]:
        if self._made is None:
            data = self.recorder.data
            if data is None:
                raise DataError(
                    "The recording was saved without its data, which this needs: "
                    "load_recording(path, x, y) with the x and y of the training."
                )
            self._made = engines_and_batches(self.network, data, self.settings)
        return self._made

    def _start(self) -> Any:
        """Return the run of the engine, on arrays that stay the same."""
        if self._runner is None:
            settings, batches = self.settings, self.batches
            runs, _ = self.engines.choose(settings.engine, "training")
            total, threads = settings.total, self.recorder.threads
            self._runner = start(runs, self.network, settings, batches, total, threads)
        return self._runner

    def rule(self, step: int) -> Rule:
        """Return how updates were made at an iteration.

        Parameters
        ----------
        step : int
            The iteration.

        Returns
        -------
        Rule
        """
        return self.recorder.rules[self._behind(step) - 1]

    def _behind(self, step: int) -> int:
        """Return the number of rules that held up to an iteration and at it."""
        return bisect_right(self.recorder.rules, step, key=lambda rule: rule.step)

    def optimizer(self, step: int) -> Any:
        """Return the optimizer of an iteration, with the learning rate it had learned.

        Parameters
        ----------
        step : int
            The iteration.

        Returns
        -------
        Optimizer or Minimizer
        """
        first = self.settings.optimizer
        if not isinstance(first, Optimizer) or not first.adapts:
            return first
        seen, known = self.rule(step).seen, self._optimizers
        for loss in self.recorder.watched[len(known) - 1 : seen]:
            known.append(known[-1].after(loss))
        return known[seen]

    def batch(self, step: int) -> Samples:
        """Return the batch of an iteration.

        Parameters
        ----------
        step : int
            The iteration.

        Returns
        -------
        Samples
        """
        x, y, weight, _ = self.batches.batch(step)
        return Samples(x, y, weight, y)

    def state(self, step: int) -> Snapshot:
        """Return the state before an iteration, or behind the last one.

        Parameters
        ----------
        step : int
            The iteration.

        Returns
        -------
        Snapshot
            Weights as updates see them, not their average.

        Raises
        ------
        DataError
            If the data are needed and were left out.
        PellucidError
            If this computer or version of pellucid computes something else.
        """
        kept = self.recorder.states
        if step in kept:
            return Snapshot.of(kept[step].weights, kept[step].memory)
        self._go(step)
        return Snapshot.of(self.network.weights, self.settings.memory)

    def _go(self, step: int) -> None:
        kept, settings = self.recorder.states, self.settings
        nearest = max(each for each in kept if each <= step)
        place, self._place = self._place, None  # until all has gone well
        runner = self._start()
        if place is None or not nearest < place <= step:
            put_back(kept[nearest], self.network.weights, settings.memory)
            place = nearest
        while place < step:
            rules, behind = self.recorder.rules, self._behind(place)
            until = min(step, rules[behind].step) if behind < len(rules) else step
            if isinstance(settings.optimizer, Optimizer):
                runner.optimizer = self.optimizer(place)
                runner.total = rules[behind - 1].total
            outcome = runner.advance(place, until - place)
            self._compare(place, outcome.losses)
            if not outcome.losses:
                reason = outcome.failed or outcome.finished
                raise _differs(place, f"has no update here ({reason})")
            place += len(outcome.losses)
        self._place = step

    def _compare(self, step: int, losses: list[float]) -> None:
        """Raise if losses are others than in training; warn if in their last digits."""
        recorded = self.recorder.losses_of(step, len(losses))
        least = 1e-3 * abs(self.recorder.losses_of(self.recorder.first, 1)[0])
        for i, (once, now) in enumerate(zip(recorded, losses, strict=True)):
            if once == now:
                continue
            if not math.isclose(once, now, rel_tol=0.01, abs_tol=least):
                raise _differs(step + i, f"gives the loss {now:.6g}, not {once:.6g}")
            if not self._warned:
                self._warned = True
                warnings.warn(
                    f"Iteration {step + i + 1} gives the loss {now!r} here; it was "
                    f"{once!r} when it was recorded, on another computer or by another "
                    "version. The kept states are exact, those between are close.",
                    RecordingWarning,
                    stacklevel=2,
                )


def _differs(step: int, what: str) -> PellucidError:
    return PellucidError(
        f"The recording cannot be repeated: iteration {step + 1} {what}. Were the "
        "training data changed in place since, or is this another version of pellucid?"
    )
