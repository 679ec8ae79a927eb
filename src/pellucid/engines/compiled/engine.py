"""The compiled engine: the same answers as the readable one, at the machine's speed."""

import math
import threading
import time
from collections.abc import Callable
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pellucid import tracing
from pellucid.blueprint import Blueprint
from pellucid.engines.compiled import blas, cache, driver, library, machine
from pellucid.engines.compiled.assembly import Assembly, Numbers
from pellucid.engines.compiled.plan import UnsupportedError
from pellucid.engines.compiled.runtime import run
from pellucid.engines.compiled.source import program_source
from pellucid.engines.readable import (
    Outcome,
    ReadableEngine,
    ReadableSession,
    count_rows,
)
from pellucid.layers.inputs import Input
from pellucid.optimizers import Optimizer
from pellucid.program import Program
from pellucid.symbol import BOOL, NUMBER, Dim, Symbol, Trace

PIECE = 16384  # numbers of a vector that one call of an update changes
CHUNK_BYTES = 2**19  # of memory that a chunk of predictions touches: a cache's worth
FEW = 64  # rows up to which a prediction goes the short way
MOST_STEPS = 20_000  # iterations of a slice
SLICE = 0.03  # seconds after which the driver returns to Python


def _address(array: NDArray[Any]) -> int:
    address: int = array.ctypes.data
    return address


def _aligned(size: int) -> tuple[NDArray[np.uint8], int]:
    """Return some memory, and an aligned address in it."""
    memory = np.zeros(size + 64, dtype=np.uint8)
    return memory, -(-_address(memory) // 64) * 64


class Table:
    """Calls and operands of one or several lists of calls, as the driver takes them."""

    def __init__(self) -> None:
        self._calls: list[tuple[int, int]] = []
        self._operands: list[int] = []

    def add(self, calls: list[tuple[int, list[int]]]) -> tuple[int, int]:
        """Append calls; return the first and the one behind the last.

        Parameters
        ----------
        calls : list of (int, list of int)
            Kernel addresses and operands.

        Returns
        -------
        tuple of (int, int)
        """
        begin = len(self._calls)
        for address, operands in calls:
            self._calls.append((address, len(self._operands)))
            self._operands += operands
        return begin, len(self._calls)

    def arrays(self) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Return calls and operands as arrays."""
        calls = np.array(self._calls, dtype=np.int64).reshape(-1, 2)
        return calls, np.array(self._operands or [0], dtype=np.int64)


class CompiledEngine:
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
        self.blueprint, self.dtype = blueprint, np.dtype(dtype)
        found = blas.load()
        if found is None:
            raise UnsupportedError(
                "no BLAS that it can call (pip install scipy-openblas32)"
            )
        self.gemm = found.gemm(8 * self.dtype.itemsize)
        self.readable = ReadableEngine(blueprint, dtype)
        self._runners: dict[Any, Runner] = {}
        self._short: dict[tuple[int, ...], Runner] = {}
        self._rows: dict[int, int] = {}

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
        return Assembly(program, self.dtype, self.gemm)

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

    @property
    def inputs(self) -> dict[str, Input]:
        """The inputs by name; one without a name is called ""."""
        given = self.blueprint.inputs
        return {"": given} if isinstance(given, Input) else given

    # -- prediction --------------------------------------------------------------------

    def predict(self, weights: NDArray[Any], x: Any) -> NDArray[Any]:
        """Return the outputs, see `ReadableEngine.predict`.

        Parameters
        ----------
        weights : ndarray, shape (layout.size,)
            All numbers.
        x : ndarray or mapping of ndarray
            Inputs.

        Returns
        -------
        ndarray, shape (n, *output_shape)
        """
        return self._outputs(self.prediction, weights, x)

    def probabilities(self, weights: NDArray[Any], x: Any) -> NDArray[Any]:
        """Return the outputs with the loss's link.

        Parameters
        ----------
        weights, x
            As in `predict`.

        Returns
        -------
        ndarray, shape (n, *output_shape)
        """
        return self._outputs(self.linked, weights, x)

    def _outputs(
        self, assembly: Assembly, weights: NDArray[Any], x: Any
    ) -> NDArray[Any]:
        n = count_rows(x)
        out = np.empty((n, *self.blueprint.output_shape), dtype=self.dtype)
        self._chunks(assembly, weights, x, None, out)
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
            run(runner.calls, runner.operands)
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

    def losses(self, weights: NDArray[Any], x: Any, y: NDArray[Any]) -> NDArray[Any]:
        """Return the loss of every sample, see `ReadableEngine.losses`.

        Parameters
        ----------
        weights : ndarray, shape (layout.size,)
            All numbers.
        x, y : ndarray
            Inputs and targets.

        Returns
        -------
        ndarray, shape (n,)
        """
        out = np.empty(len(y), dtype=self.dtype)
        self._chunks(self.evaluation, weights, x, y, out)
        return out

    def _chunks(
        self,
        assembly: Assembly,
        weights: NDArray[Any],
        x: Any,
        y: Any,
        out: NDArray[Any],
    ) -> None:
        n = len(out)
        if n == 0:
            return
        most = self._chunk_rows(assembly)
        for begin in range(0, n, most):
            rows = slice(begin, min(begin + most, n))
            runner = self.runner(assembly, rows.stop - begin, weights)
            with runner.lock:
                runner.fill(x, y, rows)
                runner()
                out[rows] = runner.output

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
        return min(4096, max(64, CHUNK_BYTES // bytes_a_row))

    def runner(self, assembly: Assembly, n: int, weights: NDArray[Any]) -> "Runner":
        """Return what computes a batch of n rows, made at its first use.

        Parameters
        ----------
        assembly : Assembly
            Which Program.
        n : int
            Rows.
        weights : ndarray
            The vector that is read.

        Returns
        -------
        Runner
        """
        key = (assembly, n, _address(weights))
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
        return Assembly(program, self.dtype, self.gemm, in_place)

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

    # -- what a training run needs -----------------------------------------------------

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
                return _address(arrays[place])
            vector, names = vectors[place[0]]
            return _address(vector) + names.entries[place[1]].start * item

        return where


class Runner:
    """Computes one batch: its own input and output arrays, arena and table.

    Parameters
    ----------
    engine : CompiledEngine
        The engine.
    assembly : Assembly
        Which Program: prediction or evaluation.
    n : int
        Rows of the batch.
    weights : ndarray
        The vector that is read.
    """

    def __init__(
        self, engine: CompiledEngine, assembly: Assembly, n: int, weights: NDArray[Any]
    ) -> None:
        self.lock = threading.Lock()
        self.weights = weights  # keeps the memory that the table points to
        dtype = engine.dtype
        blueprint = engine.blueprint
        self.x = {
            name: np.zeros(
                (n, *given.shape), dtype=np.int64 if given.kind == "integer" else dtype
            )
            for name, given in engine.inputs.items()
        }
        classes = blueprint.loss.task == "classes"
        self.y = np.zeros(
            n if classes else (n, *blueprint.output_shape),
            dtype=np.int64 if classes else dtype,
        )
        is_prediction = ("output", "") in assembly.program.outputs
        shape = (n, *blueprint.output_shape) if is_prediction else (n,)
        self.output = np.zeros(shape, dtype=dtype)
        self.check = np.zeros(1, dtype=dtype)
        arrays: dict[Any, NDArray[Any]] = {("x", name): x for name, x in self.x.items()}
        arrays["y", ""] = self.y
        arrays["output" if is_prediction else "loss", ""] = self.output
        self.numbers = Numbers.empty()
        offsets, size = assembly.arena(n)
        self._memory, base = _aligned(size)
        calls = assembly.calls(
            n, engine.where(weights, arrays), base, offsets, self.numbers
        )
        self.only_x = next(iter(self.x.values()))
        if self.only_x.dtype == dtype:
            row = [1, self.only_x.size, _address(self.only_x), _address(self.check)]
            calls.append((cache.load(library.CHECK, 8 * dtype.itemsize), row))
        table = Table()
        table.add(calls)
        self.calls, self.operands = table.arrays()

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
        run(self.calls, self.operands)


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
    if _needs_whole_batch(assembly.program):
        return 1
    work = assembly.program.work()[0] * batch
    if work < 4e6 or batch < 64:
        return 1
    return 2 if work < 4e7 or batch < 128 else 4


def _needs_whole_batch(program: Program) -> bool:
    """Return whether a number about the whole batch is used inside the Program.

    It is not where loss and gradients are sums over the batch, perhaps scaled or joined
    afterwards, and nothing else reads such a sum: then those of the shards add up.
    """
    sums: set[int] = set()
    for node in program.operations:
        if _adds_up(node, sums):
            sums.add(node.id)
        elif _is_about_the_batch(node, sums):
            return True
    return any(symbol.id not in sums for symbol in program.outputs.values())


def _adds_up(node: Symbol, sums: set[int]) -> bool:
    """Return whether what shards compute here adds up to what the batch would give."""

    def is_sum(value: Any) -> bool:
        return isinstance(value, Symbol) and value.id in sums

    def is_equal_in_all(value: Any) -> bool:
        return not is_sum(value) and not _has_batch(value)

    name, inputs = node.operation.name, node.inputs
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
    if name == "scatter_add":
        return _has_batch(inputs[0])
    return name == "sum" and _reduces_batch(node)


def _is_about_the_batch(node: Symbol, sums: set[int]) -> bool:
    """Return whether a value needs other rows of the batch than its own."""
    if any(isinstance(value, Symbol) and value.id in sums for value in node.inputs):
        return True
    if node.operation.group == "reduction" and _reduces_batch(node):
        return True
    if node.operation.name == "take" and _has_batch(node.inputs[0]):
        return True
    moved = any(isinstance(length, Dim) for length in node.shape[1:])
    return moved and node.operation.name != "transpose"


def _has_batch(value: Any) -> bool:
    return any(isinstance(length, Dim) for length in getattr(value, "shape", ()))


def _reduces_batch(node: Symbol) -> bool:
    shape = node.inputs[0].shape
    return any(isinstance(shape[axis], Dim) for axis in node.settings["axis"])


class CompiledSession:
    """A training run of the compiled engine, see `ReadableSession`.

    Parameters
    ----------
    engine : CompiledEngine
        The engine.
    weights : ndarray, shape (layout.size,)
        All numbers, changed in place.
    optimizer : Optimizer
        The rule.
    memory : dict of str to ndarray
        Its vectors, changed in place.
    batches : ArrayBatches
        The data.
    key : int
        Key of the random numbers.
    total : int
        Iterations of the whole run, for schedules.
    decayed, trained : ndarray of bool, shape (parameters,)
        Where decay applies, and where weights may change (None: everywhere).
    threads : int or None
        How many threads at most; by default what the machine allows.
    """

    def __init__(
        self,
        engine: CompiledEngine,
        weights: NDArray[Any],
        optimizer: Optimizer,
        memory: dict[str, NDArray[Any]],
        batches: Any,
        key: int,
        total: int,
        decayed: NDArray[np.bool_],
        trained: NDArray[np.bool_] | None,
        threads: int | None = None,
    ) -> None:
        self.engine, self.weights, self.optimizer = engine, weights, optimizer
        self.memory, self.batches, self.key, self.total = memory, batches, key, total
        self.decayed, self.trained = decayed, trained
        blueprint, dtype = engine.blueprint, engine.dtype
        training = engine.training
        sizes = np.array(batches.stops) - np.array(batches.starts)
        self.rows = int(sizes.max())
        self.usual_rows, self.last_rows = int(sizes[0]), int(sizes[-1])
        self.shards = shards_for(training, self.rows)
        size = blueprint.layout.parameters.size
        update = engine.update(optimizer, self.shards, trained is not None)
        update.compile()
        cut = update.can_be_cut and size > PIECE
        edges = list(range(0, size, PIECE)) if cut else [0]
        self.pieces = list(zip(edges, [*edges[1:], size], strict=True))
        most = min(self.shards, len(self.pieces)) if cut else self.shards
        allowed = machine.available() if threads is None else threads
        self.threads = max(1, min(most, allowed, self.shards))
        self._allocate(size, dtype)
        self._tables(training, update, cut)
        self._pace = SLICE  # seconds a step: the first slice is one step long

    def _allocate(self, size: int, dtype: np.dtype[Any]) -> None:
        batches = self.batches
        self.gradients = np.zeros((self.shards, size), dtype=dtype)
        self.state = self.weights[size:].copy()  # what no layer writes stays
        self.loss_cells = np.zeros((self.shards, 64 // dtype.itemsize), dtype=dtype)
        self.norm_cells = np.zeros(
            (len(self.pieces), 64 // dtype.itemsize), dtype=dtype
        )
        # Room for the orders of as many epochs as one slice may touch.
        epochs = MOST_STEPS // batches.per_epoch + 2 if batches.shuffle else 1
        epochs = min(epochs, max(1, 2**20 // len(batches.y)) + 1)
        self.order = np.arange(epochs * len(batches.y), dtype=np.int64)
        self._most_epochs = epochs
        self._orders: dict[int, Any] = {}
        self.whole = len(batches.starts) == 1  # every batch is all of the data
        data_x = batches.x if isinstance(batches.x, dict) else {"": batches.x}
        given = {("x", name): x for name, x in data_x.items()}
        given |= {("y", ""): batches.y, ("weight", ""): batches.weight}
        self.data = {
            place: np.ascontiguousarray(
                values, dtype=np.int64 if values.dtype.kind in "iu" else dtype
            )
            for place, values in given.items()
        }
        self.even = bool((self.data["weight", ""] == 1).all())
        self.batch = {
            place: np.ones((self.rows, *values.shape[1:]), dtype=values.dtype)
            for place, values in self.data.items()
        }
        self.masks = {("decayed", ""): self.decayed.astype(np.int8)}
        if self.trained is not None:
            self.masks["trained", ""] = self.trained.astype(np.int8)
        # Cells that change at every step, apart for each thread: step, position, origin
        # and key; time, learning rate and scale.
        self.whole_cells = np.zeros((self.threads, 8), dtype=np.int64)
        self.whole_cells[:, 2] = batches.first
        self.whole_cells[:, 3] = np.array([self.key], dtype=np.uint64).view(np.int64)
        self.cells = np.zeros((self.threads, 8))

    def _numbers(self, thread: int) -> Numbers:
        """Return cells whose changing ones are those of the thread."""
        numbers = Numbers.empty()
        own = self.cells[thread]
        kept = numbers.address

        def address(key: Any, value: float | None = None) -> int:
            places = {"t": driver.T, "rate": driver.RATE, "scale": driver.SCALE}
            if isinstance(key, str) and key in places:
                return _address(own) + 8 * places[key]
            return kept(key, value)

        numbers.address = address  # type: ignore[method-assign]
        return numbers

    def _tables(self, training: Assembly, update: Assembly, cut: bool) -> None:
        offsets, size = training.arena(-(-self.rows // self.shards))
        self.arena_bytes = size * self.shards
        self._memories = [_aligned(size) for _ in range(self.shards)]
        table = Table()
        self.bounds = np.zeros((self.threads, 3, 2), dtype=np.int64)
        self._kept: list[Any] = []
        for thread in range(self.threads):
            numbers = self._numbers(thread)
            self._kept.append(numbers)
            cells = _address(self.whole_cells[thread])
            own = [k for k in range(self.shards) if k % self.threads == thread]
            for place, rows in enumerate((self.usual_rows, self.last_rows)):
                calls = []
                for k in own:
                    calls += self._shard(training, k, rows, offsets, numbers, cells)
                self.bounds[thread, place] = table.add(calls)
            mine = range(thread, len(self.pieces), self.threads)
            calls = []
            for k in mine:
                calls += self._piece(update, k, numbers, cut)
            if thread == 0 and self.state.size:
                start = self.engine.blueprint.layout.parameters.size
                target = _address(self.weights) + start * self.engine.dtype.itemsize
                row = [1, self.state.size, _address(self.state), target]
                bits = 8 * self.engine.dtype.itemsize
                calls.append((cache.load(library.KEEP, bits), row))
            self.bounds[thread, 2] = table.add(calls)
        self.calls, self.operands = table.arrays()
        self.meeting = np.zeros(16, dtype=np.int64)

    def _shard(
        self,
        training: Assembly,
        k: int,
        rows: int,
        offsets: dict[Any, int],
        numbers: Numbers,
        cells: int,
    ) -> list[tuple[int, list[int]]]:
        """Return the calls of one shard: its rows of a batch, forward and backward."""
        begin, end = rows * k // self.shards, rows * (k + 1) // self.shards
        arrays: dict[Any, NDArray[Any]] = {("loss", ""): self.loss_cells[k]}
        calls = []
        bits = 8 * self.engine.dtype.itemsize
        for place, values in self.data.items():
            if self.whole:
                arrays[place] = values[begin:end]
                continue
            arrays[place] = self.batch[place][begin:end]
            if place == ("weight", "") and self.even:
                continue
            kind = "integers" if values.dtype.kind == "i" else "floats"
            columns = int(np.prod(values.shape[1:]))
            gather = cache.load(library.GATHER.format(kind=kind), bits)
            row = [end - begin, columns, _address(values), _address(self.order)]
            position = cells + 8 * driver.POSITION
            calls.append((gather, [*row, position, begin, _address(arrays[place])]))
        where = self.engine.where(
            self.weights,
            arrays,
            self.gradients[k],
            self.state if self.state.size else None,
        )
        return calls + training.calls(
            end - begin,
            where,
            self._memories[k][1],
            offsets,
            numbers,
            batch=rows,
            first=begin,
            seed=cells + 24,
            step=cells + 8 * driver.STEP,
        )

    def _piece(
        self, update: Assembly, k: int, numbers: Numbers, cut: bool
    ) -> list[tuple[int, list[int]]]:
        """Return the calls that update one piece of the parameters."""
        size = self.engine.blueprint.layout.parameters.size
        if size == 0:
            return []
        arrays: dict[Any, NDArray[Any]] = {
            ("w", ""): self.weights,
            ("new", "w"): self.weights,
            ("norm", ""): self.norm_cells[k],
        } | self.masks
        for name, vector in self.memory.items():
            arrays["memory", name] = vector
        for shard in range(self.shards):
            arrays["g", f"g{shard}"] = self.gradients[shard]
        offsets, bytes_needed = update.arena(1)
        memory = _aligned(bytes_needed)
        self._kept.append(memory)
        return update.calls(
            1,
            lambda place: _address(arrays[place]),
            memory[1],
            offsets,
            numbers,
            piece=self.pieces[k] if cut else None,
        )

    # -- running -----------------------------------------------------------------------

    def advance(self, step: int, count: int, seconds: float = SLICE) -> Outcome:
        """Make up to `count` updates, see `ReadableSession.advance`.

        Parameters
        ----------
        step, count : int
            The first iteration, and how many at most.
        seconds : float
            About how long to work before returning.

        Returns
        -------
        Outcome
        """
        count = max(1, min(count, self._most(step), int(seconds / self._pace)))
        before = self._snapshot()
        start = time.perf_counter()
        losses, norms, sums, done = self._drive(step, count)
        self._pace = max(1e-8, (time.perf_counter() - start) / max(1, done))
        if done == count and bool(np.isfinite(self.weights).all()):
            return Outcome(losses.tolist(), sums.tolist(), norms.tolist())
        # Back to where all was well, then step by step in the readable engine, which
        # looks at everything and names what fails.
        self._restore(before)
        return self._carefully(step, count)

    def _most(self, step: int) -> int:
        """Return how many iterations a slice can have: those with room for an order."""
        if not self.batches.shuffle:
            return MOST_STEPS
        last = self.batches.place(step)[0] + self._most_epochs
        room: int = self.batches.first + last * self.batches.per_epoch - step
        return min(MOST_STEPS, room)

    def _course(self, step: int, count: int) -> tuple[NDArray[Any], ...]:
        """Return for some iterations where their batches are, table, rate and scale."""
        batches = self.batches
        per_epoch = batches.per_epoch
        epochs, places = np.divmod(np.arange(count) + step - batches.first, per_epoch)
        starts = np.array(batches.starts, dtype=np.int64)
        if batches.shuffle:
            first, n = int(epochs[0]), len(batches.y)
            orders = [self._order(e) for e in range(first, int(epochs[-1]) + 1)]
            for i, (order, _) in enumerate(orders):
                self.order[i * n : (i + 1) * n] = order
            positions = starts[places] + (epochs - first) * n
            sums = np.stack([weights for _, weights in orders])[epochs - first, places]
        else:  # every epoch is like the first
            positions, sums = starts[places], self._order(0)[1][places]
        averages = self.engine.blueprint.loss.reduction == "mean"
        scales = np.ones(count)
        if averages:
            np.divide(1.0, sums, out=scales, where=sums > 0)
            scales[sums == 0] = 0.0
        rule, total = self.optimizer, self.total
        rates = np.array(rule.rates(step, count, total))
        tables = (places == per_epoch - 1).astype(np.int64)
        return positions, tables, rates, scales, sums

    def _order(self, epoch: int) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
        """Return the order of the rows in an epoch, and the weight of each batch."""
        batches = self.batches
        if epoch not in self._orders:
            self._orders = {e: v for e, v in self._orders.items() if e >= epoch - 1}
            order = batches.order(epoch)
            weight = self.data["weight", ""][order].astype(np.float64)
            sums = np.add.reduceat(weight, np.array(batches.starts))
            self._orders[epoch] = (order, sums)
        found: tuple[NDArray[np.int64], NDArray[np.float64]] = self._orders[epoch]
        return found

    def _snapshot(self) -> list[NDArray[Any]]:
        return [self.weights.copy(), *(v.copy() for v in self.memory.values())]

    def _restore(self, before: list[NDArray[Any]]) -> None:
        self.weights[...] = before[0]
        for vector, old in zip(self.memory.values(), before[1:], strict=True):
            vector[...] = old

    def _drive(
        self, step: int, count: int
    ) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64], int]:
        positions, tables, rates, scales, sums = self._course(step, count)
        losses, norms = np.zeros(count), np.zeros(count)
        done = [0] * self.threads
        self.meeting[:] = 0

        def work(thread: int) -> None:
            done[thread] = driver.drive(
                thread,
                self.threads,
                self.meeting,
                machine.give_way(),
                step,
                positions,
                tables,
                rates,
                scales,
                self.whole_cells[thread],
                self.cells[thread],
                self.calls,
                self.operands,
                self.bounds,
                self.loss_cells,
                self.norm_cells,
                losses,
                norms,
            )

        helpers = [
            threading.Thread(target=work, args=(i,), daemon=True)
            for i in range(1, self.threads)
        ]
        for helper in helpers:
            helper.start()
        work(0)
        for helper in helpers:
            helper.join()
        return losses, norms, sums, done[0]

    def _carefully(self, step: int, count: int) -> Outcome:
        """Make the updates before a failure again, one at a time, and name it."""
        outcome = Outcome()
        for now in range(step, step + count):
            before = self._snapshot()
            losses, norms, sums, done = self._drive(now, 1)
            if done == 1 and np.isfinite(self.weights).all():
                outcome.losses.append(float(losses[0]))
                outcome.norms.append(float(norms[0]))
                outcome.weights.append(float(sums[0]))
                continue
            self._restore(before)
            readable = ReadableSession(
                self.engine.readable,
                self.weights,
                self.optimizer,
                self.memory,
                self.batches,
                self.key,
                self.total,
                self.decayed,
                self.trained,
            )
            one = readable.advance(now, 1)
            outcome.failed, outcome.where = one.failed, one.where
            outcome.losses += one.losses
            outcome.norms += one.norms
            outcome.weights += one.weights
            if one.failed:
                break
        return outcome
