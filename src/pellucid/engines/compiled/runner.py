"""One batch of a prediction or an evaluation, with memory of its own."""

import threading
import time
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pellucid.engines.compiled import cache, library
from pellucid.engines.compiled.assemblies import Assemblies
from pellucid.engines.compiled.assembly import Assembly
from pellucid.engines.compiled.calls import Shard
from pellucid.engines.compiled.cells import Numbers
from pellucid.engines.compiled.helper import SharedCalls, helper
from pellucid.engines.compiled.machine import available
from pellucid.engines.compiled.runtime import run
from pellucid.engines.compiled.table import Table, address, aligned

FEW = 64  # rows up to which threads share the calls of one batch
WORTH = 4e6  # arithmetic steps of a batch that take longer than a second thread costs


class Runner:
    """Computes one batch: its own input and output arrays, arena and table.

    Parameters
    ----------
    assemblies : Assemblies
        Of the network.
    assembly : Assembly
        Which Program: prediction or evaluation.
    n : int
        Rows of the batch.
    weights : ndarray
        The vector that is read.
    """

    def __init__(
        self, assemblies: Assemblies, assembly: Assembly, n: int, weights: NDArray[Any]
    ) -> None:
        self.lock = threading.Lock()
        self.weights = weights  # keeps the memory that the table points to
        dtype = assemblies.dtype
        blueprint = assemblies.blueprint
        self.x = {
            name: np.zeros(
                (n, *given.shape), dtype=np.int64 if given.kind == "integer" else dtype
            )
            for name, given in assemblies.inputs.items()
        }
        classes = blueprint.loss.task == "classes"
        self.y = np.zeros(
            n if classes else (n, *blueprint.target_shape),
            dtype=np.int64 if classes else dtype,
        )
        output = assembly.program.outputs.get(("output", ""))
        is_prediction = output is not None
        shape = (n,) if output is None else (n, *output.shape[1:])
        self.output = np.zeros(shape, dtype=dtype)
        self.check = np.zeros(1, dtype=dtype)
        arrays: dict[Any, NDArray[Any]] = {("x", name): x for name, x in self.x.items()}
        arrays["y", ""] = self.y
        arrays["output" if is_prediction else "loss", ""] = self.output
        self.numbers = Numbers.empty()
        offsets, size = assembly.arena(n)
        self._memory, base = aligned(size)
        whole = Shard(n, assemblies.where(weights, arrays), base)
        work = assembly.program.work()[0] * n
        shares = n <= FEW and work >= WORTH and available() > 1
        groups: list[tuple[int, int]] = []
        if shares:
            calls, groups = assembly.calls_in_groups(whole, offsets, self.numbers)
        else:
            calls = assembly.calls((whole,), offsets, self.numbers)
        self.only_x = next(iter(self.x.values()))
        if self.only_x.dtype == dtype:
            row = [1, self.only_x.size, address(self.only_x), address(self.check)]
            calls.append((cache.load(library.CHECK, 8 * dtype.itemsize), row))
            groups.append((len(calls) - 1, len(calls)))
        table = Table()
        table.add(calls)
        self.calls, self.operands = table.arrays()
        self.shared: SharedCalls | None = None
        if shares:
            self.shared = SharedCalls(self.calls, self.operands, groups)

    def fill(self, x: Any, y: Any, rows: slice) -> None:
        """Copy a part of the data in.

        Parameters
        ----------
        x, y : ndarray, or mapping of ndarray, or None
            All of the data.
        rows : slice
            Which part.
        """
        for name, mine in self.x.items():
            mine[...] = (x[name] if isinstance(x, dict) else x)[rows]
        if y is not None:
            self.y[...] = y[rows]

    def __call__(self) -> None:
        """Compute the output from what was filled in."""
        shared = self.shared
        if shared is None:
            run(self.calls, self.operands)
        elif shared.teams.now == 1 or not helper().lead(shared):
            start = time.perf_counter()
            run(self.calls, self.operands)
            if shared.teams.now == 1:
                shared.took(time.perf_counter() - start)
