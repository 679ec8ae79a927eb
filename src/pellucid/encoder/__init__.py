"""From the rows of a table to numbers for a network, and from its answers to units."""

from pellucid.encoder.encoder import Encoder
from pellucid.encoder.encodings import (
    Boolean,
    Date,
    Embedded,
    Encoding,
    Gap,
    Left,
    Number,
    OneHot,
)
from pellucid.encoder.operations import FORMULAS, OPERATIONS, Feature, Operation
from pellucid.encoder.target import Classes, Standardized, Target

__all__ = [
    "FORMULAS",
    "OPERATIONS",
    "Boolean",
    "Classes",
    "Date",
    "Embedded",
    "Encoder",
    "Encoding",
    "Feature",
    "Gap",
    "Left",
    "Number",
    "OneHot",
    "Operation",
    "Standardized",
    "Target",
]
