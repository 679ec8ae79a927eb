r"""Random numbers that depend on nothing but their key: same seed, same bits.

``x = x * x + k * position;  x = (x >> 32) | (x << 32)``, four rounds

The generator is counter-based: the number at a position is a function of a key and
that position, so it can be computed in any order, on any number of threads, and a
training run can be taken up anywhere. The function is Squares, four rounds of the
middle square of a Weyl sequence, which passes BigCrush and PractRand
(B. Widynski, "Squares: A Fast Counter-Based RNG", arXiv:2004.06278).
"""

import hashlib
import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from pellucid.errors import ConfigurationError

_32 = np.uint64(32)
_MASK = 2**64 - 1
_BLOCK = 8192  # positions at a time: what their arithmetic needs stays in the cache


def make_key(seed: int, *purpose: str | int) -> int:
    """Return the 64-bit key of one stream of random numbers.

    Parameters
    ----------
    seed : int
        The user's seed, any integer.
    *purpose : str or int
        What the numbers are for; different purposes give independent streams.

    Returns
    -------
    int
        An odd integer of 64 bits.

    Raises
    ------
    ConfigurationError
        If the seed is not a whole number.
    """
    if isinstance(seed, bool) or not isinstance(seed, int | np.integer):
        raise ConfigurationError(f"Expected a whole number as seed, got {seed!r}.")
    text = "/".join(str(part) for part in (int(seed), *purpose))
    digest = hashlib.blake2b(text.encode(), digest_size=8).digest()
    return int.from_bytes(digest, "little") | 1


def step_key(key: int, step: int, stream: int) -> int:
    """Return the key of the random numbers that one place uses in one iteration.

    Only integer arithmetic (the finalizer of SplitMix64), so that compiled code can do
    it as well.

    Parameters
    ----------
    key : int
        The key of the training run.
    step : int
        The iteration, from 0.
    stream : int
        The place: the first call for random numbers in an iteration is 0.

    Returns
    -------
    int
        An odd integer of 64 bits.
    """
    x = (key + step * 0x9E3779B97F4A7C15 + stream * 0xD1B54A32D192ED03) & _MASK
    x = ((x ^ (x >> 30)) * 0xBF58476D1CE4E5B9) & _MASK
    x = ((x ^ (x >> 27)) * 0x94D049BB133111EB) & _MASK
    return (x ^ (x >> 31)) | 1


def squares(
    key: int | NDArray[np.uint64], positions: NDArray[np.uint64]
) -> NDArray[np.uint64]:
    """Return 32 random bits for every position.

    Parameters
    ----------
    key : int or ndarray of uint64
        An odd 64-bit integer, see `make_key`; or several, broadcast with the positions.
    positions : ndarray of uint64
        Any positions, in any order.

    Returns
    -------
    ndarray of uint64, shape of `positions`
        Integers in [0, 2**32).
    """
    key = np.asarray(key, dtype=np.uint64)
    y = positions * key
    z = y + key
    x = y * y
    x += y
    for w in (z, y, z):  # in place: nearly all the time would go into new arrays
        low = x << _32
        x >>= _32
        x |= low
        x *= x
        x += w
    x >>= _32
    return x


def _drawn(
    keys: Sequence[int], first: int, count: int, step: int = 1
) -> NDArray[np.uint32]:
    """Return 32 random bits for each key and each of `count` positions from `first`."""
    each = np.array(keys, dtype=np.uint64)[:, None]
    bits: NDArray[np.uint32] = np.empty((len(keys), count), dtype=np.uint32)
    columns = max(1, _BLOCK // len(keys))
    for begin in range(0, count, columns):
        end = min(begin + columns, count)
        places = np.arange(begin, end, dtype=np.uint64)
        places *= np.uint64(step)
        places += np.uint64(first)
        bits[:, begin:end] = squares(each, places)
    return bits


def permutations(keys: Sequence[int], count: int, first: int = 0) -> NDArray[np.int64]:
    """Return the numbers 0 to count - 1 in the order of 64 random bits that each has.

    The lower 32 bits are drawn for those alone whose upper ones are equal. Where all 64
    are (once in 37 million orders of a million numbers), the smaller number is first.

    Parameters
    ----------
    keys : sequence of int
        See `make_key`; many short orders at once cost less than one by one.
    count : int
        How many numbers.
    first : int
        Position of the first random bits; ``2 * count`` positions are used.

    Returns
    -------
    ndarray of int, shape (len(keys), count)
        An order for every key.
    """
    upper = _drawn(keys, first, count, 2)
    # Two keys of 16 bits, which NumPy sorts by counting, not by comparing.
    halves = upper.astype("<u4", copy=False).view("<u2").reshape(*upper.shape, 2)
    orders: NDArray[np.int64] = np.lexsort((halves[..., 0], halves[..., 1]))
    begins = count * np.arange(len(keys))[:, None]
    orders += begins
    upper = upper.reshape(-1)[orders]
    orders -= begins
    equal = upper[:, 1:] == upper[:, :-1]
    for k in np.flatnonzero(equal.any(axis=1)).tolist():
        tied = np.union1d(np.flatnonzero(equal[k]), np.flatnonzero(equal[k]) + 1)
        numbers = orders[k, tied]
        lower = squares(keys[k], (first + 1 + 2 * numbers).astype(np.uint64))
        orders[k, tied] = numbers[np.lexsort((numbers, lower, upper[k, tied]))]
    return orders


def uniform(key: int, shape: Sequence[int], first: int = 0) -> NDArray[np.float32]:
    """Return uniform numbers in [0, 1) with 24 bits, exact in float32 and float64.

    Parameters
    ----------
    key : int
        See `make_key`.
    shape : sequence of int
        Shape of the result.
    first : int
        Position of the first number; a shard of a batch starts at its own rows.

    Returns
    -------
    ndarray of float32
    """
    bits = _drawn([key], first, math.prod(shape))[0]
    bits >>= np.uint32(8)
    numbers: NDArray[np.float32] = bits.astype(np.float32)
    numbers *= np.float32(2.0**-24)
    return numbers.reshape(tuple(shape))


class Random:
    """A stream of random numbers for initial weights, shuffling and generated data.

    Parameters
    ----------
    seed : int
        The user's seed.
    *purpose : str or int
        What the numbers are for.

    Examples
    --------
    >>> from pellucid.rng import Random
    >>> Random(0, "example").integers(0, 10, (5,)).tolist()
    [3, 3, 9, 6, 0]
    >>> Random(0, "example").permutation(5).tolist()
    [4, 1, 0, 3, 2]
    """

    def __init__(self, seed: int, *purpose: str | int) -> None:
        self._key = make_key(seed, *purpose)
        self._position = 0

    def uniform(self, shape: int | Sequence[int] = ()) -> NDArray[np.float64]:
        """Return uniform numbers of a shape in [0, 1), 53 random bits each."""
        shape = _shape(shape)
        numbers: NDArray[np.float64] = np.empty(math.prod(shape))
        for begin in range(0, numbers.size, _BLOCK):
            block = numbers[begin : begin + _BLOCK]
            halves = _drawn([self._key], self._position, 2 * block.size)[0]
            self._position += halves.size
            bits = halves[0::2].astype(np.uint64)
            bits <<= _32
            bits |= halves[1::2]
            bits >>= np.uint64(11)
            np.multiply(bits, 2.0**-53, out=block)
        return numbers.reshape(shape)

    def normal(self, shape: int | Sequence[int] = ()) -> NDArray[np.float64]:
        """Return standard normal numbers of a shape (Box and Muller's method)."""
        shape = _shape(shape)
        radius, angle = self.uniform((2, math.prod(shape)))
        numbers = np.sqrt(-2.0 * np.log1p(-radius)) * np.cos(2.0 * math.pi * angle)
        return np.asarray(numbers).reshape(shape)

    def integers(
        self, low: int, high: int, shape: int | Sequence[int] = ()
    ) -> NDArray[np.int64]:
        """Return integers of a shape in [low, high)."""
        return low + np.floor(self.uniform(shape) * (high - low)).astype(np.int64)

    def permutation(self, count: int) -> NDArray[np.int64]:
        """Return the numbers 0 to count - 1 in random order, see `permutations`."""
        order: NDArray[np.int64] = permutations([self._key], count, self._position)[0]
        self._position += 2 * count
        return order


def _shape(shape: int | Sequence[int]) -> tuple[int, ...]:
    return tuple(map(int, shape)) if isinstance(shape, Sequence) else (int(shape),)
