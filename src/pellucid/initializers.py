"""First values of weights: small enough to learn from, different enough to differ."""

import math
from dataclasses import KW_ONLY
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pellucid.errors import ConfigurationError
from pellucid.part import Part
from pellucid.rng import Random


def fans(shape: tuple[int, ...]) -> tuple[int, int]:
    """Return how many inputs a unit sums, and how many units an input feeds.

    Parameters
    ----------
    shape : tuple of int
        Shape of the weights: (inputs, units), with the lengths of the kernel before
        them for convolutions.

    Returns
    -------
    fan_in, fan_out : int
    """
    if len(shape) < 2:
        size = max(1, math.prod(shape))
        return size, size
    kernel = math.prod(shape[:-2])
    return kernel * shape[-2], kernel * shape[-1]


class Initializer(Part, abstract=True):
    """Makes the first values of an array of weights."""

    def values(self, shape: tuple[int, ...], random: Random) -> NDArray[np.float64]:
        """Return the first values.

        Parameters
        ----------
        shape : tuple of int
            Shape of the weights, (inputs, units) for a dense layer.
        random : Random
            Where random numbers come from; the same seed gives the same values.

        Returns
        -------
        ndarray of float64, of that shape
        """
        raise NotImplementedError


class Zeros(Initializer):
    """``0``: for biases. Weights that are all equal learn the same thing."""

    def values(self, shape: tuple[int, ...], random: Random) -> NDArray[np.float64]:
        return np.zeros(shape)


class Ones(Initializer):
    """``1``: for scales."""

    def values(self, shape: tuple[int, ...], random: Random) -> NDArray[np.float64]:
        return np.ones(shape)


class Constant(Initializer):
    """The same number everywhere.

    Parameters
    ----------
    value : float
        That number.
    """

    value: float

    def values(self, shape: tuple[int, ...], random: Random) -> NDArray[np.float64]:
        return np.full(shape, float(self.value))


class Uniform(Initializer):
    """Uniform in [low, high).

    Parameters
    ----------
    low, high : float
        The limits.
    """

    low: float = -0.05
    high: float = 0.05

    def check(self) -> None:
        if not self.low < self.high:
            raise ConfigurationError(
                f"Expected low < high, got {self.low} and {self.high}."
            )

    def values(self, shape: tuple[int, ...], random: Random) -> NDArray[np.float64]:
        return self.low + (self.high - self.low) * random.uniform(shape)


class Coin(Initializer):
    """One of two numbers, each as likely: random signs.

    Parameters
    ----------
    heads, tails : float
        The numbers.
    """

    heads: float = 1.0
    tails: float = -1.0

    def values(self, shape: tuple[int, ...], random: Random) -> NDArray[np.float64]:
        return np.where(random.uniform(shape) < 0.5, self.heads, self.tails)


class Normal(Initializer):
    """Normal with a mean and a standard deviation.

    Parameters
    ----------
    mean : float
        The mean.
    deviation : float
        The standard deviation, above 0.
    """

    mean: float = 0.0
    deviation: float = 0.05

    def check(self) -> None:
        if self.deviation <= 0:
            raise ConfigurationError(f"Expected deviation > 0, got {self.deviation}.")

    def values(self, shape: tuple[int, ...], random: Random) -> NDArray[np.float64]:
        return self.mean + self.deviation * random.normal(shape)


class Rand(Initializer):
    """Uniform in [0, 1), as ``numpy.random.rand`` in the tutorials."""

    def values(self, shape: tuple[int, ...], random: Random) -> NDArray[np.float64]:
        return random.uniform(shape)


class Scaled(Initializer, abstract=True):
    r"""Weights of variance ``gain / fan``: signals keep their size through the layers.

    Parameters
    ----------
    gain : float
        The variance times the fan, above 0.
    """

    _: KW_ONLY
    gain: float

    def variance(self, shape: tuple[int, ...]) -> float:
        """Return the variance of the weights.

        Parameters
        ----------
        shape : tuple of int
            Shape of the weights.

        Returns
        -------
        float
        """
        return self.gain / fans(shape)[0]

    def check(self) -> None:
        if self.gain <= 0:
            raise ConfigurationError(f"Expected gain > 0, got {self.gain}.")


class ScaledUniform(Scaled, abstract=True):
    """The uniform kind: within ``±sqrt(3 variance)``."""

    def values(self, shape: tuple[int, ...], random: Random) -> NDArray[np.float64]:
        limit = math.sqrt(3.0 * self.variance(shape))
        return limit * (2.0 * random.uniform(shape) - 1.0)


class ScaledNormal(Scaled, abstract=True):
    """The normal kind."""

    def values(self, shape: tuple[int, ...], random: Random) -> NDArray[np.float64]:
        return math.sqrt(self.variance(shape)) * random.normal(shape)


def _mean_fan(gain: float, shape: tuple[int, ...]) -> float:
    return 2.0 * gain / sum(fans(shape))


class GlorotUniform(ScaledUniform):
    """Variance ``gain * 2 / (fan_in + fan_out)``, uniform: for tanh and sigmoid.

    Source: Glorot and Bengio, AISTATS 2010.

    Parameters
    ----------
    gain : float
        Multiplies the variance.
    """

    _: KW_ONLY
    gain: float = 1.0

    def variance(self, shape: tuple[int, ...]) -> float:
        return _mean_fan(self.gain, shape)


class GlorotNormal(ScaledNormal):
    """Variance ``gain * 2 / (fan_in + fan_out)``, normal: for tanh and sigmoid.

    Source: Glorot and Bengio, AISTATS 2010.

    Parameters
    ----------
    gain : float
        Multiplies the variance.
    """

    _: KW_ONLY
    gain: float = 1.0

    def variance(self, shape: tuple[int, ...]) -> float:
        return _mean_fan(self.gain, shape)


class HeUniform(ScaledUniform):
    """Variance ``gain / fan_in`` with gain 2, uniform: for ReLU and its kin.

    Source: He et al., ICCV 2015.

    Parameters
    ----------
    gain : float
        The variance times the number of inputs.
    """

    _: KW_ONLY
    gain: float = 2.0


class HeNormal(ScaledNormal):
    """Variance ``gain / fan_in`` with gain 2, normal: for ReLU and its kin.

    Source: He et al., ICCV 2015.

    Parameters
    ----------
    gain : float
        The variance times the number of inputs.
    """

    _: KW_ONLY
    gain: float = 2.0


class LecunUniform(ScaledUniform):
    """Variance ``gain / fan_in`` with gain 1, uniform.

    Source: LeCun et al., "Efficient BackProp", 1998.

    Parameters
    ----------
    gain : float
        The variance times the number of inputs.
    """

    _: KW_ONLY
    gain: float = 1.0


class LecunNormal(ScaledNormal):
    """Variance ``gain / fan_in`` with gain 1, normal: for SELU.

    Source: LeCun et al., "Efficient BackProp", 1998.

    Parameters
    ----------
    gain : float
        The variance times the number of inputs.
    """

    _: KW_ONLY
    gain: float = 1.0


class Orthogonal(Initializer):
    """Columns (or rows) at right angles: the layer turns its input without stretching.

    Source: Saxe, McClelland and Ganguli, ICLR 2014.

    Parameters
    ----------
    gain : float
        Length of the columns, above 0.
    """

    gain: float = 1.0

    def check(self) -> None:
        if self.gain <= 0:
            raise ConfigurationError(f"Expected gain > 0, got {self.gain}.")

    def values(self, shape: tuple[int, ...], random: Random) -> NDArray[np.float64]:
        rows, columns = math.prod(shape[:-1]), shape[-1] if shape else 1
        tall = random.normal((max(rows, columns), min(rows, columns)))
        q, r = np.linalg.qr(tall)
        # The sign makes the result uniform among all orthogonal matrices.
        q = q * np.where(np.diag(r) < 0, -1.0, 1.0)
        matrix: Any = q if rows >= columns else q.T
        values: NDArray[np.float64] = self.gain * matrix.reshape(shape)
        return values
