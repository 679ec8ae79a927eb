"""The training loop."""

import math
import time
import warnings
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

import numpy as np

from pellucid.engines.readable import Outcome, scale_of
from pellucid.errors import NonFiniteError
from pellucid.metrics import Metric, metric_name
from pellucid.minimizers import Minimizer
from pellucid.optimizers import Optimizer
from pellucid.samples import Samples
from pellucid.training.callbacks import Callback, Run
from pellucid.training.failure import cause, first_not_finite
from pellucid.training.history import GradientWarning, History, gradient_spike
from pellucid.training.interrupt import Interrupt
from pellucid.training.made_batches import engines_and_batches
from pellucid.training.minimization import MinimizerSession
from pellucid.training.plan import EarlyStopping
from pellucid.training.progress import Progress
from pellucid.training.runs import decayed_mask, noise_key, start
from pellucid.training.state import Snapshot, Sums, Training, put_back

if TYPE_CHECKING:
    from pellucid.network import NeuralNetwork
    from pellucid.recording import Recording


class InterruptedWarning(UserWarning):
    """Ctrl-C ended a training; the network has the best weights so far."""


class Fit:
    """One call of fit: its data, its plan, and the loop.

    Parameters
    ----------
    network : NeuralNetwork
        Trained in place.
    data : Samples
        Training data.
    validation : Samples or None
        Validation data.
    training : Training
        The state to start from.
    total : int
        Iterations of the whole training, those done included.
    stopping : EarlyStopping or None
        When to end early.
    callbacks : list of Callback
        What else happens.
    metrics : list of Metric
        What to measure after each epoch.
    progress : bool or None
        Whether to show a progress bar.
    engine : str
        Which engine is wanted.
    threads : int or None
        How many threads the compiled engine may use.
    recording : Recording or None
        What keeps the course of the training.
    share : float or None
        The share of the data that was held out for validation.
    """

    def __init__(
        self,
        network: "NeuralNetwork",
        data: Samples,
        validation: Samples | None,
        training: Training,
        total: int,
        stopping: EarlyStopping | None,
        callbacks: list[Callback],
        metrics: list[Metric],
        progress: bool | None,
        engine: str = "auto",
        threads: int | None = None,
        recording: "Recording | None" = None,
        share: float | None = None,
    ) -> None:
        self.network, self.data, self.validation = network, data, validation
        self.training, self.total, self.stopping = training, total, stopping
        self.callbacks, self.metrics = callbacks, metrics
        self.progress = Progress(progress)
        self.engines, self.batches = engines_and_batches(network, data, training)
        self.decayed = decayed_mask(network, training)
        runs, self.why = self.engines.choose(engine, "training")
        training.engine = runs.name
        if isinstance(training.optimizer, Minimizer):
            self.why = "readable: a minimizer runs in it"
        self.runner = start(runs, network, training, self.batches, total, threads)
        if training.step == 0 and "average" in training.memory:
            training.memory["average"][...] = network.parameters.vector
        if self._adapts():
            for loss in self._watched():
                self._adapt(loss)
        epochs = math.ceil((total - training.origin) / self.batches.per_epoch)
        self.run = Run(network, training.history, total, epochs, data, validation)
        self.run.step, self.run.epoch = training.step, training.history.epochs
        self._clock = time.monotonic()
        self.recording = network.recording = recording
        if recording is not None:
            recording.begin(network, data, share, threads)

    def _watched(self) -> list[float]:
        """Return the losses of epochs that schedules look at."""
        history = self.training.history
        return history.loss if self.validation is None else history.validation

    def _adapts(self) -> bool:
        """Return whether the learning rate follows the losses of epochs."""
        rule = self.training.optimizer
        return isinstance(rule, Optimizer) and rule.adapts

    def _adapt(self, loss: float) -> None:
        """Let the learning rate follow the loss of an epoch."""
        self.runner.optimizer = self.runner.optimizer.after(loss)

    def _rate(self, step: int) -> float:
        """Return the learning rate of an iteration, or a minimizer's last length."""
        if isinstance(self.runner, MinimizerSession):
            return self.runner.length
        rate: float = self.runner.optimizer.rate(step, self.total)
        return rate

    def _exchange(self) -> None:
        """Exchange the weights of training and their average, if there is one.

        Training needs the first, everybody else sees the other.
        """
        average = self.training.memory.get("average")
        if average is not None:
            w = self.network.parameters.vector
            w[...], average[...] = average.copy(), w.copy()

    def __call__(self) -> History:
        """Train; return the history.

        Returns
        -------
        History
        """
        training, history = self.training, self.training.history
        before, history.interrupted, history.stopped = history.epochs, False, ""
        training.failure = None
        history.engine = self.why
        with Interrupt() as interrupt:
            try:
                self._each("begin")
                self.progress.begin(self.run)
                if training.sums.batches and self._epoch_is_over():
                    self._end_epoch()  # which a checkpoint was saved just before
                while training.step < self.total and not self._stops():
                    self._advance()
                    if interrupt.asked:
                        history.interrupted = True
                        self.run.stop("interrupted")
            finally:
                self.progress.end()
                history.stopped = self.run.reason
                self._keep_the_best()
                with ExitStack() as ends:  # all of them, also when one cannot
                    for callback in reversed(self.callbacks):
                        ends.callback(self._call, callback, "end")
        spike = gradient_spike(history.gradient_norm, since=before)
        if spike is not None:
            epoch, usual = spike
            warnings.warn(
                f"In epoch {epoch + 1} the gradient was "
                f"{history.gradient_norm[epoch] / usual:,.0f} times as long as in the "
                "epochs before. Cut such gradients, optimizer=Adam(clip_norm=1.0), and "
                "look for rows with values out of all proportion.",
                GradientWarning,
                stacklevel=4,
            )
        if history.interrupted:
            kept = f"best epoch {history.best_epoch}" if history.best_epoch else "last"
            warnings.warn(
                f"Training was interrupted after {training.step} of {self.total} "
                f"iterations; the network has the weights of the {kept}. "
                "fit(..., resume=True) goes on.",
                InterruptedWarning,
                stacklevel=4,
            )
        return history

    def _each(self, what: str, only: Any = None) -> None:
        for callback in self.callbacks:
            if only is None or callback.every == only:
                self._call(callback, what)

    def _call(self, callback: Callback, what: str) -> None:
        try:
            getattr(callback, what)(self.run)
        except Exception as error:
            error.add_note(f"in the callback {callback!r}, {what}")
            raise

    def _advance(self) -> None:
        """Make the iterations up to the next event, or as many as a moment allows."""
        training, batches = self.training, self.batches
        until = self.total
        if not self._epochs_pass_quietly():
            until = min(until, batches.epoch_end(training.step))
        for callback in self.callbacks:
            if isinstance(callback.every, int):
                every = callback.every
                until = min(until, (training.step // every + 1) * every)
        if self.recording is not None:
            until = min(until, self.recording.until(training.step))
        training.resumable = False  # until what has happened is noted
        self._exchange()
        try:
            outcome = self._updates(until - training.step)
        finally:
            self._exchange()
        self._record(outcome)
        training.resumable = True
        if outcome.failed:
            raise self._explain(outcome)
        if outcome.finished:
            self.run.stop(outcome.finished)
            return
        self.progress.show(self.run)
        for callback in self.callbacks:
            if isinstance(callback.every, int) and training.step % callback.every == 0:
                self._call(callback, "call")
        if self._epoch_is_over():
            self._end_epoch()

    def _updates(self, count: int) -> Outcome:
        """Make some updates, and let the recording look before and after."""
        step, recording = self.training.step, self.recording
        if recording is None:
            outcome: Outcome = self.runner.advance(step, count)
            return outcome
        weights, memory = self.network.weights, self.training.memory
        watched = self._watched() if self._adapts() else []
        recording.before(step, weights, memory, watched, self.total)
        outcome = self.runner.advance(step, count)
        recording.after(outcome, weights, memory, bool(self.callbacks))
        return outcome

    def _epochs_pass_quietly(self) -> bool:
        """Return whether an epoch ends with nothing to do but to note it."""
        optimizer = self.training.optimizer
        measured = self.validation is not None or bool(self.metrics)
        called = any(callback.every == "epoch" for callback in self.callbacks)
        adapted = isinstance(optimizer, Minimizer) or self._adapts()
        return not (measured or optimizer.penalizes or called or adapted)

    def _epoch_is_over(self) -> bool:
        step = self.training.step
        return step in (self.total, self.batches.epoch_end(step - 1))

    def _record(self, outcome: Outcome) -> None:
        """Note what some iterations did; end the epochs that passed on the way."""
        training = self.training
        averages = self.network.loss.reduction == "mean"
        self._record_short_epochs(outcome)
        course = zip(outcome.losses, outcome.weights, outcome.norms, strict=True)
        end = self.batches.epoch_end(training.step)
        for loss, weight, norm in course:
            if training.step == end:
                self._note_epoch()
                end = self.batches.epoch_end(training.step)
            sums = training.sums
            sums.loss += loss * weight if averages else loss
            sums.weight += weight
            sums.norm += norm
            sums.batches += 1
            training.history.iterations.append(loss)
            training.step += 1
        self.run.step = training.step
        self.run.epoch = training.history.epochs

    def _record_short_epochs(self, outcome: Outcome) -> None:
        """Note all but the last of epochs of one iteration at once, and drop them."""
        count = len(outcome.losses) - 1
        if self.batches.per_epoch > 1 or count < 1:
            return
        training, history = self.training, self.training.history
        losses, norms = outcome.losses[:count], outcome.norms[:count]
        history.iterations += losses
        if self.network.loss.reduction == "mean":
            weights = np.array(outcome.weights[:count])
            sums = np.array(losses) * weights
            losses = np.divide(sums, weights, out=sums, where=weights > 0).tolist()
        history.loss += losses
        history.gradient_norm += norms
        rates = self.runner.optimizer.rates(training.step, count, self.total)
        history.learning_rate += rates
        now = time.monotonic()
        history.seconds += [(now - self._clock) / count] * count
        self._clock = now
        training.step += count
        del outcome.losses[:count], outcome.norms[:count], outcome.weights[:count]

    def _end_epoch(self) -> None:
        history = self.training.history
        # Measured first, so that a metric that raises leaves no half an epoch behind.
        validation, measured = self._measured()
        self._note_epoch()
        if validation is not None:
            history.validation.append(validation)
            self._compare(validation)
        if self._adapts():
            self._adapt(self._watched()[-1])
        for name, value in measured.items():
            history.metrics.setdefault(name, []).append(value)
        self.run.epoch = history.epochs
        self.progress.show(self.run)
        self._each("call", only="epoch")

    def _note_epoch(self) -> None:
        """Put what an epoch has added up into the history."""
        training, history, sums = (
            self.training,
            self.training.history,
            self.training.sums,
        )
        averages = self.network.loss.reduction == "mean"
        history.loss.append(
            sums.loss / sums.weight if averages and sums.weight else sums.loss
        )
        history.gradient_norm.append(sums.norm / max(1, sums.batches))
        optimizer = training.optimizer
        history.learning_rate.append(self._rate(training.step - 1))
        if optimizer.penalizes:
            w = self.network.parameters.vector
            history.penalty.append(optimizer.penalty(w, self.decayed))
        training.sums = Sums()
        now = time.monotonic()
        history.seconds.append(now - self._clock)
        self._clock = now

    def _measured(self) -> tuple[float | None, dict[str, float]]:
        """Return validation loss and metrics of this moment."""
        held, training = self.validation, self.training
        loss = None if held is None else self.network.mean_loss(held, training.engine)
        data = self.data if held is None else held
        return loss, {
            metric_name(metric): float(
                self.network.measure(metric, data, training.engine)
            )
            for metric in self.metrics
        }

    def _compare(self, loss: float) -> None:
        training = self.training
        if math.isnan(loss):
            loss = math.inf
        smallest = self.stopping.smallest if self.stopping else 0.0
        better = loss < training.best_loss or training.best is None
        enough = loss < training.best_loss - smallest or training.best is None
        training.waited = 0 if enough else training.waited + 1
        if better:
            training.best_loss = loss
            training.best = Snapshot.of(self.network.weights, training.memory)
            training.history.best_epoch = training.history.epochs

    def _stops(self) -> bool:
        waited = self.training.waited
        if self.stopping and waited >= self.stopping.patience and not self.run.reason:
            self.run.stop(
                f"early: the validation loss did not fall for {waited} epochs"
            )
        return bool(self.run.reason)

    def _keep_the_best(self) -> None:
        """Give the network the best weights, and keep those where training stands."""
        training = self.training
        if training.best is not None:
            training.last = Snapshot.of(self.network.weights, training.memory)
            put_back(training.best, self.network.weights, training.memory)

    def _explain(self, outcome: Outcome) -> NonFiniteError:
        """Return an error that names where the first number was not finite."""
        training, engine = self.training, self.engines.readable
        step = training.step
        epoch, place = self.batches.place(step)
        x, y, weight, total = self.batches.batch(step)
        scale = scale_of(engine.blueprint, total)
        weights, key = self.network.weights, noise_key(self.network, training)
        self._exchange()
        found = engine.backprop(weights, x, y, weight, scale, key=key, step=step)
        when = f"Epoch {epoch + 1}, batch {place + 1} (iteration {step + 1}): "
        batch, rate = Samples(x, y, weight, y), self._rate(step)
        rest = batch, key, rate, self.decayed, when
        training.failure = cause(self.network, engine.blueprint, *rest)
        self._exchange()
        kept = (
            f"the weights of epoch {training.history.best_epoch}, the best so far"
            if training.best is not None
            else "the last finite weights"
        )
        smaller = (
            ""
            if isinstance(training.optimizer, Minimizer)
            else f"a learning rate ten times smaller (now {self._rate(step):g}), "
            "clip_norm=1.0 in the optimizer, or "
        )
        are = "are" if str(outcome.failed).startswith("weights") else "is"
        return NonFiniteError(
            f"{when}the {outcome.failed} {are} not finite; "
            f"{first_not_finite(found, outcome)}. The update was not made; the network "
            f"has {kept}. Try {smaller}inputs and targets with mean 0 and standard "
            "deviation 1 "
            "(pellucid.data.standardize). net.diagnose(x, y) tells which operation "
            "made that number, and from what."
        )
