"""Calls in groups, taken in turns by two threads: what each of them runs.

Whoever is free takes the next call of the present group; nobody begins with a group
before the one before it is done.
"""

from pellucid.engines.compiled.atomics import add, give_way, load, store, swap
from pellucid.engines.compiled.runtime import (
    address_of,
    array,
    call,
    integers,
    threaded,
)

# Words that both threads see: the number of the run whose calls are taken (0: none), of
# the one that the second thread takes part in, whether it is awake; then that run's
# arrays: addresses, and how many groups there are.
RUN, INSIDE, AWAKE, CALLS, OPERANDS, GROUPS, COUNT, STATE = range(8)

SPINS = 3000  # rounds after which a thread that waits gives way to others


@threaded
def _take_turns(number, calls, operands, groups, state, yield_to):
    """Take calls of a run until there are none, or until it is over.

    Of each group the state says how many calls are taken, and how many are made, both
    with the number of the run in their upper half.
    """
    for g in range(groups.shape[0]):
        begin = groups[g, 0]
        size = groups[g, 1] - begin
        while True:
            taken = load(state, 2 * g)
            if taken >> 32 != number:
                return
            i = taken & 0xFFFFFFFF
            if i >= size:
                break
            if swap(state, 2 * g, taken, taken + 1):
                call(calls[begin + i, 0], address_of(operands, calls[begin + i, 1]))
                add(state, 2 * g + 1, 1)
        spins = 0
        while True:
            made = load(state, 2 * g + 1)
            if made >> 32 != number:
                return
            if made & 0xFFFFFFFF == size:
                break
            spins += 1
            if spins > SPINS:
                give_way(yield_to)


@threaded
def lead(words, number, calls, operands, groups, state, yield_to):
    """Make a run, with the second thread if it comes; return whether it was asked."""
    if load(words, INSIDE) != 0:
        return False
    for g in range(groups.shape[0]):
        store(state, 2 * g, number << 32)
        store(state, 2 * g + 1, number << 32)
    words[COUNT] = groups.shape[0]
    store(words, RUN, number)
    _take_turns(number, calls, operands, groups, state, yield_to)
    store(words, RUN, 0)
    return True


@threaded
def follow(words, rounds, yield_to):
    """Take part in runs until for some time there is none."""
    store(words, AWAKE, 1)
    last, idle = 0, 0
    while idle < rounds:
        number = load(words, RUN)
        if number == 0 or number == last:
            idle += 1
            continue
        # Whoever leads leaves all arrays as they are while this thread is inside.
        store(words, INSIDE, number)
        if load(words, RUN) == number:
            count = words[COUNT]
            groups = array(integers(words[GROUPS]), (count, 2))
            end = groups[count - 1, 1]
            _take_turns(
                number,
                array(integers(words[CALLS]), (end, 2)),
                array(integers(words[OPERANDS]), 1),
                groups,
                array(integers(words[STATE]), 2 * count),
                yield_to,
            )
            last, idle = number, 0
        store(words, INSIDE, 0)
    store(words, AWAKE, 0)
