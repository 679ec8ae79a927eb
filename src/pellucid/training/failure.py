"""What to say when a number is not finite: which, where, and what to do."""

from typing import Any

import numpy as np

from pellucid.engines.readable import Backprop, Outcome
from pellucid.layer import Memo


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


def _overflows(value: Any) -> bool:
    return isinstance(value, np.ndarray) and not np.isfinite(value).all()


def _first_kept(memo: Memo, path: str) -> str:
    """Return the name of the first of a memo's values that is not finite."""
    for name, child in memo.children.items():
        found = _first_kept(child, f"{path}{name}.")
        if found:
            return found
    bad = (f"{path}{name}" for name, v in memo.values.items() if _overflows(v))
    return next(bad, "")
