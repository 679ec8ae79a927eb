"""Learning to predict a column of a table: split, recipe, baseline, and what is kept.

A fifth of the rows, with the same share of every class, is the test. A network is
trained on the others by a preset (`pellucid.tabular`), and beside it a linear model:
logistic regression for classes, ridge regression for numbers, as a network of one dense
layer on the same encoded rows, with L-BFGS and ``l2 = 1 / rows``.
"""

import time
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pellucid import tabular
from pellucid._version import __version__
from pellucid.data.splits import split_indices
from pellucid.data.table import Table
from pellucid.encoder import Encoder
from pellucid.errors import ConfigurationError, DataError
from pellucid.layers import Dense
from pellucid.metrics import Metric
from pellucid.minimizers import LBFGS
from pellucid.network import NeuralNetwork
from pellucid.report.scores import number, percent
from pellucid.report.table_run import Baseline, TableRun
from pellucid.tabular import Recipe, TrainedTable
from pellucid.training import Callback

TEST = 0.2  # share of the rows that a network is judged by
MOST = 50_000  # of them, if nobody asks for more
WRITTEN_BY = "pellucid train"
FEWEST = 10  # rows below which there is no test
LINEAR_ROWS = 2**16  # rows that the linear model learns from, at most
LINEAR_STEPS = 200
_EMBEDDING = 8  # numbers of a category's level in the linear model, at most
MEASURES = {
    "classes": ("accuracy", "balanced_accuracy", "log_loss"),
    "numbers": ("rmse", "mae", "r2"),
}
MEANINGS = {
    "accuracy": ("accuracy", "share of rows whose class is right"),
    "balanced_accuracy": ("balanced accuracy", "the same, every class counting alike"),
    "log_loss": ("log-loss", "how good the probabilities are; less is better"),
    "rmse": ("RMSE", "usual size of an error; large ones count more"),
    "mae": ("MAE", "mean size of an error"),
    "r2": ("R2", "1 is perfect, 0 no better than the mean"),
}


class TableTraining:
    """A training on a table: what will be done, the doing, and what came of it.

    Parameters
    ----------
    table : Table
        With a target.
    test : float, optional
        The share of the rows that the network is judged by. By default a fifth, but no
        more than 50,000 rows.
    seed : int
        Of all random numbers.
    preset : str
        As in `pellucid.tabular.train`.
    ensemble : int, optional
        How many members share one network.
    epochs : int, optional
        Instead of the preset's.
    recipe : Recipe, optional
        Instead of the preset's, and of `epochs`.

    Attributes
    ----------
    learned, judged : ndarray of int
        Rows to learn from (and to choose the best epoch by), and rows for the test.

    Raises
    ------
    DataError
        If there is too little to learn from.
    ConfigurationError
        If a setting cannot work.
    """

    def __init__(
        self,
        table: Table,
        *,
        test: float | None = None,
        seed: int = 0,
        preset: str = "tabular",
        ensemble: int | None = None,
        epochs: int | None = None,
        recipe: Recipe | None = None,
    ) -> None:
        if table.y is None or table.task is None:
            raise DataError(f"The table {table.name!r} has no target: name one.")
        if test is None:
            test = min(TEST, MOST / max(len(table), 1))
        if not 0 < test < 1:
            raise ConfigurationError(
                f"The share of rows for the test is above 0 and below 1, got {test:g}."
            )
        self.table, self.test, self.seed = table, test, seed
        self.task: str = table.task
        self.learned, self.judged = divided(table, test, seed)
        given = recipe or tabular.recipe_for(
            len(self.learned), self.task, preset=preset, ensemble=ensemble
        )
        if epochs is not None and recipe is None:
            given = replace(given, epochs=epochs)
        self.recipe = given
        self.trained: TrainedTable | None = None
        self.linear: NeuralNetwork | None = None
        self.seconds = 0.0

    @property
    def networks(self) -> int:
        """How many networks are trained, one after the other."""
        folds = self.recipe.folds
        return folds if folds and len(self.learned) >= folds else 1

    def encoder(self) -> Encoder:
        """Return the encoder that the network will have."""
        rows = self.learned
        if self.networks == 1:
            rows, _ = tabular.training.divided(self.table, rows, self.seed)
        return Encoder.fit(
            self.table, rows=rows, scaling=self.recipe.scaling, clamp=True
        )

    def plan(self) -> list[str]:
        """Return the recipe in words."""
        return in_words(self.recipe, self.task, self.networks)

    def fit(
        self,
        callbacks: Sequence[Callback] = (),
        *,
        checkpoints: Path | None = None,
        checkpoint_epochs: int | None = None,
        checkpoint_seconds: float | None = None,
        threads: int | None = None,
    ) -> TrainedTable:
        """Train the network.

        Parameters
        ----------
        callbacks : sequence of Callback
            What else happens.
        checkpoints, checkpoint_epochs, checkpoint_seconds
            As in `pellucid.tabular.train`.
        threads : int, optional
            How many threads it may use.

        Returns
        -------
        TrainedTable
        """
        start = time.monotonic()
        self.trained = tabular.train(
            self.table,
            rows=self.learned,
            recipe=self.recipe,
            seed=self.seed,
            checkpoints=checkpoints,
            checkpoint_epochs=checkpoint_epochs,
            checkpoint_seconds=checkpoint_seconds,
            callbacks=callbacks,
            threads=threads,
            progress=False,
        )
        self.seconds = time.monotonic() - start
        return self.trained

    @property
    def interrupted(self) -> bool:
        """Whether Ctrl-C ended the training."""
        assert self.trained is not None
        return any(history.interrupted for history in self.trained.histories)

    def fit_linear(self) -> NeuralNetwork:
        """Fit the linear model on the rows that the network learned from.

        Returns
        -------
        NeuralNetwork
            Of one dense layer. Of more than 65,536 rows it learns from as many, spread
            evenly.
        """
        assert self.trained is not None
        encoder = self.trained.network.reader
        assert isinstance(encoder, Encoder)
        table, classes = self.table, self.table.classes
        outputs = len(classes) if classes else 1
        rows = self.learned[:: -(-len(self.learned) // LINEAR_ROWS)]
        linear = NeuralNetwork(
            encoder.layers([Dense(outputs)], embedding=min(outputs, _EMBEDDING)),
            loss="cross_entropy" if classes else "mean_squared_error",
            input_shape=encoder.input_shape,
            seed=self.seed,
        )
        linear.reader = encoder
        if classes:
            linear.classes = list(classes)
        linear.fit(
            encoder.encode(table, rows=rows, unseen="ignore"),
            table.labels[rows],
            optimizer=LBFGS(l2=1.0 / len(rows)),
            iterations=LINEAR_STEPS,
            sample_weight=None if table.weight is None else table.weight[rows],
            progress=False,
        )
        self.linear = linear
        return linear

    def run(self, command: str = "") -> TableRun:
        """Return everything for the report.

        Parameters
        ----------
        command : str
            The command line that does it again.

        Returns
        -------
        TableRun
        """
        assert self.trained is not None
        linear = self.linear or self.fit_linear()
        run = TableRun(
            self.table,
            self.trained,
            self.learned,
            self.judged,
            seed=self.seed,
            command=command,
            seconds=self.seconds,
        )
        name = "logistic regression" if run.classes else "ridge regression"
        return replace(run, baselines=(Baseline(name, answers_of(linear, run.x)),))

    def settings(self) -> dict[str, Any]:
        """Return what is needed to do it again."""
        table = self.table
        return {
            "written by": WRITTEN_BY,
            "pellucid": __version__,
            "target": table.target,
            "task": self.task,
            "seed": self.seed,
            "test": self.test,
            "rows": len(table),
            "rows of the test": len(self.judged),
            "columns": table.kinds,
            "left out": {each.name: each.why for each in table.left_out},
            "recipe": asdict(self.recipe) | {"hidden": list(self.recipe.hidden)},
        }


def divided(
    table: Table, test: float, seed: int
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return which rows are to learn from, and which for the test.

    Parameters
    ----------
    table : Table
        With a target.
    test : float
        The share for the test.
    seed : int
        Same seed, same rows.

    Returns
    -------
    learned, judged : ndarray of int
        In the order of the table, with the same share of every class.

    Raises
    ------
    DataError
        If there are fewer than 10 rows, or a class has too few.
    """
    n = len(table)
    if n < FEWEST:
        raise DataError(
            f"The table {table.name!r} has {n} rows; at least {FEWEST} are needed to "
            "learn from some and to be judged by others."
        )
    by: Any = n
    if table.classes:
        assert table.y is not None
        single = [name for name, count in table.counts.items() if count == 1]
        if single:
            raise DataError(
                f"The class {single[0]!r} has 1 row: at least 2 are needed, one to "
                "learn from and one for the test. Leave such rows out, or give them "
                "another class."
            )
        by = table.y
    learned, judged = split_indices(by, test, seed)
    return np.sort(learned), np.sort(judged)


def answers_of(network: NeuralNetwork, x: Any) -> NDArray[np.float64]:
    """Return probabilities (n, classes), or numbers (n,) in units of the target.

    Parameters
    ----------
    network : NeuralNetwork
        Trained on a table.
    x : table or encoded rows
        What it is asked about.

    Returns
    -------
    ndarray of float64
    """
    if network.classes is not None:
        return np.asarray(network.predict_proba(x), dtype=np.float64)
    return np.asarray(network.predict(x), dtype=np.float64).reshape(-1)


def measured(
    task: str, y: NDArray[Any], answers: NDArray[Any], weight: NDArray[Any]
) -> dict[str, float]:
    """Return how good answers are, by the names of `MEASURES`.

    Parameters
    ----------
    task : str
        ``"classes"`` or ``"numbers"``.
    y : ndarray, shape (n,)
        Class indices or numbers.
    answers : ndarray
        Probabilities (n, classes), or numbers (n,).
    weight : ndarray, shape (n,)
        How much each row counts.

    Returns
    -------
    dict of str to float
    """
    found = {}
    for name in MEASURES[task]:
        metric = Metric.of(name)
        given = answers.argmax(axis=1) if metric.uses == "classes" else answers
        found[name] = float(metric.value(y, given, weight))
    return found


def constant(table: Table, rows: NDArray[np.int64], count: int) -> NDArray[np.float64]:
    """Return what one says without looking: shares of the classes, or the mean.

    Parameters
    ----------
    table : Table
        With a target.
    rows : ndarray of int
        From which it is taken.
    count : int
        How many answers.

    Returns
    -------
    ndarray, shape (count, classes) or (count,)
    """
    assert table.y is not None
    y = table.y[rows]
    weight = None if table.weight is None else table.weight[rows]
    if not table.classes:
        return np.full(count, np.average(y, weights=weight))
    shares = np.bincount(y, weight, minlength=len(table.classes))
    return np.tile(shares / shares.sum(), (count, 1))


def scores_beside(run: TableRun) -> dict[str, dict[str, float]]:
    """Return how good the network, the linear model and a guess are on the test.

    Parameters
    ----------
    run : TableRun
        With a baseline.

    Returns
    -------
    dict of str to dict of str to float
        By ``"network"``, the name of the baseline, and ``"constant"``.
    """
    task = "classes" if run.classes else "numbers"
    guess = constant(run.table, run.learned, len(run.test))
    answers = {"network": run.answers}
    answers |= {each.name: each.answers for each in run.baselines}
    answers["constant"] = guess
    return {
        name: measured(task, run.y, given, run.weight)
        for name, given in answers.items()
    }


def shown(name: str, value: float) -> str:
    """Return the value of a measure as people write it.

    Parameters
    ----------
    name : str
        Of the measure.
    value : float
        Its value.

    Returns
    -------
    str
    """
    return percent(value) if name.endswith("accuracy") else number(value)


def beside_the_linear(run: TableRun) -> list[str]:
    """Return in words whether the network is worth it beside the linear model.

    Parameters
    ----------
    run : TableRun
        With the linear model as its first baseline.

    Returns
    -------
    list of str
    """
    name, other = run.baselines[0].name, run.baselines[0].answers
    if run.classes:
        mine = run.answers.argmax(axis=1) == run.y
        theirs = other.argmax(axis=1) == run.y
        gain, loss = int((mine & ~theirs).sum()), int((theirs & ~mine).sum())
        facts = (
            f"The network is right on {gain:,} rows of the test where {name}, the "
            f"linear model, is wrong, and wrong on {loss:,} where that is right."
        )
        each = mine.astype(float) - theirs
    else:
        mine, theirs = (run.y - run.answers) ** 2, (run.y - other) ** 2
        roots = [number(float(np.sqrt(errors.mean()))) for errors in (mine, theirs)]
        facts = (
            f"The usual error (RMSE) is {roots[0]} for the network and {roots[1]} for "
            f"{name}, the linear model."
        )
        each = theirs - mine
    mean = float(np.average(each, weights=run.weight))
    # A handful of rows says nothing about how much the next ones differ.
    chance = np.inf if len(each) < FEWEST else 2 * each.std() / np.sqrt(len(each))
    if mean > chance:
        return [facts, "The network is better, and by more than chance explains."]
    if mean > 0:
        told = (
            "The network is ahead, but by no more than chance could explain with "
            f"{len(each):,} rows: the linear model may serve as well, and is simpler."
        )
        return [facts, told]
    clearly = " clearly" if mean < -chance else ""
    told = (
        f"The network does{clearly} NOT beat the linear model here: prefer that one, "
        "which is simpler, unless more rows or other columns change this."
    )
    return [facts, told]


def in_words(recipe: Recipe, task: str, networks: int) -> list[str]:
    """Return a recipe in plain sentences.

    Parameters
    ----------
    recipe : Recipe
        Of a training.
    task : str
        ``"classes"`` or ``"numbers"``.
    networks : int
        How many networks are trained.

    Returns
    -------
    list of str
    """
    several = len(recipe.hidden) > 1
    layers = "hidden layers" if several else "a hidden layer"
    units = ", ".join(map(str, recipe.hidden))
    if several and len(set(recipe.hidden)) == 1:
        layers, units = f"{len(recipe.hidden)} {layers}", str(recipe.hidden[0])
    each = f"of {units} neurons with {recipe.activation}"
    told = []
    if recipe.members > 1:
        told.append(
            f"One network with {recipe.members} members that share {layers} {each}; "
            "each has inputs and outputs of its own, and their mean is the answer."
        )
    elif networks > 1:
        told.append(
            f"There are few rows, so {networks} networks are trained, each without "
            f"another {_fraction(networks)} of them; their mean is the answer. Each "
            f"has {layers} {each}."
        )
    else:
        told.append(f"One network with {layers} {each}.")
    rate = f"learning rate {recipe.learning_rate:.3g}"
    if recipe.waves:
        rate += f", rising and falling in {recipe.waves} waves"
    told.append(
        f"Adam, {rate}; batches of {recipe.batch_size} rows; dropout "
        f"{percent(recipe.dropout)}; decoupled weight decay {recipe.decay:.3g}."
    )
    ends = "At most " if recipe.patience else ""
    early = (
        f", fewer when {recipe.patience} in a row bring nothing"
        if recipe.patience
        else ""
    )
    each_of = " for each network" if networks > 1 else ""
    told.append(
        f"{ends}{recipe.epochs} epochs{each_of}{early}. After every epoch the loss is "
        "measured on rows held out, and the best epoch is kept."
    )
    if task == "classes" and recipe.members == 1:
        told.append(
            "Then one temperature, taken from the rows held out, makes the "
            "probabilities honest."
        )
    return told


def _fraction(parts: int) -> str:
    return {5: "fifth", 4: "quarter", 3: "third"}.get(parts, f"1/{parts}")
