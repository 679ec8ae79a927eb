"""What a report is about: a trained network and the data it is judged by."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pellucid.data.dataset import Dataset
from pellucid.data.image_folder import Images
from pellucid.data.standardizer import Standardizer
from pellucid.doctor import Diagnosis
from pellucid.network import NeuralNetwork
from pellucid.training.history import History


@dataclass(frozen=True, eq=False)
class Result:
    """A trained network, its data, and what it says about rows it has never seen.

    Parameters
    ----------
    dataset : Dataset or Images
        All rows, in their own units.
    network : NeuralNetwork
        Trained. Where there are classes it knows them by the names in `dataset`.
    history : History
        The course of its training.
    train, validation, test : ndarray of int
        The rows it learns from, those that decide which epoch is kept, and those it is
        judged by. Without rows for a test it is judged by those it learned from.
    inputs, targets : Standardizer or None
        What the network's inputs and its targets were brought to mean 0 with.
    first_weights : ndarray, shape (network.weights.size,)
        All numbers of the network before training.
    """

    dataset: Dataset | Images
    network: NeuralNetwork
    history: History
    train: NDArray[np.int64]
    validation: NDArray[np.int64]
    test: NDArray[np.int64]
    inputs: Standardizer | None
    targets: Standardizer | None
    first_weights: NDArray[Any]

    @property
    def table(self) -> Dataset:
        """The data where they are a table."""
        assert isinstance(self.dataset, Dataset)
        return self.dataset

    @property
    def images(self) -> Images:
        """The data where they are a folder of images."""
        assert isinstance(self.dataset, Images)
        return self.dataset

    @property
    def noun(self) -> str:
        """What an example is called."""
        return "image" if isinstance(self.dataset, Images) else "row"

    @property
    def classes(self) -> tuple[str, ...]:
        """Names of the classes; empty for numbers."""
        return self.dataset.classes

    @property
    def rows(self) -> NDArray[np.int64]:
        """The rows the network is judged by."""
        return self.test if len(self.test) else self.train

    @property
    def known(self) -> NDArray[np.int64]:
        """The rows that are not for the test."""
        return np.concatenate([self.train, self.validation])

    def prepare(self, x: Any) -> NDArray[Any]:
        """Return rows as the network takes them.

        Parameters
        ----------
        x : ndarray, shape (n, features)
            In the units of the data.

        Returns
        -------
        ndarray, shape (n, features)
        """
        return np.asarray(x) if self.inputs is None else self.inputs.transform(x)

    def answer(self, x: Any) -> NDArray[np.float64]:
        """Return the network's numbers for rows, in the units of the target.

        Parameters
        ----------
        x : ndarray, shape (n, features)
            In the units of the data.

        Returns
        -------
        ndarray, shape (n,)
        """
        y_hat = np.asarray(self.network.predict(self.prepare(x)), dtype=np.float64)
        y_hat = y_hat.reshape(len(y_hat))
        return y_hat if self.targets is None else self.targets.inverse(y_hat)

    @cached_property
    def x(self) -> NDArray[Any]:
        """The rows of the test, in their own units; shape (n, ...)."""
        return self.dataset.x[self.rows]

    @cached_property
    def y(self) -> NDArray[Any]:
        """Their true classes (indices) or numbers, shape (n,)."""
        return self.dataset.y[self.rows].reshape(len(self.rows))

    @cached_property
    def probabilities(self) -> NDArray[np.float64]:
        """What probability the network gives each class, shape (n, classes)."""
        p = self.network.predict_proba(self.prepare(self.x))
        return np.asarray(p, dtype=np.float64)

    @cached_property
    def y_hat(self) -> NDArray[Any]:
        """Predicted classes (indices) or numbers, shape (n,)."""
        return (
            self.probabilities.argmax(axis=1) if self.classes else self.answer(self.x)
        )

    def _taught(self, rows: NDArray[np.int64]) -> tuple[NDArray[Any], NDArray[Any]]:
        """Return inputs and targets of some rows as training took them."""
        x, y = self.prepare(self.dataset.x[rows]), self.dataset.y[rows]
        if self.classes and self.network.classes is not None:
            return x, self.network.classes[y]
        return x, y if self.targets is None else self.targets.transform(y)

    @cached_property
    def diagnosis(self) -> Diagnosis:
        """What the doctor says about data, network and training."""
        held = self._taught(self.validation) if len(self.validation) else None
        return self.network.diagnose(*self._taught(self.train), validation=held)

    @cached_property
    def confusion(self) -> NDArray[np.int64]:
        """How often a class (row) was predicted as which (column)."""
        counts = np.zeros((len(self.classes), len(self.classes)), dtype=np.int64)
        np.add.at(counts, (self.y, self.y_hat), 1)
        return counts

    @property
    def right(self) -> int:
        """How many rows of the test have the right class."""
        return int(np.count_nonzero(self.y == self.y_hat))
