"""The demonstrations: real and generated data, one recipe, and what they write.

The recipe, the same for all data with a test: 25 % of the rows, with the same share of
every class, are the test. Columns are standardized, and numbers to predict too. Two
hidden layers of 128 neurons, each with ReLU, batch normalization and 40 % dropout, are
trained for 200 epochs with the settings that `fit` has anyway (Adam with a rate of
0.001, batches of 32 rows). 20 % of the remaining rows are for validation, and the epoch
with their lowest loss is kept.

The truth table is learned as in the tutorials: 3-4-1, sigmoid, no biases, the sum of
squared errors, 1,500 iterations of gradient descent with a learning rate of 1.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pellucid import results
from pellucid._version import __version__
from pellucid.data import Dataset, Standardizer, load, names, split_indices
from pellucid.errors import ConfigurationError, suggestion
from pellucid.layer import Layer
from pellucid.layers import BatchNorm, Dense, Dropout
from pellucid.network import NeuralNetwork
from pellucid.optimizers import Adam, GradientDescent, Optimizer
from pellucid.report import Result, story
from pellucid.training import Callback, History

EPOCHS = 200
ITERATIONS = 1500  # of the truth table
TEST, VALIDATION = 0.25, 0.2
BATCH = 32
ROWS = 1000  # of generated data

_GENERATED = (
    "moons",
    "circles",
    "rings",
    "spirals",
    "blobs",
    "checkerboard",
    "sine",
    "friedman1",
)
WRITTEN_BY = "pellucid demo"


def demo_names() -> tuple[str, ...]:
    """Return the names of the demonstrations.

    The name xor stands for the tutorials' truth table.
    """
    return tuple(name for name in names() if name != "truth_table")


def demo_data(name: str, seed: int = 0) -> Dataset:
    """Return the data of a demonstration.

    Parameters
    ----------
    name : str
        One of `demo_names`.
    seed : int
        Of generated data.

    Returns
    -------
    Dataset

    Raises
    ------
    ConfigurationError
        If there is no such demonstration.
    """
    if name not in demo_names():
        raise ConfigurationError(
            f"there is no demo of the name {name!r}. {suggestion(name, demo_names())}"
        )
    if name == "xor":
        return load("truth_table")
    return load(name, n=ROWS, seed=seed) if name in _GENERATED else load(name)


def recipe(outputs: int) -> list[Layer | str]:
    """Return the layers of every network but that of the truth table.

    Parameters
    ----------
    outputs : int
        Number of classes, or 1 for numbers.

    Returns
    -------
    list of Layer
    """
    hidden = [Dense(128, "relu"), BatchNorm(), Dropout(0.4)]
    return [*hidden, *hidden, Dense(outputs)]


class Demo:
    """A demonstration: its data and network, ready to be trained.

    Parameters
    ----------
    name : str
        One of `demo_names`.
    seed : int
        Of all random numbers.
    epochs : int, optional
        How often to pass over the data.

    Attributes
    ----------
    dataset : Dataset
        All rows.
    network : NeuralNetwork
        Before or after training.
    epochs : int
        How often training passes over the data.
    """

    def __init__(self, name: str, *, seed: int = 0, epochs: int | None = None) -> None:
        self.dataset = demo_data(name, seed)
        self.inputs: Standardizer | None = None
        self.targets: Standardizer | None = None
        every = np.arange(len(self.dataset))
        self.validation = self.test = every[:0]
        if name == "xor":
            self.train, self.network = every, tutorial_network(seed)
        else:
            known, self.test = self._split(every, TEST, seed)
            self.train, self.validation = self._split(known, VALIDATION, seed)
            self.inputs = Standardizer.fit(self.dataset.x[known])
            if not self.dataset.classes:
                self.targets = Standardizer.fit(self.dataset.y[known])
            self.network = self._network(seed)
        self.optimizer: Optimizer = GradientDescent(1.0) if name == "xor" else Adam()
        self.epochs = epochs or (ITERATIONS if name == "xor" else EPOCHS)
        self.first_weights = self.network.weights.copy()

    def _split(
        self, rows: NDArray[np.int64], share: float, seed: int
    ) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Divide rows in two, with the same share of every class."""
        basis: Any = self.dataset.y[rows] if self.dataset.classes else len(rows)
        first, second = split_indices(basis, share, seed=seed)
        return rows[first], rows[second]

    def _network(self, seed: int) -> NeuralNetwork:
        classes = self.dataset.classes
        network = NeuralNetwork(
            recipe(len(classes) or 1),
            loss="cross_entropy" if classes else "mean_squared_error",
            input_shape=len(self.dataset.features),
            seed=seed,
        )
        if classes:
            network.classes = classes
        return network

    def plan(self) -> str:
        """Return in words what the training will do."""
        return story.plan(
            len(self.train),
            min(BATCH, len(self.train)),
            self.network.loss,
            self.optimizer,
            validated=len(self.validation) > 0,
        )

    def fit(self, callbacks: Sequence[Callback] = ()) -> History:
        """Train the network.

        Parameters
        ----------
        callbacks : sequence of Callback
            What else happens.

        Returns
        -------
        History
        """
        settings: dict[str, Any] = {
            "epochs": self.epochs,
            "batch_size": BATCH,
            "optimizer": self.optimizer,
            "callbacks": callbacks,
            "progress": False,
        }
        if not len(self.test):
            return self.network.fit(self.dataset.x, self.dataset.y, **settings)
        return self.network.fit(
            *self._prepared(self.train),
            validation=self._prepared(self.validation),
            metrics=["accuracy" if self.targets is None else "rmse"],
            **settings,
        )

    def _prepared(self, rows: NDArray[np.int64]) -> tuple[NDArray[Any], NDArray[Any]]:
        """Return inputs and targets of some rows as the network takes them."""
        assert self.inputs is not None
        x, y = self.inputs.transform(self.dataset.x[rows]), self.dataset.y[rows]
        if self.targets is None:
            return x, np.array(self.dataset.classes)[y]
        return x, self.targets.transform(y)

    def result(self) -> Result:
        """Return the network, before or after training, with all its data."""
        return Result(
            self.dataset,
            self.network,
            self.network.history or History(),
            self.train,
            self.validation,
            self.test,
            self.inputs,
            self.targets,
            self.first_weights,
        )


def tutorial_network(seed: int = 0) -> NeuralNetwork:
    """Return the tutorials' network for the truth table, before training.

    Parameters
    ----------
    seed : int
        Of its first weights.

    Returns
    -------
    NeuralNetwork
    """
    network = NeuralNetwork(
        [Dense(4, "sigmoid", bias=False), Dense(1, "sigmoid", bias=False)],
        loss="sum_of_squares",
        input_shape=3,
        seed=seed,
        dtype="float64",
    )
    random = np.random.RandomState(seed)  # the generator that the tutorials use
    for window in network.parameters.values():
        window[...] = random.rand(*window.shape)
    return network


def write(result: Result, folder: Path) -> None:
    """Write model, settings, history and report, see `pellucid.results.write`.

    Parameters
    ----------
    result : Result
        Of the demonstration.
    folder : Path
        Exists. Earlier results in it are replaced.

    Raises
    ------
    ModelFileError
        If a file cannot be written.
    """
    results.write(result, folder, _settings(result))


def _settings(result: Result) -> dict[str, Any]:
    dataset = result.dataset
    settings: dict[str, Any] = {
        "written by": WRITTEN_BY,
        "pellucid": __version__,
        "data": dataset.name,
        "seed": result.network.seed,
        "epochs": result.history.epochs,
        "columns": result.table.features,
        "classes": dataset.classes,
        "target": dataset.target,
    }
    if result.inputs is not None:
        settings["mean"] = result.inputs.mean.tolist()
        settings["scale"] = result.inputs.scale.tolist()
    if result.targets is not None:
        settings["target_mean"] = result.targets.mean.item()
        settings["target_scale"] = result.targets.scale.item()
    return settings
