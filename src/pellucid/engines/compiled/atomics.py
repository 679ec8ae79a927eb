"""Entries of vectors that threads change at the same time."""

from llvmlite import ir
from numba import types
from numba.extending import intrinsic

ORDER = "seq_cst"  # all threads see all changes in one order


def _entry(context, builder, signature, arguments):
    """Return a pointer to an entry of the vector that is the first argument."""
    found = context.make_array(signature.args[0])(context, builder, arguments[0])
    return builder.gep(found.data, [arguments[1]])


@intrinsic
def load(context, vector, place):
    """An entry that other threads may change."""
    signature = types.int64(vector, types.int64)

    def generate(context, builder, signature, arguments):
        pointer = _entry(context, builder, signature, arguments)
        return builder.load_atomic(pointer, ORDER, 8)

    return signature, generate


@intrinsic
def store(context, vector, place, value):
    """Change an entry that other threads read."""
    signature = types.void(vector, types.int64, types.int64)

    def generate(context, builder, signature, arguments):
        pointer = _entry(context, builder, signature, arguments)
        builder.store_atomic(arguments[2], pointer, ORDER, 8)
        return context.get_dummy_value()

    return signature, generate


@intrinsic
def add(context, vector, place, amount):
    """Add to an entry; return what was there."""
    signature = types.int64(vector, types.int64, types.int64)

    def generate(context, builder, signature, arguments):
        pointer = _entry(context, builder, signature, arguments)
        return builder.atomic_rmw("add", pointer, arguments[2], ORDER)

    return signature, generate


@intrinsic
def swap(context, vector, place, old, new):
    """Change an entry from one value to another; return whether it was that one."""
    signature = types.boolean(vector, types.int64, types.int64, types.int64)

    def generate(context, builder, signature, arguments):
        pointer = _entry(context, builder, signature, arguments)
        pair = builder.cmpxchg(pointer, *arguments[2:], ORDER, ORDER)
        return builder.extract_value(pair, 1)

    return signature, generate


@intrinsic
def give_way(context, function):
    """Call ``sched_yield`` at an address: let another thread run."""
    signature = types.void(types.int64)

    def generate(context, builder, signature, arguments):
        kind = ir.FunctionType(ir.IntType(32), [])
        builder.call(builder.inttoptr(arguments[0], kind.as_pointer()), [])
        return context.get_dummy_value()

    return signature, generate
