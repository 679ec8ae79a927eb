"""What threads call in a step of training: gradients of shards, then the update."""

from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pellucid.engines.compiled import cache as kernels
from pellucid.engines.compiled import driver, library
from pellucid.engines.compiled.assemblies import Assemblies
from pellucid.engines.compiled.assembly import Assembly
from pellucid.engines.compiled.calls import Shard
from pellucid.engines.compiled.cells import Numbers
from pellucid.engines.compiled.table import Calls, Table, address, aligned
from pellucid.engines.compiled.workspace import Workspace

PIECE = 16384  # numbers of a vector that one call of an update changes


@dataclass(frozen=True)
class Piece:
    """Some parameters that are updated by one call.

    Parameters
    ----------
    begin, end : int
        Which, from and to.
    place : (str, str), optional
        The gradient whose rows they are, if that is made piece by piece.
    rows : (int, int)
        Which rows, from and to.
    """

    begin: int
    end: int
    place: tuple[str, str] | None = None
    rows: tuple[int, int] = (0, 0)


def pieces_of(engine: Assemblies, training: Assembly, update: Assembly) -> list[Piece]:
    """Return all parameters in pieces: parts of vectors, or rows of a matrix.

    Parameters
    ----------
    engine : Assemblies
        Of the network.
    training, update : Assembly
        Its training step, and what changes the parameters.

    Returns
    -------
    list of Piece
    """
    layout = engine.blueprint.layout.parameters
    if not update.can_be_cut or layout.size <= PIECE:
        return [Piece(0, layout.size)]
    late = {layout.entries[name].start: (v, name) for v, name in training.late}
    found: list[Piece] = []
    begin = 0
    while begin < layout.size:
        if begin in late:
            place = late[begin]
            rows, columns = layout.entries[place[1]].shape
            some = max(1, PIECE // columns)
            for row in range(0, rows, some):
                end = min(row + some, rows)
                edges = begin + row * columns, begin + end * columns
                found.append(Piece(*edges, place, (row, end)))
            begin += rows * columns
        else:
            end = min([begin + PIECE, layout.size, *(b for b in late if b > begin)])
            found.append(Piece(begin, end))
            begin = end
    return found


class Steps:
    """The calls of a step, for each thread of a team.

    Parameters
    ----------
    space : Workspace
        The arrays.
    training : Assembly
        From inputs and targets to loss, gradients and state.
    updates : (Assembly, Assembly)
        By the gradients of all shards, and by their sum.
    pieces : list of Piece
        All parameters.
    rows : (int, int)
        Of a usual batch, and of the last one of an epoch.
    """

    def __init__(
        self,
        space: Workspace,
        training: Assembly,
        updates: tuple[Assembly, Assembly],
        pieces: list[Piece],
        rows: tuple[int, int],
    ) -> None:
        self.space, self.training, self.updates = space, training, updates
        self.pieces, self.rows = pieces, rows
        most = -(-max(rows) // space.shards)
        self._offsets, size = training.arena(most)
        self.arena_bytes = size * space.shards  # for what lives between steps
        self._arenas = [aligned(size) for _ in range(space.shards)]
        threads = range(len(space.cells))
        self._numbers = [self._cells(thread) for thread in threads]
        # A gradient that is made piece by piece: one of them for each thread.
        numbers = max((p.end - p.begin for p in pieces if p.place), default=0)
        self._parts = [aligned(numbers * self._item) for _ in threads]
        self._kept: list[Any] = []
        # What was made once: of which it is the calls, and those.
        self._made: dict[Any, Any] = {}

    @property
    def _item(self) -> int:
        return int(self.space.engine.dtype.itemsize)

    def _cells(self, thread: int) -> Numbers:
        """Return cells for numbers; those that change are those of the thread."""
        begin = address(self.space.cells[thread])
        places = {"t": driver.T, "rate": driver.RATE, "scale": driver.SCALE}
        return Numbers.empty({key: begin + 8 * k for key, k in places.items()})

    def of_team(
        self, team: int
    ) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
        """Return calls and operands, and which of them are whose.

        Parameters
        ----------
        team : int
            How many threads work.

        Returns
        -------
        calls, operands : ndarray of int
            See `Table.arrays`.
        bounds : ndarray of int, shape (team, 6, 2)
            For each thread and each of the places in `driver.py` the first of its calls
            and the one behind the last.
        """
        if team in self._made:
            found: tuple[Any, Any, Any] = self._made[team]
            return found
        table = Table()
        bounds = np.zeros((team, 6, 2), dtype=np.int64)
        for thread in range(team):
            for place in (driver.GRADIENTS, driver.UPDATE, driver.KEEPING):
                made: dict[int, tuple[int, int]] = {}
                for last, rows in enumerate(self.rows):
                    if rows not in made:
                        made[rows] = table.add(self._calls(thread, team, place, rows))
                    bounds[thread, place + last] = made[rows]
        self._made[team] = *table.arrays(), bounds
        return self.of_team(team)

    def _calls(self, thread: int, team: int, place: int, rows: int) -> Calls:
        """Return what a thread calls for gradients, or for an update."""
        if place == driver.GRADIENTS:
            own = range(thread, self.space.shards, team)
            return _together([self._shard(k, rows, thread) for k in own])
        calls: Calls = []
        for k in range(thread, len(self.pieces), team):
            # Copied right before it changes, it comes from memory once.
            if place == driver.KEEPING:
                calls += self._keep(self.pieces[k].begin, self.pieces[k].end)
            calls += self._changed(k, rows, thread)
        if thread == 0:
            if place == driver.KEEPING:
                calls += self._keep(self.pieces[-1].end, len(self.space.weights))
            calls += self._new_state()
        return calls

    # -- gradients ---------------------------------------------------------------------

    def _shards(self, rows: int) -> tuple[Shard, ...]:
        """Return the shards of a batch of some rows."""
        key = "shards", rows
        if key not in self._made:
            space, found = self.space, []
            given = space.data if space.whole else space.batch
            for k in range(space.shards):
                begin, end = rows * k // space.shards, rows * (k + 1) // space.shards
                arrays = {place: values[begin:end] for place, values in given.items()}
                arrays["loss", ""] = space.loss_cells[k]
                vectors = space.gradients[k], space.states[k]
                where = space.engine.where(space.weights, arrays, *vectors)
                found.append(Shard(end - begin, where, self._arenas[k][1]))
            self._made[key] = tuple(found)
        shards: tuple[Shard, ...] = self._made[key]
        return shards

    def _shard(self, k: int, rows: int, thread: int) -> Calls:
        """Return the calls of one shard: its rows of a batch, forward and backward."""
        key = "shard", k, rows, thread
        if key not in self._made:
            cells = address(self.space.whole_cells[thread])
            self._made[key] = self._gathered(k, rows, cells) + self.training.calls(
                self._shards(rows),
                self._offsets,
                self._numbers[thread],
                number=k,
                seed=cells + 24,
                step=cells + 8 * driver.STEP,
                leave=any(piece.place for piece in self.pieces),
            )
        calls: Calls = self._made[key]
        return calls

    def _gathered(self, k: int, rows: int, cells: int) -> Calls:
        """Return the calls that copy the rows of a shard into its batch."""
        space = self.space
        begin, end = rows * k // space.shards, rows * (k + 1) // space.shards
        calls: Calls = []
        if space.whole or space.made:
            return calls
        for place, values in space.data.items():
            if place == ("weight", "") and space.even:
                continue
            kind = "integers" if values.dtype.kind == "i" else "floats"
            columns = int(np.prod(values.shape[1:]))
            gather = kernels.load(library.GATHER.format(kind=kind), 8 * self._item)
            row = [end - begin, columns, address(values), address(space.order)]
            row += [cells + 8 * driver.POSITION, begin]
            calls.append((gather, [*row, address(space.batch[place][begin:end])]))
        return calls

    # -- updates -----------------------------------------------------------------------

    def _changed(self, k: int, rows: int, thread: int) -> Calls:
        """Return the calls that change a piece of the parameters after a batch."""
        piece, numbers = self.pieces[k], self._numbers[thread]
        if piece.place is None:
            return self._updated(self.updates[0], k, numbers)
        to = self._parts[thread][1]
        which = piece.place, piece.rows, to
        made = self.training.late_calls(
            *which, self._shards(rows), self._offsets, numbers
        )
        return made + self._updated(
            self.updates[1], k, numbers, to - piece.begin * self._item
        )

    def _updated(
        self, update: Assembly, k: int, numbers: Numbers, gradient: int | None = None
    ) -> Calls:
        """Return the call that updates a piece.

        Its gradient is the sum of those of all shards, or at an address of its own.
        """
        space, piece = self.space, self.pieces[k]
        if piece.end == 0:
            return []
        arrays: dict[Any, NDArray[Any]] = {
            ("w", ""): space.weights,
            ("new", "w"): space.weights,
            ("norm", ""): space.norm_cells[k],
        } | space.masks
        for name, vector in space.memory.items():
            arrays["memory", name] = vector
        for shard in range(space.shards):
            arrays["g", f"g{shard}"] = space.gradients[shard]

        def where(place: tuple[str, str]) -> int:
            if gradient is not None and place[0] == "g":
                return gradient
            return address(arrays[place])

        offsets, size = update.arena(1)
        memory = aligned(size)
        self._kept.append(memory)
        edges = (piece.begin, piece.end) if update.can_be_cut else None
        whole = Shard(1, where, memory[1])
        return update.calls((whole,), offsets, numbers, piece=edges)

    def _keep(self, begin: int, end: int) -> Calls:
        """Return the calls that keep some of all numbers as they are."""
        calls: Calls = []
        for kept, vector in zip(self.space.before, self.space.changing, strict=True):
            calls += self._copied(vector[begin:end], kept[begin:end])
        return calls

    def _new_state(self) -> Calls:
        """Return the call that makes the new running state the present one."""
        start = self.space.engine.blueprint.layout.parameters.size
        return self._copied(self.space.states[0], self.space.weights[start:])

    def _copied(self, source: NDArray[Any], target: NDArray[Any]) -> Calls:
        if not source.size:
            return []
        row = [1, source.size, address(source), address(target)]
        return [(kernels.load(library.KEEP, 8 * self._item), row)]


def _together(shards: list[Calls]) -> Calls:
    """Return the calls of some shards, in turn up to each place where all meet."""
    parts = []
    for calls in shards:
        meetings = [i for i, (kernel, _) in enumerate(calls) if kernel == 0]
        edges = [0, *meetings, len(calls)]
        parts.append([calls[a:b] for a, b in pairwise(edges)])
    found: Calls = []
    for number, part in enumerate(zip(*parts, strict=True)):
        found += [(0, [])] if number else []
        found += [call for calls in part for call in calls if call[0] != 0]
    return found
