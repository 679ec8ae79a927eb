"""What the text of a kernel means: addresses as arrays, random numbers, the driver."""

import numpy as np
from llvmlite import ir
from numba import carray as array
from numba import cfunc, njit, types
from numba.core import cgutils
from numba.extending import intrinsic

# No flag lets a NaN or an infinity slip through: nnan and ninf are not among them.
FLAGS = {"nsz", "arcp", "contract", "afn", "reassoc"}
SIGNATURE = types.void(types.CPointer(types.int64))
inf, nan = np.inf, np.nan

__all__ = ["array", "inf", "nan"]


def kernel(function):
    """Compile a kernel: one signature for all, kept on disk."""
    return cfunc(SIGNATURE, fastmath=FLAGS, cache=True, error_model="numpy")(function)


def threaded(function):
    """Compile a function that lets other threads run, and keep it on disk.

    Where neither this folder nor the user's can be written it is compiled every time.
    """
    try:
        return njit(nogil=True, cache=True, error_model="numpy")(function)
    except RuntimeError:
        return njit(nogil=True, error_model="numpy")(function)


def _pointer(kind):
    @intrinsic
    def pointer(context, address):
        target = types.CPointer(kind)

        def generate(context, builder, signature, arguments):
            return builder.inttoptr(arguments[0], context.get_value_type(target))

        return target(types.int64), generate

    return pointer


floats32 = _pointer(types.float32)
floats64 = _pointer(types.float64)
reals = floats64
integers = _pointer(types.int64)
conditions = _pointer(types.int8)


def _extreme(name):
    """Return the larger or smaller of two numbers, NaN if one is."""

    @intrinsic
    def extreme(context, x, y):
        def generate(context, builder, signature, arguments):
            kind = arguments[0].type
            function = builder.module.declare_intrinsic(
                f"llvm.{name}", [kind], ir.FunctionType(kind, [kind, kind])
            )
            return builder.call(function, arguments)

        return x(x, x), generate

    return extreme


maximum, minimum = _extreme("maximum"), _extreme("minimum")


@intrinsic
def call(context, address, operands):
    """Call the kernel at an address."""
    signature = types.void(types.int64, types.CPointer(types.int64))

    def generate(context, builder, signature, arguments):
        pointer = ir.IntType(64).as_pointer()
        function = ir.FunctionType(ir.VoidType(), [pointer])
        target = builder.inttoptr(arguments[0], function.as_pointer())
        builder.call(target, [arguments[1]])
        return context.get_dummy_value()

    return signature, generate


_inline = njit(error_model="numpy", inline="never")
_u = np.uint64


@_inline
def step_key(key, step, stream):
    """See `pellucid.rng.step_key`: the same whole-number arithmetic."""
    x = (
        _u(key)
        + _u(step) * _u(0x9E3779B97F4A7C15)
        + _u(stream) * _u(0xD1B54A32D192ED03)
    )
    x = (x ^ (x >> _u(30))) * _u(0xBF58476D1CE4E5B9)
    x = (x ^ (x >> _u(27))) * _u(0x94D049BB133111EB)
    return (x ^ (x >> _u(31))) | _u(1)


@_inline
def _squares(key, position):
    """See `pellucid.rng.squares`."""
    y = _u(position) * key
    z = y + key
    x = y * y + y
    x = (x >> _u(32)) | (x << _u(32))
    x = x * x + z
    x = (x >> _u(32)) | (x << _u(32))
    x = x * x + y
    x = (x >> _u(32)) | (x << _u(32))
    return (x * x + z) >> _u(40)


@_inline
def uniform32(key, position):
    """A number in [0, 1) with 24 bits."""
    return np.float32(np.int32(_squares(key, position))) * np.float32(2.0**-24)


@_inline
def uniform64(key, position):
    """The same number in float64."""
    return np.float64(np.int32(_squares(key, position))) * np.float64(2.0**-24)


@intrinsic
def address_of(context, vector, place):
    """The address of an entry of a vector of whole numbers, as a pointer."""
    signature = types.CPointer(types.int64)(vector, types.int64)

    def generate(context, builder, signature, arguments):
        found = context.make_array(signature.args[0])(context, builder, arguments[0])
        return cgutils.gep_inbounds(builder, found.data, arguments[1])

    return signature, generate


@threaded
def run(calls, operands):
    """Call kernels in order: rows of (address, place of its operands)."""
    for i in range(calls.shape[0]):
        call(calls[i, 0], address_of(operands, calls[i, 1]))
