"""What happened in training, epoch by epoch and iteration by iteration."""

from dataclasses import asdict, dataclass, field, fields
from itertools import zip_longest
from typing import Any

import numpy as np

from pellucid.errors import ModelFileError
from pellucid.texttable import Table

# How many times the usual gradient, and after how many epochs, is out of proportion.
SPIKE, USUAL_AFTER = 1e3, 3


class GradientWarning(UserWarning):
    """In one epoch of a training the gradient was out of all proportion."""


@dataclass
class History:
    """The course of a training.

    Attributes
    ----------
    loss : list of float
        For each epoch the mean loss of a sample, weighted, each batch as it was before
        its update (for losses that add up the samples: their total).
    validation : list of float
        The same of the validation data after the epoch; empty without them.
    metrics : dict of str to list of float
        Each metric after the epoch, on the validation data or, without them, the
        training data.
    penalty : list of float
        What L1 and L2 would add to the loss; empty without them.
    learning_rate : list of float
        At the last iteration of the epoch; the length of the step for a minimizer.
    gradient_norm : list of float
        Mean length of the gradient over the epoch.
    seconds : list of float
        Time that the epoch took.
    iterations : list of float
        The loss of every iteration's batch before its update.
    best_epoch : int or None
        The epoch, from 1, whose weights were kept: the one with the lowest validation
        loss. None without validation data: then the last weights were kept.
    interrupted : bool
        Whether Ctrl-C ended the training.
    stopped : str
        Why training ended before its time, if it did.
    engine : str
        Which engine ran, and why.
    """

    loss: list[float] = field(default_factory=list)
    validation: list[float] = field(default_factory=list)
    metrics: dict[str, list[float]] = field(default_factory=dict)
    penalty: list[float] = field(default_factory=list)
    learning_rate: list[float] = field(default_factory=list)
    gradient_norm: list[float] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)
    iterations: list[float] = field(default_factory=list)
    best_epoch: int | None = None
    interrupted: bool = False
    stopped: str = ""
    engine: str = ""

    @property
    def epochs(self) -> int:
        """Number of epochs so far."""
        return len(self.loss)

    def to_dict(self) -> dict[str, Any]:
        """Return everything as plain lists and numbers."""
        return asdict(self)

    @classmethod
    def from_dict(cls, values: Any) -> "History":
        """Return the history that `to_dict` described.

        Parameters
        ----------
        values : dict
            Perhaps from a file.

        Returns
        -------
        History

        Raises
        ------
        ModelFileError
            If it is not such a description.
        """
        kinds = {each.name: each.type for each in fields(cls)}
        if not isinstance(values, dict) or set(values) != set(kinds):
            raise ModelFileError("The history in the file has other entries.")
        for name, value in values.items():
            if not _is_of(value, kinds[name]):
                raise ModelFileError(f"The history in the file is broken at {name!r}.")
        return cls(**values)

    def table(self, last: int | None = None) -> Table:
        """Return a table with a row for each epoch.

        Parameters
        ----------
        last : int, optional
            Only so many epochs, counted from the end.

        Returns
        -------
        Table
        """
        columns: dict[str, list[float]] = {"loss": self.loss}
        if self.validation:
            columns["validation"] = self.validation
        columns |= self.metrics
        if self.penalty:
            columns["penalty"] = self.penalty
        columns["learning rate"] = self.learning_rate
        columns["gradient"] = self.gradient_norm
        columns["seconds"] = self.seconds
        # partial_fit has no validation data, and leaves such columns short.
        cells = zip_longest(range(1, self.epochs + 1), *columns.values())
        rows = list(cells)[: self.epochs]
        footer = f"best epoch: {self.best_epoch}" if self.best_epoch else ""
        return Table(("epoch", *columns), rows[-last:] if last else rows, footer=footer)

    def __len__(self) -> int:
        return self.epochs

    def __repr__(self) -> str:
        if not self.loss:
            return "<History: no epoch yet>"
        end = f"loss {self.loss[0]:.6g} -> {self.loss[-1]:.6g}"
        best = f", best epoch {self.best_epoch}" if self.best_epoch else ""
        why = f", {self.stopped}" if self.stopped else ""
        epochs = f"{self.epochs} epoch{'s' if self.epochs > 1 else ''}"
        return f"<History: {epochs}, {end}{best}{why}>"


def _is_of(value: Any, kind: Any) -> bool:
    """Return whether a value from a file is of the kind that a field declares."""
    if kind == list[float]:
        return isinstance(value, list) and all(type(item) is float for item in value)
    if kind == dict[str, list[float]]:
        return isinstance(value, dict) and all(
            _is_of(item, list[float]) for item in value.values()
        )
    if kind == int | None:
        return value is None or type(value) is int
    return type(value) is kind


def gradient_spike(norms: list[float], since: int = 0) -> tuple[int, float] | None:
    """Return the first epoch whose gradient was 1,000 times the usual one.

    Parameters
    ----------
    norms : list of float
        Length of the gradient in each epoch.
    since : int
        Epochs that are not looked at again.

    Returns
    -------
    (epoch, usual) or None
        The epoch from 0, and the median length in the epochs before.
    """
    length = np.array(norms, dtype=float)
    first = max(since, USUAL_AFTER)
    if len(length) <= first:
        return None
    # A median is no smaller than the minimum, which is quick to have for every epoch.
    least = np.minimum.accumulate(length)[:-1]
    for epoch in 1 + np.flatnonzero(length[1:] > SPIKE * least):
        if epoch >= first:
            usual = float(np.median(length[:epoch]))
            if length[epoch] > SPIKE * usual > 0:
                return int(epoch), usual
    return None
