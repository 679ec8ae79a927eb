"""scikit-learn's own checks of estimators, all of them."""

import pytest

pytest.importorskip("sklearn", reason="the estimators need scikit-learn")

import numpy as np
from sklearn.utils.estimator_checks import parametrize_with_checks

from pellucid.estimators import NeuralNetworkClassifier, NeuralNetworkRegressor


@parametrize_with_checks([NeuralNetworkClassifier(), NeuralNetworkRegressor()])
def test_check(estimator, check):
    state = np.random.get_state()  # noqa: NPY002 - some checks draw from it
    try:
        check(estimator)
    finally:
        np.random.set_state(state)  # noqa: NPY002
