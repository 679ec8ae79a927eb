"""Batches that are made: images kept as bytes, or changed anew in every epoch."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from pellucid.augmentations import Augmentation, Draws, Mixup, augment
from pellucid.engines import Engines
from pellucid.rng import make_key
from pellucid.samples import Samples
from pellucid.training.batches import ArrayBatches
from pellucid.training.soft_targets import softened

if TYPE_CHECKING:
    from pellucid.network import NeuralNetwork
    from pellucid.training.state import Training


class MadeBatches(ArrayBatches):
    """Batches that cannot be gathered from memory, since only code can make them.

    A training run asks for them one after the other, `batch`, or has them written to
    where it wants them, `fill`; how large such arrays must be is what `room` says. A
    batch is a function of seed, run and iteration: it may be made at any time, in any
    order, and again.

    Parameters
    ----------
    data : Samples
        Inputs in one array, as bytes or as numbers.
    size : int
        Rows of a batch.
    dtype : dtype
        The network's floating-point type.
    augmentations : sequence of Augmentation
        What changes the images, in order.
    shares : ndarray, shape (classes, classes), or None
        What replaces targets that are classes, see `soft_targets.softened`.
    shuffle, seed, run, no_single, first
        As in `ArrayBatches`.
    """

    def __init__(
        self,
        data: Samples,
        size: int,
        *,
        dtype: Any,
        augmentations: Sequence[Augmentation],
        shares: NDArray[Any] | None,
        shuffle: bool,
        seed: int,
        run: int,
        no_single: bool,
        first: int = 0,
    ) -> None:
        super().__init__(
            data.x,
            data.y,
            data.weight,
            size,
            shuffle=shuffle,
            seed=seed,
            run=run,
            no_single=no_single,
            first=first,
        )
        self.dtype, self.shares = np.dtype(dtype), shares
        self.augmentations = tuple(augmentations)
        self._key = make_key(seed, "augmentation", run, first)
        self._mixup_key = make_key(seed, "mixup", run, first)

    @property
    def room(self) -> tuple[NDArray[Any], NDArray[Any], NDArray[Any]]:
        """New arrays x, y and weight in which every batch has room."""
        rows = max(b - a for a, b in zip(self.starts, self.stops, strict=True))
        y = self.y[:0] if self.shares is None else self.shares[:0]
        return (
            np.zeros((rows, *self.x.shape[1:]), self.dtype),
            np.zeros((rows, *y.shape[1:]), y.dtype),
            np.zeros(rows, self.weight.dtype),
        )

    def batch(self, step: int) -> tuple[Any, NDArray[Any], NDArray[Any], float]:
        """Return the batch of an iteration, see `ArrayBatches.batch`.

        Parameters
        ----------
        step : int
            From 0, over all epochs.

        Returns
        -------
        x, y, weight : ndarray
            Its rows, as the loss takes them.
        total : float
            Sum of their weights.
        """
        x, y, weight = self.room
        rows, total = self.fill(step, x, y, weight)
        return x[:rows], y[:rows], weight[:rows], total

    def fill(
        self, step: int, x: NDArray[Any], y: NDArray[Any], weight: NDArray[Any]
    ) -> tuple[int, float]:
        """Write the batch of an iteration to the first rows of some arrays.

        Parameters
        ----------
        step : int
            From 0, over all epochs.
        x, y, weight : ndarray
            Such as `room` gives; further rows stay as they are.

        Returns
        -------
        rows : int
            How many rows the batch has.
        total : float
            Sum of their weights.
        """
        epoch, place = self.place(step)
        rows = self.order(epoch)[self.starts[place] : self.stops[place]]
        count = len(rows)
        x, y, weight = x[:count], y[:count], weight[:count]
        x[...] = self.x[rows]
        y[...] = self.y[rows] if self.shares is None else self.shares[self.y[rows]]
        weight[...] = self.weight[rows]
        if self.augmentations:
            try:
                augment(x, self.augmentations, self._key, epoch, rows)
            except Exception as error:
                error.add_note(f"in augment, epoch {epoch + 1}, batch {place + 1}")
                raise
        for each in self.augmentations:
            if isinstance(each, Mixup):
                draws = Draws(self._mixup_key, epoch, rows)
                partner, share = each.partners(draws)
                for values in (x, y, weight):
                    part = share.reshape(-1, *(1,) * (values.ndim - 1))
                    part = part.astype(values.dtype)
                    values[...] = part * values + (1 - part) * values[partner]
        return count, float(weight.sum(dtype=np.float64))


def engines_and_batches(
    network: "NeuralNetwork", data: Samples, training: "Training"
) -> tuple[Engines, ArrayBatches]:
    """Return what can run a training, and its batches.

    Parameters
    ----------
    network : NeuralNetwork
        What is trained.
    data : Samples
        What it learns from.
    training : Training
        Its settings.

    Returns
    -------
    engines : Engines
        Those of the network, unless mixed targets need others.
    batches : ArrayBatches
        Batches that must be made are `MadeBatches`.
    """
    engines, shares = network.engines, None
    if any(isinstance(each, Mixup) for each in training.augment):
        blueprint, shares = softened(network.blueprint, network.dtype)
        engines = engines if shares is None else Engines(blueprint, network.dtype)
    settings: dict[str, Any] = {
        "shuffle": training.shuffle,
        "seed": network.seed,
        "run": training.run,
        "no_single": network.blueprint.needs_batches,
        "first": training.origin,
    }
    size = training.batch_size
    bytes_kept = isinstance(data.x, np.ndarray) and data.x.dtype == np.uint8
    if training.augment or bytes_kept:
        return engines, MadeBatches(
            data,
            size,
            dtype=network.dtype,
            augmentations=training.augment,
            shares=shares,
            **settings,
        )
    return engines, ArrayBatches(data.x, data.y, data.weight, size, **settings)
