"""A copy of OpenBLAS of our own, at full speed, apart from NumPy's.

The OpenBLAS in NumPy's and SciPy's wheels chooses AVX2 kernels on AMD processors that
have AVX-512. The package scipy-openblas32 holds the same library; it is loaded with the
faster choice where the processor has what it needs, and with one thread, because this
engine divides the work itself. NumPy's own BLAS is left alone.
"""

import ctypes
import os
import sys
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any

_NEEDED = ("AVX512F", "AVX512CD", "AVX512_SKX")


@dataclass(frozen=True)
class Blas:
    """A loaded BLAS.

    Parameters
    ----------
    library : str
        Where it comes from.
    kernels : str
        Which processor its kernels are for.
    sgemm, dgemm : int
        Addresses of the matrix products in float32 and float64.
    """

    library: str
    kernels: str
    sgemm: int
    dgemm: int

    def gemm(self, bits: int) -> int:
        """Return the address of the matrix product.

        Parameters
        ----------
        bits : int
            32 or 64.

        Returns
        -------
        int
        """
        return self.sgemm if bits == 32 else self.dgemm


@cache
def cpu_features() -> frozenset[str]:
    """Return the names of the processor's vector extensions, as NumPy knows them."""
    try:
        umath: Any = import_module("numpy._core._multiarray_umath")
        found: dict[str, bool] = umath.__cpu_features__
    except (ImportError, AttributeError):
        return frozenset()
    return frozenset(name for name, there in found.items() if there)


@cache
def load() -> Blas | None:
    """Return the private BLAS; None where its package is missing."""
    return _private()


def _private() -> Blas | None:
    try:
        import scipy_openblas32 as package
    except ImportError:
        return None
    folder = Path(package.get_lib_dir())
    pattern = {"win32": "*.dll", "darwin": "*.dylib"}.get(sys.platform, "*.so")
    found = sorted(folder.glob(f"libscipy_openblas{pattern}"))
    if not found:
        return None
    wanted = {"OPENBLAS_NUM_THREADS": "1"}
    if cpu_features() >= set(_NEEDED):
        wanted["OPENBLAS_CORETYPE"] = "SkylakeX"
    before = {name: os.environ.get(name) for name in wanted}
    try:
        for name, value in wanted.items():
            if name == "OPENBLAS_NUM_THREADS" or before[name] is None:
                os.environ[name] = value
        library = ctypes.CDLL(str(found[0]))
    except OSError:
        return None
    finally:
        for name, old in before.items():
            if old is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = old
    library.scipy_openblas_set_num_threads(1)
    kernels = library.scipy_openblas_get_corename
    kernels.restype = ctypes.c_char_p
    return Blas(
        str(found[0]),
        kernels().decode(),
        _address(library.scipy_cblas_sgemm),
        _address(library.scipy_cblas_dgemm),
    )


def _address(function: Any) -> int:
    return ctypes.cast(function, ctypes.c_void_p).value or 0
