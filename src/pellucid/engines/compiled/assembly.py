"""A Program that is ready to be put into tables: planned, printed, with memory."""

from itertools import accumulate, pairwise
from typing import Any

import numpy as np

from pellucid.engines.compiled import cache
from pellucid.engines.compiled.arena import Arena, read_by
from pellucid.engines.compiled.calls import Filling, Prepared, Shard, Text
from pellucid.engines.compiled.cells import Numbers
from pellucid.engines.compiled.chains import chains
from pellucid.engines.compiled.convolution.blocked import Blocked
from pellucid.engines.compiled.convolution.choice import over_images
from pellucid.engines.compiled.fusing import fused
from pellucid.engines.compiled.plan import (
    Call,
    Loop,
    Plan,
    Planner,
    UnsupportedError,
    stored_as,
)
from pellucid.engines.compiled.printer import Kernel, Printer
from pellucid.engines.compiled.sharing import late_products
from pellucid.engines.compiled.table import Calls
from pellucid.program import Program
from pellucid.symbol import FLOAT, NUMBER, Symbol


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
        copied = {source.id for source, _ in self.copies}
        alone = chains(self.plan, self.over_images)
        self.over_images, writes = fused(
            self.plan, self.over_images, alone, set(self.outputs) | copied
        )
        self.chains = {c.first: c for c in chains(self.plan, self.over_images)}
        self.late = late_products(self.plan, self.outputs, self.copies)
        item = int(self.dtype.itemsize)
        self.memory = Arena(
            self.plan,
            set(self.outputs),
            self.kernels,
            self.over_images,
            list(self.chains.values()),
            set(self.late.values()),
            item,
        )
        self._prepared = Prepared(
            self.plan,
            self.kernels,
            self.over_images,
            writes,
            self.chains,
            self.late,
            self.outputs,
            self.copies,
            self.memory.rooms,
            item,
        )
        # What cannot be called is to be known now.
        some = Shard(2, lambda _: 0, 0)
        self._filling((some,), self.arena(2)[0], Numbers.empty()).texts()

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
        filling = self._filling(shards, offsets, numbers, *cells)
        return self._loaded(filling.texts(leave=leave))

    def calls_in_groups(
        self, shard: Shard, offsets: dict[Any, int], numbers: Numbers
    ) -> tuple[Calls, list[tuple[int, int]]]:
        """Return the calls for a batch, for threads that share them.

        Parameters
        ----------
        shard : Shard
            The batch.
        offsets : dict
            From `arena`.
        numbers : Numbers
            Cells for numbers.

        Returns
        -------
        calls : list of (int, list of int)
            As of `calls`.
        groups : list of (int, int)
            The first call of each group, and the one behind its last: those of a group
            may be made at the same time.
        """
        each = self._filling((shard,), offsets, numbers).in_groups()
        edges = [0, *accumulate(map(len, each))]
        return self._loaded([text for some in each for text in some]), list(
            pairwise(edges)
        )

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
        filling = self._filling(shards, offsets, numbers)
        node = self.plan.steps[self.late[place]].nodes[0]
        return self._loaded(filling.sum_of_products(node, rows, to))

    def _filling(
        self,
        shards: tuple[Shard, ...],
        offsets: dict[Any, int],
        numbers: Numbers,
        number: int = 0,
        seed: int = 0,
        step: int = 0,
        piece: tuple[int, int] | None = None,
    ) -> Filling:
        cells = number, offsets, numbers, seed, step, piece
        return Filling(self._prepared, shards, *cells)

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
