"""Named inputs: what a network is given, and how a branch takes one of them."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from pellucid.errors import ConfigurationError, ShapeError
from pellucid.layer import Layer


@dataclass(frozen=True)
class Input:
    """What one input of a network is.

    Parameters
    ----------
    shape : tuple of int
        Shape of one sample; a single number n means (n,).
    kind : str
        ``"number"``, or ``"integer"`` for whole numbers that name rows of a table.
    """

    shape: Any
    kind: str = "number"

    def __post_init__(self) -> None:
        shape = self.shape if isinstance(self.shape, list | tuple) else (self.shape,)
        shape = tuple(n.item() if isinstance(n, np.integer) else n for n in shape)
        for length in shape:
            if isinstance(length, bool) or not isinstance(length, int) or length < 1:
                raise ConfigurationError(
                    "An input shape has whole numbers of at least 1, without the "
                    f"number of samples; got {self.shape!r}."
                )
        object.__setattr__(self, "shape", shape)
        if self.kind not in ("number", "integer"):
            raise ConfigurationError(
                f"An input is of kind 'number' or 'integer', got {self.kind!r}."
            )


class Select(Layer):
    """``y = x[key]``: takes one of several named inputs, and opens a branch.

    Parameters
    ----------
    key : str
        Name of the input.
    name : str, optional
        Name in the network.
    """

    key: str

    def forward(self, x: Any, p: Any, memo: Any) -> Any:
        if not isinstance(x, Mapping):
            raise ShapeError(
                f"Select({self.key!r}) needs named inputs, x = {{{self.key!r}: array, "
                "...}, as the first layer of a network or a branch."
            )
        if self.key not in x:
            raise ShapeError(
                f"There is no input {self.key!r}; the inputs are {sorted(x)}."
            )
        return x[self.key]

    def backward(self, da: Any, p: Any, g: Any, memo: Any) -> Any:
        return {self.key: da}
