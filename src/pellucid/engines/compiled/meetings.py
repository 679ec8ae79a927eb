"""Numbers about the whole batch, where each thread has a part of it.

Batch normalization needs the mean of all rows before it can go on with any. Each shard
adds up its own rows, all wait for each other, and each adds up the shards' sums, in one
order: the same bits in all of them, on any number of threads.
"""

from typing import Any

import numpy as np

from pellucid.engines.compiled.arena import MEETING
from pellucid.engines.compiled.rewriting import Make, New, operation, replaced
from pellucid.engines.compiled.shards import adds_up
from pellucid.program import Program
from pellucid.symbol import FLOAT, NUMBER, Dim, Operation, Symbol, Trace

_MEET = Operation(
    MEETING, lambda x: np.asarray(x), lambda x: x.shape, lambda x: FLOAT, "structural"
)


def with_meetings(program: Program) -> Program:
    """Return a Program in which sums over the batch are known to be sums of shards.

    Parameters
    ----------
    program : Program
        Of a training step.

    Returns
    -------
    Program
    """
    program = _with_sums(program)
    sums: set[int] = set()
    instead: dict[int, Make] = {}
    for node in program.operations:
        if adds_up(node, sums):
            sums.add(node.id)
        elif any(value.id in sums for value in _symbols(node)):
            instead[node.id] = _after_meeting(node, frozenset(sums))
    return replaced(program, instead)


def _symbols(node: Symbol) -> list[Symbol]:
    return [value for value in node.inputs if isinstance(value, Symbol)]


def _after_meeting(node: Symbol, sums: frozenset[int]) -> Make:
    """Return what makes a node of the sums of all shards."""

    def make(trace: Trace, new: New) -> Any:
        inputs = tuple(
            trace.call(_MEET, (new(value),))
            if isinstance(value, Symbol) and value.id in sums
            else new(value)
            for value in node.inputs
        )
        return Symbol(
            trace, node.operation, inputs, node.settings, node.shape, node.kind
        )

    return make


def _with_sums(program: Program) -> Program:
    """Return a Program in which means over the batch are sums, divided."""
    instead: dict[int, Make] = {}
    for node in program.operations:
        if node.operation.name == "mean":
            lengths = [node.inputs[0].shape[axis] for axis in node.settings["axis"]]
            if any(isinstance(length, Dim) for length in lengths):
                instead[node.id] = _divided(node, lengths)
    return replaced(program, instead) if instead else program


def _divided(mean: Symbol, lengths: list[Any]) -> Make:
    """Return what makes a mean from a sum."""
    count = 1
    for length in lengths:
        count *= length.factor if isinstance(length, Dim) else length

    def make(trace: Trace, new: New) -> Any:
        total = trace.call(operation("sum"), (new(mean.inputs[0]),), **mean.settings)
        rows: Any = trace.leaf("n", "", (), NUMBER)
        if count != 1:
            rows = trace.call(operation("multiply"), (float(count), rows))
        return trace.call(operation("divide"), (total, rows))

    return make
