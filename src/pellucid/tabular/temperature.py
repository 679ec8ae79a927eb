"""One number that makes probabilities honest."""

import math

import numpy as np
from numpy.typing import NDArray

COLDEST, HOTTEST = 0.05, 20.0


def log_loss(
    logits: NDArray[np.float64],
    y: NDArray[np.int64],
    weight: NDArray[np.float64],
    temperature: float = 1.0,
) -> float:
    """Return ``mean of -log softmax(z / T)[y]``.

    Parameters
    ----------
    logits : ndarray, shape (n, classes)
        Outputs of a network.
    y : ndarray of int, shape (n,)
        Classes.
    weight : ndarray, shape (n,)
        How much each row counts.
    temperature : float
        T, above 0.

    Returns
    -------
    float
    """
    z = logits / temperature
    z = z - z.max(axis=1, keepdims=True)
    losses = np.log(np.exp(z).sum(axis=1)) - z[np.arange(len(y)), y]
    return float(np.average(losses, weights=weight))


def best_temperature(
    logits: NDArray[np.float64], y: NDArray[np.int64], weight: NDArray[np.float64]
) -> float:
    """Return the temperature with the lowest log-loss on data not learned from.

    The log-loss is convex in ``1 / T``, so a search by the golden section finds it.
    Where all n rows are right, it would fall for ever: there the mean probability of
    the answers becomes ``n / (n + 1)``, as if the next row were to be wrong. Sources:
    Guo, Pleiss, Sun and Weinberger, ICML 2017; Laplace's rule of succession.

    Parameters
    ----------
    logits : ndarray, shape (n, classes)
        Outputs for rows that the network has not learned from.
    y : ndarray of int, shape (n,)
        Their classes.
    weight : ndarray, shape (n,)
        How much each row counts.

    Returns
    -------
    float
        From 0.05 to 20.
    """
    if weight[logits.argmax(axis=1) != y].sum() == 0:
        return _of_no_mistake(logits, weight)
    shrink = (math.sqrt(5) - 1) / 2
    low, high = 1 / HOTTEST, 1 / COLDEST
    left, right = high - shrink * (high - low), low + shrink * (high - low)
    at_left, at_right = (log_loss(logits, y, weight, 1 / k) for k in (left, right))
    for _ in range(60):
        if at_left < at_right:
            high, right, at_right = right, left, at_left
            left = high - shrink * (high - low)
            at_left = log_loss(logits, y, weight, 1 / left)
        else:
            low, left, at_left = left, right, at_right
            right = low + shrink * (high - low)
            at_right = log_loss(logits, y, weight, 1 / right)
    return 2 / (low + high)


def _of_no_mistake(logits: NDArray[np.float64], weight: NDArray[np.float64]) -> float:
    """Return the temperature at which the mean highest probability is n / (n + 1)."""
    n = np.count_nonzero(weight)
    z = logits - logits.max(axis=1, keepdims=True)
    low, high = 1 / HOTTEST, 1 / COLDEST
    for _ in range(60):  # the mean rises with 1 / T
        middle = (low + high) / 2
        highest = 1 / np.exp(z * middle).sum(axis=1)
        if np.average(highest, weights=weight) < n / (n + 1):
            low = middle
        else:
            high = middle
    return 2 / (low + high)
