"""Targets that are numbers: standardized for training, and back in their units."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from pellucid.errors import ConfigurationError
from pellucid.part import Part


class Target(Part, abstract=True):
    """What is predicted. A new one needs `to_network` and `to_units`.

    Parameters
    ----------
    name : str
        Name of the column.
    """

    name: str

    def to_network(self, y: NDArray[Any]) -> NDArray[Any]:
        """Return targets `y` as the network learns them."""
        return y

    def to_units(self, y: NDArray[Any]) -> NDArray[Any]:
        """Return the network's numbers `y` in the units of the table."""
        return y

    @property
    def said(self) -> str:
        """The settings in words."""
        raise NotImplementedError


class Classes(Target):
    """One of several classes, which the network keeps as `NeuralNetwork.classes`.

    Parameters
    ----------
    name : str
        Name of the column.
    classes : tuple
        Texts or whole numbers, in the order of the network's outputs.
    """

    name: str
    classes: Any

    @property
    def said(self) -> str:
        return f"{len(self.classes)} classes: {', '.join(map(str, self.classes[:8]))}"


class Standardized(Target):
    """``t = (y - mean) / scale``, and back: ``y = t scale + mean``.

    Parameters
    ----------
    name : str
        Name of the column.
    mean, scale : float
        Mean and standard deviation of the training rows.
    low, high : float
        The smallest and the largest of the training rows.
    clamp : bool
        Whether predictions are kept between `low` and `high`.
    """

    name: str
    mean: float = 0.0
    scale: float = 1.0
    low: float = 0.0
    high: float = 0.0
    clamp: bool = False

    def check(self) -> None:
        if not self.scale > 0:
            raise ConfigurationError(
                f"The scale of a target must be above 0, got {self.scale!r}."
            )

    def to_network(self, y: NDArray[Any]) -> NDArray[Any]:
        return (y.astype(np.float64) - self.mean) / self.scale

    def to_units(self, y: NDArray[Any]) -> NDArray[Any]:
        found = y.astype(np.float64) * self.scale + self.mean
        return np.clip(found, self.low, self.high) if self.clamp else found

    @property
    def said(self) -> str:
        clamp = f", kept in {self.low:.6g} to {self.high:.6g}" * self.clamp
        return f"mean {self.mean:.6g}, standard deviation {self.scale:.6g}{clamp}"
