"""Embedding: a row of learned numbers for each of several things."""

from dataclasses import KW_ONLY
from typing import Any

from pellucid.errors import ShapeError
from pellucid.initializers import Initializer
from pellucid.layer import Layer
from pellucid.layers.dense import whole_number
from pellucid.layout import Slot
from pellucid.ops import scatter_add
from pellucid.part import part


class Embedding(Layer):
    """``y = W[x]``: whole numbers pick rows of a table that is learned.

    Backwards each row of dW is the sum of dy wherever the row was picked; whole numbers
    have no gradient. The input is declared with ``Input(shape, kind="integer")``, and a
    number outside of the table is refused with its place in the data.

    x : (n, ...), whole numbers in [0, count)   W : (count, units)   y : (n, ..., units)

    Parameters
    ----------
    count : int
        Number of things, the rows of the table.
    units : int
        Numbers for each.
    weight_init : Initializer or str
        First values of the table.
    name : str, optional
        Name in the network.

    Examples
    --------
    >>> import numpy as np
    >>> from pellucid import Dense, Embedding, Flatten, Input, NeuralNetwork
    >>> colours = Input(2, kind="integer")
    >>> layers = [Embedding(5, 3), Flatten(), Dense(1)]
    >>> net = NeuralNetwork(layers, loss="mean_squared_error", input_shape=colours)
    >>> net.feedforward([[0, 4], [2, 2]]).shape
    (2, 1)
    """

    count: int
    units: int
    _: KW_ONLY
    weight_init: Any = part(lambda: Initializer, default="normal")

    def check(self) -> None:
        whole_number("count", self.count)
        whole_number("units", self.units)

    @property
    def choices(self) -> int | None:
        return self.count

    def slots(self, shape: Any) -> dict[str, Slot]:
        if isinstance(shape, dict):
            raise ShapeError(
                f"The input is a mapping of arrays {sorted(shape)}: choose one with "
                "Select(name) before this layer."
            )
        return {"W": Slot((self.count, self.units), self.weight_init)}

    def forward(self, x: Any, p: Any, memo: Any) -> Any:
        memo.x = x
        return p.W[x]

    def backward(self, da: Any, p: Any, g: Any, memo: Any) -> Any:
        g.W = scatter_add(da, memo.x, self.count)
