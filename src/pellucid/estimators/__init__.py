"""Networks as scikit-learn estimators: for pipelines, searches and cross-validation.

Needs scikit-learn (``pip install "pellucid[sklearn]"``), which is imported here.
"""

from pellucid.errors import PellucidError

try:
    from pellucid.estimators.classifier import NeuralNetworkClassifier
    from pellucid.estimators.regressor import NeuralNetworkRegressor
except ModuleNotFoundError as error:
    if (error.name or "").partition(".")[0] != "sklearn":
        raise
    raise PellucidError(
        'pellucid.estimators needs scikit-learn: pip install "pellucid[sklearn]". '
        "NeuralNetwork itself works without it."
    ) from None

__all__ = ["NeuralNetworkClassifier", "NeuralNetworkRegressor"]
