"""Optimizers: downhill, in place nowhere, and the Program beside the formula."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pellucid import tracing
from pellucid.engines.readable import Memory
from pellucid.layers.dense import Dense
from pellucid.network import NeuralNetwork
from pellucid.optimizers import Optimizer
from pellucid.program import Program
from pellucid.rng import Random
from pellucid.testing.arrays import check_agreement, locked, same_bits
from pellucid.testing.parts import check_part, expecting


def check_optimizer(optimizer: Optimizer, *, steps: int = 20, seed: int = 0) -> None:
    """Check an optimizer.

    The first step goes downhill; weights stay finite without any slope; frozen weights
    keep their bits; weights and gradients are not changed in place; dtypes are kept,
    float32 agrees with float64; and the update can be written down with the same
    numbers in every bit, step after step.

    Parameters
    ----------
    optimizer : Optimizer
        With any settings.
    steps : int
        Number of updates to make.
    seed : int
        Seed of the numbers that are tried.

    Raises
    ------
    AssertionError
        If a promise is broken.

    Examples
    --------
    >>> from pellucid.optimizers import Adam
    >>> from pellucid.testing import check_optimizer
    >>> check_optimizer(Adam(0.01, clip_norm=1.0))
    """
    check_part(optimizer)
    # Plain layers whose weights stand for those of any network.
    network = NeuralNetwork(["prelu", Dense(3)], loss="sum_of_squares", input_shape=2)
    layout = network.blueprint.layout.parameters
    decayed = locked(layout.mask(lambda name, slot: slot.role == "weight"))
    trained = locked(layout.mask(["dense_1.W"]))
    random = Random(seed, "testing")
    start = random.normal((layout.size,)).astype(np.float32)
    slopes = random.normal((steps, layout.size)).astype(np.float32)
    slopes[:, 1] = 0.0  # a weight that nothing moves
    slopes[2:3] = 0.0  # a step without any slope
    _check_downhill(optimizer, start, slopes[0])

    for mask in (None, trained):
        with expecting(optimizer, "writing the update down"):
            program = tracing.update(network.blueprint, optimizer, mask is not None)
        ends = {}
        for dtype in ("float32", "float64"):
            descent = _Descent(optimizer, program, decayed, mask, steps)
            ends[dtype] = descent.run(start.astype(dtype), slopes.astype(dtype))
        if mask is not None:
            assert same_bits(ends["float32"][~mask], start[~mask]), (
                f"{optimizer!r}: weights that are frozen were changed."
            )
        what = f"weights after {steps} steps in float32 beside float64"
        check_agreement(optimizer, what, ends["float32"], ends["float64"], 1e-4)


def _check_downhill(optimizer: Optimizer, w: NDArray[Any], g: NDArray[Any]) -> None:
    memory = Memory({name: np.zeros_like(w) for name in optimizer.memories})
    with expecting(optimizer, "the first step"):
        moved = optimizer.step(w, g, memory, 1, optimizer.rate(0, 100)) - w
    assert (moved * g).sum() < 0, f"{optimizer!r}: the first step goes uphill."


@dataclass
class _Descent:
    """Some steps of an optimizer, by its formula and by its Program side by side."""

    optimizer: Optimizer
    program: Program
    decayed: NDArray[np.bool_]
    trained: NDArray[np.bool_] | None
    steps: int

    def run(self, w: NDArray[Any], slopes: NDArray[Any]) -> NDArray[Any]:
        """Return the last weights."""
        memory = {name: np.zeros_like(w) for name in self.optimizer.memories}
        for step, g in enumerate(slopes):
            w = self._step(locked(w), locked(g), memory, step)
        return w

    def _step(
        self, w: NDArray[Any], g: NDArray[Any], memory: dict[str, Any], step: int
    ) -> NDArray[Any]:
        """Return the weights after one step, and change the memory."""
        optimizer, dtype = self.optimizer, w.dtype
        rate = optimizer.rate(step, self.steps)
        given = {"w": w, "g": g, "t": step + 1, "rate": rate}
        given |= {"decayed": self.decayed, "trained": self.trained}
        given |= {"memory": {name: vector.copy() for name, vector in memory.items()}}
        with expecting(optimizer, f"running its Program in {dtype}"):
            results = self.program.run(given, 1, dtype)

        view = Memory(memory)
        new: NDArray[Any]
        with expecting(optimizer, f"step {step + 1} in {dtype}"):
            new = optimizer.update(
                w, g, view, step + 1, rate, self.decayed, self.trained
            )
            view.keep()
        kind = f"{new.dtype} of shape {new.shape}"
        assert kind == f"{dtype} of shape {w.shape}", (
            f"{optimizer!r}: new weights are {kind} for {dtype} of shape {w.shape}."
        )
        assert np.isfinite(new).all(), f"{optimizer!r}: step {step + 1} is not finite."
        wanted = {("new", "w"): new}
        wanted |= {("memory", name): vector for name, vector in memory.items()}
        for place, value in results.items():
            assert same_bits(value, wanted[place]), (
                f"{optimizer!r}: its Program gives {' '.join(place)} in other bits at "
                f"step {step + 1}, {dtype}."
            )
        return new
