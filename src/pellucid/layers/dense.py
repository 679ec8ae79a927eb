"""The fully connected layer."""

from dataclasses import KW_ONLY
from typing import Any

from pellucid.activations import Activation
from pellucid.errors import ConfigurationError, ShapeError
from pellucid.initializers import Initializer
from pellucid.layer import Layer
from pellucid.layout import Slot
from pellucid.part import part


def whole_number(name: str, value: Any, least: int = 1) -> None:
    """Raise `ConfigurationError` unless a setting is a whole number, at least `least`.

    Parameters
    ----------
    name : str
        The setting.
    value : object
        What was given.
    least : int
        Its lowest value.
    """
    if isinstance(value, bool) or not isinstance(value, int) or value < least:
        raise ConfigurationError(
            f"Expected {name} to be a whole number of at least {least}, got {value!r}."
        )


class Dense(Layer):
    r"""``z = x W + b``, ``a = activation(z)``: every output looks at every input.

    Backwards ``dz = da * activation'(z)``, ``dW = x^T dz``, ``db = sum of dz``,
    ``dx = dz W^T``.

    x : (n, inputs)   W : (inputs, units)   b : (units,)   z, a : (n, units)

    Parameters
    ----------
    units : int
        Number of neurons.
    activation : Activation or str, optional
        What each neuron makes of its sum.
    bias : bool
        Whether there is a ``b``.
    weight_init, bias_init : Initializer or str, optional
        First values; chosen to suit the activation, and zeros, by default.
    name : str, optional
        Name in the network.

    Examples
    --------
    >>> from pellucid import Dense
    >>> Dense(4, "sigmoid", bias=False)
    Dense(4, 'sigmoid', bias=False)
    """

    units: int
    activation: Any = part(lambda: Activation, default=None)
    _: KW_ONLY
    bias: bool = True
    weight_init: Any = part(lambda: Initializer, default=None, optional=True)
    bias_init: Any = part(lambda: Initializer, default="zeros")

    def check(self) -> None:
        whole_number("units", self.units)

    def slots(self, shape: Any) -> dict[str, Slot]:
        if isinstance(shape, dict):
            raise ShapeError(
                f"The input is a mapping of arrays {sorted(shape)}: choose one with "
                "Select(name) before this layer."
            )
        if len(shape) != 1:
            raise ShapeError(
                f"Dense takes one row of numbers for each sample, shape (n, inputs); "
                f"here the input has shape (n, {', '.join(map(str, shape))}). Put "
                "Flatten() before it."
            )
        first = self.weight_init or Initializer.of(self.activation.initializer)
        slots = {"W": Slot((shape[0], self.units), first)}
        if self.bias:
            slots["b"] = Slot((self.units,), self.bias_init, "bias")
        return slots

    def forward(self, x: Any, p: Any, memo: Any) -> Any:
        memo.x = x
        memo.z = x @ p.W + p.b if self.bias else x @ p.W
        memo.a = self.activation.value(memo.z)
        return memo.a

    def backward(self, da: Any, p: Any, g: Any, memo: Any) -> Any:
        dz = memo.dz = self.activation.delta(da, memo.z, memo.a)
        g.W = memo.x.T @ dz
        if self.bias:
            g.b = dz.sum(axis=0)
        return dz @ p.W.T
