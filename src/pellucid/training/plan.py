"""What fit is asked to do: its arguments, checked and made definite."""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from pellucid.arrays import as_weights
from pellucid.blueprint import Blueprint
from pellucid.data.splits import split_indices
from pellucid.errors import ConfigurationError, DataError
from pellucid.losses import Loss
from pellucid.metrics import Metric, as_metric, metric_name
from pellucid.minimizers import Minimizer
from pellucid.optimizers import Optimizer
from pellucid.samples import Samples
from pellucid.targets import chooses, class_count, class_weights

if TYPE_CHECKING:
    from pellucid.network import NeuralNetwork

DEFAULT_BATCH = 32


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
    if sample_weight is not None:
        data.weight = as_weights(sample_weight, len(data.y), network.dtype)
    if class_weight is not None:
        each = class_weights(class_weight, data.y, network.classes)
        data.weight = (data.weight * each).astype(network.dtype)
        if not data.weight.any():
            raise DataError("class_weight makes the weight of every sample zero.")
    return data


def must_learn(network: "NeuralNetwork") -> None:
    """Raise if training would change nothing, since all parameters are frozen.

    Parameters
    ----------
    network : NeuralNetwork
        Its running state, if it has one, may be what the training is for.
    """
    trained, layout = network.trained_mask(), network.blueprint.layout
    if trained is not None and not trained.any() and not layout.state.size:
        raise ConfigurationError(
            f"All {trained.size:,} parameters are frozen, so training would change "
            "nothing: net.unfreeze() lets all be trained again, net.unfreeze(pattern) "
            "those of one pattern."
        )


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


def as_rule(given: Any) -> Optimizer | Minimizer:
    """Return the optimizer or minimizer that was meant.

    Parameters
    ----------
    given : Optimizer, Minimizer or str
        What the user wrote.

    Returns
    -------
    Optimizer or Minimizer
    """
    named = isinstance(given, str) and given in Minimizer.registered()
    if named or isinstance(given, Minimizer):
        return Minimizer.of(given)
    return Optimizer.of(given)


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
    if classes:
        _must_divide(network, basis)
    train, held = split_indices(basis, share, seed=network.seed + run)
    if len(held) < 2:  # by one row no epoch can be told from another
        raise DataError(
            f"The validation set is too small: validation={share} of {n} rows holds "
            f"out {len(held)}, and at least 2 are needed. Take a larger share, or hand "
            "in validation=(x, y)."
        )
    return data.take(train), data.take(held)


def _must_divide(network: "NeuralNetwork", y: NDArray[np.int64]) -> None:
    """Raise `DataError` where a class cannot be in both parts of the data."""
    counts = np.bincount(y)
    if (counts != 1).all():
        return
    assert network.classes is not None
    label = network.classes[int(np.argmax(counts == 1))]
    raise DataError(
        f"The class {label.item()!r} has a single row (the least populated classes "
        "need two), so it cannot be in the training and in the validation data. Add "
        "rows, leave such classes out, hand in validation=(x, y), or do without early "
        "stopping and validation."
    )


def iterations_per_epoch(network: "NeuralNetwork", size: int, rows: int) -> int:
    """Return how many batches an epoch has; a single last row may join another batch.

    Parameters
    ----------
    network : NeuralNetwork
        Whose layers may need more than one row.
    size, rows : int
        Rows of a batch, and of the data.

    Returns
    -------
    int
    """
    whole, rest = divmod(rows, size)
    joined = network.blueprint.needs_batches and rest == 1 and whole > 0
    return whole + (1 if rest and not joined else 0)


def given_validation(
    network: "NeuralNetwork", validation: Any, class_weight: Any
) -> Samples:
    """Return validation data that the user handed in.

    Parameters
    ----------
    network : NeuralNetwork
        Whose data they are.
    validation : (x, y) or (x, y, sample_weight)
        What was handed in.
    class_weight : mapping, "balanced" or None
        As in `NeuralNetwork.fit`.

    Returns
    -------
    Samples
    """
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
        if metric.uses == "probabilities" and loss.link == "identity":
            raise ConfigurationError(
                f"The metric {metric_name(metric)!r} is about probabilities, but "
                f"loss={loss.label!r} learns scores: measure 'accuracy' or 'auc', or "
                "train with a cross-entropy."
            )
    return metrics


def must_suit(metrics: Iterable[Metric], blueprint: Blueprint) -> None:
    """Raise if a metric of two classes is asked of a network with more.

    Parameters
    ----------
    metrics : iterable of Metric
        What to measure.
    blueprint : Blueprint
        The network.
    """
    for metric in metrics:
        if metric.binary and (not chooses(blueprint) or class_count(blueprint) > 2):
            raise ConfigurationError(
                f"The metric {metric_name(metric)!r} is about two classes, but the "
                f"network has {blueprint.answers} outputs: use 'f1_macro', 'f1_micro' "
                "or 'f1_weighted'."
            )
