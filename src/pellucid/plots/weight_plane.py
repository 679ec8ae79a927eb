"""A plane through the weights of a network, on which its loss can be drawn."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pellucid.errors import ConfigurationError, DataError, suggestion
from pellucid.layout import Layout
from pellucid.network import NeuralNetwork
from pellucid.plots.one_weight import find_weight
from pellucid.recording import Recording
from pellucid.rng import Random

Vector = NDArray[np.float64]

_MOMENTS = 121  # of a path


@dataclass(frozen=True, eq=False)
class WeightPlane:
    """All weights ``origin + a * first + b * second``.

    Parameters
    ----------
    origin : ndarray, shape (parameters,)
        The weights as they are.
    directions : ndarray, shape (2, parameters)
        Two directions of length 1 at a right angle.
    labels : tuple of str
        What they are.
    here : ndarray, shape (2,)
        What the axes say at the origin: 0, or the values of two named weights.
    low, high : ndarray, shape (2,)
        Ends of the axes.
    """

    origin: Vector
    directions: Vector
    labels: tuple[str, str]
    here: Vector
    low: Vector
    high: Vector

    def coordinates(self, weights: NDArray[Any]) -> Vector:
        """Return where weights are when they are seen from straight above the plane.

        Parameters
        ----------
        weights : ndarray, shape (m, parameters)
            Points.

        Returns
        -------
        ndarray, shape (m, 2)
        """
        moved = weights.astype(np.float64) - self.origin
        found: Vector = moved @ self.directions.T + self.here
        return found

    def weights(self, coordinates: Vector) -> Vector:
        """Return the weights at points of the plane.

        Parameters
        ----------
        coordinates : ndarray, shape (m, 2)
            As the axes say.

        Returns
        -------
        ndarray, shape (m, parameters)
        """
        found: Vector = self.origin + (coordinates - self.here) @ self.directions
        return found

    def share(self, changes: NDArray[Any]) -> float:
        """Return how much of some motion is in the plane: squares of lengths in it.

        Parameters
        ----------
        changes : ndarray, shape (m, parameters)
            Changes of the weights.

        Returns
        -------
        float
            From 0 to 1; 1 where there is no motion.
        """
        all_of_it = float(np.square(changes, dtype=np.float64).sum())
        inside = float(np.square(changes.astype(np.float64) @ self.directions.T).sum())
        return min(inside / all_of_it, 1.0) if all_of_it > 0 else 1.0


def through_two_weights(
    network: NeuralNetwork, names: Sequence[str], path: Vector | None
) -> WeightPlane:
    """Return the plane of two named weights; all others stay as they are.

    Parameters
    ----------
    network : NeuralNetwork
        Whose weights.
    names : sequence of two str
        Such as ``("dense_1.W[0, 1]", "dense_1.W[1, 1]")``.
    path : ndarray, shape (m, parameters), or None
        Weights on the way, which the plane then has room for.

    Returns
    -------
    WeightPlane

    Raises
    ------
    ConfigurationError
        If they are not the names of two weights.
    """
    layout, origin = _layout(network), _origin(network)
    if len(names) != 2:
        raise ConfigurationError(
            f"Expected the names of two weights as axes, got {names!r}."
        )
    found = [find_weight(layout, name) for name in names]
    if found[0] == found[1]:
        raise ConfigurationError(
            f"Both axes are {found[0].name}: a plane needs two different weights."
        )
    directions = np.zeros((2, origin.size))
    directions[[0, 1], [each.position for each in found]] = 1.0
    here = directions @ origin
    around = max(2.0, 1.5 * float(np.abs(here).max()))
    low, high = here - around, here + around
    if path is not None:
        points = path @ directions.T
        margin = 0.3 * np.ptp(points, axis=0).max() + 0.5
        low = np.minimum(points.min(axis=0), here) - margin
        high = np.maximum(points.max(axis=0), here) + margin
    labels = found[0].name, found[1].name
    return WeightPlane(origin, directions, labels, here, low, high)


def along_the_gradient(
    network: NeuralNetwork, gradient: NDArray[Any], seed: int
) -> WeightPlane:
    """Return the plane of steepest descent and a random direction.

    A purely random direction says little: a network with large weights looks flat. So
    in each filter (all weights into a neuron) it has the length of the weights there,
    and biases stay (Li et al., "Visualizing the loss landscape of neural nets", 2018).
    What the random direction shares with the gradient is taken away.

    Parameters
    ----------
    network : NeuralNetwork
        Whose weights.
    gradient : ndarray, shape (parameters,)
        dL/dw.
    seed : int
        Of the random direction.

    Returns
    -------
    WeightPlane

    Raises
    ------
    DataError
        If the gradient is zero or not finite, and so has no direction.
    """
    origin = _origin(network)
    slope = gradient.astype(np.float64)
    norm = float(np.linalg.norm(slope))
    if not 0 < norm < np.inf:
        raise DataError(
            f"The gradient has the norm {norm:g}, and so no direction: choose two "
            "weights as axes instead."
        )
    first = -slope / norm
    noise = _filter_normalised(_layout(network), origin, seed)
    reach = float(np.linalg.norm(noise))
    second = noise - (noise @ first) * first
    length = float(np.linalg.norm(second))
    if length <= 1e-9 * max(reach, 1.0):  # one weight, or weights of zero
        raise DataError(
            "There is no random direction beside the gradient with the lengths of the "
            "weights: they are all zero, or there is only one. Choose two weights as "
            "axes instead."
        )
    labels = ("down the gradient", "random direction, filter-normalised")
    ends = np.full(2, reach)
    directions = np.stack([first, second / length])
    return WeightPlane(origin, directions, labels, np.zeros(2), -ends, ends)


def along_the_path(network: NeuralNetwork, path: Vector) -> WeightPlane:
    """Return the plane in which the path of the training lies best.

    Parameters
    ----------
    network : NeuralNetwork
        Whose weights.
    path : ndarray, shape (m, parameters)
        Weights on the way.

    Returns
    -------
    WeightPlane

    Raises
    ------
    DataError
        If the weights never moved.
    """
    origin = _origin(network)
    moved = path - origin
    _, sizes, directions = np.linalg.svd(moved, full_matrices=False)
    if not len(sizes) or sizes[0] == 0:
        raise DataError(
            "The weights never moved on the recorded path: there is no plane of it."
        )
    if len(sizes) < 2 or sizes[1] <= 1e-12 * sizes[0]:
        # A straight path: any direction beside it makes a plane.
        beside = np.eye(1, origin.size, int(np.abs(directions[0]).argmin()))[0]
        beside = beside - (beside @ directions[0]) * directions[0]
        directions = np.stack([directions[0], beside / np.linalg.norm(beside)])
        sizes = np.array([sizes[0], 0.0])
    # The way leads to the right, and upwards.
    directions = (
        directions[:2] * np.where(moved[0] @ directions[:2].T > 0, -1, 1)[:, None]
    )
    shares = sizes[:2] ** 2 / (sizes**2).sum()
    labels = tuple(
        f"principal direction {k + 1} ({share:.1%} of the path)".replace("%", " %")
        for k, share in enumerate(shares)
    )
    points = np.concatenate([moved @ directions.T, np.zeros((1, 2))])
    low, high = points.min(axis=0), points.max(axis=0)
    margin = 0.25 * (high - low) + 0.15 * (high - low).max()
    return WeightPlane(
        origin,
        directions,
        (labels[0], labels[1]),
        np.zeros(2),
        low - margin,
        high + margin,
    )


def as_path(network: NeuralNetwork, recording: Any) -> Vector | None:
    """Return the weights on the way that a recording holds.

    Parameters
    ----------
    network : NeuralNetwork
        Whose weights.
    recording : Recording, or array_like of shape (m, weights), or None
        What the user gave; an array as from ``net.weights`` after some of the updates.

    Returns
    -------
    ndarray, shape (m, parameters), or None

    Raises
    ------
    DataError
        If there is nothing in it, or it is of another network.
    """
    if recording is None:
        return None
    size, all_of_it = _layout(network).size, network.weights.size
    if isinstance(recording, Recording):
        path = _recorded(recording)
    else:
        try:
            path = np.asarray(recording, dtype=np.float64)
        except (TypeError, ValueError):
            raise DataError(
                "Expected a Recording, or an array of weights with a row for each "
                f"moment, got {type(recording).__name__}."
            ) from None
    if path.ndim != 2 or len(path) == 0 or path.shape[1] not in (size, all_of_it):
        raise DataError(
            f"The recording holds weights of shape {path.shape}; the network has "
            f"{size} parameters: expected (m, {size}) with a row for each moment."
        )
    if not np.isfinite(path).all():
        raise DataError("The recorded weights are not all finite: no path to draw.")
    return path[:, :size]


def _recorded(recording: Recording) -> Vector:
    """Return the weights of a recording, evenly spread over it, the last included."""
    end = len(recording) - recording.failed
    if end < 1:
        raise DataError("The recording has no iterations: there is no path to draw.")
    indices = np.unique(np.linspace(0, end, min(end + 1, _MOMENTS)).round().astype(int))
    found = [recording.weights(int(i)).vector.astype(np.float64) for i in indices]
    return np.array(found)


def _filter_normalised(layout: Layout, weights: Vector, seed: int) -> Vector:
    """Return a random direction, in each filter as long as the weights there."""
    found = np.zeros_like(weights)
    for name, entry in layout.entries.items():
        if entry.slot.role != "weight" or len(entry.shape) < 2:
            continue
        # The last axis counts neurons or filters.
        now = weights[entry.start : entry.stop].reshape(-1, entry.shape[-1])
        noise = Random(seed, "landscape", name).normal(now.shape)
        lengths = np.linalg.norm(noise, axis=0)
        noise = noise * np.linalg.norm(now, axis=0) / np.where(lengths, lengths, 1.0)
        found[entry.start : entry.stop] = noise.ravel()
    return found


def _layout(network: NeuralNetwork) -> Layout:
    return network.blueprint.layout.parameters


def _origin(network: NeuralNetwork) -> Vector:
    origin = network.weights[: _layout(network).size].astype(np.float64)
    if not np.isfinite(origin).all():
        name = _layout(network).first_not_finite(origin)
        raise DataError(
            f"{name} holds a NaN or an infinity: there is no plane through it."
        )
    return origin


AXES = ("gradient", "path")


def plane_through(
    network: NeuralNetwork, axes: Any, path: Vector | None, gradient: Any, seed: int
) -> WeightPlane:
    """Return the plane that the user asked for.

    Parameters
    ----------
    network : NeuralNetwork
        Whose weights.
    axes : "gradient", "path", or the names of two weights
        Which plane.
    path : ndarray, shape (m, parameters), or None
        Weights on the way.
    gradient : ndarray, shape (parameters,)
        dL/dw.
    seed : int
        Of a random direction.

    Returns
    -------
    WeightPlane

    Raises
    ------
    ConfigurationError
        If there are no such axes, or the path is missing.
    """
    if isinstance(axes, list | tuple):
        return through_two_weights(network, axes, path)
    if axes not in AXES:
        raise ConfigurationError(
            f"Expected axes to be 'gradient', 'path' or the names of two weights, got "
            f"{axes!r}. {suggestion(axes, AXES)}"
        )
    if axes == "gradient":
        return along_the_gradient(network, gradient, seed)
    if path is None:
        raise ConfigurationError(
            "axes='path' needs the path: record the training and give it as recording."
        )
    return along_the_path(network, path)
