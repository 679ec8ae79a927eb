"""Metrics: how good predictions are, in words people use."""

from collections.abc import Callable
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from pellucid.part import Part


class Metric(Part, abstract=True):
    """A number about predictions. A new one needs `value`.

    Attributes
    ----------
    uses : str
        What it looks at: ``"classes"`` (the predicted class or label),
        ``"probabilities"`` or ``"numbers"``.
    """

    uses: ClassVar[str] = "numbers"

    def value(self, y: Any, y_hat: Any, weight: NDArray[Any]) -> float:
        """Return the metric.

        Parameters
        ----------
        y : ndarray
            Class indices (n,), or numbers or labels (n, outputs).
        y_hat : ndarray
            Predictions: of the same shape, or probabilities (n, classes).
        weight : ndarray, shape (n,)
            Weights of the samples.

        Returns
        -------
        float
        """
        raise NotImplementedError


class FunctionMetric(Metric, abstract=True):
    """A function of one's own, called with the user's targets and predictions.

    Parameters
    ----------
    function : callable
        ``function(y, y_hat) -> float``.
    """

    function: Callable[[Any, Any], float]
    uses: ClassVar[str] = "own"

    def value(self, y: Any, y_hat: Any, weight: NDArray[Any]) -> float:
        return float(self.function(y, y_hat))


def _mean(each: Any, weight: NDArray[Any]) -> float:
    """Return the weighted mean over samples of what may have several columns."""
    rows = np.asarray(each, dtype=np.float64).reshape(len(weight), -1).mean(axis=1)
    return float(np.average(rows, weights=weight))


class Accuracy(Metric):
    """``accuracy = share of samples whose class is predicted`` (of labels, if several).

    Examples
    --------
    >>> import numpy as np
    >>> from pellucid.metrics import Accuracy
    >>> Accuracy().value(np.array([0, 1, 1]), np.array([0, 1, 0]), np.ones(3))
    0.6666666666666666
    """

    uses: ClassVar[str] = "classes"

    def value(self, y: Any, y_hat: Any, weight: NDArray[Any]) -> float:
        return _mean(y == y_hat, weight)


class BalancedAccuracy(Metric):
    """``balanced accuracy = mean over classes of the share found``.

    A model that always says the most frequent class has one over the number of classes.
    """

    uses: ClassVar[str] = "classes"

    def value(self, y: Any, y_hat: Any, weight: NDArray[Any]) -> float:
        shares = []
        for column in range(1 if y.ndim == 1 else y.shape[1]):
            truth, guess = (v if v.ndim == 1 else v[:, column] for v in (y, y_hat))
            for label in np.unique(truth):
                rows = truth == label
                if weight[rows].sum() > 0:
                    shares.append(_mean(guess[rows] == label, weight[rows]))
        return float(np.mean(shares))


class LogLoss(Metric):
    """``log-loss = mean of -log(probability of what is true)``.

    Probabilities below the smallest positive number of their dtype count as that.
    """

    uses: ClassVar[str] = "probabilities"

    def value(self, y: Any, y_hat: Any, weight: NDArray[Any]) -> float:
        tiny = np.finfo(y_hat.dtype).tiny
        p = y_hat.astype(np.float64)
        if y.ndim == 1:
            picked = np.take_along_axis(p, y[:, None].astype(np.int64), 1)
            return _mean(-np.log(np.maximum(picked, tiny)), weight)
        yes, no = (np.log(np.maximum(q, tiny)) for q in (p, 1.0 - p))
        return _mean(-(y * yes + (1.0 - y) * no), weight)


class RootMeanSquaredError(Metric, label="rmse"):
    """``RMSE = sqrt(mean (y_hat - y)^2)``: size of errors, in the target's units."""

    def value(self, y: Any, y_hat: Any, weight: NDArray[Any]) -> float:
        error = np.asarray(y_hat, dtype=np.float64) - y
        return float(np.sqrt(_mean(error * error, weight)))


class MeanAbsolute(Metric, label="mae"):
    """``MAE = mean |y_hat - y|``: the size of errors, in units of the target."""

    def value(self, y: Any, y_hat: Any, weight: NDArray[Any]) -> float:
        return _mean(np.abs(np.asarray(y_hat, dtype=np.float64) - y), weight)


class Determination(Metric, label="r2"):
    """``R2 = 1 - sum (y_hat - y)^2 / sum (y - mean y)^2``, the mean over outputs.

    1 is perfect, 0 is as good as always saying the mean. For targets that are all
    equal it is 1 where they are met exactly, and 0 otherwise.
    """

    def value(self, y: Any, y_hat: Any, weight: NDArray[Any]) -> float:
        y = np.asarray(y, dtype=np.float64).reshape(len(weight), -1)
        y_hat = np.asarray(y_hat, dtype=np.float64).reshape(len(weight), -1)
        share = weight[:, None] / weight.sum()
        left = (share * (y_hat - y) ** 2).sum(axis=0)
        spread = (share * (y - (share * y).sum(axis=0)) ** 2).sum(axis=0)
        # The mean is rounded, so that the spread of equal targets need not be zero.
        varies = np.ptp(y[weight > 0], axis=0) > 0
        ratio = np.where(varies, left / np.where(varies, spread, 1.0), left > 0)
        return float(np.mean(1.0 - ratio))


def as_metric(given: Any) -> Metric:
    """Return the metric that was meant.

    Parameters
    ----------
    given : Metric, str or callable
        A metric, its name, or a function of targets and predictions.

    Returns
    -------
    Metric
    """
    is_function = callable(given) and not isinstance(given, type | Metric)
    return FunctionMetric(given) if is_function else Metric.of(given)


def metric_name(metric: Metric) -> str:
    """Return the name of a metric in a history.

    Parameters
    ----------
    metric : Metric
        Any metric.

    Returns
    -------
    str
    """
    if isinstance(metric, FunctionMetric):
        return getattr(metric.function, "__name__", "metric")
    return metric.label
