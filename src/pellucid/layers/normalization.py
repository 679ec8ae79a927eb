"""Normalization: mean 0 and variance 1 between layers."""

import math
from typing import Any, ClassVar

import numpy as np

from pellucid.errors import ConfigurationError, DataError, ShapeError
from pellucid.initializers import Ones, Zeros
from pellucid.layer import Layer
from pellucid.layers.dense import whole_number
from pellucid.layers.windows import must_be_array
from pellucid.layout import Slot


def check_epsilon(epsilon: float) -> None:
    """Raise `ConfigurationError` unless epsilon keeps a division from zero.

    Parameters
    ----------
    epsilon : float
        What is added to a variance.
    """
    if not epsilon > 0:
        raise ConfigurationError(f"Expected epsilon > 0, got {epsilon!r}.")


def scale_and_shift(shape: Any) -> dict[str, Slot]:
    """Return the slots of a learned scale and shift for each feature.

    Parameters
    ----------
    shape : tuple of int
        Shape of one sample, (..., features).

    Returns
    -------
    dict of str to Slot
    """
    features = (shape[-1],)
    return {
        "scale": Slot(features, Ones(), "scale"),
        "shift": Slot(features, Zeros(), "bias"),
    }


def all_but_last(x: Any) -> tuple[int, ...]:
    """Return the axes that a sum for each feature goes over.

    Parameters
    ----------
    x : ndarray, shape (n, ..., features)
        Any.

    Returns
    -------
    tuple of int
    """
    return tuple(range(x.ndim - 1))


class BatchNorm(Layer):
    r"""``y = scale (x - mean) / sqrt(variance + epsilon) + shift``, feature by feature.

    In training with the mean and the variance (over n) of the batch; in prediction with
    running averages of them, ``running <- momentum running + (1 - momentum) batch``,
    where the variance of the batch is taken over n - 1, as PyTorch does. In images and
    sequences every place counts like a row: n is then samples times places.
    Source: Ioffe and Szegedy, ICML 2015.

    x, y : (n, ..., features)   scale, shift, mean, variance : (features,)

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
        check_epsilon(self.epsilon)

    def slots(self, shape: Any) -> dict[str, Slot]:
        must_be_array("BatchNorm", shape)
        return scale_and_shift(shape) | {
            "mean": Slot((shape[-1],), Zeros(), "state"),
            "variance": Slot((shape[-1],), Ones(), "state"),
        }

    def forward(self, x: Any, p: Any, memo: Any) -> Any:
        if not memo.training:
            memo.spread = np.sqrt(p.variance + self.epsilon)
            memo.normal = (x - p.mean) / memo.spread
            return p.scale * memo.normal + p.shift
        axes, n = all_but_last(x), math.prod(x.shape[:-1])
        if n == 1:
            raise DataError(
                "BatchNorm needs at least two rows in a training batch to have a "
                "variance; got one. Use a larger batch_size."
            )
        mean = x.mean(axis=axes)
        centred = x - mean
        variance = (centred * centred).mean(axis=axes)
        stays = self.momentum
        memo.state.mean = stays * p.mean + (1.0 - stays) * mean
        memo.state.variance = (
            stays * p.variance + (1.0 - stays) * (n / (n - 1)) * variance
        )
        memo.spread = np.sqrt(variance + self.epsilon)
        memo.normal = centred / memo.spread
        return p.scale * memo.normal + p.shift

    def backward(self, da: Any, p: Any, g: Any, memo: Any) -> Any:
        axes = all_but_last(da)
        g.scale = (da * memo.normal).sum(axis=axes)
        g.shift = da.sum(axis=axes)
        dnormal = da * p.scale
        if not memo.training:
            return dnormal / memo.spread
        # The batch's own mean and variance move with x, too.
        along = (dnormal * memo.normal).mean(axis=axes)
        rest = dnormal - dnormal.mean(axis=axes) - memo.normal * along
        return rest / memo.spread


class LayerNorm(Layer):
    r"""``y = scale (x - mean) / sqrt(variance + epsilon) + shift``, row by row.

    Mean and variance are those of the features of one row, in images and sequences of
    one place: no row looks at another one, and training and prediction are the same.
    Source: Ba, Kiros and Hinton, arXiv:1607.06450.

    x, y : (n, ..., features)   scale, shift : (features,)

    Parameters
    ----------
    epsilon : float
        Keeps the division from zero, above 0.
    name : str, optional
        Name in the network.
    """

    epsilon: float = 1e-5

    def check(self) -> None:
        check_epsilon(self.epsilon)

    def slots(self, shape: Any) -> dict[str, Slot]:
        must_be_array("LayerNorm", shape)
        return scale_and_shift(shape)

    def forward(self, x: Any, p: Any, memo: Any) -> Any:
        centred = x - x.mean(axis=-1, keepdims=True)
        variance = (centred * centred).mean(axis=-1, keepdims=True)
        memo.spread = np.sqrt(variance + self.epsilon)
        memo.normal = centred / memo.spread
        return p.scale * memo.normal + p.shift

    def backward(self, da: Any, p: Any, g: Any, memo: Any) -> Any:
        g.scale = (da * memo.normal).sum(axis=all_but_last(da))
        g.shift = da.sum(axis=all_but_last(da))
        dnormal = da * p.scale
        along = (dnormal * memo.normal).mean(axis=-1, keepdims=True)
        rest = dnormal - dnormal.mean(axis=-1, keepdims=True) - memo.normal * along
        return rest / memo.spread


class RMSNorm(Layer):
    r"""``y = scale x / sqrt(mean of x^2 + epsilon)``, row by row.

    `LayerNorm` without the mean: only the size of a row is taken away.
    Source: Zhang and Sennrich, NeurIPS 2019.

    x, y : (n, ..., features)   scale : (features,)

    Parameters
    ----------
    epsilon : float
        Keeps the division from zero, above 0.
    name : str, optional
        Name in the network.
    """

    epsilon: float = 1e-6

    def check(self) -> None:
        check_epsilon(self.epsilon)

    def slots(self, shape: Any) -> dict[str, Slot]:
        must_be_array("RMSNorm", shape)
        return {"scale": Slot((shape[-1],), Ones(), "scale")}

    def forward(self, x: Any, p: Any, memo: Any) -> Any:
        memo.size = np.sqrt((x * x).mean(axis=-1, keepdims=True) + self.epsilon)
        memo.normal = x / memo.size
        return p.scale * memo.normal

    def backward(self, da: Any, p: Any, g: Any, memo: Any) -> Any:
        g.scale = (da * memo.normal).sum(axis=all_but_last(da))
        dnormal = da * p.scale
        along = (dnormal * memo.normal).mean(axis=-1, keepdims=True)
        return (dnormal - memo.normal * along) / memo.size


class GroupNorm(Layer):
    r"""``y = scale (x - mean) / sqrt(variance + epsilon) + shift``, group by group.

    The features of a sample are split into groups, in order; mean and variance are
    those of one group over all places of the image or sequence. One group normalizes
    the whole sample, as many groups as features every channel by itself (instance
    normalization). Source: Wu and He, ECCV 2018.

    x, y : (n, ..., features)   scale, shift : (features,)

    Parameters
    ----------
    groups : int
        Their number; it divides the number of features.
    epsilon : float
        Keeps the division from zero, above 0.
    name : str, optional
        Name in the network.
    """

    groups: int
    epsilon: float = 1e-5

    def check(self) -> None:
        whole_number("groups", self.groups)
        check_epsilon(self.epsilon)

    def slots(self, shape: Any) -> dict[str, Slot]:
        must_be_array("GroupNorm", shape)
        if shape[-1] % self.groups:
            raise ShapeError(
                f"{shape[-1]} features cannot be split into {self.groups} equal "
                "groups: choose a number that divides them."
            )
        return scale_and_shift(shape)

    def mean(self, x: Any) -> Any:
        """Return the mean of each group of each sample, once for each feature.

        Parameters
        ----------
        x : ndarray, shape (n, places, features)
            Numbers.

        Returns
        -------
        ndarray, shape (n, 1, features)
        """
        n, _, features = x.shape
        each = x.mean(axis=1).reshape(n, self.groups, features // self.groups)
        mean = each.mean(axis=-1, keepdims=True) * np.ones_like(each)
        return mean.reshape(n, 1, features)

    def forward(self, x: Any, p: Any, memo: Any) -> Any:
        places = x.reshape(x.shape[0], math.prod(x.shape[1:-1]), x.shape[-1])
        centred = places - self.mean(places)
        memo.spread = np.sqrt(self.mean(centred * centred) + self.epsilon)
        memo.normal = centred / memo.spread
        return (p.scale * memo.normal + p.shift).reshape(x.shape)

    def backward(self, da: Any, p: Any, g: Any, memo: Any) -> Any:
        dy = da.reshape(memo.normal.shape)
        g.scale = (dy * memo.normal).sum(axis=(0, 1))
        g.shift = dy.sum(axis=(0, 1))
        dnormal = dy * p.scale
        along = self.mean(dnormal * memo.normal)
        rest = dnormal - self.mean(dnormal) - memo.normal * along
        return (rest / memo.spread).reshape(da.shape)
