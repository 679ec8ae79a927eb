"""Dropout: numbers, or whole channels, that training leaves out at random."""

from typing import Any

from pellucid.errors import ConfigurationError
from pellucid.layer import Layer
from pellucid.layers.global_pooling import at_every_place
from pellucid.layers.windows import must_be_array
from pellucid.layout import Slot


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


class SpatialDropout(Layer):
    """``y = x * kept / (1 - rate)`` in training, with whole channels kept or left out.

    Neighbouring pixels say nearly the same, so leaving out single ones hides little:
    here all places of a channel go together. For rows of features it is `Dropout`.
    Source: Tompson et al., CVPR 2015.

    x, y : (n, ..., channels)

    Parameters
    ----------
    rate : float
        Share of the channels that is left out, in [0, 1).
    name : str, optional
        Name in the network.
    """

    rate: float = 0.5

    def check(self) -> None:
        if not 0 <= self.rate < 1:
            raise ConfigurationError(f"Expected rate in [0, 1), got {self.rate!r}.")

    def slots(self, shape: Any) -> dict[str, Slot]:
        must_be_array("SpatialDropout", shape)
        return {}

    def forward(self, x: Any, p: Any, memo: Any) -> Any:
        if not memo.training or not self.rate:
            return x
        kept = memo.rng.uniform((x.shape[0], x.shape[-1])) >= self.rate
        each = kept.astype(x.dtype) / (1.0 - self.rate)
        memo.kept = at_every_place(each, x.shape)
        return x * memo.kept

    def backward(self, da: Any, p: Any, g: Any, memo: Any) -> Any:
        if not memo.training or not self.rate:
            return da
        return da * memo.kept
