"""Targets between classes, for cross-entropy: what mixed images are."""

from dataclasses import replace
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from pellucid.activations import below_top, log_sum, softmax
from pellucid.blueprint import Blueprint
from pellucid.losses import CrossEntropy, Loss


class SoftCrossEntropy(Loss, abstract=True):
    """``L = log(sum_k exp(z_k)) - sum_k t_k z_k``, the targets t being shares.

    `CrossEntropy` for targets that are no class, but a share of every class; the shares
    of a row sum to 1. Only training uses it, in the place of `CrossEntropy`.
    """

    link: ClassVar[str | None] = "softmax"

    def value(self, y_hat: Any, y: Any) -> Any:
        h = below_top(y_hat)
        # Each term has its share first: the sum alone could leave the range.
        return log_sum(h)[:, 0] - 2.0 * (y * h).sum(axis=-1)

    def slope(self, y_hat: Any, y: Any) -> Any:
        return softmax(y_hat) - y


def softened(blueprint: Blueprint, dtype: Any) -> tuple[Blueprint, NDArray[Any] | None]:
    """Return what is trained when targets are mixed, and the targets of every class.

    Parameters
    ----------
    blueprint : Blueprint
        The network.
    dtype : dtype
        Its floating-point type.

    Returns
    -------
    blueprint : Blueprint
        With `SoftCrossEntropy` in the place of `CrossEntropy`; else the same.
    shares : ndarray, shape (classes, classes), or None
        In row k the shares of class k: 1 for itself, less where labels are smoothed.
        None for losses whose targets are numbers already.
    """
    loss = blueprint.loss
    if not isinstance(loss, CrossEntropy):
        return blueprint, None
    s, classes = loss.label_smoothing, blueprint.answers
    shares = (1.0 - s) * np.eye(classes) + s / classes
    return replace(blueprint, loss=SoftCrossEntropy()), shares.astype(dtype)
