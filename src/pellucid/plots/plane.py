"""The plane of two inputs, the others held still, and the data in it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pellucid.arrays import as_inputs, column_names
from pellucid.data.dataset import Dataset
from pellucid.errors import ConfigurationError, DataError, ShapeError, suggestion
from pellucid.layers.inputs import Input
from pellucid.network import NeuralNetwork
from pellucid.plots.data_scatter import Targets, as_targets

_MARGIN = 0.08  # around the data, as a share of their range


@dataclass(frozen=True, eq=False)
class Plane:
    """Two inputs of a network that vary while the others stay at their medians.

    Parameters
    ----------
    x : ndarray, shape (n, features)
        The data as the network takes them.
    targets : Targets
        What the data are told apart by.
    columns : tuple of int
        Which two inputs vary.
    names : list of str
        Names of all inputs.
    """

    x: NDArray[Any]
    targets: Targets
    columns: tuple[int, int]
    names: list[str]

    @property
    def labels(self) -> tuple[str, str]:
        """Names of the two inputs."""
        return self.names[self.columns[0]], self.names[self.columns[1]]

    @property
    def told(self) -> str:
        """What the other inputs are, in words; empty where there are none."""
        others = self.x.shape[1] - 2
        if not others:
            return ""
        what = "other input" if others == 1 else f"{others} other inputs"
        return f"{self.labels[0]} and {self.labels[1]} vary, the {what} at the median"

    @property
    def data(self) -> NDArray[np.float64]:
        """The data in the plane, shape (n, 2)."""
        found: NDArray[np.float64] = self.x[:, list(self.columns)].astype(np.float64)
        return found

    @property
    def extent(self) -> tuple[float, float, float, float]:
        """Left, right, bottom and top: of the data and a little more."""
        low, high = self.data.min(axis=0), self.data.max(axis=0)
        margin = np.where(high > low, _MARGIN * (high - low), 1.0)
        (left, bottom), (right, top) = low - margin, high + margin
        return float(left), float(right), float(bottom), float(top)

    def inputs(self, points: NDArray[Any]) -> NDArray[Any]:
        """Return inputs of the network for points of the plane.

        Parameters
        ----------
        points : ndarray, shape (m, 2)
            Values of the two inputs.

        Returns
        -------
        ndarray, shape (m, features)
        """
        rows = np.tile(np.median(self.x, axis=0), (len(points), 1))
        rows[:, list(self.columns)] = points
        return rows.astype(self.x.dtype)

    def grid(self, resolution: int) -> NDArray[np.float64]:
        """Return the points of a grid over the plane, row by row from the bottom.

        Parameters
        ----------
        resolution : int
            Points along each side.

        Returns
        -------
        ndarray, shape (resolution**2, 2)
        """
        left, right, bottom, top = self.extent
        across, up = np.meshgrid(
            np.linspace(left, right, resolution), np.linspace(bottom, top, resolution)
        )
        return np.stack([across.ravel(), up.ravel()], axis=1)


def plane_of(network: Any, x: Any, y: Any, features: Any) -> Plane:
    """Return the plane of two inputs of a network.

    Parameters
    ----------
    network : NeuralNetwork
        With an input of shape (n, features).
    x : array_like, shape (n, features), or Dataset
        The data.
    y : array_like, optional
        Their targets; of a `Dataset` its own by default.
    features : sequence of two int or str, optional
        Which inputs vary, by name or number; the first two by default.

    Returns
    -------
    Plane

    Raises
    ------
    ConfigurationError
        If it is no network, or there are no such inputs.
    ShapeError
        If the network does not take at least two numbers, or x does not fit it.
    DataError
        If x has no rows or only one.
    """
    if not isinstance(network, NeuralNetwork):
        raise ConfigurationError(
            f"Expected a NeuralNetwork, got {type(network).__name__}."
        )
    inputs = network.blueprint.inputs
    if not isinstance(inputs, Input) or len(inputs.shape) != 1 or inputs.shape[0] < 2:
        shape = inputs.shape if isinstance(inputs, Input) else sorted(inputs)
        raise ShapeError(
            f"The network takes {shape}; a picture over the plane needs at least two "
            "inputs in one array, (n, 2) or more."
        )
    if inputs.kind != "number":
        raise ShapeError(
            "The network takes whole numbers that stand for choices, and between two "
            "choices there is nothing: a picture over the plane needs numbers."
        )
    values = x.x if isinstance(x, Dataset) else x
    rows, n, single = as_inputs(values, inputs, network.dtype)
    if single or n < 2:
        raise DataError(
            "x has fewer than two rows: the picture takes its range from the data."
        )
    names = list(x.features) if isinstance(x, Dataset) else column_names(x)
    names = names or [f"x{index}" for index in range(inputs.shape[0])]
    return Plane(rows, as_targets(x, y, n), _columns(features, names), names)


def _columns(features: Any, names: list[str]) -> tuple[int, int]:
    """Return the numbers of the two inputs that vary."""
    if features is None:
        return 0, 1
    if isinstance(features, str) or not isinstance(features, Sequence):
        raise ConfigurationError(
            f"Expected two inputs as features, got {features!r}: write "
            f"({names[0]!r}, {names[1]!r})."
        )
    found = []
    for feature in features:
        if feature in names:
            found.append(names.index(feature))
        elif type(feature) is int and -len(names) <= feature < len(names):
            found.append(feature % len(names))
        else:
            raise ConfigurationError(
                f"There is no input {feature!r}. {suggestion(feature, names)}"
            )
    if len(found) != 2 or found[0] == found[1]:
        raise ConfigurationError(
            f"Expected two different inputs as features, got {features!r}."
        )
    return found[0], found[1]
