"""Layers that change only the shape."""

import math
from typing import Any

from pellucid.errors import ConfigurationError, ShapeError
from pellucid.layer import Layer, sample_shape


class Flatten(Layer):
    """``(n, a, b, ...) -> (n, a b ...)``: one row of numbers for each sample."""

    def forward(self, x: Any, p: Any, memo: Any) -> Any:
        memo.shape = x.shape
        return x.reshape(x.shape[0], math.prod(x.shape[1:]))

    def backward(self, da: Any, p: Any, g: Any, memo: Any) -> Any:
        return da.reshape(memo.shape)


class Reshape(Layer):
    """``(n, ...) -> (n, *shape)``: the same numbers in another arrangement.

    Parameters
    ----------
    shape : tuple of int
        Shape of one sample of the output.
    name : str, optional
        Name in the network.
    """

    shape: Any

    def __post_init__(self) -> None:
        if not isinstance(self.shape, list | tuple):
            object.__setattr__(self, "shape", (self.shape,))
        super().__post_init__()

    def check(self) -> None:
        for length in self.shape:
            if isinstance(length, bool) or not isinstance(length, int) or length < 1:
                raise ConfigurationError(
                    f"Expected lengths of at least 1, got {self.shape!r}."
                )

    def forward(self, x: Any, p: Any, memo: Any) -> Any:
        before = sample_shape(x)
        if math.prod(before) != math.prod(self.shape):
            raise ShapeError(
                f"A sample of shape {before} has {math.prod(before)} numbers; shape "
                f"{tuple(self.shape)} holds {math.prod(self.shape)}."
            )
        memo.shape = x.shape
        return x.reshape(x.shape[0], *self.shape)

    def backward(self, da: Any, p: Any, g: Any, memo: Any) -> Any:
        return da.reshape(memo.shape)
