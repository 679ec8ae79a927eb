"""What the steps of a plan are called with, for one shard of a batch."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pellucid.engines.compiled import library
from pellucid.engines.compiled.arena import MEETING, item, length
from pellucid.engines.compiled.cells import Numbers
from pellucid.engines.compiled.chains import Chain
from pellucid.engines.compiled.convolution.blocked import Blocked, Where
from pellucid.engines.compiled.plan import (
    Loop,
    Plan,
    Space,
    UnsupportedError,
    cut,
    space_of,
    stored_as,
)
from pellucid.engines.compiled.printer import Kernel, Operand
from pellucid.engines.compiled.sharing import (
    PANEL,
    factors,
    is_for_all,
    parts_of_product,
)
from pellucid.symbol import FLOAT, INTEGER, Symbol

Text = tuple[str, str, list[int]]  # of a kernel, a note, and what it is called with

WAIT: Text = "", "", []  # until all shards are here


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


@dataclass(frozen=True)
class Prepared:
    """All that is known of a Program before there are numbers.

    Parameters
    ----------
    plan : Plan
        Its steps.
    kernels : list of Kernel or None
        Of the steps that are loops.
    over_images : mapping of int to Blocked
        Of the steps that are done in blocks of samples.
    writes : mapping of int to tuple of Symbol
        Whose memory such a step writes, if not its own, or not that alone.
    chains : mapping of int to Chain
        Steps that take turns, by the first of them.
    late : mapping of (str, str) to int
        Gradients that may be made later, and their steps.
    outputs : mapping of int to (str, str)
        Node id -> where it is made.
    copies : list of (Symbol, (str, str))
        Outputs that are copies.
    rooms : mapping of int to int
        For how many samples there is room, if not for all.
    item : int
        Bytes of a floating-point number.
    """

    plan: Plan
    kernels: list[Kernel | None]
    over_images: Mapping[int, Blocked]
    writes: Mapping[int, tuple[Symbol, ...]]
    chains: Mapping[int, Chain]
    late: Mapping[tuple[str, str], int]
    outputs: Mapping[int, tuple[str, str]]
    copies: list[tuple[Symbol, tuple[str, str]]]
    rooms: Mapping[int, int]
    item: int

    def bytes_of(self, node: Symbol) -> int:
        """Return the bytes of one number of a stored value.

        Parameters
        ----------
        node : Symbol
            The value.

        Returns
        -------
        int
        """
        return item(node, self.item)


@dataclass(frozen=True)
class _Place:
    """Where an operand is, and how far its samples are apart.

    Parameters
    ----------
    begin : int
        Address of sample 0, or a number.
    each : int
        Bytes from sample to sample.
    room : int
        After how many it begins again; 0 if it never does.
    """

    begin: int
    each: int = 0
    room: int = 0

    def of_sample(self, first: int) -> int:
        """Return where a sample is."""
        return self.begin + self.each * (first % self.room if self.room else first)

    def of_sample_0(self, first: int) -> int:
        """Return where sample 0 would be if all others stood behind it."""
        return self.begin + self.each * (first % self.room - first if self.room else 0)


@dataclass
class Filling:
    """The calls of one shard.

    Parameters
    ----------
    made : Prepared
        The Program.
    shards : tuple of Shard
        Those of the batch, in order.
    number : int
        Which of them is the own one.
    offsets : dict
        Where values are in the arena.
    numbers : Numbers
        Cells for numbers.
    seed, step : int
        Addresses of the key of the random numbers and of the iteration.
    piece : (int, int) or None
        Only these columns of vectors, from and to.
    """

    made: Prepared
    shards: tuple[Shard, ...]
    number: int
    offsets: dict[Any, int]
    numbers: Numbers
    seed: int
    step: int
    piece: tuple[int, int] | None

    def __post_init__(self) -> None:
        own = self.shards[self.number]
        self.n, self.where, self.arena = own.n, own.where, own.arena
        self.first = sum(shard.n for shard in self.shards[: self.number])
        # Of each step: where what it reads and writes is, and its tables.
        self._images: dict[int, tuple[list[_Place], dict[str, int]]] = {}
        self._loops: dict[int, list[_Place]] = {}

    @property
    def batch(self) -> int:
        """Rows of all shards."""
        return sum(shard.n for shard in self.shards)

    def texts(self, leave: bool = False) -> list[Text]:
        """Return the texts of kernels, their notes, and what they are called with.

        Parameters
        ----------
        leave : bool
            Whether to leave out the gradients that may be made later.

        Returns
        -------
        list of Text
        """
        return [text for some in self._turns(leave) for text in some]

    def in_groups(self) -> list[list[Text]]:
        """Return the same in groups: those of a group may be called at the same time.

        Returns
        -------
        list of list of Text
        """
        found: list[list[Text]] = []
        for some in self._turns(leave=False):
            products = False
            for body, note, operands in some:
                # Nothing reads a result before its turn has ended, nor adds to it.
                product = body is library.PRODUCT and not operands[-1] & library.ADDS
                if not (product and products):
                    found.append([])
                parts = parts_of_product(operands, self.made.item) if product else None
                found[-1] += [(body, note, part) for part in parts or [operands]]
                products = product
        return found

    def _turns(self, leave: bool) -> Iterator[list[Text]]:
        """Yield what is called for one step, or for some samples in one step."""
        made = self.made
        late = set(made.late.values()) if leave else set()
        steps = iter(range(len(made.plan.steps)))
        for i in steps:
            node = made.plan.steps[i].nodes[0]
            if i in made.chains:
                yield from self._chain(made.chains[i])
                for _ in range(i, made.chains[i].last):
                    next(steps)
            elif i in made.over_images or isinstance(made.plan.steps[i], Loop):
                yield self._begin(i)
                yield self._some(i, 0, self.n)
                yield self._end(i)
            elif node.operation.name == MEETING:
                yield [WAIT, (library.MEET, "", self._meet(node))]
            elif is_for_all(node, len(self.shards), self.batch):
                yield [WAIT, self._product_for_all(node), WAIT]
            elif i not in late:
                body, many = self._call(node)
                yield [(body, "", operands) for operands in many]
        yield [(library.KEEP, "", self._copy(*copy)) for copy in made.copies]

    def _of_shard(self, number: int) -> "Filling":
        """Return the same for another shard."""
        return replace(self, number=number)

    def _address(self, node: Symbol) -> int:
        """Return where a stored value is."""
        return self._place(node).begin

    def _place(self, node: Symbol) -> "_Place":
        """Return where a stored value is, and its samples."""
        source = stored_as(node)
        if source.settings.get("vector") == "constant":
            raise UnsupportedError("a constant array outside of a comparison")
        if source.operation.group == "leaf":
            vector, name = source.settings["vector"], source.settings["name"]
            return _Place(self.where((vector, name)))
        if source.id in self.made.outputs:
            return _Place(self.where(self.made.outputs[source.id]))
        place = self.arena + self.offsets[source.id]
        room = self.made.rooms.get(source.id, 0)
        (factor, _), columns = space_of(source.shape)
        return _Place(place, factor * columns * self.made.bytes_of(source), room)

    def _chain(self, chain: Chain) -> Iterator[list[Text]]:
        """Yield what is called in the turns of a chain."""
        steps = range(chain.first, chain.last + 1)
        yield from map(self._begin, steps)
        for k, first, count in chain.turns(self.n):
            yield self._some(chain.first + k, first, count)
        yield from map(self._end, steps)

    def _begin(self, index: int) -> list[Text]:
        """Return the calls of a step before all samples."""
        operation = self.made.over_images.get(index)
        rows = operation.before(self._at(index)) if operation else []
        return [(body, "", operands) for body, operands in rows]

    def _some(self, index: int, first: int, count: int) -> list[Text]:
        """Return the calls of a step for some samples."""
        operation = self.made.over_images.get(index)
        if operation:
            rows = operation.block(self._at(index, first), first, count)
            return [(body, "", operands) for body, operands in rows]
        kernel = self.made.kernels[index]
        assert kernel is not None
        return [(kernel.body, kernel.note, self._loop(index, first, count))]

    def _end(self, index: int) -> list[Text]:
        """Return the calls of a step after all samples."""
        operation = self.made.over_images.get(index)
        rows = operation.after(self._at(index)) if operation else []
        return [(body, "", operands) for body, operands in rows]

    def _at(self, index: int, first: int = 0) -> Where:
        """Return the addresses of an operation over images, from some sample on."""
        if index not in self._images:
            node = self.made.plan.steps[index].nodes[0]
            inputs = [v for v in node.inputs if isinstance(v, Symbol)]
            output, *beside = self.made.writes.get(index, (node,))
            each = (*inputs, output, *(beside or [output]))
            self._images[index] = [self._place(value) for value in each], {}
        places, tables = self._images[index]
        *read, to, beside_it = (place.of_sample_0(first) for place in places)

        def table(name: str, key: Any, make: Callable[[], NDArray[np.int64]]) -> int:
            if name not in tables:
                tables[name] = self.numbers.table((name, key), make)
            return tables[name]

        return Where(
            tuple(read),
            to,
            beside_it,
            self.made.item,
            self.n,
            lambda name: self.arena + self.offsets[index, name],
            table,
            self.numbers.steps,
        )

    def _loop(self, index: int, first: int, count: int) -> list[int]:
        """Return the operands of a loop for some samples."""
        step, kernel = self.made.plan.steps[index], self.made.kernels[index]
        assert isinstance(step, Loop)
        assert kernel is not None
        rows, columns = step.space
        if self.piece is not None:
            columns = self.piece[1] - self.piece[0]
        if index not in self._loops:
            self._loops[index] = [
                self._operand(step.space, index, operand) for operand in kernel.operands
            ]
        operands = (place.of_sample(first) for place in self._loops[index])
        return [length(rows, count), columns, *operands]

    def _operand(self, space: Space, index: int, operand: Operand) -> "_Place":
        """Return an operand of a loop, and how it moves on from sample to sample."""
        kind, what = operand.kind, operand.what
        if kind == "array":
            node, letter = what
            return self._array(space, node, letter)
        if kind == "first":
            # Rows of the loop before these; none where it is not about the batch.
            factor, scaled = space[0]
            return _Place(self.first * factor, factor) if scaled else _Place(0)
        if kind == "number":
            if what == "n":
                key: Any = ("n", self.batch)
                return _Place(self.numbers.address(key, float(self.batch)))
            if isinstance(what, str):
                return _Place(self.numbers.address(what))
            return _Place(self.numbers.address(("number", repr(what)), what))
        if kind == "scratch":
            return _Place(self.arena + self.offsets[index, what])
        whole: dict[str, int] = {"seed": self.seed, "step": self.step, "stream": what}
        return _Place(whole[kind])

    def _array(self, space: Space, node: Symbol, letter: str) -> "_Place":
        """Return where an array is that a loop sees by rows, columns or both."""
        place, item = self._place(node), self.made.bytes_of(node)
        begin = place.begin
        if self.piece is not None and letter in ("rc", "c"):
            begin += self.piece[0] * item
        (factor, scaled), columns = space
        if letter not in ("rc", "r") or not scaled:
            return _Place(begin)
        each = factor * (columns if letter == "rc" else 1) * item
        return _Place(begin, each, place.room)

    def _meet(self, node: Symbol) -> list[int]:
        """Return the operands of the sum of what all shards have."""
        source = stored_as(node.inputs[0])
        if source.id not in self.offsets:
            raise UnsupportedError("a sum that is an output and is used")
        offset = self.offsets[source.id]
        each = [shard.arena + offset for shard in self.shards]
        return [*self._size(source), self._address(node), len(each), *each]

    def _copy(self, source: Symbol, place: tuple[str, str]) -> list[int]:
        """Return the operands of the copy of a value."""
        return [*self._size(source), self._address(source), self.where(place)]

    def _call(self, node: Symbol) -> tuple[str, list[list[int]]]:
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
        return library.PRODUCT, [
            self._product(node, (0, rows), self._address(node), to)
        ]

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
            self._address(x) + begin * steps[0] * self.made.bytes_of(x),
            self.numbers.steps(end - begin, steps[0]),
            self.numbers.steps(inner, steps[1]),
            self._address(y),
            long_y,
            z,
            to,
            how | (library.TURNED if turned_y else 0),
        ]

    def sum_of_products(
        self, node: Symbol, rows: tuple[int, int], to: int
    ) -> list[Text]:
        """Return the calls of some rows of a product, added up over all shards.

        Parameters
        ----------
        node : Symbol
            The product, whose sum is over the batch.
        rows : (int, int)
            From and to.
        to : int
            Address of these rows.

        Returns
        -------
        list of Text
        """
        columns = self._size(node)[1]
        steps = self.numbers.steps(rows[1] - rows[0], columns)
        found: list[Text] = []
        for k in range(len(self.shards)):
            how = library.ADDS if k else 0
            row = self._of_shard(k)._product(node, rows, to, steps, how)
            found.append((library.PRODUCT, "", row))
        return found

    def _product_for_all(self, node: Symbol) -> Text:
        """Return the call of some columns of a product, for the rows of all shards.

        Each shard would read all of a large matrix for few rows. So each reads a part
        of it for all rows, which are gathered from the shards, and given back to them.
        """
        x, _, _, turned = factors(node)
        each = [self._of_shard(k) for k in range(len(self.shards))]
        rows = [shard._size(node)[0] for shard in each]
        columns, panels = self._size(node)[1], self._size(node)[1] // PANEL
        edges = [panels * k // len(each) * PANEL for k in range(len(each))] + [columns]
        begin, end = edges[self.number : self.number + 2]
        row = each[0]._product(node, (0, rows[0]), each[0]._address(node), 0)
        item = self.made.bytes_of(node)
        row[0], row[1] = sum(rows), end - begin
        row[4] = self._rows_of(each, x, rows)
        row[6] += item * begin * (row[7] if turned else 1)
        row[8] += item * begin
        row[9] = self._rows_of(each, node, rows)
        return library.PRODUCT, "", row

    def _rows_of(self, each: "list[Filling]", value: Symbol, rows: list[int]) -> int:
        """Return the table of where the rows of all shards are, from the first one."""
        item, step = self.made.bytes_of(value), self._size(value)[1]
        places = [shard._address(value) for shard in each]
        starts = [(place - places[0]) // item for place in places]

        def table() -> NDArray[np.int64]:
            parts = zip(starts, rows, strict=True)
            return np.concatenate([start + np.arange(n) * step for start, n in parts])

        return self.numbers.table(("rows", *starts, *rows, step), table)

    def _transpose(self, node: Symbol) -> tuple[str, list[list[int]]]:
        rows, columns = self._size(node)
        x, z = self._address(node.inputs[0]), self._address(node)
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
        x = self._address(source) + begin * self.made.item
        return library.COPY, [[rows, columns, x, long_x, self._address(node), columns]]

    def _concatenate(self, node: Symbol) -> tuple[str, list[list[int]]]:
        if node.settings["axis"] not in (-1, node.ndim - 1):
            raise UnsupportedError("concatenate along another axis than the last")
        rows, total = self._size(node)
        z, found = self._address(node), []
        for value in node.inputs:
            columns = self._size(value)[1]
            found.append([rows, columns, self._address(value), columns, z, total])
            z += columns * self.made.item
        return library.COPY, found

    def _take(self, node: Symbol) -> tuple[str, list[list[int]]]:
        table, index = node.inputs
        rows, columns = map(self._length, (index.shape, table.shape[1:]))
        addresses = map(self._address, (table, index, node))
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
                self._address(source),
                long_x,
                self._address(index),
                self._address(node),
            ]
        ]

    def _scatter_add(self, node: Symbol) -> tuple[str, list[list[int]]]:
        values, index = node.inputs
        if values.shape[:-1] != index.shape:
            raise UnsupportedError("scatter_add with other than one index a row")
        rows, columns = self._size(values)
        total = self._size(node)[0]
        addresses = map(self._address, (values, index, node))
        return library.SCATTER_ADD, [[rows, columns, *addresses, total]]
