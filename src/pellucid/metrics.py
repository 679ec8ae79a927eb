"""Metrics: how good predictions are, in words people use."""

import math
from collections.abc import Callable
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from pellucid.errors import DataError
from pellucid.part import Part


class Metric(Part, abstract=True):
    """A number about predictions. A new one needs `value`.

    Attributes
    ----------
    uses : str
        What it looks at: ``"classes"`` (the predicted class or label),
        ``"probabilities"``, ``"scores"`` (probabilities, or what a hinge loss has in
        their place) or ``"numbers"``.
    binary : bool
        Whether it is about two classes, or one label, and no more.
    """

    uses: ClassVar[str] = "numbers"
    binary: ClassVar[bool] = False

    def value(self, y: Any, y_hat: Any, weight: NDArray[Any]) -> float:
        """Return the metric.

        Parameters
        ----------
        y : ndarray
            Class indices (n,), or numbers or labels (n, outputs).
        y_hat : ndarray
            Predictions: of the same shape, or probabilities or scores (n, classes).
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


def _counted(
    y: Any, y_hat: Any, weight: NDArray[Any]
) -> tuple[NDArray[np.float64], ...]:
    """Return for each class or label what is true, predicted, and both.

    Classes are those that are true or predicted somewhere.
    """
    if y.ndim == 1:
        there = weight > 0
        classes = np.union1d(y[there], y_hat[there])
        y, y_hat = y[:, None] == classes, y_hat[:, None] == classes
    each = (y, y_hat, y * y_hat)
    return tuple(weight @ np.asarray(rows, dtype=np.float64) for rows in each)


def _f1(true: Any, predicted: Any, both: Any) -> Any:
    """Return ``2 both / (true + predicted)``, 0 where there is neither."""
    some = true + predicted
    return 2.0 * both / np.where(some > 0, some, 1.0)


class F1(Metric):
    """``F1 = 2 TP / (2 TP + FP + FN)`` of the second of two classes, or of yes.

    The harmonic mean of precision (what share of the yes was right) and recall (what
    share of the true was found); 0 where nothing is true or predicted. For several
    classes or labels there are ``"f1_macro"``, ``"f1_micro"`` and ``"f1_weighted"``.

    Examples
    --------
    >>> import numpy as np
    >>> from pellucid.metrics import F1
    >>> F1().value(np.array([0, 1, 1, 1]), np.array([1, 1, 1, 0]), np.ones(4))
    0.6666666666666666
    """

    uses: ClassVar[str] = "classes"
    binary: ClassVar[bool] = True

    def value(self, y: Any, y_hat: Any, weight: NDArray[Any]) -> float:
        if y.ndim > 1 or max(y.max(initial=0), y_hat.max(initial=0)) > 1:
            raise DataError(
                "f1 is about two classes; for more of them, or several labels, use "
                "f1_macro, f1_micro or f1_weighted."
            )
        return float(_f1(*_counted(y[:, None], y_hat[:, None], weight))[0])


class MacroF1(Metric, label="f1_macro"):
    """``F1 = mean over classes of 2 TP / (2 TP + FP + FN)``: all classes count alike.

    Of several labels a sample: the mean over labels.
    """

    uses: ClassVar[str] = "classes"

    def value(self, y: Any, y_hat: Any, weight: NDArray[Any]) -> float:
        return float(_f1(*_counted(y, y_hat, weight)).mean())


class MicroF1(Metric, label="f1_micro"):
    """``F1 = 2 TP / (2 TP + FP + FN)``, counted over all classes together.

    Where each sample has one class this is the accuracy, but not for several labels.
    """

    uses: ClassVar[str] = "classes"

    def value(self, y: Any, y_hat: Any, weight: NDArray[Any]) -> float:
        return float(_f1(*(n.sum() for n in _counted(y, y_hat, weight))))


class WeightedF1(Metric, label="f1_weighted"):
    """``F1 = sum over classes of share * 2 TP / (2 TP + FP + FN)``.

    The share of a class is that of all samples it is true for; of a label, that of all
    labels that are true.
    """

    uses: ClassVar[str] = "classes"

    def value(self, y: Any, y_hat: Any, weight: NDArray[Any]) -> float:
        true, predicted, both = _counted(y, y_hat, weight)
        each = _f1(true, predicted, both)
        return float(each @ true / true.sum()) if true.any() else 0.0


class AUC(Metric, label="auc"):
    """``AUC = P(score of a yes > score of a no) + P(both equal) / 2``.

    The area under the ROC curve: how well the scores sort, wherever the border is
    drawn; 0.5 is guessing. Of two classes the second is yes; of more each is one
    against the rest, and of several labels each stands for itself: then the mean over
    those that are sometimes true and sometimes not. NaN where there are none.

    Examples
    --------
    >>> import numpy as np
    >>> from pellucid.metrics import AUC
    >>> p = np.array([[0.9, 0.1], [0.6, 0.4], [0.6, 0.4], [0.1, 0.9]])
    >>> AUC().value(np.array([0, 0, 1, 1]), p, np.ones(4))
    0.875
    """

    uses: ClassVar[str] = "scores"

    def value(self, y: Any, y_hat: Any, weight: NDArray[Any]) -> float:
        scores = np.asarray(y_hat, dtype=np.float64)
        if y.ndim > 1:
            yes = y > 0.5
        elif scores.shape[1] == 2:  # of both, since scores matter by their difference
            yes, scores = (y == 1)[:, None], scores[:, 1:] - scores[:, :1]
        else:
            yes = y[:, None] == np.arange(scores.shape[1])
        areas = [_area(*pair, weight) for pair in zip(yes.T, scores.T, strict=True)]
        known = [area for area in areas if area is not None]
        return float(np.mean(known)) if known else math.nan


def _area(yes: Any, score: Any, weight: NDArray[Any]) -> float | None:
    """Return the area under the ROC curve of one question; None if all answer alike."""
    _, place = np.unique(score, return_inverse=True)
    above = np.bincount(place, weights=weight * yes)
    below = np.bincount(place, weights=weight * ~yes)
    pairs = above.sum() * below.sum()
    if pairs == 0:
        return None
    # The no's below each score, and half of those at it.
    beaten = np.cumsum(below) - 0.5 * below
    return float((above * beaten).sum() / pairs)


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
