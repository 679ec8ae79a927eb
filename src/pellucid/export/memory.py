"""Where intermediate results lie: arrays that are not needed together share memory."""

from pellucid.export.loops import Array, Function, Index, reads, writes
from pellucid.export.lowering import LoweredNetwork
from pellucid.symbol import BOOL, FLOAT, INTEGER


class Memory:
    """Places for all intermediate results of a prediction.

    An array lives from the call that writes it to the last one that reads it. The
    largest is placed first, each as far to the front as those allow that live at the
    same time.

    Parameters
    ----------
    lowered : LoweredNetwork
        The functions in order.

    Attributes
    ----------
    sizes : dict of str to int
        How many numbers there are of each kind.
    names : dict of str to str
        What the memory of each kind is called.
    places : dict of Array to (str, int)
        Kind and offset of every array, in the order of their first use.
    """

    def __init__(self, lowered: LoweredNetwork) -> None:
        lives = _lives(lowered)
        shared = _in_place(lowered, lives)
        placed: dict[Array, int] = {}
        owners = [array for array in lives if array not in shared]
        for array in sorted(owners, key=lambda a: -a.size):
            first, last = lives[array]
            busy = sorted(
                (start, start + other.size)
                for other, start in placed.items()
                if other.kind == array.kind
                and lives[other][0] <= last
                and first <= lives[other][1]
            )
            start = 0
            for begin, end in busy:
                if begin - start >= array.size:
                    break
                start = max(start, end)
            placed[array] = start
        self.sizes: dict[str, int] = {}
        for array, start in placed.items():
            end = start + array.size
            self.sizes[array.kind] = max(self.sizes.get(array.kind, 0), end)
        self.names = {kind: _NAMES.get(kind, "work_small") for kind in self.sizes}
        self.places = {
            array: (array.kind, placed[shared.get(array, array)]) for array in lives
        }


_NAMES = {FLOAT: "work", INTEGER: "work_whole", BOOL: "work_conditions"}


def _lives(lowered: LoweredNetwork) -> dict[Array, list[int]]:
    """Return the first and last call in which each array is needed."""
    lives: dict[Array, list[int]] = {}
    outside = {*lowered.inputs.values(), lowered.output}
    for call, function in enumerate(lowered.functions):
        for array in (*function.scratch, *function.outputs, *function.inputs):
            if array not in outside:
                lives.setdefault(array, [call, call])[1] = call
    return lives


def _in_place(
    lowered: LoweredNetwork, lives: dict[Array, list[int]]
) -> dict[Array, Array]:
    """Find results that can overwrite an input, number by number; merge their lives."""
    shared: dict[Array, Array] = {}
    for call, function in enumerate(lowered.functions):
        for array in function.inputs:
            owner = shared.get(array, array)
            if owner in lives and lives[owner][1] == call:
                result = _overwrites(function, array)
                if result is not None and result in lives:
                    shared[result] = owner
                    lives[owner][1] = max(lives[owner][1], lives[result][1])
                    break
    return shared


def _overwrites(function: Function, array: Array) -> Array | None:
    """Return the output that may lie where an input lies, if there is one.

    Each of its numbers then depends on the input's number at the same place alone.
    """
    if len(function.body) != 1 or len(function.outputs) != 1:
        return None
    (output,) = function.outputs
    there: set[Index] = {each.index for each in writes(function.body)}
    there |= {each.index for each in reads(function.body) if each.array is array}
    same = array.size == output.size and array.kind == output.kind
    return output if same and len(there) == 1 else None
