"""From a plan to a table: which kernel is called with which numbers.

A row of the table is the address of a kernel and the place of its operands. Memory for
what is stored between steps is taken from one arena: values that do not live at the
same time share it.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pellucid.engines.compiled import cache, library
from pellucid.engines.compiled.convolution.blocked import KEPT, Blocked, Where
from pellucid.engines.compiled.convolution.choice import over_images
from pellucid.engines.compiled.plan import (
    Call,
    Extent,
    Loop,
    Plan,
    Planner,
    Space,
    UnsupportedError,
    cut,
    is_turned,
    kind_letter,
    space_of,
    stored_as,
)
from pellucid.engines.compiled.printer import Kernel, Operand, Printer
from pellucid.engines.compiled.table import ALIGNMENT
from pellucid.program import Program
from pellucid.symbol import FLOAT, INTEGER, NUMBER, Symbol

_ITEM = {"i": 8, "b": 1}

MEETING = "meet"  # the operation for which all shards wait, see `meetings.py`


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


@dataclass
class Numbers:
    """What kernels read besides arrays: settings, the learning rate, tables of offsets.

    Parameters
    ----------
    vector : ndarray of float64
        Cells for numbers.
    places : dict
        Which cell holds what.
    tables : dict
        The tables, by what they are of.
    """

    vector: NDArray[np.float64]
    places: dict[Any, int]
    tables: dict[Any, NDArray[np.int64]] = field(default_factory=dict)

    @classmethod
    def empty(cls) -> "Numbers":
        """Return no cells, with room for 4,096."""
        return cls(np.zeros(4096), {})

    def address(self, key: Any, value: float | None = None) -> int:
        """Return the address of a cell, made at its first use.

        Parameters
        ----------
        key : object
            Which.
        value : float, optional
            What it holds.

        Returns
        -------
        int
        """
        if key not in self.places:
            if len(self.places) == len(self.vector):
                raise UnsupportedError("more than 4,096 different numbers")
            self.places[key] = len(self.places)
        place = self.places[key]
        if value is not None:
            self.vector[place] = value
        return int(self.vector.ctypes.data) + 8 * place

    def table(self, key: Any, make: Callable[[], NDArray[np.int64]]) -> int:
        """Return the address of a table, made at its first use.

        Parameters
        ----------
        key : object
            Which.
        make : callable
            Returns its entries.

        Returns
        -------
        int
        """
        if key not in self.tables:
            self.tables[key] = np.ascontiguousarray(make(), dtype=np.int64)
        return int(self.tables[key].ctypes.data)

    def steps(self, count: int, step: int) -> int:
        """Return the address of the table 0, step, 2 step...

        Parameters
        ----------
        count, step : int
            How many entries, and how far they are apart.

        Returns
        -------
        int
        """
        return self.table(("steps", count, step), lambda: np.arange(count) * step)


class Assembly:
    """A Program that is ready to be put into tables.

    Parameters
    ----------
    program : Program
        What is computed.
    dtype : dtype
        float32 or float64.
    same_place : dict
        Output place -> leaf place whose memory it overwrites, such as
        ``("new", "w"): ("w", "")``.
    """

    def __init__(
        self,
        program: Program,
        dtype: Any,
        same_place: dict[tuple[str, str], tuple[str, str]] | None = None,
    ) -> None:
        self.dtype = np.dtype(dtype)
        self.bits = 8 * self.dtype.itemsize
        self.plan: Plan = Planner(program).plan()
        self.program = self.plan.program
        self.outputs: dict[int, tuple[str, str]] = {}  # node id -> where it is made
        self.copies: list[tuple[Symbol, tuple[str, str]]] = []  # and where it also goes
        self._place_outputs(same_place or {})
        leaves = {
            (leaf.settings["vector"], leaf.settings["name"]): leaf.id
            for leaf in self.program.leaves
        }
        overwritten = {
            node: leaves[same_place[place]]
            for node, place in self.outputs.items()
            if same_place and same_place.get(place) in leaves
        }
        self.kernels: list[Kernel | None] = [
            Printer(self.plan, step, overwritten).kernel()
            if isinstance(step, Loop)
            else None
            for step in self.plan.steps
        ]
        self.over_images: dict[int, Blocked] = {}  # step -> its kernels, if it has such
        for i, step in enumerate(self.plan.steps):
            found = (
                over_images(step.node, self.bits) if isinstance(step, Call) else None
            )
            if found is not None:
                self.over_images[i] = found
        self._check_order(overwritten)
        self._lives = self._intervals()
        # What cannot be called is to be known now.
        self._rows(2, lambda _: 0, 0, self.arena(2)[0], Numbers.empty())

    def _place_outputs(
        self, same_place: dict[tuple[str, str], tuple[str, str]]
    ) -> None:
        """Say which outputs are made in place, and which are copies of a value."""
        outputs = self.program.outputs
        for place in sorted(outputs, key=lambda place: place not in same_place):
            source = stored_as(outputs[place])
            leaf = source.operation.group == "leaf"
            if not leaf and source.id not in self.outputs:
                self.outputs[source.id] = place
                continue
            if leaf:
                given = source.settings["vector"], source.settings["name"]
                if given == same_place.get(place):
                    continue  # it stays what it is
                if given in same_place.values() or given[0] == "constant":
                    raise UnsupportedError("an output that is an input, overwritten")
            if source.kind != FLOAT:
                raise UnsupportedError(f"an output of kind {source.kind} in two places")
            self.copies.append((source, place))

    def _check_order(self, overwritten: dict[int, int]) -> None:
        """Refuse a plan that reads a memory after a step has overwritten it."""
        written: set[int] = set()
        for step in self.plan.steps:
            nodes = self._nodes(step)
            now = {overwritten[node.id] for node in nodes if node.id in overwritten}
            # A loop reads an entry before it writes it; the printer sees to that.
            written |= now if isinstance(step, Call) else set()
            read = {stored_as(value).id for node in nodes for value in self._read(node)}
            if read & written:
                raise UnsupportedError("a memory that is read after it was written")
            written |= now

    @staticmethod
    def _read(node: Symbol) -> list[Symbol]:
        """Return the inputs of a node; of a product, what it reads transposed."""
        return [
            value.inputs[0] if is_turned(value, node) else value
            for value in node.inputs
            if isinstance(value, Symbol)
        ]

    @staticmethod
    def _nodes(step: Loop | Call) -> list[Symbol]:
        return step.nodes if isinstance(step, Loop) else [step.node]

    # -- memory ------------------------------------------------------------------------

    def _intervals(self) -> dict[int, tuple[int, int, Symbol]]:
        """Return for every stored value the steps between which it lives."""
        found: dict[int, tuple[int, int, Symbol]] = {}
        for i, step in enumerate(self.plan.steps):
            for node in self._nodes(step):
                if node.id in self.plan.stored and node.id not in self.outputs:
                    found[node.id] = (i, i, node)
            for node in self._nodes(step):
                for source in map(stored_as, self._read(node)):
                    if source.id in found:
                        begin, _, symbol = found[source.id]
                        # Other shards may read it while this one has gone on.
                        meets = node.operation.name == MEETING
                        end = len(self.plan.steps) if meets else i
                        found[source.id] = (
                            begin,
                            max(end, found[source.id][1]),
                            symbol,
                        )
        return found

    def item(self, node: Symbol) -> int:
        """Return the bytes of one number of a stored value.

        Parameters
        ----------
        node : Symbol
            The value.

        Returns
        -------
        int
        """
        return _ITEM.get(kind_letter(node), int(self.dtype.itemsize))

    def _bytes(self, node: Symbol, n: int) -> int:
        rows, columns = space_of(node.shape)
        item = self.item(node)
        size = length(rows, n) * columns * item
        return math.ceil(max(size, 1) / ALIGNMENT) * ALIGNMENT

    def arena(self, n: int) -> tuple[dict[Any, int], int]:
        """Return offsets in the arena for a batch size, and its size in bytes.

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
        wanted: list[tuple[int, int, Any, int]] = [
            (begin, end, key, self._bytes(node, n))
            for key, (begin, end, node) in self._lives.items()
        ]
        for i, kernel in enumerate(self.kernels):
            for operand in kernel.operands if kernel else []:
                if operand.kind == "scratch":
                    step = self.plan.steps[i]
                    assert isinstance(step, Loop)
                    size = step.space[1] * self.dtype.itemsize + ALIGNMENT
                    wanted.append((i, i, (i, operand.what), size))
        for i, operation in self.over_images.items():
            for name, numbers in operation.scratch.items():
                size = numbers * self.dtype.itemsize
                size = math.ceil(max(size, 1) / ALIGNMENT) * ALIGNMENT
                always = name in KEPT
                life = (0, len(self.plan.steps)) if always else (i, i)
                wanted.append((*life, (i, name), size))
        offsets: dict[Any, int] = {}
        placed: list[tuple[int, int, int, int]] = []  # begin, end, offset, size
        for begin, end, key, size in sorted(wanted, key=lambda w: -w[3]):
            offset = 0
            for other in sorted(placed, key=lambda p: p[2]):
                together = other[0] <= end and begin <= other[1]
                if (
                    together
                    and offset < other[2] + other[3]
                    and other[2] < offset + size
                ):
                    offset = math.ceil((other[2] + other[3]) / ALIGNMENT) * ALIGNMENT
            offsets[key] = offset
            placed.append((begin, end, offset, size))
        total = max((offset + size for _, _, offset, size in placed), default=0)
        return offsets, total + ALIGNMENT

    # -- tables ------------------------------------------------------------------------

    def calls(
        self,
        n: int,
        where: Callable[[tuple[str, str]], int],
        arena: int,
        offsets: dict[Any, int],
        numbers: Numbers,
        *,
        batch: int | None = None,
        first: int = 0,
        seed: int = 0,
        step: int = 0,
        piece: tuple[int, int] | None = None,
        arenas: tuple[int, ...] = (),
    ) -> list[tuple[int, list[int]]]:
        """Return the calls for a batch (or a shard of one) in order.

        Parameters
        ----------
        n : int
            Rows of the batch or shard.
        where : callable
            Returns the address of a leaf or output by (vector, name).
        arena : int
            Address of the arena, aligned.
        offsets : dict
            From `arena`.
        numbers : Numbers
            Cells for numbers.
        batch : int
            Rows of the whole batch; n by default.
        first : int
            Row of the batch at which the shard begins.
        seed, step : int
            Addresses of the key of the random numbers and of the iteration.
        piece : (int, int), optional
            Only these columns of vectors, from and to; the sums of a piece go to
            ``("norm", number of the piece)``.
        arenas : tuple of int
            Addresses of the arenas of all shards, if there are others.

        Returns
        -------
        list of (int, list of int)
            Kernel addresses and operands; address 0 where all shards are to wait for
            each other.
        """
        rows = self._rows(
            n,
            where,
            arena,
            offsets,
            numbers,
            batch or n,
            first,
            seed,
            step,
            piece,
            arenas or (arena,),
        )
        # One text is called for every image: it is looked up once.
        texts = {id(body): (body, note) for body, note, _ in rows}
        addresses = {
            key: cache.load(body, self.bits, note) if body else 0
            for key, (body, note) in texts.items()
        }
        return [(addresses[id(body)], operands) for body, _, operands in rows]

    def _rows(
        self,
        n: int,
        where: Callable[[tuple[str, str]], int],
        arena: int,
        offsets: dict[Any, int],
        numbers: Numbers,
        batch: int = 1,
        first: int = 0,
        seed: int = 0,
        step: int = 0,
        piece: tuple[int, int] | None = None,
        arenas: tuple[int, ...] = (0,),
    ) -> list[tuple[str, str, list[int]]]:
        """Return the texts of kernels, their notes, and what they are called with."""
        context = _Context(
            self,
            n,
            where,
            arena,
            offsets,
            numbers,
            batch,
            first,
            seed,
            step,
            piece,
            arenas,
        )
        found = []
        for i, plan_step in enumerate(self.plan.steps):
            if isinstance(plan_step, Loop):
                kernel = self.kernels[i]
                assert kernel is not None
                operands = context.loop(i, plan_step.space, kernel)
                found.append((kernel.body, kernel.note, operands))
            elif plan_step.node.operation.name == MEETING:
                found += [
                    ("", "", []),
                    (library.MEET, "", context.meet(plan_step.node)),
                ]
            elif i in self.over_images:
                rows = context.over_images(i, plan_step.node)
                found += [(body, "", operands) for body, operands in rows]
            else:
                body, many = context.call(plan_step.node)
                found += [(body, "", operands) for operands in many]
        for source, place in self.copies:
            found.append((library.KEEP, "", context.copy(source, place)))
        return found

    def compile(self) -> None:
        """Compile the printed kernels, or find them on disk.

        Raises
        ------
        UnsupportedError
            If one cannot be compiled.
        """
        from numba.core.errors import NumbaError

        for kernel in self.kernels:
            if kernel is None:
                continue
            try:
                cache.load(kernel.body, self.bits, kernel.note)
            except NumbaError as error:
                first = str(error).strip().splitlines()[0]
                raise UnsupportedError(
                    f"a kernel that Numba cannot compile ({first})"
                ) from error

    @property
    def can_be_cut(self) -> bool:
        """Whether an update can run on pieces of a vector: one loop, no inner sums."""
        if len(self.plan.steps) != 1 or not isinstance(self.plan.steps[0], Loop):
            return False
        if self.copies:
            return False
        sums = {
            n.id for n in self.plan.steps[0].nodes if n.operation.group == "reduction"
        }
        return not any(
            isinstance(value, Symbol) and value.id in sums
            for node in self.plan.steps[0].nodes
            for value in node.inputs
        )


@dataclass
class _Context:
    """One filling of the table, see `Assembly.calls`."""

    assembly: Assembly
    n: int
    where: Callable[[tuple[str, str]], int]
    arena: int
    offsets: dict[Any, int]
    numbers: Numbers
    batch: int
    first: int
    seed: int
    step: int
    piece: tuple[int, int] | None
    arenas: tuple[int, ...]

    def address(self, node: Symbol) -> int:
        """Return where a stored value is."""
        source = stored_as(node)
        if source.settings.get("vector") == "constant":
            raise UnsupportedError("a constant array outside of a comparison")
        if source.operation.group == "leaf":
            return self.where((source.settings["vector"], source.settings["name"]))
        if source.id in self.assembly.outputs:
            return self.where(self.assembly.outputs[source.id])
        return self.arena + self.offsets[source.id]

    def loop(self, index: int, space: Space, kernel: Kernel) -> list[int]:
        rows, columns = length(space[0], self.n), space[1]
        if self.piece is not None:
            columns = self.piece[1] - self.piece[0]
        return [rows, columns, *(self._operand(index, o) for o in kernel.operands)]

    def _operand(self, index: int, operand: Operand) -> int:
        kind, what = operand.kind, operand.what
        if kind == "array":
            node, letter = what
            return self.address(node) + self._shift(node, letter)
        if kind == "number":
            if what == "n":
                return self.numbers.address(("n", self.batch), float(self.batch))
            if isinstance(what, str):
                return self.numbers.address(what)
            return self.numbers.address(("number", repr(what)), what)
        if kind == "scratch":
            return self.arena + self.offsets[index, what]
        if kind == "first":
            # Rows of the loop before the shard; none where it is not about the batch.
            step = self.assembly.plan.steps[index]
            assert isinstance(step, Loop)
            factor, scaled = step.space[0]
            return self.first * factor if scaled else 0
        whole: dict[str, int] = {"seed": self.seed, "step": self.step, "stream": what}
        return whole[kind]

    def _shift(self, node: Symbol, letter: str) -> int:
        """Return how far into a vector a piece begins."""
        if self.piece is None or letter not in ("rc", "c"):
            return 0
        return self.piece[0] * self.assembly.item(node)

    def over_images(self, index: int, node: Symbol) -> list[tuple[str, list[int]]]:
        """Return the calls of an operation over images."""
        operation = self.assembly.over_images[index]
        at = Where(
            tuple(self.address(v) for v in node.inputs if isinstance(v, Symbol)),
            self.address(node),
            int(self.assembly.dtype.itemsize),
            lambda name: self.arena + self.offsets[index, name],
            self.numbers.table,
            self.numbers.steps,
        )
        blocks = operation.block(at, 0, self.n)
        return [*operation.before(at), *blocks, *operation.after(at)]

    def meet(self, node: Symbol) -> list[int]:
        """Return the operands of the sum of what all shards have."""
        source = stored_as(node.inputs[0])
        if source.id not in self.offsets:
            raise UnsupportedError("a sum that is an output and is used")
        offset = self.offsets[source.id]
        each = [arena + offset for arena in self.arenas]
        return [*self._size(source), self.address(node), len(each), *each]

    def copy(self, source: Symbol, place: tuple[str, str]) -> list[int]:
        """Return the operands of the copy of a value."""
        return [*self._size(source), self.address(source), self.where(place)]

    def call(self, node: Symbol) -> tuple[str, list[list[int]]]:
        """Return a hand-written kernel, and what it is called with, once or oftener."""
        name = node.operation.name
        make = getattr(self, f"_{name}", None)
        if make is None:
            raise UnsupportedError(f"the operation {name}")
        for place, value in enumerate(node.inputs):
            index = place == 1 and name in ("take", "take_along_axis", "scatter_add")
            kind = value.kind if isinstance(value, Symbol) else "number"
            if kind != (INTEGER if index else FLOAT):
                raise UnsupportedError(f"{name} of an array of kind {kind}")
        found: tuple[str, list[list[int]]] = make(node)
        return found

    def _size(self, node: Symbol) -> tuple[int, int]:
        rows, columns = space_of(node.shape)
        return length(rows, self.n), columns

    def _matmul(self, node: Symbol) -> tuple[str, list[list[int]]]:
        (x, turned_x), (y, turned_y) = (
            (
                value.inputs[0] if is_turned(value, node) else value,
                is_turned(value, node),
            )
            for value in node.inputs
        )
        (long_x, short_x), (_, long_y) = self._size(x), self._size(y)
        rows, columns = self._size(node)
        inner = long_x if turned_x else short_x
        steps = (1, short_x) if turned_x else (short_x, 1)
        row = [
            rows,
            columns,
            inner,
            self.address(x),
            self.numbers.steps(rows, steps[0]),
            self.numbers.steps(inner, steps[1]),
            self.address(y),
            long_y,
            self.address(node),
            self.numbers.steps(rows, columns),
            library.TURNED if turned_y else 0,
        ]
        return library.PRODUCT, [row]

    def _transpose(self, node: Symbol) -> tuple[str, list[list[int]]]:
        rows, columns = self._size(node)
        x, z = self.address(node.inputs[0]), self.address(node)
        return library.TURN, [[columns, rows, x, rows, z]]

    def _slice(self, node: Symbol) -> tuple[str, list[list[int]]]:
        index = node.settings["index"]
        parts = index if isinstance(index, tuple) else (index,)
        source = node.inputs[0]
        part = parts[-1]
        others = all(p is Ellipsis or p == slice(None) for p in parts[:-1])
        full = Ellipsis in parts or len(parts) == source.ndim
        whole_steps = isinstance(part, int) or (
            isinstance(part, slice) and part.step in (None, 1)
        )
        if not others or not full or not whole_steps:
            raise UnsupportedError(f"the slice {index}")
        rows, long_x = self._size(source)
        begin = range(long_x)[part]
        begin = begin if isinstance(begin, int) else begin.start
        columns = 1 if isinstance(part, int) else self._size(node)[1]
        x = self.address(source) + begin * self.assembly.dtype.itemsize
        return library.COPY, [[rows, columns, x, long_x, self.address(node), columns]]

    def _concatenate(self, node: Symbol) -> tuple[str, list[list[int]]]:
        if node.settings["axis"] not in (-1, node.ndim - 1):
            raise UnsupportedError("concatenate along another axis than the last")
        rows, total = self._size(node)
        z, found = self.address(node), []
        for value in node.inputs:
            columns = self._size(value)[1]
            found.append([rows, columns, self.address(value), columns, z, total])
            z += columns * self.assembly.dtype.itemsize
        return library.COPY, found

    def _take(self, node: Symbol) -> tuple[str, list[list[int]]]:
        table, index = node.inputs
        rows, columns = map(self._length, (index.shape, table.shape[1:]))
        addresses = map(self.address, (table, index, node))
        table_rows = self._length(table.shape[:1])
        return library.TAKE, [[rows, columns, *addresses, table_rows]]

    def _length(self, shape: tuple[Any, ...]) -> int:
        """Return how many numbers an array has."""
        return length(cut(shape, len(shape))[0], self.n)

    def _take_along_axis(self, node: Symbol) -> tuple[str, list[list[int]]]:
        source, index = node.inputs
        rows, columns = self._size(node)
        long_x = self._size(source)[1]
        return library.TAKE_ALONG, [
            [
                rows,
                columns,
                self.address(source),
                long_x,
                self.address(index),
                self.address(node),
            ]
        ]

    def _scatter_add(self, node: Symbol) -> tuple[str, list[list[int]]]:
        values, index = node.inputs
        if values.shape[:-1] != index.shape:
            raise UnsupportedError("scatter_add with other than one index a row")
        rows, columns = self._size(values)
        total = self._size(node)[0]
        addresses = map(self.address, (values, index, node))
        return library.SCATTER_ADD, [[rows, columns, *addresses, total]]


def reads_numbers(program: Program) -> list[str]:
    """Return the names of the numbers that a Program is given at run time.

    Parameters
    ----------
    program : Program
        Any.

    Returns
    -------
    list of str
    """
    return [leaf.settings["vector"] for leaf in program.leaves if leaf.kind == NUMBER]
