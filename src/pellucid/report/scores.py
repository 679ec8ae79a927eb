"""How good the predictions are, beside what a guess without looking would reach."""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pellucid.metrics import Metric
from pellucid.report.result import Result

_CLASSES = {
    "accuracy": ("accuracy", "the share of rows whose class is right"),
    "balanced_accuracy": (
        "balanced accuracy",
        "the same, with every class counting alike",
    ),
    "log_loss": (
        "log-loss",
        "small when the true class was given a high probability",
    ),
}
_NUMBERS = {
    "rmse": ("RMSE", "the usual size of an error; large ones count more"),
    "mae": ("MAE", "the mean size of an error"),
    "r2": ("R2", "1 is perfect, 0 is no better than always saying the mean"),
}


@dataclass(frozen=True)
class Score:
    """A number about the test, and what it would be without a network.

    Parameters
    ----------
    name : str
        What it is called.
    value : float
        The network's.
    baseline : float
        That of always answering the same: the most frequent class, the shares of the
        classes where probabilities are wanted, or the mean.
    meaning : str
        In plain words.
    """

    name: str
    value: float
    baseline: float
    meaning: str

    @property
    def text(self) -> str:
        """The network's value as people write it."""
        return self._show(self.value)

    @property
    def baseline_text(self) -> str:
        """The value without a network as people write it."""
        return self._show(self.baseline)

    def _show(self, value: float) -> str:
        return percent(value) if self.name.endswith("accuracy") else number(value)


def scores(result: Result) -> list[Score]:
    """Return how good the predictions for the test are, the most telling first.

    Parameters
    ----------
    result : Result
        What is judged.

    Returns
    -------
    list of Score
    """
    known = result.dataset.y[result.known].reshape(len(result.known))
    n = len(result.y)
    if result.classes:
        shares = np.bincount(known, minlength=len(result.classes)) / len(known)
        answers: dict[str, tuple[Any, Any]] = {
            "classes": (result.y_hat, np.full(n, shares.argmax())),
            "probabilities": (result.probabilities, np.tile(shares, (n, 1))),
        }
    else:
        answers = {"numbers": (result.y_hat, np.full(n, known.mean()))}
    found = []
    for label, (name, meaning) in (_CLASSES if result.classes else _NUMBERS).items():
        metric, weight = Metric.of(label), np.ones(n)
        own, without = (
            metric.value(result.y, y_hat, weight) for y_hat in answers[metric.uses]
        )
        meaning = meaning.replace("row", result.noun)
        found.append(Score(name, own, without, meaning))
    return found


def accuracy_interval(right: int, n: int) -> tuple[float, float]:
    """Return the accuracies that fit a result, with a confidence of 95 %.

    ``(p + z^2 / 2n -+ z sqrt(p (1 - p) / n + z^2 / 4n^2)) / (1 + z^2 / n)``,
    with ``p = right / n`` and ``z = 1.96``.

    Parameters
    ----------
    right, n : int
        How many of n independent rows were predicted rightly.

    Returns
    -------
    low, high : float
        From 0 to 1.

    References
    ----------
    E. B. Wilson, "Probable inference, the law of succession, and statistical
    inference", Journal of the American Statistical Association 22, 1927.

    Examples
    --------
    >>> from pellucid.report.scores import accuracy_interval
    >>> low, high = accuracy_interval(9, 10)
    >>> round(low, 3), round(high, 3)
    (0.596, 0.982)
    """
    p, z = right / n, 1.959963984540054
    middle = p + z * z / (2 * n)
    half = z * math.sqrt(p * (1 - p) / n + z * z / (4 * n * n))
    low, high = ((middle + side * half) / (1 + z * z / n) for side in (-1, 1))
    return max(0.0, low), min(1.0, high)


def percent(share: float) -> str:
    """Return a share as people write it.

    Parameters
    ----------
    share : float
        From 0 to 1.

    Returns
    -------
    str
        Such as ``"97.9 %"``.
    """
    if 0 < share < 0.0005:
        return "under 0.1 %"
    if 0.9995 <= share < 1:
        return "over 99.9 %"
    return f"{100 * share:.1f} %" if share < 1 else "100 %"


def number(value: float) -> str:
    """Return a number with three significant digits, or all digits before the point.

    Parameters
    ----------
    value : float
        Any number.

    Returns
    -------
    str

    Examples
    --------
    >>> from pellucid.report.scores import number
    >>> number(0.012345), number(43.21), number(12345.6), number(3.0)
    ('0.0123', '43.2', '12,346', '3')
    """
    if not math.isfinite(value):
        return str(value)
    return f"{value:,.0f}" if abs(value) >= 999.5 else f"{value:.3g}"


def worst(result: Result, most: int) -> NDArray[np.int64]:
    """Return places in the test of the worst predictions, the worst first.

    Parameters
    ----------
    result : Result
        What is judged.
    most : int
        How many at most.

    Returns
    -------
    ndarray of int
        Classes: mistakes, then the others, each by how little probability the true
        class got. Numbers: by the size of the error.
    """
    if not result.classes:
        return np.argsort(-np.abs(result.y_hat - result.y), kind="stable")[:most]
    given = result.probabilities[np.arange(len(result.y)), result.y]
    return np.lexsort((given, result.y == result.y_hat))[:most]
