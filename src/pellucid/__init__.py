"""pellucid: neural networks from scratch that you can see through.

Everything is loaded when it is first used, so that importing pellucid costs little.
"""

from importlib import import_module
from typing import Any

from pellucid._version import __version__

_WHERE = {
    "activations": (
        "ELU GELU SELU Activation HardSigmoid HardTanh Identity LeakyReLU LogSoftmax "
        "Mish ReLU Sigmoid SiLU Softmax Softplus Softsign Tanh"
    ),
    "errors": (
        "ConfigurationError DataError ModelFileError NonFiniteError NotBuiltError "
        "PellucidError ShapeError SymbolError"
    ),
    "files": "load",
    "initializers": "Initializer",
    "layer": "Layer",
    "layers": (
        "BatchNorm Chain Concat Dense Dropout Flatten Input PReLU Reshape Residual "
        "Select"
    ),
    "layout": "Slot",
    "losses": (
        "BinaryCrossEntropy CrossEntropy HalfSumOfSquares Huber Loss MeanAbsoluteError "
        "MeanSquaredError SumOfSquares"
    ),
    "metrics": "Metric",
    "network": "NeuralNetwork",
    "neuron": "Neuron",
    "optimizers": ("Adam AdamW GradientDescent Momentum Nesterov Optimizer RMSProp"),
    "schedules": "Constant Cosine Exponential Schedule Step WarmUp",
    "training": (
        "Call Callback Checkpoint EarlyStopping History InterruptedWarning Report "
        "Run TimeLimit"
    ),
}
_HOME = {name: module for module, names in _WHERE.items() for name in names.split()}
_MODULES = [
    "activations",
    "data",
    "errors",
    "initializers",
    "layers",
    "losses",
    "metrics",
    "optimizers",
    "plots",
    "report",
    "schedules",
    "testing",
    "training",
]

__all__ = ["__version__", *_HOME, *_MODULES]


def __getattr__(name: str) -> Any:
    if name in _HOME:
        value = getattr(import_module(f"pellucid.{_HOME[name]}"), name)
    elif name in _MODULES:
        value = import_module(f"pellucid.{name}")
    else:
        raise AttributeError(f"module 'pellucid' has no attribute {name!r}")
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
