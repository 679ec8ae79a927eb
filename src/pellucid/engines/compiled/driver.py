"""The driver: calls the kernels of whole epochs without returning to Python.

One thread or several run the same function. Each has its own calls and its own cells
for the numbers that change from step to step, so that two barriers a step are enough:
one after the gradients of all shards, one after the update.
"""

import numpy as np
from llvmlite import ir
from numba import types
from numba.extending import intrinsic

from pellucid.engines.compiled.runtime import address_of, call, threaded

# Places in a thread's cells of whole numbers, and of numbers.
STEP, POSITION = 0, 1
T, RATE, SCALE = 0, 1, 2
# Places of tables, each of two for batches and for the last batch of an epoch: their
# gradients, the update, and one that keeps first.
GRADIENTS, UPDATE, KEEPING = 0, 2, 4
SPINS = 3000


@intrinsic
def _add(context, vector, place, amount):
    """Add to an entry of a vector that other threads change; return what was there."""
    signature = types.int64(vector, types.int64, types.int64)

    def generate(context, builder, signature, arguments):
        found = context.make_array(signature.args[0])(context, builder, arguments[0])
        pointer = builder.gep(found.data, [arguments[1]])
        return builder.atomic_rmw("add", pointer, arguments[2], "seq_cst")

    return signature, generate


@intrinsic
def _yield(context, function):
    """Call ``sched_yield`` at an address: let another thread run."""
    signature = types.void(types.int64)

    def generate(context, builder, signature, arguments):
        kind = ir.FunctionType(ir.IntType(32), [])
        builder.call(builder.inttoptr(arguments[0], kind.as_pointer()), [])
        return context.get_dummy_value()

    return signature, generate


@threaded
def _barrier(meeting, threads, give_way):
    """Wait until all threads are here: spin for a moment, then give way to others."""
    if threads == 1:
        return
    turn = _add(meeting, 1, 0)
    if _add(meeting, 0, 1) == threads - 1:
        _add(meeting, 0, -threads)
        _add(meeting, 1, 1)
        return
    spins = 0
    while _add(meeting, 1, 0) == turn:
        spins += 1
        if spins > SPINS:
            _yield(give_way)


@threaded
def drive(
    thread,
    threads,
    meeting,
    give_way,
    keep,
    first,
    positions,
    tables,
    rates,
    scales,
    whole_cells,
    cells,
    calls,
    operands,
    bounds,
    loss_cells,
    norm_cells,
    losses,
    norms,
):
    """Make as many updates as there are rates; return how many were made.

    `first` is the first iteration; its update first keeps what is there, if that is
    asked for. For each there are the position of its batch in the order of the rows,
    which table it takes (0, or 1 for the last batch of an epoch), its learning rate
    and the scale of its loss. A number below all of them says that the loss or the
    gradient of the iteration after them was not finite; if it was the gradient, its
    update has been made.
    """
    for s in range(rates.shape[0]):
        whole_cells[STEP] = first + s
        whole_cells[POSITION] = positions[s]
        cells[T] = first + s + 1.0
        cells[RATE] = rates[s]
        cells[SCALE] = scales[s]
        table = tables[s]
        own = GRADIENTS + table
        for i in range(bounds[thread, own, 0], bounds[thread, own, 1]):
            if calls[i, 0] == 0:  # where the shards meet
                _barrier(meeting, threads, give_way)
            else:
                call(calls[i, 0], address_of(operands, calls[i, 1]))
        _barrier(meeting, threads, give_way)
        loss = 0.0
        for k in range(loss_cells.shape[0]):
            loss += loss_cells[k, 0]
        if not np.isfinite(loss):
            return s
        update = table + (KEEPING if keep and s == 0 else UPDATE)
        for i in range(bounds[thread, update, 0], bounds[thread, update, 1]):
            call(calls[i, 0], address_of(operands, calls[i, 1]))
        _barrier(meeting, threads, give_way)
        square = 0.0
        for k in range(norm_cells.shape[0]):
            square += norm_cells[k, 0]
        if thread == 0:
            losses[s] = loss
            norms[s] = np.sqrt(square)
        if not np.isfinite(square):
            return s
    return rates.shape[0]
