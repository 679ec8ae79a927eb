"""Ready-made networks: functions that return a list of layers to read, use or change.

Each ends in `Dense` without an activation: a loss such as cross-entropy works on these
outputs, and `predict_proba` applies what belongs to it.

>>> from pellucid import NeuralNetwork, models
>>> layers = models.cnn(outputs=10)
>>> net = NeuralNetwork(layers, loss="cross_entropy", input_shape=(8, 8, 1))
"""

from collections.abc import Sequence
from typing import Any

from pellucid.activations import Activation
from pellucid.layers import (
    BatchNorm,
    Conv2D,
    Dense,
    Dropout,
    Flatten,
    GlobalAveragePool,
    MaxPool2D,
    Residual,
)


def mlp(
    outputs: int,
    hidden: Sequence[int] = (64, 64),
    *,
    activation: Any = "relu",
    batch_norm: bool = False,
    dropout: float = 0.0,
) -> list[Any]:
    """Return dense layers one after the other: a multilayer perceptron, for tables.

    Parameters
    ----------
    outputs : int
        Number of classes, or of numbers to predict.
    hidden : sequence of int
        Neurons of each hidden layer.
    activation : Activation or str
        Of the hidden layers.
    batch_norm : bool
        Whether each hidden layer's sums are normalized over the batch.
    dropout : float
        Share of each hidden layer that training leaves out, in [0, 1).

    Returns
    -------
    list of Layer or str

    Examples
    --------
    >>> from pellucid import models
    >>> models.mlp(3, hidden=[8])
    [Dense(8, 'relu'), Dense(3)]
    """
    layers: list[Any] = []
    for units in hidden:
        first = _first(activation)
        layers += (
            [Dense(units, bias=False, weight_init=first), BatchNorm(), activation]
            if batch_norm
            else [Dense(units, activation)]
        )
        layers += [Dropout(dropout)] if dropout else []
    return [*layers, Dense(outputs)]


def cnn(
    outputs: int,
    filters: Sequence[int] = (16, 32),
    *,
    kernel_size: int = 3,
    dense: int = 64,
    activation: Any = "relu",
    batch_norm: bool = False,
    dropout: float = 0.5,
) -> list[Any]:
    """Return convolutions, each with a pooling that halves the image, then dense ones.

    For small images, (n, height, width, channels): the first convolutions see edges,
    later ones what edges make up, and the dense layers decide.

    Parameters
    ----------
    outputs : int
        Number of classes, or of numbers to predict.
    filters : sequence of int
        Filters of each convolution.
    kernel_size : int
        Height and width of the filters.
    dense : int
        Neurons of the dense layer before the last one.
    activation : Activation or str
        Of all layers but the last.
    batch_norm : bool
        Whether the sums of the convolutions are normalized over the batch.
    dropout : float
        Share of the dense layer that training leaves out, in [0, 1).

    Returns
    -------
    list of Layer or str

    Examples
    --------
    >>> from pellucid import models
    >>> for layer in models.cnn(10, filters=[8], dense=32):
    ...     print(layer)
    Conv2D(8, 3, 'relu', padding='same')
    MaxPool2D()
    Flatten()
    Dense(32, 'relu')
    Dropout()
    Dense(10)
    """
    layers: list[Any] = []
    for count in filters:
        layers += (
            [_convolution(count, kernel_size, activation), BatchNorm(), activation]
            if batch_norm
            else [Conv2D(count, kernel_size, activation, padding="same")]
        )
        layers.append(MaxPool2D())
    layers += [Flatten(), Dense(dense, activation)]
    layers += [Dropout(dropout)] if dropout else []
    return [*layers, Dense(outputs)]


def resnet(
    outputs: int,
    filters: Sequence[int] = (16, 32, 64),
    blocks: int = 2,
    *,
    activation: Any = "relu",
) -> list[Any]:
    """Return a small residual network: deep, and as easy to train as a shallow one.

    Stages of residual blocks, each of two convolutions with what they need before them
    (normalization, then activation); from one stage to the next a convolution of stride
    2 halves the image. Source: He et al., "Identity mappings in deep residual
    networks", ECCV 2016.

    Parameters
    ----------
    outputs : int
        Number of classes, or of numbers to predict.
    filters : sequence of int
        Filters of each stage.
    blocks : int
        Residual blocks in each stage.
    activation : Activation or str
        Of all layers but the last.

    Returns
    -------
    list of Layer or str
    """

    def before_and(count: int, stride: int = 1) -> list[Any]:
        return [BatchNorm(), activation, _convolution(count, 3, activation, stride)]

    layers: list[Any] = [_convolution(filters[0], 3, activation)]
    for stage, count in enumerate(filters):
        layers += before_and(count, stride=2) if stage else []
        for _ in range(blocks):
            layers.append(Residual(before_and(count) + before_and(count)))
    return [*layers, BatchNorm(), activation, GlobalAveragePool(), Dense(outputs)]


def _convolution(filters: int, size: int, activation: Any, stride: int = 1) -> Conv2D:
    """Return a convolution beside a normalization, which brings its own shift."""
    return Conv2D(
        filters,
        size,
        stride=stride,
        padding="same",
        bias=False,
        weight_init=_first(activation),
    )


def _first(activation: Any) -> str:
    """Return the first weights that suit an activation that stands apart."""
    return str(Activation.of(activation).initializer)
