"""Functions that NumPy lacks, as an exported program spells them out.

They are the short form of `pellucid.convolution`, `pellucid.special` and
`pellucid.rng`: easy to read, and without concern for speed. The text of those that a
program needs is copied into it.
"""

import math
from typing import Any

import numpy as np

# What a function needs besides itself.
NEEDS = {
    "convolve": ("places", "by_group"),
    "convolve_back": ("places", "inside", "bordered_zeros", "by_group"),
    "convolve_weights": ("places", "by_group"),
    "max_windows": ("places",),
    "max_windows_back": ("places", "inside", "max_windows"),
    "sum_windows": ("places",),
    "spread_windows": ("places", "inside", "bordered_zeros"),
}


def erf(x: Any) -> Any:
    """The error function, number by number."""
    return np.vectorize(math.erf, otypes=[x.dtype])(x)


def uniform(key: int, step: int, stream: int, shape: Any) -> Any:
    """Random numbers in [0, 1) that depend on their place alone.

    The generator Squares (arXiv:2004.06278), with a key from SplitMix64.
    """
    everything = 2**64 - 1
    k = (key + step * 0x9E3779B97F4A7C15 + stream * 0xD1B54A32D192ED03) & everything
    k = ((k ^ (k >> 30)) * 0xBF58476D1CE4E5B9) & everything
    k = ((k ^ (k >> 27)) * 0x94D049BB133111EB) & everything
    own = np.uint64((k ^ (k >> 31)) | 1)
    half = np.uint64(32)
    y = np.arange(math.prod(shape), dtype=np.uint64) * own
    z = y + own
    x = y * y + y
    for w in (z, y, z):
        x = (x >> half) | (x << half)
        x = x * x + w
    return ((x >> np.uint64(40)) * 2.0**-24).reshape(shape)


def scatter_add(values: Any, index: Any, rows: int) -> Any:
    """Add every value to the row that its index names."""
    sums = np.zeros((rows, values.shape[-1]), values.dtype)
    np.add.at(sums, index, values)
    return sums


def places(x: Any, size: Any, stride: Any, dilation: Any) -> Any:
    """Yield each pixel of a window, and the pixels it sees as the window moves."""
    for u in range(size[0]):
        for v in range(size[1]):
            seen = [slice(None)]
            for i, start in ((0, u * dilation[0]), (1, v * dilation[1])):
                reach = dilation[i] * (size[i] - 1)
                last = x.shape[1 + i] - 1 - reach
                seen.append(slice(start, start + last + 1, stride[i]))
            yield u, v, tuple(seen)


def inside(x: Any, padding: Any) -> Any:
    """Cut the border off images."""
    (top, bottom), (left, right) = padding
    return x[:, top : x.shape[1] - bottom, left : x.shape[2] - right]


def bordered_zeros(y: Any, image: Any, padding: Any, channels: int) -> Any:
    """Images of zeros, one for each of y, with a border around them."""
    height, width = (image[i] + sum(padding[i]) for i in (0, 1))
    return np.zeros((len(y), height, width, channels), y.dtype)


def by_group(function: Any, a: Any, b: Any, groups: int, *settings: Any) -> Any:
    """Do the same to each group of channels."""
    pairs = zip(np.split(a, groups, axis=3), np.split(b, groups, axis=3), strict=True)
    return np.concatenate([function(*pair, *settings) for pair in pairs], axis=3)


def convolve(
    x: Any,
    W: Any,
    stride: Any = (1, 1),
    padding: Any = ((0, 0), (0, 0)),
    dilation: Any = (1, 1),
    groups: int = 1,
) -> Any:
    """z[i, j, f] = sum over u, v, c of x[i + u, j + v, c] * W[u, v, c, f]"""
    if groups > 1:
        return by_group(convolve, x, W, groups, stride, padding, dilation)
    x, z = np.pad(x, ((0, 0), *padding, (0, 0))), 0
    for u, v, seen in places(x, W.shape, stride, dilation):
        z = z + x[seen] @ W[u, v]
    return z


def convolve_back(
    dz: Any,
    W: Any,
    image: Any,
    stride: Any = (1, 1),
    padding: Any = ((0, 0), (0, 0)),
    dilation: Any = (1, 1),
    groups: int = 1,
) -> Any:
    """dL/dx of a convolution: every dz goes back to the pixels it was made of."""
    if groups > 1:
        settings = (image, stride, padding, dilation)
        return by_group(convolve_back, dz, W, groups, *settings)
    dx = bordered_zeros(dz, image, padding, W.shape[2])
    for u, v, seen in places(dx, W.shape, stride, dilation):
        dx[seen] += dz @ W[u, v].T
    return inside(dx, padding)


def convolve_weights(
    x: Any,
    dz: Any,
    size: Any,
    stride: Any = (1, 1),
    padding: Any = ((0, 0), (0, 0)),
    dilation: Any = (1, 1),
    groups: int = 1,
) -> Any:
    """dL/dW of a convolution: each weight's pixels times what came of them."""
    if groups > 1:
        settings = (size, stride, padding, dilation)
        return by_group(convolve_weights, x, dz, groups, *settings)
    x = np.pad(x, ((0, 0), *padding, (0, 0)))
    dW = np.zeros((*size, x.shape[3], dz.shape[3]), x.dtype)
    for u, v, seen in places(x, size, stride, dilation):
        dW[u, v] = np.tensordot(x[seen], dz, axes=([0, 1, 2], [0, 1, 2]))
    return dW


def max_windows(
    x: Any,
    size: Any,
    stride: Any = (1, 1),
    padding: Any = ((0, 0), (0, 0)),
    dilation: Any = (1, 1),
) -> Any:
    """The largest pixel of each place of a window."""
    x = np.pad(x, ((0, 0), *padding, (0, 0)), constant_values=-np.inf)
    each = [x[seen] for _, _, seen in places(x, size, stride, dilation)]
    return np.max(each, axis=0)


def max_windows_back(
    x: Any,
    dy: Any,
    size: Any,
    stride: Any = (1, 1),
    padding: Any = ((0, 0), (0, 0)),
    dilation: Any = (1, 1),
) -> Any:
    """dL/dx of the largest: dy goes to the first largest pixel of its window."""
    y = max_windows(x, size, stride, padding, dilation)
    bordered = np.pad(x, ((0, 0), *padding, (0, 0)), constant_values=-np.inf)
    dx, waiting = np.zeros_like(bordered), np.ones(y.shape, bool)
    for _, _, seen in places(dx, size, stride, dilation):
        here = waiting & (bordered[seen] == y)
        dx[seen] += np.where(here, dy, 0)
        waiting &= ~here
    return inside(dx, padding)


def sum_windows(
    x: Any,
    size: Any,
    stride: Any = (1, 1),
    padding: Any = ((0, 0), (0, 0)),
    dilation: Any = (1, 1),
) -> Any:
    """The sum of each place of a window."""
    x = np.pad(x, ((0, 0), *padding, (0, 0)))
    return sum(x[seen] for _, _, seen in places(x, size, stride, dilation))


def spread_windows(
    dy: Any,
    image: Any,
    size: Any,
    stride: Any = (1, 1),
    padding: Any = ((0, 0), (0, 0)),
    dilation: Any = (1, 1),
) -> Any:
    """The way back of a sum: each dy goes to all pixels of its window."""
    dx = bordered_zeros(dy, image, padding, dy.shape[3])
    for _, _, seen in places(dx, size, stride, dilation):
        dx[seen] += dy
    return inside(dx, padding)
