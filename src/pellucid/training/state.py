"""The state of a training: all that continues it to the same bits."""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from pellucid.augmentations import Augmentation
from pellucid.errors import ConfigurationError
from pellucid.minimizers import Minimizer
from pellucid.optimizers import Optimizer
from pellucid.training.history import History

if TYPE_CHECKING:
    from pellucid.doctor import Finding


@dataclass
class Snapshot:
    """Weights and optimizer memory of one moment.

    Parameters
    ----------
    weights : ndarray, shape (layout.size,)
        All numbers of the network.
    memory : dict of str to ndarray, shape (parameters,)
        The optimizer's vectors.
    """

    weights: NDArray[Any]
    memory: dict[str, NDArray[Any]]

    @classmethod
    def of(cls, weights: NDArray[Any], memory: dict[str, NDArray[Any]]) -> "Snapshot":
        """Return a copy of both.

        Parameters
        ----------
        weights, memory
            As in `Snapshot`.

        Returns
        -------
        Snapshot
        """
        return cls(weights.copy(), {name: v.copy() for name, v in memory.items()})


@dataclass
class Sums:
    """What an epoch has added up so far.

    Parameters
    ----------
    loss : float
        Losses times weights (for losses that add up the samples: losses).
    weight : float
        Weights of the samples.
    norm : float
        Lengths of the gradients.
    batches : int
        Number of batches.
    """

    loss: float = 0.0
    weight: float = 0.0
    norm: float = 0.0
    batches: int = 0


@dataclass
class Training:
    """The state of training that belongs to a network.

    Parameters
    ----------
    optimizer : Optimizer or Minimizer
        The rule.
    memory : dict of str to ndarray
        Its vectors. Where weights are averaged, the network has the average between
        iterations, and the vector of that name the weights that training goes on from.
    run : int
        Which training of this network it is: part of the key of random numbers.
    batch_size : int
        Rows of a batch.
    rows : int
        Rows of the training data, without validation.
    shuffle : bool
        Whether batches change.
    augment : tuple of Augmentation
        What changes the images of a batch.
    engine : str
        Name of the engine that runs it.
    step : int
        Iterations done.
    total : int
        Iterations that the training was planned for.
    origin : int
        The iteration at which the data began: above 0 after `partial_fit`.
    history : History
        The course so far.
    sums : Sums
        What the epoch under way has added up.
    best : Snapshot or None
        Of the epoch with the lowest validation loss.
    best_loss : float
        That loss.
    waited : int
        Epochs since then.
    last : Snapshot or None
        Where the training stands, when the network has the best weights.
    resumable : bool
        Whether all is there that continues it. A model file that is no checkpoint has
        only the history, and a second Ctrl-C leaves an iteration half done.
    failure : Finding or None
        Which operation made the first number that was not finite, where one ended the
        training; `NeuralNetwork.diagnose` tells it.
    """

    optimizer: Optimizer | Minimizer
    memory: dict[str, NDArray[Any]]
    run: int
    batch_size: int
    rows: int
    shuffle: bool
    augment: tuple[Augmentation, ...] = ()
    engine: str = "readable"
    step: int = 0
    total: int = 0
    origin: int = 0
    history: History = field(default_factory=History)
    sums: Sums = field(default_factory=Sums)
    best: Snapshot | None = None
    best_loss: float = float("inf")
    waited: int = 0
    last: Snapshot | None = None
    resumable: bool = True
    failure: "Finding | None" = None

    @property
    def validation(self) -> bool:
        """Whether every epoch so far has had a validation loss."""
        return len(self.history.validation) == self.history.epochs

    @property
    def metrics(self) -> list[str]:
        """Names of the metrics that every epoch so far has had."""
        epochs, measured = self.history.epochs, self.history.metrics
        return [name for name, values in measured.items() if len(values) == epochs]

    def must_match(self, **now: Any) -> None:
        """Raise unless the settings are those of the training to be continued.

        Parameters
        ----------
        **now
            Settings by name.
        """
        differ = [
            f"{name} was {getattr(self, name)!r} and is now {value!r}"
            for name, value in now.items()
            if getattr(self, name) != value
        ]
        if differ:
            raise ConfigurationError(
                f"fit(resume=True) continues the same training, but "
                f"{'; '.join(differ)}. Use the same settings and data, or start anew "
                "without resume."
            )


def fresh_memory(
    optimizer: Optimizer | Minimizer, size: int, dtype: np.dtype[Any]
) -> dict[str, NDArray[Any]]:
    """Return the optimizer's vectors before the first iteration: zeros.

    Parameters
    ----------
    optimizer : Optimizer or Minimizer
        The rule.
    size : int
        Number of parameters.
    dtype : dtype
        The network's floating-point type.

    Returns
    -------
    dict of str to ndarray, shape (size,)
    """
    return {name: np.zeros(size, dtype=dtype) for name in optimizer.memories}


def writable(memory: dict[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
    """Return the optimizer's vectors, copied where they are memory maps to be read.

    Parameters
    ----------
    memory : dict of str to ndarray
        The vectors.

    Returns
    -------
    dict of str to ndarray
    """
    return {
        name: vector if vector.flags.writeable else np.array(vector)
        for name, vector in memory.items()
    }


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
