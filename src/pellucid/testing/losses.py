"""Losses: slopes, rows, dtypes, the Program beside the loss, and the link."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from pellucid.activations import Activation
from pellucid.layers.dense import Dense
from pellucid.losses import Loss
from pellucid.network import NeuralNetwork
from pellucid.program import Program, write_down
from pellucid.rng import Random
from pellucid.symbol import FLOAT, INTEGER, Trace
from pellucid.testing.arrays import check_agreement, locked, same_bits
from pellucid.testing.differences import check_gradient
from pellucid.testing.parts import check_file, check_part, expecting


def check_loss(loss: Loss, outputs: int = 3, *, rows: int = 5, seed: int = 0) -> None:
    """Check a loss.

    The slope agrees with central differences, each sample's loss depends on its own row
    only, arrays are not changed in place, dtypes are kept, float32 agrees with float64,
    the loss can be written down with the same numbers in every bit, its link (if it has
    one) gives the same written and left out, and a network with it comes back from a
    file.

    Parameters
    ----------
    loss : Loss
        With any settings.
    outputs : int
        Length of the predictions; a multiple of `per_target`.
    rows : int
        Number of samples.
    seed : int
        Seed of the numbers that are tried.

    Raises
    ------
    AssertionError
        If a promise is broken.

    Examples
    --------
    >>> from pellucid.losses import Huber
    >>> from pellucid.testing import check_loss
    >>> check_loss(Huber(0.5))
    """
    check_part(loss)
    assert loss.reduction in ("sum", "mean"), f"{loss!r}: reduction {loss.reduction!r}."
    assert loss.task in ("numbers", "classes", "labels"), f"{loss!r}: {loss.task!r}."
    random = Random(seed, "testing")
    y_hat = random.normal((rows, outputs)).astype(np.float32)
    y = _targets(loss, random, rows, outputs)
    program = _program(loss, outputs)
    single = _check_in(loss, program, y_hat, y)
    double = _check_in(loss, program, y_hat.astype(np.float64), _as_floats(y))
    for name in ("value", "slope"):
        what = f"{name} in float32 beside float64"
        check_agreement(loss, what, single[name], double[name], 1e-5)

    at, target = y_hat.astype(np.float64), locked(_as_floats(y))

    def total(moved: NDArray[Any]) -> float:
        with expecting(loss, "value"):
            return float(loss.value(moved, target).sum())

    terms = float(np.abs(double["value"]).sum())
    check_gradient(loss, "slope", double["slope"], total, at, terms)
    for row in range(rows):
        here = slice(row, row + 1)
        alone = loss.value(at[here], target[here])
        what = f"value of row {row} alone"
        check_agreement(loss, what, alone, double["value"][here], 1e-12)
    _check_networks(loss, outputs, y, seed)


def _targets(loss: Loss, random: Random, rows: int, outputs: int) -> NDArray[Any]:
    answers = outputs // loss.per_target
    if loss.task == "classes":
        return random.integers(0, answers, (rows,))
    if loss.task == "labels":
        return random.integers(0, 2, (rows, answers)).astype(np.float32)
    y = random.normal((rows, answers)).astype(np.float32)
    return np.maximum(y, loss.least).astype(np.float32)


def _as_floats(y: NDArray[Any]) -> NDArray[Any]:
    """Return numbers in float64, and classes as they are."""
    return y if y.dtype.kind == "i" else y.astype(np.float64)


def _program(loss: Loss, outputs: int) -> Program:
    def write(trace: Trace) -> None:
        y_hat = trace.leaf("y_hat", "", (trace.batch, outputs))
        if loss.task == "classes":
            y = trace.leaf("y", "", (trace.batch,), INTEGER)
        else:
            y = trace.leaf("y", "", (trace.batch, outputs // loss.per_target), FLOAT)
        trace.outputs["value", ""] = loss.value(y_hat, y)
        trace.outputs["slope", ""] = loss.slope(y_hat, y)

    with expecting(loss, "writing it down"):
        return write_down(repr(loss), write)


def _check_in(
    loss: Loss, program: Program, y_hat: NDArray[Any], y: NDArray[Any]
) -> dict[str, NDArray[Any]]:
    """Return value and slope in one dtype, after checking what does not need two."""
    found = {}
    locked(y_hat), locked(y)
    for name, shape in (("value", y_hat.shape[:1]), ("slope", y_hat.shape)):
        with expecting(loss, f"{name} in {y_hat.dtype}"):
            array = getattr(loss, name)(y_hat, y)
            again = getattr(loss, name)(y_hat, y)
        assert array.shape == shape, (
            f"{loss!r}: {name} has shape {array.shape}, expected {shape}."
        )
        assert array.dtype == y_hat.dtype, (
            f"{loss!r}: {name} is {array.dtype} in a network of {y_hat.dtype}."
        )
        assert same_bits(array, again), f"{loss!r}: {name} differs when called twice."
        found[name] = array
    with expecting(loss, "running its Program"):
        results = program.run({"y_hat": y_hat, "y": y}, len(y), y_hat.dtype)
    for name, array in found.items():
        assert same_bits(results[name, ""], array), (
            f"{loss!r}: its Program gives {name} in other bits, {y_hat.dtype}."
        )
    return found


def _check_networks(loss: Loss, outputs: int, y: NDArray[Any], seed: int) -> None:
    """Check that networks with and without the link learn alike, and can be kept."""
    x = Random(seed, "testing", "x").normal((len(y), 2))
    endings: list[Activation | None] = [None]
    if loss.link is not None:
        with expecting(loss, "its link"):
            endings.append(Activation.of(loss.link))
    found = []
    for activation in endings:
        with expecting(loss, f"a network that ends in {activation!r}"):
            layer = Dense(outputs, activation)
            network = NeuralNetwork(
                [layer], loss=loss, input_shape=2, dtype="float64", seed=seed
            )
            value, gradients = network.backprop(x, y)
            network.program()
        found.append([value, *gradients.vector])
        check_file(loss, network)
    what = f"with {loss.link} written, beside left out"
    check_agreement(loss, what, found[-1], found[0], 1e-12)
