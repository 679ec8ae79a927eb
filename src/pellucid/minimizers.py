r"""Minimizers: rules that try several lengths of a step before they make it.

``w <- w + a d``, with a direction d and a length a for which the loss is low enough

An optimizer takes the gradient of a batch as it comes. A minimizer looks at all rows at
once, so that the loss is one fixed function of the weights, and asks for its value and
slope as often as it needs. That is worth its price where there are few rows and the
lowest loss is wanted. All sums are made in float64.
"""

import math
from collections.abc import Callable
from dataclasses import KW_ONLY
from typing import Any, ClassVar, NamedTuple

import numpy as np
from numpy.typing import NDArray

from pellucid.errors import ConfigurationError
from pellucid.optimizers import Optimizer
from pellucid.part import Part

Vector = NDArray[np.float64]


class Point(NamedTuple):
    """A place, and the function there.

    Parameters
    ----------
    w : ndarray of float64, shape (parameters,)
        The place.
    value : float
        The function: the loss and the penalty.
    g : ndarray of float64, shape (parameters,)
        Its gradient.
    note : object
        Whatever else was learned there.
    """

    w: Vector
    value: float
    g: Vector
    note: Any = None


class Minimizer(Part, abstract=True):
    """A rule that makes one function of the weights small. A new one needs `step`.

    Parameters
    ----------
    l2 : float
        Penalty on weights (not on biases): ``l2 / 2 sum w^2`` is part of the function.
    """

    _: KW_ONLY
    l2: float = 0.0

    def check(self) -> None:
        if not self.l2 >= 0:
            raise ConfigurationError(f"Expected l2 >= 0, got {self.l2!r}.")

    @property
    def memories(self) -> tuple[str, ...]:
        """Names of the vectors kept from one iteration to the next; zero at first."""
        return ()

    @property
    def penalizes(self) -> bool:
        """Whether a penalty is part of the function."""
        return self.l2 > 0

    @property
    def decays(self) -> bool:
        """Whether something pulls at weights and not at biases."""
        return self.penalizes

    def penalty(self, w: NDArray[Any], decayed: NDArray[np.bool_]) -> float:
        """Return what the penalty adds to the loss.

        Parameters
        ----------
        w : ndarray, shape (parameters,)
            Weights.
        decayed : ndarray of bool, shape (parameters,)
            Where it applies.

        Returns
        -------
        float
        """
        counted = w[decayed].astype(np.float64)
        return 0.5 * self.l2 * float((counted * counted).sum())

    def step(
        self,
        here: Point,
        function: Callable[[Vector], Point],
        memory: dict[str, NDArray[Any]],
        t: int,
    ) -> tuple[Point, float] | str:
        """Return a lower point.

        Parameters
        ----------
        here : Point
            Where the step starts.
        function : callable
            Returns the point at a place, which may be rounded to the network's dtype.
        memory : dict of str to ndarray, shape (parameters,)
            The memories; they are changed in place.
        t : int
            Number of the iteration, from 1.

        Returns
        -------
        (Point, float) or str
            The point and the length a of the step; or why there is no lower point.
        """
        raise NotImplementedError


class MinimizerStep(Optimizer, abstract=True):
    """``w <- w + s``: the step that a minimizer chose after looking at several places.

    Recordings show a minimizer's iterations so: s is what came of a search, and no
    formula of this iteration's gradient alone.

    Parameters
    ----------
    minimizer : Minimizer
        Which chose it.
    """

    minimizer: Any = None

    memories: ClassVar[tuple[str, ...]] = ("s",)

    def step(self, w: Any, g: Any, memory: Any, t: Any, rate: Any) -> Any:
        return w + memory.s

    def __repr__(self) -> str:
        return repr(self.minimizer)


class LBFGS(Minimizer, label="lbfgs"):
    """``w <- w - a H g``, with H an estimate of the inverse of the curvature.

    H follows from the last few steps s and what they did to the gradient, y: it makes a
    valley that is narrow in one direction and long in another round. The length a is
    found by a line search for the strong Wolfe conditions. Ends by itself at a minimum.
    For small data; it needs all rows at once and no random layers. Source: Liu and
    Nocedal, 1989; Nocedal and Wright, "Numerical Optimization", 2006, algorithms 7.4,
    3.5 and 3.6.

    Parameters
    ----------
    pairs : int
        How many steps are remembered, at least 1; each takes two vectors.
    tolerance : float
        The minimum is reached where no entry of the gradient is larger, at least 0.
    l2 : float
        As in `Minimizer`.

    Examples
    --------
    >>> import pellucid
    >>> wave = pellucid.data.sine(n=60)
    >>> net = pellucid.NeuralNetwork(
    ...     [pellucid.Dense(8, "tanh"), pellucid.Dense(1)], loss="mean_squared_error"
    ... )
    >>> history = net.fit(wave.x, wave.y, optimizer="lbfgs", iterations=50)
    >>> history.loss[-1] < 0.02
    True
    """

    pairs: int = 10
    tolerance: float = 1e-5

    def check(self) -> None:
        super().check()
        if self.pairs < 1:
            raise ConfigurationError(f"Expected pairs >= 1, got {self.pairs!r}.")
        if not self.tolerance >= 0:
            raise ConfigurationError(
                f"Expected tolerance >= 0, got {self.tolerance!r}."
            )

    @property
    def memories(self) -> tuple[str, ...]:
        return tuple(f"{kind}{place}" for place in range(self.pairs) for kind in "sy")

    def step(
        self,
        here: Point,
        function: Callable[[Vector], Point],
        memory: dict[str, NDArray[Any]],
        t: int,
    ) -> tuple[Point, float] | str:
        if np.abs(here.g).max(initial=0.0) <= self.tolerance:
            return f"converged: no entry of the gradient is above {self.tolerance:g}"
        pairs = self._pairs(memory, t)
        while True:
            d = direction(here.g, pairs)
            slope = float(here.g @ d)
            # Nothing is known of the scale yet, so the first step is a short one.
            first = 1.0 if pairs else min(1.0, 1.0 / float(np.abs(here.g).sum()))
            found = line_search(here, function, d, slope, first) if slope < 0 else None
            if found is not None:
                break
            if not pairs:
                return (
                    f"converged, as far as {memory['s0'].dtype} can tell: the line "
                    "search found no lower point"
                )
            pairs = []  # what was remembered misleads: straight downhill instead
            for vector in memory.values():
                vector[...] = 0.0
        point, length = found
        self._remember(memory, t, point.w - here.w, point.g - here.g)
        return point, length

    def _pairs(
        self, memory: dict[str, NDArray[Any]], t: int
    ) -> list[tuple[Vector, Vector]]:
        """Return the remembered steps and changes of gradient, the oldest first.

        Iteration t writes to place t modulo `pairs`. A place without a step is empty,
        or was left out because the curvature there was none.
        """
        pairs = []
        for before in range(t - self.pairs, t):
            place = before % self.pairs
            s, y = (memory[f"{kind}{place}"].astype(np.float64) for kind in "sy")
            if s.any():
                pairs.append((s, y))
        return pairs

    def _remember(
        self, memory: dict[str, NDArray[Any]], t: int, s: Vector, y: Vector
    ) -> None:
        kept = [memory[f"{kind}{t % self.pairs}"] for kind in "sy"]
        for vector, values in zip(kept, (s, y), strict=True):
            vector[...] = values
        s, y = (vector.astype(np.float64) for vector in kept)  # as they are remembered
        if s @ y <= 1e-10 * math.sqrt((s @ s) * (y @ y)):
            for vector in kept:
                vector[...] = 0.0


def direction(g: Vector, pairs: list[tuple[Vector, Vector]]) -> Vector:
    """Return ``-H g``, without ever writing the matrix H down.

    Parameters
    ----------
    g : ndarray, shape (parameters,)
        The gradient.
    pairs : list of (ndarray, ndarray)
        Steps and what they did to the gradient, the oldest first.

    Returns
    -------
    ndarray, shape (parameters,)
    """
    q, lengths = g.copy(), []
    for s, y in reversed(pairs):
        lengths.append((s @ q) / (s @ y))
        q -= lengths[-1] * y
    if pairs:
        s, y = pairs[-1]
        q *= (s @ y) / (y @ y)
    for (s, y), length in zip(pairs, reversed(lengths), strict=True):
        q += (length - (y @ q) / (s @ y)) * s
    return -q


class Trial(NamedTuple):
    """A length that was tried: the function there, and its slope along the line.

    Parameters
    ----------
    length : float
        Of the step.
    value, slope : float
        Of the function, as one of the length.
    point : Point
        The place.
    """

    length: float
    value: float
    slope: float
    point: Point


def line_search(
    here: Point,
    function: Callable[[Vector], Point],
    d: Vector,
    slope: float,
    first: float,
    *,
    decrease: float = 1e-4,
    curvature: float = 0.9,
    most: int = 30,
) -> tuple[Point, float] | None:
    """Return a point on a line that is low enough and flat enough.

    ``f(a) <= f(0) + decrease a f'(0)  and  |f'(a)| <= curvature |f'(0)|``

    the strong Wolfe conditions: a real gain, and not so short a step that the slope is
    still as steep. Lengths grow until two of them have such a point between them; then
    cubic curves through both ends choose the next one.

    Parameters
    ----------
    here : Point
        Where the line starts.
    function : callable
        Returns the point at a place.
    d : ndarray, shape (parameters,)
        Direction of the line.
    slope : float
        Of the function at the start, below 0.
    first : float
        Length to try first.
    decrease, curvature : float
        See above; 0 < decrease < curvature < 1.
    most : int
        How many lengths to try.

    Returns
    -------
    (Point, float) or None
        The point and its length; the lowest one, if none fulfils both conditions after
        so many trials; None if none is lower.
    """

    def trial(length: float) -> Trial:
        point = function(here.w + length * d)
        finite = math.isfinite(point.value) and np.isfinite(point.g).all()
        value = float(point.value) if finite else math.inf
        return Trial(length, value, float(point.g @ d) if finite else math.inf, point)

    def too_high(found: Trial) -> bool:
        return found.value > here.value + decrease * found.length * slope

    start = Trial(0.0, float(here.value), slope, here)
    # `low` is the best length so far. A good one lies between it and `high`, once there
    # is one; until then it lies beyond `low`.
    low, high, length = start, None, first
    for _ in range(most):
        found, before = trial(length), low
        if too_high(found) or found.value >= low.value:
            high = found
        else:
            if abs(found.slope) <= -curvature * slope:
                return found.point, found.length
            if found.slope * (1.0 if high is None else high.length - low.length) >= 0:
                high = low
            low = found
        if high is None:
            guess = _bottom(before, low, 4.0 * low.length)
            length = min(max(guess, 1.1 * low.length), 10.0 * low.length)
        else:
            left, right = sorted((low.length, high.length))
            guess, margin = _bottom(low, high, 0.5 * (left + right)), right - left
            length = min(max(guess, left + 0.1 * margin), right - 0.1 * margin)
            if not left < length < right:
                break
    return None if low is start else (low.point, low.length)


def _bottom(one: Trial, other: Trial, otherwise: float) -> float:
    """Return where the cubic curve through two trials has its minimum, if it has one.

    Nocedal and Wright, equation 3.59.
    """
    width = other.length - one.length
    p = one.slope + other.slope - 3.0 * (other.value - one.value) / width
    inside = p * p - one.slope * other.slope
    if not 0 <= inside < math.inf:
        return otherwise
    q = math.copysign(math.sqrt(inside), width)
    below = other.slope - one.slope + 2.0 * q
    return other.length - width * (other.slope + q - p) / below if below else otherwise
