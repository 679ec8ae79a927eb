"""What the checks look at: a network, its data, one traced step, the course so far."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from pellucid.doctor.findings import Finding
from pellucid.doctor.thresholds import DATA_NUMBERS, DATA_ROWS
from pellucid.samples import Samples
from pellucid.training.history import History

if TYPE_CHECKING:
    from pellucid.network import NeuralNetwork
    from pellucid.step import Step


@dataclass(frozen=True)
class Column:
    """One column of the inputs.

    Parameters
    ----------
    name : str
        What to call it in a sentence, such as ``"column 3 ('age')"``.
    values : ndarray of float64, shape (n,)
        Its numbers.
    """

    name: str
    values: NDArray[np.float64]


@dataclass(frozen=True)
class Case:
    """What the checks look at.

    Parameters
    ----------
    network : NeuralNetwork
        The network.
    data : Samples
        Rows without gaps, as the network takes them.
    names : list of str or None
        Names of the columns.
    validation : Samples or None
        Data that it did not learn from.
    step : Step or None
        One iteration on some of the rows.
    history : History or None
        The course of the training so far.
    """

    network: "NeuralNetwork"
    data: Samples
    names: list[str] | None = None
    validation: Samples | None = None
    step: "Step | None" = None
    history: History | None = None

    @cached_property
    def some(self) -> Samples:
        """As many rows as checks of data look at, evenly spread."""
        x = self.data.x
        parts = x if isinstance(x, dict) else {"": x}
        width = sum(values[0].size for values in parts.values())
        return evenly(self.data, min(DATA_ROWS, max(1, DATA_NUMBERS // width)))

    @cached_property
    def classes(self) -> NDArray[np.int64] | None:
        """The class of each of these rows, from 0; None for other targets."""
        y, task = self.some.y, self.network.loss.task
        if task == "classes":
            return y
        if task == "labels" and y.shape[1:] == (1,) and np.isin(y, (0, 1)).all():
            return y[:, 0].astype(np.int64)
        return None

    @cached_property
    def numbers(self) -> NDArray[np.float64] | None:
        """The targets of these rows, a column each; None for classes."""
        if self.network.loss.task != "numbers":
            return None
        return self.some.y.reshape(len(self.some.y), -1).astype(np.float64)

    def label(self, index: int) -> str:
        """Return what the user calls a class.

        Parameters
        ----------
        index : int
            The class, from 0.

        Returns
        -------
        str
        """
        known = self.network.classes
        if known is not None:
            return repr(known[index].item())
        return str(index)

    @cached_property
    def columns(self) -> tuple[Column, ...]:
        """The columns of all inputs that are tables of numbers."""
        return tuple(_columns(self.some.x, self.names))


# A check: it looks at a case, and yields what it finds.
Check = Callable[[Case], Iterator[Finding]]


def _columns(x: Any, names: list[str] | None) -> Iterator[Column]:
    parts = x if isinstance(x, dict) else {"": x}
    for part, values in parts.items():
        if values.ndim != 2 or values.dtype.kind != "f":
            continue  # images, sequences, and whole numbers that stand for choices
        for j in range(values.shape[1]):
            name = f"column {j}" + (f" of {part!r}" if part else "")
            name += f" ({names[j]!r})" if names and not part else ""
            yield Column(name, values[:, j].astype(np.float64))


def evenly(data: Samples, most: int) -> Samples:
    """Return some of the rows, evenly spread; all where there are not more.

    Parameters
    ----------
    data : Samples
        All rows.
    most : int
        How many at most.

    Returns
    -------
    Samples
    """
    n = len(data.y)
    if n <= most:
        return data
    return data.take(np.linspace(0, n - 1, most).astype(np.int64))


def size(values: Any) -> float:
    """Return the root mean square, also of numbers whose squares overflow.

    Parameters
    ----------
    values : ndarray
        Finite numbers, any shape.

    Returns
    -------
    float
    """
    top = float(np.abs(values).max(initial=0.0))
    if not top:
        return 0.0
    return top * float(np.sqrt(np.mean(np.square(values / top, dtype=np.float64))))
