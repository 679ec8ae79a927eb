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
from pellucid.engines.compiled.runtime import (
    array,
    conditions,
    floats64 as floats,
    gemm64 as gemm,
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

__all__ = [
    "array",
    "conditions",
    "cos",
    "erf",
    "exp",
    "expm1",
    "floats",
    "floor",
    "gemm",
    "inf",
    "integers",
    "kernel",
    "log",
    "log1p",
    "maximum",
    "minimum",
    "nan",
    "number",
    "reals",
    "sin",
    "sqrt",
    "step_key",
    "tanh",
    "uniform",
]
