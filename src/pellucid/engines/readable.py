"""The readable engine: calls the layers one after the other, in NumPy."""

import math
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from pellucid.blueprint import Blueprint
from pellucid.layer import Memo, Pass, new_pass
from pellucid.layers.inputs import Input
from pellucid.layout import LayerView, Windows
from pellucid.optimizers import Optimizer

# Predictions are made for so many rows at once, and fewer where a row takes more
# numbers on its way, as images do, so that memory stays bounded.
CHUNK, CHUNK_NUMBERS = 8192, 2**21


def _rows(x: Any, rows: slice) -> Any:
    if isinstance(x, dict):
        return {name: values[rows] for name, values in x.items()}
    return x[rows]


def _to_read(vector: NDArray[Any]) -> NDArray[Any]:
    """Return a view that a layer cannot write to: only fit changes weights."""
    view = vector.view()
    view.flags.writeable = False
    return view


def count_rows(x: Any) -> int:
    """Return the number of samples.

    Parameters
    ----------
    x : ndarray or mapping of ndarray
        Inputs.

    Returns
    -------
    int
    """
    return len(next(iter(x.values())) if isinstance(x, dict) else x)


@dataclass
class Backprop:
    """What one pass forward and back gives.

    Attributes
    ----------
    loss : float
        The loss of the batch.
    gradient : ndarray, shape (parameters,)
        dL/dw, in the order of the parameters.
    state : ndarray, shape (state,)
        The running state to be.
    memo : Memo
        Everything that the layers kept.
    shared : Pass
        Outputs and deltas of every layer.
    gradients : Windows
        The gradient by name.
    """

    loss: float
    gradient: NDArray[Any]
    state: NDArray[Any]
    memo: Memo
    shared: Pass
    gradients: Windows


class ReadableEngine:
    """Runs a blueprint layer by layer.

    Parameters
    ----------
    blueprint : Blueprint
        What the network computes.
    dtype : dtype
        The network's floating-point type.

    Attributes
    ----------
    rows : int
        So many go through the layers at once.
    """

    name = "readable"

    def __init__(self, blueprint: Blueprint, dtype: Any) -> None:
        self.blueprint, self.dtype = blueprint, np.dtype(dtype)
        self.rows = min(CHUNK, max(1, CHUNK_NUMBERS // blueprint.width))

    def forward(self, weights: NDArray[Any], x: Any) -> tuple[Any, Memo, Pass]:
        """Return output, memo and pass of one batch in prediction mode.

        Parameters
        ----------
        weights : ndarray, shape (layout.size,)
            All numbers.
        x : ndarray or mapping of ndarray
            A batch.

        Returns
        -------
        tuple of (ndarray, Memo, Pass)
        """
        shared = new_pass(training=False, dtype=self.dtype)
        memo = Memo(shared)
        p = LayerView(_to_read(weights), self.blueprint.layout)
        output = self.blueprint.feedforward(self._numbers(x), p, memo)
        return output, memo, shared

    def _numbers(self, x: Any) -> Any:
        """Return inputs as floating-point numbers, also images that come as bytes."""
        inputs = self.blueprint.inputs
        if isinstance(inputs, Input) and inputs.kind == "number":
            return x.astype(self.dtype, copy=False)
        return x

    def predict(
        self, weights: NDArray[Any], x: Any, threads: int | None = None
    ) -> NDArray[Any]:
        """Return the outputs, made in chunks of rows.

        Parameters
        ----------
        weights : ndarray, shape (layout.size,)
            All numbers.
        x : ndarray or mapping of ndarray
            Inputs of any number of rows.
        threads : int or None
            Not used: NumPy decides about threads itself.

        Returns
        -------
        ndarray, shape (n, *output_shape)
        """
        return self._in_chunks(self.blueprint.feedforward, weights, x)

    def probabilities(
        self, weights: NDArray[Any], x: Any, threads: int | None = None
    ) -> NDArray[Any]:
        """Return the outputs with the loss's link, made in chunks of rows.

        Parameters
        ----------
        weights, x, threads
            As in `predict`.

        Returns
        -------
        ndarray, shape (n, *output_shape)
        """
        return self._in_chunks(self.blueprint.probabilities, weights, x)

    def _in_chunks(
        self, compute: Callable[..., Any], weights: NDArray[Any], x: Any
    ) -> NDArray[Any]:
        p = LayerView(_to_read(weights), self.blueprint.layout)
        chunks = []
        for i in range(0, max(count_rows(x), 1), self.rows):
            memo = Memo(new_pass(training=False, dtype=self.dtype))
            rows = self._numbers(_rows(x, slice(i, i + self.rows)))
            chunks.append(compute(rows, p, memo))
        return chunks[0] if len(chunks) == 1 else np.concatenate(chunks)

    def losses(
        self,
        weights: NDArray[Any],
        x: Any,
        y: NDArray[Any],
        threads: int | None = None,
    ) -> NDArray[Any]:
        """Return the loss of every sample in prediction mode.

        Parameters
        ----------
        weights : ndarray, shape (layout.size,)
            All numbers.
        x : ndarray or mapping of ndarray
            Inputs.
        y : ndarray
            Targets as the loss takes them.
        threads : int or None
            As in `predict`.

        Returns
        -------
        ndarray, shape (n,)
        """
        p = LayerView(_to_read(weights), self.blueprint.layout)
        values = []
        with np.errstate(over="ignore", invalid="ignore"):
            for i in range(0, max(len(y), 1), self.rows):
                rows = slice(i, i + self.rows)
                memo = Memo(new_pass(training=False, dtype=self.dtype))
                values.append(
                    self.blueprint.losses(
                        self._numbers(_rows(x, rows)), y[rows], p, memo
                    )[1]
                )
        return np.concatenate(values)

    def backprop(
        self,
        weights: NDArray[Any],
        x: Any,
        y: NDArray[Any],
        weight: NDArray[Any],
        scale: float,
        *,
        training: bool = True,
        key: int = 1,
        step: int = 0,
    ) -> Backprop:
        """Return loss, gradient and new state of one batch; change nothing.

        Parameters
        ----------
        weights : ndarray, shape (layout.size,)
            All numbers.
        x, y : ndarray
            The batch.
        weight : ndarray, shape (n,)
            Weights of the samples.
        scale : float
            1, or one over the sum of the weights for losses that average.
        training : bool
            The mode.
        key, step : int
            Key of the random numbers, and the iteration.

        Returns
        -------
        Backprop
        """
        layout = self.blueprint.layout
        gradient = np.zeros(layout.parameters.size, dtype=self.dtype)
        state = weights[layout.parameters.size :].copy()
        shared = new_pass(
            training=training,
            key=key,
            step=step,
            dtype=self.dtype,
            state=LayerView(state, layout.state),
        )
        memo = Memo(shared)
        p, g = (
            LayerView(_to_read(weights), layout),
            LayerView(gradient, layout.parameters),
        )
        # What overflows shows as a loss or gradient that is not finite, and is named.
        with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
            loss = self.blueprint.backprop(
                self._numbers(x), y, weight, scale, p, g, memo
            )
        named = Windows(gradient, layout.parameters)
        return Backprop(float(loss), gradient, state, memo, shared, named)

    def start(
        self,
        weights: NDArray[Any],
        optimizer: Optimizer,
        memory: dict[str, NDArray[Any]],
        batches: "Source",
        key: int,
        total: int,
        decayed: NDArray[np.bool_],
        trained: NDArray[np.bool_] | None,
        threads: int | None = None,
    ) -> "ReadableSession":
        """Return a training run; NumPy decides about threads itself.

        Parameters
        ----------
        weights, optimizer, memory, batches, key, total, decayed, trained
            As in `ReadableSession`.
        threads : int or None
            Not used.

        Returns
        -------
        ReadableSession
        """
        return ReadableSession(
            self, weights, optimizer, memory, batches, key, total, decayed, trained
        )


class Memory:
    """The optimizer's vectors by name: ``memory.m`` reads, ``memory.m = ...`` notes.

    Parameters
    ----------
    vectors : dict of str to ndarray, shape (parameters,)
        They are written in place by `keep`.
    """

    __slots__ = ("_new", "_vectors")

    _new: dict[str, NDArray[Any]]
    _vectors: dict[str, NDArray[Any]]

    def __init__(self, vectors: dict[str, NDArray[Any]]) -> None:
        object.__setattr__(self, "_vectors", vectors)
        object.__setattr__(self, "_new", {})

    def __getattr__(self, name: str) -> NDArray[Any]:
        if name not in self._vectors:
            raise AttributeError(f"The optimizer keeps no memory {name!r}.")
        return self._new.get(name, self._vectors[name])

    def __setattr__(self, name: str, value: NDArray[Any]) -> None:
        vector = getattr(self, name)
        if value.dtype != vector.dtype:
            raise TypeError(
                f"The memory {name!r} is {vector.dtype}; the optimizer wrote "
                f"{value.dtype}."
            )
        self._new[name] = value

    def keep(self) -> None:
        """Make the new vectors the ones to start from."""
        for name, value in self._new.items():
            self._vectors[name][...] = value


class Source(Protocol):
    """Where batches come from."""

    def batch(self, step: int) -> tuple[Any, NDArray[Any], NDArray[Any], float]:
        """Return inputs, targets, weights and sum of weights of iteration `step`."""


@dataclass
class Outcome:
    """What some iterations did.

    Attributes
    ----------
    losses, weights, norms : list of float
        Loss of each batch before its update, sum of its sample weights, and norm of its
        gradient.
    failed : str or None
        Which quantity of the iteration after them was not finite; its update was not
        applied.
    where : str
        Name of the parameter or running number of which it was seen, if of one.
    finished : str
        Why there is nothing more to do, if there is not.
    """

    losses: list[float] = field(default_factory=list)
    weights: list[float] = field(default_factory=list)
    norms: list[float] = field(default_factory=list)
    failed: str | None = None
    where: str = ""
    finished: str = ""


@dataclass
class ReadableSession:
    """A training run of the readable engine.

    Parameters
    ----------
    engine : ReadableEngine
        The engine.
    weights : ndarray, shape (layout.size,)
        All numbers, changed in place.
    optimizer : Optimizer
        The rule.
    memory : dict of str to ndarray
        Its vectors, changed in place.
    batches : Source
        The data.
    key : int
        Key of the random numbers.
    total : int
        Iterations of the whole run, for schedules.
    decayed, trained : ndarray of bool, shape (parameters,)
        Where decay applies, and where weights may change (None: everywhere).
    reduce : callable, optional
        What happens to a gradient before its update: nothing on one machine.
    """

    engine: ReadableEngine
    weights: NDArray[Any]
    optimizer: Optimizer
    memory: dict[str, NDArray[Any]]
    batches: Source
    key: int
    total: int
    decayed: NDArray[np.bool_]
    trained: NDArray[np.bool_] | None
    reduce: Callable[[NDArray[Any]], NDArray[Any]] | None = None

    def advance(self, step: int, count: int, seconds: float = 0.03) -> Outcome:
        """Make up to `count` updates; stop early after some time, or on a failure.

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
        outcome = Outcome()
        until = time.monotonic() + seconds
        for now in range(step, step + count):
            failed = self._iterate(now, outcome)
            if failed:
                outcome.failed = failed
                break
            if time.monotonic() > until:
                break
        return outcome

    def _iterate(self, step: int, outcome: Outcome) -> str | None:
        blueprint = self.engine.blueprint
        x, y, weight, total = self.batches.batch(step)
        scale = scale_of(blueprint, total)
        found = self.engine.backprop(
            self.weights, x, y, weight, scale, key=self.key, step=step
        )
        gradient = self.reduce(found.gradient) if self.reduce else found.gradient
        if not np.isfinite(found.loss):
            return "loss"
        norm = _length(gradient)
        if not np.isfinite(norm) and not np.isfinite(gradient).all():
            return "gradient"
        layout = blueprint.layout
        size = layout.parameters.size
        w, memory = self.weights[:size], Memory(self.memory)
        with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
            new = self.optimizer.update(
                w,
                gradient,
                memory,
                step + 1,
                self.optimizer.rate(step, self.total),
                self.decayed,
                self.trained,
            )
        if not np.isfinite(new).all():
            outcome.where = layout.parameters.first_not_finite(new)
            return "weights after the update"
        if not np.isfinite(found.state).all():
            outcome.where = layout.state.first_not_finite(found.state)
            return "running state"
        memory.keep()
        w[...] = new
        self.weights[size:] = found.state
        outcome.losses.append(found.loss)
        outcome.weights.append(total)
        outcome.norms.append(norm)
        return None


def _length(vector: NDArray[Any]) -> float:
    """Return the norm of a vector, also where the squares leave the range."""
    with np.errstate(over="ignore", invalid="ignore"):
        norm = float(np.sqrt(np.square(vector, dtype=np.float64).sum()))
    if norm < math.inf:
        return norm
    peak = float(np.abs(vector).max())
    return peak * _length(vector / peak) if peak < math.inf else norm


def scale_of(blueprint: Blueprint, total: float) -> float:
    """Return what the sum of the weighted losses is multiplied by.

    Parameters
    ----------
    blueprint : Blueprint
        The network.
    total : float
        Sum of the sample weights of the whole batch.

    Returns
    -------
    float
        1 for losses that add up the samples, one over the sum for those that average.
    """
    if blueprint.loss.reduction == "sum":
        return 1.0
    return 1.0 / total if total else 0.0
