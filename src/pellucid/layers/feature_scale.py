"""A factor for each number of a sample."""

import math
from typing import Any

from pellucid.errors import ConfigurationError, ShapeError
from pellucid.initializers import Initializer
from pellucid.layer import Layer
from pellucid.layout import Slot
from pellucid.part import part


def _initializer() -> type[Initializer]:
    return Initializer


class FeatureScale(Layer):
    """``y = x (1 + speed s)``: a learned factor for each number that comes in.

    As the first layer it learns which features matter. The factors are 1 at first, and
    move `speed` times as fast as the optimizer's steps, since weights that are shared
    by no other input need not move as carefully. Source: the front scale of Holzmüller,
    Grinsztajn and Steinwart, NeurIPS 2024, who gave it a learning rate of its own.

    x : (n, ...)   s : (...)   y : (n, ...)

    Parameters
    ----------
    speed : float
        How many times as fast the factors move, above 0.
    initializer : Initializer or str
        First values of s; with ``"zeros"`` the factors begin at 1.
    name : str, optional
        Name in the network.
    """

    speed: float = 1.0
    initializer: Any = part(_initializer, default="zeros")

    def check(self) -> None:
        if not self.speed > 0:
            raise ConfigurationError(f"Expected speed > 0, got {self.speed!r}.")

    def slots(self, shape: Any) -> dict[str, Slot]:
        if isinstance(shape, dict) or not shape:
            raise ShapeError(
                "FeatureScale takes one array; choose it with Select(name)."
            )
        return {"s": Slot(shape, self.initializer, "scale")}

    def forward(self, x: Any, p: Any, memo: Any) -> Any:
        memo.x, memo.factor = x, 1.0 + self.speed * p.s
        return x * memo.factor

    def backward(self, da: Any, p: Any, g: Any, memo: Any) -> Any:
        rows = (da * memo.x).reshape(da.shape[0], math.prod(da.shape[1:]))
        g.s = self.speed * rows.sum(axis=0).reshape(da.shape[1:])
        return da * memo.factor
