"""The words of kernels in float32."""

from numba import float32 as _number
from numpy import floor, sqrt

from pellucid.engines.compiled.elementary import erf32 as erf
from pellucid.engines.compiled.elementary import exp32 as exp
from pellucid.engines.compiled.elementary import expm132 as expm1
from pellucid.engines.compiled.elementary import log1p32 as log1p
from pellucid.engines.compiled.elementary import log32 as log
from pellucid.engines.compiled.elementary import tanh32 as tanh
from pellucid.engines.compiled.runtime import array, conditions, inf, integers, kernel
from pellucid.engines.compiled.runtime import floats32 as floats
from pellucid.engines.compiled.runtime import gemm32 as gemm
from pellucid.engines.compiled.runtime import reals, step_key
from pellucid.engines.compiled.runtime import uniform32 as uniform

number = _number
