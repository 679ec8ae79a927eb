"""The driver: calls the kernels of whole epochs without returning to Python.

One thread or several run the same function. Each has its own calls and its own cells
for the numbers that change from step to step, so that two barriers a step are enough:
one after the gradients of all shards, one after the update.
"""

import numpy as np

from pellucid.engines.compiled.atomics import add, give_way, load
from pellucid.engines.compiled.runtime import address_of, call, threaded

# Places in a thread's cells of whole numbers, and of numbers.
STEP, POSITION = 0, 1
T, RATE, SCALE = 0, 1, 2
# Places of tables, each of two for batches and for the last batch of an epoch: their
# gradients, the update, and one that keeps first.
GRADIENTS, UPDATE, KEEPING = 0, 2, 4
SPINS = 3000


@threaded
def _barrier(meeting, threads, yield_to):
    """Wait until all threads are here: spin for a moment, then give way to others."""
    if threads == 1:
        return
    turn = load(meeting, 1)
    if add(meeting, 0, 1) == threads - 1:
        add(meeting, 0, -threads)
        add(meeting, 1, 1)
        return
    spins = 0
    while load(meeting, 1) == turn:
        spins += 1
        if spins > SPINS:
            give_way(yield_to)


@threaded
def drive(
    thread,
    threads,
    meeting,
    yield_to,
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
                _barrier(meeting, threads, yield_to)
            else:
                call(calls[i, 0], address_of(operands, calls[i, 1]))
        _barrier(meeting, threads, yield_to)
        loss = 0.0
        for k in range(loss_cells.shape[0]):
            loss += loss_cells[k, 0]
        if not np.isfinite(loss):
            return s
        update = table + (KEEPING if keep and s == 0 else UPDATE)
        for i in range(bounds[thread, update, 0], bounds[thread, update, 1]):
            call(calls[i, 0], address_of(operands, calls[i, 1]))
        _barrier(meeting, threads, yield_to)
        square = 0.0
        for k in range(norm_cells.shape[0]):
            square += norm_cells[k, 0]
        if thread == 0:
            losses[s] = loss
            norms[s] = np.sqrt(square)
        if not np.isfinite(square):
            return s
    return rates.shape[0]
