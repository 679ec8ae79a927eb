r"""Losses: one number that says how wrong a prediction is, and which way is better.

``L = scale * sum_i weight_i * value(y_hat_i, y_i)``

with ``scale = 1`` for losses that add up the samples and one over the sum of the
weights for those that average them. `slope` is the derivative of the value with respect
to the network's output; where a loss has a `link` (softmax before cross-entropy), both
take the logits, and are exact for every finite one.
"""

import math
from dataclasses import KW_ONLY
from typing import Any, ClassVar

import numpy as np

from pellucid.activations import below_top, log_sum, sigmoid, softmax
from pellucid.errors import ConfigurationError
from pellucid.part import Part


def per_sample(values: Any) -> Any:
    """Return the sums over everything but the samples.

    Parameters
    ----------
    values : ndarray, shape (n, ...)
        Numbers to add.

    Returns
    -------
    ndarray, shape (n,)
    """
    return values.sum(axis=tuple(range(1, values.ndim)))


class Loss(Part, abstract=True):
    """How wrong predictions are. A new one needs `value` and `slope`.

    Attributes
    ----------
    reduction : str
        ``"sum"`` or ``"mean"`` over the samples.
    task : str
        What targets are: ``"numbers"``, ``"classes"`` (one of several for a sample) or
        ``"labels"`` (each output is a yes or no).
    link : str or None
        Name of the activation that turns logits into the predictions this loss is
        about.
    """

    reduction: ClassVar[str] = "mean"
    task: ClassVar[str] = "numbers"
    link: ClassVar[str | None] = None

    def value(self, y_hat: Any, y: Any) -> Any:
        """Return the loss of every sample.

        Parameters
        ----------
        y_hat : ndarray, shape (n, outputs)
            Predictions; logits where the loss has a link.
        y : ndarray, shape (n, outputs), or (n,) of int for classes
            Targets.

        Returns
        -------
        ndarray, shape (n,)
        """
        raise NotImplementedError

    def slope(self, y_hat: Any, y: Any) -> Any:
        """Return the derivative of each sample's loss.

        Parameters
        ----------
        y_hat, y : ndarray
            As in `value`.

        Returns
        -------
        ndarray, shape of y_hat
        """
        raise NotImplementedError


class SumOfSquares(Loss):
    """``L = sum (y_hat - y)^2`` over outputs and samples: the tutorials' loss."""

    reduction: ClassVar[str] = "sum"

    def value(self, y_hat: Any, y: Any) -> Any:
        error = y_hat - y
        return per_sample(error * error)

    def slope(self, y_hat: Any, y: Any) -> Any:
        return 2.0 * (y_hat - y)


class HalfSumOfSquares(Loss):
    """``L = 1/2 sum (y_hat - y)^2``: the half makes the slope ``y_hat - y``."""

    reduction: ClassVar[str] = "sum"

    def value(self, y_hat: Any, y: Any) -> Any:
        error = y_hat - y
        return 0.5 * per_sample(error * error)

    def slope(self, y_hat: Any, y: Any) -> Any:
        return y_hat - y


class MeanSquaredError(Loss):
    """``L = mean (y_hat - y)^2``: large errors weigh most.

    Examples
    --------
    >>> import numpy as np
    >>> from pellucid.losses import MeanSquaredError
    >>> MeanSquaredError().value(np.array([[1.0, 2.0]]), np.array([[0.0, 4.0]]))
    array([2.5])
    """

    def value(self, y_hat: Any, y: Any) -> Any:
        error = y_hat - y
        return per_sample(error * error) / math.prod(y_hat.shape[1:])

    def slope(self, y_hat: Any, y: Any) -> Any:
        return (2.0 / math.prod(y_hat.shape[1:])) * (y_hat - y)


class MeanAbsoluteError(Loss):
    """``L = mean |y_hat - y|``: every unit of error weighs the same."""

    def value(self, y_hat: Any, y: Any) -> Any:
        return per_sample(np.abs(y_hat - y)) / math.prod(y_hat.shape[1:])

    def slope(self, y_hat: Any, y: Any) -> Any:
        return np.sign(y_hat - y) / math.prod(y_hat.shape[1:])


class Huber(Loss):
    """``e^2 / 2`` up to `delta`, ``delta (|e| - delta / 2)`` beyond; the mean.

    Squares for small errors, straight lines for outliers. Source: Huber, 1964.

    Parameters
    ----------
    delta : float
        Where the parabola becomes a line, in units of the target, above 0.
    """

    delta: float = 1.0

    def check(self) -> None:
        if self.delta <= 0:
            raise ConfigurationError(f"Expected delta > 0, got {self.delta}.")

    def value(self, y_hat: Any, y: Any) -> Any:
        size = np.abs(y_hat - y)
        near = np.minimum(size, self.delta)
        return per_sample(near * (size - 0.5 * near)) / math.prod(y_hat.shape[1:])

    def slope(self, y_hat: Any, y: Any) -> Any:
        error = np.clip(y_hat - y, -self.delta, self.delta)
        return error / math.prod(y_hat.shape[1:])


class CrossEntropy(Loss):
    """``L = log(sum_k exp(z_k)) - sum_k t_k z_k``, the mean over samples.

    The surprise at the right class: minus the logarithm of its probability after
    softmax. The targets ``t`` are 1 for the class and 0 elsewhere, or with smoothing
    ``(1 - s) t + s / classes``. The loss is infinite where the logits differ by more
    than the largest floating-point number.

    Parameters
    ----------
    label_smoothing : float
        The share s of every target that is spread over all classes, in [0, 1).
    """

    _: KW_ONLY
    label_smoothing: float = 0.0
    task: ClassVar[str] = "classes"
    link: ClassVar[str | None] = "softmax"

    def check(self) -> None:
        if not 0 <= self.label_smoothing < 1:
            raise ConfigurationError(
                f"Expected label_smoothing in [0, 1), got {self.label_smoothing}."
            )

    def value(self, y_hat: Any, y: Any) -> Any:
        h = below_top(y_hat)
        hot = np.arange(y_hat.shape[-1]) == y[:, None]
        at_target = np.where(hot, h, 0.0).sum(axis=-1)
        s = self.label_smoothing
        if s:
            # Each term has its share first: the sum alone could leave the range.
            at_target = (1.0 - s) * at_target + (s / h.shape[-1] * h).sum(axis=-1)
        return log_sum(h)[:, 0] - 2.0 * at_target

    def slope(self, y_hat: Any, y: Any) -> Any:
        classes = y_hat.shape[-1]
        hot = (np.arange(classes) == y[:, None]).astype(y_hat.dtype)
        s = self.label_smoothing
        if s:
            hot = (1.0 - s) * hot + s / classes
        return softmax(y_hat) - hot


class BinaryCrossEntropy(Loss):
    """``L = log(1 + exp(z)) - y z``, the mean over outputs and samples.

    The surprise at each yes or no, with the probability of yes after sigmoid. With
    several outputs each is a question of its own (multi-label).
    """

    task: ClassVar[str] = "labels"
    link: ClassVar[str | None] = "sigmoid"

    def value(self, y_hat: Any, y: Any) -> Any:
        # (1 - y) z or -y z, whichever is not a difference of two large numbers.
        straight = np.where(y_hat > 0, (1.0 - y) * y_hat, -y * y_hat)
        each = straight + np.log1p(np.exp(-np.abs(y_hat)))
        # Divided before the sum, which alone could leave the range.
        return per_sample(each / math.prod(y_hat.shape[1:]))

    def slope(self, y_hat: Any, y: Any) -> Any:
        return (sigmoid(y_hat) - y) / math.prod(y_hat.shape[1:])
