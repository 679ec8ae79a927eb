"""The words of kernels in float32: every kernel file imports them all."""

from numba import float32 as number
from numpy import cos, floor, sin, sqrt

from pellucid.engines.compiled.elementary import (
    erf32 as erf,
    exp32 as exp,
    expm132 as expm1,
    log1p32 as log1p,
    log32 as log,
    tanh32 as tanh,
)
from pellucid.engines.compiled.products import product32 as product
from pellucid.engines.compiled.runtime import (
    array,
    conditions,
    floats32 as floats,
    inf,
    integers,
    kernel,
    maximum,
    minimum,
    nan,
    reals,
    step_key,
    uniform32 as uniform,
)
from pellucid.engines.compiled.turning import turn32 as turn
from pellucid.engines.compiled.vectors import (
    larger,
    load32 as load,
    spread32 as spread,
    store32 as store,
    where_same,
)

item = 4  # bytes of a number

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
