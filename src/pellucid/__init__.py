"""pellucid: neural networks from scratch that you can see through.

Everything is loaded when it is first used, so that importing pellucid costs little.
"""

from importlib import import_module
from typing import Any

from pellucid._version import __version__

_WHERE = {
    "activations": (
        "ELU GELU SELU Activation Exp HardSigmoid HardTanh Identity LeakyReLU "
        "LogSoftmax Mish ReLU Sigmoid SiLU Softmax Softplus Softsign Tanh"
    ),
    "attribution": "occlusion saliency",
    "augmentations": "Augmentation Cutout Flip Mixup Noise Rotate Scale Shift",
    "dependence": "Dependence partial_dependence",
    "encoder": "Encoder",
    "errors": (
        "ConfigurationError DataError ModelFileError NonFiniteError NotBuiltError "
        "PellucidError ShapeError SymbolError"
    ),
    "doctor": "Diagnosis Doctor DoctorWarning Finding",
    "files": "load",
    "importance": "Importance permutation_importance",
    "importers.keras": "from_keras",
    "importers.onnx": "from_onnx",
    "importers.sklearn": "from_sklearn",
    "importers.torch": "from_torch",
    "initializers": "Initializer",
    "layer": "Layer",
    "layers": (
        "AveragePool1D AveragePool2D BatchNorm Chain Concat Conv1D Conv2D "
        "ConvTranspose2D Dense DepthwiseConv2D Dropout Embedding FeatureScale Flatten "
        "GaussianNoise "
        "GlobalAveragePool GlobalMaxPool GroupNorm Input LayerNorm MaxPool1D MaxPool2D "
        "PReLU Pad RMSNorm Rescale Reshape Residual Select SeparableConv2D "
        "SpatialDropout UpSample"
    ),
    "layout": "Slot",
    "losses": (
        "BinaryCrossEntropy BinaryFocal BinaryHinge CrossEntropy EachMember Focal "
        "GaussianLikelihood HalfSumOfSquares Hinge Huber LogCosh Loss "
        "MeanAbsoluteError MeanSquaredError Poisson Quantile SumOfSquares"
    ),
    "metrics": "Metric",
    "minimizers": "LBFGS Minimizer",
    "network": "NeuralNetwork",
    "neuron": "Neuron",
    "optimizers": (
        "AMSGrad AdaGrad Adam AdamW GradientDescent Lion Momentum NAdam Nesterov "
        "Optimizer RMSProp"
    ),
    "readers": "ImageReader Reader",
    "reliability": "Calibration calibration",
    "recording": "Recording",
    "recording_files": "load_recording",
    "shapley": "Contributions contributions",
    "schedules": (
        "Constant Cosine CosineRestarts Exponential InverseScaling LogCosine OneCycle "
        "Polynomial ReduceOnPlateau Schedule Step WarmUp"
    ),
    "training": (
        "Call Callback Checkpoint CheckpointWarning EarlyStopping GradientWarning "
        "History InterruptedWarning RateSearch RecordWeights RecordingWarning Report "
        "Run TimeLimit"
    ),
}
_HOME = {name: module for module, names in _WHERE.items() for name in names.split()}
_MODULES = [
    "activations",
    "augmentations",
    "data",
    "encoder",
    "errors",
    "estimators",
    "initializers",
    "layers",
    "losses",
    "metrics",
    "models",
    "optimizers",
    "plots",
    "report",
    "schedules",
    "tabular",
    "testing",
    "training",
]

# A star takes what works everywhere; the estimators need scikit-learn.
__all__ = ["__version__", *_HOME, *(name for name in _MODULES if name != "estimators")]


def __getattr__(name: str) -> Any:
    if name in _HOME:
        value = getattr(import_module(f"pellucid.{_HOME[name]}"), name)
    elif name in _MODULES:
        value = import_module(f"pellucid.{name}")
    else:
        raise AttributeError(
            f"module 'pellucid' has no attribute {name!r}{_near(name)}"
        )
    globals()[name] = value
    return value


def _near(name: str) -> str:
    if name.startswith("_"):
        return ""
    from pellucid.errors import nearest

    near = nearest(name, [*_HOME, *_MODULES])
    return f". Did you mean {near!r}?" if near else ""


def __dir__() -> list[str]:
    return sorted({*__all__, *_MODULES})
