"""What an exported program proves itself with: data, and the losses of a training."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from pellucid.engines.readable import Memory, scale_of
from pellucid.errors import ConfigurationError
from pellucid.layers.dense import whole_number
from pellucid.layers.inputs import Input
from pellucid.optimizers import Adam, Optimizer
from pellucid.rng import Random, make_key

if TYPE_CHECKING:
    from pellucid.network import NeuralNetwork

_ROWS = 4


@dataclass
class Proof:
    """Data, a training on them, and what came out.

    Parameters
    ----------
    optimizer : Optimizer
        The rule.
    x, y : ndarray, or mapping of such for x
        The data.
    epochs : int
        Passes over them.
    batch_size : int or None
        Rows of a batch; all by default.
    losses, rates : list of float
        Loss and learning rate of each iteration.
    key : int
        Key of the random numbers.
    weights : ndarray
        All numbers after the training.
    """

    optimizer: Optimizer
    x: Any
    y: NDArray[Any]
    epochs: int
    batch_size: int | None
    losses: list[float]
    rates: list[float]
    key: int
    weights: NDArray[Any]

    @property
    def size(self) -> int:
        """How many numbers the data are."""
        parts = self.x.values() if isinstance(self.x, dict) else [self.x]
        return int(sum(part.size for part in parts) + self.y.size)


def prove(
    network: "NeuralNetwork",
    *,
    optimizer: Any = None,
    x: Any = None,
    y: Any = None,
    epochs: int = 10,
    batch_size: int | None = None,
) -> Proof:
    """Train a copy of a network with the readable engine, and record it.

    Parameters
    ----------
    network : NeuralNetwork
        Stays as it is.
    optimizer : Optimizer or str, optional
        The rule; that of the last training, or Adam, by default.
    x, y : array_like, optional
        Some data; random ones of four rows by default.
    epochs : int
        Passes over the data, in the order given.
    batch_size : int, optional
        Rows of a batch.

    Returns
    -------
    Proof

    Raises
    ------
    ConfigurationError
        If settings are not what they should be, x comes without y, or the training
        ends in numbers that are not finite.
    """
    rule = rule_of(network, optimizer)
    whole_number("epochs", epochs)
    if batch_size is not None:
        whole_number("batch_size", batch_size)
    if (x is None) != (y is None):
        raise ConfigurationError("Give both x and y, or none of them.")
    if x is None:
        x, y = example(network)
    else:
        data = network.samples(x, y)
        x, y = data.x, data.y
        if isinstance(network.blueprint.inputs, Input):
            whole = network.blueprint.inputs.kind == "integer"
            x = x if whole else x.astype(network.dtype)
    return _trained(network, rule, x, y, epochs, batch_size)


def rule_of(network: "NeuralNetwork", given: Any) -> Optimizer:
    """Return the optimizer that was meant.

    Parameters
    ----------
    network : NeuralNetwork
        Whose last training is asked where nothing was said.
    given : Optimizer, str or None
        What was said.

    Returns
    -------
    Optimizer
        Adam where there is no other.
    """
    if given is not None:
        return Optimizer.of(given)
    last = getattr(network.training, "optimizer", None)
    return last if isinstance(last, Optimizer) else Adam()


def _trained(
    network: "NeuralNetwork",
    rule: Optimizer,
    x: Any,
    y: Any,
    epochs: int,
    batch_size: int | None,
) -> Proof:
    blueprint, layout = network.blueprint, network.blueprint.layout
    weights = network.weights.copy()
    size = layout.parameters.size
    memory = {k: np.zeros(size, network.dtype) for k in rule.memories}
    roles = layout.parameters.entries
    decayed = layout.parameters.mask(
        [k for k in roles if roles[k].slot.role == "weight"]
    )
    trained = ~layout.parameters.mask(network.frozen) if network.frozen else None
    rows, key = batch_size or len(y), make_key(network.seed, "noise", 0)
    starts = range(0, len(y), rows)
    total = epochs * len(starts)
    rates = rule.rates(0, total, total)
    losses = []
    for step in range(total):
        start = starts[step % len(starts)]
        cut = slice(start, start + rows)
        batch = {k: v[cut] for k, v in x.items()} if isinstance(x, dict) else x[cut]
        each = np.ones(len(y[cut]), network.dtype)
        scale = scale_of(blueprint, float(len(each)))
        found = network.engine.backprop(
            weights, batch, y[cut], each, scale, key=key, step=step
        )
        now = Memory(memory)
        with np.errstate(all="ignore"):
            new = rule.update(
                weights[:size],
                found.gradient,
                now,
                step + 1,
                rates[step],
                decayed,
                trained,
            )
        now.keep()
        weights[:size], weights[size:] = new, found.state
        losses.append(found.loss)
        if not np.isfinite(found.loss) or not np.isfinite(weights).all():
            raise ConfigurationError(
                f"The training that the program is to repeat leaves the range of "
                f"numbers at iteration {step + 1}: choose a smaller learning rate, or "
                "fewer epochs."
            )
    return Proof(rule, x, y, epochs, batch_size, losses, rates, key, weights)


def example(network: "NeuralNetwork") -> tuple[Any, NDArray[Any]]:
    """Return a few rows of random data that a network can learn from.

    Parameters
    ----------
    network : NeuralNetwork
        For whose inputs and targets.

    Returns
    -------
    x, y : ndarray, or mapping of such for x
    """
    blueprint = network.blueprint
    random = Random(network.seed, "example")

    def values(name: str, given: Any) -> NDArray[Any]:
        shape = (_ROWS, *given.shape)
        if given.kind == "integer":
            return random.integers(0, blueprint.limits.get(name, 2), shape)
        return random.normal(shape).round(2).astype(network.dtype)

    inputs = blueprint.inputs
    if isinstance(inputs, dict):
        x: Any = {name: values(name, given) for name, given in inputs.items()}
    else:
        x = values("", inputs)
    if blueprint.loss.task == "classes":
        return x, np.arange(_ROWS) % blueprint.answers
    y = random.uniform((_ROWS, *blueprint.target_shape)).round(2)
    y = y.round() if blueprint.loss.task == "labels" else y
    return x, y.astype(network.dtype)
