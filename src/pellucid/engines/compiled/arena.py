"""One piece of memory for what lives between steps, shared by what lives in turn."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from pellucid.engines.compiled.chains import Chain, is_for_samples
from pellucid.engines.compiled.convolution.blocked import KEPT, Blocked
from pellucid.engines.compiled.plan import (
    Extent,
    Loop,
    Plan,
    is_turned,
    kind_letter,
    space_of,
    stored_as,
)
from pellucid.engines.compiled.printer import Kernel
from pellucid.engines.compiled.table import ALIGNMENT
from pellucid.symbol import Symbol

MEETING = "meet"  # the operation for which all shards wait, see `meetings.py`

_ITEM = {"i": 8, "b": 1}

Life = tuple[int, int]  # the first step and the last one


def length(extent: Extent, n: int) -> int:
    """Return a number of rows.

    Parameters
    ----------
    extent : Extent
        A factor, and whether the batch size multiplies it.
    n : int
        The batch size.

    Returns
    -------
    int
    """
    return extent[0] * n if extent[1] else extent[0]


def item(node: Symbol, usual: int) -> int:
    """Return the bytes of one number of a stored value.

    Parameters
    ----------
    node : Symbol
        The value.
    usual : int
        Bytes of a floating-point number.

    Returns
    -------
    int
    """
    return _ITEM.get(kind_letter(node), usual)


def read_by(node: Symbol) -> list[Symbol]:
    """Return what an operation reads from memory; of a product, what it turns itself.

    Parameters
    ----------
    node : Symbol
        An operation.

    Returns
    -------
    list of Symbol
    """
    return [
        stored_as(value.inputs[0] if is_turned(value, node) else value)
        for value in node.inputs
        if isinstance(value, Symbol)
    ]


@dataclass
class Arena:
    """Where stored values and scratch memory have their places, for any batch size.

    Parameters
    ----------
    plan : Plan
        What is carried out.
    elsewhere : set of int
        Ids of the nodes that have memory of their own: outputs.
    kernels : list of Kernel or None
        Of the steps that are loops.
    over_images : mapping of int to Blocked
        Of the steps that are done in blocks of samples.
    chains : list of Chain
        Steps that take turns.
    late : set of int
        Steps whose inputs are read after all others.
    usual : int
        Bytes of a floating-point number.
    """

    plan: Plan
    elsewhere: set[int]
    kernels: list[Kernel | None]
    over_images: Mapping[int, Blocked]
    chains: list[Chain]
    late: set[int]
    usual: int

    @cached_property
    def _chain_of(self) -> dict[int, Chain]:
        """The chain of each step that is in one."""
        return {
            i: chain
            for chain in self.chains
            for i in range(chain.first, chain.last + 1)
        }

    @cached_property
    def _values(self) -> dict[int, tuple[Life, Symbol]]:
        """For every stored value the steps that make it and read it last."""
        found: dict[int, tuple[Life, Symbol]] = {}
        for i, step in enumerate(self.plan.steps):
            for node in step.nodes:
                if node.id in self.plan.stored and node.id not in self.elsewhere:
                    found[node.id] = (i, i), node
            for node in step.nodes:
                for source in read_by(node):
                    if source.id in found:
                        (begin, last), symbol = found[source.id]
                        # Other shards may read it while this one has gone on.
                        others = node.operation.name == MEETING or i in self.late
                        end = len(self.plan.steps) if others else i
                        found[source.id] = (begin, max(end, last)), symbol
        return found

    @cached_property
    def rooms(self) -> dict[int, int]:
        """For how many samples there is room, of values that only a chain reads."""
        found = {}
        for key, ((begin, end), node) in self._values.items():
            chain = self._chain_of.get(begin)
            if chain and end <= chain.last and is_for_samples(node):
                room = chain.room[begin - chain.first]
                found[key] = room
        return found

    def _life(self, life: Life) -> Life:
        """Return a life; whoever lives in a chain does so from its begin to its end."""
        begin, end = life
        if begin in self._chain_of:
            begin = self._chain_of[begin].first
        if end in self._chain_of:
            end = self._chain_of[end].last
        return begin, end

    def _wanted(self, n: int) -> list[tuple[Life, Any, int]]:
        """Return who needs memory, from when to when and how much."""
        found: list[tuple[Life, Any, int]] = []
        for key, (life, node) in self._values.items():
            rows, columns = space_of(node.shape)
            samples = min(n, self.rooms.get(key, n))
            size = length(rows, samples) * columns * item(node, self.usual)
            found.append((self._life(life), key, _rounded(size)))
        for i, kernel in enumerate(self.kernels):
            for operand in kernel.operands if kernel else []:
                if operand.kind == "scratch":
                    step = self.plan.steps[i]
                    assert isinstance(step, Loop)
                    size = step.space[1] * self.usual + ALIGNMENT
                    found.append((self._life((i, i)), (i, operand.what), size))
        always = 0, len(self.plan.steps)
        for i, operation in self.over_images.items():
            for name, numbers in operation.scratch.items():
                life = always if name in KEPT else self._life((i, i))
                found.append((life, (i, name), _rounded(numbers * self.usual)))
        return found

    def places(self, n: int) -> tuple[dict[Any, int], int]:
        """Return offsets for a batch size, and the size of all in bytes.

        Parameters
        ----------
        n : int
            The largest batch.

        Returns
        -------
        offsets : dict
            Node id, or (step, scratch), -> offset.
        size : int
        """
        offsets: dict[Any, int] = {}
        placed: list[tuple[Life, int, int]] = []  # life, begin and end in memory
        for life, key, size in sorted(self._wanted(n), key=lambda wanted: -wanted[2]):
            offset = 0
            for other, begin, end in sorted(placed, key=lambda place: place[1]):
                together = other[0] <= life[1] and life[0] <= other[1]
                if together and offset < end and begin < offset + size:
                    offset = math.ceil(end / ALIGNMENT) * ALIGNMENT
            offsets[key] = offset
            placed.append((life, offset, offset + size))
        total = max((end for _, _, end in placed), default=0)
        return offsets, total + ALIGNMENT


def _rounded(size: int) -> int:
    """Return a number of bytes that keeps what follows aligned."""
    return math.ceil(max(size, 1) / ALIGNMENT) * ALIGNMENT
