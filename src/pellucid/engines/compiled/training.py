"""A training run: epochs of updates, by one thread or several, with the same bits."""

import threading
import time
from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pellucid.engines.compiled import cache as kernels
from pellucid.engines.compiled import driver, library, machine
from pellucid.engines.compiled.assemblies import Assemblies
from pellucid.engines.compiled.assembly import Assembly
from pellucid.engines.compiled.calls import Shard
from pellucid.engines.compiled.cells import Numbers
from pellucid.engines.compiled.table import Calls, Table, address, aligned
from pellucid.engines.compiled.teams import Teams
from pellucid.engines.readable import Outcome, ReadableEngine, ReadableSession
from pellucid.optimizers import Optimizer

PIECE = 16384  # numbers of a vector that one call of an update changes
MOST_STEPS = 20_000  # iterations of a slice
ORDERS = 2**17  # rows for whose orders there is room, or one epoch
SLICE = 0.1  # seconds after which the driver returns to Python

# Losses, norms of gradients, weights of batches, and how many updates were made.
Steps = tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64], int]


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


class CompiledSession:
    """A training run of the compiled engine, see `ReadableSession`.

    Parameters
    ----------
    engine : Assemblies
        Of the network.
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
        engine: Assemblies,
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
        sizes = batches.stops - batches.starts
        self.rows = int(sizes.max())
        self.usual_rows, self.last_rows = int(sizes[0]), int(sizes[-1])
        training, self.shards = engine.training_for(self.rows)
        size = blueprint.layout.parameters.size
        frozen = trained is not None
        update = engine.update(optimizer, self.shards, frozen)
        update.compile()
        cut = update.can_be_cut and size > PIECE
        self.pieces = self._pieces(training, size) if cut else [Piece(0, size)]
        most = min(self.shards, len(self.pieces)) if cut else self.shards
        allowed = machine.available() if threads is None else threads
        self.threads = max(1, min(most, allowed, self.shards))
        self._allocate(size, dtype)
        self.teams = Teams(self.threads, pace=SLICE)  # the first slice is one step
        self._changing = [weights, *memory.values()]
        self._before = [np.empty_like(vector) for vector in self._changing]
        # Of a gradient that is added up before: the update takes one.
        of_sum = any(piece.place for piece in self.pieces) and self.shards > 1
        one = engine.update(optimizer, 1, frozen) if of_sum else update
        one.compile()
        self._tables(training, (update, one))

    def _pieces(self, training: Assembly, size: int) -> list["Piece"]:
        """Return the parameters in pieces: parts of vectors, or rows of a matrix."""
        layout = self.engine.blueprint.layout.parameters
        late = {layout.entries[name].start: (v, name) for v, name in training.late}
        found: list[Piece] = []
        begin = 0
        while begin < size:
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
                end = min([begin + PIECE, size, *(b for b in late if b > begin)])
                found.append(Piece(begin, end))
                begin = end
        return found

    def _allocate(self, size: int, dtype: np.dtype[Any]) -> None:
        batches = self.batches
        self.gradients = np.zeros((self.shards, size), dtype=dtype)
        # What no layer writes stays. All shards write the same; the first one's counts.
        self.states = np.tile(self.weights[size:], (self.shards, 1))
        self.loss_cells = np.zeros((self.shards, 64 // dtype.itemsize), dtype=dtype)
        self.norm_cells = np.zeros(
            (len(self.pieces), 64 // dtype.itemsize), dtype=dtype
        )
        self.made = hasattr(batches, "fill")  # each batch is made, not gathered
        self.whole = len(batches.starts) == 1 and not self.made  # each is all there is
        x, y, weight = (
            batches.room
            if self.made
            else (
                batches.x,
                batches.y,
                batches.weight,
            )
        )
        given = (
            {("x", name): v for name, v in x.items()}
            if isinstance(x, dict)
            else {("x", ""): x}
        )
        given |= {("y", ""): y, ("weight", ""): weight}
        self.data = {
            place: np.ascontiguousarray(
                values, dtype=np.int64 if values.dtype.kind in "iu" else dtype
            )
            for place, values in given.items()
        }
        weight = self.data["weight", ""]
        self.even = not self.made and bool(weight.min() == 1 == weight.max())
        self.batch = (
            self.data
            if self.made
            else {
                place: np.ones((self.rows, *values.shape[1:]), dtype=values.dtype)
                for place, values in self.data.items()
            }
        )
        self._make_room_for_orders()
        self.masks = {("decayed", ""): self.decayed}
        if self.trained is not None:
            self.masks["trained", ""] = self.trained
        # Cells that change at every step, apart for each thread: step, position, origin
        # and key; time, learning rate and scale.
        self.whole_cells = np.zeros((self.threads, 8), dtype=np.int64)
        self.whole_cells[:, 2] = batches.first
        self.whole_cells[:, 3] = np.array([self.key], dtype=np.uint64).view(np.int64)
        self.cells = np.zeros((self.threads, 8))

    def _make_room_for_orders(self) -> None:
        """Make room for the orders of as many epochs as one slice may touch.

        The order of an epoch has its place there by the epoch's number.
        """
        batches, n = self.batches, len(self.batches.y)
        epochs = 1
        if batches.shuffle and not self.made:
            most = max(1, ORDERS // n)
            epochs = min(most, MOST_STEPS // batches.per_epoch + 2)
        self._most_epochs = epochs
        self._held = np.full(epochs, -1)  # which epoch's order is there
        room = 0 if self.whole or self.made else epochs * n
        self.order: NDArray[np.int64] = (
            np.empty(room, np.int64) if batches.shuffle else np.arange(room)
        )
        self._sums = np.zeros((epochs, batches.per_epoch))  # weights of the batches

    def _numbers(self, thread: int) -> Numbers:
        """Return cells whose changing ones are those of the thread."""
        numbers = Numbers.empty()
        own = self.cells[thread]
        kept = numbers.address

        def cell(key: Any, value: float | None = None) -> int:
            places = {"t": driver.T, "rate": driver.RATE, "scale": driver.SCALE}
            if isinstance(key, str) and key in places:
                return address(own) + 8 * places[key]
            return kept(key, value)

        numbers.address = cell  # type: ignore[method-assign]
        return numbers

    def _tables(self, training: Assembly, updates: tuple[Assembly, Assembly]) -> None:
        offsets, size = training.arena(-(-self.rows // self.shards))
        self.arena_bytes = size * self.shards
        self._memories = [aligned(size) for _ in range(self.shards)]
        self._kept: list[Any] = []
        numbers = [self._numbers(thread) for thread in range(self.threads)]
        self._kept += numbers

        shards = cache(self._shards)
        # A gradient that is made piece by piece: one of them for each thread.
        most = max((p.end - p.begin for p in self.pieces if p.place), default=0)
        rooms = [aligned(most * self.engine.dtype.itemsize) for _ in numbers]
        self._kept += rooms

        @cache
        def shard(k: int, rows: int, thread: int) -> Calls:
            cells = address(self.whole_cells[thread])
            return self._gathered(k, rows, cells) + training.calls(
                shards(rows),
                offsets,
                numbers[thread],
                number=k,
                seed=cells + 24,
                step=cells + 8 * driver.STEP,
                leave=any(piece.place for piece in self.pieces),
            )

        @cache
        def changed(k: int, rows: int, thread: int) -> Calls:
            """Return the calls that change a piece after a batch of some rows."""
            piece, own = self.pieces[k], numbers[thread]
            if piece.place is None:
                return self._changed(updates[0], k, own)
            to = rooms[thread][1]
            place = piece.place, piece.rows, to
            found = training.late_calls(*place, shards(rows), offsets, own)
            begin = to - piece.begin * self.engine.dtype.itemsize
            return found + self._changed(updates[1], k, own, begin)

        def part(thread: int, team: int, place: int, rows: int) -> Calls:
            """Return what a thread calls: for gradients, or for an update."""
            if place == driver.GRADIENTS:
                own = range(thread, self.shards, team)
                return _together([shard(k, rows, thread) for k in own])
            calls: Calls = []
            for k in range(thread, len(self.pieces), team):
                # Copied right before it changes, it comes from memory once.
                if place == driver.KEEPING:
                    calls += self._keep(self.pieces[k].begin, self.pieces[k].end)
                late = self.pieces[k].place is not None
                calls += changed(k, rows if late else 0, thread)
            if thread == 0:
                if place == driver.KEEPING:
                    calls += self._keep(self.pieces[-1].end, len(self.weights))
                calls += self._keep_states()
            return calls

        @cache
        def of_team(team: int) -> tuple[NDArray[np.int64], ...]:
            """Return calls, operands, and which of them are whose, at the first use."""
            table = Table()
            bounds = np.zeros((team, 6, 2), dtype=np.int64)
            for thread in range(team):
                for place in (driver.GRADIENTS, driver.UPDATE, driver.KEEPING):
                    made: dict[int, tuple[int, int]] = {}
                    for last, rows in enumerate((self.usual_rows, self.last_rows)):
                        if rows not in made:
                            made[rows] = table.add(part(thread, team, place, rows))
                        bounds[thread, place + last] = made[rows]
            return *table.arrays(), bounds

        self._of_team = of_team
        of_team(self.teams.now)  # what cannot be called is to be known now
        self.meeting = np.zeros(16, dtype=np.int64)

    def _keep(self, begin: int, end: int) -> Calls:
        """Return the calls that keep some of all numbers as they are."""
        calls: Calls = []
        for kept, vector in zip(self._before, self._changing, strict=True):
            calls += self._copied(vector[begin:end], kept[begin:end])
        return calls

    def _keep_states(self) -> Calls:
        """Return the call that makes the new running state the present one."""
        start = self.engine.blueprint.layout.parameters.size
        return self._copied(self.states[0], self.weights[start:])

    def _copied(self, source: NDArray[Any], target: NDArray[Any]) -> Calls:
        if not source.size:
            return []
        row = [1, source.size, address(source), address(target)]
        return [(kernels.load(library.KEEP, 8 * self.engine.dtype.itemsize), row)]

    def _shards(self, rows: int) -> tuple[Shard, ...]:
        """Return the shards of a batch of some rows."""
        found = []
        for k in range(self.shards):
            begin, end = rows * k // self.shards, rows * (k + 1) // self.shards
            given = self.data if self.whole else self.batch
            arrays = {place: values[begin:end] for place, values in given.items()}
            arrays["loss", ""] = self.loss_cells[k]
            state = self.states[k] if self.states.size else None
            where = self.engine.where(self.weights, arrays, self.gradients[k], state)
            found.append(Shard(end - begin, where, self._memories[k][1]))
        return tuple(found)

    def _gathered(self, k: int, rows: int, cells: int) -> Calls:
        """Return the calls that copy the rows of a shard into its batch."""
        begin, end = rows * k // self.shards, rows * (k + 1) // self.shards
        calls: Calls = []
        if self.whole or self.made:
            return calls
        for place, values in self.data.items():
            if place == ("weight", "") and self.even:
                continue
            kind = "integers" if values.dtype.kind == "i" else "floats"
            columns = int(np.prod(values.shape[1:]))
            bits = 8 * self.engine.dtype.itemsize
            gather = kernels.load(library.GATHER.format(kind=kind), bits)
            row = [end - begin, columns, address(values), address(self.order)]
            row += [cells + 8 * driver.POSITION, begin]
            calls.append((gather, [*row, address(self.batch[place][begin:end])]))
        return calls

    def _changed(
        self, update: Assembly, k: int, numbers: Numbers, gradient: int | None = None
    ) -> Calls:
        """Return the calls that update one piece of the parameters.

        Its gradient is the sum of those of all shards, or at an address of its own.
        """
        piece = self.pieces[k]
        if piece.end == 0:
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

        def where(place: tuple[str, str]) -> int:
            if gradient is not None and place[0] == "g":
                return gradient
            return address(arrays[place])

        offsets, bytes_needed = update.arena(1)
        memory = aligned(bytes_needed)
        self._kept.append(memory)
        edges = (piece.begin, piece.end) if update.can_be_cut else None
        whole = Shard(1, where, memory[1])
        return update.calls((whole,), offsets, numbers, piece=edges)

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
        seconds = seconds / 10 if self.teams.trying else seconds
        count = max(1, min(count, self._most(step), int(seconds / self.teams.pace)))
        start = time.perf_counter()
        losses, norms, sums, done = self._drive(step, count)
        self.teams.worked(time.perf_counter() - start, done)
        if done == count and self._is_finite():
            return Outcome(losses.tolist(), sums.tolist(), norms.tolist())
        # Back to where all was well, then step by step in the readable engine, which
        # looks at everything and names what fails.
        self._restore(losses)
        return self._carefully(step, count)

    def _most(self, step: int) -> int:
        """Return how many iterations a slice can have: those with room for an order."""
        if self.made or not self.batches.shuffle:
            return MOST_STEPS
        last = self.batches.place(step)[0] + self._most_epochs
        room: int = self.batches.first + last * self.batches.per_epoch - step
        return min(MOST_STEPS, room)

    def _course(self, step: int, count: int) -> tuple[NDArray[Any], ...]:
        """Return for some iterations where their batches are, table, rate and scale."""
        batches = self.batches
        per_epoch = batches.per_epoch
        epochs, places = np.divmod(np.arange(count) + step - batches.first, per_epoch)
        if self.made:
            epochs = np.zeros_like(epochs)
            self._sums[0, places[0]] = self._make(step)
        elif batches.shuffle:
            for epoch in range(int(epochs[0]), int(epochs[-1]) + 1):
                self._hold(epoch)
        else:  # every epoch is like the first
            epochs = np.zeros_like(epochs)
            self._hold(0)
        kept = epochs % self._most_epochs
        positions = batches.starts[places] + kept * len(batches.y)
        sums = self._sums[kept, places]
        averages = self.engine.blueprint.loss.reduction == "mean"
        scales = np.ones(count)
        if averages:
            np.divide(1.0, sums, out=scales, where=sums > 0)
            scales[sums == 0] = 0.0
        rule, total = self.optimizer, self.total
        rates = np.array(rule.rates(step, count, total))
        tables = (places == per_epoch - 1).astype(np.int64)
        return positions, tables, rates, scales, sums

    def _make(self, step: int) -> float:
        """Make the batch of an iteration; return the sum of its weights."""
        places = ("x", ""), ("y", ""), ("weight", "")
        _, total = self.batches.fill(step, *(self.batch[place] for place in places))
        return float(total)

    def _hold(self, epoch: int) -> None:
        """Put the order of an epoch into its place, and the weights of its batches."""
        batches, n = self.batches, len(self.batches.y)
        place = epoch % self._most_epochs
        if self._held[place] == epoch:
            return
        self._held[place] = epoch
        weight = self.data["weight", ""]
        if batches.shuffle:
            order = self.order[place * n : (place + 1) * n]
            order[...] = batches.order(epoch)
            weight = weight if self.even else weight[order]
        np.add.reduceat(weight, batches.starts, dtype=float, out=self._sums[place])

    def _is_finite(self) -> bool:
        """Return whether all weights are finite, without an array of answers."""
        w = self.weights
        ends = (w.min(initial=0.0), w.max(initial=0.0))  # a NaN is both
        return bool(np.isfinite(ends).all())

    def _restore(self, losses: NDArray[np.float64]) -> None:
        """Return to what was kept by the first update, if there was one."""
        if np.isnan(losses[0]):
            return
        for kept, vector in zip(self._before, self._changing, strict=True):
            vector[...] = kept

    def _drive(self, step: int, count: int) -> Steps:
        """Make updates; return losses, norms, weights of batches, and how many.

        The first update keeps what was there, and only then is its loss a number.
        """
        if not self.made:
            return self._drive_through(step, count)
        losses, norms, sums = np.full((3, count), np.nan)
        for i in range(count):  # the next batch is made when this one is used up
            *found, done = self._drive_through(step + i, 1, keep=i == 0)
            for all_of_them, one in zip((losses, norms, sums), found, strict=True):
                all_of_them[i] = one[0]
            if not done:
                return losses, norms, sums, i
        return losses, norms, sums, count

    def _drive_through(self, step: int, count: int, keep: bool = True) -> Steps:
        """Make updates without returning to Python in between."""
        positions, tables, rates, scales, sums = self._course(step, count)
        losses, norms = np.full((2, count), np.nan)
        team = self.teams.now
        calls = self._of_team(team)
        done = [0] * team
        self.meeting[:] = 0

        def work(thread: int) -> None:
            done[thread] = driver.drive(
                thread,
                team,
                self.meeting,
                machine.give_way(),
                keep,
                step,
                positions,
                tables,
                rates,
                scales,
                self.whole_cells[thread],
                self.cells[thread],
                *calls,
                self.loss_cells,
                self.norm_cells,
                losses,
                norms,
            )

        helpers = [
            threading.Thread(target=work, args=(i,), daemon=True)
            for i in range(1, team)
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
            losses, norms, sums, done = self._drive(now, 1)
            if done == 1 and self._is_finite():
                outcome.losses.append(float(losses[0]))
                outcome.norms.append(float(norms[0]))
                outcome.weights.append(float(sums[0]))
                continue
            self._restore(losses)
            readable = ReadableSession(
                ReadableEngine(self.engine.blueprint, self.engine.dtype),
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
