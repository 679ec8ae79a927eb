"""The assemblies of one network: what it predicts, evaluates, trains and updates by."""

from collections.abc import Callable
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pellucid import tracing
from pellucid.blueprint import Blueprint
from pellucid.engines.compiled.assembly import Assembly
from pellucid.engines.compiled.meetings import with_meetings
from pellucid.engines.compiled.plan import UnsupportedError
from pellucid.engines.compiled.shards import (
    needs_whole_batch,
    shards_by_work,
    shards_for,
)
from pellucid.engines.compiled.source import program_source
from pellucid.engines.compiled.table import address
from pellucid.layers.inputs import Input
from pellucid.optimizers import Optimizer
from pellucid.program import Program
from pellucid.symbol import BOOL, NUMBER, Trace


class Assemblies:
    """A blueprint's Programs, each planned and printed at its first use.

    Parameters
    ----------
    blueprint : Blueprint
        What the network computes.
    dtype : dtype
        The network's floating-point type.
    """

    def __init__(self, blueprint: Blueprint, dtype: Any) -> None:
        self.blueprint, self.dtype = blueprint, np.dtype(dtype)

    def assembly(self, program: Program) -> Assembly:
        """Return a Program that is ready to be put into tables.

        Parameters
        ----------
        program : Program
            Of this network.

        Returns
        -------
        Assembly
        """
        return Assembly(program, self.dtype)

    @cached_property
    def prediction(self) -> Assembly:
        """From inputs to outputs."""
        return self.assembly(tracing.prediction(self.blueprint))

    @cached_property
    def linked(self) -> Assembly:
        """From inputs to outputs with the loss's link."""
        return self.assembly(tracing.probabilities(self.blueprint))

    @cached_property
    def evaluation(self) -> Assembly:
        """From inputs and targets to losses."""
        return self.assembly(tracing.evaluation(self.blueprint))

    @cached_property
    def training(self) -> Assembly:
        """From inputs and targets to loss, gradients and state."""
        return self.assembly(tracing.training(self.blueprint))

    @cached_property
    def training_in_parts(self) -> Assembly:
        """The same, with sums over the batch that are sums over shards."""
        return self.assembly(with_meetings(tracing.training(self.blueprint)))

    def training_for(self, batch: int) -> tuple[Assembly, int]:
        """Return how a batch is trained on, and in how many shards.

        Parameters
        ----------
        batch : int
            Rows of a batch.

        Returns
        -------
        tuple of (Assembly, int)
        """
        if shards_by_work(self.training.program, batch) == 1:
            return self.training, 1
        if not needs_whole_batch(self.training.program):
            return self.training, shards_for(self.training, batch)
        try:
            parts = self.training_in_parts
        except UnsupportedError:
            return self.training, 1
        return parts, shards_for(parts, batch)

    @property
    def inputs(self) -> dict[str, Input]:
        """The inputs by name; one without a name is called ""."""
        given = self.blueprint.inputs
        return {"": given} if isinstance(given, Input) else given

    def update(
        self, optimizer: Optimizer, shards: int = 1, frozen: bool = False
    ) -> Assembly:
        """Return the update of an optimizer, which also adds up the shards' gradients.

        Parameters
        ----------
        optimizer : Optimizer
            The rule.
        shards : int
            How many gradients there are.
        frozen : bool
            Whether some parameters are not trained.

        Returns
        -------
        Assembly
        """
        program = _update_program(self.blueprint, optimizer, shards, frozen)
        in_place = {("memory", name): ("memory", name) for name in optimizer.memories}
        in_place["new", "w"] = ("w", "")
        return Assembly(program, self.dtype, in_place)

    def source(self, optimizer: Optimizer) -> str:
        """Return the kernels that training and prediction run, as text.

        Parameters
        ----------
        optimizer : Optimizer
            Whose update to show.

        Returns
        -------
        str
        """
        each = (self.training, self.update(optimizer), self.prediction)
        return "\n".join(map(program_source, each))

    def where(
        self,
        weights: NDArray[Any],
        arrays: dict[Any, NDArray[Any]],
        gradient: NDArray[Any] | None = None,
        state: NDArray[Any] | None = None,
    ) -> Callable[[tuple[str, str]], int]:
        """Return the function that knows the address of every leaf and output.

        Parameters
        ----------
        weights, gradient, state : ndarray
            The vectors that have names.
        arrays : dict
            (vector, name) -> array of everything else.

        Returns
        -------
        callable
        """
        layout, item = self.blueprint.layout, int(self.dtype.itemsize)
        vectors = {"w": (weights, layout)}
        if gradient is not None:
            vectors["g"] = (gradient, layout.parameters)
        if state is not None:
            vectors["state"] = (state, layout.state)

        def where(place: tuple[str, str]) -> int:
            if place in arrays:
                return address(arrays[place])
            vector, names = vectors[place[0]]
            return address(vector) + names.entries[place[1]].start * item

        return where


def _update_program(
    blueprint: Blueprint, optimizer: Optimizer, shards: int, frozen: bool
) -> Program:
    """Return the Program of an update that also adds up the gradients of the shards."""
    size = blueprint.layout.parameters.size

    def write(trace: Trace) -> None:
        g = trace.leaf("g", "g0", (size,))
        for k in range(1, shards):
            g = g + trace.leaf("g", f"g{k}", (size,))
        memory = tracing.MemoryView(trace, optimizer.memories, size)
        t, rate = (trace.leaf(name, "", (), NUMBER) for name in ("t", "rate"))
        trained = trace.leaf("trained", "", (size,), BOOL) if frozen else None
        decayed = trace.leaf("decayed", "", (size,), BOOL)
        trace.outputs["norm", ""] = (g * g).sum()
        trace.outputs["new", "w"] = optimizer.update(
            trace.leaf("w", "", (size,)), g, memory, t, rate, decayed, trained
        )

    trace = Trace()
    write(trace)
    return Program(f"update by {optimizer!r}", trace)
