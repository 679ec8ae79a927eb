"""One number among all of a network's: ``dense_1.W[0, 2]``."""

import re
from dataclasses import dataclass
from typing import Any

import numpy as np

from pellucid.errors import ConfigurationError, UnknownNameError, suggestion
from pellucid.layout import Layout


@dataclass(frozen=True)
class OneWeight:
    """Where one number is.

    Parameters
    ----------
    parameter : str
        Name of the array it is in.
    index : tuple of int
        Its place there.
    position : int
        Its place in the flat vector.
    """

    parameter: str
    index: tuple[int, ...]
    position: int

    @property
    def name(self) -> str:
        """How it is written: ``dense_1.W[0, 2]``."""
        return f"{self.parameter}[{', '.join(map(str, self.index))}]"


def find_weight(layout: Layout, name: Any) -> OneWeight:
    """Return where the number of a name is.

    Parameters
    ----------
    layout : Layout
        The names of all parameters.
    name : str
        Such as ``"dense_1.W[0, 2]"`` or ``"dense_1.b[1]"``.

    Returns
    -------
    OneWeight

    Raises
    ------
    ConfigurationError
        If it is no name of one number.
    UnknownNameError
        If there is no such parameter, or no such place in it.

    Examples
    --------
    >>> import pellucid
    >>> from pellucid.plots.one_weight import find_weight
    >>> net = pellucid.NeuralNetwork(
    ...     [pellucid.Dense(3)], loss="mean_squared_error", input_shape=2
    ... )
    >>> find_weight(net.blueprint.layout.parameters, "dense_1.W[1, 2]").position
    5
    """
    example = _example(layout)
    match = isinstance(name, str) and re.fullmatch(
        r"\s*([\w.]+)\s*\[\s*(-?\d+(?:\s*,\s*-?\d+)*)\s*,?\s*\]\s*", name
    )
    if not match:
        raise ConfigurationError(
            f"Expected the name of one weight, such as {example!r}, got {name!r}."
        )
    parameter, index = match[1], tuple(map(int, match[2].split(",")))
    entry = layout.entries.get(parameter)
    if entry is None:
        raise UnknownNameError(
            f"There is no parameter {parameter!r}. "
            f"{suggestion(parameter, layout.entries)}"
        )
    shape = entry.shape
    if len(index) != len(shape) or not all(
        -n <= i < n for i, n in zip(index, shape, strict=False)
    ):
        raise UnknownNameError(
            f"{parameter!r} has shape {shape}; {name!r} is no place in it. An example "
            f"is {parameter}[{', '.join('0' for _ in shape)}]."
        )
    found = tuple(i % n for i, n in zip(index, shape, strict=True))
    position = entry.start + int(np.ravel_multi_index(found, shape))
    return OneWeight(parameter, found, position)


def _example(layout: Layout) -> str:
    for name, entry in layout.entries.items():
        return f"{name}[{', '.join('0' for _ in entry.shape)}]"
    return "dense_1.W[0, 0]"
