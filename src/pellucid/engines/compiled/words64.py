"""The words of kernels in float64."""

from numba import float64 as _number
from numpy import floor, sqrt

from pellucid.engines.compiled.elementary import erf64 as erf
from pellucid.engines.compiled.elementary import exp64 as exp
from pellucid.engines.compiled.elementary import expm164 as expm1
from pellucid.engines.compiled.elementary import log1p64 as log1p
from pellucid.engines.compiled.elementary import log64 as log
from pellucid.engines.compiled.elementary import tanh64 as tanh
from pellucid.engines.compiled.runtime import array, conditions, inf, integers, kernel
from pellucid.engines.compiled.runtime import floats64 as floats
from pellucid.engines.compiled.runtime import gemm64 as gemm
from pellucid.engines.compiled.runtime import reals, step_key
from pellucid.engines.compiled.runtime import uniform64 as uniform

number = _number
