"""The compiled engine: the same answers as the readable one, at the machine's speed."""

import math
import threading
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pellucid.blueprint import Blueprint
from pellucid.engines.compiled import machine
from pellucid.engines.compiled.assemblies import Assemblies
from pellucid.engines.compiled.assembly import Assembly
from pellucid.engines.compiled.plan import UnsupportedError
from pellucid.engines.compiled.runner import FEW, Runner
from pellucid.engines.compiled.table import address
from pellucid.engines.compiled.training import CompiledSession
from pellucid.engines.readable import ReadableEngine, ReadableSession, count_rows
from pellucid.optimizers import Optimizer

CHUNK_BYTES = 2**19  # of memory that a chunk of predictions touches: a cache's worth
WORTH_A_THREAD = 5e7  # arithmetic steps that take longer than starting a thread
# Threads are given a multiple of this many chunks, however many threads there are: the
# last bits of a row may depend on where its chunk ends.
SHARES = 4


class CompiledEngine(Assemblies):
    """Runs a blueprint as kernels.

    Parameters
    ----------
    blueprint : Blueprint
        What the network computes.
    dtype : dtype
        The network's floating-point type.

    Raises
    ------
    UnsupportedError
        If the engine cannot run this network, or nothing on this machine.
    """

    name = "compiled"

    def __init__(self, blueprint: Blueprint, dtype: Any) -> None:
        super().__init__(blueprint, dtype)
        self.readable = ReadableEngine(blueprint, dtype)
        self._runners: dict[Any, Runner] = {}
        self._short: dict[tuple[int, ...], Runner] = {}
        self._rows: dict[int, int] = {}

    # -- prediction --------------------------------------------------------------------

    def predict(
        self, weights: NDArray[Any], x: Any, threads: int | None = None
    ) -> NDArray[Any]:
        """Return the outputs, see `ReadableEngine.predict`.

        Parameters
        ----------
        weights : ndarray, shape (layout.size,)
            All numbers.
        x : ndarray or mapping of ndarray
            Inputs.
        threads : int or None
            How many threads at most; by default what the machine allows.

        Returns
        -------
        ndarray, shape (n, *output_shape)
        """
        return self._outputs(self.prediction, weights, x, threads)

    def probabilities(
        self, weights: NDArray[Any], x: Any, threads: int | None = None
    ) -> NDArray[Any]:
        """Return the outputs with the loss's link.

        Parameters
        ----------
        weights, x, threads
            As in `predict`.

        Returns
        -------
        ndarray, shape (n, *output_shape)
        """
        return self._outputs(self.linked, weights, x, threads)

    def _outputs(
        self, assembly: Assembly, weights: NDArray[Any], x: Any, threads: int | None
    ) -> NDArray[Any]:
        n = count_rows(x)
        shape = assembly.program.outputs["output", ""].shape[1:]
        out = np.empty((n, *shape), dtype=self.dtype)
        self._chunks(assembly, weights, x, None, out, threads)
        return out

    def at_once(self, weights: NDArray[Any], x: NDArray[Any]) -> NDArray[Any] | None:
        """Return the probabilities of a few rows the short way, or None.

        Only for an array of the network's own dtype and a shape that was seen before.
        Whether all inputs are finite is seen by the Program itself; None is also the
        answer when they are not, and the long way then says which.

        Parameters
        ----------
        weights : ndarray
            All numbers.
        x : ndarray, shape (n, *input_shape) or input_shape
            A few rows, or one.

        Returns
        -------
        ndarray, shape (n, *output_shape), or None
        """
        runner = self._short.get(x.shape)
        if runner is None or runner.weights is not weights or x.dtype != self.dtype:
            return None
        if not runner.lock.acquire(blocking=False):
            return None
        try:
            runner.only_x[...] = x
            runner()
            return runner.output.copy() if runner.check.item() == 0.0 else None
        finally:
            runner.lock.release()

    def remember(self, weights: NDArray[Any], shape: tuple[int, ...], n: int) -> None:
        """Make the short way for arrays of a shape.

        Parameters
        ----------
        weights : ndarray
            All numbers.
        shape : tuple of int
            Of the array that is handed in.
        n : int
            How many rows it has.
        """
        if set(self.inputs) == {""} and self.inputs[""].kind == "number" and n <= FEW:
            if len(self._short) > 32:
                self._short.clear()
            self._short[shape] = self.runner(self.linked, n, weights)

    def losses(
        self,
        weights: NDArray[Any],
        x: Any,
        y: NDArray[Any],
        threads: int | None = None,
    ) -> NDArray[Any]:
        """Return the loss of every sample, see `ReadableEngine.losses`.

        Parameters
        ----------
        weights : ndarray, shape (layout.size,)
            All numbers.
        x, y : ndarray
            Inputs and targets.
        threads : int or None
            How many threads at most; by default what the machine allows.

        Returns
        -------
        ndarray, shape (n,)
        """
        out = np.empty(len(y), dtype=self.dtype)
        self._chunks(self.evaluation, weights, x, y, out, threads)
        return out

    def _chunks(
        self,
        assembly: Assembly,
        weights: NDArray[Any],
        x: Any,
        y: Any,
        out: NDArray[Any],
        threads: int | None,
    ) -> None:
        """Compute all rows in chunks; each thread takes the next one that is left."""
        n, most = len(out), self._chunk_rows(assembly)
        count = -(-n // most)
        if n < FEW or assembly.program.work()[0] * n < WORTH_A_THREAD:
            threads = 1
        else:
            threads = machine.available() if threads is None else max(1, threads)
            count = min(-(-count // SHARES) * SHARES, n)
        edges = [n * i // max(count, 1) for i in range(count + 1)]
        chunks = [slice(*pair) for pair in pairwise(edges)][::-1]
        failed: list[BaseException] = []

        def work(thread: int) -> None:
            try:
                while not failed:
                    try:
                        rows = chunks.pop()
                    except IndexError:
                        return
                    count = rows.stop - rows.start
                    runner = self.runner(assembly, count, weights, thread)
                    with runner.lock:
                        runner.fill(x, y, rows)
                        runner()
                        out[rows] = runner.output
            except BaseException as error:
                failed.append(error)

        helpers = [
            threading.Thread(target=work, args=(i,), daemon=True)
            for i in range(1, threads)
        ]
        for helper in helpers:
            helper.start()
        work(0)
        for helper in helpers:
            helper.join()
        if failed:
            raise failed[0]

    def _chunk_rows(self, assembly: Assembly) -> int:
        if id(assembly) not in self._rows:
            self._rows[id(assembly)] = self._rows_that_fit(assembly)
        return self._rows[id(assembly)]

    def _rows_that_fit(self, assembly: Assembly) -> int:
        """Return how many rows a chunk has: all it touches is to stay in the cache."""
        bytes_a_row: int = max(
            1, (assembly.arena(1024)[1] - assembly.arena(1)[1]) // 1023
        )
        widths = (math.prod(given.shape) for given in self.inputs.values())
        bytes_a_row += sum(widths) * int(self.dtype.itemsize)
        # Steps in turns keep to the cache by themselves; every turn is in the table.
        most = 256 if assembly.chains else 4096
        return min(most, max(64, CHUNK_BYTES // bytes_a_row))

    def runner(
        self, assembly: Assembly, n: int, weights: NDArray[Any], thread: int = 0
    ) -> Runner:
        """Return what computes a batch of n rows, made at its first use.

        Parameters
        ----------
        assembly : Assembly
            Which Program.
        n : int
            Rows.
        weights : ndarray
            The vector that is read.
        thread : int
            Which of the threads that compute at once; each has its own memory.

        Returns
        -------
        Runner
        """
        key = (assembly, n, address(weights), thread)
        runner = self._runners.get(key)
        if runner is None:
            if len(self._runners) > 32:
                self._runners.clear()
            runner = self._runners[key] = Runner(self, assembly, n, weights)
        return runner

    def start(
        self,
        weights: NDArray[Any],
        optimizer: Optimizer,
        memory: dict[str, NDArray[Any]],
        batches: Any,
        key: int,
        total: int,
        decayed: NDArray[np.bool_],
        trained: NDArray[np.bool_] | None,
        threads: int | None = None,
    ) -> Any:
        """Return a training run; of the readable engine where the update is unusual.

        Parameters
        ----------
        weights, optimizer, memory, batches, key, total, decayed, trained, threads
            As in `CompiledSession`.

        Returns
        -------
        CompiledSession or ReadableSession
        """
        run = (weights, optimizer, memory, batches, key, total, decayed, trained)
        try:
            return CompiledSession(self, *run, threads)
        except UnsupportedError:
            return ReadableSession(self.readable, *run)
