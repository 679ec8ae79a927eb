"""From a plan to a table: which kernel is called with which numbers.

A row of the table is the address of a kernel and the place of its operands.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pellucid.engines.compiled import cache, library
from pellucid.engines.compiled.arena import MEETING, Arena, item, length, read_by
from pellucid.engines.compiled.chains import (
    Chain,
    chains,
    is_for_samples,
    pixels_beside,
)
from pellucid.engines.compiled.convolution.blocked import Blocked, MadeBefore, Where
from pellucid.engines.compiled.convolution.choice import over_images
from pellucid.engines.compiled.convolution.pooling import Largest
from pellucid.engines.compiled.plan import (
    Call,
    Loop,
    Plan,
    Planner,
    Space,
    UnsupportedError,
    cut,
    is_turned,
    space_of,
    stored_as,
)
from pellucid.engines.compiled.printer import Kernel, Operand, Printer
from pellucid.program import Program
from pellucid.symbol import FLOAT, INTEGER, NUMBER, Symbol

Text = tuple[str, str, list[int]]  # of a kernel, a note, and what it is called with
Calls = list[
    tuple[int, list[int]]
]  # addresses of kernels, and what they are called with

WAIT: Text = "", "", []  # until all shards are here

# A product with so large a matrix, for so few rows in all shards, is cut by its
# columns, in panels of so many.
LARGE, MOST_ROWS, PANEL = 2**18, 256, 64


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


@dataclass(frozen=True)
class Shard:
    """Some rows of a batch, and where their numbers are.

    Parameters
    ----------
    n : int
        How many rows.
    where : callable
        Returns the address of a leaf or output by (vector, name).
    arena : int
        Address of the arena, aligned.
    """

    n: int
    where: Callable[[tuple[str, str]], int]
    arena: int


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
        self.chains = {c.first: c for c in chains(self.plan, self.over_images)}
        self.beside: dict[int, Symbol] = {}  # step -> what it makes beside its own
        for chain in self.chains.values():
            for i in pixels_beside(self.plan, chain):
                self.beside[i] = self.plan.steps[i + 1].nodes[0]
                largest = self.over_images[i]
                assert isinstance(largest, Largest)
                self.over_images[i] = replace(largest, pixels=True)
                self.over_images[i + 1] = MadeBefore()
        self.late = late_products(self.plan, self.outputs, self.copies)
        self.memory = Arena(
            self.plan,
            set(self.outputs),
            self.kernels,
            self.over_images,
            list(self.chains.values()),
            set(self.late.values()),
            int(self.dtype.itemsize),
        )
        # What cannot be called is to be known now.
        some = Shard(2, lambda _: 0, 0)
        self._context((some,), self.arena(2)[0], Numbers.empty()).texts()

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
            nodes = step.nodes
            now = {overwritten[node.id] for node in nodes if node.id in overwritten}
            # A loop reads an entry before it writes it; the printer sees to that.
            written |= now if isinstance(step, Call) else set()
            read = {source.id for node in nodes for source in read_by(node)}
            if read & written:
                raise UnsupportedError("a memory that is read after it was written")
            written |= now

    # -- memory ------------------------------------------------------------------------

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
        return item(node, int(self.dtype.itemsize))

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
        return self.memory.places(n)

    # -- tables ------------------------------------------------------------------------

    def calls(
        self,
        shards: tuple[Shard, ...],
        offsets: dict[Any, int],
        numbers: Numbers,
        *,
        number: int = 0,
        seed: int = 0,
        step: int = 0,
        piece: tuple[int, int] | None = None,
        leave: bool = False,
    ) -> Calls:
        """Return the calls for a batch (or a shard of one) in order.

        Parameters
        ----------
        shards : tuple of Shard
            Those of the batch, in order; a whole batch is one.
        offsets : dict
            From `arena`.
        numbers : Numbers
            Cells for numbers.
        number : int
            Which of the shards.
        seed, step : int
            Addresses of the key of the random numbers and of the iteration.
        piece : (int, int), optional
            Only these columns of vectors, from and to; the sums of a piece go to
            ``("norm", number of the piece)``.
        leave : bool
            Whether to leave out what is in `late`.

        Returns
        -------
        list of (int, list of int)
            Kernel addresses and operands; address 0 where all shards are to wait for
            each other.
        """
        cells = number, seed, step, piece
        context = self._context(shards, offsets, numbers, *cells)
        return self._loaded(context.texts(leave=leave))

    def late_calls(
        self,
        place: tuple[str, str],
        rows: tuple[int, int],
        to: int,
        shards: tuple[Shard, ...],
        offsets: dict[Any, int],
        numbers: Numbers,
    ) -> Calls:
        """Return the calls for some rows of a gradient, the sum over all shards.

        Parameters
        ----------
        place : (str, str)
            Which, one of those in `late`.
        rows : (int, int)
            From and to.
        to : int
            Address of these rows.
        shards : tuple of Shard
            Those of the batch, in order.
        offsets : dict
            From `arena`.
        numbers : Numbers
            Cells for numbers.

        Returns
        -------
        list of (int, list of int)
            Kernel addresses and operands.
        """
        context = self._context(shards, offsets, numbers)
        node = self.plan.steps[self.late[place]].nodes[0]
        return self._loaded(context.sum_of_products(node, rows, to))

    def _context(
        self,
        shards: tuple[Shard, ...],
        offsets: dict[Any, int],
        numbers: Numbers,
        number: int = 0,
        seed: int = 0,
        step: int = 0,
        piece: tuple[int, int] | None = None,
    ) -> "_Context":
        own = shards[number]
        first = sum(shard.n for shard in shards[:number])
        places = own.n, own.where, own.arena, offsets, numbers
        return _Context(self, shards, number, *places, first, seed, step, piece)

    def _loaded(self, texts: list[Text]) -> Calls:
        """Return texts as kernels; one of many calls is looked up once."""
        known = {id(body): (body, note) for body, note, _ in texts}
        addresses = {
            key: cache.load(body, self.bits, note) if body else 0
            for key, (body, note) in known.items()
        }
        return [(addresses[id(body)], operands) for body, _, operands in texts]

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
    shards: tuple[Shard, ...]
    number: int  # of the own shard, whose are the next three
    n: int
    where: Callable[[tuple[str, str]], int]
    arena: int
    offsets: dict[Any, int]
    numbers: Numbers
    first: int  # row of the batch at which the shard begins
    seed: int
    step: int
    piece: tuple[int, int] | None

    @property
    def batch(self) -> int:
        """Rows of all shards."""
        return sum(shard.n for shard in self.shards)

    def texts(self, leave: bool = False) -> list[Text]:
        """Return the texts of kernels, their notes, and what they are called with."""
        assembly = self.assembly
        found: list[Text] = []
        late = set(assembly.late.values()) if leave else set()
        steps = iter(range(len(assembly.plan.steps)))
        for i in steps:
            node = assembly.plan.steps[i].nodes[0]
            if i in assembly.chains:
                found += self.chain(assembly.chains[i])
                for _ in range(i, assembly.chains[i].last):
                    next(steps)
            elif i in assembly.over_images or isinstance(assembly.plan.steps[i], Loop):
                found += [*self.begin(i), *self.some(i, 0, self.n), *self.end(i)]
            elif node.operation.name == MEETING:
                found += [WAIT, (library.MEET, "", self.meet(node))]
            elif self._is_for_all(node):
                found += [WAIT, self.product_for_all(node), WAIT]
            elif i not in late:
                body, many = self.call(node)
                found += [(body, "", operands) for operands in many]
        for source, place in assembly.copies:
            found.append((library.KEEP, "", self.copy(source, place)))
        return found

    def of_shard(self, number: int) -> "_Context":
        """Return the same for another shard."""
        other = self.shards[number]
        return replace(
            self, number=number, n=other.n, where=other.where, arena=other.arena
        )

    def address(self, node: Symbol, first: int = 0) -> int:
        """Return where a stored value is; of samples, the one of sample 0.

        Where there is room for a few only, sample 0 is where it would be for the
        samples from `first` on to be where they are.
        """
        source = stored_as(node)
        if source.settings.get("vector") == "constant":
            raise UnsupportedError("a constant array outside of a comparison")
        if source.operation.group == "leaf":
            return self.where((source.settings["vector"], source.settings["name"]))
        if source.id in self.assembly.outputs:
            return self.where(self.assembly.outputs[source.id])
        place = self.arena + self.offsets[source.id]
        room = self.assembly.memory.rooms.get(source.id)
        if room:
            place += (first % room - first) * self._bytes(source)
        return place

    def _bytes(self, node: Symbol) -> int:
        """Return the bytes that a value has for each sample."""
        (factor, _), columns = space_of(node.shape)
        return factor * columns * self.assembly.item(node)

    def chain(self, chain: Chain) -> list[Text]:
        """Return the calls of a chain: its steps in turns."""
        steps = range(chain.first, chain.last + 1)
        found = [text for i in steps for text in self.begin(i)]
        for k, first, count in chain.turns(self.n):
            found += self.some(chain.first + k, first, count)
        return found + [text for i in steps for text in self.end(i)]

    def begin(self, index: int) -> list[Text]:
        """Return the calls of a step before all samples."""
        operation = self.assembly.over_images.get(index)
        rows = operation.before(self._at(index)) if operation else []
        return [(body, "", operands) for body, operands in rows]

    def some(self, index: int, first: int, count: int) -> list[Text]:
        """Return the calls of a step for some samples."""
        operation = self.assembly.over_images.get(index)
        if operation:
            rows = operation.block(self._at(index, first), first, count)
            return [(body, "", operands) for body, operands in rows]
        kernel = self.assembly.kernels[index]
        assert kernel is not None
        return [(kernel.body, kernel.note, self._loop(index, kernel, first, count))]

    def end(self, index: int) -> list[Text]:
        """Return the calls of a step after all samples."""
        operation = self.assembly.over_images.get(index)
        rows = operation.after(self._at(index)) if operation else []
        return [(body, "", operands) for body, operands in rows]

    def _at(self, index: int, first: int = 0) -> Where:
        """Return the addresses of an operation over images."""
        node = self.assembly.plan.steps[index].nodes[0]
        beside = self.assembly.beside.get(index)
        return Where(
            tuple(self.address(v, first) for v in node.inputs if isinstance(v, Symbol)),
            self.address(node, first),
            self.address(beside, first) if beside is not None else 0,
            int(self.assembly.dtype.itemsize),
            lambda name: self.arena + self.offsets[index, name],
            self.numbers.table,
            self.numbers.steps,
        )

    def _loop(self, index: int, kernel: Kernel, first: int, count: int) -> list[int]:
        """Return the operands of a loop for some samples."""
        step = self.assembly.plan.steps[index]
        assert isinstance(step, Loop)
        rows, columns = step.space
        if self.piece is not None:
            columns = self.piece[1] - self.piece[0]
        operands = (self._operand(step.space, index, o, first) for o in kernel.operands)
        return [length(rows, count), columns, *operands]

    def _operand(self, space: Space, index: int, operand: Operand, first: int) -> int:
        kind, what = operand.kind, operand.what
        if kind == "array":
            node, letter = what
            return self.address(node, first) + self._shift(space, node, letter, first)
        if kind == "number":
            if what == "n":
                return self.numbers.address(("n", self.batch), float(self.batch))
            if isinstance(what, str):
                return self.numbers.address(what)
            return self.numbers.address(("number", repr(what)), what)
        if kind == "scratch":
            return self.arena + self.offsets[index, what]
        if kind == "first":
            # Rows of the loop before these; none where it is not about the batch.
            factor, scaled = space[0]
            return (self.first + first) * factor if scaled else 0
        whole: dict[str, int] = {"seed": self.seed, "step": self.step, "stream": what}
        return whole[kind]

    def _shift(self, space: Space, node: Symbol, letter: str, first: int) -> int:
        """Return how far into an array some samples, or a piece, begin."""
        numbers = 0
        if self.piece is not None and letter in ("rc", "c"):
            numbers += self.piece[0]
        if letter in ("rc", "r"):
            (factor, _), columns = space
            numbers += first * factor * (columns if letter == "rc" else 1)
        return numbers * self.assembly.item(node)

    def meet(self, node: Symbol) -> list[int]:
        """Return the operands of the sum of what all shards have."""
        source = stored_as(node.inputs[0])
        if source.id not in self.offsets:
            raise UnsupportedError("a sum that is an output and is used")
        offset = self.offsets[source.id]
        each = [shard.arena + offset for shard in self.shards]
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
        rows, columns = self._size(node)
        to = self.numbers.steps(rows, columns)
        return library.PRODUCT, [self._product(node, (0, rows), self.address(node), to)]

    def _product(
        self, node: Symbol, rows: tuple[int, int], z: int, to: int, how: int = 0
    ) -> list[int]:
        """Return the operands of some rows of a product, and where they go."""
        x, turned_x, y, turned_y = factors(node)
        (long_x, short_x), (_, long_y) = self._size(x), self._size(y)
        begin, end = rows
        inner = long_x if turned_x else short_x
        steps = (1, short_x) if turned_x else (short_x, 1)
        return [
            end - begin,
            self._size(node)[1],
            inner,
            self.address(x) + begin * steps[0] * self.assembly.item(x),
            self.numbers.steps(end - begin, steps[0]),
            self.numbers.steps(inner, steps[1]),
            self.address(y),
            long_y,
            z,
            to,
            how | (library.TURNED if turned_y else 0),
        ]

    def sum_of_products(
        self, node: Symbol, rows: tuple[int, int], to: int
    ) -> list[Text]:
        """Return the calls of some rows of a product, added up over all shards."""
        columns = self._size(node)[1]
        steps = self.numbers.steps(rows[1] - rows[0], columns)
        found: list[Text] = []
        for k in range(len(self.shards)):
            how = library.ADDS if k else 0
            row = self.of_shard(k)._product(node, rows, to, steps, how)
            found.append((library.PRODUCT, "", row))
        return found

    def _is_for_all(self, node: Symbol) -> bool:
        """Return whether a product is cut by its columns, see `product_for_all`."""
        several = len(self.shards) > 1 and self.batch <= MOST_ROWS
        if not several or node.operation.name != "matmul" or not is_for_samples(node):
            return False
        _, turned_x, y, _ = factors(node)
        own = stored_as(y).operation.group == "leaf" and not is_for_samples(y)
        wide = self._size(node)[1] >= len(self.shards) * PANEL
        return own and wide and not turned_x and math.prod(y.shape) >= LARGE

    def product_for_all(self, node: Symbol) -> Text:
        """Return the call of some columns of a product, for the rows of all shards.

        Each shard would read all of a large matrix for few rows. So each reads a part
        of it for all rows, which are gathered from the shards, and given back to them.
        """
        x, _, _, turned = factors(node)
        each = [self.of_shard(k) for k in range(len(self.shards))]
        rows = [shard._size(node)[0] for shard in each]
        columns, panels = self._size(node)[1], self._size(node)[1] // PANEL
        edges = [panels * k // len(each) * PANEL for k in range(len(each))] + [columns]
        begin, end = edges[self.number : self.number + 2]
        row = each[0]._product(node, (0, rows[0]), each[0].address(node), 0)
        item = self.assembly.item(node)
        row[0], row[1] = sum(rows), end - begin
        row[4] = self._rows_of(each, x, rows)
        row[6] += item * begin * (row[7] if turned else 1)
        row[8] += item * begin
        row[9] = self._rows_of(each, node, rows)
        return library.PRODUCT, "", row

    def _rows_of(self, each: "list[_Context]", value: Symbol, rows: list[int]) -> int:
        """Return the table of where the rows of all shards are, from the first one."""
        item, step = self.assembly.item(value), self._size(value)[1]
        places = [shard.address(value) for shard in each]
        starts = [(place - places[0]) // item for place in places]

        def table() -> NDArray[np.int64]:
            parts = zip(starts, rows, strict=True)
            return np.concatenate([start + np.arange(n) * step for start, n in parts])

        return self.numbers.table(("rows", *starts, *rows, step), table)

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


def factors(node: Symbol) -> tuple[Symbol, bool, Symbol, bool]:
    """Return what a product reads, and whether transposed: left, then right.

    Parameters
    ----------
    node : Symbol
        A matrix product.

    Returns
    -------
    tuple of (Symbol, bool, Symbol, bool)
    """
    x, y = (
        (value.inputs[0], True) if is_turned(value, node) else (value, False)
        for value in node.inputs
    )
    return *x, *y


def late_products(
    plan: Plan,
    outputs: dict[int, tuple[str, str]],
    copies: list[tuple[Symbol, tuple[str, str]]],
) -> dict[tuple[str, str], int]:
    """Return the large gradients that are one product and that no step reads.

    They can be computed piece by piece in the update, and need no memory then.

    Parameters
    ----------
    plan : Plan
        Of a training step.
    outputs : dict of int to (str, str)
        Node id -> where it is made.
    copies : list of (Symbol, (str, str))
        Outputs that are copies.

    Returns
    -------
    dict of (str, str) to int
        Place of the gradient -> step.
    """
    read = {
        source.id for step in plan.steps for n in step.nodes for source in read_by(n)
    }
    read |= {source.id for source, _ in copies}
    found = {}
    for i, step in enumerate(plan.steps):
        node = step.nodes[0]
        if node.operation.name != "matmul" or node.id in read or node.ndim != 2:
            continue
        place = outputs.get(node.id, ("", ""))
        over_batch = factors(node)[1] and not is_for_samples(node)
        if place[0] == "g" and over_batch and math.prod(node.shape) >= LARGE:
            found[place] = i
    return found


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
