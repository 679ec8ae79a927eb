"""Into how many shards a batch is cut, so that threads give the same bits."""

import math
from typing import Any

from pellucid.engines.compiled.arena import MEETING
from pellucid.engines.compiled.assembly import Assembly
from pellucid.engines.compiled.chains import is_for_samples
from pellucid.program import Program
from pellucid.symbol import Dim, Symbol


def shards_for(assembly: Assembly, batch: int) -> int:
    """Return into how many shards a batch is cut: by its work, never by the machine.

    Parameters
    ----------
    assembly : Assembly
        The training Program.
    batch : int
        Rows of a batch.

    Returns
    -------
    int
        1, 2 or 4.
    """
    if needs_whole_batch(assembly.program):
        return 1
    return shards_by_work(assembly.program, batch)


def shards_by_work(program: Program, batch: int) -> int:
    """Return into how many shards a batch would be cut, if it can be.

    Parameters
    ----------
    program : Program
        What is done.
    batch : int
        Rows of a batch.

    Returns
    -------
    int
        1, 2 or 4.
    """
    work = program.work()[0] * batch
    if work < 4e6 or batch < 64:
        return 1
    if work < 4e7 or batch < 128:
        return 2
    # Every shard writes gradients of its own, and those of a large network do not fit
    # into a cache: it takes many rows to be worth the way through the memory.
    outputs = program.outputs.items()
    gradients = sum(math.prod(node.shape) for place, node in outputs if place[0] == "g")
    return 2 if gradients > 2**20 and batch < 1024 else 4


def needs_whole_batch(program: Program) -> bool:
    """Return whether a number about the whole batch is used inside the Program.

    It is not where loss and gradients are sums over the batch, perhaps scaled or joined
    afterwards, and nothing else reads such a sum: then those of the shards add up.

    Parameters
    ----------
    program : Program
        Of a training step.

    Returns
    -------
    bool
    """
    sums: set[int] = set()
    for node in program.operations:
        if adds_up(node, sums):
            sums.add(node.id)
        elif _is_about_the_batch(node, sums):
            return True
    # Gradients and loss add up; the running state is the same in all shards.
    return any(
        (symbol.id in sums) == (place[0] == "state") or _has_batch(symbol)
        for place, symbol in program.outputs.items()
    )


def adds_up(node: Symbol, sums: set[int]) -> bool:
    """Return whether what shards compute here adds up to what the batch would give.

    Parameters
    ----------
    node : Symbol
        An operation.
    sums : set of int
        Ids of the operations before it for which that is so.

    Returns
    -------
    bool
    """

    def is_sum(value: Any) -> bool:
        return isinstance(value, Symbol) and value.id in sums

    def is_equal_in_all(value: Any) -> bool:
        return not is_sum(value) and not _has_batch(value)

    name, inputs = node.operation.name, node.inputs
    if name == MEETING:
        return False
    if name in ("add", "subtract", "concatenate"):
        return all(map(is_sum, inputs))
    if name in ("negative", "reshape", "transpose", "slice"):
        return is_sum(inputs[0])
    if name == "divide":
        return is_sum(inputs[0]) and is_equal_in_all(inputs[1])
    if name == "multiply":
        pairs = (inputs, inputs[::-1])
        return any(is_sum(x) and is_equal_in_all(y) for x, y in pairs)
    if any(map(is_sum, inputs)):
        return False
    if name == "matmul":
        return isinstance(inputs[0].shape[-1], Dim)
    if name in ("scatter_add", "convolve_weights"):
        return _has_batch(inputs[0])
    return name == "sum" and _reduces_batch(node)


def _is_about_the_batch(node: Symbol, sums: set[int]) -> bool:
    """Return whether a value needs other rows of the batch than its own."""
    if node.operation.name == MEETING:
        return False
    if any(isinstance(value, Symbol) and value.id in sums for value in node.inputs):
        return True
    if node.operation.group == "reduction" and _reduces_batch(node):
        return True
    if node.operation.name == "take" and _has_batch(node.inputs[0]):
        return True
    moved = any(isinstance(length, Dim) for length in node.shape[1:])
    return moved and node.operation.name != "transpose"


def _has_batch(value: Any) -> bool:
    return isinstance(value, Symbol) and is_for_samples(value)


def _reduces_batch(node: Symbol) -> bool:
    shape = node.inputs[0].shape
    return any(isinstance(shape[axis], Dim) for axis in node.settings["axis"])
