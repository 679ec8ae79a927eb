"""Metrics: a number, in which a weight of 2 counts as two samples."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from pellucid.metrics import Metric
from pellucid.rng import Random
from pellucid.testing.arrays import check_agreement, locked
from pellucid.testing.parts import check_part, expecting


def check_metric(metric: Metric, *, rows: int = 12, seed: int = 0) -> None:
    """Check a metric: a Python number, in which a weight of 2 counts as two samples.

    Parameters
    ----------
    metric : Metric
        With any settings.
    rows : int
        Number of samples.
    seed : int
        Seed of the numbers that are tried.

    Raises
    ------
    AssertionError
        If a promise is broken.

    Examples
    --------
    >>> from pellucid.metrics import Accuracy
    >>> from pellucid.testing import check_metric
    >>> check_metric(Accuracy())
    """
    check_part(metric)
    random = Random(seed, "testing")
    weight = random.integers(0, 3, (rows,)).astype(np.float64)
    weight[:2] = 1.0, 2.0  # whatever is drawn, not all are 0
    classes = 2 if metric.binary else 3
    y: NDArray[Any] = random.integers(0, classes, (rows,))
    y[:2] = 0, 1  # nor are all of one class
    y_hat: NDArray[Any] = random.integers(0, classes, (rows,))
    if metric.uses in ("probabilities", "scores"):
        y_hat = random.uniform((rows, 3))
        y_hat = y_hat / y_hat.sum(axis=1, keepdims=True)
    elif metric.uses == "numbers":
        y, y_hat = random.normal((rows, 2)), random.normal((rows, 2))
    repeated = np.repeat(np.arange(rows), weight.astype(int))
    with expecting(metric, "value"):
        weighted = metric.value(locked(y), locked(y_hat), locked(weight))
        plain = metric.value(y[repeated], y_hat[repeated], np.ones(len(repeated)))
    assert type(weighted) is float, (
        f"{metric!r}: the value is {weighted!r}, not a Python float."
    )
    what = "with weights beside repeated samples"
    check_agreement(metric, what, weighted, plain, 1e-9)
