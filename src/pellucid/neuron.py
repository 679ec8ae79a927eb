"""One neuron, as the tutorials begin."""

from typing import Any

import numpy as np

from pellucid.activations import Activation
from pellucid.arrays import as_floats
from pellucid.errors import ShapeError


class Neuron:
    """``a = activation(w . x + b)``: weighs its inputs, adds a bias, and squeezes.

    Parameters
    ----------
    weights : array_like, shape (inputs,)
        How much each input counts.
    bias : float
        What is added.
    activation : Activation or str
        What is made of the sum; sigmoid by default.

    Examples
    --------
    >>> import pellucid
    >>> pellucid.Neuron([0, 1], 4).feedforward([2, 3])
    0.9990889488055994
    """

    def __init__(self, weights: Any, bias: float, activation: Any = "sigmoid") -> None:
        self.weights = as_floats(weights, "weights", np.float64)
        if self.weights.ndim != 1:
            raise ShapeError(
                f"A neuron has one weight an input, a list of numbers; got shape "
                f"{self.weights.shape}."
            )
        number = as_floats(bias, "bias", np.float64)
        if number.ndim:
            raise ShapeError(f"A neuron has one number as bias; got {bias!r}.")
        self.bias = float(number)
        self.activation = Activation.of(activation)

    def feedforward(self, inputs: Any) -> Any:
        """Return the neuron's output.

        Parameters
        ----------
        inputs : array_like, shape (inputs,) or (n, inputs)
            One sample or several.

        Returns
        -------
        float, or ndarray of shape (n,)
        """
        x = as_floats(inputs, "inputs", np.float64)
        if x.ndim not in (1, 2) or x.shape[-1] != len(self.weights):
            raise ShapeError(
                f"The neuron has {len(self.weights)} weights; the inputs have shape "
                f"{x.shape}. Hand in one number for each weight."
            )
        a = self.activation.value(x @ self.weights + self.bias)
        return float(a) if x.ndim == 1 else a

    def __repr__(self) -> str:
        weights = self.weights.tolist()
        return f"Neuron({weights}, {self.bias}, {self.activation.label!r})"
