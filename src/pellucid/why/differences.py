"""A gradient without the chain rule: nudge one number, and see how the loss moves.

Everything after the nudged number is computed again in float64, whatever the network's
dtype, and nothing of backprop is used: an answer that agrees is a proof.
"""

import math
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np

from pellucid.symbol import Symbol

if TYPE_CHECKING:
    from pellucid.step import Step

# Nudges, relative to the size of the number where that is above 1.
NUDGES = (1e-2, 1e-3, 1e-4, 1e-5, 1e-6)


@dataclass(frozen=True)
class Difference:
    """A finite difference beside a gradient.

    Parameters
    ----------
    value : float
        How much the loss moves for one unit, from small nudges both ways.
    nudge : float
        How large they were.
    digits : int
        In how many digits it agrees with the gradient, at most 15.
    agrees : bool
        Whether it is the gradient, as far as rounding lets one see.
    left, right : float
        The same from nudges down and up alone; they differ where the loss has a kink.
    kink : bool
        Whether it has one here: then there is no one slope, and backprop gives one
        that lies between the two.
    """

    value: float
    nudge: float
    digits: int
    agrees: bool
    left: float
    right: float
    kink: bool


class Nudging:
    """Computes finite differences of the loss of a step.

    Parameters
    ----------
    step : Step
        The step.
    """

    def __init__(self, step: "Step") -> None:
        self.step, self.program = step, step.program
        self.end = step.program.outputs["loss", ""].id
        with np.errstate(all="ignore"):
            self.values = self.program.values(
                step.given(np.float64), step.n, np.dtype(np.float64)
            )

    def difference(
        self, node: Symbol, index: Any, gradient: float, within: str = ""
    ) -> Difference:
        """Return the finite difference of the loss by one number.

        The four-point formula, ``(8 (L(h) - L(-h)) - L(2h) + L(-2h)) / 12h``, with the
        nudge h for which the estimate changes least when h does.

        Parameters
        ----------
        node : Symbol
            What computes the array, or the leaf that it is.
        index : tuple of int
            Which of its numbers is nudged.
        gradient : float
            What backprop says.
        within : str
            The layer that sees the nudge, where others take the same array.

        Returns
        -------
        Difference
        """
        with np.errstate(all="ignore"):
            return self._difference(node, index, gradient, within)

    def _difference(
        self, node: Symbol, index: Any, gradient: float, within: str
    ) -> Difference:
        here = float(self.values[node.id][index])
        size = max(1.0, abs(here))

        def loss(h: float) -> float:
            moved = self.values[node.id].copy()
            moved[index] = here + h
            found = self.program.again(
                self.values,
                {node.id: moved},
                [self.end],
                self.step.n,
                np.dtype(np.float64),
                within,
            )
            return float(found[self.end])

        estimates = []
        for nudge in NUDGES:
            h = size * nudge
            near, far = loss(h) - loss(-h), loss(2 * h) - loss(-2 * h)
            estimates.append((8 * near - far) / (12 * h))
        changes = [abs(a - b) for a, b in pairwise(estimates)]
        best = int(np.nanargmin(changes)) + 1 if any(map(math.isfinite, changes)) else 0
        value, h = estimates[best], size * NUDGES[best]
        middle, small = loss(0.0), size * 1e-6
        left, right = (middle - loss(-small)) / small, (loss(small) - middle) / small
        noise = 1e-9 * max(abs(middle), 1e-300)
        tolerance = 1e-6 if self.step.dtype == np.float64 else 1e-3
        top = max(abs(value), abs(gradient))
        kink = abs(left - right) > 1e-3 * max(abs(left), abs(right)) + 1e3 * noise
        agrees = (
            abs(value - gradient) <= tolerance * top + tolerance * abs(middle) * 1e-3
        )
        return Difference(value, h, _digits(value, gradient), agrees, left, right, kink)


def _digits(one: float, other: float) -> int:
    """Return in how many digits two numbers agree."""
    if one == other:
        return 15
    error = abs(one - other) / max(abs(one), abs(other))
    return min(15, max(0, int(-math.log10(error)))) if math.isfinite(error) else 0
