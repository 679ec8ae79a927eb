"""What each layer's outputs, gradients and updates did over a recorded training."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from pellucid.engines.readable import scale_of
from pellucid.errors import ConfigurationError
from pellucid.texttable import Table
from pellucid.training.replay import Replay

if TYPE_CHECKING:
    from pellucid.recording import Recording

Series = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class LayerCourse:
    """One layer over time: an entry for each iteration looked at.

    Lengths are Euclidean, ``sqrt(sum v^2)``, over all numbers of the layer together.

    Parameters
    ----------
    mean, std : ndarray, shape (m,)
        Of the layer's outputs for the batch, over samples and units.
    zeros : ndarray, shape (m,)
        The share of outputs that are exactly 0, in [0, 1]: units of a ReLU that sleep.
    delta : ndarray, shape (m,)
        Standard deviation of dL/d output: it vanishes or explodes from layer to layer.
    gradient : ndarray, shape (m,)
        Length of the gradient of the layer's parameters; NaN where it has none.
    weights : ndarray, shape (m,)
        Length of the parameters; NaN where it has none.
    update : ndarray, shape (m,)
        Length of what the update adds to them; NaN where it has none.
    """

    mean: Series
    std: Series
    zeros: Series
    delta: Series
    gradient: Series
    weights: Series
    update: Series

    @property
    def ratio(self) -> Series:
        """``update / weights``, shape (m,): about 0.001 is a usual, healthy value.

        NaN where the layer has no parameters, or all of them are 0.
        """
        found = np.full(len(self.update), np.nan)
        np.divide(self.update, self.weights, out=found, where=self.weights > 0)
        return found


@dataclass(frozen=True, eq=False)
class Course:
    """All layers over time, from ``recording.course()``.

    Parameters
    ----------
    steps : ndarray of int, shape (m,)
        The iterations that were looked at, from 0 and in order.
    losses : ndarray, shape (m,)
        The loss of their batches.
    layers : dict of str to LayerCourse
        By path, in the order of the forward pass; containers too.
    """

    steps: NDArray[np.int64]
    losses: Series
    layers: dict[str, LayerCourse]

    def __getitem__(self, path: str) -> LayerCourse:
        return self.layers[path]

    def table(self) -> Table:
        """Return a table with a row for each layer, as it was at the last iteration.

        Returns
        -------
        Table
        """
        heads = ("mean", "std", "zeros", "delta", "gradient", "weights", "update")
        rows = [
            (path, *(float(getattr(layer, head)[-1]) for head in heads))
            for path, layer in self.layers.items()
        ]
        return Table(("layer", *heads), rows)

    def __repr__(self) -> str:
        return f"<Course: {len(self.steps)} iterations of {', '.join(self.layers)}>"


def course_of(recording: "Recording", most: int) -> Course:
    """Return what outputs, gradients and updates of each layer did over time.

    Parameters
    ----------
    recording : Recording
        Which training.
    most : int
        At so many iterations at most.

    Returns
    -------
    Course

    Raises
    ------
    ConfigurationError
        If `most` is no number of iterations, or none is recorded.
    """
    whole = isinstance(most, int | np.integer) and not isinstance(most, bool)
    if not whole or most < 2:
        raise ConfigurationError(f"Expected most to be at least 2, got {most!r}.")
    n = len(recording)
    if n == 0:
        raise ConfigurationError("No iteration is recorded, so there is no course.")
    indices = np.unique(np.linspace(0, n - 1, min(int(most), n)).round().astype(int))
    replay = recording.replay()
    seen = [_numbers_at(replay, recording, int(index)) for index in indices]
    layers = {
        path: LayerCourse(*np.array([one[path] for one in seen], dtype=np.float64).T)
        for path in seen[0]
    }
    steps = recording.first + indices
    return Course(steps, recording.losses[indices], layers)


def _numbers_at(
    replay: Replay, recording: "Recording", index: int
) -> dict[str, list[float]]:
    """Return the numbers of `LayerCourse` for every layer at one iteration."""
    step = recording.first + index
    weights = replay.state(step).weights
    data, engine = replay.batch(step), replay.engines.readable
    blueprint = engine.blueprint
    scale = scale_of(blueprint, float(data.weight.sum(dtype=np.float64)))
    found = engine.backprop(
        weights, data.x, data.y, data.weight, scale, key=replay.key, step=step
    )
    last = recording.failed and index == len(recording) - 1
    after = np.full_like(weights, np.nan) if last else replay.state(step + 1).weights
    size = blueprint.layout.parameters.size
    with np.errstate(over="ignore", invalid="ignore"):
        update = after[:size] - weights[:size]
        vectors = (found.gradient, weights[:size], update)
        lengths = [_lengths(blueprint, vector) for vector in vectors]
        outputs, deltas = found.shared.outputs, found.shared.deltas
        return {
            path: [
                *_spread(outputs[path]),
                _spread(deltas[path])[1] if path in deltas else math.nan,
                *(of.get(path, math.nan) for of in lengths),
            ]
            for path in blueprint.layers
            if path in outputs
        }


def _spread(values: Any) -> list[float]:
    """Return mean, standard deviation and share of zeros of an array, or of several."""
    if isinstance(values, Mapping):
        values = np.concatenate([np.ravel(each) for each in values.values()])
    if values is None or not values.size:
        return [math.nan] * 3
    wide = np.asarray(values, dtype=np.float64)
    return [float(wide.mean()), float(wide.std()), float((wide == 0).mean())]


def _lengths(blueprint: Any, vector: NDArray[Any]) -> dict[str, float]:
    """Return the length of each layer's own part of a vector of parameters."""
    squares: dict[str, float] = {}
    for name, entry in blueprint.layout.parameters.entries.items():
        path = name.rpartition(".")[0]
        part = vector[entry.start : entry.stop].astype(np.float64)
        squares[path] = squares.get(path, 0.0) + float(part @ part)
    return {path: math.sqrt(total) for path, total in squares.items()}
