"""What a diagram of a network shows: its weights, their gradients, or their update."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pellucid.blueprint import Blueprint
from pellucid.encoder import Encoder
from pellucid.errors import ConfigurationError, suggestion
from pellucid.layer import Layer, layer_names
from pellucid.layout import Windows
from pellucid.network import NeuralNetwork
from pellucid.plots.moment import moment_of_network, moment_of_step
from pellucid.plots.palette import GRADIENT
from pellucid.trace import Step

# Neither hue is on the scale of values; the heading says in words which it is.
_FRAMES = {"value": "", "gradient": GRADIENT[False], "update": "#00735c"}


@dataclass(frozen=True, eq=False)
class Lens:
    """What is drawn, and which of its numbers.

    Parameters
    ----------
    blueprint : Blueprint
        What the network computes.
    layers : tuple of Layer
        As the user wrote them.
    classes : ndarray or None
        The classes in the order of the outputs.
    numbers : Windows
        A number for every parameter, by name.
    kind : str
        ``"value"``, ``"gradient"`` or ``"update"``.
    heading : str
        What stands above the picture; "" for a network without a step.
    weights : ndarray, shape (parameters,)
        The weights themselves, to compare with.
    names : tuple of str
        What the numbers of the input are called, where an encoder makes them.
    """

    blueprint: Blueprint
    layers: tuple[Layer, ...]
    classes: NDArray[Any] | None
    numbers: Windows
    kind: str
    heading: str
    weights: NDArray[Any]
    names: tuple[str, ...] = ()

    @property
    def of_weight(self) -> str:
        """What a line shows."""
        return {"value": "weight", "gradient": "dL/dW"}.get(self.kind, "change")

    @property
    def of_bias(self) -> str:
        """What a circle shows."""
        return {"value": "bias", "gradient": "dL/db"}.get(self.kind, "of bias")

    @property
    def suffix(self) -> str:
        """What the address of such a number ends in."""
        return {"gradient": ".grad", "update": ".update"}.get(self.kind, "")

    @property
    def frame(self) -> str:
        """Colour of the frame around the picture; "" for none."""
        return _FRAMES[self.kind]

    @property
    def notes(self) -> tuple[str, ...]:
        """What has to be known to read the picture; empty for the weights."""
        return {
            "gradient": (
                "read from right to left: from the loss back to the input",
                "below a layer: length of its gradient, in % of its weights",
            ),
            "update": (
                "what this update adds to each weight and bias",
                "below a layer: length of its update, in % of its weights",
            ),
        }.get(self.kind, ())

    def share(self, path: str) -> str:
        """Return how long the layer's numbers are beside its weights, in words.

        Parameters
        ----------
        path : str
            The layer.

        Returns
        -------
        str
            Empty for the weights themselves, and where there are none.
        """
        if self.kind == "value":
            return ""
        layout = self.blueprint.layout.parameters
        own = layout.mask(lambda name, _: name.rpartition(".")[0] == path)
        ours = self.numbers.vector[: layout.size][own].astype(np.float64)
        length = float(np.linalg.norm(self.weights[own].astype(np.float64)))
        if not own.any() or length == 0:
            return ""
        share = 100 * float(np.linalg.norm(ours)) / length
        return f"{share:.2g} %"


def lens_of_network(network: Any) -> Lens:
    """Return the plain picture of a network: its weights, without a heading.

    Parameters
    ----------
    network : NeuralNetwork
        What to draw.

    Returns
    -------
    Lens

    Raises
    ------
    ConfigurationError
        If it is no network.
    """
    if not isinstance(network, NeuralNetwork):
        raise ConfigurationError(
            f"Expected a NeuralNetwork, got {type(network).__name__}."
        )
    numbers = network.parameters
    return Lens(
        network.blueprint,
        network.layers,
        network.classes,
        numbers,
        "value",
        "",
        numbers.vector,
        network.reader.names if isinstance(network.reader, Encoder) else (),
    )


def lens_of(subject: Any, kind: str) -> Lens:
    """Return what to draw of a network or a step.

    Parameters
    ----------
    subject : NeuralNetwork or Step
        What to draw.
    kind : "value", "gradient" or "update"
        Which of its numbers.

    Returns
    -------
    Lens

    Raises
    ------
    ConfigurationError
        If there is no such lens, or a network is to show what only a step has.
    """
    if kind not in _FRAMES:
        raise ConfigurationError(
            f"There is no lens {kind!r}. {suggestion(kind, _FRAMES)}"
        )
    if isinstance(subject, NeuralNetwork):
        if kind != "value":
            raise ConfigurationError(
                f"A network has no {kind} by itself; an iteration has: give "
                "net.trace(x, y)."
            )
        found = lens_of_network(subject)
        heading = f"Weights and biases: {moment_of_network(subject)}"
        return Lens(**vars(found) | {"heading": heading})
    if not isinstance(subject, Step):
        raise ConfigurationError(
            f"Expected a NeuralNetwork or a step, got {type(subject).__name__}."
        )
    numbers, heading = {
        "value": (subject.weights, "Weights and biases: "),
        "gradient": (subject.gradients, "Gradient of the loss: "),
        "update": (subject.update, "Update of the weights: "),
    }[kind]
    heading += moment_of_step(subject, updated=kind == "update")
    return Lens(
        subject.blueprint,
        tuple(subject.layers[name].layer for name in _outermost(subject)),
        subject.classes,
        numbers,
        kind,
        heading,
        subject.weights.vector[: subject.layout.parameters.size],
    )


def _outermost(step: Step) -> tuple[str, ...]:
    """Return the names of the layers that are in no other."""
    return layer_names(step.blueprint.root.inner)
