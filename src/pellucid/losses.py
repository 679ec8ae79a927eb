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

from pellucid.activations import (
    Activation,
    below_top,
    log_sum,
    sigmoid,
    softmax,
    softplus,
)
from pellucid.errors import ConfigurationError
from pellucid.part import Part, part


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


def _at_least_0(**settings: float) -> None:
    for name, value in settings.items():
        if not value >= 0:
            raise ConfigurationError(f"Expected {name} >= 0, got {value!r}.")


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
        about. With ``"identity"`` these are the outputs themselves, which no other
        activation may bend, and which are no probabilities.
    per_target : int
        How many outputs there are for each target.
    least : float
        The smallest target that has a meaning.
    """

    reduction: ClassVar[str] = "mean"
    task: ClassVar[str] = "numbers"
    link: ClassVar[str | None] = None
    per_target: ClassVar[int] = 1
    least: ClassVar[float] = -math.inf

    def value(self, y_hat: Any, y: Any) -> Any:
        """Return the loss of every sample.

        Parameters
        ----------
        y_hat : ndarray, shape (n, outputs)
            Predictions; logits where the loss has a link.
        y : ndarray, shape (n, outputs), or (n,) of int for classes
            Targets; where there are several outputs for each, so many fewer columns.

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

    def linked(self, y_hat: Any) -> Any:
        """Return predictions from outputs: the link's value, where there is one.

        Parameters
        ----------
        y_hat : ndarray, shape (n, outputs)
            Outputs; logits where the loss has a link.

        Returns
        -------
        ndarray, shape (n, outputs)
        """
        return y_hat if self.link is None else Activation.of(self.link).value(y_hat)

    def answer(self, y_hat: Any) -> Any:
        """Return what `predict` says where targets are numbers: one for each of them.

        Parameters
        ----------
        y_hat : ndarray, shape (n, outputs)
            Predictions.

        Returns
        -------
        ndarray, shape (n, targets)
        """
        return y_hat


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


class LogCosh(Loss):
    """``L = mean log(cosh(y_hat - y))``: squares near 0, absolute values far away.

    About ``e^2 / 2`` for small errors e and ``|e| - log 2`` for large ones, without a
    place where one becomes the other.
    """

    def value(self, y_hat: Any, y: Any) -> Any:
        size = np.abs(y_hat - y)
        # log(cosh(e)) = |e| + log((1 + exp(-2 |e|)) / 2), which cannot overflow.
        each = size + np.log1p(0.5 * np.expm1(-2.0 * np.minimum(size, 400.0)))
        return per_sample(each) / math.prod(y_hat.shape[1:])

    def slope(self, y_hat: Any, y: Any) -> Any:
        return np.tanh(y_hat - y) / math.prod(y_hat.shape[1:])


class Quantile(Loss):
    """``L = mean max(q e, (q - 1) e)`` with ``e = y - y_hat``: the pinball loss.

    It is least where a share q of the targets lies below the prediction, so that the
    network learns this quantile: 0.5 the median, 0.9 what only a tenth exceeds.
    Source: Koenker and Bassett, Econometrica 46, 1978.

    Parameters
    ----------
    level : float
        The share q, in (0, 1).
    """

    level: float

    def check(self) -> None:
        if not 0 < self.level < 1:
            raise ConfigurationError(f"Expected level in (0, 1), got {self.level}.")

    def value(self, y_hat: Any, y: Any) -> Any:
        error = y - y_hat
        each = np.maximum(self.level * error, (self.level - 1.0) * error)
        return per_sample(each) / math.prod(y_hat.shape[1:])

    def slope(self, y_hat: Any, y: Any) -> Any:
        above = (y_hat > y).astype(y_hat.dtype)
        below = (y_hat < y).astype(y_hat.dtype)
        each = (1.0 - self.level) * above - self.level * below
        return each / math.prod(y_hat.shape[1:])


class Poisson(Loss):
    """``L = mean exp(z) - y z``: counts, whose logarithm is what the network gives.

    Minus the logarithm of the probability of the count y where exp(z) are expected,
    without ``log(y!)``, which no prediction changes. Targets are 0 or more, whole or
    not; `predict` gives the expected counts exp(z), `feedforward` what was written: z
    after ``Dense(1)``, the counts after ``Dense(1, "exp")``. The loss is infinite where
    exp(z) is above the range.
    """

    link: ClassVar[str | None] = "exp"
    least: ClassVar[float] = 0.0

    def value(self, y_hat: Any, y: Any) -> Any:
        each = np.exp(y_hat) - y * y_hat
        return per_sample(each) / math.prod(y_hat.shape[1:])

    def slope(self, y_hat: Any, y: Any) -> Any:
        return (np.exp(y_hat) - y) / math.prod(y_hat.shape[1:])


class GaussianLikelihood(Loss):
    """``L = mean (log v + (y - m)^2 / v) / 2`` with ``v = floor + exp(s)``.

    How unlikely the targets are for normal distributions, whose means m and variances
    v the network both predicts, without the constant ``log(2 pi) / 2``. There are two
    outputs for each target: of ``Dense(2 k)`` the first k are the means, the last k
    the logarithms s. Targets have k columns, or shape (n,) for one; `predict` gives the
    means in that shape, `feedforward` both, and `variance` makes variances of them.
    Source: Nix and Weigend, ICNN 1994.

    Parameters
    ----------
    floor : float
        The smallest variance, above 0, in the square of the targets' unit: without it
        the loss has no lower end.

    Examples
    --------
    >>> import numpy as np
    >>> from pellucid.losses import GaussianLikelihood
    >>> loss, outputs = GaussianLikelihood(), np.array([[5.0, 0.0]])
    >>> loss.answer(outputs), loss.variance(outputs).round(3)
    (array([[5.]]), array([[1.]]))
    """

    floor: float = 1e-6
    per_target: ClassVar[int] = 2

    def check(self) -> None:
        if not self.floor > 0:
            raise ConfigurationError(f"Expected floor > 0, got {self.floor}.")

    def answer(self, y_hat: Any) -> Any:
        return y_hat[..., : y_hat.shape[-1] // 2]

    def variance(self, y_hat: Any) -> Any:
        """Return the predicted variances.

        Parameters
        ----------
        y_hat : ndarray, shape (n, 2 targets)
            What `feedforward` gives.

        Returns
        -------
        ndarray, shape (n, targets)
            At least `floor`.
        """
        return self.floor + np.exp(self._spread(y_hat))

    def _spread(self, y_hat: Any) -> Any:
        return y_hat[..., y_hat.shape[-1] // 2 :]

    def _log_variance(self, y_hat: Any) -> Any:
        # log(floor + exp(s)) = log(floor) + softplus(s - log(floor)): never too large.
        low = math.log(self.floor)
        return low + softplus(self._spread(y_hat) - low)

    def value(self, y_hat: Any, y: Any) -> Any:
        log_variance = self._log_variance(y_hat)
        ratio = (self.answer(y_hat) - y) * np.exp(-0.5 * log_variance)
        each = log_variance + ratio * ratio
        return 0.5 * per_sample(each) / math.prod(y.shape[1:])

    def slope(self, y_hat: Any, y: Any) -> Any:
        inverse = np.exp(-0.5 * self._log_variance(y_hat))  # one over the deviation
        ratio = (self.answer(y_hat) - y) * inverse
        share = sigmoid(self._spread(y_hat) - math.log(self.floor))
        spread = 0.5 * share * (1.0 - ratio * ratio)
        both = np.concatenate([ratio * inverse, spread], axis=-1)
        return both / math.prod(y.shape[1:])


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


class Focal(Loss):
    """``L = -(1 - p)^gamma log(p)`` with p the probability of the right class.

    Cross-entropy that turns away from samples it is already sure of, where rare or hard
    ones would drown among many easy ones; ``gamma = 0`` is `CrossEntropy`. Classes that
    are rare may weigh more besides: ``fit(..., class_weight="balanced")``. Source: Lin
    et al., ICCV 2017, for several classes.

    Parameters
    ----------
    gamma : float
        How fast the loss falls as p grows, at least 0.
    """

    gamma: float = 2.0
    task: ClassVar[str] = "classes"
    link: ClassVar[str | None] = "softmax"

    def check(self) -> None:
        _at_least_0(gamma=self.gamma)

    def _half_surprise(self, y_hat: Any, y: Any) -> Any:
        """Return ``-log(p) / 2``, shape (n,); all of it can leave the range."""
        h = below_top(y_hat)
        hot = np.arange(y_hat.shape[-1]) == y[:, None]
        return 0.5 * log_sum(h)[:, 0] - np.where(hot, h, 0.0).sum(axis=-1)

    def value(self, y_hat: Any, y: Any) -> Any:
        surprise = 2.0 * self._half_surprise(y_hat, y)
        return (-np.expm1(-surprise)) ** self.gamma * surprise

    def slope(self, y_hat: Any, y: Any) -> Any:
        # dL/dz = (1 - p)^gamma (1 + gamma p s / (1 - p)) (softmax - hot), s = -log(p).
        # Where s is large p is 0, and where it is 0 the last factor is.
        surprise = 2.0 * np.minimum(self._half_surprise(y_hat, y), 400.0)
        p, rest = np.exp(-surprise), -np.expm1(-surprise)
        rise = 1.0 + self.gamma * p * surprise / np.maximum(rest, 1e-30)
        hot = (np.arange(y_hat.shape[-1]) == y[:, None]).astype(y_hat.dtype)
        return (rest**self.gamma * rise)[:, None] * (softmax(y_hat) - hot)


class BinaryFocal(Loss):
    """``L = mean -y (1 - p)^gamma log(p) - (1 - y) p^gamma log(1 - p)``.

    `Focal` for each yes or no, with p the probability of yes after sigmoid; with
    ``gamma = 0`` it is `BinaryCrossEntropy`. Source: Lin et al., ICCV 2017.

    Parameters
    ----------
    gamma : float
        How fast the loss falls as the prediction becomes right, at least 0.
    """

    gamma: float = 2.0
    task: ClassVar[str] = "labels"
    link: ClassVar[str | None] = "sigmoid"

    def check(self) -> None:
        _at_least_0(gamma=self.gamma)

    def value(self, y_hat: Any, y: Any) -> Any:
        yes = sigmoid(-y_hat) ** self.gamma * softplus(-y_hat)
        no = sigmoid(y_hat) ** self.gamma * softplus(y_hat)
        # Divided before the sum, which alone could leave the range.
        return per_sample((y * yes + (1.0 - y) * no) / math.prod(y_hat.shape[1:]))

    def slope(self, y_hat: Any, y: Any) -> Any:
        p, q = sigmoid(y_hat), sigmoid(-y_hat)
        yes = -(q**self.gamma) * (q + self.gamma * p * softplus(-y_hat))
        no = p**self.gamma * (p + self.gamma * q * softplus(y_hat))
        return (y * yes + (1.0 - y) * no) / math.prod(y_hat.shape[1:])


class Hinge(Loss):
    """``L = mean over classes k of max(0, 1 + z_k - z_c)``, c the right one, k not c.

    Every other class is to stay a margin of 1 below the right one; what is farther
    below costs nothing. The outputs are scores, not probabilities: `predict` gives the
    class with the highest one, `predict_proba` refuses. Source: Weston and Watkins,
    1998; the mean over all classes as in PyTorch's multi-margin loss.
    """

    task: ClassVar[str] = "classes"
    link: ClassVar[str | None] = "identity"

    def _excess(self, y_hat: Any, y: Any) -> tuple[Any, Any]:
        """Return ``1 + z_k - z_c`` for each class, and where the right one is."""
        hot = np.arange(y_hat.shape[-1]) == y[:, None]
        right = np.where(hot, y_hat, 0.0).sum(axis=-1, keepdims=True)
        return 1.0 + y_hat - right, hot

    def value(self, y_hat: Any, y: Any) -> Any:
        excess, hot = self._excess(y_hat, y)
        each = np.where(hot, 0.0, np.maximum(excess, 0.0))
        return each.sum(axis=-1) / y_hat.shape[-1]

    def slope(self, y_hat: Any, y: Any) -> Any:
        excess, hot = self._excess(y_hat, y)
        pushed = ((excess > 0) & ~hot).astype(y_hat.dtype)
        pulled = pushed.sum(axis=-1, keepdims=True)
        return (pushed - hot.astype(y_hat.dtype) * pulled) / y_hat.shape[-1]


class BinaryHinge(Loss):
    """``L = mean max(0, 1 - t z)`` with ``t = 1`` for a yes and -1 for a no.

    Each score z is to be on the right side of 0, by a margin of 1: the loss of support
    vector machines. Targets are 0 and 1 (or any two labels for one output), and are
    turned into -1 and 1 here; shares such as 0.3 count as numbers between. `predict`
    says yes where the score is above 0, `predict_proba` refuses. Source: Cortes and
    Vapnik, 1995.
    """

    task: ClassVar[str] = "labels"
    link: ClassVar[str | None] = "identity"

    def value(self, y_hat: Any, y: Any) -> Any:
        each = np.maximum(1.0 - (2.0 * y - 1.0) * y_hat, 0.0)
        # Divided before the sum, which alone could leave the range.
        return per_sample(each / math.prod(y_hat.shape[1:]))

    def slope(self, y_hat: Any, y: Any) -> Any:
        t = 2.0 * y - 1.0
        inside = (t * y_hat < 1.0).astype(y_hat.dtype)
        return -t * inside / math.prod(y_hat.shape[1:])


def _loss() -> type[Loss]:
    return Loss


class EachMember(Loss):
    """``L = 1/k sum_m L_m``: the mean of the losses of k predictions in one network.

    The outputs are those of member 1, then those of member 2, and so on. Each learns as
    if it were alone, while layers may be shared; what is predicted is the mean of their
    probabilities, or of their numbers. A link such as softmax is not written: it is
    applied to each member. Source: Gorishniy, Kotelnikov and Babenko, ICLR
    2025, who found the mean of losses better than the loss of the mean.

    Parameters
    ----------
    of : Loss or str
        The loss of a member.
    members : int
        How many there are, at least 1.
    """

    of: Any = part(_loss, default="cross_entropy")
    members: int = 2

    def check(self) -> None:
        if self.members < 1:
            raise ConfigurationError(f"Expected members >= 1, got {self.members!r}.")
        if self.of.reduction != "mean" or self.of.link == "identity":
            raise ConfigurationError(
                f"A mean of members is for losses that average, and whose predictions "
                f"can be averaged; {self.of!r} is not one."
            )

    @property
    def task(self) -> str:  # type: ignore[override]
        """What targets are, as the member's loss says."""
        return str(self.of.task)

    @property
    def least(self) -> float:  # type: ignore[override]
        """The smallest target that has a meaning."""
        return float(self.of.least)

    @property
    def per_target(self) -> int:  # type: ignore[override]
        """Outputs for each target, of all members together."""
        return int(self.members * self.of.per_target)

    def _each(self, y_hat: Any) -> list[Any]:
        """Return the outputs of each member."""
        size = y_hat.shape[-1] // self.members
        return [y_hat[..., m * size : (m + 1) * size] for m in range(self.members)]

    def value(self, y_hat: Any, y: Any) -> Any:
        losses = [self.of.value(outputs, y) for outputs in self._each(y_hat)]
        return sum(losses[1:], losses[0]) / self.members

    def slope(self, y_hat: Any, y: Any) -> Any:
        slopes = [self.of.slope(outputs, y) for outputs in self._each(y_hat)]
        return np.concatenate(slopes, axis=-1) / self.members

    def linked(self, y_hat: Any) -> Any:
        """Return the mean of what the members predict.

        Parameters
        ----------
        y_hat : array, shape (n, members * outputs)
            Outputs.

        Returns
        -------
        array, shape (n, outputs)
        """
        each = [self.of.linked(outputs) for outputs in self._each(y_hat)]
        return sum(each[1:], each[0]) / self.members

    def answer(self, y_hat: Any) -> Any:
        return self.of.answer(y_hat)
