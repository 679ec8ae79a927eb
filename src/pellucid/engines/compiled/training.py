"""A training run: epochs of updates, by one thread or several, with the same bits."""

import threading
import time
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pellucid.engines.compiled import driver, machine
from pellucid.engines.compiled.assemblies import Assemblies
from pellucid.engines.compiled.assembly import Assembly
from pellucid.engines.compiled.steps import Steps, pieces_of
from pellucid.engines.compiled.teams import Teams
from pellucid.engines.compiled.workspace import Workspace
from pellucid.engines.readable import Outcome, ReadableEngine, ReadableSession
from pellucid.optimizers import Optimizer

MOST_STEPS = 20_000  # iterations of a slice
ORDERS = 2**17  # rows for whose orders there is room, or one epoch
SLICE = 0.2  # seconds after which the driver returns to Python

# Losses, norms of gradients, weights of batches, and how many updates were made.
Made = tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64], int]


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
        sizes = batches.stops - batches.starts
        self.rows = int(sizes.max())
        training, self.shards = engine.training_for(self.rows)
        updates = self._updates(training)
        pieces = pieces_of(engine, training, updates[0])
        allowed = machine.available() if threads is None else threads
        self.threads = max(1, min(allowed, self.shards))
        self.space = Workspace(engine, weights, memory, batches, self.shards)
        self.space.make_cells(self.threads, len(pieces), key)
        self.space.masks = {("decayed", ""): decayed}
        if trained is not None:
            self.space.masks["trained", ""] = trained
        self._make_room_for_orders()
        self.teams = Teams(self.threads, pace=SLICE)  # the first slice is one step
        usual_and_last = int(sizes[0]), int(sizes[-1])
        self.steps = Steps(self.space, training, updates, pieces, usual_and_last)
        self.steps.of_team(self.threads)  # what cannot be called is to be known now
        self.meeting = np.zeros(16, dtype=np.int64)

    def _updates(self, training: Assembly) -> tuple[Assembly, Assembly]:
        """Return the updates by the gradients of all shards, and by their sum."""
        frozen = self.trained is not None
        each = self.engine.update(self.optimizer, self.shards, frozen)
        each.compile()
        if not training.late or self.shards == 1:
            return each, each
        of_sum = self.engine.update(self.optimizer, 1, frozen)
        of_sum.compile()
        return each, of_sum

    def _make_room_for_orders(self) -> None:
        """Make room for the orders of as many epochs as one slice may touch.

        The order of an epoch has its place there by the epoch's number.
        """
        batches, n = self.batches, len(self.batches.y)
        epochs = 1
        if batches.shuffle and not self.space.made:
            most = max(1, ORDERS // n)
            epochs = min(most, MOST_STEPS // batches.per_epoch + 2)
        self._most_epochs = epochs
        self._held = np.full(epochs, -1)  # which epoch's order is there
        space = self.space
        room = 0 if space.whole or space.made else epochs * n
        space.order = np.empty(room, np.int64) if batches.shuffle else np.arange(room)
        self._sums = np.zeros((epochs, batches.per_epoch))  # weights of the batches

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
        if self.space.made or not self.batches.shuffle:
            return MOST_STEPS
        last = self.batches.place(step)[0] + self._most_epochs
        room: int = self.batches.first + last * self.batches.per_epoch - step
        return min(MOST_STEPS, room)

    def _course(self, step: int, count: int) -> tuple[NDArray[Any], ...]:
        """Return for some iterations where their batches are, table, rate and scale."""
        batches = self.batches
        per_epoch = batches.per_epoch
        epochs, places = np.divmod(np.arange(count) + step - batches.first, per_epoch)
        if self.space.made:
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
        _, total = self.batches.fill(
            step, *(self.space.batch[place] for place in places)
        )
        return float(total)

    def _hold(self, epoch: int) -> None:
        """Put the order of an epoch into its place, and the weights of its batches."""
        batches, n = self.batches, len(self.batches.y)
        place = epoch % self._most_epochs
        if self._held[place] == epoch:
            return
        self._held[place] = epoch
        weight = self.space.data["weight", ""]
        if batches.shuffle:
            order = self.space.order[place * n : (place + 1) * n]
            order[...] = batches.order(epoch)
            weight = weight if self.space.even else weight[order]
        np.add.reduceat(weight, batches.starts, dtype=float, out=self._sums[place])

    def _is_finite(self) -> bool:
        """Return whether all weights are finite, without an array of answers."""
        w = self.weights
        with np.errstate(all="ignore"):
            if np.isfinite(w.sum()):
                return True
        ends = (w.min(initial=0.0), w.max(initial=0.0))  # a NaN is both
        return bool(np.isfinite(ends).all())

    def _restore(self, losses: NDArray[np.float64]) -> None:
        """Return to what was kept by the first update, if there was one."""
        if np.isnan(losses[0]):
            return
        for kept, vector in zip(self.space.before, self.space.changing, strict=True):
            vector[...] = kept

    def _drive(self, step: int, count: int) -> Made:
        """Make updates; return losses, norms, weights of batches, and how many.

        The first update keeps what was there, and only then is its loss a number.
        """
        if not self.space.made:
            return self._drive_through(step, count)
        losses, norms, sums = np.full((3, count), np.nan)
        for i in range(count):  # the next batch is made when this one is used up
            *found, done = self._drive_through(step + i, 1, keep=i == 0)
            for all_of_them, one in zip((losses, norms, sums), found, strict=True):
                all_of_them[i] = one[0]
            if not done:
                return losses, norms, sums, i
        return losses, norms, sums, count

    def _drive_through(self, step: int, count: int, keep: bool = True) -> Made:
        """Make updates without returning to Python in between."""
        positions, tables, rates, scales, sums = self._course(step, count)
        losses, norms = np.full((2, count), np.nan)
        team = self.teams.now
        calls = self.steps.of_team(team)
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
                self.space.whole_cells[thread],
                self.space.cells[thread],
                *calls,
                self.space.loss_cells,
                self.space.norm_cells,
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
