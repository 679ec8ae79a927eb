"""What to say when a number is not finite: which, where, and what to do."""

from typing import TYPE_CHECKING, Any

import numpy as np

from pellucid.engines.readable import Backprop, Outcome
from pellucid.layer import Memo
from pellucid.optimizers import GradientDescent, Optimizer
from pellucid.samples import Samples

if TYPE_CHECKING:
    from pellucid.blueprint import Blueprint
    from pellucid.doctor import Finding
    from pellucid.network import NeuralNetwork


def first_not_finite(found: Backprop, outcome: Outcome) -> str:
    """Return in words which quantity of which layer was the first that is not finite.

    Parameters
    ----------
    found : Backprop
        The pass in which it happened.
    outcome : Outcome
        What the engine saw.

    Returns
    -------
    str
    """
    forward = _first_kept(found.memo, "")
    if forward == "losses":
        last = list(found.shared.outputs)[-1]
        return f"the outputs of {last} are finite, but too large for the loss"
    if forward:
        return f"the first such number is in {forward}, on the way forward"
    if outcome.where:
        return f"forward and backward are finite, but {outcome.where} overflowed"
    gradients = found.gradients.items()
    for path, delta in found.shared.deltas.items():  # from the last layer to the first
        if _overflows(delta):
            return f"the first such number is in the gradient behind layer {path}"
        for name, gradient in gradients:
            if name.rpartition(".")[0] == path and _overflows(gradient):
                return f"the first such number is in the gradient of {name}"
    return "every number before it is finite, but their sum overflowed"


def cause(
    network: "NeuralNetwork",
    blueprint: "Blueprint",
    data: Samples,
    key: int,
    rate: float,
    decayed: Any,
    when: str,
) -> "Finding | None":
    """Return a finding about the operation that made the first such number.

    Parameters
    ----------
    network : NeuralNetwork
        Its weights and the state of its training are those before the update that was
        not made.
    blueprint : Blueprint
        What was computed; the loss may be another one than the network's.
    data : Samples
        The batch.
    key : int
        Key of the random numbers.
    rate : float
        The learning rate.
    decayed : ndarray of bool, shape (parameters,)
        Where decay applies.
    when : str
        In which iteration, in words.

    Returns
    -------
    Finding or None
        None where layers cannot be written down, or where a sum of the compiled engine
        overflowed that NumPy adds up in another order.
    """
    from pellucid.doctor.first_cause import failure
    from pellucid.step import Position, Step
    from pellucid.tracing import recording, update

    training = network.training
    assert training is not None
    known, trained = training.optimizer, network.trained_mask()
    # A minimizer has no formula for its update; any other will do for the rest.
    rule = known if isinstance(known, Optimizer) else GradientDescent()
    memory = {name: vector.copy() for name, vector in training.memory.items()}
    memory = memory if rule is known else {}
    weights = network.weights.copy()
    before = Position(weights, rule, memory, training.step, rate, key, training.step)

    def step() -> Step:
        return Step(
            blueprint,
            network.dtype,
            data,
            before,
            recording(blueprint),
            update(blueprint, rule, trained is not None),
            decayed,
            trained,
            blueprint.layers,
            network.classes,
        )

    return failure(network, step, when, training.history.iterations)


def _overflows(value: Any) -> bool:
    return isinstance(value, np.ndarray) and not np.isfinite(value).all()


def _first_kept(memo: Memo, path: str) -> str:
    """Return the name of the first of a memo's values that is not finite."""
    for name, child in memo.children.items():
        found = _first_kept(child, f"{path}{name}.")
        if found:
            return found
    kept = memo.values
    ahead = {n: v for n, v in kept.items() if n[:1] != "d" or n[1:] not in kept}
    bad = (f"{path}{name}" for name, value in ahead.items() if _overflows(value))
    return next(bad, "")  # "dz" beside "z" is of the way back
