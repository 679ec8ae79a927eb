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
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pellucid.errors import ConfigurationError

_32 = np.uint64(32)
_MASK = 2**64 - 1


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


def squares(key: int, positions: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """Return 32 random bits for every position.

    Parameters
    ----------
    key : int
        An odd 64-bit integer, see `make_key`.
    positions : ndarray of uint64
        Any positions, in any order.

    Returns
    -------
    ndarray of uint64, shape of `positions`
        Integers in [0, 2**32).
    """
    y = positions * np.uint64(key)
    z = y + np.uint64(key)
    x = y * y + y
    x = (x >> _32) | (x << _32)
    x = x * x + z
    x = (x >> _32) | (x << _32)
    x = x * x + y
    x = (x >> _32) | (x << _32)
    bits: NDArray[np.uint64] = (x * x + z) >> _32
    return bits


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
    positions = np.arange(first, first + math.prod(shape), dtype=np.uint64)
    bits = squares(key, positions) >> np.uint64(8)
    return (bits.astype(np.float32) * np.float32(2.0**-24)).reshape(tuple(shape))


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

    def _bits(self, count: int) -> NDArray[np.uint64]:
        """Return the next `count` integers of 64 random bits."""
        first, self._position = self._position, self._position + 2 * count
        halves = squares(
            self._key, np.arange(first, first + 2 * count, dtype=np.uint64)
        )
        return (halves[0::2] << _32) | halves[1::2]

    def uniform(self, shape: int | Sequence[int] = ()) -> NDArray[np.float64]:
        """Return uniform numbers of a shape in [0, 1), 53 random bits each."""
        shape = _shape(shape)
        bits = self._bits(math.prod(shape)) >> np.uint64(11)
        return (bits.astype(np.float64) * 2.0**-53).reshape(shape)

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
        """Return the numbers 0 to count - 1 in random order."""
        # No two of the numbers are equal, so every way of sorting gives the same order.
        order: NDArray[Any] = np.argsort(self._bits(count))
        return order


def _shape(shape: int | Sequence[int]) -> tuple[int, ...]:
    return tuple(map(int, shape)) if isinstance(shape, Sequence) else (int(shape),)
