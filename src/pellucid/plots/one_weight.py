"""One number among all of a network's: ``dense_1.W[0, 2]``."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from pellucid.errors import UnknownNameError, suggestion
from pellucid.layout import Layout
from pellucid.why.address import parts_of, place_in


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
    UnknownNameError
        If it is no address, or there is no such parameter, or no such place in it.

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
    parameter, written = parts_of(name)
    entry = layout.entries.get(parameter)
    if entry is None:
        raise UnknownNameError(
            f"There is no parameter {parameter!r}. "
            f"{suggestion(parameter, layout.entries)}"
        )
    first = f"{parameter}[{', '.join('0' for _ in entry.shape)}]"
    index = place_in(parameter, entry.shape, written, first)
    position = entry.start + int(np.ravel_multi_index(index, entry.shape))
    return OneWeight(parameter, index, position)
