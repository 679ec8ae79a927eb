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
        square = []
        for r in range(code.width):
            there = builder.icmp_signed("<", whole(r), high)
            mask = code.first(builder.select(there, wide, whole(0)))
            row = builder.mul(builder.add(i, whole(r)), long_x)
            square.append(code.load(code.at(x, row, j), mask))
        for c, vector in enumerate(code.transposed(square)):
            row = builder.mul(builder.add(j, whole(c)), long_z)
            place = code.at(z, row, i)
            if whole_squares:
                code.store(vector, place)
                continue
            there = builder.icmp_signed("<", whole(c), wide)
            mask = code.first(builder.select(there, high, whole(0)))
            code.store(vector, place, mask)


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
