"""The layers, one family a file."""

from pellucid.activations import (
    ELU,
    GELU,
    SELU,
    Activation,
    HardSigmoid,
    HardTanh,
    Identity,
    LeakyReLU,
    LogSoftmax,
    Mish,
    ReLU,
    Sigmoid,
    SiLU,
    Softmax,
    Softplus,
    Softsign,
    Tanh,
)
from pellucid.layer import Layer
from pellucid.layers.containers import Chain, Concat, Residual
from pellucid.layers.dense import Dense
from pellucid.layers.dropout import Dropout
from pellucid.layers.inputs import Input, Select
from pellucid.layers.normalization import BatchNorm
from pellucid.layers.prelu import PReLU
from pellucid.layers.shaping import Flatten, Reshape

__all__ = [
    "ELU",
    "GELU",
    "SELU",
    "Activation",
    "BatchNorm",
    "Chain",
    "Concat",
    "Dense",
    "Dropout",
    "Flatten",
    "HardSigmoid",
    "HardTanh",
    "Identity",
    "Input",
    "Layer",
    "LeakyReLU",
    "LogSoftmax",
    "Mish",
    "PReLU",
    "ReLU",
    "Reshape",
    "Residual",
    "Select",
    "SiLU",
    "Sigmoid",
    "Softmax",
    "Softplus",
    "Softsign",
    "Tanh",
]
