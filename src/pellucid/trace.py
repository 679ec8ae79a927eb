"""Recording one iteration: what is computed, run operation by operation.

Nothing in the network changes. What comes out is a `Step`, which keeps the value of
every operation.
"""

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from pellucid import arrays, tracing
from pellucid.errors import ConfigurationError
from pellucid.layers.containers import Chain
from pellucid.optimizers import Optimizer
from pellucid.rng import make_key
from pellucid.samples import Samples
from pellucid.step import LayerStep, Position, Step

if TYPE_CHECKING:
    from pellucid.network import NeuralNetwork

__all__ = ["LayerStep", "Position", "Step", "position", "trace", "trace_step"]


def trace(
    network: "NeuralNetwork",
    x: Any,
    y: Any,
    *,
    sample_weight: Any = None,
    optimizer: Any = None,
    learning_rate: float | None = None,
) -> Step:
    """Record one iteration; see `NeuralNetwork.trace`.

    Parameters
    ----------
    network : NeuralNetwork
        It stays as it is.
    x, y, sample_weight, optimizer, learning_rate
        As in `NeuralNetwork.trace`.

    Returns
    -------
    Step
    """
    data = network.samples(x, y, several=False)
    if sample_weight is not None:
        data.weight = arrays.as_weights(sample_weight, len(data.y), network.dtype)
    data = data.take(np.arange(len(data.y)))  # a copy, whatever becomes of x
    before = position(network, optimizer)
    if learning_rate is not None:
        before = replace(before, rate=_as_rate(learning_rate))
    return trace_step(network, data, before)


def position(network: "NeuralNetwork", optimizer: Any = None) -> Position:
    """Return where the next iteration of a network's training starts.

    Parameters
    ----------
    network : NeuralNetwork
        Trained or not.
    optimizer : Optimizer or str, optional
        A rule that starts afresh; that of the last training, with what it remembers, by
        default, or Adam where there is none.

    Returns
    -------
    Position
    """
    training, weights = network.training, network.weights.copy()
    size = network.blueprint.layout.parameters.size
    key = make_key(network.seed, "noise", training.run if training else 0)
    noise = training.step if training else 0
    rule = None if optimizer is None else Optimizer.of(optimizer)
    known = training.optimizer if training and training.resumable else None
    if training and isinstance(known, Optimizer) and rule in (None, known):
        memory = {name: vector.copy() for name, vector in training.memory.items()}
        if "average" in memory and noise:
            # Between iterations the network has the average, and the memory the rest.
            memory["average"], weights[:size] = weights[:size].copy(), memory["average"]
        iteration, total, rule = noise, max(training.total, noise + 1), known
    else:
        rule = rule or Optimizer.of("adam")
        memory = {name: np.zeros(size, network.dtype) for name in rule.memories}
        if "average" in memory:
            memory["average"] = weights[:size].copy()
        iteration, total = 0, 1
    rate = rule.rate(iteration, total)
    return Position(weights, rule, memory, iteration, rate, key, noise)


def trace_step(network: "NeuralNetwork", data: Samples, before: Position) -> Step:
    """Record one iteration from a given position; the network stays as it is.

    Parameters
    ----------
    network : NeuralNetwork
        Gives layers, loss, dtype and what is frozen; its own weights do not matter.
    data : Samples
        The batch, as `NeuralNetwork.samples` gives it.
    before : Position
        Weights, optimizer, memory, iteration, rate and random numbers.

    Returns
    -------
    Step
    """
    blueprint, trained = network.blueprint, network.trained_mask()
    program = tracing.recording(blueprint)
    update_program = tracing.update(blueprint, before.optimizer, bool(network.frozen))
    decayed = blueprint.layout.parameters.mask(lambda name, slot: slot.role == "weight")
    return Step(
        blueprint,
        network.dtype,
        data,
        before,
        program,
        update_program,
        decayed,
        trained,
        replace(blueprint, root=Chain(network.layers)).layers,
        network.classes,
    )


def _as_rate(given: Any) -> float:
    number = isinstance(given, int | float) and not isinstance(given, bool)
    if not number or not 0 < given < float("inf"):
        raise ConfigurationError(f"Expected a learning rate > 0, got {given!r}.")
    return float(given)
