r"""Optimizers: how gradients change weights, as formulas on flat vectors.

``w <- w - rate * direction(g)``

All parameters of a network are one vector, so an optimizer is a formula without loops
over layers. `Optimizer.update` does what all have in common, in this order: frozen
weights out, clipping by value, clipping by global norm, penalties, the formula itself
(`step`), decay, and frozen weights back as they were.
"""

import math
from dataclasses import KW_ONLY
from typing import Any, ClassVar

import numpy as np

from pellucid.errors import ConfigurationError
from pellucid.part import Part
from pellucid.schedules import Schedule


class Optimizer(Part, abstract=True):
    """A rule that turns gradients into new weights. A new one needs `step`.

    Parameters
    ----------
    learning_rate : float or Schedule
        Size of the steps, above 0.
    l1, l2 : float
        Penalties on weights (not on biases): ``l1 sum |w|`` and ``l2 / 2 sum w^2`` are
        added to the loss through their gradients.
    decay : float
        Decoupled decay: every iteration takes ``rate * decay * w`` away from weights.
    clip_value : float, optional
        No component of the gradient may be larger than this.
    clip_norm : float, optional
        The gradient as a whole may not be longer than this.

    Attributes
    ----------
    memories : tuple of str
        Names of the vectors kept from one iteration to the next; zero at first.
    """

    learning_rate: Any = 1e-3
    _: KW_ONLY
    l1: float = 0.0
    l2: float = 0.0
    decay: float = 0.0
    clip_value: float | None = None
    clip_norm: float | None = None

    memories: ClassVar[tuple[str, ...]] = ()

    def check(self) -> None:
        rate = self.learning_rate
        if not isinstance(rate, Schedule):
            number = isinstance(rate, int | float) and not isinstance(rate, bool)
            if not number or not 0 < rate < math.inf:
                raise ConfigurationError(
                    "Expected a learning rate > 0 or a schedule such as Cosine(0.001), "
                    f"got {rate!r}."
                )
        for name in ("l1", "l2", "decay"):
            if not getattr(self, name) >= 0:
                raise ConfigurationError(
                    f"Expected {name} >= 0, got {getattr(self, name)!r}."
                )
        for name in ("clip_value", "clip_norm"):
            limit = getattr(self, name)
            if limit is not None and not limit > 0:
                raise ConfigurationError(f"Expected {name} > 0 or None, got {limit!r}.")

    def rate(self, step: int, total: int) -> float:
        """Return the learning rate of an iteration.

        Parameters
        ----------
        step, total : int
            The iteration, from 0, and how many there will be.

        Returns
        -------
        float
        """
        if isinstance(self.learning_rate, Schedule):
            return float(self.learning_rate.rate(step, total))
        return float(self.learning_rate)

    def rates(self, step: int, count: int, total: int) -> list[float]:
        """Return the learning rates of some iterations.

        Parameters
        ----------
        step, count, total : int
            The first iteration, how many, and how many there will be in all.

        Returns
        -------
        list of float
        """
        if not isinstance(self.learning_rate, Schedule):
            return [self.rate(step, total)] * count
        return [self.rate(step + i, total) for i in range(count)]

    def step(self, w: Any, g: Any, memory: Any, t: Any, rate: Any) -> Any:
        """Return the new weights.

        Parameters
        ----------
        w, g : ndarray, shape (parameters,)
            Weights and their gradient.
        memory : object
            The memories by name; writing ``memory.m = ...`` keeps a new one.
        t : int
            Number of the iteration, from 1.
        rate : float
            The learning rate now.

        Returns
        -------
        ndarray, shape (parameters,)
        """
        raise NotImplementedError

    def update(
        self,
        w: Any,
        g: Any,
        memory: Any,
        t: Any,
        rate: Any,
        decayed: Any,
        trained: Any = None,
    ) -> Any:
        """Return the new weights, after everything that all optimizers have in common.

        Parameters
        ----------
        w, g, memory, t, rate
            As in `step`.
        decayed : ndarray of bool, shape (parameters,)
            Where penalties and decay apply: at weights, not at biases.
        trained : ndarray of bool, shape (parameters,), optional
            Where weights may change; everywhere by default.

        Returns
        -------
        ndarray, shape (parameters,)
        """
        if trained is not None:
            g = np.where(trained, g, 0.0)
        if self.clip_value is not None:
            g = np.clip(g, -self.clip_value, self.clip_value)
        if self.clip_norm is not None:
            g = self._clipped(g, self.clip_norm)
        if self.l2:
            g = g + self.l2 * np.where(decayed, w, 0.0)
        if self.l1:
            g = g + self.l1 * np.sign(np.where(decayed, w, 0.0))
        new = self.step(w, g, memory, t, rate)
        if self.decay:
            new = new - rate * self.decay * np.where(decayed, w, 0.0)
        return new if trained is None else np.where(trained, new, w)

    @staticmethod
    def _clipped(g: Any, limit: float) -> Any:
        """Return the gradient, shortened to the limit where it is longer.

        It is divided by its largest entry first, whose square may be out of range.
        """
        top = np.maximum(np.abs(g).max(), limit)
        h = g / top
        length = np.sqrt((h * h).sum())  # of the gradient, over top
        least = limit / top  # also keeps the division from zero where g is
        return np.where(length > least, h * (limit / np.maximum(length, least)), g)

    def penalty(self, w: Any, decayed: Any) -> float:
        """Return what the penalties add to the loss.

        Parameters
        ----------
        w : ndarray, shape (parameters,)
            Weights.
        decayed : ndarray of bool, shape (parameters,)
            Where penalties apply.

        Returns
        -------
        float
        """
        counted = w[decayed].astype(np.float64)
        return float(
            self.l1 * np.abs(counted).sum() + 0.5 * self.l2 * (counted * counted).sum()
        )


class GradientDescent(Optimizer):
    """``w <- w - rate g``: follow the slope downhill.

    Parameters
    ----------
    learning_rate : float or Schedule
        Size of the steps.
    l1, l2, decay, clip_value, clip_norm
        As in `Optimizer`.
    """

    learning_rate: Any = 0.01

    def step(self, w: Any, g: Any, memory: Any, t: Any, rate: Any) -> Any:
        return w - rate * g


def _share(**settings: float) -> None:
    for name, value in settings.items():
        if not 0 <= value < 1:
            raise ConfigurationError(f"Expected {name} in [0, 1), got {value!r}.")


class Momentum(Optimizer):
    """``v <- momentum v + g;  w <- w - rate v``: a ball that keeps rolling.

    Source: Polyak, 1964, in the form that PyTorch uses.

    Parameters
    ----------
    learning_rate : float or Schedule
        Size of the steps.
    momentum : float
        How much of the velocity stays, in [0, 1).
    l1, l2, decay, clip_value, clip_norm
        As in `Optimizer`.
    """

    learning_rate: Any = 0.01
    momentum: float = 0.9
    memories: ClassVar[tuple[str, ...]] = ("v",)

    def check(self) -> None:
        super().check()
        _share(momentum=self.momentum)

    def step(self, w: Any, g: Any, memory: Any, t: Any, rate: Any) -> Any:
        memory.v = self.momentum * memory.v + g
        return w - rate * memory.v


class Nesterov(Optimizer):
    """``v <- momentum v + g;  w <- w - rate (g + momentum v)``: looks a step ahead.

    Source: Nesterov, 1983; the form of Sutskever et al., ICML 2013, as PyTorch has it.

    Parameters
    ----------
    learning_rate : float or Schedule
        Size of the steps.
    momentum : float
        How much of the velocity stays, in [0, 1).
    l1, l2, decay, clip_value, clip_norm
        As in `Optimizer`.
    """

    learning_rate: Any = 0.01
    momentum: float = 0.9
    memories: ClassVar[tuple[str, ...]] = ("v",)

    def check(self) -> None:
        super().check()
        _share(momentum=self.momentum)

    def step(self, w: Any, g: Any, memory: Any, t: Any, rate: Any) -> Any:
        memory.v = self.momentum * memory.v + g
        return w - rate * (g + self.momentum * memory.v)


class RMSProp(Optimizer, label="rmsprop"):
    """``v <- rho v + (1 - rho) g^2;  w <- w - rate g / (sqrt(v) + epsilon)``.

    Divides each gradient by its usual size. Source: Tieleman and Hinton, 2012; epsilon
    outside the root, as in PyTorch.

    Parameters
    ----------
    learning_rate : float or Schedule
        Size of the steps.
    rho : float
        How much of the average stays, in [0, 1).
    epsilon : float
        Keeps the division from zero, above 0.
    l1, l2, decay, clip_value, clip_norm
        As in `Optimizer`.
    """

    learning_rate: Any = 1e-3
    rho: float = 0.99
    epsilon: float = 1e-8
    memories: ClassVar[tuple[str, ...]] = ("v",)

    def check(self) -> None:
        super().check()
        _share(rho=self.rho)
        if not self.epsilon > 0:
            raise ConfigurationError(f"Expected epsilon > 0, got {self.epsilon!r}.")

    def step(self, w: Any, g: Any, memory: Any, t: Any, rate: Any) -> Any:
        memory.v = self.rho * memory.v + (1.0 - self.rho) * g * g
        return w - rate * g / (np.sqrt(memory.v) + self.epsilon)


class Adam(Optimizer):
    """``m <- b1 m + (1 - b1) g;  v <- b2 v + (1 - b2) g^2``, then
    ``w <- w - rate m^ / (sqrt(v^) + epsilon)`` with ``m^ = m / (1 - b1^t)`` and ``v^``
    likewise: momentum, each weight with its own step size.

    Source: Kingma and Ba, ICLR 2015.

    Parameters
    ----------
    learning_rate : float or Schedule
        Size of the steps.
    beta1, beta2 : float
        How much of the two averages stays, in [0, 1).
    epsilon : float
        Keeps the division from zero, above 0.
    l1, l2, decay, clip_value, clip_norm
        As in `Optimizer`.
    """

    learning_rate: Any = 1e-3
    beta1: float = 0.9
    beta2: float = 0.999
    epsilon: float = 1e-8
    memories: ClassVar[tuple[str, ...]] = ("m", "v")

    def check(self) -> None:
        super().check()
        _share(beta1=self.beta1, beta2=self.beta2)
        if not self.epsilon > 0:
            raise ConfigurationError(f"Expected epsilon > 0, got {self.epsilon!r}.")

    def step(self, w: Any, g: Any, memory: Any, t: Any, rate: Any) -> Any:
        memory.m = self.beta1 * memory.m + (1.0 - self.beta1) * g
        memory.v = self.beta2 * memory.v + (1.0 - self.beta2) * g * g
        m = memory.m / (1.0 - self.beta1**t)
        v = memory.v / (1.0 - self.beta2**t)
        return w - rate * m / (np.sqrt(v) + self.epsilon)


class AdamW(Adam, label="adamw"):
    """Adam, and ``w <- w - rate decay w`` besides: decay that Adam does not rescale.

    Source: Loshchilov and Hutter, ICLR 2019.

    Parameters
    ----------
    learning_rate : float or Schedule
        Size of the steps.
    beta1, beta2, epsilon : float
        As in `Adam`.
    decay : float
        Decoupled decay of the weights.
    l1, l2, clip_value, clip_norm
        As in `Optimizer`.
    """

    _: KW_ONLY
    decay: float = 0.01
