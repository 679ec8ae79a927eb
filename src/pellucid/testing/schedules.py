"""Schedules: a rate for every iteration, whatever was asked before."""

import math

import numpy as np

from pellucid.schedules import Schedule
from pellucid.testing.parts import check_part, expecting


def check_schedule(schedule: Schedule, *, total: int = 50) -> None:
    """Check a schedule: Python numbers of at least 0, whatever was asked before.

    Parameters
    ----------
    schedule : Schedule
        With any settings.
    total : int
        Number of iterations of the training.

    Raises
    ------
    AssertionError
        If a promise is broken.

    Examples
    --------
    >>> from pellucid.schedules import Cosine
    >>> from pellucid.testing import check_schedule
    >>> check_schedule(Cosine(0.1, floor=0.01))
    """
    check_part(schedule)
    steps = [*range(total), total, 2 * total]  # partial_fit goes on behind the end
    with expecting(schedule, "rate"):
        rates = [schedule.rate(step, total) for step in steps]
        backwards = [schedule.rate(step, total) for step in reversed(steps)]
        shortest = schedule.rate(0, 1)
    for step, rate in zip([*steps, 0], [*rates, shortest], strict=True):
        numpy = isinstance(rate, np.generic)
        assert isinstance(rate, int | float) > numpy, (
            f"{schedule!r}: rate({step}) is {rate!r}, not a Python number."
        )
        assert 0 <= rate < math.inf, f"{schedule!r}: rate({step}) is {rate!r}."
    assert rates == backwards[::-1], (
        f"{schedule!r}: the rates depend on what was asked before."
    )
    assert max(rates) > 0, f"{schedule!r}: all rates are 0."
