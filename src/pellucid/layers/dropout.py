"""Dropout."""

from typing import Any

from pellucid.errors import ConfigurationError
from pellucid.layer import Layer


class Dropout(Layer):
    """``y = x * kept / (1 - rate)`` in training, ``y = x`` in prediction.

    Every number is left out with probability `rate`, so that no neuron relies on
    another one being there. Source: Srivastava et al., JMLR 15, 2014.

    Parameters
    ----------
    rate : float
        Share that is left out, in [0, 1).
    name : str, optional
        Name in the network.
    """

    rate: float = 0.5

    def check(self) -> None:
        if not 0 <= self.rate < 1:
            raise ConfigurationError(f"Expected rate in [0, 1), got {self.rate!r}.")

    def forward(self, x: Any, p: Any, memo: Any) -> Any:
        if not memo.training or not self.rate:
            return x
        kept = memo.rng.uniform(x.shape) >= self.rate
        memo.kept = kept.astype(x.dtype) / (1.0 - self.rate)
        return x * memo.kept

    def backward(self, da: Any, p: Any, g: Any, memo: Any) -> Any:
        if not memo.training or not self.rate:
            return da
        return da * memo.kept
