"""Learning rates that change: a number for every iteration."""

import math
from typing import Any

from pellucid.errors import ConfigurationError
from pellucid.part import Part, part


class Schedule(Part, abstract=True):
    """A learning rate for every iteration."""

    def rate(self, step: int, total: int) -> float:
        """Return the learning rate of an iteration.

        Parameters
        ----------
        step : int
            The iteration, from 0.
        total : int
            Number of iterations of the whole training.

        Returns
        -------
        float
        """
        raise NotImplementedError


def _positive(**settings: float) -> None:
    for name, value in settings.items():
        number = isinstance(value, int | float) and math.isfinite(value)
        if not number or value <= 0:
            raise ConfigurationError(f"Expected {name} > 0, got {value!r}.")


class Constant(Schedule):
    """Always the same.

    Parameters
    ----------
    start : float
        The learning rate, above 0.
    """

    start: float

    def check(self) -> None:
        _positive(start=self.start)

    def rate(self, step: int, total: int) -> float:
        return self.start


class Step(Schedule):
    """``start * factor ** (step // every)``: stairs.

    Parameters
    ----------
    start : float
        First learning rate, above 0.
    factor : float
        What each stair multiplies by, above 0.
    every : int
        Length of a stair in iterations.
    """

    start: float
    factor: float = 0.5
    every: int = 1000

    def check(self) -> None:
        _positive(start=self.start, factor=self.factor, every=self.every)

    def rate(self, step: int, total: int) -> float:
        return float(self.start * self.factor ** (step // self.every))


class Exponential(Schedule):
    """``start * factor ** step``.

    Parameters
    ----------
    start : float
        First learning rate, above 0.
    factor : float
        What each iteration multiplies by, above 0, for example 0.999.
    """

    start: float
    factor: float = 0.999

    def check(self) -> None:
        _positive(start=self.start, factor=self.factor)

    def rate(self, step: int, total: int) -> float:
        return float(self.start * self.factor**step)


class Cosine(Schedule):
    """``floor + (start - floor) (1 + cos(pi step / total)) / 2``: slow, fast, slow.

    Source: Loshchilov and Hutter, ICLR 2017, without restarts.

    Parameters
    ----------
    start : float
        First learning rate, above 0.
    floor : float
        Last learning rate.
    """

    start: float
    floor: float = 0.0

    def check(self) -> None:
        _positive(start=self.start)

    def rate(self, step: int, total: int) -> float:
        share = min(1.0, step / max(1, total))
        return self.floor + (self.start - self.floor) * 0.5 * (
            1.0 + math.cos(math.pi * share)
        )


def _schedule() -> type[Schedule]:
    return Schedule


class WarmUp(Schedule):
    """``(step + 1) / steps`` of the first rate, then the other schedule from its start.

    Small first steps, while the optimizer's averages are still rough.

    Parameters
    ----------
    steps : int
        Length of the warm-up in iterations.
    then : Schedule
        What follows.
    """

    steps: int
    then: Any = part(_schedule)

    def check(self) -> None:
        _positive(steps=self.steps)

    def rate(self, step: int, total: int) -> float:
        after = max(1, total - self.steps)
        if step < self.steps:
            return float(self.then.rate(0, after) * (step + 1) / self.steps)
        return float(self.then.rate(step - self.steps, after))
