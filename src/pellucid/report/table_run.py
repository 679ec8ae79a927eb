"""What the report of a table is about: table, trained network, and baselines."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from pellucid.data.table import Table
from pellucid.doctor import Diagnosis
from pellucid.encoder import Encoder
from pellucid.importance import Importance, permutation_importance
from pellucid.network import NeuralNetwork
from pellucid.reliability import Calibration, calibration
from pellucid.tabular import TrainedTable

_EXAMINED = 4096  # rows that the doctor looks at, at most
_SHUFFLED = 2_000  # rows that are shuffled for the importance of a column, at most
_ASKED = 100_000  # and over all columns


@dataclass(frozen=True, eq=False)
class Baseline:
    """A simpler model beside the network, judged by the same rows.

    Parameters
    ----------
    name : str
        What it is, such as ``"logistic regression"``.
    answers : ndarray
        What it says about the rows of the test: probabilities (n, classes), or numbers
        (n,) in the units of the target.
    """

    name: str
    answers: NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class TableRun:
    """A network trained on a table, and what it says about rows it has never seen.

    Parameters
    ----------
    table : Table
        All rows, with the target.
    trained : TrainedTable
        From `pellucid.tabular.train`, which was given `learned` as its rows.
    learned : ndarray of int
        The rows that training had, those included that chose the best epoch.
    test : ndarray of int
        The rows it is judged by.
    baselines : tuple of Baseline
        Simpler models; the best one is what the network is compared with.
    seed : int
        Of the training.
    command : str
        The command line that does all of it again; empty where there was none.
    seconds : float
        How long the training took.
    """

    table: Table
    trained: TrainedTable
    learned: NDArray[np.int64]
    test: NDArray[np.int64]
    baselines: tuple[Baseline, ...] = ()
    seed: int = 0
    command: str = ""
    seconds: float = 0.0

    @property
    def network(self) -> NeuralNetwork:
        """The trained network."""
        return self.trained.network

    @property
    def encoder(self) -> Encoder:
        """How it takes rows."""
        reader = self.network.reader
        assert isinstance(reader, Encoder)
        return reader

    @property
    def classes(self) -> tuple[str, ...]:
        """Names of the classes; empty for numbers."""
        return tuple(map(str, self.table.classes))

    @cached_property
    def tested(self) -> Table:
        """The rows of the test."""
        return self.table.take(self.test)

    @cached_property
    def weight(self) -> NDArray[np.float64]:
        """How much each row of the test counts, shape (n,)."""
        weight = self.tested.weight
        return np.ones(len(self.test)) if weight is None else weight

    @cached_property
    def x(self) -> Any:
        """The rows of the test as the network takes them."""
        return self.encoder.encode(self.tested, unseen="ignore")

    @cached_property
    def y(self) -> NDArray[Any]:
        """Their true classes (indices) or numbers, shape (n,)."""
        assert self.tested.y is not None
        return self.tested.y

    @cached_property
    def probabilities(self) -> NDArray[np.float64]:
        """What probability the network gives each class, shape (n, classes)."""
        return np.asarray(self.network.predict_proba(self.x), dtype=np.float64)

    @cached_property
    def y_hat(self) -> NDArray[Any]:
        """Predicted classes (indices) or numbers in their units, shape (n,)."""
        if self.classes:
            best: NDArray[np.int64] = self.probabilities.argmax(axis=1)
            return best
        return np.asarray(self.network.predict(self.x), dtype=np.float64).reshape(-1)

    @property
    def answers(self) -> NDArray[np.float64]:
        """Probabilities, or numbers: what a `Baseline` has for the same rows."""
        return self.probabilities if self.classes else self.y_hat

    noun: ClassVar[str] = "row"

    @cached_property
    def confusion(self) -> NDArray[np.int64]:
        """How often a class (row) was predicted as which (column)."""
        counts = np.zeros((len(self.classes), len(self.classes)), dtype=np.int64)
        np.add.at(counts, (self.y, self.y_hat), 1)
        return counts

    @cached_property
    def diagnosis(self) -> Diagnosis:
        """What the doctor says about data, network and training."""
        # So many rows, spread evenly, tell as much as all.
        rows = self.learned[:: -(-len(self.learned) // _EXAMINED)]
        x = self.encoder.encode(self.table, rows=rows, unseen="ignore")
        labels = self.table.labels
        return self.network.diagnose(
            x, labels[rows], validation=(self.x, labels[self.test])
        )

    @cached_property
    def importance(self) -> Importance:
        """How much the network needs each column, measured on rows of the test."""
        most = min(_SHUFFLED, _ASKED // max(len(self.encoder.used), 1))
        return permutation_importance(
            self.network, some(self.tested, most), seed=self.seed
        )

    def calibration(self, probabilities: Any) -> Calibration:
        """Return how honest probabilities for the rows of the test are.

        Parameters
        ----------
        probabilities : ndarray, shape (n, classes)
            Such as those of the network.

        Returns
        -------
        Calibration
        """
        # Classes are told apart by their places, and named in words.
        return calibration(
            [self.classes[place] for place in self.y],
            probabilities,
            classes=self.classes,
            sample_weight=self.weight,
        )

    @cached_property
    def honesty(self) -> Calibration:
        """How honest the network's probabilities are."""
        return self.calibration(self.probabilities)


def places(n: int, most: int) -> NDArray[np.int64]:
    """Return places spread evenly over rows.

    Parameters
    ----------
    n : int
        How many rows there are.
    most : int
        How many places at most.

    Returns
    -------
    ndarray of int
    """
    if n <= most:
        return np.arange(n)
    return np.linspace(0, n - 1, max(most, 2)).astype(np.int64)


def some(rows: Table, most: int) -> Table:
    """Return rows spread evenly over a table.

    Parameters
    ----------
    rows : Table
        All of them.
    most : int
        How many at most.

    Returns
    -------
    Table
    """
    return rows if len(rows) <= most else rows.take(places(len(rows), most))
