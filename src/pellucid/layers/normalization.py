"""Normalization: mean 0 and variance 1 between layers."""

from typing import Any, ClassVar

import numpy as np

from pellucid.errors import ConfigurationError, DataError, ShapeError
from pellucid.initializers import Ones, Zeros
from pellucid.layer import Layer
from pellucid.layout import Slot


class BatchNorm(Layer):
    r"""``y = scale (x - mean) / sqrt(variance + epsilon) + shift``, feature by feature.

    In training with the mean and the variance (over n) of the batch; in prediction with
    running averages of them, ``running <- momentum running + (1 - momentum) batch``,
    where the variance of the batch is taken over n - 1, as PyTorch does.
    Source: Ioffe and Szegedy, ICML 2015.

    x, y : (n, features)   scale, shift, mean, variance : (features,)

    Parameters
    ----------
    momentum : float
        How much of the running averages stays at each iteration, in [0, 1).
    epsilon : float
        Keeps the division from zero, above 0.
    name : str, optional
        Name in the network.
    """

    momentum: float = 0.9
    epsilon: float = 1e-5
    batch_statistics: ClassVar[bool] = True

    def check(self) -> None:
        if not 0 <= self.momentum < 1:
            raise ConfigurationError(
                f"Expected momentum in [0, 1), got {self.momentum!r}. (It is the share "
                "that stays; frameworks that call 0.1 the same thing mean 1 - "
                "momentum.)"
            )
        if not self.epsilon > 0:
            raise ConfigurationError(f"Expected epsilon > 0, got {self.epsilon!r}.")

    def slots(self, shape: Any) -> dict[str, Slot]:
        if isinstance(shape, dict) or len(shape) != 1:
            raise ShapeError(
                "BatchNorm takes one row of features for each sample, shape (n, "
                f"features); here one sample has shape {shape}."
            )
        return {
            "scale": Slot(shape, Ones(), "scale"),
            "shift": Slot(shape, Zeros(), "bias"),
            "mean": Slot(shape, Zeros(), "state"),
            "variance": Slot(shape, Ones(), "state"),
        }

    def forward(self, x: Any, p: Any, memo: Any) -> Any:
        if not memo.training:
            memo.spread = np.sqrt(p.variance + self.epsilon)
            memo.normal = (x - p.mean) / memo.spread
            return p.scale * memo.normal + p.shift
        n = x.shape[0]
        if n == 1:
            raise DataError(
                "BatchNorm needs at least two rows in a training batch to have a "
                "variance; got one. Use a larger batch_size."
            )
        mean = x.mean(axis=0)
        centred = x - mean
        variance = (centred * centred).mean(axis=0)
        stays = self.momentum
        memo.state.mean = stays * p.mean + (1.0 - stays) * mean
        memo.state.variance = (
            stays * p.variance + (1.0 - stays) * (n / (n - 1)) * variance
        )
        memo.spread = np.sqrt(variance + self.epsilon)
        memo.normal = centred / memo.spread
        return p.scale * memo.normal + p.shift

    def backward(self, da: Any, p: Any, g: Any, memo: Any) -> Any:
        g.scale = (da * memo.normal).sum(axis=0)
        g.shift = da.sum(axis=0)
        dnormal = da * p.scale
        if memo.training:
            # The batch's own mean and variance move with x, too.
            along = (dnormal * memo.normal).mean(axis=0)
            dnormal = dnormal - dnormal.mean(axis=0) - memo.normal * along
        return dnormal / memo.spread
