"""Steps that go through the samples together, each as soon as it has enough to go on.

Carried out one after another, steps over large images leave whole batches of images
behind them, which the next one reads back from memory. Steps of a chain take turns: a
few samples go through all of them while they are in the cache. What is only read inside
the chain needs room for those few samples, and takes the room of the ones before.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

from pellucid.engines.compiled.convolution.blocked import Blocked, at_once
from pellucid.engines.compiled.plan import (
    Call,
    Loop,
    Plan,
    is_late,
    own_class,
    stored_as,
)
from pellucid.symbol import Dim, Symbol

TOGETHER = 2**14  # numbers that a loop takes at once


@dataclass(frozen=True)
class Chain:
    """Steps of a plan, one behind another.

    Parameters
    ----------
    first : int
        The first step.
    blocks : tuple of int
        How many samples each of the steps takes at once.
    reads : tuple of tuple of int
        For each, which of the steps before it in the chain it reads.
    """

    first: int
    blocks: tuple[int, ...]
    reads: tuple[tuple[int, ...], ...]

    @property
    def last(self) -> int:
        """The last step."""
        return self.first + len(self.blocks) - 1

    def turns(self, n: int) -> list[tuple[int, int, int]]:
        """Return who takes which samples, in order.

        The last step that has enough goes on: what it reads was made just now.

        Parameters
        ----------
        n : int
            Samples in all.

        Returns
        -------
        list of (int, int, int)
            Place in the chain, first sample and how many.
        """
        done = [0] * len(self.blocks)
        found = []
        ready = {k for k, read in enumerate(self.reads) if not read and n}
        while ready:
            k = max(ready)
            some = min(self.blocks[k], n - done[k])
            found.append((k, done[k], some))
            done[k] += some
            for j in (k, *self._readers[k]):
                there = min((done[i] for i in self.reads[j]), default=n)
                next_one = min(self.blocks[j], n - done[j])
                if 0 < next_one <= there - done[j]:
                    ready.add(j)
                else:
                    ready.discard(j)
        return found

    @cached_property
    def _readers(self) -> list[list[int]]:
        """For each step, who reads it."""
        each = range(len(self.blocks))
        return [[j for j in each if k in self.reads[j]] for k in each]

    @cached_property
    def room(self) -> tuple[int, ...]:
        """For each step, how many samples of its result are needed at the same time."""
        done = [0] * len(self.blocks)
        most = list(self.blocks)
        for k, _, some in self.turns(2 * math.lcm(*self.blocks)):
            done[k] += some
            for j in (k, *self.reads[k]):
                last = min((done[i] for i in self._readers[j]), default=done[j])
                most[j] = max(most[j], done[j] - last)
        # Whole blocks of all who make and read it: then none is in two pieces.
        units = (
            math.lcm(self.blocks[j], *(self.blocks[i] for i in self._readers[j]))
            for j in range(len(most))
        )
        return tuple(
            unit * -(-alive // unit) for unit, alive in zip(units, most, strict=True)
        )


def chains(plan: Plan, over_images: Mapping[int, Blocked]) -> list[Chain]:
    """Return the chains of a plan.

    Parameters
    ----------
    plan : Plan
        Its steps.
    over_images : mapping of int to Blocked
        Those of them that are done in blocks of samples.

    Returns
    -------
    list of Chain
    """
    found = []
    begin = 0
    while begin < len(plan.steps):
        end = begin
        made: dict[int, int] = {}  # node id -> place in the chain
        blocks: list[int] = []
        reads: list[tuple[int, ...]] = []
        while end < len(plan.steps):
            step = plan.steps[end]
            size = _block(step, over_images.get(end))
            sources = {
                stored_as(value).id
                for node in step.nodes
                for value in node.inputs
                if isinstance(value, Symbol)
            }
            read = sorted({made[source] for source in sources if source in made})
            whole = any(_is_whole(plan.steps[begin + k]) for k in read)
            if not size or whole or (blocks and not read):
                break
            made |= {node.id: len(blocks) for node in step.nodes}
            blocks.append(size)
            reads.append(tuple(read))
            end += 1
        if len(blocks) > 1 and any(begin <= i < end for i in over_images):
            found.append(Chain(begin, tuple(blocks), tuple(reads)))
        begin = max(end, begin + 1)
    return found


def _block(step: Loop | Call, blocked: Blocked | None) -> int:
    """Return how many samples a step takes at once; 0 if it needs them all."""
    if blocked is not None:
        return blocked.together
    if not isinstance(step, Loop):
        return 0
    (rows, scaled), columns = step.space
    if not scaled or any(is_late(node, step) for node in step.nodes):
        return 0
    if any(not own_class(node.shape, step.space) for node in step.nodes):
        return 0
    return at_once(TOGETHER, rows * columns)


def _is_whole(step: Loop | Call) -> bool:
    """Return whether a step's result is not one for each sample."""
    return isinstance(step, Call) and not is_for_samples(step.node)


def is_for_samples(node: Symbol) -> bool:
    """Return whether a value is a row of numbers, or several, for each sample.

    Parameters
    ----------
    node : Symbol
        Any value.

    Returns
    -------
    bool
    """
    return any(isinstance(length, Dim) for length in node.shape)
