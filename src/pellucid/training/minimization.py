"""A training by a minimizer: all rows at once, and as often as it asks."""

import time
from contextlib import suppress
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from pellucid import tracing
from pellucid.engines.readable import Outcome, ReadableEngine, scale_of
from pellucid.errors import ConfigurationError, SymbolError
from pellucid.layout import Layout
from pellucid.minimizers import Minimizer, Point, Vector

if TYPE_CHECKING:
    from pellucid.network import NeuralNetwork
    from pellucid.training.batches import ArrayBatches

MOST_ITERATIONS = 200  # when none are asked for


def only_for_optimizers(**given: Any) -> None:
    """Raise if a minimizer was given what only an optimizer can take.

    Parameters
    ----------
    **given
        Arguments of `fit` by name; false where they were left out.
    """
    for name, value in given.items():
        if value:
            raise ConfigurationError(
                "A minimizer needs the same loss whenever it asks, from all rows: "
                f"leave {name}={value!r} out, or take an optimizer such as 'adam'."
            )


def must_be_steady(network: "NeuralNetwork") -> None:
    """Raise unless the loss is one fixed function of the weights.

    Parameters
    ----------
    network : NeuralNetwork
        Whose layers must not draw random numbers.
    """
    with suppress(SymbolError):  # a layer that cannot be followed is taken as it is
        for node in tracing.training(network.blueprint).operations:
            if node.operation.group == "random":
                raise ConfigurationError(
                    "A minimizer needs the same loss whenever it asks, but the layer "
                    f"{node.layer} draws random numbers: leave it out, or take an "
                    "optimizer such as 'adam'."
                )


class Seen(NamedTuple):
    """What else was learned at a place.

    Parameters
    ----------
    loss : float
        The loss without the penalty.
    state : ndarray, shape (state,)
        The running state as it would be afterwards.
    """

    loss: float
    state: NDArray[Any]


class MinimizerSession:
    """A training run of a minimizer, in the readable engine.

    Parameters
    ----------
    engine : ReadableEngine
        What computes losses and gradients.
    weights : ndarray, shape (layout.size,)
        All numbers, changed in place.
    minimizer : Minimizer
        The rule.
    memory : dict of str to ndarray
        Its vectors, changed in place.
    batches : ArrayBatches
        One batch with all of the data.
    decayed, trained : ndarray of bool, shape (parameters,)
        Where the penalty applies, and where weights may change (None: everywhere).

    Attributes
    ----------
    length : float
        Of the last step.
    """

    def __init__(
        self,
        engine: ReadableEngine,
        weights: NDArray[Any],
        minimizer: Minimizer,
        memory: dict[str, NDArray[Any]],
        batches: "ArrayBatches",
        decayed: NDArray[np.bool_],
        trained: NDArray[np.bool_] | None,
    ) -> None:
        self.engine, self.weights = engine, weights
        self.minimizer, self.memory = minimizer, memory
        self.decayed, self.trained = decayed, trained
        self.length = 0.0
        self._data = batches.batch(batches.first)
        # Statistics are those of all rows; without them, some rows at a time will do.
        steady = not self._layout.state.size and not engine.blueprint.needs_batches
        self._rows = engine.rows if steady else len(self._data[1])
        self._here: Point | None = None

    @property
    def _layout(self) -> Layout:
        return self.engine.blueprint.layout

    def advance(self, step: int, count: int, seconds: float = 0.03) -> Outcome:
        """Make up to `count` steps; stop early after some time, or at a minimum.

        Parameters
        ----------
        step : int
            The first iteration, from 0.
        count : int
            How many at most.
        seconds : float
            After which time to return to the caller, who looks at Ctrl-C and progress.

        Returns
        -------
        Outcome
        """
        outcome, until = Outcome(), time.monotonic() + seconds
        for now in range(step, step + count):
            self._iterate(now, outcome)
            if outcome.failed or outcome.finished or time.monotonic() > until:
                break
        return outcome

    def _iterate(self, step: int, outcome: Outcome) -> None:
        w = self.weights[: self._layout.parameters.size]
        here = self._here
        if here is None or not np.array_equal(here.w, w):  # or a callback changed them
            here = self._point(w.astype(np.float64))
        if not np.isfinite(here.value):
            outcome.failed = "loss"
        elif not np.isfinite(here.g).all():
            outcome.failed = "gradient"
        if outcome.failed:
            return
        found = self.minimizer.step(here, self._point, self.memory, step + 1)
        if isinstance(found, str):
            outcome.finished = found
            return
        self._here, self.length = found
        w[...] = self._here.w
        self.weights[w.size :] = self._here.note.state
        outcome.losses.append(here.note.loss)
        outcome.weights.append(self._data[3])
        outcome.norms.append(float(np.sqrt(here.g @ here.g)))

    def _point(self, at: Vector) -> Point:
        """Return the function at a place, rounded to the network's dtype."""
        x, y, weight, total = self._data
        scale = scale_of(self.engine.blueprint, total)
        size = self._layout.parameters.size
        weights = self.weights.copy()
        weights[:size] = at
        w = weights[:size].astype(np.float64)
        loss, g, state = 0.0, np.zeros(size), weights[size:]
        for first in range(0, len(y), self._rows):
            rows = slice(first, first + self._rows)
            some = (
                {k: v[rows] for k, v in x.items()} if isinstance(x, dict) else x[rows]
            )
            found = self.engine.backprop(weights, some, y[rows], weight[rows], scale)
            each = found.memo.losses.astype(np.float64) * weight[rows]
            loss += float(each.sum()) * scale
            g += found.gradient
            state = found.state
        with np.errstate(over="ignore", invalid="ignore"):
            g += self.minimizer.l2 * np.where(self.decayed, w, 0.0)
            if self.trained is not None:
                g[~self.trained] = 0.0
            value = loss + self.minimizer.penalty(w, self.decayed)
        return Point(w, value, g, Seen(loss, state))
