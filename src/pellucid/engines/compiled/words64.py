"""The words of kernels in float64: every kernel file imports them all."""

from numba import float64 as number
from numpy import cos, floor, sin, sqrt

from pellucid.engines.compiled.elementary import (
    erf64 as erf,
    exp64 as exp,
    expm164 as expm1,
    log1p64 as log1p,
    log64 as log,
    tanh64 as tanh,
)
from pellucid.engines.compiled.products import product64 as product
from pellucid.engines.compiled.runtime import (
    array,
    conditions,
    floats64 as floats,
    inf,
    integers,
    kernel,
    maximum,
    minimum,
    nan,
    reals,
    step_key,
    uniform64 as uniform,
)
from pellucid.engines.compiled.turning import turn64 as turn
from pellucid.engines.compiled.vectors import (
    larger,
    load64 as load,
    spread64 as spread,
    store64 as store,
    where_same,
)

item = 8  # bytes of a number

__all__ = [
    "array",
    "conditions",
    "cos",
    "erf",
    "exp",
    "expm1",
    "floats",
    "floor",
    "inf",
    "integers",
    "item",
    "kernel",
    "larger",
    "load",
    "log",
    "log1p",
    "maximum",
    "minimum",
    "nan",
    "number",
    "product",
    "reals",
    "sin",
    "spread",
    "sqrt",
    "step_key",
    "store",
    "tanh",
    "turn",
    "uniform",
    "where_same",
]
