"""Layers made of layers: one after the other, around, and side by side."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from pellucid.errors import ConfigurationError, ShapeError
from pellucid.layer import Layer, layer_names
from pellucid.part import parts


def _layer() -> type[Layer]:
    return Layer


def run_forward(layers: tuple[Layer, ...], x: Any, p: Any, memo: Any) -> Any:
    """Return the output of layers one after the other.

    Parameters
    ----------
    layers : tuple of Layer
        In order.
    x : ndarray or mapping of ndarray
        Input of the first.
    p : LayerView
        Their numbers.
    memo : Memo
        The container's memo.

    Returns
    -------
    ndarray
    """
    for name, layer in zip(layer_names(layers), layers, strict=True):
        x = memo.forward(name, layer, x, p)
    return x


def run_backward(layers: tuple[Layer, ...], da: Any, p: Any, g: Any, memo: Any) -> Any:
    """Return dL/dx of layers one after the other, last one first.

    Parameters
    ----------
    layers : tuple of Layer
        In order of the forward pass.
    da : ndarray
        Gradient with respect to the last output.
    p, g : LayerView
        Their numbers, and where the gradients go.
    memo : Memo
        The container's memo.

    Returns
    -------
    ndarray, mapping of ndarray, or None
    """
    pairs = list(zip(layer_names(layers), layers, strict=True))
    for name, layer in reversed(pairs):
        da = memo.backward(name, layer, da, p, g)
    return da


class Chain(Layer):
    """``y = layer_k(... layer_1(x))``: layers one after the other, as one layer.

    Parameters
    ----------
    layers : sequence of Layer
        In order; activations may stand as names.
    name : str, optional
        Name in the network.
    """

    layers: Any = parts(_layer)

    def check(self) -> None:
        if not self.layers:
            raise ConfigurationError(f"{type(self).__name__} needs at least one layer.")
        layer_names(self.layers)

    @property
    def inner(self) -> tuple[Layer, ...]:
        layers: tuple[Layer, ...] = self.layers
        return layers

    def forward(self, x: Any, p: Any, memo: Any) -> Any:
        return run_forward(self.layers, x, p, memo)

    def backward(self, da: Any, p: Any, g: Any, memo: Any) -> Any:
        return run_backward(self.layers, da, p, g, memo)


class Residual(Chain):
    """``y = x + f(x)``: the layers inside learn what to add.

    Source: He et al., CVPR 2016.

    Parameters
    ----------
    layers : sequence of Layer
        The layers of f; the shape of their output is that of their input.
    name : str, optional
        Name in the network.
    """

    layers: Any = parts(_layer)

    def forward(self, x: Any, p: Any, memo: Any) -> Any:
        if isinstance(x, Mapping):
            raise ShapeError(
                f"A mapping of arrays {sorted(x)} cannot be added to: choose one with "
                "Select(name) before Residual."
            )
        y = run_forward(self.layers, x, p, memo)
        if y.shape != x.shape:
            raise ShapeError(
                f"Residual adds its input of shape {_text(x)} to the output of its "
                f"layers, which has shape {_text(y)}: {_remedy(x, y)}."
            )
        return x + y

    def backward(self, da: Any, p: Any, g: Any, memo: Any) -> Any:
        return da + run_backward(self.layers, da, p, g, memo)


class Concat(Layer):
    """``y = [branch_1(x), branch_2(x), ...]``: side by side along the last axis.

    Parameters
    ----------
    branches : sequence of Layer
        Each gets the same input; a `Chain` makes one of several layers.
    name : str, optional
        Name in the network.
    """

    branches: Any = parts(_layer)

    def check(self) -> None:
        if len(self.branches) < 2:
            raise ConfigurationError("Concat needs at least two branches.")
        layer_names(self.branches)

    @property
    def inner(self) -> tuple[Layer, ...]:
        branches: tuple[Layer, ...] = self.branches
        return branches

    def forward(self, x: Any, p: Any, memo: Any) -> Any:
        names = layer_names(self.branches)
        pairs = zip(names, self.branches, strict=True)
        outputs = [memo.forward(name, branch, x, p) for name, branch in pairs]
        shapes = {output.shape[:-1] for output in outputs}
        if len(shapes) > 1:
            raise ShapeError(
                "The branches of Concat differ in more than the last axis: "
                f"{', '.join(map(_text, outputs))}. Images need one height and width "
                "(padding='same' keeps them), sequences one length."
            )
        memo.widths = [output.shape[-1] for output in outputs]
        return np.concatenate(outputs, axis=-1)

    def backward(self, da: Any, p: Any, g: Any, memo: Any) -> Any:
        total: Any = None
        start = 0
        names = layer_names(self.branches)
        for name, branch, width in zip(names, self.branches, memo.widths, strict=True):
            part_of_da = da[..., start : start + width]
            total = _add(total, memo.backward(name, branch, part_of_da, p, g))
            start += width
        return total


def _add(first: Any, second: Any) -> Any:
    """Return the sum of two gradients: by key for mappings; None counts as nothing."""
    if first is None or second is None:
        return second if first is None else first
    if isinstance(first, dict):
        both = dict(first)
        for key, value in second.items():
            both[key] = _add(first.get(key), value)
        return both
    return first + second


def _remedy(x: Any, y: Any) -> str:
    if y.shape[:-1] == x.shape[:-1]:
        return f"make the last layer inside give {x.shape[-1]} outputs"
    if x.ndim > 2 and y.ndim == x.ndim:
        return (
            "keep the height and width of images, and the length of sequences, with "
            "padding='same' and no strides inside"
        )
    return "make the layers inside keep the shape"


def _text(x: Any) -> str:
    return f"({', '.join(map(str, x.shape))})"
