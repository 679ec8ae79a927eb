"""Strong networks for tables without tuning: recipes, and training by one of them."""

from pellucid.tabular.recipes import PRESETS, Recipe, recipe_for
from pellucid.tabular.training import TrainedTable, train

__all__ = ["PRESETS", "Recipe", "TrainedTable", "recipe_for", "train"]
