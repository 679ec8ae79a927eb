"""What points become on their way through a network, one stage after the other."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pellucid.errors import ConfigurationError
from pellucid.network import NeuralNetwork


@dataclass(frozen=True, eq=False)
class Stage:
    """What points are at one place of a network.

    Parameters
    ----------
    layer : str
        Path of the layer.
    what : str
        ``"z"`` before the activation, ``"a"`` after it, ``"output"`` of a layer that
        has only one of them.
    made_by : str
        What made it: the name of the activation, or the layer.
    values : ndarray, shape (n, units)
        The points.
    z : ndarray, shape (n, units), or None
        What they were before the activation, if there is one.
    """

    layer: str
    what: str
    made_by: str
    values: NDArray[np.float64]
    z: NDArray[np.float64] | None = None

    @property
    def title(self) -> str:
        """What it is, in a few words."""
        return {"z": "z", "a": f"a = {self.made_by}(z)"}.get(self.what, self.made_by)


def stages(network: NeuralNetwork, x: NDArray[Any]) -> list[Stage]:
    """Return every stage of points on their way: z and a of each layer, in order.

    A layer that changes nothing when predicting, as dropout, is no stage; nor is what a
    layer makes that is no row of numbers for each point.

    Parameters
    ----------
    network : NeuralNetwork
        Through which they go, in prediction mode.
    x : ndarray, shape (n, features)
        The points.

    Returns
    -------
    list of Stage

    Raises
    ------
    ConfigurationError
        If there is none.
    """
    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
        _, memo, shared = network.engine.forward(network.weights, x)
    found: list[Stage] = []
    last: Any = x
    for path, output in shared.outputs.items():
        if np.ndim(output) != 2 or _same(output, last):
            continue
        z = _kept(memo, path).get("z")
        if np.shape(z) != output.shape or _same(z, output):
            z = None
        layer = network.blueprint.layers[path]
        values = output.astype(np.float64)
        if z is not None:
            before = z.astype(np.float64)
            if not _same(z, last):
                found.append(Stage(path, "z", "", before))
            found.append(Stage(path, "a", _label(layer), values, before))
        elif hasattr(layer, "activation"):
            found.append(Stage(path, "z", "", values))
        else:
            found.append(Stage(path, "output", _label(layer), values))
        last = output
    if not found:
        raise ConfigurationError(
            "No layer of the network makes a row of numbers for each sample."
        )
    return found


def _same(first: Any, second: Any) -> bool:
    return first is second or np.array_equal(first, second, equal_nan=True)


def _kept(memo: Any, path: str) -> Any:
    """Return what the layer at a path kept, by name."""
    for name in path.split("."):
        memo = memo[name]
    return memo.values


def _label(layer: Any) -> str:
    """Return the name of a layer's activation, of the layer itself without one."""
    activation = getattr(layer, "activation", layer)
    # The last activation may be joined to the loss.
    label: str = getattr(activation, "of_activation", activation).label
    return label
