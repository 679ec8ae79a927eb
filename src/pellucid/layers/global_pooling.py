"""Global pooling: one number for each channel, whatever the size of the image."""

import math
from typing import Any

import numpy as np

from pellucid.layer import Layer
from pellucid.layers.windows import must_have_places


def places(x: Any) -> tuple[int, ...]:
    """Return the axes of the places: all between samples and channels.

    Parameters
    ----------
    x : ndarray, shape (n, ..., channels)
        Images or sequences.

    Returns
    -------
    tuple of int
    """
    return tuple(range(1, x.ndim - 1))


def at_every_place(y: Any, shape: Any) -> Any:
    """Return one number a channel in a shape that fits images or sequences.

    Parameters
    ----------
    y : ndarray, shape (n, channels)
        Numbers.
    shape : tuple
        (n, ..., channels).

    Returns
    -------
    ndarray, shape (n, 1, ..., channels)
    """
    return y.reshape(shape[0], *(1 for _ in shape[1:-1]), shape[-1])


class GlobalAveragePool(Layer):
    """``y = the mean of each channel`` over all of its places.

    Source: Lin, Chen and Yan, ICLR 2014.

    x : (n, height, width, channels) or (n, length, channels)   y : (n, channels)
    """

    def slots(self, shape: Any) -> dict[str, Any]:
        must_have_places("GlobalAveragePool", shape)
        return {}

    def forward(self, x: Any, p: Any, memo: Any) -> Any:
        memo.x = x
        return x.mean(axis=places(x))

    def backward(self, da: Any, p: Any, g: Any, memo: Any) -> Any:
        x = memo.x
        each = at_every_place(da / math.prod(x.shape[1:-1]), x.shape)
        return each * np.ones_like(x)


class GlobalMaxPool(Layer):
    """``y = the largest number of each channel`` over all of its places.

    Backwards dy goes to the place of that number; where several are largest, they share
    it equally.

    x : (n, height, width, channels) or (n, length, channels)   y : (n, channels)
    """

    def slots(self, shape: Any) -> dict[str, Any]:
        must_have_places("GlobalMaxPool", shape)
        return {}

    def forward(self, x: Any, p: Any, memo: Any) -> Any:
        memo.x, memo.y = x, x.max(axis=places(x))
        return memo.y

    def backward(self, da: Any, p: Any, g: Any, memo: Any) -> Any:
        x = memo.x
        largest = (x == at_every_place(memo.y, x.shape)).astype(x.dtype)
        each = da / largest.sum(axis=places(x))
        return at_every_place(each, x.shape) * largest
