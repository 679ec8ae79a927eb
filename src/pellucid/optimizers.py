r"""Optimizers: how gradients change weights, as formulas on flat vectors.

``w <- w - rate * direction(g)``

All parameters of a network are one vector, so an optimizer is a formula without loops
over layers. `Optimizer.update` does what all have in common, in this order: frozen
weights out, clipping by value, clipping by global norm, penalties, the formula itself
(`step`), decay, frozen weights back as they were, and averaging.
"""

import math
from dataclasses import KW_ONLY, replace
from typing import Any, ClassVar, Self

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
    average : float, optional
        How much of an average of the weights stays at each iteration, in (0, 1]: 0.99
        averages about the last hundred iterations, 1 all of them alike (``a <- a + (w -
        a) (1 - average) / (1 - average^t)``). The network then has the averaged
        weights whenever somebody looks: at the end of training, for validation and
        metrics, in callbacks and in what they save. Training itself goes on from
        weights of its own, also with ``resume`` and `partial_fit`; what a callback
        writes into the network's weights changes the average alone. Running
        statistics are not averaged.

    Attributes
    ----------
    memories : tuple of str
        Names of the vectors kept from one iteration to the next; zero at first. With
        `average` there is one more, of that name.
    """

    learning_rate: Any = 1e-3
    _: KW_ONLY
    l1: float = 0.0
    l2: float = 0.0
    decay: float = 0.0
    clip_value: float | None = None
    clip_norm: float | None = None
    average: float | None = None

    memories: ClassVar[tuple[str, ...]] = ()

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.average is not None:
            object.__setattr__(self, "memories", (*self.memories, "average"))

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
        if self.average is not None and not 0 < self.average <= 1:
            raise ConfigurationError(
                f"Expected average in (0, 1] or None, got {self.average!r}."
            )

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

    @property
    def adapts(self) -> bool:
        """Whether the losses of epochs change the learning rate."""
        rate = self.learning_rate
        return isinstance(rate, Schedule) and rate.adapts

    def after(self, loss: float) -> Self:
        """Return the optimizer that goes on after an epoch, see `Schedule.after`.

        Parameters
        ----------
        loss : float
            Of validation or, without such data, of training.

        Returns
        -------
        Optimizer
        """
        if not self.adapts:
            return self
        return replace(self, learning_rate=self.learning_rate.after(loss))

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
        if trained is not None:
            new = np.where(trained, new, w)
        if self.average is not None:
            newest = _newest_share(self.average, t)
            memory.average = memory.average + newest * (new - memory.average)
        return new

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

    @property
    def penalizes(self) -> bool:
        """Whether penalties are part of what is made small."""
        return self.l1 > 0 or self.l2 > 0

    @property
    def decays(self) -> bool:
        """Whether weights are treated unlike biases; an `update` of its own may."""
        own = type(self).update is not Optimizer.update
        return self.penalizes or self.decay > 0 or own

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


def _newest_share(stays: float, t: Any) -> Any:
    """Return how much the newest of t values counts in their average."""
    return 1.0 / t if stays == 1 else (1.0 - stays) / (1.0 - stays**t)


class GradientDescent(Optimizer):
    """``w <- w - rate g``: follow the slope downhill.

    Parameters
    ----------
    learning_rate : float or Schedule
        Size of the steps.
    l1, l2, decay, clip_value, clip_norm, average
        As in `Optimizer`.
    """

    learning_rate: Any = 0.01

    def step(self, w: Any, g: Any, memory: Any, t: Any, rate: Any) -> Any:
        return w - rate * g


def _shares(**settings: float) -> None:
    for name, value in settings.items():
        if not 0 <= value < 1:
            raise ConfigurationError(f"Expected {name} in [0, 1), got {value!r}.")


def _positive(**settings: float) -> None:
    for name, value in settings.items():
        if not value > 0:
            raise ConfigurationError(f"Expected {name} > 0, got {value!r}.")


class Momentum(Optimizer):
    """``v <- momentum v + g;  w <- w - rate v``: a ball that keeps rolling.

    Source: Polyak, 1964, in the form that PyTorch uses.

    Parameters
    ----------
    learning_rate : float or Schedule
        Size of the steps.
    momentum : float
        How much of the velocity stays, in [0, 1).
    l1, l2, decay, clip_value, clip_norm, average
        As in `Optimizer`.
    """

    learning_rate: Any = 0.01
    momentum: float = 0.9
    memories: ClassVar[tuple[str, ...]] = ("v",)

    def check(self) -> None:
        super().check()
        _shares(momentum=self.momentum)

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
    l1, l2, decay, clip_value, clip_norm, average
        As in `Optimizer`.
    """

    learning_rate: Any = 0.01
    momentum: float = 0.9
    memories: ClassVar[tuple[str, ...]] = ("v",)

    def check(self) -> None:
        super().check()
        _shares(momentum=self.momentum)

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
    l1, l2, decay, clip_value, clip_norm, average
        As in `Optimizer`.
    """

    learning_rate: Any = 1e-3
    rho: float = 0.99
    epsilon: float = 1e-8
    memories: ClassVar[tuple[str, ...]] = ("v",)

    def check(self) -> None:
        super().check()
        _shares(rho=self.rho)
        _positive(epsilon=self.epsilon)

    def step(self, w: Any, g: Any, memory: Any, t: Any, rate: Any) -> Any:
        memory.v = self.rho * memory.v + (1.0 - self.rho) * g * g
        return w - rate * g / (np.sqrt(memory.v) + self.epsilon)


class AdaGrad(Optimizer, label="adagrad"):
    """``v <- v + g^2;  w <- w - rate g / (sqrt(v) + epsilon)``.

    Steps shrink as gradients add up, each weight's for itself: a weight that seldom has
    one keeps large steps. Source: Duchi, Hazan and Singer, JMLR 12, 2011; as in
    PyTorch, v starts at 0 and epsilon stands outside the root.

    Parameters
    ----------
    learning_rate : float or Schedule
        Size of the steps.
    epsilon : float
        Keeps the division from zero, above 0.
    l1, l2, decay, clip_value, clip_norm, average
        As in `Optimizer`.
    """

    learning_rate: Any = 0.01
    epsilon: float = 1e-10
    memories: ClassVar[tuple[str, ...]] = ("v",)

    def check(self) -> None:
        super().check()
        _positive(epsilon=self.epsilon)

    def step(self, w: Any, g: Any, memory: Any, t: Any, rate: Any) -> Any:
        memory.v = memory.v + g * g
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
    l1, l2, decay, clip_value, clip_norm, average
        As in `Optimizer`.
    """

    learning_rate: Any = 1e-3
    beta1: float = 0.9
    beta2: float = 0.999
    epsilon: float = 1e-8
    memories: ClassVar[tuple[str, ...]] = ("m", "v")

    def check(self) -> None:
        super().check()
        _shares(beta1=self.beta1, beta2=self.beta2)
        _positive(epsilon=self.epsilon)

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
    l1, l2, clip_value, clip_norm, average
        As in `Optimizer`.
    """

    _: KW_ONLY
    decay: float = 0.01


class AMSGrad(Adam):
    """Adam, with the largest v so far in place of v: steps that never grow again.

    Source: Reddi, Kale and Kumar, ICLR 2018; as in PyTorch both averages are corrected
    for their start, the largest v by ``1 - b2^t`` of now.

    Parameters
    ----------
    learning_rate : float or Schedule
        Size of the steps.
    beta1, beta2, epsilon : float
        As in `Adam`.
    l1, l2, decay, clip_value, clip_norm, average
        As in `Optimizer`.
    """

    memories: ClassVar[tuple[str, ...]] = ("m", "v", "top")

    def step(self, w: Any, g: Any, memory: Any, t: Any, rate: Any) -> Any:
        memory.m = self.beta1 * memory.m + (1.0 - self.beta1) * g
        memory.v = self.beta2 * memory.v + (1.0 - self.beta2) * g * g
        memory.top = np.maximum(memory.top, memory.v)
        m = memory.m / (1.0 - self.beta1**t)
        v = memory.top / (1.0 - self.beta2**t)
        return w - rate * m / (np.sqrt(v) + self.epsilon)


class NAdam(Adam):
    """Adam that looks a step ahead, as Nesterov's momentum does.

    ``m^ = u' m / (1 - P u') + (1 - u) g / (1 - P)`` takes the place of Adam's m^, with
    ``u = b1 (1 - 0.96^(t warming) / 2)``, u' the same for ``t + 1``, and P the product
    of all u up to now. Source: Dozat, ICLR workshop 2016, as in PyTorch.

    Parameters
    ----------
    learning_rate : float or Schedule
        Size of the steps.
    beta1, beta2, epsilon : float
        As in `Adam`.
    warming : float
        How fast u grows from half of `beta1` to it, at least 0; PyTorch's momentum
        decay.
    l1, l2, decay, clip_value, clip_norm, average
        As in `Optimizer`.
    """

    learning_rate: Any = 2e-3
    warming: float = 4e-3
    # `rest` is 1 - P, which starts at 0. Every weight has its own copy, so that parts
    # of the vector can be updated apart from each other.
    memories: ClassVar[tuple[str, ...]] = ("m", "v", "rest")

    def check(self) -> None:
        super().check()
        if not self.warming >= 0:
            raise ConfigurationError(f"Expected warming >= 0, got {self.warming!r}.")

    def step(self, w: Any, g: Any, memory: Any, t: Any, rate: Any) -> Any:
        memory.m = self.beta1 * memory.m + (1.0 - self.beta1) * g
        memory.v = self.beta2 * memory.v + (1.0 - self.beta2) * g * g
        now, ahead = self._momentum(t), self._momentum(t + 1)
        memory.rest = now * memory.rest + (1.0 - now)
        m = ahead * memory.m / (ahead * memory.rest + (1.0 - ahead))
        m = m + (1.0 - now) * g / memory.rest
        v = memory.v / (1.0 - self.beta2**t)
        return w - rate * m / (np.sqrt(v) + self.epsilon)

    def _momentum(self, t: Any) -> Any:
        return self.beta1 * (1.0 - 0.5 * 0.96 ** (t * self.warming))


class Lion(Optimizer):
    """``w <- w - rate sign(b1 m + (1 - b1) g);  m <- b2 m + (1 - b2) g``.

    Every weight moves by the same amount, in the direction of its momentum: rates are 3
    to 10 times smaller than Adam's, and `decay` as much larger. Source: Chen et al.,
    NeurIPS 2023; a weight whose momentum is 0 stays where it is.

    Parameters
    ----------
    learning_rate : float or Schedule
        Size of the steps.
    beta1, beta2 : float
        How much of the momentum counts in the step, and how much of it stays, in
        [0, 1).
    l1, l2, decay, clip_value, clip_norm, average
        As in `Optimizer`.
    """

    learning_rate: Any = 1e-4
    beta1: float = 0.9
    beta2: float = 0.99
    memories: ClassVar[tuple[str, ...]] = ("m",)

    def check(self) -> None:
        super().check()
        _shares(beta1=self.beta1, beta2=self.beta2)

    def step(self, w: Any, g: Any, memory: Any, t: Any, rate: Any) -> Any:
        direction = np.sign(self.beta1 * memory.m + (1.0 - self.beta1) * g)
        memory.m = self.beta2 * memory.m + (1.0 - self.beta2) * g
        return w - rate * direction
