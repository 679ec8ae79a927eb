"""Training on a table by a recipe."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pellucid.container import tidy
from pellucid.data.splits import split_indices
from pellucid.data.table import Table
from pellucid.encoder import Encoder
from pellucid.errors import ConfigurationError, DataError
from pellucid.files import load
from pellucid.losses import CrossEntropy, EachMember, Loss, MeanSquaredError
from pellucid.network import NeuralNetwork
from pellucid.optimizers import Adam
from pellucid.schedules import LogCosine
from pellucid.tabular.folds import folds_of
from pellucid.tabular.layers import bag_of, layers_for, tempered
from pellucid.tabular.recipes import Recipe, recipe_for
from pellucid.tabular.temperature import best_temperature, log_loss
from pellucid.training.callbacks import Callback, Checkpoint, as_callbacks
from pellucid.training.history import History

HELD_OUT = 0.2  # share of the rows by which the best epoch is chosen
MOST = 50_000  # of them: more would cost much and tell no more
ENOUGH = 200  # rows that one temperature can be taken from
FEWEST = 10  # rows below which none are held out
SECONDS = 10.0  # between two checkpoints
LOOKS = 100  # iterations between two looks at the clock
APART = 1_000_003  # between the seeds of two networks of a bag


@dataclass(frozen=True)
class TrainedTable:
    """A network that was trained on a table, and how.

    Parameters
    ----------
    network : NeuralNetwork
        It takes tables, data frames and files as its `reader` encodes them.
    recipe : Recipe
        By which it was trained.
    histories : tuple of History
        One for each network that was trained: several for a bag.
    temperature : float
        What logits were divided by, so that probabilities are honest.
    held_out : ndarray of int
        Rows by which the best epoch was chosen; all of them for a bag.
    """

    network: NeuralNetwork
    recipe: Recipe
    histories: tuple[History, ...]
    temperature: float
    held_out: NDArray[np.int64]

    def __repr__(self) -> str:
        count = len(self.histories)
        epochs = sum(history.epochs for history in self.histories)
        return (
            f"<TrainedTable: {count} network{'s' if count > 1 else ''}, {epochs} "
            f"epochs, {len(self.held_out)} rows held out, temperature "
            f"{self.temperature:.3g}>"
        )


def train(
    table: Table,
    *,
    preset: str = "tabular",
    ensemble: int | None = None,
    rows: Any = None,
    validation: Any = None,
    seed: int = 0,
    dtype: str = "float32",
    recipe: Recipe | None = None,
    checkpoints: str | Path | None = None,
    checkpoint_epochs: int | None = None,
    checkpoint_seconds: float | None = None,
    callbacks: Any = (),
    **fit: Any,
) -> TrainedTable:
    """Train on a table with settings that suit it.

    A fifth of the rows is held out, 50,000 at most, and the weights of the epoch with
    the lowest loss on them stay. With few rows, five networks each hold out another
    fifth, and become one that predicts their mean. Probabilities are made honest by one
    temperature, where at least 200 rows, or all of a bag's, were held out.

    Parameters
    ----------
    table : Table
        With a target.
    preset : str
        ``"tabular"``, see `recipe_for`.
    ensemble : int, optional
        How many members share one network.
    rows : array_like of int, optional
        Which rows may be learned from; all by default.
    validation : array_like of int, optional
        Rows to choose the best epoch by, instead of a fifth of `rows`.
    seed : int
        Same seed, same network.
    dtype : str
        ``"float32"`` or ``"float64"``.
    recipe : Recipe, optional
        Instead of the preset's.
    checkpoints : str or Path, optional
        A folder where is kept what continues the training, in a file for each network.
        What is there already is gone on with, to the bits of an undisturbed training;
        it must be of the same table and settings.
    checkpoint_epochs, checkpoint_seconds : int and float, optional
        After how many epochs and seconds the file is written again; every ten seconds
        by default.
    callbacks : Callback or sequence of Callback
        What else happens in the training of each network.
    **fit
        Further arguments of `NeuralNetwork.fit`: ``progress``, ``threads``...

    Returns
    -------
    TrainedTable

    Raises
    ------
    DataError
        If the table has no target, or too little to learn from.

    Examples
    --------
    >>> import pellucid
    >>> wine = pellucid.data.table(pellucid.data.wine(), "cultivar")
    >>> trained = pellucid.tabular.train(wine)
    >>> trained.recipe.folds
    5
    >>> trained.network.evaluate(wine, wine.labels)["accuracy"] > 0.97
    True
    """
    if table.y is None or table.task is None:
        raise DataError(f"The table {table.name!r} has no target: name one.")
    chosen = np.arange(len(table)) if rows is None else np.asarray(rows)
    if table.weight is not None:  # rows that do not count are as if they were not there
        chosen = chosen[table.weight[chosen] > 0]
    if table.task == "classes" and len(np.unique(table.y[chosen])) < 2:
        raise DataError("All rows have the same class: there is nothing to tell apart.")
    used = recipe or recipe_for(
        len(chosen), table.task, preset=preset, ensemble=ensemble
    )
    if checkpoint_epochs is None and checkpoint_seconds is None:
        checkpoint_seconds = SECONDS
    folder = None if checkpoints is None else Path(checkpoints)
    kept = _Kept(folder, checkpoint_epochs, checkpoint_seconds)
    job = _Job(table, used, chosen, seed, dtype, kept, as_callbacks(callbacks), fit)
    if validation is not None:
        return job.alone(chosen, np.asarray(validation))
    if used.folds and len(chosen) >= used.folds:
        return job.bag()
    return job.alone(*divided(table, chosen, seed))


def divided(
    table: Table, rows: NDArray[np.int64], seed: int
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return which rows one network learns from, and which choose its best epoch.

    Parameters
    ----------
    table : Table
        With a target.
    rows : ndarray of int
        Those that may be learned from.
    seed : int
        Same seed, same rows.

    Returns
    -------
    learned, held_out : ndarray of int
        A fifth is held out, 50,000 at most, with the same share of every class; none
        of fewer than 10.
    """
    if len(rows) < FEWEST:
        return rows, np.empty(0, np.int64)
    assert table.y is not None
    by = table.y[rows] if table.task == "classes" else len(rows)
    learned, held_out = split_indices(by, min(HELD_OUT, MOST / len(rows)), seed)
    return rows[np.sort(learned)], rows[np.sort(held_out)]


@dataclass(frozen=True)
class _Kept:
    """Where checkpoints are kept, and how often one is written."""

    folder: Path | None
    epochs: int | None
    seconds: float | None

    def path(self, number: int) -> Path | None:
        return self.folder and self.folder / f"network_{number + 1}.pellucid"

    def checkpoint(self, path: Path) -> Checkpoint:
        every = "epoch" if self.seconds is None else LOOKS
        return Checkpoint(path, every, epochs=self.epochs, seconds=self.seconds)


class _Job:
    """What the trainings on one table share."""

    def __init__(
        self,
        table: Table,
        recipe: Recipe,
        rows: NDArray[np.int64],
        seed: int,
        dtype: str,
        kept: _Kept,
        callbacks: Sequence[Callback],
        fit: dict[str, Any],
    ) -> None:
        assert table.y is not None
        self.table, self.recipe, self.rows, self.seed = table, recipe, rows, seed
        self.dtype, self.kept = dtype, kept
        self.callbacks, self.fit = callbacks, fit
        self.classes = table.task == "classes"
        self.y, self.labels = table.y, table.labels
        self.weight = np.ones(len(table)) if table.weight is None else table.weight
        member: Loss = MeanSquaredError()
        if self.classes:
            member = CrossEntropy(label_smoothing=recipe.smoothing)
        self.member = member

    def encoder(self, rows: NDArray[np.int64]) -> Encoder:
        """Return the encoder of some rows."""
        return Encoder.fit(
            self.table, rows=rows, scaling=self.recipe.scaling, clamp=True
        )

    def encoded(self, encoder: Encoder, rows: NDArray[np.int64]) -> Any:
        """Return some rows as a network takes them; in files, where the table is."""
        return encoder.encode(self.table, rows=rows, unseen="ignore")

    def one(
        self,
        encoder: Encoder,
        rows: NDArray[np.int64],
        held_out: NDArray[np.int64],
        number: int = 0,
    ) -> tuple[NeuralNetwork, History]:
        """Train one network, or go on with its training."""
        recipe = self.recipe
        path = self.kept.path(number)
        begun = path is not None and path.is_file()
        network = self._new(encoder, number)
        if path and begun:
            network = _from_checkpoint(path, network)
        if path and begun and _complete(network):
            tidy(path)  # it may have been killed in its very last moment
            assert network.history is not None
            return network, network.history
        callbacks = list(self.callbacks)
        if path is not None:
            callbacks.append(self.kept.checkpoint(path))
        rate: Any = recipe.learning_rate
        validation = None
        if len(held_out):
            validation = (
                self.encoded(encoder, held_out),
                self.labels[held_out],
                self.weight[held_out],
            )
        history = network.fit(
            self.encoded(encoder, rows),
            self.labels[rows],
            epochs=recipe.epochs,
            batch_size=min(recipe.batch_size, len(rows)),
            optimizer=Adam(
                LogCosine(rate, recipe.waves) if recipe.waves else rate,
                beta2=recipe.beta2,
                decay=recipe.decay,
            ),
            sample_weight=self.weight[rows],
            validation=validation,
            early_stopping=recipe.patience if validation else None,
            callbacks=callbacks,
            resume=begun,
            **self.fit,
        )
        if path is not None:
            network.save(path, checkpoint=True)  # now also why it ended
        return network, history

    def _new(self, encoder: Encoder, number: int) -> NeuralNetwork:
        """Return a network before its training."""
        outputs = len(self.table.classes) if self.classes else 1
        loss = self.member
        if self.recipe.members > 1:
            loss = EachMember(loss, self.recipe.members)
        network = NeuralNetwork(
            layers_for(self.recipe, encoder, outputs),
            loss=loss,
            input_shape=encoder.input_shape,
            seed=self.seed + APART * number,
            dtype=self.dtype,
        )
        network.reader = encoder
        if self.classes:
            network.classes = list(self.table.classes)
        return network

    def alone(
        self, rows: NDArray[np.int64], held_out: NDArray[np.int64]
    ) -> TrainedTable:
        """Train one network, and choose the epoch by the rows held out."""
        encoder = self.encoder(rows)
        network, history = self.one(encoder, rows, held_out)
        temperature = 1.0
        if self.classes and len(held_out) >= ENOUGH and self.recipe.members == 1:
            x = self.encoded(encoder, held_out)
            logits = network.feedforward(x).astype(np.float64)
            temperature = self._honest(logits, held_out)
            network = tempered(network, temperature)
        return TrainedTable(network, self.recipe, (history,), temperature, held_out)

    def bag(self) -> TrainedTable:
        """Train a network for each fold, and put them together.

        One encoder serves all: centres and scales of columns tell little of a fifth of
        the rows, and a single network can then hold all branches.
        """
        encoder = self.encoder(self.rows)
        y = self.y[self.rows]
        parts = folds_of(y, self.recipe.folds, self.seed, self.classes)
        outputs = len(self.table.classes) if self.classes else 1
        logits = np.zeros((len(self.table), outputs))
        networks, histories = [], []
        for number, part in enumerate(parts):
            held_out = self.rows[part]
            rows = np.setdiff1d(self.rows, held_out)
            network, history = self.one(encoder, rows, held_out, number)
            x = self.encoded(encoder, held_out)
            logits[held_out] = network.feedforward(x)
            networks.append(network)
            histories.append(history)
            if history.interrupted:  # what there is makes a smaller bag
                break
        judged = self.rows[np.sort(np.concatenate(parts[: len(networks)]))]
        bag = networks[0] if len(networks) == 1 else bag_of(networks, self.member)
        temperature = 1.0
        if self.classes:
            temperature = self._honest(logits[judged], judged)
            bag = tempered(bag, temperature)
        return TrainedTable(bag, self.recipe, tuple(histories), temperature, judged)

    def _honest(self, logits: NDArray[np.float64], rows: NDArray[np.int64]) -> float:
        """Return the best temperature, or 1 where it gains nothing."""
        y, weight = self.y[rows], self.weight[rows]
        found = best_temperature(logits, y, weight)
        better = log_loss(logits, y, weight, found) < log_loss(logits, y, weight)
        return found if better else 1.0


def _from_checkpoint(path: Path, new: NeuralNetwork) -> NeuralNetwork:
    """Return the network of a checkpoint, if it began as the new one does."""
    found = load(path)
    differ = [
        name
        for name in ("layers", "loss", "seed", "dtype", "reader")
        if getattr(found, name) != getattr(new, name)
    ]
    if differ:
        raise ConfigurationError(
            f"{path} is the checkpoint of another training: its {', '.join(differ)} "
            "differ. Train with the same table and settings, or in another folder."
        )
    return found


def _complete(network: NeuralNetwork) -> bool:
    """Return whether a network from a checkpoint needs no more training.

    It does where it was killed behind its last epoch, before it got its best weights.
    """
    state = network.training
    if state is None or state.sums.batches:
        return False
    if state.best is not None and state.last is None:
        return False
    stopped = bool(state.history.stopped) and not state.history.interrupted
    return stopped or state.step >= state.total
