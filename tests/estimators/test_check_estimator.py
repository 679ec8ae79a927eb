"""scikit-learn's own checks of estimators, all of them."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

import pytest

pytest.importorskip("sklearn", reason="the estimators need scikit-learn")

import numpy as np
from sklearn.utils.estimator_checks import parametrize_with_checks

from pellucid import tabular
from pellucid.estimators import NeuralNetworkClassifier, NeuralNetworkRegressor

# A preset holds rows out, in parts of so many rows, and learns in batches of so many: a
# row that is there twice is then two rows, of which one may be held out. The checks
# compare predictions to seven digits, which only training on all rows at once can keep.
NOT_WITH_PRESETS = dict.fromkeys(
    (
        "check_sample_weight_equivalence_on_dense_data",
        "check_sample_weight_equivalence_on_sparse_data",
    ),
    "a preset holds out rows, and a weight of 2 is not the same row twice",
)


@contextmanager
def numpy_random_numbers_kept() -> Iterator[None]:
    """Put the random numbers back that some checks draw from."""
    state = np.random.get_state()  # noqa: NPY002
    try:
        yield
    finally:
        np.random.set_state(state)  # noqa: NPY002


@parametrize_with_checks([NeuralNetworkClassifier(), NeuralNetworkRegressor()])
def test_check(estimator, check):
    with numpy_random_numbers_kept():
        check(estimator)


@parametrize_with_checks(
    [
        NeuralNetworkClassifier(preset="tabular"),
        NeuralNetworkRegressor(ensemble=2),
    ],
    expected_failed_checks=lambda _: NOT_WITH_PRESETS,
)
def test_check_with_presets(estimator, check, monkeypatch):
    # The recipe with small layers and few epochs: the checks are about conventions.
    def quick(*given, **named):
        recipe = tabular.recipe_for(*given, **named)
        return replace(recipe, hidden=(32,), epochs=min(recipe.epochs, 60))

    monkeypatch.setattr("pellucid.tabular.training.recipe_for", quick)
    with numpy_random_numbers_kept():
        check(estimator)
