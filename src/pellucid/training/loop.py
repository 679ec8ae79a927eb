"""The training loop."""

import math
import time
import warnings
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from pellucid.arrays import as_weights
from pellucid.data.splits import split_indices
from pellucid.engines.readable import Backprop, Outcome, scale_of
from pellucid.errors import ConfigurationError, DataError, NonFiniteError
from pellucid.layer import Memo
from pellucid.losses import Loss
from pellucid.metrics import Metric, as_metric, metric_name
from pellucid.optimizers import Optimizer
from pellucid.rng import make_key
from pellucid.training.batches import ArrayBatches
from pellucid.training.callbacks import Callback, Run, as_callbacks
from pellucid.training.history import History
from pellucid.training.interrupt import Interrupt
from pellucid.training.progress import Progress
from pellucid.training.state import Snapshot, Sums, Training, fresh_memory, writable

if TYPE_CHECKING:
    from pellucid.network import NeuralNetwork

DEFAULT_BATCH = 32


class InterruptedWarning(UserWarning):
    """Ctrl-C ended a training; the network has the best weights so far."""


@dataclass(frozen=True)
class EarlyStopping:
    """Ends training when the validation loss has not fallen for some epochs.

    Parameters
    ----------
    patience : int
        How many epochs.
    smallest : float
        A fall by less than this does not count.
    """

    patience: int = 10
    smallest: float = 0.0

    def __post_init__(self) -> None:
        whole = isinstance(self.patience, int) and not isinstance(self.patience, bool)
        if not whole or self.patience < 1:
            raise ConfigurationError(
                f"Expected patience to be a number of epochs, got {self.patience!r}."
            )
        if not isinstance(self.smallest, int | float) or not self.smallest >= 0:
            raise ConfigurationError(f"Expected smallest >= 0, got {self.smallest!r}.")


@dataclass
class Samples:
    """Data as a network takes them.

    Parameters
    ----------
    x : ndarray or dict of ndarray
        Inputs.
    y : ndarray
        Targets.
    weight : ndarray, shape (n,)
        Weights of the samples.
    own_y : object
        Targets as the user handed them in, for metrics of one's own.
    """

    x: Any
    y: NDArray[Any]
    weight: NDArray[Any]
    own_y: Any

    def take(self, rows: NDArray[np.int64]) -> "Samples":
        """Return some of the samples.

        Parameters
        ----------
        rows : ndarray of int
            Which.

        Returns
        -------
        Samples
        """
        x = (
            {name: values[rows] for name, values in self.x.items()}
            if isinstance(self.x, dict)
            else self.x[rows]
        )
        return Samples(x, self.y[rows], self.weight[rows], np.asarray(self.own_y)[rows])


def default_epochs(per_epoch: int) -> int:
    """Return the number of epochs when none is asked for.

    Enough for 3,000 iterations, but no fewer than 20 epochs and no more than 100.

    Parameters
    ----------
    per_epoch : int
        Iterations of an epoch.

    Returns
    -------
    int
    """
    return min(100, max(20, math.ceil(3000 / per_epoch)))


def weighted(
    network: "NeuralNetwork", data: Samples, class_weight: Any, sample_weight: Any
) -> Samples:
    """Return the data with the weights that samples and classes have.

    Parameters
    ----------
    network : NeuralNetwork
        Gives classes and dtype.
    data : Samples
        With weights of 1.
    class_weight : mapping, "balanced" or None
        See `pellucid.targets.class_weights`.
    sample_weight : array_like, shape (n,), or None
        Weights of the samples.

    Returns
    -------
    Samples
    """
    from pellucid.targets import class_weights

    if sample_weight is not None:
        data.weight = as_weights(sample_weight, len(data.y), network.dtype)
    if class_weight is not None:
        each = class_weights(class_weight, data.y, network.classes)
        data.weight = (data.weight * each).astype(network.dtype)
        if not data.weight.any():
            raise DataError("class_weight makes the weight of every sample zero.")
    return data


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
    ) -> None:
        self.network, self.data, self.validation = network, data, validation
        self.training, self.total, self.stopping = training, total, stopping
        self.callbacks, self.metrics = callbacks, metrics
        self.progress = Progress(progress)
        blueprint = network.blueprint
        self.batches = ArrayBatches(
            data.x,
            data.y,
            data.weight,
            training.batch_size,
            shuffle=training.shuffle,
            seed=network.seed,
            run=training.run,
            no_single=blueprint.needs_batches,
            first=training.origin,
        )
        parameters = blueprint.layout.parameters
        self.decayed = parameters.mask(lambda name, slot: slot.role == "weight")
        runs, self.why = network.engines.choose(engine, "training")
        training.engine = runs.name
        self.key = make_key(network.seed, "noise", training.run)
        self.runner = runs.start(
            network.weights,
            training.optimizer,
            training.memory,
            self.batches,
            self.key,
            total,
            self.decayed,
            network.trained_mask(),
            threads,
        )
        epochs = math.ceil((total - training.origin) / self.batches.per_epoch)
        self.run = Run(network, training.history, total, epochs)
        self.run.step, self.run.epoch = training.step, training.history.epochs
        self._clock = time.monotonic()

    def __call__(self) -> History:
        """Train; return the history.

        Returns
        -------
        History
        """
        training, history = self.training, self.training.history
        history.interrupted, history.stopped = False, ""
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
                self._each("end")
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
        training.resumable = False  # until what has happened is noted
        outcome = self.runner.advance(training.step, until - training.step)
        self._record(outcome)
        training.resumable = True
        if outcome.failed:
            raise self._explain(outcome)
        self.progress.show(self.run)
        for callback in self.callbacks:
            if isinstance(callback.every, int) and training.step % callback.every == 0:
                self._call(callback, "call")
        if self._epoch_is_over():
            self._end_epoch()

    def _epochs_pass_quietly(self) -> bool:
        """Return whether an epoch ends with nothing to do but to note it."""
        optimizer = self.training.optimizer
        measured = self.validation is not None or bool(self.metrics)
        penalized = optimizer.l1 > 0 or optimizer.l2 > 0
        called = any(callback.every == "epoch" for callback in self.callbacks)
        return not (measured or penalized or called)

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
        optimizer, first = training.optimizer, training.step
        history.learning_rate += [
            optimizer.rate(first + i, self.total) for i in range(count)
        ]
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
        history.learning_rate.append(optimizer.rate(training.step - 1, self.total))
        if optimizer.l1 or optimizer.l2:
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
        training, engine = self.training, self.network.engine
        step = training.step
        epoch, place = self.batches.place(step)
        x, y, weight, total = self.batches.batch(step)
        scale = scale_of(engine.blueprint, total)
        weights, key = self.network.weights, self.key
        found = engine.backprop(weights, x, y, weight, scale, key=key, step=step)
        kept = (
            f"the weights of epoch {training.history.best_epoch}, the best so far"
            if training.best is not None
            else "the last finite weights"
        )
        return NonFiniteError(
            f"Epoch {epoch + 1}, batch {place + 1} (iteration {step + 1}): the "
            f"{outcome.failed} is not finite; {first_not_finite(found, outcome)}. The "
            f"update was not made; the network has {kept}. Try a learning rate ten "
            f"times smaller (now {training.optimizer.rate(step, self.total):g}), "
            "clip_norm=1.0 in the optimizer, or inputs and targets with mean 0 and "
            "standard deviation 1 (pellucid.data.standardize)."
        )


def put_back(
    snapshot: Snapshot, weights: NDArray[Any], memory: dict[str, NDArray[Any]]
) -> None:
    """Copy a snapshot into weights and memory.

    Parameters
    ----------
    snapshot : Snapshot
        What to copy.
    weights, memory
        Where to.
    """
    weights[...] = snapshot.weights
    for name, vector in snapshot.memory.items():
        memory[name][...] = vector


def first_not_finite(found: Backprop, outcome: Outcome) -> str:
    """Return in words which quantity of which layer was the first that is not finite.

    Parameters
    ----------
    found : Backprop
        The pass in which it happened.
    outcome : Outcome
        What the engine saw.

    Returns
    -------
    str
    """
    forward = _first_kept(found.memo, "")
    if forward == "losses":
        last = list(found.shared.outputs)[-1]
        return f"the outputs of {last} are finite, but too large for the loss"
    if forward:
        return f"the first such number is in {forward}, on the way forward"
    if outcome.where:
        return f"forward and backward are finite, but {outcome.where} overflowed"
    gradients = found.gradients.items()
    for path, delta in found.shared.deltas.items():  # from the last layer to the first
        if _overflows(delta):
            return f"the first such number is in the gradient behind layer {path}"
        for name, gradient in gradients:
            if name.rpartition(".")[0] == path and _overflows(gradient):
                return f"the first such number is in the gradient of {name}"
    return "every number before it is finite, but their sum overflowed"


def _overflows(value: Any) -> bool:
    return isinstance(value, np.ndarray) and not np.isfinite(value).all()


def _first_kept(memo: Memo, path: str) -> str:
    """Return the name of the first of a memo's values that is not finite."""
    for name, child in memo.children.items():
        found = _first_kept(child, f"{path}{name}.")
        if found:
            return found
    bad = (f"{path}{name}" for name, v in memo.values.items() if _overflows(v))
    return next(bad, "")


def plan_epochs(epochs: int | None, iterations: int | None, per_epoch: int) -> int:
    """Return how many iterations the whole training has.

    Parameters
    ----------
    epochs, iterations : int or None
        What the user asked for; at most one of them.
    per_epoch : int
        Iterations of an epoch.

    Returns
    -------
    int
    """
    for name, value in (("epochs", epochs), ("iterations", iterations)):
        whole = isinstance(value, int | np.integer) and not isinstance(value, bool)
        if value is not None and (not whole or value < 1):
            raise ConfigurationError(f"Expected {name} >= 1, got {value!r}.")
    if epochs is not None and iterations is not None:
        raise ConfigurationError("Give epochs or iterations, not both.")
    if iterations is not None:
        return int(iterations)
    return int(epochs or default_epochs(per_epoch)) * per_epoch


def as_stopping(given: Any) -> EarlyStopping | None:
    """Return the rule for early stopping.

    Parameters
    ----------
    given : EarlyStopping, int, bool or None
        A rule; a number of epochs to wait; True for the default rule.

    Returns
    -------
    EarlyStopping or None
    """
    if given is None or given is False:
        return None
    if isinstance(given, EarlyStopping):
        return given
    if given is True:
        return EarlyStopping()
    return EarlyStopping(given)


def hold_out(
    network: "NeuralNetwork", data: Samples, share: float, run: int
) -> tuple[Samples, Samples]:
    """Return training and validation data: a random share, by class where there are.

    Parameters
    ----------
    network : NeuralNetwork
        Gives seed and task.
    data : Samples
        All data.
    share : float
        Of validation, in (0, 1).
    run : int
        Which training this is.

    Returns
    -------
    tuple of (Samples, Samples)
    """
    if not 0 < share < 1:
        raise ConfigurationError(
            f"Expected validation as a share in (0, 1) or as data (x, y), got "
            f"{share!r}."
        )
    n = len(data.y)
    if n < 2:
        raise DataError("One row cannot be divided into training and validation data.")
    choice = data.y if data.y.ndim == 1 else data.y[:, 0]
    classes = network.classes is not None and data.y.reshape(n, -1).shape[1] == 1
    basis: Any = choice.astype(np.int64) if classes else n
    train, held = split_indices(basis, share, seed=network.seed + run)
    if not len(train) or not len(held):
        raise DataError(
            f"validation={share} of {n} rows leaves {len(train)} rows for training and "
            f"{len(held)} for validation: both need at least one."
        )
    return data.take(train), data.take(held)


def fit(
    network: "NeuralNetwork",
    x: Any,
    y: Any,
    *,
    epochs: int | None,
    iterations: int | None,
    batch_size: int | None,
    shuffle: bool,
    optimizer: Any,
    validation: Any,
    early_stopping: Any,
    callbacks: Any,
    metrics: Any,
    sample_weight: Any,
    class_weight: Any,
    resume: bool,
    progress: bool | None,
    engine: str,
    threads: int | None,
) -> History:
    """Train a network; see `NeuralNetwork.fit`.

    Parameters
    ----------
    network : NeuralNetwork
        Trained in place.
    x, y, epochs, iterations, batch_size, shuffle, optimizer, validation, early_stopping
        As in `NeuralNetwork.fit`.
    callbacks, metrics, sample_weight, class_weight, resume, progress, engine, threads
        As in `NeuralNetwork.fit`.

    Returns
    -------
    History
    """
    rule = Optimizer.of(optimizer)
    calls, measures = as_callbacks(callbacks), as_metrics(metrics, network.loss)
    stopping = as_stopping(early_stopping)
    if stopping is not None and validation is None:
        validation = 0.1
    if not isinstance(shuffle, bool):
        raise ConfigurationError(f"Expected shuffle True or False, got {shuffle!r}.")
    before: Training | None = network.training
    if resume and (before is None or not before.resumable):
        raise ConfigurationError(
            "There is no training to resume: call fit without resume first, or load a "
            "file saved with checkpoint=True."
        )
    # Nothing of the network changes until all has been looked at.
    with network.tentatively():
        data = network.samples(x, y, learn=True)
        data = weighted(network, data, class_weight, sample_weight)
        run = before.run + (not resume) if before else 0
        held: Samples | None = None
        if isinstance(validation, int | float) and not isinstance(validation, bool):
            data, held = hold_out(network, data, float(validation), run)
        elif validation is not None:
            held = _given_validation(network, validation, class_weight)
        size = as_batch_size(batch_size, len(data.y))
        per_epoch = _per_epoch(network, size, len(data.y))
        total = plan_epochs(epochs, iterations, per_epoch)
        settings: dict[str, Any] = {
            "batch_size": size,
            "rows": len(data.y),
            "shuffle": shuffle,
        }
        if resume and before is not None:
            now = {"optimizer": rule, **settings}
            if before.history.epochs:
                now["validation"] = held is not None
                now["metrics"] = [metric_name(metric) for metric in measures]
            before.must_match(**now)
    network.make_writable()
    if resume and before is not None:
        training = before
        if engine == "auto" and training.engine == "readable":
            engine = "readable"  # the same bits want the same engine
        training.memory = writable(training.memory)
        if epochs is None and iterations is None:
            total = training.total
        if training.last is not None:
            put_back(training.last, network.weights, training.memory)
            training.last = None
    else:
        parameters = network.blueprint.layout.parameters.size
        memory = fresh_memory(rule, parameters, network.dtype)
        training = Training(rule, memory, run, **settings)
    training.total = total
    network.training = training
    return Fit(
        network,
        data,
        held,
        training,
        total,
        stopping,
        calls,
        measures,
        progress,
        engine,
        threads,
    )()


def _per_epoch(network: "NeuralNetwork", size: int, rows: int) -> int:
    whole, rest = divmod(rows, size)
    joined = network.blueprint.needs_batches and rest == 1 and whole > 0
    return whole + (1 if rest and not joined else 0)


def _given_validation(
    network: "NeuralNetwork", validation: Any, class_weight: Any
) -> Samples:
    if not isinstance(validation, tuple | list) or len(validation) not in (2, 3):
        raise ConfigurationError(
            "Expected validation as a share such as 0.2, as data (x, y) or as (x, y, "
            f"sample_weight); got {type(validation).__name__}."
        )
    try:
        samples = network.samples(validation[0], validation[1])
        weights = validation[2] if len(validation) == 3 else None
        return weighted(network, samples, class_weight, weights)
    except DataError as error:
        raise type(error)(f"Validation data: {error}") from error


def as_batch_size(given: Any, rows: int) -> int:
    """Return the rows of a batch.

    Parameters
    ----------
    given : int or None
        What the user asked for; None means 32.
    rows : int
        Rows of the data: a batch is no larger.

    Returns
    -------
    int
    """
    if given is None:
        given = DEFAULT_BATCH
    whole = isinstance(given, int | np.integer) and not isinstance(given, bool)
    if not whole or given < 1:
        raise ConfigurationError(
            f"Expected batch_size to be a number of rows of at least 1, got {given!r}; "
            "for all rows at once write batch_size=len(x)."
        )
    return min(int(given), rows)


def as_metrics(given: Any, loss: Loss) -> list[Metric]:
    """Return metrics by name, object or function.

    Parameters
    ----------
    given : sequence
        What the user wrote; one alone will do.
    loss : Loss
        The network's loss, which says what there is to measure.

    Returns
    -------
    list of Metric
    """
    if isinstance(given, str | Metric) or callable(given):
        given = [given]
    if not isinstance(given, Iterable):
        raise ConfigurationError(f"Expected a list of metrics, got {given!r}.")
    metrics = [as_metric(each) for each in given]
    for metric in metrics:
        wants_numbers = metric.uses == "numbers"
        if metric.uses != "own" and wants_numbers != (loss.task == "numbers"):
            kind = "numbers" if wants_numbers else "classes or labels"
            raise ConfigurationError(
                f"The metric {metric_name(metric)!r} is about {kind}, but "
                f"loss={loss.label!r} is not."
            )
    return metrics


def partial_fit(
    network: "NeuralNetwork",
    x: Any,
    y: Any,
    *,
    batch_size: int | None,
    optimizer: Any,
    sample_weight: Any,
    class_weight: Any,
) -> History:
    """Pass once over some data; see `NeuralNetwork.partial_fit`.

    Parameters
    ----------
    network : NeuralNetwork
        Trained in place.
    x, y, batch_size, optimizer, sample_weight, class_weight
        As in `NeuralNetwork.partial_fit`.

    Returns
    -------
    History
    """
    before = network.training
    rule = Optimizer.of(optimizer) if optimizer is not None else None
    with network.tentatively():
        data = network.samples(x, y, learn=True, several=False)
        data = weighted(network, data, class_weight, sample_weight)
        size = as_batch_size(batch_size, len(data.y))
    network.make_writable()
    anew = before is None or not before.resumable
    if anew or (rule is not None and before is not None and rule != before.optimizer):
        rule = rule or Optimizer.of("adam")
        memory = fresh_memory(
            rule, network.blueprint.layout.parameters.size, network.dtype
        )
        run = 0 if before is None else before.run + 1
        network.training = Training(rule, memory, run, size, len(data.y), True)
    training = network.training
    assert training is not None
    # The network goes on from the weights and the memory that it has now.
    training.memory = writable(training.memory)
    training.last = training.best = None
    training.best_loss, training.history.best_epoch = float("inf"), None
    training.sums, training.waited = Sums(), 0
    training.batch_size, training.rows = size, len(data.y)
    training.origin = training.step
    training.total = training.step + _per_epoch(network, size, training.rows)
    return Fit(network, data, None, training, training.total, None, [], [], False)()
