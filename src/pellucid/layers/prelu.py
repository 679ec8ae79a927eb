"""The ReLU that learns its leak."""

from typing import Any

import numpy as np

from pellucid.errors import ShapeError
from pellucid.initializers import Constant
from pellucid.layer import Layer
from pellucid.layout import Slot


class PReLU(Layer, label="prelu"):
    """``y = x`` where positive, ``slope x`` elsewhere, with a learned slope a feature.

    Backwards ``dslope = sum of dy x`` where x is negative.
    Source: He et al., ICCV 2015.

    x, y : (n, ..., features)   slope : (features,)

    Parameters
    ----------
    start : float
        First value of the slopes.
    name : str, optional
        Name in the network.
    """

    start: float = 0.25

    def slots(self, shape: Any) -> dict[str, Slot]:
        if isinstance(shape, dict) or not shape:
            raise ShapeError("PReLU takes one array; choose it with Select(name).")
        return {"slope": Slot((shape[-1],), Constant(self.start), "slope")}

    def forward(self, x: Any, p: Any, memo: Any) -> Any:
        memo.x = x
        return np.where(x > 0, x, p.slope * x)

    def backward(self, da: Any, p: Any, g: Any, memo: Any) -> Any:
        x = memo.x
        g.slope = (da * np.minimum(x, 0.0)).sum(axis=tuple(range(x.ndim - 1)))
        return np.where(x > 0, da, p.slope * da)
