"""Noise on the inputs of a layer, in training."""

import math
from typing import Any

import numpy as np

from pellucid.errors import ConfigurationError
from pellucid.layer import Layer


class GaussianNoise(Layer):
    r"""``y = x + deviation * noise`` in training, ``y = x`` in prediction.

    The noise is standard normal, made of two uniform numbers by the method of Box and
    Muller, ``sqrt(-2 log(1 - u)) cos(2 pi v)``. A network that sees its inputs a little
    different each time learns what does not depend on such differences.

    x, y : (n, ...)

    Parameters
    ----------
    deviation : float
        Standard deviation of the noise, at least 0.
    name : str, optional
        Name in the network.
    """

    deviation: float = 0.1

    def check(self) -> None:
        if self.deviation < 0:
            raise ConfigurationError(f"Expected deviation >= 0, got {self.deviation}.")

    def forward(self, x: Any, p: Any, memo: Any) -> Any:
        if not memo.training or not self.deviation:
            return x
        u, v = memo.rng.uniform(x.shape), memo.rng.uniform(x.shape)
        memo.noise = np.sqrt(-2.0 * np.log1p(-u)) * np.cos(2.0 * math.pi * v)
        return x + self.deviation * memo.noise

    def backward(self, da: Any, p: Any, g: Any, memo: Any) -> Any:
        return da
