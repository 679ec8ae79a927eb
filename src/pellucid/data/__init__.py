"""Data to learn with: made by formulas, bundled, or read from tables and folders."""

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
from pellucid.data.table import Table, table

__all__ = [
    "Dataset",
    "Images",
    "Standardizer",
    "Table",
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
    "table",
    "truth_table",
    "wine",
    "xor",
]
