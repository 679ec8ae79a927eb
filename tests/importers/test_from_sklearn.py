"""Networks of scikit-learn predict the same in pellucid: the real estimators."""

import numpy as np
import pandas as pd
import pytest
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.pipeline import make_pipeline

import pellucid
from pellucid.errors import ConfigurationError

R = np.random.default_rng(0)
X = R.normal(size=(40, 3))
NUMBERS = X @ np.array([[1.0, 0.5], [-1.0, 0.2], [0.3, 2.0]]) + np.sin(X[:, :1])


def trained(kind, y, *, dtype="float64", **settings):
    model = kind(hidden_layer_sizes=(5, 4), max_iter=30, random_state=0, **settings)
    with pytest.warns(ConvergenceWarning):
        return model.fit(X.astype(dtype), y)


@pytest.mark.parametrize("activation", ["identity", "logistic", "tanh", "relu"])
def test_numbers(activation):
    model = trained(MLPRegressor, NUMBERS, activation=activation)
    network = pellucid.from_sklearn(model)
    assert network.dtype == "float64"
    assert network.loss.label == "mean_squared_error"
    np.testing.assert_allclose(network.predict(X), model.predict(X), rtol=1e-12)


def test_one_number_comes_flat():
    model = trained(MLPRegressor, NUMBERS[:, 0])
    found = pellucid.from_sklearn(model).predict(X)
    assert found.shape == (40,)
    np.testing.assert_allclose(found, model.predict(X), rtol=1e-12)


def test_classes_with_names():
    y = np.array(["cat", "dog", "eel"])[NUMBERS.argmax(axis=1) + (X[:, 0] > 0)]
    model = trained(MLPClassifier, y)
    network = pellucid.from_sklearn(model)
    assert network.loss.label == "cross_entropy"
    assert network.predict(X).tolist() == model.predict(X).tolist()
    p = network.predict_proba(X)
    np.testing.assert_allclose(p, model.predict_proba(X), rtol=1e-10)


def test_two_classes_in_one_output():
    model = trained(MLPClassifier, np.where(X[:, 0] > 0, "yes", "no").astype(object))
    network = pellucid.from_sklearn(model)
    assert network.loss.label == "binary_cross_entropy"
    assert network.classes.tolist() == ["no", "yes"]
    assert network.predict(X).tolist() == model.predict(X).tolist()
    p = network.predict_proba(X)
    np.testing.assert_allclose(p, model.predict_proba(X), rtol=1e-10)


def test_several_labels():
    y = (NUMBERS > 0).astype(int)
    model = trained(MLPClassifier, y)
    network = pellucid.from_sklearn(model)
    assert network.loss.label == "binary_cross_entropy"
    assert network.predict(X).tolist() == model.predict(X).tolist()
    p = network.predict_proba(X)
    np.testing.assert_allclose(p, model.predict_proba(X), rtol=1e-10)


def test_counts():
    model = trained(MLPRegressor, np.floor(np.exp(X[:, 0])), loss="poisson")
    network = pellucid.from_sklearn(model)
    assert network.loss.label == "poisson"
    np.testing.assert_allclose(network.predict(X), model.predict(X), rtol=1e-10)


def test_float32_stays_float32():
    model = trained(MLPRegressor, NUMBERS.astype("float32"), dtype="float32")
    network = pellucid.from_sklearn(model)
    assert network.dtype == "float32"
    found = network.predict(X.astype("float32"))
    wanted = model.predict(X.astype("float32"))
    np.testing.assert_allclose(found, wanted, rtol=1e-5, atol=1e-6)


def test_what_was_taken_over_goes_on_learning():
    network = pellucid.from_sklearn(trained(MLPRegressor, NUMBERS))
    history = network.fit(X, NUMBERS, epochs=20, batch_size=10)
    assert history.loss[-1] < history.loss[0]


def test_trained_on_a_data_frame():
    frame = pd.DataFrame(X, columns=["a", "b", "c"])
    model = MLPRegressor(hidden_layer_sizes=(3,), max_iter=2, random_state=0)
    with pytest.warns(ConvergenceWarning):
        model.fit(frame, NUMBERS)
    found = pellucid.from_sklearn(model).predict(frame)
    np.testing.assert_allclose(found, model.predict(frame), rtol=1e-12)


def test_others_are_refused():
    with pytest.raises(ConfigurationError, match="Expected an MLPClassifier"):
        pellucid.from_sklearn(LogisticRegression())
    with pytest.raises(ConfigurationError, match="Hand in its last step"):
        pellucid.from_sklearn(make_pipeline(MLPRegressor()))
    with pytest.raises(ConfigurationError, match="call its fit first"):
        pellucid.from_sklearn(MLPRegressor())
