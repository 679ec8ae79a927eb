"""The arrays of a training run: the data, and all that its kernels read and write."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from pellucid.engines.compiled.assemblies import Assemblies

Place = tuple[str, str]


class Workspace:
    """What a training run works on.

    Parameters
    ----------
    engine : Assemblies
        Of the network.
    weights : ndarray, shape (layout.size,)
        All numbers, changed in place.
    memory : dict of str to ndarray
        Vectors of the optimizer, changed in place.
    batches : ArrayBatches
        The data.
    shards : int
        Into how many shards a batch is cut.
    """

    order: NDArray[np.int64]  # rows of some epochs
    masks: dict[Place, NDArray[Any]]  # what is decayed and trained

    def __init__(
        self,
        engine: Assemblies,
        weights: NDArray[Any],
        memory: dict[str, NDArray[Any]],
        batches: Any,
        shards: int,
    ) -> None:
        self.engine, self.weights, self.memory = engine, weights, memory
        self.shards, self.first = shards, batches.first
        rows = int((batches.stops - batches.starts).max())
        # What updates change, and room for what was there before.
        self.changing = [weights, *memory.values()]
        self.before = [np.empty_like(vector) for vector in self.changing]
        size, dtype = engine.blueprint.layout.parameters.size, engine.dtype
        self.gradients = np.zeros((shards, size), dtype=dtype)
        # What no layer writes stays. All shards write the same; the first one's counts.
        self.states = np.tile(self.weights[size:], (shards, 1))
        self.loss_cells = np.zeros((shards, 64 // dtype.itemsize), dtype=dtype)
        self.made = hasattr(batches, "fill")  # each batch is made, not gathered
        self.whole = len(batches.starts) == 1 and not self.made  # each is all there is
        x, y, weight = (
            batches.room if self.made else (batches.x, batches.y, batches.weight)
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
                place: np.ones((rows, *values.shape[1:]), dtype=values.dtype)
                for place, values in self.data.items()
            }
        )

    def make_cells(self, threads: int, pieces: int, key: int) -> None:
        """Make the cells for numbers that change at every step, apart for each thread.

        Parameters
        ----------
        threads : int
            How many there may be.
        pieces : int
            Of how many pieces there are norms.
        key : int
            Key of the random numbers.
        """
        item = self.engine.dtype.itemsize
        self.norm_cells = np.zeros((pieces, 64 // item), dtype=self.engine.dtype)
        # Step, position, origin and key; time, learning rate and scale.
        self.whole_cells = np.zeros((threads, 8), dtype=np.int64)
        self.whole_cells[:, 2] = self.first
        self.whole_cells[:, 3] = np.array([key], dtype=np.uint64).view(np.int64)
        self.cells = np.zeros((threads, 8))
