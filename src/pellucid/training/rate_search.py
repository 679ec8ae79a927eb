"""Finding a learning rate: a short training whose rate grows until it fails."""

import math
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from pellucid.errors import ConfigurationError, NonFiniteError
from pellucid.optimizers import Optimizer
from pellucid.schedules import Exponential
from pellucid.training.callbacks import Call, Run

if TYPE_CHECKING:
    from pellucid.network import NeuralNetwork

LEAST = 20  # iterations, below which a curve says nothing


@dataclass(frozen=True)
class RateSearch:
    """What a growing learning rate did to the loss.

    Attributes
    ----------
    rates : list of float
        The learning rate of each iteration, each larger than the one before.
    losses : list of float
        The loss of each iteration's batch before its update.
    smooth : list of float
        The mean of each loss and its neighbours.
    suggestion : float or None
        A good learning rate: a tenth of the one at which the smooth loss is lowest.
        None where it does not fall.
    why : str
        The reason in words.
    """

    rates: list[float]
    losses: list[float]
    smooth: list[float]
    suggestion: float | None
    why: str

    def __repr__(self) -> str:
        found = "none" if self.suggestion is None else f"{self.suggestion:.2g}"
        return f"<RateSearch: suggestion {found}; {self.why}>"


def find_learning_rate(
    network: "NeuralNetwork",
    x: Any,
    y: Any,
    *,
    optimizer: Any,
    lowest: float,
    highest: float,
    iterations: int,
    batch_size: int | None,
    sample_weight: Any,
    class_weight: Any,
) -> RateSearch:
    """Find a learning rate; see `NeuralNetwork.find_learning_rate`.

    Parameters
    ----------
    network : NeuralNetwork
        A copy of it is trained.
    x, y, optimizer, lowest, highest, iterations, batch_size, sample_weight
        As in `NeuralNetwork.find_learning_rate`.
    class_weight
        As in `NeuralNetwork.find_learning_rate`.

    Returns
    -------
    RateSearch
    """
    if not 0 < lowest < highest < math.inf:
        raise ConfigurationError(
            f"Expected 0 < lowest < highest, got lowest={lowest!r}, "
            f"highest={highest!r}."
        )
    whole = isinstance(iterations, int) and not isinstance(iterations, bool)
    if not whole or iterations < LEAST:
        raise ConfigurationError(
            f"Expected iterations >= {LEAST}, got {iterations!r}: fewer make no curve."
        )
    growth = Exponential(lowest, (highest / lowest) ** (1 / (iterations - 1)))
    rule = replace(Optimizer.of(optimizer), learning_rate=growth)
    trial = network.copy()
    trial.training = None
    with suppress(NonFiniteError):  # which is where a search ends, too
        trial.fit(
            x,
            y,
            iterations=iterations,
            batch_size=batch_size,
            optimizer=rule,
            callbacks=Call(_stop_above, every=1),
            sample_weight=sample_weight,
            class_weight=class_weight,
            progress=False,
        )
    losses = [] if trial.history is None else trial.history.iterations
    rates = [growth.rate(step, iterations) for step in range(len(losses))]
    return judged(rates, losses, reach=max(1, iterations // 20))


def _stop_above(run: Run) -> None:
    """End a search whose loss has left the range that it had before."""
    losses = run.history.iterations
    start = losses[:10]
    usual = max(abs(losses[0]), max(start) - min(start))
    if losses[-1] - min(losses) > 2.0 * usual:
        run.stop("the loss grows")


def judged(rates: list[float], losses: list[float], reach: int) -> RateSearch:
    """Return the search with its suggestion.

    Parameters
    ----------
    rates, losses : list of float
        As in `RateSearch`.
    reach : int
        How many neighbours on each side are averaged.

    Returns
    -------
    RateSearch
    """
    smooth = _smoothed(np.asarray(losses, dtype=np.float64), reach)
    found = {"rates": rates, "losses": losses, "smooth": smooth.tolist()}
    bottom = int(smooth.argmin()) if smooth.size else 0
    fall = smooth[0] - smooth[bottom] if smooth.size else 0.0
    noise = float(np.std(losses[: 2 * reach + 1])) if smooth.size else 0.0
    if bottom < reach or not fall > noise:
        ends = f"from {rates[0]:.2g} to {rates[-1]:.2g}" if rates else ""
        why = f"the loss did not fall at any learning rate {ends}".rstrip()
        return RateSearch(**found, suggestion=None, why=why)
    beyond = "still falls at the last rate: try a higher one"
    if bottom < len(smooth) - 1:
        beyond = "grows beyond it, so a tenth of it keeps a margin"
    why = f"the loss is lowest at {rates[bottom]:.2g}, and {beyond}"
    return RateSearch(**found, suggestion=0.1 * rates[bottom], why=why)


def _smoothed(losses: NDArray[np.float64], reach: int) -> NDArray[np.float64]:
    """Return the mean of each loss and its neighbours, fewer of them at the ends."""
    ends = np.concatenate([[0.0], np.cumsum(losses)])
    place = np.arange(len(losses))
    first = np.maximum(place - reach, 0)
    last = np.minimum(place + reach + 1, len(losses))
    smooth: NDArray[np.float64] = (ends[last] - ends[first]) / (last - first)
    return smooth
