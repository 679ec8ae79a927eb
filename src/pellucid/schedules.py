"""Learning rates that change: a number for every iteration."""

import math
from dataclasses import replace
from typing import Any

from pellucid.errors import ConfigurationError
from pellucid.part import Part, part


class Schedule(Part, abstract=True):
    """A learning rate for every iteration. A new one needs `rate`."""

    @property
    def adapts(self) -> bool:
        """Whether the losses of epochs change the rates, see `after`."""
        return False

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

    def after(self, loss: float) -> "Schedule":
        """Return the schedule that goes on after an epoch: itself, unless it adapts.

        Parameters
        ----------
        loss : float
            Of the epoch: of validation or, without such data, of training.

        Returns
        -------
        Schedule
        """
        return self


def _positive(**settings: float) -> None:
    for name, value in settings.items():
        number = isinstance(value, int | float) and math.isfinite(value)
        if not number or value <= 0:
            raise ConfigurationError(f"Expected {name} > 0, got {value!r}.")


def _floor(floor: float, start: float) -> None:
    if not 0 <= floor <= start:
        raise ConfigurationError(f"Expected floor from 0 to {start}, got {floor!r}.")


def _wave(high: float, low: float, share: float) -> float:
    """Return the value on half a cosine wave: high at share 0, low at share 1."""
    return low + (high - low) * 0.5 * (1.0 + math.cos(math.pi * share))


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
        return _wave(self.start, self.floor, min(1.0, step / max(1, total)))


class InverseScaling(Schedule):
    """``start / (1 + step / every) ** power``: falls fast first, then ever more slowly.

    Source: Robbins and Monro, 1951, for powers in (1/2, 1]. scikit-learn's
    ``invscaling`` counts samples instead of iterations, with ``every=1``.

    Parameters
    ----------
    start : float
        First learning rate, above 0.
    power : float
        How fast it falls, above 0.
    every : float
        After so many iterations it has fallen by ``2 ** power``.
    """

    start: float
    power: float = 0.5
    every: float = 1.0

    def check(self) -> None:
        _positive(start=self.start, power=self.power, every=self.every)

    def rate(self, step: int, total: int) -> float:
        return float(self.start / (1.0 + step / self.every) ** self.power)


class Polynomial(Schedule):
    """``floor + (start - floor) (1 - step / total) ** power``: a line, if power is 1.

    Parameters
    ----------
    start : float
        First learning rate, above 0.
    power : float
        Above 1 it falls early, below 1 late; above 0.
    floor : float
        Last learning rate, from 0 to `start`.
    """

    start: float
    power: float = 1.0
    floor: float = 0.0

    def check(self) -> None:
        _positive(start=self.start, power=self.power)
        _floor(self.floor, self.start)

    def rate(self, step: int, total: int) -> float:
        left = 1.0 - min(1.0, step / max(1, total))
        return float(self.floor + (self.start - self.floor) * left**self.power)


class CosineRestarts(Schedule):
    """``floor + (start - floor) (1 + cos(pi place / length)) / 2``, again and again.

    From `start` to `floor`, then with a jump back to `start`, in cycles each `growth`
    times as long as the one before; `place` counts from the last jump. Networks at the
    end of each cycle have settled. Source: Loshchilov and Hutter, ICLR 2017.

    Parameters
    ----------
    start : float
        First learning rate of each cycle, above 0.
    length : int
        Length of the first cycle in iterations.
    growth : float
        How much longer each cycle is, at least 1.
    floor : float
        Last learning rate of each cycle, from 0 to `start`.
    """

    start: float
    length: int = 1000
    growth: float = 2.0
    floor: float = 0.0

    def check(self) -> None:
        _positive(start=self.start, length=self.length)
        _floor(self.floor, self.start)
        if not self.growth >= 1:
            raise ConfigurationError(f"Expected growth >= 1, got {self.growth!r}.")

    def rate(self, step: int, total: int) -> float:
        length: float = self.length
        place: float = step
        if self.growth == 1:
            place %= length
        while place >= length:
            place -= length
            length *= self.growth
        return _wave(self.start, self.floor, place / length)


class LogCosine(Schedule):
    """``peak (1 - cos(2 pi log2(1 + (2^cycles - 1) t))) / 2``, t from 0 to 1.

    Up from 0 to `peak` and back to 0, in cycles each twice as long as the one before,
    over the whole training: large steps explore again and again, and each cycle ends
    with small ones. Source: Holzmüller, Grinsztajn and Steinwart, NeurIPS 2024
    (``coslog4``).

    Parameters
    ----------
    peak : float
        The largest learning rate, above 0.
    cycles : int
        How many, at least 1.
    """

    peak: float
    cycles: int = 4

    def check(self) -> None:
        _positive(peak=self.peak, cycles=self.cycles)

    def rate(self, step: int, total: int) -> float:
        # The first step has moved a little already: a rate of 0 would waste it.
        t = min(1.0, (step + 1) / (total + 1))
        return _wave(
            0.0, self.peak, 2.0 * math.log2(1.0 + (2.0**self.cycles - 1.0) * t)
        )


class OneCycle(Schedule):
    """From ``peak / first`` up to `peak`, then down to ``peak / (first last)``.

    Both ways on half a cosine wave; the whole training is one cycle. Large rates in the
    middle keep the weights from settling early. Source: Smith and Topin, 2019; as in
    PyTorch, without its cycle of the momentum.

    Parameters
    ----------
    peak : float
        The largest learning rate, above 0.
    rise : float
        The share of the training that leads up to it, in (0, 1).
    first : float
        How many times smaller the first rate is, above 0.
    last : float
        How many times smaller than the first the last rate is, above 0.
    """

    peak: float
    rise: float = 0.3
    first: float = 25.0
    last: float = 1e4

    def check(self) -> None:
        _positive(peak=self.peak, first=self.first, last=self.last)
        if not 0 < self.rise < 1:
            raise ConfigurationError(f"Expected rise in (0, 1), got {self.rise!r}.")

    def rate(self, step: int, total: int) -> float:
        end = max(1, total - 1)
        top = self.rise * total - 1.0
        start = self.peak / self.first
        if step < top:
            return _wave(start, self.peak, step / top)
        share = min(1.0, (step - top) / (end - top))
        return _wave(self.peak, start / self.last, share)


class ReduceOnPlateau(Schedule):
    """``start``, times `factor` whenever the loss has not fallen for `patience` epochs.

    The loss is that of the validation data or, without such data, of the training data.
    What it has seen follows from the history, so a resumed training goes on at the rate
    it had. PyTorch's schedule of this name waits one epoch longer for the same
    patience.

    Parameters
    ----------
    start : float
        First learning rate, above 0.
    factor : float
        What each reduction multiplies by, in (0, 1).
    patience : int
        How many epochs without a lower loss to wait, at least 1.
    smallest : float
        A fall by less than this does not count, at least 0.
    floor : float
        The rate is never reduced below this, from 0 to `start`.
    """

    start: float
    factor: float = 0.1
    patience: int = 10
    smallest: float = 0.0
    floor: float = 0.0

    def check(self) -> None:
        _positive(start=self.start, patience=self.patience)
        _floor(self.floor, self.start)
        if not 0 < self.factor < 1:
            raise ConfigurationError(f"Expected factor in (0, 1), got {self.factor!r}.")
        if not self.smallest >= 0:
            raise ConfigurationError(f"Expected smallest >= 0, got {self.smallest!r}.")

    @property
    def adapts(self) -> bool:
        return True

    def rate(self, step: int, total: int) -> float:
        return self.start

    def after(self, loss: float) -> Schedule:
        return Plateau(self, self.start).after(loss)


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

    @property
    def adapts(self) -> bool:
        return bool(self.then.adapts)

    def after(self, loss: float) -> Schedule:
        return replace(self, then=self.then.after(loss))

    def rate(self, step: int, total: int) -> float:
        after = max(1, total - self.steps)
        if step < self.steps:
            return float(self.then.rate(0, after) * (step + 1) / self.steps)
        return float(self.then.rate(step - self.steps, after))


class Plateau(Schedule, abstract=True):
    """Where a `ReduceOnPlateau` stands after some epochs.

    Parameters
    ----------
    rule : ReduceOnPlateau
        What it follows.
    now : float
        The learning rate.
    best : float, optional
        The lowest loss so far.
    waited : int
        Epochs since then, or since the last reduction.
    """

    rule: Any = part(_schedule)
    now: float = 0.0
    best: float | None = None
    waited: int = 0

    @property
    def adapts(self) -> bool:
        return True

    def rate(self, step: int, total: int) -> float:
        return self.now

    def after(self, loss: float) -> Schedule:
        rule = self.rule
        if math.isfinite(loss) and (
            self.best is None or loss < self.best - rule.smallest
        ):
            return replace(self, best=float(loss), waited=0)
        if self.waited + 1 < rule.patience:
            return replace(self, waited=self.waited + 1)
        now = max(self.now * rule.factor, rule.floor)
        return replace(self, now=now, waited=0)
