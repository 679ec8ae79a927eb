"""fit and partial_fit: from the user's arguments to a training, and its loop."""

from typing import TYPE_CHECKING, Any

from pellucid.augmentations import as_augmentations
from pellucid.errors import ConfigurationError
from pellucid.layer import sample_shape
from pellucid.metrics import metric_name
from pellucid.minimizers import Minimizer
from pellucid.optimizers import Optimizer
from pellucid.samples import Samples
from pellucid.training.callbacks import as_callbacks
from pellucid.training.history import History
from pellucid.training.loop import Fit
from pellucid.training.minimization import (
    MOST_ITERATIONS,
    must_be_steady,
    only_for_optimizers,
)
from pellucid.training.plan import (
    as_batch_size,
    as_metrics,
    as_rule,
    as_stopping,
    given_validation,
    hold_out,
    iterations_per_epoch,
    must_learn,
    must_suit,
    plan_epochs,
    weighted,
)
from pellucid.training.state import (
    Sums,
    Training,
    fresh_memory,
    put_back,
    writable,
)

if TYPE_CHECKING:
    from pellucid.network import NeuralNetwork
    from pellucid.recording import Recording


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
    augment: Any,
    sample_weight: Any,
    class_weight: Any,
    resume: bool,
    progress: bool | None,
    engine: str,
    threads: int | None,
    recording: "Recording | None" = None,
) -> History:
    """Train a network; see `NeuralNetwork.fit`.

    Parameters
    ----------
    network : NeuralNetwork
        Trained in place.
    x, y, epochs, iterations, batch_size, shuffle, optimizer, validation, early_stopping
        As in `NeuralNetwork.fit`.
    callbacks, metrics, augment, sample_weight, class_weight, resume, progress, engine
        As in `NeuralNetwork.fit`.
    threads
        As in `NeuralNetwork.fit`.
    recording : Recording or None
        What keeps the course of the training.

    Returns
    -------
    History
    """
    rule = as_rule(optimizer)
    if isinstance(rule, Minimizer):
        only_for_optimizers(batch_size=batch_size, augment=augment)
        if engine == "compiled":
            raise ConfigurationError(
                f"The compiled engine runs optimizers, and {rule!r} is a minimizer: "
                "leave engine='compiled' out."
            )
        engine = "readable"
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
        must_learn(network)
        must_suit(measures, network.blueprint)
        data = weighted(network, data, class_weight, sample_weight)
        run = before.run + (not resume) if before else 0
        held: Samples | None = None
        share: float | None = None
        if isinstance(validation, int | float) and not isinstance(validation, bool):
            share = float(validation)
            data, held = hold_out(network, data, share, run)
        elif validation is not None:
            held = given_validation(network, validation, class_weight)
        size = as_batch_size(batch_size, len(data.y))
        if isinstance(rule, Minimizer):
            must_be_steady(network)
            size = len(data.y)
            if epochs is None and iterations is None:
                iterations = MOST_ITERATIONS
        per_epoch = iterations_per_epoch(network, size, len(data.y))
        total = plan_epochs(epochs, iterations, per_epoch)
        settings: dict[str, Any] = {
            "batch_size": size,
            "rows": len(data.y),
            "shuffle": shuffle,
            "augment": as_augmentations(augment, sample_shape(data.x), network.loss),
        }
        if resume and before is not None:
            now = {"optimizer": rule, **settings}
            if before.history.epochs:
                now["validation"] = held is not None
                now["metrics"] = [metric_name(metric) for metric in measures]
            before.must_match(**now)
        if recording is not None:
            recording.must_suit(network, rule, data, before if resume else None)
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
        recording,
        share,
    )()


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
        must_learn(network)
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
    training.sums, training.waited, training.augment = Sums(), 0, ()
    training.batch_size, training.rows = size, len(data.y)
    training.origin = training.step
    training.total = training.step + iterations_per_epoch(network, size, training.rows)
    return Fit(network, data, None, training, training.total, None, [], [], False)()
