"""Rows cut into parts with the same share of every class."""

import numpy as np
from numpy.typing import NDArray

from pellucid.rng import Random


def folds_of(
    y: NDArray[np.generic], parts: int, seed: int, classes: bool
) -> list[NDArray[np.int64]]:
    """Return the rows of each part, in order.

    Parameters
    ----------
    y : ndarray, shape (n,)
        Targets.
    parts : int
        How many parts.
    seed : int
        Same seed, same parts.
    classes : bool
        Whether each class, or each range of numbers, is shared out evenly.

    Returns
    -------
    list of ndarray of int
    """
    random = Random(seed, "folds")
    chance = random.uniform((len(y),))
    # Sorted by target, and by chance within a class: dealt out like cards.
    order = np.lexsort((chance, y)) if classes else np.argsort(chance)
    place = np.empty(len(y), dtype=np.int64)
    place[order] = np.arange(len(y)) % parts
    return [np.flatnonzero(place == part) for part in range(parts)]
