"""The page about estimators says what happens, and its table what stands for what."""

import doctest
import re
import warnings
from pathlib import Path

import numpy as np
import pytest
from sklearn.exceptions import ConvergenceWarning
from sklearn.neural_network import MLPClassifier, MLPRegressor

import pellucid
from pellucid import Adam, GradientDescent, InverseScaling, Momentum, Nesterov

PAGE = Path(__file__).parents[2] / "docs" / "estimators.md"
FLAGS = doctest.NORMALIZE_WHITESPACE | doctest.ELLIPSIS


def test_its_code_says_what_happens():
    found = doctest.testfile(str(PAGE), module_relative=False, optionflags=FLAGS)
    assert found.attempted > 15
    assert found.failed == 0


@pytest.mark.parametrize("kind", [MLPClassifier, MLPRegressor])
def test_every_argument_has_its_row(kind):
    rows = [line for line in PAGE.read_text("utf-8").splitlines() if line[:2] == "| "]
    told = {name for row in rows for name in re.findall(r"\w+", row.split("|")[1])}
    assert kind().get_params().keys() <= told


def test_what_stands_for_an_argument_exists():
    """Every optimizer and schedule in the table can be made as it is written there."""
    calls = re.findall(r"`(?:optimizer=)?([A-Z]\w+\(.*?\))`", PAGE.read_text("utf-8"))
    assert len(calls) > 8
    names = {"p": 0.5, "m": 0.9, "a": 1e-4, "batch_size": 32, "rows": 150}
    parts = {name: getattr(pellucid, name) for name in pellucid.__all__}
    for call in calls:
        assert eval(call, names | parts)


SGD = {"solver": "sgd", "learning_rate_init": 0.1, "alpha": 0.0}


@pytest.mark.parametrize(
    ("theirs", "ours"),
    [
        ({"alpha": 0.5}, Adam(l2=0.5 / 150)),
        ({"beta_1": 0.8, "beta_2": 0.9, "alpha": 0.0}, Adam(beta1=0.8, beta2=0.9)),
        (SGD, Nesterov(0.1, momentum=0.9)),
        (SGD | {"nesterovs_momentum": False}, Momentum(0.1, momentum=0.9)),
        (
            SGD | {"momentum": 0.0, "learning_rate": "invscaling"},
            GradientDescent(InverseScaling(0.1, power=0.5, every=1 / 150)),
        ),
    ],
    ids=["alpha", "betas", "nesterov", "momentum", "invscaling"],
)
def test_the_same_steps_from_the_same_weights(theirs, ours):
    iris = pellucid.data.iris()
    x = (iris.x - iris.x.mean(0)) / iris.x.std(0)
    shared = {
        "hidden_layer_sizes": (8,), "batch_size": 150, "shuffle": False,
        "random_state": 0, "tol": 0.0, "n_iter_no_change": 1000,
    }  # fmt: skip
    # A step of no length leaves the weights that the other training starts from.
    still = {"solver": "sgd", "learning_rate_init": 1e-300, "max_iter": 1}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        first = MLPClassifier(**shared | still).fit(x, iris.y)
        last = MLPClassifier(**shared | {"max_iter": 20} | theirs).fit(x, iris.y)
    net = pellucid.from_sklearn(first)
    assert np.abs(net.parameters["dense_1.W"] - last.coefs_[0]).max() > 0.01
    net.fit(x, iris.y, epochs=20, batch_size=150, shuffle=False, optimizer=ours)
    for i in (0, 1):
        W, b = (net.parameters[f"dense_{i + 1}.{name}"] for name in "Wb")
        np.testing.assert_allclose(W, last.coefs_[i], rtol=1e-4, atol=1e-5)
        np.testing.assert_allclose(b, last.intercepts_[i], rtol=1e-4, atol=1e-5)
