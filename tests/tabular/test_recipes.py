"""Which recipe a table gets."""

import math

import pytest

from pellucid.errors import ConfigurationError
from pellucid.tabular import Recipe, recipe_for


@pytest.mark.parametrize(
    ("rows", "batch", "epochs", "folds", "width"),
    [
        (9, 64, 256, 0, 128),
        (10, 64, 256, 5, 128),
        (499, 64, 256, 5, 128),
        (500, 64, 256, 0, 256),
        (1_024, 64, 256, 0, 256),
        (1_025, 128, 256, 0, 256),
        (8_192, 128, 187, 0, 256),
        (8_193, 256, 256, 0, 256),
        (100_000, 256, 30, 0, 256),
        (1_000_000, 256, 20, 0, 256),
    ],
)
@pytest.mark.parametrize("task", ["classes", "numbers"])
def test_the_recipe_follows_the_rows(rows, batch, epochs, folds, width, task):
    recipe = recipe_for(rows, task)
    assert (recipe.batch_size, recipe.epochs, recipe.folds) == (batch, epochs, folds)
    assert recipe.hidden == (width,) * 3
    assert recipe.smoothing == (0.1 if task == "classes" else 0.0)
    steps = math.ceil(rows / batch) * epochs
    assert steps <= 12_000 or epochs == 20


def test_an_ensemble_has_members_and_no_folds():
    recipe = recipe_for(100, "classes", ensemble=8)
    assert isinstance(recipe, Recipe)
    assert (recipe.members, recipe.folds, recipe.patience) == (8, 0, 16)


@pytest.mark.parametrize("ensemble", [1, 0, -3, 2.5, True, "many", 1000])
def test_members_that_cannot_be(ensemble):
    with pytest.raises(ConfigurationError, match="members from 2 to 256"):
        recipe_for(100, "classes", ensemble=ensemble)


def test_presets_that_do_not_exist():
    with pytest.raises(ConfigurationError, match=r"no preset 'table'.*tabular"):
        recipe_for(100, "classes", preset="table")
    with pytest.raises(ConfigurationError, match="Expected 'classes' or 'numbers'"):
        recipe_for(100, "ranks")
