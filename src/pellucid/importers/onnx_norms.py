"""Normalizations that a model writes as means, differences, squares and roots.

What such a formula is, is told by its values at random numbers: it is a normalization
times one number for each feature, plus another.
"""

import math
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pellucid.importers import formulas
from pellucid.importers.collected import Collected
from pellucid.layers import GroupNorm, LayerNorm, RMSNorm

Array = NDArray[np.float64]

# What such a formula starts with.
FIRST = {"InstanceNormalization", "Mul", "Pow", "ReduceMean", "Reshape"}
# So many numbers go in, in 4 to 32 samples: a scale and a shift fit them by no chance.
NUMBERS = 100_000


def _mean(x: Array, how: Any, axes: Any = None) -> Array:
    given = how.get("axes") if axes is None else axes
    along = None if given is None else tuple(int(axis) for axis in np.ravel(given))
    mean: Array = x.mean(axis=along, keepdims=bool(how.get("keepdims", 1)))
    return mean


def _reshape(x: Array, _: Any, shape: Any) -> Array:
    lengths = enumerate(np.ravel(shape).tolist())
    return x.reshape([x.shape[i] if n == 0 else n for i, n in lengths])


def _each_channel(x: Array, how: Any, scale: Any, shift: Any) -> Array:
    places = tuple(range(2, x.ndim))
    epsilon = how.get("epsilon", 1e-5)
    spread = np.sqrt(x.var(axis=places, keepdims=True) + epsilon)
    feature = (-1,) + (1,) * len(places)
    normal = (x - x.mean(axis=places, keepdims=True)) / spread
    result: Array = normal * scale.reshape(feature) + shift.reshape(feature)
    return result


OPERATORS: dict[str, Callable[..., Any]] = formulas.OPERATORS | {
    "InstanceNormalization": _each_channel,
    "ReduceMean": _mean,
    "Reshape": _reshape,
    "Shape": lambda x, _: np.array(x.shape),
}


def numbers_for(found: Collected) -> Array:
    """Return random samples of the shape that has been reached, channels last.

    Parameters
    ----------
    found : Collected
        What has been taken over.

    Returns
    -------
    ndarray, shape (samples, *found.shape)
    """
    samples = min(max(NUMBERS // math.prod(found.shape), 4), 32)
    return np.random.default_rng(0).normal(1.0, 2.0, (samples, *found.shape))


def recognized(
    x: Array, values: Array, fixed: list[NDArray[Any]]
) -> tuple[Any, dict[str, NDArray[Any]]] | None:
    """Return the normalization that makes these values of x.

    Parameters
    ----------
    x, values : ndarray, shape (samples, ..., features)
        What goes in, and what a formula gives.
    fixed : list of ndarray
        The constants of the formula.

    Returns
    -------
    (Layer, dict of str to ndarray) or None
        The layer and its numbers, in the precision of the constants.
    """
    if values.shape != x.shape or not np.isfinite(values).all():
        return None
    floats = [array for array in fixed if array.dtype.kind == "f"]
    single = {float(array.ravel()[0]) for array in floats if array.size == 1}
    epsilons = {value for value in single if value > 0} | {1e-5}
    dtype = np.result_type(*floats) if floats else np.float32
    along, size = tuple(range(x.ndim - 1)), float(np.abs(values).max())
    for layer, normal in _normalized(x, epsilons):
        middle, mean = normal.mean(axis=along), values.mean(axis=along)
        apart = normal - middle
        scale = (apart * values).mean(axis=along) / (apart * apart).mean(axis=along)
        shift = mean - scale * middle
        if not np.allclose(scale * normal + shift, values, 1e-7, 1e-8 * size):
            continue
        numbers = {"scale": scale.astype(dtype), "shift": shift.astype(dtype)}
        if not isinstance(layer, RMSNorm):
            return layer, numbers
        if np.abs(numbers.pop("shift")).max() <= 1e-7 * size:
            return layer, numbers
    return None


def _normalized(x: Array, epsilons: set[float]) -> Iterator[tuple[Any, Array]]:
    """Yield every normalization of x that pellucid has, with its numbers."""
    features, places = x.shape[-1], math.prod(x.shape[1:-1])
    for epsilon in sorted(epsilons):
        short = float(f"{epsilon:.6g}")  # 1e-5, not the float32 next to it
        centred = x - x.mean(axis=-1, keepdims=True)
        square = (centred * centred).mean(axis=-1, keepdims=True)
        yield LayerNorm(short), centred / np.sqrt(square + epsilon)
        size = np.sqrt((x * x).mean(axis=-1, keepdims=True) + epsilon)
        yield RMSNorm(short), x / size
        for groups in range(1, features + 1):
            if features % groups or places * features == groups:
                continue
            apart = x.reshape(len(x), places, groups, features // groups)
            centred = apart - apart.mean(axis=(1, 3), keepdims=True)
            square = (centred * centred).mean(axis=(1, 3), keepdims=True)
            normal = centred / np.sqrt(square + epsilon)
            yield GroupNorm(groups, short), normal.reshape(x.shape)
