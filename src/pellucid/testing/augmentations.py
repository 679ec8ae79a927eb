"""Augmentations: changes that depend on seed, epoch and row, and on nothing else."""

import numpy as np

from pellucid.augmentations import Augmentation, Draws
from pellucid.testing.arrays import same_bits
from pellucid.testing.parts import check_part, expecting


def check_augmentation(
    augmentation: Augmentation,
    *,
    shape: tuple[int, int, int] = (6, 5, 3),
    rows: int = 7,
    seed: int = 0,
) -> None:
    """Check an augmentation: what becomes of an image is the same in any batch.

    The shape and the dtype stay, every number is finite, what is handed in is left as
    it is, and further epochs may give other images, but a repeated one the same bits.

    Parameters
    ----------
    augmentation : Augmentation
        With any settings.
    shape : (int, int, int)
        Height, width and channels of the images.
    rows : int
        How many.
    seed : int
        For images and changes.

    Raises
    ------
    AssertionError
        If a promise is broken.

    Examples
    --------
    >>> from pellucid.augmentations import Rotate
    >>> from pellucid.testing import check_augmentation
    >>> check_augmentation(Rotate(20.0))
    """
    check_part(augmentation)
    levels = np.random.default_rng(seed).integers(0, 256, (rows, *shape))
    every = np.arange(rows) * 3 + 1
    for dtype in (np.float32, np.float64):
        x = levels.astype(dtype)
        x.flags.writeable = False
        with expecting(augmentation, "apply"):
            first, again = (
                augmentation.apply(x, Draws(seed, 2, every)) for _ in range(2)
            )
            few = [rows - 1, 0]
            apart = augmentation.apply(x[few], Draws(seed, 2, every[few]))
        told = f"{augmentation!r}, apply on {np.dtype(dtype)}"
        assert first.shape == x.shape, f"{told}: {x.shape} became {first.shape}."
        assert first.dtype == dtype, f"{told}: gave {first.dtype}."
        assert np.isfinite(first).all(), f"{told}: gave numbers that are not finite."
        assert same_bits(first, again), f"{told}: twice the same gave other numbers."
        assert same_bits(first[few], apart), (
            f"{told}: what becomes of an image depends on the others of its batch; "
            "take all random numbers from draws."
        )
