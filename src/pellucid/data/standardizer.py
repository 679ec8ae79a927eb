"""Columns brought to mean 0 and standard deviation 1, and back."""

from collections.abc import Sequence
from dataclasses import dataclass
from numbers import Real
from typing import Any, Self, overload

import numpy as np
from numpy.typing import ArrayLike, NDArray

from pellucid.errors import DataError, ShapeError


@dataclass(frozen=True, eq=False)
class Standardizer:
    """``z = (x - mean) / scale``

    Every column gets the same weight in the eyes of a network, whatever its unit.

    Parameters
    ----------
    mean : ndarray of float64, shape (features,), or () for a single column
        The mean of every column.
    scale : ndarray of float64, shape of `mean`
        The standard deviation of every column (divided by n, not n - 1); 1 where a
        column is constant, so that it becomes 0.

    Examples
    --------
    >>> from pellucid.data import Standardizer
    >>> standardizer = Standardizer.fit([[1.0, 5.0], [3.0, 5.0]])
    >>> standardizer.mean.tolist(), standardizer.scale.tolist()
    ([2.0, 5.0], [1.0, 1.0])
    >>> standardizer.transform([[4.0, 5.0]]).tolist()
    [[2.0, 0.0]]
    >>> standardizer.inverse([[2.0, 0.0]]).tolist()
    [[4.0, 5.0]]
    """

    mean: NDArray[np.float64]
    scale: NDArray[np.float64]

    @classmethod
    def fit(cls, x: ArrayLike) -> Self:
        """Return the standardizer of these rows.

        Parameters
        ----------
        x : array, shape (n, ...) or (n,)
            Numbers up to 1e300 in magnitude; every place after the first axis is a
            column.

        Returns
        -------
        Standardizer

        Raises
        ------
        DataError
            When `x` is empty or holds something else than finite numbers.
        """
        array = _numbers(x, "x")
        if array.ndim == 0 or array.size == 0:
            raise DataError(
                f"data of shape {array.shape} have no mean: at least one row and one "
                "column are needed"
            )
        # Squares of large numbers overflow: columns are first divided by the power of
        # two above their largest number, which is exact. The first row is subtracted
        # so that the numbers of a constant column deviate by exactly 0.
        _, exponent = np.frexp(np.abs(array).max(axis=0))
        small = np.ldexp(array, -exponent)
        moved = small - small[0]
        mean = np.asarray(np.ldexp(small[0] + moved.mean(axis=0), exponent))
        scale = np.ldexp(moved.std(axis=0), exponent)
        return cls(mean, np.where(scale > 0.0, scale, 1.0))

    def transform(self, x: ArrayLike) -> NDArray[np.float64]:
        """Return ``(x - mean) / scale``.

        Parameters
        ----------
        x : array, shape (n, features), or (features,) for one row
            In the units of the training data.

        Returns
        -------
        ndarray of float64, shape of `x`

        Raises
        ------
        DataError
            When `x` holds something else than finite numbers.
        ShapeError
            When the columns are not those of the training data.
        """
        return (self._fitting(x, "x") - self.mean) / self.scale

    def inverse(self, z: ArrayLike) -> NDArray[np.float64]:
        """Return ``z scale + mean``, the way back.

        Parameters
        ----------
        z : array, shape (n, features), or (features,) for one row
            In standard deviations.

        Returns
        -------
        ndarray of float64, shape of `z`
            In the units of the training data.

        Raises
        ------
        DataError
            When `z` holds something else than finite numbers.
        ShapeError
            When the columns are not those of the training data.
        """
        return self._fitting(z, "z") * self.scale + self.mean

    def _fitting(self, x: ArrayLike, name: str) -> NDArray[np.float64]:
        """Return `x` as numbers after a look at its columns."""
        array = _numbers(x, name)
        if self.mean.shape not in (array.shape, array.shape[1:]):
            raise ShapeError(
                f"{name} has shape {array.shape}, but the mean was taken over rows of "
                f"shape {self.mean.shape}: give it the columns of the training data"
            )
        return array


@overload
def standardize(x_train: ArrayLike, /) -> NDArray[np.float64]: ...
@overload
def standardize(
    x_train: ArrayLike, /, *others: ArrayLike
) -> tuple[NDArray[np.float64], ...]: ...
def standardize(
    x_train: ArrayLike, /, *others: ArrayLike
) -> NDArray[np.float64] | tuple[NDArray[np.float64], ...]:
    """``z = (x - mean of x_train) / standard deviation of x_train``

    Bring every column of the training data to mean 0 and standard deviation 1, and
    other data by the same numbers: what is only known later may not shape them.

    Parameters
    ----------
    x_train : array, shape (n, features) or (n,)
        The data that set mean and standard deviation.
    *others : array, shape (m, features) or (m,)
        Further data, such as the test set.

    Returns
    -------
    ndarray of float64, or a tuple of them when there are others
        A column that is constant in `x_train` becomes 0 there.

    Raises
    ------
    DataError
        When an array holds something else than finite numbers, or `x_train` is empty.
    ShapeError
        When an array has other columns than `x_train`.

    Examples
    --------
    >>> from pellucid.data import standardize
    >>> x_train, x_test = standardize([[1.0], [3.0]], [[4.0]])
    >>> x_train.ravel().tolist(), x_test.ravel().tolist()
    ([-1.0, 1.0], [2.0])
    """
    arrays = [_numbers(x_train, "x_train")]
    for place, other in enumerate(others, start=2):
        arrays.append(_numbers(other, f"array {place}"))
    standardizer = Standardizer.fit(arrays[0])
    results = tuple(standardizer.transform(array) for array in arrays)
    return results if others else results[0]


def _numbers(x: Any, name: str) -> NDArray[np.float64]:
    """Return finite float64 numbers, or say where something else stands."""
    try:
        array = np.asarray(x)
    except ValueError as error:
        raise ShapeError(
            f"{name} is no table: its rows have different lengths ({error})"
        ) from error
    if array.dtype.kind not in "biuf":
        for place, cell in np.ndenumerate(array):
            if not isinstance(cell, Real):
                raise DataError(
                    f"{name} holds {cell!r}{_where(place)}, expected a number; fill in "
                    "what is missing, give categories numbers, or leave the column out"
                )
    array = array.astype(np.float64)
    wrong = np.argwhere(~np.isfinite(array)).tolist()
    if wrong:
        raise DataError(
            f"{name} holds {array[*wrong[0]]}{_where(wrong[0])}, expected finite "
            "numbers; fill in what is missing, or leave the row out"
        )
    return array


def _where(place: Sequence[int]) -> str:
    """Return " in row 3, column 1", as far as there are rows and columns."""
    words = [f" in row {index}" for index in place[:1]]
    words += [f"column {index}" for index in place[1:]]
    return ", ".join(words)
