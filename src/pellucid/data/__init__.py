"""Data to learn with: made by formulas or bundled, split and standardized."""

from pellucid.data.bundled import breast_cancer, diabetes, digits, iris, wine
from pellucid.data.catalogue import load, names
from pellucid.data.dataset import Dataset
from pellucid.data.generators import (
    blobs,
    checkerboard,
    circles,
    friedman1,
    moons,
    rings,
    sine,
    spirals,
    truth_table,
    xor,
)
from pellucid.data.image_folder import Images, images
from pellucid.data.splits import split, split_indices
from pellucid.data.standardizer import Standardizer, standardize

__all__ = [
    "Dataset",
    "Images",
    "Standardizer",
    "blobs",
    "breast_cancer",
    "checkerboard",
    "circles",
    "diabetes",
    "digits",
    "friedman1",
    "images",
    "iris",
    "load",
    "moons",
    "names",
    "rings",
    "sine",
    "spirals",
    "split",
    "split_indices",
    "standardize",
    "truth_table",
    "wine",
    "xor",
]
