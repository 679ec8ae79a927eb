"""Networks of scikit-learn: MLPClassifier and MLPRegressor."""

from typing import Any

import numpy as np

from pellucid.activations import Activation
from pellucid.errors import ConfigurationError, suggestion
from pellucid.importers.collected import Collected
from pellucid.importers.foreign import as_numbers
from pellucid.network import NeuralNetwork

_ACTIVATIONS = {
    "identity": "identity",
    "logistic": "sigmoid",
    "tanh": "tanh",
    "relu": "relu",
    "softmax": "softmax",
    "exp": "exp",
}


def from_sklearn(estimator: Any, *, loss: Any = None) -> NeuralNetwork:
    """Return a network that predicts what a trained estimator of scikit-learn does.

    Its loss is the one that the estimator learned from, and a classifier's classes come
    along, so that ``predict`` gives the same labels and ``predict_proba`` the same
    probabilities (of both classes where there are two).

    Parameters
    ----------
    estimator : MLPClassifier or MLPRegressor
        After its ``fit``.
    loss : Loss or str, optional
        Another loss to go on training with.

    Returns
    -------
    NeuralNetwork
        Of the estimator's dtype.

    Raises
    ------
    ConfigurationError
        If it is another estimator, or was not fitted.

    Examples
    --------
    >>> import pellucid
    >>> from sklearn.neural_network import MLPClassifier
    >>> x, y = [[0.0], [1.0], [2.0], [3.0]], ["low", "low", "high", "high"]
    >>> model = MLPClassifier(hidden_layer_sizes=(4,), solver="lbfgs", random_state=0)
    >>> model = model.fit(x, y)
    >>> net = pellucid.from_sklearn(model)
    >>> net.predict([[0.2], [2.8]]).tolist()
    ['low', 'high']
    """
    kinds = {base.__name__ for base in type(estimator).__mro__}
    if not kinds & {"MLPClassifier", "MLPRegressor"}:
        raise ConfigurationError(
            f"Expected an MLPClassifier or MLPRegressor, got {estimator!r}."
            + (
                " Hand in its last step, and scale the data as its other steps do."
                if "Pipeline" in kinds
                else ""
            )
        )
    if not hasattr(estimator, "coefs_"):
        raise ConfigurationError(
            f"{estimator!r} has no weights yet: call its fit first."
        )
    found = Collected((len(as_numbers(estimator.coefs_[0])),))
    hidden = len(estimator.coefs_) - 1
    pairs = zip(estimator.coefs_, estimator.intercepts_, strict=True)
    for i, (W, b) in enumerate(pairs):
        found.dense(W, b)
        last = estimator.out_activation_
        name = estimator.activation if i < hidden else last
        if name not in _ACTIVATIONS:
            raise ConfigurationError(
                f"The activation {name!r} is not known here. "
                f"{suggestion(name, _ACTIVATIONS)}"
            )
        found.activation(Activation.of(_ACTIVATIONS[name]))
    classifies = "MLPClassifier" in kinds
    if loss is None and getattr(estimator, "loss", "") == "poisson":
        loss = "poisson"
    network = found.network(loss)
    if not classifies:
        network._column = found.channels > 1  # predict gives rows of one number flat
    elif not _labels(estimator):
        network.classes = _texts(estimator.classes_)
    return network


def _labels(estimator: Any) -> bool:
    """Return whether a classifier answers yes or no for each of several labels."""
    return bool(estimator.out_activation_ == "logistic" and estimator.n_outputs_ > 1)


def _texts(classes: Any) -> Any:
    array = np.asarray(classes)
    return array.astype(str) if array.dtype.kind == "O" else array
