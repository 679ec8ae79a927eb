"""Matrices transposed: square blocks of them in registers."""

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

from pellucid.engines.compiled.vectors import Code, register_bytes, whole


def _blocks(code, length):
    """How many blocks a length has, the last one perhaps not whole."""
    builder = code.builder
    return builder.sdiv(builder.add(length, whole(code.width - 1)), whole(code.width))


def write_turned(code, rows, columns, x, long_x, z, long_z, *, whole_squares=False):
    """Write a call of what transposes x into z, both with gaps between their rows.

    With `whole_squares` z has room for a whole number of blocks; what is written beyond
    the matrix are zeros.
    """
    module, name = code.builder.module, f"turn_{code.bits}_{int(whole_squares)}"
    arguments = [rows, columns, x, long_x, z, long_z]
    function = module.globals.get(name)
    if function is None:  # one for all calls: it is much code
        kind = ir.FunctionType(ir.VoidType(), [value.type for value in arguments])
        function = ir.Function(module, kind, name)
        function.linkage = "internal"
        builder = ir.IRBuilder(function.append_basic_block("entry"))
        own = Code(builder, code.bits, code.width)
        _write_loops(own, *function.args, whole_squares=whole_squares)
        builder.ret_void()
    code.builder.call(function, arguments)


def _write_loops(code, rows, columns, x, long_x, z, long_z, *, whole_squares):
    """Write the loops over squares."""
    builder, width = code.builder, whole(code.width)
    with (
        cgutils.for_range(builder, _blocks(code, rows)) as down,
        cgutils.for_range(builder, _blocks(code, columns)) as right,
    ):
        i, j = builder.mul(down.index, width), builder.mul(right.index, width)
        wide, high = builder.sub(columns, j), builder.sub(rows, i)
        inside = builder.and_(
            builder.icmp_signed(">=", wide, width),
            builder.icmp_signed(">=", high, width),
        )
        here = code.at(x, builder.mul(i, long_x), j)
        there = code.at(z, builder.mul(j, long_z), i)
        with builder.if_else(inside) as (then, otherwise):
            with then:
                _write_square(code, here, long_x, there, long_z)
            with otherwise:
                to = None if whole_squares else (wide, high)
                _write_square(code, here, long_x, there, long_z, (high, wide), to)


def _write_square(code, x, long_x, z, long_z, there=None, to=None):
    """Write what turns a square; of it, only so many rows and columns may be there."""
    square = [
        code.load(code.at(x, code.builder.mul(whole(r), long_x)), _mask(code, r, there))
        for r in range(code.width)
    ]
    for c, vector in enumerate(code.transposed(square)):
        place = code.at(z, code.builder.mul(whole(c), long_z))
        code.store(vector, place, _mask(code, c, to))


def _mask(code, row, size):
    """Which numbers of a row there are, in a matrix of some rows and columns."""
    if size is None:
        return None
    rows, columns = size
    is_row = code.builder.icmp_signed("<", whole(row), rows)
    return code.first(code.builder.select(is_row, columns, whole(0)))


def _turn(bits):
    """Return what transposes a matrix of numbers of some bits."""

    @intrinsic
    def turn(context, rows, columns, x, long_x, z, long_z):
        signature = types.void(*(types.int64,) * 6)

        def generate(context, builder, signature, arguments):
            rows, columns, x, long_x, z, long_z = arguments
            code = Code(builder, bits, register_bytes() * 8 // bits)
            x, z = code.pointer(x), code.pointer(z)
            write_turned(code, rows, columns, x, long_x, z, long_z)
            return context.get_dummy_value()

        return signature, generate

    return turn


turn32, turn64 = _turn(32), _turn(64)
