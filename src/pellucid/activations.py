r"""Activations: what a neuron makes of its weighted sum.

``a = f(z)``, and backwards ``dL/dz = dL/da * f'(z)``

Each is right, without a warning, for every finite input, the largest included. That is
why exponentials are taken of numbers that are never positive, and why powers are taken
of clipped numbers: beyond the limits the result is already exact. Where the value
itself leaves the range of floating-point numbers (SELU of the very largest), it is
infinite.
"""

import math
from typing import Any, ClassVar, Self

import numpy as np

from pellucid.errors import ConfigurationError
from pellucid.layer import Layer
from pellucid.ops import erf
from pellucid.part import part


def sigmoid(z: Any) -> Any:
    """Return ``1 / (1 + exp(-z))``, without overflow.

    Parameters
    ----------
    z : ndarray
        Any shape.

    Returns
    -------
    ndarray
        Values in [0, 1].
    """
    e = np.exp(-np.abs(z))
    return np.where(z >= 0, 1.0, e) / (1.0 + e)


def softplus(z: Any) -> Any:
    """Return ``log(1 + exp(z))``, without overflow.

    Parameters
    ----------
    z : ndarray
        Any shape.

    Returns
    -------
    ndarray
        Values of at least 0.
    """
    return np.maximum(z, 0.0) + np.log1p(np.exp(-np.abs(z)))


def below_top(z: Any) -> Any:
    """Return half of ``z - max(z)`` along the last axis: never above 0, never infinite.

    Halves, because the difference itself can leave the range of floating-point numbers.

    Parameters
    ----------
    z : ndarray, shape (..., classes)
        Logits.

    Returns
    -------
    ndarray, shape (..., classes)
    """
    h = 0.5 * z
    return h - h.max(axis=-1, keepdims=True)


def log_sum(h: Any) -> Any:
    """Return ``log(sum(exp(2 h)))`` along the last axis.

    Parameters
    ----------
    h : ndarray, shape (..., classes)
        From `below_top`.

    Returns
    -------
    ndarray, shape (..., 1)
    """
    return np.log(np.exp(2.0 * np.maximum(h, -400.0)).sum(axis=-1, keepdims=True))


def softmax(z: Any) -> Any:
    """Return ``exp(z_k) / sum_j exp(z_j)`` along the last axis.

    Parameters
    ----------
    z : ndarray, shape (..., classes)
        Logits.

    Returns
    -------
    ndarray, shape (..., classes)
        Probabilities that sum to 1.
    """
    e = np.exp(2.0 * np.maximum(below_top(z), -400.0))
    return e / e.sum(axis=-1, keepdims=True)


class Activation(Layer, abstract=True):
    """A function of the weighted sum; a layer of its own, too.

    A new one needs `value` and `slope`; `delta` only where an output depends on more
    than one input, as in softmax.
    """

    # The initializer that suits weights before this activation.
    initializer: ClassVar[str] = "glorot_uniform"
    # Whether outputs depend on several inputs; then only `delta` has the derivative.
    across: ClassVar[bool] = False
    # Where the slope jumps.
    kinks: ClassVar[tuple[float, ...]] = ()

    @classmethod
    def of(cls, given: Any) -> Self:
        """Return the activation that was meant; None is the identity.

        Parameters
        ----------
        given : Activation, str or None
            What the user wrote.

        Returns
        -------
        Activation
        """
        if given is None:
            given = "identity"
        known = Layer.registered()
        if isinstance(given, str) and given in known and given not in cls.registered():
            raise ConfigurationError(
                f"{given!r} is a layer with numbers of its own or settings, not an "
                f"activation: write it as a layer after this one, "
                f"[..., Dense(4), {known[given].__name__}(...), ...]."
            )
        return super().of(given)

    def value(self, z: Any) -> Any:
        """Return the output.

        Parameters
        ----------
        z : ndarray
            Pre-activation, any shape.

        Returns
        -------
        ndarray, shape of z
        """
        raise NotImplementedError

    def slope(self, z: Any, a: Any) -> Any:
        """Return the derivative ``da/dz``.

        Parameters
        ----------
        z, a : ndarray
            Pre-activation and output.

        Returns
        -------
        ndarray, shape of z
        """
        raise NotImplementedError

    def delta(self, da: Any, z: Any, a: Any) -> Any:
        """Return ``dL/dz``.

        Parameters
        ----------
        da : ndarray
            Gradient of the loss with respect to the output.
        z, a : ndarray
            Pre-activation and output.

        Returns
        -------
        ndarray, shape of z
        """
        return da * self.slope(z, a)

    def forward(self, x: Any, p: Any, memo: Any) -> Any:
        memo.z = x
        memo.a = self.value(x)
        return memo.a

    def backward(self, da: Any, p: Any, g: Any, memo: Any) -> Any:
        memo.dz = self.delta(da, memo.z, memo.a)
        return memo.dz


class Identity(Activation):
    """``a = z``: no activation."""

    def value(self, z: Any) -> Any:
        return z

    def slope(self, z: Any, a: Any) -> Any:
        return np.ones_like(z)

    def delta(self, da: Any, z: Any, a: Any) -> Any:
        return da


class Sigmoid(Activation):
    """``a = 1 / (1 + exp(-z))``: squeezes any number into (0, 1).

    Examples
    --------
    >>> import numpy as np
    >>> from pellucid.activations import Sigmoid
    >>> Sigmoid().value(np.array([-1000.0, 0.0, 7.0]))
    array([0.        , 0.5       , 0.99908895])
    """

    def value(self, z: Any) -> Any:
        return sigmoid(z)

    def slope(self, z: Any, a: Any) -> Any:
        return a * (1.0 - a)


class HardSigmoid(Activation):
    """``a = min(max(z / 6 + 1/2, 0), 1)``: a sigmoid of three straight lines."""

    kinks: ClassVar[tuple[float, ...]] = (-3.0, 3.0)

    def value(self, z: Any) -> Any:
        return np.clip(z / 6.0 + 0.5, 0.0, 1.0)

    def slope(self, z: Any, a: Any) -> Any:
        return ((z > -3.0) & (z < 3.0)).astype(z.dtype) / 6.0


class Tanh(Activation):
    """``a = tanh(z)``: squeezes any number into (-1, 1)."""

    def value(self, z: Any) -> Any:
        return np.tanh(z)

    def slope(self, z: Any, a: Any) -> Any:
        return 1.0 - a * a


class HardTanh(Activation):
    """``a = min(max(z, -1), 1)``: a tanh of three straight lines."""

    kinks: ClassVar[tuple[float, ...]] = (-1.0, 1.0)

    def value(self, z: Any) -> Any:
        return np.clip(z, -1.0, 1.0)

    def slope(self, z: Any, a: Any) -> Any:
        return ((z > -1.0) & (z < 1.0)).astype(z.dtype)


class ReLU(Activation, label="relu"):
    """``a = max(z, 0)``: passes what is positive."""

    initializer: ClassVar[str] = "he_normal"
    kinks: ClassVar[tuple[float, ...]] = (0.0,)

    def value(self, z: Any) -> Any:
        return np.maximum(z, 0.0)

    def slope(self, z: Any, a: Any) -> Any:
        return (z > 0).astype(z.dtype)


class LeakyReLU(Activation, label="leaky_relu"):
    """``a = z`` where positive, ``leak * z`` elsewhere: a ReLU that cannot die.

    Parameters
    ----------
    leak : float
        Slope for negative numbers.
    """

    leak: float = 0.01
    initializer: ClassVar[str] = "he_normal"
    kinks: ClassVar[tuple[float, ...]] = (0.0,)

    def value(self, z: Any) -> Any:
        return np.where(z > 0, z, self.leak * z)

    def slope(self, z: Any, a: Any) -> Any:
        positive = (z > 0).astype(z.dtype)
        return self.leak + (1.0 - self.leak) * positive


class ELU(Activation, label="elu"):
    """``a = z`` where positive, ``alpha (exp(z) - 1)`` elsewhere.

    Source: Clevert, Unterthiner and Hochreiter, ICLR 2016.

    Parameters
    ----------
    alpha : float
        Where the negative side levels off.
    """

    alpha: float = 1.0
    initializer: ClassVar[str] = "he_normal"
    kinks: ClassVar[tuple[float, ...]] = (0.0,)

    def value(self, z: Any) -> Any:
        return np.where(z > 0, z, self.alpha * np.expm1(np.minimum(z, 0.0)))

    def slope(self, z: Any, a: Any) -> Any:
        return np.where(z > 0, 1.0, self.alpha * np.exp(np.minimum(z, 0.0)))


class SELU(Activation, label="selu"):
    """``a = s z`` where positive, ``s alpha (exp(z) - 1)`` elsewhere.

    With the two constants chosen so that means near 0 and variances near 1 stay so.
    Source: Klambauer et al., NeurIPS 2017.
    """

    initializer: ClassVar[str] = "lecun_normal"
    kinks: ClassVar[tuple[float, ...]] = (0.0,)
    alpha: ClassVar[float] = 1.6732632423543772
    scale: ClassVar[float] = 1.0507009873554805

    def value(self, z: Any) -> Any:
        below = self.alpha * np.expm1(np.minimum(z, 0.0))
        # Above 95 % of the range the value leaves it: infinite, as it is, in silence.
        with np.errstate(over="ignore"):
            return self.scale * np.where(z > 0, z, below)

    def slope(self, z: Any, a: Any) -> Any:
        below = self.alpha * np.exp(np.minimum(z, 0.0))
        return self.scale * np.where(z > 0, 1.0, below)


class GELU(Activation, label="gelu"):
    """``a = z Phi(z)``, with Phi the distribution function of the normal distribution.

    Source: Hendrycks and Gimpel, arXiv:1606.08415.

    Parameters
    ----------
    tanh : bool
        Take Phi(z) as ``(1 + tanh(sqrt(2/pi) (z + 0.044715 z^3))) / 2``, the
        approximation that many published networks use.
    """

    tanh: bool = False
    initializer: ClassVar[str] = "he_normal"

    def value(self, z: Any) -> Any:
        return z * self._phi(z)

    def _phi(self, z: Any) -> Any:
        c = np.clip(z, -40.0, 40.0)
        if self.tanh:
            inside = math.sqrt(2.0 / math.pi) * (c + 0.044715 * c * c * c)
            return 0.5 + 0.5 * np.tanh(inside)
        return 0.5 + 0.5 * erf(c * math.sqrt(0.5))

    def slope(self, z: Any, a: Any) -> Any:
        c = np.clip(z, -40.0, 40.0)
        if self.tanh:
            t = 2.0 * self._phi(z) - 1.0
            rise = math.sqrt(2.0 / math.pi) * (1.0 + 3.0 * 0.044715 * c * c)
            return 0.5 + 0.5 * t + 0.5 * c * (1.0 - t * t) * rise
        return self._phi(z) + c * np.exp(-0.5 * c * c) / math.sqrt(2.0 * math.pi)


class SiLU(Activation, label="silu"):
    """``a = z sigmoid(z)``, also called swish.

    Source: Elfwing, Uchibe and Doya, Neural Networks 107, 2018.
    """

    initializer: ClassVar[str] = "he_normal"

    def value(self, z: Any) -> Any:
        return z * sigmoid(z)

    def slope(self, z: Any, a: Any) -> Any:
        s = sigmoid(z)
        return s + a * (1.0 - s)


class Mish(Activation):
    """``a = z tanh(log(1 + exp(z)))``.

    Source: Misra, BMVC 2020.
    """

    initializer: ClassVar[str] = "he_normal"

    def value(self, z: Any) -> Any:
        return z * np.tanh(softplus(z))

    def slope(self, z: Any, a: Any) -> Any:
        t = np.tanh(softplus(z))
        return t + z * sigmoid(z) * (1.0 - t * t)


class Softplus(Activation):
    """``a = log(1 + exp(z))``: a smooth ReLU, always positive."""

    initializer: ClassVar[str] = "he_normal"

    def value(self, z: Any) -> Any:
        return softplus(z)

    def slope(self, z: Any, a: Any) -> Any:
        return sigmoid(z)


class Softsign(Activation):
    """``a = z / (1 + |z|)``: a tanh with longer tails."""

    def value(self, z: Any) -> Any:
        return z / (1.0 + np.abs(z))

    def slope(self, z: Any, a: Any) -> Any:
        r = 1.0 / (1.0 + np.abs(z))
        return r * r


class Exp(Activation):
    """``a = exp(z)``: always positive, for counts and rates.

    Infinite above 88.7 in float32 and above 709.7 in float64.
    """

    def value(self, z: Any) -> Any:
        # What leaves the range is infinite, as it is, in silence.
        with np.errstate(over="ignore"):
            return np.exp(z)

    def slope(self, z: Any, a: Any) -> Any:
        return a

    def delta(self, da: Any, z: Any, a: Any) -> Any:
        with np.errstate(over="ignore"):
            return da * a


class Softmax(Activation):
    """``a_k = exp(z_k) / sum_j exp(z_j)``: one probability per class; they sum to 1.

    Backwards ``dL/dz = a (dL/da - sum_j dL/da_j a_j)``.
    """

    across: ClassVar[bool] = True

    def value(self, z: Any) -> Any:
        return softmax(z)

    def slope(self, z: Any, a: Any) -> Any:
        raise ConfigurationError(
            "Each output of softmax depends on all inputs: it has delta(), no slope()."
        )

    def delta(self, da: Any, z: Any, a: Any) -> Any:
        return a * (da - (da * a).sum(axis=-1, keepdims=True))


class LogSoftmax(Activation):
    """``a_k = z_k - log(sum_j exp(z_j))``: the logarithms of softmax.

    Backwards ``dL/dz = dL/da - exp(a) sum_j dL/da_j``.
    """

    across: ClassVar[bool] = True

    def value(self, z: Any) -> Any:
        h = below_top(z)
        # The difference of the largest numbers leaves the range: infinite, in silence.
        with np.errstate(over="ignore"):
            return 2.0 * h - log_sum(h)

    def slope(self, z: Any, a: Any) -> Any:
        raise ConfigurationError(
            "Each output of log_softmax depends on all inputs: it has delta(), no "
            "slope()."
        )

    def delta(self, da: Any, z: Any, a: Any) -> Any:
        return da - softmax(z) * da.sum(axis=-1, keepdims=True)


def _activation() -> type[Activation]:
    return Activation


class Joint(Activation, abstract=True):
    """An activation whose slope is part of the loss behind it.

    Cross-entropy after softmax has the simple gradient ``p - y`` with respect to the
    logits. The network therefore gives the loss the logits, and the gradient that comes
    back is already ``dL/dz``: it passes through.

    Parameters
    ----------
    of_activation : Activation
        The one whose value is the network's output.
    """

    of_activation: Any = part(_activation)

    def value(self, z: Any) -> Any:
        return self.of_activation.value(z)

    def slope(self, z: Any, a: Any) -> Any:
        return np.ones_like(z)

    def delta(self, da: Any, z: Any, a: Any) -> Any:
        return da
