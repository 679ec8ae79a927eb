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
from pellucid.engines.compiled.runtime import (
    array,
    conditions,
    floats32 as floats,
    gemm32 as gemm,
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
