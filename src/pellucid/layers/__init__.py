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
from pellucid.layers.convolution import Conv1D, Conv2D
from pellucid.layers.dense import Dense
from pellucid.layers.dropout import Dropout, SpatialDropout
from pellucid.layers.embedding import Embedding
from pellucid.layers.feature_scale import FeatureScale
from pellucid.layers.global_pooling import GlobalAveragePool, GlobalMaxPool
from pellucid.layers.inputs import Input, Select
from pellucid.layers.noise import GaussianNoise
from pellucid.layers.normalization import BatchNorm, GroupNorm, LayerNorm, RMSNorm
from pellucid.layers.pooling import AveragePool1D, AveragePool2D, MaxPool1D, MaxPool2D
from pellucid.layers.prelu import PReLU
from pellucid.layers.rescale import Rescale
from pellucid.layers.resizing import Pad, UpSample
from pellucid.layers.separable import DepthwiseConv2D, SeparableConv2D
from pellucid.layers.shaping import Flatten, Reshape
from pellucid.layers.transposed import ConvTranspose2D

__all__ = [
    "ELU",
    "GELU",
    "SELU",
    "Activation",
    "AveragePool1D",
    "AveragePool2D",
    "BatchNorm",
    "Chain",
    "Concat",
    "Conv1D",
    "Conv2D",
    "ConvTranspose2D",
    "Dense",
    "DepthwiseConv2D",
    "Dropout",
    "Embedding",
    "FeatureScale",
    "Flatten",
    "GaussianNoise",
    "GlobalAveragePool",
    "GlobalMaxPool",
    "GroupNorm",
    "HardSigmoid",
    "HardTanh",
    "Identity",
    "Input",
    "Layer",
    "LayerNorm",
    "LeakyReLU",
    "LogSoftmax",
    "MaxPool1D",
    "MaxPool2D",
    "Mish",
    "PReLU",
    "Pad",
    "RMSNorm",
    "ReLU",
    "Rescale",
    "Reshape",
    "Residual",
    "Select",
    "SeparableConv2D",
    "SiLU",
    "Sigmoid",
    "Softmax",
    "Softplus",
    "Softsign",
    "SpatialDropout",
    "Tanh",
    "UpSample",
]
