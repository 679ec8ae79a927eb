"""A data set: numbers, targets, and where they come from."""

import textwrap
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from pellucid.errors import DataError, ShapeError

_SHOWN = 4  # columns that the text of a data set names


@dataclass(frozen=True, eq=False, repr=False)
class Dataset:
    """Rows of numbers with one target each, and the story of where they come from.

    Parameters
    ----------
    x : ndarray of float64, shape (n, features)
        One row per example.
    y : ndarray
        int64 class indices of shape (n,), or float64 numbers of shape (n,) or (n, 1).
    features : tuple of str
        The name of every column of `x`.
    classes : tuple of str
        The name of every class, in the order of its index; empty for numbers.
    name : str
        The name under which `pellucid.data.load` knows the data.
    description : str
        What the data are, in a sentence or two.
    source : str
        Who made them and where they were published.
    license : str
        What allows you to use them.
    target : str
        What `y` is.
    image_shape : tuple of int, optional
        (height, width) when every row is an image, row by row.

    Raises
    ------
    ShapeError
        When names, rows and targets do not fit each other.
    DataError
        When `y` holds something else than an index of a class.

    Examples
    --------
    >>> from pellucid.data import iris
    >>> flowers = iris()
    >>> len(flowers), flowers.task, flowers.counts
    (150, 'classes', {'setosa': 50, 'versicolor': 50, 'virginica': 50})
    """

    x: NDArray[np.float64]
    y: NDArray[Any]
    features: tuple[str, ...]
    classes: tuple[str, ...]
    name: str
    description: str
    source: str
    license: str
    target: str
    image_shape: tuple[int, int] | None = None

    def __post_init__(self) -> None:
        if self.x.shape != (len(self.y), len(self.features)):
            raise ShapeError(
                f"{self.name}: x has shape {self.x.shape}, but {len(self.y)} targets "
                f"and {len(self.features)} names of columns need "
                f"({len(self.y)}, {len(self.features)})"
            )
        if not self.classes:
            return
        if self.y.dtype != np.int64 or self.y.ndim != 1:
            raise DataError(
                f"{self.name}: y holds {self.y.dtype} in shape {self.y.shape}, "
                f"expected int64 indices of the classes in shape ({len(self.x)},)"
            )
        wrong = np.flatnonzero((self.y < 0) | (self.y >= len(self.classes)))
        if wrong.size:
            raise DataError(
                f"{self.name}: y is {self.y[wrong[0]]} in row {wrong[0]}, expected an "
                f"index of one of {len(self.classes)} classes, "
                f"0 to {len(self.classes) - 1}"
            )

    @property
    def task(self) -> Literal["classes", "numbers"]:
        """What there is to predict: one of several classes, or numbers."""
        return "classes" if self.classes else "numbers"

    @property
    def counts(self) -> dict[str, int]:
        """How many rows every class has; empty for numbers."""
        return {
            name: int(np.count_nonzero(self.y == index))
            for index, name in enumerate(self.classes)
        }

    def __len__(self) -> int:
        """Return the number of rows."""
        return len(self.x)

    def __repr__(self) -> str:
        """Return a few lines that fit into a terminal of 80 columns."""
        more = len(self.features) - _SHOWN
        columns = ", ".join(self.features[:_SHOWN]) + f" and {more} more" * (more > 0)
        if self.classes:
            rows = ", ".join(f"{name} ({count})" for name, count in self.counts.items())
            target = f"{self.target}, {len(self.classes)} classes: {rows}"
        else:
            target = f"{self.target}, numbers"
            if self.y.size:
                target += f" from {self.y.min():.4g} to {self.y.max():.4g}"
        size = f"{_count(len(self), 'row')}, {_count(len(self.features), 'column')}"
        facts = [
            f"Dataset {self.name!r}: {size}",
            f"  {self.description}",
            f"  columns: {columns}",
            f"  target: {target}",
            f"  source: {self.source}",
            f"  license: {self.license}",
        ]
        return "\n".join(
            textwrap.fill(fact, 80, subsequent_indent="    ") for fact in facts
        )


def _count(number: int, what: str) -> str:
    """Return "1 row" or "2 rows"."""
    return f"{number} {what}" + "s" * (number != 1)
